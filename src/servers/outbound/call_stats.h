/* SPDX-License-Identifier: Apache-2.0 */
/* call_stats.h - the audit trail: one comma-separated line per finished processing attempt
 * (spec outbound 19, option log_call_stats). The column names of the reference are not published
 * (spec 22.7); ours, in this order:
 *   end, start (UTC, with milliseconds), campaign, campaign group, session GUID, calling list,
 *   record handle, record id, chain id, chain n, attempt GUID, phone, contact type, dial mode,
 *   call result, reason, disposition code, record type, record status, attempts, agent id
 * Hidden   phone and agent as the log filters of GSW_PHONE and GSW_AGENT_ID say.
 * Fields   with a comma, quote or line end stand in quotes, quotes doubled. */
#ifndef SERVERS_OUTBOUND_CALL_STATS_H
#define SERVERS_OUTBOUND_CALL_STATS_H

#include "servers/outbound/step.h"

struct call_stats;

struct call_stats *call_stats_new(struct outbound *server);
void call_stats_configure(struct outbound *server); /* options moved */
/* A step that is durable and applied; where it ended an attempt a line is written. */
void call_stats_add(const struct chain_step *step);

#endif
