/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/record_history.h"

#include "gen/objects.h"
#include "model/option.h"
#include "servers/outbound/call_hide.h"
#include "servers/outbound/call_line.h"
#include "servers/outbound/flat_file.h"

enum { FLUSH_MS = 1000, NAME_BYTES_MAX = 200 };

struct list_history {
    uint32_t list_dbid;
    struct flat_file *file; /* NULL: not wanted */
    struct text delimiter;
};

struct record_history {
    struct outbound *server;
    struct scope *config_life;
    struct table *lists; /* by DBID */
    struct timer *flush_timer;
    bool is_timed; /* a flush is due within a second */
    struct buf line;
};

static void flush(void *self)
{
    struct record_history *history = self;
    struct list_history *list;
    history->is_timed = false;
    uint64_t now_utc_ms = loop_now_utc_ms(history->server->app->loop);
    for (size_t at = 0; (list = table_next(history->lists, &at)) != NULL;)
        if (list->file) flat_file_flush(list->file, now_utc_ms);
}

void record_history_flush(struct outbound *server)
{
    flush(server->record_history);
}

static void drop_line(void *self)
{
    struct record_history *history = self;
    buf_free(&history->line);
}

struct record_history *record_history_new(struct outbound *server)
{
    struct app *app = server->app;
    struct record_history *history = scope_alloc(app->life, sizeof *history);
    history->server = server;
    history->config_life = scope_new(app->life, "record history", SCOPE_NO_LIMIT);
    history->lists = table_new(history->config_life);
    history->flush_timer = timer_new(app->life, app->loop, flush, history);
    scope_on_close(app->life, drop_line, history);
    return history;
}

void record_history_configure(struct outbound *server)
{
    struct record_history *history = server->record_history;
    scope_reset(history->config_life);
    history->lists = table_new(history->config_life);
}

/* A list's name may hold what a file's name may not. */
static struct text file_name(struct scope *scope, struct text list)
{
    list = text_slice(list, 0, NAME_BYTES_MAX);
    char *name = scope_alloc(scope, list.len + 1);
    for (size_t i = 0; i < list.len; i++) {
        unsigned char byte = (unsigned char)list.at[i];
        bool is_plain = byte >= 0x80 || (byte >= '0' && byte <= '9') ||
                        ((byte | 32) >= 'a' && (byte | 32) <= 'z') || byte == '-' || byte == '_' ||
                        byte == ' ' || (byte == '.' && i > 0);
        name[i] = is_plain ? list.at[i] : '_';
    }
    return (struct text){ name, list.len };
}

static struct list_history *history_of(struct record_history *history, uint32_t list_dbid)
{
    struct list_history *list = table_get(history->lists, TEXT_OF(&list_dbid));
    if (list) return list;
    struct outbound *server = history->server;
    struct scope *life = history->config_life;
    const struct app_object *object =
        app_object_by_dbid(server->app, &OBJECT_CALLING_LIST, list_dbid);
    const struct app_object *self = app_self(server->app);
    struct option_layer layers[] = {
        { LEVEL_CALLING_LIST, object ? &object->fields->annex : NULL },
        { LEVEL_APPLICATION,
          self ? &((const struct object_application *)self->fields)->options : NULL },
    };
    struct option_source source = { server->app->name, layers, 2 };
    const struct outbound_options *options =
        option_resolve(&OPTIONS_OUTBOUND, &source, NULL, life, NULL, NULL);
    list = scope_alloc(life, sizeof *list);
    list->list_dbid = list_dbid;
    bool is_tab = text_eq_fold(options->dial_log_delimiter, TEXT("TAB")) ||
                  options->dial_log_delimiter.len == 0;
    list->delimiter = is_tab ? TEXT("\t") : options->dial_log_delimiter;
    struct flat_file_options wanted = {
        .folder = options->dial_log_destination,
        .name = object ? file_name(life, object->fields->name) : (struct text){ "", 0 },
        .buffer_bytes = options->dial_log_buffer * 1024,
    };
    if (wanted.folder.len && wanted.name.len)
        list->file = flat_file_new(life, &server->app->log, &wanted);
    table_put(history->lists, TEXT_OF(&list->list_dbid), list);
    return list;
}

static const char *event_of(const struct chain_outcome *outcome)
{
    if (outcome->round == ROUND_OPENS) return "given out";
    if (!outcome->notifies) return "given back";
    return outcome->is_treated ? "treated" : "processed";
}

void record_history_add(const struct chain_step *step)
{
    const struct live_chain *live = step->live;
    const struct chain_outcome *outcome = &step->outcome;
    struct outbound *server = live->session->server;
    struct record_history *history = server->record_history;
    if (outcome->round != ROUND_OPENS && outcome->round != ROUND_CLOSES) return;
    struct list_history *list = history_of(history, live->list_dbid);
    if (list->file == NULL) return;
    struct session_names names;
    if (!session_names(server, live->session->dbid, &names, NULL))
        names = (struct session_names){ 0 };
    const struct record *record = &live->chain.records[step->record];
    struct buf hidden = { 0 };
    struct call_line line = { .out = &history->line, .delimiter = list->delimiter };
    buf_clear(&history->line);
    call_line_time(&line, outcome->now_utc_ms);
    call_line_text(&line, text_of(event_of(outcome)));
    call_line_text(&line, names.campaign);
    call_line_text(&line, names.campaign_group);
    call_line_i64(&line, record_i64(record, COLUMN_RECORD_ID));
    call_line_i64(&line, record_i64(record, COLUMN_CHAIN_ID));
    call_line_i64(&line, record_i64(record, COLUMN_CHAIN_N));
    call_line_i64(&line, record->handle);
    call_line_text(&line, guid_text(&outcome->attempt_guid));
    call_line_text(&line, call_hide(server, &hidden, TEXT("GSW_PHONE"),
                                    record_text(record, COLUMN_CONTACT_INFO)));
    call_line_i64(&line, record_i64(record, COLUMN_RECORD_TYPE));
    call_line_i64(&line, record_i64(record, COLUMN_RECORD_STATUS));
    call_line_i64(&line, record_i64(record, COLUMN_CALL_RESULT));
    call_line_i64(&line, record_i64(record, COLUMN_ATTEMPT));
    call_line_i64(&line, record_i64(record, COLUMN_DIAL_SCHED_TIME));
    call_line_text(&line, call_hide(server, &hidden, TEXT("GSW_AGENT_ID"), outcome->agent_id));
    call_line_end(&line);
    flat_file_write(list->file, buf_text(&history->line), outcome->now_utc_ms);
    if (!history->is_timed) timer_start(history->flush_timer, FLUSH_MS);
    history->is_timed = true;
    buf_free(&hidden);
}
