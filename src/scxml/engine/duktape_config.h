/* SPDX-License-Identifier: Apache-2.0 */
/* duktape_config.h - which Duktape we build: its duk_config.h includes this after its own choices.
 * In: the interrupt counter. Out: every clock, locale and source of chance of the machine. What
 * the tables of built-ins refer to has to stay; scripts lose it in evaluator.c. */
#ifndef SCXML_ENGINE_DUKTAPE_CONFIG_H
#define SCXML_ENGINE_DUKTAPE_CONFIG_H

#include "scxml/engine/watch.h"

#undef DUK_USE_INTERRUPT_COUNTER
#define DUK_USE_INTERRUPT_COUNTER
#undef DUK_USE_EXEC_TIMEOUT_CHECK
#define DUK_USE_EXEC_TIMEOUT_CHECK(udata) watch_is_over(udata)
#undef DUK_USE_NATIVE_STACK_CHECK
#define DUK_USE_NATIVE_STACK_CHECK() watch_is_deep(thr->heap->heap_udata)
#undef DUK_USE_FATAL_HANDLER
#define DUK_USE_FATAL_HANDLER(udata, words) watch_fatal((udata), (words))

/* Time is the session's; local time is UTC. */
#undef DUK_USE_DATE_GET_NOW
#define DUK_USE_DATE_GET_NOW(thr) (((struct watch *)(thr)->heap->heap_udata)->now_ms)
#undef DUK_USE_DATE_GET_LOCAL_TZOFFSET
#define DUK_USE_DATE_GET_LOCAL_TZOFFSET(d) 0
#undef DUK_USE_GET_MONOTONIC_TIME
#define DUK_USE_GET_MONOTONIC_TIME(thr) DUK_USE_DATE_GET_NOW(thr)
#undef DUK_USE_DATE_FMT_STRFTIME
#undef DUK_USE_DATE_PRS_STRPTIME
#undef DUK_USE_DATE_PARSE_STRING
#define DUK_USE_DATE_PARSE_STRING(thr, text) engine_parse_date((thr), (text))
#undef DUK_USE_GET_RANDOM_DOUBLE
#define DUK_USE_GET_RANDOM_DOUBLE(udata) watch_random(udata)

/* When to look for circles of garbage is decided in enter.c, between scripts. */
#undef DUK_USE_VOLUNTARY_GC

#undef DUK_USE_BYTECODE_DUMP_SUPPORT
#undef DUK_USE_ERRCREATE
#undef DUK_USE_ERRTHROW
#undef DUK_USE_SHEBANG_COMMENTS
#undef DUK_USE_NONSTD_STRING_FROMCHARCODE_32BIT
#undef DUK_USE_PROVIDE_DEFAULT_ALLOC_FUNCTIONS

/* The better hash of strings; patches.txt lets it look at all of them. */
#define DUK_USE_STRHASH_DENSE
/* Recursion in C takes native stack, which is bounded by itself. */
#undef DUK_USE_REGEXP_EXECUTOR_RECLIMIT
#define DUK_USE_REGEXP_EXECUTOR_RECLIMIT 4000

#endif
