/* SPDX-License-Identifier: Apache-2.0 */
/* Spreading: from each guess all deeds that may have been done meanwhile, in every order. It stays
 * small since a deed does nothing to a round that is over, and since of two guesses with the same
 * state the one that needed fewer lost deeds stands for both. */
#include "tests/world/guess.h"

#include <string.h>

#include "servers/outbound/record.h"

/* --- the rules of the trade --- */

static bool fits(uint32_t known, uint32_t seen)
{
    return known == 0 || seen == 0 || known == seen;
}

static void end_round(struct state *state, enum phase phase, enum end end)
{
    state->phase = (uint8_t)phase;
    state->ended = (uint8_t)end;
}

static bool give(const struct op *op, struct state *state)
{
    if (state->phase != PHASE_FREE) return false;
    state->round_before = state->round;
    state->ended_before = state->ended;
    state->phase = PHASE_HELD;
    state->ended = END_NOT;
    state->agent = op->agent;
    state->round = op->round;
    return true;
}

static bool is_in_round(const struct op *op, const struct state *state)
{
    return state->phase == PHASE_HELD && fits(op->round, state->round) &&
           fits(op->agent, state->agent);
}

/* Cancelled, or not to be called: with an agent or not. What is over stays as it is. */
static void end_whole(struct state *state, enum phase phase)
{
    if (state->phase == PHASE_HELD)
        end_round(state, phase, END_TOLD);
    else if (state->phase == PHASE_FREE)
        state->phase = (uint8_t)phase;
}

static void write(const struct op *op, struct state *state)
{
    if (op->value) state->value = op->value;
    if (op->result) state->result = op->result;
}

/* The states that `op` makes of one: none where it has no effect. */
static uint32_t apply(const struct op *op, const struct state *from, struct state out[2])
{
    struct state state = *from;
    switch ((enum deed)op->deed) {
    case DEED_GIVE:
        if (!give(op, &state)) return 0;
        break;
    case DEED_UPDATE:
        if (!is_in_round(op, &state)) return 0;
        write(op, &state);
        break;
    case DEED_PROCESS:
        if (!is_in_round(op, &state)) return 0;
        write(op, &state);
        if (op->result == 0) state.result = 0; /* as the row had it */
        end_round(&state, op->then == AFTER_AGAIN ? PHASE_FREE : PHASE_FINAL, END_TOLD);
        out[0] = state;
        state.phase = PHASE_FREE;
        out[1] = state;
        return op->then == AFTER_EITHER ? 2 : 1;
    case DEED_REJECT:
        if (!is_in_round(op, &state)) return 0;
        end_round(&state, PHASE_FREE, END_GIVEN_BACK);
        break;
    case DEED_CANCEL: end_whole(&state, PHASE_CANCELLED); break;
    case DEED_BLOCK: end_whole(&state, PHASE_BLOCKED); break;
    case DEED_STALE:
        if (!is_in_round(op, &state)) return 0;
        end_round(&state, PHASE_STALE, END_TOLD);
        break;
    case DEED_SET: state.value = op->value; break;
    }
    out[0] = state;
    return 1;
}

static bool row_fits(const struct state *state, const struct sight *row)
{
    if (!fits(state->value, row->value)) return false;
    switch ((enum phase)state->phase) {
    case PHASE_FREE: /* in memory of a group its rows are Retrieved, Chain Ready; after a crash
                        they come back with call result Stale */
        return (fits(state->result, row->result) || row->result == CALL_RESULT_STALE) &&
               (row->status == RECORD_STATUS_READY ||
                (!row->is_unloaded && (row->status == RECORD_STATUS_RETRIEVED ||
                                       row->status == RECORD_STATUS_CHAIN_READY)));
    case PHASE_HELD: return row->status == RECORD_STATUS_RETRIEVED;
    case PHASE_FINAL:
        return row->status == RECORD_STATUS_UPDATED && fits(state->agent, row->agent) &&
               fits(state->result, row->result);
    case PHASE_CANCELLED: return row->status == RECORD_STATUS_CANCELLED;
    case PHASE_BLOCKED: return row->status == RECORD_STATUS_UPDATED;
    case PHASE_STALE: return row->status == RECORD_STATUS_STALE;
    case PHASE_VALUE: break;
    }
    return false;
}

