/* SPDX-License-Identifier: Apache-2.0 */
/* WebSockets of the HTTP server against raw streams: opening, echo, closing, silence, slow readers
 * and crowds. Times run on a virtual clock over the simulated net, the rest on real loopback too.
 * The rules of frames have a test of their own (websocket_input_test.c). */
#include "io/http/websocket.h"
#include "io/http/websocket_input.h"
#include "io/net/sim_net.h"

#include "tests/unit/test.h"

#include "base/buf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RAWS_MAX = 2100 };
static const uint64_t MAY_2026 = 1777900000000;

struct raw {
    struct stream *stream;
    struct buf got;
    size_t pieces; /* on_bytes calls: writes of the server, more or less */
    bool is_closed;
};

struct world {
    struct scope *scope, *websocket_scope;
    struct loop *loop;
    struct net *net;
    struct http_server *server;
    struct websocket_server *websockets;
    char address[32];
    struct raw raws[RAWS_MAX];
    size_t raw_count;
    struct text protocol;
    struct websocket *open[RAWS_MAX]; /* in the order of their opening; NULL when gone */
    size_t open_count;
    uint64_t later; /* an exchange to be answered by the test; with is_later */
    bool is_later;
    struct buf heard; /* "1000:bye " per on_close */
    enum err last_err;
};

static void on_message(void *self, struct websocket *websocket, struct text message)
{
    struct world *world = self;
    if (text_eq(message, TEXT("close me"))) {
        for (size_t i = 0; i < world->open_count; i++)
            if (world->open[i] == websocket) world->open[i] = NULL;
        (void)websocket_send_text(websocket, TEXT("goodbye"));
        websocket_close(websocket, 4001, TEXT("as asked"));
        return;
    }
    size_t times = text_eq(message, TEXT("ten times")) ? 10 : 1;
    for (size_t i = 0; i < times; i++) world->last_err = websocket_send_text(websocket, message);
}

static void on_close(void *self, struct websocket *websocket, unsigned code, struct text reason)
{
    struct world *world = self;
    buf_format(&world->heard, "%u:%.*s ", code, TEXT_ARG(reason));
    for (size_t i = 0; i < world->open_count; i++)
        if (world->open[i] == websocket) world->open[i] = NULL;
    CHECK(websocket_send_text(websocket, TEXT("late")) == ERR_CLOSED);
}

static const struct websocket_handler handler = { .on_message = on_message, .on_close = on_close };

static void accept_it(struct world *world, struct http_exchange *exchange)
{
    static const struct http_header cookie[] = { { { "Set-Cookie", 10 }, { "a=b", 3 } } };
    struct http_headers headers = { cookie, 1 };
    struct websocket *websocket =
        websocket_accept(world->websockets, exchange, world->protocol, &headers, world);
    if (websocket) world->open[world->open_count++] = websocket;
}

static void on_request(void *self, struct http_exchange *exchange)
{
    struct world *world = self;
    if (text_eq(http_exchange_request(exchange)->path, TEXT("/plain")))
        http_reply(exchange, 200, NULL, TEXT("plain"));
    else if (world->is_later)
        world->later = http_exchange_id(exchange);
    else
        accept_it(world, exchange);
}

static struct world *world_new(bool is_virtual, const struct websocket_options *options)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(scope, sizeof *world);
    struct http_server_options http = { .connections_max = RAWS_MAX };
    world->scope = scope;
    world->loop = is_virtual ? loop_new_virtual(scope, MAY_2026, 7) : loop_new(scope);
    world->net = net_new(scope, world->loop);
    CHECK_OK(http_server_open(scope, world->net, TEXT("127.0.0.1:0"), &http, on_request, world,
                              &world->server, NULL));
    world->websocket_scope = scope_new(scope, "websockets", SCOPE_NO_LIMIT);
    world->websockets =
        websocket_server_new(world->websocket_scope, world->loop, options, &handler);
    (void)snprintf(world->address, sizeof world->address, "127.0.0.1:%u",
                   (unsigned)http_server_port(world->server));
    return world;
}

