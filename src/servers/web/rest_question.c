/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/rest_question.h"

#include "format/json.h"
#include "format/url.h"

#include <string.h>
#include <time.h>

/* --- values --------------------------------------------------------------------------------- */

bool rest_read_etag(struct text in, uint64_t *out)
{
    in = text_trim(in);
    *out = 0;
    if (text_eq(in, TEXT("*"))) return true;
    if (in.len > 2 && in.at[0] == '"' && in.at[in.len - 1] == '"')
        in = text_slice(in, 1, in.len - 2);
    return text_to_u64(in, 1, INT64_MAX, out) == ERR_OK;
}

static bool read_digits(struct text *in, size_t len, int max, int *out)
{
    uint32_t number;
    if (in->len < len || text_to_u32(text_slice(*in, 0, len), 0, (uint32_t)max, &number))
        return false;
    *out = (int)number;
    *in = text_slice(*in, len, in->len);
    return true;
}

static bool read_byte(struct text *in, const char *of)
{
    if (in->len == 0 || strchr(of, in->at[0]) == NULL) return false;
    *in = text_slice(*in, 1, in->len);
    return true;
}

/* "Z", "+01:00"; a plus of a query may have come as a blank. */
static bool read_offset(struct text in, int *out_minutes)
{
    int hours, minutes, sign = in.len && in.at[0] == '-' ? -1 : 1;
    *out_minutes = 0;
    if (text_eq_fold(in, TEXT("Z"))) return true;
    if (!read_byte(&in, "+- ") || !read_digits(&in, 2, 23, &hours) || !read_byte(&in, ":") ||
        !read_digits(&in, 2, 59, &minutes))
        return false;
    *out_minutes = sign * (hours * 60 + minutes);
    return in.len == 0;
}

bool rest_read_time(struct text in, uint64_t *out_utc_ms)
{
    struct tm tm = { 0 };
    int thousandths = 0, digit, offset_minutes;
    if (text_to_u64(in, 0, INT64_MAX, out_utc_ms) == ERR_OK) return true;
    if (!read_digits(&in, 4, 9999, &tm.tm_year) || !read_byte(&in, "-") ||
        !read_digits(&in, 2, 12, &tm.tm_mon) || !read_byte(&in, "-") ||
        !read_digits(&in, 2, 31, &tm.tm_mday) || !read_byte(&in, "Tt ") ||
        !read_digits(&in, 2, 23, &tm.tm_hour) || !read_byte(&in, ":") ||
        !read_digits(&in, 2, 59, &tm.tm_min) || !read_byte(&in, ":") ||
        !read_digits(&in, 2, 60, &tm.tm_sec))
        return false;
    if (tm.tm_mon == 0 || tm.tm_mday == 0 || tm.tm_year < 1970) return false;
    if (read_byte(&in, "."))
        for (int weight = 100; read_digits(&in, 1, 9, &digit); weight /= 10)
            thousandths += weight * digit;
    if (!read_offset(in, &offset_minutes)) return false;
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    int64_t seconds = (int64_t)timegm(&tm) - offset_minutes * 60;
    if (seconds < 0) return false;
    *out_utc_ms = (uint64_t)seconds * 1000 + (uint64_t)thousandths;
    return true;
}

static struct value list_of(struct scope *scope, struct text in)
{
    struct value list = { .kind = VALUE_LIST };
    struct text one;
    size_t count = 1;
    for (size_t i = 0; i < in.len; i++) count += in.at[i] == ',';
    list.items.at = scope_alloc_array(scope, count, sizeof *list.items.at);
    while (in.len && text_next_item(&in, ',', &one))
        if (one.len)
            list.items.at[list.items.count++] = (struct value){ .kind = VALUE_TEXT, .text = one };
    return list;
}

static bool is_time(const struct shape_field *field)
{
    return field->kind == FIELD_U64 && field->unit && strcmp(field->unit, "ms") == 0;
}

