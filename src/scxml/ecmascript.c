/* SPDX-License-Identifier: Apache-2.0 */
#include "scxml/ecmascript.h"

#include "scxml/engine/model.h"

const struct scxml_datamodel scxml_ecmascript = {
    .open = engine_open,
    .close = engine_close,
    .bytes = engine_bytes,
    .open_session = engine_open_session,
    .close_session = engine_close_session,
    .set_time = engine_set_time,
    .set_event = engine_set_event,
    .declare = engine_declare,
    .set = engine_set,
    .set_expr = engine_set_expr,
    .condition = engine_condition,
    .value = engine_value,
    .string = engine_string,
    .run = engine_run,
    .assign = engine_assign_expr,
    .assign_payload = engine_assign_payload,
    .begin_loop = engine_begin_loop,
    .set_item = engine_set_item,
    .end_loop = engine_end_loop,
    .save = engine_save,
    .restore = engine_restore,
};

/* The place of a byte of an expression that begins at `place`. */
static struct scxml_place place_in(struct scxml_place place, struct text source, size_t offset)
{
    for (size_t i = 0; i < offset && i < source.len; i++) {
        bool is_tail = (source.at[i] & 0xc0) == 0x80;
        if (source.at[i] == '\n')
            place.line++, place.column = 1;
        else if (!is_tail)
            place.column++;
    }
    return place;
}

/* Duktape's words end with a line of its own counting. */
static struct text without_line(struct text words)
{
    for (size_t i = words.len; i > 0; i--)
        if (text_starts(text_slice(words, i - 1, SIZE_MAX), TEXT(" (line ")))
            return text_slice(words, 0, i - 1);
    return words;
}

static const char *kind_name(enum scxml_expression_kind kind)
{
    static const char *const names[] = { [SCXML_VALUE] = "expression",
                                         [SCXML_CONDITION] = "condition",
                                         [SCXML_LOCATION] = "location",
                                         [SCXML_SCRIPT] = "script" };
    return names[kind];
}

enum err scxml_ecmascript_check(const struct scxml_document *document, bool is_strict,
                                struct scope *scope, struct scxml_findings *findings)
{
    struct scxml_evaluator *evaluator;
    uint32_t errors = findings->error_count;
    enum err err = engine_open(document, &scxml_default_limits, &evaluator, NULL);
    if (err) return err;
    for (uint32_t i = 0; i < document->expression_count; i++) {
        const struct scxml_expression *expression = &document->expressions[i];
        size_t offset;
        const char *failure = engine_syntax_failure(evaluator, i, &offset);
        if (!failure) continue;
        struct text words = without_line(text_of(failure));
        scxml_find(findings, scope, !is_strict, document->files[expression->place.file],
                   place_in(expression->place, expression->source, offset), "%s: %.*s",
                   kind_name(expression->kind), TEXT_ARG(words));
    }
    engine_close(evaluator);
    return findings->error_count > errors ? ERR_INVALID : ERR_OK;
}
