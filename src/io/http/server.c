/* SPDX-License-Identifier: Apache-2.0 */
/* A connection is idle, reads a request, or waits for the reply to one; beside that it may have
 * bytes that the client does not take. Each of the first two and the last has a list ordered by
 * time, so one timer serves all. Start reading at connection_serve(). */
#include "io/http/server.h"

#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"
#include "io/http/input.h"
#include "io/http/reply.h"
#include "io/http/upgrade.h"

enum {
    HEADER_BYTES_MAX = 16 * 1024,
    BODY_BYTES_MAX = 1024 * 1024,
    CONNECTIONS_MAX = 1024,
    IDLE_MS = 60 * 1000,
    REQUEST_MS = 30 * 1000,
    UNSENT_MS = 30 * 1000,
    PIPELINE_BYTES_MAX = 64 * 1024,    /* of requests behind one, and of replies not taken */
    HELD_BYTES_MAX = 64 * 1024 * 1024, /* of all unfinished requests together */
    FINISHING_MAX = 1024,              /* ended by us, still read by the client */
    REFUSALS_MAX = 256,                /* of those: refused, in any STREAM_FINISH_MS */
    EVICTABLE_READING_MS = 1000,       /* a slow request makes room after this time */
    EVICTABLE_IDLE_MS = 50,            /* who just came may first say what it wants */
};

enum connection_state {
    CONNECTION_IDLE,
    CONNECTION_READING,
    CONNECTION_BUSY,
    CONNECTION_UPGRADED, /* not ours to read any more */
    CONNECTION_ENDED
};

struct http_exchange {
    struct connection *connection;
    struct http_request request;
    struct scope *scope;
    uint64_t id;
    bool is_head; /* the request is: its reply has no body */
};

struct connection {
    struct http_server *server;
    struct scope *life;
    struct scope *http; /* of `input` and the exchange; NULL when upgraded */
    struct stream *stream;
    struct http_input *input;
    struct http_exchange exchange;
    enum connection_state state;
    bool is_serving;       /* connection_serve() runs: a reply needs not call it */
    size_t held_bytes;     /* of server->held_bytes */
    struct list node;      /* in server->idle, ->reading or ->others */
    uint64_t since_ms;     /* in that list */
    struct list send_node; /* in server->sending while the client does not take what we sent */
    uint64_t sending_since_ms;
    struct chore chore; /* serve what is pipelined, or die */
};

struct http_server {
    struct scope *life;
    struct loop *loop;
    struct listener *listener;
    struct http_server_options options;
    void (*on_request)(void *self, struct http_exchange *exchange);
    void *self;
    bool is_closing;
    struct slots *exchanges;
    struct list idle, reading, sending, others; /* the oldest first */
    uint64_t refusals_since_ms;
    uint32_t refusals;
    struct timer *timer;
    uint64_t timer_due_ms; /* UINT64_MAX: it rests */
    size_t held_bytes;
    struct http_reply_date date;
    struct buf out; /* of one reply, while it is written */
    struct http_server_counters counters;
};

/* --- time --- */

static uint64_t now_ms(const struct http_server *server)
{
    return loop_now_mono_ms(server->loop);
}

static void wait_in(struct connection *connection, struct list *ring)
{
    list_remove(&connection->node);
    list_add_last(ring, &connection->node);
}

/* The timer is left as it is as long as it rings early enough: most requests move it not at all. */
static void wake_by(struct http_server *server, uint64_t due_ms)
{
    if (due_ms >= server->timer_due_ms) return;
    server->timer_due_ms = due_ms;
    timer_start_at(server->timer, due_ms);
}

static void connection_enter(struct connection *connection, enum connection_state state)
{
    struct http_server *server = connection->server;
    connection->state = state;
    if (state == CONNECTION_IDLE || state == CONNECTION_READING) {
        uint64_t limit_ms = state == CONNECTION_IDLE ? server->options.idle_ms
                                                     : server->options.request_ms;
        connection->since_ms = now_ms(server);
        wake_by(server, connection->since_ms + limit_ms);
    }
    wait_in(connection, state == CONNECTION_IDLE      ? &server->idle
                        : state == CONNECTION_READING ? &server->reading
                                                      : &server->others);
}

/* --- the end of a connection --- */

static void connection_die(void *self)
{
    struct connection *connection = self;
    scope_close(connection->life);
}

