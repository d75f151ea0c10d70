/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring: the store, the lists, what a restart brings back, the notifier, the HTTP Proxy and the
 * link port, in this order; nothing is served before the recovery is done. */
#include "servers/outbound/server.h"

#include "gen/events.h"
#include "gen/migrations.h"
#include "gen/objects.h"
#include "model/option.h"
#include "servers/outbound/agent.h"
#include "servers/outbound/call_stats.h"
#include "servers/outbound/callback_watch.h"
#include "servers/outbound/desktop_edge.h"
#include "servers/outbound/desktops.h"
#include "servers/outbound/dnc_table.h"
#include "servers/outbound/explain.h"
#include "servers/outbound/http_edge.h"
#include "servers/outbound/http_proxy/proxy.h"
#include "servers/outbound/idempotency.h"
#include "servers/outbound/import.h"
#include "servers/outbound/notifier.h"
#include "servers/outbound/outbound.h"
#include "servers/outbound/record_history.h"
#include "servers/outbound/recovery.h"
#include "servers/outbound/request_log.h"
#include "servers/outbound/schedule_keeper.h"
#include "servers/outbound/seat_keeper.h"
#include "servers/outbound/session.h"
#include "servers/outbound/treatment_book.h"

enum {
    HOUR_MS = 3600 * 1000,
    HANDLES_KEPT_MS = 24 * HOUR_MS,
    ANSWER_BYTES_KEPT_MAX = 64 * 1024, /* a longer buffer is given back */
};

struct server {
    struct outbound outbound;
    struct http_proxy *proxy;
    struct link_server *links;
    struct timer *hourly;
    struct scope *config_life;
    struct buf answer; /* of the request that is being answered */
    bool is_serving;
};

static struct server *server_of(struct outbound *outbound)
{
    return (struct server *)(void *)((char *)outbound - offsetof(struct server, outbound));
}

/* --- the HTTP edge --- */

/* With what stands in `server->answer`. */
static void answer(struct request *request, unsigned status, struct text etag)
{
    struct server *server = server_of(request->server);
    http_proxy_answer(server->proxy, request->transaction, status, buf_text(&server->answer), etag);
    if (server->answer.room > ANSWER_BYTES_KEPT_MAX) buf_free(&server->answer);
    buf_clear(&server->answer);
}

static void http_reply_event(struct request *request, const struct msg *msg, const void *fields,
                             struct text etag)
{
    http_edge_write(msg, fields, &server_of(request->server)->answer);
    answer(request, 200, etag);
}

static void http_refuse(struct request *request, const struct refusal *refusal)
{
    http_edge_write_error(refusal, &server_of(request->server)->answer);
    answer(request, outbound_error_http_status(refusal->error), (struct text){ 0 });
}

static const struct request_edge http_edge = { http_reply_event, http_refuse };

static enum err on_http_record(void *self, struct text record)
{
    const struct server *server = self;
    return app_send_log(server->outbound.app, record);
}

static void on_http_request(void *self, const struct http_proxy_request *asked)
{
    struct server *server = self;
    struct outbound *outbound = &server->outbound;
    outbound->counters.http_requests_total++;
    const struct msg *msg = asked->msg ? asked->msg : &MSG_OUTBOUND_RECORD_STATUS_REQUEST;
    struct request *request = request_new(outbound, msg, &http_edge);
    request->transaction = asked->transaction;
    if (asked->msg == NULL) {
        request_refuse(request, OUTBOUND_UNKNOWN_REQUEST,
                       "req: %.*s is not offered by this release", TEXT_ARG(asked->req));
        return;
    }
    struct http_question question = { msg, asked->resource, asked->identifier, asked->pairs };
    struct refusal refusal = { 0 };
    request->fields = http_edge_read(&question, request->life, &refusal);
    if (request->fields)
        idempotency_run(request, TEXT("http"), asked->idempotency_key);
    else
        request_refuse_with(request, &refusal);
}

/* --- configuration --- */

/* The option as the Host object has it (spec 13.3: added after the application's, the same name
 * replaces). */
static struct text host_headers(const struct server *server)
{
    const struct app *app = server->outbound.app;
    const struct app_object *host = app_object(app, &OBJECT_HOST, app->host);
    if (host == NULL) return (struct text){ 0 };
    struct option_layer layer = { LEVEL_HOST, &host->fields->annex };
    struct option_source source = { app->name, &layer, 1 };
    const struct outbound_options *options =
        option_resolve(&OPTIONS_OUTBOUND, &source, NULL, server->config_life, NULL, NULL);
    return options->http_custom_headers;
}

