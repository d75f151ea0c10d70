/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/console.h"

#include "gen/objects.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/ledger.h"
#include "servers/outbound/list_page.h"

#include <inttypes.h>

enum {
    COUNTS_KEPT_MS = 5000,
    PAGE_DEFAULT = 100,
    ROUNDS_MAX = 100,
    EXPLANATIONS_MAX = 100,
    LISTS_MAX = 1000
};

/* --- rows ------------------------------------------------------------------------------------- */

static struct kv user_fields(struct scope *scope, const struct list_layout *layout,
                             const struct value *cells)
{
    struct kv kv = { .at = scope_alloc_array(scope, layout->count, sizeof(struct pair)) };
    for (uint32_t i = COLUMNS_MANDATORY; i < layout->count; i++)
        if (cells[i].kind != VALUE_NULL)
            kv.at[kv.count++] = (struct pair){ layout->columns[i].name, cells[i] };
    return kv;
}

static void fill_row(struct request *request, const struct list_table *table, struct value *cells,
                     struct outbound_record_row *out)
{
    const struct record record = { 0, cells };
    struct list_zone zone = { 0 };
    (void)list_zone_by_dbid(request->server->app, (uint32_t)record_i64(&record, COLUMN_TZ_DBID), 0,
                            &zone);
    *out = (struct outbound_record_row){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_RECORD_ROW) & ~OUTBOUND_RECORD_ROW_HAS_HANDLE,
        .chain_id = record_i64(&record, COLUMN_CHAIN_ID),
        .chain_n = record_i64(&record, COLUMN_CHAIN_N),
        .record_id = record_i64(&record, COLUMN_RECORD_ID),
        .phone = record_text(&record, COLUMN_CONTACT_INFO),
        .phone_type = (uint32_t)record_i64(&record, COLUMN_CONTACT_INFO_TYPE),
        .record_type = (uint32_t)record_i64(&record, COLUMN_RECORD_TYPE),
        .record_status = (uint32_t)record_i64(&record, COLUMN_RECORD_STATUS),
        .call_result = (uint32_t)record_i64(&record, COLUMN_CALL_RESULT),
        .attempts = (uint32_t)record_i64(&record, COLUMN_ATTEMPT),
        .scheduled_time = record_i64(&record, COLUMN_DIAL_SCHED_TIME),
        .call_time = record_i64(&record, COLUMN_CALL_TIME),
        .from = record_i64(&record, COLUMN_DAILY_FROM),
        .until = record_i64(&record, COLUMN_DAILY_TILL),
        .time_zone = zone.name,
        .agent_id = record_text(&record, COLUMN_AGENT_ID),
        .treatments = record_text(&record, COLUMN_TREATMENTS),
        .user_data = user_fields(request->life, &table->layout, cells),
    };
    if (out->scheduled_time == 0) out->head.has &= ~OUTBOUND_RECORD_ROW_HAS_SCHEDULED_TIME;
    if (out->call_time == 0) out->head.has &= ~OUTBOUND_RECORD_ROW_HAS_CALL_TIME;
}

static struct outbound_record_row *rows_of(struct request *request, const struct list_table *table,
                                           const struct rows *rows, uint32_t count)
{
    struct outbound_record_row *out = scope_alloc_array(request->life, count + 1, sizeof *out);
    for (uint32_t i = 0; i < count; i++)
        fill_row(request, table, list_read_row(&table->layout, request->life, rows, i), &out[i]);
    return out;
}

/* --- one list that has to be open ------------------------------------------------------------- */

struct look {
    struct request *request;
    struct list_table *table; /* lists may be looked up anew, tables stay */
    struct text list_name;
    uint32_t list_dbid, limit;
    void (*go_on)(struct look *look);
    struct outbound_chain chain;
};

static void on_open(void *self, const struct fault *fault)
{
    struct look *look = self;
    if (fault)
        request_refuse(look->request, OUTBOUND_NOT_ALLOWED, "list: %s", fault->words);
    else
        look->go_on(look);
}

