/* SPDX-License-Identifier: Apache-2.0 */
/* json.h - JSON in and out (RFC 8259).
 * Reading  the grammar is RapidJSON's. No tree between: the text is copied into the scope once,
 *          strings are views into that copy, a NUL behind each; nothing refers to the input. Size
 *          and depth are bounded; duplicate names, bad UTF-8, NUL in strings and numbers past int64
 *          or double are refused, by their digits: 0e309 is past, too.
 * Writing  straight into a buf, no tree: the output is always well-formed; bytes that are no UTF-8
 *          become U+FFFD, and numbers that are none become null.
 * Pure     no clock, no I/O. */
#ifndef FORMAT_JSON_H
#define FORMAT_JSON_H

#include "base/buf.h"
#include "base/scope.h"
#include "base/shape.h"

enum { JSON_DEPTH_MAX = 32, JSON_BYTES_MAX = 16 * 1024 * 1024 };

/* --- reading ------------------------------------------------------------------------------------
 * The fault says where: "line 3, column 7: ..." or the field's path ("items[2].name"). */

enum err json_read(struct text in, struct scope *scope, struct value *out, struct fault *fault);
enum err json_read_kv(struct text in, struct scope *scope, struct kv *out, struct fault *fault);

/* Into a struct of the shape, in `scope`; the shape's rules are checked. Names that the shape does
 * not know go into `*unknown`; where `unknown` is NULL they are refused. */
enum err json_to_shape(struct text in, const struct shape *shape, struct scope *scope, void **out,
                       struct kv *unknown, struct fault *fault);
/* The same from pairs that were read already. With `is_part` required fields may be absent, as in a
 * change of some fields. Texts stay views into the pairs' own. A null means absent. */
enum err kv_to_shape(const struct kv *in, const struct shape *shape, bool is_part,
                     struct scope *scope, void **out, struct kv *unknown, struct fault *fault);

/* Configuration files: // and block comments, and a comma before } or ], become blanks, so that
 * lines and columns keep their numbers. ERR_INVALID when a block comment does not end. */
enum err json_blank_comments(struct text in, struct buf *out, struct fault *fault);

/* --- writing --------------------------------------------------------------------------------- */

struct json_writer {
    struct buf *out;
    bool needs_comma;
};

static inline struct json_writer json_writer(struct buf *out)
{
    return (struct json_writer){ .out = out };
}

void json_begin_object(struct json_writer *json);
void json_end_object(struct json_writer *json);
void json_begin_array(struct json_writer *json);
void json_end_array(struct json_writer *json);
void json_put_name(struct json_writer *json, struct text name); /* its value follows */
void json_put_null(struct json_writer *json);
void json_put_bool(struct json_writer *json, bool value);
void json_put_u64(struct json_writer *json, uint64_t value);
void json_put_i64(struct json_writer *json, int64_t value);
void json_put_f64(struct json_writer *json, double value); /* the shortest that reads back */
void json_put_text(struct json_writer *json, struct text value);
void json_put_bytes(struct json_writer *json, struct text value);   /* base64 text */
void json_put_raw(struct json_writer *json, struct text json_text); /* one finished value */
void json_put_value(struct json_writer *json, const struct value *value);

/* Absent fields are left out. The `_members` forms write the pairs without braces, so that several
 * can share one object. */
void json_put_shape(struct json_writer *json, const struct shape *shape, const void *object);
void json_put_shape_members(struct json_writer *json, const struct shape *shape,
                            const void *object);
void json_put_kv(struct json_writer *json, const struct kv *kv);
void json_put_kv_members(struct json_writer *json, const struct kv *kv);

/* Whole documents. */
void shape_to_json(struct buf *out, const struct shape *shape, const void *object);
void kv_to_json(struct buf *out, const struct kv *kv);

#endif
