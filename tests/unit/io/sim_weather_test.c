/* SPDX-License-Identifier: Apache-2.0 */
/* Each kind of bad weather, as the parties at both ends of a stream see it. */
#include "tests/unit/io/net_world.h"
#include "tests/unit/test.h"

#include "io/net/sim_net.h"

#include <stdlib.h>

enum { ALWAYS = 1000000 };

static const char place[] = "127.0.0.1:6100";

struct talk {
    struct world world;
    struct door door;
    struct party caller;
};

static void talk_begin(struct talk *talk)
{
    world_open(&talk->world, true, 7);
    door_open(&talk->door, &talk->world, place, NULL);
    party_connect(&talk->caller, &talk->world, place);
    loop_run(talk->world.loop);
    CHECK_U32(talk->caller.opens, 1);
}

static void talk_end(struct talk *talk)
{
    if (talk->caller.life) party_end(&talk->caller);
    buf_free(&talk->caller.heard);
    door_end(&talk->door);
    world_close(&talk->world);
}

static void storm(struct talk *talk, struct sim_net_weather weather)
{
    sim_net_set_weather(talk->world.net, &weather);
}

static void run_ms(struct talk *talk, uint64_t ms)
{
    loop_run_for(talk->world.loop, ms);
}

#define SEEN(talk) sim_net_counters((talk).world.net)

TEST(a_piece_arrives_in_several_and_in_order)
{
    struct talk talk = { 0 };
    talk_begin(&talk);
    storm(&talk, (struct sim_net_weather){ .split = ALWAYS, .delay_max_ms = 20 });
    party_say(&talk.caller, "whatever is said here arrives in pieces");
    run_ms(&talk, 100);
    CHECK_TEXT(buf_text(&talk.door.parties[0].heard), "whatever is said here arrives in pieces");
    CHECK(talk.door.parties[0].pieces > 1);
    CHECK_U32(SEEN(talk)->splits, 1);
    talk_end(&talk);
}

TEST(pieces_under_way_join)
{
    struct talk talk = { 0 };
    talk_begin(&talk);
    storm(&talk, (struct sim_net_weather){ .merge = ALWAYS, .delay_min_ms = 9, .delay_max_ms = 9 });
    for (int i = 0; i < 3; i++) {
        party_say(&talk.caller, "ab");
        run_ms(&talk, 2);
    }
    run_ms(&talk, 100);
    CHECK_TEXT(buf_text(&talk.door.parties[0].heard), "ababab");
    CHECK_U32(talk.door.parties[0].pieces, 1);
    CHECK_U32(SEEN(talk)->merges, 2);
    talk_end(&talk);
}

TEST(the_long_tail_lets_connections_overtake_each_other)
{
    struct talk talk = { 0 };
    struct party quick = { 0 };
    talk_begin(&talk);
    party_connect(&quick, &talk.world, place);
    run_ms(&talk, 1);
    storm(&talk, (struct sim_net_weather){ .tail = ALWAYS, .tail_max_ms = 60000 });
    party_say(&talk.caller, "first");
    run_ms(&talk, 0);
    storm(&talk, (struct sim_net_weather){ 0 });
    party_say(&quick, "second");
    run_ms(&talk, 0);
    CHECK_U32(talk.door.parties[0].pieces, 0);
    CHECK_U32(talk.door.parties[1].pieces, 1);
    run_ms(&talk, 60000);
    CHECK_TEXT(buf_text(&talk.door.parties[0].heard), "first");
    CHECK_U32(SEEN(talk)->tails, 1);
    party_end(&quick);
    talk_end(&talk);
}

TEST(a_connect_is_refused_or_hangs)
{
    struct talk talk = { 0 };
    struct party refused = { 0 }, hanging = { 0 };
    talk_begin(&talk);
    storm(&talk, (struct sim_net_weather){ .refuse = ALWAYS });
    party_connect(&refused, &talk.world, place);
    storm(&talk, (struct sim_net_weather){ .hang = ALWAYS });
    party_connect(&hanging, &talk.world, place);
    run_ms(&talk, 3600000);
    CHECK_U32(refused.why, ERR_REFUSED);
    CHECK_U32(hanging.opens + hanging.closes, 0);
    CHECK_U32(SEEN(talk)->refusals, 1);
    CHECK_U32(SEEN(talk)->hangs, 1);
    CHECK_U32(talk.door.count, 1);
    party_end(&refused);
    party_end(&hanging);
    talk_end(&talk);
}

