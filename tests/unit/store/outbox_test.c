/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outbox.h"

#include "store/sim_store.h"
#include "tests/unit/store/ground.h"

#include <stdio.h>
#include <string.h>

enum { IDS_MAX = 3000 };

/* A server with an outbox, and a receiver that remembers what it got. */
struct world {
    struct ground ground;
    struct outbox *outbox;
    struct outbox_options options;
    struct answers answers;
    uint32_t got[IDS_MAX]; /* times, by the number in the id */
    uint32_t count, in_flight, in_flight_most;
    struct effect last; /* id and body copied below */
    char last_id[32], last_body[64], last_headers[64];
    uint32_t last_attempts;
    bool is_mute;   /* never says outbox_committed() */
    bool is_silent; /* never ends a send */
    uint32_t lanes,
        dead_lanes; /* 0: one; effect i is of lane i % lanes, the first ones are silent */
    enum effect_verdict verdict;
    uint64_t retry_in_ms;
    uint64_t takes_ms;       /* how long a send takes; 0: it ends inside */
    struct timer *end_timer; /* of all that were taken */
    uint32_t taken[IDS_MAX], taken_count;
};

static struct text id_of(uint32_t number, char *room)
{
    int len = snprintf(room, 32, "effect-%05u", number);
    return (struct text){ room, (size_t)len };
}

static void end_taken(void *self)
{
    struct world *world = self;
    char id[32];
    uint32_t count = world->taken_count;
    world->taken_count = 0;
    world->in_flight -= count;
    for (uint32_t i = 0; i < count; i++)
        outbox_done(world->outbox, id_of(world->taken[i], id), world->verdict, world->retry_in_ms,
                    TEXT("200"));
}

static void receive(void *self, struct outbox *outbox, const struct effect *effect)
{
    struct world *world = self;
    uint32_t number = 0;
    CHECK_OK(text_to_u32(text_slice(effect->id, 7, 5), 0, IDS_MAX - 1, &number));
    world->got[number]++;
    world->count++;
    world->last_attempts = effect->attempts;
    CHECK_OK(text_to_z(effect->id, world->last_id, sizeof world->last_id));
    CHECK_OK(text_to_z(effect->body, world->last_body, sizeof world->last_body));
    CHECK_OK(text_to_z(effect->headers, world->last_headers, sizeof world->last_headers));
    if (world->is_silent) return;
    if (world->lanes && number % world->lanes < world->dead_lanes) return;
    if (world->takes_ms == 0) {
        outbox_done(outbox, effect->id, world->verdict, world->retry_in_ms, TEXT("200"));
        return;
    }
    world->taken[world->taken_count++] = number;
    if (++world->in_flight > world->in_flight_most) world->in_flight_most = world->in_flight;
    if (!timer_is_running(world->end_timer)) timer_start(world->end_timer, world->takes_ms);
}

static void open_outbox(struct world *world)
{
    static const struct outbox_handler handler = { .send = receive };
    world->end_timer = timer_new(world->ground.store_life, world->ground.loop, end_taken, world);
    world->outbox = outbox_open(world->ground.store_life, world->ground.store, NULL,
                                &world->options, &handler, world);
}

static void begin(struct world *world)
{
    ground_begin(&world->ground, true);
    open_outbox(world);
}

static void end(struct world *world)
{
    ground_end(&world->ground);
}

/* kill -9 and a new start. */
static void crash(struct world *world)
{
    ground_close(&world->ground);
    world->taken_count = world->in_flight = 0;
    CHECK_OK(ground_open(&world->ground, NULL));
    open_outbox(world);
}

struct told {
    struct world *world;
    uint32_t number;
};
static struct told tolds[IDS_MAX];

static void on_cause_durable(void *self, const struct change_result *result)
{
    struct told *told = self;
    char id[32];
    on_answer(&told->world->answers, result);
    if (!result->err && !told->world->is_mute)
        outbox_committed(told->world->outbox, id_of(told->number, id));
}

