/* SPDX-License-Identifier: Apache-2.0 */
#include "app/peer.h"

#include "app/private.h"
#include "gen/messages.h"
#include "gen/objects.h"

#include <string.h>

enum { KEY_ASK_MS = 5000, KEY_RETRY_MS = 200, KEY_BYTES = 32 };

/* A question to the supervisor, which may outlive its peer. */
struct key_ask {
    struct peer *peer; /* NULL: it is gone */
};

struct peer {
    struct scope *owner;
    struct app *app;
    struct text name;
    struct log log;
    const struct link_handler *handlers;
    const struct link_life *life;
    void *self;
    struct link *link;
    struct key_ask *ask;
    struct timer *retry_timer;
    struct link_identity identity;
    uint8_t key[KEY_BYTES];
};

static const struct object_application_connection *connection_of(const struct peer *peer)
{
    const struct app_object *self = app_self(peer->app);
    const struct object_application *fields = self ? (const void *)self->fields : NULL;
    for (uint32_t i = 0; fields && i < fields->connections.count; i++)
        if (text_eq(fields->connections.at[i].server, peer->name))
            return &fields->connections.at[i];
    return NULL;
}

static struct text address_of(const struct peer *peer)
{
    const struct object_application_connection *connection = connection_of(peer);
    struct text port = connection && connection->port_id.len ? connection->port_id
                                                             : TEXT("default");
    return app_port_address(peer->app, peer->name, port);
}

static struct link_options options_of(const struct peer *peer)
{
    const struct object_application_connection *connection = connection_of(peer);
    const struct app_object *self = app_self(peer->app);
    const struct object_application *fields = self ? (const void *)self->fields : NULL;
    uint32_t reconnect_s = fields && fields->reconnect_timeout
                               ? fields->reconnect_timeout
                               : settings_common(peer->app)->common_reconnect_timeout;
    struct link_options options = { .reconnect_ms = reconnect_s * 1000ull };
    if (connection && text_eq(connection->protocol, TEXT("addp"))) {
        options.addp_local_ms = connection->local_timeout * 1000ull;
        options.addp_remote_ms = connection->remote_timeout * 1000ull;
        bool both = text_eq(connection->trace, TEXT("both"));
        options.addp_trace_local = both || text_eq(connection->trace, TEXT("local"));
        options.addp_trace_remote = both || text_eq(connection->trace, TEXT("remote"));
    }
    return options;
}

static void connect_now(struct peer *peer)
{
    struct link_options options = options_of(peer);
    peer->link = link_connect(peer->owner, peer->app->net, &peer->log, address_of(peer), peer->name,
                              &peer->identity, &options, peer->handlers, peer->life, peer->self);
}

static void on_key(void *self, const struct link_error *error, const void *fields)
{
    const struct supervisor_peer_key_given *given = fields;
    struct peer *peer = ((struct key_ask *)self)->peer;
    if (peer == NULL) return;
    if (error || given->key.len != sizeof peer->key) {
        timer_start(peer->retry_timer, KEY_RETRY_MS);
        return;
    }
    memcpy(peer->key, given->key.at, sizeof peer->key);
    peer->identity.own_key = peer->app->identity.secret;
    peer->identity.secret = (struct text){ (const char *)peer->key, sizeof peer->key };
    connect_now(peer);
}

static void ask_key(void *self)
{
    struct peer *peer = self;
    struct supervisor_peer_key asked = { .head.has = SUPERVISOR_PEER_KEY_HAS_PEER,
                                         .peer = peer->name };
    link_ask(control_link(peer->app->private->control), &MSG_SUPERVISOR_PEER_KEY, &asked, NULL,
             KEY_ASK_MS, on_key, peer->ask);
}

static void forget(void *self)
{
    struct peer *peer = self;
    peer->ask->peer = NULL;
    explicit_bzero(peer->key, sizeof peer->key);
}

struct peer *peer_open(struct scope *owner, struct app *app, struct text name,
                       const struct link_handler *handlers, const struct link_life *life,
                       void *self)
{
    return peer_open_quiet(owner, app, name, &app->log, handlers, life, self);
}

struct peer *peer_open_quiet(struct scope *owner, struct app *app, struct text name,
                             const struct log *log, const struct link_handler *handlers,
                             const struct link_life *life, void *self)
{
    struct peer *peer = scope_alloc(owner, sizeof *peer);
    *peer = (struct peer){
        .owner = owner,
        .app = app,
        .name = scope_keep(owner, name),
        .log = *log,
        .handlers = handlers,
        .life = life,
        .self = self,
        .ask = scope_alloc(app->life, sizeof *peer->ask),
        .retry_timer = timer_new(owner, app->loop, ask_key, peer),
        .identity = app->identity,
    };
    peer->ask->peer = peer;
    scope_on_close(owner, forget, peer);
    /* Who holds the master secret (config) derives each key, and is given none. */
    bool has_key = app->private->control == NULL || app->identity.secret_is_master ||
                   text_eq(name, app->private->birth.config_application);
    if (has_key)
        connect_now(peer);
    else
        ask_key(peer);
    return peer;
}

struct text peer_name(const struct peer *peer)
{
    return peer->name;
}

bool peer_is_up(const struct peer *peer)
{
    return peer->link && link_is_up(peer->link);
}

struct link *peer_link(const struct peer *peer)
{
    return peer->link;
}

void peer_configure(struct peer *peer)
{
    if (peer->link == NULL) return;
    struct link_options options = options_of(peer);
    link_set_address(peer->link, address_of(peer));
    link_set_options(peer->link, &options);
}
