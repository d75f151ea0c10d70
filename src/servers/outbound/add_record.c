/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/add_record.h"

#include "servers/outbound/contact_time.h"
#include "servers/outbound/idempotency.h"
#include "servers/outbound/request_log.h"
#include "servers/outbound/session.h"

#include <inttypes.h>

enum {
    CHAIN_N_TRIES_MAX = 5,
    CHAIN_AHEAD_MAX = 1000000, /* or one request would use up the numbers of a list */
};

struct adding {
    struct request *request;
    struct list_table *table;
    struct value *cells;
    uint32_t tries;
};

static bool has(const struct outbound_add_record *asked, uint64_t bit)
{
    return SHAPE_HAS(asked, bit);
}

static bool fill_text(struct adding *adding, uint32_t column, const char *key, struct text text)
{
    struct fault fault;
    struct value value = value_of_text(text);
    if (value_for_column(adding->request->life, &adding->table->layout.columns[column], &value,
                         &adding->cells[column], &fault)) {
        request_refuse(adding->request, OUTBOUND_BAD_KEY, "%s: %s", key, fault.words);
        return false;
    }
    return true;
}

/* The request as cells; false: answered with an error. */
static bool fill(struct adding *adding)
{
    struct request *request = adding->request;
    const struct outbound_add_record *asked = request->fields;
    const struct list_layout *layout = &adding->table->layout;
    struct value *cells = adding->cells = record_new_cells(request->life, layout);
    struct fault fault = { 0 };
    struct list_zone zone;
    uint64_t now_utc_ms = loop_now_utc_ms(request->server->app->loop);
    if (!list_zone_by_name(request->server->app, asked->gsw_tz_name, now_utc_ms, &zone)) {
        request_refuse(request, OUTBOUND_BAD_KEY, "GSW_TZ_NAME: no time zone %.*s",
                       TEXT_ARG(asked->gsw_tz_name));
        return false;
    }
    if (!fill_text(adding, COLUMN_CONTACT_INFO, "GSW_PHONE", asked->gsw_phone)) return false;
    cells[COLUMN_CONTACT_INFO_TYPE] = value_of_i64(asked->gsw_phone_type);
    cells[COLUMN_TZ_DBID] = value_of_i64(zone.dbid);
    cells[COLUMN_DAILY_FROM] = value_of_i64(asked->gsw_from);
    cells[COLUMN_DAILY_TILL] = value_of_i64(asked->gsw_until);
    if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_RECORD_TYPE))
        cells[COLUMN_RECORD_TYPE] = value_of_i64(asked->gsw_record_type);
    if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_RECORD_STATUS))
        cells[COLUMN_RECORD_STATUS] = value_of_i64(asked->gsw_record_status);
    if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_CALL_RESULT))
        cells[COLUMN_CALL_RESULT] = value_of_i64(asked->gsw_call_result);
    if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_ATTEMPTS))
        cells[COLUMN_ATTEMPT] = value_of_i64(asked->gsw_attempts);
    if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_AGENT_ID) &&
        !fill_text(adding, COLUMN_AGENT_ID, "GSW_AGENT_ID", asked->gsw_agent_id))
        return false;
    if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_DATE_TIME)) {
        int64_t epoch_s;
        if (contact_time_parse(request->server->app, zone.dbid, asked->gsw_date_time, &epoch_s)) {
            request_refuse(request, OUTBOUND_BAD_DATE, "GSW_DATE_TIME: must be MM/DD/YYYY hh:mm");
            return false;
        }
        cells[COLUMN_DIAL_SCHED_TIME] = value_of_i64(epoch_s);
    }
    for (uint32_t i = 0; i < asked->user_data.count; i++) {
        const struct pair *pair = &asked->user_data.at[i];
        uint32_t column = layout_find_attribute(layout, pair->name);
        if (column == UINT32_MAX) continue;
        if (value_for_column(request->life, &layout->columns[column], &pair->value, &cells[column],
                             &fault)) {
            request_refuse(request, OUTBOUND_BAD_KEY, "%.*s: %s", TEXT_ARG(pair->name),
                           fault.words);
            return false;
        }
    }
    return true;
}

static void insert(struct adding *adding);
static void place(struct adding *adding);

/* A chain is taken as a whole: what is beyond its limit would never be given out. */
static void on_last_n(void *self, enum err err, const struct rows *rows)
{
    struct adding *adding = self;
    const struct outbound_add_record *asked = adding->request->fields;
    if (err) {
        request_refuse(adding->request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
        return;
    }
    if (rows_i64(rows, 0, 1) >= CHAIN_RECORDS_MAX) {
        request_refuse(adding->request, OUTBOUND_LIMIT,
                       "GSW_CHAIN_ID: the chain has %d records already", CHAIN_RECORDS_MAX);
        return;
    }
    if (!has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_CHAIN_N))
        adding->cells[COLUMN_CHAIN_N] = value_of_i64(rows_i64(rows, 0, 0) + 1);
    insert(adding);
}

static void choose_place(struct adding *adding)
{
    struct list_table *table = adding->table;
    struct buf sql = { 0 };
    buf_format(&sql, "SELECT coalesce(max(chain_n), 0), count(*) FROM %.*s WHERE chain_id = ?1",
               TEXT_ARG(table->layout.table));
    struct query query = { list_statement(table, buf_text(&sql)), &adding->cells[COLUMN_CHAIN_ID],
                           1 };
    list_query(table, &query, on_last_n, adding);
    buf_free(&sql);
}

