/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at lists_find(): from the CallingList object through TableAccess, Format and Fields
 * to a table's layout, and list_open(). The SQL of choosing records stands in add_select_sql();
 * choosing is in list_choose.c, writing in list_write.c. */
#include "servers/outbound/list_private.h"

#include "base/table.h"
#include "fault.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "gen/options.h"
#include "model/option.h"

#include <stdio.h>

/* Each takes up to 19 of the 10,000 statements that a store keeps. */
enum { TABLES_MAX = 500 };

struct list_waiter {
    struct list_waiter *next;
    void (*on_open)(void *self, const struct fault *fault);
    void *self;
};

static void forget_zones(void *self)
{
    buf_free(&((struct lists *)self)->zones);
}

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
    scope_on_close(app->life, forget_zones, lists);
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
               " FROM %.*s WHERE chain_id IN (SELECT CAST(value AS INTEGER) FROM json_each(?1)) "
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
    const char *cell = store_is_postgres(list->table->lists->store) ? "value::json" : "value";
    buf_format(sql,
               "WITH zone(tz, t) AS MATERIALIZED (SELECT CAST(%s ->> 0 AS INTEGER), "
               "CAST(%s ->> 1 AS INTEGER) FROM json_each(?1)) "
               "SELECT %.*s.chain_id, %.*s.chain_n FROM %.*s",
               cell, cell, TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name));
    if (is_due) buf_format(sql, " INDEXED BY %.*s_due", TEXT_ARG(name));
    buf_format(
        sql,
        " CROSS JOIN zone ON zone.tz = %.*s.tz_dbid "
        "WHERE %.*s.record_status = 1 AND %.*s.record_type = ?3 "
        "AND (CAST(?7 AS TEXT) IS NULL OR %.*s.agent_id IN (SELECT value FROM json_each(?7)) "
        "OR %.*s.dial_sched_time <= ?4 - 86400) "
        "AND ((daily_from < daily_till AND daily_from <= t AND t < daily_till) "
        "OR (daily_from > daily_till AND (t >= daily_from OR t < daily_till))) "
        "AND (CAST(?5 AS INTEGER) = CAST(?6 AS INTEGER) OR (?5 < ?6 AND ?5 <= t AND t < ?6) "
        "OR (?5 > ?6 AND (t >= ?5 OR t < ?6))) "
        "AND NOT EXISTS (SELECT 1 FROM %.*s AS taken WHERE taken.chain_id = %.*s.chain_id "
        "AND taken.record_status = 2)",
        TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name), TEXT_ARG(name),
        TEXT_ARG(name), TEXT_ARG(name));
    if (is_due)
        buf_format(sql, " AND %.*s.dial_sched_time >= 0 AND %.*s.dial_sched_time <= ?4",
                   TEXT_ARG(name), TEXT_ARG(name));
    /* Who is promised a call later, or by one agent, is not called on another number before.
     * All types of the two kinds are named once more, so that a PostgreSQL without statistics finds
     * them by the index of ready rows instead of walking it for each row. */
    buf_format(sql,
               " AND (?3 IN (4, 5) OR NOT EXISTS (SELECT 1 FROM %.*s AS promised "
               "WHERE promised.chain_id = %.*s.chain_id AND promised.record_status = 1 "
               "AND promised.record_type IN (3, 4, 5, 6) "
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

static void add_due_sql(const struct calling_list *list, struct buf *sql)
{
    struct text name = list->table->layout.table;
    buf_format(
        sql,
        "SELECT column1 FROM (VALUES (%d), (%d), (%d), (%d)) AS types WHERE EXISTS (SELECT 1 FROM "
        "%.*s INDEXED BY %.*s_due WHERE record_status = 1 AND record_type = column1 "
        "AND dial_sched_time >= 0 AND dial_sched_time <= ?1)",
        RECORD_TYPE_CAMPAIGN_RESCHEDULED, RECORD_TYPE_PERSONAL_RESCHEDULED,
        RECORD_TYPE_PERSONAL_CALLBACK, RECORD_TYPE_CAMPAIGN_CALLBACK, TEXT_ARG(name),
        TEXT_ARG(name));
}

static struct text filter_option(const struct app_object *filter, struct text name)
{
    const struct value *section = kv_find(&filter->fields->annex, TEXT("default"));
    if (section == NULL || section->kind != VALUE_KV) return (struct text){ 0 };
    const struct value *option = kv_find(&section->pairs, name);
    return option && option->kind == VALUE_TEXT ? option->text : (struct text){ 0 };
}

/* The option `encoding`, of the list, its Table Access or the application. What a database behind
 * an access point understands is its driver's business; PostgreSQL keeps texts as characters. */
static enum err set_charset(struct list_table *table, const struct app_object *list,
                            const struct app_object *access, struct fault *fault)
{
    struct app *app = table->lists->app;
    const struct app_object *self = app_self(app);
    if (table->foreign || store_is_postgres(table->lists->store)) return ERR_OK;
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
        add_due_sql(list, &sql);
        list->find_due = statement(table, &sql);
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
               "SELECT (SELECT max(record_id) FROM %.*s), coalesce((SELECT max(n) FROM (SELECT "
               "max(chain_id) AS n FROM %.*s UNION ALL SELECT max(chain_base + chain_count - 1) AS "
               "n FROM import WHERE table_name = '%.*s' AND state IN (1, 2, 4)) AS taken), 0)",
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
               "AND app_id = ?1 AND NOT EXISTS (SELECT 1 FROM round WHERE "
#ifdef FAULT_ROWS_FREED
               "round.state = 2 "
#else
               "round.state = 1 "
#endif
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
    static const struct statement structure = {
        "SELECT name FROM pragma_table_info(?1)",
        .postgres = "SELECT CAST(column_name AS TEXT) FROM information_schema.columns "
                    "WHERE table_schema = current_schema() AND table_name = lower(?1) "
                    "ORDER BY ordinal_position",
    };
    struct value name = value_of_text(table->layout.table);
    struct query query = { &structure, &name, 1 };
    store_query(table->lists->store, &query, on_structure, table);
}
