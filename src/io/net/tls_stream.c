/* SPDX-License-Identifier: Apache-2.0 */
/* The wire of TLS: a stream over another stream, so that sockets and the simulated world carry it
 * alike. OpenSSL reads from what has just arrived and writes into the stream below; it never sees a
 * socket and keeps nothing between two turns. Start reading at on_under_bytes(), then pump(); the
 * way out is tls_send(). */
#include "io/net/net_private.h"
#include "io/net/tls_private.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    RECORD_BYTES = 16 * 1024,
    ANSWERED_BYTES_MAX = 64 * 1024, /* by OpenSSL itself, to a peer that asks and does not read */
    REFUSALS_MAX = 256, /* in STREAM_FINISH_MS: only so many keep their connection to read why */
    FIRST_BYTE = 0x16,  /* of a handshake record */
    WORDS_BYTES = 128,
};

enum tls_state { TLS_CONNECTING, TLS_DETECTING, TLS_SHAKING, TLS_OPEN, TLS_PLAIN, TLS_ENDED };

struct tls_stream {
    struct stream stream; /* first: the upper half knows only this */
    struct stream *under;
    SSL *ssl;
    enum tls_state state;
    bool is_client;
    bool is_reading; /* the upper half wants bytes */
    bool is_pumping; /* so a drop frees later */
    bool is_dropped;
    bool leaves_under; /* it is finishing, the net looks after it */
    struct text in;    /* arrived, while we look at it */
    struct buf held;   /* the rest of it that nobody wanted yet */
    size_t answered_bytes;
    struct chore catch_up;
    struct list handshake_node;
    uint64_t handshake_due_ms;
    char words[WORDS_BYTES];
};

static struct tls_stream *tls_of(struct stream *stream)
{
    return (struct tls_stream *)stream;
}

/* --- the BIO: OpenSSL's view of the stream below --- */

static int bio_read(BIO *bio, char *out, int room)
{
    struct tls_stream *tls = BIO_get_data(bio);
    struct text now = text_slice(tls->in, 0, room > 0 ? (size_t)room : 0);
    BIO_clear_retry_flags(bio);
    if (now.len == 0) {
        BIO_set_retry_read(bio);
        return -1;
    }
    memcpy(out, now.at, now.len);
    tls->in = text_slice(tls->in, now.len, SIZE_MAX);
    return (int)now.len;
}

static int bio_write(BIO *bio, const char *bytes, int len)
{
    struct tls_stream *tls = BIO_get_data(bio);
    if (len <= 0) return 0;
    stream_write(tls->under, (struct text){ bytes, (size_t)len });
    if (tls->is_pumping) tls->answered_bytes += (size_t)len;
    return len;
}

static long bio_control(BIO *bio, int command, long number, void *pointer)
{
    (void)bio, (void)number, (void)pointer;
    return command == BIO_CTRL_FLUSH;
}

static BIO *bio_new(struct tls_stream *tls)
{
    static BIO_METHOD *method; /* one for the process */
    if (method == NULL) {
        method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "stream");
        ASSERT(method != NULL && BIO_meth_set_read(method, bio_read) &&
               BIO_meth_set_write(method, bio_write) && BIO_meth_set_ctrl(method, bio_control));
    }
    BIO *bio = BIO_new(method);
    ASSERT(bio != NULL);
    BIO_set_data(bio, tls);
    BIO_set_init(bio, 1);
    return bio;
}

/* --- the end --- */

static void tls_free(struct tls_stream *tls)
{
    SSL_free(tls->ssl);
    buf_free(&tls->held);
    stream_release(tls->under);
    stream_release(&tls->stream);
}

static void tls_drop(struct stream *stream)
{
    struct tls_stream *tls = tls_of(stream);
    tls->state = TLS_ENDED;
    tls->is_dropped = true;
    chore_cancel(&tls->catch_up);
    list_remove(&tls->handshake_node);
    if (!tls->leaves_under) stream_close(tls->under);
    if (!tls->is_pumping) tls_free(tls);
}

/* What is written reaches the peer, in the background. */
static void leave_under(struct tls_stream *tls)
{
    if (tls->leaves_under) return;
    tls->leaves_under = true;
    stream_finish(tls->under);
}

static void end(struct tls_stream *tls, enum err why)
{
    tls->state = TLS_ENDED;
    stream_ended(&tls->stream, why);
}

/* Who is refused may keep the connection for STREAM_FINISH_MS to read our alert; a crowd that does
 * so must not keep a listener from taking others. */
static bool has_time_for_alert(struct net *net)
{
    uint64_t now = loop_now_mono_ms(net->loop);
    if (now >= net->refusals_since_ms + STREAM_FINISH_MS) {
        net->refusals_since_ms = now;
        net->refusals = 0;
    }
    return net->refusals++ < REFUSALS_MAX;
}

static void fail(struct tls_stream *tls, enum err why, const char *words)
{
    struct net *net = tls->stream.net;
    (void)snprintf(tls->words, sizeof tls->words, "%s", words);
    tls->stream.words = tls->words;
    if (list_is_linked(&tls->handshake_node)) net->counters.tls_failures++;
    if (stream_unsent(tls->under) > 0 && has_time_for_alert(net)) leave_under(tls);
    end(tls, why);
}

