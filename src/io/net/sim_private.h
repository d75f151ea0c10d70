/* SPDX-License-Identifier: Apache-2.0 */
/* sim_private.h - what the files of the simulated network share.
 *   sim_net.c      streams, listeners, and the events that are under way between them
 *   sim_weather.c  what the weather does to one connect, one piece, one close; the knobs
 *   sim_ghost.c    bytes that arrive twice: ghosts and a proxy's repeats */
#ifndef IO_NET_SIM_PRIVATE_H
#define IO_NET_SIM_PRIVATE_H

#include "io/net/net_private.h"
#include "io/net/sim_net.h"

enum event_kind {
    EVENT_CONNECT,
    EVENT_REFUSED,
    EVENT_OPENED,
    EVENT_BYTES,
    EVENT_END,
    EVENT_RESET,  /* of the connection: now, not when its turn in the stream has come */
    EVENT_REPEAT, /* to a client: its request is taken to another connection */
};

struct sim_event {
    struct list node;
    enum event_kind kind;
    uint64_t due_mono_ms, order;
    struct sim_stream *to; /* held */
    struct buf bytes;
};

struct sim_rule { /* what stands in the way of an address */
    struct address address;
    bool is_cut, is_refusing, has_weather;
    struct sim_net_weather weather;
    struct sim_rule *next;
};

struct sim_world {
    struct scope *life;
    struct loop *loop;
    struct timer *timer;
    struct list events, listeners, streams;
    struct sim_rule *rules;
    struct sim_net_weather weather, local; /* local: at "unix:" addresses */
    struct sim_net_counters counters;
    struct net *ghosts; /* the net of those who come twice; NULL: none did yet */
    struct scope *ghost_life;
    uint64_t order;
    uint16_t last_port;
};

struct sim_stream {
    struct stream stream; /* first: the upper half knows only this */
    struct list node;     /* in world->streams */
    struct sim_world *world;
    struct sim_stream *peer;  /* NULL: not yet, or gone */
    struct address link;      /* what the client connected to; both ends have it */
    uint64_t arrival_mono_ms; /* of the last event to us: order is kept */
    struct sim_event *last;   /* bytes to us, under way: what comes next may join them */
    size_t unread_bytes;      /* that we sent and the peer's handler has not seen */
    struct buf arrived;       /* while we do not read */
    bool is_reading, has_arrived_end, has_sent_end;
    bool is_paired; /* by sim_net_pair(): no network between */
    bool is_deaf;   /* nothing reaches us any more */
    bool is_client;
    bool is_ghost;          /* comes twice: not a third time */
    struct sim_ghost *twin; /* a ghost that says what we say; NULL: none */
    struct buf request;     /* a client's, as long as a proxy may repeat it */
    bool is_in_request;     /* nothing was heard since it began */
    struct chore catch_up;
};

static inline struct sim_stream *sim_of(struct stream *stream)
{
    return (struct sim_stream *)stream;
}

/* sim_net.c; `bytes` is taken, or lost when `to` is deaf. */
void event_post(struct sim_stream *to, enum event_kind kind, struct buf bytes);
/* At once whatever else is under way to `to`, `in_ms` from now. */
void event_post_aside(struct sim_stream *to, enum event_kind kind, uint64_t in_ms);
void events_lose(struct sim_stream *to); /* all that is under way to it */
/* Brings a client and the listener at its address together; false: nobody listens, or it is full
 * of others. `said` (taken): what the client has said to somebody else before. */
bool sim_meet(struct sim_stream *client, struct buf said);
void sim_part(struct sim_stream *sim); /* the ends know each other no more */
struct sim_rule *rule_find(struct sim_world *world, const struct address *address);
void sim_world_arm(struct sim_world *world); /* an obstacle came or went */

/* sim_weather.c */
struct random *weather_random(const struct sim_world *world);
uint64_t weather_span_ms(const struct sim_world *world, uint32_t limit_ms); /* 0 .. limit_ms */
bool weather_strikes(const struct sim_world *world, uint32_t per_million);
/* Of a stream's address; for one end of a pair, calm. */
const struct sim_net_weather *weather_of(const struct sim_stream *sim);
uint64_t weather_delay_ms(const struct sim_stream *to);
void weather_connect(struct sim_stream *client);               /* posts what comes of it */
void weather_send(struct sim_stream *from, struct text bytes); /* there is a peer */
void weather_close(struct sim_stream *sim); /* there is a peer; before it hears of the end */
void weather_reset(struct sim_stream *sim); /* EVENT_RESET */

/* sim_ghost.c */
void ghost_connect(struct sim_stream *client); /* may give it a twin */
void ghost_send(struct sim_stream *client, struct text bytes);
void ghost_hear(struct sim_stream *client);
void ghost_leave(struct sim_stream *client);  /* it is closed */
void ghost_repeat(struct sim_stream *client); /* EVENT_REPEAT */

#endif
