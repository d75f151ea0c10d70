/* SPDX-License-Identifier: Apache-2.0 */
/* One task at a time on a worker: add what came, note what is kept, read what goes next. One
 * request at a time on the link. kick() starts whatever can be started. */
#include "app/log_sender.h"

#include "app/log_job.h"
#include "app/log_record.h"
#include "app/log_spool.h"
#include "format/msgpack.h"
#include "gen/events.h"
#include "gen/messages.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum {
    ASK_MS = 30 * 1000,
    RETRY_MS = 5000,
    SYNC_MS = 1000, /* what waits longer is on the disk itself (decision 0046) */
    RECORDS_PER_REQUEST = 1000,
    BYTES_PER_REQUEST = 256 * 1024,
    SEGMENT_BYTES = 4 * 1024 * 1024,
};

struct task { /* the worker's while the job is busy */
    struct log_spool_setup setup;
    struct log_spool *spool; /* NULL: not opened yet */
    struct buf adding;
    struct text kept_stream; /* empty: nothing new is kept */
    uint64_t kept_up_to;
    bool reads, syncs;
    bool is_unsynced; /* when it is done */
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

struct log_sender {
    struct log_sender_setup setup;
    struct scope *life;      /* a root: the worker may outlive the owner */
    struct scope *loop_life; /* of timers: the owner's */
    bool takes;
    struct buf pending;
    struct chore chore;
    struct log_job *job;
    struct timer *disk_timer, *send_timer; /* running: not before */
    struct timer *sync_timer;
    bool is_disk_failing, is_refused, is_asking, has_more, has_kept, is_sync_due;
    uint64_t lost; /* not yet told */
    uint64_t asked_first, asked_count, kept_up_to;
    char asked_stream[LOG_SPOOL_STREAM_BYTES_MAX];
    size_t asked_stream_len;
    struct task task;
};

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
    struct log_sender *sender = self;
    struct task *task = &sender->task;
    task->err = ERR_OK;
    task->count = 0;
    task->is_unsynced = false;
    if (task->spool == NULL)
        task->err = log_spool_open(sender->life, &task->setup, &task->spool, &task->fault);
    if (task->err) return;
    if (task->kept_stream.len > 0) log_spool_kept(task->spool, task->kept_stream, task->kept_up_to);
    task->kept_stream = (struct text){ 0 };
    if (task->adding.len > 0)
        task->err = log_spool_add(task->spool, buf_text(&task->adding), &task->fault);
    if (!task->err) buf_clear(&task->adding);
    if (task->syncs && !task->err) task->err = log_spool_sync(task->spool, &task->fault);
    task->is_unsynced = log_spool_is_unsynced(task->spool);
    if (task->reads) read_next(task);
    task->lost += log_spool_take_lost(task->spool);
}

/* --- sending --------------------------------------------------------------------------------- */

static void kick(struct log_sender *sender);

static void note_kept(struct log_sender *sender, uint64_t up_to)
{
    sender->has_kept = true;
    sender->kept_up_to = up_to;
    sender->is_refused = false;
    if (sender->lost == 0) return;
    unsigned long long lost = sender->lost;
    sender->lost = 0;
    LOG_LOG_LINES_LOST(&sender->setup.log, lost);
}

static void note_refused(struct log_sender *sender, const struct link_error *error)
{
    timer_start(sender->send_timer, RETRY_MS);
    sender->has_more = true;
    const struct link *link = sender->setup.link(sender->setup.self);
    if (sender->is_refused || link == NULL || !link_is_up(link)) return;
    char words[200] = "";
    (void)text_to_z(text_slice(error->text, 0, sizeof words - 1), words, sizeof words);
    sender->is_refused = true;
    char name[256] = "";
    (void)text_to_z(text_slice(link_peer(link), 0, sizeof name - 1), name, sizeof name);
    LOG_LOG_NETWORK_REFUSED(&sender->setup.quiet, name, words[0] ? words : err_words(error->err));
}

