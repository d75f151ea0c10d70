/* SPDX-License-Identifier: Apache-2.0 */
/* The writer: takes what has collected, runs it as one group, hands the results back. While a group
 * commits the next one collects: under load groups fill by themselves, an idle writer commits a
 * lone change at once. On a VIRTUAL loop a timer takes the thread's place. */
#include "store/store_private.h"

#include "base/random.h"
#include "fault.h"

#include <signal.h>
#include <time.h>

/* --- threads, also for the reader --- */

void worker_init(struct worker *worker)
{
    pthread_condattr_t attributes;
    ASSERT(pthread_condattr_init(&attributes) == 0);
    ASSERT(pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC) == 0);
    ASSERT(pthread_cond_init(&worker->work_came, &attributes) == 0);
    (void)pthread_condattr_destroy(&attributes);
    ASSERT(pthread_mutex_init(&worker->lock, NULL) == 0);
    list_init(&worker->queue);
    list_init(&worker->done);
}

void worker_start(struct worker *worker, void *(*run)(void *self), void *self)
{
    sigset_t all, before; /* signals are the loop's */
    (void)sigfillset(&all);
    ASSERT(pthread_sigmask(SIG_SETMASK, &all, &before) == 0);
    ASSERT(pthread_create(&worker->thread, NULL, run, self) == 0);
    ASSERT(pthread_sigmask(SIG_SETMASK, &before, NULL) == 0);
    worker->is_started = true;
}

void worker_stop(struct worker *worker)
{
    if (worker->is_started) {
        pthread_mutex_lock(&worker->lock);
        worker->is_stopping = true;
        (void)pthread_cond_signal(&worker->work_came);
        pthread_mutex_unlock(&worker->lock);
        ASSERT(pthread_join(worker->thread, NULL) == 0);
    }
    (void)pthread_cond_destroy(&worker->work_came);
    (void)pthread_mutex_destroy(&worker->lock);
}

/* --- groups --- */

static bool is_group_full(const struct store *store)
{
    uint32_t rows = 0;
    LIST_EACH (node, &store->write.queue) {
        rows += LIST_OBJECT(node, struct change, node)->statement_count;
        if (rows >= store->options.group_rows_max) return true;
    }
    return false;
}

/* At least one change, then as many as fit. */
static void take_group(struct store *store, struct group *group)
{
    uint32_t rows = 0;
    struct list *node;
    list_init(&group->changes);
    while ((node = list_first(&store->write.queue)) != NULL) {
        rows += LIST_OBJECT(node, struct change, node)->statement_count;
        if (rows > store->options.group_rows_max && !list_is_empty(&group->changes)) break;
        list_remove(node);
        list_add_last(&group->changes, node);
    }
    group->fence = store->fence;
    group->is_disk_unknown = store->is_disk_unknown;
}

static void refuse_group(struct group *group)
{
    LIST_EACH (node, &group->changes)
        change_fail(LIST_OBJECT(node, struct change, node), ERR_UNAVAILABLE, -1,
                    STORE_BROKEN_WORDS);
}

static void carry_out(struct store *store, struct group *group)
{
    if (group->is_disk_unknown) {
        refuse_group(group);
        return;
    }
    store->driver->run_group(store->writer, group);
}

/* Under the lock. */
static void hand_back(struct store *store, struct group *group)
{
    ring_append(&store->write.done, &group->changes);
    if (group->is_fence_broken) store->is_fence_broken = true;
    if (group->is_disk_unknown) store->is_disk_unknown = true;
    store->groups++;
    store->commit_us += group->commit_us;
}

/* --- the thread --- */

static struct timespec moment_in(uint32_t ms)
{
    struct timespec moment;
    (void)clock_gettime(CLOCK_MONOTONIC, &moment);
    moment.tv_sec += ms / 1000;
    moment.tv_nsec += (long)(ms % 1000) * 1000000;
    if (moment.tv_nsec >= 1000000000) {
        moment.tv_sec++;
        moment.tv_nsec -= 1000000000;
    }
    return moment;
}

static void wait_for_company(struct store *store)
{
    struct worker *write = &store->write;
    if (store->options.group_wait_ms == 0) return;
    struct timespec until = moment_in(store->options.group_wait_ms);
    while (!write->is_stopping && !is_group_full(store))
        if (pthread_cond_timedwait(&write->work_came, &write->lock, &until)) return;
}

