/* SPDX-License-Identifier: Apache-2.0 */
/* What is too old: records past [messages] retention-days, streams that nobody sends any more. */
#include "servers/control/log_keeper_private.h"

enum {
    MORE_MS = 200, /* a full page was too old: soon again */
    TRIM_MS = 60 * 1000,
    TRIM_ROWS = 5000,
    STREAM_KEPT_DAYS = 60,
    STREAMS_FORGOTTEN_MAX = 1000,
    STREAMS_EVERY_MS = 24 * 3600 * 1000,
};

struct log_trim {
    struct log_keeper *keeper;
    struct timer *records_timer, *streams_timer;
    bool is_trimming;
};

/* --- streams that nobody sends any more ---------------------------------------------------- */

uint64_t log_trim_streams_since(const struct log_keeper *keeper)
{
    uint64_t now = loop_now_utc_ms(keeper->server->app->loop), kept_ms = STREAM_KEPT_DAYS * DAY_MS;
    return now > kept_ms ? now - kept_ms : 0;
}

/* A few at a time: a table must not change while somebody walks through it. */
static void forget_old_streams(struct log_keeper *keeper)
{
    static const struct statement statement = { "DELETE FROM log_stream WHERE heard_utc_ms < ?1" };
    uint64_t since = log_trim_streams_since(keeper);
    struct stream *stream, *old[STREAMS_FORGOTTEN_MAX];
    size_t count = 0;
    for (size_t at = 0;
         count < STREAMS_FORGOTTEN_MAX && (stream = table_next(keeper->streams, &at)) != NULL;)
        if (stream->heard_utc_ms < since && stream->accepted == stream->durable)
            old[count++] = stream;
    for (size_t i = 0; i < count; i++) {
        (void)table_remove(keeper->streams, old[i]->key);
        scope_close(old[i]->life);
    }
    if (since == 0) return;
    struct change *change = change_new(keeper->server->store);
    change_add(change, &statement, ROWS_ANY);
    change_bind_i64(change, (int64_t)since);
    change_submit(change, NULL, NULL);
}

static void on_day(void *self)
{
    struct log_trim *trim = self;
    forget_old_streams(trim->keeper);
    timer_start(trim->streams_timer, STREAMS_EVERY_MS);
}

/* --- what is too old ------------------------------------------------------------------------ */

static void trim_up_to(struct log_keeper *keeper, uint64_t id)
{
    static const struct statement attributes = { "DELETE FROM G_LOG_ATTRS WHERE lrid <= ?1" },
                                  records = { "DELETE FROM G_LOG_MESSAGES WHERE id <= ?1" };
    struct change *change = change_new(keeper->server->store);
    change_add(change, &attributes, ROWS_ANY);
    change_bind_i64(change, (int64_t)id);
    change_add(change, &records, ROWS_ANY);
    change_bind_i64(change, (int64_t)id);
    change_submit(change, NULL, NULL);
}

static void on_oldest(void *self, enum err err, const struct rows *rows)
{
    struct log_trim *trim = self;
    struct log_keeper *keeper = trim->keeper;
    uint64_t now = loop_now_utc_ms(keeper->server->app->loop);
    uint64_t keep_ms = control_options(keeper->server)->messages_retention_days * DAY_MS;
    uint64_t before = now > keep_ms ? now - keep_ms : 0, up_to = 0;
    uint32_t row = 0, count = err ? 0 : rows_count(rows);
    for (; row < count && (uint64_t)rows_i64(rows, row, 1) < before; row++)
        up_to = (uint64_t)rows_i64(rows, row, 0);
    if (up_to) trim_up_to(keeper, up_to);
    trim->is_trimming = false;
    bool is_more = count == TRIM_ROWS && row == count;
    timer_start(trim->records_timer, is_more ? MORE_MS : TRIM_MS);
}

/* Rows are numbered in the order of their writing: the oldest stand first. */
static void trim_records(void *self)
{
    static const struct statement statement = {
        "SELECT id, time_written FROM G_LOG_MESSAGES ORDER BY id LIMIT 5000"
    };
    struct log_trim *trim = self;
    struct query query = { .statement = &statement };
    if (trim->is_trimming) return;
    trim->is_trimming = true;
    store_query(trim->keeper->server->store, &query, on_oldest, trim);
}

/* --- life ----------------------------------------------------------------------------------- */

void log_trim_stop(struct log_trim *trim)
{
    timer_stop(trim->records_timer);
    timer_stop(trim->streams_timer);
}

struct log_trim *log_trim_open(struct log_keeper *keeper)
{
    const struct app *app = keeper->server->app;
    struct log_trim *trim = scope_alloc(app->life, sizeof *trim);
    *trim = (struct log_trim){ .keeper = keeper };
    trim->records_timer = timer_new(app->life, app->loop, trim_records, trim);
    trim->streams_timer = timer_new(app->life, app->loop, on_day, trim);
    on_day(trim);
    timer_start(trim->records_timer, TRIM_MS);
    return trim;
}
