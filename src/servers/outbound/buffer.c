/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/buffer.h"

#include "servers/outbound/callback_watch.h"
#include "servers/outbound/ending.h"

#include "servers/outbound/session.h"

enum { MINUTE_MS = 60000, SLEEP_MAX_MS = 60000, CLOCK_STEP_MS = 2000 };

/* --- where a chain waits --- */

static struct live_chain *live_of(struct due *due)
{
    return (struct live_chain *)(void *)((char *)due - offsetof(struct live_chain, due));
}

static enum buffer_class class_of(const struct live_chain *live)
{
    const struct record *primary = &live->chain.records[live->chain.primary];
    int64_t type = record_i64(primary, COLUMN_RECORD_TYPE);
    if (type == RECORD_TYPE_PERSONAL_CALLBACK || type == RECORD_TYPE_PERSONAL_RESCHEDULED)
        return BUFFER_PERSONAL;
    if (type == RECORD_TYPE_CAMPAIGN_CALLBACK) return BUFFER_CALLBACK;
    return live->chain.is_held || type == RECORD_TYPE_CAMPAIGN_RESCHEDULED ? BUFFER_RESCHEDULED
                                                                           : BUFFER_GENERAL;
}

static void add_ready(struct live_chain *live)
{
    struct session *session = live->session;
    live->buffer_class = class_of(live);
    list_add_last(&session->buffered[live->buffer_class], &live->node);
    session->buffered_count++;
    session->reserved_count += live->buffer_class == BUFFER_PERSONAL;
}

static void shift_put_off(struct session *session, uint64_t back_ms)
{
    static const struct statement shift = {
        "UPDATE held_chain SET due_utc_ms = due_utc_ms - ?1 WHERE group_dbid = ?2"
    };
    for (uint32_t i = 0; i < session->put_off.count; i++) { /* their order stays */
        struct due *due = session->put_off.at[i];
        due->utc_ms -= back_ms;
        live_of(due)->chain.due_utc_ms = due->utc_ms;
    }
    struct change *change = change_new(session->server->store);
    change_add(change, &shift, ROWS_ANY);
    change_bind_i64(change, (int64_t)back_ms);
    change_bind_i64(change, session->dbid);
    change_submit(change, NULL, NULL);
}

/* A clock that is set back makes nobody's interval longer; one that is set forward shows that time
 * has passed, while the machine slept perhaps. */
static void watch_clock(struct session *session)
{
    uint64_t utc_ms = loop_now_utc_ms(session->server->app->loop);
    uint64_t mono_ms = loop_now_mono_ms(session->server->app->loop);
    uint64_t expected_ms = session->put_off_utc_ms + (mono_ms - session->put_off_mono_ms);
    if (session->put_off.count && utc_ms + CLOCK_STEP_MS < expected_ms)
        shift_put_off(session, expected_ms - utc_ms);
    session->put_off_utc_ms = utc_ms;
    session->put_off_mono_ms = mono_ms;
}

/* The wall clock may be set while we sleep: never for long. */
static void sleep_until_due(struct session *session)
{
    const struct due *first = due_first(&session->put_off);
    if (first == NULL) return;
    uint64_t now_utc_ms = loop_now_utc_ms(session->server->app->loop);
    uint64_t left_ms = first->utc_ms > now_utc_ms ? first->utc_ms - now_utc_ms : 0;
    timer_start(session->due_timer, left_ms < SLEEP_MAX_MS ? left_ms : SLEEP_MAX_MS);
}

static void wake_due(void *self)
{
    struct session *session = self;
    watch_clock(session);
    uint64_t now_utc_ms = loop_now_utc_ms(session->server->app->loop);
    for (struct due *due; (due = due_first(&session->put_off)) && due->utc_ms <= now_utc_ms;) {
        due_remove(&session->put_off, due);
        add_ready(live_of(due));
    }
    sleep_until_due(session);
    callback_watch_soon(session);
}

static void free_put_off(void *self)
{
    struct session *session = self;
    due_free(&session->put_off);
}

void buffer_open(struct session *session)
{
    for (int i = 0; i < BUFFER_CLASSES; i++) list_init(&session->buffered[i]);
    session->due_timer = timer_new(session->life, session->server->app->loop, wake_due, session);
    scope_on_close(session->life, free_put_off, session);
    callback_watch_open(session);
}

void buffer_add(struct live_chain *live)
{
    struct session *session = live->session;
    live->reserved_for = chain_reserved_for(&live->chain);
    uint64_t now_utc_ms = loop_now_utc_ms(session->server->app->loop);
    if (live->chain.is_held && live->chain.due_utc_ms > now_utc_ms) {
        watch_clock(session); /* the others' times are older than this one's */
        live->due.utc_ms = live->chain.due_utc_ms;
        due_add(&session->put_off, &live->due);
        if (due_first(&session->put_off) == &live->due) sleep_until_due(session);
        return;
    }
    add_ready(live);
    if (live->buffer_class <= BUFFER_CALLBACK) callback_watch_soon(session);
}

void buffer_remove(struct live_chain *live)
{
    struct session *session = live->session;
    if (live->due.place) {
        due_remove(&session->put_off, &live->due);
        return;
    }
    if (!list_is_linked(&live->node)) return;
    list_remove(&live->node);
    session->buffered_count--;
    session->reserved_count -= live->buffer_class == BUFFER_PERSONAL;
}

