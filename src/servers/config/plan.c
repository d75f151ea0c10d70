/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/plan.h"

#include "base/table.h"
#include "gen/objects.h"
#include "servers/config/builtin.h"

#include <stdlib.h>

struct planner {
    struct change_set *set;
    struct secret_changes *secrets;
    const struct file *file;
    const struct plan_wish *wish;
    struct problems *problems;
    struct warnings *warnings;
    struct scope *scratch;
    struct table *named;   /* identities of the file */
    struct table *tenants; /* of the file */
};

/* --- steps ---------------------------------------------------------------------------------- */

static bool is_environment(const struct file_entry *entry)
{
    return entry->type == &OBJECT_TENANT && text_eq(entry->key, OBJECT_TENANT_DEFAULT);
}

static void plan_entry(struct planner *planner, const struct file_entry *entry)
{
    static const struct kv empty = { 0 };
    const struct object *there =
        entry->key.len ? change_set_find(planner->set, entry->type, entry->tenant, entry->key)
                       : NULL;
    if (there && planner->wish->mode == PLAN_CREATE_ONLY && !is_environment(entry)) {
        problem_add(planner->problems, PROBLEM_UNIQUENESS, entry->type,
                    text_of(entry->type->key[0]), "%.*s: exists already", TEXT_ARG(entry->label));
        return;
    }
    /* Nulls say what is not to be; where nothing is, they say nothing. */
    struct kv value = there ? entry->value : body_merge(planner->scratch, &empty, &entry->value);
    struct change_step step = {
        .op = there ? CHANGE_UPDATE : CHANGE_CREATE,
        .type = entry->type,
        .tenant = entry->tenant,
        .key = entry->key,
        .value = &value,
        .is_whole = planner->wish->mode == PLAN_SYNC,
    };
    change_set_step(planner->set, &step, planner->problems);
}

static void note_names(struct planner *planner)
{
    for (uint32_t i = 0; i < planner->file->entry_count; i++) {
        const struct file_entry *entry = &planner->file->entries[i];
        struct text identity =
            object_identity(planner->scratch, entry->type, entry->tenant, entry->key);
        table_put(planner->named, identity, planner);
        struct text tenant = entry->type == &OBJECT_TENANT ? entry->key : entry->tenant;
        if (tenant.len) table_put(planner->tenants, tenant, planner);
    }
}

static void plan_absent(struct planner *planner, const struct object_set *objects,
                        const struct object_type *type)
{
    size_t count;
    const struct object *const *all = object_set_of(objects, type, &count);
    for (size_t i = 0; i < count; i++) {
        bool is_named = table_get(planner->named, all[i]->identity) != NULL;
        if (change_set_find(planner->set, type, all[i]->tenant, all[i]->key) == NULL) continue;
        bool is_ours = type->is_global || table_get(planner->tenants, all[i]->tenant);
        if (is_named || !is_ours || builtin_is_kept(all[i])) continue;
        struct change_step step = {
            .op = CHANGE_DELETE, .type = type, .tenant = all[i]->tenant, .key = all[i]->key
        };
        change_set_step(planner->set, &step, planner->problems);
    }
}

/* --- secrets -------------------------------------------------------------------------------- */

static void refuse_secret(const struct planner *planner, const struct file_secret *secret,
                          const char *words)
{
    problem_add(planner->problems, PROBLEM_INVALID_VALUE, NULL, TEXT("secrets"), "secrets.%.*s: %s",
                TEXT_ARG(secret->name), words);
}

static void warn_of_secret(const struct planner *planner, const struct file_secret *secret,
                           const char *words)
{
    warning_add(planner->warnings,
                scope_format(planner->scratch, "secrets.%.*s: %s", TEXT_ARG(secret->name), words));
}

static void miss_secret(const struct planner *planner, const struct file_secret *secret)
{
    const char *words = scope_format(planner->scratch, "%.*s cannot be read where the command runs",
                                     TEXT_ARG(secret->value))
                            .at;
    if (!planner->wish->is_only_a_plan)
        refuse_secret(planner, secret, words);
    else {
        warn_of_secret(planner, secret, words);
        secret_changes_name(planner->secrets, secret->name);
    }
}

static void plan_secret(const struct planner *planner, const struct file_secret *secret)
{
    switch (secret->source) {
    case FILE_SECRET_KEPT:
        if (!secret_changes_has_value(planner->secrets, secret->name))
            warn_of_secret(planner, secret, "has no value yet");
        secret_changes_name(planner->secrets, secret->name);
        break;
    case FILE_SECRET_GIVEN:
        secret_changes_put(planner->secrets, secret->name, secret->value);
        break;
    case FILE_SECRET_SEALED:
        if (!secret_changes_put_sealed(planner->secrets, secret->name, secret->value))
            refuse_secret(planner, secret, "was not sealed by this installation");
        break;
    case FILE_SECRET_MISSING: miss_secret(planner, secret); break;
    }
}

static void plan_secrets(const struct planner *planner)
{
    for (uint32_t i = 0; i < planner->file->secret_count; i++)
        plan_secret(planner, &planner->file->secrets[i]);
    for (size_t i = 0; i < secret_changes_count(planner->secrets); i++)
        change_set_touch_secret(planner->set, secret_changes_at(planner->secrets, i)->name);
}

