/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what waits in the table, page by page, as far as the window has room; and trimming the
 * ledger of what was sent. Start reading at outbox_look(). */
#include "store/outbox_private.h"

enum {
    PAGE_ROWS_MAX = 200,
    TRIM_ROWS = 500, /* one slice: live commits wait for one slice at most */
    TRIM_PAUSE_MS = 100,
};

static const struct statement page_effects = {
    "SELECT id, kind, target, headers, body, attempts, created_utc_ms, due_utc_ms FROM outbox"
    " WHERE state = 1 AND (due_utc_ms, id) > (?1, ?2) AND due_utc_ms <= ?3"
    " ORDER BY due_utc_ms, id LIMIT ?4"
};
static const struct statement find_next_due = {
    "SELECT due_utc_ms FROM outbox WHERE state = 1 AND due_utc_ms > ?1 ORDER BY due_utc_ms LIMIT 1"
};
static const struct statement trim_sent = {
    "DELETE FROM outbox WHERE id IN"
    " (SELECT id FROM outbox WHERE state = 2 AND sent_utc_ms <= ?1 ORDER BY sent_utc_ms LIMIT ?2)"
};
static const struct statement find_trimmable = {
    "SELECT 1 FROM outbox WHERE state = 2 AND sent_utc_ms <= ?1 LIMIT 1"
};

static struct value integer(uint64_t number)
{
    return (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)number };
}

static void see(struct outbox *outbox, uint64_t due_utc_ms, struct text id)
{
    outbox->seen.due_utc_ms = due_utc_ms;
    buf_clear(&outbox->seen.id);
    buf_add(&outbox->seen.id, id);
}

static void look_at(struct outbox *outbox, uint64_t due_utc_ms)
{
    uint64_t now = loop_now_utc_ms(outbox->loop);
    uint64_t after_ms = due_utc_ms > now ? due_utc_ms - now : 0;
    if (after_ms >= OUTBOX_POLL_MS) return; /* the next poll is sooner */
    uint64_t at_mono_ms = loop_now_mono_ms(outbox->loop) + after_ms;
    if (timer_is_running(outbox->look_timer) && outbox->look_mono_ms <= at_mono_ms) return;
    outbox->look_mono_ms = at_mono_ms;
    timer_start_at(outbox->look_timer, at_mono_ms);
}

void outbox_notice(struct outbox *outbox, uint64_t due_utc_ms)
{
    if (outbox->is_looking) { /* the page that is on its way may have been read before */
        if (due_utc_ms < outbox->missed_utc_ms) outbox->missed_utc_ms = due_utc_ms;
        return;
    }
    if (due_utc_ms <= outbox->seen.due_utc_ms) see(outbox, due_utc_ms, TEXT(""));
    look_at(outbox, due_utc_ms);
}

/* --- pages --- */

static void on_next_due(void *self, enum err err, const struct rows *rows)
{
    struct outbox *outbox = self;
    if (!err && rows_count(rows) == 1) look_at(outbox, (uint64_t)rows_i64(rows, 0, 0));
}

static void ask_next_due(struct outbox *outbox)
{
    struct value parameter = integer(outbox->page_utc_ms);
    struct query query = { .statement = &find_next_due,
                           .parameters = &parameter,
                           .parameter_count = 1 };
    store_query(outbox->store, &query, on_next_due, outbox);
}

static void send_page(struct outbox *outbox, const struct rows *rows)
{
    for (uint32_t row = 0; row < rows_count(rows); row++) {
        struct effect effect = {
            .id = rows_text(rows, row, 0),
            .kind = rows_text(rows, row, 1),
            .target = rows_text(rows, row, 2),
            .headers = rows_text(rows, row, 3),
            .body = rows_text(rows, row, 4),
            .attempts = (uint32_t)rows_i64(rows, row, 5),
            .created_utc_ms = (uint64_t)rows_i64(rows, row, 6),
            .due_utc_ms = (uint64_t)rows_i64(rows, row, 7),
        };
        see(outbox, effect.due_utc_ms, effect.id);
        outbox_send_row(outbox, &effect);
    }
}

