/* SPDX-License-Identifier: Apache-2.0 */
/* proxy.h - outbound's side of its HTTP Proxy (spec outbound 14.1): starts the child process,
 * watches it, starts it again after the Reconnect Timeout, hands its requests on and its answers
 * back. lifecycle.h says when; child.c is the other end.
 * Promise  a request is handed on once; an answer for a child that is gone, or one that comes after
 *          the child answered 504, goes nowhere. Callbacks follow loop.h's rule.
 * Worlds   REAL: a process. VIRTUAL: one of the loop's simulated machine, or none without one.
 * Thread   the loop's. */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_PROXY_H
#define SERVERS_OUTBOUND_HTTP_PROXY_PROXY_H

#include "base/catalogue.h"
#include "gen/options.h"
#include "io/net/sim_net.h"
#include "servers/outbound/http_proxy/ports.h"

struct http_proxy;

/* Views, good until return. */
struct http_proxy_request {
    uint32_t transaction; /* for http_proxy_answer() */
    /* The action by its own name ("RequestRecordCancel", aliases resolved); "RecordStatusRequest",
     * "CampaignGetStatus" of a GET without `req`. */
    struct text req;
    const struct msg *msg;  /* what it becomes; NULL: not offered by this release */
    struct text resource;   /* "records", "phones", "customer_ids", "lists", "campaigngroups" */
    struct text identifier; /* decoded; not empty */
    /* The body, without what the path says: one MessagePack map, as the child read it from JSON;
     * flat, names of at most 255 bytes, unless the child is not what it should be. */
    struct text pairs;
    struct text idempotency_key; /* may be empty */
};

struct http_proxy_setup {
    struct loop *loop;
    struct net *net;
    struct log log;                          /* outbound's own */
    struct text application, host, logs_dir; /* for the child's log lines and files */
    void (*on_request)(void *self, const struct http_proxy_request *request);
    /* A record of the child's for the output `network`, which outbound sends with its own; anything
     * but ERR_OK: it is none, and the child is not what it should be. */
    enum err (*on_record)(void *self, struct text record);
    void *self;
};

struct http_proxy_config {
    struct proxy_ports ports; /* none: no child */
    struct text encoding, custom_headers, host_custom_headers;
    uint32_t reconnect_s, response_timeout_s;
    const struct common_options *common; /* where and how to log */
};

/* Rests until configured. When `owner` closes the child is told to leave, without waiting. */
struct http_proxy *http_proxy_new(struct scope *owner, const struct http_proxy_setup *setup);

/* At start and whenever something moved; what did not move costs nothing. A new port waits for the
 * next child; all else reaches the running one. Copies what it keeps. */
void http_proxy_configure(struct http_proxy *proxy, const struct http_proxy_config *config);

/* `body` is one JSON value. `etag` may be empty. 503 gets its Retry-After from the child. */
void http_proxy_answer(struct http_proxy *proxy, uint32_t transaction, unsigned status,
                       struct text body, struct text etag);

/* Ends it for good; `on_stopped` comes when the child is gone, at most 2 s and a bit later. */
void http_proxy_stop(struct http_proxy *proxy, void (*on_stopped)(void *self), void *self);

bool http_proxy_is_up(const struct http_proxy *proxy);

/* The child's main: `carillon http-proxy-child`, descriptor 3 is its end of the channel. Exit code
 * 0 told to leave or channel closed, 2 cannot bind, 1 else. */
int http_proxy_main(void);

/* The child in the simulated world (tests/world), on a VIRTUAL loop that it shares; `parent` is the
 * maker's end of the channel. A kill is the closing of `owner`. */
struct http_proxy_simulation {
    struct log log;
    uint32_t pid;
    void (*on_end)(void *self, int exit_code); /* close its scope soon, not inside the call */
    void *self;
};
void http_proxy_simulate(struct scope *owner, struct loop *loop,
                         const struct http_proxy_simulation *simulation,
                         const struct sim_net_end *parent, struct stream **parent_stream);

#endif
