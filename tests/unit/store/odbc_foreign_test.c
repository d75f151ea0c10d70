/* SPDX-License-Identifier: Apache-2.0 */
/* What is owed to a customer's database, through crashes at every moment. Both databases are SQLite
 * files, theirs behind ODBC. */
#include "store/foreign.h"
#include "store/sim_store.h"
#include "tests/unit/test.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ACCESS_POINT = 7, A_WHILE_MS = 200, LIVES_MS = 40 };

struct world {
    struct scope *life, *process;
    struct loop *loop;
    struct store *own;
    struct foreign *foreign;
    char folder[64], own_path[96], their_path[96], address[160];
    bool is_real;
    uint32_t durable, away, back, refused;
    enum err err, carried, taken, read_err;
    uint32_t carried_count, taken_count;
    int64_t number;
    char words[200];
};

static char foreign_sql[4096];
static const struct migration migrations[] = { { 1, foreign_sql }, { 0, NULL } };

static void read_sql(void)
{
    FILE *file = fopen(FOREIGN_SQL_PATH, "r");
    CHECK(file != NULL);
    size_t len = fread(foreign_sql, 1, sizeof foreign_sql - 1, file);
    CHECK(len > 0 && len < sizeof foreign_sql - 1);
    (void)fclose(file);
}

static void on_away(void *self, const char *words)
{
    struct world *world = self;
    world->away++;
    (void)snprintf(world->words, sizeof world->words, "%s", words);
}

static void on_back(void *self)
{
    ((struct world *)self)->back++;
}

static void on_refused(void *self, struct text table, int64_t key_1, int64_t key_2,
                       const char *words)
{
    struct world *world = self;
    CHECK_TEXT(table, "row");
    (void)key_1;
    (void)key_2;
    world->refused++;
    (void)snprintf(world->words, sizeof world->words, "%s", words);
}

/* One life of the process. */
static void live(struct world *world)
{
    struct fault fault = { 0 };
    struct foreign_listener listener = { on_away, on_back, on_refused, world };
    world->process = scope_new(world->life, "process", SCOPE_NO_LIMIT);
    if (store_open(world->process, world->loop, NULL, text_of(world->own_path), migrations, NULL,
                   &world->own, &fault) ||
        foreign_open(world->process, world->loop, NULL, world->own, ACCESS_POINT,
                     text_of(world->address), NULL, &listener, &world->foreign, &fault))
        fail_msg("%s", fault.words);
}

static void die(struct world *world)
{
    scope_close(world->process);
}

static void on_done(void *self, const struct change_result *result)
{
    struct world *world = self;
    world->err = result->err;
    world->durable++;
    if (result->err) (void)snprintf(world->words, sizeof world->words, "%s", result->words);
}

/* A statement of theirs, at once. */
static void make(struct world *world, const char *sql)
{
    struct fault fault = { 0 };
    struct scope *life = scope_new(world->life, "making", SCOPE_NO_LIMIT);
    struct store *store;
    CHECK_OK(
        store_open_odbc(life, world->loop, NULL, text_of(world->address), NULL, &store, &fault));
    if (store_execute_now(store, text_of(sql), &fault)) fail_msg("%s", fault.words);
    scope_close(life);
}

static void on_number(void *self, enum err err, const struct rows *rows)
{
    struct world *world = self;
    world->read_err = err;
    world->number = err || rows_count(rows) == 0 ? -1 : rows_i64(rows, 0, 0);
}

static int64_t ask_own(struct world *world, const char *sql)
{
    struct query query = { store_statement(world->own, text_of(sql)), NULL, 0 };
    CHECK_OK(store_query_now(world->own, &query, on_number, world));
    return world->number;
}

static int64_t ask_theirs(struct world *world, const char *sql)
{
    struct query query = { store_statement(foreign_store(world->foreign), text_of(sql)), NULL, 0 };
    CHECK_OK(store_query_now(foreign_store(world->foreign), &query, on_number, world));
    return world->number;
}

static void begin(struct world *world, bool is_real)
{
    const char *base = getenv("TMPDIR");
    *world = (struct world){ .is_real = is_real };
    read_sql();
    (void)snprintf(world->folder, sizeof world->folder, "%s/foreign-XXXXXX", base ? base : "/tmp");
    CHECK(mkdtemp(world->folder) != NULL);
    (void)snprintf(world->own_path, sizeof world->own_path, "%s/own.db", world->folder);
    (void)snprintf(world->their_path, sizeof world->their_path, "%s/theirs.db", world->folder);
    (void)snprintf(world->address, sizeof world->address, "Driver={SQLite3};Database=%s",
                   world->their_path);
    world->life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    world->loop = is_real ? loop_new(world->life) : loop_new_virtual(world->life, 1000000, 1);
    make(world, "CREATE TABLE row (id integer NOT NULL, state integer, words varchar(20), "
                "touched integer, PRIMARY KEY (id))");
    live(world);
}

