/* SPDX-License-Identifier: Apache-2.0 */
/* net_private.h - the inside of a net, for the files of this room only.
 * A stream has two halves: net.c keeps its life, its unsent bytes and its handler, the same in both
 * worlds; a wire (socket_stream.c, sim_net.c) carries the bytes. The upper half calls the wire
 * through struct stream_wire, the wire calls back through stream_opened() and its sisters.
 * Holders  a stream or listener is freed when its owner's note and its wire have both let go. */
#ifndef IO_NET_NET_PRIVATE_H
#define IO_NET_NET_PRIVATE_H

#include "io/net/address.h"
#include "io/net/net.h"

#include "base/buf.h"

struct net {
    struct loop *loop;
    struct scope *life;
    struct list streams, listeners;
    struct list finishing;      /* the earliest finish_mono_ms first */
    struct timer *finish_timer; /* for the first of them */
    struct list handshakes;     /* of TLS, the earliest due first */
    struct timer *handshake_timer;
    uint64_t refusals_since_ms; /* of handshakes that failed */
    uint32_t refusals;
    struct sim_world *world; /* VIRTUAL */
    char *read_bytes;        /* REAL: one for all; a read is handed on before the next */
    struct net_counters counters;
    void (*on_pause)(void *self, const char *address);
    void *pause_self;
};

enum stream_state { STREAM_NEW, STREAM_CONNECTING, STREAM_OPEN, STREAM_CLOSED };

struct stream_wire {
    void (*send)(struct stream *stream); /* take from stream->out */
    /* Bytes that the system takes at once, nothing waiting before them; NULL: none ever. */
    size_t (*send_now)(struct stream *stream, const struct text *pieces, size_t count);
    void (*read)(struct stream *stream, bool on); /* start or stop handing bytes up */
    void (*shut)(struct stream *stream);          /* no more bytes from us: tell the peer */
    void (*drop)(struct stream *stream);          /* close; stream_release() when done */
    enum err (*credentials)(const struct stream *stream, uint32_t *uid, uint32_t *pid);
};

struct stream {
    struct list node; /* in net->streams */
    struct net *net;
    const struct stream_wire *wire; /* NULL: never got one */
    const struct stream_handler *handler;
    void *self;
    uint32_t holders;
    enum stream_state state;
    bool is_paused, is_loopback;
    bool is_finishing;   /* no more callbacks */
    bool is_shut;        /* finishing, and the wire was told */
    bool is_unsendable;  /* the wire refused bytes; what arrives may still be read */
    bool owes_drained;   /* written since on_drained came last */
    bool is_layered;     /* its wire is another stream: that one is counted */
    enum err ending;     /* what `end` will tell */
    struct buf out;      /* of this turn, or behind what the wire has not taken yet */
    size_t handed_bytes; /* with the wire, not yet sent */
    struct chore flush, end;
    struct list finish_node;
    uint64_t finish_mono_ms;
    struct listener *from; /* accepted by; counts against its connections_max */
    const char *words;     /* why it ended, where that is known; may be NULL */
    char peer[ADDRESS_TEXT_BYTES];
};

struct listener_wire {
    void (*resume)(struct listener *listener); /* there is room again */
    void (*drop)(struct listener *listener);   /* close; listener_release() when done */
};

struct listener {
    struct list node; /* in net->listeners */
    struct net *net;
    const struct listener_wire *wire;
    struct listener_options options;
    struct address address;
    void (*on_stream)(void *self, struct stream *stream);
    void *self;
    uint32_t holders, stream_count;
    bool is_closed;
};

/* net.c, for wires. Each may end in a handler that closes the stream. */
void stream_init(struct stream *stream, struct net *net, const struct stream_wire *wire,
                 enum stream_state state, const struct address *peer);
void stream_own(struct scope *owner, struct stream *stream, const struct stream_handler *handler,
                void *self);
/* The same for a holder that is no scope: it calls stream_release() once, after stream_close(). */
void stream_hold(struct stream *stream, const struct stream_handler *handler, void *self);
void stream_begin(struct stream *stream); /* an accepted one, held: its bytes may come */
void stream_opened(struct stream *stream);
void stream_received(struct stream *stream, struct text bytes);
void stream_took(struct stream *stream); /* the wire sent bytes: more may follow */
void stream_send_failed(struct stream *stream);
void stream_ended(struct stream *stream, enum err why);
void stream_end_later(struct stream *stream, enum err why);
void stream_release(struct stream *stream);

/* listener.c */
void listener_init(struct listener *listener, struct net *net, const struct listener_wire *wire);
bool listener_is_full(const struct listener *listener);
void listener_hand_over(struct listener *listener, struct stream *stream);
void listener_stream_gone(struct listener *listener);
void listener_release(struct listener *listener);

/* socket_stream.c, socket_listener.c */
enum { READ_BYTES = 64 * 1024 };
enum err socket_err(int uv_status);
struct stream *socket_connect(struct net *net, const struct address *address);
/* Takes `fd`, also when it fails: then NULL. */
struct stream *socket_stream_new(struct net *net, int fd, const struct address *peer);
enum err socket_listen(struct net *net, const struct address *address,
                       const struct listener_options *options, struct listener **out,
                       struct fault *fault);

/* tls_stream.c */
void tls_init(struct net *net);
/* Takes an accepted stream that nobody holds; what comes out is STREAM_NEW. `detects`: it may turn
 * out to be plain. */
struct stream *tls_accept(struct stream *under, struct tls_config *config, bool detects);

/* sim_net.c */
struct sim_world *sim_world_get(struct loop *loop);
struct stream *sim_connect(struct net *net, const struct address *address);
enum err sim_listen(struct net *net, const struct address *address, struct listener **out,
                    struct fault *fault);

#endif
