/* SPDX-License-Identifier: Apache-2.0 */
/* Names and order are those of the Recommendation's appendix A, where there are any. */
#include "tests/unit/scxml/reference.h"

#include <string.h>

struct set { /* in document order */
    bool has[REFERENCE_STATES_MAX];
};

struct enabled {
    const struct scxml_transition *list[REFERENCE_STATES_MAX];
    uint32_t domains[REFERENCE_STATES_MAX]; /* before histories are recorded: to the letter they
                                               would be asked again behind it, and an internal
                                               transition to a history enter half of a parallel */
    uint32_t count;
};

struct entering {
    struct set states, by_default;
    const struct scxml_action *history_content[REFERENCE_STATES_MAX];
};

static const struct scxml_state *state_of(const struct reference *reference, uint32_t state)
{
    return &reference->document->states[state];
}

static bool is_descendant(const struct reference *reference, uint32_t state, uint32_t ancestor)
{
    while (state) {
        state = state_of(reference, state)->parent;
        if (state == ancestor) return true;
    }
    return false;
}

static bool is_child(const struct reference *reference, uint32_t state, uint32_t parent)
{
    return state && state_of(reference, state)->parent == parent &&
           !scxml_is_history(state_of(reference, state));
}

/* --- executable content ----------------------------------------------------------------------- */

static void enqueue(struct reference *reference, struct text name)
{
    if (reference->queue_end < 1024) reference->queue[reference->queue_end++] = name;
}

static void run(struct reference *reference, const struct scxml_action *actions)
{
    for (; actions; actions = actions->next) {
        if (actions->kind == SCXML_LOG)
            buf_format(&reference->said, "log %.*s\n", TEXT_ARG(actions->log.label));
        else if (actions->kind == SCXML_RAISE)
            enqueue(reference, actions->event);
    }
}

static void run_blocks(struct reference *reference, const struct scxml_block *blocks)
{
    for (; blocks; blocks = blocks->next) run(reference, blocks->actions);
}

static bool condition(const struct reference *reference, scxml_expression_id cond)
{
    if (cond == SCXML_NONE) return true;
    struct text source = reference->document->expressions[cond].source;
    struct text id = text_slice(source, 4, source.len - 6); /* In('id') */
    for (uint32_t i = 1; i < reference->document->state_count; i++)
        if (text_eq(state_of(reference, i)->id, id)) return reference->active[i];
    return false;
}

/* --- domains ---------------------------------------------------------------------------------- */

static void effective_targets(const struct reference *reference,
                              const struct scxml_transition *transition, struct set *targets)
{
    for (uint32_t i = 0; i < transition->target_count; i++) {
        uint32_t target = transition->targets[i];
        if (!scxml_is_history(state_of(reference, target)))
            targets->has[target] = true;
        else if (!reference->has_history[target])
            effective_targets(reference, state_of(reference, target)->initial, targets);
        else
            for (uint32_t j = 0; j < reference->document->state_count; j++)
                targets->has[j] |= reference->history[target][j];
    }
}

static bool are_all_below(const struct reference *reference, const struct set *targets,
                          uint32_t ancestor)
{
    for (uint32_t i = 0; i < reference->document->state_count; i++)
        if (targets->has[i] && !is_descendant(reference, i, ancestor)) return false;
    return true;
}

static uint32_t domain_of(const struct reference *reference,
                          const struct scxml_transition *transition)
{
    struct set targets = { 0 };
    effective_targets(reference, transition, &targets);
    if (transition->target_count == 0) return SCXML_NONE;
    uint32_t state = transition->source;
    if (transition->is_internal && state_of(reference, state)->kind == SCXML_COMPOUND &&
        are_all_below(reference, &targets, state))
        return state;
    while (state) {
        state = state_of(reference, state)->parent;
        if (state_of(reference, state)->kind == SCXML_COMPOUND &&
            are_all_below(reference, &targets, state))
            return state;
    }
    return 0;
}

