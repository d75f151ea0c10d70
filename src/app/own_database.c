/* SPDX-License-Identifier: Apache-2.0 */
#include "app/own_database.h"

enum { SCHEMA_BYTES_MAX = 63, QUERY_TIMEOUT_MAX_S = 3600, POSTGRESQL_PORT = 5432 };

static struct text option(const struct kv *options, const char *name)
{
    return text_trim(kv_option(options, "settings", name));
}

bool own_database_is_main(const struct kv *options)
{
    struct text role = option(options, "role");
    bool is_odbc = option(options, "odbc-string").len || option(options, "connection-string").len ||
                   text_eq_fold(option(options, "dbprotocol"), TEXT("odbc"));
    return !is_odbc && (role.len == 0 || text_eq_fold(role, TEXT("main")));
}

void own_database_schema(struct text application, struct buf *out)
{
    size_t begin = out->len;
    for (size_t i = 0; i < application.len && out->len - begin < SCHEMA_BYTES_MAX; i++) {
        char byte = application.at[i];
        if (byte >= 'A' && byte <= 'Z') byte = (char)(byte - 'A' + 'a');
        bool is_letter = (byte >= 'a' && byte <= 'z') || byte == '_';
        bool is_digit = byte >= '0' && byte <= '9';
        if (is_digit && i == 0) buf_add_byte(out, '_');
        buf_add_byte(out, is_letter || is_digit ? byte : '_');
    }
    if (text_starts(text_slice(buf_text(out), begin, SCHEMA_BYTES_MAX), TEXT("pg_")))
        out->at[begin] = '_'; /* the server's own */
}

void own_database_add_pair(struct buf *out, const char *name, struct text value)
{
    if (value.len == 0) return;
    buf_format(out, " %s='", name);
    for (size_t i = 0; i < value.len; i++) {
        if (value.at[i] == '\'' || value.at[i] == '\\') buf_add_byte(out, '\\');
        buf_add_byte(out, value.at[i]);
    }
    buf_add_byte(out, '\'');
}

static struct text first_of(struct text a, struct text b)
{
    return a.len ? a : b;
}

static enum err add_connection(const struct own_database *database, struct buf *out,
                               struct fault *fault)
{
    const struct kv *options = database->options;
    struct text name = option(options, "database"), user = option(options, "user");
    struct text port = option(options, "port");
    if (name.len == 0)
        return fault_set(fault, ERR_INVALID, "database", "missing; it names the database");
    if (user.len == 0)
        return fault_set(fault, ERR_INVALID, "user", "missing; it names the account");
    struct text host = first_of(option(options, "host"), database->host_address);
    own_database_add_pair(out, "host", first_of(host, TEXT("127.0.0.1")));
    if (port.len)
        own_database_add_pair(out, "port", port);
    else
        buf_format(out, " port=%u", database->port ? database->port : POSTGRESQL_PORT);
    own_database_add_pair(out, "dbname", name);
    own_database_add_pair(out, "user", user);
    own_database_add_pair(out, "password", option(options, "password"));
    own_database_add_pair(out, "sslmode", option(options, "sslmode"));
    own_database_add_pair(out, "sslrootcert",
                          first_of(option(options, "sslrootcert"), database->trusted_ca));
    own_database_add_pair(out, "sslcert",
                          first_of(option(options, "sslcert"), database->certificate));
    own_database_add_pair(out, "sslkey",
                          first_of(option(options, "sslkey"), database->certificate_key));
    buf_add_z(out, " application_name=");
    own_database_schema(database->application, out);
    return ERR_OK;
}

enum err own_database_path(const struct own_database *database, struct buf *out,
                           uint32_t *query_timeout_s, struct fault *fault)
{
    const struct kv *options = database->options;
    struct text type = option(options, "dbms-type"), schema = option(options, "schema");
    struct text timeout = option(options, "query-timeout");
    *query_timeout_s = 0;
    if (timeout.len && text_to_u32(timeout, 1, QUERY_TIMEOUT_MAX_S, query_timeout_s))
        return fault_set(fault, ERR_INVALID, "query-timeout", "must be 1 to %d seconds",
                         QUERY_TIMEOUT_MAX_S);
    if (text_eq_fold(type, TEXT("sqlite"))) return ERR_OK;
    if (type.len == 0)
        return fault_set(fault, ERR_INVALID, "dbms-type", "missing; postgresql or sqlite");
    if (!text_eq_fold(type, TEXT("postgresql")))
        return fault_set(fault, ERR_UNSUPPORTED, "dbms-type",
                         "this release keeps its data in postgresql or sqlite, not %.*s",
                         TEXT_ARG(type));
    buf_add_z(out, "postgresql:");
    if (schema.len)
        buf_add(out, schema);
    else
        own_database_schema(database->application, out);
    buf_add_byte(out, ':');
    return add_connection(database, out, fault);
}
