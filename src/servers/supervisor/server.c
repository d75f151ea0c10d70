/* SPDX-License-Identifier: Apache-2.0 */
/* The supervisor of a host, from its first to its last moment: reads host.jsonc, takes the data
 * folder, adopts what a killed predecessor left, starts config, then what config says; on Ctrl-C
 * stops all in reverse order. */
#include "servers/supervisor/server_private.h"

#include "model/option.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST_FILE_BYTES_MAX = 1 << 20 };

/* --- what follows when something moved ----------------------------------------------------------
 */

void server_count(const struct supervisor *supervisor, uint64_t *wanted, uint64_t *running)
{
    *wanted = *running = 0;
    LIST_EACH (node, &supervisor->all) {
        const struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (!supervised->is_wanted) continue;
        (*wanted)++;
        *running += application_state(&supervised->application) == APPLICATION_RUNNING;
    }
}

static enum application_event stop_event(const struct supervisor *supervisor)
{
    return supervisor->stopping == STOPPING_GRACEFULLY ? APPLICATION_STOP_GRACEFULLY
                                                       : APPLICATION_STOP;
}

/* In reverse order, one after the other: who was started last may still need those before it. */
static void stop_next(struct supervisor *supervisor)
{
    for (struct list *node = supervisor->all.prev; node != &supervisor->all; node = node->prev) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervisor->stopping == STOPPING_BY_FORCE)
            process_signal(&supervised->process, SIGKILL);
        supervised_feed(supervised, stop_event(supervisor));
        if (application_has_process(&supervised->application)) return;
    }
    if (supervisor->simulation)
        supervisor->simulation->on_end(supervisor->simulation->self, 0);
    else
        loop_stop(supervisor->loop);
}

static void look_round(void *self)
{
    struct supervisor *supervisor = self;
    if (supervisor->stopping) {
        stop_next(supervisor);
        return;
    }
    if (supervisor->config == NULL ||
        application_state(&supervisor->config->application) == APPLICATION_RUNNING)
        config_watch_start(supervisor);
    if (config_watch_is_complete(supervisor)) terminal_tell_all_running(supervisor);
}

void server_look_round(struct supervisor *supervisor)
{
    chore_soon(supervisor->loop, &supervisor->look_round);
}

/* --- signals -------------------------------------------------------------------------------- */

static void on_child_signal(void *self, int signal_number)
{
    (void)signal_number;
    supervised_reap(self);
}

/* Once: gracefully. Again: without waiting for work. A third time: by force. */
void supervisor_stop(struct supervisor *supervisor)
{
    if (supervisor->stopping < STOPPING_BY_FORCE) supervisor->stopping++;
    terminal_line(supervisor, supervisor->stopping == STOPPING_GRACEFULLY
                                  ? TEXT("stopping gracefully; once more: at once")
                                  : TEXT("stopping at once"));
    server_look_round(supervisor);
}

static void on_stop_signal(void *self, int signal_number)
{
    (void)signal_number;
    supervisor_stop(self);
}

static void hear_signals(struct supervisor *supervisor)
{
    loop_on_signal(supervisor->life, supervisor->loop, SIGCHLD, on_child_signal, supervisor);
    loop_on_signal(supervisor->life, supervisor->loop, SIGINT, on_stop_signal, supervisor);
    loop_on_signal(supervisor->life, supervisor->loop, SIGTERM, on_stop_signal, supervisor);
}

/* --- beginning ------------------------------------------------------------------------------ */

static enum err read_file(struct scope *scope, const char *path, struct text *out,
                          struct fault *fault)
{
    FILE *file = fopen(path, "re");
    if (file == NULL) return fault_set(fault, ERR_NOT_FOUND, "", "%s: %s", path, strerror(errno));
    char *bytes = scope_alloc(scope, HOST_FILE_BYTES_MAX);
    size_t len = fread(bytes, 1, HOST_FILE_BYTES_MAX, file);
    bool is_whole = feof(file) && !ferror(file);
    fclose(file);
    if (!is_whole) return fault_set(fault, ERR_LIMIT, "", "%s: not readable, or too long", path);
    *out = (struct text){ bytes, len };
    return ERR_OK;
}

/* The named file; else the one that an earlier run left in the data folder; else the defaults. */
static enum err find_host_file(struct supervisor *supervisor, struct fault *fault)
{
    const struct supervisor_setup *setup = supervisor->setup;
    const char *data_dir = setup->data_dir ? setup->data_dir : "run";
    const char *path = setup->host_file
                           ? setup->host_file
                           : scope_format(supervisor->life, "%s/host.jsonc", data_dir).at;
    struct text content = TEXT("{}");
    enum err err = read_file(supervisor->life, path, &content, fault);
    if (err == ERR_NOT_FOUND && setup->host_file == NULL) err = ERR_OK;
    if (!err) err = host_file_parse(supervisor->life, content, &supervisor->file, fault);
    if (!err && setup->data_dir) supervisor->file->data = text_of(setup->data_dir);
    return err;
}

/* For the tools of this host, and for the next start. */
static enum err keep_host_file(struct supervisor *supervisor, struct fault *fault)
{
    struct text folder = supervisor->installation.data_dir;
    supervisor->file->data = folder;
    struct text content = host_file_print(supervisor->life, supervisor->file);
    const char *path = scope_format(supervisor->life, "%.*s/host.jsonc", TEXT_ARG(folder)).at;
    const char *temporary = scope_format(supervisor->life, "%s.new", path).at;
    FILE *file = fopen(temporary, "we");
    bool is_written = file != NULL && fwrite(content.at, 1, content.len, file) == content.len;
    if (file != NULL && fclose(file) != 0) is_written = false;
    if (!is_written || rename(temporary, path) != 0)
        return fault_set(fault, ERR_IO, "", "%s: %s", path, strerror(errno));
    return ERR_OK;
}

