/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/io/net_world.h"

#include <stdio.h>

void world_open(struct world *world, bool is_virtual, uint64_t seed)
{
    world->life = scope_new(NULL, "world", SCOPE_NO_LIMIT);
    world->loop = is_virtual ? loop_new_virtual(world->life, 0, seed) : loop_new(world->life);
    world->net = net_new(world->life, world->loop);
}

void world_close(struct world *world)
{
    scope_close(world->life);
}

void world_settle(struct world *world)
{
    for (int turn = 0; turn < 15; turn++) loop_run_for(world->loop, 2);
}

static void on_open(void *self)
{
    ((struct party *)self)->opens++;
}

static void on_bytes(void *self, struct text bytes)
{
    struct party *party = self;
    party->pieces++;
    buf_add(&party->heard, bytes);
    if (party->is_echoing) stream_write(party->stream, bytes);
    if (party->closes_on_bytes) stream_close(party->stream);
    if (party->finishes_on_bytes) stream_finish(party->stream);
    if (party->pauses_on_bytes) stream_pause(party->stream);
    if (party->resumes_on_bytes) stream_resume(party->resumes_on_bytes);
    if (party->stops_at && party->heard.len >= party->stops_at) loop_stop(party->world->loop);
    if (party->closes_scope_on_bytes) {
        struct scope *life = party->life;
        party->life = NULL;
        party->stream = NULL;
        scope_close(life);
    }
}

static void on_drained(void *self)
{
    ((struct party *)self)->drains++;
}

static void on_closed(void *self, enum err why)
{
    struct party *party = self;
    party->closes++;
    party->why = why;
    stream_write(party->stream, TEXT("to the deaf")); /* nothing happens */
    stream_close(party->stream);
    if (party->stops_on_close) loop_stop(party->world->loop);
}

const struct stream_handler party_handler = { on_open, on_bytes, on_drained, on_closed };

void party_connect(struct party *party, struct world *world, const char *address)
{
    party->world = world;
    party->life = scope_new(world->life, "party", SCOPE_NO_LIMIT);
    party->stream =
        stream_connect(party->life, world->net, text_of(address), &party_handler, party);
}

void party_say(struct party *party, const char *words)
{
    stream_write(party->stream, text_of(words));
}

void party_end(struct party *party)
{
    scope_close(party->life);
    buf_free(&party->heard);
    *party = (struct party){ 0 };
}

static void on_stream(void *self, struct stream *stream)
{
    struct door *door = self;
    uint32_t last = sizeof door->parties / sizeof door->parties[0] - 1;
    struct party *party = &door->parties[door->count < last ? door->count : last];
    door->count++;
    if (door->refuses) return;
    struct buf heard = party->heard;
    *party = door->manner;
    party->heard = heard;
    party->world = door->world;
    party->life = scope_new(door->world->life, "caller", SCOPE_NO_LIMIT);
    party->stream = stream;
    stream_adopt(party->life, stream, &party_handler, party);
}

void door_open(struct door *door, struct world *world, const char *address,
               const struct listener_options *options)
{
    struct fault fault;
    door->world = world;
    enum err err = listener_open(world->life, world->net, text_of(address), options, on_stream,
                                 door, &door->listener, &fault);
    if (err) (void)fprintf(stderr, "%s\n", fault.words);
    ASSERT(!err);
}

void door_end(struct door *door)
{
    for (size_t i = 0; i < sizeof door->parties / sizeof door->parties[0]; i++)
        buf_free(&door->parties[i].heard);
}

const char *door_address(const struct door *door)
{
    static char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u", listener_port(door->listener));
    return address;
}
