/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at alarms_judge(): memory moves at once; then alarms_stage(), alarms_settle(),
 * which are in alarm_store.c. */
#include "servers/control/alarms_private.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "servers/control/alarm_detect.h"
#include "servers/control/alarm_samples.h"
#include "servers/control/reactions.h"

enum {
    TEXT_MAX = 4096, /* of a record, as an alarm keeps it */
    LOOK_EVERY_MS = 60 * 1000,
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

void alarms_set_due_timer(struct alarms *alarms)
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

void alarms_put(struct alarms *alarms, struct alarm *alarm)
{
    alarm->key = key_of(alarm->life, alarm->condition, alarm->application, alarm->about);
    table_put(alarms->active, alarm->key, alarm);
    table_put(alarms->by_id, TEXT_OF(&alarm->id), alarm);
    list_add_last(&alarms->order, &alarm->node);
}

void alarms_take_out(struct alarms *alarms, struct alarm *alarm)
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
    alarms_put(alarms, alarm);
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
        alarms_take_out(alarms, alarm);
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

bool alarms_are_ready(const struct alarms *alarms)
{
    return !alarms->is_wrong && !alarms->is_reading;
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

/* --- the clock, and who clears by hand -------------------------------------------------------- */

void alarms_commit(struct alarms *alarms)
{
    alarms_commit_with(alarms, NULL, NULL);
}

void alarms_clear(struct alarms *alarms, struct alarm *alarm, struct text person,
                  struct text comment,
                  void (*done)(void *self, enum err err, const struct control_alarm_state *alarm),
                  void *self)
{
    alarms_commit(alarms); /* its batch holds this move alone */
    alarm->comment = keep_clean(alarm->life, comment);
    clear(alarms, alarm, ALARM_CLEARED_BY_HAND, now_utc_ms(alarms), person);
    alarms_commit_with(alarms, done, self);
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
    alarms_set_due_timer(alarms);
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
        .retry_timer = timer_new(life, server->app->loop, alarms_read_again, alarms),
        .next_id = 1,
    };
    list_init(&alarms->order);
    list_init(&alarms->moved);
    enum err err = alarms_read(alarms);
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
