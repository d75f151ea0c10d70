/* SPDX-License-Identifier: Apache-2.0 */
/* log.h - the door through which every room speaks; app/log writes the lines (framework 8).
 * Events are declared once in schema/events/ (number, level, text, cause, cure); the generated
 * header "gen/events.h" has one `const struct log_event` per event, named EVENT_<NAME>.
 * Context such as "campaign=spring chain=81" travels in `struct log` copies: see log_with(). */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include "base/text.h"

/* Low to high (framework 8.1). */
enum log_level { LOG_DEBUG, LOG_TRACE, LOG_INTERACTION, LOG_STANDARD, LOG_ALARM, LOG_LEVELS };

/* What a record is about; the numbers are those of databases. */
enum log_category { LOG_CATEGORY_APPLICATION = 0, LOG_CATEGORY_AUDIT = 2 };

struct log_event {
    const char *id; /* "00-04504" */
    enum log_level level;
    const char *text; /* a printf format; the reference prints it */
    enum log_category category;
};

/* What the present turn works on: the trace id of the message that is handled, if it has one. */
struct log_turn {
    struct text trace_id;
};

/* Where lines go. `wants` answers cheaply, so that nothing is formatted in vain. `event` (may be
 * NULL) answers with the event as the operator wants it: another level, other words that take the
 * same arguments; NULL: not at all. `turn` may be NULL: traces are not kept. */
struct log_sink {
    bool (*wants)(void *self, enum log_level level);
    void (*write)(void *self, const struct log_event *event, struct text context, struct text line);
    void *self;
    const struct log_event *(*event)(void *self, const struct log_event *event);
    struct log_turn *turn;
};

struct log {
    const struct log_sink *sink; /* NULL: silent */
    struct text context;
};

static inline struct log log_with(const struct log *log, struct text context)
{
    return (struct log){ .sink = log->sink, .context = context };
}
/* Lines from now on belong to `trace_id` (a view), until it is set back to what was returned: who
 * hands a message to its handler calls it around the call. */
static inline struct text log_trace(const struct log *log, struct text trace_id)
{
    struct text before = { 0 };
    if (log->sink == NULL || log->sink->turn == NULL) return before;
    before = log->sink->turn->trace_id;
    log->sink->turn->trace_id = trace_id;
    return before;
}
bool log_wants(const struct log *log, enum log_level level);
/* The arguments are those of the event's text, in its order; the generated LOG_<NAME>(log, ...)
 * macros let the compiler check them. */
void log_write(const struct log *log, const struct log_event *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Free text at debug level, for us. It has one number for all servers (framework 8.3). */
extern const struct log_event LOG_FREE_TEXT;
void log_debug(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
