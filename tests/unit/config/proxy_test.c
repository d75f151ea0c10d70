/* SPDX-License-Identifier: Apache-2.0 */
/* A proxy beside its master, on one virtual clock (framework 3.5): what is read at the one is what
 * is read at the other. */
#include "world.h"

#include "format/json.h"
#include "io/net/sim_net.h"

#include <stdio.h>
#include <string.h>

extern const struct app_type APP_TYPE_CONFIG;

#define MASTER "127.0.0.1:2020"
#define COPY   "127.0.0.1:2019"

static const char applications[] = FILE_HEAD
    "\"hosts\":[{\"name\":\"h\",\"ipAddress\":\"127.0.0.1\"}],\"applications\":["
    "{\"name\":\"config\",\"template\":\"ConfigurationServer\",\"host\":\"h\",\"ports\":[{"
    "\"id\":\"default\",\"number\":2020}]},"
    "{\"name\":\"copy\",\"template\":\"ConfigurationServer\",\"host\":\"h\",\"ports\":[{"
    "\"id\":\"default\",\"number\":2019}],\"connections\":[{\"server\":\"config\"}]},"
    "{\"name\":\"outbound\",\"template\":\"CMServer\",\"host\":\"h\",\"options\":{\"db\":{"
    "\"password\":{\"$secret\":\"db\"}}}}]}";

static struct app *proxy_start(struct world *world)
{
    struct app *app = app_new_for_test(scope_new(world->life, "proxy", SCOPE_NO_LIMIT), world->loop,
                                       &APP_TYPE_CONFIG, TEXT("copy"));
    struct fault fault = { 0 };
    place_app(scope_alloc(app->life, sizeof(struct place)), app);
    CHECK_OK(
        app_put_object(app, &OBJECT_APPLICATION, 901, 1, TEXT(""),
                       TEXT("{\"name\":\"config\",\"type\":\"ConfigurationServer\",\"ports\":[{"
                            "\"id\":\"default\",\"number\":2020}]}"),
                       &fault));
    CHECK_OK(app_put_object(app, &OBJECT_APPLICATION, 902, 1, TEXT(""),
                            TEXT("{\"name\":\"copy\",\"type\":\"ConfigurationServer\",\"ports\":[{"
                                 "\"id\":\"default\",\"number\":2019}],\"connections\":[{"
                                 "\"server\":\"config\"}]}"),
                            &fault));
    app_objects_changed(app, 1);
    CHECK_OK(app_begin(app, &fault));
    loop_run_for(world->loop, 200);
    return app;
}

static enum err set_secret(struct asker *asker, const char *value)
{
    struct pair pair = { TEXT("$env:DB"), { .kind = VALUE_TEXT, .text = text_of(value) } };
    struct config_apply apply = { .head.has = CONFIG_APPLY_HAS_TEXT | CONFIG_APPLY_HAS_VARIABLES,
                                  .text = TEXT(FILE_HEAD "\"secrets\":{\"db\":{\"$env\":\"DB\"}}}"),
                                  .variables = { &pair, 1 } };
    return ask(asker, &MSG_CONFIG_APPLY, &apply);
}

static struct world *world_with_applications(void)
{
    struct world *world = world_new_on_disk("/data");
    struct asker *tool = asker_new(world, "tool", MASTER, "config");
    CHECK_OK(set_secret(tool, "open-sesame"));
    CHECK_OK(apply_file(tool, applications));
    asker_free(tool);
    return world;
}

static uint64_t rev_of(struct asker *asker)
{
    CHECK_OK(ask(asker, &MSG_CONFIG_READ_SERVER, &(struct config_read_server){ 0 }));
    return ((const struct config_server_info *)asker->world->fields)->rev;
}

static struct text body_of(struct asker *asker, const char *type, const char *key)
{
    struct config_read read = { .head.has = CONFIG_READ_HAS_TYPE | CONFIG_READ_HAS_KEY,
                                .type = text_of(type),
                                .key = text_of(key) };
    CHECK_OK(ask(asker, &MSG_CONFIG_READ, &read));
    const struct config_objects *objects = asker->world->fields;
    CHECK_U32(objects->objects.count, 1);
    return scope_keep(asker->world->life, objects->objects.at[0].body);
}