/* What the field wants to be; NULL, or what it must be. */
static const char *value_of(struct scope *scope, const struct shape_field *field, struct text in,
                            struct value *out)
{
    uint64_t ms;
    *out = (struct value){ .kind = VALUE_TEXT, .text = in };
    if (field->is_list) {
        *out = list_of(scope, in);
        return field->kind == FIELD_TEXT ? NULL : "must not be a parameter";
    }
    if (is_time(field)) {
        *out = (struct value){ .kind = VALUE_INTEGER };
        if (!rest_read_time(in, &ms))
            return "must be a time, 2026-11-21T23:00:00Z, or milliseconds of UTC";
        out->integer = (int64_t)ms;
        return NULL;
    }
    switch (field->kind) {
    case FIELD_TEXT: return NULL;
    case FIELD_BOOL:
        out->kind = VALUE_BOOL;
        return text_to_bool(in, &out->truth) ? "must be true or false" : NULL;
    case FIELD_U32:
    case FIELD_U64:
    case FIELD_I64:
        out->kind = VALUE_INTEGER;
        return text_to_i64(in, INT64_MIN, INT64_MAX, &out->integer) ? "must be a whole number"
                                                                    : NULL;
    case FIELD_F64:
        out->kind = VALUE_FLOAT;
        return text_to_f64(in, &out->number) ? "must be a number" : NULL;
    default: return "must not be a parameter";
    }
}

/* --- parameters ----------------------------------------------------------------------------- */

struct reader {
    struct scope *scope;
    struct rest_question *out;
    struct fault *fault;
};

static enum err refuse(const struct reader *reader, struct text name, const char *words)
{
    char field[48];
    size_t len = name.len < sizeof field - 1 ? name.len : sizeof field - 1;
    if (len) memcpy(field, name.at, len);
    field[len] = 0;
    return fault_set(reader->fault, ERR_INVALID, field, "%.*s: %s", TEXT_ARG(name), words);
}

static const struct route_parameter *find_parameter(const struct route *route, struct text name,
                                                    enum route_place place)
{
    for (const struct route_parameter *one = route->parameters; one && one->name; one++)
        if (one->place == place && text_eq(text_of(one->name), name)) return one;
    return NULL;
}

static void put_field(struct reader *reader, const char *name, struct value value)
{
    struct kv *fields = &reader->out->fields;
    fields->at[fields->count++] = (struct pair){ text_of(name), value };
}

static enum err take(struct reader *reader, const struct route_parameter *parameter, struct text in)
{
    struct kv *given = &reader->out->given;
    struct text name = text_of(parameter->name);
    const struct route *route = reader->out->route;
    struct value value;
    if (!text_is_utf8(in)) return refuse(reader, name, "must be UTF-8");
    given->at[given->count++] = (struct pair){ name, { .kind = VALUE_TEXT, .text = in } };
    if (parameter->field == NULL) return ERR_OK;
    if (parameter->place == ROUTE_IN_HEADER) { /* If-Match */
        uint64_t rev;
        if (!rest_read_etag(in, &rev)) return refuse(reader, name, "must be one revision, \"412\"");
        if (rev)
            put_field(reader, parameter->field,
                      (struct value){ .kind = VALUE_INTEGER, .integer = (int64_t)rev });
        return ERR_OK;
    }
    const struct shape_field *field = shape_find(route->msg->shape, text_of(parameter->field));
    const char *must = value_of(reader->scope, field, in, &value);
    if (must) return refuse(reader, name, must);
    put_field(reader, parameter->field, value);
    return ERR_OK;
}

static enum err read_path(struct reader *reader, const struct rest_match *match)
{
    uint32_t index = 0;
    for (const struct route_parameter *one = match->route->parameters; one->name; one++) {
        struct text value;
        if (one->place != ROUTE_IN_PATH) continue;
        if (url_decode(match->values[index++], false, reader->scope, &value) || value.len == 0)
            return refuse(reader, text_of(one->name), "the path has a bad escape");
        enum err err = take(reader, one, value);
        if (err) return err;
    }
    return ERR_OK;
}

