/* SPDX-License-Identifier: Apache-2.0 */
/* One application: the state machine of application.c decides, this file carries it out and feeds
 * back what happened. Begin at supervised_feed(). */
#include "servers/supervisor/server_private.h"

#include "format/json.h"
#include "gen/events.h"
#include "gen/messages.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

enum {
    ADOPTED_LOOK_MS = 50,
    ORDER_ANSWER_MS = 5000,
    NOTHING_FOLLOWS = -1,
    /* What control hears of, though the state be the same before and after. */
    TOLD_DEEDS = APPLICATION_TELL_START_FAILED | APPLICATION_TELL_DIED | APPLICATION_TELL_HUNG |
                 APPLICATION_TELL_CRASH_LOOP,
    /* Nobody ordered that. */
    UNORDERED_DEEDS = APPLICATION_TELL_START_FAILED | APPLICATION_TELL_DIED | APPLICATION_TELL_HUNG,
};

static uint64_t now_ms(const struct supervised *supervised)
{
    return loop_now_mono_ms(supervised->supervisor->loop);
}

void supervised_set_reason(struct supervised *supervised, struct text reason)
{
    size_t len = reason.len < WORDS_MAX ? reason.len : WORDS_MAX - 1;
    if (len > 0) memcpy(supervised->reason, reason.at, len);
    supervised->reason[len] = 0;
}

/* --- birth ---------------------------------------------------------------------------------- */

static void put_text(struct json_writer *json, const char *name, struct text value)
{
    json_put_name(json, text_of(name));
    json_put_text(json, value);
}

static void put_key(struct json_writer *json, const char *name, const uint8_t key[32])
{
    char digits[65];
    for (size_t i = 0; i < 32; i++) snprintf(digits + 2 * i, 3, "%02x", (unsigned)key[i]);
    put_text(json, name, text_of(digits));
}

/* Config's own database, of which it cannot read in the configuration (decision 0047). */
static void put_database(struct json_writer *json, const struct supervisor *supervisor)
{
    const struct host_config *config = supervisor->file->config;
    if (config->database.len == 0) return;
    struct scope *scratch = scope_new(NULL, "database", SCOPE_NO_LIMIT);
    struct buf path = { 0 };
    struct text password =
        installation_database_password(scratch, supervisor->installation.data_dir);
    struct text schema = config->schema.len ? config->schema : TEXT("config");
    buf_format(&path, "postgresql:%.*s:%.*s", TEXT_ARG(schema), TEXT_ARG(config->database));
    if (password.len) {
        buf_add_z(&path, " password='");
        for (size_t i = 0; i < password.len; i++) {
            if (password.at[i] == '\'' || password.at[i] == '\\') buf_add_byte(&path, '\\');
            buf_add_byte(&path, password.at[i]);
        }
        buf_add_byte(&path, '\'');
        explicit_bzero((char *)(uintptr_t)password.at, password.len);
    }
    put_text(json, "database", buf_text(&path));
    explicit_bzero(path.at, path.len);
    buf_free(&path);
    scope_close(scratch);
}

/* The line that app_main() reads from descriptor 3 (app/app.h). */
static void write_birth_line(const struct supervised *supervised, struct buf *out)
{
    const struct supervisor *supervisor = supervised->supervisor;
    const struct installation *installation = &supervisor->installation;
    char socket[512];
    uint8_t key[32];
    snprintf(socket, sizeof socket, "unix:%.*s/supervisor.sock", TEXT_ARG(installation->run_dir));
    link_derive_key((struct text){ (const char *)installation->secret, 32 }, supervised->name, key);
    struct json_writer json = json_writer(out);
    json_begin_object(&json);
    put_text(&json, "application", supervised->name);
    put_text(&json, "type", text_of(supervised->server));
    put_key(&json, "key", key);
    put_text(&json, "host", supervisor->file->host);
    put_text(&json, "data", installation->data_dir);
    put_text(&json, "run", installation->run_dir);
    put_text(&json, "logs", installation->logs_dir);
    put_text(&json, "supervisor", text_of(socket));
    put_text(&json, "config", supervisor->file->config->address);
    put_text(&json, "config_application", supervisor->file->config->application);
    /* config and its proxies prove themselves to applications that know only their own key
     * (decision 0004). */
    if (text_eq(text_of(supervised->server), TEXT("config")))
        put_key(&json, "secret", installation->secret);
    if (supervised == supervisor->config) put_database(&json, supervisor);
    json_end_object(&json);
    buf_add_byte(out, '\n');
}

