/* SPDX-License-Identifier: Apache-2.0 */
/* Orders to applications and solutions: looked up, permitted, judged by the state, sent to the
 * host, answered when it has taken them (framework 6.5). Begin at request_order_application(). */
#include "gen/events.h"
#include "servers/control/server.h"

#include <stdio.h>

/* --- refusing --------------------------------------------------------------------------------- */

static enum err err_of(enum order_error error)
{
    switch (error) {
    case ORDER_OBJECT_NOT_FOUND: return ERR_NOT_FOUND;
    case ORDER_AGENT_NOT_STARTED: return ERR_UNAVAILABLE;
    case ORDER_OPERATING_SYSTEM_ERROR: return ERR_IO;
    case ORDER_NOT_IMPLEMENTED: return ERR_UNSUPPORTED;
    case ORDER_INTERNAL_ERROR: return ERR_INTERNAL;
    default: return ERR_CONFLICT;
    }
}

void refuse_order(struct link_request *request, enum order_error error, struct text words)
{
    struct text told = words.len ? scope_format(link_request_scope(request), "%.*s: %s",
                                                TEXT_ARG(words), order_error_words(error))
                                 : text_of(order_error_words(error));
    struct link_error refusal = { .err = err_of(error),
                                  .protocol = TEXT("control"),
                                  .code = (int64_t)error,
                                  .name = text_of(order_error_name(error)),
                                  .text = told,
                                  .field = TEXT("name"),
                                  .retryable = error == ORDER_AGENT_NOT_STARTED };
    link_refuse(request, &refusal);
}

/* As config refuses (framework 3.3). */
void refuse_no_permission(struct link_request *request, const char *type, struct text name)
{
    struct scope *scope = link_request_scope(request);
    struct link_error refusal = {
        .err = ERR_DENIED,
        .protocol = TEXT("config"),
        .code = 403,
        .name = TEXT("CFGNoPermission"),
        .text = scope_format(scope, "Execute on %s %.*s is missing", type, TEXT_ARG(name)),
        .field = TEXT("CFGDBID"),
        .object_type = scope_format(scope, "CFG%s", type),
    };
    link_refuse(request, &refusal);
}

/* --- to a host -------------------------------------------------------------------------------- */

struct app_ask {
    struct scope *life;
    struct control_server *server;
    struct text app;
    struct text words; /* of the host, when it refused */
    void (*done)(void *self, enum order_error error);
    void *self;
};

static enum order_error error_of(const struct link_error *error)
{
    if (text_eq(error->protocol, TEXT("control")) && error->code > ORDER_OK &&
        error->code < ORDER_ERROR_COUNT)
        return (enum order_error)error->code;
    switch (error->err) {
    case ERR_NOT_FOUND: return ORDER_APPLICATION_HOST_CONFLICT;
    case ERR_CLOSED:
    case ERR_TIMEOUT:
    case ERR_UNAVAILABLE: return ORDER_AGENT_NOT_STARTED;
    case ERR_IO: return ORDER_OPERATING_SYSTEM_ERROR;
    default: return ORDER_UNABLE_TO_EXECUTE;
    }
}

static void on_host_answer(void *self, const struct link_error *error, const void *fields)
{
    struct app_ask *ask = self;
    const struct control_host_ordered *ordered = fields;
    struct app_entry *app = app_find(ask->server, ask->app);
    if (error == NULL && app && ordered->application)
        app_take_report(app, ordered->application, false);
    if (ask->done) ask->done(ask->self, error ? error_of(error) : ORDER_OK);
    scope_close(ask->life);
}

static enum order_error check_order(const struct app_entry *app, const struct host_entry *host,
                                    enum app_order order)
{
    if (host == NULL || host->link == NULL) return ORDER_AGENT_NOT_STARTED;
    if (order == APP_ORDER_START && app->is_disabled) return ORDER_UNABLE_TO_EXECUTE;
    /* It is of this host, but its supervisor has never told of it: let that one say why. */
    if (!app->watch.is_known && order != APP_ORDER_SWITCHOVER) return ORDER_OK;
    return app_order_check(order, app_watch_status(&app->watch), app->backup.len > 0);
}

