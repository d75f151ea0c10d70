/* SPDX-License-Identifier: Apache-2.0 */
#include "store/outbox_private.h"

#include "store/store_private.h"

#include <stdlib.h>
#include <string.h>

enum { IN_FLIGHT_USUAL = 1000, ROWS_USUAL = 1000000, WORDS_BYTES_MAX = 500, KEEP_FAILED_DAYS = 30 };
#define DAY_MS ((uint64_t)24 * 60 * 60 * 1000)

static const struct statement insert_effect = {
    "INSERT INTO outbox (id, kind, target, headers, body, attempts, created_utc_ms, due_utc_ms,"
    " lane, subject, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1)"
};
static const struct statement mark_sent = {
    "UPDATE outbox SET state = 2, attempts = attempts + 1, words = ?2, sent_utc_ms = ?3"
    " WHERE id = ?1 AND state = 1"
};
static const struct statement mark_retry = {
    "UPDATE outbox SET attempts = attempts + 1, words = ?2, due_utc_ms = ?3"
    " WHERE id = ?1 AND state = 1"
};
static const struct statement mark_failed = {
    "UPDATE outbox SET state = 3, attempts = attempts + 1, words = ?2, sent_utc_ms = ?3"
    " WHERE id = ?1 AND state = 1"
};
static const struct statement replay_ended = {
    "UPDATE outbox SET state = 1, attempts = 0, due_utc_ms = ?2, sent_utc_ms = NULL"
    " WHERE id = ?1 AND state IN (2, 3)"
};
static const struct statement count_waiting = { "SELECT count(*) FROM outbox WHERE state = 1" };

static uint64_t now_utc_ms(const struct outbox *outbox)
{
    return loop_now_utc_ms(outbox->loop);
}

/* --- sendings --- */

static uint64_t retry_utc_ms(const struct sending *sending)
{
    uint64_t mono_ms = loop_now_mono_ms(sending->outbox->loop);
    uint64_t left_ms = sending->retry_mono_ms > mono_ms ? sending->retry_mono_ms - mono_ms : 0;
    return now_utc_ms(sending->outbox) + left_ms;
}

static struct text put(char **at, struct text text)
{
    if (text.at) memcpy(*at, text.at, text.len);
    struct text copy = { *at, text.len };
    *at += text.len;
    return copy;
}

/* Without the body only the id is kept. */
static void keep_effect(struct sending *sending, const struct effect *effect, bool has_body)
{
    char *at = sending->bytes;
    sending->effect = *effect;
    sending->effect.id = put(&at, effect->id);
    sending->has_body = has_body;
    if (!has_body) return;
    sending->effect.kind = put(&at, effect->kind);
    sending->effect.target = put(&at, effect->target);
    sending->effect.headers = put(&at, effect->headers);
    sending->effect.body = put(&at, effect->body);
}

static struct sending *sending_new(struct outbox_lane *lane, const struct effect *effect,
                                   bool has_body, enum sending_state state)
{
    struct outbox *outbox = lane->outbox;
    size_t bytes = effect->id.len;
    if (has_body)
        bytes += effect->kind.len + effect->target.len + effect->headers.len + effect->body.len;
    struct sending *sending = calloc(1, sizeof *sending + bytes);
    ASSERT(sending != NULL);
    sending->outbox = outbox;
    sending->lane = lane;
    sending->state = state;
    keep_effect(sending, effect, has_body);
    list_add_last(&outbox->sendings, &sending->all);
    return sending;
}

static void take_place(struct sending *sending)
{
    sending->is_taken = true;
    sending->lane->taken++;
    sending->outbox->taken++;
}

static void give_place(struct sending *sending)
{
    if (!sending->is_taken) return;
    sending->is_taken = false;
    sending->lane->taken--;
    sending->outbox->taken--;
}

