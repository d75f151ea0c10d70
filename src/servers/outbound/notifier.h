/* SPDX-License-Identifier: Apache-2.0 */
/* notifier.h - sends what the outbox holds (spec outbound 12): the row is written in the change
 * that ends the round, the POST leaves after its commit, and again after a crash, with the same
 * bytes. */
#ifndef SERVERS_OUTBOUND_NOTIFIER_H
#define SERVERS_OUTBOUND_NOTIFIER_H

#include "servers/outbound/outbound.h"
#include "store/outbox.h"

struct notifier *notifier_new(struct outbound *server);
/* Options moved: pool size, custom headers. */
void notifier_configure(struct notifier *notifier, struct text host_headers);
/* Add the contact-processed notification of a chain's outcome to its change. `primary` are the
 * cells of the primary record as the change leaves them. */
void notifier_add(struct notifier *notifier, struct change *change, const struct live_chain *live,
                  const struct chain_outcome *outcome, const struct value *primary,
                  struct text disposition_code, const struct guid *message_guid);
void notifier_committed(struct notifier *notifier, const struct guid *message_guid);
/* The ledger is at its limit: no new work may begin (design 5, overload). The first to hear it
 * raises the alarm. */
bool notifier_is_full(struct notifier *notifier);
struct outbox_counters notifier_counters(const struct notifier *notifier);

#endif
