/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/parser_private.h"
#include "strategy/words.h"

static bool parse_results(struct parser *parser, struct named **out)
{
    return !parser_take_sign(parser, "->") || parser_expect_names(parser, out);
}

/* --- one statement each, its first word taken --- */

static bool parse_assign(struct parser *parser, struct statement *out)
{
    return parser_expect_sign(parser, "=") && parse_expression(parser, &out->value);
}

/* Key, "a key", data.Key. */
static bool parse_data_key(struct parser *parser, struct name *out)
{
    if (parser_take_word(parser, "data") && !parser_expect_sign(parser, ".")) return false;
    if (parser_is_word(parser, "ixn")) {
        strategy_error(parser->findings, parser->at->place,
                       "properties of the interaction cannot be set, only its data; "
                       "priority has its own statement");
        return false;
    }
    return parse_key(parser, out);
}

static bool parse_set(struct parser *parser, struct statement *out)
{
    return parse_data_key(parser, &out->name) && parser_expect_sign(parser, "=") &&
           parse_expression(parser, &out->value);
}

static bool parse_delete(struct parser *parser, struct statement *out)
{
    return parse_data_key(parser, &out->name);
}

/* Behind a head that may be wrong: its block, if one begins before the next statement. */
static bool parse_block_anyway(struct parser *parser, bool is_head_fine, struct block *out)
{
    if (!is_head_fine)
        while (parser->at->kind != TOKEN_END && !parser->at->is_first &&
               !parser_is_sign(parser, "{") && !parser_is_sign(parser, "}"))
            parser->at++;
    if (!is_head_fine && !parser_is_sign(parser, "{")) return false;
    return parse_block(parser, out);
}

static struct text source_from(const struct token *begin, const struct token *end)
{
    struct text last = end[-1].source;
    return (struct text){ begin->source.at, (size_t)(last.at + last.len - begin->source.at) };
}

static bool parse_branch(struct parser *parser, const struct token *begin, bool has_condition,
                         struct branch **out)
{
    struct branch *branch = scope_alloc(parser->scope, sizeof *branch);
    branch->place = begin->place;
    bool is_fine = !has_condition || parse_expression(parser, &branch->condition);
    if (!is_fine) branch->condition = NULL; /* half of one is of no use */
    branch->source = source_from(begin, parser->at);
    *out = branch;
    return parse_block_anyway(parser, is_fine, &branch->block);
}

static bool parse_if(struct parser *parser, struct statement *out)
{
    struct branch **end = &out->branches;
    const struct token *begin = parser->at - 1;
    for (bool has_condition = true;;) {
        if (!parse_branch(parser, begin, has_condition, end)) return false;
        end = &(*end)->next;
        begin = parser->at;
        if (!has_condition || !parser_take_word(parser, "else")) return true;
        has_condition = parser_take_word(parser, "if");
    }
}

static bool parse_repeat(struct parser *parser, struct statement *out)
{
    bool is_fine =
        parser_expect_integer(parser, "a number of rounds", 1, STRATEGY_STEPS_MAX, &out->number);
    return parse_block_anyway(parser, is_fine, &out->body);
}

static bool parse_while(struct parser *parser, struct statement *out)
{
    bool is_fine = parse_expression(parser, &out->value);
    if (is_fine && parser_is_sign(parser, "{"))
        strategy_error(parser->findings, out->place,
                       "a while needs its bound: while ... max 100 { ... }");
    else
        is_fine = is_fine && parser_expect_word(parser, "max") &&
                  parser_expect_integer(parser, "a number of rounds", 1, STRATEGY_STEPS_MAX,
                                        &out->number);
    if (!is_fine) out->value = NULL;
    return parse_block_anyway(parser, is_fine, &out->body);
}

static bool parse_break(struct parser *parser, struct statement *out)
{
    (void)parser, (void)out;
    return true;
}

static bool parse_call(struct parser *parser, struct statement *out)
{
    return parser_expect_text(parser, "the name of a subroutine", &out->name) &&
           parse_arguments(parser, &out->arguments) && parse_results(parser, &out->results);
}

static bool parse_screen(struct parser *parser, struct statement *out)
{
    if (!parser_take_word(parser, "all") &&
        !parser_expect_text(parser, "the name of a screening rule (or the word all)", &out->name))
        return false;
    return parser_expect_sign(parser, "->") && parser_expect_names(parser, &out->results);
}

static bool parse_classify(struct parser *parser, struct statement *out)
{
    if (!parser_expect_text(parser, "the name of a root category", &out->name)) return false;
    if (parser_take_word(parser, "model") &&
        !parser_expect_text(parser, "the name of a model", &out->service))
        return false;
    if (parser_take_word(parser, "min") &&
        !parser_expect_integer(parser, "a relevance", 0, 100, &out->number))
        return false;
    return parser_expect_sign(parser, "->") && parser_expect_names(parser, &out->results);
}

