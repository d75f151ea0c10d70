/* SPDX-License-Identifier: Apache-2.0 */
/* The streaming writer. One bit of state is enough: whether the next value needs a comma. */
#include "format/json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void before_value(struct json_writer *json)
{
    if (json->needs_comma) buf_add_byte(json->out, ',');
    json->needs_comma = true;
}

static void put_bare(struct json_writer *json, struct text bare)
{
    before_value(json);
    buf_add(json->out, bare);
}

static void open_with(struct json_writer *json, char bracket)
{
    before_value(json);
    buf_add_byte(json->out, bracket);
    json->needs_comma = false;
}

static void close_with(struct json_writer *json, char bracket)
{
    buf_add_byte(json->out, bracket);
    json->needs_comma = true;
}

void json_begin_object(struct json_writer *json)
{
    open_with(json, '{');
}

void json_end_object(struct json_writer *json)
{
    close_with(json, '}');
}

void json_begin_array(struct json_writer *json)
{
    open_with(json, '[');
}

void json_end_array(struct json_writer *json)
{
    close_with(json, ']');
}

void json_put_null(struct json_writer *json)
{
    put_bare(json, TEXT("null"));
}

void json_put_bool(struct json_writer *json, bool value)
{
    put_bare(json, value ? TEXT("true") : TEXT("false"));
}

void json_put_u64(struct json_writer *json, uint64_t value)
{
    before_value(json);
    buf_add_u64(json->out, value);
}

void json_put_i64(struct json_writer *json, int64_t value)
{
    before_value(json);
    buf_add_i64(json->out, value);
}

void json_put_f64(struct json_writer *json, double value)
{
    if (!isfinite(value)) {
        json_put_null(json);
        return;
    }
    char digits[40];
    int len = 0;
    for (int precision = 15; precision <= 17; precision++) {
        len = snprintf(digits, sizeof digits, "%.*g", precision, value);
        if (strtod(digits, NULL) == value) break;
    }
    struct text text = { digits, (size_t)len };
    put_bare(json, text);
    /* A float stays one for the reader: 5.0, not 5. */
    if (text_find(text, '.', 0) == SIZE_MAX && text_find(text, 'e', 0) == SIZE_MAX)
        buf_add(json->out, TEXT(".0"));
}

/* Length of the well-formed sequence at `index`, or 0. */
static size_t sequence_len(struct text in, size_t index)
{
    for (size_t len = 2; len <= 4 && len <= in.len - index; len++)
        if (text_is_utf8(text_slice(in, index, len))) return len;
    return 0;
}

static void add_escaped(struct buf *out, unsigned char byte)
{
    switch (byte) {
    case '"': buf_add(out, TEXT("\\\"")); break;
    case '\\': buf_add(out, TEXT("\\\\")); break;
    case '\n': buf_add(out, TEXT("\\n")); break;
    case '\r': buf_add(out, TEXT("\\r")); break;
    case '\t': buf_add(out, TEXT("\\t")); break;
    default: buf_format(out, "\\u%04x", byte); break;
    }
}

static bool is_plain(unsigned char byte)
{
    return byte >= 0x20 && byte < 0x7f && byte != '"' && byte != '\\';
}

/* How much of it stands for itself; nearly always all. */
static size_t plain_len(struct text in)
{
    size_t len = 0;
    while (len < in.len && is_plain((unsigned char)in.at[len])) len++;
    return len;
}

/* `plain`: of `in` from its beginning. */
static void add_escaped_string(struct buf *out, struct text in, size_t plain)
{
    buf_add_byte(out, '"');
    size_t from = 0; /* of the run that is copied as it is */
    for (size_t i = plain; i < in.len;) {
        unsigned char byte = (unsigned char)in.at[i];
        if (is_plain(byte)) {
            i++;
            continue;
        }
        size_t len = byte >= 0x80 ? sequence_len(in, i) : 0;
        if (len) {
            i += len;
            continue;
        }
        buf_add(out, text_slice(in, from, i - from));
        if (byte >= 0x80)
            buf_add(out, TEXT("\xEF\xBF\xBD")); /* U+FFFD */
        else
            add_escaped(out, byte);
        from = ++i;
    }
    buf_add(out, text_slice(in, from, in.len - from));
    buf_add_byte(out, '"');
}

/* Comma, string, and what stands behind it: in one piece where the string is plain. */
static void put_string(struct json_writer *json, struct text in, struct text behind)
{
    struct buf *out = json->out;
    size_t plain = plain_len(in);
    before_value(json);
    if (plain < in.len) {
        add_escaped_string(out, in, plain);
        buf_add(out, behind);
        return;
    }
    char *at = buf_reserve(out, in.len + 2 + behind.len);
    *at++ = '"';
    if (in.len) memcpy(at, in.at, in.len);
    at[in.len] = '"';
    memcpy(at + in.len + 1, behind.at, behind.len);
    out->len += in.len + 2 + behind.len;
}

