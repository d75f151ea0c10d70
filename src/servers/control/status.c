/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/control/status.h"

/* --- one application -------------------------------------------------------------------------
 * Its supervisor holds the machine that acts (framework 6.1); this one only follows: the event is
 * the state that was reported, and the rules say which moves are news. */

enum {
    UNKNOWN = STATUS_UNKNOWN,
    STOPPED = STATUS_STOPPED,
    STOP_TRANSITION = STATUS_STOP_TRANSITION,
    STOP_PENDING = STATUS_STOP_PENDING,
    START_TRANSITION = STATUS_START_TRANSITION,
    START_PENDING = STATUS_START_PENDING,
    RUNNING = STATUS_RUNNING,
    INITIALIZING = STATUS_INITIALIZING,
    UNAVAILABLE = STATUS_SERVICE_UNAVAILABLE,
    SUSPENDING = STATUS_SUSPENDING,
    SUSPENDED = STATUS_SUSPENDED,
    HOST_AWAY = STATUS_COUNT, /* behind the reported states */
    EVENT_COUNT,
};

static bool is_ordered(const void *self)
{
    return ((const struct app_watch *)self)->report.is_ordered;
}

static bool is_new(const void *self)
{
    return !((const struct app_watch *)self)->is_known;
}

static int note_running(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_RUNNING;
    return FSM_NONE;
}

static int note_stopped(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_STOPPED;
    return FSM_NONE;
}

static int note_failed(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_FAILED;
    return FSM_NONE;
}

static int note_start_failed(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_START_FAILED;
    return FSM_NONE;
}

static int note_unavailable(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_UNAVAILABLE;
    return FSM_NONE;
}

static const struct fsm_rule app_rules[] = {
    /* in               on               when        run                go */
    { UNKNOWN, STOPPED, is_new, NULL, STOPPED, "learnt anew" },
    { UNKNOWN, RUNNING, is_new, NULL, RUNNING, NULL },
    { UNKNOWN, UNAVAILABLE, is_new, NULL, UNAVAILABLE, NULL },

    { STOPPED, STOPPED, NULL, NULL, FSM_STAY, NULL },
    { START_TRANSITION, STOPPED, is_ordered, note_stopped, STOPPED, NULL },
    { START_PENDING, STOPPED, is_ordered, note_stopped, STOPPED, NULL },
    { START_TRANSITION, STOPPED, NULL, note_start_failed, STOPPED, "no process could be made" },
    { START_PENDING, STOPPED, NULL, note_start_failed, STOPPED, "it ended, or never registered" },
    { FSM_ANY, STOPPED, is_ordered, note_stopped, STOPPED, NULL },
    { FSM_ANY, STOPPED, NULL, note_failed, STOPPED, NULL },

    { RUNNING, RUNNING, NULL, NULL, FSM_STAY, NULL },
    { FSM_ANY, RUNNING, NULL, note_running, RUNNING, NULL },
    { UNAVAILABLE, UNAVAILABLE, NULL, NULL, FSM_STAY, NULL },
    { FSM_ANY, UNAVAILABLE, NULL, note_unavailable, UNAVAILABLE, NULL },

    { FSM_ANY, HOST_AWAY, NULL, NULL, UNKNOWN, "lca-loss-grace" },
    { FSM_ANY, UNKNOWN, NULL, NULL, UNKNOWN, "it lives, but does not tell" },
    { FSM_ANY, STOP_TRANSITION, NULL, NULL, STOP_TRANSITION, NULL },
    { FSM_ANY, STOP_PENDING, NULL, NULL, STOP_PENDING, NULL },
    { FSM_ANY, START_TRANSITION, NULL, NULL, START_TRANSITION, NULL },
    { FSM_ANY, START_PENDING, NULL, NULL, START_PENDING, NULL },
    { FSM_ANY, INITIALIZING, NULL, NULL, INITIALIZING, NULL },
    { FSM_ANY, SUSPENDING, NULL, NULL, SUSPENDING, NULL },
    { FSM_ANY, SUSPENDED, NULL, NULL, SUSPENDED, NULL },
};

