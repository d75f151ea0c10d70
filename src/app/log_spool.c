/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_spool.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CHUNK_BYTES = 512 * 1024, DIGITS = 12, IDLE_SEGMENT_BYTES = 64 * 1024 };

/* malloc'd: they come and go while the scope only grows. */
struct segment {
    struct segment *next;
    char *path;
    char stream[LOG_SPOOL_STREAM_BYTES_MAX + 1];
    int fd;
    uint64_t first, count, bytes;
    bool is_dirty; /* in the page cache, perhaps not on the disk */
};

struct log_spool {
    struct scope *life, *scratch;
    struct log_spool_setup setup;
    struct segment *first, *last; /* oldest first */
    struct segment *current;      /* that grows; NULL: the next record begins one */
    uint64_t next_number, bytes, lost;
    uint64_t mark, synced; /* numbers of ours: next at the last sync's time, and on the disk */
    bool is_folder_dirty;
    uint64_t at, number; /* of the first segment: where its first record that is not kept begins */
    struct buf chunk;    /* bytes of the first segment from chunk_at on */
    uint64_t chunk_at;
};

static enum err io_fault(struct fault *fault, const char *path)
{
    return fault_set(fault, ERR_IO, "", "%s: %s", path, strerror(errno));
}

/* --- frames ---------------------------------------------------------------------------------- */

void log_spool_frame(struct buf *out, struct text record)
{
    uint32_t len = (uint32_t)record.len;
    const unsigned char head[4] = { (unsigned char)(len >> 24), (unsigned char)(len >> 16),
                                    (unsigned char)(len >> 8), (unsigned char)len };
    buf_add(out, (struct text){ (const char *)head, sizeof head });
    buf_add(out, record);
}

bool log_spool_next(struct text *frames, struct text *record)
{
    if (frames->len < 4) return false;
    const unsigned char *head = (const unsigned char *)frames->at;
    size_t len = (size_t)head[0] << 24 | (size_t)head[1] << 16 | (size_t)head[2] << 8 | head[3];
    if (len == 0 || len > LOG_SPOOL_FRAME_BYTES_MAX || len > frames->len - 4) return false;
    *record = text_slice(*frames, 4, len);
    *frames = text_slice(*frames, 4 + len, frames->len);
    return true;
}

/* --- segments -------------------------------------------------------------------------------- */

static void free_segment(struct segment *segment, bool and_file)
{
    if (and_file) (void)unlink(segment->path);
    (void)close(segment->fd);
    free(segment->path);
    free(segment);
}

static void drop_first(struct log_spool *spool, bool and_file)
{
    struct segment *segment = spool->first;
    spool->first = segment->next;
    if (spool->first == NULL) spool->last = NULL;
    if (spool->current == segment) spool->current = NULL;
    spool->bytes -= segment->bytes;
    free_segment(segment, and_file);
}

static void begin_at_first(struct log_spool *spool)
{
    const struct segment *segment = spool->first;
    spool->at = 0;
    spool->number = segment ? segment->first : spool->next_number;
    buf_clear(&spool->chunk);
    spool->chunk_at = 0;
}

static struct segment *new_segment(const char *path, struct text stream, uint64_t first, int fd)
{
    struct segment *segment = calloc(1, sizeof *segment);
    ASSERT(segment != NULL);
    segment->path = strdup(path);
    ASSERT(segment->path != NULL);
    memcpy(segment->stream, stream.at, stream.len);
    segment->first = first;
    segment->fd = fd;
    segment->is_dirty = true;
    return segment;
}

static void add_last(struct log_spool *spool, struct segment *segment)
{
    if (spool->last)
        spool->last->next = segment;
    else
        spool->first = segment;
    spool->last = segment;
    spool->bytes += segment->bytes;
    if (spool->first == segment) begin_at_first(spool);
}

