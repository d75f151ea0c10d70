/* SPDX-License-Identifier: Apache-2.0 */
/* io/net on a virtual loop. */
#include "tests/unit/io/net_world.h"
#include "tests/unit/test.h"

#include "io/net/sim_net.h"

#include <stdlib.h>

static const char place[] = "127.0.0.1:6100";

static void talk_open(struct world *world, struct door *door, struct party *caller)
{
    world_open(world, true, 1);
    door_open(door, world, place, NULL);
    party_connect(caller, world, place);
}

static void talk_close(struct world *world, struct door *door, struct party *caller)
{
    party_end(caller);
    door_end(door);
    world_close(world);
}

TEST(bytes_come_back_in_the_simulated_world)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    struct party caller = { 0 };
    talk_open(&world, &door, &caller);
    party_say(&caller, "hel");
    party_say(&caller, "lo");
    CHECK_U32(caller.opens, 0);
    loop_run(world.loop);
    CHECK_U32(caller.opens, 1);
    CHECK_U32(caller.pieces, 1); /* the writes of one turn are one piece */
    CHECK_TEXT(buf_text(&caller.heard), "hello");
    CHECK(text_starts(stream_peer(door.parties[0].stream), TEXT("127.0.0.1:4")));
    CHECK_TEXT(stream_peer(caller.stream), place);
    CHECK(stream_is_loopback(caller.stream));
    stream_close(caller.stream);
    loop_run(world.loop);
    CHECK_U32(caller.closes, 0);
    CHECK_U32(door.parties[0].closes, 1);
    talk_close(&world, &door, &caller);
}

TEST(two_nets_on_one_loop_share_the_network)
{
    struct world world, second;
    struct door door = { .manner.is_echoing = true };
    struct party caller = { .stops_at = 2 };
    world_open(&world, true, 1);
    second = world;
    second.net = net_new(world.life, world.loop);
    door_open(&door, &second, "unix:/run/x.sock", NULL);
    party_connect(&caller, &world, "unix:/run/x.sock");
    party_say(&caller, "hi");
    loop_run_for(world.loop, 1);
    CHECK_TEXT(buf_text(&caller.heard), "hi");
    CHECK_TEXT(stream_peer(door.parties[0].stream), "unix");
    talk_close(&world, &door, &caller);
}

TEST(delay_is_exact_on_the_virtual_clock)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    struct party caller = { 0 };
    world_open(&world, true, 1);
    sim_net_delay(world.net, 10, 10);
    door_open(&door, &world, place, NULL);
    party_connect(&caller, &world, place);
    loop_run_for(world.loop, 19);
    CHECK_U32(caller.opens, 0);
    loop_run_for(world.loop, 1);
    CHECK_U32(caller.opens, 1); /* there and back */
    party_say(&caller, "x");
    loop_run_for(world.loop, 19);
    CHECK_U32(caller.pieces, 0);
    loop_run_for(world.loop, 1);
    CHECK_U32(caller.pieces, 1);
    talk_close(&world, &door, &caller);
}

TEST(delays_that_vary_keep_the_order_of_a_stream)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 };
    struct buf wanted = { 0 };
    talk_open(&world, &door, &caller);
    sim_net_delay(world.net, 0, 50);
    for (int i = 0; i < 100; i++) {
        char word[] = { (char)('A' + i % 50), 0 };
        party_say(&caller, word);
        buf_add_z(&wanted, word);
        loop_run_for(world.loop, 3);
    }
    stream_finish(caller.stream);
    loop_run(world.loop);
    CHECK(text_eq(buf_text(&door.parties[0].heard), buf_text(&wanted)));
    CHECK_U32(door.parties[0].closes, 1);
    CHECK_I64(net_counters(world.net)->streams_closed, 2);
    buf_free(&wanted);
    talk_close(&world, &door, &caller);
}

TEST(nobody_there_or_a_refusing_place_refuses)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 }, refused = { 0 }, welcome = { 0 };
    world_open(&world, true, 1);
    party_connect(&caller, &world, place);
    CHECK_U32(caller.closes, 0);
    loop_run(world.loop);
    CHECK_U32(caller.why, ERR_REFUSED);
    door_open(&door, &world, place, NULL);
    sim_net_refuse(world.net, text_of(place), true);
    party_connect(&refused, &world, place);
    loop_run(world.loop);
    CHECK_U32(refused.why, ERR_REFUSED);
    sim_net_refuse(world.net, text_of(place), false);
    party_connect(&welcome, &world, place);
    loop_run(world.loop);
    CHECK_U32(welcome.opens, 1);
    party_end(&refused);
    party_end(&welcome);
    talk_close(&world, &door, &caller);
}

