/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one lookup: look for it (check), make it where it is missing (make), fill it slice by
 * slice (fill), answer (ask). */
#include "servers/outbound/lookup.h"

#include <stdarg.h>
#include <stdio.h>

enum { SLICE_ROWS = 4000, SQL_BYTES_MAX = 2048, TRIGGERS = 3 };

enum lookup_state { LOOKUP_UNKNOWN, LOOKUP_MAKING, LOOKUP_READY };

struct lookup_key {
    const struct list_table *table;
    uint64_t column;
};

struct lookup {
    struct lookup_key key;
    struct outbound *server;
    struct text table, column;
    enum lookup_state state;
    struct list waiting;
    int64_t chain_id, chain_n; /* filled up to here */
    const struct statement *find, *page_end, *fill, *note, *check;
};

struct lookup_waiter {
    struct list node;
    struct scope *life;
    struct lookup *lookup;
    struct value values[LOOKUP_VALUES_MAX];
    void (*on_rows)(void *self, enum err err, const struct rows *rows);
    void *self;
};

static const struct statement *statement(struct lookup *lookup, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

static const struct statement *statement(struct lookup *lookup, const char *format, ...)
{
    char sql[SQL_BYTES_MAX];
    va_list arguments;
    va_start(arguments, format);
    int len = vsnprintf(sql, sizeof sql, format, arguments);
    va_end(arguments);
    ASSERT(len > 0 && (size_t)len < sizeof sql);
    return store_statement(lookup->server->store, (struct text){ sql, (size_t)len });
}

/* --- answering --- */

static void end_waiter(struct lookup_waiter *waiter, enum err err, const struct rows *rows)
{
    waiter->on_rows(waiter->self, err, rows);
    scope_close(waiter->life);
}

static void on_found(void *self, enum err err, const struct rows *rows)
{
    end_waiter(self, err, rows);
}

static void ask(struct lookup *lookup, struct lookup_waiter *waiter)
{
    struct query query = { lookup->find, waiter->values, LOOKUP_VALUES_MAX };
    store_query(lookup->server->store, &query, on_found, waiter);
}

static void end_making(struct lookup *lookup, enum err err)
{
    lookup->state = err ? LOOKUP_UNKNOWN : LOOKUP_READY;
    struct list all;
    list_init(&all);
    for (struct list *node; (node = list_first(&lookup->waiting)) != NULL;) {
        list_remove(node);
        list_add_last(&all, node);
    }
    for (struct list *node; (node = list_first(&all)) != NULL;) {
        struct lookup_waiter *waiter = LIST_OBJECT(node, struct lookup_waiter, node);
        list_remove(node);
        if (err)
            end_waiter(waiter, err, NULL);
        else
            ask(lookup, waiter);
    }
}

/* --- filling --- */

static void next_slice(struct lookup *lookup);

static void on_slice_filled(void *self, const struct change_result *result)
{
    struct lookup *lookup = self;
    if (result->err)
        end_making(lookup, result->err);
    else
        next_slice(lookup);
}

static void on_all_filled(void *self, const struct change_result *result)
{
    end_making(self, result->err);
}

static void add_note(struct lookup *lookup, struct change *change, bool is_complete)
{
    change_add(change, lookup->note, 1);
    change_bind_text(change, lookup->table);
    change_bind_text(change, lookup->column);
    change_bind_i64(change, lookup->chain_id);
    change_bind_i64(change, lookup->chain_n);
    change_bind_i64(change, is_complete);
}

/* The slice ends where the page of chain keys ends; none is left: done. */
static void on_page_end(void *self, enum err err, const struct rows *rows)
{
    struct lookup *lookup = self;
    if (err) {
        end_making(lookup, err);
        return;
    }
    struct change *change = change_new(lookup->server->store);
    if (rows_count(rows) == 0) {
        add_note(lookup, change, true);
        change_submit(change, on_all_filled, lookup);
        return;
    }
    change_add(change, lookup->fill, ROWS_ANY);
    change_bind_i64(change, lookup->chain_id);
    change_bind_i64(change, lookup->chain_n);
    lookup->chain_id = rows_i64(rows, 0, 0);
    lookup->chain_n = rows_i64(rows, 0, 1);
    change_bind_i64(change, lookup->chain_id);
    change_bind_i64(change, lookup->chain_n);
    add_note(lookup, change, false);
    change_submit(change, on_slice_filled, lookup);
}

static void next_slice(struct lookup *lookup)
{
    struct value parameters[] = { value_of_i64(lookup->chain_id), value_of_i64(lookup->chain_n),
                                  value_of_i64(SLICE_ROWS) };
    struct query query = { lookup->page_end, parameters, 3 };
    store_query(lookup->server->store, &query, on_page_end, lookup);
}

/* --- making --- */

/* The triggers stand before the first slice: what changes from now on is in. */
static bool add_making(struct lookup *lookup, struct change *change)
{
    const struct text t = lookup->table, c = lookup->column;
    const struct statement *steps[] = {
        statement(lookup, "DROP TABLE IF EXISTS %.*s__by_%.*s", TEXT_ARG(t), TEXT_ARG(c)),
        statement(lookup,
                  "CREATE TABLE %.*s__by_%.*s (value TEXT NOT NULL, chain_id INTEGER NOT NULL, "
                  "chain_n INTEGER NOT NULL, PRIMARY KEY (value, chain_id, chain_n)) WITHOUT ROWID",
                  TEXT_ARG(t), TEXT_ARG(c)),
        statement(lookup, "DROP TRIGGER IF EXISTS %.*s__by_%.*s_insert", TEXT_ARG(t), TEXT_ARG(c)),
        statement(lookup, "DROP TRIGGER IF EXISTS %.*s__by_%.*s_delete", TEXT_ARG(t), TEXT_ARG(c)),
        statement(lookup, "DROP TRIGGER IF EXISTS %.*s__by_%.*s_update", TEXT_ARG(t), TEXT_ARG(c)),
        statement(lookup,
                  "CREATE TRIGGER %.*s__by_%.*s_insert AFTER INSERT ON %.*s BEGIN INSERT OR IGNORE "
                  "INTO %.*s__by_%.*s VALUES (new.%.*s, new.chain_id, new.chain_n); END",
                  TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(t), TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(c)),
        statement(lookup,
                  "CREATE TRIGGER %.*s__by_%.*s_delete AFTER DELETE ON %.*s BEGIN DELETE FROM "
                  "%.*s__by_%.*s WHERE value = old.%.*s AND chain_id = old.chain_id AND "
                  "chain_n = old.chain_n; END",
                  TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(t), TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(c)),
        statement(lookup,
                  "CREATE TRIGGER %.*s__by_%.*s_update AFTER UPDATE OF %.*s, chain_id, chain_n ON "
                  "%.*s WHEN old.%.*s IS NOT new.%.*s OR old.chain_id <> new.chain_id OR "
                  "old.chain_n <> new.chain_n BEGIN DELETE FROM %.*s__by_%.*s WHERE value = "
                  "old.%.*s AND chain_id = old.chain_id AND chain_n = old.chain_n; INSERT OR "
                  "IGNORE INTO %.*s__by_%.*s VALUES (new.%.*s, new.chain_id, new.chain_n); END",
                  TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(c), TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(c),
                  TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(c), TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(c)),
    };
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        if (steps[i] == NULL) return false;
        change_add(change, steps[i], ROWS_ANY);
    }
    return true;
}

