/* SPDX-License-Identifier: Apache-2.0 */
/* Every transition of every zone of the tz database in the coming years, against zdump: an
 * independent reading of the same files by the C library's own tool. zdump says the time of day
 * right before and at each transition; between them its distance from UTC holds. */
#include "model/calling_window.h"

#include "base/scope.h"
#include "base/table.h"
#include "tests/unit/test.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
    YEARS = 6, /* this one and five whole ones */
    SPANS_MAX = 64,
    ZONES_LEAST = 400,
    MINUTE_S = 60,
    HOUR_S = 3600,
    DAY_S = 86400
};

/* A stretch with one distance from UTC, by zdump's word. */
struct span {
    int64_t from_s;
    int64_t offset_s;
};

struct reckoning {
    struct text name;
    const struct zone *zone;
    struct span spans[SPANS_MAX];
    uint32_t count; /* 0: zdump knows no transition in these years */
};

static const struct calling_window windows[] = {
    { 8 * HOUR_S, 21 * HOUR_S },                /* by day */
    { 22 * HOUR_S, 3 * HOUR_S },                /* over midnight */
    { 23 * HOUR_S + 59 * MINUTE_S, MINUTE_S },  /* two minutes around midnight */
    { 2 * HOUR_S + 30 * MINUTE_S, 3 * HOUR_S }, /* inside the hour that is skipped or doubled */
    { 0, DAY_S },                               /* always */
    { HOUR_S, HOUR_S },                         /* never */
};
enum { WINDOWS = sizeof windows / sizeof windows[0] };

static struct scope *life;
static struct table *zones; /* name -> struct reckoning */

static int month_of(const char *name)
{
    static const char names[] = "JanFebMarAprMayJunJulAugSepOctNovDec";
    const char *at = strstr(names, name);
    return at ? (int)(at - names) / 3 : -1;
}

/* "Sun Mar 29 00:59:59 2026" as if it were UTC. */
static bool parse_time(const char *weekday_and_rest, int64_t *out)
{
    char weekday[4], month[4];
    struct tm tm = { 0 };
    if (sscanf(weekday_and_rest, "%3s %3s %d %d:%d:%d %d", weekday, month, &tm.tm_mday, &tm.tm_hour,
               &tm.tm_min, &tm.tm_sec, &tm.tm_year) != 7)
        return false;
    tm.tm_mon = month_of(month);
    tm.tm_year -= 1900;
    *out = (int64_t)timegm(&tm);
    return tm.tm_mon >= 0;
}

/* zdump's list of all zones is that of the database's own source. */
static void open_zones(void)
{
    life = scope_new(NULL, "zones of the database", SCOPE_NO_LIMIT);
    zones = table_new(life);
    FILE *file = fopen("/usr/share/zoneinfo/tzdata.zi", "r");
    CHECK(file != NULL);
    char line[512], target[128], name[128];
    while (fgets(line, sizeof line, file)) {
        bool is_zone = sscanf(line, "Z %127s", name) == 1;
        if (!is_zone && sscanf(line, "L %127s %127s", target, name) != 2) continue;
        struct reckoning *reckoning = scope_alloc(life, sizeof *reckoning);
        reckoning->name = scope_keep(life, text_of(name));
        reckoning->zone = zone_find(reckoning->name);
        if (reckoning->zone == NULL) print_error("no zone %s\n", name);
        CHECK(reckoning->zone != NULL);
        table_put(zones, reckoning->name, reckoning);
    }
    (void)fclose(file);
    CHECK(table_count(zones) >= ZONES_LEAST);
}

static FILE *run_zdump(const char *options)
{
    struct reckoning *reckoning;
    char command[65536];
    size_t len = (size_t)snprintf(command, sizeof command, "zdump %s UTC", options);
    for (size_t at = 0; (reckoning = table_next(zones, &at)) != NULL;)
        len += (size_t)snprintf(command + len, sizeof command - len, " %.*s",
                                TEXT_ARG(reckoning->name));
    CHECK(len < sizeof command);
    FILE *pipe = popen(command, "r"); /* NOLINT(cert-env33-c): a test asks the system's own tool */
    CHECK(pipe != NULL);
    return pipe;
}

