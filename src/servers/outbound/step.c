/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/step.h"

#include "fault.h"
#include "gen/events.h"
#include "servers/outbound/buffer.h"
#include "servers/outbound/call_stats.h"
#include "servers/outbound/chain_report.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/live_chain.h"
#include "servers/outbound/record_history.h"
#include "servers/outbound/session.h"

#include <string.h>

/* --- what of it is kept beside the rows --- */

static const struct statement round_open = {
    "INSERT INTO round (handle_base, record_count, state, group_dbid, list_dbid, table_name, "
    "chain_id, primary_n, chain_guid, attempt_guid, agent_id, started_utc_ms, modified, "
    "primary_index) VALUES (?1, ?2, 1, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, '', ?12)"
};
static const struct statement round_change = {
    "UPDATE round SET modified = ?2, wish_type = ?3, wish_due_s = ?4, wish_n = ?5, wish_phone = ?6 "
    "WHERE handle_base = ?1 AND state = 1"
};
static const struct statement round_close = {
    "UPDATE round SET state = 2, finished_utc_ms = ?2, message_guid = ?3 WHERE handle_base = ?1 "
    "AND state = 1"
};

static void add_round_open(struct change *change, const struct live_chain *live,
                           const struct chain_step *step)
{
    const struct chain *chain = &live->chain;
    const struct record *primary = &chain->records[chain->primary];
    change_add(change, &round_open, 1);
    change_bind_i64(change, chain->records[0].handle);
    change_bind_i64(change, chain->count);
    change_bind_i64(change, live->session->dbid);
    change_bind_i64(change, live->list_dbid);
    change_bind_text(change, live->table->key);
    change_bind_i64(change, record_i64(primary, COLUMN_CHAIN_ID));
    change_bind_i64(change, record_i64(primary, COLUMN_CHAIN_N));
    change_bind_text(change, guid_text(&chain->chain_guid));
    change_bind_text(change, guid_text(&step->outcome.attempt_guid));
    change_bind_text(change, step->outcome.agent_id);
    change_bind_i64(change, (int64_t)step->outcome.now_utc_ms);
    change_bind_i64(change, chain->primary);
}

static void add_round_change(struct change *change, const struct chain *chain,
                             const struct chain_outcome *outcome)
{
    struct buf names = { 0 };
    for (uint32_t i = COLUMNS_MANDATORY; i < chain->layout->count; i++) {
        if (!outcome->is_modified[i]) continue;
        if (names.len) buf_add_byte(&names, ',');
        buf_add(&names, chain->layout->columns[i].name);
    }
    const struct chain_wish *wish = &outcome->wish;
    change_add(change, &round_change, 1);
    change_bind_i64(change, chain->records[0].handle);
    change_bind_text(change, names.len ? buf_text(&names) : (struct text){ "", 0 });
    change_bind_i64(change, wish->type);
    change_bind_i64(change, wish->due_s);
    change_bind_i64(change, record_i64(&chain->records[wish->record], COLUMN_CHAIN_N));
    change_bind_text(change, wish->phone.len ? wish->phone : (struct text){ "", 0 });
    buf_free(&names);
}

static void add_round(struct change *change, const struct live_chain *live,
                      const struct chain_step *step)
{
    switch (step->outcome.round) {
    case ROUND_STAYS: return;
    case ROUND_OPENS: add_round_open(change, live, step); return;
    case ROUND_CHANGES: add_round_change(change, &live->chain, &step->outcome); return;
    case ROUND_CLOSES:
        change_add(change, &round_close, 1);
        change_bind_i64(change, live->chain.records[0].handle);
        change_bind_i64(change, (int64_t)step->outcome.now_utc_ms);
        if (step->has_message)
            change_bind_text(change, guid_text(&step->message_guid));
        else
            change_bind_null(change);
        return;
    }
}

static const struct statement held_put = {
    "INSERT INTO held_chain (table_name, chain_id, group_dbid, list_dbid, primary_n, "
    "chain_guid, due_utc_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (table_name, "
    "chain_id) "
    "DO UPDATE SET group_dbid = excluded.group_dbid, list_dbid = excluded.list_dbid, primary_n = "
    "excluded.primary_n, chain_guid = excluded.chain_guid, due_utc_ms = excluded.due_utc_ms"
};
static const struct statement held_remove = {
    "DELETE FROM held_chain WHERE table_name = ?1 AND chain_id = ?2"
};

static void add_held(struct change *change, const struct live_chain *live,
                     const struct chain_outcome *outcome)
{
    const struct chain *chain = &live->chain;
    if (!outcome->is_held && !outcome->was_held) return;
    const struct record *primary = &chain->records[outcome->primary];
    change_add(change, outcome->is_held ? &held_put : &held_remove, ROWS_ANY);
    change_bind_text(change, live->table->key);
    change_bind_i64(change, record_i64(primary, COLUMN_CHAIN_ID));
    if (!outcome->is_held) return;
    change_bind_i64(change, live->session->dbid);
    change_bind_i64(change, live->list_dbid);
    change_bind_i64(change, record_i64(primary, COLUMN_CHAIN_N));
    change_bind_text(change, guid_text(&chain->chain_guid));
    change_bind_i64(change, (int64_t)outcome->due_utc_ms);
}

/* --- afterwards --- */

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

