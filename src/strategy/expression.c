/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/expression.h"

static enum value_type operation_type(const struct expression *expression)
{
    if (expression->op < OP_ADD) return TYPE_TRUTH;
    if (expression->op != OP_ADD) return TYPE_NUMBER;
    enum value_type left = expression_type(expression->left),
                    right = expression_type(expression->right);
    if (left == TYPE_TEXT || right == TYPE_TEXT) return TYPE_TEXT;
    return left == TYPE_NUMBER && right == TYPE_NUMBER ? TYPE_NUMBER : TYPE_ANY;
}

static enum value_type call_type(enum function function)
{
    switch (function) {
    case CALL_LOWER: return TYPE_TEXT;
    case CALL_OPEN: return TYPE_TRUTH;
    case CALL_LENGTH:
    case CALL_NOW:
    case CALL_HOUR:
    case CALL_WEEKDAY:
    case CALL_STAT: return TYPE_NUMBER;
    }
    return TYPE_ANY;
}

enum value_type expression_type(const struct expression *expression)
{
    switch (expression->kind) {
    case EXPRESSION_TEXT: return TYPE_TEXT;
    case EXPRESSION_NUMBER: return TYPE_NUMBER;
    case EXPRESSION_TRUTH: return TYPE_TRUTH;
    case EXPRESSION_OPERATION: return operation_type(expression);
    case EXPRESSION_CALL: return call_type(expression->function);
    case EXPRESSION_DATA:
    case EXPRESSION_PROPERTY:
    case EXPRESSION_VARIABLE:
    case EXPRESSION_FIELD: return TYPE_ANY;
    }
    return TYPE_ANY;
}

const char *value_type_words(enum value_type type)
{
    static const char *const words[] = { [TYPE_ANY] = "any value",
                                         [TYPE_TEXT] = "a text",
                                         [TYPE_NUMBER] = "a number",
                                         [TYPE_TRUTH] = "true or false" };
    return words[type];
}

bool expression_asks(const struct expression *expression)
{
    if (expression == NULL) return false;
    if (expression->kind == EXPRESSION_CALL &&
        (expression->function == CALL_STAT || expression->function == CALL_OPEN))
        return true;
    for (const struct expression *at = expression->arguments; at != NULL; at = at->next)
        if (expression_asks(at)) return true;
    return expression_asks(expression->left) || expression_asks(expression->right);
}