/* --- leave to overwrite --------------------------------------------------------------------- */

static void check_overwrites(const struct planner *planner)
{
    if (planner->wish->may_overwrite) return;
    for (size_t i = 0; i < change_set_count(planner->set); i++) {
        const struct staged *staged = change_set_at(planner->set, i);
        if (staged->before == NULL || staged->after == NULL ||
            body_equal(&staged->before->body, &staged->after->body))
            continue;
        struct text label = object_label(planner->scratch, staged->before->type,
                                         staged->before->tenant, staged->before->key);
        if (planner->wish->is_only_a_plan)
            warning_add(
                planner->warnings,
                scope_format(planner->scratch, "%.*s: apply wants --overwrite", TEXT_ARG(label)));
        else
            problem_add(planner->problems, PROBLEM_UNIQUENESS, staged->before->type, TEXT(""),
                        "%.*s: exists and would be changed; --overwrite allows it",
                        TEXT_ARG(label));
    }
}

static bool has_secret(void *self, struct text name)
{
    return secret_changes_has(self, name);
}

void plan_file(struct change_set *set, struct secret_changes *secrets, const struct file *file,
               const struct plan_wish *wish, struct problems *problems, struct warnings *warnings)
{
    struct planner planner = { .set = set,
                               .secrets = secrets,
                               .file = file,
                               .wish = wish,
                               .problems = problems,
                               .warnings = warnings,
                               .scratch = scope_new(problems->scope, "plan", SCOPE_NO_LIMIT) };
    planner.named = table_new(planner.scratch);
    planner.tenants = table_new(planner.scratch);
    note_names(&planner);
    plan_secrets(&planner);
    for (uint32_t i = 0; i < file->entry_count; i++) plan_entry(&planner, &file->entries[i]);
    for (uint32_t i = 0; wish->mode == PLAN_SYNC && i < file->type_count; i++)
        plan_absent(&planner, change_set_objects(set), file->types[i]);
    struct change_world world = { has_secret, secrets };
    change_set_finish(set, &world, problems, warnings);
    if (problems->count == 0) check_overwrites(&planner);
    scope_close(planner.scratch);
}

/* --- lines for people ----------------------------------------------------------------------- */

struct lister {
    struct scope *scope;
    struct plan *out;
    struct table *moved; /* identities that are items already */
};

static void add_staged(struct lister *lister, const struct staged *staged)
{
    static const struct kv nothing = { 0 };
    const struct object *object = staged->after ? staged->after : staged->before;
    ASSERT(object != NULL);
    const struct kv *before = staged->before ? &staged->before->body : &nothing;
    const struct kv *after = staged->after ? &staged->after->body : &nothing;
    if (staged->before && staged->after && body_equal(before, after)) return; /* only touched */
    struct plan_item item = {
        .op = staged->before == NULL  ? PLAN_CREATE
              : staged->after == NULL ? PLAN_DELETE
                                      : PLAN_UPDATE,
        .type = object->type,
        .tenant = object->tenant,
        .key = object->key,
    };
    if (item.op != PLAN_DELETE)
        item.differences = body_compare(lister->scope, object->type->shape, before, after);
    table_put(lister->moved, object->identity, lister);
    lister->out->items[lister->out->count++] = item;
    lister->out->counts[item.op]++;
}

static void add_unchanged(struct lister *lister, const struct file_entry *entry)
{
    struct text identity = object_identity(lister->scope, entry->type, entry->tenant, entry->key);
    if (table_get(lister->moved, identity)) return;
    lister->out->items[lister->out->count++] = (struct plan_item){
        .op = PLAN_UNCHANGED, .type = entry->type, .tenant = entry->tenant, .key = entry->key
    };
    lister->out->counts[PLAN_UNCHANGED]++;
}

static int compare_items(const void *a, const void *b)
{
    const struct plan_item *one = a, *other = b;
    if (one->type != other->type) {
        if (one->type == NULL || other->type == NULL) return one->type == NULL ? 1 : -1;
        return one->type->order < other->type->order ? -1 : 1;
    }
    int order = text_compare(one->tenant, other->tenant);
    return order ? order : text_compare(one->key, other->key);
}

void plan_list(struct scope *scope, const struct change_set *set,
               const struct secret_changes *secrets, const struct file *file, struct plan *out)
{
    size_t room = change_set_count(set) + file->entry_count + secret_changes_count(secrets);
    *out = (struct plan){ .items = scope_alloc_array(scope, room, sizeof *out->items) };
    struct lister lister = { scope, out, table_new(scope) };
    for (size_t i = 0; i < change_set_count(set); i++) add_staged(&lister, change_set_at(set, i));
    for (uint32_t i = 0; i < file->entry_count; i++) add_unchanged(&lister, &file->entries[i]);
    for (size_t i = 0; i < secret_changes_count(secrets); i++) {
        const struct secret_change *change = secret_changes_at(secrets, i);
        out->items[out->count++] =
            (struct plan_item){ .op = change->is_new ? PLAN_CREATE : PLAN_UPDATE,
                                .key = change->name };
    }
    if (out->count) qsort(out->items, out->count, sizeof *out->items, compare_items);
}
