/* SPDX-License-Identifier: Apache-2.0 */
/* Invocations: begun when the macrostep that entered their state has ended with the state still
 * active, cancelled when it is left. */
#include "scxml/step_private.h"

#include <stdlib.h>

void scxml_mark_invokes(struct scxml_run *run, uint32_t state)
{
    if (run->to_invoke == NULL)
        run->to_invoke =
            scope_alloc_array(run->effects->scope, run->plan->words, sizeof *run->to_invoke);
    scxml_set_add(run->to_invoke, state);
    run->has_to_invoke = true;
}

void scxml_unmark_invokes(struct scxml_run *run, uint32_t from, uint32_t to)
{
    scxml_set_clear(run->to_invoke, from, to);
}

/* --- start ------------------------------------------------------------------------------------ */

static bool find_id(struct scxml_run *run, const struct scxml_invoke *invoke, struct text *id)
{
    *id = invoke->id;
    if (id->len) return true;
    *id = scxml_fresh_id(run, run->document->states[invoke->state].id);
    return invoke->id_location == SCXML_NONE ||
           scxml_store_text(run, invoke->id_location, *id, invoke->place);
}

static void start(struct scxml_run *run, const struct scxml_invoke *invoke)
{
    struct scxml_invocation what = { .is_autoforward = invoke->is_autoforward,
                                     .place = invoke->place };
    struct scxml_loaded loaded;
    const struct text none = { 0 };
    if (run->session->invoke_count >= SCXML_INVOKES_MAX) {
        scxml_raise_error(run, "error.execution", none, invoke->place,
                          "the session has too many invocations");
        return;
    }
    if (!find_id(run, invoke, &what.id) ||
        !scxml_text_of(run, invoke->type, invoke->type_expr, none, invoke->place, &what.type) ||
        !scxml_text_of(run, invoke->src, invoke->src_expr, none, invoke->place, &what.src) ||
        !scxml_evaluate_cargo(run, &invoke->cargo, none, &loaded))
        return;
    what.pairs = loaded.pairs;
    if (loaded.has_content) what.content = loaded.data;
    scxml_invoke_add(run->session, invoke->index, what.id);
    scxml_effect_add(run->effects, SCXML_DO_INVOKE)->invoke = what;
}

void scxml_start_invokes(struct scxml_run *run)
{
    if (!run->has_to_invoke) return;
    uint32_t state = 0;
    while ((state = scxml_set_first(run->to_invoke, run->to_invoke, state,
                                    run->document->state_count)) != SCXML_NONE) {
        const struct scxml_invoke *invoke = run->document->states[state].invokes;
        for (; invoke && scxml_may_go_on(run); invoke = invoke->next) start(run, invoke);
        scxml_set_remove(run->to_invoke, state);
    }
    run->has_to_invoke = false;
}

/* --- end -------------------------------------------------------------------------------------- */

void scxml_cancel_invokes(struct scxml_run *run, uint32_t state)
{
    struct scxml_active_invoke *invoke;
    while ((invoke = scxml_invoke_take(run->session, state)) != NULL) {
        scxml_effect_add(run->effects, SCXML_DO_UNINVOKE)->uninvoke_id =
            scope_keep(run->effects->scope, invoke->id);
        free(invoke);
    }
}

/* --- events ----------------------------------------------------------------------------------- */

/* `*copy` is made for the first one; all share it. */
static void forward(struct scxml_run *run, struct text id, const struct scxml_event *event,
                    const struct scxml_event **copy)
{
    struct scope *scope = run->effects->scope;
    if (*copy == NULL) {
        struct scxml_event *kept = scope_alloc(scope, sizeof *kept);
        *kept = scxml_event_keep(scope, event);
        *copy = kept;
    }
    struct scxml_effect *effect = scxml_effect_add(run->effects, SCXML_DO_FORWARD);
    effect->forward.invoke_id = scope_keep(scope, id);
    effect->forward.event = **copy;
}

void scxml_give_to_invokes(struct scxml_run *run, const struct scxml_event *event)
{
    const struct scxml_event *copy = NULL;
    struct scxml_active_invoke *active = run->session->invokes;
    for (; active && !scxml_is_over(run); active = active->next) {
        const struct scxml_invoke *invoke = run->document->invokes[active->index];
        if (event->invoke_id.len && text_eq(event->invoke_id, active->id))
            scxml_run_blocks(run, invoke->finalize);
        if (invoke->is_autoforward) forward(run, active->id, event, &copy);
    }
}
