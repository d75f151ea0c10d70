/* SPDX-License-Identifier: Apache-2.0 */
/* Begin at on_request(): what is asked (question.c), then a frame. What waits for outbound lies in
 * the exchange's own scope, so a client that goes away takes it along. */
#include "servers/outbound/http_proxy/gateway.h"

#include "base/table.h"
#include "format/json.h"
#include "format/url.h"
#include "gen/events.h"
#include "servers/outbound/http_proxy/channel.h"
#include "servers/outbound/http_proxy/custom_headers.h"
#include "servers/outbound/http_proxy/exchange.h"
#include "servers/outbound/http_proxy/question.h"

#include <stdio.h>

enum {
    UNSENT_BYTES_MAX = 16 * 1024 * 1024,    /* that outbound has not taken */
    UNDER_WAY_BYTES_MAX = 64 * 1024 * 1024, /* bodies that outbound has and has not answered */
    RETRY_AFTER_BYTES = 12,
};

/* One open port. */
struct gateway_port {
    struct gateway *gateway;
    struct text id;
    uint16_t number;
    struct http_server *server; /* NULL: not open any more */
    struct tls_config *tls;     /* NULL: plain */
};

struct gateway {
    struct loop *loop;
    struct net *net;
    const struct log *log;
    struct stream *channel;
    struct gateway_port ports[PROXY_PORTS_MAX];
    uint32_t port_count;
    struct scope *life, *settings_life;
    uint32_t response_timeout_s;
    struct encoding *encoding; /* NULL: no conversion */
    struct custom_headers headers;
    char retry_after[RETRY_AFTER_BYTES];
    uint32_t next_transaction;
    struct table *pending;
    struct list waiting; /* by due time */
    size_t under_way_bytes;
    struct timer *timer;
    struct buf frame;
    bool is_closed;
    void (*log_body)(void *self, struct text title, const struct kv *body);
    void (*show_value)(void *self, struct text key, struct text value, struct buf *out);
    void *self;
};

/* One exchange that waits for outbound. */
struct pending {
    struct list node;
    struct gateway *gateway;
    struct http_server *server;
    uint64_t exchange_id; /* the client may go in the turn in which its answer comes */
    uint32_t transaction;
    size_t body_bytes;
    uint64_t since_ms, due_ms;
};

/* --- answers --- */

static void add_header(struct http_header *headers, size_t *count, struct text name,
                       struct text value)
{
    headers[(*count)++] = (struct http_header){ name, value };
}

struct answer {
    unsigned status;
    struct text body, etag, allow;
};

enum { HEADERS_MAX = CUSTOM_HEADERS_MAX + 4 };

/* The headers of an answer into `headers`, room for HEADERS_MAX. */
static size_t answer_headers(const struct gateway *gateway, const struct answer *answer,
                             struct http_header *headers)
{
    size_t count = 0;
    add_header(headers, &count, TEXT("Content-Type"), TEXT("application/json; charset=utf-8"));
    if (answer->etag.len) add_header(headers, &count, TEXT("ETag"), answer->etag);
    if (answer->allow.len) add_header(headers, &count, TEXT("Allow"), answer->allow);
    if (answer->status == 503)
        add_header(headers, &count, TEXT("Retry-After"), text_of(gateway->retry_after));
    for (uint32_t i = 0; i < gateway->headers.count; i++)
        add_header(headers, &count, gateway->headers.at[i].name, gateway->headers.at[i].value);
    return count;
}

static void reply(struct gateway *gateway, struct http_exchange *exchange,
                  const struct answer *answer)
{
    struct http_header headers[HEADERS_MAX];
    struct http_headers all = { headers, answer_headers(gateway, answer, headers) };
    http_reply(exchange, answer->status, &all, answer->body);
}

/* Spec outbound 14.3: the body of every error. */
static void put_error(struct buf *body, int code, struct text words)
{
    struct json_writer json = json_writer(body);
    json_begin_object(&json);
    json_put_name(&json, TEXT("GSW_USER_EVENT"));
    json_put_text(&json, TEXT("Error"));
    json_put_name(&json, TEXT("GSW_ERROR"));
    json_put_i64(&json, code);
    json_put_name(&json, TEXT("GSW_ERROR_TEXT"));
    json_put_text(&json, words);
    json_end_object(&json);
}

