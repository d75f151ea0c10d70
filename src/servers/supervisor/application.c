/* SPDX-License-Identifier: Apache-2.0 */
/* The table below is framework 6.1 line for line; begin there. UNKNOWN holds what the spec leaves
 * open: a process that lives without telling us anything, be it adopted from a former supervisor,
 * hung, cut off, or already condemned by a signal. */
#include "servers/supervisor/application.h"

/* Short names, so that the table reads as prose. */
enum {
    UNKNOWN = APPLICATION_UNKNOWN,
    STOPPED = APPLICATION_STOPPED,
    STOP_TRANSITION = APPLICATION_STOP_TRANSITION,
    STOP_PENDING = APPLICATION_STOP_PENDING,
    START_TRANSITION = APPLICATION_START_TRANSITION,
    START_PENDING = APPLICATION_START_PENDING,
    RUNNING = APPLICATION_RUNNING,
    INITIALIZING = APPLICATION_INITIALIZING,
    UNAVAILABLE = APPLICATION_SERVICE_UNAVAILABLE,
    SUSPENDING = APPLICATION_SUSPENDING,
    SUSPENDED = APPLICATION_SUSPENDED,

    START = APPLICATION_START,
    ADOPT = APPLICATION_ADOPT,
    FORKED = APPLICATION_FORKED,
    REGISTERED = APPLICATION_REGISTERED,
    SAYS_RUNNING = APPLICATION_SAYS_RUNNING,
    SAYS_UNAVAILABLE = APPLICATION_SAYS_UNAVAILABLE,
    SAYS_IDLE = APPLICATION_SAYS_IDLE,
    HEARTBEAT = APPLICATION_HEARTBEAT,
    HEARTBEAT_LOST = APPLICATION_HEARTBEAT_LOST,
    STOP = APPLICATION_STOP,
    STOP_GRACEFULLY = APPLICATION_STOP_GRACEFULLY,
    STOP_HEARD = APPLICATION_STOP_HEARD,
    EXITED = APPLICATION_EXITED,
    REFUSED = APPLICATION_REFUSED,
    PEER_LOST = APPLICATION_PEER_LOST,
    TIME_UP = APPLICATION_TIME_UP,
};

enum { NOT_MADE_PAUSE_MS = 5000 };
static const uint64_t never_ms = 1ull << 62; /* far away, yet safe to add to a clock */

/* Guards */
static bool is_condemned(const void *self)
{
    return ((const struct application *)self)->is_condemned;
}

static bool is_hung(const void *self)
{
    return ((const struct application *)self)->is_hung;
}

static bool restart_is_planned(const void *self)
{
    return ((const struct application *)self)->restart_is_planned;
}

static bool hangup_restarts(const void *self)
{
    return ((const struct application *)self)->policy.hangup_restart;
}

/* Actions */
static int start_process(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    struct application *application = self;
    application->restart_is_planned = application->start_after_stop = false;
    application->is_condemned = application->is_hung = false;
    application->started_ms = application->now_ms;
    out->deeds |= APPLICATION_DO_FORK;
    return FSM_NONE;
}

static int start_by_command(void *self, const void *detail, struct actions *out)
{
    struct application *application = self;
    application->history = (struct restart_history){ 0 }; /* a person has looked at it */
    return start_process(self, detail, out);
}

static int start_again(void *self, const void *detail, struct actions *out)
{
    struct application *application = self;
    if (!application->start_after_stop) application->restarts++; /* else somebody ordered it */
    return start_process(self, detail, out);
}

static int start_when_stopped(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    ((struct application *)self)->start_after_stop = true;
    return FSM_NONE;
}

static int adopt(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    struct application *application = self;
    application->restart_is_planned = application->start_after_stop = false;
    application->is_condemned = application->is_hung = false;
    application->started_ms = application->now_ms;
    return FSM_NONE;
}

static int forget_restart(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    ((struct application *)self)->restart_is_planned = false;
    return FSM_NONE;
}

static void plan_restart(struct application *application, struct actions *out)
{
    if (!application->policy.auto_restart) return;
    struct restart_decision decision =
        restart_after_death(&application->history, &application->policy.restart,
                            application->started_ms, application->now_ms);
    if (!decision.may_restart) {
        out->deeds |= APPLICATION_TELL_CRASH_LOOP;
        return;
    }
    application->restart_is_planned = true;
    application->restart_delay_ms = decision.delay_ms;
    out->deeds |= APPLICATION_TELL_RESTART;
}

static int start_failed(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    out->deeds |= APPLICATION_TELL_START_FAILED;
    plan_restart(self, out);
    return FSM_NONE;
}

/* No memory, no descriptor, no room for its pid file: the machine's trouble says nothing about the
 * application, so it is no quick death. */
