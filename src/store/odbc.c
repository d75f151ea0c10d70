/* SPDX-License-Identifier: Apache-2.0 */
/* ODBC as a driver: databases that are a customer's own. Here are connections, statements and
 * queries; groups of changes are in odbc_group.c. Texts go as the bytes that they are (SQL_C_CHAR):
 * what they mean there is the business of the driver's client character set, UTF-8 with the
 * PostgreSQL Unicode and the SQLite driver. */
#include "store/odbc_private.h"

#include "store/rows.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    CONNECT_WAIT_S = 3,
    QUERY_WAIT_USUAL_S = 60, /* where none is given (framework 8.3, event 21111) */
    PREPARED_MAX = 300,      /* past it all are forgotten */
    NAME_BYTES = 256,
    PIECE_BYTES = 4096,
    COLUMNS_READ_MAX = 1024,
};

/* Plain SQL, but LIMIT and IF NOT EXISTS, is what these speak (framework 11: first release). */
static const char *const engines[] = { "PostgreSQL", "SQLite" };

/* --- connecting --- */

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

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
    if (connection->pause_until_ms > now_ms()) {
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
    connection->pause_until_ms = now_ms() + connection->pause_ms;
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

static enum err new_handle(struct connection *connection, SQLHSTMT *out, struct fault *fault)
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
    if (new_handle(connection, &prepared->handle, fault)) {
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

enum err odbc_check_count(const struct prepared *prepared, uint32_t count, struct fault *fault)
{
    if (prepared->parameter_count == count) return ERR_OK;
    return fault_set(fault, ERR_INTERNAL, "", "%u parameters for the %u of: %s", count,
                     prepared->parameter_count, prepared->statement->sql);
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

static enum err bind_value(struct connection *connection, struct prepared *prepared,
                           uint32_t parameter, const struct value *value, struct fault *fault)
{
    switch (value->kind) {
    case VALUE_NULL: return odbc_bind_null(connection, prepared, parameter, fault);
    case VALUE_INTEGER:
        return odbc_bind_i64(connection, prepared, parameter, &value->integer, fault);
    case VALUE_FLOAT: return odbc_bind_f64(connection, prepared, parameter, &value->number, fault);
    case VALUE_TEXT:
    case VALUE_BYTES:
        return odbc_bind_text(connection, prepared, parameter, value->text.at, value->text.len,
                              value->kind == VALUE_BYTES, fault);
    default: return fault_set(fault, ERR_INVALID, "", "a list is no parameter");
    }
}

/* --- reading --- */

/* What a column of an SQL type is for us. */
static enum value_kind kind_of(SQLSMALLINT type, SQLSMALLINT digits)
{
    switch (type) {
    case SQL_BIT:
    case SQL_TINYINT:
    case SQL_SMALLINT:
    case SQL_INTEGER:
    case SQL_BIGINT: return VALUE_INTEGER;
    case SQL_DECIMAL:
    case SQL_NUMERIC: return digits == 0 ? VALUE_INTEGER : VALUE_FLOAT;
    case SQL_REAL:
    case SQL_FLOAT:
    case SQL_DOUBLE: return VALUE_FLOAT;
    case SQL_BINARY:
    case SQL_VARBINARY:
    case SQL_LONGVARBINARY: return VALUE_BYTES;
    default: return VALUE_TEXT;
    }
}

struct column {
    char name[NAME_BYTES];
    SQLSMALLINT type, digits;
    SQLULEN size;
};

static enum err describe_column(struct connection *connection, SQLHSTMT handle, uint32_t index,
                                struct column *out, struct fault *fault)
{
    SQLSMALLINT name_len, may_be_null;
    if (!SQL_SUCCEEDED(SQLDescribeCol(handle, (SQLUSMALLINT)(index + 1), (SQLCHAR *)out->name,
                                      sizeof out->name, &name_len, &out->type, &out->size,
                                      &out->digits, &may_be_null)))
        return odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
    return ERR_OK;
}

/* A text in pieces, since only the driver knows how long it is. */
static enum err read_text(struct connection *connection, SQLHSTMT handle, uint32_t index,
                          enum value_kind kind, struct buf *out, bool *is_null, struct fault *fault)
{
    char piece[PIECE_BYTES];
    SQLSMALLINT type = kind == VALUE_BYTES ? SQL_C_BINARY : SQL_C_CHAR;
    size_t end = kind == VALUE_BYTES ? 0 : 1; /* a NUL behind each piece of text */
    buf_clear(out);
    *is_null = false;
    for (;;) {
        SQLLEN left = 0;
        SQLRETURN code =
            SQLGetData(handle, (SQLUSMALLINT)(index + 1), type, piece, sizeof piece, &left);
        if (code == SQL_NO_DATA) return ERR_OK;
        if (!SQL_SUCCEEDED(code)) return odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
        if (left == SQL_NULL_DATA) {
            *is_null = true;
            return ERR_OK;
        }
        bool is_last = left != SQL_NO_TOTAL && (size_t)left + end <= sizeof piece;
        buf_add(out, (struct text){ piece, is_last ? (size_t)left : sizeof piece - end });
        if (is_last) return ERR_OK;
        if (out->len > ROWS_BYTES_MAX)
            return fault_set(fault, ERR_LIMIT, "", "a page may not pass %d bytes", ROWS_BYTES_MAX);
    }
}

static enum err read_number(struct connection *connection, SQLHSTMT handle, uint32_t index,
                            struct value *out, struct fault *fault)
{
    SQLLEN left = 0;
    bool is_integer = out->kind == VALUE_INTEGER;
    SQLBIGINT integer = 0;
    double number = 0;
    SQLRETURN code =
        SQLGetData(handle, (SQLUSMALLINT)(index + 1), is_integer ? SQL_C_SBIGINT : SQL_C_DOUBLE,
                   is_integer ? (SQLPOINTER)&integer : (SQLPOINTER)&number, sizeof integer, &left);
    if (!SQL_SUCCEEDED(code)) return odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
    if (left == SQL_NULL_DATA)
        *out = (struct value){ .kind = VALUE_NULL };
    else if (is_integer)
        out->integer = integer;
    else
        out->number = number;
    return ERR_OK;
}

static enum err read_cell(struct connection *connection, SQLHSTMT handle, uint32_t index,
                          enum value_kind kind, struct buf *scratch, struct value *out,
                          struct fault *fault)
{
    *out = (struct value){ .kind = kind };
    if (kind == VALUE_INTEGER || kind == VALUE_FLOAT)
        return read_number(connection, handle, index, out, fault);
    bool is_null;
    enum err err = read_text(connection, handle, index, kind, scratch, &is_null, fault);
    if (!err && is_null)
        *out = (struct value){ .kind = VALUE_NULL };
    else if (!err)
        out->text = scratch->len ? buf_text(scratch) : TEXT("");
    return err;
}

static enum err read_rows(struct connection *connection, SQLHSTMT handle, struct rows *rows,
                          struct fault *fault)
{
    SQLSMALLINT count = 0;
    enum value_kind kinds[COLUMNS_READ_MAX];
    (void)SQLNumResultCols(handle, &count);
    if (count > COLUMNS_READ_MAX) return fault_set(fault, ERR_LIMIT, "", "too many columns");
    enum err err = ERR_OK;
    for (int i = 0; !err && i < count; i++) {
        struct column column;
        err = describe_column(connection, handle, (uint32_t)i, &column, fault);
        if (!err) kinds[i] = kind_of(column.type, column.digits);
    }
    if (err) return err;
    rows_begin(rows, (uint32_t)count);
    struct buf scratch = { 0 };
    SQLRETURN code = SQL_NO_DATA;
    while (!err && count && SQL_SUCCEEDED(code = SQLFetch(handle)))
        for (uint32_t i = 0; !err && i < rows->columns; i++) {
            struct value value;
            err = read_cell(connection, handle, i, kinds[i], &scratch, &value, fault);
            if (!err && rows_add(rows, value))
                err =
                    fault_set(fault, ERR_LIMIT, "", "a page may not pass %d bytes", ROWS_BYTES_MAX);
        }
    buf_free(&scratch);
    if (!err && code != SQL_NO_DATA) err = odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
    return err;
}

static enum err run_query(struct connection *connection, const struct query *query,
                          struct rows *rows, struct fault *fault)
{
    struct prepared *prepared = odbc_find(connection, query->statement, fault);
    if (prepared == NULL) return fault->err;
    enum err err = odbc_check_count(prepared, query->parameter_count, fault);
    for (uint32_t i = 0; !err && i < query->parameter_count; i++)
        err = bind_value(connection, prepared, i, &query->parameters[i], fault);
    if (err) return err;
    SQLRETURN code = SQLExecute(prepared->handle);
    if (!SQL_SUCCEEDED(code) && code != SQL_NO_DATA)
        err = odbc_error(connection, SQL_HANDLE_STMT, prepared->handle, fault);
    else
        err = read_rows(connection, prepared->handle, rows, fault);
    if (connection->handle) (void)SQLFreeStmt(prepared->handle, SQL_CLOSE);
    return err;
}

/* --- the columns of a table --- */

static const char *word_of_kind(enum value_kind kind)
{
    switch (kind) {
    case VALUE_INTEGER: return "integer";
    case VALUE_FLOAT: return "float";
    case VALUE_BYTES: return "bytes";
    default: return "text";
    }
}

static bool is_text_type(SQLSMALLINT type)
{
    return type == SQL_CHAR || type == SQL_VARCHAR || type == SQL_LONGVARCHAR ||
           type == SQL_WCHAR || type == SQL_WVARCHAR || type == SQL_WLONGVARCHAR;
}

static enum err add_column(const struct column *column, struct rows *rows)
{
    enum value_kind kind = kind_of(column->type, column->digits);
    const char *word = kind == VALUE_TEXT && !is_text_type(column->type) ? "other"
                                                                         : word_of_kind(kind);
    bool is_bounded = kind == VALUE_TEXT && column->type != SQL_LONGVARCHAR &&
                      column->type != SQL_WLONGVARCHAR;
    enum err err =
        rows_add(rows, (struct value){ .kind = VALUE_TEXT, .text = text_of(column->name) });
    if (!err) err = rows_add(rows, (struct value){ .kind = VALUE_TEXT, .text = text_of(word) });
    if (!err)
        err = rows_add(rows, (struct value){ .kind = VALUE_INTEGER,
                                             .integer = is_bounded ? (int64_t)column->size : 0 });
    return err;
}

static enum err add_columns(struct connection *connection, SQLHSTMT handle, struct rows *rows,
                            struct fault *fault)
{
    SQLSMALLINT count = 0;
    enum err err = ERR_OK;
    (void)SQLNumResultCols(handle, &count);
    for (int i = 0; !err && i < count; i++) {
        struct column column;
        err = describe_column(connection, handle, (uint32_t)i, &column, fault);
        if (!err) err = add_column(&column, rows);
    }
    return err;
}

/* Whether there is a table of the name, whosever and readable or not. */
static enum err table_exists(struct connection *connection, struct text name, bool *out,
                             struct fault *fault)
{
    SQLHSTMT handle = NULL;
    *out = false;
    if (new_handle(connection, &handle, fault)) return fault->err;
    enum err err = ERR_OK;
    if (!SQL_SUCCEEDED(
            SQLTables(handle, NULL, 0, NULL, 0, NULL, 0, (SQLCHAR *)"TABLE,VIEW", SQL_NTS)))
        err = odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
    while (!err && SQL_SUCCEEDED(SQLFetch(handle))) {
        char found[NAME_BYTES] = "";
        SQLLEN len = 0;
        if (!SQL_SUCCEEDED(SQLGetData(handle, 3, SQL_C_CHAR, found, sizeof found, &len))) continue;
        if (len != SQL_NULL_DATA && text_eq_fold(text_of(found), name)) *out = true;
    }
    if (connection->handle) (void)SQLFreeHandle(SQL_HANDLE_STMT, handle);
    return err;
}

/* STORE_COLUMNS: asked of a query that finds nothing, so that search path and case are the
 * database's own business. */
static enum err describe(struct connection *connection, struct text table, struct rows *rows,
                         struct fault *fault)
{
    char sql[NAME_BYTES];
    SQLHSTMT handle = NULL;
    int len = snprintf(sql, sizeof sql, "SELECT * FROM %.*s WHERE 1 = 0", TEXT_ARG(table));
    if (len >= (int)sizeof sql) return fault_set(fault, ERR_LIMIT, "", "the table's name is long");
    if (new_handle(connection, &handle, fault)) return fault->err;
    rows_begin(rows, 3);
    enum err err = ERR_OK;
    /* libsqliteodbc describes a statement before it notices that the schema has moved: once more.
     */
    if (SQL_SUCCEEDED(SQLExecDirect(handle, (SQLCHAR *)sql, len))) {
        (void)SQLFetch(handle);
        (void)SQLFreeStmt(handle, SQL_CLOSE);
    }
    if (SQL_SUCCEEDED(SQLExecDirect(handle, (SQLCHAR *)sql, len)))
        err = add_columns(connection, handle, rows, fault);
    else
        err = odbc_error(connection, SQL_HANDLE_STMT, handle, fault);
    if (connection->handle == NULL) return err;
    (void)SQLFreeHandle(SQL_HANDLE_STMT, handle);
    if (err == ERR_OK || err == ERR_TIMEOUT || err == ERR_UNAVAILABLE) return err;
    struct fault reason;
    bool exists;
    if (table_exists(connection, table, &exists, &reason) || exists) return err;
    return ERR_OK; /* no columns: no table */
}

static enum err ask(struct connection *connection, const struct query *query, struct rows *rows,
                    bool *is_fresh, struct fault *fault)
{
    enum err err = odbc_connect(connection, is_fresh, fault);
    if (err) return err;
    if (query->statement == &STORE_COLUMNS)
        return describe(connection, query->parameters[0].text, rows, fault);
    return run_query(connection, query, rows, fault);
}

static enum err odbc_query(struct connection *connection, const struct query *query,
                           struct rows *rows, struct fault *fault)
{
    struct fault reason;
    bool is_fresh;
    pthread_mutex_lock(&connection->lock);
    enum err err = ask(connection, query, rows, &is_fresh, &reason);
    if (err && !is_fresh && connection->handle == NULL) { /* it was lost while nobody looked */
        rows_free(rows);
        err = ask(connection, query, rows, &is_fresh, &reason);
    }
    if (err) rows_free(rows); /* no half page */
    pthread_mutex_unlock(&connection->lock);
    if (err && fault) *fault = reason;
    return err;
}

static enum err odbc_execute(struct connection *connection, const char *sql, struct fault *fault)
{
    bool is_fresh;
    SQLHSTMT handle = NULL;
    pthread_mutex_lock(&connection->lock);
    enum err err = odbc_connect(connection, &is_fresh, fault);
    if (!err) err = new_handle(connection, &handle, fault);
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
