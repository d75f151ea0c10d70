/* SPDX-License-Identifier: Apache-2.0 */
/* The SCXML engine by itself, driven as a server drives it: scxml_load(), scxml_step().
 *
 *     scxml_bench entries FILE COUNTED SECONDS   FILE goes round for ever without events; how often
 *                    its state `mark` is entered. COUNTED is the same chart with a <log> in `mark`
 *     scxml_bench events FILE SESSIONS EVENTS    offers, with data, to sessions in turn
 *     scxml_bench idle FILE SESSIONS             what sessions weigh that wait for a timer
 *     scxml_bench save FILE TIMES                one session written and read back
 *     scxml_bench load FILE TIMES                from text to a document that is ready to run
 *
 * Times are CPU time: who shares the machine does not count. Prints one JSON object. */
#include "bench/measure.h"

#include "scxml/load.h"
#include "scxml/session.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_MS = 1700000000 };

struct program {
    struct scope *scope;
    struct scxml_document *document;
    struct scxml_evaluator *evaluator;
    const struct scxml_datamodel *datamodel;
};

/* --- small things ----------------------------------------------------------------------------- */

static void fail(const char *what, const char *why)
{
    fprintf(stderr, "scxml_bench: %s: %s\n", what, why);
    exit(1);
}

static struct text read_file(const char *path, struct scope *scope)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) fail(path, "cannot be read");
    char *bytes = scope_alloc(scope, SCXML_DOCUMENT_BYTES_MAX);
    size_t len = fread(bytes, 1, SCXML_DOCUMENT_BYTES_MAX, file);
    (void)fclose(file);
    return (struct text){ bytes, len };
}

/* --- documents -------------------------------------------------------------------------------- */

static struct program compile(struct text source, const struct scxml_limits *limits)
{
    struct program program = { .scope = scope_new(NULL, "document", SCOPE_NO_LIMIT) };
    struct scxml_findings findings = { 0 };
    struct fault fault = { 0 };
    const struct scxml_load how = { .url = TEXT("chart.scxml") };
    if (scxml_load(source, &how, program.scope, &program.document, &findings)) {
        struct buf words = { 0 };
        scxml_findings_print(&words, &findings);
        fprintf(stderr, "%.*s", (int)words.len, words.at);
        fail("chart", "refused");
    }
    program.datamodel = scxml_datamodel_of(program.document);
    if (program.datamodel->open(program.document, limits, &program.evaluator, &fault))
        fail("evaluator", fault.words);
    return program;
}

static void discard(struct program *program)
{
    program->datamodel->close(program->evaluator);
    scope_close(program->scope);
}

static struct scxml_session *new_session(const struct program *program,
                                         const struct scxml_limits *limits, uint32_t number)
{
    char id[32];
    int len = snprintf(id, sizeof id, "bench%08" PRIu32, number);
    const struct scxml_birth birth = { .session_id = { id, (size_t)len }, .seed = number };
    struct scxml_session *session;
    struct fault fault = { 0 };
    if (scxml_session_new(program->evaluator, program->document, limits, &birth, &session, &fault))
        fail("session", fault.words);
    return session;
}

/* Steps until it rests. */
static void run(struct scxml_session *session, struct scope *scope, uint64_t now_ms)
{
    struct scxml_effects effects = scxml_effects_in(scope);
    while (scxml_step(session, now_ms, &effects) == SCXML_STEPPED) {}
}

static void send(struct scxml_session *session, struct scope *scope, const char *name,
                 struct text data, uint64_t now_ms)
{
    const struct scxml_event event = { .name = text_of(name), .data = { SCXML_DATA_JSON, data } };
    if (scxml_post(session, &event)) fail(name, "was not taken");
    run(session, scope, now_ms);
}

/* --- entries: ends only by the limit of a macrostep's transitions --------------------------------
 */

static uint32_t count_logs(const struct scxml_effects *effects)
{
    uint32_t count = 0;
    for (const struct scxml_effect *effect = effects->first; effect; effect = effect->next)
        count += effect->kind == SCXML_DO_LOG && !effect->log.is_ours;
    return count;
}

/* How many <log>s there were. */
static uint32_t go_round(const struct program *program, uint32_t transitions)
{
    const struct scxml_limits limits = { .macrostep_transitions = transitions };
    struct scope *scope = scope_new(NULL, "effects", SCOPE_NO_LIMIT);
    struct scxml_effects effects = scxml_effects_in(scope);
    struct scxml_session *session = new_session(program, &limits, 1);
    if (scxml_step(session, START_MS, &effects) != SCXML_ENDED ||
        !text_starts(effects.last->end.reason, TEXT("error.platform.loop")))
        fail("chart", "does not go round for ever");
    uint32_t logs = count_logs(&effects);
    scxml_session_free(session);
    scope_close(scope);
    return logs;
}

