/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_saved_fuzz.c - saved sessions. The bytes say which chart, which events it gets before it is
 * saved, and what is then changed in what was saved: so they reach behind the document's hash. A
 * first byte of 'r' gives the rest as it is, to a session, 'f' to a family. Promises
 * - what was saved and not changed is restored, saved alike, and goes on as the saved one does
 * - what was changed is refused with a reason, or is a session that can be saved, restored and
 *   stepped, and whose configuration is one: no more states than there are, each once */
#include "tests/fuzz/fuzz.h"

#include "scxml/host.h"

#include <string.h>

enum { EVENTS_MAX = 8, STEPS_MAX = 40, CHARTS = 4, STATES_MAX = 64 };

#define HEAD "<scxml xmlns='http://www.w3.org/2005/07/scxml' version='1.0' datamodel="

static const char *const charts[CHARTS] = {
    HEAD "'ecmascript'><datamodel><data id='n' expr='{a:[1,undefined,new Date(5)]}'/>"
         "<data id='f' expr='function(x){return x+1}'/></datamodel><script>var g=1;</script>"
         "<state id='p'><transition event='a' target='q'><assign location='n.b' expr='f(g)'/>"
         "<send event='c' delay='9s' namelist='n'/></transition></state>"
         "<state id='q'><transition event='b' target='p'/><transition event='c' target='z'>"
         "<log expr='JSON.stringify(n)'/></transition></state><final id='z'/></scxml>",
    HEAD
    "'null'><parallel id='p'><history id='hp'><transition target='x y'/></history>"
    "<state id='x' initial='x1'><history id='h' type='deep'><transition target='x2'/></history>"
    "<state id='x1'><transition event='a' target='x2'/></state>"
    "<state id='x2'><state id='x21'/><state id='x22'/><transition event='b' target='x22'/>"
    "</state></state><state id='y'><history id='hy'><transition target='y1'/></history>"
    "<state id='y1'><transition event='a' target='y2'/></state><state id='y2'/></state>"
    "<transition event='c' target='out'/></parallel><state id='out'>"
    "<transition event='a' target='h hy'/><transition event='b' target='hp'/></state></scxml>",
    HEAD "'ecmascript' binding='late'><datamodel><data id='n' expr='0'/></datamodel>"
         "<state id='s'><transition event='a' target='t'/></state><state id='t'><datamodel>"
         "<data id='m' expr='[n]'/></datamodel><transition event='b' target='s'>"
         "<foreach array='m' item='i'><assign location='n' expr='n+1'/></foreach></transition>"
         "</state></scxml>",
    HEAD "'ecmascript'><state id='s'><invoke id='k' autoforward='true'><content>"
         "<scxml version='1.0'><state/></scxml></content></invoke>"
         "<onentry><send event='c' target='#_k' delay='5s'><content>x</content></send></onentry>"
         "<transition event='a' target='t'/></state><state id='t'><invoke id='l' src='x'/>"
         "<transition event='b' target='s'/></state></scxml>",
};

static struct scope *life;
static struct scxml_host *host; /* keeps the documents */
static struct scxml_program *programs[CHARTS];

static void open_programs(void)
{
    static const struct scxml_host_options options = { .seed = 1 };
    static const struct scxml_host_hooks hooks;
    struct scxml_findings findings = { 0 };
    life = scope_new(NULL, "fuzz", SCOPE_NO_LIMIT);
    host = scxml_host_new(life, &options, &hooks, NULL);
    for (int i = 0; i < CHARTS; i++)
        FUZZ_CHECK(scxml_host_load(host, text_of(charts[i]), TEXT("chart"), life, &findings,
                                   &programs[i], NULL) == ERR_OK);
}

static struct scxml_session *restore(struct text saved, const struct scxml_program *program)
{
    struct scxml_session *session = NULL;
    struct fault fault = { 0 };
    enum err err = scxml_session_restore(saved, scxml_program_evaluator(program),
                                         scxml_program_document(program), NULL, NULL, 0, &session,
                                         &fault);
    FUZZ_CHECK((err == ERR_OK) == (session != NULL));
    if (err) fuzz_check_fault(err, &fault);
    return session;
}

static void check_configuration(const struct scxml_session *session,
                                const struct scxml_program *program)
{
    uint32_t states[STATES_MAX], count = scxml_configuration(session, states, STATES_MAX);
    FUZZ_CHECK(count <= STATES_MAX);
    for (uint32_t i = 0; i < count; i++) {
        FUZZ_CHECK(states[i] < scxml_program_document(program)->state_count);
        FUZZ_CHECK(i == 0 || states[i] > states[i - 1]);
    }
}

/* What it does on its way goes to `said`. */
static void go_on(struct scxml_session *session, struct scope *scope, struct buf *said)
{
    static const char *const names[] = { "a", "c", "b", "a", "b", "c" };
    uint64_t now_ms = 1000000;
    for (int i = 0; i < STEPS_MAX && !scxml_has_ended(session); i++) {
        struct scxml_effects effects = scxml_effects_in(scope);
        const struct scxml_event event = { .name = text_of(names[i % 6]) };
        if (i % 2) (void)scxml_post(session, &event);
        buf_format(said, "%d", (int)scxml_step(session, now_ms += 500, &effects));
        for (const struct scxml_effect *effect = effects.first; effect; effect = effect->next) {
            buf_format(said, " %d", (int)effect->kind);
            if (effect->kind == SCXML_DO_LOG) buf_add(said, effect->log.words);
            if (effect->kind == SCXML_DO_SEND) buf_add(said, effect->send.event.data.text);
        }
        uint32_t states[STATES_MAX], count = scxml_configuration(session, states, STATES_MAX);
        for (uint32_t s = 0; s < count; s++) buf_format(said, ",%u", states[s]);
    }
}

