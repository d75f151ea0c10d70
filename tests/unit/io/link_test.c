/* SPDX-License-Identifier: Apache-2.0 */
/* Links on the simulated network: two ends in one process, a clock that jumps. */
#include "tests/unit/test.h"

#include "base/buf.h"
#include "gen/messages.h"
#include "io/link/private.h" /* to put bytes behind the proof */
#include "io/net/sim_net.h"

#include <string.h>

static const struct text address = { "127.0.0.1:7001", 14 };

enum { SECRET_BYTES = 32, START_MS = 1000000 };

/* What one end saw. */
struct end {
    uint32_t ups, downs, replies, errors, requests, events;
    enum err why, error;
    struct link *link;
    struct link_request *held; /* a request kept back */
    bool holds, answers_not;
    char words[200], peer[64], field[64];
    uint64_t last_error_ms, down_ms;
};

struct world {
    struct scope *life, *client_life;
    struct loop *loop;
    struct net *net;
    struct link_server *server;
    struct link *client;
    struct end at_server, at_client;
    struct log log;
    struct log_sink sink;
    struct buf lines;
    uint8_t key[32];
};

static bool sink_wants(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_TRACE;
}

static void sink_write(void *self, const struct log_event *event, struct text context,
                       struct text line)
{
    (void)context;
    buf_format(self, "%s %.*s\n", event->id, TEXT_ARG(line));
}

static uint32_t count(const struct world *world, const char *words)
{
    uint32_t found = 0;
    struct text lines = buf_text(&world->lines), wanted = text_of(words);
    for (size_t at = 0; at < lines.len; at++)
        found += text_starts(text_slice(lines, at, wanted.len), wanted);
    return found;
}

/* --- both ends ---------------------------------------------------------------------------------
 */

static struct end *end_of(void *self)
{
    return self;
}

static void on_up(void *self, struct link *link)
{
    struct end *end = end_of(self);
    end->ups++;
    end->link = link;
    (void)text_to_z(link_peer(link), end->peer, sizeof end->peer);
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct end *end = end_of(self);
    (void)link;
    end->downs++;
    end->why = why;
    end->link = NULL;
}

static void on_register(void *self, struct link_request *request, const void *fields)
{
    struct end *end = end_of(self);
    const struct supervisor_register *asked = fields;
    end->requests++;
    if (end->holds) {
        end->held = request;
        return;
    }
    struct supervisor_registered reply = { .head.has = SUPERVISOR_REGISTERED_HAS_PID,
                                           .pid = asked->pid + 1 };
    link_reply(request, &reply);
}

static void on_status(void *self, struct link *link, const void *fields)
{
    (void)link;
    const struct supervisor_status *status = fields;
    end_of(self)->events++;
    (void)text_to_z(status->reason, end_of(self)->words, sizeof end_of(self)->words);
}

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct end *end = end_of(self);
    if (error) {
        end->errors++;
        end->error = error->err;
        (void)text_to_z(text_slice(error->text, 0, sizeof end->words - 1), end->words,
                        sizeof end->words);
        (void)text_to_z(text_slice(error->field, 0, sizeof end->field - 1), end->field,
                        sizeof end->field);
        return;
    }
    end->replies++;
    CHECK_U32(((const struct supervisor_registered *)fields)->pid, 8);
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_SUPERVISOR_REGISTER, .on_request = on_register },
    { .msg = &MSG_SUPERVISOR_STATUS, .on_event = on_status },
    { 0 },
};
static const struct link_life hooks = { on_up, on_down };

static struct link_identity master(const char *name)
{
    return (struct link_identity){ .application = text_of(name),
                                   .role = TEXT("primary"),
                                   .build = TEXT("test"),
                                   .secret = TEXT("0123456789abcdef0123456789abcdef"),
                                   .secret_is_master = true };
}

static struct link_identity owner_of_key(struct world *world, const char *name)
{
    struct link_identity identity = master(name);
    link_derive_key(identity.secret, text_of(name), world->key);
    identity.secret = (struct text){ (const char *)world->key, sizeof world->key };
    identity.secret_is_master = false;
    return identity;
}

