/* SPDX-License-Identifier: Apache-2.0 */
/* GLib numbers the stretches between transitions but does not say when they begin: that is found
 * once, when the zone is loaded, by halving. Afterwards a look-up is a binary search in our own
 * array; GLib would walk all of them. */
#include "model/zone.h"

#include "base/table.h"

#include <glib.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct stretch {
    int64_t from_s; /* UTC, first second of it */
    int32_t offset_s;
    bool is_summer_time;
    struct text abbreviation;
};

struct zone {
    struct text name;
    struct stretch *stretches; /* the first begins before everything */
    uint32_t count;
};

enum {
    FIRST_S = 0,         /* our instants are unsigned: 1970 */
    STEP_S = 7 * 86400,  /* no zone changed twice within a week since 1970 */
    STRETCHES_MAX = 512, /* Casablanca has the most, about 200 */
    YEAR_S = 31556952,
};
/* Beyond it all zone files have said what they know (Morocco's reach to 2087). */
static const int64_t LAST_S = (int64_t)YEAR_S * 120;

static struct {
    struct scope *life;
    struct table *zones;
} loaded;

/* "America/Argentina/Buenos_Aires", "Etc/GMT+5"; no paths, no POSIX rules. What begins with a small
 * letter in the folder of zones is none, or counts leap seconds ("right/Europe/Berlin"). */
