/* SPDX-License-Identifier: Apache-2.0 */
/* account_access.h - who is an administrator (framework 12.2): a member of an access group of type
 * Administrators or SuperAdministrators, also of a group that such a group has as a member. Groups
 * of one tenant know each other and persons of that tenant only.
 * Pure     no clock, no I/O. */
#ifndef MODEL_ACCOUNT_ACCESS_H
#define MODEL_ACCOUNT_ACCESS_H

#include "base/scope.h"
#include "gen/objects.h"

struct account_group {
    struct text tenant;
    const struct object_access_group *fields;
};

/* Each administrator, some of them more than once. */
void account_each_administrator(const struct account_group *groups, size_t count,
                                void (*each)(void *self, struct text tenant,
                                             struct text employee_id),
                                void *self);

#endif
