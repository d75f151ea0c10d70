/* SPDX-License-Identifier: Apache-2.0 */
/* recovery.h - what a restart brings back (design 5, durable intents): sessions in their state with
 * their GUID, chains with their agents, handles and attempt GUIDs. Nothing else is needed: waiting
 * notifications are the outbox's, rows left Retrieved the list's. */
#ifndef SERVERS_OUTBOUND_RECOVERY_H
#define SERVERS_OUTBOUND_RECOVERY_H

#include "servers/outbound/outbound.h"

/* `on_done` comes in a later turn; until then nothing may be served. What belongs to a database
 * that does not answer within seconds is brought back after it, when the database does. */
enum err recovery_start(struct outbound *server, void (*on_done)(struct outbound *server),
                        struct fault *fault);

#endif
