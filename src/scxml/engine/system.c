/* SPDX-License-Identifier: Apache-2.0 */
/* system.c - P: what every session's scripts find beside their data. The system variables are
 * accessors, so that writing one throws in sloppy code, too (orchestration 3.3, 4.2 item 5). */
#include "scxml/engine/private.h"

static void freeze(duk_context *ctx)
{
    duk_freeze(ctx, -1);
    raw_protect(ctx, -1);
}

static void push_session_id(duk_context *ctx, struct scxml_variables *variables)
{
    engine_push_text(ctx, variables->frame.session_id);
}

static void push_name(duk_context *ctx, struct scxml_variables *variables)
{
    engine_push_text(ctx, variables->frame.name);
}

/* [object] -> [object]; under the processor's name and its URI. */
static void add_processor(duk_context *ctx, const struct scxml_io_processor *processor,
                          struct text session_id)
{
    duk_push_object(ctx);
    engine_push_text(ctx, processor->location);
    engine_push_text(ctx, session_id);
    engine_push_text(ctx, processor->location_end);
    duk_concat(ctx, 3);
    duk_put_prop_literal(ctx, -2, "location");
    freeze(ctx);
    engine_push_text(ctx, processor->name);
    duk_dup(ctx, -2);
    duk_put_prop(ctx, -4);
    engine_push_text(ctx, processor->uri);
    duk_pull(ctx, -2);
    duk_put_prop(ctx, -3);
}

static void push_new_processors(duk_context *ctx, struct scxml_variables *variables)
{
    duk_push_object(ctx);
    for (uint32_t i = 0; i < variables->frame.processor_count; i++)
        add_processor(ctx, &variables->frame.processors[i], variables->frame.session_id);
    freeze(ctx);
}

static void push_new_platform(duk_context *ctx, struct scxml_variables *variables)
{
    duk_push_object(ctx);
    if (variables->frame.parameters.kind == SCXML_DATA_NONE)
        duk_push_object(ctx);
    else
        engine_push_payload(ctx, &variables->frame.parameters);
    if (duk_is_object(ctx, -1)) freeze(ctx);
    duk_put_prop_literal(ctx, -2, "params");
    freeze(ctx);
}

/* What a root holds, made the first time: the same object whenever a script asks. */
static void push_root(duk_context *ctx, struct scxml_variables *variables, duk_uarridx_t root,
                      void (*push_new)(duk_context *ctx, struct scxml_variables *variables))
{
    duk_push_heapptr(ctx, variables->evaluator->sessions);
    if (duk_get_prop_index(ctx, -1, variables->slot * ROOT_COUNT + root) && duk_is_object(ctx, -1))
        return;
    duk_pop(ctx);
    push_new(ctx, variables);
    duk_dup(ctx, -1);
    duk_put_prop_index(ctx, -3, variables->slot * ROOT_COUNT + root);
}

static void push_processors(duk_context *ctx, struct scxml_variables *variables)
{
    push_root(ctx, variables, ROOT_PROCESSORS, push_new_processors);
}

static void push_platform(duk_context *ctx, struct scxml_variables *variables)
{
    push_root(ctx, variables, ROOT_PLATFORM, push_new_platform);
}

/* Only while an assignment runs: nobody is to see what another session assigned. */
static void push_assigned(duk_context *ctx, struct scxml_variables *variables)
{
    duk_push_heapptr(ctx, variables->evaluator->stash);
    duk_get_prop_index(ctx, -1, STASH_VALUE);
    if (!variables->evaluator->is_assigning) duk_push_undefined(ctx);
}

static void push_data(duk_context *ctx, struct scxml_variables *variables)
{
    duk_push_heapptr(ctx, variables->data);
}

static const struct system_variable {
    const char *name;
    void (*push)(duk_context *ctx, struct scxml_variables *variables);
    bool is_legacy; /* only in product documents (orchestration 5) */
} system_variables[] = {
    { "_event", engine_push_event, false },
    { "_sessionid", push_session_id, false },
    { "_name", push_name, false },
    { "_ioprocessors", push_processors, false },
    { "_x", push_platform, false },
    { "_data", push_data, true }, /* `_data.x` and `x` are the same variable */
    { "globalThis", push_data, false },
    { ENGINE_VALUE_NAME, push_assigned, false },
};

