/* SPDX-License-Identifier: Apache-2.0 */
/* One function per request; the table at the end names them. A request on a record finds its chain
 * by the handle; one that is not in memory any more is looked up among the rounds, so that
 * "finalised already" and "never heard of" stay two answers, a restart in between or not. */
#include "servers/outbound/desktop.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/outbound/add_record.h"
#include "servers/outbound/notifier.h"
#include "servers/outbound/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <time.h>

/* --- what the agent may --- */

bool agent_is_of_group(struct outbound *server, const struct session_names *names,
                       struct text agent_id)
{
    const struct app_object *group =
        app_object_by_dbid(server->app, &OBJECT_AGENT_GROUP, names->group_dbid);
    if (group == NULL || app_object(server->app, &OBJECT_PERSON, agent_id) == NULL) return false;
    const struct object_agent_group *fields = (const struct object_agent_group *)group->fields;
    for (uint32_t i = 0; i < fields->agents.count; i++)
        if (text_eq(fields->agents.at[i], agent_id)) return true;
    return false;
}

static uint32_t chains_of(const struct session *session, struct text agent_id)
{
    uint32_t count = 0;
    LIST_EACH (node, &session->in_progress) {
        const struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        count += text_eq(live->chain.agent_id, agent_id);
    }
    return count;
}

/* --- replies --- */

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

/* GSW_REFERENCE_ID, if given, is returned (spec 15.1). */
static void echo_reference(const struct request *request, const struct msg *msg, void *fields)
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

