/* SPDX-License-Identifier: Apache-2.0 */
/* access_cells.h - the cells of access_table.h, each with all its deeds, judged: an answer is what
 * the table says; what may not be seen answers, byte for byte, as what is not there; what was
 * refused moved nothing; what was changed stands in the history with who did it from where, and
 * both are told to the audit log. How a deed is asked is the caller's matter. */
#ifndef TESTS_UNIT_WEB_ACCESS_CELLS_H
#define TESTS_UNIT_WEB_ACCESS_CELLS_H

#include "access_world.h"

enum access_deed {
    DEED_READ,
    DEED_READ_DBID,
    DEED_LIST,
    DEED_LIST_FILTERED,
    DEED_CHANGES,
    DEED_EXPORT,
    DEED_HISTORY,
    DEED_HISTORY_OF_REVISION,
    DEED_READ_ACL,
    DEED_EFFECTIVE,
    DEED_CHANGE_ACL_STALE, /* of another revision than the present one */
    DEED_CHANGE_ACL,
    DEED_CLEAR_ACL,
    DEED_PLAN_UNDO,
    DEED_UNDO,
    DEED_UPDATE,
    DEED_UPDATE_DBID,
    DEED_REPLACE,
    DEED_CHANGE_SET,
    DEED_PLAN,
    DEED_APPLY,
    DEED_DELETE,
    DEED_CREATE,
    DEED_CREATE_AGAIN,
    DEEDS,
};

struct access_trial {
    struct access_world *world;
    struct access_answer (*ask)(struct access_trial *trial, enum access_deed deed);
    struct text token;
    struct access_desktop *desktop;
    uint32_t tried, wrong;
    /* what is asked for */
    const struct table_cell *cell;
    struct table_object object;
    uint32_t dbid, number, mark; /* mark: the last that the tool changed it with */
    uint64_t since, rev;         /* the last revision of the object, and the one before */
};

/* The request's words with what is asked for in the place of
 *   <type> <plural> <tenant> <name> <key> <path-key> <dbid> <since> <rev> <mark>
 *   <json>   what the object is made of     <whole>  the same with something new in it
 *   <patch>  something new                  <file>   a configuration file of <whole>
 *   <entries> its own entries of permissions as it was made, <more-entries> with one more
 * and of <q:...>, the same as a JSON text. */
void access_fill(const struct access_trial *trial, const char *words, struct buf *out);

/* All cells of a role, which is logged in. */
void access_try_role(struct access_trial *trial, const struct table_role *role);
/* All cells for who is not: each answers with this, whatever is there, and nothing moves. */
void access_try_nobody(struct access_trial *trial, const struct table_role *role, unsigned status,
                       const char *error);

#endif
