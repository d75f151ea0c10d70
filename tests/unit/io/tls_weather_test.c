/* SPDX-License-Identifier: Apache-2.0 */
/* TLS in every weather: a handshake ends in time whatever happens, what arrives is what was said,
 * and nothing is left half-open behind a finish. Skipped where the openssl command is missing. */
#include "io/net/sim_net.h"
#include "io/net/tls.h"

#include "tests/unit/io/certificates.h"
#include "tests/unit/io/net_world.h"
#include "tests/unit/test.h"

#include <string.h>

enum { SEEDS = 40, CALLERS = 6, WORDS = 20, ASIDE_MS = 3 * 60 * 1000 };

struct storm {
    struct world world, ours; /* ours: the server's process */
    struct tls_config *server, *client;
    struct party callers[CALLERS], served[CALLERS * 4];
    uint32_t served_count;
};

static void on_stream(void *self, struct stream *stream)
{
    struct storm *storm = self;
    CHECK(storm->served_count < CALLERS * 4);
    struct party *party = &storm->served[storm->served_count++];
    *party = (struct party){ .world = &storm->ours, .stream = stream, .is_echoing = true };
    party->life = scope_new(storm->ours.life, "served", SCOPE_NO_LIMIT);
    stream_adopt(party->life, stream, &party_handler, party);
}

static struct tls_config *config_of(struct storm *storm, enum tls_role role,
                                    const struct tls_options *options)
{
    struct tls_setup setup = { .role = role, .options = options };
    struct tls_config *config;
    CHECK_OK(tls_config_open(storm->world.life, storm->world.loop, &setup, &config, NULL));
    return config;
}

static void storm_open(struct storm *storm, const struct certificates *files, uint64_t seed)
{
    struct tls_options ours = { .certificate = certificates_path(files, "server.pem"),
                                .certificate_key = certificates_path(files, "server.key") };
    struct tls_options theirs = { .trusted_ca = certificates_path(files, "ca.pem") };
    struct listener *listener;
    memset(storm, 0, sizeof *storm);
    world_open(&storm->world, true, seed);
    storm->server = config_of(storm, TLS_SERVER, &ours);
    storm->client = config_of(storm, TLS_CLIENT, &theirs);
    storm->ours = storm->world;
    storm->ours.net = net_new(storm->world.life, storm->world.loop);
    CHECK_OK(listener_open(storm->world.life, storm->ours.net, TEXT("127.0.0.1:6100"),
                           &(struct listener_options){ .tls = storm->server }, on_stream, storm,
                           &listener, NULL));
}

static void call(struct storm *storm, struct party *caller)
{
    caller->world = &storm->world;
    caller->life = scope_new(storm->world.life, "caller", SCOPE_NO_LIMIT);
    caller->stream = stream_connect_tls(caller->life, storm->world.net, TEXT("127.0.0.1:6100"),
                                        storm->client, TEXT("localhost"), &party_handler, caller);
}

static void check_prefix(const struct buf *heard)
{
    for (size_t i = 0; i < heard->len; i++) CHECK(heard->at[i] == "abcdefgh"[i % 8]);
}

TEST(in_every_weather_a_handshake_ends_in_time_and_bytes_are_those_that_were_said)
{
    static struct storm storm;
    struct certificates files;
    uint32_t opened = 0, broken = 0;
    if (!certificates_open(&files)) {
        skip();
        return;
    }
    for (uint64_t seed = 1; seed <= SEEDS; seed++) {
        storm_open(&storm, &files, seed);
        struct sim_net_weather weather = sim_net_weather_any(loop_random(storm.world.loop));
        sim_net_set_weather(storm.world.net, &weather);
        for (int i = 0; i < CALLERS; i++) call(&storm, &storm.callers[i]);
        for (int word = 0; word < WORDS; word++) {
            for (int i = 0; i < CALLERS; i++) party_say(&storm.callers[i], "abcdefgh");
            loop_run_for(storm.world.loop, 300);
        }
        loop_run_for(storm.world.loop, TLS_HANDSHAKE_MS);
        for (int i = 0; i < CALLERS; i++) {
            struct party *caller = &storm.callers[i];
            CHECK(caller->opens + caller->closes > 0);
            CHECK(caller->heard.len <= (size_t)WORDS * 8);
            check_prefix(&caller->heard);
            opened += caller->opens;
            broken += caller->closes;
            stream_finish(caller->stream);
            party_end(caller);
        }
        loop_run_for(storm.world.loop, STREAM_FINISH_MS);
        const struct net_counters *net = net_counters(storm.world.net);
        CHECK_U32(net->streams_closed, CALLERS);
        for (uint32_t i = 0; i < storm.served_count; i++) {
            check_prefix(&storm.served[i].heard);
            stream_finish(storm.served[i].stream);
            party_end(&storm.served[i]);
        }
        loop_run_for(storm.world.loop, ASIDE_MS);
        net = net_counters(storm.ours.net);
        CHECK_U32(net->streams_accepted - net->streams_closed, 0);
        world_close(&storm.world);
    }
    CHECK(opened > SEEDS * CALLERS / 2);
    CHECK(broken > SEEDS / 4);
    certificates_close(&files);
}