static void look_at(struct request *request, struct text name, void (*go_on)(struct look *look))
{
    struct fault fault = { 0 };
    struct calling_list *list = lists_find(request->server->lists, name, &fault);
    if (list == NULL) {
        request_refuse(request, OUTBOUND_LIST_UNKNOWN, "list: %s", fault.words);
        return;
    }
    struct look *look = scope_alloc(request->life, sizeof *look);
    *look = (struct look){ .request = request,
                           .table = list->table,
                           .list_name = scope_keep(request->life, list->name),
                           .list_dbid = list->dbid,
                           .go_on = go_on };
    list_open(list, on_open, look);
}

/* --- RecordList ------------------------------------------------------------------------------- */

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct look *look = self;
    struct request *request = look->request;
    if (err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
        return;
    }
    struct outbound_records reply = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_RECORDS) };
    reply.more = rows_count(rows) > look->limit;
    reply.records.count = reply.more ? look->limit : rows_count(rows);
    reply.records.at = rows_of(request, look->table, rows, reply.records.count);
    request_reply(request, &MSG_OUTBOUND_RECORDS, &reply, (struct text){ 0 });
}

static void ask_page(struct look *look)
{
    const struct outbound_record_list *asked = look->request->fields;
    struct list_filter filter = {
        .phone = asked->phone,
        .chain_id = asked->chain_id,
        .has_chain_id = SHAPE_HAS(asked, OUTBOUND_RECORD_LIST_HAS_CHAIN_ID),
        .status = asked->record_status,
        .has_status = SHAPE_HAS(asked, OUTBOUND_RECORD_LIST_HAS_RECORD_STATUS),
        .after_chain_id = SHAPE_HAS(asked, OUTBOUND_RECORD_LIST_HAS_AFTER_CHAIN_ID)
                              ? asked->after_chain_id
                              : INT64_MIN,
        .after_chain_n = asked->after_chain_n,
    };
    look->limit = asked->limit ? asked->limit : PAGE_DEFAULT;
    if (list_load_page(look->table, &filter, look->limit + 1, on_page, look))
        request_refuse(look->request, OUTBOUND_NOT_ALLOWED,
                       "list: the rows of %.*s cannot be looked through",
                       TEXT_ARG(look->list_name));
}

void console_records(struct request *request)
{
    const struct outbound_record_list *asked = request->fields;
    look_at(request, asked->list, ask_page);
}

/* --- ChainGet --------------------------------------------------------------------------------- */

static const struct statement rounds_of_chain = {
    "SELECT handle_base, attempt_guid, chain_guid, agent_id, started_utc_ms, finished_utc_ms, "
    "message_guid, group_dbid FROM round WHERE table_name = ?1 AND chain_id = ?2 "
    "ORDER BY started_utc_ms DESC LIMIT ?3"
};

static struct text group_name(const struct request *request, uint32_t group_dbid)
{
    const struct app_object *group =
        app_object_by_dbid(request->server->app, &OBJECT_CAMPAIGN_GROUP, group_dbid);
    return group ? group->fields->name : (struct text){ "", 0 };
}

static void on_explained(void *self, struct outbound_explain_line *lines, uint32_t count)
{
    struct look *look = self;
    look->chain.explanations.at = lines;
    look->chain.explanations.count = count;
    look->chain.head.has |= OUTBOUND_CHAIN_HAS_EXPLANATIONS;
    request_reply(look->request, &MSG_OUTBOUND_CHAIN, &look->chain, (struct text){ 0 });
}

static void on_notifications(void *self, struct outbound_notification_row *rows, uint32_t count)
{
    struct look *look = self;
    look->chain.notifications.at = rows;
    look->chain.notifications.count = count;
    look->chain.head.has = OUTBOUND_CHAIN_HAS_RECORDS | OUTBOUND_CHAIN_HAS_ROUNDS |
                           OUTBOUND_CHAIN_HAS_NOTIFICATIONS;
    const struct outbound_chain_get *asked = look->request->fields;
    explain_of_chain(look->request->server, look->request->life, look->list_dbid, asked->chain_id,
                     EXPLANATIONS_MAX, on_explained, look);
}

