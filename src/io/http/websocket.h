/* SPDX-License-Identifier: Apache-2.0 */
/* websocket.h - WebSocket (RFC 6455) on a request of server.h: text messages both ways.
 * Refused  what wslay's frame functions let pass (dependencies.md): unmasked frames, reserved bits
 *          and opcodes, long or fragmented control frames, stray continuations, wrong text and
 *          close codes. The peer hears why (1002, 1007, 1009; binary messages 1003) and the
 *          connection ends. No extension is ever agreed to.
 * Life     a websocket is good from websocket_accept() until on_close returns or until the owner
 *          calls websocket_close(), whichever comes first. on_close comes at most once, never for
 *          our own close, never after the scope of its server or of its HTTP server has closed;
 *          those are not closed from inside a handler.
 * Promise  no handler is called from inside a call of this header (loop.h). What is sent in one
 *          turn leaves in one write. Who has nothing to say costs no buffer: what a frame needs in
 *          memory lives from its first byte to its last.
 * Bound    of each peer: one message of message_bytes_max coming in; send_queue_bytes_max going
 *          out, beside the longest message that waits, so that a long answer harms nobody. Past
 *          half of it the peer is not read until it takes what waits; past all of it it is
 *          disconnected (1013), never the cause of unbounded memory. Unfinished messages of all
 *          peers together: 64 MiB (1013).
 * Alive    after ping_ms without a byte from the peer, and without its taking any of a long
 *          backlog, it is pinged; after pong_timeout_ms more it counts as gone (1006). */
#ifndef IO_HTTP_WEBSOCKET_H
#define IO_HTTP_WEBSOCKET_H

#include "io/http/server.h"

struct websocket;
struct websocket_server; /* those that share options and handler, of one or more HTTP servers */

struct websocket_options {         /* 0 takes the default */
    uint32_t message_bytes_max;    /* 1 MiB: longer ones end in 1009 */
    uint32_t send_queue_bytes_max; /* 1 MiB, frames' own overhead counted */
    uint64_t ping_ms;              /* 30 s */
    uint64_t pong_timeout_ms;      /* 30 s */
};

enum { /* RFC 6455 7.4.1; 3000 to 4999 are the application's */
       WEBSOCKET_NORMAL = 1000,
       WEBSOCKET_GOING_AWAY = 1001,
       WEBSOCKET_PROTOCOL_ERROR = 1002,
       WEBSOCKET_UNSUPPORTED = 1003,
       WEBSOCKET_NO_CODE = 1005,  /* on_close only: the peer gave none */
       WEBSOCKET_ABNORMAL = 1006, /* on_close only: the connection broke, or no sign of life */
       WEBSOCKET_BAD_TEXT = 1007,
       WEBSOCKET_POLICY = 1008,
       WEBSOCKET_TOO_LONG = 1009,
       WEBSOCKET_INTERNAL = 1011,
       WEBSOCKET_TRY_AGAIN = 1013,
};
enum { WEBSOCKET_REASON_BYTES_MAX = 123 };

struct websocket_handler {
    /* One whole message, UTF-8 checked; the view is good until return. */
    void (*on_message)(void *self, struct websocket *websocket, struct text message);
    /* It has ended: the peer's close code, or ours when the peer broke a rule or a limit. The
     * websocket is gone on return. */
    void (*on_close)(void *self, struct websocket *websocket, unsigned code, struct text reason);
};

/* `handler` must outlive it. Its websockets are closed with `owner`, without a word to their peers
 * or to the handler. */
struct websocket_server *websocket_server_new(struct scope *owner, struct loop *loop,
                                              const struct websocket_options *options,
                                              const struct websocket_handler *handler);
/* Tell every peer 1001 and close; the handler hears nothing. New ones are refused with 503. */
void websocket_server_close(struct websocket_server *server);

/* The request asks for a WebSocket: "Upgrade: websocket", any version. Decides nothing. */
bool websocket_is_asked(const struct http_request *request);
/* Answer 101 and take the connection over, in the call of on_request or later: authenticate and
 * check the Origin first. Or answer what is wrong (400, 405, 426, 503, dressed as the HTTP server's
 * own refusals) and return NULL. Either way the exchange is gone. `protocol` (may be empty) is
 * chosen when the client offers it; `headers` (may be NULL) go along with the 101, such as
 * Set-Cookie. `self` is what the handler hears; websocket_set_self() may change it. */
struct websocket *websocket_accept(struct websocket_server *server, struct http_exchange *exchange,
                                   struct text protocol, const struct http_headers *headers,
                                   void *self);
void websocket_set_self(struct websocket *websocket, void *self);
struct text websocket_peer(const struct websocket *websocket); /* "127.0.0.1:51234" */

/* One text message, which must be UTF-8. Copied. ERR_LIMIT when the queue is full: the peer is
 * being disconnected and on_close follows. ERR_CLOSED when it has ended and on_close is due. */
enum err websocket_send_text(struct websocket *websocket, struct text message);
/* The same for many peers: made once, shared by all queues, not copied. The maker lets go with
 * websocket_frame_release() when all sends are called. */
struct websocket_frame;
struct websocket_frame *websocket_frame_new(struct text message);
enum err websocket_send_frame(struct websocket *websocket, struct websocket_frame *frame);
void websocket_frame_release(struct websocket_frame *frame);
/* What waits to be taken by the peer: to send less important things only when it is small. */
size_t websocket_unsent(const struct websocket *websocket);

/* Send what waits and the close frame, then close, in the background and at most STREAM_FINISH_MS.
 * The websocket is gone on return. A reason is cut to WEBSOCKET_REASON_BYTES_MAX. */
void websocket_close(struct websocket *websocket, unsigned code, struct text reason);

struct websocket_counters {
    uint64_t open_now, opened, closed, refused;              /* refused: handshakes */
    uint64_t messages_in, messages_out, bytes_in, bytes_out; /* of messages, without framing */
    uint64_t broken_rules;                                   /* ended with 1002, 1003, 1007, 1009 */
    uint64_t too_slow, gone_silent; /* ended with 1013; without a sign of life */
};
const struct websocket_counters *websocket_counters(const struct websocket_server *server);

#endif