static bool parse_response(struct parser *parser, struct statement *out)
{
    if (!parser_expect_text(parser, "the name of a standard response", &out->name)) return false;
    if (!parser_take_word(parser, "fields")) return true;
    return parser_expect_sign(parser, "{") && parse_pairs(parser, "}", &out->pairs);
}

static bool parse_value(struct parser *parser, struct statement *out) /* say, log */
{
    return parse_expression(parser, &out->value);
}

static bool parse_transcript(struct parser *parser, struct statement *out)
{
    return parser_expect_word(parser, "to") && parse_expression(parser, &out->value) &&
           parser_expect_word(parser, "response") &&
           parser_expect_text(parser, "the name of a standard response", &out->name);
}

static bool parse_esp(struct parser *parser, struct statement *out)
{
    if (!parser_expect_text(parser, "the name of an application", &out->name) ||
        !parser_expect_text(parser, "the name of a service", &out->service) ||
        !parser_expect_sign(parser, ".") ||
        !parser_expect_text(parser, "the name of a method", &out->method) ||
        !parser_expect_sign(parser, "(") || !parse_pairs(parser, ")", &out->pairs) ||
        !parse_results(parser, &out->results))
        return false;
    return !parser_take_word(parser, "timeout") || parser_expect_time(parser, &out->seconds);
}

static bool parse_wait(struct parser *parser, struct statement *out)
{
    return parser_expect_time(parser, &out->seconds);
}

static bool parse_priority(struct parser *parser, struct statement *out)
{
    enum { PRIORITY_MAX = 1000000 };
    if (!parse_expression(parser, &out->value)) return false;
    if (!parser_take_word(parser, "every")) return true;
    return parser_expect_time(parser, &out->schedule.every_s) &&
           parser_expect_word(parser, "add") &&
           parser_expect_integer(parser, "what is added", 1, PRIORITY_MAX, &out->schedule.add) &&
           parser_expect_word(parser, "max") &&
           parser_expect_integer(parser, "the highest priority", -PRIORITY_MAX, PRIORITY_MAX,
                                 &out->schedule.max);
}

static bool parse_queue(struct parser *parser, struct statement *out)
{
    if (!parser_expect_text(parser, "the name of a queue", &out->name)) return false;
    if (!parser_take_word(parser, "after")) return true;
    if (parser->at->kind == TOKEN_TIME) return parser_expect_time(parser, &out->seconds);
    return parse_expression(parser, &out->value);
}

static bool parse_workbin(struct parser *parser, struct statement *out)
{
    return parser_expect_text(parser, "the name of a workbin", &out->name) &&
           parser_expect_word(parser, "owner") && parse_expression(parser, &out->value);
}

static bool parse_stop(struct parser *parser, struct statement *out)
{
    return parser->at->kind != TOKEN_TEXT || parser_expect_text(parser, "a reason", &out->name);
}

static bool begins_value(const struct parser *parser)
{
    enum statement_kind kind;
    switch (parser->at->kind) {
    case TOKEN_TEXT:
    case TOKEN_NUMBER:
    case TOKEN_TIME: return true;
    case TOKEN_WORD:
        return !statement_of_word(parser->at->text, &kind) && !parser_is_word(parser, "on") &&
               !parser_is_word(parser, "else");
    case TOKEN_SIGN: return parser_is_sign(parser, "(") || parser_is_sign(parser, "-");
    case TOKEN_END: return false;
    }
    return false;
}

static bool parse_return(struct parser *parser, struct statement *out)
{
    if (!begins_value(parser)) return true;
    struct expression **end = &out->arguments;
    do {
        if (!parse_expression(parser, end)) return false;
        end = &(*end)->next;
    } while (parser_take_sign(parser, ","));
    return true;
}

static bool (*const parse_kind[])(struct parser *parser, struct statement *out) = {
    [STATEMENT_ASSIGN] = parse_assign,
    [STATEMENT_SET] = parse_set,
    [STATEMENT_DELETE] = parse_delete,
    [STATEMENT_IF] = parse_if,
    [STATEMENT_REPEAT] = parse_repeat,
    [STATEMENT_WHILE] = parse_while,
    [STATEMENT_BREAK] = parse_break,
    [STATEMENT_CALL] = parse_call,
    [STATEMENT_SCREEN] = parse_screen,
    [STATEMENT_CLASSIFY] = parse_classify,
    [STATEMENT_ACKNOWLEDGE] = parse_response,
    [STATEMENT_RESPOND] = parse_response,
    [STATEMENT_SAY] = parse_value,
    [STATEMENT_TRANSCRIPT] = parse_transcript,
    [STATEMENT_ESP] = parse_esp,
    [STATEMENT_WAIT] = parse_wait,
    [STATEMENT_PRIORITY] = parse_priority,
    [STATEMENT_LOG] = parse_value,
    [STATEMENT_ROUTE] = parse_route,
    [STATEMENT_QUEUE] = parse_queue,
    [STATEMENT_WORKBIN] = parse_workbin,
    [STATEMENT_STOP] = parse_stop,
    [STATEMENT_RETURN] = parse_return,
};

