/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/check.h"

#include "strategy/check_private.h"
#include "strategy/skill.h"
#include "strategy/words.h"

/* --- variables: first who sets them, then who reads them --- */

static void add_variable(struct checker *checker, const struct name *name, bool is_assignment)
{
    if (name->text.len == 0 || table_get(checker->variables, name->text) != NULL) return;
    struct variable *variable = scope_alloc(checker->scope, sizeof *variable);
    *variable = (struct variable){ *name, is_assignment, false };
    table_put(checker->variables, name->text, variable);
}

static void add_names(struct checker *checker, const struct named *names)
{
    for (; names != NULL; names = names->next) add_variable(checker, &names->name, false);
}

static void add_variables(struct checker *checker, const struct block *block)
{
    for (const struct statement *at = block->first; at != NULL; at = at->next) {
        if (at->kind == STATEMENT_ASSIGN) add_variable(checker, &at->name, true);
        add_names(checker, at->results);
        for (const struct branch *branch = at->branches; branch != NULL; branch = branch->next)
            add_variables(checker, &branch->block);
        add_variables(checker, &at->body);
        if (at->on_error != NULL) add_variables(checker, at->on_error);
        if (at->route != NULL && at->route->otherwise != NULL)
            add_variables(checker, at->route->otherwise);
    }
}

/* --- names --- */

static void check_workbin(struct checker *checker, const struct statement *statement)
{
    check_value(checker, statement->value);
    if (program_workbin(checker->program, statement->name.text) != NULL) return;
    struct guess guess = guess_for(statement->name.text);
    for (const struct process *process = checker->program->processes; process != NULL;
         process = process->next)
        for (const struct workbin *at = process->workbins; at != NULL; at = at->next)
            guess_offer(&guess, at->name.text);
    strategy_error(checker->findings, statement->name.place, "there is no workbin '%.*s'%s",
                   TEXT_ARG(statement->name.text), guess_words(&guess));
}

static uint32_t count_values(const struct expression *list)
{
    uint32_t count = 0;
    for (; list != NULL; list = list->next) count++;
    return count;
}

static uint32_t count_names(const struct named *list)
{
    uint32_t count = 0;
    for (; list != NULL; list = list->next) count++;
    return count;
}

static void check_call(struct checker *checker, const struct statement *call)
{
    for (const struct expression *at = call->arguments; at != NULL; at = at->next)
        check_value(checker, at);
    const struct strategy *callee = program_strategy(checker->program, call->name.text);
    if (callee == NULL) {
        struct guess guess = guess_for(call->name.text);
        for (callee = checker->program->strategies; callee != NULL; callee = callee->next)
            if (callee->is_subroutine) guess_offer(&guess, callee->name.text);
        strategy_error(checker->findings, call->name.place, "there is no subroutine '%.*s'%s",
                       TEXT_ARG(call->name.text), guess_words(&guess));
        return;
    }
    if (!callee->is_subroutine) {
        strategy_error(checker->findings, call->name.place,
                       "'%.*s' is a strategy; only subroutines can be called",
                       TEXT_ARG(call->name.text));
        return;
    }
    uint32_t given = count_values(call->arguments), wanted = count_names(callee->parameters),
             taken = count_names(call->results), offered = count_names(callee->results);
    if (given != wanted)
        strategy_error(checker->findings, call->name.place, "'%.*s' takes %u arguments, not %u",
                       TEXT_ARG(call->name.text), wanted, given);
    if (taken > offered)
        strategy_error(checker->findings, call->results->name.place,
                       "'%.*s' returns %u values, not %u", TEXT_ARG(call->name.text), offered,
                       taken);
}

/* --- statements --- */

static void check_result_count(struct checker *checker, const struct statement *statement,
                               uint32_t most, const char *which)
{
    if (count_names(statement->results) > most)
        strategy_error(checker->findings, statement->results->name.place,
                       "'%s' gives at most %u values: %s", statement_word(statement->kind), most,
                       which);
}

static void check_return(struct checker *checker, const struct statement *statement)
{
    uint32_t given = count_values(statement->arguments),
             wanted = count_names(checker->strategy->results);
    for (const struct expression *at = statement->arguments; at != NULL; at = at->next)
        check_value(checker, at);
    if (!checker->strategy->is_subroutine)
        strategy_error(checker->findings, statement->place,
                       "a strategy does not return: route, queue, workbin or stop");
    else if (given != 0 && given != wanted)
        strategy_error(checker->findings, statement->place, "'%.*s' returns %u values, not %u",
                       TEXT_ARG(checker->strategy->name.text), wanted, given);
}

