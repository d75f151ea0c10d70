/* SPDX-License-Identifier: Apache-2.0 */
/* A pattern's graph becomes a table: a state of the table is the set of nodes that the graph may be
 * in (the subset construction). */
#include "strategy/pattern.h"

#include "base/table.h"
#include "strategy/pattern_private.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS = (PATTERN_NODES_MAX + 63) / 64 };

struct node_set { /* a set of nodes; as bytes the key of its state */
    uint64_t words[WORDS];
};

struct state {
    struct node_set nodes;
    uint16_t index;
};

struct builder {
    const struct pattern_graph *graph;
    struct scope *scope;
    struct pattern *out;
    uint32_t *from;
    uint16_t *kind;
    uint32_t *sample; /* a code point of each kind */
    struct state *states[PATTERN_STATES_MAX];
    struct table *known;
    uint16_t *next;
    bool *is_match;
    uint32_t stack[PATTERN_NODES_MAX * 2];
};

static bool has(const struct node_set *set, uint32_t node)
{
    return set->words[node / 64] >> (node % 64) & 1;
}

static void put(struct node_set *set, uint32_t node)
{
    set->words[node / 64] |= 1ULL << (node % 64);
}

/* --- kinds of characters --- */

static int compare_codes(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

static bool node_takes(const struct pattern_node *node, uint32_t code)
{
    for (const struct pattern_range *at = node->set; at != NULL; at = at->next)
        if (code >= at->first && code <= at->last) return !node->is_negated;
    return node->is_negated;
}

static void find_runs(struct builder *builder)
{
    uint32_t count = 1, kept = 0;
    for (uint32_t i = 0; i < builder->graph->count; i++)
        for (const struct pattern_range *at = builder->graph->nodes[i].set; at; at = at->next)
            count += 2;
    uint32_t *from = scope_alloc_array(builder->scope, count, sizeof *from);
    uint32_t *end = from + 1; /* from[0] is 0 */
    for (uint32_t i = 0; i < builder->graph->count; i++)
        for (const struct pattern_range *at = builder->graph->nodes[i].set; at; at = at->next) {
            *end++ = at->first;
            *end++ = at->last + 1;
        }
    qsort(from, count, sizeof *from, compare_codes);
    for (uint32_t i = 0; i < count; i++)
        if ((i == 0 || from[i] != from[kept - 1]) && from[i] <= CODE_POINT_MAX)
            from[kept++] = from[i];
    builder->from = from;
    builder->out->run_count = kept;
}

/* Runs that the same nodes take are of one kind. */
static void find_kinds(struct builder *builder)
{
    struct table *known = table_new(builder->scope);
    uint32_t count = builder->out->run_count;
    builder->kind = scope_alloc_array(builder->scope, count, sizeof *builder->kind);
    builder->sample = scope_alloc_array(builder->scope, count, sizeof *builder->sample);
    for (uint32_t i = 0; i < count; i++) {
        struct state *takers = scope_alloc(builder->scope, sizeof *takers);
        for (uint32_t node = 0; node < builder->graph->count; node++)
            if (builder->graph->nodes[node].kind == NODE_SET &&
                node_takes(&builder->graph->nodes[node], builder->from[i]))
                put(&takers->nodes, node);
        struct state *same = table_get(known, TEXT_OF(&takers->nodes));
        if (same == NULL) {
            takers->index = (uint16_t)builder->out->kind_count;
            builder->sample[builder->out->kind_count++] = builder->from[i];
            table_put(known, TEXT_OF(&takers->nodes), takers);
            same = takers;
        }
        builder->kind[i] = same->index;
    }
}

/* --- states --- */

static void enter(struct builder *builder, struct node_set *set, uint32_t node)
{
    uint32_t count = 0;
    builder->stack[count++] = node;
    while (count > 0) {
        node = builder->stack[--count];
        if (node >= builder->graph->count || has(set, node)) continue;
        put(set, node);
        if (builder->graph->nodes[node].kind != NODE_SPLIT) continue;
        builder->stack[count++] = builder->graph->nodes[node].other;
        builder->stack[count++] = builder->graph->nodes[node].next;
    }
}

static bool is_found(const struct builder *builder, const struct node_set *set)
{
    for (uint32_t i = 0; i < builder->graph->count; i++)
        if (has(set, i) && builder->graph->nodes[i].kind == NODE_FOUND) return true;
    return false;
}

static bool matches_at_end(const struct builder *builder, const struct node_set *set)
{
    for (uint32_t i = 0; i < builder->graph->count; i++)
        if (has(set, i) && builder->graph->nodes[i].kind >= NODE_END) return true;
    return false;
}

/* The state of this set; PATTERN_STATES_MAX: no room for another. */
static uint32_t state_of(struct builder *builder, const struct node_set *wanted)
{
    static const struct node_set none;
    struct node_set set = *wanted;
    if (memcmp(&set, &none, sizeof set) == 0) return PATTERN_DEAD;
    bool found = is_found(builder, &set);
    if (found && builder->out->found != UINT32_MAX) return builder->out->found;
    const struct state *known = table_get(builder->known, TEXT_OF(&set));
    if (known != NULL) return known->index;
    if (builder->out->state_count == PATTERN_STATES_MAX) return PATTERN_STATES_MAX;
    struct state *state = scope_alloc(builder->scope, sizeof *state);
    *state = (struct state){ set, (uint16_t)builder->out->state_count };
    builder->states[builder->out->state_count++] = state;
    builder->is_match[state->index] = matches_at_end(builder, &set);
    if (found) builder->out->found = state->index;
    table_put(builder->known, TEXT_OF(&state->nodes), state);
    return state->index;
}

static uint32_t step(struct builder *builder, uint32_t state, uint32_t kind)
{
    if (state == builder->out->found) return state;
    struct node_set after = { 0 };
    for (uint32_t word = 0; word < WORDS; word++)
        for (uint64_t bits = builder->states[state]->nodes.words[word]; bits; bits &= bits - 1) {
            uint32_t index = word * 64 + (uint32_t)__builtin_ctzll(bits);
            const struct pattern_node *node = &builder->graph->nodes[index];
            if (node->kind == NODE_SET && node_takes(node, builder->sample[kind]))
                enter(builder, &after, node->next);
        }
    return state_of(builder, &after);
}

static enum err build(struct builder *builder, struct fault *fault)
{
    struct pattern *out = builder->out;
    struct node_set first = { 0 };
    find_runs(builder);
    find_kinds(builder);
    builder->known = table_new(builder->scope);
    builder->is_match = scope_alloc_array(builder->scope, PATTERN_STATES_MAX, sizeof(bool));
    builder->next = scope_alloc_array(builder->scope, (size_t)PATTERN_STATES_MAX * out->kind_count,
                                      sizeof *builder->next);
    enter(builder, &first, builder->graph->start);
    (void)state_of(builder, &first);
    for (uint32_t state = 0; state < out->state_count; state++)
        for (uint32_t kind = 0; kind < out->kind_count; kind++) {
            uint32_t next = step(builder, state, kind);
            if (next == PATTERN_STATES_MAX)
                return fault_set(fault, ERR_LIMIT, "", "the pattern needs more than %d states",
                                 PATTERN_STATES_MAX);
            builder->next[state * out->kind_count + kind] = (uint16_t)next;
        }
    out->from = builder->from;
    out->kind = builder->kind;
    out->next = builder->next;
    out->is_match = builder->is_match;
    return ERR_OK;
}

enum err pattern_compile(struct text source, struct scope *scope, struct pattern *out,
                         size_t *offset, struct fault *fault)
{
    struct scope *work = scope_new(NULL, "pattern", SCOPE_NO_LIMIT);
    struct pattern_graph *graph = scope_alloc(work, sizeof *graph);
    struct builder *builder = scope_alloc(work, sizeof *builder);
    struct pattern made = { .found = UINT32_MAX };
    *builder = (struct builder){ .graph = graph, .scope = work, .out = &made };
    *offset = 0;
    enum err err = pattern_parse(source, work, graph, offset, fault);
    if (!err) err = build(builder, fault);
    if (!err) {
        size_t cells = (size_t)made.state_count * made.kind_count;
        *out = made;
        out->from = memcpy(scope_alloc_array(scope, made.run_count, sizeof *made.from), made.from,
                           made.run_count * sizeof *made.from);
        out->kind = memcpy(scope_alloc_array(scope, made.run_count, sizeof *made.kind), made.kind,
                           made.run_count * sizeof *made.kind);
        out->next = memcpy(scope_alloc_array(scope, cells, sizeof *made.next), made.next,
                           cells * sizeof *made.next);
        out->is_match = memcpy(scope_alloc_array(scope, made.state_count, sizeof(bool)),
                               made.is_match, made.state_count * sizeof(bool));
    }
    scope_close(work);
    return err;
}

static uint32_t kind_of(const struct pattern *pattern, uint32_t code)
{
    uint32_t low = 0, high = pattern->run_count - 1;
    while (low < high) {
        uint32_t middle = (low + high + 1) / 2;
        if (pattern->from[middle] <= code)
            low = middle;
        else
            high = middle - 1;
    }
    return pattern->kind[low];
}

bool pattern_matches(const struct pattern *pattern, struct text text)
{
    uint32_t state = 0;
    for (size_t at = 0; at < text.len && state != PATTERN_DEAD && state != pattern->found;)
        state = pattern->next[state * pattern->kind_count +
                              kind_of(pattern, pattern_next_code(text, &at))];
    return state != PATTERN_DEAD && pattern->is_match[state];
}