static void end(struct world *world)
{
    scope_close(world->life);
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", world->folder);
    CHECK(system(command) == 0);
}

static struct value integer(int64_t value)
{
    return (struct value){ .kind = VALUE_INTEGER, .integer = value };
}

/* As outbound does: absolute values, only while the row is held (state 2). */
static void owe_write(struct world *world, struct change *change, int64_t id, int64_t state,
                      const char *words)
{
    struct value parameters[] = { integer(id),
                                  integer(state),
                                  { .kind = VALUE_TEXT, .text = text_of(words) } };
    struct owed owed = { OWED_WRITE,
                         TEXT("row"),
                         id,
                         0,
                         TEXT("UPDATE row SET state = ?2, words = ?3, touched = touched + 1 WHERE "
                              "id = ?1 AND state = 2"),
                         parameters,
                         3 };
    foreign_owe(world->foreign, change, &owed);
}

static void owe_insert(struct world *world, struct change *change, int64_t id)
{
    struct value parameters[] = { integer(id), { .kind = VALUE_TEXT, .text = TEXT("\xd0\x96") } };
    struct owed owed = {
        OWED_INSERT,
        TEXT("row"),
        id,
        0,
        TEXT("INSERT INTO row (id, state, words, touched) SELECT CAST(?1 AS integer), 1, ?2, 0 "
             "WHERE NOT EXISTS (SELECT 1 FROM row WHERE id = ?1 AND words = ?2)"),
        parameters,
        2
    };
    foreign_owe(world->foreign, change, &owed);
}

static void submit(struct world *world, struct change *change)
{
    change_submit(change, on_done, world);
}

TEST(what_is_owed_is_carried_out_in_order_and_taken_out_of_the_journal)
{
    struct world world;
    begin(&world, false);
    make(&world, "INSERT INTO row VALUES (1, 2, '', 0), (2, 2, '', 0)");
    struct change *change = change_new(world.own);
    owe_write(&world, change, 1, 2, "first");
    owe_write(&world, change, 2, 3, "other");
    submit(&world, change);
    change = change_new(world.own);
    owe_write(&world, change, 1, 3, "last");
    owe_insert(&world, change, 5);
    submit(&world, change);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_U32(world.durable, 2);
    CHECK_I64(ask_own(&world, "SELECT count(*) FROM foreign_write"), 0);
    CHECK_I64(ask_theirs(&world, "SELECT count(*) FROM row WHERE state = 3"), 2);
    CHECK_I64(ask_theirs(&world, "SELECT count(*) FROM row WHERE id = 1 AND words = 'last'"), 1);
    CHECK_I64(ask_theirs(&world, "SELECT count(*) FROM row WHERE id = 5 AND state = 1"), 1);
    CHECK_U32(world.refused, 0);
    CHECK_U32(foreign_owed(world.foreign), 0);
    end(&world);
}

/* The process dies after `ms`, again and again: what was acknowledged is there in the end, once. */
TEST(a_crash_at_any_moment_loses_nothing_and_does_nothing_twice)
{
    struct world world;
    begin(&world, false);
    for (uint32_t ms = 0; ms < LIVES_MS; ms++) {
        int64_t id = 100 + ms;
        char sql[160];
        (void)snprintf(sql, sizeof sql, "INSERT INTO row VALUES (%lld, 2, '', 0)", (long long)id);
        make(&world, sql);
        loop_run_for(world.loop, 10);
        world.durable = 0;
        struct change *change = change_new(world.own);
        owe_write(&world, change, id, 3, "done");
        owe_insert(&world, change, id + 1000);
        submit(&world, change);
        loop_run_for(world.loop, ms / 2);
        bool is_acknowledged = world.durable && world.err == ERR_OK;
        die(&world);
        live(&world);
        loop_run_for(world.loop, ms % 7);
        die(&world);
        live(&world);
        loop_run_for(world.loop, A_WHILE_MS);
        CHECK_I64(ask_own(&world, "SELECT count(*) FROM foreign_write"), 0);
        (void)snprintf(sql, sizeof sql, "SELECT touched FROM row WHERE id = %lld AND state = 3",
                       (long long)id);
        int64_t touched = ask_theirs(&world, sql);
        (void)snprintf(sql, sizeof sql, "SELECT count(*) FROM row WHERE id = %lld",
                       (long long)id + 1000);
        int64_t inserted = ask_theirs(&world, sql);
        if (is_acknowledged) {
            CHECK_I64(touched, 1);
            CHECK_I64(inserted, 1);
        }
        CHECK((touched == 1) == (inserted == 1)); /* both or none */
    }
    CHECK_U32(world.refused, 0);
    end(&world);
}

