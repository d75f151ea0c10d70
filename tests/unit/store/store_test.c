/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/ground.h"

#include "store/sim_store.h"

#include <stdio.h>
#include <string.h>

TEST(a_change_is_answered_in_a_later_turn_with_its_rowid)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin(&ground, false);
    submit_note(&ground, 7, "seven", &answers);
    CHECK_U32(answers.count, 0);
    answers.stop_loop = ground.loop;
    answers.wanted = 1;
    loop_run_for(ground.loop, 5000);
    CHECK_U32(answers.count, 1);
    CHECK_OK(answers.err[0]);
    CHECK_I64(answers.rowid[0], 7);
    CHECK_I64(ask_i64(&ground, &count_notes), 1);
    ground_end(&ground);
}

static void expect_order(struct ground *ground)
{
    struct answers answers = { 0 };
    char words[32];
    for (int64_t i = 1; i <= 1000; i++) {
        (void)snprintf(words, sizeof words, "note %d", (int)i);
        submit_note(ground, i, words, &answers);
    }
    answers.stop_loop = ground->loop;
    answers.wanted = 1000;
    loop_run_for(ground->loop, 20000);
    CHECK_U32(answers.count, 1000);
    for (int64_t i = 0; i < 1000; i++) {
        CHECK_OK(answers.err[i]);
        CHECK_I64(answers.rowid[i], i + 1);
    }
    struct store_counters counters = store_counters(ground->store);
    CHECK_I64(counters.changes, 1000);
    CHECK_I64(counters.groups, 5); /* 200 rows each */
    CHECK_I64(counters.waiting_now, 0);
}

TEST(a_thousand_changes_are_answered_in_order_in_groups_of_200)
{
    struct ground ground = { 0 };
    ground_begin(&ground, false);
    expect_order(&ground);
    ground_end(&ground);
}

TEST(the_same_holds_on_the_virtual_clock)
{
    struct ground ground = { 0 };
    ground_begin_memory(&ground);
    expect_order(&ground);
    ground_end(&ground);
}

TEST(many_small_turns_are_answered_too)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin(&ground, false);
    for (int64_t i = 1; i <= 20; i++) {
        submit_note(&ground, i, NULL, &answers); /* NULL may repeat */
        answers.stop_loop = ground.loop;
        answers.wanted = (uint32_t)i;
        loop_run_for(ground.loop, 5000);
        CHECK_U32(answers.count, i);
    }
    CHECK_I64(store_counters(ground.store).groups, 20);
    ground_end(&ground);
}

/* --- one bad change does not spoil its neighbours --- */

static void submit_two(struct ground *ground, int64_t id, const struct statement *second,
                       int expect, struct answers *answers)
{
    struct change *change = note_change(ground, id, NULL);
    change_add(change, second, expect);
    change_submit(change, on_answer, answers);
}