/* Its stream is closed or finishing; the memory goes at the end of the turn, since one of its
 * handlers may be running. */
static void connection_end(struct connection *connection)
{
    struct http_server *server = connection->server;
    if (connection->state == CONNECTION_ENDED) return;
    connection_enter(connection, CONNECTION_ENDED);
    list_remove(&connection->send_node);
    slot_remove(server->exchanges, connection->exchange.id);
    connection->exchange.id = 0;
    server->held_bytes -= connection->held_bytes;
    connection->held_bytes = 0;
    server->counters.connections_now--;
    chore_cancel(&connection->chore);
    connection->chore.run = connection_die;
    chore_soon(server->loop, &connection->chore);
}

static void connection_close(struct connection *connection)
{
    stream_close(connection->stream);
    connection_end(connection);
}

static void connection_finish(struct connection *connection)
{
    stream_finish(connection->stream);
    connection_end(connection);
}

static void connection_forget(void *self)
{
    struct connection *connection = self;
    list_remove(&connection->node);
    list_remove(&connection->send_node);
    chore_cancel(&connection->chore);
    slot_remove(connection->server->exchanges, connection->exchange.id);
}

/* --- replies --- */

static void connection_send(struct connection *connection, struct text bytes)
{
    struct http_server *server = connection->server;
    stream_write(connection->stream, bytes);
    if (list_is_linked(&connection->send_node)) return;
    connection->sending_since_ms = now_ms(server);
    list_add_last(&server->sending, &connection->send_node);
    wake_by(server, connection->sending_since_ms + UNSENT_MS);
}

static void send_reply(struct connection *connection, const struct http_answer *answer)
{
    struct http_server *server = connection->server;
    buf_clear(&server->out);
    http_reply_write(&server->out, answer, &server->date, loop_now_utc_ms(server->loop));
    connection_send(connection, buf_text(&server->out));
    if (server->out.room > PIPELINE_BYTES_MAX) buf_free(&server->out);
}

/* Whoever is refused may keep the connection for STREAM_FINISH_MS after it; a crowd that does so
 * must not keep the listener from taking others. */
static bool has_time_for_words(struct http_server *server)
{
    uint64_t now = now_ms(server);
    if (now >= server->refusals_since_ms + STREAM_FINISH_MS) {
        server->refusals_since_ms = now;
        server->refusals = 0;
    }
    return server->refusals++ < REFUSALS_MAX;
}

static void dress(const struct http_server *server, unsigned status, const char *words,
                  struct scope *scope, struct http_headers *headers, struct text *body)
{
    if (server->options.dress_refusal)
        server->options.dress_refusal(server->self, status, words, scope, headers, body);
}

/* We end it: a request that cannot be understood, came too slowly or finds no room. */
static void connection_refuse(struct connection *connection, unsigned status, const char *words)
{
    if (!has_time_for_words(connection->server)) {
        connection_close(connection);
        return;
    }
    static const struct http_header retry[] = { { { "Retry-After", 11 }, { "1", 1 } } };
    struct http_answer answer = { .status = status, .closes = true, .body = text_of(words) };
    if (status == 503) answer.headers = (struct http_headers){ retry, 1 };
    dress(connection->server, status, words, connection->life, &answer.headers, &answer.body);
    send_reply(connection, &answer);
    connection_finish(connection);
}

static void connection_serve(void *self);

void http_reply(struct http_exchange *exchange, unsigned status, const struct http_headers *headers,
                struct text body)
{
    struct connection *connection = exchange->connection;
    struct http_server *server = connection->server;
    ASSERT(connection->state == CONNECTION_BUSY);
    bool keeps_alive = http_input_keeps_alive(connection->input) && !server->is_closing;
    struct http_answer answer = {
        .status = status,
        .body = body,
        .is_head = exchange->is_head,
        .closes = !keeps_alive,
        .is_1_0 = http_input_is_1_0(connection->input),
    };
    if (headers) answer.headers = *headers;
    send_reply(connection, &answer);
    if (!keeps_alive) {
        connection_finish(connection);
        return;
    }
    slot_remove(server->exchanges, exchange->id);
    exchange->id = 0;
    scope_reset(exchange->scope);
    http_input_next(connection->input);
    stream_resume(connection->stream);
    connection_enter(connection, CONNECTION_IDLE);
    /* Never from here: our caller may be in the middle of something else. */
    if (!connection->is_serving) chore_soon(server->loop, &connection->chore);
}

