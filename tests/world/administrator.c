/* SPDX-License-Identifier: Apache-2.0 */
/* The administrator: `carillon config apply`, over a link to config with the installation's secret.
 */
#include "tests/world/world.h"

#include "gen/messages.h"
#include "servers/supervisor/installation.h"

#include <stdio.h>

enum { APPLY_MS = 20000, PAUSE_MS = 2500 };

struct administrator {
    struct world *world;
    struct link *link;
    void (*ended)(void *self, enum err err, struct text words);
    void *self;
    struct timer *timer;
    uint64_t request;  /* the change under way */
    uint64_t revision; /* of the last acknowledged apply */
};

static void on_applied(void *self, const struct link_error *error, const void *fields)
{
    struct administrator *administrator = self;
    const struct config_apply_done *done = fields;
    administrator->revision = error || !administrator->request ? 0 : done->rev;
    administrator->ended(administrator->self, error ? error->err : ERR_OK,
                         error ? error->text : (struct text){ 0 });
}

void administrator_set_password(struct administrator *administrator, struct text person,
                                void (*ended)(void *self, enum err err, struct text words),
                                void *self)
{
    struct config_set_password set = { .head.has = CONFIG_SET_PASSWORD_HAS_USER_NAME |
                                                   CONFIG_SET_PASSWORD_HAS_NEW_PASSWORD,
                                       .user_name = person,
                                       .new_password = TEXT(WORLD_PASSWORD) };
    administrator->ended = ended;
    administrator->self = self;
    link_ask(administrator->link, &MSG_CONFIG_SET_PASSWORD, &set, NULL, APPLY_MS, on_applied,
             administrator);
}

void administrator_apply(struct administrator *administrator, struct text file,
                         void (*ended)(void *self, enum err err, struct text words), void *self)
{
    struct config_apply apply = { .head.has = CONFIG_APPLY_HAS_TEXT | CONFIG_APPLY_HAS_OVERWRITE,
                                  .text = file,
                                  .overwrite = true };
    administrator->ended = ended;
    administrator->self = self;
    link_ask(administrator->link, &MSG_CONFIG_APPLY, &apply, NULL, APPLY_MS, on_applied,
             administrator);
}

/* --- one change after the other --- */

static void on_changed(void *self, enum err err, struct text words)
{
    struct administrator *administrator = self;
    struct world *world = administrator->world;
    bool is_unknown = err == ERR_CLOSED || err == ERR_TIMEOUT || err == ERR_UNAVAILABLE;
    (void)words;
    world_hear(world, (struct event){ .kind = err == ERR_OK ? EVENT_ACKNOWLEDGED
                                              : is_unknown  ? EVENT_LOST
                                                            : EVENT_REFUSED,
                                      .request = administrator->request,
                                      .revision = administrator->revision });
    administrator->request = 0;
    world->requests_open--;
    timer_start(administrator->timer, 1 + world_below(world, PAUSE_MS));
}

static void change_something(void *self)
{
    struct administrator *administrator = self;
    struct world *world = administrator->world;
    char file[256], value[32];
    if (world->is_ending) return;
    administrator->request = world_next_request(world);
    world->requests_open++;
    (void)snprintf(value, sizeof value, "name %llu", (unsigned long long)administrator->request);
    (void)snprintf(file, sizeof file,
                   "{\"format\":\"cc-config\",\"version\":1,\"persons\":[{\"employeeId\":\"a1\","
                   "\"userName\":\"a1\",\"isAgent\":true,\"firstName\":\"%s\"}]}",
                   value);
    world_hear(world, (struct event){ .kind = EVENT_ASKED,
                                      .request = administrator->request,
                                      .ask = ASK_SET,
                                      .name = TEXT("first name of a1"),
                                      .value = text_of(value) });
    administrator_apply(administrator, text_of(file), on_changed, administrator);
}

void administrator_begin(struct administrator *administrator)
{
    timer_start(administrator->timer, 1 + world_below(administrator->world, PAUSE_MS));
}

struct link *administrator_link(struct world *world, const char *address, const char *server,
                                void *self)
{
    static const struct link_handler none[] = { { 0 } };
    static const struct link_life life = { 0 };
    struct link_options options = { .reconnect_ms = 200 };
    struct link_identity *identity = scope_alloc(world->life, sizeof *identity);
    uint8_t *secret = scope_alloc(world->life, INSTALLATION_SECRET_BYTES);
    struct fault fault;
    if (installation_read_secret(world->options->data_dir, secret, &fault))
        world_fail(world, "the secret: %s", fault.words);
    *identity =
        (struct link_identity){ .application = TEXT("tool"),
                                .role = TEXT("tool"),
                                .build = TEXT(CARILLON_VERSION),
                                .secret = { (const char *)secret, INSTALLATION_SECRET_BYTES },
                                .secret_is_master = true };
    return link_connect(world->life, world->net, &world->log, text_of(address), text_of(server),
                        identity, &options, none, &life, self);
}

struct administrator *administrator_new(struct world *world)
{
    struct administrator *administrator = scope_alloc(world->life, sizeof *administrator);
    administrator->world = world;
    administrator->timer = timer_new(world->life, world->loop, change_something, administrator);
    administrator->link = administrator_link(world, "127.0.0.1:2020", "config", administrator);
    return administrator;
}
