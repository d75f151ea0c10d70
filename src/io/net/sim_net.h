/* SPDX-License-Identifier: Apache-2.0 */
/* sim_net.h - the knobs of the simulated network that net.h offers on a VIRTUAL loop. All nets on
 * one loop share it, so several servers in one process can talk.
 * Promise  each direction of a stream keeps its order; delays come from the loop's seed. A knob for
 *          an address touches the listeners at it and every stream that was connected to it.
 * Start    no delay: bytes arrive in a later turn of the same millisecond.
 * Killed   when a scope that owns streams closes, as by kill -9, peers hear the end after the delay
 *          and behind what was sent; a listener's place refuses from then on.
 * Weather  what TCP lets a program see of a bad network, by chance. It hides packets, so there is
 * no loss, doubling or disorder inside a stream; but connections overtake each other, go silent,
 * are reset with bytes under way, and whole requests come twice. */
#ifndef IO_NET_SIM_NET_H
#define IO_NET_SIM_NET_H

#include "base/buf.h"
#include "io/net/net.h"

/* Each connect, piece of bytes and close takes min..max ms from now on. */
void sim_net_delay(struct net *net, uint32_t min_ms, uint32_t max_ms);
/* New connections are refused as if nobody listened. */
void sim_net_refuse(struct net *net, struct text address, bool is_on);
/* Silence: nothing passes and nobody is told, as when a cable is pulled. What was under way arrives
 * when the cut ends. */
void sim_net_cut(struct net *net, struct text address, bool is_on);
/* Both ends of the address's streams hear ERR_CLOSED in the next turn; bytes under way are lost. */
void sim_net_break(struct net *net, struct text address);

/* Chances are per million. Where which belongs:
 *   delay, tail, split, merge   everywhere
 *   refuse, hang, silence, reset, close_reset   wherever there is a network: links, HTTP, WebSocket
 *   repeat   plain HTTP, requests that are not asked in pieces behind an answer; others (links,
 *            TLS, WebSockets) are told apart and left alone
 *   ghost    HTTP whose requests may come twice. On a link it is a replay attack, which its opening
 *            must refuse; of a WebSocket it makes a second client that nobody reads. */
struct sim_net_weather {
    uint32_t delay_min_ms, delay_max_ms; /* of each connect, piece, close */
    uint32_t tail, tail_max_ms;          /* the long tail: so much more, at most */
    uint32_t split;                      /* a piece arrives in several, cut anywhere */
    uint32_t merge;                      /* a piece joins the one under way before it */
    uint32_t refuse, hang;               /* a connect: refused; never answered, nobody is told */
    /* One direction passes nothing from this piece on: for a time, then all of it arrives; or, by
     * the chance `silence_for_ever` of those, never, and nobody is told. */
    uint32_t silence, silence_max_ms, silence_for_ever;
    /* Some time after this piece both ends hear ERR_CLOSED; what is under way then is lost. */
    uint32_t reset, reset_max_ms;
    /* Who closes (not finishes) with bytes unread or under way to him resets the connection: what
     * is under way from him is lost (RFC 9112 9.6). */
    uint32_t close_reset;
    /* All that the client of a connection says arrives once more, on a connection of its own that
     * begins up to so much later and ends by itself; the answers go nowhere. */
    uint32_t ghost, ghost_max_ms;
    /* An HTTP request is sent twice by a proxy between, up to so much later, each with a connection
     * of its own on the server's side: in half of the cases the client gets the first answer and
     * the second goes nowhere; else, if nothing of an answer has arrived yet, the first connection
     * ends and the client gets the answer to the second. */
    uint32_t repeat, repeat_max_ms;
};
/* For all addresses that have none of their own, instead of what was; NULL: calm. Of it streams at
 * "unix:" addresses, which lie in one machine, feel delay_min..max alone. What has already been
 * inflicted stays: a silence for ever goes on in calm. */
void sim_net_set_weather(struct net *net, const struct sim_net_weather *weather);
/* NULL: the same as everywhere. */
void sim_net_set_weather_at(struct net *net, struct text address,
                            const struct sim_net_weather *weather);
/* One drawn at random, each kind in half of all: from mild to bad, never so bad that nothing gets
 * through. Without ghosts: who wants them says so. */
struct sim_net_weather sim_net_weather_any(struct random *random);

#define SIM_NET_COUNTERS(X)                                                                        \
    X(refusals)                                                                                    \
    X(hangs)                                                                                       \
    X(tails)                                                                                       \
    X(splits)                                                                                      \
    X(merges)                                                                                      \
    X(silences)                                                                                    \
    X(deaf)                                                                                        \
    X(resets)                                                                                      \
    X(close_resets)                                                                                \
    X(ghosts)                                                                                      \
    X(repeats)                                                                                     \
    X(lost_bytes)

struct sim_net_counters { /* what the weather did; silences that last for ever are `deaf` */
#define X(name) uint64_t name;
    SIM_NET_COUNTERS(X)
#undef X
};
const struct sim_net_counters *sim_net_counters(const struct net *net);
void sim_net_tell(const struct net *net, struct buf *out); /* "34 resets, 12 ghosts" or "calm" */

/* Two connected streams, as socketpair(2) makes them, for a parent and its child process in one
 * simulated machine. No address, so no knob but the ends' own deeds touches them: bytes and closes
 * arrive in order, each in a later turn of the same millisecond. Each end dies with its owner; no
 * on_open comes. The nets may differ, the loop is one. */
struct sim_net_end {
    struct scope *owner;
    struct net *net;
    const struct stream_handler *handler;
    void *self;
};
void sim_net_pair(const struct sim_net_end *a, const struct sim_net_end *b, struct stream **out_a,
                  struct stream **out_b);

#endif