static void world_close(struct world *world)
{
    for (size_t i = 0; i < world->raw_count; i++) buf_free(&world->raws[i].got);
    buf_free(&world->heard);
    scope_close(world->scope);
}

static void on_raw_bytes(void *self, struct text bytes)
{
    struct raw *raw = self;
    raw->pieces++;
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
    static const struct stream_handler raw_handler = { .on_bytes = on_raw_bytes,
                                                       .on_closed = on_raw_closed };
    CHECK(world->raw_count < RAWS_MAX);
    struct raw *raw = &world->raws[world->raw_count++];
    raw->stream =
        stream_connect(world->scope, world->net, text_of(world->address), &raw_handler, raw);
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

static void send_frame(struct raw *raw, unsigned first, struct text payload)
{
    uint8_t head[WEBSOCKET_HEAD_BYTES_MAX];
    size_t len = websocket_frame_head(WEBSOCKET_TEXT, payload.len, head);
    head[0] = (uint8_t)first;
    head[1] |= 0x80;
    stream_write(raw->stream, (struct text){ (const char *)head, len });
    stream_write(raw->stream, (struct text){ "\0\0\0\0", 4 }); /* a mask that changes nothing */
    stream_write(raw->stream, payload);
}

static bool got(const struct raw *raw, const char *words)
{
    return raw->got.len && memmem(raw->got.at, raw->got.len, words, strlen(words)) != NULL;
}

static bool got_bytes(const struct raw *raw, struct text bytes)
{
    return text_eq(buf_text(&raw->got), bytes);
}

#define LINES(lines) "GET /desktop HTTP/1.1\r\nHost: a\r\n" lines "\r\n"
#define UPGRADE      "Upgrade: websocket\r\nConnection: keep-alive, Upgrade\r\n"
#define KEY          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" /* RFC 6455 1.3 */
#define VERSION      "Sec-WebSocket-Version: 13\r\n"
#define ASKED        LINES(UPGRADE KEY VERSION)

static struct raw *ask(struct world *world, const char *request)
{
    struct raw *raw = connect_raw(world);
    send_z(raw, request);
    run(world);
    return raw;
}

/* A client whose handshake is done and read. */
static struct raw *open_raw(struct world *world)
{
    struct raw *raw = ask(world, ASKED);
    CHECK(got(raw, "HTTP/1.1 101 Switching Protocols\r\n"));
    buf_clear(&raw->got);
    raw->pieces = 0;
    return raw;
}

static const struct websocket_counters *counters(const struct world *world)
{
    return websocket_counters(world->websockets);
}

static struct text heard(const struct world *world)
{
    return buf_text(&world->heard);
}

/* --- opening --- */

TEST(the_handshake_is_that_of_rfc_6455)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = ask(world, ASKED);
        CHECK(text_starts(buf_text(&raw->got), TEXT("HTTP/1.1 101 Switching Protocols\r\n")));
        CHECK(got(raw, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        CHECK(got(raw, "\r\nUpgrade: websocket\r\n") && got(raw, "\r\nConnection: Upgrade\r\n"));
        CHECK(got(raw, "\r\nSet-Cookie: a=b\r\n"));
        CHECK(!got(raw, "Content-Length") && !got(raw, "Sec-WebSocket-Protocol"));
        CHECK(!got(raw, "Sec-WebSocket-Extensions"));
        CHECK(text_ends(buf_text(&raw->got), TEXT("\r\n\r\n")));
        CHECK(!raw->is_closed);
        CHECK_U32(world->open_count, 1);
        CHECK(text_starts(websocket_peer(world->open[0]), TEXT("127.0.0.1:")));
        world_close(world);
    }
}

TEST(a_protocol_is_chosen_when_it_is_offered)
{
    struct world *world = world_new(true, NULL);
    world->protocol = TEXT("carillon");
    CHECK(got(ask(world, LINES(UPGRADE KEY VERSION "Sec-WebSocket-Protocol: x, carillon\r\n")),
              "\r\nSec-WebSocket-Protocol: carillon\r\n"));
    struct raw *other = ask(world, LINES(UPGRADE KEY VERSION "Sec-WebSocket-Protocol: x\r\n"));
    CHECK(got(other, " 101 ") && !got(other, "Sec-WebSocket-Protocol"));
    world_close(world);
}

TEST(a_handshake_that_breaks_a_rule_is_refused)
{
    static const struct {
        const char *request, *status, *also;
    } cases[] = {
        { LINES(KEY VERSION), " 426 ", "Upgrade: websocket" },
        { LINES("Upgrade: websocket\r\n" KEY VERSION), " 426 ", "Upgrade: websocket" },
        { LINES("Upgrade: h2c\r\nConnection: Upgrade\r\n" KEY VERSION), " 426 ", "" },
        { LINES(UPGRADE KEY), " 426 ", "Sec-WebSocket-Version: 13\r\n" },
        { LINES(UPGRADE KEY "Sec-WebSocket-Version: 8\r\n"), " 426 ",
          "Sec-WebSocket-Version: 13\r\n" },
        { LINES(UPGRADE VERSION), " 400 ", "Sec-WebSocket-Key" },
        { LINES(UPGRADE KEY KEY VERSION), " 400 ", "" },
        { LINES(UPGRADE VERSION "Sec-WebSocket-Key: short\r\n"), " 400 ", "" },
        { LINES(UPGRADE VERSION "Sec-WebSocket-Key: !!!!IHNhbXBsZSBub25jZQ==\r\n"), " 400 ", "" },
        { LINES(UPGRADE VERSION "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQaa\r\n"), " 400 ", "" },
        { "POST /desktop HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\n" UPGRADE KEY VERSION "\r\n",
          " 405 ", "Allow: GET\r\n" },
        { "GET /desktop HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n" UPGRADE KEY VERSION "\r\nx",
          " 400 ", "has a body" },
        { "GET /desktop HTTP/1.0\r\nHost: a\r\n" UPGRADE KEY VERSION "\r\n", " 400 ", "" },
        { ASKED "\x81\x80\1\2\3\4", " 400 ", "behind it" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct world *world = world_new(true, NULL);
        struct raw *raw = ask(world, cases[i].request);
        if (!got(raw, cases[i].status) || !got(raw, cases[i].also))
            (void)fprintf(stderr, "# case %zu: %.*s\n", i, TEXT_ARG(buf_text(&raw->got)));
        CHECK(got(raw, cases[i].status) && got(raw, cases[i].also));
        CHECK(!got(raw, " 101 "));
        CHECK_U32(world->open_count, 0);
        CHECK_I64(counters(world)->refused, 1);
        world_close(world);
    }
}

TEST(a_connection_may_ask_plainly_before_and_be_refused_before)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = ask(world, LINES(UPGRADE VERSION));
    CHECK(got(raw, " 400 "));
    send_z(raw, "GET /plain HTTP/1.1\r\nHost: a\r\n\r\n" ASKED);
    run(world);
    CHECK(got(raw, "plain") && got(raw, " 101 "));
    buf_clear(&raw->got);
    send_frame(raw, 0x81, TEXT("Hello"));
    run(world);
    CHECK(got_bytes(raw, TEXT("\x81\x05Hello")));
    world_close(world);
}

TEST(an_exchange_may_become_a_websocket_later)
{
    struct world *world = world_new(true, NULL);
    world->is_later = true;
    struct raw *raw = ask(world, ASKED);
    CHECK_U32(raw->got.len, 0);
    loop_run_for(world->loop, 5000);
    accept_it(world, http_find(world->server, world->later));
    CHECK(http_find(world->server, world->later) == NULL);
    CHECK_OK(websocket_send_text(world->open[0], TEXT("hi")));
    run(world);
    CHECK(got(raw, " 101 ") && text_ends(buf_text(&raw->got), TEXT("\r\n\r\n\x81\x02hi")));
    world_close(world);
}

/* --- messages --- */

TEST(messages_come_and_go)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = open_raw(world);
        send_frame(raw, 0x81, TEXT("Hello"));
        send_frame(raw, 0x89, TEXT("ping"));
        send_frame(raw, 0x01, TEXT("in "));
        send_frame(raw, 0x80, TEXT("pieces"));
        run(world);
        CHECK(got_bytes(raw, TEXT("\x81\x05Hello\x8a\x04ping\x81\x09in pieces")));
        CHECK_U32(raw->pieces, 1); /* what one turn says leaves in one write */
        CHECK_I64(counters(world)->messages_in, 2);
        CHECK_I64(counters(world)->messages_out, 2);
        CHECK_I64(counters(world)->bytes_in, 14);
        CHECK_I64(counters(world)->bytes_out, 14);
        world_close(world);
    }
}

