/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/question.h"

#include "format/json.h"
#include "format/url.h"
#include "gen/routes.h"

enum { KEY_BYTES_MAX = 255, VALUE_BYTES_MAX = 4096 }; /* spec outbound 20 */

struct reading {
    const struct http_request *request;
    struct encoding *encoding;
    struct scope *scope;
    struct question *out;
    struct question_refusal *refusal;
};

static bool refuse(struct reading *reading, unsigned status, int code, struct text words)
{
    *reading->refusal = (struct question_refusal){ .status = status, .code = code, .words = words };
    return false;
}

static bool refuse_method(struct reading *reading)
{
    const struct question *out = reading->out;
    struct buf allow = { 0 };
    route_allowed(&ROUTES_OUTBOUND, out->match.resource, out->match.route ? out->req : TEXT(""),
                  &allow);
    (void)refuse(reading, 405, CODE_UNKNOWN_REQUEST, TEXT("method: see Allow"));
    reading->refusal->allow = scope_keep(reading->scope, buf_text(&allow));
    buf_free(&allow);
    return false;
}

static bool find_route(struct reading *reading)
{
    const struct http_request *request = reading->request;
    struct question *out = reading->out;
    enum err err = url_parameter(request->query, TEXT("req"), reading->scope, &out->req);
    if (err && err != ERR_NOT_FOUND)
        return refuse(reading, 400, CODE_UNKNOWN_REQUEST, TEXT("req: bad escape"));
    if (err) out->req = TEXT("");
    switch (route_find(&ROUTES_OUTBOUND, request->method, request->path, out->req, &out->match)) {
    case ROUTE_FOUND: return true;
    case ROUTE_NO_RESOURCE:
        return refuse(reading, 404, CODE_UNKNOWN_REQUEST,
                      TEXT("path: must be /records/, /phones/, /customer_ids/, /lists/ or "
                           "/campaigngroups/ and an identifier"));
    case ROUTE_NO_REQ:
        return refuse(reading, 400, CODE_UNKNOWN_REQUEST,
                      scope_format(reading->scope, "req: \"%.*s\" is no action of %.*s",
                                   TEXT_ARG(out->req), TEXT_ARG(out->match.resource)));
    case ROUTE_NO_METHOD: return refuse_method(reading);
    }
    return false;
}

static bool decode_identifier(struct reading *reading)
{
    struct question *out = reading->out;
    enum err err = url_decode(out->match.identifier, false, reading->scope, &out->identifier);
    if (!err && text_is_utf8(out->identifier) && out->identifier.len <= KEY_BYTES_MAX) return true;
    return refuse(reading, 400, CODE_BAD_KEY,
                  TEXT("path: the identifier must be percent-encoded UTF-8 of at most 255 bytes"));
}

static bool is_json(struct text content_type)
{
    struct text type = content_type, rest;
    (void)text_cut(content_type, ';', &type, &rest);
    return text_eq_fold(text_trim(type), TEXT("application/json"));
}

static bool has_right_length_and_type(struct reading *reading)
{
    const struct http_request *request = reading->request;
    const struct route_match *match = &reading->out->match;
    if (!request->has_length && route_needs_body(match->route, match->resource))
        return refuse(reading, 411, CODE_BAD_KEY, TEXT("Content-Length: this action needs a body"));
    struct text type = http_header_find(&request->headers, TEXT("Content-Type"));
    if (request->body.len > 0 && !is_json(type))
        return refuse(reading, 415, CODE_BAD_KEY, TEXT("Content-Type: must be application/json"));
    return true;
}

/* A page in somebody's browser is no client of ours, whatever it gets the browser to send: the port
 * asks nobody who he is. The rule of Go's CrossOriginProtection: browsers of today say it
 * themselves (Sec-Fetch-Site), older ones by Origin. What only reads is let pass: no page of
 * another site gets to see the answer. */
static bool is_of_another_site(const struct http_request *request)
{
    struct text site = http_header_find(&request->headers, TEXT("Sec-Fetch-Site"));
    struct text origin = http_header_find(&request->headers, TEXT("Origin"));
    struct text host = http_header_find(&request->headers, TEXT("Host")), scheme, rest;
    if (site.at) return !text_eq(site, TEXT("same-origin")) && !text_eq(site, TEXT("none"));
    if (origin.at == NULL) return false;
    return !text_cut(origin, ':', &scheme, &rest) || !text_starts(rest, TEXT("//")) ||
           !text_eq(text_slice(rest, 2, SIZE_MAX), host);
}

