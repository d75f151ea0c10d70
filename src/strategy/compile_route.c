/* SPDX-License-Identifier: Apache-2.0 */
/* A route: a compound state with one state for each step and one for the delivery. All steps wait
 * in one place of the line: a step's time-out does not leave the queue, the next step adds its
 * targets to those that are waited for, or clears them (spec interaction, 10.3). */
#include "strategy/compile_private.h"
#include "strategy/words.h"

static struct text step_id(struct compiler *compiler, struct text id, uint32_t step)
{
    return scope_format(compiler->work, "%.*s_step_%u", TEXT_ARG(id), step);
}

static struct text delivery_id(struct compiler *compiler, struct text id)
{
    return scope_format(compiler->work, "%.*s_deliver", TEXT_ARG(id));
}

static const char *target_type(const struct target *target)
{
    static const char *const types[] = { [TARGET_AGENT] = "agent",
                                         [TARGET_GROUP] = "agentgroup",
                                         [TARGET_PLACE] = "place",
                                         [TARGET_PLACE_GROUP] = "placegroup",
                                         [TARGET_SKILL] = "skill" };
    return types[target->kind];
}

static void emit_targets(struct compiler *compiler, const struct target *targets)
{
    for (const struct target *at = targets; at != NULL; at = at->next) {
        if (at == targets) {
            emit_open(&compiler->xml, "queue:targets",
                      ATTRIBUTES({ "type", text_of(target_type(at)) }));
        }
        struct text threshold = at->when ? compile_threshold(compiler, at->when)
                                         : (struct text){ 0 };
        emit_empty(&compiler->xml, "queue:target",
                   ATTRIBUTES({ "name", compile_text(compiler, at->name.text) },
                              { "threshold", threshold }));
        bool is_last = at->next == NULL;
        if (is_last || at->next->kind != at->kind) emit_close(&compiler->xml, "queue:targets");
        if (!is_last && at->next->kind != at->kind)
            emit_open(&compiler->xml, "queue:targets",
                      ATTRIBUTES({ "type", text_of(target_type(at->next)) }));
    }
}

static void emit_submit(struct compiler *compiler, const struct route *route,
                        const struct route_step *step, bool is_first)
{
    struct text timeout = scope_format(compiler->work, "%llu", (unsigned long long)step->timeout_s);
    bool has_order = route->by.text.len > 0;
    emit_open(&compiler->xml, "queue:submit",
              ATTRIBUTES({ "requestid", TEXT("run.request") },
                         { "interactionid", TEXT("ixn.InteractionId") }, { "route", TEXT("false") },
                         { "priority", TEXT("run.priority") }, { "timeout", timeout },
                         { "clearontimeout", step->next ? TEXT("false") : TEXT("true") },
                         { "cleartargets", is_first         ? (struct text){ 0 }
                                           : step->is_clear ? TEXT("true")
                                                            : TEXT("false") },
                         { "ordertype", !has_order         ? (struct text){ 0 }
                                        : route->is_by_max ? TEXT("'max'")
                                                           : TEXT("'min'") },
                         { "orderstat", has_order ? compile_text(compiler, route->by.text)
                                                  : (struct text){ 0 } }));
    emit_targets(compiler, step->targets);
    emit_close(&compiler->xml, "queue:submit");
}

static void emit_step(struct compiler *compiler, const struct statement *statement,
                      const struct route_step *step, uint32_t number, struct text otherwise)
{
    struct text id = statement_id(compiler, statement);
    emit_open(&compiler->xml, "state", ATTRIBUTES({ "id", step_id(compiler, id, number) }));
    begin_entry(compiler, step->place);
    if (number == 1 && compiler->has_changes) emit_changes(compiler);
    emit_submit(compiler, statement->route, step, number == 1);
    end_entry(compiler);
    USE(compiler, GET);
    USE(compiler, OURS);
    USE(compiler, MINE);
    emit_open(&compiler->xml, "transition",
              ATTRIBUTES({ "event", TEXT("queue.submit.done") }, { "cond", TEXT("ours(_event)") },
                         { "target", delivery_id(compiler, id) }));
    emit_empty(&compiler->xml, "assign",
               ATTRIBUTES({ "location", TEXT("run.resource") },
                          { "expr", TEXT("get(_event.data, 'resource')") }));
    emit_close(&compiler->xml, "transition");
    if (step->next != NULL || otherwise.len > 0)
        emit_transition(compiler, "error.queue.submit",
                        "mine(_event) && _event.data.error === 'timeout'",
                        step->next ? step_id(compiler, id, number + 1) : otherwise);
    end_state(compiler);
}

static struct text queues(struct compiler *compiler, const struct route *route)
{
    struct text done = compile_text(compiler, route->done_queue.text),
                reply = compile_text(compiler, route->reply_queue.text);
    bool has_done = route->done_queue.text.len > 0, has_reply = route->reply_queue.text.len > 0;
    if (!has_done && !has_reply) return (struct text){ 0 };
    if (!has_done) return scope_format(compiler->work, "{ OutQueues: [%.*s] }", TEXT_ARG(reply));
    if (!has_reply) return scope_format(compiler->work, "{ InQueues: [%.*s] }", TEXT_ARG(done));
    return scope_format(compiler->work, "{ InQueues: [%.*s], OutQueues: [%.*s] }", TEXT_ARG(done),
                        TEXT_ARG(reply));
}

