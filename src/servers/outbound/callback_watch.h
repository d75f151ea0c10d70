/* SPDX-License-Identifier: Apache-2.0 */
/* callback_watch.h - looks after the call-backs of a started campaign group that are due: shows
 * them to their agents (ScheduledCall), and ends those that nobody takes. What is decided is
 * callback.h's. */
#ifndef SERVERS_OUTBOUND_CALLBACK_WATCH_H
#define SERVERS_OUTBOUND_CALLBACK_WATCH_H

#include "servers/outbound/outbound.h"

/* A session's own part. */
void callback_watch_open(struct session *session);
/* Look at them at the end of the turn: one came, or an agent did. */
void callback_watch_soon(struct session *session);

#endif
