/* SPDX-License-Identifier: Apache-2.0 */
/* The store's own grouped rate for the rows of a record update: the two statements that outbound
 * writes for UpdateCallCompletionStats, into a copy of its own file, without HTTP and chains.
 *
 *     update_bench DATABASE TABLE SECONDS FLYING
 *
 * Every record that is with an agent takes its turn; each turn changes the call result and Other1.
 * `FLYING` changes wait for their commit at a time. Prints one JSON object; syncs are counted where
 * they happen, in sync_count.c. */
#include "bench/measure.h"
#include "bench/sync_count.h"

#include "gen/migrations.h"
#include "servers/outbound/record.h"
#include "store/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct held { /* a record with an agent */
    int64_t handle_base;
    struct value *cells;
};

struct bench {
    struct scope *life;
    struct loop *loop;
    struct store *store;
    struct list_layout layout;
    uint32_t written[COLUMNS_MANDATORY + USER_COLUMNS_MAX], written_count, other1;
    const struct statement *write_row;
    struct held *held;
    uint32_t held_count, next;
    uint64_t durable, turns;
    bool is_over;
};

static void must(bool is_good, const char *what)
{
    if (is_good) return;
    (void)fprintf(stderr, "update_bench: %s\n", what);
    exit(1);
}

/* --- what lies in the file --- */

static void on_columns(void *self, enum err err, const struct rows *rows)
{
    struct bench *bench = self;
    must(err == ERR_OK && rows_count(rows) > COLUMNS_MANDATORY, "no such table");
    uint32_t count = rows_count(rows);
    struct column_layout *columns = scope_alloc_array(bench->life, count, sizeof *columns);
    for (uint32_t i = 0; i < count; i++)
        columns[i] =
            i < COLUMNS_MANDATORY
                ? mandatory_columns()[i]
                : (struct column_layout){ .name = scope_keep(bench->life, rows_text(rows, i, 0)),
                                          .is_text = true };
    bench->layout.columns = columns;
    bench->layout.count = count;
    bench->other1 = layout_find_column(&bench->layout, TEXT("Other1"));
    must(bench->other1 != UINT32_MAX, "the table has no column Other1");
    for (uint32_t i = 0; i < count; i++)
        if (!columns[i].is_key && i != COLUMN_RECORD_ID) bench->written[bench->written_count++] = i;
}

static void on_held(void *self, enum err err, const struct rows *rows)
{
    struct bench *bench = self;
    must(err == ERR_OK && rows_count(rows) > 0, "no record is with an agent");
    bench->held_count = rows_count(rows);
    bench->held = scope_alloc_array(bench->life, bench->held_count, sizeof *bench->held);
    for (uint32_t row = 0; row < bench->held_count; row++) {
        struct held *held = &bench->held[row];
        held->handle_base = rows_i64(rows, row, bench->layout.count);
        held->cells = scope_alloc_array(bench->life, bench->layout.count, sizeof *held->cells);
        for (uint32_t i = 0; i < bench->layout.count; i++)
            held->cells[i] = value_copy(bench->life, rows_at(rows, row, i));
    }
}

static void read_file(struct bench *bench)
{
    static const struct statement columns = { "SELECT name FROM pragma_table_info(?1)" };
    struct value table = value_of_text(bench->layout.table);
    struct query query = { &columns, &table, 1 };
    must(store_query_now(bench->store, &query, on_columns, bench) == ERR_OK, "cannot read");
    struct buf sql = { 0 };
    buf_add_z(&sql, "SELECT ");
    for (uint32_t i = 0; i < bench->layout.count; i++)
        buf_format(&sql, "list.%.*s, ", TEXT_ARG(bench->layout.columns[i].name));
    buf_format(&sql,
               "round.handle_base FROM round JOIN %.*s AS list ON list.chain_id = round.chain_id "
               "AND list.chain_n = round.primary_n WHERE round.state = 1",
               TEXT_ARG(bench->layout.table));
    query = (struct query){ .statement = store_statement(bench->store, buf_text(&sql)) };
    must(store_query_now(bench->store, &query, on_held, bench) == ERR_OK, "cannot read");
    buf_clear(&sql);
    list_sql_update(&bench->layout, bench->written, bench->written_count, &sql);
    bench->write_row = store_statement(bench->store, buf_text(&sql));
    buf_free(&sql);
}

