/* SPDX-License-Identifier: Apache-2.0 */
/* postgres_private.h - one connection to PostgreSQL, for postgres*.c only. `fault` is never NULL
 * inside.
 *
 * Nothing blocks for ever: all waiting is postgres_wait(), which looks after ALIVE_MS whether the
 * server still takes connections and works for us, later also whether another host takes writes
 * instead of it, and gives up where it is so. A connection is
 * made when it is first needed and again when it was lost, after a pause that grows, with chance in
 * it, from PAUSE_MIN_MS to that of the options; within the pause every use ends at once with
 * ERR_UNAVAILABLE and the words of the last attempt. */
#ifndef STORE_POSTGRES_PRIVATE_H
#define STORE_POSTGRES_PRIVATE_H

#include "base/random.h"
#include "base/table.h"
#include "store/driver.h"
#include "store/postgres_sql.h"

#include <libpq-fe.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    POSTGRES_HOSTS_MAX = 8,
    POSTGRES_PATIENCE_MS = 2000, /* design 5: a change waits so long, then it is refused */
    POSTGRES_ALIVE_MS = 1000,    /* an answer that takes longer: does the server live? */
    POSTGRES_DIAL_MS = 900,      /* one host has so long to take a connection */
    POSTGRES_PAUSE_MIN_MS = 100,
};

/* Types that need care, by their numbers in the catalogue of every PostgreSQL. */
enum postgres_type {
    PG_BOOL = 16,
    PG_BYTEA = 17,
    PG_NAME = 19,
    PG_INT8 = 20,
    PG_INT2 = 21,
    PG_INT4 = 23,
    PG_TEXT = 25,
    PG_JSON = 114,
    PG_FLOAT4 = 700,
    PG_FLOAT8 = 701,
    PG_UNKNOWN = 705,
    PG_BPCHAR = 1042,
    PG_VARCHAR = 1043,
    PG_NUMERIC = 1700,
};

struct prepared {
    const struct statement *statement; /* the key */
    const char *sql;
    char name[16];
    uint32_t parameter_count;
    Oid *types;     /* of the parameters, as the server understood them */
    bool is_binary; /* its columns come as bytes */
};

/* What the parameters of one statement are sent from. */
struct parameters {
    const char **values;
    int *lengths, *formats;
    struct postgres_number {
        char bytes[32];
    } * numbers;
    uint32_t room;
    struct scope *scratch; /* copies that must end with NUL */
    bool is_scratch_used;
};

/* Writer and reader of one store: the reader follows the writer to another server, so that no
 * query is answered by one that has been left. */
struct postgres_pair {
    atomic_uint generation; /* counts the writer's connections */
    atomic_uint host;       /* where the last one is */
    atomic_int users;
};

struct connection {
    pthread_mutex_t lock;
    atomic_bool is_closing; /* every waiting ends */
    bool is_reader;
    char *hosts[POSTGRES_HOSTS_MAX]; /* conninfo of each, with the password in it */
    uint32_t host_count, host;       /* the one that we are connected to */
    struct text schema, place;       /* place: for words and logs, without the password */
    uint32_t query_timeout_ms, pause_max_ms;
    struct scope *life; /* of the four above */

    PGconn *handle; /* NULL: not connected */
    struct postgres_pair *pair;
    atomic_uint connected;
    unsigned generation;      /* of the pair, when this connection was made */
    struct scope *statements; /* of the prepared ones */
    struct table *prepared;
    struct prepared *latest;
    uint32_t name_count;
    struct parameters parameters;
    bool has_warning; /* the server warned since this was cleared */

    uint64_t pause_until_ms, lost_since_ms; /* monotonic; lost_since_ms 0: it stands */
    uint32_t pause_ms;
    struct fault why; /* of the last attempt */
    struct random random;

    char writer[40]; /* our row in store_commit */
    int64_t token;   /* of the last group */
};

/* --- postgres_dial.c --- */

/* Connected after ERR_OK; until `deadline_ms` it is tried again and again. */
enum err postgres_connect(struct connection *connection, uint64_t deadline_ms, struct fault *fault);
enum err postgres_connect_once(struct connection *connection, struct fault *fault); /* each host */
void postgres_disconnect(struct connection *connection);
void postgres_sleep(struct connection *connection, uint32_t ms); /* less, when it is closing */
/* Everything sent, and a result to read. ERR_UNAVAILABLE: the server is away, and the connection
 * given up; ERR_TIMEOUT: `deadline_ms` (0: none) is over and it lives. */
enum err postgres_wait(struct connection *connection, uint64_t deadline_ms, struct fault *fault);
/* The next result, NULL between two statements of a pipeline; the caller clears it. On an error
 * `*out` is NULL. */
enum err postgres_next(struct connection *connection, uint64_t deadline_ms, PGresult **out,
                       struct fault *fault);
/* Results up to the end of the pipeline are dropped; an error of one goes into `fault` if that is
 * the first. */
enum err postgres_drain(struct connection *connection, uint64_t deadline_ms, struct fault *fault);
/* Conninfo of each host of "postgresql:SCHEMA:CONNINFO". */
enum err postgres_read_address(struct connection *connection, struct text address,
                               struct fault *fault);

/* --- postgres_error.c --- */

enum err postgres_err_of(const char *state);
/* The server's words and state as our error. A server that goes away or takes no more writes is
 * left. */
enum err postgres_error(struct connection *connection, const PGresult *result, struct fault *fault);
enum err postgres_lost(struct connection *connection, struct fault *fault);
/* The transaction failed by no fault of its own: it may be run again. */
bool postgres_may_repeat(const char *state);

/* --- postgres_value.c --- */

/* Send one statement, in the pipeline. */
enum err postgres_send(struct connection *connection, const struct prepared *prepared,
                       uint32_t count, struct fault *fault);
void postgres_set_null(struct connection *connection, uint32_t at);
void postgres_set_i64(struct connection *connection, const struct prepared *prepared, uint32_t at,
                      int64_t value);
void postgres_set_f64(struct connection *connection, const struct prepared *prepared, uint32_t at,
                      double value);
void postgres_set_text(struct connection *connection, const struct prepared *prepared, uint32_t at,
                       struct text value, bool is_bytes);
/* One cell; a view into the result or into `scratch`. */
struct value postgres_cell(const PGresult *result, int row, int column, struct buf *scratch);
bool postgres_is_binary_type(Oid type);
void postgres_free_parameters(struct parameters *parameters);

/* --- postgres.c --- */

/* Prepared now or before; NULL: `fault` says why. Not between postgres_send() and its result. */
struct prepared *postgres_find(struct connection *connection, const struct statement *statement,
                               struct fault *fault);
void postgres_forget_prepared(struct connection *connection);
/* Not within a transaction: too many are forgotten, here and there. */
enum err postgres_trim_prepared(struct connection *connection, struct fault *fault);

/* --- postgres_group.c --- */

void postgres_run_group(struct connection *connection, struct group *group);

/* Once a store of ours: the table in which a group leaves its mark. */
extern const char POSTGRES_MAKE_MARKS[];

#endif
