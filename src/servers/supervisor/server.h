/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the supervisor of a host: `carillon run`. */
#ifndef SERVERS_SUPERVISOR_SERVER_H
#define SERVERS_SUPERVISOR_SERVER_H

#include "base/log.h"
#include "io/loop/loop.h"

/* Which of our servers plays an Application object of a type. */
struct supervisor_role {
    const char *application_type; /* "CMServer" */
    const char *server;           /* "outbound", as in `carillon app NAME --type outbound` */
};

struct supervisor_setup {
    const char *host_file; /* NULL: host.jsonc in the data folder, else the defaults */
    const char *data_dir;  /* NULL: as the host file says */
    const struct supervisor_role *roles;
    size_t role_count;
};

/* The simulated world (tests/world): on a VIRTUAL loop that it shares, silent but for `log`. A kill
 * is the closing of `life`, Ctrl-C supervisor_stop(). */
struct supervisor;
struct supervisor_simulation {
    struct log log;
    void (*on_end)(void *self, int exit_code); /* close its scope soon, not inside the call */
    void *self;
};
enum err supervisor_open(struct scope *life, struct loop *loop,
                         const struct supervisor_setup *setup,
                         const struct supervisor_simulation *simulation, struct supervisor **out,
                         struct fault *fault);
void supervisor_stop(struct supervisor *supervisor);

/* Runs in the foreground until it is told to stop; the exit code. */
int supervisor_run(const struct supervisor_setup *setup);

#endif
