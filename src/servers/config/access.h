/* SPDX-License-Identifier: Apache-2.0 */
/* access.h - what somebody may do, for the length of a request or a subscription (framework 12.2,
 * docs/decisions/0043).
 * Kinds    everything: tools, servers that log on as System, Super Administrators. Reading: what
 *          reads all and changes nothing. Accounts: what entries grant. Nothing: who is unknown or
 *          disabled.
 * Cost     objects without entries of their own share the answer of their container, which is kept:
 *          one look-up per object, whatever the depth.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_ACCESS_H
#define SERVERS_CONFIG_ACCESS_H

#include "base/table.h"
#include "servers/config/membership.h"

enum access_kind { ACCESS_NOTHING, ACCESS_TO_READ, ACCESS_BY_ACCOUNTS, ACCESS_TO_EVERYTHING };

struct access_rights {
    struct scope *scope;
    const struct acl *acl;
    struct object_view view; /* objects as they are */
    enum access_kind kind;
    struct membership membership; /* BY_ACCOUNTS */
    /* An application reads itself, its template, its host and whom it connects to, whatever its
     * account may; NULL: it is a person. */
    const struct object *application;
    struct table *places; /* what is inside of them, by acl_place() */
};

/* Everything lies in `scope`; good until objects or entries move. */
struct access_rights *access_new(struct scope *scope, const struct acl *acl,
                                 const struct object_set *objects, enum access_kind kind);
/* Whether a Person or an AccessGroup is enabled, and its tenant; Environment always is. */
bool access_is_alive(const struct object_set *objects, const struct object *account);
/* By the accounts of a Person or an AccessGroup; NULL or one that is not alive: nothing. Members of
 * Environment's SuperAdministrators and SYSTEM may everything. */
struct access_rights *access_of_account(struct scope *scope, const struct acl *acl,
                                        const struct object_set *objects,
                                        const struct object *account);

uint8_t access_mask(struct access_rights *rights, const struct object *object);
bool access_may(struct access_rights *rights, const struct object *object, unsigned bits);
/* The same of an object as a change set would have it, by the entries and memberships that are. */
uint8_t access_mask_of_draft(struct access_rights *rights, const struct change_set *draft,
                             const struct object *object);
/* Of what is no more, by what was written of it: its entries are kept. */
struct access_gone {
    const struct object_type *type;
    uint32_t dbid;
    struct text tenant, folder; /* folder empty: none, or not known */
};
bool access_may_read_gone(struct access_rights *rights, const struct access_gone *gone);
/* Whether secrets may be set and newly named: who may change Environment. */
bool access_may_use_secrets(struct access_rights *rights);

#endif
