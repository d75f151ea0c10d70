/* SPDX-License-Identifier: Apache-2.0 */
/* record_history.h - what happened to the records of a list, as a flat file of its own (spec
 * outbound 19, options dial_log_destination, dial_log_delimiter, dial_log_buffer): one line each
 * time that a record was given out, and one when its attempt ended.
 *   time (UTC, with milliseconds), event, campaign, campaign group, record id, chain id, chain n,
 *   record handle, attempt GUID, phone, record type, record status, call result, attempts,
 *   scheduled time (epoch seconds; 0: none), agent id
 * Hidden   as call_stats.h. A delimiter or line end inside a field becomes a blank. */
#ifndef SERVERS_OUTBOUND_RECORD_HISTORY_H
#define SERVERS_OUTBOUND_RECORD_HISTORY_H

#include "servers/outbound/step.h"

struct record_history;

struct record_history *record_history_new(struct outbound *server);
void record_history_configure(struct outbound *server); /* options moved */
void record_history_flush(struct outbound *server);     /* at the stop */
/* A step that is durable and applied. */
void record_history_add(const struct chain_step *step);

#endif