TEST(a_silence_of_one_direction_ends_and_keeps_the_order)
{
    struct talk talk = { 0 };
    talk_begin(&talk);
    storm(&talk, (struct sim_net_weather){ .silence = ALWAYS, .silence_max_ms = 1000000 });
    party_say(&talk.caller, "a");
    run_ms(&talk, 0);
    storm(&talk, (struct sim_net_weather){ 0 });
    party_say(&talk.caller, "b");
    party_say(&talk.door.parties[0], "the other way is free");
    run_ms(&talk, 0);
    CHECK_U32(talk.door.parties[0].pieces, 0);
    CHECK_U32(talk.caller.pieces, 1);
    run_ms(&talk, 1000000);
    CHECK_TEXT(buf_text(&talk.door.parties[0].heard), "ab");
    CHECK_U32(SEEN(talk)->silences, 1);
    talk_end(&talk);
}

static const struct sim_net_weather deafness = { .silence = ALWAYS, .silence_for_ever = ALWAYS };

TEST(a_half_open_connection_hears_nothing_any_more_not_even_the_end)
{
    struct talk talk = { 0 };
    talk_begin(&talk);
    storm(&talk, deafness);
    party_say(&talk.caller, "lost");
    run_ms(&talk, 0);
    storm(&talk, (struct sim_net_weather){ 0 });
    party_say(&talk.door.parties[0], "free");
    run_ms(&talk, 0);
    CHECK_U32(talk.caller.pieces, 1);
    party_end(&talk.caller);
    party_say(&talk.door.parties[0], "to nobody");
    run_ms(&talk, 3600000);
    CHECK_U32(talk.door.parties[0].pieces + talk.door.parties[0].closes, 0);
    CHECK_U32(SEEN(talk)->deaf, 1);
    CHECK_U32(SEEN(talk)->lost_bytes, 4);
    talk_end(&talk);
}

TEST(a_deaf_peer_takes_what_a_kernel_holds_and_then_bytes_wait)
{
    struct talk talk = { 0 };
    enum { BIG = 1000000 };
    char *big = calloc(1, BIG);
    talk_begin(&talk);
    storm(&talk, deafness);
    stream_write(talk.caller.stream, (struct text){ big, BIG });
    run_ms(&talk, 3600000);
    CHECK(stream_unsent(talk.caller.stream) > BIG / 2);
    CHECK_U32(talk.caller.drains, 0);
    talk_end(&talk);
    /* The same towards one that is gone, as long as nobody told. */
    struct talk gone = { 0 };
    talk_begin(&gone);
    storm(&gone, deafness);
    party_say(&gone.caller, "x"); /* the door hears no more */
    run_ms(&gone, 0);
    party_end(&gone.caller);
    stream_write(gone.door.parties[0].stream, (struct text){ big, BIG });
    run_ms(&gone, 1000);
    CHECK(stream_unsent(gone.door.parties[0].stream) > BIG / 2);
    CHECK_U32(gone.door.parties[0].closes, 0);
    talk_end(&gone);
    free(big);
}

TEST(a_reset_loses_what_is_under_way_so_a_request_is_done_and_its_answer_lost)
{
    struct talk talk = { .door.manner.is_echoing = true };
    talk_begin(&talk);
    party_say(&talk.caller, "do it");
    sim_net_delay(talk.world.net, 10, 10);
    run_ms(&talk, 10);
    CHECK_TEXT(buf_text(&talk.door.parties[0].heard), "do it");
    storm(&talk, (struct sim_net_weather){ .reset = ALWAYS });
    party_say(&talk.caller, "and that"); /* resets; the answer is under way */
    run_ms(&talk, 10);
    CHECK_U32(talk.caller.closes, 1);
    CHECK_U32(talk.caller.why, ERR_CLOSED);
    CHECK_U32(talk.caller.pieces, 0);
    CHECK_U32(talk.door.parties[0].closes, 1);
    CHECK_U32(talk.door.parties[0].pieces, 1);
    CHECK_U32(SEEN(talk)->resets, 1);
    talk_end(&talk);
}

TEST(a_close_over_unread_bytes_may_take_the_last_words_along)
{
    for (int is_reset = 0; is_reset < 2; is_reset++) {
        struct talk talk = { 0 };
        talk_begin(&talk);
        stream_pause(talk.caller.stream);
        party_say(&talk.door.parties[0], "unread");
        run_ms(&talk, 0);
        storm(&talk, (struct sim_net_weather){ .delay_min_ms = 5,
                                               .delay_max_ms = 5,
                                               .close_reset = is_reset ? ALWAYS : 0 });
        party_say(&talk.caller, "last words");
        run_ms(&talk, 1);
        party_end(&talk.caller);
        run_ms(&talk, 100);
        CHECK_U32(talk.door.parties[0].pieces, is_reset ? 0 : 1);
        CHECK_U32(talk.door.parties[0].closes, 1);
        CHECK_U32(SEEN(talk)->close_resets, is_reset);
        talk_end(&talk);
    }
}