static void entries(const char *path, const char *counted_path, double seconds)
{
    enum { TRIAL = 1000 };
    struct scope *scope = scope_new(NULL, "sources", SCOPE_NO_LIMIT);
    struct program counted = compile(read_file(counted_path, scope), NULL);
    double per_transition = (double)(go_round(&counted, TRIAL) - 1) / TRIAL;
    discard(&counted);
    struct program program = compile(read_file(path, scope), NULL);
    uint64_t transitions = 0;
    uint32_t at_once = TRIAL;
    double began_s = measure_cpu_s(), spent_s;
    do {
        double before_s = measure_cpu_s();
        (void)go_round(&program, at_once);
        transitions += at_once;
        if (measure_cpu_s() - before_s < 0.02) at_once *= 2;
        spent_s = measure_cpu_s() - began_s;
    } while (spent_s < seconds);
    printf("{\"entries\":%.0f,\"cpu_s\":%.6f,\"states\":%" PRIu32 "}\n",
           (double)transitions * per_transition, spent_s, program.document->state_count);
    discard(&program);
    scope_close(scope);
}

/* --- events ----------------------------------------------------------------------------------- */

/* The `i`th event that a session gets: an offer that fits, the end of it, one that does not fit. */
static struct text offer(uint32_t i, char *out, size_t room, const char **name)
{
    *name = i % 3 == 1 ? "done" : "offer";
    int len = snprintf(out, room,
                       "{\"id\":%" PRIu32
                       ",\"level\":%d,\"queue\":\"%s\",\"customer\":\"C%06" PRIu32 "\"}",
                       i / 3, i % 3 == 2 ? 7 : 2, "sales", i % 1000000);
    return (struct text){ out, (size_t)len };
}

static void events(const char *path, uint32_t session_count, uint32_t event_count)
{
    struct scope *scope = scope_new(NULL, "sources", SCOPE_NO_LIMIT);
    struct scope *scratch = scope_new(NULL, "effects", SCOPE_NO_LIMIT);
    const struct scxml_limits limits = { .heap_bytes = 4ull << 30 };
    struct program program = compile(read_file(path, scope), &limits);
    struct scxml_session **sessions = calloc(session_count, sizeof(struct scxml_session *));
    ASSERT(sessions != NULL);
    for (uint32_t i = 0; i < session_count; i++) {
        sessions[i] = new_session(&program, &limits, i);
        run(sessions[i], scratch, START_MS);
    }
    char data[200];
    const char *name;
    double began_s = measure_cpu_s();
    for (uint32_t i = 0; i < event_count; i++) {
        struct text text = offer(i / session_count, data, sizeof data, &name);
        send(sessions[i % session_count], scratch, name, text, START_MS + i);
        scope_reset(scratch);
    }
    double spent_s = measure_cpu_s() - began_s;
    printf("{\"events\":%" PRIu32 ",\"sessions\":%" PRIu32 ",\"cpu_s\":%.6f,\"resident\":%.0f}\n",
           event_count, session_count, spent_s, (double)measure_resident_bytes());
    for (uint32_t i = 0; i < session_count; i++) scxml_session_free(sessions[i]);
    free(sessions);
    discard(&program);
    scope_close(scratch);
    scope_close(scope);
}

/* --- idle sessions ---------------------------------------------------------------------------- */

/* Accepted, and waiting for its hour. */
static void make_wait(struct scxml_session *session, struct scope *scratch, uint32_t number)
{
    char data[200];
    int len = snprintf(data, sizeof data,
                       "{\"customer\":\"C%06" PRIu32 "\",\"phone\":\"+49305%08" PRIu32
                       "\",\"priority\":%" PRIu32 "}",
                       number, number, number % 10);
    run(session, scratch, START_MS);
    send(session, scratch, "callback.accepted", (struct text){ data, (size_t)len }, START_MS);
    if (scxml_next_due(session) == SCXML_NEVER) fail("session", "waits for no timer");
    scope_reset(scratch);
}

