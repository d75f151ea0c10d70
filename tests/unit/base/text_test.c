/* SPDX-License-Identifier: Apache-2.0 */
#include "base/text.h"
#include "tests/unit/test.h"

TEST(texts_compare_by_bytes_and_fold_only_ascii)
{
    CHECK(text_eq(TEXT("bell"), text_of("bell")));
    CHECK(!text_eq(TEXT("bell"), TEXT("bel")));
    CHECK(text_eq((struct text){ 0 }, TEXT("")));
    CHECK(text_eq_fold(TEXT("OCServer"), TEXT("ocserver")));
    CHECK(!text_eq_fold(TEXT("\xC3\x84"), TEXT("\xC3\xA4"))); /* Ä, ä */
    CHECK(text_compare(TEXT("a"), TEXT("b")) < 0);
    CHECK(text_compare(TEXT("ab"), TEXT("a")) > 0);
    CHECK_I64(text_compare(TEXT("ab"), TEXT("ab")), 0);
    CHECK_I64(text_of(NULL).len, 0);
}

TEST(a_text_is_cut_at_the_first_separator_only)
{
    struct text before = TEXT("untouched"), after = TEXT("untouched");
    CHECK(text_cut(TEXT("sales:7:x"), ':', &before, &after));
    CHECK_TEXT(before, "sales");
    CHECK_TEXT(after, "7:x");
    CHECK(!text_cut(TEXT("sales"), ':', &before, &after));
    CHECK_TEXT(before, "sales");
}

TEST(slices_stay_inside)
{
    CHECK_TEXT(text_slice(TEXT("melody"), 2, 2), "lo");
    CHECK_TEXT(text_slice(TEXT("melody"), 4, SIZE_MAX), "dy");
    CHECK_I64(text_slice(TEXT("melody"), 9, 1).len, 0);
    CHECK(text_starts(TEXT("melody"), TEXT("mel")) && !text_starts(TEXT("me"), TEXT("mel")));
    CHECK(text_ends(TEXT("melody"), TEXT("ody")) && !text_ends(TEXT("dy"), TEXT("ody")));
    CHECK_TEXT(text_trim(TEXT(" \t a b\r\n")), "a b");
    CHECK(text_find(TEXT("a,b,c"), ',', 2) == 3);
    CHECK(text_find(TEXT("abc"), ',', 0) == SIZE_MAX);
}

TEST(a_list_gives_its_items_trimmed_and_its_empty_ones)
{
    struct text rest = TEXT("a, b,,c,"), item;
    const char *wanted[] = { "a", "b", "", "c", "" };
    for (size_t i = 0; i < 5; i++) {
        CHECK(text_next_item(&rest, ',', &item));
        CHECK_TEXT(item, wanted[i]);
    }
    CHECK(!text_next_item(&rest, ',', &item));
}

TEST(utf8_is_well_formed_shortest_and_without_surrogates)
{
    CHECK(text_is_utf8(TEXT("")));
    CHECK(text_is_utf8(TEXT("d\xC3\xA9j\xC3\xA0 \xE2\x82\xAC \xF0\x9F\x94\x94")));
    CHECK(!text_is_utf8(TEXT("\xC0\xAF")));         /* overlong */
    CHECK(!text_is_utf8(TEXT("\xE0\x80\xAF")));     /* overlong */
    CHECK(!text_is_utf8(TEXT("\xED\xA0\x80")));     /* surrogate */
    CHECK(!text_is_utf8(TEXT("\xF4\x90\x80\x80"))); /* past U+10FFFF */
    CHECK(!text_is_utf8(TEXT("\xE2\x82")));         /* cut */
    CHECK(!text_is_utf8(TEXT("\x80")));
}

TEST(numbers_are_read_with_their_range)
{
    uint32_t u32 = 77;
    CHECK_OK(text_to_u32(TEXT("0"), 0, 100, &u32));
    CHECK_U32(u32, 0);
    CHECK_I64(text_to_u32(TEXT("101"), 0, 100, &u32), ERR_LIMIT);
    CHECK_I64(text_to_u32(TEXT("99999999999999999999999"), 0, 100, &u32), ERR_LIMIT);
    CHECK_I64(text_to_u32(TEXT("+1"), 0, 100, &u32), ERR_INVALID);
    CHECK_I64(text_to_u32(TEXT("-1"), 0, 100, &u32), ERR_INVALID);
    CHECK_I64(text_to_u32(TEXT(" 1"), 0, 100, &u32), ERR_INVALID);
    CHECK_I64(text_to_u32(TEXT(""), 0, 100, &u32), ERR_INVALID);
    CHECK_U32(u32, 0); /* written on success only */
    int64_t i64;
    CHECK_OK(text_to_i64(TEXT("-9223372036854775808"), INT64_MIN, INT64_MAX, &i64));
    CHECK(i64 == INT64_MIN);
    CHECK_I64(text_to_i64(TEXT("9223372036854775808"), INT64_MIN, INT64_MAX, &i64), ERR_LIMIT);
    CHECK_I64(text_to_i64(TEXT("-"), INT64_MIN, INT64_MAX, &i64), ERR_INVALID);
    uint64_t u64;
    CHECK_OK(text_to_u64(TEXT("18446744073709551615"), 0, UINT64_MAX, &u64));
    CHECK(u64 == UINT64_MAX);
    CHECK_I64(text_to_u64(TEXT("18446744073709551616"), 0, UINT64_MAX, &u64), ERR_LIMIT);
    double f64;
    CHECK_OK(text_to_f64(TEXT("-2.5e3"), &f64));
    CHECK(f64 < -2499.9 && f64 > -2500.1);
    CHECK_I64(text_to_f64(TEXT("1x"), &f64), ERR_INVALID);
    CHECK_I64(text_to_f64(TEXT("1e999"), &f64), ERR_INVALID);
    CHECK_I64(text_to_f64(TEXT(" 1"), &f64), ERR_INVALID);
}

TEST(booleans_have_four_spellings_each_in_any_case) /* framework 4.1 */
{
    bool value = false;
    CHECK_OK(text_to_bool(TEXT("Yes"), &value));
    CHECK(value);
    CHECK_OK(text_to_bool(TEXT("OFF"), &value));
    CHECK(!value);
    CHECK_OK(text_to_bool(TEXT("1"), &value));
    CHECK(value);
    CHECK_I64(text_to_bool(TEXT("2"), &value), ERR_INVALID);
    CHECK_I64(text_to_bool(TEXT(""), &value), ERR_INVALID);
}

TEST(a_text_for_libc_has_no_nul_inside_and_fits)
{
    char z[4];
    CHECK_OK(text_to_z(TEXT("abc"), z, sizeof z));
    CHECK_I64(z[3], 0);
    CHECK_I64(text_to_z(TEXT("abcd"), z, sizeof z), ERR_LIMIT);
    CHECK_I64(text_to_z(TEXT("a\0b"), z, sizeof z), ERR_INVALID);
}

TEST(equal_texts_hash_alike)
{
    char copy[] = "chain";
    CHECK(text_hash(TEXT("chain")) == text_hash(text_of(copy)));
    CHECK(text_hash(TEXT("chain")) != text_hash(TEXT("chaim")));
}