/* "Europe/Berlin  Sun Mar 29 00:59:59 2026 UT = Sun Mar 29 01:59:59 2026 CET isdst=0 gmtoff=3600"
 */
static void read_transitions(void)
{
    time_t now = time(NULL);
    struct tm today;
    CHECK(gmtime_r(&now, &today) != NULL);
    char options[64], line[512];
    (void)snprintf(options, sizeof options, "-v -c %d,%d", today.tm_year + 1900,
                   today.tm_year + 1900 + YEARS);
    FILE *pipe = run_zdump(options);
    while (fgets(line, sizeof line, pipe)) {
        char *equals = strstr(line, " UT = "), *offset = strstr(line, "gmtoff="),
             *blank = strchr(line, ' ');
        if (equals == NULL || offset == NULL || blank == NULL) continue;
        struct text name = { line, (size_t)(blank - line) };
        struct reckoning *reckoning = table_get(zones, name);
        if (reckoning == NULL) continue;
        int64_t utc_s, local_s;
        long offset_s = strtol(offset + 7, NULL, 10);
        CHECK(parse_time(blank + strspn(blank, " "), &utc_s));
        CHECK(parse_time(equals + 6, &local_s));
        CHECK_I64(local_s, utc_s + offset_s);
        CHECK(reckoning->count < SPANS_MAX);
        reckoning->spans[reckoning->count++] = (struct span){ utc_s, offset_s };
    }
    CHECK_I64(pclose(pipe), 0);
}

/* zdump writes two lines a transition: the last second before it, and the first of the new time. */
static int64_t offset_at(const struct reckoning *reckoning, int64_t utc_s)
{
    uint32_t i = 0;
    while (i + 1 < reckoning->count && reckoning->spans[i + 1].from_s <= utc_s) i++;
    return reckoning->spans[i].offset_s;
}

static int64_t time_of_day(int64_t local_s)
{
    return (local_s % DAY_S + DAY_S) % DAY_S;
}

static bool is_open(const struct calling_window *window, int64_t time_s)
{
    if (window->from == window->till) return false;
    bool is_after = time_s >= window->from, is_before = time_s < window->till;
    return window->from < window->till ? is_after && is_before : is_after || is_before;
}

static void say(const struct reckoning *reckoning, int64_t utc_s)
{
    print_error("%.*s at %lld\n", TEXT_ARG(reckoning->name), (long long)utc_s);
}

static void check_instant(const struct reckoning *reckoning, int64_t utc_s, int64_t offset_s)
{
    uint64_t utc_ms = (uint64_t)utc_s * 1000;
    int64_t found_s = zone_offset_seconds(reckoning->zone, utc_ms);
    if (found_s != offset_s) say(reckoning, utc_s);
    CHECK_I64(found_s, offset_s);
    int64_t local_s = calling_window_local_seconds(utc_ms, found_s);
    CHECK_I64(local_s, time_of_day(utc_s + offset_s));
    for (size_t i = 0; i < WINDOWS; i++)
        if (calling_window_is_open(windows[i].from, windows[i].till, local_s) !=
            is_open(&windows[i], time_of_day(utc_s + offset_s))) {
            say(reckoning, utc_s);
            CHECK(false);
        }
}

/* A window that opens or closes with the very second of the transition. */
static void check_edges(const struct reckoning *reckoning, int64_t utc_s)
{
    int64_t before = time_of_day(utc_s - 1 + offset_at(reckoning, utc_s - 1));
    int64_t after = time_of_day(utc_s + offset_at(reckoning, utc_s));
    const struct calling_window edges[] = {
        { after, time_of_day(after + HOUR_S) },
        { time_of_day(before - HOUR_S), before },
        { before, after },
        { after, before },
    };
    for (size_t i = 0; i < sizeof edges / sizeof edges[0]; i++)
        for (int64_t at = utc_s - 2; at <= utc_s + 1; at++) {
            int64_t found_s = zone_offset_seconds(reckoning->zone, (uint64_t)at * 1000);
            int64_t local_s = calling_window_local_seconds((uint64_t)at * 1000, found_s);
            CHECK_I64(calling_window_is_open(edges[i].from, edges[i].till, local_s),
                      is_open(&edges[i], time_of_day(at + offset_at(reckoning, at))));
        }
}

