/* SPDX-License-Identifier: Apache-2.0 */
/* guess.h - all the states that a thing may be in, as far as one can know from outside.
 * A thing (a chain, a value) has guesses: states, each with the deeds that it already contains.
 * Deeds that were asked for and are not known to be done or not stay beside them; a lost one may
 * be done at any later time, once, or never. Every sight rules guesses out.
 * Promise  the set is exact: a state is in it if some order of the deeds explains all sights.
 *          Only guesses that need least are kept: what can still be reached from one of them is
 *          found again when it is needed.
 * Names    texts are numbers here (checker.c interns them), 0: not known, fits all.
 * Pure     memory comes from the scope and stays until it is closed. */
#ifndef TESTS_WORLD_GUESS_H
#define TESTS_WORLD_GUESS_H

#include "base/scope.h"

enum phase {
    PHASE_FREE,  /* anybody may get it */
    PHASE_HELD,  /* with `agent`, in `round` */
    PHASE_FINAL, /* processed by `agent` */
    PHASE_CANCELLED,
    PHASE_BLOCKED, /* do not call */
    PHASE_STALE,
    PHASE_VALUE, /* no chain: a value and nothing else */
};

/* How a round ended. */
enum end { END_NOT, END_GIVEN_BACK, END_TOLD /* with a notification */ };

struct state {
    uint8_t phase, ended, ended_before;
    uint32_t agent, round, round_before, value, result; /* round: the present or the last one */
};

enum deed {
    DEED_GIVE,
    DEED_UPDATE,
    DEED_PROCESS,
    DEED_REJECT,
    DEED_CANCEL,
    DEED_BLOCK,
    DEED_STALE,
    DEED_SET
};

enum then { AFTER_FINAL, AFTER_AGAIN, AFTER_EITHER };

struct op {
    uint8_t deed, then;
    bool is_lost;
    bool is_many; /* lost as well: more than one of the same kind, which may be done again and again
                   */
    uint32_t agent, round, value, result; /* round 0: whichever it is */
};

enum { OPS_MAX = 64, OP_NONE = OPS_MAX };

struct guess {
    struct state state;
    uint64_t done;   /* bit i: ops[i] is contained */
    uint32_t parent; /* while they are spread: where it comes from, itself for a first one */
};

struct guesses {
    struct guess *at;
    uint32_t count, room;
};

struct thing {
    struct guesses guesses;
    struct op *ops;
    uint32_t ops_room;
    uint64_t used; /* bit i: ops[i] is one */
    bool is_given_up;
};

/* What was seen of it. */
enum sight_kind {
    SIGHT_HELD,     /* by `agent` in `round` */
    SIGHT_NOT_HELD, /* not in `round`; round 0: in none */
    SIGHT_ENDED,    /* `round` ended as `ended`; END_NOT: any way */
    SIGHT_ROW,      /* `status`, `agent`, `value`, `result` as the store's row has them */
    SIGHT_VALUE,
};

struct sight {
    enum sight_kind kind;
    enum end ended;
    uint32_t agent, round, value, result, status;
    uint32_t told; /* SIGHT_ENDED: rounds before the last two: bits of their ends */
    bool is_unloaded;
};

/* Where spreading happens; one for all things. */
struct guessing {
    struct scope *scope;
    struct guesses spread, kept;
    uint32_t max;
};

void thing_begin(struct guessing *guessing, struct thing *thing, const struct state *state);
/* Another state it may have begun with. */
void thing_add(struct guessing *guessing, struct thing *thing, const struct state *state);
/* OP_NONE when OPS_MAX are on their way: then it is given up. */
uint32_t thing_ask(struct guessing *guessing, struct thing *thing, const struct op *op);
/* False when this cannot be: the guesses stay as they were. `value`: of the state it was done to,
 * 0: not seen. */
bool thing_acknowledge(struct guessing *guessing, struct thing *thing, uint32_t op, uint32_t value);
/* It was not done and never will be; with a sight of how it was then. */
bool thing_refuse(struct guessing *guessing, struct thing *thing, uint32_t op,
                  const struct sight *sight);
void thing_lose(struct guessing *guessing, struct thing *thing, uint32_t op);
bool thing_see(struct guessing *guessing, struct thing *thing, const struct sight *sight);
/* Lost ops were done or never will be. */
void thing_settle(struct guessing *guessing, struct thing *thing);
/* All that it may be at this moment; a view until the next call of any function here. */
const struct guesses *thing_spread(struct guessing *guessing, struct thing *thing);
bool thing_may(struct guessing *guessing, struct thing *thing, const struct sight *sight);

#endif
