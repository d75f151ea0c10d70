/* SPDX-License-Identifier: Apache-2.0 */
/* status.h - what control believes of a host and of an application, from what supervisors report:
 * two state machines, and which order an application's state allows.
 * Promise  every step says what is to be noted in the log; what is only learnt anew (control or a
 *          supervisor came back) is not noted again, but deaths that were missed are.
 * Pure     no clock, no I/O, no allocation; the caller hands in the time and keeps the structs.
 * Source   spec framework 6.1 (states with their public numbers), 6.5 (codes), 15 */
#ifndef SERVERS_CONTROL_STATUS_H
#define SERVERS_CONTROL_STATUS_H

#include "base/fsm.h"

/* Public numbers (framework 6.1). */
enum app_status {
    STATUS_UNKNOWN,
    STATUS_STOPPED,
    STATUS_STOP_TRANSITION,
    STATUS_STOP_PENDING,
    STATUS_START_TRANSITION,
    STATUS_START_PENDING,
    STATUS_RUNNING,
    STATUS_INITIALIZING,
    STATUS_SERVICE_UNAVAILABLE,
    STATUS_SUSPENDING,
    STATUS_SUSPENDED,
    STATUS_COUNT
};
const char *status_name(enum app_status status);               /* "RUNNING" */
enum err status_parse(struct text name, enum app_status *out); /* ERR_INVALID */
bool status_is_live(enum app_status status);                   /* it may have a process */

/* What the owner writes into the log after a step. */
enum status_note {
    NOTE_RUNNING = 1 << 0,
    NOTE_STOPPED = 1 << 1, /* as ordered */
    NOTE_FAILED = 1 << 2,  /* ended without an order */
    NOTE_START_FAILED = 1 << 3,
    NOTE_CRASH_LOOP = 1 << 4,
    NOTE_UNAVAILABLE = 1 << 5,
    NOTE_HUNG = 1 << 6,
    NOTE_CONNECTED = 1 << 7, /* of hosts */
    NOTE_LOST = 1 << 8,
    NOTE_UNREACHABLE = 1 << 9, /* what runs there is UNKNOWN from here on */
};
struct actions {
    unsigned notes;
};

/* --- one application ------------------------------------------------------------------------ */

enum status_trouble { TROUBLE_NONE, TROUBLE_CRASH_LOOP, TROUBLE_HUNG };

/* As its supervisor reports it. */
struct status_report {
    enum app_status state;
    uint32_t restarts; /* unordered ones, since the supervisor started */
    bool is_ordered;   /* it is so because somebody ordered it */
    enum status_trouble trouble;
};

struct app_watch {
    struct fsm fsm;
    struct status_report report; /* the last one */
    bool is_known;               /* reported since its host was last unknown to us */
};
extern const struct fsm_machine app_watch_machine;

void app_watch_init(struct app_watch *watch, uint64_t now_ms);
/* `is_whole`: part of a host's whole report, else it has just moved. `out` is overwritten. True:
 * something that is shown has moved. */
bool app_watch_report(struct app_watch *watch, const struct status_report *report, bool is_whole,
                      uint64_t now_ms, struct actions *out);
bool app_watch_lose(struct app_watch *watch, uint64_t now_ms); /* its host is away: UNKNOWN */
enum app_status app_watch_status(const struct app_watch *watch);

/* --- one host ------------------------------------------------------------------------------- */

/* Public numbers; MISSING is shown as running: its supervisor may be back any moment. */
enum host_status { HOST_UNKNOWN, HOST_DISCONNECTED, HOST_RUNNING, HOST_MISSING, HOST_STATUS_COUNT };
enum host_event { HOST_REPORTS, HOST_LINK_LOST, HOST_TIME_UP, HOST_EVENT_COUNT };
struct host_watch {
    struct fsm fsm;
    uint64_t grace_ms; /* lca-loss-grace */
};
extern const struct fsm_machine host_watch_machine;
const char *host_status_name(enum host_status status); /* "running" */
enum host_status host_watch_status(const struct host_watch *watch);

/* --- orders --------------------------------------------------------------------------------- */

/* The public numbers (framework 6.5). */
enum order_error {
    ORDER_OK,
    ORDER_APPLICATION_NOT_STARTED,
    ORDER_NOT_STOPPED,
    ORDER_NOT_READY,
    ORDER_ALREADY_EXISTS,
    ORDER_OBJECT_NOT_FOUND,
    ORDER_AGENT_NOT_STARTED, /* the host's supervisor is away */
    ORDER_ALREADY_IN_PROGRESS,
    ORDER_OPERATING_SYSTEM_ERROR,
    ORDER_UNABLE_TO_EXECUTE,
    ORDER_INTERNAL_ERROR,
    ORDER_INCORRECT_CLIENT_CODE,
    ORDER_NOT_IMPLEMENTED,
    ORDER_HOT_BACKUP_LIMITATIONS,
    ORDER_APPLICATION_HOST_CONFLICT,
    ORDER_ERROR_COUNT
};
const char *order_error_name(enum order_error error);  /* "ApplicationNotStarted" */
const char *order_error_words(enum order_error error); /* for people */

enum app_order {
    APP_ORDER_START,
    APP_ORDER_STOP,
    APP_ORDER_STOP_GRACEFULLY,
    APP_ORDER_RESTART,
    APP_ORDER_SWITCHOVER,
    APP_ORDER_LOG_LEVEL,
    APP_ORDER_KILL, /* from inside alone */
    APP_ORDER_COUNT
};
const char *app_order_name(enum app_order order); /* "stop-gracefully" */
enum err app_order_parse(struct text name, enum app_order *out);
/* Whether the present state allows it. `has_backup`: of a pair. */
enum order_error app_order_check(enum app_order order, enum app_status status, bool has_backup);

#endif
