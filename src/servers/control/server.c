/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring: the store, then what hosts report, kept logs and alarms, then the link port. */
#include "servers/control/server.h"

#include "gen/migrations.h"

/* --- links ---------------------------------------------------------------------------------- */

static const struct link_handler handlers[] = {
    { 0 },
};

static enum err serve(struct control_server *server, struct fault *fault)
{
    static const struct link_life life = { 0 };
    enum err err = app_listen(server->app, handlers, &life, server, &server->links, fault);
    if (!err) app_running(server->app);
    return err;
}

/* --- life ----------------------------------------------------------------------------------- */

static enum err start(struct app *app, void **self, struct fault *fault)
{
    struct control_server *server = scope_alloc(app->life, sizeof *server);
    *server = (struct control_server){ .app = app };
    enum err err = app_open_store(app, MIGRATIONS_CONTROL, &server->store, fault);
    if (!err) err = serve(server, fault);
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
    *(struct control_counters *)counters = server->counters;
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
    .stop = stop,
    .count = count,
};
