/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/request_log.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/outbound/row_batch.h"

static const struct text table_access = { "gsw_request_log", 15 };

struct request_log {
    struct outbound *server;
    struct text name; /* of the table; empty: none is configured */
    const struct statement *insert;
    bool is_open, is_opening;
    struct row_batch *batch;
};

/* What a row says. */
struct log_row {
    struct text agent_id, contact_info;
    uint32_t campaign_dbid, group_dbid, list_dbid, handle;
    int64_t chain_id, chain_n, call_result;
};

/* The numbers also fix the official names of the requests. 0: not logged. */
static uint32_t type_of(const struct msg *msg)
{
    static const struct {
        const struct msg *msg;
        uint32_t type;
    } types[] = {
        { &MSG_OUTBOUND_PREVIEW_RECORD_REQUEST, 1 },
        { &MSG_OUTBOUND_CHAINED_RECORD_REQUEST, 2 },
        { &MSG_OUTBOUND_ADD_RECORD, 3 },
        { &MSG_OUTBOUND_PREVIEW_DIALING_MODE_START, 4 },
        { &MSG_OUTBOUND_PREVIEW_DIALING_MODE_OVER, 5 },
        { &MSG_OUTBOUND_UPDATE_CALL_COMPLETION_STATS, 9 },
        { &MSG_OUTBOUND_RECORD_PROCESSED, 10 },
        { &MSG_OUTBOUND_RECORD_REJECT, 11 },
        { &MSG_OUTBOUND_REQUEST_RECORD_CANCEL, 12 },
        { &MSG_OUTBOUND_RECORD_RESCHEDULE, 13 },
        { &MSG_OUTBOUND_SCHEDULED_RECORD_RESCHEDULE, 14 },
        { &MSG_OUTBOUND_DO_NOT_CALL, 15 },
        { &MSG_OUTBOUND_CONTINUE_PROCESSING, 16 },
        { &MSG_OUTBOUND_LOGOUT, 18 },
        { &MSG_OUTBOUND_READY_TIME, 19 },
        { &MSG_OUTBOUND_CAMPAIGN_STATUS, 20 },
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++)
        if (types[i].msg == msg) return types[i].type;
    return 0;
}

/* --- what the request says of itself --- */

static const void *field_of(const struct request *request, const char *name, enum field_kind kind)
{
    if (request->fields == NULL) return NULL;
    const struct shape_field *field = shape_find(request->msg->shape, text_of(name));
    if (field == NULL || field->kind != kind) return NULL;
    uint64_t bit = (uint64_t)1 << (field - request->msg->shape->fields);
    const struct shape_head *head = request->fields;
    return head->has & bit ? (const char *)request->fields + field->offset : NULL;
}

static struct text text_field(const struct request *request, const char *name)
{
    const struct text *found = field_of(request, name, FIELD_TEXT);
    return found ? *found : (struct text){ "", 0 };
}

static uint32_t number_field(const struct request *request, const char *name)
{
    const uint32_t *found = field_of(request, name, FIELD_U32);
    return found ? *found : 0;
}

static void fill_from_request(const struct request *request, struct log_row *row)
{
    const struct app *app = request->server->app;
    struct text campaign = text_field(request, "GSW_CAMPAIGN_NAME");
    struct text list = text_field(request, "GSW_CALLING_LIST");
    const struct app_object *object = campaign.len ? app_object(app, &OBJECT_CAMPAIGN, campaign)
                                                   : NULL;
    if (object) row->campaign_dbid = object->dbid;
    object = list.len ? app_object(app, &OBJECT_CALLING_LIST, list) : NULL;
    if (object) row->list_dbid = object->dbid;
    row->agent_id = text_field(request, "GSW_AGENT_ID");
    row->contact_info = text_field(request, "GSW_PHONE");
    row->handle = request->handle ? request->handle : number_field(request, "GSW_RECORD_HANDLE");
    row->group_dbid = number_field(request, "GSW_CAMPAIGN_GROUP_DBID");
    row->call_result = number_field(request, "GSW_CALL_RESULT");
}

static void fill_from_chain(const struct live_chain *live, uint32_t index, struct log_row *row)
{
    const struct record *record = &live->chain.records[index];
    struct session_names names;
    if (session_names(live->session->server, live->session->dbid, &names, NULL))
        row->campaign_dbid = names.campaign_dbid;
    row->group_dbid = live->session->dbid;
    row->list_dbid = live->list_dbid;
    row->handle = record->handle;
    row->chain_id = record_i64(record, COLUMN_CHAIN_ID);
    row->chain_n = record_i64(record, COLUMN_CHAIN_N);
    if (row->contact_info.len == 0) row->contact_info = record_text(record, COLUMN_CONTACT_INFO);
    if (row->call_result == 0) row->call_result = record_i64(record, COLUMN_CALL_RESULT);
    if (row->agent_id.len == 0) row->agent_id = live->chain.agent_id;
}

