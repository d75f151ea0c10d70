/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/plan.h"

#include "base/table.h"

#include <stdlib.h>
#include <string.h>

enum {
    /* What all entries of a document may add up to; past it they are found at run time. A chart of
     * a thousand wide parallels would else take a gigabyte. */
    ENTERED_MAX = 1 << 20
};

struct planner {
    struct scxml_document *document;
    struct scope *scope, *scratch;
    struct scxml_plan *plan;
    struct scxml_plan_state *states;
    struct scxml_move *moves;
    uint64_t *entering, *by_default;
    struct table *entries; /* by domain and targets: many transitions enter the same */
    uint32_t entered;
};

static uint64_t *new_set(struct planner *planner)
{
    return scope_alloc_array(planner->scope, planner->plan->words, sizeof(uint64_t));
}

/* --- sets and histories ----------------------------------------------------------------------- */

static bool is_busy_at_entry(const struct scxml_document *document, const struct scxml_state *state)
{
    return state->onentry || state->invokes || state->kind == SCXML_FINAL ||
           (document->is_late_binding && state->data);
}

static void plan_sets(struct planner *planner)
{
    const struct scxml_document *document = planner->document;
    uint64_t *atomic = new_set(planner), *busy_exit = new_set(planner),
             *busy_entry = new_set(planner), *historic = new_set(planner);
    for (uint32_t i = 1; i < document->state_count; i++) {
        const struct scxml_state *state = &document->states[i];
        if (scxml_is_atomic(state)) scxml_set_add(atomic, i);
        if (state->onexit || state->invokes) scxml_set_add(busy_exit, i);
        if (is_busy_at_entry(document, state)) scxml_set_add(busy_entry, i);
        if (scxml_is_history(state)) scxml_set_add(historic, state->parent);
    }
    planner->plan->atomic = atomic;
    planner->plan->busy_exit = busy_exit;
    planner->plan->busy_entry = busy_entry;
    planner->plan->historic = historic;
}

static void plan_histories(struct planner *planner)
{
    const struct scxml_document *document = planner->document;
    uint32_t *begins = scope_alloc_array(planner->scope, document->history_count, sizeof *begins);
    uint32_t all = 0;
    for (uint32_t i = 1; i < document->state_count; i++) {
        if (!scxml_is_history(&document->states[i])) continue;
        begins[document->states[i].history_index] = all;
        all += scxml_history_word_count(document, i);
    }
    planner->plan->history_words = begins;
    planner->plan->history_words_all = all;
}

/* --- classes of events ------------------------------------------------------------------------ */

static int byte_rank(struct text name, size_t at) /* a dot comes first: what it begins is a run */
{
    if (at == name.len) return -1;
    return name.at[at] == '.' ? 0 : 1 + (unsigned char)name.at[at];
}

static int compare_names(const void *a, const void *b)
{
    const struct text *left = a, *right = b;
    for (size_t at = 0;; at++) {
        int difference = byte_rank(*left, at) - byte_rank(*right, at);
        if (difference || at == left->len) return difference;
    }
}

static bool is_any(struct text descriptor)
{
    return text_eq(descriptor, TEXT("*"));
}

static bool is_below(struct text name, struct text descriptor)
{
    return text_starts(name, descriptor) && name.len > descriptor.len &&
           name.at[descriptor.len] == '.';
}

static uint32_t gather_descriptors(const struct scxml_document *document, struct text *out)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < document->state_count; i++)
        for (uint32_t j = 0; j < document->states[i].transition_count; j++) {
            const struct scxml_transition *transition = &document->states[i].transitions[j];
            for (uint32_t k = 0; k < transition->descriptor_count; k++, count++)
                if (out) out[count] = transition->descriptors[k];
        }
    return count;
}

static uint32_t table_size(uint32_t count) /* a power of two, at most half full */
{
    uint32_t size = 4;
    while (size < count * 2) size *= 2;
    return size;
}

static uint64_t hash_byte(uint64_t hash, char byte) /* FNV-1a */
{
    return (hash ^ (unsigned char)byte) * 1099511628211u;
}

