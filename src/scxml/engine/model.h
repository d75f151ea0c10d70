/* SPDX-License-Identifier: Apache-2.0 */
/* model.h - the deeds of the ECMAScript data model, as datamodel.h wants them; ecmascript.c makes
 * its table of them. */
#ifndef SCXML_ENGINE_MODEL_H
#define SCXML_ENGINE_MODEL_H

#include "scxml/datamodel.h"

/* evaluator.c */
enum err engine_open(const struct scxml_document *document, const struct scxml_limits *limits,
                     struct scxml_evaluator **out, struct fault *fault);
void engine_close(struct scxml_evaluator *evaluator);
size_t engine_bytes(const struct scxml_evaluator *evaluator);
enum scxml_verdict engine_open_session(struct scxml_evaluator *evaluator,
                                       const struct scxml_frame *frame,
                                       struct scxml_variables **out);
void engine_close_session(struct scxml_variables *variables);

/* Compiles an expression as what its kind says. NULL, or why that can not be, and at which byte. */
const char *engine_syntax_failure(struct scxml_evaluator *evaluator, scxml_expression_id id,
                                  size_t *offset); /* code.c */

/* model.c */
void engine_set_time(struct scxml_variables *variables, uint64_t now_ms);
enum scxml_verdict engine_set_event(struct scxml_variables *variables,
                                    const struct scxml_event *event, struct fault *fault);
enum scxml_verdict engine_declare(struct scxml_variables *variables, struct text id,
                                  struct fault *fault);
enum scxml_verdict engine_set(struct scxml_variables *variables, struct text id,
                              const struct scxml_payload *value, struct fault *fault);
enum scxml_verdict engine_set_expr(struct scxml_variables *variables, struct text id,
                                   scxml_expression_id expr, struct fault *fault);
enum scxml_verdict engine_condition(struct scxml_variables *variables, scxml_expression_id expr,
                                    bool *out, struct fault *fault);
enum scxml_verdict engine_value(struct scxml_variables *variables, scxml_expression_id expr,
                                struct scope *scope, struct scxml_payload *out,
                                struct fault *fault);
enum scxml_verdict engine_string(struct scxml_variables *variables, scxml_expression_id expr,
                                 struct scope *scope, struct text *out, struct fault *fault);
enum scxml_verdict engine_run(struct scxml_variables *variables, scxml_expression_id script,
                              struct fault *fault);
enum scxml_verdict engine_assign_expr(struct scxml_variables *variables,
                                      scxml_expression_id location, scxml_expression_id expr,
                                      struct fault *fault);
enum scxml_verdict engine_assign_payload(struct scxml_variables *variables,
                                         scxml_expression_id location,
                                         const struct scxml_payload *value, struct fault *fault);
enum scxml_verdict engine_begin_loop(struct scxml_variables *variables, scxml_expression_id array,
                                     struct text item, struct text index, uint32_t *loop,
                                     uint32_t *count, struct fault *fault);
enum scxml_verdict engine_set_item(struct scxml_variables *variables, uint32_t loop,
                                   uint32_t position, struct text item, struct text index,
                                   struct fault *fault);
void engine_end_loop(struct scxml_variables *variables, uint32_t loop);

/* save.c */
enum scxml_verdict engine_save(struct scxml_variables *variables, struct buf *out, uint32_t *lost,
                               struct fault *fault);
enum scxml_verdict engine_restore(struct scxml_variables *variables, struct text saved,
                                  struct fault *fault);

#endif
