/* SPDX-License-Identifier: Apache-2.0 */
/* Work on other threads, and what reaches the loop from outside: wakers and signals.
 * Wakers and signals are fixtures: their libuv handles need a turn to close, so a fixture lives on
 * the heap and is freed when libuv has let go of it. */
#include "io/loop/loop_private.h"

#include <stdatomic.h>
#include <stdlib.h>

enum { VIRTUAL_WORK_TURNS_MAX = 3 };

/* --- work --- */

struct work {
    uv_work_t request;
    struct list node;   /* VIRTUAL */
    uint64_t ripe_turn; /* VIRTUAL: when it runs */
    struct loop *loop;
    void (*work)(void *self);
    void (*done)(void *self);
    void *self;
};

static void work_end(struct work *work)
{
    struct loop *loop = work->loop;
    void (*done)(void *self) = work->done;
    uint64_t started = loop_handler_begin(loop);
    loop->work_count--;
    done(work->self);
    free(work);
    loop_handler_end(loop, started, "work done", (uintptr_t)done);
}

static void on_worker_thread(uv_work_t *request)
{
    struct work *work = request->data;
    work->work(work->self);
}

static void on_worked(uv_work_t *request, int status)
{
    (void)status; /* never cancelled: we never ask for it */
    work_end(request->data);
}

void loop_work(struct loop *loop, void (*work)(void *self), void (*done)(void *self), void *self)
{
    struct work *job = calloc(1, sizeof *job);
    ASSERT(job != NULL);
    *job = (struct work){ .loop = loop, .work = work, .done = done, .self = self };
    loop->work_count++;
    if (loop->is_virtual) {
        job->ripe_turn = loop->work_turn + 1 + random_below(&loop->random, VIRTUAL_WORK_TURNS_MAX);
        list_add_last(&loop->work_list, &job->node);
        return;
    }
    job->request.data = job;
    ASSERT(uv_queue_work(&loop->uv, &job->request, on_worker_thread, on_worked) == 0);
}

/* --- fixtures --- */

struct waker {
    struct list node;
    struct loop *loop; /* NULL: the loop let go of it */
    int holders;       /* the owner's note, and libuv */
    bool is_virtual;
    union {
        uv_handle_t any;
        uv_async_t async;
        uv_signal_t signal;
    } uv;
    atomic_bool is_woken; /* VIRTUAL */
    void (*run)(void *self);
    void (*run_signal)(void *self, int signal_number);
    void *self;
};

static void fixture_release(struct waker *fixture)
{
    if (--fixture->holders == 0) free(fixture);
}

static void on_fixture_closed(uv_handle_t *handle)
{
    fixture_release(handle->data);
}

static void fixture_detach(struct waker *fixture)
{
    if (fixture->loop == NULL) return;
    list_remove(&fixture->node);
    fixture->loop = NULL;
    if (!fixture->is_virtual) uv_close(&fixture->uv.any, on_fixture_closed);
}

static void fixture_forget(void *self)
{
    struct waker *fixture = self;
    fixture_detach(fixture);
    fixture_release(fixture);
}

void fixtures_drop(struct loop *loop)
{
    for (struct list *node; (node = list_first(&loop->fixtures)) != NULL;)
        fixture_detach(LIST_OBJECT(node, struct waker, node));
}

static struct waker *fixture_new(struct scope *owner, struct loop *loop, void *self)
{
    struct waker *fixture = calloc(1, sizeof *fixture);
    ASSERT(fixture != NULL);
    fixture->loop = loop;
    fixture->self = self;
    fixture->is_virtual = loop->is_virtual;
    fixture->holders = loop->is_virtual ? 1 : 2;
    fixture->uv.any.data = fixture;
    list_add_last(&loop->fixtures, &fixture->node);
    scope_on_close(owner, fixture_forget, fixture);
    return fixture;
}

static void waker_run(struct waker *waker)
{
    struct loop *loop = waker->loop;
    if (loop == NULL) return;
    void (*run)(void *self) = waker->run;
    uint64_t started = loop_handler_begin(loop);
    run(waker->self);
    loop_handler_end(loop, started, "waker", (uintptr_t)run);
}

static void on_async(uv_async_t *async)
{
    waker_run(async->data);
}

struct waker *waker_new(struct scope *owner, struct loop *loop, void (*run)(void *self), void *self)
{
    struct waker *waker = fixture_new(owner, loop, self);
    waker->run = run;
    if (!loop->is_virtual) {
        ASSERT(uv_async_init(&loop->uv, &waker->uv.async, on_async) == 0);
        waker->uv.any.data = waker;
    }
    return waker;
}

void waker_wake(struct waker *waker)
{
    /* Other threads are here: touch only what never changes, and the atomic. */
    if (waker->is_virtual)
        atomic_store(&waker->is_woken, true);
    else
        (void)uv_async_send(&waker->uv.async);
}

static void on_signal(uv_signal_t *signal, int signal_number)
{
    struct waker *fixture = signal->data;
    struct loop *loop = fixture->loop;
    if (loop == NULL) return;
    void (*run)(void *self, int signal_number) = fixture->run_signal;
    uint64_t started = loop_handler_begin(loop);
    run(fixture->self, signal_number);
    loop_handler_end(loop, started, "signal", (uintptr_t)run);
}

void loop_on_signal(struct scope *owner, struct loop *loop, int signal_number,
                    void (*run)(void *self, int signal_number), void *self)
{
    ASSERT(!loop->is_virtual);
    struct waker *fixture = fixture_new(owner, loop, self);
    fixture->run_signal = run;
    ASSERT(uv_signal_init(&loop->uv, &fixture->uv.signal) == 0);
    fixture->uv.any.data = fixture;
    ASSERT(uv_signal_start(&fixture->uv.signal, on_signal, signal_number) == 0);
    uv_unref(&fixture->uv.any);
}

/* --- the virtual turn --- */

static struct waker *woken_find(const struct loop *loop)
{
    LIST_EACH (node, &loop->fixtures) {
        struct waker *waker = LIST_OBJECT(node, struct waker, node);
        if (atomic_load(&waker->is_woken)) return waker;
    }
    return NULL;
}

bool work_is_waiting(const struct loop *loop)
{
    return !list_is_empty(&loop->work_list) || woken_find(loop) != NULL;
}

/* Each at most once: one that wakes itself comes again in the next turn. */
static void wakers_run(struct loop *loop)
{
    size_t count = 0;
    LIST_EACH (node, &loop->fixtures) {
        if (atomic_load(&LIST_OBJECT(node, struct waker, node)->is_woken)) count++;
    }
    for (struct waker *waker; count > 0 && (waker = woken_find(loop)) != NULL; count--) {
        atomic_store(&waker->is_woken, false);
        list_remove(&waker->node);
        list_add_last(&loop->fixtures, &waker->node);
        waker_run(waker);
    }
}

void work_turn(struct loop *loop)
{
    struct list *node = loop->work_list.next;
    loop->work_turn++;
    while (node != &loop->work_list) {
        struct work *work = LIST_OBJECT(node, struct work, node);
        node = node->next;
        if (work->ripe_turn > loop->work_turn) continue;
        list_remove(&work->node);
        work->work(work->self);
        work_end(work);
    }
    wakers_run(loop);
}
