/* SPDX-License-Identifier: Apache-2.0 */
/* save.c - a session's data as one JSON object, and back.
 * Form     as JSON, and {"$":kind,"value":...} for what JSON has no word for: undefined, numbers
 *          that are none, dates, DOM nodes, and objects that have a "$" themselves. The name
 *          "#state" of the whole holds the state of Math.random and _event.
 * Lost     is what has no form: cycles, regular expressions, buffers, what a getter refuses.
 *          Functions are left out; restoring keeps those that the top-level scripts made again,
 *          also inside objects. */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "format/json.h"
#include "scxml/engine/dom.h"
#include "scxml/engine/model.h"

#define STATE_NAME "#state"

enum { SAVED_DEPTH_MAX = 200, SAVED_SLOTS = 12 };

struct save_deed {
    struct deed deed;
    struct buf *out;
    uint32_t lost;
    uint32_t depth;
    void *above[SAVED_DEPTH_MAX]; /* objects that the present one lies in */
};

static void save_value(duk_context *ctx, struct save_deed *save);

/* --- writing ---------------------------------------------------------------------------------- */

static void add_string(duk_context *ctx, struct save_deed *save)
{
    struct scope *scratch = evaluator_of(ctx)->scratch;
    struct json_writer json = json_writer(save->out);
    scope_reset(scratch);
    json_put_text(&json, engine_read_text(ctx, -1, scratch));
}

static void add_marked(struct save_deed *save, const char *kind)
{
    buf_format(save->out, "{\"$\":\"%s\",\"value\":", kind);
}

static void save_undefined(struct save_deed *save)
{
    buf_add_z(save->out, "{\"$\":\"undefined\"}");
}

static void save_number(duk_context *ctx, struct save_deed *save)
{
    double number = duk_get_number(ctx, -1);
    bool is_plain = isfinite(number) && !(number == 0 && signbit(number));
    duk_dup(ctx, -1);
    if (is_plain)
        buf_add_z(save->out, duk_to_string(ctx, -1));
    else
        buf_format(save->out, "{\"$\":\"number\",\"value\":\"%s\"}",
                   number == 0 ? "-0" : duk_to_string(ctx, -1));
    duk_pop(ctx);
}

static void save_date(duk_context *ctx, struct save_deed *save)
{
    add_marked(save, "date");
    raw_push_date(ctx, -1);
    save_number(ctx, save);
    duk_pop(ctx);
    buf_add_byte(save->out, '}');
}

/* A text by itself, or what a script has bent out of shape, is no document that could be read back.
 */
static void save_dom(duk_context *ctx, struct save_deed *save)
{
    struct buf *xml = &evaluator_of(ctx)->xml;
    struct json_writer json = json_writer(save->out);
    buf_clear(xml);
    engine_add_dom(ctx, -1, xml);
    if (!engine_is_xml(ctx, buf_text(xml))) {
        save->lost++;
        save_undefined(save);
        return;
    }
    add_marked(save, "xml");
    json_put_text(&json, buf_text(xml));
    buf_add_byte(save->out, '}');
}

static void save_array(duk_context *ctx, struct save_deed *save)
{
    duk_size_t count = duk_get_length(ctx, -1);
    buf_add_byte(save->out, '[');
    for (duk_size_t i = 0; i < count; i++) {
        if (i) buf_add_byte(save->out, ',');
        duk_get_prop_index(ctx, -1, (duk_uarridx_t)i);
        save_value(ctx, save);
        duk_pop(ctx);
    }
    buf_add_byte(save->out, ']');
}

static bool is_left_out(duk_context *ctx)
{
    return duk_is_function(ctx, -1) || duk_is_symbol(ctx, -1);
}

static void save_members(duk_context *ctx, struct save_deed *save)
{
    bool needs_comma = false;
    duk_enum(ctx, -1, DUK_ENUM_OWN_PROPERTIES_ONLY);
    while (duk_next(ctx, -1, true)) {
        if (!is_left_out(ctx)) {
            if (needs_comma) buf_add_byte(save->out, ',');
            duk_dup(ctx, -2);
            add_string(ctx, save);
            duk_pop(ctx);
            buf_add_byte(save->out, ':');
            save_value(ctx, save);
            needs_comma = true;
        }
        duk_pop_2(ctx);
    }
    duk_pop(ctx);
}

static void save_plain(duk_context *ctx, struct save_deed *save)
{
    bool is_marked = duk_has_prop_literal(ctx, -1, "$");
    if (is_marked) add_marked(save, "object");
    buf_add_byte(save->out, '{');
    save_members(ctx, save);
    buf_add_z(save->out, is_marked ? "}}" : "}");
}

