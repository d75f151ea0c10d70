/* SPDX-License-Identifier: Apache-2.0 */
#include "format/url.h"
#include "tests/unit/test.h"

TEST(an_address_is_taken_apart)
{
    struct url url;
    CHECK_OK(url_parse(TEXT("https://Example.org:8443/hooks/a%20b?x=1&y#part"), &url, NULL));
    CHECK(url.is_secure && !url.is_ipv6);
    CHECK_TEXT(url.host, "Example.org");
    CHECK_U32(url.port, 8443);
    CHECK_TEXT(url.host_port, "Example.org:8443");
    CHECK_TEXT(url.path, "/hooks/a%20b");
    CHECK_TEXT(url.query, "x=1&y");
    CHECK_TEXT(url.target, "/hooks/a%20b?x=1&y");
}

TEST(ports_have_their_defaults_and_paths_may_be_missing)
{
    struct url url;
    CHECK_OK(url_parse(TEXT("http://localhost"), &url, NULL));
    CHECK_U32(url.port, 80);
    CHECK_I64(url.target.len, 0);
    CHECK_OK(url_parse(TEXT("HTTPS://a?b=c"), &url, NULL));
    CHECK_U32(url.port, 443);
    CHECK_I64(url.path.len, 0);
    CHECK_TEXT(url.query, "b=c");
}

TEST(ipv6_hosts_stand_in_brackets)
{
    struct url url;
    CHECK_OK(url_parse(TEXT("http://[::1]:8080/x"), &url, NULL));
    CHECK(url.is_ipv6);
    CHECK_TEXT(url.host, "::1");
    CHECK_U32(url.port, 8080);
    CHECK_OK(url_parse(TEXT("http://[fe80::1]"), &url, NULL));
    CHECK_U32(url.port, 80);
    CHECK_I64(url_parse(TEXT("http://[::1"), &url, NULL), ERR_INVALID);
    CHECK_I64(url_parse(TEXT("http://[::1]x"), &url, NULL), ERR_INVALID);
    CHECK_I64(url_parse(TEXT("http://[www]/"), &url, NULL), ERR_INVALID);
}

TEST(what_is_no_clean_http_address_is_refused)
{
    static const char *const bad[] = {
        "",
        "example.org/x",
        "ftp://example.org",
        "http:/example.org",
        "http://",
        "http:///x",
        "http://user@example.org/",
        "http://user:secret@example.org/",
        "http://example.org:0/",
        "http://example.org:65536/",
        "http://example.org:/",
        "http://example.org:80:80/",
        "http://example.org/a b",
        "http://example.org/a\r\nHost: evil",
        "http://example.org/\xC3\xA9",
        "http://example.org/%2",
        "http://example.org/%zz",
        "http://exam_ple$.org/",
    };
    struct url url = { .port = 77 };
    struct fault fault;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_I64(url_parse(text_of(bad[i]), &url, &fault), ERR_INVALID);
    CHECK_U32(url.port, 77); /* written on success only */
}

TEST(percent_coding_goes_both_ways)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct buf out = { 0 };
    struct text back;
    url_encode(&out, TEXT("+44 16/\xC3\xA9~-._a"));
    CHECK_TEXT(buf_text(&out), "%2B44%2016%2F%C3%A9~-._a");
    CHECK_OK(url_decode(buf_text(&out), false, scope, &back));
    CHECK_TEXT(back, "+44 16/\xC3\xA9~-._a");
    CHECK_OK(url_decode(TEXT("a+b"), true, scope, &back));
    CHECK_TEXT(back, "a b");
    CHECK_OK(url_decode(TEXT("a+b"), false, scope, &back));
    CHECK_TEXT(back, "a+b");
    CHECK_I64(url_decode(TEXT("%4"), false, scope, &back), ERR_INVALID);
    CHECK_I64(url_decode(TEXT("%4g"), false, scope, &back), ERR_INVALID);
    CHECK_I64(url_decode(TEXT("a%00b"), false, scope, &back), ERR_INVALID);
    buf_free(&out);
    scope_close(scope);
}

TEST(a_parameter_is_found_by_its_decoded_name)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct text value;
    struct text query = TEXT("flag&r%65q=Do+Not%20Call&req=second&x=");
    CHECK_OK(url_parameter(query, TEXT("req"), scope, &value));
    CHECK_TEXT(value, "Do Not Call");
    CHECK_OK(url_parameter(query, TEXT("flag"), scope, &value));
    CHECK_I64(value.len, 0);
    CHECK_OK(url_parameter(query, TEXT("x"), scope, &value));
    CHECK_I64(url_parameter(query, TEXT("y"), scope, &value), ERR_NOT_FOUND);
    CHECK_I64(url_parameter(TEXT(""), TEXT("y"), scope, &value), ERR_NOT_FOUND);
    CHECK_I64(url_parameter(TEXT("%=1"), TEXT("y"), scope, &value), ERR_INVALID);
    scope_close(scope);
}
