/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/reply.h"

#include "gen/objects.h"
#include "servers/outbound/contact_time.h"

/* Set a field by its name where the reply has it. */
static void set_u32(const struct msg *msg, void *fields, const char *name, uint32_t value)
{
    const struct shape_field *field = shape_find(msg->shape, text_of(name));
    if (field == NULL) return;
    *(uint32_t *)(void *)((char *)fields + field->offset) = value;
    ((struct shape_head *)fields)->has |= (uint64_t)1 << (field - msg->shape->fields);
}

static void set_text(const struct msg *msg, void *fields, const char *name, struct text value)
{
    const struct shape_field *field = shape_find(msg->shape, text_of(name));
    if (field == NULL || value.len == 0) return;
    *(struct text *)(void *)((char *)fields + field->offset) = value;
    ((struct shape_head *)fields)->has |= (uint64_t)1 << (field - msg->shape->fields);
}

void reply_echo_reference(const struct request *request, const struct msg *msg, void *fields)
{
    static const struct text name = { "GSW_REFERENCE_ID", 16 };
    const struct shape_field *from = shape_find(request->msg->shape, name);
    const struct shape_field *to = shape_find(msg->shape, name);
    if (from == NULL || to == NULL) return;
    const struct shape_head *asked = request->fields;
    if (!(asked->has & (uint64_t)1 << (from - request->msg->shape->fields))) return;
    *(int64_t *)(void *)((char *)fields + to->offset) =
        *(const int64_t *)(const void *)((const char *)request->fields + from->offset);
    ((struct shape_head *)fields)->has |= (uint64_t)1 << (to - msg->shape->fields);
}

