/* SPDX-License-Identifier: Apache-2.0 */
/* A server's life. The order of birth: loop, log, supervisor, configuration, server. */
#include "app/private.h"

#include "app/certificate_watch.h"
#include "app/net_watch.h"
#include "gen/events.h"
#include "gen/objects.h"
#include "io/net/address.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const state_names[] = {
    [APP_INITIALIZING] = "initializing",
    [APP_RUNNING] = "running",
    [APP_UNAVAILABLE] = "service-unavailable",
    [APP_SUSPENDING] = "suspending",
    [APP_SUSPENDED] = "suspended",
    [APP_STOPPING] = "stopping",
};

const char *app_state_name(enum app_state state)
{
    return state_names[state];
}

/* --- states --------------------------------------------------------------------------------- */

static void set_state(struct app *app, enum app_state state, struct text reason)
{
    struct app_private *private = app->private;
    private->state = state;
    buf_clear(&private->reason);
    buf_add(&private->reason, text_slice(reason, 0, 1024));
    if (private->control) control_tell_state(private->control);
}

void app_running(struct app *app)
{
    enum app_state before = app->private->state;
    if (before == APP_INITIALIZING) LOG_INITIALIZATION_COMPLETED(&app->log);
    if (before == APP_INITIALIZING || before == APP_UNAVAILABLE)
        set_state(app, APP_RUNNING, TEXT(""));
}

void app_unavailable(struct app *app, struct text reason)
{
    enum app_state before = app->private->state;
    if (before != APP_INITIALIZING && before != APP_RUNNING) return;
    char words[256] = "";
    (void)text_to_z(text_slice(reason, 0, sizeof words - 1), words, sizeof words);
    LOG_SERVICE_UNAVAILABLE(&app->log, words);
    set_state(app, APP_UNAVAILABLE, reason);
}

bool app_suspend(struct app *app)
{
    struct app_private *private = app->private;
    if (app->type->suspend == NULL || !private->has_begun) return false;
    if (private->state >= APP_SUSPENDING) return true;
    set_state(app, APP_SUSPENDING, TEXT(""));
    app->type->suspend(private->self);
    return true;
}

void app_idle(struct app *app)
{
    if (app->private->state != APP_SUSPENDING) return;
    set_state(app, APP_SUSPENDED, TEXT(""));
    if (app->private->control) control_tell_idle(app->private->control);
}

void app_stop(struct app *app, const char *why)
{
    struct app_private *private = app->private;
    if (private->state == APP_STOPPING) return;
    set_state(app, APP_STOPPING, text_of(why));
    if (app->type->stop && private->has_begun)
        app->type->stop(private->self);
    else
        app_stopped(app);
}

void app_stopped(struct app *app)
{
    if (timer_is_running(app->private->end_timer) && app->private->exit_code == 0) return;
    char words[256] = "";
    struct text reason = buf_text(&app->private->reason);
    (void)text_to_z(text_slice(reason, 0, sizeof words - 1), words, sizeof words);
    LOG_EXITED_NORMALLY(&app->log, words);
    app->private->stopped_mono_ms = loop_now_mono_ms(app->loop);
    timer_start(app->private->end_timer, 1); /* answers of this turn still leave */
}

static void end_now(void *self)
{
    struct app *app = self;
    const struct app_private *own = app->private;
    uint64_t waited_ms = loop_now_mono_ms(app->loop) - own->stopped_mono_ms;
    if (own->stopped_mono_ms && waited_ms < LAST_WORDS_MS && own_log_is_sending(app))
        timer_start(own->end_timer, LAST_WORDS_STEP_MS);
    else if (own->on_end)
        own->on_end(own->end_self, own->exit_code);
    else
        loop_stop(app->loop);
}

static void on_orphan_time_up(void *self)
{
    struct app *app = self;
    LOG_TERMINATED(&app->log, "stopping took too long, and there is no supervisor to end it");
    app->private->exit_code = 1;
    end_now(app);
}

/* --- start and configuration ---------------------------------------------------------------- */

enum err app_begin(struct app *app, struct fault *fault)
{
    struct app_private *private = app->private;
    ASSERT(!private->has_begun);
    enum err err = app->type->start(app, &private->self, fault);
    private->has_begun = err == ERR_OK;
    return err;
}

void app_begin_or_end(struct app *app)
{
    struct fault fault = { 0 };
    struct app_private *private = app->private;
    /* Once only: what failed half-way is still there, until the process ends. */
    if (private->has_begun || private->exit_code || private->state == APP_STOPPING) return;
    if (!own_store_is_there(app)) return;
    enum err err = app_begin(app, &fault);
    if (!err) return;
    const char *words = fault.words[0] ? fault.words : err_words(err);
    /* The disk: it may be well the next time. */
    bool is_of_disk = err == ERR_IO || err == ERR_FULL || err == ERR_UNAVAILABLE;
    if (is_of_disk)
        app_unavailable(app, text_of(words));
    else
        set_state(app, APP_STOPPING, text_of(words));
    app_end(app, words, is_of_disk);
}

