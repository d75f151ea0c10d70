/* SPDX-License-Identifier: Apache-2.0 */
/* watch.h - keeps a script within its bounds: time, memory, native stack. Duktape is patched
 * (patches.txt) to ask here, from its interpreter loop and from whatever loops natively.
 * Time     of the thread's processor, counted from the first look at the clock, which comes after
 *          at most half a millisecond of work: a short expression never looks at it.
 * Ticks    are units of native work, about 10 ns each or more; when they are used up, the clock is
 *          looked at. Large allocations cost ticks, too, as somebody fills them.
 * Memory   as malloc hands it out. Past the bound an allocation is refused; once the script engine
 *          has given up on one (watch_exhausted), a reserve is opened so that the error can be
 *          told, and the script goes no further.
 * Thread   one. */
#ifndef SCXML_ENGINE_WATCH_H
#define SCXML_ENGINE_WATCH_H

#include <setjmp.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct watch {
    int64_t ticks;                  /* until the next look at the clock */
    int32_t *next_look;             /* the interpreter's own count of instructions until then */
    uint64_t limit_ns, deadline_ns; /* 0: not counted yet */
    uint64_t outer_deadline_ns;     /* of several scripts that count as one; 0: none */
    uint64_t step_deadline_ns;      /* of all scripts of a step; 0: none has looked at the clock */
    uint32_t times; /* what runs has so many times limit_ns; 0: it belongs to a step */
    bool is_over, is_exhausted;
    size_t bytes, bytes_max;
    const char *stack_end; /* grows down to here */
    bool notes_changes;    /* of shared objects: raw.h */
    bool *has_changes;     /* of the running session; NULL outside sessions */
    double now_ms;         /* what Date says */
    uint64_t *chance;      /* the state of Math.random; NULL outside sessions */
    uint32_t syntax_line;  /* of the last syntax error, from 1 */
    size_t syntax_offset;  /* its byte in the source */
    jmp_buf escape;        /* where an error ends that nobody caught */
};

/* A script begins here on the stack, with its full time. */
void watch_begin(struct watch *watch, size_t bytes_max);
/* Scripts of a step, so many of which may take their full time: those behind them have none left.
 */
enum { WATCH_STEP_SCRIPTS = 3 };
void watch_begin_step(struct watch *watch);
/* From here on until the end all scripts together have the time of one. */
void watch_begin_many(struct watch *watch);
void watch_end_many(struct watch *watch);
/* Whether the script has to stop; looks at the clock. */
bool watch_is_over(struct watch *watch);
/* Counts work where nothing may be thrown: when the ticks are used up, the script is stopped at its
 * next instruction. */
static inline void watch_count(struct watch *watch, int64_t units)
{
    if ((watch->ticks -= units) < 0 && watch->next_look) *watch->next_look = 0;
}
void watch_look_soon(struct watch *watch); /* at the clock: something took long */
bool watch_is_deep(const struct watch *watch);
void watch_exhausted(struct watch *watch);
double watch_random(struct watch *watch); /* 0 <= x < 1 */

void *watch_alloc(void *watch, size_t bytes);
void *watch_realloc(void *watch, void *block, size_t bytes);
void watch_free(void *watch, void *block);

/* The heap is in no state to go on: a bug in the engine. Does not return. */
_Noreturn void watch_fatal(void *watch, const char *words);

#endif
