/* SPDX-License-Identifier: Apache-2.0 */
/* States and alarms as streams (framework 6.5, 9). Control tells web alone that something moved;
 * what each person may see of it she asks for herself, through web, and hears what differs from
 * what she heard last. */
#include "servers/web/rest_stream.h"

#include <string.h>

enum {
    ANSWER_MS = 10000,
    RETRY_MS = 1000,
    TOGETHER_MS = 200,
    WATCH_ASK_MS = 10000,
    ALARMS_MAX = 1000
};

static void tell_away(struct rest_stream *stream, const struct link_error *error, bool *is_away)
{
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    bool was_away = *is_away;
    *is_away = true;
    timer_start(stream->timer, jittered(stream->web, RETRY_MS));
    if (was_away) return;
    json_begin_object(&json);
    json_put_name(&json, TEXT("reason"));
    json_put_text(&json, error->text.len ? error->text : text_of(err_words(error->err)));
    json_end_object(&json);
    (void)rest_stream_send(stream, "unavailable", TEXT(""), buf_text(&out));
    buf_free(&out);
}

/* --- states --------------------------------------------------------------------------------- */

struct known { /* one host, application or solution as it was told last */
    struct known *next;
    struct scope *life;
    struct text key; /* "applications/outbound" */
    uint64_t hash;
    bool is_there;
};

struct states {
    struct table *known;
    bool is_away, has_begun, moves_again;
};

static void ask_status(struct rest_stream *stream);

/* One item of the answer, if it is another than before. */
static void put_moved(struct rest_stream *stream, struct json_writer *json, const char *kind,
                      struct text name, const struct shape *shape, const void *item)
{
    struct states *states = stream->self;
    struct buf out = { 0 };
    struct scope *scratch = scope_new(NULL, "state", SCOPE_NO_LIMIT);
    struct text key = scope_format(scratch, "%s/%.*s", kind, TEXT_ARG(name));
    struct known *known = table_get(states->known, key);
    shape_to_json(&out, shape, item);
    uint64_t hash = text_hash(buf_text(&out));
    if (known == NULL) {
        struct scope *life = scope_new(stream->life, "known", SCOPE_NO_LIMIT);
        known = scope_alloc(life, sizeof *known);
        *known = (struct known){ .life = life, .key = scope_keep(life, key), .hash = ~hash };
        table_put(states->known, known->key, known);
    }
    known->is_there = true;
    if (known->hash != hash) json_put_raw(json, buf_text(&out));
    known->hash = hash;
    buf_free(&out);
    scope_close(scratch);
}

static void put_gone(struct states *states, struct json_writer *json)
{
    struct known *known, *gone = NULL;
    for (size_t at = 0; (known = table_next(states->known, &at)) != NULL;) {
        if (!known->is_there) {
            known->next = gone;
            gone = known;
        }
        known->is_there = false;
    }
    while (gone) {
        struct scope *life = gone->life;
        json_put_text(json, gone->key);
        table_remove(states->known, gone->key);
        gone = gone->next;
        scope_close(life);
    }
}