/* --- any statement --- */

static bool can_fail(enum statement_kind kind)
{
    return (kind >= STATEMENT_CALL && kind <= STATEMENT_ESP) ||
           (kind >= STATEMENT_ROUTE && kind <= STATEMENT_STOP);
}

static bool parse_on_error(struct parser *parser, struct statement *statement)
{
    struct place place = parser->at->place;
    if (!parser_take_word(parser, "on")) return true;
    if (!parser_expect_word(parser, "error")) return false;
    if (!can_fail(statement->kind))
        strategy_error(parser->findings, place, "'%s' has no 'on error': it cannot fail",
                       statement_word(statement->kind));
    statement->on_error = scope_alloc(parser->scope, sizeof *statement->on_error);
    return parse_block(parser, statement->on_error);
}

/* Which statement begins here; false: none, told. */
static bool take_first_word(struct parser *parser, struct statement *statement)
{
    const struct token *token = parser->at;
    if (token->kind != TOKEN_WORD) return parser_refuse(parser, "a statement or '}'");
    const struct token *next = token + 1;
    bool is_assignment = next->kind == TOKEN_SIGN && text_eq(next->text, TEXT("="));
    if (!is_assignment && statement_of_word(token->text, &statement->kind)) {
        parser->at++;
        return true;
    }
    struct guess guess = guess_for(token->text);
    guess_offer_statements(&guess);
    if (is_assignment && word_is_reserved(token->text)) {
        strategy_error(parser->findings, token->place,
                       "'%.*s' is a word of the notation and no name for a variable",
                       TEXT_ARG(token->text));
    } else if (!is_assignment) {
        if (text_eq(token->text, TEXT("else")))
            strategy_error(parser->findings, token->place, "this 'else' belongs to no 'if'");
        else
            strategy_error(parser->findings, token->place, "'%.*s' is no statement%s",
                           TEXT_ARG(token->text), guess_words(&guess));
        return false;
    }
    statement->kind = STATEMENT_ASSIGN;
    statement->name = (struct name){ token->text, token->place };
    parser->at++;
    return true;
}

/* On a new line, in its own right. */
static bool begins_statement(const struct token *token)
{
    enum statement_kind kind;
    if (token->kind != TOKEN_WORD || !token->is_first) return false;
    return statement_of_word(token->text, &kind) ||
           (token[1].kind == TOKEN_SIGN && text_eq(token[1].text, TEXT("=")));
}

/* At the left margin: the block before it was not closed. */
static bool begins_definition(const struct token *token)
{
    return token->kind == TOKEN_WORD && token->is_first && token->place.column == 1 &&
           (text_eq(token->text, TEXT("process")) || text_eq(token->text, TEXT("strategy")) ||
            text_eq(token->text, TEXT("subroutine")));
}

/* To where the next statement begins, or to the block's end. Blocks on the way are passed over. */
static void skip_statement(struct parser *parser, const struct token *begin)
{
    for (uint32_t depth = 0; parser->at->kind != TOKEN_END; parser->at++) {
        if (begins_definition(parser->at)) return;
        if (depth == 0 && parser_is_sign(parser, "}")) return;
        if (depth == 0 && parser->at != begin && begins_statement(parser->at)) return;
        if (parser_is_sign(parser, "{")) depth++;
        if (parser_is_sign(parser, "}")) depth--;
    }
}

static bool has_block_in_head(enum statement_kind kind)
{
    return kind == STATEMENT_IF || kind == STATEMENT_REPEAT || kind == STATEMENT_WHILE;
}

static struct statement *parse_statement(struct parser *parser)
{
    const struct token *begin = parser->at;
    struct statement *statement = scope_alloc(parser->scope, sizeof *statement);
    statement->place = begin->place;
    bool is_fine = take_first_word(parser, statement) &&
                   parse_kind[statement->kind](parser, statement);
    if (is_fine && !has_block_in_head(statement->kind))
        statement->source = source_from(begin, parser->at);
    is_fine = is_fine && parse_on_error(parser, statement);
    if (is_fine) return statement;
    skip_statement(parser, begin);
    return NULL;
}

bool parse_block(struct parser *parser, struct block *out)
{
    if (!parser_expect_sign(parser, "{") || !parser_enter(parser)) return false;
    struct statement **end = &out->first;
    while (!parser_is_sign(parser, "}") && parser->at->kind != TOKEN_END &&
           !begins_definition(parser->at)) {
        *end = parse_statement(parser);
        if (*end != NULL) end = &(*end)->next;
    }
    parser_leave(parser);
    out->end = parser->at->place;
    return parser_expect_sign(parser, "}");
}
