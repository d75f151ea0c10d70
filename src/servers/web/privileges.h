/* SPDX-License-Identifier: Apache-2.0 */
/* privileges.h - what Roles let a person do at a user interface: the second layer of framework 12.2
 * (docs/decisions/0051-role-privileges.md). A privilege is written "MODULE: VERB", as in "Outbound:
 * edit"; a Role lists those of an application type.
 * Promise  what no row names is closed where Roles count; who may everything is held up by none.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_WEB_PRIVILEGES_H
#define SERVERS_WEB_PRIVILEGES_H

#include "base/catalogue.h"
#include "format/json.h"
#include "model/account_access.h"

#define PRIVILEGES_OF  "WebAPIServer" /* the application type that we are */
#define PRIVILEGES_ALL UINT32_MAX

struct privileges_role {
    struct text tenant;
    const struct object_role *fields;
};
/* As configuration has them; what is disabled is not among them. */
struct privileges_source {
    const struct account_group *groups;
    size_t group_count;
    const struct privileges_role *roles;
    size_t role_count;
};
/* Bits; PRIVILEGES_ALL: no Role of her tenant names our application type, or she is one of
 * Environment's Super Administrators or SYSTEM. */
uint32_t privileges_of(const struct privileges_source *source, struct text tenant,
                       struct text employee_id);

/* Of a request of a person: the privilege that she has not; NULL: she may, as far as Roles go. */
const char *privilege_missing(uint32_t privileges, const struct msg *msg);
bool privileges_show_events(uint32_t privileges); /* of outbound, to administrators */
/* A list of their names. */
void privileges_put(struct json_writer *json, uint32_t privileges);

#endif
