/* SPDX-License-Identifier: Apache-2.0 */
/* What a document's scripts find and may do (orchestration 3.3, 4.2). */
#include "tests/unit/scxml/script.h"
#include "tests/unit/test.h"

static struct scripts scripts;
static struct scxml_variables *one;

#define VALUE(source, wanted) CHECK_TEXT(text_of(scripts_value(&scripts, one, source)), wanted)
#define RUN(source)           CHECK_I64(scripts_run(&scripts, one, source), SCXML_DONE)
#define FAILS(source)         CHECK_I64(scripts_run(&scripts, one, source), SCXML_FAILED)

static void begin(void)
{
    scripts_begin(&scripts, NULL);
    one = scripts_open(&scripts);
}

static void end(void)
{
    scripts_close(one);
    scripts_end(&scripts);
}

static enum scxml_verdict declare(const char *id)
{
    return scxml_ecmascript.declare(one, text_of(id), &scripts.fault);
}

TEST(an_expression_is_tried_in_parentheses_then_as_it_stands)
{
    begin();
    VALUE("{a:1}", "{\"a\":1}");
    VALUE("function(x){ return x }", "undefined");
    VALUE("1; // the last word", "1");
    VALUE("1 // a comment", "1");
    VALUE("return", "! SyntaxError: invalid return (line 1, end of input)");
    VALUE("", "undefined");
    end();
}

TEST(variables_are_declared_set_and_assigned)
{
    begin();
    CHECK_I64(declare("x"), SCXML_DONE);
    VALUE("typeof x", "\"undefined\"");
    CHECK_I64(scripts_assign(&scripts, one, "x", "{a:[1]}"), SCXML_DONE);
    CHECK_I64(scripts_assign(&scripts, one, "x.a[1]", "x.a[0] + 1"), SCXML_DONE);
    VALUE("x", "{\"a\":[1,2]}");
    CHECK_I64(scripts_assign(&scripts, one, "this.x", "1"), SCXML_DONE);
    VALUE("x", "1");
    end();
}

TEST(what_is_no_place_cannot_be_assigned)
{
    begin();
    static const char *const places[] = { "unknown",
                                          "1",
                                          "x +",
                                          "a) = 1; (b",
                                          "return",
                                          "f()",
                                          "_event",
                                          "_sessionid",
                                          "_name",
                                          "_x",
                                          "_ioprocessors",
                                          "_event.name",
                                          "_ioprocessors.scxml",
                                          "" };
    for (size_t i = 0; i < sizeof places / sizeof *places; i++)
        CHECK_I64(scripts_assign(&scripts, one, places[i], "2"), SCXML_FAILED);
    VALUE("typeof unknown", "\"undefined\"");
    VALUE("_sessionid", "\"S1\"");
    end();
}

TEST(scripts_declare_variables_and_functions_of_the_session)
{
    begin();
    RUN("var a = 1; function twice(n) { return n * 2 } b = twice(a)");
    VALUE("[a, b, twice(21), typeof twice, this.a]", "[1,2,42,\"function\",1]");
    RUN("a = 5; (function () { a++; var a2 = 1; })()");
    VALUE("[a, typeof a2]", "[6,\"undefined\"]");
    RUN("c = new Function('return a')(); d = (0, eval)('var e = 3; a + 1')");
    VALUE("[c, d, e]", "[6,7,3]");
    end();
}

TEST(sessions_of_a_document_do_not_see_each_other)
{
    begin();
    struct scxml_variables *two = scripts_open(&scripts);
    RUN("var x = 'one'; y = 'one'; function who() { return x }");
    CHECK_TEXT(text_of(scripts_value(&scripts, two, "[typeof x, typeof y, typeof who]")),
               "[\"undefined\",\"undefined\",\"undefined\"]");
    CHECK_I64(scripts_run(&scripts, two, "var x = 'two'; function who() { return x }"), SCXML_DONE);
    VALUE("who()", "\"one\"");
    CHECK_TEXT(text_of(scripts_value(&scripts, two, "who()")), "\"two\"");
    scripts_close(two);
    VALUE("who()", "\"one\"");
    end();
}