void app_end(struct app *app, const char *words, bool may_wait)
{
    struct app_private *private = app->private;
    uint64_t lived_ms = loop_now_mono_ms(app->loop) - private->started_mono_ms, wait_ms = 1;
    if (private->exit_code) return;
    LOG_TERMINATED(&app->log, words);
    private->exit_code = 1;
    if (may_wait && lived_ms < END_AGE_MS) wait_ms = END_AGE_MS - lived_ms;
    timer_start(private->end_timer, wait_ms);
}

void app_settle(struct app *app, uint64_t rev)
{
    struct app_private *private = app->private;
    private->config_rev = rev;
    if (private->logger) logger_set_config_rev(private->logger, rev);
    settings_resolve(app);
    own_log_settle(app);
    if (private->certificates) certificate_watch_configure(private->certificates);
    if (private->has_begun && private->state != APP_STOPPING && app->type->changed)
        app->type->changed(private->self);
    settings_settle(app);
    mirror_settle(private->mirror);
}

enum err app_put_object(struct app *app, const struct object_type *type, uint32_t dbid,
                        uint64_t rev, struct text tenant, struct text json, struct fault *fault)
{
    struct mirror_entry entry = {
        .type = type, .dbid = dbid, .rev = rev, .tenant = tenant, .body = json
    };
    enum mirror_deed deed;
    return mirror_put(app->private->mirror, &entry, &deed, fault);
}

void app_delete_object(struct app *app, const struct object_type *type, uint32_t dbid)
{
    (void)mirror_delete(app->private->mirror, type, dbid);
}

void app_objects_changed(struct app *app, uint64_t rev)
{
    app_settle(app, rev);
}

/* --- questions ------------------------------------------------------------------------------ */

void *app_server(const struct app *app)
{
    return app->private->self;
}

const struct app_object *app_object(const struct app *app, const struct object_type *type,
                                    struct text key)
{
    return mirror_find(app->private->mirror, type, key);
}

const struct app_object *app_object_by_dbid(const struct app *app, const struct object_type *type,
                                            uint32_t dbid)
{
    return mirror_find_dbid(app->private->mirror, type, dbid);
}

const struct app_object *app_object_next(const struct app *app, const struct object_type *type,
                                         size_t *at)
{
    return mirror_next(app->private->mirror, type, at);
}

const struct app_object *app_self(const struct app *app)
{
    return mirror_find(app->private->mirror, &OBJECT_APPLICATION, app->name);
}

uint64_t app_config_rev(const struct app *app)
{
    return app->private->config_rev;
}

bool app_has_source(const struct app *app)
{
    return app->private->subscription != NULL;
}

void app_log_pairs(struct app *app, const struct log *log, struct text title,
                   const struct kv *pairs)
{
    if (app->private->logger) logger_pairs(app->private->logger, log, title, pairs);
}

static struct text host_address(const struct app *app, struct text host)
{
    const struct app_object *object = app_object(app, &OBJECT_HOST, host);
    const struct object_host *fields = object ? (const void *)object->fields : NULL;
    return fields && fields->ip_address.len ? fields->ip_address : TEXT("127.0.0.1");
}

/* Kept in the options' scope, which lasts about as long as the answer is true. */
struct text app_port_address(const struct app *app, struct text application, struct text port_id)
{
    const struct app_private *private = app->private;
    const struct app_object *object = app_object(app, &OBJECT_APPLICATION, application);
    const struct object_application *fields = object ? (const void *)object->fields : NULL;
    for (uint32_t i = 0; fields && i < fields->ports.count; i++) {
        const struct object_application_port *port = &fields->ports.at[i];
        if (!text_eq(port->id, port_id)) continue;
        struct text address = host_address(app, fields->host);
        bool is_v6 = text_find(address, ':', 0) < address.len;
        return scope_format(private->options_life, is_v6 ? "[%.*s]:%u" : "%.*s:%u",
                            TEXT_ARG(address), port->number);
    }
    bool is_config = text_eq(application, private->birth.config_application) &&
                     text_eq(port_id, TEXT("default"));
    return is_config ? private->birth.config : (struct text){ 0 };
}

enum err app_listen(struct app *app, const struct link_handler *handlers,
                    const struct link_life *life, void *self, struct link_server **out,
                    struct fault *fault)
{
    struct fault local;
    if (fault == NULL) fault = &local;
    struct text address = app_port_address(app, app->name, TEXT("default"));
    if (address.len == 0)
        return fault_set(fault, ERR_NOT_FOUND, "ports", "ports: there is no port \"default\"");
    const struct link_options options = { .links_max = app->type->links_max };
    enum err err = link_listen(app->life, app->net, &app->log, address, &app->identity, &options,
                               handlers, life, self, out, fault);
    if (err) {
        LOG_CANNOT_LISTEN(&app->log, address.at, fault->words);
        return err;
    }
    app->private->links = *out;
    struct address parsed;
    if (!address_parse(address, &parsed, NULL) && !address_is_loopback(&parsed))
        LOG_LINKS_BEYOND_HOST(&app->log, address.at);
    return ERR_OK;
}

