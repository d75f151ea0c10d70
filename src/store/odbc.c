/* SPDX-License-Identifier: Apache-2.0 */
/* ODBC as a driver: databases that are a customer's own. Here are connections, statements and their
 * parameters; queries are in odbc_read.c, groups of changes in odbc_group.c. Texts go as the bytes
 * that they are (SQL_C_CHAR): what they mean there is the business of the driver's client character
 * set, UTF-8 with the PostgreSQL Unicode and the SQLite driver. */
#include "store/odbc_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CONNECT_WAIT_S = 3,
    QUERY_WAIT_USUAL_S = 60, /* where none is given (framework 8.3, event 21111) */
    PREPARED_MAX = 300,      /* past it all are forgotten */
    NAME_BYTES = 256,
};

/* Plain SQL, but LIMIT and IF NOT EXISTS, is what these speak (framework 11: first release). */
static const char *const engines[] = { "PostgreSQL", "SQLite" };

/* --- connecting --- */

static void forget_prepared(struct connection *connection)
{
    struct prepared *prepared;
    for (size_t at = 0; (prepared = table_next(connection->prepared, &at)) != NULL;)
        (void)SQLFreeHandle(SQL_HANDLE_STMT, prepared->handle);
    scope_reset(connection->life);
    connection->prepared = table_new(connection->life);
    connection->latest = NULL;
}

void odbc_disconnect(struct connection *connection)
{
    if (connection->handle == NULL) return;
    forget_prepared(connection);
    (void)SQLEndTran(SQL_HANDLE_DBC, connection->handle, SQL_ROLLBACK);
    (void)SQLDisconnect(connection->handle);
    (void)SQLFreeHandle(SQL_HANDLE_DBC, connection->handle);
    connection->handle = NULL;
}

static enum err check_engine(SQLHDBC handle, struct fault *fault)
{
    char name[NAME_BYTES] = "";
    SQLSMALLINT len = 0;
    (void)SQLGetInfo(handle, SQL_DBMS_NAME, name, sizeof name, &len);
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++)
        if (strcmp(name, engines[i]) == 0) return ERR_OK;
    return fault_set(fault, ERR_UNSUPPORTED, "odbc-string",
                     "databases are PostgreSQL or SQLite, not %s", name);
}

#define NUMBER_ATTRIBUTE(number) ((SQLPOINTER)(uintptr_t)(number))

static enum err make_connection(struct connection *connection, struct fault *fault)
{
    SQLHDBC handle = NULL;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, connection->environment, &handle)))
        return odbc_error(connection, SQL_HANDLE_ENV, connection->environment, fault);
    (void)SQLSetConnectAttr(handle, SQL_ATTR_LOGIN_TIMEOUT, NUMBER_ATTRIBUTE(CONNECT_WAIT_S), 0);
    enum err err = ERR_OK;
    SQLRETURN code = SQLDriverConnect(handle, NULL, (SQLCHAR *)connection->address,
                                      (SQLSMALLINT)connection->address_len, NULL, 0, NULL,
                                      SQL_DRIVER_NOPROMPT);
    bool is_connected = SQL_SUCCEEDED(code);
    if (!is_connected)
        err = odbc_error(connection, SQL_HANDLE_DBC, handle, fault);
    else
        err = check_engine(handle, fault);
    if (!err && !connection->is_reader &&
        !SQL_SUCCEEDED(SQLSetConnectAttr(handle, SQL_ATTR_AUTOCOMMIT,
                                         NUMBER_ATTRIBUTE(SQL_AUTOCOMMIT_OFF), 0)))
        err = odbc_error(connection, SQL_HANDLE_DBC, handle, fault);
    if (err) {
        if (is_connected) (void)SQLDisconnect(handle);
        (void)SQLFreeHandle(SQL_HANDLE_DBC, handle);
        return err;
    }
    connection->handle = handle;
    return ERR_OK;
}

static uint32_t longer(const struct connection *connection)
{
    if (connection->pause_ms == 0) return ODBC_PAUSE_MIN_MS;
    uint32_t doubled = connection->pause_ms * 2;
    return doubled < connection->pause_max_ms ? doubled : connection->pause_max_ms;
}

enum err odbc_connect(struct connection *connection, bool *is_fresh, struct fault *fault)
{
    *is_fresh = false;
    if (connection->handle) return ERR_OK;
    if (connection->pause_until_ms > group_clock_ms()) {
        *fault = connection->why;
        return fault->err;
    }
    enum err err = make_connection(connection, fault);
    if (err == ERR_OK) {
        *is_fresh = true;
        connection->pause_ms = 0;
        return ERR_OK;
    }
    /* Whatever stands in the way of a connection, nothing was done, and later it may be gone. */
    fault->err = ERR_UNAVAILABLE;
    connection->why = *fault;
    connection->pause_ms = longer(connection);
    connection->pause_until_ms = group_clock_ms() + connection->pause_ms;
    return ERR_UNAVAILABLE;
}

