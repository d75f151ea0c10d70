/* SPDX-License-Identifier: Apache-2.0 */
/* The tree of states, then what hangs on it: in two passes, since a target may stand anywhere. */
#include "scxml/load_private.h"

#include <stdlib.h>
#include <string.h>

/* --- first pass: states, ids, ranges ---------------------------------------------------------- */

static bool is_state(const struct xml_node *node)
{
    static const char *const names[] = { "state", "parallel", "final", "history" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (scxml_is_element(node, names[i])) return true;
    return false;
}

static uint32_t count_states(const struct xml_node *node)
{
    uint32_t count = 1;
    for (const struct xml_node *at = node->children; at; at = at->next)
        if (is_state(at)) count += count_states(at);
    return count;
}

static bool has_child_states(const struct xml_node *node)
{
    for (const struct xml_node *at = node->children; at; at = at->next)
        if (is_state(at) && !scxml_is_element(at, "history")) return true;
    return false;
}

static enum scxml_state_kind kind_of(struct loader *loader, const struct xml_node *node)
{
    if (scxml_is_element(node, "parallel")) return SCXML_PARALLEL;
    if (scxml_is_element(node, "final")) return SCXML_FINAL;
    if (!scxml_is_element(node, "history"))
        return has_child_states(node) ? SCXML_COMPOUND : SCXML_ATOMIC;
    const struct xml_attribute *type = xml_attribute(node, TEXT("type"));
    struct text depth = type ? text_trim(type->value) : TEXT("shallow");
    if (text_eq(depth, TEXT("deep"))) return SCXML_HISTORY_DEEP;
    if (!text_eq(depth, TEXT("shallow")))
        scxml_attribute_error(loader, node, type, "a history is shallow or deep, not '%.*s'",
                              TEXT_ARG(depth));
    return SCXML_HISTORY_SHALLOW;
}

static void check_id(struct loader *loader, const struct xml_node *node,
                     const struct xml_attribute *attribute, const struct scxml_state *state)
{
    struct text rest = state->id, token;
    const struct scxml_state *other = table_get(loader->state_ids, state->id);
    if (state->id.len == 0)
        scxml_attribute_error(loader, node, attribute, "an id is empty");
    else if (scxml_next_token(&rest, &token) && rest.len)
        scxml_attribute_error(loader, node, attribute, "id '%.*s' has a blank in it",
                              TEXT_ARG(state->id));
    else if (other)
        scxml_attribute_error(
            loader, node, attribute, "id '%.*s' is taken by %.*s, line %u", TEXT_ARG(state->id),
            TEXT_ARG(scxml_file_of(loader, loader->state_nodes[other->index])), other->place.line);
}

static void read_id(struct loader *loader, const struct xml_node *node, struct scxml_state *state)
{
    const struct xml_attribute *attribute = xml_attribute(node, TEXT("id"));
    if (attribute == NULL || state->index == 0) return;
    state->id = scope_keep(loader->scope, text_trim(attribute->value));
    check_id(loader, node, attribute, state);
    if (!table_get(loader->state_ids, state->id)) table_put(loader->state_ids, state->id, state);
}

static void add_state(struct loader *loader, const struct xml_node *node, uint32_t parent,
                      uint32_t depth)
{
    struct scxml_document *document = loader->document;
    uint32_t index = document->state_count++;
    struct scxml_state *state = &document->states[index];
    *state = (struct scxml_state){ .kind = index ? kind_of(loader, node) : SCXML_COMPOUND,
                                   .id = TEXT(""),
                                   .index = index,
                                   .parent = parent,
                                   .depth = depth,
                                   .history_index = SCXML_NONE,
                                   .place = scxml_place_of(node) };
    if (scxml_is_history(state)) state->history_index = document->history_count++;
    loader->state_nodes[index] = node;
    read_id(loader, node, state);
    for (const struct xml_node *at = node->children; at; at = at->next)
        if (is_state(at)) add_state(loader, at, index, depth + 1);
    state->end = document->state_count;
}

/* States without an id get one, so that logs and In() can name them. */
static void name_states(struct loader *loader)
{
    for (uint32_t i = 1; i < loader->document->state_count; i++) {
        struct scxml_state *state = &loader->document->states[i];
        if (state->id.len) continue;
        struct text id = scope_format(loader->scope, "_s%u", i);
        while (table_get(loader->state_ids, id))
            id = scope_format(loader->scope, "%.*s_", TEXT_ARG(id));
        state->id = id;
        table_put(loader->state_ids, id, state);
    }
}

static const char *words_for(const struct scxml_state *state)
{
    switch (state->kind) {
    case SCXML_PARALLEL: return "parallel";
    case SCXML_FINAL: return "final";
    case SCXML_HISTORY_SHALLOW:
    case SCXML_HISTORY_DEEP: return "history";
    default: return state->index ? "state" : "<scxml>";
    }
}

/* "state s1", with "(line 7)" where the author gave no id; for the head of a finding. */
static struct text title_of(struct loader *loader, const struct scxml_state *state)
{
    if (state->id.len)
        return scope_format(loader->scratch, "%s %.*s", words_for(state), TEXT_ARG(state->id));
    return text_of(words_for(state));
}

/* --- targets ---------------------------------------------------------------------------------- */

struct target_list { /* what an attribute of ids stands for */
    struct loader *loader;
    const struct xml_node *node;
    const struct xml_attribute *attribute;
    const struct scxml_state *owner;
    const uint32_t *states;
    uint32_t count;
};

static void refuse_target(struct target_list *list, struct text id)
{
    struct loader *loader = list->loader;
    struct scxml_guess guess = scxml_guess(id);
    for (uint32_t i = 1; i < loader->document->state_count && loader->effort > 0; i++)
        scxml_guess_offer(loader, &guess, loader->document->states[i].id);
    scxml_attribute_error(loader, list->node, list->attribute, "%.*s: %.*s '%.*s' is no state%.*s",
                          TEXT_ARG(title_of(loader, list->owner)), TEXT_ARG(list->attribute->name),
                          TEXT_ARG(id), TEXT_ARG(scxml_guess_words(loader, &guess)));
}

/* The nearest state that has both below it, or is one of them. */
static uint32_t meeting_of(const struct scxml_document *document, uint32_t a, uint32_t b)
{
    while (a != b && !scxml_is_descendant(document, b, a)) a = document->states[a].parent;
    return a;
}

static int by_index(const void *a, const void *b)
{
    uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;
    return left < right ? -1 : left > right;
}

/* In document order any two meet where some two neighbours do: so only those are compared. */
static void check_combination(struct target_list *list)
{
    const struct scxml_document *document = list->loader->document;
    if (list->count < 2) return;
    uint32_t *sorted = scope_alloc_array(list->loader->scratch, list->count, sizeof *sorted);
    memcpy(sorted, list->states, list->count * sizeof *sorted);
    qsort(sorted, list->count, sizeof *sorted, by_index);
    for (uint32_t i = 1; i < list->count; i++) {
        uint32_t meeting = meeting_of(document, sorted[i - 1], sorted[i]);
        if (meeting == sorted[i - 1] || document->states[meeting].kind == SCXML_PARALLEL) continue;
        scxml_attribute_error(list->loader, list->node, list->attribute,
                              "'%.*s' and '%.*s' cannot be active together: they meet in no "
                              "parallel",
                              TEXT_ARG(document->states[sorted[i - 1]].id),
                              TEXT_ARG(document->states[sorted[i]].id));
        return;
    }
}

/* Ids to states, each once. */
static struct target_list read_targets(struct loader *loader, const struct xml_node *node,
                                       const char *name, const struct scxml_state *owner)
{
    struct target_list list = { .loader = loader,
                                .node = node,
                                .owner = owner,
                                .attribute = xml_attribute(node, text_of(name)) };
    if (list.attribute == NULL) return list;
    struct buf found = { 0 };
    struct table *seen = NULL; /* few attributes name more than one */
    for (struct text rest = list.attribute->value, id; scxml_next_token(&rest, &id);) {
        struct scxml_state *state = table_get(loader->state_ids, id);
        if (state == NULL) {
            refuse_target(&list, id);
            continue;
        }
        if (found.len && seen == NULL) {
            const uint32_t *first = (const uint32_t *)(const void *)found.at;
            struct scxml_state *one = &loader->document->states[*first];
            seen = table_new(loader->scratch);
            table_put(seen, TEXT_OF(&one->index), one);
        }
        if (seen && table_get(seen, TEXT_OF(&state->index))) continue;
        if (seen) table_put(seen, TEXT_OF(&state->index), state);
        buf_add(&found, TEXT_OF(&state->index));
    }
    list.states = scxml_keep_array(loader, &found);
    list.count = (uint32_t)(found.len / sizeof *list.states);
    buf_free(&found);
    check_combination(&list);
    return list;
}

static void need_descendants(struct target_list *list, uint32_t ancestor)
{
    const struct scxml_document *document = list->loader->document;
    for (uint32_t i = 0; i < list->count; i++)
        if (!scxml_is_descendant(document, list->states[i], ancestor))
            scxml_attribute_error(list->loader, list->node, list->attribute,
                                  "%.*s: '%.*s' does not lie in %.*s",
                                  TEXT_ARG(title_of(list->loader, list->owner)),
                                  TEXT_ARG(document->states[list->states[i]].id),
                                  TEXT_ARG(title_of(list->loader, &document->states[ancestor])));
}

/* --- transitions ------------------------------------------------------------------------------ */

/* "foo.*", "foo." and "foo" are one; "*" stays. */
static struct text descriptor_of(struct text token)
{
    while (token.len > 1) {
        if (text_ends(token, TEXT(".*")))
            token.len -= 2;
        else if (text_ends(token, TEXT(".")))
            token.len -= 1;
        else
            break;
    }
    return token.len ? token : TEXT("*");
}

static void read_events(struct loader *loader, const struct xml_node *node,
                        struct scxml_transition *transition)
{
    const struct xml_attribute *event = xml_attribute(node, TEXT("event"));
    if (event == NULL) return;
    struct buf found = { 0 };
    struct text rest = scope_keep(loader->scope, event->value), token;
    while (scxml_next_token(&rest, &token)) {
        struct text descriptor = descriptor_of(token);
        if (descriptor.len > 1 && text_find(descriptor, '*', 0) != SIZE_MAX)
            scxml_warning(loader, node,
                          "event '%.*s': '*' is a letter like others but alone and "
                          "in '.*' at the end",
                          TEXT_ARG(token));
        buf_add(&found, TEXT_OF(&descriptor));
    }
    if (found.len == 0)
        scxml_attribute_error(loader, node, event, "event is empty: leave it out, or name one");
    transition->descriptors = scxml_keep_array(loader, &found);
    transition->descriptor_count = (uint32_t)(found.len / sizeof *transition->descriptors);
    buf_free(&found);
}

static bool read_type(struct loader *loader, const struct xml_node *node)
{
    const struct xml_attribute *type = xml_attribute(node, TEXT("type"));
    if (type == NULL) return false;
    struct text word = text_trim(type->value);
    bool is_internal = text_eq(word, TEXT("internal"));
    if (!is_internal && !text_eq(word, TEXT("external")))
        scxml_attribute_error(loader, node, type,
                              "a transition is internal or external, not "
                              "'%.*s'",
                              TEXT_ARG(word));
    return is_internal;
}

static void take_targets(struct scxml_transition *transition, const struct target_list *list)
{
    transition->targets = list->states;
    transition->target_count = list->count;
}

static scxml_expression_id read_cond(struct loader *loader, const struct xml_node *node)
{
    const struct xml_attribute *cond = xml_attribute(node, TEXT("cond"));
    if (cond == NULL || text_trim(cond->value).len)
        return scxml_expression_of(loader, node, "cond", SCXML_CONDITION);
    scxml_warning(loader, node, "cond is empty: it always holds");
    return SCXML_NONE;
}

static void read_transition(struct loader *loader, const struct xml_node *node,
                            const struct scxml_state *state, struct scxml_transition *transition)
{
    struct target_list targets = read_targets(loader, node, "target", state);
    *transition =
        (struct scxml_transition){ .index = loader->document->transition_count - 1,
                                   .source = state->index,
                                   .cond = read_cond(loader, node),
                                   .is_internal = read_type(loader, node),
                                   .actions = scxml_load_actions(loader, node->children, NULL),
                                   .place = scxml_place_of(node) };
    take_targets(transition, &targets);
    read_events(loader, node, transition);
    if (targets.attribute && text_trim(targets.attribute->value).len == 0)
        scxml_attribute_error(loader, node, targets.attribute,
                              "target is empty: leave it out, or name a state");
    if (!targets.attribute && !scxml_has_attribute(node, "event") &&
        !scxml_has_attribute(node, "cond"))
        scxml_error(loader, node, "%.*s: a transition needs an event, a cond or a target",
                    TEXT_ARG(title_of(loader, state)));
}

static void read_transitions(struct loader *loader, struct scxml_state *state)
{
    struct scxml_document *document = loader->document;
    state->transitions = &document->transitions[document->transition_count];
    const struct xml_node *node = loader->state_nodes[state->index];
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (!scxml_is_element(at, "transition")) continue;
        struct scxml_transition *transition = &document->transitions[document->transition_count++];
        state->transition_count++;
        read_transition(loader, at, state, transition);
    }
}

