/* SPDX-License-Identifier: Apache-2.0 */
/* An open websocket stands in one of two lists, each in the order of time: those heard of lately,
 * and those pinged since; one timer serves all. What is sent in a turn waits in the websocket's
 * queue and leaves at the turn's end. Start reading at on_bytes() for the way in, at push() and
 * flush() for the way out, at end() for the end. */
#include "io/http/websocket.h"

#include "base/buf.h"
#include "base/list.h"
#include "io/http/upgrade.h"
#include "io/http/websocket_frame.h"
#include "io/http/websocket_handshake.h"
#include "io/http/websocket_input.h"

#include <stdlib.h>
#include <string.h>

enum {
    MESSAGE_BYTES_MAX = 1024 * 1024,
    SEND_QUEUE_BYTES_MAX = 1024 * 1024,
    PING_MS = 30 * 1000,
    PONG_TIMEOUT_MS = 30 * 1000,
    HELD_BYTES_MAX = 64 * 1024 * 1024, /* of all unfinished messages together */
    BATCH_BYTES = 64 * 1024,           /* handed to the stream before it has sent them */
    FLUSHES_PER_TURN = 512,            /* a message to ten thousand does not keep the loop */
    PINGS_PER_TURN = 256,              /* those who came at once are not pinged at once */
};

enum websocket_state { STATE_OPEN, STATE_ENDED, STATE_GONE };

struct websocket {
    struct websocket_server *server; /* not to be touched when gone: it may have closed */
    struct http_upgraded to;
    void *self;
    enum websocket_state state;
    bool is_paused;
    struct list node; /* in server->heard, ->pinged or, until on_close is called, ->ended */
    uint64_t since_ms;
    struct list dirty_node; /* in server->dirty: has something to flush */
    struct websocket_frame **queue;
    uint32_t queue_count, queue_room;
    size_t first_sent;                 /* of the queue's first frame, handed to the stream */
    size_t queue_bytes, longest_bytes; /* of what waits, the stream's part included */
    size_t held_bytes;                 /* of server->held_bytes */
    struct websocket_input input;
    unsigned end_code;
    struct text end_reason;
};

struct websocket_server {
    struct loop *loop;
    struct websocket_options options;
    const struct websocket_handler *handler;
    bool is_closing;
    struct list heard, pinged, ended, dirty;
    struct timer *timer, *flush_timer;
    uint64_t timer_due_ms; /* UINT64_MAX: it rests */
    struct chore flush, tell;
    size_t held_bytes;
    struct websocket_counters counters;
};

/* --- time --- */

static void wake_by(struct websocket_server *server, uint64_t due_ms)
{
    if (due_ms >= server->timer_due_ms) return;
    server->timer_due_ms = due_ms;
    timer_start_at(server->timer, due_ms);
}

static void wait_in(struct websocket *websocket, struct list *ring, uint64_t limit_ms)
{
    struct websocket_server *server = websocket->server;
    websocket->since_ms = loop_now_mono_ms(server->loop);
    list_remove(&websocket->node);
    list_add_last(ring, &websocket->node);
    wake_by(server, websocket->since_ms + limit_ms);
}

static struct websocket *first_of(const struct list *ring)
{
    struct list *node = list_first(ring);
    return node ? LIST_OBJECT(node, struct websocket, node) : NULL;
}

/* --- the end --- */

static void queue_drop(struct websocket *websocket)
{
    for (uint32_t i = 0; i < websocket->queue_count; i++)
        websocket_frame_release(websocket->queue[i]);
    free(websocket->queue);
    websocket->queue = NULL;
    websocket->queue_count = websocket->queue_room = 0;
    websocket->queue_bytes = websocket->first_sent = 0;
}

static void leave(struct websocket *websocket, enum websocket_state state)
{
    struct websocket_server *server = websocket->server;
    if (websocket->state == STATE_OPEN) {
        server->counters.open_now--;
        server->counters.closed++;
    }
    websocket->state = state;
    server->held_bytes -= websocket->held_bytes;
    websocket->held_bytes = 0;
    list_remove(&websocket->node);
    list_remove(&websocket->dirty_node);
    queue_drop(websocket);
}

/* The stream is closed or finishing. The owner hears of it at the end of the turn: it may be in the
 * middle of a send. */
