/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at request_send_log(). */
#include "servers/control/log_keeper.h"

#include "format/json.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/control/alarms.h"

#include <stdio.h>
#include <string.h>

enum {
    AGAIN_MS = 200, /* when a sender that was refused may come again */
    TRIM_MS = 60 * 1000,
    TRIM_ROWS = 5000,
    OWN_BATCH = 500,
    OWN_RETRY_MS = 1000,
    STREAM_KEPT_DAYS = 60,
    STREAMS_MAX = 100000,
    STREAMS_FORGOTTEN_MAX = 1000,
    STREAMS_EVERY_MS = 24 * 3600 * 1000,
};
#define DAY_MS ((uint64_t)24 * 60 * 60 * 1000)

struct stream {
    struct scope *life;
    struct text key, application, name;
    uint64_t accepted, durable; /* numbers */
    uint64_t heard_utc_ms;
    bool is_stored, is_stored_durably; /* it has its row: by what was submitted, by what is there */
};

struct own { /* one of ours that waits */
    struct scope *life;
    struct list node;
    struct own_record record;
};

struct log_keeper {
    struct control_server *server;
    struct table *streams;
    struct list own; /* not submitted, or to be submitted again */
    uint32_t own_count;
    struct chore own_chore;
    struct timer *own_timer, *trim_timer, *streams_timer;
    uint64_t next_id;
    uint32_t waiting_records;
    size_t waiting_bytes;
    uint64_t kept_total, repeated_total, refused_total, lost_total;
    bool is_trimming, is_own_in_flight, is_refusing;
};

/* --- rows ----------------------------------------------------------------------------------- */

static const struct statement keep_record = {
    "INSERT INTO G_LOG_MESSAGES (id, message_id, time_generated, time_written, priority, category,"
    " app_type, app_name, host, pid, text, ixn)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12)"
};
static const struct statement keep_attribute = {
    "INSERT INTO G_LOG_ATTRS (lrid, name, value) VALUES (?1, ?2, ?3)"
};

struct row { /* what is written of one record */
    struct text event, text, ixn, application, type, host;
    uint64_t time_us;
    uint32_t priority, category, pid;
    const struct kv *attributes;
};

/* PostgreSQL takes no NUL in a text: one record must not keep its stream from going on. */
static void bind_text(struct change *change, struct text text)
{
    struct buf clean = { 0 };
    if (text.len == 0 || memchr(text.at, '\0', text.len) == NULL) {
        change_bind_text(change, text.at ? text : TEXT(""));
        return;
    }
    buf_add(&clean, text);
    for (size_t i = 0; i < clean.len; i++)
        if (clean.at[i] == '\0') clean.at[i] = '?';
    change_bind_text(change, buf_text(&clean));
    buf_free(&clean);
}

static void bind_text_or_null(struct change *change, struct text text)
{
    if (text.len)
        bind_text(change, text);
    else
        change_bind_null(change);
}

static void bind_value(struct change *change, const struct value *value)
{
    struct buf json = { 0 };
    if (value->kind == VALUE_TEXT) {
        bind_text(change, value->text);
        return;
    }
    struct json_writer writer = json_writer(&json);
    json_put_value(&writer, value);
    change_bind_text(change, buf_text(&json));
    buf_free(&json);
}

static void write_row(struct log_keeper *keeper, struct change *change, const struct row *row)
{
    uint64_t id = keeper->next_id++;
    change_add(change, &keep_record, ROWS_ANY);
    change_bind_i64(change, (int64_t)id);
    bind_text(change, row->event);
    change_bind_i64(change, (int64_t)row->time_us);
    change_bind_i64(change, (int64_t)loop_now_utc_ms(keeper->server->app->loop));
    change_bind_i64(change, row->priority);
    change_bind_i64(change, row->category);
    bind_text_or_null(change, row->type);
    change_bind_text(change, row->application);
    bind_text_or_null(change, row->host);
    change_bind_i64(change, row->pid);
    bind_text(change, row->text);
    bind_text_or_null(change, row->ixn);
    for (uint32_t i = 0; i < row->attributes->count; i++) {
        change_add(change, &keep_attribute, ROWS_ANY);
        change_bind_i64(change, (int64_t)id);
        bind_text(change, row->attributes->at[i].name);
        bind_value(change, &row->attributes->at[i].value);
    }
}

