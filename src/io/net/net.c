/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, the half that both worlds share: a stream's life, what waits to be sent, and when its
 * handler hears what. Start reading at stream_write() for the way out, stream_received() for the
 * way in, stream_close() for the end. */
#include "io/net/net_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* --- the net --- */

static void finish_time_up(void *self)
{
    struct net *net = self;
    struct list *node;
    while ((node = list_first(&net->finishing)) != NULL) {
        struct stream *stream = LIST_OBJECT(node, struct stream, finish_node);
        if (stream->finish_mono_ms > loop_now_mono_ms(net->loop)) {
            timer_start_at(net->finish_timer, stream->finish_mono_ms);
            return;
        }
        stream_close(stream);
    }
}

static void net_close(void *self)
{
    struct net *net = self;
    struct list *node;
    while ((node = list_first(&net->listeners)) != NULL)
        listener_close(LIST_OBJECT(node, struct listener, node));
    while ((node = list_first(&net->streams)) != NULL)
        stream_close(LIST_OBJECT(node, struct stream, node));
    free(net->read_bytes);
}

struct net *net_new(struct scope *owner, struct loop *loop)
{
    struct scope *life = scope_new(owner, "net", SCOPE_NO_LIMIT);
    struct net *net = scope_alloc(life, sizeof *net);
    net->loop = loop;
    net->life = life;
    list_init(&net->streams);
    list_init(&net->listeners);
    list_init(&net->finishing);
    net->finish_timer = timer_new(life, loop, finish_time_up, net);
    tls_init(net);
    if (loop_is_virtual(loop)) {
        net->world = sim_world_get(loop);
    } else {
        net->read_bytes = malloc(READ_BYTES);
        ASSERT(net->read_bytes != NULL);
    }
    scope_on_close(life, net_close, net);
    return net;
}

struct loop *net_loop(struct net *net)
{
    return net->loop;
}

void net_on_pause(struct net *net, void (*on_pause)(void *self, const char *address), void *self)
{
    net->on_pause = on_pause;
    net->pause_self = self;
}

const struct net_counters *net_counters(const struct net *net)
{
    return &net->counters;
}

/* --- life of a stream --- */

static void stream_flush(void *self);
static void stream_end(void *self);

void stream_init(struct stream *stream, struct net *net, const struct stream_wire *wire,
                 enum stream_state state, const struct address *peer)
{
    *stream = (struct stream){
        .net = net,
        .wire = wire,
        .state = state,
        .holders = wire ? 1 : 0,
        .flush = { .run = stream_flush, .self = stream },
        .end = { .run = stream_end, .self = stream },
    };
    if (peer) {
        stream->is_loopback = address_is_loopback(peer);
        address_format(peer, stream->peer);
    }
    list_add_last(&net->streams, &stream->node);
}

void stream_release(struct stream *stream)
{
    if (--stream->holders == 0) free(stream);
}

static void stream_forget(void *self)
{
    struct stream *stream = self;
    if (!stream->is_finishing) stream_close(stream);
    stream_release(stream);
}

void stream_hold(struct stream *stream, const struct stream_handler *handler, void *self)
{
    ASSERT(stream->handler == NULL && handler->on_bytes && handler->on_closed);
    stream->handler = handler;
    stream->self = self;
    stream->holders++;
}

void stream_own(struct scope *owner, struct stream *stream, const struct stream_handler *handler,
                void *self)
{
    stream_hold(stream, handler, self);
    scope_on_close(owner, stream_forget, stream);
}

void stream_begin(struct stream *stream)
{
    ASSERT(stream->state == STREAM_NEW);
    stream->state = STREAM_OPEN;
    stream->wire->read(stream, true);
}

void stream_adopt(struct scope *owner, struct stream *stream, const struct stream_handler *handler,
                  void *self)
{
    stream_own(owner, stream, handler, self);
    stream_begin(stream);
}

struct stream *stream_connect(struct scope *owner, struct net *net, struct text address,
                              const struct stream_handler *handler, void *self)
{
    struct address to;
    struct stream *stream;
    enum err err = address_parse(address, &to, NULL);
    if (err) {
        stream = malloc(sizeof *stream);
        ASSERT(stream != NULL);
        stream_init(stream, net, NULL, STREAM_CONNECTING, NULL);
        stream_end_later(stream, err);
    } else {
        stream = net->world ? sim_connect(net, &to) : socket_connect(net, &to);
    }
    stream_own(owner, stream, handler, self);
    return stream;
}

