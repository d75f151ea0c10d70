/* SPDX-License-Identifier: Apache-2.0 */
/* HTTP and WebSockets in every weather: each call ends once and in time with its own answer, each
 * websocket ends once, and when it is calm again nothing is left of what the storm broke. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "io/http/client.h"
#include "io/http/websocket.h"
#include "io/http/websocket_frame.h"
#include "io/net/sim_net.h"

#include <stdio.h>
#include <string.h>

enum {
    SEEDS = 150,
    CALLS = 120,
    CALL_MS = 3000,
    BIG_BYTES = 300 * 1000,
    CLIENTS = 8,
    SENDS = 40,
    PING_MS = 4000,
    IDLE_MS = 10 * 1000,
    READ_MS = 5 * 1000,
    /* The longest silence, then what a server allows: idle, an untaken answer, finishing. */
    CALM_MS = 120 * 1000 + 60 * 1000 + 30 * 1000,
};

struct storm {
    struct scope *life, *client_life;
    struct loop *loop;
    struct net *net, *client_net; /* two processes */
    struct http_server *server;
    struct websocket_server *websockets;
    char place[32];
    uint32_t carried_out, answered, failed, big_answers;
    uint64_t later[CALLS * 8];
    uint32_t later_count;
    uint32_t accepted, closes_told, closed_by_us;
};

struct call {
    struct storm *storm;
    uint32_t number, ends;
};

/* --- the server --- */

static void answer(struct http_exchange *exchange)
{
    http_reply(exchange, 200, NULL, http_exchange_request(exchange)->body);
}

static void on_request(void *self, struct http_exchange *exchange)
{
    struct storm *storm = self;
    if (websocket_is_asked(http_exchange_request(exchange))) {
        storm->accepted += websocket_accept(storm->websockets, exchange, TEXT(""), NULL, storm) !=
                           NULL;
        return;
    }
    storm->carried_out++;
    uint32_t chance = (uint32_t)random_below(loop_random(storm->loop), 10);
    if (chance < 6 || storm->later_count == CALLS * 8)
        answer(exchange);
    else
        storm->later[storm->later_count++] = http_exchange_id(exchange);
}

static void answer_later(struct storm *storm)
{
    for (uint32_t i = 0; i < storm->later_count; i++) {
        struct http_exchange *exchange = http_find(storm->server, storm->later[i]);
        if (exchange) answer(exchange);
    }
    storm->later_count = 0;
}

static void on_message(void *self, struct websocket *websocket, struct text message)
{
    struct storm *storm = self;
    if (!text_eq(message, TEXT("close me"))) {
        (void)websocket_send_text(websocket, message);
        return;
    }
    storm->closed_by_us++;
    websocket_close(websocket, 4001, TEXT("as asked"));
}

static void on_close(void *self, struct websocket *websocket, unsigned code, struct text reason)
{
    (void)websocket, (void)code, (void)reason;
    ((struct storm *)self)->closes_told++;
}

static const struct websocket_handler websocket_handler = { on_message, on_close };

static struct storm *storm_new(uint64_t seed)
{
    static struct storm storm;
    struct http_server_options options = { .idle_ms = IDLE_MS, .request_ms = READ_MS };
    struct websocket_options pings = { .ping_ms = PING_MS, .pong_timeout_ms = PING_MS };
    storm = (struct storm){ .life = scope_new(NULL, "storm", SCOPE_NO_LIMIT) };
    storm.loop = loop_new_virtual(storm.life, 1777900000000, seed);
    storm.net = net_new(storm.life, storm.loop);
    CHECK_OK(http_server_open(storm.life, storm.net, TEXT("127.0.0.1:0"), &options, on_request,
                              &storm, &storm.server, NULL));
    storm.websockets = websocket_server_new(storm.life, storm.loop, &pings, &websocket_handler);
    (void)snprintf(storm.place, sizeof storm.place, "127.0.0.1:%u",
                   (unsigned)http_server_port(storm.server));
    storm.client_life = scope_new(storm.life, "client", SCOPE_NO_LIMIT);
    storm.client_net = net_new(storm.client_life, storm.loop);
    struct sim_net_weather weather = sim_net_weather_any(loop_random(storm.loop));
    sim_net_set_weather(storm.net, &weather);
    return &storm;
}

