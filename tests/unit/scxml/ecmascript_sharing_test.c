/* SPDX-License-Identifier: Apache-2.0 */
/* All sessions of a document share one heap: each finds the built-in objects as if they were its
 * own, libraries may extend them, and nothing passes from one session to another (orchestration 4.2
 * item 1). */
#include "tests/unit/scxml/script.h"
#include "tests/unit/test.h"

static struct scripts scripts;
static struct scxml_variables *one, *two;

#define ONE(source, wanted) CHECK_TEXT(text_of(scripts_value(&scripts, one, source)), wanted)
#define TWO(source, wanted) CHECK_TEXT(text_of(scripts_value(&scripts, two, source)), wanted)
#define RUN(who, source)    CHECK_I64(scripts_run(&scripts, who, source), SCXML_DONE)

static void begin(void)
{
    scripts_begin(&scripts, NULL);
    one = scripts_open(&scripts);
    two = scripts_open(&scripts);
}

static void end(void)
{
    scripts_close(one);
    scripts_close(two);
    scripts_end(&scripts);
}

TEST(a_library_that_extends_built_ins_works_in_every_session)
{
    static const char library[] =
        "if (!Array.prototype.last) Array.prototype.last = function () { return this[this.length - "
        "1] };"
        "String.prototype.twice = function () { 'use strict'; return this + this };"
        "Object.defineProperty(Array.prototype, 'sum', { enumerable: false, value: function () {"
        "    return this.reduce(function (a, b) { return a + b }, 0) } });"
        "(function () { var calls = 0; Math.count = function () { return ++calls } })();"
        "Date.prototype.year = function () { return this.getUTCFullYear() };"
        "function Sub() {} Sub.prototype = Object.create(Array.prototype); "
        "Sub.prototype.constructor = Sub;"
        "Sub.prototype.toString = function () { 'use strict'; this.valueOf = 1; return 'sub' };";
    static const char use[] = "[[1, 2].last(), 'ab'.twice(), [1, 2, 3].sum(), Math.count(), new "
                              "Date().year(), '' + new Sub()]";
    begin();
    RUN(one, library);
    ONE(use, "[2,\"abab\",6,1,2023,\"sub\"]");
    RUN(two, library);
    TWO(use, "[2,\"abab\",6,1,2023,\"sub\"]");
    ONE("Math.count()", "2");
    TWO("Math.count()", "2");
    struct scxml_variables *three = scripts_open(&scripts);
    CHECK_TEXT(text_of(scripts_value(&scripts, three,
                                     "[typeof [].last, typeof ''.twice, typeof Math.count]")),
               "[\"undefined\",\"undefined\",\"undefined\"]");
    scripts_close(three);
    scripts_close(one);
    TWO("Math.count()", "3");
    one = scripts_open(&scripts);
    ONE("typeof Math.count", "\"undefined\"");
    end();
}

TEST(nothing_passes_from_one_session_to_another)
{
    static const char *const changes[] = {
        "Object.prototype.leak = 1",
        "Array.prototype.push = function () { return 'mine' }",
        "Math.PI2 = 6; Math.max.leak = 1",
        "delete Array.prototype.slice",
        "JSON.parse = 3; JSON = 4",
        "Object.defineProperty(String.prototype, 'trim', { get: function () { return 5 } })",
        "Error.prototype.name = 'Mine'; Error.prototype.stack = 1",
        "Function.prototype.call.leak = 1",
        "In = 1; parseDate.leak = 2",
        "Object.getPrototypeOf(this).leak = 1",
        "Object.getPrototypeOf(Object.getPrototypeOf(this)).leak2 = 1",
        "(function () { return this })().leak3 = 1",
        "new Function('return this')().leak4 = 1",
        "Object.prototype.__defineGetter__('leak5', function () { return 1 })",
        "RegExp.prototype.leak = 1; Date.prototype.leak = 2",
        "Symbol.prototype.leak = 1; Uint8Array.prototype.leak = 2; Proxy.leak = 3; Reflect.leak = "
        "4",
        "isNaN = undefined; undefined2 = 1; parseInt.leak = 1",
    };
    static const char look[] =
        "(function () { var o = {}, found = []; for (var k in o) found.push(k);"
        " return [found, typeof leak3, typeof leak4, typeof leak, [].push(1), Math.PI2, "
        "Math.max.leak, typeof [].slice,"
        " typeof JSON.parse, typeof ' '.trim, new Error('x').name, Function.prototype.call.leak, "
        "typeof In, parseDate.leak,"
        " RegExp.prototype.leak, Uint8Array.prototype.leak, Proxy.leak, Reflect.leak, typeof "
        "isNaN, parseInt.leak] })()";
    begin();
    const char *pristine = scripts_value(&scripts, two, look);
    for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
        RUN(one, changes[i]);
        TWO(look, pristine);
    }
    ONE("[{}.leak, [].push(1), Math.PI2, typeof [].slice, JSON, 'x'.trim, new Error().name, In]",
        "[1,\"mine\",6,\"undefined\",4,5,\"Mine\",1]");
    end();
}

