/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/import_row.h"

#include "model/call_result.h"

#include <stdio.h>
#include <string.h>

enum { SECONDS_PER_DAY = 86400, DIGITS_OF_I64_MAX = 18 };

static const uint32_t fixed_columns[SLOTS_FIXED] = {
    [SLOT_RECORD_ID] = COLUMN_RECORD_ID,
    [SLOT_CHAIN_ID] = COLUMN_CHAIN_ID,
    [SLOT_CHAIN_N] = COLUMN_CHAIN_N,
    [SLOT_RECORD_TYPE] = COLUMN_RECORD_TYPE,
    [SLOT_RECORD_STATUS] = COLUMN_RECORD_STATUS,
    [SLOT_CALL_RESULT] = COLUMN_CALL_RESULT,
    [SLOT_ATTEMPT] = COLUMN_ATTEMPT,
    [SLOT_CONTACT_INFO] = COLUMN_CONTACT_INFO,
    [SLOT_CONTACT_INFO_TYPE] = COLUMN_CONTACT_INFO_TYPE,
    [SLOT_TZ_DBID] = COLUMN_TZ_DBID,
    [SLOT_DAILY_FROM] = COLUMN_DAILY_FROM,
    [SLOT_DAILY_TILL] = COLUMN_DAILY_TILL,
};

/* --- the map --- */

/* What only we give out. */
static bool is_ours(uint32_t column)
{
    return column == COLUMN_RECORD_ID || column == COLUMN_CHAIN_N ||
           column == COLUMN_RECORD_STATUS || column == COLUMN_APP_ID ||
           column == COLUMN_CAMPAIGN_ID || column == COLUMN_GROUP_ID;
}

struct map_maker {
    const struct list_layout *layout;
    uint32_t *columns; /* by slot */
    bool *is_given;    /* by slot; behind them chain key and zone name */
    uint32_t slot_count;
    uint32_t key_given, zone_given;
};

static uint32_t slot_of_column(struct map_maker *maker, uint32_t column)
{
    for (uint32_t slot = 0; slot < maker->slot_count; slot++)
        if (maker->columns[slot] == column) return slot;
    maker->columns[maker->slot_count] = column;
    return maker->slot_count++;
}

static enum err find_slot(struct map_maker *maker, struct text name, uint32_t *slot,
                          struct fault *fault)
{
    bool is_again;
    if (text_eq_fold(name, TEXT("chain_key")) || text_eq_fold(name, TEXT("chain_id"))) {
        *slot = SLOT_CHAIN_KEY;
        is_again = maker->key_given++ > 0;
    } else if (text_eq_fold(name, TEXT("tz_name"))) {
        *slot = SLOT_ZONE_NAME;
        is_again = maker->zone_given++ > 0;
    } else {
        uint32_t column = layout_find_column(maker->layout, name);
        if (column == UINT32_MAX) column = layout_find_attribute(maker->layout, name);
        if (column == UINT32_MAX)
            return fault_set(fault, ERR_INVALID, "columns", "the list has no column %.*s",
                             TEXT_ARG(name));
        if (is_ours(column))
            return fault_set(fault, ERR_INVALID, "columns", "%.*s is given out by outbound",
                             TEXT_ARG(name));
        *slot = slot_of_column(maker, column);
        is_again = maker->is_given[*slot];
        maker->is_given[*slot] = true;
    }
    if (is_again)
        return fault_set(fault, ERR_INVALID, "columns", "%.*s is there twice", TEXT_ARG(name));
    return ERR_OK;
}

static enum err read_cell(const struct import_map *map, uint32_t slot, struct text cell,
                          struct value *values, struct text *chain_key, struct fault *fault);

static enum err take_constants(struct import_map *map, struct map_maker *maker,
                               const struct import_constant *constants, uint32_t count,
                               struct scope *owner, struct fault *fault)
{
    for (uint32_t i = 0; i < count; i++) {
        uint32_t slot = 0;
        enum err err = find_slot(maker, constants[i].column, &slot, fault);
        if (err) return err;
        if (slot == SLOT_CHAIN_KEY)
            return fault_set(fault, ERR_INVALID, "constants",
                             "one chain_key for all rows would make one chain of them");
        struct text ignored, kept = scope_keep(owner, text_trim(constants[i].value));
        err = read_cell(map, slot, kept, map->usual, &ignored, fault);
        if (err) return err;
    }
    return ERR_OK;
}

