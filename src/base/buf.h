/* SPDX-License-Identifier: Apache-2.0 */
/* buf.h - bytes that grow: the output side of every writer.
 * Owner    whoever declared it calls buf_free(); a zeroed struct is an empty buffer.
 * Errors   none: out of memory ends the process. Callers bound what they put in. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/text.h"

struct buf {
    char *at;
    size_t len, room;
};

void buf_add(struct buf *buf, struct text bytes);
void buf_add_byte(struct buf *buf, char byte);
void buf_add_z(struct buf *buf, const char *z);
void buf_add_u64(struct buf *buf, uint64_t value); /* decimal */
void buf_add_i64(struct buf *buf, int64_t value);
void buf_format(struct buf *buf, const char *format, ...) __attribute__((format(printf, 2, 3)));
char *buf_reserve(struct buf *buf, size_t len); /* room for `len` more bytes; len is not changed */
void buf_drop_front(struct buf *buf, size_t len);
void buf_clear(struct buf *buf); /* empty, memory kept */
void buf_free(struct buf *buf);
struct text buf_text(const struct buf *buf); /* a view, good until the next change */

#endif
