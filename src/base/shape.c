/* SPDX-License-Identifier: Apache-2.0 */
/* The checks that every door shares: links, JSON bodies and configuration files end here. */
#include "base/shape.h"

#include "base/scope.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DEPTH_MAX = 32 };

const struct value *kv_find(const struct kv *kv, struct text name)
{
    for (uint32_t i = 0; i < kv->count; i++)
        if (text_eq(kv->at[i].name, name)) return &kv->at[i].value;
    return NULL;
}

const struct value *kv_find_fold(const struct kv *kv, struct text name)
{
    for (uint32_t i = 0; i < kv->count; i++)
        if (text_eq_fold(kv->at[i].name, name)) return &kv->at[i].value;
    return NULL;
}

struct text kv_text(const struct kv *kv, const char *name)
{
    const struct value *value = kv_find(kv, text_of(name));
    return value && value->kind == VALUE_TEXT ? value->text : TEXT("");
}

struct text kv_option(const struct kv *sections, const char *section, const char *name)
{
    const struct value *options = kv_find_fold(sections, text_of(section));
    const struct value *value =
        options && options->kind == VALUE_KV ? kv_find_fold(&options->pairs, text_of(name)) : NULL;
    return value && value->kind == VALUE_TEXT ? value->text : TEXT("");
}

static struct value keep_value(struct scope *scope, const struct value *value)
{
    struct value kept = *value;
    switch (value->kind) {
    case VALUE_TEXT:
    case VALUE_BYTES: kept.text = scope_keep(scope, value->text); break;
    case VALUE_KV: kept.pairs = kv_keep(scope, &value->pairs); break;
    case VALUE_LIST:
        kept.items.at = scope_alloc_array(scope, value->items.count, sizeof *kept.items.at);
        for (uint32_t i = 0; i < value->items.count; i++)
            kept.items.at[i] = keep_value(scope, &value->items.at[i]);
        break;
    default: break;
    }
    return kept;
}

struct kv kv_keep(struct scope *scope, const struct kv *kv)
{
    struct kv kept = { scope_alloc_array(scope, kv->count, sizeof *kept.at), kv->count };
    for (uint32_t i = 0; i < kv->count; i++)
        kept.at[i] =
            (struct pair){ scope_keep(scope, kv->at[i].name), keep_value(scope, &kv->at[i].value) };
    return kept;
}

const struct shape_field *shape_find(const struct shape *shape, struct text name)
{
    /* Most names differ within a few bytes: their lengths are not worth counting first. */
    for (uint16_t i = 0; name.len && i < shape->count; i++)
        if (strncmp(shape->fields[i].name, name.at, name.len) == 0 &&
            strlen(shape->fields[i].name) == name.len)
            return &shape->fields[i];
    return NULL;
}

size_t shape_kind_size(enum field_kind kind)
{
    switch (kind) {
    case FIELD_BOOL: return sizeof(bool);
    case FIELD_U32: return sizeof(uint32_t);
    case FIELD_U64: return sizeof(uint64_t);
    case FIELD_I64: return sizeof(int64_t);
    case FIELD_F64: return sizeof(double);
    case FIELD_TEXT:
    case FIELD_BYTES: return sizeof(struct text);
    case FIELD_KV: return sizeof(struct kv);
    case FIELD_NESTED: return sizeof(void *);
    }
    ASSERT(!"a field kind of the list");
    return 0;
}

/* Where in the object we are, for the words only: a chain on the stack, printed when it is needed.
 */
struct place {
    const struct place *outer;
    const struct shape_field *field;
    uint32_t item;
    bool is_item;
    int depth;
};

static size_t place_print(const struct place *place, char *out, size_t size)
{
    size_t len = place->outer ? place_print(place->outer, out, size) : 0;
    if (len >= size) return len;
    int added = place->is_item
                    ? snprintf(out + len, size - len, "%s%s[%" PRIu32 "]", len ? "." : "",
                               place->field->name, place->item)
                    : snprintf(out + len, size - len, "%s%s", len ? "." : "", place->field->name);
    return len + (added > 0 ? (size_t)added : 0);
}

static const char *place_name(const struct place *place, char out[64])
{
    (void)place_print(place, out, 64);
    return out;
}

static enum err check_number(const struct place *place, bool is_inside, struct fault *fault)
{
    if (is_inside) return ERR_OK;
    char name[64];
    return fault_set(fault, ERR_INVALID, place_name(place, name), "must be %" PRId64 " to %" PRId64,
                     place->field->min, place->field->max);
}

static bool has_range(const struct shape_field *field)
{
    return field->min != 0 || field->max != 0;
}

static bool is_chosen(const char *const *choices, struct text text)
{
    for (; *choices; choices++)
        if (text_eq(text, text_of(*choices))) return true;
    return false;
}

