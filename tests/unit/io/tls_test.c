/* SPDX-License-Identifier: Apache-2.0 */
/* TLS of io/net, over real sockets and in the simulated world, whose clock makes deadlines short.
 * Skipped where the openssl command is missing. */
#include "io/net/tls.h"

#include "tests/unit/io/certificates.h"
#include "tests/unit/io/net_world.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <string.h>

struct tls_world {
    struct world world;
    struct certificates files;
    struct tls_config *server, *client;
    struct door door;
    uint32_t renewals, failures;
    struct fault fault; /* of the last failure */
};

static void on_files(void *self, const struct fault *fault)
{
    struct tls_world *tls = self;
    if (fault == NULL) {
        tls->renewals++;
        return;
    }
    tls->failures++;
    tls->fault = *fault;
}

static struct tls_options server_options(const struct tls_world *tls)
{
    return (struct tls_options){
        .certificate = certificates_path(&tls->files, "server.pem"),
        .certificate_key = certificates_path(&tls->files, "server.key"),
    };
}

static struct tls_options client_options(const struct tls_world *tls)
{
    return (struct tls_options){ .trusted_ca = certificates_path(&tls->files, "ca.pem") };
}

static enum err config_open(struct tls_world *tls, enum tls_role role,
                            const struct tls_options *options, struct tls_config **out,
                            struct fault *fault)
{
    struct tls_setup setup = { role, options, on_files, tls };
    return tls_config_open(tls->world.life, tls->world.loop, &setup, out, fault);
}

/* False: skip. */
static bool tls_open(struct tls_world *tls, bool is_virtual)
{
    *tls = (struct tls_world){ .door.manner.is_echoing = true };
    if (!certificates_open(&tls->files)) return false;
    world_open(&tls->world, is_virtual, 1);
    struct fault fault;
    struct tls_options server = server_options(tls), client = client_options(tls);
    CHECK_OK(config_open(tls, TLS_SERVER, &server, &tls->server, &fault));
    CHECK_OK(config_open(tls, TLS_CLIENT, &client, &tls->client, &fault));
    return true;
}

static void tls_listen(struct tls_world *tls, bool detects)
{
    struct listener_options options = { .tls = tls->server, .detects_tls = detects };
    door_open(&tls->door, &tls->world, "127.0.0.1:0", &options);
}

static void tls_close(struct tls_world *tls)
{
    door_end(&tls->door);
    world_close(&tls->world);
    certificates_close(&tls->files);
}

static void call(struct party *party, struct tls_world *tls, const char *host)
{
    party->world = &tls->world;
    party->life = scope_new(tls->world.life, "party", SCOPE_NO_LIMIT);
    party->stream = stream_connect_tls(party->life, tls->world.net,
                                       text_of(door_address(&tls->door)), tls->client,
                                       text_of(host), &party_handler, party);
}

static void settle(struct tls_world *tls)
{
    for (int turn = 0; turn < 20; turn++) loop_run_for(tls->world.loop, 5);
}

/* A caller says hello, and how it went. */
static void greet(struct party *caller, struct tls_world *tls, const char *host)
{
    *caller = (struct party){ .stops_at = 5, .stops_on_close = true };
    call(caller, tls, host);
    party_say(caller, "hello"); /* before it is open: waits */
    loop_run_for(tls->world.loop, 5000);
}

static const struct net_counters *counters(const struct tls_world *tls)
{
    return net_counters(tls->world.net);
}

#define TLS_OR_SKIP(name, is_virtual)                                                              \
    struct tls_world name;                                                                         \
    if (!tls_open(&name, is_virtual)) {                                                            \
        skip();                                                                                    \
        return;                                                                                    \
    }

