/* SPDX-License-Identifier: Apache-2.0 */
/* outbound_schedule.h - when campaign groups are loaded, started, stopped and unloaded by the clock
 * (spec outbound 3.2): the items of a Script of type OutboundSchedule, one section of its annex
 * each:
 *
 *     campaign-group   the group's key, "Spring/Spring@Agents", or its DBID
 *     time-zone        name of a TimeZone; UTC where it is absent
 *     days             "mon-fri", "sat, sun"; every day where it is absent
 *     load-at, start-at, stop-at, unload-at    "hh:mm" on these days, or "MM/DD/YYYY hh:mm" once
 *
 * Rule     a Stop must not precede its Start, nor an Unload its Load: such an item is refused
 * whole. A time that clocks skip counts as if they had not been moved yet, of one that they show
 *          twice the first counts.
 * Pure     no clock, no I/O. */
#ifndef SERVERS_OUTBOUND_OUTBOUND_SCHEDULE_H
#define SERVERS_OUTBOUND_OUTBOUND_SCHEDULE_H

#include "base/shape.h"
#include "model/zone_clock.h"

enum schedule_action {
    SCHEDULE_LOAD,
    SCHEDULE_START,
    SCHEDULE_STOP,
    SCHEDULE_UNLOAD,
    SCHEDULE_ACTIONS
};

struct schedule_point {
    bool is_set, is_once;
    int64_t at_s; /* seconds after midnight; once: since 1970, as the zone's clocks show it */
};

struct schedule_item {
    struct text campaign_group, time_zone; /* views of the options */
    uint32_t days;                         /* bit 0: Sunday */
    struct schedule_point points[SCHEDULE_ACTIONS];
};

/* NULL: read; else why the item is refused. */
const char *schedule_item_parse(const struct kv *options, struct schedule_item *out);

/* The first point after `after_utc_ms`; UINT64_MAX: there is none within eight days. */
uint64_t schedule_next(const struct schedule_item *item, const struct zone_clock *clock,
                       uint64_t after_utc_ms);
/* What was last to be done after `from_utc_ms` and until `to_utc_ms`, at most eight days back; of
 * points at the same instant the later in a session's life. False: nothing. */
bool schedule_last(const struct schedule_item *item, const struct zone_clock *clock,
                   uint64_t from_utc_ms, uint64_t to_utc_ms, enum schedule_action *out);

#endif