static void sending_free(struct sending *sending)
{
    give_place(sending);
    list_remove(&sending->all);
    list_remove(&sending->node);
    free(sending->words);
    free(sending);
}

static void hook_change(struct sending *sending, struct change *change,
                        void (*ended)(struct change_hook *hook, enum err err))
{
    sending->hook = (struct change_hook){ .ended = ended, .owner = sending->outbox };
    change_on_end(change, &sending->hook);
}

static struct sending *of_hook(struct change_hook *hook)
{
    return (struct sending *)(void *)((char *)hook - offsetof(struct sending, hook));
}

/* --- adding --- */

static void on_added(struct change_hook *hook, enum err err)
{
    struct sending *sending = of_hook(hook);
    struct outbox *outbox = sending->outbox;
    struct outbox_lane *lane = sending->lane;
    outbox->added_count--;
    if (err) {
        sending_free(sending);
        outbox_look(lane); /* there may be room again */
        return;
    }
    outbox->counters.waiting_now++;
    /* Straight into the window, except where older rows wait their turn in the table. */
    bool is_due = sending->effect.due_utc_ms <= now_utc_ms(outbox);
    if (sending->has_body && is_due && !lane->is_behind) {
        sending->state = SENDING_COMMITTED;
        table_put(outbox->window, sending->effect.id, sending);
        return;
    }
    uint64_t due_utc_ms = sending->effect.due_utc_ms;
    sending_free(sending);
    outbox_notice(lane, due_utc_ms);
    outbox_look(lane);
}

static void bind_or_null(struct change *change, struct text text)
{
    if (text.len)
        change_bind_text(change, text);
    else
        change_bind_null(change);
}

void outbox_add(struct outbox *outbox, struct change *change, const struct effect *effect)
{
    change_add(change, &insert_effect, 1);
    change_bind_text(change, effect->id);
    change_bind_text(change, effect->kind.at ? effect->kind : TEXT(""));
    change_bind_text(change, effect->target.at ? effect->target : TEXT(""));
    change_bind_text(change, effect->headers.at ? effect->headers : TEXT(""));
    change_bind_bytes(change, effect->body.at ? effect->body : TEXT(""));
    change_bind_i64(change, effect->attempts);
    change_bind_i64(change, (int64_t)effect->created_utc_ms);
    change_bind_i64(change, (int64_t)effect->due_utc_ms);
    bind_or_null(change, effect->lane);
    bind_or_null(change, effect->subject);
    struct outbox_lane *lane = outbox_lane(outbox, effect->lane);
    bool has_body = !lane->is_behind && outbox_room(lane) > 0;
    struct sending *sending = sending_new(lane, effect, has_body, SENDING_ADDED);
    outbox->added_count++;
    if (has_body) take_place(sending);
    hook_change(sending, change, on_added);
}

static void make_ready(struct sending *sending)
{
    struct outbox *outbox = sending->outbox;
    sending->state = SENDING_READY;
    list_add_last(&outbox->ready, &sending->node);
    chore_soon(outbox->loop, &outbox->send_ready);
}

void outbox_committed(struct outbox *outbox, struct text id)
{
    struct sending *sending = table_get(outbox->window, id);
    if (sending && sending->state == SENDING_COMMITTED) make_ready(sending);
}

void outbox_send_forgotten(struct outbox *outbox)
{
    LIST_EACH (node, &outbox->sendings) {
        struct sending *sending = LIST_OBJECT(node, struct sending, all);
        if (sending->state == SENDING_COMMITTED) make_ready(sending);
    }
}

/* --- sending --- */

static void on_send_ready(void *self)
{
    struct outbox *outbox = self;
    struct list *node;
    while ((node = list_first(&outbox->ready)) != NULL) {
        struct sending *sending = LIST_OBJECT(node, struct sending, node);
        list_remove(node);
        sending->state = SENDING_SENT_OUT;
        struct effect effect = sending->effect;
        outbox->handler->send(outbox->self, outbox, &effect);
    }
}

