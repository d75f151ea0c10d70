/* SPDX-License-Identifier: Apache-2.0 */
/* question.h - what an HTTP request asks of outbound, checked as far as can be without it: action,
 * identifier, length, type and the body's pairs (spec outbound 14.2, 14.3, 20).
 * Promise  what comes out is well-formed: a route, an identifier, one flat object within its
 *          limits. Whether the keys are the action's, outbound says.
 * Memory   views into the request, the rest in `scope`.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_QUESTION_H
#define SERVERS_OUTBOUND_HTTP_PROXY_QUESTION_H

#include "base/scope.h"
#include "format/encoding.h"
#include "io/http/server.h"
#include "servers/outbound/http_proxy/route.h"

/* Codes of the desktop protocol that the proxy itself gives (spec outbound 15.4). */
enum { CODE_UNKNOWN_REQUEST = 1, CODE_BAD_KEY = 2, CODE_INTERNAL = 99 };

struct question {
    struct route_match match;
    struct text req, identifier; /* decoded */
    struct text idempotency_key; /* may be empty */
    struct kv body;
};

struct question_refusal {
    unsigned status;
    int code;
    struct text words, allow; /* allow: of a 405 */
};

/* `encoding` NULL: any text will do; else a string that has no place in it is refused. False with
 * `refusal`; `out` holds then what was read before. */
bool question_read(const struct http_request *request, struct encoding *encoding,
                   struct scope *scope, struct question *out, struct question_refusal *refusal);
/* What the path and we ourselves say is not the body's to say. */
void question_drop_own_keys(struct question *question);

#endif
