/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/permit.h"

#include "gen/objects.h"
#include "servers/config/acl_builtin.h"
#include "servers/config/builtin.h"
#include "servers/config/draft.h"
#include "servers/config/rules.h"

struct permit {
    const struct change_set *set;
    struct object_view draft;
    struct access_rights *rights;
    struct problems *problems;
    struct scope *scratch;
    const struct staged *staged; /* at hand */
};

/* --- what is seen --------------------------------------------------------------------------- */

struct guard {
    const struct change_set *set;
    struct access_rights *rights;
};

static bool may_read(void *self, const struct object *object)
{
    const struct guard *guard = self;
    return access_may(guard->rights, object, MAY_READ);
}

static bool may_create_in(struct access_rights *rights, const struct change_set *set,
                          const struct object *object)
{
    struct object_view view = { rights->view.objects, set };
    if (rights->kind == ACCESS_TO_EVERYTHING) return true;
    const struct object *container = acl_container(&view, object);
    return container && (access_mask_of_draft(rights, set, container) & MAY_CREATE);
}

static bool may_create(void *self, const struct object *object)
{
    const struct guard *guard = self;
    return may_create_in(guard->rights, guard->set, object);
}

void permit_guard(struct change_set *set, struct access_rights *rights)
{
    if (rights->kind == ACCESS_TO_EVERYTHING) return;
    struct guard *guard = scope_alloc(set->life, sizeof *guard);
    *guard = (struct guard){ set, rights };
    struct change_guard hooks = { may_read, may_create, guard };
    change_set_guard(set, &hooks);
}

/* --- refusing ------------------------------------------------------------------------------- */

static void refuse(const struct permit *permit, const struct object *object, const char *words)
{
    struct text label = draft_label(permit->set, permit->problems->scope, object);
    problem_add(permit->problems, PROBLEM_NO_PERMISSION, object->type, TEXT(""), "%.*s: %s",
                TEXT_ARG(label), words);
}

static void need(const struct permit *permit, const struct object *object, enum permission bit)
{
    if (access_may(permit->rights, object, bit)) return;
    refuse(permit, object,
           scope_format(permit->scratch, "you may not %s", permission_deed(bit)).at);
}

/* --- what moves ----------------------------------------------------------------------------- */

static bool is_same(const struct object *a, const struct object *b)
{
    return a == b || (a && b && a->type == b->type && a->dbid && a->dbid == b->dbid);
}

static bool is_moved(const struct permit *permit)
{
    const struct staged *staged = permit->staged;
    return !is_same(acl_container(&permit->rights->view, staged->before),
                    acl_container(&permit->draft, staged->after));
}

static void check_update(const struct permit *permit)
{
    const struct staged *staged = permit->staged;
    if (body_equal(&staged->before->body, &staged->after->body)) return;
    if (staged->follows && !staged->is_unlinked) return;
    need(permit, staged->before, MAY_CHANGE);
    if (!is_moved(permit)) return;
    need(permit, staged->before, MAY_DELETE);
    if (!may_create_in(permit->rights, permit->set, staged->after))
        refuse(permit, staged->before, "you may not move it there");
}

static void check_one(const struct permit *permit)
{
    const struct staged *staged = permit->staged;
    if (staged->before && staged->after)
        check_update(permit);
    else if (staged->before)
        need(permit, staged->before, MAY_DELETE);
    else if (staged->after && !may_create_in(permit->rights, permit->set, staged->after))
        refuse(permit, staged->after, "you may not create it here");
}

/* --- giving --------------------------------------------------------------------------------- */

static bool covers(const struct permit *permit, const struct acl_holder *holder,
                   const struct membership *given)
{
    const struct object *object = NULL;
    for (uint32_t i = 0; i < holder->list.count; i++) {
        const struct acl_entry *entry = &holder->list.at[i];
        for (uint32_t k = 0; k < given->count; k++) {
            if (!acl_account_eq(entry->account, given->accounts[k])) continue;
            if (object == NULL)
                object =
                    object_set_find_dbid(permit->rights->view.objects, holder->type, holder->dbid);
            if (object && !access_may(permit->rights, object, entry->mask)) return false;
        }
    }
    return true;
}

/* What the account, as it would be, may by entries of its own and of its groups: the asker has to
 * have it all. */
