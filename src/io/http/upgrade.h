/* SPDX-License-Identifier: Apache-2.0 */
/* upgrade.h - the door through which a connection of the HTTP server leaves HTTP; for websocket.c.
 * Promise  an upgraded connection counts in connections_now, is never closed to make room, has no
 *          time limit of HTTP's, and owns no buffer of HTTP any more. */
#ifndef IO_HTTP_UPGRADE_H
#define IO_HTTP_UPGRADE_H

#include "io/http/server.h"

struct connection;

struct http_upgraded {
    struct connection *connection;
    struct scope *life; /* dies with the connection */
    struct stream *stream;
};

/* HTTP/1.1, no body, nothing pipelined behind the request, and the server is not closing. */
bool http_exchange_may_upgrade(const struct http_exchange *exchange);
/* Answer 101 with `headers` (Upgrade among them; Connection is added). The exchange and its scope
 * are gone on return; give the stream its new handler in the same breath. */
struct http_upgraded http_upgrade(struct http_exchange *exchange,
                                  const struct http_headers *headers);
/* Answer 200 with `headers` and no length: what is written to the stream is the body, to the end of
 * the connection. Else as http_upgrade(). */
struct http_upgraded http_stream_on(struct http_exchange *exchange,
                                    const struct http_headers *headers);
/* Its stream is closed or finishing: its scope closes at the end of the turn. */
void http_upgraded_end(struct connection *connection);

/* http_reply() in the dress of the server's own refusals; `more` headers come on top. */
void http_refuse(struct http_exchange *exchange, unsigned status, const char *words,
                 const struct http_headers *more);

#endif
