/* SPDX-License-Identifier: Apache-2.0 */
/* Hosts, applications and solutions as configuration has them. Each keeps its entry while its name
 * is configured, so what supervisors told of it outlasts any other change. Begin at
 * objects_configure(). */
#include "gen/objects.h"
#include "model/option.h"
#include "servers/control/server.h"

enum { STOP_SLACK_MS = 10000 }; /* from shutdownTimeout's SIGKILL to the report of the end */

const struct control_options *control_options(const struct control_server *server)
{
    return server->app->options;
}

/* --- entries -------------------------------------------------------------------------------- */

void entry_moved(struct control_server *server, struct entry *entry)
{
    entry->moved = ++server->moves;
    watchers_tell_soon(server);
}

static void entry_init(struct control_server *server, struct entry *entry, struct scope *life,
                       struct text name)
{
    *entry = (struct entry){ .life = life,
                             .id = ++server->entry_ids,
                             .told = scope_new(life, "told", SCOPE_NO_LIMIT),
                             .name = scope_keep(life, name),
                             .since_utc_ms = loop_now_utc_ms(server->app->loop) };
}

/* True: it is new, or was gone. */
static bool see(struct control_server *server, struct entry *entry)
{
    bool is_back = entry->is_gone || entry->moved == 0;
    entry->is_seen = true;
    entry->is_gone = false;
    if (is_back) entry_moved(server, entry);
    return is_back;
}

static struct host_entry *host_get(struct control_server *server, struct text name)
{
    struct host_entry *host = table_get(server->hosts, name);
    if (host || table_count(server->hosts) == HOSTS_MAX) return host;
    struct scope *life = scope_new(server->app->life, "host", SCOPE_NO_LIMIT);
    host = scope_alloc(life, sizeof *host);
    host->server = server;
    entry_init(server, &host->entry, life, name);
    host_open(host);
    table_put(server->hosts, host->entry.name, host);
    return host;
}

static struct app_entry *app_get(struct control_server *server, struct text name)
{
    struct app_entry *app = table_get(server->apps, name);
    if (app || table_count(server->apps) == APPS_MAX) return app;
    struct scope *life = scope_new(server->app->life, "application", SCOPE_NO_LIMIT);
    app = scope_alloc(life, sizeof *app);
    app->server = server;
    entry_init(server, &app->entry, life, name);
    app_watch_init(&app->watch, loop_now_mono_ms(server->app->loop));
    table_put(server->apps, app->entry.name, app);
    return app;
}

static void look_at_solution(void *self)
{
    solutions_look(((struct solution_entry *)self)->server);
}

static struct solution_entry *solution_get(struct control_server *server, struct text name)
{
    struct solution_entry *entry = table_get(server->solutions, name);
    if (entry || table_count(server->solutions) == SOLUTIONS_MAX) return entry;
    struct scope *life = scope_new(server->app->life, "solution", SCOPE_NO_LIMIT);
    entry = scope_alloc(life, sizeof *entry);
    entry->server = server;
    entry_init(server, &entry->entry, life, name);
    solution_init(&entry->solution, loop_now_mono_ms(server->app->loop));
    entry->timer = timer_new(life, server->app->loop, look_at_solution, entry);
    table_put(server->solutions, entry->entry.name, entry);
    return entry;
}

struct host_entry *host_find(const struct control_server *server, struct text name)
{
    struct host_entry *host = table_get(server->hosts, name);
    return host && !host->entry.is_gone ? host : NULL;
}

struct app_entry *app_find(const struct control_server *server, struct text name)
{
    struct app_entry *app = table_get(server->apps, name);
    return app && !app->entry.is_gone ? app : NULL;
}

struct solution_entry *solution_find(const struct control_server *server, struct text name)
{
    struct solution_entry *entry = table_get(server->solutions, name);
    return entry && !entry->entry.is_gone ? entry : NULL;
}

/* --- what an Application object says ---------------------------------------------------------- */

static const struct object_app_prototype *template_of(const struct control_server *server,
                                                      const struct object_application *application)
{
    const struct app_object *object =
        app_object(server->app, &OBJECT_APP_PROTOTYPE, application->template);
    return object ? (const void *)object->fields : NULL;
}

static const struct common_options *options_of(const struct object_application *application,
                                               const struct object_app_prototype *prototype,
                                               struct scope *scratch)
{
    struct option_layer layers[] = {
        { LEVEL_APPLICATION, &application->options },
        { LEVEL_APPLICATION, &application->annex },
        { LEVEL_APPLICATION, prototype ? &prototype->options : NULL },
    };
    struct option_source source = { application->name, layers, 3 };
    return option_resolve(&OPTIONS_COMMON, &source, NULL, scratch, NULL, NULL);
}

