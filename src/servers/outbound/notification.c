/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/notification.h"

#include "format/json.h"

#include <inttypes.h>
#include <stdio.h>

static const char *const stamp_names[STAMPS] = {
    [STAMP_START_PROCESSING] = "GSW_START_PROCESSING",
    [STAMP_CALL_TIME] = "GSW_CALL_TIME",
    [STAMP_DIALING] = "GSW_DIALING",
    [STAMP_RINGING] = "GSW_RINGING",
    [STAMP_ANSWERED] = "GSW_ANSWERED",
    [STAMP_CPD_COMPLETED] = "GSW_CPD_COMPLETED",
    [STAMP_QUEUED] = "GSW_QUEUED",
    [STAMP_AGENT_RINGING] = "GSW_AGENT_RINGING",
    [STAMP_AGENT_ANSWERED] = "GSW_AGENT_ANSWERED",
    [STAMP_DIVERTED] = "GSW_DIVERTED",
    [STAMP_ABANDONED] = "GSW_ABANDONED",
    [STAMP_RELEASED] = "GSW_RELEASED",
    [STAMP_AGENT_RELEASED] = "GSW_AGENT_RELEASED",
    [STAMP_ACW_COMPLETED] = "GSW_ACW_COMPLETED",
    [STAMP_COMPLETE_PROCESSING] = "GSW_COMPLETE_PROCESSING",
    [STAMP_SCHEDULED_TIME] = "GSW_SCHEDULED_TIME",
};