static void emit_delivery(struct compiler *compiler, const struct statement *statement)
{
    struct text id = delivery_id(compiler, statement_id(compiler, statement));
    USE(compiler, ENDING);
    USE(compiler, GIVEN_BACK);
    emit_open(&compiler->xml, "state", ATTRIBUTES({ "id", id }));
    begin_entry(compiler, statement->place);
    emit_script(compiler, TEXT("ending()"));
    emit_changes(compiler);
    emit_empty(&compiler->xml, "ixn:redirect",
               ATTRIBUTES({ "requestid", TEXT("run.request") },
                          { "interactionid", TEXT("ixn.InteractionId") },
                          { "to", TEXT("run.resource") }, { "type", TEXT("'agent'") },
                          { "hints", queues(compiler, statement->route) }));
    end_entry(compiler);
    emit_transition(compiler, "interaction.redirect.done", "mine(_event)", TEXT("ended"));
    emit_transition(compiler, "error.interaction.redirect", "mine(_event) && given_back(_event)",
                    TEXT("given_back"));
    end_state(compiler);
}

/* --- a priority that grows while the interaction waits --- */

static bool has_schedule(const struct block *block)
{
    for (const struct statement *at = block->first; at != NULL; at = at->next) {
        if (at->schedule.every_s > 0) return true;
        for (const struct branch *branch = at->branches; branch != NULL; branch = branch->next)
            if (has_schedule(&branch->block)) return true;
        if (has_schedule(&at->body)) return true;
        if (at->on_error != NULL && has_schedule(at->on_error)) return true;
        if (at->route != NULL && at->route->otherwise != NULL && has_schedule(at->route->otherwise))
            return true;
    }
    return false;
}

/* Some strategy or subroutine of the program has one: a run may pass through several. */
static bool may_grow(const struct program *program)
{
    for (const struct strategy *at = program->strategies; at != NULL; at = at->next)
        if (has_schedule(&at->block)) return true;
    return false;
}

static void emit_timer(struct compiler *compiler, const char *condition, struct text timer)
{
    emit_open(&compiler->xml, "if", ATTRIBUTES({ "cond", text_of(condition) }));
    emit_empty(&compiler->xml, "send",
               ATTRIBUTES({ "id", timer }, { "event", TEXT("priority.due") },
                          { "delayexpr", TEXT("run.raise.every + 's'") }));
    emit_close(&compiler->xml, "if");
}

static void emit_growth(struct compiler *compiler, struct text id)
{
    struct text timer = scope_format(compiler->work, "%.*s_priority", TEXT_ARG(id));
    USE(compiler, RAISE);
    emit_open(&compiler->xml, "onentry", NO_ATTRIBUTES);
    emit_timer(compiler, "run.raise !== null", timer);
    emit_close(&compiler->xml, "onentry");
    emit_open(&compiler->xml, "onexit", NO_ATTRIBUTES);
    emit_empty(&compiler->xml, "cancel", ATTRIBUTES({ "sendid", timer }));
    emit_close(&compiler->xml, "onexit");
    emit_open(&compiler->xml, "transition", ATTRIBUTES({ "event", TEXT("priority.due") }));
    emit_script(compiler, TEXT("raise()"));
    emit_empty(
        &compiler->xml, "queue:update",
        ATTRIBUTES({ "requestid", TEXT("run.request") }, { "priority", TEXT("run.priority") }));
    emit_timer(compiler, "run.priority < run.raise.max", timer);
    emit_close(&compiler->xml, "transition");
    emit_comment(&compiler->xml, TEXT("too late: a target was found meanwhile"));
    emit_empty(&compiler->xml, "transition", ATTRIBUTES({ "event", TEXT("error.queue.update") }));
}

void compile_route(struct compiler *compiler, const struct statement *statement)
{
    const struct route *route = statement->route;
    struct text id = statement_id(compiler, statement), otherwise = TEXT("");
    uint32_t number = 0;
    if (route->otherwise != NULL)
        otherwise = block_entry(compiler, route->otherwise, statement->after);
    emit_comment(&compiler->xml, scope_format(compiler->work, "%u: %.*s", statement->place.line,
                                              TEXT_ARG(statement->source)));
    emit_open(&compiler->xml, "state",
              ATTRIBUTES({ "id", id }, { "initial", step_id(compiler, id, 1) }));
    if (may_grow(compiler->program)) emit_growth(compiler, id);
    emit_on_error(compiler, statement);
    for (const struct route_step *step = route->steps; step != NULL; step = step->next)
        emit_step(compiler, statement, step, ++number, otherwise);
    emit_delivery(compiler, statement);
    end_state(compiler);
    if (route->otherwise != NULL) compile_block(compiler, route->otherwise, statement->after);
}
