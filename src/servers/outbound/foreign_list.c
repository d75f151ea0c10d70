/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a table is in foreign_open.c; the promises are kept by store/foreign.c and by the SQL of
 * foreign_sql.c. */
#include "servers/outbound/foreign_table.h"

#include "base/table.h"
#include "format/json.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/outbound/access_point.h"
#include "servers/outbound/foreign_sql.h"

#include <string.h>

enum { ZONES_MAX = 500, AGENTS_MAX = 1024, CHAINS_MAX = 4096 };
enum { RELEASE_SIBLINGS = 1, RELEASE_ROWS, UNDO_SIBLINGS, UNDO_ROWS }; /* key_2 of statements */

struct access_points {
    struct app *app;
    struct store *own;
    struct table *databases; /* by DBID */
};

/* --- databases --- */

struct access_points *access_points_new(struct app *app, struct store *own)
{
    struct access_points *points = scope_alloc(app->life, sizeof *points);
    *points = (struct access_points){ app, own, table_new(app->life) };
    return points;
}

/* For the log: cut where it is long. */
static const char *name_z(struct text name, char out[128])
{
    if (text_to_z(text_slice(name, 0, 127), out, 128)) out[0] = '\0';
    return out;
}

static void on_away(void *self, const char *words)
{
    struct foreign_database *database = self;
    char name[128];
    LOG_ACCESS_POINT_AWAY(&database->app->log, name_z(database->name, name), words);
}

static void on_back(void *self)
{
    struct foreign_database *database = self;
    char name[128];
    LOG_ACCESS_POINT_BACK(&database->app->log, name_z(database->name, name));
}

static void on_refused(void *self, struct text table, int64_t chain_id, int64_t chain_n,
                       const char *words)
{
    struct foreign_database *database = self;
    char name[128], table_name[128];
    LOG_FOREIGN_WRITE_REFUSED(&database->app->log, name_z(database->name, name),
                              name_z(table, table_name), (long long)chain_id, (long long)chain_n,
                              words);
}

static enum err connection_string(const struct app *app, const struct app_object *object,
                                  struct buf *out, struct store_options *options,
                                  struct fault *fault)
{
    const struct object_application *fields = (const struct object_application *)object->fields;
    const struct app_object *host = fields->host.len ? app_object(app, &OBJECT_HOST, fields->host)
                                                     : NULL;
    struct access_point point = {
        .options = &fields->options,
        .host_address = host ? ((const struct object_host *)host->fields)->ip_address
                             : (struct text){ "", 0 },
        .port = fields->ports.count ? fields->ports.at[0].number : 0,
    };
    options->pause_max_s = fields->reconnect_timeout;
    return access_point_string(&point, out, &options->query_timeout_s, fault);
}

static struct foreign_database *database_of(struct access_points *points, struct text application,
                                            struct fault *fault)
{
    struct app *app = points->app;
    const struct app_object *object = app_object(app, &OBJECT_APPLICATION, application);
    if (object == NULL) {
        (void)fault_set(fault, ERR_NOT_FOUND, "dbAccess", "no Application %.*s",
                        TEXT_ARG(application));
        return NULL;
    }
    struct foreign_database *database = table_get(points->databases, TEXT_OF(&object->dbid));
    if (database) return database;
    struct buf address = { 0 };
    struct store_options options = { 0 };
    if (connection_string(app, object, &address, &options, fault)) {
        buf_free(&address);
        return NULL;
    }
    database = scope_alloc(app->life, sizeof *database);
    *database =
        (struct foreign_database){ app, scope_keep(app->life, application), object->dbid, NULL };
    struct foreign_listener listener = { on_away, on_back, on_refused, database };
    enum err err = foreign_open(app->life, app->loop, &app->log, points->own, object->dbid,
                                buf_text(&address), &options, &listener, &database->foreign, fault);
    explicit_bzero(address.at, address.len);
    buf_free(&address);
    if (err) return NULL;
    table_put(points->databases, TEXT_OF(&database->dbid), database);
    return database;
}

/* --- tables --- */

struct text foreign_table_key(struct scope *scope, const struct app *app, struct text application,
                              struct text name)
{
    const struct app_object *object = app_object(app, &OBJECT_APPLICATION, application);
    return scope_format(scope, "%u:%.*s", object ? object->dbid : 0, TEXT_ARG(name));
}

const struct statement *foreign_statement(const struct foreign_table *foreign, struct text sql)
{
    return store_statement(foreign_store(foreign->database->foreign), sql);
}

