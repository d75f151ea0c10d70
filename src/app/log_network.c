/* SPDX-License-Identifier: Apache-2.0 */
/* One task at a time on a worker: add what came, note what is kept, read what goes next. One
 * request at a time on the link. kick() starts whatever can be started. */
#include "app/log_network.h"

#include "app/log_job.h"
#include "app/log_spool.h"
#include "app/peer.h"
#include "app/private.h"
#include "format/msgpack.h"
#include "gen/events.h"
#include "gen/messages.h"
#include "gen/objects.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASK_MS = 30 * 1000,
    RETRY_MS = 5000,
    RECORDS_PER_REQUEST = 1000,
    BYTES_PER_REQUEST = 256 * 1024,
    TEXT_BYTES_MAX = 16384, /* of the message's field */
    IXN_BYTES_MAX = 128,
    SEGMENT_BYTES = 4 * 1024 * 1024,
};

struct task { /* the worker's while the job is busy */
    struct log_spool_setup setup;
    struct log_spool *spool; /* NULL: not opened yet */
    struct buf adding;
    struct text kept_stream; /* empty: nothing new is kept */
    uint64_t kept_up_to;
    bool reads;
    enum err err;
    struct fault fault;
    uint64_t lost;
    /* What was read. */
    char stream[LOG_SPOOL_STREAM_BYTES_MAX];
    struct text read_stream;
    uint64_t first;
    uint32_t count;
    struct buf frames;
};

struct log_network {
    struct app *app;
    struct scope *life;      /* a root: the worker may outlive the owner */
    struct scope *loop_life; /* of timers and peer: the owner's */
    struct scope *peer_life;
    struct log log; /* without us */
    struct text folder;
    struct peer *peer; /* NULL: nobody to tell */
    bool is_used, has_told_nowhere;
    struct buf pending;
    struct chore chore;
    struct log_job *job;
    struct timer *disk_timer, *send_timer; /* running: not before */
    bool is_disk_failing, is_refused, is_asking, has_more, has_kept;
    uint64_t lost; /* not yet told */
    uint64_t asked_first, asked_count, kept_up_to;
    char asked_stream[LOG_SPOOL_STREAM_BYTES_MAX];
    size_t asked_stream_len;
    struct task task;
};

/* --- a record, as bytes ---------------------------------------------------------------------- */

static bool is_clean(struct text in)
{
    return text_is_utf8(in) && text_find(in, '\0', 0) == SIZE_MAX;
}

/* Well-formed text without NUL, at most `bytes_max` of it, whole characters. */
static struct text clean(struct scope *scope, struct text in, size_t bytes_max)
{
    if (in.len > bytes_max) {
        size_t len = bytes_max;
        while (len > 0 && ((unsigned char)in.at[len] & 0xC0) == 0x80) len--;
        in = text_slice(in, 0, len);
    }
    if (is_clean(in)) return in;
    char *out = scope_alloc(scope, in.len);
    for (size_t i = 0; i < in.len;) {
        size_t len = 1;
        while (len < 4 && len < in.len - i && !is_clean(text_slice(in, i, len))) len++;
        bool is_whole = is_clean(text_slice(in, i, len));
        if (is_whole) memcpy(out + i, in.at + i, len);
        if (!is_whole) out[i] = '?';
        i += is_whole ? len : 1;
    }
    return (struct text){ out, in.len };
}

static bool is_value_clean(const struct value *value, int depth);

static bool are_pairs_clean(const struct kv *pairs, int depth)
{
    for (uint32_t i = 0; i < pairs->count; i++)
        if (!is_clean(pairs->at[i].name) || !is_value_clean(&pairs->at[i].value, depth))
            return false;
    return true;
}

static bool is_value_clean(const struct value *value, int depth)
{
    if (depth > 16) return false;
    if (value->kind == VALUE_TEXT) return is_clean(value->text);
    if (value->kind == VALUE_KV) return are_pairs_clean(&value->pairs, depth + 1);
    for (uint32_t i = 0; value->kind == VALUE_LIST && i < value->items.count; i++)
        if (!is_value_clean(&value->items.at[i], depth + 1)) return false;
    return true;
}

static struct kv clean_pairs(struct scope *scope, const struct kv *pairs)
{
    struct kv out = { scope_alloc_array(scope, pairs->count, sizeof *out.at), 0 };
    for (uint32_t i = 0; i < pairs->count; i++)
        if (is_clean(pairs->at[i].name) && is_value_clean(&pairs->at[i].value, 0))
            out.at[out.count++] = pairs->at[i];
    return out;
}

