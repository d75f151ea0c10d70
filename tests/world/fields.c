/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/fields.h"

struct text text_in(const struct kv *fields, const char *name)
{
    const struct value *value = kv_find(fields, text_of(name));
    return value && value->kind == VALUE_TEXT ? value->text : (struct text){ 0 };
}

uint64_t number_in(const struct kv *fields, const char *name)
{
    const struct value *value = kv_find(fields, text_of(name));
    bool is_number = value && value->kind == VALUE_INTEGER && value->integer > 0;
    return is_number ? (uint64_t)value->integer : 0;
}

const struct kv *object_in(const struct kv *fields, const char *name)
{
    const struct value *value = kv_find(fields, text_of(name));
    return value && value->kind == VALUE_KV ? &value->pairs : NULL;
}
