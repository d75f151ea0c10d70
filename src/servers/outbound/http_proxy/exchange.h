/* SPDX-License-Identifier: Apache-2.0 */
/* exchange.h - what a request and its answer are in a frame of the channel: MessagePack values one
 * behind the other. Both ends are one program, so a route is its number in ROUTES_OUTBOUND.
 *   request   route, identifier, idempotency key ("": none), a map: the body's pairs
 *   answer    status, etag ("": none); behind them, to the end, the body as it goes to the client
 * Promise  the body's JSON is read once, by the child; the answer's is written once, by outbound.
 * Hostile  a frame that is none, or goes past its end, is refused; the pairs are looked at by who
 *          decodes them.
 * Pure     no I/O. Source: spec outbound 14.1, decision 0028 */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_EXCHANGE_H
#define SERVERS_OUTBOUND_HTTP_PROXY_EXCHANGE_H

#include "base/buf.h"
#include "base/catalogue.h"
#include "base/shape.h"

/* Views, when read: of the payload. */
struct exchange_request {
    const struct route *route;
    struct text identifier, idempotency_key;
    struct text pairs; /* for msgpack_decode_kv() */
};

struct exchange_answer {
    unsigned status; /* 200 to 599 */
    struct text etag, body;
};

/* `request->pairs` is not looked at: they come from `body`. */
void exchange_put_request(struct buf *out, const struct exchange_request *request,
                          const struct kv *body);
enum err exchange_read_request(struct text payload, struct exchange_request *out);

void exchange_put_answer(struct buf *out, const struct exchange_answer *answer);
enum err exchange_read_answer(struct text payload, struct exchange_answer *out);

#endif
