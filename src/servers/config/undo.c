/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/undo.h"

#include <inttypes.h>

/* --- one value ------------------------------------------------------------------------------ */

struct merging {
    struct scope *scope;
    const struct undo_conflicts *conflicts;
    bool has_conflicts;
};

/* The same value at three times; NULL: it was not there. */
struct times {
    const struct value *before, *after, *now;
};

static bool is_same(const struct value *a, const struct value *b)
{
    if (a == NULL || b == NULL) return a == b;
    return body_values_equal(a, b);
}

static bool are_all(const struct times *times, enum value_kind kind)
{
    return times->before && times->after && times->now && times->before->kind == kind &&
           times->after->kind == kind && times->now->kind == kind;
}

static const struct value *merge_pairs(struct merging *merging, const struct shape *shape,
                                       struct text path, const struct times *times);
static const struct value *merge_items(struct merging *merging, const struct shape_field *field,
                                       struct text path, const struct times *times);

static const struct value *merge(struct merging *merging, const struct shape_field *field,
                                 struct text path, const struct times *times)
{
    if (is_same(times->before, times->after)) return times->now;
    if (is_same(times->now, times->after)) return times->before;
    if (is_same(times->now, times->before)) return times->now;
    const struct shape *nested = field && field->kind == FIELD_NESTED ? field->nested : NULL;
    if (are_all(times, VALUE_KV)) return merge_pairs(merging, nested, path, times);
    const char *name = field ? body_item_name(field) : NULL;
    if (name && are_all(times, VALUE_LIST) && body_goes_by_items(times->before, name) &&
        body_goes_by_items(times->after, name) && body_goes_by_items(times->now, name))
        return merge_items(merging, field, path, times);
    merging->has_conflicts = true;
    merging->conflicts->on_conflict(merging->conflicts->self, path);
    return times->now;
}

/* --- pairs ---------------------------------------------------------------------------------- */

static bool has_same_names(const struct kv *a, const struct kv *b)
{
    if (a->count != b->count) return false;
    for (uint32_t i = 0; i < a->count; i++)
        if (!text_eq(a->at[i].name, b->at[i].name)) return false;
    return true;
}

static struct text path_of(struct scope *scope, struct text path, struct text name)
{
    if (path.len == 0) return name;
    return scope_format(scope, "%.*s.%.*s", TEXT_ARG(path), TEXT_ARG(name));
}

static void add_pair(struct merging *merging, const struct shape *shape, struct text path,
                     const struct times *times, struct text name, struct kv *out)
{
    struct times one = { body_find(&times->before->pairs, name),
                         body_find(&times->after->pairs, name),
                         body_find(&times->now->pairs, name) };
    const struct value *value = merge(merging, shape ? shape_find(shape, name) : NULL,
                                      path_of(merging->scope, path, name), &one);
    if (value) out->at[out->count++] = (struct pair){ name, *value };
}

/* Where nobody added or moved names meanwhile they come back in their order, else behind. */
static const struct value *merge_pairs(struct merging *merging, const struct shape *shape,
                                       struct text path, const struct times *times)
{
    const struct kv *before = &times->before->pairs, *now = &times->now->pairs;
    bool keeps_order = has_same_names(now, &times->after->pairs);
    const struct kv *first = keeps_order ? before : now, *second = keeps_order ? now : before;
    struct value *out = scope_alloc(merging->scope, sizeof *out);
    *out = (struct value){ .kind = VALUE_KV };
    out->pairs.at =
        scope_alloc_array(merging->scope, first->count + second->count + 1u, sizeof *out->pairs.at);
    for (uint32_t i = 0; i < first->count; i++)
        add_pair(merging, shape, path, times, first->at[i].name, &out->pairs);
    for (uint32_t i = 0; i < second->count; i++)
        if (body_find(first, second->at[i].name) == NULL)
            add_pair(merging, shape, path, times, second->at[i].name, &out->pairs);
    return out;
}

/* --- lists of named items ------------------------------------------------------------------- */

/* As pairs: the names of items are theirs. */
static const struct value *as_pairs(struct scope *scope, const struct value *list, const char *name)
{
    struct value *out = scope_alloc(scope, sizeof *out);
    *out = (struct value){ .kind = VALUE_KV };
    out->pairs.count = list->items.count;
    out->pairs.at = scope_alloc_array(scope, list->items.count + 1u, sizeof *out->pairs.at);
    for (uint32_t i = 0; i < list->items.count; i++)
        out->pairs.at[i] =
            (struct pair){ body_text(&list->items.at[i].pairs, name), list->items.at[i] };
    return out;
}

static const struct value *merge_item(struct merging *merging, const struct shape_field *field,
                                      struct text path, const struct times *times)
{
    if (is_same(times->before, times->after)) return times->now;
    if (is_same(times->now, times->after)) return times->before;
    if (is_same(times->now, times->before)) return times->now;
    if (are_all(times, VALUE_KV)) return merge_pairs(merging, field->nested, path, times);
    merging->has_conflicts = true;
    merging->conflicts->on_conflict(merging->conflicts->self, path);
    return times->now;
}

