/* SPDX-License-Identifier: Apache-2.0 */
/* compile.h - a program to SCXML (spec interaction, 11.3): one document for each strategy and each
 * subroutine, one description (JSON) for each process. docs/decisions/0038 tells how.
 * Promise  the same program, the same bytes. Documents are standard SCXML with the ECMAScript data
 *          model and the actions of orchestration 6. */
#ifndef STRATEGY_COMPILE_H
#define STRATEGY_COMPILE_H

#include "strategy/program.h"

struct strategy_output {
    struct strategy_output *next;
    struct text name;      /* of the strategy, subroutine or process */
    struct text file_name; /* "Process_ABC.scxml" */
    bool is_document;      /* SCXML; else a description */
    struct text text;
};

/* The program must have no errors. ERR_INVALID: findings say what only shows here, such as two
 * names that give one file. The output lies in the scope. */
enum err strategy_compile(const struct program *program, struct scope *scope,
                          struct strategy_output **out, struct strategy_findings *findings);

/* All three passes over some files. ERR_INVALID: the findings hold an error; `*out` is NULL then.
 * With `out` NULL it only checks. */
enum err strategy_build(const struct strategy_source *sources, uint32_t count, struct scope *scope,
                        struct strategy_output **out, struct strategy_findings *findings);

#endif