static struct world world_new(void)
{
    struct world world = { .life = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
    world.loop = loop_new_virtual(world.life, START_MS, 7);
    world.net = net_new(world.life, world.loop);
    return world;
}

static void watch_log(struct world *world)
{
    world->sink = (struct log_sink){ sink_wants, sink_write, &world->lines };
    world->log = (struct log){ .sink = &world->sink };
}

static void world_free(struct world *world)
{
    scope_close(world->life);
    buf_free(&world->lines);
}

static void serve(struct world *world, struct link_identity identity,
                  const struct link_options *options)
{
    CHECK_OK(link_listen(world->life, world->net, &world->log, address, &identity, options,
                         handlers, &hooks, &world->at_server, &world->server, NULL));
}

static void connect_as(struct world *world, struct link_identity identity, const char *peer,
                       const struct link_options *options)
{
    world->client_life = scope_new(world->life, "client", SCOPE_NO_LIMIT);
    world->client = link_connect(world->client_life, world->net, &world->log, address,
                                 text_of(peer), &identity, options, handlers, &hooks,
                                 &world->at_client);
}

static void both(struct world *world, const struct link_options *options)
{
    serve(world, master("config"), options);
    connect_as(world, owner_of_key(world, "outbound"), "config", options);
    loop_run_for(world->loop, 10);
    CHECK(link_is_up(world->client));
}

static void ask(struct world *world, struct link *link, uint32_t pid, uint64_t deadline_ms)
{
    struct supervisor_register fields = {
        .head.has = SUPERVISOR_REGISTER_HAS_APPLICATION | SUPERVISOR_REGISTER_HAS_PID |
                    SUPERVISOR_REGISTER_HAS_TYPE,
        .application = TEXT("outbound"),
        .pid = pid,
        .type = TEXT("outbound"),
    };
    struct end *end = link == world->client ? &world->at_client : &world->at_server;
    link_ask(link, &MSG_SUPERVISOR_REGISTER, &fields, NULL, deadline_ms, on_reply, end);
}

static void send_status(struct link *link, struct text reason)
{
    struct supervisor_status status = { .head.has = SUPERVISOR_STATUS_HAS_STATE |
                                                    SUPERVISOR_STATUS_HAS_REASON,
                                        .state = TEXT("running"),
                                        .reason = reason };
    link_send(link, &MSG_SUPERVISOR_STATUS, &status);
}

/* --- a peer that follows no rule ---------------------------------------------------------------
 */

struct raw {
    struct stream *stream;
    struct buf got;
    bool is_closed;
};

static void raw_open(void *self)
{
    (void)self;
}

static void raw_bytes(void *self, struct text bytes)
{
    buf_add(&((struct raw *)self)->got, bytes);
}

static void raw_closed(void *self, enum err why)
{
    (void)why;
    ((struct raw *)self)->is_closed = true;
}

static const struct stream_handler raw_handler = { raw_open, raw_bytes, NULL, raw_closed };

static void raw_connect(struct world *world, struct raw *raw)
{
    raw->stream = stream_connect(world->life, world->net, address, &raw_handler, raw);
    loop_run_for(world->loop, 1);
}

static void raw_send(struct world *world, struct raw *raw, struct text bytes)
{
    stream_write(raw->stream, bytes);
    loop_run_for(world->loop, 1);
}

/* --- the opening -------------------------------------------------------------------------------
 */

TEST(both_ends_prove_themselves_and_know_each_others_names)
{
    struct world world = world_new();
    both(&world, NULL);
    CHECK_U32(world.at_client.ups, 1);
    CHECK_U32(world.at_server.ups, 1);
    CHECK_TEXT(text_of(world.at_server.peer), "outbound");
    CHECK_TEXT(text_of(world.at_client.peer), "config");
    CHECK_TEXT(link_peer_role(world.at_server.link), "primary");
    world_free(&world);
}

TEST(a_tool_with_the_secret_reaches_an_application_that_has_only_its_key)
{
    struct world world = world_new();
    serve(&world, owner_of_key(&world, "outbound"), NULL);
    connect_as(&world, master("tool"), "outbound", NULL);
    loop_run_for(world.loop, 10);
    CHECK(link_is_up(world.client));
    CHECK_TEXT(text_of(world.at_server.peer), "tool");
    world_free(&world);
}

TEST(the_role_of_a_tool_needs_its_name)
{
    struct world world = world_new();
    serve(&world, master("config"), NULL);
    struct link_identity pretender = owner_of_key(&world, "outbound");
    pretender.role = TEXT("tool");
    connect_as(&world, pretender, "config", NULL);
    loop_run_for(world.loop, 10);
    CHECK(!link_is_up(world.client));
    CHECK_U32(world.at_server.ups, 0);
    world_free(&world);
}

TEST(two_holders_of_the_secret_reach_each_other)
{
    struct world world = world_new();
    serve(&world, master("config"), NULL);
    connect_as(&world, master("tool"), "config", NULL);
    loop_run_for(world.loop, 10);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

TEST(a_wrong_key_is_refused_and_nothing_is_handled)
{
    struct world world = world_new();
    watch_log(&world);
    serve(&world, master("config"), NULL);
    struct link_identity liar = owner_of_key(&world, "chat");
    liar.application = TEXT("outbound"); /* chat's key, outbound's name */
    connect_as(&world, liar, "config", NULL);
    loop_run_for(world.loop, 50);
    CHECK(!link_is_up(world.client));
    CHECK_U32(world.at_server.ups, 0);
    CHECK_U32(world.at_client.ups, 0);
    CHECK_U32(link_server_counters(world.server)->openings_refused, 1);
    CHECK(count(&world, "00-04506") >= 2); /* both ends say so */
    world_free(&world);
}

TEST(an_impostor_at_the_servers_address_is_refused_by_the_client)
{
    struct world world = world_new();
    struct link_identity impostor = master("config");
    impostor.secret = TEXT("ffffffffffffffffffffffffffffffff");
    serve(&world, impostor, NULL);
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 50);
    CHECK_U32(world.at_client.ups, 0);
    CHECK_U32(world.at_server.ups, 0);
    world_free(&world);
}

TEST(another_application_than_expected_is_refused)
{
    struct world world = world_new();
    serve(&world, master("control"), NULL);
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 50);
    CHECK_U32(world.at_client.ups, 0);
    world_free(&world);
}

