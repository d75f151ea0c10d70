/* SPDX-License-Identifier: Apache-2.0 */
#include "format/decode_stream.h"

#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64, OUT_BYTES = 16 * 1024, BAD_BYTE = 0xFF };

struct decode_stream {
    iconv_t way;
    uint32_t unit;    /* bytes that are skipped where they mean nothing */
    struct buf carry; /* the front of a character whose end is not here yet */
};

static void stream_close(void *self)
{
    struct decode_stream *stream = self;
    (void)iconv_close(stream->way);
    buf_free(&stream->carry);
}

static uint32_t unit_of(struct text name)
{
    if (text_starts(name, TEXT("UTF-16")) || text_starts(name, TEXT("UCS-2"))) return 2;
    if (text_starts(name, TEXT("UTF-32")) || text_starts(name, TEXT("UCS-4"))) return 4;
    return 1;
}

enum err decode_stream_new(struct scope *owner, struct text name, struct decode_stream **out,
                           struct fault *fault)
{
    char z[NAME_BYTES_MAX];
    bool is_name = name.len && text_find(name, '/', 0) == SIZE_MAX && !text_to_z(name, z, sizeof z);
    iconv_t way = is_name ? iconv_open("UTF-8", z) : (iconv_t)-1;
    if (way == (iconv_t)-1)
        return fault_set(fault, ERR_UNSUPPORTED, "encoding", "%.*s is no known character set",
                         TEXT_ARG(name));
    struct decode_stream *stream = scope_alloc(owner, sizeof *stream);
    *stream = (struct decode_stream){ .way = way, .unit = unit_of(name) };
    scope_on_close(owner, stream_close, stream);
    *out = stream;
    return ERR_OK;
}

/* Converts what it can; returns how many bytes of a character at the end are left. */
static size_t convert(struct decode_stream *stream, struct text in, struct buf *out)
{
    char *at = (char *)(uintptr_t)in.at; /* iconv does not write there */
    size_t left = in.len;
    while (left > 0) {
        size_t room = OUT_BYTES;
        char *to = buf_reserve(out, room);
        size_t code = iconv(stream->way, &at, &left, &to, &room);
        int why = errno;
        out->len = (size_t)(to - out->at);
        if (code != (size_t)-1 || why == E2BIG) continue;
        if (why == EINVAL) break;
        buf_add_byte(out, (char)BAD_BYTE);
        size_t skipped = left < stream->unit ? left : stream->unit;
        at += skipped;
        left -= skipped;
    }
    return left;
}

void decode_stream_feed(struct decode_stream *stream, struct text bytes, struct buf *out)
{
    bool is_joined = stream->carry.len > 0;
    if (is_joined) {
        buf_add(&stream->carry, bytes);
        bytes = buf_text(&stream->carry);
    }
    size_t left = convert(stream, bytes, out);
    if (is_joined)
        buf_drop_front(&stream->carry, bytes.len - left);
    else
        buf_add(&stream->carry, text_slice(bytes, bytes.len - left, left));
}

void decode_stream_end(struct decode_stream *stream, struct buf *out)
{
    if (stream->carry.len > 0) buf_add_byte(out, (char)BAD_BYTE);
    buf_clear(&stream->carry);
}

struct text decode_stream_set_of_mark(struct text front)
{
    if (text_starts(front, ((struct text){ "\xFF\xFE\0\0", 4 }))) return TEXT("UTF-32LE");
    if (text_starts(front, ((struct text){ "\0\0\xFE\xFF", 4 }))) return TEXT("UTF-32BE");
    if (text_starts(front, TEXT("\xFF\xFE"))) return TEXT("UTF-16LE");
    if (text_starts(front, TEXT("\xFE\xFF"))) return TEXT("UTF-16BE");
    return TEXT("");
}
