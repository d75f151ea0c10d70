/* SPDX-License-Identifier: Apache-2.0 */
/* object.h - one configuration object: checked against its shape, in canonical form, found by its
 * natural key (framework 2.1, 2.2).
 * Canonical  the shape's order, without defaults, empty lists and texts, dbid and tenant (which
 *            stand beside it); the options of a section keep the order in which they were written.
 * Key        the parts of the natural key joined by '/', the tenant not among them. Where there is
 *            more than one part, '/' and '%' inside a part are written %2F and %25. References are
 *            such keys.
 * Pure       no clock, no I/O. */
#ifndef SERVERS_CONFIG_OBJECT_H
#define SERVERS_CONFIG_OBJECT_H

#include "servers/config/body.h"
#include "servers/config/problem.h"

#define OBJECT_TENANT_DEFAULT TEXT("Environment") /* DBID 1 */

enum { OBJECT_BYTES_MAX = 64 * 1024 * 1024, OBJECT_KEY_BYTES_MAX = 1024 };

struct object {
    struct scope *life; /* everything of it; whoever holds the object closes it */
    const struct object_type *type;
    uint32_t dbid; /* 0: not given yet */
    uint64_t rev, created_utc_ms, changed_utc_ms;
    struct text tenant; /* empty for global types */
    struct text key, identity;
    struct kv body;
};

/* What an object is found by: type, tenant, key. `tenant` counts only for types that have one. */
struct text object_identity(struct scope *scope, const struct object_type *type, struct text tenant,
                            struct text key);
/* "applications[ixn]", for words to people; with its tenant where that is not the default one. */
struct text object_label(struct scope *scope, const struct object_type *type, struct text tenant,
                         struct text key);
/* From the properties; an empty text when a part is missing. */
struct text object_key(struct scope *scope, const struct object_type *type, const struct kv *body);

/* A new object from what somebody wrote; `dbid` and `tenant` inside `raw` are passed over. NULL
 * when something is wrong, which is then among the problems. The object's scope is a child of
 * `owner`. */
struct object *object_new(struct scope *owner, const struct object_type *type, struct text tenant,
                          const struct kv *raw, struct problems *problems);
/* From the store: was checked when it was written. */
enum err object_load(struct scope *owner, const struct object_type *type, struct text tenant,
                     struct text key, struct text json, struct object **out, struct fault *fault);
/* A copy with a body of its own, to be changed and then object_rekey()ed. */
struct object *object_copy(struct scope *owner, const struct object *object);
void object_rekey(struct object *object);

/* What others see: with dbid, tenant and every default in its place; secrets by `secret_of` (NULL:
 * as they stand). */
struct text object_full_json(struct scope *scope, const struct object *object,
                             struct text (*secret_of)(void *self, struct text name), void *self);
/* What the store keeps. */
struct text object_stored_json(struct scope *scope, const struct object *object);

/* The raw properties in canonical form; they fit the shape. */
struct kv object_canonical(struct scope *scope, const struct shape *shape, const struct kv *raw);

#endif
