/* SPDX-License-Identifier: Apache-2.0 */
/* A path such as "callingLists[].list" is followed step by step; what a step finds missing is no
 * reference. Of "skillLevels{}" the names of the pairs are the references. */
#include "servers/config/reference.h"

#include "gen/objects.h"

struct walk {
    const struct object *object;
    struct reference reference;
    enum reference_verdict (*judge)(void *self, const struct reference *reference,
                                    struct text *key);
    void *self;
    enum reference_outcome outcome;
};

static enum reference_verdict judge(struct walk *walk, struct value *value)
{
    walk->reference.key = value->text;
    struct text key = value->text;
    enum reference_verdict verdict = walk->judge(walk->self, &walk->reference, &key);
    if (verdict == REFERENCE_REWRITE) value->text = key;
    if (verdict == REFERENCE_REWRITE && walk->outcome == REFERENCES_KEPT)
        walk->outcome = REFERENCES_CHANGED;
    return verdict;
}

static bool walk_pairs(struct walk *walk, const struct shape *shape, struct kv *kv,
                       struct text path);

/* False: the thing has to go. */
static bool walk_value(struct walk *walk, const struct shape_field *field, struct value *value,
                       struct text rest)
{
    if (field->kind == FIELD_NESTED) return walk_pairs(walk, field->nested, &value->pairs, rest);
    return judge(walk, value) != REFERENCE_DROP;
}

static void walk_list(struct walk *walk, const struct shape_field *field, struct value *list,
                      struct text rest)
{
    for (uint32_t i = 0; i < list->items.count;) {
        if (walk_value(walk, field, &list->items.at[i], rest)) {
            i++;
            continue;
        }
        body_remove_item(list, i);
        if (walk->outcome == REFERENCES_KEPT) walk->outcome = REFERENCES_CHANGED;
    }
}

/* Two names that become one after a rename: the first pair stays. */
static void walk_names(struct walk *walk, struct kv *kv)
{
    for (uint32_t i = 0; i < kv->count;) {
        struct value name = body_text_value(kv->at[i].name);
        bool is_kept = judge(walk, &name) != REFERENCE_DROP;
        const struct value *there = is_kept ? body_find(kv, name.text) : NULL;
        if (is_kept && (there == NULL || there >= &kv->at[i].value)) {
            kv->at[i++].name = name.text;
            continue;
        }
        body_remove_pair(kv, i);
        if (walk->outcome == REFERENCES_KEPT) walk->outcome = REFERENCES_CHANGED;
    }
}

static struct text step_name(struct text step)
{
    if (text_ends(step, TEXT("[]")) || text_ends(step, TEXT("{}"))) step.len -= 2;
    return step;
}

static void remove_if_empty(struct kv *kv, const struct shape_field *field, uint32_t count)
{
    if (count == 0 && !field->is_required) (void)body_remove(kv, text_of(field->name));
}

/* False: what holds these pairs cannot be without the one that is to go. */
static bool walk_pairs(struct walk *walk, const struct shape *shape, struct kv *kv,
                       struct text path)
{
    struct text step = path, rest = TEXT("");
    (void)text_cut(path, '.', &step, &rest);
    step = step_name(step);
    const struct shape_field *field = shape_find(shape, step);
    struct value *value = body_find(kv, step);
    if (value == NULL) return true;
    if (field->kind == FIELD_KV) {
        walk_names(walk, &value->pairs);
        remove_if_empty(kv, field, value->pairs.count);
        return true;
    }
    if (field->is_list) {
        walk_list(walk, field, value, rest);
        remove_if_empty(kv, field, value->items.count);
        return true;
    }
    if (walk_value(walk, field, value, rest)) return true;
    if (field->is_required) return false;
    (void)body_remove(kv, step);
    if (walk->outcome == REFERENCES_KEPT) walk->outcome = REFERENCES_CHANGED;
    return true;
}

static void walk_tenant(struct walk *walk)
{
    walk->reference.to = &OBJECT_TENANT;
    walk->reference.tenant = TEXT("");
    walk->reference.path = TEXT("tenant");
    struct value tenant = body_text_value(walk->object->tenant);
    if (judge(walk, &tenant) != REFERENCE_KEEP) walk->outcome = REFERENCES_ESSENTIAL;
}

/* Whose objects it names: its own tenant's; a tenant those that are in it, and what belongs to no
 * tenant those of Environment. */
static struct text tenant_of(const struct object *object, const struct object_type *to)
{
    if (to->is_global) return TEXT("");
    if (object->type == &OBJECT_TENANT) return object->key;
    return object->type->is_global ? OBJECT_TENANT_DEFAULT : object->tenant;
}

enum reference_outcome references_walk(
    struct object *object,
    enum reference_verdict (*judge_one)(void *self, const struct reference *reference,
                                        struct text *key),
    void *self)
{
    const struct object_type *type = object->type;
    struct walk walk = {
        .object = object, .reference = { .from = object }, .judge = judge_one, .self = self
    };
    if (!type->is_global) walk_tenant(&walk);
    for (size_t i = 0; i < type->reference_count; i++) {
        walk.reference.path = text_of(type->references[i].path);
        walk.reference.to = type->references[i].type;
        walk.reference.tenant = tenant_of(object, walk.reference.to);
        if (!walk_pairs(&walk, type->shape, &object->body, walk.reference.path))
            walk.outcome = REFERENCES_ESSENTIAL;
    }
    return walk.outcome;
}

struct looking {
    void (*each)(void *self, const struct reference *reference);
    void *self;
};

static enum reference_verdict look(void *self, const struct reference *reference, struct text *key)
{
    const struct looking *looking = self;
    (void)key;
    looking->each(looking->self, reference);
    return REFERENCE_KEEP;
}

void references_each(const struct object *object,
                     void (*each)(void *self, const struct reference *reference), void *self)
{
    struct looking looking = { each, self };
    /* Nothing is changed where every verdict is to keep. */
    (void)references_walk((struct object *)(uintptr_t)object, look, &looking);
}
