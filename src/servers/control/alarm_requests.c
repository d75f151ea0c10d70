/* SPDX-License-Identifier: Apache-2.0 */
/* Who asks for alarms, clears one, watches them; each hears of what he may read alone. */
#include "base/buf.h"
#include "gen/objects.h"
#include "servers/control/alarms.h"

#include <string.h>

enum {
    PAGE_ROWS = 500,
    PAGES_MAX = 20,
    LIMIT_USUAL = 100,
    LIMIT_MAX = 1000,
    PENDING_MAX = 10000, /* moves that a watcher has not been told */
    WORDS_MAX = 300,
};

/* An alarm is its application's; one about a host, or of somebody who is no Application object, is
 * the host's. */
static bool may_see(const struct control_server *server, const struct readable *readable,
                    const struct control_alarm_state *alarm)
{
    if (alarm->application.len &&
        app_object(server->app, &OBJECT_APPLICATION, alarm->application) != NULL)
        return rights_may_read(readable, "Application", alarm->application);
    return rights_may_read(readable, "Host", alarm->host);
}

/* --- reading -------------------------------------------------------------------------------- */

struct reading {
    struct control_server *server;
    struct link_request *request; /* NULL: for a watcher */
    struct scope *life;
    struct asker asker;
    struct text state, application;
    uint64_t before;
    uint32_t limit, pages, looked_at;
    bool is_at_end;
    struct control_alarm_state *page, *found;
    uint32_t page_count, found_count;
    void (*done)(struct reading *reading, const struct link_error *error,
                 const struct control_alarms *alarms);
    void *self;
};

static void end(struct reading *reading, const struct link_error *error)
{
    struct control_alarms alarms = {
        .head.has = CONTROL_ALARMS_HAS_ALARMS | CONTROL_ALARMS_HAS_MORE,
        .alarms = { reading->found, reading->found_count },
        .more = !reading->is_at_end,
        .next = reading->before,
    };
    if (alarms.more) alarms.head.has |= CONTROL_ALARMS_HAS_NEXT;
    reading->done(reading, error, &alarms);
    scope_close(reading->life);
}

static void end_with(struct reading *reading, enum err err, const char *words)
{
    struct link_error error = { .err = err,
                                .protocol = TEXT("control"),
                                .name = TEXT("AlarmsNotRead"),
                                .text = text_of(words),
                                .retryable = err == ERR_UNAVAILABLE };
    end(reading, &error);
}

static void read_page(struct reading *reading);

static void on_readable(void *self, const struct readable *readable, const struct link_error *error)
{
    struct reading *reading = self;
    if (error || reading->asker.kind == ASKER_NOBODY) {
        if (error)
            end(reading, error);
        else
            end_with(reading, ERR_DENIED, "nobody knows who asks");
        return;
    }
    uint32_t at = 0;
    for (; at < reading->page_count && reading->found_count < reading->limit; at++) {
        reading->before = reading->page[at].id;
        if (may_see(reading->server, readable, &reading->page[at]))
            reading->found[reading->found_count++] = reading->page[at];
    }
    reading->is_at_end = at == reading->page_count && reading->page_count < PAGE_ROWS;
    bool is_enough = reading->is_at_end || reading->found_count == reading->limit ||
                     reading->pages >= PAGES_MAX;
    if (is_enough)
        end(reading, NULL);
    else
        read_page(reading);
}

static struct control_alarm_state row_message(struct scope *scope, const struct rows *rows,
                                              uint32_t row)
{
    struct alarm alarm = {
        .id = (uint64_t)rows_i64(rows, row, 0),
        .condition = scope_keep(scope, rows_text(rows, row, 1)),
        .category = scope_keep(scope, rows_text(rows, row, 2)),
        .application = scope_keep(scope, rows_text(rows, row, 3)),
        .host = scope_keep(scope, rows_text(rows, row, 4)),
        .is = { .state = (enum alarm_state)rows_i64(rows, row, 5),
                .detections = (uint64_t)rows_i64(rows, row, 6),
                .raised_utc_ms = (uint64_t)rows_i64(rows, row, 7),
                .last_utc_ms = (uint64_t)rows_i64(rows, row, 8),
                .cleared_utc_ms = (uint64_t)rows_i64(rows, row, 9) },
        .cleared_by = scope_keep(scope, rows_text(rows, row, 10)),
        .comment = scope_keep(scope, rows_text(rows, row, 11)),
        .event = scope_keep(scope, rows_text(rows, row, 12)),
        .text = scope_keep(scope, rows_text(rows, row, 13)),
    };
    return alarm_message(&alarm);
}

