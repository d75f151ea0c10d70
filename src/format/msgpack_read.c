/* SPDX-License-Identifier: Apache-2.0 */
/* The reader of single values: one byte tells the type (the MessagePack specification, "Formats"),
 * and every length is compared with what is left before it is believed. */
#include "format/msgpack.h"

#include <string.h>

struct msgpack_reader msgpack_reader(struct text bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    return (struct msgpack_reader){ .at = at, .end = at ? at + bytes.len : at };
}

static size_t left(const struct msgpack_reader *reader)
{
    return (size_t)(reader->end - reader->at);
}

static void fail(struct msgpack_reader *reader, enum err err)
{
    if (!reader->err) reader->err = err;
    reader->at = reader->end;
}

enum msgpack_type msgpack_peek(const struct msgpack_reader *reader)
{
    if (reader->err || left(reader) == 0) return MSGPACK_END;
    unsigned char first = *reader->at;
    if (first <= 0x7f || first >= 0xe0) return MSGPACK_INTEGER;
    if (first <= 0x8f) return MSGPACK_MAP;
    if (first <= 0x9f) return MSGPACK_ARRAY;
    if (first <= 0xbf) return MSGPACK_TEXT;
    switch (first) {
    case 0xc0: return MSGPACK_NIL;
    case 0xc2:
    case 0xc3: return MSGPACK_BOOL;
    case 0xc4:
    case 0xc5:
    case 0xc6: return MSGPACK_BYTES;
    case 0xca:
    case 0xcb: return MSGPACK_FLOAT;
    case 0xd9:
    case 0xda:
    case 0xdb: return MSGPACK_TEXT;
    case 0xdc:
    case 0xdd: return MSGPACK_ARRAY;
    case 0xde:
    case 0xdf: return MSGPACK_MAP;
    case 0xc1: return MSGPACK_END; /* never used */
    default: return first <= 0xc9 || first >= 0xd4 ? MSGPACK_EXTENSION : MSGPACK_INTEGER;
    }
}

/* The next `size` bytes as a big-endian number; 0 after an error. */
static uint64_t take_number(struct msgpack_reader *reader, size_t size)
{
    if (left(reader) < size) {
        fail(reader, ERR_INVALID);
        return 0;
    }
    uint64_t value = 0;
    for (size_t i = 0; i < size; i++) value = value << 8 | reader->at[i];
    reader->at += size;
    return value;
}

/* The first byte, if the next value is of `type`; else the error. */
static unsigned char take_type(struct msgpack_reader *reader, enum msgpack_type type)
{
    if (msgpack_peek(reader) != type) {
        fail(reader, ERR_INVALID);
        return 0;
    }
    return *reader->at++;
}

bool msgpack_get_nil(struct msgpack_reader *reader)
{
    if (msgpack_peek(reader) != MSGPACK_NIL) return false;
    reader->at++;
    return true;
}

bool msgpack_get_bool(struct msgpack_reader *reader)
{
    return take_type(reader, MSGPACK_BOOL) == 0xc3;
}

/* Sign and magnitude apart, since MessagePack spans from INT64_MIN to UINT64_MAX. */
static bool take_integer(struct msgpack_reader *reader, uint64_t *bits)
{
    unsigned char first = take_type(reader, MSGPACK_INTEGER);
    if (first <= 0x7f) {
        *bits = first;
        return false;
    }
    if (first >= 0xe0) {
        *bits = (uint64_t)(int64_t)(int8_t)first;
        return true;
    }
    size_t size = (size_t)1 << (first & 3);
    *bits = take_number(reader, size);
    if (first <= 0xcf || reader->err) return false;
    unsigned spare = (unsigned)(64 - size * 8);
    ASSERT(spare < 64);
    *bits = (uint64_t)((int64_t)(*bits << spare) >> spare);
    return (int64_t)*bits < 0;
}

uint64_t msgpack_get_u64(struct msgpack_reader *reader)
{
    uint64_t bits = 0;
    if (take_integer(reader, &bits)) fail(reader, ERR_INVALID);
    return reader->err ? 0 : bits;
}

uint32_t msgpack_get_u32(struct msgpack_reader *reader)
{
    uint64_t value = msgpack_get_u64(reader);
    if (value > UINT32_MAX) fail(reader, ERR_INVALID);
    return reader->err ? 0 : (uint32_t)value;
}

int64_t msgpack_get_i64(struct msgpack_reader *reader)
{
    uint64_t bits = 0;
    if (!take_integer(reader, &bits) && bits > INT64_MAX) fail(reader, ERR_INVALID);
    return reader->err ? 0 : (int64_t)bits;
}