static void add_exits(const struct reference *reference, const struct scxml_transition *transition,
                      struct set *exits)
{
    uint32_t domain = domain_of(reference, transition);
    if (domain == SCXML_NONE) return;
    for (uint32_t i = 1; i < reference->document->state_count; i++)
        if (reference->active[i] && is_descendant(reference, i, domain)) exits->has[i] = true;
}

/* --- which transitions ------------------------------------------------------------------------ */

static bool do_conflict(const struct reference *reference, const struct scxml_transition *a,
                        const struct scxml_transition *b)
{
    struct set exits_a = { 0 }, exits_b = { 0 };
    add_exits(reference, a, &exits_a);
    add_exits(reference, b, &exits_b);
    for (uint32_t i = 0; i < REFERENCE_STATES_MAX; i++)
        if (exits_a.has[i] && exits_b.has[i]) return true;
    return false;
}

static void remove_at(struct enabled *enabled, const bool *is_removed)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < enabled->count; i++)
        if (!is_removed[i]) enabled->list[kept++] = enabled->list[i];
    enabled->count = kept;
}

static void add_without_conflict(const struct reference *reference, struct enabled *filtered,
                                 const struct scxml_transition *transition)
{
    bool is_removed[REFERENCE_STATES_MAX] = { 0 };
    for (uint32_t i = 0; i < filtered->count; i++) {
        if (!do_conflict(reference, transition, filtered->list[i])) continue;
        if (!is_descendant(reference, transition->source, filtered->list[i]->source)) return;
        is_removed[i] = true;
    }
    remove_at(filtered, is_removed);
    filtered->list[filtered->count++] = transition;
}

static bool matches_one(struct text name, struct text descriptor)
{
    if (text_eq(descriptor, TEXT("*"))) return true;
    return text_starts(name, descriptor) &&
           (name.len == descriptor.len || name.at[descriptor.len] == '.');
}

static bool event_matches(struct text name, const struct text *descriptors, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        if (matches_one(name, descriptors[i])) return true;
    return false;
}

static const struct scxml_transition *first_enabled(const struct reference *reference,
                                                    uint32_t state, const struct text *event)
{
    for (;; state = state_of(reference, state)->parent) {
        const struct scxml_state *is = state_of(reference, state);
        for (uint32_t i = 0; i < is->transition_count; i++) {
            const struct scxml_transition *transition = &is->transitions[i];
            bool fits =
                event ? event_matches(*event, transition->descriptors, transition->descriptor_count)
                      : transition->descriptor_count == 0;
            if (fits && condition(reference, transition->cond)) return transition;
        }
        if (state == 0) return NULL;
    }
}

static struct enabled select_transitions(const struct reference *reference,
                                         const struct text *event)
{
    struct enabled enabled = { 0 }, filtered = { 0 };
    for (uint32_t i = 1; i < reference->document->state_count; i++) {
        if (!reference->active[i] || !scxml_is_atomic(state_of(reference, i))) continue;
        const struct scxml_transition *transition = first_enabled(reference, i, event);
        bool is_new = transition != NULL;
        for (uint32_t j = 0; j < enabled.count; j++) is_new &= enabled.list[j] != transition;
        if (is_new) enabled.list[enabled.count++] = transition;
    }
    for (uint32_t i = 0; i < enabled.count; i++)
        add_without_conflict(reference, &filtered, enabled.list[i]);
    return filtered;
}

/* --- entry set -------------------------------------------------------------------------------- */

static void add_descendants(const struct reference *reference, uint32_t state,
                            struct entering *entering);

static void add_ancestors(const struct reference *reference, uint32_t state, uint32_t ancestor,
                          struct entering *entering);

static bool holds_any(const struct reference *reference, const struct set *set, uint32_t ancestor)
{
    for (uint32_t i = 0; i < reference->document->state_count; i++)
        if (set->has[i] && is_descendant(reference, i, ancestor)) return true;
    return false;
}

static void add_regions(const struct reference *reference, uint32_t parallel,
                        struct entering *entering)
{
    for (uint32_t i = 1; i < reference->document->state_count; i++)
        if (is_child(reference, i, parallel) && !holds_any(reference, &entering->states, i))
            add_descendants(reference, i, entering);
}

