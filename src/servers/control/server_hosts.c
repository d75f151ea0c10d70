/* SPDX-License-Identifier: Apache-2.0 */
/* Supervisors connect, report what runs on their host, and are asked and told. Begin at
 * request_report_host(). */
#include "gen/events.h"
#include "servers/control/server.h"

#include <stdio.h>

enum { ORDER_ANSWER_MS = 10000, SAMPLE_ANSWER_MS = 5000 };

static uint64_t now_ms(const struct control_server *server)
{
    return loop_now_mono_ms(server->app->loop);
}

/* --- the host's own machine ------------------------------------------------------------------- */

static void lose_applications(struct host_entry *host)
{
    struct control_server *server = host->server;
    struct app_entry *app;
    for (size_t at = 0; (app = table_next(server->apps, &at)) != NULL;) {
        if (!text_eq(app->host, host->entry.name)) continue;
        if (!app_watch_lose(&app->watch, now_ms(server))) continue;
        app->entry.since_utc_ms = loop_now_utc_ms(server->app->loop);
        app->pid = 0;
        entry_moved(server, &app->entry);
    }
    solutions_look(server);
}

static void feed(struct host_entry *host, enum host_event event)
{
    struct control_server *server = host->server;
    struct actions out = { 0 };
    enum host_status before = host_watch_status(&host->watch);
    host->watch.grace_ms = control_options(server)->lca_loss_grace * 1000ull;
    (void)fsm_feed(&host->watch.fsm, (int)event, &host->watch, NULL, now_ms(server), &out);
    uint64_t due_ms = fsm_due_ms(&host->watch.fsm, &host->watch);
    if (due_ms == UINT64_MAX)
        timer_stop(host->grace_timer);
    else
        timer_start_at(host->grace_timer, due_ms);
    if (host_watch_status(&host->watch) != before) {
        host->entry.since_utc_ms = loop_now_utc_ms(server->app->loop);
        entry_moved(server, &host->entry);
    }
    note_host(host, out.notes);
    if (out.notes & NOTE_UNREACHABLE) lose_applications(host);
}

static void on_grace_over(void *self)
{
    feed(self, HOST_TIME_UP);
}

/* --- clocks ----------------------------------------------------------------------------------- */

static void judge_clock(struct host_entry *host, int64_t offset_ms)
{
    struct control_server *server = host->server;
    int64_t max_ms = control_options(server)->clock_offset_max;
    bool is_off = offset_ms > max_ms || offset_ms < -max_ms, was_off = host->is_clock_off;
    char name[256];
    (void)snprintf(name, sizeof name, "%.*s", TEXT_ARG(host->entry.name));
    host->has_clock = true;
    host->clock_offset_ms = offset_ms;
    host->is_clock_off = is_off;
    if (is_off == was_off) return;
    const struct log *log = note_log(server, TEXT(""), host->entry.name);
    if (is_off)
        LOG_CONTROL_CLOCK_OFFSET(log, name, (long long)offset_ms);
    else
        LOG_CONTROL_CLOCK_AGREES(log, name);
    entry_moved(server, &host->entry);
}

static void start_clock_timer(struct host_entry *host)
{
    timer_start(host->clock_timer, control_options(host->server)->clock_check * 1000ull);
}

/* Its clock was read somewhere between question and answer: the middle is the best guess. */
struct clock_ask {
    struct scope *life;
    struct control_server *server;
    struct text host;
    uint64_t asked_utc_ms, asked_mono_ms;
};

static void on_clock(void *self, const struct link_error *error, const void *fields)
{
    struct clock_ask *ask = self;
    const struct control_host_sample *sample = fields;
    uint64_t took_ms = now_ms(ask->server) - ask->asked_mono_ms;
    struct host_entry *host = host_find(ask->server, ask->host);
    if (error == NULL && host)
        judge_clock(host, (int64_t)(sample->time - ask->asked_utc_ms - took_ms / 2));
    scope_close(ask->life);
}