static void end(struct websocket *websocket, unsigned code, struct text reason)
{
    struct websocket_server *server = websocket->server;
    leave(websocket, STATE_ENDED);
    websocket->end_code = code;
    websocket->end_reason = scope_keep(websocket->to.life, reason);
    list_add_last(&server->ended, &websocket->node);
    chore_soon(server->loop, &server->tell);
}

static void tell(void *self)
{
    struct websocket_server *server = self;
    struct websocket *websocket;
    while ((websocket = first_of(&server->ended)) != NULL) {
        leave(websocket, STATE_GONE);
        http_upgraded_end(websocket->to.connection);
        server->handler->on_close(websocket->self, websocket, websocket->end_code,
                                  websocket->end_reason);
    }
}

/* Say goodbye. What the peer still sends is read and dropped by the net. */
static void send_close(struct websocket *websocket, unsigned code, struct text reason)
{
    struct websocket_frame *frame = websocket_frame_make_close(code, reason);
    stream_write(websocket->to.stream, (struct text){ frame->bytes, frame->len });
    stream_finish(websocket->to.stream);
    websocket_frame_release(frame);
}

static struct text frame_rest(const struct websocket *websocket, uint32_t index)
{
    const struct websocket_frame *frame = websocket->queue[index];
    struct text bytes = { frame->bytes, frame->len };
    return index == 0 ? text_slice(bytes, websocket->first_sent, frame->len) : bytes;
}

/* `count` frames of those that wait are still sent, then the close. */
static void close_behind(struct websocket *websocket, uint32_t count, unsigned code,
                         struct text reason)
{
    for (uint32_t i = 0; i < count; i++)
        stream_write(websocket->to.stream, frame_rest(websocket, i));
    send_close(websocket, code, reason);
}

static void websocket_forget(void *self)
{
    struct websocket *websocket = self;
    if (websocket->state != STATE_GONE) leave(websocket, STATE_GONE);
    websocket_input_drop(&websocket->input);
}

/* --- the way out --- */

static void mind_pressure(struct websocket *websocket)
{
    bool is_much = websocket_unsent(websocket) >
                   websocket->server->options.send_queue_bytes_max / 2;
    if (is_much == websocket->is_paused) return;
    websocket->is_paused = is_much;
    if (is_much)
        stream_pause(websocket->to.stream);
    else
        stream_resume(websocket->to.stream);
}

static void take_off(struct websocket *websocket, size_t bytes)
{
    uint32_t count = 0;
    for (size_t rest; count < websocket->queue_count; count++, bytes -= rest) {
        rest = frame_rest(websocket, count).len;
        if (rest > bytes) break;
        websocket->queue_bytes -= websocket_frame_weight(websocket->queue[count]);
        websocket_frame_release(websocket->queue[count]);
    }
    websocket->first_sent = count > 0 ? bytes : websocket->first_sent + bytes;
    websocket->queue_count -= count;
    memmove(websocket->queue, websocket->queue + count,
            websocket->queue_count * sizeof *websocket->queue);
}

/* The front of the queue in one write, as much as the stream may keep of it; false when nothing
 * more can go now. */
static bool flush_batch(struct websocket *websocket)
{
    struct text pieces[STREAM_PIECES_MAX];
    uint32_t count = 0;
    size_t bytes = 0, unsent = stream_unsent(websocket->to.stream);
    size_t room = unsent < BATCH_BYTES ? BATCH_BYTES - unsent : 0;
    while (count < websocket->queue_count && count < STREAM_PIECES_MAX && bytes < room) {
        struct text rest = frame_rest(websocket, count);
        pieces[count] = text_slice(rest, 0, room - bytes);
        bytes += pieces[count++].len;
    }
    if (count == 0) return false;
    stream_write_now(websocket->to.stream, pieces, count);
    take_off(websocket, bytes);
    return true;
}

static void flush(struct websocket *websocket)
{
    list_remove(&websocket->dirty_node);
    while (flush_batch(websocket)) continue;
    if (websocket->queue_count == 0) queue_drop(websocket);
    if (websocket_unsent(websocket) == 0) websocket->longest_bytes = 0;
    mind_pressure(websocket);
}

static void flush_dirty(void *self)
{
    struct websocket_server *server = self;
    struct list *node;
    for (int i = 0; i < FLUSHES_PER_TURN && (node = list_first(&server->dirty)) != NULL; i++)
        flush(LIST_OBJECT(node, struct websocket, dirty_node));
    if (!list_is_empty(&server->dirty)) timer_start(server->flush_timer, 0);
}

