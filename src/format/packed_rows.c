/* SPDX-License-Identifier: Apache-2.0 */
#include "format/packed_rows.h"

#include <string.h>

enum { VARINT_BYTES_MAX = 10, VARINT_BITS = 7, VARINT_MORE = 0x80 };

static void put_varint(struct buf *out, uint64_t value)
{
    unsigned char *at = (unsigned char *)buf_reserve(out, VARINT_BYTES_MAX);
    size_t len = 0;
    for (; value >= VARINT_MORE; value >>= VARINT_BITS)
        at[len++] = (unsigned char)(value | VARINT_MORE);
    at[len++] = (unsigned char)value;
    out->len += len;
}

void packed_rows_begin(struct buf *out, uint64_t line)
{
    put_varint(out, line);
}

void packed_rows_add(struct buf *out, struct text cell)
{
    put_varint(out, cell.len);
    buf_add(out, cell);
}

struct packed_rows packed_rows_reader(struct text bytes)
{
    const unsigned char *at = (const unsigned char *)bytes.at;
    return (struct packed_rows){ at, at + bytes.len, false };
}

static uint64_t get_varint(struct packed_rows *rows)
{
    uint64_t value = 0;
    for (unsigned shift = 0; rows->at < rows->end && shift < 64; shift += VARINT_BITS) {
        unsigned char byte = *rows->at++;
        value |= (uint64_t)(byte & (VARINT_MORE - 1)) << shift;
        if (byte < VARINT_MORE) return value;
    }
    rows->is_broken = true;
    return 0;
}

bool packed_rows_next(struct packed_rows *rows, uint64_t *line, struct text *cells, uint32_t count)
{
    if (rows->is_broken || rows->at == rows->end) return false;
    *line = get_varint(rows);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t len = get_varint(rows);
        if (len > (uint64_t)(rows->end - rows->at)) rows->is_broken = true;
        if (rows->is_broken) return false;
        cells[i] = (struct text){ (const char *)rows->at, (size_t)len };
        rows->at += len;
    }
    return !rows->is_broken;
}
