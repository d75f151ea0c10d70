/* SPDX-License-Identifier: Apache-2.0 */
/* What is written and read of alarms: moves go into the change that their cause is in, and are told
 * when it is durable; after one that failed the active ones are read anew. Begin reading at
 * alarms_stage() and alarms_settle(). */
#include "gen/events.h"
#include "gen/objects.h"
#include "servers/control/alarms_private.h"
#include "servers/control/reactions.h"

#include <stdio.h>

enum { RETRY_MS = 1000, TRIM_EVERY = 1000 /* cleared ones */ };

struct alarm_batch {
    struct scope *life;
    struct batch_move {
        struct batch_move *next;
        const char *kind;
        struct control_alarm_state alarm;
    } * first, *last;
    struct reaction_ids *reactions;
};

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
    if (alarms->is_wrong && alarms->in_flight == 0) alarms_read_again(alarms);
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

void alarms_commit_with(struct alarms *alarms,
                        void (*done)(void *self, enum err err,
                                     const struct control_alarm_state *alarm),
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
        alarms_take_out(alarms, alarm);
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
    alarms_put(alarms, alarm);
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
    alarms_set_due_timer(alarms);
}

void alarms_read_again(void *self)
{
    struct alarms *alarms = self;
    if (alarms->is_reading) return;
    struct query query = { .statement = &read_active };
    alarms->is_reading = true;
    store_query(alarms->server->store, &query, on_active, alarms);
}

static void on_last(void *self, enum err err, const struct rows *rows)
{
    struct alarms *alarms = self;
    if (!err && rows_count(rows)) alarms->next_id = (uint64_t)rows_i64(rows, 0, 0) + 1;
}

enum err alarms_read(struct alarms *alarms)
{
    struct query last = { .statement = &read_last }, active = { .statement = &read_active };
    enum err err = store_query_now(alarms->server->store, &last, on_last, alarms);
    return err ? err : store_query_now(alarms->server->store, &active, on_active, alarms);
}
