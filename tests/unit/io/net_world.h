/* SPDX-License-Identifier: Apache-2.0 */
/* net_world.h - for the tests of io/net: a loop with a net, and parties that talk over it and keep
 * what they hear. */
#ifndef TESTS_UNIT_IO_NET_WORLD_H
#define TESTS_UNIT_IO_NET_WORLD_H

#include "io/net/net.h"

#include "base/buf.h"

struct world {
    struct scope *life;
    struct loop *loop;
    struct net *net;
};

struct party {
    struct world *world;
    struct scope *life; /* of its stream */
    struct stream *stream;
    struct buf heard;
    uint32_t opens, pieces, drains, closes;
    enum err why;
    bool is_echoing, closes_on_bytes, finishes_on_bytes, pauses_on_bytes, closes_scope_on_bytes;
    bool stops_on_close;
    struct stream *resumes_on_bytes;
    size_t stops_at; /* bytes heard that end the run */
};

struct door { /* a listener that makes parties of those who come */
    struct world *world;
    struct listener *listener;
    struct party parties[8]; /* of the first who came; the last slot serves all others */
    uint32_t count;
    bool refuses;        /* gives no owner */
    struct party manner; /* how its parties behave */
};

void world_open(struct world *world, bool is_virtual, uint64_t seed);
void world_close(struct world *world);
/* REAL: some turns, each of which looks at the sockets, however slow the machine is. */
void world_settle(struct world *world);
void party_connect(struct party *party, struct world *world, const char *address);
void party_say(struct party *party, const char *words);
void party_end(struct party *party); /* its scope and what it heard */
void door_open(struct door *door, struct world *world, const char *address,
               const struct listener_options *options);
void door_end(struct door *door);
const char *door_address(const struct door *door); /* of a TCP door on 127.0.0.1 */
extern const struct stream_handler party_handler;

#endif
