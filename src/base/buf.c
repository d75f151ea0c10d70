/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char *buf_reserve(struct buf *buf, size_t len)
{
    if (buf->room - buf->len < len) {
        size_t room = buf->room ? buf->room : 64;
        while (room - buf->len < len) room *= 2;
        buf->at = realloc(buf->at, room);
        ASSERT(buf->at != NULL);
        buf->room = room;
    }
    return buf->at + buf->len;
}

void buf_add(struct buf *buf, struct text bytes)
{
    if (bytes.len == 0) return;
    memcpy(buf_reserve(buf, bytes.len), bytes.at, bytes.len);
    buf->len += bytes.len;
}

void buf_add_byte(struct buf *buf, char byte)
{
    *buf_reserve(buf, 1) = byte;
    buf->len++;
}

void buf_add_z(struct buf *buf, const char *z)
{
    buf_add(buf, text_of(z));
}

void buf_add_u64(struct buf *buf, uint64_t value)
{
    char digits[20];
    size_t at = sizeof digits;
    do {
        digits[--at] = (char)('0' + value % 10);
        value /= 10;
    } while (value);
    buf_add(buf, (struct text){ digits + at, sizeof digits - at });
}

void buf_add_i64(struct buf *buf, int64_t value)
{
    if (value < 0) buf_add_byte(buf, '-');
    buf_add_u64(buf, value < 0 ? 0 - (uint64_t)value : (uint64_t)value);
}

void buf_format(struct buf *buf, const char *format, ...)
{
    va_list arguments, again;
    va_start(arguments, format);
    va_copy(again, arguments);
    int len = vsnprintf(NULL, 0, format, arguments);
    va_end(arguments);
    ASSERT(len >= 0);
    (void)vsnprintf(buf_reserve(buf, (size_t)len + 1), (size_t)len + 1, format, again);
    va_end(again);
    buf->len += (size_t)len;
}

void buf_drop_front(struct buf *buf, size_t len)
{
    ASSERT(len <= buf->len);
    if (len == 0) return;
    memmove(buf->at, buf->at + len, buf->len - len);
    buf->len -= len;
}

void buf_clear(struct buf *buf)
{
    buf->len = 0;
}

void buf_free(struct buf *buf)
{
    free(buf->at);
    *buf = (struct buf){ 0 };
}

struct text buf_text(const struct buf *buf)
{
    return (struct text){ buf->at, buf->len };
}
