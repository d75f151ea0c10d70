/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/scxml/family.h"

#include "tests/unit/test.h"

enum { STEPS_MAX = 5000, NUMBER_CHARS = 6 };

/* --- what was said -----------------------------------------------------------------------------
 */

static unsigned number_of(struct text session_id)
{
    unsigned number = 0;
    for (size_t i = session_id.len - NUMBER_CHARS; i < session_id.len; i++) {
        char digit = session_id.at[i];
        number = number * 32 + (unsigned)(digit <= '9' ? digit - '0' : digit - 'A' + 10);
    }
    return number;
}

static void say_pairs(struct buf *said, const struct scxml_pair *pairs)
{
    for (; pairs; pairs = pairs->next)
        buf_format(said, " %.*s=%.*s", TEXT_ARG(pairs->name), TEXT_ARG(pairs->value.text));
}

static void say_effect(struct family *family, const struct scxml_effect *effect)
{
    struct buf *said = &family->said;
    switch (effect->kind) {
    case SCXML_DO_SEND:
        buf_format(said, "send %.*s to %.*s", TEXT_ARG(effect->send.event.name),
                   TEXT_ARG(effect->send.target));
        if (effect->send.event.send_id.len)
            buf_format(said, " id %.*s", TEXT_ARG(effect->send.event.send_id));
        say_pairs(said, effect->send.pairs);
        buf_format(said, " %.*s\n", TEXT_ARG(effect->send.event.data.text));
        break;
    case SCXML_DO_INVOKE:
        buf_format(said, "invoke %.*s", TEXT_ARG(effect->invoke.id));
        say_pairs(said, effect->invoke.pairs);
        buf_add_byte(said, '\n');
        break;
    case SCXML_DO_UNINVOKE:
        buf_format(said, "uninvoke %.*s\n", TEXT_ARG(effect->uninvoke_id));
        break;
    case SCXML_DO_FORWARD:
        buf_format(said, "forward %.*s to %.*s\n", TEXT_ARG(effect->forward.event.name),
                   TEXT_ARG(effect->forward.invoke_id));
        break;
    case SCXML_DO_LOG:
        buf_format(said, "log %.*s %.*s\n", TEXT_ARG(effect->log.label),
                   TEXT_ARG(effect->log.words));
        break;
    case SCXML_DO_MODULE:
        buf_format(said, "module %.*s.%.*s\n", TEXT_ARG(effect->module->module),
                   TEXT_ARG(effect->module->name));
        break;
    case SCXML_DO_END:
        buf_format(said, "end %.*s %.*s%.*s\n", TEXT_ARG(effect->end.final),
                   TEXT_ARG(effect->end.data.text), TEXT_ARG(effect->end.reason));
        break;
    }
}

static void on_step(void *self, const struct scxml_session *session, enum scxml_outcome outcome,
                    const struct scxml_effects *effects)
{
    struct family *family = self;
    unsigned number = number_of(scxml_session_id(session));
    uint32_t states[64];
    uint32_t count = scxml_configuration(session, states, 64);
    for (const struct scxml_effect *effect = effects->first; effect; effect = effect->next) {
        buf_format(&family->said, "%u ", number);
        say_effect(family, effect);
    }
    if (outcome == SCXML_RESTING) return;
    buf_format(&family->said, "%u:", number);
    for (uint32_t i = 0; i < count; i++) buf_format(&family->said, " %u", states[i]);
    buf_add_byte(&family->said, '\n');
}

static void on_log(void *self, const struct scxml_session *session, const struct scxml_effect *log)
{
    struct family *family = self;
    (void)session;
    if (!log->log.is_ours) return;
    buf_format(&family->ours, "%.*s: %.*s\n", TEXT_ARG(log->log.label), TEXT_ARG(log->log.words));
}

static void send_http(void *self, const struct scxml_session *session,
                      const struct scxml_message *message, uint64_t call)
{
    struct family *family = self;
    (void)session, (void)message;
    family->last_call = call;
    family->calls++;
}