void *reply_new(struct request *request, const struct msg *msg, const struct live_chain *live)
{
    void *fields = scope_alloc(request->life, msg->shape->size);
    struct session_names names;
    if (!session_names(request->server, live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    set_u32(msg, fields, "GSW_RECORD_HANDLE", request->handle);
    set_text(msg, fields, "GSW_CAMPAIGN_NAME", names.campaign);
    set_text(msg, fields, "GSW_CALLING_LIST", live->list_name);
    reply_echo_reference(request, msg, fields);
    return fields;
}

/* A text field of the same name in request and reply. */
static void echo_text(const struct request *request, const struct msg *msg, void *fields,
                      const char *name)
{
    const struct shape_field *from = shape_find(request->msg->shape, text_of(name));
    if (from)
        set_text(
            msg, fields, name,
            *(const struct text *)(const void *)((const char *)request->fields + from->offset));
}

void *reply_agent(struct request *request)
{
    const struct msg *msg = request->msg->reply;
    void *fields = scope_alloc(request->life, msg->shape->size);
    echo_text(request, msg, fields, "GSW_AGENT_ID");
    echo_text(request, msg, fields, "GSW_CAMPAIGN_NAME");
    reply_echo_reference(request, msg, fields);
    return fields;
}

struct kv reply_user_data(struct scope *scope, const struct list_layout *layout,
                          const struct record *record)
{
    struct kv kv = { .at = scope_alloc_array(scope, layout->count, sizeof(struct pair)) };
    for (uint32_t i = COLUMNS_MANDATORY; i < layout->count; i++) {
        if (layout->columns[i].send_attribute.len == 0) continue;
        bool is_null = record->cells[i].kind == VALUE_NULL;
        kv.at[kv.count++] =
            (struct pair){ layout->columns[i].send_attribute,
                           is_null ? value_of_text((struct text){ "", 0 }) : record->cells[i] };
    }
    return kv;
}

/* A text field that is there only where it says something. */
static void put_text(struct outbound_preview_record *out, struct text *member, uint64_t bit,
                     struct text value)
{
    if (value.len == 0) return;
    *member = value;
    out->head.has |= bit;
}

static void put_optional(struct outbound_preview_record *out, struct scope *scope,
                         const struct live_chain *live, const struct record *record,
                         const struct session_names *names)
{
    const struct object_campaign_group *group =
        names->group_object ? (const struct object_campaign_group *)names->group_object->fields
                            : NULL;
    int64_t scheduled = record_i64(record, COLUMN_DIAL_SCHED_TIME);
    int64_t type = record_i64(record, COLUMN_RECORD_TYPE);
    uint32_t customer = layout_find_attribute(live->chain.layout, TEXT("GSW_CUSTOMER_ID"));
    if (scheduled)
        put_text(out, &out->gsw_date_time, OUTBOUND_PREVIEW_RECORD_HAS_GSW_DATE_TIME,
                 contact_time_format(live->session->server->app, scope,
                                     (uint32_t)record_i64(record, COLUMN_TZ_DBID), scheduled));
    if (type == RECORD_TYPE_PERSONAL_CALLBACK || type == RECORD_TYPE_CAMPAIGN_CALLBACK)
        put_text(out, &out->gsw_callback_type, OUTBOUND_PREVIEW_RECORD_HAS_GSW_CALLBACK_TYPE,
                 type == RECORD_TYPE_PERSONAL_CALLBACK ? TEXT("Personal") : TEXT("Campaign"));
    if (customer != UINT32_MAX)
        put_text(out, &out->gsw_customer_id, OUTBOUND_PREVIEW_RECORD_HAS_GSW_CUSTOMER_ID,
                 value_as_text(scope, &record->cells[customer]));
    if (group == NULL) return;
    put_text(out, &out->gsw_campaign_group_description,
             OUTBOUND_PREVIEW_RECORD_HAS_GSW_CAMPAIGN_GROUP_DESCRIPTION, group->description);
    put_text(out, &out->gsw_script_id, OUTBOUND_PREVIEW_RECORD_HAS_GSW_SCRIPT_ID,
             names->template_name);
}

void preview_fill(struct outbound *server, struct scope *scope, const struct live_chain *live,
                  struct outbound_preview_record *out)
{
    const struct chain *chain = &live->chain;
    const struct record *record = &chain->records[chain->primary];
    struct session_names names;
    if (!session_names(server, live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    struct list_zone zone = { 0 };
    (void)list_zone_by_dbid(server->app, (uint32_t)record_i64(record, COLUMN_TZ_DBID),
                            loop_now_utc_ms(server->app->loop), &zone);
    *out = (struct outbound_preview_record){
        /* all but the optional ones that follow */
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_PREVIEW_RECORD) &
                    ~(OUTBOUND_PREVIEW_RECORD_HAS_GSW_REFERENCE_ID |
                      OUTBOUND_PREVIEW_RECORD_HAS_GSW_DATE_TIME |
                      OUTBOUND_PREVIEW_RECORD_HAS_GSW_CUSTOMER_ID |
                      OUTBOUND_PREVIEW_RECORD_HAS_GSW_CALLBACK_TYPE |
                      OUTBOUND_PREVIEW_RECORD_HAS_GSW_RECORD_URI |
                      OUTBOUND_PREVIEW_RECORD_HAS_GSW_CAMPAIGN_GROUP_DESCRIPTION |
                      OUTBOUND_PREVIEW_RECORD_HAS_GSW_SCRIPT_ID |
                      OUTBOUND_PREVIEW_RECORD_HAS_GSW_IS_WAITING),
        .gsw_application_id = server->dbid,
        .gsw_record_handle = record->handle,
        .gsw_phone = record_text(record, COLUMN_CONTACT_INFO),
        .gsw_phone_type = (uint32_t)record_i64(record, COLUMN_CONTACT_INFO_TYPE),
        .gsw_record_type = (uint32_t)record_i64(record, COLUMN_RECORD_TYPE),
        .gsw_record_status = (uint32_t)record_i64(record, COLUMN_RECORD_STATUS),
        .gsw_call_result = (uint32_t)record_i64(record, COLUMN_CALL_RESULT),
        .gsw_attempts = (uint32_t)record_i64(record, COLUMN_ATTEMPT),
        .gsw_chain_id = record_i64(record, COLUMN_CHAIN_ID),
        .gsw_chain_n = record_i64(record, COLUMN_CHAIN_N),
        .gsw_campaign_name = names.campaign,
        .gsw_campaign_dbid = names.campaign_dbid,
        .gsw_campaign_group_name = names.campaign_group,
        .gsw_campaign_group_dbid = live->session->dbid,
        .gsw_group_dbid = names.group_dbid,
        .gsw_calling_list = live->list_name,
        .gsw_calling_list_dbid = live->list_dbid,
        .gsw_switch_dbid = (uint32_t)record_i64(record, COLUMN_SWITCH_ID),
        .gsw_tz_name = zone.name,
        .gsw_tz_offset = zone.offset_s,
        .gsw_from = record_i64(record, COLUMN_DAILY_FROM),
        .gsw_until = record_i64(record, COLUMN_DAILY_TILL),
        .gsw_agent_id = chain->agent_id,
        .gsw_call_attempt_guid = guid_text(&chain->attempt_guid),
        .interaction_type = TEXT("Outbound"),
        .interaction_subtype = TEXT("OutboundNew"),
        .user_data = reply_user_data(scope, chain->layout, record),
    };
    put_optional(out, scope, live, record, &names);
    if (server->records_uri.len)
        put_text(out, &out->gsw_record_uri, OUTBOUND_PREVIEW_RECORD_HAS_GSW_RECORD_URI,
                 scope_format(scope, "%.*s%u", TEXT_ARG(server->records_uri), record->handle));
}

void reply_preview(struct request *request, const struct live_chain *live)
{
    struct outbound_preview_record reply;
    preview_fill(request->server, request->life, live, &reply);
    reply_echo_reference(request, &MSG_OUTBOUND_PREVIEW_RECORD, &reply);
    request_reply(request, &MSG_OUTBOUND_PREVIEW_RECORD, &reply,
                  guid_text(&live->chain.attempt_guid));
}