enum order_error order_application(struct app_entry *app, enum app_order order, struct text level,
                                   uint32_t seconds, struct text by,
                                   void (*done)(void *self, enum order_error error), void *self)
{
    struct control_server *server = app->server;
    struct host_entry *host = host_find(server, app->host);
    enum order_error error = check_order(app, host, order);
    char name[256], whom[600];
    (void)snprintf(name, sizeof name, "%.*s", TEXT_ARG(app->entry.name));
    (void)snprintf(whom, sizeof whom, "%.*s", TEXT_ARG(by));
    const struct log *log = note_log(server, app->entry.name, app->host);
    if (error) {
        server->counters.control_orders_refused_total++;
        LOG_CONTROL_ORDER_REFUSED(log, name, app_order_name(order), whom, order_error_name(error));
        return error;
    }
    server->counters.control_orders_total++;
    LOG_CONTROL_ORDER(log, name, app_order_name(order), whom);
    struct scope *life = scope_new(server->app->life, "order", SCOPE_NO_LIMIT);
    struct app_ask *ask = scope_alloc(life, sizeof *ask);
    *ask = (struct app_ask){ .life = life,
                             .server = server,
                             .app = scope_keep(life, app->entry.name),
                             .done = done,
                             .self = self };
    struct host_order fields = { .name = app->entry.name,
                                 .order = text_of(app_order_name(order)),
                                 .level = level,
                                 .reason = by,
                                 .seconds = seconds };
    (void)host_give_order(host, &fields, on_host_answer, ask); /* its link was there just now */
    return ORDER_OK;
}

/* --- of an application ------------------------------------------------------------------------ */

struct order_request {
    struct control_server *server;
    struct link_request *request;
    const void *fields; /* in the request's scope */
    struct asker asker;
};

static void on_app_ordered(void *self, enum order_error error)
{
    struct order_request *ask = self;
    const struct control_order_application *asked = ask->fields;
    struct app_entry *app = app_find(ask->server, asked->name);
    if (error || app == NULL) {
        refuse_order(ask->request, error ? error : ORDER_OBJECT_NOT_FOUND, asked->name);
        return;
    }
    struct control_application_status status = app_status_message(app);
    link_reply(ask->request, &(struct control_application_order_taken){
                                 .head.has = CONTROL_APPLICATION_ORDER_TAKEN_HAS_APPLICATION,
                                 .application = &status });
}

static void refuse_noted(struct order_request *ask, struct text name, struct text order,
                         const char *why)
{
    char words[3][600];
    (void)snprintf(words[0], sizeof words[0], "%.*s", TEXT_ARG(name));
    (void)snprintf(words[1], sizeof words[1], "%.*s", TEXT_ARG(order));
    (void)snprintf(words[2], sizeof words[2], "%.*s", TEXT_ARG(ask->asker.words));
    ask->server->counters.control_orders_refused_total++;
    LOG_CONTROL_ORDER_REFUSED(note_log(ask->server, TEXT(""), TEXT("")), words[0], words[1],
                              words[2], why);
}

static void on_may_order(void *self, bool may, bool may_read, const struct link_error *error)
{
    struct order_request *ask = self;
    const struct control_order_application *asked = ask->fields;
    struct app_entry *app = app_find(ask->server, asked->name);
    enum app_order order;
    if (error) {
        link_refuse(ask->request, error);
    } else if (app == NULL || !may_read) {
        refuse_order(ask->request, ORDER_OBJECT_NOT_FOUND, asked->name);
    } else if (!may) {
        refuse_noted(ask, asked->name, asked->order, "no permission");
        refuse_no_permission(ask->request, "Application", asked->name);
    } else if (app_order_parse(asked->order, &order)) {
        refuse_order(ask->request, ORDER_NOT_IMPLEMENTED, asked->order);
    } else if (order == APP_ORDER_LOG_LEVEL && asked->level.len == 0) {
        struct fault fault;
        fault_set(&fault, ERR_INVALID, "level", "is required");
        link_refuse_fault(ask->request, &fault);
    } else {
        struct text level = order == APP_ORDER_LOG_LEVEL ? asked->level : TEXT("");
        enum order_error refused = order_application(app, order, level, asked->seconds,
                                                     ask->asker.words, on_app_ordered, ask);
        if (refused) refuse_order(ask->request, refused, asked->name);
    }
}

