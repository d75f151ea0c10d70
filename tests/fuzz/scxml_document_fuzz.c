/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_document_fuzz.c - SCXML documents, in both dialects, with the files that they take in:
 * lines of "=== NAME" part the bytes into the document and its files. Checked
 * - it is refused with findings that have words and a place, or it is a document whose every index
 *   lies where document.h says: ranges of states, targets below a default, targets that can be
 *   active together, tokens of events without their ends, actions that are whole;
 * - the same bytes give the same document, findings included;
 * - what stands in an <invoke> or a <data> as XML reads back. */
#include "tests/fuzz/fuzz.h"

#include "format/xml.h"
#include "scxml/load.h"

#include <stdlib.h>
#include <string.h>

enum { FILES_MAX = 8 };

struct file {
    struct text name, body;
};

struct input {
    struct file files[FILES_MAX]; /* the first is the document */
    uint32_t count;
};

static void split(struct text in, struct input *input)
{
    static const char mark[] = "\n=== ";
    input->files[0] = (struct file){ TEXT("doc"), in };
    input->count = 1;
    for (;;) {
        struct text *body = &input->files[input->count - 1].body, rest = *body, name, after;
        const char *at = rest.len ? memmem(rest.at, rest.len, mark, sizeof mark - 1) : NULL;
        if (at == NULL || input->count == FILES_MAX) return;
        body->len = (size_t)(at - body->at);
        rest = text_slice(rest, body->len + sizeof mark - 1, rest.len);
        if (!text_cut(rest, '\n', &name, &after)) return;
        input->files[input->count++] = (struct file){ text_trim(name), after };
    }
}

static enum err fetch(void *self, struct text url, struct scope *scope, struct text *body,
                      struct fault *fault)
{
    const struct input *input = self;
    for (uint32_t i = 0; i < input->count; i++) {
        if (!text_eq(url, input->files[i].name)) continue;
        *body = scope_keep(scope, input->files[i].body);
        return ERR_OK;
    }
    return fault_set(fault, ERR_NOT_FOUND, "src", "no such file");
}

/* --- findings --------------------------------------------------------------------------------- */

static void check_findings(const struct scxml_findings *findings)
{
    uint32_t errors = 0, warnings = 0;
    for (const struct scxml_finding *at = findings->first; at; at = at->next) {
        FUZZ_CHECK(at->words.len > 0 && text_is_utf8(at->words));
        FUZZ_CHECK(at->place.line >= 1 && at->place.column >= 1);
        FUZZ_CHECK(at->file.len > 0);
        *(at->is_warning ? &warnings : &errors) += 1;
    }
    FUZZ_CHECK(errors == findings->error_count && errors <= SCXML_FINDINGS_MAX);
    FUZZ_CHECK(warnings == findings->warning_count && warnings <= SCXML_FINDINGS_MAX);
}

/* --- a document ------------------------------------------------------------------------------- */

static void check_expression(const struct scxml_document *document, scxml_expression_id id)
{
    if (id == SCXML_NONE) return;
    FUZZ_CHECK(id < document->expression_count);
    FUZZ_CHECK(document->expressions[id].place.file < document->file_count);
    FUZZ_CHECK(text_is_utf8(document->expressions[id].source));
}

static void check_payload(const struct scxml_payload *payload)
{
    FUZZ_CHECK(text_is_utf8(payload->text));
    if (payload->kind != SCXML_DATA_XML) return;
    static const struct xml_limits limits = { INT32_MAX / 4, XML_DEPTH_MAX, SCXML_ELEMENTS_MAX };
    struct scope *scope = scope_new(NULL, "again", FUZZ_MEMORY_MAX);
    struct xml_node *root;
    struct fault fault;
    enum err err = xml_read(payload->text, &limits, scope, &root, NULL, NULL, &fault);
    /* What its ancestors declared may be past a bound on one element. */
    FUZZ_CHECK(err == ERR_OK || err == ERR_LIMIT);
    scope_close(scope);
}

static void check_cargo(const struct scxml_document *document, const struct scxml_cargo *cargo)
{
    for (const struct scxml_param *at = cargo->params; at; at = at->next) {
        FUZZ_CHECK(at->expr != SCXML_NONE);
        check_expression(document, at->expr);
    }
    if (cargo->content == NULL) return;
    check_expression(document, cargo->content->expr);
    check_payload(&cargo->content->body);
    FUZZ_CHECK((cargo->content->expr != SCXML_NONE) != (cargo->content->body.kind != 0));
}