static struct text sql_text(struct foreign_table *foreign,
                            void (*add)(const struct list_layout *layout, struct buf *out))
{
    struct buf sql = { 0 };
    add(&foreign->table->layout, &sql);
    struct text kept = scope_keep(foreign->table->life, buf_text(&sql));
    buf_free(&sql);
    return kept;
}

static const struct statement *sql_statement(struct foreign_table *foreign,
                                             void (*add)(const struct list_layout *layout,
                                                         struct buf *out))
{
    return foreign_statement(foreign, sql_text(foreign, add));
}

struct foreign_table *foreign_table_new(struct access_points *points, struct list_table *table,
                                        struct text application, uint32_t app_dbid,
                                        struct fault *fault)
{
    struct foreign_database *database = database_of(points, application, fault);
    if (database == NULL) return NULL;
    struct foreign_table *foreign = scope_alloc(table->life, sizeof *foreign);
    *foreign = (struct foreign_table){ .table = table,
                                       .app = points->app,
                                       .own = points->own,
                                       .database = database,
                                       .app_dbid = app_dbid };
    foreign->insert = sql_text(foreign, foreign_sql_insert);
    foreign->write = sql_text(foreign, foreign_sql_write);
    foreign->release_siblings = sql_text(foreign, foreign_sql_release_siblings);
    foreign->release = sql_text(foreign, foreign_sql_release);
    foreign->take = sql_statement(foreign, foreign_sql_take);
    foreign->take_sibling = sql_statement(foreign, foreign_sql_take_sibling);
    foreign->left = sql_statement(foreign, foreign_sql_left);
    foreign->recover = sql_statement(foreign, foreign_sql_recover);
    foreign->free_siblings = sql_statement(foreign, foreign_sql_free_siblings);
    foreign->counters = sql_statement(foreign, foreign_sql_counters);
    return foreign;
}

void foreign_table_query(struct foreign_table *foreign, const struct query *query,
                         void (*on_rows)(void *self, enum err err, const struct rows *rows),
                         void *self)
{
    foreign_query(foreign->database->foreign, query, on_rows, self);
}

/* --- choosing and loading --- */

/* Pairs of tz_dbid and local seconds behind parameters[*count]. */
static uint32_t add_zones(struct app *app, uint64_t now_utc_ms, struct value *parameters,
                          uint32_t *count)
{
    const struct app_object *object;
    uint32_t zones = 0;
    for (size_t at = 0;
         zones < ZONES_MAX && (object = app_object_next(app, &OBJECT_TIME_ZONE, &at)) != NULL;) {
        struct list_zone zone;
        if (!list_zone_by_dbid(app, object->dbid, now_utc_ms, &zone)) continue;
        parameters[(*count)++] = value_of_i64(zone.dbid);
        parameters[(*count)++] = value_of_i64(list_zone_seconds(&zone, now_utc_ms));
        zones++;
    }
    return zones;
}

/* The ids of a JSON array, the last repeated up to a round number. A group of more than AGENTS_MAX
 * has its agents looked at later, one by one (fetch.c). 0: there is none. */
static uint32_t add_agents(struct scope *scratch, struct text agents, struct value *parameters,
                           uint32_t *count)
{
    struct value ids;
    if (json_read(agents, scratch, &ids, NULL) || ids.kind != VALUE_LIST || ids.items.count == 0 ||
        ids.items.count > AGENTS_MAX)
        return 0;
    uint32_t rounded = foreign_sql_rounded(ids.items.count);
    for (uint32_t i = 0; i < rounded; i++)
        parameters[(*count)++] = ids.items.at[i < ids.items.count ? i : ids.items.count - 1];
    return rounded;
}

static const struct statement *select_statement(const struct calling_list *list, uint32_t zones,
                                                uint32_t agents)
{
    struct foreign_selection selection = { list->criteria, list->order_by, list->max_attempts,
                                           zones, agents };
    struct buf sql = { 0 };
    foreign_sql_select(&list->table->layout, &selection, &sql);
    const struct statement *kept = foreign_statement(list->table->foreign, buf_text(&sql));
    buf_free(&sql);
    return kept;
}

const struct statement *foreign_identity(const struct calling_list *list)
{
    return select_statement(list, 1, 0);
}

