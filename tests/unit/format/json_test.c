/* SPDX-License-Identifier: Apache-2.0 */
#include "format/json.h"
#include "tests/unit/format/sample.h"
#include "tests/unit/test.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static struct scope *scope;

static void begin(void)
{
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
}

static void end(void)
{
    scope_close(scope);
}

static enum err read_text(const char *json, struct value *out, struct fault *fault)
{
    *fault = (struct fault){ 0 };
    return json_read(text_of(json), scope, out, fault);
}

TEST(an_object_keeps_its_order_and_its_64_bit_integers)
{
    begin();
    struct kv kv;
    CHECK_OK(
        json_read_kv(TEXT("{\"z\":9223372036854775807,\"a\":-1.5,\"m\":[true,null,\"\\u00e9\"]}"),
                     scope, &kv, NULL));
    CHECK_I64(kv.count, 3);
    CHECK_TEXT(kv.at[0].name, "z");
    CHECK(kv.at[0].value.integer == INT64_MAX);
    CHECK_I64(kv.at[1].value.kind, VALUE_FLOAT);
    const struct value *list = kv_find(&kv, TEXT("m"));
    CHECK_I64(list->items.count, 3);
    CHECK_I64(list->items.at[1].kind, VALUE_NULL);
    CHECK_TEXT(list->items.at[2].text, "\xC3\xA9");
    end();
}

