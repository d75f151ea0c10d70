/* SPDX-License-Identifier: Apache-2.0 */
#include "strategy/pattern.h"
#include "tests/unit/test.h"

#include <string.h>

static bool matches(const char *pattern, const char *text)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct pattern made;
    size_t offset;
    struct fault fault = { 0 };
    CHECK_OK(pattern_compile(text_of(pattern), scope, &made, &offset, &fault));
    bool does = pattern_matches(&made, text_of(text));
    scope_close(scope);
    return does;
}

static void check_refused(const char *pattern, size_t wanted_offset)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct pattern made;
    size_t offset = 0;
    struct fault fault = { 0 };
    CHECK(pattern_compile(text_of(pattern), scope, &made, &offset, &fault) != ERR_OK);
    CHECK(fault.words[0] != 0);
    CHECK_I64(offset, wanted_offset);
    scope_close(scope);
}

TEST(a_pattern_is_searched_for_anywhere)
{
    CHECK(matches("bc", "abcd"));
    CHECK(!matches("bc", "acbd"));
    CHECK(matches("", ""));
    CHECK(matches("", "x"));
}

TEST(anchors_hold_it_to_the_ends)
{
    CHECK(matches("^ab", "abc"));
    CHECK(!matches("^ab", "cab"));
    CHECK(matches("bc$", "abc"));
    CHECK(!matches("bc$", "abcd"));
    CHECK(matches("^abc$", "abc"));
    CHECK(matches("^a|b$", "ax"));
    CHECK(matches("^a|b$", "xb"));
    CHECK(!matches("^a|b$", "xbx"));
}

TEST(sets_and_classes_take_one_character)
{
    CHECK(matches("^[a-c]x[^a-c]$", "bxd"));
    CHECK(!matches("^[a-c]x[^a-c]$", "bxb"));
    CHECK(matches("^\\d\\w\\s\\D\\W\\S$", "1_ a-b"));
    CHECK(matches("^[\\d.-]+$", "1.2-3"));
    CHECK(matches("^[]x]$", "]"));
    CHECK(matches("^.$", "\xc3\xa9"));
    CHECK(matches("^.$", "\xf0\x9f\x98\x80"));
    CHECK(matches("^[\xc3\xa4-\xc3\xbc]$", "\xc3\xb6"));
    CHECK(matches("^\\.\\[$", ".["));
    CHECK(!matches("^\\.$", "x"));
}

TEST(repetitions_count)
{
    CHECK(matches("^ab*c$", "ac"));
    CHECK(matches("^ab*c$", "abbbc"));
    CHECK(matches("^ab+c$", "abc"));
    CHECK(!matches("^ab+c$", "ac"));
    CHECK(matches("^ab?c$", "ac"));
    CHECK(!matches("^ab?c$", "abbc"));
    for (int i = 0; i < 7; i++) {
        char text[] = "aaaaaaa";
        text[i] = 0;
        CHECK(matches("^a{2,4}$", text) == (i >= 2 && i <= 4));
        CHECK(matches("^a{3}$", text) == (i == 3));
        CHECK(matches("^a{3,}$", text) == (i >= 3));
        CHECK(matches("^a{0,2}$", text) == (i <= 2));
        CHECK(matches("^a{0}$", text) == (i == 0));
    }
    CHECK(matches("^(ab|c)+$", "abcab"));
    CHECK(matches("^(?:a(b|c)?){2}$", "aba"));
    CHECK(matches("^(a*)*$", "aaa"));
}

TEST(letters_are_folded_on_request)
{
    CHECK(matches("(?i)^unsubscribe", "UnSubscribe me"));
    CHECK(matches("(?i)^[a-c]+$", "AbC"));
    CHECK(!matches("^unsubscribe", "UnSubscribe me"));
}

TEST(what_is_no_pattern_or_may_take_long_is_refused_at_its_place)
{
    check_refused("(a)\\1", 3);
    check_refused("a(?=b)", 1);
    check_refused("a(?<n>b)", 1);
    check_refused("a*?", 2);
    check_refused("a++", 2);
    check_refused("x\\b", 1);
    check_refused("(a", 0);
    check_refused("a)", 1);
    check_refused("[a", 0);
    check_refused("[z-a]", 1);
    check_refused("[[:alpha:]]", 1);
    check_refused("[\\d-z]", 1);
    check_refused("*a", 0);
    check_refused("a{2,1}", 1);
    check_refused("a{101}", 2);
    check_refused("a^b", 1);
    check_refused("a\\", 1);
    check_refused("((((((((((((a))))))))))))", 10);
}

TEST(a_pattern_with_too_many_states_is_refused)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct pattern made;
    size_t offset;
    struct fault fault = { 0 };
    CHECK_I64(pattern_compile(TEXT("(a|b)*a(a|b){20}"), scope, &made, &offset, &fault), ERR_LIMIT);
    CHECK_I64(pattern_compile(TEXT("((a{100}){100}){100}"), scope, &made, &offset, &fault),
              ERR_LIMIT);
    scope_close(scope);
}

/* The classic of exponential time: one step for each letter here. */
TEST(nested_repetitions_take_linear_time)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct pattern made;
    size_t offset;
    enum { LEN = 4000000 };
    char *text = scope_alloc(scope, LEN);
    memset(text, 'a', LEN);
    CHECK_OK(pattern_compile(TEXT("^(a+)+$"), scope, &made, &offset, NULL));
    CHECK(pattern_matches(&made, (struct text){ text, LEN }));
    text[LEN - 1] = '!';
    CHECK(!pattern_matches(&made, (struct text){ text, LEN }));
    scope_close(scope);
}
