/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/import_zone.h"

#include "base/table.h"
#include "gen/objects.h"
#include "model/zone_clock.h"
#include "servers/outbound/list.h"

#include <stdio.h>

enum { NAMES_KEPT_MAX = 4096, ZONES_SHOWN = 3 };

#define SAME_CLOCK_MS (2 * UINT64_C(366) * 86400 * 1000) /* this far ahead clocks are compared */

struct import_zone_book {
    struct app *app;
    struct scope *kept; /* of `known` */
    struct table *known;
    uint32_t unclear_dbid; /* 0: none */
    struct text last;      /* rows of one zone follow each other */
    uint32_t last_dbid;
};

struct known_zone {
    struct text name;
    uint32_t dbid; /* 0: refused, see words */
    struct text words;
};

static bool have_same_clock(const struct zone_clock *a, const struct zone_clock *b,
                            uint64_t now_utc_ms)
{
    uint64_t end_ms = now_utc_ms + SAME_CLOCK_MS;
    for (uint64_t at = now_utc_ms; at < end_ms;) {
        if (zone_clock_offset_seconds(a, at) != zone_clock_offset_seconds(b, at)) return false;
        uint64_t next_a = zone_clock_next_transition(a, at),
                 next_b = zone_clock_next_transition(b, at);
        at = next_a < next_b ? next_a : next_b;
    }
    return true;
}

/* The object of this name, or the first one whose clock is the same. 0: none. */
static uint32_t object_of(const struct import_zone_book *book, struct text name)
{
    uint64_t now_utc_ms = loop_now_utc_ms(book->app->loop);
    struct list_zone zone;
    if (list_zone_by_name(book->app, name, now_utc_ms, &zone)) return zone.dbid;
    struct zone_clock wanted = { .zone = zone_find(name) };
    const struct app_object *object;
    uint32_t found = 0;
    for (size_t at = 0;
         wanted.zone && (object = app_object_next(book->app, &OBJECT_TIME_ZONE, &at)) != NULL;) {
        struct zone_clock one = zone_clock_of((const struct object_time_zone *)object->fields);
        bool is_nearer = found == 0 || object->dbid < found;
        if (is_nearer && have_same_clock(&one, &wanted, now_utc_ms)) found = object->dbid;
    }
    return found;
}

static enum err say_unclear(struct text name, struct fault *fault)
{
    char shown[160] = "";
    struct text rest = name, one;
    size_t len = 0;
    uint32_t count = 0;
    while (text_next_item(&rest, '&', &one))
        if (count++ < ZONES_SHOWN && len < sizeof shown)
            len += (size_t)snprintf(shown + len, sizeof shown - len, "%s%.*s", len ? ", " : "",
                                    TEXT_ARG(one));
    return fault_set(fault, ERR_INVALID, "tz_name",
                     "the number may be in %u time zones (%s%s), or none of them is configured",
                     count, shown, count > ZONES_SHOWN ? " ..." : "");
}

static uint32_t look_up(const struct import_zone_book *book, struct text name, struct fault *fault)
{
    struct text rest = name, one;
    uint32_t dbid = 0, count = 0;
    bool is_clear = true;
    while (text_next_item(&rest, '&', &one)) {
        uint32_t found = object_of(book, one);
        if (count++ && found != dbid) is_clear = false;
        dbid = found;
    }
    if (is_clear && dbid) return dbid;
    if (count > 1) {
        if (book->unclear_dbid == 0) (void)say_unclear(name, fault);
        return book->unclear_dbid;
    }
    (void)fault_set(fault, ERR_NOT_FOUND, "tz_name", "no such time zone is configured");
    return 0;
}

static void forget_known(struct import_zone_book *book)
{
    scope_reset(book->kept);
    book->known = table_new(book->kept);
    book->last = (struct text){ 0 };
}

static const struct known_zone *learn(struct import_zone_book *book, struct text name)
{
    struct fault fault = { 0 };
    if (table_count(book->known) >= NAMES_KEPT_MAX) forget_known(book);
    struct known_zone *zone = scope_alloc(book->kept, sizeof *zone);
    zone->name = scope_keep(book->kept, name);
    zone->dbid = look_up(book, name, &fault);
    if (zone->dbid == 0) zone->words = scope_keep(book->kept, text_of(fault.words));
    table_put(book->known, zone->name, zone);
    return zone;
}

enum err import_zone_find(void *self, struct text name, uint32_t *dbid, struct fault *fault)
{
    struct import_zone_book *book = self;
    if (book->last.len && text_eq(book->last, name)) {
        *dbid = book->last_dbid;
        return ERR_OK;
    }
    const struct known_zone *zone = table_get(book->known, name);
    if (zone == NULL) zone = learn(book, name);
    if (zone->dbid == 0)
        return fault_set(fault, ERR_NOT_FOUND, "tz_name", "%.*s", TEXT_ARG(zone->words));
    book->last = zone->name;
    book->last_dbid = *dbid = zone->dbid;
    return ERR_OK;
}

enum err import_zone_book_new(struct scope *owner, struct app *app, struct text unclear,
                              struct import_zone_book **out, struct fault *fault)
{
    struct import_zone_book *book = scope_alloc(owner, sizeof *book);
    *book = (struct import_zone_book){ .app = app,
                                       .kept = scope_new(owner, "import zones", SCOPE_NO_LIMIT) };
    book->known = table_new(book->kept);
    if (unclear.len) {
        book->unclear_dbid = object_of(book, unclear);
        if (book->unclear_dbid == 0)
            return fault_set(fault, ERR_NOT_FOUND, "unclearZone", "no time zone %.*s is configured",
                             TEXT_ARG(unclear));
    }
    *out = book;
    return ERR_OK;
}
