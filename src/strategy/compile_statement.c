/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/compile_private.h"
#include "strategy/expression.h"

/* --- states --- */

/* After so many statements a step of its own: a macrostep is bounded (orchestration 3.5). */
enum { STATEMENTS_PER_MACROSTEP = 100 };

void begin_state(struct compiler *compiler, struct text id, struct text source, struct place place)
{
    emit_comment(&compiler->xml,
                 scope_format(compiler->work, "%u: %.*s", place.line, TEXT_ARG(source)));
    emit_open(&compiler->xml, "state", ATTRIBUTES({ "id", id }));
}

void begin_entry(struct compiler *compiler, struct place place)
{
    USE(compiler, AT);
    emit_open(&compiler->xml, "onentry", NO_ATTRIBUTES);
    emit_script(compiler, scope_format(compiler->work, "at(%u)", place.line));
}

void end_entry(struct compiler *compiler)
{
    emit_close(&compiler->xml, "onentry");
}

void end_state(struct compiler *compiler)
{
    emit_close(&compiler->xml, "state");
}

void emit_script(struct compiler *compiler, struct text code)
{
    emit_text(&compiler->xml, "script", NO_ATTRIBUTES, code);
}

void emit_next(struct compiler *compiler)
{
    bool is_pause = ++compiler->statement_count % STATEMENTS_PER_MACROSTEP == 0;
    emit_empty(&compiler->xml, is_pause ? "send" : "raise", ATTRIBUTES({ "event", TEXT("next") }));
}

void emit_transition(struct compiler *compiler, const char *event, const char *cond,
                     struct text target)
{
    emit_empty(&compiler->xml, "transition",
               ATTRIBUTES({ "event", text_of(event) },
                          { "cond", cond ? text_of(cond) : (struct text){ 0 } },
                          { "target", target }));
}

static void emit_assign(struct compiler *compiler, struct text location, struct text value)
{
    emit_empty(&compiler->xml, "assign", ATTRIBUTES({ "location", location }, { "expr", value }));
}

void emit_on_error(struct compiler *compiler, const struct statement *statement)
{
    if (statement->on_error == NULL) return;
    struct text target = block_entry(compiler, statement->on_error, statement->after);
    USE(compiler, REASON);
    USE(compiler, FAULT);
    emit_open(&compiler->xml, "transition",
              ATTRIBUTES({ "event", TEXT("error") }, { "cond", TEXT("fault(_event)") },
                         { "target", target }));
    emit_assign(compiler, TEXT("run.error"), TEXT("reason(_event)"));
    emit_close(&compiler->xml, "transition");
}

/* --- ids --- */

static struct text id_of(struct compiler *compiler, const char *word, struct place place,
                         uint32_t number)
{
    return number < 2 ? scope_format(compiler->work, "%s_%u", word, place.line)
                      : scope_format(compiler->work, "%s_%u_%u", word, place.line, number);
}

struct text statement_id(struct compiler *compiler, const struct statement *statement)
{
    return id_of(compiler, statement_word(statement->kind), statement->place, statement->id);
}

static struct text branch_id(struct compiler *compiler, const struct branch *branch)
{
    return id_of(compiler, "if", branch->place, branch->id);
}

static struct text question_id(struct compiler *compiler, struct text id, uint32_t number)
{
    return number == 1 ? scope_format(compiler->work, "%.*s_ask", TEXT_ARG(id))
                       : scope_format(compiler->work, "%.*s_ask_%u", TEXT_ARG(id), number);
}

/* Where a statement begins: with its questions, if it has any. A while asks in each round. */
static struct text statement_entry(struct compiler *compiler, const struct statement *statement)
{
    struct text id = statement->kind == STATEMENT_IF ? branch_id(compiler, statement->branches)
                                                     : statement_id(compiler, statement);
    uint32_t questions = statement->kind == STATEMENT_IF ? statement->branches->question_count
                                                         : statement->question_count;
    return questions > 0 && statement->kind != STATEMENT_WHILE ? question_id(compiler, id, 1) : id;
}

struct text block_entry(struct compiler *compiler, const struct block *block, struct text after)
{
    return block->first != NULL ? statement_entry(compiler, block->first) : after;
}

