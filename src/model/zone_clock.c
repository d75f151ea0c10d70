/* SPDX-License-Identifier: Apache-2.0 */
#include "model/zone_clock.h"

struct zone_clock zone_clock_of(const struct object_time_zone *object)
{
    struct zone_clock clock = { .offset_s = object->offset * 60 };
    struct fault fault;
    if (object->iana_name.len) clock.zone = zone_find(object->iana_name);
    if (clock.zone) return clock;
    clock.has_rules = object->is_dst_observed &&
                      dst_rules_parse(object->dst_start, object->dst_stop, &clock.rules, &fault) ==
                          ERR_OK;
    if (!clock.has_rules && object->iana_name.len == 0) clock.zone = zone_find(object->name);
    return clock;
}

static int64_t offset_at(const struct zone_clock *clock, int64_t utc_s)
{
    bool is_on = clock->has_rules && dst_is_on(&clock->rules, clock->offset_s, utc_s);
    return clock->offset_s + (is_on ? DST_SAVING_S : 0);
}

int64_t zone_clock_offset_seconds(const struct zone_clock *clock, uint64_t utc_ms)
{
    return clock->zone ? zone_offset_seconds(clock->zone, utc_ms)
                       : offset_at(clock, (int64_t)(utc_ms / 1000));
}

uint64_t zone_clock_next_transition(const struct zone_clock *clock, uint64_t after_utc_ms)
{
    if (clock->zone) return zone_next_transition(clock->zone, after_utc_ms);
    if (!clock->has_rules) return UINT64_MAX;
    int64_t next_s =
        dst_next_change(&clock->rules, clock->offset_s, (int64_t)(after_utc_ms / 1000));
    return next_s == INT64_MAX ? UINT64_MAX : (uint64_t)next_s * 1000;
}

uint64_t zone_clock_utc_ms_of_local(const struct zone_clock *clock, int64_t local_s)
{
    if (clock->zone) return zone_utc_ms_of_local(clock->zone, local_s);
    int64_t utc_s = local_s - clock->offset_s, earlier_s = utc_s - DST_SAVING_S;
    if (offset_at(clock, earlier_s) != clock->offset_s) utc_s = earlier_s;
    return utc_s < 0 ? 0 : (uint64_t)utc_s * 1000;
}