/* Nothing that the storm broke is left: no connection, no stream. */
static void check_calm(struct storm *storm)
{
    sim_net_set_weather(storm->net, NULL);
    loop_run_for(storm->loop, CALM_MS);
    answer_later(storm);
    loop_run_for(storm->loop, CALM_MS);
    CHECK_U32(http_server_counters(storm->server)->connections_now, 0);
    CHECK_U32(websocket_counters(storm->websockets)->open_now, 0);
    const struct net_counters *net = net_counters(storm->net);
    CHECK_U32(net->streams_accepted - net->streams_closed, 0);
}

/* --- calls --- */

/* Some bodies, and so the answers, are longer than what a kernel holds. */
static bool is_big(const struct call *call)
{
    return call->number % 40 == 7;
}

static void on_done(void *self, const struct http_result *result)
{
    struct call *call = self;
    char words[32];
    call->ends++;
    /* Connecting, sending, head, body; and once more when a kept connection was given up unseen. */
    CHECK(result->took_ms <= 6 * CALL_MS);
    if (result->failure != HTTP_FAILURE_NONE) {
        call->storm->failed++;
        return;
    }
    call->storm->answered++;
    (void)snprintf(words, sizeof words, "call %u", call->number);
    CHECK_U32(result->status, 200);
    struct text front = text_slice(result->body, 0, strlen(words));
    CHECK(text_starts(text_of(words), front)); /* of a broken-off body, what has come */
    if (is_big(call)) call->storm->big_answers++;
}

static void send_call(struct storm *storm, struct http_client *client, struct call *call)
{
    static char body[BIG_BYTES];
    char url[64];
    (void)snprintf(url, sizeof url, "http://%s/", storm->place);
    int len = snprintf(body, sizeof body, "call %u", call->number);
    (void)http_client_send(
        client,
        &(struct http_call){ .method = TEXT("POST"),
                             .url = text_of(url),
                             .body = { body, is_big(call) ? BIG_BYTES : (size_t)len },
                             .timeout_ms = CALL_MS },
        on_done, call);
}

TEST(in_every_weather_each_call_ends_once_in_time_with_its_own_answer)
{
    uint64_t answered = 0, failed = 0, carried_out = 0, big_answers = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static struct call calls[CALLS];
        struct storm *storm = storm_new(seed);
        struct http_client *client = http_client_new(storm->client_life, storm->client_net, 6);
        if (seed % 4 == 0) {
            struct sim_net_weather ghosts = sim_net_weather_any(loop_random(storm->loop));
            ghosts.ghost = 300000;
            ghosts.ghost_max_ms = 5000;
            sim_net_set_weather(storm->net, &ghosts);
        }
        for (uint32_t i = 0; i < CALLS; i++) {
            calls[i] = (struct call){ .storm = storm, .number = i + 1 };
            send_call(storm, client, &calls[i]);
            loop_run_for(storm->loop, 200);
            if (i % 5 == 0) answer_later(storm);
        }
        /* Those that wait have at most all others before them. */
        loop_run_for(storm->loop, (uint64_t)CALLS / 6 * 6 * CALL_MS);
        for (uint32_t i = 0; i < CALLS; i++) CHECK_U32(calls[i].ends, 1);
        answered += storm->answered;
        failed += storm->failed;
        carried_out += storm->carried_out;
        big_answers += storm->big_answers;
        /* In calm calls are answered, whatever the pool has kept of the storm. */
        sim_net_set_weather(storm->net, NULL);
        loop_run_for(storm->loop, CALM_MS);
        struct call last = { .storm = storm, .number = CALLS + 1 };
        uint32_t before = storm->answered;
        send_call(storm, client, &last);
        loop_run_for(storm->loop, CALL_MS / 2);
        answer_later(storm);
        loop_run_for(storm->loop, CALL_MS / 2);
        CHECK_U32(storm->answered, before + 1);
        scope_close(storm->client_life);
        check_calm(storm);
        scope_close(storm->life);
    }
    CHECK(answered > failed);
    CHECK(failed > SEEDS);
    CHECK(big_answers > SEEDS);
    CHECK(carried_out > answered); /* some for nothing, some twice */
}

