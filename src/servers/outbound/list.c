/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at lists_find(): from the CallingList object through TableAccess, Format and Fields
 * to a table's layout. The SQL of choosing records stands in add_select_sql(). */
#include "servers/outbound/list.h"

#include "base/table.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "gen/options.h"
#include "model/calling_window.h"
#include "model/option.h"
#include "model/zone.h"
#include "servers/outbound/foreign_list.h"

#include <inttypes.h>
#include <stdio.h>

/* Each takes up to 18 of the 10,000 statements that a store keeps. */
enum { TABLES_MAX = 500 };

struct list_waiter {
    struct list_waiter *next;
    void (*on_open)(void *self, const struct fault *fault);
    void *self;
};

struct lists {
    struct app *app;
    struct store *store;
    struct access_points *access_points;
    struct table *tables;  /* by key */
    struct table *by_name; /* of calling lists, as configured at the last look */
    struct scope *lists_life;
    uint32_t app_dbid; /* of our Application object */
};

struct lists *lists_new(struct app *app, uint32_t app_dbid, struct store *store)
{
    struct lists *lists = scope_alloc(app->life, sizeof *lists);
    lists->app = app;
    lists->app_dbid = app_dbid;
    lists->store = store;
    lists->access_points = access_points_new(app, store);
    lists->tables = table_new(app->life);
    lists->lists_life = scope_new(app->life, "calling lists", SCOPE_NO_LIMIT);
    lists->by_name = table_new(lists->lists_life);
    return lists;
}

void lists_forget(struct lists *lists)
{
    scope_reset(lists->lists_life);
    lists->by_name = table_new(lists->lists_life);
}

const struct statement *list_statement(struct list_table *table, struct text sql)
{
    return table->foreign ? foreign_statement(table->foreign, sql)
                          : store_statement(table->lists->store, sql);
}

void list_query(struct list_table *table, const struct query *query,
                void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    if (table->foreign)
        foreign_table_query(table->foreign, query, on_rows, self);
    else
        store_query(table->lists->store, query, on_rows, self);
}

static const struct statement *statement(struct list_table *table, struct buf *sql)
{
    const struct statement *kept = list_statement(table, buf_text(sql));
    buf_clear(sql);
    return kept;
}

/* The statements that every table needs, by its layout. */
static void make_statements(struct list_table *table)
{
    struct text name = table->layout.table;
    struct buf sql = { 0 };
    list_sql_insert(&table->layout, &sql);
    table->insert = statement(table, &sql);

    buf_add_z(&sql, "SELECT ");
    list_sql_columns(&table->layout, &sql);
    buf_format(&sql,
               " FROM %.*s WHERE chain_id IN (SELECT value FROM json_each(?1)) "
               "ORDER BY chain_id, chain_n",
               TEXT_ARG(name));
    table->load_chains = statement(table, &sql);

    /* The condition on the status is what keeps two servers from taking one chain (spec 4). */
    buf_format(&sql,
               "UPDATE %.*s SET record_status = 2, app_id = ?3, campaign_id = ?4, group_id = ?5 "
               "WHERE chain_id = ?1 AND chain_n = ?2 AND record_status = 1 AND NOT EXISTS "
               "(SELECT 1 FROM %.*s WHERE chain_id = ?1 AND record_status = 2)",
               TEXT_ARG(name), TEXT_ARG(name));
    table->take = statement(table, &sql);
    buf_format(&sql,
               "UPDATE %.*s SET record_status = 9 WHERE chain_id = ?1 AND chain_n = ?2 "
               "AND record_status = 1",
               TEXT_ARG(name));
    table->take_sibling = statement(table, &sql);

    uint32_t status = COLUMN_RECORD_STATUS;
    list_sql_update(&table->layout, &status, 1, &sql);
    table->write_status = statement(table, &sql);
    for (uint32_t i = 0; i < table->layout.count; i++)
        if (!table->layout.columns[i].is_key && i != COLUMN_RECORD_ID)
            table->row_columns[table->row_column_count++] = i;
    list_sql_update(&table->layout, table->row_columns, table->row_column_count, &sql);
    table->write_row = statement(table, &sql);
    buf_free(&sql);
}

/* From the Field objects of the Format: the mandatory columns have to be there, the others are the
 * list's own. */
