/* SPDX-License-Identifier: Apache-2.0 */
/* client.h - a pooled HTTP client (outbound 12.5).
 * Promise  at most `pool_size` connections per endpoint, one request in flight on each, no
 *          pipelining; further calls wait in a FIFO per endpoint. Redirections are never followed.
 *          on_done comes exactly once, never from inside a call of ours, unless the owner's scope
 *          closes or the call is cancelled.
 * Refusal  while connections to an endpoint fail, one call to it starts each 10 ms.
 * Time     `timeout_ms` bounds connecting (proxy and TLS included) and, again, the wait from the
 *          last byte sent to the end of the response head, and once more the body: when the head
 *          has come, the status counts whatever becomes of the body.
 * Headers  go out as given, in order, behind Host, and nothing is added but Content-Length, which
 *          tells the true length where the caller put it. Host, Transfer-Encoding, Expect and what
 *          is no header (CR, LF, bad names) are left out.
 * TLS      1.2 or newer, name and certificate checked against the system's authorities.
 * Worlds   plain http is the same code in both. REAL: libcurl carries https, looks names up and
 *          connects. VIRTUAL: https is a connect failure. */
#ifndef IO_HTTP_CLIENT_H
#define IO_HTTP_CLIENT_H

#include "io/http/server.h"

struct http_client;

struct http_call {
    struct text method, url;
    struct http_headers headers;
    struct text body;
    uint64_t timeout_ms;
    struct text proxy; /* "host:port" for https URLs; empty: none */
    /* The receiver knows a repeat: when a kept connection turns out to be gone, send it once more
     * on a new one (RFC 9112 9.3.1). libcurl, for https, does so in any case. */
    bool may_repeat;
};

enum http_failure {
    HTTP_FAILURE_NONE,
    HTTP_FAILURE_CONNECT,
    HTTP_FAILURE_TIMEOUT,
    HTTP_FAILURE_OTHER
};

struct http_result {
    enum http_failure failure; /* NONE: a response came, see status */
    unsigned status;
    struct text body;  /* at most 64 KiB kept; view until return */
    const char *words; /* why it failed */
    uint64_t took_ms;  /* since it left the queue */
};

struct http_client *http_client_new(struct scope *owner, struct net *net, uint32_t pool_size);
/* Trust the authorities in this PEM file alone, for connections made from now on. At first it is
 * the one that SSL_CERT_FILE names, as OpenSSL's own habit is, else the system's. */
void http_client_trust(struct http_client *client, struct text pem_path);
void http_client_set_pool_size(struct http_client *client, uint32_t pool_size);
/* Everything in `call` is copied. Returns an id for cancelling, never 0. */
uint64_t http_client_send(struct http_client *client, const struct http_call *call,
                          void (*on_done)(void *self, const struct http_result *result),
                          void *self);
void http_client_cancel(struct http_client *client, uint64_t id); /* on_done will not come */
size_t http_client_waiting(const struct http_client *client);     /* not yet on a connection */

#endif
