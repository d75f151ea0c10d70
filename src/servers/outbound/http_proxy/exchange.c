/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/exchange.h"

#include "format/msgpack.h"
#include "gen/routes.h"

/* What the reader has not taken. */
static struct text rest_of(const struct msgpack_reader *reader)
{
    return (struct text){ (const char *)reader->at, (size_t)(reader->end - reader->at) };
}

void exchange_put_request(struct buf *out, const struct exchange_request *request,
                          const struct kv *body)
{
    msgpack_put_u64(out, (uint64_t)(request->route - ROUTES_OUTBOUND.routes));
    msgpack_put_text(out, request->identifier);
    msgpack_put_text(out, request->idempotency_key);
    msgpack_encode_kv(out, body);
}

enum err exchange_read_request(struct text payload, struct exchange_request *out)
{
    struct msgpack_reader reader = msgpack_reader(payload);
    uint64_t route = msgpack_get_u64(&reader);
    struct text identifier = msgpack_get_text(&reader);
    struct text idempotency_key = msgpack_get_text(&reader);
    if (reader.err || route >= ROUTES_OUTBOUND.count || msgpack_peek(&reader) != MSGPACK_MAP)
        return ERR_INVALID;
    *out = (struct exchange_request){
        .route = &ROUTES_OUTBOUND.routes[route],
        .identifier = identifier,
        .idempotency_key = idempotency_key,
        .pairs = rest_of(&reader),
    };
    return ERR_OK;
}

void exchange_put_answer(struct buf *out, const struct exchange_answer *answer)
{
    msgpack_put_u64(out, answer->status);
    msgpack_put_text(out, answer->etag);
    buf_add(out, answer->body);
}

enum err exchange_read_answer(struct text payload, struct exchange_answer *out)
{
    struct msgpack_reader reader = msgpack_reader(payload);
    uint32_t status = msgpack_get_u32(&reader);
    struct text etag = msgpack_get_text(&reader);
    if (reader.err || status < 200 || status > 599) return ERR_INVALID;
    *out = (struct exchange_answer){ .status = status, .etag = etag, .body = rest_of(&reader) };
    return ERR_OK;
}