static bool is_zone_name(struct text name)
{
    if (name.len == 0 || name.len > ZONE_NAME_BYTES_MAX) return false;
    if (name.at[0] < 'A' || name.at[0] > 'Z') return false;
    char last = '/';
    for (size_t i = 0; i < name.len; i++) {
        char c = name.at[i];
        bool is_letter = (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z');
        bool is_other = (c >= '0' && c <= '9') || c == '_' || c == '+' || c == '-' || c == '/';
        if (last == '/' ? !is_letter : !(is_letter || is_other)) return false;
        last = c;
    }
    return last != '/';
}

/* GLib takes "Berlin1" for a rule of POSIX, and loses memory over a file that is no zone; neither
 * may take one of the ZONES_MAX places. */
static bool is_zone_file(const char *name_z)
{
    char path[512], magic[4];
    const char *folder = getenv("TZDIR");
    int len = snprintf(path, sizeof path, "%s/%s", folder ? folder : "/usr/share/zoneinfo", name_z);
    FILE *file = len > 0 && len < (int)sizeof path ? fopen(path, "rbe") : NULL;
    if (file == NULL) return false;
    bool is_zone = fread(magic, 1, sizeof magic, file) == sizeof magic &&
                   memcmp(magic, "TZif", sizeof magic) == 0;
    (void)fclose(file);
    return is_zone;
}

static struct stretch stretch_at(GTimeZone *source, int64_t utc_s)
{
    gint at = g_time_zone_find_interval(source, G_TIME_TYPE_UNIVERSAL, utc_s);
    return (struct stretch){
        .from_s = utc_s,
        .offset_s = g_time_zone_get_offset(source, at),
        .is_summer_time = g_time_zone_is_dst(source, at),
        .abbreviation = text_of(g_time_zone_get_abbreviation(source, at)),
    };
}

static bool is_same(const struct stretch *a, const struct stretch *b)
{
    return a->offset_s == b->offset_s && a->is_summer_time == b->is_summer_time &&
           text_eq(a->abbreviation, b->abbreviation);
}

/* The first second that is no longer as at `low_s`; at `high_s` it is not. */
static struct stretch find_change(GTimeZone *source, int64_t low_s, int64_t high_s)
{
    struct stretch before = stretch_at(source, low_s), after = stretch_at(source, high_s);
    while (high_s - low_s > 1) {
        int64_t middle_s = low_s + (high_s - low_s) / 2;
        struct stretch middle = stretch_at(source, middle_s);
        if (is_same(&before, &middle)) {
            low_s = middle_s;
        } else {
            high_s = middle_s;
            after = middle;
        }
    }
    return after;
}

static uint32_t read_stretches(GTimeZone *source, struct stretch *out)
{
    uint32_t count = 0;
    out[count++] = stretch_at(source, FIRST_S);
    for (int64_t at_s = FIRST_S; at_s < LAST_S && count < STRETCHES_MAX; at_s += STEP_S) {
        struct stretch next = stretch_at(source, at_s + STEP_S);
        if (!is_same(&out[count - 1], &next)) {
            out[count] = find_change(source, at_s, at_s + STEP_S);
            count++;
        }
    }
    return count;
}

static const struct zone *load(struct text name, const char *name_z)
{
    GTimeZone *source = is_zone_file(name_z) ? g_time_zone_new_identifier(name_z) : NULL;
    if (source == NULL) return NULL;
    struct stretch stretches[STRETCHES_MAX];
    uint32_t count = read_stretches(source, stretches);
    struct zone *zone = scope_alloc(loaded.life, sizeof *zone);
    zone->name = scope_keep(loaded.life, name);
    zone->count = count;
    zone->stretches = scope_alloc_array(loaded.life, count, sizeof *zone->stretches);
    for (uint32_t i = 0; i < count; i++) {
        zone->stretches[i] = stretches[i];
        zone->stretches[i].abbreviation = scope_keep(loaded.life, stretches[i].abbreviation);
    }
    g_time_zone_unref(source);
    table_put(loaded.zones, zone->name, zone);
    return zone;
}

const struct zone *zone_find(struct text name)
{
    if (loaded.life == NULL) {
        loaded.life = scope_new(NULL, "zones", SCOPE_NO_LIMIT);
        loaded.zones = table_new(loaded.life);
    }
    const struct zone *zone = table_get(loaded.zones, name);
    if (zone) return zone;
    char name_z[ZONE_NAME_BYTES_MAX + 1];
    if (!is_zone_name(name) || text_to_z(name, name_z, sizeof name_z)) return NULL;
    if (table_count(loaded.zones) >= ZONES_MAX) return NULL;
    return load(name, name_z);
}

bool zone_is_known(struct text name)
{
    char name_z[ZONE_NAME_BYTES_MAX + 1];
    return is_zone_name(name) && text_to_z(name, name_z, sizeof name_z) == ERR_OK &&
           is_zone_file(name_z);
}

struct text zone_name(const struct zone *zone)
{
    return zone->name;
}

/* Index of the stretch that holds the instant. */
static uint32_t find_stretch(const struct zone *zone, int64_t utc_s)
{
    uint32_t low = 0, high = zone->count;
    while (high - low > 1) {
        uint32_t middle = low + (high - low) / 2;
        if (zone->stretches[middle].from_s <= utc_s)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static const struct stretch *stretch_of(const struct zone *zone, uint64_t utc_ms)
{
    return &zone->stretches[find_stretch(zone, (int64_t)(utc_ms / 1000))];
}

int32_t zone_offset_seconds(const struct zone *zone, uint64_t utc_ms)
{
    return stretch_of(zone, utc_ms)->offset_s;
}

bool zone_is_summer_time(const struct zone *zone, uint64_t utc_ms)
{
    return stretch_of(zone, utc_ms)->is_summer_time;
}

struct text zone_abbreviation(const struct zone *zone, uint64_t utc_ms)
{
    return stretch_of(zone, utc_ms)->abbreviation;
}

uint64_t zone_next_transition(const struct zone *zone, uint64_t after_utc_ms)
{
    uint32_t next = find_stretch(zone, (int64_t)(after_utc_ms / 1000)) + 1;
    return next < zone->count ? (uint64_t)zone->stretches[next].from_s * 1000 : UINT64_MAX;
}

uint64_t zone_utc_ms_of_local(const struct zone *zone, int64_t local_s)
{
    /* Offsets are shorter than a day, so no stretch before this one can hold the instant. */
    uint32_t i = find_stretch(zone, local_s - 86400);
    int64_t utc_s = local_s - zone->stretches[i].offset_s;
    for (; i + 1 < zone->count && utc_s >= zone->stretches[i + 1].from_s; i++) {
        int64_t next_s = local_s - zone->stretches[i + 1].offset_s;
        if (next_s < zone->stretches[i + 1].from_s) break; /* skipped by the clocks */
        utc_s = next_s;
    }
    return utc_s < 0 ? 0 : (uint64_t)utc_s * 1000;
}
