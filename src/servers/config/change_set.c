/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/draft.h"

#include "gen/objects.h"
#include "servers/config/limits.h"

#include <inttypes.h>
#include <string.h>

/* --- the draft ------------------------------------------------------------------------------ */

static void forget(void *self)
{
    struct change_set *set = self;
    for (size_t i = 0; i < set->count; i++)
        if (set->at[i]->after) scope_close(set->at[i]->after->life);
}

struct change_set *change_set_new(struct scope *owner, struct object_set *objects)
{
    struct scope *life = scope_new(owner, "change set", SCOPE_NO_LIMIT);
    struct change_set *set = scope_alloc(life, sizeof *set);
    *set = (struct change_set){
        .life = life, .objects = objects, .by_before = table_new(life), .by_after = table_new(life)
    };
    scope_on_close(life, forget, set);
    return set;
}

const struct object_set *change_set_objects(const struct change_set *set)
{
    return set->objects;
}

void change_set_drop(struct change_set *set)
{
    scope_close(set->life);
}

void change_set_guard(struct change_set *set, const struct change_guard *guard)
{
    set->guard = *guard;
}

static struct staged *add(struct change_set *set)
{
    if (set->count == set->room) {
        set->room = set->room * 2 + 16;
        struct staged **grown = scope_alloc_array(set->life, set->room, sizeof(struct staged *));
        if (set->count) memcpy(grown, set->at, set->count * sizeof(struct staged *));
        set->at = grown;
    }
    struct staged *staged = scope_alloc(set->life, sizeof *staged);
    set->at[set->count++] = staged;
    return staged;
}

static const struct object *base_find(const struct change_set *set, struct text identity)
{
    struct text type, rest, tenant, key;
    bool is_whole = text_cut(identity, '\x1f', &type, &rest) &&
                    text_cut(rest, '\x1f', &tenant, &key);
    ASSERT(is_whole);
    return object_set_find(set->objects, object_type_find(type), tenant, key);
}

const struct object *draft_find(const struct change_set *set, struct text identity)
{
    const struct staged *staged = table_get(set->by_after, identity);
    if (staged) return staged->after;
    if (table_get(set->by_before, identity)) return NULL;
    return base_find(set, identity);
}

static struct staged *staged_of(const struct change_set *set, const struct object *object)
{
    struct staged *staged = table_get(set->by_after, object->identity);
    if (staged && (staged->after == object || staged->before == object)) return staged;
    staged = table_get(set->by_before, object->identity);
    return staged && staged->before == object ? staged : NULL;
}

bool draft_shows(const struct change_set *set, const struct object *object)
{
    if (set->guard.may_read == NULL) return true;
    const struct staged *staged = staged_of(set, object);
    if (staged) object = staged->before;
    return object == NULL || set->guard.may_read(set->guard.self, object);
}

struct text draft_label(const struct change_set *set, struct scope *scope,
                        const struct object *object)
{
    if (!draft_shows(set, object)) return TEXT("an object that you may not see");
    return object_label(scope, object->type, object->tenant, object->key);
}

struct staged *draft_stage(struct change_set *set, const struct object *before)
{
    struct staged *staged = staged_of(set, before);
    if (staged) return staged;
    staged = add(set);
    staged->before = before;
    staged->after = object_copy(object_set_scope(set->objects), before);
    table_put(set->by_before, before->identity, staged);
    table_put(set->by_after, staged->after->identity, staged);
    return staged;
}

static struct staged *stage_new(struct change_set *set, struct object *after)
{
    struct staged *staged = add(set);
    staged->after = after;
    table_put(set->by_after, after->identity, staged);
    return staged;
}

bool draft_replace(struct change_set *set, struct staged *staged, struct object *after)
{
    const struct staged *there = after ? table_get(set->by_after, after->identity) : NULL;
    const struct object *taken = after ? draft_find(set, after->identity) : NULL;
    if (taken && there != staged) return false;
    if (staged->after) {
        (void)table_remove(set->by_after, staged->after->identity);
        if (staged->after != after) scope_close(staged->after->life);
    }
    staged->after = after;
    if (after) table_put(set->by_after, after->identity, staged);
    bool has_vanished = staged->before &&
                        (after == NULL || !text_eq(after->identity, staged->before->identity));
    set->vanished += has_vanished;
    return true;
}

