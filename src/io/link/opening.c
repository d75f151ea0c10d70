/* SPDX-License-Identifier: Apache-2.0 */
/* The opening (docs/decisions/0004): the connecting end sends Hello, the listening end Hello; then
 * the connecting end proves itself first, so that a listener gives nothing away and both are up
 * only when the other has accepted. Whatever else comes ends the link. */
#include "io/link/private.h"

#include "format/msgpack.h"
#include "gen/events.h"

#include <unistd.h>

enum { PROTOCOL_VERSION = 1 };

static const uint64_t keep_alive_ms_min = 100, keep_alive_ms_max = 24ull * 3600 * 1000;

static bool is_client(const struct link *link)
{
    return link->server == NULL;
}

/* The peer is told why. */
static void refuse_opening(struct link *link, enum err why, const char *words)
{
    struct link_hub *hub = link->hub;
    hub->counters.openings_refused++;
    LOG_LINK_REFUSED(&hub->log, link_peer_name_z(link), link_address_z(link), words);
    struct link_error error = { .err = why, .protocol = TEXT("link"), .text = text_of(words) };
    struct link_refusal refusal;
    refusal_of_error(&error, &refusal);
    (void)link_write_frame(link, &MSG_LINK_REFUSAL, 0, NULL, &refusal);
    if (link->state == LINK_ENDING) return;
    link->state = LINK_REFUSING;
    link->why = why;
    timer_start(link->timer, LINK_REFUSAL_LINGER_MS);
}

void opening_send_hello(struct link *link)
{
    const struct link_hub *hub = link->hub;
    uint8_t nonce[IDENTITY_NONCE_BYTES];
    identity_nonce(nonce);
    struct link_hello hello = {
        .head.has = LINK_HELLO_HAS_PROTOCOL_VERSION | LINK_HELLO_HAS_APPLICATION |
                    LINK_HELLO_HAS_ROLE | LINK_HELLO_HAS_BUILD | LINK_HELLO_HAS_NONCE |
                    LINK_HELLO_HAS_HAS_SECRET,
        .protocol_version = PROTOCOL_VERSION,
        .application = hub->identity.application,
        .role = hub->identity.role,
        .build = hub->identity.build,
        .nonce = { (const char *)nonce, sizeof nonce },
        .has_secret = hub->identity.secret_is_master,
    };
    if (hub->identity.user.len) {
        hello.head.has |= LINK_HELLO_HAS_USER;
        hello.user = hub->identity.user;
    }
    if (is_client(link)) {
        hello.head.has |= LINK_HELLO_HAS_KEEP_ALIVE | LINK_HELLO_HAS_KEEP_ALIVE_TRACE;
        hello.keep_alive = hub->options.addp_remote_ms;
        hello.keep_alive_trace = hub->options.addp_trace_remote;
    }
    struct buf frame = { 0 };
    frame_encode(&frame, &MSG_LINK_HELLO, 0, NULL, &hello);
    link->our_hello =
        scope_keep(link->connection, text_slice(buf_text(&frame), FRAME_PREFIX_BYTES, frame.len));
    stream_write(link->stream, buf_text(&frame));
    buf_free(&frame);
}

static struct identity_transcript transcript(const struct link *link)
{
    return is_client(link) ? (struct identity_transcript){ link->our_hello, link->peer_hello }
                           : (struct identity_transcript){ link->peer_hello, link->our_hello };
}

static void send_proof(struct link *link)
{
    struct identity_transcript said = transcript(link);
    uint8_t mac[IDENTITY_MAC_BYTES];
    identity_prove(link->key, is_client(link) ? IDENTITY_OF_CLIENT : IDENTITY_OF_SERVER, &said,
                   mac);
    struct link_proof proof = { .head.has = LINK_PROOF_HAS_MAC,
                                .mac = { (const char *)mac, sizeof mac } };
    (void)link_write_frame(link, &MSG_LINK_PROOF, 0, NULL, &proof);
}

/* On a Unix socket the system vouches for the peer's user too: ours, or root. */
static bool is_user_trusted(const struct link *link)
{
    uint32_t uid, pid;
    return stream_peer_uid(link->stream, &uid, &pid) != ERR_OK || uid == 0 || uid == geteuid();
}

