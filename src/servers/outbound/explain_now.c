/* SPDX-License-Identifier: Apache-2.0 */
/* ExplainList: what the rules say now of each record of a chain, then the stored lines. The road:
 * the list, the chains (by number where no chain is named), their rows, which of them fit the
 * filter, the verdicts, the stored lines, the answer. */
#include "gen/objects.h"
#include "servers/outbound/desktop.h"
#include "servers/outbound/dnc_table.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/explain_rules.h"
#include "servers/outbound/lookup.h"
#include "servers/outbound/request.h"
#include "servers/outbound/session.h"

#include <inttypes.h>

enum { LIMIT_DEFAULT = 100, LINES_MAX = 1000, CHAINS_MAX = 20 };

struct explaining {
    struct request *request;
    struct text list_name;
    uint32_t list_dbid;
    struct list_table *table;
    int64_t chain_ids[CHAINS_MAX];
    uint32_t chain_count;
    struct record *records;
    uint32_t record_count;
    bool *fits;      /* the filter, per record */
    uint32_t fitted; /* chains asked about */
    struct outbound_explain_line *lines;
    uint32_t line_count, limit;
    uint64_t now_utc_ms;
};

static struct text group_name(const struct outbound *server, uint32_t group_dbid)
{
    const struct app_object *group =
        app_object_by_dbid(server->app, &OBJECT_CAMPAIGN_GROUP, group_dbid);
    return group ? group->fields->name : (struct text){ "", 0 };
}

static struct text list_name_of(const struct outbound *server, uint32_t list_dbid)
{
    const struct app_object *list =
        app_object_by_dbid(server->app, &OBJECT_CALLING_LIST, list_dbid);
    return list ? list->fields->name : (struct text){ "", 0 };
}

/* --- stored lines ----------------------------------------------------------------------------- */

#define COLUMNS                                                                                    \
    "SELECT explain_id, at_utc_ms, list_dbid, chain_id, chain_n, group_dbid, rule, inputs, "       \
    "outcome FROM explain WHERE "

static void read_line(struct outbound *server, struct scope *scope, const struct rows *rows,
                      uint32_t row, struct outbound_explain_line *out)
{
    *out = (struct outbound_explain_line){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_EXPLAIN_LINE),
        .at = (uint64_t)rows_i64(rows, row, 1),
        .list = scope_keep(scope, list_name_of(server, (uint32_t)rows_i64(rows, row, 2))),
        .chain_id = rows_i64(rows, row, 3),
        .chain_n = rows_i64(rows, row, 4),
        .campaign_group = scope_keep(scope, group_name(server, (uint32_t)rows_i64(rows, row, 5))),
        .rule = scope_keep(scope, rows_text(rows, row, 6)),
        .inputs = scope_keep(scope, rows_text(rows, row, 7)),
        .outcome = scope_keep(scope, rows_text(rows, row, 8)),
    };
}

struct of_chain {
    struct scope *life;
    struct outbound *server;
    void (*on_lines)(void *self, struct outbound_explain_line *lines, uint32_t count);
    void *self;
};

static void on_chain_lines(void *self, enum err err, const struct rows *rows)
{
    struct of_chain *asked = self;
    uint32_t count = err ? 0 : rows_count(rows);
    struct outbound_explain_line *lines = scope_alloc_array(asked->life, count + 1, sizeof *lines);
    for (uint32_t i = 0; i < count; i++) read_line(asked->server, asked->life, rows, i, &lines[i]);
    asked->on_lines(asked->self, lines, count);
}

void explain_of_chain(struct outbound *server, struct scope *scope, uint32_t list_dbid,
                      int64_t chain_id, uint32_t limit,
                      void (*on_lines)(void *self, struct outbound_explain_line *lines,
                                       uint32_t count),
                      void *self)
{
    static const struct statement select = {
        COLUMNS "chain_id = ?1 AND list_dbid = ?2 ORDER BY explain_id DESC LIMIT ?3"
    };
    struct of_chain *asked = scope_alloc(scope, sizeof *asked);
    *asked = (struct of_chain){ scope, server, on_lines, self };
    struct value parameters[] = { value_of_i64(chain_id), value_of_i64(list_dbid),
                                  value_of_i64(limit) };
    struct query query = { &select, parameters, 3 };
    store_query(server->store, &query, on_chain_lines, asked);
}

