/* SPDX-License-Identifier: Apache-2.0 */
/* buffer.h - the chains of a campaign group that wait in memory: those that may be given out now,
 * in order of priority (spec outbound 4), and those that a treatment has put off (5.2, 9). */
#ifndef SERVERS_OUTBOUND_BUFFER_H
#define SERVERS_OUTBOUND_BUFFER_H

#include "servers/outbound/outbound.h"

/* Chains that treatments may hold in memory, of all groups (spec 20). */
enum { HELD_CHAINS_MAX = 100000 };

/* A session's own part: made and undone with it. */
void buffer_open(struct session *session);

/* A scheduled chain: put off when a treatment says so, else to be given out now. */
void buffer_add(struct live_chain *live);
/* Out of wherever it waits. */
void buffer_remove(struct live_chain *live);

/* A chain fetched and durable as retrieved: into the buffer, and to an agent who waits. */
void session_add_buffered(struct session *session, struct live_chain *live);
/* The first chain that may be given out to the agent now, her own personal ones before others,
 * taken out of the buffer; `list_dbid` 0: any list. What is out of its window goes back to the
 * list. NULL: none. */
struct live_chain *session_take(struct session *session, uint32_t list_dbid, struct text agent_id);
/* The chain may be given out now: in its window, not blocked. False: it was sent back to its list,
 * or ended, and is out of the buffer. */
bool buffer_may_give_out(struct live_chain *live);
/* The classes behind BUFFER_PERSONAL, higher priority first; equal ones as they stand. */
void session_order_classes(const struct session *session, enum buffer_class out[BUFFER_CLASSES]);
/* Configuration moved: chains that the present filters or lists would not have chosen go back. */
void session_drop_unchosen(struct session *session);
/* Give all that waits back to the lists: the session unloads. */
void session_return_buffer(struct session *session);
/* The same of what may be given out now: what is put off stays, here or in the store. */
void session_return_ready(struct session *session);

#endif
