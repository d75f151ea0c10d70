/* SPDX-License-Identifier: Apache-2.0 */
/* One world, from its beginning to its judgement: it is built, agents work, things befall it, it
 * calms down, everything is killed once more, and then what was promised must be there. Begin at
 * world_run(). */
#include "tests/world/world.h"

#include "servers/outbound/outbound.h"
#include "tests/world/configuration.h"

#include <fcntl.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

enum {
    TAIL_BYTES = 6000,
    BOOT_WAIT_MS = 60000,
    CALM_MS = 120000,
    STRIKE_GAP_MS = 4000,
    PATIENCE_MS = 25000, /* longer than any ghost, less than the preview time-out */
    SETTLE_MS = 2000
};

#define YEAR_2026_MS UINT64_C(1767225600000)
#define YEAR_MS      UINT64_C(31536000000)

/* --- chance --------------------------------------------------------------------------------------
 */

uint64_t world_below(struct world *world, uint64_t limit)
{
    return random_below(&world->chance, limit);
}

bool world_is(struct world *world, uint32_t of_thousand)
{
    return random_below(&world->chance, 1000) < of_thousand;
}

uint64_t world_next_request(struct world *world)
{
    return ++world->last_request;
}

/* --- what is written down --- */

static void keep_line(struct world *world, struct text line)
{
    if (world->options->log) (void)fwrite(line.at, 1, line.len, world->options->log);
    if (world->tail.len > (size_t)2 * TAIL_BYTES) buf_drop_front(&world->tail, TAIL_BYTES);
    buf_add(&world->tail, line);
}

void world_hear(struct world *world, struct event event)
{
    event.at_ms = loop_now_mono_ms(world->loop);
    buf_clear(&world->line);
    event_write(&event, &world->line);
    keep_line(world, buf_text(&world->line));
    if (world->options->digest)
        *world->options->digest = *world->options->digest * 31 + text_hash(buf_text(&world->line));
    if (!checker_hear(world->checker, &event)) world->is_broken = true;
}

bool world_fail(struct world *world, const char *format, ...)
{
    char words[512];
    va_list arguments;
    va_start(arguments, format);
    (void)vsnprintf(words, sizeof words, format, arguments);
    va_end(arguments);
    world->is_broken = true;
    (void)fprintf(stderr, "# seed %llu, after %llu ms: %s\n",
                  (unsigned long long)world->options->seed,
                  (unsigned long long)loop_now_mono_ms(world->loop), words);
    return false;
}

static bool wants(void *self, enum log_level level)
{
    const struct world *world = self;
    return level >= LOG_STANDARD || world->options->log != NULL;
}

static void write_log(void *self, const struct log_event *event, struct text context,
                      struct text line)
{
    struct world *world = self;
    buf_clear(&world->line);
    buf_format(&world->line, "# %llu %.*s %s %.*s\n",
               (unsigned long long)loop_now_mono_ms(world->loop), TEXT_ARG(context), event->id,
               TEXT_ARG(line));
    keep_line(world, buf_text(&world->line));
}

static void on_started(void *self, struct text name)
{
    world_hear(self, (struct event){ .kind = EVENT_STARTED, .who = name });
}

static void on_over(void *self, struct text name)
{
    world_hear(self, (struct event){ .kind = EVENT_KILLED, .who = name });
}

/* --- waiting --- */

bool world_wait(struct world *world, bool (*is_so)(struct world *world), uint64_t ms)
{
    uint64_t end_ms = loop_now_mono_ms(world->loop) + ms;
    while (!is_so(world)) {
        if (loop_now_mono_ms(world->loop) >= end_ms || world->is_broken) return false;
        loop_run_for(world->loop, 50);
    }
    return true;
}

bool world_serves(struct world *world)
{
    return look_outbound(world) && machine_runs(world->machine, TEXT("http_proxy")) &&
           machine_runs(world->machine, TEXT("web"));
}

static bool has_config(struct world *world)
{
    struct app *app = machine_app(world->machine, TEXT("config"));
    return app && app_server(app);
}

static bool has_no_requests(struct world *world)
{
    return world->requests_open == 0;
}

static bool is_told(struct world *world)
{
    return look_count(world, "SELECT count(*) FROM outbox WHERE state = 1") == 0;
}

static bool has_no_rounds(struct world *world)
{
    return look_count(world, "SELECT count(*) FROM round WHERE state = 1") == 0;
}

/* The supervisor does not come back by itself: a person starts it. */
void world_boot(struct world *world)
{
    struct fault fault;
    if (!machine_runs(world->machine, TEXT("supervisor")) && machine_boot(world->machine, &fault))
        world_fail(world, "the supervisor does not start: %s", fault.words);
}

static bool all_follow(struct world *world)
{
    struct app *config = machine_app(world->machine, TEXT("config"));
    struct text name;
    struct held held;
    for (uint32_t i = 0; i < FOLLOWERS; i++)
        if (!follower_held(world, i, &name, &held) || held.revision < config_revision(config))
            return false;
    return true;
}