/* --- questions to the platform: stat(), open() --- */

/* In the state before, since a script cannot wait for an answer. */
static void emit_questions_in(struct compiler *compiler, const struct expression *expression,
                              struct text id, struct place place, uint32_t count, struct text next,
                              const struct statement *owner);

static void emit_question(struct compiler *compiler, const struct expression *call, struct text id,
                          struct place place, uint32_t count, struct text next,
                          const struct statement *owner)
{
    bool is_stat = call->function == CALL_STAT;
    uint32_t number = call->answer + 1;
    struct text question = question_id(compiler, id, number);
    struct text target = number == count ? next : question_id(compiler, id, number + 1);
    struct text first = compile_value(compiler, call->arguments, TYPE_TEXT);
    begin_state(compiler, question,
                is_stat ? TEXT("ask for the statistic") : TEXT("ask whether it is open"), place);
    begin_entry(compiler, place);
    if (is_stat)
        emit_empty(
            &compiler->xml, "statistic:query",
            ATTRIBUTES({ "requestid", TEXT("run.request") },
                       { "interactionid", TEXT("ixn.InteractionId") }, { "statistic", first },
                       { "object", compile_value(compiler, call->arguments->next, TYPE_TEXT) }));
    else
        emit_empty(&compiler->xml, "resource:isopen",
                   ATTRIBUTES({ "requestid", TEXT("run.request") },
                              { "interactionid", TEXT("ixn.InteractionId") },
                              { "calendar", first }));
    end_entry(compiler);
    USE(compiler, MINE);
    USE(compiler, GET);
    emit_open(&compiler->xml, "transition",
              ATTRIBUTES({ "event",
                           is_stat ? TEXT("statistic.query.done") : TEXT("resource.isopen.done") },
                         { "cond", TEXT("mine(_event)") }, { "target", target }));
    emit_assign(compiler, scope_format(compiler->work, "answers[%u]", call->answer),
                is_stat ? TEXT("get(_event.data, 'value')") : TEXT("get(_event.data, 'open')"));
    emit_close(&compiler->xml, "transition");
    if (owner != NULL) emit_on_error(compiler, owner);
    end_state(compiler);
    compiler->asks = true;
}

static void emit_questions_in(struct compiler *compiler, const struct expression *expression,
                              struct text id, struct place place, uint32_t count, struct text next,
                              const struct statement *owner)
{
    for (; expression != NULL; expression = expression->next) {
        if (expression->left)
            emit_questions_in(compiler, expression->left, id, place, count, next, owner);
        if (expression->right)
            emit_questions_in(compiler, expression->right, id, place, count, next, owner);
        emit_questions_in(compiler, expression->arguments, id, place, count, next, owner);
        if (expression->kind == EXPRESSION_CALL &&
            (expression->function == CALL_STAT || expression->function == CALL_OPEN))
            emit_question(compiler, expression, id, place, count, next, owner);
    }
}

static void emit_questions(struct compiler *compiler, const struct statement *statement,
                           struct text next)
{
    if (statement->question_count == 0) return;
    struct text id = statement_id(compiler, statement);
    uint32_t count = statement->question_count;
    emit_questions_in(compiler, statement->value, id, statement->place, count, next, statement);
    emit_questions_in(compiler, statement->arguments, id, statement->place, count, next, statement);
    for (const struct keyed_value *at = statement->pairs; at != NULL; at = at->next)
        emit_questions_in(compiler, at->value, id, statement->place, count, next, statement);
}

/* --- statements that happen here --- */

static void compile_assign(struct compiler *compiler, const struct statement *statement)
{
    struct text value = compile_value(compiler, statement->value, TYPE_ANY);
    emit_assign(compiler, scope_format(compiler->work, "my.%.*s", TEXT_ARG(statement->name.text)),
                value);
}

static void compile_set(struct compiler *compiler, const struct statement *statement)
{
    struct text key = compile_text(compiler, statement->name.text);
    if (statement->kind == STATEMENT_DELETE) {
        USE(compiler, REMOVE);
        emit_script(compiler, scope_format(compiler->work, "remove(%.*s)", TEXT_ARG(key)));
        return;
    }
    USE(compiler, SET);
    struct text value = compile_value(compiler, statement->value, TYPE_ANY);
    emit_script(compiler,
                scope_format(compiler->work, "set(%.*s, %.*s)", TEXT_ARG(key), TEXT_ARG(value)));
}

