/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/ending_private.h"

#include "servers/outbound/desktops.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/idempotency.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/request_log.h"
#include "servers/outbound/session.h"

static const char *rule_of(const struct ending *ending)
{
    return ending->event == CHAIN_BLOCK ? "do not call" : "cancel";
}

struct text ending_outcome(enum chain_event event)
{
    return event == CHAIN_BLOCK ? TEXT("type No Call, result Do Not Call, Updated")
                                : TEXT("Cancelled, result Cancel Record");
}

/* --- the answer --- */

/* A field of the reply, marked as there: both acknowledgements have the same ones. */
static void *present(const struct msg *msg, void *fields, const char *name)
{
    const struct shape_field *field = shape_find(msg->shape, text_of(name));
    ASSERT(field != NULL);
    ((struct shape_head *)fields)->has |= (uint64_t)1 << (field - msg->shape->fields);
    return (char *)fields + field->offset;
}

static void put_text(const struct msg *msg, void *fields, const char *name, struct text value)
{
    if (value.len) *(struct text *)present(msg, fields, name) = value;
}

static void *acknowledgement(const struct ending *ending)
{
    struct request *request = ending->request;
    const struct msg *msg = request->msg->reply;
    void *reply = scope_alloc(request->life, msg->shape->size);
    *(uint64_t *)present(msg, reply, "GSW_RECORDS") = ending->records;
    if (ending->has_handle) {
        *(uint32_t *)present(msg, reply, "GSW_RECORD_HANDLE") = request->handle;
    } else {
        put_text(msg, reply, "GSW_PHONE", ending->phone);
        put_text(msg, reply, "GSW_CUSTOMER_ID", ending->customer_id);
    }
    put_text(msg, reply, "GSW_CAMPAIGN_NAME", ending->campaign_name);
    put_text(msg, reply, "GSW_CALLING_LIST", ending->list_name);
    reply_echo_reference(request, msg, reply);
    return reply;
}

static void answer(struct ending *ending)
{
    struct request *request = ending->request;
    if (ending->refusal.error)
        request_refuse_with(request, &ending->refusal);
    else
        request_reply(request, request->msg->reply, acknowledgement(ending), ending->attempt_guid);
}

/* --- carrying it out --- */

/* Rows that wait become final: the record, or all of its chain. */
void ending_add_end_row(const struct ending *ending, struct list_table *table,
                        struct change *change, int64_t chain_id, int64_t chain_n)
{
    enum { KEY_BLOCK = 1000, KEY_CANCEL = 2000 }; /* beside other statements of the chain */
    struct value parameters[] = { value_of_i64(chain_id), value_of_i64(chain_n) };
    struct buf sql = { 0 };
    buf_format(&sql, "UPDATE %.*s SET ", TEXT_ARG(table->layout.table));
    if (ending->event == CHAIN_BLOCK)
        buf_format(&sql, "record_type = %d, call_result = %d, record_status = %d",
                   RECORD_TYPE_NO_CALL, CALL_RESULT_DO_NOT_CALL, RECORD_STATUS_UPDATED);
    else
        buf_format(&sql, "call_result = %d, record_status = %d", CALL_RESULT_CANCEL_RECORD,
                   RECORD_STATUS_CANCELLED);
    buf_add_z(&sql, " WHERE chain_id = ?1 AND record_status = 1");
    if (ending->is_record_only) buf_add_z(&sql, " AND chain_n = ?2");
    int64_t key = (ending->event == CHAIN_BLOCK ? KEY_BLOCK : KEY_CANCEL) +
                  (ending->is_record_only ? chain_n : 0);
    list_add_statement(table, change, chain_id, key, buf_text(&sql), parameters,
                       ending->is_record_only ? 2 : 1);
    buf_free(&sql);
}

static void add_explanation(struct ending *ending, struct change *change, uint32_t list_dbid,
                            uint32_t group_dbid, int64_t chain_id, int64_t chain_n)
{
    struct text asked = scope_format(ending->request->life, "asked by %s %s%.*s%s",
                                     ending->has_handle        ? "handle"
                                     : ending->customer_id.len ? "customer id"
                                                               : "number",
                                     ending->agent_id.len ? "(agent " : "",
                                     TEXT_ARG(ending->agent_id), ending->agent_id.len ? ")" : "");
    explain_add(change, &(struct explain_line){
                            .at_utc_ms = loop_now_utc_ms(ending->server->app->loop),
                            .list_dbid = list_dbid,
                            .chain_id = chain_id,
                            .chain_n = ending->is_record_only ? chain_n : 0,
                            .group_dbid = group_dbid,
                            .campaign_dbid = ending->campaign_dbid,
                            .rule = rule_of(ending),
                            .inputs = text_trim(asked),
                            .outcome = ending_outcome(ending->event),
                        });
}

/* Rows that wait in their table. */
void ending_add_rows(struct ending *ending, struct change *change)
{
    for (uint32_t i = 0; i < ending->hit_count; i++) {
        const struct hit *hit = &ending->hits[i];
        if (hit->status != RECORD_STATUS_READY) continue;
        ending_add_end_row(ending, hit->table, change, hit->chain_id, hit->chain_n);
        add_explanation(ending, change, hit->list_dbid, 0, hit->chain_id, hit->chain_n);
        ending->records++;
    }
}

