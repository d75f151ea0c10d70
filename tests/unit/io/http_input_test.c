/* SPDX-License-Identifier: Apache-2.0 */
/* What a strict server takes and what it refuses, without a socket: whole inputs and the same ones
 * byte by byte must be judged alike. */
#include "io/http/input.h"

#include "tests/unit/test.h"

#include "base/buf.h"
#include "base/random.h"
#include "base/scope.h"

#include <stdio.h>
#include <string.h>

static const struct http_limits limits = { .header_bytes_max = 16384, .body_bytes_max = 1048576 };

struct fixture {
    struct scope *scope, *exchange;
    struct http_input *input;
    struct http_request request;
};

static struct fixture fixture_new(void)
{
    struct fixture fixture = { .scope = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
    fixture.exchange = scope_new(fixture.scope, "exchange", SCOPE_NO_LIMIT);
    fixture.input = http_input_new(fixture.scope, &limits);
    return fixture;
}

static enum http_progress give(struct fixture *fixture, struct text bytes)
{
    http_input_add(fixture->input, bytes);
    return http_input_read(fixture->input, fixture->exchange, &fixture->request);
}

static enum http_progress give_z(struct fixture *fixture, const char *bytes)
{
    return give(fixture, text_of(bytes));
}

static enum http_progress give_slowly(struct fixture *fixture, struct text bytes)
{
    enum http_progress progress = HTTP_PROGRESS_EMPTY;
    for (size_t i = 0; i < bytes.len; i++) {
        if (progress == HTTP_PROGRESS_REQUEST || progress == HTTP_PROGRESS_REFUSED) break;
        progress = give(fixture, text_slice(bytes, i, 1));
    }
    return progress;
}

/* The status both ways of feeding end with; 0: no refusal, 1: more is wanted. */
static unsigned judge(struct text bytes)
{
    unsigned status[2];
    for (int slowly = 0; slowly < 2; slowly++) {
        struct fixture fixture = fixture_new();
        enum http_progress progress = slowly ? give_slowly(&fixture, bytes) : give(&fixture, bytes);
        status[slowly] = http_input_refusal(fixture.input).status;
        if (progress != HTTP_PROGRESS_REQUEST && progress != HTTP_PROGRESS_REFUSED)
            status[slowly] = 1;
        scope_close(fixture.scope);
    }
    CHECK_U32(status[0], status[1]);
    return status[0];
}

struct form {
    unsigned status;
    struct text bytes;
};

static void check_forms(const struct form *forms, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        unsigned status = judge(forms[i].bytes);
        if (status != forms[i].status) print_message("form: %.*s\n", TEXT_ARG(forms[i].bytes));
        CHECK_U32(status, forms[i].status);
    }
}
#define CHECK_FORMS(forms) check_forms(forms, sizeof(forms) / sizeof(forms)[0])

TEST(a_plain_get_is_taken_apart)
{
    struct fixture f = fixture_new();
    CHECK(give_z(&f, "GET /records/712?req=RecordProcessed&x=1 HTTP/1.1\r\nHost: a:6101\r\n"
                     "X-Empty:\r\nX-Padded: \t v w \t\r\n\r\n") == HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.method, "GET");
    CHECK_TEXT(f.request.target, "/records/712?req=RecordProcessed&x=1");
    CHECK_TEXT(f.request.path, "/records/712");
    CHECK_TEXT(f.request.query, "req=RecordProcessed&x=1");
    CHECK_U32(f.request.headers.count, 3);
    CHECK_TEXT(http_header_find(&f.request.headers, TEXT("host")), "a:6101");
    CHECK_TEXT(http_header_find(&f.request.headers, TEXT("x-empty")), "");
    CHECK_TEXT(http_header_find(&f.request.headers, TEXT("X-PADDED")), "v w");
    CHECK(http_header_find(&f.request.headers, TEXT("none")).at == NULL);
    CHECK(!f.request.has_length);
    CHECK_U32(f.request.body.len, 0);
    CHECK(http_input_keeps_alive(f.input));
    scope_close(f.scope);
}

