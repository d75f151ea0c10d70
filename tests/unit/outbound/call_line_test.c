/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/call_line.h"

#include "tests/unit/test.h"

static struct buf out;

static struct call_line line_new(const char *delimiter, bool quotes)
{
    buf_clear(&out);
    return (struct call_line){ .out = &out, .delimiter = text_of(delimiter), .quotes = quotes };
}

TEST(fields_of_the_audit_trail_are_comma_separated_and_quoted_where_needed)
{
    struct call_line line = line_new(",", true);
    call_line_time(&line, 1780334100250);
    call_line_time(&line, 0);
    call_line_text(&line, TEXT("Spring"));
    call_line_text(&line, TEXT("Smith, \"Big\" Joe"));
    call_line_text(&line, TEXT("two\r\nlines"));
    call_line_text(&line, (struct text){ 0 });
    call_line_i64(&line, -7);
    call_line_end(&line);
    CHECK_TEXT(buf_text(&out), "2026-06-01T17:15:00.250Z,,Spring,\"Smith, \"\"Big\"\" Joe\","
                               "\"two  lines\",,-7\n");
    buf_free(&out);
}

TEST(a_delimiter_inside_a_field_of_the_history_becomes_a_blank)
{
    struct call_line line = line_new("\t", false);
    call_line_text(&line, TEXT("a\tb\nc"));
    call_line_text(&line, TEXT("\"quoted\""));
    call_line_end(&line);
    CHECK_TEXT(buf_text(&out), "a b c\t\"quoted\"\n");
    line = line_new("||", false);
    call_line_text(&line, TEXT("a||b|c"));
    call_line_i64(&line, 1);
    call_line_end(&line);
    CHECK_TEXT(buf_text(&out), "a b|c||1\n");
    buf_free(&out);
}

TEST(each_line_begins_anew)
{
    struct call_line line = line_new(",", true);
    for (int i = 0; i < 2; i++) {
        call_line_i64(&line, i);
        call_line_end(&line);
    }
    CHECK_TEXT(buf_text(&out), "0\n1\n");
    buf_free(&out);
}
