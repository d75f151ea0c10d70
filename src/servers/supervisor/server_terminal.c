/* SPDX-License-Identifier: Apache-2.0 */
/* Lines for the person in front of the terminal: the same events that the log file gets, short. */
#include "servers/supervisor/server_private.h"

#include <stdio.h>
#include <time.h>
#include <unistd.h>

static const char *dim(void)
{
    return isatty(STDOUT_FILENO) ? "\x1b[2m" : "";
}

static const char *plain(void)
{
    return isatty(STDOUT_FILENO) ? "\x1b[0m" : "";
}

void terminal_line(const struct supervisor *supervisor, struct text line)
{
    if (supervisor->simulation) return;
    time_t now = (time_t)(loop_now_utc_ms(supervisor->loop) / 1000);
    struct tm local;
    char clock[16];
    localtime_r(&now, &local);
    strftime(clock, sizeof clock, "%H:%M:%S", &local);
    printf("%s%s%s  %.*s\n", dim(), clock, plain(), TEXT_ARG(line));
    fflush(stdout);
}

/* --- the log's two ends: its files, and the terminal from standard level on --------------------
 */

static bool wants(void *self, enum log_level level)
{
    const struct supervisor *supervisor = self;
    return level >= LOG_STANDARD || log_wants(&supervisor->file_log, level);
}

static void write_line(void *self, const struct log_event *event, struct text context,
                       struct text line)
{
    const struct supervisor *supervisor = self;
    const struct log *log = &supervisor->file_log;
    if (event->level >= LOG_STANDARD) terminal_line(supervisor, line);
    if (log_wants(log, event->level)) log->sink->write(log->sink->self, event, context, line);
}

struct log terminal_log(struct supervisor *supervisor)
{
    struct log_sink *sink = scope_alloc(supervisor->life, sizeof *sink);
    *sink = (struct log_sink){ .wants = wants, .write = write_line, .self = supervisor };
    return (struct log){ .sink = sink };
}

void terminal_welcome(const struct supervisor *supervisor)
{
    if (supervisor->simulation) return;
    printf("Carillon %s, host %.*s, data %.*s\n", CARILLON_VERSION,
           TEXT_ARG(supervisor->file->host), TEXT_ARG(supervisor->installation.data_dir));
    fflush(stdout);
}

/* config made it at the first start, and removes it when it was changed. */
static bool has_first_password(const struct supervisor *supervisor)
{
    struct scope *scratch = scope_new(NULL, "first password", SCOPE_NO_LIMIT);
    struct text path = scope_format(scratch, "%.*s/secret/first-password",
                                    TEXT_ARG(supervisor->installation.data_dir));
    bool is_there = access(path.at, F_OK) == 0;
    scope_close(scratch);
    return is_there;
}

void terminal_tell_all_running(struct supervisor *supervisor)
{
    uint64_t took_ms = loop_now_mono_ms(supervisor->loop) - supervisor->started_mono_ms;
    uint64_t wanted, running;
    server_count(supervisor, &wanted, &running);
    if (running < wanted || supervisor->stopping) return;
    if (supervisor->told_running == wanted) return;
    supervisor->told_running = wanted;
    if (supervisor->simulation) return;
    LIST_EACH (node, &supervisor->all) {
        const struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervised->url.len > 0)
            printf("  %-16.*s %.*s\n", TEXT_ARG(supervised->name), TEXT_ARG(supervised->url));
    }
    if (has_first_password(supervisor))
        printf("  %-16s user default, its password is in %.*s/secret/first-password\n",
               "first log-in", TEXT_ARG(supervisor->installation.data_dir));
    if (supervisor->http != NULL)
        printf("  %-16s http://%.*s/metrics  /health\n", "metrics",
               TEXT_ARG(supervisor->file->metrics));
    printf("%llu of %llu applications RUNNING %llu.%02llu s after the start; Ctrl-C stops them\n",
           (unsigned long long)running, (unsigned long long)wanted,
           (unsigned long long)(took_ms / 1000), (unsigned long long)(took_ms % 1000 / 10));
    fflush(stdout);
}