static const uint64_t hash_start = 14695981039346656037u;

static uint32_t hash_place(uint64_t hash)
{
    return (uint32_t)(hash ^ hash >> 32);
}

static uint64_t hash_of(struct text name)
{
    uint64_t hash = hash_start;
    for (size_t i = 0; i < name.len; i++) hash = hash_byte(hash, name.at[i]);
    return hash;
}

static uint32_t class_named(const struct scxml_plan *plan, uint64_t hash, struct text name)
{
    for (uint32_t at = hash_place(hash);; at++) {
        const struct scxml_class_name *found = &plan->names[at & plan->name_mask];
        if (found->event_class == 0) return 0;
        if (text_eq(found->name, name)) return found->event_class;
    }
}

uint32_t scxml_event_class(const struct scxml_plan *plan, struct text name)
{
    uint32_t longest = 0;
    uint64_t hash = hash_start;
    for (size_t i = 0; i < name.len; i++) {
        if (name.at[i] == '.') {
            uint32_t found = class_named(plan, hash, text_slice(name, 0, i));
            if (found) longest = found;
        }
        hash = hash_byte(hash, name.at[i]);
    }
    uint32_t found = name.len ? class_named(plan, hash, name) : 0;
    return found ? found : longest;
}

/* Sorted and without doubles: number i has class i + 1. */
static uint32_t sort_descriptors(struct text *names, uint32_t count)
{
    qsort(names, count, sizeof *names, compare_names);
    uint32_t kept = 0;
    for (uint32_t i = 0; i < count; i++) {
        if (is_any(names[i]) || names[i].len == 0) continue;
        if (kept && text_eq(names[kept - 1], names[i])) continue;
        names[kept++] = names[i];
    }
    return kept;
}

static void plan_names(struct planner *planner, const struct text *names, uint32_t count)
{
    uint32_t size = table_size(count);
    struct scxml_class_name *table = scope_alloc_array(planner->scope, size, sizeof *table);
    for (uint32_t i = 0; i < count; i++) {
        uint32_t at = hash_place(hash_of(names[i]));
        while (table[at & (size - 1)].event_class) at++;
        table[at & (size - 1)] = (struct scxml_class_name){ names[i], i + 1 };
    }
    planner->plan->names = table;
    planner->plan->name_mask = size - 1;
}

/* Where the run below each name ends: a name ends all open ones that it is not below. */
static uint32_t *run_ends(struct planner *planner, const struct text *names, uint32_t count)
{
    uint32_t *ends = scope_alloc_array(planner->scratch, count, sizeof *ends);
    uint32_t *open = scope_alloc_array(planner->scratch, count, sizeof *open);
    uint32_t depth = 0;
    for (uint32_t i = 0; i < count; i++) {
        while (depth && !is_below(names[i], names[open[depth - 1]])) ends[open[--depth]] = i;
        open[depth++] = i;
    }
    while (depth) ends[open[--depth]] = count;
    return ends;
}

static const struct scxml_span *spans_of(struct planner *planner,
                                         const struct scxml_transition *transition,
                                         const uint32_t *ends, uint32_t count)
{
    struct scxml_span *spans =
        scope_alloc_array(planner->scope, transition->descriptor_count, sizeof *spans);
    for (uint32_t i = 0; i < transition->descriptor_count; i++) {
        struct text name = transition->descriptors[i];
        uint32_t event_class = class_named(planner->plan, hash_of(name), name);
        if (is_any(name))
            spans[i] = (struct scxml_span){ 0, count + 1 };
        else if (event_class)
            spans[i] = (struct scxml_span){ event_class, ends[event_class - 1] + 1 - event_class };
    }
    return spans;
}

static void plan_classes(struct planner *planner)
{
    uint32_t all = gather_descriptors(planner->document, NULL);
    struct text *names = scope_alloc_array(planner->scratch, all, sizeof *names);
    gather_descriptors(planner->document, names);
    uint32_t count = sort_descriptors(names, all);
    plan_names(planner, names, count);
    uint32_t *ends = run_ends(planner, names, count);
    for (uint32_t i = 0; i < planner->plan->move_count; i++) {
        struct scxml_move *move = &planner->moves[i];
        move->classes = spans_of(planner, move->transition, ends, count);
        move->class_count = move->transition->descriptor_count;
    }
}