void http_refuse(struct http_exchange *exchange, unsigned status, const char *words,
                 const struct http_headers *more)
{
    struct http_headers dressed = { 0 };
    struct text body = text_of(words);
    dress(exchange->connection->server, status, words, exchange->scope, &dressed, &body);
    size_t count = dressed.count + more->count;
    struct http_header *all = scope_alloc_array(exchange->scope, count, sizeof *all);
    for (size_t i = 0; i < count; i++)
        all[i] = i < dressed.count ? dressed.at[i] : more->at[i - dressed.count];
    struct http_headers headers = { all, count };
    http_reply(exchange, status, &headers, body);
}

/* --- leaving HTTP --- */

bool http_exchange_may_upgrade(const struct http_exchange *exchange)
{
    const struct connection *connection = exchange->connection;
    return !http_input_is_1_0(connection->input) && exchange->request.body.len == 0 &&
           http_input_behind_bytes(connection->input) == 0 && !connection->server->is_closing;
}

static struct http_upgraded leave_http(struct http_exchange *exchange,
                                       const struct http_answer *answer)
{
    struct connection *connection = exchange->connection;
    struct http_server *server = connection->server;
    ASSERT(connection->state == CONNECTION_BUSY);
    send_reply(connection, answer);
    list_remove(&connection->send_node);
    slot_remove(server->exchanges, exchange->id);
    exchange->id = 0;
    server->held_bytes -= connection->held_bytes;
    connection->held_bytes = 0;
    scope_close(connection->http);
    connection->http = NULL;
    connection->input = NULL;
    connection_enter(connection, CONNECTION_UPGRADED);
    stream_resume(connection->stream);
    return (struct http_upgraded){ connection, connection->life, connection->stream };
}

struct http_upgraded http_upgrade(struct http_exchange *exchange,
                                  const struct http_headers *headers)
{
    struct http_answer answer = { .status = 101, .headers = *headers, .upgrades = true };
    return leave_http(exchange, &answer);
}

struct http_upgraded http_stream_on(struct http_exchange *exchange,
                                    const struct http_headers *headers)
{
    struct http_answer answer = {
        .status = 200, .headers = *headers, .closes = true, .is_without_end = true
    };
    return leave_http(exchange, &answer);
}

void http_upgraded_end(struct connection *connection)
{
    connection_end(connection);
}

/* --- requests --- */

static void hand_over(struct connection *connection)
{
    struct http_server *server = connection->server;
    struct http_exchange *exchange = &connection->exchange;
    connection_enter(connection, CONNECTION_BUSY);
    server->counters.requests++;
    exchange->request.peer = stream_peer(connection->stream);
    exchange->is_head = text_eq(exchange->request.method, TEXT("HEAD"));
    exchange->id = slot_add(server->exchanges, exchange);
    server->on_request(server->self, exchange);
}

/* Count what the connection holds; false when all of them together hold too much. */
static bool hold(struct connection *connection)
{
    struct http_server *server = connection->server;
    size_t bytes = http_input_held_bytes(connection->input);
    server->held_bytes += bytes - connection->held_bytes;
    connection->held_bytes = bytes;
    return server->held_bytes <= HELD_BYTES_MAX;
}

static void serve_one(struct connection *connection)
{
    static const struct text go_on = { "HTTP/1.1 100 Continue\r\n\r\n", 25 };
    struct http_server *server = connection->server;
    struct http_exchange *exchange = &connection->exchange;
    enum http_progress progress =
        http_input_read(connection->input, exchange->scope, &exchange->request);
    switch (progress) {
    case HTTP_PROGRESS_CONTINUE: connection_send(connection, go_on); /* fall through */
    case HTTP_PROGRESS_MORE:
        if (connection->state == CONNECTION_IDLE) connection_enter(connection, CONNECTION_READING);
        return;
    case HTTP_PROGRESS_REQUEST: hand_over(connection); return;
    case HTTP_PROGRESS_REFUSED: {
        struct http_refusal refusal = http_input_refusal(connection->input);
        server->counters.bad_requests++;
        connection_refuse(connection, refusal.status, refusal.words);
        return;
    }
    case HTTP_PROGRESS_EMPTY: return;
    }
}

/* Hand over what is complete, one at a time and in order, as long as replies come at once and the
 * client takes them. */
