/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_columns.h"

#include "tests/unit/test.h"

static struct scope *life;
static struct import_columns columns;
static struct fault fault;

static enum err make(const char *header, const char *map, const char *ignore)
{
    static struct text headers[400];
    uint32_t count = 0;
    struct text rest = text_of(header), item;
    scope_close(life);
    life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    fault = (struct fault){ 0 };
    while (text_next_item(&rest, ';', &item)) headers[count++] = item;
    return import_columns_make(headers, count, text_of(map), text_of(ignore), life, &columns,
                               &fault);
}

static void check(const char *names)
{
    struct text rest = text_of(names), name;
    uint32_t at = 0;
    while (text_next_item(&rest, ';', &name)) {
        CHECK(at < columns.count);
        CHECK(text_eq(columns.names[at++], name));
    }
    CHECK_U32(columns.count, at);
    scope_close(life);
    life = NULL;
}

TEST(headers_that_are_columns_stand_for_themselves)
{
    CHECK_OK(make("contact_info;Contact Info Type;TZ_NAME;daily-from;Other1", "", ""));
    check("contact_info;contact_info_type;tz_name;daily_from;Other1");
}

TEST(common_words_stand_for_the_usual_columns)
{
    CHECK_OK(make("Phone Number;time zone;From;Until;household;customer id;Colour", "", ""));
    check("contact_info;tz_name;daily_from;daily_till;chain_key;GSW_CUSTOMER_ID;Colour");
}

TEST(a_common_word_does_not_take_a_column_that_another_header_names)
{
    CHECK_OK(make("mobile;contact_info", "", ""));
    check("mobile;contact_info");
    CHECK_OK(make("phone;mobile", "", ""));
    check("contact_info;mobile");
}

TEST(the_map_goes_first_and_may_use_any_spelling_of_the_header)
{
    CHECK_OK(make("Phone;Rufnummer;bis", "contact_info=rufnummer, daily_till = BIS", ""));
    check("Phone;contact_info;daily_till");
    CHECK_OK(make("from;name", "Other1=From", ""));
    check("Other1;name");
}

TEST(an_ignored_header_leaves_its_cell_out)
{
    CHECK_U32(make("phone;;Remarks;till", "", "remarks"), ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "column 2 has no name");
    CHECK_OK(make("phone;Remarks;till", "", "remarks"));
    CHECK_U32(columns.header_count, 3);
    CHECK_U32(columns.cells[1], 2);
    check("contact_info;daily_till");
}

TEST(a_map_of_a_header_that_is_not_there_is_refused)
{
    CHECK_U32(make("phone", "contact_info=telefon", ""), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "--map");
    CHECK_U32(make("phone", "contact_info", ""), ERR_INVALID);
    CHECK_U32(make("phone", "=phone", ""), ERR_INVALID);
    scope_close(life);
    life = NULL;
}

TEST(too_many_columns_are_refused)
{
    char header[2 * 301];
    for (int i = 0; i < 301; i++) {
        header[2 * i] = 'a';
        header[2 * i + 1] = i == 300 ? '\0' : ';';
    }
    CHECK_U32(make(header, "", ""), ERR_LIMIT);
    scope_close(life);
    life = NULL;
}
