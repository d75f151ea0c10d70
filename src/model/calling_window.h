/* SPDX-License-Identifier: Apache-2.0 */
/* calling_window.h - the hours of the day at which a contact may be called.
 * Rule     from < till: from <= t < till; from > till (over midnight): t >= from or t < till;
 * equal: never. `t` is the time of day where the contact lives, summer time as it is at that
 *          instant.
 * Units    from, till, t: seconds after local midnight. Values outside 0..86400 compare as they
 *          stand.
 * Pure     no clock, no I/O, no allocation.
 * Source   spec outbound 4, rule 3 */
#ifndef MODEL_CALLING_WINDOW_H
#define MODEL_CALLING_WINDOW_H

#include "model/zone.h"

struct calling_window {
    int64_t from, till;
};

bool calling_window_is_open(int64_t from, int64_t till, int64_t local_s);

/* Time of day, 0..86399, at a distance of `offset_s` from UTC. */
int64_t calling_window_local_seconds(uint64_t utc_ms, int64_t offset_s);

/* The first instant at or after `utc_ms` at which the window is open (closed). UINT64_MAX: not
 * within the next week, which means never. */
uint64_t calling_window_opens_next(const struct calling_window *window, const struct zone *zone,
                                   uint64_t utc_ms);
uint64_t calling_window_closes_next(const struct calling_window *window, const struct zone *zone,
                                    uint64_t utc_ms);

#endif