/* The next minute at which the window is as wanted; offsets and edges here are whole minutes. */
static int64_t search(const struct reckoning *reckoning, const struct calling_window *window,
                      int64_t utc_s, bool wanted)
{
    for (int64_t at = utc_s; at < utc_s + 3 * DAY_S; at += MINUTE_S)
        if (is_open(window, time_of_day(at + offset_at(reckoning, at))) == wanted) return at;
    return -1;
}

static void check_next(const struct reckoning *reckoning, int64_t utc_s)
{
    for (int i = 0; i < 4; i++) {
        const struct calling_window *window = &windows[i];
        uint64_t opens_ms =
            calling_window_opens_next(window, reckoning->zone, (uint64_t)utc_s * 1000);
        uint64_t closes_ms =
            calling_window_closes_next(window, reckoning->zone, (uint64_t)utc_s * 1000);
        int64_t opens_s = search(reckoning, window, utc_s, true);
        int64_t closes_s = search(reckoning, window, utc_s, false);
        if (opens_ms != (uint64_t)opens_s * 1000 || closes_ms != (uint64_t)closes_s * 1000)
            say(reckoning, utc_s);
        CHECK_I64(opens_ms / 1000, opens_s);
        CHECK_I64(closes_ms / 1000, closes_s);
    }
}

static void check_transition(const struct reckoning *reckoning, int64_t utc_s)
{
    for (int64_t at = utc_s - 3 * HOUR_S; at <= utc_s + 3 * HOUR_S; at += MINUTE_S)
        check_instant(reckoning, at, offset_at(reckoning, at));
    for (int64_t at = utc_s - DAY_S; at <= utc_s + DAY_S; at += 15 * MINUTE_S)
        check_instant(reckoning, at, offset_at(reckoning, at));
    for (int64_t at = utc_s - 2; at <= utc_s + 2; at++)
        check_instant(reckoning, at, offset_at(reckoning, at));
    check_edges(reckoning, utc_s);
    check_next(reckoning, utc_s - 20 * HOUR_S);
    check_next(reckoning, utc_s - 90 * MINUTE_S);
    check_next(reckoning, utc_s);
    CHECK_I64(zone_next_transition(reckoning->zone, (uint64_t)(utc_s - 1) * 1000) / 1000, utc_s);
}

TEST(every_transition_of_every_zone_is_as_zdump_says) /* issue 3, acceptance 3 */
{
    open_zones();
    read_transitions();
    struct reckoning *reckoning;
    uint32_t transitions = 0;
    for (size_t at = 0; (reckoning = table_next(zones, &at)) != NULL;)
        for (uint32_t i = 1; i < reckoning->count; i += 2) {
            CHECK_I64(reckoning->spans[i].from_s, reckoning->spans[i - 1].from_s + 1);
            check_transition(reckoning, reckoning->spans[i].from_s);
            transitions++;
        }
    print_message("# %u transitions of %zu zones\n", transitions, table_count(zones));
    CHECK(transitions > 1000);
}

/* "Asia/Tokyo  Sat Nov 21 22:58:28 2026 JST": zones without transitions are where they are now. */
TEST(every_zone_is_now_where_zdump_says)
{
    char line[512];
    int64_t utc_s = 0, local_s;
    FILE *pipe = run_zdump("");
    uint32_t checked = 0;
    while (fgets(line, sizeof line, pipe)) {
        char *blank = strchr(line, ' ');
        CHECK(blank != NULL && parse_time(blank + strspn(blank, " "), &local_s));
        if (utc_s == 0) {
            utc_s = local_s; /* the first line is UTC's own */
            continue;
        }
        struct reckoning *reckoning =
            table_get(zones, (struct text){ line, (size_t)(blank - line) });
        CHECK(reckoning != NULL);
        check_instant(reckoning, utc_s, local_s - utc_s);
        checked++;
        if (reckoning->count) continue;
        for (int64_t at = utc_s; at < utc_s + (int64_t)(YEARS - 1) * 365 * DAY_S; at += 7 * DAY_S)
            check_instant(reckoning, at, local_s - utc_s);
    }
    CHECK_I64(pclose(pipe), 0);
    CHECK_I64(checked, table_count(zones));
    scope_close(life);
}
