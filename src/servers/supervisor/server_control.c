/* SPDX-License-Identifier: Apache-2.0 */
/* The link to control, which Host.scs names: what runs here goes there, orders come from there
 * (framework 5, 6). Control being away changes nothing on this host. */
#include "servers/supervisor/server_private.h"

#include "gen/messages.h"

#include <signal.h>
#include <unistd.h>

enum { REPORT_ANSWER_MS = 10000, REPORT_RETRY_MS = 1000 };

/* The public numbers of what we refuse ourselves (framework 6.5). */
enum {
    APPLICATION_NOT_STARTED = 1,
    OPERATING_SYSTEM_ERROR = 8,
    NOT_IMPLEMENTED = 12,
    HOST_CONFLICT = 14
};

struct control_watch {
    struct supervisor *supervisor;
    struct scope *life; /* of the link: another control is another life */
    struct text name;
    struct link *link;
    struct timer *retry_timer;
    bool is_reported;
};

/* --- reports ---------------------------------------------------------------------------------- */

static struct control_application_report report_of(const struct supervised *supervised)
{
    struct control_application_report report = {
        .head.has = CONTROL_APPLICATION_REPORT_HAS_NAME | CONTROL_APPLICATION_REPORT_HAS_STATE |
                    CONTROL_APPLICATION_REPORT_HAS_SINCE | CONTROL_APPLICATION_REPORT_HAS_RESTARTS |
                    CONTROL_APPLICATION_REPORT_HAS_REASON | CONTROL_APPLICATION_REPORT_HAS_CUSTOM |
                    CONTROL_APPLICATION_REPORT_HAS_ORDERED,
        .name = supervised->name,
        .state = text_of(application_state_name(application_state(&supervised->application))),
        .since = supervised->since_utc_ms,
        .restarts = (uint32_t)supervised->application.restarts,
        .reason = text_of(supervised->reason),
        .custom = supervised->link ? supervised->custom : (struct kv){ 0 }, /* of this process */
        .ordered = supervised->is_ordered,
    };
    if (supervised->process.pid != 0) {
        report.head.has |= CONTROL_APPLICATION_REPORT_HAS_PID;
        report.pid = (uint32_t)supervised->process.pid;
    }
    if (supervised->server != NULL) {
        report.head.has |= CONTROL_APPLICATION_REPORT_HAS_TYPE;
        report.type = text_of(supervised->server);
    } else if (program_type(supervised).len) {
        report.head.has |= CONTROL_APPLICATION_REPORT_HAS_TYPE;
        report.type = program_type(supervised);
    }
    if (supervised->is_crash_loop || supervised->has_hung) {
        report.head.has |= CONTROL_APPLICATION_REPORT_HAS_TROUBLE;
        report.trouble = supervised->is_crash_loop ? TEXT("crash-loop") : TEXT("hung");
    }
    return report;
}

static bool is_shown(const struct supervised *supervised)
{
    return supervised->is_wanted || application_has_process(&supervised->application);
}

static void on_reported(void *self, const struct link_error *error, const void *fields)
{
    struct control_watch *watch = self;
    (void)fields;
    watch->is_reported = error == NULL;
    if (error && watch->link && link_is_up(watch->link))
        timer_start(watch->retry_timer, REPORT_RETRY_MS);
}

