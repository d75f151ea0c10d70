/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_file.h"

#include "app/log_line.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    STAMP_LEN = sizeof "20261121_110633_123" - 1,
    RETRY_MS = LOG_FILE_RETRY_MS,
    MS_PER_DAY = 24 * 3600 * 1000,
};

struct log_file {
    struct text folder, name;
    struct buf entry; /* name of the present file */
    struct log_file_options options;
    int fd; /* -1: none */
    uint64_t bytes, began_utc_ms, last_stamp_ms, retry_utc_ms;
};

/* --- the folder ----------------------------------------------------------------------------- */

static bool is_stamp(struct text in)
{
    if (in.len != STAMP_LEN) return false;
    for (size_t i = 0; i < in.len; i++) {
        bool wants_line = i == 8 || i == 15;
        if (wants_line ? in.at[i] != '_' : in.at[i] < '0' || in.at[i] > '9') return false;
    }
    return true;
}

/* Is it NAME.STAMP.log? */
static bool is_ours(const struct log_file *file, struct text entry)
{
    static const size_t tail = sizeof ".log" - 1;
    if (entry.len != file->name.len + 1 + STAMP_LEN + tail) return false;
    return text_starts(entry, file->name) && entry.at[file->name.len] == '.' &&
           is_stamp(text_slice(entry, file->name.len + 1, STAMP_LEN)) &&
           text_ends(entry, TEXT(".log"));
}

static const char *path_of(const struct log_file *file, struct scope *scratch, struct text entry)
{
    return scope_format(scratch, "%.*s/%.*s", TEXT_ARG(file->folder), TEXT_ARG(entry)).at;
}

struct entries {
    struct text *at;
    size_t count, room;
};

static int by_name(const void *a, const void *b)
{
    return text_compare(*(const struct text *)a, *(const struct text *)b);
}

static void list_ours(const struct log_file *file, struct scope *scratch, struct entries *out)
{
    *out = (struct entries){ 0 };
    DIR *folder = opendir(scope_keep_z(scratch, file->folder));
    if (folder == NULL) return;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        struct text name = text_of(entry->d_name);
        if (!is_ours(file, name)) continue;
        if (out->count == out->room) {
            struct text *wider = scope_alloc_array(scratch, out->room * 2 + 16, sizeof *wider);
            if (out->count) memcpy(wider, out->at, out->count * sizeof *wider);
            out->at = wider;
            out->room = out->room * 2 + 16;
        }
        out->at[out->count++] = scope_keep(scratch, name);
    }
    (void)closedir(folder);
    if (out->count) qsort(out->at, out->count, sizeof *out->at, by_name);
}

/* By the stamps. The newest stays, and the present one, which is not the newest by name in the hour
 * that summer time gives back. */
static void delete_expired(const struct log_file *file, uint64_t utc_ms)
{
    const struct log_expire *expire = &file->options.expire;
    if (expire->files == 0 && expire->days == 0) return;
    struct scope *scratch = scope_new(NULL, "log folder", SCOPE_NO_LIMIT);
    struct entries entries;
    list_ours(file, scratch, &entries);
    struct buf oldest = { 0 };
    uint64_t days_ms = (uint64_t)expire->days * MS_PER_DAY;
    log_stamp_format(&oldest, file->options.is_utc, utc_ms > days_ms ? utc_ms - days_ms : 0);
    for (size_t i = 0; i + 1 < entries.count; i++) {
        struct text stamp = text_slice(entries.at[i], file->name.len + 1, STAMP_LEN);
        bool goes = expire->files ? entries.count - i > expire->files
                                  : text_compare(stamp, buf_text(&oldest)) < 0;
        if (text_eq(entries.at[i], buf_text(&file->entry))) goes = false;
        if (goes) (void)unlink(path_of(file, scratch, entries.at[i]));
    }
    buf_free(&oldest);
    scope_close(scratch);
}

/* --- the file ------------------------------------------------------------------------------- */

static void forget(void *self)
{
    struct log_file *file = self;
    if (file->fd >= 0) (void)close(file->fd);
    file->fd = -1;
    buf_free(&file->entry);
}

struct log_file *log_file_new(struct scope *owner, struct text path)
{
    struct log_file *file = scope_alloc(owner, sizeof *file);
    path = scope_keep(owner, path);
    size_t slash = path.len;
    while (slash > 0 && path.at[slash - 1] != '/') slash--;
    file->folder = slash ? text_slice(path, 0, slash) : TEXT(".");
    file->name = text_slice(path, slash, path.len);
    file->fd = -1;
    scope_on_close(owner, forget, file);
    return file;
}

