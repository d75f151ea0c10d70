/* SPDX-License-Identifier: Apache-2.0 */
/* recovery.h - what a restart brings back (design 5, durable intents): sessions in their state with
 * their GUID, chains with their agents, handles and attempt GUIDs. Nothing else is needed: waiting
 * notifications are the outbox's, rows left Retrieved the list's. */
#ifndef SERVERS_OUTBOUND_RECOVERY_H
#define SERVERS_OUTBOUND_RECOVERY_H

#include "servers/outbound/outbound.h"

/* `on_done` comes in a later turn; until then nothing may be served. What belongs to a database
 * that does not answer within seconds is brought back after it, when the database does: its agent
 * sees it as waiting, and is told by RecordsReturned (decision 0033). */
enum err recovery_start(struct outbound *server, void (*on_done)(struct outbound *server),
                        struct fault *fault);

/* Rounds of the agent whose calling list is not open yet: hers, though no chain of theirs is in
 * memory. `only`: of that session; NULL: of all. */
uint32_t recovery_waiting_count(const struct outbound *server, const struct session *only,
                                struct text agent_id);
/* What is known of them, `limit` at most; returns how many. Texts live as long as `scope`. */
uint32_t recovery_fill_waiting(struct outbound *server, struct scope *scope, struct text agent_id,
                               struct outbound_preview_record *out, uint32_t limit);

#endif
