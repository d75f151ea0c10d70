/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/web/rest_stream.h"

enum { BEAT_MS = 15000 };

/* --- life ----------------------------------------------------------------------------------- */

static void forget(struct rest_stream *stream)
{
    struct web *web = stream->web;
    slot_remove(web->stream_ids, stream->slot);
    list_remove(&stream->node);
    scope_close(stream->life);
}

static void on_close(void *self)
{
    forget(self);
}

static void end(struct rest_stream *stream)
{
    event_stream_close(stream->out);
    forget(stream);
}

static void on_timer(void *self)
{
    struct rest_stream *stream = self;
    stream->kind->on_timer(stream);
}

static uint32_t count_of(const struct web *web, const struct person *person, uint32_t *all)
{
    uint32_t own = 0;
    *all = 0;
    LIST_EACH (node, &web->streams) {
        const struct rest_stream *stream = LIST_OBJECT(node, struct rest_stream, node);
        own += stream->session->person == person;
        (*all)++;
    }
    return own;
}

/* False: answered. */
static bool is_room(struct rest_call *call)
{
    const struct web_options *options = options_of(call->web);
    uint32_t all, own = count_of(call->web, call->session->person, &all);
    if (own >= options->streams_per_person)
        rest_refuse(call, 429, "TooManyRequests", TEXT(""), TEXT("too many streams of one person"));
    else if (all >= options->max_streams)
        rest_refuse(call, 503, "Unavailable", TEXT(""), TEXT("too many streams"));
    else
        return true;
    return false;
}

void rest_stream_open(struct rest_call *call, const struct rest_stream_kind *kind)
{
    struct web *web = call->web;
    struct http_exchange *exchange = door_back(call->waiting);
    if (text_eq(http_exchange_request(exchange)->method, TEXT("HEAD"))) {
        rest_answer(call, 200, TEXT(""), 0);
        return;
    }
    if (!is_room(call)) return;
    struct scope *life = scope_new(web->app->life, "stream", SCOPE_NO_LIMIT);
    struct rest_stream *stream = scope_alloc(life, sizeof *stream);
    *stream = (struct rest_stream){ .life = life,
                                    .web = web,
                                    .kind = kind,
                                    .session = call->session,
                                    .tenant = scope_keep(life, call->tenant),
                                    .person = scope_keep(life, call->person),
                                    .beat_mono_ms = loop_now_mono_ms(web->app->loop) };
    stream->timer = timer_new(life, web->app->loop, on_timer, stream);
    stream->out = door_stream(call->waiting->port, exchange, on_close, stream);
    if (stream->out) {
        stream->slot = slot_add(web->stream_ids, stream);
        list_add_last(&web->streams, &stream->node);
        web->counters.web_rest_streams_opened_total++;
        kind->begin(stream, &call->question);
    } else {
        scope_close(life);
    }
    door_end(call->waiting);
}

void streams_end_of(struct web *web, const struct session *session)
{
    struct list *ring = &web->streams, *next;
    for (struct list *node = ring->next; node != ring; node = next) {
        struct rest_stream *stream = LIST_OBJECT(node, struct rest_stream, node);
        next = node->next;
        if (session == NULL || stream->session == session) end(stream);
    }
}

void streams_sweep(struct web *web)
{
    uint64_t now_mono_ms = loop_now_mono_ms(web->app->loop);
    LIST_EACH (node, &web->streams) {
        struct rest_stream *stream = LIST_OBJECT(node, struct rest_stream, node);
        if (now_mono_ms < stream->beat_mono_ms + BEAT_MS) continue;
        stream->beat_mono_ms = now_mono_ms;
        event_stream_comment(stream->out, TEXT("here"));
    }
}

/* --- out and on ----------------------------------------------------------------------------- */

bool rest_stream_send(struct rest_stream *stream, const char *event, struct text id,
                      struct text data)
{
    enum err err = event_stream_send(stream->out, text_of(event), id, data);
    stream->beat_mono_ms = loop_now_mono_ms(stream->web->app->loop);
    stream->web->counters.web_rest_events_total++;
    if (err == ERR_LIMIT) {
        stream->web->counters.web_rest_streams_slow_total++;
        end(stream);
    }
    return err != ERR_LIMIT;
}

struct asking {
    struct scope *life;
    struct web *web;
    uint64_t slot;
    void (*on_reply)(struct rest_stream *stream, const struct link_error *error,
                     const void *fields);
};

static void on_away(void *self);

static void on_reply(void *self, const struct link_error *error, const void *fields)
{
    struct asking *asking = self;
    struct rest_stream *stream = slot_find(asking->web->stream_ids, asking->slot);
    if (stream) {
        stream->is_asking = false;
        asking->on_reply(stream, error, fields);
    }
    scope_close(asking->life);
}

void rest_stream_ask(struct rest_stream *stream, const struct msg *msg, const void *fields,
                     uint64_t deadline_ms,
                     void (*on_reply_)(struct rest_stream *stream, const struct link_error *error,
                                       const void *fields))
{
    struct web *web = stream->web;
    struct peer *peer = applications_peer(web, msg);
    struct link_header header = { .tenant = stream->tenant,
                                  .person = stream->person,
                                  .address = stream->session->address };
    struct scope *life = scope_new(web->app->life, "asking", SCOPE_NO_LIMIT);
    struct asking *asking = scope_alloc(life, sizeof *asking);
    *asking = (struct asking){ life, web, stream->slot, on_reply_ };
    stream->is_asking = true;
    if (peer && peer_is_up(peer))
        link_ask(peer_link(peer), msg, fields, &header, deadline_ms, on_reply, asking);
    else
        loop_soon(life, web->app->loop, on_away, asking);
}

static void on_away(void *self)
{
    const struct link_error error = { .err = ERR_CLOSED, .text = TEXT("the server is away") };
    on_reply(self, &error, NULL);
}