/* --- prepared statements --- */

/* The end of a quoted text or name that begins at `from`. */
static size_t skip_quoted(const char *sql, size_t from)
{
    size_t at = from + 1;
    while (sql[at] && sql[at] != sql[from]) at++;
    return sql[at] ? at + 1 : at;
}

/* `?3` becomes `?`; false: a number out of bounds. */
static bool translate(const char *sql, struct buf *out, uint16_t *places, struct prepared *prepared)
{
    for (size_t at = 0; sql[at];) {
        size_t begin = at;
        if (sql[at] == '\'' || sql[at] == '"') {
            at = skip_quoted(sql, at);
            buf_add(out, (struct text){ sql + begin, at - begin });
            continue;
        }
        buf_add_byte(out, sql[at]);
        if (sql[at++] != '?') continue;
        uint32_t number = 0;
        while (sql[at] >= '0' && sql[at] <= '9' && number <= ODBC_PARAMETERS_MAX)
            number = number * 10 + (uint32_t)(sql[at++] - '0');
        if (number == 0 || number > ODBC_PARAMETERS_MAX ||
            prepared->place_count == ODBC_PARAMETERS_MAX)
            return false;
        places[prepared->place_count++] = (uint16_t)(number - 1);
        if (number > prepared->parameter_count) prepared->parameter_count = number;
    }
    return true;
}

enum err odbc_new_handle(struct connection *connection, SQLHSTMT *out, struct fault *fault)
{
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, connection->handle, out)))
        return odbc_error(connection, SQL_HANDLE_DBC, connection->handle, fault);
    (void)SQLSetStmtAttr(*out, SQL_ATTR_QUERY_TIMEOUT,
                         NUMBER_ATTRIBUTE(connection->query_timeout_s), 0);
    return ERR_OK;
}

static struct prepared *prepare(struct connection *connection, const struct statement *statement,
                                struct fault *fault)
{
    if (table_count(connection->prepared) >= PREPARED_MAX) forget_prepared(connection);
    uint16_t places[ODBC_PARAMETERS_MAX];
    struct prepared *prepared = scope_alloc(connection->life, sizeof *prepared);
    struct buf sql = { 0 };
    prepared->statement = statement;
    if (!translate(statement->sql, &sql, places, prepared)) {
        buf_free(&sql);
        (void)fault_set(fault, ERR_INTERNAL, "", "parameters must be ?1 to ?%d: %s",
                        ODBC_PARAMETERS_MAX, statement->sql);
        return NULL;
    }
    if (odbc_new_handle(connection, &prepared->handle, fault)) {
        buf_free(&sql);
        return NULL;
    }
    buf_add_byte(&sql, '\0'); /* psqlodbc looks for it, whatever length it is given */
    SQLRETURN code = SQLPrepare(prepared->handle, (SQLCHAR *)sql.at, SQL_NTS);
    buf_free(&sql);
    if (!SQL_SUCCEEDED(code)) {
        SQLHSTMT handle = prepared->handle;
        (void)odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
        if (connection->handle) (void)SQLFreeHandle(SQL_HANDLE_STMT, handle);
        return NULL;
    }
    prepared->places =
        scope_alloc_array(connection->life, prepared->place_count + 1, sizeof *places);
    memcpy(prepared->places, places, prepared->place_count * sizeof *places);
    prepared->lengths =
        scope_alloc_array(connection->life, prepared->place_count + 1, sizeof(SQLLEN));
    table_put(connection->prepared, TEXT_OF(&prepared->statement), prepared);
    return prepared;
}

struct prepared *odbc_find(struct connection *connection, const struct statement *statement,
                           struct fault *fault)
{
    struct prepared *prepared = connection->latest;
    if (prepared && prepared->statement == statement) return prepared;
    prepared = table_get(connection->prepared, TEXT_OF(&statement));
    if (prepared == NULL) prepared = prepare(connection, statement, fault);
    if (prepared) connection->latest = prepared;
    return prepared;
}

/* --- parameters --- */

struct binding {
    SQLSMALLINT c_type, sql_type;
    SQLULEN size;
    const void *at;
    SQLLEN len; /* bytes, or SQL_NULL_DATA */
};

static enum err bind(struct connection *connection, struct prepared *prepared, uint32_t parameter,
                     const struct binding *binding, struct fault *fault)
{
    for (uint32_t place = 0; place < prepared->place_count; place++) {
        if (prepared->places[place] != parameter) continue;
        prepared->lengths[place] = binding->len;
        SQLRETURN code = SQLBindParameter(
            prepared->handle, (SQLUSMALLINT)(place + 1), SQL_PARAM_INPUT, binding->c_type,
            binding->sql_type, binding->size, 0, (SQLPOINTER)(uintptr_t)binding->at,
            binding->len == SQL_NULL_DATA ? 0 : binding->len, &prepared->lengths[place]);
        if (!SQL_SUCCEEDED(code))
            return odbc_error(connection, SQL_HANDLE_STMT, prepared->handle, fault);
    }
    return ERR_OK;
}

