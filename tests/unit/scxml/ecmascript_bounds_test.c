/* SPDX-License-Identifier: Apache-2.0 */
/* Nothing that a document contains can stop its server: each script here would run for ever, or eat
 * all memory, and ends within 100 ms of its limit; the heap serves other sessions afterwards
 * (orchestration 3.5, 14: O18). Times are CPU time, as the limit is. */
#include <stdio.h>

#include "tests/unit/scxml/script.h"
#include "tests/unit/test.h"

enum { LIMIT_MS = 50, LONG_LIMIT_MS = 500 * TEST_SLOWER, OVER_MS = 100 * TEST_SLOWER };

static struct scripts scripts;
static struct scxml_variables *one, *other;
static uint32_t limit_ms;

static void begin_for(uint32_t script_ms)
{
    struct scxml_limits limits = { .script_ms = script_ms };
    limit_ms = script_ms;
    scripts_begin(&scripts, &limits);
    one = scripts_open(&scripts);
    other = scripts_open(&scripts);
    CHECK_I64(scripts_run(&scripts, other, "var mine = [1, 2, 3], n = 0"), SCXML_DONE);
}

static void begin(void)
{
    begin_for(LIMIT_MS);
}

static void check_others_live(void)
{
    scxml_ecmascript.set_time(other, 0); /* a step of its own */
    CHECK_TEXT(text_of(scripts_value(&scripts, other, "++n && mine.concat(4).join('-')")),
               "\"1-2-3-4\"");
}

static void end(void)
{
    check_others_live();
    scripts_close(one);
    scripts_close(other);
    scripts_end(&scripts);
}

static void check_within_limit(const char *source, uint64_t took)
{
    if (took > limit_ms + OVER_MS) fprintf(stderr, "%u ms: %s\n", (unsigned)took, source);
    CHECK(took <= limit_ms + OVER_MS);
}

/* Stopped by its time. */
static void runs_over(const char *source)
{
    uint64_t started = scripts_cpu_ms();
    enum scxml_verdict verdict = scripts_run(&scripts, one, source);
    if (verdict != SCXML_OVERRUN)
        fprintf(stderr, "verdict %d (%s): %s\n", (int)verdict, scripts.fault.words, source);
    CHECK_I64(verdict, SCXML_OVERRUN);
    check_within_limit(source, scripts_cpu_ms() - started);
    check_others_live();
}

/* Refused, stopped or even finished: in any case soon. A session that ate its memory ends. */
static void ends_soon(const char *source)
{
    uint64_t started = scripts_cpu_ms();
    enum scxml_verdict verdict = scripts_run(&scripts, one, source);
    check_within_limit(source, scripts_cpu_ms() - started);
    if (verdict == SCXML_EXHAUSTED) {
        scripts_close(one);
        one = scripts_open(&scripts);
    }
    check_others_live();
}

static void exhausts(const char *source)
{
    uint64_t started = scripts_cpu_ms();
    enum scxml_verdict verdict = scripts_run(&scripts, one, source);
    if (verdict != SCXML_EXHAUSTED)
        fprintf(stderr, "verdict %d (%s): %s\n", (int)verdict, scripts.fault.words, source);
    CHECK_I64(verdict, SCXML_EXHAUSTED);
    check_within_limit(source, scripts_cpu_ms() - started);
    scripts_close(one);
    one = scripts_open(&scripts);
    check_others_live();
}

TEST(scenario_O18_endless_loops_are_stopped)
{
    begin();
    runs_over("while (true) {}");
    runs_over("for (;;) { n2 = (typeof n2 === 'number' ? n2 : 0) + 1 }");
    runs_over("do { var x = Math.sin(1) } while (1)");
    runs_over("(function f() { for (;;) f.call })()");
    runs_over("with ({ a: 1 }) { while (a) {} }");
    runs_over("eval('while (1) {}')");
    runs_over("new Function('while (1) {}')()");
    runs_over("label: for (;;) { for (;;) { continue label } }");
    end();
}