TEST(a_body_of_told_length_is_whole_when_its_last_byte_came)
{
    struct fixture f = fixture_new();
    CHECK(give_z(&f, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab") ==
          HTTP_PROGRESS_MORE);
    CHECK(give_z(&f, "cd") == HTTP_PROGRESS_MORE);
    CHECK(give_z(&f, "e") == HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.body, "abcde");
    CHECK_TEXT(http_header_find(&f.request.headers, TEXT("Host")), "a");
    CHECK(f.request.has_length);
    scope_close(f.scope);
}

TEST(chunks_are_joined_and_their_lines_and_trailers_dropped)
{
    const struct text bytes =
        TEXT("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: Chunked\r\n\r\n"
             "4\r\nWiki\r\n5;name=\"v\"\r\npedia\r\n00E\r\n in\r\n\r\nchunks."
             "\r\n0\r\nX-Sum: 1\r\n\r\n");
    for (int slowly = 0; slowly < 2; slowly++) {
        struct fixture f = fixture_new();
        CHECK((slowly ? give_slowly(&f, bytes) : give(&f, bytes)) == HTTP_PROGRESS_REQUEST);
        CHECK_TEXT(f.request.body, "Wikipedia in\r\n\r\nchunks.");
        CHECK(f.request.has_length);
        CHECK_U32(f.request.headers.count, 2);
        scope_close(f.scope);
    }
}

TEST(every_prefix_of_a_request_waits_for_more)
{
    const struct text bytes =
        TEXT("POST /lists/x?req=AddRecord HTTP/1.1\r\nHost: localhost:6101\r\n"
             "Transfer-Encoding: chunked\r\n\r\n3\r\n{ }\r\n0\r\nA: b\r\n\r\n");
    for (size_t len = 1; len < bytes.len; len++) CHECK_U32(judge(text_slice(bytes, 0, len)), 1);
    CHECK_U32(judge(bytes), 0);
}

TEST(pipelined_requests_come_one_by_one_and_bytes_meanwhile_queue_behind)
{
    struct fixture f = fixture_new();
    CHECK(give_z(&f, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\nPOST /2 HTTP/1.1\r\nHost: a\r\n"
                     "Content-Length: 2\r\n\r\nxyGET /3 HT") == HTTP_PROGRESS_REQUEST);
    struct text path = f.request.path;
    http_input_add(f.input, TEXT("TP/1.1\r\nHost: a\r\n\r\n"));
    CHECK_TEXT(path, "/1");
    CHECK(http_input_behind_bytes(f.input) > 0);
    http_input_next(f.input);
    scope_reset(f.exchange);
    CHECK(http_input_read(f.input, f.exchange, &f.request) == HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.path, "/2");
    CHECK_TEXT(f.request.body, "xy");
    http_input_next(f.input);
    scope_reset(f.exchange);
    CHECK(http_input_read(f.input, f.exchange, &f.request) == HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.path, "/3");
    CHECK(!f.request.has_length);
    http_input_next(f.input);
    CHECK(http_input_read(f.input, f.exchange, &f.request) == HTTP_PROGRESS_EMPTY);
    scope_close(f.scope);
}

TEST(what_http_parser_lets_pass_is_refused) /* dependencies.md */
{
    const struct form forms[] = {
        { 400, TEXT("GET / HTTP/1.1\r\nHost : a\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\nHost: a\n\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\n\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n folded\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n\tfolded\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\n Host: a\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost:\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a, b\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: user@a\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a/b\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.2\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET / HTTP/0.9\r\nHost: a\r\n\r\n") },
        { 505, TEXT("GET / HTTP/2.0\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.10\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET / http/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET / ICE/1.0\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET /\r\n") },
        { 505, TEXT("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n") },
    };
    CHECK_FORMS(forms);
}

#define POST    "POST / HTTP/1.1\r\nHost: a\r\n"
#define CHUNKED POST "Transfer-Encoding: chunked\r\n\r\n"

TEST(bodies_that_two_readers_could_frame_in_two_ways_are_refused)
{
    const struct form forms[] = {
        { 400, TEXT(POST "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd") },
        { 400, TEXT(POST "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length: 3, 3\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length: +3\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length: -3\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length: 0x3\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length: 3 \r\n0\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length: 3 4\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length:\r\n\r\nabc") },
        { 400, TEXT(POST "Content-Length: 3.0\r\n\r\nabc") },
        { 400, TEXT("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: identity\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding:\r\n\r\n") },
        { 400,
          TEXT(POST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding: \vchunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n") },
        { 400, TEXT(POST "Transfer\rEncoding: chunked\r\n\r\n0\r\n\r\n") },
    };
    CHECK_FORMS(forms);
}

TEST(chunks_out_of_form_are_refused)
{
    const struct form forms[] = {
        { 400, TEXT(CHUNKED "1;a\nb\r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "1\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "1;a\rb\r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "1 \r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED " 1\r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "0x1\r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "+1\r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "-1\r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "g\r\nx\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "1\r\nxy\r\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "1\r\nx\n0\r\n\r\n") },
        { 400, TEXT(CHUNKED "1\r\nx0\r\n\r\n") },
        { 400, TEXT(CHUNKED "0\r\nX : a\r\n\r\n") },
        { 400, TEXT(CHUNKED "0\r\nX: a\n\r\n") },
        { 400, TEXT(CHUNKED "0\r\n a\r\n\r\n") },
        { 400, TEXT(CHUNKED "10000000000000001\r\n") },
        { 413, TEXT(CHUNKED "ffffffffff\r\n") },
        { 413, TEXT(CHUNKED "100001\r\n") },
    };
    CHECK_FORMS(forms);
}

TEST(garbage_and_control_characters_are_refused_at_once)
{
    const struct form forms[] = {
        { 400, TEXT("\x16\x03\x01\x02\x00\x01") }, /* TLS */
        { 400, TEXT("\x80\x2e\x01") },
        { 400, TEXT("\0") },
        { 400, TEXT("\n") },
        { 400, TEXT("\r\n\r\n") },
        { 400, TEXT(" GET / HTTP/1.1\r\n") },
        { 400, TEXT("GET  / HTTP/1.1\r\n") },
        { 400, TEXT("GET /  HTTP/1.1\r\n") },
        { 400, TEXT("GET /a b HTTP/1.1\r\n") },
        { 400, TEXT("GET /a\tb HTTP/1.1\r\n") },
        { 400, TEXT("GET\t/ HTTP/1.1\r\n") },
        { 400, TEXT("GET /\xc3\xa9 HTTP/1.1\r\n") },
        { 400, TEXT("GET /a#b HTTP/1.1\r\n") },
        { 400, TEXT("G(T / HTTP/1.1\r\n") },
        { 400, TEXT("GET / HTTP/1.1 \r\n") },
        { 400, TEXT("hello\r\n") },
        { 501, TEXT("BREW / HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 501, TEXT("CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: a\x7f\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n") },
        { 400, TEXT("GET / HTTP/1.1\r\nHost: a\r\nX\0: b\r\n\r\n") },
    };
    CHECK_FORMS(forms);
}

TEST(a_header_value_holds_no_control_character_wherever_it_stands)
{
    for (int byte = 0; byte < 256; byte++)
        for (size_t at = 0; at < 24; at++) {
            char value[24];
            memset(value, 'a' + (int)at, sizeof value);
            value[at] = (char)byte;
            bool is_control = (byte < 0x20 && byte != '\t') || byte == 0x7f;
            for (size_t len = at + 1; len <= sizeof value; len += 7)
                CHECK(http_is_field_value((struct text){ value, len }) == !is_control);
        }
    CHECK(http_is_field_value(TEXT("")));
    CHECK(!http_is_field_value(TEXT("a tab\tis taken, then a bell\a is not")));
}

TEST(targets_are_a_path_or_a_url_of_the_same_host)
{
    const struct form forms[] = {
        { 0, TEXT("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET * HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET a/b HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET http://b/x HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET http://a:1/x HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET http:///x HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET ftp://a/x HTTP/1.1\r\nHost: a\r\n\r\n") },
        { 400, TEXT("GET a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n") },
        { 0, TEXT("GET //b/x HTTP/1.1\r\nHost: a\r\n\r\n") },
    };
    CHECK_FORMS(forms);
    struct fixture f = fixture_new();
    CHECK(give_z(&f, "GET HTTP://A:8/x/y?z HTTP/1.1\r\nHost: a:8\r\n\r\n") ==
          HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.path, "/x/y");
    CHECK_TEXT(f.request.query, "z");
    http_input_next(f.input);
    CHECK(give_z(&f, "GET http://a?q HTTP/1.1\r\nHost: a\r\n\r\n") == HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.path, "/");
    CHECK_TEXT(f.request.query, "q");
    scope_close(f.scope);
}

/* `bytes` with one header line in it that is `len` long. */
static unsigned judge_padded(const char *before, size_t len, const char *after)
{
    struct buf buf = { 0 };
    buf_add_z(&buf, before);
    memset(buf_reserve(&buf, len), 'a', len);
    buf.len += len;
    buf_add_z(&buf, after);
    unsigned status = judge(buf_text(&buf));
    buf_free(&buf);
    return status;
}

TEST(a_header_of_16_kib_is_taken_and_a_longer_one_is_431) /* spec outbound 14.1 */
{
    const size_t others = strlen("GET / HTTP/1.1\r\nHost: a\r\nX: \r\n\r\n");
    CHECK_U32(judge_padded("GET / HTTP/1.1\r\nHost: a\r\nX: ", 16384 - others, "\r\n\r\n"), 0);
    CHECK_U32(judge_padded("GET / HTTP/1.1\r\nHost: a\r\nX: ", 16385 - others, "\r\n\r\n"), 431);
    CHECK_U32(judge_padded("GET / HTTP/1.1\r\nHost: a\r\nX: ", 16384, ""), 431);
}

TEST(a_target_that_never_ends_is_414)
{
    CHECK_U32(judge_padded("GET /", HTTP_TARGET_BYTES_MAX - 1, " HTTP/1.1\r\nHost: a\r\n\r\n"), 0);
    CHECK_U32(judge_padded("GET /", HTTP_TARGET_BYTES_MAX, " HTTP/1.1\r\nHost: a\r\n\r\n"), 414);
    CHECK_U32(judge_padded("GET /", 16384, ""), 414);
}

TEST(a_hundred_header_lines_are_taken_and_one_more_is_431)
{
    for (int count = HTTP_HEADERS_MAX; count <= HTTP_HEADERS_MAX + 1; count++) {
        struct buf buf = { 0 };
        buf_add_z(&buf, "GET / HTTP/1.1\r\nHost: a\r\n");
        for (int i = 1; i < count; i++) buf_format(&buf, "X-%d: b\r\n", i);
        buf_add_z(&buf, "\r\n");
        CHECK_U32(judge(buf_text(&buf)), count == HTTP_HEADERS_MAX ? 0 : 431);
        buf_free(&buf);
    }
}

TEST(a_body_of_1_mib_is_taken_and_a_longer_one_is_413_before_it_comes)
{
    CHECK_U32(judge(TEXT(POST "Content-Length: 1048577\r\n\r\n")), 413);
    CHECK_U32(judge(TEXT(POST "Content-Length: 99999999999999999999999\r\n\r\n")), 400);
    CHECK_U32(judge(TEXT(POST "Content-Length: 999999999999999999\r\n\r\n")), 413);
    CHECK_U32(judge(TEXT(POST "Content-Length: 1048576\r\n\r\n")), 1);
}

TEST(many_small_chunks_take_no_more_memory_than_their_data)
{
    struct fixture f = fixture_new();
    CHECK(give_z(&f, CHUNKED) == HTTP_PROGRESS_MORE);
    for (int i = 0; i < 20000; i++)
        CHECK(give_z(&f, "1;extension=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n") ==
              HTTP_PROGRESS_MORE);
    CHECK(http_input_held_bytes(f.input) <= 32768);
    CHECK(give_z(&f, "0\r\n\r\n") == HTTP_PROGRESS_REQUEST);
    CHECK_U32(f.request.body.len, 20000);
    http_input_next(f.input);
    CHECK_U32(http_input_held_bytes(f.input), 0);
    scope_close(f.scope);
}

TEST(chunks_are_summed_and_413_comes_when_they_pass_the_limit)
{
    struct fixture f = fixture_new();
    static char zeros[65536];
    memset(zeros, '0', sizeof zeros);
    CHECK(give_z(&f, CHUNKED) == HTTP_PROGRESS_MORE);
    for (int i = 0; i < 16; i++) {
        CHECK(give_z(&f, "10000\r\n") == HTTP_PROGRESS_MORE);
        CHECK(give(&f, (struct text){ zeros, sizeof zeros }) == HTTP_PROGRESS_MORE);
        CHECK(give_z(&f, "\r\n") == HTTP_PROGRESS_MORE);
    }
    CHECK(give_z(&f, "1\r\n") == HTTP_PROGRESS_REFUSED);
    CHECK_U32(http_input_refusal(f.input).status, 413);
    CHECK(give_z(&f, "GET / HTTP/1.1\r\nHost: a\r\n\r\n") == HTTP_PROGRESS_REFUSED);
    scope_close(f.scope);
}

TEST(trailers_without_end_are_431)
{
    struct fixture f = fixture_new();
    CHECK(give_z(&f, CHUNKED "0\r\n") == HTTP_PROGRESS_MORE);
    enum http_progress progress = HTTP_PROGRESS_MORE;
    int lines = 0;
    while (progress == HTTP_PROGRESS_MORE && lines++ < 10000)
        progress = give_z(&f, "X-Trailer: aaaaaaaaaaaaaaaaaaaaaa\r\n");
    CHECK(progress == HTTP_PROGRESS_REFUSED);
    CHECK_U32(http_input_refusal(f.input).status, 431);
    CHECK(lines < 600);
    scope_close(f.scope);
}

TEST(expect_100_continue_is_told_once_and_only_while_the_body_is_missing)
{
    struct fixture f = fixture_new();
    CHECK(give_z(&f, POST "Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n") ==
          HTTP_PROGRESS_CONTINUE);
    CHECK(give_z(&f, "a") == HTTP_PROGRESS_MORE);
    CHECK(give_z(&f, "b") == HTTP_PROGRESS_REQUEST);
    http_input_next(f.input);
    CHECK(give_z(&f, POST "Content-Length: 2\r\nExpect: 100-continue\r\n\r\nab") ==
          HTTP_PROGRESS_REQUEST);
    http_input_next(f.input);
    CHECK(give_z(&f, CHUNKED "") == HTTP_PROGRESS_MORE);
    scope_close(f.scope);
    CHECK_U32(judge(TEXT(POST "Expect: 200-ok\r\n\r\n")), 417);
    CHECK_U32(judge(TEXT(POST "Expect: 100-continue\r\nContent-Length: 1048577\r\n\r\n")), 413);
    CHECK_U32(judge(TEXT("POST / HTTP/1.0\r\nExpect: x\r\nContent-Length: 0\r\n\r\n")), 0);
}

TEST(a_connection_is_kept_by_1_1_unless_told_and_by_1_0_only_when_told)
{
    static const struct {
        const char *bytes;
        bool is_kept, is_1_0;
    } cases[] = {
        { "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true, false },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", false, false },
        { "GET / HTTP/1.1\r\nHost: a\r\nConnection: x, Close\r\n\r\n", false, false },
        { "GET / HTTP/1.0\r\n\r\n", false, true },
        { "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", true, true },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct fixture f = fixture_new();
        CHECK(give_z(&f, cases[i].bytes) == HTTP_PROGRESS_REQUEST);
        CHECK(http_input_keeps_alive(f.input) == cases[i].is_kept);
        CHECK(http_input_is_1_0(f.input) == cases[i].is_1_0);
        scope_close(f.scope);
    }
}

TEST(an_upgrade_is_ignored_and_what_follows_is_the_next_request)
{
    struct fixture f = fixture_new();
    CHECK(give_z(&f, "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n"
                     "GET /next HTTP/1.1\r\nHost: a\r\n\r\n") == HTTP_PROGRESS_REQUEST);
    http_input_next(f.input);
    CHECK(http_input_read(f.input, f.exchange, &f.request) == HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.path, "/next");
    http_input_next(f.input);
    CHECK(give_z(&f, POST "Connection: Upgrade\r\nUpgrade: x\r\nTransfer-Encoding: chunked\r\n\r\n"
                          "1\r\nx\r\n0\r\n\r\n") == HTTP_PROGRESS_REQUEST);
    CHECK_TEXT(f.request.body, "x");
    scope_close(f.scope);
}

TEST(one_empty_line_before_a_request_is_forgiven)
{
    CHECK_U32(judge(TEXT("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")), 0);
    CHECK_U32(judge(TEXT("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n")), 400);
}

static size_t mutate(struct random *random, struct text bytes, char *out, size_t room)
{
    static const struct text pieces[] = {
        { "\r\n", 2 }, { "\n", 1 }, { " ", 1 },
        { ":", 1 },    { "\0", 1 }, { "0", 1 },
        { ";", 1 },    { "\r", 1 }, { "Content-Length: 1\r\n", 19 }
    };
    size_t len = bytes.len;
    memcpy(out, bytes.at, len);
    for (uint64_t changes = random_below(random, 4); changes > 0; changes--) {
        struct text piece = pieces[random_below(random, sizeof pieces / sizeof pieces[0])];
        size_t at = (size_t)random_below(random, len);
        size_t cut = (size_t)random_below(random, 3);
        if (cut > len - at) cut = len - at;
        if (len - cut + piece.len > room) continue;
        memmove(out + at + piece.len, out + at + cut, len - at - cut);
        memcpy(out + at, piece.at, piece.len);
        len = len - cut + piece.len;
    }
    return len;
}

/* All requests in `bytes` and how it ended, as one text; fed in pieces of at most `piece_max`. */
static void describe(struct text bytes, struct random *random, uint64_t piece_max, struct buf *out)
{
    struct fixture f = fixture_new();
    while (bytes.len > 0) {
        size_t len = (size_t)random_below(random, piece_max) + 1;
        enum http_progress progress = give(&f, text_slice(bytes, 0, len));
        bytes = text_slice(bytes, len, SIZE_MAX);
        while (progress == HTTP_PROGRESS_REQUEST) {
            buf_format(out, "[%.*s %.*s %zu %.*s]", TEXT_ARG(f.request.method),
                       TEXT_ARG(f.request.target), f.request.headers.count,
                       TEXT_ARG(f.request.body));
            http_input_next(f.input);
            scope_reset(f.exchange);
            progress = http_input_read(f.input, f.exchange, &f.request);
        }
    }
    buf_format(out, "%u", http_input_refusal(f.input).status);
    scope_close(f.scope);
}

TEST(damaged_requests_are_judged_alike_however_they_are_cut)
{
    const struct text seeds[] = {
        TEXT("GET /a?b HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\nGET /c HTTP/1.1\r\nHost: a\r\n\r\n"),
        TEXT(POST "Content-Length: 3\r\n\r\nabcGET /c HTTP/1.1\r\nHost: a\r\n\r\n"),
        TEXT(CHUNKED "3;x=y\r\nabc\r\n2\r\nde\r\n0\r\nT: u\r\n\r\n"
                     "GET /c HTTP/1.1\r\nHost: a\r\n\r\n"),
    };
    struct random random;
    struct buf whole = { 0 }, cut = { 0 };
    char bytes[1024];
    random_seed(&random, 20260504);
    for (int i = 0; i < 6000; i++) {
        size_t len = mutate(&random, seeds[i % 3], bytes, sizeof bytes);
        describe((struct text){ bytes, len }, &random, sizeof bytes * 1000, &whole);
        describe((struct text){ bytes, len }, &random, 20, &cut);
        CHECK(text_eq(buf_text(&whole), buf_text(&cut)));
        buf_clear(&whole);
        buf_clear(&cut);
    }
    buf_free(&whole);
    buf_free(&cut);
}