static void check_clock(void *self)
{
    struct host_entry *host = self;
    struct loop *loop = host->server->app->loop;
    if (host->link == NULL) return;
    struct scope *life = scope_new(host->server->app->life, "clock", SCOPE_NO_LIMIT);
    struct clock_ask *ask = scope_alloc(life, sizeof *ask);
    *ask = (struct clock_ask){ life, host->server, scope_keep(life, host->entry.name),
                               loop_now_utc_ms(loop), loop_now_mono_ms(loop) };
    if (!host_sample(host, on_clock, ask)) scope_close(life);
    start_clock_timer(host);
}

void host_open(struct host_entry *host)
{
    struct control_server *server = host->server;
    struct loop *loop = server->app->loop;
    host->grace_timer = timer_new(host->entry.life, loop, on_grace_over, host);
    host->clock_timer = timer_new(host->entry.life, loop, check_clock, host);
    host->watch.grace_ms = control_options(server)->lca_loss_grace * 1000ull;
    fsm_start(&host->watch.fsm, &host_watch_machine, HOST_UNKNOWN, now_ms(server));
    timer_start(host->grace_timer, host->watch.grace_ms);
}

/* --- what is told of an application ----------------------------------------------------------- */

static enum status_trouble trouble_of(struct text trouble)
{
    if (text_eq(trouble, TEXT("crash-loop"))) return TROUBLE_CRASH_LOOP;
    return text_eq(trouble, TEXT("hung")) ? TROUBLE_HUNG : TROUBLE_NONE;
}

void app_take_report(struct app_entry *app, const struct control_application_report *report,
                     bool is_whole)
{
    struct status_report status = { .restarts = report->restarts,
                                    .is_ordered = report->ordered,
                                    .trouble = trouble_of(report->trouble) };
    struct control_server *server = app->server;
    struct actions out;
    /* A word of a later release: it lives, we cannot say how. */
    if (status_parse(report->state, &status.state)) status.state = STATUS_UNKNOWN;
    bool has_moved = app_watch_report(&app->watch, &status, is_whole, now_ms(server), &out);
    /* Figures move all the time: they are read when somebody looks, and wake nobody. */
    has_moved |= app->pid != report->pid || !text_eq(app->reason, report->reason);
    scope_reset(app->entry.told);
    app->reason = scope_keep(app->entry.told, report->reason);
    app->custom = kv_keep(app->entry.told, &report->custom);
    app->pid = report->pid;
    app->entry.since_utc_ms = report->since;
    note_app(app, out.notes);
    if (!has_moved) return;
    entry_moved(server, &app->entry);
    solutions_look(server);
}

/* --- what is told too early --------------------------------------------------------------------
 */

struct early {
    struct scope *life;
    struct control_application_report report;
};

static void forget_early(struct host_entry *host)
{
    if (host->early_life) scope_close(host->early_life);
    host->early_life = NULL;
    host->early = NULL;
}

static void keep_early(struct host_entry *host, const struct control_application_report *report)
{
    if (host->early_life == NULL) {
        host->early_life = scope_new(host->entry.life, "early", SCOPE_NO_LIMIT);
        host->early = table_new(host->early_life);
    }
    struct early *former = table_remove(host->early, report->name);
    if (former) scope_close(former->life);
    if (table_count(host->early) == APPS_MAX) return;
    struct scope *life = scope_new(host->early_life, "report", SCOPE_NO_LIMIT);
    struct early *early = scope_alloc(life, sizeof *early);
    *early = (struct early){ .life = life, .report = *report };
    early->report.head.unknown = NULL;
    early->report.name = scope_keep(life, report->name);
    early->report.type = scope_keep(life, report->type);
    early->report.state = scope_keep(life, report->state);
    early->report.reason = scope_keep(life, report->reason);
    early->report.custom = kv_keep(life, &report->custom);
    early->report.trouble = scope_keep(life, report->trouble);
    table_put(host->early, early->report.name, early);
}

