/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/local_time.h"

#include <time.h>

static bool number_at(struct text in, size_t at, size_t len, uint32_t min, uint32_t max, int *out)
{
    uint32_t number;
    if (text_to_u32(text_slice(in, at, len), min, max, &number)) return false;
    *out = (int)number;
    return true;
}

enum err time_of_day_parse(struct text in, int64_t *seconds)
{
    int hour, minute;
    if (in.len != 5 || in.at[2] != ':' || !number_at(in, 0, 2, 0, 23, &hour) ||
        !number_at(in, 3, 2, 0, 59, &minute))
        return ERR_INVALID;
    *seconds = (int64_t)hour * 3600 + minute * 60;
    return ERR_OK;
}

enum err local_time_parse(struct text in, int64_t *local_s)
{
    struct tm parts = { 0 };
    int64_t seconds;
    if (in.len != 16 || in.at[2] != '/' || in.at[5] != '/' || in.at[10] != ' ') return ERR_INVALID;
    if (!number_at(in, 0, 2, 1, 12, &parts.tm_mon) || !number_at(in, 3, 2, 1, 31, &parts.tm_mday) ||
        !number_at(in, 6, 4, 1970, 9999, &parts.tm_year) ||
        time_of_day_parse(text_slice(in, 11, 5), &seconds))
        return ERR_INVALID;
    parts.tm_mon--;
    parts.tm_year -= 1900;
    struct tm wanted = parts;
    int64_t midnight = (int64_t)timegm(&parts);
    if (parts.tm_mday != wanted.tm_mday) return ERR_INVALID; /* 02/30 */
    *local_s = midnight + seconds;
    return ERR_OK;
}