TEST(a_bad_change_in_a_group_is_undone_alone)
{
    static const struct statement hits_all = { "UPDATE note SET words = NULL" };
    static const struct statement nonsense = { "UPDATE nothing SET words = NULL" };
    static const struct statement is_null = { "INSERT INTO lease VALUES (NULL, NULL, NULL, NULL)" };
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    submit_note(&ground, 1, "one", &answers);
    submit_note(&ground, 1, "again", &answers);     /* 1: the key is there */
    submit_two(&ground, 2, &hits_all, 7, &answers); /* 2: touches 2 rows, not 7 */
    submit_note(&ground, 3, "three", &answers);
    struct change *change = change_new(ground.store); /* 4: alone, and touches 2 */
    change_add(change, &hits_all, 1);
    change_submit(change, on_answer, &answers);
    submit_two(&ground, 5, &nonsense, ROWS_ANY, &answers); /* 5 */
    submit_two(&ground, 6, &is_null, ROWS_ANY, &answers);  /* 6 */
    submit_note(&ground, 7, "seven", &answers);
    loop_run_for(ground.loop, 100);
    static const enum err wanted[] = { ERR_OK,       ERR_EXISTS,   ERR_CONFLICT, ERR_OK,
                                       ERR_CONFLICT, ERR_INTERNAL, ERR_INVALID,  ERR_OK };
    CHECK_U32(answers.count, 8);
    for (size_t i = 0; i < 8; i++) CHECK_U32(answers.err[i], wanted[i]);
    CHECK_U32(answers.failed_statement, 1);
    CHECK(strstr(answers.words, postgres_is_chosen() ? "not-null" : "NOT NULL") != NULL);
    static const struct statement good = {
        "SELECT count(*) = 3 AND sum(CASE WHEN (id = 1 AND words = 'one') OR (id = 3 AND words = "
        "'three') OR (id = 7 AND words = 'seven') THEN 1 ELSE 0 END) = 3 FROM note"
    };
    CHECK_I64(ask_i64(&ground, &good), 1);
    CHECK_I64(store_counters(ground.store).groups, 1);
    CHECK_I64(store_counters(ground.store).failed, 5);
    ground_end(&ground);
}

TEST(a_change_that_fails_in_the_middle_leaves_nothing)
{
    static const struct statement nonsense = { "UPDATE nothing SET words = NULL" };
    static const struct statement hits_none = { "UPDATE note SET words = 'x' WHERE id = 77" };
    static const struct statement hits_all = { "UPDATE note SET words = NULL" };
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    submit_note(&ground, 1, "one", &answers);
    submit_two(&ground, 2, &nonsense, ROWS_ANY, &answers);
    submit_two(&ground, 3, &hits_none, 1, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_I64(ask_i64(&ground, &count_notes), 1);
    submit_note(&ground, 4, "four", &answers);
    struct change *change = change_new(ground.store);
    change_add(change, &hits_all, 1); /* a single statement, and it touched two rows */
    change_submit(change, on_answer, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[4], ERR_CONFLICT);
    static const struct statement words = { "SELECT count(words) FROM note" };
    CHECK_I64(ask_i64(&ground, &words), 2);
    ground_end(&ground);
}

TEST(an_expectation_of_no_rows_and_of_returned_rows_is_kept_too)
{
    static const struct statement guard = { "SELECT 1 FROM note WHERE id = ?1" };
    static const struct statement take = { "UPDATE note SET words = 'taken' WHERE id = ?1"
                                           " AND words IS NULL RETURNING id" };
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    submit_note(&ground, 1, NULL, &answers);
    const struct statement *statements[] = { &guard, &guard, &take, &take };
    const int expects[] = { 0, 1, 1, 1 };
    for (size_t i = 0; i < 4; i++) {
        struct change *change = change_new(ground.store);
        change_add(change, statements[i], expects[i]);
        change_bind_i64(change, 1);
        change_submit(change, on_answer, &answers);
    }
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[1], ERR_CONFLICT); /* it is there, and was not to be */
    CHECK_OK(answers.err[2]);
    CHECK_OK(answers.err[3]);
    CHECK_U32(answers.err[4], ERR_CONFLICT); /* taken already */
    ground_end(&ground);
}

TEST(a_deferred_constraint_finds_its_culprit)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    static const struct statement orphan = { "INSERT INTO part VALUES (?1)" };
    ground_begin_memory(&ground);
    CHECK_OK(store_execute_now(ground.store,
                               TEXT("CREATE TABLE part (note INTEGER REFERENCES note (id)"
                                    " DEFERRABLE INITIALLY DEFERRED)"),
                               NULL));
    submit_note(&ground, 1, "one", &answers);
    for (int64_t parent = 1; parent <= 2; parent++) {
        struct change *change = change_new(ground.store);
        change_add(change, &orphan, 1);
        change_bind_i64(change, parent);
        change_submit(change, on_answer, &answers);
    }
    submit_note(&ground, 3, "three", &answers);
    loop_run_for(ground.loop, 100);
    CHECK_OK(answers.err[0]);
    CHECK_OK(answers.err[1]);
    CHECK_U32(answers.err[2], ERR_CONFLICT);
    CHECK_OK(answers.err[3]);
    CHECK_I64(ask_i64(&ground, &count_notes), 2);
    ground_end(&ground);
}