/* What the HTTP server refuses by itself looks like every other error, custom headers included. */
static void dress_refusal(void *self, unsigned status, const char *words, struct scope *scope,
                          struct http_headers *headers, struct text *body)
{
    const struct gateway *gateway = ((const struct gateway_port *)self)->gateway;
    struct answer answer = { .status = status };
    struct http_header *all = scope_alloc_array(scope, HEADERS_MAX, sizeof *all);
    *headers = (struct http_headers){ all, answer_headers(gateway, &answer, all) };
    struct buf error = { 0 };
    put_error(&error, status >= 500 ? CODE_INTERNAL : CODE_BAD_KEY, text_of(words));
    *body = scope_keep(scope, buf_text(&error));
    buf_free(&error);
}

static void log_answer(struct gateway *gateway, struct http_exchange *exchange, unsigned status,
                       uint64_t took_ms)
{
    if (!log_wants(gateway->log, LOG_TRACE)) return;
    LOG_HTTP_PROXY_ANSWER(
        gateway->log, status,
        scope_keep_z(http_exchange_scope(exchange), http_exchange_request(exchange)->peer),
        (unsigned long long)took_ms);
}

static void refuse_allowing(struct gateway *gateway, struct http_exchange *exchange,
                            unsigned status, int code, struct text words, struct text allow)
{
    struct buf body = { 0 };
    put_error(&body, code, words);
    log_answer(gateway, exchange, status, 0);
    struct answer answer = { .status = status, .body = buf_text(&body), .allow = allow };
    reply(gateway, exchange, &answer);
    buf_free(&body);
}

static void refuse(struct gateway *gateway, struct http_exchange *exchange, unsigned status,
                   int code, struct text words)
{
    refuse_allowing(gateway, exchange, status, code, words, TEXT(""));
}

/* --- waiting --- */

static void arm(struct gateway *gateway)
{
    struct list *first = list_first(&gateway->waiting);
    if (first == NULL) {
        timer_stop(gateway->timer);
        return;
    }
    timer_start_at(gateway->timer, LIST_OBJECT(first, struct pending, node)->due_ms);
}

static void forget_pending(void *self)
{
    struct pending *pending = self;
    if (!list_is_linked(&pending->node)) return; /* answered before */
    list_remove(&pending->node);
    pending->gateway->under_way_bytes -= pending->body_bytes;
    (void)table_remove(pending->gateway->pending, TEXT_OF(&pending->transaction));
}

/* NULL: the client has gone. */
static struct http_exchange *take_exchange(struct pending *pending)
{
    struct http_exchange *exchange = http_find(pending->server, pending->exchange_id);
    forget_pending(pending);
    return exchange;
}

static void on_time_up(void *self)
{
    struct gateway *gateway = self;
    uint64_t now_ms = loop_now_mono_ms(gateway->loop);
    struct list *first;
    while ((first = list_first(&gateway->waiting)) != NULL) {
        struct pending *pending = LIST_OBJECT(first, struct pending, node);
        if (pending->due_ms > now_ms) break;
        LOG_HTTP_PROXY_NO_ANSWER(gateway->log, pending->transaction, gateway->response_timeout_s);
        struct http_exchange *exchange = take_exchange(pending);
        if (exchange == NULL) continue;
        refuse(
            gateway, exchange, 504, CODE_INTERNAL,
            TEXT("no answer within http-response-timeout; the request may have been carried out"));
    }
    arm(gateway);
}

/* Almost always the last: only a timeout made shorter comes before others. */
static void add_by_due(struct gateway *gateway, struct pending *pending)
{
    struct list *before = &gateway->waiting;
    while (before->prev != &gateway->waiting &&
           LIST_OBJECT(before->prev, struct pending, node)->due_ms > pending->due_ms)
        before = before->prev;
    list_add_last(before, &pending->node); /* that is: in front of `before` */
}