static void add_due(struct world *world, uint32_t number, int64_t due_in_ms)
{
    char id[32], body[64], lane[16] = "";
    uint64_t now = loop_now_utc_ms(world->ground.loop);
    (void)snprintf(body, sizeof body, "body of %u", number);
    if (world->lanes) (void)snprintf(lane, sizeof lane, "lane %u", number % world->lanes);
    struct effect effect = {
        .id = id_of(number, id),
        .kind = TEXT("notification"),
        .target = TEXT("http://127.0.0.1/hook"),
        .headers = TEXT("X-One: 1"),
        .body = text_of(body),
        .lane = text_of(lane),
        .created_utc_ms = now,
        .due_utc_ms = now + (uint64_t)due_in_ms,
    };
    char words[64];
    (void)snprintf(words, sizeof words, "cause %u", number);
    struct change *change = note_change(&world->ground, (int64_t)number + 1, words);
    outbox_add(world->outbox, change, &effect);
    tolds[number] = (struct told){ world, number };
    change_submit(change, on_cause_durable, &tolds[number]);
}

static void add(struct world *world, uint32_t number)
{
    add_due(world, number, 0);
}

/* Effects 0 .. count - 1; time passes behind each hundred. */
static void add_many(struct world *world, uint32_t count, uint32_t pause_ms)
{
    for (uint32_t i = 0; i < count; i++) {
        add(world, i);
        if (pause_ms && i % 100 == 99) loop_run_for(world->ground.loop, pause_ms);
    }
}

static void check_all_sent_once(const struct world *world, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) CHECK_U32(world->got[i], 1);
}

static int64_t count_state(struct world *world, int state)
{
    static const struct statement by_state[] = {
        { "" },
        { "SELECT count(*) FROM outbox WHERE state = 1" },
        { "SELECT count(*) FROM outbox WHERE state = 2" },
        { "SELECT count(*) FROM outbox WHERE state = 3" },
    };
    return ask_i64(&world->ground, &by_state[state]);
}

TEST(an_effect_is_sent_after_its_cause_is_durable_and_marked_sent)
{
    struct world world = { 0 };
    begin(&world);
    add(&world, 1);
    CHECK_U32(world.count, 0);
    loop_run_for(world.ground.loop, SIM_COMMIT_MS - 1);
    CHECK_U32(world.count, 0);
    loop_run_for(world.ground.loop, 30);
    CHECK_U32(world.got[1], 1);
    CHECK_TEXT(text_of(world.last_id), "effect-00001");
    CHECK_TEXT(text_of(world.last_body), "body of 1");
    CHECK_TEXT(text_of(world.last_headers), "X-One: 1");
    CHECK_I64(count_state(&world, 2), 1);
    struct outbox_counters counters = outbox_counters(world.outbox);
    CHECK_I64(counters.sent, 1);
    CHECK_I64(counters.waiting_now, 0);
    CHECK_I64(counters.in_flight_now, 0);
    end(&world);
}

TEST(an_effect_whose_cause_failed_is_never_sent)
{
    struct world world = { 0 };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 50);
    char id[32];
    struct effect effect = { .id = id_of(2, id) };
    struct change *change = note_change(&world.ground, 2, "the same key again"); /* taken by 1 */
    outbox_add(world.outbox, change, &effect);
    change_submit(change, on_answer, &world.answers);
    change = note_change(&world.ground, 99, "dropped");
    outbox_add(world.outbox, change, &effect);
    change_drop(change);
    loop_run_for(world.ground.loop, 200000);
    CHECK_U32(world.answers.err[1], ERR_EXISTS);
    CHECK_U32(world.count, 1);
    CHECK_I64(count_state(&world, 1), 0);
    end(&world);
}

TEST(what_was_in_flight_at_a_crash_is_sent_again_with_the_same_id_and_bytes)
{
    struct world world = { .is_silent = true };
    begin(&world);
    add(&world, 5);
    loop_run_for(world.ground.loop, 50);
    CHECK_U32(world.got[5], 1);
    memset(world.last_body, 0, sizeof world.last_body);
    world.is_silent = false;
    crash(&world);
    loop_run_for(world.ground.loop, 50);
    CHECK_U32(world.got[5], 2);
    CHECK_TEXT(text_of(world.last_id), "effect-00005");
    CHECK_TEXT(text_of(world.last_body), "body of 5");
    CHECK_TEXT(text_of(world.last_headers), "X-One: 1");
    CHECK_U32(world.last_attempts, 0);
    crash(&world);
    loop_run_for(world.ground.loop, 200000);
    CHECK_U32(world.got[5], 2); /* marked: not again */
    end(&world);
}

