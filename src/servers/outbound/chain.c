/* SPDX-License-Identifier: Apache-2.0 */
/* The machine at the end is the rule; what its actions write stands above it, and what follows a
 * round that is not final in chain_again.c. */
#include "servers/outbound/chain_step.h"

#include "fault.h"

#include <string.h>

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

/* A cell as the outcome so far leaves it. */
static const struct value *cell_now(const struct step *step, uint32_t record, uint32_t column)
{
    const struct chain_outcome *outcome = step->outcome;
    for (uint32_t i = outcome->write_count; i-- > 0;)
        if (outcome->writes[i].record == record && outcome->writes[i].column == column)
            return &outcome->writes[i].value;
    return &step->chain->records[record].cells[column];
}

int64_t number_now(const struct step *step, uint32_t record, uint32_t column)
{
    const struct value *cell = cell_now(step, record, column);
    return cell->kind == VALUE_INTEGER ? cell->integer : 0;
}

struct text text_now(const struct step *step, uint32_t record, uint32_t column)
{
    const struct value *cell = cell_now(step, record, column);
    return cell->kind == VALUE_TEXT ? cell->text : (struct text){ "", 0 };
}

void set_number(struct actions *out, const struct step *step, uint32_t record, uint32_t column,
                int64_t value)
{
    if (number_now(step, record, column) != value)
        write_cell(out, record, column, value_of_i64(value));
}

void set_text(struct actions *out, const struct step *step, uint32_t record, uint32_t column,
              struct text value)
{
    if (!text_eq(text_now(step, record, column), value))
        write_cell(out, record, column, value_of_text(value));
}

static bool is_ours(const struct step *step, uint32_t record)
{
    int64_t status = number_now(step, record, COLUMN_RECORD_STATUS);
    return status == RECORD_STATUS_RETRIEVED || status == RECORD_STATUS_CHAIN_READY;
}

void give_rows_back(struct actions *out, const struct step *step)
{
    for (uint32_t i = 0; i < step->chain->count; i++)
        if (is_ours(step, i)) set_number(out, step, i, COLUMN_RECORD_STATUS, RECORD_STATUS_READY);
}

void close_round(struct actions *out, enum chain_reason reason)
{
    out->outcome->round = ROUND_CLOSES;
    out->outcome->notifies = true;
    out->outcome->reason = reason;
}

static int take(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    struct chain_outcome *outcome = out->outcome;
    outcome->round = ROUND_OPENS;
    outcome->agent_id = step->request->agent_id;
    outcome->attempt_guid = step->request->attempt_guid;
    outcome->started_utc_ms = outcome->now_utc_ms;
    outcome->is_held = false;
    for (uint32_t i = 0; i < step->chain->layout->count; i++) outcome->is_modified[i] = false;
    return FSM_NONE;
}

/* Only what differs is written; the primary's user fields are remembered for the notification. */
int write_wanted(void *self, const void *detail, struct actions *out)
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

static bool has_new_result(const struct chain_request *request)
{
    for (uint32_t i = 0; i < request->write_count; i++)
        if (request->writes[i].column == COLUMN_CALL_RESULT) return true;
    return false;
}

/* Spec 9: a personal call-back that was assigned to the group, done by another without a result. */
static bool is_answer_of_group(const struct step *step)
{
    uint32_t record = step->request->record;
    return !has_new_result(step->request) &&
           number_now(step, record, COLUMN_RECORD_TYPE) == RECORD_TYPE_CAMPAIGN_CALLBACK &&
           number_now(step, record, COLUMN_CALL_RESULT) == CALL_RESULT_AGENT_CALLBACK_ERROR;
}

static int finalise(void *self, const void *detail, struct actions *out)
{
    struct step *step = self;
    uint32_t record = step->request->record;
    (void)write_wanted(self, detail, out);
    if (is_answer_of_group(step))
        write_cell(out, record, COLUMN_CALL_RESULT, value_of_i64(CALL_RESULT_ANSWER));
    write_cell(out, record, COLUMN_AGENT_ID, value_of_text(step->chain->agent_id));
    close_round(out, REASON_PROCESSING_DONE);
    if (step->chain->wish.type) return CHAIN_RESCHEDULE;
    return choose_treatment(step, out) ? CHAIN_TREAT : CHAIN_SETTLE;
}

/* Spec 5.2: the row is final, the others Chain Updated when the action covers the chain, else as
 * they were before retrieval. */