static uint32_t wait_for_outbound(struct gateway *gateway, struct http_server *server,
                                  struct http_exchange *exchange)
{
    struct scope *scope = http_exchange_scope(exchange);
    struct pending *pending = scope_alloc(scope, sizeof *pending);
    uint64_t now_ms = loop_now_mono_ms(gateway->loop);
    *pending = (struct pending){
        .gateway = gateway,
        .server = server,
        .exchange_id = http_exchange_id(exchange),
        .transaction = gateway->next_transaction++,
        .body_bytes = http_exchange_request(exchange)->body.len,
        .since_ms = now_ms,
        .due_ms = now_ms + (uint64_t)gateway->response_timeout_s * 1000,
    };
    gateway->under_way_bytes += pending->body_bytes;
    scope_on_close(scope, forget_pending, pending);
    table_put(gateway->pending, TEXT_OF(&pending->transaction), pending);
    add_by_due(gateway, pending);
    if (list_first(&gateway->waiting) == &pending->node) arm(gateway);
    return pending->transaction;
}

/* --- requests --- */

struct asked {
    struct gateway *gateway;
    struct http_server *server;
    struct http_exchange *exchange;
    const struct http_request *request;
    struct scope *scope;
    struct question question;
};

static void hand_on(struct asked *asked)
{
    struct gateway *gateway = asked->gateway;
    if (gateway->is_closed || stream_unsent(gateway->channel) > UNSENT_BYTES_MAX ||
        gateway->under_way_bytes > UNDER_WAY_BYTES_MAX) {
        refuse(gateway, asked->exchange, 503, CODE_INTERNAL,
               TEXT("outbound takes no requests now"));
        return;
    }
    struct question *question = &asked->question;
    struct exchange_request request = { .route = question->match.route,
                                        .identifier = question->identifier,
                                        .idempotency_key = question->idempotency_key };
    question_drop_own_keys(question);
    buf_clear(&gateway->frame);
    size_t begun = channel_begin(&gateway->frame, CHANNEL_REQUEST,
                                 wait_for_outbound(gateway, asked->server, asked->exchange));
    exchange_put_request(&gateway->frame, &request, &question->body);
    enum err err = channel_end(&gateway->frame, begun); /* a body is bounded far below a frame */
    ASSERT(err == ERR_OK);
    stream_write(gateway->channel, buf_text(&gateway->frame));
}

/* The target, its number or customer id as the log filters have it. */
static const char *shown_target(const struct asked *asked)
{
    static const struct {
        const char *path, *key;
    } personal[] = {
        { "/phones/", "GSW_PHONE" },
        { "/customer_ids/", "GSW_CUSTOMER_ID" },
        { "/customerids/", "GSW_CUSTOMER_ID" },
    };
    struct text target = asked->request->target, plain;
    for (size_t i = 0; asked->gateway->show_value && i < sizeof personal / sizeof personal[0];
         i++) {
        struct text path = text_of(personal[i].path);
        if (!text_starts(target, path)) continue;
        size_t end = text_find(target, '?', path.len);
        struct text value = text_slice(target, path.len, end - path.len);
        if (url_decode(value, false, asked->scope, &plain)) plain = value;
        struct buf shown = { 0 };
        asked->gateway->show_value(asked->gateway->self, text_of(personal[i].key), plain, &shown);
        struct text rest = text_slice(target, end, target.len);
        struct text whole = scope_format(asked->scope, "%.*s%.*s%.*s", TEXT_ARG(path),
                                         TEXT_ARG(buf_text(&shown)), TEXT_ARG(rest));
        buf_free(&shown);
        return whole.at;
    }
    return scope_keep_z(asked->scope, target);
}

