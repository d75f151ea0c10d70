/* SPDX-License-Identifier: Apache-2.0 */
/* The server against raw streams: what a careless, slow, greedy or hostile client sees. Timeouts
 * run on a virtual clock over the simulated net, the rest over real loopback as well. */
#include "io/http/server.h"

#include "tests/unit/test.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAWS_MAX = 1100, LATER_MAX = 64 };
static const uint64_t MAY_2026 = 1777900000000;

struct raw { /* a client that sends what the test says */
    struct stream *stream;
    struct buf got;
    bool is_closed;
};

struct world {
    struct scope *scope;
    struct loop *loop;
    struct net *net;
    struct http_server *server;
    char address[32];
    struct raw raws[RAWS_MAX];
    size_t raw_count;
    /* what the handler does */
    size_t body_bytes;  /* of its answers; 0: it echoes method, path, query and body */
    bool answers_later; /* ids are noted and answered by answer() */
    uint64_t later[LATER_MAX];
    size_t later_count;
    unsigned status;
};

static void reply(struct world *world, struct http_exchange *exchange)
{
    const struct http_request *request = http_exchange_request(exchange);
    static const struct http_header header[] = {
        { { "Content-Type", 12 }, { "text/plain", 10 } },
        { { "X-Evil", 6 }, { "a\r\nX-Split: b", 13 } },
        { { "Content-Length", 14 }, { "1", 1 } },
    };
    struct http_headers headers = { header, 3 };
    struct text body = scope_format(http_exchange_scope(exchange), "%.*s %.*s?%.*s [%.*s]",
                                    TEXT_ARG(request->method), TEXT_ARG(request->path),
                                    TEXT_ARG(request->query), TEXT_ARG(request->body));
    char *large = NULL;
    if (world->body_bytes) {
        large = calloc(1, world->body_bytes);
        body = (struct text){ large, world->body_bytes };
    }
    http_reply(exchange, world->status ? world->status : 200, &headers, body);
    free(large);
}

static void on_request(void *self, struct http_exchange *exchange)
{
    struct world *world = self;
    if (!world->answers_later) {
        reply(world, exchange);
        return;
    }
    CHECK(world->later_count < LATER_MAX);
    world->later[world->later_count++] = http_exchange_id(exchange);
}

/* Answer what was asked as number `index`; false when the client has gone. */
static bool answer(struct world *world, size_t index)
{
    struct http_exchange *exchange = http_find(world->server, world->later[index]);
    if (exchange) reply(world, exchange);
    return exchange != NULL;
}

static struct world *world_new(bool is_virtual, const struct http_server_options *options)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(scope, sizeof *world);
    world->scope = scope;
    world->loop = is_virtual ? loop_new_virtual(scope, MAY_2026, 7) : loop_new(scope);
    world->net = net_new(scope, world->loop);
    CHECK_OK(http_server_open(scope, world->net, TEXT("127.0.0.1:0"), options, on_request, world,
                              &world->server, NULL));
    (void)snprintf(world->address, sizeof world->address, "127.0.0.1:%u",
                   (unsigned)http_server_port(world->server));
    return world;
}

static void world_close(struct world *world)
{
    for (size_t i = 0; i < world->raw_count; i++) buf_free(&world->raws[i].got);
    scope_close(world->scope);
}

static void on_raw_bytes(void *self, struct text bytes)
{
    struct raw *raw = self;
    buf_add(&raw->got, bytes);
}

static void on_raw_closed(void *self, enum err why)
{
    (void)why;
    struct raw *raw = self;
    raw->is_closed = true;
}

static struct raw *connect_raw(struct world *world)
{
    static const struct stream_handler handler = { .on_bytes = on_raw_bytes,
                                                   .on_closed = on_raw_closed };
    CHECK(world->raw_count < RAWS_MAX);
    struct raw *raw = &world->raws[world->raw_count++];
    raw->stream = stream_connect(world->scope, world->net, text_of(world->address), &handler, raw);
    return raw;
}

static void run(struct world *world)
{
    loop_run_for(world->loop, loop_is_virtual(world->loop) ? 1 : 60);
}

static void send_z(struct raw *raw, const char *bytes)
{
    stream_write(raw->stream, text_of(bytes));
}

static struct raw *ask(struct world *world, const char *bytes)
{
    struct raw *raw = connect_raw(world);
    send_z(raw, bytes);
    run(world);
    return raw;
}

static bool got(const struct raw *raw, const char *words)
{
    return raw->got.len && memmem(raw->got.at, raw->got.len, words, strlen(words)) != NULL;
}

static size_t count(const struct raw *raw, const char *words)
{
    size_t found = 0;
    struct text rest = buf_text(&raw->got);
    const char *at;
    while (rest.len && (at = memmem(rest.at, rest.len, words, strlen(words))) != NULL) {
        found++;
        rest = text_slice(rest, (size_t)(at - rest.at) + 1, SIZE_MAX);
    }
    return found;
}