void app_take_early(struct app_entry *app)
{
    struct host_entry *host = host_find(app->server, app->host);
    struct early *early = host && host->early ? table_remove(host->early, app->entry.name) : NULL;
    if (early == NULL) return;
    if (host->link) app_take_report(app, &early->report, false);
    scope_close(early->life);
}

static void take_report(struct host_entry *host, const struct control_application_report *report,
                        bool is_whole)
{
    struct app_entry *app = app_find(host->server, report->name);
    if (app && text_eq(app->host, host->entry.name))
        app_take_report(app, report, is_whole);
    else
        keep_early(host, report);
}

/* --- a host reports --------------------------------------------------------------------------- */

static enum err check_report(const struct control_server *server, const struct link *link,
                             const struct host_entry *host, struct text name, struct fault *fault)
{
    (void)server;
    if (!text_eq(link_peer(link), TEXT("supervisor")))
        return fault_set(fault, ERR_DENIED, "", "only supervisors report");
    if (host == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "host", "there is no Host object \"%.*s\"",
                         TEXT_ARG(name));
    return ERR_OK;
}

static void refuse_report(struct control_server *server, struct link_request *request,
                          struct text name, const struct fault *fault)
{
    const struct link *link = link_request_link(request);
    char host[256], address[128] = "";
    (void)snprintf(host, sizeof host, "%.*s", TEXT_ARG(name));
    if (link) (void)snprintf(address, sizeof address, "%.*s", TEXT_ARG(link_peer_address(link)));
    LOG_CONTROL_HOST_REFUSED(&server->app->log, host, address, fault->words);
    link_refuse_fault(request, fault);
}

/* The one that came last speaks for the host. */
static void take_link(struct host_entry *host, struct link *link)
{
    struct link *former = host->link;
    host->link = link;
    scope_reset(host->entry.told);
    host->address = scope_keep(host->entry.told, link_peer_address(link));
    if (former && former != link) link_close(former);
}

/* What is of this host by configuration and was not reported is not there: it acts as STOPPED, once
 * its supervisor has it. */
static void take_applications(struct host_entry *host, const struct control_report_host *report)
{
    forget_early(host);
    for (uint32_t i = 0; i < report->applications.count; i++)
        take_report(host, &report->applications.at[i], true);
}

static void start_by_itself(struct host_entry *host)
{
    struct app_entry *app;
    for (size_t at = 0; (app = table_next(host->server->apps, &at)) != NULL;) {
        bool is_down = app->watch.is_known && app_watch_status(&app->watch) == STATUS_STOPPED;
        if (!app->is_autostart || app->is_disabled || !is_down || app->watch.report.is_ordered ||
            app->watch.report.trouble == TROUBLE_CRASH_LOOP)
            continue;
        if (text_eq(app->host, host->entry.name))
            (void)order_application(app, APP_ORDER_START, TEXT(""), 0, TEXT("sml.autostart"), NULL,
                                    NULL);
    }
}

void request_report_host(void *self, struct link_request *request, const void *fields)
{
    struct control_server *server = self;
    const struct control_report_host *report = fields;
    struct link *link = link_request_link(request);
    struct host_entry *host = host_find(server, report->host);
    struct fault fault;
    if (link == NULL) return;
    if (check_report(server, link, host, report->host, &fault)) {
        refuse_report(server, request, report->host, &fault);
        return;
    }
    uint64_t utc_ms = loop_now_utc_ms(server->app->loop);
    take_link(host, link);
    host->build = scope_keep(host->entry.told, report->build);
    link_reply(request, &(struct control_host_reported){ .head.has = CONTROL_HOST_REPORTED_HAS_TIME,
                                                         .time = utc_ms });
    feed(host, HOST_REPORTS);
    if (SHAPE_HAS(report, CONTROL_REPORT_HOST_HAS_TIME))
        judge_clock(host, (int64_t)(report->time - utc_ms));
    start_clock_timer(host);
    take_applications(host, report);
    start_by_itself(host);
    solutions_look(server);
}

static struct host_entry *host_of_link(const struct control_server *server, const struct link *link)
{
    struct host_entry *host;
    for (size_t at = 0; (host = table_next(server->hosts, &at)) != NULL;)
        if (host->link == link) return host;
    return NULL;
}