static void on_request(void *self, struct http_exchange *exchange)
{
    const struct gateway_port *port = self;
    struct gateway *gateway = port->gateway;
    struct asked asked = {
        .gateway = gateway,
        .server = port->server,
        .exchange = exchange,
        .request = http_exchange_request(exchange),
        .scope = http_exchange_scope(exchange),
    };
    if (log_wants(gateway->log, LOG_TRACE)) {
        const struct http_request *request = asked.request;
        LOG_HTTP_PROXY_REQUEST(gateway->log, scope_keep_z(asked.scope, request->method),
                               shown_target(&asked), scope_keep_z(asked.scope, request->peer));
    }
    struct question_refusal refusal;
    struct question *question = &asked.question;
    if (!question_read(asked.request, gateway->encoding, asked.scope, question, &refusal)) {
        refuse_allowing(gateway, exchange, refusal.status, refusal.code, refusal.words,
                        refusal.allow);
        return;
    }
    if (gateway->log_body) gateway->log_body(gateway->self, question->req, &question->body);
    hand_on(&asked);
}

/* --- responses --- */

void gateway_answer(struct gateway *gateway, uint32_t transaction, struct text payload)
{
    struct pending *pending = table_get(gateway->pending, TEXT_OF(&transaction));
    if (pending == NULL) return; /* the client has gone, or heard 504 */
    uint64_t took_ms = loop_now_mono_ms(gateway->loop) - pending->since_ms;
    struct http_exchange *exchange = take_exchange(pending);
    if (list_is_empty(&gateway->waiting)) arm(gateway);
    if (exchange == NULL) return;
    struct exchange_answer answered;
    if (exchange_read_answer(payload, &answered)) {
        refuse(gateway, exchange, 500, CODE_INTERNAL, TEXT("outbound gave no usable answer"));
        return;
    }
    log_answer(gateway, exchange, answered.status, took_ms);
    struct answer answer = { .status = answered.status,
                             .body = answered.body,
                             .etag = answered.etag };
    reply(gateway, exchange, &answer);
}

/* --- life --- */

static void forget_gateway(void *self)
{
    struct gateway *gateway = self;
    buf_free(&gateway->frame);
}

struct gateway *gateway_new(struct scope *owner, const struct gateway_setup *setup)
{
    struct scope *life = scope_new(owner, "gateway", SCOPE_NO_LIMIT);
    struct gateway *gateway = scope_alloc(life, sizeof *gateway);
    *gateway = (struct gateway){
        .loop = setup->loop,
        .net = setup->net,
        .log = setup->log,
        .channel = setup->channel,
        .life = life,
        .settings_life = scope_new(life, "proxy settings", SCOPE_NO_LIMIT),
        .next_transaction = setup->first_transaction,
        .pending = table_new(life),
        .log_body = setup->log_body,
        .show_value = setup->show_value,
        .self = setup->self,
    };
    list_init(&gateway->waiting);
    gateway->timer = timer_new(life, setup->loop, on_time_up, gateway);
    scope_on_close(life, forget_gateway, gateway);
    return gateway;
}

static void on_files(void *self, const struct fault *fault)
{
    const struct gateway_port *port = self;
    if (fault)
        LOG_HTTP_PROXY_FILES_REFUSED(port->gateway->log, (unsigned)port->number, fault->words);
    else
        LOG_HTTP_PROXY_FILES_CHANGED(port->gateway->log, (unsigned)port->number);
}

static void log_tls(struct gateway *gateway, const struct proxy_port *port)
{
    struct scope *scratch = scope_new(gateway->life, "told", SCOPE_NO_LIMIT);
    LOG_HTTP_PROXY_TLS(gateway->log, (unsigned)port->number, scope_keep_z(scratch, port->told));
    scope_close(scratch);
}

static enum err open_port(struct gateway *gateway, const struct proxy_port *wanted,
                          struct fault *fault)
{
    struct gateway_port *port = &gateway->ports[gateway->port_count];
    *port = (struct gateway_port){ .gateway = gateway,
                                   .id = scope_keep(gateway->life, wanted->id),
                                   .number = wanted->number };
    if (wanted->tls.is_on) {
        struct tls_setup setup = { TLS_SERVER, &wanted->tls, on_files, port };
        enum err err = tls_config_open(gateway->life, gateway->loop, &setup, &port->tls, fault);
        if (err) return err;
        log_tls(gateway, wanted);
    }
    /* Its bounds are those of spec outbound 14.1. */
    struct http_server_options options = {
        .dress_refusal = dress_refusal,
        .tls = port->tls,
        .detects_tls = wanted->detects_tls,
    };
    enum err err = http_server_open(gateway->life, gateway->net, wanted->address, &options,
                                    on_request, port, &port->server, fault);
    if (!err) gateway->port_count++;
    return err;
}

