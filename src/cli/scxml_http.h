/* SPDX-License-Identifier: Apache-2.0 */
/* scxml_http.h - Basic HTTP over real sockets, on loopback, for `carillon scxml run`.
 * Receives  POST http://127.0.0.1:PORT/scxml/session/ID/basichttp, answered 204 when the event is
 *           in its queue; 400, 404, 405, 429 else. ID is not to be guessed: it is all the
 *           permission there is. */
#ifndef CLI_SCXML_HTTP_H
#define CLI_SCXML_HTTP_H

#include "io/net/net.h"
#include "scxml/effect.h"

struct scxml_http;

struct scxml_http_user {
    void *self;
    enum err (*post)(void *self, struct text session_id, const struct scxml_event *event);
    void (*on_done)(void *self, uint64_t call, bool is_delivered); /* of scxml_http_send() */
};

/* Port 0: any that is free. */
enum err scxml_http_open(struct scope *owner, struct net *net, uint16_t port,
                         const struct scxml_http_user *user, struct scxml_http **out,
                         struct fault *fault);
struct text scxml_http_location(const struct scxml_http *http); /* before a session's id */
#define SCXML_HTTP_LOCATION_END "/basichttp"

/* on_done comes later. Not delivered: no answer in SCXML_HTTP_TIMEOUT_MS, or none of 2xx. */
enum { SCXML_HTTP_TIMEOUT_MS = 10000 };
void scxml_http_send(struct scxml_http *http, const struct scxml_message *message, uint64_t call);

#endif
