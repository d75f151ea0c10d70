/* SPDX-License-Identifier: Apache-2.0 */
/* server.h - the shell of control, shared by its files:
 *   server.c            life, links in, the table of messages
 *   server_hosts.c      supervisors: what runs on which host
 *   server_status.c     who asks and who watches
 *   server_orders.c     orders to applications and solutions, and whether the asker may
 *   log_keeper.c        log records that applications send (framework 8.5)
 *   alarms.c            conditions, active alarms, reactions (framework 9)
 * Begin in server.c. */
#ifndef SERVERS_CONTROL_SERVER_H
#define SERVERS_CONTROL_SERVER_H

#include "app/app.h"
#include "base/list.h"
#include "gen/counters.h"
#include "gen/messages.h"
#include "gen/options.h"
#include "store/store.h"

struct log_keeper;
struct alarms;

struct control_server {
    struct app *app;
    struct store *store;
    struct link_server *links;
    struct control_counters counters;
    struct log_keeper *log_keeper; /* NULL: not open */
    struct alarms *alarms;
    bool is_stopping;
};

#endif
