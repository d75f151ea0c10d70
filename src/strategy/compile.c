/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/compile.h"

#include "base/table.h"
#include "strategy/check.h"
#include "strategy/compile_private.h"
#include "strategy/expression.h"
#include "strategy/parser.h"
#include "strategy/pattern.h"

#include <string.h>

/* --- numbers for states and questions, before anything is written --- */

static uint32_t ask_in(struct expression *expression, uint32_t count)
{
    for (; expression != NULL; expression = expression->next) {
        if (expression->left) count = ask_in(expression->left, count);
        if (expression->right) count = ask_in(expression->right, count);
        count = ask_in(expression->arguments, count);
        if (expression->kind == EXPRESSION_CALL &&
            (expression->function == CALL_STAT || expression->function == CALL_OPEN))
            expression->answer = count++;
    }
    return count;
}

/* The how-many-eth state of this kind on this line. */
static uint32_t count_on_line(struct compiler *compiler, struct table *seen, const char *word,
                              struct place place)
{
    struct text key = scope_format(compiler->work, "%s_%u_%u", word, place.file, place.line);
    uint32_t *count = table_get(seen, key);
    if (count == NULL) {
        count = scope_alloc(compiler->work, sizeof *count);
        table_put(seen, key, count);
    }
    return ++*count;
}

static bool changes_data(enum statement_kind kind)
{
    return kind == STATEMENT_SET || kind == STATEMENT_DELETE || kind == STATEMENT_PRIORITY ||
           kind == STATEMENT_SCREEN || kind == STATEMENT_CLASSIFY || kind == STATEMENT_CALL;
}

static void number_block(struct compiler *compiler, struct table *seen, struct block *block)
{
    for (struct statement *at = block->first; at != NULL; at = at->next) {
        at->question_count = ask_in(at->arguments, ask_in(at->value, 0));
        for (struct keyed_value *pair = at->pairs; pair != NULL; pair = pair->next)
            at->question_count = ask_in(pair->value, at->question_count);
        compiler->has_changes |= changes_data(at->kind);
        if (at->kind != STATEMENT_IF)
            at->id = count_on_line(compiler, seen, statement_word(at->kind), at->place);
        for (struct branch *branch = at->branches; branch != NULL; branch = branch->next) {
            branch->question_count = ask_in(branch->condition, 0);
            branch->id = count_on_line(compiler, seen, "if", branch->place);
            number_block(compiler, seen, &branch->block);
        }
        number_block(compiler, seen, &at->body);
        if (at->on_error != NULL) number_block(compiler, seen, at->on_error);
        if (at->route != NULL && at->route->otherwise != NULL)
            number_block(compiler, seen, at->route->otherwise);
    }
}

/* --- variables --- */

static void add_name(struct compiler *compiler, struct table *known, struct buf *out,
                     struct text name)
{
    if (name.len == 0 || table_get(known, name) != NULL) return;
    table_put(known, name, compiler);
    buf_format(out, "%s%.*s: ''", out->len > 1 ? ", " : " ", TEXT_ARG(name));
}

static void add_variables(struct compiler *compiler, struct table *known, struct buf *out,
                          const struct block *block)
{
    for (const struct statement *at = block->first; at != NULL; at = at->next) {
        if (at->kind == STATEMENT_ASSIGN) add_name(compiler, known, out, at->name.text);
        for (const struct named *name = at->results; name != NULL; name = name->next)
            add_name(compiler, known, out, name->name.text);
        for (const struct branch *branch = at->branches; branch != NULL; branch = branch->next)
            add_variables(compiler, known, out, &branch->block);
        add_variables(compiler, known, out, &at->body);
        if (at->on_error != NULL) add_variables(compiler, known, out, at->on_error);
        if (at->route != NULL && at->route->otherwise != NULL)
            add_variables(compiler, known, out, at->route->otherwise);
    }
}

/* { hit: '', reason: arguments_given[0] }: a variable that nobody has set yet is an empty text. */
static struct text variables(struct compiler *compiler)
{
    struct table *known = table_new(compiler->work);
    struct buf out = { 0 };
    uint32_t position = 0;
    buf_add_byte(&out, '{');
    for (const struct named *at = compiler->strategy->parameters; at != NULL; at = at->next) {
        table_put(known, at->name.text, compiler);
        buf_format(&out, "%s%.*s: arguments_given[%u]", position ? ", " : " ",
                   TEXT_ARG(at->name.text), position);
        position++;
    }
    for (const struct named *at = compiler->strategy->results; at != NULL; at = at->next)
        add_name(compiler, known, &out, at->name.text);
    add_variables(compiler, known, &out, &compiler->strategy->block);
    buf_add_z(&out, out.len > 1 ? " }" : "}");
    struct text text = scope_keep(compiler->work, buf_text(&out));
    buf_free(&out);
    return text;
}

