/* SPDX-License-Identifier: Apache-2.0 */
/* wslay reads through a buffer of its own and would read on into the next frame, so it is handed
 * the bytes of one frame only: first its head, looked at on the way (check_head), then its payload.
 * Start reading at websocket_input_read(). */
#include "io/http/websocket_input.h"

#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <wslay/wslay.h>

enum { HEAD_START_BYTES = 2, MASK_BYTES = 4, HEAD_BYTES_MAX = 14 }; /* with 8 bytes of length */

struct websocket_receipt {
    wslay_frame_context_ptr wslay;
    struct websocket_input *input;
    struct text bytes; /* not yet taken; during websocket_input_read() */
    uint8_t head[HEAD_BYTES_MAX];
    uint8_t head_len, head_bytes; /* come so far, and of the whole head as far as it is known */
    enum websocket_opcode opcode;
    bool is_last;          /* of its message */
    bool has_ended;        /* lent out until the next call */
    uint64_t payload_left; /* not yet handed to wslay */
    uint64_t frame_left;   /* not yet come out of it */
    char control[WEBSOCKET_CONTROL_BYTES_MAX];
    uint8_t control_len;
};

/* --- UTF-8 --- */

/* RFC 3629 section 4: what may follow the first byte of a character. */
static bool utf8_begin(struct websocket_utf8 *utf8, uint8_t byte)
{
    utf8->min = 0x80;
    utf8->max = 0xbf;
    if (byte < 0x80) return true;
    if (byte < 0xc2 || byte > 0xf4) return false;
    utf8->left = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3;
    if (byte == 0xe0) utf8->min = 0xa0; /* shorter forms exist */
    if (byte == 0xed) utf8->max = 0x9f; /* surrogates */
    if (byte == 0xf0) utf8->min = 0x90;
    if (byte == 0xf4) utf8->max = 0x8f; /* past U+10FFFF */
    return true;
}

bool websocket_utf8_add(struct websocket_utf8 *utf8, struct text bytes)
{
    for (size_t i = 0; i < bytes.len; i++) {
        uint8_t byte = (uint8_t)bytes.at[i];
        if (utf8->left == 0) {
            if (!utf8_begin(utf8, byte)) return false;
            continue;
        }
        if (byte < utf8->min || byte > utf8->max) return false;
        utf8->left--;
        utf8->min = 0x80;
        utf8->max = 0xbf;
    }
    return true;
}

bool websocket_utf8_is_whole(const struct websocket_utf8 *utf8)
{
    return utf8->left == 0;
}

/* --- the head of a frame --- */

static bool refuse(struct websocket_input *input, unsigned code, const char *words)
{
    input->refusal = (struct websocket_refusal){ code, words };
    return false;
}

static bool is_control(unsigned opcode)
{
    return opcode >= WEBSOCKET_CLOSE;
}

static bool check_data_frame(struct websocket_input *input, unsigned opcode)
{
    if (opcode == WEBSOCKET_CONTINUATION && !input->is_in_message)
        return refuse(input, 1002, "a continuation of nothing");
    if (opcode != WEBSOCKET_CONTINUATION && input->is_in_message)
        return refuse(input, 1002, "a message inside a message");
    if (opcode == WEBSOCKET_BINARY) return refuse(input, 1003, "only text is understood");
    return true;
}

/* The first two bytes: all but long lengths. */
static bool check_head_start(struct websocket_receipt *receipt)
{
    struct websocket_input *input = receipt->input;
    unsigned opcode = receipt->head[0] & 0x0f, length = receipt->head[1] & 0x7f;
    receipt->is_last = receipt->head[0] & 0x80;
    receipt->opcode = (enum websocket_opcode)opcode;
    if (receipt->head[0] & 0x70) return refuse(input, 1002, "reserved bits are set");
    if ((opcode > WEBSOCKET_BINARY && opcode < WEBSOCKET_CLOSE) || opcode > WEBSOCKET_PONG)
        return refuse(input, 1002, "an unknown opcode");
    if (!(receipt->head[1] & 0x80)) return refuse(input, 1002, "frames of clients are masked");
    if (is_control(opcode) && !receipt->is_last)
        return refuse(input, 1002, "control frames come in one piece");
    if (is_control(opcode) && length > WEBSOCKET_CONTROL_BYTES_MAX)
        return refuse(input, 1002, "control frames hold 125 bytes at most");
    receipt->head_bytes = length == 126 ? 8 : length == 127 ? 14 : 6;
    return is_control(opcode) || check_data_frame(input, opcode);
}

