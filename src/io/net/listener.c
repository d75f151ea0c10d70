/* SPDX-License-Identifier: Apache-2.0 */
/* Listeners, the half that both worlds share: who owns them, and the count of their streams. */
#include "io/net/net_private.h"

#include <stdlib.h>

void listener_init(struct listener *listener, struct net *net, const struct listener_wire *wire)
{
    listener->net = net;
    listener->wire = wire;
    listener->holders = 1;
    list_add_last(&net->listeners, &listener->node);
}

void listener_release(struct listener *listener)
{
    if (--listener->holders == 0) free(listener);
}

static void listener_forget(void *self)
{
    listener_close(self);
    listener_release(self);
}

enum err listener_open(struct scope *owner, struct net *net, struct text address,
                       const struct listener_options *options,
                       void (*on_stream)(void *self, struct stream *stream), void *self,
                       struct listener **out, struct fault *fault)
{
    static const struct listener_options none;
    struct address at;
    struct listener *listener;
    if (options == NULL) options = &none;
    enum err err = address_parse(address, &at, fault);
    if (!err)
        err = net->world ? sim_listen(net, &at, &listener, fault)
                         : socket_listen(net, &at, options, &listener, fault);
    if (err) return err;
    listener->options = *options;
    listener->on_stream = on_stream;
    listener->self = self;
    listener->holders++;
    scope_on_close(owner, listener_forget, listener);
    *out = listener;
    return ERR_OK;
}

void listener_close(struct listener *listener)
{
    if (listener->is_closed) return;
    listener->is_closed = true;
    list_remove(&listener->node);
    listener->wire->drop(listener);
}

uint16_t listener_port(const struct listener *listener)
{
    return address_port(&listener->address);
}

bool listener_is_full(const struct listener *listener)
{
    return listener->options.connections_max > 0 &&
           listener->stream_count >= listener->options.connections_max;
}

void listener_hand_over(struct listener *listener, struct stream *stream)
{
    struct loop *loop = listener->net->loop;
    listener->net->counters.streams_accepted++;
    listener->stream_count++;
    listener->holders++; /* the stream's, until listener_stream_gone() */
    stream->from = listener;
    if (listener->options.tls)
        stream = tls_accept(stream, listener->options.tls, listener->options.detects_tls);
    stream->holders++; /* a handler that closes it must not free it under us */
    void (*on_stream)(void *self, struct stream *stream) = listener->on_stream;
    uint64_t started = loop_handler_begin(loop);
    on_stream(listener->self, stream);
    loop_handler_end(loop, started, "listener", (uintptr_t)on_stream);
    if (stream->state == STREAM_NEW) stream_close(stream);
    stream_release(stream);
}

void listener_stream_gone(struct listener *listener)
{
    bool was_full = listener_is_full(listener);
    listener->stream_count--;
    if (was_full && !listener->is_closed) listener->wire->resume(listener);
    listener_release(listener);
}
