/* SPDX-License-Identifier: Apache-2.0 */
/* alarms.h - conditions as configured, the active alarms, and what becomes of them (framework 9).
 * Promise  an alarm's move is durable in the change that its cause is in (a record that is kept, a
 *          person's order), its reactions with it; only then it is told, and the cause answered.
 * Failure  when such a change is not kept, what memory believes is worth nothing: it is read anew
 *          from the store before anything else is judged (alarms_are_ready()).
 * Files    alarms.c the book and its clock; alarm_store.c what is written and read of it;
 *          alarm_requests.c who asks and who watches;
 *          alarm_samples.c detection scripts; reactions.c what is done.
 * Thread   the loop's. */
#ifndef SERVERS_CONTROL_ALARMS_H
#define SERVERS_CONTROL_ALARMS_H

#include "servers/control/alarm.h"
#include "servers/control/server.h"

enum { ALARMS_ACTIVE_MAX = 100000 };

struct alarm_batch; /* moves that one change holds */

/* Blocks: reads the active ones. */
enum err alarms_open(struct control_server *server, struct alarms **out, struct fault *fault);
/* Conditions, scripts or options moved. */
void alarms_configure(struct alarms *alarms);
/* False: the store is asked what is true; judge nothing, come again. */
bool alarms_are_ready(const struct alarms *alarms);

/* A log record, as far as alarms care. Views. */
struct alarm_record {
    struct text event, text;
    struct text application, type, host; /* whose: it need not be who sent it */
    struct text about;                   /* "host:NAME", "solution:NAME"; empty: the application */
    uint64_t utc_ms;                     /* when it was generated */
};
void alarms_judge(struct alarms *alarms, const struct alarm_record *record);
/* Does any condition look for this event? */
bool alarms_care(const struct alarms *alarms, struct text event);

/* Put what was judged since the last time into `change`. NULL: nothing moved. */
struct alarm_batch *alarms_stage(struct alarms *alarms, struct change *change);
/* The change has ended. NULL is allowed. */
void alarms_settle(struct alarms *alarms, struct alarm_batch *batch, enum err err);

/* Detection scripts: `holds` for the application or host. */
void alarms_judge_script(struct alarms *alarms, struct text condition, struct text application,
                         struct text host, struct text text, bool holds);
/* Commit what was judged by itself. */
void alarms_commit(struct alarms *alarms);

void alarms_flush(struct alarms *alarms); /* before an orderly stop */
void alarms_count(const struct alarms *alarms, struct control_counters *out);

/* --- alarm_requests.c --- */

void request_read_alarms(void *self, struct link_request *request, const void *fields);
void request_clear_alarm(void *self, struct link_request *request, const void *fields);
void request_watch_alarms(void *self, struct link_request *request, const void *fields);
void alarm_watchers_forget(struct control_server *server, const struct link *link);
void alarm_watchers_tell(struct control_server *server, const char *kind,
                         const struct control_alarm_state *alarm);

/* --- for alarm_requests.c --- */

struct alarm { /* an active one */
    struct scope *life;
    struct list node, moved_node;
    uint64_t id;
    struct text key, condition, category, application, about, host, event, text;
    struct text cleared_by, comment;
    struct alarm_life is;
    bool was_created, was_counted, was_deleted; /* since the last stage */
};
struct alarm *alarms_find(const struct alarms *alarms, uint64_t id);          /* active; or NULL */
struct alarm *alarms_next(const struct alarms *alarms, struct alarm *before); /* by id */
struct control_alarm_state alarm_message(const struct alarm *alarm);
/* Staged and committed; `done` comes once, later: with the alarm as it is then, or the error. */
void alarms_clear(struct alarms *alarms, struct alarm *alarm, struct text person,
                  struct text comment,
                  void (*done)(void *self, enum err err, const struct control_alarm_state *alarm),
                  void *self);

#endif
