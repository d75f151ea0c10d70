/* SPDX-License-Identifier: Apache-2.0 */
/* What is asked, and the record of a handle. Begin reading at ending_start(). */
#include "servers/outbound/ending_private.h"

#include "gen/objects.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/request_log.h"
#include "servers/outbound/round_lookup.h"
#include "servers/outbound/session.h"

/* --- by handle --- */

static void end_live(struct ending *ending, struct live_chain *live)
{
    struct scope *life = ending->request->life;
    uint32_t record = chain_find_handle(&live->chain, ending->request->handle);
    ending->phone =
        scope_keep(life, record_text(&live->chain.records[record], COLUMN_CONTACT_INFO));
    ending->list_name = scope_keep(life, live->list_name);
    ending->campaign_name = scope_keep(life, ending_campaign(live));
    ending->attempt_guid = scope_keep(life, guid_text(&live->chain.attempt_guid));
    ending->steps = scope_alloc_array(life, 1, sizeof(struct chain_step *));
    ending->taken = scope_alloc_array(life, 1, sizeof *ending->taken);
    struct change *change = change_new(ending->server->store);
    if (!ending_add_step(ending, change, live, record)) {
        change_drop(change);
        return;
    }
    ending_add_entry(ending, change);
    ending_submit(ending, change);
}

/* The row of a record that is not in memory any more: its number joins the list all the same. */
static void on_past_rows(void *self, enum err err, const struct rows *rows)
{
    struct ending *ending = self;
    struct request *request = ending->request;
    if (err || rows_count(rows) <= request->record_index) {
        request_refuse(request, OUTBOUND_INVALID_HANDLE, "GSW_RECORD_HANDLE: the row of %u is gone",
                       request->handle);
        return;
    }
    ending->phone =
        scope_keep(request->life, rows_text(rows, request->record_index, COLUMN_CONTACT_INFO));
    ending_search(ending);
}

static void on_past_round(void *self, enum err err, const struct rows *rows)
{
    struct ending *ending = self;
    struct request *request = ending->request;
    bool is_over = !err && round_covers(rows, request->handle) &&
                   !round_is_open(rows, request->handle);
    struct calling_list *list =
        is_over ? lists_find_by_dbid(ending->server->lists,
                                     (uint32_t)rows_i64(rows, 0, ROUND_LIST_DBID), NULL)
                : NULL;
    bool is_there = list && text_eq(list->table->key, rows_text(rows, 0, ROUND_TABLE_NAME));
    if (ending->event == CHAIN_CANCEL || !is_there) {
        round_refuse(request, err, rows);
        return;
    }
    if (ending->agent_id.len && !text_eq(ending->agent_id, rows_text(rows, 0, ROUND_AGENT_ID))) {
        request_refuse(request, OUTBOUND_NOT_OWNER,
                       "GSW_AGENT_ID: the record was with another agent");
        return;
    }
    request->record_index = request->handle - (uint32_t)rows_i64(rows, 0, ROUND_HANDLE_BASE);
    ending->list_name = scope_keep(request->life, list->name);
    int64_t chain_id = rows_i64(rows, 0, ROUND_CHAIN_ID);
    list_load_chains(list->table, &chain_id, 1, on_past_rows, ending);
}

static void start_by_handle(struct ending *ending)
{
    struct request *request = ending->request;
    struct live_chain *live = table_get(ending->server->handles, TEXT_OF(&request->handle));
    if (live == NULL) {
        round_lookup(request, on_past_round, ending);
    } else if (live->is_busy) {
        list_add_last(&live->waiting, &request->node);
    } else {
        end_live(ending, live);
    }
}

/* --- the door --- */

static void run_again(void *self)
{
    request_run(self);
}

static bool find_campaign(struct ending *ending, struct text name)
{
    if (name.len == 0) return true;
    const struct app_object *campaign = app_object(ending->server->app, &OBJECT_CAMPAIGN, name);
    if (campaign == NULL) {
        request_refuse(ending->request, OUTBOUND_NOT_LOADED, "GSW_CAMPAIGN_NAME: no campaign %.*s",
                       TEXT_ARG(name));
        return false;
    }
    ending->campaign_dbid = campaign->dbid;
    ending->campaign_name = scope_keep(ending->request->life, name);
    return true;
}

