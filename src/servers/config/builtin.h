/* SPDX-License-Identifier: Apache-2.0 */
/* builtin.h - what a new store begins with: the tenant Environment, templates of our application
 * types, the usual time zones (framework 2.2, F1).
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_BUILTIN_H
#define SERVERS_CONFIG_BUILTIN_H

#include "servers/config/change_set.h"

void builtin_add(struct change_set *set, struct problems *problems);

#endif
