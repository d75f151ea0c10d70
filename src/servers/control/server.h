/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the shell of control, shared by its files:
 *   server.c            life, links in, the table of messages
 *   server_objects.c    hosts, applications and solutions, as configuration has them
 *   server_hosts.c      supervisors: what runs on which host, and what they are asked
 *   server_notes.c      what became of something, into the log
 *   server_solutions.c  the order of starting and stopping, carried out and kept
 *   server_status.c     who asks and who watches
 *   server_rights.c     who asks, and what config says that he may
 *   server_orders.c     orders, from links and from reactions
 *   log_keeper.c        log records that applications send; log_reader.c searches (framework 8.5)
 *   alarms.c            conditions, active alarms; alarm_requests.c, alarm_samples.c, reactions.c
 *                       (framework 9)
 * Begin in server.c. */
#ifndef SERVERS_CONTROL_SERVER_H
#define SERVERS_CONTROL_SERVER_H

#include "app/app.h"
#include "app/peer.h"
#include "base/list.h"
#include "base/table.h"
#include "gen/counters.h"
#include "gen/messages.h"
#include "gen/options.h"
#include "servers/control/solution.h"
#include "store/store.h"

enum { HOSTS_MAX = 1000, APPS_MAX = 10000, SOLUTIONS_MAX = 1000, WATCHERS_MAX = 10000 };

struct control_server;
struct log_keeper;
struct alarms;

/* One host, application or solution. Those that configuration forgets stay until every watcher has
 * heard that they are gone. */
struct entry {
    struct scope *life, *told; /* `told`: what was last reported of it */
    struct text name;
    uint64_t id;
    uint64_t moved;    /* number of the move that was last, for watchers */
    uint32_t known_by; /* watchers that were told of it */
    bool is_gone, is_seen;
    uint64_t since_utc_ms; /* in its state */
};

struct host_entry {
    struct entry entry;
    struct control_server *server;
    struct host_watch watch;
    struct link *link; /* of its supervisor; NULL: none */
    struct timer *grace_timer, *clock_timer;
    struct text address, build;
    int64_t clock_offset_ms;
    bool has_clock, is_clock_off;
    struct scope *early_life; /* NULL: there are none */
    struct table *early;      /* reports by name, of what configuration has not brought us yet */
};

struct app_entry {
    struct entry entry;
    struct control_server *server;
    uint32_t dbid, pid;
    uint64_t own_rev, template_rev; /* whose options were read; 0: absent */
    struct text type, host, backup; /* good until configuration moves */
    uint64_t startup_ms, shutdown_ms, suspending_ms;
    bool is_autostart, is_disabled; /* startupType */
    struct app_watch watch;
    struct text reason;
    struct kv custom;
};

struct solution_entry {
    struct entry entry;
    struct control_server *server;
    struct solution solution;
    struct scope *parts_life;

    struct text *part_names;
    struct timer *timer;
    char reason[256];
    bool is_automatic, is_disabled; /* startupType */
    bool is_order_settled;          /* what was ordered before our start was taken up */
};

/* What a note in the log is about; application is empty for hosts and solutions. */
struct note_about {
    struct text application, host, solution;
};

struct control_server {
    struct app *app;
    struct store *store;
    struct link_server *links;
    struct peer *config; /* NULL: none is connected */
    struct control_counters counters;
    struct table *hosts, *apps, *solutions; /* by name */
    struct list watchers;
    uint32_t watcher_count;
    uint64_t moves, entry_ids;
    bool is_first;    /* SCS by name: hosts and solutions that name none are ours */
    bool sends_notes; /* we are an SCS, and a MessageServer keeps what we note */
    struct chore look_chore, tell_chore;
    struct table *orders_of_before; /* solution -> what the store had, until it was taken up */
    struct rights *rights;
    struct note_about note; /* what the next one is about */
    struct log note_log;
    struct log_sink note_sink;
    /* Hears each note, after it was logged: kept and looked at as a record of that application,
     * which is empty for hosts and solutions. NULL: nobody. */
    void (*on_note)(struct control_server *server, struct text application, struct text host,
                    const struct log_event *event, struct text line);
    struct log_keeper *log_keeper; /* NULL: not open */
    struct alarms *alarms;
    struct list alarm_watchers;
    bool is_noting; /* a note is on its way into our own log */
    bool is_stopping;
};

const struct control_options *control_options(const struct control_server *server);

/* --- server_objects.c ----------------------------------------------------------------------- */

void objects_configure(struct control_server *server);
bool objects_is_scs(const struct control_server *server, struct text application);
void objects_forget_gone(struct control_server *server); /* of whom no watcher knows any more */
struct host_entry *host_find(const struct control_server *server, struct text name); /* or NULL */
struct app_entry *app_find(const struct control_server *server, struct text name);
struct solution_entry *solution_find(const struct control_server *server, struct text name);
void objects_count(const struct control_server *server, struct control_counters *out);
/* Watchers are told at the end of the turn. */
void entry_moved(struct control_server *server, struct entry *entry);

