/* SPDX-License-Identifier: Apache-2.0 */
/* PostgreSQL as a driver, by libpq in pipeline mode. Here are life, prepared statements and
 * queries; groups of changes are in postgres_group.c, being connected in postgres_dial.c. */
#include "store/postgres_private.h"

#include "store/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PREPARED_MAX = 2000, /* past it all are forgotten: run-time statements come and go */
    QUERY_TIMEOUT_USUAL_S = 60,
    PAUSE_MAX_USUAL_S = 5,
};

/* --- prepared statements --- */

void postgres_forget_prepared(struct connection *connection)
{
    scope_reset(connection->statements);
    connection->prepared = table_new(connection->statements);
    connection->latest = NULL;
}

enum err postgres_trim_prepared(struct connection *connection, struct fault *fault)
{
    if (table_count(connection->prepared) < PREPARED_MAX) return ERR_OK;
    postgres_forget_prepared(connection);
    if (!PQsendQueryParams(connection->handle, "DEALLOCATE ALL", 0, NULL, NULL, NULL, NULL, 0) ||
        !PQpipelineSync(connection->handle))
        return postgres_lost(connection, fault);
    return postgres_drain(connection, 0, fault);
}

/* What the server makes of it: types of parameters, and whether all columns can come as bytes. */
static void describe(struct connection *connection, struct prepared *prepared,
                     const PGresult *result)
{
    uint32_t count = (uint32_t)PQnparams(result);
    prepared->types = scope_alloc_array(connection->statements, count + 1, sizeof(Oid));
    for (uint32_t i = 0; i < count; i++) prepared->types[i] = PQparamtype(result, (int)i);
    prepared->is_binary = true;
    for (int column = 0; column < PQnfields(result); column++)
        if (!postgres_is_binary_type(PQftype(result, column))) prepared->is_binary = false;
}

/* Prepare and describe in one journey. Results: of both, each with a NULL behind it, then the end
 * of the pipeline. */
static enum err prepare_as(struct connection *connection, struct prepared *prepared,
                           const char *sql, int count, const Oid *types, struct fault *fault)
{
    PGresult *result;
    if (!PQsendPrepare(connection->handle, prepared->name, sql, count, types) ||
        !PQsendDescribePrepared(connection->handle, prepared->name) ||
        !PQpipelineSync(connection->handle))
        return postgres_lost(connection, fault);
    enum err refused = ERR_OK;
    for (;;) {
        enum err err = postgres_next(connection, 0, &result, fault);
        if (err) return err;
        ExecStatusType status = PQresultStatus(result);
        bool is_described = result && status == PGRES_COMMAND_OK && PQnparams(result) >= 0;
        if (result && status == PGRES_FATAL_ERROR && !refused)
            refused = postgres_error(connection, result, fault);
        else if (is_described && !refused)
            describe(connection, prepared,
                     result); /* the first one says nothing, and is replaced */
        bool is_end = result && status == PGRES_PIPELINE_SYNC;
        PQclear(result);
        if (connection->handle == NULL || is_end) return refused;
    }
}

static void name_it(struct connection *connection, struct prepared *prepared)
{
    (void)snprintf(prepared->name, sizeof prepared->name, "s%u", ++connection->name_count);
}

/* A parameter beside a small number is a small one for the server: `?1 = 0`. Ours are all large;
 * where that makes no sense (of substr()) it stays as it was. */
static void widen(struct connection *connection, struct prepared *prepared, const char *sql)
{
    bool is_narrow = false;
    uint32_t count = prepared->parameter_count;
    Oid *types = scope_alloc_array(connection->statements, count + 1, sizeof *types);
    for (uint32_t i = 0; i < count; i++) {
        bool is_small = prepared->types[i] == PG_INT4 || prepared->types[i] == PG_INT2;
        types[i] = is_small ? PG_INT8 : 0;
        is_narrow |= is_small;
    }
    if (!is_narrow) return;
    struct prepared before = *prepared;
    struct fault fault;
    name_it(connection, prepared);
    if (prepare_as(connection, prepared, sql, (int)count, types, &fault) == ERR_OK) return;
    if (connection->handle) *prepared = before;
}

static enum err prepare_it(struct connection *connection, struct prepared *prepared,
                           const char *sql, struct fault *fault)
{
    name_it(connection, prepared);
    enum err err = prepare_as(connection, prepared, sql, 0, NULL, fault);
    if (err) return err;
    /* Within a transaction a refusal would end it; there nothing is widened. */
    if (PQtransactionStatus(connection->handle) == PQTRANS_IDLE) widen(connection, prepared, sql);
    return connection->handle ? ERR_OK : postgres_lost(connection, fault);
}

