/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/scxml_line.h"

#include "format/json.h"

static enum err read_name(struct text name, struct scxml_line *out, struct fault *fault)
{
    if (name.len == 0) return fault_set(fault, ERR_INVALID, "name", "an event needs a name");
    if (name.len > SCXML_NAME_BYTES_MAX)
        return fault_set(fault, ERR_LIMIT, "name", "a name has at most %d bytes",
                         SCXML_NAME_BYTES_MAX);
    if (!text_is_utf8(name)) return fault_set(fault, ERR_INVALID, "name", "the name is no UTF-8");
    for (size_t i = 0; i < name.len; i++)
        if ((unsigned char)name.at[i] <= ' ' || name.at[i] == 0x7f)
            return fault_set(fault, ERR_INVALID, "name", "a name has no blanks");
    out->kind = SCXML_LINE_EVENT;
    out->event = (struct scxml_event){ .name = name, .type = SCXML_EXTERNAL };
    return ERR_OK;
}

static enum err read_after(const struct value *after, struct scxml_line *out, struct fault *fault)
{
    double ms = after->kind == VALUE_INTEGER ? (double)after->integer
                : after->kind == VALUE_FLOAT ? after->number
                                             : -1;
    if (!(ms >= 0 && ms <= (double)SCXML_AFTER_MS_MAX))
        return fault_set(fault, ERR_INVALID, "after",
                         "\"after\" is a number of milliseconds, a year at most");
    out->kind = SCXML_LINE_AFTER;
    out->after_ms = (uint64_t)ms;
    return ERR_OK;
}

static struct scxml_payload json_of(const struct value *value, struct scope *scope)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_put_value(&json, value);
    struct text text = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return (struct scxml_payload){ SCXML_DATA_JSON, text };
}

static enum err read_object(const struct kv *object, struct scope *scope, struct scxml_line *out,
                            struct fault *fault)
{
    const struct value *name = kv_find(object, TEXT("name")), *data = kv_find(object, TEXT("data")),
                       *after = kv_find(object, TEXT("after"));
    uint32_t known = (name ? 1u : 0u) + (data ? 1u : 0u) + (after ? 1u : 0u);
    if (known < object->count || (after && known > 1) || (!after && !name))
        return fault_set(fault, ERR_INVALID, "line",
                         "expected {\"name\":\"x\"}, with \"data\" perhaps, or {\"after\":500}");
    if (after) return read_after(after, out, fault);
    if (name->kind != VALUE_TEXT)
        return fault_set(fault, ERR_INVALID, "name", "\"name\" is a string");
    enum err err = read_name(name->text, out, fault);
    if (!err && data) out->event.data = json_of(data, scope);
    return err;
}

enum err scxml_line_read(struct text line, struct scope *scope, struct scxml_line *out,
                         struct fault *fault)
{
    struct kv object;
    *out = (struct scxml_line){ .kind = SCXML_LINE_BLANK };
    line = text_trim(line);
    if (line.len == 0) return ERR_OK;
    if (line.len > SCXML_LINE_BYTES_MAX)
        return fault_set(fault, ERR_LIMIT, "line", "a line has at most %d bytes",
                         SCXML_LINE_BYTES_MAX);
    if (line.at[0] != '{') return read_name(line, out, fault);
    enum err err = json_read_kv(line, scope, &object, fault);
    return err ? err : read_object(&object, scope, out, fault);
}
