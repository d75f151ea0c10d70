/* SPDX-License-Identifier: Apache-2.0 */
/* The carrier of plain http: HTTP/1.1 over net.h, connections kept and reused, the same in both
 * worlds but for how one is made: in the real one libcurl dials (names, address families, the time
 * allowed) and hands the socket over. Start reading at plain_start(). docs/decisions/0029. */
#include "io/http/client_private.h"

#include "io/http/output.h"

enum {
    ANSWER_BYTES_MAX = 1024 * 1024, /* past this we hang up: the status is what counts */
    IDLE_CONNECTION_MS = 60 * 1000,
    PIECE_BYTES = 64 * 1024, /* of a body; the next is handed on when the last was taken */
};

enum step { STEP_CONNECT, STEP_SEND, STEP_HEAD, STEP_BODY, STEP_IDLE };

struct seat { /* one connection */
    struct http_pool *pool;
    struct scope *life;
    struct stream *stream;
    struct timer *timer;
    struct list node; /* in plain->idle while nothing flies on it */
    struct http_client_call *call;
    struct http_output *output;
    enum step step;
    struct text unsent;  /* of the body */
    size_t answer_bytes; /* of its body */
    bool may_be_gone;    /* carried a call before: the server may have given it up unseen */
    struct chore chore;  /* die */
};

struct plain_carrier {
    struct list idle;
    struct buf head; /* of the request that is being written */
};

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

/* There is a status, and it counts, whatever became of the body. */
static void seat_done(struct seat *seat, bool is_whole)
{
    struct http_client_call *call = seat->call;
    unsigned status = http_output_status(seat->output);
    seat->call = NULL;
    if (is_whole && http_output_keeps_alive(seat->output)) {
        seat->step = STEP_IDLE;
        list_add_last(seat->pool->plain->idle.next, &seat->node); /* the first to be used again */
        timer_start(seat->timer, IDLE_CONNECTION_MS);
    } else {
        seat_close(seat);
    }
    client_call_ended(call, HTTP_FAILURE_NONE, status, "");
}

static void on_time_up(void *self)
{
    struct seat *seat = self;
    switch (seat->step) {
    case STEP_IDLE: seat_close(seat); return;
    case STEP_BODY: seat_done(seat, false); return;
    case STEP_CONNECT:
        seat_fail(seat, HTTP_FAILURE_TIMEOUT, "no connection in the time allowed");
        return;
    case STEP_SEND:
        seat_fail(seat, HTTP_FAILURE_TIMEOUT, "the request was not taken in the time allowed");
        return;
    case STEP_HEAD:
        seat_fail(seat, HTTP_FAILURE_TIMEOUT, "no response in the time allowed");
        return;
    }
}

static void seat_enter(struct seat *seat, enum step step)
{
    seat->step = step;
    timer_start(seat->timer, seat->call->asked.timeout_ms);
}

/* --- the way out --- */

static void add_line(struct buf *out, struct text name, struct text value)
{
    buf_add(out, name);
    buf_add(out, TEXT(": "));
    buf_add(out, value);
    buf_add(out, TEXT("\r\n"));
}

static void write_head(const struct http_client_call *call, struct buf *out)
{
    const struct http_call *asked = &call->asked;
    struct text rest = text_slice(asked->url, text_find(asked->url, ':', 0) + 3, SIZE_MAX);
    size_t authority = 0;
    bool has_length = false;
    while (authority < rest.len && rest.at[authority] != '/' && rest.at[authority] != '?' &&
           rest.at[authority] != '#')
        authority++;
    struct text target = text_slice(rest, authority, SIZE_MAX);
    buf_add(out, asked->method);
    buf_add_z(out, target.len && target.at[0] == '/' ? " " : " /");
    buf_add(out, text_slice(target, 0, text_find(target, '#', 0)));
    buf_add(out, TEXT(" HTTP/1.1\r\n"));
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
    buf_add(out, TEXT("\r\n"));
}

static bool is_all_taken(const struct seat *seat)
{
    return seat->unsent.len == 0 && stream_unsent(seat->stream) == 0;
}

/* As much as the system takes. The first piece of the body goes with the head, in one call. */
static void send_pieces(struct seat *seat, struct text head)
{
    do {
        struct text pieces[] = { head, text_slice(seat->unsent, 0, PIECE_BYTES) };
        seat->unsent = text_slice(seat->unsent, PIECE_BYTES, SIZE_MAX);
        head = TEXT("");
        stream_write_now(seat->stream, pieces, 2);
    } while (seat->unsent.len > 0 && stream_unsent(seat->stream) == 0);
    seat_enter(seat, is_all_taken(seat) ? STEP_HEAD : STEP_SEND);
}

static void seat_send(struct seat *seat)
{
    struct buf *head = &seat->pool->plain->head;
    http_output_begin(seat->output, text_eq(seat->call->asked.method, TEXT("HEAD")));
    seat->answer_bytes = 0;
    seat->unsent = seat->call->asked.body;
    buf_clear(head);
    write_head(seat->call, head);
    send_pieces(seat, buf_text(head));
}

static void on_open(void *self)
{
    seat_send(self);
}

static void on_drained(void *self)
{
    struct seat *seat = self;
    if (seat->step == STEP_SEND) send_pieces(seat, TEXT(""));
}

