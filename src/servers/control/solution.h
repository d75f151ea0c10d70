/* SPDX-License-Identifier: Apache-2.0 */
/* solution.h - applications that are started and stopped together: a state machine over the states
 * of its components.
 * Promise  components start in ascending priority, those of one priority together, each group after
 *          all needed ones before it are RUNNING; they stop in reverse, each group after those
 *          above it are down or had their time. An optional one never fails a start. A start that
 *          begins by itself leaves alone what somebody stopped by order.
 * Pure     no clock, no I/O, no allocation. The owner keeps components and their states, calls
 *          solution_step() when one moved or solution_due_ms() has come, carries out each `wish`
 *          and sets it back.
 * Source   spec framework 6.1 (states with their public numbers), 6.3 */
#ifndef SERVERS_CONTROL_SOLUTION_H
#define SERVERS_CONTROL_SOLUTION_H

#include "servers/control/status.h"

/* Public numbers; the names of what the spec leaves open mean
 *   START_PENDING, STOP_PENDING  ordered, but not all hosts have told yet what runs there
 *   RUN_PENDING                  something that it needs is not RUNNING, and no order is at work
 *   STARTED                      it needs nothing, and some of it runs */
enum solution_status {
    SOLUTION_UNKNOWN,
    SOLUTION_STOPPED,
    SOLUTION_STOP_PENDING,
    SOLUTION_START_PENDING,
    SOLUTION_STOP_TRANSITION,
    SOLUTION_START_TRANSITION,
    SOLUTION_RUN_PENDING,
    SOLUTION_RUNNING,
    SOLUTION_STARTED,
    SOLUTION_STATUS_COUNT
};
const char *solution_status_name(enum solution_status status); /* "start-transition" */

enum solution_event { SOLUTION_START, SOLUTION_STOP, SOLUTION_LOOK, SOLUTION_EVENT_COUNT };

enum solution_note { /* of struct actions */
                     SOLUTION_HAS_MOVED = 1 << 16,
                     SOLUTION_IS_RUNNING = 1 << 17,
                     SOLUTION_UNPLANNED =
                         1 << 18, /* it left RUNNING though nobody ordered anything */
                     SOLUTION_START_DONE = 1 << 19,   /* the order's end, for better */
                     SOLUTION_START_FAILED = 1 << 20, /* or worse */
                     SOLUTION_STOP_DONE = 1 << 21,
};

enum component_wish { WISH_NONE, WISH_START, WISH_STOP, WISH_STOP_GRACEFULLY };

struct solution_component {
    /* The owner's, kept up to date. */
    enum app_status status;
    bool is_known; /* reported by its host; else `is_away`, or not heard yet */
    bool is_away;  /* its host is disconnected */
    bool is_ordered;
    bool is_crash_loop;
    bool is_refused; /* its start was refused: it is not tried again */
    bool is_optional;
    bool is_barred; /* never started or stopped with the solution: disabled, or control itself */
    uint32_t priority;
    uint64_t startup_ms, shutdown_ms; /* the time each may take */
    /* The machine's. */
    bool is_asked, has_lived; /* since it was asked */
    uint64_t asked_ms;
    enum component_wish wish;
};

struct solution {
    struct fsm fsm;
    struct solution_component *components; /* by ascending priority */
    uint32_t count;
    uint64_t now_ms;
    bool is_graceful;  /* of the stop at work */
    bool is_automatic; /* of the start at work: nobody ordered it */
    int32_t failed;    /* index of the component that ended the start; -1: none */
};
extern const struct fsm_machine solution_machine;

void solution_init(struct solution *solution, uint64_t now_ms);
/* `out` is overwritten. */
void solution_step(struct solution *solution, enum solution_event event, uint64_t now_ms,
                   struct actions *out);
/* When the next look is due though nothing moves; UINT64_MAX: never. */
uint64_t solution_due_ms(const struct solution *solution);
enum solution_status solution_status(const struct solution *solution);
/* The component that is waited for; -1: none. */
int32_t solution_awaits(const struct solution *solution);
/* Whether the present state allows the order. */
enum order_error solution_order_check(enum solution_event order, enum solution_status status);

#endif
