/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/chain.h"
#include "tests/unit/test.h"

enum { COLUMN_OTHER1 = COLUMNS_MANDATORY, COLUMN_OTHER2, COLUMN_COUNT, RECORDS = 3 };

static struct scope *scope;
static struct column_layout layout_columns[COLUMN_COUNT];
static struct list_layout layout;
static struct chain chain;
static struct random chance;

/* A chain of three as retrieval leaves it: the first row Retrieved, the others Chain Ready. */
static void retrieve(void)
{
    scope_close(scope);
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    random_seed(&chance, 7);
    for (int i = 0; i < COLUMNS_MANDATORY; i++) layout_columns[i] = mandatory_columns()[i];
    layout_columns[COLUMN_OTHER1] = (struct column_layout){ .name = TEXT("Other1"),
                                                            .is_text = true,
                                                            .send_attribute = TEXT("Other1") };
    layout_columns[COLUMN_OTHER2] = (struct column_layout){ .name = TEXT("Other2"),
                                                            .is_text = true,
                                                            .send_attribute = TEXT("Other2") };
    layout = (struct list_layout){ TEXT("t"), layout_columns, COLUMN_COUNT };
    chain = (struct chain){ .layout = &layout, .count = RECORDS };
    chain.records = scope_alloc_array(scope, RECORDS, sizeof *chain.records);
    chain.is_modified = scope_alloc_array(scope, COLUMN_COUNT, sizeof(bool));
    for (uint32_t i = 0; i < RECORDS; i++) {
        chain.records[i].handle = 100 + i;
        chain.records[i].cells = scope_alloc_array(scope, COLUMN_COUNT, sizeof(struct value));
        chain.records[i].cells[COLUMN_RECORD_STATUS] =
            value_of_i64(i == 0 ? RECORD_STATUS_RETRIEVED : RECORD_STATUS_CHAIN_READY);
        chain.records[i].cells[COLUMN_CALL_RESULT] = value_of_i64(CALL_RESULT_UNKNOWN);
        chain.records[i].cells[COLUMN_RECORD_TYPE] = value_of_i64(RECORD_TYPE_GENERAL);
        chain.records[i].cells[COLUMN_OTHER1] = value_of_text(TEXT("old"));
    }
    chain_begin(&chain, 1000);
}

static struct chain_outcome step(struct chain_request request)
{
    struct chain_outcome outcome;
    if (chain_decide(&chain, &request, 5000, scope, &outcome) == OUTBOUND_OK)
        chain_apply(&chain, &outcome, scope);
    return outcome;
}

static void preview(void)
{
    retrieve();
    (void)step((struct chain_request){
        .event = CHAIN_PICK, .agent_id = TEXT("a1"), .attempt_guid = guid_new(&chance) });
}

static int64_t status(uint32_t record)
{
    return record_i64(&chain.records[record], COLUMN_RECORD_STATUS);
}

TEST(a_preview_gives_the_chain_to_one_agent)
{
    preview();
    CHECK_I64(chain_state(&chain), CHAIN_PROCESSING);
    CHECK_TEXT(chain.agent_id, "a1");
    CHECK_I64(chain.started_utc_ms, 5000);
    struct chain_outcome second =
        step((struct chain_request){ .event = CHAIN_PICK, .agent_id = TEXT("a2") });
    CHECK_I64(second.refusal.error, OUTBOUND_NOT_ALLOWED);
    CHECK_TEXT(chain.agent_id, "a1");
}

TEST(deciding_changes_nothing_until_the_outcome_is_applied)
{
    preview();
    struct cell_write wanted = { 0, COLUMN_OTHER1, value_of_text(TEXT("new")) };
    struct chain_request request = { .event = CHAIN_FINALISE, .writes = &wanted, .write_count = 1 };
    struct chain_outcome outcome;
    CHECK_I64(chain_decide(&chain, &request, 6000, scope, &outcome), OUTBOUND_OK);
    CHECK_I64(status(0), RECORD_STATUS_RETRIEVED);
    CHECK_TEXT(record_text(&chain.records[0], COLUMN_OTHER1), "old");
    CHECK_I64(chain_state(&chain), CHAIN_PROCESSING);
}

