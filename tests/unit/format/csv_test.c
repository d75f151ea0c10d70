/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "format/csv.h"
#include "tests/unit/test.h"

/* Everything that was told, as "line:field|field|\n" and "line!words\n". */
struct trail {
    struct buf out;
    int stop_after; /* 0: never */
    int rows;
};

static bool on_row(void *self, uint64_t line, const struct text *fields, uint32_t count)
{
    struct trail *trail = self;
    buf_add_u64(&trail->out, line);
    buf_add_byte(&trail->out, ':');
    for (uint32_t i = 0; i < count; i++) {
        buf_add(&trail->out, fields[i]);
        buf_add_byte(&trail->out, '|');
    }
    buf_add_byte(&trail->out, '\n');
    return ++trail->rows != trail->stop_after;
}

static bool on_bad_row(void *self, uint64_t line, struct text raw, const char *words)
{
    struct trail *trail = self;
    buf_format(&trail->out, "%u!%s <%.*s>\n", (unsigned)line, words, TEXT_ARG(raw));
    return ++trail->rows != trail->stop_after;
}

static const struct csv_handler handler = { on_row, on_bad_row };

static void run(struct trail *trail, const struct csv_rules *rules, struct text in, size_t slice)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct csv *csv = csv_new(scope, rules, &handler, trail);
    bool goes_on = true;
    for (size_t at = 0; goes_on && at < in.len; at += slice)
        goes_on = csv_feed(csv, text_slice(in, at, slice));
    if (goes_on) (void)csv_end(csv);
    scope_close(scope);
}

/* Whatever the slices, the rows are the same. */
static void check_rows(const struct csv_rules *rules, struct text in, const char *wanted)
{
    for (size_t slice = 1; slice <= in.len + 1; slice++) {
        struct trail trail = { 0 };
        run(&trail, rules, in, slice);
        CHECK_TEXT(buf_text(&trail.out), wanted);
        buf_free(&trail.out);
    }
}

static const struct csv_rules usual = { 0 };

TEST(rows_end_with_crlf_lf_or_cr_and_the_last_one_may_lack_it)
{
    check_rows(&usual, TEXT("a,b\r\nc,d\ne,f\rg,h"), "1:a|b|\n2:c|d|\n3:e|f|\n4:g|h|\n");
    check_rows(&usual, TEXT(""), "");
    check_rows(&usual, TEXT("\n\r\n\na\n\n"), "4:a|\n");
}

TEST(quotes_keep_separators_newlines_and_doubled_quotes)
{
    check_rows(&usual, TEXT("\"a,b\",\"say \"\"hi\"\"\",\"two\nlines\"\r\nx,\"\",\n"),
               "1:a,b|say \"hi\"|two\nlines|\n3:x|||\n");
    check_rows(&usual, TEXT("\"a\r\nb\"\r\nc"), "1:a\r\nb|\n3:c|\n");
    check_rows(&usual, TEXT("5\" pipe,b\"\"c\n"), "1:5\" pipe|b\"\"c|\n");
}

TEST(a_byte_order_mark_is_no_part_of_the_first_field)
{
    check_rows(&usual, TEXT("\xEF\xBB\xBFname\nx"), "1:name|\n2:x|\n");
    check_rows(&usual, TEXT("\xEF\xBBname"), "1:\xEF\xBBname|\n");
    check_rows(&usual, TEXT("\xEF"), "1:\xEF|\n");
    check_rows(&usual, TEXT("\xEF\xBB\xBF\"q\"\n"), "1:q|\n");
}

TEST(the_delimiter_is_the_callers)
{
    struct csv_rules tabs = { .delimiter = '\t' };
    check_rows(&tabs, TEXT("a,b\tc\n"), "1:a,b|c|\n");
}

TEST(a_bad_row_is_told_by_line_and_the_next_one_is_read)
{
    check_rows(&usual, TEXT("a\n\"b\"x,c\nd\n"),
               "1:a|\n2!text after the closing quote <\"b\"x,c>\n3:d|\n");
    check_rows(&usual, TEXT("a\nb,\"open\nc\n"),
               "1:a|\n2!a quote is open at the end <b,\"open\nc\n>\n");
}

TEST(fields_rows_and_their_number_are_bounded)
{
    struct csv_rules rules = { .field_bytes_max = 4, .row_bytes_max = 12, .fields_max = 3 };
    check_rows(&rules, TEXT("1234,1234\n12345,1\nok\n"),
               "1:1234|1234|\n2!a field is too long <12345,1>\n3:ok|\n");
    check_rows(&rules, TEXT("1,2,3\n1,2,3,4\nok\n"),
               "1:1|2|3|\n2!too many fields <1,2,3,4>\n3:ok|\n");
    check_rows(&rules, TEXT("\"\"\"\"\"\"\"\",\"\"\"\"\"\"\"\"\nok\n"),
               "1!the row is too long <\"\"\"\"\"\"\"\",\"\"\"\"\"\"\"\">\n2:ok|\n");
}

/* Where each row ends, as "offset/line " */
static bool note_place(void *self, uint64_t line, const struct text *fields, uint32_t count)
{
    struct trail *trail = self;
    struct csv **csv = (struct csv **)(void *)trail->out.at;
    (void)line;
    (void)fields;
    (void)count;
    trail->rows++;
    trail->stop_after = (int)(csv_offset(*csv) * 100 + csv_line(*csv));
    return true;
}

TEST(a_reader_can_begin_behind_any_row)
{
    static const char bytes[] = "\xEF\xBB\xBF"
                                "a,b\r\n\"c\nd\",e\r\n\r\nf,g\nh,i";
    static const struct csv_handler noting = { note_place, on_bad_row };
    const struct text in = TEXT(bytes);
    const int places[] = { 802, 1704, 2306, 2606 };
    for (int rows = 1; rows <= 4; rows++) {
        struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
        struct csv *csv = NULL;
        struct trail trail = { .out.at = (char *)&csv };
        csv = csv_new(scope, &usual, &noting, &trail);
        for (size_t at = 0; at < in.len && trail.rows < rows; at++)
            (void)csv_feed(csv, text_slice(in, at, 1));
        if (trail.rows < rows) (void)csv_end(csv);
        CHECK_I64(trail.stop_after, places[rows - 1]);
        struct csv_rules rest = { .first_line = (uint64_t)trail.stop_after % 100 };
        struct trail told = { 0 };
        run(&told, &rest, text_slice(in, (size_t)trail.stop_after / 100, SIZE_MAX), 3);
        static const char *const wanted[] = { "2:c\nd|e|\n5:f|g|\n6:h|i|\n", "5:f|g|\n6:h|i|\n",
                                              "6:h|i|\n", "" };
        CHECK_TEXT(buf_text(&told.out), wanted[rows - 1]);
        buf_free(&told.out);
        scope_close(scope);
    }
}

TEST(a_handler_can_stop_it)
{
    struct trail trail = { .stop_after = 2 };
    run(&trail, &usual, TEXT("a\nb\nc\n"), 100);
    CHECK_TEXT(buf_text(&trail.out), "1:a|\n2:b|\n");
    buf_free(&trail.out);
}

TEST(the_delimiter_can_be_guessed_from_the_first_line)
{
    CHECK_I64(csv_delimiter(TEXT("a,b,c\nd;e;f;g;h")), ',');
    CHECK_I64(csv_delimiter(TEXT("a;\"x,y,z\";c\n")), ';');
    CHECK_I64(csv_delimiter(TEXT("a\tb\n")), '\t');
    CHECK_I64(csv_delimiter(TEXT("alone\n")), ',');
}