static enum err begin_segment(struct log_spool *spool, struct fault *fault)
{
    struct buf path = { 0 };
    buf_format(&path, "%.*s/%.*s.%.*s.%0*" PRIu64 ".spool", TEXT_ARG(spool->setup.folder),
               TEXT_ARG(spool->setup.name), TEXT_ARG(spool->setup.stream), DIGITS,
               spool->next_number);
    buf_add_byte(&path, '\0');
    int fd = open(path.at, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0640);
    enum err err = fd < 0 ? io_fault(fault, path.at) : ERR_OK;
    if (!err) {
        spool->current = new_segment(path.at, spool->setup.stream, spool->next_number, fd);
        add_last(spool, spool->current);
        spool->is_folder_dirty = true;
    }
    buf_free(&path);
    return err;
}

/* Bytes of the segment from `at` on, into `chunk`; false: there are none, or they cannot be read.
 */
static bool read_chunk(struct log_spool *spool, const struct segment *segment, uint64_t at)
{
    buf_clear(&spool->chunk);
    spool->chunk_at = at;
    ssize_t got =
        pread(segment->fd, buf_reserve(&spool->chunk, CHUNK_BYTES), CHUNK_BYTES, (off_t)at);
    if (got > 0) spool->chunk.len = (size_t)got;
    return got > 0;
}

/* Counts what is whole; the rest is a torn end. */
static void count_records(struct log_spool *spool, struct segment *segment)
{
    while (read_chunk(spool, segment, segment->bytes)) {
        struct text rest = buf_text(&spool->chunk), record;
        size_t before = rest.len;
        while (log_spool_next(&rest, &record)) segment->count++;
        segment->bytes += before - rest.len;
        if (rest.len == before) break;
    }
    buf_clear(&spool->chunk);
}

/* --- what former lives left ------------------------------------------------------------------ */

/* "NAME.STREAM.FIRST.spool" */
static bool parse_name(const struct log_spool *spool, struct text name, struct text *stream,
                       uint64_t *first)
{
    struct text prefix = spool->setup.name, tail = TEXT(".spool");
    if (!text_starts(name, prefix) || !text_ends(name, tail)) return false;
    if (name.len <= prefix.len + 1 + tail.len || name.at[prefix.len] != '.') return false;
    name = text_slice(name, prefix.len + 1, name.len - prefix.len - 1 - tail.len);
    if (name.len <= DIGITS + 1 || name.len > LOG_SPOOL_STREAM_BYTES_MAX + DIGITS + 1) return false;
    *stream = text_slice(name, 0, name.len - DIGITS - 1);
    return name.at[stream->len] == '.' && text_find(*stream, '.', 0) == SIZE_MAX &&
           text_to_u64(text_slice(name, stream->len + 1, DIGITS), 1, UINT64_MAX, first) == ERR_OK;
}

static void take_in(struct log_spool *spool, const char *name)
{
    struct text stream;
    uint64_t first;
    if (!parse_name(spool, text_of(name), &stream, &first)) return;
    struct buf path = { 0 };
    buf_format(&path, "%.*s/%s", TEXT_ARG(spool->setup.folder), name);
    buf_add_byte(&path, '\0');
    int fd = open(path.at, O_RDONLY | O_CLOEXEC);
    if (fd >= 0) {
        struct segment *segment = new_segment(path.at, stream, first, fd);
        count_records(spool, segment);
        if (segment->count > 0)
            add_last(spool, segment);
        else
            free_segment(segment, true);
    }
    buf_free(&path);
}

/* By stream, then by number. */
static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static enum err take_in_all(struct log_spool *spool, struct fault *fault)
{
    struct dirent **entries;
    const char *folder = scope_keep_z(spool->life, spool->setup.folder);
    if (mkdir(folder, 0750) < 0 && errno != EEXIST) return io_fault(fault, folder);
    int count = scandir(folder, &entries, NULL, by_name);
    if (count < 0) return io_fault(fault, folder);
    for (int i = 0; i < count; i++) {
        take_in(spool, entries[i]->d_name);
        free(entries[i]);
    }
    free(entries);
    return ERR_OK;
}