static uint64_t head_length(const struct websocket_receipt *receipt)
{
    uint64_t length = receipt->head[1] & 0x7f;
    unsigned bytes = length == 126 ? 2 : length == 127 ? 8 : 0;
    if (bytes) length = 0;
    for (unsigned i = 0; i < bytes; i++) length = length << 8 | receipt->head[2 + i];
    return length;
}

static bool check_length(struct websocket_receipt *receipt)
{
    struct websocket_input *input = receipt->input;
    uint64_t length = head_length(receipt);
    if ((receipt->head_bytes == 8 && length < 126) || (receipt->head_bytes == 14 && length < 65536))
        return refuse(input, 1002, "a length is not in its shortest form");
    if (length > INT64_MAX) return refuse(input, 1002, "a length has its highest bit set");
    if (!is_control(receipt->opcode) && length > input->message_bytes_max - input->message.len)
        return refuse(input, 1009, "the message is too long");
    receipt->payload_left = receipt->frame_left = length;
    return true;
}

/* --- the frame, through wslay --- */

/* Of the head only what belongs to it: its end is known after two bytes; and its length before its
 * mask, so that it is judged at once. */
static size_t head_room(const struct websocket_receipt *receipt)
{
    size_t end = HEAD_START_BYTES;
    if (receipt->head_len >= HEAD_START_BYTES) end = (size_t)receipt->head_bytes - MASK_BYTES;
    if (receipt->head_len >= HEAD_START_BYTES && receipt->head_len >= end)
        end = receipt->head_bytes;
    return end - receipt->head_len;
}

static bool take_head(struct websocket_receipt *receipt, const uint8_t *bytes, size_t len)
{
    memcpy(receipt->head + receipt->head_len, bytes, len);
    receipt->head_len = (uint8_t)(receipt->head_len + len);
    if (receipt->head_len == HEAD_START_BYTES && !check_head_start(receipt)) return false;
    if (receipt->head_len < HEAD_START_BYTES) return true;
    bool has_length = receipt->head_len == receipt->head_bytes - MASK_BYTES;
    return !has_length || check_length(receipt);
}

static ssize_t on_wslay_wants(uint8_t *room, size_t len, int flags, void *self)
{
    (void)flags;
    struct websocket_receipt *receipt = self;
    bool is_head = receipt->head_len < HEAD_START_BYTES || receipt->head_len < receipt->head_bytes;
    uint64_t wanted = is_head ? head_room(receipt) : receipt->payload_left;
    if (len > wanted) len = (size_t)wanted;
    if (len > receipt->bytes.len) len = receipt->bytes.len;
    if (len == 0) return -1;
    memcpy(room, receipt->bytes.at, len);
    receipt->bytes = text_slice(receipt->bytes, len, receipt->bytes.len);
    if (!is_head)
        receipt->payload_left -= len;
    else if (!take_head(receipt, room, len))
        return -1;
    return (ssize_t)len;
}

static struct websocket_receipt *receipt_new(struct websocket_input *input)
{
    static const struct wslay_frame_callbacks callbacks = { .recv_callback = on_wslay_wants };
    struct websocket_receipt *receipt = calloc(1, sizeof *receipt);
    ASSERT(receipt != NULL);
    receipt->input = input;
    ASSERT(wslay_frame_context_init(&receipt->wslay, &callbacks, receipt) == 0);
    return receipt;
}

static void receipt_drop(struct websocket_input *input)
{
    if (input->receipt == NULL) return;
    wslay_frame_context_free(input->receipt->wslay);
    free(input->receipt);
    input->receipt = NULL;
}

static bool take_payload(struct websocket_receipt *receipt, struct text part)
{
    struct websocket_input *input = receipt->input;
    receipt->frame_left -= part.len;
    if (is_control(receipt->opcode)) {
        if (part.len) memcpy(receipt->control + receipt->control_len, part.at, part.len);
        receipt->control_len = (uint8_t)(receipt->control_len + part.len);
        return true;
    }
    if (!websocket_utf8_add(&input->utf8, part)) return refuse(input, 1007, "text is not UTF-8");
    buf_add(&input->message, part);
    return true;
}

/* False: refused. On true the frame has ended, or all bytes are used. */
static bool read_frame(struct websocket_receipt *receipt)
{
    struct wslay_frame_iocb frame = { 0 };
    size_t before;
    do {
        before = receipt->bytes.len;
        ssize_t len = wslay_frame_recv(receipt->wslay, &frame);
        if (receipt->input->refusal.code) return false;
        if (len == WSLAY_ERR_WANT_READ && (receipt->bytes.len < before || before == 0)) continue;
        if (len < 0) return refuse(receipt->input, 1002, "a frame is not well-formed");
        if (!take_payload(receipt, (struct text){ (const char *)frame.data, (size_t)len }))
            return false;
        receipt->has_ended = receipt->frame_left == 0;
    } while (!receipt->has_ended && receipt->bytes.len > 0);
    return true;
}