/* --- the parts of a document --- */

static void emit_data(struct compiler *compiler, const char *id, struct text value)
{
    emit_empty(&compiler->xml, "data", ATTRIBUTES({ "id", text_of(id) }, { "expr", value }));
}

static void emit_datamodel(struct compiler *compiler)
{
    struct emitter *xml = &compiler->xml;
    emit_open(xml, "datamodel", NO_ATTRIBUTES);
    emit_comment(xml, TEXT("given by whoever starts the session"));
    emit_data(compiler, "ixn", TEXT("{ InteractionId: '', Queue: '' }"));
    emit_data(compiler, "data", TEXT("{}"));
    emit_data(compiler, "clock", TEXT("{ offsets: [] }"));
    emit_data(compiler, "limits",
              scope_format(compiler->work, "{ steps: %d, calls: %d }", STRATEGY_STEPS_MAX,
                           STRATEGY_CALLS_MAX));
    emit_data(compiler, "arguments_given", TEXT("[]"));
    emit_comment(xml, TEXT("of this run, subroutines included"));
    emit_data(compiler, "run",
              TEXT("{ line: 0, steps: 0, depth: 0, request: '', write: '', error: '', holds: "
                   "false, found: null,"
                   " resource: '', priority: 0, raise: null, pending: false, changed: {}, deleted: "
                   "[], properties: {} }"));
    emit_comment(xml, TEXT("of this document"));
    emit_data(compiler, "my", variables(compiler));
    if (compiler->strategy->is_subroutine) emit_data(compiler, "results", TEXT("[]"));
    if (compiler->has_loops) emit_data(compiler, "rounds", TEXT("{}"));
    if (compiler->asks) emit_data(compiler, "answers", TEXT("[]"));
    emit_close(xml, "datamodel");
}

static void put_table(struct buf *out, const struct pattern *pattern)
{
    buf_add_z(out, "  from: [");
    for (uint32_t i = 0; i < pattern->run_count; i++)
        buf_format(out, "%s%u", i ? ", " : "", pattern->from[i]);
    buf_add_z(out, "],\n  kind: [");
    for (uint32_t i = 0; i < pattern->run_count; i++)
        buf_format(out, "%s%u", i ? ", " : "", pattern->kind[i]);
    buf_add_z(out, "],\n  next: [\n");
    for (uint32_t state = 0; state < pattern->state_count; state++) {
        buf_add_z(out, "    [");
        for (uint32_t kind = 0; kind < pattern->kind_count; kind++) {
            uint16_t next = pattern->next[state * pattern->kind_count + kind];
            buf_format(out, "%s%d", kind ? ", " : "", next == PATTERN_DEAD ? -1 : next);
        }
        buf_format(out, "]%s\n", state + 1 < pattern->state_count ? "," : "");
    }
    buf_add_z(out, "  ],\n  match: [");
    for (uint32_t state = 0; state < pattern->state_count; state++)
        buf_format(out, "%s%d", state ? ", " : "", pattern->is_match[state]);
    buf_format(out, "],\n  found: %d\n", pattern->found == UINT32_MAX ? -2 : (int)pattern->found);
}

/* The pattern as it was written, but for "]]>", which would end the script. */
static void put_pattern_comment(struct buf *out, struct text source)
{
    struct buf literal = { 0 };
    emit_js_text(&literal, source);
    struct text text = buf_text(&literal);
    buf_add_z(out, "// ");
    for (size_t i = 0; i < text.len; i++)
        if (text.at[i] == '>' && text.at[i - 1] == ']')
            buf_add_z(out, "\\x3e");
        else
            buf_add_byte(out, text.at[i]);
    buf_add_byte(out, '\n');
    buf_free(&literal);
}

/* Tables hang on functions, which a saved session does not hold: they come back with the script. */
static void put_pattern(struct compiler *compiler, struct buf *out, const struct pattern_use *use)
{
    struct pattern pattern = { 0 };
    size_t offset;
    if (pattern_compile(use->source, compiler->work, &pattern, &offset, NULL)) return;
    put_pattern_comment(out, use->source);
    buf_format(out, "function pattern_%u() {}\nObject.assign(pattern_%u, {\n", use->number,
               use->number);
    put_table(out, &pattern);
    buf_add_z(out, "});\n");
}

