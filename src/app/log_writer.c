/* SPDX-License-Identifier: Apache-2.0 */
/* A writer outlives its scope while a worker still holds it: it is not scope memory. `state` says
 * whose the batch is; all that the worker touches lies under the lock or in the batch. */
#include "app/log_writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum state {
    IDLE,    /* the loop's */
    QUEUED,  /* a worker will come; whoever comes first writes */
    RUNNING, /* the worker's */
    WRITTEN, /* the loop's again, and it has not looked yet */
};

struct log_writer {
    struct loop *loop;
    int fd;
    struct scope *life; /* a root: of the file */
    struct log_file *file;
    void (*on_written)(void *self, enum err err, const struct fault *fault);
    void *self;
    struct buf lines; /* collected since the last batch began */
    size_t line_count, batch_bytes, batch_lines;
    bool is_detached; /* its owner is gone */
    uint32_t tasks;   /* workers whose end the loop has not heard of: 0 or 1 */

    pthread_mutex_t lock;
    pthread_cond_t moved;
    enum state state;

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

static void write_batch(struct log_writer *writer)
{
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

/* --- the worker ------------------------------------------------------------------------------ */

static void work(void *self)
{
    struct log_writer *writer = self;
    pthread_mutex_lock(&writer->lock);
    bool is_mine = writer->state == QUEUED;
    if (is_mine) writer->state = RUNNING;
    pthread_mutex_unlock(&writer->lock);
    if (!is_mine) return;
    write_batch(writer);
    pthread_mutex_lock(&writer->lock);
    writer->state = WRITTEN;
    pthread_cond_signal(&writer->moved);
    pthread_mutex_unlock(&writer->lock);
}

static void release(struct log_writer *writer)
{
    scope_close(writer->life);
    buf_free(&writer->lines);
    buf_free(&writer->batch);
    buf_free(&writer->head);
    pthread_cond_destroy(&writer->moved);
    pthread_mutex_destroy(&writer->lock);
    free(writer);
}

/* After a batch: what is left of it still waits. */
static void count_rest(struct log_writer *writer)
{
    struct text rest = buf_text(&writer->batch);
    writer->batch_bytes = rest.len;
    writer->batch_lines = 0;
    for (size_t at = 0; (at = text_find(rest, '\n', at)) != SIZE_MAX; at++) writer->batch_lines++;
}

static void done(void *self)
{
    struct log_writer *writer = self;
    writer->tasks--;
    if (writer->is_detached) {
        release(writer);
        return;
    }
    if (writer->state == WRITTEN) { /* else the loop wrote it itself meanwhile */
        writer->state = IDLE;
        count_rest(writer);
    }
    writer->on_written(writer->self, writer->err, &writer->fault);
}

/* --- the loop -------------------------------------------------------------------------------- */

/* The batch is the loop's when it returns. */
static void take_back(struct log_writer *writer)
{
    pthread_mutex_lock(&writer->lock);
    while (writer->state == RUNNING) pthread_cond_wait(&writer->moved, &writer->lock);
    writer->state = IDLE;
    pthread_mutex_unlock(&writer->lock);
    count_rest(writer);
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
    if (writer->tasks > 0) { /* a worker still writes: its end begins the next batch */
        if (by_worker) return ERR_OK;
        take_back(writer);
    }
    if (!by_worker) return write_here(writer, batch, fault);
    fill_batch(writer, batch);
    writer->state = QUEUED;
    writer->tasks++;
    loop_work(writer->loop, work, done, writer);
    return ERR_OK;
}

bool log_writer_add(struct log_writer *writer, struct text line, size_t bytes_max)
{
    if (log_writer_bytes(writer) + line.len > bytes_max) return false;
    buf_add(&writer->lines, line);
    writer->line_count++;
    return true;
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
    struct log_writer *writer = self;
    take_back(writer);
    writer->is_detached = true;
    if (writer->tasks == 0) release(writer);
}

struct log_writer *log_writer_new(struct scope *owner, const struct log_writer_setup *setup)
{
    struct log_writer *writer = calloc(1, sizeof *writer);
    ASSERT(writer != NULL);
    *writer = (struct log_writer){
        .loop = setup->loop,
        .fd = setup->fd,
        .life = scope_new(NULL, "log output", SCOPE_NO_LIMIT),
        .on_written = setup->on_written,
        .self = setup->self,
    };
    ASSERT(pthread_mutex_init(&writer->lock, NULL) == 0);
    ASSERT(pthread_cond_init(&writer->moved, NULL) == 0);
    if (setup->fd < 0) writer->file = log_file_new(writer->life, setup->path);
    scope_on_close(owner, forget, writer);
    return writer;
}
