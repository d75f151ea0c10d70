/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/membership.h"

#include "gen/objects.h"

bool membership_is_enabled(const struct object *object)
{
    return !text_eq(body_text(&object->body, "state"), TEXT("disabled"));
}

struct text membership_group_type(const struct object *group)
{
    struct text type = body_text(&group->body, "type");
    return type.len ? type : TEXT("Default");
}

static bool is_of_environment(const struct object *group)
{
    return text_eq(group->tenant, OBJECT_TENANT_DEFAULT);
}

bool membership_is_of_super(const struct object *group)
{
    struct text type = membership_group_type(group);
    return is_of_environment(group) &&
           (text_eq(type, TEXT(GROUP_SUPER_ADMINISTRATORS)) || text_eq(type, TEXT(GROUP_SYSTEM)));
}

/* --- the walk ------------------------------------------------------------------------------- */

struct group_walk {
    const struct object_view *view;
    const struct object *account;
    const struct object **groups; /* all enabled ones that can matter */
    bool *is_in;
    size_t count;
};

static bool names(const struct object *group, const char *property, struct text key)
{
    const struct value *members = body_find(&group->body, text_of(property));
    for (uint32_t i = 0; members && i < members->items.count; i++)
        if (text_eq(members->items.at[i].text, key)) return true;
    return false;
}

static void find_groups(struct group_walk *walk, struct scope *scratch)
{
    const struct object *group;
    size_t room = 0;
    for (size_t at = 0; view_next(walk->view, &OBJECT_ACCESS_GROUP, &at);) room++;
    walk->groups = scope_alloc_array(scratch, room, sizeof(const struct object *));
    walk->is_in = scope_alloc_array(scratch, room, sizeof *walk->is_in);
    for (size_t at = 0; (group = view_next(walk->view, &OBJECT_ACCESS_GROUP, &at));) {
        bool is_near = text_eq(group->tenant, walk->account->tenant) || is_of_environment(group);
        if (is_near && membership_is_enabled(group)) walk->groups[walk->count++] = group;
    }
}

static bool is_own_tenant(const struct group_walk *walk, size_t index)
{
    return text_eq(walk->groups[index]->tenant, walk->account->tenant);
}

static void join_named(struct group_walk *walk)
{
    bool is_person = walk->account->type == &OBJECT_PERSON, is_named = false;
    for (size_t i = 0; i < walk->count; i++) {
        const struct object *group = walk->groups[i];
        if (!is_own_tenant(walk, i)) continue;
        walk->is_in[i] = is_person ? names(group, "persons", walk->account->key)
                                   : text_eq(group->key, walk->account->key);
        is_named |= walk->is_in[i];
    }
    for (size_t i = 0; i < walk->count && is_person; i++) {
        struct text type = membership_group_type(walk->groups[i]);
        bool is_users = is_own_tenant(walk, i) && text_eq(type, TEXT(GROUP_USERS));
        if (text_eq(type, TEXT(GROUP_EVERYONE)) || (is_users && !is_named)) walk->is_in[i] = true;
    }
}

static bool is_nested_in(const struct group_walk *walk, size_t index)
{
    for (size_t i = 0; i < walk->count; i++)
        if (walk->is_in[i] && text_eq(walk->groups[i]->tenant, walk->groups[index]->tenant) &&
            names(walk->groups[index], "groups", walk->groups[i]->key))
            return true;
    return false;
}

static void join_nested(struct group_walk *walk)
{
    for (bool has_moved = true; has_moved;) {
        has_moved = false;
        for (size_t i = 0; i < walk->count; i++) {
            if (walk->is_in[i] || !is_nested_in(walk, i)) continue;
            walk->is_in[i] = has_moved = true;
        }
    }
}