static bool has_ended(const struct state *state, const struct sight *sight)
{
    enum end end;
    if (state->round == sight->round)
        end = (enum end)state->ended;
    else if (state->round_before == sight->round)
        end = (enum end)state->ended_before;
    else
        return sight->ended == END_NOT ? sight->told != 0 : (sight->told & 1u << sight->ended) != 0;
    return end != END_NOT && (sight->ended == END_NOT || sight->ended == end);
}

static bool shows(const struct state *state, const struct sight *sight)
{
    switch (sight->kind) {
    case SIGHT_HELD:
        return state->phase == PHASE_HELD && state->agent == sight->agent &&
               state->round == sight->round;
    case SIGHT_NOT_HELD: return state->phase != PHASE_HELD || !fits(sight->round, state->round);
    case SIGHT_ENDED: return has_ended(state, sight);
    case SIGHT_ROW: return row_fits(state, sight);
    case SIGHT_VALUE: return fits(state->value, sight->value);
    }
    return false;
}

/* What was not known is known from now on. */
static void learn(struct state *state, const struct sight *sight)
{
    if (sight->kind != SIGHT_ROW && sight->kind != SIGHT_VALUE) return;
    if (state->value == 0) state->value = sight->value;
    if (state->result == 0 || (state->phase == PHASE_FREE && sight->result))
        state->result = sight->result;
}

/* --- sets of guesses --- */

static struct guess *grow(struct scope *scope, struct guesses *set)
{
    if (set->count == set->room) {
        uint32_t room = set->room ? set->room * 2 : 2;
        struct guess *more = scope_alloc_array(scope, room, sizeof *more);
        if (set->count) memcpy(more, set->at, set->count * sizeof *more);
        set->at = more;
        set->room = room;
    }
    return &set->at[set->count++];
}

static bool is_same(const struct state *a, const struct state *b)
{
    return a->phase == b->phase && a->ended == b->ended && a->ended_before == b->ended_before &&
           a->agent == b->agent && a->round == b->round && a->round_before == b->round_before &&
           a->value == b->value && a->result == b->result;
}

/* Walks over the ops of a set: `for (uint64_t left = set; next_op(&left, &op);)`. */
static bool next_op(uint64_t *left, uint32_t *op)
{
    if (*left == 0) return false;
    *op = (uint32_t)__builtin_ctzll(*left);
    *left &= *left - 1;
    return true;
}

static uint64_t bit_of(uint32_t op)
{
    return UINT64_C(1) << op;
}

static uint64_t lost_ops(const struct thing *thing)
{
    uint64_t lost = 0;
    uint32_t op;
    for (uint64_t left = thing->used; next_op(&left, &op);)
        if (thing->ops[op].is_lost) lost |= bit_of(op);
    return lost;
}

/* Adds it unless a guess with the same state that needs no more stands there. */
static void add_unless_known(struct guessing *guessing, struct guesses *set,
                             const struct guess *guess, uint64_t lost)
{
    for (uint32_t i = 0; i < set->count; i++) {
        const struct guess *known = &set->at[i];
        bool needs_no_more = (known->done & ~lost) == (guess->done & ~lost) &&
                             (known->done & lost & ~guess->done) == 0;
        if (needs_no_more && is_same(&known->state, &guess->state)) return;
    }
    *grow(guessing->scope, set) = *guess;
}

static void spread_one(struct guessing *guessing, const struct thing *thing, uint32_t from,
                       uint32_t op, uint64_t lost)
{
    struct guesses *set = &guessing->spread;
    struct state results[2];
    uint32_t count = apply(&thing->ops[op], &set->at[from].state, results);
    for (uint32_t i = 0; i < count; i++) {
        uint64_t done = set->at[from].done | (thing->ops[op].is_many ? 0 : bit_of(op));
        struct guess next = { results[i], done, from };
        add_unless_known(guessing, set, &next, lost);
    }
}