TEST(what_the_database_refuses_is_kept_and_holds_nobody_up)
{
    struct world world;
    begin(&world, false);
    make(&world, "INSERT INTO row VALUES (1, 2, '', 0), (3, 1, 'another one', 0)");
    struct change *change = change_new(world.own);
    owe_insert(&world, change, 3);
    owe_write(&world, change, 1, 3, "done");
    submit(&world, change);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_OK(world.err);
    CHECK_U32(world.refused, 1);
    CHECK_I64(ask_theirs(&world, "SELECT state FROM row WHERE id = 1"), 3);
    CHECK_I64(
        ask_own(&world, "SELECT count(*) FROM foreign_write WHERE state = 2 AND reason <> ''"), 1);
    make(&world, "DELETE FROM row WHERE id = 3");
    loop_run_for(world.loop, 61000);
    CHECK_I64(ask_own(&world, "SELECT count(*) FROM foreign_write"), 0);
    CHECK_I64(ask_theirs(&world, "SELECT count(*) FROM row WHERE id = 3"), 1);
    end(&world);
}

TEST(a_row_that_somebody_else_took_is_left_alone_and_told)
{
    struct world world;
    begin(&world, false);
    make(&world, "INSERT INTO row VALUES (1, 5, 'theirs', 0)");
    loop_run_for(world.loop, A_WHILE_MS);
    struct change *change = change_new(world.own);
    owe_write(&world, change, 1, 3, "ours");
    submit(&world, change);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_U32(world.refused, 1);
    CHECK_I64(ask_theirs(&world, "SELECT count(*) FROM row WHERE words = 'theirs'"), 1);
    CHECK_I64(ask_own(&world, "SELECT count(*) FROM foreign_write"), 0);
    end(&world);
}

static void on_carried(void *self, enum err err, const char *words)
{
    struct world *world = self;
    world->carried = err;
    world->carried_count++;
    (void)words;
}

static void on_inserted(void *self, const struct change_result *result)
{
    struct world *world = self;
    on_done(self, result);
    if (result->err == ERR_OK) foreign_await(world->foreign, result->rowid, on_carried, world);
}

TEST(who_asks_hears_what_became_of_a_row)
{
    struct world world;
    begin(&world, false);
    make(&world, "INSERT INTO row VALUES (3, 1, 'another one', 0)");
    struct change *change = change_new(world.own);
    owe_insert(&world, change, 4);
    change_submit(change, on_inserted, &world);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_U32(world.carried_count, 1);
    CHECK_OK(world.carried);
    change = change_new(world.own);
    owe_insert(&world, change, 3);
    change_submit(change, on_inserted, &world);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_U32(world.carried_count, 2);
    CHECK_I64(world.carried, ERR_EXISTS);
    CHECK_I64(ask_own(&world, "SELECT count(*) FROM foreign_write"), 0); /* refused means refused */
    CHECK_U32(world.refused, 0);
    end(&world);
}

TEST(two_new_rows_in_one_place_are_refused_while_the_first_waits)
{
    struct world world;
    begin(&world, false);
    for (int i = 0; i < 2; i++) {
        struct change *change = change_new(world.own);
        owe_insert(&world, change, 4);
        submit(&world, change);
    }
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_U32(world.durable, 2);
    CHECK_I64(world.err, ERR_EXISTS);
    end(&world);
}

TEST(a_read_sees_what_was_acknowledged_before_it)
{
    struct world world;
    begin(&world, false);
    for (int64_t id = 1; id <= 450; id++) { /* more than two pages */
        struct change *change = change_new(world.own);
        owe_insert(&world, change, id);
        submit(&world, change);
    }
    while (world.durable < 450) loop_run_for(world.loop, 1);
    struct query query = {
        store_statement(foreign_store(world.foreign), TEXT("SELECT count(*) FROM row")), NULL, 0
    };
    foreign_query(world.foreign, &query, on_number, &world);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_OK(world.read_err);
    CHECK_I64(world.number, 450);
    end(&world);
}

static void on_taken(void *self, const struct change_result *result)
{
    struct world *world = self;
    world->taken = result->err;
    world->taken_count++;
}

