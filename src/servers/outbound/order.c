/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to a campaign group (spec outbound 5.1): one at a time, decided by campaign.c, stored,
 * then carried out and answered. */
#include "fault.h"
#include "gen/events.h"
#include "servers/outbound/callback_watch.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/group_state.h"
#include "servers/outbound/idempotency.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/request_log.h"
#include "servers/outbound/seat_keeper.h"
#include "servers/outbound/session.h"

#include <string.h>

struct order {
    struct scope *life;
    struct session *session;
    struct request *request; /* NULL: our own */
    struct session_outcome outcome;
    struct guid guid, message_guid; /* of the session; of what is told about it */
    enum session_event event;
    uint32_t priorities[BUFFER_CLASSES]; /* afterwards */
    uint64_t started_utc_ms;             /* afterwards */
    uint32_t lists_opening;
    struct fault fault; /* of a list that cannot be opened */
};

/* One that waits: the request runs again from its beginning. */
static void next_order(struct session *session, bool has_failed)
{
    session->is_ordering = false;
    /* One that is refused before it becomes an order leaves the place to the next. */
    for (struct list *node; !session->is_ordering && (node = list_first(&session->orders));) {
        list_remove(node);
        request_run(LIST_OBJECT(node, struct request, node));
    }
    if (session->is_ordering) return;
    if (has_failed)
        session_unload_later(session);
    else if (session->fsm.state == SESSION_UNLOADING)
        session_order(session, SESSION_DRAINED, NULL, NULL);
}

static struct outbound_campaign_group_acknowledge acknowledgement(const struct order *order)
{
    struct session *session = order->session;
    struct session_names names;
    if (!session_names(session->server, session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    struct outbound_campaign_group_acknowledge reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_CAMPAIGN_GROUP_ACKNOWLEDGE) &
                    ~OUTBOUND_CAMPAIGN_GROUP_ACKNOWLEDGE_HAS_GSW_REFERENCE_ID,
        .gsw_campaign_group_dbid = session->dbid,
        .gsw_campaign_group_name = names.campaign_group,
        .gsw_campaign_name = names.campaign,
        .gsw_campaign_group_guid = guid_text(order->outcome.opens ? &order->guid : &session->guid),
        .gsw_campaign_group_state = text_of(order->outcome.report),
        .gsw_response = scope_format(order->request->life, "%sDone", order->request->msg->name),
    };
    reply_echo_reference(order->request, &MSG_OUTBOUND_CAMPAIGN_GROUP_ACKNOWLEDGE, &reply);
    return reply;
}

static void answer(struct order *order)
{
    struct outbound_campaign_group_acknowledge reply = acknowledgement(order);
    request_reply(order->request, &MSG_OUTBOUND_CAMPAIGN_GROUP_ACKNOWLEDGE, &reply,
                  (struct text){ 0 });
}

static void end(struct order *order, enum outbound_error error, const char *words)
{
    struct session *session = order->session;
    if (order->request && error)
        request_refuse(order->request, error, "%s", words);
    else if (order->request)
        answer(order);
    scope_close(order->life);
    next_order(session, error != OUTBOUND_OK);
}

/* False: its names are not known any more. */
static bool name_group(const struct session *session, char out[128])
{
    struct session_names names;
    return session_names(session->server, session->dbid, &names, NULL) &&
           text_to_z(text_slice(names.campaign_group, 0, 127), out, 128) == ERR_OK;
}

static void say_state(const struct session *session)
{
    char group[128];
    if (!name_group(session, group)) return;
    LOG_SESSION_STATE(&session->server->app->log, group, fsm_state_name(&session->fsm),
                      session->guid.text, session->dialing.mode);
}

static void tell_state(const struct order *order)
{
    struct session *session = order->session;
    say_state(session);
    group_state_committed(session, &order->message_guid);
    /* Unloading is told when it is over. */
    if (session->fsm.state != SESSION_UNLOADING)
        desktops_send_campaign(session->server, session, order->outcome.report);
}

static void on_order_durable(void *self, const struct change_result *result)
{
    struct order *order = self;
    struct session *session = order->session;
    if (result->err) {
        LOG_STORE_REFUSED(&session->server->app->log, "a session",
                          result->words ? result->words : "");
        end(order, OUTBOUND_DATABASE_ERROR, "the store refused the change");
        return;
    }
    session->fsm = order->outcome.fsm;
    session->dialing = order->outcome.dialing;
    if (order->outcome.opens) session->guid = order->guid;
    memcpy(session->priorities, order->priorities, sizeof session->priorities);
    session->started_utc_ms = order->started_utc_ms;
    if (order->event != SESSION_SET_PRIORITIES) tell_state(order);
    if (order->event == SESSION_START) session_look_soon(session);
    callback_watch_soon(session);
    if (order->outcome.returns_buffer) session_return_buffer(session);
    if (order->outcome.forces) session_force(session);
    if (order->outcome.opens) request_log_open(session->server);
    if (order->outcome.opens) session_refill(session, false);
    if (session->fsm.state == SESSION_NULL) seat_keeper_look_soon(session->server);
    end(order, OUTBOUND_OK, NULL);
}

static const struct statement session_write = {
    "INSERT INTO session (group_dbid, state, guid, dial_mode, optimize_by, optimize_goal, "
    "changed_utc_ms, started_utc_ms, priority_callback, priority_rescheduled, priority_general) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) ON CONFLICT (group_dbid) DO UPDATE SET "
    "state = ?2, guid = ?3, dial_mode = ?4, optimize_by = ?5, optimize_goal = ?6, "
    "changed_utc_ms = ?7, started_utc_ms = ?8, priority_callback = ?9, "
    "priority_rescheduled = ?10, priority_general = ?11"
};
static const struct statement session_remove = { "DELETE FROM session WHERE group_dbid = ?1" };

