/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/import_row.h"

#include <stdio.h>

enum { SECONDS_PER_DAY = 86400, CONTACT_TYPE_MAX = 11 };

static uint32_t target_of(const struct list_layout *layout, struct text name)
{
    if (text_eq_fold(name, TEXT("chain_key")) || text_eq_fold(name, TEXT("chain_id")))
        return IMPORT_CHAIN_KEY;
    if (text_eq_fold(name, TEXT("tz_name"))) return IMPORT_ZONE_NAME;
    uint32_t column = layout_find_column(layout, name);
    return column != UINT32_MAX ? column : layout_find_attribute(layout, name);
}

/* What only we give out. */
static bool is_ours(uint32_t target)
{
    return target == COLUMN_RECORD_ID || target == COLUMN_CHAIN_N ||
           target == COLUMN_RECORD_STATUS || target == COLUMN_APP_ID ||
           target == COLUMN_CAMPAIGN_ID || target == COLUMN_GROUP_ID;
}

enum err import_map_make(const struct list_layout *layout, const struct text *columns,
                         uint32_t count, struct scope *owner, struct import_map *out,
                         struct fault *fault)
{
    uint32_t *targets = scope_alloc_array(owner, count ? count : 1, sizeof *targets);
    bool has_contact = false;
    for (uint32_t i = 0; i < count; i++) {
        targets[i] = target_of(layout, columns[i]);
        if (targets[i] == UINT32_MAX)
            return fault_set(fault, ERR_INVALID, "columns", "the list has no column %.*s",
                             TEXT_ARG(columns[i]));
        if (is_ours(targets[i]))
            return fault_set(fault, ERR_INVALID, "columns", "%.*s is given out by outbound",
                             TEXT_ARG(columns[i]));
        for (uint32_t k = 0; k < i; k++)
            if (targets[k] == targets[i])
                return fault_set(fault, ERR_INVALID, "columns", "%.*s is there twice",
                                 TEXT_ARG(columns[i]));
        has_contact |= targets[i] == COLUMN_CONTACT_INFO;
    }
    if (!has_contact) return fault_set(fault, ERR_INVALID, "columns", "contact_info is missing");
    *out = (struct import_map){ targets, count };
    return ERR_OK;
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

struct zone_finder {
    bool (*find)(void *self, struct text name, uint32_t *dbid);
    void *self;
};

static enum err read_cell(const struct list_layout *layout, uint32_t target, struct text cell,
                          const struct zone_finder *zones, struct scope *owner,
                          struct import_line *line, struct fault *fault)
{
    uint32_t dbid;
    if (target == IMPORT_CHAIN_KEY) {
        line->chain_key = cell;
        return ERR_OK;
    }
    if (target == IMPORT_ZONE_NAME) {
        if (!zones->find(zones->self, cell, &dbid))
            return fault_set(fault, ERR_NOT_FOUND, "tz_name", "no such time zone is configured");
        line->cells[COLUMN_TZ_DBID] = value_of_i64(dbid);
        return ERR_OK;
    }
    if (target == COLUMN_DAILY_FROM || target == COLUMN_DAILY_TILL) {
        if (time_of_day(cell, &line->cells[target]))
            return fault_set(fault, ERR_INVALID,
                             target == COLUMN_DAILY_FROM ? "daily_from" : "daily_till",
                             "must be seconds after midnight or hh:mm");
        return ERR_OK;
    }
    if (cell.len == 0) return ERR_OK; /* the default stays */
    struct value value = value_of_text(cell);
    enum err err =
        value_for_column(owner, &layout->columns[target], &value, &line->cells[target], fault);
    return err;
}

enum err import_line_read(const struct list_layout *layout, const struct import_map *map,
                          const struct text *cells, uint32_t count,
                          bool (*find_zone)(void *self, struct text name, uint32_t *dbid),
                          void *self, struct scope *owner, struct import_line *out,
                          struct fault *fault)
{
    if (count != map->count)
        return fault_set(fault, ERR_INVALID, "line", "has %u cells, the header has %u", count,
                         map->count);
    struct zone_finder zones = { find_zone, self };
    *out = (struct import_line){ .cells = record_new_cells(owner, layout) };
    for (uint32_t i = 0; i < count; i++) {
        enum err err =
            read_cell(layout, map->targets[i], text_trim(cells[i]), &zones, owner, out, fault);
        if (err) return err;
    }
    if (out->cells[COLUMN_CONTACT_INFO].kind != VALUE_TEXT)
        return fault_set(fault, ERR_INVALID, "contact_info", "must not be empty");
    if (out->cells[COLUMN_TZ_DBID].kind != VALUE_INTEGER)
        return fault_set(fault, ERR_INVALID, "tz_dbid",
                         "a time zone is needed: tz_dbid or tz_name");
    const struct value *type = &out->cells[COLUMN_CONTACT_INFO_TYPE];
    if (type->kind == VALUE_INTEGER && (type->integer < 0 || type->integer > CONTACT_TYPE_MAX))
        return fault_set(fault, ERR_LIMIT, "contact_info_type", "must be 0 to %d",
                         CONTACT_TYPE_MAX);
    const struct value *from = &out->cells[COLUMN_DAILY_FROM],
                       *till = &out->cells[COLUMN_DAILY_TILL];
    if (from->kind != VALUE_INTEGER || till->kind != VALUE_INTEGER)
        return fault_set(fault, ERR_INVALID, "daily_from", "daily_from and daily_till are needed");
    return ERR_OK;
}
