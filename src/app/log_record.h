/* SPDX-License-Identifier: Apache-2.0 */
/* log_record.h - a log record as it travels: one LogRecord of schema/messages/control_log.toml.
 * Pure     no clock, no I/O. */
#ifndef APP_LOG_RECORD_H
#define APP_LOG_RECORD_H

#include "app/log_line.h"

/* Appends it: texts made well-formed and cut to the message's bounds, attributes that cannot travel
 * left out; never longer than LOG_SPOOL_FRAME_BYTES_MAX. `pid` of a helper process whose records
 * another sends; else 0. */
void log_record_encode(const struct log_record *record, uint32_t pid, struct buf *out);
/* Are these the bytes of one, and not too many? */
enum err log_record_check(struct text bytes);

#endif