/* The status it was refused with, after which the connection ended; 0: it was not. */
static unsigned refusal(const struct raw *raw)
{
    unsigned status = 0;
    if (!raw->is_closed || !got(raw, "Connection: close\r\n")) return 0;
    (void)text_to_u32(text_slice(buf_text(&raw->got), 9, 3), 100, 599, &status);
    return status;
}

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"

TEST(a_request_is_answered_and_the_connection_kept)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = ask(world, GET("/a?b"));
        CHECK(got(raw, "HTTP/1.1 200 OK\r\n"));
        CHECK(got(raw, "Content-Type: text/plain\r\n"));
        CHECK(got(raw, "Content-Length: 11\r\n"));
        CHECK(got(raw, " GMT\r\n"));
        CHECK(got(raw, "\r\n\r\nGET /a?b []"));
        CHECK(!got(raw, "Connection"));
        CHECK(!got(raw, "Evil") && !got(raw, "Split")); /* a value never splits a response */
        CHECK_U32(count(raw, "Content-Length"), 1);
        send_z(raw, "POST /c HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nxyz");
        run(world);
        CHECK(got(raw, "POST /c? [xyz]"));
        CHECK(!raw->is_closed);
        CHECK_I64(http_server_counters(world->server)->requests, 2);
        CHECK_I64(http_server_counters(world->server)->connections_now, 1);
        world_close(world);
    }
}

TEST(the_date_is_the_clocks_as_rfc_9110_writes_it)
{
    struct world *world = world_new(true, NULL);
    CHECK(got(ask(world, GET("/")), "Date: Mon, 04 May 2026 13:06:40 GMT\r\n"));
    loop_run_for(world->loop, 1000);
    CHECK(got(ask(world, GET("/")), "Date: Mon, 04 May 2026 13:06:41 GMT\r\n"));
    world_close(world);
}

TEST(pipelined_requests_are_answered_in_order_one_at_a_time)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        world->answers_later = true;
        struct raw *raw = ask(world, GET("/1") GET("/2") GET("/3"));
        CHECK_U32(world->later_count, 1);
        CHECK(answer(world, 0));
        CHECK_U32(world->later_count, 1); /* never from inside the reply */
        run(world);
        CHECK_U32(world->later_count, 2);
        CHECK(!answer(world, 0)); /* its id is used up */
        CHECK(answer(world, 1));
        run(world);
        CHECK(answer(world, 2));
        run(world);
        buf_add_byte(&raw->got, 0);
        const char *first = strstr(raw->got.at, "/1"), *second = strstr(raw->got.at, "/2"),
                   *third = strstr(raw->got.at, "/3");
        CHECK(first && second && third && first < second && second < third);
        world_close(world);
    }
}

TEST(a_hundred_pipelined_requests_are_answered_at_once)
{
    struct world *world = world_new(false, NULL);
    struct raw *raw = connect_raw(world);
    for (int i = 0; i < 100; i++) send_z(raw, GET("/x"));
    run(world);
    CHECK_U32(count(raw, "HTTP/1.1 200 OK"), 100);
    world_close(world);
}

TEST(an_exchange_is_not_found_when_its_client_has_gone)
{
    struct world *world = world_new(true, NULL);
    world->answers_later = true;
    struct raw *raw = ask(world, GET("/1"));
    CHECK_U32(world->later_count, 1);
    stream_close(raw->stream);
    run(world);
    CHECK(!answer(world, 0));
    CHECK_I64(http_server_counters(world->server)->connections_now, 0);
    world_close(world);
}

TEST(smuggling_forms_end_the_connection_and_nothing_behind_them_is_served)
{
    static const char *const forms[] = {
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\nTransfer-Encoding: "
        "chunked\r\n\r\n0\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nX: y\nTransfer-Encoding: chunked\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1;\n\r\nx\r\n0\r\n\r\n",
        "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    };
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
            struct raw *raw = connect_raw(world);
            send_z(raw, forms[i]);
            send_z(raw, GET("/smuggled"));
            run(world);
            CHECK_U32(refusal(raw), 400);
            CHECK_U32(count(raw, "HTTP/1.1"), 1);
        }
        CHECK_I64(http_server_counters(world->server)->requests, 0);
        CHECK_I64(http_server_counters(world->server)->bad_requests, 8);
        CHECK(got(ask(world, GET("/")), "200 OK"));
        world_close(world);
    }
}

TEST(a_request_before_a_bad_one_is_still_answered)
{
    struct world *world = world_new(false, NULL);
    struct raw *raw = ask(world, GET("/good") "GET / HTTP/1.1\r\n\r\n" GET("/behind"));
    CHECK(got(raw, "GET /good? []"));
    CHECK(got(raw, "HTTP/1.1 400 Bad Request\r\n"));
    CHECK(!got(raw, "/behind"));
    CHECK(raw->is_closed);
    world_close(world);
}