static void on_page_failed(struct outbox *outbox, enum err err)
{
    if (err == ERR_LIMIT && outbox->page_rows > 1) outbox->page_rows /= 2; /* large bodies */
    timer_start(outbox->look_timer, OUTBOX_AGAIN_MS);
    outbox->look_mono_ms = loop_now_mono_ms(outbox->loop) + OUTBOX_AGAIN_MS;
}

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct outbox *outbox = self;
    uint32_t asked = outbox->asked_rows;
    if (err) {
        outbox->is_looking = false;
        outbox_end_ended(outbox);
        on_page_failed(outbox, err);
        return;
    }
    send_page(outbox, rows);
    outbox->is_looking = false;
    outbox_end_ended(outbox);
    outbox->is_behind = rows_count(rows) == asked;
    if (outbox->page_rows < PAGE_ROWS_MAX) outbox->page_rows++;
    if (outbox->missed_utc_ms < UINT64_MAX) {
        uint64_t missed_utc_ms = outbox->missed_utc_ms;
        outbox->missed_utc_ms = UINT64_MAX;
        outbox_notice(outbox, missed_utc_ms);
    }
    if (outbox->is_behind)
        outbox_look(outbox);
    else
        ask_next_due(outbox);
}

static void ask_page(struct outbox *outbox, uint32_t rows)
{
    outbox->is_looking = true;
    outbox->asked_rows = rows;
    outbox->page_utc_ms = loop_now_utc_ms(outbox->loop);
    struct value parameters[] = {
        integer(outbox->seen.due_utc_ms),
        { .kind = VALUE_TEXT, .text = buf_text(&outbox->seen.id) },
        integer(outbox->page_utc_ms),
        integer(rows),
    };
    struct query query = { .statement = &page_effects,
                           .parameters = parameters,
                           .parameter_count = 4 };
    store_query(outbox->store, &query, on_page, outbox);
}

/* Not for a handful of rows: a page costs a journey to the reader. */
void outbox_look(struct outbox *outbox)
{
    uint32_t room = outbox_room(outbox);
    uint32_t rows = room < outbox->page_rows ? room : outbox->page_rows;
    if (!outbox->is_behind || outbox->is_looking || rows == 0) return;
    if (rows < outbox->page_rows && room < outbox->options.in_flight_max / 4) return;
    ask_page(outbox, rows);
}

static void on_look_time(void *self)
{
    struct outbox *outbox = self;
    outbox->is_behind = true;
    outbox_look(outbox);
}

static void on_poll_time(void *self)
{
    struct outbox *outbox = self;
    outbox_send_forgotten(outbox);
    outbox_notice(outbox, 0);
    timer_start(outbox->poll_timer, OUTBOX_POLL_MS);
}

/* --- the ledger of sent ones --- */

static uint64_t trim_limit_utc_ms(const struct outbox *outbox)
{
    uint64_t now = loop_now_utc_ms(outbox->loop);
    return now > outbox->options.keep_sent_ms ? now - outbox->options.keep_sent_ms : 0;
}

static void on_trimmable(void *self, enum err err, const struct rows *rows)
{
    struct outbox *outbox = self;
    bool is_more = !err && rows_count(rows) > 0;
    if (!is_more) {
        timer_start(outbox->trim_timer, OUTBOX_POLL_MS);
        return;
    }
    struct change *change = change_new(outbox->store);
    change_add(change, &trim_sent, ROWS_ANY);
    change_bind_i64(change, (int64_t)trim_limit_utc_ms(outbox));
    change_bind_i64(change, TRIM_ROWS);
    change_submit(change, NULL, NULL);
    timer_start(outbox->trim_timer, TRIM_PAUSE_MS);
}

static void on_trim_time(void *self)
{
    struct outbox *outbox = self;
    struct value parameter = integer(trim_limit_utc_ms(outbox));
    struct query query = { .statement = &find_trimmable,
                           .parameters = &parameter,
                           .parameter_count = 1 };
    store_query(outbox->store, &query, on_trimmable, outbox);
}

void outbox_begin_paging(struct outbox *outbox)
{
    outbox->page_rows = PAGE_ROWS_MAX;
    outbox->missed_utc_ms = UINT64_MAX;
    outbox->is_behind = true; /* until the first page says otherwise */
    outbox->look_timer = timer_new(outbox->life, outbox->loop, on_look_time, outbox);
    outbox->poll_timer = timer_new(outbox->life, outbox->loop, on_poll_time, outbox);
    outbox->trim_timer = timer_new(outbox->life, outbox->loop, on_trim_time, outbox);
    timer_start(outbox->poll_timer, OUTBOX_POLL_MS);
    timer_start(outbox->trim_timer, OUTBOX_POLL_MS);
    outbox_look(outbox);
}
