/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/schedule_keeper.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "model/call_result.h"
#include "servers/outbound/outbound_schedule.h"
#include "servers/outbound/session.h"

#include <stdio.h>
#include <string.h>

enum { ITEMS_MAX = 1000, SLEEP_MAX_MS = 60000, KEY_BYTES_MAX = 320, DAY_MS = 86400000 };

/* How far an item was carried out; for as long as we run. */
struct progress {
    struct text key; /* "17/morning": DBID of the script, name of the section */
    uint64_t handled_utc_ms;
    const char *flaw; /* that was said last; NULL: none */
};

struct kept_item {
    struct schedule_item item;
    struct zone_clock clock;
    uint32_t group_dbid;
    struct progress *progress;
};

struct schedule_keeper {
    struct outbound *server;
    struct scope *config_life, *progress_life;
    struct kept_item *items;
    uint32_t count;
    struct table *progress; /* by key */
    struct timer *timer;
};

/* --- what was carried out --- */

static struct progress *progress_of(struct schedule_keeper *keeper, struct text key)
{
    struct progress *progress = table_get(keeper->progress, key);
    if (progress) return progress;
    progress = scope_alloc(keeper->progress_life, sizeof *progress);
    progress->key = scope_keep(keeper->progress_life, key);
    table_put(keeper->progress, progress->key, progress);
    return progress;
}

static void remember(struct schedule_keeper *keeper, struct progress *progress, uint64_t utc_ms)
{
    static const struct statement put = {
        "INSERT INTO schedule_progress (item_key, handled_utc_ms) VALUES (?1, ?2) "
        "ON CONFLICT (item_key) DO UPDATE SET handled_utc_ms = excluded.handled_utc_ms"
    };
    progress->handled_utc_ms = utc_ms;
    struct change *change = change_new(keeper->server->store);
    change_add(change, &put, 1);
    change_bind_text(change, progress->key);
    change_bind_i64(change, (int64_t)utc_ms);
    change_submit(change, NULL, NULL);
}

static void on_progress(void *self, enum err err, const struct rows *rows)
{
    struct schedule_keeper *keeper = self;
    for (uint32_t i = 0; !err && i < rows_count(rows); i++)
        progress_of(keeper, rows_text(rows, i, 0))->handled_utc_ms = (uint64_t)rows_i64(rows, i, 1);
}

/* --- giving orders --- */

static void hear_reply(struct request *request, const struct msg *msg, const void *fields,
                       struct text etag)
{
    (void)request, (void)msg, (void)fields, (void)etag; /* order.c says the new state */
}

static void hear_refusal(struct request *request, const struct refusal *refusal)
{
    LOG_SCHEDULE_FAILED(&request->server->app->log, request->msg->name, refusal->words);
}

static const struct request_edge own_edge = { .reply = hear_reply, .refuse = hear_refusal };

static void give(struct outbound *server, const struct msg *msg, void *fields)
{
    struct request *request = request_new(server, msg, &own_edge);
    void *copy = scope_alloc(request->life, msg->shape->size);
    memcpy(copy, fields, msg->shape->size);
    request->fields = copy;
    request_run(request);
}

static void load(struct outbound *server, uint32_t group_dbid)
{
    struct outbound_campaign_load order = { .gsw_campaign_group_dbid = group_dbid };
    give(server, &MSG_OUTBOUND_CAMPAIGN_LOAD, &order);
}

static void start(struct outbound *server, uint32_t group_dbid)
{
    const struct app_object *object =
        app_object_by_dbid(server->app, &OBJECT_CAMPAIGN_GROUP, group_dbid);
    if (object == NULL) return;
    const struct object_campaign_group *group =
        (const struct object_campaign_group *)object->fields;
    static const struct named_number modes[] = {
        { 1, "Predict" },          { 2, "Progress" },        { 3, "Preview" },
        { 4, "ProgressAndSeize" }, { 5, "PredictAndSeize" }, { 6, "Power" },
        { 7, "PowerAndSeize" },    { 8, "PushPreview" },     { 9, "ProgressGVP" },
        { 10, "PredictGVP" },      { 11, "PowerGVP" },
    };
    static const struct named_numbers table = { modes, sizeof modes / sizeof modes[0] };
    struct outbound_campaign_start order = { .gsw_campaign_group_dbid = group_dbid,
                                             .gsw_dial_mode = DIAL_MODE_PREVIEW };
    (void)named_number_find(&table, group->dial_mode, &order.gsw_dial_mode);
    give(server, &MSG_OUTBOUND_CAMPAIGN_START, &order);
}

/* The orders that lead there; those fulfilled already are acknowledged without change. */
static void carry_out(struct outbound *server, uint32_t group_dbid, enum schedule_action action)
{
    struct session *session = session_of(server, group_dbid, NULL);
    if (session == NULL) return;
    bool is_loaded = session->fsm.state != SESSION_NULL;
    switch (action) {
    case SCHEDULE_LOAD: load(server, group_dbid); return;
    case SCHEDULE_START:
        if (!is_loaded) load(server, group_dbid); /* the next order waits for it */
        start(server, group_dbid);
        return;
    case SCHEDULE_STOP: {
        struct outbound_campaign_stop order = { .gsw_campaign_group_dbid = group_dbid };
        if (is_loaded) give(server, &MSG_OUTBOUND_CAMPAIGN_STOP, &order);
        return;
    }
    case SCHEDULE_UNLOAD: {
        struct outbound_campaign_unload order = { .gsw_campaign_group_dbid = group_dbid };
        if (is_loaded) give(server, &MSG_OUTBOUND_CAMPAIGN_UNLOAD, &order);
        return;
    }
    case SCHEDULE_ACTIONS: return;
    }
}

/* --- looking --- */

