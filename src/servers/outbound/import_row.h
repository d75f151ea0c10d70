/* SPDX-License-Identifier: Apache-2.0 */
/* import_row.h - a line of a file as a row of a calling list: which cell goes where, and the rules
 * a line may break. Pure; zones are looked up through the caller. */
#ifndef SERVERS_OUTBOUND_IMPORT_ROW_H
#define SERVERS_OUTBOUND_IMPORT_ROW_H

#include "servers/outbound/record.h"

/* Where a cell goes: a column of the layout, or one of these. */
enum { IMPORT_CHAIN_KEY = 10000, IMPORT_ZONE_NAME };

struct import_map {
    const uint32_t *targets;
    uint32_t count;
};

/* "contact_info", "Other1" (column or send_attribute), "chain_key" (also chain_id), "tz_name".
 * ERR_INVALID names the column that the list does not have, that may not be given, or that is there
 * twice. */
enum err import_map_make(const struct list_layout *layout, const struct text *columns,
                         uint32_t count, struct scope *owner, struct import_map *out,
                         struct fault *fault);

struct import_line {
    struct value *cells;   /* of the layout */
    struct text chain_key; /* empty: a chain of its own */
};

/* Fill `out` from the cells of a line. The fault names column and rule. */
enum err import_line_read(const struct list_layout *layout, const struct import_map *map,
                          const struct text *cells, uint32_t count,
                          bool (*find_zone)(void *self, struct text name, uint32_t *dbid),
                          void *self, struct scope *owner, struct import_line *out,
                          struct fault *fault);

#endif