static enum err make_layout(struct lists *lists, const struct object_format *format,
                            struct text table_name, struct list_table *table, struct fault *fault)
{
    struct scope *owner = table->life;
    const struct list_charset *charset = &table->charset;
    if (!is_sql_identifier(table_name))
        return fault_set(fault, ERR_INVALID, "dbTableName",
                         "letters, digits and _ only, at most 63, is %.*s", TEXT_ARG(table_name));
    struct column_layout *columns =
        scope_alloc_array(owner, COLUMNS_MANDATORY + format->fields.count, sizeof *columns);
    bool is_there[COLUMNS_MANDATORY] = { false };
    for (uint32_t i = 0; i < COLUMNS_MANDATORY; i++) {
        columns[i] = mandatory_columns()[i];
        if (columns[i].is_text) columns[i].charset = charset;
    }
    uint32_t count = COLUMNS_MANDATORY;
    for (uint32_t i = 0; i < format->fields.count; i++) {
        struct text name = format->fields.at[i];
        const struct app_object *object = app_object(lists->app, &OBJECT_FIELD, name);
        if (object == NULL || !is_sql_identifier(name))
            return fault_set(fault, ERR_NOT_FOUND, "fields", "no usable Field %.*s",
                             TEXT_ARG(name));
        const struct object_field *field = (const struct object_field *)object->fields;
        const struct value *section = kv_find(&object->fields->annex, TEXT("default"));
        const struct value *attribute = section && section->kind == VALUE_KV
                                            ? kv_find(&section->pairs, TEXT("send_attribute"))
                                            : NULL;
        uint32_t at = count;
        for (uint32_t k = 0; k < COLUMNS_MANDATORY; k++)
            if (text_eq_fold(columns[k].name, name)) at = k;
        if (at < COLUMNS_MANDATORY) {
            is_there[at] = true;
            continue;
        }
        if (count - COLUMNS_MANDATORY >= USER_COLUMNS_MAX)
            return fault_set(fault, ERR_LIMIT, "fields", "more than %d fields", USER_COLUMNS_MAX);
        columns[count++] = (struct column_layout){
            .name = scope_keep(owner, name),
            .is_text = text_ends(field->data_type, TEXT("char")),
            .is_float = text_eq(field->data_type, TEXT("float")),
            .len_max = field->length,
            .send_attribute = attribute && attribute->kind == VALUE_TEXT
                                  ? scope_keep(owner, attribute->text)
                                  : (struct text){ "", 0 },
            .charset = charset,
        };
    }
    for (uint32_t i = 0; i < COLUMNS_MANDATORY; i++)
        if (!is_there[i])
            return fault_set(fault, ERR_INVALID, "fields", "the mandatory field %.*s is missing",
                             TEXT_ARG(columns[i].name));
    table->layout = (struct list_layout){ scope_keep(owner, table_name), columns, count };
    return ERR_OK;
}

static struct list_table *table_of(struct lists *lists, const struct object_table_access *access,
                                   struct fault *fault)
{
    const struct app_object *format = app_object(lists->app, &OBJECT_FORMAT, access->format);
    if (format == NULL) {
        (void)fault_set(fault, ERR_NOT_FOUND, "format", "no Format %.*s", TEXT_ARG(access->format));
        return NULL;
    }
    struct scope *life = scope_new(lists->app->life, "list table", SCOPE_NO_LIMIT);
    struct text key = access->db_access.len ? foreign_table_key(life, lists->app, access->db_access,
                                                                access->db_table_name)
                                            : scope_keep(life, access->db_table_name);
    struct list_table *table = table_get(lists->tables, key);
    if (table || table_count(lists->tables) >= TABLES_MAX) {
        if (table == NULL)
            (void)fault_set(fault, ERR_LIMIT, "tableAccess", "more than %d tables", TABLES_MAX);
        scope_close(life);
        return table;
    }
    table = scope_alloc(life, sizeof *table);
    table->life = life;
    table->lists = lists;
    table->key = key;
    table->charset.scratch = scope_new(life, "texts of a table", SCOPE_NO_LIMIT);
    enum err err = make_layout(lists, (const struct object_format *)format->fields,
                               access->db_table_name, table, fault);
    if (!err && access->db_access.len) {
        table->foreign = foreign_table_new(lists->access_points, table, access->db_access,
                                           lists->app_dbid, fault);
        if (table->foreign == NULL) err = ERR_INVALID;
    }
    if (err) {
        scope_close(life);
        return NULL;
    }
    if (table->foreign == NULL) make_statements(table);
    table_put(lists->tables, table->key, table);
    return table;
}

/* Spec 4: the whole predicate but the agent's part. ?1: [[tz_dbid, local seconds], ...]; ?2: rows;
 * ?3: record type; ?4: now, epoch seconds; ?5, ?6: the list's own bounds of the day; ?7: agents, or
 * NULL: with those named, what nobody has served for a day, to end as missed (10). `is_due`: of the
 * types that have a time, found by it among any number that is not due yet. */
