/* SPDX-License-Identifier: Apache-2.0 */
/* fetch.h - chooses chains of one list for a session and takes them, durably (spec outbound 4). */
#ifndef SERVERS_OUTBOUND_FETCH_H
#define SERVERS_OUTBOUND_FETCH_H

#include "servers/outbound/outbound.h"

/* Ends with session_fetch_ended(), in a later turn. */
void fetch_start(struct session *session, uint32_t list_dbid, uint32_t chains);

#endif