static void set_usual(struct value *usual)
{
    usual[SLOT_RECORD_TYPE] = value_of_i64(RECORD_TYPE_GENERAL);
    usual[SLOT_RECORD_STATUS] = value_of_i64(RECORD_STATUS_READY);
    usual[SLOT_CALL_RESULT] = value_of_i64(CALL_RESULT_UNKNOWN);
    usual[SLOT_ATTEMPT] = value_of_i64(0);
}

enum err import_map_make(const struct list_layout *layout, const struct text *columns,
                         uint32_t count, const struct import_constant *constants,
                         uint32_t constant_count, struct import_zones zones, struct scope *owner,
                         struct import_map *out, struct fault *fault)
{
    uint32_t room = SLOTS_FIXED + count + constant_count;
    uint32_t *slots = scope_alloc_array(owner, count + 1, sizeof *slots);
    struct map_maker maker = {
        .layout = layout,
        .columns = scope_alloc_array(owner, room, sizeof *maker.columns),
        .is_given = scope_alloc_array(owner, room, sizeof *maker.is_given),
        .slot_count = SLOTS_FIXED,
    };
    memcpy(maker.columns, fixed_columns, sizeof fixed_columns);
    for (uint32_t i = 0; i < count; i++) {
        enum err err = find_slot(&maker, columns[i], &slots[i], fault);
        if (err) return err;
    }
    if (!maker.is_given[SLOT_CONTACT_INFO])
        return fault_set(fault, ERR_INVALID, "columns", "contact_info is missing");
    struct import_map map = {
        .layout = layout,
        .slots = slots,
        .cell_count = count,
        .columns = maker.columns,
        .usual = scope_alloc_array(owner, room, sizeof *map.usual),
        .zones = zones,
    };
    set_usual(map.usual);
    enum err err = take_constants(&map, &maker, constants, constant_count, owner, fault);
    if (err) return err;
    map.slot_count = maker.slot_count;
    *out = map;
    return ERR_OK;
}

void import_map_insert_sql(const struct import_map *map, struct buf *out)
{
    buf_format(out, "INSERT INTO %.*s (", TEXT_ARG(map->layout->table));
    for (uint32_t slot = 0; slot < map->slot_count; slot++)
        buf_format(out, "%s%.*s", slot ? ", " : "",
                   TEXT_ARG(map->layout->columns[map->columns[slot]].name));
    buf_add_z(out, ") VALUES (");
    for (uint32_t slot = 0; slot < map->slot_count; slot++)
        buf_format(out, "%s?%u", slot ? ", " : "", slot + 1);
    buf_add_byte(out, ')');
}

/* --- cells --- */

/* Bytes that are UTF-8 without a look at them: ASCII, and no NUL. */
static bool is_plain(struct text in)
{
    const uint64_t high = UINT64_C(0x8080808080808080), low = UINT64_C(0x0101010101010101);
    size_t i = 0;
    for (; i + 8 <= in.len; i += 8) {
        uint64_t word;
        memcpy(&word, in.at + i, 8);
        if ((word | (word - low)) & high) return false;
    }
    for (; i < in.len; i++)
        if (in.at[i] <= 0) return false;
    return true;
}

/* Up to 18 digits; what else a number may be is value_for_column()'s. */
static bool read_short_number(struct text in, int64_t *out)
{
    int64_t value = 0;
    if (in.len == 0 || in.len > DIGITS_OF_I64_MAX) return false;
    for (size_t i = 0; i < in.len; i++) {
        if (in.at[i] < '0' || in.at[i] > '9') return false;
        value = value * 10 + (in.at[i] - '0');
    }
    *out = value;
    return true;
}

/* Seconds after midnight, or hh:mm. */
static enum err time_of_day(struct text in, struct value *out)
{
    struct text hours, minutes;
    uint32_t hour, minute, seconds;
    if (text_cut(in, ':', &hours, &minutes)) {
        if (text_to_u32(hours, 0, 24, &hour) || text_to_u32(minutes, 0, 59, &minute))
            return ERR_INVALID;
        seconds = hour * 3600 + minute * 60;
    } else if (text_to_u32(in, 0, SECONDS_PER_DAY, &seconds)) {
        return ERR_INVALID;
    }
    if (seconds > SECONDS_PER_DAY) return ERR_INVALID;
    *out = value_of_i64(seconds);
    return ERR_OK;
}

