/* SPDX-License-Identifier: Apache-2.0 */
/* Expressions of the notation as ECMAScript. Where both sides of an operator are known to be of one
 * type its own operator stands there, else a helper that knows the notation's rules. */
#include "strategy/compile_private.h"
#include "strategy/expression.h"

/* How tightly a piece of ECMAScript binds. */
enum binding {
    BIND_ANY,
    BIND_OR,
    BIND_AND,
    BIND_EQUAL,
    BIND_ORDER,
    BIND_ADD,
    BIND_MULTIPLY,
    BIND_UNARY,
    BIND_CALL
};

static void put(struct compiler *compiler, struct buf *out, const struct expression *expression,
                enum value_type wanted, enum binding outer);

static void put_plain(struct compiler *compiler, struct buf *out,
                      const struct expression *expression, enum binding outer);

static void put_digits(struct buf *out, struct text digits)
{
    while (digits.len > 1 && digits.at[0] == '0' && digits.at[1] != '.')
        digits = text_slice(digits, 1, digits.len); /* 007 would be octal */
    buf_add(out, digits);
}

static void put_get(struct compiler *compiler, struct buf *out, const char *pairs, struct text key)
{
    USE(compiler, GET);
    buf_format(out, "get(%s, ", pairs);
    emit_js_text(out, key);
    buf_add_byte(out, ')');
}

static void put_pair(struct compiler *compiler, struct buf *out, const char *function,
                     const struct expression *operation, enum value_type wanted)
{
    buf_format(out, "%s(", function);
    put(compiler, out, operation->left, wanted, BIND_ANY);
    buf_add_z(out, ", ");
    put(compiler, out, operation->right, wanted, BIND_ANY);
    buf_add_byte(out, ')');
}

static void put_infix(struct compiler *compiler, struct buf *out,
                      const struct expression *operation, const char *sign, enum value_type wanted,
                      enum binding binding, enum binding outer)
{
    if (binding < outer) buf_add_byte(out, '(');
    put(compiler, out, operation->left, wanted, binding);
    buf_format(out, " %s ", sign);
    put(compiler, out, operation->right, wanted, binding + 1);
    if (binding < outer) buf_add_byte(out, ')');
}

/* One side of a comparison with a number: what is none is NaN, which is below and above nothing. */
static void put_number(struct compiler *compiler, struct buf *out,
                       const struct expression *expression, enum binding outer)
{
    if (expression_type(expression) == TYPE_NUMBER) {
        put_plain(compiler, out, expression, outer);
        return;
    }
    USE(compiler, NUMBER);
    buf_add_z(out, "number(");
    put_plain(compiler, out, expression, BIND_ANY);
    buf_add_byte(out, ')');
}

static void put_comparison(struct compiler *compiler, struct buf *out,
                           const struct expression *operation, enum binding outer)
{
    static const char *const signs[] = {
        [OP_EQUAL] = "===",     [OP_UNEQUAL] = "!==", [OP_LESS] = "<",
        [OP_LESS_EQUAL] = "<=", [OP_MORE] = ">",      [OP_MORE_EQUAL] = ">="
    };
    enum value_type left = expression_type(operation->left),
                    right = expression_type(operation->right);
    bool is_equality = operation->op == OP_EQUAL || operation->op == OP_UNEQUAL;
    enum binding binding = is_equality ? BIND_EQUAL : BIND_ORDER;
    const char *sign = signs[operation->op];
    if (left == TYPE_TRUTH || right == TYPE_TRUTH) {
        put_infix(compiler, out, operation, sign, TYPE_TRUTH, binding, outer);
    } else if (left == TYPE_NUMBER || right == TYPE_NUMBER) {
        if (binding < outer) buf_add_byte(out, '(');
        put_number(compiler, out, operation->left, binding);
        buf_format(out, " %s ", sign);
        put_number(compiler, out, operation->right, binding + 1);
        if (binding < outer) buf_add_byte(out, ')');
    } else if (left == TYPE_TEXT || right == TYPE_TEXT) {
        put_infix(compiler, out, operation, sign, TYPE_TEXT, binding, outer);
    } else if (is_equality) {
        USE(compiler, SAME);
        if (operation->op == OP_UNEQUAL) buf_add_byte(out, '!');
        put_pair(compiler, out, "same", operation, TYPE_ANY);
    } else {
        USE(compiler, ORDER);
        if (binding < outer) buf_add_byte(out, '(');
        put_pair(compiler, out, "order", operation, TYPE_ANY);
        buf_format(out, " %s 0", sign);
        if (binding < outer) buf_add_byte(out, ')');
    }
}

