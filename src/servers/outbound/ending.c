/* SPDX-License-Identifier: Apache-2.0 */
/* The road of one request: which records are meant (by handle the chain in memory, else the tables
 * one after the other), then everything in one change (carry_out), then the answer. Begin reading
 * at ending_start(). */
#include "servers/outbound/ending.h"

#include "gen/objects.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/idempotency.h"
#include "servers/outbound/lookup.h"
#include "servers/outbound/reply.h"
#include "servers/outbound/request_log.h"
#include "servers/outbound/session.h"
#include "servers/outbound/step.h"

#include <stdio.h>

enum { HITS_MAX = 1000, SEARCHES_MAX = 30, SEARCH_AGAIN_MS = 100 };

/* A row that is meant. */
struct hit {
    struct list_table *table;
    uint32_t list_dbid;
    int64_t chain_id, chain_n, status;
};

/* A record that was taken from an agent. */
struct taken {
    struct text agent_id, list_name, campaign;
    uint32_t handle;
};

struct ending {
    struct request *request;
    struct outbound *server;
    enum chain_event event; /* CHAIN_BLOCK or CHAIN_CANCEL */
    bool has_handle, is_record_only;
    struct text phone, customer_id, agent_id;
    uint32_t campaign_dbid, tenant_dbid; /* 0: all */
    uint32_t *lists;                     /* DBIDs, one per table */
    uint32_t list_count, next_list;
    struct hit *hits;
    uint32_t hit_count;
    uint32_t searches;
    struct timer *timer;
    /* of the change */
    struct chain_step **steps;
    struct taken *taken;
    uint32_t step_count, taken_count;
    struct dnc_adding *adding;
    uint64_t records;
    bool searches_again;
    struct refusal refusal;
    struct text list_name, campaign_name, attempt_guid; /* of the record of a handle */
};

static const char *rule_of(const struct ending *ending)
{
    return ending->event == CHAIN_BLOCK ? "do not call" : "cancel";
}

static struct text outcome_of(enum chain_event event)
{
    return event == CHAIN_BLOCK ? TEXT("type No Call, result Do Not Call, Updated")
                                : TEXT("Cancelled, result Cancel Record");
}

/* --- the answer --- */

#define FILL_REPLY(ending, type, TYPE)                                                             \
    do {                                                                                           \
        struct type *reply = reply_;                                                               \
        reply->head.has |= TYPE##_HAS_GSW_RECORDS;                                                 \
        reply->gsw_records = (ending)->records;                                                    \
    } while (0)

static void set_text(const struct msg *msg, void *fields, const char *name, struct text value)
{
    const struct shape_field *field = shape_find(msg->shape, text_of(name));
    if (value.len == 0) return;
    *(struct text *)(void *)((char *)fields + field->offset) = value;
    ((struct shape_head *)fields)->has |= (uint64_t)1 << (field - msg->shape->fields);
}

static void *acknowledgement(const struct ending *ending)
{
    struct request *request = ending->request;
    const struct msg *msg = request->msg->reply;
    void *reply_ = scope_alloc(request->life, msg->shape->size);
    if (ending->event == CHAIN_BLOCK)
        FILL_REPLY(ending, outbound_do_not_call_acknowledge, OUTBOUND_DO_NOT_CALL_ACKNOWLEDGE);
    else
        FILL_REPLY(ending, outbound_record_cancel_acknowledge, OUTBOUND_RECORD_CANCEL_ACKNOWLEDGE);
    if (ending->has_handle) {
        const struct shape_field *field = shape_find(msg->shape, TEXT("GSW_RECORD_HANDLE"));
        *(uint32_t *)(void *)((char *)reply_ + field->offset) = request->handle;
        ((struct shape_head *)reply_)->has |= (uint64_t)1 << (field - msg->shape->fields);
    } else {
        set_text(msg, reply_, "GSW_PHONE", ending->phone);
        set_text(msg, reply_, "GSW_CUSTOMER_ID", ending->customer_id);
    }
    set_text(msg, reply_, "GSW_CAMPAIGN_NAME", ending->campaign_name);
    set_text(msg, reply_, "GSW_CALLING_LIST", ending->list_name);
    reply_echo_reference(request, msg, reply_);
    return reply_;
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
static void add_end_row(const struct ending *ending, struct list_table *table,
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
                            .outcome = outcome_of(ending->event),
                        });
}