TEST(expressions_and_conditions_are_stopped_too)
{
    begin();
    bool truth;
    struct scxml_payload payload;
    struct text text;
    static const char endless[] = "(function () { while (1) {} })()";
    CHECK_I64(scxml_ecmascript.condition(one, scripts_add(&scripts, SCXML_CONDITION, endless),
                                         &truth, &scripts.fault),
              SCXML_OVERRUN);
    CHECK_I64(scxml_ecmascript.value(one, scripts_add(&scripts, SCXML_VALUE, endless),
                                     scripts.scope, &payload, &scripts.fault),
              SCXML_OVERRUN);
    CHECK_I64(scxml_ecmascript.string(one,
                                      scripts_add(&scripts, SCXML_VALUE,
                                                  "({ toString: function () { while (1) {} } })"),
                                      scripts.scope, &text, &scripts.fault),
              SCXML_OVERRUN);
    CHECK_I64(scripts_assign(&scripts, one, "this[(function () { while (1) {} })()]", "1"),
              SCXML_OVERRUN);
    end();
}

TEST(catching_the_error_does_not_help)
{
    begin();
    runs_over("for (;;) { try { while (1) {} } catch (e) { } }");
    runs_over("for (;;) { try { while (1) {} } finally { continue } }");
    runs_over("function f() { try { while (1) {} } catch (e) { f() } } f()");
    runs_over("function g() { try { while (1) {} } finally { g() } } g()");
    runs_over("for (;;) { try { new Array(4294967295).join() } catch (e) { } }");
    runs_over(
        "for (;;) { try { JSON.parse('[' + new Array(1e5).join('1,') + '1]') } catch (e) { } }");
    end();
}

TEST(getters_traps_and_conversions_are_stopped)
{
    begin();
    runs_over("({ get x() { while (1) {} } }).x");
    runs_over("({ set x(v) { while (1) {} } }).x = 1");
    runs_over("new Proxy({}, { get: function () { while (1) {} } }).x");
    runs_over("new Proxy({}, { has: function (t, k) { while (1) {} } }).x; 'x' in new Proxy({}, { "
              "has: function () { while (1) {} } })");
    runs_over("'' + { toString: function () { while (1) {} } }");
    runs_over("1 * { valueOf: function () { while (1) {} } }");
    runs_over("[3, 2, 1].sort(function () { while (1) {} })");
    runs_over("JSON.stringify({ toJSON: function () { while (1) {} } })");
    runs_over("'a'.replace(/a/, function () { while (1) {} })");
    runs_over("throw { toString: function () { while (1) {} } }");
    runs_over(
        "throw Object.create(Error.prototype, { message: { get: function () { while (1) {} } } })");
    end();
}

TEST(native_loops_over_vast_arrays_are_stopped)
{
    static const char *const scripts_of[] = {
        "new Array(4294967295).sort()",
        "new Array(4294967295).indexOf(1)",
        "new Array(4294967295).lastIndexOf(1)",
        "new Array(4294967295).forEach(function () {})",
        "new Array(4294967295).map(function () {})",
        "new Array(4294967295).reduce(function () {}, 0)",
        "new Array(4294967295).join()",
        "new Array(4294967295).reverse()",
        "new Array(4294967295).shift()",
        "new Array(4294967294).unshift(1)",
        "new Array(4294967295).slice(1)",
        "new Array(4294967295).splice(0, 4294967290)",
        "new Array(4294967295).concat([1])",
        "JSON.stringify(new Array(4294967295))",
        "String(new Array(4294967295))",
        "Array.prototype.indexOf.call({ length: 4294967295 }, 1)",
        "Array.prototype.join.call({ length: 4294967295 })",
        "Array.prototype.every.call(new Proxy({ length: 4294967295 }, {}), function () { return "
        "true })",
        "var a = []; a[4000000000] = 1; a.sort()",
        "Math.max.apply(null, new Array(4294967295))",
        "String.fromCharCode.apply(null, { length: 4294967295 })",
        "new Uint8Array({ length: 4294967295 })",
        "Object.defineProperties({}, new Proxy({}, { ownKeys: function () { return new "
        "Array(100000000) } }))",
    };
    begin();
    for (size_t i = 0; i < sizeof scripts_of / sizeof *scripts_of; i++) ends_soon(scripts_of[i]);
    end();
}

