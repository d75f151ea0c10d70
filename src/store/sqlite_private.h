/* SPDX-License-Identifier: Apache-2.0 */
/* sqlite_private.h - one connection to SQLite, for sqlite.c and sqlite_group.c only. `fault` is
 * never NULL inside. */
#ifndef STORE_SQLITE_PRIVATE_H
#define STORE_SQLITE_PRIVATE_H

#include "base/table.h"
#include "store/driver.h"

#include <pthread.h>
#include <sqlite3.h>

struct prepared {
    const struct statement *statement; /* the key */
    const char *sql;
    sqlite3_stmt *handle;
    uint32_t parameter_count;
};

struct connection {
    pthread_mutex_t lock;
    sqlite3 *handle;
    struct scope *life; /* of the prepared ones */
    struct table *prepared;
    struct prepared *latest; /* the next change usually wants the same */
    bool is_settled;         /* sqlite_settle() has been through, or it does not write */
};

enum err sqlite_error(struct connection *connection, struct fault *fault); /* the last one */
/* Before anything is written: all of a log that somebody left is in the file itself. The lock is
 * held. ERR_FULL, ERR_UNAVAILABLE: not now. */
enum err sqlite_settle(struct connection *connection, struct fault *fault);
/* Prepared now or before; NULL: `fault` says why. */
struct prepared *sqlite_find(struct connection *connection, const struct statement *statement,
                             struct fault *fault);

void sqlite_run_group(struct connection *connection, struct group *group); /* sqlite_group.c */

#endif
