/* SPDX-License-Identifier: Apache-2.0 */
/* treatment.h - what happens to a record after a call result (spec outbound 9).
 * Rule     treatments of one call result form a sequence in numeric order; each is repeated up to
 *          its cycle attempt, repetition j after interval + (j-1) x increment minutes; after the
 *          last one the record is final. One that cannot act (no next record, a date that has
 *          passed, not meant for the result) leaves its turn to the next of the sequence.
 * History  how far a record has come stands in its own cell `treatments`, so it is durable with the
 *          row, and survives unload, crash and other programs: one item per call result,
 *
 *              6:1:2/3R30+5     Busy: first of the sequence, 2 of 3 repetitions done, Redial after
 *                               30 minutes and 5 more each time
 *              6:2:1            Busy: the second of the sequence is done
 *
 *          oldest first, separated by blanks. A treatment in progress is written out, so that edits
 *          of the Treatment object meet the next record, not this one. What is not of this form is
 *          skipped. The oldest items go where 255 characters do not suffice.
 * Pure     no clock, no I/O, no allocation. */
#ifndef SERVERS_OUTBOUND_TREATMENT_H
#define SERVERS_OUTBOUND_TREATMENT_H

#include "base/text.h"

enum treatment_action {
    TREATMENT_REDIAL,
    TREATMENT_NEXT,
    TREATMENT_NEXT_AFTER,
    TREATMENT_NEXT_AT_DATE,
    TREATMENT_RETRY_IN,
    TREATMENT_RETRY_AT_DATE,
    TREATMENT_ASSIGN_TO_GROUP,
    TREATMENT_AGENT_ERROR,
    TREATMENT_ACTIONS
};

struct treatment {
    uint32_t call_result, sequence;
    enum treatment_action action;
    uint32_t cycles; /* repetitions; 0 counts as one where the action needs none */
    uint32_t interval_min, increment_min;
    uint64_t date_s; /* of the actions at a date, UTC; 0: none */
};

struct treatments {
    const struct treatment *at; /* in configured order */
    uint32_t count;
};

/* By its configured name, "NextInChain". */
bool treatment_action_find(struct text name, enum treatment_action *out);
const char *treatment_action_name(enum treatment_action action);
/* Why such a treatment is ignored as a whole; NULL: it is fit for use. `has_call_action` without
 * `has_destination` is a flaw (spec 9). */
const char *treatment_flaw(const struct treatment *treatment, bool has_call_action,
                           bool has_destination);

/* What the chain is like at this moment. */
struct treatment_facts {
    uint64_t now_utc_ms;
    bool is_again; /* the record itself may be worked once more */
    bool is_alone; /* the only record of its chain */
    bool is_personal;
    bool has_next;  /* a record behind it may be worked */
    bool has_first; /* so may one at the front, for another pass through the chain */
};

enum treatment_target { TARGET_SAME, TARGET_NEXT, TARGET_FIRST };
enum { TREATMENT_HISTORY_MAX = 255 };

struct treatment_plan {
    struct treatment treatment; /* as it was when the record came into it */
    uint32_t repetition;        /* 1: the first */
    bool is_last;               /* of its repetitions */
    enum treatment_target target;
    uint64_t due_utc_ms;
    char history[TREATMENT_HISTORY_MAX + 1]; /* the cell `treatments` afterwards */
};

/* The treatment that follows `call_result` for a record with this history; false: none, the record
 * is final. */
bool treatment_choose(const struct treatments *treatments, struct text history,
                      uint32_t call_result, const struct treatment_facts *facts,
                      struct treatment_plan *out);
/* It keeps the chain in memory (5.2); else the rows go back to the list. */
static inline bool treatment_stays_in_memory(enum treatment_action action)
{
    return action == TREATMENT_REDIAL || action == TREATMENT_NEXT;
}

#endif