static void check_module(const struct scxml_document *document,
                         const struct scxml_module_element *element)
{
    for (; element; element = element->next) {
        FUZZ_CHECK(element->module.len && element->name.len);
        check_expression(document, element->request_id);
        check_cargo(document, &element->cargo);
        for (const struct scxml_module_attribute *at = element->attributes; at; at = at->next)
            check_expression(document, at->expr);
        check_module(document, element->children);
    }
}

static void check_actions(const struct scxml_document *document, const struct scxml_action *action);

static void check_action(const struct scxml_document *document, const struct scxml_action *action)
{
    switch (action->kind) {
    case SCXML_RAISE: FUZZ_CHECK(action->event.len > 0); break;
    case SCXML_IF:
        FUZZ_CHECK(action->branches && action->branches->cond != SCXML_NONE);
        for (const struct scxml_branch *at = action->branches; at; at = at->next) {
            FUZZ_CHECK(at->cond != SCXML_NONE || at->next == NULL);
            check_expression(document, at->cond);
            check_actions(document, at->actions);
        }
        break;
    case SCXML_FOREACH:
        check_expression(document, action->foreach.array);
        check_actions(document, action->foreach.actions);
        break;
    case SCXML_LOG: check_expression(document, action->log.expr); break;
    case SCXML_ASSIGN:
        FUZZ_CHECK(action->assign.location != SCXML_NONE);
        FUZZ_CHECK((action->assign.expr != SCXML_NONE) != (action->assign.body.kind != 0));
        check_payload(&action->assign.body);
        break;
    case SCXML_RUN: FUZZ_CHECK(action->script < document->expression_count); break;
    case SCXML_SEND:
        check_expression(document, action->send->event_expr);
        check_expression(document, action->send->target_expr);
        check_expression(document, action->send->type_expr);
        check_expression(document, action->send->delay_expr);
        check_expression(document, action->send->id_location);
        check_cargo(document, &action->send->cargo);
        break;
    case SCXML_CANCEL: check_expression(document, action->cancel.send_id_expr); break;
    case SCXML_MODULE: check_module(document, action->module); break;
    }
}

static void check_actions(const struct scxml_document *document, const struct scxml_action *action)
{
    for (; action; action = action->next) {
        FUZZ_CHECK(action->place.file < document->file_count && action->place.line > 0);
        check_action(document, action);
    }
}

static bool is_together(const struct scxml_document *document, uint32_t a, uint32_t b)
{
    if (a == b || scxml_is_descendant(document, a, b) || scxml_is_descendant(document, b, a))
        return true;
    while (!scxml_is_descendant(document, b, a)) a = document->states[a].parent;
    return document->states[a].kind == SCXML_PARALLEL;
}

static void check_transition(const struct scxml_document *document,
                             const struct scxml_transition *transition)
{
    FUZZ_CHECK(transition->source < document->state_count);
    check_expression(document, transition->cond);
    check_actions(document, transition->actions);
    for (uint32_t i = 0; i < transition->target_count; i++) {
        FUZZ_CHECK(transition->targets[i] > 0 && transition->targets[i] < document->state_count);
        for (uint32_t j = 0; j < i && i < 100; j++) {
            FUZZ_CHECK(transition->targets[i] != transition->targets[j]);
            FUZZ_CHECK(is_together(document, transition->targets[i], transition->targets[j]));
        }
    }
    for (uint32_t i = 0; i < transition->descriptor_count; i++) {
        struct text token = transition->descriptors[i];
        FUZZ_CHECK(token.len > 0 && text_trim(token).len == token.len);
        FUZZ_CHECK(token.len == 1 ||
                   (!text_ends(token, TEXT(".")) && !text_ends(token, TEXT(".*"))));
    }
}

static void check_default(const struct scxml_document *document, const struct scxml_state *state)
{
    bool has_one = state->kind == SCXML_COMPOUND || scxml_is_history(state);
    FUZZ_CHECK((state->initial != NULL) == has_one);
    if (!has_one) return;
    uint32_t above = scxml_is_history(state) ? state->parent : state->index;
    FUZZ_CHECK(state->initial->target_count > 0 && state->initial->index == SCXML_NONE);
    FUZZ_CHECK(state->initial->cond == SCXML_NONE && state->initial->descriptor_count == 0);
    check_transition(document, state->initial);
    for (uint32_t i = 0; i < state->initial->target_count; i++)
        FUZZ_CHECK(scxml_is_descendant(document, state->initial->targets[i], above));
}

