/* SPDX-License-Identifier: Apache-2.0 */
#include "format/decode_stream.h"

#include "tests/unit/test.h"

static struct fault fault;

/* Whatever the slices, the text is the same. */
static void check_decoded(const char *set, struct text in, const char *wanted)
{
    for (size_t slice = 1; slice <= in.len + 1; slice++) {
        struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
        struct decode_stream *stream;
        struct buf out = { 0 };
        CHECK_OK(decode_stream_new(scope, text_of(set), &stream, &fault));
        for (size_t at = 0; at < in.len; at += slice)
            decode_stream_feed(stream, text_slice(in, at, slice), &out);
        decode_stream_end(stream, &out);
        CHECK_TEXT(buf_text(&out), wanted);
        buf_free(&out);
        scope_close(scope);
    }
}

TEST(sets_of_one_and_of_several_bytes)
{
    check_decoded("WINDOWS-1252", TEXT("Bj\xF6rn \x80"), "Bj\xC3\xB6rn \xE2\x82\xAC");
    check_decoded("UTF-16LE", TEXT("A\0\xF6\0\n\0"), "A\xC3\xB6\n");
    check_decoded("UTF-16BE", TEXT("\0A\0\xF6\xD8\x3D\xDE\x00"), "A\xC3\xB6\xF0\x9F\x98\x80");
    check_decoded("SHIFT_JIS", TEXT("\x83\x65,\x83\x58"), "\xE3\x83\x86,\xE3\x82\xB9");
}

TEST(what_means_nothing_becomes_a_byte_that_text_never_has)
{
    check_decoded("WINDOWS-1252",
                  TEXT("a\x81"
                       "b"),
                  "a\xFF"
                  "b");
    check_decoded("UTF-16LE",
                  TEXT("a\0\x00\xDC"
                       "b\0"),
                  "a\xFF"
                  "b");
    check_decoded("UTF-16LE", TEXT("a\0b"), "a\xFF");
    check_decoded("UTF-8", TEXT("a\xC3"), "a\xFF");
}

TEST(a_set_is_the_same_by_all_its_names)
{
    static const char *const names[] = { "UTF-16LE", "utf-16le", "UTF16LE", "UnicodeLittle" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        check_decoded(names[i],
                      TEXT("a\0\x00\xDC"
                           "b\0"),
                      "a\xFF"
                      "b");
    check_decoded("ucs4",
                  TEXT("\0\0\0a\xFF\0\0\0\0\0\0"
                       "b"),
                  "a\xFF"
                  "b");
    check_decoded("utf7", TEXT("a+AE\xD1-b\n"), "a\xFF-b\n");
}

TEST(a_bad_character_of_utf7_is_found_where_it_is_however_the_bytes_are_cut)
{
    /* 0041, DC00 (the second half of a pair alone), 0041; then a byte that ends the base64. */
    check_decoded("UTF-7", TEXT("+AEHcAABB-x\ny"),
                  "A\xFF"
                  "Ax\ny");
    check_decoded("UTF-7", TEXT("a+AE\xD1-b\n"), "a\xFF-b\n");
}

TEST(a_letter_that_waits_for_its_accent_is_there_at_the_end)
{
    check_decoded("CP1258", TEXT("bra"), "bra");
    check_decoded("CP1258", TEXT("a\xEC"), "\xC3\xA1"); /* a, then the acute alone */
}

TEST(sets_that_do_not_exist)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct decode_stream *stream;
    CHECK_I64(decode_stream_new(scope, TEXT("NO-SUCH"), &stream, &fault), ERR_UNSUPPORTED);
    CHECK_I64(decode_stream_new(scope, TEXT(""), &stream, &fault), ERR_UNSUPPORTED);
    CHECK_I64(decode_stream_new(scope, TEXT("LATIN1//TRANSLIT"), &stream, &fault), ERR_UNSUPPORTED);
    scope_close(scope);
}

TEST(a_byte_order_mark_names_its_set)
{
    CHECK_TEXT(decode_stream_set_of_mark(TEXT("\xFF\xFE"
                                              "a\0")),
               "UTF-16LE");
    CHECK_TEXT(decode_stream_set_of_mark(TEXT("\xFE\xFF\0a")), "UTF-16BE");
    CHECK_TEXT(decode_stream_set_of_mark(TEXT("\xFF\xFE\0\0a\0\0\0")), "UTF-32LE");
    CHECK_TEXT(decode_stream_set_of_mark(TEXT("\0\0\xFE\xFF")), "UTF-32BE");
    CHECK_TEXT(decode_stream_set_of_mark(TEXT("\xEF\xBB\xBF"
                                              "a")),
               "");
    CHECK_TEXT(decode_stream_set_of_mark(TEXT("a")), "");
}
