/* SPDX-License-Identifier: Apache-2.0 */
/* Wiring: the store, sessions of before, links, then the ports; nothing is served before sessions
 * are known again. */
#include "gen/events.h"
#include "gen/migrations.h"
#include "gen/objects.h"
#include "servers/web/web.h"

#include <stdio.h>

enum {
    SWEEP_MS = 1000,
    BUCKETS_MAX = 100000,
    DESKTOP_IDS_MAX = 200001,
    STREAM_IDS_MAX = 100001,
    SEQ_PER_MS = 1000,
    SEQ_PER_LIFE = 1000 * 1000 * 1000, /* more frames than one process sends */
};

static void sweep(void *self)
{
    struct web *web = self;
    desktops_sweep(web);
    sessions_sweep(web);
    streams_sweep(web);
    timer_start(web->sweep_timer, SWEEP_MS);
}

static struct web *make(struct app *app)
{
    struct web *web = scope_alloc(app->life, sizeof *web);
    struct scope *life = app->life;
    const struct websocket_options sockets = { .send_queue_bytes_max = SEND_QUEUE_BYTES_MAX };
    *web = (struct web){
        .app = app,
        .desktop_ids = slots_new(life, DESKTOP_IDS_MAX),
        .stream_ids = slots_new(life, STREAM_IDS_MAX),
        .persons = table_new(life),
        .employees = table_new(life),
        .administrators_life = scope_new(life, "administrators", SCOPE_NO_LIMIT),
        .sessions = table_new(life),
        .desktops = table_new(life),
        .login_addresses = buckets_new(life, BUCKETS_MAX),
        .login_accounts = buckets_new(life, BUCKETS_MAX),
    };
    web->sweep_timer = timer_new(life, app->loop, sweep, web);
    web->sockets = websocket_server_new(life, app->loop, &sockets, &desktop_sockets);
    list_init(&web->away);
    list_init(&web->presence);
    list_init(&web->streams);
    /* The same at every start, and no link key: no application can bear this name. */
    link_derive_key(app->identity.secret,
                    TEXT("web\x1f"
                         "desktops"),
                    web->desktop_key);
    return web;
}

static void take_seq(void *self, enum err err, const struct rows *rows)
{
    struct web *web = self;
    uint64_t former;
    if (err || rows_count(rows) == 0 ||
        text_to_u64(rows_text(rows, 0, 0), 0, INT64_MAX - SEQ_PER_LIFE, &former))
        return;
    if (web->seq < former + SEQ_PER_LIFE) web->seq = former + SEQ_PER_LIFE;
}

/* Numbers of frames begin above all that a former process has given out, though the clock was set
 * back meanwhile: so where we begin is kept. */
static enum err begin_seq(struct web *web, struct fault *fault)
{
    static const struct statement find = { "SELECT value FROM meta WHERE name = 'desktop_seq'" };
    const struct query query = { .statement = &find };
    char keep[160];
    web->seq = loop_now_utc_ms(web->app->loop) * SEQ_PER_MS;
    enum err err = store_query_now(web->store, &query, take_seq, web);
    if (err) return fault_set(fault, err, "", "the store cannot be read");
    (void)snprintf(
        keep, sizeof keep,
        "INSERT INTO meta VALUES ('desktop_seq', '%llu') ON CONFLICT (name) DO UPDATE SET "
        "value = excluded.value",
        (unsigned long long)web->seq);
    return store_execute_now(web->store, text_of(keep), fault);
}

static void serve(struct web *web)
{
    ports_configure(web);
    if (ports_are_open(web)) {
        web->is_running = true;
        app_running(web->app);
    } else {
        app_unavailable(web->app, TEXT("no port is open"));
    }
}

static void changed(void *self)
{
    struct web *web = self;
    if (web->is_stopping) return;
    people_configure(web);
    applications_configure(web);
    serve(web);
}

static enum err start(struct app *app, void **self, struct fault *fault)
{
    struct web *web = make(app);
    enum err err = app_open_store(app, MIGRATIONS_WEB, &web->store, fault);
    if (!err) err = begin_seq(web, fault);
    if (err) return err;
    people_configure(web); /* whose sessions they are */
    err = sessions_load(web, fault);
    if (err) return err;
    *self = web;
    applications_configure(web);
    serve(web);
    timer_start(web->sweep_timer, SWEEP_MS);
    return ERR_OK;
}

/* Who is here goes on; nobody new comes. */
static void suspend(void *self)
{
    struct web *web = self;
    web->is_suspended = true;
    app_idle(web->app);
}

static void on_flushed(void *self)
{
    struct web *web = self;
    app_stopped(web->app);
}

static void stop(void *self)
{
    struct web *web = self;
    web->is_stopping = true;
    timer_stop(web->sweep_timer);
    ports_close(web);
    desktops_stop(web);
    streams_end_of(web, NULL);
    store_flush(web->store, on_flushed, web);
}

static void count(void *self, void *counters)
{
    const struct web *web = self;
    struct web_counters *out = counters;
    *out = web->counters;
    out->web_sessions = table_count(web->sessions);
    out->web_desktops = table_count(web->desktops);
    out->web_desktops_connected = web->connected_count;
    out->web_rest_streams = slots_count(web->stream_ids);
    for (const struct port *port = web->ports; port; port = port->next) {
        if (port->http == NULL) continue;
        const struct http_server_counters *http = http_server_counters(port->http);
        out->web_http_bad_requests_total += http->bad_requests;
        out->web_http_closed_for_room_total += http->closed_for_room;
    }
}

static const char *const object_names[] = {
    "Application", "AppPrototype", "Host", "Person", "AgentGroup", "AccessGroup", "Role", NULL,
};

const struct app_type APP_TYPE_WEB;
const struct app_type APP_TYPE_WEB = {
    .name = "web",
    .options = &OPTIONS_WEB,
    .counters = &COUNTERS_WEB,
    .objects = object_names,
    .start = start,
    .changed = changed,
    .suspend = suspend,
    .stop = stop,
    .count = count,
};
