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

struct log_event {
    const char *id; /* "00-04504" */
    enum log_level level;
    const char *text; /* a printf format; the reference prints it */
};

/* Where lines go. `wants` answers cheaply, so that nothing is formatted in vain. */
struct log_sink {
    bool (*wants)(void *self, enum log_level level);
    void (*write)(void *self, const struct log_event *event, struct text context, struct text line);
    void *self;
};

struct log {
    const struct log_sink *sink; /* NULL: silent */
    struct text context;
};

static inline struct log log_with(const struct log *log, struct text context)
{
    return (struct log){ .sink = log->sink, .context = context };
}
bool log_wants(const struct log *log, enum log_level level);
/* The arguments are those of the event's text, in its order; the generated LOG_<NAME>(log, ...)
 * macros let the compiler check them. */
void log_write(const struct log *log, const struct log_event *event, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* Free text at debug level, for us. */
void log_debug(const struct log *log, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#endif