/* --- the beginning --- */

struct asked {
    bool is_over;
    enum err err;
    char words[160];
    unsigned status;
};

static void on_applied(void *self, enum err err, struct text words)
{
    struct asked *asked = self;
    asked->is_over = true;
    asked->err = err;
    (void)snprintf(asked->words, sizeof asked->words, "%.*s", TEXT_ARG(words));
}

static void set_password(struct world *world, struct text person)
{
    struct asked asked = { .err = ERR_CLOSED };
    while (asked.err) {
        asked = (struct asked){ 0 };
        administrator_set_password(world->administrator, person, on_applied, &asked);
        while (!asked.is_over) loop_run_for(world->loop, 50);
    }
}

static void configure(struct world *world)
{
    struct asked asked = { 0 };
    for (int tries = 0; tries < 50; tries++) {
        asked = (struct asked){ 0 };
        administrator_apply(world->administrator, world->options->centre, on_applied, &asked);
        while (!asked.is_over) loop_run_for(world->loop, 100);
        if (asked.err == ERR_OK) return;
        loop_run_for(world->loop, 200);
    }
    world_fail(world, "the configuration is not taken: %s", asked.words);
}

static void on_ordered(void *self, const struct answer *answer)
{
    struct asked *asked = self;
    asked->is_over = true;
    asked->status = answer ? answer->status : 0;
}

static void order(struct world *world, const char *req, const char *body)
{
    char url[96];
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/campaigngroups/%d?req=%s", HTTP_PORT,
                   GROUP_DBID, req);
    for (int tries = 0; tries < 100; tries++) {
        struct asked asked = { 0 };
        world_post(world, url, text_of(body), TEXT(""), on_ordered, &asked);
        while (!asked.is_over) loop_run_for(world->loop, 50);
        if (asked.status == 200) return;
        loop_run_for(world->loop, 100);
    }
    world_fail(world, "the group's %s is not carried out", req);
}

/* What is killed twenty times in a minute would stay stopped until a person looks. */
static void write_host_file(struct world *world)
{
    char path[256];
    (void)snprintf(path, sizeof path, "%.*s/host.jsonc", TEXT_ARG(world->options->data_dir));
    FILE *file = fopen(path, "we");
    if (file == NULL) {
        world_fail(world, "%s cannot be made", path);
        return;
    }
    (void)fputs("{ \"options\": { \"crash-loop-limit\": 1000 } }\n", file);
    (void)fclose(file);
}

/* The installation's secret comes from the seed, too: ids are made from it, and from those an
 * order.
 */
static void make_secret(struct world *world)
{
    const char *folder =
        scope_format(world->life, "%.*s/secret", TEXT_ARG(world->options->data_dir)).at;
    const char *path = scope_format(world->life, "%s/installation.key", folder).at;
    int made = mkdir(folder, 0700);
    int file = made ? -1 : open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    FILE *key = file < 0 ? NULL : fdopen(file, "w");
    if (key == NULL) {
        world_fail(world, "%s cannot be made", path);
        return;
    }
    for (int i = 0; i < 4; i++)
        (void)fprintf(key, "%016llx", (unsigned long long)random_u64(&world->chance));
    (void)fclose(key);
}

void world_raise(struct world *world)
{
    const struct world_options *options = world->options;
    struct machine_setup setup = { .data_dir = options->data_dir,
                                   .log = world->log,
                                   .on_started = on_started,
                                   .on_over = on_over,
                                   .self = world };
    write_host_file(world);
    world->machine = machine_new(world->life, world->loop, &setup);
    make_secret(world);
    world_boot(world);
    if (world->is_broken || !world_wait(world, has_config, BOOT_WAIT_MS)) {
        world_fail(world, "config does not serve");
        return;
    }
    world->administrator = administrator_new(world);
    world->receiver = receiver_new(world);
    world->http = http_client_new(world->life, world->net, AGENTS + 2);
    configure(world);
    if (!world_wait(world, world_serves, BOOT_WAIT_MS)) world_fail(world, "not all serve");
}

static void employ(struct world *world)
{
    order(world, "Load", "{}");
    order(world, "Start", "{\"GSW_DIAL_MODE\":3}");
    set_password(world, TEXT("d5"));
    set_password(world, TEXT("d6"));
    for (uint32_t i = 0; i < AGENTS; i++) world->agents[i] = agent_new(world, i + 1);
}

/* --- the life, and the end --- */

static void live(struct world *world)
{
    for (uint32_t i = 0; i < AGENTS; i++) agent_begin(world->agents[i]);
    administrator_begin(world->administrator);
    world->editors[0] = editor_new(world, 1, "127.0.0.1:2020", "config");
    world->editors[1] = editor_new(world, 2, "127.0.0.1:2022", "copy");
    followers_begin(world);
    world->manager = manager_new(world);
    for (uint32_t i = 0; i < world->options->strikes && !world->is_broken; i++) {
        loop_run_for(world->loop, 1 + world_below(world, STRIKE_GAP_MS));
        trouble_strike(world);
        loop_run_for(world->loop, 1 + world_below(world, STRIKE_GAP_MS / 4));
        world_boot(world);
        census(world, false);
        if (world_is(world, 300)) look_around(world, false);
    }
}

