/* SPDX-License-Identifier: Apache-2.0 */
/* list_page.h - a list looked through by people: pages of its rows, and counts by status. */
#ifndef SERVERS_OUTBOUND_LIST_PAGE_H
#define SERVERS_OUTBOUND_LIST_PAGE_H

#include "servers/outbound/outbound.h"

struct list_filter {
    struct text phone; /* empty: any */
    int64_t chain_id, status;
    bool has_chain_id, has_status;
    int64_t after_chain_id, after_chain_n; /* rows behind it; INT64_MIN: from the first */
};
/* Rows in the order of their key, columns in layout order. ERR_LIMIT: the store keeps no more
 * statements. The table is open. */
enum err list_load_page(struct list_table *table, const struct list_filter *filter, uint32_t limit,
                        void (*on_rows)(void *self, enum err err, const struct rows *rows),
                        void *self);

enum { LIST_STATUSES = 10 };
struct list_counts {
    uint64_t records, by_status[LIST_STATUSES]; /* other statuses are in `records` alone */
    uint64_t counted_utc_ms;
};
/* Counted now, or as they were at most `kept_ms` ago; opens the table where it is closed. */
void list_count(struct outbound *server, struct calling_list *list, uint64_t kept_ms,
                void (*on_counts)(void *self, const struct fault *fault,
                                  const struct list_counts *counts),
                void *self);

#endif