TEST(two_plain_applications_meet_by_the_key_of_their_pair)
{
    struct world world = world_new();
    struct link_identity web = master("web");
    uint8_t pair[32];
    link_derive_pair_key(web.secret, web.application, TEXT("outbound"), pair);
    web.secret = (struct text){ (const char *)pair, sizeof pair };
    web.secret_is_master = false;
    serve(&world, owner_of_key(&world, "outbound"), NULL);
    connect_as(&world, web, "outbound", NULL);
    loop_run_for(world.loop, 10);
    CHECK(link_is_up(world.client));
    CHECK_TEXT(text_of(world.at_server.peer), "web");
    world_free(&world);
}

/* As a config proxy does, and config on another host: who asks cannot know before they speak. */
TEST(who_brings_the_key_of_a_pair_meets_a_holder_of_the_secret_by_its_own)
{
    struct world world = world_new();
    struct link_identity web = owner_of_key(&world, "web");
    web.own_key = web.secret;
    uint8_t pair[32];
    link_derive_pair_key(web.own_key, web.application, TEXT("proxy"), pair);
    web.secret = (struct text){ (const char *)pair, sizeof pair };
    serve(&world, master("proxy"), NULL);
    connect_as(&world, web, "proxy", NULL);
    loop_run_for(world.loop, 10);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

/* Neither another pair's key nor one's own opens a plain application's door. */
static void check_refused(struct text client, struct text of_client, struct text of_server)
{
    struct world world = world_new();
    struct link_identity liar = master("web");
    uint8_t pair[32];
    link_derive_pair_key(liar.secret, of_client, of_server, pair);
    liar.application = client;
    liar.secret = (struct text){ (const char *)pair, sizeof pair };
    liar.secret_is_master = false;
    serve(&world, owner_of_key(&world, "outbound"), NULL);
    connect_as(&world, liar, "outbound", NULL);
    loop_run_for(world.loop, 50);
    CHECK_U32(world.at_client.ups, 0);
    CHECK_U32(world.at_server.ups, 0);
    CHECK(link_server_counters(world.server)->openings_refused >= 1);
    world_free(&world);
}

TEST(two_plain_applications_without_it_are_refused)
{
    check_refused(TEXT("web"), TEXT("web"), TEXT("chat"));
    check_refused(TEXT("web"), TEXT("chat"), TEXT("outbound"));
    struct world world = world_new();
    serve(&world, owner_of_key(&world, "chat"), NULL);
    struct link_identity other = master("outbound");
    other.secret_is_master = false;
    connect_as(&world, other, "chat", NULL);
    loop_run_for(world.loop, 50);
    CHECK_U32(world.at_client.ups, 0);
    CHECK(link_server_counters(world.server)->openings_refused >= 1);
    world_free(&world);
}

TEST(a_silent_peer_is_closed_after_five_seconds)
{
    struct world world = world_new();
    struct raw raw = { 0 };
    serve(&world, master("config"), NULL);
    raw_connect(&world, &raw);
    loop_run_for(world.loop, 4990);
    CHECK(!raw.is_closed);
    loop_run_for(world.loop, 20);
    CHECK(raw.is_closed);
    buf_free(&raw.got);
    world_free(&world);
}

TEST(a_silent_server_is_given_up_after_five_seconds_and_tried_again)
{
    struct world world = world_new();
    serve(&world, master("config"), NULL);
    sim_net_cut(world.net, address, true);
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 6000);
    CHECK(!link_is_up(world.client));
    sim_net_cut(world.net, address, false);
    loop_run_for(world.loop, 6000);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

TEST(garbage_closes_the_link_is_counted_and_the_port_goes_on)
{
    struct world world = world_new();
    static const char *const forms[] = { "GET / HTTP/1.1\r\nHost: x\r\n\r\n",
                                         "\0\0\0\5hello",
                                         "\0\0\0\1\xc1",
                                         "\0\0\0\4\x93\1\0\x80",
                                         "\0\0\0\5\x94\1\0\x80\xc0",
                                         "\x16\3\1\2\0\1\0\1\xfc\3\3" };
    static const size_t lens[] = { 27, 9, 5, 8, 9, 11 };
    serve(&world, master("config"), NULL);
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        struct raw raw = { 0 };
        raw_connect(&world, &raw);
        raw_send(&world, &raw, (struct text){ forms[i], lens[i] });
        loop_run_for(world.loop, 2000);
        CHECK(raw.is_closed);
        buf_free(&raw.got);
    }
    CHECK_U32(link_server_counters(world.server)->malformed_frames, 6);
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 10);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

TEST(an_unproven_peer_may_send_four_kilobytes_at_most)
{
    struct world world = world_new();
    struct raw raw = { 0 };
    serve(&world, master("config"), NULL);
    raw_connect(&world, &raw);
    raw_send(&world, &raw, TEXT("\0\0\x10\1")); /* announces 4,097 bytes */
    loop_run_for(world.loop, 10);
    CHECK(raw.is_closed);
    buf_free(&raw.got);
    world_free(&world);
}