TEST(long_strings_are_handled_within_bounds)
{
    static const char long_text[] = "var s = 'a'; while (s.length < 1000000) s += s; var u = "
                                    "'\\u00e4' + s + '\\u00e4'; var i = 0, r;"
                                    "var t = s.substring(0, 500000) + 'b'";
    static const char *const scripts_of[] = {
        "for (;;) s.indexOf(t)",
        "for (;;) s.lastIndexOf(t)",
        "for (;;) s.split(t)",
        "for (;;) s.split('')",
        "for (;;) s.replace(t, '')",
        "for (;;) s.replace(/a/g, 'bb')",
        "for (;;) s.match(/a/g)",
        "for (;;) s.search(/b/)",
        "for (;;) u.charAt(500000)",
        "for (;;) u.charCodeAt(i = (i + 333333) % 900000)",
        "for (;;) u.toUpperCase()",
        "for (var w = u; w.length < 200000;) w += '\\u0434\\u00fc'; for (;;) w.toUpperCase()",
        "for (var w = '\\u0434'; w.length < 200000;) w += w; for (;;) /\\u0434*x/i.test(w)",
        "for (;;) encodeURIComponent(u)",
        "for (;;) escape(u)",
        "for (;;) unescape(s)",
        "for (;;) r = s < t",
        "for (;;) s.localeCompare(t)",
        "for (;;) r = +s",
        "for (;;) parseFloat(s)",
        "for (;;) r = s + i++",
        "for (;;) r = s.substring(1)",
        "for (;;) r = s.trim()",
        "for (;;) JSON.stringify(s)",
        "for (;;) JSON.parse('\"' + s + '\"')",
        "for (;;) eval('\"' + s + '\"')",
        "for (;;) new RegExp(s)",
        "for (;;) s.concat(s)",
        "for (;;) 'x'.repeat(1000000)",
        "for (;;) Object.keys(s)",
        "for (var k in new String(s)) r = k",
        "for (;;) new TextEncoder().encode(s)",
        "for (;;) u.normalize ? u.normalize() : u.toLowerCase()",
        "for (;;) (1e-300 / ++i).toString()",
        "for (;;) (++i / 3).toString(7)",
        "'x'.repeat(1e9)",
        "'abc'.repeat(4294967295)",
        "new Array(1e8).join('abc')",
    };
    begin();
    for (size_t i = 0; i < sizeof scripts_of / sizeof *scripts_of; i++) {
        CHECK_I64(scripts_run(&scripts, one, long_text), SCXML_DONE);
        ends_soon(scripts_of[i]);
    }
    end();
}

TEST(regular_expressions_are_bounded)
{
    static const char *const scripts_of[] = {
        "/(a+)+b/.exec('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa')",
        "/^(a|a)*$/.test(new Array(60).join('a') + 'b')",
        "/(.*)*x/.test(new Array(60).join('ab'))",
        "/(x+x+)+y/.exec(new Array(60).join('x'))",
        "/(a*)*\\1b/.exec(new Array(5000).join('a'))",
        "for (;;) try { /(a+)+b/.exec(new Array(40).join('a')) } catch (e) { }",
        "/((((((((((a{1,100}){1,100}){1,100}){1,100}){1,100}){1,100}))))){1,100}/.exec('b')",
        "new RegExp('(?:a{1000}){1000}')",
        "new RegExp(new Array(100000).join('a|'))",
        "new RegExp(new Array(20000).join('(') + 'a' + new Array(20000).join(')'))",
        "new RegExp('[' + new Array(100000).join('a-z') + ']', 'i')",
        "for (;;) new RegExp('[\\\\u0000-\\\\uffff]', 'i')",
        "new Array(100000).join('a').replace(/(?=(a*))/g, '$1$1$1$1')",
        "new Array(30000).join('a').split(/(?:a?a?a?)*b/)",
    };
    begin();
    for (size_t i = 0; i < sizeof scripts_of / sizeof *scripts_of; i++) ends_soon(scripts_of[i]);
    end();
}