/* --- how a state is entered by default -------------------------------------------------------- */

static struct scxml_transition *new_default(struct loader *loader, const struct scxml_state *state)
{
    struct scxml_transition *transition = scope_alloc(loader->scope, sizeof *transition);
    *transition = (struct scxml_transition){
        .index = SCXML_NONE, .source = state->index, .cond = SCXML_NONE, .place = state->place
    };
    return transition;
}

/* The one transition of <initial> or <history>, whose targets lie below `ancestor`. */
static const struct scxml_transition *read_default(struct loader *loader,
                                                   const struct xml_node *node,
                                                   const struct scxml_state *state,
                                                   uint32_t ancestor)
{
    struct scxml_transition *transition = new_default(loader, state);
    const struct xml_node *at = node->children;
    while (at && !scxml_is_element(at, "transition")) at = at->next;
    if (at == NULL || !scxml_has_attribute(at, "target")) {
        scxml_error(loader, at ? at : node, "%.*s: <%.*s> needs a transition with a target",
                    TEXT_ARG(title_of(loader, state)), TEXT_ARG(node->name));
        return transition;
    }
    const struct xml_attribute *guard = xml_attribute(at, TEXT("event"));
    if (guard == NULL) guard = xml_attribute(at, TEXT("cond"));
    if (guard)
        scxml_attribute_error(loader, at, guard, "a default transition has no '%.*s'",
                              TEXT_ARG(guard->name));
    struct target_list targets = read_targets(loader, at, "target", state);
    need_descendants(&targets, ancestor);
    take_targets(transition, &targets);
    transition->actions = scxml_load_actions(loader, at->children, NULL);
    transition->place = scxml_place_of(at);
    return transition;
}

