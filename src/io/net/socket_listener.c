/* SPDX-License-Identifier: Apache-2.0 */
/* Listening sockets. We accept ourselves, told by uv_poll when to: libuv's own listener drops
 * everybody who waits when descriptors run out, ours lets them wait. */
#include "io/net/net_private.h"

#include <errno.h>
#include <limits.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <uv.h>

enum {
    BACKLOG_DEFAULT = 4096,
    ACCEPTS_PER_TURN_MAX = 64, /* so that a storm of arrivals does not starve those inside */
    REST_MS = 100,             /* without descriptors: until we try again */
};

struct socket_listener {
    struct listener listener; /* first: the upper half knows only this */
    uv_poll_t poll;
    int fd;
    struct scope *life; /* of `rest` */
    struct timer *rest;
    dev_t file_device; /* of the Unix socket's file: another may stand there later */
    ino_t file_number;
};

static struct socket_listener *socket_of(struct listener *listener)
{
    return (struct socket_listener *)listener;
}

static void on_readable(uv_poll_t *poll, int status, int events);

static void listen_on(struct listener *listener)
{
    struct socket_listener *socket = socket_of(listener);
    if (!timer_is_running(socket->rest))
        (void)uv_poll_start(&socket->poll, UV_READABLE, on_readable);
}

static void on_rested(void *self)
{
    struct listener *listener = self;
    if (!listener_is_full(listener)) listen_on(listener);
}

static void rest(struct socket_listener *socket)
{
    struct net *net = socket->listener.net;
    char place[ADDRESS_TEXT_BYTES];
    net->counters.accept_pauses++;
    (void)uv_poll_stop(&socket->poll);
    timer_start(socket->rest, REST_MS);
    if (net->on_pause == NULL) return;
    address_format(&socket->listener.address, place);
    net->on_pause(net->pause_self, place);
}

/* False: nobody else waits, or nobody else may come in now. */
static bool accept_one(struct socket_listener *socket)
{
    struct listener *listener = &socket->listener;
    struct address peer = { .len = sizeof peer.at };
    if (listener_is_full(listener)) {
        (void)uv_poll_stop(&socket->poll);
        return false;
    }
    int fd = accept4(socket->fd, &peer.at.any, &peer.len, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (fd >= 0) {
        peer.at.any.sa_family = listener->address.at.any.sa_family; /* unnamed Unix peers */
        struct stream *stream = socket_stream_new(listener->net, fd, &peer);
        if (stream) listener_hand_over(listener, stream);
        return true;
    }
    if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        rest(socket);
        return false;
    }
    return errno != EAGAIN && errno != EWOULDBLOCK; /* others: that peer went while it waited */
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    (void)status;
    (void)events;
    struct socket_listener *socket = poll->data; /* stays until uv has closed the poll */
    for (int i = 0; i < ACCEPTS_PER_TURN_MAX && !socket->listener.is_closed; i++)
        if (!accept_one(socket)) break;
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct socket_listener *socket = handle->data;
    listener_release(&socket->listener);
}

static void remove_file(const struct socket_listener *socket)
{
    struct stat file;
    const char *path = socket->listener.address.at.local.sun_path;
    if (lstat(path, &file) == 0 && file.st_dev == socket->file_device &&
        file.st_ino == socket->file_number)
        (void)unlink(path);
}

static void listener_drop(struct listener *listener)
{
    struct socket_listener *socket = socket_of(listener);
    scope_close(socket->life);
    uv_close((uv_handle_t *)&socket->poll, on_poll_closed);
    if (address_is_unix(&listener->address)) remove_file(socket);
    (void)close(socket->fd);
}

static const struct listener_wire socket_wire = { .resume = listen_on, .drop = listener_drop };

/* --- opening --- */

static enum err refuse(struct fault *fault, const char *deed, const struct address *address)
{
    char place[ADDRESS_TEXT_BYTES];
    int number = errno;
    address_format(address, place);
    return fault_set(fault, socket_err(-number), "address", "cannot %s %s%s%s: %s", deed, place,
                     address_is_unix(address) ? ":" : "",
                     address_is_unix(address) ? address->at.local.sun_path : "",
                     uv_strerror(-number));
}

/* A socket file that nobody answers at was left behind by a process that died. */
static void remove_dead_file(const struct address *address)
{
    struct stat file;
    const char *path = address->at.local.sun_path;
    if (lstat(path, &file) < 0 || !S_ISSOCK(file.st_mode)) return;
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return;
    if (connect(fd, &address->at.any, address->len) < 0 && errno == ECONNREFUSED)
        (void)unlink(path);
    (void)close(fd);
}

static void set_options(int fd, const struct address *address)
{
    int on = 1;
    if (address_is_unix(address)) {
        (void)fchmod(fd, 0600); /* before bind(2): the file is never open to others */
        return;
    }
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on); /* accepted ones inherit it */
    if (address->at.any.sa_family == AF_INET6)
        (void)setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on); /* [::] beside 0.0.0.0 */
}

static enum err open_socket(const struct address *address, const struct listener_options *options,
                            int *out, struct fault *fault)
{
    int fd = socket(address->at.any.sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return refuse(fault, "make a socket for", address);
    set_options(fd, address);
    if (address_is_unix(address) && options->take_over) remove_dead_file(address);
    enum err err = ERR_OK;
    int backlog = BACKLOG_DEFAULT;
    if (options->backlog) backlog = options->backlog < INT_MAX ? (int)options->backlog : INT_MAX;
    if (bind(fd, &address->at.any, address->len) < 0)
        err = refuse(fault, "bind", address);
    else if (listen(fd, backlog) < 0)
        err = refuse(fault, "listen at", address);
    if (err)
        (void)close(fd);
    else
        *out = fd;
    return err;
}

static void note_place(struct socket_listener *socket, const struct address *address)
{
    struct stat file;
    socket->listener.address = *address;
    if (address_is_unix(address)) {
        if (lstat(address->at.local.sun_path, &file) < 0) return;
        socket->file_device = file.st_dev;
        socket->file_number = file.st_ino;
        return;
    }
    struct address bound = { .len = sizeof bound.at };
    if (getsockname(socket->fd, &bound.at.any, &bound.len) == 0)
        socket->listener.address = bound; /* with the port that the system chose */
}

enum err socket_listen(struct net *net, const struct address *address,
                       const struct listener_options *options, struct listener **out,
                       struct fault *fault)
{
    int fd = -1;
    enum err err = open_socket(address, options, &fd, fault);
    if (err) return err;
    struct socket_listener *socket = calloc(1, sizeof *socket);
    ASSERT(socket != NULL);
    socket->fd = fd;
    note_place(socket, address);
    listener_init(&socket->listener, net, &socket_wire);
    ASSERT(uv_poll_init(loop_uv(net->loop), &socket->poll, fd) == 0);
    socket->poll.data = socket;
    socket->life = scope_new(NULL, "listener", SCOPE_NO_LIMIT);
    socket->rest = timer_new(socket->life, net->loop, on_rested, socket);
    listen_on(&socket->listener);
    *out = &socket->listener;
    return ERR_OK;
}
