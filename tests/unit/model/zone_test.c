/* SPDX-License-Identifier: Apache-2.0 */
#include "model/zone.h"

#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static const struct zone *zone(const char *name)
{
    const struct zone *found = zone_find(text_of(name));
    CHECK(found != NULL);
    return found;
}

TEST(a_zone_is_found_once_and_kept)
{
    const struct zone *first = zone("America/Denver");
    CHECK(zone("America/Denver") == first);
    CHECK_TEXT(zone_name(first), "America/Denver");
}

TEST(what_is_no_zone_name_finds_nothing)
{
    const char *names[] = { "",
                            "Europe/Atlantis",
                            "../../etc/passwd",
                            "/etc/localtime",
                            "Europe/",
                            "Europe//Berlin",
                            ":UTC",
                            "+02:00",
                            "EST5EDT,M3.2.0,M11.1.0",
                            "Europe/../UTC",
                            "Europe/Ber lin",
                            "Berlin1",
                            "leapseconds",
                            "right/Europe/Berlin" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK(zone_find(text_of(names[i])) == NULL);
    CHECK(zone_find((struct text){ "UTC\0x", 5 }) == NULL);
    char longest[100];
    memset(longest, 'A', sizeof longest);
    CHECK(zone_find((struct text){ longest, sizeof longest }) == NULL);
}

TEST(denver_is_seven_hours_behind_in_winter_and_six_in_summer)
{
    CHECK_I64(zone_offset_seconds(zone("America/Denver"), 1767225600000), -25200); /* 2026-01-01 */
    CHECK_I64(zone_offset_seconds(zone("America/Denver"), 1782864000000), -21600); /* 2026-07-01 */
    CHECK_TEXT(zone_abbreviation(zone("America/Denver"), 1767225600000), "MST");
    CHECK(zone_is_summer_time(zone("America/Denver"), 1782864000000));
}

TEST(a_zone_without_summer_time_has_no_next_transition)
{
    CHECK(zone_next_transition(zone("UTC"), 0) == UINT64_MAX);
    CHECK(zone_next_transition(zone("Asia/Tokyo"), 1767225600000) == UINT64_MAX);
    CHECK_I64(zone_offset_seconds(zone("Asia/Kathmandu"), 1767225600000), 20700);
}

TEST(a_local_time_becomes_an_instant_on_both_sides_of_a_jump) /* Berlin, 2026 */
{
    const struct zone *berlin = zone("Europe/Berlin");
    CHECK_I64(zone_utc_ms_of_local(berlin, 1774746000), 1774742400000); /* 29 March 01:00 */
    CHECK_I64(zone_utc_ms_of_local(berlin, 1774755000), 1774747800000); /* 03:30: 01:30Z */
    /* 02:30 does not exist: as if it were still winter, 01:30Z, when clocks show 03:30. */
    CHECK_I64(zone_utc_ms_of_local(berlin, 1774751400), 1774747800000);
    /* 25 October 02:30 comes twice, first at 00:30Z. */
    CHECK_I64(zone_utc_ms_of_local(berlin, 1792895400), 1792888200000);
}

static int month_of(const char *name)
{
    static const char *const names[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                         "Jul", "Aug", "Sep", "Oct", "Nov", "Dec" };
    for (int i = 0; i < 12; i++)
        if (strcmp(name, names[i]) == 0) return i;
    return -1;
}

/* "Europe/Berlin  Sun Mar 31 00:59:59 2024 UT = Sun Mar 31 01:59:59 2024 CET isdst=0 gmtoff=3600"
 */
static bool read_line(const char *line, int64_t *utc_s, char *abbreviation, int *is_summer,
                      int *offset)
{
    char month[4];
    struct tm tm = { 0 };
    if (sscanf(line, "%*s %*s %3s %d %d:%d:%d %d UT = %*s %*s %*d %*s %*d %15s isdst=%d gmtoff=%d",
               month, &tm.tm_mday, &tm.tm_hour, &tm.tm_min, &tm.tm_sec, &tm.tm_year, abbreviation,
               is_summer, offset) != 9)
        return false;
    tm.tm_mon = month_of(month);
    tm.tm_year -= 1900;
    *utc_s = timegm(&tm);
    return true;
}

/* Every line of zdump holds; each second line of a pair is a transition, and there is no other. */
static int compare_with_zdump(const char *name)
{
    enum { FROM_S = 1704067200 /* 2024 */, UNTIL_S = 1861920000 /* 2029 */ };
    char command[128], line[256], abbreviation[16];
    (void)snprintf(command, sizeof command, "zdump -v -c 2024,2029 %s", name);
    FILE *zdump = popen(command, "r");
    CHECK(zdump != NULL);
    int64_t utc_s;
    int is_summer, offset, lines = 0;
    uint64_t next_ms = zone_next_transition(zone(name), (uint64_t)FROM_S * 1000);
    while (fgets(line, sizeof line, zdump)) {
        if (!read_line(line, &utc_s, abbreviation, &is_summer, &offset)) continue;
        if (utc_s < FROM_S || utc_s > UNTIL_S) continue;
        uint64_t utc_ms = (uint64_t)utc_s * 1000;
        CHECK_I64(zone_offset_seconds(zone(name), utc_ms), offset);
        CHECK_U32(zone_is_summer_time(zone(name), utc_ms), is_summer);
        CHECK_TEXT(zone_abbreviation(zone(name), utc_ms), abbreviation);
        if (lines++ % 2 == 1) {
            CHECK_I64(next_ms, utc_ms);
            next_ms = zone_next_transition(zone(name), utc_ms);
        }
    }
    CHECK_I64(pclose(zdump), 0);
    CHECK(next_ms > (uint64_t)UNTIL_S * 1000);
    return lines;
}

TEST(a_dozen_zones_change_their_clocks_when_zdump_says)
{
    static const char *const names[] = {
        "Europe/Berlin",      "Europe/London",       "Europe/Chisinau",  "America/New_York",
        "America/Phoenix",    "America/St_Johns",    "America/Santiago", "Africa/Casablanca",
        "Australia/Adelaide", "Australia/Lord_Howe", "Pacific/Auckland", "Pacific/Chatham",
        "Asia/Kolkata",       "Asia/Gaza",
    };
    if (system("zdump UTC >/dev/null 2>&1") != 0) skip();
    int lines = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        lines += compare_with_zdump(names[i]);
    CHECK(lines > 200);
}
