/* SPDX-License-Identifier: Apache-2.0 */
/* odbc_private.h - one connection by ODBC, for odbc*.c only. `fault` is never NULL inside.
 * A connection is made when it is first needed and again when it was lost, after a pause that grows
 * from ODBC_PAUSE_MIN_MS to that of the options while attempts fail; within the pause every use
 * ends at once with ERR_UNAVAILABLE and the words of the last attempt. */
#ifndef STORE_ODBC_PRIVATE_H
#define STORE_ODBC_PRIVATE_H

#include "base/buf.h"
#include "base/table.h"
#include "store/driver.h"

#include <pthread.h>
#include <sql.h>
#include <sqlext.h>

enum { ODBC_PAUSE_MIN_MS = 1000, ODBC_PAUSE_USUAL_MS = 30000, ODBC_PARAMETERS_MAX = 5000 };

/* A statement as ODBC wants it: each ?7 is a bare ? in its place. */
struct prepared {
    const struct statement *statement; /* the key */
    SQLHSTMT handle;
    uint32_t parameter_count; /* the highest number that occurs */
    uint32_t place_count;
    uint16_t *places; /* place -> parameter, from 0 */
    SQLLEN *lengths;  /* of the values bound at the places; must live until the execution */
};

struct connection {
    pthread_mutex_t lock;
    char *address; /* with the password in it */
    size_t address_len;
    uint32_t query_timeout_s, pause_max_ms;
    bool is_reader;
    SQLHENV environment;
    SQLHDBC handle; /* NULL: not connected */
    struct scope *life;
    struct table *prepared;
    struct prepared *latest;
    uint64_t pause_until_ms; /* monotonic */
    uint32_t pause_ms;
    struct fault why; /* of the last attempt */
};

/* odbc.c. Connected after ERR_OK; `is_fresh` tells that it was not so before. */
enum err odbc_connect(struct connection *connection, bool *is_fresh, struct fault *fault);
void odbc_disconnect(struct connection *connection);
enum err odbc_new_handle(struct connection *connection, SQLHSTMT *out, struct fault *fault);
struct prepared *odbc_find(struct connection *connection, const struct statement *statement,
                           struct fault *fault);
/* One parameter into every place that names it; the value's bytes lie still until the execution. */
enum err odbc_bind_text(struct connection *connection, struct prepared *prepared,
                        uint32_t parameter, const char *at, size_t len, bool is_bytes,
                        struct fault *fault);
enum err odbc_bind_i64(struct connection *connection, struct prepared *prepared, uint32_t parameter,
                       const int64_t *value, struct fault *fault);
enum err odbc_bind_f64(struct connection *connection, struct prepared *prepared, uint32_t parameter,
                       const double *value, struct fault *fault);
enum err odbc_bind_null(struct connection *connection, struct prepared *prepared,
                        uint32_t parameter, struct fault *fault);

enum err odbc_query(struct connection *connection, const struct query *query, struct rows *rows,
                    struct fault *fault); /* odbc_read.c */

/* odbc_error.c: what the driver said last of a handle, as our error and its words. A connection
 * that is lost is given up. */
enum err odbc_error(struct connection *connection, SQLSMALLINT kind, SQLHANDLE handle,
                    struct fault *fault);
/* The same, of an SQLSTATE, the database's own number and its words. */
enum err odbc_err_of(const char *state, long native, const char *words);

void odbc_run_group(struct connection *connection, struct group *group); /* odbc_group.c */

#endif
