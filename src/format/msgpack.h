/* SPDX-License-Identifier: Apache-2.0 */
/* msgpack.h - shapes as MessagePack, the bytes of links (design 4).
 * Form     a struct is a map from tag to value, absent fields left out; a list is an array; a kv is
 * a map from text to value. What a newer release added travels on in head.unknown. Memory decoding
 * copies the bytes once into the scope; texts are views into that copy. What it allocates is
 * bounded by the bytes that are there, never by the counts they declare. Errors   decoding answers
 * ERR_INVALID (malformed, wrong type, bad UTF-8, a broken rule of the shape: the fault names field
 * and rule) or ERR_LIMIT (too deep, past the scope's limit). Pure     no clock, no I/O. libmsgpack
 * writes; the reader is ours: no tree between. */
#ifndef FORMAT_MSGPACK_H
#define FORMAT_MSGPACK_H

#include "base/buf.h"
#include "base/scope.h"
#include "base/shape.h"

enum { MSGPACK_DEPTH_MAX = 32 };

/* The object's fields as one map. The object must be well-formed; its rules are not checked. */
void msgpack_encode(struct buf *out, const struct shape *shape, const void *object);
/* One map that fills `bytes` to the end. The shape's rules are checked (shape_check). `*out` is a
 * struct of the shape in `scope`, written on ERR_OK only. `fault` may be NULL. */
enum err msgpack_decode(struct text bytes, const struct shape *shape, struct scope *scope,
                        void **out, struct fault *fault);

void msgpack_encode_kv(struct buf *out, const struct kv *kv);
enum err msgpack_decode_kv(struct text bytes, struct scope *scope, struct kv *out,
                           struct fault *fault);

/* --- single values, for the frame around the fields ------------------------------------------- */

void msgpack_put_nil(struct buf *out);
void msgpack_put_bool(struct buf *out, bool value);
void msgpack_put_u64(struct buf *out, uint64_t value);
void msgpack_put_i64(struct buf *out, int64_t value);
void msgpack_put_f64(struct buf *out, double value);
void msgpack_put_text(struct buf *out, struct text value);
void msgpack_put_bytes(struct buf *out, struct text value);
void msgpack_put_array(struct buf *out, uint32_t count); /* `count` values follow */
void msgpack_put_map(struct buf *out, uint32_t count);   /* `count` keys and values follow */
void msgpack_put_value(struct buf *out, const struct value *value);

/* Reading: the first error sticks, and every later call answers zero or empty; read a whole frame,
 * then look at `err` once. Texts are views into the bytes. */
struct msgpack_reader {
    const unsigned char *at, *end;
    enum err err;
};

enum msgpack_type { /* of the next value; MSGPACK_END at the end or after an error */
                    MSGPACK_END,
                    MSGPACK_NIL,
                    MSGPACK_BOOL,
                    MSGPACK_INTEGER,
                    MSGPACK_FLOAT,
                    MSGPACK_TEXT,
                    MSGPACK_BYTES,
                    MSGPACK_ARRAY,
                    MSGPACK_MAP,
                    MSGPACK_EXTENSION,
};

struct msgpack_reader msgpack_reader(struct text bytes);
enum msgpack_type msgpack_peek(const struct msgpack_reader *reader);
bool msgpack_get_nil(struct msgpack_reader *reader); /* true, and taken, if nil comes next */
bool msgpack_get_bool(struct msgpack_reader *reader);
uint64_t msgpack_get_u64(struct msgpack_reader *reader);
uint32_t msgpack_get_u32(struct msgpack_reader *reader);
int64_t msgpack_get_i64(struct msgpack_reader *reader);
double msgpack_get_f64(struct msgpack_reader *reader);
struct text msgpack_get_text(struct msgpack_reader *reader); /* UTF-8 is checked */
struct text msgpack_get_bytes(struct msgpack_reader *reader);
/* Never more than the bytes that are left can hold. */
uint32_t msgpack_get_array(struct msgpack_reader *reader);
uint32_t msgpack_get_map(struct msgpack_reader *reader);
/* The next value whole, as it stands: skips it, MSGPACK_DEPTH_MAX deep. */
struct text msgpack_get_raw(struct msgpack_reader *reader);
bool msgpack_is_done(const struct msgpack_reader *reader); /* no error, nothing left */

#endif