static void echo(bool is_virtual)
{
    TLS_OR_SKIP(tls, is_virtual);
    tls_listen(&tls, false);
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.opens, 1);
    CHECK_TEXT(buf_text(&caller.heard), "hello");
    CHECK_U32(caller.closes, 0);
    CHECK(stream_is_loopback(tls.door.parties[0].stream));
    CHECK(text_starts(stream_peer(tls.door.parties[0].stream), TEXT("127.0.0.1:")));
    settle(&tls);
    CHECK_U32(stream_unsent(caller.stream), 0);
    CHECK_U32(caller.drains, 1);
    CHECK_U32(tls.door.parties[0].drains, 1);
    CHECK_U32(counters(&tls)->tls_handshakes, 2); /* both ends are ours */
    CHECK_U32(counters(&tls)->streams_accepted, 1);
    CHECK_U32(counters(&tls)->streams_connected, 1);
    stream_finish(caller.stream); /* says close_notify */
    settle(&tls);
    CHECK_U32(tls.door.parties[0].closes, 1);
    CHECK_U32(tls.door.parties[0].why, ERR_CLOSED);
    party_end(&caller);
    settle(&tls);
    CHECK_U32(counters(&tls)->streams_closed, 2);
    tls_close(&tls);
}

TEST(bytes_come_back_over_tls)
{
    echo(false);
}

TEST(bytes_come_back_over_tls_in_the_simulated_world)
{
    echo(true);
}

/* Much more than a record, a socket buffer and a read hold; the reader pauses again and again. */
static void flood(bool is_virtual, bool pauses)
{
    enum { BYTES = 3 * 1024 * 1024 };
    TLS_OR_SKIP(tls, is_virtual);
    tls_listen(&tls, false);
    struct party caller = { .stops_at = BYTES, .pauses_on_bytes = pauses };
    struct buf much = { 0 };
    for (uint32_t i = 0; much.len < BYTES; i++) buf_add(&much, TEXT_OF(&i));
    call(&caller, &tls, "localhost");
    stream_write(caller.stream, buf_text(&much));
    for (int i = 0; i < 3000 && caller.heard.len < BYTES; i++) {
        if (pauses) stream_resume(caller.stream);
        loop_run_for(tls.world.loop, pauses ? 5 : 1000);
    }
    CHECK(text_eq(buf_text(&caller.heard), buf_text(&much)));
    settle(&tls);
    CHECK_U32(stream_unsent(caller.stream), 0);
    buf_free(&much);
    party_end(&caller);
    tls_close(&tls);
}

TEST(megabytes_pass)
{
    flood(false, false);
    flood(true, false);
}

TEST(a_reader_that_pauses_loses_nothing)
{
    flood(false, true);
    flood(true, true);
}

TEST(what_is_finished_arrives_whole)
{
    TLS_OR_SKIP(tls, false);
    tls.door.manner.is_echoing = false;
    tls_listen(&tls, false);
    struct party caller = { 0 };
    call(&caller, &tls, "localhost");
    struct buf much = { 0 };
    for (uint32_t i = 0; much.len < 500000; i++) buf_add(&much, TEXT_OF(&i));
    stream_write(caller.stream, buf_text(&much));
    stream_finish(caller.stream); /* before the handshake */
    party_end(&caller);
    for (int i = 0; i < 200 && tls.door.parties[0].closes == 0; i++)
        loop_run_for(tls.world.loop, 10);
    CHECK(text_eq(buf_text(&tls.door.parties[0].heard), buf_text(&much)));
    CHECK_U32(tls.door.parties[0].why, ERR_CLOSED);
    buf_free(&much);
    tls_close(&tls);
}

/* --- whom it trusts --- */

TEST(a_certificate_for_another_name_is_refused_unless_the_check_is_off)
{
    TLS_OR_SKIP(tls, false);
    tls_listen(&tls, false);
    struct party caller;
    greet(&caller, &tls, "bank.example");
    CHECK_U32(caller.opens, 0);
    CHECK_U32(caller.why, ERR_DENIED);
    CHECK_TEXT(stream_words(caller.stream), "hostname mismatch");
    party_end(&caller);
    greet(&caller, &tls, "127.0.0.1");
    CHECK_U32(caller.opens, 1);
    party_end(&caller);
    greet(&caller, &tls, "127.0.0.2");
    CHECK_U32(caller.why, ERR_DENIED);
    party_end(&caller);
    struct tls_options options = client_options(&tls);
    options.is_name_unchecked = true;
    CHECK_OK(tls_config_change(tls.client, &options, NULL));
    greet(&caller, &tls, "bank.example");
    CHECK_U32(caller.opens, 1);
    party_end(&caller);
    tls_close(&tls);
}

