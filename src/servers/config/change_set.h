/* SPDX-License-Identifier: Apache-2.0 */
/* change_set.h - many operations that become one revision, or nothing (framework 3.1).
 * Life     new, steps, finish; then either apply, after it is durable, or drop.
 * Promise  nothing in the set of objects moves before apply. After a finish without problems every
 *          reference names an object, every key and DBID is unique, every option fits its rule.
 * Rename   an update may change a natural key: what names the object is rewritten with it.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_CHANGE_SET_H
#define SERVERS_CONFIG_CHANGE_SET_H

#include "servers/config/object_set.h"

enum change_op { CHANGE_CREATE, CHANGE_UPDATE, CHANGE_DELETE };

/* What becomes of references to a deleted object. */
enum change_cascade {
    CASCADE_NONE,   /* refused: CFGInUse */
    CASCADE_UNLINK, /* taken out; refused where an object cannot be without it */
    CASCADE_DELETE, /* taken out; what cannot be without it goes as well */
};

struct change_step {
    enum change_op op;
    const struct object_type *type;
    struct text tenant; /* empty: Environment */
    struct text key;    /* update, delete: natural key or DBID */
    const struct kv *value;
    bool is_whole; /* update: `value` is all there is, not what to merge */
    bool has_rev;  /* refused when the object has another revision than `rev` */
    uint64_t rev;
    enum change_cascade cascade;
    bool follows; /* from another step: what its asker may not see moves as well */
};

struct staged {
    const struct object *before; /* NULL: created */
    struct object *after;        /* NULL: deleted */
    enum change_cascade cascade;
    bool is_touched;  /* told to subscribers although its properties stay: a secret has moved */
    bool follows;     /* nobody asked for it: a name that it holds has changed */
    bool is_unlinked; /* a reference was taken out of it */
};

/* What an asker may see and make (permit.h). What she may not see is as good as not there, in
 * every answer. */
struct change_guard {
    bool (*may_read)(void *self, const struct object *object);   /* of those that are */
    bool (*may_create)(void *self, const struct object *object); /* where it would stand */
    void *self;
};

/* What only the shell knows. */
struct change_world {
    bool (*has_secret)(void *self, struct text name);
    void *self;
};

struct change_set;

struct change_set *change_set_new(struct scope *owner, struct object_set *objects);
const struct object_set *change_set_objects(const struct change_set *set);
void change_set_drop(struct change_set *set);
/* From now on; none: everything is seen. */
void change_set_guard(struct change_set *set, const struct change_guard *guard);

void change_set_step(struct change_set *set, const struct change_step *step,
                     struct problems *problems);
/* As it would be: what the steps so far have made of it; NULL also when the asker may not see it.
 */
const struct object *change_set_find(const struct change_set *set, const struct object_type *type,
                                     struct text tenant, struct text key);
/* Objects that use the secret are told to subscribers again. */
void change_set_touch_secret(struct change_set *set, struct text name);

void change_set_finish(struct change_set *set, const struct change_world *world,
                       struct problems *problems, struct warnings *warnings);

/* After finish: what moves, in the order in which it came up. */
size_t change_set_count(const struct change_set *set);
const struct staged *change_set_at(const struct change_set *set, size_t index);

/* The revision and times of what moves, before it is written down. */
void change_set_stamp(struct change_set *set, uint64_t rev, uint64_t now_utc_ms);
/* Makes it so, and drops the change set. */
void change_set_apply(struct change_set *set);

#endif
