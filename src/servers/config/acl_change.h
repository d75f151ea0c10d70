/* SPDX-License-Identifier: Apache-2.0 */
/* acl_change.h - entries that a write would replace, beside the objects that it moves.
 * Life     set, again and again; then apply after it is durable, or let go with the scope.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_ACL_CHANGE_H
#define SERVERS_CONFIG_ACL_CHANGE_H

#include "servers/config/acl.h"

struct acl_change {
    const struct object_type *type;
    uint32_t dbid;
    struct text tenant, key; /* of the object, for the history */
    struct acl_list before, after;
};

struct acl_changes {
    struct scope *scope;
    const struct acl *acl;
    struct acl_change *at;
    uint32_t count, room;
};

/* What the object's own entries would be. */
struct acl_list acl_changes_of(const struct acl_changes *changes, const struct object *object);
/* All of them anew; copied. Entries of the same account twice: the last holds. */
void acl_changes_set(struct acl_changes *changes, const struct object *object,
                     struct acl_list entries);
/* One entry beside the others, or in the place of that account's. */
void acl_changes_put(struct acl_changes *changes, const struct object *object,
                     const struct acl_entry *entry);
/* Without that account's; false: there was none. */
bool acl_changes_remove(struct acl_changes *changes, const struct object *object,
                        struct acl_account account);
/* Leaves out what stays as it was, and stamps the rest. */
void acl_changes_finish(struct acl_changes *changes, uint64_t rev);
void acl_changes_apply(const struct acl_changes *changes, struct acl *acl);

/* One account whose entry differs; NULL: there was or will be none. */
struct acl_difference {
    struct acl_account account;
    const struct acl_entry *before, *after;
};
/* By account, in `scope`. */
struct acl_difference *acl_change_differences(struct scope *scope, const struct acl_change *change,
                                              uint32_t *count);

#endif
