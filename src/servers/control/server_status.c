/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks for states, and who watches them. Every move has a number; a watcher is told what has
 * moved since the number it was told last, of what it may read. Begin at request_read_status(). */
#include "servers/control/server.h"

#include <stdlib.h>

/* --- as messages ------------------------------------------------------------------------------ */

struct control_application_status app_status_message(const struct app_entry *app)
{
    enum app_status status = app_watch_status(&app->watch);
    struct control_application_status message = {
        .head.has = CONTROL_APPLICATION_STATUS_HAS_NAME | CONTROL_APPLICATION_STATUS_HAS_DBID |
                    CONTROL_APPLICATION_STATUS_HAS_TYPE | CONTROL_APPLICATION_STATUS_HAS_HOST |
                    CONTROL_APPLICATION_STATUS_HAS_STATE | CONTROL_APPLICATION_STATUS_HAS_CODE |
                    CONTROL_APPLICATION_STATUS_HAS_MODE | CONTROL_APPLICATION_STATUS_HAS_SINCE |
                    CONTROL_APPLICATION_STATUS_HAS_RESTARTS |
                    CONTROL_APPLICATION_STATUS_HAS_REASON | CONTROL_APPLICATION_STATUS_HAS_CUSTOM,
        .name = app->entry.name,
        .dbid = app->dbid,
        .type = app->type,
        .host = app->host,
        .state = text_of(status_name(status)),
        .code = (uint32_t)status,
        /* Pairs come with their leases: until then whoever runs serves. */
        .mode = status_is_live(status) ? TEXT("primary") : TEXT("exit"),
        .pid = app->pid,
        .since = app->entry.since_utc_ms,
        .restarts = app->watch.report.restarts,
        .reason = app->reason,
        .custom = app->custom,
    };
    if (app->pid) message.head.has |= CONTROL_APPLICATION_STATUS_HAS_PID;
    return message;
}

struct control_host_status host_status_message(const struct host_entry *host)
{
    struct control_host_status message = {
        .head.has = CONTROL_HOST_STATUS_HAS_NAME | CONTROL_HOST_STATUS_HAS_STATE |
                    CONTROL_HOST_STATUS_HAS_SINCE | CONTROL_HOST_STATUS_HAS_ADDRESS |
                    CONTROL_HOST_STATUS_HAS_BUILD,
        .name = host->entry.name,
        .state = text_of(host_status_name(host_watch_status(&host->watch))),
        .since = host->entry.since_utc_ms,
        .address = host->address,
        .build = host->build,
        .clock_offset = host->clock_offset_ms,
    };
    if (host->has_clock) message.head.has |= CONTROL_HOST_STATUS_HAS_CLOCK_OFFSET;
    return message;
}

struct control_solution_status solution_status_message(struct scope *scope,
                                                       const struct solution_entry *entry)
{
    struct control_solution_status message = {
        .head.has = CONTROL_SOLUTION_STATUS_HAS_NAME | CONTROL_SOLUTION_STATUS_HAS_STATE |
                    CONTROL_SOLUTION_STATUS_HAS_SINCE | CONTROL_SOLUTION_STATUS_HAS_REASON |
                    CONTROL_SOLUTION_STATUS_HAS_COMPONENTS,
        .name = entry->entry.name,
        .state = text_of(solution_status_name(solution_status(&entry->solution))),
        .since = entry->entry.since_utc_ms,
        .reason = text_of(entry->reason),
        .components.at =
            scope_alloc_array(scope, entry->solution.count, sizeof *message.components.at),
    };
    for (uint32_t i = 0; i < entry->solution.count; i++) {
        const struct app_entry *app = app_find(entry->server, entry->part_names[i]);
        if (app) message.components.at[message.components.count++] = app_status_message(app);
    }
    return message;
}

/* --- what is asked for ------------------------------------------------------------------------ */

struct selection {
    const struct control_server *server;
    const struct readable *readable;
    struct text kind, name; /* empty: all */
};

static bool is_selected(const struct selection *selection, const char *kind, const char *type,
                        const struct entry *entry)
{
    if (entry->is_gone) return false;
    if (selection->kind.len && !text_eq(selection->kind, text_of(kind))) return false;
    if (selection->name.len && !text_eq(selection->name, entry->name)) return false;
    return rights_may_read(selection->readable, type, entry->name);
}

struct found {
    struct {
        struct control_host_status *at;
        uint32_t count;
    } hosts;
    struct {
        struct control_application_status *at;
        uint32_t count;
    } apps;
    struct {
        struct control_solution_status *at;
        uint32_t count;
    } solutions;
};

static int by_host_name(const void *a, const void *b)
{
    const struct control_host_status *left = a, *right = b;
    return text_compare(left->name, right->name);
}