static void put_add(struct compiler *compiler, struct buf *out, const struct expression *operation,
                    enum binding outer)
{
    enum value_type type = expression_type(operation);
    if (type == TYPE_ANY) {
        USE(compiler, PLUS);
        put_pair(compiler, out, "plus", operation, TYPE_ANY);
    } else {
        put_infix(compiler, out, operation, "+", type, BIND_ADD, outer);
    }
}

/* The function that looks into the table of a pattern; one for each pattern of the document. */
static uint32_t pattern_number(struct compiler *compiler, struct text source)
{
    struct pattern_use **end = &compiler->patterns;
    for (; *end != NULL; end = &(*end)->next)
        if (text_eq((*end)->source, source)) return (*end)->number;
    *end = scope_alloc(compiler->work, sizeof **end);
    **end = (struct pattern_use){ NULL, source, ++compiler->pattern_count };
    return (*end)->number;
}

static void put_operation(struct compiler *compiler, struct buf *out,
                          const struct expression *operation, enum binding outer)
{
    switch (operation->op) {
    case OP_OR: put_infix(compiler, out, operation, "||", TYPE_TRUTH, BIND_OR, outer); return;
    case OP_AND: put_infix(compiler, out, operation, "&&", TYPE_TRUTH, BIND_AND, outer); return;
    case OP_NOT:
        buf_add_byte(out, '!');
        put(compiler, out, operation->right, TYPE_TRUTH, BIND_UNARY);
        return;
    case OP_EQUAL:
    case OP_UNEQUAL:
    case OP_LESS:
    case OP_LESS_EQUAL:
    case OP_MORE:
    case OP_MORE_EQUAL: put_comparison(compiler, out, operation, outer); return;
    case OP_CONTAINS:
        if (BIND_ORDER < outer) buf_add_byte(out, '(');
        put(compiler, out, operation->left, TYPE_TEXT, BIND_CALL);
        buf_add_z(out, ".indexOf(");
        put(compiler, out, operation->right, TYPE_TEXT, BIND_ANY);
        buf_add_z(out, ") >= 0");
        if (BIND_ORDER < outer) buf_add_byte(out, ')');
        return;
    case OP_MATCHES:
        USE(compiler, MATCHES);
        buf_add_z(out, "matches(");
        put(compiler, out, operation->left, TYPE_TEXT, BIND_ANY);
        buf_format(out, ", pattern_%u)", pattern_number(compiler, operation->right->text));
        return;
    case OP_ADD: put_add(compiler, out, operation, outer); return;
    case OP_SUBTRACT:
        put_infix(compiler, out, operation, "-", TYPE_NUMBER, BIND_ADD, outer);
        return;
    case OP_MULTIPLY:
        put_infix(compiler, out, operation, "*", TYPE_NUMBER, BIND_MULTIPLY, outer);
        return;
    case OP_DIVIDE:
        USE(compiler, DIVIDE);
        put_pair(compiler, out, "divide", operation, TYPE_NUMBER);
        return;
    case OP_REST:
        USE(compiler, REST);
        put_pair(compiler, out, "rest", operation, TYPE_NUMBER);
        return;
    case OP_NEGATE:
        if (BIND_UNARY < outer) buf_add_byte(out, '(');
        buf_add_z(out, "- ");
        put(compiler, out, operation->right, TYPE_NUMBER, BIND_UNARY);
        if (BIND_UNARY < outer) buf_add_byte(out, ')');
        return;
    }
}

