/* SPDX-License-Identifier: Apache-2.0 */
/* import_row.h - a line of a file as a row of a calling list: which cell goes where, and the rules
 * a line may break. Pure; zones are looked up through the caller. */
#ifndef SERVERS_OUTBOUND_IMPORT_ROW_H
#define SERVERS_OUTBOUND_IMPORT_ROW_H

#include "servers/outbound/record.h"

/* What every row of an import writes, first in its values; the file's other columns follow. */
enum import_slot {
    SLOT_RECORD_ID,
    SLOT_CHAIN_ID,
    SLOT_CHAIN_N,
    SLOT_RECORD_TYPE,
    SLOT_RECORD_STATUS,
    SLOT_CALL_RESULT,
    SLOT_ATTEMPT,
    SLOT_CONTACT_INFO,
    SLOT_CONTACT_INFO_TYPE,
    SLOT_TZ_DBID,
    SLOT_DAILY_FROM,
    SLOT_DAILY_TILL,
    SLOTS_FIXED,
    SLOT_CHAIN_KEY = 10000, /* of a cell that is no column's */
    SLOT_ZONE_NAME,
};

/* Zones by name: "CET", "Europe/Berlin", or several that are possible, joined by '&'. The fault
 * says the rule where there is none or too many. */
struct import_zones {
    enum err (*find)(void *self, struct text name, uint32_t *dbid, struct fault *fault);
    void *self;
};

struct import_map {
    const struct list_layout *layout;
    const uint32_t *slots; /* by cell of a row */
    uint32_t cell_count;
    const uint32_t *columns; /* of the layout, by slot */
    struct value *usual;     /* by slot: defaults of spec 2.1, and the import's constants */
    uint32_t slot_count;
    struct import_zones zones;
};

struct import_constant {
    struct text column, value;
};

/* "contact_info", "Other1" (column or send_attribute), "chain_key" (also chain_id), "tz_name".
 * ERR_INVALID names the column that the list does not have, that may not be given, or that is there
 * twice, and the constant that breaks a rule. The layout must outlive the map. */
enum err import_map_make(const struct list_layout *layout, const struct text *columns,
                         uint32_t count, const struct import_constant *constants,
                         uint32_t constant_count, struct import_zones zones, struct scope *owner,
                         struct import_map *out, struct fault *fault);

/* Fill `values` (map->slot_count of them, views into the cells) and the chain's key from the cells
 * of a line; an empty key: a chain of its own. The fault names column and rule. */
enum err import_row_read(const struct import_map *map, const struct text *cells,
                         struct value *values, struct text *chain_key, struct fault *fault);

/* "INSERT INTO list (...) VALUES (?1, ...)" of map->slot_count parameters. */
void import_map_insert_sql(const struct import_map *map, struct buf *out);

#endif
