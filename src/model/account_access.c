/* SPDX-License-Identifier: Apache-2.0 */
#include "model/account_access.h"

struct walk {
    const struct account_group *groups;
    size_t count;
    bool *is_seen;
    size_t *waiting;
    size_t waiting_count;
};

static void add(struct walk *walk, size_t index)
{
    if (walk->is_seen[index]) return;
    walk->is_seen[index] = true;
    walk->waiting[walk->waiting_count++] = index;
}

static bool is_administrators(const struct object_access_group *group)
{
    return text_eq(group->type, TEXT("Administrators")) ||
           text_eq(group->type, TEXT("SuperAdministrators"));
}

static void add_member(struct walk *walk, struct text tenant, struct text name)
{
    for (size_t i = 0; i < walk->count; i++)
        if (text_eq(walk->groups[i].tenant, tenant) && text_eq(walk->groups[i].fields->name, name))
            add(walk, i);
}

void account_each_administrator(const struct account_group *groups, size_t count,
                                void (*each)(void *self, struct text tenant,
                                             struct text employee_id),
                                void *self)
{
    struct scope *scratch = scope_new(NULL, "access groups", SCOPE_NO_LIMIT);
    struct walk walk = { .groups = groups,
                         .count = count,
                         .is_seen = scope_alloc_array(scratch, count, sizeof *walk.is_seen),
                         .waiting = scope_alloc_array(scratch, count, sizeof *walk.waiting) };
    for (size_t i = 0; i < count; i++)
        if (is_administrators(groups[i].fields)) add(&walk, i);
    for (size_t at = 0; at < walk.waiting_count; at++) {
        const struct account_group *group = &groups[walk.waiting[at]];
        for (uint32_t i = 0; i < group->fields->persons.count; i++)
            each(self, group->tenant, group->fields->persons.at[i]);
        for (uint32_t i = 0; i < group->fields->groups.count; i++)
            add_member(&walk, group->tenant, group->fields->groups.at[i]);
    }
    scope_close(scratch);
}