TEST(record_processed_updates_the_record_and_settles_the_chain)
{
    preview();
    struct cell_write wanted = { 0, COLUMN_CALL_RESULT, value_of_i64(CALL_RESULT_ANSWER) };
    struct chain_outcome outcome = step(
        (struct chain_request){ .event = CHAIN_FINALISE, .writes = &wanted, .write_count = 1 });
    CHECK(outcome.notifies);
    CHECK_I64(outcome.reason, REASON_PROCESSING_DONE);
    CHECK_I64(outcome.round, ROUND_CLOSES);
    CHECK_I64(status(0), RECORD_STATUS_UPDATED);
    CHECK_I64(status(1), RECORD_STATUS_CHAIN_UPDATED);
    CHECK_I64(status(2), RECORD_STATUS_CHAIN_UPDATED);
    CHECK_I64(record_i64(&chain.records[0], COLUMN_CALL_RESULT), CALL_RESULT_ANSWER);
    CHECK_TEXT(record_text(&chain.records[0], COLUMN_AGENT_ID), "a1");
    CHECK_I64(chain_state(&chain), CHAIN_NULL);
}

TEST(record_only_gives_the_siblings_back)
{
    preview();
    (void)step((struct chain_request){ .event = CHAIN_FINALISE, .is_record_only = true });
    CHECK_I64(status(0), RECORD_STATUS_UPDATED);
    CHECK_I64(status(1), RECORD_STATUS_READY);
}

TEST(scenario_13_a_second_record_processed_is_error_6)
{
    preview();
    (void)step((struct chain_request){ .event = CHAIN_FINALISE });
    struct chain_outcome again = step((struct chain_request){ .event = CHAIN_FINALISE });
    CHECK_I64(again.refusal.error, OUTBOUND_ALREADY_FINALISED);
    CHECK_U32(outbound_error_http_status(again.refusal.error), 409);
}

TEST(scenario_25_a_rejected_record_is_ready_again_without_a_notification)
{
    preview();
    struct chain_outcome outcome =
        step((struct chain_request){ .event = CHAIN_REJECT, .agent_id = TEXT("a1") });
    CHECK(!outcome.notifies);
    CHECK_I64(outcome.round, ROUND_CLOSES);
    for (uint32_t i = 0; i < RECORDS; i++) CHECK_I64(status(i), RECORD_STATUS_READY);
}

TEST(scenario_31_only_fields_that_really_changed_are_modified)
{
    preview();
    struct cell_write wanted[] = { { 0, COLUMN_OTHER1, value_of_text(TEXT("new")) },
                                   { 0, COLUMN_OTHER2, { .kind = VALUE_NULL } } };
    (void)step((struct chain_request){ .event = CHAIN_UPDATE, .writes = wanted, .write_count = 2 });
    CHECK(chain.is_modified[COLUMN_OTHER1]);
    CHECK(!chain.is_modified[COLUMN_OTHER2]);
    CHECK_I64(status(0), RECORD_STATUS_RETRIEVED);
}

TEST(scenario_38_updates_of_other_records_of_the_chain_are_not_the_primarys)
{
    preview();
    for (uint32_t i = 1; i < RECORDS; i++) {
        struct cell_write wanted = { i, COLUMN_OTHER2, value_of_text(TEXT("x")) };
        struct chain_outcome outcome = step((struct chain_request){
            .event = CHAIN_UPDATE, .record = i, .writes = &wanted, .write_count = 1 });
        CHECK(!outcome.notifies);
    }
    CHECK(!chain.is_modified[COLUMN_OTHER2]);
    CHECK(step((struct chain_request){ .event = CHAIN_FINALISE }).notifies);
}

TEST(another_agent_may_not_touch_the_record)
{
    preview();
    CHECK_I64(
        step((struct chain_request){ .event = CHAIN_UPDATE, .agent_id = TEXT("a2") }).refusal.error,
        OUTBOUND_NOT_OWNER);
    CHECK_I64(step((struct chain_request){ .event = CHAIN_FINALISE, .agent_id = TEXT("a2") })
                  .refusal.error,
              OUTBOUND_NOT_OWNER);
    CHECK_I64(
        step((struct chain_request){ .event = CHAIN_REJECT, .agent_id = TEXT("a2") }).refusal.error,
        OUTBOUND_NOT_OWNER);
    CHECK_I64(chain_state(&chain), CHAIN_PROCESSING);
}

