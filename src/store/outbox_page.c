/* SPDX-License-Identifier: Apache-2.0 */
/* Reading what waits in the table, lane by lane and page by page, as far as the window has room.
 * Start reading at outbox_look(). */
#include "store/outbox_private.h"

enum { PAGE_ROWS_MAX = 200 };

/* Of a lane, and of what has none: said apart, since an index serves "= ?1" and "IS NULL" alone. */
#define PAGE_OF(lane)                                                                              \
    "SELECT id, kind, target, headers, body, attempts, created_utc_ms, due_utc_ms FROM outbox"     \
    " WHERE state = 1 AND lane " lane " AND (due_utc_ms, id) > (?1, ?2) AND due_utc_ms <= ?3"      \
    " ORDER BY due_utc_ms, id LIMIT ?4"
#define NEXT_DUE_OF(lane)                                                                          \
    "SELECT due_utc_ms FROM outbox WHERE state = 1 AND lane " lane " AND due_utc_ms > ?1"          \
    " ORDER BY due_utc_ms LIMIT 1"
static const struct statement page_of_lane = { PAGE_OF("= ?5") };
static const struct statement page_of_none = { PAGE_OF("IS NULL") };
static const struct statement next_due_of_lane = { NEXT_DUE_OF("= ?2") };
static const struct statement next_due_of_none = { NEXT_DUE_OF("IS NULL") };
/* From one lane to the next: as many steps as lanes, however many rows they have. Rows without a
 * lane have theirs from the start. */
static const struct statement find_lanes = {
    "WITH RECURSIVE found(lane) AS (SELECT min(lane) FROM outbox WHERE state = 1 UNION ALL"
    " SELECT (SELECT min(lane) FROM outbox WHERE state = 1 AND lane > found.lane) FROM found"
    " WHERE found.lane IS NOT NULL) SELECT lane FROM found WHERE lane IS NOT NULL"
};

static struct value integer(uint64_t number)
{
    return (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)number };
}

static struct value name_of(const struct outbox_lane *lane)
{
    if (lane->name.len == 0) return (struct value){ .kind = VALUE_NULL };
    return (struct value){ .kind = VALUE_TEXT, .text = lane->name };
}

uint32_t outbox_room(const struct outbox_lane *lane)
{
    const struct outbox *outbox = lane->outbox;
    uint32_t of_lane = outbox->options.lane_max, of_all = outbox->options.in_flight_max;
    uint32_t least = of_lane < OUTBOX_LANE_MIN ? of_lane : OUTBOX_LANE_MIN;
    of_lane = of_lane > lane->taken ? of_lane - lane->taken : 0;
    of_all = of_all > outbox->taken ? of_all - outbox->taken : 0;
    least = least > lane->taken ? least - lane->taken : 0;
    uint32_t room = of_lane < of_all ? of_lane : of_all;
    return room > least ? room : least;
}

static void see(struct outbox_lane *lane, uint64_t due_utc_ms, struct text id)
{
    lane->seen.due_utc_ms = due_utc_ms;
    buf_clear(&lane->seen.id);
    buf_add(&lane->seen.id, id);
}

static void look_at(struct outbox_lane *lane, uint64_t due_utc_ms)
{
    struct loop *loop = lane->outbox->loop;
    uint64_t now = loop_now_utc_ms(loop);
    uint64_t after_ms = due_utc_ms > now ? due_utc_ms - now : 0;
    if (after_ms >= OUTBOX_POLL_MS) return; /* the next poll is sooner */
    uint64_t at_mono_ms = loop_now_mono_ms(loop) + after_ms;
    if (timer_is_running(lane->look_timer) && lane->look_mono_ms <= at_mono_ms) return;
    lane->look_mono_ms = at_mono_ms;
    timer_start_at(lane->look_timer, at_mono_ms);
}

void outbox_notice(struct outbox_lane *lane, uint64_t due_utc_ms)
{
    if (lane->is_looking) { /* the page that is on its way may have been read before */
        if (due_utc_ms < lane->missed_utc_ms) lane->missed_utc_ms = due_utc_ms;
        return;
    }
    if (due_utc_ms <= lane->seen.due_utc_ms) see(lane, due_utc_ms, TEXT(""));
    look_at(lane, due_utc_ms);
}

