/* SPDX-License-Identifier: Apache-2.0 */
/* call_line.h - fields of the audit trail and the record history, one after the other into a line.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_CALL_LINE_H
#define SERVERS_OUTBOUND_CALL_LINE_H

#include "base/buf.h"

struct call_line {
    struct buf *out;
    struct text delimiter;
    bool quotes; /* comma-separated: quoted where needed; else a delimiter becomes a blank */
    bool has_fields;
};

void call_line_text(struct call_line *line, struct text value);
void call_line_i64(struct call_line *line, int64_t value);
void call_line_time(struct call_line *line,
                    uint64_t utc_ms); /* 2026-11-21T14:18:41.123Z; 0: empty */
void call_line_end(struct call_line *line);

#endif
