/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/object.h"

#include "format/json.h"
#include "servers/config/rules.h"

#include <inttypes.h>
#include <stdio.h>

/* --- keys ----------------------------------------------------------------------------------- */

struct text object_identity(struct scope *scope, const struct object_type *type, struct text tenant,
                            struct text key)
{
    return scope_format(scope, "%s\x1f%.*s\x1f%.*s", type->name,
                        type->is_global ? 0 : (int)tenant.len, tenant.at ? tenant.at : "",
                        TEXT_ARG(key));
}

struct text object_label(struct scope *scope, const struct object_type *type, struct text tenant,
                         struct text key)
{
    if (type->is_global || text_eq(tenant, OBJECT_TENANT_DEFAULT))
        return scope_format(scope, "%s[%.*s]", type->plural, TEXT_ARG(key));
    return scope_format(scope, "%s[%.*s] of tenant %.*s", type->plural, TEXT_ARG(key),
                        TEXT_ARG(tenant));
}

static void add_key_part(struct buf *out, struct text part)
{
    for (size_t i = 0; i < part.len; i++) {
        if (part.at[i] == '/')
            buf_add_z(out, "%2F");
        else if (part.at[i] == '%')
            buf_add_z(out, "%25");
        else
            buf_add_byte(out, part.at[i]);
    }
}

struct text object_key(struct scope *scope, const struct object_type *type, const struct kv *body)
{
    if (type->key[1] == NULL) return scope_keep(scope, body_text(body, type->key[0]));
    struct buf out = { 0 };
    struct text key = { 0 };
    bool is_whole = true;
    for (const char *const *part = type->key; *part; part++) {
        struct text text = body_text(body, *part);
        is_whole = is_whole && text.len > 0;
        if (part != type->key) buf_add_byte(&out, '/');
        add_key_part(&out, text);
    }
    if (is_whole) key = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return key;
}

void object_rekey(struct object *object)
{
    object->key = object_key(object->life, object->type, &object->body);
    object->identity = object_identity(object->life, object->type, object->tenant, object->key);
}

/* --- canonical form ------------------------------------------------------------------------- */

static bool is_sections(const struct shape_field *field)
{
    return field->kind == FIELD_KV && (text_eq(text_of(field->name), TEXT("annex")) ||
                                       text_eq(text_of(field->name), TEXT("options")));
}

static struct value option_text(struct scope *scope, const struct value *value)
{
    if (value->kind == VALUE_BOOL)
        return body_text_value(value->truth ? TEXT("true") : TEXT("false"));
    if (value->kind == VALUE_INTEGER || value->kind == VALUE_FLOAT)
        return body_text_value(body_to_json(scope, value));
    return body_copy_value(scope, value);
}

/* Numbers and booleans are taken as text (framework 4.1). */
static struct value canonical_sections(struct scope *scope, const struct value *in)
{
    struct value out = body_copy_value(scope, in);
    for (uint32_t i = 0; i < out.pairs.count; i++) {
        struct value *section = &out.pairs.at[i].value;
        for (uint32_t k = 0; section->kind == VALUE_KV && k < section->pairs.count; k++)
            section->pairs.at[k].value = option_text(scope, &section->pairs.at[k].value);
    }
    return out;
}

static bool is_fallback(const struct shape_field *field, const struct value *value)
{
    char number[24];
    if (field->fallback == NULL) return false;
    struct text fallback = text_of(field->fallback);
    if (value->kind == VALUE_BOOL)
        return text_eq(fallback, value->truth ? TEXT("true") : TEXT("false"));
    if (value->kind == VALUE_TEXT) return text_eq(fallback, value->text);
    if (value->kind != VALUE_INTEGER) return false;
    (void)snprintf(number, sizeof number, "%" PRId64, value->integer);
    return text_eq(fallback, text_of(number));
}

static bool is_empty(const struct value *value)
{
    switch (value->kind) {
    case VALUE_TEXT: return value->text.len == 0;
    case VALUE_LIST: return value->items.count == 0;
    case VALUE_KV: return value->pairs.count == 0;
    default: return false;
    }
}