/* --- lanes --- */

static void on_look_time(void *self)
{
    struct outbox_lane *lane = self;
    lane->is_behind = true;
    outbox_look(lane);
}

static struct outbox_lane *lane_new(struct outbox *outbox, struct text name)
{
    struct outbox_lane *lane = scope_alloc(outbox->life, sizeof *lane);
    *lane = (struct outbox_lane){
        .outbox = outbox,
        .name = scope_keep(outbox->life, name),
        .page_rows = PAGE_ROWS_MAX,
        .missed_utc_ms = UINT64_MAX,
        .is_behind = true, /* until the first page says otherwise */
        .look_timer = timer_new(outbox->life, outbox->loop, on_look_time, lane),
    };
    list_init(&lane->ended);
    table_put(outbox->lanes, lane->name, lane);
    outbox_look(lane);
    return lane;
}

struct outbox_lane *outbox_lane(struct outbox *outbox, struct text name)
{
    struct outbox_lane *lane = table_get(outbox->lanes, name.len ? name : TEXT(""));
    return lane ? lane : lane_new(outbox, name.len ? name : TEXT(""));
}

static void on_lanes(void *self, enum err err, const struct rows *rows)
{
    struct outbox *outbox = self;
    for (uint32_t row = 0; !err && row < rows_count(rows); row++)
        (void)outbox_lane(outbox, rows_text(rows, row, 0));
}

/* Lanes that only the table knows. */
static void find(struct outbox *outbox)
{
    struct query query = { .statement = &find_lanes };
    store_query(outbox->store, &query, on_lanes, outbox);
}

void outbox_notice_any(struct outbox *outbox, uint64_t due_utc_ms)
{
    struct outbox_lane *lane;
    for (size_t at = 0; (lane = table_next(outbox->lanes, &at)) != NULL;)
        outbox_notice(lane, due_utc_ms);
    find(outbox);
}

/* --- pages --- */

static void on_next_due(void *self, enum err err, const struct rows *rows)
{
    struct outbox_lane *lane = self;
    if (!err && rows_count(rows) == 1) look_at(lane, (uint64_t)rows_i64(rows, 0, 0));
}

static void ask_next_due(struct outbox_lane *lane)
{
    bool has_name = lane->name.len > 0;
    struct value parameters[] = { integer(lane->page_utc_ms), name_of(lane) };
    struct query query = { .statement = has_name ? &next_due_of_lane : &next_due_of_none,
                           .parameters = parameters,
                           .parameter_count = has_name ? 2 : 1 };
    store_query(lane->outbox->store, &query, on_next_due, lane);
}

static void send_page(struct outbox_lane *lane, const struct rows *rows)
{
    for (uint32_t row = 0; row < rows_count(rows); row++) {
        struct effect effect = {
            .id = rows_text(rows, row, 0),
            .kind = rows_text(rows, row, 1),
            .target = rows_text(rows, row, 2),
            .headers = rows_text(rows, row, 3),
            .body = rows_text(rows, row, 4),
            .lane = lane->name,
            .attempts = (uint32_t)rows_i64(rows, row, 5),
            .created_utc_ms = (uint64_t)rows_i64(rows, row, 6),
            .due_utc_ms = (uint64_t)rows_i64(rows, row, 7),
        };
        see(lane, effect.due_utc_ms, effect.id);
        outbox_send_row(lane, &effect);
    }
}