TEST(what_was_committed_but_never_sent_is_sent_after_the_crash)
{
    struct world world = { .is_mute = true };
    begin(&world);
    loop_run_for(world.ground.loop, 10); /* it has seen that nothing waits */
    add_many(&world, 500, 0);
    loop_run_for(world.ground.loop,
                 3 * SIM_COMMIT_MS); /* three groups of 100 changes of two rows */
    CHECK_U32(world.count, 0);
    crash(&world);
    loop_run_for(world.ground.loop, 1000);
    CHECK_I64(ask_i64(&world.ground, &count_notes), 300);
    for (uint32_t i = 0; i < 500; i++) CHECK_U32(world.got[i], i < 300 ? 1 : 0);
    CHECK_I64(count_state(&world, 2), 300);
    end(&world);
}

TEST(a_retry_waits_its_time_and_counts_its_attempts)
{
    struct world world = { .verdict = EFFECT_RETRY, .retry_in_ms = 5000 };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 4900);
    CHECK_U32(world.got[1], 1);
    loop_run_for(world.ground.loop, 200);
    CHECK_U32(world.got[1], 2);
    CHECK_U32(world.last_attempts, 1);
    crash(&world); /* and remembers the time over a crash */
    loop_run_for(world.ground.loop, 4000);
    CHECK_U32(world.got[1], 2);
    world.verdict = EFFECT_SENT;
    loop_run_for(world.ground.loop, 1200);
    CHECK_U32(world.got[1], 3);
    CHECK_U32(world.last_attempts, 2);
    CHECK_I64(outbox_counters(world.outbox).waiting_now, 0);
    end(&world);
}

TEST_OF_FILES(a_retry_of_days_is_not_forgotten)
{
    struct world world = { .verdict = EFFECT_RETRY, .retry_in_ms = 2ull * 86400 * 1000 };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 2ull * 86400 * 1000);
    CHECK_U32(world.got[1], 1);
    loop_run_for(world.ground.loop, 1000);
    CHECK_U32(world.got[1], 2);
    end(&world);
}

static void on_replayed(void *self, enum err err)
{
    *(enum err *)self = err;
}

static enum err replay(struct world *world, const char *id)
{
    struct text ids[] = { text_of(id) };
    enum err err = ERR_INTERNAL;
    outbox_replay(world->outbox, ids, 1, on_replayed, &err);
    CHECK_I64(err, ERR_INTERNAL); /* never from inside */
    loop_run_for(world->ground.loop, 50);
    return err;
}

TEST(a_failed_one_stays_and_can_be_replayed)
{
    struct world world = { .verdict = EFFECT_FAILED };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 200000);
    CHECK_U32(world.got[1], 1);
    CHECK_I64(count_state(&world, 3), 1);
    CHECK_I64(outbox_counters(world.outbox).failed, 1);
    world.verdict = EFFECT_SENT;
    CHECK_OK(replay(&world, "effect-00001"));
    CHECK_U32(world.got[1], 2);
    CHECK_U32(world.last_attempts, 0);
    CHECK_TEXT(text_of(world.last_body), "body of 1");
    CHECK_I64(count_state(&world, 2), 1);
    CHECK_I64(replay(&world, "effect-00002"), ERR_CONFLICT); /* never was */
    loop_run_for(world.ground.loop, 200000);
    CHECK_U32(world.count, 2);
    CHECK_I64(outbox_counters(world.outbox).waiting_now, 0);
    end(&world);
}

TEST(a_sent_one_can_be_sent_again_and_a_waiting_one_is_left_alone)
{
    struct world world = { .verdict = EFFECT_SENT };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 50);
    CHECK_OK(replay(&world, "effect-00001"));
    CHECK_U32(world.got[1], 2);
    CHECK_I64(count_state(&world, 2), 1);
    add_due(&world, 2, 3600 * 1000);
    loop_run_for(world.ground.loop, 50);
    CHECK_I64(replay(&world, "effect-00002"), ERR_CONFLICT);
    CHECK_U32(world.got[2], 0);
    CHECK_I64(outbox_counters(world.outbox).waiting_now, 1);
    end(&world);
}

