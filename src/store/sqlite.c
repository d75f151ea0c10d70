/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as a driver: WAL, synchronous=FULL, one transaction per group. Start reading at
 * sqlite_run_group().
 *
 * A group runs its changes one after the other. A change of one statement needs no savepoint:
 * SQLite undoes a failed statement itself. Only where such a statement succeeded but touched an
 * unexpected number of rows, or where SQLite gave up the whole transaction (disk full in the
 * middle), the group is rolled back and runs again without the culprit, this time with savepoints
 * everywhere: so it runs at most three times, whatever its changes do. */
#include "store/change.h"
#include "store/driver.h"
#include "store/rows.h"

#include "base/table.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    BUSY_WAIT_MS = 2000,  /* another process has the file: then a change is refused (design 5) */
    PREPARED_MAX = 2000,  /* past it all are forgotten: run-time statements come and go */
    WAL_PAGES_MAX = 4000, /* 16 MB until a checkpoint copies them into the file */
    CACHE_KB = 16 * 1024,
    FILE_MODE = 0600, /* customers' data; SQLite gives its other files the same */
};

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
};

static const struct statement
    begin = { "BEGIN IMMEDIATE" },
    commit = { "COMMIT" }, rollback = { "ROLLBACK" }, savepoint = { "SAVEPOINT change" },
    release = { "RELEASE change" }, rollback_to = { "ROLLBACK TO change" },
    check_fence = { "SELECT 1 FROM lease WHERE name = ?1 AND holder = ?2 AND epoch = ?3" };

/* --- errors --- */

static enum err err_of_constraint(int code)
{
    switch (code) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
    case SQLITE_CONSTRAINT_ROWID: return ERR_EXISTS;
    case SQLITE_CONSTRAINT_CHECK:
    case SQLITE_CONSTRAINT_NOTNULL:
    case SQLITE_CONSTRAINT_DATATYPE: return ERR_INVALID;
    default: return ERR_CONFLICT;
    }
}

static enum err err_of(int code)
{
    switch (code & 0xff) {
    case SQLITE_OK:
    case SQLITE_ROW:
    case SQLITE_DONE: return ERR_OK;
    case SQLITE_CONSTRAINT: return err_of_constraint(code);
    case SQLITE_MISMATCH: return ERR_INVALID;
    case SQLITE_TOOBIG: return ERR_LIMIT;
    case SQLITE_FULL: return ERR_FULL;
    case SQLITE_IOERR:
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_CANTOPEN: return ERR_IO;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_PERM: return ERR_UNAVAILABLE;
    default: return ERR_INTERNAL;
    }
}

static enum err last_error(struct connection *connection, struct fault *fault)
{
    enum err err = err_of(sqlite3_extended_errcode(connection->handle));
    if (err == ERR_OK) err = ERR_INTERNAL;
    (void)fault_set(fault, err, "", "%s", sqlite3_errmsg(connection->handle));
    return err;
}

/* --- prepared statements --- */

static void forget_prepared(struct connection *connection)
{
    struct prepared *prepared;
    for (size_t at = 0; (prepared = table_next(connection->prepared, &at)) != NULL;)
        (void)sqlite3_finalize(prepared->handle);
    scope_reset(connection->life);
    connection->prepared = table_new(connection->life);
    connection->latest = NULL;
}

static enum err prepare(struct connection *connection, const struct statement *statement,
                        struct prepared **out, struct fault *fault)
{
    sqlite3_stmt *handle;
    const char *rest;
    if (sqlite3_prepare_v3(connection->handle, statement->sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &handle, &rest) != SQLITE_OK)
        return last_error(connection, fault);
    if (handle == NULL || *rest != '\0') {
        (void)sqlite3_finalize(handle);
        (void)fault_set(fault, ERR_INTERNAL, "", "not exactly one statement: %s", statement->sql);
        return ERR_INTERNAL;
    }
    if (table_count(connection->prepared) >= PREPARED_MAX) forget_prepared(connection);
    struct prepared *prepared = scope_alloc(connection->life, sizeof *prepared);
    *prepared = (struct prepared){
        .statement = statement,
        .sql = statement->sql,
        .handle = handle,
        .parameter_count = (uint32_t)sqlite3_bind_parameter_count(handle),
    };
    table_put(connection->prepared, TEXT_OF(&prepared->statement), prepared);
    *out = prepared;
    return ERR_OK;
}

