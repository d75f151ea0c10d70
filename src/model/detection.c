/* SPDX-License-Identifier: Apache-2.0 */
/* The expression becomes steps of a stack machine, which cannot run away. */
#include "model/detection.h"

#include <math.h>
#include <string.h>

void sample_set(struct sample *sample, enum figure figure, double value)
{
    sample->figures[figure] = value;
    sample->has |= 1u << figure;
}

/* --- what an expression is made of --- */

enum operation {
    PUSH_NUMBER,
    PUSH_FIGURE,
    NEGATE,
    NOT,
    ADD,
    SUBTRACT,
    MULTIPLY,
    DIVIDE,
    LESS,
    LESS_OR_EQUAL,
    GREATER,
    GREATER_OR_EQUAL,
    EQUAL,
    UNEQUAL,
    AND,
    OR,
};

struct step {
    enum operation operation;
    enum figure figure;
    double number;
};

struct expression {
    uint32_t count;
    struct step steps[];
};

static const struct {
    const char *name;
    enum figure figure;
    bool is_of_host, is_of_application;
} figures[] = {
    { "cpu", FIGURE_CPU, true, true },
    { "load", FIGURE_LOAD, true, false },
    { "processors", FIGURE_PROCESSORS, true, false },
    { "memory", FIGURE_MEMORY, true, true },
    { "memoryFree", FIGURE_MEMORY_FREE, true, false },
    { "disk", FIGURE_DISK, true, false },
    { "diskFree", FIGURE_DISK_FREE, true, false },
    { "clockOffset", FIGURE_CLOCK_OFFSET, true, false },
    { "threads", FIGURE_THREADS, false, true },
};

static const struct {
    const char *name;
    double factor;
} units[] = {
    { "%", 0.01 },
    { "KB", 1024 },
    { "MB", 1024.0 * 1024 },
    { "GB", 1024.0 * 1024 * 1024 },
    { "TB", 1024.0 * 1024 * 1024 * 1024 },
    { "ms", 1 },
    { "s", 1000 },
    { "min", 60000 },
};

/* --- reading --- */

struct reading {
    struct text in;
    size_t at;
    enum detection_of of;
    uint32_t depth, count;
    struct step steps[EXPRESSION_STEPS_MAX];
    struct fault *fault;
};

static enum err refuse(struct reading *reading, const char *words)
{
    return fault_set(reading->fault, ERR_INVALID, "expression", "column %zu: %s", reading->at + 1,
                     words);
}

static char peek(struct reading *reading)
{
    while (reading->at < reading->in.len && strchr(" \t\r\n", reading->in.at[reading->at]) &&
           reading->in.at[reading->at])
        reading->at++;
    return reading->at < reading->in.len ? reading->in.at[reading->at] : '\0';
}

static bool is_letter(char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z');
}

static bool is_digit(char byte)
{
    return byte >= '0' && byte <= '9';
}

/* The word that stands here, empty if none does; it is not passed. */
static struct text word_here(struct reading *reading)
{
    (void)peek(reading);
    size_t end = reading->at;
    while (end < reading->in.len && is_letter(reading->in.at[end])) end++;
    return text_slice(reading->in, reading->at, end - reading->at);
}

static bool pass_word(struct reading *reading, struct text word)
{
    if (!text_eq_fold(word_here(reading), word)) return false;
    reading->at += word.len;
    return true;
}

static bool pass(struct reading *reading, const char *sign)
{
    size_t len = strlen(sign);
    (void)peek(reading);
    if (!text_eq(text_slice(reading->in, reading->at, len), text_of(sign))) return false;
    reading->at += len;
    return true;
}

static enum err emit(struct reading *reading, struct step step)
{
    if (reading->count == EXPRESSION_STEPS_MAX)
        return refuse(reading, "the expression is too long");
    reading->steps[reading->count++] = step;
    return ERR_OK;
}

