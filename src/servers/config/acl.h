/* SPDX-License-Identifier: Apache-2.0 */
/* acl.h - who may do what to which object: entries, and what follows from them (framework 12.2,
 * docs/decisions/0043).
 * Entry    a mask for one account on one object. It counts for the object; one that propagates, of
 *          a container, counts for all that is inside and has no entry of that account on the way.
 * Account  a Person or an AccessGroup, by DBID: a rename moves nothing.
 * Rule     no entry, no right. What somebody may is the union over all accounts that she acts as.
 * Memory   objects without entries of their own cost nothing here.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_ACL_H
#define SERVERS_CONFIG_ACL_H

#include "servers/config/change_set.h"
#include "servers/config/permission.h"

enum { ACL_ENTRIES_MAX = 10000, ACL_DEPTH_MAX = 64 };

struct acl_account {
    bool is_group;
    uint32_t dbid;
};
bool acl_account_eq(struct acl_account a, struct acl_account b);

struct acl_entry {
    struct acl_account account;
    uint8_t mask;
    bool propagates;
    uint64_t rev; /* that wrote it */
};
struct acl_list {
    const struct acl_entry *at; /* by account: groups behind persons, each by DBID */
    uint32_t count;
};

/* The account's own; NULL: there is none. */
const struct acl_entry *acl_entry_of(struct acl_list list, struct acl_account account);

struct acl;

struct acl *acl_new(struct scope *owner);
/* The object's own entries; a view, good until they are replaced. */
struct acl_list acl_of(const struct acl *acl, const struct object_type *type, uint32_t dbid);
/* Replaces all entries of an object; they are copied and put in order. None: it has none. */
void acl_put(struct acl *acl, const struct object_type *type, uint32_t dbid, struct acl_list list);
/* Every object that has entries: `for (size_t at = 0; acl_next(acl, &at, &holder);)`, in no order;
 * nothing may be replaced meanwhile. */
struct acl_holder {
    const struct object_type *type;
    uint32_t dbid;
    struct acl_list list;
};
bool acl_next(const struct acl *acl, size_t *at, struct acl_holder *out);
size_t acl_count(const struct acl *acl); /* objects that have entries */

/* Objects as they are (`draft` NULL), or as a change set would have them. */
struct object_view {
    const struct object_set *objects;
    const struct change_set *draft;
};
const struct object *view_find(const struct object_view *view, const struct object_type *type,
                               struct text tenant, struct text key);
/* `for (size_t at = 0; (object = view_next(view, type, &at));)` */
const struct object *view_next(const struct object_view *view, const struct object_type *type,
                               size_t *at);

/* Its folder; of what belongs to another object (a value to its Enumerator, a DN to its Switch)
 * that object; else its tenant, of a global type Environment; of a tenant the one above it. NULL:
 * it is Environment itself. */
const struct object *acl_container(const struct object_view *view, const struct object *object);
/* Words that name the container without a look-up: objects with the same words stand in the same
 * one. Empty: it has to be looked up. A view of `out`. */
enum { ACL_PLACE_BYTES = 2048 };
struct text acl_place(const struct object *object, char out[ACL_PLACE_BYTES]);
/* Whether `object` is somewhere inside `container`. */
bool acl_is_inside(const struct object_view *view, const struct object *object,
                   const struct object *container);

/* The place of an object: itself, then its containers, the nearest first. */
struct acl_chain {
    const struct object *at[ACL_DEPTH_MAX];
    uint32_t count;
};
void acl_chain_of(const struct object_view *view, const struct object *object,
                  struct acl_chain *out);

/* The entry of `account` that counts for chain->at[from], looked for from there upwards, and where
 * it stands. NULL: none. `from` 1 asks what is inherited. */
const struct acl_entry *acl_find(const struct acl *acl, const struct acl_chain *chain,
                                 uint32_t from, struct acl_account account,
                                 const struct object **where);

/* What the accounts together may do to chain->at[0]. */
uint8_t acl_evaluate(const struct acl *acl, const struct acl_chain *chain,
                     const struct acl_account *accounts, uint32_t count);

#endif