TEST(unloading_gives_waiting_rows_back_without_a_notification)
{
    retrieve();
    struct chain_outcome outcome = step((struct chain_request){ .event = CHAIN_WITHDRAW });
    CHECK(!outcome.notifies);
    CHECK_I64(outcome.round, ROUND_STAYS);
    for (uint32_t i = 0; i < RECORDS; i++) CHECK_I64(status(i), RECORD_STATUS_READY);
}

TEST(a_forced_unload_makes_active_rows_stale_with_result_46)
{
    preview();
    struct chain_outcome outcome = step((struct chain_request){ .event = CHAIN_FORCE });
    CHECK_I64(outcome.reason, REASON_FORCED_UNLOAD);
    CHECK_I64(status(0), RECORD_STATUS_STALE);
    CHECK_I64(record_i64(&chain.records[0], COLUMN_CALL_RESULT), CALL_RESULT_STALE);
    CHECK_I64(status(1), RECORD_STATUS_READY);
}

/* --- treatments and call-backs --- */

enum { BUSY = 6, NOW_MS = 5000, HALF_HOUR_MS = 1800000 };
static struct treatment redial = {
    .call_result = BUSY, .sequence = 1, .action = TREATMENT_REDIAL, .cycles = 1, .interval_min = 30
};
static struct treatment next_in_chain = {
    .call_result = BUSY, .sequence = 2, .action = TREATMENT_NEXT, .cycles = 1
};

static struct chain_outcome busy(enum chain_treat treat, const struct treatment *rule,
                                 uint32_t record, bool has_room)
{
    static struct cell_write result;
    result = (struct cell_write){ record, COLUMN_CALL_RESULT, value_of_i64(BUSY) };
    return step((struct chain_request){ .event = CHAIN_FINALISE,
                                        .record = record,
                                        .writes = &result,
                                        .write_count = 1,
                                        .treat = treat,
                                        .treatments = { rule, 1 },
                                        .has_room = has_room });
}

static int64_t number(uint32_t record, uint32_t column)
{
    return record_i64(&chain.records[record], column);
}

TEST(scenario_32_a_redial_keeps_the_chain_in_memory_and_tells_so)
{
    preview();
    struct guid first = chain.attempt_guid;
    struct chain_outcome outcome = busy(TREAT_CAMPAIGN, &redial, 0, true);
    CHECK(outcome.notifies);
    CHECK_I64(outcome.reason, REASON_TREATMENT_PENDING);
    CHECK_I64(chain_state(&chain), CHAIN_SCHEDULED);
    CHECK(chain.is_held && outcome.is_held && !outcome.was_held);
    CHECK_I64(chain.due_utc_ms, NOW_MS + HALF_HOUR_MS);
    CHECK_I64(status(0), RECORD_STATUS_RETRIEVED);
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_GENERAL);
    CHECK_TEXT(record_text(&chain.records[0], COLUMN_TREATMENTS), "6:1:1");
    (void)step((struct chain_request){
        .event = CHAIN_PICK, .agent_id = TEXT("a2"), .attempt_guid = guid_new(&chance) });
    CHECK(!chain.is_held);
    CHECK(!text_eq(guid_text(&first), guid_text(&chain.attempt_guid)));
    outcome = busy(TREAT_CAMPAIGN, &redial, 0, true);
    CHECK_I64(outcome.reason, REASON_PROCESSING_DONE);
    CHECK_I64(status(0), RECORD_STATUS_UPDATED);
}

TEST(what_is_held_is_written_back_with_its_time_when_it_is_withdrawn)
{
    preview();
    (void)busy(TREAT_CAMPAIGN, &redial, 0, true);
    struct chain_outcome outcome = step((struct chain_request){ .event = CHAIN_WITHDRAW });
    CHECK(!outcome.notifies && !outcome.is_held && outcome.was_held);
    CHECK_I64(status(0), RECORD_STATUS_READY);
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_CAMPAIGN_RESCHEDULED);
    CHECK_I64(number(0, COLUMN_DIAL_SCHED_TIME), (NOW_MS + HALF_HOUR_MS) / 1000);
    CHECK_I64(status(1), RECORD_STATUS_READY);
    CHECK_I64(number(1, COLUMN_RECORD_TYPE), RECORD_TYPE_GENERAL);
}