static int settle(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    const struct chain_request *request = step->request;
    int64_t others = request->is_record_only ? RECORD_STATUS_READY : RECORD_STATUS_CHAIN_UPDATED;
    for (uint32_t i = 0; i < step->chain->count; i++) {
        bool is_open = is_ours(step, i) ||
                       number_now(step, i, COLUMN_RECORD_STATUS) == RECORD_STATUS_READY;
        if (i == request->record)
            set_number(out, step, i, COLUMN_RECORD_STATUS, step->final_status);
        else if (is_open)
            set_number(out, step, i, COLUMN_RECORD_STATUS, others);
    }
    out->outcome->is_held = false;
    return FSM_NONE;
}

/* What is shown to an agent unasked is not shown again at once. */
static int reject(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    if (chain_reserved_for(step->chain).len && step->request->later_s)
        set_number(out, step, step->chain->primary, COLUMN_DIAL_SCHED_TIME,
                   (int64_t)(out->outcome->now_utc_ms / 1000) + step->request->later_s);
    give_rows_back(out, step);
    out->outcome->round = ROUND_CLOSES;
    return FSM_NONE;
}

/* Active rows become Stale with call result 46; those never touched go back. A call-back that was
 * promised is kept: somebody waits for it. */
static int end_stale(void *self, const void *detail, struct actions *out, enum chain_reason reason)
{
    const struct step *step = self;
    if (step->chain->wish.type) {
        (void)reschedule(self, detail, out);
        close_round(out, reason);
        return FSM_NONE;
    }
    for (uint32_t i = 0; i < step->chain->count; i++) {
        int64_t status = number_now(step, i, COLUMN_RECORD_STATUS);
        if (status == RECORD_STATUS_RETRIEVED) {
            set_number(out, step, i, COLUMN_RECORD_STATUS, RECORD_STATUS_STALE);
            set_number(out, step, i, COLUMN_CALL_RESULT, CALL_RESULT_STALE);
        } else if (status == RECORD_STATUS_CHAIN_READY) {
            set_number(out, step, i, COLUMN_RECORD_STATUS, RECORD_STATUS_READY);
        }
    }
    close_round(out, reason);
    return FSM_NONE;
}

/* Spec 5.1. */
static int force(void *self, const void *detail, struct actions *out)
{
    return end_stale(self, detail, out, REASON_FORCED_UNLOAD);
}

/* She may have called: nobody else shall call again by mistake. */
static int lapse(void *self, const void *detail, struct actions *out)
{
    return end_stale(self, detail, out, REASON_STALE);
}

/* --- cancel and do not call (spec 10) --- */

static void mark_ended(const struct step *step, struct actions *out, uint32_t record)
{
    bool is_block = step->request->event == CHAIN_BLOCK;
    set_number(out, step, record, COLUMN_CALL_RESULT,
               is_block ? CALL_RESULT_DO_NOT_CALL : CALL_RESULT_CANCEL_RECORD);
    if (is_block) set_number(out, step, record, COLUMN_RECORD_TYPE, RECORD_TYPE_NO_CALL);
}

static int64_t ended_status(const struct step *step)
{
    return step->request->event == CHAIN_BLOCK ? RECORD_STATUS_UPDATED : RECORD_STATUS_CANCELLED;
}

/* A record of the chain that is not worked on: the chain goes on without it. */
static bool is_bystander(const void *self)
{
    const struct step *step = self;
    return step->request->is_record_only && step->request->record != step->chain->primary;
}

static int end_bystander(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    uint32_t record = step->request->record;
    int64_t status = number_now(step, record, COLUMN_RECORD_STATUS);
    if (status != RECORD_STATUS_CHAIN_READY && status != RECORD_STATUS_READY) return FSM_NONE;
    mark_ended(step, out, record);
    set_number(out, step, record, COLUMN_RECORD_STATUS, ended_status(step));
    return FSM_NONE;
}

static void mark_all_ended(const struct step *step, struct actions *out)
{
    for (uint32_t i = 0; i < step->chain->count; i++) {
        bool is_open = is_ours(step, i) ||
                       number_now(step, i, COLUMN_RECORD_STATUS) == RECORD_STATUS_READY;
        if (!is_open || (step->request->is_record_only && i != step->request->record)) continue;
        mark_ended(step, out, i);
        set_number(out, step, i, COLUMN_RECORD_STATUS, ended_status(step));
    }
}

