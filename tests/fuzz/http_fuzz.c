/* SPDX-License-Identifier: Apache-2.0 */
/* http_fuzz.c - requests of one HTTP connection; beside a reader of RFC 9112.
 * What ours takes the second reader takes too, and both find the same requests in the same bytes;
 * so nothing is framed in a way the RFC forbids (both lengths, two lengths, a folded line, a bare
 * CR or LF, blanks before a colon, chunked in HTTP/1.0). However the bytes are cut, and whether
 * they come before or after an answer, the requests are the same. What differs, and why that is
 * right:
 * - Ours refuses more: methods it does not know (501), CONNECT, targets that are no path or name
 *   another host, other codings than chunked, all past its bounds (server.h). */
#include "tests/fuzz/fuzz.h"

#include "io/http/head.h"
#include "io/http/input.h"
#include "io/http/websocket_handshake.h"

#include <string.h>

enum { BODY_BYTES_MAX = 300, HEADER_BYTES_MAX = 600, LENGTH_DIGITS_MAX = 15 };
static const struct http_limits limits = { .header_bytes_max = HEADER_BYTES_MAX,
                                           .body_bytes_max = BODY_BYTES_MAX };

static void put(struct buf *told, struct text text)
{
    buf_format(told, " %zu=", text.len);
    buf_add(told, text);
}

/* --- the second reader: one message off the front of `rest`, told as ours is --- */

struct second {
    struct text rest;
    unsigned hosts, lengths, codings;
    struct text length, coding;
    bool is_1_0;
    struct buf body;
};

static bool second_line(struct second *http, struct text *line)
{
    size_t end = text_find(http->rest, '\r', 0);
    if (end == SIZE_MAX || end + 1 >= http->rest.len || http->rest.at[end + 1] != '\n')
        return false;
    *line = text_slice(http->rest, 0, end);
    http->rest = text_slice(http->rest, end + 2, SIZE_MAX);
    return memchr(line->at, '\n', line->len) == NULL;
}

static bool is_token(struct text in)
{
    for (size_t i = 0; i < in.len; i++) {
        char c = in.at[i];
        bool is_alnum = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!is_alnum && (c == '\0' || strchr("!#$%&'*+-.^_`|~", c) == NULL)) return false;
    }
    return in.len > 0;
}

static bool is_field_value(struct text in)
{
    for (size_t i = 0; i < in.len; i++)
        if (((unsigned char)in.at[i] < ' ' && in.at[i] != '\t') || in.at[i] == 0x7f) return false;
    return true;
}

static bool second_header(struct second *http, struct text line, struct buf *told)
{
    struct text name, value;
    if (!text_cut(line, ':', &name, &value) || !is_token(name) || !is_field_value(value))
        return false;
    value = text_trim(value);
    if (told) {
        put(told, name);
        put(told, value);
    }
    if (told && text_eq_fold(name, TEXT("Host"))) http->hosts++;
    if (told && text_eq_fold(name, TEXT("Content-Length"))) {
        http->lengths++;
        http->length = value;
    }
    if (told && text_eq_fold(name, TEXT("Transfer-Encoding"))) {
        http->codings++;
        http->coding = value;
    }
    return true;
}

static bool take_body(struct second *http, uint64_t len)
{
    if (len > http->rest.len) return false;
    buf_add(&http->body, text_slice(http->rest, 0, (size_t)len));
    http->rest = text_slice(http->rest, (size_t)len, SIZE_MAX);
    return true;
}

static bool hex_size(struct text in, uint64_t *out)
{
    *out = 0;
    for (size_t i = 0; i < in.len; i++) {
        const char *digits = "0123456789abcdef0123456789ABCDEF";
        const char *digit = in.at[i] ? strchr(digits, in.at[i]) : NULL;
        if (digit == NULL || i >= LENGTH_DIGITS_MAX) return false;
        *out = *out << 4 | (uint64_t)((digit - digits) & 15);
    }
    return in.len > 0;
}

static bool second_chunks(struct second *http)
{
    struct text line, size, extension;
    uint64_t len = 1;
    while (len > 0) {
        if (!second_line(http, &line) || !is_field_value(line)) return false;
        if (!text_cut(line, ';', &size, &extension)) size = line;
        if (!hex_size(size, &len) || !take_body(http, len)) return false;
        if (len > 0 && (!second_line(http, &line) || line.len > 0)) return false;
    }
    do {
        if (!second_line(http, &line)) return false;
        if (line.len > 0 && !second_header(http, line, NULL)) return false;
    } while (line.len > 0);
    return true;
}

static bool second_body(struct second *http)
{
    uint64_t len;
    if (http->codings && (http->lengths || http->codings > 1 || http->is_1_0)) return false;
    if (http->codings) return text_eq_fold(http->coding, TEXT("chunked")) && second_chunks(http);
    if (http->lengths == 0) return true;
    for (size_t i = 0; i < http->length.len; i++)
        if (http->length.at[i] < '0' || http->length.at[i] > '9') return false;
    return http->lengths == 1 && !text_to_u64(http->length, 0, UINT64_MAX, &len) &&
           take_body(http, len);
}

