/* SPDX-License-Identifier: Apache-2.0 */
/* The simulated disk below a store: what a crash leaves, at each moment of a store's life, and what
 * a disk that is full, slow or failing does. */
#include "store/sim_disk.h"

#include "base/random.h"
#include "store/sim_store.h"
#include "tests/unit/store/ground.h"

#include <stdio.h>

enum { PAIRS = 24, HALF = 1000 };

/* Each change of these tests is a pair of rows, to see halves. */
static void submit_pair(struct ground *ground, int64_t id, struct answers *answers)
{
    struct change *change = note_change(ground, id, NULL);
    change_add(change, &insert_note_by_id, 1);
    change_bind_i64(change, id + HALF);
    change_bind_null(change);
    change_submit(change, on_answer, answers);
}

static int64_t count_halves(struct ground *ground)
{
    static const struct statement halves = {
        "SELECT count(*) FROM note a WHERE NOT EXISTS (SELECT 1 FROM note b WHERE b.id = "
        "CASE WHEN a.id < 1000 THEN a.id + 1000 ELSE a.id - 1000 END)"
    };
    return ask_i64(ground, &halves);
}

static bool has_note(struct ground *ground, int64_t id)
{
    char sql[64];
    (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM note WHERE id = %lld", (long long)id);
    return ask_i64(ground, store_statement(ground->store, text_of(sql))) == 1;
}

/* The rowid of an answer is that of its second row. */
static int64_t count_lost(struct ground *ground, const struct answers *answers)
{
    int64_t lost = 0;
    for (uint32_t i = 0; i < answers->count; i++)
        if (answers->err[i] == ERR_OK && !has_note(ground, answers->rowid[i])) lost++;
    return lost;
}

static int64_t count_acknowledged(const struct answers *answers)
{
    int64_t count = 0;
    for (uint32_t i = 0; i < answers->count; i++) count += answers->err[i] == ERR_OK;
    return count;
}

TEST(a_store_finds_its_data_again_on_the_simulated_disk)
{
    struct ground ground = { .seed = 1 };
    struct answers answers = { 0 };
    ground_begin_disk(&ground);
    submit_pair(&ground, 1, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.count, 1);
    CHECK_OK(answers.err[0]);
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL));
    CHECK_I64(ask_i64(&ground, &count_notes), 2);
    CHECK(sim_disk_bytes(ground.loop) > 4096);
    ground_end(&ground);
}

/* --- a crash at each deed --- */

static void on_stopped(void *self)
{
    loop_stop(self);
}

/* Open, change, empty the log in the middle, close, open again, change. */
static void live(struct ground *ground, struct answers *answers)
{
    if (ground_open(ground, NULL)) return;
    for (int64_t id = 1; id <= PAIRS / 2; id++) {
        submit_pair(ground, id, answers);
        if (id % 3 == 0) loop_run_for(ground->loop, 3);
    }
    loop_run_for(ground->loop, 20);
    if (store_execute_now(ground->store, TEXT("PRAGMA wal_checkpoint(TRUNCATE)"), NULL)) return;
    for (int64_t id = PAIRS / 2 + 1; id <= PAIRS; id++) submit_pair(ground, id, answers);
    loop_run_for(ground->loop, 20);
    ground_close(ground);
    (void)ground_open(ground, NULL);
}

struct findings {
    uint64_t deeds;
    int64_t lost, halves, acknowledged, kept;
    bool is_broken; /* the store could not be opened */
};

static void begin_at(struct ground *ground, uint64_t seed)
{
    *ground = (struct ground){ .seed = seed, .options = { .group_rows_max = 8 } };
    ground->life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    ground->loop = loop_new_virtual(ground->life, 1000000, seed);
    (void)snprintf(ground->path, sizeof ground->path, "sim:/data/test/test.db");
}

