/* SPDX-License-Identifier: Apache-2.0 */
/* traffic_log.h - requests, answers, events and bodies at debug level, pair by pair, with what the
 * log filters hide hidden (spec outbound 19, scenario 45); and a line for each message of a link at
 * the levels of framework 8.3. Costs nothing unless its level is on. */
#ifndef SERVERS_OUTBOUND_TRAFFIC_LOG_H
#define SERVERS_OUTBOUND_TRAFFIC_LOG_H

#include "io/link/link.h"
#include "servers/outbound/outbound.h"

/* `fields` is a struct of `msg`; NULL: only the title. */
void traffic_log_fields(struct outbound *server, const char *way, const struct msg *msg,
                        const void *fields);
/* 00-04543, and 00-04542: what a peer asked, and what it is told unasked. */
void traffic_log_received(struct outbound *server, const struct link *link, const struct msg *msg);
void traffic_log_sent(struct outbound *server, const struct link *link, const struct msg *msg);
/* A JSON object that is sent or has come. */
void traffic_log_json(struct outbound *server, const char *title, struct text body);

#endif
