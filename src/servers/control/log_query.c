/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/control/log_query.h"

#include <string.h>

#define TIME_MS_MAX (UINT64_C(253402300799999)) /* the year 9999 */

static uint32_t priority_of(struct text level)
{
    static const char *const words[] = { "trace", "interaction", "standard", "alarm" };
    for (uint32_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_eq(level, text_of(words[i]))) return i + 2;
    return 0;
}

enum err log_query_read(const struct control_read_log *asked, struct log_query *out,
                        struct fault *fault)
{
    struct log_query query = { .limit = LOG_QUERY_LIMIT_USUAL };
    if (SHAPE_HAS(asked, CONTROL_READ_LOG_HAS_FROM)) query.from_us = asked->from;
    if (SHAPE_HAS(asked, CONTROL_READ_LOG_HAS_TO)) query.to_us = asked->to;
    if (query.from_us > TIME_MS_MAX)
        return fault_set(fault, ERR_INVALID, "from", "must be before the year 10000");
    if (query.to_us > TIME_MS_MAX)
        return fault_set(fault, ERR_INVALID, "to", "must be before the year 10000");
    if (query.to_us && query.from_us > query.to_us)
        return fault_set(fault, ERR_INVALID, "to", "must not be before from");
    query.from_us *= 1000;
    query.to_us *= 1000;
    if (SHAPE_HAS(asked, CONTROL_READ_LOG_HAS_LEVEL))
        query.priority_min = priority_of(asked->level);
    query.has_category = SHAPE_HAS(asked, CONTROL_READ_LOG_HAS_CATEGORY);
    query.category = asked->category;
    query.application = asked->application;
    query.ixn = asked->ixn;
    query.text = asked->text;
    query.id = asked->id;
    if (SHAPE_HAS(asked, CONTROL_READ_LOG_HAS_BEFORE)) query.before = asked->before;
    if (SHAPE_HAS(asked, CONTROL_READ_LOG_HAS_LIMIT)) query.limit = asked->limit;
    *out = query;
    return ERR_OK;
}

struct writing {
    struct buf *sql;
    struct value *parameters;
    uint32_t count;
};

/* " AND app_name = ?3" */
static void add(struct writing *writing, const char *words, struct value value)
{
    buf_format(writing->sql, " AND %s ?%u", words, writing->count + 1);
    writing->parameters[writing->count++] = value;
}

static void add_number(struct writing *writing, const char *words, uint64_t number)
{
    add(writing, words, (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)number });
}

static void add_text(struct writing *writing, const char *words, struct text text)
{
    if (text.len) add(writing, words, (struct value){ .kind = VALUE_TEXT, .text = text });
}

static void add_place(struct writing *writing, const struct log_place *below)
{
    buf_format(writing->sql, " AND (time_generated, id) < (?%u, ?%u)", writing->count + 1,
               writing->count + 2);
    writing->parameters[writing->count++] =
        (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)below->time_us };
    writing->parameters[writing->count++] =
        (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)below->id };
}

uint32_t log_query_sql(const struct log_query *query, const struct log_place *below, uint32_t rows,
                       struct buf *sql, struct value parameters[LOG_QUERY_PARAMETERS_MAX])
{
    struct writing writing = { sql, parameters, 0 };
    buf_add_z(sql, "SELECT id, message_id, time_generated, time_written, priority, category,"
                   " app_type, app_name, host, pid, text, ixn FROM G_LOG_MESSAGES WHERE 1 = 1");
    add_text(&writing, "ixn =", query->ixn);
    add_text(&writing, "app_name =", query->application);
    add_text(&writing, "message_id =", query->id);
    /* As the partial indexes have it: a parameter would not be recognised. */
    if (query->has_category && query->category == 2)
        buf_add_z(sql, " AND category = 2");
    else if (query->has_category)
        add_number(&writing, "category =", query->category);
    if (query->priority_min == 5)
        buf_add_z(sql, " AND priority = 5");
    else if (query->priority_min)
        add_number(&writing, "priority >=", query->priority_min);
    if (query->from_us) add_number(&writing, "time_generated >=", query->from_us);
    if (query->to_us) add_number(&writing, "time_generated <", query->to_us);
    if (below) add_place(&writing, below);
    buf_format(sql, " ORDER BY time_generated DESC, id DESC LIMIT ?%u", writing.count + 1);
    parameters[writing.count++] = (struct value){ .kind = VALUE_INTEGER, .integer = rows };
    return writing.count;
}

bool log_query_fits(const struct log_query *query, struct text text)
{
    const struct text wanted = query->text;
    if (wanted.len == 0) return true;
    for (size_t from = 0; from + wanted.len <= text.len; from++)
        if (text_eq_fold(text_slice(text, from, wanted.len), wanted)) return true;
    return false;
}