static struct prepared *prepare(struct connection *connection, const struct statement *statement,
                                struct fault *fault)
{
    struct buf sql = { 0 };
    struct prepared *prepared = scope_alloc(connection->statements, sizeof *prepared);
    *prepared = (struct prepared){ .statement = statement, .sql = statement->sql };
    const char *text = statement->postgres ? statement->postgres : statement->sql;
    enum err err = ERR_OK;
    if (!postgres_translate(text, &sql, &prepared->parameter_count))
        err = fault_set(fault, ERR_INTERNAL, "", "parameters must be ?1 to ?%d: %s",
                        POSTGRES_PARAMETERS_MAX, text);
    if (!err) err = prepare_it(connection, prepared, sql.at, fault);
    buf_free(&sql);
    if (err) return NULL;
    /* One that was prepared within a transaction is not as it should be, see prepare_it(). */
    if (PQtransactionStatus(connection->handle) == PQTRANS_IDLE)
        table_put(connection->prepared, TEXT_OF(&prepared->statement), prepared);
    return prepared;
}

struct prepared *postgres_find(struct connection *connection, const struct statement *statement,
                               struct fault *fault)
{
    struct prepared *prepared = connection->latest;
    if (prepared == NULL || prepared->statement != statement) {
        prepared = table_get(connection->prepared, TEXT_OF(&statement));
        if (prepared == NULL) return prepare(connection, statement, fault);
        connection->latest = prepared;
    }
    ASSERT(prepared->sql == statement->sql); /* a statement is constant for the store's life */
    return prepared;
}

/* --- queries --- */

static enum err set_parameters(struct connection *connection, const struct prepared *prepared,
                               const struct query *query, struct fault *fault)
{
    for (uint32_t i = 0; i < query->parameter_count; i++) {
        const struct value *value = &query->parameters[i];
        switch (value->kind) {
        case VALUE_NULL: postgres_set_null(connection, i); break;
        case VALUE_BOOL: postgres_set_i64(connection, prepared, i, value->truth); break;
        case VALUE_INTEGER: postgres_set_i64(connection, prepared, i, value->integer); break;
        case VALUE_FLOAT: postgres_set_f64(connection, prepared, i, value->number); break;
        case VALUE_TEXT: postgres_set_text(connection, prepared, i, value->text, false); break;
        case VALUE_BYTES: postgres_set_text(connection, prepared, i, value->text, true); break;
        default: return fault_set(fault, ERR_INVALID, "", "a list is no parameter");
        }
    }
    return ERR_OK;
}

static enum err add_rows(const PGresult *result, struct rows *rows, struct fault *fault)
{
    struct buf scratch = { 0 };
    enum err err = ERR_OK;
    if (rows->columns == 0) rows_begin(rows, (uint32_t)PQnfields(result));
    for (int row = 0; !err && row < PQntuples(result); row++)
        for (int column = 0; !err && column < (int)rows->columns; column++)
            err = rows_add(rows, postgres_cell(result, row, column, &scratch));
    buf_free(&scratch);
    return err ? fault_set(fault, ERR_LIMIT, "", "a page may not pass %d bytes", ROWS_BYTES_MAX)
               : ERR_OK;
}

/* Row by row, so that what is too much is noticed before it is all here. */
static enum err read_rows(struct connection *connection, uint64_t deadline_ms, struct rows *rows,
                          struct fault *fault)
{
    PGresult *result;
    enum err refused = ERR_OK;
    (void)PQsetSingleRowMode(connection->handle);
    for (;;) {
        enum err err = postgres_next(connection, deadline_ms, &result, fault);
        ExecStatusType status = PQresultStatus(result);
        if (!err && result && !refused) {
            if (status == PGRES_FATAL_ERROR)
                refused = postgres_error(connection, result, fault);
            else if (status == PGRES_SINGLE_TUPLE || status == PGRES_TUPLES_OK)
                err = add_rows(result, rows, fault);
        }
        PQclear(result);
        if (err) {
            postgres_disconnect(connection); /* what is still to come is not wanted */
            return err;
        }
        if (connection->handle == NULL) return refused;
        if (status == PGRES_PIPELINE_SYNC) return refused;
    }
}