TEST(a_message_of_a_mebibyte_comes_back_whole)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = open_raw(world);
        const size_t len = 1024 * 1024;
        char *payload = malloc(len);
        memset(payload, 'x', len);
        send_frame(raw, 0x81, (struct text){ payload, len });
        loop_run_for(world->loop, is_virtual ? 1 : 300);
        CHECK_U32(raw->got.len, len + 10);
        CHECK(memcmp(raw->got.at + 10, payload, len) == 0);
        CHECK(!raw->is_closed);
        free(payload);
        world_close(world);
    }
}

TEST(one_frame_for_many_is_taken_by_all)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        const size_t count = is_virtual ? 2000 : 100;
        for (size_t i = 0; i < count; i++) send_z(connect_raw(world), ASKED);
        loop_run_for(world->loop, is_virtual ? 10 : 200);
        CHECK_U32(world->open_count, count);
        struct websocket_frame *frame = websocket_frame_new(TEXT("to all"));
        for (size_t i = 0; i < count; i++) CHECK_OK(websocket_send_frame(world->open[i], frame));
        websocket_frame_release(frame);
        loop_run_for(world->loop, is_virtual ? 10 : 100);
        for (size_t i = 0; i < count; i++)
            CHECK(text_ends(buf_text(&world->raws[i].got), TEXT("\r\n\r\n\x81\x06to all")));
        CHECK_I64(counters(world)->messages_out, count);
        world_close(world);
    }
}

