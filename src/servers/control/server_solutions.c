/* SPDX-License-Identifier: Apache-2.0 */
/* Solutions: solution.c says what to do, this file does it, and keeps what was ordered: a stop
 * outlasts a restart of ours, and a start or stop that was cut short goes on. Begin at look_at().
 */
#include "gen/objects.h"
#include "servers/control/server.h"

#include <stdio.h>
#include <stdlib.h>

static const struct statement put_order = {
    "INSERT INTO solution_order (solution, ordered, person, ordered_utc_ms) VALUES (?1, ?2, ?3, ?4)"
    " ON CONFLICT (solution) DO UPDATE SET ordered = excluded.ordered, person = excluded.person,"
    " ordered_utc_ms = excluded.ordered_utc_ms"
};
/* Past tense: the order has come to its end. */
static const struct statement end_order = {
    "UPDATE solution_order SET ordered = ?2 WHERE solution = ?1 AND ordered = ?3"
};

/* --- what it is made of ----------------------------------------------------------------------- */

struct part {
    struct text name;
    uint32_t priority;
    bool is_optional;
};

static int by_priority(const void *a, const void *b)
{
    const struct part *left = a, *right = b;
    if (left->priority != right->priority) return left->priority < right->priority ? -1 : 1;
    return text_compare(left->name, right->name);
}

static bool has_part(const struct part *parts, uint32_t count, struct text name)
{
    for (uint32_t i = 0; i < count; i++)
        if (text_eq(parts[i].name, name)) return true;
    return false;
}

/* Its components, each with its backup: that one comes along, and is waited for by nobody. */
static uint32_t list_parts(const struct control_server *server,
                           const struct object_solution *fields, struct part *parts)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < fields->components.count; i++) {
        const struct object_solution_solution_component *component = &fields->components.at[i];
        if (has_part(parts, count, component->app)) continue;
        parts[count++] =
            (struct part){ component->app, component->startup_priority, component->is_optional };
    }
    for (uint32_t i = 0, own = count; i < own; i++) {
        const struct app_entry *app = app_find(server, parts[i].name);
        if (app && app->backup.len && !has_part(parts, count, app->backup))
            parts[count++] = (struct part){ app->backup, parts[i].priority, true };
    }
    qsort(parts, count, sizeof *parts, by_priority);
    return count;
}

/* What is at work goes on over a change of configuration. */
static void keep_work(struct solution_component *component, const struct solution_entry *former,
                      struct text name)
{
    for (uint32_t i = 0; i < former->solution.count; i++) {
        const struct solution_component *before = &former->solution.components[i];
        if (!text_eq(former->part_names[i], name)) continue;
        component->is_asked = before->is_asked;
        component->has_lived = before->has_lived;
        component->asked_ms = before->asked_ms;
        component->is_refused = before->is_refused;
        component->wish = before->wish;
    }
}

void solution_configure(struct solution_entry *entry, const struct app_object *object)
{
    struct control_server *server = entry->server;
    const struct object_solution *fields = (const void *)object->fields;
    struct scope *life = scope_new(entry->entry.life, "parts", SCOPE_NO_LIMIT);
    struct solution_entry former = *entry;
    struct part *parts = scope_alloc_array(life, 2ul * fields->components.count, sizeof *parts);
    uint32_t count = list_parts(server, fields, parts);
    entry->parts_life = life;
    entry->part_names = scope_alloc_array(life, count, sizeof *entry->part_names);
    entry->solution.components = scope_alloc_array(life, count, sizeof *entry->solution.components);
    entry->solution.count = count;
    entry->solution.failed = -1;
    entry->is_automatic = text_eq(fields->startup_type, TEXT("automatic"));
    entry->is_disabled = text_eq(fields->startup_type, TEXT("disabled"));
    for (uint32_t i = 0; i < count; i++) {
        struct solution_component *component = &entry->solution.components[i];
        entry->part_names[i] = scope_keep(life, parts[i].name);
        component->priority = parts[i].priority;
        component->is_optional = parts[i].is_optional;
        keep_work(component, &former, parts[i].name);
    }
    scope_close(former.parts_life);
}

/* What is known of a component now. One that no host runs can never run. */
static void refresh(const struct solution_entry *entry, uint32_t index)
{
    const struct control_server *server = entry->server;
    struct solution_component *component = &entry->solution.components[index];
    const struct app_entry *app = app_find(server, entry->part_names[index]);
    const struct host_entry *host = app ? host_find(server, app->host) : NULL;
    component->status = app ? app_watch_status(&app->watch) : STATUS_UNKNOWN;
    component->is_away = host == NULL || host_watch_status(&host->watch) == HOST_DISCONNECTED;
    component->is_known = app && (app->watch.is_known || (host && host->link));
    if (app == NULL) return;
    component->is_ordered = app->watch.report.is_ordered;
    component->is_crash_loop = app->watch.report.trouble == TROUBLE_CRASH_LOOP;
    component->is_barred = app->is_disabled || text_eq(app->entry.name, server->app->name);
    component->startup_ms = app->startup_ms;
    component->shutdown_ms = app->shutdown_ms + app->suspending_ms;
}