TEST(half_a_frame_is_waited_for_until_the_opening_ends)
{
    struct world world = world_new();
    struct raw raw = { 0 };
    serve(&world, master("config"), NULL);
    raw_connect(&world, &raw);
    raw_send(&world, &raw, TEXT("\0\0\0\x40\x94\1"));
    loop_run_for(world.loop, 4900);
    CHECK(!raw.is_closed);
    loop_run_for(world.loop, 200);
    CHECK(raw.is_closed);
    buf_free(&raw.got);
    world_free(&world);
}

TEST(a_message_before_the_proof_is_no_opening)
{
    struct world world = world_new();
    struct raw raw = { 0 };
    serve(&world, master("config"), NULL);
    raw_connect(&world, &raw);
    raw_send(&world, &raw, TEXT("\0\0\0\5\x94\x66\0\x80\x80")); /* Status, as an event */
    loop_run_for(world.loop, 2000);
    CHECK(raw.is_closed);
    CHECK_U32(world.at_server.events, 0);
    CHECK_U32(link_server_counters(world.server)->openings_refused, 1);
    buf_free(&raw.got);
    world_free(&world);
}

TEST(a_made_up_proof_is_refused)
{
    struct world world = world_new();
    serve(&world, master("config"), NULL);
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 10);
    CHECK_U32(world.at_server.ups, 1);
    struct raw raw = { 0 };
    raw_connect(&world, &raw);
    struct buf hello = { 0 };
    /* Hello of "outbound" with a nonce of 32 bytes, then a Proof of 32 bytes. */
    static const char head[] = "\0\0\0\x36\x94\1\0\x80\x83\1\1\2\xa8outbound\5\xc4\x20";
    buf_add(&hello, (struct text){ head, sizeof head - 1 });
    for (int i = 0; i < 32; i++) buf_add_byte(&hello, 'n');
    hello.at[3] = (char)(hello.len - 4);
    raw_send(&world, &raw, buf_text(&hello));
    CHECK(raw.got.len > 40); /* the server greeted */
    buf_clear(&hello);
    buf_add(&hello, TEXT("\0\0\0\x28\x94\2\0\x80\x81\1\xc4\x20"));
    for (int i = 0; i < 32; i++) buf_add_byte(&hello, 'm');
    hello.at[3] = (char)(hello.len - 4);
    raw_send(&world, &raw, buf_text(&hello));
    loop_run_for(world.loop, 1500);
    CHECK(raw.is_closed);
    CHECK_U32(world.at_server.ups, 1);
    buf_free(&hello);
    buf_free(&raw.got);
    world_free(&world);
}

/* Stands between client and server, passes everything on and keeps what the client says. */
struct middle {
    struct world *world;
    struct stream *left, *right;
    struct buf said;
};

static void left_bytes(void *self, struct text bytes)
{
    struct middle *middle = self;
    buf_add(&middle->said, bytes);
    stream_write(middle->right, bytes);
}

static void right_bytes(void *self, struct text bytes)
{
    stream_write(((struct middle *)self)->left, bytes);
}

static void middle_closed(void *self, enum err why)
{
    (void)self, (void)why;
}

static const struct stream_handler left_handler = { NULL, left_bytes, NULL, middle_closed };
static const struct stream_handler right_handler = { raw_open, right_bytes, NULL, middle_closed };

static void on_middle(void *self, struct stream *stream)
{
    struct middle *middle = self;
    middle->left = stream;
    stream_adopt(middle->world->life, stream, &left_handler, middle);
    middle->right =
        stream_connect(middle->world->life, middle->world->net, address, &right_handler, middle);
}

TEST(a_recorded_opening_cannot_be_played_again)
{
    struct world world = world_new();
    struct middle middle = { .world = &world };
    struct listener *listener;
    struct text between = TEXT("127.0.0.1:7009");
    serve(&world, master("config"), NULL);
    CHECK_OK(listener_open(world.life, world.net, between, &(struct listener_options){ 0 },
                           on_middle, &middle, &listener, NULL));
    struct link_identity outbound = owner_of_key(&world, "outbound");
    struct link *link = link_connect(world.life, world.net, NULL, between, TEXT("config"),
                                     &outbound, NULL, handlers, NULL, NULL);
    loop_run_for(world.loop, 20);
    CHECK(link_is_up(link)); /* through the middle it opens */
    CHECK_U32(world.at_server.ups, 1);
    struct raw raw = { 0 };
    raw_connect(&world, &raw);
    raw_send(&world, &raw, buf_text(&middle.said));
    loop_run_for(world.loop, 2000);
    CHECK(raw.is_closed);
    CHECK_U32(world.at_server.ups, 1);
    CHECK_U32(link_server_counters(world.server)->openings_refused, 1);
    buf_free(&raw.got);
    buf_free(&middle.said);
    world_free(&world);
}

