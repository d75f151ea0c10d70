/* SPDX-License-Identifier: Apache-2.0 */
/* zone.h - time zones by their IANA names ("Europe/Berlin"): GLib's GTimeZone behind this one file,
 * with the zone files of the machine.
 * Promise  a zone is read once and never changes; its pointer is good for the life of the process.
 * Bound    at most ZONES_MAX zones are kept; past it, and for a name that is no zone, NULL.
 * Thread   zone_find() belongs to the loop's thread; what it gave may be read from any.
 * Source   design 5 (Time), spec outbound 4 rule 3. The zone files' rules reach to the year 2037.
 */
#ifndef MODEL_ZONE_H
#define MODEL_ZONE_H

#include "base/text.h"

struct zone;

enum { ZONES_MAX = 1024, ZONE_NAME_BYTES_MAX = 64 };

const struct zone *zone_find(struct text name);
bool zone_is_known(struct text name); /* whether there is one; none is read or kept */
struct text zone_name(const struct zone *zone);

/* Seconds to add to UTC at this instant, summer time included: -25200 for Denver in winter. */
int32_t zone_offset_seconds(const struct zone *zone, uint64_t utc_ms);
bool zone_is_summer_time(const struct zone *zone, uint64_t utc_ms);
struct text zone_abbreviation(const struct zone *zone, uint64_t utc_ms); /* "CEST", "+03" */

/* The first instant after `after_utc_ms` at which offset, summer time or abbreviation change;
 * UINT64_MAX when none is known. */
uint64_t zone_next_transition(const struct zone *zone, uint64_t after_utc_ms);

/* The instant at which clocks in the zone show this time: `local_s` counts seconds since 1970-01-01
 * 00:00 as if the zone were UTC. Of a time that clocks show twice the earlier instant; for one they
 * skip, the instant as if the clock had not been moved yet. */
uint64_t zone_utc_ms_of_local(const struct zone *zone, int64_t local_s);

#endif
