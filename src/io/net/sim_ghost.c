/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes that arrive twice. A ghost is a client of the world's own: after its delay it connects,
 * says what it was given, hears nothing, and ends by itself. A proxy's repeat is a ghost too, or
 * the client is taken from the server's end it had to a new one. Start reading at ghost_send(). */
#include "io/net/sim_private.h"

enum {
    SAID_BYTES_MAX = 256 * 1024, /* of a connection; a longer one has no ghost */
    REQUEST_BYTES_MAX = 64 * 1024,
    LINGER_MS_MAX = 10 * 1000, /* after its last word, and after the original has gone */
};

struct sim_ghost {
    struct scope *life;
    struct sim_world *world;
    struct sim_stream *original; /* whose words it still repeats; NULL: none */
    struct address link;
    struct buf said;
    struct timer *timer;   /* until it comes; then until it goes */
    struct stream *stream; /* NULL: it has not come yet */
};

/* --- ghosts --- */

static void hear_nothing(void *self, struct text bytes)
{
    (void)self, (void)bytes;
}

static void on_ghost_closed(void *self, enum err why)
{
    (void)why;
    scope_close(((struct sim_ghost *)self)->life);
}

static const struct stream_handler ghost_handler = { .on_bytes = hear_nothing,
                                                     .on_closed = on_ghost_closed };

static void ghost_say(struct sim_ghost *ghost, struct text bytes)
{
    stream_write(ghost->stream, bytes);
    timer_start(ghost->timer, 1 + weather_span_ms(ghost->world, LINGER_MS_MAX));
}

static void on_ghost_time(void *self)
{
    struct sim_ghost *ghost = self;
    if (ghost->stream) {
        if (ghost->original)
            ghost_say(ghost, (struct text){ 0 });
        else
            scope_close(ghost->life);
        return;
    }
    ghost->stream = sim_connect(ghost->world->ghosts, &ghost->link);
    sim_of(ghost->stream)->is_ghost = true;
    stream_own(ghost->life, ghost->stream, &ghost_handler, ghost);
    ghost_say(ghost, buf_text(&ghost->said));
    buf_free(&ghost->said);
}

static void ghost_forget(void *self)
{
    struct sim_ghost *ghost = self;
    if (ghost->original) ghost->original->twin = NULL;
    buf_free(&ghost->said);
}

static struct sim_ghost *ghost_new(struct sim_stream *client, uint32_t delay_max_ms)
{
    struct sim_world *world = client->world;
    if (world->ghosts == NULL) {
        world->ghost_life = scope_new(world->life, "ghosts", SCOPE_NO_LIMIT);
        world->ghosts = net_new(world->ghost_life, world->loop);
    }
    struct scope *life = scope_new(world->ghost_life, "ghost", SCOPE_NO_LIMIT);
    struct sim_ghost *ghost = scope_alloc(life, sizeof *ghost);
    *ghost = (struct sim_ghost){ .life = life, .world = world, .link = client->link };
    ghost->timer = timer_new(life, world->loop, on_ghost_time, ghost);
    scope_on_close(life, ghost_forget, ghost);
    timer_start(ghost->timer, weather_span_ms(world, delay_max_ms));
    return ghost;
}

void ghost_connect(struct sim_stream *client)
{
    const struct sim_net_weather *weather = weather_of(client);
    if (client->is_ghost || !weather_strikes(client->world, weather->ghost)) return;
    client->world->counters.ghosts++;
    client->twin = ghost_new(client, weather->ghost_max_ms);
    client->twin->original = client;
}

static void twin_hear(struct sim_stream *client, struct text bytes)
{
    struct sim_ghost *twin = client->twin;
    if (twin->stream)
        ghost_say(twin, bytes);
    else if (twin->said.len + bytes.len <= SAID_BYTES_MAX)
        buf_add(&twin->said, bytes);
    else
        scope_close(twin->life);
}

/* --- a proxy's repeats --- */

static bool holds_fold(struct text in, struct text word)
{
    for (size_t at = 0; at + word.len <= in.len; at++)
        if (text_eq_fold(text_slice(in, at, word.len), word)) return true;
    return false;
}

/* "POST /path ...", and it does not ask to leave HTTP. */
static bool is_request(struct text bytes)
{
    struct text method, rest;
    if (!text_cut(text_slice(bytes, 0, REQUEST_BYTES_MAX), ' ', &method, &rest)) return false;
    for (size_t i = 0; i < method.len; i++)
        if (method.at[i] < 'A' || method.at[i] > 'Z') return false;
    return method.len >= 3 && text_starts(rest, TEXT("/")) && !holds_fold(rest, TEXT("upgrade:"));
}

static void request_drop(struct sim_stream *client)
{
    client->is_in_request = false;
    buf_free(&client->request);
}

static void request_record(struct sim_stream *client, struct text bytes)
{
    if (client->request.len + bytes.len > REQUEST_BYTES_MAX)
        request_drop(client);
    else
        buf_add(&client->request, bytes);
}

static void request_begin(struct sim_stream *client, struct text bytes)
{
    const struct sim_net_weather *weather = weather_of(client);
    if (client->is_ghost || weather->repeat == 0 || client->request.len > 0) return;
    if (!is_request(bytes) || !weather_strikes(client->world, weather->repeat)) return;
    client->is_in_request = true;
    request_record(client, bytes);
    event_post_aside(client, EVENT_REPEAT, weather_span_ms(client->world, weather->repeat_max_ms));
}

/* Its answer goes nowhere. */
static void request_haunt(struct sim_stream *client, uint32_t delay_max_ms)
{
    struct sim_ghost *ghost = ghost_new(client, delay_max_ms);
    client->world->counters.repeats++;
    buf_add(&ghost->said, buf_text(&client->request));
    request_drop(client);
}

/* The proxy gives its connection up and asks on another; the client does not notice. */
static void request_move(struct sim_stream *client)
{
    struct buf said = client->request;
    struct sim_stream *before = client->peer;
    client->request = (struct buf){ 0 };
    client->is_in_request = false;
    before->stream.holders++; /* a listener may close it to make room for the next */
    if (sim_meet(client, said)) {
        client->world->counters.repeats++;
        events_lose(before);
        event_post(before, EVENT_END, (struct buf){ 0 });
    }
    stream_release(&before->stream);
}

void ghost_repeat(struct sim_stream *client)
{
    if (client->request.len == 0) return;
    bool is_moved = random_below(weather_random(client->world), 2) == 0;
    if (is_moved && client->is_in_request && client->peer && client->stream.state == STREAM_OPEN)
        request_move(client);
    else
        request_haunt(client, 0);
}

/* --- what the original does --- */

void ghost_send(struct sim_stream *client, struct text bytes)
{
    if (!client->is_client) return;
    if (client->twin) twin_hear(client, bytes);
    if (client->is_in_request)
        request_record(client, bytes);
    else
        request_begin(client, bytes);
}

void ghost_hear(struct sim_stream *client)
{
    client->is_in_request = false;
}

void ghost_leave(struct sim_stream *client)
{
    if (client->twin) client->twin->original = NULL;
    client->twin = NULL;
    if (client->request.len > 0) request_haunt(client, weather_of(client)->repeat_max_ms);
}
