/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/acl_builtin.h"

#include "gen/objects.h"
#include "servers/config/draft.h"
#include "servers/config/membership.h"

enum { ADMINISTRATORS_MASK = PERMISSIONS_CHANGE | MAY_READ_ACL };

static const struct {
    const char *type, *name;
    uint8_t mask;
} groups[] = {
    { GROUP_SUPER_ADMINISTRATORS, "Super Administrators", PERMISSIONS_FULL },
    { GROUP_SYSTEM, "SYSTEM", PERMISSIONS_FULL },
    { GROUP_ADMINISTRATORS, "Administrators", ADMINISTRATORS_MASK },
    { GROUP_USERS, "Users", PERMISSIONS_READ },
    { GROUP_EVERYONE, "EVERYONE", 0 },
};
enum { GROUPS = sizeof groups / sizeof groups[0] };

/* --- groups --------------------------------------------------------------------------------- */

static bool is_of(const struct object *group, struct text tenant, const char *type)
{
    return text_eq(group->tenant, tenant) && text_eq(membership_group_type(group), text_of(type));
}

static const struct object *find_group(const struct object_view *view, struct text tenant,
                                       const char *type)
{
    const struct object *group;
    for (size_t at = 0; (group = view_next(view, &OBJECT_ACCESS_GROUP, &at));)
        if (is_of(group, tenant, type)) return group;
    return NULL;
}

void acl_builtin_groups(struct change_set *set, struct problems *problems)
{
    struct object_view view = { set->objects, set };
    for (size_t i = 0; i < GROUPS; i++) {
        struct text name = text_of(groups[i].name);
        if (find_group(&view, OBJECT_TENANT_DEFAULT, groups[i].type) ||
            view_find(&view, &OBJECT_ACCESS_GROUP, OBJECT_TENANT_DEFAULT, name))
            continue;
        struct pair pairs[] = { { TEXT("name"), body_text_value(name) },
                                { TEXT("type"), body_text_value(text_of(groups[i].type)) } };
        struct kv value = { pairs, 2 };
        struct change_step step = { .op = CHANGE_CREATE,
                                    .type = &OBJECT_ACCESS_GROUP,
                                    .value = &value };
        change_set_step(set, &step, problems);
    }
}

/* --- entries -------------------------------------------------------------------------------- */

const struct object *acl_builtin_entry(const struct object_view *view, const struct object *group,
                                       struct acl_entry *out)
{
    if (group->type != &OBJECT_ACCESS_GROUP) return NULL;
    for (size_t i = 0; i < GROUPS; i++) {
        if (!is_of(group, group->tenant, groups[i].type) || groups[i].mask == 0) continue;
        *out = (struct acl_entry){ .account = { true, group->dbid },
                                   .mask = groups[i].mask,
                                   .propagates = true };
        return view_find(view, &OBJECT_TENANT, TEXT(""), group->tenant);
    }
    return NULL;
}

static bool has_entry(const struct acl_changes *changes, const struct object *object,
                      struct acl_account account)
{
    struct acl_list list = acl_changes_of(changes, object);
    for (uint32_t i = 0; i < list.count; i++)
        if (acl_account_eq(list.at[i].account, account)) return true;
    return false;
}

static void put(struct acl_changes *changes, const struct object *object,
                const struct acl_entry *entry)
{
    if (!has_entry(changes, object, entry->account)) acl_changes_put(changes, object, entry);
}

static void follow_group(const struct object_view *view, const struct object *group,
                         struct acl_changes *changes)
{
    struct acl_entry entry;
    const struct object *tenant = acl_builtin_entry(view, group, &entry);
    if (tenant) put(changes, tenant, &entry);
}

/* What Environment's Users may ends at the next tenant. */
static void follow_tenant(const struct object_view *view, const struct object *tenant,
                          struct acl_changes *changes)
{
    const struct object *users = find_group(view, OBJECT_TENANT_DEFAULT, GROUP_USERS);
    if (users == NULL || text_eq(tenant->key, OBJECT_TENANT_DEFAULT)) return;
    struct acl_entry none = { .account = { true, users->dbid }, .propagates = true };
    put(changes, tenant, &none);
}

static void follow(const struct object_view *view, const struct object *object,
                   struct acl_changes *changes)
{
    if (object->type == &OBJECT_ACCESS_GROUP) follow_group(view, object, changes);
    if (object->type == &OBJECT_TENANT) follow_tenant(view, object, changes);
}

static void follow_staged(const struct object_view *view, const struct staged *staged,
                          struct acl_changes *changes)
{
    const struct object *before = staged->before, *after = staged->after;
    if (after == NULL) return;
    bool is_other = before == NULL ||
                    (after->type == &OBJECT_ACCESS_GROUP &&
                     !text_eq(membership_group_type(before), membership_group_type(after)));
    if (is_other) follow(view, after, changes);
}

void acl_builtin_follow(const struct change_set *set, bool is_all, struct acl_changes *changes)
{
    static const struct object_type *const types[] = { &OBJECT_TENANT, &OBJECT_ACCESS_GROUP };
    struct object_view view = { set->objects, set };
    const struct object *object;
    for (size_t i = 0; is_all && i < sizeof types / sizeof types[0]; i++)
        for (size_t at = 0; (object = view_next(&view, types[i], &at));)
            follow(&view, object, changes);
    for (size_t i = 0; !is_all && i < set->count; i++) follow_staged(&view, set->at[i], changes);
}