TEST(too_few_parameters_and_two_statements_in_one_are_refused_in_words)
{
    static const struct statement two = { "DELETE FROM note; DELETE FROM note" };
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    struct change *change = change_new(ground.store);
    change_add(change, &insert_note_by_id, 1);
    change_bind_i64(change, 1);
    change_submit(change, on_answer, &answers);
    loop_run_for(ground.loop, 10);
    CHECK_U32(answers.err[0], ERR_INTERNAL);
    CHECK(strstr(answers.words, "1 parameters for the 2") != NULL);
    change = change_new(ground.store);
    change_add(change, &two, ROWS_ANY);
    change_submit(change, on_answer, &answers);
    loop_run_for(ground.loop, 10);
    CHECK_U32(answers.err[1], ERR_INTERNAL);
    ground_end(&ground);
}

/* --- limits and bad disks --- */

TEST(past_the_queue_changes_are_refused_in_a_later_turn)
{
    struct ground ground = { .options = { .queue_max = 10 } };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    for (int64_t i = 1; i <= 12; i++) submit_note(&ground, i, NULL, &answers);
    CHECK_U32(answers.count, 0);
    loop_run_for(ground.loop, 100);
    uint32_t refused = 0;
    for (size_t i = 0; i < 12; i++) refused += answers.err[i] == ERR_LIMIT;
    CHECK_U32(answers.count, 12);
    CHECK_U32(refused, 2);
    CHECK_I64(ask_i64(&ground, &count_notes), 10);
    submit_note(&ground, 13, NULL, &answers); /* there is room again */
    loop_run_for(ground.loop, 100);
    CHECK_OK(answers.err[12]);
    ground_end(&ground);
}

static void submit_large(struct ground *ground, int64_t id, size_t bytes, struct answers *answers)
{
    static const struct statement insert = { "INSERT INTO note VALUES (?1, zeroblob(?2))" };
    struct change *change = change_new(ground->store);
    change_add(change, &insert, 1);
    change_bind_i64(change, id);
    change_bind_i64(change, (int64_t)bytes);
    change_submit(change, on_answer, answers);
}

static void expect_full(bool is_virtual)
{
    struct ground ground = { 0 };
    struct answers answers = { .wanted = 3 };
    ground_begin(&ground, is_virtual);
    answers.stop_loop = is_virtual ? NULL : ground.loop;
    CHECK_OK(store_execute_now(ground.store, TEXT("PRAGMA max_page_count = 40"), NULL));
    submit_note(&ground, 1, "small", &answers);
    submit_large(&ground, 2, 1000000, &answers);
    submit_note(&ground, 3, "small too", &answers);
    loop_run_for(ground.loop, 5000);
    CHECK_U32(answers.count, 3);
    CHECK_OK(answers.err[0]);
    CHECK_U32(answers.err[1], ERR_FULL);
    CHECK_OK(answers.err[2]);
    CHECK_I64(ask_i64(&ground, &count_notes), 2);
    ground_end(&ground);
}

TEST_OF_FILES(what_does_not_fit_on_the_disk_is_refused_and_its_neighbours_are_kept)
{
    expect_full(true);
    expect_full(false);
}

TEST(a_disk_that_is_full_at_the_commit_fails_the_whole_group_and_the_next_one_works)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    sim_store_fill_disk(ground.store, 1);
    for (int64_t i = 1; i <= 3; i++) submit_note(&ground, i, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.count, 3);
    for (size_t i = 0; i < 3; i++) CHECK_U32(answers.err[i], ERR_FULL);
    CHECK_I64(ask_i64(&ground, &count_notes), 0);
    submit_note(&ground, 1, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_OK(answers.err[3]);
    ground_end(&ground);
}