TEST(a_replay_of_several_is_whole_or_nothing)
{
    struct world world = { .verdict = EFFECT_FAILED };
    struct text ids[] = { TEXT("effect-00001"), TEXT("effect-00002"), TEXT("effect-00003") };
    enum err err = ERR_OK;
    begin(&world);
    add(&world, 1);
    add(&world, 2);
    loop_run_for(world.ground.loop, 50);
    outbox_replay(world.outbox, ids, 3, on_replayed, &err);
    loop_run_for(world.ground.loop, 50);
    CHECK_I64(err, ERR_CONFLICT);
    CHECK_U32(world.count, 2);
    outbox_replay(world.outbox, ids, 2, on_replayed, &err);
    loop_run_for(world.ground.loop, 50);
    CHECK_OK(err);
    CHECK_U32(world.count, 4);
    end(&world);
}

TEST(after_a_restart_a_replay_finds_the_lane_of_what_had_failed)
{
    struct world world = { .verdict = EFFECT_FAILED, .lanes = 3 };
    begin(&world);
    add(&world, 2);
    loop_run_for(world.ground.loop, 50);
    crash(&world);
    loop_run_for(world.ground.loop, 50);
    CHECK_OK(replay(&world, "effect-00002"));
    CHECK_U32(world.got[2], 2);
    end(&world);
}

/* --- lanes --- */

TEST(receivers_that_never_answer_hold_up_nobody_else)
{
    struct world world = { .options = { .in_flight_max = 300, .lane_max = 100 },
                           .takes_ms = 5,
                           .lanes = 10,
                           .dead_lanes = 4 };
    begin(&world);
    add_many(&world, 3000, 1);
    loop_run_for(world.ground.loop, 5000);
    for (uint32_t i = 0; i < 3000; i++) {
        if (i % 10 >= 4) CHECK_U32(world.got[i], 1);
        CHECK(world.got[i] <= 1);
    }
    CHECK_I64(count_state(&world, 2), 1800);
    CHECK_I64(count_state(&world, 1), 1200);
    CHECK(outbox_counters(world.outbox).in_flight_now <= 400);
    crash(&world); /* and when all of it is found in the table */
    world.dead_lanes = 2;
    loop_run_for(world.ground.loop, 5000);
    CHECK_I64(count_state(&world, 2), 2400);
    world.dead_lanes = 0;
    crash(&world);
    loop_run_for(world.ground.loop, 5000);
    CHECK_I64(count_state(&world, 2), 3000);
    for (uint32_t i = 0; i < 3000; i++) CHECK(world.got[i] >= 1);
    end(&world);
}

TEST(hundreds_of_receivers_are_all_found_again_and_share_a_small_window)
{
    struct world world = { .options = { .in_flight_max = 20 }, .takes_ms = 3, .lanes = 300 };
    world.is_silent = true;
    begin(&world);
    add_many(&world, 1500, 3);
    world.is_silent = false;
    crash(&world);
    memset(world.got, 0, sizeof world.got);
    loop_run_for(world.ground.loop, 20000);
    check_all_sent_once(&world, 1500);
    CHECK_I64(count_state(&world, 2), 1500);
    CHECK_I64(outbox_counters(world.outbox).waiting_now, 0);
    end(&world);
}

TEST(rows_of_the_release_before_have_no_lane_and_are_sent)
{
    static const struct statement insert = {
        "INSERT INTO outbox (id, kind, target, headers, body, attempts, created_utc_ms, due_utc_ms,"
        " state) VALUES ('effect-00007', 'n', 't', '', 'x', 0, 1, 1, 1)"
    };
    struct world world = { .lanes = 2 };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 50);
    struct change *change = change_new(world.ground.store);
    change_add(change, &insert, 1);
    change_submit(change, NULL, NULL);
    loop_run_for(world.ground.loop, 10);
    crash(&world);
    loop_run_for(world.ground.loop, 50);
    CHECK_U32(world.got[7], 1);
    CHECK_I64(count_state(&world, 2), 2);
    end(&world);
}

TEST(a_backlog_is_paged_through_a_window_and_nothing_is_sent_twice)
{
    struct world world = { .options = { .in_flight_max = 50 }, .takes_ms = 7 };
    begin(&world);
    add_many(&world, 2000, 1);
    loop_run_for(world.ground.loop, 30000);
    check_all_sent_once(&world, 2000);
    CHECK(world.in_flight_most <= 50);
    CHECK(world.in_flight_most >= 40); /* and the window is made use of */
    CHECK_I64(count_state(&world, 2), 2000);
    CHECK_I64(outbox_counters(world.outbox).waiting_now, 0);
    end(&world);
}