TEST(a_certificate_of_another_authority_is_refused)
{
    TLS_OR_SKIP(tls, false);
    certificates_make(&tls.files, "other", NULL, NULL);
    struct tls_options options = client_options(&tls);
    options.trusted_ca = certificates_path(&tls.files, "other.pem");
    CHECK_OK(tls_config_change(tls.client, &options, NULL));
    tls_listen(&tls, false);
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.why, ERR_DENIED);
    settle(&tls);
    CHECK_U32(tls.door.parties[0].closes, 1);
    CHECK_U32(counters(&tls)->tls_failures, 2);
    party_end(&caller);
    tls_close(&tls);
}

/* Framework 15, F23. */
TEST(with_tls_mutual_a_client_needs_a_certificate_of_the_right_authority)
{
    TLS_OR_SKIP(tls, false);
    certificates_make(&tls.files, "agent", "ca", NULL);
    certificates_make(&tls.files, "stranger", NULL, NULL);
    struct tls_options server = server_options(&tls), client = client_options(&tls);
    server.is_mutual = true;
    server.trusted_ca = certificates_path(&tls.files, "ca.pem");
    CHECK_OK(tls_config_change(tls.server, &server, NULL));
    tls_listen(&tls, false);
    static const char *const who[] = { NULL, "stranger", "agent" };
    for (size_t i = 0; i < 3; i++) {
        char name[32];
        if (who[i]) {
            (void)snprintf(name, sizeof name, "%s.pem", who[i]);
            client.certificate = certificates_path(&tls.files, name);
            (void)snprintf(name, sizeof name, "%s.key", who[i]);
            client.certificate_key = certificates_path(&tls.files, name);
            CHECK_OK(tls_config_change(tls.client, &client, NULL));
        }
        struct party caller;
        greet(&caller, &tls, "localhost");
        settle(&tls);
        CHECK_U32(caller.heard.len, i == 2 ? 5 : 0);
        CHECK_U32(caller.closes, i == 2 ? 0 : 1);
        party_end(&caller);
        settle(&tls);
    }
    tls_close(&tls);
}

TEST(a_revoked_certificate_is_refused)
{
    TLS_OR_SKIP(tls, false);
    certificates_write(&tls.files, "index.txt", "");
    certificates_write(&tls.files, "ca.cnf",
                       "[ca]\ndefault_ca=one\n[one]\ndatabase=index.txt\ndefault_md=sha256\n"
                       "default_crl_days=2\ncertificate=ca.pem\nprivate_key=ca.key\n");
    CHECK(certificates_openssl(&tls.files, "ca -config ca.cnf -gencrl -out none.crl"));
    CHECK(certificates_openssl(&tls.files, "ca -config ca.cnf -revoke server.pem"));
    CHECK(certificates_openssl(&tls.files, "ca -config ca.cnf -gencrl -out some.crl"));
    tls_listen(&tls, false);
    struct tls_options client = client_options(&tls);
    client.crl = certificates_path(&tls.files, "none.crl");
    CHECK_OK(tls_config_change(tls.client, &client, NULL));
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.opens, 1);
    party_end(&caller);
    client.crl = certificates_path(&tls.files, "some.crl");
    CHECK_OK(tls_config_change(tls.client, &client, NULL));
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.why, ERR_DENIED);
    CHECK_TEXT(stream_words(caller.stream), "certificate revoked");
    party_end(&caller);
    tls_close(&tls);
}

