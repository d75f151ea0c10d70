/* SPDX-License-Identifier: Apache-2.0 */
/* What PostgreSQL says, as our errors: by the classes of its appendix A. */
#include "store/postgres_private.h"
#include "store/sqlstate.h"

#include <stdio.h>
#include <string.h>

enum { WORDS_BYTES = 400 };

enum err postgres_err_of(const char *state)
{
    static const struct sqlstate own[] = {
        { "57014", ERR_TIMEOUT },     { "57", ERR_UNAVAILABLE },  { "54", ERR_LIMIT },
        { "25P03", ERR_UNAVAILABLE }, { "3D000", ERR_NOT_FOUND }, { "XX001", ERR_UNAVAILABLE },
        { "XX002", ERR_UNAVAILABLE },
    };
    return sqlstate_err(state, own, sizeof own / sizeof *own);
}

bool postgres_may_repeat(const char *state)
{
    /* Serialization, deadlock; a plan made before the table changed. */
    return sqlstate_starts(state, "40") || sqlstate_starts(state, "0A000");
}

/* It ends, or is a standby now: another host may be the one. */
static bool is_left(const char *state)
{
    return sqlstate_starts(state, "08") || sqlstate_starts(state, "57P") ||
           sqlstate_starts(state, "25006") || sqlstate_starts(state, "25P03");
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
