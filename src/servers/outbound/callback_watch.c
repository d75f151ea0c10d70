/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/callback_watch.h"

#include "gen/objects.h"
#include "servers/outbound/agent.h"
#include "servers/outbound/buffer.h"
#include "servers/outbound/callback.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/notifier.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/seat_keeper.h"
#include "servers/outbound/step.h"
#include "servers/outbound/treatment_book.h"

/* Who is there may change at any time: asked again after this. */
enum { LOOK_AGAIN_MS = 1000, PATIENCE_MS = 30000, LATE_MS = 60000 };

struct delivery {
    struct scope *life;
    struct session *session;
    struct text agent_id;
};

/* The chain is hers, durably: now the desktop may hear of it. */
static void on_delivered(void *self, struct chain_step *step)
{
    struct delivery *delivery = self;
    struct session *session = delivery->session;
    struct outbound *server = session->server;
    (void)table_remove(server->deliveries, delivery->agent_id);
    if (step->outcome.refusal.error == OUTBOUND_OK) {
        server->counters.records_previewed_total++;
        struct outbound_preview_record event = { 0 };
        preview_fill(server, delivery->life, step->live, &event);
        desktops_send(server, &MSG_OUTBOUND_SCHEDULED_CALL, &event);
    }
    scope_close(delivery->life);
    callback_watch_soon(session);
}

static void deliver(struct live_chain *live)
{
    struct session *session = live->session;
    struct outbound *server = session->server;
    if (!buffer_may_give_out(live)) return;
    if (!seat_keeper_take(server, live->reserved_for, session->dbid)) return;
    struct scope *life = scope_new(session->life, "call-back", SCOPE_NO_LIMIT);
    struct delivery *delivery = scope_alloc(life, sizeof *delivery);
    *delivery = (struct delivery){ life, session, scope_keep(life, live->reserved_for) };
    table_put(server->deliveries, delivery->agent_id, delivery);
    struct chain_request request = { .event = CHAIN_PICK,
                                     .record = live->chain.primary,
                                     .agent_id = delivery->agent_id,
                                     .attempt_guid = guid_new(loop_random(server->app->loop)) };
    session_step_chain(live, &request, (struct text){ 0 }, on_delivered, delivery);
}

static void end(struct live_chain *live, enum callback_verdict verdict)
{
    struct outbound *server = live->session->server;
    if (!buffer_may_give_out(live)) return; /* not its hour: the list waits for it */
    const struct record *primary = &live->chain.records[live->chain.primary];
    bool is_promise = record_i64(primary, COLUMN_RECORD_TYPE) != RECORD_TYPE_PERSONAL_RESCHEDULED;
    enum chain_event event = verdict == CALLBACK_MISS ? CHAIN_MISS : CHAIN_EXPIRE;
    struct chain_request request = {
        .event = is_promise ? event : CHAIN_RELEASE,
        .record = live->chain.primary,
        .attempt_guid = guid_new(loop_random(server->app->loop)),
        .treat = TREAT_AS_IS,
        .call_result = live->buffer_class == BUFFER_PERSONAL ? CALL_RESULT_AGENT_CALLBACK_ERROR
                                                             : CALL_RESULT_GROUP_CALLBACK_ERROR,
    };
    treatment_book_fill(server->treatments, live, &request);
    session_step_chain(live, &request, (struct text){ 0 }, step_forget, NULL);
}

/* --- who is there --- */

static bool somebody_has_a_desktop(const struct session *session)
{
    struct outbound *server = session->server;
    struct session_names names;
    if (!session_names(server, session->dbid, &names, NULL)) return false;
    const struct app_object *group =
        app_object_by_dbid(server->app, &OBJECT_AGENT_GROUP, names.group_dbid);
    if (group == NULL) return false;
    const struct object_agent_group *fields = (const struct object_agent_group *)group->fields;
    for (uint32_t i = 0; i < fields->agents.count; i++)
        if (desktop_is_present(server, fields->agents.at[i])) return true;
    return false;
}

/* Agents without a desktop are there while they work on records or ask for them. */
static bool somebody_is_there(struct session *session)
{
    bool is_there = session->in_progress_count > 0 || somebody_has_a_desktop(session);
    if (is_there) session->attended_utc_ms = loop_now_utc_ms(session->server->app->loop);
    return is_there;
}

static bool may_be_called(const struct session *session, struct text agent_id)
{
    return table_get(session->server->deliveries, agent_id) == NULL &&
           agent_may_be_called(session->server, agent_id) &&
           seat_keeper_has_room(session->server, agent_id);
}

/* --- looking --- */

