/* SPDX-License-Identifier: Apache-2.0 */
/* keep_alive.h - ADDP, one side of it: nothing heard for a time-out, poll; nothing for another, the
 * connection is lost (framework 10.1).
 * Pure     time in milliseconds of any clock that only grows. */
#ifndef IO_LINK_KEEP_ALIVE_H
#define IO_LINK_KEEP_ALIVE_H

#include <stdbool.h>
#include <stdint.h>

struct keep_alive {
    uint64_t timeout_ms; /* 0: off */
    uint64_t heard_ms, polled_ms;
    bool is_polled;
};

enum keep_alive_step { KEEP_ALIVE_QUIET, KEEP_ALIVE_POLL, KEEP_ALIVE_LOST };

static inline void keep_alive_start(struct keep_alive *side, uint64_t timeout_ms, uint64_t now_ms)
{
    *side = (struct keep_alive){ .timeout_ms = timeout_ms, .heard_ms = now_ms };
}

static inline void keep_alive_heard(struct keep_alive *side, uint64_t now_ms)
{
    side->heard_ms = now_ms;
    side->is_polled = false;
}

/* When to look again; UINT64_MAX while it is off. */
static inline uint64_t keep_alive_due_ms(const struct keep_alive *side)
{
    if (side->timeout_ms == 0) return UINT64_MAX;
    return (side->is_polled ? side->polled_ms : side->heard_ms) + side->timeout_ms;
}

static inline enum keep_alive_step keep_alive_look(struct keep_alive *side, uint64_t now_ms)
{
    uint64_t due_ms = keep_alive_due_ms(side);
    if (now_ms < due_ms) return KEEP_ALIVE_QUIET;
    /* Looked far too late: it is we who stood still, and the answer may lie unread in the socket.
     */
    bool is_ours = now_ms - due_ms > side->timeout_ms / 2;
    if (side->is_polled && !is_ours) return KEEP_ALIVE_LOST;
    side->is_polled = true;
    side->polled_ms = now_ms;
    return KEEP_ALIVE_POLL;
}

#endif