static void ending_start(struct ending *ending, struct text campaign_name)
{
    struct request *request = ending->request;
    ending->phone = text_trim(ending->phone);
    ending->customer_id = ending->phone.len ? (struct text){ 0 } : text_trim(ending->customer_id);
    if (ending->has_handle) ending->phone = ending->customer_id = (struct text){ 0 };
    if (!ending->has_handle && ending->phone.len + ending->customer_id.len == 0) {
        request_refuse(request, OUTBOUND_BAD_KEY,
                       "GSW_RECORD_HANDLE, GSW_PHONE or GSW_CUSTOMER_ID has to be given");
        return;
    }
    if (!find_campaign(ending, campaign_name)) return;
    if (ending->event == CHAIN_BLOCK && !dnc_is_loaded(ending->server))
        dnc_when_loaded(ending->server, request->life, run_again, request);
    else if (ending->has_handle)
        start_by_handle(ending);
    else
        ending_search(ending);
}

static struct ending *ending_new(struct request *request, enum chain_event event,
                                 struct text chain_attr)
{
    struct ending *ending = scope_alloc(request->life, sizeof *ending);
    ending->request = request;
    ending->server = request->server;
    ending->event = event;
    ending->is_record_only = !text_eq(chain_attr, TEXT("AllChain"));
    ending->tenant_dbid = dnc_tenant(request->server);
    return ending;
}

void do_not_call(struct request *request)
{
    const struct outbound_do_not_call *asked = request->fields;
    struct ending *ending = ending_new(request, CHAIN_BLOCK, asked->gsw_chain_attr);
    ending->has_handle = SHAPE_HAS(asked, OUTBOUND_DO_NOT_CALL_HAS_GSW_RECORD_HANDLE);
    request->handle = asked->gsw_record_handle;
    ending->phone = asked->gsw_phone;
    ending->customer_id = asked->gsw_customer_id;
    ending->agent_id = asked->gsw_agent_id;
    if (SHAPE_HAS(asked, OUTBOUND_DO_NOT_CALL_HAS_GSW_TENANT_ID))
        ending->tenant_dbid = asked->gsw_tenant_id;
    ending_start(ending, asked->gsw_campaign_name);
}

void request_record_cancel(struct request *request)
{
    const struct outbound_request_record_cancel *asked = request->fields;
    struct ending *ending = ending_new(request, CHAIN_CANCEL, asked->gsw_chain_attr);
    ending->has_handle = SHAPE_HAS(asked, OUTBOUND_REQUEST_RECORD_CANCEL_HAS_GSW_RECORD_HANDLE);
    request->handle = asked->gsw_record_handle;
    ending->phone = asked->gsw_phone;
    ending->customer_id = asked->gsw_customer_id;
    ending->agent_id = asked->gsw_agent_id;
    ending_start(ending, asked->gsw_campaign_name);
}

/* --- kept back by the list --- */

static struct text verdict_words(enum dnc_verdict verdict)
{
    return verdict == DNC_BLOCKED_BY_PHONE ? TEXT("number is on the list")
                                           : TEXT("customer is on the list");
}

static void add_kept_back(const struct session *session, const struct calling_list *list,
                          const struct record *record, enum dnc_verdict verdict,
                          struct change *change)
{
    struct outbound *server = session->server;
    struct session_names names;
    bool has_names = session_names(server, session->dbid, &names, NULL);
    server->counters.dnc_blocked_total++;
    explain_add(change, &(struct explain_line){
                            .at_utc_ms = loop_now_utc_ms(server->app->loop),
                            .list_dbid = list->dbid,
                            .chain_id = record_i64(record, COLUMN_CHAIN_ID),
                            .chain_n = record_i64(record, COLUMN_CHAIN_N),
                            .group_dbid = session->dbid,
                            .campaign_dbid = has_names ? names.campaign_dbid : 0,
                            .rule = "do not call list",
                            .inputs = verdict_words(verdict),
                            .outcome = ending_outcome(CHAIN_BLOCK),
                        });
}

