/* SPDX-License-Identifier: Apache-2.0 */
/* What became of something, into our log and into the kept log: there as a record of the
 * application it is about, which may be dead and cannot tell (framework 8.5, 9). */
#include "gen/events.h"
#include "servers/control/server.h"

#include <stdio.h>

enum { WORDS_MAX = 1100 };

static bool wants(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_STANDARD;
}

static void write_note(void *self, const struct log_event *event, struct text context,
                       struct text line)
{
    struct control_server *server = self;
    const struct log *log = &server->app->log;
    server->is_noting = true;
    if (log_wants(log, event->level)) log->sink->write(log->sink->self, event, context, line);
    server->is_noting = false;
    if (server->on_note)
        server->on_note(server, server->note.application, server->note.host, event, line);
}

const struct log *note_log(struct control_server *server, struct text application, struct text host)
{
    server->note = (struct note_about){ application, host };
    server->note_sink = (struct log_sink){ .wants = wants, .write = write_note, .self = server };
    server->note_log = (struct log){ .sink = &server->note_sink };
    return &server->note_log;
}

struct words {
    char name[256], reason[WORDS_MAX];
};

static struct words words_of(struct text name, struct text reason)
{
    struct words words;
    (void)snprintf(words.name, sizeof words.name, "%.*s", TEXT_ARG(name));
    (void)snprintf(words.reason, sizeof words.reason, "%.*s", TEXT_ARG(reason));
    return words;
}

void note_app(struct app_entry *app, unsigned notes)
{
    struct words words = words_of(app->entry.name, app->reason);
    const struct log *log = note_log(app->server, app->entry.name, app->host);
    if (notes & NOTE_RUNNING) {
        struct words host = words_of(app->host, TEXT(""));
        LOG_CONTROL_APPLICATION_RUNNING(log, words.name, host.name);
    }
    if (notes & NOTE_STOPPED) LOG_CONTROL_APPLICATION_STOPPED(log, words.name, words.reason);
    if (notes & NOTE_FAILED) LOG_CONTROL_APPLICATION_FAILED(log, words.name, words.reason);
    if (notes & NOTE_START_FAILED) LOG_CONTROL_START_FAILED(log, words.name, words.reason);
    if (notes & NOTE_UNAVAILABLE) LOG_CONTROL_SERVICE_UNAVAILABLE(log, words.name, words.reason);
    if (notes & NOTE_HUNG) LOG_CONTROL_HUNG(log, words.name, words.reason);
    if (notes & NOTE_CRASH_LOOP) LOG_CONTROL_CRASH_LOOP(log, words.name);
}

void note_host(struct host_entry *host, unsigned notes)
{
    struct words words = words_of(host->entry.name, host->address);
    const struct log *log = note_log(host->server, TEXT(""), host->entry.name);
    if (notes & NOTE_CONNECTED) LOG_CONTROL_HOST_CONNECTED(log, words.name, words.reason);
    if (notes & NOTE_LOST) LOG_CONTROL_HOST_LOST(log, words.name);
    if (notes & NOTE_UNREACHABLE)
        LOG_CONTROL_HOST_UNREACHABLE(log, words.name, (unsigned)(host->watch.grace_ms / 1000));
}

void note_solution(struct solution_entry *entry, unsigned notes)
{
    struct text reason = entry->reason[0] ? text_of(entry->reason) : TEXT("nothing is awaited");
    struct words words = words_of(entry->entry.name, reason);
    const char *state = solution_status_name(solution_status(&entry->solution));
    const struct log *log = note_log(entry->server, TEXT(""), TEXT(""));
    entry->server->note.solution = entry->entry.name;
    if (notes & SOLUTION_UNPLANNED)
        LOG_CONTROL_SOLUTION_UNPLANNED(log, words.name, state, words.reason);
    else if (notes & SOLUTION_IS_RUNNING)
        LOG_CONTROL_SOLUTION_RUNNING(log, words.name);
    else if (notes & SOLUTION_HAS_MOVED)
        LOG_CONTROL_SOLUTION_MOVED(log, words.name, state, words.reason);
    if (notes & SOLUTION_START_FAILED) LOG_CONTROL_SOLUTION_FAILED(log, words.name, words.reason);
}
