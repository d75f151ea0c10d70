/* SPDX-License-Identifier: Apache-2.0 */
/* A session's data written and read back, in another heap (orchestration 12; datamodel.h). */
#include "tests/unit/scxml/script.h"
#include "tests/unit/test.h"

static struct scripts scripts;
static struct scxml_variables *one;
static struct buf saved;
static uint32_t lost;

#define VALUE(source, wanted) CHECK_TEXT(text_of(scripts_value(&scripts, one, source)), wanted)
#define RUN(source)           CHECK_I64(scripts_run(&scripts, one, source), SCXML_DONE)

static void begin(void)
{
    const struct scxml_limits limits = { .script_ms = 500 * TEST_SLOWER };
    scripts_begin(&scripts, &limits);
    one = scripts_open(&scripts);
}

static void save(void)
{
    buf_clear(&saved);
    CHECK_I64(scxml_ecmascript.save(one, &saved, &lost, &scripts.fault), SCXML_DONE);
}

static void end(void)
{
    scripts_close(one);
    scripts_end(&scripts);
}

/* Another process: a new heap, whose top-level script is run first. */
static enum scxml_verdict move(const char *script)
{
    end();
    begin();
    RUN(script);
    return scxml_ecmascript.restore(one, buf_text(&saved), &scripts.fault);
}

static void finish(void)
{
    end();
    buf_free(&saved);
}

TEST(values_come_back_as_they_were)
{
    begin();
    RUN("var u, n = null, t = true, i = 42, f = -1.5e-7, z = -0, w = NaN, p = Infinity, m = "
        "-Infinity,"
        "s = 'a\"\\n\\u00e4\\ud83d\\ude00', o = { a: [1, , { b: undefined }], '$': 'x' }, d = new "
        "Date(5)");
    save();
    CHECK_U32(lost, 0);
    CHECK_I64(move("var u = 1, old = 3"), SCXML_DONE);
    VALUE("[u === undefined, n, t, i, f, 1 / z, isNaN(w), p, m]",
          "[true,null,true,42,-1.5e-7,null,true,null,null]");
    VALUE("1 / z === -Infinity && p === Infinity && m === -Infinity", "true");
    VALUE("s === 'a\"\\n\\u00e4\\ud83d\\ude00'", "true");
    VALUE("[o, 'b' in o.a[2], d instanceof Date, d.getTime()]",
          "[{\"a\":[1,null,{}],\"$\":\"x\"},true,true,5]");
    finish();
}

TEST(saving_twice_gives_the_same_bytes_and_so_does_saving_what_was_restored)
{
    begin();
    RUN("var o = { b: 1, a: [true, { x: 'y' }] }, r = Math.random()");
    save();
    struct buf first = { 0 };
    buf_add(&first, buf_text(&saved));
    save();
    CHECK_TEXT(buf_text(&saved), scope_keep_z(scripts.scope, buf_text(&first)));
    CHECK_I64(move("var o, r"), SCXML_DONE);
    save();
    CHECK_TEXT(buf_text(&saved), scope_keep_z(scripts.scope, buf_text(&first)));
    buf_free(&first);
    finish();
}

TEST(functions_come_back_by_the_scripts_also_inside_objects)
{
    static const char script[] = "function Point(x) { this.x = x } Point.prototype.twice = "
                                 "function () { return this.x * 2 };"
                                 "var lib = { count: 0, inc: function () { return ++this.count } "
                                 "}, p = new Point(1), gone = { a: 1 }";
    begin();
    RUN(script);
    RUN("lib.inc(); lib.inc(); p.x = 21; delete gone.a; gone.b = 2");
    save();
    CHECK_U32(lost, 0);
    CHECK_I64(move(script), SCXML_DONE);
    VALUE("[lib.count, lib.inc(), p.twice(), gone]", "[2,3,42,{\"b\":2}]");
    finish();
}

TEST(what_has_no_form_is_counted_and_kills_nothing)
{
    begin();
    RUN("var c = {}; c.self = c; var r = /x/g, b = new Uint8Array(3), ok = 1, g = {}, y = "
        "Symbol('s');"
        "Object.defineProperty(g, 'x', { enumerable: true, get: function () { throw 1 } });"
        "var deep = {}; for (var i = 0, at = deep; i < 1000; i++) at = at.d = {}; at = 0");
    save();
    CHECK_U32(lost, 5);
    CHECK_I64(move(""), SCXML_DONE);
    VALUE("[ok, typeof c.self, typeof r, typeof b, typeof g, typeof deep.d.d]",
          "[1,\"undefined\",\"undefined\",\"undefined\",\"undefined\",\"object\"]");
    finish();
}

