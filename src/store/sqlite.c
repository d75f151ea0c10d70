/* SPDX-License-Identifier: Apache-2.0 */
/* SQLite as a driver: WAL, synchronous=FULL. Here are connections, statements and queries; groups
 * of changes are in sqlite_group.c. */
#include "store/sqlite_private.h"

#include "store/rows.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    BUSY_WAIT_MS = 2000,  /* another process has the file: then a change is refused (design 5) */
    PREPARED_MAX = 2000,  /* past it all are forgotten: run-time statements come and go */
    WAL_PAGES_MAX = 4000, /* 16 MB until a checkpoint copies them into the file */
    CACHE_KB = 16 * 1024,
    FILE_MODE = 0600, /* customers' data; SQLite gives its other files the same */
};

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

enum err sqlite_error(struct connection *connection, struct fault *fault)
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

/* NULL: `fault` says why. */
static struct prepared *prepare(struct connection *connection, const struct statement *statement,
                                struct fault *fault)
{
    sqlite3_stmt *handle;
    const char *rest;
    if (sqlite3_prepare_v3(connection->handle, statement->sql, -1, SQLITE_PREPARE_PERSISTENT,
                           &handle, &rest) != SQLITE_OK) {
        (void)sqlite_error(connection, fault);
        return NULL;
    }
    if (handle == NULL || *rest != '\0') {
        (void)sqlite3_finalize(handle);
        (void)fault_set(fault, ERR_INTERNAL, "", "not exactly one statement: %s", statement->sql);
        return NULL;
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
    return prepared;
}

struct prepared *sqlite_find(struct connection *connection, const struct statement *statement,
                             struct fault *fault)
{
    struct prepared *prepared = connection->latest;
    if (prepared == NULL || prepared->statement != statement) {
        prepared = table_get(connection->prepared, TEXT_OF(&statement));
        if (prepared == NULL) prepared = prepare(connection, statement, fault);
        if (prepared == NULL) return NULL;
        connection->latest = prepared;
    }
    ASSERT(prepared->sql == statement->sql); /* a statement is constant for the store's life */
    return prepared;
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
    return code == SQLITE_DONE ? ERR_OK : sqlite_error(connection, fault);
}

static enum err run_query(struct connection *connection, const struct query *query,
                          struct rows *rows, struct fault *fault)
{
    struct prepared *prepared = sqlite_find(connection, query->statement, fault);
    if (prepared == NULL) return fault->err;
    enum err err = check_parameter_count(query->parameter_count, prepared->parameter_count,
                                         prepared->sql, fault);
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
    struct fault reason;
    pthread_mutex_lock(&connection->lock);
    enum err err = run_query(connection, query, rows, &reason);
    if (err) rows_free(rows); /* no half page */
    pthread_mutex_unlock(&connection->lock);
    if (err && fault) *fault = reason;
    return err;
}

/* After a sync that failed the system may hold pages for written that are not: they read well and
 * are gone with the power, and with them all that a log says behind them. So whoever opens the file
 * first has everything of the log written and synced again, into the file itself, before it adds to
 * it. While that cannot be done, the disk being full or somebody reading an old state, nothing is
 * added. */
enum err sqlite_settle(struct connection *connection, struct fault *fault)
{
    if (connection->is_settled) return ERR_OK;
    if (sqlite3_wal_checkpoint_v2(connection->handle, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL,
                                  NULL) != SQLITE_OK)
        return sqlite_error(connection, fault);
    connection->is_settled = true;
    return ERR_OK;
}

static enum err run_sql(struct connection *connection, const char *sql, struct fault *fault)
{
    if (sqlite3_exec(connection->handle, sql, NULL, NULL, NULL) == SQLITE_OK) return ERR_OK;
    return sqlite_error(connection, fault);
}

static enum err sqlite_execute(struct connection *connection, const char *sql, struct fault *fault)
{
    pthread_mutex_lock(&connection->lock);
    enum err err = sqlite_settle(connection, fault);
    if (!err) err = run_sql(connection, sql, fault);
    pthread_mutex_unlock(&connection->lock);
    return err;
}

/* --- the columns of a table --- */

const struct statement STORE_COLUMNS = {
    "SELECT name, CASE WHEN type LIKE '%int%' THEN 'integer' WHEN type LIKE '%char%' OR type LIKE "
    "'%text%' THEN 'text' WHEN type LIKE '%blob%' THEN 'bytes' WHEN type IN ('float', 'double', "
    "'real') THEN 'float' ELSE 'other' END, CAST(replace(substr(type, instr(type, '(') + 1), ')', "
    "'') AS integer) FROM pragma_table_info(?1)",
    .postgres =
        "SELECT CAST(column_name AS TEXT), CASE WHEN data_type IN ('bigint', 'integer', "
        "'smallint') THEN 'integer' WHEN data_type IN ('text', 'character varying', 'character') "
        "THEN 'text' WHEN data_type = 'bytea' THEN 'bytes' WHEN data_type IN ('double precision', "
        "'real') THEN 'float' ELSE 'other' END, coalesce(character_maximum_length, 0) FROM "
        "information_schema.columns WHERE table_schema = current_schema() AND table_name = "
        "lower(?1) ORDER BY ordinal_position",
};

/* --- opening --- */

/* No file of ours to make: in memory, or an URI of the simulated disk. */
static bool is_elsewhere(const char *path)
{
    return strcmp(path, ":memory:") == 0 || strncmp(path, "file:", 5) == 0;
}

static enum err make_file(const char *path, struct fault *fault)
{
    if (is_elsewhere(path)) return ERR_OK;
    /* Only where it is missing: to open and close a file that SQLite has open in this process would
     * drop its locks, and another program's close would then remove the log beneath us. */
    int file = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, FILE_MODE);
    if (file < 0 && errno == EEXIST) return ERR_OK;
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
    return run_sql(connection, pragmas, fault);
}