static void use_keep_alive(struct link *link, const struct link_hello *hello)
{
    const struct link_options *options = &link->hub->options;
    uint64_t timeout_ms = options->addp_local_ms;
    link->is_traced = options->addp_trace_local;
    if (!is_client(link)) {
        if (hello->keep_alive) timeout_ms = hello->keep_alive;
        if (hello->keep_alive_trace) link->is_traced = true;
    }
    /* Nobody watches it: of a host that is gone, or of a network that forgot us, no word comes. In
     * one machine the system tells. */
    if (timeout_ms == 0 && !text_starts(stream_peer(link->stream), TEXT("unix")))
        timeout_ms = LINK_SILENCE_MS;
    if (timeout_ms && timeout_ms < keep_alive_ms_min) timeout_ms = keep_alive_ms_min;
    if (timeout_ms > keep_alive_ms_max) timeout_ms = keep_alive_ms_max;
    link->keep_alive.timeout_ms = timeout_ms;
}

static enum err choose_key(struct link *link, const struct link_hello *hello)
{
    const struct link_identity *ours = &link->hub->identity;
    struct identity_end us = { ours->application, ours->secret_is_master };
    struct identity_end peer = { hello->application, hello->has_secret };
    struct text secret = hello->has_secret && ours->own_key.len ? ours->own_key : ours->secret;
    return is_client(link) ? identity_key(&us, &peer, IDENTITY_OF_CLIENT, secret, link->key)
                           : identity_key(&peer, &us, IDENTITY_OF_SERVER, secret, link->key);
}

static const char *fault_of_hello(const struct link *link, const struct link_hello *hello)
{
    if (hello->protocol_version != PROTOCOL_VERSION) return "another version of the protocol";
    if (hello->nonce.len != IDENTITY_NONCE_BYTES) return "the nonce is too short";
    if (link->expected_peer.len && !text_eq(hello->application, link->expected_peer))
        return "another application answers there";
    if (!is_user_trusted(link)) return "the process belongs to another user";
    /* The name is proven, the role only said. */
    if (text_eq(hello->role, TEXT("tool")) && !text_eq(hello->application, TEXT("tool")))
        return "only the application tool has the role tool";
    return NULL;
}

static void on_hello(struct link *link, const struct link_hello *hello, struct text body)
{
    link->peer = scope_keep(link->connection, hello->application);
    link->peer_role = scope_keep(link->connection, hello->role);
    link->peer_user = scope_keep(link->connection, hello->user);
    link->peer_hello = scope_keep(link->connection, body);
    const char *words = fault_of_hello(link, hello);
    if (!words && choose_key(link, hello)) words = "our own key is not there";
    if (words) {
        refuse_opening(link, ERR_DENIED, words);
        return;
    }
    use_keep_alive(link, hello);
    link->state = LINK_PROVING;
    if (is_client(link))
        send_proof(link);
    else
        opening_send_hello(link);
}

static void on_proof(struct link *link, const struct link_proof *proof)
{
    struct identity_transcript said = transcript(link);
    enum identity_direction peers = is_client(link) ? IDENTITY_OF_SERVER : IDENTITY_OF_CLIENT;
    if (!identity_is_proven(link->key, peers, &said, proof->mac)) {
        refuse_opening(link, ERR_DENIED, "the proof of identity is wrong");
        return;
    }
    if (!is_client(link)) {
        if (server_on_proven(link)) {
            refuse_opening(link, ERR_LIMIT,
                           scope_format(link->scratch, "the limit of %u links is reached",
                                        link->hub->options.links_max)
                               .at);
            return;
        }
        send_proof(link);
    }
    if (link->state == LINK_PROVING) link_now_up(link);
}

static void on_refusal(struct link *link, const struct link_refusal *refusal)
{
    struct link_error error;
    error_of_refusal(refusal, &error);
    link->hub->counters.openings_refused++;
    LOG_LINK_REFUSED(&link->hub->log, link_peer_name_z(link), link_address_z(link),
                     scope_keep_z(link->scratch, scope_format(link->scratch, "there: %.*s",
                                                              TEXT_ARG(error.text))));
    link_fail(link, error.err);
}

void opening_on_frame(struct link *link, const struct frame *frame, struct text body)
{
    const struct msg *expected = link->state == LINK_GREETING ? &MSG_LINK_HELLO : &MSG_LINK_PROOF;
    if (frame->number == MSG_LINK_REFUSAL.number) expected = &MSG_LINK_REFUSAL;
    void *fields = NULL;
    struct fault fault = { 0 };
    struct scope *scratch = scope_new(link->scratch, "opening", LINK_OPENING_BYTES_MAX * 4);
    bool is_good = frame->number == expected->number && frame->ref == 0 &&
                   !msgpack_decode(frame->fields, expected->shape, scratch, &fields, &fault);
    if (!is_good)
        refuse_opening(link, ERR_INVALID, fault.words[0] ? fault.words : "this is no opening");
    else if (expected == &MSG_LINK_HELLO)
        on_hello(link, fields, body);
    else if (expected == &MSG_LINK_PROOF)
        on_proof(link, fields);
    else
        on_refusal(link, fields);
}
