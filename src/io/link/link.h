/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - the only way servers talk (design 4): frames of MessagePack over a stream.
 * Frame    u32 BE length, then [message, ref, header, fields]. ref 0: an event; odd/even by opener;
 *          a reply carries the request's ref. Maximum 16 MiB; a longer or malformed frame closes
 * the link and is counted. Opening  Hello both ways (protocol version, application, role, build, a
 * nonce), then Proof both ways: HMAC-SHA256 over both nonces and both names with the key that HKDF
 * derives from the installation's secret for the *connecting* application. No message is handled
 * before. Promise  each request ends exactly once: reply, error, timeout or CLOSED. Requests have
 * deadlines. The send queue is bounded: a peer that does not read is disconnected. link_connect
 * reconnects for ever with jittered back-off, and never repeats a request by itself. ADDP
 * framework 10.1: nothing heard for a time-out, poll; nothing for another, lost. */
#ifndef IO_LINK_LINK_H
#define IO_LINK_LINK_H

#include "base/catalogue.h"
#include "io/net/net.h"

struct link;
struct link_server;
struct link_request; /* one received, not yet answered */

/* design 4: how errors travel. */
struct link_error {
    enum err err;
    struct text protocol; /* whose code it is */
    int64_t code;
    struct text name, text, field;
    bool retryable;
    uint64_t retry_after_ms;
};

struct link_header { /* absent is zero or empty */
    struct text trace_id, idempotency_key, tenant, person;
    uint64_t deadline_ms; /* how long the asker still waits, relative */
};

struct link_identity {
    struct text application, role; /* our name; "primary", "backup", "tool" */
    struct text build;
    struct text
        secret; /* installation secret (a listener) or our own derived key (an application) */
    bool secret_is_master; /* true: derive the peer's key by its name */
};

struct link_options {
    uint64_t addp_local_ms, addp_remote_ms; /* 0: that side off */
    bool addp_trace_local, addp_trace_remote;
    uint64_t reconnect_ms;         /* 0: 10 s; jittered by 20 % */
    uint32_t send_queue_bytes_max; /* 0: 32 MiB */
    uint32_t requests_max;         /* outstanding, ours; 0: 10,000; past it ERR_LIMIT at once */
};

/* Rows of a handler table: NULL-ended. `fields` is the decoded struct, in the request's scope. */
struct link_handler {
    const struct msg *msg;
    void (*on_request)(void *self, struct link_request *request, const void *fields);
    void (*on_event)(void *self, struct link *link, const void *fields);
};

struct link_life {
    void (*on_up)(void *self, struct link *link);
    void (*on_down)(void *self, struct link *link,
                    enum err why); /* server side: the link dies after it */
};

/* Server side. Each accepted, proven link gets `self`; keep per-link state with link_set_self(). */
enum err link_listen(struct scope *owner, struct net *net, const struct log *log,
                     struct text address, const struct link_identity *identity,
                     const struct link_options *options, const struct link_handler *handlers,
                     const struct link_life *life, void *self, struct link_server **out,
                     struct fault *fault);
uint16_t link_server_port(const struct link_server *server);
/* Client side: tries at once, then for ever. `peer` is the application's name we expect there. */
struct link *link_connect(struct scope *owner, struct net *net, const struct log *log,
                          struct text address, struct text peer,
                          const struct link_identity *identity, const struct link_options *options,
                          const struct link_handler *handlers, const struct link_life *life,
                          void *self);
void link_set_address(struct link *link, struct text address); /* used at the next connect */
void link_set_options(struct link *link,
                      const struct link_options *options); /* at the next connect */
void link_close(struct link *link);
bool link_is_up(const struct link *link);
struct text link_peer(const struct link *link); /* the proven application name */
struct text link_peer_role(const struct link *link);
size_t link_unsent(const struct link *link);
void link_set_self(struct link *link, void *self);
void *link_self(const struct link *link);

/* Asks; `on_reply` gets `error` NULL and the reply's struct, or the error. Views are good until
 * return. */
void link_ask(struct link *link, const struct msg *msg, const void *fields,
              const struct link_header *header, uint64_t deadline_ms,
              void (*on_reply)(void *self, const struct link_error *error, const void *fields),
              void *self);
void link_send(struct link *link, const struct msg *msg, const void *fields); /* an event */

/* Answering: exactly once, now or later. The request is kept alive by the link; after the link is
 * lost the answer goes nowhere, silently. Across waits keep the id. */
struct scope *link_request_scope(struct link_request *request);
const struct link_header *link_request_header(const struct link_request *request);
struct link *link_request_link(struct link_request *request); /* NULL when it went down meanwhile */
void link_reply(struct link_request *request, const void *fields);
void link_refuse(struct link_request *request, const struct link_error *error);
void link_refuse_fault(struct link_request *request,
                       const struct fault *fault); /* framework-coded */

/* HKDF-SHA256(secret, info = "carillon link " name), 32 bytes in `out`. */
void link_derive_key(struct text secret, struct text application, uint8_t out[32]);

#endif
