/* SPDX-License-Identifier: Apache-2.0 */
/* model.c - declaring, evaluating, assigning. Each deed is a struct of what goes in and out, and a
 * function that runs inside the heap. */
#include "scxml/engine/model.h"
#include "scxml/engine/private.h"

struct expression_deed {
    struct deed deed;
    scxml_expression_id expr;
    struct scope *scope;
    struct scxml_payload *payload;
    struct text *text;
    bool truth;
};

static enum scxml_verdict evaluate(struct scxml_variables *variables, struct expression_deed *deed,
                                   void (*run)(duk_context *ctx, struct deed *deed),
                                   struct fault *fault)
{
    deed->deed = (struct deed){ run, variables };
    return engine_enter(variables->evaluator, &deed->deed, fault);
}

/* --- time and event --------------------------------------------------------------------------- */

void engine_set_time(struct scxml_variables *variables, uint64_t now_ms)
{
    variables->now_ms = (double)now_ms;
    watch_begin_step(&variables->evaluator->watch);
}

enum scxml_verdict engine_set_event(struct scxml_variables *variables,
                                    const struct scxml_event *event, struct fault *fault)
{
    (void)fault;
    engine_keep_event(variables, event);
    return SCXML_DONE;
}

/* --- conditions, values, scripts ------------------------------------------------------------- */

static void run_condition(duk_context *ctx, struct deed *self)
{
    struct expression_deed *deed = (struct expression_deed *)self;
    engine_push_value(ctx, deed->expr);
    deed->truth = duk_to_boolean(ctx, -1);
}

enum scxml_verdict engine_condition(struct scxml_variables *variables, scxml_expression_id expr,
                                    bool *out, struct fault *fault)
{
    struct expression_deed deed = { .expr = expr };
    enum scxml_verdict verdict = evaluate(variables, &deed, run_condition, fault);
    if (verdict == SCXML_DONE) *out = deed.truth;
    return verdict;
}

static void run_value(duk_context *ctx, struct deed *self)
{
    struct expression_deed *deed = (struct expression_deed *)self;
    engine_push_value(ctx, deed->expr);
    engine_read_payload(ctx, -1, deed->scope, deed->payload);
}

enum scxml_verdict engine_value(struct scxml_variables *variables, scxml_expression_id expr,
                                struct scope *scope, struct scxml_payload *out, struct fault *fault)
{
    struct expression_deed deed = { .expr = expr, .scope = scope, .payload = out };
    return evaluate(variables, &deed, run_value, fault);
}

static void run_string(duk_context *ctx, struct deed *self)
{
    struct expression_deed *deed = (struct expression_deed *)self;
    engine_push_value(ctx, deed->expr);
    (void)duk_to_string(ctx, -1);
    *deed->text = engine_read_text(ctx, -1, deed->scope);
}

enum scxml_verdict engine_string(struct scxml_variables *variables, scxml_expression_id expr,
                                 struct scope *scope, struct text *out, struct fault *fault)
{
    struct expression_deed deed = { .expr = expr, .scope = scope, .text = out };
    return evaluate(variables, &deed, run_string, fault);
}

static void run_script(duk_context *ctx, struct deed *self)
{
    engine_push_value(ctx, ((struct expression_deed *)self)->expr);
}

enum scxml_verdict engine_run(struct scxml_variables *variables, scxml_expression_id script,
                              struct fault *fault)
{
    struct expression_deed deed = { .expr = script };
    return evaluate(variables, &deed, run_script, fault);
}

/* --- variables -------------------------------------------------------------------------------- */

struct variable_deed {
    struct deed deed;
    struct text id;
    scxml_expression_id expr, location;
    const struct scxml_payload *value;
};

static enum scxml_verdict change(struct scxml_variables *variables, struct variable_deed *deed,
                                 void (*run)(duk_context *ctx, struct deed *deed),
                                 struct fault *fault)
{
    deed->deed = (struct deed){ run, variables };
    return engine_enter(variables->evaluator, &deed->deed, fault);
}