/* All guesses that contain none of `unwanted`, and what the ops of `may` may have made of them. */
static void spread(struct guessing *guessing, struct thing *thing, uint64_t may, uint64_t unwanted)
{
    struct guesses *set = &guessing->spread;
    uint64_t lost = lost_ops(thing);
    set->count = 0;
    for (uint32_t i = 0; i < thing->guesses.count; i++) {
        if (thing->guesses.at[i].done & unwanted) continue;
        struct guess *first = grow(guessing->scope, set);
        *first = thing->guesses.at[i];
        first->parent = set->count - 1;
    }
    for (uint32_t from = 0; may && from < set->count; from++) {
        uint32_t op;
        for (uint64_t left = may & ~set->at[from].done; next_op(&left, &op);)
            spread_one(guessing, thing, from, op, lost);
        if (set->count <= guessing->max) continue;
        thing->is_given_up = true;
        return;
    }
}

static void forget_op(struct thing *thing, uint32_t op)
{
    thing->used &= ~bit_of(op);
    for (uint32_t i = 0; i < thing->guesses.count; i++) thing->guesses.at[i].done &= ~bit_of(op);
}

/* Its round may begin yet. */
static bool is_ahead(const struct thing *thing, const struct guess *guess, uint32_t round)
{
    uint32_t op;
    for (uint64_t left = thing->used & ~guess->done; next_op(&left, &op);)
        if (thing->ops[op].deed == DEED_GIVE && thing->ops[op].round == round) return true;
    return false;
}

/* A lost op that all guesses contain, or whose round is over in all that do not. */
static bool is_past(const struct thing *thing, uint32_t op)
{
    const struct op *one = &thing->ops[op];
    for (uint32_t i = 0; i < thing->guesses.count; i++) {
        const struct guess *guess = &thing->guesses.at[i];
        struct state results[2];
        if (guess->done & bit_of(op)) continue;
        if (one->round == 0 || one->deed == DEED_GIVE) return false;
        if (apply(one, &guess->state, results) || is_ahead(thing, guess, one->round)) return false;
    }
    return true;
}

static void forget_past(struct thing *thing)
{
    uint32_t op;
    for (uint64_t left = lost_ops(thing); next_op(&left, &op);)
        if (is_past(thing, op)) forget_op(thing, op);
}

/* `kept` becomes what the thing may be. */
static bool take_kept(struct guessing *guessing, struct thing *thing)
{
    struct guesses *kept = &guessing->kept;
    if (kept->count == 0) return false;
    uint64_t lost = lost_ops(thing);
    thing->guesses.count = 0;
    for (uint32_t i = 0; i < kept->count; i++)
        add_unless_known(guessing, &thing->guesses, &kept->at[i], lost);
    if (thing->used) forget_past(thing);
    return true;
}

/* Of what is spread, those that show the sight; none whose parent does, since it is found again
 * from there. */
static void keep_what_shows(struct guessing *guessing, const struct sight *sight)
{
    struct guesses *set = &guessing->spread;
    guessing->kept.count = 0;
    for (uint32_t i = 0; i < set->count; i++) {
        struct guess *guess = &set->at[i];
        bool has_kept_parent = guess->parent != i && set->at[guess->parent].parent == UINT32_MAX;
        if (has_kept_parent) {
            guess->parent = UINT32_MAX; /* children stand behind their parents */
            continue;
        }
        if (sight && !shows(&guess->state, sight)) continue;
        guess->parent = UINT32_MAX;
        struct guess *kept = grow(guessing->scope, &guessing->kept);
        *kept = *guess;
        if (sight) learn(&kept->state, sight);
    }
}

/* --- the doors --- */

void thing_begin(struct guessing *guessing, struct thing *thing, const struct state *state)
{
    *thing = (struct thing){ 0 };
    thing_add(guessing, thing, state);
}

void thing_add(struct guessing *guessing, struct thing *thing, const struct state *state)
{
    add_unless_known(guessing, &thing->guesses, &(struct guess){ .state = *state }, 0);
}

uint32_t thing_ask(struct guessing *guessing, struct thing *thing, const struct op *op)
{
    uint32_t place = ~thing->used ? (uint32_t)__builtin_ctzll(~thing->used) : OPS_MAX;
    if (place == OPS_MAX) {
        thing->is_given_up = true;
        return OP_NONE;
    }
    if (place == thing->ops_room) {
        struct op *more = scope_alloc_array(guessing->scope, place ? place * 2 : 4, sizeof *more);
        if (place) memcpy(more, thing->ops, place * sizeof *more);
        thing->ops = more;
        thing->ops_room = place ? place * 2 : 4;
    }
    thing->ops[place] = *op;
    thing->used |= bit_of(place);
    return place;
}

