/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/access_point.h"

enum { QUERY_TIMEOUT_USUAL_S = 10, QUERY_TIMEOUT_MAX_S = 3600, POSTGRESQL_PORT = 5432 };

static struct text option(const struct access_point *point, const char *name)
{
    return kv_option(point->options, "settings", name);
}

/* In braces, so that nothing in it ends it; a closing brace is doubled. */
static void add_value(struct buf *out, struct text value)
{
    buf_add_byte(out, '{');
    for (size_t i = 0; i < value.len; i++) {
        buf_add_byte(out, value.at[i]);
        if (value.at[i] == '}') buf_add_byte(out, '}');
    }
    buf_add_byte(out, '}');
}

static void add_pair(struct buf *out, const char *name, struct text value)
{
    if (value.len == 0) return;
    buf_format(out, ";%s=", name);
    bool is_plain = true;
    for (size_t i = 0; i < value.len; i++) {
        char byte = value.at[i];
        is_plain = is_plain && byte != ';' && byte != '{' && byte != '}' && byte != '=' &&
                   byte != ' ';
    }
    if (is_plain)
        buf_add(out, value);
    else
        add_value(out, value);
}

static enum err build(const struct access_point *point, struct buf *out, struct fault *fault)
{
    struct text type = option(point, "dbms-type"), database = option(point, "database");
    if (type.len == 0)
        return fault_set(fault, ERR_INVALID, "odbc-string",
                         "missing; without it dbms-type must say what to build one for");
    bool is_sqlite = text_eq_fold(type, TEXT("sqlite"));
    if (!is_sqlite && !text_eq_fold(type, TEXT("postgresql")))
        return fault_set(fault, ERR_UNSUPPORTED, "dbms-type",
                         "this release connects to postgresql and sqlite, not %.*s",
                         TEXT_ARG(type));
    if (database.len == 0)
        return fault_set(fault, ERR_INVALID, "database", "missing; it names the database");
    buf_add_z(out, is_sqlite ? "Driver={SQLite3}" : "Driver={PostgreSQL Unicode}");
    if (!is_sqlite) {
        add_pair(out, "Servername",
                 point->host_address.len ? point->host_address : TEXT("127.0.0.1"));
        buf_format(out, ";Port=%u", point->port ? point->port : POSTGRESQL_PORT);
    }
    add_pair(out, "Database", database);
    return ERR_OK;
}

enum err access_point_string(const struct access_point *point, struct buf *out,
                             uint32_t *query_timeout_s, struct fault *fault)
{
    struct text protocol = option(point, "dbprotocol");
    struct text timeout = option(point, "query-timeout");
    struct text given = option(point, "odbc-string");
    if (protocol.len && !text_eq_fold(protocol, TEXT("odbc")))
        return fault_set(fault, ERR_UNSUPPORTED, "dbprotocol",
                         "calling lists are reached by odbc, not %.*s", TEXT_ARG(protocol));
    *query_timeout_s = QUERY_TIMEOUT_USUAL_S;
    if (timeout.len && text_to_u32(timeout, 1, QUERY_TIMEOUT_MAX_S, query_timeout_s))
        return fault_set(fault, ERR_INVALID, "query-timeout", "must be 1 to %d seconds",
                         QUERY_TIMEOUT_MAX_S);
    if (given.len == 0) given = option(point, "connection-string");
    given = text_trim(given);
    while (given.len && given.at[given.len - 1] == ';') given.len--;
    if (given.len) {
        buf_add(out, given);
    } else {
        enum err err = build(point, out, fault);
        if (err) return err;
    }
    add_pair(out, "UID", option(point, "user"));
    add_pair(out, "PWD", option(point, "password"));
    return ERR_OK;
}
