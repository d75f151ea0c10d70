/* SPDX-License-Identifier: Apache-2.0 */
/* The wire of a simulated world. All that is under way stands in one list of events, sorted by the
 * millisecond of its arrival; one timer carries the first of them out. An event that is cut off, or
 * that asks a full listener, stays where it is until the obstacle goes. Start reading at
 * event_run(). */
#include "io/net/sim_private.h"

#include <stdlib.h>

enum {
    WINDOW_BYTES = 256 * 1024, /* under way or unread, per direction: what a kernel would hold */
    FIRST_FREE_PORT = 40000,
};

struct sim_listener {
    struct listener listener; /* first: the upper half knows only this */
    struct list node;
    struct sim_world *world;
};

/* --- what stands in the way --- */

struct sim_rule *rule_find(struct sim_world *world, const struct address *address)
{
    for (struct sim_rule *rule = world->rules; rule; rule = rule->next)
        if (address_eq(&rule->address, address)) return rule;
    return NULL;
}

static struct sim_listener *sim_listener_find(struct sim_world *world, const struct address *to)
{
    struct sim_rule *rule = rule_find(world, to);
    if (rule && rule->is_refusing) return NULL;
    LIST_EACH (node, &world->listeners) {
        struct sim_listener *listener = LIST_OBJECT(node, struct sim_listener, node);
        if (address_reaches(to, &listener->listener.address)) return listener;
    }
    return NULL;
}

static bool event_is_held(struct sim_world *world, const struct sim_event *event)
{
    if (event->to->is_paired) return false;
    struct sim_rule *rule = rule_find(world, &event->to->link);
    if (rule && rule->is_cut) return true;
    if (event->kind != EVENT_CONNECT) return false;
    struct sim_listener *listener = sim_listener_find(world, &event->to->link);
    return listener && listener_is_full(&listener->listener);
}

/* --- events --- */

static struct sim_event *event_first(struct sim_world *world)
{
    LIST_EACH (node, &world->events) {
        struct sim_event *event = LIST_OBJECT(node, struct sim_event, node);
        if (!event_is_held(world, event)) return event;
    }
    return NULL;
}

void sim_world_arm(struct sim_world *world)
{
    struct sim_event *first = event_first(world);
    if (first)
        timer_start_at(world->timer, first->due_mono_ms);
    else
        timer_stop(world->timer);
}

static void event_insert(struct sim_world *world, struct sim_event *event)
{
    struct list *after = world->events.prev; /* nearly always the right place */
    while (after != &world->events &&
           LIST_OBJECT(after, struct sim_event, node)->due_mono_ms > event->due_mono_ms)
        after = after->prev;
    list_add_last(after->next, &event->node);
}

/* Takes `bytes`. */
static struct sim_event *event_new(struct sim_stream *to, enum event_kind kind,
                                   uint64_t due_mono_ms, struct buf bytes)
{
    struct sim_world *world = to->world;
    struct sim_event *event = calloc(1, sizeof *event);
    ASSERT(event != NULL);
    *event = (struct sim_event){
        .kind = kind, .due_mono_ms = due_mono_ms, .order = world->order++, .to = to, .bytes = bytes
    };
    to->stream.holders++;
    event_insert(world, event);
    sim_world_arm(world);
    return event;
}

void event_post(struct sim_stream *to, enum event_kind kind, struct buf bytes)
{
    struct sim_world *world = to->world;
    if (to->is_deaf) {
        world->counters.lost_bytes += bytes.len;
        buf_free(&bytes);
        return;
    }
    uint64_t due = loop_now_mono_ms(world->loop) + weather_delay_ms(to);
    if (due < to->arrival_mono_ms) due = to->arrival_mono_ms;
    to->arrival_mono_ms = due;
    struct sim_event *event = event_new(to, kind, due, bytes);
    to->last = kind == EVENT_BYTES ? event : NULL;
}

void event_post_aside(struct sim_stream *to, enum event_kind kind, uint64_t in_ms)
{
    (void)event_new(to, kind, loop_now_mono_ms(to->world->loop) + in_ms, (struct buf){ 0 });
}

static void event_free(struct sim_event *event)
{
    list_remove(&event->node);
    if (event->to->last == event) event->to->last = NULL;
    buf_free(&event->bytes);
    stream_release(&event->to->stream);
    free(event);
}

void events_lose(struct sim_stream *to)
{
    struct sim_world *world = to->world;
    struct list *node = world->events.next;
    while (node != &world->events) {
        struct sim_event *event = LIST_OBJECT(node, struct sim_event, node);
        node = node->next;
        if (event->to != to || event->kind != EVENT_BYTES) continue;
        world->counters.lost_bytes += event->bytes.len;
        event_free(event);
    }
}

static void bytes_hand_up(struct sim_stream *to, struct text bytes)
{
    struct sim_stream *from = to->peer;
    if (from) {
        from->unread_bytes -= bytes.len;
        if (from->stream.out.len > 0) chore_last(from->world->loop, &from->stream.flush);
    }
    stream_received(&to->stream, bytes);
}