/* --- carrying it out -------------------------------------------------------------------------- */

/* By names: both may be gone when the host answers. */
struct part_ask {
    struct scope *life;
    struct control_server *server;
    struct text solution, part;
};

static void refuse_part(struct control_server *server, struct text solution, struct text part)
{
    struct solution_entry *entry = solution_find(server, solution);
    for (uint32_t i = 0; entry && i < entry->solution.count; i++)
        if (text_eq(entry->part_names[i], part)) entry->solution.components[i].is_refused = true;
    solutions_look(server);
}

static void on_part_ordered(void *self, enum order_error error)
{
    struct part_ask *ask = self;
    if (error) refuse_part(ask->server, ask->solution, ask->part);
    scope_close(ask->life);
}

static enum app_order order_of(enum component_wish wish)
{
    if (wish == WISH_START) return APP_ORDER_START;
    return wish == WISH_STOP ? APP_ORDER_STOP : APP_ORDER_STOP_GRACEFULLY;
}

static void fulfil(struct solution_entry *entry, uint32_t index)
{
    struct control_server *server = entry->server;
    struct solution_component *component = &entry->solution.components[index];
    struct app_entry *app = app_find(server, entry->part_names[index]);
    enum app_order order = order_of(component->wish);
    if (component->wish == WISH_NONE) return;
    component->wish = WISH_NONE;
    struct scope *life = scope_new(server->app->life, "component order", SCOPE_NO_LIMIT);
    struct part_ask *ask = scope_alloc(life, sizeof *ask);
    *ask = (struct part_ask){ life, server, scope_keep(life, entry->entry.name),
                              scope_keep(life, entry->part_names[index]) };
    struct text by = scope_format(life, "solution %.*s", TEXT_ARG(entry->entry.name));
    enum order_error error =
        app == NULL ? ORDER_OBJECT_NOT_FOUND
                    : order_application(app, order, TEXT(""), 0, by, on_part_ordered, ask);
    if (error == ORDER_OK) return;
    /* It is on its way already: its state tells the rest. */
    if (error != ORDER_ALREADY_IN_PROGRESS) component->is_refused = true;
    scope_close(life);
    solutions_look(server);
}

/* --- words ------------------------------------------------------------------------------------ */

static void set_reason(struct solution_entry *entry)
{
    const struct solution *solution = &entry->solution;
    int32_t awaits = solution_awaits(solution);
    int32_t index = solution->failed >= 0 ? solution->failed : awaits;
    entry->reason[0] = 0;
    if (index < 0) return;
    const struct solution_component *component = &solution->components[index];
    (void)snprintf(entry->reason, sizeof entry->reason, "%.*s is %s%s",
                   TEXT_ARG(entry->part_names[index]), status_name(component->status),
                   component->is_refused   ? ", its order was refused"
                   : component->is_away    ? ", its host is away"
                   : solution->failed >= 0 ? ", its time is over"
                                           : "");
}

/* --- the store -------------------------------------------------------------------------------- */

static void keep_end(struct solution_entry *entry, const char *was, const char *is)
{
    struct change *change = change_new(entry->server->store);
    change_add(change, &end_order, ROWS_ANY);
    change_bind_text(change, entry->entry.name);
    change_bind_text(change, text_of(is));
    change_bind_text(change, text_of(was));
    change_submit(change, NULL, NULL);
}

static void keep_ends(struct solution_entry *entry, unsigned notes)
{
    if (notes & (SOLUTION_START_DONE | SOLUTION_START_FAILED)) keep_end(entry, "start", "started");
    if (notes & SOLUTION_STOP_DONE)
        keep_end(entry, entry->solution.is_graceful ? "stop-gracefully" : "stop", "stopped");
}

static void take_orders(void *self, enum err err, const struct rows *rows)
{
    struct control_server *server = self;
    for (uint32_t i = 0; err == ERR_OK && i < rows_count(rows); i++) {
        struct text *ordered = scope_alloc(server->app->life, sizeof *ordered);
        *ordered = scope_keep(server->app->life, rows_text(rows, i, 1));
        table_put(server->orders_of_before, scope_keep(server->app->life, rows_text(rows, i, 0)),
                  ordered);
    }
}

