/* SPDX-License-Identifier: Apache-2.0 */
/* What a step asked for, carried out in order. Begin at effects_carry_out(). */
#include "format/json.h"
#include "scxml/host_private.h"

#include <string.h>

/* --- errors ---------------------------------------------------------------------------------- */

static void note(struct scxml_host *host, const struct member *member, const char *name,
                 struct text words, struct scxml_place place)
{
    if (host->hooks.on_log == NULL) return;
    const struct scxml_effect log = {
        .kind = SCXML_DO_LOG,
        .log = { .label = text_of(name), .words = words, .is_ours = true, .place = place }
    };
    host->hooks.on_log(host->self, member->session, &log);
}

/* An error event of the platform's into the session's internal queue. */
static void fail(struct scxml_host *host, struct member *member, const char *name,
                 struct text send_id, struct text words)
{
    const struct scxml_event event = { .name = text_of(name),
                                       .type = SCXML_PLATFORM,
                                       .send_id = send_id };
    note(host, member, name, words, (struct scxml_place){ 0 });
    (void)scxml_post_internal(member->session, &event); /* an ended session needs no error */
}

/* --- sends ----------------------------------------------------------------------------------- */

static struct member *child_find(const struct member *member, struct text invoke_id)
{
    for (struct member *child = member->first_child; child; child = child->next_sibling)
        if (text_eq(text_of(child->invoke_id), invoke_id)) return child;
    return NULL;
}

static bool take_prefix(struct text *text, struct text prefix)
{
    if (!text_starts(*text, prefix)) return false;
    *text = text_slice(*text, prefix.len, text->len);
    return true;
}

static struct member *receiver_of(const struct scxml_host *host, struct member *member,
                                  struct text target)
{
    if (target.len == 0) return member;
    if (text_eq(target, TEXT("#_parent"))) return member->parent;
    if (take_prefix(&target, TEXT("#_scxml_"))) return member_find(host, target);
    if (take_prefix(&target, TEXT("#_"))) return child_find(member, target);
    return NULL;
}

bool effects_can_reach(void *world, const struct scxml_message *message)
{
    const struct sender *sender = world;
    if (text_eq(message->type, TEXT(SCXML_HTTP_PROCESSOR)))
        return message->target.len > 0 && sender->host->hooks.send_http != NULL;
    return receiver_of(sender->host, sender->member, message->target) != NULL;
}

static void send_to_session(struct scxml_host *host, struct member *member,
                            const struct scxml_message *message)
{
    struct scxml_event event = message->event;
    struct member *receiver = receiver_of(host, member, message->target);
    if (receiver && receiver == member->parent) event.invoke_id = text_of(member->invoke_id);
    enum err err = receiver ? member_post(host, receiver, &event) : ERR_NOT_FOUND;
    if (!err) return;
    fail(host, member, "error.communication", event.send_id,
         scope_format(host->scratch, "event %.*s to %.*s: %s", TEXT_ARG(event.name),
                      TEXT_ARG(message->target), err_words(err)));
}

static uint64_t call_new(struct scxml_host *host, const struct member *member,
                         const struct scxml_message *message, bool holds)
{
    struct scope *scope = scope_new(host->life, "scxml http call", SCOPE_NO_LIMIT);
    struct http_call *call = scope_alloc(scope, sizeof *call);
    *call = (struct http_call){ .scope = scope,
                                .sender = scope_keep(scope, scxml_session_id(member->session)),
                                .send_id = scope_keep(scope, message->event.send_id),
                                .holds = holds };
    uint64_t id = slot_add(host->calls, call);
    if (id == 0) scope_close(scope);
    return id;
}

/* True: what follows has to wait until it has arrived, since the receiver is one of ours. */
static bool send_over_http(struct scxml_host *host, struct member *member,
                           const struct scxml_message *message)
{
    struct text ours = host->options.http_location;
    bool holds = ours.len > 0 && text_starts(message->target, ours);
    const char *words = message->target.len == 0        ? "it has no target"
                        : host->hooks.send_http == NULL ? "nobody can be reached over HTTP here"
                                                        : NULL;
    uint64_t call = words ? 0 : call_new(host, member, message, holds);
    if (call == 0) {
        fail(host, member, "error.communication", message->event.send_id,
             text_of(words ? words : "too many messages over HTTP are under way"));
        return false;
    }
    host->hooks.send_http(host->self, member->session, message, call);
    return holds;
}

