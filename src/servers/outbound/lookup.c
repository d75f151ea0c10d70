/* SPDX-License-Identifier: Apache-2.0 */
/* The life of one lookup: look for it (check), make it where it is missing (make), read the list
 * page by page (read_page), write what was read in the order of values (next_slice), answer (ask).
 * The order is what makes it cheap: scattered values would touch a page of the file each. */
#include "servers/outbound/lookup.h"

#include "format/json.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGE_ROWS = 20000, SLICE_ROWS = 2000, SQL_BYTES_MAX = 2048, TRIGGERS = 3 };

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
    struct filling *filling; /* while LOOKUP_MAKING */
    const struct statement *find, *page, *fill, *note, *check;
};

struct lookup_entry {
    struct text value; /* in the life of the filling */
    int64_t chain_id, chain_n;
};

/* One page of the list, in the order of values. */
struct lookup_page {
    struct lookup_entry *at;
    uint32_t count, next;
};

/* All of the list: each page in order, and a heap over the pages by their next value. */
struct filling {
    struct scope *life;
    struct lookup_page *pages, **heap;
    uint32_t page_count, page_room, heap_count;
    int64_t chain_id, chain_n; /* read up to here */
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

static void drop_pages(void *self)
{
    struct filling *filling = self;
    free(filling->pages);
    free(filling->heap);
}

static void end_filling(struct lookup *lookup, enum err err)
{
    scope_close(lookup->filling->life);
    lookup->filling = NULL;
    end_making(lookup, err);
}

static bool is_before(const struct lookup_page *a, const struct lookup_page *b)
{
    return text_compare(a->at[a->next].value, b->at[b->next].value) < 0;
}

static void sink(struct filling *filling, uint32_t at)
{
    struct lookup_page **heap = filling->heap;
    for (uint32_t child; (child = at * 2 + 1) < filling->heap_count; at = child) {
        if (child + 1 < filling->heap_count && is_before(heap[child + 1], heap[child])) child++;
        if (!is_before(heap[child], heap[at])) return;
        struct lookup_page *page = heap[at];
        heap[at] = heap[child];
        heap[child] = page;
    }
}

/* The entry with the lowest value; NULL: all are taken. */
static const struct lookup_entry *take_entry(struct filling *filling)
{
    if (filling->heap_count == 0) return NULL;
    struct lookup_page *page = filling->heap[0];
    ASSERT(page != NULL);
    const struct lookup_entry *entry = &page->at[page->next++];
    if (page->next == page->count) filling->heap[0] = filling->heap[--filling->heap_count];
    sink(filling, 0);
    return entry;
}

static void next_slice(struct lookup *lookup);

static void on_slice_filled(void *self, const struct change_result *result)
{
    struct lookup *lookup = self;
    if (result->err)
        end_filling(lookup, result->err);
    else
        next_slice(lookup);
}

static void on_all_filled(void *self, const struct change_result *result)
{
    end_filling(self, result->err);
}

static void add_note(struct lookup *lookup, struct change *change, bool is_complete)
{
    change_add(change, lookup->note, 1);
    change_bind_text(change, lookup->table);
    change_bind_text(change, lookup->column);
    change_bind_i64(change, is_complete);
}

static void next_slice(struct lookup *lookup)
{
    struct change *change = change_new(lookup->server->store);
    struct buf rows = { 0 };
    struct json_writer json = json_writer(&rows);
    const struct lookup_entry *entry;
    uint32_t count = 0;
    json_begin_array(&json);
    while (count < SLICE_ROWS && (entry = take_entry(lookup->filling)) != NULL) {
        json_begin_array(&json);
        json_put_text(&json, entry->value);
        json_put_i64(&json, entry->chain_id);
        json_put_i64(&json, entry->chain_n);
        json_end_array(&json);
        count++;
    }
    json_end_array(&json);
    if (count) {
        change_add(change, lookup->fill, ROWS_ANY);
        change_bind_text(change, buf_text(&rows));
    } else {
        add_note(lookup, change, true);
    }
    buf_free(&rows);
    change_submit(change, count ? on_slice_filled : on_all_filled, lookup);
}

static void begin_writing(struct lookup *lookup)
{
    struct filling *filling = lookup->filling;
    filling->heap = calloc((size_t)filling->page_count + 1, sizeof(struct lookup_page *));
    ASSERT(filling->heap != NULL);
    for (uint32_t i = 0; i < filling->page_count; i++)
        if (filling->pages[i].count) filling->heap[filling->heap_count++] = &filling->pages[i];
    for (uint32_t i = filling->heap_count / 2; i-- > 0;) sink(filling, i);
    next_slice(lookup);
}

static int by_value(const void *a, const void *b)
{
    return text_compare(((const struct lookup_entry *)a)->value,
                        ((const struct lookup_entry *)b)->value);
}

static void keep_page(struct filling *filling, const struct rows *rows)
{
    if (filling->page_count == filling->page_room) {
        filling->page_room = filling->page_room ? filling->page_room * 2 : 16;
        filling->pages = realloc(filling->pages, filling->page_room * sizeof(struct lookup_page));
        ASSERT(filling->pages != NULL);
    }
    struct lookup_page *page = &filling->pages[filling->page_count++];
    *page = (struct lookup_page){ .at = scope_alloc_array(filling->life, rows_count(rows),
                                                          sizeof(struct lookup_entry)) };
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        struct text value = rows_text(rows, i, 0);
        if (value.len == 0) continue;
        page->at[page->count++] = (struct lookup_entry){ scope_keep(filling->life, value),
                                                         rows_i64(rows, i, 1),
                                                         rows_i64(rows, i, 2) };
    }
    qsort(page->at, page->count, sizeof *page->at, by_value);
}