static void encode(const struct log_record *record, struct buf *out)
{
    struct scope *scratch = scope_new(NULL, "log record", SCOPE_NO_LIMIT);
    struct control_log_record fields = {
        .head.has = CONTROL_LOG_RECORD_HAS_ID | CONTROL_LOG_RECORD_HAS_TIME |
                    CONTROL_LOG_RECORD_HAS_PRIORITY | CONTROL_LOG_RECORD_HAS_CATEGORY |
                    CONTROL_LOG_RECORD_HAS_TEXT,
        .id = text_of(record->event->id),
        .time = record->utc_us,
        .priority = (uint32_t)record->event->level + 1, /* framework 8.1 */
        .category = (uint32_t)record->event->category,
        .text = clean(scratch, record->text, TEXT_BYTES_MAX),
        .ixn = clean(scratch, record->ixn, IXN_BYTES_MAX),
        .attributes = clean_pairs(scratch, &record->attributes),
    };
    if (fields.ixn.len > 0) fields.head.has |= CONTROL_LOG_RECORD_HAS_IXN;
    if (fields.attributes.count > 0) fields.head.has |= CONTROL_LOG_RECORD_HAS_ATTRIBUTES;
    msgpack_encode(out, &SHAPE_CONTROL_LOG_RECORD, &fields);
    if (out->len > LOG_SPOOL_FRAME_BYTES_MAX) {
        buf_clear(out);
        fields.head.has &= ~CONTROL_LOG_RECORD_HAS_ATTRIBUTES;
        msgpack_encode(out, &SHAPE_CONTROL_LOG_RECORD, &fields);
    }
    scope_close(scratch);
}

/* --- the task: on a worker ------------------------------------------------------------------- */

static void read_next(struct task *task)
{
    struct log_spool_batch batch;
    log_spool_read(task->spool, RECORDS_PER_REQUEST, BYTES_PER_REQUEST, &batch);
    if (batch.count > 0) memcpy(task->stream, batch.stream.at, batch.stream.len);
    task->read_stream = (struct text){ task->stream, batch.stream.len };
    task->first = batch.first;
    task->count = batch.count;
    buf_clear(&task->frames);
    buf_add(&task->frames, batch.frames);
}

static void work(void *self)
{
    struct log_network *network = self;
    struct task *task = &network->task;
    task->err = ERR_OK;
    task->count = 0;
    if (task->spool == NULL)
        task->err = log_spool_open(network->life, &task->setup, &task->spool, &task->fault);
    if (task->err) return;
    if (task->kept_stream.len > 0) log_spool_kept(task->spool, task->kept_stream, task->kept_up_to);
    task->kept_stream = (struct text){ 0 };
    if (task->adding.len > 0)
        task->err = log_spool_add(task->spool, buf_text(&task->adding), &task->fault);
    if (!task->err) buf_clear(&task->adding);
    if (task->reads) read_next(task);
    task->lost += log_spool_take_lost(task->spool);
}

/* --- sending --------------------------------------------------------------------------------- */

static void kick(struct log_network *network);

static void note_kept(struct log_network *network, uint64_t up_to)
{
    network->has_kept = true;
    network->kept_up_to = up_to;
    network->is_refused = false;
    if (network->lost == 0) return;
    unsigned long long lost = network->lost;
    network->lost = 0;
    LOG_LOG_LINES_LOST(&network->app->log, lost);
}

static void note_refused(struct log_network *network, const struct link_error *error)
{
    timer_start(network->send_timer, RETRY_MS);
    network->has_more = true;
    if (network->is_refused || !peer_is_up(network->peer)) return;
    char words[200] = "";
    (void)text_to_z(text_slice(error->text, 0, sizeof words - 1), words, sizeof words);
    network->is_refused = true;
    LOG_LOG_NETWORK_REFUSED(&network->log, peer_name(network->peer).at,
                            words[0] ? words : err_words(error->err));
}

static void on_kept(void *self, const struct link_error *error, const void *fields)
{
    struct log_network *network = self;
    const struct control_log_kept *kept = fields;
    network->is_asking = false;
    if (error)
        note_refused(network, error);
    else
        note_kept(network, kept->up_to);
    kick(network);
}

/* The records that can be read, up to the first that cannot: `out->count` of them. */
static void decode_records(const struct task *task, struct scope *scope,
                           struct control_send_log *out)
{
    struct text frames = buf_text(&task->frames), record;
    struct control_log_record *fields;
    out->records.at = scope_alloc_array(scope, task->count, sizeof *out->records.at);
    while (log_spool_next(&frames, &record) &&
           msgpack_decode(record, &SHAPE_CONTROL_LOG_RECORD, scope, (void **)&fields, NULL) ==
               ERR_OK)
        out->records.at[out->records.count++] = *fields;
}

