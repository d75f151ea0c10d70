/* SPDX-License-Identifier: Apache-2.0 */
/* flat_file.h - files that only grow: the audit trail and the record history (spec outbound 19).
 * Promise  what is there is never overwritten. A disk that is full or gone never stops the caller:
 *          lines are lost and counted, said once, and the file is tried again every ten seconds.
 * Blocks   write(2) into the page cache. */
#ifndef SERVERS_OUTBOUND_FLAT_FILE_H
#define SERVERS_OUTBOUND_FLAT_FILE_H

#include "app/log_file.h"
#include "base/log.h"

struct flat_file;

struct flat_file_options {
    struct text folder, name; /* name.<MMDDYY_HHMMSS_MS>.log where it has segments, else name.log */
    bool has_segments;
    struct log_segment segment;
    struct log_expire expire;
    uint32_t buffer_bytes; /* waits in memory until flat_file_flush(); 0: nothing waits */
};

/* Nothing is opened before the first line. `log` has to live as long. */
struct flat_file *flat_file_new(struct scope *owner, const struct log *log,
                                const struct flat_file_options *options);
void flat_file_write(struct flat_file *file, struct text line, uint64_t utc_ms);
void flat_file_flush(struct flat_file *file, uint64_t utc_ms);

#endif
