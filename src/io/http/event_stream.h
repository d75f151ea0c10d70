/* SPDX-License-Identifier: Apache-2.0 */
/* event_stream.h - an answer that goes on: server-sent events (WHATWG HTML, section 9.2) on a
 * request of server.h. The client ends it by closing the connection.
 * Life     good from event_stream_begin() until on_close returns or event_stream_close(). on_close
 *          comes at most once, never for our own close.
 * Bound    who does not read is disconnected: event_stream_send() says when more than
 *          EVENT_STREAM_UNSENT_MAX waits.
 * Promise  a line break inside what is sent starts a new line of the same event, never an event. */
#ifndef IO_HTTP_EVENT_STREAM_H
#define IO_HTTP_EVENT_STREAM_H

#include "io/http/server.h"

enum { EVENT_STREAM_UNSENT_MAX = 1024 * 1024 };

struct event_stream;

/* Answers 200 with `headers` and text/event-stream, or 400 and NULL where the request has a body,
 * bytes behind it, or is HTTP/1.0. Either way the exchange is gone. */
struct event_stream *event_stream_begin(struct http_exchange *exchange,
                                        const struct http_headers *headers,
                                        void (*on_close)(void *self), void *self);
/* One event; `id` may be empty. ERR_LIMIT: the client does not read, close it; ERR_CLOSED: it has
 * ended and on_close is due. */
enum err event_stream_send(struct event_stream *stream, struct text event, struct text id,
                           struct text data);
/* A line that clients pass over, so that dead connections are found. */
void event_stream_comment(struct event_stream *stream, struct text words);
/* After what waits has left, at most STREAM_FINISH_MS. */
void event_stream_close(struct event_stream *stream);

#endif
