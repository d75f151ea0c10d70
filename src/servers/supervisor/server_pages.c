/* SPDX-License-Identifier: Apache-2.0 */
/* Port 9100: /metrics gathers the figures of every application and adds the supervisor's own;
 * /health tells the state of each, 200 when all that should run do, else 503. */
#include "servers/supervisor/server_private.h"

#include "format/json.h"
#include "gen/messages.h"
#include "io/net/address.h"
#include "servers/supervisor/metrics_page.h"

static void reply(struct http_exchange *exchange, unsigned status, struct text type,
                  struct text body)
{
    struct http_header headers[] = { { TEXT("Content-Type"), type },
                                     { TEXT("Cache-Control"), TEXT("no-store") } };
    http_reply(exchange, status, &(struct http_headers){ headers, 2 }, body);
}

/* --- /health -------------------------------------------------------------------------------- */

static void put_application(struct json_writer *json, const struct supervised *supervised)
{
    json_put_name(json, supervised->name);
    json_begin_object(json);
    json_put_name(json, TEXT("state"));
    json_put_text(json,
                  text_of(application_state_name(application_state(&supervised->application))));
    if (supervised->process.pid != 0) {
        json_put_name(json, TEXT("pid"));
        json_put_u64(json, (uint64_t)supervised->process.pid);
    }
    json_put_name(json, TEXT("restarts"));
    json_put_u64(json, supervised->application.restarts);
    if (supervised->reason[0] != 0) {
        json_put_name(json, TEXT("reason"));
        json_put_text(json, text_of(supervised->reason));
    }
    json_end_object(json);
}

static void reply_health(struct supervisor *supervisor, struct http_exchange *exchange)
{
    uint64_t wanted, running;
    struct buf body = { 0 };
    struct json_writer json = json_writer(&body);
    server_count(supervisor, &wanted, &running);
    json_begin_object(&json);
    json_put_name(&json, TEXT("host"));
    json_put_text(&json, supervisor->file->host);
    json_put_name(&json, TEXT("applications"));
    json_begin_object(&json);
    LIST_EACH (node, &supervisor->all) {
        const struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervised->is_wanted || application_has_process(&supervised->application))
            put_application(&json, supervised);
    }
    json_end_object(&json);
    json_end_object(&json);
    reply(exchange, running == wanted ? 200 : 503, TEXT("application/json"), buf_text(&body));
    buf_free(&body);
}

/* --- /metrics ------------------------------------------------------------------------------- */

/* One page in the making; outlives the exchange when the reader goes away. */
struct gathering {
    struct supervisor *supervisor;
    struct scope *life;
    uint64_t exchange_id;
    uint32_t awaited;
    struct metrics_page *page;
};

static void add_own(struct gathering *gathering)
{
    struct supervisor *supervisor = gathering->supervisor;
    struct supervisor_counters *counters = &supervisor->counters;
    struct buf text = { 0 };
    server_count(supervisor, &counters->supervisor_applications,
                 &counters->supervisor_applications_running);
    for (size_t i = 0; i < COUNTERS_SUPERVISOR.count; i++) {
        const struct counter *counter = &COUNTERS_SUPERVISOR.counters[i];
        const uint64_t *value =
            (const uint64_t *)(const void *)((const char *)counters + counter->offset);
        buf_format(&text, "# HELP carillon_%s %s\n# TYPE carillon_%s %s\ncarillon_%s %llu\n",
                   counter->name, counter->help, counter->name,
                   counter->is_gauge ? "gauge" : "counter", counter->name,
                   (unsigned long long)*value);
    }
    buf_add_z(&text, "# HELP carillon_application_up 1 while the application is RUNNING.\n"
                     "# TYPE carillon_application_up gauge\n");
    LIST_EACH (node, &supervisor->all) {
        const struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (!supervised->is_wanted) continue;
        buf_add_z(&text, "carillon_application_up{application=\"");
        for (size_t i = 0; i < supervised->name.len; i++) {
            char byte = supervised->name.at[i];
            if (byte == '"' || byte == '\\') buf_add_byte(&text, '\\');
            buf_add_byte(&text, byte);
        }
        buf_format(&text, "\"} %d\n",
                   application_state(&supervised->application) == APPLICATION_RUNNING);
    }
    metrics_page_add(gathering->page, buf_text(&text));
    buf_free(&text);
}

static void finish(struct gathering *gathering)
{
    struct http_exchange *exchange = http_find(gathering->supervisor->http, gathering->exchange_id);
    struct buf body = { 0 };
    if (exchange != NULL) {
        add_own(gathering);
        metrics_page_print(gathering->page, &body);
        reply(exchange, 200, TEXT("text/plain; version=0.0.4"), buf_text(&body));
        buf_free(&body);
    }
    scope_close(gathering->life);
}

/* An application that does not answer in time is missing from the page; its state is on it. */
static void on_figures(void *self, const struct link_error *error, const void *fields)
{
    struct gathering *gathering = self;
    const struct supervisor_metrics_text *answer = fields;
    if (error == NULL) metrics_page_add(gathering->page, answer->text);
    if (--gathering->awaited == 0) finish(gathering);
}

static void gather(struct supervisor *supervisor, struct http_exchange *exchange)
{
    struct scope *life = scope_new(supervisor->life, "metrics", SCOPE_NO_LIMIT);
    struct gathering *gathering = scope_alloc(life, sizeof *gathering);
    *gathering = (struct gathering){ .supervisor = supervisor,
                                     .life = life,
                                     .exchange_id = http_exchange_id(exchange),
                                     .page = metrics_page_new(life) };
    LIST_EACH (node, &supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervised->link == NULL) continue;
        gathering->awaited++;
        link_ask(supervised->link, &MSG_SUPERVISOR_METRICS, &(struct supervisor_metrics){ 0 }, NULL,
                 supervisor->options->metrics_timeout, on_figures, gathering);
    }
    if (gathering->awaited == 0) finish(gathering);
}

/* --- the door ------------------------------------------------------------------------------- */

static void on_request(void *self, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    if (!text_eq(request->method, TEXT("GET")))
        reply(exchange, 405, TEXT("text/plain"), TEXT("GET only\n"));
    else if (text_eq(request->path, TEXT("/metrics")))
        gather(self, exchange);
    else if (text_eq(request->path, TEXT("/health")))
        reply_health(self, exchange);
    else
        reply(exchange, 404, TEXT("text/plain"), TEXT("/metrics or /health\n"));
}

enum err server_pages_open(struct supervisor *supervisor, struct fault *fault)
{
    /* Connections as usual: with few, those of a crowd push out who came in the same turn. */
    struct http_server_options options = { .body_bytes_max = 1024 };
    if (supervisor->file->metrics.len == 0) return ERR_OK;
    struct address address;
    enum err err = address_parse(supervisor->file->metrics, &address, fault);
    if (err) return err;
    /* Nobody is asked who he is there, and names of applications and lists are on the pages. */
    if (!address_is_loopback(&address))
        return fault_set(fault, ERR_DENIED, "metrics",
                         "%.*s is reached by others, and the page asks nobody who he is; "
                         "let a proxy that does stand before a loopback address",
                         TEXT_ARG(supervisor->file->metrics));
    return http_server_open(supervisor->life, supervisor->net, supervisor->file->metrics, &options,
                            on_request, supervisor, &supervisor->http, fault);
}