static void send_batch(struct log_network *network)
{
    const struct task *task = &network->task;
    struct app *app = network->app;
    struct scope *scratch = scope_new(NULL, "log request", SCOPE_NO_LIMIT);
    struct control_send_log fields = {
        .head.has = SHAPE_ALL(SHAPE_CONTROL_SEND_LOG),
        .stream = task->read_stream,
        .first = task->first,
        .host = app->host,
        .pid = app->private->pid,
        .type = text_of(app->type->name),
    };
    decode_records(task, scratch, &fields);
    network->asked_stream_len = task->read_stream.len;
    memcpy(network->asked_stream, task->stream, task->read_stream.len);
    if (fields.records.count == 0) { /* the disk gave back something else */
        network->lost++;
        note_kept(network, task->first);
    } else {
        network->is_asking = true;
        link_ask(peer_link(network->peer), &MSG_CONTROL_SEND_LOG, &fields, NULL, ASK_MS, on_kept,
                 network);
    }
    scope_close(scratch);
}

/* --- what can be started --------------------------------------------------------------------- */

static bool is_up(const struct log_network *network)
{
    return network->peer && peer_is_up(network->peer);
}

static bool can_read(const struct log_network *network)
{
    bool is_open = network->task.spool || !timer_is_running(network->disk_timer);
    return is_up(network) && network->has_more && !network->is_asking && is_open &&
           !timer_is_running(network->send_timer);
}

static void fill_task(struct log_network *network, bool adds, bool reads)
{
    struct task *task = &network->task;
    if (adds) {
        struct buf empty = task->adding;
        task->adding = network->pending;
        network->pending = empty;
    }
    if (network->has_kept)
        task->kept_stream = (struct text){ network->asked_stream, network->asked_stream_len };
    task->kept_up_to = network->kept_up_to;
    network->has_kept = false;
    task->reads = reads;
}

static void kick(struct log_network *network)
{
    if (log_job_is_busy(network->job)) return;
    bool adds = network->pending.len > 0 && !timer_is_running(network->disk_timer);
    if (adds) network->has_more = true;
    bool reads = can_read(network);
    if (!adds && !reads && !network->has_kept) return;
    fill_task(network, adds, reads);
    log_job_start(network->job);
}

static void kick_from_loop(void *self)
{
    kick(self);
}

/* What could not be added comes first the next time. */
static void take_back_adding(struct log_network *network)
{
    struct buf pending = network->pending;
    network->pending = network->task.adding;
    network->task.adding = (struct buf){ 0 };
    buf_add(&network->pending, buf_text(&pending));
    buf_free(&pending);
}

static void note_disk(struct log_network *network)
{
    const struct task *task = &network->task;
    bool is_news = task->err && !network->is_disk_failing;
    network->is_disk_failing = task->err != ERR_OK;
    if (task->err) timer_start(network->disk_timer, RETRY_MS);
    if (is_news) LOG_LOG_SPOOL_FAILED(&network->log, network->folder.at, task->fault.words);
}

static void on_done(void *self)
{
    struct log_network *network = self;
    struct task *task = &network->task;
    network->lost += task->lost;
    task->lost = 0;
    if (task->err) take_back_adding(network);
    note_disk(network);
    if (task->reads && !task->err) network->has_more = task->count > 0;
    if (task->count > 0 && is_up(network) && !network->is_asking) send_batch(network);
    kick(network);
}

void log_network_add(void *self, const struct log_record *record)
{
    struct log_network *network = self;
    if (!network->is_used || network->peer == NULL) return;
    struct buf bytes = { 0 };
    encode(record, &bytes);
    if (network->pending.len + bytes.len + 4 > LOG_NETWORK_PENDING_BYTES)
        network->lost++;
    else
        log_spool_frame(&network->pending, buf_text(&bytes));
    buf_free(&bytes);
    chore_last(network->app->loop, &network->chore);
}

bool log_network_is_sending(const struct log_network *network)
{
    bool waits_for_disk = timer_is_running(network->disk_timer);
    return is_up(network) && !waits_for_disk &&
           (network->pending.len > 0 || network->is_asking || network->has_more ||
            log_job_is_busy(network->job));
}

/* --- whom to tell ---------------------------------------------------------------------------- */

