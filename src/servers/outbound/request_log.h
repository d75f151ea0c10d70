/* SPDX-License-Identifier: Apache-2.0 */
/* request_log.h - one row per request of desktops, HTTP clients and third parties (spec outbound
 * 2.7), in the table of the Table Access `gsw_request_log`; without that object there is none.
 * Opened   when the first session loads; made where it is missing.
 * Promise  a request that changes something has its row in the commit of the change; the others,
 *          refused ones included, within a second. result_code: 0, or the error code of 15.4. */
#ifndef SERVERS_OUTBOUND_REQUEST_LOG_H
#define SERVERS_OUTBOUND_REQUEST_LOG_H

#include "servers/outbound/request.h"

struct request_log;

struct request_log *request_log_new(struct outbound *server);
void request_log_open(struct outbound *server); /* a session loads */
void request_log_configure(struct outbound *server);
void request_log_flush(struct outbound *server); /* at the stop */
/* Into the request's own change. `live` NULL: no chain in memory is concerned. */
void request_log_add(struct request *request, struct change *change, const struct live_chain *live,
                     uint32_t record);
/* For request.c: it is answered; a row where none was added, or where its change was refused. */
void request_log_end(struct request *request, uint32_t result_code);

#endif
