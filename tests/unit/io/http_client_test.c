/* SPDX-License-Identifier: Apache-2.0 */
/* The client against receivers that answer, answer late, answer nonsense, hang up or say nothing.
 * Each test runs in the real world (libcurl, loopback) and in the simulated one, unless it says
 * otherwise. */
#include "io/http/client.h"

#include "tests/unit/test.h"

#include "base/buf.h"
#include "io/net/sim_net.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PEERS_MAX = 32, DONE_MAX = 32 };

struct peer { /* one connection at the receiver */
    struct world *world;
    struct stream *stream;
    struct buf got;
    size_t requests; /* heads seen */
    size_t scanned;  /* of what it got */
    bool is_closed;
};

struct done {
    struct world *world;
    uint64_t at_ms;
    unsigned order; /* 0: not yet */
    enum http_failure failure;
    unsigned status;
    uint64_t took_ms;
    struct buf body, words;
};

struct world {
    struct scope *scope, *client_scope;
    struct loop *loop;
    struct net *net;
    struct listener *listener;
    struct http_client *client;
    char url[64];
    const char *answer; /* to each request; NULL: silence */
    bool hangs_up;      /* after the answer */
    bool reads_nothing; /* at first */
    struct peer peers[PEERS_MAX];
    size_t peer_count;
    struct done done[DONE_MAX];
    unsigned done_count;
    bool is_sending;
};

static void peer_answer(struct peer *peer)
{
    struct world *world = peer->world;
    stream_write(peer->stream, text_of(world->answer));
    if (world->hangs_up) stream_finish(peer->stream);
}

static void on_peer_bytes(void *self, struct text bytes)
{
    struct peer *peer = self;
    buf_add(&peer->got, bytes);
    size_t heads = 0;
    const char *at;
    while ((at = memmem(peer->got.at + peer->scanned, peer->got.len - peer->scanned, "\r\n\r\n",
                        4)) != NULL) {
        heads++;
        peer->scanned = (size_t)(at - peer->got.at) + 4;
    }
    if (peer->got.len > peer->scanned + 3) peer->scanned = peer->got.len - 3;
    if (heads == 0) return;
    peer->requests += heads;
    if (peer->world->answer) peer_answer(peer);
}

static void on_peer_closed(void *self, enum err why)
{
    (void)why;
    struct peer *peer = self;
    peer->is_closed = true;
}

static void on_peer(void *self, struct stream *stream)
{
    static const struct stream_handler handler = { .on_bytes = on_peer_bytes,
                                                   .on_closed = on_peer_closed };
    struct world *world = self;
    CHECK(world->peer_count < PEERS_MAX);
    struct peer *peer = &world->peers[world->peer_count++];
    peer->world = world;
    peer->stream = stream;
    stream_adopt(world->scope, stream, &handler, peer);
    if (world->reads_nothing) stream_pause(stream);
}

static struct world *world_new(bool is_virtual, uint32_t pool_size)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(scope, sizeof *world);
    world->scope = scope;
    world->loop = is_virtual ? loop_new_virtual(scope, 1777900000000, 7) : loop_new(scope);
    world->net = net_new(scope, world->loop);
    CHECK_OK(listener_open(scope, world->net, TEXT("127.0.0.1:0"), NULL, on_peer, world,
                           &world->listener, NULL));
    (void)snprintf(world->url, sizeof world->url, "http://127.0.0.1:%u/path?x=1",
                   (unsigned)listener_port(world->listener));
    world->client_scope = scope_new(scope, "client", SCOPE_NO_LIMIT);
    world->client = http_client_new(world->client_scope, world->net, pool_size);
    world->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
    return world;
}

static void world_close(struct world *world)
{
    for (size_t i = 0; i < world->peer_count; i++) buf_free(&world->peers[i].got);
    for (size_t i = 0; i < DONE_MAX; i++) {
        buf_free(&world->done[i].body);
        buf_free(&world->done[i].words);
    }
    scope_close(world->scope);
}