TEST(data_that_are_vast_when_spelt_out_are_refused)
{
    begin();
    RUN("var a = ['x']; for (var i = 0; i < 40; i++) a = [a, a]");
    CHECK(scxml_ecmascript.save(one, &saved, &lost, &scripts.fault) != SCXML_DONE);
    CHECK_U32(saved.len, 0);
    VALUE("a.length", "2");
    finish();
}

TEST(the_event_and_the_state_of_chance_come_along)
{
    begin();
    struct scxml_event event = { .name = TEXT("go"),
                                 .data = { SCXML_DATA_XML, TEXT("<a b=\"c\">t</a>") } };
    scxml_ecmascript.set_event(one, &event, &scripts.fault);
    RUN("Math.random(); var keep = _event.data");
    save();
    const char *next =
        scope_keep_z(scripts.scope, text_of(scripts_value(&scripts, one, "Math.random()")));
    char number[64];
    CHECK_OK(text_to_z(text_of(next), number, sizeof number));
    CHECK_I64(move(""), SCXML_DONE);
    VALUE("Math.random()", number);
    VALUE("[_event.name, typeof _event.sendid, 'raw' in _event, Object.isFrozen(_event)]",
          "[\"go\",\"undefined\",true,true]");
    VALUE("keep", "<a b=\"c\">t</a>");
    VALUE("_event.data.documentElement.getAttribute('b')", "\"c\"");
    finish();
}

TEST(what_was_not_saved_is_refused)
{
    static const char *const wrong[] = {
        "",
        "{",
        "[]",
        "1",
        "null",
        "{}",
        "{\"#state\":1}",
        "{\"#state\":{}}",
        "{\"#state\":{\"chance\":\"-1\"}}",
        "{\"#state\":{\"chance\":\"1\"},\"_event\":1}",
        "{\"#state\":{\"chance\":\"1\"},\"a\":{\"$\":\"what\",\"value\":1}}",
        "{\"#state\":{\"chance\":\"1\"},\"a\":{\"$\":1}}",
        "{\"#state\":{\"chance\":\"1\"},\"a\":{\"$\":\"xml\",\"value\":\"<a\"}}",
        "{\"#state\":{\"chance\":\"1\",\"event\":3}}",
    };
    begin();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CHECK_I64(scxml_ecmascript.restore(one, text_of(wrong[i]), &scripts.fault), SCXML_FAILED);
    end();
}

TEST(names_that_are_taken_are_lost_and_the_rest_comes_back)
{
    begin();
    RUN("this['#state'] = 1; Object.defineProperty(this, '_event', { value: 2, enumerable: true "
        "}); var a = 3");
    save();
    CHECK_U32(lost, 2);
    CHECK_I64(move(""), SCXML_DONE);
    VALUE("[a, typeof _event]", "[3,\"undefined\"]");
    finish();
}

/* Data, their text and what is read from it lie in the heap at once. */
TEST(as_much_as_a_session_may_hold_comes_back)
{
    static const char *const large[] = {
        "var a = []; for (var i = 0; i < 40000; i++) a.push(0.1 + i)",
        "var a = []; for (var i = 0; i < 40000; i++) a.push({ i: i, s: 'x' + i })",
        "var a = 'x'.repeat(6e6)",
    };
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        begin();
        RUN(large[i]);
        save();
        CHECK_I64(move(""), SCXML_DONE);
        VALUE("a.length > 30000", "true");
        finish();
    }
}

TEST(what_is_gone_stays_gone)
{
    static const char script[] = "var u = 1, w = 2, f = 3";
    begin();
    RUN(script);
    RUN("delete u; f = function () {}");
    save();
    CHECK_I64(move(script), SCXML_DONE);
    VALUE("[typeof u, w, typeof f]", "[\"undefined\",2,\"undefined\"]");
    finish();
}

TEST(declared_data_that_became_a_function_is_undefined)
{
    begin();
    CHECK_I64(scxml_ecmascript.declare(one, TEXT("f"), &scripts.fault), SCXML_DONE);
    RUN("f = function () {}");
    save();
    end();
    begin();
    CHECK_I64(scxml_ecmascript.declare(one, TEXT("f"), &scripts.fault), SCXML_DONE);
    RUN("f = 5");
    CHECK_I64(scxml_ecmascript.restore(one, buf_text(&saved), &scripts.fault), SCXML_DONE);
    VALUE("typeof f", "\"undefined\"");
    finish();
}

/* What an object inherits is nothing that saved members go into. */
TEST(saved_members_do_not_reach_built_ins)
{
    begin();
    RUN("var o = JSON.parse('{\"__proto__\": {\"x\": 1}, \"valueOf\": {\"y\": 1}}'); Math = { z: 1 "
        "}");
    save();
    CHECK_I64(move(""), SCXML_DONE);
    VALUE("[({}).x, o.x, ({}).valueOf.y, Object.keys(o), typeof Math.max, Math.z]",
          "[null,null,null,[\"__proto__\",\"valueOf\"],\"undefined\",1]");
    finish();
}