TEST(a_ghost_says_everything_once_more_and_is_answered_into_nothing)
{
    struct talk talk = { 0 };
    world_open(&talk.world, true, 7);
    talk.door.manner.is_echoing = true;
    door_open(&talk.door, &talk.world, place, NULL);
    storm(&talk, (struct sim_net_weather){ .ghost = ALWAYS, .ghost_max_ms = 5000 });
    party_connect(&talk.caller, &talk.world, place);
    run_ms(&talk, 1);
    party_say(&talk.caller, "one ");
    run_ms(&talk, 5000);
    party_say(&talk.caller, "two");
    run_ms(&talk, 1);
    CHECK_U32(talk.door.count, 2);
    CHECK_TEXT(buf_text(&talk.door.parties[0].heard), "one two");
    CHECK_TEXT(buf_text(&talk.door.parties[1].heard), "one two");
    CHECK_TEXT(buf_text(&talk.caller.heard), "one two");
    CHECK_U32(SEEN(talk)->ghosts, 1);
    party_end(&talk.caller);
    run_ms(&talk, 60000);
    CHECK_U32(talk.door.parties[0].closes, 1);
    CHECK_U32(talk.door.parties[1].closes, 1);
    CHECK_U32(talk.door.count, 2);
    talk_end(&talk);
}

/* Says one request with every seed, echoed by the door: how often the door and the caller hear. */
struct repeat_story {
    uint32_t heard_by_first, heard_by_second, answers, moved, haunted;
};

static void repeat_run(struct repeat_story *story, uint64_t seed, const char *words,
                       bool leaves_at_once)
{
    struct talk talk = { .door.manner.is_echoing = true };
    world_open(&talk.world, true, seed);
    door_open(&talk.door, &talk.world, place, NULL);
    storm(&talk,
          (struct sim_net_weather){
              .delay_min_ms = 10, .delay_max_ms = 10, .repeat = ALWAYS, .repeat_max_ms = 60 });
    party_connect(&talk.caller, &talk.world, place);
    party_say(&talk.caller, words);
    run_ms(&talk, 31);
    if (leaves_at_once) party_end(&talk.caller);
    run_ms(&talk, 1000);
    story->heard_by_first += talk.door.parties[0].pieces;
    story->heard_by_second += talk.door.parties[1].pieces;
    CHECK(talk.caller.pieces <= 1);
    CHECK_U32(talk.caller.closes, 0);
    story->answers += talk.caller.pieces;
    if (talk.door.count == 2) {
        bool is_moved = talk.door.parties[0].closes == 1 && talk.caller.pieces == 1;
        story->moved += is_moved;
        story->haunted += !is_moved;
        CHECK_TEXT(buf_text(&talk.door.parties[1].heard), words);
    }
    CHECK_U32(SEEN(talk)->repeats, talk.door.count - 1);
    talk_end(&talk);
}

TEST(a_proxy_sends_a_request_twice_and_the_client_gets_one_answer)
{
    struct repeat_story story = { 0 };
    for (uint64_t seed = 1; seed <= 40; seed++)
        repeat_run(&story, seed, "GET / HTTP/1.1\r\n", false);
    CHECK_U32(story.answers, 40);
    CHECK_U32(story.heard_by_second, 40);
    CHECK(story.heard_by_first > 30); /* most were carried out already: done twice */
    CHECK(story.moved > 3);
    CHECK(story.haunted > 10);
    CHECK_U32(story.moved + story.haunted, 40);
}

TEST(a_client_that_leaves_is_repeated_all_the_same)
{
    struct repeat_story story = { 0 };
    repeat_run(&story, 3, "POST / HTTP/1.1\r\n", true);
    CHECK_U32(story.heard_by_second, 1);
}

TEST(no_proxy_repeats_what_is_no_plain_request)
{
    struct repeat_story story = { 0 };
    repeat_run(&story, 1, "GET / HTTP/1.1\r\nUpgrade: websocket\r\n\r\n", false);
    repeat_run(&story, 1, "\x16\x03\x01 hello", false);
    repeat_run(&story, 1, "answer me", false);
    CHECK_U32(story.heard_by_first, 3);
    CHECK_U32(story.heard_by_second, 0);
}

