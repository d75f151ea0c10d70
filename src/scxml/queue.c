/* SPDX-License-Identifier: Apache-2.0 */
/* What a session keeps between steps: each thing is one allocation with its texts behind it, so
 * that an idle session costs nothing for what it does not have. */
#include "scxml/session_private.h"

#include <stdlib.h>
#include <string.h>

static void *get_memory(size_t bytes)
{
    void *memory = malloc(bytes);
    ASSERT(memory != NULL);
    return memory;
}

/* --- copies ----------------------------------------------------------------------------------- */

struct text scxml_put_text(char **at, struct text text)
{
    if (text.len == 0) return (struct text){ 0 };
    struct text copy = { memcpy(*at, text.at, text.len), text.len };
    *at += text.len;
    return copy;
}

static size_t event_bytes(const struct scxml_event *event)
{
    return event->name.len + event->send_id.len + event->origin.len + event->origin_type.len +
           event->invoke_id.len + event->data.text.len + event->raw.len;
}

static struct scxml_event put_event(char **at, const struct scxml_event *event)
{
    struct scxml_event copy = *event;
    copy.name = scxml_put_text(at, event->name);
    copy.send_id = scxml_put_text(at, event->send_id);
    copy.origin = scxml_put_text(at, event->origin);
    copy.origin_type = scxml_put_text(at, event->origin_type);
    copy.invoke_id = scxml_put_text(at, event->invoke_id);
    copy.data.text = scxml_put_text(at, event->data.text);
    copy.raw = scxml_put_text(at, event->raw);
    return copy;
}

static size_t pairs_bytes(const struct scxml_pair *pairs)
{
    size_t bytes = 0;
    for (const struct scxml_pair *pair = pairs; pair; pair = pair->next)
        bytes += sizeof *pair + pair->name.len + pair->value.text.len;
    return bytes;
}

/* At `*at`, which is aligned for them; texts go to `*texts`. */
static const struct scxml_pair *put_pairs(struct scxml_pair *at, char **texts,
                                          const struct scxml_pair *pairs)
{
    if (pairs == NULL) return NULL;
    struct scxml_pair *first = at;
    for (const struct scxml_pair *pair = pairs; pair; pair = pair->next, at++) {
        *at = *pair;
        at->name = scxml_put_text(texts, pair->name);
        at->value.text = scxml_put_text(texts, pair->value.text);
        at->next = pair->next ? at + 1 : NULL;
    }
    return first;
}

static size_t count_pairs(const struct scxml_pair *pairs)
{
    size_t count = 0;
    for (; pairs; pairs = pairs->next) count++;
    return count;
}

const struct scxml_pair *scxml_pairs_keep(const struct scxml_pair *pairs)
{
    if (pairs == NULL) return NULL;
    struct scxml_pair *memory = get_memory(pairs_bytes(pairs));
    char *texts = (char *)(memory + count_pairs(pairs));
    return put_pairs(memory, &texts, pairs);
}

/* --- queues ----------------------------------------------------------------------------------- */

static bool has_room(const struct scxml_session *session, size_t bytes)
{
    return bytes <= session->limits.session_bytes &&
           session->held_bytes <= session->limits.session_bytes - bytes;
}

enum err scxml_queue_add(struct scxml_session *session, struct scxml_queue *queue,
                         const struct scxml_event *event)
{
    size_t bytes = sizeof(struct scxml_queued) + event_bytes(event);
    if (queue->count >= session->limits.queued_events || !has_room(session, bytes)) return ERR_FULL;
    struct scxml_queued *queued = get_memory(bytes);
    char *texts = (char *)(queued + 1);
    *queued = (struct scxml_queued){ .event = put_event(&texts, event), .bytes = (uint32_t)bytes };
    if (queue->last)
        queue->last->next = queued;
    else
        queue->first = queued;
    queue->last = queued;
    queue->count++;
    session->held_bytes += bytes;
    return ERR_OK;
}

struct scxml_queued *scxml_queue_take(struct scxml_session *session, struct scxml_queue *queue)
{
    struct scxml_queued *queued = queue->first;
    if (queued == NULL) return NULL;
    queue->first = queued->next;
    if (queue->first == NULL) queue->last = NULL;
    queue->count--;
    session->held_bytes -= queued->bytes;
    return queued;
}

void scxml_queue_clear(struct scxml_session *session, struct scxml_queue *queue)
{
    struct scxml_queued *queued;
    while ((queued = scxml_queue_take(session, queue)) != NULL) free(queued);
}

/* --- delayed sends ---------------------------------------------------------------------------- */

