/* SPDX-License-Identifier: Apache-2.0 */
/* One microstep: exit, content, entry. States are left from the last to the first and entered from
 * the first to the last; the bits of those that have nothing to do change a word at a time, but no
 * later than the handler of one that has looks (In()). */
#include "scxml/step_private.h"

#include <string.h>

static bool is_taken(const struct scxml_chosen *chosen)
{
    return chosen->move && chosen->domain != SCXML_NONE;
}

/* --- exit ------------------------------------------------------------------------------------- */

static void record_one(struct scxml_run *run, const struct scxml_state *history)
{
    struct scxml_session *session = run->session;
    uint64_t *value = session->histories + run->plan->history_words[history->history_index];
    uint32_t first = scxml_history_first_word(run->document, history->index);
    uint32_t count = scxml_history_word_count(run->document, history->index);
    const struct scxml_state *parent = &run->document->states[history->parent];
    run->deeds += (parent->end - parent->index) / 8;
    memset(value, 0, count * sizeof *value);
    if (history->kind == SCXML_HISTORY_DEEP) {
        for (uint32_t i = 0; i < count; i++)
            value[i] = session->active[first + i] & run->plan->atomic[first + i] &
                       scxml_set_mask(first + i, parent->index + 1, parent->end);
        return;
    }
    for (uint32_t child = parent->index + 1; child < parent->end;
         child = run->document->states[child].end)
        if (scxml_set_has(session->active, child))
            value[child / 64 - first] |= 1ULL << (child % 64);
}

static bool has_room_for_histories(struct scxml_run *run)
{
    size_t bytes = run->plan->history_words_all * sizeof(uint64_t);
    if (run->session->histories) return true;
    if (bytes > run->session->limits.session_bytes)
        scxml_stop(run, "error.platform.memory: the histories take %zu bytes", bytes);
    else
        scxml_session_make_histories(run->session);
    return !scxml_is_over(run);
}

static void record_children(struct scxml_run *run, uint32_t parent)
{
    uint32_t end = run->document->states[parent].end;
    if (!has_room_for_histories(run)) return;
    for (uint32_t child = parent + 1; child < end && scxml_may_go_on(run);
         child = run->document->states[child].end)
        if (scxml_is_history(&run->document->states[child]))
            record_one(run, &run->document->states[child]);
}

static void record_histories(struct scxml_run *run, uint32_t from, uint32_t to)
{
    const uint64_t *active = run->session->active, *historic = run->plan->historic;
    while ((from = scxml_set_first(active, historic, from, to)) != SCXML_NONE)
        record_children(run, from++);
}

static void leave(struct scxml_run *run, uint32_t state)
{
    scxml_run_blocks(run, run->document->states[state].onexit);
    if (run->document->states[state].invokes) scxml_cancel_invokes(run, state);
}

static void exit_range(struct scxml_run *run, uint32_t from, uint32_t to)
{
    uint64_t *active = run->session->active;
    if (run->has_to_invoke) scxml_unmark_invokes(run, from, to);
    uint32_t state;
    while ((state = scxml_set_last(active, run->plan->busy_exit, from, to)) != SCXML_NONE &&
           !scxml_is_over(run)) {
        scxml_set_clear(active, state + 1, to);
        leave(run, state);
        to = state + 1;
        scxml_set_remove(active, state);
    }
    scxml_set_clear(active, from, to);
}

static void exit_states(struct scxml_run *run)
{
    if (run->document->history_count)
        for (uint32_t i = 0; i < run->chosen_count; i++)
            if (is_taken(&run->chosen[i]))
                record_histories(run, run->chosen[i].domain + 1, run->chosen[i].end);
    for (uint32_t i = run->chosen_count; i-- > 0;)
        if (is_taken(&run->chosen[i]))
            exit_range(run, run->chosen[i].domain + 1, run->chosen[i].end);
}

/* --- done events ------------------------------------------------------------------------------ */

static bool is_done(const struct scxml_run *run, uint32_t state);

static bool has_final_child(const struct scxml_run *run, const struct scxml_state *compound)
{
    uint32_t child = scxml_set_first(run->session->active, run->session->active,
                                     compound->index + 1, compound->end);
    return child != SCXML_NONE && run->document->states[child].kind == SCXML_FINAL &&
           run->document->states[child].parent == compound->index;
}

/* From the last child to the first: regions end in this order more rarely than in the other, so the
 * first look mostly answers. */
static bool are_all_done(const struct scxml_run *run, const struct scxml_state *parallel)
{
    for (uint32_t last = parallel->end - 1; last > parallel->index;) {
        uint32_t child = last;
        while (run->document->states[child].parent != parallel->index)
            child = run->document->states[child].parent;
        if (!scxml_is_history(&run->document->states[child]) && !is_done(run, child)) return false;
        last = child - 1;
    }
    return true;
}

static bool is_done(const struct scxml_run *run, uint32_t state)
{
    const struct scxml_state *is = &run->document->states[state];
    if (is->kind == SCXML_COMPOUND) return has_final_child(run, is);
    if (is->kind == SCXML_PARALLEL) return are_all_done(run, is);
    return false;
}

static void raise_done(struct scxml_run *run, uint32_t state, struct scxml_payload data)
{
    const struct scxml_event event = { .name = run->plan->states[state].done,
                                       .type = SCXML_PLATFORM,
                                       .data = data };
    scxml_raise(run, &event);
}

static struct scxml_payload done_data(struct scxml_run *run, const struct scxml_state *final)
{
    struct scxml_loaded cargo = { 0 };
    if (final->donedata)
        (void)scxml_evaluate_cargo(run, final->donedata, (struct text){ 0 }, &cargo);
    return cargo.data;
}

