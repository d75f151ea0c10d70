/* SPDX-License-Identifier: Apache-2.0 */
/* ports.h - where the HTTP Proxy listens: the ports of outbound's Application object whose
 * connection protocol is http or https (spec outbound 14.1, framework 10.2, 10.3, 10.7).
 * TLS      protocol https, listening mode secured or auto-detect, or tls=1 among the port's
 *          transport parameters. A value of the port's fields counts before one of its transport
 *          parameters, then section [security] of the application's options, then of the host's
 *          annex.
 * Address  127.0.0.1, or the transport parameter `address`. One that others reach needs tls-mutual:
 *          without it nobody would ask who they are (design 6).
 * Memory   texts are views into the objects, or lie in `scope`.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_PORTS_H
#define SERVERS_OUTBOUND_HTTP_PROXY_PORTS_H

#include "base/buf.h"
#include "gen/objects.h"
#include "io/net/tls.h"

enum { PROXY_PORTS_MAX = 4 };

struct proxy_port {
    struct text id;      /* tells a port whose number changed from another port */
    struct text address; /* "127.0.0.1:6101" */
    uint16_t number;
    bool detects_tls;
    struct tls_options tls; /* is_on counts */
    struct text told;       /* every TLS value and where it came from */
};

struct proxy_ports {
    struct proxy_port at[PROXY_PORTS_MAX];
    uint32_t count;
};

/* A port that breaks a rule is left out; `on_refused` hears of it. */
void proxy_ports_find(struct proxy_ports *ports, const struct object_application *application,
                      const struct kv *host_annex, struct scope *scope,
                      void (*on_refused)(void *self, struct text port_id,
                                         const struct fault *fault),
                      void *self);
/* "6101, 6102 (TLS)". */
void proxy_ports_print(const struct proxy_ports *ports, struct buf *out);
/* What stands before a record's handle in its URI (spec outbound 14.2), of the first TLS port, or
 * of the first; empty where there is none. */
struct text proxy_ports_uri(const struct proxy_ports *ports, struct scope *scope);
const struct proxy_port *proxy_ports_find_id(const struct proxy_ports *ports, struct text id);

#endif