static void require_own(duk_context *ctx, struct text name)
{
    if (engine_is_system_name(evaluator_of(ctx), name))
        (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "%.*s is read-only", TEXT_ARG(name));
}

/* [value] -> []; makes the session's own variable or overwrites it. */
static void put_variable(duk_context *ctx, struct text name)
{
    require_own(ctx, name);
    duk_push_heapptr(ctx, evaluator_of(ctx)->running->data);
    engine_push_text(ctx, name);
    duk_pull(ctx, -3);
    duk_def_prop(ctx, -3, DUK_DEFPROP_HAVE_VALUE | DUK_DEFPROP_SET_WE);
    duk_pop(ctx);
}

static void run_declare(duk_context *ctx, struct deed *self)
{
    duk_push_undefined(ctx);
    put_variable(ctx, ((struct variable_deed *)self)->id);
}

enum scxml_verdict engine_declare(struct scxml_variables *variables, struct text id,
                                  struct fault *fault)
{
    struct variable_deed deed = { .id = id };
    return change(variables, &deed, run_declare, fault);
}

static void run_set(duk_context *ctx, struct deed *self)
{
    struct variable_deed *deed = (struct variable_deed *)self;
    engine_push_payload(ctx, deed->value);
    put_variable(ctx, deed->id);
}

enum scxml_verdict engine_set(struct scxml_variables *variables, struct text id,
                              const struct scxml_payload *value, struct fault *fault)
{
    struct variable_deed deed = { .id = id, .value = value };
    return change(variables, &deed, run_set, fault);
}

static void run_set_expr(duk_context *ctx, struct deed *self)
{
    struct variable_deed *deed = (struct variable_deed *)self;
    engine_push_value(ctx, deed->expr);
    put_variable(ctx, deed->id);
}

enum scxml_verdict engine_set_expr(struct scxml_variables *variables, struct text id,
                                   scxml_expression_id expr, struct fault *fault)
{
    struct variable_deed deed = { .id = id, .expr = expr };
    return change(variables, &deed, run_set_expr, fault);
}

static void run_assign(duk_context *ctx, struct deed *self)
{
    struct variable_deed *deed = (struct variable_deed *)self;
    if (deed->value)
        engine_push_payload(ctx, deed->value);
    else
        engine_push_value(ctx, deed->expr);
    engine_assign(ctx, deed->location);
}

enum scxml_verdict engine_assign_expr(struct scxml_variables *variables,
                                      scxml_expression_id location, scxml_expression_id expr,
                                      struct fault *fault)
{
    struct variable_deed deed = { .location = location, .expr = expr };
    return change(variables, &deed, run_assign, fault);
}

enum scxml_verdict engine_assign_payload(struct scxml_variables *variables,
                                         scxml_expression_id location,
                                         const struct scxml_payload *value, struct fault *fault)
{
    struct variable_deed deed = { .location = location, .value = value };
    return change(variables, &deed, run_assign, fault);
}

/* --- loops ------------------------------------------------------------------------------------ */

struct loop_deed {
    struct deed deed;
    scxml_expression_id array;
    struct text item, index;
    uint32_t loop, position, count;
};

static void require_name(duk_context *ctx, struct text name)
{
    if (!engine_is_name(name))
        (void)duk_error(ctx, DUK_ERR_SYNTAX_ERROR, "'%.*s' is no name of a variable",
                        TEXT_ARG(name));
    require_own(ctx, name);
}

/* [array] -> [array copy] */
static void push_copy(duk_context *ctx)
{
    duk_size_t count = duk_get_length(ctx, -1);
    duk_push_bare_array(ctx);
    for (duk_size_t i = 0; i < count; i++) {
        raw_tick(ctx, 1);
        duk_get_prop_index(ctx, -2, (duk_uarridx_t)i);
        duk_put_prop_index(ctx, -2, (duk_uarridx_t)i);
    }
}