void foreign_select(struct calling_list *list, int64_t record_type, uint64_t now_utc_ms,
                    uint32_t limit, struct text agents,
                    void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self)
{
    struct foreign_table *foreign = list->table->foreign;
    struct scope *scratch = scope_new(foreign->table->life, "selection", SCOPE_NO_LIMIT);
    struct value *parameters =
        scope_alloc_array(scratch, 5 + 2 * ZONES_MAX + AGENTS_MAX, sizeof *parameters);
    uint32_t count = 0;
    parameters[count++] = value_of_i64(limit);
    parameters[count++] = value_of_i64(record_type);
    parameters[count++] = value_of_i64((int64_t)(now_utc_ms / 1000));
    parameters[count++] = value_of_i64(list->time_from);
    parameters[count++] = value_of_i64(list->time_until);
    uint32_t zones = add_zones(foreign->app, now_utc_ms, parameters, &count);
    uint32_t ids = agents.at ? add_agents(scratch, agents, parameters, &count) : 0;
    struct query query = { select_statement(list, zones, ids), parameters, count };
    foreign_table_query(foreign, &query, on_rows, self);
    scope_close(scratch);
}

void foreign_load_chains(struct foreign_table *foreign, const int64_t *chain_ids, uint32_t count,
                         void (*on_rows)(void *self, enum err err, const struct rows *rows),
                         void *self)
{
    ASSERT(count > 0 && count <= CHAINS_MAX);
    struct scope *scratch = scope_new(foreign->table->life, "loading", SCOPE_NO_LIMIT);
    uint32_t rounded = foreign_sql_rounded(count);
    struct value *parameters = scope_alloc_array(scratch, rounded, sizeof *parameters);
    for (uint32_t i = 0; i < rounded; i++)
        parameters[i] = value_of_i64(chain_ids[i < count ? i : count - 1]);
    struct buf sql = { 0 };
    foreign_sql_load_chains(&foreign->table->layout, rounded, &sql);
    struct query query = { foreign_statement(foreign, buf_text(&sql)), parameters, rounded };
    foreign_table_query(foreign, &query, on_rows, self);
    buf_free(&sql);
    scope_close(scratch);
}

/* --- taking --- */

struct change *foreign_new_take(struct foreign_table *foreign)
{
    return change_new(foreign_store(foreign->database->foreign));
}

void foreign_add_take(struct foreign_table *foreign, struct change *change, int64_t chain_id,
                      int64_t chain_n, uint32_t campaign_dbid, uint32_t group_dbid)
{
    change_add(change, foreign->take, 1);
    change_bind_i64(change, chain_id);
    change_bind_i64(change, chain_n);
    change_bind_i64(change, foreign->app_dbid);
    change_bind_i64(change, campaign_dbid);
    change_bind_i64(change, group_dbid);
}

void foreign_add_take_sibling(struct foreign_table *foreign, struct change *change,
                              int64_t chain_id, int64_t chain_n)
{
    change_add(change, foreign->take_sibling, ROWS_ANY);
    change_bind_i64(change, chain_id);
    change_bind_i64(change, chain_n);
}

/* What gives a chain back that we hold. */
static void fill_release(const struct foreign_table *foreign, int64_t chain_id, int64_t first_key,
                         const struct value parameters[2], struct owed owed[2])
{
    for (int i = 0; i < 2; i++)
        owed[i] = (struct owed){ .kind = OWED_STATEMENT,
                                 .table = foreign->table->layout.table,
                                 .key_1 = chain_id,
                                 .key_2 = first_key + i,
                                 .sql = i ? foreign->release : foreign->release_siblings,
                                 .parameters = parameters,
                                 .parameter_count = 2 };
}

void foreign_submit_take(struct foreign_table *foreign, struct change *change, int64_t chain_id,
                         void (*on_taken)(void *self, const struct change_result *result),
                         void *self)
{
    struct value parameters[2] = { value_of_i64(chain_id), value_of_i64(foreign->app_dbid) };
    struct owed undo[2];
    fill_release(foreign, chain_id, UNDO_SIBLINGS, parameters, undo);
    foreign_submit(foreign->database->foreign, change, undo, 2, on_taken, self);
}

/* --- what is owed --- */

