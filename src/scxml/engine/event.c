/* SPDX-License-Identifier: Apache-2.0 */
/* event.c - _event. Many events are never looked at by a script: the last one is kept as bytes, and
 * becomes an object when somebody asks (orchestration 3.3). */
#include <stdlib.h>
#include <string.h>

#include "scxml/engine/private.h"

static char *pack(char *at, struct text *text)
{
    if (text->len) memcpy(at, text->at, text->len);
    text->at = at;
    return at + text->len;
}

void engine_forget_event(struct scxml_variables *variables)
{
    free(variables->event);
    variables->event = NULL;
}

void engine_keep_event(struct scxml_variables *variables, const struct scxml_event *event)
{
    size_t bytes = event->name.len + event->send_id.len + event->origin.len +
                   event->origin_type.len + event->invoke_id.len + event->data.text.len +
                   event->raw.len;
    struct scxml_event *kept = malloc(sizeof *kept + bytes);
    ASSERT(kept);
    *kept = *event;
    char *at = (char *)(kept + 1);
    at = pack(at, &kept->name);
    at = pack(at, &kept->send_id);
    at = pack(at, &kept->origin);
    at = pack(at, &kept->origin_type);
    at = pack(at, &kept->invoke_id);
    at = pack(at, &kept->data.text);
    pack(at, &kept->raw);
    engine_forget_event(variables);
    variables->event = (char *)kept;
    variables->has_event = true;
    variables->event_object = NULL; /* its root goes with the next one */
}

void *engine_push_event_keys(duk_context *ctx)
{
    static const char *const names[] = { "name",       "type",     "sendid", "origin",
                                         "origintype", "invokeid", "data",   "raw" };
    duk_push_object(ctx);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        duk_push_undefined(ctx);
        duk_put_prop_string(ctx, -2, names[i]);
    }
    return duk_get_heapptr(ctx, -1);
}

/* An empty text is undefined. */
static void push_field(duk_context *ctx, struct text text)
{
    if (text.len)
        engine_push_text(ctx, text);
    else
        duk_push_undefined(ctx);
}

/* What came, as text: the HTTP message or, between sessions, what the event carried. */
static struct text raw_of(const struct scxml_event *event)
{
    if (event->raw.len || !text_eq(event->origin_type, TEXT(SCXML_EVENT_PROCESSOR)))
        return event->raw;
    return event->data.text;
}

/* What _event.data holds is not protected: documents change it in place. */
static void push_new_event(duk_context *ctx, const struct scxml_event *event)
{
    static const char *const types[] = {
        [SCXML_EXTERNAL] = "external", [SCXML_INTERNAL] = "internal", [SCXML_PLATFORM] = "platform"
    };
    push_field(ctx, event->name);
    duk_push_string(ctx, types[event->type]);
    push_field(ctx, event->send_id);
    push_field(ctx, event->origin);
    push_field(ctx, event->origin_type);
    push_field(ctx, event->invoke_id);
    engine_push_payload(ctx, &event->data);
    push_field(ctx, raw_of(event));
    raw_push_record(ctx, evaluator_of(ctx)->event_keys);
}

/* [event] -> [event] */
static void root_event(duk_context *ctx, struct scxml_variables *variables)
{
    duk_push_heapptr(ctx, variables->evaluator->sessions);
    duk_dup(ctx, -2);
    duk_put_prop_index(ctx, -2, variables->slot * ROOT_COUNT + ROOT_EVENT);
    duk_pop(ctx);
    variables->event_object = duk_get_heapptr(ctx, -1);
    variables->has_event = true;
    engine_forget_event(variables);
}

void engine_push_event(duk_context *ctx, struct scxml_variables *variables)
{
    if (variables->event_object) {
        duk_push_heapptr(ctx, variables->event_object);
    } else if (!variables->has_event) {
        duk_push_undefined(ctx);
    } else {
        push_new_event(ctx, (struct scxml_event *)variables->event);
        root_event(ctx, variables);
    }
}

void engine_restore_event(duk_context *ctx, struct scxml_variables *variables)
{
    (void)duk_require_object(ctx, -1);
    duk_freeze(ctx, -1);
    raw_protect(ctx, -1);
    root_event(ctx, variables);
    duk_pop(ctx);
}