static void on_page(void *self, enum err err, const struct rows *rows)
{
    struct reading *reading = self;
    if (err) {
        end_with(reading, err, err_words(err));
        return;
    }
    reading->page_count = rows_count(rows);
    reading->page =
        scope_alloc_array(reading->life, reading->page_count + 1, sizeof *reading->page);
    for (uint32_t i = 0; i < reading->page_count; i++)
        reading->page[i] = row_message(reading->life, rows, i);
    rights_read(reading->server, &reading->asker, on_readable, reading);
}

static void read_page(struct reading *reading)
{
    struct buf sql = { 0 };
    struct value parameters[2] = {
        { .kind = VALUE_INTEGER, .integer = (int64_t)reading->before },
        { .kind = VALUE_TEXT, .text = reading->application },
    };
    buf_add_z(&sql, "SELECT id, condition, category, application, host, state, detections,"
                    " raised_utc_ms, last_utc_ms, cleared_utc_ms, cleared_by, comment, event, text"
                    " FROM alarm WHERE id < ?1");
    if (text_eq(reading->state, TEXT("active"))) buf_add_z(&sql, " AND state = 1");
    if (text_eq(reading->state, TEXT("cleared"))) buf_add_z(&sql, " AND state = 2");
    if (reading->application.len) buf_add_z(&sql, " AND application = ?2");
    buf_format(&sql, " ORDER BY id DESC LIMIT %d", PAGE_ROWS);
    struct query query = { store_statement(reading->server->store, buf_text(&sql)), parameters,
                           reading->application.len ? 2 : 1 };
    buf_free(&sql);
    reading->pages++;
    store_query(reading->server->store, &query, on_page, reading);
}

static struct reading *reading_new(struct control_server *server, uint32_t limit)
{
    struct scope *life = scope_new(server->app->life, "alarm search", SCOPE_NO_LIMIT);
    struct reading *reading = scope_alloc(life, sizeof *reading);
    *reading =
        (struct reading){ .server = server, .life = life, .before = INT64_MAX, .limit = limit };
    reading->found = scope_alloc_array(life, limit, sizeof *reading->found);
    return reading;
}

static void reply_read(struct reading *reading, const struct link_error *error,
                       const struct control_alarms *alarms)
{
    if (error)
        link_refuse(reading->request, error);
    else
        link_reply(reading->request, alarms);
}

void request_read_alarms(void *self, struct link_request *request, const void *fields)
{
    struct control_server *server = self;
    const struct control_read_alarms *asked = fields;
    struct reading *reading = reading_new(
        server, SHAPE_HAS(asked, CONTROL_READ_ALARMS_HAS_LIMIT) ? asked->limit : LIMIT_USUAL);
    reading->request = request;
    reading->asker = asker_of(server, request);
    reading->state = scope_keep(reading->life, asked->state);
    reading->application = scope_keep(reading->life, asked->application);
    if (SHAPE_HAS(asked, CONTROL_READ_ALARMS_HAS_BEFORE) && asked->before < INT64_MAX)
        reading->before = asked->before;
    reading->done = reply_read;
    read_page(reading);
}

/* --- clearing ------------------------------------------------------------------------------- */

struct clearing {
    struct control_server *server;
    struct link_request *request;
    const struct control_clear_alarm *asked; /* in the request's scope */
    struct asker asker;
    const char *type; /* of the object that needs X */
    struct text key;
};

static void refuse_clearing(struct clearing *clearing, enum err err, const char *words)
{
    struct link_error error = { .err = err,
                                .protocol = TEXT("control"),
                                .code = err == ERR_NOT_FOUND ? 5 : 10,
                                .name = err == ERR_NOT_FOUND ? TEXT("ObjectNotFound")
                                                             : TEXT("UnableToExecute"),
                                .text = text_of(words),
                                .field = TEXT("id"),
                                .retryable = err == ERR_UNAVAILABLE };
    link_refuse(clearing->request, &error);
}

static void on_cleared(void *self, enum err err, const struct control_alarm_state *alarm)
{
    struct clearing *clearing = self;
    if (err) {
        refuse_clearing(clearing, err == ERR_FULL ? ERR_FULL : ERR_UNAVAILABLE,
                        "it cannot be kept now that the alarm was cleared");
        return;
    }
    struct control_alarm_state copy = *alarm;
    struct control_alarm_cleared cleared = { .head.has = CONTROL_ALARM_CLEARED_HAS_ALARM,
                                             .alarm = &copy };
    link_reply(clearing->request, &cleared);
}