static void answer(struct explaining *explaining, const struct rows *rows)
{
    struct request *request = explaining->request;
    struct outbound_explained reply = { .head.has = OUTBOUND_EXPLAINED_HAS_LINES };
    uint32_t count = rows ? rows_count(rows) : 0;
    bool has_more = count > explaining->limit;
    if (has_more) count = explaining->limit;
    for (uint32_t i = 0; i < count && explaining->line_count < LINES_MAX; i++)
        read_line(request->server, request->life, rows, i,
                  &explaining->lines[explaining->line_count++]);
    if (has_more) {
        reply.head.has |= OUTBOUND_EXPLAINED_HAS_NEXT;
        reply.next = scope_format(request->life, "%" PRId64, rows_i64(rows, count - 1, 0));
    }
    reply.lines.at = explaining->lines;
    reply.lines.count = explaining->line_count;
    request_reply(request, &MSG_OUTBOUND_EXPLAINED, &reply, (struct text){ 0 });
}

static void on_stored(void *self, enum err err, const struct rows *rows)
{
    struct explaining *explaining = self;
    if (err)
        request_refuse(explaining->request, OUTBOUND_DATABASE_ERROR, "the store does not answer");
    else
        answer(explaining, rows);
}

/* Of the chains that are meant, or of everything; `after`: ids below it. */
static void ask_stored(struct explaining *explaining)
{
    static const struct statement of_chains = {
        COLUMNS "chain_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?1)) AND list_dbid = ?2 "
                "AND at_utc_ms >= "
                "?3 AND (?4 = 0 OR group_dbid = ?4) AND explain_id < ?5 ORDER BY explain_id DESC "
                "LIMIT ?6"
    };
    static const struct statement of_all = {
        COLUMNS "CAST(?1 AS TEXT) IS NOT NULL AND (?2 = 0 OR list_dbid = ?2) AND at_utc_ms >= ?3 "
                "AND (?4 = 0 OR "
                "group_dbid = ?4) AND explain_id < ?5 ORDER BY explain_id DESC LIMIT ?6"
    };
    struct request *request = explaining->request;
    const struct outbound_explain_list *asked = request->fields;
    const struct app_object *group =
        asked->campaign_group.len
            ? app_object(request->server->app, &OBJECT_CAMPAIGN_GROUP, asked->campaign_group)
            : NULL;
    if (asked->campaign_group.len && group == NULL) {
        request_refuse(request, OUTBOUND_GROUP_UNKNOWN, "campaignGroup: no campaign group %.*s",
                       TEXT_ARG(asked->campaign_group));
        return;
    }
    int64_t after = INT64_MAX;
    if (asked->after.len && text_to_i64(asked->after, 0, INT64_MAX, &after)) {
        request_refuse(request, OUTBOUND_BAD_KEY, "after: is no cursor of a page before");
        return;
    }
    struct buf ids = { 0 };
    buf_add_byte(&ids, '[');
    for (uint32_t i = 0; i < explaining->chain_count; i++)
        buf_format(&ids, "%s%" PRId64, i ? "," : "", explaining->chain_ids[i]);
    buf_add_byte(&ids, ']');
    struct value parameters[] = {
        value_of_text(buf_text(&ids)),
        value_of_i64(explaining->list_dbid),
        value_of_i64((int64_t)asked->since),
        value_of_i64(group ? group->dbid : 0),
        value_of_i64(after),
        value_of_i64(explaining->limit + 1),
    };
    bool names_records = SHAPE_HAS(asked, OUTBOUND_EXPLAIN_LIST_HAS_CHAIN_ID) || asked->phone.len;
    struct query query = { names_records ? &of_chains : &of_all, parameters, 6 };
    store_query(request->server->store, &query, on_stored, explaining);
    buf_free(&ids);
}

/* --- what the rules say now ------------------------------------------------------------------- */

static void add_line(struct explaining *explaining, const struct record *record, struct text group,
                     const struct explain_verdict *verdict)
{
    if (explaining->line_count == LINES_MAX) return;
    explaining->lines[explaining->line_count++] = (struct outbound_explain_line){
        .head.has = SHAPE_ALL(SHAPE_OUTBOUND_EXPLAIN_LINE),
        .at = explaining->now_utc_ms,
        .list = explaining->list_name,
        .chain_id = record_i64(record, COLUMN_CHAIN_ID),
        .chain_n = record_i64(record, COLUMN_CHAIN_N),
        .campaign_group = group,
        .rule = text_of(verdict->rule),
        .inputs = verdict->inputs,
        .outcome = verdict->outcome,
        .is_now = true,
    };
}

