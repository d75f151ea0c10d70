/* SPDX-License-Identifier: Apache-2.0 */
/* outbound.h - the inside of the server: what its shell files share. Nobody else includes it.
 * server.c wires; request.c is one request on its way; session.c holds campaign groups, buffer.c
 * their chains that wait, step.c every change of a chain; desktop.c carries requests out; fetch.c
 * chooses and retrieves; notifier.c sends what the outbox holds; list.c knows tables; import.c
 * takes files in. */
#ifndef SERVERS_OUTBOUND_OUTBOUND_H
#define SERVERS_OUTBOUND_OUTBOUND_H

#include "app/app.h"
#include "base/list.h"
#include "base/table.h"
#include "gen/counters.h"
#include "gen/messages.h"
#include "gen/options.h"
#include "servers/outbound/campaign.h"
#include "servers/outbound/chain.h"
#include "servers/outbound/due.h"
#include "servers/outbound/list.h"
#include "servers/outbound/schedule.h"

struct group_pulse;
struct agents;
struct desktops;
struct call_stats;
struct dnc_table;
struct idempotency;
struct notifier;
struct record_history;
struct recovery;
struct request;
struct request_log;
struct seat_keeper;
struct session;
struct schedule_keeper;
struct treatment_book;

struct outbound {
    struct app *app;
    uint32_t dbid; /* ours; the Application object may go before we do */
    struct store *store;
    struct lists *lists;
    struct notifier *notifier;
    struct recovery *recovery; /* NULL: all that was in progress is back */
    struct desktops *desktops;
    struct agents *agents;
    struct seat_keeper *seats;
    struct idempotency *idempotency;
    struct dnc_table *dnc;
    struct request_log *request_log;
    struct call_stats *call_stats;
    struct record_history *record_history;
    struct table *lookups; /* by list table and column */
    struct treatment_book *treatments;
    struct schedule_keeper *schedules;
    struct table *sessions;  /* by group DBID */
    struct table *imports;   /* under way, by id */
    struct table *counted;   /* rows of lists by status, by table */
    struct text records_uri; /* "http://127.0.0.1:6101/records/"; empty: no HTTP API */
    struct table *handles;   /* record handle -> live chain; chains with agents */
    uint32_t next_handle;
    uint32_t held_count;           /* chains that treatments keep in memory */
    uint64_t serving_since_utc_ms; /* 0: what was in progress is not back yet */
    struct table *deliveries;      /* call-backs on their way to agents, by agent */
    bool is_suspended; /* no new work; idle once no chain is with an agent (framework 6.4) */
    struct outbound_counters counters;
};

/* What waits to be given out, each in its order of arrival (spec 4). */
enum buffer_class {
    BUFFER_PERSONAL, /* for one agent alone */
    BUFFER_CALLBACK,
    BUFFER_RESCHEDULED, /* and what a treatment kept in memory */
    BUFFER_GENERAL,
    BUFFER_CLASSES
};

/* A chain in memory: waiting (scheduled) or with an agent (processing). */
struct live_chain {
    struct list node; /* in its session's buffer or in_progress */
    struct due due;   /* in its session's `put_off`, until it is due */
    enum buffer_class buffer_class;
    struct scope *life;
    struct scope *data; /* cells; made anew when changes have filled it */
    size_t data_bytes;  /* of `data` when it was new; 0: not looked at */
    struct chain chain;
    struct session *session;
    struct list_table *table;
    struct text list_name;
    uint32_t list_dbid;
    struct text reserved_for;       /* agent of a personal record; empty: anybody (spec 4). A view
                                       into `data` */
    uint64_t taken_utc_ms;          /* into memory, or given back by a treatment */
    const struct statement *select; /* by which it was chosen: another filter, another statement */
    uint64_t touched_mono_ms;       /* when the agent was last heard of about it */
    bool is_busy;                   /* a change of it waits for its commit */
    struct list waiting;            /* requests that came meanwhile */
};

struct session_list {
    uint32_t dbid;
    uint32_t weight;
    uint64_t exhausted_until_ms; /* monotonic */
};

struct session {
    struct scope *life;
    struct outbound *server;
    uint32_t dbid; /* of the CampaignGroup */
    struct fsm fsm;
    struct dialing dialing;
    struct guid guid;
    struct list buffered[BUFFER_CLASSES], in_progress;
    struct due_heap put_off;                  /* scheduled for later; not among the buffered ones */
    uint64_t put_off_utc_ms, put_off_mono_ms; /* the clocks at the last look at `put_off` */
    struct timer *due_timer, *callback_timer;
    uint32_t buffered_count, in_progress_count, changing_count; /* changing: out of all of them */
    uint32_t reserved_count;             /* of the buffered ones, those for one agent alone */
    uint32_t priorities[BUFFER_CLASSES]; /* by order (spec 16); 0: by the options */
    uint64_t started_utc_ms;             /* by the last Start */
    uint64_t attended_utc_ms;            /* somebody of the group was there */
    uint64_t processed_count;
    struct table *bounds; /* maxAttempts that were applied, by list DBID */
    struct session_list *lists;
    uint32_t list_count;
    struct scope *config_life;
    const struct outbound_options *options;   /* resolved: group, campaign, application */
    uint32_t fetches;                         /* under way */
    struct list hungry;                       /* preview requests that wait for a fetch */
    uint32_t given_out_now, given_out_before; /* chains given out in this and in the last minute */
    uint64_t minute_began_ms;
    bool is_ordering; /* an order waits for its commit */
    struct timer *unload_timer, *look_timer;
    struct list orders;        /* that came meanwhile */
    struct group_pulse *pulse; /* group_state.c */
    bool is_store_failing;
};

/* Names around a campaign group, from the configuration as it is now; false where it is gone or
 * broken. */
struct session_names {
    const struct app_object *group_object, *campaign_object;
    struct text campaign, campaign_group, group, queue, media_type, template_name;
    uint32_t campaign_dbid, group_dbid;
};
bool session_names(struct outbound *server, uint32_t group_dbid, struct session_names *out,
                   struct fault *fault);

/* The options of a group: its own, its campaign's, the application's (spec 3.1), in `scope`. */
const struct outbound_options *outbound_resolve_options(struct outbound *server,
                                                        struct scope *scope,
                                                        const struct session_names *names);
/* Suspended, and nothing is in progress any more: says so, once. */
void outbound_check_idle(struct outbound *server);
/* A handle for record `index` of a chain of `count`: contiguous within the chain, positive int32.
 */
uint32_t outbound_next_handle(struct outbound *server, uint32_t count, uint32_t index);

#endif
