/* SPDX-License-Identifier: Apache-2.0 */
/* gateway.h - the child's work: HTTP requests become frames, frames become HTTP answers (spec
 * outbound 14.2, 14.3).
 * Promise  each exchange is answered exactly once: by outbound, by a refusal of our own, by 504
 *          after http-response-timeout, or by 503 when the channel is gone.
 * Text     bodies are UTF-8, on the wire and on the channel. Where `encoding` is set a request
 *          string must have a place in it, else 400: the list's table could not hold it. A byte
 *          that is no UTF-8 in an answer becomes U+FFFD.
 * Bound    one request of each connection is under way; past 16 MiB that outbound has not taken, or
 *          64 MiB of bodies that it has not answered, 503. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_GATEWAY_H
#define SERVERS_OUTBOUND_HTTP_PROXY_GATEWAY_H

#include "base/scope.h"
#include "io/http/server.h"
#include "servers/outbound/http_proxy/settings.h"

struct gateway;

struct gateway_setup {
    struct loop *loop;
    struct net *net;
    const struct log *log; /* of the child; must outlive the gateway */
    struct stream *channel;
    uint32_t first_transaction;
    /* Request bodies at debug level, as the log filters allow; may be NULL. */
    void (*log_body)(void *self, struct text title, const struct kv *body);
    /* A value as a log may show it, in `out`; NULL: as it is. */
    void (*show_value)(void *self, struct text key, struct text value, struct buf *out);
    void *self;
};

struct gateway *gateway_new(struct scope *owner, const struct gateway_setup *setup);
/* All ports or none. */
enum err gateway_listen(struct gateway *gateway, const struct proxy_ports *ports,
                        struct fault *fault);
/* The next message uses it, TLS options and files of open ports the next connection. An open port
 * that is not among the settings any more is closed; another one waits for the next child. Refused
 * header lines, unknown encodings and certificates that cannot be used are logged. */
void gateway_configure(struct gateway *gateway, const struct proxy_settings *settings);
/* A response frame. */
void gateway_answer(struct gateway *gateway, uint32_t transaction, struct text payload);
/* The channel is gone, or we are told to leave: 503 to all who wait, no new connections. */
void gateway_close(struct gateway *gateway);
/* Connections whose last bytes may still be on the way. */
bool gateway_has_clients(const struct gateway *gateway);

#endif
