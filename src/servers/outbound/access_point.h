/* SPDX-License-Identifier: Apache-2.0 */
/* access_point.h - a database access point, as its Application object has it (framework 11,
 * interaction 17), to an ODBC connection string. Options of section `settings`:
 *
 *   dbprotocol       odbc, or absent
 *   odbc-string      DSN=name, Driver={name};... ; connection-string: the older name of it
 *   dbms-type        postgresql or sqlite: the string is built from host, port and `database` where
 *                    none is given
 *   user, password   always from here, even with a DSN; the password is a secret
 *   query-timeout    seconds, 10 where absent
 *
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_ACCESS_POINT_H
#define SERVERS_OUTBOUND_ACCESS_POINT_H

#include "base/buf.h"
#include "base/shape.h"

struct access_point {
    const struct kv *options; /* sections */
    struct text host_address; /* of its Host; empty: loopback */
    uint32_t port;            /* its first port; 0: none */
};

/* The string, with user and password in it, into `out`; an error names the option. */
enum err access_point_string(const struct access_point *point, struct buf *out,
                             uint32_t *query_timeout_s, struct fault *fault);

#endif