static int not_made(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    struct application *application = self;
    out->deeds |= APPLICATION_TELL_START_FAILED;
    if (!application->policy.auto_restart) return FSM_NONE;
    application->restart_is_planned = true;
    application->restart_delay_ms = NOT_MADE_PAUSE_MS;
    out->deeds |= APPLICATION_TELL_RESTART;
    return FSM_NONE;
}

/* Trying again changes nothing: somebody has to mend it. */
static int refused(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->deeds |= APPLICATION_TELL_START_FAILED;
    return FSM_NONE;
}

static int died(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    out->deeds |= APPLICATION_TELL_DIED;
    plan_restart(self, out);
    return FSM_NONE;
}

static int stopped_as_told(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    struct application *application = self;
    out->deeds |= APPLICATION_TELL_STOPPED;
    if (application->start_after_stop) {
        application->restart_is_planned = true;
        application->restart_delay_ms = 0;
    }
    return FSM_NONE;
}

static int never_registered(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    ((struct application *)self)->is_condemned = true;
    out->deeds |= APPLICATION_TELL_START_FAILED | APPLICATION_DO_KILL;
    return FSM_NONE;
}

static int is_running(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    ((struct application *)self)->is_hung = false;
    out->deeds |= APPLICATION_TELL_RUNNING;
    return FSM_NONE;
}

static int is_back(void *self, const void *detail, struct actions *out)
{
    (void)detail, (void)out;
    ((struct application *)self)->is_hung = false;
    return FSM_NONE;
}

static int is_unavailable(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    ((struct application *)self)->is_hung = false;
    out->deeds |= APPLICATION_TELL_UNAVAILABLE;
    return FSM_NONE;
}

static int suspend(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->deeds |= APPLICATION_DO_SUSPEND;
    return FSM_NONE;
}

static int stop_now(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail, (void)out;
    return STOP;
}

static int send_stop(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->deeds |= APPLICATION_DO_SEND_STOP;
    return FSM_NONE;
}

static int terminate(void *self, const void *detail, struct actions *out)
{
    (void)self, (void)detail;
    out->deeds |= APPLICATION_DO_TERMINATE;
    return FSM_NONE;
}

static int kill_it(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    ((struct application *)self)->is_condemned = true;
    out->deeds |= APPLICATION_DO_KILL;
    return FSM_NONE;
}

static int abort_hung(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    ((struct application *)self)->is_condemned = true;
    out->deeds |= APPLICATION_TELL_HUNG | APPLICATION_DO_ABORT;
    return FSM_NONE;
}

static int tolerate_hung(void *self, const void *detail, struct actions *out)
{
    (void)detail;
    ((struct application *)self)->is_hung = true;
    out->deeds |= APPLICATION_TELL_HUNG;
    return FSM_NONE;
}