void event_application_moved(void *self, struct link *link, const void *fields)
{
    struct control_server *server = self;
    const struct control_application_moved *moved = fields;
    struct host_entry *host = host_of_link(server, link);
    if (host) take_report(host, moved->application, false);
}

void hosts_forget(struct control_server *server, const struct link *link)
{
    struct host_entry *host = host_of_link(server, link);
    if (host == NULL) return;
    host->link = NULL;
    forget_early(host);
    timer_stop(host->clock_timer);
    feed(host, HOST_LINK_LOST);
}

/* --- what a host is asked --------------------------------------------------------------------- */

bool host_give_order(struct host_entry *host, const struct host_order *order,
                     void (*done)(void *self, const struct link_error *error, const void *fields),
                     void *self)
{
    if (host == NULL || host->link == NULL) return false;
    struct control_order_host fields = {
        .head.has = CONTROL_ORDER_HOST_HAS_NAME | CONTROL_ORDER_HOST_HAS_ORDER |
                    CONTROL_ORDER_HOST_HAS_REASON,
        .name = order->name,
        .order = order->order,
        .level = order->level,
        .seconds = order->seconds,
        .reason = order->reason,
    };
    if (order->level.len)
        fields.head.has |= CONTROL_ORDER_HOST_HAS_LEVEL | CONTROL_ORDER_HOST_HAS_SECONDS;
    link_ask(host->link, &MSG_CONTROL_ORDER_HOST, &fields, NULL, ORDER_ANSWER_MS, done, self);
    return true;
}

bool host_sample(struct host_entry *host,
                 void (*done)(void *self, const struct link_error *error, const void *fields),
                 void *self)
{
    if (host == NULL || host->link == NULL) return false;
    link_ask(host->link, &MSG_CONTROL_SAMPLE_HOST, &(struct control_sample_host){ 0 }, NULL,
             SAMPLE_ANSWER_MS, done, self);
    return true;
}

struct sample_ask {
    struct control_server *server;
    struct link_request *request;
    struct text host;
    uint64_t asked_utc_ms, asked_mono_ms;
};

static void on_sample(void *self, const struct link_error *error, const void *fields)
{
    struct sample_ask *ask = self;
    if (error) {
        link_refuse(ask->request, error);
        return;
    }
    struct control_host_sample sample = *(const struct control_host_sample *)fields;
    uint64_t took_ms = now_ms(ask->server) - ask->asked_mono_ms;
    sample.head.has |= CONTROL_HOST_SAMPLE_HAS_CLOCK_OFFSET;
    sample.clock_offset = (int64_t)(sample.time - ask->asked_utc_ms - took_ms / 2);
    link_reply(ask->request, &sample);
}

static void on_may_sample(void *self, bool may, bool may_read, const struct link_error *error)
{
    struct sample_ask *ask = self;
    struct host_entry *host = host_find(ask->server, ask->host);
    if (error)
        link_refuse(ask->request, error);
    else if (host == NULL || !may_read)
        refuse_order(ask->request, ORDER_OBJECT_NOT_FOUND, ask->host);
    else if (!may)
        refuse_no_permission(ask->request, "Host", ask->host);
    else {
        ask->asked_utc_ms = loop_now_utc_ms(ask->server->app->loop);
        ask->asked_mono_ms = now_ms(ask->server);
        if (!host_sample(host, on_sample, ask))
            refuse_order(ask->request, ORDER_AGENT_NOT_STARTED, ask->host);
    }
}

void request_sample_host(void *self, struct link_request *request, const void *fields)
{
    struct control_server *server = self;
    const struct control_sample_host *asked = fields;
    struct sample_ask *ask = scope_alloc(link_request_scope(request), sizeof *ask);
    *ask = (struct sample_ask){ .server = server, .request = request, .host = asked->host };
    struct asker asker = asker_of(server, request);
    rights_ask(server, &asker, "Host", asked->host, 'X', on_may_sample, ask);
}
