/* SPDX-License-Identifier: Apache-2.0 */
/* lookup.h - rows of a calling list by number or by customer, in a list of a million rows at once.
 * How      beside the list's table lies one of ours, ordered by the column's value; triggers keep
 *          it true. It is made when the first request needs it: the list is read page by page,
 *          sorted in memory (some 50 bytes a row, for as long as it takes) and written in slices of
 *          a few milliseconds, so that no commit waits long; the request waits until it is whole.
 * Why      not an index of SQLite: to make one over a million rows holds the writer for seconds,
 *          and lists that nobody asks by number need none. docs/decisions/0018-dnc.md
 * Foreign  a customer's own table is asked as it is: its indexes are the customer's. */
#ifndef SERVERS_OUTBOUND_LOOKUP_H
#define SERVERS_OUTBOUND_LOOKUP_H

#include "servers/outbound/outbound.h"

enum { LOOKUP_VALUES_MAX = 3, LOOKUP_ROWS_MAX = 1000 };

/* chain_id, chain_n, record_status of the rows whose `column` is one of the values, at most
 * LOOKUP_ROWS_MAX, in chain order. The table has to be open. The answer comes in a later turn. */
void lookup_find(struct outbound *server, struct list_table *table, uint32_t column,
                 const struct text *values, uint32_t count,
                 void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);

#endif
