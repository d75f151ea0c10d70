/* SPDX-License-Identifier: Apache-2.0 */
/* log_spool.h - log records that wait for the Message Server, in files (framework 8.5).
 * Stream   the records of one life of the process, numbered from 1; a new life begins a new stream
 *          and first sends what older ones left behind.
 * Files    NAME.STREAM.FIRST.spool: frames of four bytes of length (big endian) and a record. A
 * torn end is cut off. kill -9 loses nothing that was added; a power cut what was added
 *          since the call of log_spool_sync() before the last.
 * Bound    past bytes_max the oldest file goes, and its records are counted as lost.
 * Thread   one at a time, a worker's: everything here may block. */
#ifndef APP_LOG_SPOOL_H
#define APP_LOG_SPOOL_H

#include "base/buf.h"
#include "base/scope.h"

struct log_spool;

enum { LOG_SPOOL_FRAME_BYTES_MAX = 64 * 1024, LOG_SPOOL_STREAM_BYTES_MAX = 64 };

struct log_spool_setup {
    struct text folder; /* made where it is missing, not the folders above it */
    struct text name;   /* of the application */
    struct text stream; /* sorts behind those of former lives */
    uint64_t bytes_max, segment_bytes;
};
enum err log_spool_open(struct scope *owner, const struct log_spool_setup *setup,
                        struct log_spool **out, struct fault *fault);

/* One frame, for log_spool_add(). */
void log_spool_frame(struct buf *out, struct text record);
/* `frames`: whole ones. On an error none of them was added. */
enum err log_spool_add(struct log_spool *spool, struct text frames, struct fault *fault);

struct log_spool_batch {
    struct text stream; /* good until the next call */
    uint64_t first;     /* number of the first record */
    uint32_t count;     /* 0: nothing waits */
    struct text frames; /* good until the next call */
};
/* The oldest records that nobody has kept yet; at most so many, and so many bytes but at least one.
 */
void log_spool_read(struct log_spool *spool, uint32_t count_max, size_t bytes_max,
                    struct log_spool_batch *out);
/* Takes the next record off the front of `frames`; false at the end. */
bool log_spool_next(struct text *frames, struct text *record);
/* The records of the stream up to this number are kept elsewhere. */
void log_spool_kept(struct log_spool *spool, struct text stream, uint64_t up_to);
/* Call it again and again, as long as something is not synced: what was there at the last call and
 * nobody has kept since goes to the disk itself. Where records are kept at once it costs nothing.
 */
enum err log_spool_sync(struct log_spool *spool, struct fault *fault);
bool log_spool_is_unsynced(const struct log_spool *spool);
uint64_t log_spool_take_lost(struct log_spool *spool); /* since the last time */
uint64_t log_spool_bytes(const struct log_spool *spool);

#endif
