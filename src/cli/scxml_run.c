/* SPDX-License-Identifier: Apache-2.0 */
/* One document's session: lines in, lines out. Standard output is flushed by the drivers, before
 * they wait for input. */
#include "cli/scxml_run.h"

#include "cli/scxml_file.h"
#include "cli/scxml_line.h"
#include "cli/scxml_record.h"
#include "cli/scxml_saved.h"
#include "format/json.h"

#include <inttypes.h>
#include <string.h>

/* --- what is printed ------------------------------------------------------------------------- */

static void print(const struct buf *out)
{
    (void)fwrite(out->at, 1, out->len, stdout);
}

static void print_names(const struct scxml_run *run, const struct text *names, uint32_t count)
{
    struct buf out = { 0 };
    if (run->options->wants_json) {
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_name(&json, TEXT("configuration"));
        json_begin_array(&json);
        for (uint32_t i = 0; i < count; i++) json_put_text(&json, names[i]);
        json_end_array(&json);
        json_end_object(&json);
    } else {
        for (uint32_t i = 0; i < count; i++) {
            if (i) buf_add_byte(&out, ' ');
            buf_add(&out, names[i]);
        }
    }
    buf_add_byte(&out, '\n');
    print(&out);
    buf_free(&out);
}

static void print_final(const struct scxml_run *run, struct text final)
{
    struct buf out = { 0 };
    if (run->options->wants_json) {
        struct json_writer json = json_writer(&out);
        json_begin_object(&json);
        json_put_name(&json, TEXT("final"));
        json_put_text(&json, final);
        json_end_object(&json);
    } else {
        buf_add(&out, TEXT("final "));
        buf_add(&out, final);
    }
    buf_add_byte(&out, '\n');
    print(&out);
    buf_free(&out);
}

static void print_configuration(const struct scxml_run *run, const struct scxml_session *session)
{
    const struct scxml_document *document = scxml_program_document(run->program);
    uint32_t count = scxml_configuration(session, NULL, 0);
    struct scope *scope = scope_new(NULL, "configuration", SCOPE_NO_LIMIT);
    uint32_t *states = scope_alloc_array(scope, count + 1, sizeof *states);
    struct text *names = scope_alloc_array(scope, count + 1, sizeof *names);
    (void)scxml_configuration(session, states, count);
    for (uint32_t i = 0; i < count; i++) names[i] = document->states[states[i]].id;
    print_names(run, names, count);
    scope_close(scope);
}

/* --- what the host tells --------------------------------------------------------------------- */

static bool is_main(const struct scxml_run *run, const struct scxml_session *session)
{
    return text_eq(scxml_session_id(session), run->main_id);
}

/* The macrostep that ends the session has left all states: what was active is the final state. */
static void on_step(void *self, const struct scxml_session *session, enum scxml_outcome outcome,
                    const struct scxml_effects *effects)
{
    struct scxml_run *run = self;
    if (run->record) scxml_record_step(run->record, session, effects);
    if (!is_main(run, session) || outcome == SCXML_RESTING) return;
    const struct scxml_effect *last = effects->last;
    if (last == NULL || last->kind != SCXML_DO_END)
        print_configuration(run, session);
    else if (last->end.final.len)
        print_names(run, &last->end.final, 1);
}

static void print_place(const struct scxml_run *run, struct scxml_place place)
{
    const struct scxml_document *document = scxml_program_document(run->program);
    if (place.line && place.file < document->file_count)
        fprintf(stderr, "%.*s:%" PRIu32 ":%" PRIu32 ": ", TEXT_ARG(document->files[place.file]),
                place.line, place.column);
}

static void on_log(void *self, const struct scxml_session *session, const struct scxml_effect *log)
{
    struct scxml_run *run = self;
    if (log->log.is_ours && is_main(run, session)) print_place(run, log->log.place);
    if (log->log.label.len) fprintf(stderr, "%.*s: ", TEXT_ARG(log->log.label));
    fprintf(stderr, "%.*s\n", TEXT_ARG(log->log.words));
}

static void on_end(void *self, const struct scxml_session *session, const struct scxml_effect *end)
{
    struct scxml_run *run = self;
    if (end->end.reason.len)
        fprintf(stderr, "carillon scxml: session %.*s was terminated: %.*s\n",
                TEXT_ARG(scxml_session_id(session)), TEXT_ARG(end->end.reason));
    if (!is_main(run, session)) return;
    run->has_ended = true;
    if (end->end.final.len) print_final(run, end->end.final);
}

/* --- the run --------------------------------------------------------------------------------- */

static void print_findings(const struct scxml_findings *findings)
{
    struct buf out = { 0 };
    scxml_findings_print(&out, findings);
    if (out.len) (void)fwrite(out.at, 1, out.len, stderr);
    buf_free(&out);
}

static int complain(const struct fault *fault)
{
    fprintf(stderr, "carillon scxml: %s\n", fault->words);
    return 2;
}

