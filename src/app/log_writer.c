/* SPDX-License-Identifier: Apache-2.0 */
/* A writer outlives its scope while a worker still holds it: it is not scope memory. */
#include "app/log_writer.h"

#include "app/log_job.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct log_writer {
    int fd;
    struct scope *life; /* a root: of the file */
    struct log_file *file;
    void (*on_written)(void *self, enum err err, const struct fault *fault);
    void *self;
    struct buf lines; /* collected since the last batch began */
    size_t line_count, batch_bytes, batch_lines;
    struct log_job *job;

    /* The job's: */
    struct buf batch, head;
    struct log_file_options options;
    uint64_t utc_ms;
    enum err err;
    struct fault fault;
};

/* --- writing: the loop or the worker --------------------------------------------------------- */

static enum err write_fd(int fd, struct text *bytes, struct fault *fault)
{
    while (bytes->len > 0) {
        ssize_t written = write(fd, bytes->at, bytes->len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fault_set(fault, ERR_IO, "", "%s", strerror(errno));
        *bytes = text_slice(*bytes, (size_t)written, bytes->len);
    }
    return ERR_OK;
}

static void add_head(void *self, struct buf *out)
{
    const struct log_writer *writer = self;
    buf_add(out, buf_text(&writer->head));
}

static void write_batch(void *self)
{
    struct log_writer *writer = self;
    struct text rest = buf_text(&writer->batch);
    writer->fault = (struct fault){ 0 };
    if (writer->fd >= 0) {
        writer->err = write_fd(writer->fd, &rest, &writer->fault);
    } else {
        log_file_set_options(writer->file, &writer->options);
        writer->err =
            log_file_write(writer->file, &rest, writer->utc_ms, add_head, writer, &writer->fault);
    }
    buf_drop_front(&writer->batch, writer->batch.len - rest.len);
}

/* --- the loop -------------------------------------------------------------------------------- */

/* After a batch: what is left of it still waits. */
static void count_rest(struct log_writer *writer)
{
    struct text rest = buf_text(&writer->batch);
    writer->batch_bytes = rest.len;
    writer->batch_lines = 0;
    for (size_t at = 0; (at = text_find(rest, '\n', at)) != SIZE_MAX; at++) writer->batch_lines++;
}

static void on_done(void *self)
{
    struct log_writer *writer = self;
    count_rest(writer);
    writer->on_written(writer->self, writer->err, &writer->fault);
}

static void release(void *self)
{
    struct log_writer *writer = self;
    scope_close(writer->life);
    buf_free(&writer->lines);
    buf_free(&writer->batch);
    buf_free(&writer->head);
    free(writer);
}

static void fill_batch(struct log_writer *writer, const struct log_writer_batch *batch)
{
    if (writer->batch.len == 0) {
        struct buf empty = writer->batch;
        writer->batch = writer->lines;
        writer->lines = empty;
    } else {
        buf_add(&writer->batch, buf_text(&writer->lines));
        buf_clear(&writer->lines);
    }
    writer->batch_bytes = writer->batch.len;
    writer->batch_lines += writer->line_count;
    writer->line_count = 0;
    writer->options = batch->options;
    writer->utc_ms = batch->utc_ms;
    buf_clear(&writer->head);
    buf_add(&writer->head, batch->head);
}

static enum err write_here(struct log_writer *writer, const struct log_writer_batch *batch,
                           struct fault *fault)
{
    fill_batch(writer, batch);
    write_batch(writer);
    count_rest(writer);
    if (writer->err && fault) *fault = writer->fault;
    return writer->err;
}

enum err log_writer_flush(struct log_writer *writer, const struct log_writer_batch *batch,
                          bool by_worker, struct fault *fault)
{
    if (log_writer_bytes(writer) == 0) return ERR_OK;
    if (log_job_is_busy(writer->job)) { /* its end begins the next batch */
        if (by_worker) return ERR_OK;
        log_job_take_back(writer->job);
        count_rest(writer);
    }
    if (!by_worker) return write_here(writer, batch, fault);
    fill_batch(writer, batch);
    log_job_start(writer->job);
    return ERR_OK;
}

bool log_writer_add(struct log_writer *writer, struct text line, size_t bytes_max)
{
    if (log_writer_bytes(writer) + line.len > bytes_max) return false;
    buf_add(&writer->lines, line);
    writer->line_count++;
    return true;
}

bool log_writer_is_busy(const struct log_writer *writer)
{
    return log_job_is_busy(writer->job);
}

size_t log_writer_bytes(const struct log_writer *writer)
{
    return writer->lines.len + writer->batch_bytes;
}

size_t log_writer_lines(const struct log_writer *writer)
{
    return writer->line_count + writer->batch_lines;
}

static void forget(void *self)
{
    log_job_end(((struct log_writer *)self)->job);
}

struct log_writer *log_writer_new(struct scope *owner, const struct log_writer_setup *setup)
{
    struct log_writer *writer = calloc(1, sizeof *writer);
    ASSERT(writer != NULL);
    *writer = (struct log_writer){
        .fd = setup->fd,
        .life = scope_new(NULL, "log output", SCOPE_NO_LIMIT),
        .on_written = setup->on_written,
        .self = setup->self,
        .job = log_job_new(setup->loop, write_batch, on_done, release, writer),
    };
    if (setup->fd < 0) writer->file = log_file_new(writer->life, setup->path);
    scope_on_close(owner, forget, writer);
    return writer;
}