static void forget(void *self)
{
    struct log_spool *spool = self;
    bool is_kept = spool->number == spool->next_number; /* all of our own */
    while (spool->first) drop_first(spool, is_kept && spool->first == spool->current);
    buf_free(&spool->chunk);
}

enum err log_spool_open(struct scope *owner, const struct log_spool_setup *setup,
                        struct log_spool **out, struct fault *fault)
{
    struct scope *life = scope_new(owner, "log spool", SCOPE_NO_LIMIT);
    struct log_spool *spool = scope_alloc(life, sizeof *spool);
    *spool = (struct log_spool){
        .life = life,
        .scratch = scope_new(life, "spool folder", SCOPE_NO_LIMIT),
        .setup = { .folder = scope_keep(life, setup->folder),
                   .name = scope_keep(life, setup->name),
                   .stream = scope_keep(life, setup->stream),
                   .bytes_max = setup->bytes_max,
                   .segment_bytes = setup->segment_bytes },
        .next_number = 1,
        .number = 1,
        .mark = 1,
        .synced = 1,
    };
    ASSERT(setup->stream.len > 0 && setup->stream.len <= LOG_SPOOL_STREAM_BYTES_MAX);
    scope_on_close(life, forget, spool);
    enum err err = take_in_all(spool, fault);
    begin_at_first(spool);
    if (err)
        scope_close(life);
    else
        *out = spool;
    return err;
}

/* --- adding ---------------------------------------------------------------------------------- */

static void keep_bound(struct log_spool *spool, uint64_t more)
{
    while (spool->bytes + more > spool->setup.bytes_max) {
        struct segment *oldest = spool->first;
        if (oldest == NULL) return;
        spool->lost += oldest->first + oldest->count - spool->number;
        drop_first(spool, true);
        begin_at_first(spool);
    }
}

static enum err append(struct segment *segment, struct text bytes, struct fault *fault)
{
    uint64_t at = segment->bytes;
    while (bytes.len > 0) {
        ssize_t written = pwrite(segment->fd, bytes.at, bytes.len, (off_t)at);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) {
            enum err err = io_fault(fault, segment->path);
            (void)ftruncate(segment->fd, (off_t)segment->bytes);
            return err;
        }
        at += (uint64_t)written;
        bytes = text_slice(bytes, (size_t)written, bytes.len);
    }
    return ERR_OK;
}

enum err log_spool_add(struct log_spool *spool, struct text frames, struct fault *fault)
{
    struct text rest = frames, record;
    uint64_t count = 0;
    while (log_spool_next(&rest, &record)) count++;
    ASSERT(rest.len == 0);
    if (count == 0) return ERR_OK;
    if (spool->current && spool->current->bytes >= spool->setup.segment_bytes)
        spool->current = NULL;
    keep_bound(spool, frames.len);
    enum err err = spool->current ? ERR_OK : begin_segment(spool, fault);
    if (!err) err = append(spool->current, frames, fault);
    if (err) return err;
    spool->current->bytes += frames.len;
    spool->current->count += count;
    spool->current->is_dirty = true;
    spool->bytes += frames.len;
    spool->next_number += count;
    return ERR_OK;
}

/* --- reading --------------------------------------------------------------------------------- */

/* What of the first segment follows `at`, as whole frames; empty: nothing whole. */
static struct text frames_at(struct log_spool *spool, const struct segment *segment)
{
    for (int attempt = 0; attempt < 2; attempt++) {
        struct text rest = { 0 }, record, left;
        if (spool->at >= spool->chunk_at && spool->at < spool->chunk_at + spool->chunk.len)
            rest = text_slice(buf_text(&spool->chunk), (size_t)(spool->at - spool->chunk_at),
                              spool->chunk.len);
        left = rest;
        if (log_spool_next(&left, &record)) return rest;
        if (!read_chunk(spool, segment, spool->at)) break;
    }
    return (struct text){ 0 };
}

/* All of it is kept, or cannot be read. */
static void leave_first(struct log_spool *spool)
{
    drop_first(spool, true);
    begin_at_first(spool);
}

