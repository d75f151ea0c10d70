/* SPDX-License-Identifier: Apache-2.0 */
/* The administration REST's reading of requests: the first line is the method, the second the
 * target, the third an If-Match header, the rest the body.
 *   - a route that is found has a path that fits: put together again from its words and the parts
 *     that it took, it is the path
 *   - what is not refused are fields that the message has, at most once each, and whose kinds are
 *     those that its shape takes, or refuses by name
 *   - a refusal names a parameter; a method that is not allowed has others that are
 * And config's filters: what is parsed can be tried on an object, whatever it is. */
#include "tests/fuzz/fuzz.h"

#include "app/message_json.h"
#include "format/json.h"
#include "gen/objects.h"
#include "gen/routes.h"
#include "io/http/head.h"
#include "servers/config/filter.h"
#include "servers/web/rest_question.h"

static void check_path(const struct rest_match *match, struct text path)
{
    struct buf again = { 0 };
    struct text pattern = text_of(match->route->path), part;
    uint32_t index = 0;
    while (pattern.len) {
        pattern = text_slice(pattern, 1, pattern.len); /* the slash */
        size_t end = text_find(pattern, '/', 0);
        part = text_slice(pattern, 0, end == SIZE_MAX ? pattern.len : end);
        pattern = text_slice(pattern, part.len, pattern.len);
        buf_add_byte(&again, '/');
        buf_add(&again, text_starts(part, TEXT("{")) ? match->values[index++] : part);
    }
    FUZZ_CHECK(index == match->count);
    FUZZ_CHECK(text_eq(buf_text(&again), path));
    buf_free(&again);
}

static void check_fields(const struct rest_question *question, struct scope *scope)
{
    struct fault fault = { 0 };
    void *fields;
    const struct msg *msg = question->route->msg;
    if (msg == NULL) {
        FUZZ_CHECK(question->fields.count == 0);
        return;
    }
    for (uint32_t i = 0; i < question->fields.count; i++)
        FUZZ_CHECK(shape_find(msg->shape, question->fields.at[i].name) != NULL);
    if (message_from_kv(msg, &question->fields, scope, &fields, &fault))
        FUZZ_CHECK(fault.words[0] != 0);
}

static void check_question(struct text method, struct text target, struct text match_header,
                           struct text body)
{
    struct http_header header = { TEXT("If-Match"), match_header };
    struct http_request request = { .method = method, .target = target, .body = body };
    struct scope *scope = scope_new(NULL, "rest", 64 * 1024 * 1024);
    struct rest_question question;
    struct rest_match match;
    struct fault fault = { 0 };
    struct buf allow = { 0 };
    if (match_header.len) request.headers = (struct http_headers){ &header, 1 };
    request.path = http_target_path(target, &request.query);
    enum rest_verdict verdict = rest_route_find(&ROUTES_WEB, method, request.path, &match);
    if (verdict != REST_NO_PATH) check_path(&match, request.path);
    if (verdict == REST_NO_METHOD) {
        rest_route_allowed(&ROUTES_WEB, match.route, &allow);
        FUZZ_CHECK(allow.len > 0);
    }
    if (verdict == REST_FOUND && match.route->id) {
        if (rest_question_read(&match, &request, scope, &question, &fault))
            check_fields(&question, scope);
        else
            FUZZ_CHECK(fault.words[0] != 0);
    }
    buf_free(&allow);
    scope_close(scope);
}

static void check_filter(struct text words, struct text body)
{
    struct scope *scope = scope_new(NULL, "filter", 64 * 1024 * 1024);
    struct fault fault = { 0 };
    struct filter *filter;
    struct kv pairs;
    if (filter_parse(scope, words, &filter, &fault))
        FUZZ_CHECK(fault.field[0] != 0 && fault.words[0] != 0);
    else if (json_read_kv(body, scope, &pairs, &fault) == ERR_OK)
        (void)filter_fits(filter, OBJECT_APPLICATION.shape, &pairs);
    scope_close(scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text rest = fuzz_text(data, size), method = { "", 0 }, target = method, header = method;
    (void)(fuzz_line(&rest, &method) && fuzz_line(&rest, &target) && fuzz_line(&rest, &header));
    check_question(method, target, header, rest);
    check_filter(target, rest);
    return 0;
}
