/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at alarms_judge(): memory moves at once; then alarms_stage(), alarms_settle(). */
#include "servers/control/alarms.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/control/alarm_detect.h"
#include "servers/control/alarm_samples.h"
#include "servers/control/reactions.h"

#include <stdio.h>

enum {
    TEXT_MAX = 4096, /* of a record, as an alarm keeps it */
    RETRY_MS = 1000,
    LOOK_EVERY_MS = 60 * 1000,
    TRIM_EVERY = 1000, /* cleared ones */
};

struct condition {
    struct condition *next_detect, *next_cancel; /* of the same event */
    struct text name, category;
    const struct object_alarm_condition *fields; /* good until configuration moves */
};

struct alarms {
    struct control_server *server;
    struct reactions *reactions;
    struct alarm_samples *samples;
    struct scope *config_life;
    struct table *conditions;      /* by name */
    struct table *detect, *cancel; /* by event: the first */
    struct table *active, *by_id;
    struct list order; /* active, by id */
    struct list moved; /* since the last stage */
    struct timer *due_timer, *retry_timer;
    uint64_t looks_utc_ms, next_id, cleared_since_trim, raised_total, cleared_total, refused_total;
    uint32_t in_flight;
    bool is_wrong, is_reading, was_full;
};

struct alarm_batch {
    struct scope *life;
    struct batch_move {
        struct batch_move *next;
        const char *kind;
        struct control_alarm_state alarm;
    } * first, *last;
    struct reaction_ids *reactions;
};

static uint64_t now_utc_ms(const struct alarms *alarms)
{
    return loop_now_utc_ms(alarms->server->app->loop);
}

/* --- the book ------------------------------------------------------------------------------- */

/* Look at the time-outs then, or a minute from now: the wall clock may be set. */
static void look_at(struct alarms *alarms, uint64_t utc_ms)
{
    uint64_t now = now_utc_ms(alarms), wait_ms = utc_ms > now ? utc_ms - now : 0;
    alarms->looks_utc_ms = utc_ms;
    timer_start(alarms->due_timer, wait_ms > LOOK_EVERY_MS ? LOOK_EVERY_MS : wait_ms);
}

static void set_due_timer(struct alarms *alarms)
{
    uint64_t first = UINT64_MAX;
    LIST_EACH (node, &alarms->order) {
        const struct alarm *alarm = LIST_OBJECT(node, struct alarm, node);
        if (alarm->is.due_utc_ms && alarm->is.due_utc_ms < first) first = alarm->is.due_utc_ms;
    }
    timer_stop(alarms->due_timer);
    if (first != UINT64_MAX) look_at(alarms, first);
}

static void look_for_due_soon(struct alarms *alarms, const struct alarm *alarm)
{
    if (alarm->is.due_utc_ms == 0) return;
    if (!timer_is_running(alarms->due_timer) || alarm->is.due_utc_ms < alarms->looks_utc_ms)
        look_at(alarms, alarm->is.due_utc_ms);
}

static struct text key_of(struct scope *scope, struct text condition, struct text application,
                          struct text about)
{
    return scope_format(scope, "%.*s\x1f%.*s\x1f%.*s", TEXT_ARG(condition), TEXT_ARG(application),
                        TEXT_ARG(about));
}

static struct alarm *find(struct alarms *alarms, struct text condition, struct text application,
                          struct text about)
{
    struct scope *scratch = scope_new(NULL, "alarm key", SCOPE_NO_LIMIT);
    struct alarm *found = table_get(alarms->active, key_of(scratch, condition, application, about));
    scope_close(scratch);
    return found;
}

static void put(struct alarms *alarms, struct alarm *alarm)
{
    alarm->key = key_of(alarm->life, alarm->condition, alarm->application, alarm->about);
    table_put(alarms->active, alarm->key, alarm);
    table_put(alarms->by_id, TEXT_OF(&alarm->id), alarm);
    list_add_last(&alarms->order, &alarm->node);
}