static bool is_of_type(const struct app *app, struct text name, const char *type)
{
    const struct app_object *object = app_object(app, &OBJECT_APPLICATION, name);
    const struct object_application *fields = object ? (const void *)object->fields : NULL;
    if (fields == NULL) return false;
    if (fields->type.len > 0) return text_eq(fields->type, text_of(type));
    const struct app_object *template = app_object(app, &OBJECT_APP_PROTOTYPE, fields->template);
    return template &&
           text_eq(((const struct object_app_prototype *)(const void *)template->fields)->type,
                   text_of(type));
}

static struct text choose_peer(const struct app *app)
{
    static const char *const types[] = { "MessageServer", "SCS" };
    const struct app_object *own = app_self(app);
    const struct object_application *fields = own ? (const void *)own->fields : NULL;
    for (size_t i = 0; fields && i < sizeof types / sizeof types[0]; i++)
        for (uint32_t k = 0; k < fields->connections.count; k++)
            if (is_of_type(app, fields->connections.at[k].server, types[i]))
                return fields->connections.at[k].server;
    return (struct text){ 0 };
}

static void on_up(void *self, struct link *link)
{
    struct log_network *network = self;
    (void)link;
    network->has_more = true;
    timer_stop(network->send_timer);
    kick(network);
}

static void forget_peer(void *self)
{
    struct log_network *network = self;
    network->peer_life = NULL;
    network->peer = NULL;
    network->is_asking = false; /* its answer comes no more */
}

static void use_peer(struct log_network *network, struct text name)
{
    static const struct link_handler handlers[] = { { 0 } };
    static const struct link_life life = { .on_up = on_up };
    if (network->peer && text_eq(peer_name(network->peer), name)) {
        peer_configure(network->peer);
        return;
    }
    scope_close(network->peer_life);
    if (name.len == 0) return;
    network->peer_life = scope_new(network->loop_life, "log peer", SCOPE_NO_LIMIT);
    scope_on_close(network->peer_life, forget_peer, network);
    network->peer = peer_open_quiet(network->peer_life, network->app, name, &network->log, handlers,
                                    &life, network);
}

void log_network_configure(struct log_network *network, bool is_used)
{
    struct text name = is_used ? choose_peer(network->app) : (struct text){ 0 };
    bool is_nowhere = is_used && name.len == 0 && app_self(network->app) != NULL;
    network->is_used = is_used;
    use_peer(network, name);
    if (is_nowhere && !network->has_told_nowhere) LOG_LOG_NETWORK_NOWHERE(&network->log);
    network->has_told_nowhere = is_nowhere;
}

/* --- life ------------------------------------------------------------------------------------ */

static void release(void *self)
{
    struct log_network *network = self;
    scope_close(network->life);
    buf_free(&network->pending);
    buf_free(&network->task.adding);
    buf_free(&network->task.frames);
    free(network);
}

/* What was said last waits on the disk for the next life. */
static void forget(void *self)
{
    struct log_network *network = self;
    chore_cancel(&network->chore);
    log_job_take_back(network->job);
    take_back_adding(network);
    bool adds = network->pending.len > 0;
    if (adds || network->has_kept) {
        fill_task(network, adds, false);
        work(network);
    }
    log_job_end(network->job);
}

static struct text new_stream(struct scope *scope, struct loop *loop)
{
    return scope_format(scope, "%015" PRIu64 "-%016" PRIx64, loop_now_utc_ms(loop),
                        random_u64(loop_random(loop)));
}

struct log_network *log_network_new(struct scope *owner, struct app *app, const struct log *log,
                                    struct text folder)
{
    struct log_network *network = calloc(1, sizeof *network);
    ASSERT(network != NULL);
    struct scope *life = scope_new(NULL, "log network", SCOPE_NO_LIMIT);
    struct scope *loop_life = scope_new(owner, "log network", SCOPE_NO_LIMIT);
    *network = (struct log_network){
        .app = app,
        .life = life,
        .loop_life = loop_life,
        .log = *log,
        .folder = scope_keep(life, folder),
        .chore = { .run = kick_from_loop, .self = network },
        .job = log_job_new(app->loop, work, on_done, release, network),
        .disk_timer = timer_new(loop_life, app->loop, kick_from_loop, network),
        .send_timer = timer_new(loop_life, app->loop, kick_from_loop, network),
        .task.setup = { .folder = scope_keep(life, folder),
                        .name = scope_keep(life, app->name),
                        .stream = new_stream(life, app->loop),
                        .bytes_max = LOG_NETWORK_SPOOL_BYTES,
                        .segment_bytes = SEGMENT_BYTES },
    };
    scope_on_close(loop_life, forget, network);
    return network;
}
