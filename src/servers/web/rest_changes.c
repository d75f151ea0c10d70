/* SPDX-License-Identifier: Apache-2.0 */
/* What happened to the configuration (framework 3.3): GET /changes is one question that may wait,
 * GET /events asks it again and again. An id is a revision and the store's epoch; the last event of
 * a revision alone bears it, so that who comes back gets a revision whole or not at all. */
#include "servers/web/rest_stream.h"

#include <string.h>

enum { WAIT_S = 25, ANSWER_MS = 10000, RETRY_MS = 1000 };

/* --- as JSON -------------------------------------------------------------------------------- */

static void put_event(struct json_writer *json, const struct config_change_event *event)
{
    struct config_change_event head = *event;
    head.head.has &= ~(CONFIG_CHANGE_EVENT_HAS_VALUE | CONFIG_CHANGE_EVENT_HAS_DELTA);
    json_begin_object(json);
    json_put_shape_members(json, &SHAPE_CONFIG_CHANGE_EVENT, &head);
    if (event->value.len) {
        json_put_name(json, TEXT("value"));
        json_put_raw(json, event->value);
    }
    if (event->delta.len) {
        json_put_name(json, TEXT("delta"));
        json_put_raw(json, event->delta);
    }
    json_end_object(json);
}

static void on_changes(void *self, const struct link_error *error, const void *fields)
{
    struct rest_call *call = self;
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (error) {
        rest_refuse_link(call, error);
        return;
    }
    struct config_changes_read read = *(const struct config_changes_read *)fields;
    read.head.has &= ~CONFIG_CHANGES_READ_HAS_EVENTS;
    json_begin_object(&json);
    json_put_shape_members(&json, &SHAPE_CONFIG_CHANGES_READ, &read);
    json_put_name(&json, TEXT("events"));
    json_begin_array(&json);
    for (uint32_t i = 0; i < read.events.count; i++) put_event(&json, &read.events.at[i]);
    json_end_array(&json);
    json_end_object(&json);
    rest_answer(call, 200, buf_text(&out), 0);
    buf_free(&out);
}

void rest_read_changes(struct rest_call *call)
{
    call->deadline_ms = WAIT_S * 1000 * 2 + UINT64_C(2) * ANSWER_MS;
    rest_ask_plain(call, on_changes);
}

/* --- as a stream ---------------------------------------------------------------------------- */

struct following {
    struct config_read_changes ask;
    char epoch[65];
    bool is_away, is_read_only, has_begun;
};

static void ask_on(struct rest_stream *stream);

static bool tell(struct rest_stream *stream, const char *event, struct text id, const char *name,
                 struct text value)
{
    const struct following *following = stream->self;
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    json_begin_object(&json);
    json_put_name(&json, TEXT("rev"));
    json_put_u64(&json, following->ask.since);
    if (name) {
        json_put_name(&json, text_of(name));
        json_put_text(&json, value);
    }
    json_end_object(&json);
    bool is_there = rest_stream_send(stream, event, id, buf_text(&out));
    buf_free(&out);
    return is_there;
}

static struct text id_of(struct scope *scope, const struct following *following, uint64_t rev)
{
    return scope_format(scope, "%llu:%s", (unsigned long long)rev, following->epoch);
}

/* False: the stream is gone. */
static bool tell_mode(struct rest_stream *stream, const struct config_changes_read *read,
                      struct scope *scope)
{
    struct following *following = stream->self;
    bool is_read_only = text_eq(read->mode, TEXT("read-only"));
    bool has_moved = is_read_only != following->is_read_only;
    bool was_away = following->is_away, is_first = !following->has_begun;
    following->is_read_only = is_read_only;
    following->is_away = false;
    following->has_begun = true;
    if (is_first || has_moved) {
        struct text id = is_first && !read->resync ? id_of(scope, following, following->ask.since)
                                                   : TEXT("");
        if (!tell(stream, "mode-changed", id, "mode", read->mode)) return false;
    }
    if (has_moved && is_read_only)
        return tell(stream, "db-disconnected", TEXT(""), "reason", read->reason);
    if (was_away || (has_moved && !is_first))
        return tell(stream, "db-connected", TEXT(""), NULL, TEXT(""));
    return true;
}

