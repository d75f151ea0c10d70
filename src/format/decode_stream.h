/* SPDX-License-Identifier: Apache-2.0 */
/* decode_stream.h - a file in another character set, fed in slices of any size, as UTF-8 (iconv).
 * A byte that means nothing there becomes 0xFF, which UTF-8 never has: who reads the text finds the
 * place, and may refuse that row alone.
 * Sets     as iconv knows them; UTF-16 and UTF-32 by their byte order mark, else as this machine's
 *          own order. Pure: no I/O. */
#ifndef FORMAT_DECODE_STREAM_H
#define FORMAT_DECODE_STREAM_H

#include "base/buf.h"
#include "base/scope.h"

struct decode_stream;

/* ERR_UNSUPPORTED: no such set. Closed with the scope. */
enum err decode_stream_new(struct scope *owner, struct text name, struct decode_stream **out,
                           struct fault *fault);
void decode_stream_feed(struct decode_stream *stream, struct text bytes, struct buf *out);
/* What is left at the end is no whole character. */
void decode_stream_end(struct decode_stream *stream, struct buf *out);

/* The set that a byte order mark at the front names: UTF-16LE, UTF-16BE, UTF-32LE, UTF-32BE; empty
 * where there is none, or it is UTF-8's. */
struct text decode_stream_set_of_mark(struct text front);

#endif