enum err odbc_bind_text(struct connection *connection, struct prepared *prepared,
                        uint32_t parameter, const char *at, size_t len, bool is_bytes,
                        struct fault *fault)
{
    struct binding binding = { .c_type = is_bytes ? SQL_C_BINARY : SQL_C_CHAR,
                               .sql_type = is_bytes ? SQL_LONGVARBINARY : SQL_VARCHAR,
                               .size = len ? len : 1,
                               .at = at ? at : "",
                               .len = (SQLLEN)len };
    return bind(connection, prepared, parameter, &binding, fault);
}

enum err odbc_bind_i64(struct connection *connection, struct prepared *prepared, uint32_t parameter,
                       const int64_t *value, struct fault *fault)
{
    struct binding binding = { SQL_C_SBIGINT, SQL_BIGINT, 19, value, sizeof *value };
    return bind(connection, prepared, parameter, &binding, fault);
}

enum err odbc_bind_f64(struct connection *connection, struct prepared *prepared, uint32_t parameter,
                       const double *value, struct fault *fault)
{
    struct binding binding = { SQL_C_DOUBLE, SQL_DOUBLE, 15, value, sizeof *value };
    return bind(connection, prepared, parameter, &binding, fault);
}

enum err odbc_bind_null(struct connection *connection, struct prepared *prepared,
                        uint32_t parameter, struct fault *fault)
{
    struct binding binding = { SQL_C_CHAR, SQL_VARCHAR, 1, NULL, SQL_NULL_DATA };
    return bind(connection, prepared, parameter, &binding, fault);
}

static enum err odbc_execute(struct connection *connection, const char *sql, struct fault *fault)
{
    bool is_fresh;
    SQLHSTMT handle = NULL;
    pthread_mutex_lock(&connection->lock);
    enum err err = odbc_connect(connection, &is_fresh, fault);
    if (!err) err = odbc_new_handle(connection, &handle, fault);
    if (!err && !SQL_SUCCEEDED(SQLExecDirect(handle, (SQLCHAR *)(uintptr_t)sql, SQL_NTS)))
        err = odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
    if (connection->handle && handle) {
        (void)SQLFreeHandle(SQL_HANDLE_STMT, handle);
        SQLSMALLINT end = err ? SQL_ROLLBACK : SQL_COMMIT;
        if (!SQL_SUCCEEDED(SQLEndTran(SQL_HANDLE_DBC, connection->handle, end)) && !err)
            err = odbc_error(connection, SQL_HANDLE_DBC, connection->handle, fault);
    }
    pthread_mutex_unlock(&connection->lock);
    return err;
}

/* --- opening --- */

static void odbc_close(struct connection *connection)
{
    odbc_disconnect(connection);
    scope_close(connection->life);
    if (connection->environment) (void)SQLFreeHandle(SQL_HANDLE_ENV, connection->environment);
    (void)pthread_mutex_destroy(&connection->lock);
    explicit_bzero(connection->address, connection->address_len);
    free(connection->address);
    free(connection);
}

static enum err odbc_open(struct text address, bool is_reader, const struct store_options *options,
                          struct connection **out, struct fault *fault)
{
    uint32_t query_timeout_s = options ? options->query_timeout_s : 0;
    uint32_t pause_max_s = options ? options->pause_max_s : 0;
    if (address.len == 0 || address.len > INT16_MAX || text_find(address, '\0', 0) != SIZE_MAX)
        return fault_set(fault, ERR_INVALID, "odbc-string", "must be 1 to %d bytes", INT16_MAX);
    struct connection *connection = calloc(1, sizeof *connection);
    ASSERT(connection != NULL);
    connection->address = strndup(address.at, address.len);
    ASSERT(connection->address != NULL);
    connection->address_len = address.len;
    connection->is_reader = is_reader;
    connection->pause_max_ms = pause_max_s ? pause_max_s * 1000 : ODBC_PAUSE_USUAL_MS;
    connection->query_timeout_s = query_timeout_s ? query_timeout_s : QUERY_WAIT_USUAL_S;
    ASSERT(pthread_mutex_init(&connection->lock, NULL) == 0);
    connection->life = scope_new(NULL, "connection", SCOPE_NO_LIMIT);
    connection->prepared = table_new(connection->life);
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &connection->environment)) ||
        !SQL_SUCCEEDED(SQLSetEnvAttr(connection->environment, SQL_ATTR_ODBC_VERSION,
                                     NUMBER_ATTRIBUTE(SQL_OV_ODBC3), 0))) {
        odbc_close(connection);
        return fault_set(fault, ERR_INTERNAL, "", "ODBC cannot be set up");
    }
    *out = connection;
    return ERR_OK;
}

const struct driver DRIVER_ODBC = {
    .open = odbc_open,
    .close = odbc_close,
    .run_group = odbc_run_group,
    .query = odbc_query,
    .execute = odbc_execute,
};