static void put_text(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

static void put_optional(struct json_writer *json, const char *name, struct text value)
{
    if (value.len) put_text(json, name, value);
}

static void put_number(struct json_writer *json, const char *name, int64_t value)
{
    json_put_name(json, text_of(name));
    json_put_i64(json, value);
}

/* "str ts" of the table: UTC seconds, a dot, always three digits. */
static void put_stamp(struct json_writer *json, const char *name, uint64_t utc_ms)
{
    char stamp[32];
    int len =
        snprintf(stamp, sizeof stamp, "%" PRIu64 ".%03u", utc_ms / 1000, (unsigned)(utc_ms % 1000));
    put_text(json, name, (struct text){ stamp, (size_t)len });
}

/* The value of the field whose send_attribute is GSW_CUSTOMER_ID. */
static void put_customer(struct json_writer *json, const struct notification *notification,
                         struct scope *scratch)
{
    uint32_t column = layout_find_attribute(notification->layout, TEXT("GSW_CUSTOMER_ID"));
    if (column == UINT32_MAX) return;
    put_optional(json, "GSW_CUSTOMER_ID",
                 value_as_text(scratch, &notification->primary->cells[column]));
}

static void put_modified(struct json_writer *json, const struct notification *notification,
                         struct scope *scratch)
{
    for (uint32_t i = COLUMNS_MANDATORY; i < notification->layout->count; i++) {
        struct text attribute = notification->layout->columns[i].send_attribute;
        if (!notification->is_modified[i] || attribute.len == 0) continue;
        if (text_eq(attribute, TEXT("GSW_CUSTOMER_ID"))) continue; /* is there already */
        json_put_name(json, attribute);
        json_put_text(json, value_as_text(scratch, &notification->primary->cells[i]));
    }
}

/* Spec outbound 13.2. */
static void put_report(struct json_writer *json, const struct notification *notification,
                       struct scope *scratch)
{
    static const char *const of_list[] = { "GSW_COUNTRY_CODE",   "GSW_REGION_CODE",
                                           "GSW_POSTAL_CODE",    "GSW_D_AREA_CODE",
                                           "GSW_D_COUNTRY_CODE", "GSW_D_STATE_CODE",
                                           "GSW_D_TZ_JAVA_NAME", "GSW_DEVICE_MASK",
                                           "GSW_CPN_DIGITS_SET" };
    const struct call_report *report = notification->report;
    put_number(json, "GSW_HIST_SEQUENCE_NUM", report->sequence);
    put_optional(json, "GSW_TENANT_NAME", report->tenant_name);
    put_optional(json, "GSW_TENANT_CCID", report->tenant_ccid);
    put_number(json, "GSW_CAMPAIGN_DBID", report->campaign_dbid);
    put_number(json, "GSW_CALLING_LIST_DBID", report->calling_list_dbid);
    if (report->tz_name.len) {
        put_text(json, "GSW_TZ_NAME", report->tz_name);
        put_number(json, "GSW_TZ_OFFSET", report->tz_offset_s);
    }
    for (size_t i = 0; i < sizeof of_list / sizeof of_list[0]; i++) {
        uint32_t column = layout_find_attribute(notification->layout, text_of(of_list[i]));
        if (column == UINT32_MAX || notification->is_modified[column]) continue; /* is there */
        put_optional(json, of_list[i],
                     value_as_text(scratch, &notification->primary->cells[column]));
    }
}

void notification_body(const struct notification *notification, struct buf *out)
{
    const struct notification_session *session = notification->session;
    const struct record *primary = notification->primary;
    struct scope *scratch = scope_new(NULL, "notification", SCOPE_NO_LIMIT);
    struct json_writer json = json_writer(out);
    const struct call_report *report = notification->report;
    json_begin_object(&json);
    if (report == NULL) put_text(&json, "GSW_MESSAGE", TEXT("ContactProcessed"));
    put_text(&json, "GSW_MESSAGE_GUID", guid_text(&notification->message_guid));
    put_stamp(&json, "GSW_TIMESTAMP", notification->now_utc_ms);
    put_text(&json, "GSW_CALL_ATTEMPT_GUID", guid_text(&notification->attempt_guid));
    put_text(&json, "GSW_PHONE", record_text(primary, COLUMN_CONTACT_INFO));
    put_number(&json, "GSW_PHONE_TYPE", record_i64(primary, COLUMN_CONTACT_INFO_TYPE));
    put_number(&json, "GSW_CHAIN_ID", record_i64(primary, COLUMN_CHAIN_ID));
    put_number(&json, "GSW_CHAIN_N", record_i64(primary, COLUMN_CHAIN_N));
    put_number(&json, "GSW_RECORD_HANDLE", primary->handle);
    if (report == NULL) put_number(&json, "GSW_REASON", (int64_t)notification->reason);
    put_optional(&json, "GSW_CHAIN_LIFO_GUID", notification->chain_lifo_guid);
    put_customer(&json, notification, scratch);
    if (report == NULL || report->sequence)
        put_number(&json, "GSW_CALL_RESULT", record_i64(primary, COLUMN_CALL_RESULT));
    put_optional(&json, "GSW_DISPOSITION_CODE", notification->disposition_code);
    put_text(&json, "GSW_CAMPAIGN_NAME", session->campaign_name);
    put_optional(&json, "GSW_CAMPAIGN_TEMPLATE_NAME", session->template_name);
    put_text(&json, "GSW_CONTACT_MEDIA_TYPE", session->media_type);
    put_text(&json, "GSW_CALLING_LIST", session->calling_list);
    put_text(&json, "GSW_CAMPAIGN_GROUP_NAME", session->campaign_group_name);
    put_text(&json, "GSW_CAMPAIGN_GROUP_GUID", guid_text(&session->session_guid));
    put_text(&json, "GSW_GROUP_NAME", session->group_name);
    put_text(&json, "GSW_QUEUE_NAME", session->queue_name);
    put_number(&json, "GSW_DIAL_MODE", session->dial_mode);
    put_optional(&json, "GSW_AGENT_ID", notification->agent_id);
    put_number(&json, "GSW_RECORD_TYPE", record_i64(primary, COLUMN_RECORD_TYPE));
    put_number(&json, "GSW_RECORD_STATUS", record_i64(primary, COLUMN_RECORD_STATUS));
    if (session->optimize_by) {
        put_number(&json, "GSW_OPTIMIZE_BY", session->optimize_by);
        put_number(&json, "GSW_OPTIMIZE_GOAL", session->optimize_goal);
    }
    for (int i = 0; i < STAMPS; i++)
        if (notification->stamps[i]) put_stamp(&json, stamp_names[i], notification->stamps[i]);
    put_modified(&json, notification, scratch);
    if (report) put_report(&json, notification, scratch);
    json_end_object(&json);
    scope_close(scratch);
}

void group_state_body(const struct group_state *state, struct buf *out)
{
    static const char *const unknown[] = { "GSW_STAT_BUSY_FACTOR", "GSW_STAT_HIT_RATIO",
                                           "GSW_STAT_OVERDIAL_RATE", "GSW_STAT_TIME_TO_COMPLETE" };
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_text(&json, "GSW_MESSAGE", TEXT("CampaignGroupState"));
    put_text(&json, "GSW_MESSAGE_GUID", guid_text(&state->message_guid));
    put_stamp(&json, "GSW_TIMESTAMP", state->now_utc_ms);
    put_text(&json, "GSW_CAMPAIGN_GROUP_STATE", state->state);
    put_text(&json, "GSW_TENANT_NAME",
             state->tenant_name.len ? state->tenant_name : TEXT("undefined"));
    put_text(&json, "GSW_TENANT_CCID",
             state->tenant_ccid.len ? state->tenant_ccid : TEXT("undefined"));
    put_text(&json, "GSW_CAMPAIGN_GROUP_NAME", state->campaign_group_name);
    put_text(&json, "GSW_CAMPAIGN_GROUP_GUID", guid_text(&state->session_guid));
    put_text(&json, "GSW_GROUP_NAME", state->group_name);
    put_text(&json, "GSW_CAMPAIGN_NAME", state->campaign_name);
    put_optional(&json, "GSW_CAMPAIGN_TEMPLATE_NAME", state->template_name);
    put_number(&json, "GSW_DIAL_MODE", state->dial_mode);
    if (state->optimize_by) {
        put_number(&json, "GSW_OPTIMIZE_BY", state->optimize_by);
        put_number(&json, "GSW_OPTIMIZE_GOAL", state->optimize_goal);
    }
    for (size_t i = 0; i < sizeof unknown / sizeof unknown[0]; i++) {
        json_put_name(&json, text_of(unknown[i]));
        json_put_null(&json);
    }
    json_end_object(&json);
}