TEST_OF_FILES(after_a_failed_sync_all_changes_are_refused_until_the_store_is_opened_again)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin(&ground, true);
    submit_note(&ground, 1, "safe", &answers);
    loop_run_for(ground.loop, 100);
    sim_store_fail_sync(ground.store);
    submit_note(&ground, 2, "unknown", &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[1], ERR_IO);
    submit_note(&ground, 3, "refused", &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[2], ERR_UNAVAILABLE);
    CHECK(ask_i64(&ground, &count_notes) >= 1); /* reads answer */
    ground_close(&ground);
    CHECK_OK(ground_open(&ground, NULL));
    submit_note(&ground, 4, "again", &answers);
    loop_run_for(ground.loop, 100);
    CHECK_OK(answers.err[3]);
    ground_end(&ground);
}

TEST_OF_FILES(groups_that_were_queued_behind_a_failed_sync_are_refused_too)
{
    struct ground ground = { .options = { .group_rows_max = 1 } };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    sim_store_fail_sync(ground.store);
    for (int64_t i = 1; i <= 3; i++) submit_note(&ground, i, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.err[0], ERR_IO);
    CHECK_U32(answers.err[1], ERR_UNAVAILABLE);
    CHECK_U32(answers.err[2], ERR_UNAVAILABLE);
    ground_end(&ground);
}

TEST(a_slow_commit_collects_the_next_group)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    sim_store_times(ground.store, 100, 1);
    for (int64_t i = 1; i <= 10; i++) {
        submit_note(&ground, i, NULL, &answers);
        loop_run_for(ground.loop, 20);
    }
    loop_run_for(ground.loop, 200);
    CHECK_U32(answers.count, 10);
    CHECK_I64(store_counters(ground.store).groups, 2);
    ground_end(&ground);
}

/* design 5: a change of state waits at most 2 seconds, then is refused */
TEST(behind_a_disk_that_hangs_a_change_waits_two_seconds_and_is_refused)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    sim_store_times(ground.store, 5000, 1);
    submit_note(&ground, 1, NULL, &answers);
    loop_run_for(ground.loop, 1900);
    CHECK_U32(answers.count, 0);
    loop_run_for(ground.loop, 200);
    CHECK_U32(answers.count, 1);
    CHECK_U32(answers.err[0], ERR_UNAVAILABLE);
    submit_note(&ground, 2, NULL, &answers); /* at once: it is known to hang */
    loop_run_for(ground.loop, 10);
    CHECK_U32(answers.err[1], ERR_UNAVAILABLE);
    sim_store_times(ground.store, 2, 1);
    loop_run_for(ground.loop, 5000);
    submit_note(&ground, 3, NULL, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_OK(answers.err[2]);
    CHECK_I64(ask_i64(&ground, &count_notes), 1); /* what was refused did not happen */
    ground_end(&ground);
}

struct troubles {
    uint32_t count;
    enum store_trouble kind[8];
};

static void on_trouble(void *self, enum store_trouble kind, const char *words)
{
    struct troubles *troubles = self;
    (void)words;
    CHECK(troubles->count < 8);
    troubles->kind[troubles->count++] = kind;
}

