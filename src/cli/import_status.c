/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/import_status.h"

#include "cli/command.h"
#include "cli/import_command.h"
#include "cli/tool.h"
#include "gen/messages.h"

#include <stdio.h>
#include <time.h>

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USE = 2, WAIT_MS = 10000, PAGE = 1000, PAUSE_MS = 200 };

struct status {
    struct tool tool;
    struct link *link;
    const char *list; /* of this list alone; NULL: of all */
    uint64_t id;      /* 0: all */
    bool is_found, has_more, is_waiting;
    uint64_t place; /* of the page before */
    struct fault fault;
};

static enum err open_status(struct status *status, int argc, char **argv)
{
    const char *data = command_take_option(&argc, argv, "--data");
    const char *application = command_take_option(&argc, argv, "--application");
    (void)command_take_option(&argc, argv, "--tenant");
    status->list = command_take_option(&argc, argv, "--list");
    if (!command_knows_all(argc, argv) || argc != 1) return ERR_INVALID;
    enum err err = tool_open(&status->tool, data, &status->fault);
    if (!err)
        err = tool_connect_application(&status->tool,
                                       text_of(application ? application : "outbound"), WAIT_MS,
                                       &status->link, &status->fault);
    return err;
}

static int close_status(struct status *status, enum err err)
{
    if (err && status->fault.err == ERR_OK) {
        fprintf(stderr, "usage: carillon import %s\n", import_command.arguments);
    } else if (err) {
        fprintf(stderr, "carillon import: %s%s%s\n", status->fault.field,
                status->fault.field[0] ? ": " : "", status->fault.words);
    }
    if (status->tool.life) tool_close(&status->tool);
    if (err == ERR_OK) return EXIT_DONE;
    return status->fault.err ? EXIT_FAILED : EXIT_USE;
}

/* --- imports --- */

static void print_time(const char *words, uint64_t utc_ms)
{
    char text[32];
    struct tm tm;
    time_t seconds = (time_t)(utc_ms / 1000);
    if (localtime_r(&seconds, &tm) == NULL || strftime(text, sizeof text, "%F %T", &tm) == 0)
        return;
    printf("%s%s", words, text);
}

static void print_import(const struct outbound_import_row_summary *import)
{
    printf("%llu  %.*s  %.*s, %.*s: %llu rows in %llu chains, %llu rejected, %llu duplicates, "
           "%llu on the Do-Not-Call list",
           (unsigned long long)import->import_id, TEXT_ARG(import->list),
           TEXT_ARG(import->file_name), TEXT_ARG(import->state),
           (unsigned long long)import->inserted, (unsigned long long)import->chains,
           (unsigned long long)import->rejected, (unsigned long long)import->duplicates,
           (unsigned long long)import->blocked);
    if (import->ended_at == 0 && import->total_bytes > 0)
        printf(", %llu %% read",
               (unsigned long long)(import->done_bytes * 100 / import->total_bytes));
    print_time("; begun ", import->started_at);
    if (import->ended_at) print_time(", ended ", import->ended_at);
    printf("\n");
}

static void on_imports(void *self, const void *fields)
{
    struct status *status = self;
    const struct outbound_imports *page = fields;
    for (uint32_t i = 0; i < page->imports.count; i++) {
        const struct outbound_import_row_summary *import = &page->imports.at[i];
        if (status->id && import->import_id != status->id) continue;
        if (status->list && !text_eq(import->list, text_of(status->list))) continue;
        status->is_found = true;
        print_import(import);
        if (status->id) printf("rules: %.*s\n", TEXT_ARG(import->rules));
    }
    status->has_more = page->more && page->imports.count > 0 && status->id == 0;
    if (status->has_more) status->place = page->imports.at[page->imports.count - 1].import_id;
}