static const struct scxml_transition *first_child(struct loader *loader,
                                                  const struct scxml_state *state)
{
    const struct scxml_document *document = loader->document;
    uint32_t child = state->index + 1;
    while (child < state->end && scxml_is_history(&document->states[child]))
        child = document->states[child].end;
    struct scxml_transition *transition = new_default(loader, state);
    if (child >= state->end) return transition; /* <scxml> without states: refused elsewhere */
    uint32_t *target = scope_alloc(loader->scope, sizeof *target);
    *target = child;
    transition->targets = target;
    transition->target_count = 1;
    return transition;
}

static const struct scxml_transition *read_initial(struct loader *loader,
                                                   const struct scxml_state *state)
{
    const struct xml_node *node = loader->state_nodes[state->index], *element = node->children;
    while (element && !scxml_is_element(element, "initial")) element = element->next;
    const struct xml_attribute *attribute = xml_attribute(node, TEXT("initial"));
    bool is_compound = state->kind == SCXML_COMPOUND;
    if (!is_compound && (attribute || element))
        scxml_error(loader, element ? element : node,
                    "%.*s: only a state with states in it has "
                    "an initial one",
                    TEXT_ARG(title_of(loader, state)));
    if (!is_compound) return NULL;
    if (attribute && element)
        scxml_attribute_error(loader, node, attribute,
                              "%.*s has an attribute and an element 'initial'",
                              TEXT_ARG(title_of(loader, state)));
    if (element) return read_default(loader, element, state, state->index);
    if (attribute == NULL) return first_child(loader, state);
    struct target_list targets = read_targets(loader, node, "initial", state);
    need_descendants(&targets, state->index);
    if (text_trim(attribute->value).len == 0)
        scxml_attribute_error(loader, node, attribute, "initial is empty: name a state");
    struct scxml_transition *transition = new_default(loader, state);
    take_targets(transition, &targets);
    return transition;
}