static bool may_give(const struct permit *permit, const struct object *account)
{
    struct membership given;
    struct acl_holder holder;
    if (permit->rights->kind == ACCESS_TO_EVERYTHING) return true;
    membership_of(permit->scratch, &permit->draft, account, &given);
    if (given.is_super) return false;
    for (size_t at = 0; acl_next(permit->rights->acl, &at, &holder);)
        if (!covers(permit, &holder, &given)) return false;
    struct acl_entry builtin;
    const struct object *tenant = acl_builtin_entry(&permit->draft, account, &builtin);
    return tenant == NULL || (access_mask_of_draft(permit->rights, permit->set, tenant) &
                              builtin.mask) == builtin.mask;
}

bool permit_to_act_as(struct access_rights *rights, const struct object *account)
{
    struct permit permit = { .draft = rights->view,
                             .rights = rights,
                             .scratch = scope_new(NULL, "permit", SCOPE_NO_LIMIT) };
    bool may = may_give(&permit, account);
    scope_close(permit.scratch);
    return may;
}

static bool has_all(const struct value *some, const struct value *all)
{
    struct scope *scratch = scope_new(NULL, "members", SCOPE_NO_LIMIT);
    struct table *known = table_new(scratch);
    bool is_whole = true;
    for (uint32_t i = 0; all && i < all->items.count; i++)
        table_put(known, all->items.at[i].text, scratch);
    for (uint32_t i = 0; some && i < some->items.count && is_whole; i++)
        is_whole = table_get(known, some->items.at[i].text) != NULL;
    scope_close(scratch);
    return is_whole;
}

static bool has_new_members(const struct object *before, const struct object *after,
                            const char *property)
{
    return !has_all(body_find(&after->body, text_of(property)),
                    before ? body_find(&before->body, text_of(property)) : NULL);
}

/* Whoever leaves her last group is one of Users again. */
static bool sets_free(const struct object *before, const struct object *after)
{
    if (before == NULL || body_find(&before->body, TEXT("persons")) == NULL) return false;
    return after == NULL || !membership_is_enabled(after) ||
           has_new_members(after, before, "persons");
}

static void check_users_of(const struct permit *permit, struct text tenant)
{
    const struct object *group;
    for (size_t at = 0; (group = view_next(&permit->draft, &OBJECT_ACCESS_GROUP, &at));)
        if (text_eq(group->tenant, tenant) &&
            text_eq(membership_group_type(group), TEXT(GROUP_USERS)) && !may_give(permit, group))
            refuse(permit, permit->staged->before,
                   "who leaves it is one of Users, and you may not give what they may");
}

static void check_group(const struct permit *permit)
{
    const struct object *before = permit->staged->before, *after = permit->staged->after;
    if (sets_free(before, after)) check_users_of(permit, before->tenant);
    if (after == NULL) return;
    bool is_other = before == NULL || has_new_members(before, after, "persons") ||
                    has_new_members(before, after, "groups") ||
                    !text_eq(membership_group_type(before), membership_group_type(after)) ||
                    (!membership_is_enabled(before) && membership_is_enabled(after));
    /* A person renamed in it is no new member. */
    if (!is_other || permit->staged->follows || may_give(permit, after)) return;
    refuse(permit, after, "its members may what you may not: you cannot give that");
}

/* Who logs in as somebody that may everything is a matter of those that may everything. */
static void check_person(const struct permit *permit)
{
    static const char *const identity[] = { "userName", "externalAuth", "state" };
    const struct object *before = permit->staged->before, *after = permit->staged->after;
    struct membership membership;
    bool is_other = before && after == NULL;
    for (size_t i = 0; before && after && i < sizeof identity / sizeof identity[0]; i++)
        is_other |=
            !text_eq(body_text(&before->body, identity[i]), body_text(&after->body, identity[i]));
    if (!is_other || permit->rights->kind == ACCESS_TO_EVERYTHING) return;
    struct object enabled = *before;
    enabled.body = body_copy(permit->scratch, &before->body);
    (void)body_remove(&enabled.body, TEXT("state"));
    membership_of(permit->scratch, &permit->rights->view, &enabled, &membership);
    if (membership.is_super)
        refuse(permit, before, "only Super Administrators may do that to one of them");
}

static struct text log_on_as(const struct object *application)
{
    struct text account = body_text(&application->body, "logOnAs");
    return account.len ? account : TEXT(LOG_ON_AS_SYSTEM);
}

