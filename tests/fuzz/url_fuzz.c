/* SPDX-License-Identifier: Apache-2.0 */
/* url_fuzz.c - addresses of web servers, percent coding, queries; beside libcurl.
 * What differs, and why that is right:
 * - libcurl takes more: other schemes, user names, blanks, bytes that a URL may not have. Ours are
 *   the rules of url.h.
 * - Ours takes whatever a fragment holds: it is cut off unread.
 * - libcurl rewrites: 127.1 becomes 127.0.0.1, "%41" in a host "A", an IPv6 address its short
 *   form. Only hosts that need no rewriting are compared. */
#include "tests/fuzz/fuzz.h"

#include "format/url.h"

#include <curl/curl.h>
#include <string.h>

static bool is_inside(struct text part, struct text whole)
{
    return part.len == 0 || (part.at >= whole.at && part.at + part.len <= whole.at + whole.len);
}

static void check_parts(struct text in, const struct url *url)
{
    FUZZ_CHECK(is_inside(url->host, in) && is_inside(url->host_port, in));
    FUZZ_CHECK(is_inside(url->path, in) && is_inside(url->query, in));
    FUZZ_CHECK(url->host.len > 0 && url->port > 0);
    FUZZ_CHECK(text_eq_fold(url->scheme, url->is_secure ? TEXT("https") : TEXT("http")));
    FUZZ_CHECK(url->path.len == 0 || url->path.at[0] == '/');
    size_t query = url->target.len - url->path.len; /* with its question mark */
    FUZZ_CHECK(query == 0 ? url->query.len == 0 : url->query.len == query - 1);
    /* What goes into a request line and a header can end neither. */
    for (size_t i = 0; i < url->target.len; i++)
        FUZZ_CHECK(url->target.at[i] > ' ' && url->target.at[i] < 0x7f);
    for (size_t i = 0; i < url->host_port.len; i++)
        FUZZ_CHECK(url->host_port.at[i] > ' ' && url->host_port.at[i] < 0x7f &&
                   url->host_port.at[i] != '@');
}

/* Put together again it is the same. */
static void check_again(const struct url *url)
{
    struct buf again = { 0 };
    struct url second;
    buf_format(&again, "%.*s://%.*s%.*s", TEXT_ARG(url->scheme), TEXT_ARG(url->host_port),
               TEXT_ARG(url->target));
    FUZZ_CHECK(url_parse(buf_text(&again), &second, NULL) == ERR_OK);
    FUZZ_CHECK(text_eq(second.host, url->host) && second.port == url->port);
    FUZZ_CHECK(text_eq(second.path, url->path) && text_eq(second.query, url->query));
    buf_free(&again);
}

static bool has_part(CURLU *theirs, CURLUPart part, unsigned flags, struct text ours)
{
    char *found = NULL;
    CURLUcode code = curl_url_get(theirs, part, &found, flags);
    bool is_same = code == CURLUE_OK ? text_eq(text_of(found), ours) : ours.len == 0;
    curl_free(found);
    return is_same;
}

/* Only letters, a digit or a dash: what libcurl leaves as it is. */
static bool is_plain_host(struct text host)
{
    bool has_letter = false;
    for (size_t i = 0; i < host.len; i++) {
        char byte = host.at[i];
        bool is_letter = (byte >= 'g' && byte <= 'z') && byte != 'x';
        has_letter |= is_letter;
        if (!is_letter && !(byte >= '0' && byte <= '9') && byte != '-' && byte != '.') return false;
    }
    return has_letter && host.at[0] != '.' && host.at[host.len - 1] != '.';
}

static void compare_with_curl(const char *z, const struct url *url)
{
    if (url->is_ipv6 || !is_plain_host(url->host)) return;
    CURLU *theirs = curl_url();
    FUZZ_CHECK(theirs != NULL);
    FUZZ_CHECK(curl_url_set(theirs, CURLUPART_URL, z, CURLU_PATH_AS_IS) == CURLUE_OK);
    char port[8];
    struct buf number = { 0 };
    buf_add_u64(&number, url->port);
    FUZZ_CHECK(text_to_z(buf_text(&number), port, sizeof port) == ERR_OK);
    FUZZ_CHECK(has_part(theirs, CURLUPART_HOST, 0, url->host));
    FUZZ_CHECK(has_part(theirs, CURLUPART_PORT, CURLU_DEFAULT_PORT, text_of(port)));
    FUZZ_CHECK(has_part(theirs, CURLUPART_PATH, 0, url->path.len ? url->path : TEXT("/")));
    FUZZ_CHECK(has_part(theirs, CURLUPART_QUERY, 0, url->query));
    buf_free(&number);
    curl_url_cleanup(theirs);
}

static void check_url(struct text in)
{
    struct url url;
    struct fault fault = { 0 };
    enum err err = url_parse(in, &url, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        FUZZ_CHECK(text_eq(text_of(fault.field), TEXT("url")));
        return;
    }
    FUZZ_CHECK(in.len <= URL_BYTES_MAX);
    check_parts(in, &url);
    check_again(&url);
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct text sent = in; /* without the fragment, which ours cuts off unread */
    (void)text_cut(in, '#', &sent, &(struct text){ 0 });
    compare_with_curl(scope_keep_z(scope, sent), &url);
    scope_close(scope);
}

static void check_coding(struct text in)
{
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct text decoded, again, value;
    struct buf coded = { 0 };
    for (int plus_is_blank = 0; plus_is_blank < 2; plus_is_blank++) {
        if (url_decode(in, plus_is_blank, scope, &decoded)) continue;
        FUZZ_CHECK(decoded.len <= in.len && memchr(decoded.at, 0, decoded.len) == NULL);
        buf_clear(&coded);
        url_encode(&coded, decoded);
        FUZZ_CHECK(url_decode(buf_text(&coded), plus_is_blank, scope, &again) == ERR_OK);
        FUZZ_CHECK(text_eq(again, decoded));
        /* A coded name and value are found again behind another parameter. */
        struct buf query = { 0 };
        buf_format(&query, "zz=1&q%.*s=%.*s", TEXT_ARG(buf_text(&coded)),
                   TEXT_ARG(buf_text(&coded)));
        struct text name = scope_format(scope, "q%.*s", TEXT_ARG(decoded));
        FUZZ_CHECK(url_parameter(buf_text(&query), name, scope, &value) == ERR_OK);
        FUZZ_CHECK(text_eq(value, decoded));
        buf_free(&query);
    }
    (void)url_parameter(in, TEXT("req"), scope, &value);
    buf_free(&coded);
    scope_close(scope);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size);
    check_url(in);
    check_coding(in);
    return 0;
}