static bool is_over(const struct log_spool *spool, const struct segment *segment)
{
    return spool->number >= segment->first + segment->count;
}

/* The first segment that holds something nobody has kept; NULL: none does. */
static struct segment *waiting_segment(struct log_spool *spool)
{
    struct segment *segment;
    while ((segment = spool->first) != NULL && is_over(spool, segment)) {
        if (segment == spool->current) return NULL;
        leave_first(spool);
    }
    return segment;
}

void log_spool_read(struct log_spool *spool, uint32_t count_max, size_t bytes_max,
                    struct log_spool_batch *out)
{
    struct segment *segment;
    *out = (struct log_spool_batch){ 0 };
    while (out->count == 0 && (segment = waiting_segment(spool)) != NULL) {
        struct text frames = frames_at(spool, segment), rest = frames, record;
        uint64_t left = segment->first + segment->count - spool->number;
        while (out->count < count_max && out->count < left && log_spool_next(&rest, &record)) {
            if (out->count > 0 && frames.len - rest.len > bytes_max) break;
            out->count++;
            out->frames = text_slice(frames, 0, frames.len - rest.len);
        }
        out->stream = text_of(segment->stream);
        out->first = spool->number;
        if (out->count > 0) break;
        spool->lost += left; /* the disk does not give them back */
        leave_first(spool);
    }
}

void log_spool_kept(struct log_spool *spool, struct text stream, uint64_t up_to)
{
    struct segment *segment;
    while ((segment = spool->first) != NULL && text_eq(text_of(segment->stream), stream)) {
        while (spool->number <= up_to && !is_over(spool, segment)) {
            struct text frames = frames_at(spool, segment), record;
            if (!log_spool_next(&frames, &record)) break;
            spool->at += 4 + record.len;
            spool->number++;
        }
        bool grows = segment == spool->current && segment->bytes < IDLE_SEGMENT_BYTES;
        if (!is_over(spool, segment) || grows) return;
        leave_first(spool);
    }
}

/* --- to the disk itself ---------------------------------------------------------------------- */

static bool has_waiting(const struct log_spool *spool)
{
    return spool->first && (spool->first != spool->current || !is_over(spool, spool->first));
}

/* Has something that was added before the last call not been kept since? */
static bool waits_long(const struct log_spool *spool)
{
    bool is_former = !text_eq(text_of(spool->first->stream), spool->setup.stream);
    return is_former || spool->number < spool->mark;
}

static enum err sync_folder(struct log_spool *spool, struct fault *fault)
{
    const char *path = scope_keep_z(spool->scratch, spool->setup.folder);
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum err err = fd < 0 || fsync(fd) ? io_fault(fault, path) : ERR_OK;
    if (fd >= 0) (void)close(fd);
    scope_reset(spool->scratch);
    return err;
}

static enum err sync_all(struct log_spool *spool, struct fault *fault)
{
    enum err err = ERR_OK;
    for (struct segment *segment = spool->first; segment; segment = segment->next) {
        if (segment->is_dirty && fdatasync(segment->fd)) err = io_fault(fault, segment->path);
        segment->is_dirty = false;
    }
    if (spool->is_folder_dirty && sync_folder(spool, fault)) err = ERR_IO;
    spool->is_folder_dirty = false;
    return err;
}

enum err log_spool_sync(struct log_spool *spool, struct fault *fault)
{
    bool is_all_kept = !has_waiting(spool), is_due = !is_all_kept && waits_long(spool);
    enum err err = is_due ? sync_all(spool, fault) : ERR_OK;
    spool->mark = spool->next_number;
    if (is_due || is_all_kept) spool->synced = spool->next_number;
    return err;
}

bool log_spool_is_unsynced(const struct log_spool *spool)
{
    return spool->next_number > spool->synced && has_waiting(spool);
}

uint64_t log_spool_take_lost(struct log_spool *spool)
{
    uint64_t lost = spool->lost;
    spool->lost = 0;
    return lost;
}

uint64_t log_spool_bytes(const struct log_spool *spool)
{
    return spool->bytes;
}
