/* SPDX-License-Identifier: Apache-2.0 */
/* Configuration objects over REST. An object is its properties and its `rev`; every write is a
 * change set of config's, answered with what became of it. */
#include "servers/web/rest.h"

#include <string.h>

/* --- out ------------------------------------------------------------------------------------ */

/* Config sends the properties as JSON: `{...}`. */
static void put_object(struct json_writer *json, const struct config_config_object *object)
{
    struct text members =
        text_slice(object->body, 1, object->body.len > 2 ? object->body.len - 2 : 0);
    struct buf whole = { 0 };
    buf_format(&whole, "{\"rev\":%llu", (unsigned long long)object->rev);
    if (members.len) buf_add_byte(&whole, ',');
    buf_add(&whole, members);
    buf_add_byte(&whole, '}');
    json_put_raw(json, buf_text(&whole));
    buf_free(&whole);
}

static void on_list(void *self, const struct link_error *error, const void *fields)
{
    struct rest_call *call = self;
    const struct config_objects *page = fields;
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (error) {
        rest_refuse_link(call, error);
        return;
    }
    json_begin_object(&json);
    json_put_name(&json, TEXT("rev"));
    json_put_u64(&json, page->rev);
    json_put_name(&json, TEXT("objects"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < page->objects.count; i++) put_object(&json, &page->objects.at[i]);
    json_end_array(&json);
    if (page->more && page->objects.count) {
        json_put_name(&json, TEXT("after"));
        json_put_u64(&json, page->objects.at[page->objects.count - 1].dbid);
    }
    json_end_object(&json);
    rest_answer(call, 200, buf_text(&out), 0);
    buf_free(&out);
}

static void on_one(void *self, const struct link_error *error, const void *fields)
{
    struct rest_call *call = self;
    const struct config_objects *page = fields;
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (error) {
        rest_refuse_link(call, error);
    } else if (page->objects.count == 0) {
        rest_refuse(call, 404, "CFGObjectNotFound", TEXT("key"), TEXT("there is no such object"));
    } else {
        put_object(&json, &page->objects.at[0]);
        rest_answer(call, 200, buf_text(&out), page->objects.at[0].rev);
        buf_free(&out);
    }
}

void rest_list_objects(struct rest_call *call)
{
    rest_ask_plain(call, on_list);
}

void rest_get_object(struct rest_call *call)
{
    rest_ask_plain(call, on_one);
}

/* --- in ------------------------------------------------------------------------------------- */

static void put_reference(struct json_writer *json, const struct config_config_object *object)
{
    struct config_config_object head = *object;
    head.head.has &= ~CONFIG_CONFIG_OBJECT_HAS_BODY;
    json_put_shape(json, &SHAPE_CONFIG_CONFIG_OBJECT, &head);
}

static struct text done_json(struct scope *scope, const struct config_change_set_done *done)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_name(&json, TEXT("rev"));
    json_put_u64(&json, done->rev);
    json_put_name(&json, TEXT("objects"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < done->objects.count; i++) put_reference(&json, &done->objects.at[i]);
    json_end_array(&json);
    json_put_name(&json, TEXT("warnings"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < done->warnings.count; i++) json_put_text(&json, done->warnings.at[i]);
    json_end_array(&json);
    json_end_object(&json);
    struct text kept = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return kept;
}

static struct text location_of(const struct rest_call *call,
                               const struct config_config_object *object)
{
    return scope_format(rest_scope(call), "%.*s/%u", TEXT_ARG(call->path), object->dbid);
}

static void on_changed(void *self, const struct link_error *error, const void *fields)
{
    struct rest_call *call = self;
    const struct config_change_set_done *done = fields;
    if (error) {
        rest_refuse_link(call, error);
        return;
    }
    struct text json = done_json(rest_scope(call), done);
    bool is_one = done->objects.count == 1 && call->route->has_etag;
    struct http_header location = { TEXT("Location"), TEXT("") };
    bool is_new = call->route->status == 201 && done->objects.count == 1;
    if (is_new) location.value = location_of(call, &done->objects.at[0]);
    rest_answer_with(call, call->route->status, json, is_one ? done->objects.at[0].rev : 0,
                     is_new ? &location : NULL);
}

/* The body as pairs; `rev` is told, not set. False: answered. */
static bool read_body(struct rest_call *call, struct kv *out)
{
    enum { BODY_MEMORY_MAX = 96 * 1024 * 1024 }; /* what 8 MiB of brackets would become is more */
    struct fault fault = { 0 };
    struct http_exchange *exchange = door_back(call->waiting);
    struct text body = http_exchange_request(exchange)->body;
    struct scope *scope = scope_new(rest_scope(call), "body", BODY_MEMORY_MAX);
    enum err err = json_read_kv(body, scope, out, &fault);
    if (err == ERR_OK) return true;
    bool is_too_large = err == ERR_LIMIT;
    rest_refuse(call, is_too_large ? 413 : 400, is_too_large ? "TooLarge" : "BadRequest",
                text_of(fault.field), text_of(fault.words));
    return false;
}

static struct text without_rev(struct scope *scope, const struct kv *pairs)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    for (uint32_t i = 0; i < pairs->count; i++) {
        if (text_eq(pairs->at[i].name, TEXT("rev"))) continue;
        json_put_name(&json, pairs->at[i].name);
        json_put_value(&json, &pairs->at[i].value);
    }
    json_end_object(&json);
    struct text kept = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return kept;
}

static void put_text(struct text *member, uint64_t *has, struct text value, uint64_t bit)
{
    if (value.at == NULL) return;
    *member = value;
    *has |= bit;
}

/* False: answered. */
static bool read_op(struct rest_call *call, const char *name, struct config_change_op *op)
{
    const struct rest_question *question = &call->question;
    uint64_t rev = 0, *has = &op->head.has;
    struct text match = rest_given(question, "If-Match");
    *op = (struct config_change_op){ .op = text_of(name), .type = rest_given(question, "type") };
    *has = CONFIG_CHANGE_OP_HAS_OP | CONFIG_CHANGE_OP_HAS_TYPE;
    put_text(&op->tenant, has, rest_given(question, "tenant"), CONFIG_CHANGE_OP_HAS_TENANT);
    put_text(&op->key, has, rest_given(question, "key"), CONFIG_CHANGE_OP_HAS_KEY);
    put_text(&op->cascade, has, rest_given(question, "cascade"), CONFIG_CHANGE_OP_HAS_CASCADE);
    if (match.at && !rest_read_etag(match, &rev)) {
        rest_refuse(call, 400, "BadRequest", TEXT("If-Match"),
                    TEXT("If-Match: must be one revision, \"412\""));
        return false;
    }
    op->rev = rev;
    if (rev) *has |= CONFIG_CHANGE_OP_HAS_REV;
    return true;
}

static void ask_change(struct rest_call *call, struct config_change_op *op, uint32_t count)
{
    struct fault fault = { 0 };
    struct config_change_set ask = { .head.has = CONFIG_CHANGE_SET_HAS_OPS, .ops = { op, count } };
    put_text(&ask.comment, &ask.head.has, rest_given(&call->question, "comment"),
             CONFIG_CHANGE_SET_HAS_COMMENT);
    if (shape_check(MSG_CONFIG_CHANGE_SET.shape, &ask, &fault))
        rest_refuse(call, 400, "BadRequest", text_of(fault.field), text_of(fault.words));
    else
        rest_ask(call, &MSG_CONFIG_CHANGE_SET, &ask, on_changed);
}

static void write_object(struct rest_call *call, const char *name)
{
    struct config_change_op op;
    struct kv body;
    if (!read_op(call, name, &op) || !read_body(call, &body)) return;
    op.value = without_rev(rest_scope(call), &body);
    op.head.has |= CONFIG_CHANGE_OP_HAS_VALUE;
    ask_change(call, &op, 1);
}

void rest_create_object(struct rest_call *call)
{
    write_object(call, "create");
}

void rest_replace_object(struct rest_call *call)
{
    write_object(call, "replace");
}

void rest_update_object(struct rest_call *call)
{
    write_object(call, "update");
}

void rest_delete_object(struct rest_call *call)
{
    struct config_change_op op;
    if (read_op(call, "delete", &op)) ask_change(call, &op, 1);
}

/* --- change sets ---------------------------------------------------------------------------- */

/* A link carries values as text: {"op":...,"value":{...}} -> "value":"{...}". */
static void values_to_text(struct scope *scope, const struct value *ops)
{
    for (uint32_t i = 0; ops && ops->kind == VALUE_LIST && i < ops->items.count; i++) {
        if (ops->items.at[i].kind != VALUE_KV) continue;
        struct value *value =
            (struct value *)(uintptr_t)kv_find(&ops->items.at[i].pairs, TEXT("value"));
        if (value == NULL || value->kind != VALUE_KV) continue;
        *value = (struct value){ .kind = VALUE_TEXT, .text = without_rev(scope, &value->pairs) };
    }
}

void rest_change(struct rest_call *call)
{
    struct kv body;
    void *fields;
    struct fault fault = { 0 };
    if (!read_body(call, &body)) return;
    values_to_text(rest_scope(call), kv_find(&body, TEXT("ops")));
    if (kv_to_shape(&body, MSG_CONFIG_CHANGE_SET.shape, false, rest_scope(call), &fields, NULL,
                    &fault))
        rest_refuse(call, 400, "BadRequest", text_of(fault.field), text_of(fault.words));
    else
        rest_ask(call, &MSG_CONFIG_CHANGE_SET, fields, on_changed);
}