static void on_rounds(void *self, enum err err, const struct rows *rows)
{
    struct look *look = self;
    struct request *request = look->request;
    if (err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
        return;
    }
    struct outbound_chain *reply = &look->chain;
    reply->rounds.at =
        scope_alloc_array(request->life, rows_count(rows) + 1, sizeof *reply->rounds.at);
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        struct outbound_round_row *round = &reply->rounds.at[reply->rounds.count++];
        *round = (struct outbound_round_row){
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_ROUND_ROW),
            .handle = (uint32_t)rows_i64(rows, i, 0),
            .attempt_guid = scope_keep(request->life, rows_text(rows, i, 1)),
            .chain_guid = scope_keep(request->life, rows_text(rows, i, 2)),
            .agent_id = scope_keep(request->life, rows_text(rows, i, 3)),
            .started_at = (uint64_t)rows_i64(rows, i, 4),
            .finished_at = (uint64_t)rows_i64(rows, i, 5),
            .message_guid = scope_keep(request->life, rows_text(rows, i, 6)),
            .campaign_group = group_name(request, (uint32_t)rows_i64(rows, i, 7)),
        };
        if (round->finished_at == 0) round->head.has &= ~OUTBOUND_ROUND_ROW_HAS_FINISHED_AT;
        if (round->message_guid.len == 0) round->head.has &= ~OUTBOUND_ROUND_ROW_HAS_MESSAGE_GUID;
    }
    const struct outbound_chain_get *asked = request->fields;
    ledger_of_chain(request, look->list_dbid, asked->chain_id, on_notifications, look);
}

static void on_chain_rows(void *self, enum err err, const struct rows *rows)
{
    struct look *look = self;
    struct request *request = look->request;
    const struct outbound_chain_get *asked = request->fields;
    if (err || rows_count(rows) == 0) {
        request_refuse(request, err ? OUTBOUND_DATABASE_ERROR : OUTBOUND_INVALID_HANDLE,
                       "chainId: list %.*s has no chain %" PRId64, TEXT_ARG(look->list_name),
                       asked->chain_id);
        return;
    }
    look->chain.records.at = rows_of(request, look->table, rows, rows_count(rows));
    look->chain.records.count = rows_count(rows);
    const struct value parameters[] = { value_of_text(look->table->key),
                                        value_of_i64(asked->chain_id), value_of_i64(ROUNDS_MAX) };
    struct query query = { &rounds_of_chain, parameters, 3 };
    store_query(request->server->store, &query, on_rounds, look);
}

static void ask_chain(struct look *look)
{
    const struct outbound_chain_get *asked = look->request->fields;
    list_load_chains(look->table, &asked->chain_id, 1, on_chain_rows, look);
}

void console_chain(struct request *request)
{
    const struct outbound_chain_get *asked = request->fields;
    look_at(request, asked->list, ask_chain);
}

/* --- CallingListList -------------------------------------------------------------------------- */

/* One list after the other, so that a console never holds up the readers of live requests long. */
struct overview {
    struct request *request;
    uint32_t *dbids;
    uint32_t count, at;
    struct outbound_calling_lists reply;
};

static void next_list(struct overview *overview);

static void fill_campaigns(struct overview *overview, uint32_t list_dbid,
                           struct outbound_list_summary *out)
{
    struct app *app = overview->request->server->app;
    const struct app_object *list = app_object_by_dbid(app, &OBJECT_CALLING_LIST, list_dbid);
    const struct app_object *object;
    out->campaigns.at = scope_alloc_array(overview->request->life, 100, sizeof(struct text));
    for (size_t at = 0; list && (object = app_object_next(app, &OBJECT_CAMPAIGN, &at)) != NULL;) {
        const struct object_campaign *campaign = (const struct object_campaign *)object->fields;
        for (uint32_t i = 0; i < campaign->calling_lists.count && out->campaigns.count < 100; i++)
            if (text_eq(campaign->calling_lists.at[i].list, list->key)) {
                out->campaigns.at[out->campaigns.count++] =
                    scope_keep(overview->request->life, object->fields->name);
                break;
            }
    }
}

