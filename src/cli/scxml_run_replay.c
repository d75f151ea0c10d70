/* SPDX-License-Identifier: Apache-2.0 */
/* A recorded run again: its causes are brought about, and every line that it would have written is
 * held against the one that stands there. */
#include "cli/scxml_run.h"

#include "cli/scxml_file.h"
#include "cli/scxml_record.h"

#include <inttypes.h>

struct replay {
    struct scxml_run run;
    struct scxml_run_options options;
    struct scope *life, *scratch;
    struct text recorded;
    uint64_t line;
};

/* Answers stand in the record. */
static void send_nothing(void *self, const struct scxml_session *session,
                         const struct scxml_message *message, uint64_t call)
{
    (void)self, (void)session, (void)message, (void)call;
}

static int begin(struct replay *replay, const struct scxml_cause *cause)
{
    struct text location = scope_keep(replay->life, cause->head.http_location);
    struct text end = scope_keep(replay->life, cause->head.http_location_end);
    replay->options.seed = cause->head.seed;
    replay->run.record = scxml_record_compare(replay->life, replay->recorded);
    return scxml_run_open(&replay->run, &replay->options, replay->life, location, end,
                          location.len ? send_nothing : NULL);
}

static int bring_about(struct replay *replay, const struct scxml_cause *cause)
{
    struct scxml_run *run = &replay->run;
    if ((cause->kind == SCXML_CAUSE_BEGIN) != (run->host == NULL)) {
        fprintf(stderr, "carillon scxml: a record begins with {\"record\":%d,...}, once\n",
                SCXML_RECORD_VERSION);
        return 2;
    }
    switch (cause->kind) {
    case SCXML_CAUSE_BEGIN: return begin(replay, cause);
    case SCXML_CAUSE_EVENT:
        (void)scxml_run_post(run, cause->at_ms, cause->session_id, &cause->event);
        break;
    case SCXML_CAUSE_HTTP:
        scxml_record_http(run->record, cause->at_ms, cause->call, cause->is_delivered);
        scxml_host_http_done(run->host, cause->call, cause->is_delivered);
        break;
    case SCXML_CAUSE_STEPS: {
        uint32_t steps = scxml_host_run(run->host, cause->at_ms, cause->steps);
        scxml_record_run(run->record, cause->at_ms, steps);
        break;
    }
    case SCXML_CAUSE_NONE: break;
    }
    return 0;
}

static int differs(const struct replay *replay)
{
    struct text now;
    uint64_t line = replay->run.record ? scxml_record_difference(replay->run.record, &now) : 0;
    if (line == 0) return 0;
    fprintf(stderr, "carillon scxml: line %" PRIu64 " of the record is now %.*s\n", line,
            TEXT_ARG(now));
    return 1;
}

static int bring_all_about(struct replay *replay)
{
    struct text rest = replay->recorded, line;
    int status = 0;
    while (status == 0 && rest.len) {
        struct scxml_cause cause;
        struct fault fault = { 0 };
        line = rest;
        if (!text_cut(rest, '\n', &line, &rest)) rest = (struct text){ 0 };
        replay->line++;
        scope_reset(replay->scratch);
        if (scxml_cause_read(line, replay->scratch, &cause, &fault)) {
            fprintf(stderr, "carillon scxml: line %" PRIu64 " of the record: %s\n", replay->line,
                    fault.words);
            return 2;
        }
        status = bring_about(replay, &cause);
        if (status == 0) status = differs(replay);
    }
    return status;
}

int scxml_run_replay(const struct scxml_run_options *options, const char *replay_path)
{
    struct scope *life = scope_new(NULL, "scxml replay", SCOPE_NO_LIMIT);
    struct replay replay = { .options = *options,
                             .life = life,
                             .scratch = scope_new(life, "scxml cause", SCOPE_NO_LIMIT) };
    struct fault fault = { 0 };
    int status = 2;
    if (scxml_file_read(replay_path, SCXML_FILE_BYTES_MAX, life, &replay.recorded, &fault))
        fprintf(stderr, "carillon scxml: %s\n", fault.words);
    else
        status = bring_all_about(&replay);
    if (status == 0 && replay.run.host == NULL) {
        fprintf(stderr, "carillon scxml: %s is empty\n", replay_path);
        status = 2;
    }
    if (status == 0) status = scxml_run_close(&replay.run, 0);
    scope_close(life);
    return status;
}
