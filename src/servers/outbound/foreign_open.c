/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at foreign_table_open(): columns compared or the table created, what an earlier run
 * left over, counters. */
#include "base/table.h"
#include "servers/outbound/foreign_sql.h"
#include "servers/outbound/foreign_table.h"

enum { LEFT_PAGE = 200 };

/* --- opening: columns, creation, what was left over, counters --- */

static void end_opening(struct foreign_table *foreign, enum list_table_state state)
{
    scope_close(foreign->opening);
    foreign->opening = NULL;
    foreign->opened(foreign->table, state);
}

static void fail_opening(struct foreign_table *foreign, enum err err, const char *words)
{
    struct list_table *table = foreign->table;
    (void)fault_set(&table->fault, err, "table", "%.*s at the access point %.*s: %s",
                    TEXT_ARG(table->layout.table), TEXT_ARG(foreign->database->name), words);
    end_opening(foreign, TABLE_FAILED);
}

static void on_first_count(void *self, enum err err)
{
    struct foreign_table *foreign = self;
    if (err)
        fail_opening(foreign, err, err_words(err));
    else
        end_opening(foreign, TABLE_OPEN);
}

static void on_siblings_free(void *self, const struct change_result *result)
{
    struct foreign_table *foreign = self;
    if (result->err)
        fail_opening(foreign, result->err, result->words);
    else
        foreign_table_count(foreign, on_first_count, foreign);
}

static void free_siblings(struct foreign_table *foreign)
{
    struct change *change = foreign_new_take(foreign);
    change_add(change, foreign->free_siblings, ROWS_ANY);
    foreign_submit(foreign->database->foreign, change, NULL, 0, on_siblings_free, foreign);
}

static void read_left(struct foreign_table *foreign);

static void on_recovered(void *self, const struct change_result *result)
{
    struct foreign_table *foreign = self;
    if (result->err)
        fail_opening(foreign, result->err, result->words);
    else
        read_left(foreign);
}

static void on_left(void *self, enum err err, const struct rows *rows)
{
    struct foreign_table *foreign = self;
    if (err) {
        fail_opening(foreign, err, foreign_query_words(foreign->database->foreign));
        return;
    }
    uint32_t count = rows_count(rows);
    struct change *change = foreign_new_take(foreign);
    for (uint32_t i = 0; i < count; i++) {
        int64_t chain_id = rows_i64(rows, i, 0);
        foreign->after_chain_id = chain_id;
        if (table_get(foreign->live, TEXT_OF(&chain_id))) continue;
        change_add(change, foreign->recover, ROWS_ANY);
        change_bind_i64(change, chain_id);
        change_bind_i64(change, rows_i64(rows, i, 1));
        change_bind_i64(change, foreign->app_dbid);
        foreign->table->recovered_rows++;
    }
    if (count == 0) {
        change_drop(change);
        free_siblings(foreign);
        return;
    }
    /* More rows of the last chain may be on the next page. */
    if (count == LEFT_PAGE) foreign->after_chain_id--;
    foreign_submit(foreign->database->foreign, change, NULL, 0, on_recovered, foreign);
}

static void read_left(struct foreign_table *foreign)
{
    struct value parameters[] = { value_of_i64(foreign->app_dbid),
                                  value_of_i64(foreign->after_chain_id), value_of_i64(LEFT_PAGE) };
    struct query query = { foreign->left, parameters, 3 };
    foreign_table_query(foreign, &query, on_left, foreign);
}

/* Chains that are with an agent, put off by a treatment, or owed: not left over. */
static void on_live(void *self, enum err err, const struct rows *rows)
{
    struct foreign_table *foreign = self;
    if (err) {
        fail_opening(foreign, err, "our own store does not answer");
        return;
    }
    foreign->live = table_new(foreign->opening);
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        int64_t *chain_id = scope_alloc(foreign->opening, sizeof *chain_id);
        *chain_id = rows_i64(rows, i, 0);
        table_put(foreign->live, TEXT_OF(chain_id), chain_id);
    }
    foreign->after_chain_id = INT64_MIN;
    read_left(foreign);
}

static void find_live(struct foreign_table *foreign)
{
    static const struct statement live = {
        "SELECT chain_id FROM round WHERE state = 1 AND table_name = ?1 UNION "
        "SELECT chain_id FROM held_chain WHERE table_name = ?1 UNION "
        "SELECT key_1 FROM foreign_write WHERE access_point = ?2 AND table_name = ?3 AND kind <> 3"
    };
    struct list_table *table = foreign->table;
    struct value parameters[] = { value_of_text(table->key), value_of_i64(foreign->database->dbid),
                                  value_of_text(table->layout.table) };
    struct query query = { &live, parameters, 3 };
    store_query(foreign->own, &query, on_live, foreign);
}