static void add_select_sql(const struct calling_list *list, bool is_due, struct buf *sql)
{
    struct text name = list->table->layout.table;
    buf_format(sql,
               "WITH zone(tz, t) AS MATERIALIZED (SELECT json_extract(value, '$[0]'), "
               "json_extract(value, '$[1]') FROM json_each(?1)) "
               "SELECT %.*s.chain_id, %.*s.chain_n FROM %.*s",
               TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name));
    if (is_due) buf_format(sql, " INDEXED BY %.*s_due", TEXT_ARG(name));
    buf_format(
        sql,
        " CROSS JOIN zone ON zone.tz = %.*s.tz_dbid "
        "WHERE %.*s.record_status = 1 AND %.*s.record_type = ?3 "
        "AND (?7 IS NULL OR %.*s.agent_id IN (SELECT value FROM json_each(?7)) "
        "OR %.*s.dial_sched_time <= ?4 - 86400) "
        "AND ((daily_from < daily_till AND daily_from <= t AND t < daily_till) "
        "OR (daily_from > daily_till AND (t >= daily_from OR t < daily_till))) "
        "AND (?5 = ?6 OR (?5 < ?6 AND ?5 <= t AND t < ?6) OR (?5 > ?6 AND (t >= ?5 OR t < ?6))) "
        "AND NOT EXISTS (SELECT 1 FROM %.*s AS taken WHERE taken.chain_id = %.*s.chain_id "
        "AND taken.record_status = 2)",
        TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name),
        TEXT_ARG(name), TEXT_ARG(name));
    if (is_due)
        buf_format(sql, " AND %.*s.dial_sched_time >= 0 AND %.*s.dial_sched_time <= ?4",
                   TEXT_ARG(name), TEXT_ARG(name));
    /* Who is promised a call later, or by one agent, is not called on another number before. */
    buf_format(sql,
               " AND (?3 IN (4, 5) OR NOT EXISTS (SELECT 1 FROM %.*s AS promised "
               "WHERE promised.chain_id = %.*s.chain_id AND promised.record_status = 1 "
               "AND (promised.record_type IN (4, 5) OR (promised.record_type IN (3, 6) "
               "AND promised.dial_sched_time > ?4))))",
               TEXT_ARG(name), TEXT_ARG(name));
    if (list->max_attempts)
        buf_format(sql, " AND %.*s.attempt < %u", TEXT_ARG(name), list->max_attempts);
    if (list->criteria.len) buf_format(sql, " AND (%.*s)", TEXT_ARG(list->criteria));
    buf_add_z(sql, " ORDER BY ");
    if (list->order_by.len) buf_format(sql, "%.*s, ", TEXT_ARG(list->order_by));
    buf_format(sql, "%.*s.chain_id, %.*s.chain_n LIMIT ?2", TEXT_ARG(name), TEXT_ARG(name));
}

static struct text filter_option(const struct app_object *filter, struct text name)
{
    const struct value *section = kv_find(&filter->fields->annex, TEXT("default"));
    if (section == NULL || section->kind != VALUE_KV) return (struct text){ 0 };
    const struct value *option = kv_find(&section->pairs, name);
    return option && option->kind == VALUE_TEXT ? option->text : (struct text){ 0 };
}

/* The option `encoding`, of the list, its Table Access or the application. What a database behind
 * an access point understands is its driver's business. */
static enum err set_charset(struct list_table *table, const struct app_object *list,
                            const struct app_object *access, struct fault *fault)
{
    struct app *app = table->lists->app;
    const struct app_object *self = app_self(app);
    if (table->foreign) return ERR_OK;
    struct option_layer layers[] = {
        { LEVEL_CALLING_LIST, &list->fields->annex },
        { LEVEL_CALLING_LIST, &access->fields->annex },
        { LEVEL_APPLICATION,
          self ? &((const struct object_application *)self->fields)->options : NULL },
    };
    struct option_source source = { app->name, layers, sizeof layers / sizeof layers[0] };
    struct scope *scratch = scope_new(table->life, "options", SCOPE_NO_LIMIT);
    const struct outbound_options *options =
        option_resolve(&OPTIONS_OUTBOUND, &source, NULL, scratch, NULL, NULL);
    enum err err = ERR_OK;
    if (!text_eq(options->encoding, table->charset_name)) {
        struct encoding *encoding = NULL;
        if (options->encoding.len)
            err = encoding_open(table->life, options->encoding, &encoding, fault);
        if (!err) {
            table->charset.encoding = encoding;
            table->charset_name = scope_keep(table->life, options->encoding);
        }
    }
    scope_close(scratch);
    return err;
}