static enum err emit_operation(struct reading *reading, enum operation operation)
{
    return emit(reading, (struct step){ .operation = operation });
}

static double read_unit(struct reading *reading)
{
    if (pass(reading, "%")) return units[0].factor;
    for (size_t i = 1; i < sizeof units / sizeof *units; i++)
        if (pass_word(reading, text_of(units[i].name))) return units[i].factor;
    return 1;
}

static enum err read_number(struct reading *reading)
{
    size_t end = reading->at;
    while (end < reading->in.len && (is_digit(reading->in.at[end]) || reading->in.at[end] == '.'))
        end++;
    double number;
    if (text_to_f64(text_slice(reading->in, reading->at, end - reading->at), &number))
        return refuse(reading, "this is no number");
    reading->at = end;
    number *= read_unit(reading);
    return emit(reading, (struct step){ .operation = PUSH_NUMBER, .number = number });
}

static enum err read_figure(struct reading *reading)
{
    struct text word = word_here(reading);
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++) {
        bool is_there = reading->of == DETECTION_OF_HOST ? figures[i].is_of_host
                                                         : figures[i].is_of_application;
        if (!is_there || !text_eq_fold(word, text_of(figures[i].name))) continue;
        reading->at += word.len;
        return emit(reading,
                    (struct step){ .operation = PUSH_FIGURE, .figure = figures[i].figure });
    }
    return refuse(reading, reading->of == DETECTION_OF_HOST
                               ? "hosts have cpu, load, processors, memory, memoryFree, disk, "
                                 "diskFree, clockOffset"
                               : "applications have cpu, memory, threads");
}

static enum err read_expression(struct reading *reading);

static enum err read_inside(struct reading *reading)
{
    enum err err = read_expression(reading);
    if (!err && !pass(reading, ")")) err = refuse(reading, ") is missing");
    return err;
}

static enum err read_atom(struct reading *reading);

static enum err read_nested(struct reading *reading, enum err (*read)(struct reading *reading))
{
    if (++reading->depth > EXPRESSION_DEPTH_MAX) return refuse(reading, "nested too deeply");
    enum err err = read(reading);
    reading->depth--;
    return err;
}

static enum err read_atom(struct reading *reading)
{
    char byte = peek(reading);
    if (is_digit(byte)) return read_number(reading);
    if (pass(reading, "(")) return read_nested(reading, read_inside);
    if (pass(reading, "-")) {
        enum err err = read_nested(reading, read_atom);
        return err ? err : emit_operation(reading, NEGATE);
    }
    if (is_letter(byte)) return read_figure(reading);
    return refuse(reading, byte ? "a number, a figure or ( is missing" : "it ends too early");
}

struct sign {
    const char *sign;
    enum operation operation;
};

/* One level of operators that stand between two of the next: a op b op c, from the left. */
static enum err read_level(struct reading *reading, const struct sign *signs,
                           enum err (*next)(struct reading *reading), bool is_once)
{
    enum err err = next(reading);
    while (!err) {
        const struct sign *sign = signs;
        while (sign->sign && !(is_letter(*sign->sign) ? pass_word(reading, text_of(sign->sign))
                                                      : pass(reading, sign->sign)))
            sign++;
        if (sign->sign == NULL) return ERR_OK;
        err = next(reading);
        if (!err) err = emit_operation(reading, sign->operation);
        if (is_once) break;
    }
    return err;
}

static enum err read_product(struct reading *reading)
{
    static const struct sign signs[] = { { "*", MULTIPLY }, { "/", DIVIDE }, { NULL, OR } };
    return read_level(reading, signs, read_atom, false);
}

static enum err read_sum(struct reading *reading)
{
    static const struct sign signs[] = { { "+", ADD }, { "-", SUBTRACT }, { NULL, OR } };
    return read_level(reading, signs, read_product, false);
}

