/* SPDX-License-Identifier: Apache-2.0 */
/* explain_rules.h - what each rule of choosing says of one record at this moment: the answer to
 * "why is it not given out?" that is reckoned, not stored (design 1.7).
 * Promise  every record gets an answer: one line per rule in the order of spec outbound 4, and a
 * last one that says whether it would be given out now, when it will be, or that it never will.
 * Pure     no clock, no I/O; lines and texts lie in the scope.
 * Source   spec outbound 4, 5.2, 10 */
#ifndef SERVERS_OUTBOUND_EXPLAIN_RULES_H
#define SERVERS_OUTBOUND_EXPLAIN_RULES_H

#include "base/scope.h"
#include "model/calling_window.h"
#include "model/zone_clock.h"

enum explain_place { /* where the chain is */
                     PLACE_TABLE,
                     PLACE_BUFFER,
                     PLACE_PUT_OFF, /* a treatment keeps it in memory until it is due */
                     PLACE_AGENT,
                     PLACE_ELSEWHERE /* retrieved, but not in our memory */
};

/* The record, as its row says. */
struct explain_record {
    int64_t type, status, call_result, attempts, due_s; /* due_s 0: none */
    struct calling_window window, bounds;               /* bounds: the list's own; equal: none */
    bool has_zone;                                      /* its tz_dbid names a TimeZone */
    struct text zone_name;
    struct zone_clock clock;
    uint32_t max_attempts; /* 0: no bound */
    struct text criteria;  /* of the filter; empty: none */
    bool fits_filter;
    struct text agent_id; /* of a personal record */
};

/* A campaign group that has the list, and what it sees. */
struct explain_group {
    struct text name, state; /* "null", "loaded", "started", "unloading" */
    bool is_started, is_preview, is_suspended;
    bool has_list; /* the list is active in the campaign */
    bool is_agent_of_group;
    bool checks_dnc; /* check_dnc_list, and check_dnc_callback for a call-back */
    bool is_number_blocked, is_customer_blocked;
    enum explain_place place;
    struct text place_agent; /* PLACE_AGENT */
    uint64_t put_off_utc_ms; /* PLACE_PUT_OFF */
    uint32_t buffered;       /* chains that wait before or beside it */
};

struct explain_verdict {
    const char *rule;
    bool is_met;
    struct text inputs, outcome;
};

enum { EXPLAIN_VERDICTS_MAX = 12 };

/* Fills `out` and returns how many; the last one sums up. `group` NULL: no campaign group has the
 * list. */
uint32_t explain_record_now(struct scope *scope, const struct explain_record *record,
                            const struct explain_group *group, uint64_t now_utc_ms,
                            struct explain_verdict out[EXPLAIN_VERDICTS_MAX]);

#endif