static bool is_no_page_of_another_site(struct reading *reading)
{
    const struct http_request *request = reading->request;
    bool only_reads = text_eq(request->method, TEXT("GET")) ||
                      text_eq(request->method, TEXT("HEAD"));
    if (only_reads || !is_of_another_site(request)) return true;
    return refuse(reading, 403, CODE_UNKNOWN_REQUEST,
                  TEXT("Origin: pages of other sites may not ask"));
}

static bool read_idempotency_key(struct reading *reading)
{
    struct text key = http_header_find(&reading->request->headers, TEXT("Idempotency-Key"));
    if (key.at == NULL) return true;
    bool is_right = key.len > 0 && key.len <= KEY_BYTES_MAX;
    for (size_t i = 0; is_right && i < key.len; i++) is_right = key.at[i] > ' ' && key.at[i] < 0x7f;
    reading->out->idempotency_key = key;
    if (is_right) return true;
    return refuse(reading, 400, CODE_BAD_KEY,
                  TEXT("Idempotency-Key: must be 1 to 255 visible ASCII characters"));
}

/* NULL: the string has a place in the character set of the lists. */
static const char *text_trouble(const struct reading *reading, struct text text)
{
    struct text encoded;
    if (reading->encoding && encoding_encode(reading->encoding, text, reading->scope, &encoded))
        return "a character has no place in the option encoding's set";
    return NULL;
}

static bool is_same_scalar(const struct value *value, struct text text)
{
    int64_t number;
    if (value->kind == VALUE_TEXT) return text_eq(value->text, text);
    return value->kind == VALUE_INTEGER && !text_to_i64(text, INT64_MIN, INT64_MAX, &number) &&
           number == value->integer;
}

/* NULL: nothing is wrong with the pair. */
static const char *pair_trouble(const struct reading *reading, const struct pair *pair)
{
    const struct question *out = reading->out;
    if (pair->name.len == 0 || pair->name.len > KEY_BYTES_MAX) return "a key has 1 to 255 bytes";
    if (pair->value.kind == VALUE_LIST || pair->value.kind == VALUE_KV)
        return "the body is one flat object";
    if (text_eq(pair->name, route_resource_key(out->match.resource)) &&
        !is_same_scalar(&pair->value, out->identifier))
        return "differs from the path";
    if (pair->value.kind == VALUE_TEXT && pair->value.text.len > VALUE_BYTES_MAX)
        return "a value has at most 4096 bytes";
    const char *trouble = text_trouble(reading, pair->name);
    if (!trouble && pair->value.kind == VALUE_TEXT)
        trouble = text_trouble(reading, pair->value.text);
    return trouble;
}

static bool read_body(struct reading *reading)
{
    struct kv *body = &reading->out->body;
    struct fault fault;
    if (reading->request->body.len == 0) return true;
    if (json_read_kv(reading->request->body, reading->scope, body, &fault))
        return refuse(reading, 400, CODE_BAD_KEY,
                      scope_format(reading->scope, "body: %s", fault.words));
    for (uint32_t i = 0; i < body->count; i++) {
        const struct pair *pair = &body->at[i];
        const char *trouble = pair_trouble(reading, pair);
        if (trouble == NULL) continue;
        return refuse(reading, 400, CODE_BAD_KEY,
                      scope_format(reading->scope, "%.*s: %s",
                                   TEXT_ARG(text_slice(pair->name, 0, KEY_BYTES_MAX)), trouble));
    }
    return true;
}

bool question_read(const struct http_request *request, struct encoding *encoding,
                   struct scope *scope, struct question *out, struct question_refusal *refusal)
{
    *out = (struct question){ 0 };
    struct reading reading = { request, encoding, scope, out, refusal };
    return is_no_page_of_another_site(&reading) && find_route(&reading) &&
           decode_identifier(&reading) && has_right_length_and_type(&reading) &&
           read_idempotency_key(&reading) && read_body(&reading);
}

void question_drop_own_keys(struct question *question)
{
    const struct text own[] = { route_resource_key(question->match.resource),
                                TEXT("GSW_AGENT_REQ_TYPE"), TEXT("GSW_APPLICATION_ID") };
    struct kv *body = &question->body;
    uint32_t kept = 0;
    for (uint32_t i = 0; i < body->count; i++) {
        bool is_own = false;
        for (size_t k = 0; k < sizeof own / sizeof own[0]; k++)
            if (text_eq(body->at[i].name, own[k])) is_own = true;
        if (!is_own) body->at[kept++] = body->at[i];
    }
    body->count = kept;
}
