/* SPDX-License-Identifier: Apache-2.0 */
/* code.c - expressions and scripts are compiled once, as eval code (orchestration 4.2): never as a
 * function's body, where `return` would be legal. */
#include <string.h>

#include "scxml/engine/model.h"
#include "scxml/engine/private.h"

/* [] -> [function] and true, or [error] and false. */
static bool try_compile(duk_context *ctx, const char *before, struct text source, const char *after,
                        duk_uint_t flags)
{
    duk_push_string(ctx, before);
    engine_push_text(ctx, source);
    duk_push_string(ctx, after);
    duk_concat(ctx, 3);
    duk_push_string(ctx, "document");
    return duk_pcompile(ctx, DUK_COMPILE_EVAL | flags) == 0;
}

/* [] -> [function] or [error]. Of two errors it is the one that was found later in the text: there
 * the author is understood better. */
static bool compile_value(duk_context *ctx, struct text source)
{
    struct watch *watch = raw_watch(ctx);
    if (try_compile(ctx, "(", source, "\n)", 0)) return true;
    size_t offset = watch->syntax_offset - (watch->syntax_offset > 0);
    if (try_compile(ctx, "", source, "", 0)) {
        duk_remove(ctx, -2);
        return true;
    }
    bool is_first_better = offset > watch->syntax_offset && offset < source.len;
    if (is_first_better) watch->syntax_offset = offset;
    duk_remove(ctx, is_first_better ? -1 : -2);
    return false;
}

/* By itself first, so that a text like "a) = 1; (b" is none. */
static bool compile_assignment(duk_context *ctx, struct text source)
{
    struct watch *watch = raw_watch(ctx);
    if (!try_compile(ctx, "", source, "", DUK_COMPILE_STRICT)) return false;
    duk_pop(ctx);
    if (try_compile(ctx, "(", source, "\n) = " ENGINE_VALUE_NAME, DUK_COMPILE_STRICT)) return true;
    watch->syntax_offset -= watch->syntax_offset > 0;
    return false;
}

static bool compile(duk_context *ctx, const struct scxml_expression *expression,
                    enum code_form form)
{
    if (form == CODE_ASSIGNMENT) return compile_assignment(ctx, expression->source);
    if (expression->kind == SCXML_SCRIPT) return try_compile(ctx, "", expression->source, "", 0);
    return compile_value(ctx, expression->source);
}

/* A want of time or memory is no property of the text. */
static bool is_lasting(duk_context *ctx, const struct watch *watch)
{
    return !watch->is_over && !watch->is_exhausted &&
           duk_get_error_code(ctx, -1) == DUK_ERR_SYNTAX_ERROR;
}

static void compile_once(duk_context *ctx, scxml_expression_id id, enum code_form form,
                         struct compiled *compiled)
{
    struct scxml_evaluator *evaluator = evaluator_of(ctx);
    if (compile(ctx, &evaluator->document->expressions[id], form)) {
        void *function = duk_get_heapptr(ctx, -1);
        duk_push_heapptr(ctx, evaluator->code);
        duk_dup(ctx, -2);
        duk_put_prop_index(ctx, -2, (duk_uarridx_t)(id * CODE_FORMS + form));
        duk_pop_2(ctx);
        compiled->function = function;
        return;
    }
    if (!is_lasting(ctx, &evaluator->watch)) (void)duk_throw(ctx);
    duk_get_prop_literal(ctx, -1, "message");
    compiled->failure = scope_keep_z(evaluator->life, text_of(duk_safe_to_string(ctx, -1)));
    compiled->offset = evaluator->watch.syntax_offset;
    duk_pop_2(ctx);
}

static const struct compiled *compiled_of(duk_context *ctx, scxml_expression_id id,
                                          enum code_form form)
{
    struct compiled *compiled = &evaluator_of(ctx)->compiled[id * CODE_FORMS + form];
    if (!compiled->function && !compiled->failure) compile_once(ctx, id, form, compiled);
    return compiled;
}

void engine_push_code(duk_context *ctx, scxml_expression_id id, enum code_form form)
{
    const struct compiled *compiled = compiled_of(ctx, id, form);
    if (!compiled->function) (void)duk_error(ctx, DUK_ERR_SYNTAX_ERROR, "%s", compiled->failure);
    duk_push_heapptr(ctx, compiled->function);
}

struct check_deed {
    struct deed deed;
    scxml_expression_id id;
    const struct compiled *compiled;
};

static void run_check(duk_context *ctx, struct deed *self)
{
    struct check_deed *deed = (struct check_deed *)self;
    bool is_location = evaluator_of(ctx)->document->expressions[deed->id].kind == SCXML_LOCATION;
    deed->compiled = compiled_of(ctx, deed->id, is_location ? CODE_ASSIGNMENT : CODE_AS_IS);
}

const char *engine_syntax_failure(struct scxml_evaluator *evaluator, scxml_expression_id id,
                                  size_t *offset)
{
    struct check_deed deed = { .deed.run = run_check, .id = id };
    *offset = 0;
    if (engine_enter(evaluator, &deed.deed, NULL) != SCXML_DONE) return "too large to be compiled";
    *offset = deed.compiled->offset;
    return deed.compiled->failure;
}

void engine_push_value(duk_context *ctx, scxml_expression_id id)
{
    engine_push_code(ctx, id, CODE_AS_IS);
    duk_call(ctx, 0);
}

void engine_assign(duk_context *ctx, scxml_expression_id location)
{
    struct scxml_evaluator *evaluator = evaluator_of(ctx);
    duk_push_heapptr(ctx, evaluator->stash);
    duk_pull(ctx, -2);
    duk_put_prop_index(ctx, -2, STASH_VALUE);
    duk_pop(ctx);
    engine_push_code(ctx, location, CODE_ASSIGNMENT);
    duk_push_heapptr(ctx, evaluator->running->data);
    evaluator->is_assigning = true;
    duk_call_method(ctx, 0);
    evaluator->is_assigning = false;
    duk_pop(ctx);
}

static bool is_reserved(struct text name)
{
    static const char *const words[] = {
        "break",      "case",       "catch",     "class",    "const",   "continue", "debugger",
        "default",    "delete",     "do",        "else",     "enum",    "export",   "extends",
        "false",      "finally",    "for",       "function", "if",      "import",   "in",
        "instanceof", "new",        "null",      "return",   "super",   "switch",   "this",
        "throw",      "true",       "try",       "typeof",   "var",     "void",     "while",
        "with",       "implements", "interface", "let",      "package", "private",  "protected",
        "public",     "static",     "yield"
    };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++)
        if (text_eq(name, text_of(words[i]))) return true;
    return false;
}

/* Letters beyond ASCII are let in as they come. */
bool engine_is_name(struct text name)
{
    for (size_t i = 0; i < name.len; i++) {
        unsigned char byte = (unsigned char)name.at[i];
        bool is_letter = (byte | 0x20) >= 'a' && (byte | 0x20) <= 'z';
        bool is_digit = byte >= '0' && byte <= '9';
        if (!is_letter && byte != '_' && byte != '$' && byte < 0x80 && !(is_digit && i))
            return false;
    }
    return name.len && !is_reserved(name);
}