static void check_target(struct checker *checker, const struct target *target)
{
    struct fault fault = { 0 };
    size_t offset;
    check_threshold(checker, target->when);
    if (target->kind != TARGET_SKILL || !skill_check(target->name.text, &offset, &fault)) return;
    struct place place = target->name.place;
    place.column += 1 + (uint32_t)offset;
    strategy_error(checker->findings, place, "skill expression: %s", fault.words);
}

static void check_route(struct checker *checker, const struct statement *statement)
{
    const struct route *route = statement->route;
    for (const struct route_step *step = route->steps; step != NULL; step = step->next)
        for (const struct target *at = step->targets; at != NULL; at = at->next)
            check_target(checker, at);
    check_queue_name(checker, &route->reply_queue);
    check_queue_name(checker, &route->done_queue);
    if (route->otherwise == NULL)
        strategy_warning(checker->findings, statement->place,
                         "without 'otherwise' a route that finds nobody is an error of the "
                         "strategy");
}

static void check_queue_statement(struct checker *checker, const struct statement *statement)
{
    check_queue_name(checker, &statement->name);
    check_value(checker, statement->value);
    if (statement->value != NULL &&
        (statement->value->kind == EXPRESSION_TRUTH ||
         statement->value->kind == EXPRESSION_OPERATION) &&
        statement->value->op < OP_ADD)
        strategy_error(checker->findings, statement->value->place,
                       "wanted a moment or a time, this is true or false");
}

static void check_block(struct checker *checker, const struct block *block);

static void check_loop(struct checker *checker, const struct statement *statement)
{
    if (statement->kind == STATEMENT_WHILE) check_condition(checker, statement->value);
    checker->loops++;
    check_block(checker, &statement->body);
    checker->loops--;
}

static void check_if(struct checker *checker, const struct statement *statement)
{
    for (const struct branch *at = statement->branches; at != NULL; at = at->next) {
        check_condition(checker, at->condition);
        check_block(checker, &at->block);
    }
}

static void check_statement(struct checker *checker, const struct statement *statement)
{
    for (const struct keyed_value *at = statement->pairs; at != NULL; at = at->next)
        check_value(checker, at->value);
    switch (statement->kind) {
    case STATEMENT_IF: check_if(checker, statement); break;
    case STATEMENT_REPEAT:
    case STATEMENT_WHILE: check_loop(checker, statement); break;
    case STATEMENT_BREAK:
        if (checker->loops == 0)
            strategy_error(checker->findings, statement->place, "this 'break' is in no loop");
        break;
    case STATEMENT_CALL: check_call(checker, statement); break;
    case STATEMENT_SCREEN: check_result_count(checker, statement, 3, "matched, rule, id"); break;
    case STATEMENT_CLASSIFY:
        check_result_count(checker, statement, 2, "category, relevance");
        break;
    case STATEMENT_ESP: check_result_count(checker, statement, 1, "all that was answered"); break;
    case STATEMENT_PRIORITY: check_number(checker, statement->value, "a priority"); break;
    case STATEMENT_ROUTE: check_route(checker, statement); break;
    case STATEMENT_QUEUE: check_queue_statement(checker, statement); break;
    case STATEMENT_WORKBIN: check_workbin(checker, statement); break;
    case STATEMENT_RETURN: check_return(checker, statement); break;
    case STATEMENT_ASSIGN:
    case STATEMENT_SET:
    case STATEMENT_SAY:
    case STATEMENT_LOG:
    case STATEMENT_TRANSCRIPT: check_value(checker, statement->value); break;
    case STATEMENT_DELETE:
    case STATEMENT_ACKNOWLEDGE:
    case STATEMENT_RESPOND:
    case STATEMENT_WAIT:
    case STATEMENT_STOP: break;
    }
}

static void check_block(struct checker *checker, const struct block *block)
{
    for (const struct statement *at = block->first; at != NULL; at = at->next) {
        check_statement(checker, at);
        uint32_t loops = checker->loops;
        if (at->on_error != NULL) check_block(checker, at->on_error);
        if (at->route != NULL && at->route->otherwise != NULL)
            check_block(checker, at->route->otherwise);
        checker->loops = loops;
    }
}

