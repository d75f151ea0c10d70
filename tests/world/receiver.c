/* SPDX-License-Identifier: Apache-2.0 */
/* The customer's web server: it takes what comes, answers some late, and refuses some, which then
 * are not delivered. */
#include "tests/world/world.h"

#include "format/json.h"
#include "io/http/server.h"
#include "tests/world/fields.h"

#include <inttypes.h>

enum { LATE_MS = 4000 };

struct receiver {
    struct world *world;
    struct http_server *server;
};

struct late {
    struct receiver *receiver;
    uint64_t exchange;
};

static void reply_late(void *self)
{
    struct late *late = self;
    struct http_exchange *exchange = http_find(late->receiver->server, late->exchange);
    if (exchange) http_reply(exchange, 200, NULL, TEXT(""));
}

static void on_request(void *self, struct http_exchange *exchange)
{
    struct receiver *receiver = self;
    struct world *world = receiver->world;
    struct scope *scope = http_exchange_scope(exchange);
    struct text body = http_exchange_request(exchange)->body;
    struct kv fields;
    if (json_read_kv(body, scope, &fields, NULL)) {
        world_fail(world, "the receiver got no JSON: %.*s", TEXT_ARG(text_slice(body, 0, 200)));
        http_reply(exchange, 400, NULL, TEXT(""));
        return;
    }
    if (!world->is_ending && world_is(world, 40)) {
        http_reply(exchange, world_is(world, 500) ? 503 : 429, NULL, TEXT(""));
        return;
    }
    world_hear(world,
               (struct event){ .kind = EVENT_RECEIVED,
                               .message = text_in(&fields, "GSW_MESSAGE_GUID"),
                               .guid = text_in(&fields, "GSW_CALL_ATTEMPT_GUID"),
                               .digest = scope_format(scope, "%016" PRIx64, text_hash(body)) });
    if (!world->is_ending && world_is(world, 20)) {
        struct late *late = scope_alloc(scope, sizeof *late);
        *late = (struct late){ receiver, http_exchange_id(exchange) };
        timer_start(timer_new(scope, world->loop, reply_late, late), LATE_MS);
        return;
    }
    http_reply(exchange, 200, NULL, TEXT(""));
}

struct receiver *receiver_new(struct world *world)
{
    struct receiver *receiver = scope_alloc(world->life, sizeof *receiver);
    struct fault fault;
    receiver->world = world;
    struct text address = scope_format(world->life, "127.0.0.1:%d", RECEIVER_PORT);
    if (http_server_open(world->life, world->net, address, &(struct http_server_options){ 0 },
                         on_request, receiver, &receiver->server, &fault))
        world_fail(world, "the receiver: %s", fault.words);
    return receiver;
}
