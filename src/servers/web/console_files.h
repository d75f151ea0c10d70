/* SPDX-License-Identifier: Apache-2.0 */
/* console_files.h - the console, inside the binary: the table that tools/embed prints from the
 * built files of web/. Empty where the console was not built. */
#ifndef SERVERS_WEB_CONSOLE_FILES_H
#define SERVERS_WEB_CONSOLE_FILES_H

#include <stdbool.h>
#include <stddef.h>

struct console_file {
    const char *path; /* "/assets/app.js" */
    const char *type, *etag;
    const char *plain, *packed; /* packed: gzip; may be empty */
    size_t plain_len, packed_len;
    bool is_named_by_content; /* it never changes under this name */
};

extern const struct console_file CONSOLE_FILES[]; /* by path; ends with a NULL path */
extern const size_t CONSOLE_FILE_COUNT;

#endif