/* --- streams -------------------------------------------------------------------------------- */

static struct text stream_key(struct scope *scope, struct text application, struct text name)
{
    return scope_format(scope, "%.*s\x1f%.*s", TEXT_ARG(application), TEXT_ARG(name));
}

static struct stream *stream_new(struct log_keeper *keeper, struct text application,
                                 struct text name)
{
    struct scope *life = scope_new(keeper->server->app->life, "log stream", SCOPE_NO_LIMIT);
    struct stream *stream = scope_alloc(life, sizeof *stream);
    *stream = (struct stream){ .life = life,
                               .application = scope_keep(life, application),
                               .name = scope_keep(life, name) };
    stream->key = stream_key(life, application, name);
    table_put(keeper->streams, stream->key, stream);
    return stream;
}

static struct stream *stream_get(struct log_keeper *keeper, struct text application,
                                 struct text name)
{
    struct scope *scratch = scope_new(NULL, "stream key", SCOPE_NO_LIMIT);
    struct stream *stream = table_get(keeper->streams, stream_key(scratch, application, name));
    scope_close(scratch);
    if (stream == NULL && table_count(keeper->streams) < STREAMS_MAX)
        stream = stream_new(keeper, application, name);
    return stream;
}

/* What came before must have been kept, or the numbers would tell a lie: the row has to stand where
 * we believe it stands. */
static void write_stream(struct change *change, struct stream *stream, uint64_t up_to,
                         uint64_t now_utc_ms)
{
    static const struct statement begin = {
        "INSERT INTO log_stream (app_name, stream, up_to, heard_utc_ms) VALUES (?1, ?2, ?3, ?4)"
    };
    static const struct statement go_on = { "UPDATE log_stream SET up_to = ?3, heard_utc_ms = ?4"
                                            " WHERE app_name = ?1 AND stream = ?2 AND up_to = ?5" };
    change_add(change, stream->is_stored ? &go_on : &begin, 1);
    change_bind_text(change, stream->application);
    change_bind_text(change, stream->name);
    change_bind_i64(change, (int64_t)up_to);
    change_bind_i64(change, (int64_t)now_utc_ms);
    if (stream->is_stored) change_bind_i64(change, (int64_t)stream->accepted);
    stream->is_stored = true;
    stream->accepted = up_to;
    stream->heard_utc_ms = now_utc_ms;
}

/* --- what is sent to us --------------------------------------------------------------------- */

/* Records of one SendLog on their way to the disk. */
struct keeping {
    struct scope *life;
    struct log_keeper *keeper;
    struct link_request *request;
    struct stream *stream;
    struct alarm_batch *alarms;
    uint64_t up_to;
    uint32_t records;
    size_t bytes;
};

static void refuse(struct log_keeper *keeper, struct link_request *request, const char *words)
{
    struct link_error error = { .err = ERR_UNAVAILABLE,
                                .protocol = TEXT("control"),
                                .name = TEXT("LogNotKept"),
                                .text = text_of(words),
                                .retryable = true,
                                .retry_after_ms = AGAIN_MS };
    keeper->refused_total++;
    link_refuse(request, &error);
}

static void reply_kept(struct link_request *request, uint64_t up_to)
{
    struct control_log_kept kept = { .head.has = CONTROL_LOG_KEPT_HAS_UP_TO, .up_to = up_to };
    link_reply(request, &kept);
}