static void read_page(struct lookup *lookup);

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct lookup *lookup = self;
    struct filling *filling = lookup->filling;
    if (err) {
        end_filling(lookup, err);
        return;
    }
    uint32_t count = rows_count(rows);
    if (count) {
        keep_page(filling, rows);
        filling->chain_id = rows_i64(rows, count - 1, 1);
        filling->chain_n = rows_i64(rows, count - 1, 2);
    }
    if (count == PAGE_ROWS)
        read_page(lookup);
    else
        begin_writing(lookup);
}

static void read_page(struct lookup *lookup)
{
    const struct filling *filling = lookup->filling;
    struct value parameters[] = { value_of_i64(filling->chain_id), value_of_i64(filling->chain_n),
                                  value_of_i64(PAGE_ROWS) };
    struct query query = { lookup->page, parameters, 3 };
    store_query(lookup->server->store, &query, on_page, lookup);
}

/* The triggers stand: what changes from now on is in. What is read and has changed until it is
 * written leaves a line that find() does not follow. */
static void begin_filling(struct lookup *lookup)
{
    struct scope *life = scope_new(lookup->server->app->life, "lookup filling", SCOPE_NO_LIMIT);
    lookup->filling = scope_alloc(life, sizeof *lookup->filling);
    *lookup->filling =
        (struct filling){ .life = life, .chain_id = INT64_MIN, .chain_n = INT64_MIN };
    scope_on_close(life, drop_pages, lookup->filling);
    read_page(lookup);
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

static void on_made(void *self, const struct change_result *result)
{
    if (result->err)
        end_making(self, result->err);
    else
        begin_filling(self);
}

static void on_index_made(void *self, const struct change_result *result)
{
    end_making(self, result->err);
}

/* PostgreSQL keeps an index of a large table by itself, and makes it in the order of values. */
static void make_index(struct lookup *lookup)
{
    const struct text t = lookup->table, c = lookup->column;
    const struct statement *index =
        statement(lookup, "CREATE INDEX IF NOT EXISTS %.*s__by_%.*s ON %.*s (%.*s)", TEXT_ARG(t),
                  TEXT_ARG(c), TEXT_ARG(t), TEXT_ARG(c));
    if (index == NULL) {
        end_making(lookup, ERR_LIMIT);
        return;
    }
    struct change *change = change_new(lookup->server->store);
    change_add(change, index, ROWS_ANY);
    change_submit(change, on_index_made, lookup);
}

static void make(struct lookup *lookup)
{
    struct change *change = change_new(lookup->server->store);
    if (!add_making(lookup, change)) {
        change_drop(change);
        end_making(lookup, ERR_LIMIT);
        return;
    }
    add_note(lookup, change, false);
    change_submit(change, on_made, lookup);
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
        begin_filling(lookup);
    }
}