static void declare_missing(duk_context *ctx, struct text name)
{
    duk_push_heapptr(ctx, evaluator_of(ctx)->running->data);
    engine_push_text(ctx, name);
    bool is_there = duk_has_prop(ctx, -2);
    duk_pop(ctx);
    if (is_there) return;
    duk_push_undefined(ctx);
    put_variable(ctx, name);
}

static void run_begin_loop(duk_context *ctx, struct deed *self)
{
    struct loop_deed *deed = (struct loop_deed *)self;
    struct scxml_evaluator *evaluator = evaluator_of(ctx);
    if (!evaluator->loop_count) watch_begin_many(&evaluator->watch);
    engine_push_value(ctx, deed->array);
    if (!duk_is_array(ctx, -1))
        (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "the array of a loop is none");
    require_name(ctx, deed->item);
    if (deed->index.len) require_name(ctx, deed->index);
    push_copy(ctx);
    deed->count = (uint32_t)duk_get_length(ctx, -1);
    declare_missing(ctx, deed->item);
    if (deed->index.len) declare_missing(ctx, deed->index);
    duk_push_heapptr(ctx, evaluator->loops);
    duk_dup(ctx, 1);
    duk_put_prop_index(ctx, -2, evaluator->loop_count);
    deed->loop = evaluator->loop_count++;
}

enum scxml_verdict engine_begin_loop(struct scxml_variables *variables, scxml_expression_id array,
                                     struct text item, struct text index, uint32_t *loop,
                                     uint32_t *count, struct fault *fault)
{
    struct loop_deed deed = {
        .deed = { run_begin_loop, variables }, .array = array, .item = item, .index = index
    };
    enum scxml_verdict verdict = engine_enter(variables->evaluator, &deed.deed, fault);
    if (verdict == SCXML_DONE)
        *loop = deed.loop, *count = deed.count;
    else if (!variables->evaluator->loop_count)
        watch_end_many(&variables->evaluator->watch);
    return verdict;
}

/* [value] -> [] */
static void assign_name(duk_context *ctx, struct text name)
{
    duk_push_heapptr(ctx, evaluator_of(ctx)->running->data);
    engine_push_text(ctx, name);
    duk_pull(ctx, -3);
    duk_put_prop(ctx, -3);
    duk_pop(ctx);
}

static void run_set_item(duk_context *ctx, struct deed *self)
{
    struct loop_deed *deed = (struct loop_deed *)self;
    raw_look(ctx);
    duk_push_heapptr(ctx, evaluator_of(ctx)->loops);
    duk_get_prop_index(ctx, -1, deed->loop);
    duk_get_prop_index(ctx, -1, deed->position);
    assign_name(ctx, deed->item);
    if (!deed->index.len) return;
    duk_push_uint(ctx, deed->position);
    assign_name(ctx, deed->index);
}

enum scxml_verdict engine_set_item(struct scxml_variables *variables, uint32_t loop,
                                   uint32_t position, struct text item, struct text index,
                                   struct fault *fault)
{
    struct loop_deed deed = { .deed = { run_set_item, variables },
                              .item = item,
                              .index = index,
                              .loop = loop,
                              .position = position };
    return engine_enter(variables->evaluator, &deed.deed, fault);
}

static void run_end_loop(duk_context *ctx, struct deed *self)
{
    struct loop_deed *deed = (struct loop_deed *)self;
    duk_push_heapptr(ctx, evaluator_of(ctx)->loops);
    duk_push_undefined(ctx);
    duk_put_prop_index(ctx, -2, deed->loop);
}

void engine_end_loop(struct scxml_variables *variables, uint32_t loop)
{
    struct scxml_evaluator *evaluator = variables->evaluator;
    struct loop_deed deed = { .deed = { run_end_loop, variables }, .loop = loop };
    evaluator->loop_count = loop; /* those within it have ended before */
    if (!loop) watch_end_many(&evaluator->watch);
    engine_enter(evaluator, &deed.deed, NULL);
}