static void emit_helpers(struct compiler *compiler)
{
    struct buf code = { 0 }, *out = compiler->xml.out;
    for (const struct pattern_use *at = compiler->patterns; at != NULL; at = at->next)
        put_pattern(compiler, &code, at);
    buf_add_z(out, "  <script><![CDATA[\n");
    helpers_print(out, compiler->used, 4);
    struct text rest = buf_text(&code), line;
    while (text_cut(rest, '\n', &line, &rest)) buf_format(out, "    %.*s\n", TEXT_ARG(line));
    buf_add_z(out, "  ]]></script>\n");
    buf_free(&code);
}

static void emit_final(struct compiler *compiler, const char *id)
{
    if (!compiler->strategy->is_subroutine) {
        emit_empty(&compiler->xml, "final", ATTRIBUTES({ "id", text_of(id) }));
        return;
    }
    static const char *const shared[][2] = { { "data", "data" }, { "run", "run" } };
    emit_open(&compiler->xml, "final", ATTRIBUTES({ "id", text_of(id) }));
    emit_open(&compiler->xml, "donedata", NO_ATTRIBUTES);
    emit_empty(
        &compiler->xml, "param",
        ATTRIBUTES({ "name", TEXT("outcome") }, { "expr", compile_text(compiler, text_of(id)) }));
    for (size_t i = 0; i < 2; i++)
        emit_empty(
            &compiler->xml, "param",
            ATTRIBUTES({ "name", text_of(shared[i][0]) }, { "expr", text_of(shared[i][1]) }));
    emit_empty(&compiler->xml, "param",
               ATTRIBUTES({ "name", TEXT("results") }, { "expr", TEXT("results") }));
    emit_close(&compiler->xml, "donedata");
    emit_close(&compiler->xml, "final");
}

static void emit_finals(struct compiler *compiler)
{
    bool is_subroutine = compiler->strategy->is_subroutine;
    if (is_subroutine)
        emit_final(compiler, "failed");
    else
        emit_failed_state(compiler);
    if (is_subroutine) emit_final(compiler, "returned");
    emit_final(compiler, "ended");
    emit_final(compiler, "given_back");
    emit_final(compiler, "gone");
    if (!is_subroutine) emit_final(compiler, "lost");
}

/* All statements stand in one state, which hears what none of them waits for. */
static void emit_states(struct compiler *compiler)
{
    const struct strategy *strategy = compiler->strategy;
    struct emitter *xml = &compiler->xml;
    USE(compiler, OURS);
    USE(compiler, FAULT);
    USE(compiler, REASON);
    emit_open(xml, "state",
              ATTRIBUTES({ "id", TEXT("strategy") },
                         { "initial", block_entry(compiler, &strategy->block, TEXT("ended")) }));
    emit_transition(compiler, "interaction.deleted interaction.notcontrolled", "ours(_event)",
                    TEXT("gone"));
    emit_open(xml, "transition",
              ATTRIBUTES({ "event", TEXT("error") }, { "cond", TEXT("fault(_event)") },
                         { "target", TEXT("failed") }));
    emit_empty(
        xml, "assign",
        ATTRIBUTES({ "location", TEXT("run.error") },
                   { "expr", strategy->is_subroutine
                                 ? TEXT("_name + ', line ' + run.line + ': ' + reason(_event)")
                                 : TEXT("reason(_event)") }));
    emit_close(xml, "transition");
    compile_block(compiler, &strategy->block, TEXT("ended"));
    emit_close(xml, "state");
    emit_finals(compiler);
}

static struct text base_name(struct text path)
{
    size_t slash;
    while ((slash = text_find(path, '/', 0)) != SIZE_MAX)
        path = text_slice(path, slash + 1, path.len);
    return path;
}

/* The address of a module whose actions the document uses. */
static struct text module(struct compiler *compiler, const struct buf *states, const char *prefix,
                          const char *name)
{
    struct text element = scope_format(compiler->work, "<%s:", prefix);
    bool is_used = memmem(states->at, states->len, element.at, element.len) != NULL;
    if (!is_used) return (struct text){ 0 };
    return scope_format(compiler->work, "http://www.genesyslab.com/modules/%s", name);
}

static struct text compile_document(struct compiler *compiler)
{
    const struct strategy *strategy = compiler->strategy;
    struct buf states = { 0 }, all = { 0 };
    struct emitter *xml = &compiler->xml;
    *xml = (struct emitter){ .out = &states, .depth = 1 };
    compiler->has_changes = strategy->is_subroutine; /* of its caller */
    number_block(compiler, table_new(compiler->work), &compiler->strategy->block);
    emit_states(compiler);

