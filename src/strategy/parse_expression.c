/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions by precedence: or, and, not, comparison, + -, * / %, sign. */
#include "strategy/parser_private.h"
#include "strategy/words.h"

static struct expression *new_expression(struct parser *parser, enum expression_kind kind,
                                         struct place place)
{
    struct expression *made = scope_alloc(parser->scope, sizeof *made);
    made->kind = kind;
    made->place = place;
    return made;
}

bool parse_arguments(struct parser *parser, struct expression **out)
{
    if (!parser_expect_sign(parser, "(")) return false;
    if (parser_take_sign(parser, ")")) return true;
    do {
        if (!parse_expression(parser, out)) return false;
        out = &(*out)->next;
    } while (parser_take_sign(parser, ","));
    return parser_expect_sign(parser, ")");
}

bool parse_key(struct parser *parser, struct name *out)
{
    if (parser->at->kind != TOKEN_WORD && parser->at->kind != TOKEN_TEXT)
        return parser_refuse(parser, "a key");
    if (parser->at->text.len == 0 || text_eq(parser->at->text, TEXT("__proto__")))
        strategy_error(parser->findings, parser->at->place, "no key may be called so");
    *out = (struct name){ parser->at->text, parser->at->place };
    parser->at++;
    return true;
}

bool parse_pairs(struct parser *parser, const char *closing, struct keyed_value **out)
{
    if (parser_take_sign(parser, closing)) return true;
    do {
        struct keyed_value *pair = scope_alloc(parser->scope, sizeof *pair);
        if (!parse_key(parser, &pair->key) || !parser_expect_sign(parser, "=") ||
            !parse_expression(parser, &pair->value))
            return false;
        *out = pair;
        out = &pair->next;
    } while (parser_take_sign(parser, ","));
    return parser_expect_sign(parser, closing);
}

static bool parse_call(struct parser *parser, struct expression **out)
{
    const struct token *token = parser->at;
    struct expression *call = new_expression(parser, EXPRESSION_CALL, token->place);
    bool is_known = function_of_word(token->text, &call->function);
    if (!is_known) {
        struct guess guess = guess_for(token->text);
        guess_offer_functions(&guess);
        strategy_error(parser->findings, token->place, "there is no function '%.*s'%s",
                       TEXT_ARG(token->text), guess_words(&guess));
    }
    parser->at++;
    if (!parse_arguments(parser, &call->arguments)) return false;
    uint32_t count = 0;
    for (struct expression *at = call->arguments; at != NULL; at = at->next) count++;
    if (is_known && count != function_arity(call->function))
        strategy_error(parser->findings, token->place, "%s() takes %u arguments, not %u",
                       function_word(call->function), function_arity(call->function), count);
    *out = call;
    return true;
}

/* data.Key, ixn.Property, name, name.Key */
static bool parse_reference(struct parser *parser, struct expression **out)
{
    const struct token *token = parser->at;
    bool is_data = parser_is_word(parser, "data"), is_property = parser_is_word(parser, "ixn");
    if (!is_data && !is_property && word_is_reserved(token->text) &&
        !text_eq(token->text, TEXT("error")))
        return parser_refuse(parser, "a value");
    parser->at++;
    struct name key = { 0 };
    if (is_data || is_property) {
        if (!parser_expect_sign(parser, ".") || !parse_key(parser, &key)) return false;
        *out =
            new_expression(parser, is_data ? EXPRESSION_DATA : EXPRESSION_PROPERTY, token->place);
        (*out)->text = key.text;
        return true;
    }
    *out = new_expression(parser, EXPRESSION_VARIABLE, token->place);
    (*out)->text = token->text;
    if (!parser_take_sign(parser, ".")) return true;
    if (!parse_key(parser, &key)) return false;
    (*out)->kind = EXPRESSION_FIELD;
    (*out)->field = key.text;
    return true;
}