static struct outbound_add_record_acknowledge acknowledgement(const struct adding *adding)
{
    const struct outbound_add_record *asked = adding->request->fields;
    struct calling_list *list =
        lists_find(adding->request->server->lists, asked->gsw_calling_list, NULL);
    struct outbound_add_record_acknowledge reply = {
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_ADD_RECORD_ACKNOWLEDGE),
        .gsw_calling_list = list ? list->name : asked->gsw_calling_list,
        .gsw_chain_id = adding->cells[COLUMN_CHAIN_ID].integer,
        .gsw_chain_n = adding->cells[COLUMN_CHAIN_N].integer,
        .gsw_record_id = adding->cells[COLUMN_RECORD_ID].integer,
        .gsw_reference_id = asked->gsw_reference_id,
    };
    if (!has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_REFERENCE_ID))
        reply.head.has &= ~OUTBOUND_ADD_RECORD_ACKNOWLEDGE_HAS_GSW_REFERENCE_ID;
    return reply;
}

static void on_counted(void *self, enum err err)
{
    struct adding *adding = self;
    if (err)
        request_refuse(adding->request, OUTBOUND_DATABASE_ERROR, "the list's database is away");
    else
        place(adding);
}

static void on_inserted(void *self, const struct change_result *result)
{
    struct adding *adding = self;
    struct request *request = adding->request;
    const struct outbound_add_record *asked = request->fields;
    bool is_place_ours = !has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_CHAIN_N);
    if (result->err == ERR_EXISTS && is_place_ours && ++adding->tries < CHAIN_N_TRIES_MAX) {
        /* Another request took the place in between, or another program the chain's number. */
        if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_CHAIN_ID))
            choose_place(adding);
        else
            list_count_again(adding->table, on_counted, adding);
        return;
    }
    if (result->err == ERR_EXISTS) {
        request_refuse(request, OUTBOUND_BAD_KEY, "GSW_CHAIN_N: the chain has this place already");
        return;
    }
    if (result->err) {
        request_refuse(request, OUTBOUND_DATABASE_ERROR, "the store refused the row: %s",
                       result->words ? result->words : err_words(result->err));
        return;
    }
    int64_t chain_id = adding->cells[COLUMN_CHAIN_ID].integer;
    if (chain_id >= adding->table->next_chain_id) adding->table->next_chain_id = chain_id + 1;
    struct calling_list *list = lists_find(request->server->lists, asked->gsw_calling_list, NULL);
    if (list) sessions_wake(request->server, list->dbid);
    request->server->counters.records_added_total++;
    struct outbound_add_record_acknowledge reply = acknowledgement(adding);
    request_reply(request, &MSG_OUTBOUND_ADD_RECORD_ACKNOWLEDGE, &reply, (struct text){ 0 });
}

static void insert(struct adding *adding)
{
    struct change *change = change_new(adding->request->server->store);
    if (adding->table->foreign == NULL) request_log_add(adding->request, change, NULL, 0);
    if (adding->request->keyed) {
        struct outbound_add_record_acknowledge reply = acknowledgement(adding);
        idempotency_add(adding->request, change, &MSG_OUTBOUND_ADD_RECORD_ACKNOWLEDGE, &reply,
                        (struct text){ 0 });
    }
    list_submit_insert(adding->table, change, adding->cells, on_inserted, adding);
}

static void place(struct adding *adding)
{
    const struct outbound_add_record *asked = adding->request->fields;
    struct list_table *table = adding->table;
    bool is_appended = has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_CHAIN_ID);
    if (is_appended && table->foreign == NULL &&
        asked->gsw_chain_id - table->next_chain_id > CHAIN_AHEAD_MAX) {
        request_refuse(adding->request, OUTBOUND_BAD_KEY,
                       "GSW_CHAIN_ID: the list has no chain near %" PRId64, asked->gsw_chain_id);
        return;
    }
    if (!fill(adding)) return;
    adding->cells[COLUMN_RECORD_ID] = value_of_i64(table->next_record_id++);
    int64_t chain_id = is_appended ? asked->gsw_chain_id : table->next_chain_id;
    /* Their database may have no room for such a number: it counts when its row is there. */
    bool counts_later = is_appended && table->foreign;
    if (chain_id >= table->next_chain_id && !counts_later) table->next_chain_id = chain_id + 1;
    adding->cells[COLUMN_CHAIN_ID] = value_of_i64(chain_id);
    adding->cells[COLUMN_CHAIN_N] = value_of_i64(1);
    if (has(asked, OUTBOUND_ADD_RECORD_HAS_GSW_CHAIN_N))
        adding->cells[COLUMN_CHAIN_N] = value_of_i64(asked->gsw_chain_n);
    if (is_appended)
        choose_place(adding);
    else
        insert(adding);
}

static void on_list_open(void *self, const struct fault *fault)
{
    struct adding *adding = self;
    if (fault)
        request_refuse(adding->request, OUTBOUND_DATABASE_ERROR, "%s", fault->words);
    else
        place(adding);
}

void add_record(struct request *request)
{
    const struct outbound_add_record *asked = request->fields;
    struct fault fault = { 0 };
    struct calling_list *list = lists_find(request->server->lists, asked->gsw_calling_list, &fault);
    if (list == NULL) {
        request_refuse(request, OUTBOUND_LIST_UNKNOWN, "%s: %s", fault.field, fault.words);
        return;
    }
    struct adding *adding = scope_alloc(request->life, sizeof *adding);
    *adding = (struct adding){ .request = request, .table = list->table };
    if (list_is_open(list))
        place(adding);
    else
        list_open(list, on_list_open, adding);
}