static void on_child(void *self, uint32_t pid)
{
    (void)pid;
    supervised_reap(self);
}

static enum err start_process(struct supervised *supervised, struct fault *fault)
{
    struct supervisor *supervisor = supervised->supervisor;
    struct scope *scratch = scope_new(NULL, "birth", SCOPE_NO_LIMIT);
    struct buf line = { 0 };
    if (supervised->server) write_birth_line(supervised, &line);
    struct process_birth birth = {
        .name = supervised->name,
        .type = supervised->server ? text_of(supervised->server) : program_type(supervised),
        .line = buf_text(&line),
        .pid_file =
            installation_file(scratch, supervisor->installation.run_dir, supervised->name, ".pid")
                .at,
        .out_file =
            installation_file(scratch, supervisor->installation.logs_dir, supervised->name, ".out")
                .at,
        .maker = supervisor->life,
        .on_child = on_child,
        .self = supervisor,
    };
    enum err err = supervised->server ? ERR_OK : program_birth(supervised, scratch, &birth, fault);
    if (!err)
        err = process_start(sim_machine(supervisor->loop), &birth, &supervised->process, fault);
    buf_free(&line);
    scope_close(scratch);
    return err;
}

static int make_process(struct supervised *supervised)
{
    struct fault fault;
    struct supervisor *supervisor = supervised->supervisor;
    enum err err = start_process(supervised, &fault);
    supervised->is_refused = supervised->server == NULL && err && err != ERR_IO;
    if (err) {
        char words[WORDS_MAX];
        (void)snprintf(words, sizeof words, "%.40s%s%.100s", fault.field, fault.field[0] ? " " : "",
                       fault.words);
        supervised_set_reason(supervised, text_of(words));
        return supervised->is_refused ? APPLICATION_REFUSED : APPLICATION_EXITED;
    }
    supervisor->counters.supervisor_starts_total++;
    supervised_set_reason(supervised, (struct text){ 0 });
    LOG_SUPERVISED_STARTED(&supervisor->log, supervised->name_z, (int)supervised->process.pid);
    return APPLICATION_FORKED;
}

/* --- orders --------------------------------------------------------------------------------- */

static void on_suspend_heard(void *self, const struct link_error *error, const void *fields)
{
    const struct supervisor_suspend_acknowledge *answer = fields;
    bool is_supported =
        error == NULL &&
        (!SHAPE_HAS(answer, SUPERVISOR_SUSPEND_ACKNOWLEDGE_HAS_SUPPORTED) || answer->supported);
    /* What cannot be suspended has nothing to wait for (framework 6.4). */
    if (!is_supported) supervised_feed(self, APPLICATION_SAYS_IDLE);
}

static void on_stop_heard(void *self, const struct link_error *error, const void *fields)
{
    (void)fields;
    if (error == NULL) supervised_feed(self, APPLICATION_STOP_HEARD);
}

static void send_orders(struct supervised *supervised, unsigned deeds)
{
    if (supervised->link == NULL) return;
    if (deeds & APPLICATION_DO_SUSPEND)
        link_ask(supervised->link, &MSG_SUPERVISOR_SUSPEND, &(struct supervisor_suspend){ 0 }, NULL,
                 ORDER_ANSWER_MS, on_suspend_heard, supervised);
    if (deeds & APPLICATION_DO_SEND_STOP)
        link_ask(supervised->link, &MSG_SUPERVISOR_STOP, &(struct supervisor_stop){ 0 }, NULL,
                 ORDER_ANSWER_MS, on_stop_heard, supervised);
}

