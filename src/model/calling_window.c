/* SPDX-License-Identifier: Apache-2.0 */
#include "model/calling_window.h"

#include "fault.h"

enum { DAY_S = 86400, STEPS_MAX = 24 /* three edges a day: eight days */ };

bool calling_window_is_open(int64_t from, int64_t till, int64_t local_s)
{
#ifdef FAULT_WINDOW_OFF_BY_ONE
    till++;
#endif
    if (from < till) return from <= local_s && local_s < till;
    if (from > till) return local_s >= from || local_s < till;
    return false;
}

int64_t calling_window_local_seconds(uint64_t utc_ms, int64_t offset_s)
{
    int64_t local_s = ((int64_t)(utc_ms / 1000) + offset_s) % DAY_S;
    return local_s < 0 ? local_s + DAY_S : local_s;
}

static bool is_open_at(const struct calling_window *window, const struct zone *zone,
                       uint64_t utc_ms)
{
    int64_t offset_s = zone_offset_seconds(zone, utc_ms);
    return calling_window_is_open(window->from, window->till,
                                  calling_window_local_seconds(utc_ms, offset_s));
}

/* Seconds from `local_s` to the next time that clocks show `edge`, at least one. */
static int64_t seconds_until(int64_t local_s, int64_t edge)
{
    int64_t wait_s = (edge - local_s) % DAY_S;
    return wait_s <= 0 ? wait_s + DAY_S : wait_s;
}

/* The next instant at which something could change: an edge of the window, midnight, or the clocks
 * of the zone. */
static uint64_t next_edge(const struct calling_window *window, const struct zone *zone,
                          uint64_t utc_ms)
{
    int64_t local_s = calling_window_local_seconds(utc_ms, zone_offset_seconds(zone, utc_ms));
    int64_t wait_s = seconds_until(local_s, 0);
    const int64_t edges[] = { window->from, window->till };
    for (int i = 0; i < 2; i++) {
        int64_t edge_s = seconds_until(local_s, edges[i]);
        if (edge_s < wait_s) wait_s = edge_s;
    }
    uint64_t edge_ms = (utc_ms / 1000 + (uint64_t)wait_s) * 1000;
    uint64_t transition_ms = zone_next_transition(zone, utc_ms);
    return transition_ms < edge_ms ? transition_ms : edge_ms;
}

static uint64_t next_instant(const struct calling_window *window, const struct zone *zone,
                             uint64_t utc_ms, bool wanted)
{
    for (int i = 0; i < STEPS_MAX; i++) {
        if (is_open_at(window, zone, utc_ms) == wanted) return utc_ms;
        utc_ms = next_edge(window, zone, utc_ms);
    }
    return UINT64_MAX;
}

uint64_t calling_window_opens_next(const struct calling_window *window, const struct zone *zone,
                                   uint64_t utc_ms)
{
    return next_instant(window, zone, utc_ms, true);
}

uint64_t calling_window_closes_next(const struct calling_window *window, const struct zone *zone,
                                    uint64_t utc_ms)
{
    return next_instant(window, zone, utc_ms, false);
}