TEST(a_backlog_survives_a_crash_in_the_middle)
{
    struct world world = { .options = { .in_flight_max = 50 }, .takes_ms = 20 };
    begin(&world);
    add_many(&world, 1000, 0);
    loop_run_for(world.ground.loop, 200);
    CHECK(world.count > 50 && world.count < 1000);
    crash(&world);
    loop_run_for(world.ground.loop, 30000);
    uint32_t again = 0;
    for (uint32_t i = 0; i < 1000; i++) {
        CHECK(world.got[i] >= 1);
        again += world.got[i] - 1;
    }
    CHECK(again <= 50); /* those in flight, no others */
    end(&world);
}

TEST(a_window_of_one_sends_one_after_the_other)
{
    struct world world = { .options = { .in_flight_max = 1 }, .takes_ms = 3 };
    begin(&world);
    add_many(&world, 20, 0);
    loop_run_for(world.ground.loop, 2000);
    CHECK_U32(world.count, 20);
    CHECK_U32(world.in_flight_most, 1);
    end(&world);
}

TEST(effects_due_later_and_in_any_order_are_sent_when_due)
{
    struct world world = { 0 };
    begin(&world);
    for (uint32_t i = 0; i < 100; i++) add_due(&world, i, 100ll * (100 - i));
    for (uint32_t second = 1; second <= 10; second++) {
        loop_run_for(world.ground.loop, second == 1 ? 1050 : 1000);
        CHECK_U32(world.count, second * 10);
    }
    end(&world);
}

TEST(an_effect_due_before_those_that_were_read_already_is_found)
{
    struct world world = { .options = { .in_flight_max = 1 }, .takes_ms = 3 };
    begin(&world);
    loop_run_for(world.ground.loop, 5000);
    add_many(&world, 10, 0);
    loop_run_for(world.ground.loop, 20);
    CHECK(world.count > 1 && world.count < 10);
    add_due(&world, 10, -4000);
    loop_run_for(world.ground.loop, 1000);
    CHECK_U32(world.count, 11);
    CHECK_U32(world.got[10], 1);
    end(&world);
}

static void burst(struct world *world, uint32_t *next)
{
    struct random *random = loop_random(world->ground.loop);
    sim_store_times(world->ground.store, (uint32_t)random_below(random, 9),
                    (uint32_t)random_below(random, 9));
    world->takes_ms = 1 + random_below(random, 9);
    for (uint64_t i = random_below(random, 14); i > 0; i--)
        add_due(world, (*next)++, -(int64_t)random_below(random, 9));
    loop_run_for(world->ground.loop, random_below(random, 9));
}

/* Pages are read while rows commit and sends end, in every order that chance finds. */
TEST(whatever_the_order_of_pages_commits_and_ends_each_effect_is_sent_once)
{
    uint64_t seeds = postgres_is_chosen() ? 2 : 12;
    for (uint64_t seed = 1; seed <= seeds; seed++) {
        struct world world = { .options = { .in_flight_max = 20 }, .ground = { .seed = seed } };
        uint32_t next = 0;
        ground_begin_memory(&world.ground);
        open_outbox(&world);
        for (int i = 0; i < 100; i++) burst(&world, &next);
        loop_run_for(world.ground.loop, 3000); /* less than a poll */
        CHECK_U32(world.count, next);
        check_all_sent_once(&world, next);
        CHECK_I64(count_state(&world, 2), next);
        CHECK_I64(outbox_counters(world.outbox).in_flight_now, 0);
        CHECK_I64(outbox_counters(world.outbox).waiting_now, 0);
        end(&world);
    }
}

TEST(a_row_that_commits_while_the_first_page_is_read_is_not_missed)
{
    struct world world = { 0 };
    ground_begin(&world.ground, true);
    open_outbox(&world);
    for (uint32_t round = 0; round < 12; round++) {
        ground_close(&world.ground);
        CHECK_OK(ground_open(&world.ground, NULL));
        sim_store_times(world.ground.store, 2, 50); /* half of the pages see what was before */
        open_outbox(&world);
        add_due(&world, round, -10);
        loop_run_for(world.ground.loop, 1000);
        CHECK_U32(world.got[round], 1);
    }
    end(&world);
}

