/* SPDX-License-Identifier: Apache-2.0 */
/* log_memory.h - the log output `memory`: a ring in a file mapped into memory, for what a process
 * said last before it died (framework 8.1). A line is there as soon as it is written: kill -9 and
 * abort leave it, without a system call per line.
 * Form     64 bytes of head (magic, capacity, bytes written so far), then the ring.
 * Promise  the ring of the run before is kept as PATH.before. The whole file has its disk when it
 * is opened, so that a full disk never ends the process. */
#ifndef APP_LOG_MEMORY_H
#define APP_LOG_MEMORY_H

#include "base/buf.h"
#include "base/scope.h"

struct log_memory;

enum { LOG_MEMORY_BYTES = 1024 * 1024, LOG_MEMORY_FILE_BYTES = 64 + LOG_MEMORY_BYTES };

/* ERR_IO and words. Closed with `owner`. */
enum err log_memory_open(struct scope *owner, struct text path, struct log_memory **out,
                         struct fault *fault);
void log_memory_add(struct log_memory *memory, struct text line);
/* The lines of such a file, oldest first, from the first whole one on. ERR_INVALID: it is none. */
enum err log_memory_read(struct text file, struct buf *out, struct fault *fault);

#endif