TEST(objects_made_to_be_slow_are_bounded)
{
    static const char *const scripts_of[] = {
        "var o = {}; for (var i = 0; i < 60000; i++) o[(i * 7919) % 60000 + 100000] = 1; for (;;) "
        "Object.keys(o)",
        "var a = []; a[4e9] = 1; for (var i = 0; i < 50000; i++) a[i * 2] = 1; for (var n = 4e9;; "
        "n--) a.length = n",
        "var o = {}; for (var i = 0; i < 50000; i++) o['k' + i] = 1; for (;;) Object.freeze(o)",
        "var o = {}; for (var i = 0; i < 50000; i++) o['k' + i] = 1; for (;;) Object.isFrozen(o)",
        "var p = {}; for (var i = 0; i < 100000; i++) p = Object.create(p); for (;;) p.x",
        "var a = []; for (var i = 0; i < 100000; i++) a.push(i); for (;;) a.shift(a.push(1))",
        "var a = new Uint8Array(4000000), b = new Float32Array(1000000); for (;;) "
        "a.set(a.subarray(1))",
        "var b = new Float64Array(500000), a = new Uint8Array(500000); for (;;) b.set(a)",
        "var f = function () {}; for (;;) f = f.bind(null)",
        "for (;;) new Uint8Array(1000000)",
        "var e; for (;;) try { null.x } catch (x) { e = x.stack }",
        "for (;;) Symbol('x'.repeat(1000))",
    };
    begin();
    for (size_t i = 0; i < sizeof scripts_of / sizeof *scripts_of; i++) ends_soon(scripts_of[i]);
    end();
}

TEST(memory_is_bounded_and_given_back)
{
    begin_for(LONG_LIMIT_MS);
    exhausts("var a = []; for (;;) a.push('x'.repeat(10000) + a.length)");
    exhausts("var s = 'x'; for (;;) s += s");
    exhausts("var o = {}; for (var i = 0;; i++) o['k' + i] = { i: i }");
    exhausts("'x'.repeat(1e9)");
    exhausts("new Uint8Array(1e9)");
    exhausts("var a = []; for (;;) try { a.push(new Uint8Array(1e6)) } catch (e) { a.push(e) }");
    exhausts("function f() { var big = new Uint8Array(1e5); return f.call(null, big) + 1 } f()");
    size_t before = scxml_ecmascript.bytes(scripts.evaluator);
    CHECK(before < 4 * 1024 * 1024);
    end();
}

TEST(garbage_in_circles_does_not_exhaust_a_session)
{
    begin_for(LONG_LIMIT_MS);
    for (int i = 0; i < 20; i++)
        CHECK_I64(scripts_run(&scripts, one,
                              "for (var i = 0; i < 3000; i++) { var o = { p: new "
                              "Array(20).join('x') + i }; o.o = o }"),
                  SCXML_DONE);
    end();
}

/* What others make is collected while this one does nothing, and stays on its account. */
TEST(sessions_that_make_garbage_in_turn_are_not_exhausted)
{
    begin_for(LONG_LIMIT_MS);
    int failed = 0;
    for (int i = 0; i < 600; i++) {
        const char *source = "for (var i = 0; i < 600; i++) { var o = { p: [i] }; o.o = o }"
                             "kept = (this.kept || 'x') + i";
        failed += scripts_run(&scripts, i % 2 ? one : other, source) != SCXML_DONE;
    }
    CHECK_I64(failed, 0);
    end();
}

/* A collection follows each link of them. */
TEST(long_chains_do_not_make_collections_long)
{
    begin_for(LONG_LIMIT_MS);
    struct scxml_variables *chains[4];
    for (int i = 0; i < 4; i++) {
        chains[i] = scripts_open(&scripts);
        CHECK_I64(scripts_run(&scripts, chains[i],
                              "var root = {}, tail = root;"
                              "for (var i = 0; i < 78000; i++) { tail.n = {}; tail = tail.n }"),
                  SCXML_DONE);
    }
    runs_over("for (;;) { var o = {}; o.o = o }");
    exhausts("var all = []; for (;;) all.push({})");
    for (int i = 0; i < 4; i++) scripts_close(chains[i]);
    end();
}