static void add_history(const struct reference *reference, uint32_t history,
                        struct entering *entering)
{
    uint32_t parent = state_of(reference, history)->parent;
    const struct scxml_transition *initial = state_of(reference, history)->initial;
    struct set targets = { 0 };
    if (reference->has_history[history])
        memcpy(targets.has, reference->history[history], sizeof targets.has);
    else
        for (uint32_t i = 0; i < initial->target_count; i++)
            targets.has[initial->targets[i]] = true;
    if (!reference->has_history[history]) entering->history_content[parent] = initial->actions;
    for (uint32_t i = 0; i < REFERENCE_STATES_MAX; i++)
        if (targets.has[i]) add_descendants(reference, i, entering);
    for (uint32_t i = 0; i < REFERENCE_STATES_MAX; i++)
        if (targets.has[i]) add_ancestors(reference, i, parent, entering);
}

static void add_descendants(const struct reference *reference, uint32_t state,
                            struct entering *entering)
{
    const struct scxml_state *is = state_of(reference, state);
    if (scxml_is_history(is)) {
        add_history(reference, state, entering);
        return;
    }
    entering->states.has[state] = true;
    if (is->kind == SCXML_PARALLEL) add_regions(reference, state, entering);
    if (is->kind != SCXML_COMPOUND) return;
    entering->by_default.has[state] = true;
    for (uint32_t i = 0; i < is->initial->target_count; i++)
        add_descendants(reference, is->initial->targets[i], entering);
    for (uint32_t i = 0; i < is->initial->target_count; i++)
        add_ancestors(reference, is->initial->targets[i], state, entering);
}

static void add_ancestors(const struct reference *reference, uint32_t state, uint32_t ancestor,
                          struct entering *entering)
{
    while ((state = state_of(reference, state)->parent) != ancestor && state) {
        entering->states.has[state] = true;
        if (state_of(reference, state)->kind == SCXML_PARALLEL)
            add_regions(reference, state, entering);
    }
}

static void compute_entries(const struct reference *reference,
                            const struct scxml_transition *transition, uint32_t domain,
                            struct entering *entering)
{
    struct set targets = { 0 };
    for (uint32_t i = 0; i < transition->target_count; i++)
        add_descendants(reference, transition->targets[i], entering);
    effective_targets(reference, transition, &targets);
    for (uint32_t i = 0; i < REFERENCE_STATES_MAX; i++)
        if (targets.has[i]) add_ancestors(reference, i, domain, entering);
}

/* --- microstep -------------------------------------------------------------------------------- */

static void record(struct reference *reference, uint32_t history)
{
    const struct scxml_state *is = state_of(reference, history);
    reference->has_history[history] = true;
    for (uint32_t i = 1; i < reference->document->state_count; i++)
        reference->history[history][i] = reference->active[i] &&
                                         (is->kind == SCXML_HISTORY_DEEP
                                              ? scxml_is_atomic(state_of(reference, i)) &&
                                                    is_descendant(reference, i, is->parent)
                                              : is_child(reference, i, is->parent));
}

static void exit_states(struct reference *reference, const struct enabled *enabled)
{
    struct set exits = { 0 };
    for (uint32_t i = 0; i < enabled->count; i++) add_exits(reference, enabled->list[i], &exits);
    for (uint32_t i = 1; i < reference->document->state_count; i++)
        if (scxml_is_history(state_of(reference, i)) && exits.has[state_of(reference, i)->parent])
            record(reference, i);
    for (uint32_t i = reference->document->state_count; i-- > 1;) {
        if (!exits.has[i]) continue;
        run_blocks(reference, state_of(reference, i)->onexit);
        reference->active[i] = false;
    }
}

static bool is_in_final(const struct reference *reference, uint32_t state)
{
    bool is_compound = state_of(reference, state)->kind == SCXML_COMPOUND, has_any = false;
    if (!is_compound && state_of(reference, state)->kind != SCXML_PARALLEL) return false;
    for (uint32_t i = 1; i < reference->document->state_count; i++) {
        if (!is_child(reference, i, state)) continue;
        if (!is_compound && !is_in_final(reference, i)) return false;
        has_any |= state_of(reference, i)->kind == SCXML_FINAL && reference->active[i];
    }
    return !is_compound || has_any;
}