void foreign_add_write(struct foreign_table *foreign, struct change *change,
                       const struct value *cells)
{
    const struct list_layout *layout = &foreign->table->layout;
    struct value parameters[COLUMNS_MANDATORY + USER_COLUMNS_MAX + 3];
    uint32_t count = 0;
    bool is_retrieved = cells[COLUMN_RECORD_STATUS].integer == RECORD_STATUS_RETRIEVED;
    for (uint32_t i = 0; i < layout->count; i++) {
        if (layout->columns[i].is_key || i == COLUMN_RECORD_ID) continue;
        bool is_hold = i == COLUMN_APP_ID && is_retrieved; /* also where the next of a chain is */
        parameters[count++] = is_hold ? value_of_i64(foreign->app_dbid) : cells[i];
    }
    parameters[count++] = cells[COLUMN_CHAIN_ID];
    parameters[count++] = cells[COLUMN_CHAIN_N];
    parameters[count++] = value_of_i64(foreign->app_dbid);
    struct owed owed = { .kind = OWED_WRITE,
                         .table = layout->table,
                         .key_1 = cells[COLUMN_CHAIN_ID].integer,
                         .key_2 = cells[COLUMN_CHAIN_N].integer,
                         .sql = foreign->write,
                         .parameters = parameters,
                         .parameter_count = count };
    foreign_owe(foreign->database->foreign, change, &owed);
}

void foreign_add_insert(struct foreign_table *foreign, struct change *change,
                        const struct value *cells)
{
    struct owed owed = { .kind = OWED_INSERT,
                         .table = foreign->table->layout.table,
                         .key_1 = cells[COLUMN_CHAIN_ID].integer,
                         .key_2 = cells[COLUMN_CHAIN_N].integer,
                         .sql = foreign->insert,
                         .parameters = cells,
                         .parameter_count = foreign->table->layout.count };
    foreign_owe(foreign->database->foreign, change, &owed);
}

void foreign_add_release(struct foreign_table *foreign, struct change *change, int64_t chain_id)
{
    struct value parameters[2] = { value_of_i64(chain_id), value_of_i64(foreign->app_dbid) };
    struct owed owed[2];
    fill_release(foreign, chain_id, RELEASE_SIBLINGS, parameters, owed);
    for (int i = 0; i < 2; i++) foreign_owe(foreign->database->foreign, change, &owed[i]);
}

void foreign_add_statement(struct foreign_table *foreign, struct change *change, int64_t key_1,
                           int64_t key_2, struct text sql, const struct value *parameters,
                           uint32_t count)
{
    struct owed owed = {
        OWED_STATEMENT, foreign->table->layout.table, key_1, key_2, sql, parameters, count
    };
    foreign_owe(foreign->database->foreign, change, &owed);
}

bool foreign_is_full(const struct foreign_table *foreign)
{
    return foreign_owed(foreign->database->foreign) >= FOREIGN_ROWS_OWED_MAX;
}

bool foreign_table_is_away(const struct foreign_table *foreign)
{
    return foreign_is_away(foreign->database->foreign);
}

struct inserting {
    struct scope *life;
    struct foreign_table *foreign;
    void (*on_inserted)(void *self, const struct change_result *result);
    void *self;
};

static void end_insert(struct inserting *inserting, const struct change_result *result)
{
    inserting->on_inserted(inserting->self, result);
    scope_close(inserting->life);
}

static void on_carried(void *self, enum err err, const char *words)
{
    /* Away: it is in our journal, and will be in theirs. */
    struct change_result result = { err == ERR_UNAVAILABLE ? ERR_OK : err, words, 0, -1 };
    end_insert(self, &result);
}

static void on_owed(void *self, const struct change_result *result)
{
    struct inserting *inserting = self;
    if (result->err)
        end_insert(inserting, result);
    else
        foreign_await(inserting->foreign->database->foreign, result->rowid, on_carried, inserting);
}

static void refuse_insert(void *self)
{
    struct change_result result = { ERR_FULL, "too many rows wait for the list's database", 0, -1 };
    end_insert(self, &result);
}

void foreign_submit_insert(struct foreign_table *foreign, struct change *change,
                           const struct value *cells,
                           void (*on_inserted)(void *self, const struct change_result *result),
                           void *self)
{
    struct scope *life = scope_new(foreign->table->life, "insert", SCOPE_NO_LIMIT);
    struct inserting *inserting = scope_alloc(life, sizeof *inserting);
    *inserting = (struct inserting){ life, foreign, on_inserted, self };
    if (foreign_is_full(foreign)) {
        change_drop(change);
        loop_soon(life, foreign->app->loop, refuse_insert, inserting);
        return;
    }
    foreign_add_insert(foreign, change, cells);
    change_submit(change, on_owed, inserting);
}
