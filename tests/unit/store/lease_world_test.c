/* SPDX-License-Identifier: Apache-2.0 */
/* Three nodes, each with a store of its own on one simulated file, compete for the lease; whoever
 * holds it writes rows stamped with its epoch. Nodes are killed, the power is cut, disks are slow,
 * full or failing, the clock is stepped by hours. LEASE_WORLD_SEED=n runs one seed alone. */
#include "tests/world/lease_check.h"

#include "base/random.h"
#include "store/lease.h"
#include "store/sim_disk.h"
#include "store/sim_store.h"
#include "tests/unit/store/ground.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    NODES = 3,
    SEEDS = 250,
    TTL_MS = 3000,
    LIFE_MS = 15000,
    MOMENT_MS = 50,
    WRITE_MS_MAX = 150, /* between two rows of a holder */
    SLOW_MS_MAX = 6000, /* of one node's commits */
    STEP_MS_MAX = 7200000,
    DOWN_MS_MAX = 2000,
    SERIALS_MAX = 8192,
    /* A third until a row is first seen that nobody renews any more, its life, a third until it is
     * seen again; then queries and commits. */
    BOUND_MS = TTL_MS + 2 * (TTL_MS / 3) + 300,
};

struct node {
    struct world *world;
    uint32_t number; /* 1.. */
    struct scope *life, *lease_life;
    struct store *store;
    struct lease *lease;
    struct timer *write_timer, *retake_timer;
    uint64_t epoch; /* 0: not held */
    bool is_slow, is_broken;
    uint64_t slow_until_ms; /* what was begun slowly ends by then */
    uint64_t up_at_ms;      /* of the dead: when they come again */
};

struct world {
    struct scope *life;
    struct loop *loop;
    struct node nodes[NODES];
    struct timer *trouble_timer, *moment_timer;
    struct lease_check check;
    uint64_t newest;
    uint32_t serial, acknowledged, found, taken;
    bool is_acknowledged[SERIALS_MAX], is_calm, is_troubled, is_full;
};

static const char path[] = "sim:/data/pair.db";
static const struct statement insert_row = {
    "INSERT INTO stamped (epoch, node, serial) VALUES (?1, ?2, ?3)"
};

static uint64_t chance(struct world *world, uint64_t limit)
{
    return random_below(loop_random(world->loop), limit);
}

/* --- a node --- */

struct writing {
    struct node *node;
    uint32_t serial;
};

static void on_written(void *self, const struct change_result *result)
{
    struct writing *writing = self;
    struct world *world = writing->node->world;
    if (result->err) return;
    world->is_acknowledged[writing->serial] = true;
    world->acknowledged++;
}

static void write_row(void *self)
{
    struct node *node = self;
    struct world *world = node->world;
    if (node->epoch == 0) return;
    CHECK(world->serial + 1 < SERIALS_MAX);
    struct writing *writing = scope_alloc(node->life, sizeof *writing);
    *writing = (struct writing){ .node = node, .serial = ++world->serial };
    struct change *change = change_new(node->store);
    change_add(change, &insert_row, 1);
    change_bind_i64(change, (int64_t)node->epoch);
    change_bind_i64(change, node->number);
    change_bind_i64(change, writing->serial);
    change_submit(change, on_written, writing);
    timer_start(node->write_timer, 1 + chance(world, WRITE_MS_MAX));
}

static void on_taken(void *self, uint64_t epoch)
{
    struct node *node = self;
    node->epoch = epoch;
    if (epoch > node->world->newest) node->world->newest = epoch; /* a slow answer comes late */
    node->world->taken++;
    lease_check_taken(&node->world->check, epoch, node->number);
    write_row(node);
}

static void on_lost(void *self)
{
    struct node *node = self;
    node->epoch = 0;
    timer_start(node->retake_timer, 1 + chance(node->world, 100));
}

static void take(void *self)
{
    struct node *node = self;
    char name[16];
    (void)snprintf(name, sizeof name, "node-%u", node->number);
    scope_close(node->lease_life);
    node->lease_life = scope_new(node->life, "lease of node", SCOPE_NO_LIMIT);
    node->lease = lease_take(node->lease_life, node->store, TEXT("primary"), text_of(name), TTL_MS,
                             on_taken, on_lost, node);
}

