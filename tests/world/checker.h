/* SPDX-License-Identifier: Apache-2.0 */
/* checker.h - hears the events of a run and says which promise was broken (design 1.4, 5):
 *
 *   lost         every acknowledged change survives, and nothing is there that nobody asked for
 *   owner        one owner per record: no chain is given to two agents, none after its end
 *   round        one attempt GUID and one message GUID per round
 *   delivery     each notification is delivered at least once, always with the same body, and none
 *                comes of a round that did not end
 *   deadline     no state without a deadline, none past it
 *   counter      counters agree with the store
 *   convergence  subscribers of configuration hold what the server has
 *   log          the events contradict each other: a defect of whoever writes them
 *
 * Exact    for each chain (and each name of ASK_SET) the checker keeps all states it may be in. A
 *          request takes effect once, at some instant between `asked` and its acknowledgement; one
 *          that was lost takes effect once at any later instant, up to `quiet`, or never. What is
 *          seen later (an answer, a row, a notification) rules states out; when none is left, a
 *          promise is broken: the words say what was seen and what was possible. A lost request on
 *          a round that ended since has no effect any more, since a handle never means another
 *          round; a lost preview may have given any free chain to its agent.
 * Once     after a breach its chain is heard of no more; each chain breaks once.
 * Cost     some hundred nanoseconds an event; a `looked` walks over all chains of its list.
 * Bounds   a chain of which more than CHECKER_GUESSES_MAX states are possible is given up and
 *          counted; one record per chain.
 * Pure     no clock, no I/O; one thread. Texts of an event are views until the call returns. */
#ifndef TESTS_WORLD_CHECKER_H
#define TESTS_WORLD_CHECKER_H

#include "tests/world/event_log.h"

enum { CHECKER_HISTORY = 8, CHECKER_GUESSES_MAX = 1024, CHECKER_BREACHES_MAX = 50 };

#define INVARIANT_LIST(X)                                                                          \
    X(LOST, "lost")                                                                                \
    X(OWNER, "owner")                                                                              \
    X(ROUND, "round")                                                                              \
    X(DELIVERY, "delivery")                                                                        \
    X(DEADLINE, "deadline")                                                                        \
    X(COUNTER, "counter")                                                                          \
    X(CONVERGENCE, "convergence")                                                                  \
    X(LOG, "log")

enum invariant {
#define X(name, word) INVARIANT_##name,
    INVARIANT_LIST(X)
#undef X
        INVARIANTS
};

struct breach {
    enum invariant invariant;
    uint64_t number;     /* of the event that showed it; the first one is 1 */
    struct text words;   /* "lost: chain 7 of list_1: ..." */
    struct text history; /* the last events about it, CHECKER_HISTORY at most, as lines */
};

struct checker_options {
    uint64_t lapse_ms; /* a round of which nothing was asked for so long may become Stale
                          (preview-timeout); 0: never */
    bool is_silent;    /* no notification is due for any round */
    uint64_t keep_ms;  /* closed rounds and sent notifications may leave the store after this time;
                          0: 20 hours */
};

struct checker;

struct checker *checker_new(struct scope *owner, const struct checker_options *options);
/* False when this event showed a breach. */
bool checker_hear(struct checker *checker, const struct event *event);
/* The first CHECKER_BREACHES_MAX; they live as long as the checker. */
const struct breach *checker_breaches(const struct checker *checker, uint32_t *count);

struct checker_counts {
    uint64_t events, requests, acknowledged, refused, lost, looks;
    uint64_t chains, rounds, notifications, deliveries;
    uint64_t given_up; /* chains with too many possible states */
    uint64_t breaches;
};
struct checker_counts checker_counts(const struct checker *checker);

#endif