TEST(who_is_killed_is_heard_after_the_delay_and_his_place_refuses)
{
    struct talk talk = { 0 };
    struct party late = { 0 };
    struct scope *victim;
    world_open(&talk.world, true, 7);
    victim = scope_new(talk.world.life, "process", SCOPE_NO_LIMIT);
    struct world process = { victim, talk.world.loop, net_new(victim, talk.world.loop) };
    door_open(&talk.door, &process, place, NULL);
    party_connect(&talk.caller, &talk.world, place);
    run_ms(&talk, 1);
    sim_net_delay(talk.world.net, 10, 10);
    party_say(&talk.door.parties[0], "sent, ");
    run_ms(&talk, 0);
    party_say(&talk.door.parties[0], "not sent");
    scope_close(victim);
    run_ms(&talk, 9);
    CHECK_U32(talk.caller.closes, 0);
    party_connect(&late, &talk.world, place);
    run_ms(&talk, 30);
    CHECK_TEXT(buf_text(&talk.caller.heard), "sent, ");
    CHECK_U32(talk.caller.closes, 1);
    CHECK_U32(late.why, ERR_REFUSED);
    party_end(&late);
    talk_end(&talk);
}

TEST(an_address_has_weather_of_its_own_and_a_unix_socket_has_none)
{
    struct talk talk = { 0 };
    struct door inside = { .manner.is_echoing = true }, other = { .manner.is_echoing = true };
    struct party one = { 0 }, two = { 0 };
    talk_begin(&talk);
    door_open(&inside, &talk.world, "unix:/run/x", NULL);
    door_open(&other, &talk.world, "127.0.0.1:7000", NULL);
    storm(&talk,
          (struct sim_net_weather){ .refuse = ALWAYS, .delay_min_ms = 3, .delay_max_ms = 3 });
    sim_net_set_weather_at(talk.world.net, TEXT("127.0.0.1:7000"), &(struct sim_net_weather){ 0 });
    party_connect(&one, &talk.world, "unix:/run/x");
    party_connect(&two, &talk.world, "127.0.0.1:7000");
    run_ms(&talk, 0);
    CHECK_U32(two.opens, 1);
    CHECK_U32(one.opens, 0);
    run_ms(&talk, 6);
    CHECK_U32(one.opens, 1);
    sim_net_set_weather_at(talk.world.net, TEXT("127.0.0.1:7000"), NULL);
    party_end(&two);
    party_connect(&two, &talk.world, "127.0.0.1:7000");
    run_ms(&talk, 6);
    CHECK_U32(two.why, ERR_REFUSED);
    party_end(&one);
    party_end(&two);
    door_end(&inside);
    door_end(&other);
    talk_end(&talk);
}

TEST(the_counters_are_told_in_words)
{
    struct talk talk = { 0 };
    struct buf words = { 0 };
    talk_begin(&talk);
    sim_net_tell(talk.world.net, &words);
    CHECK_TEXT(buf_text(&words), "calm");
    storm(&talk, deafness);
    party_say(&talk.caller, "four");
    run_ms(&talk, 0);
    buf_clear(&words);
    sim_net_tell(talk.world.net, &words);
    CHECK_TEXT(buf_text(&words), "1 deaf, 4 lost bytes");
    buf_free(&words);
    talk_end(&talk);
}

/* --- every weather, every seed --- */

/* What 12 callers and their doors hear, and when, as one text. Ends go by themselves. */
static void story(struct buf *out, uint64_t seed)
{
    struct world world;
    struct door door = { .manner.is_echoing = true };
    struct party callers[12] = { 0 };
    world_open(&world, true, seed);
    struct sim_net_weather weather = sim_net_weather_any(loop_random(world.loop));
    weather.ghost = seed % 2 ? 300000 : 0;
    weather.ghost_max_ms = 1000;
    sim_net_set_weather(world.net, &weather);
    door_open(&door, &world, place, NULL);
    for (int i = 0; i < 12; i++) party_connect(&callers[i], &world, place);
    for (int ms = 0; ms < 400; ms += 10) {
        for (int i = 0; i < 12; i++)
            if (ms % 40 == 0) party_say(&callers[i], ms == 0 ? "GET / 1" : "more");
        loop_run_for(world.loop, 10);
        for (int i = 0; i < 12; i++)
            buf_format(out, "%u %zu %u|", callers[i].pieces, callers[i].heard.len,
                       callers[i].closes);
        for (int i = 0; i < 7; i++)
            buf_format(out, "%zu %u|", door.parties[i].heard.len, door.parties[i].closes);
        buf_format(out, "%u\n", door.count);
    }
    sim_net_tell(world.net, out);
    loop_run_for(world.loop, 5 * 60000);
    for (int i = 0; i < 12; i++) {
        CHECK(callers[i].opens <= 1);
        CHECK(callers[i].closes <= 1);
        party_end(&callers[i]);
    }
    door_end(&door);
    world_close(&world);
}

TEST(a_seed_replays_its_weather_byte_for_byte)
{
    for (uint64_t seed = 1; seed <= 60; seed++) {
        struct buf first = { 0 }, again = { 0 };
        story(&first, seed);
        story(&again, seed);
        CHECK(text_eq(buf_text(&first), buf_text(&again)));
        buf_free(&first);
        buf_free(&again);
    }
}
