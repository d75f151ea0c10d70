/* SPDX-License-Identifier: Apache-2.0 */
/* check_private.h - what the checker's files share. */
#ifndef STRATEGY_CHECK_PRIVATE_H
#define STRATEGY_CHECK_PRIVATE_H

#include "base/table.h"
#include "strategy/check.h"

struct variable {
    struct name assigned; /* the first time */
    bool is_assignment;   /* by a statement of its own: somebody should read it */
    bool is_read;
};

struct checker {
    const struct program *program;
    struct scope *scope;
    struct strategy_findings *findings;
    const struct strategy *strategy;
    struct table *variables; /* of the strategy, by name */
    uint32_t loops;          /* around the statement */
    uint32_t patterns;       /* looked at so far */
};

/* check_expression.c */
void check_value(struct checker *checker, const struct expression *expression);
void check_condition(struct checker *checker, const struct expression *expression);
void check_number(struct checker *checker, const struct expression *expression, const char *what);
void check_threshold(struct checker *checker, const struct expression *expression);
/* check_process.c */
void check_processes(struct checker *checker);
/* There is such a queue; an empty name is none. */
void check_queue_name(struct checker *checker, const struct name *name);
/* check_path.c */
void check_paths(struct checker *checker);

#endif
