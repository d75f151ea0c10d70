/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/record.h"
#include "tests/unit/test.h"

static const struct column_layout text_column = { .name = { "Other1", 6 },
                                                  .is_text = true,
                                                  .len_max = 3 };
static const struct column_layout number_column = { .name = { "size", 4 } };
static const struct column_layout float_column = { .name = { "price", 5 }, .is_float = true };

static struct scope *scope;
static struct value fits;
static struct fault fault;

static enum err fit(const struct column_layout *column, struct value value)
{
    scope_close(scope);
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    return value_for_column(scope, column, &value, &fits, &fault);
}

TEST(text_is_counted_in_characters_and_numbers_become_text)
{
    CHECK_OK(fit(&text_column, value_of_text(TEXT("\xD0\x96\xD0\x96\xD0\x96"))));
    CHECK_I64(fit(&text_column, value_of_text(TEXT("abcd"))), ERR_LIMIT);
    CHECK_OK(fit(&text_column, value_of_i64(42)));
    CHECK_TEXT(fits.text, "42");
    CHECK_I64(fit(&text_column, value_of_text(TEXT("a\0b"))), ERR_INVALID);
    CHECK_I64(fit(&text_column, value_of_text(TEXT("\xC3("))), ERR_INVALID);
}

TEST(a_text_must_have_a_place_in_the_tables_character_set)
{
    struct scope *life = scope_new(NULL, "charset", SCOPE_NO_LIMIT);
    struct list_charset charset = { .scratch = scope_new(life, "scratch", SCOPE_NO_LIMIT) };
    struct column_layout column = text_column;
    struct text stored;
    column.charset = &charset;
    CHECK_OK(fit(&column, value_of_text(TEXT("\xD0\x96")))); /* UTF-8 has one for all */
    CHECK_OK(encoding_open(life, TEXT("ISO-8859-1"), &charset.encoding, &fault));
    CHECK_I64(fit(&column, value_of_text(TEXT("\xD0\x96"))), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "Other1");
    CHECK_OK(fit(&column, value_of_text(TEXT("\xC3\xA9"))));
    CHECK_TEXT(fits.text, "\xC3\xA9"); /* UTF-8 inside */
    CHECK_OK(charset_encode(&charset, fits.text, &stored));
    CHECK_TEXT(stored, "\xE9");
    CHECK_TEXT(charset_decode(&charset, life, TEXT("a\xE9")), "a\xC3\xA9");
    CHECK_OK(encoding_open(life, TEXT("US-ASCII"), &charset.encoding, &fault));
    CHECK_TEXT(charset_decode(&charset, life, TEXT("a\xE9")), "a\xEF\xBF\xBD");
    scope_close(life);
}

TEST(numbers_are_whole_where_the_column_is)
{
    CHECK_OK(fit(&number_column, value_of_text(TEXT("-7"))));
    CHECK_I64(fits.integer, -7);
    CHECK_I64(fit(&number_column, value_of_text(TEXT("7.5"))), ERR_INVALID);
    CHECK_I64(fit(&number_column, (struct value){ .kind = VALUE_FLOAT, .number = 7.5 }),
              ERR_INVALID);
    CHECK_OK(fit(&float_column, value_of_text(TEXT("7.5"))));
    CHECK_OK(fit(&number_column, value_of_text(TEXT(""))));
    CHECK_I64(fits.kind, VALUE_NULL);
}

TEST(lists_and_objects_fit_no_column)
{
    CHECK_I64(fit(&text_column, (struct value){ .kind = VALUE_LIST }), ERR_INVALID);
    CHECK_I64(fit(&number_column, (struct value){ .kind = VALUE_KV }), ERR_INVALID);
    scope_close(scope);
    scope = NULL;
}

TEST(only_plain_names_stand_in_sql)
{
    CHECK(is_sql_identifier(TEXT("list_spring")));
    CHECK(!is_sql_identifier(TEXT("list; DROP TABLE round")));
    CHECK(!is_sql_identifier(TEXT("1list")));
    CHECK(!is_sql_identifier(TEXT("")));
    CHECK(!is_sql_identifier(TEXT("\"x\"")));
}

TEST(the_mandatory_columns_are_the_23_of_the_guide)
{
    CHECK_U32(COLUMNS_MANDATORY, 23);
    CHECK_TEXT(mandatory_columns()[COLUMN_RECORD_ID].name, "record_id");
    CHECK_TEXT(mandatory_columns()[COLUMN_SWITCH_ID].name, "switch_id");
    CHECK(mandatory_columns()[COLUMN_CHAIN_ID].is_key &&
          mandatory_columns()[COLUMN_CHAIN_N].is_key);
    struct list_layout layout = { TEXT("t"), mandatory_columns(), COLUMNS_MANDATORY };
    struct buf sql = { 0 };
    uint32_t columns[] = { COLUMN_RECORD_STATUS, COLUMN_CALL_RESULT };
    list_sql_update(&layout, columns, 2, &sql);
    CHECK_TEXT(
        buf_text(&sql),
        "UPDATE t SET record_status = ?1, call_result = ?2 WHERE chain_id = ?3 AND chain_n = ?4");
    buf_free(&sql);
}
