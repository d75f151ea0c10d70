/* SPDX-License-Identifier: Apache-2.0 */
/* permit.h - whether somebody may do what a change set would do (framework 12.2,
 * docs/decisions/0043).
 * Create   C on the container. Change H, delete D, on the object. Move: H and D on the object, C on
 *          the container it comes to. A name that follows a rename asks for nothing; a reference
 *          that is taken out is a change.
 * Giving   who adds a member to a group, or lets an application log on as an account, has to have
 *          all that this gives away. Only who may everything lets somebody or something else do so.
 * Last     Environment's Super Administrators keep one enabled person, whoever asks.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_PERMIT_H
#define SERVERS_CONFIG_PERMIT_H

#include "servers/config/access.h"
#include "servers/config/secrets.h"

/* What the asker may not see is not there, from now on. `rights` live as long as the set. */
void permit_guard(struct change_set *set, struct access_rights *rights);

/* After the steps, whether they are finished or not: each thing that the asker may not do is a
 * problem. */
void permit_changes(const struct change_set *set, const struct secret_changes *secrets,
                    struct access_rights *rights, struct problems *problems);

/* Whether the asker may all that `account` (a Person or an AccessGroup) may by entries of its own
 * and of its groups. */
bool permit_to_act_as(struct access_rights *rights, const struct object *account);

#endif
