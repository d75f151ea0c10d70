/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/notification.h"

#include "format/json.h"
#include "tests/unit/test.h"

#include <string.h>

enum { COLUMN_CUSTOMER = COLUMNS_MANDATORY, COLUMN_OTHER1, COLUMN_OTHER2, COLUMN_COUNT };

static struct column_layout columns[COLUMN_COUNT];
static struct list_layout layout = { { "t", 1 }, columns, COLUMN_COUNT };
static struct value cells[COLUMN_COUNT];
static struct record primary = { 712, cells };
static bool is_modified[COLUMN_COUNT];
static struct notification_session session;
static struct notification notification;
static struct scope *scope;

static void prepare(void)
{
    scope_close(scope);
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (int i = 0; i < COLUMNS_MANDATORY; i++) columns[i] = mandatory_columns()[i];
    columns[COLUMN_CUSTOMER] = (struct column_layout){ .name = TEXT("c_client_id"),
                                                       .is_text = true,
                                                       .send_attribute = TEXT("GSW_CUSTOMER_ID") };
    columns[COLUMN_OTHER1] = (struct column_layout){ .name = TEXT("o1"),
                                                     .is_text = true,
                                                     .send_attribute = TEXT("Other1") };
    columns[COLUMN_OTHER2] =
        (struct column_layout){ .name = TEXT("o2"), .send_attribute = TEXT("Other2") };
    for (int i = 0; i < COLUMN_COUNT; i++)
        cells[i] = (struct value){ .kind = VALUE_NULL }, is_modified[i] = false;
    cells[COLUMN_CONTACT_INFO] = value_of_text(TEXT("15550100"));
    cells[COLUMN_CONTACT_INFO_TYPE] = value_of_i64(4);
    cells[COLUMN_RECORD_TYPE] = value_of_i64(2);
    cells[COLUMN_RECORD_STATUS] = value_of_i64(3);
    cells[COLUMN_CALL_RESULT] = value_of_i64(33);
    cells[COLUMN_CHAIN_ID] = value_of_i64(19);
    cells[COLUMN_CHAIN_N] = value_of_i64(1);
    cells[COLUMN_OTHER1] = value_of_text(TEXT("wants \"price\" list"));
    cells[COLUMN_OTHER2] = value_of_i64(7);
    session = (struct notification_session){ .campaign_name = TEXT("Spring"),
                                             .campaign_group_name = TEXT("G"),
                                             .group_name = TEXT("AG"),
                                             .calling_list = TEXT("L"),
                                             .media_type = TEXT("voice"),
                                             .dial_mode = 3 };
    notification = (struct notification){ .now_utc_ms = 1780334195004,
                                          .session = &session,
                                          .layout = &layout,
                                          .primary = &primary,
                                          .is_modified = is_modified,
                                          .reason = REASON_PROCESSING_DONE,
                                          .agent_id = TEXT("a1") };
    (void)memcpy(notification.message_guid.text, "01Q8ZK3T7C0V9A2M4N6P8R1S3U5W7Y90", 33);
    (void)memcpy(notification.attempt_guid.text, "11Q8ZK3T7C0V9A2M4N6P8R1S3U5W7Y90", 33);
    notification.stamps[STAMP_START_PROCESSING] = 1780334100000;
}

static struct kv body(void)
{
    struct buf out = { 0 };
    struct kv kv;
    struct fault fault;
    notification_body(&notification, &out);
    CHECK_OK(json_read_kv(buf_text(&out), scope, &kv, &fault));
    buf_free(&out);
    return kv;
}

static struct text text_at(const struct kv *kv, const char *name)
{
    const struct value *value = kv_find(kv, text_of(name));
    CHECK(value != NULL && value->kind == VALUE_TEXT);
    return value->text;
}

static int64_t number_at(const struct kv *kv, const char *name)
{
    const struct value *value = kv_find(kv, text_of(name));
    CHECK(value != NULL && value->kind == VALUE_INTEGER);
    return value->integer;
}