static bool is_storable(duk_context *ctx, const struct save_deed *save)
{
    void *object = duk_get_heapptr(ctx, -1);
    for (uint32_t i = 0; i < save->depth; i++)
        if (save->above[i] == object) return false;
    return save->depth < SAVED_DEPTH_MAX && !is_left_out(ctx) && !duk_is_buffer_data(ctx, -1) &&
           !raw_is_regexp(ctx, -1);
}

static void save_object(duk_context *ctx, struct save_deed *save)
{
    if (!is_storable(ctx, save)) {
        save->lost += !is_left_out(ctx);
        save_undefined(save);
        return;
    }
    save->above[save->depth++] = duk_get_heapptr(ctx, -1);
    if (engine_is_dom(ctx, -1))
        save_dom(ctx, save);
    else if (raw_is_date(ctx, -1))
        save_date(ctx, save);
    else if (duk_is_array(ctx, -1))
        save_array(ctx, save);
    else
        save_plain(ctx, save);
    save->depth--;
}

static void save_value(duk_context *ctx, struct save_deed *save)
{
    duk_require_stack(ctx, SAVED_SLOTS);
    raw_tick(ctx, 10);
    /* Shared objects are written each time: what is small may be vast when it is spelt out. */
    if (save->out->len > evaluator_of(ctx)->session_max)
        (void)duk_error(ctx, DUK_ERR_RANGE_ERROR, "the data are too large to be saved");
    switch (duk_get_type(ctx, -1)) {
    case DUK_TYPE_NULL: buf_add_z(save->out, "null"); return;
    case DUK_TYPE_BOOLEAN:
        buf_add_z(save->out, duk_get_boolean(ctx, -1) ? "true" : "false");
        return;
    case DUK_TYPE_NUMBER: save_number(ctx, save); return;
    case DUK_TYPE_STRING:
        if (duk_is_symbol(ctx, -1))
            save_undefined(save);
        else
            add_string(ctx, save);
        return;
    case DUK_TYPE_OBJECT: save_object(ctx, save); return;
    default: save_undefined(save); return;
    }
}

static duk_ret_t try_value(duk_context *ctx, void *self)
{
    save_value(ctx, self);
    return 0;
}

/* [value] -> [value]. A variable whose getters or traps throw is lost, not the session. */
static void save_variable(duk_context *ctx, struct save_deed *save)
{
    size_t before = save->out->len;
    const struct watch *watch = raw_watch(ctx);
    duk_dup(ctx, -1);
    bool is_saved = duk_safe_call(ctx, try_value, save, 1, 1) == DUK_EXEC_SUCCESS;
    bool is_bound = watch->is_over || watch->is_exhausted ||
                    save->out->len > evaluator_of(ctx)->session_max;
    if (!is_saved && is_bound) (void)duk_throw(ctx);
    duk_pop(ctx);
    save->depth = 0;
    if (is_saved) return;
    save->out->len = before;
    save->lost++;
    save_undefined(save);
}

/* A name that would mean something else when it is read back. */
static bool is_reserved(duk_context *ctx, duk_idx_t index)
{
    struct text name = text_of(duk_get_string(ctx, index));
    return text_eq(name, TEXT(STATE_NAME)) || engine_is_system_name(evaluator_of(ctx), name);
}

/* [object] -> [object]; the members that are saved, after `comma` where there are any. */
static void save_variables(duk_context *ctx, struct save_deed *save, const char *comma)
{
    duk_enum(ctx, -1, DUK_ENUM_OWN_PROPERTIES_ONLY);
    while (duk_next(ctx, -1, true)) {
        bool is_ours = is_reserved(ctx, -2);
        save->lost += is_ours;
        if (!is_ours && !is_left_out(ctx)) {
            buf_add_z(save->out, comma);
            duk_dup(ctx, -2);
            add_string(ctx, save);
            duk_pop(ctx);
            buf_add_byte(save->out, ':');
            save_variable(ctx, save);
            comma = ",";
        }
        duk_pop_2(ctx);
    }
    duk_pop(ctx);
}

static void save_own_state(duk_context *ctx, struct save_deed *save)
{
    struct scxml_variables *variables = save->deed.variables;
    buf_format(save->out, "{\"" STATE_NAME "\":{\"chance\":\"%" PRIu64 "\"", variables->chance);
    if (variables->has_event) {
        buf_add_z(save->out, ",\"event\":{");
        engine_push_event(ctx, variables);
        save_variables(ctx, save, "");
        duk_pop(ctx);
        buf_add_byte(save->out, '}');
    }
    buf_add_byte(save->out, '}');
}

static void run_save(duk_context *ctx, struct deed *self)
{
    struct save_deed *save = (struct save_deed *)self;
    save_own_state(ctx, save);
    duk_push_heapptr(ctx, save->deed.variables->data);
    save_variables(ctx, save, ",");
    buf_add_byte(save->out, '}');
}

