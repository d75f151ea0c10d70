/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one thread, one loop: the clock, timers, deferred calls and worker threads.
 * Promise  a callback never comes from inside the call that took it; after stop or scope close it
 *          never comes (style 12). A handler that runs over 20 ms is counted and named by the slow
 *          hook.
 * Two kinds, one interface: REAL runs on libuv; VIRTUAL has its own clock that jumps from event to
 *          event, runs work inline in a deferred turn, and is the world of tests and simulation.
 * Clocks   utc_ms is wall clock, for stamps that are stored; mono_ms only grows, for intervals.
 * Thread   everything here belongs to the loop's thread. */
#ifndef IO_LOOP_LOOP_H
#define IO_LOOP_LOOP_H

#include "base/random.h"
#include "base/scope.h"

struct loop;
struct timer;
struct uv_loop_s;

struct loop *loop_new(struct scope *owner);
/* A loop whose wall clock starts at `utc_ms` and whose chance comes from `seed`. */
struct loop *loop_new_virtual(struct scope *owner, uint64_t utc_ms, uint64_t seed);
bool loop_is_virtual(const struct loop *loop);
struct uv_loop_s *loop_uv(
    struct loop *loop); /* for libraries that bring their own sockets; REAL only */

uint64_t loop_now_utc_ms(const struct loop *loop);
uint64_t loop_now_mono_ms(const struct loop *loop);
struct random *loop_random(struct loop *loop);

void loop_run(struct loop *loop); /* until loop_stop(), or until nothing is left to wait for */
void loop_stop(struct loop *loop);
void loop_run_for(struct loop *loop, uint64_t ms); /* tests: both kinds; virtual: jumps */
/* VIRTUAL: step the wall clock alone, as an administrator or NTP does. */
void loop_step_utc(struct loop *loop, int64_t by_ms);

/* A timer rests until started; starting again moves it. Fires once. Dies with `owner`. */
struct timer *timer_new(struct scope *owner, struct loop *loop, void (*fire)(void *self),
                        void *self);
void timer_start(struct timer *timer, uint64_t after_ms);
void timer_start_at(struct timer *timer, uint64_t mono_ms);
void timer_stop(struct timer *timer);
bool timer_is_running(const struct timer *timer);

/* Run once at the end of the present turn (after all I/O callbacks of it). `owner` closing cancels
 * it. */
void loop_soon(struct scope *owner, struct loop *loop, void (*run)(void *self), void *self);

/* A chore that many want at the end of the turn once: idempotent while it is pending. Zeroed when
 * new; fill run and self. Lies inside its owner, which removes it with chore_cancel() before it
 * dies. */
struct chore {
    void (*run)(void *self);
    void *self;
    struct chore *next;
    struct loop *loop; /* not NULL: pending */
};
void chore_soon(struct loop *loop, struct chore *chore);
void chore_cancel(struct chore *chore);

/* Run `work` on a worker thread (it may touch only what `self` hands it), then `done` on the loop.
 * Exactly once each; `self` must live until then. VIRTUAL: work runs in a later turn. */
void loop_work(struct loop *loop, void (*work)(void *self), void (*done)(void *self), void *self);

/* Wake the loop from another thread and run `run(self)` there; the only call that other threads may
 * make. Wakes are merged. */
struct waker;
struct waker *waker_new(struct scope *owner, struct loop *loop, void (*run)(void *self),
                        void *self);
void waker_wake(struct waker *waker);

/* `run` hears the signal on the loop; dies with `owner`. REAL only. */
void loop_on_signal(struct scope *owner, struct loop *loop, int signal_number,
                    void (*run)(void *self, int signal_number), void *self);

#endif
