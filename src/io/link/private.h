/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of this room share.
 *   frame.c      bytes to frames and back          identity.c   keys and proofs
 *   opening.c    Hello and Proof                   keep_alive.h ADDP
 *   link.c       a link's life; frames to their takers
 *   ask.c        our requests until they end       request.c    the peer's until they are answered
 *   connect.c    the connecting end                listen.c     the listening end
 *
 * A hub is what links of one door have in common: a listener's, or the one link of link_connect. */
#ifndef IO_LINK_PRIVATE_H
#define IO_LINK_PRIVATE_H

#include "io/link/frame.h"
#include "io/link/identity.h"
#include "io/link/keep_alive.h"
#include "io/link/link.h"

#include "base/list.h"
#include "base/table.h"
#include "gen/messages.h"

enum {
    LINK_OPENING_MS = 5000,
    LINK_OPENING_BYTES_MAX = 4096,
    LINK_SILENCE_MS = 60 * 1000,                /* the time-out of links that ADDP does not watch */
    LINK_REFUSAL_LINGER_MS = 1000,              /* how long a refused peer may take to read why */
    LINK_REQUEST_BYTES_MAX = 128 * 1024 * 1024, /* a frame decoded: many small values take more */
    LINK_BACK_OFF_FIRST_MS = 100,
    LINK_BACK_OFF_LAST_MS = 10 * 1000,
    LINK_SEND_QUEUE_BYTES = 32 * 1024 * 1024,
    LINK_REQUESTS = 10000,
    LINK_LINKS = 4096,
    LINK_TOOLS = 16, /* beyond the limit of links, for tools */
    LINK_UNPROVEN = 256,
    LINK_BYTES_KEPT = 64 * 1024, /* memory that an idle link keeps for each way */
};

struct link_hub {
    struct scope *life;
    struct net *net;
    struct loop *loop;
    struct log log;
    struct link_identity identity;
    struct link_options options;
    const struct link_handler *handlers;
    struct link_life hooks;
    struct link_counters counters;
    struct list answered; /* requests whose scopes close at the end of the turn */
    struct chore answered_chore;
};

enum link_state {
    LINK_RESTING,    /* connecting end: until the next try */
    LINK_CONNECTING, /* connecting end */
    LINK_GREETING,   /* the peer's Hello is awaited */
    LINK_PROVING,    /* the peer's Proof is awaited */
    LINK_UP,
    LINK_REFUSING, /* the peer is told why, then down */
    LINK_ENDING,   /* failed; the end of the turn cleans up */
    LINK_CLOSED,   /* by us */
};

/* A stack of those who would use the link after a callback that may close its owner. */
struct link_watch {
    struct link_watch *outer;
    bool is_gone;
};

struct link {
    struct scope *life;
    struct link_hub *hub;
    struct link_server *server; /* NULL: we connect */
    struct list in_server;      /* listening end: of server->proven or ->unproven */
    void *self;
    const struct msg *event; /* that on_event hears just now */
    enum link_state state;
    struct link_watch *watch;

    struct scope *connection; /* of one stream and its scratch */
    struct scope *scratch;
    struct stream *stream;
    struct buf address;        /* connecting end: where to; listening end: where from */
    struct text expected_peer; /* connecting end */
    struct link_options options_kept, *options_next; /* connecting end: for the next connect */
    struct timer *timer;                             /* opening limit, linger, or the next try */
    uint64_t back_off_ms;
    bool was_up;
    enum err why; /* it is ending */
    struct chore end_chore;

    struct buf in, out;
    uint64_t opening_bytes; /* received and not yet proven */
    struct text our_hello, peer_hello;
    uint8_t key[IDENTITY_KEY_BYTES];
    struct text peer, peer_role, peer_user; /* in `connection` */

    struct keep_alive keep_alive;
    struct timer *keep_alive_timer;
    bool is_traced;
    uint64_t polls;

    uint64_t next_ref;
    struct list asks; /* by due time */
    struct table *asks_by_ref;
    uint32_t ask_count;
    struct timer *ask_timer;
    struct list asks_ended; /* with an error, told at the end of the turn */
    struct chore asks_ended_chore;

    struct list requests; /* unanswered */
    uint32_t request_count;
};

/* link.c */
void hub_init(struct link_hub *hub, struct scope *life, struct net *net, const struct log *log,
              const struct link_identity *identity, const struct link_options *options,
              const struct link_handler *handlers, const struct link_life *hooks);
void hub_set_options(struct link_hub *hub, const struct link_options *options);
struct link *link_new(struct link_hub *hub, struct link_server *server, void *self);
void link_begin(struct link *link); /* the stream is there: the opening starts */
/* ERR_LIMIT: longer than a frame may be, nothing was sent. */
enum err link_write_frame(struct link *link, const struct msg *msg, uint64_t ref,
                          const struct link_header *header, const void *fields);
/* Ends it at the end of the turn; only the first reason counts. */
void link_fail(struct link *link, enum err why);
void link_on_bytes(void *self, struct text bytes);
void link_on_drained(void *self);
void link_on_stream_closed(void *self, enum err why);
void link_now_up(struct link *link); /* proven */
void link_watch_begin(struct link *link, struct link_watch *watch);
bool link_watch_end(struct link *link, const struct link_watch *watch); /* false: link is gone */
/* For the log: good until the scratch scope is emptied. */
const char *link_peer_name_z(const struct link *link);
const char *link_address_z(const struct link *link);

/* opening.c */
void opening_send_hello(struct link *link);
void opening_on_frame(struct link *link, const struct frame *frame, struct text body);

/* ask.c */
void asks_init(struct link *link);
void asks_fail_now(struct link *link, enum err why); /* the link may be gone afterwards */
void asks_on_reply(struct link *link, const struct frame *frame);

/* request.c */
void request_on_frame(struct link *link, const struct frame *frame);
void event_on_frame(struct link *link, const struct frame *frame);
void requests_forget_link(struct link *link);
void requests_close_answered(void *hub);
/* Both ways between the public struct and the frame's. */
void refusal_of_error(const struct link_error *error, struct link_refusal *out);
void error_of_refusal(const struct link_refusal *refusal, struct link_error *out);

/* connect.c */
void connect_rest(struct link *link); /* until the next try */
void connect_now(struct link *link);

/* listen.c: a proven link moves to the server's list; ERR_LIMIT when that is full. */
enum err server_on_proven(struct link *link);

#endif
