/* SPDX-License-Identifier: Apache-2.0 */
/* session.h - campaign groups in memory: their life, their orders, what is fetched for them. Shell
 * around campaign.h; their chains are in buffer.h (waiting) and step.h (changing). */
#ifndef SERVERS_OUTBOUND_SESSION_H
#define SERVERS_OUTBOUND_SESSION_H

#include "servers/outbound/buffer.h"
#include "servers/outbound/request.h"
#include "servers/outbound/step.h"

/* The session of a group, made (state null) where there was none; NULL with `fault`: no such group.
 */
struct session *session_of(struct outbound *server, uint32_t group_dbid, struct fault *fault);
/* Back after a restart, with the state the store has. */
struct session *session_resume(struct outbound *server, uint32_t group_dbid,
                               enum session_state state, const struct dialing *dialing,
                               struct guid guid);
/* Lists and options of the group as configured now. */
void session_configure(struct session *session);

/* Another maxAttempts of a list: rows that have had as many are final (spec 3.2). */
void session_apply_bounds(struct session *session);

/* An order; `request` is answered with CampaignGroupAcknowledge, or waits for the order before it.
 */
void session_order(struct session *session, enum session_event event, const struct dialing *wanted,
                   struct request *request);

/* CampaignSetPriorities: of classes that `priorities` has above 0. */
void session_set_priorities(struct session *session, const uint32_t priorities[BUFFER_CLASSES],
                            struct request *request);

/* A chain as it comes back after a restart, with its agent. */
void session_add_in_progress(struct session *session, struct live_chain *live);
/* The store refused a part of unloading: try again in a second. */
void session_unload_later(struct session *session);
/* Forced: chains with agents become Stale. */
void session_force(struct session *session);
/* Fetch more when the buffer is below half. `now`: an agent waits. */
void session_refill(struct session *session, bool now);
void session_fetch_ended(struct session *session);
/* Look for what is due at the end of the turn, then as usual. */
void session_look_soon(struct session *session);
/* Records may be there again: do not wait for the end of the pause after an empty fetch. */
void session_wake(struct session *session, uint32_t list_dbid);
void sessions_wake(struct outbound *server, uint32_t list_dbid);
/* A search of the list took so long and found nothing: the next waits in proportion, so that a long
 * list out of its hours costs no core all night. */
void session_found_nothing(struct session *session, uint32_t list_dbid, uint64_t took_ms);

/* Chains in memory, whatever becomes of them. */
uint32_t session_chain_count(const struct session *session);

#endif