/* One that is none of ours hears signals only: it cannot be suspended, and SIGTERM is its `stop`.
 * Returns what is concluded from that, or NOTHING_FOLLOWS. */
static int order_program(const struct supervised *supervised, unsigned deeds)
{
    if (supervised->server != NULL || supervised->program == NULL) return NOTHING_FOLLOWS;
    if (deeds & APPLICATION_DO_SUSPEND) return APPLICATION_SAYS_IDLE;
    if (!(deeds & APPLICATION_DO_SEND_STOP)) return NOTHING_FOLLOWS;
    process_signal(&supervised->process, SIGTERM);
    return APPLICATION_STOP_HEARD;
}

static void send_signals(struct supervised *supervised, unsigned deeds)
{
    if (deeds & APPLICATION_DO_TERMINATE) process_signal(&supervised->process, SIGTERM);
    if (deeds & APPLICATION_DO_ABORT) process_signal(&supervised->process, SIGABRT);
    if (deeds & APPLICATION_DO_KILL) {
        supervised->supervisor->counters.supervisor_kills_total++;
        process_signal(&supervised->process, SIGKILL);
    }
}

/* --- words ---------------------------------------------------------------------------------- */

static void tell_trouble(struct supervised *supervised, unsigned deeds)
{
    struct supervisor *supervisor = supervised->supervisor;
    const struct log *log = &supervisor->log;
    const char *name = supervised->name_z;
    if (deeds & APPLICATION_TELL_START_FAILED)
        LOG_SUPERVISED_START_FAILED(log, name, supervised->reason);
    if (deeds & APPLICATION_TELL_DIED) {
        supervisor->counters.supervisor_deaths_total++;
        LOG_SUPERVISED_DIED(log, name, supervised->reason);
    }
    if (deeds & APPLICATION_TELL_HUNG) LOG_SUPERVISED_HUNG(log, name, supervised->reason);
    if (deeds & APPLICATION_TELL_UNAVAILABLE)
        LOG_SUPERVISED_UNAVAILABLE(log, name, supervised->reason);
    if (deeds & APPLICATION_TELL_CRASH_LOOP) {
        supervisor->counters.supervisor_crash_loops_total++;
        supervised_set_reason(supervised, TEXT("Crash loop"));
        LOG_SUPERVISED_CRASH_LOOP(log, name);
    }
    if (deeds & APPLICATION_TELL_RESTART) {
        supervisor->counters.supervisor_restarts_total++;
        LOG_SUPERVISED_RESTART(log, name,
                               (unsigned long long)supervised->application.restart_delay_ms);
    }
}

/* A program's probe has said it already. */
static void say_why_hung(struct supervised *supervised)
{
    char words[WORDS_MAX];
    uint64_t heartbeat_ms = supervised->application.policy.heartbeat_ms;
    if (heartbeat_ms == 0) return;
    (void)snprintf(words, sizeof words, "no heartbeat for %llu s",
                   (unsigned long long)(heartbeat_ms / 1000));
    supervised_set_reason(supervised, text_of(words));
}

static void tell(struct supervised *supervised, unsigned deeds)
{
    const struct log *log = &supervised->supervisor->log;
    const char *name = supervised->name_z;
    if (deeds & APPLICATION_TELL_RUNNING) {
        supervised_set_reason(supervised, (struct text){ 0 });
        LOG_SUPERVISED_RUNNING(
            log, name,
            (unsigned long long)(now_ms(supervised) - supervised->application.started_ms));
    }
    if (deeds & APPLICATION_TELL_STOPPED) LOG_SUPERVISED_STOPPED(log, name, supervised->reason);
    tell_trouble(supervised, deeds);
}