static void fill_zone(struct explaining *explaining, struct explain_record *out, uint32_t dbid)
{
    struct app *app = explaining->request->server->app;
    const struct app_object *object = app_object_by_dbid(app, &OBJECT_TIME_ZONE, dbid);
    if (object == NULL) return;
    out->has_zone = true;
    out->zone_name = object->fields->name;
    out->clock = zone_clock_of((const struct object_time_zone *)object->fields);
}

static struct explain_record facts_of(struct explaining *explaining,
                                      const struct calling_list *list, uint32_t index)
{
    const struct record *record = &explaining->records[index];
    struct explain_record out = {
        .type = record_i64(record, COLUMN_RECORD_TYPE),
        .status = record_i64(record, COLUMN_RECORD_STATUS),
        .call_result = record_i64(record, COLUMN_CALL_RESULT),
        .attempts = record_i64(record, COLUMN_ATTEMPT),
        .due_s = record_i64(record, COLUMN_DIAL_SCHED_TIME),
        .window = { record_i64(record, COLUMN_DAILY_FROM), record_i64(record, COLUMN_DAILY_TILL) },
        .bounds = { list->time_from, list->time_until },
        .max_attempts = list->max_attempts,
        .criteria = list->criteria,
        .fits_filter = explaining->fits[index],
        .agent_id = record_text(record, COLUMN_AGENT_ID),
    };
    fill_zone(explaining, &out, (uint32_t)record_i64(record, COLUMN_TZ_DBID));
    return out;
}

static bool is_of(const struct live_chain *live, const struct list_table *table,
                  const struct record *record)
{
    return live->table == table && record_i64(&live->chain.records[0], COLUMN_CHAIN_ID) ==
                                       record_i64(record, COLUMN_CHAIN_ID);
}

/* Where the chain is, as far as this session knows. */
static void find_place(const struct session *session, const struct list_table *table,
                       const struct record *record, struct explain_group *out)
{
    int64_t status = record_i64(record, COLUMN_RECORD_STATUS);
    bool is_taken = status == RECORD_STATUS_RETRIEVED || status == RECORD_STATUS_CHAIN_READY;
    out->place = is_taken ? PLACE_ELSEWHERE : PLACE_TABLE;
    LIST_EACH (node, &session->in_progress) {
        const struct live_chain *live = LIST_OBJECT(node, struct live_chain, node);
        if (!is_of(live, table, record)) continue;
        out->place = PLACE_AGENT;
        out->place_agent = live->chain.agent_id;
    }
    for (int i = 0; i < BUFFER_CLASSES; i++)
        LIST_EACH (node, &session->buffered[i])
            if (is_of(LIST_OBJECT(node, struct live_chain, node), table, record))
                out->place = PLACE_BUFFER;
    for (uint32_t i = 0; i < session->put_off.count; i++) {
        const struct live_chain *live = LIST_OBJECT(session->put_off.at[i], struct live_chain, due);
        if (!is_of(live, table, record)) continue;
        out->place = PLACE_PUT_OFF;
        out->put_off_utc_ms = live->due.utc_ms;
    }
}

static bool session_has_list(const struct session *session, uint32_t list_dbid)
{
    for (uint32_t i = 0; i < session->list_count; i++)
        if (session->lists[i].dbid == list_dbid) return true;
    return false;
}

static void fill_dnc(const struct session *session, const struct calling_list *list,
                     const struct record *record, struct explain_group *out)
{
    const struct outbound_options *options = session->options;
    int64_t type = record_i64(record, COLUMN_RECORD_TYPE);
    bool is_callback = type == RECORD_TYPE_PERSONAL_CALLBACK ||
                       type == RECORD_TYPE_CAMPAIGN_CALLBACK;
    out->checks_dnc = options->check_dnc_list && (options->check_dnc_callback || !is_callback);
    enum dnc_verdict verdict = dnc_check_record(session, list, record);
    out->is_number_blocked = verdict == DNC_BLOCKED_BY_PHONE;
    out->is_customer_blocked = verdict == DNC_BLOCKED_BY_CUSTOMER;
}

static struct explain_group group_facts(struct explaining *explaining, struct session *session,
                                        const struct session_names *names,
                                        const struct calling_list *list,
                                        const struct record *record)
{
    struct outbound *server = explaining->request->server;
    struct explain_group out = {
        .name = names->campaign_group,
        .state = text_of(fsm_state_name(&session->fsm)),
        .is_started = session->fsm.state == SESSION_STARTED,
        .is_suspended = server->is_suspended,
        .has_list = session_has_list(session, list->dbid),
        .is_agent_of_group = agent_is_of_group(server, names, record_text(record, COLUMN_AGENT_ID)),
        .buffered = session->buffered_count,
    };
    fill_dnc(session, list, record, &out);
    find_place(session, explaining->table, record, &out);
    return out;
}