static struct scxml_session *begin(const struct scxml_program *program, const uint8_t *events,
                                   size_t count, struct scope *scope)
{
    static const char *const names[] = { "a", "b", "c", "d" };
    const struct scxml_birth birth = { .session_id = TEXT("S"), .seed = 7 };
    struct scxml_session *session;
    struct scxml_effects effects = scxml_effects_in(scope);
    FUZZ_CHECK(scxml_session_new(scxml_program_evaluator(program), scxml_program_document(program),
                                 NULL, &birth, &session, NULL) == ERR_OK);
    for (size_t i = 0; i < count && !scxml_has_ended(session); i++) {
        const struct scxml_event event = { .name = text_of(names[events[i] % 4]) };
        if (events[i] & 4) (void)scxml_post(session, &event);
        if (events[i] & 8) (void)scxml_step(session, 1000, &effects);
    }
    return session;
}

/* Four bytes each: where (two), how, and with what. */
static bool change(struct buf *saved, const uint8_t *data, size_t size)
{
    for (; size >= 4 && saved->len; data += 4, size -= 4) {
        size_t at = (size_t)(data[0] | data[1] << 8) % saved->len;
        char byte = (char)data[3];
        switch (data[2] % 4) {
        case 0: saved->at[at] = byte; break;
        case 1: saved->at[at] = (char)(saved->at[at] ^ (1 << (data[3] % 8))); break;
        case 2: saved->len = at; break;
        default:
            (void)buf_reserve(saved, 1);
            memmove(saved->at + at + 1, saved->at + at, saved->len++ - at);
            saved->at[at] = byte;
        }
    }
    return size >= 4 || saved->len == 0;
}

static void check_restored(struct scxml_session *session, const struct scxml_program *program,
                           struct text saved, bool is_changed, struct scope *scope)
{
    struct buf again = { 0 }, said = { 0 }, said_again = { 0 };
    check_configuration(session, program);
    enum err err = scxml_session_save(session, &again, NULL);
    FUZZ_CHECK(!err || is_changed);
    if (!is_changed) FUZZ_CHECK(text_eq(saved, buf_text(&again)));
    struct scxml_session *twin = err ? NULL : restore(buf_text(&again), program);
    FUZZ_CHECK(twin || err);
    go_on(session, scope, &said);
    if (twin) go_on(twin, scope, &said_again);
    if (twin) FUZZ_CHECK(text_eq(buf_text(&said), buf_text(&said_again)));
    scxml_session_free(twin);
    buf_free(&again);
    buf_free(&said);
    buf_free(&said_again);
}

static void run_edited(const uint8_t *data, size_t size, struct scope *scope)
{
    const struct scxml_program *program = programs[data[0] % CHARTS];
    size_t count = size > 1 ? data[1] % (EVENTS_MAX + 1) : 0;
    if (count + 2 > size) count = size > 2 ? size - 2 : 0;
    struct scxml_session *session = begin(program, data + 2, count, scope);
    struct buf saved = { 0 }, said = { 0 }, said_again = { 0 };
    if (!scxml_has_ended(session)) {
        FUZZ_CHECK(scxml_session_save(session, &saved, NULL) == ERR_OK);
        size_t used = 2 + count;
        bool is_changed = size >= used + 4;
        if (is_changed) (void)change(&saved, data + used, size - used);
        struct scxml_session *restored = restore(buf_text(&saved), program);
        FUZZ_CHECK(restored || is_changed);
        if (restored) check_restored(restored, program, buf_text(&saved), is_changed, scope);
        scxml_session_free(restored);
        if (!is_changed) {
            restored = restore(buf_text(&saved), program);
            go_on(restored, scope, &said);
            go_on(session, scope, &said_again);
            FUZZ_CHECK(text_eq(buf_text(&said), buf_text(&said_again)));
            scxml_session_free(restored);
        }
    }
    scxml_session_free(session);
    buf_free(&saved);
    buf_free(&said);
    buf_free(&said_again);
}

static void run_raw(struct text saved, struct scope *scope)
{
    for (int i = 0; i < CHARTS; i++) {
        struct scxml_session *session = restore(saved, programs[i]);
        if (session) check_restored(session, programs[i], saved, true, scope);
        scxml_session_free(session);
    }
}

static void run_family(struct text saved)
{
    static const struct scxml_host_options options = { .seed = 1 };
    static const struct scxml_host_hooks hooks;
    struct fault fault = { 0 };
    struct scxml_host *other = scxml_host_new(life, &options, &hooks, NULL);
    enum err err = scxml_host_restore(other, saved, &fault);
    if (err)
        fuzz_check_fault(err, &fault);
    else
        (void)scxml_host_run(other, 1000000, STEPS_MAX);
    scxml_host_close(other);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0) return 0;
    if (host == NULL) open_programs();
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    if (data[0] == 'r')
        run_raw(fuzz_text(data + 1, size - 1), scope);
    else if (data[0] == 'f')
        run_family(fuzz_text(data + 1, size - 1));
    else
        run_edited(data, size, scope);
    scope_close(scope);
    return 0;
}