/* --- the machine ---------------------------------------------------------------------------- */

/* Returns the event that follows at once, or NOTHING_FOLLOWS. */
static int perform(struct supervised *supervised, const struct actions *actions)
{
    if (actions->deeds & UNORDERED_DEEDS) supervised->is_ordered = false;
    if (actions->deeds & APPLICATION_TELL_CRASH_LOOP) supervised->is_crash_loop = true;
    if (actions->deeds & APPLICATION_DO_FORK)
        supervised->is_crash_loop = supervised->has_hung = false;
    if (actions->deeds & APPLICATION_TELL_RUNNING) supervised->has_hung = false;
    if (actions->deeds & APPLICATION_TELL_HUNG) supervised->has_hung = true;
    if (actions->deeds & APPLICATION_TELL_HUNG) say_why_hung(supervised);
    tell(supervised, actions->deeds);
    send_orders(supervised, actions->deeds);
    send_signals(supervised, actions->deeds);
    return actions->deeds & APPLICATION_DO_FORK ? make_process(supervised)
                                                : order_program(supervised, actions->deeds);
}

static void rearm(struct supervised *supervised)
{
    uint64_t due_ms = application_due_ms(&supervised->application);
    if (due_ms == UINT64_MAX)
        timer_stop(supervised->timer);
    else
        timer_start_at(supervised->timer, due_ms);
}

/* Does what a step asks for, and the steps that follow from it. */
static void go_on(struct supervised *supervised, enum application_state before,
                  struct actions *actions)
{
    struct supervisor *supervisor = supervised->supervisor;
    int next;
    unsigned deeds = actions->deeds;
    while ((next = perform(supervised, actions)) != NOTHING_FOLLOWS) {
        application_step(&supervised->application, (enum application_event)next, now_ms(supervised),
                         actions);
        deeds |= actions->deeds;
    }
    rearm(supervised);
    bool has_moved = application_state(&supervised->application) != before;
    if (has_moved) supervised->since_utc_ms = loop_now_utc_ms(supervisor->loop);
    if (has_moved || deeds & TOLD_DEEDS) control_link_tell(supervised);
    /* Looking round feeds events itself: without a move it must not come back to itself. */
    if (has_moved) server_look_round(supervisor);
    if (has_moved) program_follow(supervised);
}

void supervised_feed(struct supervised *supervised, enum application_event event)
{
    if (event == APPLICATION_STOP || event == APPLICATION_STOP_GRACEFULLY)
        supervised->is_ordered = true;
    struct actions actions;
    enum application_state before = application_state(&supervised->application);
    application_step(&supervised->application, event, now_ms(supervised), &actions);
    go_on(supervised, before, &actions);
}

static void on_time_up(void *self)
{
    struct supervised *supervised = self;
    struct actions actions;
    enum application_state before = application_state(&supervised->application);
    if (application_tick(&supervised->application, now_ms(supervised), &actions))
        go_on(supervised, before, &actions);
    else
        rearm(supervised);
}

/* --- who there is --------------------------------------------------------------------------- */

struct application_policy supervised_policy(const struct supervisor *supervisor)
{
    const struct supervisor_options *options = supervisor->options;
    struct application_policy policy = application_policy_default();
    policy.auto_restart = false; /* until it is known what it is */
    policy.stop_heard_ms = options->stop_answer_timeout * 1000ull;
    policy.abort_ms = options->hangup_abort_timeout * 1000ull;
    policy.restart = (struct restart_policy){
        .quick_ms = options->restart_quick_time * 1000ull,
        .delay_first_ms = options->restart_delay_first * 1000ull,
        .delay_max_ms = options->restart_delay_max * 1000ull,
        .quick_deaths_max = options->crash_loop_limit,
        .window_ms = options->crash_loop_window * 1000ull,
    };
    return policy;
}

