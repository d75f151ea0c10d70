/* SPDX-License-Identifier: Apache-2.0 */
/* app.h - what every server is (design 3, 5; framework 3.4, 5, 6): born by the supervisor, knows
 * its configuration, logs, counts, serves, and stops when told.
 *
 * Birth  `carillon app NAME` inherits descriptor 3, from which it reads one JSON line and then end
 * of file:
 *        {"application":"outbound","type":"outbound","key":"<64 hex>","run":"...","data":"...",
 *         "config":"127.0.0.1:2020","config_application":"config","supervisor":"unix:.../supervisor.sock",
 *         "host":"localhost","logs":"..."}. `key` is the link key derived for this application.
 * Life   connects to the supervisor (register, status, heartbeat, suspend, stop, log level) and to
 * `config` (objects, changes). `start` runs when the first configuration has arrived; then status
 * running. A lost supervisor is waited for `supervisor-grace` seconds, then the application stops.
 * Tests  make a struct app on a virtual loop with app_new_for_test() and feed objects by hand. */
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
    /* Finish what is durable, then app_stopped(). */
    void (*stop)(void *self);
    /* Fill the counters struct before it is printed. */
    void (*count)(void *self, void *counters);
};

/* Public members: handed in, never changed by the server. */
struct app {
    const struct app_type *type;
    struct scope *life;
    struct loop *loop;
    struct net *net;
    struct log log;
    struct text name, host, data_dir, run_dir;
    struct link_identity identity;
    const void *options; /* the present snapshot: struct <type>_options of the application level */
    struct app_private *private;
};

/* The process's main: reads descriptor 3, runs the loop, returns the exit code. */
int app_main(const struct app_type *type);
struct app *app_new_for_test(struct scope *owner, struct loop *loop, const struct app_type *type,
                             struct text name);

void app_running(struct app *app);                         /* status: running */
void app_unavailable(struct app *app, struct text reason); /* status: service-unavailable */
void app_idle(struct app *app);                            /* answer to suspend */
void app_stopped(struct app *app);                         /* answer to stop: the loop ends */

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

/* The link port of an application ("default" or another id), as "host:port"; empty: no such port.
 */
struct text app_port_address(const struct app *app, struct text application, struct text port_id);

/* Listen for links on our `default` port with our handlers. */
enum err app_listen(struct app *app, const struct link_handler *handlers,
                    const struct link_life *life, void *self, struct link_server **out,
                    struct fault *fault);

#endif
