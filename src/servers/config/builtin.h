/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.h - what a new store begins with: the tenant Environment, templates of our application
 * types, the usual time zones and capacity rules (framework 2.2, F1; interaction 9), the
 * predefined alarm conditions (framework 9), and who administers it (framework 12.1).
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_BUILTIN_H
#define SERVERS_CONFIG_BUILTIN_H

#include "servers/config/change_set.h"

#define BUILTIN_ACCOUNT              "default" /* employee id and user name */
#define BUILTIN_ADMINISTRATORS       "Administrators"
#define BUILTIN_USERS                "Users"
#define BUILTIN_SYSTEM               "SYSTEM"
#define BUILTIN_EVERYONE             "EVERYONE"
#define BUILTIN_SUPER_ADMINISTRATORS "Super Administrators"

void builtin_add(struct change_set *set, struct problems *problems);
/* The account default and its groups alone, as far as they are not there: also for a store of a
 * former release. */
void builtin_add_accounts(struct change_set *set, struct problems *problems);
/* A file that does not name it does not remove it (plan.h, sync). */
bool builtin_is_kept(const struct object *object);

#endif