static enum err fetch(void *self, struct text url, struct scope *scope, struct text *body,
                      struct fault *fault)
{
    struct family *family = self;
    if (family->file_name == NULL || !text_eq(url, text_of(family->file_name)))
        return fault_set(fault, ERR_NOT_FOUND, "file", "no file %.*s", TEXT_ARG(url));
    *body = scope_keep(scope, text_of(family->file_text));
    return ERR_OK;
}

/* --- the family --------------------------------------------------------------------------------
 */

static struct scxml_host *make_host(struct family *family)
{
    static const struct scxml_host_hooks hooks = {
        .fetch = fetch, .on_step = on_step, .on_log = on_log, .send_http = send_http
    };
    return scxml_host_new(family->scope, &family->options, &hooks, family);
}

struct family *family_open(void)
{
    struct scope *scope = scope_new(NULL, "family", SCOPE_NO_LIMIT);
    struct family *family = scope_alloc(scope, sizeof *family);
    family->scope = scope;
    family->now_ms = 1000000;
    family->url = TEXT("/charts/main.scxml");
    return family;
}

void family_begin(struct family *family)
{
    family->host = make_host(family);
}

void family_close(struct family *family)
{
    buf_free(&family->said);
    buf_free(&family->ours);
    scope_close(family->scope);
}

struct text family_start(struct family *family, struct text source)
{
    struct scxml_findings findings = { 0 };
    struct scxml_program *program;
    struct fault fault = { 0 };
    struct text id = { 0 };
    enum err err = scxml_host_load(family->host, source, family->url, family->scope, &findings,
                                   &program, &fault);
    if (err) {
        struct buf words = { 0 };
        scxml_findings_print(&words, &findings);
        print_error("%.*s", TEXT_ARG(buf_text(&words)));
        buf_free(&words);
    }
    CHECK_OK(err);
    CHECK_OK(
        scxml_host_start(family->host, program, NULL, (struct scxml_payload){ 0 }, &id, &fault));
    scxml_host_release(family->host, program);
    return scope_keep(family->scope, id);
}

struct text family_chart(struct family *family, const char *body)
{
    struct text source = scope_format(family->scope,
                                      "<scxml xmlns='http://www.w3.org/2005/07/scxml' "
                                      "version='1.0' datamodel='ecmascript'>%s</scxml>",
                                      body);
    return family_start(family, source);
}

void family_rest(struct family *family)
{
    uint32_t steps = 0;
    do steps += scxml_host_run(family->host, family->now_ms, 1);
    while (scxml_host_has_work(family->host) && steps < STEPS_MAX);
    CHECK(steps < STEPS_MAX);
}

void family_wait(struct family *family, uint64_t ms)
{
    uint64_t until = family->now_ms + ms, due;
    while ((due = scxml_host_next_due(family->host)) <= until) {
        if (due > family->now_ms) family->now_ms = due;
        family_rest(family);
    }
    family->now_ms = until;
}

void family_event(struct family *family, struct text session_id, const char *name)
{
    const struct scxml_event event = { .name = text_of(name) };
    CHECK_OK(scxml_host_post(family->host, session_id, &event));
    family_rest(family);
}

struct text family_said(struct family *family)
{
    struct text said = scope_keep(family->scope, buf_text(&family->said));
    buf_clear(&family->said);
    return said;
}

void family_move(struct family *family)
{
    struct buf saved = { 0 }, again = { 0 };
    struct fault fault = { 0 };
    CHECK_OK(scxml_host_save(family->host, &saved, &fault));
    struct scxml_host *moved = make_host(family);
    enum err err = scxml_host_restore(moved, buf_text(&saved), &fault);
    if (err) CHECK_TEXT(text_of(fault.words), "");
    CHECK_OK(err);
    CHECK_OK(scxml_host_save(moved, &again, &fault));
    CHECK(text_eq(buf_text(&saved), buf_text(&again)));
    scxml_host_close(family->host);
    family->host = moved;
    buf_free(&saved);
    buf_free(&again);
}