static struct calling_list *list_from(struct lists *lists, const struct app_object *object,
                                      struct fault *fault)
{
    const struct object_calling_list *fields = (const struct object_calling_list *)object->fields;
    struct calling_list *list = table_get(lists->by_name, object->fields->name);
    if (list) return list;
    const struct app_object *access =
        app_object(lists->app, &OBJECT_TABLE_ACCESS, fields->table_access);
    if (access == NULL) {
        (void)fault_set(fault, ERR_NOT_FOUND, "tableAccess", "no TableAccess %.*s",
                        TEXT_ARG(fields->table_access));
        return NULL;
    }
    struct list_table *table =
        table_of(lists, (const struct object_table_access *)access->fields, fault);
    if (table == NULL || set_charset(table, object, access, fault)) return NULL;
    list = scope_alloc(lists->lists_life, sizeof *list);
    *list = (struct calling_list){
        .name = scope_keep(lists->lists_life, object->fields->name),
        .dbid = object->dbid,
        .table = table,
        .max_attempts = fields->max_attempts,
        .time_from = fields->time_from,
        .time_until = fields->time_until,
    };
    const struct app_object *filter =
        fields->filter.len ? app_object(lists->app, &OBJECT_FILTER, fields->filter) : NULL;
    if (filter) {
        list->criteria = scope_keep(lists->lists_life, filter_option(filter, TEXT("criteria")));
        list->order_by = scope_keep(lists->lists_life, filter_option(filter, TEXT("order_by")));
    }
    if (table->foreign) {
        list->select = foreign_identity(list);
    } else {
        struct buf sql = { 0 };
        add_select_sql(list, false, &sql);
        list->select = statement(table, &sql);
        add_select_sql(list, true, &sql);
        list->select_due = statement(table, &sql);
        buf_free(&sql);
    }
    table_put(lists->by_name, list->name, list);
    return list;
}

struct calling_list *lists_find(struct lists *lists, struct text name, struct fault *fault)
{
    const struct app_object *object = app_object(lists->app, &OBJECT_CALLING_LIST, name);
    uint32_t dbid;
    if (object == NULL && !text_to_u32(name, 1, UINT32_MAX, &dbid))
        object = app_object_by_dbid(lists->app, &OBJECT_CALLING_LIST, dbid);
    if (object) return list_from(lists, object, fault);
    (void)fault_set(fault, ERR_NOT_FOUND, "GSW_CALLING_LIST", "no calling list %.*s",
                    TEXT_ARG(name));
    return NULL;
}

struct calling_list *lists_find_by_dbid(struct lists *lists, uint32_t dbid, struct fault *fault)
{
    const struct app_object *object = app_object_by_dbid(lists->app, &OBJECT_CALLING_LIST, dbid);
    if (object) return list_from(lists, object, fault);
    (void)fault_set(fault, ERR_NOT_FOUND, "GSW_CALLING_LIST", "no calling list %u", dbid);
    return NULL;
}

/* --- opening a table: structure, creation, recovery, counters --- */

static void say_open(void *self)
{
    struct list_table *table = self;
    struct list_waiter *waiters = table->waiters;
    struct scope *waiting = table->waiting;
    table->waiters = NULL;
    table->waiting = NULL;
    for (struct list_waiter *waiter = waiters; waiter; waiter = waiter->next)
        waiter->on_open(waiter->self, table->state == TABLE_FAILED ? &table->fault : NULL);
    scope_close(waiting);
}

static void opened(struct list_table *table, enum list_table_state state)
{
    table->state = state;
    loop_soon(table->life, table->lists->app->loop, say_open, table);
}

static void on_counters(void *self, enum err err, const struct rows *rows)
{
    struct list_table *table = self;
    if (err) {
        (void)fault_set(&table->fault, err, "table", "%.*s cannot be read",
                        TEXT_ARG(table->layout.table));
        opened(table, TABLE_FAILED);
        return;
    }
    table->next_record_id = rows_i64(rows, 0, 0) + 1;
    table->next_chain_id = rows_i64(rows, 0, 1) + 1;
    opened(table, TABLE_OPEN);
}

static void read_counters(struct list_table *table)
{
    struct buf sql = { 0 };
    /* Chains that are set aside for an import are not given to anybody else. */
    buf_format(&sql,
               "SELECT (SELECT max(record_id) FROM %.*s), max(ifnull((SELECT max(chain_id) FROM "
               "%.*s), 0), ifnull((SELECT max(chain_base + chain_count - 1) FROM import WHERE "
               "table_name = '%.*s' AND state IN (1, 2, 4)), 0))",
               TEXT_ARG(table->layout.table), TEXT_ARG(table->layout.table),
               TEXT_ARG(table->layout.table));
    struct query query = { .statement = statement(table, &sql) };
    store_query(table->lists->store, &query, on_counters, table);
    buf_free(&sql);
}

