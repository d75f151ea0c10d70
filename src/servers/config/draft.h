/* SPDX-License-Identifier: Apache-2.0 */
/* draft.h - inside a change set: what is staged above the objects as they are. For change_set.c,
 * folders.c, linking.c, checks.c, uniqueness.c, rings.c, fitting.c and lint.c.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_DRAFT_H
#define SERVERS_CONFIG_DRAFT_H

#include "base/table.h"
#include "servers/config/change_set.h"

struct change_set {
    struct scope *life;
    struct object_set *objects;
    struct staged **at; /* in the order in which they came up */
    size_t count, room;
    struct table *by_before, *by_after; /* identity to staged */
    size_t vanished;                    /* identities of before that name nothing now */
    struct change_guard guard;
};

/* The object as it would be; NULL: there would be none. */
const struct object *draft_find(const struct change_set *set, struct text identity);
/* Of an object that is, or was staged already. */
struct staged *draft_stage(struct change_set *set, const struct object *before);
/* `after` NULL: deleted. The former one is closed. False: its key is taken, nothing happened. */
bool draft_replace(struct change_set *set, struct staged *staged, struct object *after);
/* Whether the asker may see it; what she made herself she sees. */
bool draft_shows(const struct change_set *set, const struct object *object);
/* Its label, or words that name nothing. */
struct text draft_label(const struct change_set *set, struct scope *scope,
                        const struct object *object);
/* Over the objects of a type as they would be: `for (size_t at = 0; (object = draft_next(...));)`
 */
const struct object *draft_next(const struct change_set *set, const struct object_type *type,
                                size_t *at);

/* linking.c: references of all that is and would be. */
void draft_link(struct change_set *set, struct problems *problems);
/* uniqueness.c: what is there once; lint.c: words of warning. */
void draft_check_uniqueness(struct change_set *set, struct problems *problems);
void draft_lint(const struct change_set *set, struct warnings *warnings);
/* rings.c: what may not lead back to itself. */
void draft_check_rings(struct change_set *set, struct problems *problems);
/* fitting.c: what is named is of the kind that is meant. */
void draft_check_fitting(struct change_set *set, struct problems *problems,
                         struct warnings *warnings);
/* checks.c: templates, frozen fields, secrets, options; then all the above. */
void draft_check(struct change_set *set, const struct change_world *world,
                 struct problems *problems, struct warnings *warnings);
/* folders.c: folders come, move and go with what is in them; what they may hold. */
void draft_folders(struct change_set *set, struct problems *problems);
void draft_check_folders(const struct change_set *set, struct problems *problems);
/* checks.c: what an Application takes from its template. */
void draft_complete(struct change_set *set, struct problems *problems);

#endif
