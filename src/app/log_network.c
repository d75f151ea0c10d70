/* SPDX-License-Identifier: Apache-2.0 */
/* Whom an application tells, by its connections; the telling is log_sender.c. */
#include "app/log_network.h"

#include "app/log_sender.h"
#include "app/peer.h"
#include "app/private.h"
#include "gen/events.h"
#include "gen/objects.h"

struct log_network {
    struct scope *life, *peer_life;
    struct app *app;
    struct log quiet;
    struct log_sender *sender;
    struct peer *peer; /* NULL: nobody to tell */
    bool has_told_nowhere;
};

static bool is_of_type(const struct app *app, struct text name, const char *type)
{
    const struct app_object *object = app_object(app, &OBJECT_APPLICATION, name);
    const struct object_application *fields = object ? (const void *)object->fields : NULL;
    if (fields == NULL) return false;
    if (fields->type.len > 0) return text_eq(fields->type, text_of(type));
    const struct app_object *template = app_object(app, &OBJECT_APP_PROTOTYPE, fields->template);
    return template &&
           text_eq(((const struct object_app_prototype *)(const void *)template->fields)->type,
                   text_of(type));
}

static struct text choose_peer(const struct app *app)
{
    static const char *const types[] = { "MessageServer", "SCS" };
    const struct app_object *own = app_self(app);
    const struct object_application *fields = own ? (const void *)own->fields : NULL;
    for (size_t i = 0; fields && i < sizeof types / sizeof types[0]; i++)
        for (uint32_t k = 0; k < fields->connections.count; k++)
            if (is_of_type(app, fields->connections.at[k].server, types[i]))
                return fields->connections.at[k].server;
    return (struct text){ 0 };
}

static void on_up(void *self, struct link *link)
{
    struct log_network *network = self;
    (void)link;
    log_sender_on_up(network->sender);
}

static void forget_peer(void *self)
{
    struct log_network *network = self;
    network->peer_life = NULL;
    network->peer = NULL;
    log_sender_forget_link(network->sender);
}

static void use_peer(struct log_network *network, struct text name)
{
    static const struct link_handler handlers[] = { { 0 } };
    static const struct link_life life = { .on_up = on_up };
    if (network->peer && text_eq(peer_name(network->peer), name)) {
        peer_configure(network->peer);
        return;
    }
    scope_close(network->peer_life);
    if (name.len == 0) return;
    network->peer_life = scope_new(network->life, "log peer", SCOPE_NO_LIMIT);
    scope_on_close(network->peer_life, forget_peer, network);
    network->peer = peer_open_quiet(network->peer_life, network->app, name, &network->quiet,
                                    handlers, &life, network);
}

void log_network_configure(struct log_network *network, bool is_used)
{
    struct text name = is_used ? choose_peer(network->app) : (struct text){ 0 };
    bool is_nowhere = is_used && name.len == 0 && app_self(network->app) != NULL;
    log_sender_take(network->sender, name.len > 0);
    use_peer(network, name);
    if (is_nowhere && !network->has_told_nowhere) LOG_LOG_NETWORK_NOWHERE(&network->quiet);
    network->has_told_nowhere = is_nowhere;
}

void log_network_add(void *self, const struct log_record *record)
{
    log_sender_add(((struct log_network *)self)->sender, record);
}

enum err log_network_add_encoded(struct log_network *network, struct text bytes)
{
    return log_sender_add_encoded(network->sender, bytes);
}

bool log_network_is_sending(const struct log_network *network)
{
    return log_sender_is_sending(network->sender);
}

/* --- life ------------------------------------------------------------------------------------ */

static struct link *link_of(void *self)
{
    const struct log_network *network = self;
    return network->peer ? peer_link(network->peer) : NULL;
}

struct log_network *log_network_new(struct scope *owner, struct app *app, const struct log *log,
                                    struct text folder)
{
    struct scope *life = scope_new(owner, "log network", SCOPE_NO_LIMIT);
    struct log_network *network = scope_alloc(life, sizeof *network);
    *network = (struct log_network){ .life = life, .app = app, .quiet = *log };
    const struct log_sender_setup setup = { .loop = app->loop,
                                            .log = app->log,
                                            .quiet = *log,
                                            .folder = folder,
                                            .application = app->name,
                                            .host = app->host,
                                            .type = text_of(app->type->name),
                                            .pid = app->private->pid,
                                            .link = link_of,
                                            .self = network };
    network->sender = log_sender_new(life, &setup);
    return network;
}
