/* SPDX-License-Identifier: Apache-2.0 */
/* The SQL is carried out by SQLite itself: what matters is what it leaves in the table. */
#include "servers/outbound/foreign_sql.h"
#include "tests/unit/test.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

enum { US = 9, OTHERS = 10 };

static struct column_layout columns[COLUMNS_MANDATORY + 1];
static struct list_layout layout;
static sqlite3 *base;
static int64_t parameters[64];
static int parameter_count;

static void begin(void)
{
    for (uint32_t i = 0; i < COLUMNS_MANDATORY; i++) columns[i] = mandatory_columns()[i];
    columns[COLUMNS_MANDATORY] =
        (struct column_layout){ .name = TEXT("Other1"), .is_text = true, .len_max = 20 };
    layout = (struct list_layout){ TEXT("list"), columns, COLUMNS_MANDATORY + 1 };
    CHECK(sqlite3_open(":memory:", &base) == SQLITE_OK);
    struct buf sql = { 0 };
    foreign_sql_create(&layout, &sql);
    buf_add_byte(&sql, '\0');
    CHECK(sqlite3_exec(base, sql.at, NULL, NULL, NULL) == SQLITE_OK);
    buf_free(&sql);
}

static void end(void)
{
    CHECK(sqlite3_close(base) == SQLITE_OK);
}