static bool send(struct scxml_host *host, struct member *member,
                 const struct scxml_message *message)
{
    if (text_eq(message->type, TEXT(SCXML_HTTP_PROCESSOR)))
        return send_over_http(host, member, message);
    send_to_session(host, member, message);
    return false;
}

/* --- invocations ----------------------------------------------------------------------------- */

static bool is_session_type(struct text type)
{
    static const char *const names[] = { "", "scxml", "http://www.w3.org/TR/scxml/",
                                         "http://www.w3.org/TR/scxml" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (text_eq(type, text_of(names[i]))) return true;
    return false;
}

/* A document that an expression made is a string, and comes as JSON. */
static enum err content_text(const struct scxml_payload *content, struct scope *scope,
                             struct text *out, struct fault *fault)
{
    struct value value;
    *out = content->text;
    if (content->kind != SCXML_DATA_JSON) return ERR_OK;
    enum err err = json_read(content->text, scope, &value, fault);
    if (!err && value.kind != VALUE_TEXT)
        err = fault_set(fault, ERR_INVALID, "content", "it is no document");
    if (!err) *out = value.text;
    return err;
}

static enum err source_of(struct scxml_host *host, const struct member *member,
                          const struct scxml_invocation *invoke, struct text *source,
                          struct text *url, struct fault *fault)
{
    struct text base = member->program->url;
    *url = base;
    if (invoke->src.len == 0) return content_text(&invoke->content, host->scratch, source, fault);
    *url = scxml_resolve(base, invoke->src, host->scratch);
    if (host->hooks.fetch == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "src", "nothing can be fetched here");
    return host->hooks.fetch(host->self, *url, host->scratch, source, fault);
}

static const char *first_finding(struct scxml_host *host, const struct scxml_findings *findings,
                                 const struct fault *fault)
{
    for (const struct scxml_finding *one = findings->first; one; one = one->next)
        if (!one->is_warning)
            return scope_format(host->scratch, "%.*s:%u:%u: %.*s", TEXT_ARG(one->file),
                                one->place.line, one->place.column, TEXT_ARG(one->words))
                .at;
    return fault->words;
}

struct refusal {
    const char *name; /* of the event; NULL: it runs */
    const char *words;
};

static struct refusal begin(struct scxml_host *host, struct member *member,
                            const struct scxml_invocation *invoke)
{
    struct fault fault = { 0 };
    struct text source, url;
    if (!is_session_type(invoke->type))
        return (struct refusal){ "error.execution", "this type of invocation is unknown" };
    if (member->depth >= host->options.depth_max)
        return (struct refusal){ "error.execution", "invocations are nested too deep" };
    if (source_of(host, member, invoke, &source, &url, &fault))
        return (struct refusal){ "error.communication",
                                 scope_format(host->scratch, "%s", fault.words).at };
    struct scxml_findings findings = { 0 };
    struct member_birth birth = { .parent = member,
                                  .invoke_id = invoke->id,
                                  .data = invoke->pairs };
    struct member *child;
    if (scxml_host_load(host, source, url, host->scratch, &findings, &birth.program, &fault))
        return (struct refusal){ "error.execution", first_finding(host, &findings, &fault) };
    if (member_new(host, &birth, &child, &fault)) {
        scxml_host_release(host, birth.program);
        return (struct refusal){ "error.communication",
                                 scope_format(host->scratch, "%s", fault.words).at };
    }
    return (struct refusal){ 0 };
}

static void invoke(struct scxml_host *host, struct member *member,
                   const struct scxml_invocation *invocation)
{
    struct refusal refusal = begin(host, member, invocation);
    if (refusal.name == NULL) return;
    const struct scxml_event event = { .name = text_of(refusal.name),
                                       .type = SCXML_PLATFORM,
                                       .invoke_id = invocation->id };
    note(host, member, refusal.name,
         scope_format(host->scratch, "invoke %.*s: %s", TEXT_ARG(invocation->id), refusal.words),
         invocation->place);
    (void)scxml_post_internal(member->session, &event);
}

static void forward(struct scxml_host *host, struct member *member,
                    const struct scxml_effect *effect)
{
    struct member *child = child_find(member, effect->forward.invoke_id);
    if (child) (void)member_post(host, child, &effect->forward.event);
}

/* --- modules --------------------------------------------------------------------------------- */

static void call_module(struct scxml_host *host, struct member *member,
                        const struct scxml_module_call *call)
{
    if (host->hooks.call_module && host->hooks.call_module(host->self, member->session, call))
        return;
    struct buf data = { 0 };
    struct json_writer json = json_writer(&data);
    json_begin_object(&json);
    json_put_name(&json, TEXT("requestid"));
    json_put_text(&json, call->request_id);
    json_put_name(&json, TEXT("error"));
    json_put_text(&json, TEXT("unknown"));
    json_put_name(&json, TEXT("description"));
    json_put_text(&json, TEXT("no provider of this action is configured"));
    json_end_object(&json);
    const struct scxml_event event = {
        .name = scope_format(host->scratch, "error.%.*s.%.*s", TEXT_ARG(call->module),
                             TEXT_ARG(call->name)),
        .type = SCXML_PLATFORM,
        .data = { SCXML_DATA_JSON, buf_text(&data) },
    };
    (void)member_post(host, member, &event);
    buf_free(&data);
}

/* --- the end --------------------------------------------------------------------------------- */

static void tell_parent(struct scxml_host *host, struct member *child,
                        const struct scxml_effect *effect)
{
    struct text id = text_of(child->invoke_id);
    if (effect->end.reason.len) {
        const struct scxml_event event = { .name = TEXT("error.communication"),
                                           .type = SCXML_PLATFORM,
                                           .invoke_id = id };
        note(host, child->parent, "error.communication", effect->end.reason,
             (struct scxml_place){ 0 });
        (void)scxml_post_internal(child->parent->session, &event);
        member_schedule(host, child->parent);
        return;
    }
    const struct scxml_event event = {
        .name = scope_format(host->scratch, "done.invoke.%.*s", TEXT_ARG(id)),
        .type = SCXML_EXTERNAL,
        .origin =
            scope_format(host->scratch, "#_scxml_%.*s", TEXT_ARG(scxml_session_id(child->session))),
        .origin_type = TEXT(SCXML_EVENT_PROCESSOR),
        .invoke_id = id,
        .data = effect->end.data
    };
    (void)member_post(host, child->parent, &event);
}

static void end(struct scxml_host *host, struct member *member, const struct scxml_effect *effect)
{
    if (member->parent) tell_parent(host, member, effect);
    if (host->hooks.on_end) host->hooks.on_end(host->self, member->session, effect);
    member_end(host, member);
}

/* --- all of them ----------------------------------------------------------------------------- */

static void hold(struct scxml_host *host, struct member *member, struct scope *scope,
                 const struct scxml_effect *next)
{
    member->held = scope_alloc(scope, sizeof *member->held);
    *member->held = (struct held){ .scope = scope, .next = next };
    due_set(host, member, SCXML_NEVER);
    list_remove(&member->ready);
}

bool effects_carry_out(struct scxml_host *host, struct member *member, struct scope *scope,
                       const struct scxml_effect *first)
{
    for (const struct scxml_effect *effect = first; effect; effect = effect->next) {
        switch (effect->kind) {
        case SCXML_DO_SEND:
            if (!send(host, member, &effect->send)) break;
            hold(host, member, scope, effect->next);
            return false;
        case SCXML_DO_INVOKE: invoke(host, member, &effect->invoke); break;
        case SCXML_DO_UNINVOKE: {
            struct member *child = child_find(member, effect->uninvoke_id);
            if (child) member_cut_off(host, child);
            break;
        }
        case SCXML_DO_FORWARD: forward(host, member, effect); break;
        case SCXML_DO_LOG:
            if (host->hooks.on_log) host->hooks.on_log(host->self, member->session, effect);
            break;
        case SCXML_DO_MODULE: call_module(host, member, effect->module); break;
        case SCXML_DO_END: end(host, member, effect); return true;
        }
    }
    member_schedule(host, member);
    return true;
}

static void resume(struct scxml_host *host, struct member *member)
{
    struct held *held = member->held;
    struct scope *scope = held->scope;
    member->held = NULL;
    if (effects_carry_out(host, member, scope, held->next)) scope_close(scope);
}

void scxml_host_http_done(struct scxml_host *host, uint64_t call_id, bool is_delivered)
{
    struct http_call *call = slot_find(host->calls, call_id);
    if (call == NULL) return;
    slot_remove(host->calls, call_id);
    struct member *member = member_find(host, call->sender);
    if (member && !is_delivered)
        fail(host, member, "error.communication", call->send_id,
             TEXT("the message over HTTP was not delivered"));
    if (member && call->holds && member->held)
        resume(host, member);
    else if (member)
        member_schedule(host, member);
    scope_close(call->scope);
    scope_reset(host->scratch);
}

uint32_t scxml_host_calls_open(const struct scxml_host *host)
{
    return slots_count(host->calls);
}