static void on_may_clear(void *self, bool may, bool may_read, const struct link_error *error)
{
    struct clearing *clearing = self;
    struct alarms *alarms = clearing->server->alarms;
    struct alarm *alarm = alarms_are_ready(alarms) ? alarms_find(alarms, clearing->asked->id)
                                                   : NULL;
    if (error) {
        link_refuse(clearing->request, error);
    } else if (!may_read) {
        refuse_clearing(clearing, ERR_NOT_FOUND, "no active alarm has this id");
    } else if (!may) {
        refuse_no_permission(clearing->request, clearing->type, clearing->key);
    } else if (!alarms_are_ready(alarms) || clearing->server->is_stopping) {
        refuse_clearing(clearing, ERR_UNAVAILABLE, "not now");
    } else if (alarm == NULL) {
        refuse_clearing(clearing, ERR_NOT_FOUND, "no active alarm has this id");
    } else {
        alarms_clear(alarms, alarm, clearing->asker.words, clearing->asked->comment, on_cleared,
                     clearing);
    }
}

void request_clear_alarm(void *self, struct link_request *request, const void *fields)
{
    struct control_server *server = self;
    struct scope *scope = link_request_scope(request);
    struct clearing *clearing = scope_alloc(scope, sizeof *clearing);
    *clearing = (struct clearing){
        .server = server, .request = request, .asked = fields, .asker = asker_of(server, request)
    };
    const struct alarm *alarm = alarms_find(server->alarms, clearing->asked->id);
    if (alarm == NULL) {
        bool is_ready = alarms_are_ready(server->alarms);
        refuse_clearing(clearing, is_ready ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
                        is_ready ? "no active alarm has this id" : "not now");
        return;
    }
    bool is_apps = alarm->application.len &&
                   app_object(server->app, &OBJECT_APPLICATION, alarm->application) != NULL;
    clearing->type = is_apps ? "Application" : "Host";
    clearing->key = scope_keep(scope, is_apps ? alarm->application : alarm->host);
    rights_ask(server, &clearing->asker, clearing->type, clearing->key, 'X', on_may_clear,
               clearing);
}

/* --- watching ------------------------------------------------------------------------------- */

struct pending {
    struct list node;
    struct scope *life;
    const char *kind;
    struct control_alarm_state alarm;
};

struct watcher { /* one link, or one person behind it */
    struct list node;
    struct scope *life;
    struct control_server *server;
    struct link *link; /* NULL: it went, or wants no more */
    struct link_request *request;
    struct asker asker; /* texts in `life` */
    struct list pending;
    uint32_t pending_count, in_use; /* callbacks that will come */
    bool is_answered;
};

static void watcher_drop_pending(struct watcher *watcher)
{
    struct list *node;
    while ((node = list_first(&watcher->pending)) != NULL) {
        list_remove(node);
        scope_close(LIST_OBJECT(node, struct pending, node)->life);
    }
    watcher->pending_count = 0;
}

static void watcher_end(struct watcher *watcher)
{
    watcher->link = NULL;
    list_remove(&watcher->node);
    watcher_drop_pending(watcher);
    if (watcher->in_use == 0) scope_close(watcher->life);
}

/* True: it has gone meanwhile. */
static bool watcher_leave(struct watcher *watcher)
{
    watcher->in_use--;
    if (watcher->link) return false;
    if (watcher->in_use == 0) scope_close(watcher->life);
    return true;
}

static void send_pending(struct watcher *watcher, const struct readable *readable)
{
    LIST_EACH (node, &watcher->pending) {
        struct pending *pending = LIST_OBJECT(node, struct pending, node);
        if (!may_see(watcher->server, readable, &pending->alarm)) continue;
        struct control_alarm_moved moved = {
            .head.has = CONTROL_ALARM_MOVED_HAS_KIND | CONTROL_ALARM_MOVED_HAS_ALARM,
            .kind = text_of(pending->kind),
            .alarm = &pending->alarm,
            .person = watcher->asker.person,
            .tenant = watcher->asker.tenant,
        };
        if (moved.person.len)
            moved.head.has |= CONTROL_ALARM_MOVED_HAS_PERSON | CONTROL_ALARM_MOVED_HAS_TENANT;
        link_send(watcher->link, &MSG_CONTROL_ALARM_MOVED, &moved);
    }
    watcher_drop_pending(watcher);
}

static void pump(struct watcher *watcher);

static void on_watcher_rights(void *self, const struct readable *readable,
                              const struct link_error *error)
{
    struct watcher *watcher = self;
    if (watcher_leave(watcher)) return;
    if (error == NULL) send_pending(watcher, readable);
    /* else config is away: with the next move it is asked again */
}

static void pump(struct watcher *watcher)
{
    if (!watcher->is_answered || watcher->in_use || watcher->pending_count == 0) return;
    watcher->in_use++;
    rights_read(watcher->server, &watcher->asker, on_watcher_rights, watcher);
}