/* With nobody: no round, no notification. */
static int end_waiting(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    mark_all_ended(step, out);
    give_rows_back(out, step);
    out->outcome->is_held = false;
    return FSM_NONE;
}

static int end_round(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)end_waiting(self, detail, out);
    close_round(out, step->request->event == CHAIN_BLOCK ? REASON_DO_NOT_CALL : REASON_CANCELLED);
    return FSM_NONE;
}

/* --- who may not --- */

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

static int refuse_no_callback(void *self, const void *detail, struct actions *out)
{
    (void)self;
    (void)detail;
    (void)refuse(&out->outcome->refusal, OUTBOUND_NOT_ALLOWED,
                 "GSW_RECORD_HANDLE: the record is no call-back; RecordReschedule makes one");
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
    WISH = CHAIN_WISH,
    FINALISE = CHAIN_FINALISE,
    MOVE = CHAIN_MOVE,
    REJECT = CHAIN_REJECT,
    WITHDRAW = CHAIN_WITHDRAW,
    FORCE = CHAIN_FORCE,
    CANCEL = CHAIN_CANCEL,
    BLOCK = CHAIN_BLOCK,
    EXPIRE = CHAIN_EXPIRE,
    MISS = CHAIN_MISS,
    RELEASE = CHAIN_RELEASE,
    LAPSE = CHAIN_LAPSE,
    SETTLE = CHAIN_SETTLE,
    TREAT = CHAIN_TREAT,
    RESCHEDULE = CHAIN_RESCHEDULE
};

/* clang-format off */
static const struct fsm_rule chain_rules[] = {
    /* in         on          when            run                 go          */
    { SCHEDULED,  PICK,       NULL,           take,               PROCESSING, "an agent asks" },
    { SCHEDULED,  WITHDRAW,   NULL,           withdraw,           NIL,        "rows back to Ready" },
    { SCHEDULED,  FORCE,      NULL,           withdraw,           NIL,        "rows back to Ready" },
    { SCHEDULED,  CANCEL,     is_bystander,   end_bystander,      FSM_STAY,   "one record fewer" },
    { SCHEDULED,  CANCEL,     NULL,           end_waiting,        NIL,        "Cancelled" },
    { SCHEDULED,  BLOCK,      is_bystander,   end_bystander,      FSM_STAY,   "one record fewer" },
    { SCHEDULED,  BLOCK,      NULL,           end_waiting,        NIL,        "No Call" },
    { SCHEDULED,  EXPIRE,     NULL,           expire,             PROCESSED,  "nobody took the call-back" },
    { SCHEDULED,  MISS,       NULL,           miss,               PROCESSED,  "the call-back is a day late" },
    { SCHEDULED,  RELEASE,    NULL,           release,            FSM_STAY,   "the group's now" },
    { SCHEDULED,  FSM_ANY,    NULL,           refuse_waiting,     FSM_STAY,   NULL },
    { PROCESSING, UPDATE,     is_strangers,   refuse_stranger,    FSM_STAY,   NULL },
    { PROCESSING, UPDATE,     NULL,           write_wanted,       FSM_STAY,   "new values" },
    { PROCESSING, WISH,       is_strangers,   refuse_stranger,    FSM_STAY,   NULL },
    { PROCESSING, WISH,       NULL,           keep_wish,          FSM_STAY,   "a call-back is promised" },
#ifndef FAULT_OWNER_UNCHECKED
    { PROCESSING, FINALISE,   is_strangers,   refuse_stranger,    FSM_STAY,   NULL },
#endif
    { PROCESSING, FINALISE,   NULL,           finalise,           PROCESSED,  "the agent is done" },
    { PROCESSING, MOVE,       is_strangers,   refuse_stranger,    FSM_STAY,   NULL },
    { PROCESSING, MOVE,       is_no_callback, refuse_no_callback, FSM_STAY,   NULL },
    { PROCESSING, MOVE,       NULL,           move,               PROCESSED,  "another time for the call-back" },
    { PROCESSING, REJECT,     is_strangers,   refuse_stranger,    FSM_STAY,   NULL },
    { PROCESSING, REJECT,     NULL,           reject,             NIL,        "rows back to Ready" },
    { PROCESSING, FORCE,      NULL,           force,              NIL,        "Stale" },
    { PROCESSING, LAPSE,      NULL,           lapse,              NIL,        "Stale: the agent is silent" },
    { PROCESSING, CANCEL,     is_strangers,   refuse_stranger,    FSM_STAY,   NULL },
    { PROCESSING, CANCEL,     is_bystander,   end_bystander,      FSM_STAY,   "one record fewer" },
    { PROCESSING, CANCEL,     NULL,           end_round,          NIL,        "Cancelled" },
    { PROCESSING, BLOCK,      is_strangers,   refuse_stranger,    FSM_STAY,   NULL },
    { PROCESSING, BLOCK,      is_bystander,   end_bystander,      FSM_STAY,   "one record fewer" },
    { PROCESSING, BLOCK,      NULL,           end_round,          NIL,        "No Call" },
    { PROCESSING, FSM_ANY,    NULL,           refuse_owned,       FSM_STAY,   NULL },
    { PROCESSED,  SETTLE,     NULL,           settle,             NIL,        "no treatment: final" },
    { PROCESSED,  TREAT,      may_be_held,    hold,               SCHEDULED,  "Redial, Next in chain" },
    { PROCESSED,  TREAT,      NULL,           write_back,         NIL,        "rows Ready, for later" },
    { PROCESSED,  RESCHEDULE, NULL,           reschedule,         NIL,        "a call-back is written" },
    { PROCESSED,  FSM_ANY,    NULL,           refuse_finalised,   FSM_STAY,   NULL },
    { NIL,        FSM_ANY,    NULL,           refuse_finalised,   FSM_STAY,   NULL },
};