const struct object *draft_next(const struct change_set *set, const struct object_type *type,
                                size_t *at)
{
    size_t count;
    const struct object *const *base = object_set_of(set->objects, type, &count);
    while (*at < count) {
        const struct object *object = base[(*at)++];
        if (table_get(set->by_before, object->identity) == NULL) return object;
    }
    while (*at - count < set->count) {
        const struct object *object = set->at[(*at)++ - count]->after;
        if (object && object->type == type) return object;
    }
    return NULL;
}

/* --- steps ---------------------------------------------------------------------------------- */

static struct text tenant_of(const struct change_step *step)
{
    if (step->type->is_global) return TEXT("");
    return step->tenant.len ? step->tenant : OBJECT_TENANT_DEFAULT;
}

static const struct object *find_any(const struct change_set *set, const struct object_type *type,
                                     struct text tenant, struct text key)
{
    struct scope *scratch = scope_new(NULL, "look up", SCOPE_NO_LIMIT);
    const struct object *object = draft_find(set, object_identity(scratch, type, tenant, key));
    uint32_t dbid;
    if (object == NULL && text_to_u32(key, 1, UINT32_MAX, &dbid) == ERR_OK) {
        object = object_set_find_dbid(set->objects, type, dbid);
        const struct staged *staged = object ? table_get(set->by_before, object->identity) : NULL;
        if (staged) object = staged->after;
    }
    scope_close(scratch);
    return object;
}

const struct object *change_set_find(const struct change_set *set, const struct object_type *type,
                                     struct text tenant, struct text key)
{
    const struct object *object = find_any(set, type, tenant, key);
    return object && draft_shows(set, object) ? object : NULL;
}

static const struct object *target_of(struct change_set *set, const struct change_step *step,
                                      struct problems *problems)
{
    const struct object *object =
        step->follows ? find_any(set, step->type, tenant_of(step), step->key)
                      : change_set_find(set, step->type, tenant_of(step), step->key);
    struct text label = object_label(problems->scope, step->type, tenant_of(step), step->key);
    if (object == NULL) {
        problem_add(problems, PROBLEM_NOT_FOUND, step->type, TEXT(""), "%.*s: does not exist",
                    TEXT_ARG(label));
        return NULL;
    }
    if (!step->has_rev || step->rev == object->rev) return object;
    problem_add(problems, PROBLEM_REV_MISMATCH, step->type, TEXT(""),
                "%.*s: has revision %" PRIu64 " by now, not %" PRIu64, TEXT_ARG(label), object->rev,
                step->rev);
    return NULL;
}

/* One answer for a place where nothing may be made and for a name that somebody else, who is not
 * to be seen, has. */
static void refuse_place(const struct object *object, struct problems *problems)
{
    struct text label = object_label(problems->scope, object->type, object->tenant, object->key);
    problem_add(problems, PROBLEM_NO_PERMISSION, object->type, TEXT(""),
                "%.*s: you may not create it here", TEXT_ARG(label));
}

static void refuse_taken(const struct change_set *set, const struct object *object,
                         struct problems *problems)
{
    const struct object *there = draft_find(set, object->identity);
    if (there && !draft_shows(set, there)) {
        refuse_place(object, problems);
        return;
    }
    struct text label = object_label(problems->scope, object->type, object->tenant, object->key);
    problem_add(problems, PROBLEM_UNIQUENESS, object->type, text_of(object->type->key[0]),
                "%.*s: exists already", TEXT_ARG(label));
}

/* "dbid" inside the value pins it. 0: it does not say. */
static uint32_t pinned_dbid(const struct kv *value)
{
    const struct value *dbid = body_find(value, TEXT("dbid"));
    return dbid && dbid->kind == VALUE_INTEGER ? (uint32_t)dbid->integer : 0;
}

static void create(struct change_set *set, const struct change_step *step,
                   struct problems *problems)
{
    struct object *object = object_new(object_set_scope(set->objects), step->type, tenant_of(step),
                                       step->value, problems);
    if (object == NULL) return;
    bool may_be = set->guard.may_create == NULL || step->follows ||
                  set->guard.may_create(set->guard.self, object);
    if (!may_be || draft_find(set, object->identity)) {
        if (may_be)
            refuse_taken(set, object, problems);
        else
            refuse_place(object, problems);
        scope_close(object->life);
        return;
    }
    object->dbid = pinned_dbid(step->value);
    (void)stage_new(set, object);
}

