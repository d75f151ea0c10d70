/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/scxml/chart.h"

#include <stdlib.h>
#include <time.h>

#include "tests/unit/test.h"

static struct text document_text(struct scope *scope, const char *attributes, const char *body)
{
    return scope_format(scope,
                        "<scxml xmlns=\"http://www.w3.org/2005/07/scxml\" version=\"1.0\""
                        " xmlns:queue=\"http://www.genesyslab.com/modules/queue\" %s>\n%s</scxml>",
                        attributes, body);
}

struct chart *chart_of(struct scxml_document *document)
{
    struct chart *chart = calloc(1, sizeof *chart);
    chart->scope = scope_new(NULL, "chart", SCOPE_NO_LIMIT);
    chart->effects = scope_new(NULL, "chart effects", SCOPE_NO_LIMIT);
    chart->document = document;
    chart->now_ms = 1000;
    chart->birth.session_id = TEXT("S");
    return chart;
}

struct chart *chart_load(const char *attributes, const char *body)
{
    struct chart *chart = chart_of(NULL);
    struct scxml_findings findings = { 0 };
    struct scxml_load load = { .url = TEXT("chart.scxml") };
    struct text text = document_text(chart->scope, attributes, body);
    if (scxml_load(text, &load, chart->scope, &chart->document, &findings)) {
        struct buf words = { 0 };
        scxml_findings_print(&words, &findings);
        buf_add_byte(&words, '\0');
        fail_msg("%s", words.at);
    }
    return chart;
}

void chart_begin(struct chart *chart)
{
    struct fault fault;
    const struct scxml_datamodel *model = scxml_datamodel_of(chart->document);
    CHECK_OK(model->open(chart->document, &chart->limits, &chart->evaluator, &fault));
    CHECK_OK(scxml_session_new(chart->evaluator, chart->document, &chart->limits, &chart->birth,
                               &chart->session, &fault));
}

struct chart *chart_open(const char *attributes, const char *body)
{
    struct chart *chart = chart_load(attributes, body);
    chart_begin(chart);
    chart_run(chart);
    return chart;
}

void chart_close(struct chart *chart)
{
    scxml_session_free(chart->session);
    if (chart->evaluator) scxml_datamodel_of(chart->document)->close(chart->evaluator);
    scope_close(chart->effects);
    scope_close(chart->scope);
    buf_free(&chart->said);
    buf_free(&chart->ours);
    buf_free(&chart->names);
    free(chart);
}

/* --- what it said ----------------------------------------------------------------------------- */

static void add_data(struct buf *out, const struct scxml_payload *data)
{
    static const char *const kinds[] = { "", " json:", " text:", " xml:", " body:" };
    buf_add_z(out, kinds[data->kind]);
    buf_add(out, data->text);
}

static void add_pairs(struct buf *out, const struct scxml_pair *pairs)
{
    for (; pairs; pairs = pairs->next) {
        buf_format(out, " %.*s=", TEXT_ARG(pairs->name));
        buf_add(out, pairs->value.text);
    }
}

static void add_call(struct buf *out, const struct scxml_module_call *call)
{
    for (; call; call = call->next) {
        buf_format(out, " %.*s:%.*s", TEXT_ARG(call->module), TEXT_ARG(call->name));
        add_pairs(out, call->attributes);
        if (call->request_id.len) buf_format(out, " id=%.*s", TEXT_ARG(call->request_id));
        if (call->params) buf_add_z(out, " with");
        add_pairs(out, call->params);
        add_data(out, &call->content);
        if (call->children) buf_add_z(out, " (");
        add_call(out, call->children);
        if (call->children) buf_add_z(out, " )");
    }
}

static void add_log(struct chart *chart, const struct scxml_effect *effect)
{
    struct buf *out = effect->log.is_ours ? &chart->ours : &chart->said;
    buf_format(out, "log %.*s", TEXT_ARG(effect->log.label));
    if (effect->log.words.len) buf_format(out, " %.*s", TEXT_ARG(effect->log.words));
    if (effect->log.level) buf_format(out, " level %u", effect->log.level);
    if (effect->log.is_ours) buf_format(out, " at line %u", effect->log.place.line);
    buf_add_byte(out, '\n');
}

static void add_send(struct buf *out, const struct scxml_message *message)
{
    buf_format(out, "send %.*s to %.*s", TEXT_ARG(message->event.name), TEXT_ARG(message->target));
    if (message->event.send_id.len) buf_format(out, " id %.*s", TEXT_ARG(message->event.send_id));
    add_pairs(out, message->pairs);
    add_data(out, &message->event.data);
    if (message->has_content) buf_add_z(out, " content");
}

static void add_effect(struct chart *chart, const struct scxml_effect *effect)
{
    struct buf *out = &chart->said;
    switch (effect->kind) {
    case SCXML_DO_LOG: add_log(chart, effect); return;
    case SCXML_DO_SEND: add_send(out, &effect->send); break;
    case SCXML_DO_INVOKE:
        buf_format(out, "invoke %.*s type %.*s src %.*s", TEXT_ARG(effect->invoke.id),
                   TEXT_ARG(effect->invoke.type), TEXT_ARG(effect->invoke.src));
        add_pairs(out, effect->invoke.pairs);
        add_data(out, &effect->invoke.content);
        break;
    case SCXML_DO_UNINVOKE: buf_format(out, "uninvoke %.*s", TEXT_ARG(effect->uninvoke_id)); break;
    case SCXML_DO_FORWARD:
        buf_format(out, "forward %.*s to %.*s", TEXT_ARG(effect->forward.event.name),
                   TEXT_ARG(effect->forward.invoke_id));
        break;
    case SCXML_DO_MODULE:
        buf_add_z(out, "module");
        add_call(out, effect->module);
        break;
    case SCXML_DO_END:
        buf_format(out, "end %.*s", TEXT_ARG(effect->end.final));
        add_data(out, &effect->end.data);
        if (effect->end.reason.len) buf_format(out, " because %.*s", TEXT_ARG(effect->end.reason));
        break;
    }
    buf_add_byte(out, '\n');
}

/* --- driving ---------------------------------------------------------------------------------- */

void chart_run(struct chart *chart)
{
    do {
        scope_reset(chart->effects);
        struct scxml_effects effects = scxml_effects_in(chart->effects);
        chart->outcome = scxml_step(chart->session, chart->now_ms, &effects);
        if (chart->outcome != SCXML_RESTING) chart->steps++;
        for (const struct scxml_effect *one = effects.first; one; one = one->next)
            add_effect(chart, one);
    } while (chart->outcome == SCXML_STEPPED);
}

void chart_wait(struct chart *chart, uint64_t ms)
{
    chart->now_ms += ms;
    chart_run(chart);
}

enum err chart_post(struct chart *chart, const char *name)
{
    const struct scxml_event event = { .name = text_of(name), .type = SCXML_EXTERNAL };
    return scxml_post(chart->session, &event);
}

void chart_event(struct chart *chart, const char *name)
{
    CHECK_OK(chart_post(chart, name));
    chart_run(chart);
}

struct text chart_states(struct chart *chart)
{
    uint32_t states[64], count = scxml_configuration(chart->session, states, 64);
    buf_clear(&chart->names);
    for (uint32_t i = 0; i < count; i++) {
        if (i) buf_add_byte(&chart->names, ' ');
        buf_add(&chart->names, chart->document->states[states[i]].id);
    }
    return buf_text(&chart->names);
}

struct text chart_said(struct chart *chart)
{
    struct text said = scope_keep(chart->scope, buf_text(&chart->said));
    buf_clear(&chart->said);
    return said;
}

uint64_t chart_cpu_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}
