/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/body.h"

#include "format/json.h"

#include <string.h>

struct value body_text_value(struct text text)
{
    return (struct value){ .kind = VALUE_TEXT, .text = text };
}

struct value body_integer_value(int64_t integer)
{
    return (struct value){ .kind = VALUE_INTEGER, .integer = integer };
}

struct value *body_find(const struct kv *kv, struct text name)
{
    for (uint32_t i = 0; i < kv->count; i++)
        if (text_eq(kv->at[i].name, name)) return &kv->at[i].value;
    return NULL;
}

struct text body_text(const struct kv *kv, const char *name)
{
    const struct value *value = body_find(kv, text_of(name));
    return value && value->kind == VALUE_TEXT ? value->text : TEXT("");
}

/* --- copy and compare ----------------------------------------------------------------------- */

struct value body_copy_value(struct scope *scope, const struct value *value)
{
    struct value out = *value;
    if (value->kind == VALUE_TEXT || value->kind == VALUE_BYTES)
        out.text = scope_keep(scope, value->text);
    if (value->kind == VALUE_KV) out.pairs = body_copy(scope, &value->pairs);
    if (value->kind != VALUE_LIST) return out;
    out.items.at = scope_alloc_array(scope, value->items.count, sizeof *out.items.at);
    for (uint32_t i = 0; i < value->items.count; i++)
        out.items.at[i] = body_copy_value(scope, &value->items.at[i]);
    return out;
}

struct kv body_copy(struct scope *scope, const struct kv *kv)
{
    struct kv out = { scope_alloc_array(scope, kv->count, sizeof *out.at), kv->count };
    for (uint32_t i = 0; i < kv->count; i++) {
        out.at[i].name = scope_keep(scope, kv->at[i].name);
        out.at[i].value = body_copy_value(scope, &kv->at[i].value);
    }
    return out;
}

static bool lists_equal(const struct value *a, const struct value *b)
{
    if (a->items.count != b->items.count) return false;
    for (uint32_t i = 0; i < a->items.count; i++)
        if (!body_values_equal(&a->items.at[i], &b->items.at[i])) return false;
    return true;
}

bool body_values_equal(const struct value *a, const struct value *b)
{
    if (a->kind != b->kind) return false;
    switch (a->kind) {
    case VALUE_NULL: return true;
    case VALUE_BOOL: return a->truth == b->truth;
    case VALUE_INTEGER: return a->integer == b->integer;
    case VALUE_FLOAT: return !(a->number < b->number) && !(a->number > b->number);
    case VALUE_TEXT:
    case VALUE_BYTES: return text_eq(a->text, b->text);
    case VALUE_LIST: return lists_equal(a, b);
    case VALUE_KV: return body_equal(&a->pairs, &b->pairs);
    }
    return false;
}

bool body_equal(const struct kv *a, const struct kv *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!text_eq(a->at[i].name, b->at[i].name) ||
            !body_values_equal(&a->at[i].value, &b->at[i].value))
            return false;
    return true;
}

/* --- change --------------------------------------------------------------------------------- */

void body_put(struct scope *scope, struct kv *kv, struct text name, struct value value)
{
    struct value *there = body_find(kv, name);
    if (there) {
        *there = value;
        return;
    }
    struct pair *grown = scope_alloc_array(scope, kv->count + 1u, sizeof *grown);
    if (kv->count) memcpy(grown, kv->at, kv->count * sizeof *grown);
    grown[kv->count] = (struct pair){ name, value };
    *kv = (struct kv){ grown, kv->count + 1 };
}

void body_remove_pair(struct kv *kv, uint32_t index)
{
    memmove(&kv->at[index], &kv->at[index + 1], (kv->count - index - 1) * sizeof *kv->at);
    kv->count--;
}

bool body_remove(struct kv *kv, struct text name)
{
    for (uint32_t i = 0; i < kv->count; i++) {
        if (!text_eq(kv->at[i].name, name)) continue;
        body_remove_pair(kv, i);
        return true;
    }
    return false;
}

void body_remove_item(struct value *list, uint32_t index)
{
    memmove(&list->items.at[index], &list->items.at[index + 1],
            (list->items.count - index - 1) * sizeof *list->items.at);
    list->items.count--;
}

static bool is_pairs(const struct value *value)
{
    return value && value->kind == VALUE_KV && body_secret_name(value).len == 0;
}