TEST(recursion_is_bounded)
{
    static const char *const scripts_of[] = {
        "function f() { return f() + 1 } f()",
        "function f() { f.apply(null, arguments) } f()",
        "var o = {}; o.toString = function () { return '' + o }; '' + o",
        "var a = []; a[0] = a; a.join(); for (var i = 0, b = []; i < 100000; i++) b = [b]; "
        "String(b)",
        "for (var i = 0, b = []; i < 100000; i++) b = [b]; JSON.stringify(b)",
        "JSON.parse(new Array(100000).join('['))",
        "eval(new Array(100000).join('('))",
        "eval(new Array(20000).join('{') + new Array(20000).join('}'))",
        "eval(new Array(20000).join('[') + new Array(20000).join(']'))",
        "eval('1' + new Array(100000).join('+1'))",
        "eval('a' + new Array(100000).join('.a'))",
        "eval(new Array(50000).join('!') + '1')",
        "eval(new Array(50000).join('function f() {') + new Array(50000).join('}'))",
        "var p = {}; for (var i = 0; i < 50000; i++) p = new Proxy(p, {}); p.x",
        "var p = {}; for (var i = 0; i < 5000; i++) p = new Proxy({}, { get: (function (q) { "
        "return function () { return q.x } })(p) }); p.x",
        "var d = { get x() { return d.x } }; d.x",
        "[1, 2].sort(function c() { [1, 2].sort(c) })",
        "'a'.replace(/a/, function c() { 'a'.replace(/a/, c) })",
    };
    begin();
    for (size_t i = 0; i < sizeof scripts_of / sizeof *scripts_of; i++) ends_soon(scripts_of[i]);
    end();
}

TEST(what_is_thrown_need_be_no_error)
{
    begin();
    static const char *const thrown[] = { "throw 1",
                                          "throw null",
                                          "throw undefined",
                                          "throw {}",
                                          "throw Object.create(null)",
                                          "throw Symbol('s')",
                                          "throw function () {}",
                                          "throw { toString: 1 }",
                                          "throw { toString: function () { throw this } }",
                                          "throw new Proxy({}, { get: function () { throw 2 } })" };
    for (size_t i = 0; i < sizeof thrown / sizeof *thrown; i++)
        CHECK_I64(scripts_run(&scripts, one, thrown[i]), SCXML_FAILED);
    end();
}

TEST(a_loop_counts_as_one_script_with_all_that_runs_in_it)
{
    begin();
    uint32_t loop, count;
    scxml_expression_id array = scripts_add(&scripts, SCXML_VALUE, "[1, 2, 3]");
    CHECK_I64(
        scxml_ecmascript.begin_loop(one, array, TEXT("x"), TEXT(""), &loop, &count, &scripts.fault),
        SCXML_DONE);
    uint64_t started = scripts_cpu_ms();
    enum scxml_verdict verdict = SCXML_DONE;
    for (int i = 0; i < 100 && verdict == SCXML_DONE; i++) {
        verdict = scripts_run(&scripts, one, "for (var j = 0; j < 30000; j++) {}");
        if (verdict == SCXML_DONE)
            verdict = scxml_ecmascript.set_item(one, loop, 1, TEXT("x"), TEXT(""), &scripts.fault);
    }
    CHECK_I64(verdict, SCXML_OVERRUN);
    CHECK_I64(scripts_run(&scripts, one, "while (1) {}"), SCXML_OVERRUN);
    check_within_limit("loop", scripts_cpu_ms() - started);
    scxml_ecmascript.end_loop(one, loop);
    CHECK_I64(scripts_run(&scripts, one, "var done = 1"), SCXML_DONE);
    CHECK_I64(scxml_ecmascript.begin_loop(
                  one, scripts_add(&scripts, SCXML_VALUE, "new Array(4294967295)"), TEXT("x"),
                  TEXT(""), &loop, &count, &scripts.fault),
              SCXML_OVERRUN);
    end();
}