enum err gateway_listen(struct gateway *gateway, const struct proxy_ports *ports,
                        struct fault *fault)
{
    enum err err = ERR_OK;
    for (uint32_t i = 0; !err && i < ports->count; i++)
        err = open_port(gateway, &ports->at[i], fault);
    return err;
}

static void close_port(struct gateway_port *port)
{
    if (port->server) http_server_close(port->server);
    port->server = NULL;
}

static void configure_port(struct gateway_port *port, const struct proxy_port *wanted)
{
    struct fault fault;
    if (wanted == NULL) close_port(port);
    if (wanted == NULL || port->tls == NULL || !wanted->tls.is_on) return;
    if (tls_config_change(port->tls, &wanted->tls, &fault))
        LOG_HTTP_PROXY_FILES_REFUSED(port->gateway->log, (unsigned)port->number, fault.words);
}

static void on_header_refused(void *self, struct text name, const char *rule)
{
    struct gateway *gateway = self;
    LOG_HTTP_PROXY_HEADER_REFUSED(gateway->log, scope_keep_z(gateway->settings_life, name), rule);
}

static void open_encoding(struct gateway *gateway, struct text name)
{
    gateway->encoding = NULL;
    struct fault fault;
    if (name.len == 0) return;
    if (encoding_open(gateway->settings_life, name, &gateway->encoding, &fault)) {
        gateway->encoding = NULL;
        LOG_HTTP_PROXY_ENCODING_UNKNOWN(gateway->log, name.at);
    }
}

void gateway_configure(struct gateway *gateway, const struct proxy_settings *settings)
{
    scope_reset(gateway->settings_life);
    struct scope *life = gateway->settings_life;
    gateway->response_timeout_s = settings->response_timeout_s;
    struct text encoding = scope_keep(life, settings->encoding);
    gateway->headers = (struct custom_headers){ 0 };
    custom_headers_add(&gateway->headers, scope_keep(life, settings->custom_headers),
                       HEADERS_OF_RESPONSES, on_header_refused, gateway);
    custom_headers_add(&gateway->headers, scope_keep(life, settings->host_custom_headers),
                       HEADERS_OF_RESPONSES, on_header_refused, gateway);
    open_encoding(gateway, encoding);
    for (uint32_t i = 0; i < gateway->port_count; i++)
        configure_port(&gateway->ports[i],
                       proxy_ports_find_id(&settings->ports, gateway->ports[i].id));
    (void)snprintf(gateway->retry_after, sizeof gateway->retry_after, "%u", settings->reconnect_s);
    LOG_HTTP_PROXY_CHANGED(gateway->log, encoding.at, gateway->headers.count,
                           settings->response_timeout_s);
}

void gateway_close(struct gateway *gateway)
{
    if (gateway->is_closed) return;
    gateway->is_closed = true;
    struct list *first;
    while ((first = list_first(&gateway->waiting)) != NULL) {
        struct pending *pending = LIST_OBJECT(first, struct pending, node);
        struct http_exchange *exchange = take_exchange(pending);
        if (exchange == NULL) continue;
        refuse(gateway, exchange, 503, CODE_INTERNAL, TEXT("outbound is not there"));
    }
    timer_stop(gateway->timer);
    for (uint32_t i = 0; i < gateway->port_count; i++)
        if (gateway->ports[i].server) http_server_close(gateway->ports[i].server);
}

bool gateway_has_clients(const struct gateway *gateway)
{
    for (uint32_t i = 0; i < gateway->port_count; i++) {
        const struct http_server *server = gateway->ports[i].server;
        if (server && http_server_counters(server)->connections_now > 0) return true;
    }
    return false;
}