static int by_app_name(const void *a, const void *b)
{
    const struct control_application_status *left = a, *right = b;
    return text_compare(left->name, right->name);
}

static int by_solution_name(const void *a, const void *b)
{
    const struct control_solution_status *left = a, *right = b;
    return text_compare(left->name, right->name);
}

/* Of a solution's components, too, only those that may be read. */
static void hide_components(const struct selection *selection,
                            struct control_solution_status *solution)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < solution->components.count; i++)
        if (rights_may_read(selection->readable, "Application", solution->components.at[i].name))
            solution->components.at[kept++] = solution->components.at[i];
    solution->components.count = kept;
}

static struct found find_all(const struct selection *selection, struct scope *scope)
{
    const struct control_server *server = selection->server;
    const struct host_entry *host;
    const struct app_entry *app;
    const struct solution_entry *entry;
    struct found found = {
        .hosts.at = scope_alloc_array(scope, table_count(server->hosts), sizeof *found.hosts.at),
        .apps.at = scope_alloc_array(scope, table_count(server->apps), sizeof *found.apps.at),
        .solutions.at =
            scope_alloc_array(scope, table_count(server->solutions), sizeof *found.solutions.at),
    };
    for (size_t at = 0; (host = table_next(server->hosts, &at)) != NULL;)
        if (is_selected(selection, "hosts", "Host", &host->entry))
            found.hosts.at[found.hosts.count++] = host_status_message(host);
    for (size_t at = 0; (app = table_next(server->apps, &at)) != NULL;)
        if (is_selected(selection, "applications", "Application", &app->entry))
            found.apps.at[found.apps.count++] = app_status_message(app);
    for (size_t at = 0; (entry = table_next(server->solutions, &at)) != NULL;) {
        if (!is_selected(selection, "solutions", "Solution", &entry->entry)) continue;
        struct control_solution_status *one = &found.solutions.at[found.solutions.count++];
        *one = solution_status_message(scope, entry);
        hide_components(selection, one);
    }
    qsort(found.hosts.at, found.hosts.count, sizeof *found.hosts.at, by_host_name);
    qsort(found.apps.at, found.apps.count, sizeof *found.apps.at, by_app_name);
    qsort(found.solutions.at, found.solutions.count, sizeof *found.solutions.at, by_solution_name);
    return found;
}

static void reply_selected(struct link_request *request, const struct selection *selection)
{
    struct found found = find_all(selection, link_request_scope(request));
    struct control_status_read reply = {
        .head.has = CONTROL_STATUS_READ_HAS_HOSTS | CONTROL_STATUS_READ_HAS_APPLICATIONS |
                    CONTROL_STATUS_READ_HAS_SOLUTIONS,
        .hosts = { found.hosts.at, found.hosts.count },
        .applications = { found.apps.at, found.apps.count },
        .solutions = { found.solutions.at, found.solutions.count },
    };
    link_reply(request, &reply);
}

struct status_ask {
    struct control_server *server;
    struct link_request *request;
    const struct control_read_status *fields;
};

static void on_may_read(void *self, const struct readable *readable, const struct link_error *error)
{
    struct status_ask *ask = self;
    if (error) {
        link_refuse(ask->request, error);
        return;
    }
    struct selection selection = { ask->server, readable, ask->fields->kind, ask->fields->name };
    reply_selected(ask->request, &selection);
}

void request_read_status(void *self, struct link_request *request, const void *fields)
{
    struct status_ask *ask = scope_alloc(link_request_scope(request), sizeof *ask);
    *ask = (struct status_ask){ self, request, fields };
    struct asker asker = asker_of(self, request);
    rights_read(self, &asker, on_may_read, ask);
}

/* --- watching --------------------------------------------------------------------------------- */

/* One link, or one person behind it. */
struct watcher {
    struct list node;
    struct scope *life;
    struct control_server *server;
    struct link *link;            /* NULL: it went */
    struct link_request *request; /* whose answer is due; NULL: it was given */
    struct asker asker;           /* texts in `life` */
    struct table *known;          /* entries that it was told of, by their id */
    uint64_t told, rights_rev;    /* number of the last move, revision of its rights */
    bool is_asking;               /* what it may read */
};

/* What one telling is made of. */
struct telling {
    struct watcher *watcher;
    const struct readable *readable;
    struct scope *scope;
    bool is_anew; /* its rights may have moved: every entry is looked at */
    struct control_status_moved message;
};

static void watcher_close(struct watcher *watcher)
{
    struct entry *entry;
    for (size_t at = 0; (entry = table_next(watcher->known, &at)) != NULL;) entry->known_by--;
    list_remove(&watcher->node);
    watcher->server->watcher_count--;
    scope_close(watcher->life);
}