static const struct fsm_rule rules[] = {
    /* in            on                when             run                 go */
    { STOPPED, START, NULL, start_by_command, START_TRANSITION, "command or autostart" },
    { STOPPED, TIME_UP, restart_is_planned, start_again, START_TRANSITION, "a restart is due" },
    { STOPPED, ADOPT, NULL, adopt, UNKNOWN, "left by a former supervisor" },
    { STOPPED, STOP, NULL, forget_restart, FSM_STAY, NULL },
    { STOPPED, STOP_GRACEFULLY, NULL, forget_restart, FSM_STAY, NULL },
    { STOPPED, FSM_ANY, NULL, NULL, FSM_STAY, NULL },

    { START_TRANSITION, FORKED, NULL, NULL, START_PENDING, "a process lives" },
    { START_TRANSITION, EXITED, NULL, not_made, STOPPED, "no process could be made" },
    { START_TRANSITION, REFUSED, NULL, refused, STOPPED, "it has no such program" },
    { START_TRANSITION, FSM_ANY, NULL, NULL, FSM_STAY, "the fork answers in the same turn" },

    { START_PENDING, REGISTERED, NULL, NULL, INITIALIZING, NULL },
    { START_PENDING, TIME_UP, NULL, never_registered, UNKNOWN, "startupTimeout" },
    { START_PENDING, EXITED, NULL, start_failed, STOPPED, NULL },
    { START_PENDING, STOP, NULL, terminate, STOP_PENDING, "it has no link to hear `stop`" },
    { START_PENDING, STOP_GRACEFULLY, NULL, terminate, STOP_PENDING, NULL },

    { INITIALIZING, SAYS_RUNNING, NULL, is_running, RUNNING, NULL },
    { UNAVAILABLE, SAYS_RUNNING, NULL, is_running, RUNNING, NULL },
    { INITIALIZING, SAYS_UNAVAILABLE, NULL, is_unavailable, UNAVAILABLE, NULL },
    { RUNNING, SAYS_UNAVAILABLE, NULL, is_unavailable, UNAVAILABLE, NULL },

    { RUNNING, STOP_GRACEFULLY, NULL, suspend, SUSPENDING, NULL },
    { SUSPENDING, SAYS_IDLE, NULL, stop_now, SUSPENDED, "no work is left" },
    { SUSPENDING, TIME_UP, NULL, stop_now, SUSPENDED, "suspending-wait-timeout" },
    { SUSPENDING, PEER_LOST, NULL, stop_now, SUSPENDED, "it was to stop in any case" },
    { SUSPENDING, HEARTBEAT_LOST, NULL, stop_now, SUSPENDED, NULL },
    { SUSPENDING, EXITED, NULL, stopped_as_told, STOPPED, NULL },
    { SUSPENDING, START, NULL, start_when_stopped, FSM_STAY, NULL },
    { SUSPENDING, STOP_GRACEFULLY, NULL, NULL, FSM_STAY, NULL },
    { SUSPENDING, SAYS_UNAVAILABLE, NULL, NULL, FSM_STAY, NULL },

    { STOP_TRANSITION, STOP_HEARD, NULL, NULL, STOP_PENDING, NULL },
    { STOP_TRANSITION, TIME_UP, NULL, terminate, STOP_PENDING, "no answer" },
    { STOP_TRANSITION, REGISTERED, NULL, send_stop, STOP_TRANSITION, "it reconnected meanwhile" },
    { STOP_TRANSITION, EXITED, NULL, stopped_as_told, STOPPED, NULL },
    { STOP_TRANSITION, START, NULL, start_when_stopped, FSM_STAY, NULL },
    { STOP_TRANSITION, FSM_ANY, NULL, NULL, FSM_STAY, NULL },
    { STOP_PENDING, TIME_UP, NULL, kill_it, STOP_PENDING, "shutdownTimeout" },
    { STOP_PENDING, EXITED, NULL, stopped_as_told, STOPPED, NULL },
    { STOP_PENDING, START, NULL, start_when_stopped, FSM_STAY, NULL },
    { STOP_PENDING, FSM_ANY, NULL, NULL, FSM_STAY, NULL },

    { UNKNOWN, EXITED, NULL, died, STOPPED, NULL },
    { UNKNOWN, TIME_UP, NULL, kill_it, UNKNOWN, "it does not come back" },
    { UNKNOWN, STOP, is_condemned, NULL, STOP_PENDING, "its end is on the way" },
    { UNKNOWN, STOP_GRACEFULLY, is_condemned, NULL, STOP_PENDING, NULL },
    { UNKNOWN, REGISTERED, is_condemned, NULL, FSM_STAY, NULL },
    { UNKNOWN, REGISTERED, NULL, is_back, INITIALIZING, NULL },
    { UNKNOWN, HEARTBEAT, is_hung, is_running, RUNNING, "it was only slow" },
    { UNKNOWN, HEARTBEAT_LOST, NULL, NULL, FSM_STAY, NULL },
    { UNKNOWN, PEER_LOST, is_hung, is_back, UNKNOWN, "from here on its return has a limit" },
    { UNKNOWN, PEER_LOST, NULL, NULL, FSM_STAY, NULL },

    /* any live */
    { FSM_ANY, EXITED, NULL, died, STOPPED, NULL },
    { FSM_ANY, STOP, NULL, send_stop, STOP_TRANSITION, NULL },
    { FSM_ANY, STOP_GRACEFULLY, NULL, send_stop, STOP_TRANSITION, "it can not be suspended now" },
    { FSM_ANY, HEARTBEAT_LOST, hangup_restarts, abort_hung, UNKNOWN, "hangup-restart" },
    { FSM_ANY, HEARTBEAT_LOST, NULL, tolerate_hung, UNKNOWN, "alarm only" },
    { FSM_ANY, PEER_LOST, NULL, NULL, UNKNOWN, "its end, or its return, follows" },
    { FSM_ANY, FSM_ANY, NULL, NULL, FSM_STAY, NULL },
};

static uint64_t restart_limit_ms(const void *self)
{
    const struct application *application = self;
    return application->restart_is_planned ? application->restart_delay_ms : never_ms;
}

static uint64_t startup_limit_ms(const void *self)
{
    return ((const struct application *)self)->policy.startup_ms;
}

static uint64_t suspending_limit_ms(const void *self)
{
    return ((const struct application *)self)->policy.suspending_wait_ms;
}

static uint64_t stop_heard_limit_ms(const void *self)
{
    return ((const struct application *)self)->policy.stop_heard_ms;
}

static uint64_t shutdown_limit_ms(const void *self)
{
    return ((const struct application *)self)->policy.shutdown_ms;
}

static uint64_t unknown_limit_ms(const void *self)
{
    const struct application *application = self;
    if (application->is_condemned) return application->policy.abort_ms;
    return application->is_hung ? never_ms : application->policy.startup_ms;
}

