/* SPDX-License-Identifier: Apache-2.0 */
/* undo.h - taking back what one revision changed (framework 3.6), as steps of a new change set.
 * Rule     property by property: what a later revision changed again is a conflict, what stands
 *          beside it stays. Deleted objects come back with their DBID, created ones go, unless
 *          somebody uses them by now: the change set checks references as for any change.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_UNDO_H
#define SERVERS_CONFIG_UNDO_H

#include "servers/config/change_set.h"

/* What the revision did to one object. */
struct undo_row {
    const struct object_type *type;
    uint32_t dbid;
    struct text tenant;
    const struct kv *before; /* NULL: the revision created it */
    const struct kv *after;  /* NULL: the revision deleted it */
};

/* The steps; each conflict is a problem. Then change_set_finish(). */
void undo_stage(struct change_set *set, const struct undo_row *rows, uint32_t count,
                struct problems *problems);

/* What becomes of a property that was `before`, became `after`, and is `now`; NULL: not there.
 * Whole bodies: three values of kind KV. False: there are conflicts, told to `on_conflict`. */
struct undo_conflicts {
    void (*on_conflict)(void *self, struct text path);
    void *self;
};
bool undo_merge(struct scope *scope, const struct shape *shape, const struct kv *before,
                const struct kv *after, const struct kv *now,
                const struct undo_conflicts *conflicts, struct kv *out);

#endif
