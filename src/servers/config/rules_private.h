/* SPDX-License-Identifier: Apache-2.0 */
/* rules_private.h - shared by rules.c and rules_type.c: one object that is being checked. */
#ifndef SERVERS_CONFIG_RULES_PRIVATE_H
#define SERVERS_CONFIG_RULES_PRIVATE_H

#include "servers/config/rules.h"

struct checking {
    const struct object *object;
    struct text label;
    struct problems *problems;
    uint32_t before;
};

#define REFUSE(checking, property, ...)                                                            \
    problem_add((checking)->problems, PROBLEM_INVALID_VALUE, (checking)->object->type, property,   \
                __VA_ARGS__)

/* rules.c: names joined by /. */
void rules_check_path(const struct checking *checking, const char *name);
/* rules_type.c: the rules of the object's type. */
void rules_check_type(const struct checking *checking);

#endif
