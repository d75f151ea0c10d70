/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include "base/buf.h"

#include <stdio.h>

enum { LINE_BYTES_USUAL = 1024 };

const struct log_event LOG_FREE_TEXT = { "00-09900", LOG_DEBUG, "%s" };

bool log_wants(const struct log *log, enum log_level level)
{
    return log->sink && log->sink->wants(log->sink->self, level);
}

static void hand_over(const struct log *log, const struct log_event *event, const char *format,
                      va_list arguments)
{
    char usual[LINE_BYTES_USUAL];
    va_list again;
    va_copy(again, arguments);
    int len = vsnprintf(usual, sizeof usual, format, arguments);
    ASSERT(len >= 0);
    size_t size = (size_t)len;
    if (size < sizeof usual) {
        log->sink->write(log->sink->self, event, log->context, (struct text){ usual, size });
    } else {
        struct buf line = { 0 };
        (void)vsnprintf(buf_reserve(&line, size + 1), size + 1, format, again);
        line.len = size;
        log->sink->write(log->sink->self, event, log->context, buf_text(&line));
        buf_free(&line);
    }
    va_end(again);
}

/* As the operator wants it; NULL: not at all. */
static const struct log_event *wanted(const struct log *log, const struct log_event *event)
{
    if (log->sink == NULL) return NULL;
    if (log->sink->event) event = log->sink->event(log->sink->self, event);
    return event && log->sink->wants(log->sink->self, event->level) ? event : NULL;
}

/* Other words than the declared ones come from a catalogue, which checked that they take the same
 * arguments. */
void log_write(const struct log *log, const struct log_event *event, const char *format, ...)
{
    const struct log_event *own = wanted(log, event);
    if (own == NULL) return;
    va_list arguments;
    va_start(arguments, format);
    hand_over(log, own, own->text == event->text ? format : own->text, arguments);
    va_end(arguments);
}

void log_debug(const struct log *log, const char *format, ...)
{
    const struct log_event *own = wanted(log, &LOG_FREE_TEXT);
    if (own == NULL) return;
    va_list arguments;
    va_start(arguments, format);
    hand_over(log, own, format, arguments);
    va_end(arguments);
}
