/* SPDX-License-Identifier: Apache-2.0 */
#include "app/snapshot_file.h"

#include "format/msgpack.h"
#include "gen/events.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { SNAPSHOT_BYTES_MAX = 512 * 1024 * 1024, TIME_BYTES = 32 };

struct job { /* a root of its own: the worker may outlast the owner */
    struct scope *life;
    struct snapshot_file *file; /* NULL: gone */
    const char *path, *beside;
    struct buf bytes;
    int error;
};

struct snapshot_file {
    struct snapshot_file_setup setup;
    struct loop *loop;
    struct job *job; /* under way */
    bool is_stale;   /* objects moved meanwhile */
};

/* --- writing -------------------------------------------------------------------------------- */

static void forget(void *self)
{
    struct snapshot_file *file = self;
    if (file->job) file->job->file = NULL;
}

struct snapshot_file *snapshot_file_new(struct scope *owner, struct loop *loop,
                                        const struct snapshot_file_setup *setup)
{
    struct snapshot_file *file = scope_alloc(owner, sizeof *file);
    file->setup = *setup;
    file->setup.path = scope_keep(owner, setup->path);
    file->loop = loop;
    scope_on_close(owner, forget, file);
    return file;
}

static int write_file(const struct job *job)
{
    int fd = open(job->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return errno;
    struct text rest = buf_text(&job->bytes);
    int error = 0;
    while (rest.len > 0 && !error) {
        ssize_t written = write(fd, rest.at, rest.len);
        if (written >= 0)
            rest = text_slice(rest, (size_t)written, rest.len);
        else if (errno != EINTR)
            error = errno;
    }
    if (!error && fsync(fd) != 0) error = errno;
    if (close(fd) != 0 && !error) error = errno;
    return error;
}

static void work(void *self)
{
    struct job *job = self;
    job->error = write_file(job);
    if (!job->error && rename(job->beside, job->path) != 0) job->error = errno;
}

static void start_job(struct snapshot_file *file);

static void done(void *self)
{
    struct job *job = self;
    struct snapshot_file *file = job->file;
    if (file) {
        file->job = NULL;
        if (job->error) LOG_CONFIG_CACHE_FAILED(file->setup.log, job->path, strerror(job->error));
        if (file->is_stale) start_job(file);
    }
    buf_free(&job->bytes);
    scope_close(job->life);
}

static void start_job(struct snapshot_file *file)
{
    struct scope *life = scope_new(NULL, "kept configuration", SCOPE_NO_LIMIT);
    struct job *job = scope_alloc(life, sizeof *job);
    struct config_snapshot snapshot = { 0 };
    job->life = life;
    job->file = file;
    job->path = scope_keep_z(life, file->setup.path);
    job->beside = scope_format(life, "%s.new", job->path).at;
    file->setup.fill(file->setup.self, life, &snapshot);
    snapshot.head.has |= CONFIG_SNAPSHOT_HAS_WRITTEN;
    snapshot.written = loop_now_utc_ms(file->loop);
    msgpack_encode(&job->bytes, MSG_CONFIG_SNAPSHOT.shape, &snapshot);
    file->job = job;
    file->is_stale = false;
    loop_work(file->loop, work, done, job);
}

void snapshot_file_write(struct snapshot_file *file)
{
    if (file->job)
        file->is_stale = true;
    else
        start_job(file);
}

/* --- reading -------------------------------------------------------------------------------- */

static enum err read_file(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat status;
    if (fd < 0) return ERR_NOT_FOUND;
    /* Ours, and nobody else's to write: it decides what we do. */
    bool is_ours = fstat(fd, &status) == 0 && status.st_uid == geteuid() &&
                   (status.st_mode & 0077) == 0 && status.st_size <= SNAPSHOT_BYTES_MAX;
    ssize_t got = is_ours ? 1 : 0;
    while (got > 0 || (got < 0 && errno == EINTR)) {
        got = read(fd, buf_reserve(out, 65536), 65536);
        if (got > 0) out->len += (size_t)got;
    }
    (void)close(fd);
    return is_ours && got == 0 ? ERR_OK : ERR_NOT_FOUND;
}

enum err snapshot_file_read(struct text path, struct scope *scope,
                            const struct config_snapshot **out)
{
    struct buf bytes = { 0 };
    void *decoded;
    enum err err = read_file(scope_keep_z(scope, path), &bytes);
    if (!err)
        err = msgpack_decode(buf_text(&bytes), MSG_CONFIG_SNAPSHOT.shape, scope, &decoded, NULL);
    buf_free(&bytes);
    if (err) return ERR_NOT_FOUND;
    *out = decoded;
    return ERR_OK;
}

struct text snapshot_file_time(const struct config_snapshot *snapshot, struct scope *scope)
{
    char words[TIME_BYTES] = "an unknown time";
    time_t seconds = (time_t)(snapshot->written / 1000);
    struct tm parts;
    if (SHAPE_HAS(snapshot, CONFIG_SNAPSHOT_HAS_WRITTEN) && gmtime_r(&seconds, &parts))
        (void)strftime(words, sizeof words, "%Y-%m-%dT%H:%M:%SZ", &parts);
    return scope_keep(scope, text_of(words));
}