void outbox_send_row(struct outbox_lane *lane, const struct effect *effect)
{
    struct outbox *outbox = lane->outbox;
    if (table_get(outbox->window, effect->id)) return; /* seen a second time: `seen` went back */
    struct sending *sending = sending_new(lane, effect, false, SENDING_SENT_OUT);
    take_place(sending);
    table_put(outbox->window, sending->effect.id, sending);
    outbox->handler->send(outbox->self, outbox, effect);
}

/* --- how it ended --- */

static void count_end(struct outbox *outbox, enum effect_verdict verdict)
{
    if (verdict == EFFECT_RETRY) {
        outbox->counters.retried++;
        return;
    }
    if (verdict == EFFECT_SENT)
        outbox->counters.sent++;
    else
        outbox->counters.failed++;
    if (outbox->counters.waiting_now) outbox->counters.waiting_now--;
}

/* Its end is on disk: it leaves the window. */
static void end_sending(struct sending *sending)
{
    struct outbox *outbox = sending->outbox;
    struct outbox_lane *lane = sending->lane;
    enum effect_verdict verdict = sending->verdict;
    uint64_t again_utc_ms = retry_utc_ms(sending);
    (void)table_remove(outbox->window, sending->effect.id);
    sending_free(sending);
    count_end(outbox, verdict);
    if (verdict == EFFECT_RETRY) outbox_notice(lane, again_utc_ms);
}

void outbox_end_ended(struct outbox_lane *lane)
{
    struct list *next;
    for (struct list *node = lane->ended.next; node != &lane->ended; node = next) {
        next = node->next;
        end_sending(LIST_OBJECT(node, struct sending, node));
    }
}

static struct outbox_marking *marking_of(struct change_hook *hook)
{
    return (struct outbox_marking *)(void *)((char *)hook - offsetof(struct outbox_marking, hook));
}

static void marking_free(struct outbox_marking *marking)
{
    list_remove(&marking->node);
    free(marking);
}

/* Kept in the window, so that they are not sent again, and marked later. */
static void mark_later(struct outbox_marking *marking, enum err err)
{
    struct outbox *outbox = marking->outbox;
    log_debug(&outbox->log, "outbox: ends of effects are not on disk: %s", err_words(err));
    LIST_EACH (node, &marking->sendings) outbox->unmarked_count++;
    ring_append(&outbox->unmarked, &marking->sendings);
    outbox->is_mark_failing = true;
    timer_start(outbox->mark_timer, OUTBOX_AGAIN_MS);
}

static void on_marked(struct change_hook *hook, enum err err)
{
    struct outbox_marking *marking = marking_of(hook);
    struct outbox *outbox = marking->outbox;
    struct outbox_lane *lane;
    struct list *node;
    if (err) {
        mark_later(marking, err);
        marking_free(marking);
        return;
    }
    outbox->is_mark_failing = false;
    while ((node = list_first(&marking->sendings)) != NULL) {
        struct sending *sending = LIST_OBJECT(node, struct sending, node);
        list_remove(node);
        list_add_last(&sending->lane->ended, node);
    }
    marking_free(marking);
    for (size_t at = 0; (lane = table_next(outbox->lanes, &at)) != NULL;) {
        if (list_is_empty(&lane->ended)) continue;
        if (lane->is_looking) continue; /* the page on its way may still show them as waiting */
        outbox_end_ended(lane);
        outbox_look(lane);
    }
}

static void add_mark(struct change *change, const struct sending *sending, uint64_t now)
{
    static const struct statement *const marks[] = {
        [EFFECT_SENT] = &mark_sent, [EFFECT_RETRY] = &mark_retry, [EFFECT_FAILED] = &mark_failed
    };
    bool is_retry = sending->verdict == EFFECT_RETRY;
    change_add(change, marks[sending->verdict], ROWS_ANY);
    change_bind_text(change, sending->effect.id);
    change_bind_text(change, text_of(sending->words));
    change_bind_i64(change, (int64_t)(is_retry ? retry_utc_ms(sending) : now));
}

