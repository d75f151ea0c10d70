/* SPDX-License-Identifier: Apache-2.0 */
/* An application that no program of ours plays (framework 5): started by its command line, watched
 * by its pid and, if it has one, by a probe. Nothing comes from it, so what a link would tell is
 * concluded here: it runs once the probe answers, or it has lived for settle-time. */
#include "servers/supervisor/server_private.h"

#include "gen/objects.h"
#include "io/http/client.h"
#include "io/net/address.h"
#include "model/option.h"
#include "servers/supervisor/out_file.h"
#include "servers/supervisor/program.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LOOK_FIRST_MS = 1000, OUT_LOOK_MS = 2000, PROBE_CONNECTIONS_MAX = 2, ENVIRONMENT_MAX = 10 };

struct program_watch {
    struct supervised *supervised;
    struct scope *life; /* of what the object says */
    struct text dir, command, arguments, type, address, path;
    const struct third_party_server_options *options;
    uint32_t port;
    struct timer *timer; /* the next look */
    struct timer *limit; /* of a tcp probe */
    struct timer *out_timer;
    struct http_client *http;
    uint64_t call;         /* 0: none */
    struct scope *attempt; /* of a tcp probe; NULL: none */
    uint32_t failures;
    bool is_out_job;
};

static enum application_state state_of(const struct program_watch *watch)
{
    return application_state(&watch->supervised->application);
}

/* --- what it is ------------------------------------------------------------------------------- */

static const struct third_party_server_options *read_options(
    const struct object_application *object, const struct object_app_prototype *template,
    struct scope *scope)
{
    struct option_layer layers[] = {
        { LEVEL_APPLICATION, &object->options },
        { LEVEL_APPLICATION, &object->annex },
        { LEVEL_APPLICATION, template ? &template->options : NULL },
    };
    struct option_source source = { object->name, layers, 3 };
    return option_resolve(&OPTIONS_THIRD_PARTY_SERVER, &source, NULL, scope, NULL, NULL);
}

static uint32_t port_of(const struct object_application *object, uint32_t given)
{
    for (uint32_t i = 0; given == 0 && i < object->ports.count; i++)
        if (text_eq(object->ports.at[i].id, TEXT("default"))) return object->ports.at[i].number;
    return given;
}

static struct program_watch *watch_of(struct supervised *supervised);

static bool is_same(const struct program_watch *watch, const struct object_application_start *start)
{
    return text_eq(watch->dir, start->dir) && text_eq(watch->command, start->command) &&
           text_eq(watch->arguments, start->arguments);
}

bool program_take(struct supervised *supervised, const struct object_application *object,
                  const struct object_app_prototype *template, struct text type)
{
    struct program_watch *watch = watch_of(supervised);
    bool is_new = !is_same(watch, object->start);
    scope_reset(watch->life);
    watch->dir = scope_keep(watch->life, object->start->dir);
    watch->command = scope_keep(watch->life, object->start->command);
    watch->arguments = scope_keep(watch->life, object->start->arguments);
    watch->type = scope_keep(watch->life, type);
    watch->options = read_options(object, template, watch->life);
    watch->port = port_of(object, watch->options->third_party_probe_port);
    watch->address = scope_keep(watch->life, watch->options->third_party_probe_address);
    watch->path = scope_keep(watch->life, watch->options->third_party_probe_path);
    supervised->process.is_program = true; /* one that was adopted */
    program_follow(supervised);
    return is_new;
}

struct text program_type(const struct supervised *supervised)
{
    bool is_program = supervised->server == NULL && supervised->program != NULL;
    return is_program ? supervised->program->type : (struct text){ 0 };
}

/* --- its start -------------------------------------------------------------------------------- */

static void add_variable(struct scope *scope, char **out, size_t *count, const char *name)
{
    const char *value = getenv(name);
    if (value) out[(*count)++] = (char *)(uintptr_t)scope_format(scope, "%s=%s", name, value).at;
}

