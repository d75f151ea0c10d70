/* SPDX-License-Identifier: Apache-2.0 */
#include "app/log_line.h"

#include "format/json.h"

#include <inttypes.h>
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

static void add_clock(struct buf *out, const char *format, bool is_utc, uint64_t utc_ms)
{
    add_time(out, format, is_utc, utc_ms);
    buf_format(out, ".%03u", (unsigned)(utc_ms % 1000));
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

/* What strangers said is read in terminals. */
static void add_harmless(struct buf *out, struct text text)
{
    size_t begin = 0, at = 0;
    while (at < text.len) {
        size_t len = control_bytes(text, at);
        if (len) {
            buf_add(out, text_slice(text, begin, at - begin));
            buf_add_byte(out, '?');
            begin = at + len;
        }
        at += len ? len : 1;
    }
    buf_add(out, text_slice(text, begin, at - begin));
}

static void add_flat(struct buf *out, struct text text)
{
    for (size_t at = 0; at < text.len;) {
        size_t end = text_find(text, '\n', at);
        if (end >= text.len) end = text.len;
        add_harmless(out, text_slice(text, at, end - at));
        at = end + 1;
        if (end < text.len) buf_add_byte(out, at < text.len && text.at[at] == '\t' ? '\n' : ' ');
    }
}

static void add_text(struct buf *out, const struct log_style *style,
                     const struct log_record *record)
{
    add_flat(out, record->text);
    if (style->prints_attributes && record->context.len > 0) {
        buf_add_byte(out, ' ');
        buf_add_byte(out, '[');
        add_flat(out, record->context);
        buf_add_byte(out, ']');
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
    case LOG_TIME_TIME: add_clock(out, "%H:%M:%S", style->is_utc, record->utc_ms); break;
    case LOG_TIME_LOCALE: add_time(out, "%c", style->is_utc, record->utc_ms); break;
    case LOG_TIME_ISO8601:
        add_clock(out, "%Y-%m-%dT%H:%M:%S", style->is_utc, record->utc_ms);
        break;
    }
    buf_format(out, " %s %.*s ", level_names[record->event->level].brief,
               TEXT_ARG(short_id(record->event)));
    add_text(out, style, record);
}

static void add_full(struct buf *out, const struct log_style *style,
                     const struct log_origin *origin, const struct log_record *record)
{
    add_clock(out, "%Y-%m-%dT%H:%M:%S", style->is_utc, record->utc_ms);
    buf_format(out, " %s %.*s %.*s GCTI-%s ", level_names[record->event->level].full,
               TEXT_ARG(origin->host), TEXT_ARG(origin->application), record->event->id);
    add_text(out, style, record);
}

static void put_text(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

static void put_time(struct json_writer *json, const char *name, uint64_t utc_ms)
{
    struct buf stamp = { 0 };
    add_clock(&stamp, "%Y-%m-%dT%H:%M:%S", true, utc_ms);
    buf_add(&stamp, TEXT("000Z")); /* the clock of a loop has milliseconds */
    put_text(json, name, buf_text(&stamp));
    buf_free(&stamp);
}

/* "campaign=spring chain=81" as members; the interaction also has a place of its own. */
static void put_attributes(struct json_writer *json, struct text context)
{
    struct text name, value, item, interaction = { 0 };
    json_put_name(json, TEXT("attr"));
    json_begin_object(json);
    while (text_next_item(&context, ' ', &item)) {
        if (!text_cut(item, '=', &name, &value)) continue;
        if (text_eq(name, TEXT("ixn"))) interaction = value;
        json_put_name(json, name);
        json_put_text(json, value);
    }
    json_end_object(json);
    if (interaction.len > 0) put_text(json, "ixn", interaction);
}

static void add_json(struct buf *out, const struct log_origin *origin,
                     const struct log_record *record)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_time(&json, "ts", record->utc_ms);
    put_text(&json, "lvl", text_of(level_names[record->event->level].word));
    put_text(&json, "id", text_of(record->event->id));
    put_text(&json, "app", origin->application);
    put_text(&json, "host", origin->host);
    json_put_name(&json, TEXT("pid"));
    json_put_u64(&json, origin->pid);
    put_text(&json, "cat", TEXT("application"));
    put_text(&json, "msg", record->text);
    if (record->context.len > 0) put_attributes(&json, record->context);
    json_end_object(&json);
    buf_add_byte(out, '\n');
}

void log_line_format(struct buf *out, const struct log_style *style,
                     const struct log_origin *origin, const struct log_record *record)
{
    switch (style->format) {
    case LOG_FORMAT_SHORT: add_short(out, style, record); break;
    case LOG_FORMAT_FULL: add_full(out, style, origin, record); break;
    case LOG_FORMAT_JSON: add_json(out, origin, record); break;
    }
}

static void add_json_header(struct buf *out, const struct log_origin *origin,
                            uint64_t started_utc_ms, uint64_t utc_ms, uint64_t config_rev)
{
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_time(&json, "ts", utc_ms);
    put_text(&json, "app", origin->application);
    put_text(&json, "type", origin->type);
    put_text(&json, "version", origin->version);
    put_text(&json, "host", origin->host);
    json_put_name(&json, TEXT("pid"));
    json_put_u64(&json, origin->pid);
    put_time(&json, "started", started_utc_ms);
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
        add_json_header(out, origin, started_utc_ms, utc_ms, config_rev);
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