static enum err read_compared(struct reading *reading)
{
    static const struct sign signs[] = {
        { "<=", LESS_OR_EQUAL }, { "<>", UNEQUAL }, { "<", LESS }, { ">=", GREATER_OR_EQUAL },
        { ">", GREATER },        { "=", EQUAL },    { NULL, OR },
    };
    return read_level(reading, signs, read_sum, true);
}

static enum err read_not(struct reading *reading)
{
    if (!pass_word(reading, TEXT("not"))) return read_compared(reading);
    enum err err = read_nested(reading, read_not);
    return err ? err : emit_operation(reading, NOT);
}

static enum err read_and(struct reading *reading)
{
    static const struct sign signs[] = { { "and", AND }, { NULL, OR } };
    return read_level(reading, signs, read_not, false);
}

static enum err read_expression(struct reading *reading)
{
    static const struct sign signs[] = { { "or", OR }, { NULL, OR } };
    return read_level(reading, signs, read_and, false);
}

enum err expression_parse(struct text in, enum detection_of of, struct scope *scope,
                          const struct expression **out, struct fault *fault)
{
    struct reading reading = { .in = in, .of = of, .fault = fault };
    if (in.len > EXPRESSION_BYTES_MAX)
        return fault_set(fault, ERR_INVALID, "expression", "must have at most %d bytes",
                         EXPRESSION_BYTES_MAX);
    enum err err = read_expression(&reading);
    if (!err && (peek(&reading) || reading.at < in.len))
        err = refuse(&reading, "an operator is missing");
    if (err) return err;
    struct expression *expression =
        scope_alloc(scope, sizeof *expression + reading.count * sizeof *reading.steps);
    expression->count = reading.count;
    memcpy(expression->steps, reading.steps, reading.count * sizeof *reading.steps);
    *out = expression;
    return ERR_OK;
}

/* --- judging --- */

/* Unknown is NaN on the stack: it passes through arithmetic; "no" and "x" is no all the same. */
static double both(double left, double right)
{
    if (left == 0 || right == 0) return 0;
    return isnan(left) || isnan(right) ? NAN : 1;
}

static double either(double left, double right)
{
    bool is_left = !isnan(left) && left != 0, is_right = !isnan(right) && right != 0;
    if (is_left || is_right) return 1;
    return isnan(left) || isnan(right) ? NAN : 0;
}

static double combine(enum operation operation, double left, double right)
{
    if (operation == AND) return both(left, right);
    if (operation == OR) return either(left, right);
    if (isnan(left) || isnan(right)) return NAN;
    switch (operation) {
    case ADD: return left + right;
    case SUBTRACT: return left - right;
    case MULTIPLY: return left * right;
    case DIVIDE: return right == 0 ? NAN : left / right;
    case LESS: return left < right;
    case LESS_OR_EQUAL: return left <= right;
    case GREATER: return left > right;
    case GREATER_OR_EQUAL: return left >= right;
    case EQUAL: return left == right;
    default: return left != right;
    }
}

static double one(const struct step *step, double value)
{
    if (step->operation == NEGATE) return -value;
    return isnan(value) ? NAN : value == 0;
}

enum answer expression_answer(const struct expression *expression, const struct sample *sample)
{
    double stack[EXPRESSION_STEPS_MAX];
    size_t top = 0;
    for (uint32_t i = 0; i < expression->count; i++) {
        const struct step *step = &expression->steps[i];
        if (step->operation == PUSH_NUMBER)
            stack[top++] = step->number;
        else if (step->operation == PUSH_FIGURE)
            stack[top++] = sample->has & (1u << step->figure) ? sample->figures[step->figure] : NAN;
        else if (step->operation == NEGATE || step->operation == NOT)
            stack[top - 1] = one(step, stack[top - 1]);
        else {
            stack[top - 2] = combine(step->operation, stack[top - 2], stack[top - 1]);
            top--;
        }
    }
    if (isnan(stack[0])) return ANSWER_UNKNOWN;
    return stack[0] == 0 ? ANSWER_NO : ANSWER_YES;
}