/* Told as ours, by the road of notes: kept, and an alarm, as soon as the store takes it. */
static void tell_of_store(struct log_keeper *keeper, const struct change_result *result)
{
    struct control_server *server = keeper->server;
    bool was_refusing = keeper->is_refusing;
    /* A stream's number that stands elsewhere follows from a failure, it is none. */
    if (result->err == ERR_CONFLICT) return;
    keeper->is_refusing = result->err != ERR_OK;
    if (keeper->is_refusing == was_refusing) return;
    const struct log *log = note_log(server, server->app->name, server->app->host);
    if (keeper->is_refusing)
        LOG_LOG_NOT_KEPT(log, result->words ? result->words : err_words(result->err));
    else
        LOG_LOG_KEPT_AGAIN(log);
}

static void on_kept(void *self, const struct change_result *result)
{
    struct keeping *keeping = self;
    struct log_keeper *keeper = keeping->keeper;
    struct stream *stream = keeping->stream;
    keeper->waiting_records -= keeping->records;
    keeper->waiting_bytes -= keeping->bytes;
    tell_of_store(keeper, result);
    if (result->err == ERR_OK) {
        keeper->kept_total += keeping->records;
        stream->is_stored_durably = true;
        if (keeping->up_to > stream->durable) stream->durable = keeping->up_to;
        reply_kept(keeping->request, stream->durable);
    } else { /* what was submitted behind it fails, too: the stream's row stands elsewhere */
        stream->accepted = stream->durable;
        stream->is_stored = stream->is_stored_durably;
        refuse(keeper, keeping->request, "the records cannot be kept now");
    }
    alarms_settle(keeper->server->alarms, keeping->alarms, result->err);
    scope_close(keeping->life);
}

static size_t record_bytes(const struct control_log_record *record)
{
    size_t bytes = sizeof *record + record->text.len;
    for (uint32_t i = 0; i < record->attributes.count; i++) {
        const struct pair *pair = &record->attributes.at[i];
        bytes += sizeof *pair + pair->name.len;
        if (pair->value.kind == VALUE_TEXT || pair->value.kind == VALUE_BYTES)
            bytes += pair->value.text.len;
    }
    return bytes;
}

static bool has_room(const struct log_keeper *keeper, const struct control_send_log *sent,
                     size_t *bytes)
{
    *bytes = 0;
    for (uint32_t i = 0; i < sent->records.count; i++) *bytes += record_bytes(&sent->records.at[i]);
    /* One request always fits where nothing waits. */
    if (keeper->waiting_records == 0) return true;
    uint32_t queue = control_options(keeper->server)->messages_queue_size;
    return keeper->waiting_records + sent->records.count <= queue &&
           keeper->waiting_bytes + *bytes <= LOG_KEEPER_QUEUE_BYTES_MAX;
}

static struct text type_of(const struct control_server *server, struct text application,
                           struct text sent)
{
    const struct app_object *object = app_object(server->app, &OBJECT_APPLICATION, application);
    const struct object_application *fields = object ? (const void *)object->fields : NULL;
    return fields && fields->type.len ? fields->type : sent;
}

/* What a supervisor tells of its applications' ends and states we see ourselves, and note as
 * theirs: judged twice it would be two alarms. */
static bool is_told_by_us(struct link *link, struct text event)
{
    return link && text_eq(link_peer_role(link), TEXT("supervisor")) &&
           text_starts(event, TEXT("00-050"));
}

static void take_record(struct keeping *keeping, struct change *change,
                        const struct control_send_log *sent,
                        const struct control_log_record *record, struct text type)
{
    struct log_keeper *keeper = keeping->keeper;
    struct control_server *server = keeper->server;
    if (alarms_care(server->alarms, record->id) &&
        !is_told_by_us(link_request_link(keeping->request), record->id)) {
        struct alarm_record judged = { .event = record->id,
                                       .text = record->text,
                                       .application = keeping->stream->application,
                                       .type = type,
                                       .host = sent->host,
                                       .about = TEXT(""),
                                       .utc_ms = record->time / 1000 };
        alarms_judge(server->alarms, &judged);
    }
    if (!control_options(server)->messages_db_storage) return;
    struct row row = { .event = record->id,
                       .text = record->text,
                       .ixn = record->ixn,
                       .application = keeping->stream->application,
                       .type = type,
                       .host = sent->host,
                       .time_us = record->time,
                       .priority = record->priority,
                       .category = record->category,
                       .pid = sent->pid,
                       .attributes = &record->attributes };
    write_row(keeper, change, &row);
}