/* The groups whose campaign names the list, switched off or not. */
static bool campaign_names_list(const struct session_names *names, struct text list)
{
    const struct object_campaign *campaign =
        (const struct object_campaign *)names->campaign_object->fields;
    for (uint32_t i = 0; i < campaign->calling_lists.count; i++)
        if (text_eq(campaign->calling_lists.at[i].list, list)) return true;
    return false;
}

static uint32_t explain_for_groups(struct explaining *explaining, const struct calling_list *list,
                                   uint32_t index, const struct explain_record *facts)
{
    struct request *request = explaining->request;
    struct outbound *server = request->server;
    const struct outbound_explain_list *asked = request->fields;
    const struct record *record = &explaining->records[index];
    const struct app_object *object;
    uint32_t groups = 0;
    for (size_t at = 0;
         (object = app_object_next(server->app, &OBJECT_CAMPAIGN_GROUP, &at)) != NULL;) {
        struct session_names names;
        if (!session_names(server, object->dbid, &names, NULL)) continue;
        if (!campaign_names_list(&names, explaining->list_name)) continue;
        if (asked->campaign_group.len && !text_eq(asked->campaign_group, names.campaign_group))
            continue;
        struct session *session = session_of(server, object->dbid, NULL);
        if (session == NULL) continue;
        struct explain_group group = group_facts(explaining, session, &names, list, record);
        struct explain_verdict verdicts[EXPLAIN_VERDICTS_MAX];
        uint32_t count =
            explain_record_now(request->life, facts, &group, explaining->now_utc_ms, verdicts);
        struct text name = scope_keep(request->life, names.campaign_group);
        for (uint32_t i = 0; i < count; i++) add_line(explaining, record, name, &verdicts[i]);
        groups++;
    }
    return groups;
}

static void explain_now(struct explaining *explaining)
{
    struct request *request = explaining->request;
    const struct calling_list *list =
        lists_find_by_dbid(request->server->lists, explaining->list_dbid, NULL);
    for (uint32_t i = 0; list && i < explaining->record_count; i++) {
        struct explain_record facts = facts_of(explaining, list, i);
        if (explain_for_groups(explaining, list, i, &facts)) continue;
        struct explain_verdict verdicts[EXPLAIN_VERDICTS_MAX];
        uint32_t count =
            explain_record_now(request->life, &facts, NULL, explaining->now_utc_ms, verdicts);
        for (uint32_t k = 0; k < count; k++)
            add_line(explaining, &explaining->records[i], (struct text){ "", 0 }, &verdicts[k]);
    }
    ask_stored(explaining);
}

/* --- the rows, and which fit the filter ------------------------------------------------------- */

static void next_chain(struct explaining *explaining);

static void on_fitting(void *self, enum err err, const struct rows *rows)
{
    struct explaining *explaining = self;
    for (uint32_t i = 0; !err && i < rows_count(rows); i++)
        for (uint32_t k = 0; k < explaining->record_count; k++)
            if (record_i64(&explaining->records[k], COLUMN_CHAIN_ID) == rows_i64(rows, i, 0) &&
                record_i64(&explaining->records[k], COLUMN_CHAIN_N) == rows_i64(rows, i, 1))
                explaining->fits[k] = true;
    explaining->fitted++;
    next_chain(explaining);
}

/* Chain by chain, so that one statement serves for all. */
static void next_chain(struct explaining *explaining)
{
    const struct calling_list *list =
        lists_find_by_dbid(explaining->request->server->lists, explaining->list_dbid, NULL);
    const struct statement *statement = NULL;
    if (list && list->criteria.len && explaining->fitted < explaining->chain_count) {
        struct buf sql = { 0 };
        buf_format(&sql, "SELECT chain_id, chain_n FROM %.*s WHERE (%.*s) AND chain_id = ?1",
                   TEXT_ARG(explaining->table->layout.table), TEXT_ARG(list->criteria));
        statement = list_statement(explaining->table, buf_text(&sql));
        buf_free(&sql);
    }
    if (statement == NULL) {
        explain_now(explaining);
        return;
    }
    struct value parameter = value_of_i64(explaining->chain_ids[explaining->fitted]);
    struct query query = { statement, &parameter, 1 };
    list_query(explaining->table, &query, on_fitting, explaining);
}