/* --- birth ---------------------------------------------------------------------------------- */

static void forget(void *self)
{
    struct app_private *private = self;
    chore_cancel(&private->start_chore);
    buf_free(&private->reason);
    explicit_bzero(private->birth.key, sizeof private->birth.key);
}

struct app *app_new(struct scope *life, struct loop *loop, const struct app_type *type,
                    const struct birth *birth)
{
    struct app *app = scope_alloc(life, sizeof *app);
    struct app_private *private = scope_alloc(life, sizeof *private);
    private->birth = *birth;
    private->pid = (uint32_t)getpid();
    private->started_utc_ms = loop_now_utc_ms(loop);
    private->started_mono_ms = loop_now_mono_ms(loop);
    private->mirror = mirror_new(life);
    private->end_timer = timer_new(life, loop, end_now, app);
    private->orphan_timer = timer_new(life, loop, on_orphan_time_up, app);
    *app = (struct app){
        .type = type,
        .life = life,
        .loop = loop,
        .net = net_new(life, loop),
        .name = birth->application,
        .host = birth->host,
        .data_dir = birth->data,
        .run_dir = birth->run,
        .logs_dir = birth->logs,
        .identity = { .application = birth->application,
                      .role = TEXT("primary"),
                      .build = TEXT(CARILLON_VERSION),
                      .secret = { (const char *)private->birth.key, BIRTH_KEY_BYTES },
                      .secret_is_master = birth->key_is_secret },
        .private = private,
    };
    scope_on_close(life, forget, private);
    return app;
}

struct app *app_new_for_test(struct scope *owner, struct loop *loop, const struct app_type *type,
                             struct text name)
{
    struct scope *life = scope_new(owner, "app", SCOPE_NO_LIMIT);
    struct birth birth = { .application = scope_keep(life, name),
                           .host = TEXT("localhost"),
                           .key_is_secret = true };
    memcpy(birth.key, APP_TEST_SECRET.at, sizeof birth.key);
    struct app *app = app_new(life, loop, type, &birth);
    settings_resolve(app);
    return app;
}

static void begin_config(void *self)
{
    app_begin_or_end(self);
}

void app_terminate(struct app *app)
{
    app_stop(app, "SIGTERM");
}

static void on_signal(void *self, int signal_number)
{
    (void)signal_number;
    app_terminate(self);
}

void app_connect(struct app *app)
{
    struct app_private *private = app->private;
    const struct birth *birth = &private->birth;
    settings_resolve(app);
    LOG_APPLICATION_STARTED(&app->log);
    net_watch_new(app->life, app->net, &app->log);
    private->certificates = certificate_watch_new(app);
    if (birth->supervisor.len) private->control = control_open(app, birth->supervisor);
    private->start_chore = (struct chore){ .run = begin_config, .self = app };
    if (text_eq(birth->application, birth->config_application))
        chore_soon(app->loop, &private->start_chore);
    else
    private->subscription = subscription_open(app);
}

enum err app_new_simulated(struct scope *life, struct loop *loop, const struct app_type *type,
                           const struct app_simulation *simulation, struct app **out,
                           struct fault *fault)
{
    struct birth birth;
    enum err err = birth_parse(simulation->birth, life, &birth, fault);
    if (err) return err;
    struct app *app = app_new(life, loop, type, &birth);
    app->log = simulation->log;
    app->private->pid = simulation->pid;
    app->private->on_end = simulation->on_end;
    app->private->end_self = simulation->self;
    app_connect(app);
    *out = app;
    return ERR_OK;
}

static int run(struct scope *life, const struct app_type *type, const struct birth *birth)
{
    struct loop *loop = loop_new(life);
    struct app *app = app_new(scope_new(life, "app", SCOPE_NO_LIMIT), loop, type, birth);
    own_log_open(app);
    loop_on_signal(app->life, loop, SIGTERM, on_signal, app);
    app_connect(app);
    loop_run(loop);
    int exit_code = app->private->exit_code;
    scope_close(app->life);
    return exit_code;
}

/* Ten thousand desktops need as many descriptors; the usual soft limit, 1024, is for select(2). */
static void allow_descriptors(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) < 0) return;
    limit.rlim_cur = limit.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &limit); /* else with those that we have */
}

int app_main(const struct app_type *type)
{
    struct scope *life = scope_new(NULL, "process", SCOPE_NO_LIMIT);
    struct birth birth;
    struct fault fault;
    (void)signal(SIGPIPE, SIG_IGN);
    allow_descriptors();
    int exit_code = 2;
    if (birth_read(BIRTH_DESCRIPTOR, life, &birth, &fault))
        (void)fprintf(stderr, "carillon app: %s\n", fault.words);
    else
        exit_code = run(life, type, &birth);
    scope_close(life);
    return exit_code;
}
