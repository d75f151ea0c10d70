/* SPDX-License-Identifier: Apache-2.0 */
/* sim_net.h - the knobs of the simulated network that net.h offers on a VIRTUAL loop. All nets on
 * one loop share it, so several servers in one process can talk.
 * Promise  each direction of a stream keeps its order; delays come from the loop's seed. A knob for
 *          an address touches the listeners at it and every stream that was connected to it.
 * Start    no delay: bytes arrive in a later turn of the same millisecond. */
#ifndef IO_NET_SIM_NET_H
#define IO_NET_SIM_NET_H

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