/* A number of the trade, or its name. */
static enum err read_named(const struct named_numbers *names, struct text cell, const char *field,
                           struct value *out, struct fault *fault)
{
    int64_t digits;
    uint32_t number = UINT32_MAX;
    if (read_short_number(cell, &digits) && digits < names->count)
        number = (uint32_t)digits; /* they are numbered from 0 */
    else if (named_number_find(names, cell, &number) || number >= names->count)
        return fault_set(fault, ERR_INVALID, field, "must be 0 to %u, or one of their names",
                         names->at[names->count - 1].number);
    *out = value_of_i64(number);
    return ERR_OK;
}

static enum err check_range(const struct import_map *map, uint32_t slot, const struct value *value,
                            struct fault *fault)
{
    bool is_bound = map->columns[slot] < COLUMNS_MANDATORY && value->kind == VALUE_INTEGER;
    if (!is_bound ||
        (value->integer <= RECORD_INTEGER_MAX && value->integer >= -RECORD_INTEGER_MAX - 1))
        return ERR_OK;
    const struct column_layout *column = &map->layout->columns[map->columns[slot]];
    (void)fault_set(fault, ERR_LIMIT, "", "must be at most %d", RECORD_INTEGER_MAX);
    if (fault) (void)snprintf(fault->field, sizeof fault->field, "%.*s", TEXT_ARG(column->name));
    return ERR_LIMIT;
}

static enum err read_column(const struct import_map *map, uint32_t slot, struct text cell,
                            struct value *out, struct fault *fault)
{
    const struct column_layout *column = &map->layout->columns[map->columns[slot]];
    size_t fits = column->len_max && column->len_max < USER_VALUE_BYTES_MAX ? column->len_max
                                                                            : USER_VALUE_BYTES_MAX;
    int64_t number;
    if (column->is_text && cell.len <= fits && is_plain(cell)) {
        *out = value_of_text(cell);
        return ERR_OK;
    }
    if (!column->is_text && read_short_number(cell, &number)) {
        *out = value_of_i64(number);
        return check_range(map, slot, out, fault);
    }
    struct value value = value_of_text(cell);
    enum err err = value_for_column(NULL, column, &value, out, fault);
    return err ? err : check_range(map, slot, out, fault);
}

static enum err read_cell(const struct import_map *map, uint32_t slot, struct text cell,
                          struct value *values, struct text *chain_key, struct fault *fault)
{
    uint32_t dbid;
    if (slot == SLOT_CHAIN_KEY) {
        *chain_key = cell;
        return ERR_OK;
    }
    if (cell.len == 0) return ERR_OK; /* the usual value stays */
    switch (slot) {
    case SLOT_ZONE_NAME:
        if (map->zones.find(map->zones.self, cell, &dbid, fault)) return fault->err;
        values[SLOT_TZ_DBID] = value_of_i64(dbid);
        return ERR_OK;
    case SLOT_DAILY_FROM:
    case SLOT_DAILY_TILL:
        if (time_of_day(cell, &values[slot]))
            return fault_set(fault, ERR_INVALID,
                             slot == SLOT_DAILY_FROM ? "daily_from" : "daily_till",
                             "must be seconds after midnight or hh:mm");
        return ERR_OK;
    case SLOT_RECORD_TYPE:
        return read_named(&RECORD_TYPES, cell, "record_type", &values[slot], fault);
    case SLOT_CONTACT_INFO_TYPE:
        return read_named(&CONTACT_INFO_TYPES, cell, "contact_info_type", &values[slot], fault);
    default: return read_column(map, slot, cell, &values[slot], fault);
    }
}

enum err import_row_read(const struct import_map *map, const struct text *cells,
                         struct value *values, struct text *chain_key, struct fault *fault)
{
    memcpy(values, map->usual, map->slot_count * sizeof *values);
    *chain_key = TEXT("");
    for (uint32_t i = 0; i < map->cell_count; i++) {
        enum err err = read_cell(map, map->slots[i], text_trim(cells[i]), values, chain_key, fault);
        if (err) return err;
    }
    if (values[SLOT_CONTACT_INFO].kind != VALUE_TEXT)
        return fault_set(fault, ERR_INVALID, "contact_info", "must not be empty");
    if (values[SLOT_TZ_DBID].kind != VALUE_INTEGER)
        return fault_set(fault, ERR_INVALID, "tz_dbid",
                         "a time zone is needed: tz_dbid or tz_name");
    if (values[SLOT_DAILY_FROM].kind != VALUE_INTEGER ||
        values[SLOT_DAILY_TILL].kind != VALUE_INTEGER)
        return fault_set(fault, ERR_INVALID, "daily_from", "daily_from and daily_till are needed");
    return ERR_OK;
}