void session_add_buffered(struct session *session, struct live_chain *live)
{
    buffer_add(live);
    struct list *hungry = list_first(&session->hungry);
    if (hungry == NULL) return;
    list_remove(hungry);
    request_run(LIST_OBJECT(hungry, struct request, node));
}

/* --- giving out --- */

static void withdraw(struct live_chain *live)
{
    struct chain_request request = { .event = CHAIN_WITHDRAW, .record = live->chain.primary };
    session_step_chain(live, &request, (struct text){ 0 }, step_forget, NULL);
}

static void count_given_out(struct session *session)
{
    uint64_t now_ms = loop_now_mono_ms(session->server->app->loop);
    if (now_ms - session->minute_began_ms >= MINUTE_MS) {
        session->given_out_before =
            now_ms - session->minute_began_ms < 2 * MINUTE_MS ? session->given_out_now : 0;
        session->given_out_now = 0;
        session->minute_began_ms = now_ms;
    }
    session->given_out_now++;
}

bool buffer_may_give_out(struct live_chain *live)
{
    struct outbound *server = live->session->server;
    struct calling_list *list = lists_find_by_dbid(server->lists, live->list_dbid, NULL);
    const struct record *primary = &live->chain.records[live->chain.primary];
    if (list == NULL || !list_is_in_window(list, primary, loop_now_utc_ms(server->app->loop))) {
        withdraw(live);
        return false;
    }
    return !ending_block_waiting(live, list);
}

static struct live_chain *take_first(struct session *session, enum buffer_class class,
                                     uint32_t list_dbid, struct text reserved_for)
{
    struct list *ring = &session->buffered[class];
    for (struct list *node = ring->next, *next; node != ring; node = next) {
        next = node->next;
        struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        if (live->is_busy || (list_dbid && live->list_dbid != list_dbid)) continue;
        if (!text_eq(live->reserved_for, reserved_for)) continue;
        if (!buffer_may_give_out(live)) continue;
        buffer_remove(live);
        count_given_out(session);
        return live;
    }
    return NULL;
}

static uint32_t priority_of(const struct session *session, enum buffer_class class)
{
    const struct outbound_options *options = session->server->app->options;
    if (session->priorities[class]) return session->priorities[class];
    switch (class) {
    case BUFFER_CALLBACK: return options->default_campaigncallback_priority;
    case BUFFER_RESCHEDULED: return options->default_campaignrescheduled_priority;
    default: return options->default_general_priority;
    }
}

void session_order_classes(const struct session *session, enum buffer_class out[BUFFER_CLASSES])
{
    out[0] = BUFFER_PERSONAL;
    for (int i = 1; i < BUFFER_CLASSES; i++) {
        int place = i;
        uint32_t priority = priority_of(session, (enum buffer_class)i);
        for (; place > 1 && priority_of(session, out[place - 1]) < priority; place--)
            out[place] = out[place - 1];
        out[place] = (enum buffer_class)i;
    }
}

struct live_chain *session_take(struct session *session, uint32_t list_dbid, struct text agent_id)
{
    enum buffer_class classes[BUFFER_CLASSES];
    session_order_classes(session, classes);
    session->attended_utc_ms = loop_now_utc_ms(session->server->app->loop);
    struct live_chain *live = NULL;
    for (int i = 0; live == NULL && i < BUFFER_CLASSES; i++)
        live = take_first(session, classes[i], list_dbid,
                          classes[i] == BUFFER_PERSONAL ? agent_id : (struct text){ 0 });
    return live;
}

/* --- giving back --- */

/* Spec 3.2: another filter sends buffered records back to the table; so does a list that has gone.
 */
static bool is_still_chosen(const struct session *session, const struct live_chain *live)
{
    const struct calling_list *list =
        lists_find_by_dbid(session->server->lists, live->list_dbid, NULL);
    if (list == NULL || list->select != live->select) return false;
    for (uint32_t i = 0; i < session->list_count; i++)
        if (session->lists[i].dbid == live->list_dbid) return true;
    return false;
}

static void withdraw_ready(struct session *session, bool is_unchosen_only)
{
    for (int i = 0; i < BUFFER_CLASSES; i++)
        for (struct list *node = session->buffered[i].next, *next; node != &session->buffered[i];
             node = next) {
            next = node->next;
            struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
            if (!live->is_busy && !(is_unchosen_only && is_still_chosen(session, live)))
                withdraw(live);
        }
}

static void withdraw_put_off(struct session *session, bool is_unchosen_only)
{
    uint32_t count = session->put_off.count;
    if (count == 0) return;
    /* The heap moves as they leave it. */
    struct scope *scratch = scope_new(session->life, "chains put off", SCOPE_NO_LIMIT);
    struct live_chain **all = scope_alloc_array(scratch, count, sizeof *all);
    for (uint32_t i = 0; i < count; i++) all[i] = live_of(session->put_off.at[i]);
    for (uint32_t i = 0; i < count; i++)
        if (!(is_unchosen_only && is_still_chosen(session, all[i]))) withdraw(all[i]);
    scope_close(scratch);
}

void session_drop_unchosen(struct session *session)
{
    withdraw_ready(session, true);
    withdraw_put_off(session, true);
}

void session_return_ready(struct session *session)
{
    withdraw_ready(session, false);
}

void session_return_buffer(struct session *session)
{
    withdraw_ready(session, false);
    withdraw_put_off(session, false);
}
