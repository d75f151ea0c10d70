/* SPDX-License-Identifier: Apache-2.0 */
/* log_file.h - one log output that is a file: `NAME.YYYYMMDD_HHMMSS_mmm.log`, a new one per
 * segment, the oldest deleted (framework 8.1). Promise  names sort as time does; what expires is
 * only what this name made; a failing disk never stops the caller, who has what is left again, and
 * the file is tried again after LOG_FILE_RETRY_MS. Blocks   write(2) into the page cache. */
#ifndef APP_LOG_FILE_H
#define APP_LOG_FILE_H

#include "base/buf.h"
#include "base/scope.h"
#include "model/log_option.h"

struct log_file;

enum { LOG_FILE_RETRY_MS = 5000 };

struct log_file_options {
    struct log_segment segment;
    struct log_expire expire;
    bool is_utc; /* stamps in the names */
};

/* `path`: folder and NAME. Nothing is opened before the first write. */
struct log_file *log_file_new(struct scope *owner, struct text path);
void log_file_set_options(struct log_file *file, const struct log_file_options *options);
/* `*lines`: whole lines in, what could not be written out; it may begin inside a line, and comes
 * first the next time. `header` makes what a new file begins with. ERR_IO and words. */
enum err log_file_write(struct log_file *file, struct text *lines, uint64_t utc_ms,
                        void (*header)(void *self, struct buf *out), void *self,
                        struct fault *fault);

#endif
