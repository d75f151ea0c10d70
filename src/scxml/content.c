/* SPDX-License-Identifier: Apache-2.0 */
/* Executable content: an error ends the block it stands in, and only that. Recursion is as deep as
 * the document's elements are nested (SCXML_DEPTH_MAX). */
#include "scxml/step_private.h"

static const struct text nothing = { 0 };

bool scxml_condition(struct scxml_run *run, scxml_expression_id cond, struct scxml_place place)
{
    struct fault fault = { 0 };
    bool is_true = false;
    if (!scxml_may_go_on(run)) return false;
    enum scxml_verdict verdict =
        run->datamodel->condition(run->session->variables, cond, &is_true, &fault);
    return scxml_succeeded(run, verdict, &fault, nothing, place) && is_true;
}

/* --- data ------------------------------------------------------------------------------------- */

static const struct scxml_pair *find_pair(const struct scxml_pair *pairs, struct text name)
{
    while (pairs && !text_eq(pairs->name, name)) pairs = pairs->next;
    return pairs;
}

static void set_item(struct scxml_run *run, const struct scxml_data_item *item,
                     const struct scxml_pair *with)
{
    struct scxml_variables *variables = run->session->variables;
    struct fault fault = { 0 };
    const struct scxml_pair *given = find_pair(with, item->id);
    enum scxml_verdict verdict = SCXML_DONE;
    if (item->is_missing && !given)
        (void)fault_set(&fault, ERR_NOT_FOUND, "src", "the src could not be fetched");
    if (given)
        verdict = run->datamodel->set(variables, item->id, &given->value, &fault);
    else if (item->expr != SCXML_NONE)
        verdict = run->datamodel->set_expr(variables, item->id, item->expr, &fault);
    else if (item->is_missing)
        verdict = SCXML_FAILED;
    else if (item->body.kind != SCXML_DATA_NONE)
        verdict = run->datamodel->set(variables, item->id, &item->body, &fault);
    (void)scxml_succeeded(run, verdict, &fault, nothing, item->place);
}

void scxml_set_data(struct scxml_run *run, const struct scxml_data_item *data,
                    const struct scxml_pair *with)
{
    for (; data && !scxml_is_over(run); data = data->next) set_item(run, data, with);
}

/* --- actions ---------------------------------------------------------------------------------- */

static bool run_raise(struct scxml_run *run, const struct scxml_action *action)
{
    const struct scxml_event event = { .name = action->event, .type = SCXML_INTERNAL };
    scxml_raise(run, &event);
    return !scxml_is_over(run);
}

static bool run_if(struct scxml_run *run, const struct scxml_action *action)
{
    for (const struct scxml_branch *branch = action->branches; branch; branch = branch->next)
        if (branch->cond == SCXML_NONE || scxml_condition(run, branch->cond, action->place))
            return scxml_run_actions(run, branch->actions);
    return !scxml_is_over(run);
}

static bool run_turns(struct scxml_run *run, const struct scxml_action *action, uint32_t loop,
                      uint32_t count)
{
    struct fault fault = { 0 };
    for (uint32_t i = 0; i < count; i++) {
        enum scxml_verdict verdict = run->datamodel->set_item(
            run->session->variables, loop, i, action->foreach.item, action->foreach.index, &fault);
        if (!scxml_succeeded(run, verdict, &fault, nothing, action->place)) return false;
        if (!scxml_run_actions(run, action->foreach.actions)) return false;
    }
    return true;
}

static bool run_foreach(struct scxml_run *run, const struct scxml_action *action)
{
    struct fault fault = { 0 };
    uint32_t loop, count;
    enum scxml_verdict verdict = run->datamodel->begin_loop(
        run->session->variables, action->foreach.array, action->foreach.item, action->foreach.index,
        &loop, &count, &fault);
    if (!scxml_succeeded(run, verdict, &fault, nothing, action->place)) return false;
    bool is_done = run_turns(run, action, loop, count);
    run->datamodel->end_loop(run->session->variables, loop);
    return is_done;
}

static bool run_log(struct scxml_run *run, const struct scxml_action *action)
{
    struct text words = { 0 };
    if (!scxml_text_of(run, words, action->log.expr, nothing, action->place, &words)) return false;
    struct scxml_effect *effect = scxml_effect_add(run->effects, SCXML_DO_LOG);
    effect->log.label = action->log.label;
    effect->log.words = words;
    effect->log.level = action->log.level;
    effect->log.place = action->place;
    return true;
}

static bool run_assign(struct scxml_run *run, const struct scxml_action *action)
{
    struct fault fault = { 0 };
    struct scxml_variables *variables = run->session->variables;
    enum scxml_verdict verdict = action->assign.expr != SCXML_NONE
                                     ? run->datamodel->assign(variables, action->assign.location,
                                                              action->assign.expr, &fault)
                                     : run->datamodel->assign_payload(variables,
                                                                      action->assign.location,
                                                                      &action->assign.body, &fault);
    return scxml_succeeded(run, verdict, &fault, nothing, action->place);
}

static bool run_script(struct scxml_run *run, const struct scxml_action *action)
{
    struct fault fault = { 0 };
    enum scxml_verdict verdict =
        run->datamodel->run(run->session->variables, action->script, &fault);
    return scxml_succeeded(run, verdict, &fault, nothing, action->place);
}

bool scxml_run_actions(struct scxml_run *run, const struct scxml_action *actions)
{
    static bool (*const runs[])(struct scxml_run *, const struct scxml_action *) = {
        [SCXML_RAISE] = run_raise,         [SCXML_IF] = run_if,
        [SCXML_FOREACH] = run_foreach,     [SCXML_LOG] = run_log,
        [SCXML_ASSIGN] = run_assign,       [SCXML_RUN] = run_script,
        [SCXML_SEND] = scxml_run_send,     [SCXML_CANCEL] = scxml_run_cancel,
        [SCXML_MODULE] = scxml_run_module,
    };
    for (; actions; actions = actions->next)
        if (!scxml_may_go_on(run) || !runs[actions->kind](run, actions)) return false;
    return true;
}

void scxml_run_blocks(struct scxml_run *run, const struct scxml_block *blocks)
{
    for (; blocks && !scxml_is_over(run); blocks = blocks->next)
        (void)scxml_run_actions(run, blocks->actions);
}
