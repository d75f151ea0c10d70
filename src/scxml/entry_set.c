/* SPDX-License-Identifier: Apache-2.0 */
/* Which states a transition enters: computeEntrySet of the Recommendation's appendix A. Children
 * lie behind their parents, so one sweep in document order completes what the targets begin: it
 * meets each compound before its children, and knows then whether one of them was asked for. */
#include "scxml/plan.h"

enum { FOLLOWED_MAX = 10000 }; /* defaults of history states, for one transition */

struct reach { /* the first and the last effective target */
    uint32_t first, last;
};

static const uint64_t *recorded(const struct scxml_entry_set *set, uint32_t history)
{
    if (set->histories == NULL) return NULL;
    const uint64_t *value = set->histories +
                            set->history_words[set->document->states[history].history_index];
    uint32_t count = scxml_history_word_count(set->document, history);
    for (uint32_t i = 0; i < count; i++)
        if (value[i]) return value;
    return NULL;
}

/* --- the domain ------------------------------------------------------------------------------- */

static void extend(struct reach *reach, uint32_t state)
{
    if (state < reach->first) reach->first = state;
    if (reach->last == SCXML_NONE || state > reach->last) reach->last = state;
}

static void extend_recorded(const struct scxml_entry_set *set, uint32_t history,
                            const uint64_t *value, struct reach *reach)
{
    uint32_t base = scxml_history_first_word(set->document, history) * 64;
    uint32_t count = scxml_history_word_count(set->document, history);
    for (uint32_t i = 0; i < count; i++) {
        if (value[i] == 0) continue;
        extend(reach, base + i * 64 + (uint32_t)__builtin_ctzll(value[i]));
        extend(reach, base + i * 64 + 63 - (uint32_t)__builtin_clzll(value[i]));
    }
}

/* Defaults of history states may lead to others, over and over. */
static bool may_follow(struct scxml_entry_set *set, const struct scxml_state *history)
{
    return history->initial && set->depth < SCXML_DEPTH_MAX && set->followed++ < FOLLOWED_MAX;
}

static void reach_targets(struct scxml_entry_set *set, const struct scxml_transition *transition,
                          struct reach *reach)
{
    for (uint32_t i = 0; i < transition->target_count; i++) {
        const struct scxml_state *target = &set->document->states[transition->targets[i]];
        if (!scxml_is_history(target)) {
            extend(reach, target->index);
            continue;
        }
        set->has_history = true;
        const uint64_t *value = recorded(set, target->index);
        if (value) {
            extend_recorded(set, target->index, value, reach);
        } else if (may_follow(set, target)) {
            set->depth++;
            reach_targets(set, target->initial, reach);
            set->depth--;
        }
    }
}

static bool holds(const struct scxml_document *document, uint32_t state, const struct reach *reach)
{
    return scxml_is_descendant(document, reach->first, state) &&
           scxml_is_descendant(document, reach->last, state);
}

void scxml_find_domain(struct scxml_entry_set *set, const struct scxml_transition *transition,
                       uint32_t *domain, uint32_t *end)
{
    const struct scxml_document *document = set->document;
    struct reach reach = { SCXML_NONE, SCXML_NONE };
    reach_targets(set, transition, &reach);
    *domain = *end = SCXML_NONE;
    if (reach.last == SCXML_NONE) return;
    uint32_t state = transition->source;
    bool may_stay = transition->is_internal && document->states[state].kind == SCXML_COMPOUND;
    if (state && !(may_stay && holds(document, state, &reach))) {
        do state = document->states[state].parent;
        while (state &&
               !(document->states[state].kind == SCXML_COMPOUND && holds(document, state, &reach)));
    }
    *domain = state;
    *end = document->states[state].end;
}

/* --- the states ------------------------------------------------------------------------------- */

static void add_with_ancestors(struct scxml_entry_set *set, uint32_t state, uint32_t domain)
{
    while (state != domain && !scxml_set_has(set->states, state)) {
        scxml_set_add(set->states, state);
        state = set->document->states[state].parent;
    }
}

static void add_recorded(struct scxml_entry_set *set, uint32_t history, const uint64_t *value,
                         uint32_t domain)
{
    uint32_t base = scxml_history_first_word(set->document, history) * 64;
    uint32_t count = scxml_history_word_count(set->document, history);
    for (uint32_t i = 0; i < count; i++)
        for (uint64_t bits = value[i]; bits; bits &= bits - 1)
            add_with_ancestors(set, base + i * 64 + (uint32_t)__builtin_ctzll(bits), domain);
}

static void note_default(struct scxml_entry_set *set, const struct scxml_state *history)
{
    if (history->initial->actions == NULL) return;
    for (uint32_t i = 0; i < set->note_count; i++)
        if (set->notes[i].actions == history->initial->actions) return;
    set->notes[set->note_count++] =
        (struct scxml_history_note){ history->parent, history->initial->actions };
}

static void add_targets(struct scxml_entry_set *set, const struct scxml_transition *transition,
                        uint32_t domain)
{
    for (uint32_t i = 0; i < transition->target_count; i++) {
        const struct scxml_state *target = &set->document->states[transition->targets[i]];
        if (!scxml_is_history(target)) {
            add_with_ancestors(set, target->index, domain);
            continue;
        }
        set->has_history = true;
        const uint64_t *value = recorded(set, target->index);
        if (value) {
            add_recorded(set, target->index, value, domain);
        } else if (may_follow(set, target)) {
            if (set->notes) note_default(set, target);
            set->depth++;
            add_targets(set, target->initial, domain);
            set->depth--;
        }
    }
}

static void add_children(struct scxml_entry_set *set, const struct scxml_state *parallel)
{
    for (uint32_t child = parallel->index + 1; child < parallel->end;
         child = set->document->states[child].end)
        if (!scxml_is_history(&set->document->states[child])) scxml_set_add(set->states, child);
}

static void add_default(struct scxml_entry_set *set, const struct scxml_state *compound)
{
    if (scxml_set_first(set->states, set->states, compound->index + 1, compound->end) != SCXML_NONE)
        return;
    if (compound->initial->actions) scxml_set_add(set->by_default, compound->index);
    add_targets(set, compound->initial, compound->index);
}

void scxml_find_entries(struct scxml_entry_set *set, const struct scxml_transition *transition,
                        uint32_t domain)
{
    const struct scxml_document *document = set->document;
    add_targets(set, transition, domain);
    uint32_t end = document->states[domain].end, at = domain + 1;
    while ((at = scxml_set_first(set->states, set->states, at, end)) != SCXML_NONE) {
        const struct scxml_state *state = &document->states[at];
        if (state->kind == SCXML_PARALLEL)
            add_children(set, state);
        else if (state->kind == SCXML_COMPOUND)
            add_default(set, state);
        at++;
    }
}
