/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/chain.h"

/* What a step notes down, and what it may ask. */
struct actions {
    struct scope *scratch;
    struct chain_outcome *outcome;
};

struct step {
    const struct chain *chain;
    const struct chain_request *request;
    struct chain_outcome *outcome;
};

static void write_cell(struct actions *out, uint32_t record, uint32_t column, struct value value)
{
    struct chain_outcome *outcome = out->outcome;
    if (outcome->write_count == outcome->write_room) {
        uint32_t room = outcome->write_room ? outcome->write_room * 2 : 16;
        struct cell_write *more = scope_alloc_array(out->scratch, room, sizeof *more);
        for (uint32_t i = 0; i < outcome->write_count; i++) more[i] = outcome->writes[i];
        outcome->writes = more;
        outcome->write_room = room;
    }
    outcome->writes[outcome->write_count++] = (struct cell_write){ record, column, value };
}

static void set_number(struct actions *out, const struct chain *chain, uint32_t record,
                       uint32_t column, int64_t value)
{
    if (record_i64(&chain->records[record], column) != value)
        write_cell(out, record, column, value_of_i64(value));
}

/* Rows that this round took go back to the list as they were. */
static void give_rows_back(struct actions *out, const struct chain *chain)
{
    for (uint32_t i = 0; i < chain->count; i++) {
        int64_t status = record_i64(&chain->records[i], COLUMN_RECORD_STATUS);
        if (status == RECORD_STATUS_RETRIEVED || status == RECORD_STATUS_CHAIN_READY)
            set_number(out, chain, i, COLUMN_RECORD_STATUS, RECORD_STATUS_READY);
    }
}

static int take(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    out->outcome->round = ROUND_OPENS;
    out->outcome->agent_id = step->request->agent_id;
    out->outcome->attempt_guid = step->request->attempt_guid;
    for (uint32_t i = 0; i < step->chain->layout->count; i++) out->outcome->is_modified[i] = false;
    return FSM_NONE;
}

/* Only what differs is written; the primary's user fields are remembered for the notification. */
static int write_wanted(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    const struct chain_request *request = step->request;
    const struct record *record = &step->chain->records[request->record];
    for (uint32_t i = 0; i < request->write_count; i++) {
        const struct cell_write *wanted = &request->writes[i];
        if (value_same(&record->cells[wanted->column], &wanted->value)) continue;
        write_cell(out, request->record, wanted->column, wanted->value);
        if (request->record == step->chain->primary && wanted->column >= COLUMNS_MANDATORY)
            out->outcome->is_modified[wanted->column] = true;
    }
    out->outcome->round = ROUND_CHANGES;
    return FSM_NONE;
}

static int finalise(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)write_wanted(self, detail, out);
    write_cell(out, step->request->record, COLUMN_AGENT_ID, value_of_text(step->chain->agent_id));
    out->outcome->reason = REASON_PROCESSING_DONE;
    return CHAIN_SETTLE;
}

/* Spec 5.2: row Updated, the others Chain Updated when the action covers the chain, else as they
 * were before retrieval. */
static int settle(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    const struct chain *chain = step->chain;
    const struct chain_request *request = step->request;
    for (uint32_t i = 0; i < chain->count; i++) {
        int64_t status = record_i64(&chain->records[i], COLUMN_RECORD_STATUS);
        bool is_ours = status == RECORD_STATUS_RETRIEVED || status == RECORD_STATUS_CHAIN_READY ||
                       status == RECORD_STATUS_READY;
        if (i == request->record)
            set_number(out, chain, i, COLUMN_RECORD_STATUS, RECORD_STATUS_UPDATED);
        else if (is_ours)
            set_number(out, chain, i, COLUMN_RECORD_STATUS,
                       request->is_record_only ? RECORD_STATUS_READY : RECORD_STATUS_CHAIN_UPDATED);
    }
    out->outcome->round = ROUND_CLOSES;
    out->outcome->notifies = true;
    return FSM_NONE;
}

static int reject(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    give_rows_back(out, step->chain);
    out->outcome->round = ROUND_CLOSES;
    return FSM_NONE;
}

static int withdraw(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    give_rows_back(out, step->chain);
    return FSM_NONE;
}

/* Spec 5.1: active rows become Stale with call result 46; those never touched go back. */
static int force(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    const struct chain *chain = step->chain;
    for (uint32_t i = 0; i < chain->count; i++) {
        int64_t status = record_i64(&chain->records[i], COLUMN_RECORD_STATUS);
        if (status == RECORD_STATUS_RETRIEVED) {
            set_number(out, chain, i, COLUMN_RECORD_STATUS, RECORD_STATUS_STALE);
            set_number(out, chain, i, COLUMN_CALL_RESULT, CALL_RESULT_STALE);
        } else if (status == RECORD_STATUS_CHAIN_READY) {
            set_number(out, chain, i, COLUMN_RECORD_STATUS, RECORD_STATUS_READY);
        }
    }
    out->outcome->round = ROUND_CLOSES;
    out->outcome->notifies = true;
    out->outcome->reason = REASON_FORCED_UNLOAD;
    return FSM_NONE;
}

static bool is_strangers(const void *self)
{
    const struct step *step = self;
    struct text asking = step->request->agent_id;
    return asking.len && !text_eq(asking, step->chain->agent_id);
}

static int refuse_stranger(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_OWNER,
                 "GSW_AGENT_ID: the record is with agent %.*s", TEXT_ARG(step->chain->agent_id));
    return FSM_NONE;
}

static int refuse_finalised(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_ALREADY_FINALISED,
                 "GSW_RECORD_HANDLE: the record is finalised already");
    return FSM_NONE;
}