/* What a patch leaves of itself where there was nothing: nulls mean nothing. */
static struct value merge_value(struct scope *scope, const struct value *onto,
                                const struct value *patch)
{
    static const struct kv empty = { 0 };
    if (!is_pairs(patch)) return body_copy_value(scope, patch);
    const struct kv *base = is_pairs(onto) ? &onto->pairs : &empty;
    return (struct value){ .kind = VALUE_KV, .pairs = body_merge(scope, base, &patch->pairs) };
}

struct kv body_merge(struct scope *scope, const struct kv *onto, const struct kv *patch)
{
    struct kv out = { scope_alloc_array(scope, (size_t)onto->count + patch->count, sizeof *out.at),
                      0 };
    for (uint32_t i = 0; i < onto->count; i++) {
        const struct value *change = body_find(patch, onto->at[i].name);
        if (change && change->kind == VALUE_NULL) continue;
        out.at[out.count++] = (struct pair){ scope_keep(scope, onto->at[i].name),
                                             change ? merge_value(scope, &onto->at[i].value, change)
                                                    : body_copy_value(scope, &onto->at[i].value) };
    }
    for (uint32_t i = 0; i < patch->count; i++) {
        const struct pair *pair = &patch->at[i];
        if (pair->value.kind == VALUE_NULL || body_find(onto, pair->name)) continue;
        out.at[out.count++] =
            (struct pair){ scope_keep(scope, pair->name), merge_value(scope, NULL, &pair->value) };
    }
    return out;
}

/* --- difference ----------------------------------------------------------------------------- */

struct comparing {
    struct scope *scope;
    struct body_differences out;
};

static void add_difference(struct comparing *comparing, struct text path,
                           const struct value *before, const struct value *after)
{
    struct body_differences *out = &comparing->out;
    if (out->count == out->room) {
        out->room = out->room ? out->room * 2 : 8;
        struct body_difference *grown =
            scope_alloc_array(comparing->scope, out->room, sizeof *grown);
        if (out->count) memcpy(grown, out->at, out->count * sizeof *grown);
        out->at = grown;
    }
    out->at[out->count++] = (struct body_difference){ path, before, after };
}

static void compare_pairs(struct comparing *comparing, const struct shape *shape, struct text path,
                          const struct kv *before, const struct kv *after);

static struct text path_of(struct comparing *comparing, struct text path, struct text name)
{
    if (path.len == 0) return name;
    return scope_format(comparing->scope, "%.*s.%.*s", TEXT_ARG(path), TEXT_ARG(name));
}

const char *body_item_name(const struct shape_field *field)
{
    if (!field->is_list || field->kind != FIELD_NESTED) return NULL;
    for (uint16_t i = 0; i < field->nested->count; i++)
        if (field->nested->fields[i].is_required && field->nested->fields[i].kind == FIELD_TEXT)
            return field->nested->fields[i].name;
    return NULL;
}

static const struct value *find_item(const struct value *list, const char *name_field,
                                     struct text name)
{
    for (uint32_t i = 0; i < list->items.count; i++)
        if (list->items.at[i].kind == VALUE_KV &&
            text_eq(body_text(&list->items.at[i].pairs, name_field), name))
            return &list->items.at[i];
    return NULL;
}

bool body_goes_by_items(const struct value *list, const char *name_field)
{
    for (uint32_t i = 0; i < list->items.count; i++) {
        struct text name = list->items.at[i].kind == VALUE_KV
                               ? body_text(&list->items.at[i].pairs, name_field)
                               : TEXT("");
        if (name.len == 0 || find_item(list, name_field, name) != &list->items.at[i]) return false;
    }
    return true;
}

static bool is_same_order(const struct value *before, const struct value *after,
                          const char *name_field)
{
    uint32_t next = 0;
    for (uint32_t i = 0; i < before->items.count; i++) {
        struct text name = body_text(&before->items.at[i].pairs, name_field);
        const struct value *item = find_item(after, name_field, name);
        if (item == NULL) continue;
        uint32_t place = (uint32_t)(item - after->items.at);
        if (place < next) return false;
        next = place + 1;
    }
    return true;
}

