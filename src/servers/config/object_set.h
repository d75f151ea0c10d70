/* SPDX-License-Identifier: Apache-2.0 */
/* object_set.h - all objects of the store, in memory: by natural key and by DBID.
 * Owner    the set holds the objects and closes what it lets go.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_OBJECT_SET_H
#define SERVERS_CONFIG_OBJECT_SET_H

#include "servers/config/object.h"

struct object_set;

struct object_set *object_set_new(struct scope *owner);
struct scope *object_set_scope(struct object_set *set); /* objects to be put are children of it */
size_t object_set_count(const struct object_set *set);

const struct object *object_set_find(const struct object_set *set, const struct object_type *type,
                                     struct text tenant, struct text key);
const struct object *object_set_find_dbid(const struct object_set *set,
                                          const struct object_type *type, uint32_t dbid);
/* The Person with this userName, which is unique over all tenants. */
const struct object *object_set_find_user(const struct object_set *set, struct text user_name);
/* The objects of one type by DBID; good until the set is changed. */
const struct object *const *object_set_of(const struct object_set *set,
                                          const struct object_type *type, size_t *count);

/* Takes the place of the object with the same DBID, if there is one. */
void object_set_put(struct object_set *set, struct object *object);
void object_set_delete(struct object_set *set, const struct object_type *type, uint32_t dbid);

/* A DBID is given once and never again, but to the object that had it: a deleted one keeps its
 * claim under its identity. */
void object_set_retire(struct object_set *set, const struct object_type *type, uint32_t dbid,
                       struct text identity);
/* The identity that a deleted object had; empty: this DBID is not retired. */
struct text object_set_retired(const struct object_set *set, const struct object_type *type,
                               uint32_t dbid);
/* The highest DBID ever given. */
uint32_t object_set_last_dbid(const struct object_set *set, const struct object_type *type);

#endif