static void connection_serve(void *self)
{
    struct connection *connection = self;
    uint64_t served;
    connection->is_serving = true;
    do {
        served = connection->server->counters.requests;
        if (connection->state >= CONNECTION_BUSY) break;
        if (stream_unsent(connection->stream) > PIPELINE_BYTES_MAX) break; /* until on_drained */
        serve_one(connection);
    } while (served != connection->server->counters.requests);
    connection->is_serving = false;
    if (connection->state >= CONNECTION_UPGRADED) return;
    bool is_held = hold(connection);
    if (!is_held && connection->state == CONNECTION_READING)
        connection_refuse(connection, 503, "too many large requests at the moment");
}

static void on_bytes(void *self, struct text bytes)
{
    struct connection *connection = self;
    http_input_add(connection->input, bytes);
    if (connection->state < CONNECTION_BUSY) connection_serve(connection);
    if (connection->state >= CONNECTION_UPGRADED) return;
    if (http_input_behind_bytes(connection->input) > PIPELINE_BYTES_MAX ||
        stream_unsent(connection->stream) > PIPELINE_BYTES_MAX)
        stream_pause(connection->stream); /* until the reply, or until it is taken */
}

static void on_drained(void *self)
{
    struct connection *connection = self;
    list_remove(&connection->send_node);
    if (connection->state >= CONNECTION_BUSY) return;
    stream_resume(connection->stream);
    connection_serve(connection);
}

static void on_closed(void *self, enum err why)
{
    (void)why;
    connection_end(self);
}

static const struct stream_handler stream_handler = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* --- limits --- */

static struct connection *oldest(const struct list *ring)
{
    struct list *node = list_first(ring);
    return node ? LIST_OBJECT(node, struct connection, node) : NULL;
}

static struct connection *oldest_sending(const struct http_server *server)
{
    struct list *node = list_first(&server->sending);
    return node ? LIST_OBJECT(node, struct connection, send_node) : NULL;
}

/* Spec outbound 14.1: when full, the oldest idle one is closed; and since a thousand requests that
 * never end would lock everybody out, the oldest of those is next. */
static struct connection *least_needed(const struct http_server *server)
{
    LIST_EACH (node, &server->idle) {
        struct connection *connection = LIST_OBJECT(node, struct connection, node);
        if (now_ms(server) < connection->since_ms + EVICTABLE_IDLE_MS) break; /* the oldest first */
        if (!list_is_linked(&connection->send_node)) return connection;
    }
    struct connection *reading = oldest(&server->reading);
    bool is_slow = reading && now_ms(server) >= reading->since_ms + EVICTABLE_READING_MS;
    return is_slow ? reading : NULL;
}

static bool make_room(struct http_server *server)
{
    if (server->counters.connections_now < server->options.connections_max) return true;
    struct connection *connection = least_needed(server);
    if (connection == NULL) return false;
    server->counters.closed_for_room++;
    connection_close(connection);
    return true;
}

static void end_slow_ones(struct http_server *server, uint64_t now)
{
    struct connection *connection;
    while ((connection = oldest(&server->idle)) != NULL &&
           connection->since_ms + server->options.idle_ms <= now)
        connection_finish(connection);
    while ((connection = oldest(&server->reading)) != NULL &&
           connection->since_ms + server->options.request_ms <= now) {
        server->counters.timeouts++;
        connection_refuse(connection, 408, "the request did not come in time");
    }
    while ((connection = oldest_sending(server)) != NULL &&
           connection->sending_since_ms + UNSENT_MS <= now) {
        server->counters.timeouts++;
        connection_close(connection);
    }
}

static void on_timer(void *self)
{
    struct http_server *server = self;
    server->timer_due_ms = UINT64_MAX;
    end_slow_ones(server, now_ms(server));
    struct connection *connection;
    if ((connection = oldest(&server->idle)) != NULL)
        wake_by(server, connection->since_ms + server->options.idle_ms);
    if ((connection = oldest(&server->reading)) != NULL)
        wake_by(server, connection->since_ms + server->options.request_ms);
    if ((connection = oldest_sending(server)) != NULL)
        wake_by(server, connection->sending_since_ms + UNSENT_MS);
}

/* --- life --- */