double msgpack_get_f64(struct msgpack_reader *reader)
{
    if (take_type(reader, MSGPACK_FLOAT) == 0xca) {
        uint32_t bits = (uint32_t)take_number(reader, 4);
        float narrow;
        memcpy(&narrow, &bits, sizeof narrow);
        return (double)narrow;
    }
    uint64_t bits = take_number(reader, 8);
    double value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static struct text take_bytes(struct msgpack_reader *reader, uint64_t len)
{
    if (len > left(reader)) fail(reader, ERR_INVALID);
    if (reader->err) return (struct text){ 0 };
    struct text bytes = { (const char *)reader->at, (size_t)len };
    reader->at += len;
    return bytes;
}

static struct text take_text(struct msgpack_reader *reader)
{
    unsigned char first = take_type(reader, MSGPACK_TEXT);
    uint64_t len = first & 0x1f;
    if (first >= 0xd9) len = take_number(reader, (size_t)1 << (first - 0xd9));
    return take_bytes(reader, reader->err ? 0 : len);
}

struct text msgpack_get_text(struct msgpack_reader *reader)
{
    struct text text = take_text(reader);
    if (!reader->err && !text_is_utf8(text)) fail(reader, ERR_INVALID);
    return reader->err ? (struct text){ 0 } : text;
}

struct text msgpack_get_bytes(struct msgpack_reader *reader)
{
    unsigned char first = take_type(reader, MSGPACK_BYTES);
    uint64_t len = reader->err ? 0 : take_number(reader, (size_t)1 << (first - 0xc4));
    return take_bytes(reader, len);
}

/* `bytes_each`: what one item takes at the very least. */
static uint32_t take_count(struct msgpack_reader *reader, enum msgpack_type type, size_t bytes_each)
{
    unsigned char first = take_type(reader, type);
    uint64_t count = first & 0x0f;
    if (first >= 0xdc) count = take_number(reader, first & 1 ? 4 : 2);
    if (count > left(reader) / bytes_each) fail(reader, ERR_INVALID);
    return reader->err ? 0 : (uint32_t)count;
}

uint32_t msgpack_get_array(struct msgpack_reader *reader)
{
    return take_count(reader, MSGPACK_ARRAY, 1);
}

uint32_t msgpack_get_map(struct msgpack_reader *reader)
{
    return take_count(reader, MSGPACK_MAP, 2);
}

static void skip_extension(struct msgpack_reader *reader)
{
    unsigned char first = take_type(reader, MSGPACK_EXTENSION);
    if (first < 0xc7) return; /* it was something else: the error sticks */
    uint64_t len = first >= 0xd4 ? 1ull << (first - 0xd4)
                                 : take_number(reader, (size_t)1 << (first - 0xc7));
    (void)take_number(reader, 1);
    (void)take_bytes(reader, len);
}

static void skip_flat(struct msgpack_reader *reader)
{
    uint64_t bits;
    switch (msgpack_peek(reader)) {
    case MSGPACK_NIL: (void)msgpack_get_nil(reader); break;
    case MSGPACK_BOOL: (void)msgpack_get_bool(reader); break;
    case MSGPACK_INTEGER: (void)take_integer(reader, &bits); break;
    case MSGPACK_FLOAT: (void)msgpack_get_f64(reader); break;
    case MSGPACK_TEXT: (void)take_text(reader); break;
    case MSGPACK_BYTES: (void)msgpack_get_bytes(reader); break;
    case MSGPACK_EXTENSION: skip_extension(reader); break;
    default: fail(reader, ERR_INVALID); break;
    }
}

struct text msgpack_get_raw(struct msgpack_reader *reader)
{
    const unsigned char *from = reader->at;
    uint64_t open[MSGPACK_DEPTH_MAX + 1] = { 1 }; /* values still to come, per level */
    int depth = 0;
    while (depth >= 0 && !reader->err) {
        if (open[depth] == 0) {
            depth--;
            continue;
        }
        open[depth]--;
        enum msgpack_type type = msgpack_peek(reader);
        if (type != MSGPACK_ARRAY && type != MSGPACK_MAP) {
            skip_flat(reader);
        } else if (depth == MSGPACK_DEPTH_MAX) {
            fail(reader, ERR_LIMIT);
        } else {
            open[++depth] = type == MSGPACK_ARRAY ? msgpack_get_array(reader)
                                                  : 2ull * msgpack_get_map(reader);
        }
    }
    if (reader->err) return (struct text){ 0 };
    return (struct text){ (const char *)from, (size_t)(reader->at - from) };
}

bool msgpack_is_done(const struct msgpack_reader *reader)
{
    return !reader->err && left(reader) == 0;
}
