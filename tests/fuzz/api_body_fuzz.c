/* SPDX-License-Identifier: Apache-2.0 */
/* api_body_fuzz.c - requests of the HTTP API, from the request to the message.
 * What comes through keeps the rules of its message, and written as JSON it is read as the same
 * again. */
#include "tests/fuzz/fuzz.h"

#include "app/message_json.h"
#include "gen/messages.h"
#include "servers/outbound/http_edge.h"
#include "servers/outbound/http_proxy/exchange.h"
#include "servers/outbound/http_proxy/question.h"

enum { HEADERS_FUZZED_MAX = 8 };

/* "POST /records/7?req=X" LF header lines, an empty line, the body. */
static bool read_request(struct text in, struct http_header *headers, struct http_request *out)
{
    struct text line, name, value;
    *out = (struct http_request){ .headers = { headers, 0 }, .has_length = true };
    if (!fuzz_line(&in, &line) || !text_cut(line, ' ', &out->method, &out->target)) return false;
    out->path = out->target;
    (void)text_cut(out->target, '?', &out->path, &out->query);
    while (fuzz_line(&in, &line) && line.len > 0) {
        if (!text_cut(line, ':', &name, &value) || out->headers.count == HEADERS_FUZZED_MAX)
            return false;
        headers[out->headers.count++] = (struct http_header){ name, text_trim(value) };
    }
    out->body = in;
    return out->target.len > 0;
}

static void check_refusal(const struct question_refusal *refusal)
{
    FUZZ_CHECK(refusal->status >= 400 && refusal->status < 500);
    FUZZ_CHECK(refusal->code > 0 && refusal->words.len > 0);
    FUZZ_CHECK((refusal->status == 405) == (refusal->allow.len > 0));
}

static void check_question(const struct question *question)
{
    FUZZ_CHECK(question->match.route != NULL);
    FUZZ_CHECK(question->identifier.len <= 255 && text_is_utf8(question->identifier));
    FUZZ_CHECK(question->idempotency_key.len <= 255);
    for (uint32_t i = 0; i < question->body.count; i++) {
        const struct pair *pair = &question->body.at[i];
        FUZZ_CHECK(pair->name.len >= 1 && pair->name.len <= 255);
        FUZZ_CHECK(pair->value.kind != VALUE_LIST && pair->value.kind != VALUE_KV);
        fuzz_check_value(&pair->value, 0);
    }
}

/* The message as JSON, as desktops get it. */
static struct text as_json(struct scope *scope, const struct msg *msg, const void *fields)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    message_put_members(&json, msg->shape, fields);
    json_end_object(&json);
    struct text kept = scope_keep(scope, buf_text(&out));
    buf_free(&out);
    return kept;
}

static void check_again(const struct msg *msg, const void *fields, struct scope *scope)
{
    struct kv pairs;
    void *again;
    struct text json = as_json(scope, msg, fields);
    FUZZ_CHECK(json_read_kv(json, scope, &pairs, NULL) == ERR_OK);
    FUZZ_CHECK(message_from_kv(msg, &pairs, scope, &again, NULL) == ERR_OK);
    FUZZ_CHECK(text_eq(json, as_json(scope, msg, again)));
}

static void check_refused(const struct refusal *refusal, struct scope *scope)
{
    struct buf error = { 0 };
    struct kv pairs;
    FUZZ_CHECK(refusal->error != OUTBOUND_OK && refusal->words[0]);
    FUZZ_CHECK(outbound_error_http_status(refusal->error) >= 400);
    http_edge_write_error(refusal, &error);
    FUZZ_CHECK(json_read_kv(buf_text(&error), scope, &pairs, NULL) == ERR_OK);
    buf_free(&error);
}

/* Through the channel to outbound, where it becomes a message. */
static void check_message(struct question *question, struct scope *scope)
{
    const struct msg *msg = question->match.route->msg;
    struct exchange_request sent = { .route = question->match.route,
                                     .identifier = question->identifier,
                                     .idempotency_key = question->idempotency_key };
    struct exchange_request got;
    struct refusal refusal = { 0 };
    struct buf payload = { 0 };
    question_drop_own_keys(question);
    exchange_put_request(&payload, &sent, &question->body);
    FUZZ_CHECK(exchange_read_request(buf_text(&payload), &got) == ERR_OK);
    FUZZ_CHECK(got.route == sent.route && text_eq(got.identifier, sent.identifier) &&
               text_eq(got.idempotency_key, sent.idempotency_key));
    if (msg) {
        struct http_question asked = { .msg = msg,
                                       .resource = question->match.resource,
                                       .identifier = got.identifier,
                                       .pairs = got.pairs };
        const void *fields = http_edge_read(&asked, scope, &refusal);
        if (fields == NULL) {
            check_refused(&refusal, scope);
        } else {
            FUZZ_CHECK(shape_check(msg->shape, fields, NULL) == ERR_OK);
            check_again(msg, fields, scope);
        }
    }
    buf_free(&payload);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct text sets[] = { { NULL, 0 }, { "ISO-8859-1", 10 } };
    struct http_header headers[HEADERS_FUZZED_MAX];
    struct http_request request;
    if (!read_request(fuzz_text(data, size), headers, &request)) return 0;
    for (size_t i = 0; i < sizeof sets / sizeof sets[0]; i++) {
        struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
        struct encoding *encoding = NULL;
        struct question question;
        struct question_refusal refusal;
        if (sets[i].len) FUZZ_CHECK(encoding_open(scope, sets[i], &encoding, NULL) == ERR_OK);
        if (question_read(&request, encoding, scope, &question, &refusal)) {
            check_question(&question);
            check_message(&question, scope);
        } else {
            check_refusal(&refusal);
        }
        scope_close(scope);
    }
    return 0;
}