static void mark(struct outbox *outbox)
{
    struct outbox_marking *marking = calloc(1, sizeof *marking);
    ASSERT(marking != NULL);
    *marking = (struct outbox_marking){ .outbox = outbox,
                                        .hook = { .ended = on_marked, .owner = outbox } };
    list_init(&marking->sendings);
    list_add_last(&outbox->markings, &marking->node);
    struct change *change = change_new(outbox->store);
    uint64_t now = now_utc_ms(outbox);
    struct list *node;
    for (uint32_t count = 0;
         count < OUTBOX_MARKS_MAX && (node = list_first(&outbox->unmarked)) != NULL; count++) {
        list_remove(node);
        list_add_last(&marking->sendings, node);
        add_mark(change, LIST_OBJECT(node, struct sending, node), now);
        outbox->unmarked_count--;
    }
    change_on_end(change, &marking->hook);
    change_submit(change, NULL, NULL);
}

static void on_mark_time(void *self)
{
    outbox_flush(self);
}

void outbox_flush(struct outbox *outbox)
{
    timer_stop(outbox->mark_timer);
    while (outbox->unmarked_count > 0) mark(outbox);
}

/* Nobody waits for a mark but the place in the window; a change for many costs a fraction. */
static void want_mark(struct sending *sending)
{
    struct outbox *outbox = sending->outbox;
    list_add_last(&outbox->unmarked, &sending->node);
    if (++outbox->unmarked_count >= OUTBOX_MARKS_MAX && !outbox->is_mark_failing)
        outbox_flush(outbox);
    else if (!timer_is_running(outbox->mark_timer))
        timer_start(outbox->mark_timer, OUTBOX_MARK_MS);
}

void outbox_done(struct outbox *outbox, struct text id, enum effect_verdict verdict,
                 uint64_t retry_in_ms, struct text words)
{
    struct sending *sending = table_get(outbox->window, id);
    if (sending == NULL || sending->state != SENDING_SENT_OUT) return; /* told twice */
    struct text kept = text_slice(words, 0, WORDS_BYTES_MAX);
    outbox_watch_clock(outbox);
    sending->state = SENDING_ENDED;
    sending->verdict = verdict;
    sending->retry_mono_ms = loop_now_mono_ms(outbox->loop) + retry_in_ms;
    sending->words = strndup(kept.at ? kept.at : "", kept.len);
    ASSERT(sending->words != NULL);
    want_mark(sending);
}

/* --- replay --- */

struct replay {
    struct list node; /* outbox.replays */
    struct outbox *outbox;
    uint32_t count;
    uint64_t due_utc_ms;
    void (*on_replayed)(void *self, enum err err);
    void *self;
};

static void replay_free(struct replay *replay)
{
    list_remove(&replay->node);
    free(replay);
}

static void on_replayed(void *self, const struct change_result *result)
{
    struct replay told = *(struct replay *)self;
    replay_free(self);
    if (!result->err) {
        told.outbox->counters.waiting_now += told.count;
        outbox_notice_any(told.outbox, told.due_utc_ms);
    }
    if (told.on_replayed) told.on_replayed(told.self, result->err);
}

void outbox_replay(struct outbox *outbox, const struct text *ids, uint32_t count,
                   void (*on_end)(void *self, enum err err), void *self)
{
    ASSERT(count <= OUTBOX_REPLAY_MAX);
    struct replay *replay = calloc(1, sizeof *replay);
    ASSERT(replay != NULL);
    *replay = (struct replay){ .outbox = outbox,
                               .count = count,
                               .due_utc_ms = now_utc_ms(outbox),
                               .on_replayed = on_end,
                               .self = self };
    list_add_last(&outbox->replays, &replay->node);
    struct change *change = change_new(outbox->store);
    for (uint32_t i = 0; i < count; i++) {
        change_add(change, &replay_ended, 1);
        change_bind_text(change, ids[i]);
        change_bind_i64(change, (int64_t)replay->due_utc_ms);
    }
    change_submit(change, on_replayed, replay);
}

