/* SPDX-License-Identifier: Apache-2.0 */
/* out_file.h - LOGS/NAME.out, to which a process writes what it says by itself, kept short.
 * Promise  when it is longer than OUT_FILE_BYTES_MAX, its last OUT_FILE_KEPT_BYTES go to
 *          NAME.out.before and it begins anew; what is written meanwhile may be lost. The writer's
 *          descriptor appends, and stays good.
 * Thread   any. */
#ifndef SERVERS_SUPERVISOR_OUT_FILE_H
#define SERVERS_SUPERVISOR_OUT_FILE_H

#include <stdbool.h>

enum { OUT_FILE_BYTES_MAX = 8 << 20, OUT_FILE_KEPT_BYTES = 1 << 20 };

bool out_file_is_long(const char *path);
void out_file_shorten(const char *path); /* blocks on the disk */

#endif
