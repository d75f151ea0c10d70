/* SPDX-License-Identifier: Apache-2.0 */
/* Server-sent events on a virtual clock over the simulated net, and bodies as long as their asker
 * may send. */
#include "io/http/event_stream.h"

#include "tests/unit/test.h"

#include "base/buf.h"

#include <stdio.h>
#include <string.h>

static const uint64_t MAY_2026 = 1777900000000;

struct world {
    struct scope *scope;
    struct loop *loop;
    struct net *net;
    struct http_server *server;
    char address[32];
    struct event_stream *events; /* of the last request for /events */
    uint32_t closed;
    struct buf got; /* by the client */
    struct stream *client;
    bool is_ended;
};

static void on_close(void *self)
{
    struct world *world = self;
    world->closed++;
}

static void on_request(void *self, struct http_exchange *exchange)
{
    static const struct http_header kept[] = { { { "Cache-Control", 13 }, { "no-store", 8 } } };
    struct world *world = self;
    struct http_headers headers = { kept, 1 };
    if (text_eq(http_exchange_request(exchange)->path, TEXT("/events")))
        world->events = event_stream_begin(exchange, &headers, on_close, world);
    else
        http_reply(exchange, 200, &headers, TEXT("plain"));
}

static uint32_t body_limit(void *self, const struct http_request *head)
{
    (void)self;
    CHECK(head->peer.len > 0);
    return http_header_find(&head->headers, TEXT("Friend")).at ? 100 : 10;
}

static void on_bytes(void *self, struct text bytes)
{
    struct world *world = self;
    buf_add(&world->got, bytes);
}

static void on_ended(void *self, enum err why)
{
    struct world *world = self;
    (void)why;
    world->is_ended = true;
}

static struct world *world_new(void)
{
    static const struct stream_handler handler = { .on_bytes = on_bytes, .on_closed = on_ended };
    static const struct http_server_options options = { .body_bytes_max = 5,
                                                        .body_limit = body_limit };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(scope, sizeof *world);
    world->scope = scope;
    world->loop = loop_new_virtual(scope, MAY_2026, 7);
    world->net = net_new(scope, world->loop);
    CHECK_OK(http_server_open(scope, world->net, TEXT("127.0.0.1:0"), &options, on_request, world,
                              &world->server, NULL));
    (void)snprintf(world->address, sizeof world->address, "127.0.0.1:%u",
                   (unsigned)http_server_port(world->server));
    world->client = stream_connect(scope, world->net, text_of(world->address), &handler, world);
    return world;
}

static void world_close(struct world *world)
{
    buf_free(&world->got);
    scope_close(world->scope);
}

static void ask(struct world *world, const char *bytes)
{
    stream_write(world->client, text_of(bytes));
    loop_run_for(world->loop, 10);
}

static bool got(const struct world *world, const char *words)
{
    return world->got.len && memmem(world->got.at, world->got.len, words, strlen(words)) != NULL;
}

#define ASK_EVENTS "GET /events HTTP/1.1\r\nHost: x\r\n\r\n"

TEST(events_follow_a_head_without_a_length)
{
    struct world *world = world_new();
    ask(world, ASK_EVENTS);
    CHECK(got(world, "HTTP/1.1 200 OK\r\n"));
    CHECK(got(world, "Content-Type: text/event-stream; charset=utf-8\r\n"));
    CHECK(got(world, "Cache-Control: no-store\r\n"));
    CHECK(got(world, "Connection: close\r\n\r\n"));
    CHECK(!got(world, "Content-Length"));
    buf_clear(&world->got);
    CHECK_OK(event_stream_send(world->events, TEXT("moved"), TEXT("7"), TEXT("{\"a\":1}")));
    event_stream_comment(world->events, TEXT("here"));
    loop_run_for(world->loop, 10);
    CHECK(got(world, "id: 7\nevent: moved\ndata: {\"a\":1}\n\n"));
    buf_clear(&world->got);
    event_stream_comment(world->events, TEXT("here"));
    loop_run_for(world->loop, 10);
    CHECK_TEXT(buf_text(&world->got), ": here\n\n");
    world_close(world);
}