static void *reply_new(struct request *request, const struct msg *msg,
                       const struct live_chain *live)
{
    void *fields = scope_alloc(request->life, msg->shape->size);
    struct session_names names;
    if (!session_names(request->server, live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    set_u32(msg, fields, "GSW_RECORD_HANDLE", request->handle);
    set_text(msg, fields, "GSW_CAMPAIGN_NAME", names.campaign);
    set_text(msg, fields, "GSW_CALLING_LIST", live->list_name);
    echo_reference(request, msg, fields);
    return fields;
}

/* Fields with send_attribute that have a value. */
static struct kv user_data(struct request *request, const struct list_layout *layout,
                           const struct record *record)
{
    struct kv kv = { .at = scope_alloc_array(request->life, layout->count, sizeof(struct pair)) };
    for (uint32_t i = COLUMNS_MANDATORY; i < layout->count; i++) {
        if (layout->columns[i].send_attribute.len == 0 || record->cells[i].kind == VALUE_NULL)
            continue;
        kv.at[kv.count++] = (struct pair){ layout->columns[i].send_attribute, record->cells[i] };
    }
    return kv;
}

/* Epoch seconds as MM/DD/YYYY hh:mm in the contact's zone. */
static struct text date_time(struct scope *scope, int64_t epoch_s, int64_t offset_s)
{
    time_t local = (time_t)(epoch_s + offset_s);
    struct tm parts;
    if (gmtime_r(&local, &parts) == NULL) return (struct text){ 0 };
    return scope_format(scope, "%02d/%02d/%04d %02d:%02d", parts.tm_mon + 1, parts.tm_mday,
                        parts.tm_year + 1900, parts.tm_hour, parts.tm_min);
}

static void reply_preview(struct request *request, const struct live_chain *live)
{
    struct outbound *server = request->server;
    const struct chain *chain = &live->chain;
    const struct record *record = &chain->records[chain->primary];
    struct session_names names;
    if (!session_names(server, live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    struct list_zone zone = { 0 };
    (void)list_zone_by_dbid(server->app, (uint32_t)record_i64(record, COLUMN_TZ_DBID),
                            loop_now_utc_ms(server->app->loop), &zone);
    request->handle = record->handle;
    struct outbound_preview_record *reply = reply_new(request, &MSG_OUTBOUND_PREVIEW_RECORD, live);
    uint64_t has = reply->head.has & OUTBOUND_PREVIEW_RECORD_HAS_GSW_REFERENCE_ID;
    int64_t reference = reply->gsw_reference_id;
    *reply = (struct outbound_preview_record){
        /* all but the optional ones that follow */
        .head.has = (UINT64_MAX & ~(OUTBOUND_PREVIEW_RECORD_HAS_GSW_REFERENCE_ID |
                                    OUTBOUND_PREVIEW_RECORD_HAS_GSW_DATE_TIME)) |
                    has,
        .gsw_reference_id = reference,
        .gsw_application_id = app_self(server->app)->dbid,
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
        .user_data = user_data(request, chain->layout, record),
    };
    int64_t scheduled = record_i64(record, COLUMN_DIAL_SCHED_TIME);
    if (scheduled) {
        reply->head.has |= OUTBOUND_PREVIEW_RECORD_HAS_GSW_DATE_TIME;
        reply->gsw_date_time = date_time(request->life, scheduled, zone.offset_s);
    }
    request_reply(request, &MSG_OUTBOUND_PREVIEW_RECORD, reply, guid_text(&chain->attempt_guid));
}

/* --- PreviewRecordRequest --- */

static void on_previewed(void *self, struct chain_step *step)
{
    struct request *request = self;
    if (step->outcome.refusal.error) {
        request_refuse_with(request, &step->outcome.refusal);
        return;
    }
    request->server->counters.records_previewed_total++;
    reply_preview(request, step->live);
}

/* The session of the request, by group, or by campaign where only that is named. */
static struct session *session_for(struct request *request,
                                   const struct outbound_preview_record_request *asked)
{
    struct outbound *server = request->server;
    struct fault fault = { 0 };
    if (SHAPE_HAS(asked, OUTBOUND_PREVIEW_RECORD_REQUEST_HAS_GSW_CAMPAIGN_GROUP_DBID)) {
        struct session *session = session_of(server, asked->gsw_campaign_group_dbid, &fault);
        if (session == NULL)
            request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
        return session;
    }
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        struct session_names names;
        if (session->fsm.state == SESSION_STARTED &&
            session_names(server, session->dbid, &names, NULL) &&
            text_eq(names.campaign, asked->gsw_campaign_name) &&
            agent_is_of_group(server, &names, asked->gsw_agent_id))
            return session;
    }
    request_refuse(request, OUTBOUND_NOT_LOADED,
                   "GSW_CAMPAIGN_NAME: no started campaign %.*s for this agent",
                   TEXT_ARG(asked->gsw_campaign_name));
    return NULL;
}

static bool may_preview(struct request *request, struct session *session, struct text agent_id)
{
    struct session_names names;
    struct fault fault = { 0 };
    if (!session_names(request->server, session->dbid, &names, &fault)) {
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
        return false;
    }
    if (session->fsm.state == SESSION_NULL || session->fsm.state == SESSION_UNLOADING) {
        request_refuse(request, OUTBOUND_NOT_LOADED, "the campaign group is not loaded");
        return false;
    }
    if (session->fsm.state != SESSION_STARTED || session->dialing.mode != DIAL_MODE_PREVIEW) {
        request_refuse(request, OUTBOUND_NOT_ALLOWED,
                       "the campaign group is not started in preview mode");
        return false;
    }
    if (!agent_is_of_group(request->server, &names, agent_id)) {
        request_refuse(request, OUTBOUND_NOT_OWNER,
                       "GSW_AGENT_ID: no enabled agent %.*s in group %.*s", TEXT_ARG(agent_id),
                       TEXT_ARG(names.group));
        return false;
    }
    uint32_t limit = session->options->desktop_chains_limit;
    if (limit && chains_of(session, agent_id) >= limit) {
        request_refuse(request, OUTBOUND_LIMIT,
                       "desktop-chains-limit: the agent has %u records already", limit);
        return false;
    }
    if (notifier_is_full(request->server->notifier)) {
        request_refuse(request, OUTBOUND_LIMIT, "the notification ledger is full");
        return false;
    }
    return true;
}

static void preview_record(struct request *request)
{
    const struct outbound_preview_record_request *asked = request->fields;
    struct outbound *server = request->server;
    struct session *session = session_for(request, asked);
    if (session == NULL || !may_preview(request, session, asked->gsw_agent_id)) return;
    uint32_t list_dbid = 0;
    if (SHAPE_HAS(asked, OUTBOUND_PREVIEW_RECORD_REQUEST_HAS_GSW_CALLING_LIST)) {
        struct fault fault = { 0 };
        struct calling_list *list = lists_find(server->lists, asked->gsw_calling_list, &fault);
        if (list == NULL) {
            request_refuse(request, OUTBOUND_LIST_UNKNOWN, "%s: %s", fault.field, fault.words);
            return;
        }
        list_dbid = list->dbid;
    }
    struct live_chain *live = session_take(session, list_dbid);
    session_refill(session, live == NULL);
    if (live) {
        struct chain_request step = { .event = CHAIN_PICK,
                                      .record = live->chain.primary,
                                      .agent_id = asked->gsw_agent_id,
                                      .attempt_guid = guid_new(loop_random(server->app->loop)) };
        session_step_chain(live, &step, (struct text){ 0 }, on_previewed, request);
    } else if (session->fetches) {
        list_add_last(&session->hungry, &request->node);
    } else {
        request_refuse(request, OUTBOUND_NO_RECORDS, "no records");
    }
}

/* --- requests on a record --- */

static const struct statement round_of_handle = {
    "SELECT handle_base, record_count, list_dbid, chain_id, agent_id, attempt_guid, group_dbid "
    "FROM round WHERE handle_base <= ?1 ORDER BY handle_base DESC LIMIT 1"
};

static bool round_covers(const struct rows *rows, uint32_t handle)
{
    return rows_count(rows) && handle < rows_i64(rows, 0, 0) + rows_i64(rows, 0, 1);
}

static void on_round(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    if (err)
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
    else if (round_covers(rows, request->handle))
        request_refuse(request, OUTBOUND_ALREADY_FINALISED,
                       "GSW_RECORD_HANDLE: %u is finalised already", request->handle);
    else
        request_refuse(request, OUTBOUND_INVALID_HANDLE,
                       "GSW_RECORD_HANDLE: no record has the handle %u", request->handle);
}

static void ask_for_round(struct request *request,
                          void (*on_rows)(void *self, enum err err, const struct rows *rows))
{
    struct value parameter = value_of_i64(request->handle);
    struct query query = { &round_of_handle, &parameter, 1 };
    store_query(request->server->store, &query, on_rows, request);
}

/* The chain of the handle, when the request may go on now. NULL: answered, or waiting its turn. */
static struct live_chain *chain_for(struct request *request, uint32_t handle)
{
    request->handle = handle;
    struct live_chain *live = table_get(request->server->handles, TEXT_OF(&request->handle));
    if (live == NULL) {
        ask_for_round(request, on_round);
        return NULL;
    }
    if (live->is_busy) {
        list_add_last(&live->waiting, &request->node);
        return NULL;
    }
    return live;
}

/* What a request wants written, as cells. */
struct wanted {
    struct cell_write *writes;
    uint32_t count;
};

static enum err want(struct request *request, const struct live_chain *live, struct wanted *wanted,
                     uint32_t record, uint32_t column, const struct value *value,
                     struct fault *fault)
{
    struct value fits;
    enum err err =
        value_for_column(request->life, &live->chain.layout->columns[column], value, &fits, fault);
    if (!err) wanted->writes[wanted->count++] = (struct cell_write){ record, column, fits };
    return err;
}

/* Extra keys matching user-field keys update those fields (spec 14.3); others are not ours. */
static enum err want_user_data(struct request *request, const struct live_chain *live,
                               struct wanted *wanted, uint32_t record, const struct kv *user,
                               struct fault *fault)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; !err && i < user->count; i++) {
        uint32_t column = layout_find_attribute(live->chain.layout, user->at[i].name);
        if (column != UINT32_MAX)
            err = want(request, live, wanted, record, column, &user->at[i].value, fault);
        if (err)
            (void)snprintf(fault->field, sizeof fault->field, "%.*s", TEXT_ARG(user->at[i].name));
    }
    return err;
}

static struct wanted wanted_new(struct request *request, const struct kv *user)
{
    return (struct wanted){ .writes = scope_alloc_array(request->life, user->count + 4,
                                                        sizeof(struct cell_write)) };
}

/* GSW_CALL_RESULT, GSW_PHONE and user fields of a request; false: answered with an error. */
static bool collect(struct request *request, const struct live_chain *live, uint32_t record,
                    const uint32_t *call_result, const struct text *phone, const struct kv *user,
                    struct wanted *wanted)
{
    struct fault fault = { 0 };
    enum err err = ERR_OK;
    *wanted = wanted_new(request, user);
    if (call_result) {
        struct value value = value_of_i64(*call_result);
        err = want(request, live, wanted, record, COLUMN_CALL_RESULT, &value, &fault);
    }
    if (!err && phone) {
        struct value value = value_of_text(*phone);
        err = want(request, live, wanted, record, COLUMN_CONTACT_INFO, &value, &fault);
    }
    if (!err) err = want_user_data(request, live, wanted, record, user, &fault);
    if (err) request_refuse(request, OUTBOUND_BAD_KEY, "%s: %s", fault.field, fault.words);
    return err == ERR_OK;
}

static void acknowledge(struct request *request, struct chain_step *step, const struct msg *msg)
{
    if (step->outcome.refusal.error) {
        request_refuse_with(request, &step->outcome.refusal);
        return;
    }
    request_reply(request, msg, reply_new(request, msg, step->live),
                  guid_text(&step->outcome.attempt_guid));
}

static void on_updated(void *self, struct chain_step *step)
{
    struct request *request = self;
    if (!step->outcome.refusal.error) request->server->counters.records_updated_total++;
    acknowledge(request, step, &MSG_OUTBOUND_UPDATE_CALL_COMPLETION_STATS_ACKNOWLEDGE);
}

static void update_call_completion_stats(struct request *request)
{
    const struct outbound_update_call_completion_stats *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL) return;
    uint32_t record = chain_find_handle(&live->chain, asked->gsw_record_handle);
    struct wanted wanted;
    bool has_result = SHAPE_HAS(asked, OUTBOUND_UPDATE_CALL_COMPLETION_STATS_HAS_GSW_CALL_RESULT);
    bool has_phone = SHAPE_HAS(asked, OUTBOUND_UPDATE_CALL_COMPLETION_STATS_HAS_GSW_PHONE);
    if (!collect(request, live, record, has_result ? &asked->gsw_call_result : NULL,
                 has_phone ? &asked->gsw_phone : NULL, &asked->user_data, &wanted))
        return;
    struct chain_request step = { .event = CHAIN_UPDATE,
                                  .record = record,
                                  .agent_id = asked->gsw_agent_id,
                                  .writes = wanted.writes,
                                  .write_count = wanted.count };
    session_step_chain(live, &step, (struct text){ 0 }, on_updated, request);
}