static void store_order(struct order *order)
{
    struct session *session = order->session;
    struct outbound *server = session->server;
    struct change *change = change_new(server->store);
    if (order->outcome.fsm.state == SESSION_NULL) {
        change_add(change, &session_remove, ROWS_ANY);
        change_bind_i64(change, session->dbid);
#ifdef FAULT_STOP_UNSTORED
    } else if (order->event == SESSION_STOP) {
        log_debug(&server->app->log, "what is stopped needs nothing kept");
#endif
    } else {
        change_add(change, &session_write, 1);
        change_bind_i64(change, session->dbid);
        change_bind_i64(change, order->outcome.fsm.state);
        change_bind_text(change, guid_text(order->outcome.opens ? &order->guid : &session->guid));
        change_bind_i64(change, order->outcome.dialing.mode);
        change_bind_i64(change, order->outcome.dialing.optimize_by);
        change_bind_i64(change, order->outcome.dialing.optimize_goal);
        change_bind_i64(change, (int64_t)loop_now_utc_ms(server->app->loop));
        change_bind_i64(change, (int64_t)order->started_utc_ms);
        change_bind_i64(change, order->priorities[BUFFER_CALLBACK]);
        change_bind_i64(change, order->priorities[BUFFER_RESCHEDULED]);
        change_bind_i64(change, order->priorities[BUFFER_GENERAL]);
    }
    for (uint32_t i = 0; order->outcome.opens && i < session->list_count; i++) {
        struct calling_list *list = lists_find_by_dbid(server->lists, session->lists[i].dbid, NULL);
        if (list) list_add_finalise_exhausted(list, change);
    }
    if (order->event != SESSION_SET_PRIORITIES)
        group_state_add(session, change, &order->outcome,
                        order->outcome.opens ? &order->guid : &session->guid, &order->message_guid);
    if (order->request && order->request->keyed) {
        struct outbound_campaign_group_acknowledge reply = acknowledgement(order);
        idempotency_add(order->request, change, &MSG_OUTBOUND_CAMPAIGN_GROUP_ACKNOWLEDGE, &reply,
                        (struct text){ 0 });
    }
    change_submit(change, on_order_durable, order);
}

static void on_list_open(void *self, const struct fault *fault)
{
    struct order *order = self;
    if (fault) order->fault = *fault;
    if (--order->lists_opening) return;
    if (order->fault.err) {
        char group[128];
        if (name_group(order->session, group))
            LOG_SESSION_REFUSED(&order->session->server->app->log, group, order->fault.words);
        end(order, OUTBOUND_NOT_ALLOWED, order->fault.words);
        return;
    }
    store_order(order);
}

/* Load: every list has to be usable, and is named where it is not. */
static void open_lists(struct order *order)
{
    struct session *session = order->session;
    session_configure(session);
    order->lists_opening = 1;
    for (uint32_t i = 0; i < session->list_count; i++) {
        struct calling_list *list =
            lists_find_by_dbid(session->server->lists, session->lists[i].dbid, &order->fault);
        if (list == NULL) break;
        order->lists_opening++;
        list_open(list, on_list_open, order);
    }
    if (order->lists_opening == 1 && order->fault.err == ERR_OK && session->list_count == 0)
        (void)fault_set(&order->fault, ERR_INVALID, "callingLists",
                        "the campaign has no active calling list");
    on_list_open(order, NULL);
}

static bool is_drained(const struct session *session)
{
    return session_chain_count(session) == 0 && session->fetches == 0;
}

/* `priorities` NULL: as they are. */
static void begin(struct session *session, enum session_event event, const struct dialing *wanted,
                  const uint32_t *priorities, struct request *request)
{
    session->is_ordering = true;
    struct outbound *server = session->server;
    uint64_t now_utc_ms = loop_now_utc_ms(server->app->loop);
    struct scope *life = scope_new(session->life, "order", SCOPE_NO_LIMIT);
    struct order *order = scope_alloc(life, sizeof *order);
    *order = (struct order){ .life = life,
                             .session = session,
                             .request = request,
                             .event = event,
                             .started_utc_ms = event == SESSION_START ? now_utc_ms
                                                                      : session->started_utc_ms };
    for (int i = 0; i < BUFFER_CLASSES; i++)
        order->priorities[i] = priorities && priorities[i] ? priorities[i] : session->priorities[i];
    if (session_decide(&session->fsm, &session->dialing, event, wanted ? wanted : &session->dialing,
                       now_utc_ms, &order->outcome)) {
        end(order, order->outcome.refusal.error, order->outcome.refusal.words);
    } else if (!order->outcome.is_changed) {
        end(order, OUTBOUND_OK, NULL);
    } else if (order->outcome.opens) {
        memset(order->priorities, 0, sizeof order->priorities); /* those of the options */
        order->guid = guid_new(loop_random(server->app->loop));
        open_lists(order);
    } else {
        store_order(order);
    }
}

void session_order(struct session *session, enum session_event event, const struct dialing *wanted,
                   struct request *request)
{
    if (event == SESSION_DRAINED) {
        if (session->is_ordering || !is_drained(session)) return;
    } else if (session->is_ordering) {
        list_add_last(&session->orders, &request->node);
        return;
    }
    begin(session, event, wanted, NULL, request);
}

void session_set_priorities(struct session *session, const uint32_t priorities[BUFFER_CLASSES],
                            struct request *request)
{
    if (session->is_ordering)
        list_add_last(&session->orders, &request->node);
    else
        begin(session, SESSION_SET_PRIORITIES, NULL, priorities, request);
}