/* --- websockets --- */

struct raw {
    struct storm *storm;
    struct scope *life;
    struct stream *stream;
    struct buf got;
    bool is_open, is_closed;
    uint32_t said, heard;
};

static void send_frame(struct raw *raw, unsigned opcode, struct text payload)
{
    uint8_t head[WEBSOCKET_HEAD_BYTES_MAX];
    size_t len = websocket_frame_head(opcode, payload.len, head);
    head[1] |= 0x80;
    stream_write(raw->stream, (struct text){ (const char *)head, len });
    stream_write(raw->stream, (struct text){ "\0\0\0\0", 4 }); /* a mask that changes nothing */
    stream_write(raw->stream, payload);
}

/* Short frames only. What was said comes back in order and whole. */
static void take_frames(struct raw *raw)
{
    while (raw->got.len >= 2 && raw->got.len >= 2u + (unsigned char)raw->got.at[1]) {
        unsigned opcode = (unsigned char)raw->got.at[0] & 15;
        struct text payload = text_slice(buf_text(&raw->got), 2, (unsigned char)raw->got.at[1]);
        char words[32];
        if (opcode == WEBSOCKET_PING) send_frame(raw, WEBSOCKET_PONG, payload);
        if (opcode == WEBSOCKET_TEXT) {
            (void)snprintf(words, sizeof words, "word %u", ++raw->heard);
            CHECK_TEXT(payload, words);
            CHECK(raw->heard <= raw->said);
        }
        buf_drop_front(&raw->got, 2u + (unsigned char)raw->got.at[1]);
    }
}

static void on_raw_bytes(void *self, struct text bytes)
{
    struct raw *raw = self;
    buf_add(&raw->got, bytes);
    if (!raw->is_open) {
        const char *end = memmem(raw->got.at, raw->got.len, "\r\n\r\n", 4);
        if (end == NULL) return;
        if (text_starts(buf_text(&raw->got), TEXT("HTTP/1.1 408 ")))
            return; /* it came too slowly */
        CHECK(text_starts(buf_text(&raw->got), TEXT("HTTP/1.1 101 ")));
        buf_drop_front(&raw->got, (size_t)(end - raw->got.at) + 4);
        raw->is_open = true;
    }
    take_frames(raw);
}

static void on_raw_closed(void *self, enum err why)
{
    (void)why;
    ((struct raw *)self)->is_closed = true;
}

