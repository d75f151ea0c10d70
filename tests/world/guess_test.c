/* SPDX-License-Identifier: Apache-2.0 */
/* Guesses against plain enumeration: every state that some order of the deeds leads to, nothing
 * left out, and against a chain that really lives, which must never be said to be impossible. */
#include "tests/world/guess.h"

#include "base/random.h"
#include "tests/unit/test.h"

enum { PLAIN_MAX = 60000, DEEDS = 7, VALUES = DEEDS, AGENTS = 2 };

/* --- the plain way: all pairs of state and deeds done, spread at once --- */

struct plain {
    struct state state;
    uint32_t done;
};

struct plain_set {
    struct plain at[PLAIN_MAX];
    uint32_t count;
};

static struct plain_set *set, *other;

static bool same(const struct plain *a, const struct plain *b)
{
    const struct state *x = &a->state, *y = &b->state;
    return a->done == b->done && x->phase == y->phase && x->ended == y->ended &&
           x->agent == y->agent && x->round == y->round && x->value == y->value;
}

static void plain_add(struct plain_set *into, const struct plain *plain)
{
    for (uint32_t i = 0; i < into->count; i++)
        if (same(&into->at[i], plain)) return;
    CHECK(into->count < PLAIN_MAX);
    into->at[into->count++] = *plain;
}

/* The trade's rules once more, written apart. */
static bool plain_apply(const struct op *op, struct state *state)
{
    bool is_hers = state->phase == PHASE_HELD && state->round == op->round &&
                   state->agent == op->agent;
    switch ((enum deed)op->deed) {
    case DEED_GIVE:
        if (state->phase != PHASE_FREE) return false;
        state->phase = PHASE_HELD;
        state->agent = op->agent;
        state->round = op->round;
        state->ended = END_NOT;
        return true;
    case DEED_UPDATE:
        if (is_hers) state->value = op->value;
        return is_hers;
    case DEED_REJECT:
        if (!is_hers) return false;
        state->phase = PHASE_FREE;
        state->ended = END_GIVEN_BACK;
        return true;
    case DEED_PROCESS:
        if (!is_hers) return false;
        state->phase = op->then == AFTER_AGAIN ? PHASE_FREE : PHASE_FINAL;
        state->ended = END_TOLD;
        state->value = op->value;
        return true;
    default: return false;
    }
}

static void plain_spread(const struct op *ops, uint32_t open)
{
    for (uint32_t i = 0; i < set->count; i++)
        for (uint32_t op = 0; op < DEEDS; op++) {
            struct plain next = set->at[i];
            if (!(open >> op & 1) || next.done >> op & 1) continue;
            if (!plain_apply(&ops[op], &next.state)) continue;
            next.done |= 1u << op;
            plain_add(set, &next);
        }
}

static void plain_keep(bool (*wanted)(const struct plain *plain, const void *what),
                       const void *what)
{
    other->count = 0;
    for (uint32_t i = 0; i < set->count; i++)
        if (wanted(&set->at[i], what)) other->at[other->count++] = set->at[i];
    struct plain_set *swap = set;
    set = other;
    other = swap;
}

static bool is_done(const struct plain *plain, const void *what)
{
    return (plain->done >> *(const uint32_t *)what & 1) != 0;
}

static bool is_not_done(const struct plain *plain, const void *what)
{
    return !is_done(plain, what);
}

static bool plain_shows(const struct plain *plain, const void *what)
{
    const struct sight *sight = what;
    const struct state *state = &plain->state;
    if (sight->kind == SIGHT_VALUE) return state->value == sight->value;
    if (sight->kind == SIGHT_HELD)
        return state->phase == PHASE_HELD && state->agent == sight->agent &&
               state->round == sight->round;
    return state->phase != PHASE_HELD || state->round != sight->round;
}

/* --- one story: a chain that lives, and both ways told of it --- */

struct story {
    struct random random;
    struct guessing guessing;
    struct thing thing;
    struct state truth;
    struct op ops[DEEDS];
    uint32_t place[DEEDS];            /* in the thing */
    uint32_t asked, open, lost, done; /* bits; open: may still be done */
};

static uint32_t below(struct story *story, uint32_t bound)
{
    return (uint32_t)random_below(&story->random, bound);
}

