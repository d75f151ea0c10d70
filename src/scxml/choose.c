/* SPDX-License-Identifier: Apache-2.0 */
/* Which transitions are enabled, and which of them stay when they conflict (decision 0036).
 *
 * Two transitions conflict when the ranges of their domains nest. States choose in document order,
 * and each lies in the domain of what it chose, so the domains of those that stay are disjoint and
 * ascend: a newcomer can only nest with the last ones. At most one of these holds the newcomer's
 * state; all others give way to nothing, since a source above two domains would make them nest. */
#include "scxml/step_private.h"

#include <string.h>

static void forget(struct scxml_run *run)
{
    if (run->seen && run->chosen_count)
        memset(run->seen, 0, (run->plan->move_count / 64 + 1) * sizeof *run->seen);
    run->chosen_count = 0;
    run->top = SCXML_NONE;
}

static void make_room(struct scxml_run *run)
{
    uint32_t room = run->chosen_room ? run->chosen_room * 2 : 4;
    struct scxml_chosen *chosen = scope_alloc_array(run->effects->scope, room, sizeof *chosen);
    if (run->chosen_count) memcpy(chosen, run->chosen, run->chosen_count * sizeof *chosen);
    run->chosen = chosen;
    run->chosen_room = room;
}

static void add(struct scxml_run *run, const struct scxml_chosen *chosen)
{
    if (run->chosen_count == run->chosen_room) make_room(run);
    run->chosen[run->chosen_count] = *chosen;
    if (chosen->domain != SCXML_NONE) run->top = run->chosen_count;
    run->chosen_count++;
}

/* A transition of a state above may be chosen by several; one without target conflicts with none,
 * not even with itself. */
static bool is_seen(struct scxml_run *run, const struct scxml_move *move)
{
    if (scxml_is_atomic(&run->document->states[move->source])) return false;
    if (run->seen == NULL)
        run->seen = scope_alloc_array(run->effects->scope, run->plan->move_count / 64 + 1,
                                      sizeof *run->seen);
    uint32_t index = (uint32_t)(move - run->plan->moves);
    bool is_seen = scxml_set_has(run->seen, index);
    scxml_set_add(run->seen, index);
    return is_seen;
}

static bool is_in(const struct scxml_chosen *chosen, uint32_t state)
{
    return state > chosen->domain && state < chosen->end;
}

/* False: what was chosen before keeps its place. */
static bool wins(struct scxml_run *run, const struct scxml_chosen *chosen, uint32_t state)
{
    if (run->top == SCXML_NONE) return true;
    struct scxml_chosen *other = &run->chosen[run->top];
    if (is_in(other, state)) {
        if (!scxml_is_descendant(run->document, chosen->move->source, other->move->source))
            return false;
        if (other->below != SCXML_NONE && run->chosen[other->below].domain >= chosen->domain)
            return false;
        other->move = NULL;
        run->top = other->below;
        return true;
    }
    return other->domain < chosen->domain;
}

static void find_domain(struct scxml_run *run, struct scxml_chosen *chosen)
{
    struct scxml_entry_set set = { .document = run->document,
                                   .history_words = run->plan->history_words,
                                   .histories = run->session->histories };
    scxml_find_domain(&set, chosen->move->transition, &chosen->domain, &chosen->end);
}

static void choose_move(struct scxml_run *run, const struct scxml_move *move, uint32_t state)
{
    struct scxml_chosen chosen = { .move = move, .domain = move->domain, .end = move->end };
    if (move->entry == NULL && move->transition->target_count) find_domain(run, &chosen);
    if (chosen.domain == SCXML_NONE) {
        if (!is_seen(run, move)) add(run, &chosen);
        return;
    }
    if (!wins(run, &chosen, state)) return;
    chosen.below = run->top;
    add(run, &chosen);
}

static bool is_enabled(struct scxml_run *run, const struct scxml_move *move)
{
    return move->cond == SCXML_NONE || scxml_condition(run, move->cond, move->transition->place);
}

static void choose_eventless_of(struct scxml_run *run, uint32_t state)
{
    const struct scxml_plan *plan = run->plan;
    for (uint32_t at = plan->states[state].eventless_up; at != SCXML_NONE;) {
        const struct scxml_plan_state *planned = &plan->states[at];
        for (uint32_t i = planned->moves; i < planned->evented; i++)
            if (is_enabled(run, &plan->moves[i])) {
                choose_move(run, &plan->moves[i], state);
                return;
            }
        if (at == 0) return;
        at = plan->states[run->document->states[at].parent].eventless_up;
    }
}

static void choose_evented_of(struct scxml_run *run, uint32_t state, uint32_t event_class)
{
    const struct scxml_plan *plan = run->plan;
    for (uint32_t at = plan->states[state].evented_up; at != SCXML_NONE;) {
        const struct scxml_plan_state *planned = &plan->states[at];
        for (uint32_t i = planned->evented; i < planned->moves_end; i++)
            if (scxml_move_takes(&plan->moves[i], event_class) &&
                is_enabled(run, &plan->moves[i])) {
                choose_move(run, &plan->moves[i], state);
                return;
            }
        if (at == 0) return;
        at = plan->states[run->document->states[at].parent].evented_up;
    }
}

uint32_t scxml_choose_eventless(struct scxml_run *run)
{
    forget(run);
    for (uint32_t word = 0; word < run->plan->words; word++) {
        uint64_t bits = run->session->active[word] & run->plan->atomic[word];
        for (; bits && !scxml_is_over(run); bits &= bits - 1)
            choose_eventless_of(run, word * 64 + (uint32_t)__builtin_ctzll(bits));
    }
    return run->chosen_count;
}

uint32_t scxml_choose(struct scxml_run *run, uint32_t event_class)
{
    forget(run);
    for (uint32_t word = 0; word < run->plan->words; word++) {
        uint64_t bits = run->session->active[word] & run->plan->atomic[word];
        for (; bits && !scxml_is_over(run); bits &= bits - 1)
            choose_evented_of(run, word * 64 + (uint32_t)__builtin_ctzll(bits), event_class);
    }
    return run->chosen_count;
}

void scxml_choose_only(struct scxml_run *run, const struct scxml_move *move)
{
    struct scxml_chosen chosen = { .move = move, .domain = move->domain, .end = move->end };
    forget(run);
    if (move->entry == NULL) find_domain(run, &chosen);
    add(run, &chosen);
}