static void on_counts(void *self, const struct fault *fault, const struct list_counts *counts)
{
    struct overview *overview = self;
    struct outbound_list_summary *out = &overview->reply.lists.at[overview->reply.lists.count - 1];
    if (fault) {
        out->words = scope_keep(overview->request->life, text_of(fault->words));
        out->head.has |= OUTBOUND_LIST_SUMMARY_HAS_WORDS;
    } else {
        out->is_open = true;
        out->records = counts->records;
        out->ready = counts->by_status[RECORD_STATUS_READY];
        out->retrieved = counts->by_status[RECORD_STATUS_RETRIEVED];
        out->updated = counts->by_status[RECORD_STATUS_UPDATED];
        out->other = out->records - out->ready - out->retrieved - out->updated;
        out->counted_at = counts->counted_utc_ms;
    }
    next_list(overview);
}

static void fill_fields(struct overview *overview, const struct list_layout *layout,
                        struct outbound_list_summary *out)
{
    out->fields.at = scope_alloc_array(overview->request->life, layout->count, sizeof(struct text));
    for (uint32_t i = COLUMNS_MANDATORY; i < layout->count; i++)
        out->fields.at[out->fields.count++] =
            scope_keep(overview->request->life, layout->columns[i].name);
}

static void next_list(struct overview *overview)
{
    struct request *request = overview->request;
    if (overview->at == overview->count) {
        overview->reply.head.has = SHAPE_ALL(SHAPE_OUTBOUND_CALLING_LISTS);
        request_reply(request, &MSG_OUTBOUND_CALLING_LISTS, &overview->reply, (struct text){ 0 });
        return;
    }
    uint32_t dbid = overview->dbids[overview->at++];
    const struct app_object *object =
        app_object_by_dbid(request->server->app, &OBJECT_CALLING_LIST, dbid);
    struct fault fault = { 0 };
    struct calling_list *list = lists_find_by_dbid(request->server->lists, dbid, &fault);
    struct outbound_list_summary *out = &overview->reply.lists.at[overview->reply.lists.count++];
    *out = (struct outbound_list_summary){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_LIST_SUMMARY) & ~OUTBOUND_LIST_SUMMARY_HAS_WORDS,
        .name = object ? scope_keep(request->life, object->fields->name) : (struct text){ "", 0 },
        .dbid = dbid,
    };
    fill_campaigns(overview, dbid, out);
    if (list == NULL) {
        on_counts(overview, &fault, NULL);
        return;
    }
    out->table = scope_keep(request->life, list->table->layout.table);
    fill_fields(overview, &list->table->layout, out);
    list_count(request->server, list, COUNTS_KEPT_MS, on_counts, overview);
}

void console_calling_lists(struct request *request)
{
    const struct outbound_calling_list_list *asked = request->fields;
    struct app *app = request->server->app;
    struct overview *overview = scope_alloc(request->life, sizeof *overview);
    overview->request = request;
    overview->dbids = scope_alloc_array(request->life, LISTS_MAX, sizeof *overview->dbids);
    const struct app_object *object;
    for (size_t at = 0; overview->count < LISTS_MAX &&
                        (object = app_object_next(app, &OBJECT_CALLING_LIST, &at)) != NULL;) {
        uint32_t dbid = 0;
        (void)text_to_u32(asked->list, 1, UINT32_MAX, &dbid);
        if (asked->list.len == 0 || text_eq(asked->list, object->key) || dbid == object->dbid)
            overview->dbids[overview->count++] = object->dbid;
    }
    overview->reply.lists.at =
        scope_alloc_array(request->life, overview->count + 1, sizeof *overview->reply.lists.at);
    next_list(overview);
}