static const struct value *merge_items(struct merging *merging, const struct shape_field *field,
                                       struct text path, const struct times *times)
{
    const char *name = body_item_name(field);
    struct scope *scope = merging->scope;
    const struct value *before = as_pairs(scope, times->before, name);
    const struct value *after = as_pairs(scope, times->after, name);
    const struct value *now = as_pairs(scope, times->now, name);
    bool keeps_order = has_same_names(&now->pairs, &after->pairs);
    const struct kv *first = keeps_order ? &before->pairs : &now->pairs;
    const struct kv *second = keeps_order ? &now->pairs : &before->pairs;
    struct value *out = scope_alloc(scope, sizeof *out);
    *out = (struct value){ .kind = VALUE_LIST };
    out->items.at =
        scope_alloc_array(scope, first->count + second->count + 1u, sizeof *out->items.at);
    for (uint32_t i = 0; i < first->count + second->count; i++) {
        const struct pair *pair = i < first->count ? &first->at[i] : &second->at[i - first->count];
        if (i >= first->count && body_find(first, pair->name)) continue;
        struct times one = { body_find(&before->pairs, pair->name),
                             body_find(&after->pairs, pair->name),
                             body_find(&now->pairs, pair->name) };
        struct text at = scope_format(scope, "%.*s[%.*s]", TEXT_ARG(path), TEXT_ARG(pair->name));
        const struct value *value = merge_item(merging, field, at, &one);
        if (value) out->items.at[out->items.count++] = *value;
    }
    return out;
}

bool undo_merge(struct scope *scope, const struct shape *shape, const struct kv *before,
                const struct kv *after, const struct kv *now,
                const struct undo_conflicts *conflicts, struct kv *out)
{
    struct merging merging = { .scope = scope, .conflicts = conflicts };
    struct value values[] = { { .kind = VALUE_KV, .pairs = *before },
                              { .kind = VALUE_KV, .pairs = *after },
                              { .kind = VALUE_KV, .pairs = *now } };
    struct times times = { &values[0], &values[1], &values[2] };
    *out = merge_pairs(&merging, shape, TEXT(""), &times)->pairs;
    return !merging.has_conflicts;
}

/* --- objects -------------------------------------------------------------------------------- */

struct undoing {
    struct change_set *set;
    struct problems *problems;
    const struct object *now;
};

static void conflict(void *self, struct text path)
{
    const struct undoing *undoing = self;
    const struct object *now = undoing->now;
    struct text label = object_label(undoing->problems->scope, now->type, now->tenant, now->key);
    problem_add(undoing->problems, PROBLEM_REV_MISMATCH, now->type, path,
                "%.*s.%.*s: was changed again since; the object is of revision %" PRIu64,
                TEXT_ARG(label), TEXT_ARG(path), now->rev);
}

static const struct object *present(const struct undoing *undoing, const struct undo_row *row)
{
    return object_set_find_dbid(change_set_objects(undoing->set), row->type, row->dbid);
}

static void step(const struct undoing *undoing, enum change_op op, const struct undo_row *row,
                 const struct kv *value)
{
    struct change_step one = {
        .op = op,
        .type = row->type,
        .tenant = undoing->now ? undoing->now->tenant : row->tenant,
        .key = undoing->now ? undoing->now->key : TEXT(""),
        .value = value,
        .is_whole = true,
    };
    change_set_step(undoing->set, &one, undoing->problems);
}

static void take_creation_back(struct undoing *undoing, const struct undo_row *row)
{
    undoing->now = present(undoing, row);
    if (undoing->now == NULL) return; /* it is gone already */
    struct scope *scope = undoing->problems->scope;
    struct body_differences later =
        body_compare(scope, row->type->shape, row->after, &undoing->now->body);
    for (uint32_t i = 0; i < later.count; i++) conflict(undoing, later.at[i].path);
    if (later.count == 0) step(undoing, CHANGE_DELETE, row, NULL);
}

static void take_change_back(struct undoing *undoing, const struct undo_row *row)
{
    undoing->now = present(undoing, row);
    if (undoing->now == NULL) {
        problem_add(undoing->problems, PROBLEM_REV_MISMATCH, row->type, TEXT(""),
                    "%s %" PRIu32 ": was deleted since", row->type->name, row->dbid);
        return;
    }
    struct undo_conflicts conflicts = { conflict, undoing };
    struct kv merged;
    bool is_free = undo_merge(undoing->problems->scope, row->type->shape, row->before, row->after,
                              &undoing->now->body, &conflicts, &merged);
    if (is_free && !body_equal(&merged, &undoing->now->body))
        step(undoing, CHANGE_UPDATE, row, &merged);
}

static void take_deletion_back(struct undoing *undoing, const struct undo_row *row)
{
    undoing->now = present(undoing, row);
    if (undoing->now) return; /* it is back already */
    struct scope *scope = undoing->problems->scope;
    struct kv value = body_copy(scope, row->before);
    body_put(scope, &value, TEXT("dbid"), body_integer_value(row->dbid));
    step(undoing, CHANGE_CREATE, row, &value);
}

/* What came goes first: its name may be that of what comes back. */
void undo_stage(struct change_set *set, const struct undo_row *rows, uint32_t count,
                struct problems *problems)
{
    struct undoing undoing = { .set = set, .problems = problems };
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].before == NULL && rows[i].after) take_creation_back(&undoing, &rows[i]);
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].before && rows[i].after) take_change_back(&undoing, &rows[i]);
    for (uint32_t i = 0; i < count; i++)
        if (rows[i].before && rows[i].after == NULL) take_deletion_back(&undoing, &rows[i]);
}
