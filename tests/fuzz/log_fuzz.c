/* SPDX-License-Identifier: Apache-2.0 */
/* log_fuzz.c - what reaches a log from outside: message files, filters, values, the memory's file,
 * frames of the spool.
 * Words of a message file take the event's arguments and no others; a json line is JSON to a second
 * reader, whatever was said; a hidden value is nowhere in a line. Parts are separated by byte 1:
 * message file, filter, key, value. */
#include "tests/fuzz/fuzz.h"

#include "app/log_line.h"
#include "app/log_memory.h"
#include "app/log_spool.h"
#include "base/catalogue.h"
#include "model/log_custom.h"
#include "model/log_filter.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

/* A second look at printf's conversions: from a percent sign to its letter. */
static size_t conversion(const char *at)
{
    return at[1] == '%' ? 2 : strcspn(at + 1, "diouxXeEfgGcsapn") + 2;
}

static void check_words(const char *words, const char *declared)
{
    for (const char *at = words; (at = strchr(at, '%')) != NULL;) {
        size_t len = conversion(at);
        FUZZ_CHECK(len <= strlen(at));
        if (at[1] != '%') {
            while ((declared = strchr(declared, '%')) != NULL && declared[1] == '%') declared += 2;
            FUZZ_CHECK(declared && strncmp(at, declared, len) == 0 && at[len - 1] != 'n');
            declared += len;
        }
        at += len;
    }
}

static void on_bad(void *self, uint32_t line, const char *words)
{
    (void)self;
    FUZZ_CHECK(line > 0 && words && words[0]);
}

static void check_message_file(struct text file, struct text level, struct scope *scope)
{
    struct pair pair = { TEXT("level-reassign-04503"), { .kind = VALUE_TEXT, .text = level } };
    const struct kv extended = { &pair, 1 };
    const struct log_custom *custom = log_custom_new(scope, &extended, file, on_bad, NULL);
    size_t count;
    const struct log_event *const *events = log_events(&count);
    for (size_t i = 0; custom && i < count; i++) {
        const struct log_event *event = log_custom_event(custom, events[i]);
        if (event == NULL) continue;
        FUZZ_CHECK(event->level < LOG_LEVELS && strcmp(event->id, events[i]->id) == 0);
        if (event->text != events[i]->text) check_words(event->text, events[i]->text);
    }
}

static bool holds(struct text in, struct text what)
{
    for (size_t at = 0; at + what.len <= in.len; at++)
        if (text_starts(text_slice(in, at, what.len), what)) return true;
    return false;
}

static void check_line(const struct kv *attributes, struct text said, enum log_format format,
                       struct text hidden)
{
    static const struct log_event event = { "00-09900", LOG_DEBUG, "%s" };
    struct log_style style = { .format = format, .is_utc = true, .prints_attributes = true };
    struct log_origin origin = { .application = said, .host = TEXT("h"), .pid = 1 };
    struct log_record record = { .event = &event,
                                 .utc_us = 1795259193123456,
                                 .text = TEXT("t"),
                                 .attributes = *attributes,
                                 .is_dump = said.len % 2 };
    struct buf line = { 0 };
    log_line_format(&line, &style, &origin, &record);
    FUZZ_CHECK(line.at[line.len - 1] == '\n');
    if (hidden.len > 8) FUZZ_CHECK(!holds(buf_text(&line), hidden) || holds(said, hidden));
    if (format == LOG_FORMAT_JSON) {
        json_t *json = json_loadb(line.at, line.len, 0, NULL);
        FUZZ_CHECK(json_is_object(json));
        FUZZ_CHECK(memchr(line.at, '\n', line.len) == line.at + line.len - 1);
        json_decref(json);
    }
    buf_free(&line);
}

static void check_filter(struct text type, struct text name, struct text value, struct scope *scope)
{
    struct pair pairs[2] = { { name, { .kind = VALUE_TEXT, .text = value } },
                             { TEXT("password"), { .kind = VALUE_TEXT, .text = value } } };
    pairs[1].value = (struct value){ .kind = VALUE_KV, .pairs = { pairs, 1 } };
    const struct kv all = { pairs, 2 };
    const struct log_filter filter = { .usual = type };
    struct kv shown = log_filter_apply(scope, &filter, &all);
    FUZZ_CHECK(shown.count <= 2);
    bool is_hidden = log_filter_check(type) != ERR_OK || text_eq(type, TEXT("hide")) ||
                     text_eq(type, TEXT("skip"));
    bool has_stars = holds(value, TEXT("*")) || holds(value, TEXT("MMM"));
    struct text hidden = is_hidden && type.len && !has_stars ? value : TEXT("");
    struct text name_free = holds(name, value) ? TEXT("") : hidden;
    for (int format = LOG_FORMAT_SHORT; format <= LOG_FORMAT_JSON; format++)
        check_line(&shown, TEXT("app"), (enum log_format)format, name_free);
}

static void check_frames(struct text in)
{
    struct text record, rest = in;
    size_t bytes = 0;
    while (log_spool_next(&rest, &record)) bytes += 4 + record.len;
    FUZZ_CHECK(bytes + rest.len == in.len);
}

static void check_memory(struct text in)
{
    struct buf file = { 0 }, lines = { 0 };
    struct fault fault = { 0 };
    if (log_memory_read(in, &lines, &fault)) FUZZ_CHECK(fault.words[0] && lines.len == 0);
    memset(buf_reserve(&file, LOG_MEMORY_FILE_BYTES), 'x', LOG_MEMORY_FILE_BYTES);
    memcpy(file.at, "carillon log memory 1\n", sizeof "carillon log memory 1\n");
    uint64_t capacity = LOG_MEMORY_BYTES;
    memcpy(file.at + 40, &capacity, sizeof capacity);
    memcpy(file.at + 48, in.at, in.len < 4096 ? in.len : 4096);
    file.len = LOG_MEMORY_FILE_BYTES;
    if (log_memory_read(buf_text(&file), &lines, &fault) == ERR_OK)
        FUZZ_CHECK(lines.len <= LOG_MEMORY_BYTES);
    buf_free(&file);
    buf_free(&lines);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), file = in, rest = { 0 }, type = { 0 }, name = { 0 };
    struct text value = { 0 };
    struct scope *scope = scope_new(NULL, "log_fuzz", FUZZ_MEMORY_MAX);
    check_frames(in);
    if (text_starts(in, TEXT("m"))) check_memory(in); /* a mebibyte each time */
    (void)text_cut(in, '\1', &file, &rest);
    type = rest;
    if (text_cut(rest, '\1', &type, &rest)) name = rest;
    if (text_cut(rest, '\1', &name, &rest)) value = rest;
    check_message_file(file, type, scope);
    check_filter(type, name, value, scope);
    scope_close(scope);
    return 0;
}