static void on_recovered(void *self, const struct change_result *result)
{
    struct list_table *table = self;
    if (result->err) {
        (void)fault_set(&table->fault, result->err, "table", "%.*s: %s",
                        TEXT_ARG(table->layout.table), result->words ? result->words : "");
        opened(table, TABLE_FAILED);
        return;
    }
    read_counters(table);
}

/* Spec 5.3: rows left Retrieved by this app_id in an earlier run become Ready with result Stale,
 * unless their chain has a live assignment (design 5). */
static void recover_rows(struct list_table *table)
{
    struct text name = table->layout.table;
    struct buf sql = { 0 };
    struct change *change = change_new(table->lists->store);
    buf_format(&sql,
               "UPDATE %.*s SET record_status = 1, call_result = 46 WHERE record_status = 2 "
               "AND app_id = ?1 AND NOT EXISTS (SELECT 1 FROM round WHERE round.state = 1 "
               "AND round.table_name = ?2 AND round.chain_id = %.*s.chain_id) AND NOT EXISTS "
               "(SELECT 1 FROM held_chain AS held WHERE held.table_name = ?2 "
               "AND held.chain_id = %.*s.chain_id)",
               TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name));
    change_add(change, statement(table, &sql), ROWS_ANY);
    change_bind_i64(change, table->lists->app_dbid);
    change_bind_text(change, name);
    buf_format(&sql,
               "UPDATE %.*s SET record_status = 1 WHERE record_status = 9 AND NOT EXISTS "
               "(SELECT 1 FROM %.*s AS taken WHERE taken.chain_id = %.*s.chain_id "
               "AND taken.record_status = 2)",
               TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name));
    change_add(change, statement(table, &sql), ROWS_ANY);
    change_submit(change, on_recovered, table);
    buf_free(&sql);
}

static void on_created(void *self, const struct change_result *result)
{
    struct list_table *table = self;
    if (result->err) {
        (void)fault_set(&table->fault, result->err, "table", "%.*s cannot be created: %s",
                        TEXT_ARG(table->layout.table), result->words ? result->words : "");
        opened(table, TABLE_FAILED);
        return;
    }
    recover_rows(table);
}

static void create(struct list_table *table)
{
    struct buf sql = { 0 };
    list_sql_create(&table->layout, &sql);
    struct change *change = change_new(table->lists->store);
    struct text rest = buf_text(&sql), one;
    while (text_next_item(&rest, ';', &one))
        if (one.len) change_add(change, store_statement(table->lists->store, one), ROWS_ANY);
    change_submit(change, on_created, table);
    buf_free(&sql);
}

/* Spec 3.2: where the table exists its structure must match exactly. */
static void on_structure(void *self, enum err err, const struct rows *rows)
{
    struct list_table *table = self;
    if (err) {
        (void)fault_set(&table->fault, err, "table", "the structure of %.*s cannot be read",
                        TEXT_ARG(table->layout.table));
        opened(table, TABLE_FAILED);
        return;
    }
    if (rows_count(rows) == 0) {
        create(table);
        return;
    }
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        struct text column = rows_text(rows, i, 0);
        if (layout_find_column(&table->layout, column) != UINT32_MAX) continue;
        (void)fault_set(&table->fault, ERR_CONFLICT, "table",
                        "%.*s has a column %.*s that its Format does not name",
                        TEXT_ARG(table->layout.table), TEXT_ARG(column));
        opened(table, TABLE_FAILED);
        return;
    }
    if (rows_count(rows) < table->layout.count) {
        (void)fault_set(&table->fault, ERR_CONFLICT, "table",
                        "%.*s has %u columns, its Format names %u", TEXT_ARG(table->layout.table),
                        rows_count(rows), table->layout.count);
        opened(table, TABLE_FAILED);
        return;
    }
    create(table); /* its indexes may be missing still */
}