TEST(the_chain_is_sent_in_the_order_of_the_files)
{
    TLS_OR_SKIP(tls, false);
    certificates_make(&tls.files, "between", "ca", "basicConstraints=critical,CA:TRUE");
    certificates_make(&tls.files, "leaf", "between", "subjectAltName=DNS:localhost");
    struct tls_options server = server_options(&tls);
    char files[160];
    server.certificate = certificates_path(&tls.files, "leaf.pem");
    server.certificate_key = certificates_path(&tls.files, "leaf.key");
    CHECK_OK(tls_config_change(tls.server, &server, NULL));
    tls_listen(&tls, false);
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.why, ERR_DENIED); /* its signer is not known */
    party_end(&caller);
    (void)snprintf(files, sizeof files, "%s, %s/between.pem", server.certificate.at,
                   tls.files.folder);
    server.certificate = text_of(files);
    CHECK_OK(tls_config_change(tls.server, &server, NULL));
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.opens, 1);
    party_end(&caller);
    tls_close(&tls);
}

TEST(versions_follow_sec_protocol_and_tls_version)
{
    TLS_OR_SKIP(tls, true);
    struct fault fault;
    struct tls_options server = server_options(&tls), client = client_options(&tls);
    CHECK_OK(tls_options_read(&server, TEXT("sec-protocol=TLSv12"), &fault));
    CHECK_OK(tls_options_read(&client, TEXT("tls-version=1.3"), &fault));
    CHECK_OK(tls_config_change(tls.server, &server, &fault));
    tls_listen(&tls, false);
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.opens, 1);
    party_end(&caller);
    CHECK_OK(tls_config_change(tls.client, &client, &fault));
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.why, ERR_INVALID); /* nothing in common */
    CHECK(stream_words(caller.stream).len > 0);
    party_end(&caller);
    CHECK_OK(tls_options_read(&server, TEXT("tls-version=1.3"), &fault));
    CHECK_U32(tls_config_change(tls.server, &server, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "sec-protocol");
    tls_close(&tls);
}

/* --- files --- */

TEST(a_changed_certificate_counts_for_new_connections)
{
    TLS_OR_SKIP(tls, true);
    tls_listen(&tls, false);
    struct party first;
    greet(&first, &tls, "localhost");
    CHECK_U32(first.opens, 1);
    certificates_make(&tls.files, "new", "ca", "subjectAltName=DNS:renewed.example");
    certificates_copy(&tls.files, "new.key", "server.key");
    certificates_copy(&tls.files, "new.pem", "server.pem");
    struct party soon;
    greet(&soon, &tls, "localhost"); /* nobody looks at the files for a second */
    CHECK_U32(soon.opens, 1);
    party_end(&soon);
    loop_run_for(tls.world.loop, TLS_CHECK_MS);
    struct party next;
    greet(&next, &tls, "renewed.example");
    CHECK_U32(next.opens, 1);
    CHECK_U32(tls.renewals, 1);
    party_end(&next);
    first.stops_at = 10;
    party_say(&first, "again"); /* open ones go on */
    loop_run_for(tls.world.loop, 1000);
    CHECK_TEXT(buf_text(&first.heard), "helloagain");
    party_end(&first);
    tls_close(&tls);
}

TEST(a_broken_new_file_keeps_the_old_certificate_and_is_told_once)
{
    TLS_OR_SKIP(tls, true);
    tls_listen(&tls, false);
    certificates_make(&tls.files, "new", "ca", "subjectAltName=DNS:localhost");
    static const struct {
        const char *content, *field;
    } broken[] = {
        { "", "certificate" },
        { "no PEM", "certificate" },
        { "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "certificate" },
        { "-----BEGIN CERTIFICATE-----\n", "certificate" },
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        certificates_write(&tls.files, "server.pem", broken[i].content);
        for (int again = 0; again < 3; again++) {
            loop_run_for(tls.world.loop, TLS_CHECK_MS);
            struct party caller;
            greet(&caller, &tls, "localhost");
            CHECK_U32(caller.opens, 1);
            party_end(&caller);
        }
        CHECK_U32(tls.failures, i + 1);
        CHECK_TEXT(text_of(tls.fault.field), broken[i].field);
    }
    certificates_copy(&tls.files, "new.pem", "server.pem"); /* its key is not there yet */
    loop_run_for(tls.world.loop, TLS_CHECK_MS);
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.opens, 1);
    party_end(&caller);
    CHECK_TEXT(text_of(tls.fault.field), "certificate-key");
    certificates_copy(&tls.files, "new.key", "server.key");
    loop_run_for(tls.world.loop, TLS_CHECK_MS);
    greet(&caller, &tls, "localhost");
    CHECK_U32(caller.opens, 1);
    party_end(&caller);
    CHECK_U32(tls.renewals, 1);
    tls_close(&tls);
}