static void put_call(struct compiler *compiler, struct buf *out, const struct expression *call)
{
    switch (call->function) {
    case CALL_LENGTH:
        put(compiler, out, call->arguments, TYPE_TEXT, BIND_CALL);
        buf_add_z(out, ".length");
        return;
    case CALL_LOWER:
        put(compiler, out, call->arguments, TYPE_TEXT, BIND_CALL);
        buf_add_z(out, ".toLowerCase()");
        return;
    case CALL_NOW:
        USE(compiler, NOW);
        buf_add_z(out, "now()");
        return;
    case CALL_HOUR:
        USE(compiler, HOUR);
        buf_add_z(out, "hour()");
        return;
    case CALL_WEEKDAY:
        USE(compiler, WEEKDAY);
        buf_add_z(out, "weekday()");
        return;
    case CALL_OPEN:
        USE(compiler, TRUTH);
        buf_format(out, "truth(answers[%u])", call->answer);
        return;
    case CALL_STAT:
        USE(compiler, NUMBER);
        buf_format(out, "number(answers[%u])", call->answer);
        return;
    }
}

static void put_plain(struct compiler *compiler, struct buf *out,
                      const struct expression *expression, enum binding outer)
{
    switch (expression->kind) {
    case EXPRESSION_TEXT: emit_js_text(out, expression->text); return;
    case EXPRESSION_NUMBER: put_digits(out, expression->text); return;
    case EXPRESSION_TRUTH: buf_add_z(out, expression->truth ? "true" : "false"); return;
    case EXPRESSION_DATA: put_get(compiler, out, "data", expression->text); return;
    case EXPRESSION_PROPERTY: put_get(compiler, out, "ixn", expression->text); return;
    case EXPRESSION_VARIABLE:
        if (text_eq(expression->text, TEXT("error")))
            buf_add_z(out, "run.error");
        else
            buf_format(out, "my.%.*s", TEXT_ARG(expression->text));
        return;
    case EXPRESSION_FIELD: {
        struct text name = scope_format(compiler->work, "my.%.*s", TEXT_ARG(expression->text));
        put_get(compiler, out, name.at, expression->field);
        return;
    }
    case EXPRESSION_OPERATION: put_operation(compiler, out, expression, outer); return;
    case EXPRESSION_CALL: put_call(compiler, out, expression); return;
    }
}

static void put(struct compiler *compiler, struct buf *out, const struct expression *expression,
                enum value_type wanted, enum binding outer)
{
    enum value_type type = expression_type(expression);
    const char *conversion = NULL;
    if (wanted == TYPE_TEXT && type != TYPE_TEXT) {
        USE(compiler, TEXT);
        conversion = "text";
    } else if (wanted == TYPE_NUMBER && type != TYPE_NUMBER) {
        USE(compiler, AMOUNT);
        conversion = "amount";
    } else if (wanted == TYPE_TRUTH && type != TYPE_TRUTH) {
        USE(compiler, TRUTH);
        conversion = "truth";
    }
    if (conversion) buf_format(out, "%s(", conversion);
    put_plain(compiler, out, expression, conversion ? BIND_ANY : outer);
    if (conversion) buf_add_byte(out, ')');
}

static struct text finish(struct compiler *compiler, struct buf *out)
{
    struct text text = scope_keep(compiler->work, buf_text(out));
    buf_free(out);
    return text;
}

struct text compile_value(struct compiler *compiler, const struct expression *expression,
                          enum value_type wanted)
{
    struct buf out = { 0 };
    put(compiler, &out, expression, wanted, BIND_ANY);
    return finish(compiler, &out);
}

struct text compile_text(struct compiler *compiler, struct text text)
{
    struct buf out = { 0 };
    emit_js_text(&out, text);
    return finish(compiler, &out);
}

struct text compile_pairs(struct compiler *compiler, const struct keyed_value *pairs)
{
    struct buf out = { 0 };
    buf_add_z(&out, "{");
    for (const struct keyed_value *at = pairs; at != NULL; at = at->next) {
        buf_add_z(&out, at == pairs ? " " : ", ");
        emit_js_text(&out, at->key.text);
        buf_add_z(&out, ": ");
        put(compiler, &out, at->value, TYPE_ANY, BIND_ANY);
    }
    buf_add_z(&out, pairs == NULL ? "}" : " }");
    return finish(compiler, &out);
}