void list_open(struct calling_list *list, void (*on_open)(void *self, const struct fault *fault),
               void *self)
{
    struct list_table *table = list->table;
    bool is_answer_due = table->waiting != NULL;
    if (table->waiting == NULL)
        table->waiting = scope_new(table->life, "who waits for a table", SCOPE_NO_LIMIT);
    struct list_waiter *waiter = scope_alloc(table->waiting, sizeof *waiter);
    *waiter = (struct list_waiter){ table->waiters, on_open, self };
    table->waiters = waiter;
    if (table->state == TABLE_OPENING) return;
    /* To try again now would tell those who wait that it is open. */
    if (table->state == TABLE_FAILED && is_answer_due) return;
    if (table->state == TABLE_OPEN) {
        loop_soon(table->waiting, table->lists->app->loop, say_open, table);
        return;
    }
    table->state = TABLE_OPENING;
    if (table->foreign) {
        foreign_table_open(table->foreign, opened);
        return;
    }
    static const struct statement structure = { "SELECT name FROM pragma_table_info(?1)" };
    struct value name = value_of_text(table->layout.table);
    struct query query = { &structure, &name, 1 };
    store_query(table->lists->store, &query, on_structure, table);
}

/* --- zones --- */

static struct list_zone zone_of(const struct app_object *object, uint64_t now_utc_ms)
{
    const struct object_time_zone *fields = (const struct object_time_zone *)object->fields;
    struct list_zone out = { .dbid = object->dbid, .name = object->fields->name };
    const struct zone *zone =
        zone_find(fields->iana_name.len ? fields->iana_name : object->fields->name);
    out.offset_s = zone ? zone_offset_seconds(zone, now_utc_ms) : (int64_t)fields->offset * 60;
    return out;
}

int64_t list_zone_seconds(const struct list_zone *zone, uint64_t now_utc_ms)
{
    return calling_window_local_seconds(now_utc_ms, zone->offset_s);
}

bool list_zone_by_dbid(struct app *app, uint32_t dbid, uint64_t now_utc_ms, struct list_zone *out)
{
    const struct app_object *object = app_object_by_dbid(app, &OBJECT_TIME_ZONE, dbid);
    if (object) *out = zone_of(object, now_utc_ms);
    return object != NULL;
}

bool list_zone_by_name(struct app *app, struct text name, uint64_t now_utc_ms,
                       struct list_zone *out)
{
    const struct app_object *object = app_object(app, &OBJECT_TIME_ZONE, name);
    for (size_t at = 0;
         object == NULL && (object = app_object_next(app, &OBJECT_TIME_ZONE, &at));) {
        const struct object_time_zone *fields = (const struct object_time_zone *)object->fields;
        if (text_eq(fields->iana_name, name)) break;
        object = NULL;
    }
    if (object) *out = zone_of(object, now_utc_ms);
    return object != NULL;
}

bool list_is_in_window(const struct calling_list *list, const struct record *record,
                       uint64_t now_utc_ms)
{
    struct list_zone zone;
    if (!list_zone_by_dbid(list->table->lists->app, (uint32_t)record_i64(record, COLUMN_TZ_DBID),
                           now_utc_ms, &zone))
        return false;
    int64_t local_s = calling_window_local_seconds(now_utc_ms, zone.offset_s);
    if (!calling_window_is_open(record_i64(record, COLUMN_DAILY_FROM),
                                record_i64(record, COLUMN_DAILY_TILL), local_s))
        return false;
    return list->time_from == list->time_until ||
           calling_window_is_open(list->time_from, list->time_until, local_s);
}

/* [[tz_dbid, seconds after local midnight], ...] for the query. */
static void zones_now(struct app *app, uint64_t now_utc_ms, struct buf *out)
{
    const struct app_object *object;
    buf_add_byte(out, '[');
    bool first = true;
    for (size_t at = 0; (object = app_object_next(app, &OBJECT_TIME_ZONE, &at)) != NULL;) {
        struct list_zone zone = zone_of(object, now_utc_ms);
        buf_format(out, "%s[%u,%" PRId64 "]", first ? "" : ",", zone.dbid,
                   calling_window_local_seconds(now_utc_ms, zone.offset_s));
        first = false;
    }
    buf_add_byte(out, ']');
}

/* --- choosing and loading --- */

struct selection {
    struct scope *life;
    void (*on_candidates)(void *self, enum err err, const struct candidate *candidates,
                          uint32_t count);
    void *self;
};

static void on_selected(void *self, enum err err, const struct rows *rows)
{
    struct selection *selection = self;
    uint32_t count = err ? 0 : rows_count(rows);
    struct candidate *candidates =
        scope_alloc_array(selection->life, count + 1, sizeof *candidates);
    for (uint32_t i = 0; i < count; i++)
        candidates[i] = (struct candidate){ rows_i64(rows, i, 0), rows_i64(rows, i, 1) };
    selection->on_candidates(selection->self, err, candidates, count);
    scope_close(selection->life);
}