static void on_kept(void *self, const struct link_error *error, const void *fields)
{
    struct log_sender *sender = self;
    const struct control_log_kept *kept = fields;
    sender->is_asking = false;
    if (error)
        note_refused(sender, error);
    else
        note_kept(sender, kept->up_to);
    kick(sender);
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

static void send_batch(struct log_sender *sender)
{
    const struct task *task = &sender->task;
    const struct log_sender_setup *setup = &sender->setup;
    struct scope *scratch = scope_new(NULL, "log request", SCOPE_NO_LIMIT);
    struct control_send_log fields = {
        .head.has = SHAPE_ALL(SHAPE_CONTROL_SEND_LOG),
        .stream = task->read_stream,
        .first = task->first,
        .host = setup->host,
        .pid = setup->pid,
        .type = setup->type,
    };
    decode_records(task, scratch, &fields);
    sender->asked_stream_len = task->read_stream.len;
    memcpy(sender->asked_stream, task->stream, task->read_stream.len);
    if (fields.records.count == 0) { /* the disk gave back something else */
        sender->lost++;
        note_kept(sender, task->first);
    } else {
        sender->is_asking = true;
        link_ask(setup->link(setup->self), &MSG_CONTROL_SEND_LOG, &fields, NULL, ASK_MS, on_kept,
                 sender);
    }
    scope_close(scratch);
}

/* --- what can be started --------------------------------------------------------------------- */

static bool is_up(const struct log_sender *sender)
{
    const struct link *link = sender->setup.link(sender->setup.self);
    return link && link_is_up(link);
}

static bool can_read(const struct log_sender *sender)
{
    bool is_open = sender->task.spool || !timer_is_running(sender->disk_timer);
    return is_up(sender) && sender->has_more && !sender->is_asking && is_open &&
           !timer_is_running(sender->send_timer);
}

static void fill_task(struct log_sender *sender, bool adds, bool reads)
{
    struct task *task = &sender->task;
    if (adds) {
        struct buf empty = task->adding;
        task->adding = sender->pending;
        sender->pending = empty;
    }
    if (sender->has_kept)
        task->kept_stream = (struct text){ sender->asked_stream, sender->asked_stream_len };
    task->kept_up_to = sender->kept_up_to;
    sender->has_kept = false;
    task->reads = reads;
    task->syncs = sender->is_sync_due;
    sender->is_sync_due = false;
}

static void kick(struct log_sender *sender)
{
    if (log_job_is_busy(sender->job)) return;
    bool adds = sender->pending.len > 0 && !timer_is_running(sender->disk_timer);
    if (adds) sender->has_more = true;
    bool reads = can_read(sender);
    bool syncs = sender->is_sync_due && !timer_is_running(sender->disk_timer);
    if (!adds && !reads && !syncs && !sender->has_kept) return;
    fill_task(sender, adds, reads);
    log_job_start(sender->job);
}

static void kick_from_loop(void *self)
{
    kick(self);
}

static void on_sync_due(void *self)
{
    struct log_sender *sender = self;
    sender->is_sync_due = true;
    kick(sender);
}

/* What could not be added comes first the next time. */
static void take_back_adding(struct log_sender *sender)
{
    struct buf pending = sender->pending;
    sender->pending = sender->task.adding;
    sender->task.adding = (struct buf){ 0 };
    buf_add(&sender->pending, buf_text(&pending));
    buf_free(&pending);
}

static void note_disk(struct log_sender *sender)
{
    const struct task *task = &sender->task;
    bool is_news = task->err && !sender->is_disk_failing;
    sender->is_disk_failing = task->err != ERR_OK;
    if (task->err) timer_start(sender->disk_timer, RETRY_MS);
    if (is_news)
        LOG_LOG_SPOOL_FAILED(&sender->setup.quiet, sender->setup.folder.at, task->fault.words);
}

static void on_done(void *self)
{
    struct log_sender *sender = self;
    struct task *task = &sender->task;
    sender->lost += task->lost;
    task->lost = 0;
    if (task->err) take_back_adding(sender);
    note_disk(sender);
    if (task->is_unsynced && !timer_is_running(sender->sync_timer))
        timer_start(sender->sync_timer, SYNC_MS);
    if (task->reads && !task->err) sender->has_more = task->count > 0;
    if (task->count > 0 && is_up(sender) && !sender->is_asking) send_batch(sender);
    kick(sender);
}

static void add_frame(struct log_sender *sender, struct text bytes)
{
    if (sender->pending.len + bytes.len + 4 > LOG_SENDER_PENDING_BYTES)
        sender->lost++;
    else
        log_spool_frame(&sender->pending, bytes);
    chore_last(sender->setup.loop, &sender->chore);
}

void log_sender_add(void *self, const struct log_record *record)
{
    struct log_sender *sender = self;
    if (!sender->takes) return;
    struct buf bytes = { 0 };
    log_record_encode(record, 0, &bytes);
    add_frame(sender, buf_text(&bytes));
    buf_free(&bytes);
}

enum err log_sender_add_encoded(struct log_sender *sender, struct text bytes)
{
    enum err err = log_record_check(bytes);
    if (!err && sender->takes) add_frame(sender, bytes);
    return err;
}

bool log_sender_is_sending(const struct log_sender *sender)
{
    bool waits_for_disk = timer_is_running(sender->disk_timer);
    return is_up(sender) && !waits_for_disk &&
           (sender->pending.len > 0 || sender->is_asking || sender->has_more ||
            log_job_is_busy(sender->job));
}

/* --- its link -------------------------------------------------------------------------------- */

void log_sender_take(struct log_sender *sender, bool takes)
{
    sender->takes = takes;
}

void log_sender_on_up(struct log_sender *sender)
{
    sender->has_more = true;
    timer_stop(sender->send_timer);
    kick(sender);
}

void log_sender_forget_link(struct log_sender *sender)
{
    sender->is_asking = false; /* its answer comes no more */
}

/* --- life ------------------------------------------------------------------------------------ */

static void release(void *self)
{
    struct log_sender *sender = self;
    scope_close(sender->life);
    buf_free(&sender->pending);
    buf_free(&sender->task.adding);
    buf_free(&sender->task.frames);
    free(sender);
}

/* What was said last waits on the disk for the next life. */
static void forget(void *self)
{
    struct log_sender *sender = self;
    chore_cancel(&sender->chore);
    log_job_take_back(sender->job);
    take_back_adding(sender);
    bool adds = sender->pending.len > 0;
    if (adds || sender->has_kept) {
        fill_task(sender, adds, false);
        work(sender);
    }
    log_job_end(sender->job);
}

static struct text new_stream(struct scope *scope, struct loop *loop)
{
    return scope_format(scope, "%015" PRIu64 "-%016" PRIx64, loop_now_utc_ms(loop),
                        random_u64(loop_random(loop)));
}

struct log_sender *log_sender_new(struct scope *owner, const struct log_sender_setup *setup)
{
    struct log_sender *sender = calloc(1, sizeof *sender);
    ASSERT(sender != NULL);
    struct scope *life = scope_new(NULL, "log sender", SCOPE_NO_LIMIT);
    struct scope *loop_life = scope_new(owner, "log sender", SCOPE_NO_LIMIT);
    struct loop *loop = setup->loop;
    *sender = (struct log_sender){
        .setup = *setup,
        .life = life,
        .loop_life = loop_life,
        .chore = { .run = kick_from_loop, .self = sender },
        .job = log_job_new(loop, work, on_done, release, sender),
        .disk_timer = timer_new(loop_life, loop, kick_from_loop, sender),
        .send_timer = timer_new(loop_life, loop, kick_from_loop, sender),
        .sync_timer = timer_new(loop_life, loop, on_sync_due, sender),
        .task.setup = { .folder = scope_keep(life, setup->folder),
                        .name = scope_keep(life, setup->application),
                        .stream = new_stream(life, loop),
                        .bytes_max = LOG_SENDER_SPOOL_BYTES,
                        .segment_bytes = SEGMENT_BYTES },
    };
    sender->setup.folder = sender->task.setup.folder;
    sender->setup.application = sender->task.setup.name;
    sender->setup.host = scope_keep(life, setup->host);
    sender->setup.type = scope_keep(life, setup->type);
    scope_on_close(loop_life, forget, sender);
    return sender;
}
