/* SPDX-License-Identifier: Apache-2.0 */
/* link_fuzz.c - bytes that reach a link before and behind its proof.
 * On the simulated network: before the proof nothing is handled, behind it the same frames are,
 * however they are cut. The first byte says who is to hear them: 0 a listener from a stranger, 1 a
 * listener from a proven client, 2 a client that waits for a reply. */
#include "tests/fuzz/fuzz.h"

#include "format/msgpack.h"
#include "gen/messages.h"
#include "io/link/private.h" /* to put bytes behind the proof */
#include "io/net/sim_net.h"

enum { START_MS = 1000000, SETTLE_MS = 20, BYTES_MAX = 8192 };
enum hearer { HEARER_OF_STRANGER, HEARER_LISTENER, HEARER_CLIENT, HEARERS };

static const struct text address = { "127.0.0.1:7001", 14 };

struct world {
    struct scope *life, *stranger_life;
    struct loop *loop;
    struct net *net;
    struct link_server *server;
    struct link *client, *at_server;
    struct stream *stranger;
    struct buf told; /* what the hearer was told */
    uint32_t ups, handled;
    bool is_listener_silent;
    uint8_t key[32];
};

static void tell(struct world *world, const char *what, const struct msg *msg, const void *fields)
{
    struct buf bytes = { 0 };
    if (fields) {
        FUZZ_CHECK(shape_check(msg->shape, fields, NULL) == ERR_OK);
        msgpack_encode(&bytes, msg->shape, fields);
    }
    buf_format(&world->told, "%s %s %zu=", what, msg ? msg->name : "", bytes.len);
    buf_add(&world->told, buf_text(&bytes));
    buf_add_byte(&world->told, '\n');
    buf_free(&bytes);
}

static void on_up(void *self, struct link *link)
{
    struct world *world = self;
    world->ups++;
    if (link != world->client) world->at_server = link;
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct world *world = self;
    if (link == world->at_server) world->at_server = NULL;
    (void)why;
}

static void on_register(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    struct supervisor_registered reply = { .head.has = SUPERVISOR_REGISTERED_HAS_PID, .pid = 8 };
    world->handled++;
    tell(world, "request", &MSG_SUPERVISOR_REGISTER, fields);
    if (link_request_link(request) == world->at_server && world->is_listener_silent)
        link_ignore(request); /* its answer would fall into the bytes we write in its name */
    else
        link_reply(request, &reply);
}

static void on_status(void *self, struct link *link, const void *fields)
{
    struct world *world = self;
    (void)link;
    world->handled++;
    tell(world, "event", &MSG_SUPERVISOR_STATUS, fields);
}

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct world *world = self;
    if (error) {
        FUZZ_CHECK(error->err != ERR_OK);
        tell(world, err_name(error->err), NULL, NULL);
    } else {
        tell(world, "reply", &MSG_SUPERVISOR_REGISTERED, fields);
    }
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_SUPERVISOR_REGISTER, .on_request = on_register },
    { .msg = &MSG_SUPERVISOR_STATUS, .on_event = on_status },
    { 0 },
};
static const struct link_life hooks = { on_up, on_down };

static void ignore_bytes(void *self, struct text bytes)
{
    (void)self;
    (void)bytes;
}

static void stranger_closed(void *self, enum err why)
{
    (void)why;
    ((struct world *)self)->stranger = NULL;
}

static const struct stream_handler stranger_handler = { NULL, ignore_bytes, NULL, stranger_closed };

static void ask(struct world *world)
{
    struct supervisor_register fields = {
        .head.has = SUPERVISOR_REGISTER_HAS_APPLICATION | SUPERVISOR_REGISTER_HAS_PID |
                    SUPERVISOR_REGISTER_HAS_TYPE,
        .application = TEXT("outbound"),
        .pid = 7,
        .type = TEXT("outbound"),
    };
    link_ask(world->client, &MSG_SUPERVISOR_REGISTER, &fields, NULL, 1000000, on_reply, world);
}

