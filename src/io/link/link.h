/* SPDX-License-Identifier: Apache-2.0 */
/* link.h - the only way servers talk (design 4): frames of MessagePack over a stream.
 * Frame    u32 BE length, then [message, ref, header, fields]. ref 0: an event; the connecting end
 *          asks with odd refs, the listening end with even ones; a reply carries the request's ref.
 *          Maximum 16 MiB; a longer or malformed frame closes the link and is counted.
 * Opening  Hello both ways (version, application, role, build, a nonce), then Proof both ways with
 * a key that HKDF derives from the installation's secret (docs/decisions/0004). Within 5 s, at most
 * 4 KiB from a peer that proved nothing; no message is handled before. Promise  each request ends
 * exactly once: reply, error, TIMEOUT or CLOSED. Requests have deadlines. The send queue is
 * bounded: a peer that does not read is disconnected. link_connect reconnects for ever with
 * jittered back-off, and never repeats a request by itself. ADDP     framework 10.1: nothing heard
 * for a time-out, poll; nothing for another, lost. Memory   all dies with `owner`, silently: no
 * callback comes from a scope that closes. Thread   the loop's. */
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
    struct text name, text, field; /* config: name is errorType, field is objectProperty */
    bool retryable;
    uint64_t retry_after_ms;
    struct text object_type;    /* config */
    const struct text *details; /* every problem found, one line each */
    uint32_t detail_count;
};

struct link_header { /* absent is zero or empty */
    struct text trace_id, idempotency_key, tenant, person;
    struct text application, address; /* whose request a proxy passes on, and from where */
    uint64_t deadline_ms;             /* how long the asker still waits, relative */
};

struct link_identity {
    struct text application, role; /* our name; "primary", "backup", "tool" */
    struct text build;
    struct text user;    /* of a tool: the system's user who runs it */
    struct text secret;  /* the installation's secret, our own derived key, or the key of us and one
                            peer (link_derive_pair_key) */
    struct text own_key; /* beside the key of us and one peer: our own derived key, for a peer that
                            turns out to hold the installation's secret. Empty: there is none */
    bool secret_is_master; /* true: it is the installation's; the peer's key is derived by its name
                            */
};

struct link_options {
    uint64_t addp_local_ms, addp_remote_ms; /* 0: that side off, but that nothing heard on TCP for
                                               two minutes ends the link all the same */
    bool addp_trace_local, addp_trace_remote;
    uint64_t reconnect_ms;         /* longest pause; 0: 10 s. Pauses double from 100 ms to it, each
                                      jittered by 20 % */
    uint32_t send_queue_bytes_max; /* 0: 32 MiB */
    uint32_t requests_max;         /* unanswered, each way; 0: 10,000; past it ERR_LIMIT at once */
    uint32_t links_max;            /* listening: proven ones; 0: 4,096; past it refused, but for 16
                                      tools. Those that proved nothing yet: 256, the oldest makes
                                      room */
};

/* Rows of a handler table, ended by a row whose `msg` is NULL. `fields` is the decoded struct: of a
 * request in the request's scope, of an event good until return. A request without a row is
 * answered UNSUPPORTED, an event without one is counted. */
struct link_handler {
    const struct msg *msg;
    void (*on_request)(void *self, struct link_request *request, const void *fields);
    void (*on_event)(void *self, struct link *link, const void *fields);
};

struct link_life { /* each may be NULL */
    void (*on_up)(void *self, struct link *link);
    /* After on_up, once; not for our own link_close(). Server side: the link dies after it. */
    void (*on_down)(void *self, struct link *link, enum err why);
};

struct link_counters {
    uint64_t links_up, frames_in, frames_out, bytes_in, bytes_out, requests_in, requests_out;
    uint64_t malformed_frames, openings_refused, messages_unknown, fields_refused, overflows,
        keep_alive_losses, timeouts;
};

/* Server side. Each accepted, proven link hears its handlers with `self`. */
enum err link_listen(struct scope *owner, struct net *net, const struct log *log,
                     struct text address, const struct link_identity *identity,
                     const struct link_options *options, const struct link_handler *handlers,
                     const struct link_life *life, void *self, struct link_server **out,
                     struct fault *fault);
uint16_t link_server_port(const struct link_server *server);
const struct link_counters *link_server_counters(const struct link_server *server);
/* `for (struct link *link = NULL; (link = link_server_next(server, link)) != NULL;)`, proven ones.
 */
struct link *link_server_next(const struct link_server *server, struct link *after);
/* No new links; the present ones stay. */
void link_server_stop_listening(struct link_server *server);

/* Client side: tries at once, then for ever. `peer` is the application's name we expect there;
 * empty: any. */
struct link *link_connect(struct scope *owner, struct net *net, const struct log *log,
                          struct text address, struct text peer,
                          const struct link_identity *identity, const struct link_options *options,
                          const struct link_handler *handlers, const struct link_life *life,
                          void *self);
void link_set_address(struct link *link, struct text address); /* used at the next connect */
void link_set_options(struct link *link,
                      const struct link_options *options); /* at the next connect */
/* Now, for good. Our own requests end with CLOSED in the next turn, then the link is gone. */
void link_close(struct link *link);
bool link_is_up(const struct link *link);
struct text link_peer(const struct link *link); /* the proven application name */
struct text link_peer_role(const struct link *link);
struct text link_peer_user(
    const struct link *link); /* said, as the role is; of a tool, for audits */
struct text link_peer_address(const struct link *link);             /* "127.0.0.1:51234", "unix" */
const struct link_counters *link_counters(const struct link *link); /* a server's are its links' */

/* Asks; `on_reply` gets `error` NULL and the reply's struct, or the error. Views are good until
 * return. While the link is not up the request ends with CLOSED in the next turn. `header` may be
 * NULL; its deadline is filled from `deadline_ms`. */
void link_ask(struct link *link, const struct msg *msg, const void *fields,
              const struct link_header *header, uint64_t deadline_ms,
              void (*on_reply)(void *self, const struct link_error *error, const void *fields),
              void *self);
/* Within an on_event: which message it is, for a handler that serves several. */
const struct msg *link_event_msg(const struct link *link);
/* An event. Dropped while the link is not up. */
void link_send(struct link *link, const struct msg *msg, const void *fields);

/* Answering: exactly once, now or later. The request and its scope stay good until the end of the
 * turn in which it was answered, also when the link is lost meanwhile: then the answer goes
 * nowhere, silently. One that is still unanswered when its owner's scope closes is answered
 * INTERNAL. */
struct scope *link_request_scope(struct link_request *request);
const struct link_header *link_request_header(const struct link_request *request);
const struct msg *link_request_msg(const struct link_request *request);
struct link *link_request_link(struct link_request *request); /* NULL when it went down meanwhile */
void link_reply(struct link_request *request, const void *fields);
void link_refuse(struct link_request *request, const struct link_error *error);
void link_refuse_fault(struct link_request *request,
                       const struct fault *fault); /* framework-coded */
/* Never answered: the asker's own deadline ends it. For requests that a protocol disregards
 * silently. */
void link_ignore(struct link_request *request);

/* HKDF-SHA256(secret, info = "carillon link " name), 32 bytes in `out`. */
void link_derive_key(struct text secret, struct text application, uint8_t out[32]);
/* What `client` proves itself with to `server`, where neither holds the installation's secret. */
void link_derive_pair_key(struct text secret, struct text client, struct text server,
                          uint8_t out[32]);

#endif
