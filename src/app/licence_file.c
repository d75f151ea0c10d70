/* SPDX-License-Identifier: Apache-2.0 */
#include "app/licence_file.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = 64 };

struct job { /* a root of its own: the worker may outlast the application */
    struct scope *life;
    struct licence_file *file; /* NULL: gone */
    const char *path, *beside;
    char line[LINE_BYTES_MAX];
    size_t len;
};

struct licence_file {
    struct app *app;
    const char *path;
    struct job *job;          /* under way */
    struct licence_kept next; /* that has to be written after it */
    bool is_stale;
};

static void forget(void *self)
{
    struct licence_file *file = self;
    if (file->job) file->job->file = NULL;
}

struct licence_file *licence_file_open(struct scope *owner, struct app *app, struct text feature)
{
    if (app->run_dir.len == 0) return NULL;
    struct licence_file *file = scope_alloc(owner, sizeof *file);
    file->app = app;
    file->path = scope_format(owner, "%.*s/%.*s.%.*s.seats", TEXT_ARG(app->run_dir),
                              TEXT_ARG(app->name), TEXT_ARG(feature))
                     .at;
    scope_on_close(owner, forget, file);
    return file;
}

/* --- reading -------------------------------------------------------------------------------- */

enum err licence_file_read(const struct licence_file *file, struct licence_kept *out)
{
    char bytes[LINE_BYTES_MAX];
    int fd = open(file->path, O_RDONLY | O_CLOEXEC);
    ssize_t got = fd < 0 ? -1 : read(fd, bytes, sizeof bytes);
    if (fd >= 0) (void)close(fd);
    if (got <= 0) return ERR_NOT_FOUND;
    struct licence_kept kept;
    struct text line = text_trim((struct text){ bytes, (size_t)got }), seats, utc_ms;
    if (!text_cut(line, ' ', &seats, &utc_ms) || text_to_u32(seats, 0, UINT32_MAX, &kept.seats) ||
        text_to_u64(utc_ms, 0, INT64_MAX, &kept.answered_utc_ms))
        return ERR_NOT_FOUND;
    *out = kept;
    return ERR_OK;
}

/* --- writing -------------------------------------------------------------------------------- */

/* Without it a start during a failure of config begins as a first start does: nobody is told. */
static void work(void *self)
{
    const struct job *job = self;
    int fd = open(job->beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0) return;
    bool is_whole = write(fd, job->line, job->len) == (ssize_t)job->len && fsync(fd) == 0;
    if (close(fd) == 0 && is_whole) (void)rename(job->beside, job->path);
}

static void start(struct licence_file *file);

static void done(void *self)
{
    struct job *job = self;
    struct licence_file *file = job->file;
    if (file) file->job = NULL;
    scope_close(job->life);
    if (file && file->is_stale) start(file);
}

static void start(struct licence_file *file)
{
    struct scope *life = scope_new(NULL, "seats on disk", SCOPE_NO_LIMIT);
    struct job *job = scope_alloc(life, sizeof *job);
    job->life = life;
    job->file = file;
    job->path = scope_keep_z(life, text_of(file->path));
    job->beside = scope_format(life, "%s.new", file->path).at;
    job->len = (size_t)snprintf(job->line, sizeof job->line, "%" PRIu32 " %" PRIu64 "\n",
                                file->next.seats, file->next.answered_utc_ms);
    file->job = job;
    file->is_stale = false;
    loop_work(file->app->loop, work, done, job);
}

void licence_file_write(struct licence_file *file, const struct licence_kept *kept)
{
    file->next = *kept;
    file->is_stale = true;
    if (file->job == NULL) start(file);
}