/* Everything: objects, revisions, permissions as they count, secrets as a server sees them. */
static void check_same(struct world *world)
{
    struct asker *at_master = asker_new(world, "tool", MASTER, "config");
    struct asker *at_copy = asker_new(world, "tool", COPY, "copy");
    CHECK_I64(rev_of(at_copy), rev_of(at_master));
    CHECK(text_eq(export_all(at_copy), export_all(at_master)));
    struct asker *server[] = { asker_new(world, "outbound", MASTER, "config"),
                               asker_new(world, "outbound", COPY, "copy") };
    CHECK(text_eq(body_of(server[0], "Application", "outbound"),
                  body_of(server[1], "Application", "outbound")));
    for (int i = 0; i < 2; i++) asker_free(server[i]);
    asker_free(at_master);
    asker_free(at_copy);
}

TEST(a_proxy_serves_what_its_master_has_with_its_revisions_and_epoch)
{
    struct world *world = world_with_applications();
    (void)proxy_start(world);
    struct asker *tool = asker_new(world, "tool", COPY, "copy");
    CHECK_OK(ask(tool, &MSG_CONFIG_READ_SERVER, &(struct config_read_server){ 0 }));
    const struct config_server_info *info = world->fields;
    CHECK_TEXT(info->role, "proxy");
    CHECK_TEXT(info->mode, "full");
    check_same(world);
    struct asker *server = asker_new(world, "outbound", COPY, "copy");
    struct text body = body_of(server, "Application", "outbound");
    CHECK(memmem(body.at, body.len, "open-sesame", 11) != NULL);
    body = body_of(tool, "Application", "outbound");
    CHECK(memmem(body.at, body.len, "open-sesame", 11) == NULL);
    struct config_read last_logins = { .head.has = CONFIG_READ_HAS_TYPE,
                                       .type = TEXT("PersonLastLogin") };
    CHECK_OK(ask(tool, &MSG_CONFIG_READ, &last_logins)); /* accounts are at the master */
    world_free(world);
}

TEST(a_change_at_the_proxy_is_made_at_the_master_in_the_name_of_who_asked)
{
    struct world *world = world_with_applications();
    (void)proxy_start(world);
    struct asker *tool = asker_new(world, "tool", COPY, "copy");
    struct asker *outbound = asker_new(world, "crm", COPY, "copy");
    uint64_t rev = rev_of(tool);
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}"));
    CHECK_I64(answer_rev(world), rev + 1);
    CHECK(change(outbound, "create", "Place", NULL, "{\"name\":\"q\"}") != ERR_OK);
    CHECK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}") == ERR_EXISTS);
    CHECK_TEXT(world->name, "CFGUniquenessViolation");
    CHECK_OK(set_secret(tool, "shazam"));
    struct config_read_history asked = { .head.has = CONFIG_READ_HISTORY_HAS_TYPE,
                                         .type = TEXT("Place") };
    CHECK_OK(ask(tool, &MSG_CONFIG_READ_HISTORY, &asked));
    const struct config_history *history = world->fields;
    CHECK_U32(history->rows.count, 1);
    CHECK_TEXT(history->rows.at[0].application, "tool");
    loop_run_for(world->loop, 100);
    check_same(world);
    struct text body =
        body_of(asker_new(world, "outbound", COPY, "copy"), "Application", "outbound");
    CHECK(memmem(body.at, body.len, "shazam", 6) != NULL);
    world_free(world);
}

