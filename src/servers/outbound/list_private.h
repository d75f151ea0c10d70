/* SPDX-License-Identifier: Apache-2.0 */
/* list_private.h - the inside of calling lists, for list.c, list_choose.c and list_write.c. */
#ifndef SERVERS_OUTBOUND_LIST_PRIVATE_H
#define SERVERS_OUTBOUND_LIST_PRIVATE_H

#include "servers/outbound/foreign_list.h"
#include "servers/outbound/list.h"

struct lists {
    struct app *app;
    struct store *store;
    struct access_points *access_points;
    struct table *tables;  /* by key */
    struct table *by_name; /* of calling lists, as configured at the last look */
    struct scope *lists_life;
    uint32_t app_dbid; /* of our Application object */
    /* Local times of all zones, for a query; good for one second and revision. */
    struct buf zones;
    uint64_t zones_utc_s, zones_rev;
};

#endif
