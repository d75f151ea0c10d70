/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of a store's door, by our own SQLite file and by ODBC (the driver libsqliteodbc): a
 * test runs once for each. PostgreSQL by ODBC is met in tests/e2e/test_odbc.py. */
#include "store/odbc_private.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { WAIT_MS = 2000 };

struct world {
    struct scope *life, *store_life;
    struct loop *loop;
    struct store *store;
    bool is_odbc;
    char folder[64], path[96], address[160];
    enum err err[64]; /* of changes, in the order of their answers */
    uint32_t answered;
    char words[400];
    int failed_statement;
    /* The last query's answer. */
    enum err query_err;
    uint32_t count, columns;
    char cells[512]; /* of all rows: kind:value, */
};

static const struct migration ours[] = {
    { 1, "CREATE TABLE meta_of_test (id INTEGER);" },
    { 0, NULL },
};

static void open_store(struct world *world)
{
    struct fault fault = { 0 };
    world->store_life = scope_new(world->life, "store", SCOPE_NO_LIMIT);
    enum err err = world->is_odbc
                       ? store_open_odbc(world->store_life, world->loop, NULL,
                                         text_of(world->address), NULL, &world->store, &fault)
                       : store_open(world->store_life, world->loop, NULL, text_of(world->path),
                                    ours, NULL, &world->store, &fault);
    if (err) fail_msg("%s", fault.words);
}

static void begin(struct world *world, bool is_odbc, bool is_virtual)
{
    const char *base = getenv("TMPDIR");
    *world = (struct world){ .is_odbc = is_odbc };
    (void)snprintf(world->folder, sizeof world->folder, "%s/odbc-XXXXXX", base ? base : "/tmp");
    CHECK(mkdtemp(world->folder) != NULL);
    (void)snprintf(world->path, sizeof world->path, "%s/test.db", world->folder);
    (void)snprintf(world->address, sizeof world->address, "Driver={SQLite3};Database=%s",
                   world->path);
    world->life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    world->loop = is_virtual ? loop_new_virtual(world->life, 1000000, 1) : loop_new(world->life);
    open_store(world);
}

static void end(struct world *world)
{
    scope_close(world->life);
    char path[128];
    const char *endings[] = { "", "-wal", "-shm", "-journal" };
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof path, "%s%s", world->path, endings[i]);
        (void)unlink(path);
    }
    CHECK(rmdir(world->folder) == 0);
}

static void on_change(void *self, const struct change_result *result)
{
    struct world *world = self;
    world->err[world->answered++] = result->err;
    world->failed_statement = result->failed_statement;
    (void)snprintf(world->words, sizeof world->words, "%s", result->words ? result->words : "");
}

static void on_flushed(void *self)
{
    loop_stop(((struct world *)self)->loop);
}

static void settle(struct world *world)
{
    store_flush(world->store, on_flushed, world);
    loop_run(world->loop);
}

/* One statement without parameters as a change of its own. */
static void run(struct world *world, const char *sql)
{
    world->answered = 0;
    struct change *change = change_new(world->store);
    change_add(change, store_statement(world->store, text_of(sql)), ROWS_ANY);
    change_submit(change, on_change, world);
    settle(world);
    if (world->err[0]) fail_msg("%s: %s", sql, world->words);
}

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct world *world = self;
    struct buf out = { 0 };
    world->query_err = err;
    world->count = err ? 0 : rows_count(rows);
    for (uint32_t row = 0; row < world->count; row++)
        for (uint32_t column = 0; column < world->columns; column++) {
            const struct value *value = rows_at(rows, row, column);
            switch (value->kind) {
            case VALUE_NULL: buf_add_z(&out, "-,"); break;
            case VALUE_INTEGER: buf_format(&out, "i%lld,", (long long)value->integer); break;
            case VALUE_FLOAT: buf_format(&out, "f%g,", value->number); break;
            default: buf_format(&out, "t%.*s,", TEXT_ARG(text_slice(value->text, 0, 40))); break;
            }
        }
    (void)snprintf(world->cells, sizeof world->cells, "%.*s", (int)out.len, out.at ? out.at : "");
    buf_free(&out);
    loop_stop(world->loop);
}

static const char *ask(struct world *world, const char *sql, uint32_t columns,
                       const struct value *parameters, uint32_t count)
{
    struct query query = { store_statement(world->store, text_of(sql)), parameters, count };
    world->columns = columns;
    store_query(world->store, &query, on_rows, world);
    loop_run(world->loop);
    return world->cells;
}

static struct value integer(int64_t value)
{
    return (struct value){ .kind = VALUE_INTEGER, .integer = value };
}

