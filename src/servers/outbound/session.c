/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at session_step_chain(): decide (chain.c), store, apply, answer. Orders take the
 * same road in session_order(). */
#include "servers/outbound/session.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/outbound/fetch.h"
#include "servers/outbound/notifier.h"

#include <inttypes.h>
#include <string.h>

enum {
    SHARE_DEFAULT = 10, /* spec 3.2 */
    SESSIONS_MAX = 500,
    MINUTE_MS = 60000,
    UNLOAD_AGAIN_MS = 1000,
    PERSONAL_LOOK_MS = 5000,
    PAUSE_AFTER_EMPTY_MS = 1000,
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

/* Records of one agent alone become due whatever the buffer holds. */
static void look_for_personal(void *self)
{
    struct session *session = self;
    timer_start(session->personal_timer, PERSONAL_LOOK_MS);
    if (session->fsm.state != SESSION_STARTED || session->fetches || session->server->is_suspended)
        return;
    for (uint32_t i = 0; i < session->list_count; i++) {
        session->fetches++;
        fetch_start(session, session->lists[i].dbid, 0);
    }
}

static struct session *session_new(struct outbound *server, uint32_t group_dbid)
{
    struct scope *life = scope_new(server->app->life, "session", SCOPE_NO_LIMIT);
    struct session *session = scope_alloc(life, sizeof *session);
    session->life = life;
    session->server = server;
    session->dbid = group_dbid;
    session->config_life = scope_new(life, "session configuration", SCOPE_NO_LIMIT);
    list_init(&session->buffered);
    list_init(&session->in_progress);
    list_init(&session->hungry);
    list_init(&session->orders);
    session->unload_timer = timer_new(life, server->app->loop, unload_again, session);
    session->personal_timer = timer_new(life, server->app->loop, look_for_personal, session);
    timer_start(session->personal_timer, PERSONAL_LOOK_MS);
    fsm_start(&session->fsm, &session_machine, SESSION_NULL, loop_now_utc_ms(server->app->loop));
    table_put(server->sessions, TEXT_OF(&session->dbid), session);
    session_configure(session);
    return session;
}

static bool is_idle(const struct session *session)
{
    return session->fsm.state == SESSION_NULL && !session->is_ordering && session->fetches == 0 &&
           session->buffered_count + session->in_progress_count + session->changing_count == 0 &&
           list_is_empty(&session->orders) && list_is_empty(&session->hungry);
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

void session_resume(struct outbound *server, uint32_t group_dbid, enum session_state state,
                    const struct dialing *dialing, struct guid guid)
{
    struct session *session = session_new(server, group_dbid);
    session->fsm.state = (int)state;
    session->dialing = *dialing;
    session->guid = guid;
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
}

/* --- live chains --- */

struct live_chain *live_chain_new(struct session *session, struct list_table *table,
                                  struct text list_name, uint32_t list_dbid, uint32_t record_count)
{
    struct scope *life = scope_new(session->life, "chain", SCOPE_NO_LIMIT);
    struct live_chain *live = scope_alloc(life, sizeof *live);
    *live = (struct live_chain){
        .life = life,
        .data = scope_new(life, "records", SCOPE_NO_LIMIT),
        .session = session,
        .table = table,
        .list_name = scope_keep(life, list_name),
        .list_dbid = list_dbid,
    };
    live->chain = (struct chain){
        .layout = &table->layout,
        .count = record_count,
        .records = scope_alloc_array(life, record_count, sizeof(struct record)),
        .is_modified = scope_alloc_array(life, table->layout.count, sizeof(bool)),
    };
    list_init(&live->waiting);
    return live;
}

void live_chain_close(struct live_chain *live)
{
    list_remove(&live->node);
    for (uint32_t i = 0; i < live->chain.count; i++)
        if (table_get(live->session->server->handles, TEXT_OF(&live->chain.records[i].handle)) ==
            live)
            (void)table_remove(live->session->server->handles,
                               TEXT_OF(&live->chain.records[i].handle));
    scope_close(live->life);
}

/* A chain that is changed for hours must not grow for hours: copy what is alive, drop the rest. */
static void compact(struct live_chain *live)
{
    if (scope_bytes(live->data) < live->data_bytes * 2 + 16384) return;
    struct scope *fresh = scope_new(live->life, "records", SCOPE_NO_LIMIT);
    for (uint32_t i = 0; i < live->chain.count; i++) {
        struct value *cells = scope_alloc_array(fresh, live->chain.layout->count, sizeof *cells);
        for (uint32_t k = 0; k < live->chain.layout->count; k++)
            cells[k] = value_copy(fresh, &live->chain.records[i].cells[k]);
        live->chain.records[i].cells = cells;
    }
    live->chain.agent_id = scope_keep(fresh, live->chain.agent_id);
    scope_close(live->data);
    live->data = fresh;
    live->data_bytes = scope_bytes(fresh);
}

static void register_handles(struct live_chain *live)
{
    for (uint32_t i = 0; i < live->chain.count; i++)
        table_put(live->session->server->handles, TEXT_OF(&live->chain.records[i].handle), live);
}

static void buffer_add(struct session *session, struct live_chain *live)
{
    list_add_last(&session->buffered, &live->node);
    session->buffered_count++;
    session->reserved_count += live->reserved_for.len > 0;
}

static void buffer_remove(struct session *session, struct live_chain *live)
{
    list_remove(&live->node);
    session->buffered_count--;
    session->reserved_count -= live->reserved_for.len > 0;
}

void session_add_buffered(struct session *session, struct live_chain *live)
{
    live->data_bytes = scope_bytes(live->data);
    buffer_add(session, live);
    struct list *hungry = list_first(&session->hungry);
    if (hungry == NULL) return;
    list_remove(hungry);
    request_run(LIST_OBJECT(hungry, struct request, node));
}

void session_add_in_progress(struct session *session, struct live_chain *live)
{
    live->data_bytes = scope_bytes(live->data);
    register_handles(live);
    list_add_last(&session->in_progress, &live->node);
    session->in_progress_count++;
}

/* --- every change of a chain --- */

static const struct statement round_open = {
    "INSERT INTO round (handle_base, record_count, state, group_dbid, list_dbid, table_name, "
    "chain_id, "
    "primary_n, chain_guid, attempt_guid, agent_id, started_utc_ms, modified) "
    "VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '')"
};
static const struct statement round_change = {
    "UPDATE round SET modified = ?2 WHERE handle_base = ?1 AND state = 1"
};
static const struct statement round_close = {
    "UPDATE round SET state = 2, finished_utc_ms = ?2, message_guid = ?3 WHERE handle_base = ?1 "
    "AND state = 1"
};

static void add_round(struct change *change, const struct live_chain *live, struct chain_step *step)
{
    const struct chain *chain = &live->chain;
    const struct record *primary = &chain->records[chain->primary];
    switch (step->outcome.round) {
    case ROUND_STAYS: return;
    case ROUND_OPENS:
        change_add(change, &round_open, 1);
        change_bind_i64(change, chain->records[0].handle);
        change_bind_i64(change, chain->count);
        change_bind_i64(change, live->session->dbid);
        change_bind_i64(change, live->list_dbid);
        change_bind_text(change, live->table->layout.table);
        change_bind_i64(change, record_i64(primary, COLUMN_CHAIN_ID));
        change_bind_i64(change, record_i64(primary, COLUMN_CHAIN_N));
        change_bind_text(change, guid_text(&chain->chain_guid));
        change_bind_text(change, guid_text(&step->outcome.attempt_guid));
        change_bind_text(change, step->outcome.agent_id);
        change_bind_i64(change, (int64_t)step->outcome.now_utc_ms);
        return;
    case ROUND_CHANGES: {
        struct buf names = { 0 };
        for (uint32_t i = COLUMNS_MANDATORY; i < chain->layout->count; i++) {
            if (!step->outcome.is_modified[i]) continue;
            if (names.len) buf_add_byte(&names, ',');
            buf_add(&names, chain->layout->columns[i].name);
        }
        change_add(change, &round_change, 1);
        change_bind_i64(change, chain->records[0].handle);
        change_bind_text(change, names.len ? buf_text(&names) : (struct text){ "", 0 });
        buf_free(&names);
        return;
    }
    case ROUND_CLOSES:
        change_add(change, &round_close, 1);
        change_bind_i64(change, chain->records[0].handle);
        change_bind_i64(change, (int64_t)step->outcome.now_utc_ms);
        if (step->has_message)
            change_bind_text(change, guid_text(&step->message_guid));
        else
            change_bind_null(change);
        return;
    }
}

/* The cells of one record as the outcome leaves them; NULL where nothing changes. */
static const struct value *cells_after(const struct chain *chain, uint32_t record,
                                       struct chain_step *step, bool *is_status_only)
{
    struct value *cells = NULL;
    *is_status_only = true;
    for (uint32_t i = 0; i < step->outcome.write_count; i++) {
        const struct cell_write *write = &step->outcome.writes[i];
        if (write->record != record) continue;
        if (cells == NULL) {
            cells = scope_alloc_array(step->life, chain->layout->count, sizeof *cells);
            memcpy(cells, chain->records[record].cells, chain->layout->count * sizeof *cells);
        }
        cells[write->column] = write->value;
        *is_status_only = *is_status_only && write->column == COLUMN_RECORD_STATUS;
    }
    return cells;
}

static void run_waiting(struct list *waiting)
{
    struct list *node = list_first(waiting);
    if (node == NULL) return;
    list_remove(node);
    request_run(LIST_OBJECT(node, struct request, node));
}

/* Scheduled still, though its change failed: an unloading session tries to give it back again
 * later. */
static void put_back(struct session *session, struct live_chain *live)
{
    buffer_add(session, live);
    session_unload_later(session);
}

static void settle_chain(struct live_chain *live)
{
    struct session *session = live->session;
    if (chain_state(&live->chain) != CHAIN_NULL) {
        compact(live);
        /* One that only asks leaves the chain free for the next. */
        while (!live->is_busy && !list_is_empty(&live->waiting)) run_waiting(&live->waiting);
        return;
    }
    /* Those that still wait find the round in the store, and hear what became of it. */
    struct list orphans;
    list_init(&orphans);
    for (struct list *node; (node = list_first(&live->waiting)) != NULL;) {
        list_remove(node);
        list_add_last(&orphans, node);
    }
    live_chain_close(live);
    while (!list_is_empty(&orphans)) run_waiting(&orphans);
    outbound_check_idle(session->server);
    if (session->fsm.state == SESSION_UNLOADING)
        session_order(session, SESSION_DRAINED, NULL, NULL);
}

/* Rows may be had again: of a chain that was given back, or siblings that the agent left alone. */
static bool frees_rows(const struct chain_outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->write_count; i++)
        if (outcome->writes[i].column == COLUMN_RECORD_STATUS &&
            outcome->writes[i].value.integer == RECORD_STATUS_READY)
            return true;
    return false;
}

void session_end_step(void *self, const struct change_result *result)
{
    struct chain_step *step = self;
    struct live_chain *live = step->live;
    struct session *session = live->session;
    session->is_store_failing = result->err != ERR_OK;
    live->is_busy = false;
    session->changing_count--;
    if (result->err) {
        LOG_STORE_REFUSED(&session->server->app->log, "a chain",
                          result->words ? result->words : "");
        (void)refuse(&step->outcome.refusal, OUTBOUND_DATABASE_ERROR,
                     "the store refused the change: %s",
                     result->words ? result->words : err_words(result->err));
        step->on_end(step->self, step);
        scope_close(step->life);
        if (chain_state(&live->chain) == CHAIN_SCHEDULED) put_back(session, live);
        settle_chain(live);
        return;
    }
    enum chain_state before = chain_state(&live->chain);
    chain_apply(&live->chain, &step->outcome, live->data);
    enum chain_state after = chain_state(&live->chain);
    if (before == CHAIN_PROCESSING && after != CHAIN_PROCESSING) {
        list_remove(&live->node);
        session->in_progress_count--;
    }
    if (before == CHAIN_SCHEDULED && after == CHAIN_PROCESSING)
        session_add_in_progress(session, live);
    if (step->outcome.notifies) {
        session->processed_count++;
        session->server->counters.chains_processed_total++;
    }
    if (step->has_message) notifier_committed(session->server->notifier, &step->message_guid);
    if (frees_rows(&step->outcome)) session_wake(session, live->list_dbid);
    step->on_end(step->self, step);
    scope_close(step->life);
    settle_chain(live);
}

static void say_refused(void *self)
{
    struct chain_step *step = self;
    struct live_chain *live = step->live;
    live->is_busy = false;
    live->session->changing_count--;
    step->on_end(step->self, step);
    scope_close(step->life);
    settle_chain(live);
}

static bool wants_notification(const struct session *session)
{
    const struct outbound_options *options = session->options;
    return options->contact_processed_notification &&
           options->contact_processed_notification_uri.len;
}

struct chain_step *session_prepare_step(struct live_chain *live,
                                        const struct chain_request *request,
                                        struct text disposition_code, struct change *change,
                                        void (*on_end)(void *self, struct chain_step *step),
                                        void *self)
{
    ASSERT(!live->is_busy);
    struct session *session = live->session;
    struct outbound *server = session->server;
    struct scope *life = scope_new(live->life, "chain step", SCOPE_NO_LIMIT);
    struct chain_step *step = scope_alloc(life, sizeof *step);
    *step = (struct chain_step){ .live = live, .life = life, .on_end = on_end, .self = self };
    live->is_busy = true;
    session->changing_count++;
    uint64_t now_utc_ms = loop_now_utc_ms(server->app->loop);
    if (chain_decide(&live->chain, request, now_utc_ms, life, &step->outcome)) {
        loop_soon(life, server->app->loop, say_refused, step);
        return NULL;
    }
    if (chain_state(&live->chain) == CHAIN_SCHEDULED && list_is_linked(&live->node))
        buffer_remove(session, live);
    const struct value *primary = live->chain.records[live->chain.primary].cells;
    for (uint32_t i = 0; i < live->chain.count; i++) {
        bool is_status_only;
        const struct value *cells = cells_after(&live->chain, i, step, &is_status_only);
        if (cells == NULL) continue;
        list_add_write(live->table, change, cells, is_status_only);
        if (i == live->chain.primary) primary = cells;
    }
    if (step->outcome.notifies && wants_notification(session)) {
        step->has_message = true;
        step->message_guid = guid_new(loop_random(server->app->loop));
        notifier_add(server->notifier, change, live, &step->outcome, primary, disposition_code,
                     &step->message_guid);
    }
    add_round(change, live, step);
    return step;
}

void session_step_chain(struct live_chain *live, const struct chain_request *request,
                        struct text disposition_code,
                        void (*on_end)(void *self, struct chain_step *step), void *self)
{
    struct change *change = change_new(live->session->server->store);
    struct chain_step *step =
        session_prepare_step(live, request, disposition_code, change, on_end, self);
    if (step)
        change_submit(change, session_end_step, step);
    else
        change_drop(change);
}

/* --- giving out --- */

static void forget_withdrawn(void *self, struct chain_step *step)
{
    (void)self;
    (void)step;
}

static void withdraw(struct live_chain *live)
{
    struct chain_request request = { .event = CHAIN_WITHDRAW, .record = live->chain.primary };
    session_step_chain(live, &request, (struct text){ 0 }, forget_withdrawn, NULL);
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

static struct live_chain *take_first(struct session *session, uint32_t list_dbid,
                                     struct text reserved_for)
{
    struct outbound *server = session->server;
    uint64_t now_utc_ms = loop_now_utc_ms(server->app->loop);
    for (struct list *node = session->buffered.next, *next; node != &session->buffered;
         node = next) {
        next = node->next;
        struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        if (live->is_busy || (list_dbid && live->list_dbid != list_dbid)) continue;
        if (!text_eq(live->reserved_for, reserved_for)) continue;
        struct calling_list *list = lists_find_by_dbid(server->lists, live->list_dbid, NULL);
        const struct record *primary = &live->chain.records[live->chain.primary];
        if (list == NULL || !list_is_in_window(list, primary, now_utc_ms)) {
            withdraw(live);
            continue;
        }
        buffer_remove(session, live);
        count_given_out(session);
        return live;
    }
    return NULL;
}

struct live_chain *session_take(struct session *session, uint32_t list_dbid, struct text agent_id)
{
    struct live_chain *live = session->reserved_count ? take_first(session, list_dbid, agent_id)
                                                      : NULL;
    return live ? live : take_first(session, list_dbid, (struct text){ 0 });
}

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

void session_drop_unchosen(struct session *session)
{
    for (struct list *node = session->buffered.next, *next; node != &session->buffered;
         node = next) {
        next = node->next;
        struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        if (!live->is_busy && !is_still_chosen(session, live)) withdraw(live);
    }
}

void session_wake(struct session *session, uint32_t list_dbid)
{
    for (uint32_t i = 0; i < session->list_count; i++)
        if (session->lists[i].dbid == list_dbid) session->lists[i].exhausted_until_ms = 0;
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
        notifier_is_full(session->server->notifier))
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

void session_return_buffer(struct session *session)
{
    struct list all;
    list_init(&all);
    for (struct list *node; (node = list_first(&session->buffered)) != NULL;) {
        list_remove(node);
        list_add_last(&all, node);
    }
    session->buffered_count = session->reserved_count = 0;
    for (struct list *node; (node = list_first(&all)) != NULL;) {
        list_remove(node);
        withdraw(LIST_OBJECT(node, struct live_chain, node));
    }
}

static void on_forced(void *self, struct chain_step *step)
{
    (void)self;
    (void)step;
}

void session_force(struct session *session)
{
    for (struct list *node = session->in_progress.next, *next; node != &session->in_progress;
         node = next) {
        next = node->next;
        struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        if (live->is_busy) continue; /* it ends by itself, or the next Force Unload finds it */
        struct chain_request request = { .event = CHAIN_FORCE, .record = live->chain.primary };
        session_step_chain(live, &request, (struct text){ 0 }, on_forced, NULL);
    }
}
