/* SPDX-License-Identifier: Apache-2.0 */
/* The null data model (the Recommendation's appendix B.1): no data, no values; the one condition is
 * In(id). Its quoted form, which charts for ECMAScript have, is taken as well. */
#include "scxml/datamodel.h"

#include <stdlib.h>

struct scxml_evaluator {
    const struct scxml_document *document;
    struct text *states; /* for each expression the id in In(id); at NULL: no such condition */
};

struct scxml_variables {
    const struct scxml_evaluator *evaluator;
    const struct scxml_frame *frame;
};

static enum scxml_verdict refuse(struct fault *fault)
{
    (void)fault_set(fault, ERR_UNSUPPORTED, "datamodel",
                    "the null data model knows In(id) as a condition and nothing else");
    return SCXML_FAILED;
}

static bool take(struct text *rest, const char *token)
{
    *rest = text_trim(*rest);
    struct text wanted = text_of(token);
    if (!text_starts(*rest, wanted)) return false;
    *rest = text_slice(*rest, wanted.len, rest->len);
    return true;
}

/* In(id), and In('id') or In("id") as in ECMAScript; at NULL for anything else. */
static struct text parse_condition(struct text source)
{
    struct text none = { 0 }, rest = source;
    if (!take(&rest, "In") || !take(&rest, "(")) return none;
    rest = text_trim(rest);
    if (rest.len == 0 || rest.at[rest.len - 1] != ')') return none;
    struct text id = text_trim(text_slice(rest, 0, rest.len - 1));
    char quote = id.len ? id.at[0] : '\0';
    if (quote != '\'' && quote != '"')
        return id.len && text_find(id, ')', 0) == SIZE_MAX ? id : none;
    if (text_find(id, quote, 1) != id.len - 1) return none;
    return text_slice(id, 1, id.len - 2);
}

static enum err open_evaluator(const struct scxml_document *document,
                               const struct scxml_limits *limits __attribute__((unused)),
                               struct scxml_evaluator **out,
                               struct fault *fault __attribute__((unused)))
{
    struct scxml_evaluator *evaluator = calloc(1, sizeof *evaluator);
    ASSERT(evaluator != NULL);
    evaluator->document = document;
    evaluator->states = calloc(document->expression_count + 1, sizeof *evaluator->states);
    ASSERT(evaluator->states != NULL);
    for (uint32_t i = 0; i < document->expression_count; i++)
        evaluator->states[i] = parse_condition(document->expressions[i].source);
    *out = evaluator;
    return ERR_OK;
}

static void close_evaluator(struct scxml_evaluator *evaluator)
{
    free(evaluator->states);
    free(evaluator);
}

static size_t heap_bytes(const struct scxml_evaluator *evaluator __attribute__((unused)))
{
    return 0;
}

static enum scxml_verdict open_session(struct scxml_evaluator *evaluator,
                                       const struct scxml_frame *frame,
                                       struct scxml_variables **out)
{
    *out = malloc(sizeof **out);
    ASSERT(*out != NULL);
    **out = (struct scxml_variables){ evaluator, frame };
    return SCXML_DONE;
}

static void close_session(struct scxml_variables *variables)
{
    free(variables);
}

static void set_time(struct scxml_variables *variables __attribute__((unused)),
                     uint64_t now_ms __attribute__((unused)))
{
}

static enum scxml_verdict set_event(struct scxml_variables *variables __attribute__((unused)),
                                    const struct scxml_event *event __attribute__((unused)),
                                    struct fault *fault __attribute__((unused)))
{
    return SCXML_DONE;
}

static enum scxml_verdict declare(struct scxml_variables *variables __attribute__((unused)),
                                  struct text id __attribute__((unused)), struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict set(struct scxml_variables *variables __attribute__((unused)),
                              struct text id __attribute__((unused)),
                              const struct scxml_payload *value __attribute__((unused)),
                              struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict set_expr(struct scxml_variables *variables __attribute__((unused)),
                                   struct text id __attribute__((unused)),
                                   scxml_expression_id expr __attribute__((unused)),
                                   struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict condition(struct scxml_variables *variables, scxml_expression_id expr,
                                    bool *out, struct fault *fault)
{
    struct text state = variables->evaluator->states[expr];
    if (state.at == NULL) return refuse(fault);
    *out = variables->frame->is_active(variables->frame->self, state);
    return SCXML_DONE;
}

static enum scxml_verdict value(struct scxml_variables *variables __attribute__((unused)),
                                scxml_expression_id expr __attribute__((unused)),
                                struct scope *scope __attribute__((unused)),
                                struct scxml_payload *out __attribute__((unused)),
                                struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict string(struct scxml_variables *variables __attribute__((unused)),
                                 scxml_expression_id expr __attribute__((unused)),
                                 struct scope *scope __attribute__((unused)),
                                 struct text *out __attribute__((unused)), struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict run(struct scxml_variables *variables __attribute__((unused)),
                              scxml_expression_id script __attribute__((unused)),
                              struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict assign(struct scxml_variables *variables __attribute__((unused)),
                                 scxml_expression_id location __attribute__((unused)),
                                 scxml_expression_id expr __attribute__((unused)),
                                 struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict assign_payload(struct scxml_variables *variables __attribute__((unused)),
                                         scxml_expression_id location __attribute__((unused)),
                                         const struct scxml_payload *payload
                                         __attribute__((unused)),
                                         struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict begin_loop(struct scxml_variables *variables __attribute__((unused)),
                                     scxml_expression_id array __attribute__((unused)),
                                     struct text item __attribute__((unused)),
                                     struct text index __attribute__((unused)),
                                     uint32_t *loop __attribute__((unused)),
                                     uint32_t *count __attribute__((unused)), struct fault *fault)
{
    return refuse(fault);
}

static enum scxml_verdict set_item(struct scxml_variables *variables __attribute__((unused)),
                                   uint32_t loop __attribute__((unused)),
                                   uint32_t position __attribute__((unused)),
                                   struct text item __attribute__((unused)),
                                   struct text index __attribute__((unused)), struct fault *fault)
{
    return refuse(fault);
}

static void end_loop(struct scxml_variables *variables __attribute__((unused)),
                     uint32_t loop __attribute__((unused)))
{
}

static enum scxml_verdict save(struct scxml_variables *variables __attribute__((unused)),
                               struct buf *out, uint32_t *lost,
                               struct fault *fault __attribute__((unused)))
{
    buf_add_z(out, "{}");
    *lost = 0;
    return SCXML_DONE;
}

static enum scxml_verdict restore(struct scxml_variables *variables __attribute__((unused)),
                                  struct text saved, struct fault *fault)
{
    return text_eq(saved, TEXT("{}")) ? SCXML_DONE : refuse(fault);
}

const struct scxml_datamodel scxml_null_datamodel = {
    .open = open_evaluator,
    .close = close_evaluator,
    .bytes = heap_bytes,
    .open_session = open_session,
    .close_session = close_session,
    .set_time = set_time,
    .set_event = set_event,
    .declare = declare,
    .set = set,
    .set_expr = set_expr,
    .condition = condition,
    .value = value,
    .string = string,
    .run = run,
    .assign = assign,
    .assign_payload = assign_payload,
    .begin_loop = begin_loop,
    .set_item = set_item,
    .end_loop = end_loop,
    .save = save,
    .restore = restore,
};