static void add_row(struct request_log *log, const struct request *request, struct change *change,
                    const struct log_row *row, uint32_t result_code)
{
    change_add(change, log->insert, 1);
    change_bind_i64(change, (int64_t)(loop_now_utc_ms(log->server->app->loop) / 1000));
    change_bind_i64(change, type_of(request->msg));
    change_bind_text(change, text_slice(row->agent_id, 0, 32));
    change_bind_i64(change, row->campaign_dbid);
    change_bind_i64(change, row->group_dbid);
    change_bind_i64(change, row->list_dbid);
    change_bind_i64(change, row->handle);
    change_bind_i64(change, row->chain_id);
    change_bind_i64(change, row->chain_n);
    change_bind_text(change, text_slice(row->contact_info, 0, 128));
    change_bind_i64(change, row->call_result);
    change_bind_i64(change, result_code);
}

/* --- the door --- */

void request_log_add(struct request *request, struct change *change, const struct live_chain *live,
                     uint32_t record)
{
    struct request_log *log = request->server->request_log;
    if (!log->is_open || request->is_logged || type_of(request->msg) == 0) return;
    struct log_row row = { 0 };
    fill_from_request(request, &row);
    if (live) fill_from_chain(live, record, &row);
    add_row(log, request, change, &row, 0);
    request->is_logged = true;
}

void request_log_end(struct request *request, uint32_t result_code)
{
    struct request_log *log = request->server->request_log;
    if (!log->is_open || type_of(request->msg) == 0) return;
    if (request->is_logged && result_code == 0) return;
    struct change *change = row_batch_begin(log->batch);
    if (change == NULL) return;
    struct log_row row = { 0 };
    fill_from_request(request, &row);
    struct live_chain *live = table_get(request->server->handles, TEXT_OF(&row.handle));
    uint32_t record = live ? chain_find_handle(&live->chain, row.handle) : UINT32_MAX;
    if (record != UINT32_MAX) fill_from_chain(live, record, &row);
    add_row(log, request, change, &row, result_code);
    row_batch_end(log->batch);
}

/* --- opening --- */

static void say_failed(struct request_log *log, const char *words)
{
    char name[64] = "";
    (void)text_to_z(text_slice(log->name, 0, sizeof name - 1), name, sizeof name);
    LOG_REQUEST_LOG_FAILED(&log->server->app->log, name, words);
}

static void on_created(void *self, const struct change_result *result)
{
    struct request_log *log = self;
    log->is_opening = false;
    log->is_open = result->err == ERR_OK;
    if (result->err) say_failed(log, result->words ? result->words : err_words(result->err));
}

void request_log_open(struct outbound *server)
{
    struct request_log *log = server->request_log;
    if (log->name.len == 0 || log->is_open || log->is_opening) return;
    struct buf sql = { 0 };
    struct change *change = change_new(server->store);
    buf_format(&sql,
               "CREATE TABLE IF NOT EXISTS %.*s (time_stamp int, request_type int, "
               "agent_id varchar(32), campaign_id int, group_id int, list_id int, "
               "record_handle int, chain_id int, chain_n int, contact_info varchar(128), "
               "call_result int, result_code int)",
               TEXT_ARG(log->name));
    change_add(change, store_statement(server->store, buf_text(&sql)), ROWS_ANY);
    buf_clear(&sql);
    /* Touches nothing: fails where the table is another one. */
    buf_format(&sql,
               "UPDATE %.*s SET time_stamp = time_stamp WHERE request_type + campaign_id + "
               "group_id + list_id + record_handle + chain_id + chain_n + call_result + "
               "result_code + length(agent_id) + length(contact_info) < 0 AND 0",
               TEXT_ARG(log->name));
    change_add(change, store_statement(server->store, buf_text(&sql)), ROWS_ANY);
    buf_clear(&sql);
    buf_format(&sql,
               "INSERT INTO %.*s (time_stamp, request_type, agent_id, campaign_id, group_id, "
               "list_id, record_handle, chain_id, chain_n, contact_info, call_result, "
               "result_code) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)",
               TEXT_ARG(log->name));
    log->insert = store_statement(server->store, buf_text(&sql));
    buf_free(&sql);
    log->is_opening = true;
    change_submit(change, on_created, log);
}

void request_log_flush(struct outbound *server)
{
    row_batch_flush(server->request_log->batch);
}

void request_log_configure(struct outbound *server)
{
    struct request_log *log = server->request_log;
    const struct app_object *object = app_object(server->app, &OBJECT_TABLE_ACCESS, table_access);
    const struct object_table_access *access =
        object ? (const struct object_table_access *)object->fields : NULL;
    struct text name = access ? access->db_table_name : (struct text){ "", 0 };
    if (text_eq(name, log->name)) return;
    log->name = scope_keep(server->app->life, name);
    log->is_open = false;
    if (access && access->db_access.len) {
        say_failed(log, "a database access point is not offered for it");
        log->name = (struct text){ "", 0 };
    } else if (access && !is_sql_identifier(name)) {
        say_failed(log, "dbTableName is no name of a table");
        log->name = (struct text){ "", 0 };
    }
    /* A session that a restart brought back was loaded long ago. */
    struct session *session;
    for (size_t at = 0; (session = table_next(server->sessions, &at)) != NULL;)
        if (session->fsm.state != SESSION_NULL) request_log_open(server);
}

struct request_log *request_log_new(struct outbound *server)
{
    struct request_log *log = scope_alloc(server->app->life, sizeof *log);
    log->server = server;
    log->name = (struct text){ "", 0 };
    log->batch = row_batch_new(server, &server->counters.request_log_dropped_total);
    return log;
}
