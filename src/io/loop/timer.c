/* SPDX-License-Identifier: Apache-2.0 */
/* Timers: a binary heap of our own, so that ten thousand of them cost libuv one. The earliest
 * stands at the root; each timer knows its place, so stopping one costs log n. */
#include "io/loop/loop_private.h"

#include <stdlib.h>

struct timer {
    struct loop *loop;
    void (*fire)(void *self);
    void *self;
    uint64_t due_mono_ms, order;
    size_t place; /* in the heap, from 1; 0: at rest */
};

static bool is_before(const struct timer *a, const struct timer *b)
{
    return a->due_mono_ms < b->due_mono_ms ||
           (a->due_mono_ms == b->due_mono_ms && a->order < b->order);
}

static void heap_set(struct loop *loop, size_t place, struct timer *timer)
{
    loop->heap[place - 1] = timer;
    timer->place = place;
}

static void heap_rise(struct loop *loop, struct timer *timer)
{
    size_t place = timer->place;
    for (; place > 1 && is_before(timer, loop->heap[place / 2 - 1]); place /= 2)
        heap_set(loop, place, loop->heap[place / 2 - 1]);
    heap_set(loop, place, timer);
}

static void heap_sink(struct loop *loop, struct timer *timer)
{
    size_t place = timer->place;
    for (size_t below; (below = place * 2) <= loop->timer_count; place = below) {
        if (below < loop->timer_count && is_before(loop->heap[below], loop->heap[below - 1]))
            below++;
        if (!is_before(loop->heap[below - 1], timer)) break;
        heap_set(loop, place, loop->heap[below - 1]);
    }
    heap_set(loop, place, timer);
}

static void heap_add(struct loop *loop, struct timer *timer)
{
    if (loop->timer_count == loop->timer_room) {
        loop->timer_room = loop->timer_room ? loop->timer_room * 2 : 64;
        loop->heap = realloc(loop->heap, loop->timer_room * sizeof(struct timer *));
        ASSERT(loop->heap != NULL);
    }
    heap_set(loop, ++loop->timer_count, timer);
    heap_rise(loop, timer);
}

static void heap_remove(struct loop *loop, struct timer *timer)
{
    size_t place = timer->place;
    struct timer *last = loop->heap[--loop->timer_count];
    timer->place = 0;
    if (last == timer) return;
    heap_set(loop, place, last);
    heap_rise(loop, last);
    heap_sink(loop, last);
}

static void on_alarm(uv_timer_t *alarm);

/* Let libuv's one timer ring for the first of ours. */
static void alarm_set(struct loop *loop)
{
    if (loop->is_virtual || loop->is_closing) return;
    if (loop->timer_count == 0) {
        loop->alarm_mono_ms = 0;
        (void)uv_timer_stop(&loop->alarm);
        return;
    }
    uint64_t due = loop->heap[0]->due_mono_ms;
    if (loop->alarm_mono_ms == due) return;
    loop->alarm_mono_ms = due;
    uint64_t now = uv_now(&loop->uv); /* libuv adds the wait to this, not to the true now */
    (void)uv_timer_start(&loop->alarm, on_alarm, due > now ? due - now : 0, 0);
}

static void on_alarm(uv_timer_t *alarm)
{
    struct loop *loop = alarm->data;
    loop->alarm_mono_ms = 0;
    timers_fire_due(loop);
    alarm_set(loop);
}

void timers_fire_due(struct loop *loop)
{
    uint64_t now = loop_now_mono_ms(loop);
    uint64_t order_end = loop->timer_order; /* those started meanwhile wait for the next turn */
    while (loop->timer_count > 0) {
        struct timer *timer = loop->heap[0];
        if (timer->due_mono_ms > now || timer->order >= order_end) break;
        heap_remove(loop, timer);
        void (*fire)(void *self) = timer->fire; /* the timer may be gone when it returns */
        uint64_t started = loop_handler_begin(loop);
        fire(timer->self);
        loop_handler_end(loop, started, "timer", (uintptr_t)fire);
    }
}

bool timers_next_mono_ms(const struct loop *loop, uint64_t *mono_ms)
{
    if (loop->timer_count == 0) return false;
    *mono_ms = loop->heap[0]->due_mono_ms;
    return true;
}

void timers_drop(struct loop *loop)
{
    for (size_t at = 0; at < loop->timer_count; at++) loop->heap[at]->place = 0;
    loop->timer_count = 0;
}

static void timer_forget(void *self)
{
    timer_stop(self);
}

struct timer *timer_new(struct scope *owner, struct loop *loop, void (*fire)(void *self),
                        void *self)
{
    struct timer *timer = scope_alloc(owner, sizeof *timer);
    *timer = (struct timer){ .loop = loop, .fire = fire, .self = self };
    scope_on_close(owner, timer_forget, timer);
    return timer;
}

void timer_start(struct timer *timer, uint64_t after_ms)
{
    uint64_t now = loop_now_mono_ms(timer->loop);
    timer_start_at(timer, after_ms < UINT64_MAX - now ? now + after_ms : UINT64_MAX);
}

void timer_start_at(struct timer *timer, uint64_t mono_ms)
{
    struct loop *loop = timer->loop;
    if (timer->place) heap_remove(loop, timer);
    timer->due_mono_ms = mono_ms;
    timer->order = loop->timer_order++;
    heap_add(loop, timer);
    alarm_set(loop);
}

void timer_stop(struct timer *timer)
{
    if (timer->place == 0) return;
    heap_remove(timer->loop, timer);
    alarm_set(timer->loop);
}

bool timer_is_running(const struct timer *timer)
{
    return timer->place != 0;
}