static struct value words(const char *z)
{
    return (struct value){ .kind = VALUE_TEXT, .text = text_of(z) };
}

static void make_table(struct world *world)
{
    run(world,
        "CREATE TABLE IF NOT EXISTS note (id integer NOT NULL, words varchar(64) NOT NULL, more "
        "text, price float, PRIMARY KEY (id))");
}

static void add_note(struct world *world, struct change *change, int64_t id, const char *text)
{
    change_add(change,
               store_statement(world->store, TEXT("INSERT INTO note (id, words) VALUES (?1, ?2)")),
               1);
    change_bind_i64(change, id);
    change_bind_text(change, text_of(text));
}

static void submit_note(struct world *world, int64_t id, const char *text)
{
    struct change *change = change_new(world->store);
    add_note(world, change, id, text);
    change_submit(change, on_change, world);
}

/* --- the contract, for both --- */

static void each(void (*test)(struct world *world))
{
    for (int kind = 0; kind < 4; kind++) {
        struct world world;
        begin(&world, kind & 1, kind & 2);
        make_table(&world);
        world.answered = 0;
        test(&world);
        end(&world);
    }
}

static void keeps_what_it_acknowledged(struct world *world)
{
    submit_note(world, 1, "\xd0\x96");
    struct change *change = change_new(world->store);
    change_add(
        change,
        store_statement(world->store, TEXT("UPDATE note SET more = ?1, price = ?2 WHERE id = ?3")),
        1);
    change_bind_text(change, (struct text){ 0 });
    change_bind_null(change);
    change_bind_i64(change, 1);
    change_submit(change, on_change, world);
    settle(world);
    CHECK_OK(world->err[0]);
    CHECK_OK(world->err[1]);
    scope_close(world->store_life); /* without a flush */
    open_store(world);
    CHECK_TEXT(text_of(ask(world, "SELECT id, words, more, price FROM note", 4, NULL, 0)),
               "i1,t\xd0\x96,-,-,");
}

TEST(what_was_acknowledged_is_there)
{
    each(keeps_what_it_acknowledged);
}

static void spares_neighbours(struct world *world)
{
    submit_note(world, 1, "a");
    submit_note(world, 1, "again");
    struct change *two = change_new(world->store);
    add_note(world, two, 2, "half");
    add_note(world, two, 1, "bad");
    change_submit(two, on_change, world);
    submit_note(world, 3, "c");
    settle(world);
    CHECK_U32(world->answered, 4);
    CHECK_OK(world->err[0]);
    CHECK_I64(world->err[1], ERR_EXISTS);
    CHECK_I64(world->err[2], ERR_EXISTS);
    CHECK_OK(world->err[3]);
    CHECK_TEXT(text_of(ask(world, "SELECT id, words FROM note ORDER BY id", 2, NULL, 0)),
               "i1,ta,i3,tc,");
}

TEST(one_bad_change_spoils_none_of_its_neighbours)
{
    each(spares_neighbours);
}

static void counts_rows(struct world *world)
{
    submit_note(world, 1, "a");
    struct change *change = change_new(world->store);
    add_note(world, change, 2, "with it");
    change_add(change,
               store_statement(world->store, TEXT("UPDATE note SET words = ?2 WHERE id = ?1")), 1);
    change_bind_i64(change, 9);
    change_bind_text(change, TEXT("nobody"));
    change_submit(change, on_change, world);
    settle(world);
    CHECK_I64(world->err[1], ERR_CONFLICT);
    CHECK_I64(world->failed_statement, 1);
    CHECK_TEXT(text_of(ask(world, "SELECT count(*) FROM note", 1, NULL, 0)), "i1,");
}

TEST(a_change_that_touches_other_rows_than_expected_is_undone)
{
    each(counts_rows);
}

static void refuses_null(struct world *world)
{
    struct change *change = change_new(world->store);
    change_add(change,
               store_statement(world->store, TEXT("INSERT INTO note (id, words) VALUES (1, NULL)")),
               1);
    change_submit(change, on_change, world);
    settle(world);
    CHECK_I64(world->err[0], ERR_INVALID);
}

TEST(a_rule_of_a_column_is_an_error_of_its_own)
{
    each(refuses_null);
}

static void binds_by_number(struct world *world)
{
    submit_note(world, 7, "it's ?3");
    settle(world);
    struct value parameters[] = { integer(7), words("it's ?3") };
    CHECK_TEXT(
        text_of(ask(world, "SELECT id, '?9' FROM note WHERE words = ?2 AND (?1 = id OR ?1 = 0)", 2,
                    parameters, 2)),
        "i7,t?9,");
    CHECK_TEXT(text_of(ask(world, "SELECT id FROM note WHERE id = ?1", 1, parameters, 2)), "");
    CHECK_I64(world->query_err, ERR_INTERNAL); /* two for one */
}