TEST(a_cut_is_silence_and_what_was_under_way_arrives_after_it)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 }, late = { 0 };
    talk_open(&world, &door, &caller);
    loop_run(world.loop);
    sim_net_cut(world.net, text_of(place), true);
    party_say(&caller, "a");
    party_connect(&late, &world, place);
    loop_run_for(world.loop, 3600000);
    CHECK_U32(door.parties[0].pieces, 0);
    CHECK_U32(late.opens + late.closes + caller.closes + door.parties[0].closes, 0);
    sim_net_cut(world.net, text_of(place), false);
    party_say(&caller, "b");
    loop_run_for(world.loop, 0);
    CHECK_TEXT(buf_text(&door.parties[0].heard), "ab");
    CHECK_U32(late.opens, 1);
    party_end(&late);
    talk_close(&world, &door, &caller);
}

TEST(a_break_ends_both_sides_and_a_new_connect_works)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 }, again = { 0 };
    talk_open(&world, &door, &caller);
    loop_run(world.loop);
    sim_net_break(world.net, text_of(place));
    CHECK_U32(caller.closes, 0);
    loop_run(world.loop);
    CHECK_U32(caller.closes, 1);
    CHECK_U32(caller.why, ERR_CLOSED);
    CHECK_U32(door.parties[0].closes, 1);
    party_connect(&again, &world, place);
    loop_run(world.loop);
    CHECK_U32(again.opens, 1);
    party_end(&again);
    talk_close(&world, &door, &caller);
}

TEST(a_simulated_slow_reader_makes_bytes_wait)
{
    struct world world;
    struct door door = { .manner.pauses_on_bytes = true };
    struct party caller = { 0 };
    enum { BIG = 1000000 };
    char *big = malloc(BIG);
    talk_open(&world, &door, &caller);
    for (size_t i = 0; i < BIG; i++) big[i] = (char)(i % 251);
    stream_write(caller.stream, (struct text){ big, BIG });
    loop_run(world.loop);
    CHECK_U32(door.parties[0].pieces, 1);
    CHECK(stream_unsent(caller.stream) > 0);
    CHECK_U32(caller.drains, 0);
    door.parties[0].pauses_on_bytes = false;
    stream_resume(door.parties[0].stream);
    CHECK_U32(door.parties[0].pieces, 1);
    loop_run(world.loop);
    CHECK_U32(stream_unsent(caller.stream), 0);
    CHECK_U32(caller.drains, 1);
    CHECK(text_eq(buf_text(&door.parties[0].heard), (struct text){ big, BIG }));
    free(big);
    talk_close(&world, &door, &caller);
}

TEST(a_paused_side_hears_the_bytes_before_the_end)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 };
    talk_open(&world, &door, &caller);
    loop_run(world.loop);
    stream_pause(door.parties[0].stream);
    party_say(&caller, "last words");
    loop_run(world.loop);
    stream_close(caller.stream);
    loop_run(world.loop);
    CHECK_U32(door.parties[0].closes, 0);
    stream_resume(door.parties[0].stream);
    loop_run(world.loop);
    CHECK_TEXT(buf_text(&door.parties[0].heard), "last words");
    CHECK_U32(door.parties[0].closes, 1);
    talk_close(&world, &door, &caller);
}

TEST(a_resume_between_two_arrivals_keeps_their_order)
{
    struct world world;
    struct door door = { 0 };
    struct party slow = { 0 }, quick = { 0 };
    talk_open(&world, &door, &slow);
    party_connect(&quick, &world, place);
    loop_run(world.loop);
    stream_pause(door.parties[0].stream);
    door.parties[1].resumes_on_bytes = door.parties[0].stream;
    party_say(&slow, "1");
    loop_run(world.loop);
    party_say(&quick, "go"); /* arrives in the same turn, just before the next */
    party_say(&slow, "2");
    loop_run(world.loop);
    CHECK_TEXT(buf_text(&door.parties[0].heard), "12");
    party_end(&quick);
    talk_close(&world, &door, &slow);
}

TEST(a_scope_may_close_inside_a_simulated_callback)
{
    struct world world;
    struct door door = { .manner.closes_scope_on_bytes = true };
    struct party caller = { 0 };
    talk_open(&world, &door, &caller);
    party_say(&caller, "go");
    loop_run(world.loop);
    CHECK(door.parties[0].life == NULL);
    CHECK_U32(caller.closes, 1);
    talk_close(&world, &door, &caller);
}

TEST(a_full_simulated_listener_lets_others_wait)
{
    struct world world;
    struct door door = { 0 };
    struct party first = { 0 }, second = { 0 }, third = { 0 };
    world_open(&world, true, 1);
    door_open(&door, &world, place, &(struct listener_options){ .connections_max = 1 });
    party_connect(&first, &world, place);
    party_connect(&second, &world, place);
    party_connect(&third, &world, place);
    loop_run(world.loop);
    CHECK_U32(first.opens + second.opens + third.opens, 1);
    party_end(&first);
    loop_run(world.loop);
    CHECK_U32(second.opens, 1);
    CHECK_U32(third.opens + third.closes, 0);
    listener_close(door.listener);
    loop_run(world.loop);
    CHECK_U32(third.why, ERR_REFUSED);
    party_end(&second);
    party_end(&third);
    door_end(&door);
    world_close(&world);
}