/* Not to the end of its scope: its move may still have to be written. */
static void take_out(struct alarms *alarms, struct alarm *alarm)
{
    (void)table_remove(alarms->active, alarm->key);
    (void)table_remove(alarms->by_id, TEXT_OF(&alarm->id));
    list_remove(&alarm->node);
}

static bool has_room(struct alarms *alarms)
{
    bool is_full = table_count(alarms->active) >= ALARMS_ACTIVE_MAX;
    if (is_full && !alarms->was_full)
        LOG_ALARM_BOOK_FULL(&alarms->server->app->log, (unsigned)ALARMS_ACTIVE_MAX);
    alarms->was_full = is_full;
    if (is_full) alarms->refused_total++;
    return !is_full;
}

/* PostgreSQL takes no NUL in a text. */
static struct text keep_clean(struct scope *scope, struct text text)
{
    char *at = scope_alloc(scope, text.len + 1);
    for (size_t i = 0; i < text.len; i++) at[i] = text.at[i] ? text.at[i] : '?';
    return (struct text){ at, text.len };
}

static struct alarm *alarm_new(struct alarms *alarms, const struct condition *condition,
                               const struct alarm_record *record)
{
    struct scope *life = scope_new(alarms->server->app->life, "alarm", SCOPE_NO_LIMIT);
    struct alarm *alarm = scope_alloc(life, sizeof *alarm);
    *alarm = (struct alarm){
        .life = life,
        .id = alarms->next_id++,
        .condition = scope_keep(life, condition->name),
        .category = scope_keep(life, condition->category),
        .application = scope_keep(life, record->application),
        .about = scope_keep(life, record->about),
        .host = keep_clean(life, record->host),
        .event = keep_clean(life, record->event),
        .text = keep_clean(life, text_slice(record->text, 0, TEXT_MAX)),
        .cleared_by = TEXT(""),
        .comment = TEXT(""),
    };
    put(alarms, alarm);
    return alarm;
}

struct alarm *alarms_find(const struct alarms *alarms, uint64_t id)
{
    return table_get(alarms->by_id, TEXT_OF(&id));
}

struct alarm *alarms_next(const struct alarms *alarms, struct alarm *before)
{
    struct list *node = before ? before->node.next : alarms->order.next;
    return node == &alarms->order ? NULL : LIST_OBJECT(node, struct alarm, node);
}

struct control_alarm_state alarm_message(const struct alarm *alarm)
{
    struct control_alarm_state out = {
        .head.has = CONTROL_ALARM_STATE_HAS_ID | CONTROL_ALARM_STATE_HAS_CONDITION |
                    CONTROL_ALARM_STATE_HAS_CATEGORY | CONTROL_ALARM_STATE_HAS_STATE |
                    CONTROL_ALARM_STATE_HAS_COUNT | CONTROL_ALARM_STATE_HAS_RAISED |
                    CONTROL_ALARM_STATE_HAS_LAST,
        .id = alarm->id,
        .condition = alarm->condition,
        .category = alarm->category,
        .application = alarm->application,
        .host = alarm->host,
        .state = alarm->is.state == ALARM_ACTIVE ? TEXT("active") : TEXT("cleared"),
        .count = alarm->is.detections > UINT32_MAX ? UINT32_MAX : (uint32_t)alarm->is.detections,
        .raised = alarm->is.raised_utc_ms,
        .last = alarm->is.last_utc_ms,
        .cleared = alarm->is.cleared_utc_ms,
        .cleared_by = alarm->cleared_by,
        .comment = alarm->comment,
        .event = alarm->event,
        .text = alarm->text,
    };
    if (alarm->application.len) out.head.has |= CONTROL_ALARM_STATE_HAS_APPLICATION;
    if (alarm->host.len) out.head.has |= CONTROL_ALARM_STATE_HAS_HOST;
    if (alarm->event.len) out.head.has |= CONTROL_ALARM_STATE_HAS_EVENT;
    if (alarm->text.len) out.head.has |= CONTROL_ALARM_STATE_HAS_TEXT;
    if (alarm->is.state == ALARM_CLEARED)
        out.head.has |= CONTROL_ALARM_STATE_HAS_CLEARED | CONTROL_ALARM_STATE_HAS_CLEARED_BY;
    if (alarm->comment.len) out.head.has |= CONTROL_ALARM_STATE_HAS_COMMENT;
    return out;
}