enum err solutions_load(struct control_server *server, struct fault *fault)
{
    static const struct statement all = { "SELECT solution, ordered FROM solution_order" };
    const struct query query = { .statement = &all };
    enum err err = store_query_now(server->store, &query, take_orders, server);
    return err ? fault_set(fault, err, "", "orders of solutions cannot be read") : ERR_OK;
}

/* --- looking ---------------------------------------------------------------------------------- */

static void step(struct solution_entry *entry, enum solution_event event)
{
    struct control_server *server = entry->server;
    struct actions out;
    for (uint32_t i = 0; i < entry->solution.count; i++) refresh(entry, i);
    solution_step(&entry->solution, event, loop_now_mono_ms(server->app->loop), &out);
    set_reason(entry);
    note_solution(entry, out.notes);
    keep_ends(entry, out.notes);
    for (uint32_t i = 0; i < entry->solution.count; i++) fulfil(entry, i);
    uint64_t due_ms = solution_due_ms(&entry->solution);
    if (due_ms == UINT64_MAX)
        timer_stop(entry->timer);
    else
        timer_start_at(entry->timer, due_ms);
    if (!(out.notes & SOLUTION_HAS_MOVED)) return;
    entry->entry.since_utc_ms = loop_now_utc_ms(server->app->loop);
    entry_moved(server, &entry->entry);
}

/* What was at work when we ended goes on; else startupType says. */
static void take_up(struct solution_entry *entry)
{
    const struct text *before = table_get(entry->server->orders_of_before, entry->entry.name);
    struct text ordered = before ? *before : TEXT("started");
    entry->is_order_settled = true;
    entry->solution.is_graceful = text_eq(ordered, TEXT("stop-gracefully"));
    if (text_eq(ordered, TEXT("stop")) || text_eq(ordered, TEXT("stop-gracefully"))) {
        step(entry, SOLUTION_STOP);
    } else if (text_eq(ordered, TEXT("start"))) {
        step(entry, SOLUTION_START);
    } else if (text_eq(ordered, TEXT("started")) && entry->is_automatic) {
        entry->solution.is_automatic = true;
        step(entry, SOLUTION_START);
    }
}

static void look_at_all(void *self)
{
    struct control_server *server = self;
    struct solution_entry *entry;
    for (size_t at = 0; (entry = table_next(server->solutions, &at)) != NULL;) {
        if (entry->entry.is_gone || server->is_stopping) continue;
        if (!entry->is_order_settled) take_up(entry);
        step(entry, SOLUTION_LOOK);
    }
}

void solutions_look(struct control_server *server)
{
    server->look_chore.run = look_at_all;
    server->look_chore.self = server;
    chore_soon(server->app->loop, &server->look_chore);
}

/* --- orders ----------------------------------------------------------------------------------- */

struct solution_ask {
    struct scope *life;
    struct control_server *server;
    struct text solution;
    enum solution_event order;
    bool is_graceful;
    void (*done)(void *self, enum err err);
    void *self;
};

static void on_order_kept(void *self, const struct change_result *result)
{
    struct solution_ask *ask = self;
    struct solution_entry *entry = solution_find(ask->server, ask->solution);
    if (result->err == ERR_OK && entry) {
        entry->is_order_settled = true;
        entry->solution.is_automatic = false;
        entry->solution.is_graceful = ask->is_graceful;
        step(entry, ask->order);
    }
    if (ask->done) ask->done(ask->self, result->err);
    scope_close(ask->life);
}

enum order_error solution_order(struct solution_entry *entry, enum solution_event order,
                                bool is_graceful, struct text person,
                                void (*done)(void *self, enum err err), void *self)
{
    struct control_server *server = entry->server;
    enum order_error error = solution_order_check(order, solution_status(&entry->solution));
    if (error) return error;
    if (order == SOLUTION_START && entry->is_disabled) return ORDER_UNABLE_TO_EXECUTE;
    const char *ordered = order == SOLUTION_START ? "start"
                          : is_graceful           ? "stop-gracefully"
                                                  : "stop";
    struct scope *life = scope_new(server->app->life, "solution order", SCOPE_NO_LIMIT);
    struct solution_ask *ask = scope_alloc(life, sizeof *ask);
    *ask = (struct solution_ask){ life,  server,      scope_keep(life, entry->entry.name),
                                  order, is_graceful, done,
                                  self };
    struct change *change = change_new(server->store);
    change_add(change, &put_order, 1);
    change_bind_text(change, entry->entry.name);
    change_bind_text(change, text_of(ordered));
    change_bind_text(change, person);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(server->app->loop));
    change_submit(change, on_order_kept, ask);
    return ORDER_OK;
}
