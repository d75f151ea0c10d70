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
    variables->is_event_made = false;
}

/* [event] -> [event]; an empty text is undefined. */
static void add_text(duk_context *ctx, const char *name, struct text text)
{
    if (text.len)
        engine_push_text(ctx, text);
    else
        duk_push_undefined(ctx);
    duk_put_prop_string(ctx, -2, name);
}

/* What came, as text: the HTTP message or, between sessions, what the event carried. */
static struct text raw_of(const struct scxml_event *event)
{
    if (event->raw.len || !text_eq(event->origin_type, TEXT(SCXML_EVENT_PROCESSOR)))
        return event->raw;
    return event->data.text;
}

static void push_new_event(duk_context *ctx, const struct scxml_event *event)
{
    static const char *const types[] = {
        [SCXML_EXTERNAL] = "external", [SCXML_INTERNAL] = "internal", [SCXML_PLATFORM] = "platform"
    };
    duk_push_object(ctx);
    add_text(ctx, "name", event->name);
    add_text(ctx, "type", text_of(types[event->type]));
    add_text(ctx, "sendid", event->send_id);
    add_text(ctx, "origin", event->origin);
    add_text(ctx, "origintype", event->origin_type);
    add_text(ctx, "invokeid", event->invoke_id);
    engine_push_payload(ctx, &event->data);
    duk_put_prop_literal(ctx, -2, "data");
    add_text(ctx, "raw", raw_of(event));
    duk_freeze(ctx, -1);
    raw_protect(ctx, -1); /* what _event.data holds is not frozen: documents change it in place */
}

void engine_push_event(duk_context *ctx, struct scxml_variables *variables)
{
    duk_uarridx_t root = variables->slot * ROOT_COUNT + ROOT_EVENT;
    duk_push_heapptr(ctx, variables->evaluator->sessions);
    if (variables->is_event_made || !variables->has_event) {
        duk_get_prop_index(ctx, -1, root);
        duk_remove(ctx, -2);
        return;
    }
    push_new_event(ctx, (struct scxml_event *)variables->event);
    duk_dup(ctx, -1);
    duk_put_prop_index(ctx, -3, root);
    duk_remove(ctx, -2);
    variables->is_event_made = true;
    engine_forget_event(variables);
}

void engine_restore_event(duk_context *ctx, struct scxml_variables *variables)
{
    (void)duk_require_object(ctx, -1);
    duk_freeze(ctx, -1);
    raw_protect(ctx, -1);
    duk_push_heapptr(ctx, variables->evaluator->sessions);
    duk_insert(ctx, -2);
    duk_put_prop_index(ctx, -2, variables->slot * ROOT_COUNT + ROOT_EVENT);
    duk_pop(ctx);
    engine_forget_event(variables);
    variables->has_event = variables->is_event_made = true;
}
