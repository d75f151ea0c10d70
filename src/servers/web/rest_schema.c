/* SPDX-License-Identifier: Apache-2.0 */
/* What objects and options are made of, from the generated tables: forms and checks of clients are
 * made of it. */
#include "model/application_type.h"
#include "servers/web/rest.h"

#include <string.h>

static void put_text(struct json_writer *json, const char *name, const char *value)
{
    if (value == NULL) return;
    json_put_name(json, text_of(name));
    json_put_text(json, text_of(value));
}

static void put_bool(struct json_writer *json, const char *name, bool value)
{
    json_put_name(json, text_of(name));
    json_put_bool(json, value);
}

static void put_words(struct json_writer *json, const char *name, const char *const *words)
{
    if (words == NULL) return;
    json_put_name(json, text_of(name));
    json_begin_array(json);
    for (; *words; words++) json_put_text(json, text_of(*words));
    json_end_array(json);
}

static void put_range(struct json_writer *json, int64_t min, int64_t max)
{
    if (min == 0 && max == 0) return;
    json_put_name(json, TEXT("min"));
    json_put_i64(json, min);
    json_put_name(json, TEXT("max"));
    json_put_i64(json, max);
}

/* --- objects -------------------------------------------------------------------------------- */

static const char *kind_name(enum field_kind kind)
{
    static const char *const kinds[] = { "bool", "u32",   "u64", "i64",   "f64",
                                         "text", "bytes", "kv",  "nested" };
    return kinds[kind];
}

/* The type that a field names: by its path, "connections[].server", "skillLevels{}". */
static const char *reference_of(const struct object_type *type, struct text path)
{
    for (size_t i = 0; i < type->reference_count; i++)
        if (text_eq(text_of(type->references[i].path), path)) return type->references[i].to;
    return NULL;
}

static void put_fields(struct json_writer *json, const struct object_type *type,
                       const struct shape *shape, struct text prefix, uint32_t depth);

static void put_field(struct json_writer *json, const struct object_type *type,
                      const struct shape_field *field, struct text prefix, uint32_t depth)
{
    struct buf path = { 0 };
    buf_format(&path, "%.*s%s%s", TEXT_ARG(prefix), field->name,
               field->is_list            ? "[]"
               : field->kind == FIELD_KV ? "{}"
                                         : "");
    const char *reference = reference_of(type, buf_text(&path));
    json_begin_object(json);
    put_text(json, "name", field->name);
    put_text(json, "type", kind_name(field->kind));
    put_bool(json, "isList", field->is_list);
    put_bool(json, "isRequired", field->is_required);
    put_range(json, field->min, field->max);
    if (field->len_max) {
        json_put_name(json, TEXT("maxLength"));
        json_put_u64(json, field->len_max);
    }
    put_words(json, "choices", field->choices);
    put_text(json, "default", field->fallback);
    put_text(json, "unit", field->unit);
    put_text(json, "reference", reference);
    put_text(json, "help", field->help);
    if (field->nested && depth) {
        buf_add_byte(&path, '.');
        put_fields(json, type, field->nested, buf_text(&path), depth - 1);
    }
    json_end_object(json);
    buf_free(&path);
}

static void put_fields(struct json_writer *json, const struct object_type *type,
                       const struct shape *shape, struct text prefix, uint32_t depth)
{
    json_put_name(json, TEXT("fields"));
    json_begin_array(json);
    for (uint16_t i = 0; i < shape->count; i++)
        put_field(json, type, &shape->fields[i], prefix, depth);
    json_end_array(json);
}

static void put_type(struct json_writer *json, const struct object_type *type)
{
    enum { DEPTH_MAX = 8 };
    json_begin_object(json);
    put_text(json, "name", type->name);
    put_text(json, "plural", type->plural);
    json_put_name(json, TEXT("typeCode"));
    json_put_u64(json, type->code);
    put_text(json, "help", type->help);
    put_bool(json, "isGlobal", type->is_global);
    put_words(json, "key", type->key);
    put_fields(json, type, type->shape, TEXT(""), DEPTH_MAX);
    json_end_object(json);
}

void rest_list_object_types(struct rest_call *call)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    size_t count;
    const struct object_type *const *types = object_types(&count);
    json_begin_object(&json);
    json_put_name(&json, TEXT("types"));
    json_begin_array(&json);
    for (size_t i = 0; i < count; i++) put_type(&json, types[i]);
    json_end_array(&json);
    json_end_object(&json);
    rest_answer(call, 200, buf_text(&out), 0);
    buf_free(&out);
}

void rest_get_object_type(struct rest_call *call)
{
    const struct object_type *type = object_type_find(rest_given(&call->question, "type"));
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (type == NULL) {
        rest_refuse(call, 404, "NotFound", TEXT("type"), TEXT("there is no such object type"));
        return;
    }
    put_type(&json, type);
    rest_answer(call, 200, buf_text(&out), 0);
    buf_free(&out);
}

/* --- options (framework 4.1) ---------------------------------------------------------------- */

static void put_option(struct json_writer *json, const struct option *option)
{
    static const char *const types[] = {
        [OPTION_BOOL] = "bool",           [OPTION_U32] = "int",     [OPTION_I64] = "int",
        [OPTION_FLOAT] = "float",         [OPTION_TEXT] = "string", [OPTION_ENUM] = "enum",
        [OPTION_LIST] = "list",           [OPTION_URL] = "url",     [OPTION_SECRET] = "secret",
        [OPTION_DURATION] = "duration",   [OPTION_REGEX] = "regex", [OPTION_JSON] = "json",
        [OPTION_PORTRANGE] = "portrange",
    };
    static const char *const effects[] = { "immediate", "next-object", "reconnect", "restart",
                                           "startup" };
    json_begin_object(json);
    put_text(json, "section", option->section);
    put_text(json, "name", option->name);
    put_text(json, "type", types[option->type]);
    put_range(json, option->min, option->max);
    put_words(json, "choices", option->choices);
    put_text(json, "default", option->fallback);
    put_text(json, "effective", effects[option->effect]);
    put_text(json, "unit", option->unit);
    put_bool(json, "secret", option->type == OPTION_SECRET);
    put_bool(json, "isFamily", option->is_family);
    put_text(json, "desc", option->help);
    json_end_object(json);
}

void rest_get_options(struct rest_call *call)
{
    struct text name = rest_given(&call->question, "appType");
    const struct option_table *table = application_type_options(name);
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (table == NULL) {
        rest_refuse(call, 404, "NotFound", TEXT("appType"),
                    TEXT("there is no such application type of ours"));
        return;
    }
    json_begin_object(&json);
    json_put_name(&json, TEXT("appType"));
    json_put_text(&json, name);
    json_put_name(&json, TEXT("options"));
    json_begin_array(&json);
    for (size_t i = 0; i < table->count; i++) put_option(&json, &table->options[i]);
    json_end_array(&json);
    json_end_object(&json);
    rest_answer(call, 200, buf_text(&out), 0);
    buf_free(&out);
}