/* Its store must be opened again, by a new process. */
static void on_trouble(void *self, enum store_trouble kind, const char *words)
{
    struct node *node = self;
    (void)words;
    if (kind == STORE_TROUBLE_BROKEN) node->is_broken = true;
}

/* Where the disk is full or fails it comes again later. */
static void node_start(struct node *node)
{
    struct world *world = node->world;
    node->life = scope_new(world->life, "node", SCOPE_NO_LIMIT);
    enum err err = store_open(node->life, world->loop, NULL, text_of(path), ground_migrations(),
                              NULL, &node->store, NULL);
    if (!err)
        err = store_execute_now(node->store,
                                TEXT("CREATE TABLE IF NOT EXISTS stamped (id INTEGER PRIMARY KEY,"
                                     "epoch INTEGER, node INTEGER, serial INTEGER UNIQUE)"),
                                NULL);
    if (err) {
        scope_close(node->life);
        node->life = NULL;
        node->up_at_ms = loop_now_mono_ms(world->loop) + 100;
        return;
    }
    store_on_trouble(node->store, on_trouble, node);
    node->write_timer = timer_new(node->life, world->loop, write_row, node);
    node->retake_timer = timer_new(node->life, world->loop, take, node);
    take(node);
}

static void node_bury(struct node *node, uint64_t down_ms)
{
    scope_close(node->life);
    *node = (struct node){ .world = node->world,
                           .number = node->number,
                           .up_at_ms = loop_now_mono_ms(node->world->loop) + down_ms };
}

static void node_kill(struct node *node, uint64_t down_ms)
{
    if (node->life == NULL) return;
    sim_store_kill(node->store);
    node_bury(node, down_ms);
}

/* --- trouble --- */

static void cut_power(struct world *world)
{
    sim_disk_crash(world->loop, TEXT(""), SIM_CRASH_POWER);
    for (int i = 0; i < NODES; i++)
        if (world->nodes[i].life) node_bury(&world->nodes[i], chance(world, DOWN_MS_MAX));
}

static void slow_down(struct world *world, struct node *node)
{
    if (node->life == NULL) return;
    node->is_slow = !node->is_slow;
    node->slow_until_ms = loop_now_mono_ms(world->loop) + SLOW_MS_MAX;
    sim_store_times(node->store, node->is_slow ? (uint32_t)chance(world, SLOW_MS_MAX) : 2,
                    node->is_slow ? 1 + (uint32_t)chance(world, 200) : 1);
}

static void fill_or_free(struct world *world)
{
    world->is_full = !world->is_full;
    sim_disk_limit(world->loop, world->is_full ? sim_disk_bytes(world->loop) : 0);
}

static void make_trouble(struct world *world)
{
    struct node *node = &world->nodes[chance(world, NODES)];
    int64_t step_ms = (int64_t)chance(world, STEP_MS_MAX);
    world->is_troubled = true;
    switch (chance(world, 10)) {
    case 0:
    case 1: node_kill(node, chance(world, DOWN_MS_MAX)); break;
    case 2: cut_power(world); break;
    case 3:
    case 4:
    case 5: slow_down(world, node); break;
    case 6: loop_step_utc(world->loop, step_ms); break;
    case 7: loop_step_utc(world->loop, -step_ms); break;
    case 8: fill_or_free(world); break;
    default: sim_disk_fail(world->loop, TEXT(""), SIM_SYNC, 1); break;
    }
}

static void on_trouble_time(void *self)
{
    struct world *world = self;
    if (world->is_calm) return;
    make_trouble(world);
    bool is_long = chance(world, 6) == 0;
    timer_start(world->trouble_timer, is_long ? 2 * BOUND_MS : 20 + chance(world, 1000));
}

/* --- seeing --- */

static bool is_slow(const struct node *node, uint64_t now)
{
    return node->is_slow || now < node->slow_until_ms;
}

static void on_moment(void *self)
{
    struct world *world = self;
    uint64_t now = loop_now_mono_ms(world->loop);
    bool is_held = false, is_well = !world->is_troubled && !world->is_full, is_alive = false;
    for (int i = 0; i < NODES; i++) {
        struct node *node = &world->nodes[i];
        if (node->is_broken) node_kill(node, 100);
        if (node->life == NULL && now >= node->up_at_ms) node_start(node);
        if (node->life == NULL) continue;
        is_alive = true;
        if (is_slow(node, now)) is_well = false;
        if (node->epoch == world->newest && node->epoch) is_held = true;
    }
    lease_check_moment(&world->check, now, is_held, is_well && is_alive);
    world->is_troubled = false;
    timer_start(world->moment_timer, MOMENT_MS);
}

