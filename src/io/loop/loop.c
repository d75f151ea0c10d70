/* SPDX-License-Identifier: Apache-2.0 */
/* The loop: its life, its clocks, its turns, and what runs at the end of a turn.
 * REAL    libuv drives: timers (timer.c) and I/O call back, then turn_end runs loop_end_turn().
 * VIRTUAL loop_turn_virtual() does the same with its own clock, which jumps when a turn leaves
 *         nothing to do. */
#include "io/loop/loop_private.h"

#include <dlfcn.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    VIRTUAL_MONO_START_MS = 1000,
    /* Chores that ask for chores run in the same turn, so that what a message causes leaves with
     * the turn's writes; past this many rounds I/O gets its chance first. */
    ROUNDS_MAX = 16,
};

struct soon_owner {
    struct scope *owner; /* the key */
    struct loop *loop;
    struct list soons;
};

struct soon {
    struct chore chore;
    struct list node;
    void (*run)(void *self);
    void *self;
};

/* --- the end of a turn --- */

static bool has_chores(const struct loop *loop)
{
    return !list_is_empty(&loop->chores) || !list_is_empty(&loop->last_chores);
}

static void ring_move(struct list *from, struct list *to)
{
    list_init(to);
    if (list_is_empty(from)) return;
    *to = *from;
    to->next->prev = to;
    to->prev->next = to;
    list_init(from);
}

static struct chore *ring_take(struct list *ring)
{
    struct list *node = list_first(ring);
    if (node == NULL) return NULL;
    struct chore *chore = LIST_OBJECT(node, struct chore, node);
    list_remove(node);
    chore->loop = NULL;
    return chore;
}

static void ring_run(struct loop *loop, struct list *ring)
{
    struct list now;
    struct chore *chore;
    ring_move(ring,
              &now); /* cancelling one of them works: its node leaves whichever ring it is in */
    while ((chore = ring_take(&now)) != NULL) {
        void (*run)(void *self) = chore->run; /* the chore may be gone when it returns */
        uint64_t started = loop_handler_begin(loop);
        run(chore->self);
        loop_handler_end(loop, started, "chore", (uintptr_t)run);
    }
}

static void loop_end_turn(struct loop *loop)
{
    for (int round = 0; round < ROUNDS_MAX && has_chores(loop); round++) {
        ring_run(loop, &loop->chores);
        if (list_is_empty(&loop->chores)) ring_run(loop, &loop->last_chores);
    }
}

static void on_turn_end(uv_check_t *check)
{
    struct loop *loop = check->data;
    loop_end_turn(loop);
    if (!has_chores(loop)) (void)uv_idle_stop(&loop->busy);
}

static void on_busy(uv_idle_t *idle)
{
    (void)idle; /* being active is its whole duty */
}

static void chore_ask(struct loop *loop, struct list *ring, struct chore *chore)
{
    if (chore->loop != NULL) return;
    ASSERT(chore->run != NULL);
    chore->loop = loop;
    list_add_last(ring, &chore->node);
    if (!loop->is_virtual && !loop->is_closing) (void)uv_idle_start(&loop->busy, on_busy);
}

void chore_soon(struct loop *loop, struct chore *chore)
{
    chore_ask(loop, &loop->chores, chore);
}

void chore_last(struct loop *loop, struct chore *chore)
{
    chore_ask(loop, &loop->last_chores, chore);
}

void chore_cancel(struct chore *chore)
{
    if (chore->loop == NULL) return;
    list_remove(&chore->node);
    chore->loop = NULL;
}

/* --- soon: one note per owner, so that a long life does not grow with each call --- */

static void soons_drop(struct soon_owner *entry)
{
    struct list *node = entry->soons.next;
    while (node != &entry->soons) {
        struct soon *soon = LIST_OBJECT(node, struct soon, node);
        node = node->next;
        chore_cancel(&soon->chore);
        free(soon);
    }
    list_init(&entry->soons);
}

static void soon_run(void *self)
{
    struct soon *soon = self;
    void (*run)(void *self) = soon->run;
    void *run_self = soon->self;
    list_remove(&soon->node);
    free(soon);
    run(run_self);
}

static void soon_owner_forget(void *self)
{
    struct soon_owner *entry = self;
    soons_drop(entry);
    if (entry->loop) (void)table_remove(entry->loop->soon_owners, TEXT_OF(&entry->owner));
    free(entry);
}

static struct soon_owner *soon_owner_get(struct loop *loop, struct scope *owner)
{
    struct soon_owner *entry = table_get(loop->soon_owners, TEXT_OF(&owner));
    if (entry) return entry;
    entry = calloc(1, sizeof *entry);
    ASSERT(entry != NULL);
    entry->owner = owner;
    entry->loop = loop;
    list_init(&entry->soons);
    table_put(loop->soon_owners, TEXT_OF(&entry->owner), entry);
    scope_on_close(owner, soon_owner_forget, entry);
    return entry;
}

