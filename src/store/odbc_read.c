/* SPDX-License-Identifier: Apache-2.0 */
/* Queries by ODBC: the parameters of one, its rows, and the columns of a table. */
#include "store/odbc_private.h"

#include "store/rows.h"

#include <stdio.h>
#include <string.h>

enum { NAME_BYTES = 256, PIECE_BYTES = 4096, COLUMNS_READ_MAX = 1024 };

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
    enum value_kind kinds[COLUMNS_READ_MAX] = { VALUE_NULL };
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
            struct value value = { .kind = VALUE_NULL };
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
    enum err err = check_parameter_count(query->parameter_count, prepared->parameter_count,
                                         prepared->statement->sql, fault);
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
    if (odbc_new_handle(connection, &handle, fault)) return fault->err;
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
    if (odbc_new_handle(connection, &handle, fault)) return fault->err;
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

enum err odbc_query(struct connection *connection, const struct query *query, struct rows *rows,
                    struct fault *fault)
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
