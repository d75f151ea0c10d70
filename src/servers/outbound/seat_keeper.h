/* SPDX-License-Identifier: Apache-2.0 */
/* seat_keeper.h - the shell around seat_book.h: the licence outbound_agent_seat (framework 13), how
 * many of its seats config granted, who sits on them, and what is told of it.
 * Promise  a request asks nobody: seats come as a block, ahead, and are asked for again in time.
 *          Without a pool, or while config has never been there, nobody is refused. */
#ifndef SERVERS_OUTBOUND_SEAT_KEEPER_H
#define SERVERS_OUTBOUND_SEAT_KEEPER_H

#include "servers/outbound/outbound.h"

#define SEAT_FEATURE "outbound_agent_seat"

struct seat_keeper *seat_keeper_new(struct outbound *server);
void seat_keeper_serve(struct outbound *server);     /* who worked before a restart has a seat */
void seat_keeper_configure(struct outbound *server); /* options moved */
void seat_keeper_stop(struct outbound *server);      /* gives the seats back */

/* Whether she would find a seat; then the same, and she takes it. A refusal is counted, and the
 * first one told as a licensing violation, until seats are free again. */
bool seat_keeper_has_room(const struct outbound *server, struct text agent_id);
bool seat_keeper_take(struct outbound *server, struct text agent_id, uint32_t group_dbid);
/* The words for a refused request, in the keeper's memory until the next one. */
const char *seat_keeper_words(const struct outbound *server);

void seat_keeper_leave(struct outbound *server, struct text agent_id); /* she logged out */
void seat_keeper_look_soon(struct outbound *server); /* a group was unloaded, and the like */
void seat_keeper_count(const struct outbound *server, struct outbound_counters *out);

#endif