void list_select(struct calling_list *list, int64_t record_type, uint64_t now_utc_ms,
                 uint32_t limit, struct text agents,
                 void (*on_candidates)(void *self, enum err err, const struct candidate *candidates,
                                       uint32_t count),
                 void *self)
{
    struct app *app = list->table->lists->app;
    struct scope *life = scope_new(app->life, "selection", SCOPE_NO_LIMIT);
    struct selection *selection = scope_alloc(life, sizeof *selection);
    *selection = (struct selection){ life, on_candidates, self };
    if (list->table->foreign) {
        foreign_select(list, record_type, now_utc_ms, limit, agents, on_selected, selection);
        return;
    }
    struct buf zones = { 0 };
    zones_now(app, now_utc_ms, &zones);
    struct value parameters[] = {
        value_of_text(buf_text(&zones)),
        value_of_i64(limit),
        value_of_i64(record_type),
        value_of_i64((int64_t)(now_utc_ms / 1000)),
        value_of_i64(list->time_from),
        value_of_i64(list->time_until),
        agents.at ? value_of_text(agents) : (struct value){ .kind = VALUE_NULL },
    };
    bool is_due = record_type != RECORD_TYPE_GENERAL;
    struct query query = { is_due ? list->select_due : list->select, parameters,
                           sizeof parameters / sizeof parameters[0] };
    store_query(list->table->lists->store, &query, on_selected, selection);
    buf_free(&zones);
}

void list_load_chains(struct list_table *table, const int64_t *chain_ids, uint32_t count,
                      void (*on_rows)(void *self, enum err err, const struct rows *rows),
                      void *self)
{
    if (table->foreign) {
        foreign_load_chains(table->foreign, chain_ids, count, on_rows, self);
        return;
    }
    struct buf ids = { 0 };
    buf_add_byte(&ids, '[');
    for (uint32_t i = 0; i < count; i++) buf_format(&ids, "%s%" PRId64, i ? "," : "", chain_ids[i]);
    buf_add_byte(&ids, ']');
    struct value parameter = value_of_text(buf_text(&ids));
    struct query query = { table->load_chains, &parameter, 1 };
    store_query(table->lists->store, &query, on_rows, self);
    buf_free(&ids);
}

static struct value cell_of(struct scope *owner, const struct list_charset *charset,
                            const struct value *stored)
{
    if (stored->kind != VALUE_TEXT && stored->kind != VALUE_BYTES) return *stored;
    return value_of_text(charset_decode(charset, owner, stored->text));
}

struct value *list_read_row(const struct list_layout *layout, struct scope *owner,
                            const struct rows *rows, uint32_t row)
{
    struct value *cells = scope_alloc_array(owner, layout->count, sizeof *cells);
    for (uint32_t i = 0; i < layout->count; i++)
        cells[i] = cell_of(owner, layout->columns[i].charset, rows_at(rows, row, i));
    return cells;
}

/* --- taking --- */

struct change *list_new_take(struct list_table *table)
{
    return table->foreign ? foreign_new_take(table->foreign) : change_new(table->lists->store);
}

void list_submit_take(struct list_table *table, struct change *change, int64_t chain_id,
                      void (*on_taken)(void *self, const struct change_result *result), void *self)
{
    if (table->foreign)
        foreign_submit_take(table->foreign, change, chain_id, on_taken, self);
    else
        change_submit(change, on_taken, self);
}

/* --- additions to a change --- */

void list_bind(const struct column_layout *column, struct change *change, const struct value *value)
{
    struct text encoded;
    switch (value->kind) {
    case VALUE_INTEGER: change_bind_i64(change, value->integer); return;
    case VALUE_FLOAT: change_bind_f64(change, value->number); return;
    case VALUE_TEXT:
        /* What comes from outside was checked; a name of the configuration goes as it is. */
        if (column == NULL || charset_encode(column->charset, value->text, &encoded))
            encoded = value->text;
        change_bind_text(change, encoded);
        return;
    default: change_bind_null(change); return;
    }
}

void list_add_take(struct list_table *table, struct change *change, int64_t chain_id,
                   int64_t chain_n, uint32_t campaign_dbid, uint32_t group_dbid)
{
    if (table->foreign) {
        foreign_add_take(table->foreign, change, chain_id, chain_n, campaign_dbid, group_dbid);
        return;
    }
    change_add(change, table->take, 1);
    change_bind_i64(change, chain_id);
    change_bind_i64(change, chain_n);
    change_bind_i64(change, table->lists->app_dbid);
    change_bind_i64(change, campaign_dbid);
    change_bind_i64(change, group_dbid);
}