static uint32_t body_limit_of(void *self, const struct http_request *head)
{
    struct connection *connection = self;
    struct http_server *server = connection->server;
    struct http_request asked = *head;
    asked.peer = stream_peer(connection->stream);
    return server->options.body_limit(server->self, &asked);
}

static void on_stream(void *self, struct stream *stream)
{
    struct http_server *server = self;
    struct scope *life = scope_new(server->life, "http connection", SCOPE_NO_LIMIT);
    struct connection *connection = scope_alloc(life, sizeof *connection);
    bool has_room = make_room(server);
    struct http_limits limits = {
        .header_bytes_max = server->options.header_bytes_max,
        .body_bytes_max = server->options.body_bytes_max,
        .body_limit = server->options.body_limit ? body_limit_of : NULL,
        .self = connection,
    };
    *connection = (struct connection){ .server = server, .life = life, .stream = stream };
    connection->chore = (struct chore){ .run = connection_serve, .self = connection };
    connection->http = scope_new(life, "http", SCOPE_NO_LIMIT);
    connection->input = http_input_new(connection->http, &limits);
    connection->exchange.connection = connection;
    connection->exchange.scope = scope_new(connection->http, "http exchange", SCOPE_NO_LIMIT);
    server->counters.connections++;
    server->counters.connections_now++;
    connection_enter(connection, CONNECTION_IDLE);
    scope_on_close(life, connection_forget, connection);
    stream_adopt(life, stream, &stream_handler, connection);
    if (!has_room) connection_refuse(connection, 503, "too many connections");
}

static void or_default(uint32_t *value, uint32_t fallback)
{
    if (*value == 0) *value = fallback;
}

static struct http_server_options with_defaults(const struct http_server_options *given)
{
    struct http_server_options options = { 0 };
    if (given) options = *given;
    or_default(&options.header_bytes_max, HEADER_BYTES_MAX);
    or_default(&options.body_bytes_max, BODY_BYTES_MAX);
    or_default(&options.connections_max, CONNECTIONS_MAX);
    if (options.idle_ms == 0) options.idle_ms = IDLE_MS;
    if (options.request_ms == 0) options.request_ms = REQUEST_MS;
    return options;
}

static void server_forget(void *self)
{
    struct http_server *server = self;
    buf_free(&server->out);
}

enum err http_server_open(struct scope *owner, struct net *net, struct text address,
                          const struct http_server_options *options,
                          void (*on_request)(void *self, struct http_exchange *exchange),
                          void *self, struct http_server **out, struct fault *fault)
{
    struct scope *life = scope_new(owner, "http server", SCOPE_NO_LIMIT);
    struct http_server *server = scope_alloc(life, sizeof *server);
    *server = (struct http_server){
        .life = life,
        .loop = net_loop(net),
        .options = with_defaults(options),
        .on_request = on_request,
        .self = self,
        .timer_due_ms = UINT64_MAX,
    };
    list_init(&server->idle);
    list_init(&server->reading);
    list_init(&server->sending);
    list_init(&server->others);
    scope_on_close(life, server_forget, server);
    server->exchanges = slots_new(life, server->options.connections_max + 1);
    server->timer = timer_new(life, server->loop, on_timer, server);
    struct listener_options listening = {
        .connections_max = server->options.connections_max + FINISHING_MAX,
        .tls = server->options.tls,
        .detects_tls = server->options.detects_tls,
    };
    enum err err =
        listener_open(life, net, address, &listening, on_stream, server, &server->listener, fault);
    if (err) {
        scope_close(life);
        return err;
    }
    *out = server;
    return ERR_OK;
}

uint16_t http_server_port(const struct http_server *server)
{
    return listener_port(server->listener);
}

void http_server_close(struct http_server *server)
{
    struct connection *connection;
    server->is_closing = true;
    listener_close(server->listener);
    while ((connection = oldest(&server->idle)) != NULL) connection_finish(connection);
}

const struct http_request *http_exchange_request(const struct http_exchange *exchange)
{
    return &exchange->request;
}

struct scope *http_exchange_scope(const struct http_exchange *exchange)
{
    return exchange->scope;
}

uint64_t http_exchange_id(const struct http_exchange *exchange)
{
    return exchange->id;
}

struct http_exchange *http_find(struct http_server *server, uint64_t id)
{
    return slot_find(server->exchanges, id);
}

const struct http_server_counters *http_server_counters(const struct http_server *server)
{
    return &server->counters;
}
