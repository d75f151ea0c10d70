/* SPDX-License-Identifier: Apache-2.0 */
/* Streams, and what is sent to us. Begin reading at request_send_log(). */
#include "servers/control/log_keeper_private.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/control/alarms.h"

enum {
    AGAIN_MS = 200, /* when a sender that was refused may come again */
    STREAMS_MAX = 100000,
};

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

struct whose {
    struct text application, type, host, about;
    uint32_t pid;
};

/* Records of one SendLog on their way to the disk. */
struct keeping {
    struct scope *life;
    struct log_keeper *keeper;
    struct link_request *request;
    struct stream *stream;
    struct alarm_batch *alarms;
    struct text type; /* of who sent it */
    bool is_from_scs;
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

void log_tell_of_store(struct log_keeper *keeper, const struct change_result *result)
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
    log_tell_of_store(keeper, result);
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

struct text log_type_of(const struct control_server *server, struct text application,
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

/* Whose record it is: an SCS notes what became of others. */
static struct whose whose_of(const struct keeping *keeping, const struct control_send_log *sent,
                             const struct control_log_record *record)
{
    struct whose whose = { .application = keeping->stream->application,
                           .type = keeping->type,
                           .host = sent->host,
                           .pid = sent->pid };
    if (SHAPE_HAS(record, CONTROL_LOG_RECORD_HAS_PID)) whose.pid = record->pid;
    if (!keeping->is_from_scs) return whose;
    const struct control_server *server = keeping->keeper->server;
    if (record->host.len) whose.host = record->host;
    whose.about = record->about;
    if (record->application.len || record->about.len) {
        whose.application = record->application;
        whose.type = log_type_of(server, record->application, TEXT(""));
        whose.pid = 0;
    }
    return whose;
}

static void take_record(struct keeping *keeping, struct change *change,
                        const struct control_send_log *sent,
                        const struct control_log_record *record)
{
    struct log_keeper *keeper = keeping->keeper;
    struct control_server *server = keeper->server;
    struct whose whose = whose_of(keeping, sent, record);
    if (alarms_care(server->alarms, record->id) &&
        !is_told_by_us(link_request_link(keeping->request), record->id)) {
        struct alarm_record judged = { .event = record->id,
                                       .text = record->text,
                                       .application = whose.application,
                                       .type = whose.type,
                                       .host = whose.host,
                                       .about = whose.about,
                                       .utc_ms = record->time / 1000 };
        alarms_judge(server->alarms, &judged);
    }
    if (!control_options(server)->messages_db_storage) return;
    struct log_row row = { .event = record->id,
                           .text = record->text,
                           .ixn = record->ixn,
                           .application = whose.application.len ? whose.application
                                                                : keeping->stream->application,
                           .type = whose.type,
                           .host = whose.host,
                           .time_us = record->time,
                           .priority = record->priority,
                           .category = record->category,
                           .pid = whose.pid,
                           .attributes = &record->attributes };
    log_row_write(keeper, change, &row);
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
    keeping->type = log_type_of(keeper->server, stream->application, sent->type);
    keeping->is_from_scs = objects_is_scs(keeper->server, stream->application);
    for (uint64_t number = from; number <= up_to; number++, keeping->records++)
        take_record(keeping, change, sent, &sent->records.at[number - sent->first]);
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
    struct value since = { .kind = VALUE_INTEGER,
                           .integer = (int64_t)log_trim_streams_since(keeper) };
    struct query of_last = { .statement = &last }, of_streams = { &streams, &since, 1 };
    enum err err = store_query_now(keeper->server->store, &of_last, on_last, keeper);
    return err ? err : store_query_now(keeper->server->store, &of_streams, on_streams, keeper);
}

enum err log_keeper_open(struct control_server *server, struct log_keeper **out,
                         struct fault *fault)
{
    struct scope *life = server->app->life;
    struct log_keeper *keeper = scope_alloc(life, sizeof *keeper);
    *keeper = (struct log_keeper){ .server = server, .streams = table_new(life), .next_id = 1 };
    log_own_open(keeper);
    enum err err = load(keeper);
    if (err) return fault_set(fault, err, "log", "%s", store_query_words(server->store));
    keeper->trim = log_trim_open(keeper);
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
