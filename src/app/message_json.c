/* SPDX-License-Identifier: Apache-2.0 */
#include "app/message_json.h"

static const struct shape_field *user_data_of(const struct shape *shape)
{
    const struct shape_field *field = shape_find(shape, TEXT("UserData"));
    return field && field->kind == FIELD_KV && !field->is_list ? field : NULL;
}

static uint64_t bit_of(const struct shape *shape, const struct shape_field *field)
{
    return (uint64_t)1 << (field - shape->fields);
}

enum err message_from_kv(const struct msg *msg, const struct kv *pairs, struct scope *scope,
                         void **out, struct fault *fault)
{
    const struct shape *shape = msg->shape;
    const struct shape_field *user = user_data_of(shape);
    struct kv unknown = { 0 };
    void *fields;
    enum err err = kv_to_shape(pairs, shape, false, scope, &fields, &unknown, fault);
    if (err) return err;
    if (user) {
        *(struct kv *)(void *)((char *)fields + user->offset) = unknown;
        ((struct shape_head *)fields)->has |= bit_of(shape, user);
    }
    *out = fields;
    return ERR_OK;
}

static void put_user_data(struct json_writer *json, const struct shape *shape,
                          const struct kv *pairs)
{
    for (uint32_t i = 0; i < pairs->count; i++) {
        if (shape_find(shape, pairs->at[i].name)) continue;
        json_put_name(json, pairs->at[i].name);
        json_put_value(json, &pairs->at[i].value);
    }
}

void message_put_members(struct json_writer *json, const struct shape *shape, const void *fields)
{
    const struct shape_field *user = user_data_of(shape);
    struct shape_head *head = (struct shape_head *)(uintptr_t)fields;
    uint64_t has = head->has;
    if (user) head->has &= ~bit_of(shape, user);
    json_put_shape_members(json, shape, fields);
    head->has = has;
    if (user && (has & bit_of(shape, user)))
        put_user_data(json, shape,
                      (const struct kv *)(const void *)((const char *)fields + user->offset));
}