static void on_step_ended(void *self, struct chain_step *step)
{
    struct ending *ending = self;
    if (step->outcome.refusal.error) ending->refusal = step->outcome.refusal;
}

/* A chain in memory that was refused hears so in a later turn; nothing else of the request
 * happened. */
static void on_refused(void *self, struct chain_step *step)
{
    struct ending *ending = self;
    ending->refusal = step->outcome.refusal;
    answer(ending);
}

struct text ending_campaign(const struct live_chain *live)
{
    struct session_names names;
    return session_names(live->session->server, live->session->dbid, &names, NULL)
               ? names.campaign
               : (struct text){ 0 };
}

/* False: refused, and answered in a later turn. */
bool ending_add_step(struct ending *ending, struct change *change, struct live_chain *live,
                     uint32_t record)
{
    struct scope *life = ending->request->life;
    const struct chain *chain = &live->chain;
    bool is_with_agent = chain_state(chain) == CHAIN_PROCESSING;
    struct taken taken = { scope_keep(life, chain->agent_id), scope_keep(life, live->list_name),
                           scope_keep(life, ending_campaign(live)), chain->records[record].handle };
    struct chain_request request = {
        .event = ending->event,
        .record = record,
        .agent_id = ending->has_handle ? ending->agent_id : (struct text){ 0 },
        .is_record_only = ending->is_record_only,
    };
    add_explanation(ending, change, live->list_dbid, live->session->dbid,
                    record_i64(&chain->records[record], COLUMN_CHAIN_ID),
                    record_i64(&chain->records[record], COLUMN_CHAIN_N));
    struct chain_step *step = session_prepare_step(live, &request, (struct text){ 0 }, change,
                                                   ending->has_handle ? on_refused : on_step_ended,
                                                   ending);
    if (step == NULL) return false;
    /* Rows that joined the chain after it was taken are Ready in the table. */
    if (!ending->is_record_only)
        ending_add_end_row(ending, live->table, change,
                           record_i64(&chain->records[record], COLUMN_CHAIN_ID), 0);
    step->on_end = on_step_ended;
    ending->steps[ending->step_count++] = step;
    ending->records += ending->is_record_only ? 1 : chain->count;
    if (is_with_agent && step->outcome.round == ROUND_CLOSES &&
        !text_eq(taken.agent_id, ending->agent_id))
        ending->taken[ending->taken_count++] = taken;
    return true;
}

void ending_add_entry(struct ending *ending, struct change *change)
{
    if (ending->event != CHAIN_BLOCK) return;
    bool is_customer = ending->customer_id.len > 0;
    struct dnc_entry entry = {
        .kind = is_customer ? DNC_CUSTOMER : DNC_PHONE,
        .what = is_customer ? ending->customer_id : ending->phone,
        .scope = { ending->tenant_dbid, ending->campaign_dbid },
        .message = ending->agent_id.len
                       ? scope_format(ending->request->life, "DoNotCall by agent %.*s",
                                      TEXT_ARG(ending->agent_id))
                       : TEXT("DoNotCall"),
        .list_dbid = ending->hit_count ? ending->hits[0].list_dbid : 0,
        .is_internal = ending->has_handle,
    };
    ending->adding = dnc_table_add(ending->server, change, &entry);
}

static void say_withdrawn(struct ending *ending)
{
    for (uint32_t i = 0; i < ending->taken_count; i++) {
        const struct taken *taken = &ending->taken[i];
        struct withdrawn record = {
            .agent_id = taken->agent_id,
            .campaign = taken->campaign,
            .list_name = taken->list_name,
            .handle = taken->handle,
            .call_result = ending->event == CHAIN_BLOCK ? CALL_RESULT_DO_NOT_CALL
                                                        : CALL_RESULT_CANCEL_RECORD,
        };
        desktops_send_withdrawn(ending->server, &record);
    }
}

static void on_durable(void *self, const struct change_result *result)
{
    struct ending *ending = self;
    for (uint32_t i = 0; i < ending->step_count; i++) session_end_step(ending->steps[i], result);
    if (ending->adding) dnc_table_added(ending->adding, result->err);
    if (result->err && !ending->refusal.error)
        (void)refuse(&ending->refusal, OUTBOUND_DATABASE_ERROR, "the store refused the change: %s",
                     result->words ? result->words : err_words(result->err));
    if (!ending->refusal.error) {
        say_withdrawn(ending);
        if (ending->event == CHAIN_CANCEL)
            ending->server->counters.records_cancelled_total += ending->records;
        if (ending->searches_again) {
            ending_search_again(ending);
            return;
        }
    }
    answer(ending);
}

void ending_submit(struct ending *ending, struct change *change)
{
    if (change_rows(change) == 0) {
        change_drop(change);
        if (ending->adding) dnc_table_added(ending->adding, ERR_OK);
        answer(ending);
        return;
    }
    request_log_add(ending->request, change, NULL, 0);
    if (ending->request->keyed && !ending->searches_again)
        idempotency_add(ending->request, change, ending->request->msg->reply,
                        acknowledgement(ending), ending->attempt_guid);
    change_submit(change, on_durable, ending);
}