/* --- server_hosts.c ------------------------------------------------------------------------- */

void host_open(struct host_entry *host); /* new in the configuration: the grace begins */
void request_report_host(void *self, struct link_request *request, const void *fields);
void event_application_moved(void *self, struct link *link, const void *fields);
void request_sample_host(void *self, struct link_request *request, const void *fields);
void hosts_forget(struct control_server *server, const struct link *link); /* it went down */
/* What its host told of it before configuration did: supervisors may hear of an object first. */
void app_take_early(struct app_entry *app);

/* `done` comes once, later; error NULL: the host has taken it. False: it is away. */
struct host_order {
    struct text name, order, level, reason;
    uint32_t seconds;
};
bool host_give_order(struct host_entry *host, const struct host_order *order,
                     void (*done)(void *self, const struct link_error *error, const void *fields),
                     void *self);
bool host_sample(struct host_entry *host,
                 void (*done)(void *self, const struct link_error *error, const void *fields),
                 void *self);
/* What a host answered or told of one of its applications. */
void app_take_report(struct app_entry *app, const struct control_application_report *report,
                     bool is_whole);

/* --- server_notes.c ------------------------------------------------------------------------- */

/* Log events about an application, host or solution go through it: LOG_X(note_log(...), ...). */
const struct log *note_log(struct control_server *server, struct text application,
                           struct text host);
void note_app(struct app_entry *app, unsigned notes);
void note_host(struct host_entry *host, unsigned notes);
void note_solution(struct solution_entry *entry, unsigned notes);

/* --- server_solutions.c --------------------------------------------------------------------- */

enum err solutions_load(struct control_server *server, struct fault *fault);
void solution_configure(struct solution_entry *entry, const struct app_object *object);
void solutions_look(struct control_server *server); /* soon: some application moved */
/* `person`: who. `done` (may be NULL) when it is durable and begun. ORDER_OK, or why not. */
enum order_error solution_order(struct solution_entry *entry, enum solution_event order,
                                bool is_graceful, struct text person,
                                void (*done)(void *self, enum err err), void *self);

/* --- server_status.c ------------------------------------------------------------------------ */

void request_read_status(void *self, struct link_request *request, const void *fields);
void request_watch_status(void *self, struct link_request *request, const void *fields);
void watchers_tell_soon(struct control_server *server);
void watchers_forget(struct control_server *server, const struct link *link);
/* As messages show them, in `scope`. */
struct control_application_status app_status_message(const struct app_entry *app);
struct control_solution_status solution_status_message(struct scope *scope,
                                                       const struct solution_entry *entry);
struct control_host_status host_status_message(const struct host_entry *host);

/* --- server_rights.c ------------------------------------------------------------------------ */

/* Who asks: of a link's proven peer, and of the person that web speaks for. */
struct asker {
    /* READER: reads all, orders nothing. */
    enum { ASKER_FULL, ASKER_READER, ASKER_ACCOUNT, ASKER_NOBODY } kind;
    struct text account; /* "person:TENANT/ID", "group:TENANT/NAME" */
    struct text tenant, person;
    struct text words; /* for the log: "person 1001", "tool" */
};
struct asker asker_of(const struct control_server *server, struct link_request *request);

void rights_open(struct control_server *server);
/* May `asker` do it? `needed`: a letter of RCHXDEP. `done` comes once, later; may is false and
 * `error` not NULL when config could not say. */
void rights_ask(struct control_server *server, const struct asker *asker, const char *type,
                struct text key, char needed,
                void (*done)(void *self, bool may, bool may_read, const struct link_error *error),
                void *self);

/* What an account may read: all names, as of a configuration revision. */
struct readable;
void rights_read(struct control_server *server, const struct asker *asker,
                 void (*done)(void *self, const struct readable *readable,
                              const struct link_error *error),
                 void *self);
bool rights_may_read(const struct readable *readable, const char *type, struct text name);
uint64_t rights_revision(const struct readable *readable);

/* --- server_orders.c ------------------------------------------------------------------------ */

void request_order_application(void *self, struct link_request *request, const void *fields);
void request_order_solution(void *self, struct link_request *request, const void *fields);
void refuse_order(struct link_request *request, enum order_error error, struct text words);
void refuse_no_permission(struct link_request *request, const char *type, struct text name);
/* An order of ours (a reaction, a solution), without asking for rights. `done` (may be NULL) comes
 * once, later. */
enum order_error order_application(struct app_entry *app, enum app_order order, struct text level,
                                   uint32_t seconds, struct text by,
                                   void (*done)(void *self, enum order_error error), void *self);

#endif
