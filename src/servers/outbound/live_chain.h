/* SPDX-License-Identifier: Apache-2.0 */
/* live_chain.h - a chain in memory as an object: made, renamed, kept small, closed. What it may do
 * is chain.h's; where it waits, buffer.h's. */
#ifndef SERVERS_OUTBOUND_LIVE_CHAIN_H
#define SERVERS_OUTBOUND_LIVE_CHAIN_H

#include "servers/outbound/outbound.h"

struct live_chain *live_chain_new(struct session *session, struct list_table *table,
                                  struct text list_name, uint32_t list_dbid, uint32_t record_count);
void live_chain_close(struct live_chain *live);
/* New handles for its records: each round has its own (decision 0008). */
void live_chain_number(struct live_chain *live);
/* Its handles are known to requests while it is with an agent. */
void live_chain_register(struct live_chain *live);
void live_chain_unregister(struct live_chain *live);
/* A chain that is changed for hours must not grow for hours: copy what is alive, drop the rest. Not
 * while a change is on its way, which may have views of it. */
void live_chain_compact(struct live_chain *live);

#endif
