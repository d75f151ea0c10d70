/* SPDX-License-Identifier: Apache-2.0 */
/* What follows a round that is not final: a treatment, in memory or through the list, or a
 * call-back (spec outbound 5.2, 9, 10). */
#include "servers/outbound/chain_step.h"

/* --- treatments --- */

/* It may be worked, now or later: open, not blocked, with an attempt left. */
static bool is_dialable(const struct step *step, uint32_t record)
{
    int64_t status = number_now(step, record, COLUMN_RECORD_STATUS);
    uint32_t max = step->request->max_attempts;
    return (status == RECORD_STATUS_RETRIEVED || status == RECORD_STATUS_CHAIN_READY ||
            status == RECORD_STATUS_READY) &&
           number_now(step, record, COLUMN_RECORD_TYPE) != RECORD_TYPE_NO_CALL &&
           (max == 0 || number_now(step, record, COLUMN_ATTEMPT) < max);
}

/* The first dialable record at `from` or behind it; UINT32_MAX: none. */
static uint32_t find_dialable(const struct step *step, uint32_t from)
{
    for (uint32_t i = from; i < step->chain->count; i++)
        if (is_dialable(step, i)) return i;
    return UINT32_MAX;
}

static bool is_personal(int64_t type)
{
    return type == RECORD_TYPE_PERSONAL_RESCHEDULED || type == RECORD_TYPE_PERSONAL_CALLBACK;
}

bool choose_treatment(struct step *step, struct actions *out)
{
    const struct chain_request *request = step->request;
    uint32_t record = request->record;
    struct treatment_facts facts = {
        .now_utc_ms = out->outcome->now_utc_ms,
        .is_again = is_dialable(step, record),
        .is_alone = step->chain->count == 1,
        .is_personal = is_personal(number_now(step, record, COLUMN_RECORD_TYPE)),
        .has_next = find_dialable(step, record + 1) != UINT32_MAX,
        .has_first = find_dialable(step, 0) <= record,
    };
    struct treatment_plan *plan = &out->outcome->plan;
    int64_t result = number_now(step, record, COLUMN_CALL_RESULT);
    if (request->treat == TREAT_NOT || result < 0 || result > UINT32_MAX ||
        !treatment_choose(&request->treatments, text_now(step, record, COLUMN_TREATMENTS),
                          (uint32_t)result, &facts, plan))
        return false;
    out->outcome->is_treated = true;
    set_text(out, step, record, COLUMN_TREATMENTS, text_of(plan->history));
    if (plan->treatment.action == TREATMENT_AGENT_ERROR) {
        step->final_status = RECORD_STATUS_AGENT_ERROR;
        return false;
    }
    out->outcome->reason = REASON_TREATMENT_PENDING;
    return true;
}

static uint32_t target_of(const struct step *step)
{
    switch (step->outcome->plan.target) {
    case TARGET_NEXT: return find_dialable(step, step->request->record + 1);
    case TARGET_FIRST: return find_dialable(step, 0);
    case TARGET_SAME: break;
    }
    return step->request->record;
}

/* A record that has had its turn waits for another pass through the chain, or is final. */
static void leave(const struct step *step, struct actions *out, uint32_t target)
{
    uint32_t record = step->request->record;
    if (target == record) return;
    set_number(out, step, record, COLUMN_RECORD_STATUS,
               step->outcome->plan.is_last ? RECORD_STATUS_UPDATED : RECORD_STATUS_CHAIN_READY);
}

static void reserve_for_agent(const struct step *step, struct actions *out, uint32_t record)
{
    set_number(out, step, record, COLUMN_RECORD_TYPE, RECORD_TYPE_PERSONAL_RESCHEDULED);
    set_text(out, step, record, COLUMN_AGENT_ID, step->chain->agent_id);
}

bool may_be_held(const void *self)
{
    const struct step *step = self;
    return step->request->has_room &&
           treatment_stays_in_memory(step->outcome->plan.treatment.action);
}

/* The row stays Retrieved; who works it next stands in the row, so it survives this process. */
int hold(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    uint32_t target = target_of(step);
    leave(step, out, target);
    set_number(out, step, target, COLUMN_RECORD_STATUS, RECORD_STATUS_RETRIEVED);
    if (step->request->treat == TREAT_PERSONAL)
        reserve_for_agent(step, out, target);
    else if (step->request->treat == TREAT_CAMPAIGN &&
             is_personal(number_now(step, target, COLUMN_RECORD_TYPE)))
        set_number(out, step, target, COLUMN_RECORD_TYPE, RECORD_TYPE_CAMPAIGN_RESCHEDULED);
    out->outcome->primary = target;
    out->outcome->is_held = true;
    out->outcome->due_utc_ms = step->outcome->plan.due_utc_ms;
    out->outcome->scheduled_s = 0;
    return FSM_NONE;
}

/* Never early by a part of a second. */
static int64_t seconds(uint64_t utc_ms)
{
    return (int64_t)((utc_ms + 999) / 1000);
}

static void schedule(const struct step *step, struct actions *out, uint32_t record, int64_t type,
                     int64_t due_s)
{
    set_number(out, step, record, COLUMN_RECORD_TYPE, type);
    set_number(out, step, record, COLUMN_DIAL_SCHED_TIME, due_s);
    set_number(out, step, record, COLUMN_RECORD_STATUS, RECORD_STATUS_READY);
    out->outcome->scheduled_s = due_s;
    out->outcome->is_held = false;
}