TEST(trouble_is_told_once_and_its_end_is_found_out_without_anybody_asking)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    struct troubles troubles = { 0 };
    ground_begin_memory(&ground);
    store_on_trouble(ground.store, on_trouble, &troubles);
    sim_store_fill_disk(ground.store, 10);
    for (int64_t i = 1; i <= 5; i++) {
        submit_note(&ground, i, NULL, &answers);
        loop_run_for(ground.loop, 10);
        CHECK_U32(answers.err[i - 1], ERR_FULL);
    }
    CHECK_U32(troubles.count, 1);
    CHECK_U32(troubles.kind[0], STORE_TROUBLE_FULL);
    loop_run_for(ground.loop, 4900); /* five tries of its own */
    CHECK_U32(troubles.count, 1);
    loop_run_for(ground.loop, 5000);
    CHECK_U32(troubles.count, 2);
    CHECK_U32(troubles.kind[1], STORE_TROUBLE_NONE);
    loop_run_for(ground.loop, 60000); /* and it does not go on trying */
    CHECK_I64(store_counters(ground.store).waiting_now, 0);
    CHECK_U32(troubles.count, 2);
    ground_end(&ground);
}

TEST_OF_FILES(a_failed_sync_is_told_as_the_end)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    struct troubles troubles = { 0 };
    ground_begin_memory(&ground);
    store_on_trouble(ground.store, on_trouble, &troubles);
    sim_store_fail_sync(ground.store);
    submit_note(&ground, 1, NULL, &answers);
    loop_run_for(ground.loop, 60000);
    submit_note(&ground, 2, NULL, &answers);
    loop_run_for(ground.loop, 60000);
    CHECK_U32(troubles.count, 1);
    CHECK_U32(troubles.kind[0], STORE_TROUBLE_BROKEN);
    ground_end(&ground);
}

TEST(a_lone_change_may_wait_for_company)
{
    struct ground ground = { .options = { .group_wait_ms = 30 } };
    struct answers answers = { .wanted = 2 };
    ground_begin(&ground, false);
    answers.stop_loop = ground.loop;
    submit_note(&ground, 1, NULL, &answers);
    loop_run_for(ground.loop, 5);
    CHECK_U32(answers.count, 0);
    submit_note(&ground, 2, NULL, &answers);
    loop_run_for(ground.loop, 5000);
    CHECK_U32(answers.count, 2);
    CHECK_I64(store_counters(ground.store).groups, 1);
    ground_end(&ground);
}

/* --- reading --- */

struct read_after_write {
    struct ground *ground;
    int64_t wanted;
    int wrong, rounds;
};

static void write_next(struct read_after_write *test);

static void on_counted(void *self, enum err err, const struct rows *rows)
{
    struct read_after_write *test = self;
    if (err || rows_i64(rows, 0, 0) != test->wanted) test->wrong++;
    if (++test->rounds == 100)
        loop_stop(test->ground->loop);
    else
        write_next(test);
}

static void on_written(void *self, const struct change_result *result)
{
    struct read_after_write *test = self;
    struct query query = { .statement = &count_notes };
    if (result->err) test->wrong++;
    store_query(test->ground->store, &query, on_counted, test);
}

static void write_next(struct read_after_write *test)
{
    test->wanted++;
    change_submit(note_change(test->ground, test->wanted, NULL), on_written, test);
}

TEST(a_query_sees_every_change_that_was_acknowledged)
{
    struct ground ground = { 0 };
    ground_begin(&ground, false);
    struct read_after_write test = { .ground = &ground };
    write_next(&test);
    loop_run_for(ground.loop, 20000);
    CHECK_U32(test.rounds, 100);
    CHECK_U32(test.wrong, 0);
    ground_end(&ground);
}

static void check_kinds(void *self, enum err err, const struct rows *rows)
{
    uint32_t *count = self;
    CHECK_OK(err);
    CHECK_U32(rows_count(rows), 2);
    for (uint32_t row = 0; row < 2; row++) {
        CHECK_I64(rows_i64(rows, row, 0), -5);
        CHECK(rows_at(rows, row, 1)->kind == VALUE_FLOAT && rows_at(rows, row, 1)->number == 2.5);
        CHECK_TEXT(rows_text(rows, row, 2), "text");
        CHECK(text_eq(rows_text(rows, row, 3), TEXT("by\0tes")));
        CHECK(rows_at(rows, row, 3)->kind == VALUE_BYTES);
        CHECK(rows_at(rows, row, 4)->kind == VALUE_NULL);
        CHECK_I64(rows_i64(rows, row, 4), 0);
        CHECK(rows_at(rows, row, 5)->kind == VALUE_TEXT && rows_text(rows, row, 5).len == 0);
    }
    ++*count;
}