static struct findings crash_at(uint64_t deed, enum sim_crash crash, uint64_t seed)
{
    struct ground ground;
    struct answers answers = { 0 };
    begin_at(&ground, seed);
    sim_disk_stop_after(ground.loop, TEXT("/data/"), deed, on_stopped, ground.loop);
    live(&ground, &answers);
    struct findings findings = { .deeds = sim_disk_deeds(ground.loop) };
    sim_disk_crash(ground.loop, TEXT("/data/"), crash);
    sim_disk_stop_after(ground.loop, TEXT("/data/"), 0, NULL, NULL);
    if (ground.store_life) ground_close(&ground);
    findings.is_broken = ground_open(&ground, NULL) != ERR_OK;
    if (!findings.is_broken) {
        findings.acknowledged = count_acknowledged(&answers);
        findings.kept = ask_i64(&ground, &count_notes) / 2;
        findings.lost = count_lost(&ground, &answers);
        findings.halves = count_halves(&ground);
    }
    ground_end(&ground);
    return findings;
}

static void crash_everywhere(enum sim_crash crash, uint64_t seeds)
{
    uint64_t deeds = crash_at(0, crash, 1).deeds;
    int64_t untold = 0; /* is there, though its answer never came */
    CHECK(deeds > 50);
    for (uint64_t deed = 1; deed <= deeds + 1; deed++)
        for (uint64_t seed = 1; seed <= seeds; seed++) {
            struct findings findings = crash_at(deed, crash, seed);
            CHECK(!findings.is_broken);
            CHECK_I64(findings.lost, 0);
            CHECK_I64(findings.halves, 0);
            untold += findings.kept - findings.acknowledged;
        }
    CHECK(untold > 0);
}

TEST(a_process_killed_at_any_deed_leaves_every_acknowledged_change_and_no_half_of_one)
{
    crash_everywhere(SIM_CRASH_PROCESS, 1);
}

TEST(so_does_a_power_cut_at_any_deed)
{
    crash_everywhere(SIM_CRASH_POWER, 3);
}

/* --- a sync that fails --- */

/* Ten changes, one at a time; a sync among them fails in some seeds. */
static void change_on(struct ground *ground, int64_t first, struct answers *answers, uint64_t fail)
{
    for (uint64_t i = 0; i < 10; i++) {
        if (i == fail) sim_disk_fail(ground->loop, TEXT("/data/"), SIM_SYNC, 1);
        submit_pair(ground, first + (int64_t)i, answers);
        loop_run_for(ground->loop, 10);
        if (i == 5 && fail < 10) /* its syncs may be the one */
            (void)store_execute_now(ground->store, TEXT("PRAGMA wal_checkpoint(TRUNCATE)"), NULL);
    }
}

static void open_stubbornly(struct ground *ground)
{
    while (ground_open(ground, NULL)) ground_close(ground); /* that took the failing sync */
}

static struct findings fail_a_sync(uint64_t seed)
{
    struct ground ground;
    struct answers answers = { 0 };
    begin_at(&ground, seed);
    CHECK_OK(ground_open(&ground, NULL));
    change_on(&ground, 1, &answers, random_below(loop_random(ground.loop), 11));
    sim_disk_crash(ground.loop, TEXT("/data/"), SIM_CRASH_PROCESS);
    ground_close(&ground);
    open_stubbornly(&ground);
    change_on(&ground, 101, &answers, UINT64_MAX);
    sim_disk_crash(ground.loop, TEXT("/data/"), SIM_CRASH_POWER);
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL));
    struct findings findings = {
        .acknowledged = count_acknowledged(&answers),
        .lost = count_lost(&ground, &answers),
        .halves = count_halves(&ground),
    };
    ground_end(&ground);
    return findings;
}

TEST(what_a_failed_sync_leaves_in_doubt_harms_nothing_that_is_acknowledged_later)
{
    int64_t refused = 0;
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct findings findings = fail_a_sync(seed);
        CHECK_I64(findings.lost, 0);
        CHECK_I64(findings.halves, 0);
        CHECK(findings.acknowledged >= 10);
        refused += 20 - findings.acknowledged;
    }
    CHECK(refused > 60);
}

/* --- a disk that is full, unreadable, slow --- */

