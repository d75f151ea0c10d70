/* SPDX-License-Identifier: Apache-2.0 */
/* What befalls the world. Each trouble is chosen by chance, most last for a while and end by
 * themselves; trouble_end() ends all. Begin with the table. */
#include "tests/world/world.h"

#include "io/net/sim_net.h"
#include "store/sim_disk.h"

#include <stdio.h>

enum {
    LASTS_MS = 6000,
    DEEDS_MAX = 60, /* of the disk, until a process dies between two of them */
    CLOCK_STEP_MS = 7200000,
    GHOST_OF_MILLION = 50000,
    GHOST_MS = 20000,
};

static const char *const places[] = { "127.0.0.1:2020", "127.0.0.1:6100", "127.0.0.1:6101",
                                      "127.0.0.1:8090", "127.0.0.1:9300", "127.0.0.1:2022" };
static const char *const stores[] = { "outbound", "outbound", "config", "web", "config" };
enum { PLACES = sizeof places / sizeof *places, STORES = sizeof stores / sizeof *stores };

struct trouble {
    struct world *world;
    struct text place, store; /* where it is */
    struct timer *timer;      /* rings when it is over */
    void (*heal)(struct trouble *trouble);
};

static void say(struct world *world, const char *what, struct text where)
{
    char line[128];
    (void)snprintf(line, sizeof line, "%s %.*s", what, TEXT_ARG(where));
    world_hear(world, (struct event){ .kind = EVENT_KILLED, .who = text_of(line) });
}

/* --- those that are over at once ----------------------------------------------------------------
 */

static void kill_one(struct trouble *trouble)
{
    static const char *const victims[] = { "outbound",   "outbound",   "outbound", "web", "config",
                                           "http_proxy", "supervisor", "control",  "copy" };
    struct world *world = trouble->world;
    machine_kill(world->machine,
                 text_of(victims[world_below(world, sizeof victims / sizeof *victims)]));
}

static void kill_two(struct trouble *trouble)
{
    kill_one(trouble);
    kill_one(trouble);
}

static void cut_power(struct trouble *trouble)
{
    machine_cut_power(trouble->world->machine);
}

static void on_stopped(void *self)
{
    struct trouble *trouble = self;
    machine_kill(trouble->world->machine, trouble->store);
}

/* kill -9 between two writes of a commit. */
static void kill_in_commit(struct trouble *trouble)
{
    struct world *world = trouble->world;
    say(world, "soon, in a commit:", trouble->store);
    sim_disk_stop_after(world->loop, machine_store(world->machine, world->life, trouble->store),
                        1 + world_below(world, DEEDS_MAX), on_stopped, trouble);
}

static void step_clock(struct trouble *trouble)
{
    struct world *world = trouble->world;
    int64_t by_ms = (int64_t)world_below(world, 2 * CLOCK_STEP_MS) - CLOCK_STEP_MS;
    say(world, by_ms > 0 ? "the clock is set forward" : "the clock is set back", TEXT(""));
    loop_step_utc(world->loop, by_ms);
}

static void break_connections(struct trouble *trouble)
{
    say(trouble->world, "broken: connections to", trouble->place);
    sim_net_break(trouble->world->net, trouble->place);
}

/* --- those that last ----------------------------------------------------------------------------
 */

static void begin_silence(struct trouble *trouble)
{
    say(trouble->world, "silent:", trouble->place);
    sim_net_cut(trouble->world->net, trouble->place, true);
}

static void end_silence(struct trouble *trouble)
{
    sim_net_cut(trouble->world->net, trouble->place, false);
}

static void begin_refusing(struct trouble *trouble)
{
    say(trouble->world, "refusing:", trouble->place);
    sim_net_refuse(trouble->world->net, trouble->place, true);
}

static void end_refusing(struct trouble *trouble)
{
    sim_net_refuse(trouble->world->net, trouble->place, false);
}