static void push(struct websocket *websocket, struct websocket_frame *frame)
{
    struct websocket_server *server = websocket->server;
    if (websocket->queue_count == websocket->queue_room) {
        websocket->queue_room = websocket->queue_room ? websocket->queue_room * 2 : 2;
        websocket->queue =
            realloc(websocket->queue, websocket->queue_room * sizeof *websocket->queue);
        ASSERT(websocket->queue != NULL);
    }
    frame->holders++;
    websocket->queue[websocket->queue_count++] = frame;
    websocket->queue_bytes += websocket_frame_weight(frame);
    if (list_is_linked(&websocket->dirty_node)) return;
    if (list_is_empty(&server->dirty)) chore_last(server->loop, &server->flush);
    list_add_last(&server->dirty, &websocket->dirty_node);
}

size_t websocket_unsent(const struct websocket *websocket)
{
    return websocket->queue_bytes - websocket->first_sent + stream_unsent(websocket->to.stream);
}

enum err websocket_send_frame(struct websocket *websocket, struct websocket_frame *frame)
{
    if (websocket->state != STATE_OPEN) return ERR_CLOSED;
    struct websocket_server *server = websocket->server;
    size_t weight = websocket_frame_weight(frame);
    if (weight > websocket->longest_bytes) websocket->longest_bytes = weight;
    /* A long message takes its time whoever reads it: beside it there is room as always. */
    if (websocket_unsent(websocket) + weight >
        server->options.send_queue_bytes_max + websocket->longest_bytes) {
        struct text words = TEXT("what was sent is not taken fast enough");
        server->counters.too_slow++;
        /* What waits for it is dropped, but for a frame that is half gone. */
        close_behind(websocket, websocket->first_sent > 0, WEBSOCKET_TRY_AGAIN, words);
        end(websocket, WEBSOCKET_TRY_AGAIN, words);
        return ERR_LIMIT;
    }
    push(websocket, frame);
    server->counters.messages_out++;
    server->counters.bytes_out += frame->len - frame->head_len;
    return ERR_OK;
}

enum err websocket_send_text(struct websocket *websocket, struct text message)
{
    struct websocket_frame *frame = websocket_frame_new(message);
    enum err err = websocket_send_frame(websocket, frame);
    websocket_frame_release(frame);
    return err;
}

/* Has no limit of its own: who does not take answers to its pings is not read (mind_pressure). */
static void send_control(struct websocket *websocket, enum websocket_opcode opcode,
                         struct text payload)
{
    struct websocket_frame *frame = websocket_frame_make(opcode, payload);
    push(websocket, frame);
    websocket_frame_release(frame);
}

/* --- the way in --- */

static void end_with(struct websocket *websocket, unsigned code, struct text reason)
{
    close_behind(websocket, websocket->queue_count, code, reason);
    end(websocket, code, reason);
}

static void act(struct websocket *websocket, enum websocket_event event,
                const struct websocket_found *found)
{
    struct websocket_server *server = websocket->server;
    switch (event) {
    case WEBSOCKET_EVENT_MESSAGE:
        server->counters.messages_in++;
        server->counters.bytes_in += found->payload.len;
        server->handler->on_message(websocket->self, websocket, found->payload);
        return;
    case WEBSOCKET_EVENT_PING: send_control(websocket, WEBSOCKET_PONG, found->payload); return;
    case WEBSOCKET_EVENT_CLOSE: end_with(websocket, found->code, found->payload); return;
    case WEBSOCKET_EVENT_REFUSED:
        server->counters.broken_rules++;
        end_with(websocket, websocket->input.refusal.code, text_of(websocket->input.refusal.words));
        return;
    case WEBSOCKET_EVENT_PONG:
    case WEBSOCKET_EVENT_NONE: return;
    }
}

/* Count what it holds of an unfinished message; false when all of them together hold too much. */
static bool hold(struct websocket *websocket)
{
    struct websocket_server *server = websocket->server;
    size_t bytes = websocket_input_held_bytes(&websocket->input);
    bool is_more = bytes > websocket->held_bytes;
    server->held_bytes += bytes - websocket->held_bytes;
    websocket->held_bytes = bytes;
    return !is_more || server->held_bytes <= HELD_BYTES_MAX;
}

