/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "servers/control/log_query.h"

#include <string.h>

static bool has(const struct buf *sql, const char *words)
{
    return memmem(sql->at, sql->len, words, strlen(words)) != NULL;
}

TEST(everything_asked_becomes_a_condition_and_a_parameter)
{
    struct control_read_log asked = {
        .head.has = SHAPE_ALL(*MSG_CONTROL_READ_LOG.shape) & ~(uint64_t)CONTROL_READ_LOG_HAS_BEFORE,
        .from = 1000,
        .to = 2000,
        .level = TEXT("standard"),
        .application = TEXT("outbound"),
        .ixn = TEXT("ixn1"),
        .text = TEXT("lost"),
        .id = TEXT("00-04504"),
        .category = 2,
        .limit = 7,
    };
    struct log_query query;
    struct fault fault;
    struct buf sql = { 0 };
    struct value parameters[LOG_QUERY_PARAMETERS_MAX];
    CHECK_OK(log_query_read(&asked, &query, &fault));
    CHECK_U32(query.limit, 7);
    struct log_place below = { 1500000, 42 };
    uint32_t count = log_query_sql(&query, &below, 8, &sql, parameters);
    CHECK(has(&sql, " AND ixn = ?1 AND app_name = ?2 AND message_id = ?3 AND category = 2"
                    " AND priority >= ?4 AND time_generated >= ?5 AND time_generated < ?6"
                    " AND (time_generated, id) < (?7, ?8)"
                    " ORDER BY time_generated DESC, id DESC LIMIT ?9"));
    CHECK_U32(count, 9);
    CHECK_I64(parameters[3].integer, 4);
    CHECK_I64(parameters[4].integer, 1000000);
    CHECK_I64(parameters[7].integer, 42);
    CHECK_I64(parameters[8].integer, 8);
    buf_free(&sql);
}

TEST(nothing_asked_is_the_newest_hundred_of_all)
{
    struct control_read_log asked = { 0 };
    struct log_query query;
    struct fault fault;
    struct buf sql = { 0 };
    struct value parameters[LOG_QUERY_PARAMETERS_MAX];
    CHECK_OK(log_query_read(&asked, &query, &fault));
    CHECK_U32(query.limit, 100);
    CHECK_U32(log_query_sql(&query, NULL, 101, &sql, parameters), 1);
    CHECK(has(&sql, "WHERE 1 = 1 ORDER BY"));
    buf_free(&sql);
}

TEST(times_the_wrong_way_round_are_refused)
{
    struct control_read_log asked = {
        .head.has = CONTROL_READ_LOG_HAS_FROM | CONTROL_READ_LOG_HAS_TO, .from = 2, .to = 1
    };
    struct log_query query;
    struct fault fault;
    CHECK(log_query_read(&asked, &query, &fault) == ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "to");
    asked.from = UINT64_MAX;
    CHECK(log_query_read(&asked, &query, &fault) == ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "from");
}

TEST(text_is_found_anywhere_without_case_of_ascii)
{
    struct log_query query = { .text = TEXT("NAMe Ä") };
    CHECK(log_query_fits(&query, TEXT("the name Ä")));
    CHECK(!log_query_fits(&query, TEXT("the name ä")));
    CHECK(!log_query_fits(&query, TEXT("nam")));
    CHECK(!log_query_fits(&query, TEXT("")));
    query.text = TEXT("");
    CHECK(log_query_fits(&query, TEXT("")));
}
