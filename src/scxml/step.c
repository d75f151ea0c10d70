/* SPDX-License-Identifier: Apache-2.0 */
/* The main loop of the Recommendation's appendix A, a macrostep a call. Begin at scxml_step(). */
#include "scxml/step_private.h"

#include <stdio.h>
#include <stdlib.h>

/* Of a macrostep: half a second or so. Ten thousand regions with a condition each, asked again for
 * each of a thousand transitions, would else take a minute. */
enum { DEEDS_MAX = 1000000 };

/* --- what goes wrong -------------------------------------------------------------------------- */

void scxml_stop(struct scxml_run *run, const char *format, ...)
{
    if (scxml_is_over(run)) return;
    char words[400];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    run->reason = scope_keep(run->effects->scope, text_of(words));
}

bool scxml_may_go_on(struct scxml_run *run)
{
    size_t bytes = scope_bytes(run->effects->scope) - run->bytes_before;
    if (run->deeds++ > DEEDS_MAX)
        scxml_stop(run, "error.platform.loop: more than %u actions and conditions in a macrostep",
                   DEEDS_MAX);
    if (bytes > run->session->limits.session_bytes)
        scxml_stop(run, "error.platform.memory: a macrostep made more than %u bytes",
                   run->session->limits.session_bytes);
    return !scxml_is_over(run);
}

bool scxml_log_words(void *self, struct text words)
{
    struct scxml_run *run = ((struct scxml_session *)self)->run;
    if (run == NULL) return true;
    if (!scxml_may_go_on(run)) return false;
    struct scxml_effect *effect = scxml_effect_add(run->effects, SCXML_DO_LOG);
    effect->log.words = scope_keep(run->effects->scope, words);
    return true;
}

void scxml_raise(struct scxml_run *run, const struct scxml_event *event)
{
    if (scxml_queue_add(run->session, &run->session->internal, event))
        scxml_stop(run, "error.platform.queue: no room in the internal queue for %.*s",
                   TEXT_ARG(event->name));
}

void scxml_raise_error(struct scxml_run *run, const char *name, struct text send_id,
                       struct scxml_place place, const char *words)
{
    const struct scxml_event event = { .name = text_of(name),
                                       .type = SCXML_PLATFORM,
                                       .send_id = send_id };
    scxml_raise(run, &event);
    struct scxml_effect *effect = scxml_effect_add(run->effects, SCXML_DO_LOG);
    effect->log.label = event.name;
    effect->log.words = scope_keep(run->effects->scope, text_of(words));
    effect->log.is_ours = true;
    effect->log.place = place;
}

bool scxml_succeeded(struct scxml_run *run, enum scxml_verdict verdict, const struct fault *fault,
                     struct text send_id, struct scxml_place place)
{
    if (verdict == SCXML_DONE) return true;
    if (verdict == SCXML_EXHAUSTED) {
        scxml_stop(run, "error.platform.memory: %s", fault->words);
        return false;
    }
    scxml_raise_error(run, "error.execution", send_id, place, fault->words);
    if (verdict == SCXML_OVERRUN && ++run->session->overrun_count >= SCXML_OVERRUNS_MAX)
        scxml_stop(run, "error.platform.time: %u scripts took longer than %u ms",
                   SCXML_OVERRUNS_MAX, run->session->limits.script_ms);
    return false;
}

/* --- the macrostep ---------------------------------------------------------------------------- */

static bool is_running(const struct scxml_run *run)
{
    return run->final_state == SCXML_NONE && !scxml_is_over(run);
}

static bool bind_event(struct scxml_run *run, const struct scxml_event *event)
{
    struct fault fault = { 0 };
    enum scxml_verdict verdict = run->datamodel->set_event(run->session->variables, event, &fault);
    return scxml_succeeded(run, verdict, &fault, event->send_id, (struct scxml_place){ 0 });
}

/* Events that no transition takes have their end, too: a condition that fails raises the next one,
 * which may be the one that it is asked for. */
static bool count_event(struct scxml_run *run, struct text name)
{
    uint32_t limit = run->session->limits.queued_events;
    if (run->events++ < limit) return true;
    scxml_stop(run, "error.platform.loop: more than %u internal events in a macrostep, now %.*s",
               limit, TEXT_ARG(name));
    return false;
}

static void take_internal(struct scxml_run *run)
{
    struct scxml_queued *queued = scxml_queue_take(run->session, &run->session->internal);
    if (count_event(run, queued->event.name) && bind_event(run, &queued->event) &&
        scxml_choose(run, scxml_event_class(run->plan, queued->event.name)))
        scxml_microstep(run);
    free(queued);
}