TEST(faults_of_files_name_the_option_and_its_rule)
{
    TLS_OR_SKIP(tls, true);
    CHECK(certificates_openssl(&tls.files, "ec -in server.key -out locked.key -aes128 "
                                           "-passout pass:secret"));
    static const struct {
        const char *parameters, *field, *words;
    } wrong[] = {
        { "certificate=", "certificate", "a TLS port needs one" },
        { "certificate-key=", "certificate-key", "a certificate needs one" },
        { "certificate=/nowhere/x.pem", "certificate", "/nowhere/x.pem: No such file" },
        { "certificate=/", "certificate", "it is no file" },
        { "certificate=server.key", "certificate", "must hold certificates in PEM" },
        { "certificate-key=server.pem", "certificate-key", "must hold a private key in PEM" },
        { "certificate-key=locked.key", "certificate-key", "without a password" },
        { "certificate-key=ca.key", "certificate-key", "does not belong to the certificate" },
        { "tls-mutual=1", "trusted-ca", "tls-mutual needs it" },
        { "trusted-ca=/nowhere/ca.pem", "trusted-ca", "/nowhere/ca.pem: No such file" },
        { "trusted-ca=server.key", "trusted-ca", "must hold certificates in PEM" },
        { "tls-crl=/nowhere/x.crl", "tls-crl", "No such file" },
        { "tls-crl=ca.pem", "tls-crl", "must hold revocation lists in PEM" },
        { "cipher-list=NONSENSE", "cipher-list", "OpenSSL knows" },
        { "fips140-enabled=true", "fips140-enabled", "no FIPS provider" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct tls_options options = server_options(&tls);
        struct tls_config *config;
        struct fault fault = { 0 };
        struct text name, value;
        CHECK(text_cut(text_of(wrong[i].parameters), '=', &name, &value));
        if (text_ends(value, TEXT(".pem")) || text_ends(value, TEXT(".key")))
            if (!text_starts(value, TEXT("/"))) value = certificates_path(&tls.files, value.at);
        CHECK_OK(tls_options_set(&options, name, value, &fault));
        CHECK(config_open(&tls, TLS_SERVER, &options, &config, &fault) != ERR_OK);
        CHECK_TEXT(text_of(fault.field), wrong[i].field);
        if (strstr(fault.words, wrong[i].words) == NULL)
            CHECK_TEXT(text_of(fault.words), wrong[i].words);
    }
    struct tls_options nothing = { 0 };
    struct tls_config *config;
    struct fault fault;
    CHECK_U32(config_open(&tls, TLS_CLIENT, &nothing, &config, &fault), ERR_INVALID);
    CHECK_TEXT(text_of(fault.field), "trusted-ca");
    tls_close(&tls);
}

TEST(options_have_the_names_and_values_of_the_guides)
{
    struct tls_options options = { 0 };
    struct fault fault;
    CHECK_OK(tls_options_read(&options,
                              TEXT("port=5000;tls=1;tls-mutual=1;certificate=/a.pem,/b.pem; "
                                   "certificate-key = /k ;trusted-ca=/ca;tls-crl=/crl;provider=x;"
                                   "tls-target-name-check=no;cipher-list=HIGH;broken;"),
                              &fault));
    CHECK(options.is_on && options.is_mutual && options.is_name_unchecked);
    CHECK_TEXT(options.certificate, "/a.pem,/b.pem");
    CHECK_TEXT(options.certificate_key, "/k");
    CHECK_TEXT(options.trusted_ca, "/ca");
    CHECK_TEXT(options.crl, "/crl");
    CHECK_TEXT(options.cipher_list, "HIGH");
    CHECK_OK(tls_options_read(&options, TEXT("tls-target-name-check=host"), &fault));
    CHECK(!options.is_name_unchecked);
    CHECK_U32(tls_options_set(&options, TEXT("colour"), TEXT("red"), &fault), ERR_NOT_FOUND);
    static const char *const wrong[] = { "tls=maybe", "tls-target-name-check=yes",
                                         "sec-protocol=SSLv3", "tls-version=1.1" };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct text name, value;
        CHECK_U32(tls_options_read(&options, text_of(wrong[i]), &fault), ERR_INVALID);
        CHECK(text_cut(text_of(wrong[i]), '=', &name, &value));
        CHECK(text_eq(text_of(fault.field), name));
    }
}

