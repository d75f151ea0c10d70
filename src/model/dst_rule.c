/* SPDX-License-Identifier: Apache-2.0 */
#include "model/dst_rule.h"

enum { DAY_S = 86400, WEEK_LAST = 5, TIME_USUAL_S = 2 * 3600, NAME_BYTES_LEAST = 3 };

static const char *const months[] = { "January",   "February", "March",    "April",
                                      "May",       "June",     "July",     "August",
                                      "September", "October",  "November", "December" };
static const char *const weekdays[] = { "Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday" };
static const char *const weeks[] = { "first", "second", "third", "fourth", "last" };

/* --- the calendar --------------------------------------------------------------------------- */

static bool is_leap(int32_t year)
{
    return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
}

static uint32_t days_in(int32_t year, uint32_t month)
{
    static const uint8_t days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
    return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

/* Days since 1970-01-01 of the first of the month (Fliegel and Van Flandern). */
static int64_t first_of(int32_t year, uint32_t month)
{
    int64_t y = year - (month <= 2), era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400,
            of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int32_t year_of(int64_t local_s)
{
    int64_t day = local_s / DAY_S - (local_s % DAY_S < 0);
    int32_t year = 1970 + (int32_t)(day / 366);
    while (first_of(year + 1, 1) <= day) year++;
    while (first_of(year, 1) > day) year--;
    return year;
}

/* --- reading -------------------------------------------------------------------------------- */

/* Its place among the names, from 0; a name may be shortened to three letters. SIZE_MAX: none. */
static size_t find_name(struct text word, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct text name = text_of(names[i]);
        if (text_eq_fold(word, name) ||
            (word.len == NAME_BYTES_LEAST && text_eq_fold(word, text_slice(name, 0, word.len))))
            return i;
    }
    return SIZE_MAX;
}

static struct text next_word(struct text *rest)
{
    *rest = text_trim(*rest);
    size_t end = 0;
    while (end < rest->len && rest->at[end] != ' ' && rest->at[end] != '\t') end++;
    struct text word = text_slice(*rest, 0, end);
    *rest = text_slice(*rest, end, SIZE_MAX);
    return word;
}

static bool read_time(struct text in, uint32_t *out_s)
{
    struct text hour, minute;
    uint32_t h, m;
    *out_s = TIME_USUAL_S;
    if (in.len == 0) return true;
    if (!text_cut(in, ':', &hour, &minute) || minute.len != 2 || !text_is_digits(hour) ||
        !text_is_digits(minute) || text_to_u32(hour, 0, 23, &h) || text_to_u32(minute, 0, 59, &m))
        return false;
    *out_s = h * 3600 + m * 60;
    return true;
}

static bool read_fixed(struct text date, struct dst_rule *out)
{
    uint32_t year;
    out->form = DST_FIXED;
    if (date.len != 10 || date.at[4] != '-' || date.at[7] != '-' ||
        text_to_u32(text_slice(date, 0, 4), 1970, 9999, &year) ||
        text_to_u32(text_slice(date, 5, 2), 1, 12, &out->month))
        return false;
    out->year = (int32_t)year;
    return text_to_u32(text_slice(date, 8, 2), 1, days_in(out->year, out->month), &out->day) ==
           ERR_OK;
}

static bool read_yearly(size_t month, struct text day, struct dst_rule *out)
{
    enum { LEAP_YEAR = 2000 };
    out->form = DST_YEARLY;
    out->month = (uint32_t)month + 1;
    return text_to_u32(day, 1, days_in(LEAP_YEAR, out->month), &out->day) == ERR_OK;
}

static bool read_relative(size_t week, struct text *rest, struct dst_rule *out)
{
    size_t weekday = find_name(next_word(rest), weekdays, sizeof weekdays / sizeof *weekdays);
    struct text of = next_word(rest);
    size_t month = find_name(next_word(rest), months, sizeof months / sizeof *months);
    *out = (struct dst_rule){ .form = DST_RELATIVE,
                              .week = (uint32_t)week + 1,
                              .weekday = (uint32_t)weekday,
                              .month = (uint32_t)month + 1 };
    return weekday != SIZE_MAX && month != SIZE_MAX && text_eq_fold(of, TEXT("of"));
}

static bool read_rule(struct text in, struct dst_rule *out)
{
    struct text rest = in, word = next_word(&rest);
    size_t week = SIZE_MAX, month = find_name(word, months, sizeof months / sizeof *months);
    for (size_t i = 0; i < sizeof weeks / sizeof *weeks; i++)
        if (text_eq_fold(word, text_of(weeks[i]))) week = i;
    *out = (struct dst_rule){ 0 };
    bool is_read = week != SIZE_MAX    ? read_relative(week, &rest, out)
                   : month != SIZE_MAX ? read_yearly(month, next_word(&rest), out)
                                       : read_fixed(word, out);
    return is_read && read_time(next_word(&rest), &out->time_s) && text_trim(rest).len == 0;
}

/* --- when ----------------------------------------------------------------------------------- */

/* The day in that year, since 1970. False: there is none. */
static bool day_in(const struct dst_rule *rule, int32_t year, int64_t *out)
{
    int64_t first = first_of(year, rule->month);
    uint32_t days = days_in(year, rule->month);
    if (rule->form != DST_RELATIVE) {
        *out = first + rule->day - 1;
        return rule->day <= days && (rule->form == DST_YEARLY || rule->year == year);
    }
    uint32_t weekday_of_first = (uint32_t)(((first + 4) % 7 + 7) % 7);
    uint32_t day = 1 + (rule->weekday + 7 - weekday_of_first) % 7 + 7 * (rule->week - 1);
    while (day > days) day -= 7;
    *out = first + day - 1;
    return true;
}

/* The instant in that year; `offset_s` counts before the clocks are moved. */
static bool instant_in(const struct dst_rule *rule, int32_t year, int64_t offset_s, int64_t *out)
{
    int64_t day;
    if (!day_in(rule, year, &day)) return false;
    *out = day * DAY_S + rule->time_s - offset_s;
    return true;
}

struct nearest {
    int64_t before, after; /* the last change until then, the next one */
    bool is_start;         /* the last one began it */
};

static void consider(struct nearest *nearest, int64_t at, int64_t utc_s, bool is_start)
{
    if (at > utc_s) {
        if (at < nearest->after) nearest->after = at;
    } else if (at > nearest->before) {
        nearest->before = at;
        nearest->is_start = is_start;
    }
}

/* A fixed one is in its own year. Of February 29 the last one is up to eight years ago. */
static struct nearest find_nearest(const struct dst_rules *rules, int64_t offset_s, int64_t utc_s)
{
    enum { YEARS = 8 };
    struct nearest nearest = { .before = INT64_MIN, .after = INT64_MAX };
    int32_t here = year_of(utc_s + offset_s);
    bool is_fixed = rules->start.form == DST_FIXED;
    for (int32_t i = -YEARS; i <= YEARS; i++) {
        int64_t at;
        if (instant_in(&rules->start, is_fixed ? rules->start.year : here + i, offset_s, &at))
            consider(&nearest, at, utc_s, true);
        if (instant_in(&rules->stop, is_fixed ? rules->stop.year : here + i,
                       offset_s + DST_SAVING_S, &at))
            consider(&nearest, at, utc_s, false);
        if (is_fixed) break;
    }
    return nearest;
}

bool dst_is_on(const struct dst_rules *rules, int64_t offset_s, int64_t utc_s)
{
    struct nearest nearest = find_nearest(rules, offset_s, utc_s);
    return nearest.before != INT64_MIN && nearest.is_start;
}

int64_t dst_next_change(const struct dst_rules *rules, int64_t offset_s, int64_t utc_s)
{
    return find_nearest(rules, offset_s, utc_s).after;
}

/* --- both ----------------------------------------------------------------------------------- */

static enum err refuse(struct fault *fault, const char *field)
{
    return fault_set(fault, ERR_INVALID, field,
                     "must be 2026-03-29 02:00, March 29 02:00 or last Sunday of March 02:00");
}

enum err dst_rules_parse(struct text start, struct text stop, struct dst_rules *out,
                         struct fault *fault)
{
    if (!read_rule(start, &out->start)) return refuse(fault, "dstStart");
    if (!read_rule(stop, &out->stop)) return refuse(fault, "dstStop");
    bool is_fixed = out->start.form == DST_FIXED;
    if (is_fixed != (out->stop.form == DST_FIXED))
        return fault_set(fault, ERR_INVALID, "dstStop",
                         "must be a fixed date where dstStart is one, and none where it is not");
    int64_t from, to;
    if (is_fixed && instant_in(&out->start, out->start.year, 0, &from) &&
        instant_in(&out->stop, out->stop.year, DST_SAVING_S, &to) && to <= from)
        return fault_set(fault, ERR_INVALID, "dstStop", "must be after dstStart");
    return ERR_OK;
}
