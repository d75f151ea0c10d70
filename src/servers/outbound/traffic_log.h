/* SPDX-License-Identifier: Apache-2.0 */
/* traffic_log.h - requests, answers, events and bodies at debug level, pair by pair, with what the
 * log filters hide hidden (spec outbound 19, scenario 45). Costs nothing unless debug is on. */
#ifndef SERVERS_OUTBOUND_TRAFFIC_LOG_H
#define SERVERS_OUTBOUND_TRAFFIC_LOG_H

#include "servers/outbound/outbound.h"

/* `fields` is a struct of `msg`; NULL: only the title. */
void traffic_log_fields(struct outbound *server, const char *way, const struct msg *msg,
                        const void *fields);
/* A JSON object that is sent or has come. */
void traffic_log_json(struct outbound *server, const char *title, struct text body);

#endif
