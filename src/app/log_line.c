/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_line.h"

#include "format/json.h"
#include "model/log_filter.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

static const struct {
    const char *brief, *full, *word;
} level_names[LOG_LEVELS] = {
    [LOG_DEBUG] = { "Dbg", "Debug", "debug" },
    [LOG_TRACE] = { "Trc", "Trace", "trace" },
    [LOG_INTERACTION] = { "Int", "Interaction", "interaction" },
    [LOG_STANDARD] = { "Std", "Standard", "standard" },
    [LOG_ALARM] = { "Alr", "Alarm", "alarm" },
};

/* The pointers are what the clock of a style is compared by. */
static const char short_time[] = "%H:%M:%S", long_time[] = "%Y-%m-%dT%H:%M:%S";

static struct tm broken_down(bool is_utc, uint64_t utc_ms)
{
    time_t seconds = (time_t)(utc_ms / 1000);
    struct tm tm;
    if (is_utc)
        (void)gmtime_r(&seconds, &tm);
    else
        (void)localtime_r(&seconds, &tm);
    return tm;
}

static void add_time(struct buf *out, const char *format, bool is_utc, uint64_t utc_ms)
{
    char text[64];
    struct tm tm = broken_down(is_utc, utc_ms);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* the four literals of this file */
    size_t len = strftime(text, sizeof text, format, &tm);
#pragma GCC diagnostic pop
    buf_add(out, (struct text){ text, len });
}

static void add_three_digits(struct buf *out, uint64_t number)
{
    char *at = buf_reserve(out, 3);
    for (int i = 2; i >= 0; i--, number /= 10) at[i] = (char)('0' + number % 10);
    out->len += 3;
}

static void add_clock(struct buf *out, const char *format, bool is_utc, uint64_t utc_ms)
{
    add_time(out, format, is_utc, utc_ms);
    buf_add_byte(out, '.');
    add_three_digits(out, utc_ms % 1000);
}

/* Zones are looked up once a second. */
static void add_clock_of(struct buf *out, const struct log_style *style, const char *format,
                         bool is_utc, uint64_t utc_ms)
{
    struct log_clock *clock = style->clock;
    uint64_t second = utc_ms / 1000;
    if (clock == NULL) {
        add_clock(out, format, is_utc, utc_ms);
        return;
    }
    if (clock->second != second || clock->format != format || clock->is_utc != is_utc) {
        size_t before = out->len;
        add_time(out, format, is_utc, utc_ms);
        *clock = (struct log_clock){ second, format, is_utc, .len = out->len - before };
        memcpy(clock->text, out->at + before, clock->len);
    } else {
        buf_add(out, (struct text){ clock->text, clock->len });
    }
    buf_add_byte(out, '.');
    add_three_digits(out, utc_ms % 1000);
}

void log_stamp_format(struct buf *out, bool is_utc, uint64_t utc_ms)
{
    add_time(out, "%Y%m%d_%H%M%S", is_utc, utc_ms);
    buf_format(out, "_%03u", (unsigned)(utc_ms % 1000));
}

/* How many bytes at `at` would make a terminal do something: C0 but tab, DEL, C1 in UTF-8. */
static size_t control_bytes(struct text text, size_t at)
{
    unsigned char byte = (unsigned char)text.at[at];
    if (byte < 0x20 || byte == 0x7f) return byte != '\t';
    bool is_c1 = byte == 0xc2 && at + 1 < text.len &&
                 ((unsigned char)text.at[at + 1] & 0xe0) == 0x80;
    return is_c1 ? 2 : 0;
}

/* Nothing in it but what is written as it stands. */
static size_t plain_bytes(struct text text, size_t at)
{
    size_t from = at;
    while (at < text.len) {
        unsigned char byte = (unsigned char)text.at[at];
        if (byte < 0x20 || byte == 0x7f || byte == 0xc2) break;
        at++;
    }
    return at - from;
}

