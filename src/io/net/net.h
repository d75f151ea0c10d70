/* SPDX-License-Identifier: Apache-2.0 */
/* net.h - byte streams between processes: Unix sockets and TCP for real, and pipes inside one
 * process on a virtual loop (sim_net), behind one interface, so that links, HTTP and servers cannot
 * tell which world they live in.
 * Addresses  "unix:/run/x.sock", "127.0.0.1:6100", "[::1]:6100", "localhost:6100" (127.0.0.1). Port
 *            0 lets the system choose. Names are not looked up here.
 * Promise    callbacks follow loop.h's rule. stream_write copies; the writes of one turn leave in
 *            one system call. After stream_close() or stream_finish() no callback comes. on_closed
 *            comes at most once, when the peer or the network ended it, never for our own close;
 *            after it the stream is closed. A closed stream may be called: nothing happens.
 * Owner      a struct stream or listener stays valid memory until its owner scope closes; make one
 *            scope per connection. Everything made with a net dies before the net's scope.
 * Bound      stream_unsent() tells what waits; the owner of the stream decides when a slow reader
 *            has to go. */
#ifndef IO_NET_NET_H
#define IO_NET_NET_H

#include "io/loop/loop.h"

struct net;
struct stream;
struct listener;
struct tls_config; /* tls.h */

struct net *net_new(struct scope *owner,
                    struct loop *loop); /* the real one; VIRTUAL loop: the sim */
struct loop *net_loop(struct net *net);

struct net_counters { /* since the net began */
    uint64_t streams_accepted, streams_connected, streams_closed;
    uint64_t accept_pauses; /* a listener rested since descriptors or memory were short */
    uint64_t writes;        /* system calls that took bytes; simulated: hand-overs */
    uint64_t bytes_in, bytes_out;
    uint64_t tls_handshakes, tls_failures; /* ended well, and not: see tls.h */
};
const struct net_counters *net_counters(const struct net *net);
/* Hear of each rest that a listener at `address` takes for want of descriptors or memory; one
 * hearer per net, who lives as long. */
void net_on_pause(struct net *net, void (*on_pause)(void *self, const char *address), void *self);

struct stream_handler {
    void (*on_open)(void *self); /* connecting ended well; not for accepted ones; may be NULL */
    void (*on_bytes)(void *self, struct text bytes); /* view is good until return */
    void (*on_drained)(void *self);                  /* unsent fell to 0 again; may be NULL */
    void (*on_closed)(void *self, enum err why);     /* refused, reset, ended by the peer */
};

/* The stream dies with `owner`. Nothing is called before the next turn. */
struct stream *stream_connect(struct scope *owner, struct net *net, struct text address,
                              const struct stream_handler *handler, void *self);
/* Take over a connected descriptor (a socketpair end inherited from a parent). REAL only. */
struct stream *stream_from_fd(struct scope *owner, struct net *net, int fd,
                              const struct stream_handler *handler, void *self);
void stream_write(struct stream *stream, struct text bytes);
/* For writers that collect by themselves, so that a body for thousands is not copied for each: all
 * pieces go to the system at once, in one call, when nothing waits before them. What it does not
 * take, or what has to wait, is copied, as by stream_write(). */
enum { STREAM_PIECES_MAX = 64 };
void stream_write_now(struct stream *stream, const struct text *pieces, size_t count);
size_t stream_unsent(const struct stream *stream);
/* The stream goes on under another protocol; its owner stays. */
void stream_set_handler(struct stream *stream, const struct stream_handler *handler, void *self);
void stream_pause(struct stream *stream); /* stop reading: back-pressure */
void stream_resume(struct stream *stream);
/* Send what waits, then close, in the background and at most STREAM_FINISH_MS: the net looks after
 * it, so the owner may close its scope at once. What still arrives is dropped unread. */
enum { STREAM_FINISH_MS = 5000 };
void stream_finish(struct stream *stream);
void stream_close(struct stream *stream);             /* now; unsent bytes are dropped */
struct text stream_peer(const struct stream *stream); /* "127.0.0.1:51234", "unix" */
bool stream_is_loopback(const struct stream *stream);
/* In on_closed and after it: more than its `why` says, "certificate verify failed"; may be empty.
 */
struct text stream_words(const struct stream *stream);
/* Peer credentials of a Unix socket; ERR_UNSUPPORTED elsewhere. */
enum err stream_peer_uid(const struct stream *stream, uint32_t *uid, uint32_t *pid);

struct listener_options {
    uint32_t backlog;         /* 0: 4096, clamped by the system */
    uint32_t connections_max; /* 0: no own bound; past it new ones wait in the backlog */
    bool take_over; /* Unix: replace a socket file that nobody answers at; else a file in the way is
                       ERR_EXISTS. TCP has SO_REUSEADDR always on */
    struct tls_config *tls; /* NULL: plain. A stream is handed over before its handshake, so that
                               slow ones count as other slow ones do */
    bool detects_tls;       /* with `tls`: who does not begin with a handshake is served plain */
};

/* `on_stream` must give the stream an owner with stream_adopt() before it returns, else it is
 * closed. A Unix socket file is made for this user alone (0600) and removed on close. When
 * descriptors run out the listener rests for a moment; those who wait stay in the backlog. */
enum err listener_open(struct scope *owner, struct net *net, struct text address,
                       const struct listener_options *options,
                       void (*on_stream)(void *self, struct stream *stream), void *self,
                       struct listener **out, struct fault *fault);
void stream_adopt(struct scope *owner, struct stream *stream, const struct stream_handler *handler,
                  void *self);
void listener_close(struct listener *listener);
uint16_t listener_port(const struct listener *listener); /* TCP: the bound port */

#endif