static void check_state(const struct scxml_document *document, uint32_t index)
{
    const struct scxml_state *state = &document->states[index];
    FUZZ_CHECK(state->index == index && state->end > index && state->end <= document->state_count);
    if (index) {
        const struct scxml_state *parent = &document->states[state->parent];
        FUZZ_CHECK(state->parent < index && state->end <= parent->end);
        FUZZ_CHECK(state->depth == parent->depth + 1);
        FUZZ_CHECK(parent->kind == SCXML_COMPOUND || parent->kind == SCXML_PARALLEL);
        FUZZ_CHECK(scxml_find_state(document, state->id) == index);
    }
    check_default(document, state);
    for (const struct scxml_block *at = state->onentry; at; at = at->next)
        check_actions(document, at->actions);
    for (const struct scxml_block *at = state->onexit; at; at = at->next)
        check_actions(document, at->actions);
    for (uint32_t i = 0; i < state->transition_count; i++) {
        FUZZ_CHECK(state->transitions[i].source == index);
        check_transition(document, &state->transitions[i]);
    }
    for (const struct scxml_data_item *at = state->data; at; at = at->next) {
        FUZZ_CHECK(at->id.len > 0);
        check_expression(document, at->expr);
        check_payload(&at->body);
    }
    if (state->donedata) check_cargo(document, state->donedata);
}

static void check_document(const struct scxml_document *document)
{
    FUZZ_CHECK(document->state_count > 1 && document->states[0].end == document->state_count);
    for (uint32_t i = 0; i < document->state_count; i++) check_state(document, i);
    for (uint32_t i = 0; i < document->transition_count; i++)
        FUZZ_CHECK(document->transitions[i].index == i);
    for (uint32_t i = 0; i < document->script_count; i++)
        check_expression(document, document->scripts[i]);
    for (uint32_t i = 0; i < document->invoke_count; i++) {
        const struct scxml_invoke *invoke = document->invokes[i];
        FUZZ_CHECK(invoke->index == i && invoke->state < document->state_count);
        check_cargo(document, &invoke->cargo);
        if (invoke->finalize) check_actions(document, invoke->finalize->actions);
    }
}

/* --- the target ------------------------------------------------------------------------------- */

struct outcome {
    struct buf findings;
    uint64_t hash;
    uint32_t states, transitions, expressions;
};

static struct outcome load(struct input *input, enum scxml_dialect dialect)
{
    struct scope *scope = scope_new(NULL, "load", FUZZ_MEMORY_MAX);
    struct scxml_load how = {
        .url = TEXT("doc"), .dialect = dialect, .self = input, .fetch = fetch
    };
    struct scxml_findings findings = { 0 };
    struct scxml_document *document = NULL;
    struct outcome outcome = { 0 };
    struct text source = input->files[0].body;
    char *copy = malloc(source.len ? source.len : 1); /* who keeps a view of it is found out */
    FUZZ_CHECK(copy);
    if (source.len) memcpy(copy, source.at, source.len);
    enum err err = scxml_load((struct text){ copy, source.len }, &how, scope, &document, &findings);
    free(copy);
    check_findings(&findings);
    FUZZ_CHECK(err == (findings.error_count ? ERR_INVALID : ERR_OK));
    FUZZ_CHECK((document != NULL) == (err == ERR_OK));
    if (document) {
        check_document(document);
        outcome.hash = document->hash;
        outcome.states = document->state_count;
        outcome.transitions = document->transition_count;
        outcome.expressions = document->expression_count;
    }
    scxml_findings_print(&outcome.findings, &findings);
    scope_close(scope);
    return outcome;
}

static void check_twice(struct input *input, enum scxml_dialect dialect)
{
    struct outcome first = load(input, dialect), second = load(input, dialect);
    FUZZ_CHECK(text_eq(buf_text(&first.findings), buf_text(&second.findings)));
    FUZZ_CHECK(first.hash == second.hash && first.states == second.states);
    FUZZ_CHECK(first.transitions == second.transitions);
    FUZZ_CHECK(first.expressions == second.expressions);
    buf_free(&first.findings);
    buf_free(&second.findings);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input;
    split(fuzz_text(data, size), &input);
    check_twice(&input, SCXML_DIALECT_AUTO);
    check_twice(&input, SCXML_DIALECT_LEGACY);
    return 0;
}