static void enter_final(struct scxml_run *run, const struct scxml_state *final)
{
    if (final->parent == 0) {
        run->final_state = final->index;
        return;
    }
    raise_done(run, final->parent, done_data(run, final));
    uint32_t above = run->document->states[final->parent].parent;
    if (run->document->states[above].kind == SCXML_PARALLEL && is_done(run, above))
        raise_done(run, above, (struct scxml_payload){ 0 });
}

/* --- entry ------------------------------------------------------------------------------------ */

static void set_late_data(struct scxml_run *run, const struct scxml_state *state)
{
    if (scxml_set_has(run->session->entered, state->index)) return;
    scxml_set_add(run->session->entered, state->index);
    scxml_set_data(run, state->data, NULL);
}

/* The state is active already. */
static void enter(struct scxml_run *run, uint32_t index, bool is_by_default)
{
    const struct scxml_state *state = &run->document->states[index];
    if (state->invokes) scxml_mark_invokes(run, index);
    if (run->session->entered && state->data) set_late_data(run, state);
    scxml_run_blocks(run, state->onentry);
    if (is_by_default) (void)scxml_run_actions(run, state->initial->actions);
    for (uint32_t i = 0; i < run->entries.note_count; i++)
        if (run->entries.notes[i].parent == index)
            (void)scxml_run_actions(run, run->entries.notes[i].actions);
    if (state->kind == SCXML_FINAL && !scxml_is_over(run)) enter_final(run, state);
}

static void enter_planned(struct scxml_run *run, const struct scxml_entry *entry)
{
    uint64_t *active = run->session->active;
    uint32_t word = 0;
    for (uint32_t i = 0; i < entry->work_count && !scxml_is_over(run); i++) {
        uint32_t state = entry->work[i].state;
        for (; entry->words[word].index < state / 64; word++)
            active[entry->words[word].index] |= entry->words[word].bits;
        active[state / 64] |= entry->words[word].bits & UINT64_MAX >> (63 - state % 64);
        enter(run, state, entry->work[i].is_by_default);
    }
    for (; word < entry->word_count; word++)
        active[entry->words[word].index] |= entry->words[word].bits;
}

static void prepare_entries(struct scxml_run *run)
{
    struct scxml_entry_set *set = &run->entries;
    struct scope *scope = run->effects->scope;
    if (set->states == NULL) {
        set->document = run->document;
        set->history_words = run->plan->history_words;
        set->states = scope_alloc_array(scope, run->plan->words, sizeof(uint64_t));
        set->by_default = scope_alloc_array(scope, run->plan->words, sizeof(uint64_t));
        set->notes = scope_alloc_array(scope, run->document->history_count, sizeof *set->notes);
    }
    set->histories = run->session->histories;
    set->note_count = set->followed = 0;
}

static bool has_note(const struct scxml_run *run, uint32_t state)
{
    for (uint32_t i = 0; i < run->entries.note_count; i++)
        if (run->entries.notes[i].parent == state) return true;
    return false;
}

static void enter_found(struct scxml_run *run, const struct scxml_chosen *chosen)
{
    prepare_entries(run);
    struct scxml_entry_set *set = &run->entries;
    scxml_find_entries(set, chosen->move->transition, chosen->domain);
    for (uint32_t at = chosen->domain;
         (at = scxml_set_first(set->states, set->states, at + 1, chosen->end)) != SCXML_NONE;) {
        if (scxml_is_over(run)) break;
        bool is_by_default = scxml_set_has(set->by_default, at);
        scxml_set_add(run->session->active, at);
        if (is_by_default || scxml_set_has(run->plan->busy_entry, at) || has_note(run, at))
            enter(run, at, is_by_default);
    }
    set->note_count = 0;
    scxml_set_clear(set->states, chosen->domain, chosen->end);
    scxml_set_clear(set->by_default, chosen->domain, chosen->end);
}

static void enter_states(struct scxml_run *run)
{
    for (uint32_t i = 0; i < run->chosen_count && !scxml_is_over(run); i++) {
        if (!is_taken(&run->chosen[i])) continue;
        if (run->chosen[i].move->entry)
            enter_planned(run, run->chosen[i].move->entry);
        else
            enter_found(run, &run->chosen[i]);
    }
}

/* --- the step --------------------------------------------------------------------------------- */

static bool count_transitions(struct scxml_run *run)
{
    uint32_t limit = run->session->limits.macrostep_transitions;
    for (uint32_t i = 0; i < run->chosen_count; i++) {
        if (run->chosen[i].move == NULL) continue;
        if (run->taken++ < limit) continue;
        scxml_stop(run, "error.platform.loop: more than %u transitions in a macrostep, now in %.*s",
                   limit, TEXT_ARG(run->document->states[run->chosen[i].move->source].id));
        return false;
    }
    return true;
}

void scxml_microstep(struct scxml_run *run)
{
    if (!count_transitions(run)) return;
    exit_states(run);
    for (uint32_t i = 0; i < run->chosen_count && !scxml_is_over(run); i++)
        if (run->chosen[i].move && run->chosen[i].move->transition->actions)
            (void)scxml_run_actions(run, run->chosen[i].move->transition->actions);
    enter_states(run);
}

void scxml_exit_all(struct scxml_run *run)
{
    exit_range(run, 1, run->document->state_count);
    if (run->final_state == SCXML_NONE || scxml_is_over(run)) return;
    run->final_data = done_data(run, &run->document->states[run->final_state]);
}
