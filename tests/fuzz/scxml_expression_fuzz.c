/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_expression_fuzz.c - expressions, scripts, payloads and saved data for the ECMAScript data
 * model. Each line of the input is a deed of one session: s a script, v a value, c a condition, t a
 * string, l a location that is assigned to, j an event with JSON, x an event with XML, b a body, f
 * a loop's array, r saved data. Promises:
 * - every deed ends, with a verdict and, where it is not done, a reason; the heap lives on
 * - a second session of the same heap sees nothing of it
 * - a value that leaves is what its kind says: UTF-8, and JSON that can be read
 * - data that can be saved can be restored in a fresh heap, and are saved alike from there */
#include "tests/fuzz/fuzz.h"

#include "scxml/ecmascript.h"

enum {
    DEEDS_MAX = 24,
    SCRIPT_MS = 20,
    HEAP_BYTES = 24 * 1024 * 1024,
    SESSION_BYTES = 2 * 1024 * 1024
};

struct run {
    struct scope *scope;
    struct scxml_expression expressions[DEEDS_MAX + 2];
    struct scxml_document document;
    struct scxml_evaluator *evaluator;
    struct scxml_variables *actor, *witness;
};

enum { PROBE = DEEDS_MAX, ONE };

/* Whatever a neighbour could have left behind in what all share. */
static const char probe[] =
    "(function () { var seen = []; for (var k in {}) seen.push(k); for (k in []) seen.push(k);"
    "function f() {} for (k in f) seen.push(k); for (k in '') seen.push(k);"
    "return [seen, own, [3, 1, 2].sort().join(), 'a-b'.split('-').length, 'x'.replace(/x/, 'y'),"
    "JSON.stringify({ a: [1] }), Object.keys({ b: 1 })[0], typeof In, Math.max(1, 2), new "
    "Date(0).toISOString(),"
    "Object.getOwnPropertyNames(Object.getPrototypeOf(this)).length, typeof leak, isNaN(NaN),"
    "Object.getOwnPropertyNames(Array.prototype).length, "
    "Object.getOwnPropertyNames(String.prototype).length] })()";

static bool is_active(void *self, struct text state)
{
    (void)self;
    return state.len == 1;
}

/* All scripts of a macrostep share their time. */
static void begin_macrostep(struct scxml_variables *variables)
{
    scxml_ecmascript.set_time(variables, 1700000000000);
}

static struct scxml_variables *open_session(struct scxml_evaluator *evaluator)
{
    static const struct scxml_frame frame = {
        .session_id = { "s", 1 }, .name = { "n", 1 }, .seed = 1, .is_active = is_active
    };
    struct scxml_variables *variables;
    FUZZ_CHECK(scxml_ecmascript.open_session(evaluator, &frame, &variables) == SCXML_DONE);
    begin_macrostep(variables);
    return variables;
}

static void check_verdict(enum scxml_verdict verdict, const struct fault *fault)
{
    FUZZ_CHECK(verdict <= SCXML_EXHAUSTED);
    FUZZ_CHECK(verdict == SCXML_DONE || text_is_utf8(text_of(fault->words)) || fault->words[0]);
}

static void check_payload(struct run *run, const struct scxml_payload *payload)
{
    FUZZ_CHECK(text_is_utf8(payload->text));
    if (payload->kind != SCXML_DATA_JSON) return;
    struct fault fault = { 0 };
    struct scxml_payload back;
    begin_macrostep(run->witness);
    scxml_ecmascript.set(run->witness, TEXT("copy"), payload, &fault);
    FUZZ_CHECK(scxml_ecmascript.value(run->witness, ONE, run->scope, &back, &fault) == SCXML_DONE);
}

static struct text look(struct run *run)
{
    struct fault fault = { 0 };
    struct scxml_payload seen = { 0 };
    begin_macrostep(run->witness);
    FUZZ_CHECK(scxml_ecmascript.value(run->witness, PROBE, run->scope, &seen, &fault) ==
               SCXML_DONE);
    return seen.text;
}

