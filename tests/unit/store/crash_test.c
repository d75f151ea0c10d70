/* SPDX-License-Identifier: Apache-2.0 */
/* kill -9 at a random instant: a child submits changes and writes each acknowledged id into a pipe;
 * after its death every id that came through the pipe must be in the file. */
#include "tests/unit/store/ground.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 8, FLYING = 50, LIFE_MS_MIN = 15, LIFE_MS_SPREAD = 60 };

struct child {
    struct ground *ground;
    int pipe;
    int64_t next;
};

static void submit_next(struct child *child);

static void on_durable(void *self, const struct change_result *result)
{
    struct child *child = self;
    if (result->err || write(child->pipe, &result->rowid, sizeof result->rowid) < 0) _exit(3);
    submit_next(child);
}

static void submit_next(struct child *child)
{
    /* Two rows each, to see halves. */
    static const struct statement insert_pair = { "INSERT INTO pair VALUES (?1)" };
    struct change *change = change_new(child->ground->store);
    change_add(change, &insert_pair, 1);
    change_bind_i64(change, child->next);
    change_add(change, &insert_note_by_id, 1);
    change_bind_i64(change, child->next++);
    change_bind_null(change);
    change_submit(change, on_durable, child);
}

static _Noreturn void live_until_killed(struct ground *ground, int pipe, int64_t first)
{
    struct child child = { .ground = ground, .pipe = pipe, .next = first };
    ground->life = scope_new(NULL, "child", SCOPE_NO_LIMIT);
    ground->loop = loop_new(ground->life);
    if (ground_open(ground, NULL)) _exit(2);
    for (int i = 0; i < FLYING; i++) submit_next(&child);
    loop_run_for(ground->loop, 10000);
    _exit(4); /* never: it is killed before */
}

/* What came through the pipes: the ids of all lives. */
struct known {
    int64_t ids[200000];
    size_t count;
};

static void drain(int pipe, struct known *known)
{
    int64_t id;
    while (read(pipe, &id, sizeof id) == sizeof id) {
        CHECK(known->count < sizeof known->ids / sizeof known->ids[0]);
        known->ids[known->count++] = id;
    }
}

static void live_and_die(struct ground *ground, int round, struct random *random,
                         struct known *known)
{
    int ends[2];
    CHECK(pipe(ends) == 0);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid == 0) {
        (void)close(ends[0]);
        live_until_killed(ground, ends[1], round * 1000000);
    }
    (void)close(ends[1]);
    (void)usleep((unsigned)(LIFE_MS_MIN + random_below(random, LIFE_MS_SPREAD)) * 1000);
    CHECK(kill(pid, SIGKILL) == 0);
    drain(ends[0], known); /* to the last byte: the pipe outlives its writer */
    (void)close(ends[0]);
    int status;
    CHECK(waitpid(pid, &status, 0) == pid);
    CHECK(WIFSIGNALED(status));
}

static void keep_count(void *self, enum err err, const struct rows *rows)
{
    CHECK_OK(err);
    *(uint32_t *)self = rows_count(rows);
}

static uint64_t count_lost(struct ground *ground, const struct known *known)
{
    static const struct statement find = { "SELECT 1 FROM pair WHERE id = ?1" };
    uint64_t lost = 0;
    for (size_t i = 0; i < known->count; i++) {
        uint32_t found = 0;
        struct value id = { .kind = VALUE_INTEGER, .integer = known->ids[i] };
        struct query query = { .statement = &find, .parameters = &id, .parameter_count = 1 };
        CHECK_OK(store_query_now(ground->store, &query, keep_count, &found));
        if (found == 0) lost++;
    }
    return lost;
}

static const struct statement count_halves = {
    "SELECT (SELECT count(*) FROM pair WHERE id NOT IN (SELECT id FROM note))"
    " + (SELECT count(*) FROM note WHERE id NOT IN (SELECT id FROM pair))"
};

struct findings {
    uint64_t acknowledged, lost, halves;
};

static struct findings crash_often(void)
{
    static struct known known;
    struct ground ground = { 0 };
    struct random random;
    random_seed_from_system(&random);
    known.count = 0;
    ground_begin(&ground, true);
    CHECK_OK(
        store_execute_now(ground.store, TEXT("CREATE TABLE pair (id INTEGER PRIMARY KEY)"), NULL));
    for (int round = 1; round <= ROUNDS; round++) {
        ground_close(&ground);
        struct ground child = ground;
        live_and_die(&child, round, &random, &known);
        CHECK_OK(ground_open(&ground, NULL));
    }
    struct findings findings = {
        .acknowledged = known.count,
        .lost = count_lost(&ground, &known),
        .halves = (uint64_t)ask_i64(&ground, &count_halves),
    };
    ground_end(&ground);
    return findings;
}

TEST(after_kill_9_every_acknowledged_change_is_there_and_no_half_of_one)
{
    struct findings findings = crash_often();
    CHECK(findings.acknowledged > 0);
    CHECK_I64(findings.lost, 0);
    CHECK_I64(findings.halves, 0);
}