/* True: it is to be shown. What it knew and must forget goes among those that are gone. */
static bool look_at_entry(struct telling *telling, struct entry *entry, const char *kind,
                          const char *type)
{
    struct watcher *watcher = telling->watcher;
    struct control_status_moved *message = &telling->message;
    if (!telling->is_anew && entry->moved <= watcher->told) return false;
    bool is_known = table_get(watcher->known, TEXT_OF(&entry->id)) != NULL;
    bool is_shown = !entry->is_gone && rights_may_read(telling->readable, type, entry->name);
    if (is_shown && !is_known) {
        table_put(watcher->known, TEXT_OF(&entry->id), entry);
        entry->known_by++;
    } else if (!is_shown && is_known) {
        table_remove(watcher->known, TEXT_OF(&entry->id));
        entry->known_by--;
        message->gone.at[message->gone.count++] =
            scope_format(telling->scope, "%s/%.*s", kind, TEXT_ARG(entry->name));
    }
    return is_shown && (!is_known || entry->moved > watcher->told);
}

static void tell_hosts(struct telling *telling)
{
    struct host_entry *host;
    struct control_status_moved *message = &telling->message;
    for (size_t at = 0; (host = table_next(telling->watcher->server->hosts, &at)) != NULL;)
        if (look_at_entry(telling, &host->entry, "hosts", "Host"))
            message->hosts.at[message->hosts.count++] = host_status_message(host);
}

static void tell_applications(struct telling *telling)
{
    struct app_entry *app;
    struct control_status_moved *message = &telling->message;
    for (size_t at = 0; (app = table_next(telling->watcher->server->apps, &at)) != NULL;)
        if (look_at_entry(telling, &app->entry, "applications", "Application"))
            message->applications.at[message->applications.count++] = app_status_message(app);
}

static void tell_solutions(struct telling *telling)
{
    struct solution_entry *entry;
    struct control_status_moved *message = &telling->message;
    const struct selection selection = { .readable = telling->readable };
    for (size_t at = 0; (entry = table_next(telling->watcher->server->solutions, &at)) != NULL;) {
        if (!look_at_entry(telling, &entry->entry, "solutions", "Solution")) continue;
        struct control_solution_status *one = &message->solutions.at[message->solutions.count++];
        *one = solution_status_message(telling->scope, entry);
        hide_components(&selection, one);
    }
}

static void make_room(struct telling *telling)
{
    const struct control_server *server = telling->watcher->server;
    struct control_status_moved *message = &telling->message;
    struct scope *scope = telling->scope;
    size_t hosts = table_count(server->hosts), apps = table_count(server->apps);
    size_t solutions = table_count(server->solutions);
    message->head.has = CONTROL_STATUS_MOVED_HAS_HOSTS | CONTROL_STATUS_MOVED_HAS_APPLICATIONS |
                        CONTROL_STATUS_MOVED_HAS_SOLUTIONS | CONTROL_STATUS_MOVED_HAS_GONE;
    message->hosts.at = scope_alloc_array(scope, hosts, sizeof *message->hosts.at);
    message->applications.at = scope_alloc_array(scope, apps, sizeof *message->applications.at);
    message->solutions.at = scope_alloc_array(scope, solutions, sizeof *message->solutions.at);
    message->gone.at = scope_alloc_array(scope, hosts + apps + solutions, sizeof *message->gone.at);
    if (telling->watcher->asker.person.len == 0) return;
    message->head.has |= CONTROL_STATUS_MOVED_HAS_PERSON | CONTROL_STATUS_MOVED_HAS_TENANT;
    message->person = telling->watcher->asker.person;
    message->tenant = telling->watcher->asker.tenant;
}

/* The first time it is the answer, later an event. */
static void send(struct watcher *watcher, const struct control_status_moved *message)
{
    struct link_request *request = watcher->request;
    struct control_status_read reply = {
        .head.has = CONTROL_STATUS_READ_HAS_HOSTS | CONTROL_STATUS_READ_HAS_APPLICATIONS |
                    CONTROL_STATUS_READ_HAS_SOLUTIONS,
        .hosts = { message->hosts.at, message->hosts.count },
        .applications = { message->applications.at, message->applications.count },
        .solutions = { message->solutions.at, message->solutions.count },
    };
    watcher->request = NULL;
    if (request)
        link_reply(request, &reply);
    else if (message->hosts.count + message->applications.count + message->solutions.count +
                 message->gone.count >
             0)
        link_send(watcher->link, &MSG_CONTROL_STATUS_MOVED, message);
}

