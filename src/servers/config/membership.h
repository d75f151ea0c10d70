/* SPDX-License-Identifier: Apache-2.0 */
/* membership.h - all accounts that a person or a group acts as (framework 12.2,
 * docs/decisions/0043).
 * Groups   a member of a group is a member of the groups that this one is a member of. Groups of
 * one tenant know each other and persons of that tenant only. Users    who is in no group by name
 * is in her tenant's groups of type Users. EVERYONE everybody is in the groups of type EVERYONE, of
 * the own tenant and of Environment. State    a disabled group gives nothing; a disabled person is
 * nobody. Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_MEMBERSHIP_H
#define SERVERS_CONFIG_MEMBERSHIP_H

#include "servers/config/acl.h"

#define GROUP_USERS                "Users"
#define GROUP_ADMINISTRATORS       "Administrators"
#define GROUP_SUPER_ADMINISTRATORS "SuperAdministrators"
#define GROUP_SYSTEM               "SYSTEM"
#define GROUP_EVERYONE             "EVERYONE"

struct membership {
    struct acl_account *accounts; /* the person or group itself first */
    uint32_t count;
    bool is_super; /* of Environment's SuperAdministrators or SYSTEM: may everything */
};

/* `account` a Person or an AccessGroup; everything lies in `scope`. */
void membership_of(struct scope *scope, const struct object_view *view,
                   const struct object *account, struct membership *out);

bool membership_is_enabled(const struct object *object);
/* "Default" where it says nothing. */
struct text membership_group_type(const struct object *group);
/* Of Environment and of the types whose members may everything. */
bool membership_is_of_super(const struct object *group);

/* Whether an enabled person is a member of Environment's SuperAdministrators. */
bool membership_has_super(const struct object_view *view);

/* An account in words: "person:ID", "group:NAME", of another tenant than `tenant` with "TENANT/"
 * before the name. */
struct text membership_name(struct scope *scope, const struct object *account, struct text tenant);
/* The way back. A name without kind is looked for among persons, then among groups. NULL: none. */
const struct object *membership_find(const struct object_view *view, struct text name,
                                     struct text tenant);

#endif