void membership_of(struct scope *scope, const struct object_view *view,
                   const struct object *account, struct membership *out)
{
    struct scope *scratch = scope_new(NULL, "membership", SCOPE_NO_LIMIT);
    struct group_walk walk = { .view = view, .account = account };
    *out = (struct membership){ 0 };
    if (membership_is_enabled(account)) {
        find_groups(&walk, scratch);
        join_named(&walk);
        join_nested(&walk);
        out->accounts = scope_alloc_array(scope, walk.count + 1, sizeof *out->accounts);
        out->accounts[out->count++] =
            (struct acl_account){ account->type == &OBJECT_ACCESS_GROUP, account->dbid };
    }
    for (size_t i = 0; i < walk.count; i++) {
        if (!walk.is_in[i]) continue;
        out->is_super |= membership_is_of_super(walk.groups[i]);
        if (walk.groups[i]->dbid == account->dbid && account->type == &OBJECT_ACCESS_GROUP)
            continue;
        out->accounts[out->count++] = (struct acl_account){ true, walk.groups[i]->dbid };
    }
    scope_close(scratch);
}

/* --- downwards ------------------------------------------------------------------------------ */

static bool has_enabled_person(const struct object_view *view, const struct object *group)
{
    const struct value *members = body_find(&group->body, TEXT("persons"));
    for (uint32_t i = 0; members && i < members->items.count; i++) {
        const struct object *person =
            view_find(view, &OBJECT_PERSON, group->tenant, members->items.at[i].text);
        if (person && membership_is_enabled(person)) return true;
    }
    return false;
}

static bool is_member_of_in(const struct group_walk *walk, size_t index)
{
    for (size_t i = 0; i < walk->count; i++)
        if (walk->is_in[i] && names(walk->groups[i], "groups", walk->groups[index]->key))
            return true;
    return false;
}

bool membership_has_super(const struct object_view *view)
{
    struct scope *scratch = scope_new(NULL, "administrators", SCOPE_NO_LIMIT);
    struct object environment = { .tenant = OBJECT_TENANT_DEFAULT };
    struct group_walk walk = { .view = view, .account = &environment };
    find_groups(&walk, scratch);
    for (size_t i = 0; i < walk.count; i++)
        walk.is_in[i] =
            text_eq(membership_group_type(walk.groups[i]), TEXT(GROUP_SUPER_ADMINISTRATORS));
    bool has_moved = true, is_found = false;
    while (has_moved) {
        has_moved = false;
        for (size_t i = 0; i < walk.count; i++) {
            if (walk.is_in[i] || !is_member_of_in(&walk, i)) continue;
            walk.is_in[i] = has_moved = true;
        }
    }
    for (size_t i = 0; i < walk.count && !is_found; i++)
        is_found = walk.is_in[i] && has_enabled_person(view, walk.groups[i]);
    scope_close(scratch);
    return is_found;
}

/* --- names ---------------------------------------------------------------------------------- */

struct text membership_name(struct scope *scope, const struct object *account, struct text tenant)
{
    bool is_group = account->type == &OBJECT_ACCESS_GROUP,
         is_near = text_eq(account->tenant, tenant);
    return scope_format(scope, "%s%.*s%s%.*s",
                        is_group ? "group:" : "person:", is_near ? 0 : (int)account->tenant.len,
                        account->tenant.at, is_near ? "" : "/", TEXT_ARG(account->key));
}

static const struct object *find_of(const struct object_view *view, const struct object_type *type,
                                    struct text name, struct text tenant)
{
    const struct object *account = view_find(view, type, tenant, name);
    struct text other, key;
    /* A name may hold a slash itself. */
    for (size_t at = 0; account == NULL && (at = text_find(name, '/', at)) != SIZE_MAX; at++) {
        other = text_slice(name, 0, at);
        key = text_slice(name, at + 1, name.len);
        account = view_find(view, type, other, key);
    }
    return account;
}

const struct object *membership_find(const struct object_view *view, struct text name,
                                     struct text tenant)
{
    static const struct {
        struct text prefix;
        const struct object_type *type;
    } kinds[] = { { { "person:", 7 }, &OBJECT_PERSON }, { { "group:", 6 }, &OBJECT_ACCESS_GROUP } };
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (text_starts(name, kinds[i].prefix))
            return find_of(view, kinds[i].type, text_slice(name, kinds[i].prefix.len, name.len),
                           tenant);
    const struct object *account = find_of(view, &OBJECT_PERSON, name, tenant);
    return account ? account : find_of(view, &OBJECT_ACCESS_GROUP, name, tenant);
}
