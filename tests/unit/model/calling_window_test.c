/* SPDX-License-Identifier: Apache-2.0 */
#include "model/calling_window.h"

#include "tests/unit/test.h"

#include <time.h>

static uint64_t utc_ms(int year, int month, int day, int hour, int minute, int second)
{
    struct tm tm = { .tm_year = year - 1900,
                     .tm_mon = month - 1,
                     .tm_mday = day,
                     .tm_hour = hour,
                     .tm_min = minute,
                     .tm_sec = second };
    return (uint64_t)timegm(&tm) * 1000;
}

static const struct zone *zone(const char *name)
{
    const struct zone *found = zone_find(text_of(name));
    CHECK(found != NULL);
    return found;
}

TEST(scenario_16_a_contact_one_hour_east_is_called_from_eight_until_seventeen_utc)
{
    struct {
        uint64_t at_ms;
        bool is_open;
    } cases[] = {
        { utc_ms(2026, 6, 1, 7, 59, 59), false },
        { utc_ms(2026, 6, 1, 8, 0, 0), true },
        { utc_ms(2026, 6, 1, 16, 59, 59), true },
        { utc_ms(2026, 6, 1, 17, 0, 0), false },
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int64_t local_s = calling_window_local_seconds(cases[i].at_ms, 3600);
        CHECK_U32(calling_window_is_open(32400, 64800, local_s), cases[i].is_open);
    }
}

TEST(a_window_over_midnight_is_open_on_both_sides_of_it) /* spec outbound 4, rule 3 */
{
    CHECK(calling_window_is_open(79200, 7200, 79200));
    CHECK(calling_window_is_open(79200, 7200, 86399));
    CHECK(calling_window_is_open(79200, 7200, 0));
    CHECK(calling_window_is_open(79200, 7200, 7199));
    CHECK(!calling_window_is_open(79200, 7200, 7200));
    CHECK(!calling_window_is_open(79200, 7200, 79199));
}

TEST(a_window_of_equal_ends_is_never_open)
{
    CHECK(!calling_window_is_open(0, 0, 0));
    CHECK(!calling_window_is_open(36000, 36000, 36000));
    CHECK(!calling_window_is_open(36000, 36000, 50000));
}

TEST(the_whole_day_has_no_end)
{
    struct calling_window day = { 0, 86400 };
    CHECK(calling_window_is_open(0, 86400, 86399));
    CHECK(calling_window_closes_next(&day, zone("Europe/Berlin"), utc_ms(2026, 1, 1, 0, 0, 0)) ==
          UINT64_MAX);
}

TEST(the_time_of_day_west_of_greenwich_is_counted_back_over_midnight)
{
    CHECK_I64(calling_window_local_seconds(utc_ms(2026, 1, 1, 3, 0, 0), -25200), 72000);
    CHECK_I64(calling_window_local_seconds(0, -3600), 82800);
    CHECK_I64(calling_window_local_seconds(utc_ms(2026, 1, 1, 23, 30, 0), 50400), 48600);
}

TEST(the_next_opening_of_an_open_window_is_now)
{
    struct calling_window window = { 32400, 64800 };
    uint64_t noon_ms = utc_ms(2026, 6, 1, 12, 0, 0) + 250;
    CHECK_I64(calling_window_opens_next(&window, zone("UTC"), noon_ms), noon_ms);
    CHECK_I64(calling_window_closes_next(&window, zone("UTC"), noon_ms),
              utc_ms(2026, 6, 1, 18, 0, 0));
}

TEST(the_next_opening_after_the_night_follows_the_clocks_of_the_zone)
{
    struct calling_window window = { 32400, 64800 };
    const struct zone *berlin = zone("Europe/Berlin");
    /* 2026-03-29 is the day of summer time: 09:00 is 08:00Z the day before, 07:00Z on it. */
    CHECK_I64(calling_window_opens_next(&window, berlin, utc_ms(2026, 3, 28, 5, 0, 0)),
              utc_ms(2026, 3, 28, 8, 0, 0));
    CHECK_I64(calling_window_opens_next(&window, berlin, utc_ms(2026, 3, 28, 20, 0, 0)),
              utc_ms(2026, 3, 29, 7, 0, 0));
    CHECK_I64(calling_window_closes_next(&window, berlin, utc_ms(2026, 10, 25, 9, 0, 0)),
              utc_ms(2026, 10, 25, 17, 0, 0));
}

TEST(a_window_that_opens_within_the_skipped_hour_opens_with_the_jump)
{
    struct calling_window window = { 9000, 36000 }; /* from 02:30; Berlin skips 02:00 to 03:00 */
    CHECK_I64(
        calling_window_opens_next(&window, zone("Europe/Berlin"), utc_ms(2026, 3, 29, 0, 0, 0)),
        utc_ms(2026, 3, 29, 1, 0, 0));
}

TEST(a_window_inside_the_skipped_hour_waits_for_the_next_day)
{
    struct calling_window window = { 7800, 9000 }; /* 02:10 to 02:30 */
    CHECK_I64(
        calling_window_opens_next(&window, zone("Europe/Berlin"), utc_ms(2026, 3, 29, 0, 0, 0)),
        utc_ms(2026, 3, 30, 0, 10, 0));
}

TEST(a_window_that_never_opens_is_told_so)
{
    struct calling_window never = { 36000, 36000 }, beyond = { 90000, 100000 };
    CHECK(calling_window_opens_next(&never, zone("UTC"), 0) == UINT64_MAX);
    CHECK(calling_window_opens_next(&beyond, zone("UTC"), 0) == UINT64_MAX);
    CHECK_I64(calling_window_closes_next(&never, zone("UTC"), 5000), 5000);
}