/* Most revisions are of other objects. */
static void read_options(struct app_entry *app, const struct app_object *object,
                         const struct object_app_prototype *prototype)
{
    const struct object_application *fields = (const void *)object->fields;
    const struct app_object *template =
        app_object(app->server->app, &OBJECT_APP_PROTOTYPE, fields->template);
    uint64_t template_rev = template ? template->rev : 0;
    if (app->own_rev == object->rev && app->template_rev == template_rev) return;
    app->own_rev = object->rev;
    app->template_rev = template_rev;
    struct scope *scratch = scope_new(NULL, "options", SCOPE_NO_LIMIT);
    const struct common_options *options = options_of(fields, prototype, scratch);
    app->is_autostart = options->sml_autostart;
    app->suspending_ms = options->sml_suspending_wait_timeout * 1000ull;
    scope_close(scratch);
}

static void take_application(struct control_server *server, const struct app_object *object)
{
    const struct object_application *fields = (const void *)object->fields;
    if (fields->host.len == 0) return;
    struct app_entry *app = app_get(server, object->key);
    if (app == NULL) return;
    const struct object_app_prototype *prototype = template_of(server, fields);
    bool has_moved_house = app->host.len > 0 && !text_eq(app->host, fields->host);
    app->dbid = object->dbid;
    app->type = fields->type.len || prototype == NULL ? fields->type : prototype->type;
    app->host = fields->host;
    app->backup = fields->backup_server;
    app->startup_ms = fields->startup_timeout * 1000ull;
    app->shutdown_ms = fields->shutdown_timeout * 1000ull + STOP_SLACK_MS;
    app->is_disabled = text_eq(fields->startup_type, TEXT("disabled"));
    read_options(app, object, prototype);
    (void)see(server, &app->entry);
    if (has_moved_house && app_watch_lose(&app->watch, loop_now_mono_ms(server->app->loop)))
        entry_moved(server, &app->entry);
    app_take_early(app);
}

/* --- all of it ------------------------------------------------------------------------------ */

static bool is_of_type(const struct control_server *server, const struct app_object *object,
                       const char *type)
{
    if (object == NULL) return false;
    const struct object_application *fields = (const void *)object->fields;
    const struct object_app_prototype *prototype = template_of(server, fields);
    struct text own = fields->type.len || prototype == NULL ? fields->type : prototype->type;
    return text_eq(own, text_of(type));
}

static bool is_scs(const struct control_server *server, const struct app_object *object)
{
    return is_of_type(server, object, "SCS");
}

bool objects_is_scs(const struct control_server *server, struct text application)
{
    return is_scs(server, app_object(server->app, &OBJECT_APPLICATION, application));
}

/* Does a MessageServer stand beside us, who are an SCS? */
static bool has_message_server(const struct control_server *server)
{
    const struct app_object *self = app_self(server->app);
    if (!is_scs(server, self)) return false;
    const struct object_application *fields = (const void *)self->fields;
    for (uint32_t i = 0; i < fields->connections.count; i++)
        if (is_of_type(
                server,
                app_object(server->app, &OBJECT_APPLICATION, fields->connections.at[i].server),
                "MessageServer"))
            return true;
    return false;
}

/* The first SCS by name, as supervisors see it. A MessageServer beside it keeps logs alone. */
static bool is_the_first(const struct control_server *server)
{
    const struct app_object *self = app_self(server->app), *object;
    if (!is_scs(server, self)) return false;
    for (size_t at = 0; (object = app_object_next(server->app, &OBJECT_APPLICATION, &at)) != NULL;)
        if (text_compare(object->key, self->key) < 0 && is_scs(server, object)) return false;
    return true;
}

/* `scs`: who is to control it; empty: the first one. */
static bool is_ours(const struct control_server *server, struct text scs)
{
    return scs.len == 0 ? server->is_first : text_eq(scs, server->app->name);
}

static void take_hosts(struct control_server *server)
{
    const struct app_object *object;
    for (size_t at = 0; (object = app_object_next(server->app, &OBJECT_HOST, &at)) != NULL;) {
        const struct object_host *fields = (const void *)object->fields;
        if (!is_ours(server, fields->scs)) continue;
        struct host_entry *host = host_get(server, object->key);
        if (host) (void)see(server, &host->entry);
    }
}

static void take_applications(struct control_server *server)
{
    const struct app_object *object;
    for (size_t at = 0; (object = app_object_next(server->app, &OBJECT_APPLICATION, &at)) != NULL;)
        take_application(server, object);
}

static void take_solutions(struct control_server *server)
{
    const struct app_object *object;
    for (size_t at = 0; (object = app_object_next(server->app, &OBJECT_SOLUTION, &at)) != NULL;) {
        if (!is_ours(server, ((const struct object_solution *)(const void *)object->fields)->scs))
            continue;
        struct solution_entry *entry = solution_get(server, object->key);
        if (entry == NULL) continue;
        solution_configure(entry, object);
        (void)see(server, &entry->entry);
    }
}

