/* SPDX-License-Identifier: Apache-2.0 */
/* Syntax errors at their line and column (orchestration 4.2 item 8). */
#include "tests/unit/scxml/script.h"
#include "tests/unit/test.h"

static struct text findings_of(struct scripts *scripts, bool is_strict, enum err wanted)
{
    struct scxml_findings findings = { 0 };
    struct buf out = { 0 };
    static const struct text files[] = { { "chart.scxml", 11 } };
    scripts->document.files = files;
    scripts->document.file_count = 1;
    CHECK_I64(scxml_ecmascript_check(&scripts->document, is_strict, scripts->scope, &findings),
              wanted);
    scxml_findings_print(&out, &findings);
    struct text text = scope_keep(scripts->scope, buf_text(&out));
    buf_free(&out);
    return text;
}

static void add_at(struct scripts *scripts, enum scxml_expression_kind kind, const char *source,
                   uint32_t line, uint32_t column)
{
    scripts->expressions[scripts_add(scripts, kind, source)].place =
        (struct scxml_place){ 0, line, column };
}

TEST(errors_are_told_at_their_place_in_the_document)
{
    struct scripts scripts;
    scripts_begin(&scripts, NULL);
    add_at(&scripts, SCXML_SCRIPT, "var a = 1;\nvar b = ;\n", 10, 13);
    add_at(&scripts, SCXML_CONDITION, "a == ) 1", 20, 5);
    add_at(&scripts, SCXML_LOCATION, "a) = 1; (b", 30, 5);
    add_at(&scripts, SCXML_VALUE, "return", 40, 5);
    add_at(&scripts, SCXML_VALUE, "{a: 1}", 50, 5);
    add_at(&scripts, SCXML_LOCATION, "x.y[0]", 51, 5);
    add_at(&scripts, SCXML_SCRIPT, "function f() { return 1 }", 52, 5);
    add_at(&scripts, SCXML_VALUE, "'\xc3\xa4\xc3\xb6' + ]", 60, 5);
    CHECK_TEXT(findings_of(&scripts, true, ERR_INVALID),
               "chart.scxml:11:9: error: script: empty expression not allowed\n"
               "chart.scxml:20:10: error: condition: empty expression not allowed\n"
               "chart.scxml:30:6: error: location: unterminated statement\n"
               "chart.scxml:40:11: error: expression: invalid return\n"
               "chart.scxml:60:13: error: expression: parse error\n");
    scripts_end(&scripts);
}

TEST(they_are_warnings_unless_wanted_strictly_as_tests_expect_both_to_be_legal)
{
    struct scripts scripts;
    scripts_begin(&scripts, NULL);
    add_at(&scripts, SCXML_CONDITION, "return", 3, 4);
    CHECK_TEXT(findings_of(&scripts, false, ERR_OK),
               "chart.scxml:3:10: warning: condition: invalid return\n");
    scripts_end(&scripts);
}
