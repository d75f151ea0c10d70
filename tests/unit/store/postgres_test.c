/* SPDX-License-Identifier: Apache-2.0 */
/* What a PostgreSQL does that a file does not: it goes away, answers late, and loses the answer of
 * a commit. Nobody is told a wrong answer (design 1.4, 5). */
#include "tests/unit/store/ground.h"

#include "store/sim_store.h"
#include "tests/unit/store/postgres_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { BACK_MS = 15000 };

static bool begin(struct ground *ground, bool is_virtual)
{
    CHECK(setenv("STORE_ON", "postgresql", 1) == 0);
    ground_begin(ground, is_virtual);
    return true;
}

static enum err submit_and_wait(struct ground *ground, int64_t id, uint32_t ms)
{
    struct answers answers = { .stop_loop = ground->loop, .wanted = 1 };
    submit_note(ground, id, NULL, &answers);
    loop_run_for(ground->loop, ms);
    CHECK_U32(answers.count, 1);
    return answers.err[0];
}

TEST(a_commit_whose_answer_was_lost_is_found_out_about)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    int kept = 0, gone = 0;
    begin(&ground, true);
    for (int64_t i = 1; i <= 20; i++) {
        sim_store_fail_sync(ground.store); /* the answer is lost, before the commit or after it */
        submit_note(&ground, i, NULL, &answers);
        loop_run_for(ground.loop, 100);
        CHECK_U32(answers.count, i);
        CHECK(answers.err[i - 1] == ERR_OK || answers.err[i - 1] == ERR_UNAVAILABLE);
        kept += answers.err[i - 1] == ERR_OK;
        gone += answers.err[i - 1] != ERR_OK;
    }
    CHECK(kept > 0 && gone > 0);
    CHECK_I64(ask_i64(&ground, &count_notes), kept);
    ground_end(&ground);
}

TEST(sessions_that_are_ended_are_made_again_unnoticed)
{
    struct ground ground = { 0 };
    begin(&ground, false);
    CHECK_OK(submit_and_wait(&ground, 1, BACK_MS));
    postgres_server_drop_sessions();
    CHECK_OK(submit_and_wait(&ground, 2, BACK_MS));
    CHECK_I64(ask_i64(&ground, &count_notes), 2);
    ground_end(&ground);
}

TEST(a_server_that_is_away_is_told_from_one_that_is_there)
{
    struct ground ground = { 0 };
    struct fault fault = { 0 };
    begin(&ground, true);
    CHECK_OK(store_reach(text_of(ground.path), &fault));
    postgres_server_kill();
    CHECK(store_reach(text_of(ground.path), &fault) == ERR_UNAVAILABLE);
    CHECK(strstr(fault.words, "127.0.0.1") != NULL);
    postgres_server_start();
    CHECK_OK(store_reach(text_of(ground.path), &fault));
    CHECK_OK(store_reach(TEXT("/any/file.db"), &fault)); /* opening it says the rest */
    ground_end(&ground);
}

TEST(what_was_written_is_counted_anew_when_it_is_asked_for)
{
    static const struct statement counted = {
        "SELECT CAST(reltuples AS INTEGER) FROM pg_class WHERE oid = CAST('note' AS regclass)"
    };
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    begin(&ground, true);
    for (int64_t i = 1; i <= 100; i++) submit_note(&ground, i, NULL, &answers);
    loop_run_for(ground.loop, 1000);
    CHECK_U32(answers.count, 100);
    CHECK_I64(ask_i64(&ground, &counted), -1); /* nobody has looked */
    store_count_anew(ground.store, TEXT("note"));
    loop_run_for(ground.loop, 100);
    CHECK_I64(ask_i64(&ground, &counted), 100);
    ground_end(&ground);
}

/* Of many changes in one group some may be lost with it; what was acknowledged is there. */
TEST(a_server_that_dies_under_load_has_all_that_was_acknowledged)
{
    struct ground ground = { .options = { .group_rows_max = 5 } };
    struct answers answers = { 0 };
    begin(&ground, false);
    for (int64_t i = 1; i <= 2000; i++) submit_note(&ground, i, NULL, &answers);
    answers.stop_loop = ground.loop;
    answers.wanted = 100;
    loop_run_for(ground.loop, BACK_MS);
    postgres_server_kill();
    answers.wanted = 2000;
    loop_run_for(ground.loop, 1000);
    postgres_server_start();
    loop_run_for(ground.loop, BACK_MS);
    CHECK_U32(answers.count, 2000);
    int64_t kept = 0;
    for (size_t i = 0; i < 2000; i++) {
        CHECK(answers.err[i] == ERR_OK || answers.err[i] == ERR_UNAVAILABLE);
        kept += answers.err[i] == ERR_OK;
    }
    CHECK(kept >= 100);
    CHECK_I64(ask_i64(&ground, &count_notes), kept);
    CHECK_OK(submit_and_wait(&ground, 5000, BACK_MS));
    ground_end(&ground);
}