static enum err run_query(struct connection *connection, const struct query *query,
                          uint64_t connect_by_ms, struct rows *rows, struct fault *fault)
{
    enum err err = postgres_connect(connection, connect_by_ms, fault);
    if (err) return err;
    err = postgres_trim_prepared(connection, fault);
    if (err) return err;
    struct prepared *prepared = postgres_find(connection, query->statement, fault);
    if (prepared == NULL) return fault->err;
    err = check_parameter_count(query->parameter_count, prepared->parameter_count, prepared->sql,
                                fault);
    if (!err) err = set_parameters(connection, prepared, query, fault);
    if (!err) err = postgres_send(connection, prepared, query->parameter_count, fault);
    if (err) return err;
    if (!PQpipelineSync(connection->handle)) return postgres_lost(connection, fault);
    return read_rows(connection, group_clock_ms() + connection->query_timeout_ms, rows, fault);
}

/* A query leaves nothing behind, so it is asked again where a connection turns out to be dead, or
 * a plan too old. */
static enum err postgres_query(struct connection *connection, const struct query *query,
                               struct rows *rows, struct fault *fault)
{
    struct fault reason;
    pthread_mutex_lock(&connection->lock);
    uint64_t connect_by_ms = group_clock_ms() + POSTGRES_PATIENCE_MS;
    bool was_there = connection->handle != NULL;
    enum err err = run_query(connection, query, connect_by_ms, rows, &reason);
    bool was_lost = was_there && err == ERR_UNAVAILABLE && connection->handle == NULL;
    bool is_stale = err && strstr(reason.words, "SQLSTATE 0A000") && connection->handle;
    if (is_stale) postgres_disconnect(connection);
    if (was_lost || is_stale) {
        rows_free(rows);
        err = run_query(connection, query, connect_by_ms, rows, &reason);
    }
    if (err) rows_free(rows); /* no half page */
    pthread_mutex_unlock(&connection->lock);
    if (err && fault) *fault = reason;
    return err;
}

/* --- several statements --- */

static enum err run_script(struct connection *connection, const char *sql, struct fault *fault)
{
    PGresult *result;
    enum err refused = ERR_OK;
    if (!PQexitPipelineMode(connection->handle) || !PQsendQuery(connection->handle, sql))
        return postgres_lost(connection, fault);
    for (;;) {
        enum err err = postgres_next(connection, 0, &result, fault);
        if (err) return err;
        if (result == NULL) break;
        if (PQresultStatus(result) == PGRES_FATAL_ERROR && !refused)
            refused = postgres_error(connection, result, fault);
        PQclear(result);
        if (connection->handle == NULL) return refused;
    }
    if (!PQenterPipelineMode(connection->handle)) return postgres_lost(connection, fault);
    return refused;
}

static enum err postgres_execute(struct connection *connection, const char *sql,
                                 struct fault *fault)
{
    struct fault reason;
    struct buf translated = { 0 };
    uint32_t parameter_count = 0;
    pthread_mutex_lock(&connection->lock);
    enum err err = postgres_connect(connection, group_clock_ms() + POSTGRES_PATIENCE_MS, &reason);
    if (!err && (!postgres_translate(sql, &translated, &parameter_count) || parameter_count))
        err = fault_set(&reason, ERR_INTERNAL, "", "no parameters are bound here");
    if (!err) err = run_script(connection, translated.at, &reason);
    buf_free(&translated);
    pthread_mutex_unlock(&connection->lock);
    if (err && fault) *fault = reason;
    return err;
}

/* --- life --- */

static void release_pair(struct postgres_pair *pair)
{
    if (atomic_fetch_sub(&pair->users, 1) == 1) free(pair);
}

static void postgres_pair(struct connection *writer, struct connection *reader)
{
    release_pair(reader->pair);
    reader->pair = writer->pair;
    (void)atomic_fetch_add(&reader->pair->users, 1);
    reader->generation = atomic_load(&reader->pair->generation);
}

static void postgres_interrupt(struct connection *connection)
{
    atomic_store(&connection->is_closing, true);
}

static void postgres_close(struct connection *connection)
{
    postgres_disconnect(connection);
    scope_close(connection->statements);
    scope_close(connection->life);
    postgres_free_parameters(&connection->parameters);
    for (uint32_t i = 0; i < connection->host_count; i++) {
        explicit_bzero(connection->hosts[i], strlen(connection->hosts[i]));
        free(connection->hosts[i]);
    }
    release_pair(connection->pair);
    (void)pthread_mutex_destroy(&connection->lock);
    free(connection);
}

