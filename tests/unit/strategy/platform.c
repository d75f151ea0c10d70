/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/strategy/platform.h"

#include "scxml/ecmascript.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

static void put_call(struct buf *out, const struct scxml_module_call *call)
{
    for (const struct scxml_pair *at = call->attributes; at != NULL; at = at->next) {
        if (text_eq(at->name, TEXT("interactionid")) || text_eq(at->name, TEXT("requestid")))
            continue;
        buf_format(out, " %.*s=%.*s", TEXT_ARG(at->name), TEXT_ARG(at->value.text));
    }
    for (const struct scxml_pair *at = call->params; at != NULL; at = at->next) {
        if (text_eq(at->name, TEXT("interactionid"))) continue;
        buf_format(out, " %.*s:%.*s", TEXT_ARG(at->name), TEXT_ARG(at->value.text));
    }
    for (const struct scxml_module_call *at = call->children; at != NULL; at = at->next) {
        buf_format(out, " [%.*s", TEXT_ARG(at->name));
        put_call(out, at);
        buf_add_byte(out, ']');
    }
}

static bool on_module(void *self, const struct scxml_session *session,
                      const struct scxml_module_call *call)
{
    struct platform *platform = self;
    platform->session = scope_keep(platform->scope, scxml_session_id(session));
    buf_format(&platform->trail, "%.*s.%.*s", TEXT_ARG(call->module), TEXT_ARG(call->name));
    put_call(&platform->trail, call);
    buf_add_byte(&platform->trail, '\n');
    bool is_side_effect = text_eq(call->name, TEXT("updatedata")) ||
                          text_eq(call->name, TEXT("update"));
    if (!is_side_effect) platform->request = scope_keep(platform->scope, call->request_id);
    return true;
}

static void on_log(void *self, const struct scxml_session *session, const struct scxml_effect *log)
{
    struct platform *platform = self;
    (void)session;
    if (log->log.is_ours) return;
    buf_format(&platform->trail, "log %.*s: %.*s\n", TEXT_ARG(log->log.label),
               TEXT_ARG(log->log.words));
}

static void on_end(void *self, const struct scxml_session *session, const struct scxml_effect *end)
{
    struct platform *platform = self;
    if (!text_eq(scxml_session_id(session), platform->root)) return;
    platform->final = scope_keep(platform->scope, end->end.final);
}

static enum err fetch(void *self, struct text url, struct scope *scope, struct text *body,
                      struct fault *fault)
{
    struct platform *platform = self;
    for (struct strategy_output *at = platform->outputs; at != NULL; at = at->next)
        if (text_ends(url, at->file_name)) {
            *body = scope_keep(scope, at->text);
            return ERR_OK;
        }
    return fault_set(fault, ERR_NOT_FOUND, "url", "no such document");
}

static void run(struct platform *platform)
{
    while (scxml_host_has_work(platform->host))
        (void)scxml_host_run(platform->host, platform->now_ms, 1000);
    (void)scxml_host_run(platform->host, platform->now_ms, 1000);
}

/* Every document has to load without a finding, syntax of its scripts included. */
static void check_documents(struct platform *platform)
{
    for (struct strategy_output *at = platform->outputs; at != NULL; at = at->next) {
        struct scxml_findings findings = { 0 };
        struct scxml_document *document;
        struct scxml_load how = { .url = at->file_name };
        struct buf words = { 0 };
        if (!at->is_document) continue;
        if (!scxml_load(at->text, &how, platform->scope, &document, &findings))
            (void)scxml_ecmascript_check(document, true, platform->scope, &findings);
        scxml_findings_print(&words, &findings);
        CHECK_TEXT(buf_text(&words), "");
        buf_free(&words);
    }
}

static struct scxml_pair pair(const char *name, const char *json)
{
    return (struct scxml_pair){ .name = text_of(name),
                                .value = { SCXML_DATA_JSON, text_of(json) } };
}