static bool tell_events(struct rest_stream *stream, const struct config_changes_read *read,
                        struct scope *scope)
{
    const struct following *following = stream->self;
    for (uint32_t i = 0; i < read->events.count; i++) {
        const struct config_change_event *event = &read->events.at[i];
        bool is_last = i + 1 == read->events.count || event[1].rev != event->rev;
        struct buf out = { 0 };
        struct json_writer json = json_writer(&out);
        put_event(&json, event);
        bool is_there = rest_stream_send(stream, scope_keep_z(scope, event->event),
                                         is_last ? id_of(scope, following, event->rev) : TEXT(""),
                                         buf_text(&out));
        buf_free(&out);
        if (!is_there) return false;
    }
    return true;
}

static bool tell_all(struct rest_stream *stream, const struct config_changes_read *read)
{
    struct following *following = stream->self;
    struct scope *scratch = scope_new(NULL, "events", SCOPE_NO_LIMIT);
    if (!following->ask.head.has || read->resync ||
        !SHAPE_HAS(&following->ask, CONFIG_READ_CHANGES_HAS_SINCE))
        following->ask.since = read->rev;
    (void)text_to_z(read->epoch, following->epoch, sizeof following->epoch);
    bool is_there = tell_mode(stream, read, scratch);
    if (is_there && read->resync)
        is_there = tell(stream, "resync", id_of(scratch, following, read->rev), NULL, TEXT(""));
    if (is_there) is_there = tell_events(stream, read, scratch);
    if (is_there) {
        following->ask.since = read->rev;
        following->ask.epoch = text_of(following->epoch);
        following->ask.head.has |= CONFIG_READ_CHANGES_HAS_SINCE | CONFIG_READ_CHANGES_HAS_EPOCH;
    }
    scope_close(scratch);
    return is_there;
}

static void on_read(struct rest_stream *stream, const struct link_error *error, const void *fields)
{
    struct following *following = stream->self;
    if (error == NULL) {
        if (tell_all(stream, fields)) ask_on(stream);
        return;
    }
    bool was_away = following->is_away;
    following->is_away = true;
    timer_start(stream->timer, jittered(stream->web, RETRY_MS));
    if (!was_away)
        (void)tell(stream, "db-disconnected", TEXT(""), "reason",
                   error->text.len ? error->text : text_of(err_words(error->err)));
}

static void ask_on(struct rest_stream *stream)
{
    struct following *following = stream->self;
    following->ask.wait = WAIT_S;
    following->ask.head.has |= CONFIG_READ_CHANGES_HAS_WAIT;
    rest_stream_ask(stream, &MSG_CONFIG_READ_CHANGES, &following->ask, WAIT_S * 1000 + ANSWER_MS,
                    on_read);
}

/* "412:epoch", or "412". */
static void read_last_id(struct rest_stream *stream, struct text id)
{
    struct following *following = stream->self;
    struct text rev = id, epoch = { 0 };
    if (text_to_u64(id, 0, INT64_MAX, &following->ask.since) &&
        (!text_cut(id, ':', &rev, &epoch) || text_to_u64(rev, 0, INT64_MAX, &following->ask.since)))
        return;
    following->ask.head.has |= CONFIG_READ_CHANGES_HAS_SINCE;
    if (epoch.len == 0 || text_to_z(epoch, following->epoch, sizeof following->epoch)) return;
    following->ask.epoch = text_of(following->epoch);
    following->ask.head.has |= CONFIG_READ_CHANGES_HAS_EPOCH;
}

static void keep_list(struct scope *life, const struct value *list, struct text **at,
                      uint32_t *count)
{
    if (list == NULL || list->kind != VALUE_LIST) return;
    *at = scope_alloc_array(life, list->items.count, sizeof **at);
    for (uint32_t i = 0; i < list->items.count; i++)
        (*at)[(*count)++] = scope_keep(life, list->items.at[i].text);
}

static void begin(struct rest_stream *stream, const struct rest_question *question)
{
    struct following *following = scope_alloc(stream->life, sizeof *following);
    stream->self = following;
    keep_list(stream->life, kv_find(&question->fields, TEXT("types")), &following->ask.types.at,
              &following->ask.types.count);
    keep_list(stream->life, kv_find(&question->fields, TEXT("tenants")), &following->ask.tenants.at,
              &following->ask.tenants.count);
    following->ask.head.has = CONFIG_READ_CHANGES_HAS_TYPES | CONFIG_READ_CHANGES_HAS_TENANTS;
    read_last_id(stream, rest_given(question, "Last-Event-ID"));
    ask_on(stream);
}

const struct rest_stream_kind rest_stream_changes = { begin, ask_on };