static void on_bytes(void *self, struct text bytes)
{
    struct websocket *websocket = self;
    struct websocket_server *server = websocket->server;
    enum websocket_event event;
    wait_in(websocket, &server->heard, server->options.ping_ms); /* any byte is a sign of life */
    do {
        struct websocket_found found;
        event = websocket_input_read(&websocket->input, &bytes, &found);
        act(websocket, event, &found);
        if (websocket->state != STATE_OPEN) return;
    } while (event != WEBSOCKET_EVENT_NONE);
    mind_pressure(websocket);
    if (!hold(websocket))
        end_with(websocket, WEBSOCKET_TRY_AGAIN, TEXT("too many large messages at the moment"));
}

static void on_drained(void *self)
{
    struct websocket *websocket = self;
    struct websocket_server *server = websocket->server;
    if (websocket->state != STATE_OPEN) return;
    if (websocket->queue_count > 0) /* it takes a long backlog, which is a sign of life */
        wait_in(websocket, &server->heard, server->options.ping_ms);
    flush(websocket);
}

static void on_closed(void *self, enum err why)
{
    (void)why;
    struct websocket *websocket = self;
    if (websocket->state == STATE_OPEN)
        end(websocket, WEBSOCKET_ABNORMAL, TEXT("the connection broke"));
}

static const struct stream_handler stream_handler = {
    .on_bytes = on_bytes,
    .on_drained = on_drained,
    .on_closed = on_closed,
};

/* --- signs of life --- */

static void ping_the_quiet(struct websocket_server *server, uint64_t now)
{
    struct websocket *websocket;
    for (int i = 0; i < PINGS_PER_TURN && (websocket = first_of(&server->heard)) != NULL; i++) {
        if (websocket->since_ms + server->options.ping_ms > now) return;
        wait_in(websocket, &server->pinged, server->options.pong_timeout_ms);
        send_control(websocket, WEBSOCKET_PING, TEXT(""));
    }
}

static void drop_the_silent(struct websocket_server *server, uint64_t now)
{
    struct websocket *websocket;
    while ((websocket = first_of(&server->pinged)) != NULL &&
           websocket->since_ms + server->options.pong_timeout_ms <= now) {
        server->counters.gone_silent++;
        stream_close(websocket->to.stream);
        end(websocket, WEBSOCKET_ABNORMAL, TEXT("no sign of life"));
    }
}

static void on_timer(void *self)
{
    struct websocket_server *server = self;
    struct websocket *websocket;
    uint64_t now = loop_now_mono_ms(server->loop);
    server->timer_due_ms = UINT64_MAX;
    drop_the_silent(server, now);
    ping_the_quiet(server, now);
    if ((websocket = first_of(&server->heard)) != NULL)
        wake_by(server, websocket->since_ms + server->options.ping_ms);
    if ((websocket = first_of(&server->pinged)) != NULL)
        wake_by(server, websocket->since_ms + server->options.pong_timeout_ms);
}

/* --- opening --- */

static struct websocket *refuse(struct websocket_server *server, struct http_exchange *exchange,
                                unsigned status, const char *words)
{
    static const struct http_header upgrade[] = {
        { { "Upgrade", 7 }, { "websocket", 9 } },
        { { "Sec-WebSocket-Version", 21 }, { "13", 2 } },
    };
    static const struct http_header allow = { { "Allow", 5 }, { "GET", 3 } };
    struct http_headers more = { 0 };
    if (status == 426) more = (struct http_headers){ upgrade, 2 };
    if (status == 405) more = (struct http_headers){ &allow, 1 };
    server->counters.refused++;
    http_refuse(exchange, status, words, &more);
    return NULL;
}

static struct http_upgraded switch_protocol(struct http_exchange *exchange, struct text protocol,
                                            const struct http_headers *headers)
{
    const struct http_request *request = http_exchange_request(exchange);
    struct scope *scope = http_exchange_scope(exchange);
    size_t count = 0, given = headers ? headers->count : 0;
    char proof[WEBSOCKET_PROOF_BYTES + 1];
    struct http_header *all = scope_alloc_array(scope, given + 3, sizeof *all);
    websocket_prove(request, proof);
    all[count++] = (struct http_header){ TEXT("Upgrade"), TEXT("websocket") };
    all[count++] = (struct http_header){ TEXT("Sec-WebSocket-Accept"), text_of(proof) };
    if (protocol.len > 0 &&
        websocket_header_has_token(&request->headers, TEXT("Sec-WebSocket-Protocol"), protocol))
        all[count++] = (struct http_header){ TEXT("Sec-WebSocket-Protocol"), protocol };
    for (size_t i = 0; i < given; i++) all[count++] = headers->at[i];
    struct http_headers sent = { all, count };
    return http_upgrade(exchange, &sent);
}