static void keep(struct log_keeper *keeper, struct link_request *request, struct stream *stream,
                 const struct control_send_log *sent, size_t bytes)
{
    struct scope *life = scope_new(keeper->server->app->life, "log records", SCOPE_NO_LIMIT);
    struct keeping *keeping = scope_alloc(life, sizeof *keeping);
    uint64_t up_to = sent->first + sent->records.count - 1;
    uint64_t from = stream->accepted >= sent->first ? stream->accepted + 1 : sent->first;
    *keeping = (struct keeping){ .life = life,
                                 .keeper = keeper,
                                 .request = request,
                                 .stream = stream,
                                 .up_to = up_to > stream->accepted ? up_to : stream->accepted,
                                 .bytes = bytes };
    struct change *change = change_new(keeper->server->store);
    struct text type = type_of(keeper->server, stream->application, sent->type);
    for (uint64_t number = from; number <= up_to; number++, keeping->records++)
        take_record(keeping, change, sent, &sent->records.at[number - sent->first], type);
    keeper->repeated_total += sent->records.count - keeping->records;
    keeper->waiting_records += keeping->records;
    keeper->waiting_bytes += bytes;
    write_stream(change, stream, keeping->up_to, loop_now_utc_ms(keeper->server->app->loop));
    keeping->alarms = alarms_stage(keeper->server->alarms, change);
    change_submit(change, on_kept, keeping);
}

void request_send_log(void *self, struct link_request *request, const void *fields)
{
    struct control_server *server = self;
    struct log_keeper *keeper = server->log_keeper;
    const struct control_send_log *sent = fields;
    struct fault fault;
    size_t bytes;
    if (text_find(sent->stream, '\0', 0) < sent->stream.len) {
        (void)fault_set(&fault, ERR_INVALID, "stream", "must hold no NUL");
        link_refuse_fault(request, &fault);
        return;
    }
    if (sent->records.count == 0 || sent->first == 0 ||
        sent->first > (uint64_t)INT64_MAX - sent->records.count) {
        (void)fault_set(&fault, ERR_INVALID, sent->records.count ? "first" : "records",
                        sent->records.count ? "must be from 1 on" : "must not be empty");
        link_refuse_fault(request, &fault);
        return;
    }
    if (server->is_stopping || !alarms_are_ready(server->alarms)) {
        refuse(keeper, request, "not now");
        return;
    }
    if (!has_room(keeper, sent, &bytes)) {
        refuse(keeper, request, "too many records wait for the disk");
        return;
    }
    struct stream *stream = stream_get(keeper, link_peer(link_request_link(request)), sent->stream);
    if (stream == NULL) {
        refuse(keeper, request, "too many streams");
    } else if (sent->first + sent->records.count - 1 <= stream->durable) {
        keeper->repeated_total += sent->records.count;
        reply_kept(request, stream->durable);
    } else {
        keep(keeper, request, stream, sent, bytes);
    }
}

/* --- our own -------------------------------------------------------------------------------- */

static struct kv keep_kv(struct scope *scope, const struct kv *kv)
{
    struct kv out = { scope_alloc_array(scope, kv->count + 1, sizeof *kv->at), kv->count };
    for (uint32_t i = 0; i < kv->count; i++) {
        struct buf json = { 0 };
        struct value value = kv->at[i].value;
        if (value.kind != VALUE_TEXT) {
            struct json_writer writer = json_writer(&json);
            json_put_value(&writer, &value);
            value = (struct value){ .kind = VALUE_TEXT, .text = buf_text(&json) };
        }
        out.at[i].name = scope_keep(scope, kv->at[i].name);
        out.at[i].value =
            (struct value){ .kind = VALUE_TEXT, .text = scope_keep(scope, value.text) };
        buf_free(&json);
    }
    return out;
}

