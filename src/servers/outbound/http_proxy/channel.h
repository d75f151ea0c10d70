/* SPDX-License-Identifier: Apache-2.0 */
/* channel.h - the frames between outbound and its HTTP Proxy, over an inherited socketpair.
 * Frame    u32 length (big endian, of what follows it) | u8 type | u32 transaction (big endian) |
 *          payload. The payload is JSON, but for requests, responses (exchange.h) and
 *          records.
 *   1 config     parent -> child  the first frame: where to listen, how to log; its transaction is
 *                                 the first that the child may use, so that an answer for a former
 *                                 child is never taken for its own
 *   2 listening  child -> parent  {"pid"}
 *   3 request    child -> parent  route, identifier, idempotency key, pairs of the body
 *   4 response   parent -> child  status, etag, body
 *   5 log        child -> parent  {"level","text"}: what the child cannot write itself
 *   6 update     parent -> child  members of config that changed
 *   7 stop       parent -> child  no payload
 *   8 record     child -> parent  a log record of the output `network` (app/log_record.h)
 * Bound    CHANNEL_FRAME_BYTES_MAX; a longer, shorter or unknown frame breaks the channel.
 * Pure     no I/O. Source: spec outbound 14.1 */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_CHANNEL_H
#define SERVERS_OUTBOUND_HTTP_PROXY_CHANNEL_H

#include "base/buf.h"

enum channel_type {
    CHANNEL_CONFIG = 1,
    CHANNEL_LISTENING,
    CHANNEL_REQUEST,
    CHANNEL_RESPONSE,
    CHANNEL_LOG,
    CHANNEL_UPDATE,
    CHANNEL_STOP,
    CHANNEL_RECORD,
};

/* A body of 1 MiB whose every byte needed an escape, and more. */
enum { CHANNEL_FRAME_BYTES_MAX = 16 * 1024 * 1024, CHANNEL_HEAD_BYTES = 9 };

struct channel_frame {
    enum channel_type type;
    uint32_t transaction;
    struct text payload;
};

/* Appends one frame. ERR_LIMIT when it is too long: then nothing is appended. */
enum err channel_put(struct buf *out, enum channel_type type, uint32_t transaction,
                     struct text payload);
/* The same around a payload that is written straight behind the head: channel_begin(), append,
 * channel_end() with what the first one gave. */
size_t channel_begin(struct buf *out, enum channel_type type, uint32_t transaction);
enum err channel_end(struct buf *out, size_t begun);

/* What was received and not yet taken. A zeroed struct is a new one; channel_reader_free(). */
struct channel_reader {
    struct buf bytes;
    size_t taken;
};

void channel_reader_add(struct channel_reader *reader, struct text bytes);
/* ERR_OK: `out` holds the next frame, a view good until the next call on the reader.
 * ERR_UNAVAILABLE: more bytes are needed. ERR_INVALID, ERR_LIMIT: no frame, for good. */
enum err channel_reader_next(struct channel_reader *reader, struct channel_frame *out);
void channel_reader_free(struct channel_reader *reader);

#endif