bool websocket_is_asked(const struct http_request *request)
{
    return websocket_header_has_token(&request->headers, TEXT("Upgrade"), TEXT("websocket"));
}

struct websocket *websocket_accept(struct websocket_server *server, struct http_exchange *exchange,
                                   struct text protocol, const struct http_headers *headers,
                                   void *self)
{
    const char *words;
    unsigned status = websocket_check_request(http_exchange_request(exchange), &words);
    if (status) return refuse(server, exchange, status, words);
    if (server->is_closing) return refuse(server, exchange, 503, "the server is closing");
    if (!http_exchange_may_upgrade(exchange))
        return refuse(server, exchange, 400, "the request has a body, or bytes behind it");
    struct http_upgraded to = switch_protocol(exchange, protocol, headers);
    struct websocket *websocket = scope_alloc(to.life, sizeof *websocket);
    websocket->server = server;
    websocket->to = to;
    websocket->self = self;
    websocket->input.message_bytes_max = server->options.message_bytes_max;
    scope_on_close(to.life, websocket_forget, websocket);
    stream_set_handler(to.stream, &stream_handler, websocket);
    wait_in(websocket, &server->heard, server->options.ping_ms);
    server->counters.opened++;
    server->counters.open_now++;
    return websocket;
}

void websocket_set_self(struct websocket *websocket, void *self)
{
    websocket->self = self;
}

struct text websocket_peer(const struct websocket *websocket)
{
    return stream_peer(websocket->to.stream);
}

void websocket_close(struct websocket *websocket, unsigned code, struct text reason)
{
    ASSERT(websocket->state != STATE_GONE);
    if (websocket->state == STATE_OPEN)
        close_behind(websocket, websocket->queue_count, code, reason);
    leave(websocket, STATE_GONE);
    http_upgraded_end(websocket->to.connection);
}

/* --- the server --- */

static struct websocket_options with_defaults(const struct websocket_options *given)
{
    struct websocket_options options = { 0 };
    if (given) options = *given;
    if (options.message_bytes_max == 0) options.message_bytes_max = MESSAGE_BYTES_MAX;
    if (options.send_queue_bytes_max == 0) options.send_queue_bytes_max = SEND_QUEUE_BYTES_MAX;
    if (options.ping_ms == 0) options.ping_ms = PING_MS;
    if (options.pong_timeout_ms == 0) options.pong_timeout_ms = PONG_TIMEOUT_MS;
    return options;
}

static void drop_all(struct list *ring)
{
    struct websocket *websocket;
    while ((websocket = first_of(ring)) != NULL) {
        stream_close(websocket->to.stream);
        leave(websocket, STATE_GONE);
        http_upgraded_end(websocket->to.connection);
    }
}

static void server_drop(void *self)
{
    struct websocket_server *server = self;
    drop_all(&server->heard);
    drop_all(&server->pinged);
    drop_all(&server->ended);
    chore_cancel(&server->flush);
    chore_cancel(&server->tell);
}

struct websocket_server *websocket_server_new(struct scope *owner, struct loop *loop,
                                              const struct websocket_options *options,
                                              const struct websocket_handler *handler)
{
    struct scope *life = scope_new(owner, "websocket server", SCOPE_NO_LIMIT);
    struct websocket_server *server = scope_alloc(life, sizeof *server);
    *server = (struct websocket_server){
        .loop = loop,
        .options = with_defaults(options),
        .handler = handler,
        .timer_due_ms = UINT64_MAX,
        .flush = { .run = flush_dirty, .self = server },
        .tell = { .run = tell, .self = server },
    };
    list_init(&server->heard);
    list_init(&server->pinged);
    list_init(&server->ended);
    list_init(&server->dirty);
    server->timer = timer_new(life, loop, on_timer, server);
    server->flush_timer = timer_new(life, loop, flush_dirty, server);
    scope_on_close(life, server_drop, server);
    return server;
}

void websocket_server_close(struct websocket_server *server)
{
    struct websocket *websocket;
    server->is_closing = true;
    while ((websocket = first_of(&server->heard)) != NULL ||
           (websocket = first_of(&server->pinged)) != NULL)
        websocket_close(websocket, WEBSOCKET_GOING_AWAY, TEXT("the server is closing"));
}

const struct websocket_counters *websocket_counters(const struct websocket_server *server)
{
    return &server->counters;
}
