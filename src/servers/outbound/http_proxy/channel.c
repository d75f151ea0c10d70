/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/channel.h"

enum { LENGTH_BYTES = 4, FRAME_BYTES_MIN = CHANNEL_HEAD_BYTES - LENGTH_BYTES };

static void put_u32(struct buf *out, uint32_t value)
{
    for (int shift = 24; shift >= 0; shift -= 8) buf_add_byte(out, (char)(value >> shift & 0xff));
}

static uint32_t get_u32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

enum err channel_put(struct buf *out, enum channel_type type, uint32_t transaction,
                     struct text head, const struct text *body)
{
    size_t length = FRAME_BYTES_MIN + head.len + (body ? 1 + body->len : 0);
    if (length > CHANNEL_FRAME_BYTES_MAX) return ERR_LIMIT;
    put_u32(out, (uint32_t)length);
    buf_add_byte(out, (char)type);
    put_u32(out, transaction);
    buf_add(out, head);
    if (body) {
        buf_add_byte(out, '\n');
        buf_add(out, *body);
    }
    return ERR_OK;
}

void channel_split(struct text payload, struct text *head, struct text *body)
{
    if (text_cut(payload, '\n', head, body)) return;
    *head = payload;
    *body = TEXT("");
}

void channel_reader_add(struct channel_reader *reader, struct text bytes)
{
    /* Frames that were taken leave here, so that views of them last until now. */
    buf_drop_front(&reader->bytes, reader->taken);
    reader->taken = 0;
    buf_add(&reader->bytes, bytes);
}

enum err channel_reader_next(struct channel_reader *reader, struct channel_frame *out)
{
    struct text rest = text_slice(buf_text(&reader->bytes), reader->taken, SIZE_MAX);
    if (rest.len < LENGTH_BYTES) return ERR_UNAVAILABLE;
    uint32_t length = get_u32(rest.at);
    if (length < FRAME_BYTES_MIN) return ERR_INVALID;
    if (length > CHANNEL_FRAME_BYTES_MAX) return ERR_LIMIT;
    if (rest.len < CHANNEL_HEAD_BYTES) return ERR_UNAVAILABLE;
    unsigned char type = (unsigned char)rest.at[LENGTH_BYTES];
    if (type < CHANNEL_CONFIG || type > CHANNEL_STOP) return ERR_INVALID;
    if (rest.len - LENGTH_BYTES < length) return ERR_UNAVAILABLE;
    *out = (struct channel_frame){
        .type = type,
        .transaction = get_u32(rest.at + LENGTH_BYTES + 1),
        .payload = text_slice(rest, CHANNEL_HEAD_BYTES, length - FRAME_BYTES_MIN),
    };
    reader->taken += LENGTH_BYTES + length;
    return ERR_OK;
}

void channel_reader_free(struct channel_reader *reader)
{
    buf_free(&reader->bytes);
    reader->taken = 0;
}