struct look {
    struct session *session;
    uint64_t now_utc_ms, again_utc_ms;
    bool is_group_there;
};

static void look_at(struct look *look, struct live_chain *live)
{
    struct session *session = look->session;
    const struct record *primary = &live->chain.records[live->chain.primary];
    bool is_personal = live->buffer_class == BUFFER_PERSONAL;
    uint64_t due_utc_ms = live->chain.is_held
                              ? live->chain.due_utc_ms
                              : (uint64_t)record_i64(primary, COLUMN_DIAL_SCHED_TIME) * 1000;
    if (due_utc_ms == 0) due_utc_ms = live->taken_utc_ms;
    uint64_t attended = is_personal || session->attended_utc_ms < session->started_utc_ms
                            ? session->started_utc_ms
                            : session->attended_utc_ms;
    /* Its hours had not begun when it was due: nobody could take it. */
    uint64_t soon_after_start = session->server->serving_since_utc_ms + LATE_MS;
    if (live->taken_utc_ms > due_utc_ms + LATE_MS && live->taken_utc_ms > soon_after_start &&
        live->taken_utc_ms > attended)
        attended = live->taken_utc_ms;
    uint64_t wait_ms = (uint64_t)session->options->callback_wait * 1000;
    struct callback_facts facts = {
        .is_personal = is_personal,
        .is_there = is_personal ? may_be_called(session, live->reserved_for) : look->is_group_there,
        .due_utc_ms = due_utc_ms,
        .since_utc_ms = attended,
        .patient_until_utc_ms = session->server->serving_since_utc_ms +
                                (wait_ms < PATIENCE_MS ? wait_ms : PATIENCE_MS),
        .wait_ms = wait_ms,
        .now_utc_ms = look->now_utc_ms,
    };
    uint64_t again_utc_ms;
    enum callback_verdict verdict = callback_decide(&facts, &again_utc_ms);
    if (verdict == CALLBACK_DELIVER)
        deliver(live);
    else if (verdict != CALLBACK_WAIT)
        end(live, verdict);
    else if (again_utc_ms < look->again_utc_ms)
        look->again_utc_ms = again_utc_ms;
}

static uint64_t not_after(uint64_t utc_ms, uint64_t now_utc_ms)
{
    return utc_ms < now_utc_ms ? utc_ms : now_utc_ms;
}

/* After a clock that was set back: what was, was not later than now. */
static void bear_set_back(struct session *session, uint64_t now_utc_ms)
{
    struct outbound *server = session->server;
    session->attended_utc_ms = not_after(session->attended_utc_ms, now_utc_ms);
    session->started_utc_ms = not_after(session->started_utc_ms, now_utc_ms);
    server->serving_since_utc_ms = not_after(server->serving_since_utc_ms, now_utc_ms);
}

static void look(void *self)
{
    struct session *session = self;
    struct outbound *server = session->server;
    if (session->fsm.state != SESSION_STARTED || server->is_suspended) return;
    if (server->serving_since_utc_ms == 0) return; /* what was in progress comes first */
    static const enum buffer_class classes[] = { BUFFER_PERSONAL, BUFFER_CALLBACK };
    /* Where no new work may begin they stay as they are, however long it takes. */
    bool is_any = false, is_held_back = notifier_holds_back(session) != NULL;
    struct look one = { session, loop_now_utc_ms(server->app->loop), .again_utc_ms = UINT64_MAX };
    bear_set_back(session, one.now_utc_ms);
    for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
        struct list *ring = &session->buffered[classes[i]];
        if (classes[i] == BUFFER_CALLBACK && !list_is_empty(ring))
            one.is_group_there = somebody_is_there(session);
        for (struct list *node = ring->next, *next; node != ring; node = next) {
            next = node->next;
            struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
            is_any = true;
            live->taken_utc_ms = not_after(live->taken_utc_ms, one.now_utc_ms);
            if (!live->is_busy && !is_held_back) look_at(&one, live);
        }
    }
    if (!is_any) return;
    uint64_t left_ms = one.again_utc_ms > one.now_utc_ms ? one.again_utc_ms - one.now_utc_ms : 0;
    timer_start(session->callback_timer, left_ms < LOOK_AGAIN_MS ? left_ms : LOOK_AGAIN_MS);
}

void callback_watch_open(struct session *session)
{
    session->callback_timer = timer_new(session->life, session->server->app->loop, look, session);
}

void callback_watch_soon(struct session *session)
{
    /* A store that refuses is not asked again at once. */
    timer_start(session->callback_timer, session->is_store_failing ? LOOK_AGAIN_MS : 0);
}