static void own_forget(struct log_keeper *keeper, struct own *own)
{
    list_remove(&own->node);
    keeper->own_count--;
    scope_close(own->life);
}

void log_keeper_add(struct log_keeper *keeper, const struct own_record *record)
{
    struct app *app = keeper->server->app;
    if (keeper->own_count == LOG_KEEPER_OWN_MAX) {
        keeper->lost_total++;
        return;
    }
    struct scope *life = scope_new(app->life, "own record", SCOPE_NO_LIMIT);
    struct own *own = scope_alloc(life, sizeof *own);
    own->life = life;
    own->record = (struct own_record){
        .application = scope_keep(life, record->application),
        .type = scope_keep(life, record->type),
        .host = scope_keep(life, record->host),
        .about = scope_keep(life, record->about),
        .event = scope_keep(life, record->event),
        .text = scope_keep(life, record->text),
        .ixn = scope_keep(life, record->ixn),
        .utc_us = record->utc_us ? record->utc_us : loop_now_utc_ms(app->loop) * 1000,
        .priority = record->priority,
        .category = record->category,
        .attributes = keep_kv(life, &record->attributes),
    };
    list_add_last(&keeper->own, &own->node);
    keeper->own_count++;
    if (!timer_is_running(keeper->own_timer)) chore_last(app->loop, &keeper->own_chore);
}

static void take_own(struct log_keeper *keeper, struct change *change,
                     const struct own_record *record)
{
    struct control_server *server = keeper->server;
    bool is_about = record->about.len > 0;
    struct text application = record->application.len || is_about ? record->application
                                                                  : server->app->name;
    struct text type = type_of(server, application, record->type);
    struct text host = record->host.len ? record->host : server->app->host;
    if (alarms_care(server->alarms, record->event)) {
        struct alarm_record judged = { .event = record->event,
                                       .text = record->text,
                                       .application = application,
                                       .type = type,
                                       .host = host,
                                       .about = record->about,
                                       .utc_ms = record->utc_us / 1000 };
        alarms_judge(server->alarms, &judged);
    }
    if (!control_options(server)->messages_db_storage) return;
    struct row row = { .event = record->event,
                       .text = record->text,
                       .ixn = record->ixn,
                       .application = application.len ? application : server->app->name,
                       .type = type,
                       .host = host,
                       .time_us = record->utc_us,
                       .priority = record->priority,
                       .category = record->category,
                       .attributes = &record->attributes };
    write_row(keeper, change, &row);
}

struct own_keeping {
    struct scope *life;
    struct log_keeper *keeper;
    struct alarm_batch *alarms;
    uint32_t count;
};

static void on_own_kept(void *self, const struct change_result *result)
{
    struct own_keeping *keeping = self;
    struct log_keeper *keeper = keeping->keeper;
    keeper->is_own_in_flight = false;
    tell_of_store(keeper, result);
    for (uint32_t i = 0; i < keeping->count && result->err == ERR_OK; i++) {
        own_forget(keeper, LIST_OBJECT(list_first(&keeper->own), struct own, node));
        keeper->kept_total++;
    }
    alarms_settle(keeper->server->alarms, keeping->alarms, result->err);
    if (result->err)
        timer_start(keeper->own_timer, OWN_RETRY_MS);
    else if (keeper->own_count)
        chore_last(keeper->server->app->loop, &keeper->own_chore);
    scope_close(keeping->life);
}