void ending_add_blocked(const struct session *session, const struct calling_list *list,
                        const struct record *record, enum dnc_verdict verdict,
                        struct change *change)
{
    struct ending block = { .server = session->server,
                            .event = CHAIN_BLOCK,
                            .is_record_only = true };
    ending_add_end_row(&block, list->table, change, record_i64(record, COLUMN_CHAIN_ID),
                       record_i64(record, COLUMN_CHAIN_N));
    add_kept_back(session, list, record, verdict, change);
}

bool ending_block_waiting(struct live_chain *live, const struct calling_list *list)
{
    const struct record *primary = &live->chain.records[live->chain.primary];
    if (live->session->options->check_dnc_list && !dnc_is_loaded(live->session->server))
        return true; /* it waits on */
    enum dnc_verdict verdict = dnc_check_record(live->session, list, primary);
    if (verdict == DNC_FREE) return false;
    struct change *change = change_new(live->session->server->store);
    struct chain_request request = { .event = CHAIN_BLOCK,
                                     .record = live->chain.primary,
                                     .is_record_only = true };
    add_kept_back(live->session, list, primary, verdict, change);
    struct chain_step *step =
        session_prepare_step(live, &request, (struct text){ 0 }, change, step_forget, NULL);
    if (step)
        session_submit_step(step, change);
    else
        change_drop(change);
    return true;
}

/* --- back with its agent --- */

enum { RETURNED_AGAIN_MS = 1000 };

struct returned {
    struct live_chain *live;
    struct timer *again;
};

/* The primary before others: without it they go back to the list. UINT32_MAX: none is blocked. */
static uint32_t find_blocked(const struct live_chain *live, const struct calling_list *list,
                             enum dnc_verdict *verdict)
{
    const struct chain *chain = &live->chain;
    *verdict = dnc_check_record(live->session, list, &chain->records[chain->primary]);
    if (*verdict != DNC_FREE) return chain->primary;
    for (uint32_t i = 0; i < chain->count; i++) {
        const struct record *record = &chain->records[i];
        if (record_i64(record, COLUMN_RECORD_STATUS) != RECORD_STATUS_CHAIN_READY) continue;
        *verdict = dnc_check_record(live->session, list, record);
        if (*verdict != DNC_FREE) return i;
    }
    return UINT32_MAX;
}

static void on_returned_blocked(void *self, struct chain_step *step)
{
    struct returned *returned = self;
    const struct live_chain *live = step->live;
    enum outbound_error error = step->outcome.refusal.error;
    if (error == OUTBOUND_OK && step->outcome.round == ROUND_CLOSES) {
        struct withdrawn record = { .agent_id = step->outcome.agent_id,
                                    .campaign = ending_campaign(live),
                                    .list_name = live->list_name,
                                    .handle = live->chain.records[step->record].handle,
                                    .call_result = CALL_RESULT_DO_NOT_CALL };
        desktops_send_withdrawn(live->session->server, &record);
    } else if (error == OUTBOUND_OK || error == OUTBOUND_DATABASE_ERROR) {
        timer_start(returned->again, RETURNED_AGAIN_MS); /* another record of it, or once more */
    }
}

static void block_returned(void *self)
{
    struct returned *returned = self;
    struct live_chain *live = returned->live;
    struct calling_list *list =
        lists_find_by_dbid(live->session->server->lists, live->list_dbid, NULL);
    if (live->is_busy) timer_start(returned->again, RETURNED_AGAIN_MS);
    if (live->is_busy || list == NULL) return;
    enum dnc_verdict verdict;
    uint32_t record = find_blocked(live, list, &verdict);
    if (record == UINT32_MAX) return;
    struct change *change = change_new(live->session->server->store);
    struct chain_request request = { .event = CHAIN_BLOCK,
                                     .record = record,
                                     .is_record_only = true };
    add_kept_back(live->session, list, &live->chain.records[record], verdict, change);
    struct chain_step *step = session_prepare_step(live, &request, (struct text){ 0 }, change,
                                                   on_returned_blocked, returned);
    if (step)
        session_submit_step(step, change);
    else
        change_drop(change);
}

void ending_block_returned(struct live_chain *live)
{
    struct returned *returned = scope_alloc(live->life, sizeof *returned);
    returned->live = live;
    returned->again =
        timer_new(live->life, live->session->server->app->loop, block_returned, returned);
    block_returned(returned);
}
