/* SPDX-License-Identifier: Apache-2.0 */
/* Records of our own, and about those who cannot speak for themselves: they stay in a list until
 * they are durable. Begin reading at log_keeper_add(). */
#include "format/json.h"
#include "format/msgpack.h"
#include "gen/messages.h"
#include "servers/control/alarms.h"
#include "servers/control/log_keeper_private.h"

enum { OWN_BATCH = 500, OWN_RETRY_MS = 1000, TEXT_BYTES_MAX = 16384 /* of the message */ };

struct own { /* one that waits */
    struct scope *life;
    struct list node;
    struct own_record record;
};

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

/* To the MessageServer, through our spool. */
static void send_away(struct app *app, const struct own_record *record)
{
    struct buf bytes = { 0 };
    struct control_log_record fields = {
        .head.has = CONTROL_LOG_RECORD_HAS_ID | CONTROL_LOG_RECORD_HAS_TIME |
                    CONTROL_LOG_RECORD_HAS_PRIORITY | CONTROL_LOG_RECORD_HAS_CATEGORY |
                    CONTROL_LOG_RECORD_HAS_TEXT | CONTROL_LOG_RECORD_HAS_ATTRIBUTES,
        .id = record->event,
        .time = record->utc_us ? record->utc_us : loop_now_utc_ms(app->loop) * 1000,
        .priority = record->priority,
        .category = record->category,
        .text = text_slice(record->text, 0, TEXT_BYTES_MAX),
        .ixn = record->ixn,
        .attributes = record->attributes,
        .application = record->application,
        .host = record->host,
        .about = record->about,
    };
    if (record->ixn.len) fields.head.has |= CONTROL_LOG_RECORD_HAS_IXN;
    if (record->application.len) fields.head.has |= CONTROL_LOG_RECORD_HAS_APPLICATION;
    if (record->host.len) fields.head.has |= CONTROL_LOG_RECORD_HAS_HOST;
    if (record->about.len) fields.head.has |= CONTROL_LOG_RECORD_HAS_ABOUT;
    msgpack_encode(&bytes, &SHAPE_CONTROL_LOG_RECORD, &fields);
    (void)app_send_log(app, buf_text(&bytes));
    buf_free(&bytes);
}

void log_keeper_add(struct log_keeper *keeper, const struct own_record *record)
{
    struct app *app = keeper->server->app;
    if (keeper->server->sends_notes) {
        send_away(app, record);
        return;
    }
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
    struct text type = log_type_of(server, application, record->type);
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
    struct log_row row = { .event = record->event,
                           .text = record->text,
                           .ixn = record->ixn,
                           .application = application.len ? application : server->app->name,
                           .type = type,
                           .host = host,
                           .time_us = record->utc_us,
                           .priority = record->priority,
                           .category = record->category,
                           .attributes = &record->attributes };
    log_row_write(keeper, change, &row);
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
    log_tell_of_store(keeper, result);
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
    log_trim_stop(keeper->trim);
    keep_own(keeper);
}

/* --- life ----------------------------------------------------------------------------------- */

static void forget(void *self)
{
    struct log_keeper *keeper = self;
    chore_cancel(&keeper->own_chore);
}

void log_own_open(struct log_keeper *keeper)
{
    struct scope *life = keeper->server->app->life;
    keeper->own_chore = (struct chore){ .run = keep_own, .self = keeper };
    keeper->own_timer = timer_new(life, keeper->server->app->loop, keep_own, keeper);
    list_init(&keeper->own);
    scope_on_close(life, forget, keeper);
}