TEST(a_full_disk_refuses_whole_changes_and_takes_them_again_when_there_is_room)
{
    struct ground ground = { .seed = 3, .options = { .group_rows_max = 2 } };
    struct answers answers = { 0 };
    ground_begin_disk(&ground);
    sim_disk_limit(ground.loop, sim_disk_bytes(ground.loop) + 60000);
    for (int64_t id = 1; id <= 20; id++) submit_pair(&ground, id, &answers);
    loop_run_for(ground.loop, 1000);
    int64_t fitted = count_acknowledged(&answers);
    CHECK(fitted > 0 && fitted < 20);
    CHECK_U32(answers.err[19], ERR_FULL);
    CHECK_I64(ask_i64(&ground, &count_notes), fitted * 2);
    sim_disk_limit(ground.loop, 0);
    submit_pair(&ground, 30, &answers);
    loop_run_for(ground.loop, 5000);
    CHECK_OK(answers.err[20]);
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL));
    CHECK_I64(count_lost(&ground, &answers), 0);
    CHECK_I64(count_halves(&ground), 0);
    ground_end(&ground);
}

static void keep_err(void *self, enum err err, const struct rows *rows)
{
    (void)rows;
    *(enum err *)self = err;
}

TEST(a_page_that_cannot_be_read_is_an_error_and_not_nothing)
{
    struct ground ground = { .seed = 4 };
    struct answers answers = { 0 };
    struct query query = { .statement = &count_notes };
    enum err err = ERR_OK;
    ground_begin_disk(&ground);
    for (int64_t id = 1; id <= 500; id++) submit_pair(&ground, id, &answers);
    loop_run_for(ground.loop, 1000);
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL)); /* nothing is in its cache */
    sim_disk_fail(ground.loop, TEXT(""), SIM_READ, 1);
    (void)store_query_now(ground.store, &query, keep_err, &err);
    CHECK_U32(err, ERR_IO);
    CHECK_I64(ask_i64(&ground, &count_notes), 1000);
    ground_end(&ground);
}

TEST(a_slow_disk_answers_late_and_in_order)
{
    struct ground ground = { .seed = 5, .options = { .group_rows_max = 2 } };
    struct answers answers = { .wanted = 10 };
    ground_begin_disk(&ground);
    sim_disk_slow(ground.loop, TEXT("sim:/data"), 500);
    answers.stop_loop = ground.loop;
    uint64_t began = loop_now_mono_ms(ground.loop);
    for (int64_t id = 1; id <= 10; id++) submit_pair(&ground, id, &answers);
    loop_run(ground.loop);
    CHECK(loop_now_mono_ms(ground.loop) - began > 500);
    for (uint32_t i = 0; i < answers.count; i++)
        if (answers.err[i] == ERR_OK) CHECK_I64(answers.rowid[i], i + 1 + HALF);
    ground_end(&ground);
}

/* The log that a failed sync left in doubt cannot be settled while the disk is full: what is added
 * to it meanwhile would be gone with the power. */
TEST(nothing_is_added_to_a_doubtful_log_that_a_full_disk_keeps_from_being_settled)
{
    uint32_t survived = 0;
    for (uint64_t seed = 1; seed <= 40; seed++) {
        struct ground ground;
        struct answers answers = { 0 };
        begin_at(&ground, seed);
        CHECK_OK(ground_open(&ground, NULL));
        for (int64_t id = 1; id <= 4; id++) submit_pair(&ground, id, &answers);
        loop_run_for(ground.loop, 20);
        sim_disk_fail(ground.loop, TEXT("/data/"), SIM_SYNC, 1);
        submit_pair(&ground, 5, &answers);
        loop_run_for(ground.loop, 20);
        sim_disk_crash(ground.loop, TEXT("/data/"), SIM_CRASH_PROCESS);
        ground_close(&ground);
        sim_disk_limit(ground.loop, sim_disk_bytes(ground.loop));
        CHECK_OK(ground_open(&ground, NULL));
        for (int64_t id = 6; id <= 9; id++) submit_pair(&ground, id, &answers);
        loop_run_for(ground.loop, 20);
        sim_disk_limit(ground.loop, 0);
        for (int64_t id = 10; id <= 13; id++) submit_pair(&ground, id, &answers);
        loop_run_for(ground.loop, 20);
        survived += answers.count == 13 && answers.err[12] == ERR_OK;
        sim_disk_crash(ground.loop, TEXT("/data/"), SIM_CRASH_POWER);
        ground_close(&ground);
        CHECK_OK(ground_open(&ground, NULL));
        CHECK_I64(count_lost(&ground, &answers), 0);
        CHECK_I64(count_halves(&ground), 0);
        ground_end(&ground);
    }
    CHECK_U32(survived, 40);
}