enum { SYSTEM_VARIABLES = sizeof system_variables / sizeof *system_variables };

static duk_ret_t read_variable(duk_context *ctx)
{
    struct scxml_variables *running = evaluator_of(ctx)->running;
    if (!running) return 0;
    system_variables[duk_get_current_magic(ctx)].push(ctx, running);
    return 1;
}

static duk_ret_t refuse_write(duk_context *ctx)
{
    return duk_error(ctx, DUK_ERR_TYPE_ERROR, "%s is read-only",
                     system_variables[duk_get_current_magic(ctx)].name);
}

static duk_ret_t in_state(duk_context *ctx)
{
    struct scxml_variables *running = evaluator_of(ctx)->running;
    size_t len;
    const char *id = duk_to_lstring(ctx, 0, &len);
    const struct scxml_frame *frame = running ? &running->frame : NULL;
    duk_push_boolean(ctx, frame && frame->is_active &&
                              frame->is_active(frame->self, (struct text){ id, len }));
    return 1;
}

static duk_ret_t log_words(duk_context *ctx)
{
    struct scxml_variables *running = evaluator_of(ctx)->running;
    size_t len;
    const char *words = duk_to_lstring(ctx, 0, &len);
    const struct scxml_frame *frame = running ? &running->frame : NULL;
    if (frame && frame->log && !frame->log(frame->self, (struct text){ words, len }))
        return duk_error(ctx, DUK_ERR_RANGE_ERROR, "too much was logged");
    return 0;
}

/* A Date of whatever Date.parse() can read. */
static duk_ret_t parse_date(duk_context *ctx)
{
    duk_push_heapptr(ctx, evaluator_of(ctx)->global);
    duk_get_prop_literal(ctx, -1, "Date");
    (void)duk_to_string(ctx, 0);
    duk_dup(ctx, 0);
    duk_new(ctx, 1);
    return 1;
}

static void add_variable(duk_context *ctx, duk_int_t which)
{
    duk_push_string(ctx, system_variables[which].name);
    duk_push_c_function(ctx, read_variable, 0);
    duk_set_magic(ctx, -1, which);
    duk_push_c_function(ctx, refuse_write, 1);
    duk_set_magic(ctx, -1, which);
    duk_def_prop(ctx, -4,
                 DUK_DEFPROP_HAVE_GETTER | DUK_DEFPROP_HAVE_SETTER | DUK_DEFPROP_CLEAR_ENUMERABLE |
                     DUK_DEFPROP_CLEAR_CONFIGURABLE);
}

static void add_function(duk_context *ctx, const char *name, duk_c_function function)
{
    duk_push_string(ctx, name);
    duk_push_c_function(ctx, function, 1);
    duk_def_prop(ctx, -3,
                 DUK_DEFPROP_HAVE_VALUE | DUK_DEFPROP_SET_WC | DUK_DEFPROP_CLEAR_ENUMERABLE);
}

void engine_push_new_system(duk_context *ctx, const struct scxml_evaluator *evaluator)
{
    duk_push_bare_object(ctx);
    for (duk_int_t i = 0; i < SYSTEM_VARIABLES; i++)
        if (!system_variables[i].is_legacy || evaluator->document->is_legacy) add_variable(ctx, i);
    add_function(ctx, "In", in_state);
    add_function(ctx, "parseDate", parse_date);
    add_function(ctx, "__Log", log_words);
    duk_push_heapptr(ctx, evaluator->global);
    duk_set_prototype(ctx, -2);
}

bool engine_is_system_name(const struct scxml_evaluator *evaluator, struct text name)
{
    for (int i = 0; i < SYSTEM_VARIABLES; i++)
        if (text_eq(name, text_of(system_variables[i].name)))
            return !system_variables[i].is_legacy || evaluator->document->is_legacy;
    return false;
}