static int load(struct scxml_run *run)
{
    struct fault fault = { 0 };
    struct scxml_findings findings = { 0 };
    struct text source, url = text_of(run->options->path);
    if (scxml_file_fetch(NULL, url, run->life, &source, &fault)) return complain(&fault);
    enum err err =
        scxml_host_load(run->host, source, url, run->life, &findings, &run->program, &fault);
    print_findings(&findings);
    if (err && findings.error_count == 0) return complain(&fault);
    return err ? 2 : 0;
}

static int start(struct scxml_run *run)
{
    struct fault fault = { 0 };
    struct text id;
    if (scxml_host_start(run->host, run->program, NULL, (struct scxml_payload){ 0 }, &id, &fault))
        return complain(&fault);
    run->main_id = scope_keep(run->life, id);
    return 0;
}

static int restore(struct scxml_run *run)
{
    struct fault fault = { 0 };
    struct scxml_saved saved;
    const char *path = run->options->restore_path;
    if (scxml_saved_read(path, run->life, &saved, &fault) ||
        scxml_host_restore(run->host, saved.family, &fault))
        return complain(&fault);
    if (scxml_host_program_of(run->host, saved.main_id) != run->program) {
        fprintf(stderr, "carillon scxml: %s was a run of another document\n", path);
        return 2;
    }
    run->main_id = saved.main_id;
    run->saved_ms = saved.now_ms;
    return 0;
}

static int begin_record(struct scxml_run *run, const struct scxml_host_options *host)
{
    struct fault fault = { 0 };
    const char *path = run->options->record_path;
    if (path && scxml_record_new(run->life, path, &run->record, &fault)) return complain(&fault);
    if (run->record == NULL) return 0;
    const struct scxml_record_head head = { .document_hash =
                                                scxml_program_document(run->program)->hash,
                                            .seed = host->seed,
                                            .http_location = host->http_location,
                                            .http_location_end = host->http_location_end };
    scxml_record_begin(run->record, &head);
    return 0;
}

int scxml_run_open(struct scxml_run *run, const struct scxml_run_options *options,
                   struct scope *life, struct text http_location, struct text http_location_end,
                   void (*send_http)(void *self, const struct scxml_session *session,
                                     const struct scxml_message *message, uint64_t call))
{
    run->options = options;
    run->life = life;
    run->line_scope = scope_new(life, "scxml line", SCOPE_NO_LIMIT);
    const struct scxml_host_options host = { .seed = options->seed,
                                             .http_location = http_location,
                                             .http_location_end = http_location_end,
                                             .sessions_max = SCXML_RUN_SESSIONS_MAX };
    const struct scxml_host_hooks hooks = { .fetch = scxml_file_fetch,
                                            .on_step = on_step,
                                            .on_log = on_log,
                                            .on_end = on_end,
                                            .send_http = send_http };
    run->host = scxml_host_new(life, &host, &hooks, run);
    int status = load(run);
    if (status == 0) status = begin_record(run, &host);
    if (status) return status;
    return options->restore_path ? restore(run) : start(run);
}

static int save(struct scxml_run *run, uint64_t now_ms)
{
    struct fault fault = { 0 };
    const char *path = run->options->save_path;
    if (path == NULL || run->has_ended) return 0;
    return scxml_saved_write(path, run->host, now_ms, run->main_id, &fault) ? complain(&fault) : 0;
}

int scxml_run_close(struct scxml_run *run, uint64_t now_ms)
{
    bool is_saved = save(run, now_ms) == 0;
    bool is_printed = fflush(stdout) == 0;
    if (!is_printed) fprintf(stderr, "carillon scxml: the output was not written\n");
    return run->has_bad_line || !is_printed || !is_saved ? 1 : 0;
}

bool scxml_run_slice(struct scxml_run *run, uint64_t now_ms)
{
    uint32_t steps = scxml_host_run(run->host, now_ms, SCXML_RUN_SLICE_STEPS);
    if (run->record && steps) scxml_record_run(run->record, now_ms, steps);
    return scxml_host_has_work(run->host);
}

/* --- the input ------------------------------------------------------------------------------- */

static void complain_of_line(struct scxml_run *run, const char *words)
{
    fprintf(stderr, "standard input:%" PRIu64 ": error: %s\n", scxml_input_line_number(run->input),
            words);
    run->has_bad_line = true;
}

enum err scxml_run_post(struct scxml_run *run, uint64_t now_ms, struct text session_id,
                        const struct scxml_event *event)
{
    if (run->record) scxml_record_event(run->record, now_ms, session_id, event);
    return scxml_host_post(run->host, session_id, event);
}

uint64_t scxml_run_line(struct scxml_run *run, uint64_t now_ms, struct text text)
{
    struct fault fault = { 0 };
    struct scxml_line line;
    run->had_lines = true;
    scope_reset(run->line_scope);
    if (scxml_line_read(text, run->line_scope, &line, &fault)) {
        complain_of_line(run, fault.words);
        return 0;
    }
    if (line.kind == SCXML_LINE_EVENT && !run->has_ended) {
        enum err err = scxml_run_post(run, now_ms, run->main_id, &line.event);
        if (err) complain_of_line(run, err_words(err));
    }
    return line.kind == SCXML_LINE_AFTER ? line.after_ms : 0;
}
