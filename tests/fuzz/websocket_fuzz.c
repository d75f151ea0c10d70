/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_fuzz.c - frames of a WebSocket client; beside a reader of RFC 6455.
 * Alike however they are cut: a rule is applied at the earliest byte that breaks it. There is
 * nothing that the two readers judge differently. */
#include "tests/fuzz/fuzz.h"

#include "io/http/websocket_input.h"

#include <string.h>

enum { MESSAGE_BYTES_MAX = 300, CONTROL_OPCODE = 8 };

static void tell(struct buf *told, const char *what, unsigned code, struct text payload)
{
    buf_format(told, "%s %u %zu=", what, code, payload.len);
    buf_add(told, payload);
    buf_add_byte(told, '\n');
}

/* --- the second reader --- */

struct second {
    struct text in;
    size_t at;
    struct buf message, told;
    bool is_in_message;
};

/* May this be the front of a text? */
static bool is_utf8_front(struct text in)
{
    static const char *const ends[] = { "",         "\x80",         "\xa0",        "\x80\x80",
                                        "\xa0\x80", "\x80\x80\x80", "\xa0\x80\x80" };
    /* Only its last character can be open. */
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        struct buf whole = { 0 };
        buf_add(&whole, in);
        buf_add_z(&whole, ends[i]);
        bool is_whole = text_is_utf8(buf_text(&whole));
        buf_free(&whole);
        if (is_whole) return true;
    }
    return false;
}

static bool refuse(struct second *second, unsigned code)
{
    tell(&second->told, "refused", code, TEXT(""));
    return false;
}

static unsigned byte_at(const struct second *second, size_t offset)
{
    return (unsigned char)second->in.at[second->at + offset];
}

static bool is_close_code(unsigned code)
{
    return (code >= 1000 && code < 1015 && (code < 1004 || code > 1006)) ||
           (code >= 3000 && code < 5000);
}

static bool end_control(struct second *second, unsigned opcode, struct text payload)
{
    if (opcode != CONTROL_OPCODE) {
        tell(&second->told, opcode == 9 ? "ping" : "pong", 0, payload);
        return true;
    }
    if (payload.len == 1) return refuse(second, 1002);
    unsigned code = 1005;
    if (payload.len > 1) code = (unsigned char)payload.at[0] * 256U + (unsigned char)payload.at[1];
    if (payload.len > 1 && !is_close_code(code)) return refuse(second, 1002);
    payload = text_slice(payload, 2, SIZE_MAX);
    if (!text_is_utf8(payload)) return refuse(second, 1007);
    tell(&second->told, "close", code, payload);
    return true;
}

/* The two bytes of every frame. */
static bool check_first(struct second *second, unsigned opcode, bool is_last)
{
    unsigned first = byte_at(second, 0), length = byte_at(second, 1) & 0x7f;
    bool is_control = opcode >= CONTROL_OPCODE;
    if (first & 0x70 || (opcode > 2 && opcode < 8) || opcode > 10) return refuse(second, 1002);
    if (!(byte_at(second, 1) & 0x80)) return refuse(second, 1002);
    if (is_control) return !is_last || length > 125 ? refuse(second, 1002) : true;
    if ((opcode == 0) != second->is_in_message) return refuse(second, 1002);
    return opcode == 2 ? refuse(second, 1003) : true;
}

static bool read_payload(struct second *second, unsigned opcode, bool is_last, uint64_t length,
                         size_t head)
{
    char payload[MESSAGE_BYTES_MAX];
    const char *mask = second->in.at + second->at + head - 4;
    size_t there = second->in.len - second->at - head;
    if (there > length) there = (size_t)length;
    for (size_t i = 0; i < there; i++)
        payload[i] = (char)(second->in.at[second->at + head + i] ^ mask[i % 4]);
    struct text part = { payload, there };
    if (opcode < CONTROL_OPCODE) {
        buf_add(&second->message, part);
        if (!is_utf8_front(buf_text(&second->message))) return refuse(second, 1007);
    }
    if (there < length) return false;
    second->at += head + there;
    if (opcode >= CONTROL_OPCODE) return end_control(second, opcode, part);
    second->is_in_message = !is_last;
    if (!is_last) return true;
    if (!text_is_utf8(buf_text(&second->message))) return refuse(second, 1007);
    tell(&second->told, "message", 0, buf_text(&second->message));
    buf_clear(&second->message);
    return true;
}

static bool read_frame(struct second *second)
{
    size_t left = second->in.len - second->at;
    if (left < 2) return false;
    unsigned opcode = byte_at(second, 0) & 15;
    bool is_last = byte_at(second, 0) & 0x80;
    if (!check_first(second, opcode, is_last)) return false;
    uint64_t length = byte_at(second, 1) & 0x7f;
    size_t more = length == 126 ? 2 : length == 127 ? 8 : 0, head = 2 + more + 4;
    if (left < head - 4) return false;
    if (more) length = 0;
    for (size_t i = 0; i < more; i++) length = length << 8 | byte_at(second, 2 + i);
    if ((more == 2 && length < 126) || (more == 8 && (length < 65536 || length >> 63)))
        return refuse(second, 1002);
    if (opcode < CONTROL_OPCODE && length > MESSAGE_BYTES_MAX - second->message.len)
        return refuse(second, 1009);
    return left >= head && read_payload(second, opcode, is_last, length, head);
}

/* --- ours --- */

static void read_ours(struct websocket_input *input, struct text bytes, struct buf *told)
{
    static const char *const names[] = { "", "message", "ping", "pong", "close" };
    struct websocket_found found = { 0 };
    enum websocket_event event;
    while ((event = websocket_input_read(input, &bytes, &found)) != WEBSOCKET_EVENT_NONE) {
        if (event == WEBSOCKET_EVENT_REFUSED) {
            FUZZ_CHECK(input->refusal.code && input->refusal.words);
            tell(told, "refused", input->refusal.code, TEXT(""));
            return;
        }
        if (event == WEBSOCKET_EVENT_CLOSE) FUZZ_CHECK(found.code >= 1000);
        tell(told, names[event], event == WEBSOCKET_EVENT_CLOSE ? found.code : 0, found.payload);
    }
    FUZZ_CHECK(bytes.len == 0);
    FUZZ_CHECK(websocket_input_held_bytes(input) <= 4 * MESSAGE_BYTES_MAX);
}

static void read_cut(struct text in, struct random *random, struct buf *told)
{
    struct websocket_input input = { .message_bytes_max = MESSAGE_BYTES_MAX };
    while (in.len > 0 && input.refusal.code == 0) {
        struct text piece = fuzz_piece(random, &in);
        read_ours(&input, piece, told);
        fuzz_free(piece);
    }
    websocket_input_drop(&input);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    struct random random = fuzz_random(in);
    struct second second = { .in = in };
    struct websocket_input input = { .message_bytes_max = MESSAGE_BYTES_MAX };
    struct buf whole = { 0 }, cut = { 0 };
    read_ours(&input, in, &whole);
    websocket_input_drop(&input);
    read_cut(in, &random, &cut);
    while (read_frame(&second)) {}
    FUZZ_CHECK(text_eq(buf_text(&whole), buf_text(&cut)));
    FUZZ_CHECK(text_eq(buf_text(&whole), buf_text(&second.told)));
    buf_free(&whole);
    buf_free(&cut);
    buf_free(&second.told);
    buf_free(&second.message);
    return 0;
}
