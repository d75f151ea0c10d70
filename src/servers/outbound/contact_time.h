/* SPDX-License-Identifier: Apache-2.0 */
/* contact_time.h - times as the contact's clocks show them: "MM/DD/YYYY hh:mm" in the zone of the
 * record (spec outbound 15.2), with the rules of that zone at that time. Of a time that the clocks
 * show twice the earlier, of one that they skip the instant as if they had not been moved yet. */
#ifndef SERVERS_OUTBOUND_CONTACT_TIME_H
#define SERVERS_OUTBOUND_CONTACT_TIME_H

#include "app/app.h"

/* To epoch seconds; ERR_INVALID: not of this form, no such day; ERR_NOT_FOUND: no such zone. */
enum err contact_time_parse(const struct app *app, uint32_t tz_dbid, struct text in,
                            int64_t *epoch_s);
/* Without a zone, as UTC. */
struct text contact_time_format(const struct app *app, struct scope *scope, uint32_t tz_dbid,
                                int64_t epoch_s);

#endif