static void finish_macrostep(struct scxml_run *run)
{
    while (is_running(run)) {
        if (scxml_choose_eventless(run)) {
            scxml_microstep(run);
        } else if (run->session->internal.count) {
            take_internal(run);
        } else {
            if (!run->has_to_invoke) return;
            scxml_start_invokes(run);
        }
    }
}

/* False: there is none. */
static bool take_external(struct scxml_run *run)
{
    struct scxml_queued *queued = scxml_queue_take(run->session, &run->session->external);
    if (queued == NULL) return false;
    if (bind_event(run, &queued->event)) {
        scxml_give_to_invokes(run, &queued->event);
        if (is_running(run) && scxml_choose(run, scxml_event_class(run->plan, queued->event.name)))
            scxml_microstep(run);
    }
    free(queued);
    return true;
}

/* --- start and end ---------------------------------------------------------------------------- */

static void declare_all(struct scxml_run *run)
{
    for (uint32_t i = 0; i < run->document->state_count; i++) {
        const struct scxml_data_item *item = run->document->states[i].data;
        for (; item && !scxml_is_over(run); item = item->next) {
            struct fault fault = { 0 };
            enum scxml_verdict verdict =
                run->datamodel->declare(run->session->variables, item->id, &fault);
            (void)scxml_succeeded(run, verdict, &fault, (struct text){ 0 }, item->place);
        }
    }
}

static void run_scripts(struct scxml_run *run)
{
    for (uint32_t i = 0; i < run->document->script_count && !scxml_is_over(run); i++) {
        struct fault fault = { 0 };
        scxml_expression_id script = run->document->scripts[i];
        enum scxml_verdict verdict = run->datamodel->run(run->session->variables, script, &fault);
        (void)scxml_succeeded(run, verdict, &fault, (struct text){ 0 },
                              run->document->expressions[script].place);
    }
}

void scxml_make_data(struct scxml_run *run)
{
    struct scxml_session *session = run->session;
    declare_all(run);
    scxml_set_data(run, run->document->states[0].data, session->data);
    free((void *)session->data);
    session->data = NULL;
    if (!run->document->is_late_binding)
        for (uint32_t i = 1; i < run->document->state_count; i++)
            scxml_set_data(run, run->document->states[i].data, NULL);
    run_scripts(run);
}

static void start(struct scxml_run *run)
{
    run->session->is_started = true;
    scxml_make_data(run);
    if (!is_running(run)) return;
    scxml_choose_only(run, &run->plan->start);
    scxml_microstep(run);
    run->taken = 0; /* the way in is no transition of the author's */
}

static void cancel_all_invokes(struct scxml_run *run)
{
    while (run->session->invokes) {
        uint32_t index = run->session->invokes->index;
        scxml_cancel_invokes(run, run->document->invokes[index]->state);
    }
}

static void end(struct scxml_run *run)
{
    struct scxml_session *session = run->session;
    scxml_exit_all(run);
    cancel_all_invokes(run);
    struct scxml_effect *effect = scxml_effect_add(run->effects, SCXML_DO_END);
    effect->end.reason = run->reason;
    if (!scxml_is_over(run) && run->final_state != SCXML_NONE) {
        effect->end.final = run->document->states[run->final_state].id;
        effect->end.data = run->final_data;
    }
    session->has_ended = true;
    scxml_session_close(session);
}

static bool begin(struct scxml_run *run)
{
    struct scxml_session *session = run->session;
    scxml_release_due(run);
    if (session->is_cancelled || scxml_is_over(run)) return true;
    if (!session->is_started) {
        start(run);
        return true;
    }
    return session->internal.count || take_external(run);
}

static enum scxml_outcome step(struct scxml_run *run)
{
    struct scxml_session *session = run->session;
    session->datamodel->set_time(session->variables, run->now_ms);
    if (!begin(run)) return SCXML_RESTING;
    if (!session->is_cancelled) finish_macrostep(run);
    if (!session->is_cancelled && is_running(run)) return SCXML_STEPPED;
    end(run);
    return SCXML_ENDED;
}

enum scxml_outcome scxml_step(struct scxml_session *session, uint64_t now_ms,
                              struct scxml_effects *effects)
{
    if (session->has_ended) return SCXML_ENDED;
    struct scxml_run run = { .session = session,
                             .document = session->document,
                             .plan = session->plan,
                             .datamodel = session->datamodel,
                             .effects = effects,
                             .now_ms = now_ms,
                             .bytes_before = scope_bytes(effects->scope),
                             .final_state = SCXML_NONE };
    session->now_ms = now_ms;
    session->run = &run;
    enum scxml_outcome outcome = step(&run);
    session->run = NULL;
    return outcome;
}