static void keep_texts(struct scope *scope, struct control_alarm_state *alarm)
{
    struct text *const texts[] = { &alarm->condition, &alarm->category, &alarm->application,
                                   &alarm->host,      &alarm->state,    &alarm->cleared_by,
                                   &alarm->comment,   &alarm->event,    &alarm->text };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        *texts[i] = scope_keep(scope, *texts[i]);
}

static void watcher_add(struct watcher *watcher, const char *kind,
                        const struct control_alarm_state *alarm)
{
    if (watcher->pending_count == PENDING_MAX) {
        watcher_end(watcher);
        return;
    }
    struct scope *life = scope_new(watcher->life, "alarm move", SCOPE_NO_LIMIT);
    struct pending *pending = scope_alloc(life, sizeof *pending);
    *pending = (struct pending){ .life = life, .kind = kind, .alarm = *alarm };
    keep_texts(life, &pending->alarm);
    list_add_last(&watcher->pending, &pending->node);
    watcher->pending_count++;
    pump(watcher);
}

void alarm_watchers_tell(struct control_server *server, const char *kind,
                         const struct control_alarm_state *alarm)
{
    for (struct list *node = server->alarm_watchers.next, *next; node != &server->alarm_watchers;
         node = next) {
        next = node->next;
        watcher_add(LIST_OBJECT(node, struct watcher, node), kind, alarm);
    }
}

static bool is_of(const struct watcher *watcher, const struct link *link, const struct asker *asker)
{
    return watcher->link == link && text_eq(watcher->asker.account, asker->account);
}

void alarm_watchers_forget(struct control_server *server, const struct link *link)
{
    for (struct list *node = server->alarm_watchers.next, *next; node != &server->alarm_watchers;
         node = next) {
        next = node->next;
        struct watcher *watcher = LIST_OBJECT(node, struct watcher, node);
        if (watcher->link == link) watcher_end(watcher);
    }
}

static void forget_same(struct control_server *server, const struct link *link,
                        const struct asker *asker)
{
    for (struct list *node = server->alarm_watchers.next, *next; node != &server->alarm_watchers;
         node = next) {
        next = node->next;
        struct watcher *watcher = LIST_OBJECT(node, struct watcher, node);
        if (is_of(watcher, link, asker)) watcher_end(watcher);
    }
}

static uint32_t count_watchers(const struct control_server *server)
{
    uint32_t count = 0;
    LIST_EACH (node, &server->alarm_watchers) count++;
    return count;
}

/* What is active, then what moved since the watcher was there. */
static void reply_watching(struct reading *reading, const struct link_error *error,
                           const struct control_alarms *alarms)
{
    struct watcher *watcher = reading->self;
    reply_read(reading, error, alarms);
    if (watcher_leave(watcher)) return;
    if (error) {
        watcher_end(watcher);
        return;
    }
    watcher->is_answered = true;
    pump(watcher);
}

static struct watcher *watcher_new(struct control_server *server, struct link *link,
                                   const struct asker *asker)
{
    struct scope *life = scope_new(server->app->life, "alarm watcher", SCOPE_NO_LIMIT);
    struct watcher *watcher = scope_alloc(life, sizeof *watcher);
    *watcher = (struct watcher){ .life = life,
                                 .server = server,
                                 .link = link,
                                 .asker = { .kind = asker->kind,
                                            .account = scope_keep(life, asker->account),
                                            .tenant = scope_keep(life, asker->tenant),
                                            .person = scope_keep(life, asker->person),
                                            .words = scope_keep(life, asker->words) } };
    list_init(&watcher->pending);
    list_add_last(&server->alarm_watchers, &watcher->node);
    return watcher;
}

void request_watch_alarms(void *self, struct link_request *request, const void *fields)
{
    struct control_server *server = self;
    const struct control_watch_alarms *asked = fields;
    struct link *link = link_request_link(request);
    struct asker asker = asker_of(server, request);
    bool is_off = SHAPE_HAS(asked, CONTROL_WATCH_ALARMS_HAS_ON) && !asked->on;
    if (link) forget_same(server, link, &asker);
    struct reading *reading = reading_new(server, LIMIT_MAX);
    reading->request = request;
    reading->asker = asker;
    reading->state = TEXT("active");
    reading->application = TEXT("");
    reading->done = reply_read;
    if (link && !is_off && count_watchers(server) < WATCHERS_MAX) {
        struct watcher *watcher = watcher_new(server, link, &asker);
        reading->done = reply_watching;
        reading->self = watcher;
        watcher->in_use++;
    }
    read_page(reading);
}
