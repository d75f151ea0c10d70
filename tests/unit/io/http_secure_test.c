/* SPDX-License-Identifier: Apache-2.0 */
/* The HTTP server over TLS, in the simulated world: its limits hold for those who never finish a
 * handshake, too. Skipped where the openssl command is missing. */
#include "io/http/server.h"

#include "io/net/tls.h"
#include "tests/unit/io/certificates.h"
#include "tests/unit/io/net_world.h"
#include "tests/unit/test.h"

#include <stdio.h>

struct secure {
    struct world world;
    struct certificates files;
    struct tls_config *ours, *theirs;
    struct http_server *server;
    char address[32];
    uint32_t requests;
};

static void on_request(void *self, struct http_exchange *exchange)
{
    struct secure *secure = self;
    secure->requests++;
    http_reply(exchange, 200, NULL, TEXT("served"));
}

static struct tls_config *config_of(struct secure *secure, enum tls_role role,
                                    const struct tls_options *options)
{
    struct tls_setup setup = { .role = role, .options = options };
    struct tls_config *config;
    CHECK_OK(tls_config_open(secure->world.life, secure->world.loop, &setup, &config, NULL));
    return config;
}

/* False: skip. */
static bool secure_open(struct secure *secure, uint32_t connections_max)
{
    *secure = (struct secure){ 0 };
    if (!certificates_open(&secure->files)) return false;
    world_open(&secure->world, true, 7);
    struct tls_options ours = {
        .certificate = certificates_path(&secure->files, "server.pem"),
        .certificate_key = certificates_path(&secure->files, "server.key"),
    };
    struct tls_options theirs = { .trusted_ca = certificates_path(&secure->files, "ca.pem") };
    secure->ours = config_of(secure, TLS_SERVER, &ours);
    secure->theirs = config_of(secure, TLS_CLIENT, &theirs);
    struct http_server_options options = { .connections_max = connections_max,
                                           .tls = secure->ours };
    CHECK_OK(http_server_open(secure->world.life, secure->world.net, TEXT("127.0.0.1:0"), &options,
                              on_request, secure, &secure->server, NULL));
    (void)snprintf(secure->address, sizeof secure->address, "127.0.0.1:%u",
                   http_server_port(secure->server));
    return true;
}

static void secure_close(struct secure *secure)
{
    world_close(&secure->world);
    certificates_close(&secure->files);
}

static void ask(struct secure *secure, struct party *party)
{
    party->world = &secure->world;
    party->life = scope_new(secure->world.life, "party", SCOPE_NO_LIMIT);
    party->stream = stream_connect_tls(party->life, secure->world.net, text_of(secure->address),
                                       secure->theirs, TEXT("localhost"), &party_handler, party);
    party_say(party, "GET / HTTP/1.1\r\nHost: x\r\n\r\n");
    loop_run_for(secure->world.loop, 50);
}

static void check_served(struct secure *secure)
{
    struct party client = { 0 };
    ask(secure, &client);
    CHECK(text_starts(buf_text(&client.heard), TEXT("HTTP/1.1 200 ")));
    CHECK(text_ends(buf_text(&client.heard), TEXT("\r\n\r\nserved")));
    party_end(&client);
    loop_run_for(secure->world.loop, 50);
}

#define SECURE_OR_SKIP(name, connections_max)                                                      \
    struct secure name;                                                                            \
    if (!secure_open(&name, connections_max)) {                                                    \
        skip();                                                                                    \
        return;                                                                                    \
    }

TEST(requests_are_answered_over_tls)
{
    SECURE_OR_SKIP(secure, 0);
    check_served(&secure);
    CHECK_U32(secure.requests, 1);
    secure_close(&secure);
}

TEST(those_who_never_finish_a_handshake_make_room_for_others)
{
    enum { ROOM = 3, SILENT = 12 };
    SECURE_OR_SKIP(secure, ROOM);
    struct party silent[SILENT] = { 0 };
    for (int i = 0; i < SILENT; i++) {
        party_connect(&silent[i], &secure.world, secure.address);
        if (i % 2) party_say(&silent[i], "\x16\x03\x01"); /* of a handshake, and no more */
        loop_run_for(secure.world.loop, 30); /* newcomers keep their places for 50 ms */
        CHECK(http_server_counters(secure.server)->connections_now <= ROOM);
    }
    check_served(&secure);
    for (int i = 0; i < SILENT - ROOM; i++) CHECK_U32(silent[i].closes, 1); /* the oldest first */
    for (int i = 0; i < SILENT; i++) party_end(&silent[i]);
    secure_close(&secure);
}

TEST(a_handshake_that_takes_too_long_ends_before_the_idle_time_does)
{
    SECURE_OR_SKIP(secure, 0);
    struct party silent = { 0 };
    party_connect(&silent, &secure.world, secure.address);
    loop_run_for(secure.world.loop, TLS_HANDSHAKE_MS - 10);
    CHECK_U32(silent.closes, 0);
    loop_run_for(secure.world.loop, 20);
    CHECK_U32(silent.closes, 1);
    CHECK_U32(http_server_counters(secure.server)->connections_now, 0);
    party_end(&silent);
    secure_close(&secure);
}

TEST(a_server_that_closes_lets_tls_clients_have_their_answer)
{
    SECURE_OR_SKIP(secure, 0);
    struct party client = { 0 };
    ask(&secure, &client);
    http_server_close(secure.server);
    loop_run_for(secure.world.loop, 50);
    CHECK_U32(client.closes, 1);
    CHECK_U32(client.why, ERR_CLOSED);
    CHECK(text_ends(buf_text(&client.heard), TEXT("served")));
    party_end(&client);
    secure_close(&secure);
}