TEST(without_room_in_memory_a_redial_goes_through_the_list)
{
    preview();
    struct chain_outcome outcome = busy(TREAT_CAMPAIGN, &redial, 0, false);
    CHECK(!outcome.is_held);
    CHECK_I64(chain_state(&chain), CHAIN_NULL);
    CHECK_I64(status(0), RECORD_STATUS_READY);
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_CAMPAIGN_RESCHEDULED);
    CHECK_I64(outcome.scheduled_s, (NOW_MS + HALF_HOUR_MS) / 1000);
}

TEST(a_personal_treatment_reserves_the_record_for_the_agent)
{
    preview();
    CHECK_TEXT(chain_reserved_for(&chain), "");
    (void)busy(TREAT_PERSONAL, &redial, 0, true);
    CHECK_TEXT(chain_reserved_for(&chain), "a1");
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_PERSONAL_RESCHEDULED);
    CHECK_I64(status(0), RECORD_STATUS_RETRIEVED);
}

TEST(next_in_chain_makes_the_next_dialable_record_the_primary)
{
    preview();
    chain.records[1].cells[COLUMN_RECORD_TYPE] = value_of_i64(RECORD_TYPE_NO_CALL);
    (void)busy(TREAT_CAMPAIGN, &next_in_chain, 0, true);
    CHECK_U32(chain.primary, 2);
    CHECK_I64(status(0), RECORD_STATUS_UPDATED);
    CHECK_I64(status(1), RECORD_STATUS_CHAIN_READY);
    CHECK_I64(status(2), RECORD_STATUS_RETRIEVED);
    (void)step((struct chain_request){ .event = CHAIN_PICK,
                                       .record = 2,
                                       .agent_id = TEXT("a1"),
                                       .attempt_guid = guid_new(&chance) });
    (void)busy(TREAT_CAMPAIGN, &next_in_chain, 2, true); /* the end of the chain */
    CHECK_I64(status(2), RECORD_STATUS_UPDATED);
    CHECK_I64(status(0), RECORD_STATUS_UPDATED);
    CHECK_I64(number(0, COLUMN_CALL_RESULT), BUSY);
}

TEST(a_record_without_attempts_left_is_not_dialled_again)
{
    preview();
    chain.records[0].cells[COLUMN_ATTEMPT] = value_of_i64(3);
    struct cell_write result = { 0, COLUMN_CALL_RESULT, value_of_i64(BUSY) };
    (void)step((struct chain_request){ .event = CHAIN_FINALISE,
                                       .writes = &result,
                                       .write_count = 1,
                                       .treat = TREAT_CAMPAIGN,
                                       .treatments = { &redial, 1 },
                                       .max_attempts = 3,
                                       .has_room = true });
    CHECK_I64(status(0), RECORD_STATUS_UPDATED);
}

TEST(scenario_26_a_promised_call_back_is_written_when_the_record_is_processed)
{
    preview();
    struct chain_wish wish = { .type = RECORD_TYPE_PERSONAL_CALLBACK,
                               .due_s = 9000,
                               .phone = TEXT("15550199") };
    struct chain_outcome outcome =
        step((struct chain_request){ .event = CHAIN_WISH, .agent_id = TEXT("a1"), .wish = wish });
    CHECK_I64(outcome.round, ROUND_CHANGES);
    CHECK_I64(status(0), RECORD_STATUS_RETRIEVED);
    outcome = step((struct chain_request){
        .event = CHAIN_FINALISE, .treat = TREAT_CAMPAIGN, .treatments = { &redial, 1 } });
    CHECK(outcome.notifies);
    CHECK_I64(outcome.reason, REASON_RESCHEDULED);
    CHECK_I64(outcome.scheduled_s, 9000);
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_PERSONAL_CALLBACK);
    CHECK_I64(number(0, COLUMN_DIAL_SCHED_TIME), 9000);
    CHECK_TEXT(record_text(&chain.records[0], COLUMN_AGENT_ID), "a1");
    CHECK_TEXT(record_text(&chain.records[0], COLUMN_CONTACT_INFO), "15550199");
    for (uint32_t i = 0; i < RECORDS; i++) CHECK_I64(status(i), RECORD_STATUS_READY);
    CHECK_I64(chain_state(&chain), CHAIN_NULL);
}

