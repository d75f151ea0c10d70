/* SPDX-License-Identifier: Apache-2.0 */
#include "format/encoding.h"
#include "tests/unit/test.h"

static struct scope *scope;

static struct encoding *open_set(const char *name)
{
    struct encoding *encoding = NULL;
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    CHECK_OK(encoding_open(scope, text_of(name), &encoding, NULL));
    return encoding;
}

TEST(e_acute_is_stored_as_e9_and_answered_as_c3_a9) /* spec outbound 18, row 9 */
{
    struct encoding *latin = open_set("ISO-8859-1");
    struct text out;
    CHECK_OK(encoding_encode(latin, TEXT("caf\xC3\xA9"), scope, &out));
    CHECK_TEXT(out, "caf\xE9");
    CHECK_OK(encoding_decode(latin, out, scope, &out));
    CHECK_TEXT(out, "caf\xC3\xA9");
    CHECK_OK(encoding_encode(latin, TEXT(""), scope, &out));
    CHECK_I64(out.len, 0);
    scope_close(scope);
}

TEST(what_has_no_place_in_the_set_is_refused)
{
    struct encoding *latin = open_set("ISO-8859-1");
    struct text out = TEXT("untouched");
    CHECK_I64(encoding_encode(latin, TEXT("\xD0\x96"), scope, &out), ERR_INVALID); /* Zhe */
    CHECK_I64(encoding_encode(latin, TEXT("a\xff"), scope, &out), ERR_INVALID);
    CHECK_I64(encoding_encode(latin, TEXT("a\xC3"), scope, &out), ERR_INVALID); /* cut */
    CHECK_TEXT(out, "untouched");
    CHECK_OK(encoding_encode(latin, TEXT("b"), scope, &out)); /* nothing is left over */
    CHECK_TEXT(out, "b");
    scope_close(scope);
}

TEST(bad_bytes_of_an_answer_become_replacement_characters_one_by_one)
{
    struct encoding *japanese = open_set("EUC-JP");
    struct text out;
    CHECK_OK(encoding_decode_loosely(japanese, TEXT("a\xff\xffz\xa4"), scope, &out));
    CHECK_TEXT(out, "a\xEF\xBF\xBD\xEF\xBF\xBDz\xEF\xBF\xBD");
    CHECK_I64(encoding_decode(japanese, TEXT("a\xff"), scope, &out), ERR_INVALID);
    CHECK_OK(encoding_decode_loosely(japanese, TEXT("\xa4\xa2"), scope, &out));
    CHECK_TEXT(out, "\xE3\x81\x82");
    scope_close(scope);
}

TEST(a_letter_before_a_bad_byte_is_kept)
{
    struct encoding *vietnamese =
        open_set("CP1258"); /* which holds a letter back, for its accent */
    struct text out;
    CHECK_OK(encoding_decode_loosely(vietnamese, TEXT("a\x8Az"), scope, &out));
    CHECK_TEXT(out, "a\xEF\xBF\xBDz");
    scope_close(scope);
}

TEST(utf8_passes_through_checked)
{
    struct encoding *utf8 = open_set("utf-8");
    struct text out;
    CHECK_OK(encoding_encode(utf8, TEXT("\xD0\x96"), scope, &out));
    CHECK_TEXT(out, "\xD0\x96");
    CHECK_I64(encoding_decode(utf8, TEXT("a\xff"), scope, &out), ERR_INVALID);
    CHECK_OK(encoding_decode_loosely(utf8, TEXT("a\xff\xD0\x96\xD0"), scope, &out));
    CHECK_TEXT(out, "a\xEF\xBF\xBD\xD0\x96\xEF\xBF\xBD");
    scope_close(scope);
}

TEST(sets_with_states_end_in_their_first_state)
{
    struct encoding *jis = open_set("ISO-2022-JP");
    struct text out, again;
    CHECK_OK(encoding_encode(jis, TEXT("\xE3\x81\x82"), scope, &out));
    CHECK(text_ends(out, TEXT("\x1b(B")));
    CHECK_OK(encoding_encode(jis, TEXT("\xE3\x81\x82"), scope, &again));
    CHECK(text_eq(out, again));
    scope_close(scope);
}

TEST(only_sets_that_exist_are_opened)
{
    struct encoding *encoding = NULL;
    struct fault fault;
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    CHECK_I64(encoding_open(scope, TEXT("no-such-set"), &encoding, &fault), ERR_UNSUPPORTED);
    CHECK_TEXT(text_of(fault.words), "no-such-set is no known character set");
    CHECK(encoding_exists(TEXT("windows-1252")) && encoding_exists(TEXT("UTF-8")));
    CHECK(!encoding_exists(TEXT("ASCII//TRANSLIT")) && !encoding_exists(TEXT("")));
    scope_close(scope);
}

TEST(a_full_scope_refuses)
{
    struct encoding *latin = open_set("ISO-8859-1");
    struct scope *tight = scope_new(scope, "tight", 64);
    struct text out;
    CHECK_I64(encoding_decode_loosely(latin, TEXT("0123456789012345678901234567890123456789"),
                                      tight, &out),
              ERR_LIMIT);
    scope_close(scope);
}