static int64_t run_text(const char *sql)
{
    sqlite3_stmt *statement;
    if (sqlite3_prepare_v2(base, sql, -1, &statement, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(base), sql);
    for (int i = 0; i < parameter_count; i++)
        (void)sqlite3_bind_int64(statement, i + 1, parameters[i]);
    int64_t first = -1, rows = 0;
    int code;
    while ((code = sqlite3_step(statement)) == SQLITE_ROW) {
        if (rows++ == 0) first = sqlite3_column_int64(statement, 0);
    }
    bool is_query = sqlite3_column_count(statement) > 0;
    (void)sqlite3_finalize(statement);
    if (code != SQLITE_DONE) return -2;
    return is_query ? first : sqlite3_changes(base);
}

/* Rows touched, or the first number found. -2: refused. */
static int64_t run(void (*add)(const struct list_layout *layout, struct buf *out), int count, ...)
{
    struct buf sql = { 0 };
    va_list arguments;
    va_start(arguments, count);
    for (int i = 0; i < count; i++) parameters[i] = va_arg(arguments, int);
    va_end(arguments);
    parameter_count = count;
    add(&layout, &sql);
    buf_add_byte(&sql, '\0');
    int64_t result = run_text(sql.at);
    buf_free(&sql);
    return result;
}

static int64_t ask(const char *sql)
{
    parameter_count = 0;
    return run_text(sql);
}

/* Record `id` at (chain, n), Ready. */
static int64_t insert(int id, int chain, int n)
{
    memset(parameters, 0, sizeof parameters);
    parameter_count = (int)layout.count;
    parameters[COLUMN_RECORD_ID] = id;
    parameters[COLUMN_CHAIN_ID] = chain;
    parameters[COLUMN_CHAIN_N] = n;
    parameters[COLUMN_RECORD_STATUS] = RECORD_STATUS_READY;
    struct buf sql = { 0 };
    foreign_sql_insert(&layout, &sql);
    buf_add_byte(&sql, '\0');
    int64_t touched = run_text(sql.at);
    buf_free(&sql);
    return touched;
}

/* The row with a status and a result, by us. */
static int64_t write_row(int chain, int n, int status, int result)
{
    memset(parameters, 0, sizeof parameters);
    parameter_count = 0;
    for (uint32_t i = 0; i < layout.count; i++) {
        if (layout.columns[i].is_key || i == COLUMN_RECORD_ID) continue;
        if (i == COLUMN_RECORD_STATUS) parameters[parameter_count] = status;
        if (i == COLUMN_CALL_RESULT) parameters[parameter_count] = result;
        if (i == COLUMN_APP_ID) parameters[parameter_count] = US;
        parameter_count++;
    }
    parameters[parameter_count++] = chain;
    parameters[parameter_count++] = n;
    parameters[parameter_count++] = US;
    struct buf sql = { 0 };
    foreign_sql_write(&layout, &sql);
    buf_add_byte(&sql, '\0');
    int64_t touched = run_text(sql.at);
    buf_free(&sql);
    return touched;
}

TEST(a_record_comes_in_once_and_its_place_is_its_own)
{
    begin();
    CHECK_I64(insert(1, 5, 1), 1);
    CHECK_I64(insert(1, 5, 1), 0);  /* the same again */
    CHECK_I64(insert(2, 5, 1), -2); /* another one */
    CHECK_I64(ask("SELECT count(*) FROM list"), 1);
    end();
}

TEST(a_chain_is_taken_by_one)
{
    begin();
    (void)insert(1, 5, 1);
    (void)insert(2, 5, 2);
    CHECK_I64(run(foreign_sql_take, 5, 5, 1, US, 1, 1), 1);
    CHECK_I64(run(foreign_sql_take, 5, 5, 2, OTHERS, 1, 1), 0);
    CHECK_I64(run(foreign_sql_take_sibling, 2, 5, 2), 1);
    CHECK_I64(ask("SELECT record_status * 10 + app_id FROM list WHERE chain_n = 1"), 20 + US);
    CHECK_I64(ask("SELECT record_status FROM list WHERE chain_n = 2"), 9);
    end();
}

TEST(what_is_written_twice_is_written_once_and_rows_of_others_are_left_alone)
{
    begin();
    (void)insert(1, 5, 1);
    (void)insert(2, 5, 2);
    CHECK_I64(write_row(5, 1, 3, 33), 0); /* nobody holds it */
    (void)run(foreign_sql_take, 5, 5, 1, US, 1, 1);
    (void)run(foreign_sql_take_sibling, 2, 5, 2);
    CHECK_I64(write_row(5, 2, 1, 28), 1);
    CHECK_I64(write_row(5, 1, 1, 7), 1); /* given back: that ends the hold */
    CHECK_I64(write_row(5, 1, 1, 7), 0);
    (void)run(foreign_sql_take, 5, 5, 1, OTHERS, 1, 1);
    CHECK_I64(write_row(5, 2, 3, 33), 0);
    CHECK_I64(write_row(5, 1, 3, 33), 0);
    CHECK_I64(run(foreign_sql_release, 2, 5, US), 0);
    CHECK_I64(ask("SELECT record_status * 100 + call_result FROM list WHERE chain_n = 1"), 207);
    end();
}

TEST(the_hold_passes_to_the_next_record_of_the_chain)
{
    begin();
    (void)insert(1, 5, 1);
    (void)insert(2, 5, 2);
    (void)run(foreign_sql_take, 5, 5, 1, US, 1, 1);
    (void)run(foreign_sql_take_sibling, 2, 5, 2);
    CHECK_I64(write_row(5, 2, 2, 28), 1); /* first who becomes Retrieved, */
    CHECK_I64(write_row(5, 1, 3, 7), 1);  /* then who ceases to be */
    CHECK_I64(write_row(5, 2, 3, 33), 1);
    CHECK_I64(ask("SELECT count(*) FROM list WHERE record_status = 3"), 2);
    end();
}

TEST(a_chain_is_given_back_whole)
{
    begin();
    (void)insert(1, 5, 1);
    (void)insert(2, 5, 2);
    (void)run(foreign_sql_take, 5, 5, 1, US, 1, 1);
    (void)run(foreign_sql_take_sibling, 2, 5, 2);
    CHECK_I64(run(foreign_sql_release_siblings, 2, 5, OTHERS), 0);
    CHECK_I64(run(foreign_sql_release_siblings, 2, 5, US), 1);
    CHECK_I64(run(foreign_sql_release, 2, 5, US), 1);
    CHECK_I64(run(foreign_sql_release_siblings, 2, 5, US), 0);
    CHECK_I64(ask("SELECT count(*) FROM list WHERE record_status = 1"), 2);
    end();
}

TEST(rows_left_by_us_are_found_and_become_ready_with_result_stale)
{
    begin();
    for (int chain = 1; chain <= 3; chain++) {
        (void)insert(2 * chain, chain, 1);
        (void)insert(2 * chain + 1, chain, 2);
        (void)run(foreign_sql_take, 5, chain, 1, chain == 2 ? OTHERS : US, 1, 1);
        (void)run(foreign_sql_take_sibling, 2, chain, 2);
    }
    CHECK_I64(run(foreign_sql_left, 3, US, 0, 10), 1);
    CHECK_I64(run(foreign_sql_left, 3, US, 1, 10), 3);
    CHECK_I64(run(foreign_sql_recover, 3, 1, 1, US), 1);
    CHECK_I64(run(foreign_sql_recover, 3, 2, 1, US), 0);
    CHECK_I64(run(foreign_sql_free_siblings, 0), 1); /* of chain 1 alone */
    CHECK_I64(ask("SELECT call_result FROM list WHERE chain_id = 1 AND chain_n = 1"), 46);
    CHECK_I64(run(foreign_sql_counters, 0), 7);
    end();
}

static int64_t choose(const struct foreign_selection *selection, int64_t type, int64_t now_s,
                      int64_t local_s)
{
    struct buf sql = { 0 };
    foreign_sql_select(&layout, selection, &sql);
    buf_add_byte(&sql, '\0');
    int64_t wanted[] = { 10, type, now_s, 0, 0, 1, local_s };
    memcpy(parameters, wanted, sizeof wanted);
    parameter_count = 7;
    int64_t chain = run_text(sql.at);
    buf_free(&sql);
    return chain;
}

TEST(candidates_are_ready_due_and_in_their_hours_in_the_filters_order)
{
    begin();
    struct foreign_selection plain = { .zones = 1 };
    struct foreign_selection filtered = { TEXT("chain_id <> 3"), TEXT("chain_id DESC"), 0, 1, 0 };
    for (int chain = 1; chain <= 3; chain++) (void)insert(chain, chain, 1);
    (void)ask("UPDATE list SET record_type = 2, tz_dbid = 1, daily_from = 100, daily_till = 200");
    CHECK_I64(choose(&plain, 2, 1000, 150), 1);
    CHECK_I64(choose(&filtered, 2, 1000, 150), 2);
    CHECK_I64(choose(&plain, 2, 1000, 200), -1);
    CHECK_I64(choose(&plain, 6, 1000, 150), -1);
    (void)ask("UPDATE list SET record_type = 6, dial_sched_time = 1001 WHERE chain_id = 2");
    CHECK_I64(choose(&plain, 6, 1000, 150), -1);
    CHECK_I64(choose(&plain, 6, 1001, 150), 2);
    end();
}

TEST(columns_must_be_what_their_fields_say)
{
    begin();
    struct fault fault;
    CHECK_OK(foreign_check_column(&layout, TEXT("other1"), TEXT("text"), 20, &fault));
    CHECK_OK(foreign_check_column(&layout, TEXT("CHAIN_ID"), TEXT("integer"), 0, &fault));
    CHECK_I64(foreign_check_column(&layout, TEXT("more"), TEXT("text"), 20, &fault), ERR_CONFLICT);
    CHECK_I64(foreign_check_column(&layout, TEXT("other1"), TEXT("text"), 19, &fault),
              ERR_CONFLICT);
    CHECK(strstr(fault.words, "19 characters") != NULL);
    CHECK_I64(foreign_check_column(&layout, TEXT("attempt"), TEXT("text"), 5, &fault),
              ERR_CONFLICT);
    end();
}

TEST(statements_are_few_whatever_is_asked)
{
    CHECK_U32(foreign_sql_rounded(0), 0);
    CHECK_U32(foreign_sql_rounded(1), 1);
    CHECK_U32(foreign_sql_rounded(2), 4);
    CHECK_U32(foreign_sql_rounded(1200), 4096);
}