/* Of ours only what a program needs to speak its user's language. */
static char **environment(struct scope *scope, struct text application)
{
    static const char *const kept[] = { "HOME", "USER", "LOGNAME", "LANG", "LC_ALL", "TZ" };
    char **out = scope_alloc_array(scope, ENVIRONMENT_MAX, sizeof *out);
    size_t count = 0;
    out[count++] = (char *)(uintptr_t) "PATH=/usr/local/bin:/usr/bin:/bin";
    out[count++] =
        (char *)(uintptr_t)scope_format(scope, "CARILLON_APPLICATION=%.*s", TEXT_ARG(application))
            .at;
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++)
        add_variable(scope, out, &count, kept[i]);
    return out;
}

/* Framework 6.1: `-app`, `-host`, `-port` behind the arguments; a program of type ThirdPartyServer
 * knows nothing of us. */
static void identify(const struct program_watch *watch, struct program_start *start)
{
    const struct supervisor *supervisor = watch->supervised->supervisor;
    struct text address = supervisor->file->config->address;
    size_t colon = address.len;
    if (text_eq(watch->type, TEXT("ThirdPartyServer"))) return;
    while (colon > 0 && address.at[colon - 1] != ':') colon--;
    if (colon == 0) return;
    start->application = watch->supervised->name;
    start->host = text_slice(address, 0, colon - 1);
    start->port = text_slice(address, colon, address.len);
}

enum err program_birth(struct supervised *supervised, struct scope *scope,
                       struct process_birth *birth, struct fault *fault)
{
    const struct program_watch *watch = supervised->program;
    struct program_start start = { .dir = watch->dir,
                                   .command = watch->command,
                                   .arguments = watch->arguments };
    struct program *program;
    identify(watch, &start);
    enum err err = program_parse(scope, &start, &program, fault);
    if (err) return err;
    birth->program = program;
    birth->program_folder = supervised->supervisor->options->third_party_folder;
    birth->environment = environment(scope, supervised->name);
    return ERR_OK;
}

/* --- what a probe says ------------------------------------------------------------------------ */

static void look_again(struct program_watch *watch)
{
    uint64_t period_ms = watch->options->third_party_probe_period * 1000ull;
    enum application_state state = state_of(watch);
    bool is_settled = state == APPLICATION_RUNNING || state == APPLICATION_SERVICE_UNAVAILABLE;
    timer_start(watch->timer, is_settled || period_ms < LOOK_FIRST_MS ? period_ms : LOOK_FIRST_MS);
}

static void serves(struct program_watch *watch)
{
    struct supervised *supervised = watch->supervised;
    enum application_state state = state_of(watch);
    watch->failures = 0;
    if (state == APPLICATION_UNKNOWN && supervised->application.is_hung) {
        supervised_feed(supervised, APPLICATION_HEARTBEAT);
    } else if (state == APPLICATION_START_PENDING || state == APPLICATION_UNKNOWN) {
        supervised_feed(supervised, APPLICATION_REGISTERED);
        supervised_feed(supervised, APPLICATION_SAYS_RUNNING);
    } else if (state == APPLICATION_SERVICE_UNAVAILABLE) {
        supervised_feed(supervised, APPLICATION_SAYS_RUNNING);
    }
}

/* It answers, but does not serve. */
static void declines(struct program_watch *watch, unsigned status)
{
    char words[WORDS_MAX];
    watch->failures = 0;
    if (state_of(watch) != APPLICATION_RUNNING) return;
    (void)snprintf(words, sizeof words, "its probe was answered with HTTP status %u", status);
    supervised_set_reason(watch->supervised, text_of(words));
    supervised_feed(watch->supervised, APPLICATION_SAYS_UNAVAILABLE);
}