/* Rows that wait in their table. */
static void add_rows(struct ending *ending, struct change *change)
{
    for (uint32_t i = 0; i < ending->hit_count; i++) {
        const struct hit *hit = &ending->hits[i];
        if (hit->status != RECORD_STATUS_READY) continue;
        add_end_row(ending, hit->table, change, hit->chain_id, hit->chain_n);
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

static struct text campaign_of(const struct live_chain *live)
{
    struct session_names names;
    return session_names(live->session->server, live->session->dbid, &names, NULL)
               ? names.campaign
               : (struct text){ 0 };
}

/* False: refused, and answered in a later turn. */
static bool add_step(struct ending *ending, struct change *change, struct live_chain *live,
                     uint32_t record)
{
    struct scope *life = ending->request->life;
    const struct chain *chain = &live->chain;
    bool is_with_agent = chain_state(chain) == CHAIN_PROCESSING;
    struct taken taken = { scope_keep(life, chain->agent_id), scope_keep(life, live->list_name),
                           scope_keep(life, campaign_of(live)), chain->records[record].handle };
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
        add_end_row(ending, live->table, change,
                    record_i64(&chain->records[record], COLUMN_CHAIN_ID), 0);
    step->on_end = on_step_ended;
    ending->steps[ending->step_count++] = step;
    ending->records += ending->is_record_only ? 1 : chain->count;
    if (is_with_agent && step->outcome.round == ROUND_CLOSES &&
        !text_eq(taken.agent_id, ending->agent_id))
        ending->taken[ending->taken_count++] = taken;
    return true;
}

static void add_entry(struct ending *ending, struct change *change)
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
        struct outbound_record_cancel_notification event = {
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_RECORD_CANCEL_NOTIFICATION),
            .gsw_agent_id = taken->agent_id,
            .gsw_record_handle = taken->handle,
            .gsw_campaign_name = taken->campaign,
            .gsw_calling_list = taken->list_name,
            .gsw_call_result = ending->event == CHAIN_BLOCK ? CALL_RESULT_DO_NOT_CALL
                                                            : CALL_RESULT_CANCEL_RECORD,
        };
        desktops_send(ending->server, &MSG_OUTBOUND_RECORD_CANCEL_NOTIFICATION, &event);
    }
}

static void search_again(struct ending *ending);

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
            search_again(ending);
            return;
        }
    }
    answer(ending);
}

static void submit(struct ending *ending, struct change *change)
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

/* --- by number, by customer --- */

static struct live_chain *live_of_due(struct due *due)
{
    return (struct live_chain *)(void *)((char *)due - offsetof(struct live_chain, due));
}

static bool is_chain(const struct live_chain *live, const struct hit *hit)
{
    return live->table == hit->table &&
           record_i64(&live->chain.records[0], COLUMN_CHAIN_ID) == hit->chain_id;
}

/* NULL: another server's, or on its way between two places for the moment. */
static struct live_chain *find_live(struct outbound *server, const struct hit *hit)
{
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;) {
        LIST_EACH (node, &session->in_progress)
            if (is_chain(LIST_OBJECT(node, struct live_chain, node), hit))
                return LIST_OBJECT(node, struct live_chain, node);
        for (int i = 0; i < BUFFER_CLASSES; i++)
            LIST_EACH (node, &session->buffered[i])
                if (is_chain(LIST_OBJECT(node, struct live_chain, node), hit))
                    return LIST_OBJECT(node, struct live_chain, node);
        for (uint32_t i = 0; i < session->put_off.count; i++)
            if (is_chain(live_of_due(session->put_off.at[i]), hit))
                return live_of_due(session->put_off.at[i]);
    }
    return NULL;
}

static uint32_t record_of(const struct live_chain *live, int64_t chain_n)
{
    for (uint32_t i = 0; i < live->chain.count; i++)
        if (record_i64(&live->chain.records[i], COLUMN_CHAIN_N) == chain_n) return i;
    return UINT32_MAX;
}

static bool is_in_memory(const struct hit *hit)
{
    return hit->status == RECORD_STATUS_RETRIEVED || hit->status == RECORD_STATUS_CHAIN_READY;
}

/* The chains of hits in memory, each once with the record that is meant, the primary before others.
 * False: one of them is on its way; the search goes on in a moment, or when it is free. */
struct meant {
    struct live_chain *live;
    uint32_t record;
};

