/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the supervisor of a host: `carillon run`. */
#ifndef SERVERS_SUPERVISOR_SERVER_H
#define SERVERS_SUPERVISOR_SERVER_H

#include "base/text.h"

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

/* Runs in the foreground until it is told to stop; the exit code. */
int supervisor_run(const struct supervisor_setup *setup);

#endif
