/* SPDX-License-Identifier: Apache-2.0 */
/* Taking chains and writing rows: into our own store, or for a table of a customer's by
 * foreign_list.c. */
#include "servers/outbound/list_private.h"

/* --- taking --- */

struct change *list_new_take(struct list_table *table)
{
    return table->foreign ? foreign_new_take(table->foreign) : change_new(table->lists->store);
}

void list_submit_take(struct list_table *table, struct change *change, int64_t chain_id,
                      void (*on_taken)(void *self, const struct change_result *result), void *self)
{
    if (table->foreign)
        foreign_submit_take(table->foreign, change, chain_id, on_taken, self);
    else
        change_submit(change, on_taken, self);
}

/* --- additions to a change --- */

void list_bind(const struct column_layout *column, struct change *change, const struct value *value)
{
    struct text encoded;
    switch (value->kind) {
    case VALUE_INTEGER: change_bind_i64(change, value->integer); return;
    case VALUE_FLOAT: change_bind_f64(change, value->number); return;
    case VALUE_TEXT:
        /* What comes from outside was checked; a name of the configuration goes as it is. */
        if (column == NULL || charset_encode(column->charset, value->text, &encoded))
            encoded = value->text;
        change_bind_text(change, encoded);
        return;
    default: change_bind_null(change); return;
    }
}

void list_add_take(struct list_table *table, struct change *change, int64_t chain_id,
                   int64_t chain_n, uint32_t campaign_dbid, uint32_t group_dbid)
{
    if (table->foreign) {
        foreign_add_take(table->foreign, change, chain_id, chain_n, campaign_dbid, group_dbid);
        return;
    }
    change_add(change, table->take, 1);
    change_bind_i64(change, chain_id);
    change_bind_i64(change, chain_n);
    change_bind_i64(change, table->lists->app_dbid);
    change_bind_i64(change, campaign_dbid);
    change_bind_i64(change, group_dbid);
}

void list_add_take_sibling(struct list_table *table, struct change *change, int64_t chain_id,
                           int64_t chain_n)
{
    if (table->foreign) {
        foreign_add_take_sibling(table->foreign, change, chain_id, chain_n);
        return;
    }
    change_add(change, table->take_sibling, ROWS_ANY);
    change_bind_i64(change, chain_id);
    change_bind_i64(change, chain_n);
}

void list_add_release(struct list_table *table, struct change *change, int64_t chain_id)
{
    if (table->foreign) {
        foreign_add_release(table->foreign, change, chain_id);
        return;
    }
    struct buf sql = { 0 };
    buf_format(&sql,
               "UPDATE %.*s SET record_status = 1 WHERE chain_id = ?1 AND record_status IN (2, 9)",
               TEXT_ARG(table->layout.table));
    change_add(change, list_statement(table, buf_text(&sql)), ROWS_ANY);
    change_bind_i64(change, chain_id);
    buf_free(&sql);
}

void list_add_write(struct list_table *table, struct change *change, const struct value *cells,
                    bool is_status_only)
{
    if (table->foreign) { /* a write replaces one that waits: always the whole row */
        foreign_add_write(table->foreign, change, cells);
        return;
    }
    if (is_status_only) {
        change_add(change, table->write_status, 1);
        list_bind(NULL, change, &cells[COLUMN_RECORD_STATUS]);
    } else {
        change_add(change, table->write_row, 1);
        for (uint32_t i = 0; i < table->row_column_count; i++)
            list_bind(&table->layout.columns[table->row_columns[i]], change,
                      &cells[table->row_columns[i]]);
    }
    list_bind(NULL, change, &cells[COLUMN_CHAIN_ID]);
    list_bind(NULL, change, &cells[COLUMN_CHAIN_N]);
}

void list_add_insert(struct list_table *table, struct change *change, const struct value *cells)
{
    if (table->foreign) {
        foreign_add_insert(table->foreign, change, cells);
        return;
    }
    change_add(change, table->insert, 1);
    for (uint32_t i = 0; i < table->layout.count; i++)
        list_bind(&table->layout.columns[i], change, &cells[i]);
}

void list_add_statement(struct list_table *table, struct change *change, int64_t key_1,
                        int64_t key_2, struct text sql, const struct value *parameters,
                        uint32_t count)
{
    if (table->foreign) {
        foreign_add_statement(table->foreign, change, key_1, key_2, sql, parameters, count);
        return;
    }
    const struct statement *kept = store_statement(table->lists->store, sql);
    ASSERT(kept != NULL); /* TABLES_MAX bounds them */
    change_add(change, kept, ROWS_ANY);
    for (uint32_t i = 0; i < count; i++) list_bind(NULL, change, &parameters[i]);
}

bool list_is_away(const struct list_table *table)
{
    return table->foreign && foreign_table_is_away(table->foreign);
}

bool list_is_full(const struct list_table *table)
{
    return table->foreign && foreign_is_full(table->foreign);
}

void list_submit_insert(struct list_table *table, struct change *change, const struct value *cells,
                        void (*on_inserted)(void *self, const struct change_result *result),
                        void *self)
{
    if (table->foreign) {
        foreign_submit_insert(table->foreign, change, cells, on_inserted, self);
        return;
    }
    list_add_insert(table, change, cells);
    change_submit(change, on_inserted, self);
}

struct counting_again {
    struct scope *life;
    void (*on_counted)(void *self, enum err err);
    void *self;
};

static void say_counted(void *self)
{
    struct counting_again *counting = self;
    counting->on_counted(counting->self, ERR_OK);
    scope_close(counting->life);
}

void list_count_again(struct list_table *table, void (*on_counted)(void *self, enum err err),
                      void *self)
{
    if (table->foreign) {
        foreign_table_count(table->foreign, on_counted, self);
        return;
    }
    /* Nobody else writes into our own store. */
    struct scope *life = scope_new(table->life, "counting", SCOPE_NO_LIMIT);
    struct counting_again *counting = scope_alloc(life, sizeof *counting);
    *counting = (struct counting_again){ life, on_counted, self };
    loop_soon(life, table->lists->app->loop, say_counted, counting);
}

/* Of exhausted rows, per calling list: they may share a table. */
enum { KEY_EXHAUSTED = -1 };

void list_add_finalise_exhausted(struct calling_list *list, struct change *change)
{
    if (list->max_attempts == 0) return;
    struct buf sql = { 0 };
    buf_format(&sql, "UPDATE %.*s SET record_status = 3 WHERE record_status = 1 AND attempt >= %u",
               TEXT_ARG(list->table->layout.table), list->max_attempts);
    list_add_statement(list->table, change, KEY_EXHAUSTED, list->dbid, buf_text(&sql), NULL, 0);
    buf_free(&sql);
}