TEST(system_variables_are_there_and_read_only_in_sloppy_code_too)
{
    begin();
    VALUE("[_sessionid, _name, In('busy'), In('idle'), typeof _event]",
          "[\"S1\",\"chart\",true,false,\"undefined\"]");
    VALUE("_ioprocessors.scxml.location", "\"#_scxml_S1\"");
    VALUE("_ioprocessors['" SCXML_EVENT_PROCESSOR "'].location", "\"#_scxml_S1\"");
    VALUE("_x.params", "{\"n\":\"1\"}");
    FAILS("_sessionid = 1");
    FAILS("_event = 1");
    FAILS("_x = 1");
    FAILS("var _name = 1");
    FAILS("function _ioprocessors() {}");
    CHECK_I64(declare("_event"), SCXML_FAILED);
    VALUE("[_sessionid, _name]", "[\"S1\",\"chart\"]");
    end();
}

TEST(an_event_has_all_its_fields)
{
    begin();
    struct scxml_event event = { .name = TEXT("go.now"),
                                 .type = SCXML_EXTERNAL,
                                 .data = { SCXML_DATA_JSON, TEXT("{\"a\":{\"b\":1}}") } };
    CHECK_I64(scxml_ecmascript.set_event(one, &event, &scripts.fault), SCXML_DONE);
    VALUE("Object.getOwnPropertyNames(_event).sort()",
          "[\"data\",\"invokeid\",\"name\",\"origin\",\"origintype\",\"raw\",\"sendid\",\"type\"]");
    VALUE("[_event.name, _event.type, typeof _event.sendid, typeof _event.raw]",
          "[\"go.now\",\"external\",\"undefined\",\"undefined\"]");
    RUN("_event.data.a.b = 2");
    VALUE("_event.data", "{\"a\":{\"b\":2}}");
    VALUE("_event === _event", "true");
    event = (struct scxml_event){ .name = TEXT("next"), .send_id = TEXT("s"), .raw = TEXT("POST") };
    scxml_ecmascript.set_event(one, &event, &scripts.fault);
    VALUE("[_event.name, _event.sendid, _event.raw, typeof _event.data]",
          "[\"next\",\"s\",\"POST\",\"undefined\"]");
    end();
}