static const struct fsm_state states[APPLICATION_STATES] = {
    [UNKNOWN] = { "UNKNOWN", .limit_ms = unknown_limit_ms },
    [STOPPED] = { "STOPPED", .limit_ms = restart_limit_ms },
    [STOP_TRANSITION] = { "STOP_TRANSITION", .limit_ms = stop_heard_limit_ms },
    [STOP_PENDING] = { "STOP_PENDING", .limit_ms = shutdown_limit_ms },
    [START_TRANSITION] = { "START_TRANSITION" },
    [START_PENDING] = { "START_PENDING", .limit_ms = startup_limit_ms },
    [RUNNING] = { "RUNNING" },
    [INITIALIZING] = { "INITIALIZING" },
    [UNAVAILABLE] = { "SERVICE_UNAVAILABLE" },
    [SUSPENDING] = { "SUSPENDING", .limit_ms = suspending_limit_ms },
    [SUSPENDED] = { "SUSPENDED" },
};

static const char *const events[APPLICATION_EVENTS] = {
    [START] = "start",
    [ADOPT] = "adopt",
    [FORKED] = "forked",
    [REGISTERED] = "registered",
    [SAYS_RUNNING] = "says running",
    [SAYS_UNAVAILABLE] = "says unavailable",
    [SAYS_IDLE] = "says idle",
    [HEARTBEAT] = "heartbeat",
    [HEARTBEAT_LOST] = "heartbeat lost",
    [STOP] = "stop",
    [STOP_GRACEFULLY] = "stop gracefully",
    [STOP_HEARD] = "stop heard",
    [EXITED] = "exited",
    [REFUSED] = "refused",
    [PEER_LOST] = "peer lost",
    [TIME_UP] = "time up",
};

const struct fsm_machine application_machine = {
    .name = "application",
    .rules = rules,
    .rule_count = sizeof rules / sizeof *rules,
    .states = states,
    .state_count = APPLICATION_STATES,
    .events = events,
    .event_count = APPLICATION_EVENTS,
    .time_up = TIME_UP,
};

struct application_policy application_policy_default(void)
{
    return (struct application_policy){ .startup_ms = 90000,
                                        .shutdown_ms = 90000,
                                        .suspending_wait_ms = 10000,
                                        .stop_heard_ms = 1000,
                                        .abort_ms = 5000,
                                        .hangup_restart = true,
                                        .auto_restart = true,
                                        .restart = restart_policy_default() };
}

void application_init(struct application *application, const struct application_policy *policy,
                      uint64_t now_ms)
{
    *application = (struct application){ .policy = *policy, .now_ms = now_ms };
    fsm_start(&application->fsm, &application_machine, STOPPED, now_ms);
}

void application_step(struct application *application, enum application_event event,
                      uint64_t now_ms, struct actions *out)
{
    *out = (struct actions){ 0 };
    application->now_ms = now_ms;
    if (event == APPLICATION_REGISTERED || event == APPLICATION_HEARTBEAT)
        application->heard_ms = now_ms;
    bool is_answered = fsm_feed(&application->fsm, (int)event, application, NULL, now_ms, out);
    ASSERT(is_answered); /* the last rule answers everything */
}

/* Heartbeats are owed by whoever has registered and is not on its way out. */
static uint64_t heartbeat_due_ms(const struct application *application)
{
    int state = application->fsm.state;
    bool owes_heartbeat = state == RUNNING || state == INITIALIZING || state == UNAVAILABLE ||
                          state == SUSPENDING;
    if (!owes_heartbeat || application->policy.heartbeat_ms == 0) return UINT64_MAX;
    return application->heard_ms + application->policy.heartbeat_ms;
}

uint64_t application_due_ms(const struct application *application)
{
    uint64_t limit_ms = fsm_due_ms(&application->fsm, application);
    uint64_t heartbeat_ms = heartbeat_due_ms(application);
    if (limit_ms >= never_ms) limit_ms = UINT64_MAX;
    return limit_ms < heartbeat_ms ? limit_ms : heartbeat_ms;
}

bool application_tick(struct application *application, uint64_t now_ms, struct actions *out)
{
    *out = (struct actions){ 0 };
    if (now_ms < application_due_ms(application)) return false;
    bool is_heartbeat = heartbeat_due_ms(application) <= now_ms;
    application_step(application, is_heartbeat ? APPLICATION_HEARTBEAT_LOST : APPLICATION_TIME_UP,
                     now_ms, out);
    return true;
}

enum application_state application_state(const struct application *application)
{
    return (enum application_state)application->fsm.state;
}

bool application_has_process(const struct application *application)
{
    int state = application->fsm.state;
    return state != STOPPED && state != START_TRANSITION;
}

const char *application_state_name(enum application_state state)
{
    return states[state].name;
}
