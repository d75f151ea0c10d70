/* SPDX-License-Identifier: Apache-2.0 */
/* reply.h - what the answers to requests on records have in common. */
#ifndef SERVERS_OUTBOUND_REPLY_H
#define SERVERS_OUTBOUND_REPLY_H

#include "servers/outbound/request.h"

/* A reply of `msg` with what every reply echoes: handle, campaign, list, reference
 * (spec 15.1, 15.3). */
void *reply_new(struct request *request, const struct msg *msg, const struct live_chain *live);
/* A reply of the request's own kind that echoes GSW_AGENT_ID, GSW_CAMPAIGN_NAME and the reference.
 */
void *reply_agent(struct request *request);
/* GSW_REFERENCE_ID, if given, is returned (spec 15.1). */
void reply_echo_reference(const struct request *request, const struct msg *msg, void *fields);
/* Every field with send_attribute, one without a value as an empty text, so that a desktop knows
 * what it may fill in (spec 15.2); in `scope`. */
struct kv reply_user_data(struct scope *scope, const struct list_layout *layout,
                          const struct record *record);
/* The pairs of a chain's primary record (spec 15.2), for PreviewRecord, ScheduledCall and
 * snapshots; views of the chain, the rest in `scope`. */
void preview_fill(struct outbound *server, struct scope *scope, const struct live_chain *live,
                  struct outbound_preview_record *out);
/* PreviewRecord of the chain's primary record; ends the request. */
void reply_preview(struct request *request, const struct live_chain *live);

#endif