struct text compile_list(struct compiler *compiler, const struct expression *list)
{
    struct buf out = { 0 };
    buf_add_z(&out, "[");
    for (const struct expression *at = list; at != NULL; at = at->next) {
        if (at != list) buf_add_z(&out, ", ");
        put(compiler, &out, at, TYPE_ANY, BIND_ANY);
    }
    buf_add_z(&out, "]");
    return finish(compiler, &out);
}

/* --- thresholds: a text that the router reads, put together while the strategy runs --- */

static void put_threshold(struct compiler *compiler, struct buf *out,
                          const struct expression *expression, bool is_inner);

/* What needs no statistic is known when the route begins. */
static void put_known(struct compiler *compiler, struct buf *out,
                      const struct expression *expression)
{
    if (expression->kind == EXPRESSION_NUMBER) {
        put_digits(out, expression->text);
        return;
    }
    bool is_truth = expression_type(expression) == TYPE_TRUTH;
    buf_add_z(out, is_truth ? "' + (" : "' + ");
    put(compiler, out, expression, is_truth ? TYPE_TRUTH : TYPE_NUMBER, BIND_MULTIPLY);
    buf_add_z(out, is_truth ? " ? '1=1' : '1=0') + '" : " + '");
}

/* A name inside the quotes of the threshold. */
static void put_name(struct compiler *compiler, struct buf *out, const struct expression *name)
{
    buf_add_z(out, "' + ");
    put(compiler, out, name, TYPE_TEXT, BIND_MULTIPLY);
    buf_add_z(out, " + '");
}

static void put_threshold_operation(struct compiler *compiler, struct buf *out,
                                    const struct expression *operation)
{
    static const char *const signs[] = {
        [OP_OR] = " | ", [OP_AND] = " & ",       [OP_EQUAL] = "=",    [OP_UNEQUAL] = "!=",
        [OP_LESS] = "<", [OP_LESS_EQUAL] = "<=", [OP_MORE] = ">",     [OP_MORE_EQUAL] = ">=",
        [OP_ADD] = "+",  [OP_SUBTRACT] = "-",    [OP_MULTIPLY] = "*", [OP_DIVIDE] = "/",
        [OP_REST] = "%", [OP_NOT] = "!",         [OP_NEGATE] = "-"
    };
    if (operation->left) put_threshold(compiler, out, operation->left, true);
    buf_add_z(out, signs[operation->op]);
    put_threshold(compiler, out, operation->right, true);
}

static void put_threshold(struct compiler *compiler, struct buf *out,
                          const struct expression *expression, bool is_inner)
{
    if (!expression_asks(expression)) {
        put_known(compiler, out, expression);
    } else if (expression->kind == EXPRESSION_CALL) {
        buf_add_z(out, "sdata(");
        put_name(compiler, out, expression->arguments->next);
        buf_add_byte(out, ',');
        put_name(compiler, out, expression->arguments);
        buf_add_byte(out, ')');
    } else {
        if (is_inner) buf_add_byte(out, '(');
        put_threshold_operation(compiler, out, expression);
        if (is_inner) buf_add_byte(out, ')');
    }
}

/* 'a' + 'b' -> 'ab': two literals beside each other are one. */
static struct text without_seams(struct compiler *compiler, struct text code)
{
    struct buf out = { 0 };
    for (size_t i = 0; i < code.len; i++) {
        if (code.at[i] == '\\' && i + 1 < code.len) {
            buf_add(&out, text_slice(code, i++, 2));
        } else if (text_eq(text_slice(code, i, 5), TEXT("' + '"))) {
            i += 4;
        } else {
            buf_add_byte(&out, code.at[i]);
        }
    }
    return finish(compiler, &out);
}

struct text compile_threshold(struct compiler *compiler, const struct expression *expression)
{
    struct buf out = { 0 };
    buf_add_byte(&out, '\'');
    put_threshold(compiler, &out, expression, false);
    buf_add_byte(&out, '\'');
    struct text code = finish(compiler, &out);
    return without_seams(compiler, code);
}