TEST(behind_a_server_that_answers_nothing_a_change_is_refused_after_two_seconds)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    begin(&ground, false);
    CHECK_OK(submit_and_wait(&ground, 1, BACK_MS));
    postgres_server_freeze(true);
    submit_note(&ground, 2, NULL, &answers); /* in the group that hangs, or to be tried again */
    loop_run_for(ground.loop, 500);
    CHECK_U32(answers.count, 0);
    submit_note(&ground, 3, NULL, &answers);
    answers.stop_loop = ground.loop;
    answers.wanted = 2;
    uint64_t began_ms = loop_now_mono_ms(ground.loop);
    loop_run_for(ground.loop, BACK_MS);
    CHECK_U32(answers.count, 2);
    CHECK_U32(answers.err[0], ERR_UNAVAILABLE);
    CHECK_U32(answers.err[1], ERR_UNAVAILABLE);
    CHECK(loop_now_mono_ms(ground.loop) - began_ms < 6000);
    postgres_server_freeze(false);
    enum err err = ERR_UNAVAILABLE;
    for (int64_t id = 10; id < 200 && err; id++) {
        err = submit_and_wait(&ground, id, BACK_MS);
        loop_run_for(ground.loop, 50);
    }
    CHECK_OK(err);
    static const struct statement refused = { "SELECT count(*) FROM note WHERE id IN (2, 3)" };
    CHECK_I64(ask_i64(&ground, &refused), 0);
    ground_end(&ground);
}

TEST(a_store_closes_though_its_server_does_not_answer)
{
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    begin(&ground, false);
    CHECK_OK(submit_and_wait(&ground, 1, BACK_MS));
    postgres_server_freeze(true);
    submit_note(&ground, 2, NULL, &answers);
    struct query query = { .statement = &count_notes };
    store_query(ground.store, &query, NULL, NULL);
    loop_run_for(ground.loop, 300);
    uint64_t began_ms = loop_now_mono_ms(ground.loop);
    ground_close(&ground);
    CHECK(loop_now_mono_ms(ground.loop) - began_ms < 1500);
    postgres_server_freeze(false);
    ground_end(&ground);
}

TEST(of_several_hosts_the_one_that_takes_writes_is_found)
{
    struct ground ground = { 0 };
    begin(&ground, false);
    ground_close(&ground);
    char path[160];
    (void)snprintf(path, sizeof path,
                   "postgresql:several:host=127.0.0.1,127.0.0.1 port=1,%u user=carillon "
                   "dbname=postgres",
                   postgres_server_port());
    (void)snprintf(ground.path, sizeof ground.path, "%s", path);
    CHECK_OK(ground_open(&ground, NULL));
    CHECK_OK(submit_and_wait(&ground, 1, BACK_MS));
    ground_end(&ground);
}

/* The store again, at two ports of loopback. */
static void reopen_at(struct ground *ground, unsigned first, unsigned second)
{
    char path[sizeof ground->path];
    const char *rest = strstr(ground->path, ":host=");
    CHECK(rest != NULL);
    (void)snprintf(path, sizeof path,
                   "%.*s:host=127.0.0.1,127.0.0.1 port=%u,%u user=carillon dbname=postgres",
                   (int)(rest - ground->path), ground->path, first, second);
    (void)snprintf(ground->path, sizeof ground->path, "%s", path);
    CHECK_OK(ground_open(ground, NULL));
}

TEST(a_leader_whose_standby_leads_by_now_is_left)
{
    struct ground ground = { 0 };
    begin(&ground, false);
    CHECK_OK(submit_and_wait(&ground, 1, BACK_MS));
    ground_close(&ground);
    unsigned other = postgres_server_begin_split();
    reopen_at(&ground, postgres_server_port(), other);
    CHECK_U32(submit_and_wait(&ground, 2, BACK_MS), ERR_UNAVAILABLE);
    CHECK_OK(submit_and_wait(&ground, 3, BACK_MS));
    static const struct statement kept = { "SELECT sum(id) FROM note" };
    CHECK_I64(ask_i64(&ground, &kept), 1 + 3);
    ground_end(&ground);
    postgres_server_end_split();
}

TEST(a_server_that_takes_long_is_not_left_for_itself_by_another_name)
{
    static const struct statement slow = { .sql = "SELECT 1",
                                           .postgres = "SELECT 1 FROM pg_sleep(6)" };
    struct ground ground = { 0 };
    struct answers answers = { 0 };
    begin(&ground, false);
    ground_close(&ground);
    reopen_at(&ground, postgres_server_port(), postgres_server_port());
    CHECK_OK(submit_and_wait(&ground, 1, BACK_MS));
    struct change *change = note_change(&ground, 2, NULL);
    change_add(change, &slow, ROWS_ANY);
    answers.stop_loop = ground.loop;
    answers.wanted = 1;
    change_submit(change, on_answer, &answers);
    loop_run_for(ground.loop, BACK_MS);
    CHECK_U32(answers.count, 1);
    CHECK_OK(answers.err[0]);
    ground_end(&ground);
}

TEST(what_is_no_address_is_refused_in_words_without_the_password)
{
    static const char *const wrong[] = { "postgresql:No-Name:host=a",
                                         "postgresql:", "postgresql:pg_mine:host=a",
                                         "postgresql:a:nonsense password=hidden",
                                         "postgresql:a:host=a,b,c,d,e,f,g,h,i" };
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(life);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct store *store;
        struct fault fault = { 0 };
        CHECK(store_open(life, loop, NULL, text_of(wrong[i]), ground_migrations(), NULL, &store,
                         &fault) != ERR_OK);
        CHECK(fault.words[0] != '\0' && strstr(fault.words, "hidden") == NULL);
    }
    scope_close(life);
}