static void compile_priority(struct compiler *compiler, const struct statement *statement)
{
    struct text value = compile_value(compiler, statement->value, TYPE_NUMBER);
    struct text raise = TEXT("null");
    USE(compiler, RANK);
    if (statement->schedule.every_s > 0)
        raise = scope_format(compiler->work, "{ every: %llu, add: %lld, max: %lld }",
                             (unsigned long long)statement->schedule.every_s,
                             (long long)statement->schedule.add,
                             (long long)statement->schedule.max);
    emit_script(compiler,
                scope_format(compiler->work, "rank(%.*s, %.*s)", TEXT_ARG(value), TEXT_ARG(raise)));
}

static void compile_log(struct compiler *compiler, const struct statement *statement)
{
    struct text value = compile_value(compiler, statement->value, TYPE_TEXT);
    emit_empty(&compiler->xml, "log",
               ATTRIBUTES({ "label", compiler->strategy->name.text }, { "expr", value }));
}

/* assign, set, delete, priority, log, break */
static void compile_local(struct compiler *compiler, const struct statement *statement,
                          struct text next)
{
    begin_state(compiler, statement_id(compiler, statement), statement->source, statement->place);
    begin_entry(compiler, statement->place);
    if (statement->kind == STATEMENT_ASSIGN) compile_assign(compiler, statement);
    if (statement->kind == STATEMENT_SET || statement->kind == STATEMENT_DELETE)
        compile_set(compiler, statement);
    if (statement->kind == STATEMENT_PRIORITY) compile_priority(compiler, statement);
    if (statement->kind == STATEMENT_LOG) compile_log(compiler, statement);
    emit_next(compiler);
    end_entry(compiler);
    emit_transition(compiler, "next", NULL,
                    statement->kind == STATEMENT_BREAK ? compiler->loop_end : next);
    end_state(compiler);
}

static void compile_wait(struct compiler *compiler, const struct statement *statement,
                         struct text next)
{
    struct text delay =
        scope_format(compiler->work, "%llus", (unsigned long long)statement->seconds);
    begin_state(compiler, statement_id(compiler, statement), statement->source, statement->place);
    begin_entry(compiler, statement->place);
    emit_empty(&compiler->xml, "send",
               ATTRIBUTES({ "event", TEXT("wait.over") }, { "delay", delay }));
    end_entry(compiler);
    emit_transition(compiler, "wait.over", NULL, next);
    end_state(compiler);
}

/* --- if --- */

/* Where it goes on when the branch does not hold. */
static struct text entry_behind(struct compiler *compiler, const struct branch *branch,
                                struct text after)
{
    const struct branch *other = branch->next;
    if (other == NULL) return after;
    if (other->condition == NULL) return block_entry(compiler, &other->block, after);
    struct text id = branch_id(compiler, other);
    return other->question_count > 0 ? question_id(compiler, id, 1) : id;
}

static void compile_condition(struct compiler *compiler, const struct branch *branch,
                              struct text after)
{
    struct text id = branch_id(compiler, branch);
    emit_questions_in(compiler, branch->condition, id, branch->place, branch->question_count, id,
                      NULL);
    struct text condition = compile_value(compiler, branch->condition, TYPE_TRUTH);
    begin_state(compiler, id, branch->source, branch->place);
    begin_entry(compiler, branch->place);
    emit_assign(compiler, TEXT("run.holds"), condition);
    emit_next(compiler);
    end_entry(compiler);
    emit_transition(compiler, "next", "run.holds", block_entry(compiler, &branch->block, after));
    emit_transition(compiler, "next", NULL, entry_behind(compiler, branch, after));
    end_state(compiler);
}

static void compile_branches(struct compiler *compiler, const struct branch *branches,
                             struct text after)
{
    for (const struct branch *at = branches; at != NULL; at = at->next) {
        if (at->condition != NULL) compile_condition(compiler, at, after);
        compile_block(compiler, &at->block, after);
    }
}

