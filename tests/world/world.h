/* SPDX-License-Identifier: Apache-2.0 */
/* world.h - the simulated world (design 1.3, 5): supervisor, config, outbound with its HTTP Proxy
 * and web as processes of one simulated machine, agents, a receiver of notifications,
 * administrators and a manager around them, all on one virtual clock, from one seed. Begin in
 * world.c. machine.c        processes and how they end agent.c          agents: what they do
 *   desktop.c        and the desktops of some of them, over websocket_client.c
 *   receiver.c       the customer's web server, with moods
 *   administrator.c  changes of the configuration
 *   editor.c         and of many objects of several types, with their permissions
 *   follower.c       who does nothing but follow the configuration, over cable.c
 *   trouble.c        what befalls the world, and when
 *   manager.c        a campaign group that is loaded, started, stopped, unloaded
 *   look.c, census.c looks into the store and into the servers' memory, as events
 *   checker.c        judges all of it, event by event
 * Same seed, same world: everything that is left to chance comes from the loop or from
 * world->chance (OpenSSL's numbers too, see main.c). */
#ifndef TESTS_WORLD_WORLD_H
#define TESTS_WORLD_WORLD_H

#include "io/http/client.h"
#include "tests/world/checker.h"
#include "tests/world/machine.h"

#include <stdio.h>

#define WORLD_PASSWORD "Correct-Horse-1"

enum {
    GROUP_DBID = 201,
    MANAGED_DBID = 202,         /* the manager's */
    PREVIEW_TIMEOUT_MS = 30000, /* as centre.jsonc has it */
    AGENTS = 6,
    AGENTS_AT_DESKTOPS = 2, /* the last ones */
    EDITORS = 2,
    FOLLOWERS = 4,
    HTTP_PORT = 6101,
    RECEIVER_PORT = 9300,
};

struct world_options {
    uint64_t seed;
    uint32_t strikes;     /* how often something befalls it */
    struct text data_dir; /* an empty folder */
    struct text centre;   /* the configuration, JSON with comments */
    FILE *log;            /* events and log lines; NULL: only the last ones are kept */
    uint64_t *digest;     /* of all events: are two runs the same? May be NULL */
};

struct agent;
struct administrator;
struct editor;
struct follower;
struct held;
struct link;
struct manager;
struct receiver;

struct world {
    const struct world_options *options;
    struct scope *whole, *life; /* life: of the people in it */
    struct loop *loop;
    struct net *net; /* of the people, not of the servers */
    struct random chance;
    struct log log;
    struct log_sink sink;
    struct machine *machine;
    struct checker *checker;
    struct http_client *http;
    struct agent *agents[AGENTS];
    struct receiver *receiver;
    struct administrator *administrator;
    struct editor *editors[EDITORS];
    struct follower *followers[FOLLOWERS];
    struct manager *manager;
    uint64_t last_request, requests_open;
    bool has_ghosts; /* requests may come twice: all carry an idempotency key */
    bool is_ending;  /* nobody begins anything new */
    bool is_broken;  /* a promise was not kept */
    struct buf tail, line;
};

/* True: every promise was kept. Else the reasons are printed to stderr, with the seed. */
bool world_run(const struct world_options *options);

/* The steps of it, for those who live otherwise (week.c). */
void world_begin(struct world *world, const struct world_options *options,
                 uint64_t begins_utc_ms); /* 0: some day of the year */
void world_raise(struct world *world);    /* the servers, configured; they serve, or it is broken */
void world_boot(struct world *world);     /* a person starts what does not come back by itself */
bool world_serves(struct world *world);
bool world_end(struct world *world); /* as world_run() */

/* week.c: a week of one campaign around a change of clocks, judged by its own rules; a few events
 * go to the checker. True: every promise was kept. */
bool week_run(const struct world_options *options);

/* An event: written down, and judged. at_ms is filled in. */
void world_hear(struct world *world, struct event event);
uint64_t world_next_request(struct world *world);
uint64_t world_below(struct world *world, uint64_t limit); /* chance */
bool world_is(struct world *world, uint32_t of_thousand);  /* chance */
/* Run on until `is_so`, at most `ms`; false: it is not so. */
bool world_wait(struct world *world, bool (*is_so)(struct world *world), uint64_t ms);
/* Something went wrong that no event tells. Returns false. */
bool world_fail(struct world *world, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* agent.c */
struct agent *agent_new(struct world *world, uint32_t number);
void agent_begin(struct agent *agent);
/* call.c: one HTTP request of the people; `ended` gets NULL when nobody knows how it ended. */
struct answer {
    unsigned status;
    struct kv body; /* views, good until return */
};
void world_post(struct world *world, const char *url, struct text body, struct text key,
                void (*ended)(void *self, const struct answer *answer), void *self);
void world_get(struct world *world, const char *url,
               void (*ended)(void *self, const struct answer *answer), void *self);

/* receiver.c */
struct receiver *receiver_new(struct world *world);

/* manager.c */
struct manager *manager_new(struct world *world);
void manager_look(struct manager *manager); /* what the group's state is now */

/* administrator.c */
struct administrator *administrator_new(struct world *world);
/* One change after the other, until the world is ending. */
void administrator_begin(struct administrator *administrator);
/* link_is_up, not answered yet: ERR_CLOSED or ERR_TIMEOUT. */
void administrator_set_password(struct administrator *administrator, struct text person,
                                void (*ended)(void *self, enum err err, struct text words),
                                void *self);
void administrator_apply(struct administrator *administrator, struct text file,
                         void (*ended)(void *self, enum err err, struct text words), void *self);

/* A link with the installation's secret, as tools have; `self` is for its answers. */
struct link *administrator_link(struct world *world, const char *address, const char *server,
                                void *self);

/* editor.c: one change after the other, until the world is ending. Numbers tell their objects
 * apart. */
struct editor *editor_new(struct world *world, uint32_t number, const char *address,
                          const char *server);
void editor_look(const struct editor *editor); /* what her objects are now */

/* follower.c */
void followers_begin(struct world *world);
void followers_calm(struct world *world); /* all run, and are connected */
void followers_end(struct world *world);
/* What one of them has; false: it does not run, or has not begun. The name in any case. */
bool follower_held(const struct world *world, uint32_t index, struct text *name, struct held *out);

/* cable.c: all who connect to the near end talk to the far end. */
void cable_lay(struct world *world, struct text near_end, struct text far_end);

/* trouble.c */
void trouble_strike(struct world *world);
void trouble_end(struct world *world); /* the weather clears, the disk heals */

/* look.c */
struct outbound;
struct outbound *look_outbound(struct world *world); /* NULL: it does not serve */
void look_around(struct world *world, bool is_settled);
bool look_control(struct world *world); /* it knows that all run */
uint64_t look_count(struct world *world, const char *sql);

/* census.c */
void census(struct world *world, bool is_settled);
void census_persons(struct world *world);

#endif