TEST(a_line_break_inside_never_begins_another_event)
{
    struct world *world = world_new();
    ask(world, ASK_EVENTS);
    buf_clear(&world->got);
    CHECK_OK(
        event_stream_send(world->events, TEXT("a"), TEXT(""), TEXT("x\r\n\r\nid: 9\rdata: y\n")));
    loop_run_for(world->loop, 10);
    CHECK_TEXT(buf_text(&world->got),
               "event: a\ndata: x\ndata: \ndata: id: 9\ndata: data: y\ndata: \n\n");
    world_close(world);
}

TEST(an_idle_stream_outlives_the_limits_of_requests)
{
    struct world *world = world_new();
    ask(world, ASK_EVENTS);
    loop_run_for(world->loop, 600 * 1000);
    CHECK(!world->is_ended);
    CHECK_OK(event_stream_send(world->events, TEXT("late"), TEXT(""), TEXT("1")));
    loop_run_for(world->loop, 10);
    CHECK(got(world, "event: late\n"));
    world_close(world);
}

TEST(a_client_that_goes_is_heard_of_once)
{
    struct world *world = world_new();
    ask(world, ASK_EVENTS);
    stream_close(world->client);
    loop_run_for(world->loop, 100);
    CHECK_U32(world->closed, 1);
    CHECK_U32(http_server_counters(world->server)->connections_now, 0);
    world_close(world);
}

TEST(who_does_not_read_is_told_apart)
{
    struct world *world = world_new();
    struct buf large = { 0 };
    ask(world, ASK_EVENTS);
    stream_pause(world->client);
    for (int i = 0; i < 100000; i++) buf_add(&large, TEXT("0123456789"));
    enum err err = ERR_OK;
    for (int i = 0; i < 20 && !err; i++) {
        err = event_stream_send(world->events, TEXT("big"), TEXT(""), buf_text(&large));
        loop_run_for(world->loop, 1);
    }
    CHECK_I64(err, ERR_LIMIT);
    event_stream_close(world->events);
    loop_run_for(world->loop, 20000);
    CHECK_U32(world->closed, 0); /* it was our own close */
    CHECK_U32(http_server_counters(world->server)->connections_now, 0);
    buf_free(&large);
    world_close(world);
}

TEST(a_stream_that_is_closed_ends_after_what_was_sent)
{
    struct world *world = world_new();
    ask(world, ASK_EVENTS);
    CHECK_OK(event_stream_send(world->events, TEXT("last"), TEXT(""), TEXT("1")));
    event_stream_close(world->events);
    loop_run_for(world->loop, 100);
    CHECK(got(world, "event: last\n") && world->is_ended);
    world_close(world);
}

TEST(what_is_pipelined_or_has_a_body_becomes_no_stream)
{
    struct world *world = world_new();
    ask(world, ASK_EVENTS ASK_EVENTS);
    CHECK(got(world, "HTTP/1.1 400 "));
    world_close(world);
}

TEST(a_body_is_as_long_as_its_asker_may_send)
{
    const struct {
        const char *request;
        bool is_taken;
    } tries[] = {
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n0123456789", true },
        { "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 11\r\n\r\n0123456789a", false },
        { "POST / HTTP/1.1\r\nHost: x\r\nFriend: yes\r\nContent-Length: 11\r\n\r\n0123456789a",
          true },
        { "POST / HTTP/1.1\r\nHost: x\r\nFriend: yes\r\nContent-Length: 101\r\n\r\n", false },
        { "POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: "
          "chunked\r\n\r\nb\r\n0123456789a\r\n0\r\n\r\n",
          false },
    };
    for (size_t i = 0; i < sizeof tries / sizeof tries[0]; i++) {
        struct world *world = world_new();
        ask(world, tries[i].request);
        CHECK(got(world, tries[i].is_taken ? "HTTP/1.1 200 OK" : "HTTP/1.1 413 "));
        world_close(world);
    }
}