static struct sim_stream *sim_stream_new(struct net *net, enum stream_state state,
                                         const struct address *peer, const struct address *link);

static uint16_t port_take(struct sim_world *world)
{
    world->last_port = world->last_port == UINT16_MAX ? FIRST_FREE_PORT : world->last_port + 1;
    return world->last_port;
}

void sim_part(struct sim_stream *sim)
{
    if (sim->peer) sim->peer->peer = NULL;
    sim->peer = NULL;
}

bool sim_meet(struct sim_stream *client, struct buf said)
{
    struct sim_listener *listener = sim_listener_find(client->world, &client->link);
    if (listener == NULL || listener_is_full(&listener->listener)) {
        buf_free(&said);
        return false;
    }
    struct address peer = client->link;
    if (!address_is_unix(&peer)) address_set_port(&peer, port_take(client->world));
    struct sim_stream *server =
        sim_stream_new(listener->listener.net, STREAM_NEW, &peer, &client->link);
    events_lose(client); /* of a former peer */
    sim_part(client);
    server->peer = client;
    client->peer = server;
    client->unread_bytes = said.len;
    if (client->stream.state == STREAM_CONNECTING)
        event_post(client, EVENT_OPENED, (struct buf){ 0 });
    if (said.len > 0) event_post(server, EVENT_BYTES, said);
    listener_hand_over(&listener->listener, &server->stream);
    return true;
}

static void connect_run(struct sim_stream *client)
{
    if (!sim_meet(client, (struct buf){ 0 })) {
        stream_ended(&client->stream, ERR_REFUSED);
        return;
    }
    ghost_connect(client);
}

static void bytes_run(struct sim_stream *to, struct buf *bytes)
{
    if (to->is_client) ghost_hear(to);
    if (to->is_reading && to->arrived.len == 0)
        bytes_hand_up(to, buf_text(bytes));
    else
        buf_add(&to->arrived, buf_text(bytes)); /* catch_up() keeps the order */
}

static void event_run(struct sim_event *event)
{
    struct sim_stream *to = event->to;
    if (to->stream.state == STREAM_CLOSED) return;
    switch (event->kind) {
    case EVENT_CONNECT: connect_run(to); break;
    case EVENT_REFUSED: stream_ended(&to->stream, ERR_REFUSED); break;
    case EVENT_OPENED: stream_opened(&to->stream); break;
    case EVENT_BYTES: bytes_run(to, &event->bytes); break;
    case EVENT_END:
        to->has_arrived_end = true;
        if (to->is_reading && to->arrived.len == 0) stream_ended(&to->stream, ERR_CLOSED);
        break;
    case EVENT_RESET: weather_reset(to); break;
    case EVENT_REPEAT: ghost_repeat(to); break;
    }
}

static void on_event_due(void *self)
{
    struct sim_world *world = self;
    uint64_t now = loop_now_mono_ms(world->loop), order_end = world->order;
    struct sim_event *event;
    /* What they cause waits for a later turn, as with a kernel between. */
    while ((event = event_first(world)) != NULL && event->due_mono_ms <= now &&
           event->order < order_end) {
        list_remove(&event->node);
        if (event->to->last == event) event->to->last = NULL; /* nothing joins it any more */
        event_run(event);
        event_free(event);
    }
    sim_world_arm(world);
}

/* --- the wire of a stream --- */

static void catch_up(void *self)
{
    struct sim_stream *sim = self;
    if (!sim->is_reading) return;
    struct buf arrived = sim->arrived;
    sim->arrived = (struct buf){ 0 };
    sim->stream.holders++;
    if (arrived.len > 0) bytes_hand_up(sim, buf_text(&arrived));
    if (sim->has_arrived_end && sim->is_reading) stream_ended(&sim->stream, ERR_CLOSED);
    stream_release(&sim->stream);
    buf_free(&arrived);
}

static void sim_read(struct stream *stream, bool on)
{
    struct sim_stream *sim = sim_of(stream);
    sim->is_reading = on;
    if (on && (sim->arrived.len > 0 || sim->has_arrived_end))
        chore_soon(sim->world->loop, &sim->catch_up);
}

/* Who writes to an end that is gone hears of it only when the news arrive: until then the kernel
 * takes what fits. */
static void sim_send(struct stream *stream)
{
    struct sim_stream *sim = sim_of(stream);
    if (sim->peer == NULL && sim->has_arrived_end) {
        stream_send_failed(stream);
        return;
    }
    struct text now = text_slice(buf_text(&stream->out), 0, WINDOW_BYTES - sim->unread_bytes);
    if (now.len == 0) return;
    sim->unread_bytes += now.len;
    stream->net->counters.writes++;
    stream->net->counters.bytes_out += now.len;
    ghost_send(sim, now);
    if (sim->peer) weather_send(sim, now);
    buf_drop_front(&stream->out, now.len);
}