TEST(a_promise_outlives_a_forced_unload)
{
    preview();
    struct chain_wish wish = { .type = RECORD_TYPE_CAMPAIGN_CALLBACK, .due_s = 9000 };
    (void)step((struct chain_request){ .event = CHAIN_WISH, .wish = wish });
    CHECK_I64(step((struct chain_request){ .event = CHAIN_FORCE }).reason, REASON_FORCED_UNLOAD);
    CHECK_I64(status(0), RECORD_STATUS_READY);
    CHECK_I64(number(0, COLUMN_DIAL_SCHED_TIME), 9000);
}

static void retrieve_callback(void)
{
    retrieve();
    chain.records[0].cells[COLUMN_RECORD_TYPE] = value_of_i64(RECORD_TYPE_PERSONAL_CALLBACK);
    chain.records[0].cells[COLUMN_AGENT_ID] = value_of_text(TEXT("a1"));
}

static struct chain_outcome expire(struct treatments treatments)
{
    return step((struct chain_request){ .event = CHAIN_EXPIRE,
                                        .attempt_guid = guid_new(&chance),
                                        .treat = TREAT_AS_IS,
                                        .treatments = treatments,
                                        .has_room = true,
                                        .call_result = CALL_RESULT_AGENT_CALLBACK_ERROR });
}

TEST(scenario_27_a_call_back_that_nobody_takes_is_final_with_result_47)
{
    retrieve_callback();
    struct chain_outcome outcome = expire((struct treatments){ NULL, 0 });
    CHECK(outcome.notifies);
    CHECK_I64(outcome.reason, REASON_PROCESSING_DONE);
    CHECK_I64(outcome.round, ROUND_STAYS); /* no agent, no round of the store */
    CHECK_I64(status(0), RECORD_STATUS_UPDATED);
    CHECK_I64(number(0, COLUMN_CALL_RESULT), CALL_RESULT_AGENT_CALLBACK_ERROR);
}

TEST(result_47_may_be_treated)
{
    struct treatment rule = { .call_result = CALL_RESULT_AGENT_CALLBACK_ERROR,
                              .sequence = 1,
                              .action = TREATMENT_ASSIGN_TO_GROUP };
    retrieve_callback();
    CHECK_I64(expire((struct treatments){ &rule, 1 }).reason, REASON_TREATMENT_PENDING);
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_CAMPAIGN_CALLBACK);
    CHECK_I64(status(0), RECORD_STATUS_READY);
    CHECK_I64(number(0, COLUMN_DIAL_SCHED_TIME), NOW_MS / 1000);

    rule.action = TREATMENT_RETRY_IN;
    rule.interval_min = 1;
    retrieve_callback();
    (void)expire((struct treatments){ &rule, 1 });
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_PERSONAL_RESCHEDULED);
    CHECK_TEXT(record_text(&chain.records[0], COLUMN_AGENT_ID), "a1");

    rule.action = TREATMENT_REDIAL;
    rule.cycles = 1;
    retrieve_callback();
    (void)expire((struct treatments){ &rule, 1 });
    CHECK_I64(chain_state(&chain), CHAIN_SCHEDULED);
    CHECK_TEXT(chain_reserved_for(&chain), "a1");

    rule.action = TREATMENT_AGENT_ERROR;
    retrieve_callback();
    CHECK_I64(expire((struct treatments){ &rule, 1 }).reason, REASON_PROCESSING_DONE);
    CHECK_I64(status(0), RECORD_STATUS_AGENT_ERROR);
}

TEST(a_treatments_record_that_its_agent_does_not_take_is_the_groups)
{
    preview();
    (void)busy(TREAT_PERSONAL, &redial, 0, true);
    struct chain_outcome outcome = step((struct chain_request){ .event = CHAIN_RELEASE });
    CHECK(!outcome.notifies && outcome.is_held);
    CHECK_I64(chain_state(&chain), CHAIN_SCHEDULED);
    CHECK_TEXT(chain_reserved_for(&chain), "");
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_CAMPAIGN_RESCHEDULED);
}