/* --- the way in --- */

static void on_body(void *self, struct text bytes)
{
    struct seat *seat = self;
    seat->answer_bytes += bytes.len;
    client_call_add_body(seat->call, bytes);
}

static void on_bytes(void *self, struct text bytes)
{
    struct seat *seat = self;
    if (seat->call == NULL) { /* nobody asked */
        seat_close(seat);
        return;
    }
    seat->may_be_gone = false;
    switch (http_output_add(seat->output, bytes)) {
    case HTTP_OUTPUT_HEAD: return;
    case HTTP_OUTPUT_BODY:
        if (seat->answer_bytes > ANSWER_BYTES_MAX)
            seat_done(seat, false);
        else if (seat->step != STEP_BODY)
            seat_enter(seat, STEP_BODY);
        return;
    case HTTP_OUTPUT_DONE:
        /* An answer that came before the whole request: what is left of that is in the way. */
        seat_done(seat, is_all_taken(seat));
        return;
    case HTTP_OUTPUT_WRONG:
        if (http_output_status(seat->output))
            seat_done(seat, false);
        else
            seat_fail(seat, HTTP_FAILURE_OTHER, "the response is not HTTP");
        return;
    }
}

static void connect_for(struct http_client_call *call);

static void on_closed(void *self, enum err why)
{
    struct seat *seat = self;
    struct http_client_call *call = seat->call;
    if (call == NULL) {
        seat_close(seat);
    } else if (seat->step == STEP_CONNECT) {
        seat_fail(seat, HTTP_FAILURE_CONNECT, err_words(why));
    } else if (http_output_status(seat->output)) { /* a body without a length ends like this */
        seat_done(seat, false);
    } else if (seat->may_be_gone && call->asked.may_repeat) {
        seat_close(seat); /* given up while it was idle: once more on a fresh one */
        connect_for(call);
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

/* --- connections --- */

static void seat_forget(void *self)
{
    struct seat *seat = self;
    if (seat->call) seat->call->seat = NULL; /* the pool closes its seats before its calls */
    list_remove(&seat->node);
    chore_cancel(&seat->chore);
}

static struct seat *seat_new(struct http_client_call *call)
{
    struct http_pool *pool = call->pool;
    struct scope *life = scope_new(pool->life, "http seat", SCOPE_NO_LIMIT);
    struct seat *seat = scope_alloc(life, sizeof *seat);
    *seat = (struct seat){ .pool = pool, .life = life, .call = call };
    seat->chore = (struct chore){ .run = seat_die, .self = seat };
    seat->output = http_output_new(life, HTTP_ANSWER_HEAD_MAX, on_body, seat);
    seat->timer = timer_new(life, pool->client->loop, on_time_up, seat);
    scope_on_close(life, seat_forget, seat);
    call->seat = seat;
    return seat;
}

static void connect_for(struct http_client_call *call)
{
    if (call->pool->curl) {
        call->is_dialling = true;
        http_carrier_curl.start(call);
        return;
    }
    struct seat *seat = seat_new(call);
    seat->stream = stream_connect(seat->life, call->pool->client->net, call->pool->host_port,
                                  &stream_handler, seat);
    seat_enter(seat, STEP_CONNECT);
}

void client_plain_dialled(struct http_client_call *call, int socket)
{
    struct seat *seat = seat_new(call);
    call->is_dialling = false;
    seat->stream =
        stream_from_fd(seat->life, call->pool->client->net, socket, &stream_handler, seat);
    seat_send(seat);
}

/* --- the carrier --- */

static void plain_open(struct http_pool *pool)
{
    pool->plain = scope_alloc(pool->life, sizeof *pool->plain);
    list_init(&pool->plain->idle);
    if (!pool->client->is_virtual) http_carrier_curl.open(pool);
}

static void plain_close(struct http_pool *pool)
{
    buf_free(&pool->plain->head); /* its connections die with its scope */
    if (pool->curl) http_carrier_curl.close(pool);
}

static void refuse_tls(void *self)
{
    struct http_client_call *call = self;
    client_call_ended(call, HTTP_FAILURE_CONNECT, 0, "the simulated net has no TLS");
}

static void plain_start(struct http_client_call *call)
{
    struct list *node = list_first(&call->pool->plain->idle);
    if (call->pool->is_https) {
        call->seat = NULL;
        loop_soon(call->life, call->client->loop, refuse_tls, call);
        return;
    }
    if (node == NULL) {
        connect_for(call);
        return;
    }
    struct seat *seat = LIST_OBJECT(node, struct seat, node);
    list_remove(node);
    seat->may_be_gone = true;
    seat->call = call;
    call->seat = seat;
    seat_send(seat);
}

static void plain_abandon(struct http_client_call *call)
{
    if (call->is_dialling)
        http_carrier_curl.abandon(call);
    else if (call->seat)
        seat_close(call->seat);
}

static void plain_resize(struct http_pool *pool)
{
    struct list *node;
    while ((node = list_first(&pool->plain->idle)) != NULL)
        seat_close(LIST_OBJECT(node, struct seat, node));
}

const struct http_carrier http_carrier_plain = {
    .open = plain_open,
    .close = plain_close,
    .start = plain_start,
    .abandon = plain_abandon,
    .resize = plain_resize,
};