static enum err find_prepared(struct connection *connection, const struct statement *statement,
                              struct prepared **out, struct fault *fault)
{
    struct prepared *prepared = connection->latest;
    if (prepared == NULL || prepared->statement != statement) {
        prepared = table_get(connection->prepared, TEXT_OF(&statement));
        if (prepared == NULL) {
            enum err err = prepare(connection, statement, &prepared, fault);
            if (err) return err;
        }
        connection->latest = prepared;
    }
    ASSERT(prepared->sql == statement->sql); /* a statement is constant for the store's life */
    *out = prepared;
    return ERR_OK;
}

/* Of the driver's own words: no parameters, no rows. */
static enum err run_word(struct connection *connection, const struct statement *statement,
                         struct fault *fault)
{
    struct prepared *prepared;
    enum err err = find_prepared(connection, statement, &prepared, fault);
    if (err) return err;
    if (sqlite3_step(prepared->handle) != SQLITE_DONE) err = last_error(connection, fault);
    (void)sqlite3_reset(prepared->handle);
    return err;
}

/* --- one change --- */

static int bind_parameter(sqlite3_stmt *handle, int index, const struct change_parameter *parameter)
{
    /* The bytes outlive the step: they lie in the change. */
    const char *bytes = parameter_bytes(parameter);
    int len = (int)parameter->len;
    switch (parameter->kind) {
    case VALUE_INTEGER: return sqlite3_bind_int64(handle, index, parameter_i64(parameter));
    case VALUE_FLOAT: return sqlite3_bind_double(handle, index, parameter_f64(parameter));
    case VALUE_TEXT: return sqlite3_bind_text(handle, index, bytes, len, SQLITE_STATIC);
    case VALUE_BYTES: return sqlite3_bind_blob(handle, index, bytes, len, SQLITE_STATIC);
    default: return sqlite3_bind_null(handle, index);
    }
}

static enum err check_parameter_count(const struct prepared *prepared, uint32_t count,
                                      struct fault *fault)
{
    if (prepared->parameter_count == count) return ERR_OK;
    return fault_set(fault, ERR_INTERNAL, "", "%u parameters for the %u of: %s", count,
                     prepared->parameter_count, prepared->sql);
}

/* Rows touched, or rows returned where a statement returns rows. */
static enum err step_to_end(struct connection *connection, sqlite3_stmt *handle, int64_t *rows,
                            struct fault *fault)
{
    int code;
    int64_t returned = 0;
    while ((code = sqlite3_step(handle)) == SQLITE_ROW) returned++;
    enum err err = code == SQLITE_DONE ? ERR_OK : last_error(connection, fault);
    *rows = sqlite3_column_count(handle) > 0 ? returned : sqlite3_changes64(connection->handle);
    (void)sqlite3_reset(handle);
    return err;
}

static enum err run_statement(struct connection *connection,
                              const struct change_statement *statement,
                              struct change_cursor *cursor, int64_t *rows, struct fault *fault)
{
    struct prepared *prepared;
    enum err err = find_prepared(connection, statement->statement, &prepared, fault);
    if (!err) err = check_parameter_count(prepared, statement->parameter_count, fault);
    if (err) return err;
    for (uint32_t i = 0; i < statement->parameter_count; i++)
        if (bind_parameter(prepared->handle, (int)i + 1, change_next_parameter(cursor)))
            return last_error(connection, fault);
    return step_to_end(connection, prepared->handle, rows, fault);
}

/* How a change left the transaction. */
enum outcome {
    OUTCOME_DONE,
    OUTCOME_UNDONE, /* failed, nothing of it is left */
    OUTCOME_SPOILT, /* failed, and the transaction must go with it */
};