static void on_processed(void *self, struct chain_step *step)
{
    acknowledge(self, step, &MSG_OUTBOUND_RECORD_PROCESSED_ACKNOWLEDGE);
}

static void record_processed(struct request *request)
{
    const struct outbound_record_processed *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL) return;
    uint32_t record = chain_find_handle(&live->chain, asked->gsw_record_handle);
    struct wanted wanted;
    bool has_result = SHAPE_HAS(asked, OUTBOUND_RECORD_PROCESSED_HAS_GSW_CALL_RESULT);
    bool has_phone = SHAPE_HAS(asked, OUTBOUND_RECORD_PROCESSED_HAS_GSW_PHONE);
    if (!collect(request, live, record, has_result ? &asked->gsw_call_result : NULL,
                 has_phone ? &asked->gsw_phone : NULL, &asked->user_data, &wanted))
        return;
    struct chain_request step = {
        .event = CHAIN_FINALISE,
        .record = record,
        .agent_id = asked->gsw_agent_id,
        .writes = wanted.writes,
        .write_count = wanted.count,
        .is_record_only = text_eq(asked->gsw_chain_attr, TEXT("RecordOnly")),
    };
    session_step_chain(live, &step, asked->gsw_disposition_code, on_processed, request);
}

static void on_rejected(void *self, struct chain_step *step)
{
    struct request *request = self;
    if (!step->outcome.refusal.error) request->server->counters.records_rejected_total++;
    acknowledge(request, step, &MSG_OUTBOUND_RECORD_REJECT_ACKNOWLEDGE);
}