static bool find_meant(struct ending *ending, struct meant *meant, uint32_t *count)
{
    for (uint32_t i = 0; i < ending->hit_count; i++) {
        const struct hit *hit = &ending->hits[i];
        if (!is_in_memory(hit)) continue;
        struct live_chain *live = find_live(ending->server, hit);
        if (live == NULL || live->is_busy) {
            if (ending->searches < SEARCHES_MAX) return false;
            continue; /* the check before it is given out remains */
        }
        uint32_t record = record_of(live, hit->chain_n), at = 0;
        if (record == UINT32_MAX) continue;
        while (at < *count && meant[at].live != live) at++;
        if (at == *count) {
            meant[(*count)++] = (struct meant){ live, record };
            continue;
        }
        ending->searches_again = ending->is_record_only; /* one record of it at a time */
        if (record == live->chain.primary) meant[at].record = record;
    }
    return true;
}

static void carry_out(struct ending *ending)
{
    struct scope *life = ending->request->life;
    struct meant *meant = scope_alloc_array(life, ending->hit_count + 1, sizeof *meant);
    uint32_t count = 0;
    ending->searches_again = false;
    if (!find_meant(ending, meant, &count)) {
        timer_start(ending->timer, SEARCH_AGAIN_MS);
        return;
    }
    ending->steps = scope_alloc_array(life, count + 1, sizeof(struct chain_step *));
    ending->taken = scope_alloc_array(life, count + 1, sizeof *ending->taken);
    ending->step_count = ending->taken_count = 0;
    struct change *change = change_new(ending->server->store);
    add_entry(ending, change);
    for (uint32_t i = 0; i < count; i++)
        (void)add_step(ending, change, meant[i].live, meant[i].record);
    add_rows(ending, change);
    submit(ending, change);
}

static void next_list(struct ending *ending);

static void on_hits(void *self, enum err err, const struct rows *rows)
{
    struct ending *ending = self;
    struct calling_list *list =
        lists_find_by_dbid(ending->server->lists, ending->lists[ending->next_list], NULL);
    for (uint32_t i = 0; !err && list && i < rows_count(rows) && ending->hit_count < HITS_MAX; i++)
        ending->hits[ending->hit_count++] =
            (struct hit){ list->table, list->dbid, rows_i64(rows, i, 0), rows_i64(rows, i, 1),
                          rows_i64(rows, i, 2) };
    ending->next_list++;
    next_list(ending);
}

static void on_list_open(void *self, const struct fault *fault)
{
    struct ending *ending = self;
    struct calling_list *list =
        lists_find_by_dbid(ending->server->lists, ending->lists[ending->next_list], NULL);
    uint32_t column = COLUMN_CONTACT_INFO, count = 1;
    char room[2][DNC_FORM_BYTES];
    struct text forms[DNC_FORMS_MAX] = { ending->customer_id };
    if (ending->customer_id.len)
        column = list ? dnc_customer_column(ending->server, list) : UINT32_MAX;
    else
        count = dnc_phone_forms(ending->phone, room, forms);
    if (fault || list == NULL || column == UINT32_MAX) { /* said where the list is used */
        ending->next_list++;
        next_list(ending);
        return;
    }
    lookup_find(ending->server, list->table, column, forms, count, on_hits, ending);
}

static void next_list(struct ending *ending)
{
    while (ending->next_list < ending->list_count) {
        struct calling_list *list =
            lists_find_by_dbid(ending->server->lists, ending->lists[ending->next_list], NULL);
        if (list) {
            list_open(list, on_list_open, ending);
            return;
        }
        ending->next_list++;
    }
    carry_out(ending);
}

static void search_again(struct ending *ending)
{
    ending->searches++;
    ending->hit_count = ending->next_list = 0;
    next_list(ending);
}

static void on_search_time(void *self)
{
    search_again(self);
}

/* Lists of the campaign, or all; several may share one table. */
static bool is_of_campaign(const struct outbound *server, uint32_t campaign_dbid,
                           const struct app_object *list)
{
    if (campaign_dbid == 0) return true;
    const struct app_object *object =
        app_object_by_dbid(server->app, &OBJECT_CAMPAIGN, campaign_dbid);
    if (object == NULL) return false;
    const struct object_campaign *campaign = (const struct object_campaign *)object->fields;
    for (uint32_t i = 0; i < campaign->calling_lists.count; i++)
        if (text_eq(campaign->calling_lists.at[i].list, list->fields->name)) return true;
    return false;
}