static struct order_request *order_request_new(struct control_server *server,
                                               struct link_request *request, const void *fields)
{
    struct order_request *ask = scope_alloc(link_request_scope(request), sizeof *ask);
    *ask = (struct order_request){ server, request, fields, asker_of(server, request) };
    return ask;
}

void request_order_application(void *self, struct link_request *request, const void *fields)
{
    const struct control_order_application *asked = fields;
    struct order_request *ask = order_request_new(self, request, fields);
    rights_ask(self, &ask->asker, "Application", asked->name, 'X', on_may_order, ask);
}

/* --- of a solution ---------------------------------------------------------------------------- */

static void on_solution_ordered(void *self, enum err err)
{
    struct order_request *ask = self;
    const struct control_order_solution *asked = ask->fields;
    struct solution_entry *entry = solution_find(ask->server, asked->name);
    if (err || entry == NULL) {
        refuse_order(ask->request, err ? ORDER_INTERNAL_ERROR : ORDER_OBJECT_NOT_FOUND,
                     asked->name);
        return;
    }
    struct control_solution_status status =
        solution_status_message(link_request_scope(ask->request), entry);
    link_reply(ask->request,
               &(struct control_solution_order_taken){
                   .head.has = CONTROL_SOLUTION_ORDER_TAKEN_HAS_SOLUTION, .solution = &status });
}

static void give_solution_order(struct order_request *ask, struct solution_entry *entry)
{
    const struct control_order_solution *asked = ask->fields;
    bool is_start = text_eq(asked->order, TEXT("start"));
    bool is_graceful = text_eq(asked->order, TEXT("stop-gracefully"));
    enum order_error error = solution_order(entry, is_start ? SOLUTION_START : SOLUTION_STOP,
                                            is_graceful, ask->asker.words, on_solution_ordered,
                                            ask);
    if (error) {
        refuse_noted(ask, asked->name, asked->order, order_error_name(error));
        refuse_order(ask->request, error, asked->name);
        return;
    }
    char words[3][600];
    (void)snprintf(words[0], sizeof words[0], "Solution %.*s", TEXT_ARG(asked->name));
    (void)snprintf(words[1], sizeof words[1], "%.*s", TEXT_ARG(asked->order));
    (void)snprintf(words[2], sizeof words[2], "%.*s", TEXT_ARG(ask->asker.words));
    ask->server->counters.control_orders_total++;
    LOG_CONTROL_ORDER(note_log(ask->server, TEXT(""), TEXT("")), words[0], words[1], words[2]);
}

static void on_may_order_solution(void *self, bool may, bool may_read,
                                  const struct link_error *error)
{
    struct order_request *ask = self;
    const struct control_order_solution *asked = ask->fields;
    struct solution_entry *entry = solution_find(ask->server, asked->name);
    if (error) {
        link_refuse(ask->request, error);
    } else if (entry == NULL || !may_read) {
        refuse_order(ask->request, ORDER_OBJECT_NOT_FOUND, asked->name);
    } else if (!may) {
        refuse_noted(ask, asked->name, asked->order, "no permission");
        refuse_no_permission(ask->request, "Solution", asked->name);
    } else {
        give_solution_order(ask, entry);
    }
}

void request_order_solution(void *self, struct link_request *request, const void *fields)
{
    const struct control_order_solution *asked = fields;
    struct order_request *ask = order_request_new(self, request, fields);
    rights_ask(self, &ask->asker, "Solution", asked->name, 'X', on_may_order_solution, ask);
}
