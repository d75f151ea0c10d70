/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/exchange.h"

#include "base/random.h"
#include "format/msgpack.h"
#include "gen/routes.h"
#include "tests/unit/test.h"

#include <stdlib.h>
#include <string.h>

static struct pair sample[] = {
    { { "GSW_CALL_RESULT", 15 }, { .kind = VALUE_INTEGER, .integer = 33 } },
    { { "Other1", 6 }, { .kind = VALUE_TEXT, .text = { "wants \xd0\x96", 8 } } },
    { { "Other2", 6 }, { .kind = VALUE_NULL } },
    { { "Other3", 6 }, { .kind = VALUE_FLOAT, .number = 1.5 } },
};

static void put_sample(struct buf *out)
{
    struct exchange_request request = { .route = &ROUTES_OUTBOUND.routes[3],
                                        .identifier = TEXT("712"),
                                        .idempotency_key = TEXT("key") };
    exchange_put_request(out, &request, &(struct kv){ sample, 4 });
}

TEST(a_request_comes_out_as_it_was_put_in)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct buf out = { 0 };
    struct exchange_request request;
    struct kv pairs;
    put_sample(&out);
    CHECK_OK(exchange_read_request(buf_text(&out), &request));
    CHECK(request.route == &ROUTES_OUTBOUND.routes[3]);
    CHECK_TEXT(request.identifier, "712");
    CHECK_TEXT(request.idempotency_key, "key");
    CHECK_OK(msgpack_decode_kv(request.pairs, scope, &pairs, NULL));
    CHECK_U32(pairs.count, 4);
    CHECK_I64(kv_find(&pairs, TEXT("GSW_CALL_RESULT"))->integer, 33);
    CHECK_TEXT(kv_find(&pairs, TEXT("Other1"))->text, "wants \xd0\x96");
    CHECK_I64(kv_find(&pairs, TEXT("Other2"))->kind, VALUE_NULL);
    CHECK(kv_find(&pairs, TEXT("Other3"))->number == 1.5);
    buf_free(&out);
    scope_close(scope);
}

TEST(an_answer_keeps_its_body_byte_for_byte)
{
    static const struct text bodies[] = { { "", 0 }, { "{\n\"a\":1\n}", 9 }, { "\0\xff\xc1", 3 } };
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++) {
        struct buf out = { 0 };
        struct exchange_answer put = { .status = 409, .etag = TEXT("01Q8ZK"), .body = bodies[i] };
        struct exchange_answer got;
        exchange_put_answer(&out, &put);
        CHECK_OK(exchange_read_answer(buf_text(&out), &got));
        CHECK_U32(got.status, 409);
        CHECK_TEXT(got.etag, "01Q8ZK");
        CHECK(text_eq(got.body, bodies[i]));
        buf_free(&out);
    }
}

/* Copied to the byte, so that a sanitizer sees a step too far. */
static enum err read_copy(struct text payload)
{
    struct scope *scope = scope_new(NULL, "test", 64 * 1024);
    struct exchange_request request;
    struct exchange_answer answer;
    struct kv pairs;
    char *copy = malloc(payload.len ? payload.len : 1);
    if (payload.len) memcpy(copy, payload.at, payload.len);
    struct text exact = { copy, payload.len };
    enum err err = exchange_read_request(exact, &request);
    if (!err) err = msgpack_decode_kv(request.pairs, scope, &pairs, NULL);
    (void)exchange_read_answer(exact, &answer);
    free(copy);
    scope_close(scope);
    return err;
}

TEST(no_part_of_a_request_passes_for_one)
{
    struct buf out = { 0 };
    put_sample(&out);
    for (size_t len = 0; len < out.len; len++)
        CHECK(read_copy(text_slice(buf_text(&out), 0, len)) != ERR_OK);
    CHECK_OK(read_copy(buf_text(&out)));
    buf_add_byte(&out, '\0');
    CHECK(read_copy(buf_text(&out)) != ERR_OK); /* nor one that goes on */
    buf_free(&out);
}

TEST(hostile_payloads_are_refused_or_read_but_never_past_their_end)
{
    struct random random;
    random_seed(&random, 28);
    struct buf out = { 0 };
    put_sample(&out);
    for (int i = 0; i < 20000; i++) {
        char bytes[128];
        size_t len = out.len;
        memcpy(bytes, out.at, len);
        for (uint64_t k = 1 + random_below(&random, 4); k > 0; k--)
            bytes[random_below(&random, len)] = (char)random_below(&random, 256);
        (void)read_copy((struct text){ bytes, len });
    }
    buf_free(&out);
}

TEST(routes_and_statuses_that_do_not_exist_are_refused)
{
    struct buf out = { 0 };
    struct exchange_request request;
    struct exchange_answer answer;
    msgpack_put_u64(&out, ROUTES_OUTBOUND.count);
    msgpack_put_text(&out, TEXT("712"));
    msgpack_put_text(&out, TEXT(""));
    msgpack_put_map(&out, 0);
    CHECK_U32(exchange_read_request(buf_text(&out), &request), ERR_INVALID);
    CHECK_U32(exchange_read_request(TEXT("\0\xa0\xa0\x90"), &request), ERR_INVALID); /* no map */
    CHECK_OK(exchange_read_request(TEXT("\0\xa0\xa0\x80"), &request));
    static const unsigned statuses[] = { 0, 199, 600, 70000 };
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        struct exchange_answer put = { .status = statuses[i] };
        buf_clear(&out);
        exchange_put_answer(&out, &put);
        CHECK_U32(exchange_read_answer(buf_text(&out), &answer), ERR_INVALID);
    }
    CHECK_U32(exchange_read_answer(TEXT(""), &answer), ERR_INVALID);
    buf_free(&out);
}
