/* SPDX-License-Identifier: Apache-2.0 */
/* restart.h - may a dead application start again, and when.
 * Promise  the first restart is immediate; one that dies soon after its start waits 1, 2, 4 ... s;
 *          too many such deaths in a window end it: a crash loop needs a person.
 * Pure     no clock, no I/O; times are monotonic milliseconds.
 * Source   spec framework 6.2 */
#ifndef SERVERS_SUPERVISOR_RESTART_H
#define SERVERS_SUPERVISOR_RESTART_H

#include "base/text.h"

struct restart_policy {
    uint64_t quick_ms;                     /* a death sooner than this after the start is quick */
    uint64_t delay_first_ms, delay_max_ms; /* doubled from the first to the last */
    uint32_t quick_deaths_max;             /* in the window; one more is a crash loop */
    uint64_t window_ms;
};

enum { RESTART_DEATHS_KEPT = 1024 }; /* the largest quick_deaths_max, plus room */

/* One application's quick deaths; zeroed when new or forgotten. */
struct restart_history {
    uint64_t died_ms[RESTART_DEATHS_KEPT]; /* a ring of the latest */
    uint64_t deaths;                       /* quick ones, ever */
    uint32_t in_a_row;                     /* quick ones without a long life between them */
};

struct restart_decision {
    bool may_restart; /* false: a crash loop */
    uint64_t delay_ms;
};

/* The numbers of framework 6.2: 10 s; 1 to 60 s; 5 in 300 s. */
struct restart_policy restart_policy_default(void);
/* Note a death that nobody asked for and say what follows. */
struct restart_decision restart_after_death(struct restart_history *history,
                                            const struct restart_policy *policy,
                                            uint64_t started_ms, uint64_t died_ms);

#endif