TEST(a_body_is_json_or_a_string_with_its_blanks_normalised)
{
    begin();
    declare("v");
    struct {
        const char *body, *value;
    } cases[] = {
        { " [1, 2] ", "[1,2]" },
        { "  two\n  words ", "\"two words\"" },
        { "{a:1}", "\"{a:1}\"" },
        { "\"t\"", "\"t\"" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct scxml_payload body = { SCXML_DATA_BODY, text_of(cases[i].body) };
        CHECK_I64(scxml_ecmascript.set(one, TEXT("v"), &body, &scripts.fault), SCXML_DONE);
        VALUE("v", cases[i].value);
    }
    struct scxml_payload text = { SCXML_DATA_TEXT, TEXT("[1]") };
    scxml_ecmascript.set(one, TEXT("v"), &text, &scripts.fault);
    VALUE("v", "\"[1]\"");
    end();
}

TEST(characters_beyond_the_basic_plane_are_two_units_inside_and_utf8_outside)
{
    begin();
    declare("v");
    struct scxml_payload text = { SCXML_DATA_TEXT, TEXT("a\xf0\x9f\x98\x80z\xff") };
    scxml_ecmascript.set(one, TEXT("v"), &text, &scripts.fault);
    VALUE("v.length", "5");
    VALUE("v", "\"a\xf0\x9f\x98\x80z\xef\xbf\xbd\"");
    VALUE("v.charCodeAt(1)", "55357");
    VALUE("v.substring(0, 2)", "\"a\xef\xbf\xbd\"");
    VALUE("'\xf0\x9f\x98\x80'.length", "2");
    end();
}

TEST(a_loop_walks_over_a_copy)
{
    begin();
    RUN("a = [10, 20]");
    uint32_t loop, count;
    scxml_expression_id array = scripts_add(&scripts, SCXML_VALUE, "a");
    CHECK_I64(scxml_ecmascript.begin_loop(one, array, TEXT("item"), TEXT("i"), &loop, &count,
                                          &scripts.fault),
              SCXML_DONE);
    CHECK_U32(count, 2);
    RUN("a.push(30); a[1] = 0");
    CHECK_I64(scxml_ecmascript.set_item(one, loop, 1, TEXT("item"), TEXT("i"), &scripts.fault),
              SCXML_DONE);
    VALUE("[item, i]", "[20,1]");
    scxml_ecmascript.end_loop(one, loop);
    static const char *const names[] = { "continue", "a.b", "1a", "", "_event", "a-b" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        CHECK_I64(scxml_ecmascript.begin_loop(one, array, text_of(names[i]), TEXT(""), &loop,
                                              &count, &scripts.fault),
                  SCXML_FAILED);
    CHECK_I64(scxml_ecmascript.begin_loop(one, scripts_add(&scripts, SCXML_VALUE, "'abc'"),
                                          TEXT("item"), TEXT(""), &loop, &count, &scripts.fault),
              SCXML_FAILED);
    end();
}

TEST(time_and_chance_are_the_sessions)
{
    begin();
    struct scxml_variables *two = scripts_open(&scripts);
    VALUE("[Date.now(), new Date().getTimezoneOffset(), new Date().toISOString()]",
          "[1700000000000,0,\"2023-11-14T22:13:20.000Z\"]");
    scxml_ecmascript.set_time(two, 1000);
    CHECK_TEXT(text_of(scripts_value(&scripts, two, "Date.now()")), "1000");
    const char *first = scripts_value(&scripts, one, "[Math.random(), Math.random()]");
    CHECK_TEXT(text_of(scripts_value(&scripts, two, "[Math.random(), Math.random()]")), first);
    VALUE("Date.parse('Sun, 06 Nov 1994 08:49:37 GMT')", "784111777000");
    VALUE("Date.parse('6 Nov 1994 08:49 +0130')", "784106340000");
    VALUE("parseDate('Sun, 06 Nov 1994 08:49:37 GMT')", "\"1994-11-06T08:49:37.000Z\"");
    VALUE("Date.parse('no day')", "null");
    scripts_close(two);
    end();
}

TEST(scenario_O16_data_of_product_documents_is_the_same_by_both_names)
{
    scripts_begin_legacy(&scripts);
    one = scripts_open(&scripts);
    CHECK_I64(declare("x"), SCXML_DONE);
    RUN("_data.x = 3");
    VALUE("x == 3", "true");
    CHECK_I64(scripts_assign(&scripts, one, "x", "4"), SCXML_DONE);
    VALUE("_data.x", "4");
    CHECK_I64(scripts_assign(&scripts, one, "_data.x", "_data.x + 1"), SCXML_DONE);
    RUN("_data.y = x + 1; var z = y");
    VALUE("_data", "{\"x\":5,\"z\":6,\"y\":6}");
    FAILS("_data = 1");
    end();
}

TEST(what_scripts_have_no_business_with_is_not_there)
{
    begin();
    VALUE("[typeof Duktape, typeof Buffer, typeof CBOR, typeof performance, typeof _data,"
          "typeof String.fromBufferRaw, typeof require, typeof print, typeof setTimeout]"
          ".filter(function (t) { return t !== 'undefined' })",
          "[]");
    VALUE("String.fromCharCode(0x10041)", "\"A\"");
    VALUE("globalThis === this", "true");
    end();
}
