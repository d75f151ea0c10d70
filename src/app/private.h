/* SPDX-License-Identifier: Apache-2.0 */
/* private.h - what the files of this room share.
 *   app.c           a server's life: birth, start, states, stop
 *   birth.c         what it is told on descriptor 3
 *   control.c       the link to the supervisor
 *   subscription.c  the link to config: objects and changes
 *   cache.c         the last configuration, for a start without config
 *   mirror.c        the objects
 *   settings.c      the options; cluster.c: those that nodes share
 *   own_log.c       the log: files, memory, records to the Message Server
 *   own_store.c     the server's own store, and what its disk means for our status
 *   net_watch.c     descriptors that run out
 *   certificate_watch.c   certificates of our ports that expire
 *   peer.c          links to other applications, for servers
 *   metrics.c       counters as Prometheus text
 *   logger.c, logger_options.c, log_*.c   the log; also without a struct app, but for log_network.c
 */
#ifndef APP_PRIVATE_H
#define APP_PRIVATE_H

#include "app/app.h"
#include "app/birth.h"
#include "app/logger.h"
#include "app/mirror.h"
#include "gen/options.h"

enum {
    CONFIG_WAIT_MS = 3000,      /* at start: then the cache is used */
    END_AGE_MS = 15 * 1000,     /* longer than a quick death (framework 6.2) */
    ORPHAN_STOP_MS = 60 * 1000, /* nobody is left who would kill us when stopping hangs */
    LAST_WORDS_MS = 300,        /* for records on their way to the Message Server */
    LAST_WORDS_STEP_MS = 5
};

enum app_state {
    APP_INITIALIZING,
    APP_RUNNING,
    APP_UNAVAILABLE,
    APP_SUSPENDING,
    APP_SUSPENDED,
    APP_STOPPING,
};
const char *app_state_name(enum app_state state); /* "running": as in the messages */

struct cache;
struct certificate_watch;
struct log_network;
struct control;
struct subscription;

struct app_private {
    struct birth birth;
    struct logger *logger;           /* NULL: in a test */
    struct log_network *log_network; /* NULL: no option named it yet */
    bool keeps_own_log;              /* app_take_log() */
    bool sends_log_always;           /* app_send_log_always() */
    struct mirror *mirror;
    struct control *control;                /* NULL: no supervisor */
    struct certificate_watch *certificates; /* NULL: in a test */
    struct link_server *links;              /* NULL: it does not listen (yet) */
    struct subscription *subscription;      /* NULL: objects are fed in */
    void *self;                             /* the server's */
    bool has_begun, is_first_settled;
    enum app_state state;
    struct buf reason;
    uint64_t config_rev, started_utc_ms, started_mono_ms, stopped_mono_ms;
    struct scope *options_life, *options_retired;
    uint64_t options_state; /* of the objects that the options were resolved from */
    struct timer *end_timer, *orphan_timer;
    uint32_t pid;
    /* The simulated world: instead of the end of the process. NULL: the loop stops. */
    void (*on_end)(void *self, int exit_code);
    void *end_self;
    struct chore start_chore; /* config itself starts at the end of the first turn */
    int exit_code;
    bool is_disk_in_trouble;                                 /* that is why we are unavailable */
    void (*on_store_trouble)(void *self, const char *words); /* NULL: nobody else wants to know */
    void *store_trouble_self;
    struct timer *store_again; /* NULL: its database was there at once */
    uint64_t store_away_ms;    /* monotonic: since when it waits for it; 0: it does not */
};

/* app.c */
struct app *app_new(struct scope *life, struct loop *loop, const struct app_type *type,
                    const struct birth *birth);
void app_connect(struct app *app); /* options, then the links to supervisor and config */
/* The first configuration has arrived: start, or end the process. */
void app_begin_or_end(struct app *app);
/* Objects moved: options, then `changed`, then what was replaced is let go. */
void app_settle(struct app *app, uint64_t rev);
void app_stop(struct app *app, const char *why); /* idempotent */
bool app_suspend(struct app *app);               /* false: not supported */
/* End with exit code 1, as it is. `may_wait`: not before END_AGE_MS of life. Idempotent. */
void app_end(struct app *app, const char *words, bool may_wait);

/* settings.c */
void settings_resolve(struct app *app); /* the options snapshot, when our object moved */
void settings_settle(struct app *app);  /* lets the former one go */
const struct common_options *settings_common(const struct app *app);

/* own_store.c */
/* Whether the store's database can be had. If not that was said, and app_begin_or_end() comes
 * again. */
bool own_store_is_there(struct app *app);

/* own_log.c */
void own_log_open(struct app *app);
void own_log_settle(struct app *app); /* options or connections moved */
bool own_log_is_sending(const struct app *app);

/* control.c */
struct control *control_open(struct app *app, struct text address);
struct link *control_link(const struct control *control);
void control_tell_state(struct control *control);
void control_tell_idle(struct control *control);
void control_set_heartbeat(struct control *control); /* after the options moved */

/* subscription.c */
struct subscription *subscription_open(struct app *app);
struct link *subscription_link(const struct subscription *subscription); /* good until return */

/* cache.c */
struct cache *cache_new(struct app *app);
void cache_write(struct cache *cache, struct text epoch); /* on a worker thread, soon */
struct config_snapshot;
/* Fills the mirror; `*out` lies in `scope`. ERR_NOT_FOUND: there is none that can be used. */
enum err cache_read(struct app *app, struct scope *scope, const struct config_snapshot **out);

/* metrics.c */
void metrics_format(struct app *app, struct buf *out);
/* The server's own counters (schema/counters), in `scope`; none before it has begun. */
struct kv metrics_figures(struct app *app, struct scope *scope);

#endif