TEST(a_call_back_a_day_late_is_missed)
{
    retrieve_callback();
    CHECK(step((struct chain_request){ .event = CHAIN_MISS, .attempt_guid = guid_new(&chance) })
              .notifies);
    CHECK_I64(status(0), RECORD_STATUS_MISSED_CALLBACK);
}

TEST(a_call_back_of_47_that_another_agent_does_without_a_result_is_answered)
{
    preview();
    chain.records[0].cells[COLUMN_RECORD_TYPE] = value_of_i64(RECORD_TYPE_CAMPAIGN_CALLBACK);
    chain.records[0].cells[COLUMN_CALL_RESULT] = value_of_i64(CALL_RESULT_AGENT_CALLBACK_ERROR);
    (void)step((struct chain_request){ .event = CHAIN_FINALISE });
    CHECK_I64(number(0, COLUMN_CALL_RESULT), CALL_RESULT_ANSWER);
}

TEST(a_call_back_that_its_agent_rejects_is_not_shown_again_at_once)
{
    retrieve_callback();
    (void)step((struct chain_request){ .event = CHAIN_PICK, .agent_id = TEXT("a1") });
    CHECK(!step((struct chain_request){ .event = CHAIN_REJECT, .later_s = 300 }).notifies);
    CHECK_I64(number(0, COLUMN_DIAL_SCHED_TIME), NOW_MS / 1000 + 300);
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_PERSONAL_CALLBACK);
}

TEST(only_a_call_back_can_be_moved)
{
    struct chain_wish wish = { .type = RECORD_TYPE_CAMPAIGN_CALLBACK, .due_s = 9000 };
    preview();
    CHECK_I64(step((struct chain_request){ .event = CHAIN_MOVE, .wish = wish }).refusal.error,
              OUTBOUND_NOT_ALLOWED);
    chain.records[0].cells[COLUMN_RECORD_TYPE] = value_of_i64(RECORD_TYPE_PERSONAL_CALLBACK);
    struct chain_outcome outcome =
        step((struct chain_request){ .event = CHAIN_MOVE, .wish = wish });
    CHECK_I64(outcome.reason, REASON_RESCHEDULED);
    CHECK_I64(number(0, COLUMN_RECORD_TYPE), RECORD_TYPE_CAMPAIGN_CALLBACK);
    CHECK_I64(status(0), RECORD_STATUS_READY);
}

TEST(cancel_and_do_not_call_end_the_round_or_one_record_beside_it)
{
    preview();
    CHECK(!step((struct chain_request){ .event = CHAIN_BLOCK, .record = 2, .is_record_only = true })
               .notifies);
    CHECK_I64(chain_state(&chain), CHAIN_PROCESSING);
    CHECK_I64(number(2, COLUMN_RECORD_TYPE), RECORD_TYPE_NO_CALL);
    CHECK_I64(number(2, COLUMN_CALL_RESULT), CALL_RESULT_DO_NOT_CALL);
    CHECK_I64(status(2), RECORD_STATUS_UPDATED);
    struct chain_outcome outcome =
        step((struct chain_request){ .event = CHAIN_CANCEL, .is_record_only = true });
    CHECK_I64(outcome.reason, REASON_CANCELLED);
    CHECK_I64(status(0), RECORD_STATUS_CANCELLED);
    CHECK_I64(status(1), RECORD_STATUS_READY);
    CHECK_I64(status(2), RECORD_STATUS_UPDATED);
    retrieve();
    CHECK(!step((struct chain_request){ .event = CHAIN_CANCEL }).notifies);
    for (uint32_t i = 0; i < RECORDS; i++) CHECK_I64(status(i), RECORD_STATUS_CANCELLED);
}

TEST(every_state_answers_every_event)
{
    struct buf list = { 0 };
    (void)fsm_list_unanswered(&chain_machine, &list);
    /* settle is fed by the machine itself, in processed alone */
    CHECK_TEXT(buf_text(&list), "");
    buf_free(&list);
    scope_close(scope);
    scope = NULL;
}