static void check_media(struct checker *checker, const struct named *media)
{
    static const char *const known[] = { "email", "chat", "sms", "webcallback", "workitem",
                                         "voice", "fax",  "mms", "callback",    "social" };
    for (; media != NULL; media = media->next) {
        struct guess guess = guess_for(media->name.text);
        guess.distance = media->name.text.len > 4 ? 3 : 2;
        for (size_t i = 0; i < sizeof known / sizeof *known; i++)
            guess_offer(&guess, text_of(known[i]));
        if (guess.best.len > 0 && guess.distance > 0)
            strategy_warning(checker->findings, media->name.place,
                             "'%.*s' is no media type of the product's%s",
                             TEXT_ARG(media->name.text), guess_words(&guess));
    }
}

static void check_strategy(struct checker *checker, const struct strategy *strategy)
{
    checker->strategy = strategy;
    checker->variables = table_new(checker->scope);
    checker->loops = 0;
    add_names(checker, strategy->parameters);
    add_names(checker, strategy->results);
    add_variables(checker, &strategy->block);
    check_media(checker, strategy->media);
    check_block(checker, &strategy->block);
    if (strategy->is_broken) return;
    check_paths(checker);
    struct variable *variable;
    for (size_t at = 0; (variable = table_next(checker->variables, &at)) != NULL;)
        if (variable->is_assignment && !variable->is_read)
            strategy_warning(checker->findings, variable->assigned.place,
                             "nothing reads the variable '%.*s'",
                             TEXT_ARG(variable->assigned.text));
}

/* --- who calls whom --- */

struct calls {
    struct checker *checker;
    struct table *called;
    struct table *depths; /* by name of a subroutine: struct depth */
    uint32_t level;       /* of the call that is looked at */
};

struct depth {
    uint32_t calls; /* the longest chain below; what calls itself counts once: it is bounded when it
                       runs */
    bool is_known;
};

static uint32_t depth_of(struct calls *calls, const struct block *block);

static uint32_t depth_of_call(struct calls *calls, const struct statement *call)
{
    const struct strategy *callee = program_strategy(calls->checker->program, call->name.text);
    if (callee == NULL || !callee->is_subroutine) return 0;
    table_put(calls->called, callee->name.text, (void *)(uintptr_t)callee);
    struct depth *depth = table_get(calls->depths, callee->name.text);
    if (depth == NULL && calls->level == STRATEGY_CALLS_MAX) return STRATEGY_CALLS_MAX + 1;
    if (depth == NULL) {
        depth = scope_alloc(calls->checker->scope, sizeof *depth);
        table_put(calls->depths, callee->name.text, depth);
        calls->level++;
        depth->calls = depth_of(calls, &callee->block);
        calls->level--;
        depth->is_known = true;
    }
    uint32_t deep = depth->is_known ? depth->calls + 1 : 1;
    if (deep > STRATEGY_CALLS_MAX)
        strategy_error(calls->checker->findings, call->place, "calls in each other deeper than %d",
                       STRATEGY_CALLS_MAX);
    return deep;
}

static uint32_t deeper(uint32_t a, uint32_t b)
{
    return a > b ? a : b;
}

static uint32_t depth_of(struct calls *calls, const struct block *block)
{
    uint32_t deep = 0;
    for (const struct statement *at = block->first; at != NULL; at = at->next) {
        if (at->kind == STATEMENT_CALL) deep = deeper(deep, depth_of_call(calls, at));
        for (const struct branch *branch = at->branches; branch != NULL; branch = branch->next)
            deep = deeper(deep, depth_of(calls, &branch->block));
        deep = deeper(deep, depth_of(calls, &at->body));
        if (at->on_error != NULL) deep = deeper(deep, depth_of(calls, at->on_error));
        if (at->route != NULL && at->route->otherwise != NULL)
            deep = deeper(deep, depth_of(calls, at->route->otherwise));
    }
    return deep;
}

static void check_calls(struct checker *checker)
{
    struct calls calls = { checker, table_new(checker->scope), table_new(checker->scope) };
    for (const struct strategy *at = checker->program->strategies; at != NULL; at = at->next)
        (void)depth_of(&calls, &at->block);
    for (const struct strategy *at = checker->program->strategies; at != NULL; at = at->next)
        if (at->is_subroutine && table_get(calls.called, at->name.text) == NULL)
            strategy_warning(checker->findings, at->name.place, "nobody calls '%.*s'",
                             TEXT_ARG(at->name.text));
}

void strategy_check(const struct program *program, struct scope *scope,
                    struct strategy_findings *findings)
{
    struct checker checker = { .program = program, .scope = scope, .findings = findings };
    check_processes(&checker);
    for (const struct strategy *at = program->strategies; at != NULL; at = at->next)
        check_strategy(&checker, at);
    check_calls(&checker);
}