TEST(permissions_are_judged_at_the_proxy_as_at_the_master)
{
    struct world *world = world_with_applications();
    (void)proxy_start(world);
    struct asker *at[] = { asker_new(world, "tool", MASTER, "config"),
                           asker_new(world, "tool", COPY, "copy") };
    CHECK_OK(apply_file(at[0], FILE_HEAD "\"persons\":[{\"employeeId\":\"anna\",\"userName\":"
                                         "\"anna\"}],\"places\":[{\"name\":\"p\"}]}"));
    struct config_acl_entry entry = { .head.has = CONFIG_ACL_ENTRY_HAS_ACCOUNT |
                                                  CONFIG_ACL_ENTRY_HAS_MASK,
                                      .account = TEXT("person:anna"),
                                      .mask = TEXT("RH") };
    struct config_change_acl set = { .head.has = CONFIG_CHANGE_ACL_HAS_TYPE |
                                                 CONFIG_CHANGE_ACL_HAS_KEY |
                                                 CONFIG_CHANGE_ACL_HAS_ENTRIES,
                                     .type = TEXT("Place"),
                                     .key = TEXT("p"),
                                     .entries = { &entry, 1 } };
    CHECK_OK(ask(at[1], &MSG_CONFIG_CHANGE_ACL, &set));
    loop_run_for(world->loop, 100);
    struct config_read_acl read = { .head.has = CONFIG_READ_ACL_HAS_TYPE | CONFIG_READ_ACL_HAS_KEY,
                                    .type = TEXT("Place"),
                                    .key = TEXT("p") };
    struct text answers[2];
    for (int i = 0; i < 2; i++) {
        CHECK_OK(ask(at[i], &MSG_CONFIG_READ_ACL, &read));
        CHECK(answer_has(world, "person:anna"));
        answers[i] = scope_keep(world->life, buf_text(&world->json));
    }
    CHECK(text_eq(answers[0], answers[1]));
    for (int i = 0; i < 2; i++) {
        at[i]->header.person = TEXT("anna");
        (void)body_of(at[i], "Place", "p");
        CHECK_OK(
            change(at[i], "update", "Place", "p", i ? "{\"site\":\"a\"}" : "{\"site\":\"b\"}"));
        CHECK(change(at[i], "create", "Place", NULL, "{\"name\":\"q\"}") == ERR_DENIED);
    }
    world_free(world);
}

/* --- subscribers ---------------------------------------------------------------------------- */

struct hearer {
    struct link *link;
    struct world *world;
    struct link_identity identity;
    uint64_t revs[64];
    uint32_t rev_count, resyncs;
    char epoch[64];
};

static void hear_changed(void *self, struct link *link, const void *fields)
{
    struct hearer *hearer = self;
    (void)link;
    CHECK(hearer->rev_count < 64);
    hearer->revs[hearer->rev_count++] = ((const struct config_changed *)fields)->rev;
}

static void hear_resync(void *self, struct link *link, const void *fields)
{
    (void)link, (void)fields;
    ((struct hearer *)self)->resyncs++;
}

static const struct link_handler hearing[] = {
    { .msg = &MSG_CONFIG_CHANGED, .on_event = hear_changed },
    { .msg = &MSG_CONFIG_RESYNC, .on_event = hear_resync },
    { 0 },
};

static void hear_snapshot(void *self, const struct link_error *error, const void *fields)
{
    struct hearer *hearer = self;
    CHECK(error == NULL);
    CHECK_OK(text_to_z(((const struct config_snapshot *)fields)->epoch, hearer->epoch,
                       sizeof hearer->epoch));
}

static void hearer_open(struct world *world, struct hearer *hearer, const char *address,
                        const char *server)
{
    static const struct link_options options = { .reconnect_ms = 100 };
    *hearer = (struct hearer){ .world = world,
                               .identity = { .application = TEXT("outbound"),
                                             .role = TEXT("primary"),
                                             .secret = APP_TEST_SECRET,
                                             .secret_is_master = true } };
    hearer->link = link_connect(world->life, world->net, NULL, text_of(address), text_of(server),
                                &hearer->identity, &options, hearing, NULL, hearer);
    loop_run_for(world->loop, 50);
    struct text types[] = { TEXT("Place") };
    struct config_subscribe subscribe = { .head.has = CONFIG_SUBSCRIBE_HAS_TYPES,
                                          .types = { types, 1 } };
    link_ask(hearer->link, &MSG_CONFIG_SUBSCRIBE, &subscribe, NULL, 5000, hear_snapshot, hearer);
    loop_run_for(world->loop, 50);
    CHECK(hearer->epoch[0] != '\0');
}