static void on_port_refused(void *self, struct text port_id, const struct fault *fault)
{
    struct server *server = self;
    LOG_HTTP_PROXY_PORT_REFUSED(&server->outbound.app->log,
                                scope_keep_z(server->config_life, port_id), fault->words);
}

static void find_ports(struct server *server, const struct object_application *self,
                       struct proxy_ports *ports)
{
    const struct app *app = server->outbound.app;
    const struct app_object *host = app_object(app, &OBJECT_HOST, app->host);
    proxy_ports_find(ports, self, host ? &host->fields->annex : NULL, server->config_life,
                     on_port_refused, server);
    server->outbound.records_uri = proxy_ports_uri(ports, server->config_life);
}

static void configure_proxy(struct server *server)
{
    const struct app *app = server->outbound.app;
    const struct outbound_options *options = app->options;
    const struct app_object *object = app_self(app);
    server->outbound.records_uri = (struct text){ 0 };
    if (object == NULL) return; /* removed or disabled: we are about to be stopped */
    const struct object_application *self = (const struct object_application *)object->fields;
    struct http_proxy_config config = {
        .encoding = options->encoding,
        .custom_headers = options->http_custom_headers,
        .host_custom_headers = host_headers(server),
        .reconnect_s = self->reconnect_timeout ? self->reconnect_timeout
                                               : options->common.common_reconnect_timeout,
        .response_timeout_s = options->http_response_timeout,
        .common = &options->common,
    };
    find_ports(server, self, &config.ports);
    http_proxy_configure(server->proxy, &config);
}

static void changed(void *self)
{
    struct server *server = self;
    seat_keeper_configure(&server->outbound);
    if (!server->is_serving) return;
    scope_reset(server->config_life);
    lists_forget(server->outbound.lists);
    dnc_table_configure(&server->outbound);
    request_log_configure(&server->outbound);
    call_stats_configure(&server->outbound);
    record_history_configure(&server->outbound);
    treatment_book_forget(server->outbound.treatments);
    schedule_keeper_configure(server->outbound.schedules);
    struct session *session;
    for (size_t at = 0; (session = table_next(server->outbound.sessions, &at)) != NULL;) {
        session_configure(session);
        session_drop_unchosen(session);
        session_apply_bounds(session);
    }
    notifier_configure(server->outbound.notifier, host_headers(server));
    configure_proxy(server);
}

/* --- life --- */

static void forget_handles(void *self)
{
    static const struct statement remove = {
        "DELETE FROM round WHERE state = 2 AND finished_utc_ms < ?1"
    };
    struct server *server = self;
    struct outbound *outbound = &server->outbound;
    struct change *change = change_new(outbound->store);
    change_add(change, &remove, ROWS_ANY);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(outbound->app->loop) - HANDLES_KEPT_MS);
    change_submit(change, NULL, NULL);
    timer_start(server->hourly, HOUR_MS);
}

static void serve(struct outbound *outbound)
{
    struct server *server = server_of(outbound);
    struct app *app = outbound->app;
    struct fault fault;
    server->is_serving = true;
    outbound->serving_since_utc_ms = loop_now_utc_ms(app->loop);
    outbound->notifier = notifier_new(outbound);
    seat_keeper_serve(outbound);
    changed(server);
    struct session *session;
    for (size_t at = 0; (session = table_next(outbound->sessions, &at)) != NULL;) {
        if (session->fsm.state == SESSION_UNLOADING) {
            session_return_buffer(session);
            session_order(session, SESSION_DRAINED, NULL, NULL);
        }
        session_refill(session, false);
        callback_watch_soon(session);
    }
    const struct link_handler *handlers = desktop_link_handlers(app->life, import_link_handlers());
    if (app_listen(app, handlers, &desktop_link_life, outbound, &server->links, &fault)) {
        app_unavailable(app, text_of(fault.words));
        return;
    }
    desktops_serve(outbound->desktops, server->links);
    imports_continue(outbound);
    server->hourly = timer_new(app->life, app->loop, forget_handles, server);
    timer_start(server->hourly, HOUR_MS);
    app_running(app);
}

static void drop_answer(void *self)
{
    struct server *server = self;
    buf_free(&server->answer);
}