enum scxml_verdict engine_save(struct scxml_variables *variables, struct buf *out, uint32_t *lost,
                               struct fault *fault)
{
    size_t before = out->len;
    struct save_deed save = { .deed = { run_save, variables, 1 }, .out = out };
    enum scxml_verdict verdict = engine_enter(variables->evaluator, &save.deed, fault);
    if (verdict == SCXML_DONE)
        *lost = save.lost;
    else
        out->len = before;
    return verdict;
}

/* --- reading ---------------------------------------------------------------------------------- */

/* [name] -> [value]; of the object at `index`, undefined where it has none of its own. */
static void get_own(duk_context *ctx, duk_idx_t index)
{
    duk_get_prop_desc(ctx, index, 0);
    if (duk_is_undefined(ctx, -1)) return;
    duk_get_prop_literal(ctx, -1, "value");
    duk_remove(ctx, -2);
}

/* [existing saved] -> [value] */
static void merge(duk_context *ctx);

static bool is_mergeable(duk_context *ctx, duk_idx_t index)
{
    return duk_is_object(ctx, index) && !duk_is_array(ctx, index) && !duk_is_function(ctx, index) &&
           !engine_is_dom(ctx, index) && !raw_is_date(ctx, index) && raw_is_extensible(ctx, index);
}

/* [name] -> []; data that a document declares can not be deleted. */
static void drop(duk_context *ctx, duk_idx_t target)
{
    duk_dup(ctx, -1);
    duk_get_prop_desc(ctx, target, 0);
    duk_get_prop_literal(ctx, -1, "configurable");
    bool is_configurable = duk_to_boolean(ctx, -1);
    duk_pop_2(ctx);
    if (is_configurable) {
        duk_del_prop(ctx, target);
        return;
    }
    duk_push_undefined(ctx);
    duk_def_prop(ctx, target, DUK_DEFPROP_HAVE_VALUE | DUK_DEFPROP_FORCE);
}

/* [target saved] -> [target saved]; what was not saved goes, but functions stay. */
static void drop_members(duk_context *ctx)
{
    duk_idx_t target = duk_get_top_index(ctx) - 1, saved = target + 1;
    duk_enum(ctx, target, DUK_ENUM_OWN_PROPERTIES_ONLY);
    while (duk_next(ctx, -1, true)) {
        duk_dup(ctx, -2);
        get_own(ctx, saved);
        bool stays = !duk_is_undefined(ctx, -1);
        duk_pop(ctx);
        stays = stays || is_left_out(ctx);
        duk_pop(ctx);
        if (stays)
            duk_pop(ctx);
        else
            drop(ctx, target);
    }
    duk_pop(ctx);
}

/* [target saved] -> [target]; every member of `saved` goes into the target. */
static void merge_members(duk_context *ctx)
{
    duk_idx_t target = duk_get_top_index(ctx) - 1, saved = target + 1;
    duk_enum(ctx, saved, DUK_ENUM_OWN_PROPERTIES_ONLY);
    while (duk_next(ctx, -1, false)) {
        raw_tick(ctx, 10);
        duk_dup(ctx, -1);
        get_own(ctx, target);
        duk_dup(ctx, -2);
        get_own(ctx, saved);
        merge(ctx);
        duk_def_prop(ctx, target, DUK_DEFPROP_HAVE_VALUE | DUK_DEFPROP_SET_WEC | DUK_DEFPROP_FORCE);
    }
    duk_pop_2(ctx);
}

/* [existing saved] -> [object] */
static void merge_object(duk_context *ctx)
{
    if (is_mergeable(ctx, -2)) {
        drop_members(ctx);
    } else {
        duk_push_object(ctx);
        duk_replace(ctx, -3);
    }
    merge_members(ctx);
}

/* [existing saved] -> [array] */
static void merge_array(duk_context *ctx)
{
    duk_size_t count = duk_get_length(ctx, -1);
    bool has_counterpart = duk_is_array(ctx, -2);
    for (duk_size_t i = 0; i < count; i++) {
        raw_tick(ctx, 10);
        if (has_counterpart)
            duk_get_prop_index(ctx, -2, (duk_uarridx_t)i);
        else
            duk_push_undefined(ctx);
        duk_get_prop_index(ctx, -2, (duk_uarridx_t)i);
        merge(ctx);
        duk_put_prop_index(ctx, -2, (duk_uarridx_t)i);
    }
    duk_remove(ctx, -2);
}

/* [value] -> [Date] */
static void make_date(duk_context *ctx)
{
    duk_push_heapptr(ctx, evaluator_of(ctx)->global);
    duk_get_prop_literal(ctx, -1, "Date");
    duk_pull(ctx, -3);
    duk_new(ctx, 1);
    duk_remove(ctx, -2);
}