static void check(struct lookup *lookup)
{
    struct value parameters[] = { value_of_text(lookup->table), value_of_text(lookup->column) };
    struct query query = { lookup->check, parameters, 2 };
    store_query(lookup->server->store, &query, on_checked, lookup);
}

static const struct statement *find_by_index(struct lookup *lookup)
{
    return statement(lookup,
                     "SELECT chain_id, chain_n, record_status FROM %.*s WHERE %.*s IN (?1, ?2, ?3) "
                     "ORDER BY chain_id, chain_n LIMIT %d",
                     TEXT_ARG(lookup->table), TEXT_ARG(lookup->column), LOOKUP_ROWS_MAX);
}

static bool make_statements(struct lookup *lookup)
{
    const struct text t = lookup->table, c = lookup->column;
    if (store_is_postgres(lookup->server->store)) {
        lookup->find = find_by_index(lookup);
        return lookup->find != NULL;
    }
    static const struct statement check_lookup = {
        "SELECT (SELECT count(*) FROM sqlite_master WHERE type = 'trigger' AND tbl_name = ?1 "
        "AND name IN (?1 || '__by_' || ?2 || '_insert', ?1 || '__by_' || ?2 || '_delete', "
        "?1 || '__by_' || ?2 || '_update')), is_complete "
        "FROM (SELECT 1) LEFT JOIN lookup ON table_name = ?1 AND column_name = ?2"
    };
    static const struct statement note = {
        "INSERT INTO lookup VALUES (?1, ?2, ?3) ON CONFLICT (table_name, column_name) DO UPDATE "
        "SET is_complete = excluded.is_complete"
    };
    lookup->check = &check_lookup;
    lookup->note = &note;
    lookup->find =
        statement(lookup,
                  "SELECT row.chain_id, row.chain_n, row.record_status FROM "
                  "%.*s__by_%.*s AS at CROSS JOIN %.*s AS row ON row.chain_id = "
                  "at.chain_id AND row.chain_n = at.chain_n WHERE at.value IN (?1, ?2, "
                  "?3) AND row.%.*s = at.value ORDER BY row.chain_id, row.chain_n LIMIT %d",
                  TEXT_ARG(t), TEXT_ARG(c), TEXT_ARG(t), TEXT_ARG(c), LOOKUP_ROWS_MAX);
    lookup->page = statement(lookup,
                             "SELECT %.*s, chain_id, chain_n FROM %.*s WHERE (chain_id, chain_n) > "
                             "(?1, ?2) ORDER BY chain_id, chain_n LIMIT ?3",
                             TEXT_ARG(c), TEXT_ARG(t));
    lookup->fill = statement(lookup,
                             "INSERT OR IGNORE INTO %.*s__by_%.*s SELECT value ->> 0, value ->> 1, "
                             "value ->> 2 FROM json_each(?1)",
                             TEXT_ARG(t), TEXT_ARG(c));
    return lookup->find && lookup->page && lookup->fill;
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

/* A customer's own table in a customer's own database: its indexes are the customer's. */
static void ask_foreign(struct outbound *server, struct list_table *table, uint32_t column,
                        struct lookup_waiter *waiter)
{
    struct buf sql = { 0 };
    buf_format(&sql,
               "SELECT chain_id, chain_n, record_status FROM %.*s WHERE %.*s IN (?1, ?2, ?3) "
               "ORDER BY chain_id, chain_n LIMIT %d",
               TEXT_ARG(table->layout.table), TEXT_ARG(table->layout.columns[column].name),
               LOOKUP_ROWS_MAX);
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
    if (store_is_postgres(server->store))
        make_index(lookup);
    else
        check(lookup);
}