static enum outcome undo_change(struct connection *connection, bool has_savepoint, bool left_rows)
{
    if (sqlite3_get_autocommit(connection->handle)) return OUTCOME_SPOILT;
    if (!has_savepoint) return left_rows ? OUTCOME_SPOILT : OUTCOME_UNDONE;
    if (run_word(connection, &rollback_to, NULL) || run_word(connection, &release, NULL))
        return OUTCOME_SPOILT;
    return OUTCOME_UNDONE;
}

/* Run the statements; `left_rows` tells that the one that failed changed something. */
static enum err run_statements(struct connection *connection, struct change *change, int *index,
                               bool *left_rows, struct fault *fault)
{
    struct change_cursor cursor = change_begin(change);
    const struct change_statement *statement;
    for (*index = 0; (statement = change_next_statement(&cursor)) != NULL; ++*index) {
        int64_t rows = 0;
        enum err err = run_statement(connection, statement, &cursor, &rows, fault);
        if (err) return err;
        if (statement->expect == ROWS_ANY || rows == statement->expect) continue;
        *left_rows = rows > 0;
        return fault_set(fault, ERR_CONFLICT, "", "%" PRId64 " rows instead of %d: %s", rows,
                         statement->expect, statement->statement->sql);
    }
    *index = -1;
    return ERR_OK;
}

static enum outcome run_change(struct connection *connection, struct change *change,
                               bool is_careful)
{
    bool has_savepoint = is_careful || change->statement_count > 1;
    bool left_rows = false;
    int index = -1;
    struct fault fault;
    enum err err = ERR_OK;
    sqlite3_set_last_insert_rowid(connection->handle, 0);
    if (has_savepoint) err = run_word(connection, &savepoint, &fault);
    if (!err) err = run_statements(connection, change, &index, &left_rows, &fault);
    if (!err) {
        int64_t rowid = sqlite3_last_insert_rowid(connection->handle);
        change->result =
            (struct change_result){ .words = "", .rowid = rowid, .failed_statement = -1 };
        if (has_savepoint) err = run_word(connection, &release, &fault);
        if (!err) return OUTCOME_DONE;
    }
    change_fail(change, err, index, fault.words);
    change->is_settled = true;
    return undo_change(connection, has_savepoint, left_rows);
}

/* --- a group --- */

/* `for (change = next_open(group, NULL); change; change = next_open(group, change))`: those that
 * are not settled. */
static struct change *next_open(struct group *group, const struct change *before)
{
    struct list *node = before ? before->node.next : group->changes.next;
    for (; node != &group->changes; node = node->next) {
        struct change *change = LIST_OBJECT(node, struct change, node);
        if (!change->is_settled) return change;
    }
    return NULL;
}

static void fail_rest(struct group *group, enum err err, const char *words)
{
    for (struct change *change = next_open(group, NULL); change;
         change = next_open(group, change)) {
        change_fail(change, err, -1, words);
        change->is_settled = true;
    }
}

static size_t count_rest(struct group *group)
{
    size_t count = 0;
    for (struct change *change = next_open(group, NULL); change; change = next_open(group, change))
        count++;
    return count;
}

static void end_transaction(struct connection *connection)
{
    if (!sqlite3_get_autocommit(connection->handle)) (void)run_word(connection, &rollback, NULL);
}

static enum err query_fence(struct connection *connection, const struct fence *fence, bool *holds,
                            struct fault *fault)
{
    struct prepared *prepared;
    int64_t rows = 0;
    enum err err = find_prepared(connection, &check_fence, &prepared, fault);
    if (err) return err;
    sqlite3_stmt *handle = prepared->handle;
    (void)sqlite3_bind_text(handle, 1, fence->name.at, (int)fence->name.len, SQLITE_STATIC);
    (void)sqlite3_bind_text(handle, 2, fence->holder.at, (int)fence->holder.len, SQLITE_STATIC);
    (void)sqlite3_bind_int64(handle, 3, (int64_t)fence->epoch);
    err = step_to_end(connection, handle, &rows, fault);
    *holds = rows == 1;
    return err;
}

