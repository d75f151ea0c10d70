/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/contact_time.h"

#include "gen/objects.h"
#include "model/zone.h"
#include "servers/outbound/local_time.h"

#include <time.h>

/* Without an IANA name the object's own distance from UTC counts. */
static const struct zone *zone_of(const struct app_object *object, int64_t *offset_s)
{
    const struct object_time_zone *fields = (const struct object_time_zone *)object->fields;
    *offset_s = (int64_t)fields->offset * 60;
    return zone_find(fields->iana_name.len ? fields->iana_name : object->fields->name);
}

enum err contact_time_parse(const struct app *app, uint32_t tz_dbid, struct text in,
                            int64_t *epoch_s)
{
    int64_t local_s, offset_s;
    if (local_time_parse(in, &local_s)) return ERR_INVALID;
    const struct app_object *object = app_object_by_dbid(app, &OBJECT_TIME_ZONE, tz_dbid);
    if (object == NULL) return ERR_NOT_FOUND;
    const struct zone *zone = zone_of(object, &offset_s);
    *epoch_s = zone ? (int64_t)(zone_utc_ms_of_local(zone, local_s) / 1000) : local_s - offset_s;
    return ERR_OK;
}

struct text contact_time_format(const struct app *app, struct scope *scope, uint32_t tz_dbid,
                                int64_t epoch_s)
{
    int64_t offset_s = 0;
    const struct app_object *object = app_object_by_dbid(app, &OBJECT_TIME_ZONE, tz_dbid);
    const struct zone *zone = object ? zone_of(object, &offset_s) : NULL;
    if (zone && epoch_s >= 0) offset_s = zone_offset_seconds(zone, (uint64_t)epoch_s * 1000);
    time_t local = (time_t)(epoch_s + offset_s);
    struct tm parts;
    if (gmtime_r(&local, &parts) == NULL) return (struct text){ "", 0 };
    return scope_format(scope, "%02d/%02d/%04d %02d:%02d", parts.tm_mon + 1, parts.tm_mday,
                        parts.tm_year + 1900, parts.tm_hour, parts.tm_min);
}