static void ask(struct story *story)
{
    uint32_t op = (uint32_t)__builtin_popcount(story->asked);
    if (op == DEEDS) return;
    static const uint8_t deeds[] = { DEED_GIVE, DEED_UPDATE, DEED_UPDATE, DEED_REJECT,
                                     DEED_PROCESS };
    struct op *one = &story->ops[op];
    *one = (struct op){ .deed = deeds[below(story, sizeof deeds)],
                        .then = below(story, 2) ? AFTER_AGAIN : AFTER_FINAL,
                        .agent = 1 + below(story, AGENTS),
                        .value = 1 + op }; /* no two are the same: those would count as many */
    if (one->deed == DEED_GIVE || story->truth.round == 0) { /* each gift is a new round */
        one->deed = DEED_GIVE;
        one->round = 10 + op;
        one->value = 0;
    } else {
        one->round = story->truth.round;
        if (below(story, 4)) one->agent = story->truth.agent;
    }
    story->place[op] = thing_ask(&story->guessing, &story->thing, one);
    story->asked |= 1u << op;
    story->open |= 1u << op;
    plain_spread(story->ops, story->open);
}

/* Really, unseen. */
static void happen(struct story *story)
{
    uint32_t op = below(story, DEEDS);
    if (!(story->open >> op & 1) || story->done >> op & 1) return;
    if (plain_apply(&story->ops[op], &story->truth)) story->done |= 1u << op;
}

static void answer(struct story *story)
{
    uint32_t op = below(story, DEEDS);
    uint32_t bit = 1u << op;
    if (!(story->open & bit) || story->lost & bit) return;
    if (below(story, 3) == 0) {
        story->lost |= bit;
        thing_lose(&story->guessing, &story->thing, story->place[op]);
        return;
    }
    story->open &= ~bit;
    if (story->done & bit) {
        CHECK(thing_acknowledge(&story->guessing, &story->thing, story->place[op], 0));
        plain_keep(is_done, &op);
    } else {
        CHECK(thing_refuse(&story->guessing, &story->thing, story->place[op], NULL));
        plain_keep(is_not_done, &op);
    }
}

static void look(struct story *story)
{
    struct sight sight = { .kind = SIGHT_VALUE, .value = story->truth.value };
    if (below(story, 2) && story->truth.round) { /* round 0 means any */
        bool is_held = story->truth.phase == PHASE_HELD;
        sight = (struct sight){ .kind = is_held ? SIGHT_HELD : SIGHT_NOT_HELD,
                                .agent = story->truth.agent,
                                .round = story->truth.round };
    }
    CHECK(thing_see(&story->guessing, &story->thing, &sight));
    plain_keep(plain_shows, &sight);
    plain_spread(story->ops, story->open);
}

static void settle(struct story *story)
{
    if (below(story, 8)) return;
    thing_settle(&story->guessing, &story->thing);
    story->open &= ~story->lost;
}

static void compare_one(struct story *story, const struct sight *sight)
{
    bool may = false;
    for (uint32_t i = 0; i < set->count; i++) may = may || plain_shows(&set->at[i], sight);
    CHECK(thing_may(&story->guessing, &story->thing, sight) == may);
}

/* Whatever may be seen next, both ways agree whether it may. */
static void compare(struct story *story)
{
    for (uint32_t value = 1; value <= VALUES + 1; value++)
        compare_one(story, &(struct sight){ .kind = SIGHT_VALUE, .value = value });
    for (uint32_t round = 10; round < 10 + DEEDS; round++) {
        for (uint32_t agent = 1; agent <= AGENTS; agent++)
            compare_one(story,
                        &(struct sight){ .kind = SIGHT_HELD, .agent = agent, .round = round });
        compare_one(story, &(struct sight){ .kind = SIGHT_NOT_HELD, .round = round });
    }
}

static void tell(uint64_t seed)
{
    struct scope *scope = scope_new(NULL, "story", SCOPE_NO_LIMIT);
    struct story story = { .guessing = { .scope = scope, .max = 100000 } };
    random_seed(&story.random, seed);
    story.truth = (struct state){ .phase = PHASE_FREE, .value = VALUES + 1 };
    thing_begin(&story.guessing, &story.thing, &story.truth);
    set->count = 1;
    set->at[0] = (struct plain){ .state = story.truth };
    for (uint32_t step = 0; step < 40; step++) {
        switch (below(&story, 6)) {
        case 0: ask(&story); break;
        case 1:
        case 2: happen(&story); break;
        case 3: answer(&story); break;
        case 4: look(&story); break;
        default: settle(&story); break;
        }
        compare(&story);
    }
    scope_close(scope);
}

TEST(guesses_agree_with_plain_enumeration)
{
    static struct plain_set sets[2];
    set = &sets[0];
    other = &sets[1];
    for (uint64_t seed = 1; seed <= 3000; seed++) tell(seed);
}