/* --- events --- */

/* RFC 6455 7.4 and IANA's list; 1004 to 1006 and 1015 are never sent. */
static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code <= 1003) || (code >= 1007 && code <= 1014) ||
           (code >= 3000 && code <= 4999);
}

static enum websocket_event end_close(struct websocket_input *input, struct websocket_found *found)
{
    const struct websocket_receipt *receipt = input->receipt;
    struct text payload = { receipt->control, receipt->control_len };
    found->payload = text_slice(payload, 2, payload.len);
    found->code = 1005;
    if (payload.len == 1)
        (void)refuse(input, 1002, "a close code has two bytes");
    else if (payload.len > 0)
        found->code = (unsigned)(uint8_t)payload.at[0] << 8 | (uint8_t)payload.at[1];
    if (payload.len > 1 && !is_close_code(found->code))
        (void)refuse(input, 1002, "no such close code");
    else if (!text_is_utf8(found->payload))
        (void)refuse(input, 1007, "the reason is not UTF-8");
    return input->refusal.code ? WEBSOCKET_EVENT_REFUSED : WEBSOCKET_EVENT_CLOSE;
}

static enum websocket_event end_data_frame(struct websocket_input *input,
                                           struct websocket_found *found)
{
    input->is_in_message = !input->receipt->is_last;
    if (input->is_in_message) return WEBSOCKET_EVENT_NONE;
    if (!websocket_utf8_is_whole(&input->utf8)) {
        (void)refuse(input, 1007, "text ends inside a character");
        return WEBSOCKET_EVENT_REFUSED;
    }
    found->payload = buf_text(&input->message);
    return WEBSOCKET_EVENT_MESSAGE;
}

static enum websocket_event end_frame(struct websocket_input *input, struct websocket_found *found)
{
    const struct websocket_receipt *receipt = input->receipt;
    found->payload = (struct text){ receipt->control, receipt->control_len };
    switch (receipt->opcode) {
    case WEBSOCKET_PING: return WEBSOCKET_EVENT_PING;
    case WEBSOCKET_PONG: return WEBSOCKET_EVENT_PONG;
    case WEBSOCKET_CLOSE: return end_close(input, found);
    case WEBSOCKET_CONTINUATION:
    case WEBSOCKET_TEXT:
    case WEBSOCKET_BINARY: break;
    }
    return end_data_frame(input, found);
}

/* What the last event lent out. */
static void let_go(struct websocket_input *input)
{
    if (input->receipt && input->receipt->has_ended) receipt_drop(input);
    if (input->is_in_message || input->receipt) return;
    buf_free(&input->message);
    input->utf8 = (struct websocket_utf8){ 0 };
}

enum websocket_event websocket_input_read(struct websocket_input *input, struct text *bytes,
                                          struct websocket_found *found)
{
    if (input->refusal.code) return WEBSOCKET_EVENT_REFUSED;
    let_go(input);
    while (bytes->len > 0) {
        if (input->receipt == NULL) input->receipt = receipt_new(input);
        input->receipt->bytes = *bytes;
        bool is_fine = read_frame(input->receipt);
        *bytes = input->receipt->bytes;
        if (!is_fine) return WEBSOCKET_EVENT_REFUSED;
        if (!input->receipt->has_ended) break;
        enum websocket_event event = end_frame(input, found);
        if (event != WEBSOCKET_EVENT_NONE) return event;
        receipt_drop(input);
    }
    return WEBSOCKET_EVENT_NONE;
}

size_t websocket_input_held_bytes(const struct websocket_input *input)
{
    return input->message.room;
}

void websocket_input_drop(struct websocket_input *input)
{
    receipt_drop(input);
    buf_free(&input->message);
}

size_t websocket_frame_head(enum websocket_opcode opcode, size_t payload_bytes,
                            uint8_t head[WEBSOCKET_HEAD_BYTES_MAX])
{
    unsigned bytes = payload_bytes < 126 ? 0 : payload_bytes < 65536 ? 2 : 8;
    head[0] = (uint8_t)(0x80U | (unsigned)opcode);
    head[1] = (uint8_t)(bytes == 0 ? payload_bytes : bytes == 2 ? 126 : 127);
    for (unsigned i = 0; i < bytes; i++)
        head[2 + i] = (uint8_t)((uint64_t)payload_bytes >> (8 * (bytes - 1 - i)));
    return 2 + bytes;
}