static void start_search(struct ending *ending)
{
    struct outbound *server = ending->server;
    struct scope *life = ending->request->life;
    struct table *tables = table_new(life);
    const struct app_object *object;
    uint32_t room = 0;
    for (size_t at = 0; app_object_next(server->app, &OBJECT_CALLING_LIST, &at) != NULL;) room++;
    ending->lists = scope_alloc_array(life, room + 1, sizeof *ending->lists);
    ending->hits = scope_alloc_array(life, HITS_MAX, sizeof *ending->hits);
    ending->timer = timer_new(life, server->app->loop, on_search_time, ending);
    for (size_t at = 0;
         (object = app_object_next(server->app, &OBJECT_CALLING_LIST, &at)) != NULL;) {
        struct calling_list *list = lists_find_by_dbid(server->lists, object->dbid, NULL);
        if (list == NULL || !is_of_campaign(server, ending->campaign_dbid, object)) continue;
        if (table_get(tables, TEXT_OF(&list->table->layout.table.at))) continue;
        table_put(tables, TEXT_OF(&list->table->layout.table.at), list);
        ending->lists[ending->list_count++] = list->dbid;
    }
    next_list(ending);
}

/* --- by handle --- */

static void end_live(struct ending *ending, struct live_chain *live)
{
    struct scope *life = ending->request->life;
    uint32_t record = chain_find_handle(&live->chain, ending->request->handle);
    ending->phone =
        scope_keep(life, record_text(&live->chain.records[record], COLUMN_CONTACT_INFO));
    ending->list_name = scope_keep(life, live->list_name);
    ending->campaign_name = scope_keep(life, campaign_of(live));
    ending->attempt_guid = scope_keep(life, guid_text(&live->chain.attempt_guid));
    ending->steps = scope_alloc_array(life, 1, sizeof(struct chain_step *));
    ending->taken = scope_alloc_array(life, 1, sizeof *ending->taken);
    struct change *change = change_new(ending->server->store);
    if (!add_step(ending, change, live, record)) {
        change_drop(change);
        return;
    }
    add_entry(ending, change);
    submit(ending, change);
}

static void refuse_finalised(struct ending *ending, bool is_known)
{
    request_refuse(ending->request, is_known ? OUTBOUND_ALREADY_FINALISED : OUTBOUND_INVALID_HANDLE,
                   is_known ? "GSW_RECORD_HANDLE: %u is finalised already"
                            : "GSW_RECORD_HANDLE: no record has the handle %u",
                   ending->request->handle);
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
    start_search(ending);
}

static void on_past_round(void *self, enum err err, const struct rows *rows)
{
    struct ending *ending = self;
    struct request *request = ending->request;
    if (err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
        return;
    }
    bool is_known = rows_count(rows) &&
                    request->handle < rows_i64(rows, 0, 0) + rows_i64(rows, 0, 1);
    struct calling_list *list =
        is_known ? lists_find_by_dbid(ending->server->lists, (uint32_t)rows_i64(rows, 0, 2), NULL)
                 : NULL;
    bool is_there = list && text_eq(list->table->key, rows_text(rows, 0, 4));
    if (ending->event == CHAIN_CANCEL || !is_there) {
        refuse_finalised(ending, is_known);
        return;
    }
    request->record_index = request->handle - (uint32_t)rows_i64(rows, 0, 0);
    ending->list_name = scope_keep(request->life, list->name);
    int64_t chain_id = rows_i64(rows, 0, 3);
    list_load_chains(list->table, &chain_id, 1, on_past_rows, ending);
}

static void start_by_handle(struct ending *ending)
{
    static const struct statement round_of_handle = {
        "SELECT handle_base, record_count, list_dbid, chain_id, table_name FROM round "
        "WHERE handle_base <= ?1 ORDER BY handle_base DESC LIMIT 1"
    };
    struct request *request = ending->request;
    struct live_chain *live = table_get(ending->server->handles, TEXT_OF(&request->handle));
    if (live == NULL) {
        struct value parameter = value_of_i64(request->handle);
        struct query query = { &round_of_handle, &parameter, 1 };
        store_query(ending->server->store, &query, on_past_round, ending);
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
        start_search(ending);
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
                            .outcome = outcome_of(CHAIN_BLOCK),
                        });
}

void ending_add_blocked(const struct session *session, const struct calling_list *list,
                        const struct record *record, enum dnc_verdict verdict,
                        struct change *change)
{
    struct ending block = { .server = session->server,
                            .event = CHAIN_BLOCK,
                            .is_record_only = true };
    add_end_row(&block, list->table, change, record_i64(record, COLUMN_CHAIN_ID),
                record_i64(record, COLUMN_CHAIN_N));
    add_kept_back(session, list, record, verdict, change);
}

bool ending_block_waiting(struct live_chain *live, const struct calling_list *list)
{
    const struct record *primary = &live->chain.records[live->chain.primary];
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
        change_submit(change, session_end_step, step);
    else
        change_drop(change);
    return true;
}