bool thing_acknowledge(struct guessing *guessing, struct thing *thing, uint32_t op, uint32_t value)
{
    if (thing->is_given_up) return true;
    const struct sight seen = { .kind = SIGHT_VALUE, .value = value };
    uint64_t bit = bit_of(op);
    guessing->kept.count = 0;
    for (uint32_t i = 0; i < thing->guesses.count; i++)
        if (thing->guesses.at[i].done & bit)
            *grow(guessing->scope, &guessing->kept) = thing->guesses.at[i];
    spread(guessing, thing, thing->used & ~bit, bit);
    if (thing->is_given_up) return true;
    for (uint32_t i = 0; i < guessing->spread.count; i++) {
        struct state results[2];
        struct state from = guessing->spread.at[i].state;
        if (!fits(from.value, value)) continue;
        learn(&from, &seen);
        uint32_t count = apply(&thing->ops[op], &from, results);
        for (uint32_t k = 0; k < count; k++)
            *grow(guessing->scope, &guessing->kept) =
                (struct guess){ results[k], guessing->spread.at[i].done, 0 };
    }
    if (!take_kept(guessing, thing)) return false;
    forget_op(thing, op);
    return true;
}

bool thing_refuse(struct guessing *guessing, struct thing *thing, uint32_t op,
                  const struct sight *sight)
{
    if (thing->is_given_up) return true;
    spread(guessing, thing, thing->used & ~bit_of(op), bit_of(op));
    if (thing->is_given_up) return true;
    keep_what_shows(guessing, sight);
    if (!take_kept(guessing, thing)) return false;
    forget_op(thing, op);
    return true;
}

/* Another lost op that asks for the very same. */
static uint32_t find_same(const struct thing *thing, uint32_t op)
{
    const struct op *wanted = &thing->ops[op];
    uint32_t other;
    for (uint64_t left = lost_ops(thing) & ~bit_of(op); next_op(&left, &other);) {
        const struct op *one = &thing->ops[other];
        if (one->deed == wanted->deed && one->then == wanted->then && one->agent == wanted->agent &&
            one->round == wanted->round && one->value == wanted->value &&
            one->result == wanted->result)
            return other;
    }
    return OP_NONE;
}

void thing_lose(struct guessing *guessing, struct thing *thing, uint32_t op)
{
    if (thing->is_given_up) return;
    uint32_t same = find_same(thing, op);
    thing->ops[op].is_lost = true;
    if (same != OP_NONE) { /* one stands for all of them */
        forget_op(thing, op);
        forget_op(thing, same);
        thing->used |= bit_of(same);
        thing->ops[same].is_many = true;
    }
    guessing->kept.count = 0;
    for (uint32_t i = 0; i < thing->guesses.count; i++)
        *grow(guessing->scope, &guessing->kept) = thing->guesses.at[i];
    (void)take_kept(guessing, thing);
}

bool thing_see(struct guessing *guessing, struct thing *thing, const struct sight *sight)
{
    if (thing->is_given_up) return true;
    spread(guessing, thing, thing->used, 0);
    if (thing->is_given_up) return true;
    keep_what_shows(guessing, sight);
    return take_kept(guessing, thing);
}

void thing_settle(struct guessing *guessing, struct thing *thing)
{
    uint64_t lost = lost_ops(thing);
    if (thing->is_given_up || lost == 0) return;
    spread(guessing, thing, thing->used, 0); /* after what is on its way still, too */
    if (thing->is_given_up) return;
    struct guesses *kept = &guessing->kept;
    kept->count = 0;
    for (uint32_t i = 0; i < guessing->spread.count; i++) {
        struct guess *guess = grow(guessing->scope, kept);
        *guess = guessing->spread.at[i];
        guess->done &= ~lost;
    }
    thing->used &= ~lost;
    (void)take_kept(guessing, thing);
}

const struct guesses *thing_spread(struct guessing *guessing, struct thing *thing)
{
    spread(guessing, thing, thing->used, 0);
    return &guessing->spread;
}

bool thing_may(struct guessing *guessing, struct thing *thing, const struct sight *sight)
{
    const struct guesses *set = thing_spread(guessing, thing);
    for (uint32_t i = 0; i < set->count; i++)
        if (shows(&set->at[i].state, sight)) return true;
    return thing->is_given_up;
}
