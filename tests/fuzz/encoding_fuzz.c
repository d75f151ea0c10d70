/* SPDX-License-Identifier: Apache-2.0 */
/* encoding_fuzz.c - character sets, as strings and as streams.
 * A stream is decoded alike however it is cut, and as the string is; what is decoded strictly is
 * encoded to the bytes it came from. The first byte chooses the set. Sets of several forms, of
 * states or with byte order marks are not asked for the way back: the C library's iconv keeps the
 * byte order of the first string that it read. */
#include "tests/fuzz/fuzz.h"

#include "format/decode_stream.h"
#include "format/encoding.h"

#include <string.h>

/* Sets whose characters have one form each: bytes, text and bytes again are the same. */
static const struct {
    const char *name;
    bool has_one_form;
} sets[] = {
    { "UTF-8", true },        { "ISO-8859-1", true }, { "ISO-8859-15", true },
    { "WINDOWS-1252", true }, { "KOI8-R", true },     { "UTF-16LE", true },
    { "UTF-16BE", true },     { "UTF-32LE", true },   { "SHIFT_JIS", false },
    { "EUC-JP", false },      { "GB18030", false },   { "BIG5", false },
    { "ISO-2022-JP", false }, { "UTF-16", false },    { "UTF-7", false },
};
enum { SETS = sizeof sets / sizeof sets[0], BYTES_MAX = 4096 };

static void read_stream(struct scope *scope, const char *name, struct text in,
                        struct random *random, struct buf *out)
{
    struct decode_stream *stream;
    FUZZ_CHECK(decode_stream_new(scope, text_of(name), &stream, NULL) == ERR_OK);
    if (random == NULL) decode_stream_feed(stream, in, out);
    while (random && in.len > 0) {
        struct text piece = fuzz_piece(random, &in);
        decode_stream_feed(stream, piece, out);
        fuzz_free(piece);
    }
    decode_stream_end(stream, out);
}

static void check_stream(struct scope *scope, const char *name, struct text in, struct buf *whole)
{
    struct random random = fuzz_random(in);
    struct buf cut = { 0 };
    read_stream(scope, name, in, NULL, whole);
    read_stream(scope, name, in, &random, &cut);
    FUZZ_CHECK(text_eq(buf_text(whole), buf_text(&cut)));
    buf_free(&cut);
}

static void check_string(struct scope *scope, const char *name, bool has_one_form, struct text in,
                         const struct buf *stream)
{
    struct encoding *encoding;
    struct text strict = { 0 }, loose, back, again;
    FUZZ_CHECK(encoding_open(scope, text_of(name), &encoding, NULL) == ERR_OK);
    FUZZ_CHECK(encoding_exists(text_of(name)));
    enum err err = encoding_decode(encoding, in, scope, &strict);
    FUZZ_CHECK(encoding_decode_loosely(encoding, in, scope, &loose) == ERR_OK);
    FUZZ_CHECK(text_is_utf8(loose));
    if (err) {
        FUZZ_CHECK(err == ERR_INVALID);
        FUZZ_CHECK(memmem(loose.at, loose.len, "\xEF\xBF\xBD", 3) != NULL);
        return;
    }
    FUZZ_CHECK(text_is_utf8(strict) && text_eq(strict, loose));
    bool is_same_stream = text_eq(strict, buf_text(stream));
    FUZZ_CHECK(is_same_stream || !has_one_form);
    err = encoding_encode(encoding, strict, scope, &back);
    if (!has_one_form) return;
    FUZZ_CHECK(err == ERR_OK && text_eq(back, in));
    FUZZ_CHECK(encoding_decode(encoding, back, scope, &again) == ERR_OK);
    FUZZ_CHECK(text_eq(again, strict));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > BYTES_MAX) return 0;
    struct text in = fuzz_text(data + 1, size - 1);
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    size_t set = data[0] % SETS;
    struct buf stream = { 0 };
    check_stream(scope, sets[set].name, in, &stream);
    check_string(scope, sets[set].name, sets[set].has_one_form, in, &stream);
    struct text mark = decode_stream_set_of_mark(in);
    if (mark.len) FUZZ_CHECK(encoding_exists(mark));
    (void)encoding_exists(in); /* any name */
    buf_free(&stream);
    scope_close(scope);
    return 0;
}