static void look(void *self)
{
    struct schedule_keeper *keeper = self;
    struct outbound *server = keeper->server;
    uint64_t now_utc_ms = loop_now_utc_ms(server->app->loop), soonest = UINT64_MAX;
    for (uint32_t i = 0; i < keeper->count; i++) {
        struct kept_item *kept = &keeper->items[i];
        struct progress *progress = kept->progress;
        enum schedule_action action;
        /* A clock that went wrong by days and was put right does not hold them up for days; one
         * that is set back by hours does nothing a second time. */
        if (progress->handled_utc_ms > now_utc_ms + DAY_MS) remember(keeper, progress, now_utc_ms);
        if (!server->is_suspended && progress->handled_utc_ms < now_utc_ms &&
            schedule_last(&kept->item, &kept->clock, progress->handled_utc_ms, now_utc_ms,
                          &action)) {
            carry_out(server, kept->group_dbid, action);
            remember(keeper, progress, now_utc_ms);
        }
        uint64_t next = schedule_next(&kept->item, &kept->clock, now_utc_ms);
        if (next < soonest) soonest = next;
    }
    uint64_t left_ms = soonest - now_utc_ms; /* the wall clock may be set: never sleep for long */
    if (keeper->count) timer_start(keeper->timer, left_ms < SLEEP_MAX_MS ? left_ms : SLEEP_MAX_MS);
}

/* --- configuration --- */

static const char *find_clock(struct outbound *server, struct text name, struct zone_clock *out)
{
    *out = (struct zone_clock){ 0 };
    if (name.len == 0) return NULL;
    const struct app_object *object = app_object(server->app, &OBJECT_TIME_ZONE, name);
    if (object == NULL) return "time-zone names no TimeZone";
    *out = zone_clock_of((const struct object_time_zone *)object->fields);
    return NULL;
}

static const char *find_group(struct outbound *server, struct text name, uint32_t *out)
{
    uint32_t dbid = 0;
    const struct app_object *object = app_object(server->app, &OBJECT_CAMPAIGN_GROUP, name);
    if (object == NULL && !text_to_u32(name, 1, UINT32_MAX, &dbid))
        object = app_object_by_dbid(server->app, &OBJECT_CAMPAIGN_GROUP, dbid);
    if (object == NULL) return "campaign-group names no CampaignGroup";
    const struct object_campaign_group *group =
        (const struct object_campaign_group *)object->fields;
    *out = object->dbid;
    return text_eq(group->operation_mode, TEXT("Scheduled"))
               ? NULL
               : "the campaign group's operationMode is not Scheduled";
}

static void add_item(struct schedule_keeper *keeper, const struct app_object *script,
                     const struct pair *section)
{
    struct kept_item *kept = &keeper->items[keeper->count];
    struct outbound *server = keeper->server;
    const char *flaw = schedule_item_parse(&section->value.pairs, &kept->item);
    if (!flaw) flaw = find_clock(server, kept->item.time_zone, &kept->clock);
    if (!flaw) flaw = find_group(server, kept->item.campaign_group, &kept->group_dbid);
    char name[128] = "", item[128] = "", key[KEY_BYTES_MAX];
    (void)text_to_z(text_slice(script->fields->name, 0, sizeof name - 1), name, sizeof name);
    (void)text_to_z(text_slice(section->name, 0, sizeof item - 1), item, sizeof item);
    (void)snprintf(key, sizeof key, "%u/%s", script->dbid, item);
    kept->progress = progress_of(keeper, text_of(key));
    if (flaw && flaw != kept->progress->flaw)
        LOG_SCHEDULE_REFUSED(&server->app->log, name, item, flaw);
    kept->progress->flaw = flaw;
    if (flaw) return;
    if (kept->progress->handled_utc_ms == 0) /* seen for the first time */
        remember(keeper, kept->progress, loop_now_utc_ms(server->app->loop));
    keeper->count++;
}

void schedule_keeper_configure(struct schedule_keeper *keeper)
{
    struct outbound *server = keeper->server;
    scope_reset(keeper->config_life);
    keeper->items = scope_alloc_array(keeper->config_life, ITEMS_MAX, sizeof *keeper->items);
    keeper->count = 0;
    const struct app_object *script;
    for (size_t at = 0; (script = app_object_next(server->app, &OBJECT_SCRIPT, &at)) != NULL;) {
        const struct object_script *fields = (const struct object_script *)script->fields;
        const struct kv *annex = &script->fields->annex;
        if (!text_eq(fields->type, TEXT("OutboundSchedule"))) continue;
        for (uint32_t i = 0; i < annex->count && keeper->count < ITEMS_MAX; i++)
            if (annex->at[i].value.kind == VALUE_KV) add_item(keeper, script, &annex->at[i]);
    }
    timer_start(keeper->timer, 0);
}

enum err schedule_keeper_new(struct outbound *server, struct schedule_keeper **out,
                             struct fault *fault)
{
    static const struct statement all = {
        "SELECT item_key, handled_utc_ms FROM schedule_progress"
    };
    struct scope *life = server->app->life;
    struct schedule_keeper *keeper = scope_alloc(life, sizeof *keeper);
    *keeper = (struct schedule_keeper){
        .server = server,
        .config_life = scope_new(life, "schedules", SCOPE_NO_LIMIT),
        .progress_life = scope_new(life, "progress of schedules", SCOPE_NO_LIMIT),
        .progress = table_new(life),
        .timer = timer_new(life, server->app->loop, look, keeper),
    };
    struct query query = { .statement = &all };
    enum err err = store_query_now(server->store, &query, on_progress, keeper);
    if (err) return fault_set(fault, err, "store", "cannot read how far schedules have come");
    *out = keeper;
    return ERR_OK;
}