static enum err check_lease(struct connection *connection, struct group *group, struct fault *fault)
{
    bool holds = true;
    if (group->fence == NULL) return ERR_OK;
    enum err err = query_fence(connection, group->fence, &holds, fault);
    if (err || holds) return err;
    group->is_fence_broken = true;
    for (struct change *change = next_open(group, NULL); change;
         change = next_open(group, change)) {
        if (change->is_unfenced) continue;
        change_fail(change, ERR_UNAVAILABLE, -1, "another process holds the lease");
        change->is_settled = true;
    }
    return ERR_OK;
}

static uint64_t now_us(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* What a simulated disk does instead of its duty. */
static enum err commit_simulated(struct connection *connection, enum commit_fate fate,
                                 struct fault *fault)
{
    if (fate == COMMIT_SYNC_FAILS_KEPT) (void)run_word(connection, &commit, fault);
    end_transaction(connection);
    if (fate == COMMIT_DISK_FULL) return fault_set(fault, ERR_FULL, "", "simulated: disk full");
    return fault_set(fault, ERR_IO, "", "simulated: the disk did not take it");
}

static enum err commit_group(struct connection *connection, struct group *group,
                             struct fault *fault)
{
    if (group->on_applied) group->on_applied(group->self, group);
    if (group->fate != COMMIT_WORKS) return commit_simulated(connection, group->fate, fault);
    uint64_t started = now_us();
    enum err err = run_word(connection, &commit, fault);
    group->commit_us += now_us() - started;
    end_transaction(connection);
    return err;
}

/* Run what is not settled. `one` NULL: all of it. True: it must run again without those that are
 * settled by now. */
static bool run_changes(struct connection *connection, struct group *group,
                        const struct change *one, bool is_careful)
{
    for (struct change *change = next_open(group, NULL); change;
         change = next_open(group, change)) {
        if (one && change != one) continue;
        if (run_change(connection, change, is_careful) == OUTCOME_SPOILT) return true;
    }
    return false;
}

static void settle_all(struct group *group)
{
    for (struct change *change = next_open(group, NULL); change; change = next_open(group, change))
        change->is_settled = true;
}

static void settle_one(struct change *change, enum err err, const struct fault *fault)
{
    if (err && !change->is_settled) change_fail(change, err, -1, fault->words);
    change->is_settled = true;
}

/* A deferred constraint shows only at the commit and does not say whose it is: each for itself. */
static void run_one_by_one(struct connection *connection, struct group *group)
{
    for (struct change *change = next_open(group, NULL); change;
         change = next_open(group, change)) {
        struct fault fault;
        enum err err = run_word(connection, &begin, &fault);
        if (!err) err = check_lease(connection, group, &fault);
        bool is_spoilt = !err && run_changes(connection, group, change, true);
        if (!err && !is_spoilt) err = commit_group(connection, group, &fault);
        end_transaction(connection);
        settle_one(change, err, &fault);
        if (err == ERR_IO) group->is_disk_unknown = true;
        if (group->is_disk_unknown) fail_rest(group, ERR_IO, fault.words);
    }
}

static bool is_constraint(enum err err)
{
    return err == ERR_CONFLICT || err == ERR_EXISTS || err == ERR_INVALID;
}

static void end_group(struct connection *connection, struct group *group)
{
    struct fault fault;
    enum err err = commit_group(connection, group, &fault);
    if (is_constraint(err) && count_rest(group) > 1) {
        run_one_by_one(connection, group);
        return;
    }
    if (err) fail_rest(group, err, fault.words);
    if (err == ERR_IO) group->is_disk_unknown = true;
    settle_all(group);
}

static void run_transaction(struct connection *connection, struct group *group)
{
    enum { RUNS_MAX = 3 };
    struct fault fault;
    for (int run = 1; count_rest(group) > 0; run++) {
        enum err err = run_word(connection, &begin, &fault);
        if (!err) err = check_lease(connection, group, &fault);
        if (err) {
            end_transaction(connection);
            fail_rest(group, err, fault.words);
            return;
        }
        if (!run_changes(connection, group, NULL, run > 1)) {
            end_group(connection, group);
            return;
        }
        end_transaction(connection);
        if (run == RUNS_MAX) fail_rest(group, ERR_FULL, "the disk is full or fails");
    }
}

static void sqlite_run_group(struct connection *connection, struct group *group)
{
    pthread_mutex_lock(&connection->lock);
    LIST_EACH (node, &group->changes) LIST_OBJECT(node, struct change, node)->is_settled = false;
    run_transaction(connection, group);
    pthread_mutex_unlock(&connection->lock);
}

/* --- reading --- */

static enum err bind_value(sqlite3_stmt *handle, int index, const struct value *value,
                           struct fault *fault)
{
    int code;
    switch (value->kind) {
    case VALUE_NULL: code = sqlite3_bind_null(handle, index); break;
    case VALUE_BOOL: code = sqlite3_bind_int(handle, index, value->truth); break;
    case VALUE_INTEGER: code = sqlite3_bind_int64(handle, index, value->integer); break;
    case VALUE_FLOAT: code = sqlite3_bind_double(handle, index, value->number); break;
    case VALUE_TEXT:
        code = sqlite3_bind_text64(handle, index, value->text.at ? value->text.at : "",
                                   value->text.len, SQLITE_STATIC, SQLITE_UTF8);
        break;
    case VALUE_BYTES:
        code = sqlite3_bind_blob64(handle, index, value->text.at ? value->text.at : "",
                                   value->text.len, SQLITE_STATIC);
        break;
    default: return fault_set(fault, ERR_INVALID, "", "a list is no parameter");
    }
    return code ? fault_set(fault, err_of(code), "", "%s", sqlite3_errstr(code)) : ERR_OK;
}

static struct value read_column(sqlite3_stmt *handle, int column)
{
    struct value value = { .kind = VALUE_NULL };
    switch (sqlite3_column_type(handle, column)) {
    case SQLITE_INTEGER:
        value = (struct value){ .kind = VALUE_INTEGER,
                                .integer = sqlite3_column_int64(handle, column) };
        break;
    case SQLITE_FLOAT:
        value =
            (struct value){ .kind = VALUE_FLOAT, .number = sqlite3_column_double(handle, column) };
        break;
    case SQLITE_TEXT:
        value = (struct value){ .kind = VALUE_TEXT,
                                .text.at = (const char *)sqlite3_column_text(handle, column) };
        break;
    case SQLITE_BLOB:
        value =
            (struct value){ .kind = VALUE_BYTES, .text.at = sqlite3_column_blob(handle, column) };
        break;
    default: return value;
    }
    if (value.kind == VALUE_TEXT || value.kind == VALUE_BYTES)
        value.text.len = (size_t)sqlite3_column_bytes(handle, column);
    return value;
}

static enum err read_rows(struct connection *connection, sqlite3_stmt *handle, struct rows *rows,
                          struct fault *fault)
{
    int code = sqlite3_step(handle);
    rows_begin(rows, (uint32_t)sqlite3_column_count(handle)); /* known once it was prepared anew */
    for (; code == SQLITE_ROW; code = sqlite3_step(handle))
        for (uint32_t column = 0; column < rows->columns; column++)
            if (rows_add(rows, read_column(handle, (int)column)))
                return fault_set(fault, ERR_LIMIT, "", "a page may not pass %d bytes",
                                 ROWS_BYTES_MAX);
    return code == SQLITE_DONE ? ERR_OK : last_error(connection, fault);
}

static enum err run_query(struct connection *connection, const struct query *query,
                          struct rows *rows, struct fault *fault)
{
    struct prepared *prepared;
    enum err err = find_prepared(connection, query->statement, &prepared, fault);
    if (!err) err = check_parameter_count(prepared, query->parameter_count, fault);
    for (uint32_t i = 0; !err && i < query->parameter_count; i++)
        err = bind_value(prepared->handle, (int)i + 1, &query->parameters[i], fault);
    if (err) return err;
    err = read_rows(connection, prepared->handle, rows, fault);
    (void)sqlite3_reset(prepared->handle); /* ends the read: the next one sees the newest commit */
    return err;
}

static enum err sqlite_query(struct connection *connection, const struct query *query,
                             struct rows *rows, struct fault *fault)
{
    pthread_mutex_lock(&connection->lock);
    enum err err = run_query(connection, query, rows, fault);
    if (err) rows_free(rows); /* no half page */
    pthread_mutex_unlock(&connection->lock);
    return err;
}

static enum err sqlite_execute(struct connection *connection, const char *sql, struct fault *fault)
{
    pthread_mutex_lock(&connection->lock);
    enum err err = ERR_OK;
    if (sqlite3_exec(connection->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        err = last_error(connection, fault);
    pthread_mutex_unlock(&connection->lock);
    return err;
}

/* --- opening --- */

static bool is_memory(const char *path)
{
    return strcmp(path, ":memory:") == 0;
}

static enum err make_file(const char *path, struct fault *fault)
{
    if (is_memory(path)) return ERR_OK;
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
    if (file < 0) return fault_set(fault, ERR_IO, "", "%s: %s", path, strerror(errno));
    (void)close(file);
    return ERR_OK;
}

static enum err set_up(struct connection *connection, bool is_reader, struct fault *fault)
{
    char pragmas[320];
    (void)snprintf(pragmas, sizeof pragmas,
                   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;"
                   "PRAGMA temp_store = MEMORY; PRAGMA cache_size = -%d;"
                   "PRAGMA wal_autocheckpoint = %d; PRAGMA query_only = %s;",
                   CACHE_KB, WAL_PAGES_MAX, is_reader ? "ON" : "OFF");
    (void)sqlite3_extended_result_codes(connection->handle, 1);
    (void)sqlite3_busy_timeout(connection->handle, BUSY_WAIT_MS);
    return sqlite_execute(connection, pragmas, fault);
}

static void sqlite_close(struct connection *connection)
{
    struct prepared *prepared;
    for (size_t at = 0; (prepared = table_next(connection->prepared, &at)) != NULL;)
        (void)sqlite3_finalize(prepared->handle);
    scope_close(connection->life);
    ASSERT(sqlite3_close(connection->handle) == SQLITE_OK);
    (void)pthread_mutex_destroy(&connection->lock);
    free(connection);
}

static struct connection *connection_new(void)
{
    struct connection *connection = calloc(1, sizeof *connection);
    ASSERT(connection != NULL);
    ASSERT(pthread_mutex_init(&connection->lock, NULL) == 0);
    connection->life = scope_new(NULL, "connection", SCOPE_NO_LIMIT);
    connection->prepared = table_new(connection->life);
    return connection;
}

static enum err sqlite_open(struct text path, bool is_reader, struct connection **out,
                            struct fault *fault)
{
    char z[1024];
    if (text_to_z(path, z, sizeof z))
        return fault_set(fault, ERR_INVALID, "", "%.*s is no usable path", TEXT_ARG(path));
    enum err err = make_file(z, fault);
    if (err) return err;
    struct connection *connection = connection_new();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX;
    struct fault reason;
    if (sqlite3_open_v2(z, &connection->handle, flags, NULL) != SQLITE_OK)
        err = last_error(connection, &reason);
    else
        err = set_up(connection, is_reader, &reason);
    if (err) {
        sqlite_close(connection);
        return fault_set(fault, err, "", "%s: %s", z, reason.words);
    }
    *out = connection;
    return ERR_OK;
}

const struct driver DRIVER_SQLITE = {
    .open = sqlite_open,
    .close = sqlite_close,
    .run_group = sqlite_run_group,
    .query = sqlite_query,
    .execute = sqlite_execute,
};