/* --- loops --- */

/* The statement's own state sets the counter; each round begins in `..._again`, in a macrostep of
 * its own. */
static void compile_loop(struct compiler *compiler, const struct statement *statement,
                         struct text after)
{
    struct text id = statement_id(compiler, statement);
    struct text again = scope_format(compiler->work, "%.*s_again", TEXT_ARG(id));
    struct text count = scope_format(compiler->work, "rounds.%.*s", TEXT_ARG(id));
    struct text entry = statement->question_count > 0 ? question_id(compiler, id, 1) : again;
    bool is_while = statement->kind == STATEMENT_WHILE;
    compiler->has_loops = true;

    begin_state(compiler, id, statement->source, statement->place);
    begin_entry(compiler, statement->place);
    emit_assign(compiler, count, TEXT("0"));
    emit_next(compiler);
    end_entry(compiler);
    emit_transition(compiler, "next", NULL, entry);
    end_state(compiler);

    emit_questions_in(compiler, statement->value, id, statement->place, statement->question_count,
                      again, NULL);
    struct text holds = is_while ? compile_value(compiler, statement->value, TYPE_TRUTH)
                                 : TEXT("true");
    begin_state(compiler, again, TEXT("each round"), statement->place);
    begin_entry(compiler, statement->place);
    emit_assign(compiler, TEXT("run.holds"), holds);
    emit_assign(compiler, count, scope_format(compiler->work, "%.*s + 1", TEXT_ARG(count)));
    emit_empty(&compiler->xml, "send", ATTRIBUTES({ "event", TEXT("next") }));
    end_entry(compiler);
    emit_transition(compiler, "next",
                    scope_format(compiler->work, "run.holds && %.*s <= %lld", TEXT_ARG(count),
                                 (long long)statement->number)
                        .at,
                    block_entry(compiler, &statement->body, entry));
    emit_transition(compiler, "next", NULL, after);
    end_state(compiler);

    struct text outer = compiler->loop_end;
    compiler->loop_end = after;
    compile_block(compiler, &statement->body, entry);
    compiler->loop_end = outer;
}

/* --- blocks --- */

static void compile_statement(struct compiler *compiler, struct statement *statement,
                              struct text next)
{
    statement->after = next;
    if (statement->kind != STATEMENT_WHILE)
        emit_questions(compiler, statement, statement_id(compiler, statement));
    switch (statement->kind) {
    case STATEMENT_ASSIGN:
    case STATEMENT_SET:
    case STATEMENT_DELETE:
    case STATEMENT_BREAK:
    case STATEMENT_PRIORITY:
    case STATEMENT_LOG: compile_local(compiler, statement, next); break;
    case STATEMENT_IF: compile_branches(compiler, statement->branches, next); break;
    case STATEMENT_REPEAT:
    case STATEMENT_WHILE: compile_loop(compiler, statement, next); break;
    case STATEMENT_WAIT: compile_wait(compiler, statement, next); break;
    case STATEMENT_CALL: compile_call(compiler, statement, next); break;
    case STATEMENT_SCREEN:
    case STATEMENT_CLASSIFY:
    case STATEMENT_ACKNOWLEDGE:
    case STATEMENT_RESPOND:
    case STATEMENT_SAY:
    case STATEMENT_TRANSCRIPT:
    case STATEMENT_ESP: compile_esp(compiler, statement, next); break;
    case STATEMENT_ROUTE: compile_route(compiler, statement); break;
    case STATEMENT_QUEUE:
    case STATEMENT_WORKBIN:
    case STATEMENT_STOP:
    case STATEMENT_RETURN: compile_end(compiler, statement); break;
    }
    if (statement->on_error != NULL) compile_block(compiler, statement->on_error, next);
}

static bool ends_here(const struct statement *statement)
{
    return statement_is_end(statement) || statement->kind == STATEMENT_BREAK;
}

void compile_block(struct compiler *compiler, const struct block *block, struct text after)
{
    for (struct statement *at = block->first; at != NULL; at = at->next) {
        struct text next = at->next ? statement_entry(compiler, at->next) : after;
        compile_statement(compiler, at, next);
        if (ends_here(at)) break; /* nothing comes behind it */
    }
}
