/* SPDX-License-Identifier: Apache-2.0 */
/* logger.h - the log of one process: levels, outputs, lines (framework 8.1, 8.2, 8.4). Every
 * application has one by app.h; the supervisor and helper processes make their own.
 * Routing  `verbose` filters first; a record then goes to the outputs of its own level and of every
 *          lower one, to each output once.
 * Outputs  stdout, stderr, file names (relative ones below the logs folder). `network` and `memory`
 *          are accepted and write nothing until there is a Message Server.
 * Writing  lines are collected and written at the end of the turn, at most LOGGER_BUFFER_BYTES. An
 *          output that fails keeps as much and is tried again every LOG_FILE_RETRY_MS; past that
 *          lines are lost and counted, those of level standard and above last. Never the caller's
 *          time.
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

enum { LOGGER_BUFFER_BYTES = 1024 * 1024, LOGGER_BUFFER_FOR_STANDARD = 128 * 1024 };

struct logger_setup {
    struct log_origin origin; /* pid 0: our own */
    struct text logs_dir;     /* empty: the working directory */
    struct text suffix;       /* of file names: "_HTTPPRX" for a helper process (outbound 14.1) */
};

/* Begins with the built-in defaults: standard to stdout. */
struct logger *logger_new(struct scope *owner, struct loop *loop, const struct logger_setup *setup);
struct log logger_log(struct logger *logger);
/* Takes what it needs from the snapshot. Returns ERR_INVALID, with the reason of the first, when a
 * value cannot be used; the others hold, that one keeps its former value. */
enum err logger_set_options(struct logger *logger, const struct common_options *options,
                            struct fault *fault);
/* Another `verbose` for a while (framework 5, log-level); 0 seconds: the option's now. */
void logger_override(struct logger *logger, struct text verbose, uint32_t seconds);
void logger_set_config_rev(struct logger *logger, uint64_t rev); /* for the head of files */
void logger_flush(struct logger *logger);

/* A message dump at debug level: the title, then one pair a line as the log filters allow. */
void logger_pairs(struct logger *logger, const struct log *log, struct text title,
                  const struct kv *pairs);

/* One value of user data as the log filters allow; false: it is left out. */
bool logger_value(const struct logger *logger, struct text key, struct text value, struct buf *out);

struct logger_counters {
    uint64_t lines, lines_lost;
};
struct logger_counters logger_counters(const struct logger *logger);

#endif