static void assign_to_group(const struct step *step, struct actions *out)
{
    uint32_t record = step->request->record;
    bool is_callback = number_now(step, record, COLUMN_RECORD_TYPE) ==
                       RECORD_TYPE_PERSONAL_CALLBACK;
    schedule(step, out, record,
             is_callback ? RECORD_TYPE_CAMPAIGN_CALLBACK : RECORD_TYPE_CAMPAIGN_RESCHEDULED,
             seconds(out->outcome->now_utc_ms));
}

int write_back(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    uint32_t target = target_of(step);
    enum chain_treat treat = step->request->treat;
    leave(step, out, target);
    if (step->outcome->plan.treatment.action == TREATMENT_ASSIGN_TO_GROUP) {
        assign_to_group(step, out);
    } else {
        bool is_hers =
            treat == TREAT_PERSONAL ||
            (treat == TREAT_AS_IS && is_personal(number_now(step, target, COLUMN_RECORD_TYPE)));
        if (treat == TREAT_PERSONAL) reserve_for_agent(step, out, target);
        schedule(step, out, target,
                 is_hers ? RECORD_TYPE_PERSONAL_RESCHEDULED : RECORD_TYPE_CAMPAIGN_RESCHEDULED,
                 seconds(step->outcome->plan.due_utc_ms));
    }
    give_rows_back(out, step);
    return FSM_NONE;
}

/* Back to the list without a round; what a treatment has put off keeps its time. */
int withdraw(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    const struct chain *chain = step->chain;
    if (chain->is_held) {
        int64_t type = number_now(step, chain->primary, COLUMN_RECORD_TYPE);
        schedule(step, out, chain->primary,
                 type == RECORD_TYPE_GENERAL ? RECORD_TYPE_CAMPAIGN_RESCHEDULED : type,
                 seconds(chain->due_utc_ms));
    }
    give_rows_back(out, step);
    return FSM_NONE;
}

/* --- call-backs --- */

int keep_wish(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)write_wanted(self, detail, out);
    out->outcome->wish = step->request->wish;
    out->outcome->wish.record = step->request->record;
    return FSM_NONE;
}

static void promise(const struct step *step, struct actions *out, const struct chain_wish *wish)
{
    set_text(out, step, wish->record, COLUMN_AGENT_ID, step->chain->agent_id);
    if (wish->phone.len) set_text(out, step, wish->record, COLUMN_CONTACT_INFO, wish->phone);
    schedule(step, out, wish->record, wish->type, wish->due_s);
    give_rows_back(out, step);
    out->outcome->wish = (struct chain_wish){ 0 };
    out->outcome->reason = REASON_RESCHEDULED;
}

/* The other records wait with the one that is promised; one that was finalised beside it is final.
 */
int reschedule(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    const struct chain_wish *wish = step->request->event == CHAIN_MOVE ? &step->request->wish
                                                                       : &step->chain->wish;
    struct chain_wish promised = *wish;
    if (step->request->event == CHAIN_MOVE) promised.record = step->request->record;
    if (promised.record != step->request->record && step->request->event == CHAIN_FINALISE)
        set_number(out, step, step->request->record, COLUMN_RECORD_STATUS, RECORD_STATUS_UPDATED);
    promise(step, out, &promised);
    return FSM_NONE;
}

bool is_no_callback(const void *self)
{
    const struct step *step = self;
    int64_t type = number_now(step, step->request->record, COLUMN_RECORD_TYPE);
    return !is_personal(type) && type != RECORD_TYPE_CAMPAIGN_CALLBACK &&
           type != RECORD_TYPE_CAMPAIGN_RESCHEDULED;
}

int move(void *self, const void *detail, struct actions *out)
{
    (void)write_wanted(self, detail, out);
    close_round(out, REASON_RESCHEDULED);
    return CHAIN_RESCHEDULE;
}

/* A round without an agent: it leaves a notification and no row of its own. */
static void begin_round(const struct step *step, struct actions *out)
{
    out->outcome->attempt_guid = step->request->attempt_guid;
    out->outcome->started_utc_ms = out->outcome->now_utc_ms;
    out->outcome->notifies = true;
    out->outcome->reason = REASON_PROCESSING_DONE;
    for (uint32_t i = 0; i < step->chain->layout->count; i++) out->outcome->is_modified[i] = false;
}

int expire(void *self, const void *detail, struct actions *out)
{
    struct step *step = self;
    (void)detail;
    begin_round(step, out);
    set_number(out, step, step->request->record, COLUMN_CALL_RESULT, step->request->call_result);
    return choose_treatment(step, out) ? CHAIN_TREAT : CHAIN_SETTLE;
}

int release(void *self, const void *detail, struct actions *out)
{
    const struct step *step = self;
    (void)detail;
    set_number(out, step, step->chain->primary, COLUMN_RECORD_TYPE,
               RECORD_TYPE_CAMPAIGN_RESCHEDULED);
    return FSM_NONE;
}

int miss(void *self, const void *detail, struct actions *out)
{
    struct step *step = self;
    (void)detail;
    begin_round(step, out);
    step->final_status = RECORD_STATUS_MISSED_CALLBACK;
    return CHAIN_SETTLE;
}