static void see_rows(void *self, enum err err, const struct rows *rows)
{
    struct world *world = self;
    CHECK_OK(err);
    lease_check_rows(&world->check);
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        lease_check_row(&world->check, (uint64_t)rows_i64(rows, i, 0),
                        (uint32_t)rows_i64(rows, i, 1));
        if (world->is_acknowledged[rows_i64(rows, i, 2)]) world->found++;
    }
}

static void look_at_rows(struct world *world)
{
    static const struct statement all = { "SELECT epoch, node, serial FROM stamped ORDER BY id" };
    struct query query = { .statement = &all };
    CHECK_OK(store_query_now(world->nodes[0].store, &query, see_rows, world));
}

/* --- a world --- */

static void calm_down(struct world *world)
{
    uint64_t now = loop_now_mono_ms(world->loop);
    world->is_calm = true;
    fill_or_free(world);
    if (world->is_full) fill_or_free(world);
    sim_disk_fail(world->loop, TEXT(""), SIM_SYNC, 0);
    for (int i = 0; i < NODES; i++)
        if (world->nodes[i].life && is_slow(&world->nodes[i], now)) node_kill(&world->nodes[i], 0);
}

struct findings {
    char words[120];
    uint32_t lost, taken, acknowledged;
    uint64_t digest;
    bool is_held;
};

static struct findings live(uint64_t seed, bool is_digested)
{
    static struct world world;
    world = (struct world){ .check = { .bound_ms = BOUND_MS } };
    world.life = scope_new(NULL, "world", SCOPE_NO_LIMIT);
    world.loop = loop_new_virtual(world.life, 1000000000000, seed);
    world.trouble_timer = timer_new(world.life, world.loop, on_trouble_time, &world);
    world.moment_timer = timer_new(world.life, world.loop, on_moment, &world);
    for (uint32_t i = 0; i < NODES; i++)
        world.nodes[i] = (struct node){ .world = &world, .number = i + 1 };
    on_moment(&world);
    timer_start(world.trouble_timer, 500);
    loop_run_for(world.loop, LIFE_MS);
    calm_down(&world);
    loop_run_for(world.loop, DOWN_MS_MAX + BOUND_MS + 500);
    look_at_rows(&world);
    struct findings findings = {
        .lost = world.acknowledged - world.found,
        .acknowledged = world.acknowledged,
        .taken = world.taken,
        .digest = is_digested ? sim_disk_digest(world.loop) : 0,
    };
    for (int i = 0; i < NODES; i++)
        if (world.nodes[i].epoch == world.newest) findings.is_held = true;
    memcpy(findings.words, world.check.words, sizeof findings.words);
    scope_close(world.life);
    return findings;
}

static void check_seed(uint64_t seed)
{
    struct findings findings = live(seed, false);
    bool is_well = findings.words[0] == '\0' && findings.lost == 0 && findings.is_held;
    if (!is_well)
        print_message("LEASE_WORLD_SEED=%u: %s; %u of %u acknowledged rows lost; %s\n",
                      (unsigned)seed, findings.words, findings.lost, findings.acknowledged,
                      findings.is_held ? "held" : "not held at the end");
    CHECK(is_well);
}

TEST(of_three_nodes_with_all_kinds_of_trouble_none_writes_after_it_lost_the_lease)
{
    const char *alone = getenv("LEASE_WORLD_SEED");
    uint64_t seed;
    if (alone && text_to_u64(text_of(alone), 0, UINT64_MAX, &seed) == ERR_OK)
        check_seed(seed);
    else
        for (seed = 1; seed <= SEEDS; seed++) check_seed(seed);
}

TEST(the_same_seed_is_the_same_world_byte_for_byte)
{
    struct findings one = live(7, true), two = live(7, true), other = live(8, true);
    CHECK(one.acknowledged > 20 && one.taken > 0);
    CHECK(one.digest == two.digest);
    CHECK(one.digest != other.digest);
}