TEST(parameters_go_by_number_and_as_often_as_they_are_named)
{
    each(binds_by_number);
}

static void carries_long_texts(struct world *world)
{
    struct buf text = { 0 };
    while (text.len < 10000) buf_add_z(&text, "abcdefghi\xc3\xa9");
    struct change *change = change_new(world->store);
    change_add(
        change,
        store_statement(world->store,
                        TEXT("INSERT INTO note (id, words, more, price) VALUES (?1, ?2, ?3, ?4)")),
        1);
    change_bind_i64(change, INT64_C(5000000000));
    change_bind_text(change, TEXT(""));
    change_bind_text(change, buf_text(&text));
    change_bind_f64(change, 2.5);
    change_submit(change, on_change, world);
    settle(world);
    if (world->err[0]) fail_msg("%s", world->words);
    struct value parameter = { .kind = VALUE_TEXT, .text = buf_text(&text) };
    CHECK_TEXT(text_of(ask(world, "SELECT words, price, length(more) FROM note WHERE more = ?1", 3,
                           &parameter, 1)),
               "t,f2.5,i9100,");
    buf_free(&text);
}

TEST(long_and_empty_texts_and_numbers_come_back_as_they_went)
{
    each(carries_long_texts);
}

static void describes(struct world *world)
{
    struct value name = words("note");
    struct query query = { &STORE_COLUMNS, &name, 1 };
    world->columns = 3;
    store_query(world->store, &query, on_rows, world);
    loop_run(world->loop);
    CHECK_OK(world->query_err);
    CHECK_TEXT(text_of(world->cells),
               "tid,tinteger,i0,twords,ttext,i64,tmore,ttext,i0,tprice,tfloat,i0,");
    name = words("nowhere");
    store_query(world->store, &query, on_rows, world);
    loop_run(world->loop);
    CHECK_OK(world->query_err);
    CHECK_U32(world->count, 0);
}

TEST(a_table_tells_its_columns_and_one_that_is_not_there_has_none)
{
    each(describes);
}

/* --- of ODBC alone --- */

TEST(a_database_that_is_away_refuses_in_words_and_at_once)
{
    struct world world;
    begin(&world, true, false);
    scope_close(world.store_life);
    (void)snprintf(world.address, sizeof world.address,
                   "Driver={SQLite3};Database=/nowhere/at/all.db;PWD=hidden");
    open_store(&world);
    submit_note(&world, 1, "a");
    submit_note(&world, 2, "b");
    settle(&world);
    CHECK_U32(world.answered, 2);
    CHECK_I64(world.err[0], ERR_UNAVAILABLE);
    CHECK_I64(world.err[1], ERR_UNAVAILABLE);
    CHECK(strstr(world.words, "hidden") == NULL);
    (void)ask(&world, "SELECT 1", 1, NULL, 0);
    CHECK_I64(world.query_err, ERR_UNAVAILABLE);
    end(&world);
}

TEST(a_driver_that_is_not_installed_is_named)
{
    struct world world;
    begin(&world, true, false);
    scope_close(world.store_life);
    (void)snprintf(world.address, sizeof world.address, "Driver={No Such Driver}");
    open_store(&world);
    submit_note(&world, 1, "a");
    settle(&world);
    CHECK_I64(world.err[0], ERR_UNAVAILABLE);
    CHECK(strstr(world.words, "SQLSTATE 01000") || strstr(world.words, "SQLSTATE IM"));
    end(&world);
}

TEST(what_drivers_say_becomes_our_errors)
{
    CHECK_I64(odbc_err_of("23505", 1, "duplicate key"), ERR_EXISTS);
    CHECK_I64(odbc_err_of("23503", 1, "foreign key"), ERR_CONFLICT);
    CHECK_I64(odbc_err_of("22001", 1, "value too long"), ERR_INVALID);
    CHECK_I64(odbc_err_of("57P01", 1, "terminating connection"), ERR_UNAVAILABLE);
    CHECK_I64(odbc_err_of("08S01", 1, "link failure"), ERR_UNAVAILABLE);
    CHECK_I64(odbc_err_of("57014", 1, "canceling statement"), ERR_TIMEOUT);
    CHECK_I64(odbc_err_of("42601", 1, "syntax error"), ERR_INTERNAL);
    CHECK_I64(odbc_err_of("HY000", 5, "[SQLite]database is locked (5)"), ERR_UNAVAILABLE);
    CHECK_I64(odbc_err_of("HY000", 19, "[SQLite]NOT NULL constraint failed"), ERR_INVALID);
}