static enum err settle_first(struct connection *connection, bool is_reader, struct fault *fault)
{
    connection->is_settled = is_reader;
    enum err err = sqlite_settle(connection, fault);
    bool is_later = err == ERR_FULL || err == ERR_UNAVAILABLE; /* meanwhile it can be read */
    return is_later ? ERR_OK : err;
}

uint64_t store_cache_bytes(void)
{
    return (uint64_t)sqlite3_memory_used();
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

static enum err sqlite_open(struct text path, bool is_reader, const struct store_options *options,
                            struct connection **out, struct fault *fault)
{
    (void)options; /* a file is there, and answers */
    char z[1024];
    if (text_to_z(path, z, sizeof z))
        return fault_set(fault, ERR_INVALID, "", "%.*s is no usable path", TEXT_ARG(path));
    enum err err = make_file(z, fault);
    if (err) return err;
    struct connection *connection = connection_new();
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_URI;
    struct fault reason;
    if (sqlite3_open_v2(z, &connection->handle, flags, NULL) != SQLITE_OK)
        err = sqlite_error(connection, &reason);
    else
        err = set_up(connection, is_reader, &reason);
    if (!err && sqlite3_db_readonly(connection->handle, "main") == 1)
        /* It would stay so when the disk is well again. */
        err = fault_set(&reason, ERR_UNAVAILABLE, "", "the file or its disk is read-only");
    if (!err) err = settle_first(connection, is_reader, &reason);
    if (err) {
        sqlite_close(connection);
        return fault_set(fault, err, "", "%s: %s", z, reason.words);
    }
    *out = connection;
    return ERR_OK;
}

static const struct statement find_tables = {
    "SELECT count(*), count(*) FILTER (WHERE name = 'meta') FROM sqlite_master WHERE type = 'table'"
};

const struct driver DRIVER_SQLITE = {
    .open = sqlite_open,
    .close = sqlite_close,
    .run_group = sqlite_run_group,
    .query = sqlite_query,
    .execute = sqlite_execute,
    .find_tables = &find_tables,
    .begin = "BEGIN IMMEDIATE",
};
