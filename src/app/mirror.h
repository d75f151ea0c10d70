/* SPDX-License-Identifier: Apache-2.0 */
/* mirror.h - the configuration objects that this application wants, decoded (framework 3.4).
 * Promise  disabled objects are absent. An object that a change replaces or removes stays readable
 *          until mirror_settle(), so that pointers are good through `changed`.
 * Pure     no clock, no I/O. */
#ifndef APP_MIRROR_H
#define APP_MIRROR_H

#include "app/app.h"

struct mirror;

struct mirror *mirror_new(struct scope *owner);

enum mirror_deed { MIRROR_SAME, MIRROR_ADDED, MIRROR_CHANGED, MIRROR_DELETED };

struct mirror_entry {
    const struct object_type *type;
    uint32_t dbid;
    uint64_t rev;
    struct text tenant, key, body; /* body: JSON. key empty: made from the body */
};
/* A body that is no such object makes it absent: the fault says why, `deed` what that did. One
 * whose rev is older than what is there is passed over. */
enum err mirror_put(struct mirror *mirror, const struct mirror_entry *entry, enum mirror_deed *deed,
                    struct fault *fault);
enum mirror_deed mirror_delete(struct mirror *mirror, const struct object_type *type,
                               uint32_t dbid);
void mirror_settle(struct mirror *mirror);
/* What comes next is of another store: whatever revision it has, it is newer than what is there. */
void mirror_forget_revs(struct mirror *mirror);

/* A whole snapshot: begin, put all, end, which deletes (and counts) what was not put. */
void mirror_begin_snapshot(struct mirror *mirror);
uint32_t mirror_end_snapshot(struct mirror *mirror);

const struct app_object *mirror_find(const struct mirror *mirror, const struct object_type *type,
                                     struct text key);
const struct app_object *mirror_find_dbid(const struct mirror *mirror,
                                          const struct object_type *type, uint32_t dbid);
const struct app_object *mirror_next(const struct mirror *mirror, const struct object_type *type,
                                     size_t *at);
/* For the cache: every object, by type and dbid. */
void mirror_each(const struct mirror *mirror,
                 void (*each)(void *self, const struct mirror_entry *entry), void *self);
size_t mirror_count(const struct mirror *mirror);

#endif
