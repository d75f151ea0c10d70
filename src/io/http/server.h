/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - a strict HTTP/1.1 server (RFC 9110, 9112) on io/net, http-parser for the grammar
 * behind io/http/parser.c alone.
 * Refused  what http-parser lets pass (dependencies.md): space before the colon, bare LF, folded
 *          headers, missing or double Host, odd versions, LF in chunk extensions, chunked in
 *          HTTP/1.0, both lengths, more than one length, and a target that names another host. The
 *          answer is 400 (413, 414, 417, 431, 501, 505 where they say more) and the connection
 * ends. Bounds   outbound 14.1: header 16 KiB, body 1 MiB, 1024 connections (full: the oldest idle
 * one is closed, then the oldest request that has been coming for a second; else the new one hears
 *          503), idle 60 s, request read 30 s (408). Ours: a response is taken within 30 s, all
 *          unfinished requests together hold 64 MiB (503).
 * Order    pipelined requests are answered in order, one at a time.
 * Waits    across waits keep the exchange's id: http_find() gives NULL when the client has gone,
 * and one that has closed its sending side counts as gone. */
#ifndef IO_HTTP_SERVER_H
#define IO_HTTP_SERVER_H

#include "io/net/net.h"

struct http_header {
    struct text name, value;
};

struct http_headers {
    const struct http_header *at;
    size_t count;
};

struct text http_header_find(const struct http_headers *headers,
                             struct text name); /* .at NULL: none */

struct http_request {
    struct text method; /* "GET" */
    struct text target; /* as received */
    struct text path;   /* still percent-encoded, without the query */
    struct text query;  /* behind '?', may be empty */
    struct http_headers headers;
    struct text body;
    struct text peer;
    bool has_length; /* the client told a length or sent chunks: else a POST may deserve 411 */
};

struct http_server;
struct http_exchange;

struct http_server_options { /* 0 takes the default above */
    uint32_t header_bytes_max, body_bytes_max, connections_max;
    uint64_t idle_ms, request_ms;
    struct tls_config *tls; /* io/net/tls.h; NULL: plain HTTP. It outlives the server */
    bool detects_tls;       /* with `tls`: plain HTTP too */
    /* How long the body of this request may be, when its head has come: instead of body_bytes_max.
     * NULL: body_bytes_max for all. `self` is on_request's. */
    uint32_t (*body_limit)(void *self, const struct http_request *head);
    /* Gives the server's own refusals (400, 408, 413, 503 ...) the form of its other answers:
     * headers and body, in `scope` or longer. NULL: plain words. `self` is on_request's. */
    void (*dress_refusal)(void *self, unsigned status, const char *words, struct scope *scope,
                          struct http_headers *headers, struct text *body);
};

/* `on_request` hears each complete request; the request's memory lives until the reply. Exactly one
 * http_reply() per exchange, in the call or later. */
enum err http_server_open(struct scope *owner, struct net *net, struct text address,
                          const struct http_server_options *options,
                          void (*on_request)(void *self, struct http_exchange *exchange),
                          void *self, struct http_server **out, struct fault *fault);
uint16_t http_server_port(const struct http_server *server);
void http_server_close(
    struct http_server *server); /* listener first; connections after their reply */

const struct http_request *http_exchange_request(const struct http_exchange *exchange);
struct scope *http_exchange_scope(
    const struct http_exchange *exchange); /* dies with the exchange */
uint64_t http_exchange_id(const struct http_exchange *exchange);
struct http_exchange *http_find(struct http_server *server, uint64_t id);
/* Content-Length, Date, Connection are added; `headers` (may be NULL) brings the rest, less those
 * and less what could split the response. Status 204/304 and HEAD send no body. All is copied; the
 * exchange and its scope are gone on return. */
void http_reply(struct http_exchange *exchange, unsigned status, const struct http_headers *headers,
                struct text body);

struct http_server_counters {
    uint64_t requests, bad_requests, connections, connections_now, closed_for_room, timeouts;
};
const struct http_server_counters *http_server_counters(const struct http_server *server);

#endif
