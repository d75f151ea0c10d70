/* SPDX-License-Identifier: Apache-2.0 */
/* client_private.h - the inside of the client, for the files of this room only. client.c keeps the
 * calls, their order and their endpoints; a carrier puts one call on a connection and tells how it
 * ended. client_plain.c: plain http over net.h, in both worlds; in the real one libcurl dials its
 * connections. client_curl.c: libcurl, for https, proxies and URLs that only it should read.
 * Life     call: waiting -> flying (a carrier has it) -> done (its on_done is due this turn). */
#ifndef IO_HTTP_CLIENT_PRIVATE_H
#define IO_HTTP_CLIENT_PRIVATE_H

#include "base/buf.h"
#include "base/list.h"
#include "base/table.h"
#include "io/http/client.h"

enum { HTTP_ANSWER_BODY_MAX = 64 * 1024, HTTP_ANSWER_HEAD_MAX = 64 * 1024 };

struct http_pool;

enum call_state { CALL_WAITING, CALL_FLYING, CALL_DONE };

struct http_client_call {
    struct list node; /* in its pool's waiting or flying, or in the client's done */
    struct http_client *client;
    struct http_pool *pool; /* NULL: its URL leads nowhere */
    struct scope *life;     /* without owner: on_done may close whatever it likes */
    uint64_t id;
    enum call_state state;
    struct http_call asked; /* copies; url, method and proxy end with NUL */
    void (*on_done)(void *self, const struct http_result *result);
    void *self;
    uint64_t began_mono_ms; /* on a connection */
    void *seat;             /* the carrier's place for it */
    bool is_dialling;       /* plain http, real: the place is libcurl's still */
    char length[24];        /* of the body, in digits */
    /* the answer */
    struct buf body;
    struct http_result result;
    struct chore chore; /* tell on_done */
};

struct http_carrier {
    void (*open)(struct http_pool *pool);
    void (*close)(struct http_pool *pool);          /* all connections; nothing flies any more */
    void (*start)(struct http_client_call *call);   /* calls client_call_ended() in a later turn */
    void (*abandon)(struct http_client_call *call); /* it is not wanted any more */
    void (*resize)(struct http_pool *pool);         /* client->pool_size has changed */
};
extern const struct http_carrier http_carrier_curl, http_carrier_plain;

/* REAL: libcurl as a whole; counted, as often closed as opened. */
void client_curl_open_library(void);
void client_curl_close_library(void);
/* A socket to the endpoint of a plain call is connected, and the carrier's to close. */
void client_plain_dialled(struct http_client_call *call, int socket);

/* The connections to one endpoint: scheme, host, port, proxy. */
struct http_pool {
    struct http_client *client;
    struct scope *life;
    struct text key; /* "http://host:80 proxy:3128" */
    bool is_https;
    struct text host_port; /* "host:80" */
    struct list waiting, flying;
    uint32_t flying_count;
    struct timer *idle_timer; /* runs while nothing flies */
    bool is_failing;          /* the last connection could not be made */
    uint64_t next_mono_ms;    /* while it fails: when the next call may start */
    struct timer *pace_timer;
    const struct http_carrier *carrier;
    struct curl_carrier *curl;   /* client_curl.c's; NULL: VIRTUAL */
    struct plain_carrier *plain; /* client_plain.c's; NULL: libcurl carries the calls */
};

struct http_client {
    struct scope *life;
    struct net *net;
    struct loop *loop;
    bool is_virtual;
    uint32_t pool_size;
    struct buf trusted;        /* path of a PEM file, NUL behind it; empty: the system's */
    struct buf key, host_port; /* of the URL that is looked at */
    struct table *pools;
    struct slots *calls;
    struct list done;
    size_t waiting_count;
};

/* The call has ended; `words` must be a literal or live in call->life. */
void client_call_ended(struct http_client_call *call, enum http_failure failure, unsigned status,
                       const char *words);
/* Keep what still fits. */
void client_call_add_body(struct http_client_call *call, struct text bytes);
/* The value that goes out for one of the caller's headers; NULL: it must not. Where the caller put
 * Content-Length the true length stands; who frames the request is us. */
struct text client_header_value(const struct http_client_call *call,
                                const struct http_header *header);
bool client_tells_length(const struct http_client_call *call); /* a Content-Length is due */

#endif
