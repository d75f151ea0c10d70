/* SPDX-License-Identifier: Apache-2.0 */
/* zone_fuzz.c - time zones by name; beside the C library.
 * The same distance from UTC, summer time and abbreviation at any instant to 2037 as by the C
 * library's own reading of the same files; local times lead back. A first line that is a zone's
 * name, then instants of four bytes, seconds since 1970. */
#include "tests/fuzz/fuzz.h"

#include "model/zone.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, INSTANTS_MAX = 64 };
static const int64_t last_s = 2114380800; /* 2037-01-01: zone.h promises that year at least */

/* No way out of the folder of zones, whatever the name. */
static void check_name(struct text name, const struct zone *zone)
{
    FUZZ_CHECK(zone == NULL || text_eq(zone_name(zone), name));
    FUZZ_CHECK(zone == zone_find(name));
    if (zone == NULL) return;
    FUZZ_CHECK(name.len > 0 && name.len <= ZONE_NAME_BYTES_MAX && name.at[0] != '/');
    FUZZ_CHECK(memchr(name.at, '.', name.len) == NULL && memchr(name.at, 0, name.len) == NULL);
}

static void check_transition(const struct zone *zone, uint64_t utc_ms)
{
    uint64_t next = zone_next_transition(zone, utc_ms);
    if (next == UINT64_MAX) return;
    FUZZ_CHECK(next > utc_ms && next % 1000 == 0);
    FUZZ_CHECK(zone_offset_seconds(zone, next - 1) == zone_offset_seconds(zone, utc_ms));
    FUZZ_CHECK(zone_offset_seconds(zone, next) != zone_offset_seconds(zone, next - 1) ||
               zone_is_summer_time(zone, next) != zone_is_summer_time(zone, next - 1) ||
               !text_eq(zone_abbreviation(zone, next), zone_abbreviation(zone, next - 1)));
}

/* What clocks show at an instant leads to that instant, or an earlier one that shows the same. */
static void check_local(const struct zone *zone, int64_t utc_s)
{
    int64_t local_s = utc_s + zone_offset_seconds(zone, (uint64_t)utc_s * 1000);
    uint64_t back_ms = zone_utc_ms_of_local(zone, local_s);
    if (utc_s < DAY_S) return; /* 1970 itself: nothing is before it */
    int64_t back_s = (int64_t)(back_ms / 1000);
    FUZZ_CHECK(back_ms % 1000 == 0 && back_s <= utc_s && utc_s - back_s <= DAY_S);
    FUZZ_CHECK(back_s + zone_offset_seconds(zone, back_ms) == local_s);
    /* A time that nobody's clock may have shown: what comes out shows it, or lies behind a gap. */
    uint64_t any_ms = zone_utc_ms_of_local(zone, utc_s);
    int64_t shown_s = (int64_t)(any_ms / 1000) + zone_offset_seconds(zone, any_ms);
    FUZZ_CHECK(shown_s >= utc_s && shown_s - utc_s <= DAY_S);
}

static void compare(const struct zone *zone, int64_t utc_s)
{
    struct tm theirs;
    uint64_t utc_ms = (uint64_t)utc_s * 1000;
    time_t instant = utc_s;
    FUZZ_CHECK(localtime_r(&instant, &theirs) != NULL);
    FUZZ_CHECK(theirs.tm_gmtoff == zone_offset_seconds(zone, utc_ms));
    FUZZ_CHECK((theirs.tm_isdst > 0) == zone_is_summer_time(zone, utc_ms));
    FUZZ_CHECK(text_eq(zone_abbreviation(zone, utc_ms), text_of(theirs.tm_zone)));
}

static void set_c_zone(struct text name)
{
    char z[ZONE_NAME_BYTES_MAX + 2];
    z[0] = ':';
    FUZZ_CHECK(text_to_z(name, z + 1, sizeof z - 1) == ERR_OK);
    FUZZ_CHECK(setenv("TZ", z, 1) == 0);
    tzset();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), name;
    if (!fuzz_line(&in, &name)) return 0;
    const struct zone *zone = zone_find(name);
    check_name(name, zone);
    if (zone == NULL) return 0;
    set_c_zone(name);
    for (int i = 0; i < INSTANTS_MAX && in.len >= 4; i++) {
        uint32_t number;
        memcpy(&number, in.at, sizeof number);
        in = text_slice(in, sizeof number, SIZE_MAX);
        int64_t utc_s = number % last_s;
        compare(zone, utc_s);
        check_transition(zone, (uint64_t)utc_s * 1000 + number % 1000);
        check_local(zone, utc_s);
        uint64_t next = zone_next_transition(zone, (uint64_t)utc_s * 1000);
        if (next / 1000 >= (uint64_t)last_s) continue;
        /* Right at the change, where mistakes are. */
        compare(zone, (int64_t)(next / 1000) - 1);
        compare(zone, (int64_t)(next / 1000));
        check_local(zone, (int64_t)(next / 1000) - 1);
        check_local(zone, (int64_t)(next / 1000) + number % 7200);
    }
    return 0;
}
