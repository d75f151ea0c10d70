/* SPDX-License-Identifier: Apache-2.0 */
/* The listening end. Peers that proved nothing yet wait in a ring of their own, short and bounded:
 * they never take the place of proven ones, and the oldest of them makes room. */
#include "io/link/private.h"

struct link_server {
    struct link_hub hub;
    struct listener *listener;
    void *self; /* for new links */
    struct list unproven, proven;
};

static const struct stream_handler stream_handler = {
    .on_bytes = link_on_bytes,
    .on_drained = link_on_drained,
    .on_closed = link_on_stream_closed,
};

static void make_room(struct link_server *server)
{
    uint32_t count = 0;
    LIST_EACH (node, &server->unproven) count++;
    if (count < LINK_UNPROVEN) return;
    struct link *oldest = LIST_OBJECT(list_first(&server->unproven), struct link, in_server);
    server->hub.counters.openings_refused++;
    list_remove(&oldest->in_server);
    link_fail(oldest, ERR_LIMIT);
}

static void on_stream(void *self, struct stream *stream)
{
    struct link_server *server = self;
    make_room(server);
    struct link *link = link_new(&server->hub, server, server->self);
    list_add_last(&server->unproven, &link->in_server);
    link->connection = scope_new(link->life, "connection", SCOPE_NO_LIMIT);
    link->stream = stream;
    stream_adopt(link->connection, stream, &stream_handler, link);
    buf_add(&link->address, stream_peer(stream));
    link_begin(link);
}

/* Who mends what is wrong gets in when everybody else is there. */
static bool is_tool(const struct link *link)
{
    return text_eq(link->peer, TEXT("tool")); /* its name is proven, its role is not */
}

enum err server_on_proven(struct link *link)
{
    struct link_server *server = link->server;
    uint32_t max = server->hub.options.links_max + (is_tool(link) ? LINK_TOOLS : 0);
    if (server->hub.counters.links_up >= max) return ERR_LIMIT;
    list_remove(&link->in_server);
    list_add_last(&server->proven, &link->in_server);
    return ERR_OK;
}

enum err link_listen(struct scope *owner, struct net *net, const struct log *log,
                     struct text address, const struct link_identity *identity,
                     const struct link_options *options, const struct link_handler *handlers,
                     const struct link_life *life, void *self, struct link_server **out,
                     struct fault *fault)
{
    struct scope *server_life = scope_new(owner, "link server", SCOPE_NO_LIMIT);
    struct link_server *server = scope_alloc(server_life, sizeof *server);
    hub_init(&server->hub, server_life, net, log, identity, options, handlers, life);
    server->self = self;
    list_init(&server->unproven);
    list_init(&server->proven);
    const struct listener_options listener_options = { .take_over = true };
    enum err err = listener_open(server_life, net, address, &listener_options, on_stream, server,
                                 &server->listener, fault);
    if (err) {
        scope_close(server_life);
        return err;
    }
    *out = server;
    return ERR_OK;
}

uint16_t link_server_port(const struct link_server *server)
{
    return listener_port(server->listener);
}

const struct link_counters *link_server_counters(const struct link_server *server)
{
    return &server->hub.counters;
}

struct link *link_server_next(const struct link_server *server, struct link *after)
{
    const struct list *node = after ? after->in_server.next : server->proven.next;
    for (; node != &server->proven; node = node->next) {
        struct link *link = LIST_OBJECT(node, struct link, in_server);
        if (link->state == LINK_UP) return link;
    }
    return NULL;
}

void link_server_stop_listening(struct link_server *server)
{
    if (server->listener) listener_close(server->listener);
    server->listener = NULL;
}
