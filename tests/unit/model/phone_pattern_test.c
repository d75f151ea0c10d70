/* SPDX-License-Identifier: Apache-2.0 */
#include "model/phone_pattern.h"

#include "tests/unit/test.h"

static struct scope *life(void)
{
    return scope_new(NULL, "test", SCOPE_NO_LIMIT);
}

static bool matches(const char *pattern, const char *digits)
{
    struct scope *scope = life();
    struct text text = text_of(pattern);
    struct phone_patterns *patterns = phone_patterns_new(scope, &text, 1);
    CHECK(patterns != NULL);
    bool found = phone_patterns_match(patterns, text_of(digits)) == 1;
    scope_close(scope);
    return found;
}

static bool has_front(const char *pattern, const char *digits)
{
    struct scope *scope = life();
    struct text text = text_of(pattern);
    struct phone_patterns *patterns = phone_patterns_new(scope, &text, 1);
    CHECK(patterns != NULL);
    bool found = phone_patterns_match_front(patterns, text_of(digits)) == 1;
    scope_close(scope);
    return found;
}

TEST(digits_classes_and_any_digit)
{
    CHECK(matches("030", "030"));
    CHECK(!matches("030", "03"));
    CHECK(!matches("030", "0301"));
    CHECK(matches("[2-48]\\d", "37"));
    CHECK(matches("[2-48]\\d", "80"));
    CHECK(!matches("[2-48]\\d", "57"));
}

TEST(alternatives_and_groups)
{
    CHECK(matches("1|23|456", "23"));
    CHECK(!matches("1|23|456", "123"));
    CHECK(matches("2(?:0[1-9]|1\\d)9", "2019"));
    CHECK(matches("2(?:0[1-9]|1\\d)9", "2159"));
    CHECK(!matches("2(?:0[1-9]|1\\d)9", "2009"));
    CHECK(matches("(1(2|3))4", "134"));
}

TEST(repeats)
{
    CHECK(matches("\\d{3}", "123"));
    CHECK(!matches("\\d{3}", "12"));
    CHECK(!matches("\\d{3}", "1234"));
    CHECK(matches("1[0-4]{2,4}", "1012"));
    CHECK(!matches("1[0-4]{2,4}", "10"));
    CHECK(!matches("1[0-4]{2,4}", "101234"));
    CHECK(matches("12?3", "13"));
    CHECK(matches("12?3", "123"));
    CHECK(!matches("12?3", "1223"));
    CHECK(matches("12*3", "12223"));
    CHECK(matches("12+3", "123"));
    CHECK(!matches("12+3", "13"));
    CHECK(matches("(?:12){2,}", "121212"));
    CHECK(!matches("(?:12){2,}", "12"));
    CHECK(matches("(?:1(?:23){1,2}){2}", "1231232323") == false);
    CHECK(matches("(?:1(?:23){1,2}){2}", "12312323"));
}

TEST(several_patterns_have_a_bit_each)
{
    struct scope *scope = life();
    struct text texts[] = { TEXT("1\\d"), TEXT(""), TEXT("\\d2"), TEXT("99") };
    struct phone_patterns *patterns = phone_patterns_new(scope, texts, 4);
    CHECK_U32(phone_patterns_match(patterns, TEXT("12")), 5);
    CHECK_U32(phone_patterns_match(patterns, TEXT("13")), 1);
    CHECK_U32(phone_patterns_match(patterns, TEXT("22")), 4);
    CHECK_U32(phone_patterns_match(patterns, TEXT("99")), 8);
    CHECK_U32(phone_patterns_match(patterns, TEXT("")), 0);
    scope_close(scope);
}

TEST(a_front_is_one_digit_or_more)
{
    CHECK(has_front("00|011", "01149"));
    CHECK(!has_front("00|011", "0149"));
    CHECK(!has_front("0?", "149"));
    CHECK(has_front("0?", "049"));
    CHECK(!has_front("", "049"));
}

TEST(what_is_not_understood_makes_no_table)
{
    const char *broken[] = { "1$", "[a]", "(1",    "1)",  "1{2",  "1{3,2}", "1{0}",
                             "x",  "[1",  "1{99}", "\\w", "[3-1", "1{" };
    struct scope *scope = life();
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct text text = text_of(broken[i]);
        CHECK(phone_patterns_new(scope, &text, 1) == NULL);
    }
    scope_close(scope);
}

TEST(the_size_of_a_table_is_bounded)
{
    struct scope *scope = life();
    struct text text = TEXT("(?:(?:(?:\\d{32}){32}){32}){32}");
    CHECK(phone_patterns_new(scope, &text, 1) == NULL);
    text = TEXT("((((((((((((((((((((((((((((((((((((((1))))))))))))))))))))))))))))))))))))))");
    CHECK(phone_patterns_new(scope, &text, 1) == NULL);
    scope_close(scope);
}
