/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_input.h - the bytes of one WebSocket client in, its messages and control frames out;
 * and frames of ours as bytes. wslay takes frames apart behind this file alone.
 * Promise  a rule is applied at the earliest byte that breaks it; what is refused stays refused.
 * Pure     no clock, no I/O. Between frames and messages it owns no memory beyond itself.
 * Source   RFC 6455 sections 5, 7.4, 8.1. */
#ifndef IO_HTTP_WEBSOCKET_INPUT_H
#define IO_HTTP_WEBSOCKET_INPUT_H

#include "base/buf.h"

enum { WEBSOCKET_CONTROL_BYTES_MAX = 125, WEBSOCKET_HEAD_BYTES_MAX = 10 };

struct websocket_utf8 { /* zeroed: at the beginning */
    uint8_t left;       /* bytes that the character still needs */
    uint8_t min, max;   /* of the next one of these */
};
/* Goes on where the last piece ended; false at the first byte that no UTF-8 can have. */
bool websocket_utf8_add(struct websocket_utf8 *utf8, struct text bytes);
bool websocket_utf8_is_whole(const struct websocket_utf8 *utf8); /* may end here */

struct websocket_refusal {
    unsigned code; /* 0: none; 1002, 1003, 1007, 1009 */
    const char *words;
};

struct websocket_receipt; /* of a frame, from its first byte to its last */

struct websocket_input { /* zeroed but for message_bytes_max: nothing has come */
    uint32_t message_bytes_max;
    bool is_in_message; /* its first frame has come, its last has not */
    struct websocket_utf8 utf8;
    struct buf message;
    struct websocket_receipt *receipt;
    struct websocket_refusal refusal;
};

enum websocket_event {
    WEBSOCKET_EVENT_NONE, /* all bytes are used */
    WEBSOCKET_EVENT_MESSAGE,
    WEBSOCKET_EVENT_PING,
    WEBSOCKET_EVENT_PONG,
    WEBSOCKET_EVENT_CLOSE,   /* the code is checked; 1005 when there is none */
    WEBSOCKET_EVENT_REFUSED, /* see input->refusal */
};
struct websocket_found {
    struct text payload; /* of a message or control frame; the reason of a close */
    unsigned code;       /* of a close */
};

/* Takes bytes off the front of `bytes` up to the next event; call it until there is none.
 * `found` is good until the next call, which frees what is behind it. */
enum websocket_event websocket_input_read(struct websocket_input *input, struct text *bytes,
                                          struct websocket_found *found);
size_t websocket_input_held_bytes(const struct websocket_input *input);
void websocket_input_drop(struct websocket_input *input); /* its memory */

enum websocket_opcode {
    WEBSOCKET_CONTINUATION = 0,
    WEBSOCKET_TEXT = 1,
    WEBSOCKET_BINARY = 2,
    WEBSOCKET_CLOSE = 8,
    WEBSOCKET_PING = 9,
    WEBSOCKET_PONG = 10,
};
/* The head of a whole, unmasked frame. Returns its length. */
size_t websocket_frame_head(enum websocket_opcode opcode, size_t payload_bytes,
                            uint8_t head[WEBSOCKET_HEAD_BYTES_MAX]);

#endif
