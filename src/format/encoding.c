/* SPDX-License-Identifier: Apache-2.0 */
#include "format/encoding.h"

#include <errno.h>
#include <iconv.h>
#include <string.h>

enum { NAME_BYTES_MAX = 64, GROWTH_MAX = 4 /* UTF-8 takes up to 4 bytes, UTF-32 too */ };

struct encoding {
    iconv_t to_set, to_utf8;
    bool is_utf8; /* no conversion at all */
};

static void encoding_close(void *self)
{
    struct encoding *encoding = self;
    if (encoding->is_utf8) return;
    (void)iconv_close(encoding->to_set);
    (void)iconv_close(encoding->to_utf8);
}

static bool open_pair(const char *name, struct encoding *encoding)
{
    encoding->to_set = iconv_open(name, "UTF-8");
    if (encoding->to_set == (iconv_t)-1) return false;
    encoding->to_utf8 = iconv_open("UTF-8", name);
    if (encoding->to_utf8 != (iconv_t)-1) return true;
    (void)iconv_close(encoding->to_set);
    return false;
}

/* iconv takes "" for the locale's set and "X//TRANSLIT" for a guess; we want neither. */
static bool is_plain_name(struct text name, char z[NAME_BYTES_MAX])
{
    return name.len && text_find(name, '/', 0) == SIZE_MAX && !text_to_z(name, z, NAME_BYTES_MAX);
}

static bool is_utf8_name(struct text name)
{
    return text_eq_fold(name, TEXT("UTF-8")) || text_eq_fold(name, TEXT("UTF8"));
}

enum err encoding_open(struct scope *owner, struct text name, struct encoding **out,
                       struct fault *fault)
{
    char z[NAME_BYTES_MAX];
    struct encoding encoding = { .is_utf8 = is_utf8_name(name) };
    if (!encoding.is_utf8 && (!is_plain_name(name, z) || !open_pair(z, &encoding)))
        return fault_set(fault, ERR_UNSUPPORTED, "encoding", "%.*s is no known character set",
                         TEXT_ARG(name));
    *out = scope_alloc(owner, sizeof **out);
    **out = encoding;
    scope_on_close(owner, encoding_close, *out);
    return ERR_OK;
}

bool encoding_exists(struct text name)
{
    char z[NAME_BYTES_MAX];
    struct encoding encoding = { .is_utf8 = is_utf8_name(name) };
    if (encoding.is_utf8) return true;
    if (!is_plain_name(name, z) || !open_pair(z, &encoding)) return false;
    encoding_close(&encoding);
    return true;
}

/* Convert all of `in`. With `is_loose` a bad byte becomes U+FFFD and the rest goes on. */
static enum err convert(iconv_t way, struct text in, bool is_loose, struct scope *scope,
                        struct text *out)
{
    if (in.len > SIZE_MAX / 8) return ERR_LIMIT;
    /* A set with states needs a few bytes more, to end in its first one. */
    size_t room = in.len * GROWTH_MAX + 16, left = room, in_left = in.len;
    char *bytes = scope_try_alloc(scope, room);
    if (bytes == NULL) return ERR_LIMIT;
    char *in_at = (char *)(uintptr_t)in.at, *out_at = bytes; /* iconv does not write there */
    (void)iconv(way, NULL, NULL, NULL, NULL);
    while (in_left && iconv(way, &in_at, &in_left, &out_at, &left) == (size_t)-1) {
        if (errno == E2BIG) return ERR_LIMIT;
        if (!is_loose) return ERR_INVALID;
        (void)iconv(way, NULL, NULL, &out_at, &left); /* a letter that waited for its accent */
        if (left < 3) return ERR_LIMIT;
        memcpy(out_at, "\xEF\xBF\xBD", 3); /* NOLINT(bugprone-not-null-terminated-result) */
        out_at += 3;
        left -= 3;
        in_at++;
        in_left--;
    }
    if (iconv(way, NULL, NULL, &out_at, &left) == (size_t)-1) return ERR_LIMIT;
    *out = (struct text){ bytes, room - left };
    return ERR_OK;
}

static enum err pass_utf8(struct text in, struct scope *scope, struct text *out)
{
    if (!text_is_utf8(in)) return ERR_INVALID;
    char *copy = scope_try_alloc(scope, in.len + 1);
    if (copy == NULL) return ERR_LIMIT;
    if (in.len) memcpy(copy, in.at, in.len);
    *out = (struct text){ copy, in.len };
    return ERR_OK;
}

enum err encoding_encode(struct encoding *encoding, struct text in, struct scope *scope,
                         struct text *out)
{
    if (encoding->is_utf8) return pass_utf8(in, scope, out);
    return convert(encoding->to_set, in, false, scope, out);
}

enum err encoding_decode(struct encoding *encoding, struct text in, struct scope *scope,
                         struct text *out)
{
    if (encoding->is_utf8) return pass_utf8(in, scope, out);
    return convert(encoding->to_utf8, in, false, scope, out);
}

/* U+FFFD for each byte of UTF-8 that belongs to no sequence. */
static enum err mend_utf8(struct text in, struct scope *scope, struct text *out)
{
    char *mended = scope_try_alloc(scope, in.len * 3 + 1);
    size_t len = 0;
    if (mended == NULL) return ERR_LIMIT;
    for (size_t i = 0; i < in.len;) {
        size_t step = 1;
        while (step <= 4 && !text_is_utf8(text_slice(in, i, step))) step++;
        bool is_good = step <= 4 && step <= in.len - i;
        if (!is_good) step = 1;
        memcpy(mended + len, is_good ? in.at + i : "\xEF\xBF\xBD", is_good ? step : 3);
        len += is_good ? step : 3;
        i += step;
    }
    *out = (struct text){ mended, len };
    return ERR_OK;
}

enum err encoding_decode_loosely(struct encoding *encoding, struct text in, struct scope *scope,
                                 struct text *out)
{
    if (!encoding->is_utf8) return convert(encoding->to_utf8, in, true, scope, out);
    return text_is_utf8(in) ? pass_utf8(in, scope, out) : mend_utf8(in, scope, out);
}