static const struct fsm_state app_states[STATUS_COUNT] = {
    [UNKNOWN] = { "UNKNOWN" },
    [STOPPED] = { "STOPPED" },
    [STOP_TRANSITION] = { "STOP_TRANSITION" },
    [STOP_PENDING] = { "STOP_PENDING" },
    [START_TRANSITION] = { "START_TRANSITION" },
    [START_PENDING] = { "START_PENDING" },
    [RUNNING] = { "RUNNING" },
    [INITIALIZING] = { "INITIALIZING" },
    [UNAVAILABLE] = { "SERVICE_UNAVAILABLE" },
    [SUSPENDING] = { "SUSPENDING" },
    [SUSPENDED] = { "SUSPENDED" },
};

static const char *const app_events[EVENT_COUNT] = {
    [UNKNOWN] = "says UNKNOWN",
    [STOPPED] = "says STOPPED",
    [STOP_TRANSITION] = "says STOP_TRANSITION",
    [STOP_PENDING] = "says STOP_PENDING",
    [START_TRANSITION] = "says START_TRANSITION",
    [START_PENDING] = "says START_PENDING",
    [RUNNING] = "says RUNNING",
    [INITIALIZING] = "says INITIALIZING",
    [UNAVAILABLE] = "says SERVICE_UNAVAILABLE",
    [SUSPENDING] = "says SUSPENDING",
    [SUSPENDED] = "says SUSPENDED",
    [HOST_AWAY] = "host away",
};

const struct fsm_machine app_watch_machine = {
    .name = "application watched",
    .rules = app_rules,
    .rule_count = sizeof app_rules / sizeof *app_rules,
    .states = app_states,
    .state_count = STATUS_COUNT,
    .events = app_events,
    .event_count = EVENT_COUNT,
    .time_up = FSM_NONE,
};

const char *status_name(enum app_status status)
{
    return app_states[status].name;
}

enum err status_parse(struct text name, enum app_status *out)
{
    for (int i = 0; i < STATUS_COUNT; i++)
        if (text_eq(name, text_of(app_states[i].name))) {
            *out = (enum app_status)i;
            return ERR_OK;
        }
    return ERR_INVALID;
}

bool status_is_live(enum app_status status)
{
    return status != STATUS_UNKNOWN && status != STATUS_STOPPED;
}

void app_watch_init(struct app_watch *watch, uint64_t now_ms)
{
    *watch = (struct app_watch){ 0 };
    fsm_start(&watch->fsm, &app_watch_machine, UNKNOWN, now_ms);
}

enum app_status app_watch_status(const struct app_watch *watch)
{
    return (enum app_status)watch->fsm.state;
}

/* What a supervisor does at once may pass between two reports: the counts tell. */
static void note_what_passed(const struct status_report *before, const struct status_report *now,
                             bool is_whole, bool is_known, struct actions *out)
{
    bool has_died = is_known && is_whole && now->restarts > before->restarts;
    if (has_died && !(out->notes & NOTE_START_FAILED)) out->notes |= NOTE_FAILED;
    if (now->trouble == before->trouble) return;
    if (now->trouble == TROUBLE_CRASH_LOOP) out->notes |= NOTE_CRASH_LOOP;
    if (now->trouble == TROUBLE_HUNG) out->notes |= NOTE_HUNG;
}

bool app_watch_report(struct app_watch *watch, const struct status_report *report, bool is_whole,
                      uint64_t now_ms, struct actions *out)
{
    const struct status_report before = watch->report;
    int state = watch->fsm.state;
    bool is_known = watch->is_known;
    *out = (struct actions){ 0 };
    watch->report = *report;
    bool is_answered = fsm_feed(&watch->fsm, (int)report->state, watch, NULL, now_ms, out);
    ASSERT(is_answered); /* the table has a rule for each state that can be said */
    note_what_passed(&before, report, is_whole, is_known, out);
    watch->is_known = true;
    return !is_known || state != watch->fsm.state || before.restarts != report->restarts ||
           before.trouble != report->trouble;
}