/* Both ends are up; a stranger is connected, where it is his turn. */
static void begin(struct world *world, enum hearer hearer)
{
    struct text secret = TEXT("0123456789abcdef0123456789abcdef");
    struct link_identity config = { .application = TEXT("config"),
                                    .role = TEXT("primary"),
                                    .build = TEXT("fuzz"),
                                    .secret = secret,
                                    .secret_is_master = true };
    struct link_identity outbound = config;
    link_derive_key(secret, TEXT("outbound"), world->key);
    outbound.application = TEXT("outbound");
    outbound.secret = (struct text){ (const char *)world->key, sizeof world->key };
    outbound.secret_is_master = false;
    world->life = scope_new(NULL, "fuzz", SCOPE_NO_LIMIT);
    world->loop = loop_new_virtual(world->life, START_MS, 7);
    world->net = net_new(world->life, world->loop);
    FUZZ_CHECK(link_listen(world->life, world->net, NULL, address, &config, NULL, handlers, &hooks,
                           world, &world->server, NULL) == ERR_OK);
    if (hearer == HEARER_OF_STRANGER) {
        world->stranger_life = scope_new(world->life, "stranger", SCOPE_NO_LIMIT);
        world->stranger =
            stream_connect(world->stranger_life, world->net, address, &stranger_handler, world);
        loop_run_for(world->loop, 1);
        return;
    }
    struct scope *client_life = scope_new(world->life, "client", SCOPE_NO_LIMIT);
    world->client = link_connect(client_life, world->net, NULL, address, TEXT("config"), &outbound,
                                 NULL, handlers, &hooks, world);
    loop_run_for(world->loop, SETTLE_MS);
    FUZZ_CHECK(link_is_up(world->client) && world->at_server && world->ups == 2);
    world->is_listener_silent = hearer == HEARER_CLIENT;
    if (hearer == HEARER_CLIENT) ask(world);
    loop_run_for(world->loop, SETTLE_MS);
}

/* The stream that leads to the hearer; NULL: it has ended. */
static struct stream *way_to(const struct world *world, enum hearer hearer)
{
    if (hearer == HEARER_OF_STRANGER) return world->stranger;
    if (hearer == HEARER_LISTENER) return link_is_up(world->client) ? world->client->stream : NULL;
    return world->at_server ? world->at_server->stream : NULL;
}

/* `random` NULL: all at once. */
static void run(struct text in, enum hearer hearer, struct random *random, struct buf *told)
{
    struct world world = { 0 };
    begin(&world, hearer);
    while (in.len > 0) {
        struct stream *stream = way_to(&world, hearer);
        if (stream == NULL) break;
        struct text all = in, piece = random ? fuzz_piece(random, &in) : all;
        stream_write(stream, piece);
        if (random)
            fuzz_free(piece);
        else
            in.len = 0;
        loop_run_for(world.loop, 0);
    }
    loop_run_for(world.loop, SETTLE_MS);
    const struct link_counters *counters = link_server_counters(world.server);
    if (hearer == HEARER_OF_STRANGER) {
        FUZZ_CHECK(world.ups == 0 && world.handled == 0 && counters->links_up == 0);
        FUZZ_CHECK(counters->requests_in == 0);
    }
    *told = world.told;
    world.told = (struct buf){ 0 };
    scope_close(world.life);
    buf_free(&world.told);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0 || size > BYTES_MAX) return 0;
    struct text in = fuzz_text(data + 1, size - 1);
    struct random random = fuzz_random(in);
    enum hearer hearer = (enum hearer)(data[0] % HEARERS);
    struct buf whole = { 0 }, cut = { 0 };
    run(in, hearer, NULL, &whole);
    run(in, hearer, &random, &cut);
    FUZZ_CHECK(text_eq(buf_text(&whole), buf_text(&cut)));
    buf_free(&whole);
    buf_free(&cut);
    return 0;
}
