/* SPDX-License-Identifier: Apache-2.0 */
/* What the weather does, drawn from the loop's seed. Nothing is drawn for a chance that is 0, so a
 * calm world is the same with and without this file. Start reading at weather_send(). */
#include "io/net/sim_private.h"

enum { MILLION = 1000000, SPLIT_PIECES_MAX = 4 };

/* --- chance --- */

struct random *weather_random(const struct sim_world *world)
{
    return loop_random(world->loop);
}

bool weather_strikes(const struct sim_world *world, uint32_t per_million)
{
    return per_million > 0 && random_below(weather_random(world), MILLION) < per_million;
}

uint64_t weather_span_ms(const struct sim_world *world, uint32_t limit_ms)
{
    return limit_ms ? random_below(weather_random(world), (uint64_t)limit_ms + 1) : 0;
}

const struct sim_net_weather *weather_of(const struct sim_stream *sim)
{
    static const struct sim_net_weather calm;
    if (sim->is_paired) return &calm;
    struct sim_rule *rule = rule_find(sim->world, &sim->link);
    if (rule && rule->has_weather) return &rule->weather;
    return address_is_unix(&sim->link) ? &sim->world->local : &sim->world->weather;
}

uint64_t weather_delay_ms(const struct sim_stream *to)
{
    const struct sim_net_weather *weather = weather_of(to);
    uint32_t spread_ms = weather->delay_max_ms - weather->delay_min_ms;
    uint64_t delay_ms = weather->delay_min_ms + weather_span_ms(to->world, spread_ms);
    if (!weather_strikes(to->world, weather->tail)) return delay_ms;
    to->world->counters.tails++;
    return delay_ms + weather_span_ms(to->world, weather->tail_max_ms);
}

/* --- connects --- */

void weather_connect(struct sim_stream *client)
{
    const struct sim_net_weather *weather = weather_of(client);
    struct sim_net_counters *counters = &client->world->counters;
    if (weather_strikes(client->world, weather->hang)) {
        counters->hangs++;
        return;
    }
    enum event_kind kind = EVENT_CONNECT;
    if (weather_strikes(client->world, weather->refuse)) {
        counters->refusals++;
        kind = EVENT_REFUSED;
    }
    event_post(client, kind, (struct buf){ 0 });
}

/* --- pieces --- */

static void begin_silence(struct sim_stream *to, const struct sim_net_weather *weather)
{
    struct sim_world *world = to->world;
    if (weather_strikes(world, weather->silence_for_ever)) {
        world->counters.deaf++;
        to->is_deaf = true;
        return;
    }
    world->counters.silences++;
    uint64_t until_ms = loop_now_mono_ms(world->loop) +
                        weather_span_ms(world, weather->silence_max_ms);
    if (to->arrival_mono_ms < until_ms) to->arrival_mono_ms = until_ms; /* order does the rest */
}

static void post_bytes(struct sim_stream *to, struct text bytes)
{
    struct buf copy = { 0 };
    buf_add(&copy, bytes);
    event_post(to, EVENT_BYTES, copy);
}

static bool join_last(struct sim_stream *to, struct text bytes)
{
    if (to->last == NULL || to->is_deaf || !weather_strikes(to->world, weather_of(to)->merge))
        return false;
    to->world->counters.merges++;
    buf_add(&to->last->bytes, bytes);
    return true;
}

static void post_split(struct sim_stream *to, struct text bytes)
{
    to->world->counters.splits++;
    for (int piece = 1; bytes.len > 1 && piece < SPLIT_PIECES_MAX; piece++) {
        size_t len = 1 + random_below(weather_random(to->world), bytes.len);
        post_bytes(to, text_slice(bytes, 0, len));
        bytes = text_slice(bytes, len, SIZE_MAX);
    }
    if (bytes.len > 0) post_bytes(to, bytes);
}

void weather_send(struct sim_stream *from, struct text bytes)
{
    struct sim_world *world = from->world;
    struct sim_stream *to = from->peer;
    const struct sim_net_weather *weather = weather_of(from);
    if (!to->is_deaf && weather_strikes(world, weather->silence)) begin_silence(to, weather);
    if (weather_strikes(world, weather->reset))
        event_post_aside(to, EVENT_RESET, weather_span_ms(world, weather->reset_max_ms));
    if (join_last(to, bytes)) return;
    if (bytes.len > 1 && weather_strikes(world, weather->split))
        post_split(to, bytes);
    else
        post_bytes(to, bytes);
}

/* --- ends --- */

void weather_reset(struct sim_stream *sim)
{
    struct sim_stream *peer = sim->peer;
    if (peer == NULL) return; /* its end is under way already */
    sim->world->counters.resets++;
    events_lose(sim);
    events_lose(peer);
    sim_part(sim);
    event_post(sim, EVENT_END, (struct buf){ 0 });
    event_post(peer, EVENT_END, (struct buf){ 0 });
}

