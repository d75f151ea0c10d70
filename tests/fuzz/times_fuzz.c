/* SPDX-License-Identifier: Apache-2.0 */
/* times_fuzz.c - dates, times of day, schedules; beside the C library.
 * What is read is written the same again, the C library counts the same days, and the points of a
 * schedule follow each other. Lines "name=value" of a schedule's item; each value is taken for a
 * date and a time, too. */
#include "tests/fuzz/fuzz.h"

#include "app/log_file.h"
#include "model/zone_clock.h"
#include "servers/outbound/local_time.h"
#include "servers/outbound/outbound_schedule.h"

#include <stdio.h>
#include <time.h>

enum { LINES_MAX = 12, POINTS_MAX = 20, DAY_S = 86400 };
static const uint64_t begin_ms = UINT64_C(1790000000000), day_ms = UINT64_C(86400000);

static void check_date(struct text in)
{
    int64_t local_s, seconds;
    struct tm parts;
    char again[32];
    if (local_time_parse(in, &local_s) == ERR_OK) {
        time_t instant = local_s;
        FUZZ_CHECK(gmtime_r(&instant, &parts) != NULL);
        FUZZ_CHECK(strftime(again, sizeof again, "%m/%d/%Y %H:%M", &parts) == in.len);
        FUZZ_CHECK(text_eq(text_of(again), in));
    }
    if (time_of_day_parse(in, &seconds) == ERR_OK) {
        FUZZ_CHECK(seconds >= 0 && seconds < DAY_S && seconds % 60 == 0);
        (void)snprintf(again, sizeof again, "%02d:%02d", (int)(seconds / 3600),
                       (int)(seconds / 60 % 60));
        FUZZ_CHECK(text_eq(text_of(again), in));
    }
}

static void check_log_options(struct text in)
{
    struct log_segment segment;
    struct log_expire expire;
    if (log_segment_parse(in, &segment) == ERR_OK)
        FUZZ_CHECK(segment.bytes == 0 || segment.ms == 0);
    if (log_expire_parse(in, &expire) == ERR_OK)
        FUZZ_CHECK((expire.files == 0 || expire.days == 0) && expire.files <= 1000 &&
                   expire.days <= 100);
}

/* From point to point, and back to each by the other rule. */
static void check_points(const struct schedule_item *item, const struct zone_clock *clock,
                         uint64_t from_ms)
{
    for (int i = 0; i < POINTS_MAX; i++) {
        enum schedule_action action;
        uint64_t next_ms = schedule_next(item, clock, from_ms);
        if (next_ms == UINT64_MAX) return;
        FUZZ_CHECK(next_ms > from_ms && next_ms - from_ms <= 9 * day_ms);
        FUZZ_CHECK(schedule_last(item, clock, from_ms, next_ms, &action));
        FUZZ_CHECK(item->points[action].is_set);
        FUZZ_CHECK(!schedule_last(item, clock, from_ms, next_ms - 1, &action));
        from_ms = next_ms;
    }
}

static void check_item(const struct kv *options)
{
    struct schedule_item item;
    const char *words = schedule_item_parse(options, &item);
    if (words) {
        FUZZ_CHECK(words[0]);
        return;
    }
    FUZZ_CHECK(item.campaign_group.len > 0 && item.days > 0 && item.days < 128);
    struct zone_clock clock = { .zone = zone_find(item.time_zone), .offset_s = 3600 };
    uint64_t from_ms = begin_ms;
    for (int i = 0; i < SCHEDULE_ACTIONS; i++) {
        const struct schedule_point *point = &item.points[i];
        if (point->is_set && point->is_once && point->at_s > 3 * DAY_S)
            from_ms = (uint64_t)(point->at_s - 2 * DAY_S) * 1000;
    }
    check_points(&item, &clock, from_ms);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), line;
    struct pair pairs[LINES_MAX];
    struct kv options = { pairs, 0 };
    while (options.count < LINES_MAX && fuzz_line(&in, &line)) {
        struct text name = { 0 }, value;
        if (!text_cut(line, '=', &name, &value)) value = line;
        check_date(value);
        check_log_options(value);
        if (name.len == 0 || kv_find(&options, name)) continue;
        pairs[options.count++] = (struct pair){ name, { .kind = VALUE_TEXT, .text = value } };
    }
    check_item(&options);
    return 0;
}
