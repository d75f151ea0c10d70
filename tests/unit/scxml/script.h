/* SPDX-License-Identifier: Apache-2.0 */
/* script.h - sessions of the ECMAScript data model made by hand: expressions are texts, no document
 * is loaded. One document, one evaluator for each struct scripts. */
#ifndef TESTS_UNIT_SCXML_SCRIPT_H
#define TESTS_UNIT_SCXML_SCRIPT_H

#include <time.h>

#include "scxml/ecmascript.h"

enum { SCRIPTS_MAX = 512 };

struct scripts {
    struct scope *scope;
    struct scxml_document document;
    struct scxml_expression expressions[SCRIPTS_MAX];
    struct scxml_evaluator *evaluator;
    struct fault fault;
};

void scripts_begin(struct scripts *scripts, const struct scxml_limits *limits);
void scripts_begin_legacy(struct scripts *scripts); /* of a product document: orchestration 5 */
void scripts_end(struct scripts *scripts);
scxml_expression_id scripts_add(struct scripts *scripts, enum scxml_expression_kind kind,
                                const char *source);
struct scxml_variables *scripts_open(struct scripts *scripts);
void scripts_close(struct scxml_variables *variables);

/* What the data model answers; the fault is in scripts->fault. */
enum scxml_verdict scripts_run(struct scripts *scripts, struct scxml_variables *variables,
                               const char *source);
/* The JSON of an expression's value; "undefined" for none, "<...>" for a DOM, "! words" where it
 * fails. */
const char *scripts_value(struct scripts *scripts, struct scxml_variables *variables,
                          const char *source);
enum scxml_verdict scripts_assign(struct scripts *scripts, struct scxml_variables *variables,
                                  const char *location, const char *expr);
uint64_t scripts_cpu_ms(void); /* of this thread */

#endif