static bool is_system_server(const struct object *application)
{
    return application && rules_server_role(application) &&
           text_eq(log_on_as(application), TEXT(LOG_ON_AS_SYSTEM));
}

/* Its key goes with its name: a rename makes another out of it. */
static void check_application(const struct permit *permit)
{
    const struct object *before = permit->staged->before, *after = permit->staged->after;
    if (after == NULL || permit->rights->kind == ACCESS_TO_EVERYTHING) return;
    bool is_other = before == NULL || !text_eq(before->key, after->key) ||
                    !text_eq(log_on_as(before), log_on_as(after));
    bool is_system = text_eq(log_on_as(after), TEXT(LOG_ON_AS_SYSTEM));
    if (is_system_server(after) && (is_other || !is_system_server(before)))
        refuse(permit, after, "only Super Administrators make servers that log on as System");
    if (!is_other || is_system) return;
    const struct object *account =
        membership_find(&permit->draft, log_on_as(after), OBJECT_TENANT_DEFAULT);
    if (account == NULL || !may_give(permit, account))
        refuse(permit, after, "that account may what you may not: you cannot give that");
}

/* --- secrets -------------------------------------------------------------------------------- */

struct secret_search {
    struct text name;
    const struct object *before;
    bool is_found, is_new;
};

static void compare_secret(void *self, struct text name)
{
    struct secret_search *search = self;
    search->is_found |= text_eq(name, search->name);
}

static void look_for_secret(void *self, struct text name)
{
    struct secret_search *search = self;
    struct secret_search former = { .name = name };
    if (search->before) body_each_secret(&search->before->body, compare_secret, &former);
    search->is_new |= !former.is_found;
}

/* Who can name a secret in an object of her own can have its value sent anywhere. */
static void check_secrets(const struct permit *permit)
{
    const struct staged *staged = permit->staged;
    struct secret_search search = { .before = staged->before };
    if (staged->after == NULL || access_may_use_secrets(permit->rights)) return;
    body_each_secret(&staged->after->body, look_for_secret, &search);
    if (search.is_new)
        refuse(permit, staged->after, "only who may change Environment names secrets");
}

/* --- all ------------------------------------------------------------------------------------ */

static void check_given(const struct permit *permit)
{
    const struct staged *staged = permit->staged;
    const struct object *any = staged->after ? staged->after : staged->before;
    if (any == NULL) return;
    if (any->type == &OBJECT_ACCESS_GROUP) check_group(permit);
    if (any->type == &OBJECT_PERSON) check_person(permit);
    if (any->type == &OBJECT_APPLICATION) check_application(permit);
    check_secrets(permit);
}

static void check_last_super(const struct permit *permit)
{
    bool is_touched = false;
    for (size_t i = 0; i < change_set_count(permit->set); i++) {
        const struct object *before = change_set_at(permit->set, i)->before;
        is_touched |= before &&
                      (before->type == &OBJECT_ACCESS_GROUP || before->type == &OBJECT_PERSON);
    }
    if (!is_touched || membership_has_super(&permit->draft) ||
        !membership_has_super(&permit->rights->view))
        return;
    problem_add(permit->problems, PROBLEM_IN_USE, &OBJECT_ACCESS_GROUP, TEXT("persons"),
                "accessGroups[" BUILTIN_SUPER_ADMINISTRATORS
                "].persons: nobody would be left who may everything");
}

void permit_changes(const struct change_set *set, const struct secret_changes *secrets,
                    struct access_rights *rights, struct problems *problems)
{
    struct permit permit = { .set = set,
                             .draft = { rights->view.objects, set },
                             .rights = rights,
                             .problems = problems,
                             .scratch = scope_new(set->life, "permit", SCOPE_NO_LIMIT) };
    for (size_t i = 0; rights->kind != ACCESS_TO_EVERYTHING && i < set->count; i++) {
        permit.staged = set->at[i];
        check_one(&permit);
        check_given(&permit);
        scope_reset(permit.scratch);
    }
    if (rights->kind != ACCESS_TO_EVERYTHING && secrets && secret_changes_count(secrets) &&
        !access_may_use_secrets(rights))
        problem_add(problems, PROBLEM_NO_PERMISSION, NULL, TEXT("secrets"),
                    "secrets: only who may change Environment sets them");
    check_last_super(&permit);
    scope_close(permit.scratch);
}
