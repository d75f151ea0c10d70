/* SPDX-License-Identifier: Apache-2.0 */
/* Pairs into a shape: names become fields, and each refusal says the field's path and rule. */
#include "format/json.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>

/* Where in the object we are, for the words only: a chain on the stack, printed when it is needed.
 */
struct place {
    const struct place *outer;
    struct text name; /* of a field; NULL: an item */
    uint32_t item;
};

struct filler {
    struct scope *scope;
    struct fault *fault;
    const struct place *place;
};

static size_t place_print(const struct place *place, char *out, size_t size)
{
    if (place == NULL) return 0;
    size_t len = place_print(place->outer, out, size);
    if (len >= size) return len;
    int added = place->name.at ? snprintf(out + len, size - len, "%s%.*s", len ? "." : "",
                                          TEXT_ARG(place->name))
                               : snprintf(out + len, size - len, "[%" PRIu32 "]", place->item);
    return len + (added > 0 ? (size_t)added : 0);
}

__attribute__((format(printf, 3, 4))) static enum err refuse_with(struct filler *filler,
                                                                  enum err err, const char *format,
                                                                  ...)
{
    char path[64] = ""; /* long ones are cut */
    char words[128];
    (void)place_print(filler->place, path, sizeof path);
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    return fault_set(filler->fault, err, path, "%s", words);
}

static enum err refuse(struct filler *filler, const char *words)
{
    return refuse_with(filler, ERR_INVALID, "%s", words);
}

static enum err fill_object(struct filler *filler, const struct shape *shape, const struct kv *in,
                            void *object, struct kv *unknown);

static void *take_memory(struct filler *filler, size_t count, size_t bytes_each, enum err *err)
{
    void *memory = scope_try_alloc(filler->scope, count * bytes_each);
    if (memory == NULL) *err = refuse_with(filler, ERR_LIMIT, "needs more memory than allowed");
    return memory;
}

static enum err fill_u64(struct filler *filler, const struct value *in, uint64_t max, uint64_t *out)
{
    if (in->kind != VALUE_INTEGER) return refuse(filler, "must be a whole number");
    if (in->integer < 0 || (uint64_t)in->integer > max)
        return refuse_with(filler, ERR_INVALID, "must be 0 to %" PRIu64, max);
    *out = (uint64_t)in->integer;
    return ERR_OK;
}

static int base64_digit(char byte)
{
    if (byte >= 'A' && byte <= 'Z') return byte - 'A';
    if (byte >= 'a' && byte <= 'z') return byte - 'a' + 26;
    if (byte >= '0' && byte <= '9') return byte - '0' + 52;
    if (byte == '+') return 62;
    return byte == '/' ? 63 : -1;
}

static enum err fill_bytes(struct filler *filler, struct text in, struct text *out)
{
    size_t digits = in.len;
    while (digits && in.at[digits - 1] == '=' && in.len - digits < 2) digits--;
    size_t len = 0;
    uint32_t bits = 0;
    enum err err = ERR_OK;
    if (in.len % 4 || digits % 4 == 1) return refuse(filler, "must be base64");
    char *bytes = take_memory(filler, in.len / 4 * 3 + 1, 1, &err);
    if (bytes == NULL) return err;
    for (size_t i = 0; i < digits; i++) {
        int digit = base64_digit(in.at[i]);
        if (digit < 0) return refuse(filler, "must be base64");
        bits = bits << 6 | (uint32_t)digit;
        if (i % 4) bytes[len++] = (char)(bits >> (6 - 2 * (i % 4)));
    }
    *out = (struct text){ bytes, len };
    return ERR_OK;
}