static void raw_come(struct storm *storm, struct raw *raw)
{
    static const struct stream_handler handler = { .on_bytes = on_raw_bytes,
                                                   .on_closed = on_raw_closed };
    buf_free(&raw->got);
    *raw = (struct raw){ .storm = storm,
                         .life = scope_new(storm->client_life, "raw", SCOPE_NO_LIMIT) };
    raw->stream =
        stream_connect(raw->life, storm->client_net, text_of(storm->place), &handler, raw);
    stream_write(raw->stream, TEXT("GET / HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n"
                                   "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                                   "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"));
}

/* Says something, or closes in one of the ways there are, and comes again when it has ended. */
static void raw_act(struct raw *raw)
{
    struct storm *storm = raw->storm;
    uint64_t chance = random_below(loop_random(storm->loop), 100);
    char words[32];
    if (raw->is_closed || chance == 0) { /* killed */
        scope_close(raw->life);
        raw_come(storm, raw);
        return;
    }
    if (!raw->is_open) return;
    (void)snprintf(words, sizeof words, "word %u", ++raw->said);
    if (chance < 95)
        send_frame(raw, WEBSOCKET_TEXT, text_of(words));
    else if (chance < 97)
        send_frame(raw, WEBSOCKET_TEXT, TEXT("close me"));
    else
        send_frame(raw, WEBSOCKET_CLOSE, TEXT("\x03\xe8"));
    if (chance >= 95) raw->said--;
}

TEST(in_every_weather_each_websocket_ends_once_and_what_it_says_keeps_its_order)
{
    uint64_t accepted = 0, told = 0, asked = 0, silent = 0;
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        static struct raw raws[CLIENTS];
        struct storm *storm = storm_new(seed);
        for (int i = 0; i < CLIENTS; i++) raw_come(storm, &raws[i]);
        for (int i = 0; i < SENDS; i++) {
            loop_run_for(storm->loop, 500);
            for (int at = 0; at < CLIENTS; at++) raw_act(&raws[at]);
        }
        /* Whoever is not deaf is kept by pings as long as it lives. */
        sim_net_set_weather(storm->net, NULL);
        loop_run_for(storm->loop, CALM_MS);
        uint32_t alive = 0;
        for (int i = 0; i < CLIENTS; i++) alive += raws[i].is_open && !raws[i].is_closed;
        CHECK(websocket_counters(storm->websockets)->open_now <= alive);
        scope_close(storm->client_life);
        check_calm(storm);
        CHECK_U32(storm->closes_told + storm->closed_by_us, storm->accepted);
        accepted += storm->accepted;
        told += storm->closes_told;
        asked += storm->closed_by_us;
        silent += websocket_counters(storm->websockets)->gone_silent;
        CHECK_U32(websocket_counters(storm->websockets)->broken_rules, 0);
        for (int i = 0; i < CLIENTS; i++) buf_free(&raws[i].got);
        memset(raws, 0, sizeof raws);
        scope_close(storm->life);
    }
    CHECK(accepted > (uint64_t)SEEDS * CLIENTS);
    CHECK(told > SEEDS);
    CHECK(asked > SEEDS);
    CHECK(silent > SEEDS / 4);
}

/* --- the last words --- */

struct listener_side {
    struct scope *life;
    struct buf heard;
    bool is_ended;
};

static void on_last_bytes(void *self, struct text bytes)
{
    buf_add(&((struct listener_side *)self)->heard, bytes);
}

static void on_last_closed(void *self, enum err why)
{
    (void)why;
    ((struct listener_side *)self)->is_ended = true;
}

static const struct stream_handler last_handler = { .on_bytes = on_last_bytes,
                                                    .on_closed = on_last_closed };

static void on_last_stream(void *self, struct stream *stream)
{
    stream_adopt(((struct listener_side *)self)->life, stream, &last_handler, self);
}

TEST(what_is_finished_arrives_whole_however_late_and_then_the_end)
{
    enum { BYTES = 100 * 1000 };
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        struct scope *life = scope_new(NULL, "last words", SCOPE_NO_LIMIT);
        struct loop *loop = loop_new_virtual(life, 0, seed);
        struct net *net = net_new(life, loop);
        struct listener_side side = { .life = life }, own = { .life = life };
        struct listener *listener;
        CHECK_OK(listener_open(life, net, TEXT("127.0.0.1:7000"), NULL, on_last_stream, &side,
                               &listener, NULL));
        struct scope *writer = scope_new(life, "writer", SCOPE_NO_LIMIT);
        struct stream *stream =
            stream_connect(writer, net, TEXT("127.0.0.1:7000"), &last_handler, &own);
        loop_run_for(loop, 1);
        struct sim_net_weather weather = sim_net_weather_any(loop_random(loop));
        weather.reset = weather.silence_for_ever = 0;
        sim_net_set_weather(net, &weather);
        char *bytes = scope_alloc(life, BYTES);
        for (size_t i = 0; i < BYTES; i++) bytes[i] = (char)(i % 251);
        stream_write(stream, (struct text){ bytes, BYTES });
        stream_finish(stream);
        scope_close(writer);
        loop_run_for(loop, CALM_MS);
        CHECK(text_eq(buf_text(&side.heard), (struct text){ bytes, BYTES }));
        CHECK(side.is_ended);
        CHECK(!own.is_ended);
        buf_free(&side.heard);
        scope_close(life);
    }
}