void list_add_take_sibling(struct list_table *table, struct change *change, int64_t chain_id,
                           int64_t chain_n)
{
    if (table->foreign) {
        foreign_add_take_sibling(table->foreign, change, chain_id, chain_n);
        return;
    }
    change_add(change, table->take_sibling, ROWS_ANY);
    change_bind_i64(change, chain_id);
    change_bind_i64(change, chain_n);
}

void list_add_release(struct list_table *table, struct change *change, int64_t chain_id)
{
    if (table->foreign) {
        foreign_add_release(table->foreign, change, chain_id);
        return;
    }
    struct buf sql = { 0 };
    buf_format(&sql,
               "UPDATE %.*s SET record_status = 1 WHERE chain_id = ?1 AND record_status IN (2, 9)",
               TEXT_ARG(table->layout.table));
    change_add(change, statement(table, &sql), ROWS_ANY);
    change_bind_i64(change, chain_id);
    buf_free(&sql);
}

void list_add_write(struct list_table *table, struct change *change, const struct value *cells,
                    bool is_status_only)
{
    if (table->foreign) { /* a write replaces one that waits: always the whole row */
        foreign_add_write(table->foreign, change, cells);
        return;
    }
    if (is_status_only) {
        change_add(change, table->write_status, 1);
        list_bind(NULL, change, &cells[COLUMN_RECORD_STATUS]);
    } else {
        change_add(change, table->write_row, 1);
        for (uint32_t i = 0; i < table->row_column_count; i++)
            list_bind(&table->layout.columns[table->row_columns[i]], change,
                      &cells[table->row_columns[i]]);
    }
    list_bind(NULL, change, &cells[COLUMN_CHAIN_ID]);
    list_bind(NULL, change, &cells[COLUMN_CHAIN_N]);
}

void list_add_insert(struct list_table *table, struct change *change, const struct value *cells)
{
    if (table->foreign) {
        foreign_add_insert(table->foreign, change, cells);
        return;
    }
    change_add(change, table->insert, 1);
    for (uint32_t i = 0; i < table->layout.count; i++)
        list_bind(&table->layout.columns[i], change, &cells[i]);
}

void list_add_statement(struct list_table *table, struct change *change, int64_t key_1,
                        int64_t key_2, struct text sql, const struct value *parameters,
                        uint32_t count)
{
    if (table->foreign) {
        foreign_add_statement(table->foreign, change, key_1, key_2, sql, parameters, count);
        return;
    }
    const struct statement *kept = store_statement(table->lists->store, sql);
    ASSERT(kept != NULL); /* TABLES_MAX bounds them */
    change_add(change, kept, ROWS_ANY);
    for (uint32_t i = 0; i < count; i++) list_bind(NULL, change, &parameters[i]);
}

bool list_is_away(const struct list_table *table)
{
    return table->foreign && foreign_table_is_away(table->foreign);
}

bool list_is_full(const struct list_table *table)
{
    return table->foreign && foreign_is_full(table->foreign);
}

void list_submit_insert(struct list_table *table, struct change *change, const struct value *cells,
                        void (*on_inserted)(void *self, const struct change_result *result),
                        void *self)
{
    if (table->foreign) {
        foreign_submit_insert(table->foreign, change, cells, on_inserted, self);
        return;
    }
    list_add_insert(table, change, cells);
    change_submit(change, on_inserted, self);
}

struct counting_again {
    struct scope *life;
    void (*on_counted)(void *self, enum err err);
    void *self;
};

static void say_counted(void *self)
{
    struct counting_again *counting = self;
    counting->on_counted(counting->self, ERR_OK);
    scope_close(counting->life);
}

void list_count_again(struct list_table *table, void (*on_counted)(void *self, enum err err),
                      void *self)
{
    if (table->foreign) {
        foreign_table_count(table->foreign, on_counted, self);
        return;
    }
    /* Nobody else writes into our own store. */
    struct scope *life = scope_new(table->life, "counting", SCOPE_NO_LIMIT);
    struct counting_again *counting = scope_alloc(life, sizeof *counting);
    *counting = (struct counting_again){ life, on_counted, self };
    loop_soon(life, table->lists->app->loop, say_counted, counting);
}

/* Of exhausted rows, per calling list: they may share a table. */
enum { KEY_EXHAUSTED = -1 };

void list_add_finalise_exhausted(struct calling_list *list, struct change *change)
{
    if (list->max_attempts == 0) return;
    struct buf sql = { 0 };
    buf_format(&sql, "UPDATE %.*s SET record_status = 3 WHERE record_status = 1 AND attempt >= %u",
               TEXT_ARG(list->table->layout.table), list->max_attempts);
    list_add_statement(list->table, change, KEY_EXHAUSTED, list->dbid, buf_text(&sql), NULL, 0);
    buf_free(&sql);
}