/* What strangers said is read in terminals; a line end is a blank but before an indented line. */
static void add_flat(struct buf *out, struct text text)
{
    for (size_t at = 0; at < text.len;) {
        size_t plain = plain_bytes(text, at), bad = 0;
        buf_add(out, text_slice(text, at, plain));
        at += plain;
        if (at == text.len) return;
        if (text.at[at] == '\n')
            buf_add_byte(out, at + 1 < text.len && text.at[at + 1] == '\t' ? '\n' : ' ');
        else if ((bad = control_bytes(text, at)) > 0)
            buf_add_byte(out, '?');
        else
            buf_add_byte(out, text.at[at]);
        at += bad ? bad : 1;
    }
}

static void add_attribute(struct buf *out, struct text name, const struct value *value)
{
    add_flat(out, name);
    buf_add_byte(out, '=');
    switch (value->kind) {
    case VALUE_NULL: buf_add_z(out, "null"); break;
    case VALUE_BOOL: buf_add_z(out, value->truth ? "true" : "false"); break;
    case VALUE_INTEGER: buf_add_i64(out, value->integer); break;
    case VALUE_FLOAT: buf_format(out, "%.17g", value->number); break;
    case VALUE_TEXT:
    case VALUE_BYTES: add_flat(out, value->text); break;
    case VALUE_LIST: buf_format(out, "(%" PRIu32 " items)", value->items.count); break;
    case VALUE_KV: buf_format(out, "(%" PRIu32 " pairs)", value->pairs.count); break;
    }
}

static void add_attributes(struct buf *out, const struct log_record *record)
{
    const struct kv *attributes = &record->attributes;
    buf_add_z(out, " [");
    for (uint32_t i = 0; !record->is_dump && i < attributes->count; i++) {
        if (i > 0) buf_add_byte(out, ' ');
        add_attribute(out, attributes->at[i].name, &attributes->at[i].value);
    }
    if (record->ixn.len > 0) {
        if (attributes->count > 0 && !record->is_dump) buf_add_byte(out, ' ');
        buf_add_z(out, "ixn=");
        add_flat(out, record->ixn);
    }
    buf_add_byte(out, ']');
}

static void add_text(struct buf *out, const struct log_style *style,
                     const struct log_record *record)
{
    bool has_attributes = record->ixn.len > 0 || (record->attributes.count > 0 && !record->is_dump);
    add_flat(out, record->text);
    if (style->prints_attributes && has_attributes) add_attributes(out, record);
    if (record->is_dump) {
        struct buf dump = { 0 };
        log_filter_dump(&dump, &record->attributes);
        add_flat(out, buf_text(&dump));
        buf_free(&dump);
    }
    buf_add_byte(out, '\n');
}

/* "05060" of "00-05060". */
static struct text short_id(const struct log_event *event)
{
    struct text family, number, id = text_of(event->id);
    return text_cut(id, '-', &family, &number) ? number : id;
}

static void add_short(struct buf *out, const struct log_style *style,
                      const struct log_record *record)
{
    switch (style->time) {
    case LOG_TIME_TIME:
        add_clock_of(out, style, short_time, style->is_utc, record->utc_us / 1000);
        break;
    case LOG_TIME_LOCALE: add_time(out, "%c", style->is_utc, record->utc_us / 1000); break;
    case LOG_TIME_ISO8601:
        add_clock_of(out, style, long_time, style->is_utc, record->utc_us / 1000);
        break;
    }
    buf_add_byte(out, ' ');
    buf_add_z(out, level_names[record->event->level].brief);
    buf_add_byte(out, ' ');
    buf_add(out, short_id(record->event));
    buf_add_byte(out, ' ');
    add_text(out, style, record);
}

static void add_full(struct buf *out, const struct log_style *style,
                     const struct log_origin *origin, const struct log_record *record)
{
    add_clock_of(out, style, long_time, style->is_utc, record->utc_us / 1000);
    buf_format(out, " %s %.*s %.*s GCTI-%s ", level_names[record->event->level].full,
               TEXT_ARG(origin->host), TEXT_ARG(origin->application), record->event->id);
    add_text(out, style, record);
}

