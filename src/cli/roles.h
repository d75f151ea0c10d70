/* SPDX-License-Identifier: Apache-2.0 */
/* roles.h - which servers this binary can be; main.c has the list. */
#ifndef CLI_ROLES_H
#define CLI_ROLES_H

#include "app/app.h"
#include "cli/command.h"
#include "servers/supervisor/server.h"

extern const struct app_type *const APP_TYPES[]; /* NULL-ended */
extern const struct supervisor_role ROLES[];
extern const size_t ROLE_COUNT;

#endif