/* --- peers that mean no good --- */

/* A plain caller says `words`; the door lives on. */
static void say_plain(struct tls_world *tls, struct text words, bool ends)
{
    struct party plain = { .stops_on_close = true };
    party_connect(&plain, &tls->world, door_address(&tls->door));
    stream_write(plain.stream, words);
    settle(tls);
    if (ends) CHECK_U32(plain.closes, 1);
    CHECK_U32(tls->door.parties[0].heard.len, 0);
    party_end(&plain);
    settle(tls);
}

TEST(a_plain_client_fails_the_handshake_and_the_listener_lives)
{
    TLS_OR_SKIP(tls, false);
    tls_listen(&tls, false);
    say_plain(&tls, TEXT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), true);
    CHECK_U32(tls.door.parties[0].closes, 1);
    CHECK_U32(tls.door.parties[0].why, ERR_INVALID);
    CHECK_U32(counters(&tls)->tls_failures, 1);
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_TEXT(buf_text(&caller.heard), "hello");
    party_end(&caller);
    tls_close(&tls);
}

TEST(hostile_bytes_close_their_own_connection_only)
{
    TLS_OR_SKIP(tls, true);
    tls_listen(&tls, false);
    struct random *random = loop_random(tls.world.loop);
    char bytes[600];
    for (int i = 0; i < 400; i++) {
        size_t len = 1 + random_below(random, sizeof bytes);
        for (size_t k = 0; k < len; k++) bytes[k] = (char)random_below(random, 256);
        static const char head[] = { 0x16, 3, 1, 2, 0, 1, 0, 1, (char)0xfc, 3, 3 };
        if (i % 2 && len > sizeof head) memcpy(bytes, head, sizeof head);
        say_plain(&tls, (struct text){ bytes, len }, false);
    }
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_TEXT(buf_text(&caller.heard), "hello");
    party_end(&caller);
    tls_close(&tls);
}

TEST(a_slow_handshake_ends_at_its_deadline)
{
    TLS_OR_SKIP(tls, true);
    tls_listen(&tls, false);
    struct party silent = { 0 }, halting = { 0 };
    party_connect(&silent, &tls.world, door_address(&tls.door));
    loop_run_for(tls.world.loop, 5000);
    party_connect(&halting, &tls.world, door_address(&tls.door));
    for (int i = 0; i < 9; i++) {
        loop_run_for(tls.world.loop, 500);
        stream_write(halting.stream, i == 0 ? TEXT("\x16") : TEXT("\x03"));
    }
    CHECK_U32(silent.closes, 0);
    loop_run_for(tls.world.loop, 1000);
    CHECK_U32(silent.closes, 1);
    CHECK_U32(tls.door.parties[0].why, ERR_TIMEOUT);
    CHECK_U32(halting.closes, 0);
    loop_run_for(tls.world.loop, 5000);
    CHECK_U32(halting.closes, 1);
    CHECK_U32(counters(&tls)->tls_failures, 2);
    party_end(&silent);
    party_end(&halting);
    tls_close(&tls);
}

