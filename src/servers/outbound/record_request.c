/* SPDX-License-Identifier: Apache-2.0 */
/* A request on a record finds its chain by the handle; one that is not in memory any more is looked
 * up among the rounds, so that "finalised already" and "never heard of" stay two answers, a restart
 * in between or not. */
#include "servers/outbound/record_request.h"

#include "gen/objects.h"
#include "servers/outbound/answered_step.h"
#include "servers/outbound/contact_time.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/round_lookup.h"
#include "servers/outbound/session.h"
#include "servers/outbound/treatment_book.h"

#include <stdio.h>

static void on_round(void *self, enum err err, const struct rows *rows)
{
    round_refuse(self, err, rows);
}

/* The chain of the handle, when the request may go on now. NULL: answered, or waiting its turn. */
static struct live_chain *chain_for(struct request *request, uint32_t handle)
{
    request->handle = handle;
    struct live_chain *live = table_get(request->server->handles, TEXT_OF(&request->handle));
    if (live == NULL) {
        round_lookup(request, on_round, request);
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
    if (!err && column < COLUMNS_MANDATORY && fits.kind == VALUE_INTEGER &&
        fits.integer > RECORD_INTEGER_MAX)
        err = fault_set(fault, ERR_LIMIT, "GSW_CALL_RESULT", "must be at most %d",
                        RECORD_INTEGER_MAX);
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

void update_call_completion_stats(struct request *request)
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
    answered_step(request, live, &step, (struct text){ 0 }, NULL, on_updated);
}

static enum chain_treat treat_of(struct text asked)
{
    if (asked.len == 0) return TREAT_NOT;
    return text_eq(asked, TEXT("RecordTreatPersonal")) ? TREAT_PERSONAL : TREAT_CAMPAIGN;
}

static void on_processed(void *self, struct chain_step *step)
{
    acknowledge(self, step, &MSG_OUTBOUND_RECORD_PROCESSED_ACKNOWLEDGE);
}

void record_processed(struct request *request)
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
        .treat = treat_of(asked->gsw_treatment),
    };
    treatment_book_fill(request->server->treatments, live, &step);
    answered_step(request, live, &step, asked->gsw_disposition_code, NULL, on_processed);
}

/* --- call-backs (spec 10) --- */

/* When, and which type; false: answered with an error. */
static bool read_wish(struct request *request, const struct live_chain *live, uint32_t record,
                      struct chain_wish *out)
{
    const struct outbound_record_reschedule *asked = request->fields;
    const struct app *app = request->server->app;
    uint32_t tz_dbid = (uint32_t)record_i64(&live->chain.records[record], COLUMN_TZ_DBID);
    int64_t now_s = (int64_t)(loop_now_utc_ms(app->loop) / 1000);
    bool is_personal = text_eq(asked->gsw_callback_type, TEXT("Personal"));
    *out = (struct chain_wish){
        .type = is_personal ? RECORD_TYPE_PERSONAL_CALLBACK : RECORD_TYPE_CAMPAIGN_CALLBACK,
        .phone = asked->gsw_phone,
    };
    enum err err = contact_time_parse(app, tz_dbid, asked->gsw_date_time, &out->due_s);
    if (err == ERR_NOT_FOUND)
        request_refuse(request, OUTBOUND_BAD_DATE,
                       "GSW_DATE_TIME: the record's time zone %u is not configured", tz_dbid);
    else if (err)
        request_refuse(request, OUTBOUND_BAD_DATE, "GSW_DATE_TIME: must be MM/DD/YYYY hh:mm");
    else if (out->due_s <= now_s)
        request_refuse(request, OUTBOUND_BAD_DATE, "GSW_DATE_TIME: %.*s is in the past",
                       TEXT_ARG(asked->gsw_date_time));
    else if (out->due_s > RECORD_INTEGER_MAX)
        request_refuse(request, OUTBOUND_BAD_DATE,
                       "GSW_DATE_TIME: %.*s is beyond 01/19/2038, the end of dial_sched_time",
                       TEXT_ARG(asked->gsw_date_time));
    return !err && out->due_s > now_s && out->due_s <= RECORD_INTEGER_MAX;
}

static const void *promise(struct request *request, const struct live_chain *live)
{
    const struct outbound_record_reschedule *asked = request->fields;
    struct outbound_record_reschedule_acknowledge *reply =
        reply_new(request, request->msg->reply, live);
    reply->head.has |= OUTBOUND_RECORD_RESCHEDULE_ACKNOWLEDGE_HAS_GSW_DATE_TIME |
                       OUTBOUND_RECORD_RESCHEDULE_ACKNOWLEDGE_HAS_GSW_CALLBACK_TYPE;
    reply->gsw_date_time = asked->gsw_date_time;
    reply->gsw_callback_type =
        text_eq(asked->gsw_callback_type, TEXT("Personal")) ? TEXT("Personal") : TEXT("Campaign");
    return reply;
}

static void on_promised(void *self, struct chain_step *step)
{
    struct request *request = self;
    if (step->outcome.refusal.error)
        request_refuse_with(request, &step->outcome.refusal);
    else
        request_reply(request, request->msg->reply, promise(request, step->live),
                      guid_text(&step->outcome.attempt_guid));
}

/* The two requests and their replies have the same fields under the same tags. */
_Static_assert(sizeof(struct outbound_record_reschedule) ==
                       sizeof(struct outbound_scheduled_record_reschedule) &&
                   sizeof(struct outbound_record_reschedule_acknowledge) ==
                       sizeof(struct outbound_scheduled_record_reschedule_acknowledge),
               "RecordReschedule and ScheduledRecordReschedule are alike");