/* They stay in the list until they are durable, and are submitted again when they were not. */
static void keep_own(void *self)
{
    struct log_keeper *keeper = self;
    if (keeper->is_own_in_flight || keeper->own_count == 0) return;
    if (!alarms_are_ready(keeper->server->alarms)) {
        timer_start(keeper->own_timer, OWN_RETRY_MS);
        return;
    }
    struct scope *life = scope_new(keeper->server->app->life, "own records", SCOPE_NO_LIMIT);
    struct own_keeping *keeping = scope_alloc(life, sizeof *keeping);
    struct change *change = change_new(keeper->server->store);
    *keeping = (struct own_keeping){ .life = life, .keeper = keeper };
    LIST_EACH (node, &keeper->own) {
        if (keeping->count == OWN_BATCH) break;
        take_own(keeper, change, &LIST_OBJECT(node, struct own, node)->record);
        keeping->count++;
    }
    keeping->alarms = alarms_stage(keeper->server->alarms, change);
    keeper->is_own_in_flight = true;
    if (change_rows(change)) {
        change_submit(change, on_own_kept, keeping);
        return;
    }
    change_drop(change);
    on_own_kept(keeping, &(struct change_result){ .err = ERR_OK, .failed_statement = -1 });
}

void log_keeper_flush(struct log_keeper *keeper)
{
    timer_stop(keeper->own_timer);
    timer_stop(keeper->trim_timer);
    timer_stop(keeper->streams_timer);
    keep_own(keeper);
}

/* --- streams that nobody sends any more ---------------------------------------------------- */

static uint64_t streams_since(const struct log_keeper *keeper)
{
    uint64_t now = loop_now_utc_ms(keeper->server->app->loop), kept_ms = STREAM_KEPT_DAYS * DAY_MS;
    return now > kept_ms ? now - kept_ms : 0;
}

/* A few at a time: a table must not change while somebody walks through it. */
static void forget_old_streams(struct log_keeper *keeper)
{
    static const struct statement statement = { "DELETE FROM log_stream WHERE heard_utc_ms < ?1" };
    uint64_t since = streams_since(keeper);
    struct stream *stream, *old[STREAMS_FORGOTTEN_MAX];
    size_t count = 0;
    for (size_t at = 0;
         count < STREAMS_FORGOTTEN_MAX && (stream = table_next(keeper->streams, &at)) != NULL;)
        if (stream->heard_utc_ms < since && stream->accepted == stream->durable)
            old[count++] = stream;
    for (size_t i = 0; i < count; i++) {
        (void)table_remove(keeper->streams, old[i]->key);
        scope_close(old[i]->life);
    }
    if (since == 0) return;
    struct change *change = change_new(keeper->server->store);
    change_add(change, &statement, ROWS_ANY);
    change_bind_i64(change, (int64_t)since);
    change_submit(change, NULL, NULL);
}

static void on_day(void *self)
{
    struct log_keeper *keeper = self;
    forget_old_streams(keeper);
    timer_start(keeper->streams_timer, STREAMS_EVERY_MS);
}

/* --- what is too old ------------------------------------------------------------------------ */

static void trim_up_to(struct log_keeper *keeper, uint64_t id)
{
    static const struct statement attributes = { "DELETE FROM G_LOG_ATTRS WHERE lrid <= ?1" },
                                  records = { "DELETE FROM G_LOG_MESSAGES WHERE id <= ?1" };
    struct change *change = change_new(keeper->server->store);
    change_add(change, &attributes, ROWS_ANY);
    change_bind_i64(change, (int64_t)id);
    change_add(change, &records, ROWS_ANY);
    change_bind_i64(change, (int64_t)id);
    change_submit(change, NULL, NULL);
}

static void on_oldest(void *self, enum err err, const struct rows *rows)
{
    struct log_keeper *keeper = self;
    uint64_t now = loop_now_utc_ms(keeper->server->app->loop);
    uint64_t keep_ms = control_options(keeper->server)->messages_retention_days * DAY_MS;
    uint64_t before = now > keep_ms ? now - keep_ms : 0, up_to = 0;
    uint32_t row = 0, count = err ? 0 : rows_count(rows);
    for (; row < count && (uint64_t)rows_i64(rows, row, 1) < before; row++)
        up_to = (uint64_t)rows_i64(rows, row, 0);
    if (up_to) trim_up_to(keeper, up_to);
    keeper->is_trimming = false;
    bool is_more = count == TRIM_ROWS && row == count;
    timer_start(keeper->trim_timer, is_more ? AGAIN_MS : TRIM_MS);
}