/* --- judging -------------------------------------------------------------------------------- */

static void note_move(struct alarms *alarms, struct alarm *alarm, enum alarm_move move)
{
    switch (move) {
    case ALARM_UNMOVED: return;
    case ALARM_CREATED:
        alarm->was_created = true;
        alarms->raised_total++;
        break;
    case ALARM_COUNTED: alarm->was_counted = true; break;
    case ALARM_DELETED:
        alarm->was_deleted = true;
        alarms->cleared_total++;
        take_out(alarms, alarm);
        break;
    }
    if (!list_is_linked(&alarm->moved_node)) list_add_last(&alarms->moved, &alarm->moved_node);
    if (move != ALARM_DELETED) look_for_due_soon(alarms, alarm);
}

static void detect(struct alarms *alarms, const struct condition *condition,
                   const struct alarm_record *record)
{
    if (!alarm_selects(condition->fields, record->application, record->type)) return;
    struct alarm *alarm = find(alarms, condition->name, record->application, record->about);
    if (alarm == NULL && !has_room(alarms)) return;
    if (alarm == NULL) alarm = alarm_new(alarms, condition, record);
    note_move(
        alarms, alarm,
        alarm_step(&alarm->is, ALARM_DETECTED, record->utc_ms, condition->fields->cancel_timeout));
}

static void clear(struct alarms *alarms, struct alarm *alarm, enum alarm_event event,
                  uint64_t utc_ms, struct text by)
{
    enum alarm_move move = alarm_step(&alarm->is, event, utc_ms, 0);
    if (move == ALARM_DELETED) alarm->cleared_by = scope_keep(alarm->life, by);
    note_move(alarms, alarm, move);
}

bool alarms_care(const struct alarms *alarms, struct text event)
{
    return table_get(alarms->detect, event) || table_get(alarms->cancel, event);
}

void alarms_judge(struct alarms *alarms, const struct alarm_record *record)
{
    ASSERT(alarms_are_ready(alarms));
    const struct condition *condition = table_get(alarms->detect, record->event);
    for (; condition; condition = condition->next_detect) detect(alarms, condition, record);
    condition = table_get(alarms->cancel, record->event);
    for (; condition; condition = condition->next_cancel) {
        struct alarm *alarm = find(alarms, condition->name, record->application, record->about);
        if (alarm) clear(alarms, alarm, ALARM_CANCELLED, record->utc_ms, record->event);
    }
}

void alarms_judge_script(struct alarms *alarms, struct text name, struct text application,
                         struct text host, struct text text, bool holds)
{
    const struct condition *condition = table_get(alarms->conditions, name);
    struct scope *scratch = scope_new(NULL, "detection", SCOPE_NO_LIMIT);
    struct alarm_record record = {
        .text = text,
        .application = application,
        .host = host,
        .about = application.len ? TEXT("") : scope_format(scratch, "host:%.*s", TEXT_ARG(host)),
        .utc_ms = now_utc_ms(alarms),
    };
    struct alarm *alarm = find(alarms, name, application, record.about);
    if (condition && holds && alarm == NULL) detect(alarms, condition, &record);
    if (!holds && alarm)
        clear(alarms, alarm, ALARM_CANCELLED, record.utc_ms, TEXT("detection script"));
    scope_close(scratch);
}

/* --- writing -------------------------------------------------------------------------------- */

static const struct statement keep_alarm = {
    "INSERT INTO alarm (id, condition, category, application, about, host, state, detections,"
    " raised_utc_ms, last_utc_ms, due_utc_ms, cleared_utc_ms, cleared_by, comment, event, text)"
    " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)"
    " ON CONFLICT (id) DO UPDATE SET state = excluded.state, detections = excluded.detections,"
    " last_utc_ms = excluded.last_utc_ms, due_utc_ms = excluded.due_utc_ms,"
    " cleared_utc_ms = excluded.cleared_utc_ms, cleared_by = excluded.cleared_by,"
    " comment = excluded.comment"
};