/* What comes from the template and never moves is not asked for again. */
static struct kv whole_value(struct scope *scope, const struct object *target,
                             const struct kv *value)
{
    static const char *const derived[] = { "type", "version" };
    struct kv out = body_copy(scope, value);
    if (target->type != &OBJECT_APPLICATION) return out;
    for (size_t i = 0; i < sizeof derived / sizeof derived[0]; i++) {
        const struct value *kept = body_find(&target->body, text_of(derived[i]));
        if (kept && body_find(&out, text_of(derived[i])) == NULL)
            body_put(scope, &out, text_of(derived[i]), *kept);
    }
    return out;
}

static bool keeps_what_stays(const struct object *target, const struct kv *value,
                             struct problems *problems)
{
    uint32_t before = problems->count + problems->left_out, dbid = pinned_dbid(value);
    struct text tenant = body_text(value, "tenant");
    struct text label = object_label(problems->scope, target->type, target->tenant, target->key);
    if (dbid && target->dbid && dbid != target->dbid)
        problem_add(problems, PROBLEM_INVALID_VALUE, target->type, TEXT("dbid"),
                    "%.*s.dbid: is %u and does not change", TEXT_ARG(label), target->dbid);
    if (tenant.len && !target->type->is_global && !text_eq(tenant, target->tenant))
        problem_add(problems, PROBLEM_INVALID_VALUE, target->type, TEXT("tenant"),
                    "%.*s.tenant: does not change", TEXT_ARG(label));
    return problems->count + problems->left_out == before;
}

static void update(struct change_set *set, const struct change_step *step,
                   struct problems *problems)
{
    const struct object *target = target_of(set, step, problems);
    if (target == NULL || !keeps_what_stays(target, step->value, problems)) return;
    struct scope *scratch = scope_new(set->life, "update", SCOPE_NO_LIMIT);
    struct kv raw = step->is_whole ? whole_value(scratch, target, step->value)
                                   : body_merge(scratch, &target->body, step->value);
    struct object *object =
        object_new(object_set_scope(set->objects), target->type, target->tenant, &raw, problems);
    scope_close(scratch);
    if (object == NULL) return;
    object->dbid = target->dbid;
    object->rev = target->rev;
    object->created_utc_ms = target->created_utc_ms;
    object->changed_utc_ms = target->changed_utc_ms;
    size_t count = set->count;
    struct staged *staged = draft_stage(set, target);
    staged->follows = step->follows && (staged->follows || set->count > count);
    if (draft_replace(set, staged, object)) return;
    refuse_taken(set, object, problems);
    scope_close(object->life);
}

static void delete (struct change_set *set, const struct change_step *step,
                    struct problems *problems)
{
    const struct object *target = target_of(set, step, problems);
    if (target == NULL) return;
    if (target->type == &OBJECT_TENANT && text_eq(target->key, OBJECT_TENANT_DEFAULT)) {
        problem_add(problems, PROBLEM_IN_USE, target->type, TEXT(""),
                    "tenants[%.*s]: is the installation itself", TEXT_ARG(target->key));
        return;
    }
    struct staged *staged = draft_stage(set, target);
    staged->cascade = step->cascade;
    (void)draft_replace(set, staged, NULL);
}

void change_set_step(struct change_set *set, const struct change_step *step,
                     struct problems *problems)
{
    switch (step->op) {
    case CHANGE_CREATE: create(set, step, problems); break;
    case CHANGE_UPDATE: update(set, step, problems); break;
    case CHANGE_DELETE: delete (set, step, problems); break;
    }
}

/* --- secrets -------------------------------------------------------------------------------- */

struct looking_for {
    struct text name;
    bool is_found;
};

static void look(void *self, struct text name)
{
    struct looking_for *looking = self;
    if (text_eq(name, looking->name)) looking->is_found = true;
}

void change_set_touch_secret(struct change_set *set, struct text name)
{
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    for (size_t i = 0; i < type_count; i++) {
        size_t count;
        const struct object *const *objects = object_set_of(set->objects, types[i], &count);
        for (size_t k = 0; k < count; k++) {
            struct looking_for looking = { .name = name };
            body_each_secret(&objects[k]->body, look, &looking);
            if (looking.is_found) draft_stage(set, objects[k])->is_touched = true;
        }
    }
}

/* --- finish --------------------------------------------------------------------------------- */

struct counter_of_type {
    const struct object_type *type;
    uint32_t last;
};

