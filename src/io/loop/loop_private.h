/* SPDX-License-Identifier: Apache-2.0 */
/* loop_private.h - the inside of a loop, for the files of this room only. Start reading at
 * loop_end_turn() in loop.c. */
#ifndef IO_LOOP_LOOP_PRIVATE_H
#define IO_LOOP_LOOP_PRIVATE_H

#include "io/loop/loop.h"

#include "base/table.h"

#include <uv.h>

struct loop {
    bool is_virtual, is_running, is_stopping, is_closing;
    struct scope *life; /* of the loop's own small things; no owner */
    struct random random;

    uv_loop_t uv;
    uv_timer_t alarm;    /* rings when the first timer of the heap is due */
    uv_check_t turn_end; /* after I/O */
    uv_idle_t busy;      /* active while something is asked for: the turn must not wait */
    uint64_t alarm_mono_ms;
    struct timer *run_for_limit;

    struct timer **heap; /* binary heap, the earliest first */
    size_t timer_count, timer_room;
    uint64_t timer_order; /* grows with each start: ties keep the order of their starts */

    struct list chores, last_chores;
    struct table *soon_owners; /* owner scope -> struct soon_owner */

    struct list fixtures;  /* wakers and signals */
    struct list work_list; /* VIRTUAL: waiting for their turn */
    uint32_t work_count;
    uint64_t work_turn; /* VIRTUAL */

    uint64_t virtual_mono_ms, virtual_utc_start_ms;
    int64_t virtual_step_ms;
    struct {
        void *self;
        void (*drop)(void *self);
    } worlds[LOOP_WORLD_COUNT];

    struct loop_slow slow;
    void (*report_slow)(void *self, const struct loop_slow *slow);
    void *report_slow_self;
};

/* timer.c */
void timers_fire_due(struct loop *loop);
bool timers_next_mono_ms(const struct loop *loop, uint64_t *mono_ms); /* false: none runs */
void timers_drop(struct loop *loop);

/* work.c */
bool work_is_waiting(const struct loop *loop); /* VIRTUAL: work, or a waker that was woken */
void work_turn(struct loop *loop);             /* VIRTUAL */
void fixtures_drop(struct loop *loop);

#endif