static void tell(struct watcher *watcher, const struct readable *readable)
{
    struct scope *scope = scope_new(NULL, "telling", SCOPE_NO_LIMIT);
    struct telling telling = { .watcher = watcher, .readable = readable, .scope = scope };
    telling.is_anew = watcher->request || rights_revision(readable) != watcher->rights_rev;
    make_room(&telling);
    tell_hosts(&telling);
    tell_applications(&telling);
    tell_solutions(&telling);
    struct control_status_moved *message = &telling.message;
    qsort(message->hosts.at, message->hosts.count, sizeof *message->hosts.at, by_host_name);
    qsort(message->applications.at, message->applications.count, sizeof *message->applications.at,
          by_app_name);
    qsort(message->solutions.at, message->solutions.count, sizeof *message->solutions.at,
          by_solution_name);
    watcher->told = watcher->server->moves;
    watcher->rights_rev = rights_revision(readable);
    send(watcher, &telling.message);
    scope_close(scope);
}

static void on_watcher_rights(void *self, const struct readable *readable,
                              const struct link_error *error)
{
    struct watcher *watcher = self;
    struct link_request *request = watcher->request;
    watcher->is_asking = false;
    if (watcher->link == NULL) {
        if (request) link_refuse(request, &(struct link_error){ .err = ERR_CLOSED });
        watcher_close(watcher);
    } else if (error && request) {
        link_refuse(request, error);
        watcher_close(watcher);
    } else if (error == NULL) {
        tell(watcher, readable);
        objects_forget_gone(watcher->server);
        if (watcher->told < watcher->server->moves) watchers_tell_soon(watcher->server);
    } /* else: the next move, or the return of config, asks again */
}

static void ask_for(struct watcher *watcher)
{
    if (watcher->is_asking) return;
    watcher->is_asking = true;
    rights_read(watcher->server, &watcher->asker, on_watcher_rights, watcher);
}

static bool is_behind(const struct watcher *watcher)
{
    const struct control_server *server = watcher->server;
    bool is_full = watcher->asker.kind != ASKER_ACCOUNT;
    return watcher->told < server->moves ||
           (!is_full && watcher->rights_rev < app_config_rev(server->app));
}

static void tell_all(void *self)
{
    struct control_server *server = self;
    for (struct list *node = server->watchers.next, *next; node != &server->watchers; node = next) {
        struct watcher *watcher = LIST_OBJECT(node, struct watcher, node);
        next = node->next;
        if (watcher->link && is_behind(watcher)) ask_for(watcher);
    }
    objects_forget_gone(server);
}

void watchers_tell_soon(struct control_server *server)
{
    server->tell_chore.run = tell_all;
    server->tell_chore.self = server;
    chore_last(server->app->loop, &server->tell_chore);
}

static void lose(struct watcher *watcher)
{
    watcher->link = NULL;
    if (!watcher->is_asking) watcher_close(watcher);
}

void watchers_forget(struct control_server *server, const struct link *link)
{
    for (struct list *node = server->watchers.next, *next; node != &server->watchers; node = next) {
        struct watcher *watcher = LIST_OBJECT(node, struct watcher, node);
        next = node->next;
        if (watcher->link == link) lose(watcher);
    }
}

static void forget_asker(struct control_server *server, const struct link *link,
                         const struct asker *asker)
{
    for (struct list *node = server->watchers.next, *next; node != &server->watchers; node = next) {
        struct watcher *watcher = LIST_OBJECT(node, struct watcher, node);
        next = node->next;
        if (watcher->link == link && text_eq(watcher->asker.account, asker->account)) lose(watcher);
    }
}

static struct asker keep_asker(struct scope *scope, const struct asker *asker)
{
    return (struct asker){ .kind = asker->kind,
                           .account = scope_keep(scope, asker->account),
                           .tenant = scope_keep(scope, asker->tenant),
                           .person = scope_keep(scope, asker->person),
                           .words = scope_keep(scope, asker->words) };
}

void request_watch_status(void *self, struct link_request *request, const void *fields)
{
    struct control_server *server = self;
    const struct control_watch_status *asked = fields;
    struct link *link = link_request_link(request);
    struct asker asker = asker_of(server, request);
    if (link == NULL) return;
    forget_asker(server, link, &asker);
    if (SHAPE_HAS(asked, CONTROL_WATCH_STATUS_HAS_ON) && !asked->on) {
        link_reply(request, &(struct control_status_read){ 0 });
        return;
    }
    if (server->watcher_count == WATCHERS_MAX) {
        struct fault fault;
        fault_set(&fault, ERR_LIMIT, "", "at most %d watch", WATCHERS_MAX);
        link_refuse_fault(request, &fault);
        return;
    }
    struct scope *life = scope_new(server->app->life, "watcher", SCOPE_NO_LIMIT);
    struct watcher *watcher = scope_alloc(life, sizeof *watcher);
    *watcher = (struct watcher){ .life = life,
                                 .server = server,
                                 .link = link,
                                 .request = request,
                                 .asker = keep_asker(life, &asker),
                                 .known = table_new(life) };
    list_add_last(&server->watchers, &watcher->node);
    server->watcher_count++;
    ask_for(watcher);
}