static void record_reject(struct request *request)
{
    const struct outbound_record_reject *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL) return;
    struct chain_request step = { .event = CHAIN_REJECT,
                                  .agent_id = asked->gsw_agent_id,
                                  .record =
                                      chain_find_handle(&live->chain, asked->gsw_record_handle) };
    session_step_chain(live, &step, (struct text){ 0 }, on_rejected, request);
}

static void chained_record(struct request *request)
{
    const struct outbound_chained_record_request *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL) return;
    const struct chain *chain = &live->chain;
    struct outbound_chained_records *reply =
        reply_new(request, &MSG_OUTBOUND_CHAINED_RECORDS, live);
    reply->head.has |= OUTBOUND_CHAINED_RECORDS_HAS_GSW_CHAIN_ID |
                       OUTBOUND_CHAINED_RECORDS_HAS_RECORDS;
    reply->gsw_chain_id = record_i64(&chain->records[chain->primary], COLUMN_CHAIN_ID);
    reply->records.at = scope_alloc_array(request->life, chain->count, sizeof *reply->records.at);
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct record *record = &chain->records[i];
        if (record->handle == asked->gsw_record_handle) continue;
        reply->records.at[reply->records.count++] = (struct outbound_chained_record){
            .head.has = UINT64_MAX,
            .gsw_record_handle = record->handle,
            .gsw_phone = record_text(record, COLUMN_CONTACT_INFO),
            .gsw_phone_type = (uint32_t)record_i64(record, COLUMN_CONTACT_INFO_TYPE),
            .gsw_record_type = (uint32_t)record_i64(record, COLUMN_RECORD_TYPE),
            .gsw_record_status = (uint32_t)record_i64(record, COLUMN_RECORD_STATUS),
            .gsw_call_result = (uint32_t)record_i64(record, COLUMN_CALL_RESULT),
            .gsw_attempts = (uint32_t)record_i64(record, COLUMN_ATTEMPT),
            .gsw_chain_id = record_i64(record, COLUMN_CHAIN_ID),
            .gsw_chain_n = record_i64(record, COLUMN_CHAIN_N),
            .user_data = user_data(request, chain->layout, record),
        };
    }
    request_reply(request, &MSG_OUTBOUND_CHAINED_RECORDS, reply, guid_text(&chain->attempt_guid));
}

