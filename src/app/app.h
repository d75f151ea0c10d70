/* SPDX-License-Identifier: Apache-2.0 */
/* app.h - what every server is (design 3, 5; framework 3.4, 5, 6): born by the supervisor, knows
 * its configuration, logs, counts, serves, and stops when told.
 *
 * Birth  `carillon app NAME` inherits descriptor 3: one JSON line, then end of file (birth.h).
 * Life   connects to the supervisor (register, status, heartbeat, suspend, stop, log level,
 *        metrics) and to `config` (objects, changes). `start` runs when the first configuration has
 *        arrived, from config or, while config cannot be reached, from the cache of the last run;
 *        the server says app_running() when it serves. Config itself starts at once and feeds its
 *        own objects in. A lost supervisor is waited for `supervisor-grace` seconds, then the
 *        application stops cleanly. SIGTERM stops it too.
 * Tests  make a struct app on a virtual loop with app_new_for_test(), feed objects in, app_begin().
 * Thread the loop's; callbacks follow loop.h's rule. */
#ifndef APP_APP_H
#define APP_APP_H

#include "base/catalogue.h"
#include "io/link/link.h"
#include "io/net/net.h"

struct app;

/* A server's entry in the command's list. */
struct app_type {
    const char *name; /* "outbound" */
    const struct option_table *options;
    const struct counter_table *counters;
    const char *const *objects; /* object types it wants to hear of, NULL-ended; NULL: none */
    /* Fill `*self` and begin serving; app_running() tells when it serves. */
    enum err (*start)(struct app *app, void **self, struct fault *fault);
    /* Objects or options moved; the mirror holds the new state. */
    void (*changed)(void *self);
    /* Take no new work; call app_idle() when none is left (framework 6.4). NULL: not supported. */
    void (*suspend)(void *self);
    /* Finish what is durable, then app_stopped(). Comes once. NULL: there is nothing to finish. */
    void (*stop)(void *self);
    /* Fill the counters struct before it is printed. */
    void (*count)(void *self, void *counters);
    uint32_t links_max; /* of app_listen(); 0: the usual (io/link/link.h) */
};

/* Public members: handed in, never changed by the server. */
struct app {
    const struct app_type *type;
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct log log;
    struct text name, host, data_dir, run_dir, logs_dir;
    struct link_identity identity;
    const void *options; /* the present snapshot: struct <type>_options of the application level */
    struct app_private *private;
};

/* The process's main: reads descriptor 3, runs the loop, returns the exit code. */
int app_main(const struct app_type *type);

/* Silent, without supervisor and config, with a net of its own on the loop; its identity holds the
 * secret APP_TEST_SECRET, so that tests can link to it. */
#define APP_TEST_SECRET TEXT("0123456789abcdef0123456789abcdef")
struct app *app_new_for_test(struct scope *owner, struct loop *loop, const struct app_type *type,
                             struct text name);
/* The simulated world (tests/world): born as by app_main(), on a VIRTUAL loop that it shares with
 * other processes. A kill is the closing of its scope; SIGTERM is app_terminate(). */
struct app_simulation {
    struct text birth; /* the line of descriptor 3 */
    struct log log;
    uint32_t pid;
    void (*on_end)(void *self, int exit_code); /* close its scope soon, not inside the call */
    void *self;
};
enum err app_new_simulated(struct scope *life, struct loop *loop, const struct app_type *type,
                           const struct app_simulation *simulation, struct app **out,
                           struct fault *fault);
void app_terminate(struct app *app);

/* Objects fed in by hand: by tests, and by config, which is its own source. The mirror holds them
 * at once; app_objects_changed() resolves options and, once begun, calls `changed`. */
enum err app_put_object(struct app *app, const struct object_type *type, uint32_t dbid,
                        uint64_t rev, struct text tenant, struct text json, struct fault *fault);
void app_delete_object(struct app *app, const struct object_type *type, uint32_t dbid);
void app_objects_changed(struct app *app, uint64_t rev);
/* Tests: what happens when the first configuration has arrived. */
enum err app_begin(struct app *app, struct fault *fault);
void *app_server(const struct app *app); /* what `start` filled in */

void app_running(struct app *app);                         /* status: running */
void app_unavailable(struct app *app, struct text reason); /* status: service-unavailable */
void app_idle(struct app *app);                            /* answer to suspend */
void app_stopped(struct app *app);                         /* answer to stop: the loop ends */

/* User data at debug level, as the log filters allow (framework 8.4). */
void app_log_pairs(struct app *app, const struct log *log, struct text title,
                   const struct kv *pairs);

/* Whoever keeps logs keeps its own, too: records of the output `network` come to `add` instead of
 * being sent; its views are good until it returns (app/log_line.h). */
struct log_record;
void app_take_log(struct app *app, void (*add)(void *self, const struct log_record *record),
                  void *self);
/* A record of our helper process for the output `network`, as log_record_encode() made it
 * (app/log_record.h); ERR_INVALID, ERR_LIMIT: it is none. */
enum err app_send_log(struct app *app, struct text record);
/* ... which go out whatever the options say: for the SCS, whose notes a MessageServer keeps. False
 * again: as the options say. */
void app_send_log_always(struct app *app, bool always);

/* The mirror of configuration. Objects are good until `changed` returns the next time; keep dbids
 * or keys, not pointers. Disabled objects are not in the mirror: they act as absent
 * (framework 2.1). */
struct app_object {
    const struct object_type *type;
    uint32_t dbid;
    uint64_t rev;
    struct text tenant, key;            /* natural key without the tenant, parts joined by '/' */
    const struct object_common *fields; /* cast to struct object_<type> */
};
const struct app_object *app_object(const struct app *app, const struct object_type *type,
                                    struct text key);
const struct app_object *app_object_by_dbid(const struct app *app, const struct object_type *type,
                                            uint32_t dbid);
/* `for (size_t at = 0; (object = app_object_next(app, &OBJECT_CAMPAIGN, &at)) != NULL;)`, by dbid
 */
const struct app_object *app_object_next(const struct app *app, const struct object_type *type,
                                         size_t *at);
const struct app_object *app_self(const struct app *app); /* our own Application object */
uint64_t app_config_rev(const struct app *app);
/* False: objects are fed in, since it is config itself, or by a test. */
bool app_has_source(const struct app *app);

/* The link port of an application ("default" or another id), as "host:port"; empty: no such port.
 */
struct text app_port_address(const struct app *app, struct text application, struct text port_id);

/* Our own store, DATA/<application>/<application>.db; its folder is made where it is missing. On a
 * virtual loop it is in memory. While its disk is in trouble our status is service-unavailable,
 * with the reason; when a sync failed the application ends itself, to start anew from what is
 * there, but no sooner than 15 s after its start (so that a disk that stays broken is no crash
 * loop). `start` that fails for its disk ends the same way. */
struct store;
struct migration;
enum err app_open_store(struct app *app, const struct migration *migrations, struct store **out,
                        struct fault *fault);

/* Who wants to know as well when the store takes no changes: `words` say why, and NULL that it
 * takes them again. */
void app_on_store_trouble(struct app *app, void (*on_trouble)(void *self, const char *words),
                          void *self);

/* Listen for links on our `default` port with our handlers. What fails is logged as 00-04505. */
enum err app_listen(struct app *app, const struct link_handler *handlers,
                    const struct link_life *life, void *self, struct link_server **out,
                    struct fault *fault);

#endif