static enum err read_query(struct reader *reader, struct text query)
{
    struct text one, name, value;
    uint32_t count = 0;
    while (query.len && text_next_item(&query, '&', &one)) {
        if (one.len == 0) continue;
        if (!text_cut(one, '=', &name, &value)) {
            name = one;
            value = TEXT("");
        }
        if (++count > REST_PARAMETERS_MAX)
            return refuse(reader, TEXT("query"), "too many parameters");
        if (url_decode(name, true, reader->scope, &name) ||
            url_decode(value, true, reader->scope, &value))
            return refuse(reader, TEXT("query"), "has a bad escape");
        const struct route_parameter *parameter =
            find_parameter(reader->out->route, name, ROUTE_IN_QUERY);
        if (parameter == NULL) return refuse(reader, name, "is no parameter of this request");
        if (kv_find(&reader->out->given, name)) return refuse(reader, name, "is there twice");
        enum err err = take(reader, parameter, value);
        if (err) return err;
    }
    return ERR_OK;
}

static enum err read_headers(struct reader *reader, const struct http_headers *headers)
{
    for (const struct route_parameter *one = reader->out->route->parameters; one->name; one++) {
        if (one->place != ROUTE_IN_HEADER) continue;
        struct text value = http_header_find(headers, text_of(one->name));
        enum err err = value.at ? take(reader, one, value) : ERR_OK;
        if (err) return err;
    }
    return ERR_OK;
}

static void put_fixed(struct reader *reader)
{
    for (const struct route_parameter *one = reader->out->route->parameters; one->name; one++)
        if (one->place == ROUTE_IN_FIXED)
            put_field(reader, one->field,
                      (struct value){ .kind = VALUE_TEXT, .text = text_of(one->value) });
}

/* --- a body of fields ----------------------------------------------------------------------- */

static bool is_of_body(const struct route *route, struct text name)
{
    if (shape_find(route->msg->shape, name) == NULL) return false;
    for (const struct route_parameter *one = route->parameters; one->name; one++)
        if (one->field && text_eq(text_of(one->field), name)) return false;
    if (route->body_fields == NULL) return true;
    for (const char *const *one = route->body_fields; *one; one++)
        if (text_eq(text_of(*one), name)) return true;
    return false;
}

static enum err read_fields(struct reader *reader, struct text body)
{
    struct kv pairs, *fields = &reader->out->fields;
    if (body.len == 0) return ERR_OK;
    enum err err = json_read_kv(body, reader->scope, &pairs, reader->fault);
    if (err) return err;
    for (uint32_t i = 0; i < pairs.count; i++)
        if (!is_of_body(reader->out->route, pairs.at[i].name))
            return refuse(reader, pairs.at[i].name, "is no member of this request's body");
    struct pair *all = scope_alloc_array(reader->scope, fields->count + pairs.count, sizeof *all);
    if (fields->count) memcpy(all, fields->at, fields->count * sizeof *all);
    if (pairs.count) memcpy(all + fields->count, pairs.at, pairs.count * sizeof *all);
    *fields = (struct kv){ all, fields->count + pairs.count };
    return ERR_OK;
}

bool rest_question_read(const struct rest_match *match, const struct http_request *request,
                        struct scope *scope, struct rest_question *out, struct fault *fault)
{
    enum { PAIRS_MAX = 2 * REST_PARAMETERS_MAX + REST_PARTS_MAX };
    struct reader reader = { scope, out, fault };
    *out = (struct rest_question){ .route = match->route };
    out->given.at = scope_alloc_array(scope, PAIRS_MAX, sizeof *out->given.at);
    out->fields.at = scope_alloc_array(scope, PAIRS_MAX, sizeof *out->fields.at);
    enum err err = read_path(&reader, match);
    if (!err) err = read_query(&reader, request->query);
    if (!err) err = read_headers(&reader, &request->headers);
    if (err) return false;
    put_fixed(&reader);
    if (match->route->body == ROUTE_BODY_FIELDS) err = read_fields(&reader, request->body);
    return err == ERR_OK;
}

struct text rest_given(const struct rest_question *question, const char *name)
{
    const struct value *value = kv_find(&question->given, text_of(name));
    return value ? value->text : (struct text){ 0 };
}

struct text rest_parameter_of(const struct route *route, struct text field)
{
    for (const struct route_parameter *one = route->parameters; one && one->name; one++)
        if (one->field && text_eq(text_of(one->field), field)) return text_of(one->name);
    return field;
}