/* --- the end --- */

TEST(a_close_of_the_peer_is_answered_and_told)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = open_raw(world);
        send_frame(raw, 0x81, TEXT("a"));
        send_frame(raw, 0x88, TEXT("\x0f\xa0 enough"));
        send_frame(raw, 0x81, TEXT("unheard"));
        run(world);
        CHECK(got_bytes(raw, TEXT("\x81\x01"
                                  "a"
                                  "\x88\x09\x0f\xa0 enough")));
        CHECK(raw->is_closed);
        CHECK_TEXT(heard(world), "4000: enough ");
        CHECK_I64(counters(world)->open_now, 0);
        CHECK_I64(http_server_counters(world->server)->connections_now, 0);
        world_close(world);
    }
}

TEST(a_close_without_a_code_is_answered_without_a_code)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = open_raw(world);
    send_frame(raw, 0x88, TEXT(""));
    run(world);
    CHECK(got_bytes(raw, TEXT("\x88\x00")));
    CHECK_TEXT(heard(world), "1005: ");
    world_close(world);
}

TEST(our_close_sends_what_waits_and_is_not_told_to_us)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = open_raw(world);
        send_frame(raw, 0x81, TEXT("close me"));
        send_frame(raw, 0x81, TEXT("unheard"));
        run(world);
        CHECK(got_bytes(raw, TEXT("\x81\x07goodbye\x88\x0a\x0f\xa1"
                                  "as asked")));
        CHECK(raw->is_closed);
        CHECK_U32(heard(world).len, 0);
        CHECK_I64(counters(world)->open_now, 0);
        CHECK_I64(counters(world)->messages_in, 1);
        world_close(world);
    }
}

