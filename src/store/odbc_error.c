/* SPDX-License-Identifier: Apache-2.0 */
#include "store/odbc_private.h"
#include "store/sqlstate.h"

#include <string.h>
#include <strings.h>

enum { STATE_BYTES = 6, WORDS_BYTES = 256 };

/* libsqliteodbc says HY000 of everything; its number is SQLite's. */
static enum err err_of_sqlite(long native, const char *words)
{
    switch (native) {
    case 19:
        if (strstr(words, "UNIQUE") || strstr(words, "PRIMARY KEY")) return ERR_EXISTS;
        return strstr(words, "FOREIGN") ? ERR_CONFLICT : ERR_INVALID;
    case 13: return ERR_FULL;
    case 18: return ERR_LIMIT;
    case 20: return ERR_INVALID;
    case 5:
    case 6:
    case 8:
    case 10:
    case 11:
    case 14:
    case 26: return ERR_UNAVAILABLE;
    default: return ERR_INTERNAL;
    }
}

enum err odbc_err_of(const char *state, long native, const char *words)
{
    static const struct sqlstate own[] = {
        { "HYT", ERR_TIMEOUT },     { "IM", ERR_UNAVAILABLE },  { "01000", ERR_UNAVAILABLE },
        { "42P01", ERR_NOT_FOUND }, { "42S02", ERR_NOT_FOUND },
    };
    if (strstr(words, "[SQLite]")) return err_of_sqlite(native, words);
    return sqlstate_err(state, own, sizeof own / sizeof *own);
}

static bool is_lost(const struct connection *connection, const char *state)
{
    if (sqlstate_starts(state, "08") || sqlstate_starts(state, "57P01") ||
        sqlstate_starts(state, "57P02"))
        return true;
    SQLUINTEGER is_dead = SQL_CD_FALSE;
    return connection->handle &&
           SQL_SUCCEEDED(SQLGetConnectAttr(connection->handle, SQL_ATTR_CONNECTION_DEAD, &is_dead,
                                           sizeof is_dead, NULL)) &&
           is_dead == SQL_CD_TRUE;
}

/* One line of it. */
static void flatten(char *words)
{
    for (char *at = words; *at; at++)
        if (*at == '\n' || *at == '\r' || *at == '\t') *at = ' ';
}

enum err odbc_error(struct connection *connection, SQLSMALLINT kind, SQLHANDLE handle,
                    struct fault *fault)
{
    SQLCHAR state[STATE_BYTES] = "HY000", words[WORDS_BYTES] = "the driver gives no reason";
    SQLINTEGER native = 0;
    (void)SQLGetDiagRec(kind, handle, 1, state, &native, words, sizeof words, NULL);
    flatten((char *)words);
    enum err err = odbc_err_of((const char *)state, native, (const char *)words);
    bool is_over = is_lost(connection, (const char *)state);
    if (is_over) err = ERR_UNAVAILABLE;
    (void)fault_set(fault, err, "", "%s (SQLSTATE %s)", (const char *)words, (const char *)state);
    if (is_over && connection->handle) odbc_disconnect(connection); /* `handle` is gone as well */
    return err;
}
