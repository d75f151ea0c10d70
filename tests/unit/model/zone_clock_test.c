/* SPDX-License-Identifier: Apache-2.0 */
/* Clocks of TimeZone objects against the C library: the rules of the United States and of Europe,
 * given by weekdays and by dates (framework 2.2). */
#include "model/zone_clock.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { FROM_YEAR = 2026, UNTIL_YEAR = 2037 }; /* every weekday that a month may begin with */

static struct zone_clock clock_of(int64_t offset_min, const char *start, const char *stop)
{
    struct object_time_zone object = { .name = TEXT("none such"),
                                       .offset = offset_min,
                                       .is_dst_observed = true,
                                       .dst_start = text_of(start),
                                       .dst_stop = text_of(stop) };
    return zone_clock_of(&object);
}

static int64_t utc_of(int year, int month, int day, int hour)
{
    struct tm parts = {
        .tm_year = year - 1900, .tm_mon = month - 1, .tm_mday = day, .tm_hour = hour
    };
    return (int64_t)timegm(&parts);
}

static void use_zone(const char *name)
{
    CHECK(setenv("TZ", name, 1) == 0);
    tzset();
}

static int64_t library_offset(int64_t utc_s)
{
    time_t at = (time_t)utc_s;
    struct tm parts;
    CHECK(localtime_r(&at, &parts) != NULL);
    return parts.tm_gmtoff;
}

/* Every half hour of the years: the second before a change and the change itself are among them. */
static void check_years(const struct zone_clock *clock, const char *zone, int from, int until)
{
    uint32_t differences = 0;
    use_zone(zone);
    for (int64_t at = utc_of(from, 1, 1, 0); at < utc_of(until, 1, 1, 0); at += 1800)
        for (int64_t second = at - 1; second <= at; second++)
            differences += zone_clock_offset_seconds(clock, (uint64_t)second * 1000) !=
                           library_offset(second);
    CHECK_U32(differences, 0);
}

TEST(relative_rules_move_the_clocks_as_the_library_does)
{
    static const struct {
        const char *zone, *start, *stop;
        int64_t offset_min;
    } rows[] = {
        { "America/New_York", "second Sunday of March 02:00", "first Sunday of November 02:00",
          -300 },
        { "America/Los_Angeles", "Second sun OF mar", "first SUNDAY of nov 2:00", -480 },
        { "Europe/Berlin", "last Sunday of March 02:00", "last Sunday of October 03:00", 60 },
        { "Europe/London", "last Sunday of March 01:00", "last Sunday of October 02:00", 0 },
        { "Australia/Sydney", "first Sunday of October 02:00", "first Sunday of April 03:00", 600 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct zone_clock clock = clock_of(rows[i].offset_min, rows[i].start, rows[i].stop);
        CHECK(clock.has_rules && clock.zone == NULL);
        check_years(&clock, rows[i].zone, FROM_YEAR, UNTIL_YEAR);
    }
}

TEST(fixed_dates_are_those_of_one_year)
{
    struct zone_clock york = clock_of(-300, "2026-03-08 02:00", "2026-11-01 02:00");
    struct zone_clock berlin = clock_of(60, "2026-03-29 02:00", "2026-10-25 03:00");
    check_years(&york, "America/New_York", 2026, 2027);
    check_years(&berlin, "Europe/Berlin", 2026, 2027);
    CHECK_I64(zone_clock_offset_seconds(&berlin, (uint64_t)utc_of(2027, 7, 1, 0) * 1000), 3600);
    CHECK(zone_clock_next_transition(&berlin, (uint64_t)utc_of(2026, 12, 1, 0) * 1000) ==
          UINT64_MAX);
    struct zone_clock sydney = clock_of(600, "2026-10-04 02:00", "2027-04-04 03:00");
    CHECK_I64(zone_clock_offset_seconds(&sydney, (uint64_t)utc_of(2027, 1, 1, 0) * 1000), 39600);
}

TEST(dates_of_the_current_year_come_again_every_year)
{
    struct zone_clock clock = clock_of(-300, "March 8 02:00", "November 1 02:00");
    check_years(&clock, "America/New_York", 2026, 2027); /* the day of 2026 */
    CHECK_I64(zone_clock_offset_seconds(&clock, (uint64_t)utc_of(2030, 3, 8, 7) * 1000), -14400);
    CHECK_I64(zone_clock_offset_seconds(&clock, (uint64_t)utc_of(2030, 3, 8, 6) * 1000), -18000);
}

TEST(a_local_time_is_found_as_with_a_zone_of_the_library)
{
    struct zone_clock rules =
        clock_of(60, "last Sunday of March 02:00", "last Sunday of October 03:00");
    const struct zone *berlin = zone_find(TEXT("Europe/Berlin"));
    CHECK(berlin != NULL);
    for (int64_t local_s = utc_of(2026, 1, 1, 0); berlin && local_s < utc_of(2028, 1, 1, 0);
         local_s += 900)
        if (zone_clock_utc_ms_of_local(&rules, local_s) != zone_utc_ms_of_local(berlin, local_s))
            fail_msg("local %lld", (long long)local_s);
    uint64_t at = (uint64_t)utc_of(2026, 1, 1, 0) * 1000, next = 0;
    for (int i = 0; i < 8; i++, at = next) {
        next = zone_clock_next_transition(&rules, at);
        CHECK(next == zone_next_transition(berlin, at));
    }
}

TEST(the_name_of_the_library_goes_before_rules_and_rules_before_the_objects_own_name)
{
    struct object_time_zone object = { .name = TEXT("EST"), .offset = -300 };
    uint64_t summer = (uint64_t)utc_of(2026, 7, 1, 0) * 1000;
    struct zone_clock clock = zone_clock_of(&object);
    CHECK_I64(zone_clock_offset_seconds(&clock, summer), -18000);
    object.is_dst_observed = true;
    object.dst_start = TEXT("second Sunday of March");
    object.dst_stop = TEXT("first Sunday of November");
    clock = zone_clock_of(&object);
    CHECK_I64(zone_clock_offset_seconds(&clock, summer), -14400);
    object.iana_name = TEXT("Asia/Kolkata");
    clock = zone_clock_of(&object);
    CHECK_I64(zone_clock_offset_seconds(&clock, summer), 19800);
    object.iana_name = TEXT("No/Such");
    clock = zone_clock_of(&object);
    CHECK_I64(zone_clock_offset_seconds(&clock, summer), -14400);
    object.is_dst_observed = false;
    clock = zone_clock_of(&object);
    CHECK_I64(zone_clock_offset_seconds(&clock, summer), -18000);
}

TEST(what_is_no_rule_is_refused_by_field)
{
    static const char *const wrong[][3] = {
        { "", "last Sunday of October", "dstStart" },
        { "fifth Sunday of March", "last Sunday of October", "dstStart" },
        { "last Sunday March", "last Sunday of October", "dstStart" },
        { "last Sunday of March 24:00", "last Sunday of October", "dstStart" },
        { "last Sunday of March 02:00 UTC", "last Sunday of October", "dstStart" },
        { "last Sunday of March", "October 32", "dstStop" },
        { "last Sunday of March", "2026-10-25", "dstStop" },
        { "2026-02-29", "2026-10-25", "dstStart" },
        { "2026-10-25", "2026-03-29", "dstStop" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct dst_rules rules;
        struct fault fault = { 0 };
        CHECK_I64(dst_rules_parse(text_of(wrong[i][0]), text_of(wrong[i][1]), &rules, &fault),
                  ERR_INVALID);
        CHECK_TEXT(text_of(fault.field), wrong[i][2]);
    }
}
