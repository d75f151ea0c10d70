/* SPDX-License-Identifier: Apache-2.0 */
/* server_proxy.h - config as a proxy of another one, its master (framework 3.5,
 * docs/decisions/0042): a connection of its own Application names a ConfigurationServer.
 * Serves   Subscribe, Read, Export and what else needs the copy alone, with the master's revisions
 *          and epoch, to thousands of links that cost the master one.
 * Passes   everything else on, in the name of who asked.
 * Without  its master it goes on with what it has, read-only, and resumes without loss.
 * Thread   the loop's. */
#ifndef SERVERS_CONFIG_SERVER_PROXY_H
#define SERVERS_CONFIG_SERVER_PROXY_H

#include "servers/config/server.h"

struct proxy;

/* The master that our Application names; empty: we are none's proxy. */
struct text proxy_master_of(const struct app *app);
struct proxy *proxy_new(struct config_server *server, struct text master);
/* The configuration moved. */
void proxy_configure(struct proxy *proxy);

/* What a proxy answers by itself is handled as it stands in `handlers`; the rest is passed on. The
 * table lies in `scope`. */
const struct link_handler *proxy_handlers(struct scope *scope, const struct link_handler *handlers);

#endif