static void on_rows(void *self, enum err err, const struct rows *rows)
{
    struct explaining *explaining = self;
    struct request *request = explaining->request;
    const struct calling_list *list =
        lists_find_by_dbid(request->server->lists, explaining->list_dbid, NULL);
    if (err || list == NULL || rows_count(rows) == 0) {
        request_refuse(request, err ? OUTBOUND_DATABASE_ERROR : OUTBOUND_INVALID_HANDLE,
                       "chainId: list %.*s has no such chain", TEXT_ARG(explaining->list_name));
        return;
    }
    uint32_t count = rows_count(rows);
    explaining->record_count = count;
    explaining->records = scope_alloc_array(request->life, count, sizeof *explaining->records);
    explaining->fits = scope_alloc_array(request->life, count, sizeof(bool));
    for (uint32_t i = 0; i < count; i++)
        explaining->records[i].cells =
            list_read_row(&explaining->table->layout, request->life, rows, i);
    next_chain(explaining);
}

static void load_rows(struct explaining *explaining)
{
    list_load_chains(explaining->table, explaining->chain_ids, explaining->chain_count, on_rows,
                     explaining);
}

static void on_found(void *self, enum err err, const struct rows *rows)
{
    struct explaining *explaining = self;
    struct request *request = explaining->request;
    if (err || rows_count(rows) == 0) {
        request_refuse(request, err ? OUTBOUND_DATABASE_ERROR : OUTBOUND_INVALID_HANDLE,
                       "phone: list %.*s has no such number", TEXT_ARG(explaining->list_name));
        return;
    }
    for (uint32_t i = 0; i < rows_count(rows) && explaining->chain_count < CHAINS_MAX; i++) {
        int64_t chain_id = rows_i64(rows, i, 0);
        uint32_t last = explaining->chain_count;
        if (last == 0 || explaining->chain_ids[last - 1] != chain_id)
            explaining->chain_ids[explaining->chain_count++] = chain_id;
    }
    if (((const struct outbound_explain_list *)request->fields)->is_stored_only)
        ask_stored(explaining);
    else
        load_rows(explaining);
}

static void on_open(void *self, const struct fault *fault)
{
    struct explaining *explaining = self;
    struct request *request = explaining->request;
    const struct outbound_explain_list *asked = request->fields;
    if (fault) {
        request_refuse(request, OUTBOUND_NOT_ALLOWED, "list: %s", fault->words);
        return;
    }
    if (SHAPE_HAS(asked, OUTBOUND_EXPLAIN_LIST_HAS_CHAIN_ID)) {
        load_rows(explaining);
        return;
    }
    char room[2][DNC_FORM_BYTES];
    struct text forms[DNC_FORMS_MAX];
    uint32_t count = dnc_phone_forms(asked->phone, room, forms);
    lookup_find(request->server, explaining->table, COLUMN_CONTACT_INFO, forms, count, on_found,
                explaining);
}

void explain_list(struct request *request)
{
    const struct outbound_explain_list *asked = request->fields;
    struct explaining *explaining = scope_alloc(request->life, sizeof *explaining);
    *explaining = (struct explaining){
        .request = request,
        .limit = asked->limit ? asked->limit : LIMIT_DEFAULT,
        .now_utc_ms = loop_now_utc_ms(request->server->app->loop),
        .lines = scope_alloc_array(request->life, LINES_MAX, sizeof *explaining->lines),
    };
    bool has_chain = SHAPE_HAS(asked, OUTBOUND_EXPLAIN_LIST_HAS_CHAIN_ID);
    if (has_chain) explaining->chain_ids[explaining->chain_count++] = asked->chain_id;
    bool names_records = has_chain || asked->phone.len;
    if (asked->list.len == 0) {
        if (names_records)
            request_refuse(request, OUTBOUND_BAD_KEY,
                           "list: has to be given with chainId or phone");
        else
            ask_stored(explaining);
        return;
    }
    struct fault fault = { 0 };
    struct calling_list *list = lists_find(request->server->lists, asked->list, &fault);
    if (list == NULL) {
        request_refuse(request, OUTBOUND_LIST_UNKNOWN, "list: %s", fault.words);
        return;
    }
    explaining->list_name = scope_keep(request->life, list->name);
    explaining->list_dbid = list->dbid;
    explaining->table = list->table;
    bool reckons = names_records && !asked->is_stored_only && asked->after.len == 0;
    if (reckons || (names_records && !has_chain))
        list_open(list, on_open, explaining);
    else
        ask_stored(explaining);
}
