/* SPDX-License-Identifier: Apache-2.0 */
/* Forms and bodies of the Basic HTTP event processor. The two sides mirror each other: what
 * scxml_http_body() writes, scxml_http_event() reads. */
#include "scxml/host_http.h"

#include "format/json.h"
#include "format/url.h"

#define EVENT_NAME "_scxmleventname"
#define FORM       "application/x-www-form-urlencoded"

/* --- sending --------------------------------------------------------------------------------- */

static void add_field(struct buf *body, struct text name, struct text value)
{
    if (body->len) buf_add_byte(body, '&');
    url_encode(body, name);
    buf_add_byte(body, '=');
    url_encode(body, value);
}

/* The characters of a value: a string without its quotes, all else as it is written. False: it is
 * no string. */
static bool is_string(const struct scxml_payload *payload, struct scope *scope, struct text *out)
{
    struct value value;
    *out = payload->text;
    if (payload->kind == SCXML_DATA_TEXT || payload->kind == SCXML_DATA_BODY) return true;
    if (payload->kind != SCXML_DATA_JSON || !text_starts(payload->text, TEXT("\""))) return false;
    if (json_read(payload->text, scope, &value, NULL) || value.kind != VALUE_TEXT) return false;
    *out = value.text;
    return true;
}

static void add_content(struct buf *body, const struct scxml_payload *content, struct scope *scope,
                        struct text *content_type)
{
    struct text text;
    if (is_string(content, scope, &text)) {
        url_encode(body, text);
        return;
    }
    buf_add(body, content->text);
    if (content->kind == SCXML_DATA_JSON) *content_type = TEXT("application/json");
    if (content->kind == SCXML_DATA_XML) *content_type = TEXT("application/xml");
}

void scxml_http_body(const struct scxml_message *message, struct buf *body,
                     struct text *content_type)
{
    struct scope *scope = scope_new(NULL, "scxml http body", SCOPE_NO_LIMIT);
    struct text text;
    *content_type = TEXT(FORM);
    if (message->has_content) {
        add_content(body, &message->event.data, scope, content_type);
    } else {
        if (message->event.name.len) add_field(body, TEXT(EVENT_NAME), message->event.name);
        for (const struct scxml_pair *pair = message->pairs; pair; pair = pair->next) {
            (void)is_string(&pair->value, scope, &text);
            add_field(body, pair->name, text);
        }
    }
    scope_close(scope);
}

/* --- receiving ------------------------------------------------------------------------------- */

struct field {
    struct text name, value;
    bool has_value; /* an equals sign */
    bool is_taken;
};

struct form {
    struct scope *scope;
    struct field *fields;
    uint32_t count;
    bool has_broken;
};

static uint32_t count_fields(struct text form)
{
    uint32_t count = form.len ? 1 : 0;
    for (size_t i = 0; i < form.len; i++) count += form.at[i] == '&';
    return count;
}

static void read_field(struct form *form, struct text item)
{
    struct text name = item, value = { 0 };
    struct field *field = &form->fields[form->count];
    field->has_value = text_cut(item, '=', &name, &value);
    if (url_decode(name, true, form->scope, &field->name) ||
        url_decode(value, true, form->scope, &field->value) || !text_is_utf8(field->name) ||
        !text_is_utf8(field->value))
        form->has_broken = true;
    else
        form->count++;
}

static void read_form(struct form *form, struct text text)
{
    struct text item;
    while (text_next_item(&text, '&', &item))
        if (item.len) read_field(form, item);
}

static void take_event_name(struct form *form, struct scxml_event *event)
{
    for (uint32_t i = 0; i < form->count; i++)
        if (text_eq(form->fields[i].name, TEXT(EVENT_NAME))) {
            form->fields[i].is_taken = true;
            if (form->fields[i].value.len) event->name = form->fields[i].value;
        }
}

/* One string, or all values that have this name. */
static void put_values(struct json_writer *json, struct form *form, uint32_t first)
{
    uint32_t same = 0;
    struct text name = form->fields[first].name;
    for (uint32_t i = first; i < form->count; i++) same += text_eq(form->fields[i].name, name);
    if (same > 1) json_begin_array(json);
    for (uint32_t i = first; i < form->count; i++) {
        if (!text_eq(form->fields[i].name, name)) continue;
        json_put_text(json, form->fields[i].value);
        form->fields[i].is_taken = true;
    }
    if (same > 1) json_end_array(json);
}

static struct scxml_payload data_of_fields(struct form *form)
{
    struct buf data = { 0 };
    struct json_writer json = json_writer(&data);
    uint32_t count = 0;
    json_begin_object(&json);
    for (uint32_t i = 0; i < form->count; i++) {
        if (form->fields[i].is_taken) continue;
        json_put_name(&json, form->fields[i].name);
        put_values(&json, form, i);
        count++;
    }
    json_end_object(&json);
    struct scxml_payload payload = { 0 };
    if (count)
        payload =
            (struct scxml_payload){ SCXML_DATA_JSON, scope_keep(form->scope, buf_text(&data)) };
    buf_free(&data);
    return payload;
}

static bool is_form(struct text content_type)
{
    struct text type = content_type, rest;
    (void)text_cut(content_type, ';', &type, &rest);
    return text_eq_fold(text_trim(type), TEXT(FORM));
}

/* The one word of a form that carries a string. */
static bool is_one_word(const struct form *form)
{
    return form->count == 1 && !form->fields[0].has_value;
}

enum { FIELDS_MAX = 1000 };

enum err scxml_http_event(const struct scxml_http_request *request, struct scope *scope,
                          struct scxml_event *out, struct fault *fault)
{
    if (!text_eq(request->method, TEXT("POST")))
        return fault_set(fault, ERR_UNSUPPORTED, "method", "events come by POST");
    bool has_form = is_form(request->content_type);
    uint32_t room = count_fields(request->query) + (has_form ? count_fields(request->body) : 0);
    if (room > FIELDS_MAX)
        return fault_set(fault, ERR_INVALID, "body", "more than %d fields", FIELDS_MAX);
    struct form form = { .scope = scope,
                         .fields = scope_alloc_array(scope, room + 1, sizeof *form.fields) };
    struct scxml_event event = { .name = TEXT("HTTP.POST"),
                                 .type = SCXML_EXTERNAL,
                                 .origin_type = TEXT(SCXML_HTTP_PROCESSOR),
                                 .raw = request->raw };
    read_form(&form, request->query);
    if (has_form) read_form(&form, request->body);
    if (form.has_broken)
        return fault_set(fault, ERR_INVALID, "body", "a field is no percent-encoded UTF-8");
    take_event_name(&form, &event);
    if (has_form && is_one_word(&form))
        event.data = (struct scxml_payload){ SCXML_DATA_BODY, form.fields[0].name };
    else if (has_form || request->body.len == 0)
        event.data = data_of_fields(&form);
    else
        event.data = (struct scxml_payload){ SCXML_DATA_BODY, request->body };
    *out = event;
    return ERR_OK;
}
