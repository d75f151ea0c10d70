/* SPDX-License-Identifier: Apache-2.0 */
/* fsm.h - the state-machine engine (style 10): tables that read as sentences; the first rule that
 * fits wins.
 * Promise  guards only ask; actions note what to do in `out` and may answer with the next event, so
 *          nothing recurses; the owner acts on `out` after the step.
 * Pure     no clock, no I/O. */
#ifndef BASE_FSM_H
#define BASE_FSM_H

#include "base/buf.h"

struct actions; /* each machine's own: what its owner has to do after the step */

enum { FSM_ANY = -1, FSM_STAY = -2, FSM_NONE = -3, FSM_TRAIL = 16 };

struct fsm_rule {
    int in, on;                     /* state and event; FSM_ANY fits all */
    bool (*when)(const void *self); /* NULL: always */
    int (*run)(void *self, const void *detail,
               struct actions *out); /* FSM_NONE or the next event */
    int go;                          /* next state, or FSM_STAY */
    const char *why;                 /* one line for the diagram; may be NULL */
};

struct fsm_state {
    const char *name;
    /* How long one may stay: feeds the machine's `time_up` event. NULL: as long as it likes. */
    uint64_t (*limit_ms)(const void *self);
    void (*enter)(void *self, struct actions *out);
    bool is_final;
};

struct fsm_machine {
    const char *name;
    const struct fsm_rule *rules;
    size_t rule_count;
    const struct fsm_state *states;
    int state_count;
    const char *const *events; /* names, event_count of them */
    int event_count;
    int time_up; /* the event that a state's limit feeds, or FSM_NONE */
};

struct fsm_step {
    uint64_t at_ms;
    int16_t from, event, to;
};

/* One instance; lies inside its owner. */
struct fsm {
    const struct fsm_machine *machine;
    int state;
    uint64_t entered_ms, steps;
    struct fsm_step trail[FSM_TRAIL]; /* the last steps, for the post-mortem */
};

void fsm_start(struct fsm *fsm, const struct fsm_machine *machine, int state, uint64_t now_ms);
/* Feed one event (and those that actions answer with). False when no rule fits: the event was not
 * answered in this state. */
bool fsm_feed(struct fsm *fsm, int event, void *self, const void *detail, uint64_t now_ms,
              struct actions *out);
/* When the present state's limit ends, UINT64_MAX for never. */
uint64_t fsm_due_ms(const struct fsm *fsm, const void *self);
const char *fsm_state_name(const struct fsm *fsm);
void fsm_print_trail(const struct fsm *fsm, struct buf *out); /* one line per step, oldest first */
/* The diagram in Graphviz' language. */
void fsm_draw(const struct fsm_machine *machine, struct buf *out);
/* Every (state, event) without any rule, "state event" a line; final states are left out. Returns
 * how many. */
size_t fsm_list_unanswered(const struct fsm_machine *machine, struct buf *out);

#endif