TEST(without_its_master_it_is_read_only_and_goes_on_without_loss)
{
    struct world *world = world_with_applications();
    struct hearer hearer;
    (void)proxy_start(world);
    struct asker *tool = asker_new(world, "tool", COPY, "copy");
    struct asker *at_master = asker_new(world, "tool", MASTER, "config");
    uint64_t rev = rev_of(tool);
    hearer_open(world, &hearer, COPY, "copy");
    sim_net_break(world->net, TEXT(MASTER));
    sim_net_refuse(world->net, TEXT(MASTER), true);
    loop_run_for(world->loop, 300);
    CHECK_OK(ask(tool, &MSG_CONFIG_READ_SERVER, &(struct config_read_server){ 0 }));
    CHECK_TEXT(((const struct config_server_info *)world->fields)->mode, "read-only");
    CHECK(change(tool, "create", "Place", NULL, "{\"name\":\"p\"}") == ERR_UNAVAILABLE);
    CHECK_TEXT(world->name, "CFGReadOnly");
    CHECK_I64(world->code, 503);
    CHECK(world->is_retryable);
    CHECK(export_all(tool).len > 0);
    sim_net_refuse(world->net, TEXT(MASTER), false);
    loop_run_for(world->loop, 300);
    asker_free(at_master);
    at_master = asker_new(world, "tool", MASTER, "config");
    for (int i = 0; i < 5; i++) {
        char place[64];
        snprintf(place, sizeof place, "{\"name\":\"p%d\"}", i);
        CHECK_OK(change(at_master, "create", "Place", NULL, place));
    }
    loop_run_for(world->loop, 30000);
    CHECK_U32(hearer.rev_count, 5);
    for (uint32_t i = 0; i < 5; i++) CHECK_I64(hearer.revs[i], rev + 1 + i);
    CHECK_U32(hearer.resyncs, 0);
    check_same(world);
    world_free(world);
}

TEST(F6_who_was_away_from_a_proxy_or_changes_to_its_master_hears_what_it_missed)
{
    struct world *world = world_with_applications();
    (void)proxy_start(world);
    struct asker *tool = asker_new(world, "tool", COPY, "copy");
    struct hearer hearer;
    hearer_open(world, &hearer, COPY, "copy");
    uint64_t rev = rev_of(tool);
    for (int i = 0; i < 5; i++) {
        char place[64];
        snprintf(place, sizeof place, "{\"name\":\"p%d\"}", i);
        CHECK_OK(change(tool, "create", "Place", NULL, place));
    }
    struct text types[] = { TEXT("Place") };
    struct config_subscribe back = {
        .head.has = CONFIG_SUBSCRIBE_HAS_TYPES | CONFIG_SUBSCRIBE_HAS_SINCE_REV |
                    CONFIG_SUBSCRIBE_HAS_EPOCH,
        .types = { types, 1 },
        .since_rev = rev,
        .epoch = text_of(hearer.epoch),
    };
    struct asker *at[] = { asker_new(world, "outbound", COPY, "copy"),
                           asker_new(world, "outbound", MASTER, "config") };
    for (int i = 0; i < 2; i++) {
        CHECK_OK(ask(at[i], &MSG_CONFIG_SUBSCRIBE, &back));
        CHECK(answer_has(world, "\"content\":\"changes\""));
    }
    world_free(world);
}

TEST(a_master_that_lost_its_past_makes_the_proxy_and_its_subscribers_read_anew)
{
    struct world *world = world_with_applications();
    (void)proxy_start(world);
    struct hearer hearer;
    hearer_open(world, &hearer, COPY, "copy");
    world_kill(world);
    world->app->data_dir = TEXT("/other");
    world->place = (struct place){ 0 };
    world_start(world);
    struct asker *tool = asker_new(world, "tool", MASTER, "config");
    CHECK_OK(set_secret(tool, "open-sesame"));
    CHECK_OK(apply_file(tool, applications));
    CHECK_OK(change(tool, "create", "Place", NULL, "{\"name\":\"of another life\"}"));
    loop_run_for(world->loop, 60000);
    CHECK(hearer.resyncs >= 1);
    check_same(world);
    world_free(world);
}
