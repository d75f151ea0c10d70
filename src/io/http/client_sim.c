/* SPDX-License-Identifier: Apache-2.0 */
/* The carrier of the simulated world: plain HTTP/1.1 over net.h, connections kept and reused like
 * libcurl's. No TLS, no proxies: those belong to the real world. */
#include "io/http/client_private.h"

#include "io/http/output.h"

enum step { STEP_CONNECT, STEP_SEND, STEP_HEAD, STEP_BODY, STEP_IDLE };

struct seat { /* one connection */
    struct http_pool *pool;
    struct scope *life;
    struct stream *stream;
    struct timer *timer;
    struct list node; /* in sim->idle while nothing flies on it */
    struct http_client_call *call;
    struct scope *answer_scope;
    struct http_output *output;
    enum step step;
    bool is_used;       /* carried a call before: the server may have given it up unseen */
    struct chore chore; /* die */
};

struct sim {
    struct list idle;
};

static struct sim *sim_of(const struct http_pool *pool)
{
    return pool->carrier;
}

static void seat_die(void *self)
{
    struct seat *seat = self;
    scope_close(seat->life);
}

/* The memory goes at the end of the turn: one of its handlers may be running. */
static void seat_close(struct seat *seat)
{
    stream_close(seat->stream);
    timer_stop(seat->timer);
    list_remove(&seat->node);
    seat->call = NULL;
    seat->step = STEP_IDLE;
    chore_soon(seat->pool->client->loop, &seat->chore);
}

static void seat_fail(struct seat *seat, enum http_failure failure, const char *words)
{
    struct http_client_call *call = seat->call;
    seat_close(seat);
    if (call) client_call_ended(call, failure, 0, words);
}

static void seat_done(struct seat *seat)
{
    struct http_client_call *call = seat->call;
    unsigned status = http_output_status(seat->output);
    bool is_kept = seat->step == STEP_IDLE && http_output_keeps_alive(seat->output);
    timer_stop(seat->timer);
    seat->call = NULL;
    if (is_kept)
        list_add_last(&sim_of(seat->pool)->idle, &seat->node);
    else
        seat_close(seat);
    client_call_ended(call, HTTP_FAILURE_NONE, status, "");
}

static void on_time_up(void *self)
{
    struct seat *seat = self;
    if (seat->step == STEP_BODY) /* the status is known, and what counts */
        seat_done(seat);
    else if (seat->step == STEP_CONNECT)
        seat_fail(seat, HTTP_FAILURE_TIMEOUT, "no connection in the time allowed");
    else
        seat_fail(seat, HTTP_FAILURE_TIMEOUT, "no response in the time allowed");
}

static void seat_enter(struct seat *seat, enum step step)
{
    seat->step = step;
    timer_start(seat->timer, seat->call->asked.timeout_ms);
}

static void add_line(struct buf *out, struct text name, struct text value)
{
    buf_add(out, name);
    buf_add_z(out, ": ");
    buf_add(out, value);
    buf_add_z(out, "\r\n");
}

static void write_request(const struct http_client_call *call, struct buf *out)
{
    const struct http_call *asked = &call->asked;
    struct text rest = text_slice(asked->url, text_find(asked->url, ':', 0) + 3, SIZE_MAX);
    size_t authority = 0;
    bool has_length = false;
    while (authority < rest.len && rest.at[authority] != '/' && rest.at[authority] != '?')
        authority++;
    struct text target = text_slice(rest, authority, SIZE_MAX);
    buf_add(out, asked->method);
    buf_add_z(out, target.len && target.at[0] == '/' ? " " : " /");
    buf_add(out, text_slice(target, 0, text_find(target, '#', 0)));
    buf_add_z(out, " HTTP/1.1\r\n");
    add_line(out, TEXT("Host"), text_slice(rest, 0, authority));
    for (size_t i = 0; i < asked->headers.count; i++) {
        const struct http_header *header = &asked->headers.at[i];
        struct text value = client_header_value(call, header);
        if (value.at == NULL) continue;
        has_length = has_length || text_eq_fold(header->name, TEXT("Content-Length"));
        add_line(out, header->name, value);
    }
    if (!has_length && client_tells_length(call))
        add_line(out, TEXT("Content-Length"), text_of(call->length));
    buf_add_z(out, "\r\n");
    buf_add(out, asked->body);
}

static void on_body(void *self, struct text bytes)
{
    struct seat *seat = self;
    client_call_add_body(seat->call, bytes);
}

static void seat_send(struct seat *seat)
{
    struct buf bytes = { 0 };
    scope_reset(seat->answer_scope);
    seat->output = http_output_new(seat->answer_scope, HTTP_ANSWER_HEAD_MAX,
                                   text_eq(seat->call->asked.method, TEXT("HEAD")), on_body, seat);
    write_request(seat->call, &bytes);
    stream_write(seat->stream, buf_text(&bytes));
    buf_free(&bytes);
    seat_enter(seat, STEP_SEND);
}

