/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/config/acl_change.h"

#include <string.h>

static struct acl_change *find(const struct acl_changes *changes, const struct object *object)
{
    for (uint32_t i = 0; i < changes->count; i++)
        if (changes->at[i].type == object->type && changes->at[i].dbid == object->dbid)
            return &changes->at[i];
    return NULL;
}

struct acl_list acl_changes_of(const struct acl_changes *changes, const struct object *object)
{
    const struct acl_change *change = find(changes, object);
    return change ? change->after : acl_of(changes->acl, object->type, object->dbid);
}

static struct acl_change *get(struct acl_changes *changes, const struct object *object)
{
    struct acl_change *change = find(changes, object);
    if (change) return change;
    if (changes->count == changes->room) {
        changes->room = changes->room ? changes->room * 2 : 8;
        struct acl_change *grown = scope_alloc_array(changes->scope, changes->room, sizeof *grown);
        if (changes->count) memcpy(grown, changes->at, changes->count * sizeof *grown);
        changes->at = grown;
    }
    struct acl_list before = acl_of(changes->acl, object->type, object->dbid);
    change = &changes->at[changes->count++];
    *change = (struct acl_change){
        .type = object->type,
        .dbid = object->dbid,
        .tenant = scope_keep(changes->scope, object->tenant),
        .key = scope_keep(changes->scope, object->key),
        .before = before,
        .after = before,
    };
    return change;
}

void acl_changes_set(struct acl_changes *changes, const struct object *object,
                     struct acl_list entries)
{
    struct acl_change *change = get(changes, object);
    struct acl_entry *kept = scope_alloc_array(changes->scope, entries.count, sizeof *kept);
    uint32_t count = 0;
    for (uint32_t i = 0; i < entries.count; i++) {
        struct acl_list so_far = { kept, count };
        const struct acl_entry *there = acl_entry_of(so_far, entries.at[i].account);
        kept[there ? (uint32_t)(there - kept) : count++] = entries.at[i];
    }
    change->after = (struct acl_list){ kept, count };
}

void acl_changes_put(struct acl_changes *changes, const struct object *object,
                     const struct acl_entry *entry)
{
    struct acl_list before = acl_changes_of(changes, object);
    struct acl_entry *all = scope_alloc_array(changes->scope, before.count + 1u, sizeof *all);
    if (before.count) memcpy(all, before.at, before.count * sizeof *all);
    all[before.count] = *entry;
    acl_changes_set(changes, object, (struct acl_list){ all, before.count + 1 });
}

bool acl_changes_remove(struct acl_changes *changes, const struct object *object,
                        struct acl_account account)
{
    struct acl_list before = acl_changes_of(changes, object);
    if (acl_entry_of(before, account) == NULL) return false;
    struct acl_entry *kept = scope_alloc_array(changes->scope, before.count, sizeof *kept);
    uint32_t count = 0;
    for (uint32_t i = 0; i < before.count; i++)
        if (!acl_account_eq(before.at[i].account, account)) kept[count++] = before.at[i];
    acl_changes_set(changes, object, (struct acl_list){ kept, count });
    return true;
}

static bool is_same(const struct acl_entry *a, const struct acl_entry *b)
{
    if (a == NULL || b == NULL) return a == b;
    return a->mask == b->mask && a->propagates == b->propagates;
}

struct acl_difference *acl_change_differences(struct scope *scope, const struct acl_change *change,
                                              uint32_t *count)
{
    uint32_t room = change->before.count + change->after.count;
    struct acl_difference *out = scope_alloc_array(scope, room, sizeof *out);
    *count = 0;
    for (uint32_t i = 0; i < change->before.count; i++) {
        const struct acl_entry *before = &change->before.at[i];
        const struct acl_entry *after = acl_entry_of(change->after, before->account);
        if (!is_same(before, after))
            out[(*count)++] = (struct acl_difference){ before->account, before, after };
    }
    for (uint32_t i = 0; i < change->after.count; i++) {
        const struct acl_entry *after = &change->after.at[i];
        if (acl_entry_of(change->before, after->account) == NULL)
            out[(*count)++] = (struct acl_difference){ after->account, NULL, after };
    }
    return out;
}

void acl_changes_finish(struct acl_changes *changes, uint64_t rev)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < changes->count; i++) {
        struct acl_change *change = &changes->at[i];
        struct acl_entry *stamped =
            scope_alloc_array(changes->scope, change->after.count, sizeof *stamped);
        uint32_t differences;
        (void)acl_change_differences(changes->scope, change, &differences);
        if (differences == 0) continue;
        for (uint32_t k = 0; k < change->after.count; k++) {
            stamped[k] = change->after.at[k];
            stamped[k].rev = rev;
        }
        change->after.at = stamped;
        changes->at[kept++] = *change;
    }
    changes->count = kept;
}

void acl_changes_apply(const struct acl_changes *changes, struct acl *acl)
{
    for (uint32_t i = 0; i < changes->count; i++)
        acl_put(acl, changes->at[i].type, changes->at[i].dbid, changes->at[i].after);
}