TEST(a_place_is_taken_once_and_any_host_answers_for_each)
{
    struct world world;
    struct door door = { 0 };
    struct party caller = { 0 };
    struct listener *listener;
    struct fault fault;
    world_open(&world, true, 1);
    door_open(&door, &world, "0.0.0.0:6100", NULL);
    CHECK_U32(listener_open(world.life, world.net, TEXT("0.0.0.0:6100"), NULL, NULL, NULL,
                            &listener, &fault),
              ERR_EXISTS);
    party_connect(&caller, &world, "localhost:6100");
    loop_run(world.loop);
    CHECK_U32(caller.opens, 1);
    talk_close(&world, &door, &caller);
}

static void pair_open(struct world *world, struct party *parent, struct party *child)
{
    world_open(world, true, 1);
    parent->world = child->world = world;
    parent->life = scope_new(world->life, "parent", SCOPE_NO_LIMIT);
    child->life = scope_new(world->life, "child", SCOPE_NO_LIMIT);
    sim_net_pair(&(struct sim_net_end){ parent->life, world->net, &party_handler, parent },
                 &(struct sim_net_end){ child->life, world->net, &party_handler, child },
                 &parent->stream, &child->stream);
}

TEST(a_pair_talks_both_ways_and_no_weather_touches_it)
{
    struct world world;
    struct party parent = { 0 }, child = { .is_echoing = true };
    pair_open(&world, &parent, &child);
    sim_net_delay(world.net, 50, 50);
    party_say(&parent, "hel");
    party_say(&parent, "lo");
    loop_run_for(world.loop, 0);
    CHECK_TEXT(buf_text(&parent.heard), "hello");
    CHECK_U32(parent.opens + child.opens, 0);
    CHECK_TEXT(stream_peer(parent.stream), "unix");
    party_end(&parent);
    party_end(&child);
    world_close(&world);
}

TEST(a_pairs_end_is_heard_behind_its_last_bytes_and_only_by_the_other)
{
    struct world world;
    struct party parent = { 0 }, child = { 0 };
    pair_open(&world, &parent, &child);
    party_say(&child, "last words");
    loop_run_for(world.loop, 0);
    party_say(&child, "never sent, it was killed first");
    scope_close(child.life);
    CHECK_U32(parent.closes, 0);
    loop_run(world.loop);
    CHECK_TEXT(buf_text(&parent.heard), "last words");
    CHECK_U32(parent.closes, 1);
    CHECK_U32(parent.why, ERR_CLOSED);
    CHECK_U32(child.closes, 0);
    party_end(&parent);
    buf_free(&child.heard);
    world_close(&world);
}

/* When each of seven callers hears its echo, as one line. */
static void story(struct buf *out, uint64_t seed)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    static struct party callers[7];
    world_open(&world, true, seed);
    sim_net_delay(world.net, 1, 40);
    door_open(&door, &world, place, NULL);
    for (int i = 0; i < 7; i++) {
        party_connect(&callers[i], &world, place);
        party_say(&callers[i], "x");
    }
    for (int ms = 0; ms < 200; ms++) {
        loop_run_for(world.loop, 1);
        for (int i = 0; i < 7; i++) buf_add_byte(out, (char)('0' + callers[i].pieces));
    }
    for (int i = 0; i < 7; i++) {
        CHECK_U32(callers[i].pieces, 1);
        party_end(&callers[i]);
    }
    door_end(&door);
    world_close(&world);
}

TEST(the_seed_replays_the_same_world_and_another_seed_another)
{
    struct buf first = { 0 }, again = { 0 }, other = { 0 };
    story(&first, 42);
    story(&again, 42);
    story(&other, 43);
    CHECK(text_eq(buf_text(&first), buf_text(&again)));
    CHECK(!text_eq(buf_text(&first), buf_text(&other)));
    buf_free(&first);
    buf_free(&again);
    buf_free(&other);
}

TEST(a_simulated_world_closes_with_everything_under_way)
{
    struct world world;
    struct door door = { .manner.pauses_on_bytes = true };
    struct party callers[3] = { 0 };
    world_open(&world, true, 1);
    door_open(&door, &world, place, NULL);
    for (int i = 0; i < 3; i++) party_connect(&callers[i], &world, place);
    party_say(&callers[0], "waits unread");
    loop_run_for(world.loop, 1);
    sim_net_cut(world.net, text_of(place), true);
    party_say(&callers[0], "held");
    party_say(&callers[1], "finishing");
    stream_finish(callers[1].stream);
    loop_run_for(world.loop, 1);
    world_close(&world);
    for (int i = 0; i < 3; i++) CHECK_U32(callers[i].closes, 0);
    door_end(&door);
}
