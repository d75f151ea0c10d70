/* SPDX-License-Identifier: Apache-2.0 */
#include "io/http/websocket_frame.h"

#include <stdlib.h>
#include <string.h>

struct websocket_frame *websocket_frame_make(enum websocket_opcode opcode, struct text payload)
{
    uint8_t head[WEBSOCKET_HEAD_BYTES_MAX];
    size_t head_len = websocket_frame_head(opcode, payload.len, head);
    struct websocket_frame *frame = malloc(sizeof *frame + head_len + payload.len);
    ASSERT(frame != NULL);
    *frame = (struct websocket_frame){ .holders = 1,
                                       .head_len = (uint32_t)head_len,
                                       .len = head_len + payload.len };
    memcpy(frame->bytes, head, head_len);
    if (payload.len) memcpy(frame->bytes + head_len, payload.at, payload.len);
    return frame;
}

struct websocket_frame *websocket_frame_new(struct text message)
{
    return websocket_frame_make(WEBSOCKET_TEXT, message);
}

void websocket_frame_release(struct websocket_frame *frame)
{
    if (--frame->holders == 0) free(frame);
}

size_t websocket_frame_weight(const struct websocket_frame *frame)
{
    return sizeof *frame + frame->len;
}

/* As much of it as fits, not cut inside a character. */
static struct text cut_reason(struct text reason)
{
    size_t len = reason.len < WEBSOCKET_REASON_BYTES_MAX ? reason.len : WEBSOCKET_REASON_BYTES_MAX;
    while (len > 0 && len < reason.len && ((uint8_t)reason.at[len] & 0xc0) == 0x80) len--;
    return text_slice(reason, 0, len);
}

struct websocket_frame *websocket_frame_make_close(unsigned code, struct text reason)
{
    char payload[2 + WEBSOCKET_REASON_BYTES_MAX] = { (char)(code >> 8), (char)code };
    if (code == WEBSOCKET_NO_CODE) return websocket_frame_make(WEBSOCKET_CLOSE, TEXT(""));
    reason = cut_reason(reason);
    if (reason.len) memcpy(payload + 2, reason.at, reason.len);
    return websocket_frame_make(WEBSOCKET_CLOSE, (struct text){ payload, 2 + reason.len });
}
