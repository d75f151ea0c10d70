/* SPDX-License-Identifier: Apache-2.0 */
/* problem.h - what is wrong with a change, all of it: the triple of the guides (framework 3.3) and
 * one line of words each. */
#ifndef SERVERS_CONFIG_PROBLEM_H
#define SERVERS_CONFIG_PROBLEM_H

#include "base/catalogue.h"
#include "base/scope.h"

enum problem_kind {
    PROBLEM_INVALID_VALUE,
    PROBLEM_NOT_FOUND,
    PROBLEM_UNIQUENESS,
    PROBLEM_IN_USE,
    PROBLEM_REV_MISMATCH,
    PROBLEM_READ_ONLY,
    PROBLEM_NO_PERMISSION,
    PROBLEM_TOO_FAST, /* an account writes faster than it may */
};

struct problem {
    enum problem_kind kind;
    struct text object_type, property; /* "CFGApplication", "CFGOptions" */
    struct text words;                 /* "applications[ixn].host: ..." */
};

enum { PROBLEMS_MAX = 1000 }; /* the rest is counted, not told */

/* A zeroed one with its scope is empty. */
struct problems {
    struct scope *scope;
    struct problem *at;
    uint32_t count, room, left_out;
};

struct problem_rule {
    enum err err;
    const char *error_type; /* "CFGInUse" */
    int64_t http_status;
};
const struct problem_rule *problem_rule(enum problem_kind kind);

/* `type` NULL: of no object. `property`: path in the object, its first part makes the triple's. */
void problem_add(struct problems *problems, enum problem_kind kind, const struct object_type *type,
                 struct text property, const char *format, ...)
    __attribute__((format(printf, 5, 6)));

/* Words that do not stop a change: unknown options and the like. */
struct warnings {
    struct scope *scope;
    struct text *at;
    uint32_t count, room;
};
void warning_add(struct warnings *warnings, struct text words); /* kept; past 10,000 dropped */

#endif