/* --- RecordStatus --- */

struct status_read {
    struct request *request;
    struct text list_name, agent_id, attempt_guid;
    struct list_table *table;
};

static void reply_status(struct request *request, const struct record *record,
                         struct text list_name, struct text campaign, struct text agent_id,
                         struct text attempt_guid)
{
    struct outbound_record_status reply = {
        .head.has = UINT64_MAX,
        .gsw_record_handle = request->handle,
        .gsw_campaign_name = campaign,
        .gsw_calling_list = list_name,
        .gsw_chain_id = record_i64(record, COLUMN_CHAIN_ID),
        .gsw_chain_n = record_i64(record, COLUMN_CHAIN_N),
        .gsw_record_type = (uint32_t)record_i64(record, COLUMN_RECORD_TYPE),
        .gsw_record_status = (uint32_t)record_i64(record, COLUMN_RECORD_STATUS),
        .gsw_call_result = (uint32_t)record_i64(record, COLUMN_CALL_RESULT),
        .gsw_attempts = (uint32_t)record_i64(record, COLUMN_ATTEMPT),
        .gsw_agent_id = agent_id,
        .gsw_call_attempt_guid = attempt_guid,
    };
    request_reply(request, &MSG_OUTBOUND_RECORD_STATUS, &reply, attempt_guid);
}

