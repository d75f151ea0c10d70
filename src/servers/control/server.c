/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring: the store, then what hosts report, kept logs and alarms, then the link port. */
#include "servers/control/server.h"

#include "gen/migrations.h"

/* --- links ---------------------------------------------------------------------------------- */

static const struct link_handler handlers[] = {
    /* supervisors */
    { .msg = &MSG_CONTROL_REPORT_HOST, .on_request = request_report_host },
    { .msg = &MSG_CONTROL_APPLICATION_MOVED, .on_event = event_application_moved },
    /* persons and tools */
    { .msg = &MSG_CONTROL_SAMPLE_HOST, .on_request = request_sample_host },
    { .msg = &MSG_CONTROL_READ_STATUS, .on_request = request_read_status },
    { .msg = &MSG_CONTROL_WATCH_STATUS, .on_request = request_watch_status },
    { .msg = &MSG_CONTROL_ORDER_APPLICATION, .on_request = request_order_application },
    { .msg = &MSG_CONTROL_ORDER_SOLUTION, .on_request = request_order_solution },
    { 0 },
};

static void on_down(void *self, struct link *link, enum err why)
{
    (void)why;
    hosts_forget(self, link);
    watchers_forget(self, link);
}

static enum err serve(struct control_server *server, struct fault *fault)
{
    static const struct link_life life = { .on_down = on_down };
    enum err err = app_listen(server->app, handlers, &life, server, &server->links, fault);
    if (!err) app_running(server->app);
    return err;
}

/* --- life ----------------------------------------------------------------------------------- */

static void forget(void *self)
{
    struct control_server *server = self;
    chore_cancel(&server->look_chore);
    chore_cancel(&server->tell_chore);
}

static void changed(void *self)
{
    struct control_server *server = self;
    if (!server->is_stopping) objects_configure(server);
}

static enum err start(struct app *app, void **self, struct fault *fault)
{
    struct control_server *server = scope_alloc(app->life, sizeof *server);
    *server = (struct control_server){ .app = app,
                                       .hosts = table_new(app->life),
                                       .apps = table_new(app->life),
                                       .solutions = table_new(app->life),
                                       .orders_of_before = table_new(app->life) };
    list_init(&server->watchers);
    scope_on_close(app->life, forget, server);
    rights_open(server);
    enum err err = app_open_store(app, MIGRATIONS_CONTROL, &server->store, fault);
    if (!err) err = solutions_load(server, fault);
    if (err) return err;
    objects_configure(server);
    err = serve(server, fault);
    if (!err) *self = server;
    return err;
}

static void on_flushed(void *self)
{
    struct control_server *server = self;
    app_stopped(server->app);
}

static void stop(void *self)
{
    struct control_server *server = self;
    server->is_stopping = true;
    link_server_stop_listening(server->links);
    store_flush(server->store, on_flushed, server);
}

static void count(void *self, void *counters)
{
    const struct control_server *server = self;
    struct control_counters *out = counters;
    *out = server->counters;
    objects_count(server, out);
    out->control_watchers = server->watcher_count;
}

static const char *const object_names[] = {
    "Application", "AppPrototype", "Host", "Solution", "AlarmCondition", "Script", NULL,
};

const struct app_type APP_TYPE_CONTROL;
const struct app_type APP_TYPE_CONTROL = {
    .name = "control",
    .options = &OPTIONS_CONTROL,
    .counters = &COUNTERS_CONTROL,
    .objects = object_names,
    .start = start,
    .changed = changed,
    .stop = stop,
    .count = count,
};