static void write_alarm(struct change *change, const struct alarm *alarm)
{
    const struct alarm_life *is = &alarm->is;
    change_add(change, &keep_alarm, 1);
    change_bind_i64(change, (int64_t)alarm->id);
    change_bind_text(change, alarm->condition);
    change_bind_text(change, alarm->category);
    change_bind_text(change, alarm->application);
    change_bind_text(change, alarm->about);
    change_bind_text(change, alarm->host);
    change_bind_i64(change, is->state);
    change_bind_i64(change, (int64_t)is->detections);
    change_bind_i64(change, (int64_t)is->raised_utc_ms);
    change_bind_i64(change, (int64_t)is->last_utc_ms);
    change_bind_i64(change, (int64_t)is->due_utc_ms);
    change_bind_i64(change, (int64_t)is->cleared_utc_ms);
    change_bind_text(change, alarm->cleared_by);
    change_bind_text(change, alarm->comment);
    change_bind_text(change, alarm->event);
    change_bind_text(change, alarm->text);
}

static struct control_alarm_state keep_message(struct scope *scope, const struct alarm *alarm)
{
    struct control_alarm_state out = alarm_message(alarm);
    struct text *const texts[] = { &out.condition,  &out.category, &out.application, &out.host,
                                   &out.cleared_by, &out.comment,  &out.event,       &out.text };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = scope_keep(scope, *texts[i]);
    return out;
}

static struct batch_move *add_move(struct alarm_batch *batch, const char *kind,
                                   const struct alarm *alarm)
{
    struct batch_move *move = scope_alloc(batch->life, sizeof *move);
    *move = (struct batch_move){ .kind = kind, .alarm = keep_message(batch->life, alarm) };
    if (batch->last)
        batch->last->next = move;
    else
        batch->first = move;
    batch->last = move;
    return move;
}

/* Raised and cleared in one change: it was active in between. */
static void as_active(struct control_alarm_state *alarm)
{
    alarm->state = TEXT("active");
    alarm->head.has &= ~(uint64_t)(CONTROL_ALARM_STATE_HAS_CLEARED |
                                   CONTROL_ALARM_STATE_HAS_CLEARED_BY |
                                   CONTROL_ALARM_STATE_HAS_COMMENT);
}

static void react(struct alarms *alarms, struct alarm_batch *batch, struct change *change,
                  const struct batch_move *move, bool is_clearance)
{
    const struct condition *condition = table_get(alarms->conditions, move->alarm.condition);
    if (condition == NULL || condition->fields->is_masked) return;
    const struct object_alarm_condition *fields = condition->fields;
    if (is_clearance)
        reactions_add(alarms->reactions, change, fields->clearance_scripts.at,
                      fields->clearance_scripts.count, &move->alarm, batch->life,
                      &batch->reactions);
    else
        reactions_add(alarms->reactions, change, fields->reaction_scripts.at,
                      fields->reaction_scripts.count, &move->alarm, batch->life, &batch->reactions);
}

static void stage_alarm(struct alarms *alarms, struct alarm_batch *batch, struct change *change,
                        struct alarm *alarm)
{
    write_alarm(change, alarm);
    if (alarm->was_created) {
        struct batch_move *move = add_move(batch, "created", alarm);
        as_active(&move->alarm);
        react(alarms, batch, change, move, false);
    } else if (alarm->was_counted && !alarm->was_deleted) {
        (void)add_move(batch, "counted", alarm);
    }
    if (alarm->was_deleted) react(alarms, batch, change, add_move(batch, "deleted", alarm), true);
    bool is_gone = alarm->was_deleted;
    alarm->was_created = alarm->was_counted = alarm->was_deleted = false;
    if (is_gone) scope_close(alarm->life);
}