static const char take_sql[] = "UPDATE row SET state = 2 WHERE id = ?1 AND state = 1";

static void take(struct world *world, int64_t id)
{
    struct store *theirs = foreign_store(world->foreign);
    struct change *change = change_new(theirs);
    change_add(change, store_statement(theirs, text_of(take_sql)), 1);
    change_bind_i64(change, id);
    struct value key = integer(id);
    struct owed undo = { OWED_STATEMENT,
                         TEXT("row"),
                         id,
                         0,
                         TEXT("UPDATE row SET state = 1 WHERE id = ?1 AND state = 2"),
                         &key,
                         1 };
    foreign_submit(world->foreign, change, &undo, 1, on_taken, world);
}

TEST(a_take_whose_answer_was_lost_is_undone_before_the_next)
{
    for (int round = 0; round < 8; round++) { /* kept or lost is left to chance */
        struct world world;
        begin(&world, false);
        make(&world, "INSERT INTO row VALUES (1, 1, '', 0)");
        loop_run_for(world.loop, A_WHILE_MS);
        for (int i = 0; i < round; i++) (void)random_u64(loop_random(world.loop));
        sim_store_fail_sync(foreign_store(world.foreign));
        take(&world, 1);
        while (world.taken_count == 0) loop_run_for(world.loop, 1);
        CHECK_I64(world.taken, ERR_IO);
        take(&world, 1);
        loop_run_for(world.loop, A_WHILE_MS);
        CHECK_U32(world.taken_count, 2);
        CHECK_OK(world.taken);
        CHECK_I64(ask_theirs(&world, "SELECT state FROM row WHERE id = 1"), 2);
        take(&world, 1);
        loop_run_for(world.loop, A_WHILE_MS);
        CHECK_I64(world.taken, ERR_CONFLICT);
        end(&world);
    }
}

/* The write gave the row free, but its answer was lost. Were it taken again before the write is
 * marked, the repeat would give it free under its new owner. */
TEST(no_row_is_taken_while_a_write_that_freed_it_may_come_again)
{
    for (int round = 0; round < 8; round++) {
        struct world world;
        begin(&world, false);
        make(&world, "INSERT INTO row VALUES (1, 2, '', 0)");
        loop_run_for(world.loop, A_WHILE_MS);
        for (int i = 0; i < round; i++) (void)random_u64(loop_random(world.loop));
        sim_store_fail_sync(foreign_store(world.foreign));
        struct change *change = change_new(world.own);
        owe_write(&world, change, 1, 1, "free");
        submit(&world, change);
        loop_run_for(world.loop, 5); /* ours 2, the page 1, theirs 2: it has just failed */
        while (world.taken_count == 0 || world.taken) {
            uint32_t before = world.taken_count;
            take(&world, 1);
            while (world.taken_count == before) loop_run_for(world.loop, 1);
        }
        loop_run_for(world.loop, 5000);
        CHECK_I64(ask_own(&world, "SELECT count(*) FROM foreign_write"), 0);
        CHECK_I64(ask_theirs(&world, "SELECT state FROM row WHERE id = 1"), 2);
        end(&world);
    }
}

TEST(while_the_database_is_away_all_is_told_at_once_and_what_is_owed_waits)
{
    struct world world;
    begin(&world, true);
    char hidden[128];
    (void)snprintf(hidden, sizeof hidden, "%s.away", world.their_path);
    die(&world);
    CHECK(rename(world.their_path, hidden) == 0);
    CHECK(mkdir(world.their_path, 0700) == 0); /* a folder is no database */
    live(&world);
    struct change *change = change_new(world.own);
    owe_insert(&world, change, 1);
    change_submit(change, on_inserted, &world);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_OK(world.err); /* ours has it */
    CHECK_U32(world.away, 1);
    CHECK_U32(world.carried_count, 1);
    CHECK_I64(world.carried, ERR_UNAVAILABLE);
    take(&world, 1);
    loop_run_for(world.loop, A_WHILE_MS);
    CHECK_I64(world.taken, ERR_UNAVAILABLE);
    CHECK(rmdir(world.their_path) == 0 && rename(hidden, world.their_path) == 0);
    for (int i = 0; i < 50 && world.back == 0; i++) loop_run_for(world.loop, 100);
    CHECK_U32(world.back, 1);
    CHECK_U32(world.away, 1);
    CHECK_I64(ask_theirs(&world, "SELECT count(*) FROM row"), 1);
    CHECK_I64(ask_own(&world, "SELECT count(*) FROM foreign_write"), 0);
    end(&world);
}
