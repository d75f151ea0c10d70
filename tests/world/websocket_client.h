/* SPDX-License-Identifier: Apache-2.0 */
/* websocket_client.h - the client's side of RFC 6455 in the simulated world: text messages, pings
 * answered, no extensions. What the server may not do is told as a bad end.
 * Life  dies with `owner`. on_end comes once, never from inside a call of this header; then it is
 *       closed. */
#ifndef TESTS_WORLD_WEBSOCKET_CLIENT_H
#define TESTS_WORLD_WEBSOCKET_CLIENT_H

#include "io/net/net.h"

struct websocket_client;

struct websocket_client_handler {
    void (*on_open)(void *self);
    void (*on_message)(void *self, struct text message); /* good until return */
    /* `status` of a handshake that was answered otherwise, else 0. `words`: a broken rule. */
    void (*on_end)(void *self, unsigned status, const char *words);
};

/* GET `path` at `address` with `Authorization: Bearer token`. */
struct websocket_client *websocket_client_open(struct scope *owner, struct net *net,
                                               struct text address, struct text path,
                                               struct text token,
                                               const struct websocket_client_handler *handler,
                                               void *self);
void websocket_client_send(struct websocket_client *client, struct text message);
/* As a pulled plug: no close frame. on_end does not come. */
void websocket_client_cut(struct websocket_client *client);

#endif