struct alarm_batch *alarms_stage(struct alarms *alarms, struct change *change)
{
    if (list_is_empty(&alarms->moved)) return NULL;
    struct scope *life = scope_new(alarms->server->app->life, "alarm moves", SCOPE_NO_LIMIT);
    struct alarm_batch *batch = scope_alloc(life, sizeof *batch);
    batch->life = life;
    struct list *node;
    while ((node = list_first(&alarms->moved)) != NULL) {
        list_remove(node);
        stage_alarm(alarms, batch, change, LIST_OBJECT(node, struct alarm, moved_node));
    }
    alarms->in_flight++;
    return batch;
}

/* --- after the commit ----------------------------------------------------------------------- */

static void log_move(struct alarms *alarms, const struct batch_move *move)
{
    char condition[256], about[256], by[256];
    const struct control_alarm_state *alarm = &move->alarm;
    struct text whose = alarm->application.len ? alarm->application : alarm->host;
    (void)snprintf(condition, sizeof condition, "%.*s", TEXT_ARG(alarm->condition));
    (void)snprintf(about, sizeof about, "%.*s", TEXT_ARG(whose));
    (void)snprintf(by, sizeof by, "%.*s", TEXT_ARG(alarm->cleared_by));
    if (*move->kind == 'c' && move->kind[1] == 'r')
        LOG_ALARM_RAISED(&alarms->server->app->log, (unsigned long long)alarm->id, condition,
                         about);
    if (*move->kind == 'd')
        LOG_ALARM_CLEARED(&alarms->server->app->log, (unsigned long long)alarm->id, condition,
                          about, by);
}

static void read_again(struct alarms *alarms);
static void trim(struct alarms *alarms);

void alarms_settle(struct alarms *alarms, struct alarm_batch *batch, enum err err)
{
    if (batch == NULL) return;
    ASSERT(alarms->in_flight > 0);
    alarms->in_flight--;
    for (struct batch_move *move = err ? NULL : batch->first; move; move = move->next) {
        log_move(alarms, move);
        alarm_watchers_tell(alarms->server, move->kind, &move->alarm);
        alarms->cleared_since_trim += *move->kind == 'd';
    }
    if (!err) reactions_committed(alarms->reactions, batch->reactions);
    scope_close(batch->life);
    if (err) alarms->is_wrong = true;
    if (alarms->is_wrong && alarms->in_flight == 0) read_again(alarms);
    if (!err && alarms->cleared_since_trim >= TRIM_EVERY) trim(alarms);
}

struct committing {
    struct alarms *alarms;
    struct alarm_batch *batch;
    struct scope *life;
    void (*done)(void *self, enum err err, const struct control_alarm_state *alarm);
    void *self;
};

static void on_committed(void *self, const struct change_result *result)
{
    struct committing *committing = self;
    if (committing->done) {
        const struct batch_move *move = committing->batch ? committing->batch->last : NULL;
        committing->done(committing->self, result->err, move ? &move->alarm : NULL);
    }
    alarms_settle(committing->alarms, committing->batch, result->err);
    scope_close(committing->life);
}

static void commit(struct alarms *alarms,
                   void (*done)(void *self, enum err err, const struct control_alarm_state *alarm),
                   void *self)
{
    struct change *change = change_new(alarms->server->store);
    struct alarm_batch *batch = alarms_stage(alarms, change);
    if (batch == NULL) {
        change_drop(change);
        return;
    }
    struct scope *life = scope_new(alarms->server->app->life, "alarm commit", SCOPE_NO_LIMIT);
    struct committing *committing = scope_alloc(life, sizeof *committing);
    *committing = (struct committing){
        .alarms = alarms, .batch = batch, .life = life, .done = done, .self = self
    };
    change_submit(change, on_committed, committing);
}

void alarms_commit(struct alarms *alarms)
{
    commit(alarms, NULL, NULL);
}