static const struct fsm_state chain_states[CHAIN_STATES] = {
    [NIL]        = { "null", .is_final = true },
    [SCHEDULED]  = { "scheduled" },
    [PROCESSING] = { "processing" },
    [PROCESSED]  = { "processed" },
};

static const char *const chain_event_names[CHAIN_EVENTS] = {
    [PICK] = "pick",         [UPDATE] = "update", [WISH] = "wish",     [FINALISE] = "finalise",
    [MOVE] = "move",         [REJECT] = "reject", [WITHDRAW] = "withdraw", [FORCE] = "force",
    [CANCEL] = "cancel",     [BLOCK] = "block",   [EXPIRE] = "expire", [MISS] = "miss", [RELEASE] = "release", [LAPSE] = "lapse",
    [SETTLE] = "settle",     [TREAT] = "treat",   [RESCHEDULE] = "reschedule",
};
/* clang-format on */

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
        .started_utc_ms = chain->started_utc_ms,
        .now_utc_ms = now_utc_ms,
        .is_modified = scope_alloc_array(scratch, chain->layout->count, sizeof(bool)),
        .primary = chain->primary,
        .wish = chain->wish,
        .is_held = chain->is_held,
        .was_held = chain->is_held,
        .due_utc_ms = chain->due_utc_ms,
    };
    memcpy(out->is_modified, chain->is_modified, chain->layout->count * sizeof(bool));
    struct step step = { chain, request, out, .final_status = RECORD_STATUS_UPDATED };
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
    memcpy(chain->is_modified, outcome->is_modified, chain->layout->count * sizeof(bool));
    if (outcome->round == ROUND_OPENS) {
        chain->agent_id = scope_keep(owner, outcome->agent_id);
        chain->attempt_guid = outcome->attempt_guid;
        chain->started_utc_ms = outcome->now_utc_ms;
    }
    if (outcome->round == ROUND_CLOSES) chain->agent_id = (struct text){ "", 0 };
    bool has_other_wish = outcome->wish.phone.at != chain->wish.phone.at;
    chain->wish = outcome->wish;
    if (has_other_wish && chain->wish.phone.len)
        chain->wish.phone = scope_keep(owner, outcome->wish.phone);
    chain->primary = outcome->primary;
    chain->is_held = outcome->is_held;
    chain->due_utc_ms = outcome->due_utc_ms;
    chain->fsm = outcome->fsm;
}

struct text chain_reserved_for(const struct chain *chain)
{
    const struct record *primary = &chain->records[chain->primary];
    int64_t type = record_i64(primary, COLUMN_RECORD_TYPE);
    bool is_personal = type == RECORD_TYPE_PERSONAL_RESCHEDULED ||
                       type == RECORD_TYPE_PERSONAL_CALLBACK;
    return is_personal ? record_text(primary, COLUMN_AGENT_ID) : (struct text){ "", 0 };
}

uint32_t chain_find_handle(const struct chain *chain, uint32_t handle)
{
    for (uint32_t i = 0; i < chain->count; i++)
        if (chain->records[i].handle == handle) return i;
    return UINT32_MAX;
}
