/* SPDX-License-Identifier: Apache-2.0 */
/* One record as rows of G_LOG_MESSAGES and G_LOG_ATTRS (framework 8.5). */
#include "format/json.h"
#include "servers/control/log_keeper_private.h"

#include <string.h>

static const struct statement keep_record = {
    "INSERT INTO G_LOG_MESSAGES (id, message_id, time_generated, time_written, priority, category,"
    " app_type, app_name, host, pid, text, ixn)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
};
static const struct statement keep_attribute = {
    "INSERT INTO G_LOG_ATTRS (lrid, name, value) VALUES (?1, ?2, ?3)"
};

/* PostgreSQL takes no NUL in a text: one record must not keep its stream from going on. */
static void bind_text(struct change *change, struct text text)
{
    struct buf clean = { 0 };
    if (text.len == 0 || memchr(text.at, '\0', text.len) == NULL) {
        change_bind_text(change, text.at ? text : TEXT(""));
        return;
    }
    buf_add(&clean, text);
    for (size_t i = 0; i < clean.len; i++)
        if (clean.at[i] == '\0') clean.at[i] = '?';
    change_bind_text(change, buf_text(&clean));
    buf_free(&clean);
}

static void bind_text_or_null(struct change *change, struct text text)
{
    if (text.len)
        bind_text(change, text);
    else
        change_bind_null(change);
}

static void bind_value(struct change *change, const struct value *value)
{
    struct buf json = { 0 };
    if (value->kind == VALUE_TEXT) {
        bind_text(change, value->text);
        return;
    }
    struct json_writer writer = json_writer(&json);
    json_put_value(&writer, value);
    change_bind_text(change, buf_text(&json));
    buf_free(&json);
}

void log_row_write(struct log_keeper *keeper, struct change *change, const struct log_row *row)
{
    uint64_t id = keeper->next_id++;
    change_add(change, &keep_record, ROWS_ANY);
    change_bind_i64(change, (int64_t)id);
    bind_text(change, row->event);
    change_bind_i64(change, (int64_t)row->time_us);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(keeper->server->app->loop));
    change_bind_i64(change, row->priority);
    change_bind_i64(change, row->category);
    bind_text_or_null(change, row->type);
    change_bind_text(change, row->application);
    bind_text_or_null(change, row->host);
    change_bind_i64(change, row->pid);
    bind_text(change, row->text);
    bind_text_or_null(change, row->ixn);
    for (uint32_t i = 0; i < row->attributes->count; i++) {
        change_add(change, &keep_attribute, ROWS_ANY);
        change_bind_i64(change, (int64_t)id);
        bind_text(change, row->attributes->at[i].name);
        bind_value(change, &row->attributes->at[i].value);
    }
}