    compiler->element_count = xml->elements;
    *xml = (struct emitter){ .out = &all };
    buf_add_z(&all, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    struct text source = base_name(compiler->program->sources[strategy->name.place.file].name);
    emit_comment(xml, scope_format(compiler->work, "%s of %.*s, line %u: change it there",
                                   strategy->is_subroutine ? "A subroutine" : "A strategy",
                                   TEXT_ARG(source), strategy->name.place.line));
    emit_open(xml, "scxml",
              ATTRIBUTES({ "xmlns", TEXT("http://www.w3.org/2005/07/scxml") },
                         { "xmlns:queue", module(compiler, &states, "queue", "queue") },
                         { "xmlns:ixn", module(compiler, &states, "ixn", "interaction") },
                         { "xmlns:session", module(compiler, &states, "session", "session") },
                         { "xmlns:statistic", module(compiler, &states, "statistic", "statistic") },
                         { "xmlns:resource", module(compiler, &states, "resource", "resource") },
                         { "version", TEXT("1.0") }, { "datamodel", TEXT("ecmascript") },
                         { "name", strategy->name.text }, { "initial", TEXT("strategy") }));
    emit_datamodel(compiler);
    emit_helpers(compiler);
    buf_add(&all, buf_text(&states));
    emit_close(xml, "scxml");
    struct text text = scope_keep(compiler->scope, buf_text(&all));
    buf_free(&states);
    buf_free(&all);
    return text;
}

/* --- all of them --- */

static struct strategy_output *add_output(struct compiler *compiler, struct table *files,
                                          struct strategy_output ***end, const struct name *name,
                                          const char *ending)
{
    struct strategy_output *output = scope_alloc(compiler->scope, sizeof *output);
    output->name = name->text;
    output->file_name = document_name(compiler->scope, name->text, ending);
    const struct strategy_output *first = table_get(files, output->file_name);
    if (first != NULL)
        strategy_error(compiler->findings, name->place,
                       "'%.*s' and '%.*s' would both be written to %.*s", TEXT_ARG(name->text),
                       TEXT_ARG(first->name), TEXT_ARG(output->file_name));
    table_put(files, output->file_name, output);
    **end = output;
    *end = &output->next;
    return output;
}

static void compile_strategy(const struct compiler *shared, struct strategy *strategy,
                             struct strategy_output *output)
{
    /* what the engine takes (orchestration 3.1), and room for what stands around the states */
    enum { DOCUMENT_BYTES_MAX = 2 * 1024 * 1024, ELEMENTS_MAX = 20000 - 50 };
    struct compiler compiler = *shared;
    compiler.work = scope_new(NULL, "compile", SCOPE_NO_LIMIT);
    compiler.strategy = strategy;
    output->is_document = true;
    output->text = compile_document(&compiler);
    if (output->text.len > DOCUMENT_BYTES_MAX || compiler.element_count > ELEMENTS_MAX)
        strategy_error(shared->findings, strategy->name.place,
                       "'%.*s' is too large for one document: move parts of it into subroutines",
                       TEXT_ARG(strategy->name.text));
    scope_close(compiler.work);
}

enum err strategy_compile(const struct program *program, struct scope *scope,
                          struct strategy_output **out, struct strategy_findings *findings)
{
    struct scope *work = scope_new(NULL, "compile", SCOPE_NO_LIMIT);
    struct compiler shared = {
        .program = program, .scope = scope, .work = work, .findings = findings
    };
    struct table *files = table_new(work);
    struct strategy_output *first = NULL, **end = &first;
    uint32_t errors = findings->error_count;
    for (const struct process *at = program->processes; at != NULL; at = at->next)
        add_output(&shared, files, &end, &at->name, "json")->text = describe_process(&shared, at);
    for (struct strategy *at = program->strategies; at != NULL; at = at->next)
        compile_strategy(&shared, at, add_output(&shared, files, &end, &at->name, "scxml"));
    scope_close(work);
    if (findings->error_count > errors) return ERR_INVALID;
    *out = first;
    return ERR_OK;
}

enum err strategy_build(const struct strategy_source *sources, uint32_t count, struct scope *scope,
                        struct strategy_output **out, struct strategy_findings *findings)
{
    if (out != NULL) *out = NULL;
    struct program *program = strategy_parse(sources, count, scope, findings);
    strategy_check(program, scope, findings);
    if (findings->error_count > 0) return ERR_INVALID;
    struct strategy_output *made;
    enum err err = strategy_compile(program, scope, &made, findings);
    if (!err && out != NULL) *out = made;
    return err;
}