static void on_created(void *self, const struct change_result *result)
{
    struct foreign_table *foreign = self;
    if (result->err)
        fail_opening(foreign, result->err, result->words);
    else
        find_live(foreign);
}

static void create(struct foreign_table *foreign)
{
    struct buf sql = { 0 };
    foreign_sql_create(&foreign->table->layout, &sql);
    struct change *change = foreign_new_take(foreign);
    struct text rest = buf_text(&sql), one;
    while (text_next_item(&rest, ';', &one))
        if (one.len) change_add(change, foreign_statement(foreign, one), ROWS_ANY);
    foreign_submit(foreign->database->foreign, change, NULL, 0, on_created, foreign);
    buf_free(&sql);
}

static void on_columns(void *self, enum err err, const struct rows *rows)
{
    struct foreign_table *foreign = self;
    struct list_table *table = foreign->table;
    uint32_t count = err ? 0 : rows_count(rows);
    if (err) {
        fail_opening(foreign, err, foreign_query_words(foreign->database->foreign));
        return;
    }
    if (count == 0) {
        create(foreign);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        if (foreign_check_column(&table->layout, rows_text(rows, i, 0), rows_text(rows, i, 1),
                                 rows_i64(rows, i, 2), &table->fault)) {
            end_opening(foreign, TABLE_FAILED);
            return;
        }
    if (count < table->layout.count) {
        (void)fault_set(&table->fault, ERR_CONFLICT, "table",
                        "%.*s has %u columns, its Format names %u", TEXT_ARG(table->layout.table),
                        count, table->layout.count);
        end_opening(foreign, TABLE_FAILED);
        return;
    }
    find_live(foreign);
}

void foreign_table_open(struct foreign_table *foreign,
                        void (*opened)(struct list_table *table, enum list_table_state state))
{
    foreign->opened = opened;
    foreign->opening = scope_new(foreign->table->life, "opening", SCOPE_NO_LIMIT);
    foreign->table->recovered_rows = 0;
    struct value name = value_of_text(foreign->table->layout.table);
    struct query query = { &STORE_COLUMNS, &name, 1 };
    foreign_table_query(foreign, &query, on_columns, foreign);
}

/* --- counters --- */

struct counting {
    struct scope *life;
    struct foreign_table *foreign;
    int64_t record_id, chain_id;
    void (*on_counted)(void *self, enum err err);
    void *self;
};

static void end_counting(struct counting *counting, enum err err)
{
    struct list_table *table = counting->foreign->table;
    if (!err && counting->record_id >= table->next_record_id)
        table->next_record_id = counting->record_id + 1;
    if (!err && counting->chain_id >= table->next_chain_id)
        table->next_chain_id = counting->chain_id + 1;
    counting->on_counted(counting->self, err);
    scope_close(counting->life);
}

/* Chains that are owed, and those that an import has set aside. */
static void on_owed_count(void *self, enum err err, const struct rows *rows)
{
    struct counting *counting = self;
    int64_t owed = err ? 0 : rows_i64(rows, 0, 0);
    if (owed > counting->chain_id) counting->chain_id = owed;
    end_counting(counting, err);
}

static void on_their_count(void *self, enum err err, const struct rows *rows)
{
    static const struct statement owed = {
        "SELECT coalesce(max(n), 0) FROM (SELECT max(key_1) AS n FROM foreign_write "
        "WHERE access_point = ?1 AND table_name = ?2 AND kind = 1 UNION ALL "
        "SELECT max(chain_base + chain_count - 1) AS n FROM import "
        "WHERE table_name = ?3 AND state IN (1, 2, 4)) AS taken"
    };
    struct counting *counting = self;
    struct foreign_table *foreign = counting->foreign;
    if (err) {
        end_counting(counting, err);
        return;
    }
    counting->record_id = rows_i64(rows, 0, 0);
    counting->chain_id = rows_i64(rows, 0, 1);
    struct value parameters[] = { value_of_i64(foreign->database->dbid),
                                  value_of_text(foreign->table->layout.table),
                                  value_of_text(foreign->table->key) };
    struct query query = { &owed, parameters, 3 };
    store_query(foreign->own, &query, on_owed_count, counting);
}

void foreign_table_count(struct foreign_table *foreign,
                         void (*on_counted)(void *self, enum err err), void *self)
{
    struct scope *life = scope_new(foreign->table->life, "counting", SCOPE_NO_LIMIT);
    struct counting *counting = scope_alloc(life, sizeof *counting);
    *counting = (struct counting){ life, foreign, 0, 0, on_counted, self };
    struct query query = { .statement = foreign->counters };
    foreign_table_query(foreign, &query, on_their_count, counting);
}
