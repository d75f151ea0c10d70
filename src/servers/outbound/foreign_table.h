/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_table.h - the inside of a table in a customer's database, for foreign_list.c and
 * foreign_open.c. */
#ifndef SERVERS_OUTBOUND_FOREIGN_TABLE_H
#define SERVERS_OUTBOUND_FOREIGN_TABLE_H

#include "servers/outbound/foreign_list.h"

/* One database. */
struct foreign_database {
    struct app *app;
    struct text name; /* of the Application */
    uint32_t dbid;
    struct foreign *foreign;
};

struct foreign_table {
    struct list_table *table;
    struct app *app;
    struct store *own;
    struct foreign_database *database;
    int64_t app_dbid;
    struct text insert, write, release_siblings, release;
    const struct statement *take, *take_sibling, *left, *recover, *free_siblings, *counters;
    /* While it opens */
    void (*opened)(struct list_table *table, enum list_table_state state);
    struct scope *opening;
    struct table *live; /* chain id -> itself: chains that are not left over */
    int64_t after_chain_id;
};

#endif
