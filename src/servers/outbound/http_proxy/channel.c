/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/channel.h"

enum { LENGTH_BYTES = 4, FRAME_BYTES_MIN = CHANNEL_HEAD_BYTES - LENGTH_BYTES };

static void put_u32(char *at, uint32_t value)
{
    for (int i = 0; i < 4; i++) at[i] = (char)(value >> (24 - 8 * i) & 0xff);
}

static uint32_t get_u32(const char *at)
{
    const unsigned char *bytes = (const unsigned char *)at;
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

size_t channel_begin(struct buf *out, enum channel_type type, uint32_t transaction)
{
    size_t begun = out->len;
    char *head = buf_reserve(out, CHANNEL_HEAD_BYTES); /* its length comes at the end */
    head[LENGTH_BYTES] = (char)type;
    put_u32(head + LENGTH_BYTES + 1, transaction);
    out->len += CHANNEL_HEAD_BYTES;
    return begun;
}

enum err channel_end(struct buf *out, size_t begun)
{
    size_t length = out->len - begun - LENGTH_BYTES;
    if (length > CHANNEL_FRAME_BYTES_MAX) {
        out->len = begun;
        return ERR_LIMIT;
    }
    put_u32(out->at + begun, (uint32_t)length);
    return ERR_OK;
}

enum err channel_put(struct buf *out, enum channel_type type, uint32_t transaction,
                     struct text payload)
{
    size_t begun = channel_begin(out, type, transaction);
    buf_add(out, payload);
    return channel_end(out, begun);
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
    if (type < CHANNEL_CONFIG || type > CHANNEL_RECORD) return ERR_INVALID;
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
