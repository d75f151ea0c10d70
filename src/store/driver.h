/* SPDX-License-Identifier: Apache-2.0 */
/* driver.h - the seam between the store and a database: what sqlite.c, postgres.c and odbc.c offer.
 * Blocking; for the files of this room only.
 * Promise  a group is one transaction: after ERR_OK every change whose own result is ERR_OK is on
 *          disk, and no part of the others. One bad change never spoils its neighbours: its
 *          statements are undone, or the group runs again without it.
 * Thread   a connection has its own lock: any thread may call, one at a time is served. */
#ifndef STORE_DRIVER_H
#define STORE_DRIVER_H

#include "store/store.h"

/* Who may write: the lease row that must still be there when a group begins. Never changes. */
struct fence {
    struct text name, holder;
    uint64_t epoch;
};

/* How a commit ends in the simulated world (sim_store.h). */
enum commit_fate {
    COMMIT_WORKS,
    COMMIT_DISK_FULL,
    COMMIT_SYNC_FAILS_KEPT,
    COMMIT_SYNC_FAILS_LOST,
    COMMIT_REHEARSED, /* nothing is kept, and all is said to be well: faults.c */
};

struct group {
    struct list changes;       /* of struct change, in their order */
    const struct fence *fence; /* NULL: none */
    enum commit_fate fate;
    /* Out */
    bool is_fence_broken; /* the lease went to another; nothing fenced was kept */
    bool is_disk_unknown; /* a sync failed: what is on disk nobody knows */
    uint64_t commit_us;
};

/* `for (change = group_next_open(group, NULL); change; change = group_next_open(group, change))`:
 * those that are not settled. */
struct change *group_next_open(struct group *group, const struct change *before);
void group_fail_rest(struct group *group, enum err err, const char *words);
void group_settle_rest(struct group *group);
size_t group_count_rest(struct group *group);
/* Whether a statement's error may be a constraint's, or the change's own and not the database's. */
bool err_is_constraint(enum err err);
bool err_is_of_the_change(enum err err);
uint64_t group_clock_us(void); /* monotonic, for `commit_us` */
uint64_t group_clock_ms(void);

struct connection;
struct change_statement;
struct change_cursor;

/* The statements of a change one after the other. `run` carries one out: `rows` it touched, or
 * returned. On an error `index` is which one failed, and `left_rows` whether it changed something
 * before its rows were counted; `index` is -1 when all went well. */
enum err group_run_statements(struct connection *connection, struct change *change,
                              enum err (*run)(struct connection *connection,
                                              const struct change_statement *statement,
                                              struct change_cursor *cursor, int64_t *rows,
                                              struct fault *fault),
                              int *index, bool *left_rows, struct fault *fault);

enum err check_parameter_count(uint32_t given, uint32_t wanted, const char *sql,
                               struct fault *fault);

struct driver {
    /* `path` of a file, POSTGRES_SCHEME and so on, or an ODBC connection string. A `reader`
     * connection does not write. */
    enum err (*open)(struct text path, bool is_reader, const struct store_options *options,
                     struct connection **out, struct fault *fault);
    void (*close)(struct connection *connection);
    /* May be NULL: it is always there. One attempt to connect. */
    enum err (*reach)(struct text path, struct fault *fault);
    /* Carry the group out and fill each change's result. */
    void (*run_group)(struct connection *connection, struct group *group);
    enum err (*query)(struct connection *connection, const struct query *query, struct rows *rows,
                      struct fault *fault);
    /* Several statements, not in a transaction unless they say so. */
    enum err (*execute)(struct connection *connection, const char *sql, struct fault *fault);
    /* May be NULL. The two of one store. */
    void (*pair)(struct connection *writer, struct connection *reader);
    /* May be NULL. Whoever waits for the database ends now; any thread. close() follows. */
    void (*interrupt)(struct connection *connection);
    /* May be NULL: it is the path. Where the data are, for people: without a password. */
    struct text (*place)(const struct connection *connection);
    /* May be NULL. How many times it was connected; any thread. */
    unsigned (*connected)(struct connection *connection);
    /* For migrate.c: what is there before the first step, made where it is missing; NULL: nothing
     * has to be. How many tables lie there, and whether meta is one. */
    enum err (*make_ready)(struct connection *connection, struct fault *fault);
    const struct statement *find_tables;
    const char *begin;
};

extern const struct driver DRIVER_SQLITE, DRIVER_ODBC, DRIVER_POSTGRES;

/* migrate.c: bring the schema of the database up to what `migrations` knows. `options` may be NULL.
 */
enum err migrate(const struct driver *driver, struct connection *connection, struct text path,
                 const struct migration *migrations, const struct store_options *options,
                 struct fault *fault);

#endif