static void *write_groups(void *self)
{
    struct store *store = self;
    struct worker *write = &store->write;
    pthread_mutex_lock(&write->lock);
    while (!write->is_stopping) {
        if (list_is_empty(&write->queue)) {
            (void)pthread_cond_wait(&write->work_came, &write->lock);
            continue;
        }
        wait_for_company(store);
        if (write->is_stopping) break;
        struct group group = { 0 };
        take_group(store, &group);
        pthread_mutex_unlock(&write->lock);
#ifdef FAULT_ANSWER_EARLY
        faults_answer_early(store, &group); /* a crash from here to the commit breaks a promise */
#endif
        carry_out(store, &group);
        pthread_mutex_lock(&write->lock);
        hand_back(store, &group);
        waker_wake(store->waker);
    }
    pthread_mutex_unlock(&write->lock);
    return NULL;
}

/* --- VIRTUAL --- */

static enum commit_fate next_fate(struct store *store)
{
    if (store->sim_sync_fails) {
        store->sim_sync_fails = false;
        bool is_kept = random_below(loop_random(store->loop), 2) == 1;
        return is_kept ? COMMIT_SYNC_FAILS_KEPT : COMMIT_SYNC_FAILS_LOST;
    }
    if (store->sim_full_groups == 0) return COMMIT_WORKS;
    store->sim_full_groups--;
    return COMMIT_DISK_FULL;
}

/* On the simulated disk a group is there at some moment of its time; the answer comes at its end.
 */
static void start_virtual(struct store *store)
{
    uint32_t ms = store->sim_commit_ms + sim_seat_extra_ms(&store->sim_seat);
    bool is_on_disk = store->sim_seat.disk != NULL;
    store->sim_took_ms = ms;
    store->sim_rest_ms =
        is_on_disk ? (uint32_t)random_below(loop_random(store->loop), (uint64_t)ms + 1) : 0;
    timer_start(store->write_timer, ms - store->sim_rest_ms);
}

static void write_virtual(struct store *store)
{
    struct group *group = &store->sim_group;
    *group = (struct group){ .fate = next_fate(store) };
    take_group(store, group);
#ifdef FAULT_ANSWER_EARLY
    faults_answer_early(store, group); /* and the commit at the end of its time */
#else
    carry_out(store, group);
#endif
    group->commit_us = (uint64_t)store->sim_took_ms * 1000; /* no real clock in a simulated world */
    store->sim_is_taken = true;
}

static void on_write_time(void *self)
{
    struct store *store = self;
    if (!store->sim_is_taken && list_is_empty(&store->write.queue)) { /* taken back meanwhile */
        store->is_stalled = false;
        return;
    }
    if (!store->sim_is_taken) write_virtual(store);
    if (store->sim_rest_ms > 0) {
        timer_start(store->write_timer, store->sim_rest_ms);
        store->sim_rest_ms = 0;
        return;
    }
#ifdef FAULT_ANSWER_EARLY
    carry_out(store, &store->sim_group);
#endif
    store->sim_is_taken = false;
    hand_back(store, &store->sim_group);
    if (!list_is_empty(&store->write.queue)) start_virtual(store);
    store_answer(store);
}

/* --- the room's doors --- */

void writer_start(struct store *store)
{
    if (loop_is_virtual(store->loop))
        store->write_timer = timer_new(store->life, store->loop, on_write_time, store);
    else
        worker_start(&store->write, write_groups, store);
}

void writer_queue(struct store *store, struct list *changes)
{
    struct worker *write = &store->write;
    pthread_mutex_lock(&write->lock);
    ring_append(&write->queue, changes);
    (void)pthread_cond_signal(&write->work_came);
    pthread_mutex_unlock(&write->lock);
    if (store->write_timer && !timer_is_running(store->write_timer)) start_virtual(store);
}

void writer_take_back(struct store *store, struct list *out)
{
    struct worker *write = &store->write;
    struct list kept, *node;
    list_init(&kept);
    pthread_mutex_lock(&write->lock);
    while ((node = list_first(&write->queue)) != NULL) {
        bool stays = LIST_OBJECT(node, struct change, node)->is_vital;
        list_remove(node);
        list_add_last(stays ? &kept : out, node);
    }
    ring_append(&write->queue, &kept);
    pthread_mutex_unlock(&write->lock);
}