static void enqueue_done(struct reference *reference, uint32_t state)
{
    enqueue(reference, scope_format(reference->scope, "done.state.%.*s",
                                    TEXT_ARG(state_of(reference, state)->id)));
}

static void tell_done(struct reference *reference, uint32_t final)
{
    uint32_t parent = state_of(reference, final)->parent;
    uint32_t grandparent = state_of(reference, parent)->parent;
    if (parent == 0) {
        reference->is_running = false;
        return;
    }
    enqueue_done(reference, parent);
    if (state_of(reference, grandparent)->kind == SCXML_PARALLEL &&
        is_in_final(reference, grandparent))
        enqueue_done(reference, grandparent);
}

static void enter_states(struct reference *reference, const struct enabled *enabled)
{
    struct entering entering = { 0 };
    for (uint32_t i = 0; i < enabled->count; i++)
        compute_entries(reference, enabled->list[i], enabled->domains[i], &entering);
    for (uint32_t i = 1; i < reference->document->state_count; i++) {
        /* To the letter, a history of an outer state that leads back below the source would enter
         * what lies between once more, although it was not left. */
        if (!entering.states.has[i] || reference->active[i]) continue;
        const struct scxml_state *is = state_of(reference, i);
        reference->active[i] = true;
        run_blocks(reference, is->onentry);
        if (entering.by_default.has[i]) run(reference, is->initial->actions);
        run(reference, entering.history_content[i]);
        if (is->kind == SCXML_FINAL) tell_done(reference, i);
    }
}

static void microstep(struct reference *reference, struct enabled *enabled)
{
    reference->taken += enabled->count;
    if (reference->taken > reference->transitions_max) {
        reference->is_running = false;
        reference->is_looping = true;
        return;
    }
    for (uint32_t i = 0; i < enabled->count; i++)
        enabled->domains[i] = domain_of(reference, enabled->list[i]);
    exit_states(reference, enabled);
    for (uint32_t i = 0; i < enabled->count; i++) run(reference, enabled->list[i]->actions);
    enter_states(reference, enabled);
}

/* --- the loop --------------------------------------------------------------------------------- */

static void exit_interpreter(struct reference *reference)
{
    uint32_t final = 0;
    for (uint32_t i = reference->document->state_count; i-- > 1 && !reference->is_looping;) {
        if (!reference->active[i]) continue;
        run_blocks(reference, state_of(reference, i)->onexit);
        if (state_of(reference, i)->kind == SCXML_FINAL && state_of(reference, i)->parent == 0)
            final = i;
    }
    if (reference->is_looping)
        buf_add_z(&reference->said, "end loop\n");
    else
        buf_format(&reference->said, "end %.*s\n", TEXT_ARG(state_of(reference, final)->id));
    memset(reference->active, 0, sizeof reference->active);
}

static void macrostep(struct reference *reference)
{
    while (reference->is_running) {
        struct enabled enabled = select_transitions(reference, NULL);
        if (enabled.count == 0) {
            if (reference->queue_first == reference->queue_end) break;
            enabled = select_transitions(reference, &reference->queue[reference->queue_first++]);
        }
        if (enabled.count) microstep(reference, &enabled);
    }
    reference->queue_first = reference->queue_end = 0;
    if (!reference->is_running) exit_interpreter(reference);
}

void reference_start(struct reference *reference)
{
    struct enabled enabled = { .list = { reference->document->states[0].initial }, .count = 1 };
    reference->scope = scope_new(NULL, "reference", SCOPE_NO_LIMIT);
    reference->is_running = true;
    enter_states(reference, &enabled);
    macrostep(reference);
}

void reference_event(struct reference *reference, struct text name)
{
    if (!reference->is_running) return;
    reference->taken = 0;
    struct enabled enabled = select_transitions(reference, &name);
    if (enabled.count) microstep(reference, &enabled);
    macrostep(reference);
}

void reference_close(struct reference *reference)
{
    buf_free(&reference->said);
    scope_close(reference->scope);
}
