/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/body_patch.h"

static void add(struct kv *out, struct text name, struct value value)
{
    out->at[out->count++] = (struct pair){ name, value };
}

struct kv body_patch(struct scope *scope, const struct kv *before, const struct kv *after)
{
    struct kv out = { .at = scope_alloc_array(scope, before->count + after->count + 1u,
                                              sizeof *out.at) };
    for (uint32_t i = 0; i < before->count; i++)
        if (body_find(after, before->at[i].name) == NULL)
            add(&out, before->at[i].name, (struct value){ .kind = VALUE_NULL });
    for (uint32_t i = 0; i < after->count; i++) {
        const struct pair *pair = &after->at[i];
        const struct value *was = body_find(before, pair->name);
        struct value moved = pair->value;
        if (was && body_values_equal(was, &pair->value)) continue;
        if (was && was->kind == VALUE_KV && moved.kind == VALUE_KV)
            moved.pairs = body_patch(scope, &was->pairs, &pair->value.pairs);
        add(&out, pair->name, moved);
    }
    return out;
}