void loop_soon(struct scope *owner, struct loop *loop, void (*run)(void *self), void *self)
{
    struct soon_owner *entry = soon_owner_get(loop, owner);
    struct soon *soon = calloc(1, sizeof *soon);
    ASSERT(soon != NULL);
    *soon = (struct soon){ .chore = { .run = soon_run, .self = soon }, .run = run, .self = self };
    list_add_last(&entry->soons, &soon->node);
    chore_soon(loop, &soon->chore);
}

/* --- slow handlers --- */

static void name_handler(uintptr_t handler, char *name)
{
    Dl_info info;
    union { /* dladdr wants a data pointer; ISO C has no cast for it */
        uintptr_t number;
        const void *at;
    } address = { .number = handler };
    if (dladdr(address.at, &info) && info.dli_sname)
        (void)snprintf(name, SLOW_HANDLER_NAME_BYTES, "%s", info.dli_sname);
    else
        (void)snprintf(name, SLOW_HANDLER_NAME_BYTES, "0x%" PRIxPTR,
                       handler - (uintptr_t)(info.dli_fname ? info.dli_fbase : NULL));
}

uint64_t loop_handler_begin(const struct loop *loop)
{
    return loop->is_virtual ? 0 : uv_hrtime();
}

void loop_handler_end(struct loop *loop, uint64_t started, const char *kind, uintptr_t handler)
{
    if (loop->is_virtual) return;
    uint64_t took_ms = (uv_hrtime() - started) / 1000000;
    if (took_ms < SLOW_HANDLER_MS) return;
    loop->slow.count++;
    loop->slow.kind = kind;
    loop->slow.took_ms = took_ms < UINT32_MAX ? (uint32_t)took_ms : UINT32_MAX;
    name_handler(handler, loop->slow.name);
    if (loop->report_slow) loop->report_slow(loop->report_slow_self, &loop->slow);
}

const struct loop_slow *loop_slow(const struct loop *loop)
{
    return &loop->slow;
}

void loop_on_slow(struct loop *loop, void (*report)(void *self, const struct loop_slow *slow),
                  void *self)
{
    loop->report_slow = report;
    loop->report_slow_self = self;
}

/* --- clocks and small things --- */

bool loop_is_virtual(const struct loop *loop)
{
    return loop->is_virtual;
}

struct uv_loop_s *loop_uv(struct loop *loop)
{
    ASSERT(!loop->is_virtual);
    return &loop->uv;
}

uint64_t loop_now_mono_ms(const struct loop *loop)
{
    /* Read afresh: libuv's own "now" is as old as the turn, or as the start-up before the first. */
    return loop->is_virtual ? loop->virtual_mono_ms : uv_hrtime() / 1000000;
}