TEST(a_long_reason_is_cut_between_characters)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = open_raw(world);
    char reason[201];
    for (size_t i = 0; i < 200; i += 2) memcpy(reason + i, "\xc3\xa9", 2);
    websocket_close(world->open[0], 1000, (struct text){ reason, 200 });
    run(world);
    CHECK_U32(raw->got.len, 2 + 2 + 122);
    CHECK_U32((uint8_t)raw->got.at[1], 124);
    world_close(world);
}

TEST(a_broken_rule_ends_in_its_code)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = open_raw(world);
    send_frame(raw, 0x81, TEXT("before"));
    send_frame(raw, 0x83, TEXT(""));
    run(world);
    CHECK(text_starts(buf_text(&raw->got), TEXT("\x81\x06"
                                                "before\x88\x13\x03\xea")));
    CHECK(raw->is_closed);
    CHECK_TEXT(heard(world), "1002:an unknown opcode ");
    CHECK_I64(counters(world)->broken_rules, 1);
    world_close(world);
}

TEST(a_connection_that_breaks_is_told)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = open_raw(world);
        stream_close(raw->stream);
        run(world);
        CHECK_TEXT(heard(world), "1006:the connection broke ");
        CHECK_I64(counters(world)->open_now, 0);
        world_close(world);
    }
}

TEST(closing_the_server_tells_everybody_1001_and_takes_nobody_new)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = open_raw(world);
    websocket_server_close(world->websockets);
    world->open_count = 0;
    run(world);
    CHECK(text_starts(buf_text(&raw->got), TEXT("\x88\x17\x03\xe9")));
    CHECK(raw->is_closed);
    CHECK(got(ask(world, ASKED), " 503 "));
    CHECK_U32(heard(world).len, 0);
    world_close(world);
}

TEST(scopes_may_close_in_any_order_and_nothing_is_told)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raws[4];
        for (int i = 0; i < 4; i++) raws[i] = open_raw(world);
        for (int i = 0; i < 4; i++) CHECK_OK(websocket_send_text(world->open[i], TEXT("x")));
        websocket_close(world->open[0], 1000, TEXT(""));
        scope_close(world->websocket_scope); /* before the HTTP server and its connections */
        run(world);
        CHECK(raws[0]->is_closed && raws[3]->is_closed);
        CHECK_U32(heard(world).len, 0);
        CHECK_I64(http_server_counters(world->server)->connections_now, 0);
        world_close(world);
    }
}

/* --- limits and times --- */

TEST(who_is_silent_is_pinged_then_dropped)
{
    struct websocket_options options = { .ping_ms = 10000, .pong_timeout_ms = 5000 };
    struct world *world = world_new(true, &options);
    struct raw *answers = open_raw(world), *silent = open_raw(world);
    loop_run_for(world->loop, 9990);
    CHECK_U32(answers->got.len, 0);
    loop_run_for(world->loop, 20);
    CHECK(got_bytes(answers, TEXT("\x89\x00")) && got_bytes(silent, TEXT("\x89\x00")));
    send_frame(answers, 0x8a, TEXT(""));
    loop_run_for(world->loop, 5000);
    CHECK(silent->is_closed && !answers->is_closed);
    CHECK_TEXT(heard(world), "1006:no sign of life ");
    CHECK_I64(counters(world)->gone_silent, 1);
    CHECK_I64(counters(world)->open_now, 1);
    loop_run_for(world->loop, 5020); /* pinged again, 10 s after its pong */
    CHECK(got_bytes(answers, TEXT("\x89\x00\x89\x00")));
    world_close(world);
}

