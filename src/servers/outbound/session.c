/* SPDX-License-Identifier: Apache-2.0 */
/* The life of a campaign group's session, and how its buffer is filled. Its chains change in
 * step.c, its state in order.c. */
#include "servers/outbound/session.h"

#include "fault.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/fetch.h"
#include "servers/outbound/live_chain.h"
#include "servers/outbound/notifier.h"

#include <inttypes.h>
#include <string.h>

enum {
    SHARE_DEFAULT = 10, /* spec 3.2 */
    SESSIONS_MAX = 500,
    MINUTE_MS = 60000,
    UNLOAD_AGAIN_MS = 1000,
    LOOK_MS = 5000,
    PAUSE_AFTER_EMPTY_MS = 1000,
    PAUSE_MAX_MS = 30000,
    PAUSE_TIMES = 20, /* as long as the search took: it is 5 % of the time at most */
    BUFFER_MIN_DEFAULT = 100,
    BUFFER_FACTOR_PERCENT = 150
};

/* --- the session's own life --- */

/* What the store refused while the session unloaded is tried again. */
static void unload_again(void *self)
{
    struct session *session = self;
    if (session->fsm.state != SESSION_UNLOADING) return;
    session_return_buffer(session);
    session_order(session, SESSION_DRAINED, NULL, NULL);
}

void session_unload_later(struct session *session)
{
    if (session->fsm.state == SESSION_UNLOADING)
        timer_start(session->unload_timer, UNLOAD_AGAIN_MS);
}