static void sim_shut(struct stream *stream)
{
    struct sim_stream *sim = sim_of(stream);
    if (sim->peer && !sim->has_sent_end) event_post(sim->peer, EVENT_END, (struct buf){ 0 });
    sim->has_sent_end = true;
}

static void sim_drop(struct stream *stream)
{
    struct sim_stream *sim = sim_of(stream);
    if (sim->peer) weather_close(sim);
    sim_shut(stream);
    sim_part(sim);
    ghost_leave(sim);
    sim->is_reading = false;
    chore_cancel(&sim->catch_up);
    buf_free(&sim->arrived);
    list_remove(&sim->node);
    stream_release(stream);
}

static enum err sim_credentials(const struct stream *stream, uint32_t *uid, uint32_t *pid)
{
    (void)stream;
    (void)uid;
    (void)pid;
    return ERR_UNSUPPORTED;
}

static const struct stream_wire sim_wire = {
    .send = sim_send,
    .read = sim_read,
    .shut = sim_shut,
    .drop = sim_drop,
    .credentials = sim_credentials,
};

static struct sim_stream *sim_stream_new(struct net *net, enum stream_state state,
                                         const struct address *peer, const struct address *link)
{
    struct sim_stream *sim = calloc(1, sizeof *sim);
    ASSERT(sim != NULL);
    stream_init(&sim->stream, net, &sim_wire, state, peer);
    sim->world = net->world;
    sim->link = *link;
    sim->catch_up = (struct chore){ .run = catch_up, .self = sim };
    list_add_last(&sim->world->streams, &sim->node);
    return sim;
}

struct stream *sim_connect(struct net *net, const struct address *address)
{
    struct sim_stream *client = sim_stream_new(net, STREAM_CONNECTING, address, address);
    client->is_client = true;
    weather_connect(client);
    return &client->stream;
}

static struct sim_stream *end_new(const struct sim_net_end *end)
{
    struct address none = { 0 };
    none.at.any.sa_family = AF_UNIX;
    struct sim_stream *sim = sim_stream_new(end->net, STREAM_NEW, &none, &none);
    sim->is_paired = true;
    return sim;
}

void sim_net_pair(const struct sim_net_end *a, const struct sim_net_end *b, struct stream **out_a,
                  struct stream **out_b)
{
    ASSERT(a->net->world != NULL && a->net->world == b->net->world);
    struct sim_stream *one = end_new(a), *other = end_new(b);
    one->peer = other;
    other->peer = one;
    *out_a = &one->stream;
    *out_b = &other->stream;
    stream_adopt(a->owner, &one->stream, a->handler, a->self);
    stream_adopt(b->owner, &other->stream, b->handler, b->self);
}

/* --- listeners --- */

static void sim_listener_resume(struct listener *listener)
{
    sim_world_arm(((struct sim_listener *)listener)->world);
}

static void sim_listener_drop(struct listener *listener)
{
    struct sim_listener *sim = (struct sim_listener *)listener;
    list_remove(&sim->node);
    sim_world_arm(sim->world); /* who waited for room hears "refused" */
    listener_release(listener);
}

static const struct listener_wire sim_listener_wire = { .resume = sim_listener_resume,
                                                        .drop = sim_listener_drop };

enum err sim_listen(struct net *net, const struct address *address, struct listener **out,
                    struct fault *fault)
{
    struct sim_world *world = net->world;
    struct address at = *address;
    if (!address_is_unix(&at) && address_port(&at) == 0) address_set_port(&at, port_take(world));
    LIST_EACH (node, &world->listeners) {
        if (address_eq(&at, &LIST_OBJECT(node, struct sim_listener, node)->listener.address))
            return fault_set(fault, ERR_EXISTS, "address", "somebody listens there already");
    }
    struct sim_listener *sim = calloc(1, sizeof *sim);
    ASSERT(sim != NULL);
    listener_init(&sim->listener, net, &sim_listener_wire);
    sim->listener.address = at;
    sim->world = world;
    list_add_last(&world->listeners, &sim->node);
    *out = &sim->listener;
    return ERR_OK;
}

/* --- the world --- */

static void world_drop(void *self)
{
    struct sim_world *world = self;
    scope_close(world->ghost_life);
    struct list *node = world->events.next;
    while (node != &world->events) {
        struct sim_event *event = LIST_OBJECT(node, struct sim_event, node);
        node = node->next;
        event_free(event);
    }
    scope_close(world->life);
}

struct sim_world *sim_world_get(struct loop *loop)
{
    struct sim_world *world = loop_world(loop, LOOP_WORLD_NET);
    if (world) return world;
    struct scope *life = scope_new(NULL, "sim net", SCOPE_NO_LIMIT);
    world = scope_alloc(life, sizeof *world);
    world->life = life;
    world->loop = loop;
    world->last_port = FIRST_FREE_PORT;
    world->timer = timer_new(life, loop, on_event_due, world);
    list_init(&world->events);
    list_init(&world->listeners);
    list_init(&world->streams);
    loop_set_world(loop, LOOP_WORLD_NET, world, world_drop);
    return world;
}
