/* SPDX-License-Identifier: Apache-2.0 */
/* agent.h - an agent's life at her desktop (spec outbound 6, 10, 15.3): when she takes previews,
 * for how long she is busy, what she has, and that she leaves. */
#ifndef SERVERS_OUTBOUND_AGENT_H
#define SERVERS_OUTBOUND_AGENT_H

#include "servers/outbound/request.h"

struct agents;

/* Reads who takes previews; blocks, for start-up. */
enum err agents_new(struct outbound *server, struct agents **out, struct fault *fault);

/* Between PreviewDialingModeStart and PreviewDialingModeOver for the group. */
bool agent_takes_previews(const struct outbound *server, struct text agent_id, uint32_t group_dbid);
/* A call-back may be shown to her now: she has a desktop, no record in progress, and the time she
 * said she needs (ReadyTime) is over. */
bool agent_may_be_called(const struct outbound *server, struct text agent_id);
/* Chains with her, of one session or (NULL) of all, those whose calling list is away among them. */
uint32_t agent_chain_count(const struct outbound *server, const struct session *session,
                           struct text agent_id);

void preview_dialing_mode_start(struct request *request);
void preview_dialing_mode_over(struct request *request);
void ready_time(struct request *request);
void agent_logout(struct request *request);
void desktop_snapshot(struct request *request);

#endif