uint64_t loop_now_utc_ms(const struct loop *loop)
{
    if (loop->is_virtual)
        return loop->virtual_utc_start_ms + (loop->virtual_mono_ms - VIRTUAL_MONO_START_MS) +
               (uint64_t)loop->virtual_step_ms;
    struct timespec now;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

void loop_step_utc(struct loop *loop, int64_t by_ms)
{
    ASSERT(loop->is_virtual);
    loop->virtual_step_ms += by_ms;
}

struct random *loop_random(struct loop *loop)
{
    return &loop->random;
}

void *loop_world(const struct loop *loop, enum loop_world part)
{
    return loop->worlds[part].self;
}

void loop_set_world(struct loop *loop, enum loop_world part, void *world, void (*drop)(void *world))
{
    ASSERT(loop->is_virtual && loop->worlds[part].self == NULL);
    loop->worlds[part].self = world;
    loop->worlds[part].drop = drop;
}

/* --- running --- */

static void loop_turn_virtual(struct loop *loop)
{
    timers_fire_due(loop);
    work_turn(loop);
    loop_end_turn(loop);
}

/* Until stopped, or nothing is left before the clock would pass `limit_mono_ms`. */
static void loop_run_virtual(struct loop *loop, uint64_t limit_mono_ms)
{
    while (!loop->is_stopping) {
        loop_turn_virtual(loop);
        if (has_chores(loop) || work_is_waiting(loop)) continue;
        uint64_t next;
        if (!timers_next_mono_ms(loop, &next) || next > limit_mono_ms) break;
        if (next > loop->virtual_mono_ms) loop->virtual_mono_ms = next;
    }
}

static void loop_begin(struct loop *loop)
{
    ASSERT(!loop->is_running && !loop->is_closing);
    loop->is_running = true;
    loop->is_stopping = false;
}

void loop_run(struct loop *loop)
{
    loop_begin(loop);
    if (loop->is_virtual)
        loop_run_virtual(loop, UINT64_MAX);
    else
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    loop->is_running = false;
}

static void on_run_for_limit(void *self)
{
    loop_stop(self);
}

void loop_run_for(struct loop *loop, uint64_t ms)
{
    loop_begin(loop);
    uint64_t limit = loop_now_mono_ms(loop) + ms;
    if (loop->is_virtual) {
        loop_run_virtual(loop, limit);
        if (!loop->is_stopping && loop->virtual_mono_ms < limit) loop->virtual_mono_ms = limit;
    } else {
        if (loop->run_for_limit == NULL)
            loop->run_for_limit = timer_new(loop->life, loop, on_run_for_limit, loop);
        timer_start_at(loop->run_for_limit, limit);
        (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
        timer_stop(loop->run_for_limit);
    }
    loop->is_running = false;
}

void loop_stop(struct loop *loop)
{
    loop->is_stopping = true;
    if (!loop->is_virtual && loop->is_running) uv_stop(&loop->uv);
}

/* --- life --- */

static void chores_drop(struct list *ring)
{
    while (ring_take(ring) != NULL) {}
}

static void soon_owners_drop(struct loop *loop)
{
    size_t at = 0;
    struct soon_owner *entry;
    while ((entry = table_next(loop->soon_owners, &at)) != NULL) {
        soons_drop(entry);
        entry->loop = NULL; /* its owner's note frees it */
    }
}

static void close_handle(uv_handle_t *handle, void *unused)
{
    (void)unused;
    if (!uv_is_closing(handle)) uv_close(handle, NULL);
}

static void close_uv(struct loop *loop)
{
    uv_close((uv_handle_t *)&loop->alarm, NULL);
    uv_close((uv_handle_t *)&loop->turn_end, NULL);
    uv_close((uv_handle_t *)&loop->busy, NULL);
    /* Handles need a turn to close, and work that has begun must end. */
    while (loop->work_count > 0) (void)uv_run(&loop->uv, UV_RUN_ONCE);
    uv_walk(&loop->uv, close_handle, NULL);
    (void)uv_run(&loop->uv, UV_RUN_DEFAULT);
    ASSERT(uv_loop_close(&loop->uv) == 0);
}

static void loop_close(void *self)
{
    struct loop *loop = self;
    ASSERT(!loop->is_running);
    loop->is_closing = true;
    fixtures_drop(loop);
    if (loop->is_virtual) {
        while (loop->work_count > 0) work_turn(loop);
        for (int part = 0; part < LOOP_WORLD_COUNT; part++)
            if (loop->worlds[part].drop) loop->worlds[part].drop(loop->worlds[part].self);
    } else {
        close_uv(loop);
    }
    timers_drop(loop);
    chores_drop(&loop->chores);
    chores_drop(&loop->last_chores);
    soon_owners_drop(loop);
    scope_close(loop->life);
    free(loop->heap);
    free(loop);
}

static struct loop *loop_make(struct scope *owner, bool is_virtual)
{
    struct loop *loop = calloc(1, sizeof *loop);
    ASSERT(loop != NULL);
    loop->is_virtual = is_virtual;
    loop->life = scope_new(NULL, "loop", SCOPE_NO_LIMIT);
    loop->soon_owners = table_new(loop->life);
    list_init(&loop->chores);
    list_init(&loop->last_chores);
    list_init(&loop->fixtures);
    list_init(&loop->work_list);
    scope_on_close(owner, loop_close, loop);
    return loop;
}

struct loop *loop_new(struct scope *owner)
{
    struct loop *loop = loop_make(owner, false);
    random_seed_from_system(&loop->random);
    (void)signal(SIGPIPE, SIG_IGN);
    ASSERT(uv_loop_init(&loop->uv) == 0);
    (void)uv_timer_init(&loop->uv, &loop->alarm);
    (void)uv_check_init(&loop->uv, &loop->turn_end);
    (void)uv_idle_init(&loop->uv, &loop->busy);
    loop->alarm.data = loop->turn_end.data = loop;
    (void)uv_check_start(&loop->turn_end, on_turn_end);
    uv_unref((uv_handle_t *)&loop->turn_end);
    return loop;
}

struct loop *loop_new_virtual(struct scope *owner, uint64_t utc_ms, uint64_t seed)
{
    struct loop *loop = loop_make(owner, true);
    random_seed(&loop->random, seed);
    loop->virtual_mono_ms = VIRTUAL_MONO_START_MS;
    loop->virtual_utc_start_ms = utc_ms;
    return loop;
}
