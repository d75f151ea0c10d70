/* SPDX-License-Identifier: Apache-2.0 */
/* server_private.h - what the files of the supervisor's shell share. Begin in server.c.
 *   server.c             wiring, start and end
 *   server_supervised.c  one application: does what application.c asks for
 *   server_link.c        run/supervisor.sock: applications report, tools order
 *   server_config.c      which applications there are: Application objects of our host
 *   server_program.c     an application that is none of ours: its start, its probe
 *   server_wish.c        what an Application object asks for
 *   server_control.c     control: reports to it, orders from it
 *   server_sample.c      figures of this machine
 *   server_pages.c       /metrics and /health
 *   server_log.c         the log, and its records to the Message Server
 *   server_terminal.c    lines for the person in front of it */
#ifndef SERVERS_SUPERVISOR_SERVER_PRIVATE_H
#define SERVERS_SUPERVISOR_SERVER_PRIVATE_H

#include "base/list.h"
#include "base/table.h"
#include "gen/counters.h"
#include "gen/options.h"
#include "io/http/server.h"
#include "io/link/link.h"
#include "servers/supervisor/application.h"
#include "servers/supervisor/host_file.h"
#include "servers/supervisor/installation.h"
#include "servers/supervisor/process.h"
#include "servers/supervisor/server.h"

enum { APPLICATIONS_MAX = 2000, WORDS_MAX = 160 }; /* framework 16 */

enum stopping { STOPPING_NOT, STOPPING_GRACEFULLY, STOPPING_NOW, STOPPING_BY_FORCE };

/* One application of this host. Lives as long as the supervisor, also when its object is gone: so
 * pointers to it are good across waits, and its counts go on. */
struct supervised {
    struct supervisor *supervisor;
    struct list node; /* in the order in which they were first known */
    struct text name;
    const char *name_z;            /* the same, for formats */
    struct text url;               /* of its HTTP port, for people */
    const char *server;            /* NULL: none of our servers plays it */
    struct program_watch *program; /* what plays it then; NULL: nothing has yet */
    struct application application;
    struct process process;
    struct link *link; /* registered; NULL: none */
    struct timer *timer;
    bool is_wanted;       /* it has an enabled Application object here, or is config */
    bool has_started_now; /* by autostart, since it became wanted */
    bool is_in_page;      /* while everything that config told is looked at again */
    bool is_ordered;      /* it is as it is because somebody ordered it */
    bool is_refused;      /* what it is to be started with cannot be started */
    bool is_crash_loop;   /* too many quick deaths, and not started since */
    bool has_hung;        /* it missed heartbeats, and does not run again yet */
    bool is_shown;        /* control was told of it */
    struct scope *custom_life;
    struct kv custom; /* figures that it reported */
    char reason[WORDS_MAX];
    uint64_t since_utc_ms;
};

struct config_watch;
struct control_watch;
struct program_watch;
struct own_log;

/* What a share of the processors' time is counted from. */
struct machine_load {
    uint64_t busy, all;
};

struct supervisor {
    const struct supervisor_setup *setup;
    const struct supervisor_simulation *simulation; /* NULL: a process of its own */
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct log log;      /* to the terminal and to file_log */
    struct log file_log; /* DATA/logs/supervisor.*.log */
    struct host_file *file;
    struct installation installation;
    const struct supervisor_options *options;
    struct link_identity identity;
    struct table *by_name; /* struct supervised */
    struct list all;
    struct supervised *config; /* the one that the others need; NULL: on another host */
    struct config_watch *watch;
    struct control_watch *control;
    struct own_log *own_log;  /* NULL: simulated */
    struct machine_load load; /* of the sample before */
    struct http_server *http;
    struct timer *adopted_timer; /* runs while processes are watched that are no children of ours */
    struct supervisor_counters counters;
    uint64_t started_mono_ms;
    enum stopping stopping;
    struct chore look_round;
    uint64_t told_running;
};

/* server_supervised.c */
struct supervised *supervised_get(struct supervisor *supervisor,
                                  struct text name); /* or makes it */
struct supervised *supervised_find(struct supervisor *supervisor, struct text name);
void supervised_feed(struct supervised *supervised, enum application_event event);
/* Every process that has ended meanwhile. */
void supervised_reap(struct supervisor *supervisor);
/* Processes that a former supervisor left. */
void supervised_adopt_all(struct supervisor *supervisor);
/* Which of our servers it is, as a role names it; unknown ones are not started. */
void supervised_set_server(struct supervised *supervised, struct text server);
struct application_policy supervised_policy(const struct supervisor *supervisor);
void supervised_set_reason(struct supervised *supervised, struct text reason);

/* server_link.c */
enum err server_link_open(struct supervisor *supervisor, struct fault *fault);

/* server_config.c */
/* Waits for config, at the longest config-wait: then what was heard last is taken from
 * run/supervisor.kept, until config answers. */
void config_watch_open(struct supervisor *supervisor);
void config_watch_start(struct supervisor *supervisor); /* once config is RUNNING; idempotent */

bool config_watch_is_complete(const struct supervisor *supervisor);
/* The application's object names `peer` among its connections. */
bool config_watch_connects(const struct supervisor *supervisor, struct text application,
                           struct text peer);

/* server_wish.c: it is to run here, as its object and its template (NULL: unknown) say; or no
 * longer. */
struct object_application;
struct object_app_prototype;
void wish_take(struct supervisor *supervisor, const struct object_application *object,
               const struct object_app_prototype *template, struct scope *scratch);
void wish_end(struct supervised *supervised);

/* server_program.c: its object says how it is started (`start` is there). True: otherwise than
 * before. */
bool program_take(struct supervised *supervised, const struct object_application *object,
                  const struct object_app_prototype *template, struct text type);
struct text program_type(const struct supervised *supervised); /* empty: it is ours, or unknown */
void program_follow(struct supervised *supervised); /* its state moved; nothing when it is ours */
/* The fault names what of Start Info is wrong. */
enum err program_birth(struct supervised *supervised, struct scope *scope,
                       struct process_birth *birth, struct fault *fault);

/* Who controls this host and how it is reached; without a name, nobody. Texts in `scratch`. */
struct control_place {
    struct text name, address;
    struct link_options addp;
};
struct control_place config_watch_control(const struct supervisor *supervisor,
                                          struct scope *scratch);

/* Who keeps our log records (framework 8.5): the MessageServer among the connections of the control
 * above, else that control itself. */
struct control_place config_watch_message_server(const struct supervisor *supervisor,
                                                 struct scope *scratch);

/* server_log.c */
enum err server_log_open(struct supervisor *supervisor, struct fault *fault);
void server_log_configure(struct supervisor *supervisor); /* who keeps its records may have moved */

/* server_control.c */
void control_link_configure(struct supervisor *supervisor); /* who controls us may have moved */
void control_link_tell(struct supervised *supervised);      /* it has moved */

/* server_sample.c */
struct control_host_sample;
/* Texts and lists in `scope`. */
struct control_host_sample sample_machine(struct supervisor *supervisor, struct scope *scope);

/* server_pages.c */
enum err server_pages_open(struct supervisor *supervisor, struct fault *fault);

/* server_terminal.c */
struct log terminal_log(struct supervisor *supervisor);
void terminal_line(const struct supervisor *supervisor, struct text line);
void terminal_welcome(const struct supervisor *supervisor);
void terminal_tell_all_running(struct supervisor *supervisor); /* once per number of them */

/* server.c: something moved; at the end of the turn it looks what follows. */
void server_look_round(struct supervisor *supervisor);
void server_count(const struct supervisor *supervisor, uint64_t *wanted, uint64_t *running);

#endif