static struct text campaign_name_of(struct outbound *server, uint32_t campaign_dbid)
{
    const struct app_object *campaign =
        app_object_by_dbid(server->app, &OBJECT_CAMPAIGN, campaign_dbid);
    return campaign ? campaign->fields->name : (struct text){ "", 0 };
}

static void on_status_row(void *self, enum err err, const struct rows *rows)
{
    struct status_read *read = self;
    struct request *request = read->request;
    /* The handles of a chain follow its rows' order. */
    if (err || rows_count(rows) <= request->record_index) {
        request_refuse(request, OUTBOUND_INVALID_HANDLE, "GSW_RECORD_HANDLE: the row of %u is gone",
                       request->handle);
        return;
    }
    struct record record = { request->handle, list_read_row(&read->table->layout, request->life,
                                                            rows, request->record_index) };
    reply_status(
        request, &record, read->list_name,
        campaign_name_of(request->server, (uint32_t)record_i64(&record, COLUMN_CAMPAIGN_ID)),
        read->agent_id, read->attempt_guid);
}

static void on_status_round(void *self, enum err err, const struct rows *rows)
{
    struct request *request = self;
    if (err || !round_covers(rows, request->handle)) {
        request_refuse(request, err ? OUTBOUND_DATABASE_ERROR : OUTBOUND_INVALID_HANDLE,
                       "GSW_RECORD_HANDLE: no record has the handle %u", request->handle);
        return;
    }
    struct calling_list *list =
        lists_find_by_dbid(request->server->lists, (uint32_t)rows_i64(rows, 0, 2), NULL);
    if (list == NULL) {
        request_refuse(request, OUTBOUND_LIST_UNKNOWN, "the record's calling list is gone");
        return;
    }
    struct status_read *read = scope_alloc(request->life, sizeof *read);
    *read = (struct status_read){ request, scope_keep(request->life, list->name),
                                  scope_keep(request->life, rows_text(rows, 0, 4)),
                                  scope_keep(request->life, rows_text(rows, 0, 5)), list->table };
    request->record_index = request->handle - (uint32_t)rows_i64(rows, 0, 0);
    int64_t chain_id = rows_i64(rows, 0, 3);
    list_load_chains(list->table, &chain_id, 1, on_status_row, read);
}

