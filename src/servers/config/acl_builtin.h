/* SPDX-License-Identifier: Apache-2.0 */
/* acl_builtin.h - what a store begins with, and a tenant (docs/decisions/0043): groups of the
 * built-in types, and their entries on the tenant.
 * Super Administrators, SYSTEM  all, Full Control
 * Administrators                RCHXDE: all but to change permissions
 * Users                         R; in Environment not of the other tenants
 * EVERYONE                      nothing of itself
 * They are plain entries: ChangeAcl replaces them as any other.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_ACL_BUILTIN_H
#define SERVERS_CONFIG_ACL_BUILTIN_H

#include "servers/config/acl_change.h"

/* Environment's groups that are not there yet; a name that another group has stays its own. */
void acl_builtin_groups(struct change_set *set, struct problems *problems);

/* What an AccessGroup of a built-in type gets on its tenant; the tenant, or NULL: nothing. */
const struct object *acl_builtin_entry(const struct object_view *view, const struct object *group,
                                       struct acl_entry *out);

/* After change_set_finish(): entries for the groups and tenants that it makes; `is_all`: for those
 * that are there as well. */
void acl_builtin_follow(const struct change_set *set, bool is_all, struct acl_changes *changes);

#endif
