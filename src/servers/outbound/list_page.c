/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/list_page.h"

#include <inttypes.h>

/* --- pages ------------------------------------------------------------------------------------ */

enum err list_load_page(struct list_table *table, const struct list_filter *filter, uint32_t limit,
                        void (*on_rows)(void *self, enum err err, const struct rows *rows),
                        void *self)
{
    struct value parameters[6];
    uint32_t count = 0;
    struct buf sql = { 0 };
    buf_add(&sql, TEXT("SELECT "));
    list_sql_columns(&table->layout, &sql);
    buf_format(&sql, " FROM %.*s WHERE (chain_id, chain_n) > (?1, ?2)",
               TEXT_ARG(table->layout.table));
    parameters[count++] = value_of_i64(filter->after_chain_id);
    parameters[count++] = value_of_i64(filter->after_chain_n);
    if (filter->phone.len) {
        parameters[count++] = value_of_text(filter->phone);
        buf_format(&sql, " AND contact_info = ?%u", count);
    }
    if (filter->has_chain_id) {
        parameters[count++] = value_of_i64(filter->chain_id);
        buf_format(&sql, " AND chain_id = ?%u", count);
    }
    if (filter->has_status) {
        parameters[count++] = value_of_i64(filter->status);
        buf_format(&sql, " AND record_status = ?%u", count);
    }
    parameters[count++] = value_of_i64(limit);
    buf_format(&sql, " ORDER BY chain_id, chain_n LIMIT ?%u", count);
    const struct statement *statement = list_statement(table, buf_text(&sql));
    buf_free(&sql);
    if (statement == NULL) return ERR_LIMIT;
    struct query query = { statement, parameters, count };
    list_query(table, &query, on_rows, self);
    return ERR_OK;
}

/* --- counts ----------------------------------------------------------------------------------- */

/* The last counts of a table. */
struct counted {
    struct text table;
    struct list_counts counts;
    uint64_t counted_mono_ms;
};

struct counting {
    struct scope *life;
    struct outbound *server;
    struct list_table *table;
    uint64_t kept_ms;
    void (*on_counts)(void *self, const struct fault *fault, const struct list_counts *counts);
    void *self;
};

static void answer(struct counting *counting, const struct fault *fault,
                   const struct list_counts *counts)
{
    counting->on_counts(counting->self, fault, counts);
    scope_close(counting->life);
}

static struct counted *counted_of(struct outbound *server, struct text table)
{
    struct counted *counted = table_get(server->counted, table);
    if (counted) return counted;
    counted = scope_alloc(server->app->life, sizeof *counted);
    counted->table = scope_keep(server->app->life, table);
    table_put(server->counted, counted->table, counted);
    return counted;
}

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct counting *counting = self;
    if (err) {
        struct fault fault = { 0 };
        (void)fault_set(&fault, err, "list", "cannot be counted: %s", err_words(err));
        answer(counting, &fault, NULL);
        return;
    }
    struct loop *loop = counting->server->app->loop;
    struct counted *counted = counted_of(counting->server, counting->table->key);
    counted->counts = (struct list_counts){ .counted_utc_ms = loop_now_utc_ms(loop) };
    counted->counted_mono_ms = loop_now_mono_ms(loop);
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        int64_t status = rows_i64(rows, i, 0);
        uint64_t found = (uint64_t)rows_i64(rows, i, 1);
        counted->counts.records += found;
        if (status >= 0 && status < LIST_STATUSES) counted->counts.by_status[status] += found;
    }
    answer(counting, NULL, &counted->counts);
}

static void on_open(void *self, const struct fault *fault)
{
    struct counting *counting = self;
    struct outbound *server = counting->server;
    if (fault) {
        answer(counting, fault, NULL);
        return;
    }
    const struct counted *counted = table_get(server->counted, counting->table->key);
    if (counted &&
        loop_now_mono_ms(server->app->loop) - counted->counted_mono_ms <= counting->kept_ms) {
        answer(counting, NULL, &counted->counts);
        return;
    }
    struct buf sql = { 0 };
    buf_format(&sql, "SELECT record_status, COUNT(*) FROM %.*s GROUP BY record_status",
               TEXT_ARG(counting->table->layout.table));
    const struct statement *statement = list_statement(counting->table, buf_text(&sql));
    buf_free(&sql);
    if (statement == NULL) {
        on_rows(counting, ERR_LIMIT, NULL);
        return;
    }
    struct query query = { statement, NULL, 0 };
    list_query(counting->table, &query, on_rows, counting);
}

void list_count(struct outbound *server, struct calling_list *list, uint64_t kept_ms,
                void (*on_counts)(void *self, const struct fault *fault,
                                  const struct list_counts *counts),
                void *self)
{
    struct scope *life = scope_new(server->app->life, "counting", SCOPE_NO_LIMIT);
    struct counting *counting = scope_alloc(life, sizeof *counting);
    *counting = (struct counting){ life, server, list->table, kept_ms, on_counts, self };
    list_open(list, on_open, counting);
}