void alarms_clear(struct alarms *alarms, struct alarm *alarm, struct text person,
                  struct text comment,
                  void (*done)(void *self, enum err err, const struct control_alarm_state *alarm),
                  void *self)
{
    alarms_commit(alarms); /* its batch holds this move alone */
    alarm->comment = keep_clean(alarm->life, comment);
    clear(alarms, alarm, ALARM_CLEARED_BY_HAND, now_utc_ms(alarms), person);
    commit(alarms, done, self);
}

static void on_due(void *self)
{
    struct alarms *alarms = self;
    if (alarms_are_ready(alarms)) {
        uint64_t now = now_utc_ms(alarms);
        for (struct alarm *alarm = alarms_next(alarms, NULL), *next; alarm; alarm = next) {
            next = alarms_next(alarms, alarm);
            if (alarm->is.due_utc_ms && alarm->is.due_utc_ms <= now)
                clear(alarms, alarm, ALARM_TIME_UP, now, TEXT("timeout"));
        }
        alarms_commit(alarms);
    }
    set_due_timer(alarms);
}

/* --- the history's limit -------------------------------------------------------------------- */

static void trim(struct alarms *alarms)
{
    static const struct statement statement = { "DELETE FROM alarm WHERE state = 2 AND id <= ?1" };
    uint64_t keep = control_options(alarms->server)->alarms_history;
    alarms->cleared_since_trim = 0;
    if (alarms->next_id <= keep) return;
    struct change *change = change_new(alarms->server->store);
    change_add(change, &statement, ROWS_ANY);
    change_bind_i64(change, (int64_t)(alarms->next_id - keep));
    change_submit(change, NULL, NULL);
}

/* --- reading what is true ------------------------------------------------------------------- */

static const struct statement read_active = {
    "SELECT id, condition, category, application, about, host, detections, raised_utc_ms,"
    " last_utc_ms, due_utc_ms, event, text FROM alarm WHERE state = 1 ORDER BY id LIMIT 100000"
};
static const struct statement read_last = { "SELECT max(id) FROM alarm" };

bool alarms_are_ready(const struct alarms *alarms)
{
    return !alarms->is_wrong && !alarms->is_reading;
}

static void forget_all(struct alarms *alarms)
{
    struct list *node;
    while ((node = list_first(&alarms->moved)) != NULL) {
        struct alarm *alarm = LIST_OBJECT(node, struct alarm, moved_node);
        list_remove(node);
        if (alarm->was_deleted) scope_close(alarm->life);
    }
    while ((node = list_first(&alarms->order)) != NULL) {
        struct alarm *alarm = LIST_OBJECT(node, struct alarm, node);
        take_out(alarms, alarm);
        scope_close(alarm->life);
    }
}

static void add_row(struct alarms *alarms, const struct rows *rows, uint32_t row)
{
    struct scope *life = scope_new(alarms->server->app->life, "alarm", SCOPE_NO_LIMIT);
    struct alarm *alarm = scope_alloc(life, sizeof *alarm);
    *alarm = (struct alarm){
        .life = life,
        .id = (uint64_t)rows_i64(rows, row, 0),
        .condition = scope_keep(life, rows_text(rows, row, 1)),
        .category = scope_keep(life, rows_text(rows, row, 2)),
        .application = scope_keep(life, rows_text(rows, row, 3)),
        .about = scope_keep(life, rows_text(rows, row, 4)),
        .host = scope_keep(life, rows_text(rows, row, 5)),
        .is = { .state = ALARM_ACTIVE,
                .detections = (uint64_t)rows_i64(rows, row, 6),
                .raised_utc_ms = (uint64_t)rows_i64(rows, row, 7),
                .last_utc_ms = (uint64_t)rows_i64(rows, row, 8),
                .due_utc_ms = (uint64_t)rows_i64(rows, row, 9) },
        .event = scope_keep(life, rows_text(rows, row, 10)),
        .text = scope_keep(life, rows_text(rows, row, 11)),
        .cleared_by = TEXT(""),
        .comment = TEXT(""),
    };
    put(alarms, alarm);
}

