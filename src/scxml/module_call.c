/* SPDX-License-Identifier: Apache-2.0 */
/* Actions of modules (orchestration 6): started here, answered by events later. */
#include "scxml/step_private.h"

static bool evaluate_attributes(struct scxml_run *run, const struct scxml_module_element *element,
                                const struct scxml_pair **out)
{
    struct scope *scope = run->effects->scope;
    const struct scxml_pair **end = out;
    for (const struct scxml_module_attribute *at = element->attributes; at; at = at->next) {
        struct fault fault = { 0 };
        struct scxml_payload value = { SCXML_DATA_TEXT, at->literal };
        if (!scxml_may_go_on(run)) return false;
        if (at->expr != SCXML_NONE) {
            enum scxml_verdict verdict =
                run->datamodel->value(run->session->variables, at->expr, scope, &value, &fault);
            if (!scxml_succeeded(run, verdict, &fault, (struct text){ 0 }, element->place))
                return false;
        }
        struct scxml_pair *pair = scope_alloc(scope, sizeof *pair);
        *pair = (struct scxml_pair){ .name = at->name, .value = value };
        *end = pair;
        end = &pair->next;
    }
    return true;
}

static bool evaluate(struct scxml_run *run, const struct scxml_module_element *element,
                     struct scxml_module_call **out);

static bool evaluate_children(struct scxml_run *run, const struct scxml_module_element *children,
                              const struct scxml_module_call **out)
{
    for (; children; children = children->next) {
        struct scxml_module_call *call;
        if (!evaluate(run, children, &call)) return false;
        *out = call;
        out = &call->next;
    }
    return true;
}

static bool evaluate(struct scxml_run *run, const struct scxml_module_element *element,
                     struct scxml_module_call **out)
{
    struct scxml_loaded loaded;
    struct scxml_module_call *call = scope_alloc(run->effects->scope, sizeof *call);
    call->module = element->module;
    call->name = element->name;
    if (!evaluate_attributes(run, element, &call->attributes) ||
        !evaluate_children(run, element->children, &call->children) ||
        !scxml_evaluate_cargo(run, &element->cargo, (struct text){ 0 }, &loaded))
        return false;
    call->params = loaded.pairs;
    if (loaded.has_content) call->content = loaded.data;
    *out = call;
    return true;
}

bool scxml_run_module(struct scxml_run *run, const struct scxml_action *action)
{
    const struct scxml_module_element *element = action->module;
    struct scxml_module_call *call;
    if (!evaluate(run, element, &call)) return false;
    call->request_id = scxml_fresh_id(run, run->session->frame.session_id);
    if (element->request_id != SCXML_NONE &&
        !scxml_store_text(run, element->request_id, call->request_id, element->place))
        return false;
    scxml_effect_add(run->effects, SCXML_DO_MODULE)->module = call;
    return true;
}