/* --- entries ---------------------------------------------------------------------------------- */

static struct text entry_key(struct planner *planner, const struct scxml_move *move)
{
    uint32_t count = move->transition->target_count;
    uint32_t *key = scope_alloc_array(planner->scratch, count + 1, sizeof *key);
    key[0] = move->domain;
    memcpy(key + 1, move->transition->targets, count * sizeof *key);
    return (struct text){ (const char *)key, (count + 1) * sizeof *key };
}

static bool has_work(const struct planner *planner, uint32_t state)
{
    return scxml_set_has(planner->plan->busy_entry, state) ||
           scxml_set_has(planner->by_default, state);
}

static struct scxml_entry *write_entry(struct planner *planner, uint32_t domain, uint32_t end)
{
    struct scxml_entry *entry = scope_alloc(planner->scope, sizeof *entry);
    const uint64_t *set = planner->entering;
    for (uint32_t at = domain; (at = scxml_set_first(set, set, at + 1, end)) != SCXML_NONE;) {
        entry->work_count += has_work(planner, at);
        planner->entered++;
    }
    for (uint32_t word = domain / 64; word <= (end - 1) / 64; word++)
        entry->word_count += set[word] != 0;
    struct scxml_word *words = scope_alloc_array(planner->scope, entry->word_count, sizeof *words);
    struct scxml_entry_work *work =
        scope_alloc_array(planner->scope, entry->work_count, sizeof *work);
    entry->words = words;
    entry->work = work;
    for (uint32_t word = domain / 64; word <= (end - 1) / 64; word++)
        if (set[word]) *words++ = (struct scxml_word){ word, set[word] };
    for (uint32_t at = domain; (at = scxml_set_first(set, set, at + 1, end)) != SCXML_NONE;)
        if (has_work(planner, at))
            *work++ = (struct scxml_entry_work){ at, scxml_set_has(planner->by_default, at) };
    return entry;
}

static const struct scxml_entry *find_entry(struct planner *planner, const struct scxml_move *move)
{
    struct scxml_entry_set set = { .document = planner->document,
                                   .states = planner->entering,
                                   .by_default = planner->by_default };
    scxml_find_entries(&set, move->transition, move->domain);
    const struct scxml_entry *entry = NULL;
    if (set.has_history)
        planner->entered += move->end - move->domain; /* they took their time, too */
    else
        entry = write_entry(planner, move->domain, move->end);
    scxml_set_clear(planner->entering, move->domain, move->end);
    scxml_set_clear(planner->by_default, move->domain, move->end);
    return entry;
}

static void plan_entry(struct planner *planner, struct scxml_move *move)
{
    struct scxml_entry_set set = { .document = planner->document };
    scxml_find_domain(&set, move->transition, &move->domain, &move->end);
    if (move->domain == SCXML_NONE || set.has_history) return;
    struct text key = entry_key(planner, move);
    move->entry = table_get(planner->entries, key);
    if (move->entry || planner->entered > ENTERED_MAX) return;
    move->entry = find_entry(planner, move);
    if (move->entry) table_put(planner->entries, key, (void *)move->entry);
}

static void plan_entries(struct planner *planner)
{
    planner->entering = scope_alloc_array(planner->scratch, planner->plan->words, sizeof(uint64_t));
    planner->by_default =
        scope_alloc_array(planner->scratch, planner->plan->words, sizeof(uint64_t));
    planner->entries = table_new(planner->scratch);
    for (uint32_t i = 0; i < planner->plan->move_count; i++)
        plan_entry(planner, &planner->moves[i]);
    struct scxml_move *start = &planner->plan->start;
    *start = (struct scxml_move){ .transition = planner->document->states[0].initial,
                                  .cond = SCXML_NONE };
    plan_entry(planner, start);
}