static void make(struct lookup *lookup)
{
    struct change *change = change_new(lookup->server->store);
    lookup->chain_id = lookup->chain_n = INT64_MIN;
    if (!add_making(lookup, change)) {
        change_drop(change);
        end_making(lookup, ERR_LIMIT);
        return;
    }
    add_note(lookup, change, false);
    change_submit(change, on_slice_filled, lookup);
}

/* Whole, half filled, or not there; a list table that was made anew has lost its triggers. */
static void on_checked(void *self, enum err err, const struct rows *rows)
{
    struct lookup *lookup = self;
    if (err) {
        end_making(lookup, err);
        return;
    }
    bool is_there = rows_count(rows) && rows_i64(rows, 0, 0) == TRIGGERS &&
                    rows_at(rows, 0, 1)->kind == VALUE_INTEGER;
    if (!is_there) {
        make(lookup);
    } else if (rows_i64(rows, 0, 1)) {
        end_making(lookup, ERR_OK);
    } else {
        lookup->chain_id = rows_i64(rows, 0, 2);
        lookup->chain_n = rows_i64(rows, 0, 3);
        next_slice(lookup);
    }
}

static void check(struct lookup *lookup)
{
    struct value parameters[] = { value_of_text(lookup->table), value_of_text(lookup->column) };
    struct query query = { lookup->check, parameters, 2 };
    store_query(lookup->server->store, &query, on_checked, lookup);
}

static bool make_statements(struct lookup *lookup)
{
    const struct text t = lookup->table, c = lookup->column;
    static const struct statement check_lookup = {
        "SELECT (SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?1 "
        "AND name IN (?1 || '__by_' || ?2 || '_insert', ?1 || '__by_' || ?2 || '_delete', "
        "?1 || '__by_' || ?2 || '_update')), is_complete, chain_id, chain_n "
        "FROM (SELECT 1) LEFT JOIN lookup ON table_name = ?1 AND column_name = ?2"
    };
    static const struct statement note = {
        "INSERT OR REPLACE INTO lookup VALUES (?1, ?2, ?3, ?4, ?5)"
    };
    lookup->check = &check_lookup;
    lookup->note = &note;
    lookup->find = statement(lookup,
                             "SELECT row.chain_id, row.chain_n, row.record_status FROM "
                             "%.*s__by_%.*s AS at CROSS JOIN %.*s AS row ON row.chain_id = "
                             "at.chain_id AND row.chain_n = at.chain_n WHERE at.value IN (?1, ?2, "
                             "?3) ORDER BY row.chain_id, row.chain_n LIMIT %d",
                             TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(t), LOOKUP_ROWS_MAX);
    lookup->page_end = statement(lookup,
                                 "SELECT chain_id, chain_n FROM (SELECT chain_id, chain_n FROM "
                                 "%.*s WHERE (chain_id, chain_n) > (?1, ?2) ORDER BY chain_id, "
                                 "chain_n LIMIT ?3) ORDER BY chain_id DESC, chain_n DESC LIMIT 1",
                                 TEXT_ARG(t));
    lookup->fill = statement(lookup,
                             "INSERT OR IGNORE INTO %.*s__by_%.*s SELECT %.*s, chain_id, chain_n "
                             "FROM %.*s WHERE (chain_id, chain_n) > (?1, ?2) AND (chain_id, "
                             "chain_n) <= (?3, ?4)",
                             TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(c), TEXT_ARG(t));
    return lookup->find && lookup->page_end && lookup->fill;
}

