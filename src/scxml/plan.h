/* SPDX-License-Identifier: Apache-2.0 */
/* plan.h - what the interpreter works out once for a document, so that a step is a few words of
 * bits (decision 0036). Immutable once scxml_layout() is done.
 * Moves     the transitions as steps read them, a run for each state: eventless ones, then the
 *           others.
 * Classes   an event name counts as the longest descriptor that meets it; descriptors are numbered
 *           so that those below one are a run: a descriptor meets a class by one subtraction.
 * Entries   the states that a transition enters, as words to be or-ed; found at run time only where
 *           a history state has a say. */
#ifndef SCXML_PLAN_H
#define SCXML_PLAN_H

#include "scxml/state_set.h"

struct scxml_span {
    uint32_t first, count;
};

struct scxml_word {
    uint32_t index;
    uint64_t bits;
};

struct scxml_entry_work { /* a state that has something to do when it is entered */
    uint32_t state;
    bool is_by_default; /* and the content of its <initial> */
};

struct scxml_entry {
    const struct scxml_word *words;
    uint32_t word_count;
    const struct scxml_entry_work *work; /* in entry order */
    uint32_t work_count;
};

struct scxml_move {
    const struct scxml_transition *transition;
    uint32_t source;
    scxml_expression_id cond;
    uint32_t domain, end;             /* it exits domain+1 .. end-1; SCXML_NONE: it exits nothing */
    const struct scxml_entry *entry;  /* NULL: found at run time, domain and end as well */
    const struct scxml_span *classes; /* of events that it takes */
    uint32_t class_count;
};

struct scxml_class_name { /* a descriptor that some transition has; "" where the place is free */
    struct text name;
    uint32_t event_class; /* from 1 */
};

struct scxml_plan_state {
    uint32_t moves, evented, moves_end; /* indexes in plan->moves */
    uint32_t eventless_up, evented_up;  /* the nearest of it and its ancestors that has any */
    struct text done;                   /* "done.state.ID" of compounds and parallels */
};

struct scxml_plan {
    uint32_t words; /* of a set of states */
    const uint64_t *atomic;
    const uint64_t *busy_exit;  /* states that have something to do when they are left */
    const uint64_t *busy_entry; /* ... entered */
    const uint64_t *historic;   /* states with a history state among their children */
    const struct scxml_plan_state *states;
    const struct scxml_move *moves;
    uint32_t move_count;
    struct scxml_move start; /* how the whole is entered */

    const uint32_t *history_words; /* for each history state, where its value begins */
    uint32_t history_words_all;

    const struct scxml_class_name *names; /* open addressing, a power of two */
    uint32_t name_mask;
    const uint32_t *ids; /* the same, of states */
    uint32_t id_mask;
};

/* The class of an event of this name; 0: no descriptor but "*" meets it. */
uint32_t scxml_event_class(const struct scxml_plan *plan, struct text name);

static inline bool scxml_move_takes(const struct scxml_move *move, uint32_t event_class)
{
    for (uint32_t i = 0; i < move->class_count; i++)
        if (event_class - move->classes[i].first < move->classes[i].count) return true;
    return false;
}

/* What was recorded for a history state: whole words from that of its parent on; empty where
 * nothing was. */
static inline uint32_t scxml_history_first_word(const struct scxml_document *document,
                                                uint32_t history)
{
    return document->states[history].parent / 64;
}
static inline uint32_t scxml_history_word_count(const struct scxml_document *document,
                                                uint32_t history)
{
    uint32_t parent = document->states[history].parent;
    return (document->states[parent].end - 1) / 64 - parent / 64 + 1;
}

/* --- which states a transition enters (entry_set.c) ------------------------------------------- */

struct scxml_history_note { /* a default of a history state that was used */
    uint32_t parent;
    const struct scxml_action *actions;
};

struct scxml_entry_set {
    const struct scxml_document *document;
    const uint32_t *history_words;
    const uint64_t *histories;        /* all that were recorded; NULL: none */
    uint64_t *states;                 /* a set, empty before */
    uint64_t *by_default;             /* compounds whose <initial> was used; empty before */
    struct scxml_history_note *notes; /* room for document->history_count */
    uint32_t note_count;
    bool has_history;         /* out: a history state had a say */
    uint32_t depth, followed; /* defaults of history states */
};

/* The transition's domain and its end; SCXML_NONE when it has no target. */
void scxml_find_domain(struct scxml_entry_set *set, const struct scxml_transition *transition,
                       uint32_t *domain, uint32_t *end);
/* All that it enters below the domain, with default entries and what histories ask for. */
void scxml_find_entries(struct scxml_entry_set *set, const struct scxml_transition *transition,
                        uint32_t domain);

#endif