TEST(damaged_frames_of_a_proven_peer_break_nothing)
{
    struct world world = world_new();
    both(&world, NULL);
    struct random chance;
    random_seed(&chance, 81);
    struct supervisor_register fields = {
        .head.has = SUPERVISOR_REGISTER_HAS_APPLICATION | SUPERVISOR_REGISTER_HAS_PID |
                    SUPERVISOR_REGISTER_HAS_TYPE,
        .application = TEXT("outbound"),
        .pid = 7,
        .type = TEXT("outbound"),
    };
    struct buf good = { 0 };
    frame_encode(&good, &MSG_SUPERVISOR_REGISTER, 1, &(struct link_header){ .deadline_ms = 9 },
                 &fields);
    for (int i = 0; i < 2000; i++) {
        if (world.at_server.link == NULL) loop_run_for(world.loop, 200); /* it comes back */
        CHECK(world.at_server.link != NULL);
        struct buf bad = { 0 };
        buf_add(&bad, buf_text(&good));
        for (uint64_t n = 1 + random_below(&chance, 4); n > 0; n--)
            bad.at[4 + random_below(&chance, bad.len - 4)] = (char)random_u64(&chance);
        link_on_bytes(world.at_server.link, buf_text(&bad));
        loop_run_for(world.loop, 1);
        buf_free(&bad);
    }
    const struct link_counters *counters = link_server_counters(world.server);
    CHECK(counters->malformed_frames > 100);
    CHECK(counters->fields_refused > 100);
    CHECK(world.at_server.requests > 10); /* some damage is harmless */
    buf_free(&good);
    world_free(&world);
}

TEST(every_prefix_of_a_frame_waits_for_the_rest)
{
    struct world world = world_new();
    both(&world, NULL);
    struct supervisor_status status = { .head.has = SUPERVISOR_STATUS_HAS_STATE,
                                        .state = TEXT("running") };
    struct buf frame = { 0 };
    frame_encode(&frame, &MSG_SUPERVISOR_STATUS, 0, NULL, &status);
    for (size_t cut = 0; cut <= frame.len; cut++) {
        link_on_bytes(world.at_server.link, text_slice(buf_text(&frame), 0, cut));
        link_on_bytes(world.at_server.link, text_slice(buf_text(&frame), cut, frame.len));
        CHECK_U32(world.at_server.events, cut + 1);
    }
    buf_free(&frame);
    world_free(&world);
}

TEST(half_open_links_never_keep_a_proven_one_out)
{
    struct world world = world_new();
    enum { FLOOD = 300 };
    static struct raw flood[FLOOD];
    memset(flood, 0, sizeof flood);
    serve(&world, master("config"), NULL);
    for (int i = 0; i < FLOOD; i++) raw_connect(&world, &flood[i]);
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 10);
    CHECK(link_is_up(world.client));
    CHECK(flood[0].is_closed);
    CHECK(!flood[FLOOD - 1].is_closed);
    for (int i = 0; i < FLOOD; i++) buf_free(&flood[i].got);
    world_free(&world);
}

TEST(past_the_limit_of_links_a_peer_is_told)
{
    struct world world = world_new();
    watch_log(&world);
    both(&world, &(struct link_options){ .links_max = 1 });
    struct end second = { 0 };
    struct link_identity other = master("other");
    struct link *link = link_connect(world.life, world.net, &world.log, address, TEXT("config"),
                                     &other, NULL, handlers, &hooks, &second);
    loop_run_for(world.loop, 50);
    CHECK(!link_is_up(link));
    CHECK_U32(second.ups, 0);
    CHECK(count(&world, "there: the limit of 1 links is reached") >= 1);
    CHECK(link_is_up(world.client));
    struct end third = { 0 };
    struct link_identity tool = master("tool");
    link = link_connect(world.life, world.net, &world.log, address, TEXT("config"), &tool, NULL,
                        handlers, &hooks, &third);
    loop_run_for(world.loop, 50);
    CHECK(link_is_up(link)); /* who mends what is wrong gets in */
    world_free(&world);
}

/* --- asking ------------------------------------------------------------------------------------
 */

TEST(a_request_gets_its_reply_in_both_directions)
{
    struct world world = world_new();
    both(&world, NULL);
    ask(&world, world.client, 7, 1000);
    ask(&world, world.at_server.link, 7, 1000);
    CHECK_U32(world.at_client.replies, 0); /* never from inside the call */
    loop_run_for(world.loop, 10);
    CHECK_U32(world.at_client.replies, 1);
    CHECK_U32(world.at_server.replies, 1);
    CHECK_U32(world.at_client.requests, 1);
    world_free(&world);
}

TEST(an_event_arrives)
{
    struct world world = world_new();
    both(&world, NULL);
    send_status(world.client, TEXT("all is well"));
    loop_run_for(world.loop, 10);
    CHECK_U32(world.at_server.events, 1);
    CHECK_TEXT(text_of(world.at_server.words), "all is well");
    world_free(&world);
}

