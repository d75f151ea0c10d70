/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/engine/watch.h"

#include <malloc.h>
#include <stdlib.h>
#include <time.h>

enum {
    TICKS = 20000,           /* between two looks at the clock */
    TICKS_AFTER_END = 20000, /* for telling the error */
    BYTES_PER_TICK = 64,     /* of an allocation: filled, copied, hashed */
    RESERVE_BYTES = 256 * 1024,
#ifdef __SANITIZE_ADDRESS__ /* its frames are several times as large */
    STACK_BYTES = 4 * 1024 * 1024
#else
    STACK_BYTES = 1024 * 1024
#endif
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void watch_begin(struct watch *watch, size_t bytes_max)
{
    watch->deadline_ns = watch->outer_deadline_ns;
    watch->is_over = watch->is_exhausted = false;
    watch->bytes_max = bytes_max;
    watch->stack_end = (const char *)__builtin_frame_address(0) - STACK_BYTES;
}

void watch_begin_step(struct watch *watch)
{
    watch->step_deadline_ns = 0;
}

static uint64_t deadline_from(struct watch *watch, uint64_t now)
{
    uint64_t deadline = now + watch->limit_ns;
    if (watch->times) return now + watch->times * watch->limit_ns;
    if (!watch->step_deadline_ns)
        watch->step_deadline_ns = now + WATCH_STEP_SCRIPTS * watch->limit_ns;
    return deadline < watch->step_deadline_ns ? deadline : watch->step_deadline_ns;
}

void watch_begin_many(struct watch *watch)
{
    watch->outer_deadline_ns = watch->deadline_ns = deadline_from(watch, now_ns());
}

void watch_end_many(struct watch *watch)
{
    watch->outer_deadline_ns = 0;
}

bool watch_is_over(struct watch *watch)
{
    watch->ticks = TICKS_AFTER_END;
    if (watch->is_over || watch->is_exhausted) return true;
    watch->ticks = TICKS;
    uint64_t now = now_ns();
    if (!watch->deadline_ns) watch->deadline_ns = deadline_from(watch, now);
    watch->is_over = now >= watch->deadline_ns;
    return watch->is_over;
}

bool watch_is_deep(const struct watch *watch)
{
    return (const char *)__builtin_frame_address(0) < watch->stack_end;
}

void watch_look_soon(struct watch *watch)
{
    watch->ticks = 0;
    watch_count(watch, 1);
}

void watch_exhausted(struct watch *watch)
{
    watch->is_exhausted = true;
    watch_look_soon(watch);
}

/* SplitMix64: one word of state, which a saved session carries along. */
double watch_random(struct watch *watch)
{
    uint64_t state = 0;
    uint64_t *chance = watch->chance ? watch->chance : &state;
    uint64_t z = *chance += 0x9e3779b97f4a7c15;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    z ^= z >> 31;
    return (double)(z >> 11) * 0x1p-53;
}

static bool has_room(const struct watch *watch, size_t bytes)
{
    size_t max = watch->bytes_max + (watch->is_exhausted ? RESERVE_BYTES : 0);
    return watch->bytes <= max && bytes <= max - watch->bytes;
}

void *watch_alloc(void *self, size_t bytes)
{
    struct watch *watch = self;
    if (!bytes || !has_room(watch, bytes)) return NULL;
    void *block = malloc(bytes);
    if (!block) return NULL;
    watch->bytes += malloc_usable_size(block);
    watch_count(watch, (int64_t)(bytes / BYTES_PER_TICK));
    return block;
}

void *watch_realloc(void *self, void *block, size_t bytes)
{
    struct watch *watch = self;
    if (!block) return watch_alloc(self, bytes);
    if (!bytes) {
        watch_free(self, block);
        return NULL;
    }
    size_t before = malloc_usable_size(block);
    if (bytes > before && !has_room(watch, bytes - before)) return NULL;
    void *moved = realloc(block, bytes);
    if (!moved) return NULL;
    watch->bytes = watch->bytes - before + malloc_usable_size(moved);
    watch_count(watch, (int64_t)(bytes / BYTES_PER_TICK));
    return moved;
}

void watch_free(void *self, void *block)
{
    struct watch *watch = self;
    if (!block) return;
    watch->bytes -= malloc_usable_size(block);
    free(block);
}

void watch_fatal(void *self, const char *words)
{
    (void)words;
    struct watch *watch = self;
    longjmp(watch->escape, 1);
}