TEST(a_receiver_that_takes_minutes_gets_each_effect_once)
{
    struct world world = { .takes_ms = 300 * 1000 };
    begin(&world);
    add_many(&world, 30, 0);
    loop_run_for(world.ground.loop, 400 * 1000); /* six polls meanwhile */
    check_all_sent_once(&world, 30);
    CHECK_I64(count_state(&world, 2), 30);
    end(&world);
}

TEST(a_full_ledger_says_so_and_drains)
{
    struct world world = { .options = { .rows_max = 10 }, .is_silent = true };
    begin(&world);
    for (uint32_t i = 0; i < 10; i++) {
        CHECK(!outbox_is_full(world.outbox));
        add(&world, i); /* counts before its commit */
    }
    CHECK(outbox_is_full(world.outbox));
    loop_run_for(world.ground.loop, 50);
    CHECK(outbox_is_full(world.outbox));
    world.is_silent = false;
    crash(&world);
    CHECK(outbox_is_full(world.outbox)); /* counted anew */
    loop_run_for(world.ground.loop, 50);
    CHECK(!outbox_is_full(world.outbox));
    end(&world);
}

TEST_OF_FILES(sent_ones_leave_the_ledger_after_their_time_failed_ones_later)
{
    struct world world = { .options = { .keep_sent_ms = 3600 * 1000 } };
    begin(&world);
    add_many(&world, 1500, 0);
    loop_run_for(world.ground.loop, 1000);
    world.verdict = EFFECT_FAILED;
    add(&world, 1500);
    loop_run_for(world.ground.loop, 3500 * 1000);
    CHECK_I64(count_state(&world, 2), 1500);
    loop_run_for(world.ground.loop, 300 * 1000);
    CHECK_I64(count_state(&world, 2), 0);
    CHECK_I64(count_state(&world, 3), 1);
    loop_run_for(world.ground.loop, 29ull * 24 * 3600 * 1000);
    CHECK_I64(count_state(&world, 3), 1);
    loop_run_for(world.ground.loop, 24ull * 3600 * 1000);
    CHECK_I64(count_state(&world, 3), 0);
    end(&world);
}

TEST(an_end_that_found_the_disk_full_is_marked_later_and_not_sent_twice)
{
    struct world world = { .takes_ms = 100 };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 50);
    sim_store_fill_disk(world.ground.store, 3);
    loop_run_for(world.ground.loop, 2000);
    CHECK_I64(count_state(&world, 1), 1);
    loop_run_for(world.ground.loop, 200000);
    CHECK_U32(world.got[1], 1);
    CHECK_I64(count_state(&world, 2), 1);
    end(&world);
}

TEST(ends_reach_the_table_together)
{
    struct world world = { 0 };
    begin(&world);
    add_many(&world, 400, 0);
    loop_run_for(world.ground.loop, 100);
    CHECK_I64(count_state(&world, 2), 400);
    CHECK(store_counters(world.ground.store).changes <= 400 + 5);
    end(&world);
}

static void on_flushed(void *self)
{
    *(bool *)self = true;
}

TEST(an_orderly_stop_leaves_nothing_to_be_sent_again)
{
    struct world world = { 0 };
    bool is_flushed = false;
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, SIM_COMMIT_MS + 1);
    CHECK_U32(world.got[1], 1);
    CHECK_I64(outbox_counters(world.outbox).sent, 0);
    outbox_flush(world.outbox);
    store_flush(world.ground.store, on_flushed, &is_flushed);
    while (!is_flushed) loop_run_for(world.ground.loop, 1);
    crash(&world);
    loop_run_for(world.ground.loop, 200000);
    CHECK_U32(world.got[1], 1);
    end(&world);
}

TEST(a_wall_clock_that_was_set_back_delays_nothing_for_more_than_its_step_or_a_minute)
{
    struct world world = { .verdict = EFFECT_RETRY, .retry_in_ms = 10000 };
    begin(&world);
    add(&world, 1);
    loop_run_for(world.ground.loop, 100);
    loop_step_utc(world.ground.loop, 3600 * 1000); /* forward: due at once, found by the poll */
    world.verdict = EFFECT_SENT;
    loop_run_for(world.ground.loop, 61 * 1000);
    CHECK_U32(world.got[1], 2);
    loop_step_utc(world.ground.loop, -7200 * 1000ll);
    add(&world, 2); /* due by the clock that was set back */
    loop_run_for(world.ground.loop, 1000);
    CHECK_U32(world.got[2], 1);
    end(&world);
}