TEST(scenario_31_every_mandatory_field_is_there)
{
    prepare();
    struct kv kv = body();
    static const char *const texts[] = { "GSW_MESSAGE",
                                         "GSW_MESSAGE_GUID",
                                         "GSW_TIMESTAMP",
                                         "GSW_CALL_ATTEMPT_GUID",
                                         "GSW_PHONE",
                                         "GSW_CAMPAIGN_NAME",
                                         "GSW_CONTACT_MEDIA_TYPE",
                                         "GSW_CALLING_LIST",
                                         "GSW_CAMPAIGN_GROUP_NAME",
                                         "GSW_CAMPAIGN_GROUP_GUID",
                                         "GSW_GROUP_NAME",
                                         "GSW_QUEUE_NAME",
                                         "GSW_START_PROCESSING" };
    static const char *const numbers[] = {
        "GSW_PHONE_TYPE",  "GSW_CHAIN_ID",  "GSW_CHAIN_N",     "GSW_RECORD_HANDLE", "GSW_REASON",
        "GSW_CALL_RESULT", "GSW_DIAL_MODE", "GSW_RECORD_TYPE", "GSW_RECORD_STATUS"
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) (void)text_at(&kv, texts[i]);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        (void)number_at(&kv, numbers[i]);
    CHECK_TEXT(text_at(&kv, "GSW_MESSAGE"), "ContactProcessed");
    CHECK_TEXT(text_at(&kv, "GSW_TIMESTAMP"), "1780334195.004");
    CHECK_TEXT(text_at(&kv, "GSW_START_PROCESSING"), "1780334100.000");
    CHECK_TEXT(text_at(&kv, "GSW_QUEUE_NAME"), "");
    CHECK_I64(number_at(&kv, "GSW_RECORD_HANDLE"), 712);
}

TEST(optional_fields_without_a_value_are_left_out)
{
    prepare();
    notification.agent_id = (struct text){ 0 };
    struct kv kv = body();
    static const char *const absent[] = { "GSW_CUSTOMER_ID",
                                          "GSW_DISPOSITION_CODE",
                                          "GSW_CHAIN_LIFO_GUID",
                                          "GSW_AGENT_ID",
                                          "GSW_CALL_TIME",
                                          "GSW_OPTIMIZE_BY",
                                          "GSW_OPTIMIZE_GOAL",
                                          "GSW_CAMPAIGN_TEMPLATE_NAME",
                                          "Other1",
                                          "Other2" };
    for (size_t i = 0; i < sizeof absent / sizeof absent[0]; i++)
        CHECK(kv_find(&kv, text_of(absent[i])) == NULL);
}

TEST(scenario_31_modified_user_fields_travel_as_text_under_their_keys)
{
    prepare();
    is_modified[COLUMN_OTHER1] = is_modified[COLUMN_OTHER2] = true;
    struct kv kv = body();
    CHECK_TEXT(text_at(&kv, "Other1"), "wants \"price\" list");
    CHECK_TEXT(text_at(&kv, "Other2"), "7");
}

TEST(the_customer_is_sent_whenever_the_list_defines_it)
{
    prepare();
    cells[COLUMN_CUSTOMER] = value_of_text(TEXT("C9"));
    is_modified[COLUMN_CUSTOMER] = true;
    struct kv kv = body();
    CHECK_TEXT(text_at(&kv, "GSW_CUSTOMER_ID"), "C9");
}

TEST(optimisation_is_told_for_predictive_modes)
{
    prepare();
    session.dial_mode = 1;
    session.optimize_by = 2;
    session.optimize_goal = 3;
    struct kv kv = body();
    CHECK_I64(number_at(&kv, "GSW_OPTIMIZE_BY"), 2);
    CHECK_I64(number_at(&kv, "GSW_OPTIMIZE_GOAL"), 3);
}

static struct call_report report = { .tenant_name = { "T", 1 },
                                     .tenant_ccid = { "77", 2 },
                                     .campaign_dbid = 101,
                                     .calling_list_dbid = 104,
                                     .tz_name = { "EET", 3 },
                                     .tz_offset_s = 7200 };

