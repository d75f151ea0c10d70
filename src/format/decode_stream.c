/* SPDX-License-Identifier: Apache-2.0 */
#include "format/decode_stream.h"

#include <errno.h>
#include <iconv.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64, WIDE_MAX = 4096, UTF8_BYTES_MAX = 4, BAD_BYTE = 0xFF };

/* iconv goes to wide characters, and from there we go ourselves. Between any other two sets it
 * takes two steps, and takes back what the second refuses as far as the last good character of the
 * same call: which bytes are bad would depend on where the slices end. */
_Static_assert(sizeof(wchar_t) == 4, "WCHAR_T is UCS-4");

struct decode_stream {
    iconv_t way;
    uint32_t unit;    /* bytes that are skipped where they mean nothing */
    bool is_utf7;     /* whose bad byte ends its base64: else iconv refuses or garbles all behind */
    struct buf carry; /* the front of a character whose end is not here yet */
};

static void stream_close(void *self)
{
    struct decode_stream *stream = self;
    (void)iconv_close(stream->way);
    buf_free(&stream->carry);
}

/* Sets have many names, so we ask: the bytes that make one character of zeros. */
static uint32_t unit_of(const char *z)
{
    char zeros[4] = { 0 }, *in = zeros;
    wchar_t wide[sizeof zeros];
    char *to = (char *)wide;
    size_t left = sizeof zeros, room = sizeof wide;
    iconv_t way = iconv_open("WCHAR_T", z);
    (void)iconv(way, &in, &left, &to, &room);
    (void)iconv_close(way);
    size_t count = (sizeof wide - room) / sizeof wide[0];
    return left == 0 && count > 0 ? (uint32_t)(sizeof zeros / count) : 1;
}

static bool is_utf7_name(struct text name)
{
    return text_eq_fold(text_slice(name, 0, 5), TEXT("UTF-7")) || text_eq_fold(name, TEXT("UTF7"));
}

enum err decode_stream_new(struct scope *owner, struct text name, struct decode_stream **out,
                           struct fault *fault)
{
    char z[NAME_BYTES_MAX];
    bool is_name = name.len && text_find(name, '/', 0) == SIZE_MAX && !text_to_z(name, z, sizeof z);
    iconv_t way = is_name ? iconv_open("WCHAR_T", z) : (iconv_t)-1;
    if (way == (iconv_t)-1)
        return fault_set(fault, ERR_UNSUPPORTED, "encoding", "%.*s is no known character set",
                         TEXT_ARG(name));
    struct decode_stream *stream = scope_alloc(owner, sizeof *stream);
    *stream =
        (struct decode_stream){ .way = way, .unit = unit_of(z), .is_utf7 = is_utf7_name(name) };
    scope_on_close(owner, stream_close, stream);
    *out = stream;
    return ERR_OK;
}

static void add_character(struct buf *out, uint32_t c)
{
    if (c < 0x80) {
        buf_add_byte(out, (char)c);
        return;
    }
    if (c > 0x10FFFF || (c >= 0xD800 && c < 0xE000)) {
        buf_add_byte(out, (char)BAD_BYTE);
        return;
    }
    uint32_t more = c < 0x800 ? 1 : c < 0x10000 ? 2 : 3; /* bytes behind the first */
    char *to = buf_reserve(out, UTF8_BYTES_MAX);
    to[0] = (char)(0xFF00U >> (more + 1) | c >> (6 * more));
    for (uint32_t i = 1; i <= more; i++) to[i] = (char)(0x80U | (c >> (6 * (more - i)) & 0x3FU));
    out->len += more + 1;
}

/* One call of iconv; `in` NULL: what it has held back. Returns its errno, 0 where all went well. */
static int convert_some(struct decode_stream *stream, char **in, size_t *left, struct buf *out)
{
    wchar_t wide[WIDE_MAX];
    char *to = (char *)wide;
    size_t room = sizeof wide;
    int why = iconv(stream->way, in, left, &to, &room) == (size_t)-1 ? errno : 0;
    size_t count = (sizeof wide - room) / sizeof wide[0];
    for (size_t i = 0; i < count; i++) add_character(out, (uint32_t)wide[i]);
    return why;
}

/* Converts what it can; returns how many bytes of a character at the end are left. */
static size_t convert(struct decode_stream *stream, struct text in, struct buf *out)
{
    char *at = (char *)(uintptr_t)in.at; /* iconv does not write there */
    size_t left = in.len;
    while (left > 0) {
        int why = convert_some(stream, &at, &left, out);
        if (why == 0 || why == E2BIG) continue;
        if (why == EINVAL) break;
        buf_add_byte(out, (char)BAD_BYTE);
        size_t skipped = left < stream->unit ? left : stream->unit;
        at += skipped;
        left -= skipped;
        if (stream->is_utf7) (void)iconv(stream->way, NULL, NULL, NULL, NULL);
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
    (void)convert_some(stream, NULL, NULL, out); /* a letter that waited for its accent */
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
