/* SPDX-License-Identifier: Apache-2.0 */
#include "store/sqlstate.h"

#include <string.h>

bool sqlstate_starts(const char *state, const char *prefix)
{
    return strncmp(state, prefix, strlen(prefix)) == 0;
}

static enum err find(const char *state, const struct sqlstate *map, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (sqlstate_starts(state, map[i].prefix)) return map[i].err;
    return ERR_INTERNAL;
}

enum err sqlstate_err(const char *state, const struct sqlstate *own, size_t own_count)
{
    static const struct sqlstate common[] = {
        { "23505", ERR_EXISTS },      { "23502", ERR_INVALID },   { "23514", ERR_INVALID },
        { "23", ERR_CONFLICT },       { "22", ERR_INVALID },      { "08", ERR_UNAVAILABLE },
        { "57014", ERR_TIMEOUT },     { "57P", ERR_UNAVAILABLE }, { "40", ERR_UNAVAILABLE },
        { "53100", ERR_FULL },        { "53", ERR_UNAVAILABLE },  { "55", ERR_UNAVAILABLE },
        { "25006", ERR_UNAVAILABLE }, { "28", ERR_DENIED },       { "42501", ERR_DENIED },
        { "58", ERR_UNAVAILABLE },
    };
    enum err err = find(state, own, own_count);
    return err == ERR_INTERNAL ? find(state, common, sizeof common / sizeof *common) : err;
}