TEST(who_speaks_is_not_pinged)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = open_raw(world);
    for (int i = 0; i < 20; i++) {
        send_frame(raw, 0x8a, TEXT("")); /* unasked pongs are allowed */
        loop_run_for(world->loop, 20000);
    }
    CHECK_U32(raw->got.len, 0);
    CHECK(!raw->is_closed);
    world_close(world);
}

TEST(a_crowd_that_came_at_once_is_pinged_and_kept)
{
    struct world *world = world_new(true, NULL);
    for (int i = 0; i < 1000; i++) send_z(connect_raw(world), ASKED);
    loop_run_for(world->loop, 10);
    for (int i = 0; i < 1000; i++) buf_clear(&world->raws[i].got);
    loop_run_for(world->loop, 30020);
    for (int i = 0; i < 1000; i++) {
        CHECK(got_bytes(&world->raws[i], TEXT("\x89\x00")));
        send_frame(&world->raws[i], 0x8a, TEXT(""));
    }
    loop_run_for(world->loop, 29000);
    CHECK_I64(counters(world)->open_now, 1000);
    world_close(world);
}

TEST(a_slow_reader_is_disconnected_and_never_kept_without_bound)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct websocket_options options = { .send_queue_bytes_max = 100000 };
        struct world *world = world_new(is_virtual, &options);
        struct raw *slow = open_raw(world), *fast = open_raw(world);
        char kilobyte[1000];
        memset(kilobyte, 'x', sizeof kilobyte);
        stream_pause(slow->stream);
        size_t sent = 0;
        enum err err = ERR_OK;
        while (err == ERR_OK && sent < 100000) {
            CHECK(websocket_unsent(world->open[0]) <= 100000 + 1100);
            err = websocket_send_text(world->open[0], (struct text){ kilobyte, 1000 });
            CHECK_OK(websocket_send_text(world->open[1], TEXT("y")));
            sent++;
            if (sent % 20 == 0) loop_run_for(world->loop, 1);
        }
        CHECK_I64(err, ERR_LIMIT);
        CHECK_I64(websocket_send_text(world->open[0], TEXT("more")), ERR_CLOSED);
        CHECK_U32(heard(world).len, 0); /* never from inside the send */
        run(world);
        CHECK_TEXT(heard(world), "1013:what was sent is not taken fast enough ");
        CHECK_I64(counters(world)->too_slow, 1);
        stream_resume(slow->stream);
        loop_run_for(world->loop, 200);
        CHECK(slow->is_closed && !fast->is_closed);
        CHECK(text_ends(buf_text(&slow->got), TEXT("\x88\x28\x03\xf5what was sent is not taken "
                                                   "fast enough")));
        CHECK_U32(fast->got.len, 3 * sent);
        world_close(world);
    }
}

TEST(a_message_longer_than_the_queue_leaves_room_for_others_beside_it)
{
    struct websocket_options options = { .send_queue_bytes_max = 1000 };
    struct world *world = world_new(true, &options);
    struct raw *raw = open_raw(world);
    char long_one[5000];
    memset(long_one, 'x', sizeof long_one);
    for (int i = 0; i < 3; i++) {
        CHECK_OK(websocket_send_text(world->open[0], (struct text){ long_one, 5000 }));
        CHECK_OK(websocket_send_text(world->open[0], (struct text){ long_one, 900 }));
        send_frame(raw, 0x89, TEXT(""));
        run(world);
        run(world); /* past half of its queue it was not read */
        CHECK_U32(raw->got.len, (i + 1) * (5004 + 904 + 2));
    }
    CHECK_OK(websocket_send_text(world->open[0], (struct text){ long_one, 5000 }));
    CHECK_I64(websocket_send_text(world->open[0], (struct text){ long_one, 5000 }), ERR_LIMIT);
    world_close(world);
}

