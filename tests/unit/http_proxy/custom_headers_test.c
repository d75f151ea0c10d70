/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/custom_headers.h"

#include "tests/unit/test.h"

static uint32_t refused;
static char last_rule[64];

static void on_refused(void *self, struct text name, const char *rule)
{
    (void)self, (void)name;
    refused++;
    CHECK_OK(
        text_to_z(text_slice(text_of(rule), 0, sizeof last_rule - 1), last_rule, sizeof last_rule));
}

static void add(struct custom_headers *headers, const char *lines, enum custom_header_use use)
{
    refused = 0;
    custom_headers_add(headers, text_of(lines), use, on_refused, NULL);
}

#define FIVE                                                                                       \
    "X-Frame-Options: SAMEORIGIN|X-XSS-Protection: 1; mode=block|X-Content-Type-Options: "         \
    "nosniff\nContent-Security-Policy: script-src 'self'; object-src 'self'\r\n"                   \
    "Strict-Transport-Security: max-age=31536000; includeSubDomains"

TEST(scenario_7_the_five_known_lines_are_taken_with_their_exact_values)
{
    struct custom_headers headers = { 0 };
    add(&headers, FIVE, HEADERS_OF_RESPONSES);
    CHECK_U32(headers.count, 5);
    CHECK_U32(refused, 0);
    CHECK_TEXT(headers.at[0].name, "X-Frame-Options");
    CHECK_TEXT(headers.at[0].value, "SAMEORIGIN");
    CHECK_TEXT(headers.at[1].value, "1; mode=block");
    CHECK_TEXT(headers.at[3].value, "script-src 'self'; object-src 'self'");
    CHECK_TEXT(headers.at[4].value, "max-age=31536000; includeSubDomains");
}

TEST(a_line_for_notifications_is_passed_over_in_responses)
{
    struct custom_headers headers = { 0 };
    add(&headers, "Authorization: Bearer x:y|X-Frame-Options: DENY", HEADERS_OF_RESPONSES);
    CHECK_U32(headers.count, 1);
    CHECK_U32(refused, 0);
    headers.count = 0;
    add(&headers, "Authorization: Bearer x:y|X-Frame-Options: DENY", HEADERS_OF_NOTIFICATIONS);
    CHECK_U32(headers.count, 2);
    CHECK_TEXT(headers.at[0].value, "Bearer x:y"); /* split at the first colon */
}

TEST(headers_of_the_transport_and_bad_lines_are_refused)
{
    const char *lines[] = { "Host: a",      "content-length: 1", "Content-Type: x",
                            "ETag: \"1\"",  "Connection: close", "Transfer-Encoding: chunked",
                            "no colon",     "bad name: x",       ": x",
                            "X-A: a\rB: b", "X-A: \x01" };
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct custom_headers headers = { 0 };
        add(&headers, lines[i], HEADERS_OF_NOTIFICATIONS);
        CHECK_U32(headers.count, 0);
        CHECK_U32(refused, 1);
    }
}

TEST(the_host_level_replaces_the_same_name_and_adds_others) /* spec outbound 13.3 */
{
    struct custom_headers headers = { 0 };
    add(&headers, "X-A: app|X-B: app", HEADERS_OF_NOTIFICATIONS);
    add(&headers, "x-a: host|X-C: host", HEADERS_OF_NOTIFICATIONS);
    CHECK_U32(headers.count, 3);
    CHECK_TEXT(headers.at[0].name, "X-B");
    CHECK_TEXT(headers.at[1].value, "host");
    CHECK_TEXT(headers.at[2].name, "X-C");
}

TEST(a_name_may_come_twice_in_one_level)
{
    struct custom_headers headers = { 0 };
    add(&headers, "Link: a|Link: b", HEADERS_OF_NOTIFICATIONS);
    CHECK_U32(headers.count, 2);
}

TEST(there_is_a_bound_on_how_many_and_how_long)
{
    char lines[65 * 6 + 1], *at = lines;
    for (int i = 0; i < 65; i++)
        for (const char *c = "X-A:1|"; *c; c++) *at++ = *c;
    *at = '\0';
    struct custom_headers headers = { 0 };
    add(&headers, lines, HEADERS_OF_NOTIFICATIONS);
    CHECK_U32(headers.count, CUSTOM_HEADERS_MAX);
    CHECK_U32(refused, 1);
    static char longest[5000];
    for (size_t i = 0; i < sizeof longest - 1; i++) longest[i] = i == 3 ? ':' : 'a';
    headers.count = 0;
    add(&headers, longest, HEADERS_OF_NOTIFICATIONS);
    CHECK_U32(headers.count, 0);
}

TEST(secrets_are_known_by_their_names) /* spec outbound 19 */
{
    CHECK(custom_header_is_secret(TEXT("Authorization")));
    CHECK(custom_header_is_secret(TEXT("X-Api-KEY")));
    CHECK(custom_header_is_secret(TEXT("my-secret-thing")));
    CHECK(!custom_header_is_secret(TEXT("X-Frame-Options")));
}
