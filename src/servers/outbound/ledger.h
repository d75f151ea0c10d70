/* SPDX-License-Identifier: Apache-2.0 */
/* ledger.h - the ledger of what was posted, for the console and the command line (design 6): lists
 * it, shows one message whole, sends messages again with the same id and bytes.
 * Pages    from the latest on, walked in spans of rows, so that a filter which finds little in a
 *          million rows holds up nobody who reads beside it. */
#ifndef SERVERS_OUTBOUND_LEDGER_H
#define SERVERS_OUTBOUND_LEDGER_H

#include "servers/outbound/request.h"

/* NotificationList, NotificationGet, NotificationReplay (schema/messages/outbound_console.toml). */
void ledger_list(struct request *request);
void ledger_get(struct request *request);
void ledger_replay(struct request *request);

/* Messages about one chain, the latest first, in the request's memory. */
void ledger_of_chain(struct request *request, uint32_t list_dbid, int64_t chain_id,
                     void (*on_rows)(void *self, struct outbound_notification_row *rows,
                                     uint32_t count),
                     void *self);

#endif