TEST(where_no_wait_is_long_a_retry_does_not_wait_for_a_clock_that_was_set_back)
{
    struct world world = { .verdict = EFFECT_RETRY,
                           .retry_in_ms = 10000,
                           .options = { .wait_max_ms = 600000 } };
    begin(&world);
    loop_step_utc(world.ground.loop, 20ll * 3600 * 1000); /* far from 1970 */
    add(&world, 1);
    loop_run_for(world.ground.loop, 1000);
    CHECK_U32(world.got[1], 1);
    loop_step_utc(world.ground.loop, -10ll * 3600 * 1000);
    world.verdict = EFFECT_SENT;
    loop_run_for(world.ground.loop, 1000);
    CHECK_U32(world.got[1], 1);
    add(&world, 2); /* its end shows what the clock did */
    loop_run_for(world.ground.loop, 1000);
    CHECK_U32(world.got[1], 2);
    end(&world);
}

TEST(nor_does_one_whose_end_waited_for_the_disk_meanwhile)
{
    struct world world = { .verdict = EFFECT_RETRY, .retry_in_ms = 10000 };
    begin(&world);
    loop_step_utc(world.ground.loop, 20ll * 3600 * 1000); /* far from 1970 */
    add(&world, 1);
    loop_run_for(world.ground.loop, SIM_COMMIT_MS + 1);
    CHECK_U32(world.got[1], 1);
    sim_store_fill_disk(world.ground.store, 3);
    loop_step_utc(world.ground.loop, -10ll * 3600 * 1000);
    world.verdict = EFFECT_SENT;
    loop_run_for(world.ground.loop, 20000);
    CHECK_U32(world.got[1], 2);
    end(&world);
}

TEST(and_of_a_former_process_nothing_waits_either)
{
    struct world world = { .verdict = EFFECT_RETRY,
                           .retry_in_ms = 10000,
                           .options = { .wait_max_ms = 600000 } };
    begin(&world);
    loop_step_utc(world.ground.loop, 20ll * 3600 * 1000); /* far from 1970 */
    add(&world, 1);
    loop_run_for(world.ground.loop, 1000);
    loop_step_utc(world.ground.loop, -10ll * 3600 * 1000);
    crash(&world);
    world.verdict = EFFECT_SENT;
    loop_run_for(world.ground.loop, 61000);
    CHECK_U32(world.got[1], 2);
    end(&world);
}

TEST(an_owner_that_forgets_to_say_committed_is_helped_within_a_minute)
{
    struct world world = { 0 };
    begin(&world);
    char id[32];
    struct effect effect = { .id = id_of(3, id), .body = TEXT("b") };
    struct change *change = change_new(world.ground.store);
    outbox_add(world.outbox, change, &effect);
    change_submit(change, NULL, NULL);
    loop_run_for(world.ground.loop, 61 * 1000);
    CHECK_U32(world.got[3], 1);
    end(&world);
}

TEST(an_outbox_may_close_while_changes_of_its_are_on_their_way)
{
    struct world world = { 0 };
    ground_begin(&world.ground, true);
    struct scope *life = scope_new(world.ground.life, "short", SCOPE_NO_LIMIT);
    static const struct outbox_handler handler = { .send = receive };
    world.outbox = outbox_open(life, world.ground.store, NULL, NULL, &handler, &world);
    char id[32];
    struct effect effect = { .id = id_of(3, id) };
    struct change *change = change_new(world.ground.store);
    outbox_add(world.outbox, change, &effect);
    change_submit(change, on_answer, &world.answers);
    loop_run_for(world.ground.loop, 1);
    scope_close(life);
    loop_run_for(world.ground.loop, 100000);
    CHECK_U32(world.answers.count, 1);
    CHECK_OK(world.answers.err[0]);
    CHECK_U32(world.count, 0);
    CHECK_I64(count_state(&world, 1), 1);
    end(&world);
}