TEST(who_takes_a_long_backlog_slowly_is_kept)
{
    struct world *world = world_new(true, NULL);
    struct raw *raw = open_raw(world);
    const size_t len = 8 * 1024 * 1024;
    char *long_one = calloc(1, len);
    CHECK_OK(websocket_send_text(world->open[0], (struct text){ long_one, len }));
    free(long_one);
    sim_net_delay(world->net, 5000, 5000); /* it answers no ping */
    loop_run_for(world->loop, 100 * 1000);
    CHECK(!raw->is_closed && raw->got.len > 0 && raw->got.len < len);
    loop_run_for(world->loop, 400 * 1000);
    CHECK_U32(raw->got.len, len + 10 + 2); /* in the end it is pinged, and dropped */
    CHECK(raw->is_closed);
    world_close(world);
}

TEST(pings_without_reading_the_answers_are_no_way_to_memory)
{
    struct world *world = world_new(false, NULL);
    struct raw *raw = open_raw(world);
    stream_pause(raw->stream);
    for (int i = 0; i < 400; i++) {
        for (int j = 0; j < 1000; j++) send_frame(raw, 0x89, TEXT("a hundred bytes or so?"));
        if (i % 10 == 0) loop_run_for(world->loop, 1);
        CHECK(websocket_unsent(world->open[0]) < 3 * 1024 * 1024);
    }
    run(world);
    CHECK(!raw->is_closed);
    world_close(world);
}

TEST(who_asks_without_reading_is_not_read)
{
    for (int is_virtual = 0; is_virtual < 2; is_virtual++) {
        struct world *world = world_new(is_virtual, NULL);
        struct raw *raw = open_raw(world);
        stream_pause(raw->stream);
        char kilobyte[1000];
        memset(kilobyte, 'x', sizeof kilobyte);
        const size_t count = 20000; /* 20 MB of requests, each echoed */
        for (size_t i = 0; i < count; i++) {
            send_frame(raw, 0x81, (struct text){ kilobyte, 1000 });
            if (i % 50 == 0) loop_run_for(world->loop, is_virtual ? 1 : 0);
        }
        run(world);
        CHECK(counters(world)->messages_in < count);
        CHECK_I64(counters(world)->open_now, 1);
        CHECK(stream_unsent(raw->stream) > 1000000);
        stream_resume(raw->stream);
        for (int i = 0; i < 100 && counters(world)->messages_in < count; i++)
            loop_run_for(world->loop, 50);
        run(world);
        CHECK_I64(counters(world)->messages_in, count);
        CHECK_U32(raw->got.len, count * 1004);
        world_close(world);
    }
}

TEST(unfinished_messages_hold_64_mib_together_at_most)
{
    struct world *world = world_new(true, NULL);
    const size_t len = 1000000;
    char *part = calloc(1, len);
    for (int i = 0; i < 100; i++) {
        struct raw *raw = open_raw(world);
        send_frame(raw, 0x01, (struct text){ part, len });
    }
    run(world);
    CHECK(counters(world)->open_now >= 30 && counters(world)->open_now < 70);
    CHECK(text_starts(heard(world), TEXT("1013:too many large messages at the moment ")));
    free(part);
    world_close(world);
}

TEST(websockets_count_as_connections_and_are_not_closed_for_room)
{
    struct world *world = world_new(true, NULL);
    for (int i = 0; i < RAWS_MAX - 2; i++) send_z(connect_raw(world), ASKED);
    loop_run_for(world->loop, 100);
    CHECK_I64(counters(world)->open_now, RAWS_MAX - 2);
    CHECK_I64(http_server_counters(world->server)->connections_now, RAWS_MAX - 2);
    struct raw *idle = connect_raw(world);
    loop_run_for(world->loop, 120 * 1000); /* an idle HTTP connection goes, a websocket stays... */
    CHECK(idle->is_closed);
    CHECK_I64(http_server_counters(world->server)->connections_now, 0); /* ...while it answers */
    CHECK_I64(counters(world)->gone_silent, RAWS_MAX - 2);
    world_close(world);
}
