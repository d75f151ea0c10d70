/* SPDX-License-Identifier: Apache-2.0 */
/* application.h - the life of one supervised application: a state machine.
 * Promise  every state answers a command to stop, the end of its time and the loss of its link; a
 *          commanded stop never restarts; a process is never started while another one of the same
 *          application lives.
 * Pure     no clock, no I/O: what has to be done is noted in `struct actions`, the owner does it
 *          after the step and feeds back what happened. Times are monotonic milliseconds.
 * Source   spec framework 6.1 (states, with their public numbers), 6.2, 6.4 */
#ifndef SERVERS_SUPERVISOR_APPLICATION_H
#define SERVERS_SUPERVISOR_APPLICATION_H

#include "base/fsm.h"
#include "servers/supervisor/restart.h"

/* Public numbers (framework 6.1); shown by `carillon status` and the metrics page. */
enum application_state {
    APPLICATION_UNKNOWN,         /* a process lives, but does not tell: adopted, hung or cut off */
    APPLICATION_STOPPED,         /* no process; perhaps one is due to start again */
    APPLICATION_STOP_TRANSITION, /* `stop` was sent */
    APPLICATION_STOP_PENDING,    /* it has heard, or got SIGTERM; its end is awaited */
    APPLICATION_START_TRANSITION,
    APPLICATION_START_PENDING, /* a process lives, but has not registered */
    APPLICATION_RUNNING,
    APPLICATION_INITIALIZING,
    APPLICATION_SERVICE_UNAVAILABLE,
    APPLICATION_SUSPENDING,
    APPLICATION_SUSPENDED,
    APPLICATION_STATES
};

enum application_event {
    APPLICATION_START,        /* command, autostart */
    APPLICATION_ADOPT,        /* a process of a former supervisor was found alive */
    APPLICATION_FORKED,       /* the process lives */
    APPLICATION_REGISTERED,   /* its link is up and proven */
    APPLICATION_SAYS_RUNNING, /* its status */
    APPLICATION_SAYS_UNAVAILABLE,
    APPLICATION_SAYS_IDLE, /* nothing left to do, the answer to suspend; or it cannot suspend */
    APPLICATION_HEARTBEAT,
    APPLICATION_HEARTBEAT_LOST,
    APPLICATION_STOP, /* command */
    APPLICATION_STOP_GRACEFULLY,
    APPLICATION_STOP_HEARD, /* it has acknowledged `stop` */
    APPLICATION_EXITED,     /* the process is gone, or could not be made */
    APPLICATION_REFUSED,    /* what it is to be started with cannot be started */
    APPLICATION_PEER_LOST,  /* its link went down */
    APPLICATION_TIME_UP,
    APPLICATION_EVENTS
};

/* What the owner has to do after a step, in this order. */
enum application_deed {
    APPLICATION_DO_FORK = 1 << 0, /* then feed FORKED or EXITED */
    APPLICATION_DO_SUSPEND = 1 << 1,
    APPLICATION_DO_SEND_STOP = 1 << 2,
    APPLICATION_DO_TERMINATE = 1 << 3, /* SIGTERM */
    APPLICATION_DO_ABORT = 1 << 4,     /* SIGABRT, for a core */
    APPLICATION_DO_KILL = 1 << 5,      /* SIGKILL */
    APPLICATION_TELL_RUNNING = 1 << 6,
    APPLICATION_TELL_UNAVAILABLE = 1 << 7,
    APPLICATION_TELL_START_FAILED = 1 << 8, /* 00-05071 */
    APPLICATION_TELL_STOPPED = 1 << 9,      /* 00-05062 */
    APPLICATION_TELL_DIED = 1 << 10,        /* 00-05064 */
    APPLICATION_TELL_RESTART = 1 << 11,     /* restart_delay_ms says when */
    APPLICATION_TELL_CRASH_LOOP = 1 << 12,  /* alarm */
    APPLICATION_TELL_HUNG = 1 << 13,        /* alarm */
};
struct actions {
    unsigned deeds;
};

/* From the Application object and the host's options. */
struct application_policy {
    uint64_t startup_ms, shutdown_ms;
    uint64_t suspending_wait_ms;
    uint64_t stop_heard_ms; /* how long `stop` may stay without an answer */
    uint64_t abort_ms;      /* from SIGABRT to SIGKILL */
    uint64_t heartbeat_ms;  /* 0: none is expected */
    bool hangup_restart, auto_restart;
    struct restart_policy restart;
};
struct application_policy application_policy_default(void); /* framework 2.3, 4.2, 6.1, 6.2 */

struct application {
    struct fsm fsm;
    struct application_policy policy;
    struct restart_history history;
    uint64_t now_ms, started_ms, heard_ms; /* last step, last start, last sign of life */
    uint64_t restart_delay_ms;
    uint64_t restarts;
    bool restart_is_planned; /* in STOPPED: a start is due after restart_delay_ms */
    bool start_after_stop;   /* a restart was commanded */
    bool is_condemned;       /* we have sent a signal that ends it */
    bool is_hung;            /* heartbeats stopped and it is tolerated */
};

void application_init(struct application *application, const struct application_policy *policy,
                      uint64_t now_ms);
/* Feed one event. `out` is overwritten. */
void application_step(struct application *application, enum application_event event,
                      uint64_t now_ms, struct actions *out);
/* The next moment that application_tick() has something to do; UINT64_MAX: never. */
uint64_t application_due_ms(const struct application *application);
/* Feed what time brings: at most one event. False when nothing was due. */
bool application_tick(struct application *application, uint64_t now_ms, struct actions *out);

enum application_state application_state(const struct application *application);
bool application_has_process(const struct application *application);
const char *application_state_name(enum application_state state); /* "RUNNING" */
extern const struct fsm_machine application_machine;

#endif