/* OpenSSL gave up; its alert is written already. */
static void fail_as_openssl(struct tls_stream *tls)
{
    const char *words = ERR_reason_error_string(ERR_peek_last_error());
    long verdict = SSL_get_verify_result(tls->ssl);
    bool is_refused = verdict != X509_V_OK;
    if (is_refused) words = X509_verify_cert_error_string(verdict);
    fail(tls, is_refused ? ERR_DENIED : ERR_INVALID, words ? words : "no TLS");
}

/* --- the handshake --- */

static void arm(struct net *net)
{
    struct list *first = list_first(&net->handshakes);
    if (first)
        timer_start_at(net->handshake_timer,
                       LIST_OBJECT(first, struct tls_stream, handshake_node)->handshake_due_ms);
}

static void on_handshake_time_up(void *self)
{
    struct net *net = self;
    struct list *first;
    while ((first = list_first(&net->handshakes)) != NULL) {
        struct tls_stream *tls = LIST_OBJECT(first, struct tls_stream, handshake_node);
        if (tls->handshake_due_ms > loop_now_mono_ms(net->loop)) break;
        fail(tls, ERR_TIMEOUT, "the handshake took too long"); /* leaves the list */
    }
    arm(net);
}

void tls_init(struct net *net)
{
    list_init(&net->handshakes);
    net->handshake_timer = timer_new(net->life, net->loop, on_handshake_time_up, net);
}

static void watch_handshake(struct tls_stream *tls)
{
    struct net *net = tls->stream.net;
    tls->handshake_due_ms = loop_now_mono_ms(net->loop) + TLS_HANDSHAKE_MS;
    list_add_last(&net->handshakes, &tls->handshake_node);
    if (!timer_is_running(net->handshake_timer)) arm(net);
}

static void on_shaken(struct tls_stream *tls)
{
    list_remove(&tls->handshake_node);
    tls->stream.net->counters.tls_handshakes++;
    tls->state = TLS_OPEN;
    if (tls->is_client)
        stream_opened(&tls->stream);
    else
        stream_took(&tls->stream); /* what was written meanwhile */
}

static void shake(struct tls_stream *tls)
{
    ERR_clear_error();
    int done = SSL_do_handshake(tls->ssl);
    if (done == 1)
        on_shaken(tls);
    else if (SSL_get_error(tls->ssl, done) != SSL_ERROR_WANT_READ)
        fail_as_openssl(tls);
}

static void detect(struct tls_stream *tls)
{
    if (tls->in.len == 0) return;
    if (tls->in.at[0] == FIRST_BYTE) {
        tls->state = TLS_SHAKING;
        return;
    }
    list_remove(&tls->handshake_node);
    tls->state = TLS_PLAIN;
    stream_took(&tls->stream);
}

/* --- the way in --- */

static bool wants_bytes(const struct tls_stream *tls)
{
    if (tls->answered_bytes > ANSWERED_BYTES_MAX) return false;
    return tls->state < TLS_OPEN || (tls->is_reading && tls->held.len == 0);
}

/* The stream below reads as long as we have a use for its bytes. */
static void steer(struct tls_stream *tls)
{
    if (tls->leaves_under) return;
    if (wants_bytes(tls))
        stream_resume(tls->under);
    else
        stream_pause(tls->under);
}

/* One record's content to the upper half. False: no whole one is there. */
static bool read_record(struct tls_stream *tls)
{
    char bytes[RECORD_BYTES];
    size_t len = 0;
    ERR_clear_error();
    int done = SSL_read_ex(tls->ssl, bytes, sizeof bytes, &len);
    if (done == 1) {
        stream_received(&tls->stream, (struct text){ bytes, len });
        return true;
    }
    switch (SSL_get_error(tls->ssl, done)) {
    case SSL_ERROR_WANT_READ: return false;
    case SSL_ERROR_ZERO_RETURN: end(tls, ERR_CLOSED); return false;
    default: fail_as_openssl(tls); return false;
    }
}

static void hand_up_plain(struct tls_stream *tls)
{
    struct text bytes = tls->in;
    tls->in = (struct text){ 0 };
    if (bytes.len > 0) stream_received(&tls->stream, bytes);
}

/* Everything that `in` allows, as long as the reader wants it. May free `tls`. */
static void pump(struct tls_stream *tls)
{
    tls->is_pumping = true;
    if (tls->state == TLS_DETECTING) detect(tls);
    if (tls->state == TLS_SHAKING) shake(tls);
    while (tls->state == TLS_OPEN && tls->is_reading && read_record(tls)) {}
    if (tls->state == TLS_PLAIN && tls->is_reading) hand_up_plain(tls);
    tls->is_pumping = false;
}

