/* SPDX-License-Identifier: Apache-2.0 */
/* http_edge.h - HTTP requests become requests of the catalogue, and answers become JSON (spec
 * outbound 14.2, 14.3). Pure but for the request's own memory. */
#ifndef SERVERS_OUTBOUND_HTTP_EDGE_H
#define SERVERS_OUTBOUND_HTTP_EDGE_H

#include "servers/outbound/request.h"

/* What came through the proxy: the message that the route stands for, "records", "712" and the
 * body's pairs, a MessagePack map. */
struct http_question {
    const struct msg *msg;
    struct text resource, identifier, pairs;
};

/* The fields of the question's message, in `scope`; the resource's own key comes from the
 * identifier, keys the message does not know are its user data. NULL with `refusal`. */
const void *http_edge_read(const struct http_question *question, struct scope *scope,
                           struct refusal *refusal);
/* The body of a 200: the reply event as one object, or an array for ChainedRecords. */
void http_edge_write(const struct msg *msg, const void *fields, struct buf *out);
void http_edge_write_error(const struct refusal *refusal, struct buf *out);

#endif
