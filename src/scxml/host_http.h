/* SPDX-License-Identifier: Apache-2.0 */
/* host_http.h - the Basic HTTP event processor's two sides, without a socket (orchestration 3.4;
 * the Recommendation's C.2). Pure. */
#ifndef SCXML_HOST_HTTP_H
#define SCXML_HOST_HTTP_H

#include "base/buf.h"
#include "scxml/effect.h"

/* The body of the POST that carries `message`, and its Content-Type. A form with _scxmleventname
 * and the pairs; with content, the content: JSON and XML as they are, a string as the one word of
 * a form. */
void scxml_http_body(const struct scxml_message *message, struct buf *body,
                     struct text *content_type);

struct scxml_http_request {
    struct text method, query, content_type, body;
    struct text raw; /* the whole message, for _event.raw */
};

/* The event that a request to a session's location is: named by _scxmleventname (form or query),
 * else HTTP.POST; the other fields are its data, repeated names a list. A body that is no form is
 * its data itself. ERR_UNSUPPORTED: not a POST (405); ERR_INVALID: a broken form (400). In `scope`,
 * and views into the request. */
enum err scxml_http_event(const struct scxml_http_request *request, struct scope *scope,
                          struct scxml_event *out, struct fault *fault);

#endif
