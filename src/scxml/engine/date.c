/* SPDX-License-Identifier: Apache-2.0 */
/* date.c - Date.parse() of what ISO 8601 does not cover: RFC 1123 ("Sun, 06 Nov 1994 08:49:37 GMT",
 * also without the day's name or the seconds, with "+0100") and what Date's own toString() writes.
 */
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "scxml/engine/private.h"

int engine_parse_date(duk_context *ctx, const char *text);

struct when {
    int year, month, day, hour, minute, second, zone_minutes;
};

static int month_of(const char *name)
{
    static const char months[] = "janfebmaraprmayjunjulaugsepoctnovdec";
    for (int i = 0; i < 12; i++)
        if (!strncasecmp(name, months + i * 3, 3)) return i + 1;
    return 0;
}

static bool read_zone(const char *text, int *minutes)
{
    int hours, rest;
    char sign;
    while (*text == ' ') text++;
    *minutes = 0;
    if (!strcasecmp(text, "GMT") || !strcasecmp(text, "UTC") || !strcasecmp(text, "Z")) return true;
    if (sscanf(text, "%c%2d%2d", &sign, &hours, &rest) != 3 || (sign != '+' && sign != '-'))
        return false;
    *minutes = (hours * 60 + rest) * (sign == '-' ? -1 : 1);
    return hours < 24 && rest < 60;
}

static bool read_time(const char *text, struct when *when)
{
    int used = 0;
    if (sscanf(text, "%2d:%2d%n", &when->hour, &when->minute, &used) != 2) return false;
    text += used;
    used = 0;
    if (*text == ':') {
        if (sscanf(text, ":%2d%n", &when->second, &used) != 1) return false;
        text += used;
    }
    return when->hour >= 0 && when->hour < 24 && when->minute >= 0 && when->minute < 60 &&
           when->second >= 0 && when->second <= 60 && read_zone(text, &when->zone_minutes);
}

static bool read_when(const char *text, struct when *when)
{
    const char *comma = strchr(text, ',');
    char month[4] = "";
    int used = 0;
    if (comma) text = comma + 1;
    if (sscanf(text, " %2d %3[A-Za-z] %4d %n", &when->day, month, &when->year, &used) != 3 &&
        sscanf(text, " %2d-%3[A-Za-z]-%4d %n", &when->day, month, &when->year, &used) != 3)
        return false;
    when->month = month_of(month);
    if (when->year >= 0 && when->year < 100) when->year += when->year < 50 ? 2000 : 1900;
    return used && when->month && when->day >= 1 && when->day <= 31 && when->year >= 0 &&
           read_time(text + used, when);
}

/* Days from 1970-01-01; years begin in March here, so that a leap day is the last. */
static int64_t day_number(int year, int month, int day)
{
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t era = y / 400, of_era = y % 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

int engine_parse_date(duk_context *ctx, const char *text)
{
    struct when when = { 0 };
    if (!read_when(text, &when)) return 0;
    int64_t minutes = day_number(when.year, when.month, when.day) * 1440 + when.hour * 60 +
                      when.minute - when.zone_minutes;
    duk_push_number(ctx, (double)(minutes * 60 + when.second) * 1000);
    return 1;
}
