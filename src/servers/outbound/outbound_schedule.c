/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/outbound_schedule.h"

#include "servers/outbound/local_time.h"

enum { DAY_S = 86400, DAYS_LOOKED_AT = 8, WEEK_DAYS = 7, EVERY_DAY = 0x7f, THURSDAY = 4 };

static const char *const day_names[WEEK_DAYS] = { "sun", "mon", "tue", "wed", "thu", "fri", "sat" };
static const char *const point_names[SCHEDULE_ACTIONS] = { "load-at", "start-at", "stop-at",
                                                           "unload-at" };

static struct text option(const struct kv *options, const char *name)
{
    const struct value *value = kv_find(options, text_of(name));
    return value && value->kind == VALUE_TEXT ? text_trim(value->text) : (struct text){ "", 0 };
}

static bool find_day(struct text name, uint32_t *out)
{
    for (uint32_t i = 0; i < WEEK_DAYS; i++)
        if (text_eq_fold(text_of(day_names[i]), text_trim(name))) {
            *out = i;
            return true;
        }
    return false;
}

/* "mon-fri, sun"; "fri-mon" goes over the end of the week. */
static bool parse_days(struct text in, uint32_t *out)
{
    struct text one, first_name, last_name;
    *out = 0;
    while (text_next_item(&in, ',', &one)) {
        uint32_t first, last;
        if (!text_cut(one, '-', &first_name, &last_name)) first_name = last_name = one;
        if (!find_day(first_name, &first) || !find_day(last_name, &last)) return false;
        for (uint32_t day = first;; day = (day + 1) % WEEK_DAYS) {
            *out |= 1u << day;
            if (day == last) break;
        }
    }
    return *out != 0;
}

static bool parse_point(struct text in, struct schedule_point *out)
{
    *out = (struct schedule_point){ .is_set = in.len > 0 };
    if (in.len == 0 || !time_of_day_parse(in, &out->at_s)) return true;
    out->is_once = true;
    return local_time_parse(in, &out->at_s) == ERR_OK;
}

static bool precedes(const struct schedule_point *end, const struct schedule_point *begin)
{
    return end->is_set && begin->is_set && end->is_once == begin->is_once &&
           end->at_s < begin->at_s;
}

const char *schedule_item_parse(const struct kv *options, struct schedule_item *out)
{
    *out = (struct schedule_item){ .campaign_group = option(options, "campaign-group"),
                                   .time_zone = option(options, "time-zone"),
                                   .days = EVERY_DAY };
    struct text days = option(options, "days");
    bool is_any = false;
    if (out->campaign_group.len == 0) return "campaign-group is missing";
    if (days.len && !parse_days(days, &out->days)) return "days must be like mon-fri, sun";
    for (int i = 0; i < SCHEDULE_ACTIONS; i++) {
        if (!parse_point(option(options, point_names[i]), &out->points[i]))
            return "a time must be hh:mm or MM/DD/YYYY hh:mm";
        is_any = is_any || out->points[i].is_set;
    }
    if (!is_any) return "none of load-at, start-at, stop-at, unload-at is there";
    if (precedes(&out->points[SCHEDULE_STOP], &out->points[SCHEDULE_START]))
        return "stop-at precedes start-at";
    if (precedes(&out->points[SCHEDULE_UNLOAD], &out->points[SCHEDULE_LOAD]))
        return "unload-at precedes load-at";
    return NULL;
}

static int64_t day_of(const struct zone_clock *clock, uint64_t utc_ms)
{
    return ((int64_t)(utc_ms / 1000) + zone_clock_offset_seconds(clock, utc_ms)) / DAY_S;
}

/* When the point is on this day, days counted since 1970 (a Thursday); 0: it is not. */
static uint64_t point_on(const struct schedule_item *item, const struct zone_clock *clock,
                         const struct schedule_point *point, int64_t day)
{
    if (!point->is_set) return 0;
    if (point->is_once)
        return point->at_s / DAY_S == day ? zone_clock_utc_ms_of_local(clock, point->at_s) : 0;
    if (!(item->days & 1u << (uint32_t)((day + THURSDAY) % WEEK_DAYS))) return 0;
    return zone_clock_utc_ms_of_local(clock, day * DAY_S + point->at_s);
}

/* One day more than needs be is looked at: where clocks skip a day (Samoa, 2011) its points come on
 * the next one, where they go back over midnight they show the day before again. */
uint64_t schedule_next(const struct schedule_item *item, const struct zone_clock *clock,
                       uint64_t after_utc_ms)
{
    uint64_t best = UINT64_MAX;
    int64_t today = day_of(clock, after_utc_ms);
    for (int64_t day = today - 1; day <= today + DAYS_LOOKED_AT; day++)
        for (int i = 0; i < SCHEDULE_ACTIONS; i++) {
            uint64_t at = point_on(item, clock, &item->points[i], day);
            if (at > after_utc_ms && at < best) best = at;
        }
    return best;
}

bool schedule_last(const struct schedule_item *item, const struct zone_clock *clock,
                   uint64_t from_utc_ms, uint64_t to_utc_ms, enum schedule_action *out)
{
    uint64_t best = 0;
    int64_t today = day_of(clock, to_utc_ms);
    for (int64_t day = today - DAYS_LOOKED_AT; day <= today + 1; day++)
        for (int i = 0; i < SCHEDULE_ACTIONS; i++) {
            uint64_t at = point_on(item, clock, &item->points[i], day);
            if (at <= from_utc_ms || at > to_utc_ms || at < best) continue;
            best = at;
            *out = (enum schedule_action)i;
        }
    return best > 0;
}
