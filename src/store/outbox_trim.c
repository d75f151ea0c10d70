/* SPDX-License-Identifier: Apache-2.0 */
/* The ledger of what was sent, and of what was given up, forgets after a while: slice by slice, so
 * that live commits wait for one slice at most. Start reading at on_trim_time(). */
#include "store/outbox_private.h"

enum { TRIM_ROWS = 500, TRIM_PAUSE_MS = 100 };

static const struct statement trim_sent = {
    "DELETE FROM outbox WHERE id IN"
    " (SELECT id FROM outbox WHERE state = 2 AND sent_utc_ms <= ?1 ORDER BY sent_utc_ms LIMIT ?2)"
};
static const struct statement trim_failed = {
    "DELETE FROM outbox WHERE id IN"
    " (SELECT id FROM outbox WHERE state = 3 AND sent_utc_ms <= ?1 ORDER BY sent_utc_ms LIMIT ?2)"
};
static const struct statement find_trimmable = {
    "SELECT (SELECT 1 FROM outbox WHERE state = 2 AND sent_utc_ms <= ?1 LIMIT 1),"
    " (SELECT 1 FROM outbox WHERE state = 3 AND sent_utc_ms <= ?2 LIMIT 1)"
};

static int64_t limit_utc_ms(const struct outbox *outbox, uint64_t keep_ms)
{
    uint64_t now = loop_now_utc_ms(outbox->loop);
    return now > keep_ms ? (int64_t)(now - keep_ms) : 0;
}

static void add_trim(struct change *change, const struct statement *statement, int64_t limit)
{
    change_add(change, statement, ROWS_ANY);
    change_bind_i64(change, limit);
    change_bind_i64(change, TRIM_ROWS);
}

static void on_trimmable(void *self, enum err err, const struct rows *rows)
{
    struct outbox *outbox = self;
    bool has_sent = !err && rows_i64(rows, 0, 0), has_failed = !err && rows_i64(rows, 0, 1);
    timer_start(outbox->trim_timer, has_sent || has_failed ? TRIM_PAUSE_MS : OUTBOX_POLL_MS);
    if (!has_sent && !has_failed) return;
    struct change *change = change_new(outbox->store);
    if (has_sent) add_trim(change, &trim_sent, limit_utc_ms(outbox, outbox->options.keep_sent_ms));
    if (has_failed)
        add_trim(change, &trim_failed, limit_utc_ms(outbox, outbox->options.keep_failed_ms));
    change_submit(change, NULL, NULL);
}

static void on_trim_time(void *self)
{
    struct outbox *outbox = self;
    struct value parameters[] = {
        { .kind = VALUE_INTEGER, .integer = limit_utc_ms(outbox, outbox->options.keep_sent_ms) },
        { .kind = VALUE_INTEGER, .integer = limit_utc_ms(outbox, outbox->options.keep_failed_ms) },
    };
    struct query query = { .statement = &find_trimmable,
                           .parameters = parameters,
                           .parameter_count = 2 };
    store_query(outbox->store, &query, on_trimmable, outbox);
}

void outbox_begin_trimming(struct outbox *outbox)
{
    outbox->trim_timer = timer_new(outbox->life, outbox->loop, on_trim_time, outbox);
    timer_start(outbox->trim_timer, OUTBOX_POLL_MS);
}