/* Rows are numbered in the order of their writing: the oldest stand first. */
static void trim(void *self)
{
    static const struct statement statement = {
        "SELECT id, time_written FROM G_LOG_MESSAGES ORDER BY id LIMIT 5000"
    };
    struct log_keeper *keeper = self;
    struct query query = { .statement = &statement };
    if (keeper->is_trimming) return;
    keeper->is_trimming = true;
    store_query(keeper->server->store, &query, on_oldest, keeper);
}

/* --- life ----------------------------------------------------------------------------------- */

static void on_streams(void *self, enum err err, const struct rows *rows)
{
    struct log_keeper *keeper = self;
    for (uint32_t row = 0; !err && row < rows_count(rows); row++) {
        struct stream *stream =
            stream_new(keeper, rows_text(rows, row, 0), rows_text(rows, row, 1));
        stream->accepted = stream->durable = (uint64_t)rows_i64(rows, row, 2);
        stream->heard_utc_ms = (uint64_t)rows_i64(rows, row, 3);
        stream->is_stored = stream->is_stored_durably = true;
    }
}

static void on_last(void *self, enum err err, const struct rows *rows)
{
    struct log_keeper *keeper = self;
    if (!err && rows_count(rows)) keeper->next_id = (uint64_t)rows_i64(rows, 0, 0) + 1;
}

static enum err load(struct log_keeper *keeper)
{
    static const struct statement last = { "SELECT max(id) FROM G_LOG_MESSAGES" },
                                  streams = { "SELECT app_name, stream, up_to, heard_utc_ms"
                                              " FROM log_stream WHERE heard_utc_ms >= ?1"
                                              " ORDER BY heard_utc_ms DESC LIMIT 100000" };
    struct value since = { .kind = VALUE_INTEGER, .integer = (int64_t)streams_since(keeper) };
    struct query of_last = { .statement = &last }, of_streams = { &streams, &since, 1 };
    enum err err = store_query_now(keeper->server->store, &of_last, on_last, keeper);
    return err ? err : store_query_now(keeper->server->store, &of_streams, on_streams, keeper);
}

static void forget(void *self)
{
    struct log_keeper *keeper = self;
    chore_cancel(&keeper->own_chore);
}

enum err log_keeper_open(struct control_server *server, struct log_keeper **out,
                         struct fault *fault)
{
    struct scope *life = server->app->life;
    struct loop *loop = server->app->loop;
    struct log_keeper *keeper = scope_alloc(life, sizeof *keeper);
    *keeper = (struct log_keeper){
        .server = server,
        .streams = table_new(life),
        .own_chore = { .run = keep_own, .self = keeper },
        .own_timer = timer_new(life, loop, keep_own, keeper),
        .trim_timer = timer_new(life, loop, trim, keeper),
        .streams_timer = timer_new(life, loop, on_day, keeper),
        .next_id = 1,
    };
    list_init(&keeper->own);
    scope_on_close(life, forget, keeper);
    enum err err = load(keeper);
    if (err) return fault_set(fault, err, "log", "%s", store_query_words(server->store));
    on_day(keeper);
    timer_start(keeper->trim_timer, TRIM_MS);
    *out = keeper;
    return ERR_OK;
}

void log_keeper_count(const struct log_keeper *keeper, struct control_counters *out)
{
    out->control_log_records_total = keeper->kept_total;
    out->control_log_repeated_total = keeper->repeated_total;
    out->control_log_refused_total = keeper->refused_total;
    out->control_log_lost_total = keeper->lost_total;
    out->control_log_waiting = keeper->waiting_records + keeper->own_count;
}