void platform_start(struct platform *platform, struct text source, const char *name,
                    const char *data)
{
    static const struct scxml_host_options options = { .seed = 1 };
    static const struct scxml_host_hooks hooks = {
        .fetch = fetch, .on_log = on_log, .on_end = on_end, .call_module = on_module
    };
    *platform = (struct platform){ .scope = scope_new(NULL, "platform", SCOPE_NO_LIMIT),
                                   .now_ms = 1772357400000 }; /* 2026-03-01 09:30:00, a Sunday */
    struct strategy_findings findings = strategy_findings_in(platform->scope);
    struct strategy_source *file = scope_alloc(platform->scope, sizeof *file);
    *file = (struct strategy_source){ TEXT("a.strategy"), source };
    struct buf words = { 0 };
    (void)strategy_build(file, 1, platform->scope, &platform->outputs, &findings);
    if (findings.error_count > 0) strategy_findings_print(&words, &findings, &file->name);
    CHECK_TEXT(buf_text(&words), "");
    buf_free(&words);
    check_documents(platform);

    struct strategy_output *output = platform->outputs;
    while (output != NULL && !(output->is_document && text_eq(output->name, text_of(name))))
        output = output->next;
    CHECK(output != NULL);
    platform->host = scxml_host_new(platform->scope, &options, &hooks, platform);
    struct scxml_findings trouble = { 0 };
    struct fault fault = { 0 };
    CHECK_OK(scxml_host_load(platform->host, output->text, output->file_name, platform->scope,
                             &trouble, &platform->program, &fault));
    struct scxml_pair pairs[] = { pair("ixn",
                                       "{\"InteractionId\":\"I1\",\"Queue\":\"Q\",\"Priority\":5,"
                                       "\"ReceivedAt\":\"2026-03-01 08:30:00\"}"),
                                  pair("data", data), pair("clock", "{\"offsets\":[[0,60]]}") };
    pairs[0].next = &pairs[1];
    pairs[1].next = &pairs[2];
    CHECK_OK(scxml_host_start(platform->host, platform->program, pairs, (struct scxml_payload){ 0 },
                              &platform->session, &fault));
    platform->root = platform->session = scope_keep(platform->scope, platform->session);
    run(platform);
}

void platform_stop(struct platform *platform)
{
    scxml_host_release(platform->host, platform->program);
    scope_close(platform->scope);
    buf_free(&platform->trail);
}

struct text platform_trail(struct platform *platform)
{
    struct text trail = scope_keep(platform->scope, buf_text(&platform->trail));
    buf_clear(&platform->trail);
    return trail;
}

static void post(struct platform *platform, struct text session, const char *event,
                 struct text data)
{
    struct scxml_event told = { .name = text_of(event), .data = { SCXML_DATA_JSON, data } };
    CHECK_OK(scxml_host_post(platform->host, session, &told));
    run(platform);
}

void platform_answer(struct platform *platform, const char *event, const char *data)
{
    post(platform, platform->session, event,
         scope_format(platform->scope, "{\"requestid\":\"%.*s\",\"interactionid\":\"I1\"%s%s}",
                      TEXT_ARG(platform->request), data[0] ? "," : "", data));
}

void platform_post(struct platform *platform, const char *event, const char *data)
{
    post(platform, platform->root, event, scope_format(platform->scope, "{%s}", data));
}

void platform_wait(struct platform *platform, uint64_t ms)
{
    platform->now_ms += ms;
    run(platform);
}

struct text platform_sample(struct scope *scope, const char *name)
{
    const char *path = scope_format(scope, "%s/%s.strategy", STRATEGY_SAMPLES, name).at;
    FILE *file = fopen(path, "rb");
    CHECK(file != NULL);
    char *bytes = scope_alloc(scope, STRATEGY_BYTES_MAX);
    size_t len = fread(bytes, 1, STRATEGY_BYTES_MAX, file);
    CHECK(fclose(file) == 0);
    return (struct text){ bytes, len };
}
