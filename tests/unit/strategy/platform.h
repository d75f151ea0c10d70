/* SPDX-License-Identifier: Apache-2.0 */
/* platform.h - a strategy file compiled and run on the engine, with the test as the platform: what
 * the strategy asks for is written down, a line each, and the test answers. */
#ifndef TESTS_UNIT_STRATEGY_PLATFORM_H
#define TESTS_UNIT_STRATEGY_PLATFORM_H

#include "scxml/host.h"
#include "strategy/compile.h"

struct platform {
    struct scope *scope;
    struct scxml_host *host;
    struct scxml_program *program;
    struct strategy_output *outputs;
    uint64_t now_ms;
    struct text root;    /* the strategy's session */
    struct text session; /* that asked last, maybe a subroutine's */
    struct text request; /* of its last request; a call of updatedata does not count */
    struct buf trail;    /* what was asked for since platform_trail() */
    struct text final;   /* id of the final state of the strategy; "": it runs */
};

/* Compiles `source` and starts strategy `name`, on an interaction I1 of queue Q with this data
 * (JSON). Any finding that is no warning, of ours or of the engine, ends the test. */
void platform_start(struct platform *platform, struct text source, const char *name,
                    const char *data);
void platform_stop(struct platform *platform);
/* "queue.submit priority=0 timeout=60 [targets type=skill [target name=..]]": one line for each
 * call of a module, without requestid and interactionid. Good until the next call. */
struct text platform_trail(struct platform *platform);
/* The answer to what was asked last; `data` is JSON without braces, may be "". */
void platform_answer(struct platform *platform, const char *event, const char *data);
/* As it is, to the strategy itself. */
void platform_post(struct platform *platform, const char *event, const char *data);
void platform_wait(struct platform *platform, uint64_t ms);
/* A file below samples/strategies. */
struct text platform_sample(struct scope *scope, const char *name);

#endif
