/* SPDX-License-Identifier: Apache-2.0 */
/* Which records may be given out now, and their rows. */
#include "servers/outbound/list_private.h"

#include "fault.h"
#include "gen/objects.h"
#include "model/calling_window.h"
#include "model/zone_clock.h"

#include <inttypes.h>

/* --- zones --- */

static struct list_zone zone_of(const struct app_object *object, uint64_t now_utc_ms)
{
    struct zone_clock clock = zone_clock_of((const struct object_time_zone *)object->fields);
    struct list_zone out = { .dbid = object->dbid,
                             .name = object->fields->name,
                             .offset_s = zone_clock_offset_seconds(&clock, now_utc_ms) };
#ifdef FAULT_SUMMER_TIME_FORGOTTEN
    if (clock.zone && zone_is_summer_time(clock.zone, now_utc_ms)) out.offset_s = clock.offset_s;
#endif
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
static void write_zones(struct app *app, uint64_t now_utc_ms, struct buf *out)
{
    const struct app_object *object;
    buf_clear(out);
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

static struct text zones_now(struct lists *lists, uint64_t now_utc_ms)
{
    uint64_t rev = app_config_rev(lists->app), utc_s = now_utc_ms / 1000;
    if (lists->zones.len == 0 || lists->zones_utc_s != utc_s || lists->zones_rev != rev)
        write_zones(lists->app, now_utc_ms, &lists->zones);
    lists->zones_utc_s = utc_s;
    lists->zones_rev = rev;
    return buf_text(&lists->zones);
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

struct finding {
    struct scope *life;
    void (*on_due)(void *self, uint32_t types);
    void *self;
};

static void on_found(void *self, enum err err, const struct rows *rows)
{
    struct finding *finding = self;
    uint32_t types = err ? LIST_DUE_ALL : 0;
    for (uint32_t i = 0; !err && i < rows_count(rows); i++) types |= 1u << rows_i64(rows, i, 0);
    finding->on_due(finding->self, types);
    scope_close(finding->life);
}

void list_find_due(struct calling_list *list, uint64_t now_utc_ms,
                   void (*on_due)(void *self, uint32_t types), void *self)
{
    if (list->table->foreign) {
        on_due(self, LIST_DUE_ALL);
        return;
    }
    struct scope *life = scope_new(list->table->lists->app->life, "due types", SCOPE_NO_LIMIT);
    struct finding *finding = scope_alloc(life, sizeof *finding);
    *finding = (struct finding){ life, on_due, self };
    struct value now_s = value_of_i64((int64_t)(now_utc_ms / 1000));
    struct query query = { list->find_due, &now_s, 1 };
    store_query(list->table->lists->store, &query, on_found, finding);
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
    struct value parameters[] = {
        value_of_text(zones_now(list->table->lists, now_utc_ms)),
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