void log_file_set_options(struct log_file *file, const struct log_file_options *options)
{
    file->options = *options;
}

/* `*bytes` shrinks to what is left. */
static enum err write_all(struct log_file *file, struct text *bytes, struct fault *fault)
{
    while (bytes->len > 0) {
        ssize_t written = write(file->fd, bytes->at, bytes->len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fault_set(fault, ERR_IO, "", "%s", strerror(errno));
        file->bytes += (uint64_t)written;
        *bytes = text_slice(*bytes, (size_t)written, bytes->len);
    }
    return ERR_OK;
}

static enum err open_next(struct log_file *file, uint64_t utc_ms, struct fault *fault)
{
    struct scope *scratch = scope_new(NULL, "log file", SCOPE_NO_LIMIT);
    if (utc_ms <= file->last_stamp_ms) utc_ms = file->last_stamp_ms + 1;
    const char *path;
    do { /* a name that is taken already: the next millisecond */
        file->last_stamp_ms = utc_ms++;
        buf_clear(&file->entry);
        buf_add(&file->entry, file->name);
        buf_add_byte(&file->entry, '.');
        log_stamp_format(&file->entry, file->options.is_utc, file->last_stamp_ms);
        buf_add(&file->entry, TEXT(".log"));
        path = path_of(file, scratch, buf_text(&file->entry));
        file->fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, 0640);
    } while (file->fd < 0 && errno == EEXIST);
    enum err err = ERR_OK;
    if (file->fd < 0) err = fault_set(fault, ERR_IO, "", "%s: %s", path, strerror(errno));
    file->bytes = 0;
    scope_close(scratch);
    return err;
}

static bool is_segment_over(const struct log_file *file, size_t more, uint64_t utc_ms)
{
    const struct log_segment *segment = &file->options.segment;
    if (segment->bytes && file->bytes > 0 && file->bytes + more > segment->bytes) return true;
    return segment->ms && utc_ms >= file->began_utc_ms + segment->ms;
}

static enum err begin_file(struct log_file *file, uint64_t utc_ms,
                           void (*header)(void *self, struct buf *out), void *self,
                           struct fault *fault)
{
    forget(file);
    enum err err = open_next(file, utc_ms, fault);
    if (err) return err;
    file->began_utc_ms = utc_ms;
    delete_expired(file, utc_ms);
    struct buf top = { 0 };
    header(self, &top);
    struct text left = buf_text(&top);
    err = write_all(file, &left, fault);
    buf_free(&top);
    return err;
}

/* As many whole lines as the segment still takes, at least one. */
static size_t fitting(const struct log_file *file, struct text lines)
{
    uint64_t room = UINT64_MAX;
    if (file->options.segment.bytes)
        room = file->options.segment.bytes > file->bytes ? file->options.segment.bytes - file->bytes
                                                         : 0;
    size_t end = 0;
    for (;;) {
        size_t next = text_find(lines, '\n', end);
        next = next >= lines.len ? lines.len : next + 1;
        if (end > 0 && next > room) return end;
        end = next;
        if (end >= lines.len) return end;
    }
}

enum err log_file_write(struct log_file *file, struct text *lines, uint64_t utc_ms,
                        void (*header)(void *self, struct buf *out), void *self,
                        struct fault *fault)
{
    if (utc_ms < file->retry_utc_ms && file->retry_utc_ms - utc_ms <= RETRY_MS)
        return fault_set(fault, ERR_IO, "", "waiting before it is tried again");
    enum err err = ERR_OK;
    while (!err && lines->len > 0) {
        size_t first = text_find(*lines, '\n', 0);
        first = first >= lines->len ? lines->len : first + 1;
        if (file->fd < 0 || is_segment_over(file, first, utc_ms))
            err = begin_file(file, utc_ms, header, self, fault);
        if (err) break;
        struct text part = text_slice(*lines, 0, fitting(file, *lines));
        size_t len = part.len;
        err = write_all(file, &part, fault);
        *lines = text_slice(*lines, len - part.len, lines->len);
    }
    file->retry_utc_ms = err ? utc_ms + RETRY_MS : 0;
    return err;
}
