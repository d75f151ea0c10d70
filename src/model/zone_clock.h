/* SPDX-License-Identifier: Apache-2.0 */
/* zone_clock.h - the clock of a TimeZone object (framework 2.2): of its IANA zone; where it has no
 * ianaName that this machine knows, by its own rules of daylight saving (model/dst_rule.h); where
 * it observes none, of the zone that is called like the object; else a fixed distance from UTC.
 * Rules that cannot be read count as none. A zeroed clock is UTC.
 * Thread   zone_clock_of() belongs to the loop's thread, as zone_find() does. */
#ifndef MODEL_ZONE_CLOCK_H
#define MODEL_ZONE_CLOCK_H

#include "gen/objects.h"
#include "model/dst_rule.h"
#include "model/zone.h"

struct zone_clock {
    const struct zone *zone; /* NULL: by what follows */
    int64_t offset_s;        /* east of UTC, in standard time */
    bool has_rules;
    struct dst_rules rules;
};

struct zone_clock zone_clock_of(const struct object_time_zone *object);

int64_t zone_clock_offset_seconds(const struct zone_clock *clock, uint64_t utc_ms);
/* The first instant after that at which the offset may be another; UINT64_MAX: none is known. */
uint64_t zone_clock_next_transition(const struct zone_clock *clock, uint64_t after_utc_ms);
/* As zone_utc_ms_of_local(): of a time that is shown twice the earlier, of one that is skipped as
 * if the clock had not been moved yet. */
uint64_t zone_clock_utc_ms_of_local(const struct zone_clock *clock, int64_t local_s);

#endif