TEST(nonsense_is_refused_with_its_place)
{
    begin();
    struct value value;
    struct fault fault;
    CHECK_I64(read_text("{\"a\":1,\n\"a\":2}", &value, &fault), ERR_INVALID); /* twice */
    CHECK_I64(read_text("\"\xff\"", &value, &fault), ERR_INVALID);            /* no UTF-8 */
    CHECK_I64(read_text("\"\\u0000\"", &value, &fault), ERR_INVALID);
    CHECK_I64(read_text("9223372036854775808", &value, &fault), ERR_INVALID);
    CHECK_I64(read_text("1e999", &value, &fault), ERR_INVALID);
    CHECK_I64(read_text("", &value, &fault), ERR_INVALID);
    CHECK_I64(read_text("{} {}", &value, &fault), ERR_INVALID);
    CHECK_I64(read_text("{\n\"a\" 1}", &value, &fault), ERR_INVALID);
    CHECK(text_starts(text_of(fault.words), TEXT("line 2, column")));
    struct kv kv;
    CHECK_I64(json_read_kv(TEXT("[1]"), scope, &kv, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "must be a JSON object");
    end();
}

TEST(an_error_says_line_column_and_what_was_expected)
{
    begin();
    static const struct {
        const char *in, *words;
    } cases[] = {
        { "", "line 1, column 1: expected a value" },
        { "{\"a\":1,\n \"b\" 2}", "line 2, column 6: expected a colon" },
        { "{\"\xC3\xA9\":1 2}", "line 1, column 8: expected a comma or }" },
        { "[1,]", "line 1, column 4: expected a value" },
        { "{\"a\":1,}", "line 1, column 8: expected a name in quotation marks" },
        { "[01]", "line 1, column 3: expected a comma or ]" },
        { "-x", "line 1, column 2: expected a value" },
        { "1.", "line 1, column 3: expected a digit" },
        { "[1]]", "line 1, column 4: nothing may follow the value" },
        { "[9223372036854775808]", "line 1, column 2: the number is too big for 64 bits" },
        { "[-1e999]", "line 1, column 2: the number is too big for a double" },
        { "\"\\x\"", "line 1, column 2: no such escape" },
        { "\"a\x1f\"", "line 1, column 3: a string holds no control characters" },
        { "\"a", "line 1, column 3: a string ends with a quotation mark" },
        { "0e309", "line 1, column 1: the number is too big for a double" },
        { "\"\\u12g4\"", "line 1, column 2: \\u has four hexadecimal digits" },
        { "\"a\\u0000\"", "line 1, column 2: a string may not hold U+0000" },
        { "\"\\ud800x\"", "line 1, column 2: half a surrogate pair is no character" },
        { "\"\\udc00\"", "line 1, column 2: the string is no UTF-8, or has half a surrogate pair" },
        { "{\"a\":{\"b\":1,\"c\":2,\n\"b\":3}}", "line 2, column 2: the name is there twice" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct value value;
        struct fault fault;
        CHECK_I64(read_text(cases[i].in, &value, &fault), ERR_INVALID);
        CHECK_TEXT(text_of(fault.words), cases[i].words);
    }
    struct value value;
    CHECK_I64(json_read(TEXT("[1\0]"), scope, &value, NULL), ERR_INVALID);
    CHECK_I64(json_read(TEXT("1\0"), scope, &value, NULL), ERR_INVALID);
    end();
}

TEST(escapes_become_the_characters_they_stand_for)
{
    begin();
    struct value value;
    CHECK_OK(
        json_read(TEXT(" \"\\\"\\\\\\/\\b\\f\\n\\r\\t \\u0041\\u00E9\\u20ac\\uD83D\\udd14.\" "),
                  scope, &value, NULL));
    CHECK_TEXT(value.text, "\"\\/\b\f\n\r\t A\xC3\xA9\xE2\x82\xAC\xF0\x9F\x94\x94.");
    CHECK(value.text.at[value.text.len] == '\0');
    end();
}

TEST(control_characters_are_refused_wherever_they_stand) /* RFC 8259, section 7 */
{
    begin();
    for (size_t at = 1; at < 40; at++)
        for (int byte = 0; byte < 0x20; byte++) {
            char in[42];
            memset(in, 'x', sizeof in);
            in[0] = in[41] = '"';
            in[at] = (char)byte;
            struct value value;
            CHECK_I64(json_read((struct text){ in, sizeof in }, scope, &value, NULL), ERR_INVALID);
        }
    end();
}

/* As many names as a hostile body has: found twice, and in no time. */
TEST(a_name_that_is_there_twice_is_found_among_many)
{
    begin();
    enum { NAMES = 100000 };
    struct buf in = { 0 };
    buf_add_byte(&in, '{');
    for (int i = 0; i < NAMES; i++) buf_format(&in, "\"n%d\":%d,", i, i);
    size_t len = in.len;
    buf_add_z(&in, "\"last\":[]}");
    struct kv kv;
    CHECK_OK(json_read_kv(buf_text(&in), scope, &kv, NULL));
    CHECK_U32(kv.count, NAMES + 1);
    CHECK_I64(kv_find(&kv, TEXT("n99999"))->integer, 99999);
    in.len = len;
    buf_add_z(&in, "\n\"n17\":0}");
    struct fault fault;
    CHECK_I64(json_read_kv(buf_text(&in), scope, &kv, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "line 2, column 2: the name is there twice");
    buf_free(&in);
    end();
}

static struct text nested(struct buf *out, int depth)
{
    buf_clear(out);
    for (int i = 0; i < depth; i++) buf_add_byte(out, '[');
    buf_add_z(out, "\"]]]] [[[[ \\\" [[\"");
    for (int i = 0; i < depth; i++) buf_add_byte(out, ']');
    return buf_text(out);
}

TEST(depth_is_bounded_and_brackets_in_strings_do_not_count)
{
    begin();
    struct buf in = { 0 };
    struct value value;
    CHECK_OK(json_read(nested(&in, 32), scope, &value, NULL));
    CHECK_I64(json_read(nested(&in, 33), scope, &value, NULL), ERR_LIMIT);
    CHECK_I64(json_read(nested(&in, 500000), scope, &value, NULL), ERR_LIMIT);
    buf_free(&in);
    end();
}

TEST(a_scope_with_a_limit_bounds_the_reader)
{
    begin();
    struct scope *tight = scope_new(scope, "tight", 256);
    struct value value;
    CHECK_OK(json_read(TEXT("[1,2,3]"), tight, &value, NULL));
    CHECK_I64(json_read(TEXT("[1,2,3,4,5,6,7,8,9,10]"), tight, &value, NULL), ERR_LIMIT);
    end();
}

TEST(every_kind_of_field_is_filled_from_json_and_written_back)
{
    begin();
    struct sample *full = sample_full(scope);
    full->u64 = INT64_MAX; /* JSON's integers are signed here */
    struct buf first = { 0 }, second = { 0 };
    shape_to_json(&first, &SAMPLE, full);
    void *object = NULL;
    struct fault fault = { 0 };
    enum err err = json_to_shape(buf_text(&first), &SAMPLE, scope, &object, NULL, &fault);
    if (err) print_error("%s: %s\n", fault.field, fault.words);
    CHECK_OK(err);
    struct sample *back = object;
    CHECK(back->head.has == full->head.has);
    CHECK(back->i64 == INT64_MIN && back->u32 == UINT32_MAX && back->truth);
    CHECK(text_eq(back->bytes, full->bytes));
    CHECK_TEXT(back->parts.at[1].name, "second");
    CHECK_TEXT(back->inner->name, "inner");
    shape_to_json(&second, &SAMPLE, back);
    CHECK(text_eq(buf_text(&first), buf_text(&second)));
    buf_free(&first);
    buf_free(&second);
    end();
}

static void check_refused(const char *json, const char *field, const char *words)
{
    void *object = NULL;
    struct fault fault = { 0 };
    CHECK_I64(json_to_shape(text_of(json), &SAMPLE, scope, &object, NULL, &fault), ERR_INVALID);
    CHECK(object == NULL);
    CHECK_TEXT(text_of(fault.field), field);
    CHECK_TEXT(text_of(fault.words), words);
}

TEST(a_fault_names_the_field_and_the_rule)
{
    begin();
    check_refused("{}", "text", "is required");
    check_refused("{\"text\":7}", "text", "must be text");
    check_refused("{\"text\":\"a\",\"truth\":1}", "truth", "must be true or false");
    check_refused("{\"text\":\"a\",\"u32\":-1}", "u32", "must be 0 to 4294967295");
    check_refused("{\"text\":\"a\",\"u32\":4294967296}", "u32", "must be 0 to 4294967295");
    check_refused("{\"text\":\"a\",\"i64\":1.5}", "i64", "must be a whole number");
    check_refused("{\"text\":\"a\",\"f64\":\"1\"}", "f64", "must be a number");
    check_refused("{\"text\":\"a\",\"bytes\":\"a\"}", "bytes", "must be base64");
    check_refused("{\"text\":\"a\",\"bytes\":\"a*==\"}", "bytes", "must be base64");
    check_refused("{\"text\":\"a\",\"pairs\":[]}", "pairs", "must be an object");
    check_refused("{\"text\":\"a\",\"numbers\":5}", "numbers", "must be a list");
    check_refused("{\"text\":\"a\",\"numbers\":[1,\"2\"]}", "numbers[1]", "must be a whole number");
    check_refused("{\"text\":\"a\",\"parts\":[{\"name\":\"x\"},{\"name\":3}]}", "parts[1].name",
                  "must be text");
    check_refused("{\"text\":\"a\",\"inner\":{\"nam\":1}}", "inner.nam", "is no known field");
    check_refused("{\"text\":\"a\",\"txt\":1}", "txt", "is no known field");
    end();
}

TEST(unknown_names_are_kept_where_the_caller_wants_them_and_null_is_absent)
{
    begin();
    void *object = NULL;
    struct kv unknown;
    CHECK_OK(json_to_shape(TEXT("{\"Other1\":\"x\",\"text\":\"a\",\"u32\":null,\"Other2\":[1]}"),
                           &SAMPLE, scope, &object, &unknown, NULL));
    struct sample *sample = object;
    CHECK(sample->head.has == SAMPLE_HAS_TEXT);
    CHECK_I64(unknown.count, 2);
    CHECK_TEXT(unknown.at[1].name, "Other2");
    end();
}

TEST(a_part_may_lack_required_fields)
{
    begin();
    struct kv kv;
    void *object = NULL;
    CHECK_OK(json_read_kv(TEXT("{\"u32\":5}"), scope, &kv, NULL));
    CHECK_OK(kv_to_shape(&kv, &SAMPLE, true, scope, &object, NULL, NULL));
    CHECK_U32(((struct sample *)object)->u32, 5);
    CHECK_I64(kv_to_shape(&kv, &SAMPLE, false, scope, &object, NULL, NULL), ERR_INVALID);
    struct pair twice[] = { { TEXT("u32"), { .kind = VALUE_INTEGER, .integer = 1 } },
                            { TEXT("u32"), { .kind = VALUE_INTEGER, .integer = 2 } } };
    struct fault fault;
    CHECK_I64(kv_to_shape(&(struct kv){ twice, 2 }, &SAMPLE, true, scope, &object, NULL, &fault),
              ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "is there twice");
    end();
}

static struct value value_of(const char *at, size_t len)
{
    return (struct value){ .kind = VALUE_TEXT, .text = { at, len } };
}

TEST(the_writer_escapes_and_mends)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_array(&json);
    json_put_text(&json, TEXT("a\"b\\c/\n\t\x01\x7f"));
    json_put_text(&json, TEXT("\xC3\xA9 \xF0\x9F\x94\x94 \xff \xC3"));
    json_end_array(&json);
    CHECK_TEXT(buf_text(&out), "[\"a\\\"b\\\\c/\\n\\t\\u0001\\u007f\","
                               "\"\xC3\xA9 \xF0\x9F\x94\x94 \xEF\xBF\xBD \xEF\xBF\xBD\"]");
    buf_free(&out);
}

TEST(what_needs_an_escape_is_escaped_wherever_it_stands)
{
    begin();
    for (size_t at = 0; at < 20; at++)
        for (int byte = 1; byte < 0x80; byte++) {
            char bytes[20];
            memset(bytes, 'x', sizeof bytes);
            bytes[at] = (char)byte;
            struct buf out = { 0 };
            struct pair pair = { { bytes, sizeof bytes }, value_of(bytes, sizeof bytes) };
            struct kv kv;
            kv_to_json(&out, &(struct kv){ &pair, 1 });
            CHECK_OK(json_read_kv(buf_text(&out), scope, &kv, NULL));
            CHECK(text_eq(kv.at[0].name, pair.name) &&
                  text_eq(kv.at[0].value.text, pair.value.text));
            for (size_t i = 0; i < out.len; i++)
                CHECK((unsigned char)out.at[i] >= 0x20 && (unsigned char)out.at[i] < 0x7f);
            buf_free(&out);
        }
    end();
}

TEST(numbers_are_the_shortest_that_read_back)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_array(&json);
    json_put_f64(&json, 0.1);
    json_put_f64(&json, 5);
    json_put_f64(&json, 1.0 / 3);
    json_put_f64(&json, 1e300);
    json_put_f64(&json, (double)INFINITY);
    json_put_i64(&json, INT64_MIN);
    json_put_u64(&json, UINT64_MAX);
    json_end_array(&json);
    CHECK_TEXT(buf_text(&out), "[0.1,5.0,0.3333333333333333,1e+300,null,-9223372036854775808,"
                               "18446744073709551615]");
    buf_free(&out);
}

TEST(commas_come_between_and_nowhere_else)
{
    begin();
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    struct sample part = { .head.has = SAMPLE_HAS_U32, .u32 = 1 };
    struct pair pair = { TEXT("Other1"), { .kind = VALUE_BOOL } };
    json_begin_object(&json);
    json_put_name(&json, TEXT("empty"));
    json_begin_object(&json);
    json_end_object(&json);
    json_put_shape_members(&json, &SAMPLE, &part);
    json_put_kv_members(&json, &(struct kv){ &pair, 1 });
    json_put_kv_members(&json, &(struct kv){ 0 });
    json_put_name(&json, TEXT("list"));
    json_begin_array(&json);
    json_begin_array(&json);
    json_end_array(&json);
    json_put_null(&json);
    json_put_raw(&json, TEXT("{\"x\":1}"));
    json_put_bool(&json, true);
    json_end_array(&json);
    json_end_object(&json);
    CHECK_TEXT(buf_text(&out), "{\"empty\":{},\"u32\":1,\"Other1\":false,"
                               "\"list\":[[],null,{\"x\":1},true]}");
    buf_free(&out);
    end();
}

TEST(bytes_become_base64) /* RFC 4648, section 10 */
{
    static const char *const pairs[][2] = { { "", "\"\"" },
                                            { "f", "\"Zg==\"" },
                                            { "fo", "\"Zm8=\"" },
                                            { "foo", "\"Zm9v\"" },
                                            { "foob", "\"Zm9vYg==\"" } };
    for (size_t i = 0; i < 5; i++) {
        struct buf out = { 0 };
        struct json_writer json = json_writer(&out);
        json_put_bytes(&json, text_of(pairs[i][0]));
        CHECK_TEXT(buf_text(&out), pairs[i][1]);
        buf_free(&out);
    }
}

static void check_blanked(const char *in, const char *wanted)
{
    struct buf out = { 0 };
    CHECK_OK(json_blank_comments(text_of(in), &out, NULL));
    CHECK_TEXT(buf_text(&out), wanted);
    buf_free(&out);
}

TEST(comments_and_trailing_commas_become_blanks)
{
    check_blanked("{ // one\n \"a\": 1, /* two\n */ }", "{       \n \"a\": 1        \n    }");
    check_blanked("[1, 2,\n]", "[1, 2 \n]");
    check_blanked("{\"url\":\"http://x/,}\",\"q\":\"\\\"//\"}",
                  "{\"url\":\"http://x/,}\",\"q\":\"\\\"//\"}");
    check_blanked("// only", "       ");
    struct buf out = { 0 };
    struct fault fault;
    CHECK_I64(json_blank_comments(TEXT("{} /* no end"), &out, &fault), ERR_INVALID);
    CHECK_I64(json_blank_comments(TEXT("/*/"), &out, &fault), ERR_INVALID);
    buf_free(&out);
}

TEST(every_prefix_of_a_configuration_is_refused_or_read_but_never_crashes)
{
    static const char whole[] = "{\"a\":[1,{\"b\":\"\\u00e9\\n\"},],/* c */\"d\":1.5e3 // e\n}";
    for (size_t len = 0; len < sizeof whole; len++) {
        begin();
        char *copy = malloc(len ? len : 1);
        memcpy(copy, whole, len);
        struct buf out = { 0 };
        struct value value;
        if (!json_blank_comments((struct text){ copy, len }, &out, NULL)) {
            enum err err = json_read(buf_text(&out), scope, &value, NULL);
            CHECK((err == ERR_OK) == (len == sizeof whole - 1));
        }
        free(copy);
        buf_free(&out);
        end();
    }
}
