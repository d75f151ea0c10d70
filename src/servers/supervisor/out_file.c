/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/out_file.h"

#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

bool out_file_is_long(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && S_ISREG(status.st_mode) &&
           status.st_size > OUT_FILE_BYTES_MAX;
}

static void keep_tail(const char *path, int file, off_t size)
{
    char before[PATH_MAX];
    if ((size_t)snprintf(before, sizeof before, "%s.before", path) >= sizeof before) return;
    int kept = open(before, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0640);
    if (kept < 0) return;
    off_t from = size > OUT_FILE_KEPT_BYTES ? size - OUT_FILE_KEPT_BYTES : 0;
    while (from < size && sendfile(kept, file, &from, (size_t)(size - from)) > 0) continue;
    (void)close(kept);
}

void out_file_shorten(const char *path)
{
    struct stat status;
    int file = open(path, O_RDWR | O_NOFOLLOW | O_CLOEXEC);
    if (file < 0) return;
    if (fstat(file, &status) == 0) keep_tail(path, file, status.st_size);
    (void)ftruncate(file, 0); /* or else the next look does it */
    (void)close(file);
}