struct complaint {
    char words[512];
};

static void on_option_trouble(void *self, const struct option_report *report)
{
    struct complaint *complaint = self;
    if (complaint->words[0] == 0)
        snprintf(complaint->words, sizeof complaint->words, "%.*s %s", TEXT_ARG(report->name),
                 report->trouble == OPTION_UNKNOWN ? "is no option of the supervisor"
                                                   : report->words);
}

/* Plain options are the supervisor's own; those of [log] and the like stand in a section. */
static enum err resolve_options(struct supervisor *supervisor, struct fault *fault)
{
    const struct kv *given = &supervisor->file->options;
    struct pair *sections = scope_alloc_array(supervisor->life, given->count + 1, sizeof *sections);
    struct pair *own = scope_alloc_array(supervisor->life, given->count + 1, sizeof *own);
    struct kv layered = { sections, 1 };
    sections[0] = (struct pair){ TEXT("supervisor"), { .kind = VALUE_KV, .pairs = { own, 0 } } };
    for (uint32_t i = 0; i < given->count; i++) {
        if (given->at[i].value.kind == VALUE_KV)
            sections[layered.count++] = given->at[i];
        else
            own[sections[0].value.pairs.count++] = given->at[i];
    }
    struct pair to_file = { TEXT("all"), { .kind = VALUE_TEXT, .text = TEXT("supervisor") } };
    struct pair log = { TEXT("log"), { .kind = VALUE_KV, .pairs = { &to_file, 1 } } };
    struct kv fallback = { &log, 1 }; /* the terminal gets its lines in any case */
    struct option_layer layers[] = { { LEVEL_APPLICATION, &layered },
                                     { LEVEL_APPLICATION, &fallback } };
    struct option_source source = { TEXT("supervisor"), layers, 2 };
    struct complaint complaint = { { 0 } };
    supervisor->options = option_resolve(&OPTIONS_SUPERVISOR, &source, NULL, supervisor->life,
                                         on_option_trouble, &complaint);
    return complaint.words[0] == 0
               ? ERR_OK
               : fault_set(fault, ERR_INVALID, "options", "%s", complaint.words);
}

static void know_yourself(struct supervisor *supervisor)
{
    supervisor->identity = (struct link_identity){
        .application = TEXT("supervisor"),
        .role = TEXT("primary"),
        .build = TEXT(CARILLON_VERSION),
        .secret = { (const char *)supervisor->installation.secret, INSTALLATION_SECRET_BYTES },
        .secret_is_master = true,
    };
}

static enum err prepare(struct supervisor *supervisor, struct fault *fault)
{
    enum err err = find_host_file(supervisor, fault);
    if (!err) err = resolve_options(supervisor, fault);
    if (!err)
        err = installation_open(supervisor->life, supervisor->file->data, supervisor->file->run,
                                supervisor->file->logs, &supervisor->installation, fault);
    if (!err) err = keep_host_file(supervisor, fault);
    if (err) return err;
    know_yourself(supervisor);
    err = server_log_open(supervisor, fault);
    if (!err) err = server_link_open(supervisor, fault);
    if (!err) err = server_pages_open(supervisor, fault);
    return err;
}

/* On one host of the installation; the others reach it by its address. */
static void start_config(struct supervisor *supervisor)
{
    if (!supervisor->file->config->start) {
        supervised_adopt_all(supervisor);
        server_look_round(supervisor);
        return;
    }
    struct supervised *config = supervised_get(supervisor, supervisor->file->config->application);
    config->is_wanted = config->has_started_now = true;
    supervised_set_server(config, TEXT("config"));
    supervisor->config = config;
    supervised_adopt_all(supervisor);
    supervised_feed(config, APPLICATION_START); /* nothing happens when it was adopted */
}

static void forget(void *self)
{
    struct supervisor *supervisor = self;
    chore_cancel(&supervisor->look_round);
}

enum err supervisor_open(struct scope *life, struct loop *loop,
                         const struct supervisor_setup *setup,
                         const struct supervisor_simulation *simulation, struct supervisor **out,
                         struct fault *fault)
{
    struct supervisor *supervisor = scope_alloc(life, sizeof *supervisor);
    *supervisor =
        (struct supervisor){ .setup = setup, .simulation = simulation, .life = life, .loop = loop };
    supervisor->net = net_new(life, loop);
    supervisor->by_name = table_new(life);
    supervisor->look_round = (struct chore){ .run = look_round, .self = supervisor };
    supervisor->started_mono_ms = loop_now_mono_ms(loop);
    list_init(&supervisor->all);
    scope_on_close(life, forget, supervisor);
    enum err err = prepare(supervisor, fault);
    if (err) return err;
    terminal_welcome(supervisor);
    config_watch_open(supervisor);
    if (simulation == NULL) hear_signals(supervisor);
    start_config(supervisor);
    *out = supervisor;
    return ERR_OK;
}

int supervisor_run(const struct supervisor_setup *setup)
{
    struct fault fault = { 0 };
    struct scope *process = scope_new(NULL, "process", SCOPE_NO_LIMIT);
    struct loop *loop = loop_new(process);
    struct supervisor *supervisor;
    enum err err = supervisor_open(scope_new(process, "supervisor", SCOPE_NO_LIMIT), loop, setup,
                                   NULL, &supervisor, &fault);
    if (err) {
        fprintf(stderr, "carillon run: %s%s%s\n", fault.field, fault.field[0] ? ": " : "",
                fault.words);
    } else {
        loop_run(loop);
        terminal_line(supervisor, TEXT("all stopped"));
    }
    scope_close(process);
    return err ? 1 : 0;
}