static void on_active(void *self, enum err err, const struct rows *rows)
{
    struct alarms *alarms = self;
    alarms->is_reading = false;
    if (err) {
        alarms->is_wrong = true;
        timer_start(alarms->retry_timer, RETRY_MS);
        return;
    }
    alarms->is_wrong = false;
    forget_all(alarms);
    for (uint32_t row = 0; row < rows_count(rows); row++) add_row(alarms, rows, row);
    set_due_timer(alarms);
}

static void read_again(struct alarms *alarms)
{
    if (alarms->is_reading) return;
    struct query query = { .statement = &read_active };
    alarms->is_reading = true;
    store_query(alarms->server->store, &query, on_active, alarms);
}

static void on_retry(void *self)
{
    read_again(self);
}

static void on_last(void *self, enum err err, const struct rows *rows)
{
    struct alarms *alarms = self;
    if (!err && rows_count(rows)) alarms->next_id = (uint64_t)rows_i64(rows, 0, 0) + 1;
}

/* --- configuration -------------------------------------------------------------------------- */

static void add_condition(struct alarms *alarms, const struct app_object *object)
{
    const struct object_alarm_condition *fields = (const void *)object->fields;
    struct condition *condition = scope_alloc(alarms->config_life, sizeof *condition);
    *condition = (struct condition){ .name = fields->name, .fields = fields };
    condition->category = fields->category.len ? fields->category : TEXT("major");
    table_put(alarms->conditions, condition->name, condition);
    if (fields->detect_event.len && fields->detect_script.len == 0) {
        condition->next_detect = table_get(alarms->detect, fields->detect_event);
        table_put(alarms->detect, fields->detect_event, condition);
    }
    if (fields->cancel_event.len) {
        condition->next_cancel = table_get(alarms->cancel, fields->cancel_event);
        table_put(alarms->cancel, fields->cancel_event, condition);
    }
}

void alarms_configure(struct alarms *alarms)
{
    const struct app_object *object;
    scope_reset(alarms->config_life);
    alarms->conditions = table_new(alarms->config_life);
    alarms->detect = table_new(alarms->config_life);
    alarms->cancel = table_new(alarms->config_life);
    for (size_t at = 0;
         (object = app_object_next(alarms->server->app, &OBJECT_ALARM_CONDITION, &at)) != NULL;)
        add_condition(alarms, object);
    reactions_configure(alarms->reactions);
    samples_configure(alarms->samples);
}

enum err alarms_open(struct control_server *server, struct alarms **out, struct fault *fault)
{
    struct scope *life = server->app->life;
    struct alarms *alarms = scope_alloc(life, sizeof *alarms);
    *alarms = (struct alarms){
        .server = server,
        .config_life = scope_new(life, "alarm conditions", SCOPE_NO_LIMIT),
        .active = table_new(life),
        .by_id = table_new(life),
        .due_timer = timer_new(life, server->app->loop, on_due, alarms),
        .retry_timer = timer_new(life, server->app->loop, on_retry, alarms),
        .next_id = 1,
    };
    list_init(&alarms->order);
    list_init(&alarms->moved);
    struct query last = { .statement = &read_last }, active = { .statement = &read_active };
    enum err err = store_query_now(server->store, &last, on_last, alarms);
    if (!err) err = store_query_now(server->store, &active, on_active, alarms);
    if (err) return fault_set(fault, err, "alarm", "%s", store_query_words(server->store));
    alarms->reactions = reactions_open(server);
    alarms->samples = samples_open(server);
    *out = alarms;
    alarms_configure(alarms);
    return ERR_OK;
}

void alarms_count(const struct alarms *alarms, struct control_counters *out)
{
    out->control_alarms_active = table_count(alarms->active);
    out->control_alarms_raised_total = alarms->raised_total;
    out->control_alarms_cleared_total = alarms->cleared_total;
    out->control_alarms_refused_total = alarms->refused_total;
    reactions_count(alarms->reactions, out);
}

void alarms_flush(struct alarms *alarms)
{
    timer_stop(alarms->due_timer);
    timer_stop(alarms->retry_timer);
    reactions_flush(alarms->reactions);
}