void json_put_text(struct json_writer *json, struct text value)
{
    put_string(json, value, TEXT(""));
}

void json_put_name(struct json_writer *json, struct text name)
{
    put_string(json, name, TEXT(":"));
    json->needs_comma = false;
}

void json_put_bytes(struct json_writer *json, struct text value)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    before_value(json);
    buf_add_byte(json->out, '"');
    for (size_t i = 0; i < value.len; i += 3) {
        size_t left = value.len - i;
        uint32_t group = 0;
        for (size_t j = 0; j < 3; j++)
            group = group << 8 | (j < left ? (unsigned char)value.at[i + j] : 0u);
        for (size_t j = 0; j < 4; j++)
            buf_add_byte(json->out, j <= left ? digits[group >> (18 - 6 * j) & 63] : '=');
    }
    buf_add_byte(json->out, '"');
}

void json_put_raw(struct json_writer *json, struct text json_text)
{
    put_bare(json, json_text);
}

void json_put_value(struct json_writer *json, const struct value *value)
{
    switch (value->kind) {
    case VALUE_NULL: json_put_null(json); break;
    case VALUE_BOOL: json_put_bool(json, value->truth); break;
    case VALUE_INTEGER: json_put_i64(json, value->integer); break;
    case VALUE_FLOAT: json_put_f64(json, value->number); break;
    case VALUE_TEXT: json_put_text(json, value->text); break;
    case VALUE_BYTES: json_put_bytes(json, value->text); break;
    case VALUE_LIST:
        json_begin_array(json);
        for (uint32_t i = 0; i < value->items.count; i++) json_put_value(json, &value->items.at[i]);
        json_end_array(json);
        break;
    case VALUE_KV: json_put_kv(json, &value->pairs); break;
    }
}

void json_put_kv_members(struct json_writer *json, const struct kv *kv)
{
    for (uint32_t i = 0; i < kv->count; i++) {
        json_put_name(json, kv->at[i].name);
        json_put_value(json, &kv->at[i].value);
    }
}

void json_put_kv(struct json_writer *json, const struct kv *kv)
{
    json_begin_object(json);
    json_put_kv_members(json, kv);
    json_end_object(json);
}

static void put_one(struct json_writer *json, const struct shape_field *field, const void *at)
{
    switch (field->kind) {
    case FIELD_BOOL: json_put_bool(json, *(const bool *)at); break;
    case FIELD_U32: json_put_u64(json, *(const uint32_t *)at); break;
    case FIELD_U64: json_put_u64(json, *(const uint64_t *)at); break;
    case FIELD_I64: json_put_i64(json, *(const int64_t *)at); break;
    case FIELD_F64: json_put_f64(json, *(const double *)at); break;
    case FIELD_TEXT: json_put_text(json, *(const struct text *)at); break;
    case FIELD_BYTES: json_put_bytes(json, *(const struct text *)at); break;
    case FIELD_KV: json_put_kv(json, at); break;
    case FIELD_NESTED: json_put_shape(json, field->nested, at); break;
    }
}

static void put_list(struct json_writer *json, const struct shape_field *field,
                     const struct shape_list *list)
{
    size_t step = shape_item_size(field);
    json_begin_array(json);
    for (uint32_t i = 0; i < list->count; i++)
        put_one(json, field, (const char *)list->at + i * step);
    json_end_array(json);
}

void json_put_shape_members(struct json_writer *json, const struct shape *shape, const void *object)
{
    const struct shape_head *head = object;
    for (uint16_t i = 0; i < shape->count; i++) {
        const struct shape_field *field = &shape->fields[i];
        const void *member = (const char *)object + field->offset;
        if (!(head->has & (1ull << i))) continue;
        json_put_name(json, text_of(field->name));
        if (field->is_list)
            put_list(json, field, member);
        else
            put_one(json, field, field->kind == FIELD_NESTED ? *(void *const *)member : member);
    }
}

void json_put_shape(struct json_writer *json, const struct shape *shape, const void *object)
{
    json_begin_object(json);
    json_put_shape_members(json, shape, object);
    json_end_object(json);
}

void shape_to_json(struct buf *out, const struct shape *shape, const void *object)
{
    struct json_writer json = json_writer(out);
    json_put_shape(&json, shape, object);
}

void kv_to_json(struct buf *out, const struct kv *kv)
{
    struct json_writer json = json_writer(out);
    json_put_kv(&json, kv);
}