/* The agent's desktop hears that the record is not hers any more. */
static void on_stale(void *self, struct chain_step *step)
{
    struct session *session = self;
    struct session_names names;
    if (step->outcome.refusal.error) return;
    if (!session_names(session->server, session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    const struct chain *chain = &step->live->chain;
    struct withdrawn record = {
        .agent_id = step->outcome.agent_id,
        .campaign = names.campaign,
        .list_name = step->live->list_name,
        .handle = chain->records[chain->primary].handle,
        .call_result = CALL_RESULT_STALE,
    };
    desktops_send_withdrawn(session->server, &record);
}

/* A record is not an agent's for ever when nothing is heard of her about it. */
static void end_silent_previews(struct session *session)
{
    struct outbound *server = session->server;
    uint64_t timeout_ms = (uint64_t)session->options->preview_timeout * 1000;
    uint64_t now_ms = loop_now_mono_ms(server->app->loop);
    if (timeout_ms == 0) return;
    for (struct list *node = session->in_progress.next, *next; node != &session->in_progress;
         node = next) {
        next = node->next;
        struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        if (live->is_busy || now_ms - live->touched_mono_ms < timeout_ms) continue;
        struct chain_request request = { .event = CHAIN_LAPSE, .record = live->chain.primary };
        session_step_chain(live, &request, (struct text){ 0 }, on_stale, session);
    }
}

/* Records of one agent alone, and what was put off, become due whatever the buffer holds. */
static void look_for_due(void *self)
{
    struct session *session = self;
#ifndef FAULT_LOST_TIMER
    timer_start(session->look_timer, LOOK_MS);
#endif
    if (session->server->serving_since_utc_ms == 0) return; /* what was in progress comes first */
    end_silent_previews(session);
    if (session->fsm.state != SESSION_STARTED || session->fetches || session->server->is_suspended)
        return;
#ifdef FAULT_LOST_TIMER
    timer_start(session->look_timer, LOOK_MS);
#endif
    for (uint32_t i = 0; i < session->list_count; i++) {
        session->fetches++;
        fetch_start(session, session->lists[i].dbid, 0);
    }
}

void session_look_soon(struct session *session)
{
    timer_start(session->look_timer, 0);
}

static struct session *session_new(struct outbound *server, uint32_t group_dbid)
{
    struct scope *life = scope_new(server->app->life, "session", SCOPE_NO_LIMIT);
    struct session *session = scope_alloc(life, sizeof *session);
    session->life = life;
    session->server = server;
    session->dbid = group_dbid;
    session->config_life = scope_new(life, "session configuration", SCOPE_NO_LIMIT);
    buffer_open(session);
    session->bounds = table_new(life);
    list_init(&session->in_progress);
    list_init(&session->hungry);
    list_init(&session->orders);
    session->unload_timer = timer_new(life, server->app->loop, unload_again, session);
    session->look_timer = timer_new(life, server->app->loop, look_for_due, session);
    timer_start(session->look_timer, LOOK_MS);
    fsm_start(&session->fsm, &session_machine, SESSION_NULL, loop_now_utc_ms(server->app->loop));
    table_put(server->sessions, TEXT_OF(&session->dbid), session);
    session_configure(session);
    return session;
}

uint32_t session_chain_count(const struct session *session)
{
    return session->buffered_count + session->put_off.count + session->in_progress_count +
           session->changing_count;
}

static bool is_idle(const struct session *session)
{
    return session->fsm.state == SESSION_NULL && !session->is_ordering && session->fetches == 0 &&
           session_chain_count(session) == 0 && list_is_empty(&session->orders) &&
           list_is_empty(&session->hungry);
}

/* Groups come and go over the months; one that is not loaded is nothing but its configuration. */
static void forget_idle(struct outbound *server)
{
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        if (!is_idle(session)) continue;
        (void)table_remove(server->sessions, TEXT_OF(&session->dbid));
        scope_close(session->life);
        return;
    }
}

struct session *session_of(struct outbound *server, uint32_t group_dbid, struct fault *fault)
{
    struct session *session = table_get(server->sessions, TEXT_OF(&group_dbid));
    if (session) return session;
    struct session_names names;
    if (!session_names(server, group_dbid, &names, fault)) return NULL;
    if (table_count(server->sessions) >= SESSIONS_MAX) forget_idle(server);
    if (table_count(server->sessions) >= SESSIONS_MAX) {
        (void)fault_set(fault, ERR_LIMIT, "", "more than %d campaign groups", SESSIONS_MAX);
        return NULL;
    }
    return session_new(server, group_dbid);
}

struct session *session_resume(struct outbound *server, uint32_t group_dbid,
                               enum session_state state, const struct dialing *dialing,
                               struct guid guid)
{
    struct session *session = session_new(server, group_dbid);
    session->fsm.state = (int)state;
    session->dialing = *dialing;
    session->guid = guid;
    return session;
}

void session_configure(struct session *session)
{
    struct outbound *server = session->server;
    scope_reset(session->config_life);
    session->lists = NULL;
    session->list_count = 0;
    session->options = server->app->options;
    struct session_names names;
    if (!session_names(server, session->dbid, &names, NULL)) return;
    const struct object_campaign *campaign =
        (const struct object_campaign *)names.campaign_object->fields;
    session->lists = scope_alloc_array(session->config_life, campaign->calling_lists.count,
                                       sizeof *session->lists);
    for (uint32_t i = 0; i < campaign->calling_lists.count; i++) {
        const struct object_campaign_calling_list *row = &campaign->calling_lists.at[i];
        const struct app_object *list = app_object(server->app, &OBJECT_CALLING_LIST, row->list);
        bool has_share = SHAPE_HAS(row, OBJECT_CAMPAIGN_CALLING_LIST_HAS_SHARE);
        bool is_off = SHAPE_HAS(row, OBJECT_CAMPAIGN_CALLING_LIST_HAS_IS_ACTIVE) && !row->is_active;
        if (list == NULL || is_off) continue;
        session->lists[session->list_count++] =
            (struct session_list){ .dbid = list->dbid,
                                   .weight = has_share ? row->share : SHARE_DEFAULT };
    }
    session->options = outbound_resolve_options(server, session->config_life, &names);
    notifier_check_options(session);
}

struct bound {
    uint32_t list_dbid, max_attempts;
};

void session_apply_bounds(struct session *session)
{
    struct outbound *server = session->server;
    if (session->fsm.state != SESSION_LOADED && session->fsm.state != SESSION_STARTED) return;
    for (uint32_t i = 0; i < session->list_count; i++) {
        struct calling_list *list = lists_find_by_dbid(server->lists, session->lists[i].dbid, NULL);
        if (list == NULL || !list_is_open(list)) continue;
        struct bound *bound = table_get(session->bounds, TEXT_OF(&list->dbid));
        if (bound == NULL) {
            bound = scope_alloc(session->life, sizeof *bound);
            bound->list_dbid = list->dbid;
            table_put(session->bounds, TEXT_OF(&bound->list_dbid), bound);
        }
        if (bound->max_attempts == list->max_attempts) continue;
        bound->max_attempts = list->max_attempts;
        if (list->max_attempts == 0) continue;
        struct change *change = change_new(server->store);
        list_add_finalise_exhausted(list, change);
        change_submit(change, NULL, NULL);
    }
}

void session_add_in_progress(struct session *session, struct live_chain *live)
{
    live_chain_register(live);
    live->touched_mono_ms = loop_now_mono_ms(session->server->app->loop);
    list_add_last(&session->in_progress, &live->node);
    session->in_progress_count++;
}

/* --- filling the buffer --- */

void session_wake(struct session *session, uint32_t list_dbid)
{
    for (uint32_t i = 0; i < session->list_count; i++)
        if (session->lists[i].dbid == list_dbid) session->lists[i].exhausted_until_ms = 0;
}

void session_found_nothing(struct session *session, uint32_t list_dbid, uint64_t took_ms)
{
    uint64_t pause_ms = took_ms * PAUSE_TIMES;
    if (pause_ms < PAUSE_AFTER_EMPTY_MS) return; /* the usual one, since the search began */
    if (pause_ms > PAUSE_MAX_MS) pause_ms = PAUSE_MAX_MS;
    for (uint32_t i = 0; i < session->list_count; i++) {
        struct session_list *list = &session->lists[i];
        /* 0: rows came in meanwhile. */
        if (list->dbid == list_dbid && list->exhausted_until_ms)
            list->exhausted_until_ms = loop_now_mono_ms(session->server->app->loop) + pause_ms;
    }
}

void sessions_wake(struct outbound *server, uint32_t list_dbid)
{
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;)
        session_wake(session, list_dbid);
}

