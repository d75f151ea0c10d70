/* SPDX-License-Identifier: Apache-2.0 */
/* payload.c - values come and go as text (orchestration 3.3, 4.2 item 10). */
#include "scxml/engine/dom.h"

static duk_ret_t decode(duk_context *ctx, void *self)
{
    const struct text *text = self;
    raw_push_json(ctx, text->at, text->len);
    return 1;
}

/* [] -> [value], or [] and false where it is no JSON. */
static bool push_json(duk_context *ctx, struct text text)
{
    char room[512];
    duk_idx_t top = duk_get_top(ctx);
    struct text ready = engine_push_words(ctx, text, room, sizeof room);
    if (duk_safe_call(ctx, decode, &ready, 0, 1) != DUK_EXEC_SUCCESS) {
        const struct watch *watch = raw_watch(ctx);
        if (watch->is_over || watch->is_exhausted) (void)duk_throw(ctx);
        duk_set_top(ctx, top);
        return false;
    }
    duk_replace(ctx, top);
    duk_set_top(ctx, top + 1);
    return true;
}

static bool is_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\n' || byte == '\r';
}

/* Runs of blanks become one space, none at the ends. */
static void push_normalised(duk_context *ctx, struct text text)
{
    char *out = duk_push_fixed_buffer(ctx, text.len);
    size_t len = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (is_blank(text.at[i])) continue;
        if (len && is_blank(text.at[i - 1])) out[len++] = ' ';
        out[len++] = text.at[i];
    }
    engine_push_text(ctx, (struct text){ out, len });
    duk_remove(ctx, -2);
}

static void push_body(duk_context *ctx, struct text text)
{
    if (push_json(ctx, text)) return;
    if (text_starts(text_trim(text), TEXT("<")) && engine_push_dom(ctx, text_trim(text))) return;
    push_normalised(ctx, text);
}

void engine_push_payload(duk_context *ctx, const struct scxml_payload *payload)
{
    switch (payload->kind) {
    case SCXML_DATA_NONE: duk_push_undefined(ctx); return;
    case SCXML_DATA_TEXT: engine_push_text(ctx, payload->text); return;
    case SCXML_DATA_JSON:
        if (!push_json(ctx, payload->text)) duk_push_undefined(ctx);
        return;
    case SCXML_DATA_XML:
        if (!engine_push_dom(ctx, payload->text)) duk_push_undefined(ctx);
        return;
    case SCXML_DATA_BODY: push_body(ctx, payload->text); return;
    }
}

void engine_read_payload(duk_context *ctx, duk_idx_t index, struct scope *scope,
                         struct scxml_payload *out)
{
    *out = (struct scxml_payload){ 0 };
    if (duk_is_undefined(ctx, index)) return;
    if (engine_is_dom(ctx, index)) {
        struct buf *xml = &evaluator_of(ctx)->xml;
        buf_clear(xml);
        engine_add_dom(ctx, index, xml);
        *out = (struct scxml_payload){ SCXML_DATA_XML, scope_keep(scope, buf_text(xml)) };
        return;
    }
    duk_dup(ctx, index);
    duk_json_encode(ctx, -1);
    if (duk_is_string(ctx, -1))
        *out = (struct scxml_payload){ SCXML_DATA_JSON, engine_read_text(ctx, -1, scope) };
    duk_pop(ctx);
}