static struct connection *connection_new(bool is_reader, const struct store_options *options)
{
    struct connection *connection = calloc(1, sizeof *connection);
    struct postgres_pair *pair = calloc(1, sizeof *pair);
    ASSERT(connection != NULL && pair != NULL);
    ASSERT(pthread_mutex_init(&connection->lock, NULL) == 0);
    uint32_t query_timeout_s = options ? options->query_timeout_s : 0;
    uint32_t pause_max_s = options ? options->pause_max_s : 0;
    connection->is_reader = is_reader;
    connection->pair = pair;
    atomic_store(&pair->users, 1);
    connection->query_timeout_ms = (query_timeout_s ? query_timeout_s : QUERY_TIMEOUT_USUAL_S) *
                                   1000;
    connection->pause_max_ms = (pause_max_s ? pause_max_s : PAUSE_MAX_USUAL_S) * 1000;
    connection->life = scope_new(NULL, "connection", SCOPE_NO_LIMIT);
    connection->statements = scope_new(NULL, "prepared statements", SCOPE_NO_LIMIT);
    connection->prepared = table_new(connection->statements);
    connection->parameters.scratch = scope_new(NULL, "parameters", SCOPE_NO_LIMIT);
    random_seed_from_system(&connection->random);
    (void)snprintf(connection->writer, sizeof connection->writer, "%016llx%016llx",
                   (unsigned long long)random_u64(&connection->random),
                   (unsigned long long)random_u64(&connection->random));
    return connection;
}

static enum err postgres_open(struct text path, bool is_reader, const struct store_options *options,
                              struct connection **out, struct fault *fault)
{
    struct fault reason;
    struct connection *connection = connection_new(is_reader, options);
    enum err err = postgres_read_address(connection, path, &reason);
    if (!err) err = postgres_connect(connection, group_clock_ms() + POSTGRES_PATIENCE_MS, &reason);
    if (err) {
        postgres_close(connection);
        if (fault) *fault = reason;
        return err;
    }
    *out = connection;
    return ERR_OK;
}

static enum err postgres_reach(struct text path, struct fault *fault)
{
    struct fault reason;
    struct connection *connection = connection_new(true, NULL);
    enum err err = postgres_read_address(connection, path, &reason);
    if (!err) err = postgres_connect_once(connection, &reason);
    postgres_close(connection);
    if (err && fault) *fault = reason;
    return err;
}

/* Its schema, and the table of marks. An account that may not make a schema needs one made. */
static enum err make_ready(struct connection *connection, struct fault *fault)
{
    static const struct statement find_schema = {
        "SELECT count(*) FROM pg_namespace WHERE nspname = ?1"
    };
    struct value name = { .kind = VALUE_TEXT, .text = connection->schema };
    struct query query = { &find_schema, &name, 1 };
    struct rows rows = { 0 };
    enum err err = postgres_query(connection, &query, &rows, fault);
    bool is_there = !err && rows_i64(&rows, 0, 0) > 0;
    rows_free(&rows);
    if (!err && !is_there) {
        struct buf sql = { 0 };
        buf_format(&sql, "CREATE SCHEMA IF NOT EXISTS %.*s", TEXT_ARG(connection->schema));
        buf_add_byte(&sql, '\0');
        err = postgres_execute(connection, sql.at, fault);
        buf_free(&sql);
    }
    if (!err) err = postgres_execute(connection, POSTGRES_MAKE_MARKS, fault);
    return err;
}

static unsigned postgres_connected(struct connection *connection)
{
    return atomic_load(&connection->connected);
}

static struct text postgres_place(const struct connection *connection)
{
    return connection->place;
}

static const struct statement find_tables = {
    "SELECT count(*), count(*) FILTER (WHERE tablename = 'meta') FROM pg_tables "
    "WHERE schemaname = current_schema() AND tablename <> 'store_commit'"
};

const struct driver DRIVER_POSTGRES = {
    .open = postgres_open,
    .close = postgres_close,
    .reach = postgres_reach,
    .run_group = postgres_run_group,
    .query = postgres_query,
    .execute = postgres_execute,
    .pair = postgres_pair,
    .interrupt = postgres_interrupt,
    .place = postgres_place,
    .connected = postgres_connected,
    .make_ready = make_ready,
    .find_tables = &find_tables,
    .begin = "BEGIN",
};
