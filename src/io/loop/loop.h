/* SPDX-License-Identifier: Apache-2.0 */
/* loop.h - one thread, one loop: the clock, timers, deferred calls and worker threads.
 * Promise  a callback never comes from inside the call that took it; after stop or scope close it
 *          never comes (style 12). A handler that runs over 20 ms is counted and named by the slow
 *          hook.
 * Two kinds, one interface: REAL runs on libuv; VIRTUAL has its own clock that jumps from event to
 *          event, runs work inline in a deferred turn, and is the world of tests and simulation.
 * Clocks   utc_ms is wall clock, for stamps that are stored; mono_ms only grows, for intervals.
 * Owner    what is made with a loop dies before the loop: make the loop first, in an outer or the
 *          same scope. The loop's own scope is not closed from inside one of its callbacks.
 * Thread   everything here belongs to the loop's thread.
 * Order    a turn is: timers that are due, I/O, then chores and soons in the order they were asked
 *          for, then chore_last() ones. Timers of the same millisecond fire in the order of their
 *          start. A REAL loop ignores SIGPIPE for the process: a broken peer is an error code. */
#ifndef IO_LOOP_LOOP_H
#define IO_LOOP_LOOP_H

#include "base/list.h"
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

/* Until loop_stop(), or until nothing is left to wait for: a running timer, work, a listener, a
 * stream or a waker is something to wait for, a signal is not. */
void loop_run(struct loop *loop);
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
    struct list node;
    struct loop *loop; /* not NULL: pending */
};
void chore_soon(struct loop *loop, struct chore *chore);
/* The same, but after all others of the turn: for writers that collect what the others produce. */
void chore_last(struct loop *loop, struct chore *chore);
void chore_cancel(struct chore *chore);

/* Run `work` on a worker thread (it may touch only what `self` hands it), then `done` on the loop.
 * Exactly once each, at the latest while the loop closes; `self` must live until then, so it
 * belongs to no scope that may close earlier. VIRTUAL: both run inline, one to three turns later.
 */
void loop_work(struct loop *loop, void (*work)(void *self), void (*done)(void *self), void *self);

/* Wake the loop from another thread and run `run(self)` there; the only call that other threads may
 * make. Wakes are merged. */
struct waker;
struct waker *waker_new(struct scope *owner, struct loop *loop, void (*run)(void *self),
                        void *self);
void waker_wake(struct waker *waker);

/* A handler that kept the loop for SLOW_HANDLER_MS or more: what kind it was, its symbol or its
 * offset in the binary (for addr2line), how long. REAL only; a virtual clock stands still
 * meanwhile. */
enum { SLOW_HANDLER_MS = 20, SLOW_HANDLER_NAME_BYTES = 64 };
struct loop_slow {
    uint64_t count;   /* since the loop began */
    const char *kind; /* "timer", "stream bytes" ...; NULL: none yet */
    char name[SLOW_HANDLER_NAME_BYTES];
    uint32_t took_ms;
};
const struct loop_slow *loop_slow(const struct loop *loop); /* the last one */
void loop_on_slow(struct loop *loop, void (*report)(void *self, const struct loop_slow *slow),
                  void *self);
/* Rooms that call handlers themselves enclose the call: started = loop_handler_begin(loop). */
uint64_t loop_handler_begin(const struct loop *loop);
void loop_handler_end(struct loop *loop, uint64_t started, const char *kind, uintptr_t handler);

/* VIRTUAL: the simulated surroundings that all rooms on this loop share: the wires of sim_net, the
 * disk of sim_disk, the machine that runs simulated processes. NULL until set, once each. `drop`
 * (NULL: nothing to do) runs while the loop closes. */
enum loop_world { LOOP_WORLD_NET, LOOP_WORLD_DISK, LOOP_WORLD_MACHINE, LOOP_WORLD_COUNT };
void *loop_world(const struct loop *loop, enum loop_world part);
void loop_set_world(struct loop *loop, enum loop_world part, void *world,
                    void (*drop)(void *world));

/* `run` hears the signal on the loop; dies with `owner`. REAL only. */
void loop_on_signal(struct scope *owner, struct loop *loop, int signal_number,
                    void (*run)(void *self, int signal_number), void *self);

#endif