void weather_close(struct sim_stream *sim)
{
    bool is_unread = sim->arrived.len > 0 || sim->last != NULL;
    if (!is_unread || !weather_strikes(sim->world, weather_of(sim)->close_reset)) return;
    sim->world->counters.close_resets++;
    events_lose(sim->peer);
}

/* --- the knobs --- */

static struct sim_rule *rule_get(struct net *net, struct text address)
{
    struct sim_world *world = net->world;
    struct address parsed;
    ASSERT(world != NULL && address_parse(address, &parsed, NULL) == ERR_OK);
    struct sim_rule *rule = rule_find(world, &parsed);
    if (rule) return rule;
    rule = scope_alloc(world->life, sizeof *rule);
    rule->address = parsed;
    rule->next = world->rules;
    world->rules = rule;
    return rule;
}

static void check(const struct sim_net_weather *weather)
{
    ASSERT(weather->delay_min_ms <= weather->delay_max_ms);
}

void sim_net_set_weather(struct net *net, const struct sim_net_weather *weather)
{
    struct sim_world *world = net->world;
    ASSERT(world != NULL);
    world->weather = weather ? *weather : (struct sim_net_weather){ 0 };
    check(&world->weather);
    world->local = (struct sim_net_weather){ .delay_min_ms = world->weather.delay_min_ms,
                                             .delay_max_ms = world->weather.delay_max_ms };
}

void sim_net_set_weather_at(struct net *net, struct text address,
                            const struct sim_net_weather *weather)
{
    struct sim_rule *rule = rule_get(net, address);
    rule->has_weather = weather != NULL;
    if (weather == NULL) return;
    check(weather);
    rule->weather = *weather;
}

void sim_net_delay(struct net *net, uint32_t min_ms, uint32_t max_ms)
{
    ASSERT(net->world != NULL);
    struct sim_net_weather weather = net->world->weather;
    weather.delay_min_ms = min_ms;
    weather.delay_max_ms = max_ms;
    sim_net_set_weather(net, &weather);
}

void sim_net_refuse(struct net *net, struct text address, bool is_on)
{
    rule_get(net, address)->is_refusing = is_on;
}

void sim_net_cut(struct net *net, struct text address, bool is_on)
{
    rule_get(net, address)->is_cut = is_on;
    sim_world_arm(net->world);
}

void sim_net_break(struct net *net, struct text address)
{
    struct sim_rule *rule = rule_get(net, address);
    LIST_EACH (node, &net->world->streams) {
        struct sim_stream *sim = LIST_OBJECT(node, struct sim_stream, node);
        if (address_eq(&sim->link, &rule->address)) stream_end_later(&sim->stream, ERR_CLOSED);
    }
}

/* `worst`, or less, or nothing. */
static uint32_t some(struct random *random, uint32_t worst)
{
    if (random_below(random, 2) == 0) return 0;
    return (uint32_t)random_below(random, worst) + 1;
}

struct sim_net_weather sim_net_weather_any(struct random *random)
{
    struct sim_net_weather any = { .tail_max_ms = 20 * 1000, .silence_max_ms = 120 * 1000 };
    any.delay_max_ms = some(random, 200); /* one by one: in an initializer any may come first */
    any.tail = some(random, MILLION / 20);
    any.split = some(random, MILLION);
    any.merge = some(random, MILLION / 2);
    any.refuse = some(random, MILLION / 4);
    any.hang = some(random, MILLION / 10);
    any.silence = some(random, MILLION / 50);
    any.silence_for_ever = some(random, MILLION);
    any.reset = some(random, MILLION / 20);
    any.reset_max_ms = some(random, 300);
    any.close_reset = some(random, MILLION);
    any.repeat = some(random, MILLION / 4);
    any.repeat_max_ms = some(random, 30 * 1000);
    return any;
}

/* --- what it did --- */

const struct sim_net_counters *sim_net_counters(const struct net *net)
{
    ASSERT(net->world != NULL);
    return &net->world->counters;
}

static void tell_one(struct buf *out, size_t start, uint64_t count, const char *name)
{
    if (count == 0) return;
    if (out->len > start) buf_add_z(out, ", ");
    buf_add_u64(out, count);
    buf_add_byte(out, ' ');
    for (; *name; name++) buf_add_byte(out, *name == '_' ? ' ' : *name);
}

void sim_net_tell(const struct net *net, struct buf *out)
{
    const struct sim_net_counters *counters = sim_net_counters(net);
    size_t start = out->len;
#define X(name) tell_one(out, start, counters->name, #name);
    SIM_NET_COUNTERS(X)
#undef X
    if (out->len == start) buf_add_z(out, "calm");
}
