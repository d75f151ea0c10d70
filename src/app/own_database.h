/* SPDX-License-Identifier: Apache-2.0 */
/* own_database.h - the database access point of an application's own store (framework 11), as its
 * Application object has it, to a path for store_open(). Options of section `settings`:
 *
 *   dbms-type         postgresql; sqlite: the file in the data folder, as without an access point
 *   host, port        several by commas, else the access point's Host and first port
 *   database, user    names; without a user the application's schema
 *   password          a secret
 *   schema            whose tables these are; else made of the application's name
 *   role              Main, which is also meant by none; Archive is not for a store
 *   sslmode, sslrootcert, sslcert, sslkey    as libpq has them; the connection's trustedCa,
 *                     certificate and certificateKey where they are absent
 *   query-timeout     seconds a read may take; 60 where absent
 *
 * An access point with `odbc-string`, `connection-string` or dbprotocol=odbc holds calling lists
 * and is none of ours. Other engines are refused by name.
 * Pure     no clock, no I/O. */
#ifndef APP_OWN_DATABASE_H
#define APP_OWN_DATABASE_H

#include "base/buf.h"
#include "base/shape.h"

struct own_database {
    const struct kv *options; /* sections of the access point */
    struct text host_address; /* of its Host; empty: loopback */
    uint32_t port;            /* its first one; 0: PostgreSQL's usual one */
    struct text application;  /* whose store it is */
    struct text trusted_ca, certificate, certificate_key; /* of the connection; may be empty */
};

/* Whether it is an access point for a store at all. */
bool own_database_is_main(const struct kv *options);
/* ERR_OK with an empty `out`: SQLite, in the data folder. An error names the option. */
enum err own_database_path(const struct own_database *database, struct buf *out,
                           uint32_t *query_timeout_s, struct fault *fault);
/* A name of lower-case letters, digits and _, as PostgreSQL takes it without quotes. */
void own_database_schema(struct text application, struct buf *out);
/* name='value' of a libpq connection, whatever stands in it; nothing for an empty one. */
void own_database_add_pair(struct buf *out, const char *name, struct text value);

#endif