static void put_text(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

static void put_time(struct json_writer *json, const char *name, const struct log_style *style,
                     uint64_t utc_us)
{
    struct buf stamp = { 0 };
    add_clock_of(&stamp, style, long_time, true, utc_us / 1000);
    add_three_digits(&stamp, utc_us % 1000);
    buf_add_byte(&stamp, 'Z');
    put_text(json, name, buf_text(&stamp));
    buf_free(&stamp);
}

static struct text category_word(enum log_category category)
{
    return category == LOG_CATEGORY_AUDIT ? TEXT("audit") : TEXT("application");
}

static void add_json(struct buf *out, const struct log_style *style,
                     const struct log_origin *origin, const struct log_record *record)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_time(&json, "ts", style, record->utc_us);
    put_text(&json, "lvl", text_of(level_names[record->event->level].word));
    put_text(&json, "id", text_of(record->event->id));
    put_text(&json, "app", origin->application);
    put_text(&json, "host", origin->host);
    json_put_name(&json, TEXT("pid"));
    json_put_u64(&json, origin->pid);
    put_text(&json, "thr", TEXT("loop")); /* all of a process that may log */
    if (record->ixn.len > 0) put_text(&json, "ixn", record->ixn);
    put_text(&json, "cat", category_word(record->event->category));
    put_text(&json, "msg", record->text);
    if (record->attributes.count > 0) {
        json_put_name(&json, TEXT("attr"));
        json_put_kv(&json, &record->attributes);
    }
    json_end_object(&json);
    buf_add_byte(out, '\n');
}

void log_line_format(struct buf *out, const struct log_style *style,
                     const struct log_origin *origin, const struct log_record *record)
{
    switch (style->format) {
    case LOG_FORMAT_SHORT: add_short(out, style, record); break;
    case LOG_FORMAT_FULL: add_full(out, style, origin, record); break;
    case LOG_FORMAT_JSON: add_json(out, style, origin, record); break;
    }
}

static void add_json_header(struct buf *out, const struct log_style *style,
                            const struct log_origin *origin, uint64_t started_utc_ms,
                            uint64_t utc_ms, uint64_t config_rev)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_time(&json, "ts", style, utc_ms * 1000);
    put_text(&json, "app", origin->application);
    put_text(&json, "type", origin->type);
    put_text(&json, "version", origin->version);
    put_text(&json, "host", origin->host);
    json_put_name(&json, TEXT("pid"));
    json_put_u64(&json, origin->pid);
    put_time(&json, "started", style, started_utc_ms * 1000);
    json_put_name(&json, TEXT("rev"));
    json_put_u64(&json, config_rev);
    json_end_object(&json);
    buf_add_byte(out, '\n');
}

void log_header_format(struct buf *out, const struct log_style *style,
                       const struct log_origin *origin, uint64_t started_utc_ms, uint64_t utc_ms,
                       uint64_t config_rev)
{
    if (style->format == LOG_FORMAT_JSON) {
        add_json_header(out, style, origin, started_utc_ms, utc_ms, config_rev);
        return;
    }
    buf_format(out, "# application   %.*s\n", TEXT_ARG(origin->application));
    buf_format(out, "# type          %.*s\n", TEXT_ARG(origin->type));
    buf_format(out, "# version       %.*s\n", TEXT_ARG(origin->version));
    buf_format(out, "# host          %.*s\n", TEXT_ARG(origin->host));
    buf_format(out, "# pid           %" PRIu32 "\n", origin->pid);
    buf_add_z(out, "# time zone     ");
    add_time(out, "%Z %z", style->is_utc, utc_ms);
    buf_add_z(out, "\n# started       ");
    add_clock(out, "%Y-%m-%dT%H:%M:%S", style->is_utc, started_utc_ms);
    buf_add_z(out, "\n# file begins   ");
    add_clock(out, "%Y-%m-%dT%H:%M:%S", style->is_utc, utc_ms);
    if (config_rev) buf_format(out, "\n# configuration revision %" PRIu64, config_rev);
    buf_add_byte(out, '\n');
}