TEST(a_report_of_an_attempt_that_begins_has_no_result_yet) /* 13.2 */
{
    prepare();
    report.sequence = 0;
    notification.report = &report;
    struct kv kv = body();
    CHECK_I64(number_at(&kv, "GSW_HIST_SEQUENCE_NUM"), 0);
    CHECK_TEXT(text_at(&kv, "GSW_TENANT_NAME"), "T");
    CHECK_TEXT(text_at(&kv, "GSW_TENANT_CCID"), "77");
    CHECK_I64(number_at(&kv, "GSW_CAMPAIGN_DBID"), 101);
    CHECK_I64(number_at(&kv, "GSW_CALLING_LIST_DBID"), 104);
    CHECK_TEXT(text_at(&kv, "GSW_TZ_NAME"), "EET");
    CHECK_I64(number_at(&kv, "GSW_TZ_OFFSET"), 7200);
    CHECK(kv_find(&kv, TEXT("GSW_CALL_RESULT")) == NULL);
    CHECK(kv_find(&kv, TEXT("GSW_MESSAGE")) == NULL);
    CHECK(kv_find(&kv, TEXT("GSW_REASON")) == NULL);
}

TEST(a_report_tells_what_the_list_knows_of_the_number_once) /* 13.2 */
{
    prepare();
    report.sequence = 1;
    notification.report = &report;
    columns[COLUMN_OTHER1].send_attribute = TEXT("GSW_COUNTRY_CODE");
    for (int turn = 0; turn < 2; turn++) { /* json_read_kv() refuses a name that is there twice */
        is_modified[COLUMN_OTHER1] = turn == 1;
        struct kv kv = body();
        CHECK_TEXT(text_at(&kv, "GSW_COUNTRY_CODE"), "wants \"price\" list");
        CHECK_I64(number_at(&kv, "GSW_CALL_RESULT"), 33);
        CHECK(kv_find(&kv, TEXT("GSW_POSTAL_CODE")) == NULL);
    }
}

static struct kv state_body(const struct group_state *state)
{
    struct buf out = { 0 };
    struct kv kv;
    group_state_body(state, &out);
    CHECK_OK(json_read_kv(buf_text(&out), scope, &kv, NULL));
    buf_free(&out);
    return kv;
}

TEST(a_group_state_has_all_its_keys_and_null_where_nobody_knows) /* 13.1 */
{
    prepare();
    struct group_state told = { .message_guid = notification.message_guid,
                                .session_guid = notification.attempt_guid,
                                .now_utc_ms = 1780334195004,
                                .state = TEXT("CampaignLoaded"),
                                .campaign_group_name = TEXT("G"),
                                .group_name = TEXT("AG"),
                                .campaign_name = TEXT("C") };
    struct kv kv = state_body(&told);
    CHECK_TEXT(text_at(&kv, "GSW_MESSAGE"), "CampaignGroupState");
    CHECK_TEXT(text_at(&kv, "GSW_CAMPAIGN_GROUP_STATE"), "CampaignLoaded");
    CHECK_TEXT(text_at(&kv, "GSW_TENANT_NAME"), "undefined");
    CHECK_TEXT(text_at(&kv, "GSW_TENANT_CCID"), "undefined");
    CHECK_TEXT(text_at(&kv, "GSW_TIMESTAMP"), "1780334195.004");
    CHECK_I64(number_at(&kv, "GSW_DIAL_MODE"), 0);
    static const char *const unknown[] = { "GSW_STAT_BUSY_FACTOR", "GSW_STAT_HIT_RATIO",
                                           "GSW_STAT_OVERDIAL_RATE", "GSW_STAT_TIME_TO_COMPLETE" };
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        const struct value *value = kv_find(&kv, text_of(unknown[i]));
        CHECK(value != NULL && value->kind == VALUE_NULL);
    }
    CHECK(kv_find(&kv, TEXT("GSW_CAMPAIGN_TEMPLATE_NAME")) == NULL);
    CHECK(kv_find(&kv, TEXT("GSW_OPTIMIZE_BY")) == NULL);
    told.template_name = TEXT("Spring offer");
    told.dial_mode = 1;
    told.optimize_by = 2;
    told.optimize_goal = 80;
    kv = state_body(&told);
    CHECK_TEXT(text_at(&kv, "GSW_CAMPAIGN_TEMPLATE_NAME"), "Spring offer");
    CHECK_I64(number_at(&kv, "GSW_OPTIMIZE_GOAL"), 80);
    scope_close(scope);
    scope = NULL;
}
