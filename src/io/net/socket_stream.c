/* SPDX-License-Identifier: Apache-2.0 */
/* The wire of the real world: a libuv TCP or Unix socket. Idle streams own no buffer: reads go
 * through the net's one, writes are tried at once and kept only if the system does not take them.
 */
#include "io/net/net_private.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

struct write {
    uv_write_t request;
    struct socket_stream *socket;
    struct buf bytes;
};

struct socket_stream {
    struct stream stream; /* first: the upper half knows only this */
    union {
        uv_handle_t any;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } uv;
    bool is_writing; /* one at a time, so that what comes meanwhile is collected */
    union {          /* of the first and the last moment of a stream */
        uv_connect_t connect;
        uv_shutdown_t shutdown;
    } request;
};

enum err socket_err(int uv_status)
{
    switch (uv_status) {
    case 0: return ERR_OK;
    case UV_ECONNREFUSED:
    case UV_ENOENT: return ERR_REFUSED;
    case UV_EOF:
    case UV_EPIPE:
    case UV_ECONNRESET: return ERR_CLOSED;
    case UV_ETIMEDOUT: return ERR_TIMEOUT;
    case UV_EACCES:
    case UV_EPERM: return ERR_DENIED;
    case UV_EADDRINUSE: return ERR_EXISTS;
    case UV_EMFILE:
    case UV_ENFILE:
    case UV_ENOBUFS:
    case UV_ENOMEM:
    case UV_EAGAIN:
    case UV_EHOSTUNREACH:
    case UV_ENETUNREACH:
    case UV_EADDRNOTAVAIL: return ERR_UNAVAILABLE;
    default: return ERR_IO;
    }
}

static struct socket_stream *socket_of(struct stream *stream)
{
    return (struct socket_stream *)stream;
}

/* --- reading --- */

static void on_room_wanted(uv_handle_t *handle, size_t suggested, uv_buf_t *room)
{
    (void)suggested;
    struct stream *stream = handle->data;
    *room = uv_buf_init(stream->net->read_bytes, READ_BYTES);
}

static void on_read(uv_stream_t *handle, ssize_t len, const uv_buf_t *room)
{
    struct stream *stream = handle->data;
    if (len > 0)
        stream_received(stream, (struct text){ room->base, (size_t)len });
    else if (len < 0)
        stream_ended(stream, socket_err((int)len));
}

static void socket_read(struct stream *stream, bool on)
{
    struct socket_stream *socket = socket_of(stream);
    if (!on) {
        (void)uv_read_stop(&socket->uv.stream);
        return;
    }
    int status = uv_read_start(&socket->uv.stream, on_room_wanted, on_read);
    if (status < 0 && status != UV_EALREADY) stream_end_later(stream, socket_err(status));
}

/* --- writing --- */

static void on_written(uv_write_t *request, int status)
{
    struct write *write = request->data;
    struct stream *stream = &write->socket->stream;
    write->socket->is_writing = false;
    buf_free(&write->bytes);
    free(write);
    if (stream->state == STREAM_CLOSED) return;
    if (status < 0) {
        stream_send_failed(stream);
        return;
    }
    stream->net->counters.bytes_out += stream->handed_bytes;
    stream->handed_bytes = 0;
    stream_took(stream);
}

/* The system did not take all at once: hand the rest, from `sent` on, to libuv. */
static void write_rest(struct socket_stream *socket, size_t sent)
{
    struct stream *stream = &socket->stream;
    struct write *write = calloc(1, sizeof *write);
    ASSERT(write != NULL);
    write->socket = socket;
    write->request.data = write;
    write->bytes = stream->out;
    stream->out = (struct buf){ 0 };
    stream->handed_bytes = write->bytes.len - sent;
    uv_buf_t rest = { .base = write->bytes.at + sent, .len = stream->handed_bytes };
    int status = uv_write(&write->request, &socket->uv.stream, &rest, 1, on_written);
    if (status == 0) {
        socket->is_writing = true;
        return;
    }
    buf_free(&write->bytes);
    free(write);
    stream_send_failed(stream);
}

static void socket_send(struct stream *stream)
{
    struct socket_stream *socket = socket_of(stream);
    if (socket->is_writing) return;
    uv_buf_t bytes = { .base = stream->out.at, .len = stream->out.len };
    int sent = uv_try_write(&socket->uv.stream, &bytes, 1);
    if (sent < 0 && sent != UV_EAGAIN) {
        stream_send_failed(stream);
        return;
    }
    if (sent < 0) sent = 0;
    stream->net->counters.writes++;
    stream->net->counters.bytes_out += (uint64_t)sent;
    if ((size_t)sent == stream->out.len)
        buf_free(&stream->out); /* ten thousand idle streams keep no buffers */
    else
        write_rest(socket, (size_t)sent);
}