void session_refill(struct session *session, bool now)
{
    bool is_live = session->fsm.state == SESSION_STARTED || session->fsm.state == SESSION_LOADED;
    if (session->fetches || !is_live || session->server->is_suspended ||
        notifier_holds_back(session))
        return;
    uint64_t now_ms = loop_now_mono_ms(session->server->app->loop);
    const struct app_object *object =
        app_object_by_dbid(session->server->app, &OBJECT_CAMPAIGN_GROUP, session->dbid);
    if (object == NULL) return;
    const struct object_campaign_group *group =
        (const struct object_campaign_group *)object->fields;
    uint32_t wanted_per_min = session->given_out_now > session->given_out_before
                                  ? session->given_out_now
                                  : session->given_out_before;
    struct buffer_state buffer = {
        .buffered = session->buffered_count - session->reserved_count,
        .buffer_min = group->min_rec_buff_size ? group->min_rec_buff_size : BUFFER_MIN_DEFAULT,
        .factor_percent = BUFFER_FACTOR_PERCENT,
        .wanted_per_min = wanted_per_min,
    };
    uint32_t wanted = buffer_refill(&buffer);
    if (wanted == 0 && !now) return;
    if (wanted == 0) wanted = 1;
    struct scope *scratch = scope_new(session->life, "shares", SCOPE_NO_LIMIT);
    struct share *shares = scope_alloc_array(scratch, session->list_count + 1, sizeof *shares);
    for (uint32_t i = 0; i < session->list_count; i++)
        shares[i] = (struct share){ .weight = session->lists[i].weight,
                                    .is_exhausted = session->lists[i].exhausted_until_ms > now_ms };
    share_split(shares, session->list_count, wanted);
    for (uint32_t i = 0; i < session->list_count; i++) {
        if (shares[i].records == 0) continue;
        /* Nobody asks again within the pause when this comes back empty. */
        session->lists[i].exhausted_until_ms = now_ms + PAUSE_AFTER_EMPTY_MS;
        session->fetches++;
        fetch_start(session, session->lists[i].dbid, shares[i].records);
    }
    scope_close(scratch);
}

/* The fetch they waited for is over: each takes what came, or hears that there is nothing. */
static void feed_hungry(struct session *session)
{
    struct list all;
    list_init(&all);
    for (struct list *node; (node = list_first(&session->hungry)) != NULL;) {
        list_remove(node);
        list_add_last(&all, node);
    }
    for (struct list *node; (node = list_first(&all)) != NULL;) {
        struct request *request = LIST_OBJECT(node, struct request, node);
        list_remove(node);
        request->is_last_try = true;
        request_run(request);
    }
}

void session_fetch_ended(struct session *session)
{
    session->fetches--;
    if (session->fetches) return;
    session_refill(session, false);
    if (session->fetches == 0) feed_hungry(session);
    outbound_check_idle(session->server);
    if (session->fsm.state == SESSION_UNLOADING)
        session_order(session, SESSION_DRAINED, NULL, NULL);
}

/* --- unloading --- */

void session_force(struct session *session)
{
    for (struct list *node = session->in_progress.next, *next; node != &session->in_progress;
         node = next) {
        next = node->next;
        struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        if (live->is_busy) continue; /* it ends by itself, or the next Force Unload finds it */
        struct chain_request request = { .event = CHAIN_FORCE, .record = live->chain.primary };
        session_step_chain(live, &request, (struct text){ 0 }, on_stale, session);
    }
}
