/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/flat_file.h"

#include "base/buf.h"
#include "gen/events.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { AGAIN_S = 10, PATH_BYTES_MAX = 1024, FILES_MAX = 2000, DAY_S = 86400, FILE_MODE = 0640 };

struct flat_file {
    const struct log *log;
    struct flat_file_options options;
    char path[PATH_BYTES_MAX]; /* of the open file, or of the one that failed */
    int fd;                    /* -1: none */
    uint64_t bytes, began_utc_ms, again_utc_ms, lost;
    bool is_failing;
    struct buf waiting;
    uint32_t waiting_lines;
};

static void drop(void *self)
{
    struct flat_file *file = self;
    flat_file_flush(file, file->began_utc_ms);
    if (file->fd >= 0) (void)close(file->fd);
    buf_free(&file->waiting);
}

struct flat_file *flat_file_new(struct scope *owner, const struct log *log,
                                const struct flat_file_options *options)
{
    struct flat_file *file = scope_alloc(owner, sizeof *file);
    file->log = log;
    file->options = *options;
    file->options.folder = scope_keep(owner, options->folder);
    file->options.name = scope_keep(owner, options->name);
    file->fd = -1;
    scope_on_close(owner, drop, file);
    return file;
}

/* --- old segments --- */

struct segment {
    char name[256];
    time_t changed_s;
};

static int by_age(const void *a, const void *b)
{
    const struct segment *left = a, *right = b;
    if (left->changed_s != right->changed_s) return left->changed_s < right->changed_s ? -1 : 1;
    return strcmp(left->name, right->name);
}

/* Only what this name made. */
static bool is_segment(const struct flat_file *file, const char *name)
{
    struct text entry = text_of(name), own = file->options.name;
    return text_starts(entry, own) && entry.len > own.len && entry.at[own.len] == '.' &&
           text_ends(entry, TEXT(".log"));
}

/* The oldest go; names do not sort as time does, so their last change tells. */
static void expire(struct flat_file *file, uint64_t utc_ms)
{
    struct log_expire rule = file->options.expire;
    if (rule.files == 0 && rule.days == 0) return;
    DIR *folder = opendir(file->options.folder.at);
    if (folder == NULL) return;
    struct segment *all = calloc(FILES_MAX, sizeof *all);
    ASSERT(all != NULL);
    size_t count = 0;
    for (struct dirent *entry; count < FILES_MAX && (entry = readdir(folder)) != NULL;) {
        struct stat about;
        if (!is_segment(file, entry->d_name) || fstatat(dirfd(folder), entry->d_name, &about, 0))
            continue;
        (void)snprintf(all[count].name, sizeof all[count].name, "%s", entry->d_name);
        all[count++].changed_s = about.st_mtime;
    }
    qsort(all, count, sizeof *all, by_age);
    time_t oldest_s = (time_t)(utc_ms / 1000) - (time_t)rule.days * DAY_S;
    for (size_t i = 0; i + 1 < count; i++) /* the last one is the one in use */
        if ((rule.files && count - i > rule.files) || (rule.days && all[i].changed_s < oldest_s))
            (void)unlinkat(dirfd(folder), all[i].name, 0);
    free(all);
    (void)closedir(folder);
}

/* --- the file in use --- */

static void make_path(struct flat_file *file, uint64_t utc_ms)
{
    char stamp[40] = "";
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm parts;
    if (file->options.has_segments && gmtime_r(&seconds, &parts))
        (void)snprintf(stamp, sizeof stamp, ".%02d%02d%02d_%02d%02d%02d_%03d",
                       (parts.tm_mon + 1) % 100, parts.tm_mday % 100, parts.tm_year % 100,
                       parts.tm_hour % 100, parts.tm_min % 100, parts.tm_sec % 100,
                       (int)(utc_ms % 1000));
    (void)snprintf(file->path, sizeof file->path, "%.*s/%.*s%s.log", TEXT_ARG(file->options.folder),
                   TEXT_ARG(file->options.name), stamp);
}

static void fail(struct flat_file *file, const char *words, uint64_t utc_ms)
{
    if (!file->is_failing) LOG_FLAT_FILE_FAILED(file->log, file->path, words, AGAIN_S);
    file->is_failing = true;
    file->again_utc_ms = utc_ms + AGAIN_S * 1000;
    if (file->fd >= 0) (void)close(file->fd);
    file->fd = -1;
}

static bool open_file(struct flat_file *file, uint64_t utc_ms)
{
    make_path(file, utc_ms);
    if (mkdir(file->options.folder.at, 0750) != 0 && errno != EEXIST) {
        fail(file, strerror(errno), utc_ms);
        return false;
    }
    file->fd = open(file->path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, FILE_MODE);
    struct stat about;
    if (file->fd < 0 || fstat(file->fd, &about) != 0) {
        fail(file, strerror(errno), utc_ms);
        return false;
    }
    file->bytes = (uint64_t)about.st_size;
    file->began_utc_ms = utc_ms;
    if (file->options.has_segments) expire(file, utc_ms);
    return true;
}

static bool is_full(const struct flat_file *file, size_t more, uint64_t utc_ms)
{
    struct log_segment rule = file->options.segment;
    if (!file->options.has_segments || file->bytes == 0) return false;
    return (rule.bytes && file->bytes + more > rule.bytes) ||
           (rule.ms && utc_ms - file->began_utc_ms >= rule.ms);
}

/* All or nothing of a line: what was cut short is taken back, so that no half line stays. */
static bool write_all(struct flat_file *file, struct text lines, uint64_t utc_ms)
{
    size_t done = 0;
    while (done < lines.len) {
        ssize_t now = write(file->fd, lines.at + done, lines.len - done);
        if (now < 0 && errno == EINTR) continue;
        if (now <= 0) {
            int reason = now < 0 ? errno : ENOSPC;
            if (done && ftruncate(file->fd, (off_t)file->bytes) != 0) reason = errno;
            fail(file, strerror(reason), utc_ms);
            return false;
        }
        done += (size_t)now;
    }
    file->bytes += lines.len;
    return true;
}

static void put(struct flat_file *file, struct text lines, uint32_t count, uint64_t utc_ms)
{
    bool may_try = !file->is_failing || utc_ms >= file->again_utc_ms;
    if (file->fd >= 0 && is_full(file, lines.len, utc_ms)) {
        (void)close(file->fd);
        file->fd = -1;
    }
    if (!may_try || (file->fd < 0 && !open_file(file, utc_ms)) || !write_all(file, lines, utc_ms)) {
        file->lost += count;
        return;
    }
    if (file->is_failing) LOG_FLAT_FILE_BACK(file->log, file->path, (unsigned long long)file->lost);
    file->is_failing = false;
    file->lost = 0;
}

void flat_file_flush(struct flat_file *file, uint64_t utc_ms)
{
    if (file->waiting_lines == 0) return;
    put(file, buf_text(&file->waiting), file->waiting_lines, utc_ms);
    buf_clear(&file->waiting);
    file->waiting_lines = 0;
}

void flat_file_write(struct flat_file *file, struct text line, uint64_t utc_ms)
{
    if (file->options.buffer_bytes == 0) {
        put(file, line, 1, utc_ms);
        return;
    }
    if (file->waiting.len + line.len > file->options.buffer_bytes) flat_file_flush(file, utc_ms);
    buf_add(&file->waiting, line);
    file->waiting_lines++;
}
