/* SPDX-License-Identifier: Apache-2.0 */
/* reactions.h - carries out what scripts of type AlarmReaction say (framework 9), through the
 * outbox: the effect is written in the change that moves the alarm, and happens after its commit,
 * again after a crash, with one id and the same bytes: at least once. What was given up stays
 * *failed* in the outbox.
 * Webhooks  Standard Webhooks: webhook-id, webhook-timestamp, and webhook-signature with a secret.
 * E-mail    through the SMTP server of [alarms] smtp-server (io/mail).
 * Programs  of [alarms] command-folder alone, without a shell (command.h).
 * Orders    by the road of every order: order_application(), solution_order().
 * Thread    the loop's. */
#ifndef SERVERS_CONTROL_REACTIONS_H
#define SERVERS_CONTROL_REACTIONS_H

#include "servers/control/server.h"

struct reactions;
struct reaction_ids; /* of effects that one change holds */

struct reactions *reactions_open(struct control_server *server);
/* Warn about scripts that cannot be read. */
void reactions_configure(struct reactions *reactions);
/* Add what the scripts (keys "NAME/AlarmReaction") say of the alarm; their ids go into `*ids`, in
 * `scope`. */
void reactions_add(struct reactions *reactions, struct change *change, const struct text *scripts,
                   uint32_t count, const struct control_alarm_state *alarm, struct scope *scope,
                   struct reaction_ids **ids);
/* The change is durable: they happen soon. */
void reactions_committed(struct reactions *reactions, const struct reaction_ids *ids);
void reactions_flush(struct reactions *reactions); /* before an orderly stop */
void reactions_count(const struct reactions *reactions, struct control_counters *out);

#endif