static void lose_unseen(struct control_server *server, struct entry *entry)
{
    if (entry->is_seen || entry->is_gone) return;
    entry->is_gone = true;
    entry_moved(server, entry);
}

/* Views into objects that are gone end here. */
static void leave_application(struct app_entry *app)
{
    if (app->entry.is_seen) return;
    app->type = app->host = app->backup = (struct text){ 0 };
    (void)app_watch_lose(&app->watch, loop_now_mono_ms(app->server->app->loop));
}

/* Its supervisor is refused until the object is back, and then reports anew. */
static void leave_host(struct host_entry *host)
{
    if (host->entry.is_seen || host->link == NULL) return;
    struct link *link = host->link;
    host->link = NULL;
    link_close(link);
}

static void leave_solution(struct solution_entry *entry)
{
    if (entry->entry.is_seen) return;
    timer_stop(entry->timer);
    entry->solution.count = 0;
}

static void each_entry(struct control_server *server,
                       void (*run)(struct control_server *server, struct entry *entry))
{
    struct host_entry *host;
    struct app_entry *app;
    struct solution_entry *solution;
    for (size_t at = 0; (host = table_next(server->hosts, &at)) != NULL;) run(server, &host->entry);
    for (size_t at = 0; (app = table_next(server->apps, &at)) != NULL;) run(server, &app->entry);
    for (size_t at = 0; (solution = table_next(server->solutions, &at)) != NULL;)
        run(server, &solution->entry);
}

static void forget_seen(struct control_server *server, struct entry *entry)
{
    (void)server;
    entry->is_seen = false;
}

static void use_config(struct control_server *server)
{
    const struct app_object *self = app_self(server->app);
    const struct object_application *ours = self ? (const void *)self->fields : NULL;
    for (uint32_t i = 0; ours && i < ours->connections.count; i++) {
        struct text name = ours->connections.at[i].server;
        const struct app_object *object = app_object(server->app, &OBJECT_APPLICATION, name);
        const struct object_application *fields = object ? (const void *)object->fields : NULL;
        const struct object_app_prototype *prototype = fields ? template_of(server, fields) : NULL;
        struct text type = fields && fields->type.len == 0 && prototype ? prototype->type
                           : fields                                     ? fields->type
                                                                        : TEXT("");
        static const struct link_handler none[] = { { 0 } };
        if (!text_eq(type, TEXT("ConfigurationServer"))) continue;
        if (server->config == NULL)
            server->config = peer_open(server->app->life, server->app, name, none, NULL, server);
        else if (text_eq(peer_name(server->config), name))
            peer_configure(server->config);
    }
}

static void forget_gone(struct table *table)
{
    struct entry *entry; /* each struct begins with it */
    for (size_t at = 0; (entry = table_next(table, &at)) != NULL;) {
        if (!entry->is_gone || entry->known_by > 0) continue;
        table_remove(table, entry->name);
        scope_close(entry->life);
        at = 0;
    }
}

void objects_forget_gone(struct control_server *server)
{
    forget_gone(server->hosts);
    forget_gone(server->apps);
    forget_gone(server->solutions);
}

void objects_configure(struct control_server *server)
{
    struct host_entry *host;
    struct app_entry *app;
    struct solution_entry *solution;
    use_config(server);
    server->is_first = is_the_first(server);
    server->sends_notes = has_message_server(server);
    app_send_log_always(server->app, server->sends_notes);
    each_entry(server, forget_seen);
    take_hosts(server);
    for (size_t at = 0; (host = table_next(server->hosts, &at)) != NULL;) leave_host(host);
    take_applications(server);
    for (size_t at = 0; (app = table_next(server->apps, &at)) != NULL;) leave_application(app);
    take_solutions(server);
    for (size_t at = 0; (solution = table_next(server->solutions, &at)) != NULL;)
        leave_solution(solution);
    each_entry(server, lose_unseen);
    solutions_look(server);
    watchers_tell_soon(server); /* rights may have moved */
}

void objects_count(const struct control_server *server, struct control_counters *out)
{
    const struct host_entry *host;
    const struct app_entry *app;
    const struct solution_entry *entry;
    for (size_t at = 0; (host = table_next(server->hosts, &at)) != NULL;) {
        out->control_hosts += !host->entry.is_gone;
        out->control_hosts_connected += host->link != NULL;
    }
    for (size_t at = 0; (app = table_next(server->apps, &at)) != NULL;) {
        out->control_applications += !app->entry.is_gone;
        out->control_applications_running += app_watch_status(&app->watch) == STATUS_RUNNING;
    }
    for (size_t at = 0; (entry = table_next(server->solutions, &at)) != NULL;)
        out->control_solutions_running += solution_status(&entry->solution) == SOLUTION_RUNNING &&
                                          !entry->entry.is_gone;
}