/* The steps of the judgement; the first that fails is the reason. */
static bool calms_down(struct world *world)
{
    trouble_end(world);
    followers_calm(world);
    world->is_ending = true;
    if (!world_wait(world, world_serves, CALM_MS)) return world_fail(world, "not all serve again");
    if (!world_wait(world, look_control, CALM_MS))
        return world_fail(world, "control does not know what runs");
    if (!world_wait(world, has_no_requests, CALM_MS))
        return world_fail(world, "a request has no end");
    return true;
}

/* What was on its way arrives; the processes live on, with all they may have forgotten. What nobody
 * was told of is looked at before its time is up. */
static bool waits_a_while(struct world *world)
{
    look_around(world, false);
    loop_run_for(world->loop, PATIENCE_MS);
    return true;
}

static bool bears_a_power_cut(struct world *world)
{
    machine_cut_power(world->machine);
    world_boot(world);
    if (!world_wait(world, world_serves, CALM_MS))
        return world_fail(world, "not all serve after a power cut");
    if (world->has_ghosts) loop_run_for(world->loop, PATIENCE_MS); /* they outlive it */
    return true;
}

/* Agents are silent: each record is theirs until its time is up, then it is told and done. */
static bool runs_out(struct world *world)
{
    if (!world_wait(world, has_no_rounds, PREVIEW_TIMEOUT_MS + CALM_MS))
        return world_fail(world, "a record stays with a silent agent");
    if (!world_wait(world, is_told, 5 * CALM_MS))
        return world_fail(world, "a notification waits for ever");
    loop_run_for(world->loop, SETTLE_MS);
    return true;
}

static void judge(struct world *world)
{
    if (!calms_down(world)) return;
    if (!(world_is(world, 500) ? bears_a_power_cut(world) : waits_a_while(world))) return;
    world_hear(world, (struct event){ .kind = EVENT_QUIET });
    look_around(world, false);
    census_persons(world);
    for (uint32_t i = 0; i < EDITORS; i++) editor_look(world->editors[i]);
    manager_look(world->manager);
    if (!runs_out(world)) return;
    if (!world_wait(world, all_follow, CALM_MS))
        world_fail(world, "a follower does not come to the last revision");
    look_around(world, true);
    census(world, true);
}

static bool is_over(struct world *world)
{
    return machine_process_count(world->machine) == 0;
}

static void stop(struct world *world)
{
    followers_end(world);
    machine_stop(world->machine);
    if (!world_wait(world, is_over, CALM_MS)) world_fail(world, "not all stop");
}

static void tell(struct world *world)
{
    uint32_t count;
    const struct breach *breaches = checker_breaches(world->checker, &count);
    (void)fprintf(stderr, "# seed %llu is broken; what went before:\n%.*s",
                  (unsigned long long)world->options->seed, TEXT_ARG(buf_text(&world->tail)));
    for (uint32_t i = 0; i < count; i++)
        (void)fprintf(stderr, "# seed %llu: %.*s\n%.*s", (unsigned long long)world->options->seed,
                      TEXT_ARG(breaches[i].words), TEXT_ARG(breaches[i].history));
}

void world_begin(struct world *world, const struct world_options *options, uint64_t begins_utc_ms)
{
    *world =
        (struct world){ .options = options, .whole = scope_new(NULL, "world", SCOPE_NO_LIMIT) };
    random_seed(&world->chance, options->seed);
    if (begins_utc_ms == 0) begins_utc_ms = YEAR_2026_MS + world_below(world, YEAR_MS);
    world->has_ghosts = world_is(world, 500);
    world->loop = loop_new_virtual(world->whole, begins_utc_ms, options->seed);
    world->life = scope_new(world->whole, "people", SCOPE_NO_LIMIT);
    world->net = net_new(world->life, world->loop);
    world->sink = (struct log_sink){ wants, write_log, world };
    world->log = (struct log){ .sink = &world->sink };
    world->checker =
        checker_new(world->life, &(struct checker_options){ .lapse_ms = PREVIEW_TIMEOUT_MS });
    log_debug(&world->log, "seed %llu, requests may come twice: %s",
              (unsigned long long)options->seed, world->has_ghosts ? "yes, all carry a key" : "no");
}

bool world_end(struct world *world)
{
    if (!world->is_broken) stop(world);
    if (world->is_broken) tell(world);
    bool is_kept = !world->is_broken;
    scope_close(world->whole);
    buf_free(&world->tail);
    buf_free(&world->line);
    return is_kept;
}

bool world_run(const struct world_options *options)
{
    struct world world;
    world_begin(&world, options, 0);
    world_raise(&world);
    if (!world.is_broken) employ(&world);
    if (!world.is_broken) live(&world);
    if (!world.is_broken) judge(&world);
    return world_end(&world);
}