static void on_done(void *self, const struct http_result *result)
{
    struct done *done = self;
    CHECK(!done->world->is_sending); /* never from inside the call that took it */
    CHECK(done->order == 0);         /* exactly once */
    done->order = ++done->world->done_count;
    done->at_ms = loop_now_mono_ms(done->world->loop);
    done->failure = result->failure;
    done->status = result->status;
    done->took_ms = result->took_ms;
    buf_add(&done->body, result->body);
    buf_add_z(&done->words, result->words);
}

static const struct http_header notification[] = {
    { { "Accept", 6 }, { "*/*", 3 } },
    { { "User-Agent", 10 }, { "OCS/8.1.528.15", 14 } },
    { { "ETag", 4 }, { "01Q8ZK3T7C0V9A2M4N6P8R1S3U5W7Y90", 32 } },
    { { "Content-type", 12 }, { "application/json", 16 } },
    { { "Content-length", 14 }, { "999", 3 } }, /* the true one goes out */
};

static struct http_call call_to(const char *url)
{
    return (struct http_call){ .method = TEXT("POST"),
                               .url = text_of(url),
                               .headers = { notification, 5 },
                               .body = TEXT("{\"GSW_PHONE\":1}"),
                               .timeout_ms = 2000,
                               .may_repeat = true };
}

static uint64_t send_call(struct world *world, size_t index, const struct http_call *call)
{
    struct done *done = &world->done[index];
    done->world = world;
    world->is_sending = true;
    uint64_t id = http_client_send(world->client, call, on_done, done);
    world->is_sending = false;
    CHECK(id != 0);
    return id;
}

static uint64_t send_post(struct world *world, size_t index)
{
    struct http_call call = call_to(world->url);
    return send_call(world, index, &call);
}

/* Until call `index` is done, at most `ms`. */
static const struct done *wait_for(struct world *world, size_t index, uint64_t ms)
{
    /* A loaded machine may take longer, on its own clock. */
    uint64_t end = loop_now_mono_ms(world->loop) + (loop_is_virtual(world->loop) ? ms : ms * 10);
    while (world->done[index].order == 0 && loop_now_mono_ms(world->loop) < end)
        loop_run_for(world->loop, loop_is_virtual(world->loop) ? ms : 5);
    CHECK(world->done[index].order != 0);
    return &world->done[index];
}

static void run(struct world *world)
{
    loop_run_for(world->loop, loop_is_virtual(world->loop) ? 1 : 60);
}

static bool has(const struct peer *peer, const char *words)
{
    return peer->got.len && memmem(peer->got.at, peer->got.len, words, strlen(words)) != NULL;
}

