/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/outbound_schedule.h"
#include "tests/unit/test.h"

enum { HOUR_MS = 3600000, OPTIONS_MAX = 8 };
#define MONDAY UINT64_C(1772409600000) /* 2026-03-02 00:00 UTC */

static struct pair pairs[OPTIONS_MAX];
static struct schedule_item item;
static const struct zone_clock utc = { 0 };

/* "name=value;name=value" */
static const char *parse(const char *options)
{
    struct text rest = text_of(options), one;
    struct kv kv = { .at = pairs };
    while (text_next_item(&rest, ';', &one)) {
        struct text name, value;
        if (one.len == 0) continue;
        CHECK(text_cut(one, '=', &name, &value));
        pairs[kv.count++] = (struct pair){ name, { .kind = VALUE_TEXT, .text = value } };
    }
    return schedule_item_parse(&kv, &item);
}

TEST(a_weekday_schedule_names_its_next_point)
{
    CHECK(parse("campaign-group=C/G;days=mon-fri;load-at=07:55;start-at=08:00;stop-at=20:00;"
                "unload-at=20:05") == NULL);
    CHECK_TEXT(item.campaign_group, "C/G");
    CHECK_I64(schedule_next(&item, &utc, MONDAY), MONDAY + 7 * HOUR_MS + 55 * 60000);
    CHECK_I64(schedule_next(&item, &utc, MONDAY + 8 * HOUR_MS), MONDAY + 20 * HOUR_MS);
    uint64_t friday_night = MONDAY + (4 * 24 + 21) * (uint64_t)HOUR_MS;
    CHECK_I64(schedule_next(&item, &utc, friday_night),
              MONDAY + 7 * 24 * (uint64_t)HOUR_MS + 7 * HOUR_MS + 55 * 60000);
}

TEST(what_was_missed_is_the_last_point_only)
{
    enum schedule_action action;
    CHECK(parse("campaign-group=C/G;start-at=08:00;stop-at=20:00;unload-at=20:00") == NULL);
    CHECK(!schedule_last(&item, &utc, MONDAY, MONDAY + 8 * HOUR_MS - 1, &action));
    CHECK(schedule_last(&item, &utc, MONDAY, MONDAY + 8 * HOUR_MS, &action));
    CHECK_I64(action, SCHEDULE_START);
    CHECK(schedule_last(&item, &utc, MONDAY, MONDAY + 21 * HOUR_MS, &action));
    CHECK_I64(action, SCHEDULE_UNLOAD); /* of two at once the later in life */
    CHECK(!schedule_last(&item, &utc, MONDAY + 20 * HOUR_MS, MONDAY + 21 * HOUR_MS, &action));
}

TEST(points_follow_the_clocks_of_the_zone)
{
    struct zone_clock berlin = { zone_find(TEXT("Europe/Berlin")), 0 };
    CHECK(berlin.zone != NULL);
    CHECK(parse("campaign-group=1;start-at=08:00") == NULL);
    uint64_t saturday = UINT64_C(1774656000000); /* 2026-03-28; summer time begins on Sunday */
    CHECK_I64(schedule_next(&item, &berlin, saturday), saturday + 7 * HOUR_MS);
    CHECK_I64(schedule_next(&item, &berlin, saturday + 12 * HOUR_MS), saturday + 30 * HOUR_MS);
    CHECK(parse("campaign-group=1;start-at=03/29/2026 08:00") == NULL);
    CHECK_I64(schedule_next(&item, &berlin, saturday), saturday + 30 * HOUR_MS);
    CHECK_I64(schedule_next(&item, &berlin, saturday + 31 * HOUR_MS), UINT64_MAX);
}

TEST(a_point_on_a_day_that_clocks_skip_comes_on_the_next)
{
    struct zone_clock samoa = { zone_find(TEXT("Pacific/Apia")), 0 };
    uint64_t thursday = UINT64_C(1325235600000); /* 2011-12-29 23:00 there; then it was Saturday */
    enum schedule_action action;
    CHECK(samoa.zone != NULL);
    CHECK(parse("campaign-group=1;start-at=12/30/2011 12:00") == NULL);
    CHECK_I64(schedule_next(&item, &samoa, thursday), thursday + 13 * HOUR_MS);
    CHECK_I64(schedule_next(&item, &samoa, thursday + 2 * HOUR_MS), thursday + 13 * HOUR_MS);
    CHECK(schedule_last(&item, &samoa, thursday + 2 * HOUR_MS, thursday + 14 * HOUR_MS, &action));
}

TEST(a_stop_must_not_precede_its_start)
{
    CHECK(parse("campaign-group=C/G;start-at=08:00;stop-at=07:59") != NULL);
    CHECK(parse("campaign-group=C/G;start-at=08:00;stop-at=08:00") == NULL);
    CHECK(parse("campaign-group=C/G;start-at=03/02/2026 08:00;stop-at=03/01/2026 20:00") != NULL);
    CHECK(parse("campaign-group=C/G;load-at=08:00;unload-at=07:00") != NULL);
}

TEST(what_is_no_item_is_refused)
{
    static const char *const bad[] = {
        "",
        "campaign-group=C/G",
        "start-at=08:00",
        "campaign-group=C/G;start-at=8:00",
        "campaign-group=C/G;start-at=24:00",
        "campaign-group=C/G;start-at=08:60",
        "campaign-group=C/G;start-at=02/30/2026 08:00",
        "campaign-group=C/G;start-at=08:00;days=monday",
        "campaign-group=C/G;start-at=08:00;days=mon-",
        "campaign-group=C/G;start-at=08:00;days=,",
        "campaign-group=C/G;start-at=\xff\xfe:00",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) CHECK(parse(bad[i]) != NULL);
    CHECK(parse("campaign-group=C/G;start-at=08:00;days=fri-mon, wed") == NULL);
    CHECK_U32(item.days, 1u << 5 | 1u << 6 | 1u << 0 | 1u << 1 | 1u << 3);
}
