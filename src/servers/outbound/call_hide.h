/* SPDX-License-Identifier: Apache-2.0 */
/* call_hide.h - personal data in the audit trail and the record history: as the log filters say
 * (spec outbound 19). */
#ifndef SERVERS_OUTBOUND_CALL_HIDE_H
#define SERVERS_OUTBOUND_CALL_HIDE_H

#include "servers/outbound/outbound.h"

/* `value` of the key as it may be seen, in `room`; empty where the key is left out. */
struct text call_hide(const struct outbound *server, struct buf *room, struct text key,
                      struct text value);

#endif