TEST(garbage_and_oversized_requests_are_refused_by_their_own_status)
{
    struct world *world = world_new(false, NULL);
    static char zeros[20000];
    memset(zeros, 'a', sizeof zeros - 1);
    CHECK_U32(refusal(ask(world, "\x16\x03\x01\x02")), 400);
    CHECK_U32(refusal(ask(world, "GET / HTTP/2.0\r\nHost: a\r\n\r\n")), 505);
    CHECK_U32(refusal(ask(world, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048577\r\n\r\n")),
              413);
    CHECK_U32(refusal(ask(world, zeros)), 414);
    struct raw *raw = connect_raw(world);
    send_z(raw, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    send_z(raw, zeros);
    run(world);
    CHECK_U32(refusal(raw), 431);
    CHECK(got(ask(world, GET("/")), "200 OK"));
    world_close(world);
}

TEST(a_client_that_waits_for_100_continue_gets_it_before_its_body)
{
    struct world *world = world_new(false, NULL);
    struct raw *raw = ask(
        world, "POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
    CHECK_TEXT(buf_text(&raw->got), "HTTP/1.1 100 Continue\r\n\r\n");
    send_z(raw, "ok");
    run(world);
    CHECK(got(raw, "200 OK") && got(raw, "[ok]"));
    world_close(world);
}

TEST(head_and_204_answers_have_no_body)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = ask(world, "HEAD /a HTTP/1.1\r\nHost: a\r\n\r\n");
    CHECK(got(raw, "Content-Length: 11\r\n"));
    CHECK(!got(raw, "HEAD /a"));
    world->status = 204;
    raw = ask(world, GET("/a"));
    CHECK(got(raw, "HTTP/1.1 204 No Content\r\n"));
    CHECK(!got(raw, "Content-Length"));
    CHECK(!got(raw, "GET /a"));
    world_close(world);
}

TEST(a_1_0_client_is_answered_and_closed_unless_it_asks_to_be_kept)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = ask(world, "GET / HTTP/1.0\r\n\r\n");
    CHECK(got(raw, "200 OK"));
    CHECK(got(raw, "Connection: close\r\n"));
    CHECK(raw->is_closed);
    raw = ask(world, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
    CHECK(got(raw, "Connection: keep-alive\r\n"));
    CHECK(!raw->is_closed);
    world_close(world);
}

TEST(a_slow_request_gets_408_after_30_s_and_an_idle_connection_ends_after_60) /* outbound 14.1 */
{
    struct world *world = world_new(true, NULL);
    struct raw *idle = connect_raw(world);
    struct raw *loris = ask(world, "GET / HTTP/1.1\r\n");
    for (int second = 1; second < 30; second++) { /* a byte a second does not help */
        loop_run_for(world->loop, 1000);
        send_z(loris, "X");
    }
    CHECK(!loris->is_closed);
    loop_run_for(world->loop, 1001);
    CHECK_U32(refusal(loris), 408);
    CHECK(!idle->is_closed);
    loop_run_for(world->loop, 29000);
    CHECK(!idle->is_closed);
    loop_run_for(world->loop, 1500);
    CHECK(idle->is_closed);
    CHECK_U32(idle->got.len, 0);
    CHECK_I64(http_server_counters(world->server)->timeouts, 1);
    CHECK_I64(http_server_counters(world->server)->connections_now, 0);
    world_close(world);
}

TEST(a_client_that_reads_nothing_is_closed_after_30_s_and_its_pipeline_waits)
{
    struct world *world = world_new(true, NULL);
    world->body_bytes = 1024 * 1024;
    struct raw *raw = connect_raw(world);
    run(world);
    stream_pause(raw->stream);
    for (int i = 0; i < 200; i++) send_z(raw, GET("/large"));
    loop_run_for(world->loop, 1000);
    CHECK(http_server_counters(world->server)->requests < 8);
    loop_run_for(world->loop, 28000);
    CHECK_I64(http_server_counters(world->server)->connections_now, 1);
    loop_run_for(world->loop, 2000);
    CHECK_I64(http_server_counters(world->server)->connections_now, 0);
    world_close(world);
}

TEST(when_full_the_oldest_idle_connection_makes_room)
{
    struct http_server_options options = { .connections_max = 8 };
    struct world *world = world_new(true, &options);
    world->answers_later = true;
    struct raw *busy = ask(world, GET("/busy"));
    struct raw *oldest = connect_raw(world);
    run(world);
    for (int i = 0; i < 6; i++) connect_raw(world);
    run(world);
    CHECK_I64(http_server_counters(world->server)->connections_now, 8);
    CHECK(!oldest->is_closed);
    loop_run_for(world->loop, 50); /* who just came may first say what it wants */
    struct raw *newest = ask(world, GET("/new"));
    CHECK(oldest->is_closed);
    CHECK(!busy->is_closed);
    CHECK_I64(http_server_counters(world->server)->closed_for_room, 1);
    CHECK(answer(world, 0) && answer(world, 1));
    run(world);
    CHECK(got(busy, "200 OK") && got(newest, "200 OK"));
    world_close(world);
}

TEST(a_thousand_requests_that_never_end_do_not_lock_others_out)
{
    struct world *world = world_new(true, NULL);
    for (int i = 0; i < 1024; i++) send_z(connect_raw(world), "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    loop_run_for(world->loop, 1500);
    CHECK_I64(http_server_counters(world->server)->connections_now, 1024);
    CHECK(got(ask(world, GET("/")), "200 OK"));
    CHECK_I64(http_server_counters(world->server)->closed_for_room, 1);
    world_close(world);
}

TEST(a_crowd_of_refused_clients_that_stay_does_not_keep_others_waiting)
{
    struct http_server_options options = { .connections_max = 4 };
    struct world *world = world_new(true, &options);
    world->answers_later = true;
    for (int i = 0; i < 4; i++) (void)ask(world, GET("/busy"));
    for (int i = 0; i < 1000; i++) send_z(connect_raw(world), GET("/more"));
    run(world);
    size_t heard = 0;
    for (size_t i = 4; i < world->raw_count; i++) heard += got(&world->raws[i], " 503 ");
    CHECK_U32(heard, 256);
    CHECK(answer(world, 0));
    run(world);
    world->answers_later = false;
    stream_close(world->raws[0].stream);
    CHECK(got(ask(world, GET("/")), "200 OK"));
    world_close(world);
}

TEST(when_all_are_busy_a_new_one_hears_503)
{
    struct http_server_options options = { .connections_max = 2 };
    struct world *world = world_new(true, &options);
    world->answers_later = true;
    struct raw *first = ask(world, GET("/1"));
    (void)ask(world, GET("/2"));
    struct raw *third = ask(world, GET("/3"));
    CHECK_U32(refusal(third), 503);
    CHECK(got(third, "Retry-After: 1\r\n"));
    CHECK_U32(world->later_count, 2);
    CHECK(answer(world, 0));
    run(world);
    CHECK(got(first, "200 OK"));
    world_close(world);
}

TEST(unfinished_requests_hold_64_mib_together_at_most)
{
    struct world *world = world_new(true, NULL);
    const size_t len = 1000000;
    char *part = calloc(1, len);
    for (int i = 0; i < 100; i++) {
        struct raw *raw = connect_raw(world);
        send_z(raw, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1048576\r\n\r\n");
        stream_write(raw->stream, (struct text){ part, len });
    }
    free(part);
    run(world);
    size_t refused = 0;
    for (size_t i = 0; i < world->raw_count; i++) refused += refusal(&world->raws[i]) == 503;
    CHECK(refused >= 30);
    CHECK(http_server_counters(world->server)->connections_now >= 20);
    CHECK(got(ask(world, GET("/")), "200 OK"));
    world_close(world);
}

TEST(a_flood_behind_an_unanswered_request_is_held_back)
{
    struct world *world = world_new(false, NULL);
    world->answers_later = true;
    struct raw *raw = ask(world, GET("/1"));
    const size_t len = 16 * 1024 * 1024;
    char *flood = malloc(len);
    memset(flood, 'x', len);
    stream_write(raw->stream, (struct text){ flood, len });
    free(flood);
    run(world);
    CHECK(stream_unsent(raw->stream) > len / 4); /* what the sockets do not hold stays there */
    world_close(world);
}

TEST(closing_the_server_lets_replies_go_out_and_takes_nobody_new)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        world->answers_later = true;
        struct raw *idle = connect_raw(world);
        struct raw *busy = ask(world, GET("/1"));
        http_server_close(world->server);
        struct raw *late = ask(world, GET("/2"));
        CHECK(idle->is_closed && late->is_closed && !busy->is_closed);
        CHECK_U32(late->got.len, 0);
        CHECK(answer(world, 0));
        run(world);
        CHECK(got(busy, "200 OK") && got(busy, "Connection: close\r\n"));
        CHECK(busy->is_closed);
        CHECK_I64(http_server_counters(world->server)->connections_now, 0);
        world_close(world);
    }
}

TEST(a_port_in_use_is_told)
{
    struct world *world = world_new(false, NULL);
    struct http_server *second;
    struct fault fault;
    CHECK(http_server_open(world->scope, world->net, text_of(world->address), NULL, on_request,
                           world, &second, &fault) != ERR_OK);
    CHECK(fault.words[0] != 0);
    world_close(world);
}