/* --- one update --- */

static void bind(struct change *change, const struct value *value)
{
    switch (value->kind) {
    case VALUE_INTEGER: change_bind_i64(change, value->integer); return;
    case VALUE_FLOAT: change_bind_f64(change, value->number); return;
    case VALUE_TEXT: change_bind_text(change, value->text); return;
    default: change_bind_null(change); return;
    }
}

static void submit(struct bench *bench);

static void on_durable(void *self, const struct change_result *result)
{
    struct bench *bench = self;
    must(result->err == ERR_OK, result->words ? result->words : "a change was refused");
    if (bench->is_over) return;
    bench->durable++;
    submit(bench);
}

static void submit(struct bench *bench)
{
    static const struct statement round_change = {
        "UPDATE round SET modified = ?2 WHERE handle_base = ?1 AND state = 1"
    };
    struct held *held = &bench->held[bench->next];
    if (++bench->next == bench->held_count) {
        bench->next = 0;
        bench->turns++;
    }
    bool is_odd = bench->turns & 1;
    held->cells[COLUMN_CALL_RESULT] = value_of_i64(is_odd ? 33 : 7);
    held->cells[bench->other1] =
        value_of_text(is_odd ? TEXT("wants price list") : TEXT("asks to call May"));
    struct change *change = change_new(bench->store);
    change_add(change, bench->write_row, 1);
    for (uint32_t i = 0; i < bench->written_count; i++)
        bind(change, &held->cells[bench->written[i]]);
    bind(change, &held->cells[COLUMN_CHAIN_ID]);
    bind(change, &held->cells[COLUMN_CHAIN_N]);
    change_add(change, &round_change, 1);
    change_bind_i64(change, held->handle_base);
    change_bind_text(change, TEXT("Other1"));
    change_submit(change, on_durable, bench);
}

/* --- the run --- */

static void on_time_up(void *self)
{
    struct bench *bench = self;
    bench->is_over = true;
    loop_stop(bench->loop);
}

static void run(struct bench *bench, uint32_t run_s, uint32_t flying)
{
    struct timer *timer = timer_new(bench->life, bench->loop, on_time_up, bench);
    for (uint32_t i = 0; i < flying; i++) submit(bench);
    double wall_s = measure_wall_s(), cpu_s = measure_cpu_s();
    unsigned long syncs = sync_count();
    struct store_counters before = store_counters(bench->store);
    timer_start(timer, (uint64_t)run_s * 1000);
    loop_run(bench->loop);
    struct store_counters after = store_counters(bench->store);
    (void)printf("{\"operations\":%llu,\"rows\":%llu,\"groups\":%llu,\"syncs\":%lu,"
                 "\"wall_s\":%.3f,\"cpu_s\":%.3f}\n",
                 (unsigned long long)bench->durable, (unsigned long long)(after.rows - before.rows),
                 (unsigned long long)(after.groups - before.groups), sync_count() - syncs,
                 measure_wall_s() - wall_s, measure_cpu_s() - cpu_s);
}

int main(int argc, char **argv)
{
    uint32_t run_s, flying;
    if (argc != 5 || text_to_u32(text_of(argv[3]), 1, 3600, &run_s) ||
        text_to_u32(text_of(argv[4]), 1, 10000, &flying)) {
        (void)fprintf(stderr, "usage: update_bench DATABASE TABLE SECONDS FLYING\n");
        return 2;
    }
    struct fault fault = { 0 };
    struct scope *life = scope_new(NULL, "update_bench", SCOPE_NO_LIMIT);
    struct bench *bench = scope_alloc(life, sizeof *bench);
    bench->life = life;
    bench->loop = loop_new(life);
    bench->layout.table = text_of(argv[2]);
    must(is_sql_identifier(bench->layout.table), "TABLE is no identifier");
    must(store_open(life, bench->loop, NULL, text_of(argv[1]), MIGRATIONS_OUTBOUND, NULL,
                    &bench->store, &fault) == ERR_OK,
         fault.words);
    read_file(bench);
    run(bench, run_s, flying);
    scope_close(life);
    return 0;
}
