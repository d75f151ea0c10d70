/* SPDX-License-Identifier: Apache-2.0 */
/* log_job.h - one piece of work at a time on a worker thread, which its owner can take back: lines
 * that must leave before the process ends wait for nobody else's turn.
 * Promise  `work` runs at most once for each start; `done` comes once for each start that was not
 *          followed by log_job_end(), also when the work was taken back. What `work` touches is the
 *          worker's from the start until done or taken back.
 * Thread   the loop's; `work` runs on a worker. */
#ifndef APP_LOG_JOB_H
#define APP_LOG_JOB_H

#include "io/loop/loop.h"

struct log_job;

/* `release` is called when nobody uses `self` any more: in log_job_end(), or later. */
struct log_job *log_job_new(struct loop *loop, void (*work)(void *self), void (*done)(void *self),
                            void (*release)(void *self), void *self);
bool log_job_is_busy(const struct log_job *job); /* started, and done has not come */
void log_job_start(struct log_job *job);         /* not while it is busy */
/* Waits while a worker is in it. Afterwards the work has run, or will not. */
void log_job_take_back(struct log_job *job);
void log_job_end(struct log_job *job); /* taken back; the last call */

#endif
