/* SPDX-License-Identifier: Apache-2.0 */
/* text.h - a view of bytes that owns nothing, and numbers read with their range (style 6).
 * Promise  no function here allocates; a text may hold any byte, NUL included.
 * To keep a text beyond its source use scope_keep(). */
#ifndef BASE_TEXT_H
#define BASE_TEXT_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
    const char *at;
    size_t len;
};

#define TEXT(literal)  ((struct text){ (literal), sizeof(literal) - 1 })
#define TEXT_ARG(text) (int)(text).len, (text).at /* for "%.*s" */
/* The bytes of an object as a key, for example of a uint64_t id in a table. The object must live as
 * long as the view. */
#define TEXT_OF(object) ((struct text){ (const char *)(object), sizeof *(object) })

struct text text_of(const char *z); /* NUL-ended to view; NULL gives an empty text */
bool text_eq(struct text a, struct text b);
bool text_eq_fold(struct text a, struct text b); /* ASCII case folded */
bool text_is_digits(struct text text);           /* 0 to 9, at least one */
int text_compare(struct text a, struct text b);  /* by byte value, shorter first */
bool text_starts(struct text in, struct text prefix);
bool text_ends(struct text in, struct text suffix);
struct text text_trim(struct text in); /* without leading and trailing space, tab, CR, LF */
struct text text_slice(struct text in, size_t from, size_t len); /* clamped to `in` */
/* First index of `byte` from `from` on, or SIZE_MAX. */
size_t text_find(struct text in, char byte, size_t from);
/* Split at the first `at`: false, and outputs untouched, when it does not occur. */
bool text_cut(struct text in, char at, struct text *before, struct text *after);
/* Take the next item of a separated list off the front of `rest`, trimmed; false at the end.
 * "a, b,,c" gives "a" "b" "" "c". */
bool text_next_item(struct text *rest, char separator, struct text *item);
bool text_is_utf8(struct text in); /* well-formed, no surrogates, shortest form (RFC 3629) */
uint64_t text_hash(struct text in);

/* Decimal numbers, the whole text, no sign on unsigned, no blanks. ERR_INVALID when it is no
 * number, ERR_LIMIT when outside min..max; `out` is written only on ERR_OK. */
enum err text_to_u32(struct text in, uint32_t min, uint32_t max, uint32_t *out);
enum err text_to_u64(struct text in, uint64_t min, uint64_t max, uint64_t *out);
enum err text_to_i64(struct text in, int64_t min, int64_t max, int64_t *out);
enum err text_to_f64(struct text in, double *out);
/* true/false, yes/no, on/off, 1/0, in any case (framework 4.1). */
enum err text_to_bool(struct text in, bool *out);

/* Copy into a NUL-ended array for libc and libraries; ERR_LIMIT when it does not fit, ERR_INVALID
 * when it holds a NUL. */
enum err text_to_z(struct text in, char *out, size_t out_size);

#endif