/* --- moves ------------------------------------------------------------------------------------ */

static struct scxml_move *add_moves(const struct scxml_state *state, bool is_evented,
                                    struct scxml_move *at)
{
    for (uint32_t i = 0; i < state->transition_count; i++) {
        const struct scxml_transition *transition = &state->transitions[i];
        if ((transition->descriptor_count != 0) != is_evented) continue;
        *at++ = (struct scxml_move){ .transition = transition,
                                     .source = state->index,
                                     .cond = transition->cond,
                                     .domain = SCXML_NONE,
                                     .end = SCXML_NONE };
    }
    return at;
}

static struct text done_name(struct planner *planner, const struct scxml_state *state)
{
    if (state->kind != SCXML_COMPOUND && state->kind != SCXML_PARALLEL) return (struct text){ 0 };
    return scope_format(planner->scope, "done.state.%.*s", TEXT_ARG(state->id));
}

static void plan_moves(struct planner *planner)
{
    const struct scxml_document *document = planner->document;
    uint32_t count = 0;
    for (uint32_t i = 0; i < document->state_count; i++)
        count += document->states[i].transition_count;
    planner->moves = scope_alloc_array(planner->scope, count, sizeof *planner->moves);
    planner->states =
        scope_alloc_array(planner->scope, document->state_count, sizeof *planner->states);
    struct scxml_move *at = planner->moves;
    for (uint32_t i = 0; i < document->state_count; i++) {
        const struct scxml_state *state = &document->states[i];
        struct scxml_plan_state *planned = &planner->states[i];
        const struct scxml_plan_state *above = i ? &planner->states[state->parent] : NULL;
        planned->moves = (uint32_t)(at - planner->moves);
        at = add_moves(state, false, at);
        planned->evented = (uint32_t)(at - planner->moves);
        at = add_moves(state, true, at);
        planned->moves_end = (uint32_t)(at - planner->moves);
        planned->eventless_up = planned->moves < planned->evented ? i
                                : above                           ? above->eventless_up
                                                                  : SCXML_NONE;
        planned->evented_up = planned->evented < planned->moves_end ? i
                              : above                               ? above->evented_up
                                                                    : SCXML_NONE;
        planned->done = done_name(planner, state);
    }
    planner->plan->moves = planner->moves;
    planner->plan->move_count = count;
    planner->plan->states = planner->states;
}

/* --- ids -------------------------------------------------------------------------------------- */

static void plan_ids(struct planner *planner)
{
    const struct scxml_document *document = planner->document;
    uint32_t size = table_size(document->state_count);
    uint32_t *ids = scope_alloc_array(planner->scope, size, sizeof *ids);
    for (uint32_t i = 1; i < document->state_count; i++) {
        uint32_t at = hash_place(hash_of(document->states[i].id));
        while (ids[at & (size - 1)]) at++;
        ids[at & (size - 1)] = i; /* <scxml>, 0, has no id: a free place */
    }
    planner->plan->ids = ids;
    planner->plan->id_mask = size - 1;
}

uint32_t scxml_find_state(const struct scxml_document *document, struct text id)
{
    const struct scxml_plan *plan = document->plan;
    for (uint32_t at = hash_place(hash_of(id));; at++) {
        uint32_t state = plan->ids[at & plan->id_mask];
        if (state == 0) return SCXML_NONE;
        if (text_eq(document->states[state].id, id)) return state;
    }
}

void scxml_layout(struct scxml_document *document, struct scope *scope)
{
    struct scope *scratch = scope_new(NULL, "scxml plan", SCOPE_NO_LIMIT);
    struct scxml_plan *plan = scope_alloc(scope, sizeof *plan);
    struct planner planner = {
        .document = document, .scope = scope, .scratch = scratch, .plan = plan
    };
    plan->words = scxml_set_words(document->state_count);
    plan_sets(&planner);
    plan_histories(&planner);
    plan_moves(&planner);
    plan_classes(&planner);
    plan_entries(&planner);
    plan_ids(&planner);
    document->plan = plan;
    scope_close(scratch);
}