struct stream *stream_from_fd(struct scope *owner, struct net *net, int fd,
                              const struct stream_handler *handler, void *self)
{
    ASSERT(net->world == NULL);
    struct address peer = { .len = sizeof peer.at };
    bool is_connected = getpeername(fd, &peer.at.any, &peer.len) == 0;
    struct stream *stream = NULL;
    if (is_connected)
        stream = socket_stream_new(net, fd, &peer);
    else
        (void)close(fd);
    if (stream == NULL) {
        stream = malloc(sizeof *stream);
        ASSERT(stream != NULL);
        stream_init(stream, net, NULL, STREAM_NEW, NULL);
        stream_end_later(stream, ERR_CLOSED);
        stream_own(owner, stream, handler, self);
        return stream;
    }
    stream_adopt(owner, stream, handler, self);
    return stream;
}

void stream_set_handler(struct stream *stream, const struct stream_handler *handler, void *self)
{
    ASSERT(handler->on_bytes && handler->on_closed);
    stream->handler = handler;
    stream->self = self;
}

void stream_close(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED) return;
    stream->state = STREAM_CLOSED;
    if (!stream->is_layered) stream->net->counters.streams_closed++;
    list_remove(&stream->node);
    list_remove(&stream->finish_node);
    chore_cancel(&stream->flush);
    chore_cancel(&stream->end);
    buf_free(&stream->out);
    stream->handed_bytes = 0;
    struct listener *from = stream->from;
    stream->from = NULL;
    if (stream->wire) stream->wire->drop(stream); /* may free it */
    if (from) listener_stream_gone(from);
}

/* --- the way out --- */

void stream_write(struct stream *stream, struct text bytes)
{
    if (stream->state == STREAM_CLOSED || stream->is_finishing || stream->is_unsendable) return;
    if (bytes.len == 0) return;
    buf_add(&stream->out, bytes);
    stream->owes_drained = true;
    if (stream->state != STREAM_CONNECTING) chore_last(stream->net->loop, &stream->flush);
}

void stream_write_now(struct stream *stream, const struct text *pieces, size_t count)
{
    size_t taken = 0;
    ASSERT(count <= STREAM_PIECES_MAX);
    if (stream->state == STREAM_OPEN && !stream->is_finishing && !stream->is_unsendable &&
        stream_unsent(stream) == 0 && stream->wire->send_now)
        taken = stream->wire->send_now(stream, pieces, count);
    for (size_t i = 0; i < count; i++) {
        size_t skipped = taken < pieces[i].len ? taken : pieces[i].len;
        taken -= skipped;
        stream_write(stream, text_slice(pieces[i], skipped, pieces[i].len));
    }
}

size_t stream_unsent(const struct stream *stream)
{
    return stream->out.len + stream->handed_bytes;
}

/* Nothing waits any more: go on to what was to follow. */
static void stream_settle(struct stream *stream)
{
    if (stream->state != STREAM_OPEN || stream_unsent(stream) > 0) return;
    if (stream->is_finishing) {
        if (stream->is_shut) return;
        stream->is_shut = true;
        stream->wire->shut(stream);
        return;
    }
    if (!stream->owes_drained) return;
    stream->owes_drained = false;
    void (*on_drained)(void *self) = stream->handler->on_drained;
    if (on_drained == NULL) return;
    struct loop *loop = stream->net->loop;
    uint64_t started = loop_handler_begin(loop);
    on_drained(stream->self);
    loop_handler_end(loop, started, "stream drained", (uintptr_t)on_drained);
}

static void stream_flush(void *self)
{
    struct stream *stream = self;
    if (stream->out.len > 0 && !stream->is_unsendable) stream->wire->send(stream);
    stream_settle(stream);
}

void stream_took(struct stream *stream)
{
    if (stream->state == STREAM_OPEN) stream_flush(stream);
}