static enum err start(struct app *app, void **self, struct fault *fault)
{
    struct server *server = scope_alloc(app->life, sizeof *server);
    scope_on_close(app->life, drop_answer, server);
    struct outbound *outbound = &server->outbound;
    const struct app_object *object = app_self(app);
    if (object == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "application", "is not configured any more");
    outbound->app = app;
    outbound->dbid = object->dbid;
    outbound->sessions = table_new(app->life);
    outbound->handles = table_new(app->life);
    outbound->imports = table_new(app->life);
    outbound->deliveries = table_new(app->life);
    outbound->counted = table_new(app->life);
    server->config_life = scope_new(app->life, "outbound configuration", SCOPE_NO_LIMIT);
    enum err err = app_open_store(app, MIGRATIONS_OUTBOUND, &outbound->store, fault);
    if (err) return err;
    err = agents_new(outbound, &outbound->agents, fault);
    if (err) return err;
    err = idempotency_new(outbound, &outbound->idempotency, fault);
    if (err) return err;
    outbound->desktops = desktops_new(outbound);
    outbound->seats = seat_keeper_new(outbound);
    outbound->treatments = treatment_book_new(outbound);
    err = schedule_keeper_new(outbound, &outbound->schedules, fault);
    if (err) return err;
    outbound->lists = lists_new(app, outbound->dbid, outbound->store);
    outbound->lookups = table_new(app->life);
    outbound->dnc = dnc_table_new(outbound);
    explain_forget_old(outbound);
    outbound->request_log = request_log_new(outbound);
    outbound->call_stats = call_stats_new(outbound);
    outbound->record_history = record_history_new(outbound);
    struct http_proxy_setup setup = {
        .loop = app->loop,
        .net = app->net,
        .log = app->log,
        .application = app->name,
        .host = app->host,
        .logs_dir = app->logs_dir,
        .on_request = on_http_request,
        .on_record = on_http_record,
        .self = server,
    };
    server->proxy = http_proxy_new(app->life, &setup);
    *self = server;
    return recovery_start(outbound, serve, fault);
}

/* Framework 6.4: no new work; what agents have goes on until it is finished or time is up. */
static void suspend(void *self)
{
    struct server *server = self;
    server->outbound.is_suspended = true;
    struct session *session;
    for (size_t at = 0; (session = table_next(server->outbound.sessions, &at)) != NULL;)
        session_return_ready(session);
    outbound_check_idle(&server->outbound);
}

static void on_flushed(void *self)
{
    struct server *server = self;
    app_stopped(server->outbound.app);
}

/* What no agent has goes back to the lists; what agents have stays theirs for the next start. */
static void on_proxy_stopped(void *self)
{
    struct server *server = self;
    struct session *session;
    for (size_t at = 0; (session = table_next(server->outbound.sessions, &at)) != NULL;)
        session_return_ready(session);
    request_log_flush(&server->outbound);
    record_history_flush(&server->outbound);
    if (server->outbound.notifier) outbox_flush(notifier_outbox(server->outbound.notifier));
    store_flush(server->outbound.store, on_flushed, server);
}

static void stop(void *self)
{
    struct server *server = self;
    seat_keeper_stop(&server->outbound);
    http_proxy_stop(server->proxy, on_proxy_stopped, server);
}

static void count(void *self, void *counters)
{
    struct server *server = self;
    struct outbound *outbound = &server->outbound;
    struct outbound_counters *out = counters;
    *out = outbound->counters;
    struct session *session;
    for (size_t at = 0; (session = table_next(outbound->sessions, &at)) != NULL;) {
        out->chains_buffered += session->buffered_count;
        out->chains_in_progress += session->in_progress_count;
        out->chains_put_off += session->put_off.count;
        out->sessions_started += session->fsm.state == SESSION_STARTED;
    }
    struct store_counters store = store_counters(outbound->store);
    out->store_changes_total = store.changes;
    out->store_groups_total = store.groups;
    out->store_waiting = store.waiting_now;
    out->dnc_entries = dnc_table_entries(outbound);
    seat_keeper_count(outbound, out);
    if (outbound->notifier == NULL) return;
    struct outbox_counters outbox = notifier_counters(outbound->notifier);
    out->notifications_waiting = outbox.waiting_now;
    out->notifications_sent_total = outbox.sent;
    out->notifications_retried_total = outbox.retried;
    out->notifications_failed_total = outbox.failed;
}

static const char *const object_names[] = {
    "Application", "Host",        "Person", "AgentGroup", "Field",    "Format",
    "TableAccess", "CallingList", "Filter", "Campaign",   "TimeZone", "CampaignGroup",
    "Treatment",   "Script",      "Tenant", NULL,
};

const struct app_type APP_TYPE_OUTBOUND = {
    .name = "outbound",
    .options = &OPTIONS_OUTBOUND,
    .counters = &COUNTERS_OUTBOUND,
    .objects = object_names,
    .start = start,
    .changed = changed,
    .suspend = suspend,
    .stop = stop,
    .count = count,
};
