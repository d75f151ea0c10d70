/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/contact_time.h"

#include "model/zone_clock.h"
#include "servers/outbound/local_time.h"

#include <time.h>

static struct zone_clock clock_of(const struct app_object *object)
{
    return zone_clock_of((const struct object_time_zone *)object->fields);
}

enum err contact_time_parse(const struct app *app, uint32_t tz_dbid, struct text in,
                            int64_t *epoch_s)
{
    int64_t local_s;
    if (local_time_parse(in, &local_s)) return ERR_INVALID;
    const struct app_object *object = app_object_by_dbid(app, &OBJECT_TIME_ZONE, tz_dbid);
    if (object == NULL) return ERR_NOT_FOUND;
    struct zone_clock clock = clock_of(object);
    *epoch_s = (int64_t)(zone_clock_utc_ms_of_local(&clock, local_s) / 1000);
    return ERR_OK;
}

struct text contact_time_format(const struct app *app, struct scope *scope, uint32_t tz_dbid,
                                int64_t epoch_s)
{
    const struct app_object *object = app_object_by_dbid(app, &OBJECT_TIME_ZONE, tz_dbid);
    struct zone_clock clock = object ? clock_of(object) : (struct zone_clock){ 0 };
    int64_t offset_s = epoch_s >= 0 ? zone_clock_offset_seconds(&clock, (uint64_t)epoch_s * 1000)
                                    : clock.offset_s;
    time_t local = (time_t)(epoch_s + offset_s);
    struct tm parts;
    if (gmtime_r(&local, &parts) == NULL) return (struct text){ "", 0 };
    return scope_format(scope, "%02d/%02d/%04d %02d:%02d", parts.tm_mon + 1, parts.tm_mday,
                        parts.tm_year + 1900, parts.tm_hour, parts.tm_min);
}
