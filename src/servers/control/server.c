/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring: the store, then what hosts report, kept logs and alarms, then the link port. */
#include "servers/control/server.h"

#include "app/log_line.h"
#include "gen/migrations.h"
#include "servers/control/alarms.h"
#include "servers/control/log_keeper.h"

#include <stdio.h>

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
    /* kept logs, alarms */
    { .msg = &MSG_CONTROL_SEND_LOG, .on_request = request_send_log },
    { .msg = &MSG_CONTROL_READ_LOG, .on_request = request_read_log },
    { .msg = &MSG_CONTROL_READ_ALARMS, .on_request = request_read_alarms },
    { .msg = &MSG_CONTROL_CLEAR_ALARM, .on_request = request_clear_alarm },
    { .msg = &MSG_CONTROL_WATCH_ALARMS, .on_request = request_watch_alarms },
    { 0 },
};

static void on_down(void *self, struct link *link, enum err why)
{
    (void)why;
    hosts_forget(self, link);
    watchers_forget(self, link);
    alarm_watchers_forget(self, link);
}

static enum err serve(struct control_server *server, struct fault *fault)
{
    static const struct link_life life = { .on_down = on_down };
    enum err err = app_listen(server->app, handlers, &life, server, &server->links, fault);
    if (!err) app_running(server->app);
    return err;
}

/* --- our own records -------------------------------------------------------------------------- */

static uint32_t priority_of(enum log_level level)
{
    return level == LOG_ALARM ? 5 : level == LOG_STANDARD ? 4 : level == LOG_INTERACTION ? 3 : 2;
}

static void on_note(struct control_server *server, struct text application, struct text host,
                    const struct log_event *event, struct text line)
{
    char about[600] = "";
    struct text solution = server->note.solution;
    if (solution.len)
        (void)snprintf(about, sizeof about, "solution:%.*s", TEXT_ARG(solution));
    else if (application.len == 0 && host.len)
        (void)snprintf(about, sizeof about, "host:%.*s", TEXT_ARG(host));
    struct own_record record = { .application = application,
                                 .host = host,
                                 .about = text_of(about),
                                 .event = text_of(event->id),
                                 .text = line,
                                 .priority = priority_of(event->level),
                                 .category = event->category };
    log_keeper_add(server->log_keeper, &record);
}

/* Of the output `network`, which for us leads here. Notes are here already. */
static void on_own_log(void *self, const struct log_record *record)
{
    struct control_server *server = self;
    if (server->is_noting) return;
    struct own_record own = { .event = text_of(record->event->id),
                              .text = record->text,
                              .ixn = record->ixn,
                              .utc_us = record->utc_us,
                              .priority = priority_of(record->event->level),
                              .category = record->event->category,
                              .attributes = record->attributes };
    log_keeper_add(server->log_keeper, &own);
}

static enum err keep_logs(struct control_server *server, struct fault *fault)
{
    enum err err = alarms_open(server, &server->alarms, fault);
    if (!err) err = log_keeper_open(server, &server->log_keeper, fault);
    if (err) return err;
    server->on_note = on_note;
    app_take_log(server->app, on_own_log, server);
    return ERR_OK;
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
    if (server->is_stopping) return;
    objects_configure(server);
    alarms_configure(server->alarms);
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
    list_init(&server->alarm_watchers);
    scope_on_close(app->life, forget, server);
    rights_open(server);
    enum err err = app_open_store(app, MIGRATIONS_CONTROL, &server->store, fault);
    if (!err) err = solutions_load(server, fault);
    if (!err) err = keep_logs(server, fault);
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
    alarms_flush(server->alarms);
    log_keeper_flush(server->log_keeper);
    store_flush(server->store, on_flushed, server);
}

static void count(void *self, void *counters)
{
    const struct control_server *server = self;
    struct control_counters *out = counters;
    *out = server->counters;
    objects_count(server, out);
    out->control_watchers = server->watcher_count;
    log_keeper_count(server->log_keeper, out);
    alarms_count(server->alarms, out);
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