static void look_at(struct tls_stream *tls, struct text bytes)
{
    struct buf held = tls->held; /* mostly nothing */
    tls->held = (struct buf){ 0 };
    if (held.len > 0) {
        buf_add(&held, bytes);
        bytes = buf_text(&held);
    }
    tls->in = bytes;
    pump(tls);
    if (!tls->is_dropped) {
        buf_add(&tls->held, tls->in);
        tls->in = (struct text){ 0 };
        steer(tls);
    } else {
        tls_free(tls);
    }
    buf_free(&held);
}

static void on_under_open(void *self)
{
    struct tls_stream *tls = self;
    tls->state = TLS_SHAKING;
    look_at(tls, (struct text){ 0 });
}

static void on_under_bytes(void *self, struct text bytes)
{
    look_at(self, bytes);
}

static void catch_up(void *self)
{
    look_at(self, (struct text){ 0 });
}

static void on_under_closed(void *self, enum err why)
{
    struct tls_stream *tls = self;
    bool is_shaking = list_is_linked(&tls->handshake_node) && tls->state != TLS_CONNECTING;
    if (is_shaking) tls->stream.net->counters.tls_failures++;
    end(tls, why);
}

static void tls_read(struct stream *stream, bool on)
{
    struct tls_stream *tls = tls_of(stream);
    tls->is_reading = on;
    if (tls->is_pumping) return; /* which looks again when the handler returns */
    if (on && (tls->held.len > 0 || (tls->state == TLS_OPEN && SSL_has_pending(tls->ssl))))
        chore_soon(stream->net->loop, &tls->catch_up);
    else
        steer(tls);
}

/* --- the way out --- */

static void tls_send(struct stream *stream)
{
    struct tls_stream *tls = tls_of(stream);
    if (tls->state < TLS_OPEN || stream->handed_bytes > 0) return;
    struct text bytes = buf_text(&stream->out);
    size_t done = bytes.len;
    ERR_clear_error();
    if (tls->state == TLS_PLAIN)
        stream_write(tls->under, bytes);
    else if (SSL_write_ex(tls->ssl, bytes.at, bytes.len, &done) != 1)
        done = 0;
    if (done != bytes.len) { /* our BIO takes everything: the connection is broken */
        stream_send_failed(stream);
        return;
    }
    stream->handed_bytes = bytes.len; /* until the stream below has sent it all */
    buf_free(&stream->out);
}

static void on_under_drained(void *self)
{
    struct tls_stream *tls = self;
    tls->answered_bytes = 0;
    tls->stream.handed_bytes = 0;
    steer(tls);
    stream_took(&tls->stream); /* may free it */
}

static void tls_shut(struct stream *stream)
{
    struct tls_stream *tls = tls_of(stream);
    ERR_clear_error();
    if (tls->state == TLS_OPEN) (void)SSL_shutdown(tls->ssl); /* says close_notify */
    leave_under(tls);
    stream_end_later(stream, ERR_CLOSED);
}

/* --- life --- */

static enum err tls_credentials(const struct stream *stream, uint32_t *uid, uint32_t *pid)
{
    return stream_peer_uid(((const struct tls_stream *)stream)->under, uid, pid);
}

static const struct stream_wire tls_wire = {
    .send = tls_send,
    .read = tls_read,
    .shut = tls_shut,
    .drop = tls_drop,
    .credentials = tls_credentials,
};

static const struct stream_handler under_handler = {
    .on_open = on_under_open,
    .on_bytes = on_under_bytes,
    .on_drained = on_under_drained,
    .on_closed = on_under_closed,
};

static struct tls_stream *tls_new(struct stream *under, enum stream_state state,
                                  struct tls_config *config, struct text host)
{
    struct tls_stream *tls = calloc(1, sizeof *tls);
    ASSERT(tls != NULL);
    stream_init(&tls->stream, under->net, &tls_wire, state, NULL);
    tls->stream.is_layered = true;
    tls->stream.is_loopback = under->is_loopback;
    memcpy(tls->stream.peer, under->peer, sizeof under->peer);
    tls->under = under;
    tls->catch_up = (struct chore){ .run = catch_up, .self = tls };
    tls->ssl = tls_config_connection(config, host);
    BIO *bio = bio_new(tls);
    SSL_set_bio(tls->ssl, bio, bio);
    stream_hold(under, &under_handler, tls);
    watch_handshake(tls);
    return tls;
}

struct stream *tls_accept(struct stream *under, struct tls_config *config, bool detects)
{
    struct tls_stream *tls = tls_new(under, STREAM_NEW, config, (struct text){ 0 });
    tls->state = detects ? TLS_DETECTING : TLS_SHAKING;
    stream_begin(under);
    return &tls->stream;
}

struct stream *stream_connect_tls(struct scope *owner, struct net *net, struct text address,
                                  struct tls_config *config, struct text host,
                                  const struct stream_handler *handler, void *self)
{
    struct address to;
    enum err err = address_parse(address, &to, NULL);
    if (err) return stream_connect(owner, net, address, handler, self); /* which tells it */
    struct stream *under = net->world ? sim_connect(net, &to) : socket_connect(net, &to);
    struct tls_stream *tls = tls_new(under, STREAM_CONNECTING, config, host);
    tls->is_client = true;
    stream_own(owner, &tls->stream, handler, self);
    return &tls->stream;
}
