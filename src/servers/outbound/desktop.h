/* SPDX-License-Identifier: Apache-2.0 */
/* desktop.h - carries out the requests of desktops and HTTP clients (spec outbound 14.3, 15.3). */
#ifndef SERVERS_OUTBOUND_DESKTOP_H
#define SERVERS_OUTBOUND_DESKTOP_H

#include "servers/outbound/request.h"

/* What carries out requests of this message; NULL: not offered. */
void (*desktop_find(const struct msg *msg))(struct request *request);
/* Whether `agent_id` names an enabled Person of the agent group of `names`. */
bool agent_is_of_group(struct outbound *server, const struct session_names *names,
                       struct text agent_id);

/* The campaign group of an order, by DBID, or by campaign and agent group as third parties name it
 * (spec 16); false: answered with an error. */
bool campaign_group_named(struct request *request, uint32_t group_dbid, struct text campaign,
                          struct text group, uint32_t *out);
/* Every message that is carried out, for edges that serve them all; NULL-ended. */
const struct msg *desktop_message(size_t index);

#endif