static struct value canonical_value(struct scope *scope, const struct shape_field *field,
                                    const struct value *in)
{
    if (is_sections(field)) return canonical_sections(scope, in);
    if (field->kind != FIELD_NESTED) return body_copy_value(scope, in);
    if (!field->is_list)
        return (struct value){ .kind = VALUE_KV,
                               .pairs = object_canonical(scope, field->nested, &in->pairs) };
    struct value out = { .kind = VALUE_LIST };
    out.items.count = in->items.count;
    out.items.at = scope_alloc_array(scope, out.items.count, sizeof *out.items.at);
    for (uint32_t i = 0; i < out.items.count; i++)
        out.items.at[i] = (struct value){ .kind = VALUE_KV,
                                          .pairs = object_canonical(scope, field->nested,
                                                                    &in->items.at[i].pairs) };
    return out;
}

struct kv object_canonical(struct scope *scope, const struct shape *shape, const struct kv *raw)
{
    struct kv out = { scope_alloc_array(scope, shape->count, sizeof *out.at), 0 };
    for (uint16_t i = 0; i < shape->count; i++) {
        const struct shape_field *field = &shape->fields[i];
        const struct value *value = body_find(raw, text_of(field->name));
        if (value == NULL || value->kind == VALUE_NULL) continue;
        struct value canonical = canonical_value(scope, field, value);
        if (is_fallback(field, &canonical) || (is_empty(&canonical) && !field->is_required))
            continue;
        out.at[out.count++] = (struct pair){ text_of(field->name), canonical };
    }
    return out;
}

/* --- making --------------------------------------------------------------------------------- */

static bool fits_shape(const struct object_type *type, const struct kv *raw, struct text label,
                       struct problems *problems)
{
    struct fault fault = { 0 };
    void *fields;
    struct scope *scratch = scope_new(NULL, "shape check", OBJECT_BYTES_MAX);
    enum err err = kv_to_shape(raw, type->shape, false, scratch, &fields, NULL, &fault);
    scope_close(scratch);
    if (!err) return true;
    problem_add(problems, PROBLEM_INVALID_VALUE, type, text_of(fault.field), "%.*s.%s: %s",
                TEXT_ARG(label), fault.field, fault.words);
    return false;
}

/* For words only: what is to be said of an object whose key may be broken. */
static struct text raw_label(struct scope *scope, const struct object_type *type,
                             struct text tenant, const struct kv *raw)
{
    struct text key = object_key(scope, type, raw);
    if (key.len == 0) key = body_text(raw, "name");
    return object_label(scope, type, tenant, key.len ? key : TEXT("?"));
}

static bool has_key(struct object *object, struct problems *problems)
{
    for (const char *const *part = object->type->key; *part; part++)
        if (body_text(&object->body, *part).len == 0) {
            struct text label =
                raw_label(problems->scope, object->type, object->tenant, &object->body);
            problem_add(problems, PROBLEM_INVALID_VALUE, object->type, text_of(*part),
                        "%.*s.%s: is part of the key and must be there", TEXT_ARG(label), *part);
            return false;
        }
    /* Identities are joined by a control character, and lists of names by line ends. */
    bool is_printable = true;
    for (size_t i = 0; i < object->key.len; i++)
        is_printable = is_printable && (unsigned char)object->key.at[i] >= ' ';
    if (is_printable && object->key.len <= OBJECT_KEY_BYTES_MAX) return true;
    problem_add(problems, PROBLEM_INVALID_VALUE, object->type, text_of(object->type->key[0]),
                "%s: a key has control characters or more than %d bytes", object->type->plural,
                OBJECT_KEY_BYTES_MAX);
    return false;
}

static struct object *make(struct scope *owner, const struct object_type *type, struct text tenant)
{
    struct scope *life = scope_new(owner, "configuration object", OBJECT_BYTES_MAX);
    struct object *object = scope_alloc(life, sizeof *object);
    *object = (struct object){
        .life = life,
        .type = type,
        .tenant = type->is_global ? TEXT("") : scope_keep(life, tenant),
    };
    return object;
}

struct object *object_new(struct scope *owner, const struct object_type *type, struct text tenant,
                          const struct kv *raw, struct problems *problems)
{
    struct text label = raw_label(problems->scope, type, tenant, raw);
    if (!fits_shape(type, raw, label, problems)) return NULL;
    struct object *object = make(owner, type, tenant);
    object->body = object_canonical(object->life, type->shape, raw);
    (void)body_remove(&object->body, TEXT("dbid"));
    (void)body_remove(&object->body, TEXT("tenant"));
    object_rekey(object);
    if (has_key(object, problems) && rules_check(object, label, problems)) return object;
    scope_close(object->life);
    return NULL;
}

