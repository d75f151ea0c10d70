/* SPDX-License-Identifier: Apache-2.0 */
/* Followers: applications of another host that do nothing but know their configuration, of a person
 * who may see little, too, at config and at its proxy. Each dies, lags and is cut off by itself, by
 * a cable of its own, and comes back. Begin with the table. */
#include "tests/world/world.h"

#include "io/net/sim_net.h"
#include "tests/world/configuration.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { WELL_MS = 6000, AWAY_MS = 9000, LAG_MS = 15000 };

/* As centre.jsonc has them. */
static const struct place {
    const char *name, *near_end, *far_end, *server;
} places[FOLLOWERS] = {
    { "follower", "127.0.0.1:2031", "127.0.0.1:2020", "config" },
    { "follower-of-copy", "127.0.0.1:2032", "127.0.0.1:2022", "copy" },
    { "watcher", "127.0.0.1:2033", "127.0.0.1:2020", "config" },
    { "watcher-of-copy", "127.0.0.1:2034", "127.0.0.1:2022", "copy" },
};

struct follower {
    struct world *world;
    const struct place *place;
    struct text birth;
    struct scope *life; /* NULL: it does not run */
    struct app *app;
    struct timer *timer;
    uint32_t number; /* of its lives */
    bool is_lagging;
};

static void say(const struct follower *follower, enum event_kind kind, const char *what)
{
    char words[64];
    (void)snprintf(words, sizeof words, "%s%s", what, follower->place->name);
    world_hear(follower->world, (struct event){ .kind = kind, .who = text_of(words) });
}

/* --- its life --- */

static enum err start(struct app *app, void **self, struct fault *fault)
{
    (void)fault;
    *self = app;
    app_running(app);
    return ERR_OK;
}

static const struct app_type follower_type = { .name = "follower",
                                               .objects = configuration_followed,
                                               .start = start };

static void end(struct follower *follower)
{
    if (follower->life == NULL) return;
    scope_close(follower->life);
    follower->life = NULL;
    follower->app = NULL;
    say(follower, EVENT_KILLED, "");
}

static void on_end(void *self, int exit_code)
{
    const struct follower *follower = self;
    world_fail(follower->world, "%s ends by itself, with %d", follower->place->name, exit_code);
}

static void begin(struct follower *follower)
{
    struct app_simulation simulation = { .birth = follower->birth,
                                         .log = follower->world->log,
                                         .pid = 1000 + follower->number++,
                                         .on_end = on_end,
                                         .self = follower };
    struct fault fault;
    if (follower->life) return;
    follower->life = scope_new(follower->world->life, follower->place->name, SCOPE_NO_LIMIT);
    if (app_new_simulated(follower->life, follower->world->loop, &follower_type, &simulation,
                          &follower->app, &fault))
        world_fail(follower->world, "%s: %s", follower->place->name, fault.words);
    say(follower, EVENT_STARTED, "");
}

/* --- what befalls it --- */

static void heal(struct follower *follower)
{
    if (follower->is_lagging)
        sim_net_cut(follower->world->net, text_of(follower->place->near_end), false);
    follower->is_lagging = false;
    begin(follower);
}

static void turn(void *self)
{
    struct follower *follower = self;
    struct world *world = follower->world;
    struct text near_end = text_of(follower->place->near_end);
    uint64_t ms = WELL_MS, deed = world_below(world, 100);
    if (world->is_ending) return;
    if (follower->life == NULL || follower->is_lagging) {
        heal(follower);
    } else if (deed < 35) {
        end(follower);
        ms = AWAY_MS;
    } else if (deed < 70) {
        say(follower, EVENT_KILLED, "silent: ");
        sim_net_cut(world->net, near_end, true);
        follower->is_lagging = true;
        ms = LAG_MS;
    } else {
        say(follower, EVENT_KILLED, "broken: connections of ");
        sim_net_break(world->net, near_end);
    }
    timer_start(follower->timer, 1 + world_below(world, ms));
}

/* --- doors --- */

static struct text write_birth(struct world *world, const struct place *place, struct text secret)
{
    struct text folder =
        scope_format(world->life, "%.*s/%s", TEXT_ARG(world->options->data_dir), place->name);
    if (mkdir(folder.at, 0700)) world_fail(world, "%s cannot be made", folder.at);
    return scope_format(world->life,
                        "{\"application\":\"%s\",\"type\":\"follower\",\"secret\":\"%.*s\","
                        "\"run\":\"%s\",\"data\":\"%s\",\"logs\":\"%s\",\"host\":\"elsewhere\","
                        "\"config\":\"%s\",\"config_application\":\"%s\"}",
                        place->name, TEXT_ARG(secret), folder.at, folder.at, folder.at,
                        place->near_end, place->server);
}

static struct text read_secret(struct world *world, char out[128])
{
    const char *path = scope_format(world->life, "%.*s/secret/installation.key",
                                    TEXT_ARG(world->options->data_dir))
                           .at;
    FILE *file = fopen(path, "re");
    if (file == NULL || fgets(out, 128, file) == NULL) world_fail(world, "%s cannot be read", path);
    if (file) (void)fclose(file);
    return text_trim(text_of(out));
}

void followers_begin(struct world *world)
{
    char line[128] = "";
    struct text secret = read_secret(world, line);
    for (uint32_t i = 0; i < FOLLOWERS; i++) {
        struct follower *follower = scope_alloc(world->life, sizeof *follower);
        *follower = (struct follower){ .world = world, .place = &places[i] };
        follower->birth = write_birth(world, &places[i], secret);
        cable_lay(world, text_of(places[i].near_end), text_of(places[i].far_end));
        follower->timer = timer_new(world->life, world->loop, turn, follower);
        world->followers[i] = follower;
        begin(follower);
        timer_start(follower->timer, 1 + world_below(world, WELL_MS));
    }
    explicit_bzero(line, sizeof line);
}

void followers_calm(struct world *world)
{
    for (uint32_t i = 0; i < FOLLOWERS; i++) heal(world->followers[i]);
}

void followers_end(struct world *world)
{
    for (uint32_t i = 0; i < FOLLOWERS && world->followers[i]; i++) end(world->followers[i]);
}

bool follower_held(const struct world *world, uint32_t index, struct text *name, struct held *out)
{
    const struct follower *follower = world->followers[index];
    *name = text_of(places[index].name);
    return follower && follower_holds(follower->app, out);
}
