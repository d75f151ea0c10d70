/* SPDX-License-Identifier: Apache-2.0 */
/* What comes back after a death, from a real file on a real loop. */
#include "tests/unit/test.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/config/server.h"
#include "servers/config/server_seal.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

extern const struct app_type APP_TYPE_CONFIG;

struct life {
    struct scope *scope;
    struct loop *loop;
    struct app *app;
    struct config_server *server;
};

static struct life live(const char *folder, enum err *err)
{
    struct life life = { .scope = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
    struct fault fault = { 0 };
    life.loop = loop_new(life.scope);
    life.app = app_new_for_test(life.scope, life.loop, &APP_TYPE_CONFIG, TEXT("config"));
    life.app->data_dir = text_of(folder);
    *err = app_begin(life.app, &fault);
    life.server = app_server(life.app);
    return life;
}

/* Runs until the change is durable, or two seconds. */
static void settle(struct life *life)
{
    for (int i = 0; i < 200 && (life->server->in_flight || life->server->rev == 0); i++)
        loop_run_for(life->loop, 10);
}

static void stage_place(struct write *write)
{
    struct pair name = { TEXT("name"), { .kind = VALUE_TEXT, .text = TEXT("p") } };
    struct kv value = { &name, 1 };
    struct change_step step = { .op = CHANGE_CREATE, .type = &OBJECT_PLACE, .value = &value };
    struct change_world world = { 0 };
    change_set_step(write->set, &step, &write->problems);
    secret_changes_put(write->secrets, TEXT("db"), TEXT("open-sesame"));
    change_set_finish(write->set, &world, &write->problems, &write->warnings);
}

static void no_reply(struct write *write)
{
    (void)write;
}

static void empty(const char *folder)
{
    static const char *const files[] = { "/config/config.db", "/config/config.db-wal",
                                         "/config/config.db-shm", "/config", "" };
    char path[128];
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        snprintf(path, sizeof path, "%s%s", folder, files[i]);
        (void)remove(path);
    }
}

TEST(objects_revision_epoch_secrets_and_events_come_back)
{
    char folder[] = "/tmp/carillon-config-XXXXXX", epoch[64];
    enum err err;
    CHECK(mkdtemp(folder) != NULL);
    struct life life = live(folder, &err);
    CHECK_OK(err);
    settle(&life);
    CHECK_I64(life.server->rev, 1);
    CHECK_OK(text_to_z(life.server->epoch, epoch, sizeof epoch));
    struct write *write = write_new(life.server, NULL, NULL);
    write->stage = stage_place;
    write->reply = no_reply;
    write_submit(write);
    settle(&life);
    CHECK_I64(life.server->rev, 2);
    size_t count = object_set_count(life.server->objects);
    scope_close(life.scope); /* no goodbye */

    life = live(folder, &err);
    CHECK_OK(err);
    CHECK_I64(life.server->rev, 2);
    CHECK_TEXT(life.server->epoch, epoch);
    CHECK_I64(object_set_count(life.server->objects), count);
    const struct object *place =
        object_set_find(life.server->objects, &OBJECT_PLACE, OBJECT_TENANT_DEFAULT, TEXT("p"));
    CHECK(place && place->dbid == 1 && place->rev == 2);
    struct text value;
    CHECK(secrets_find(life.server->secrets, TEXT("db"), &value));
    CHECK_TEXT(value, "open-sesame");
    CHECK(event_log_covers(life.server->events, 0, 2));
    CHECK_TEXT(event_log_find(life.server->events, 2)->events[0].json, "{\"name\":\"p\"}");
    scope_close(life.scope);
    empty(folder);
}

TEST(a_sealed_secret_opens_only_with_its_key_its_name_and_untouched)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    uint8_t key[SEAL_KEY_BYTES] = { 1 }, other[SEAL_KEY_BYTES] = { 2 };
    struct text sealed = seal_close(scope, key, TEXT("db"), TEXT("open-sesame")), value;
    CHECK_OK(seal_open(scope, key, TEXT("db"), sealed, &value));
    CHECK_TEXT(value, "open-sesame");
    CHECK(memmem(sealed.at, sealed.len, "sesame", 6) == NULL);
    CHECK(seal_open(scope, other, TEXT("db"), sealed, &value) == ERR_DENIED);
    CHECK(seal_open(scope, key, TEXT("dc"), sealed, &value) == ERR_DENIED);
    for (size_t len = 0; len < sealed.len; len++)
        CHECK(seal_open(scope, key, TEXT("db"), text_slice(sealed, 0, len), &value) == ERR_DENIED);
    scope_close(scope);
}