enum err object_load(struct scope *owner, const struct object_type *type, struct text tenant,
                     struct text key, struct text json, struct object **out, struct fault *fault)
{
    struct object *object = make(owner, type, tenant);
    enum err err = json_read_kv(json, object->life, &object->body, fault);
    if (err) {
        scope_close(object->life);
        return err;
    }
    object->key = scope_keep(object->life, key);
    object->identity = object_identity(object->life, type, object->tenant, object->key);
    *out = object;
    return ERR_OK;
}

struct object *object_copy(struct scope *owner, const struct object *object)
{
    struct object *copy = make(owner, object->type, object->tenant);
    copy->dbid = object->dbid;
    copy->rev = object->rev;
    copy->created_utc_ms = object->created_utc_ms;
    copy->changed_utc_ms = object->changed_utc_ms;
    copy->body = body_copy(copy->life, &object->body);
    object_rekey(copy);
    return copy;
}

/* --- writing -------------------------------------------------------------------------------- */

struct full_writer {
    struct json_writer json;
    struct text (*secret_of)(void *self, struct text name);
    void *self;
};

static void put_members(struct full_writer *writer, const struct shape *shape,
                        const struct kv *body, uint16_t first);

static void put_sections(struct full_writer *writer, const struct kv *sections)
{
    json_begin_object(&writer->json);
    for (uint32_t i = 0; i < sections->count; i++) {
        const struct kv *section = &sections->at[i].value.pairs;
        json_put_name(&writer->json, sections->at[i].name);
        json_begin_object(&writer->json);
        for (uint32_t k = 0; k < section->count; k++) {
            struct text secret = body_secret_name(&section->at[k].value);
            json_put_name(&writer->json, section->at[k].name);
            if (secret.len && writer->secret_of)
                json_put_text(&writer->json, writer->secret_of(writer->self, secret));
            else
                json_put_value(&writer->json, &section->at[k].value);
        }
        json_end_object(&writer->json);
    }
    json_end_object(&writer->json);
}

static void put_nested(struct full_writer *writer, const struct shape *shape,
                       const struct value *value)
{
    json_begin_object(&writer->json);
    put_members(writer, shape, &value->pairs, 0);
    json_end_object(&writer->json);
}

static void put_value(struct full_writer *writer, const struct shape_field *field,
                      const struct value *value)
{
    if (is_sections(field))
        put_sections(writer, &value->pairs);
    else if (field->kind != FIELD_NESTED)
        json_put_value(&writer->json, value);
    else if (!field->is_list)
        put_nested(writer, field->nested, value);
    else {
        json_begin_array(&writer->json);
        for (uint32_t i = 0; i < value->items.count; i++)
            put_nested(writer, field->nested, &value->items.at[i]);
        json_end_array(&writer->json);
    }
}

static void put_members(struct full_writer *writer, const struct shape *shape,
                        const struct kv *body, uint16_t first)
{
    for (uint16_t i = first; i < shape->count; i++) {
        const struct shape_field *field = &shape->fields[i];
        const struct value *value = body_find(body, text_of(field->name));
        if (value == NULL && field->fallback == NULL) continue;
        json_put_name(&writer->json, text_of(field->name));
        if (value)
            put_value(writer, field, value);
        else if (field->kind == FIELD_TEXT)
            json_put_text(&writer->json, text_of(field->fallback));
        else
            json_put_raw(&writer->json, text_of(field->fallback));
    }
}

struct text object_full_json(struct scope *scope, const struct object *object,
                             struct text (*secret_of)(void *self, struct text name), void *self)
{
    struct buf out = { 0 };
    struct full_writer writer = { json_writer(&out), secret_of, self };
    json_begin_object(&writer.json);
    json_put_name(&writer.json, TEXT("dbid"));
    json_put_u64(&writer.json, object->dbid);
    if (!object->type->is_global) {
        json_put_name(&writer.json, TEXT("tenant"));
        json_put_text(&writer.json, object->tenant);
    }
    put_members(&writer, object->type->shape, &object->body, 1); /* 0 is dbid */
    json_end_object(&writer.json);
    struct text text = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return text;
}

struct text object_stored_json(struct scope *scope, const struct object *object)
{
    struct value value = { .kind = VALUE_KV, .pairs = object->body };
    return body_to_json(scope, &value);
}
