/* SPDX-License-Identifier: Apache-2.0 */
/* The connecting end: tries at once, then after pauses that double up to the option's, each with a
 * fifth of jitter, so that a thousand clients of a restarted server do not come in one moment. */
#include "io/link/private.h"

static void on_open(void *self)
{
    struct link *link = self;
    if (link->state == LINK_CONNECTING) link_begin(link);
}

static const struct stream_handler stream_handler = {
    .on_open = on_open,
    .on_bytes = link_on_bytes,
    .on_drained = link_on_drained,
    .on_closed = link_on_stream_closed,
};

void connect_now(struct link *link)
{
    struct link_hub *hub = link->hub;
    if (link->options_next) {
        hub_set_options(hub, link->options_next);
        link->options_next = NULL;
    }
    link->state = LINK_CONNECTING;
    link->connection = scope_new(link->life, "connection", SCOPE_NO_LIMIT);
    link->stream =
        stream_connect(link->connection, hub->net, buf_text(&link->address), &stream_handler, link);
    timer_start(link->timer, LINK_OPENING_MS);
}

static uint64_t next_pause_ms(struct link *link)
{
    uint64_t longest_ms = link->hub->options.reconnect_ms;
    uint64_t pause_ms = link->back_off_ms ? link->back_off_ms * 2 : LINK_BACK_OFF_FIRST_MS;
    if (pause_ms > longest_ms) pause_ms = longest_ms;
    link->back_off_ms = pause_ms;
    uint64_t jitter_ms = pause_ms / 5;
    return pause_ms - jitter_ms + random_below(loop_random(link->hub->loop), 2 * jitter_ms + 1);
}

void connect_rest(struct link *link)
{
    link->state = LINK_RESTING;
    timer_start(link->timer, next_pause_ms(link));
}

struct link *link_connect(struct scope *owner, struct net *net, const struct log *log,
                          struct text address, struct text peer,
                          const struct link_identity *identity, const struct link_options *options,
                          const struct link_handler *handlers, const struct link_life *life,
                          void *self)
{
    struct scope *hub_life = scope_new(owner, "link door", SCOPE_NO_LIMIT);
    struct link_hub *hub = scope_alloc(hub_life, sizeof *hub);
    hub_init(hub, hub_life, net, log, identity, options, handlers, life);
    struct link *link = link_new(hub, NULL, self);
    buf_add(&link->address, address);
    link->expected_peer = scope_keep(link->life, peer);
    connect_now(link);
    return link;
}

void link_set_address(struct link *link, struct text address)
{
    ASSERT(link->server == NULL);
    buf_clear(&link->address);
    buf_add(&link->address, address);
}

void link_set_options(struct link *link, const struct link_options *options)
{
    ASSERT(link->server == NULL);
    link->options_kept = *options;
    link->options_next = &link->options_kept;
}
