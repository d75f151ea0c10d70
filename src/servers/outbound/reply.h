/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h - what the answers to requests on records have in common. */
#ifndef SERVERS_OUTBOUND_REPLY_H
#define SERVERS_OUTBOUND_REPLY_H

#include "servers/outbound/request.h"

/* A reply of `msg` with what every reply echoes: handle, campaign, list, reference
 * (spec 15.1, 15.3). */
void *reply_new(struct request *request, const struct msg *msg, const struct live_chain *live);
/* Fields with send_attribute that have a value; in the request's memory. */
struct kv reply_user_data(struct request *request, const struct list_layout *layout,
                          const struct record *record);
/* PreviewRecord of the chain's primary record; ends the request. */
void reply_preview(struct request *request, const struct live_chain *live);

#endif