#define IN_BOTH_WORLDS(world, pool_size)                                                           \
    for (struct world * world, *world##_end = NULL; world##_end == NULL; world##_end = world)      \
        for (int world##_kind = 0; world##_kind < 2; world_close(world), world##_kind++)           \
            if ((world = world_new(world##_kind, (pool_size))) != NULL)

TEST(a_notification_goes_out_as_the_spec_writes_it) /* outbound 12.3 */
{
    IN_BOTH_WORLDS(world, 2)
    {
        send_post(world, 0);
        const struct done *done = wait_for(world, 0, 1000);
        CHECK_U32(done->failure, HTTP_FAILURE_NONE);
        CHECK_U32(done->status, 200);
        CHECK_TEXT(buf_text(&done->body), "ok");
        char wanted[512];
        (void)snprintf(wanted, sizeof wanted,
                       "POST /path?x=1 HTTP/1.1\r\n"
                       "Host: 127.0.0.1:%u\r\n"
                       "Accept: */*\r\n"
                       "User-Agent: OCS/8.1.528.15\r\n"
                       "ETag: 01Q8ZK3T7C0V9A2M4N6P8R1S3U5W7Y90\r\n"
                       "Content-type: application/json\r\n"
                       "Content-length: 15\r\n\r\n"
                       "{\"GSW_PHONE\":1}",
                       (unsigned)listener_port(world->listener));
        CHECK_TEXT(buf_text(&world->peers[0].got), wanted);
    }
}

TEST(nothing_is_added_to_a_request_without_headers_but_host_and_length)
{
    IN_BOTH_WORLDS(world, 2)
    {
        static const struct http_header bad[] = {
            { { "X-Split", 7 }, { "a\r\nX-Evil: b", 12 } },
            { { "Host", 4 }, { "evil", 4 } },
            { { "Transfer-Encoding", 17 }, { "chunked", 7 } },
            { { "X-Empty", 7 }, { "", 0 } },
        };
        struct http_call call = call_to(world->url);
        call.headers = (struct http_headers){ bad, 4 };
        send_call(world, 0, &call);
        (void)wait_for(world, 0, 1000);
        CHECK(has(&world->peers[0], "\r\nX-Empty:"));
        CHECK(has(&world->peers[0], "\r\nContent-Length: 15\r\n\r\n{"));
        CHECK(!has(&world->peers[0], "Evil") && !has(&world->peers[0], "evil"));
        CHECK(!has(&world->peers[0], "Accept") && !has(&world->peers[0], "chunked"));
        CHECK(!has(&world->peers[0], "Content-Type") && !has(&world->peers[0], "Expect"));
        struct http_call get = { .method = TEXT("GET"),
                                 .url = text_of(world->url),
                                 .timeout_ms = 1000 };
        send_call(world, 1, &get);
        (void)wait_for(world, 1, 1000);
        CHECK(has(&world->peers[0], "GET /path?x=1 HTTP/1.1\r\nHost: 127.0.0.1:"));
        CHECK(!has(&world->peers[0], "Accept") && !has(&world->peers[0], "Agent"));
        CHECK_U32(world->peer_count, 1); /* the same connection */
    }
}

TEST(a_pool_of_two_carries_six_calls_two_at_a_time_in_order)
{
    IN_BOTH_WORLDS(world, 2)
    {
        world->answer = NULL;
        for (size_t i = 0; i < 6; i++) send_post(world, i);
        CHECK_U32(http_client_waiting(world->client), 4);
        run(world);
        CHECK_U32(world->peer_count, 2);
        CHECK_U32(world->peers[0].requests + world->peers[1].requests, 2);
        world->answer = "HTTP/1.1 204 No Content\r\n\r\n";
        peer_answer(&world->peers[0]);
        peer_answer(&world->peers[1]);
        for (size_t i = 0; i < 6; i++) (void)wait_for(world, i, 1000);
        CHECK_U32(world->peer_count, 2);
        CHECK_U32(world->done_count, 6);
        CHECK_U32(http_client_waiting(world->client), 0);
        for (size_t i = 0; i < 4; i++) CHECK(world->done[i].order <= i + 2);
        for (size_t i = 0; i < 6; i++) CHECK_U32(world->done[i].status, 204);
    }
}

TEST(a_larger_pool_takes_waiting_calls_at_once)
{
    IN_BOTH_WORLDS(world, 1)
    {
        world->answer = NULL;
        for (size_t i = 0; i < 5; i++) send_post(world, i);
        run(world);
        CHECK_U32(world->peer_count, 1);
        http_client_set_pool_size(world->client, 4);
        run(world);
        CHECK_U32(world->peer_count, 4);
        CHECK_U32(http_client_waiting(world->client), 1);
    }
}

TEST(a_refused_connection_is_a_connect_failure)
{
    IN_BOTH_WORLDS(world, 2)
    {
        listener_close(world->listener);
        run(world);
        send_post(world, 0);
        const struct done *done = wait_for(world, 0, 1000);
        CHECK_U32(done->failure, HTTP_FAILURE_CONNECT);
        CHECK_U32(done->status, 0);
        CHECK(done->words.len > 5);
    }
}

TEST(an_endpoint_that_refuses_gets_one_call_each_10_ms)
{
    IN_BOTH_WORLDS(world, 2)
    {
        listener_close(world->listener);
        run(world);
        uint64_t began = loop_now_mono_ms(world->loop);
        for (size_t i = 0; i < 8; i++) send_post(world, i);
        for (size_t i = 0; i < 8; i++)
            CHECK_U32(wait_for(world, i, 2000)->failure, HTTP_FAILURE_CONNECT);
        CHECK(loop_now_mono_ms(world->loop) - began >=
              40); /* two at once, and one at once behind */
        for (size_t i = 1; i < 8; i++) CHECK(world->done[i].order + 2 > world->done[i - 1].order);
    }
}

TEST(a_silent_receiver_is_a_timeout_and_its_connection_closed)
{
    IN_BOTH_WORLDS(world, 1)
    {
        world->answer = NULL;
        struct http_call call = call_to(world->url);
        call.timeout_ms = 200;
        uint64_t began = loop_now_mono_ms(world->loop);
        send_call(world, 0, &call);
        send_call(world, 1, &call); /* its time begins when it leaves the queue */
        const struct done *done = wait_for(world, 0, 2000);
        CHECK_U32(done->failure, HTTP_FAILURE_TIMEOUT);
        CHECK(done->at_ms - began >= 195 && done->at_ms - began < 400);
        done = wait_for(world, 1, 2000);
        CHECK_U32(done->failure, HTTP_FAILURE_TIMEOUT);
        CHECK(done->at_ms - began >= 390 && done->at_ms - began < 800);
        run(world);
        CHECK_U32(world->peer_count, 2);
        CHECK(world->peers[0].is_closed && world->peers[1].is_closed);
    }
}

TEST(a_slow_head_is_a_timeout_and_a_slow_body_is_not)
{
    IN_BOTH_WORLDS(world, 2)
    {
        world->answer = "HTTP/1.1 200 OK\r\nContent-Len";
        struct http_call call = call_to(world->url);
        call.timeout_ms = 100;
        send_call(world, 0, &call);
        CHECK_U32(wait_for(world, 0, 1000)->failure, HTTP_FAILURE_TIMEOUT);
        world->answer = "HTTP/1.1 503 Busy\r\nContent-Length: 100\r\n\r\nhalf";
        send_call(world, 1, &call);
        const struct done *done = wait_for(world, 1, 1000);
        CHECK_U32(done->failure, HTTP_FAILURE_NONE);
        CHECK_U32(done->status, 503);
        CHECK_TEXT(buf_text(&done->body), "half");
    }
}

TEST(a_network_that_swallows_everything_is_a_timeout_of_connecting) /* simulated */
{
    struct world *world = world_new(true, 2);
    char address[32];
    (void)snprintf(address, sizeof address, "127.0.0.1:%u",
                   (unsigned)listener_port(world->listener));
    sim_net_cut(world->net, text_of(address), true);
    uint64_t began = loop_now_mono_ms(world->loop);
    send_post(world, 0);
    const struct done *done = wait_for(world, 0, 10000);
    CHECK_U32(done->failure, HTTP_FAILURE_TIMEOUT);
    CHECK_I64(done->at_ms - began, 2000);
    CHECK_I64(done->took_ms, 2000);
    world_close(world);
}

TEST(redirections_are_not_followed) /* outbound 12.7 */
{
    IN_BOTH_WORLDS(world, 2)
    {
        world->answer = "HTTP/1.1 302 Found\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n";
        send_post(world, 0);
        CHECK_U32(wait_for(world, 0, 1000)->status, 302);
        run(world);
        CHECK_U32(world->peers[0].requests, 1);
    }
}

TEST(bodies_come_by_chunks_by_length_and_by_close)
{
    IN_BOTH_WORLDS(world, 2)
    {
        world->answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                        "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        send_post(world, 0);
        CHECK_TEXT(buf_text(&wait_for(world, 0, 1000)->body), "abcde");
        world->answer = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\n\r\nuntil the end";
        world->hangs_up = true;
        send_post(world, 1);
        const struct done *done = wait_for(world, 1, 1000);
        CHECK_U32(done->status, 200);
        CHECK_TEXT(buf_text(&done->body), "until the end");
        CHECK_U32(world->peer_count, 1); /* the first connection was kept */
    }
}

TEST(of_a_long_answer_64_kib_are_kept)
{
    IN_BOTH_WORLDS(world, 2)
    {
        const size_t len = 300000;
        struct buf answer = { 0 };
        buf_format(&answer, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", len);
        memset(buf_reserve(&answer, len + 1), 'x', len);
        answer.len += len;
        answer.at[answer.len] = 0;
        world->answer = answer.at;
        send_post(world, 0);
        const struct done *done = wait_for(world, 0, 2000);
        CHECK_U32(done->status, 200);
        CHECK_U32(done->body.len, 65536);
        send_post(world, 1);
        CHECK_U32(wait_for(world, 1, 2000)->status, 200);
        CHECK_U32(world->peer_count, 1); /* it was read to its end */
        buf_free(&answer);
    }
}

TEST(an_answer_without_end_does_not_hold_the_pool)
{
    IN_BOTH_WORLDS(world, 1)
    {
        const size_t len = 4 * 1024 * 1024;
        struct buf answer = { 0 };
        buf_add_z(&answer, "HTTP/1.1 200 OK\r\n\r\n");
        memset(buf_reserve(&answer, len + 1), 'x', len);
        answer.len += len;
        answer.at[answer.len] = 0;
        world->answer = answer.at;
        struct http_call call = call_to(world->url);
        call.timeout_ms = 300;
        send_call(world, 0, &call);
        const struct done *done = wait_for(world, 0, 3000);
        CHECK_U32(done->failure, HTTP_FAILURE_NONE);
        CHECK_U32(done->status, 200);
        buf_free(&answer);
    }
}

TEST(nonsense_instead_of_a_response_is_a_failure)
{
    static const char *const answers[] = { "SSH-2.0-OpenSSH_9.2\r\n", "\r\n\r\n\r\n",
                                           "HTTP/1.1 2000 OK\r\n\r\n" };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        IN_BOTH_WORLDS(world, 2)
        {
            world->answer = answers[i];
            world->hangs_up = true;
            send_post(world, 0);
            CHECK(wait_for(world, 0, 3000)->failure != HTTP_FAILURE_NONE);
        }
    }
}

TEST(a_head_without_end_is_cut_off)
{
    IN_BOTH_WORLDS(world, 2)
    {
        struct buf answer = { 0 };
        buf_add_z(&answer, "HTTP/1.1 200 OK\r\n");
        for (int i = 0; i < 6000; i++) buf_add_z(&answer, "X-Padding: aaaaaaaaaaaaaaaa\r\n");
        buf_add_byte(&answer, 0);
        world->answer = answer.at;
        send_post(world, 0);
        CHECK_U32(wait_for(world, 0, 1000)->failure, HTTP_FAILURE_OTHER);
        buf_free(&answer);
    }
}

TEST(a_kept_connection_that_the_peer_closed_is_replaced_without_a_failure) /* outbound 12.5 */
{
    IN_BOTH_WORLDS(world, 2)
    {
        send_post(world, 0);
        (void)wait_for(world, 0, 1000);
        stream_finish(world->peers[0].stream);
        send_post(world, 1);
        const struct done *done = wait_for(world, 1, 1000);
        CHECK_U32(done->failure, HTTP_FAILURE_NONE);
        CHECK_U32(done->status, 200);
        CHECK_U32(world->peer_count, 2);
    }
}

TEST(what_may_not_come_twice_is_not_sent_again_when_a_kept_connection_ends)
{
    IN_BOTH_WORLDS(world, 2)
    {
        send_post(world, 0);
        (void)wait_for(world, 0, 1000);
        world->answer = "";
        world->hangs_up = true;
        struct http_call call = call_to(world->url);
        call.may_repeat = false;
        send_call(world, 1, &call);
        CHECK_U32(wait_for(world, 1, 1000)->failure, HTTP_FAILURE_OTHER);
        CHECK_U32(world->peer_count, 1);
    }
}

TEST(a_fresh_connection_that_closes_before_a_byte_is_a_failure)
{
    IN_BOTH_WORLDS(world, 2)
    {
        world->answer = "";
        world->hangs_up = true;
        send_post(world, 0);
        CHECK_U32(wait_for(world, 0, 1000)->failure, HTTP_FAILURE_OTHER);
        CHECK_U32(world->peer_count, 1);
    }
}

TEST(a_kept_connection_that_ends_within_an_answer_is_a_failure) /* it was taken: not once more */
{
    IN_BOTH_WORLDS(world, 2)
    {
        send_post(world, 0);
        (void)wait_for(world, 0, 1000);
        world->answer = "HTTP/1.1 2";
        world->hangs_up = true;
        send_post(world, 1);
        CHECK_U32(wait_for(world, 1, 1000)->failure, HTTP_FAILURE_OTHER);
        CHECK_U32(world->peer_count, 1);
    }
}

TEST(answers_with_bytes_behind_them_count_and_their_connection_is_not_kept)
{
    IN_BOTH_WORLDS(world, 2)
    {
        world->answer = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 500 "
                        "No\r\nContent-Length: 3\r\n\r\nbad";
        send_post(world, 0);
        CHECK_U32(wait_for(world, 0, 1000)->status, 200);
        CHECK_TEXT(buf_text(&world->done[0].body), "ok");
        run(world);
        world->answer = "HTTP/1.1 201 Made\r\nContent-Length: 0\r\n\r\n";
        send_post(world, 1);
        CHECK_U32(wait_for(world, 1, 1000)->status, 201);
        CHECK_U32(world->peer_count, 2);
    }
}

TEST(names_are_looked_up)
{
    IN_BOTH_WORLDS(world, 2)
    {
        char url[64];
        (void)snprintf(url, sizeof url, "http://localhost:%u/?x#part",
                       (unsigned)listener_port(world->listener));
        for (size_t i = 0; i < 2; i++) {
            struct http_call call = call_to(url);
            send_call(world, i, &call);
            CHECK_U32(wait_for(world, i, 1000)->status, 200);
        }
        CHECK_U32(world->peer_count, 1);
        CHECK(has(&world->peers[0], "POST /?x HTTP/1.1\r\nHost: localhost:"));
    }
}

TEST(a_user_in_the_url_is_told_and_steps_in_a_path_are_taken_as_libcurl_does) /* real */
{
    struct world *world = world_new(false, 2);
    char url[64];
    (void)snprintf(url, sizeof url, "http://me:pass@127.0.0.1:%u/a/../b",
                   (unsigned)listener_port(world->listener));
    struct http_call call = call_to(url);
    send_call(world, 0, &call);
    CHECK_U32(wait_for(world, 0, 1000)->status, 200);
    CHECK(has(&world->peers[0], "POST /b HTTP/1.1\r\nHost: 127.0.0.1:"));
    CHECK(has(&world->peers[0], "Authorization: Basic bWU6cGFzcw==\r\n"));
    world_close(world);
}

TEST(a_cancelled_call_is_never_told_wherever_it_is)
{
    IN_BOTH_WORLDS(world, 1)
    {
        uint64_t waiting, flying;
        world->answer = NULL;
        flying = send_post(world, 0);
        waiting = send_post(world, 1);
        send_post(world, 2);
        run(world);
        http_client_cancel(world->client, waiting);
        CHECK_U32(http_client_waiting(world->client), 1);
        world->answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        http_client_cancel(world->client, flying);
        http_client_cancel(world->client, flying); /* twice is nothing */
        CHECK_U32(wait_for(world, 2, 1000)->status, 200);
        CHECK_U32(world->done_count, 1);
        run(world);
        CHECK(world->peers[0].is_closed);
    }
}

TEST(when_the_owner_closes_nothing_is_told_and_connections_end)
{
    IN_BOTH_WORLDS(world, 1)
    {
        world->answer = NULL;
        send_post(world, 0);
        send_post(world, 1);
        struct http_call bad = call_to("gopher://x/");
        send_call(world, 2, &bad);
        run(world);
        send_call(world, 3, &bad); /* done, but not yet told */
        scope_close(world->client_scope);
        run(world);
        CHECK_U32(world->done_count, 1);
        CHECK_U32(world->done[2].failure, HTTP_FAILURE_OTHER);
        CHECK(world->peers[0].is_closed);
    }
}

TEST(urls_that_lead_nowhere_are_failures_of_the_call)
{
    static const char *const urls[] = {
        "",      "http://",     "http:///x",          "ftp://a/",
        "/path", "http://a b/", "file:///etc/passwd", "http://a\r\nb/"
    };
    IN_BOTH_WORLDS(world, 2)
    {
        for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++) {
            struct http_call call = call_to(urls[i]);
            send_call(world, i, &call);
            CHECK_U32(wait_for(world, i, 1000)->failure, HTTP_FAILURE_OTHER);
        }
    }
}

TEST(an_idle_pool_closes_its_connections_after_60_s) /* outbound 12.5; simulated */
{
    struct world *world = world_new(true, 2);
    send_post(world, 0);
    (void)wait_for(world, 0, 100);
    loop_run_for(world->loop, 59000);
    CHECK(!world->peers[0].is_closed);
    loop_run_for(world->loop, 1500);
    CHECK(world->peers[0].is_closed);
    send_post(world, 1);
    CHECK_U32(wait_for(world, 1, 100)->status, 200);
    world_close(world);
}

TEST(a_large_body_goes_out_whole_and_its_answers_time_begins_with_its_last_byte)
{
    IN_BOTH_WORLDS(world, 2)
    {
        const size_t len = 6 * 1024 * 1024; /* more than a loopback takes unread */
        char *body = malloc(len);
        memset(body, 'x', len);
        struct http_call call = call_to(world->url);
        call.body = (struct text){ body, len };
        call.timeout_ms = 1000;
        world->answer = NULL;
        world->reads_nothing = true;
        send_call(world, 0, &call);
        free(body);
        loop_run_for(world->loop, 700);
        CHECK_U32(world->peers[0].got.len, 0);
        stream_resume(world->peers[0].stream);
        for (int turn = 0; turn < 1000 && world->peers[0].got.len <= len; turn++)
            loop_run_for(world->loop, 2);
        CHECK(world->peers[0].got.len > len);
        loop_run_for(world->loop, 400);
        CHECK_U32(world->done_count, 0);
        world->answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
        peer_answer(&world->peers[0]);
        CHECK_U32(wait_for(world, 0, 1000)->status, 200);
    }
}

TEST(https_goes_through_the_proxy_by_connect_and_a_refusal_is_a_connect_failure) /* real */
{
    struct world *world = world_new(false, 2);
    char proxy[32];
    (void)snprintf(proxy, sizeof proxy, "127.0.0.1:%u", (unsigned)listener_port(world->listener));
    struct http_call call = call_to("https://w.example:443/secret");
    call.proxy = text_of(proxy);
    world->answer = "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n";
    send_call(world, 0, &call);
    CHECK_U32(wait_for(world, 0, 1000)->failure, HTTP_FAILURE_CONNECT);
    const struct buf *got = &world->peers[0].got;
    CHECK(text_starts(buf_text(got), TEXT("CONNECT w.example:443 HTTP/1.1\r\n")));
    CHECK(memmem(got->at, got->len, "secret", 6) == NULL);
    CHECK(memmem(got->at, got->len, "GSW_PHONE", 9) == NULL);
    CHECK(memmem(got->at, got->len, "ETag", 4) == NULL);
    world_close(world);
}

TEST(http_ignores_the_proxy_and_plain_answers_to_https_are_connect_failures) /* real */
{
    struct world *world = world_new(false, 2);
    struct http_call call = call_to(world->url);
    call.proxy = TEXT("127.0.0.1:1");
    send_call(world, 0, &call);
    CHECK_U32(wait_for(world, 0, 10000)->status, 200);
    char url[64];
    (void)snprintf(url, sizeof url, "https://127.0.0.1:%u/",
                   (unsigned)listener_port(world->listener));
    call = call_to(url);
    call.timeout_ms = 5000;
    world->answer = "HTTP/1.1 200 OK\r\n\r\n\r\n";
    send_call(world, 1, &call);
    run(world);
    if (world->peer_count > 1) peer_answer(&world->peers[1]);
    CHECK_U32(wait_for(world, 1, 10000)->failure, HTTP_FAILURE_CONNECT);
    world_close(world);
}
