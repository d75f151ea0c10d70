/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_job.h"

#include <pthread.h>
#include <stdlib.h>

struct log_job {
    struct loop *loop;
    void (*work)(void *self);
    void (*done)(void *self);
    void (*release)(void *self);
    void *self;
    bool is_busy, has_ended; /* the loop's */
    pthread_mutex_t lock;
    pthread_cond_t left;
    enum { IDLE, QUEUED, RUNNING } state; /* under the lock: QUEUED is whoever's comes first */
};

static void on_worker(void *self)
{
    struct log_job *job = self;
    pthread_mutex_lock(&job->lock);
    bool is_mine = job->state == QUEUED;
    if (is_mine) job->state = RUNNING;
    pthread_mutex_unlock(&job->lock);
    if (!is_mine) return;
    job->work(job->self);
    pthread_mutex_lock(&job->lock);
    job->state = IDLE;
    pthread_cond_signal(&job->left);
    pthread_mutex_unlock(&job->lock);
}

static void release(struct log_job *job)
{
    job->release(job->self);
    pthread_cond_destroy(&job->left);
    pthread_mutex_destroy(&job->lock);
    free(job);
}

static void on_done(void *self)
{
    struct log_job *job = self;
    job->is_busy = false;
    if (job->has_ended)
        release(job);
    else
        job->done(job->self);
}

struct log_job *log_job_new(struct loop *loop, void (*work)(void *self), void (*done)(void *self),
                            void (*release_self)(void *self), void *self)
{
    struct log_job *job = calloc(1, sizeof *job);
    ASSERT(job != NULL);
    *job = (struct log_job){
        .loop = loop, .work = work, .done = done, .release = release_self, .self = self
    };
    ASSERT(pthread_mutex_init(&job->lock, NULL) == 0);
    ASSERT(pthread_cond_init(&job->left, NULL) == 0);
    return job;
}

bool log_job_is_busy(const struct log_job *job)
{
    return job->is_busy;
}

void log_job_start(struct log_job *job)
{
    ASSERT(!job->is_busy);
    job->state = QUEUED; /* no worker knows of it yet */
    job->is_busy = true;
    loop_work(job->loop, on_worker, on_done, job);
}

void log_job_take_back(struct log_job *job)
{
    pthread_mutex_lock(&job->lock);
    while (job->state == RUNNING) pthread_cond_wait(&job->left, &job->lock);
    job->state = IDLE;
    pthread_mutex_unlock(&job->lock);
}

void log_job_end(struct log_job *job)
{
    log_job_take_back(job);
    job->has_ended = true;
    if (!job->is_busy) release(job);
}