bool app_watch_lose(struct app_watch *watch, uint64_t now_ms)
{
    int state = watch->fsm.state;
    struct actions none = { 0 };
    watch->is_known = false;
    (void)fsm_feed(&watch->fsm, HOST_AWAY, watch, NULL, now_ms, &none);
    return state != watch->fsm.state;
}

/* --- one host ------------------------------------------------------------------------------- */

static int note_connected(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_CONNECTED;
    return FSM_NONE;
}

static int note_lost(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_LOST;
    return FSM_NONE;
}

static int note_unreachable(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->notes |= NOTE_UNREACHABLE;
    return FSM_NONE;
}

static const struct fsm_rule host_rules[] = {
    /* in                on              when  run               go */
    { HOST_RUNNING, HOST_REPORTS, NULL, NULL, FSM_STAY, "on a new link" },
    { FSM_ANY, HOST_REPORTS, NULL, note_connected, HOST_RUNNING, NULL },
    { HOST_RUNNING, HOST_LINK_LOST, NULL, note_lost, HOST_MISSING, NULL },
    { HOST_UNKNOWN, HOST_TIME_UP, NULL, note_unreachable, HOST_DISCONNECTED, "never heard" },
    { HOST_MISSING, HOST_TIME_UP, NULL, note_unreachable, HOST_DISCONNECTED, "lca-loss-grace" },
    { FSM_ANY, FSM_ANY, NULL, NULL, FSM_STAY, NULL },
};

static uint64_t grace_limit_ms(const void *self)
{
    return ((const struct host_watch *)self)->grace_ms;
}

static const struct fsm_state host_states[HOST_STATUS_COUNT] = {
    [HOST_UNKNOWN] = { "unknown", .limit_ms = grace_limit_ms },
    [HOST_DISCONNECTED] = { "disconnected" },
    [HOST_RUNNING] = { "running" },
    [HOST_MISSING] = { "missing", .limit_ms = grace_limit_ms },
};

static const char *const host_events[HOST_EVENT_COUNT] = {
    [HOST_REPORTS] = "reports",
    [HOST_LINK_LOST] = "link lost",
    [HOST_TIME_UP] = "time up",
};

const struct fsm_machine host_watch_machine = {
    .name = "host watched",
    .rules = host_rules,
    .rule_count = sizeof host_rules / sizeof *host_rules,
    .states = host_states,
    .state_count = HOST_STATUS_COUNT,
    .events = host_events,
    .event_count = HOST_EVENT_COUNT,
    .time_up = HOST_TIME_UP,
};

enum host_status host_watch_status(const struct host_watch *watch)
{
    return watch->fsm.state == HOST_MISSING ? HOST_RUNNING : (enum host_status)watch->fsm.state;
}

const char *host_status_name(enum host_status status)
{
    return host_states[status].name;
}

/* --- orders --------------------------------------------------------------------------------- */

static const struct {
    const char *name, *words;
} order_errors[ORDER_ERROR_COUNT] = {
    [ORDER_OK] = { "", "no error" },
    [ORDER_APPLICATION_NOT_STARTED] = { "ApplicationNotStarted", "it is not started" },
    [ORDER_NOT_STOPPED] = { "NotStopped", "it is not stopped" },
    [ORDER_NOT_READY] = { "NotReady", "it, or its backup, is not ready for that" },
    [ORDER_ALREADY_EXISTS] = { "AlreadyExists", "it is there already" },
    [ORDER_OBJECT_NOT_FOUND] = { "ObjectNotFound", "there is no such object" },
    [ORDER_AGENT_NOT_STARTED] = { "AgentNotStarted", "the supervisor of its host is away" },
    [ORDER_ALREADY_IN_PROGRESS] = { "AlreadyInProgress", "the order is being carried out" },
    [ORDER_OPERATING_SYSTEM_ERROR] = { "OperatingSystemError", "the operating system refused" },
    [ORDER_UNABLE_TO_EXECUTE] = { "UnableToExecute", "it cannot be carried out" },
    [ORDER_INTERNAL_ERROR] = { "InternalError", "an internal error" },
    [ORDER_INCORRECT_CLIENT_CODE] = { "IncorrectClientCode", "the asker cannot be identified" },
    [ORDER_NOT_IMPLEMENTED] = { "NotImplemented", "this release does not offer it" },
    [ORDER_HOT_BACKUP_LIMITATIONS] = { "HotBackupLimitations", "not with a hot backup" },
    [ORDER_APPLICATION_HOST_CONFLICT] = { "ApplicationHostConflict", "its host does not know it" },
};

