/* SPDX-License-Identifier: Apache-2.0 */
/* A cable: who connects to its near end talks to its far end. So one of many clients of a server
 * can be silent, slow or cut off, by the knobs of sim_net.h at the near end, while the others go
 * on. */
#include "tests/world/world.h"

struct cable {
    struct scope *life;
    struct net *net;
    struct text far_end;
};

struct end {
    struct stream *stream;
    struct end *other;
};

static void on_bytes(void *self, struct text bytes)
{
    const struct end *end = self;
    stream_write(end->other->stream, bytes);
}

static void on_closed(void *self, enum err why)
{
    const struct end *end = self;
    (void)why;
    stream_finish(end->other->stream);
}

static const struct stream_handler handler = { .on_bytes = on_bytes, .on_closed = on_closed };

static void on_stream(void *self, struct stream *stream)
{
    struct cable *cable = self;
    struct end *ends = scope_alloc_array(cable->life, 2, sizeof *ends);
    ends[0] = (struct end){ .stream = stream, .other = &ends[1] };
    ends[1] = (struct end){ .other = &ends[0] };
    stream_adopt(cable->life, stream, &handler, &ends[0]);
    ends[1].stream = stream_connect(cable->life, cable->net, cable->far_end, &handler, &ends[1]);
}

void cable_lay(struct world *world, struct text near_end, struct text far_end)
{
    struct cable *cable = scope_alloc(world->life, sizeof *cable);
    struct listener *listener;
    struct fault fault;
    *cable = (struct cable){ world->life, world->net, scope_keep(world->life, far_end) };
    if (listener_open(world->life, world->net, near_end, &(struct listener_options){ 0 }, on_stream,
                      cable, &listener, &fault))
        world_fail(world, "a cable at %.*s: %s", TEXT_ARG(near_end), fault.words);
}