static void make_dom(duk_context *ctx)
{
    struct scope *scope = scope_new(NULL, "saved XML", SCOPE_NO_LIMIT);
    struct text xml = engine_read_text(ctx, -1, scope);
    bool is_sound = engine_push_dom(ctx, xml);
    scope_close(scope);
    if (!is_sound) (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "a saved node is no XML");
    duk_remove(ctx, -2);
}

/* [existing saved] -> [value]; what a mark stands for. */
static void merge_marked(duk_context *ctx)
{
    duk_get_prop_literal(ctx, -1, "$");
    struct text kind = text_of(duk_require_string(ctx, -1));
    duk_get_prop_literal(ctx, -2, "value");
    duk_remove(ctx, -3);
    duk_pull(ctx, -2);
    duk_insert(ctx, -3); /* kind existing value */
    if (text_eq(kind, TEXT("object"))) {
        (void)duk_require_object(ctx, -1);
        merge_object(ctx);
    } else {
        duk_remove(ctx, -2);
        if (text_eq(kind, TEXT("number")))
            (void)duk_to_number(ctx, -1);
        else if (text_eq(kind, TEXT("xml")) && duk_is_string(ctx, -1))
            make_dom(ctx);
        else if (text_eq(kind, TEXT("undefined")))
            (void)duk_to_undefined(ctx, -1);
        else if (text_eq(kind, TEXT("date"))) {
            duk_push_undefined(ctx);
            duk_insert(ctx, -2);
            merge(ctx);
            make_date(ctx);
        } else
            (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "a saved value of no known kind");
    }
    duk_remove(ctx, -2);
}

static void merge(duk_context *ctx)
{
    duk_require_stack(ctx, SAVED_SLOTS);
    if (!duk_is_object(ctx, -1))
        duk_remove(ctx, -2);
    else if (duk_is_array(ctx, -1))
        merge_array(ctx);
    else if (duk_has_prop_literal(ctx, -1, "$"))
        merge_marked(ctx);
    else
        merge_object(ctx);
}

/* The data lie in the heap as text, as JSON and as themselves. */
enum { RESTORE_TIMES = 4 };

struct restore_deed {
    struct deed deed;
    struct text saved;
};

/* [state] -> [] */
static void restore_own_state(duk_context *ctx, struct scxml_variables *variables)
{
    duk_get_prop_literal(ctx, -1, "chance");
    if (text_to_u64(text_of(duk_require_string(ctx, -1)), 0, UINT64_MAX, &variables->chance))
        (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "the saved state of Math.random is none");
    if (duk_get_prop_literal(ctx, -2, "event")) {
        duk_push_undefined(ctx);
        duk_insert(ctx, -2);
        merge(ctx);
        engine_restore_event(ctx, variables);
    } else {
        duk_pop(ctx);
    }
    duk_pop_2(ctx);
}

/* [name saved] -> [] */
static void restore_variable(duk_context *ctx, struct scxml_variables *variables)
{
    if (engine_is_system_name(variables->evaluator, text_of(duk_get_string(ctx, -2))))
        (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "saved data name a system variable");
    duk_push_heapptr(ctx, variables->data);
    duk_insert(ctx, -3);
    duk_dup(ctx, -2);
    get_own(ctx, -4);
    duk_insert(ctx, -2);
    merge(ctx);
    duk_def_prop(ctx, -3, DUK_DEFPROP_HAVE_VALUE | DUK_DEFPROP_SET_WE | DUK_DEFPROP_FORCE);
    duk_pop(ctx);
}

static void run_restore(duk_context *ctx, struct deed *self)
{
    struct restore_deed *deed = (struct restore_deed *)self;
    engine_push_text(ctx, deed->saved);
    duk_json_decode(ctx, -1);
    if (!duk_is_object(ctx, -1) || duk_is_array(ctx, -1))
        (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "saved data are an object");
    if (!duk_get_prop_literal(ctx, -1, STATE_NAME) || !duk_is_object(ctx, -1))
        (void)duk_error(ctx, DUK_ERR_TYPE_ERROR, "saved data have no state");
    restore_own_state(ctx, deed->deed.variables);
    duk_del_prop_literal(ctx, -1, STATE_NAME);
    duk_push_heapptr(ctx, deed->deed.variables->data);
    duk_dup(ctx, -2);
    drop_members(ctx);
    duk_pop_2(ctx);
    duk_enum(ctx, -1, DUK_ENUM_OWN_PROPERTIES_ONLY);
    while (duk_next(ctx, -1, true)) restore_variable(ctx, deed->deed.variables);
}

enum scxml_verdict engine_restore(struct scxml_variables *variables, struct text saved,
                                  struct fault *fault)
{
    struct restore_deed deed = { .deed = { run_restore, variables, RESTORE_TIMES },
                                 .saved = saved };
    return engine_enter(variables->evaluator, &deed.deed, fault);
}
