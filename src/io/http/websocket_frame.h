/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_frame.h - whole frames of ours, as bytes that many queues may hold; for websocket.c.
 * Owner    whoever made one is its first holder; the last to let go frees it. */
#ifndef IO_HTTP_WEBSOCKET_FRAME_H
#define IO_HTTP_WEBSOCKET_FRAME_H

#include "io/http/websocket.h"
#include "io/http/websocket_input.h"

struct websocket_frame {
    uint32_t holders;
    uint32_t head_len;
    size_t len; /* of bytes, the head among them */
    char bytes[];
};

struct websocket_frame *websocket_frame_make(enum websocket_opcode opcode, struct text payload);
/* 1005 goes out without a code; the reason is cut to fit. */
struct websocket_frame *websocket_frame_make_close(unsigned code, struct text reason);
size_t websocket_frame_weight(const struct websocket_frame *frame); /* in memory */

#endif