static bool parse_primary(struct parser *parser, struct expression **out)
{
    const struct token *token = parser->at;
    if (parser_take_sign(parser, "("))
        return parse_expression(parser, out) && parser_expect_sign(parser, ")");
    if (token->kind == TOKEN_TEXT || token->kind == TOKEN_NUMBER) {
        *out = new_expression(
            parser, token->kind == TOKEN_TEXT ? EXPRESSION_TEXT : EXPRESSION_NUMBER, token->place);
        (*out)->text = token->text;
        parser->at++;
        return true;
    }
    if (token->kind == TOKEN_TIME) { /* 30m is 1800 where a number may stand */
        *out = new_expression(parser, EXPRESSION_NUMBER, token->place);
        (*out)->text = scope_format(parser->scope, "%llu", (unsigned long long)token->seconds);
        parser->at++;
        return true;
    }
    if (parser_is_word(parser, "true") || parser_is_word(parser, "false")) {
        *out = new_expression(parser, EXPRESSION_TRUTH, token->place);
        (*out)->truth = parser_is_word(parser, "true");
        parser->at++;
        return true;
    }
    if (token->kind != TOKEN_WORD) return parser_refuse(parser, "a value");
    const struct token *next = token + 1;
    if (next->kind == TOKEN_SIGN && text_eq(next->text, TEXT("(")) &&
        !word_is_reserved(token->text))
        return parse_call(parser, out);
    return parse_reference(parser, out);
}

/* The operators of each level, the weakest first. */
static const struct {
    const char *sign;
    bool is_word;
    enum operator op;
} levels[][7] = {
    { { "or", true, OP_OR } },
    { { "and", true, OP_AND } },
    { { "==", false, OP_EQUAL },
      { "!=", false, OP_UNEQUAL },
      { "<=", false, OP_LESS_EQUAL },
      { ">=", false, OP_MORE_EQUAL },
      { "<", false, OP_LESS },
      { ">", false, OP_MORE },
      { NULL, false, OP_OR } },
    { { "+", false, OP_ADD }, { "-", false, OP_SUBTRACT } },
    { { "*", false, OP_MULTIPLY }, { "/", false, OP_DIVIDE }, { "%", false, OP_REST } },
};
enum { LEVELS = sizeof levels / sizeof *levels, LEVEL_NOT = 2 };

static bool take_operator(struct parser *parser, size_t level, enum operator* out)
{
    for (size_t i = 0; i < 7 && levels[level][i].sign != NULL; i++) {
        const char *sign = levels[level][i].sign;
        if (levels[level][i].is_word ? !parser_take_word(parser, sign)
                                     : !parser_take_sign(parser, sign))
            continue;
        *out = levels[level][i].op;
        return true;
    }
    if (level != LEVEL_NOT) return false;
    if (parser_take_word(parser, "contains"))
        *out = OP_CONTAINS;
    else if (parser_take_word(parser, "matches"))
        *out = OP_MATCHES;
    else
        return false;
    return true;
}

static bool parse_level(struct parser *parser, size_t level, struct expression **out);

static bool parse_prefix(struct parser *parser, enum operator op, size_t level,
                         struct expression **out)
{
    struct expression *made = new_expression(parser, EXPRESSION_OPERATION, parser->at->place);
    made->op = op;
    parser->at++;
    if (!parser_enter(parser)) return false;
    bool is_fine = parse_level(parser, level, &made->right);
    parser_leave(parser);
    *out = made;
    return is_fine;
}

static bool parse_level(struct parser *parser, size_t level, struct expression **out)
{
    if (level == LEVELS)
        return parser_is_sign(parser, "-") ? parse_prefix(parser, OP_NEGATE, level, out)
                                           : parse_primary(parser, out);
    if (level == LEVEL_NOT && parser_is_word(parser, "not"))
        return parse_prefix(parser, OP_NOT, level, out);
    if (!parse_level(parser, level + 1, out)) return false;
    enum operator op;
    struct place place = parser->at->place;
    uint32_t chained = 0; /* the tree of a + b + c is as deep as the chain is long */
    bool is_fine = true;
    while (is_fine && take_operator(parser, level, &op)) {
        struct expression *made = new_expression(parser, EXPRESSION_OPERATION, place);
        made->op = op;
        made->left = *out;
        *out = made;
        is_fine = parser_enter(parser);
        if (!is_fine) break;
        chained++;
        is_fine = parse_level(parser, level + 1, &made->right);
        if (level == LEVEL_NOT) break; /* a < b < c compares nothing */
        place = parser->at->place;
    }
    parser->depth -= chained;
    return is_fine;
}

bool parse_expression(struct parser *parser, struct expression **out)
{
    if (!parser_enter(parser)) return false;
    bool is_fine = parse_level(parser, 0, out);
    parser_leave(parser);
    if (is_fine && parser_is_sign(parser, "=")) {
        strategy_error(parser->findings, parser->at->place,
                       "'=' compares nothing; did you mean '=='?");
        parser->at++; /* read on as if */
        struct expression *right;
        return parse_level(parser, LEVEL_NOT, &right);
    }
    return is_fine;
}
