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