TEST(values_of_all_kinds_come_back_as_they_went)
{
    static const struct statement insert = { "INSERT INTO kind VALUES (?1, ?2, ?3, ?4, ?5, ?6)" };
    static const struct statement read = {
        "SELECT * FROM kind UNION ALL SELECT ?1, ?2, ?3, ?4, ?5, ?6"
    };
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    uint32_t count = 0;
    ground_begin_memory(&ground);
    CHECK_OK(store_execute_now(ground.store,
                               TEXT("CREATE TABLE kind (a INTEGER, b REAL, c TEXT, d BLOB, "
                                    "e TEXT, f TEXT)"),
                               NULL));
    struct change *change = change_new(ground.store);
    change_add(change, &insert, 1);
    change_bind_i64(change, -5);
    change_bind_f64(change, 2.5);
    change_bind_text(change, TEXT("text"));
    change_bind_bytes(change, TEXT("by\0tes"));
    change_bind_null(change);
    change_bind_text(change, TEXT(""));
    CHECK_U32(change_rows(change), 1);
    change_submit(change, on_answer, &answers);
    loop_run_for(ground.loop, 10);
    CHECK_OK(answers.err[0]);
    char text[] = "text";
    struct value parameters[] = {
        { .kind = VALUE_INTEGER, .integer = -5 },
        { .kind = VALUE_FLOAT, .number = 2.5 },
        { .kind = VALUE_TEXT, .text = { text, 4 } },
        { .kind = VALUE_BYTES, .text = TEXT("by\0tes") },
        { .kind = VALUE_NULL },
        { .kind = VALUE_TEXT },
    };
    struct query query = { .statement = &read, .parameters = parameters, .parameter_count = 6 };
    store_query(ground.store, &query, check_kinds, &count);
    memset(parameters, 0, sizeof parameters); /* they were copied */
    memset(text, 'x', 4);
    loop_run_for(ground.loop, 10);
    CHECK_U32(count, 1);
    ground_end(&ground);
}

static void keep_err(void *self, enum err err, const struct rows *rows)
{
    enum err *kept = self;
    CHECK_U32(rows_count(rows), 0);
    *kept = err;
}

TEST(a_query_that_writes_or_makes_no_sense_or_asks_for_too_much_is_refused)
{
    static const struct statement writes = { "DELETE FROM note RETURNING id" };
    static const struct statement nonsense = { "SELECT nothing" };
    static const struct statement huge = {
        "WITH n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 100) SELECT zeroblob(1000000)"
        " FROM n",
        .postgres = "SELECT repeat('x', 1000000) FROM generate_series(1, 100)",
    };
    struct ground ground = { 0 };
    ground_begin(&ground, true);
    enum err err = ERR_OK;
    CHECK(store_query_now(ground.store, &(struct query){ .statement = &writes }, keep_err, &err));
    CHECK(store_query_now(ground.store, &(struct query){ .statement = &nonsense }, keep_err, &err));
    CHECK_U32(err, ERR_INTERNAL);
    CHECK_U32(store_query_now(ground.store, &(struct query){ .statement = &huge }, keep_err, &err),
              ERR_LIMIT);
    ground_end(&ground);
}

TEST(statements_made_at_run_time_are_interned)
{
    struct ground ground = { 0 };
    ground_begin_memory(&ground);
    char sql[] = "SELECT 41 + 1";
    const struct statement *one = store_statement(ground.store, text_of(sql));
    sql[7] = '3';
    const struct statement *two = store_statement(ground.store, text_of(sql));
    CHECK(one != two);
    CHECK(one == store_statement(ground.store, TEXT("SELECT 41 + 1")));
    CHECK_I64(ask_i64(&ground, one), 42);
    CHECK_I64(ask_i64(&ground, two), 32);
    ground_end(&ground);
}