static enum err refuse_choice(const struct place *place, struct fault *fault)
{
    char name[64], words[256];
    size_t len = 0;
    for (const char *const *choice = place->field->choices; *choice && len < sizeof words; choice++)
        len += (size_t)snprintf(words + len, sizeof words - len, "%s%s", len ? ", " : "", *choice);
    return fault_set(fault, ERR_INVALID, place_name(place, name), "must be one of: %s", words);
}

static enum err check_text(const struct place *place, struct text text, struct fault *fault)
{
    const struct shape_field *field = place->field;
    char name[64];
    /* A list's len_max counts its items. */
    if (!field->is_list && field->len_max && text.len > field->len_max)
        return fault_set(fault, ERR_INVALID, place_name(place, name),
                         "must be at most %" PRIu32 " bytes long", field->len_max);
    if (field->kind == FIELD_TEXT && field->choices && !is_chosen(field->choices, text))
        return refuse_choice(place, fault);
    return ERR_OK;
}

static enum err check_object(const struct shape *shape, const void *object,
                             const struct place *outer, struct fault *fault);

static enum err check_one(const struct place *place, const void *at, struct fault *fault)
{
    const struct shape_field *field = place->field;
    switch (field->kind) {
    case FIELD_BOOL:
    case FIELD_KV: return ERR_OK;
    case FIELD_U32: {
        int64_t value = *(const uint32_t *)at;
        return check_number(
            place, !has_range(field) || (value >= field->min && value <= field->max), fault);
    }
    case FIELD_U64: {
        uint64_t value = *(const uint64_t *)at;
        bool is_inside = value <= INT64_MAX && (int64_t)value >= field->min &&
                         (int64_t)value <= field->max;
        return check_number(place, !has_range(field) || is_inside, fault);
    }
    case FIELD_I64: {
        int64_t value = *(const int64_t *)at;
        return check_number(
            place, !has_range(field) || (value >= field->min && value <= field->max), fault);
    }
    case FIELD_F64: {
        double value = *(const double *)at;
        bool is_inside = value >= (double)field->min && value <= (double)field->max;
        return check_number(place, !has_range(field) || is_inside, fault);
    }
    case FIELD_TEXT:
    case FIELD_BYTES: return check_text(place, *(const struct text *)at, fault);
    case FIELD_NESTED: return check_object(field->nested, at, place, fault);
    }
    return ERR_OK;
}

static enum err check_list(struct place *place, const struct shape_list *list, struct fault *fault)
{
    const struct shape_field *field = place->field;
    char name[64];
    if (field->len_max && list->count > field->len_max)
        return fault_set(fault, ERR_INVALID, place_name(place, name),
                         "must have at most %" PRIu32 " items", field->len_max);
    size_t step = shape_item_size(field);
    place->is_item = true;
    enum err err = ERR_OK;
    for (place->item = 0; !err && place->item < list->count; place->item++)
        err = check_one(place, (const char *)list->at + place->item * step, fault);
    return err;
}

static enum err check_field(struct place *place, const void *member, struct fault *fault)
{
    if (place->field->is_list) return check_list(place, member, fault);
    if (place->field->kind == FIELD_NESTED) return check_one(place, *(void *const *)member, fault);
    return check_one(place, member, fault);
}

static enum err check_members(const struct shape *shape, const void *object, bool is_part,
                              const struct place *outer, struct fault *fault)
{
    const struct shape_head *head = object;
    int depth = outer ? outer->depth + 1 : 0;
    ASSERT(depth <= DEPTH_MAX); /* the decoders refuse deeper input */
    for (uint16_t i = 0; i < shape->count; i++) {
        struct place place = { .outer = outer, .field = &shape->fields[i], .depth = depth };
        enum err err = ERR_OK;
        char name[64];
        if (head->has & (1ull << i))
            err = check_field(&place, (const char *)object + place.field->offset, fault);
        else if (place.field->is_required && !is_part)
            err = fault_set(fault, ERR_INVALID, place_name(&place, name), "is required");
        if (err) return err;
    }
    return ERR_OK;
}

static enum err check_object(const struct shape *shape, const void *object,
                             const struct place *outer, struct fault *fault)
{
    return check_members(shape, object, false, outer, fault);
}

size_t shape_item_size(const struct shape_field *field)
{
    return field->kind == FIELD_NESTED ? field->nested->size : shape_kind_size(field->kind);
}

enum err shape_check(const struct shape *shape, const void *object, struct fault *fault)
{
    return check_members(shape, object, false, NULL, fault);
}

enum err shape_check_part(const struct shape *shape, const void *object, struct fault *fault)
{
    return check_members(shape, object, true, NULL, fault);
}