/* --- life --- */

bool outbox_is_full(const struct outbox *outbox)
{
    return outbox->counters.waiting_now + outbox->added_count >= outbox->options.rows_max;
}

struct outbox_counters outbox_counters(const struct outbox *outbox)
{
    struct outbox_counters counters = outbox->counters;
    counters.in_flight_now = table_count(outbox->window);
    return counters;
}

static void outbox_close(void *self)
{
    struct outbox *outbox = self;
    struct list *next;
    store_forget(outbox->store, outbox);
    chore_cancel(&outbox->send_ready);
    for (struct list *node = outbox->replays.next; node != &outbox->replays; node = next) {
        next = node->next;
        store_forget(outbox->store, LIST_OBJECT(node, struct replay, node));
        replay_free(LIST_OBJECT(node, struct replay, node));
    }
    for (struct list *node = outbox->sendings.next; node != &outbox->sendings; node = next) {
        next = node->next;
        sending_free(LIST_OBJECT(node, struct sending, all));
    }
    /* After their sendings, which hang on them. */
    for (struct list *node = outbox->markings.next; node != &outbox->markings; node = next) {
        next = node->next;
        marking_free(LIST_OBJECT(node, struct outbox_marking, node));
    }
    outbox_end_paging(outbox);
}

static void on_count(void *self, enum err err, const struct rows *rows)
{
    struct outbox *outbox = self;
    if (err)
        log_debug(&outbox->log, "outbox: waiting rows cannot be counted: %s", err_words(err));
    else
        outbox->counters.waiting_now = (uint64_t)rows_i64(rows, 0, 0);
}

static struct outbox_options filled_in(const struct outbox_options *options)
{
    struct outbox_options filled = options ? *options : (struct outbox_options){ 0 };
    if (filled.in_flight_max == 0) filled.in_flight_max = IN_FLIGHT_USUAL;
    if (filled.rows_max == 0) filled.rows_max = ROWS_USUAL;
    if (filled.lane_max == 0 || filled.lane_max > filled.in_flight_max)
        filled.lane_max = filled.in_flight_max;
    if (filled.keep_sent_ms == 0) filled.keep_sent_ms = DAY_MS;
    if (filled.keep_failed_ms == 0) filled.keep_failed_ms = KEEP_FAILED_DAYS * DAY_MS;
    return filled;
}

struct outbox *outbox_open(struct scope *owner, struct store *store, const struct log *log,
                           const struct outbox_options *options,
                           const struct outbox_handler *handler, void *self)
{
    struct scope *life = scope_new(owner, "outbox", SCOPE_NO_LIMIT); /* dies before the store's */
    struct outbox *outbox = scope_alloc(life, sizeof *outbox);
    *outbox = (struct outbox){
        .life = life,
        .store = store,
        .loop = store->loop,
        .log = log ? *log : (struct log){ 0 },
        .options = filled_in(options),
        .handler = handler,
        .self = self,
        .window = table_new(life),
        .lanes = table_new(life),
        .send_ready = { .run = on_send_ready, .self = outbox },
        .mark_timer = timer_new(life, store->loop, on_mark_time, outbox),
    };
    list_init(&outbox->sendings);
    list_init(&outbox->ready);
    list_init(&outbox->unmarked);
    list_init(&outbox->markings);
    list_init(&outbox->replays);
    struct query query = { .statement = &count_waiting };
    (void)store_query_now(store, &query, on_count, outbox);
    outbox_begin_paging(outbox);
    outbox_begin_trimming(outbox);
    scope_on_close(life, outbox_close, outbox);
    return outbox;
}