static void idle(const char *path, uint32_t session_count)
{
    struct scope *scope = scope_new(NULL, "sources", SCOPE_NO_LIMIT);
    struct scope *scratch = scope_new(NULL, "effects", SCOPE_NO_LIMIT);
    const struct scxml_limits limits = { .heap_bytes = 8ull << 30 };
    struct program program = compile(read_file(path, scope), &limits);
    struct scxml_session **sessions = calloc(session_count, sizeof(struct scxml_session *));
    ASSERT(sessions != NULL);
    double before = (double)measure_resident_bytes(), began_s = measure_cpu_s(), own = 0;
    for (uint32_t i = 0; i < session_count; i++) {
        sessions[i] = new_session(&program, &limits, i);
        make_wait(sessions[i], scratch, i);
        own += (double)scxml_session_bytes(sessions[i]);
    }
    double after = (double)measure_resident_bytes();
    printf("{\"sessions\":%" PRIu32 ",\"resident\":%.0f,\"bytes\":%.1f,\"outside_the_heap\":%.1f,"
           "\"start_us\":%.2f}\n",
           session_count, after, (after - before) / session_count, own / session_count,
           (measure_cpu_s() - began_s) / session_count * 1e6);
    for (uint32_t i = 0; i < session_count; i++) scxml_session_free(sessions[i]);
    free(sessions);
    discard(&program);
    scope_close(scratch);
    scope_close(scope);
}

/* --- saving and restoring --------------------------------------------------------------------- */

static void save(const char *path, uint32_t times)
{
    struct scope *scope = scope_new(NULL, "sources", SCOPE_NO_LIMIT);
    struct scope *scratch = scope_new(NULL, "effects", SCOPE_NO_LIMIT);
    struct program program = compile(read_file(path, scope), NULL);
    struct scxml_session *session = new_session(&program, NULL, 1);
    make_wait(session, scratch, 1);
    struct buf saved = { 0 }, again = { 0 };
    struct fault fault = { 0 };
    double saving_s = 0, restoring_s = 0;
    for (uint32_t i = 0; i < times; i++) {
        buf_clear(&saved);
        double began_s = measure_cpu_s();
        if (scxml_session_save(session, &saved, &fault)) fail("save", fault.words);
        double between_s = measure_cpu_s();
        scxml_session_free(session);
        if (scxml_session_restore(buf_text(&saved), program.evaluator, program.document, NULL, NULL,
                                  0, &session, &fault))
            fail("restore", fault.words);
        saving_s += between_s - began_s;
        restoring_s += measure_cpu_s() - between_s;
    }
    if (scxml_session_save(session, &again, &fault)) fail("save", fault.words);
    if (!text_eq(buf_text(&saved), buf_text(&again))) fail("restored session", "is another one");
    printf("{\"bytes\":%zu,\"save_us\":%.3f,\"restore_us\":%.3f}\n", saved.len,
           saving_s / times * 1e6, restoring_s / times * 1e6);
    scxml_session_free(session);
    buf_free(&saved);
    buf_free(&again);
    discard(&program);
    scope_close(scratch);
    scope_close(scope);
}

/* --- loading ---------------------------------------------------------------------------------- */

static void load(const char *path, uint32_t times)
{
    struct scope *scope = scope_new(NULL, "sources", SCOPE_NO_LIMIT);
    struct text source = read_file(path, scope);
    uint32_t states = 0;
    size_t bytes = 0;
    double began_s = measure_cpu_s();
    for (uint32_t i = 0; i < times; i++) {
        struct program program = compile(source, NULL);
        states = program.document->state_count;
        bytes = scope_bytes(program.scope);
        discard(&program);
    }
    printf("{\"states\":%" PRIu32 ",\"source\":%zu,\"compiled\":%zu,\"load_us\":%.1f}\n", states,
           source.len, bytes, (measure_cpu_s() - began_s) / times * 1e6);
    scope_close(scope);
}

/* --- words ------------------------------------------------------------------------------------ */

static uint32_t number(const char *word)
{
    uint32_t value = 0;
    if (text_to_u32(text_of(word), 1, 1000000000, &value)) fail(word, "is no number");
    return value;
}

int main(int count, char **words)
{
    struct text deed = text_of(count > 3 ? words[1] : "");
    if (text_eq(deed, TEXT("entries")) && count == 5)
        entries(words[2], words[3], number(words[4]));
    else if (text_eq(deed, TEXT("events")) && count == 5)
        events(words[2], number(words[3]), number(words[4]));
    else if (text_eq(deed, TEXT("idle")) && count == 4)
        idle(words[2], number(words[3]));
    else if (text_eq(deed, TEXT("save")) && count == 4)
        save(words[2], number(words[3]));
    else if (text_eq(deed, TEXT("load")) && count == 4)
        load(words[2], number(words[3]));
    else
        fail("usage", "see the head of scxml_bench.c");
    return 0;
}
