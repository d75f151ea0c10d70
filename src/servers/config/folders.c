/* SPDX-License-Identifier: Apache-2.0 */
/* Folders of a draft (docs/decisions/0041): one that an object names comes into being, with those
 * above it; what is inside follows a folder that is renamed, and stands in the way of one that
 * goes. */
#include "gen/objects.h"
#include "servers/config/draft.h"

/* Folders of what belongs to no tenant are Environment's. */
static struct text tenant_of(const struct object *object)
{
    return object->type->is_global ? OBJECT_TENANT_DEFAULT : object->tenant;
}

static bool is_known(const struct change_set *set, struct scope *scratch, struct text tenant,
                     struct text path)
{
    struct text identity = object_identity(scratch, &OBJECT_FOLDER, tenant, path);
    /* What was renamed or deleted in this draft is a matter of linking. */
    return draft_find(set, identity) || table_get(set->by_before, identity);
}

static void make(struct change_set *set, struct text tenant, struct text path,
                 struct problems *problems)
{
    struct pair pair = { TEXT("path"), body_text_value(path) };
    struct kv value = { &pair, 1 };
    struct change_step step = {
        .op = CHANGE_CREATE, .type = &OBJECT_FOLDER, .tenant = tenant, .value = &value
    };
    change_set_step(set, &step, problems);
}

static void make_path(struct change_set *set, struct scope *scratch, struct text tenant,
                      struct text path, struct problems *problems)
{
    for (size_t len = 1; len <= path.len; len++) {
        if (len < path.len && path.at[len] != '/') continue;
        struct text part = text_slice(path, 0, len);
        if (!is_known(set, scratch, tenant, part)) make(set, tenant, part, problems);
    }
}

/* --- what is inside ------------------------------------------------------------------------- */

static bool is_inside(struct text path, struct text folder)
{
    return path.len > folder.len && path.at[folder.len] == '/' && text_starts(path, folder);
}

/* The next folder that lies in `path`; the draft may change between two calls. */
static const struct object *next_inside(const struct change_set *set, const struct object *folder,
                                        size_t *at)
{
    const struct object *object;
    while ((object = draft_next(set, &OBJECT_FOLDER, at)) != NULL)
        if (text_eq(object->tenant, folder->tenant) && is_inside(object->key, folder->key))
            return object;
    return NULL;
}

static void follow_name(struct change_set *set, struct scope *scratch, const struct staged *staged,
                        struct problems *problems)
{
    const struct object *inside;
    struct text before = staged->before->key, after = staged->after->key;
    if (is_inside(after, before)) {
        problem_add(problems, PROBLEM_INVALID_VALUE, &OBJECT_FOLDER, TEXT("path"),
                    "folders[%.*s].path: a folder cannot be inside itself", TEXT_ARG(before));
        return;
    }
    for (size_t at = 0; (inside = next_inside(set, staged->before, &at)) != NULL; at = 0) {
        struct text path =
            scope_format(scratch, "%.*s%.*s", TEXT_ARG(after),
                         TEXT_ARG(text_slice(inside->key, before.len, inside->key.len)));
        struct pair pair = { TEXT("path"), body_text_value(path) };
        struct kv value = { &pair, 1 };
        struct change_step step = { .op = CHANGE_UPDATE,
                                    .type = &OBJECT_FOLDER,
                                    .tenant = scope_keep(scratch, inside->tenant),
                                    .key = scope_keep(scratch, inside->key),
                                    .value = &value,
                                    .follows = true };
        uint32_t count = problems->count;
        change_set_step(set, &step, problems);
        if (problems->count != count) return;
    }
}

static void clear_inside(struct change_set *set, struct scope *scratch, const struct staged *staged,
                         struct problems *problems)
{
    const struct object *inside;
    for (size_t at = 0; (inside = next_inside(set, staged->before, &at)) != NULL; at = 0) {
        if (staged->cascade != CASCADE_DELETE) {
            struct text label = draft_label(set, scratch, inside);
            problem_add(problems, PROBLEM_IN_USE, &OBJECT_FOLDER, TEXT(""),
                        "folders[%.*s]: %.*s is in it", TEXT_ARG(staged->before->key),
                        TEXT_ARG(label));
            return;
        }
        struct change_step step = { .op = CHANGE_DELETE,
                                    .type = &OBJECT_FOLDER,
                                    .tenant = scope_keep(scratch, inside->tenant),
                                    .key = scope_keep(scratch, inside->key),
                                    .cascade = CASCADE_DELETE,
                                    .follows = true };
        change_set_step(set, &step, problems);
    }
}

/* --- what it may hold ----------------------------------------------------------------------- */

static void check_holds(const struct change_set *set, struct scope *scratch,
                        const struct object *object, struct problems *problems)
{
    struct text path = body_text(&object->body, "folder");
    if (path.len == 0) return;
    const struct object *folder =
        draft_find(set, object_identity(scratch, &OBJECT_FOLDER, tenant_of(object), path));
    struct text holds = folder ? body_text(&folder->body, "objectType") : TEXT("");
    if (holds.len == 0 || text_eq(holds, text_of(object->type->name))) return;
    struct text label = object_label(problems->scope, object->type, object->tenant, object->key);
    problem_add(problems, PROBLEM_INVALID_VALUE, object->type, TEXT("folder"),
                "%.*s.folder: folders[%.*s] holds objects of type %.*s alone", TEXT_ARG(label),
                TEXT_ARG(path), TEXT_ARG(holds));
}

static void check_contents(const struct change_set *set, struct scope *scratch,
                           const struct object *folder, struct problems *problems)
{
    size_t type_count;
    const struct object_type *const *types = object_types(&type_count);
    for (size_t i = 0; i < type_count; i++) {
        const struct object *object;
        for (size_t at = 0; (object = draft_next(set, types[i], &at)) != NULL;)
            if (text_eq(body_text(&object->body, "folder"), folder->key))
                check_holds(set, scratch, object, problems);
    }
}

/* --- all ------------------------------------------------------------------------------------ */

void draft_folders(struct change_set *set, struct problems *problems)
{
    struct scope *scratch = scope_new(set->life, "folders", SCOPE_NO_LIMIT);
    /* What is added here is passed as well. */
    for (size_t i = 0; i < set->count; i++) {
        const struct staged *staged = set->at[i];
        const struct object *before = staged->before, *after = staged->after;
        if (after) {
            struct text path = after->type == &OBJECT_FOLDER ? after->key
                                                             : body_text(&after->body, "folder");
            make_path(set, scratch, tenant_of(after), path, problems);
        }
        bool is_folder = before && before->type == &OBJECT_FOLDER;
        if (is_folder && after && !text_eq(before->key, after->key))
            follow_name(set, scratch, staged, problems);
        else if (is_folder && after == NULL)
            clear_inside(set, scratch, staged, problems);
        scope_reset(scratch);
    }
    scope_close(scratch);
}

void draft_check_folders(const struct change_set *set, struct problems *problems)
{
    struct scope *scratch = scope_new(set->life, "folders", SCOPE_NO_LIMIT);
    for (size_t i = 0; i < set->count; i++) {
        const struct object *after = set->at[i]->after;
        if (after == NULL) continue;
        if (after->type != &OBJECT_FOLDER)
            check_holds(set, scratch, after, problems);
        else if (body_text(&after->body, "objectType").len)
            check_contents(set, scratch, after, problems);
        scope_reset(scratch);
    }
    scope_close(scratch);
}