static enum err ask_imports(struct status *status)
{
    status->has_more = true;
    status->place = status->id ? status->id + 1 : 0;
    while (status->has_more) {
        struct outbound_import_list list = { .head.has = OUTBOUND_IMPORT_LIST_HAS_LIMIT,
                                             .limit = status->id ? 1 : PAGE,
                                             .after = status->place };
        if (status->place) list.head.has |= OUTBOUND_IMPORT_LIST_HAS_AFTER;
        enum err err = tool_ask(&status->tool, status->link, &MSG_OUTBOUND_IMPORT_LIST, &list,
                                WAIT_MS, on_imports, status, &status->fault);
        if (err) return err;
    }
    if (status->id && !status->is_found)
        return fault_set(&status->fault, ERR_NOT_FOUND, "", "there is no import %llu",
                         (unsigned long long)status->id);
    return ERR_OK;
}

int import_status_list(int argc, char **argv)
{
    struct status status = { 0 };
    enum err err = open_status(&status, argc, argv);
    if (!err) err = ask_imports(&status);
    return close_status(&status, err);
}

/* --- one import --- */

static void on_rejects(void *self, const void *fields)
{
    struct status *status = self;
    const struct outbound_import_rejected *page = fields;
    for (uint32_t i = 0; i < page->rejects.count; i++) {
        const struct outbound_import_reject *reject = &page->rejects.at[i];
        printf("line %llu, %.*s: %.*s%s (\"%.*s\")\n", (unsigned long long)reject->line,
               TEXT_ARG(reject->field), TEXT_ARG(reject->rule), reject->is_loaded ? ", loaded" : "",
               TEXT_ARG(reject->value));
    }
    status->has_more = page->more && page->rejects.count > 0;
    if (status->has_more) status->place = page->rejects.at[page->rejects.count - 1].line;
}

static enum err ask_rejects(struct status *status)
{
    status->has_more = true;
    status->place = 0;
    while (status->has_more) {
        struct outbound_import_rejects asked = {
            .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_REJECTS),
            .import_id = status->id,
            .after = status->place,
            .limit = PAGE,
        };
        enum err err = tool_ask(&status->tool, status->link, &MSG_OUTBOUND_IMPORT_REJECTS, &asked,
                                WAIT_MS, on_rejects, status, &status->fault);
        if (err) return err;
    }
    return ERR_OK;
}

static enum err read_id(struct status *status, const char *id)
{
    if (text_to_u64(text_of(id), 1, INT64_MAX - 1, &status->id))
        return fault_set(&status->fault, ERR_INVALID, "",
                         "an import has a number: see --list-imports");
    return ERR_OK;
}

int import_status_show(int argc, char **argv, const char *id)
{
    struct status status = { 0 };
    enum err err = read_id(&status, id);
    if (!err) err = open_status(&status, argc, argv);
    if (!err) err = ask_imports(&status);
    if (!err) err = ask_rejects(&status);
    return close_status(&status, err);
}

/* --- taking one out --- */

static void on_undone(void *self, const void *fields)
{
    struct status *status = self;
    const struct outbound_import_ended *ended = fields;
    status->is_waiting = text_starts(ended->state, TEXT("being"));
    if (!status->is_waiting)
        printf("import %llu is %.*s\n", (unsigned long long)status->id, TEXT_ARG(ended->state));
}

int import_status_undo(int argc, char **argv, const char *id)
{
    struct status status = { .is_waiting = true };
    enum err err = read_id(&status, id);
    if (!err) err = open_status(&status, argc, argv);
    while (!err && status.is_waiting) {
        struct outbound_import_undo undo = { .head.has = SHAPE_ALL(SHAPE_OUTBOUND_IMPORT_UNDO),
                                             .import_id = status.id };
        err = tool_ask(&status.tool, status.link, &MSG_OUTBOUND_IMPORT_UNDO, &undo, WAIT_MS,
                       on_undone, &status, &status.fault);
        if (!err && status.is_waiting) loop_run_for(status.tool.loop, PAUSE_MS);
    }
    return close_status(&status, err);
}
