/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/import_row.h"
#include "tests/unit/test.h"

enum { COLUMN_NOTE = COLUMNS_MANDATORY, COLUMN_COUNT };

static struct column_layout columns[COLUMN_COUNT];
static struct list_layout layout = { { "t", 1 }, columns, COLUMN_COUNT };
static struct scope *scope;
static struct import_map map;
static struct fault fault;
enum { VALUES_MAX = 32, SLOT_NOTE = SLOTS_FIXED };
static struct value values[VALUES_MAX];
static struct text chain_key;

static enum err find_zone(void *self, struct text name, uint32_t *dbid, struct fault *why)
{
    (void)self;
    *dbid = 5;
    return text_eq(name, TEXT("CET")) ? ERR_OK : fault_set(why, ERR_NOT_FOUND, "tz_name", "none");
}

static const struct import_zones zones = { find_zone, NULL };

static enum err make(const struct text *names, uint32_t count,
                     const struct import_constant *constants, uint32_t constant_count)
{
    fault = (struct fault){ 0 };
    return import_map_make(&layout, names, count, constants, constant_count, zones, scope, &map,
                           &fault);
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
    CHECK_OK(make(header, HEADER, NULL, 0));
    struct text texts[HEADER];
    for (int i = 0; i < HEADER; i++) texts[i] = text_of(cells[i]);
    fault = (struct fault){ 0 };
    CHECK(map.slot_count <= VALUES_MAX);
    return import_row_read(&map, texts, values, &chain_key, &fault);
}

TEST(a_good_line_becomes_a_row_with_the_defaults)
{
    CHECK_OK(read_line(
        (const char *const[]){ "15550100", "4", "CET", "28800", "20:30", "k1", "hello" }));
    CHECK_I64(values[SLOT_TZ_DBID].integer, 5);
    CHECK_I64(values[SLOT_DAILY_FROM].integer, 28800);
    CHECK_I64(values[SLOT_DAILY_TILL].integer, 73800);
    CHECK_I64(values[SLOT_RECORD_TYPE].integer, RECORD_TYPE_GENERAL);
    CHECK_I64(values[SLOT_RECORD_STATUS].integer, RECORD_STATUS_READY);
    CHECK_I64(values[SLOT_CALL_RESULT].integer, CALL_RESULT_UNKNOWN);
    CHECK_TEXT(chain_key, "k1");
    CHECK_TEXT(values[SLOT_NOTE].text, "hello");
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

TEST(types_are_numbers_or_their_names)
{
    CHECK_OK(read_line((const char *const[]){ "1", "Mobile", "CET", "0", "1", "", "" }));
    CHECK_I64(values[SLOT_CONTACT_INFO_TYPE].integer, 4);
    CHECK_OK(read_line((const char *const[]){ "1", "home phone", "CET", "0", "1", "", "" }));
    CHECK_I64(values[SLOT_CONTACT_INFO_TYPE].integer, 1);
    CHECK_OK(read_line((const char *const[]){ "1", "", "CET", "0", "1", "", "" }));
    CHECK(values[SLOT_CONTACT_INFO_TYPE].kind == VALUE_NULL);
    CHECK(read_line((const char *const[]){ "1", "Mobil", "CET", "0", "1", "", "" }));
    CHECK(read_line((const char *const[]){ "1", "-1", "CET", "0", "1", "", "" }));
    CHECK(read_line((const char *const[]){ "1", "4294967300", "CET", "0", "1", "", "" }));
    struct text types[] = { TEXT("contact_info"), TEXT("record_type"), TEXT("tz_dbid") };
    CHECK_OK(make(types, 3, NULL, 0));
    struct text cells[] = { TEXT("1"), TEXT("Campaign CallBack"), TEXT("7") };
    CHECK(import_row_read(&map, cells, values, &chain_key, &fault)); /* no hours */
    CHECK_I64(values[SLOT_RECORD_TYPE].integer, RECORD_TYPE_CAMPAIGN_CALLBACK);
    CHECK_I64(values[SLOT_TZ_DBID].integer, 7);
}

TEST(constants_are_in_every_row_unless_a_cell_says_otherwise)
{
    struct text names[] = { TEXT("contact_info"), TEXT("Note") };
    struct import_constant constants[] = { { TEXT("daily_from"), TEXT("08:00") },
                                           { TEXT("daily_till"), TEXT("3600") },
                                           { TEXT("tz_name"), TEXT("CET") } };
    CHECK_OK(make(names, 2, constants, 3));
    struct text cells[] = { TEXT(" 15550100 "), TEXT("") };
    CHECK_OK(import_row_read(&map, cells, values, &chain_key, &fault));
    CHECK_TEXT(values[SLOT_CONTACT_INFO].text, "15550100");
    CHECK_I64(values[SLOT_DAILY_FROM].integer, 28800);
    CHECK_I64(values[SLOT_DAILY_TILL].integer, 3600);
    CHECK_I64(values[SLOT_TZ_DBID].integer, 5);
    struct import_constant twice = { TEXT("note"), TEXT("x") },
                           bad = { TEXT("tz_name"), TEXT("Mars") },
                           chain = { TEXT("chain_key"), TEXT("k") };
    CHECK_I64(make(names, 2, &twice, 1), ERR_INVALID);
    CHECK(make(names, 2, &bad, 1));
    CHECK_I64(make(names, 2, &chain, 1), ERR_INVALID);
}

TEST(the_statement_writes_what_the_file_gives_and_what_every_row_has)
{
    struct text names[] = { TEXT("Note"), TEXT("contact_info") };
    struct buf sql = { 0 };
    CHECK_OK(make(names, 2, NULL, 0));
    import_map_insert_sql(&map, &sql);
    CHECK_TEXT(buf_text(&sql),
               "INSERT INTO t (record_id, chain_id, chain_n, record_type, record_status, "
               "call_result, attempt, contact_info, contact_info_type, tz_dbid, daily_from, "
               "daily_till, note) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13)");
    buf_free(&sql);
}

TEST(columns_must_be_known_once_and_not_ours)
{
    struct text unknown[] = { TEXT("contact_info"), TEXT("shoe_size") };
    CHECK_I64(make(unknown, 2, NULL, 0), ERR_INVALID);
    struct text twice[] = { TEXT("contact_info"), TEXT("Contact_Info") };
    CHECK_I64(make(twice, 2, NULL, 0), ERR_INVALID);
    struct text ours[] = { TEXT("contact_info"), TEXT("record_status") };
    CHECK_I64(make(ours, 2, NULL, 0), ERR_INVALID);
    struct text none[] = { TEXT("tz_dbid") };
    CHECK_I64(make(none, 1, NULL, 0), ERR_INVALID);
    scope_close(scope);
    scope = NULL;
}

TEST(a_number_that_a_database_cannot_hold_names_its_column)
{
    static const struct text names[] = { { "contact_info", 12 },
                                         { "tz_dbid", 7 },
                                         { "daily_from", 10 },
                                         { "daily_till", 10 },
                                         { "call_time", 9 } };
    struct text cells[] = { TEXT("1"), TEXT("5"), TEXT("0"), TEXT("1"), TEXT("2147483647") };
    scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    CHECK_OK(make(names, 5, NULL, 0));
    CHECK_OK(import_row_read(&map, cells, values, &chain_key, &fault));
    cells[4] = TEXT("2147483648");
    CHECK_I64(import_row_read(&map, cells, values, &chain_key, &fault), ERR_LIMIT);
    CHECK_TEXT(text_of(fault.field), "call_time");
    CHECK_TEXT(text_of(fault.words), "must be at most 2147483647");
    scope_close(scope);
    scope = NULL;
}