void supervised_set_server(struct supervised *supervised, struct text server)
{
    const struct supervisor_setup *setup = supervised->supervisor->setup;
    for (size_t i = 0; i < setup->role_count && supervised->server == NULL; i++)
        if (text_eq(server, text_of(setup->roles[i].server))) {
            supervised->server = setup->roles[i].server;
            supervised->application.policy.auto_restart = true;
        }
}

struct supervised *supervised_find(struct supervisor *supervisor, struct text name)
{
    return table_get(supervisor->by_name, name);
}

struct supervised *supervised_get(struct supervisor *supervisor, struct text name)
{
    struct supervised *supervised = supervised_find(supervisor, name);
    if (supervised != NULL) return supervised;
    if (table_count(supervisor->by_name) == APPLICATIONS_MAX) return NULL;
    supervised = scope_alloc(supervisor->life, sizeof *supervised);
    supervised->supervisor = supervisor;
    supervised->name = scope_keep(supervisor->life, name);
    supervised->name_z = supervised->name.at;
    supervised->since_utc_ms = loop_now_utc_ms(supervisor->loop);
    supervised->timer = timer_new(supervisor->life, supervisor->loop, on_time_up, supervised);
    struct application_policy policy = supervised_policy(supervisor);
    application_init(&supervised->application, &policy, now_ms(supervised));
    table_put(supervisor->by_name, supervised->name, supervised);
    list_add_last(&supervisor->all, &supervised->node);
    return supervised;
}

/* --- processes that end, and those that were there before us -----------------------------------
 */

void supervised_reap(struct supervisor *supervisor)
{
    LIST_EACH (node, &supervisor->all) {
        struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        char how[WORDS_MAX];
        if (!process_has_ended(&supervised->process, how, sizeof how)) continue;
        supervised_set_reason(supervised, text_of(how));
        supervised_feed(supervised, APPLICATION_EXITED);
    }
}

/* Nobody signals the end of a process that is not our child. Its lost link tells at once; this
 * timer catches those that never had one. */
static void look_at_adopted(void *self)
{
    struct supervisor *supervisor = self;
    bool is_any = false;
    supervised_reap(supervisor);
    LIST_EACH (node, &supervisor->all) {
        const struct process *process = &LIST_OBJECT(node, struct supervised, node)->process;
        if (process->pid != 0 && !process->is_child) is_any = true;
    }
    if (is_any) timer_start(supervisor->adopted_timer, ADOPTED_LOOK_MS);
}

static bool adopt(struct supervisor *supervisor, struct text name, const char *pid_file)
{
    struct process process;
    if (process_adopt(sim_machine(supervisor->loop), pid_file, &process)) return false;
    struct supervised *supervised = supervised_get(supervisor, name);
    if (supervised == NULL || supervised->process.pid != 0) {
        process_forget(&process);
        return false;
    }
    supervised->process = process;
    supervisor->counters.supervisor_adopted_total++;
    LOG_SUPERVISED_ADOPTED(&supervisor->log, supervised->name_z, (int)process.pid);
    supervised_feed(supervised, APPLICATION_ADOPT);
    return true;
}

void supervised_adopt_all(struct supervisor *supervisor)
{
    struct scope *scratch = scope_new(NULL, "adopt", SCOPE_NO_LIMIT);
    DIR *folder = opendir(supervisor->installation.run_dir.at);
    supervisor->adopted_timer =
        timer_new(supervisor->life, supervisor->loop, look_at_adopted, supervisor);
    for (struct dirent *entry; folder && (entry = readdir(folder)) != NULL;) {
        struct text name;
        struct text path = scope_format(scratch, "%.*s/%s",
                                        TEXT_ARG(supervisor->installation.run_dir), entry->d_name);
        if (installation_name(scratch, text_of(entry->d_name), ".pid", &name))
            adopt(supervisor, name, path.at);
    }
    if (folder) closedir(folder);
    scope_close(scratch);
    look_at_adopted(supervisor);
}
