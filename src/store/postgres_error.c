/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL says, as our errors: by the classes of its appendix A. */
#include "store/postgres_private.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_BYTES = 400 };

static bool starts(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

enum err postgres_err_of(const char *state)
{
    static const struct {
        const char *prefix;
        enum err err;
    } map[] = {
        { "23505", ERR_EXISTS },   { "23502", ERR_INVALID },     { "23514", ERR_INVALID },
        { "23", ERR_CONFLICT },    { "22", ERR_INVALID },        { "08", ERR_UNAVAILABLE },
        { "57014", ERR_TIMEOUT },  { "57", ERR_UNAVAILABLE },    { "53100", ERR_FULL },
        { "53", ERR_UNAVAILABLE }, { "54", ERR_LIMIT },          { "55", ERR_UNAVAILABLE },
        { "40", ERR_UNAVAILABLE }, { "25006", ERR_UNAVAILABLE }, { "25P03", ERR_UNAVAILABLE },
        { "28", ERR_DENIED },      { "42501", ERR_DENIED },      { "3D000", ERR_NOT_FOUND },
        { "58", ERR_UNAVAILABLE }, { "XX001", ERR_UNAVAILABLE }, { "XX002", ERR_UNAVAILABLE },
    };
    for (size_t i = 0; i < sizeof map / sizeof map[0]; i++)
        if (starts(state, map[i].prefix)) return map[i].err;
    return ERR_INTERNAL;
}

bool postgres_may_repeat(const char *state)
{
    /* Serialization, deadlock; a plan made before the table changed. */
    return starts(state, "40") || starts(state, "0A000");
}

/* It ends, or is a standby now: another host may be the one. */
static bool is_left(const char *state)
{
    return starts(state, "08") || starts(state, "57P") || starts(state, "25006") ||
           starts(state, "25P03");
}

/* One line of it. */
static void flatten(char *words)
{
    size_t len = strlen(words);
    while (len && (words[len - 1] == '\n' || words[len - 1] == ' ')) words[--len] = '\0';
    for (char *at = words; *at; at++)
        if (*at == '\n' || *at == '\r' || *at == '\t') *at = ' ';
}

enum err postgres_lost(struct connection *connection, struct fault *fault)
{
    char words[WORDS_BYTES] = "";
    if (connection->handle)
        (void)snprintf(words, sizeof words, "%s", PQerrorMessage(connection->handle));
    flatten(words);
    (void)fault_set(fault, ERR_UNAVAILABLE, "", "the connection was lost: %s", words);
    postgres_disconnect(connection);
    return ERR_UNAVAILABLE;
}

enum err postgres_error(struct connection *connection, const PGresult *result, struct fault *fault)
{
    const char *state = PQresultErrorField(result, PG_DIAG_SQLSTATE);
    const char *primary = PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY);
    const char *detail = PQresultErrorField(result, PG_DIAG_MESSAGE_DETAIL);
    if (PQstatus(connection->handle) == CONNECTION_BAD || state == NULL)
        return postgres_lost(connection, fault);
    char words[WORDS_BYTES];
    (void)snprintf(words, sizeof words, "%s%s%s", primary ? primary : "no reason given",
                   detail ? ": " : "", detail ? detail : "");
    flatten(words);
    enum err err = postgres_err_of(state);
    (void)fault_set(fault, err, "", "%s (SQLSTATE %s)", words, state);
    if (is_left(state)) postgres_disconnect(connection);
    return err;
}
