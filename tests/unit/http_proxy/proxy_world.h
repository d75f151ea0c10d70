/* SPDX-License-Identifier: Apache-2.0 */
/* proxy_world.h - an HTTP Proxy with real child processes (this program again), its parent in the
 * test, and clients on loopback. Everything is gone after world_end(). */
#ifndef TESTS_UNIT_HTTP_PROXY_PROXY_WORLD_H
#define TESTS_UNIT_HTTP_PROXY_PROXY_WORLD_H

#include "base/buf.h"
#include "servers/outbound/http_proxy/proxy.h"

struct world {
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct http_proxy *proxy;
    struct http_proxy_config config; /* change it, then world_configure() */
    struct common_options common;
    struct log_sink sink;
    struct buf lines;   /* "27-81100 HTTP Proxy started..." */
    struct buf records; /* of the output network: "27-81121 PID TEXT" */
    char logs_dir[64];
    uint16_t port;

    /* The last request that came through, and what it is answered with. */
    struct buf req, resource, identifier, idempotency_key, body;
    uint32_t requests, transaction;
    const struct msg *msg;
    unsigned status; /* 0: not at all */
    const char *answer, *etag;
};

void world_begin(struct world *world);                              /* not configured yet */
struct proxy_ports world_ports(struct world *world, uint16_t port); /* one plain one */
void world_end(struct world *world);
void world_configure(struct world *world);
/* Until it is up; false after 5 s. */
bool world_is_up(struct world *world);
/* Until `line` stands in the log; false after `ms`. */
bool world_logs(struct world *world, const char *line, uint64_t ms);
/* The pid that the last 81100 line tells. */
int world_pid(const struct world *world);

/* Sends bytes on a connection of its own and gives what came back until the peer closed, a whole
 * answer was there, or `ms` passed. Good until the next call. */
struct text world_send(struct world *world, struct text bytes, uint64_t ms);
/* "POST", "/records/7?req=RecordProcessed", JSON (NULL: no body, no length). */
struct text world_ask(struct world *world, const char *method, const char *target,
                      const char *json);
bool world_accepts(struct world *world);
uint16_t world_free_port(struct world *world);

bool text_holds(struct text text, const char *part);

#endif