static size_t delayed_bytes(const struct scxml_message *message)
{
    return sizeof(struct scxml_delayed) + pairs_bytes(message->pairs) +
           event_bytes(&message->event) + message->target.len + message->type.len;
}

static struct scxml_delayed *keep_delayed(const struct scxml_message *message, size_t bytes)
{
    struct scxml_delayed *delayed = get_memory(bytes);
    struct scxml_pair *pairs = (struct scxml_pair *)(void *)(delayed + 1);
    char *texts = (char *)(pairs + count_pairs(message->pairs));
    delayed->bytes = (uint32_t)bytes;
    delayed->message = *message;
    delayed->message.pairs = put_pairs(pairs, &texts, message->pairs);
    delayed->message.event = put_event(&texts, &message->event);
    delayed->message.target = scxml_put_text(&texts, message->target);
    delayed->message.type = scxml_put_text(&texts, message->type);
    return delayed;
}

static void make_room(struct scxml_session *session)
{
    if (session->delayed_count < session->delayed_room) return;
    session->delayed_room = session->delayed_room ? session->delayed_room * 2 : 2;
    session->delayed = realloc(session->delayed, session->delayed_room * sizeof *session->delayed);
    ASSERT(session->delayed != NULL);
}

enum err scxml_delay(struct scxml_session *session, const struct scxml_message *message,
                     enum scxml_route route, uint64_t due_ms)
{
    if (session->delayed_count >= session->limits.delayed_events) return ERR_LIMIT;
    size_t bytes = delayed_bytes(message);
    if (!has_room(session, bytes)) return ERR_FULL;
    struct scxml_delayed *delayed = keep_delayed(message, bytes);
    delayed->due_ms = due_ms;
    delayed->order = ++session->last_order;
    delayed->route = route;
    make_room(session);
    uint32_t at = session->delayed_count++;
    for (; at && session->delayed[at - 1]->due_ms <= due_ms; at--)
        session->delayed[at] = session->delayed[at - 1];
    session->delayed[at] = delayed;
    session->held_bytes += delayed->bytes;
    return ERR_OK;
}

static struct scxml_delayed *take_at(struct scxml_session *session, uint32_t at)
{
    struct scxml_delayed *delayed = session->delayed[at];
    session->delayed_count--;
    memmove(session->delayed + at, session->delayed + at + 1,
            (session->delayed_count - at) * sizeof *session->delayed);
    session->held_bytes -= delayed->bytes;
    if (session->delayed_count == 0) {
        free(session->delayed);
        session->delayed = NULL;
        session->delayed_room = 0;
    }
    return delayed;
}

struct scxml_delayed *scxml_delay_take(struct scxml_session *session, uint64_t now_ms)
{
    uint32_t count = session->delayed_count;
    if (count == 0 || session->delayed[count - 1]->due_ms > now_ms) return NULL;
    return take_at(session, count - 1);
}

uint32_t scxml_delay_cancel(struct scxml_session *session, struct text send_id)
{
    uint32_t cancelled = 0;
    for (uint32_t at = session->delayed_count; at-- > 0;) {
        if (!text_eq(session->delayed[at]->message.event.send_id, send_id)) continue;
        free(take_at(session, at));
        cancelled++;
    }
    return cancelled;
}

void scxml_delay_clear(struct scxml_session *session)
{
    while (session->delayed_count) free(take_at(session, session->delayed_count - 1));
}

/* --- invocations ------------------------------------------------------------------------------ */

void scxml_invoke_add(struct scxml_session *session, uint32_t index, struct text id)
{
    struct scxml_active_invoke *invoke = get_memory(sizeof *invoke + id.len);
    char *texts = (char *)(invoke + 1);
    struct scxml_active_invoke **at = &session->invokes;
    while (*at && (*at)->index < index) at = &(*at)->next;
    *invoke = (struct scxml_active_invoke){ *at, index, scxml_put_text(&texts, id) };
    *at = invoke;
    session->invoke_count++;
    session->held_bytes += sizeof *invoke + id.len;
}

struct scxml_active_invoke *scxml_invoke_take(struct scxml_session *session, uint32_t state)
{
    struct scxml_active_invoke **at = &session->invokes;
    while (*at && session->document->invokes[(*at)->index]->state != state) at = &(*at)->next;
    struct scxml_active_invoke *invoke = *at;
    if (invoke == NULL) return NULL;
    *at = invoke->next;
    session->invoke_count--;
    session->held_bytes -= sizeof *invoke + invoke->id.len;
    return invoke;
}
