/* SPDX-License-Identifier: Apache-2.0 */
/* import.h - calling lists from `carillon import` (schema/messages/outbound_import.toml): slices of
 * a file over a link, each one change; a repeat of the same key goes on behind the last durable
 * slice. Shell.
 * Promise  a row is in the list once, also when outbound or the tool is killed at any moment; what
 *          was left out is as durable as the rows beside it.
 * Live     a change of somebody else waits for two slices at most. */
#ifndef SERVERS_OUTBOUND_IMPORT_H
#define SERVERS_OUTBOUND_IMPORT_H

#include "io/link/link.h"
#include "servers/outbound/request.h"

/* A NULL-ended table; `self` is the server. */
const struct link_handler *import_link_handlers(void);
/* At start: imports whose rows were being released or taken out again go on. */
void imports_continue(struct outbound *server);
/* Requests of the console (import_page.c). */
void import_list(struct request *request);
void import_rejects(struct request *request);

#endif