/* --- life --- */

static void on_flushed(void *self)
{
    struct answers *answers = self;
    answers->wanted = answers->count;
    if (answers->stop_loop) loop_stop(answers->stop_loop);
}

TEST(a_flush_comes_when_all_before_it_is_durable)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct ground ground = { 0 };
        struct answers answers = { 0 };
        ground_begin(&ground, is_virtual);
        for (int64_t i = 1; i <= 300; i++) submit_note(&ground, i, NULL, &answers);
        answers.stop_loop = ground.loop;
        store_flush(ground.store, on_flushed, &answers);
        loop_run_for(ground.loop, 5000);
        CHECK_U32(answers.wanted, 300);
        answers.wanted = 0;
        answers.count = 7; /* with nothing to wait for it comes as well, and in a later turn */
        store_flush(ground.store, on_flushed, &answers);
        CHECK_U32(answers.wanted, 0);
        loop_run_for(ground.loop, 5000);
        CHECK_U32(answers.wanted, 7);
        ground_end(&ground);
    }
}

TEST(a_flush_waits_behind_a_full_queue)
{
    struct ground ground = { .options = { .queue_max = 10 } };
    struct answers answers = { 0 };
    ground_begin_memory(&ground);
    for (int64_t i = 1; i <= 10; i++) submit_note(&ground, i, NULL, &answers);
    store_flush(ground.store, on_flushed, &answers);
    loop_run_for(ground.loop, 100);
    CHECK_U32(answers.wanted, 10);
    ground_end(&ground);
}

TEST(an_owner_that_is_forgotten_hears_nothing_and_its_change_happens)
{
    struct ground ground = { 0 };
    struct answers gone = { 0 }, there = { 0 };
    ground_begin_memory(&ground);
    submit_note(&ground, 1, NULL, &gone);
    submit_note(&ground, 2, NULL, &there);
    store_flush(ground.store, on_flushed, &gone);
    store_forget(ground.store, &gone);
    loop_run_for(ground.loop, 100);
    CHECK_U32(gone.count, 0);
    CHECK_U32(there.count, 1);
    CHECK_I64(ask_i64(&ground, &count_notes), 2);
    ground_end(&ground);
}

static void close_store(void *self, const struct change_result *result)
{
    CHECK_OK(result->err);
    ground_close(self);
}

TEST(a_store_may_be_closed_by_its_own_callback_and_with_changes_on_their_way)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct ground ground = { 0 };
        struct answers answers = { 0 };
        ground_begin(&ground, is_virtual);
        (void)change_new(ground.store); /* neither submitted nor dropped */
        change_drop(note_change(&ground, 9, NULL));
        change_submit(note_change(&ground, 1, NULL), close_store, &ground);
        for (int64_t i = 2; i <= 300; i++) submit_note(&ground, i, NULL, &answers);
        struct query query = { .statement = &count_notes };
        store_query(ground.store, &query, NULL, NULL);
        loop_run_for(ground.loop, 200);
        CHECK(ground.store == NULL);
        CHECK_U32(answers.count, 0);
        ground_end(&ground);
    }
}

TEST_OF_FILES(a_store_in_memory_works_on_a_real_loop_too)
{
    struct ground ground = { .path = ":memory:" };
    struct answers answers = { .wanted = 1 };
    struct fault fault;
    ground.life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    ground.loop = loop_new(ground.life);
    CHECK_OK(ground_open(&ground, &fault));
    answers.stop_loop = ground.loop;
    submit_note(&ground, 1, "one", &answers);
    loop_run_for(ground.loop, 5000);
    CHECK_OK(answers.err[0]);
    CHECK_I64(ask_i64(&ground, &count_notes), 1);
    ground_end(&ground);
}