TEST(what_is_said_of_a_prefix_replaces_what_was_said_below_it)
{
    struct ground ground = { .seed = 5 };
    struct answers answers = { 0 };
    ground_begin_disk(&ground);
    sim_disk_slow(ground.loop, TEXT("sim:/data/test/test.db"), 100000);
    sim_disk_fail(ground.loop, TEXT("/data/test"), SIM_SYNC, 1);
    sim_disk_stop_after(ground.loop, TEXT("/data"), 1, on_stopped, ground.loop);
    sim_disk_slow(ground.loop, TEXT("/other"), 100000);
    sim_disk_slow(ground.loop, TEXT("/data"), 0);
    sim_disk_fail(ground.loop, TEXT(""), SIM_SYNC, 0);
    sim_disk_stop_after(ground.loop, TEXT(""), 0, NULL, NULL);
    submit_pair(&ground, 1, &answers);
    loop_run_for(ground.loop, 10);
    CHECK_U32(answers.count, 1);
    CHECK_OK(answers.err[0]);
    ground_end(&ground);
}

/* --- two processes --- */

static struct store *open_other(struct ground *ground, struct scope **life)
{
    struct store *store;
    *life = scope_new(ground->life, "other process", SCOPE_NO_LIMIT);
    CHECK_OK(store_open(*life, ground->loop, NULL, text_of(ground->path), ground_migrations(), NULL,
                        &store, NULL));
    return store;
}

TEST(a_process_that_writes_keeps_another_from_writing_until_it_ends_or_is_killed)
{
    struct ground ground = { .seed = 6 };
    struct answers answers = { 0 };
    struct scope *life;
    ground_begin_disk(&ground);
    struct store *other = open_other(&ground, &life);
    CHECK_OK(store_execute_now(other, TEXT("BEGIN IMMEDIATE; INSERT INTO note VALUES (7, 'half')"),
                               NULL));
    submit_pair(&ground, 1, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[0], ERR_UNAVAILABLE);
    sim_store_kill(other);
    submit_pair(&ground, 2, &answers);
    loop_run_for(ground.loop, 5000);
    CHECK_OK(answers.err[1]);
    scope_close(life);
    CHECK_I64(ask_i64(&ground, &count_notes), 2);
    other = open_other(&ground, &life);
    CHECK_OK(store_execute_now(other, TEXT("INSERT INTO note VALUES (8, 'seen')"), NULL));
    CHECK_I64(ask_i64(&ground, &count_notes), 3);
    scope_close(life);
    ground_end(&ground);
}

/* --- one world --- */

TEST(sqlite_takes_its_time_from_the_loop)
{
    static const struct statement now = { "SELECT CAST(strftime('%s', 'now') AS integer)" };
    struct ground ground = { .seed = 7 };
    ground_begin_disk(&ground);
    loop_step_utc(ground.loop, 86400000);
    CHECK_I64(ask_i64(&ground, &now), (int64_t)loop_now_utc_ms(ground.loop) / 1000);
    ground_end(&ground);
}

static uint64_t digest_of(uint64_t seed)
{
    struct ground ground;
    struct answers answers = { 0 };
    begin_at(&ground, seed);
    live(&ground, &answers);
    sim_disk_crash(ground.loop, TEXT(""), SIM_CRASH_POWER);
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL));
    CHECK_OK(
        store_execute_now(ground.store, TEXT("INSERT INTO note VALUES (555, random())"), NULL));
    uint64_t digest = sim_disk_digest(ground.loop);
    ground_end(&ground);
    return digest;
}

TEST(the_same_seed_leaves_the_same_bytes)
{
    CHECK(digest_of(1) == digest_of(1));
    CHECK(digest_of(1) != digest_of(2));
}

TEST(a_real_loop_has_no_simulated_disk)
{
    struct ground ground = { 0 };
    struct fault fault;
    ground.life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    ground.loop = loop_new(ground.life);
    (void)snprintf(ground.path, sizeof ground.path, "sim:/data/test.db");
    CHECK_U32(ground_open(&ground, &fault), ERR_INVALID);
    scope_close(ground.life);
}