static void is_silent(struct program_watch *watch, const char *why)
{
    char words[WORDS_MAX];
    enum application_state state = state_of(watch);
    if (state != APPLICATION_RUNNING && state != APPLICATION_SERVICE_UNAVAILABLE) return;
    if (++watch->failures < watch->options->third_party_probe_failures) return;
    (void)snprintf(words, sizeof words, "no answer to %u probes in a row: %s", watch->failures,
                   why);
    watch->failures = 0;
    supervised_set_reason(watch->supervised, text_of(words));
    supervised_feed(watch->supervised, APPLICATION_HEARTBEAT_LOST);
}

/* --- probes ----------------------------------------------------------------------------------- */

static void on_http(void *self, const struct http_result *result)
{
    struct program_watch *watch = self;
    watch->call = 0;
    look_again(watch);
    if (result->failure != HTTP_FAILURE_NONE)
        is_silent(watch, result->words ? result->words : "no connection");
    else if (result->status >= 200 && result->status < 400)
        serves(watch);
    else
        declines(watch, result->status);
}

static void ask_http(struct program_watch *watch)
{
    struct supervisor *supervisor = watch->supervised->supervisor;
    struct scope *scratch = scope_new(NULL, "probe", SCOPE_NO_LIMIT);
    bool is_v6 = memchr(watch->address.at, ':', watch->address.len) != NULL;
    struct text path = watch->path;
    if (watch->http == NULL)
        watch->http = http_client_new(supervisor->life, supervisor->net, PROBE_CONNECTIONS_MAX);
    struct http_call call = {
        .method = TEXT("GET"),
        .url = scope_format(scratch, "http://%s%.*s%s:%u%s%.*s", is_v6 ? "[" : "",
                            TEXT_ARG(watch->address), is_v6 ? "]" : "", watch->port,
                            text_starts(path, TEXT("/")) ? "" : "/", TEXT_ARG(path)),
        .timeout_ms = watch->options->third_party_probe_timeout * 1000ull,
        .may_repeat = true,
    };
    watch->call = http_client_send(watch->http, &call, on_http, watch);
    scope_close(scratch);
}

static void end_attempt(struct program_watch *watch)
{
    struct scope *attempt = watch->attempt;
    watch->attempt = NULL;
    timer_stop(watch->limit);
    if (attempt) scope_close(attempt);
    if (attempt) look_again(watch);
}

static void on_open(void *self)
{
    end_attempt(self);
    serves(self);
}

static void on_bytes(void *self, struct text bytes)
{
    (void)self, (void)bytes;
}

static void on_closed(void *self, enum err why)
{
    end_attempt(self);
    is_silent(self, err_words(why));
}

static void on_limit(void *self)
{
    end_attempt(self);
    is_silent(self, err_words(ERR_TIMEOUT));
}

static void ask_tcp(struct program_watch *watch)
{
    static const struct stream_handler handler = { .on_open = on_open,
                                                   .on_bytes = on_bytes,
                                                   .on_closed = on_closed };
    struct supervisor *supervisor = watch->supervised->supervisor;
    bool is_v6 = memchr(watch->address.at, ':', watch->address.len) != NULL;
    watch->attempt = scope_new(supervisor->life, "probe", SCOPE_NO_LIMIT);
    struct text address = scope_format(watch->attempt, "%s%.*s%s:%u", is_v6 ? "[" : "",
                                       TEXT_ARG(watch->address), is_v6 ? "]" : "", watch->port);
    timer_start(watch->limit, watch->options->third_party_probe_timeout * 1000ull);
    (void)stream_connect(watch->attempt, supervisor->net, address, &handler, watch);
}

static bool has_probe(const struct program_watch *watch)
{
    return !text_eq(watch->options->third_party_probe, TEXT("none"));
}

static bool is_path(struct text path)
{
    for (size_t i = 0; i < path.len; i++)
        if ((unsigned char)path.at[i] <= ' ' || path.at[i] == 0x7f) return false;
    return true;
}