static int refuse_waiting(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_INVALID_HANDLE,
                 "GSW_RECORD_HANDLE: the record is with nobody");
    return FSM_NONE;
}

static int refuse_owned(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_ALLOWED, "the record is with an agent");
    return FSM_NONE;
}

/* The states' and events' own short names make the table below read as prose. */
enum {
    NIL = CHAIN_NULL,
    SCHEDULED = CHAIN_SCHEDULED,
    PROCESSING = CHAIN_PROCESSING,
    PROCESSED = CHAIN_PROCESSED
};
enum {
    PICK = CHAIN_PICK,
    UPDATE = CHAIN_UPDATE,
    FINALISE = CHAIN_FINALISE,
    REJECT = CHAIN_REJECT,
    WITHDRAW = CHAIN_WITHDRAW,
    FORCE = CHAIN_FORCE,
    SETTLE = CHAIN_SETTLE
};

/* clang-format off */
static const struct fsm_rule chain_rules[] = {
    /* in         on         when          run               go        */
    { SCHEDULED,  PICK,      NULL,         take,             PROCESSING, "an agent asks" },
    { SCHEDULED,  WITHDRAW,  NULL,         withdraw,         NIL,        "rows back to Ready" },
    { SCHEDULED,  FORCE,     NULL,         withdraw,         NIL,        "rows back to Ready" },
    { SCHEDULED,  FSM_ANY,   NULL,         refuse_waiting,   FSM_STAY,   NULL },
    { PROCESSING, UPDATE,    is_strangers, refuse_stranger,  FSM_STAY,   NULL },
    { PROCESSING, UPDATE,    NULL,         write_wanted,     FSM_STAY,   "new values" },
    { PROCESSING, FINALISE,  is_strangers, refuse_stranger,  FSM_STAY,   NULL },
    { PROCESSING, FINALISE,  NULL,         finalise,         PROCESSED,  "the agent is done" },
    { PROCESSING, REJECT,    is_strangers, refuse_stranger,  FSM_STAY,   NULL },
    { PROCESSING, REJECT,    NULL,         reject,           NIL,        "rows back to Ready" },
    { PROCESSING, FORCE,     NULL,         force,            NIL,        "Stale" },
    { PROCESSING, FSM_ANY,   NULL,         refuse_owned,     FSM_STAY,   NULL },
    { PROCESSED,  SETTLE,    NULL,         settle,           NIL,        "no treatment: Updated" },
    { PROCESSED,  FSM_ANY,   NULL,         refuse_finalised, FSM_STAY,   NULL },
    { NIL,        FSM_ANY,   NULL,         refuse_finalised, FSM_STAY,   NULL },
};

static const struct fsm_state chain_states[CHAIN_STATES] = {
    [NIL]        = { "null", .is_final = true },
    [SCHEDULED]  = { "scheduled" },
    [PROCESSING] = { "processing" },
    [PROCESSED]  = { "processed" },
};
/* clang-format on */

static const char *const chain_event_names[CHAIN_EVENTS] = {
    [PICK] = "pick",         [UPDATE] = "update", [FINALISE] = "finalise", [REJECT] = "reject",
    [WITHDRAW] = "withdraw", [FORCE] = "force",   [SETTLE] = "settle",
};

const struct fsm_machine chain_machine = {
    .name = "chain",
    .rules = chain_rules,
    .rule_count = sizeof chain_rules / sizeof chain_rules[0],
    .states = chain_states,
    .state_count = CHAIN_STATES,
    .events = chain_event_names,
    .event_count = CHAIN_EVENTS,
    .time_up = FSM_NONE,
};

void chain_begin(struct chain *chain, uint64_t now_utc_ms)
{
    fsm_start(&chain->fsm, &chain_machine, CHAIN_SCHEDULED, now_utc_ms);
}

void chain_resume(struct chain *chain, uint64_t now_utc_ms)
{
    fsm_start(&chain->fsm, &chain_machine, CHAIN_PROCESSING, now_utc_ms);
}

enum outbound_error chain_decide(const struct chain *chain, const struct chain_request *request,
                                 uint64_t now_utc_ms, struct scope *scratch,
                                 struct chain_outcome *out)
{
    ASSERT(request->record < chain->count);
    *out = (struct chain_outcome){
        .fsm = chain->fsm,
        .agent_id = chain->agent_id,
        .attempt_guid = chain->attempt_guid,
        .now_utc_ms = now_utc_ms,
        .is_modified = scope_alloc_array(scratch, chain->layout->count, sizeof(bool)),
    };
    for (uint32_t i = 0; i < chain->layout->count; i++) out->is_modified[i] = chain->is_modified[i];
    struct step step = { chain, request, out };
    struct actions actions = { scratch, out };
    bool answered = fsm_feed(&out->fsm, request->event, &step, NULL, now_utc_ms, &actions);
    ASSERT(answered);
    return out->refusal.error;
}

void chain_apply(struct chain *chain, const struct chain_outcome *outcome, struct scope *owner)
{
    for (uint32_t i = 0; i < outcome->write_count; i++) {
        const struct cell_write *write = &outcome->writes[i];
        chain->records[write->record].cells[write->column] = value_copy(owner, &write->value);
    }
    for (uint32_t i = 0; i < chain->layout->count; i++)
        chain->is_modified[i] = outcome->is_modified[i];
    if (outcome->round == ROUND_OPENS) {
        chain->agent_id = scope_keep(owner, outcome->agent_id);
        chain->attempt_guid = outcome->attempt_guid;
        chain->started_utc_ms = outcome->now_utc_ms;
    }
    chain->fsm = outcome->fsm;
}

uint32_t chain_find_handle(const struct chain *chain, uint32_t handle)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->records[i].handle == handle) return i;
    return UINT32_MAX;
}