const char *order_error_name(enum order_error error)
{
    return order_errors[error].name;
}

const char *order_error_words(enum order_error error)
{
    return order_errors[error].words;
}

static const char *const order_names[APP_ORDER_COUNT] = {
    [APP_ORDER_START] = "start",
    [APP_ORDER_STOP] = "stop",
    [APP_ORDER_STOP_GRACEFULLY] = "stop-gracefully",
    [APP_ORDER_RESTART] = "restart",
    [APP_ORDER_SWITCHOVER] = "switchover",
    [APP_ORDER_LOG_LEVEL] = "log-level",
    [APP_ORDER_KILL] = "kill",
};

const char *app_order_name(enum app_order order)
{
    return order_names[order];
}

enum err app_order_parse(struct text name, enum app_order *out)
{
    for (int i = 0; i < APP_ORDER_COUNT; i++)
        if (text_eq(name, text_of(order_names[i]))) {
            *out = (enum app_order)i;
            return ERR_OK;
        }
    return ERR_INVALID;
}

static enum order_error check_start(enum app_status status)
{
    switch (status) {
    case STATUS_START_TRANSITION:
    case STATUS_START_PENDING:
    case STATUS_INITIALIZING: return ORDER_ALREADY_IN_PROGRESS;
    case STATUS_UNKNOWN: /* a process lives, but does not tell */
    case STATUS_RUNNING:
    case STATUS_SERVICE_UNAVAILABLE: return ORDER_NOT_STOPPED;
    default: return ORDER_OK; /* on its way down it starts again when it has stopped */
    }
}

/* An immediate stop cuts a graceful one short. */
static enum order_error check_stop(enum app_order order, enum app_status status)
{
    switch (status) {
    case STATUS_STOPPED: return ORDER_APPLICATION_NOT_STARTED;
    case STATUS_STOP_TRANSITION:
    case STATUS_STOP_PENDING:
    case STATUS_SUSPENDED: return ORDER_ALREADY_IN_PROGRESS;
    case STATUS_SUSPENDING: return order == APP_ORDER_STOP ? ORDER_OK : ORDER_ALREADY_IN_PROGRESS;
    default: return ORDER_OK;
    }
}

enum order_error app_order_check(enum app_order order, enum app_status status, bool has_backup)
{
    switch (order) {
    case APP_ORDER_START: return check_start(status);
    case APP_ORDER_STOP:
    case APP_ORDER_STOP_GRACEFULLY: return check_stop(order, status);
    case APP_ORDER_LOG_LEVEL:
        return status_is_live(status) ? ORDER_OK : ORDER_APPLICATION_NOT_STARTED;
    case APP_ORDER_KILL: return status == STATUS_STOPPED ? ORDER_APPLICATION_NOT_STARTED : ORDER_OK;
    /* Without a backup nobody could take over; with one its lease decides, and there is none yet
     * that a backup could take. */
    case APP_ORDER_SWITCHOVER: return has_backup ? ORDER_NOT_IMPLEMENTED : ORDER_NOT_READY;
    case APP_ORDER_RESTART:
    default: return ORDER_OK;
    }
}
