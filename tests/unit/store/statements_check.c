/* SPDX-License-Identifier: Apache-2.0 */
/* Prepares what statements.py found, in the schema of its server, on both engines. A query without
 * parameters is prepared, then refused for their number; one that has none is carried out by a
 * connection that may not write. */
#include "base/buf.h"
#include "gen/migrations.h"
#include "tests/unit/store/ground.h"
#include "tests/unit/store/postgres_server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    const struct migration *migrations;
} servers[] = {
    { "config", MIGRATIONS_CONFIG },
    { "control", MIGRATIONS_CONTROL },
    { "outbound", MIGRATIONS_OUTBOUND },
    { "web", MIGRATIONS_WEB },
};
enum { SERVERS = sizeof servers / sizeof servers[0] };

struct checked {
    struct scope *life; /* of the statements, which are found by pointer */
    struct loop *loop;
    struct store *store;
    const char *engine, *sql;
    int count, bad;
};

static bool is_prepared(enum err err, const char *words)
{
    return err == ERR_OK || strstr(words, "0 parameters for the") || strstr(words, "readonly") ||
           strstr(words, "SQLSTATE 25006");
}

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct checked *checked = self;
    (void)rows;
    const char *words = store_query_words(checked->store);
    checked->count++;
    if (!is_prepared(err, words)) {
        checked->bad++;
        print_error("%s: %s\n    %s\n", checked->engine, words, checked->sql);
    }
    loop_stop(checked->loop);
}

static void check_one(struct checked *checked, const char *sql, const char *postgres)
{
    struct statement *statement = scope_alloc(checked->life, sizeof *statement);
    *statement = (struct statement){ sql, *postgres ? postgres : NULL };
    struct query query = { .statement = statement };
    checked->sql = sql;
    store_query(checked->store, &query, on_rows, checked);
    loop_run(checked->loop);
}

static struct text read_statements(struct scope *scope)
{
    const char *path = getenv("STATEMENTS");
    FILE *file = path ? fopen(path, "re") : NULL;
    struct buf bytes = { 0 };
    CHECK(file != NULL);
    for (size_t got = 1; got > 0; bytes.len += got)
        got = fread(buf_reserve(&bytes, 65536), 1, 65536, file);
    (void)fclose(file);
    struct text kept = scope_keep(scope, buf_text(&bytes));
    buf_free(&bytes);
    return kept;
}

static void check_server(const char *engine, size_t server, const char *path)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct checked checked = { .life = life, .loop = loop_new(life), .engine = engine };
    struct fault fault = { 0 };
    if (store_open(life, checked.loop, NULL, text_of(path), servers[server].migrations, NULL,
                   &checked.store, &fault))
        fail_msg("%s, %s: %s", engine, servers[server].name, fault.words);
    struct text all = read_statements(life);
    for (size_t at = 0; at < all.len;) {
        const char *name = all.at + at, *sql = name + strlen(name) + 1;
        const char *postgres = sql + strlen(sql) + 1;
        if (strcmp(name, servers[server].name) == 0) check_one(&checked, sql, postgres);
        at = (size_t)(postgres + strlen(postgres) + 1 - all.at);
    }
    CHECK_I64(checked.bad, 0);
    CHECK(checked.count > 0);
    scope_close(life);
}

TEST(every_statement_and_migration_is_understood_by_sqlite)
{
    for (size_t i = 0; i < SERVERS; i++) {
        char path[64], name[80];
        (void)snprintf(path, sizeof path, "/tmp/statements-XXXXXX");
        CHECK(mkdtemp(path) != NULL);
        (void)snprintf(name, sizeof name, "%s/s.db", path);
        check_server("SQLite", i, name);
        CHECK(remove(name) == 0 && remove(path) == 0);
    }
}

TEST(every_statement_and_migration_is_understood_by_postgresql)
{
    for (size_t i = 0; i < SERVERS; i++) {
        char path[160];
        if (!postgres_server_path(path, sizeof path)) skip();
        check_server("PostgreSQL", i, path);
    }
}