static size_t socket_send_now(struct stream *stream, const struct text *pieces, size_t count)
{
    struct socket_stream *socket = socket_of(stream);
    uv_buf_t bytes[STREAM_PIECES_MAX];
    if (socket->is_writing) return 0;
    for (size_t i = 0; i < count; i++)
        bytes[i] = (uv_buf_t){ .base = (char *)(uintptr_t)pieces[i].at, .len = pieces[i].len };
    int sent = uv_try_write(&socket->uv.stream, bytes, (unsigned)count);
    if (sent < 0) return 0; /* the copy that follows will tell why */
    stream->net->counters.writes++;
    stream->net->counters.bytes_out += (uint64_t)sent;
    return (size_t)sent;
}

static void on_shut(uv_shutdown_t *request, int status)
{
    struct stream *stream = request->data;
    if (status < 0) stream_ended(stream, socket_err(status));
}

static void socket_shut(struct stream *stream)
{
    struct socket_stream *socket = socket_of(stream);
    socket->request.shutdown.data = stream;
    int status = uv_shutdown(&socket->request.shutdown, &socket->uv.stream, on_shut);
    if (status < 0) stream_end_later(stream, socket_err(status));
}

/* --- life --- */

static void on_socket_closed(uv_handle_t *handle)
{
    stream_release(handle->data);
}

static void socket_drop(struct stream *stream)
{
    uv_close(&socket_of(stream)->uv.any, on_socket_closed);
}

static enum err socket_credentials(const struct stream *stream, uint32_t *uid, uint32_t *pid)
{
    const struct socket_stream *socket = (const struct socket_stream *)stream;
    struct ucred credentials;
    socklen_t len = sizeof credentials;
    uv_os_fd_t fd;
    if (socket->uv.any.type != UV_NAMED_PIPE) return ERR_UNSUPPORTED;
    if (uv_fileno(&socket->uv.any, &fd) < 0) return ERR_CLOSED;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &credentials, &len) < 0) return ERR_IO;
    *uid = credentials.uid;
    *pid = (uint32_t)credentials.pid;
    return ERR_OK;
}

static const struct stream_wire socket_wire = {
    .send = socket_send,
    .send_now = socket_send_now,
    .read = socket_read,
    .shut = socket_shut,
    .drop = socket_drop,
    .credentials = socket_credentials,
};

static struct socket_stream *socket_new(struct net *net, enum stream_state state,
                                        const struct address *peer)
{
    struct socket_stream *socket = calloc(1, sizeof *socket);
    ASSERT(socket != NULL);
    stream_init(&socket->stream, net, &socket_wire, state, peer);
    if (address_is_unix(peer)) {
        (void)uv_pipe_init(loop_uv(net->loop), &socket->uv.pipe, 0);
    } else {
        (void)uv_tcp_init(loop_uv(net->loop), &socket->uv.tcp);
        (void)uv_tcp_nodelay(&socket->uv.tcp, 1); /* remembered until there is a descriptor */
    }
    socket->uv.any.data = &socket->stream;
    return socket;
}

struct stream *socket_stream_new(struct net *net, int fd, const struct address *peer)
{
    struct socket_stream *socket = socket_new(net, STREAM_NEW, peer);
    int status = address_is_unix(peer) ? uv_pipe_open(&socket->uv.pipe, fd)
                                       : uv_tcp_open(&socket->uv.tcp, fd);
    if (status == 0) return &socket->stream;
    (void)close(fd);
    stream_close(&socket->stream);
    return NULL;
}

static void on_connected(uv_connect_t *request, int status)
{
    struct stream *stream = request->data;
    if (stream->state == STREAM_CLOSED) return;
    if (status < 0)
        stream_ended(stream, socket_err(status));
    else
        stream_opened(stream);
}

struct stream *socket_connect(struct net *net, const struct address *address)
{
    struct socket_stream *socket = socket_new(net, STREAM_CONNECTING, address);
    uv_connect_t *request = &socket->request.connect;
    request->data = &socket->stream;
    if (address_is_unix(address)) {
        uv_pipe_connect(request, &socket->uv.pipe, address->at.local.sun_path, on_connected);
        return &socket->stream;
    }
    int status = uv_tcp_connect(request, &socket->uv.tcp, &address->at.any, on_connected);
    if (status < 0) stream_end_later(&socket->stream, socket_err(status));
    return &socket->stream;
}
