/* SPDX-License-Identifier: Apache-2.0 */
/* request.h - one request on its way through the server, whatever edge it came from. It owns its
 * memory, may wait in one queue at a time, and is answered exactly once: request_reply() or
 * request_refuse(), either of which ends it. */
#ifndef SERVERS_OUTBOUND_REQUEST_H
#define SERVERS_OUTBOUND_REQUEST_H

#include "servers/outbound/outbound.h"

struct request_edge {
    /* `fields` is a struct of `msg`; views are good until return. `etag` may be empty. */
    void (*reply)(struct request *request, const struct msg *msg, const void *fields,
                  struct text etag);
    void (*refuse)(struct request *request, const struct refusal *refusal);
};

struct request {
    struct list node;
    struct scope *life;
    struct outbound *server;
    const struct msg *msg;
    const void *fields; /* of msg->shape, in `life` */
    const struct request_edge *edge;
    uint32_t transaction;              /* HTTP */
    struct link_request *link_request; /* of a link */
    uint32_t handle;                   /* the record it names, once looked at */
    struct keyed *keyed;               /* of its idempotency key; NULL: none */
    bool is_last_try;                  /* it has waited for a fetch already */
    bool is_logged;                    /* its row of the request log is in its change */
    bool is_shown;                     /* in the debug log */
    uint32_t record_index;             /* of it among its chain */
    void (*run)(struct request *request);
    uint64_t arrived_mono_ms;
};

struct request *request_new(struct outbound *server, const struct msg *msg,
                            const struct request_edge *edge);
/* Carry it out, now or once what it waits for has come. */
void request_run(struct request *request);
void request_reply(struct request *request, const struct msg *msg, const void *fields,
                   struct text etag);
void request_refuse(struct request *request, enum outbound_error error, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void request_refuse_with(struct request *request, const struct refusal *refusal);

#endif