static void report_all(void *self)
{
    struct control_watch *watch = self;
    struct supervisor *supervisor = watch->supervisor;
    struct scope *scratch = scope_new(NULL, "host report", SCOPE_NO_LIMIT);
    size_t room = table_count(supervisor->by_name);
    struct control_report_host report = {
        .head.has = CONTROL_REPORT_HOST_HAS_HOST | CONTROL_REPORT_HOST_HAS_PID |
                    CONTROL_REPORT_HOST_HAS_BUILD | CONTROL_REPORT_HOST_HAS_TIME |
                    CONTROL_REPORT_HOST_HAS_APPLICATIONS,
        .host = supervisor->file->host,
        .pid = (uint32_t)getpid(),
        .build = supervisor->identity.build,
        .time = loop_now_utc_ms(supervisor->loop),
        .applications.at = scope_alloc_array(scratch, room, sizeof *report.applications.at),
    };
    LIST_EACH (node, &supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        supervised->is_shown = is_shown(supervised);
        if (supervised->is_shown)
            report.applications.at[report.applications.count++] = report_of(supervised);
    }
    if (watch->link && link_is_up(watch->link))
        link_ask(watch->link, &MSG_CONTROL_REPORT_HOST, &report, NULL, REPORT_ANSWER_MS,
                 on_reported, watch);
    scope_close(scratch);
}

/* Moves that come before the whole was answered follow it on the same link: none is lost. */
void control_link_tell(struct supervised *supervised)
{
    const struct control_watch *watch = supervised->supervisor->control;
    if (watch == NULL || watch->link == NULL || !link_is_up(watch->link)) return;
    struct control_application_report report = report_of(supervised);
    supervised->is_shown = true;
    link_send(watch->link, &MSG_CONTROL_APPLICATION_MOVED,
              &(struct control_application_moved){
                  .head.has = CONTROL_APPLICATION_MOVED_HAS_APPLICATION, .application = &report });
}

/* --- orders ----------------------------------------------------------------------------------- */

static void refuse(struct link_request *request, int64_t code, const char *name, struct text text)
{
    enum err err = code == HOST_CONFLICT            ? ERR_NOT_FOUND
                   : code == OPERATING_SYSTEM_ERROR ? ERR_IO
                                                    : ERR_CONFLICT;
    link_refuse(request, &(struct link_error){ .err = err,
                                               .protocol = TEXT("control"),
                                               .code = code,
                                               .name = text_of(name),
                                               .text = text,
                                               .field = TEXT("name") });
}

static bool set_log_level(struct supervised *supervised, const struct control_order_host *order)
{
    if (supervised->link == NULL) return false;
    link_send(supervised->link, &MSG_SUPERVISOR_LOG_LEVEL,
              &(struct supervisor_log_level){ .head.has = SUPERVISOR_LOG_LEVEL_HAS_LEVEL |
                                                          SUPERVISOR_LOG_LEVEL_HAS_SECONDS,
                                              .level = order->level,
                                              .seconds = order->seconds });
    return true;
}

static void start(struct supervised *supervised)
{
    supervised->is_ordered = true;
    supervised_feed(supervised, APPLICATION_START);
}

/* What is down already is started, all else when it has stopped. */
static void restart(struct supervised *supervised)
{
    if (application_has_process(&supervised->application))
        supervised_feed(supervised, APPLICATION_STOP_GRACEFULLY);
    start(supervised);
}

static void kill_now(struct supervised *supervised)
{
    supervised_feed(supervised, APPLICATION_STOP);
    supervised->supervisor->counters.supervisor_kills_total++;
    process_signal(&supervised->process, SIGKILL);
}

static bool obey(struct supervised *supervised, const struct control_order_host *order)
{
    if (text_eq(order->order, TEXT("log-level"))) return set_log_level(supervised, order);
    if (text_eq(order->order, TEXT("start")))
        start(supervised);
    else if (text_eq(order->order, TEXT("stop")))
        supervised_feed(supervised, APPLICATION_STOP);
    else if (text_eq(order->order, TEXT("stop-gracefully")))
        supervised_feed(supervised, APPLICATION_STOP_GRACEFULLY);
    else if (text_eq(order->order, TEXT("restart")))
        restart(supervised);
    else
        kill_now(supervised);
    return true;
}

static bool is_start(const struct control_order_host *order)
{
    return text_eq(order->order, TEXT("start")) || text_eq(order->order, TEXT("restart"));
}