/* --- second pass: what hangs on the states ---------------------------------------------------- */

static const struct scxml_block *read_blocks(struct loader *loader, const struct xml_node *node,
                                             const char *name)
{
    const struct scxml_block *first = NULL, **end = &first;
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (!scxml_is_element(at, name)) continue;
        struct scxml_block *block = scxml_load_block(loader, at);
        *end = block;
        end = &block->next;
    }
    return first;
}

static const struct scxml_invoke *read_invokes(struct loader *loader, const struct xml_node *node,
                                               uint32_t state)
{
    const struct scxml_invoke *first = NULL, **end = &first;
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (!scxml_is_element(at, "invoke")) continue;
        struct scxml_invoke *invoke = scxml_load_invoke(loader, at, state);
        *end = invoke;
        end = &invoke->next;
    }
    return first;
}

static void read_donedata(struct loader *loader, struct scxml_state *state,
                          const struct xml_node *node)
{
    for (const struct xml_node *at = node->children; at; at = at->next) {
        if (!scxml_is_element(at, "donedata")) continue;
        struct scxml_cargo *cargo = scope_alloc(loader->scope, sizeof *cargo);
        *cargo = scxml_load_cargo(loader, at);
        state->donedata = cargo;
    }
}

static void fill_state(struct loader *loader, struct scxml_state *state)
{
    const struct xml_node *node = loader->state_nodes[state->index];
    if (scxml_is_history(state)) {
        state->initial = read_default(loader, node, state, state->parent);
        return;
    }
    state->data = scxml_load_data(loader, node);
    state->onentry = read_blocks(loader, node, "onentry");
    state->onexit = read_blocks(loader, node, "onexit");
    state->initial = read_initial(loader, state);
    read_transitions(loader, state);
    state->invokes = read_invokes(loader, node, state->index);
    if (state->kind == SCXML_FINAL) read_donedata(loader, state, node);
    if (state->kind == SCXML_PARALLEL && !has_child_states(node))
        scxml_warning(loader, node, "%.*s has no states in it", TEXT_ARG(title_of(loader, state)));
}

