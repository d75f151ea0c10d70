/* SPDX-License-Identifier: Apache-2.0 */
/* packed_rows.h - rows of texts as bytes, for links that carry many: per row its line, then each
 * cell as length and bytes; how many cells a row has both ends know. Lengths and lines are varints,
 * low seven bits first.
 * Pure     the reader believes nothing: it never looks past the end, and says so once. */
#ifndef FORMAT_PACKED_ROWS_H
#define FORMAT_PACKED_ROWS_H

#include "base/buf.h"

void packed_rows_begin(struct buf *out, uint64_t line);
void packed_rows_add(struct buf *out, struct text cell);

struct packed_rows {
    const unsigned char *at, *end;
    bool is_broken; /* for good, after the first nonsense */
};

struct packed_rows packed_rows_reader(struct text bytes);
/* The next row: its line and `count` cells, views into the bytes. False at the end, or when what is
 * there is no row. */
bool packed_rows_next(struct packed_rows *rows, uint64_t *line, struct text *cells, uint32_t count);

#endif