static void on_order(void *self, struct link_request *request, const void *fields)
{
    struct control_watch *watch = self;
    const struct control_order_host *order = fields;
    struct supervised *supervised = supervised_find(watch->supervisor, order->name);
    if (supervised == NULL || (is_start(order) && !supervised->is_wanted)) {
        refuse(request, HOST_CONFLICT, "ApplicationHostConflict",
               TEXT("it is not one that this host runs"));
        return;
    }
    if (text_eq(order->order, TEXT("log-level")) && program_type(supervised).len) {
        refuse(request, NOT_IMPLEMENTED, "NotImplemented",
               TEXT("it is a third party, whose log has no levels of ours"));
        return;
    }
    if (!obey(supervised, order)) {
        refuse(request, APPLICATION_NOT_STARTED, "ApplicationNotStarted", TEXT("it does not run"));
        return;
    }
    bool is_down = application_state(&supervised->application) == APPLICATION_STOPPED;
    if (is_start(order) && is_down) {
        refuse(request, OPERATING_SYSTEM_ERROR, "OperatingSystemError",
               text_of(supervised->reason));
        return;
    }
    struct control_application_report report = report_of(supervised);
    link_reply(request,
               &(struct control_host_ordered){ .head.has = CONTROL_HOST_ORDERED_HAS_APPLICATION,
                                               .application = &report });
}

static void on_sample(void *self, struct link_request *request, const void *fields)
{
    const struct control_watch *watch = self;
    (void)fields;
    struct control_host_sample sample =
        sample_machine(watch->supervisor, link_request_scope(request));
    link_reply(request, &sample);
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_CONTROL_ORDER_HOST, .on_request = on_order },
    { .msg = &MSG_CONTROL_SAMPLE_HOST, .on_request = on_sample },
    { 0 },
};

/* --- the link --------------------------------------------------------------------------------- */

static void on_up(void *self, struct link *link)
{
    struct control_watch *watch = self;
    watch->link = link;
    report_all(watch);
}

static void on_down(void *self, struct link *link, enum err why)
{
    struct control_watch *watch = self;
    (void)link, (void)why;
    watch->is_reported = false;
    timer_stop(watch->retry_timer);
}

static const struct link_life hooks = { on_up, on_down };

static void leave(struct supervisor *supervisor)
{
    if (supervisor->control == NULL) return;
    struct control_watch *watch = supervisor->control;
    supervisor->control = NULL;
    scope_close(watch->life); /* and its link, silently */
}

static void join(struct supervisor *supervisor, const struct control_place *place)
{
    struct scope *life = scope_new(supervisor->life, "control", SCOPE_NO_LIMIT);
    struct control_watch *watch = scope_alloc(life, sizeof *watch);
    *watch = (struct control_watch){ .supervisor = supervisor,
                                     .life = life,
                                     .name = scope_keep(life, place->name) };
    watch->retry_timer = timer_new(life, supervisor->loop, report_all, watch);
    supervisor->control = watch;
    watch->link = link_connect(life, supervisor->net, &supervisor->log, place->address, watch->name,
                               &supervisor->identity, &place->addp, handlers, &hooks, watch);
}

/* Applications that are new here, or no longer wanted, are told as well. */
static void tell_new(struct supervisor *supervisor)
{
    LIST_EACH (node, &supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (is_shown(supervised) && !supervised->is_shown) control_link_tell(supervised);
    }
}

void control_link_configure(struct supervisor *supervisor)
{
    struct scope *scratch = scope_new(NULL, "control", SCOPE_NO_LIMIT);
    struct control_place place = config_watch_control(supervisor, scratch);
    struct control_watch *watch = supervisor->control;
    bool is_none = place.name.len == 0 || place.address.len == 0;
    if (watch && (is_none || !text_eq(watch->name, place.name))) leave(supervisor);
    if (supervisor->control) {
        link_set_address(supervisor->control->link, place.address);
        link_set_options(supervisor->control->link, &place.addp);
        tell_new(supervisor);
    } else if (!is_none) {
        join(supervisor, &place);
    }
    scope_close(scratch);
}