static void put_kinds(struct rest_stream *stream, struct json_writer *json,
                      const struct control_status_read *read)
{
#define KIND(member, shape)                                                                        \
    json_put_name(json, TEXT(#member));                                                            \
    json_begin_array(json);                                                                        \
    for (uint32_t i = 0; i < read->member.count; i++)                                              \
        put_moved(stream, json, #member, read->member.at[i].name, &shape, &read->member.at[i]);    \
    json_end_array(json)
    KIND(hosts, SHAPE_CONTROL_HOST_STATUS);
    KIND(applications, SHAPE_CONTROL_APPLICATION_STATUS);
    KIND(solutions, SHAPE_CONTROL_SOLUTION_STATUS);
#undef KIND
}

static void on_status(struct rest_stream *stream, const struct link_error *error,
                      const void *fields)
{
    struct states *states = stream->self;
    struct buf out = { 0 };
    struct json_writer json = json_writer(&out);
    if (error) {
        tell_away(stream, error, &states->is_away);
        return;
    }
    json_begin_object(&json);
    put_kinds(stream, &json, fields);
    json_put_name(&json, TEXT("gone"));
    json_begin_array(&json);
    put_gone(states, &json);
    json_end_array(&json);
    json_end_object(&json);
    static const char nothing[] = "{\"hosts\":[],\"applications\":[],\"solutions\":[],\"gone\":[]}";
    bool says_something = !states->has_begun || states->is_away ||
                          !text_eq(buf_text(&out), text_of(nothing));
    states->has_begun = true;
    states->is_away = false;
    bool is_there = !says_something || rest_stream_send(stream, "status", TEXT(""), buf_text(&out));
    buf_free(&out);
    if (is_there && states->moves_again) timer_start(stream->timer, TOGETHER_MS);
}

static void ask_status(struct rest_stream *stream)
{
    struct states *states = stream->self;
    struct control_read_status ask = { .head.has = 0 };
    states->moves_again = false;
    rest_stream_ask(stream, &MSG_CONTROL_READ_STATUS, &ask, ANSWER_MS, on_status);
}

static void begin_status(struct rest_stream *stream, const struct rest_question *question)
{
    struct states *states = scope_alloc(stream->life, sizeof *states);
    (void)question;
    states->known = table_new(stream->life);
    stream->self = states;
    ask_status(stream);
}

const struct rest_stream_kind rest_stream_status = { begin_status, ask_status };

static void on_status_moved(void *self, struct link *link, const void *fields)
{
    struct web *web = self;
    (void)link;
    (void)fields;
    LIST_EACH (node, &web->streams) {
        struct rest_stream *stream = LIST_OBJECT(node, struct rest_stream, node);
        if (stream->kind != &rest_stream_status) continue;
        struct states *states = stream->self;
        states->moves_again = true;
        if (!stream->is_asking && !timer_is_running(stream->timer))
            timer_start(stream->timer, TOGETHER_MS);
    }
}

/* --- alarms --------------------------------------------------------------------------------- */

struct moved_alarm { /* of whom it is not known yet whether she may see it */
    struct list node;
    struct scope *life;
    uint64_t id;
    char event[24];
};

struct alarms {
    struct list moved; /* the first is asked for */
    uint32_t moved_count;
    bool is_away, needs_all;
};

static void ask_next(struct rest_stream *stream);

static void drop_moved(struct alarms *alarms)
{
    struct list *node = list_first(&alarms->moved);
    struct moved_alarm *moved = LIST_OBJECT(node, struct moved_alarm, node);
    list_remove(node);
    alarms->moved_count--;
    scope_close(moved->life);
}

static void on_all(struct rest_stream *stream, const struct link_error *error, const void *fields)
{
    struct alarms *alarms = stream->self;
    struct buf out = { 0 };
    if (error) {
        tell_away(stream, error, &alarms->is_away);
        return;
    }
    alarms->is_away = alarms->needs_all = false;
    shape_to_json(&out, &SHAPE_CONTROL_ALARMS, fields);
    bool is_there = rest_stream_send(stream, "alarms", TEXT(""), buf_text(&out));
    buf_free(&out);
    if (is_there) ask_next(stream);
}

static void on_one(struct rest_stream *stream, const struct link_error *error, const void *fields)
{
    struct alarms *alarms = stream->self;
    const struct control_alarms *read = fields;
    const struct moved_alarm *moved =
        LIST_OBJECT(list_first(&alarms->moved), struct moved_alarm, node);
    struct buf out = { 0 };
    bool is_there = true;
    if (error) {
        alarms->needs_all = true; /* what it was is told with all others */
        tell_away(stream, error, &alarms->is_away);
        return;
    }
    if (read->alarms.count && read->alarms.at[0].id == moved->id) {
        shape_to_json(&out, &SHAPE_CONTROL_ALARM_STATE, &read->alarms.at[0]);
        is_there = rest_stream_send(stream, moved->event, TEXT(""), buf_text(&out));
        buf_free(&out);
    }
    if (!is_there) return;
    drop_moved(alarms);
    ask_next(stream);
}

static void ask_next(struct rest_stream *stream)
{
    struct alarms *alarms = stream->self;
    struct control_read_alarms ask = { .head.has = CONTROL_READ_ALARMS_HAS_LIMIT, .limit = 1 };
    struct list *node = list_first(&alarms->moved);
    if (alarms->needs_all) {
        while (list_first(&alarms->moved)) drop_moved(alarms);
        ask.limit = ALARMS_MAX;
        ask.state = TEXT("active");
        ask.head.has |= CONTROL_READ_ALARMS_HAS_STATE;
        rest_stream_ask(stream, &MSG_CONTROL_READ_ALARMS, &ask, ANSWER_MS, on_all);
    } else if (node) {
        ask.before = LIST_OBJECT(node, struct moved_alarm, node)->id + 1;
        ask.head.has |= CONTROL_READ_ALARMS_HAS_BEFORE;
        rest_stream_ask(stream, &MSG_CONTROL_READ_ALARMS, &ask, ANSWER_MS, on_one);
    }
}

static void begin_alarms(struct rest_stream *stream, const struct rest_question *question)
{
    struct alarms *alarms = scope_alloc(stream->life, sizeof *alarms);
    (void)question;
    list_init(&alarms->moved);
    alarms->needs_all = true;
    stream->self = alarms;
    ask_next(stream);
}

const struct rest_stream_kind rest_stream_alarms = { begin_alarms, ask_next };

static void add_moved(struct rest_stream *stream, const struct control_alarm_moved *fields)
{
    struct alarms *alarms = stream->self;
    if (alarms->moved_count >= ALARMS_MAX) alarms->needs_all = true;
    if (alarms->needs_all) return;
    struct scope *life = scope_new(stream->life, "moved alarm", SCOPE_NO_LIMIT);
    struct moved_alarm *moved = scope_alloc(life, sizeof *moved);
    *moved = (struct moved_alarm){ .life = life, .id = fields->alarm->id };
    struct text event = scope_format(life, "alarm-%.*s", TEXT_ARG(fields->kind));
    (void)text_to_z(event, moved->event, sizeof moved->event);
    list_add_last(&alarms->moved, &moved->node);
    alarms->moved_count++;
    if (!stream->is_asking && !timer_is_running(stream->timer)) ask_next(stream);
}

static void on_alarm_moved(void *self, struct link *link, const void *fields)
{
    struct web *web = self;
    struct list *ring = &web->streams, *next;
    (void)link;
    for (struct list *node = ring->next; node != ring; node = next) {
        struct rest_stream *stream = LIST_OBJECT(node, struct rest_stream, node);
        next = node->next;
        if (stream->kind == &rest_stream_alarms) add_moved(stream, fields);
    }
}

/* --- control -------------------------------------------------------------------------------- */

const struct link_handler rest_control_handlers[] = {
    { .msg = &MSG_CONTROL_STATUS_MOVED, .on_event = on_status_moved },
    { .msg = &MSG_CONTROL_ALARM_MOVED, .on_event = on_alarm_moved },
    { 0 },
};

/* That something moved is news enough; streams ask by themselves. */
static void on_watched(void *self, const struct link_error *error, const void *fields)
{
    (void)self;
    (void)error;
    (void)fields;
}

static void on_up(void *self, struct link *link)
{
    struct web *web = self;
    struct control_watch_status status = { .head.has = CONTROL_WATCH_STATUS_HAS_ON, .on = true };
    struct control_watch_alarms alarms = { .head.has = CONTROL_WATCH_ALARMS_HAS_ON, .on = true };
    link_ask(link, &MSG_CONTROL_WATCH_STATUS, &status, NULL, WATCH_ASK_MS, on_watched, web);
    link_ask(link, &MSG_CONTROL_WATCH_ALARMS, &alarms, NULL, WATCH_ASK_MS, on_watched, web);
    /* What moved while it was away nobody has heard. */
    on_status_moved(web, link, NULL);
    LIST_EACH (node, &web->streams) {
        struct rest_stream *stream = LIST_OBJECT(node, struct rest_stream, node);
        if (stream->kind != &rest_stream_alarms) continue;
        ((struct alarms *)stream->self)->needs_all = true;
        if (!stream->is_asking) timer_start(stream->timer, 0);
    }
}

const struct link_life rest_control_life = { .on_up = on_up };