static void cannot_ask(struct program_watch *watch)
{
    look_again(watch);
    is_silent(watch, watch->port == 0 ? "it has neither probe-port nor a port default"
                                      : "probe-path has a blank or a control character");
}

static void look(void *self)
{
    struct program_watch *watch = self;
    if (!has_probe(watch))
        serves(watch);
    else if (watch->port == 0 || !is_path(watch->path))
        cannot_ask(watch);
    else if (text_eq(watch->options->third_party_probe, TEXT("tcp")))
        ask_tcp(watch);
    else
        ask_http(watch);
}

/* --- what it writes --------------------------------------------------------------------------- */

struct out_job { /* a root of its own: the worker may outlast the supervisor's scope */
    struct scope *life;
    const char *path;
};

static void shorten(void *self)
{
    const struct out_job *job = self;
    out_file_shorten(job->path);
}

static void shortened(void *self)
{
    const struct out_job *job = self;
    scope_close(job->life);
}

static void look_at_out_file(void *self)
{
    const struct program_watch *watch = self;
    const struct supervised *supervised = watch->supervised;
    struct supervisor *supervisor = supervised->supervisor;
    struct scope *life = scope_new(NULL, "output", SCOPE_NO_LIMIT);
    struct out_job *job = scope_alloc(life, sizeof *job);
    job->life = life;
    job->path =
        installation_file(life, supervisor->installation.logs_dir, supervised->name, ".out").at;
    timer_start(watch->out_timer, OUT_LOOK_MS);
    if (out_file_is_long(job->path))
        loop_work(supervisor->loop, shorten, shortened, job);
    else
        scope_close(life);
}

/* --- life ------------------------------------------------------------------------------------- */

static void rest(struct program_watch *watch)
{
    struct scope *attempt = watch->attempt;
    watch->attempt = NULL;
    watch->failures = 0;
    timer_stop(watch->timer);
    timer_stop(watch->limit);
    if (attempt) scope_close(attempt);
    if (watch->call) http_client_cancel(watch->http, watch->call);
    watch->call = 0;
}

static bool is_watched(const struct program_watch *watch)
{
    switch (state_of(watch)) {
    case APPLICATION_START_PENDING:
    case APPLICATION_RUNNING:
    case APPLICATION_SERVICE_UNAVAILABLE: return true;
    case APPLICATION_UNKNOWN: return !watch->supervised->application.is_condemned;
    default: return false;
    }
}

void program_follow(struct supervised *supervised)
{
    struct program_watch *watch = supervised->program;
    if (watch == NULL || supervised->server != NULL) return;
    if (supervised->process.pid == 0)
        timer_stop(watch->out_timer);
    else if (!timer_is_running(watch->out_timer))
        timer_start(watch->out_timer, OUT_LOOK_MS);
    if (!is_watched(watch)) {
        rest(watch);
        return;
    }
    if (watch->attempt || watch->call) return; /* its answer goes on */
    if (timer_is_running(watch->timer)) return;
    if (has_probe(watch))
        look_again(watch);
    else if (state_of(watch) == APPLICATION_START_PENDING || state_of(watch) == APPLICATION_UNKNOWN)
        timer_start(watch->timer, watch->options->third_party_settle_time * 1000ull);
}

static struct program_watch *watch_of(struct supervised *supervised)
{
    struct supervisor *supervisor = supervised->supervisor;
    struct program_watch *watch = supervised->program;
    if (watch) return watch;
    watch = scope_alloc(supervisor->life, sizeof *watch);
    watch->supervised = supervised;
    watch->life = scope_new(supervisor->life, "third party", SCOPE_NO_LIMIT);
    watch->timer = timer_new(supervisor->life, supervisor->loop, look, watch);
    watch->limit = timer_new(supervisor->life, supervisor->loop, on_limit, watch);
    watch->out_timer = timer_new(supervisor->life, supervisor->loop, look_at_out_file, watch);
    supervised->program = watch;
    return watch;
}