/* What is pinned must be free: never given, or given to this very object before it was deleted. */
static void check_pin(const struct change_set *set, const struct object *object,
                      struct table *pinned, struct problems *problems)
{
    struct text place = scope_format(set->life, "%s %u", object->type->name, object->dbid);
    struct text retired = object_set_retired(set->objects, object->type, object->dbid);
    bool is_free = object_set_find_dbid(set->objects, object->type, object->dbid) == NULL &&
                   (retired.len == 0 || text_eq(retired, object->identity)) &&
                   table_get(pinned, place) == NULL;
    table_put(pinned, place, (void *)(uintptr_t)object);
    if (is_free) return;
    struct text label = object_label(problems->scope, object->type, object->tenant, object->key);
    problem_add(problems, PROBLEM_UNIQUENESS, object->type, TEXT("dbid"),
                "%.*s.dbid: %u was given to another object", TEXT_ARG(label), object->dbid);
}

static void give_dbids(struct change_set *set, struct problems *problems)
{
    struct counter_of_type counters[64] = { 0 };
    struct table *pinned = table_new(set->life);
    for (size_t i = 0; i < set->count; i++)
        if (set->at[i]->before == NULL && set->at[i]->after && set->at[i]->after->dbid)
            check_pin(set, set->at[i]->after, pinned, problems);
    for (size_t i = 0; i < set->count; i++) {
        struct object *object = set->at[i]->after;
        if (object == NULL || object->dbid == 0) continue;
        size_t k = 0;
        while (counters[k].type && counters[k].type != object->type) k++;
        counters[k].type = object->type;
        if (object->dbid > counters[k].last) counters[k].last = object->dbid;
    }
    for (size_t i = 0; i < set->count; i++) {
        struct object *object = set->at[i]->after;
        if (object == NULL || object->dbid) continue;
        size_t k = 0;
        while (counters[k].type && counters[k].type != object->type) k++;
        counters[k].type = object->type;
        uint32_t last = object_set_last_dbid(set->objects, object->type);
        if (last > counters[k].last) counters[k].last = last;
        object->dbid = ++counters[k].last;
    }
}

static bool moves(const struct staged *staged)
{
    if (staged->before == NULL || staged->after == NULL)
        return staged->before != staged->after; /* made and gone again: neither */
    return staged->is_touched || !body_equal(&staged->before->body, &staged->after->body);
}

static void leave_out_what_stays(struct change_set *set)
{
    size_t kept = 0;
    for (size_t i = 0; i < set->count; i++) {
        struct staged *staged = set->at[i];
        if (moves(staged))
            set->at[kept++] = staged;
        else if (staged->after)
            scope_close(staged->after->life);
    }
    set->count = kept;
}

void change_set_finish(struct change_set *set, const struct change_world *world,
                       struct problems *problems, struct warnings *warnings)
{
    draft_complete(set, problems);
    draft_folders(set, problems);
    draft_link(set, problems);
    limits_check(set, problems);
    if (problems->count == 0) draft_check(set, world, problems, warnings);
    give_dbids(set, problems);
    leave_out_what_stays(set);
}

size_t change_set_count(const struct change_set *set)
{
    return set->count;
}

const struct staged *change_set_at(const struct change_set *set, size_t index)
{
    return set->at[index];
}

void change_set_stamp(struct change_set *set, uint64_t rev, uint64_t now_utc_ms)
{
    for (size_t i = 0; i < set->count; i++) {
        struct object *after = set->at[i]->after;
        if (after == NULL) continue;
        after->rev = rev;
        after->changed_utc_ms = now_utc_ms;
        if (set->at[i]->before == NULL) after->created_utc_ms = now_utc_ms;
    }
}

/* First all that goes, then all that comes: names may have been swapped. */
void change_set_apply(struct change_set *set)
{
    for (size_t i = 0; i < set->count; i++) {
        const struct object *before = set->at[i]->before;
        if (before == NULL) continue;
        if (set->at[i]->after == NULL)
            object_set_retire(set->objects, before->type, before->dbid, before->identity);
        object_set_delete(set->objects, before->type, before->dbid);
        set->at[i]->before = NULL;
    }
    for (size_t i = 0; i < set->count; i++) {
        if (set->at[i]->after == NULL) continue;
        object_set_put(set->objects, set->at[i]->after);
        set->at[i]->after = NULL;
    }
    scope_close(set->life);
}