static void on_open(void *self)
{
    seat_send(self);
}

static void on_drained(void *self)
{
    struct seat *seat = self;
    if (seat->step == STEP_SEND) seat_enter(seat, STEP_HEAD);
}

static void on_bytes(void *self, struct text bytes)
{
    struct seat *seat = self;
    if (seat->call == NULL) { /* nobody asked */
        seat_close(seat);
        return;
    }
    switch (http_output_add(seat->output, bytes)) {
    case HTTP_OUTPUT_HEAD: return;
    case HTTP_OUTPUT_BODY:
        if (seat->step != STEP_BODY) seat_enter(seat, STEP_BODY);
        return;
    case HTTP_OUTPUT_DONE:
        seat->step = STEP_IDLE;
        seat_done(seat);
        return;
    case HTTP_OUTPUT_WRONG: seat_fail(seat, HTTP_FAILURE_OTHER, "the response is not HTTP"); return;
    }
}

static void seat_take(struct http_client_call *call);

static void on_closed(void *self, enum err why)
{
    struct seat *seat = self;
    struct http_client_call *call = seat->call;
    if (call == NULL) {
        seat_close(seat);
    } else if (seat->step == STEP_CONNECT) {
        seat_fail(seat, HTTP_FAILURE_CONNECT, err_words(why));
    } else if (seat->step == STEP_BODY) {
        (void)http_output_end(seat->output); /* a body without a length ends like this */
        seat_done(seat);
    } else if (seat->is_used && http_output_status(seat->output) == 0) {
        seat_close(seat); /* given up while it was idle: once more on a fresh one */
        seat_take(call);
    } else {
        seat_fail(seat, HTTP_FAILURE_OTHER, "the connection was closed before a response");
    }
}

static const struct stream_handler stream_handler = {
    .on_open = on_open,
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

static void seat_forget(void *self)
{
    struct seat *seat = self;
    if (seat->call) seat->call->seat = NULL; /* the pool closes its seats before its calls */
    list_remove(&seat->node);
    chore_cancel(&seat->chore);
}

/* A fresh connection for `call`. */
static void seat_take(struct http_client_call *call)
{
    struct http_pool *pool = call->pool;
    struct scope *life = scope_new(pool->life, "http seat", SCOPE_NO_LIMIT);
    struct seat *seat = scope_alloc(life, sizeof *seat);
    *seat = (struct seat){ .pool = pool, .life = life, .call = call };
    seat->chore = (struct chore){ .run = seat_die, .self = seat };
    seat->answer_scope = scope_new(life, "http answer", SCOPE_NO_LIMIT);
    seat->timer = timer_new(life, pool->client->loop, on_time_up, seat);
    scope_on_close(life, seat_forget, seat);
    seat->stream = stream_connect(life, pool->client->net, pool->host_port, &stream_handler, seat);
    call->seat = seat;
    seat_enter(seat, STEP_CONNECT);
}

/* --- the carrier --- */

static void sim_global(void)
{
    /* nothing is shared between simulated clients */
}

static void sim_open(struct http_pool *pool)
{
    struct sim *sim = scope_alloc(pool->life, sizeof *sim);
    list_init(&sim->idle);
    pool->carrier = sim;
}

static void sim_close(struct http_pool *pool)
{
    (void)pool; /* its connections die with its scope */
}

static void refuse_tls(void *self)
{
    struct http_client_call *call = self;
    client_call_ended(call, HTTP_FAILURE_CONNECT, 0, "the simulated net has no TLS");
}

static void sim_start(struct http_client_call *call)
{
    struct list *node = list_first(&sim_of(call->pool)->idle);
    if (call->pool->is_https) {
        call->seat = NULL;
        loop_soon(call->life, call->client->loop, refuse_tls, call);
        return;
    }
    if (node == NULL) {
        seat_take(call);
        return;
    }
    struct seat *seat = LIST_OBJECT(node, struct seat, node);
    list_remove(node);
    seat->is_used = true;
    seat->call = call;
    call->seat = seat;
    seat_send(seat);
}

static void sim_abandon(struct http_client_call *call)
{
    if (call->seat) seat_close(call->seat);
}

static void sim_resize(struct http_pool *pool)
{
    struct list *node;
    while ((node = list_first(&sim_of(pool)->idle)) != NULL)
        seat_close(LIST_OBJECT(node, struct seat, node));
}

const struct http_carrier http_carrier_sim = {
    .global_open = sim_global,
    .global_close = sim_global,
    .open = sim_open,
    .close = sim_close,
    .start = sim_start,
    .abandon = sim_abandon,
    .resize = sim_resize,
};