static void compare_items(struct comparing *comparing, const struct shape_field *field,
                          struct text path, const struct value *before, const struct value *after,
                          const char *name_field)
{
    for (uint32_t i = 0; i < before->items.count; i++) {
        struct text name = body_text(&before->items.at[i].pairs, name_field);
        const struct value *item = find_item(after, name_field, name);
        struct text at =
            scope_format(comparing->scope, "%.*s[%.*s]", TEXT_ARG(path), TEXT_ARG(name));
        if (item == NULL)
            add_difference(comparing, at, &before->items.at[i], NULL);
        else
            compare_pairs(comparing, field->nested, at, &before->items.at[i].pairs, &item->pairs);
    }
    for (uint32_t i = 0; i < after->items.count; i++) {
        struct text name = body_text(&after->items.at[i].pairs, name_field);
        if (find_item(before, name_field, name)) continue;
        add_difference(comparing,
                       scope_format(comparing->scope, "%.*s[%.*s]", TEXT_ARG(path), TEXT_ARG(name)),
                       NULL, &after->items.at[i]);
    }
}

static void compare_values(struct comparing *comparing, const struct shape_field *field,
                           struct text path, const struct value *before, const struct value *after)
{
    if (before && after && body_values_equal(before, after)) return;
    const char *name_field = field ? body_item_name(field) : NULL;
    if (is_pairs(before) && is_pairs(after))
        compare_pairs(comparing, field && field->kind == FIELD_NESTED ? field->nested : NULL, path,
                      &before->pairs, &after->pairs);
    else if (name_field && before && after && body_goes_by_items(before, name_field) &&
             body_goes_by_items(after, name_field) && is_same_order(before, after, name_field))
        compare_items(comparing, field, path, before, after, name_field);
    else
        add_difference(comparing, path, before, after);
}

static void compare_pairs(struct comparing *comparing, const struct shape *shape, struct text path,
                          const struct kv *before, const struct kv *after)
{
    uint32_t found = comparing->out.count;
    for (uint32_t i = 0; i < before->count; i++) {
        struct text name = before->at[i].name;
        compare_values(comparing, shape ? shape_find(shape, name) : NULL,
                       path_of(comparing, path, name), &before->at[i].value,
                       body_find(after, name));
    }
    for (uint32_t i = 0; i < after->count; i++)
        if (body_find(before, after->at[i].name) == NULL)
            add_difference(comparing, path_of(comparing, path, after->at[i].name), NULL,
                           &after->at[i].value);
    /* Only the order is another. */
    if (found == comparing->out.count && !body_equal(before, after)) {
        struct value *values = scope_alloc_array(comparing->scope, 2, sizeof *values);
        values[0] = (struct value){ .kind = VALUE_KV, .pairs = *before };
        values[1] = (struct value){ .kind = VALUE_KV, .pairs = *after };
        add_difference(comparing, path, &values[0], &values[1]);
    }
}

struct body_differences body_compare(struct scope *scope, const struct shape *shape,
                                     const struct kv *before, const struct kv *after)
{
    struct comparing comparing = { .scope = scope };
    compare_pairs(&comparing, shape, TEXT(""), before, after);
    return comparing.out;
}

/* --- secrets and text ----------------------------------------------------------------------- */

struct text body_secret_name(const struct value *value)
{
    bool is_one = value->kind == VALUE_KV && value->pairs.count == 1 &&
                  text_eq(value->pairs.at[0].name, TEXT("$secret")) &&
                  value->pairs.at[0].value.kind == VALUE_TEXT;
    return is_one ? value->pairs.at[0].value.text : TEXT("");
}

static void each_secret_of(const struct value *value, void (*each)(void *self, struct text name),
                           void *self)
{
    struct text name = body_secret_name(value);
    if (name.len)
        each(self, name);
    else if (value->kind == VALUE_KV)
        body_each_secret(&value->pairs, each, self);
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->items.count; i++)
        each_secret_of(&value->items.at[i], each, self);
}

void body_each_secret(const struct kv *kv, void (*each)(void *self, struct text name), void *self)
{
    for (uint32_t i = 0; i < kv->count; i++) each_secret_of(&kv->at[i].value, each, self);
}

struct text body_to_json(struct scope *scope, const struct value *value)
{
    struct buf out = { 0 };
    if (value == NULL) return (struct text){ 0 };
    struct json_writer json = json_writer(&out);
    json_put_value(&json, value);
    struct text text = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return text;
}