TEST(what_a_session_changed_is_there_whenever_it_runs)
{
    begin();
    RUN(one, "Array.prototype.push = function () { return 'mine' }; delete Math.max; Math.min = 7;"
             "Object.defineProperty(Math, 'now', { get: function () { return x }, configurable: "
             "true }); var x = 3");
    for (int i = 0; i < 3; i++) {
        TWO("[[].push(1), typeof Math.max, typeof Math.min, typeof Math.now]",
            "[1,\"function\",\"function\",\"undefined\"]");
        ONE("[[].push(1), typeof Math.max, Math.min, Math.now]", "[\"mine\",\"undefined\",7,3]");
    }
    RUN(one, "Math.min = 8; delete Math.now; Math.max = 9; delete Array.prototype.push");
    TWO("[[].push(1), typeof Math.max, typeof Math.min, typeof Math.now]",
        "[1,\"function\",\"function\",\"undefined\"]");
    ONE("[typeof [].push, Math.max, Math.min, typeof Math.now]",
        "[\"undefined\",9,8,\"undefined\"]");
    end();
}

TEST(what_is_no_property_of_a_built_in_stays_as_it_is)
{
    static const char *const refused[] = {
        "Object.setPrototypeOf(Array.prototype, null)",
        "Array.prototype.__proto__ = {}",
        "Object.freeze(Math)",
        "Object.preventExtensions(Object.prototype)",
        "Array.prototype.push.call(Array.prototype, 1)",
        "Array.prototype[0] = 1",
        "Array.prototype.length = 3",
        "Object.defineProperty(Array.prototype, 'length', { writable: false })",
        "Object.defineProperty(Array.prototype, '4', { get: Math.random, configurable: true })",
        "Object.setPrototypeOf(this, {})",
        "this.__proto__ = null",
        "for (var i = 0; i < 2000; i++) Math['k' + i] = i",
    };
    begin();
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        CHECK_I64(scripts_run(&scripts, one, refused[i]), SCXML_FAILED);
        TWO("[[].length, [][0], Object.isExtensible({}), typeof Math.k1]",
            "[0,null,true,\"undefined\"]");
    }
    CHECK_TEXT(text_of(scripts_value(&scripts, one, "Reflect.setPrototypeOf(Math, null)")),
               "false");
    end();
}

TEST(fields_of_the_event_cannot_be_written_in_sloppy_code_either)
{
    begin();
    struct scxml_event event = { .name = TEXT("go"),
                                 .data = { SCXML_DATA_JSON, TEXT("{\"a\":1}") } };
    scxml_ecmascript.set_event(one, &event, &scripts.fault);
    static const char *const writes[] = { "_event.name = 'x'",
                                          "_event.more = 1",
                                          "_event.data = 2",
                                          "_x.params = 1",
                                          "_x.params.n = 2",
                                          "_ioprocessors.scxml = 1",
                                          "_ioprocessors.scxml.location = 1",
                                          "_x.more = 2" };
    for (size_t i = 0; i < sizeof writes / sizeof *writes; i++)
        CHECK_I64(scripts_run(&scripts, one, writes[i]), SCXML_FAILED);
    RUN(one,
        "_event.data.a = 2; _event.data.b = 3; var frozen = Object.freeze({ a: 1 }); frozen.a = 2");
    ONE("[_event.name, _event.data, frozen.a, _x.params.n]", "[\"go\",{\"a\":2,\"b\":3},1,\"1\"]");
    end();
}

TEST(what_one_session_assigns_another_cannot_look_up)
{
    begin();
    RUN(one, "var secret = { a: 1 }, copy");
    CHECK_I64(scripts_assign(&scripts, one, "copy", "secret"), SCXML_DONE);
    CHECK_I64(scripts_assign(&scripts, one, "copy.x.y", "secret"), SCXML_FAILED);
    TWO("typeof __carillon_assigned_value", "\"undefined\"");
    ONE("typeof __carillon_assigned_value", "\"undefined\"");
    end();
}