TEST(a_frame_of_a_megabyte_arrives_whole)
{
    struct world world = world_new();
    both(&world, NULL);
    struct buf big = { 0 };
    for (int i = 0; i < 1024 * 1024; i++) buf_add_byte(&big, 'x');
    struct supervisor_metrics_text text = { .head.has = SUPERVISOR_METRICS_TEXT_HAS_TEXT,
                                            .text = buf_text(&big) };
    link_send(world.client, &MSG_SUPERVISOR_METRICS_TEXT, &text);
    send_status(world.client, TEXT("after it"));
    loop_run_for(world.loop, 100);
    CHECK_U32(world.at_server.events, 1);
    CHECK_U32(link_server_counters(world.server)->messages_unknown, 1);
    buf_free(&big);
    world_free(&world);
}

TEST(a_deadline_ends_a_request_exactly_then_and_a_late_reply_is_ignored)
{
    struct world world = world_new();
    world.at_server.holds = true;
    both(&world, NULL);
    ask(&world, world.client, 7, 1000);
    ask(&world, world.client, 7, 300);
    loop_run_for(world.loop, 299);
    CHECK_U32(world.at_client.errors, 0);
    loop_run_for(world.loop, 2);
    CHECK_U32(world.at_client.errors, 1);
    loop_run_for(world.loop, 697);
    CHECK_U32(world.at_client.errors, 1);
    loop_run_for(world.loop, 2);
    CHECK_U32(world.at_client.errors, 2);
    CHECK_I64(world.at_client.error, ERR_TIMEOUT);
    struct supervisor_registered reply = { .head.has = SUPERVISOR_REGISTERED_HAS_PID, .pid = 8 };
    link_reply(world.at_server.held, &reply);
    loop_run_for(world.loop, 10);
    CHECK_U32(world.at_client.replies, 0);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

TEST(the_header_tells_how_long_the_asker_waits)
{
    struct world world = world_new();
    world.at_server.holds = true;
    both(&world, NULL);
    ask(&world, world.client, 7, 1234);
    loop_run_for(world.loop, 10);
    CHECK_I64(link_request_header(world.at_server.held)->deadline_ms, 1234);
    world_free(&world);
}

TEST(a_lost_link_ends_every_request_once_with_closed)
{
    struct world world = world_new();
    world.at_server.holds = true;
    both(&world, NULL);
    ask(&world, world.client, 7, 60000);
    ask(&world, world.client, 7, 60000);
    loop_run_for(world.loop, 10);
    sim_net_break(world.net, address);
    loop_run_for(world.loop, 5);
    CHECK_U32(world.at_client.errors, 2);
    CHECK_I64(world.at_client.error, ERR_CLOSED);
    CHECK_U32(world.at_client.downs, 1);
    CHECK_U32(world.at_server.downs, 1);
    /* The answer to one who has gone goes nowhere. */
    CHECK(link_request_link(world.at_server.held) == NULL);
    struct supervisor_registered reply = { .head.has = SUPERVISOR_REGISTERED_HAS_PID, .pid = 8 };
    link_reply(world.at_server.held, &reply);
    loop_run_for(world.loop, 60000);
    CHECK_U32(world.at_client.errors, 2);
    CHECK_U32(world.at_client.replies, 0);
    world_free(&world);
}

TEST(asking_while_the_link_is_down_ends_with_closed_in_the_next_turn)
{
    struct world world = world_new();
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    ask(&world, world.client, 7, 1000);
    CHECK_U32(world.at_client.errors, 0);
    loop_run_for(world.loop, 1);
    CHECK_U32(world.at_client.errors, 1);
    CHECK_I64(world.at_client.error, ERR_CLOSED);
    world_free(&world);
}

TEST(past_the_limit_of_requests_the_next_ends_at_once)
{
    struct world world = world_new();
    world.at_server.holds = true;
    both(&world, &(struct link_options){ .requests_max = 3 });
    for (int i = 0; i < 4; i++) ask(&world, world.client, 7, 1000);
    loop_run_for(world.loop, 1);
    CHECK_U32(world.at_client.errors, 1);
    CHECK_I64(world.at_client.error, ERR_LIMIT);
    CHECK_U32(world.at_server.requests, 3);
    world_free(&world);
}

TEST(a_message_without_a_handler_is_answered_and_an_event_counted)
{
    struct world world = world_new();
    both(&world, NULL);
    struct supervisor_stop stop = { 0 };
    link_ask(world.client, &MSG_SUPERVISOR_STOP, &stop, NULL, 1000, on_reply, &world.at_client);
    struct supervisor_idle idle = { 0 };
    link_send(world.client, &MSG_SUPERVISOR_IDLE, &idle);
    loop_run_for(world.loop, 10);
    CHECK_U32(world.at_client.errors, 1);
    CHECK_I64(world.at_client.error, ERR_UNSUPPORTED);
    CHECK_U32(link_server_counters(world.server)->messages_unknown, 2);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

TEST(nonsense_in_a_field_is_answered_with_its_name_and_the_link_stays)
{
    struct world world = world_new();
    both(&world, NULL);
    struct supervisor_register fields = {
        .head.has = SUPERVISOR_REGISTER_HAS_APPLICATION | SUPERVISOR_REGISTER_HAS_PID,
        .application = TEXT("outbound"), /* type is required and not there */
    };
    link_ask(world.client, &MSG_SUPERVISOR_REGISTER, &fields, NULL, 1000, on_reply,
             &world.at_client);
    loop_run_for(world.loop, 10);
    CHECK_I64(world.at_client.error, ERR_INVALID);
    CHECK_TEXT(text_of(world.at_client.field), "type");
    CHECK_U32(world.at_server.requests, 0);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

TEST(a_request_that_its_server_gives_up_is_not_left_waiting)
{
    struct world world = world_new();
    struct scope *server_life = scope_new(world.life, "server", SCOPE_NO_LIMIT);
    struct link_identity identity = master("config");
    world.at_server.holds = true;
    CHECK_OK(link_listen(server_life, world.net, &world.log, address, &identity, NULL, handlers,
                         &hooks, &world.at_server, &world.server, NULL));
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 10);
    ask(&world, world.client, 7, 60000);
    loop_run_for(world.loop, 10);
    scope_close(server_life);
    loop_run_for(world.loop, 10);
    CHECK_U32(world.at_client.errors, 1); /* INTERNAL when it got through, else CLOSED */
    world_free(&world);
}

/* --- up, down and up again ---------------------------------------------------------------------
 */

TEST(after_a_loss_it_comes_back_soon_with_jitter)
{
    for (uint64_t seed = 1; seed <= 20; seed++) {
        struct world world = { .life = scope_new(NULL, "test", SCOPE_NO_LIMIT) };
        world.loop = loop_new_virtual(world.life, START_MS, seed);
        world.net = net_new(world.life, world.loop);
        both(&world, NULL);
        sim_net_break(world.net, address);
        loop_run_for(world.loop, 79);
        CHECK(!link_is_up(world.client));
        loop_run_for(world.loop, 60);
        CHECK(link_is_up(world.client)); /* 100 ms, plus or minus a fifth */
        CHECK_U32(world.at_client.downs, 1);
        CHECK_U32(world.at_client.ups, 2);
        world_free(&world);
    }
}

struct tries {
    uint64_t at_ms[16];
    uint32_t count;
    struct loop *loop;
};

static void on_try(void *self, struct stream *stream)
{
    struct tries *tries = self;
    (void)stream; /* not adopted: closed */
    if (tries->count < 16) tries->at_ms[tries->count++] = loop_now_mono_ms(tries->loop);
}

TEST(pauses_double_up_to_the_reconnect_time_out_each_with_a_fifth_of_jitter)
{
    struct world world = world_new();
    struct tries tries = { .loop = world.loop };
    struct listener *listener;
    CHECK_OK(listener_open(world.life, world.net, address, &(struct listener_options){ 0 }, on_try,
                           &tries, &listener, NULL));
    connect_as(&world, owner_of_key(&world, "outbound"), "config",
               &(struct link_options){ .reconnect_ms = 1000 });
    loop_run_for(world.loop, 20000);
    static const uint64_t wanted[] = { 100, 200, 400, 800, 1000, 1000, 1000, 1000 };
    CHECK(tries.count > 8);
    for (size_t i = 0; i < 8; i++) {
        uint64_t pause_ms = tries.at_ms[i + 1] - tries.at_ms[i];
        CHECK(pause_ms >= wanted[i] * 8 / 10);
        CHECK(pause_ms <= wanted[i] * 12 / 10 + 10);
    }
    world_free(&world);
}

TEST(a_peer_that_does_not_read_is_disconnected)
{
    struct world world = world_new();
    watch_log(&world);
    both(&world, &(struct link_options){ .send_queue_bytes_max = 100000 });
    sim_net_cut(world.net, address, true);
    char kilobyte[1000];
    memset(kilobyte, 'x', sizeof kilobyte);
    struct text reason = { kilobyte, sizeof kilobyte };
    for (int i = 0; i < 600 && link_is_up(world.at_server.link); i++) {
        send_status(world.at_server.link, reason);
        if (i % 50 == 0) loop_run_for(world.loop, 1);
        if (world.at_server.link == NULL) break;
    }
    loop_run_for(world.loop, 1);
    CHECK_U32(world.at_server.downs, 1);
    CHECK_I64(world.at_server.why, ERR_FULL);
    CHECK_U32(link_server_counters(world.server)->overflows, 1);
    CHECK_U32(count(&world, "00-04507"), 1);
    world_free(&world);
}

TEST(closing_is_for_good_and_tells_only_the_peer)
{
    struct world world = world_new();
    both(&world, NULL);
    link_close(world.client);
    link_close(world.client);
    loop_run_for(world.loop, 100);
    CHECK_U32(world.at_client.downs, 0); /* not for our own close */
    CHECK_U32(world.at_server.downs, 1);
    loop_run_for(world.loop, 60000);
    CHECK_U32(world.at_server.ups, 1); /* for good */
    world_free(&world);
}

static void on_status_close_owner(void *self, struct link *link, const void *fields)
{
    struct world *world = self;
    (void)link, (void)fields;
    scope_close(world->client_life);
    world->client_life = NULL;
}

TEST(an_owner_may_close_its_scope_from_inside_a_handler)
{
    static const struct link_handler closing[] = {
        { .msg = &MSG_SUPERVISOR_STATUS, .on_event = on_status_close_owner }, { 0 }
    };
    struct world world = world_new();
    serve(&world, master("config"), NULL);
    world.client_life = scope_new(world.life, "client", SCOPE_NO_LIMIT);
    struct link_identity identity = owner_of_key(&world, "outbound");
    (void)link_connect(world.client_life, world.net, &world.log, address, TEXT("config"), &identity,
                       NULL, closing, NULL, &world);
    loop_run_for(world.loop, 10);
    send_status(world.at_server.link, TEXT("one"));
    send_status(world.at_server.link, TEXT("two"));
    loop_run_for(world.loop, 10);
    CHECK(world.client_life == NULL);
    world_free(&world);
}

TEST(a_new_address_is_used_at_the_next_connect)
{
    struct world world = world_new();
    connect_as(&world, owner_of_key(&world, "outbound"), "config",
               &(struct link_options){ .reconnect_ms = 500 });
    link_set_address(world.client, TEXT("127.0.0.1:7002"));
    struct link_identity identity = master("config");
    CHECK_OK(link_listen(world.life, world.net, NULL, TEXT("127.0.0.1:7002"), &identity, NULL,
                         handlers, &hooks, &world.at_server, &world.server, NULL));
    loop_run_for(world.loop, 2000);
    CHECK(link_is_up(world.client));
    world_free(&world);
}

/* --- ADDP, framework 10.1 ----------------------------------------------------------------------
 */

TEST(nothing_heard_for_a_time_out_polls_and_for_another_is_lost)
{
    struct world world = world_new();
    watch_log(&world);
    both(&world, &(struct link_options){
                     .addp_local_ms = 3000, .addp_trace_local = true, .reconnect_ms = 60000 });
    loop_run_for(world.loop, 30000); /* polls are answered: it stays */
    CHECK(link_is_up(world.client));
    CHECK(count(&world, "poll sent") >= 9);
    CHECK(count(&world, "answer received") >= 9);
    send_status(world.at_server.link, TEXT("heard now"));
    loop_run_for(world.loop, 0);
    sim_net_cut(world.net, address, true);
    uint32_t polls = count(&world, "poll sent");
    loop_run_for(world.loop, 2900);
    CHECK_U32(count(&world, "poll sent"), polls);
    loop_run_for(world.loop, 200);
    CHECK(count(&world, "poll sent") > polls);
    loop_run_for(world.loop, 2800);
    CHECK_U32(world.at_client.downs, 0);
    loop_run_for(world.loop, 200); /* 6 s after the last byte */
    CHECK_U32(world.at_client.downs, 1);
    CHECK_I64(world.at_client.why, ERR_TIMEOUT);
    CHECK(count(&world, "00-04504") >= 1);
    world_free(&world);
}

TEST(the_client_passes_its_remote_time_out_to_the_server)
{
    struct world world = world_new();
    serve(&world, master("config"), NULL); /* no options of its own */
    connect_as(&world, owner_of_key(&world, "outbound"), "config",
               &(struct link_options){ .addp_remote_ms = 5000 });
    loop_run_for(world.loop, 10);
    sim_net_cut(world.net, address, true);
    loop_run_for(world.loop, 9900);
    CHECK_U32(world.at_server.downs, 0);
    loop_run_for(world.loop, 200);
    CHECK_U32(world.at_server.downs, 1); /* 10 s: twice the time-out */
    CHECK_I64(world.at_server.why, ERR_TIMEOUT);
    CHECK_U32(world.at_client.downs, 0); /* its own side is off */
    world_free(&world);
}

TEST(without_trace_no_poll_lines)
{
    struct world world = world_new();
    watch_log(&world);
    both(&world, &(struct link_options){ .addp_local_ms = 1000, .addp_remote_ms = 1000 });
    loop_run_for(world.loop, 10000);
    CHECK(link_counters(world.client)->frames_out > 9);
    CHECK_U32(count(&world, "00-04509"), 0);
    world_free(&world);
}

TEST(traffic_is_a_sign_of_life)
{
    struct world world = world_new();
    watch_log(&world);
    both(&world, &(struct link_options){ .addp_local_ms = 1000, .addp_trace_local = true });
    for (int i = 0; i < 50; i++) {
        send_status(world.at_server.link, TEXT("x"));
        send_status(world.client, TEXT("x"));
        loop_run_for(world.loop, 900);
    }
    CHECK_U32(count(&world, "poll sent"), 0);
    world_free(&world);
}

/* --- slow and delayed networks -----------------------------------------------------------------
 */

TEST(delays_of_any_length_lose_nothing)
{
    struct world world = world_new();
    sim_net_delay(world.net, 1, 400);
    serve(&world, master("config"), NULL);
    connect_as(&world, owner_of_key(&world, "outbound"), "config", NULL);
    loop_run_for(world.loop, 4000);
    CHECK(link_is_up(world.client));
    for (int i = 0; i < 200; i++) {
        ask(&world, world.client, 7, 10000);
        send_status(world.client, TEXT("x"));
        if (i % 10 == 0) loop_run_for(world.loop, 13);
    }
    loop_run_for(world.loop, 10000);
    CHECK_U32(world.at_client.replies, 200);
    CHECK_U32(world.at_server.events, 200);
    world_free(&world);
}
