/* SPDX-License-Identifier: Apache-2.0 */
/* logger.h - the log of one process: levels, outputs, lines (framework 8.1, 8.2, 8.4). Every
 * application has one by app.h; the supervisor and helper processes make their own.
 * Levels   an event's own, or what the operator made of it (log_custom.h). `verbose` filters first;
 *          a record then goes to the outputs of its own level and of every lower one, to each once.
 * Outputs  stdout, stderr; `memory`, a ring that outlives a crash (log_memory.h); `network`,
 * whoever took logger_on_network(), from level trace on; all other names are files, relative ones
 *          below the logs folder.
 * Hiding   what a record says beside its text goes through the log filters once, before any output
 *          sees it.
 * Writing  lines are collected and written at the end of the turn, by a worker where enable-thread
 *          says so. At most LOGGER_BUFFER_BYTES wait, LOGGER_QUEUE_BYTES for a worker. An output
 *          that fails keeps as much and is tried again every LOG_FILE_RETRY_MS; past that lines are
 *          lost and counted, those of level standard and above last. A queue of throttle-threshold
 *          lines raises the level to standard until it is half as long. Never the caller's time.
 * Errors   none reach the caller: an output that fails is told on all, once.
 * Thread   the loop's. */
#ifndef APP_LOGGER_H
#define APP_LOGGER_H

#include "app/log_line.h"
#include "base/log.h"
#include "base/scope.h"
#include "base/shape.h"
#include "gen/options.h"
#include "io/loop/loop.h"

struct logger;

enum {
    LOGGER_BUFFER_BYTES = 1024 * 1024,
    LOGGER_QUEUE_BYTES = 16 * 1024 * 1024,
    LOGGER_BUFFER_FOR_STANDARD = 128 * 1024,
};

struct logger_setup {
    struct log_origin origin; /* pid 0: our own */
    struct text logs_dir;     /* empty: the working directory */
    struct text suffix;       /* of file names: "_HTTPPRX" for a helper process (outbound 14.1) */
};

/* Begins with the built-in defaults: standard to stdout. */
struct logger *logger_new(struct scope *owner, struct loop *loop, const struct logger_setup *setup);
struct log logger_log(struct logger *logger);
/* The same without the output `network`: what is said about that output itself. */
struct log logger_log_local(struct logger *logger);
/* `add` takes the records of the output `network`; views are good until it returns. NULL: nobody.
 */
void logger_on_network(struct logger *logger,
                       void (*add)(void *self, const struct log_record *record), void *self);
/* Does an option name the output `network`? */
bool logger_uses_network(const struct logger *logger);
/* Takes what it needs from the snapshot. Returns ERR_INVALID, with the reason of the first, when a
 * value cannot be used; the others hold, that one keeps its former value. */
enum err logger_set_options(struct logger *logger, const struct common_options *options,
                            struct fault *fault);
/* Another `verbose` for a while (framework 5, log-level); 0 seconds: the option's now. */
void logger_override(struct logger *logger, struct text verbose, uint32_t seconds);
void logger_set_config_rev(struct logger *logger, uint64_t rev); /* for the head of files */
void logger_flush(struct logger *logger); /* all is written when it returns, or could not be */

/* A message dump at debug level: the title, then one pair a line as the log filters allow; in json
 * lines they are the attributes. `log` is one of ours. */
void logger_pairs(struct logger *logger, const struct log *log, struct text title,
                  const struct kv *pairs);

/* One value of user data as the log filters allow; false: it is left out. */
bool logger_value(const struct logger *logger, struct text key, struct text value, struct buf *out);

struct logger_counters {
    uint64_t lines, lines_lost, throttled; /* throttled: how often */
};
struct logger_counters logger_counters(const struct logger *logger);

#endif
