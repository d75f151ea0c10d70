/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/websocket_client.h"

#include "base/buf.h"

enum {
    FIN = 0x80,
    TEXT_FRAME = 1,
    CLOSE_FRAME = 8,
    PING_FRAME = 9,
    PONG_FRAME = 10,
    MASKED = 0x80
};

struct websocket_client {
    struct net *net;
    struct stream *stream;
    struct buf input;
    struct text path, token;
    bool is_open, is_over;
    const struct websocket_client_handler *handler;
    void *self;
};

static void end(struct websocket_client *client, unsigned status, const char *words)
{
    if (client->is_over) return;
    client->is_over = true;
    stream_close(client->stream);
    client->handler->on_end(client->self, status, words);
}

/* --- out --- */

static void send_frame(struct websocket_client *client, unsigned opcode, struct text payload)
{
    static const unsigned char mask[4] = { 0x37, 0xfa, 0x21, 0x3d };
    struct buf frame = { 0 };
    buf_add_byte(&frame, (char)(FIN | opcode));
    if (payload.len < 126) {
        buf_add_byte(&frame, (char)(MASKED | payload.len));
    } else {
        ASSERT(payload.len <= UINT16_MAX);
        buf_add_byte(&frame, (char)(MASKED | 126));
        buf_add_byte(&frame, (char)(payload.len >> 8));
        buf_add_byte(&frame, (char)(payload.len & 0xff));
    }
    buf_add(&frame, (struct text){ (const char *)mask, sizeof mask });
    for (size_t i = 0; i < payload.len; i++)
        buf_add_byte(&frame, (char)((unsigned char)payload.at[i] ^ mask[i % sizeof mask]));
    stream_write(client->stream, buf_text(&frame));
    buf_free(&frame);
}

void websocket_client_send(struct websocket_client *client, struct text message)
{
    if (!client->is_over && client->is_open) send_frame(client, TEXT_FRAME, message);
}

void websocket_client_cut(struct websocket_client *client)
{
    client->is_over = true;
    stream_close(client->stream);
}

/* --- in --- */

static void on_open(void *self)
{
    struct websocket_client *client = self;
    struct buf head = { 0 };
    buf_format(&head,
               "GET %.*s HTTP/1.1\r\nHost: world\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
               "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
               "Authorization: Bearer %.*s\r\n\r\n",
               TEXT_ARG(client->path), TEXT_ARG(client->token));
    stream_write(client->stream, buf_text(&head));
    buf_free(&head);
}

/* Where the empty line begins; past the end: it has not come yet. */
static size_t find_head_end(struct text input)
{
    for (size_t at = 0; at + 4 <= input.len; at++)
        if (text_starts(text_slice(input, at, 4), TEXT("\r\n\r\n"))) return at;
    return input.len;
}

/* True: more may follow. */
static bool take_head(struct websocket_client *client)
{
    struct text input = buf_text(&client->input);
    size_t at = find_head_end(input);
    if (at >= input.len) return false;
    uint32_t status = 0;
    (void)text_to_u32(text_slice(input, 9, 3), 100, 599, &status);
    if (status != 101) {
        end(client, status, "the handshake was refused");
        return false;
    }
    buf_drop_front(&client->input, at + 4);
    client->is_open = true;
    client->handler->on_open(client->self);
    return true;
}

struct frame {
    unsigned opcode;
    struct text payload;
    size_t len;
};

static bool find_frame(const struct buf *input, struct frame *out)
{
    const unsigned char *at = (const unsigned char *)input->at;
    if (input->len < 2) return false;
    size_t head = 2, len = at[1];
    if (len >= 126) {
        size_t bytes = len == 126 ? 2 : 8;
        head += bytes;
        if (input->len < head) return false;
        len = 0;
        for (size_t i = 0; i < bytes; i++) len = len << 8 | at[2 + i];
    }
    if (input->len - head < len) return false;
    *out = (struct frame){ at[0], { input->at + head, len }, head + len };
    return true;
}

static bool take_frame(struct websocket_client *client)
{
    struct frame frame;
    if (!find_frame(&client->input, &frame)) return false;
    switch (frame.opcode) {
    case FIN | TEXT_FRAME: client->handler->on_message(client->self, frame.payload); break;
    case FIN | PING_FRAME: send_frame(client, PONG_FRAME, frame.payload); break;
    case FIN | PONG_FRAME: break;
    case FIN | CLOSE_FRAME: end(client, 0, ""); break;
    default: end(client, 0, "a frame that a server does not send");
    }
    if (!client->is_over) buf_drop_front(&client->input, frame.len);
    return !client->is_over;
}

static void on_bytes(void *self, struct text bytes)
{
    struct websocket_client *client = self;
    buf_add(&client->input, bytes);
    while (!client->is_over && (client->is_open ? take_frame(client) : take_head(client)))
        ;
}

static void on_closed(void *self, enum err why)
{
    (void)why;
    end(self, 0, "");
}

static void forget(void *self)
{
    buf_free(&((struct websocket_client *)self)->input);
}

struct websocket_client *websocket_client_open(struct scope *owner, struct net *net,
                                               struct text address, struct text path,
                                               struct text token,
                                               const struct websocket_client_handler *handler,
                                               void *self)
{
    static const struct stream_handler streams = { .on_open = on_open,
                                                   .on_bytes = on_bytes,
                                                   .on_closed = on_closed };
    struct websocket_client *client = scope_alloc(owner, sizeof *client);
    *client = (struct websocket_client){ .net = net,
                                         .path = scope_keep(owner, path),
                                         .token = scope_keep(owner, token),
                                         .handler = handler,
                                         .self = self };
    client->stream = stream_connect(owner, net, address, &streams, client);
    scope_on_close(owner, forget, client);
    return client;
}