static enum scxml_verdict perform(struct run *run, char kind, scxml_expression_id id,
                                  struct fault *fault)
{
    struct text source = run->expressions[id].source;
    struct scxml_variables *actor = run->actor;
    struct scxml_payload payload = { 0 };
    struct scxml_event event = { .name = TEXT("e.f"), .raw = source };
    struct text words;
    bool truth;
    uint32_t loop, count;
    enum scxml_verdict verdict;
    switch (kind) {
    case 'v':
        verdict = scxml_ecmascript.value(actor, id, run->scope, &payload, fault);
        if (verdict == SCXML_DONE) check_payload(run, &payload);
        return verdict;
    case 'c': return scxml_ecmascript.condition(actor, id, &truth, fault);
    case 't':
        verdict = scxml_ecmascript.string(actor, id, run->scope, &words, fault);
        FUZZ_CHECK(verdict != SCXML_DONE || text_is_utf8(words));
        return verdict;
    case 'l': return scxml_ecmascript.assign(actor, id, ONE, fault);
    case 'j':
    case 'x':
        event.data =
            (struct scxml_payload){ kind == 'j' ? SCXML_DATA_JSON : SCXML_DATA_XML, source };
        return scxml_ecmascript.set_event(actor, &event, fault);
    case 'b':
        payload = (struct scxml_payload){ SCXML_DATA_BODY, source };
        return scxml_ecmascript.set(actor, TEXT("body"), &payload, fault);
    case 'f':
        verdict = scxml_ecmascript.begin_loop(actor, id, TEXT("item"), TEXT("index"), &loop, &count,
                                              fault);
        if (verdict != SCXML_DONE) return verdict;
        for (uint32_t i = 0; i < count && i < 4; i++)
            scxml_ecmascript.set_item(actor, loop, i, TEXT("item"), TEXT("index"), fault);
        scxml_ecmascript.end_loop(actor, loop);
        return verdict;
    case 'r': return scxml_ecmascript.restore(actor, source, fault);
    default: return scxml_ecmascript.run(actor, id, fault);
    }
}

/* In a fresh heap, as in another process. */
static void check_saved(struct run *run)
{
    struct fault fault = { 0 };
    struct buf saved = { 0 }, again = { 0 };
    uint32_t lost;
    struct scxml_limits limits = { .heap_bytes = HEAP_BYTES * 4,
                                   .session_bytes = SESSION_BYTES * 8 };
    begin_macrostep(run->actor);
    if (scxml_ecmascript.save(run->actor, &saved, &lost, &fault) == SCXML_DONE) {
        struct scxml_evaluator *other;
        FUZZ_CHECK(text_is_utf8(buf_text(&saved)));
        FUZZ_CHECK(scxml_ecmascript.open(&run->document, &limits, &other, &fault) == ERR_OK);
        struct scxml_variables *back = open_session(other);
        FUZZ_CHECK(scxml_ecmascript.restore(back, buf_text(&saved), &fault) == SCXML_DONE);
        FUZZ_CHECK(scxml_ecmascript.save(back, &again, &lost, &fault) == SCXML_DONE);
        FUZZ_CHECK(lost == 0 && text_eq(buf_text(&saved), buf_text(&again)));
        scxml_ecmascript.close_session(back);
        scxml_ecmascript.close(other);
    }
    buf_free(&saved);
    buf_free(&again);
}

static void begin(struct run *run)
{
    static const struct scxml_limits limits = { .script_ms = SCRIPT_MS,
                                                .heap_bytes = HEAP_BYTES,
                                                .session_bytes = SESSION_BYTES };
    struct fault fault = { 0 };
    struct scxml_payload own = { SCXML_DATA_JSON, TEXT("{\"a\":[1,2]}") };
    run->scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    run->expressions[PROBE] = (struct scxml_expression){ SCXML_VALUE, TEXT(probe), { 0, 1, 1 } };
    run->expressions[ONE] = (struct scxml_expression){ SCXML_VALUE, TEXT("1"), { 0, 1, 1 } };
    run->document = (struct scxml_document){ .is_ecmascript = true,
                                             .expressions = run->expressions,
                                             .expression_count = DEEDS_MAX + 2 };
    FUZZ_CHECK(scxml_ecmascript.open(&run->document, &limits, &run->evaluator, &fault) == ERR_OK);
    run->actor = open_session(run->evaluator);
    run->witness = open_session(run->evaluator);
    FUZZ_CHECK(scxml_ecmascript.set(run->witness, TEXT("own"), &own, &fault) == SCXML_DONE);
    FUZZ_CHECK(scxml_ecmascript.declare(run->actor, TEXT("x"), &fault) == SCXML_DONE);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct run run = { 0 };
    struct text rest = fuzz_text(data, size), line;
    begin(&run);
    struct text pristine = look(&run);
    for (scxml_expression_id id = 0; id < DEEDS_MAX && fuzz_line(&rest, &line); id++) {
        struct fault fault = { 0 };
        char kind = line.len ? line.at[0] : 's';
        run.expressions[id] = (struct scxml_expression){ kind == 'l'   ? SCXML_LOCATION
                                                         : kind == 's' ? SCXML_SCRIPT
                                                                       : SCXML_VALUE,
                                                         text_slice(line, 1, SIZE_MAX),
                                                         { 0, 1, 1 } };
        begin_macrostep(run.actor);
        enum scxml_verdict verdict = perform(&run, kind, id, &fault);
        check_verdict(verdict, &fault);
        FUZZ_CHECK(text_eq(look(&run), pristine));
        if (verdict == SCXML_EXHAUSTED) break;
    }
    check_saved(&run);
    FUZZ_CHECK(text_eq(look(&run), pristine));
    scxml_ecmascript.close_session(run.actor);
    FUZZ_CHECK(text_eq(look(&run), pristine));
    scxml_ecmascript.close_session(run.witness);
    scxml_ecmascript.close(run.evaluator);
    scope_close(run.scope);
    return 0;
}