void stream_send_failed(struct stream *stream)
{
    stream->is_unsendable = true;
    stream->owes_drained = false;
    stream->handed_bytes = 0;
    buf_free(&stream->out);
    /* A reader will find the end by itself, behind what the peer sent before it went. */
    if (stream->is_paused || stream->is_finishing) stream_end_later(stream, ERR_CLOSED);
}

/* --- the way in --- */

void stream_opened(struct stream *stream)
{
    if (stream->state != STREAM_CONNECTING) return;
    struct loop *loop = stream->net->loop;
    stream->state = STREAM_OPEN;
    if (!stream->is_layered) stream->net->counters.streams_connected++;
    if (stream->out.len > 0 || stream->is_finishing) chore_last(loop, &stream->flush);
    if (!stream->is_paused) stream->wire->read(stream, true);
    void (*on_open)(void *self) = stream->handler->on_open;
    if (on_open == NULL || stream->is_finishing) return;
    uint64_t started = loop_handler_begin(loop);
    on_open(stream->self);
    loop_handler_end(loop, started, "stream open", (uintptr_t)on_open);
}

void stream_received(struct stream *stream, struct text bytes)
{
    if (stream->state != STREAM_OPEN) return;
    struct loop *loop = stream->net->loop;
    if (!stream->is_layered) stream->net->counters.bytes_in += bytes.len;
    if (stream->is_finishing) return;
    void (*on_bytes)(void *self, struct text bytes) = stream->handler->on_bytes;
    uint64_t started = loop_handler_begin(loop);
    on_bytes(stream->self, bytes);
    loop_handler_end(loop, started, "stream bytes", (uintptr_t)on_bytes);
}

void stream_ended(struct stream *stream, enum err why)
{
    if (stream->state == STREAM_CLOSED) return;
    struct loop *loop = stream->net->loop;
    void (*on_closed)(void *self, enum err why) = stream->handler->on_closed;
    void *self = stream->self;
    bool is_told = !stream->is_finishing;
    stream_close(stream); /* first: whatever the handler calls on it finds it closed */
    if (!is_told) return;
    uint64_t started = loop_handler_begin(loop);
    on_closed(self, why);
    loop_handler_end(loop, started, "stream closed", (uintptr_t)on_closed);
}

static void stream_end(void *self)
{
    struct stream *stream = self;
    stream_ended(stream, stream->ending);
}

void stream_end_later(struct stream *stream, enum err why)
{
    stream->ending = why;
    chore_soon(stream->net->loop, &stream->end);
}

void stream_pause(struct stream *stream)
{
    if (stream->is_paused || stream->is_finishing) return;
    stream->is_paused = true;
    if (stream->state == STREAM_OPEN) stream->wire->read(stream, false);
}

void stream_resume(struct stream *stream)
{
    if (!stream->is_paused) return;
    stream->is_paused = false;
    if (stream->state == STREAM_OPEN) stream->wire->read(stream, true);
}

void stream_finish(struct stream *stream)
{
    if (stream->state == STREAM_CLOSED || stream->is_finishing) return;
    if (stream->is_unsendable || stream->wire == NULL) {
        stream_close(stream);
        return;
    }
    /* Read on and drop: a close with unread bytes would reset the connection and could take what
     * we sent from the peer before it read it (RFC 9112 9.6). */
    stream_resume(stream);
    stream->is_finishing = true;
    struct net *net = stream->net;
    stream->finish_mono_ms = loop_now_mono_ms(net->loop) + STREAM_FINISH_MS;
    list_add_last(&net->finishing, &stream->finish_node);
    if (!timer_is_running(net->finish_timer))
        timer_start_at(net->finish_timer, stream->finish_mono_ms);
    if (stream->state == STREAM_OPEN) chore_last(net->loop, &stream->flush);
}

/* --- questions --- */

struct text stream_peer(const struct stream *stream)
{
    return text_of(stream->peer);
}

bool stream_is_loopback(const struct stream *stream)
{
    return stream->is_loopback;
}

struct text stream_words(const struct stream *stream)
{
    return text_of(stream->words);
}

enum err stream_peer_uid(const struct stream *stream, uint32_t *uid, uint32_t *pid)
{
    if (stream->state == STREAM_CLOSED || stream->wire == NULL) return ERR_CLOSED;
    return stream->wire->credentials(stream, uid, pid);
}