static void read_scripts(struct loader *loader, const struct xml_node *root)
{
    for (const struct xml_node *at = root->children; at; at = at->next) {
        if (!scxml_is_element(at, "script")) continue;
        scxml_expression_id script = scxml_load_script(loader, at);
        if (script != SCXML_NONE) buf_add(&loader->scripts, TEXT_OF(&script));
    }
}

void scxml_load_states(struct loader *loader, const struct xml_node *root)
{
    struct scxml_document *document = loader->document;
    uint32_t states = count_states(root), transitions = 0;
    document->states = scope_alloc_array(loader->scope, states, sizeof *document->states);
    loader->state_nodes = scope_alloc_array(loader->scratch, states, sizeof *loader->state_nodes);
    add_state(loader, root, SCXML_NONE, 0);
    for (uint32_t i = 0; i < states; i++)
        for (const struct xml_node *at = loader->state_nodes[i]->children; at; at = at->next)
            transitions += scxml_is_element(at, "transition");
    document->transitions =
        scope_alloc_array(loader->scope, transitions, sizeof *document->transitions);
    if (!has_child_states(root)) scxml_error(loader, root, "<scxml> has no states");
    read_scripts(loader, root);
    for (uint32_t i = 0; i < states; i++) fill_state(loader, &document->states[i]);
    name_states(loader);
}
