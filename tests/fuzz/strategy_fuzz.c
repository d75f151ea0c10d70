/* SPDX-License-Identifier: Apache-2.0 */
/* strategy_fuzz.c - strategy files. A file is refused with its findings, in the order of the source
 * and inside it; or it is compiled, to the same bytes each time, to documents that the engine loads
 * without a finding, syntax of their scripts included, and that can be drawn. */
#include "tests/fuzz/fuzz.h"

#include "format/json.h"
#include "format/xml.h"
#include "scxml/draw.h"
#include "scxml/ecmascript.h"
#include "strategy/compile.h"

enum { DOCUMENTS_LOOKED_AT = 3 }; /* a script heap each */

static void check_findings(const struct strategy_findings *findings, struct text in)
{
    uint32_t lines = 1;
    const struct strategy_finding *before = NULL;
    for (size_t i = 0; i < in.len; i++) lines += in.at[i] == '\n';
    for (const struct strategy_finding *at = findings->first; at != NULL; at = at->next) {
        FUZZ_CHECK(at->words.len > 0 && at->place.line >= 1 && at->place.line <= lines);
        FUZZ_CHECK(at->place.column >= 1 && at->place.column <= in.len + 1);
        FUZZ_CHECK(before == NULL || before->place.line <= at->place.line);
        before = at;
    }
}

static void check_drawing(const struct scxml_document *document, struct scope *scope)
{
    static const struct xml_limits limits = { 64 << 20, 16, 1000000 };
    struct buf drawing = { 0 };
    struct xml_node *root;
    struct fault fault = { 0 };
    scxml_draw(document, &drawing);
    FUZZ_CHECK(xml_read(buf_text(&drawing), &limits, scope, &root, NULL, NULL, &fault) == ERR_OK);
    buf_free(&drawing);
}

static void check_document(const struct strategy_output *output, struct scope *scope)
{
    struct scxml_findings findings = { 0 };
    struct scxml_load how = { .url = output->file_name };
    struct scxml_document *document;
    FUZZ_CHECK(scxml_load(output->text, &how, scope, &document, &findings) == ERR_OK);
    (void)scxml_ecmascript_check(document, true, scope, &findings);
    FUZZ_CHECK(findings.first == NULL);
    check_drawing(document, scope);
}

static void check_outputs(const struct strategy_output *once, const struct strategy_output *again,
                          struct scope *scope)
{
    uint32_t looked_at = 0;
    for (; once != NULL; once = once->next, again = again->next) {
        struct value value;
        FUZZ_CHECK(again != NULL && text_eq(once->text, again->text));
        FUZZ_CHECK(text_eq(once->file_name, again->file_name));
        FUZZ_CHECK(once->file_name.at[0] != '.');
        FUZZ_CHECK(text_find(once->file_name, '/', 0) == SIZE_MAX);
        if (!once->is_document)
            FUZZ_CHECK(json_read(once->text, scope, &value, NULL) == ERR_OK);
        else if (looked_at++ < DOCUMENTS_LOOKED_AT)
            check_document(once, scope);
    }
    FUZZ_CHECK(again == NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct text in = fuzz_text(data, size);
    struct strategy_source source = { TEXT("f"), in };
    struct strategy_findings findings = strategy_findings_in(scope), repeated = findings;
    struct strategy_output *once, *again;
    enum err err = strategy_build(&source, 1, scope, &once, &findings);
    check_findings(&findings, in);
    FUZZ_CHECK((err == ERR_OK) == (findings.error_count == 0));
    FUZZ_CHECK(strategy_build(&source, 1, scope, &again, &repeated) == err);
    if (!err) check_outputs(once, again, scope);
    scope_close(scope);
    return 0;
}