static void reschedule(struct request *request, enum chain_event event)
{
    const struct outbound_record_reschedule *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL) return;
    uint32_t record = chain_find_handle(&live->chain, asked->gsw_record_handle);
    struct chain_wish wish;
    struct wanted wanted;
    if (!read_wish(request, live, record, &wish) ||
        !collect(request, live, record, NULL, NULL, &asked->user_data, &wanted))
        return;
    struct chain_request step = { .event = event,
                                  .record = record,
                                  .agent_id = asked->gsw_agent_id,
                                  .writes = wanted.writes,
                                  .write_count = wanted.count,
                                  .wish = wish };
    answered_step(request, live, &step, (struct text){ 0 }, promise(request, live), on_promised);
}

void record_reschedule(struct request *request)
{
    reschedule(request, CHAIN_WISH);
}

void scheduled_record_reschedule(struct request *request)
{
    reschedule(request, CHAIN_MOVE);
}

static void on_rejected(void *self, struct chain_step *step)
{
    struct request *request = self;
    if (!step->outcome.refusal.error) request->server->counters.records_rejected_total++;
    acknowledge(request, step, &MSG_OUTBOUND_RECORD_REJECT_ACKNOWLEDGE);
}

void record_reject(struct request *request)
{
    const struct outbound_record_reject *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL) return;
    struct chain_request step = { .event = CHAIN_REJECT,
                                  .agent_id = asked->gsw_agent_id,
                                  .record =
                                      chain_find_handle(&live->chain, asked->gsw_record_handle),
                                  .later_s = live->session->options->callback_wait };
    answered_step(request, live, &step, (struct text){ 0 }, NULL, on_rejected);
}

/* For requests that change nothing, which no step judges. False: answered with an error. */
static bool is_owner(struct request *request, const struct live_chain *live, struct text agent_id)
{
    if (agent_id.len == 0 || text_eq(agent_id, live->chain.agent_id)) return true;
    request_refuse(request, OUTBOUND_NOT_OWNER, "GSW_AGENT_ID: the record is with another agent");
    return false;
}

void continue_processing(struct request *request)
{
    const struct outbound_continue_processing *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL || !is_owner(request, live, asked->gsw_agent_id)) return;
    live->touched_mono_ms = loop_now_mono_ms(request->server->app->loop);
    const struct msg *msg = &MSG_OUTBOUND_CONTINUE_PROCESSING_ACKNOWLEDGE;
    request_reply(request, msg, reply_new(request, msg, live),
                  guid_text(&live->chain.attempt_guid));
}

void chained_record(struct request *request)
{
    const struct outbound_chained_record_request *asked = request->fields;
    struct live_chain *live = chain_for(request, asked->gsw_record_handle);
    if (live == NULL || !is_owner(request, live, asked->gsw_agent_id)) return;
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
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_CHAINED_RECORD),
            .gsw_record_handle = record->handle,
            .gsw_phone = record_text(record, COLUMN_CONTACT_INFO),
            .gsw_phone_type = (uint32_t)record_i64(record, COLUMN_CONTACT_INFO_TYPE),
            .gsw_record_type = (uint32_t)record_i64(record, COLUMN_RECORD_TYPE),
            .gsw_record_status = (uint32_t)record_i64(record, COLUMN_RECORD_STATUS),
            .gsw_call_result = (uint32_t)record_i64(record, COLUMN_CALL_RESULT),
            .gsw_attempts = (uint32_t)record_i64(record, COLUMN_ATTEMPT),
            .gsw_chain_id = record_i64(record, COLUMN_CHAIN_ID),
            .gsw_chain_n = record_i64(record, COLUMN_CHAIN_N),
            .user_data = reply_user_data(request->life, chain->layout, record),
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
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_RECORD_STATUS),
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
    struct calling_list *list = lists_find_by_dbid(
        request->server->lists, (uint32_t)rows_i64(rows, 0, ROUND_LIST_DBID), NULL);
    /* A list that got another table has other records under the same numbers. */
    if (list == NULL || !text_eq(list->table->key, rows_text(rows, 0, ROUND_TABLE_NAME))) {
        request_refuse(request, OUTBOUND_LIST_UNKNOWN, "the record's calling list is gone");
        return;
    }
    struct status_read *read = scope_alloc(request->life, sizeof *read);
    *read = (struct status_read){ request, scope_keep(request->life, list->name),
                                  scope_keep(request->life, rows_text(rows, 0, ROUND_AGENT_ID)),
                                  scope_keep(request->life, rows_text(rows, 0, ROUND_ATTEMPT_GUID)),
                                  list->table };
    request->record_index = request->handle - (uint32_t)rows_i64(rows, 0, ROUND_HANDLE_BASE);
    int64_t chain_id = rows_i64(rows, 0, ROUND_CHAIN_ID);
    list_load_chains(list->table, &chain_id, 1, on_status_row, read);
}

void record_status(struct request *request)
{
    const struct outbound_record_status_request *asked = request->fields;
    request->handle = asked->gsw_record_handle;
    struct live_chain *live = table_get(request->server->handles, TEXT_OF(&request->handle));
    if (live == NULL) {
        round_lookup(request, on_status_round, request);
        return;
    }
    struct session_names names;
    if (!session_names(request->server, live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    reply_status(request, &live->chain.records[chain_find_handle(&live->chain, request->handle)],
                 live->list_name, names.campaign, live->chain.agent_id,
                 guid_text(&live->chain.attempt_guid));
}
