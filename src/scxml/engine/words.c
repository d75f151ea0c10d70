/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "scxml/engine/private.h"

static bool is_ascii(const char *at, size_t len)
{
    uint64_t word;
    for (; len >= sizeof word; at += sizeof word, len -= sizeof word) {
        memcpy(&word, at, sizeof word);
        if (word & 0x8080808080808080u) return false;
    }
    for (; len; at++, len--)
        if (*at & 0x80) return false;
    return true;
}

static size_t put_three(char *out, uint32_t code)
{
    out[0] = (char)(0xe0 | code >> 12);
    out[1] = (char)(0x80 | (code >> 6 & 0x3f));
    out[2] = (char)(0x80 | (code & 0x3f));
    return 3;
}

static uint32_t tail(const unsigned char *at)
{
    return *at & 0x3f;
}

/* Bytes of the well-formed character at `at`, 0 where there is none. */
static size_t character_bytes(const unsigned char *at, size_t left)
{
    size_t bytes = *at < 0x80 ? 1 : *at < 0xc0 ? 0 : *at < 0xe0 ? 2 : *at < 0xf0 ? 3 : 4;
    if (!bytes || bytes > left) return 0;
    return text_is_utf8((struct text){ (const char *)at, bytes }) ? bytes : 0;
}

/* No character grows by more than half. */
static size_t to_cesu(struct text in, char *out)
{
    const unsigned char *at = (const unsigned char *)in.at;
    size_t len = 0;
    for (size_t i = 0, bytes; i < in.len; i += bytes ? bytes : 1) {
        bytes = character_bytes(at + i, in.len - i);
        if (bytes == 4) {
            uint32_t code = ((uint32_t)at[i] & 7) << 18 | tail(at + i + 1) << 12 |
                            tail(at + i + 2) << 6 | tail(at + i + 3);
            len += put_three(out + len, 0xd7c0 + (code >> 10));
            len += put_three(out + len, 0xdc00 + (code & 0x3ff));
        } else if (!bytes) {
            len += put_three(out + len, 0xfffd);
        } else {
            memcpy(out + len, at + i, bytes);
            len += bytes;
        }
    }
    return len;
}

void engine_push_text(duk_context *ctx, struct text text)
{
    if (is_ascii(text.at, text.len)) {
        duk_push_lstring(ctx, text.len ? text.at : "", text.len);
        return;
    }
    char *room = duk_push_fixed_buffer(ctx, text.len * 3);
    size_t len = to_cesu(text, room);
    duk_push_lstring(ctx, room, len);
    duk_remove(ctx, -2);
}

struct text engine_push_words(duk_context *ctx, struct text text, char *room, size_t room_size)
{
    bool is_plain = is_ascii(text.at, text.len);
    size_t need = (is_plain ? text.len : text.len * 3) + 1;
    size_t len = text.len;
    if (need <= room_size)
        duk_push_undefined(ctx);
    else
        room = duk_push_fixed_buffer(ctx, need);
    if (!is_plain)
        len = to_cesu(text, room);
    else if (len)
        memcpy(room, text.at, len);
    room[len] = 0;
    return (struct text){ room, len };
}

static bool is_surrogate(const unsigned char *at, size_t left, unsigned char from)
{
    return left >= 3 && at[0] == 0xed && (at[1] & 0xf0) == from && (at[2] & 0xc0) == 0x80;
}

/* Surrogate pairs become characters of four bytes, what is no character U+FFFD. */
static size_t to_utf8(const unsigned char *at, size_t left, char *out)
{
    size_t len = 0;
    while (left) {
        size_t bytes = character_bytes(at, left);
        if (bytes) {
            memcpy(out + len, at, bytes);
            len += bytes;
        } else if (is_surrogate(at, left, 0xa0) && is_surrogate(at + 3, left - 3, 0xb0)) {
            uint32_t high = tail(at + 1) << 6 | tail(at + 2),
                     low = tail(at + 4) << 6 | tail(at + 5);
            uint32_t code = 0x10000 + ((high & 0x3ff) << 10) + (low & 0x3ff);
            out[len++] = (char)(0xf0 | code >> 18);
            out[len++] = (char)(0x80 | (code >> 12 & 0x3f));
            out[len++] = (char)(0x80 | (code >> 6 & 0x3f));
            out[len++] = (char)(0x80 | (code & 0x3f));
            bytes = 6;
        } else {
            len += put_three(out + len, 0xfffd);
            bytes = is_surrogate(at, left, 0xa0) || is_surrogate(at, left, 0xb0) ? 3 : 1;
        }
        at += bytes;
        left -= bytes;
    }
    return len;
}

void engine_add_text(duk_context *ctx, duk_idx_t index, struct buf *out)
{
    size_t len;
    const char *at = duk_get_lstring(ctx, index, &len);
    if (is_ascii(at, len))
        buf_add(out, (struct text){ at, len });
    else
        out->len += to_utf8((const unsigned char *)at, len, buf_reserve(out, len * 3));
}

struct text engine_read_text(duk_context *ctx, duk_idx_t index, struct scope *scope)
{
    size_t len;
    const char *at = duk_get_lstring(ctx, index, &len);
    if (is_ascii(at, len)) return scope_keep(scope, (struct text){ at, len });
    struct buf out = { 0 };
    engine_add_text(ctx, index, &out);
    struct text kept = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return kept;
}
