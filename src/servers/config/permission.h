/* SPDX-License-Identifier: Apache-2.0 */
/* permission.h - the bits of a permission and how they are written (framework 12.2).
 * Letters  RCHXDEP in this order: Read, Create, cHange, eXecute, Delete, read pErmissions, change
 *          Permissions.
 * Names    of the usual sets are read as well: "Read", "Read & Execute", "Change", "Full Control".
 * Pure     no clock, no I/O. */
#ifndef SERVERS_CONFIG_PERMISSION_H
#define SERVERS_CONFIG_PERMISSION_H

#include "base/text.h"

enum permission {
    MAY_READ = 1,       /* see the object and hear of its changes */
    MAY_CREATE = 2,     /* make objects in this container */
    MAY_CHANGE = 4,     /* change its properties */
    MAY_EXECUTE = 8,    /* start, stop, log in through it, act on it */
    MAY_DELETE = 16,    /* delete it */
    MAY_READ_ACL = 32,  /* see who may what */
    MAY_CHANGE_ACL = 64 /* alter that */
};

enum {
    PERMISSIONS_READ = MAY_READ,
    PERMISSIONS_READ_EXECUTE = MAY_READ | MAY_EXECUTE,
    PERMISSIONS_CHANGE = MAY_READ | MAY_CREATE | MAY_CHANGE | MAY_EXECUTE | MAY_DELETE,
    PERMISSIONS_FULL = PERMISSIONS_CHANGE | MAY_READ_ACL | MAY_CHANGE_ACL,
};

enum { PERMISSION_LETTERS = 7, PERMISSION_BYTES = PERMISSION_LETTERS + 1 };

/* Letters in any order and case, each at most once, or the name of a set; empty is 0. ERR_INVALID:
 * anything else. */
enum err permission_parse(struct text in, uint8_t *out);
/* NUL-ended; a view of `out`. */
struct text permission_format(uint8_t mask, char out[PERMISSION_BYTES]);
/* "change it": what a refusal says of one missing bit. */
const char *permission_deed(enum permission bit);

#endif