static void on_page_failed(struct outbox_lane *lane, enum err err)
{
    if (err == ERR_LIMIT && lane->page_rows > 1) lane->page_rows /= 2; /* large bodies */
    timer_start(lane->look_timer, OUTBOX_AGAIN_MS);
    lane->look_mono_ms = loop_now_mono_ms(lane->outbox->loop) + OUTBOX_AGAIN_MS;
}

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct outbox_lane *lane = self;
    uint32_t asked = lane->asked_rows;
    if (err) {
        lane->is_looking = false;
        outbox_end_ended(lane);
        on_page_failed(lane, err);
        return;
    }
    send_page(lane, rows);
    lane->is_looking = false;
    outbox_end_ended(lane);
    lane->is_behind = rows_count(rows) == asked;
    if (lane->page_rows < PAGE_ROWS_MAX) lane->page_rows++;
    if (lane->missed_utc_ms < UINT64_MAX) {
        uint64_t missed_utc_ms = lane->missed_utc_ms;
        lane->missed_utc_ms = UINT64_MAX;
        outbox_notice(lane, missed_utc_ms);
    }
    if (lane->is_behind)
        outbox_look(lane);
    else
        ask_next_due(lane);
}

static void ask_page(struct outbox_lane *lane, uint32_t rows)
{
    lane->is_looking = true;
    lane->asked_rows = rows;
    lane->page_utc_ms = loop_now_utc_ms(lane->outbox->loop);
    bool has_name = lane->name.len > 0;
    struct value parameters[] = {
        integer(lane->seen.due_utc_ms),
        { .kind = VALUE_TEXT, .text = buf_text(&lane->seen.id) },
        integer(lane->page_utc_ms),
        integer(rows),
        name_of(lane),
    };
    struct query query = { .statement = has_name ? &page_of_lane : &page_of_none,
                           .parameters = parameters,
                           .parameter_count = has_name ? 5 : 4 };
    store_query(lane->outbox->store, &query, on_page, lane);
}

/* Not for a handful of rows: a page costs a journey to the reader. */
void outbox_look(struct outbox_lane *lane)
{
    uint32_t room = outbox_room(lane);
    uint32_t rows = room < lane->page_rows ? room : lane->page_rows;
    if (!lane->is_behind || lane->is_looking || rows == 0) return;
    if (rows < lane->page_rows && room < (lane->taken + room) / 4) return;
    ask_page(lane, rows);
}

/* --- a clock that was set back --- */

static const struct statement pull_back = {
    "UPDATE outbox SET due_utc_ms = ?1 WHERE state = 1 AND due_utc_ms > ?2"
};

static void on_pulled_back(void *self, const struct change_result *result)
{
    struct outbox *outbox = self;
    outbox->is_clock_trusted = result->err == ERR_OK; /* else the next poll tries again */
    if (!result->err) outbox_notice_any(outbox, 0);
}

void outbox_watch_clock(struct outbox *outbox)
{
    uint64_t now = loop_now_utc_ms(outbox->loop), before = outbox->clock_utc_ms;
    outbox->clock_utc_ms = now;
    if (now + OUTBOX_CLOCK_STEP_MS < before) outbox->is_clock_trusted = false;
    if (outbox->is_clock_trusted || outbox->options.wait_max_ms == 0) return;
    outbox->is_clock_trusted = true; /* one change at a time */
    struct change *change = change_new(outbox->store);
    change_add(change, &pull_back, ROWS_ANY);
    change_bind_i64(change, (int64_t)now);
    change_bind_i64(change, (int64_t)(now + outbox->options.wait_max_ms));
    change_submit(change, on_pulled_back, outbox);
}

static void on_poll_time(void *self)
{
    struct outbox *outbox = self;
    outbox_send_forgotten(outbox);
    outbox_watch_clock(outbox);
    outbox_notice_any(outbox, 0);
    timer_start(outbox->poll_timer, OUTBOX_POLL_MS);
}

void outbox_begin_paging(struct outbox *outbox)
{
    outbox->clock_utc_ms = loop_now_utc_ms(outbox->loop);
    outbox->poll_timer = timer_new(outbox->life, outbox->loop, on_poll_time, outbox);
    timer_start(outbox->poll_timer, OUTBOX_POLL_MS);
    (void)outbox_lane(outbox, TEXT(""));
    find(outbox);
}

void outbox_end_paging(struct outbox *outbox)
{
    struct outbox_lane *lane;
    for (size_t at = 0; (lane = table_next(outbox->lanes, &at)) != NULL;) {
        store_forget(outbox->store, lane);
        buf_free(&lane->seen.id);
    }
}