static void begin_weather(struct trouble *trouble)
{
    struct world *world = trouble->world;
    struct sim_net_weather weather = sim_net_weather_any(&world->chance);
    weather.repeat = 0;
    if (world->has_ghosts) {
        weather.ghost = GHOST_OF_MILLION;
        weather.ghost_max_ms = GHOST_MS;
        weather.repeat = GHOST_OF_MILLION;
        weather.repeat_max_ms = GHOST_MS;
    }
    say(world, "bad weather", TEXT(""));
    sim_net_set_weather(world->net, &weather);
}

static void end_weather(struct trouble *trouble)
{
    sim_net_set_weather(trouble->world->net, NULL);
}

static void begin_full_disk(struct trouble *trouble)
{
    struct loop *loop = trouble->world->loop;
    say(trouble->world, "full: the disk", TEXT(""));
    sim_disk_limit(loop, sim_disk_bytes(loop) + world_below(trouble->world, 65536));
}

static void end_full_disk(struct trouble *trouble)
{
    sim_disk_limit(trouble->world->loop, 0);
}

static void begin_slow_disk(struct trouble *trouble)
{
    struct world *world = trouble->world;
    say(world, "slow: the disk of", trouble->store);
    sim_disk_slow(world->loop, machine_store(world->machine, world->life, trouble->store),
                  (uint32_t)(1 + world_below(world, 3000)));
}

static void end_slow_disk(struct trouble *trouble)
{
    struct world *world = trouble->world;
    sim_disk_slow(world->loop, machine_store(world->machine, world->life, trouble->store), 0);
}

static void fail_sync(struct trouble *trouble)
{
    struct world *world = trouble->world;
    say(world, "failing: the next sync of", trouble->store);
    sim_disk_fail(world->loop, machine_store(world->machine, world->life, trouble->store), SIM_SYNC,
                  1);
}

/* Chances add up to 100. */
static const struct {
    uint32_t chance;
    void (*begin)(struct trouble *trouble);
    void (*end)(struct trouble *trouble); /* NULL: it is over at once */
} kinds[] = {
    { 30, kill_one, NULL },
    { 6, kill_two, NULL },
    { 6, cut_power, NULL },
    { 16, kill_in_commit, NULL },
    { 4, step_clock, NULL },
    { 6, break_connections, NULL },
    { 8, begin_silence, end_silence },
    { 5, begin_refusing, end_refusing },
    { 10, begin_weather, end_weather },
    { 3, begin_full_disk, end_full_disk },
    { 4, begin_slow_disk, end_slow_disk },
    { 2, fail_sync, NULL },
};
enum { KINDS = sizeof kinds / sizeof *kinds };

static void on_time_up(void *self)
{
    struct trouble *trouble = self;
    if (trouble->heal) trouble->heal(trouble);
    trouble->heal = NULL;
}

void trouble_strike(struct world *world)
{
    struct trouble *trouble = scope_alloc(world->life, sizeof *trouble);
    *trouble = (struct trouble){ .world = world,
                                 .place = text_of(places[world_below(world, PLACES)]),
                                 .store = text_of(stores[world_below(world, STORES)]) };
    uint64_t chosen = world_below(world, 100);
    uint32_t kind = 0;
    while (kind + 1 < KINDS && chosen >= kinds[kind].chance) chosen -= kinds[kind++].chance;
    trouble->heal = kinds[kind].end;
    kinds[kind].begin(trouble);
    if (trouble->heal == NULL) return;
    trouble->timer = timer_new(world->life, world->loop, on_time_up, trouble);
    timer_start(trouble->timer, 1 + world_below(world, LASTS_MS));
}

void trouble_end(struct world *world)
{
    sim_net_set_weather(world->net, NULL);
    for (uint32_t i = 0; i < PLACES; i++) {
        sim_net_cut(world->net, text_of(places[i]), false);
        sim_net_refuse(world->net, text_of(places[i]), false);
        sim_net_break(world->net, text_of(places[i])); /* some are silent for minutes yet */
    }
    sim_disk_limit(world->loop, 0);
    sim_disk_slow(world->loop, TEXT(""), 0);
    sim_disk_fail(world->loop, TEXT(""), SIM_SYNC, 0);
    sim_disk_stop_after(world->loop, TEXT(""), 0, NULL, NULL);
}
