/* SPDX-License-Identifier: Apache-2.0 */
/* ending.h - records that come to their end by a word from outside: DoNotCall and
 * RequestRecordCancel, by handle, by number or by customer (spec outbound 10, 15.3), and what the
 * Do-Not-Call list keeps back before it is given out.
 * Promise  one commit for all of it: the entry of the Do-Not-Call list, rows of the tables, chains
 *          in memory, their notifications and explain lines; the answer comes when it is durable.
 */
#ifndef SERVERS_OUTBOUND_ENDING_H
#define SERVERS_OUTBOUND_ENDING_H

#include "servers/outbound/dnc_table.h"
#include "servers/outbound/request.h"

void do_not_call(struct request *request);
void request_record_cancel(struct request *request);

/* A row found blocked when it was to be retrieved: final in the table, and said why. */
void ending_add_blocked(const struct session *session, const struct calling_list *list,
                        const struct record *record, enum dnc_verdict verdict,
                        struct change *change);
/* A chain that waits, right before it is given out: true where it must not be. Its primary record
 * is blocked: the chain leaves, and its siblings go back to the list; or the Do-Not-Call list is
 * not in memory yet: it waits on. */
bool ending_block_waiting(struct live_chain *live, const struct calling_list *list);
/* A chain that is back with its agent after its list was away: DoNotCall by number or customer
 * found no row of it meanwhile, and is carried out now. Tried again while the store refuses. */
void ending_block_returned(struct live_chain *live);

#endif
