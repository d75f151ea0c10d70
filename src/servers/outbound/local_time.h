/* SPDX-License-Identifier: Apache-2.0 */
/* local_time.h - "MM/DD/YYYY hh:mm" and "hh:mm" as clocks show them, without a zone. Pure. */
#ifndef SERVERS_OUTBOUND_LOCAL_TIME_H
#define SERVERS_OUTBOUND_LOCAL_TIME_H

#include "base/text.h"

/* Seconds since 1970-01-01 00:00 as if the zone were UTC; ERR_INVALID: no such form, no such day.
 */
enum err local_time_parse(struct text in, int64_t *local_s);
/* "hh:mm" to seconds after midnight. */
enum err time_of_day_parse(struct text in, int64_t *seconds);

#endif