static void record_status(struct request *request)
{
    const struct outbound_record_status_request *asked = request->fields;
    request->handle = asked->gsw_record_handle;
    struct live_chain *live = table_get(request->server->handles, TEXT_OF(&request->handle));
    if (live == NULL) {
        ask_for_round(request, on_status_round);
        return;
    }
    struct session_names names;
    if (!session_names(request->server, live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    reply_status(request, &live->chain.records[chain_find_handle(&live->chain, request->handle)],
                 live->list_name, names.campaign, live->chain.agent_id,
                 guid_text(&live->chain.attempt_guid));
}

/* --- orders to a group --- */

static void order(struct request *request, uint32_t group_dbid, enum session_event event,
                  const struct dialing *wanted)
{
    struct fault fault = { 0 };
    struct session *session = session_of(request->server, group_dbid, &fault);
    if (session == NULL)
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
    else
        session_order(session, event, wanted, request);
}

static void load(struct request *request)
{
    const struct outbound_campaign_load *asked = request->fields;
    order(request, asked->gsw_campaign_group_dbid, SESSION_LOAD, NULL);
}

static void start(struct request *request)
{
    const struct outbound_campaign_start *asked = request->fields;
    struct dialing wanted = { asked->gsw_dial_mode, asked->gsw_optimize_by,
                              asked->gsw_optimize_goal };
    order(request, asked->gsw_campaign_group_dbid, SESSION_START, &wanted);
}

static void set_dial_mode(struct request *request)
{
    const struct outbound_campaign_set_dial_mode *asked = request->fields;
    struct dialing wanted = { asked->gsw_dial_mode, asked->gsw_optimize_by,
                              asked->gsw_optimize_goal };
    order(request, asked->gsw_campaign_group_dbid, SESSION_SET_MODE, &wanted);
}

static void stop(struct request *request)
{
    const struct outbound_campaign_stop *asked = request->fields;
    order(request, asked->gsw_campaign_group_dbid, SESSION_STOP, NULL);
}

static void unload(struct request *request)
{
    const struct outbound_campaign_unload *asked = request->fields;
    order(request, asked->gsw_campaign_group_dbid, SESSION_UNLOAD, NULL);
}

static void force_unload(struct request *request)
{
    const struct outbound_campaign_force_unload *asked = request->fields;
    order(request, asked->gsw_campaign_group_dbid, SESSION_FORCE_UNLOAD, NULL);
}

static void get_status(struct request *request)
{
    const struct outbound_campaign_get_status *asked = request->fields;
    struct fault fault = { 0 };
    struct session *session = session_of(request->server, asked->gsw_campaign_group_dbid, &fault);
    struct session_names names;
    if (session == NULL || !session_names(request->server, session->dbid, &names, &fault)) {
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "%s: %s", fault.field, fault.words);
        return;
    }
    bool is_null = session->fsm.state == SESSION_NULL;
    struct outbound_campaign_status reply = {
        .head.has = UINT64_MAX & ~(is_null ? OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_CAMPAIGN_GROUP_GUID |
                                                 OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_DIAL_MODE
                                           : 0),
        .gsw_campaign_group_dbid = session->dbid,
        .gsw_campaign_group_name = names.campaign_group,
        .gsw_campaign_name = names.campaign,
        .gsw_campaign_group_guid = guid_text(&session->guid),
        .gsw_state = text_of(fsm_state_name(&session->fsm)),
        .gsw_dial_mode = session->dialing.mode,
        .gsw_optimize_by = session->dialing.optimize_by,
        .gsw_optimize_goal = session->dialing.optimize_goal,
        .gsw_waiting_records = session->fsm.state == SESSION_STARTED &&
                               session->buffered_count == 0,
        .gsw_records_buffered = session->buffered_count,
        .gsw_records_in_progress = session->in_progress_count,
        .gsw_records_processed = session->processed_count,
        .gsw_system_error = session->is_store_failing,
    };
    if (session->dialing.optimize_by == 0)
        reply.head.has &= ~(OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_OPTIMIZE_BY |
                            OUTBOUND_CAMPAIGN_STATUS_HAS_GSW_OPTIMIZE_GOAL);
    request_reply(request, &MSG_OUTBOUND_CAMPAIGN_STATUS, &reply, (struct text){ 0 });
}

static const struct {
    const struct msg *msg;
    void (*run)(struct request *request);
} requests[] = {
    { &MSG_OUTBOUND_PREVIEW_RECORD_REQUEST, preview_record },
    { &MSG_OUTBOUND_UPDATE_CALL_COMPLETION_STATS, update_call_completion_stats },
    { &MSG_OUTBOUND_RECORD_PROCESSED, record_processed },
    { &MSG_OUTBOUND_RECORD_REJECT, record_reject },
    { &MSG_OUTBOUND_CHAINED_RECORD_REQUEST, chained_record },
    { &MSG_OUTBOUND_RECORD_STATUS_REQUEST, record_status },
    { &MSG_OUTBOUND_ADD_RECORD, add_record },
    { &MSG_OUTBOUND_CAMPAIGN_LOAD, load },
    { &MSG_OUTBOUND_CAMPAIGN_START, start },
    { &MSG_OUTBOUND_CAMPAIGN_STOP, stop },
    { &MSG_OUTBOUND_CAMPAIGN_UNLOAD, unload },
    { &MSG_OUTBOUND_CAMPAIGN_FORCE_UNLOAD, force_unload },
    { &MSG_OUTBOUND_CAMPAIGN_SET_DIAL_MODE, set_dial_mode },
    { &MSG_OUTBOUND_CAMPAIGN_GET_STATUS, get_status },
};

void (*desktop_find(const struct msg *msg))(struct request *request)
{
    for (size_t i = 0; i < sizeof requests / sizeof requests[0]; i++)
        if (requests[i].msg == msg) return requests[i].run;
    return NULL;
}