TEST(a_client_gives_a_silent_server_up_at_the_deadline)
{
    TLS_OR_SKIP(tls, true);
    door_open(&tls.door, &tls.world, "127.0.0.1:0", NULL); /* plain */
    tls.door.manner.is_echoing = false;
    struct party caller = { 0 };
    call(&caller, &tls, "localhost");
    loop_run_for(tls.world.loop, TLS_HANDSHAKE_MS + 10);
    CHECK_U32(caller.opens, 0);
    CHECK_U32(caller.why, ERR_TIMEOUT);
    party_end(&caller);
    tls_close(&tls);
}

TEST(a_connection_that_is_cut_in_the_handshake_is_closed)
{
    TLS_OR_SKIP(tls, false);
    tls_listen(&tls, false);
    struct party caller = { 0 };
    call(&caller, &tls, "localhost");
    loop_run_for(tls.world.loop, 1);
    stream_close(caller.stream);
    settle(&tls);
    for (uint32_t i = 0; i < tls.door.count; i++) CHECK_U32(tls.door.parties[i].closes, 1);
    party_end(&caller);
    struct party refused = { 0 };
    struct text nobody = TEXT("127.0.0.1:1");
    refused.life = scope_new(tls.world.life, "party", SCOPE_NO_LIMIT);
    refused.stream = stream_connect_tls(refused.life, tls.world.net, nobody, tls.client,
                                        TEXT("localhost"), &party_handler, &refused);
    settle(&tls);
    CHECK_U32(refused.why, ERR_REFUSED);
    party_end(&refused);
    tls_close(&tls);
}

TEST(a_listener_that_detects_serves_plain_and_tls)
{
    TLS_OR_SKIP(tls, false);
    tls_listen(&tls, true);
    struct party plain = { .stops_at = 5 };
    party_connect(&plain, &tls.world, door_address(&tls.door));
    party_say(&plain, "hello");
    loop_run_for(tls.world.loop, 2000);
    CHECK_TEXT(buf_text(&plain.heard), "hello");
    struct party caller;
    greet(&caller, &tls, "localhost");
    CHECK_TEXT(buf_text(&caller.heard), "hello");
    party_end(&plain);
    party_end(&caller);
    tls_close(&tls);
}

/* Whatever a handler does with its stream or scope, in whichever moment. */
TEST(handlers_may_close_in_the_middle)
{
    static const struct party manners[] = {
        { .closes_on_bytes = true },
        { .finishes_on_bytes = true },
        { .closes_scope_on_bytes = true },
        { .is_echoing = true, .finishes_on_bytes = true },
    };
    for (size_t i = 0; i < sizeof manners / sizeof manners[0]; i++) {
        TLS_OR_SKIP(tls, i % 2);
        tls.door.manner = manners[i];
        tls_listen(&tls, i == 3);
        struct party caller = { .stops_on_close = true };
        call(&caller, &tls, "localhost");
        party_say(&caller, "hello");
        settle(&tls);
        CHECK_U32(caller.closes, 1);
        CHECK_U32(caller.heard.len, i == 3 ? 5 : 0);
        party_end(&caller);
        tls_close(&tls);
    }
    TLS_OR_SKIP(tls, false);
    tls.door.refuses = true;
    tls_listen(&tls, false);
    struct party caller = { 0 };
    call(&caller, &tls, "localhost");
    settle(&tls);
    CHECK_U32(caller.closes, 1);
    party_end(&caller);
    tls_close(&tls);
}

TEST(a_full_listener_lets_others_wait)
{
    TLS_OR_SKIP(tls, false);
    struct listener_options options = { .tls = tls.server, .connections_max = 1 };
    door_open(&tls.door, &tls.world, "127.0.0.1:0", &options);
    struct party silent = { 0 };
    party_connect(&silent, &tls.world, door_address(&tls.door));
    settle(&tls);
    struct party caller = { .stops_at = 5 };
    call(&caller, &tls, "localhost");
    party_say(&caller, "hello");
    settle(&tls);
    CHECK_U32(tls.door.count, 1);
    party_end(&silent);
    loop_run_for(tls.world.loop, 2000);
    CHECK_TEXT(buf_text(&caller.heard), "hello");
    party_end(&caller);
    tls_close(&tls);
}
