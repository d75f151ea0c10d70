/* SPDX-License-Identifier: Apache-2.0 */
/* import.h - takes in the files that `carillon import` hands over, slice by slice (schema/messages/
 * outbound_import.toml). One slice is one change: durable or not there. Slices of an import are
 * carried out in order, and one that comes again is recognised. */
#ifndef SERVERS_OUTBOUND_IMPORT_H
#define SERVERS_OUTBOUND_IMPORT_H

#include "servers/outbound/outbound.h"

/* For app_listen(), with the server's struct outbound as `self`. */
const struct link_handler *import_link_handlers(void);

#endif