/* --- the door --- */

static struct lookup *lookup_of(struct outbound *server, struct list_table *table, uint32_t column)
{
    struct lookup_key key = { table, column };
    struct lookup *lookup = table_get(server->lookups, TEXT_OF(&key));
    if (lookup) return lookup;
    lookup = scope_alloc(table->life, sizeof *lookup);
    *lookup = (struct lookup){ .key = key,
                               .server = server,
                               .table = table->layout.table,
                               .column = table->layout.columns[column].name };
    list_init(&lookup->waiting);
    if (!make_statements(lookup)) return NULL;
    table_put(server->lookups, TEXT_OF(&lookup->key), lookup);
    return lookup;
}

static void refuse_late(void *self)
{
    end_waiter(self, ERR_LIMIT, NULL);
}

/* A database that is not ours has the indexes that its owner wants. */
static void find_directly(struct list_table *table, uint32_t column, const struct text *values,
                          uint32_t count,
                          void (*on_rows)(void *self, enum err err, const struct rows *rows),
                          void *self)
{
    struct value parameters[LOOKUP_VALUES_MAX];
    struct buf sql = { 0 };
    buf_format(&sql,
               "SELECT chain_id, chain_n, record_status FROM %.*s WHERE %.*s IN (?1, ?2, ?3) "
               "ORDER BY chain_id, chain_n LIMIT %d",
               TEXT_ARG(table->layout.table), TEXT_ARG(table->layout.columns[column].name),
               LOOKUP_ROWS_MAX);
    for (uint32_t i = 0; i < LOOKUP_VALUES_MAX; i++)
        parameters[i] = value_of_text(values[i < count ? i : count - 1]);
    struct query query = { list_statement(table, buf_text(&sql)), parameters, LOOKUP_VALUES_MAX };
    list_query(table, &query, on_rows, self);
    buf_free(&sql);
}

/* A customer's own table in a customer's own database: its indexes are the customer's. */
static void ask_foreign(struct outbound *server, struct list_table *table, uint32_t column,
                        struct lookup_waiter *waiter)
{
    struct buf sql = { 0 };
    buf_format(&sql,
               "SELECT chain_id, chain_n, record_status FROM %.*s WHERE %.*s IN (?1, ?2, ?3) "
               "ORDER BY chain_id, chain_n",
               TEXT_ARG(table->layout.table), TEXT_ARG(table->layout.columns[column].name));
    struct query query = { list_statement(table, buf_text(&sql)), waiter->values,
                           LOOKUP_VALUES_MAX };
    buf_free(&sql);
    if (query.statement)
        list_query(table, &query, on_found, waiter);
    else
        loop_soon(waiter->life, server->app->loop, refuse_late, waiter);
}

void lookup_find(struct outbound *server, struct list_table *table, uint32_t column,
                 const struct text *values, uint32_t count,
                 void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    ASSERT(count > 0 && count <= LOOKUP_VALUES_MAX);
    if (table->foreign) {
        find_directly(table, column, values, count, on_rows, self);
        return;
    }
    struct scope *life = scope_new(server->app->life, "lookup", SCOPE_NO_LIMIT);
    struct lookup_waiter *waiter = scope_alloc(life, sizeof *waiter);
    *waiter = (struct lookup_waiter){ .life = life, .on_rows = on_rows, .self = self };
    for (uint32_t i = 0; i < LOOKUP_VALUES_MAX; i++) {
        struct text stored = values[i < count ? i : 0];
        (void)charset_encode(table->layout.columns[column].charset, stored, &stored);
        waiter->values[i] = value_of_text(scope_keep(life, stored));
    }
    if (table->foreign) {
        ask_foreign(server, table, column, waiter);
        return;
    }
    struct lookup *lookup = lookup_of(server, table, column);
    if (lookup == NULL) {
        loop_soon(life, server->app->loop, refuse_late, waiter);
        return;
    }
    waiter->lookup = lookup;
    if (lookup->state == LOOKUP_READY) {
        ask(lookup, waiter);
        return;
    }
    list_add_last(&lookup->waiting, &waiter->node);
    if (lookup->state == LOOKUP_MAKING) return;
    lookup->state = LOOKUP_MAKING;
    check(lookup);
}