static bool second_head(struct second *http, struct buf *told)
{
    struct text line, method, target, version;
    if (!second_line(http, &line) || !text_cut(line, ' ', &method, &target) ||
        !text_cut(target, ' ', &target, &version))
        return false;
    http->is_1_0 = text_eq(version, TEXT("HTTP/1.0"));
    if (!is_token(method) || target.len == 0 || !is_field_value(target) ||
        text_find(target, '\t', 0) != SIZE_MAX ||
        (!http->is_1_0 && !text_eq(version, TEXT("HTTP/1.1"))))
        return false;
    put(told, method);
    put(told, target);
    for (;;) {
        if (!second_line(http, &line)) return false;
        if (line.len == 0) return http->hosts == 1 || (http->is_1_0 && http->hosts == 0);
        if (!second_header(http, line, told)) return false;
    }
}

static bool second_read(struct text *rest, struct buf *told)
{
    struct second http = { .rest = *rest };
    if (text_starts(http.rest, TEXT("\r\n"))) http.rest = text_slice(http.rest, 2, SIZE_MAX);
    bool is_read = second_head(&http, told) && second_body(&http);
    if (is_read) {
        put(told, buf_text(&http.body));
        *rest = http.rest;
    }
    buf_free(&http.body);
    return is_read;
}

/* --- ours --- */

struct ours {
    struct scope *scope, *exchange;
    struct http_input *input;
    struct buf told; /* requests, then the refusal */
    uint32_t requests;
    bool is_refused;
};

static void check_upgrade(const struct http_request *request)
{
    const char *words = NULL;
    char proof[WEBSOCKET_PROOF_BYTES + 1];
    unsigned status = websocket_check_request(request, &words);
    FUZZ_CHECK(status == 0 || status == 400 || status == 405 || status == 426);
    FUZZ_CHECK(status == 0 || (words && words[0]));
    if (status) return;
    websocket_prove(request, proof);
    FUZZ_CHECK(strlen(proof) == WEBSOCKET_PROOF_BYTES && proof[WEBSOCKET_PROOF_BYTES - 1] == '=');
}

static void tell_request(struct ours *ours, const struct http_request *request)
{
    put(&ours->told, request->method);
    put(&ours->told, request->target);
    for (size_t i = 0; i < request->headers.count; i++) {
        put(&ours->told, request->headers.at[i].name);
        put(&ours->told, request->headers.at[i].value);
    }
    put(&ours->told, request->body);
    FUZZ_CHECK(request->headers.count <= HTTP_HEADERS_MAX && request->body.len <= BODY_BYTES_MAX);
    FUZZ_CHECK(request->path.len > 0);
    check_upgrade(request);
    ours->requests++;
}

/* All that can be read; `piece` may come while a request is out. */
static void read_on(struct ours *ours, struct random *random, struct text *piece)
{
    struct http_request request;
    enum http_progress progress;
    do {
        progress = http_input_read(ours->input, ours->exchange, &request);
        if (progress == HTTP_PROGRESS_REQUEST) {
            if (piece->len > 0 && random_below(random, 2) == 0) {
                http_input_add(ours->input, *piece);
                piece->len = 0;
            }
            tell_request(ours, &request);
            http_input_next(ours->input);
            scope_reset(ours->exchange);
        }
    } while (progress == HTTP_PROGRESS_REQUEST || progress == HTTP_PROGRESS_CONTINUE);
    if (progress != HTTP_PROGRESS_REFUSED) return;
    struct http_refusal refusal = http_input_refusal(ours->input);
    FUZZ_CHECK(refusal.status >= 400 && refusal.status < 600 && refusal.words);
    if (!ours->is_refused) buf_format(&ours->told, " %u %s", refusal.status, refusal.words);
    ours->is_refused = true;
}

static void ours_begin(struct ours *ours)
{
    *ours = (struct ours){ .scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX) };
    ours->exchange = scope_new(ours->scope, "exchange", FUZZ_MEMORY_MAX);
    ours->input = http_input_new(ours->scope, &limits);
}

static void ours_end(struct ours *ours)
{
    buf_free(&ours->told);
    scope_close(ours->scope);
}

static void read_whole(struct ours *ours, struct text in, struct random *random)
{
    struct text none = { "", 0 };
    http_input_add(ours->input, in);
    read_on(ours, random, &none);
}

static void read_cut(struct ours *ours, struct text in, struct random *random)
{
    while (in.len > 0 && !ours->is_refused) {
        struct text piece = fuzz_piece(random, &in), rest = piece;
        http_input_add(ours->input, text_slice(rest, 0, rest.len / 2));
        rest = text_slice(rest, rest.len / 2, SIZE_MAX);
        read_on(ours, random, &rest);
        if (rest.len > 0) http_input_add(ours->input, rest);
        fuzz_free(piece);
        rest.len = 0;
        read_on(ours, random, &rest);
        if (http_input_behind_bytes(ours->input) == 0) /* one request is bounded, whatever came */
            FUZZ_CHECK(http_input_held_bytes(ours->input) <= 16384 + 4 * in.len + 4 * piece.len);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), rest = in;
    struct random random = fuzz_random(in);
    struct ours whole, cut;
    ours_begin(&whole);
    ours_begin(&cut);
    read_whole(&whole, in, &random);
    read_cut(&cut, in, &random);
    FUZZ_CHECK(text_eq(buf_text(&whole.told), buf_text(&cut.told)));

    struct buf told = { 0 };
    for (uint32_t i = 0; i < whole.requests; i++) FUZZ_CHECK(second_read(&rest, &told));
    FUZZ_CHECK(text_starts(buf_text(&whole.told), buf_text(&told)));
    buf_free(&told);
    ours_end(&whole);
    ours_end(&cut);
    return 0;
}