static enum err fill_one(struct filler *filler, const struct shape_field *field,
                         const struct value *in, void *at)
{
    uint64_t number = 0;
    enum err err = ERR_OK;
    switch (field->kind) {
    case FIELD_BOOL:
        if (in->kind != VALUE_BOOL) return refuse(filler, "must be true or false");
        *(bool *)at = in->truth;
        return ERR_OK;
    case FIELD_U32:
        err = fill_u64(filler, in, UINT32_MAX, &number);
        *(uint32_t *)at = (uint32_t)number;
        return err;
    case FIELD_U64: return fill_u64(filler, in, INT64_MAX, at);
    case FIELD_I64:
        if (in->kind != VALUE_INTEGER) return refuse(filler, "must be a whole number");
        *(int64_t *)at = in->integer;
        return ERR_OK;
    case FIELD_F64:
        if (in->kind != VALUE_INTEGER && in->kind != VALUE_FLOAT)
            return refuse(filler, "must be a number");
        *(double *)at = in->kind == VALUE_FLOAT ? in->number : (double)in->integer;
        return ERR_OK;
    case FIELD_TEXT:
        if (in->kind != VALUE_TEXT) return refuse(filler, "must be text");
        *(struct text *)at = in->text;
        return ERR_OK;
    case FIELD_BYTES:
        if (in->kind == VALUE_BYTES) {
            *(struct text *)at = in->text;
            return ERR_OK;
        }
        if (in->kind != VALUE_TEXT) return refuse(filler, "must be base64");
        return fill_bytes(filler, in->text, at);
    case FIELD_KV:
        if (in->kind != VALUE_KV) return refuse(filler, "must be an object");
        *(struct kv *)at = in->pairs;
        return ERR_OK;
    case FIELD_NESTED:
        if (in->kind != VALUE_KV) return refuse(filler, "must be an object");
        return fill_object(filler, field->nested, &in->pairs, at, NULL);
    }
    return ERR_OK;
}

static enum err fill_list(struct filler *filler, const struct shape_field *field,
                          const struct value *in, struct shape_list *out)
{
    if (in->kind != VALUE_LIST) return refuse(filler, "must be a list");
    /* Before the memory is spent; shape_check says the same later. */
    if (field->len_max && in->items.count > field->len_max)
        return refuse_with(filler, ERR_INVALID, "must have at most %" PRIu32 " items",
                           field->len_max);
    size_t step = shape_item_size(field);
    struct place place = { .outer = filler->place };
    enum err err = ERR_OK;
    out->count = in->items.count;
    out->at = take_memory(filler, out->count, step, &err);
    filler->place = &place;
    for (uint32_t i = 0; !err && i < out->count; i++) {
        place.item = i;
        err = fill_one(filler, field, &in->items.at[i], (char *)out->at + i * step);
    }
    filler->place = place.outer;
    return err;
}

static enum err fill_field(struct filler *filler, const struct shape_field *field,
                           const struct value *in, void *member)
{
    if (field->is_list) return fill_list(filler, field, in, member);
    if (field->kind != FIELD_NESTED) return fill_one(filler, field, in, member);
    enum err err = ERR_OK;
    void *nested = take_memory(filler, 1, field->nested->size, &err);
    *(void **)member = nested;
    return err ? err : fill_one(filler, field, in, nested);
}

static enum err fill_object(struct filler *filler, const struct shape *shape, const struct kv *in,
                            void *object, struct kv *unknown)
{
    struct shape_head *head = object;
    struct place place = { .outer = filler->place };
    enum err err = ERR_OK;
    for (uint32_t i = 0; !err && i < in->count; i++) {
        const struct pair *pair = &in->at[i];
        const struct shape_field *field = shape_find(shape, pair->name);
        if (field == NULL && unknown) {
            unknown->at[unknown->count++] = *pair;
            continue;
        }
        place.name = pair->name;
        filler->place = &place;
        if (field == NULL)
            err = refuse(filler, "is no known field");
        else if (pair->value.kind != VALUE_NULL) {
            uint64_t bit = 1ull << (field - shape->fields);
            err = head->has & bit
                      ? refuse(filler, "is there twice")
                      : fill_field(filler, field, &pair->value, (char *)object + field->offset);
            head->has |= bit;
        }
        filler->place = place.outer;
    }
    return err;
}

enum err kv_to_shape(const struct kv *in, const struct shape *shape, bool is_part,
                     struct scope *scope, void **out, struct kv *unknown, struct fault *fault)
{
    struct filler filler = { .scope = scope, .fault = fault };
    struct kv rest = { 0 };
    enum err err = ERR_OK;
    void *object = take_memory(&filler, 1, shape->size, &err);
    if (!err && unknown) rest.at = take_memory(&filler, in->count, sizeof *rest.at, &err);
    if (!err) err = fill_object(&filler, shape, in, object, unknown ? &rest : NULL);
    if (!err)
        err = is_part ? shape_check_part(shape, object, fault) : shape_check(shape, object, fault);
    if (err) return err;
    if (unknown) *unknown = rest;
    *out = object;
    return ERR_OK;
}
