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

/* Ids are given in the order of submission and answered in it. */
static int64_t count_lost(struct ground *ground, const struct answers *answers)
{
    static const struct statement find = { "SELECT count(*) FROM note WHERE id < 1000" };
    int64_t acknowledged = 0;
    for (uint32_t i = 0; i < answers->count; i++) acknowledged += answers->err[i] == ERR_OK;
    int64_t kept = ask_i64(ground, &find);
    return kept < acknowledged ? acknowledged - kept : 0;
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
    int64_t lost, halves, acknowledged;
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
    struct fault fault = { 0 };
    findings.is_broken = ground_open(&ground, &fault) != ERR_OK;
    if (findings.is_broken) print_message("seed %u: %s\n", (unsigned)seed, fault.words);
    if (!findings.is_broken) {
        findings.acknowledged = answers.count;
        findings.lost = count_lost(&ground, &answers);
        findings.halves = count_halves(&ground);
    }
    ground_end(&ground);
    return findings;
}

static void crash_everywhere(enum sim_crash crash, uint64_t seeds)
{
    uint64_t deeds = crash_at(0, crash, 1).deeds;
    CHECK(deeds > 50);
    for (uint64_t deed = 1; deed <= deeds + 1; deed++)
        for (uint64_t seed = 1; seed <= seeds; seed++) {
            struct findings findings = crash_at(deed, crash, seed);
            CHECK(!findings.is_broken);
            CHECK_I64(findings.lost, 0);
            CHECK_I64(findings.halves, 0);
        }
}

TEST(a_process_killed_at_any_deed_leaves_every_acknowledged_change_and_no_half_of_one)
{
    crash_everywhere(SIM_CRASH_PROCESS, 1);
}

TEST(so_does_a_power_cut_at_any_deed)
{
    crash_everywhere(SIM_CRASH_POWER, 3);
}
