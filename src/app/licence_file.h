/* SPDX-License-Identifier: Apache-2.0 */
/* licence_file.h - what config granted last, in DATA/run/NAME.FEATURE.seats, mode 0600: an
 * application that starts while config is away goes on with it (framework 13).
 * Promise  a reader sees the last whole one; one that cannot be read is as good as none.
 * Thread   reads block, for start-up; writes go to a worker, the latest wins. */
#ifndef APP_LICENCE_FILE_H
#define APP_LICENCE_FILE_H

#include "app/app.h"

struct licence_kept {
    uint32_t seats; /* LICENCE_MAX: no limit */
    uint64_t answered_utc_ms;
};

struct licence_file;

/* NULL: the application has no folder for it (tests). Goes with `owner`. */
struct licence_file *licence_file_open(struct scope *owner, struct app *app, struct text feature);
/* ERR_NOT_FOUND: there is none that can be used. */
enum err licence_file_read(const struct licence_file *file, struct licence_kept *out);
void licence_file_write(struct licence_file *file, const struct licence_kept *kept);

#endif