static void settle_chain(struct live_chain *live)
{
    struct session *session = live->session;
    if (chain_state(&live->chain) != CHAIN_NULL) {
        live_chain_compact(live);
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

/* Out of the agent's hands, or into them. */
static void leave_place(struct live_chain *live, enum chain_state before)
{
    struct session *session = live->session;
    enum chain_state after = chain_state(&live->chain);
    if (before == CHAIN_PROCESSING && after != CHAIN_PROCESSING) {
        list_remove(&live->node);
        session->in_progress_count--;
        live_chain_unregister(live);
    }
    if (before != CHAIN_PROCESSING && after == CHAIN_PROCESSING)
        session_add_in_progress(session, live);
}

/* Scheduled, still or again: what is asked of the handles of a round that ended is answered from
 * the store. */
static void wait_again(struct live_chain *live, bool is_new_round)
{
    struct session *session = live->session;
    if (chain_state(&live->chain) != CHAIN_SCHEDULED) return;
    if (is_new_round) {
        live_chain_number(live);
        live->taken_utc_ms = loop_now_utc_ms(session->server->app->loop);
    }
    buffer_add(live);
    if (session->fsm.state == SESSION_UNLOADING) session_return_buffer(session);
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
        if (chain_state(&live->chain) == CHAIN_SCHEDULED) {
            buffer_add(live);
            session_unload_later(session); /* tried again, where it unloads */
        }
        settle_chain(live);
        return;
    }
    enum chain_state before = chain_state(&live->chain);
    const struct chain_outcome *outcome = &step->outcome;
    chain_apply(&live->chain, outcome, live->data);
    session->server->held_count += outcome->is_held;
    session->server->held_count -= outcome->was_held;
    leave_place(live, before);
    call_stats_add(step);
    record_history_add(step);
    if (outcome->notifies) {
        session->processed_count++;
        session->server->counters.chains_processed_total++;
    }
    chain_report_committed(step);
    if (frees_rows(outcome)) session_wake(session, live->list_dbid);
    bool is_new_round = outcome->notifies;
    step->on_end(step->self, step);
    scope_close(step->life);
    wait_again(live, is_new_round);
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

/* The rows as the outcome leaves them; the one that ceases to be Retrieved comes last (list.h).
 * Returns the cells of the primary. */
static const struct value *add_rows(struct live_chain *live, struct chain_step *step,
                                    struct change *change)
{
    const struct value *primary = live->chain.records[live->chain.primary].cells;
    for (int pass = 0; pass < 2; pass++)
        for (uint32_t i = 0; i < live->chain.count; i++) {
            bool is_status_only;
            const struct record *record = &live->chain.records[i];
            const struct value *cells = cells_after(&live->chain, i, step, &is_status_only);
            if (cells == NULL) continue;
            bool ends_hold = record_i64(record, COLUMN_RECORD_STATUS) == RECORD_STATUS_RETRIEVED &&
                             cells[COLUMN_RECORD_STATUS].integer != RECORD_STATUS_RETRIEVED;
            if (ends_hold != (pass == 1)) continue;
            list_add_write(live->table, change, cells, is_status_only);
            if (i == live->chain.primary) primary = cells;
        }
    return primary;
}

#ifdef FAULT_OUTBOX_FIRST

static struct change *effects; /* of the step that is being prepared */

struct second {
    struct chain_step *step;
    struct change *change;
};

static void submit_second(void *self, const struct change_result *result)
{
    struct second *second = self;
    (void)result;
    change_submit(second->change, session_end_step, second->step);
}

void session_submit_step(struct chain_step *step, struct change *change)
{
    struct second *second = scope_alloc(step->life, sizeof *second);
    *second = (struct second){ step, change };
    change_submit(effects, submit_second, second);
}

#else

void session_submit_step(struct chain_step *step, struct change *change)
{
    change_submit(change, session_end_step, step);
}

#endif

struct chain_step *session_prepare_step(struct live_chain *live,
                                        const struct chain_request *request,
                                        struct text disposition_code, struct change *change,
                                        void (*on_end)(void *self, struct chain_step *step),
                                        void *self)
{
    ASSERT(!live->is_busy);
    struct session *session = live->session;
    struct outbound *server = session->server;
    live->touched_mono_ms = loop_now_mono_ms(server->app->loop);
    struct scope *life = scope_new(live->life, "chain step", SCOPE_NO_LIMIT);
    struct chain_step *step = scope_alloc(life, sizeof *step);
    *step = (struct chain_step){ .live = live,
                                 .life = life,
                                 .record = request->record,
                                 .disposition_code = scope_keep(life, disposition_code),
                                 .on_end = on_end,
                                 .self = self };
    live->is_busy = true;
    session->changing_count++;
    uint64_t now_utc_ms = loop_now_utc_ms(server->app->loop);
    if (chain_decide(&live->chain, request, now_utc_ms, life, &step->outcome)) {
        loop_soon(life, server->app->loop, say_refused, step);
        return NULL;
    }
    if (chain_state(&live->chain) == CHAIN_SCHEDULED) buffer_remove(live);
    const struct value *primary = add_rows(live, step, change);
#ifdef FAULT_OUTBOX_FIRST
    effects = change_new(server->store);
    chain_report_add(step, effects, primary, disposition_code);
#else
    chain_report_add(step, change, primary, disposition_code);
#endif
    add_round(change, live, step);
    add_held(change, live, &step->outcome);
    explain_add_step(change, live, request, &step->outcome);
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
        session_submit_step(step, change);
    else
        change_drop(change);
}

void step_forget(void *self, struct chain_step *step)
{
    (void)self;
    (void)step;
}
