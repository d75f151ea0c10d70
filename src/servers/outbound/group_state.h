/* SPDX-License-Identifier: Apache-2.0 */
/* group_state.h - tells the customer's web server what campaign groups do (spec outbound 13.1): a
 * CampaignGroupState when one is loaded, started, stopped, unloaded or changes its mode, durable
 * with that change; and one each campaigngroup-states-interval while it is started, sent once and
 * kept nowhere, as the next one says all that it said. */
#ifndef SERVERS_OUTBOUND_GROUP_STATE_H
#define SERVERS_OUTBOUND_GROUP_STATE_H

#include "servers/outbound/outbound.h"

/* Add the message of an order's outcome to its change, where there is one to send; `message_guid`
 * is left empty where there is none. `session` is as it was before the order. */
void group_state_add(struct session *session, struct change *change,
                     const struct session_outcome *outcome, const struct guid *session_guid,
                     struct guid *message_guid);
/* The order is durable and applied. */
void group_state_committed(struct session *session, const struct guid *message_guid);
/* Begin or end the periodic messages, as state and options are now. */
void group_state_settle(struct session *session);

#endif
