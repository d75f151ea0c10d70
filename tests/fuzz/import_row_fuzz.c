/* SPDX-License-Identifier: Apache-2.0 */
/* import_row_fuzz.c - rows of an import, packed and read.
 * Packed and unpacked they are the same, and a cell becomes what value_for_column() makes of it,
 * whichever shorter way it goes. A first line that names the columns, then a row a line, cells by
 * commas. The same bytes are taken for packed rows, too. */
#include "tests/fuzz/fuzz.h"

#include "format/packed_rows.h"
#include "servers/outbound/import_row.h"

enum { CELLS_MAX = 16, USER_COLUMNS = 3, SLOTS_MAX = SLOTS_FIXED + CELLS_MAX, DAY_S = 86400 };

static enum err find_zone(void *self, struct text name, uint32_t *dbid, struct fault *fault)
{
    (void)self;
    *dbid = 5;
    return text_eq(name, TEXT("CET"))
               ? ERR_OK
               : fault_set(fault, ERR_NOT_FOUND, "tz_name", "there is no such zone");
}

static const struct list_layout *layout(void)
{
    static struct column_layout columns[COLUMNS_MANDATORY + USER_COLUMNS];
    static const struct list_layout all = { { "t", 1 }, columns, COLUMNS_MANDATORY + USER_COLUMNS };
    if (columns[0].name.len) return &all;
    for (int i = 0; i < COLUMNS_MANDATORY; i++) columns[i] = mandatory_columns()[i];
    columns[COLUMNS_MANDATORY] = (struct column_layout){
        .name = TEXT("note"), .is_text = true, .len_max = 5, .send_attribute = TEXT("Note")
    };
    columns[COLUMNS_MANDATORY + 1] = (struct column_layout){ .name = TEXT("amount") };
    columns[COLUMNS_MANDATORY + 2] =
        (struct column_layout){ .name = TEXT("factor"), .is_float = true };
    return &all;
}

static uint32_t split(struct text line, struct text cells[CELLS_MAX])
{
    uint32_t count = 0;
    while (count < CELLS_MAX && text_next_item(&line, ',', &cells[count])) count++;
    return count;
}

/* The long way leads to the same value. */
static void check_slot(const struct import_map *map, uint32_t slot, struct text cell,
                       const struct value *is)
{
    const struct column_layout *column = &map->layout->columns[map->columns[slot]];
    struct value wanted, in = value_of_text(text_trim(cell));
    bool has_own_rule = slot == SLOT_DAILY_FROM || slot == SLOT_DAILY_TILL ||
                        slot == SLOT_RECORD_TYPE || slot == SLOT_CONTACT_INFO_TYPE;
    if (in.text.len == 0 || has_own_rule) return;
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    FUZZ_CHECK(value_for_column(scope, column, &in, &wanted, NULL) == ERR_OK);
    FUZZ_CHECK(fuzz_same_value(is, &wanted));
    if (is->kind == VALUE_TEXT)
        FUZZ_CHECK(text_is_utf8(is->text) && is->text.len <= USER_VALUE_BYTES_MAX);
    if (is->kind == VALUE_INTEGER && map->columns[slot] < COLUMNS_MANDATORY)
        FUZZ_CHECK(is->integer <= RECORD_INTEGER_MAX && is->integer >= -RECORD_INTEGER_MAX - 1);
    scope_close(scope);
}

static void check_row(const struct import_map *map, const struct text *cells)
{
    struct value values[SLOTS_MAX];
    struct text key;
    struct fault fault = { 0 };
    enum err err = import_row_read(map, cells, values, &key, &fault);
    if (err) {
        fuzz_check_fault(err, &fault);
        FUZZ_CHECK(fault.field[0]);
        return;
    }
    FUZZ_CHECK(values[SLOT_CONTACT_INFO].kind == VALUE_TEXT &&
               values[SLOT_CONTACT_INFO].text.len > 0);
    FUZZ_CHECK(values[SLOT_DAILY_FROM].integer >= 0 && values[SLOT_DAILY_FROM].integer <= DAY_S);
    FUZZ_CHECK(values[SLOT_DAILY_TILL].integer >= 0 && values[SLOT_DAILY_TILL].integer <= DAY_S);
    for (uint32_t i = 0; i < map->cell_count; i++)
        if (map->slots[i] < map->slot_count)
            check_slot(map, map->slots[i], cells[i], &values[map->slots[i]]);
}

static void check_packing(const struct text *cells, uint32_t count, uint64_t line)
{
    struct buf packed = { 0 };
    struct text again[CELLS_MAX];
    uint64_t again_line;
    packed_rows_begin(&packed, line);
    for (uint32_t i = 0; i < count; i++) packed_rows_add(&packed, cells[i]);
    struct packed_rows rows = packed_rows_reader(buf_text(&packed));
    FUZZ_CHECK(packed_rows_next(&rows, &again_line, again, count) && again_line == line);
    for (uint32_t i = 0; i < count; i++) FUZZ_CHECK(text_eq(again[i], cells[i]));
    FUZZ_CHECK(!packed_rows_next(&rows, &again_line, again, count) && !rows.is_broken);
    buf_free(&packed);
}

static void check_packed(struct text in)
{
    struct text cells[CELLS_MAX];
    uint64_t line;
    for (uint32_t count = 0; count <= 3; count++) {
        struct packed_rows rows = packed_rows_reader(in);
        while (packed_rows_next(&rows, &line, cells, count))
            for (uint32_t i = 0; i < count; i++)
                FUZZ_CHECK(cells[i].len == 0 ||
                           (cells[i].at >= in.at && cells[i].at + cells[i].len <= in.at + in.len));
        FUZZ_CHECK(!packed_rows_next(&rows, &line, cells, count));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), line, columns[CELLS_MAX], cells[CELLS_MAX];
    struct scope *scope = scope_new(NULL, "fuzz", FUZZ_MEMORY_MAX);
    struct import_constant constant = { TEXT("daily_till"), TEXT("20:00") };
    struct import_zones zones = { find_zone, NULL };
    struct import_map map;
    struct fault fault = { 0 };
    check_packed(in);
    if (fuzz_line(&in, &line)) {
        uint32_t count = split(line, columns), number = 1;
        enum err err =
            import_map_make(layout(), columns, count, &constant, 1, zones, scope, &map, &fault);
        if (err) fuzz_check_fault(err, &fault);
        if (!err) FUZZ_CHECK(map.slot_count <= SLOTS_MAX && map.cell_count == count);
        while (!err && fuzz_line(&in, &line)) {
            if (split(line, cells) != count) continue;
            check_packing(cells, count, number++);
            check_row(&map, cells);
        }
    }
    scope_close(scope);
    return 0;
}
