/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/import_row.h"
#include "tests/unit/test.h"

enum { COLUMN_NOTE = COLUMNS_MANDATORY, COLUMN_COUNT };

static struct column_layout columns[COLUMN_COUNT];
static struct list_layout layout = { { "t", 1 }, columns, COLUMN_COUNT };
static struct scope *scope;
static struct import_map map;
static struct fault fault;
static struct import_line line;

static bool find_zone(void *self, struct text name, uint32_t *dbid)
{
    (void)self;
    *dbid = 5;
    return text_eq(name, TEXT("CET"));
}

static const struct text header[] = { { "contact_info", 12 }, { "contact_info_type", 17 },
                                      { "tz_name", 7 },       { "daily_from", 10 },
                                      { "daily_till", 10 },   { "chain_key", 9 },
                                      { "Note", 4 } };
enum { HEADER = sizeof header / sizeof header[0] };

static enum err read_line(const char *const cells[HEADER])
{
    scope_close(scope);
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    for (int i = 0; i < COLUMNS_MANDATORY; i++) columns[i] = mandatory_columns()[i];
    columns[COLUMN_NOTE] = (struct column_layout){
        .name = TEXT("note"), .is_text = true, .len_max = 5, .send_attribute = TEXT("Note")
    };
    CHECK_OK(import_map_make(&layout, header, HEADER, scope, &map, &fault));
    struct text texts[HEADER];
    for (int i = 0; i < HEADER; i++) texts[i] = text_of(cells[i]);
    fault = (struct fault){ 0 };
    return import_line_read(&layout, &map, texts, HEADER, find_zone, NULL, scope, &line, &fault);
}

TEST(a_good_line_becomes_a_row_with_the_defaults)
{
    CHECK_OK(read_line(
        (const char *const[]){ "15550100", "4", "CET", "28800", "20:30", "k1", "hello" }));
    CHECK_I64(line.cells[COLUMN_TZ_DBID].integer, 5);
    CHECK_I64(line.cells[COLUMN_DAILY_FROM].integer, 28800);
    CHECK_I64(line.cells[COLUMN_DAILY_TILL].integer, 73800);
    CHECK_I64(line.cells[COLUMN_RECORD_TYPE].integer, RECORD_TYPE_GENERAL);
    CHECK_I64(line.cells[COLUMN_RECORD_STATUS].integer, RECORD_STATUS_READY);
    CHECK_I64(line.cells[COLUMN_CALL_RESULT].integer, CALL_RESULT_UNKNOWN);
    CHECK_TEXT(line.chain_key, "k1");
    CHECK_TEXT(line.cells[COLUMN_NOTE].text, "hello");
}

TEST(a_bad_line_names_its_field)
{
    CHECK(read_line((const char *const[]){ "", "4", "CET", "0", "1", "", "" }));
    CHECK_TEXT(text_of(fault.field), "contact_info");
    CHECK(read_line((const char *const[]){ "1", "12", "CET", "0", "1", "", "" }));
    CHECK_TEXT(text_of(fault.field), "contact_info_type");
    CHECK(read_line((const char *const[]){ "1", "4", "Mars", "0", "1", "", "" }));
    CHECK_TEXT(text_of(fault.field), "tz_name");
    CHECK(read_line((const char *const[]){ "1", "4", "CET", "86401", "1", "", "" }));
    CHECK_TEXT(text_of(fault.field), "daily_from");
    CHECK(read_line((const char *const[]){ "1", "4", "CET", "0", "25:00", "", "" }));
    CHECK_TEXT(text_of(fault.field), "daily_till");
    CHECK(read_line((const char *const[]){ "1", "4", "CET", "0", "1", "", "longer" }));
    CHECK_TEXT(text_of(fault.field), "note");
    CHECK(read_line((const char *const[]){ "1", "x", "CET", "0", "1", "", "" }));
    CHECK_TEXT(text_of(fault.field), "contact_info_type");
    CHECK(read_line((const char *const[]){ "\xff", "1", "CET", "0", "1", "", "" }));
    CHECK_TEXT(text_of(fault.field), "contact_info");
}

TEST(five_characters_fit_whatever_their_bytes)
{
    CHECK_OK(read_line((const char *const[]){ "1", "4", "CET", "0", "1", "",
                                              "\xD0\x96\xD0\x96\xD0\x96\xD0\x96\xD0\x96" }));
}

TEST(columns_must_be_known_once_and_not_ours)
{
    struct text unknown[] = { TEXT("contact_info"), TEXT("shoe_size") };
    CHECK_I64(import_map_make(&layout, unknown, 2, scope, &map, &fault), ERR_INVALID);
    struct text twice[] = { TEXT("contact_info"), TEXT("Contact_Info") };
    CHECK_I64(import_map_make(&layout, twice, 2, scope, &map, &fault), ERR_INVALID);
    struct text ours[] = { TEXT("contact_info"), TEXT("record_status") };
    CHECK_I64(import_map_make(&layout, ours, 2, scope, &map, &fault), ERR_INVALID);
    struct text none[] = { TEXT("tz_dbid") };
    CHECK_I64(import_map_make(&layout, none, 1, scope, &map, &fault), ERR_INVALID);
    scope_close(scope);
    scope = NULL;
}
