/* SPDX-License-Identifier: Apache-2.0 */
/* log_writer.h - one log output that takes lines: a descriptor or a file (log_file.h), written by
 * the caller or by a worker thread (framework 8.1, enable-thread).
 * Promise  lines leave in the order they came; by a worker the caller never waits for a disk, but
 * at the end. What an output could not take is kept and comes first the next time. Errors
 * on_written tells of each write of a worker, also of those that went well. Thread   the loop's; a
 * batch of lines and the open file belong to the worker while it writes. */
#ifndef APP_LOG_WRITER_H
#define APP_LOG_WRITER_H

#include "app/log_file.h"
#include "io/loop/loop.h"

struct log_writer;

struct log_writer_setup {
    struct loop *loop;
    int fd;           /* stdout, stderr; -1: the file */
    struct text path; /* folder and NAME of the file */
    void (*on_written)(void *self, enum err err, const struct fault *fault);
    void *self;
};
/* What a batch needs to know of its logger, as it is now. */
struct log_writer_batch {
    struct log_file_options options;
    uint64_t utc_ms;
    struct text head; /* what a new file begins with; only read inside the call */
};

struct log_writer *log_writer_new(struct scope *owner, const struct log_writer_setup *setup);
/* false: with it more than `bytes_max` would wait. */
bool log_writer_add(struct log_writer *writer, struct text line, size_t bytes_max);
size_t log_writer_bytes(const struct log_writer *writer); /* that wait, and are being written */
size_t log_writer_lines(const struct log_writer *writer);
bool log_writer_is_busy(const struct log_writer *writer); /* a worker has a batch */
/* By a worker: begins, unless one writes already; ERR_OK. Else all that waits is written when it
 * returns, or could not be. */
enum err log_writer_flush(struct log_writer *writer, const struct log_writer_batch *batch,
                          bool by_worker, struct fault *fault);

#endif
