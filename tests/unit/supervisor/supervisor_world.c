/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/supervisor/supervisor_world.h"

#include "gen/messages.h"
#include "servers/supervisor/installation.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { START_UTC_MS = 1767225600 }; /* in seconds: 2026-01-01T00:00:00Z */

static const struct supervisor_role roles[] = { { "CMServer", "outbound" },
                                                { "SCS", "control" },
                                                { "ConfigurationServer", "config" } };

/* --- processes -------------------------------------------------------------------------------- */

static struct world_process *process_of(struct world *world, uint32_t pid)
{
    uint32_t place = pid - WORLD_PID_FIRST;
    return place < world->process_count ? &world->processes[place] : NULL;
}

static void forget_maker(void *self)
{
    ((struct world_process *)self)->has_maker = false;
}

static uint32_t start(void *self, const struct sim_birth *birth)
{
    struct world *world = self;
    CHECK(world->process_count < WORLD_PROCESSES_MAX);
    struct world_process *process = &world->processes[world->process_count++];
    *process = (struct world_process){ .has_maker = true,
                                       .on_child = birth->on_child,
                                       .self = birth->self };
    for (const char *const *word = birth->argv; *word; word++) {
        size_t len = strlen(process->argv);
        (void)snprintf(process->argv + len, sizeof process->argv - len, "%s%s", len ? " " : "",
                       *word);
    }
    scope_on_close(birth->maker, forget_maker, process);
    return WORLD_PID_FIRST + world->process_count - 1;
}

static void send_signal(void *self, uint32_t pid, int signal_number)
{
    struct world_process *process = process_of(self, pid);
    if (process) process->last_signal = signal_number;
}

static bool is_over(void *self, uint32_t pid, int *status)
{
    const struct world_process *process = process_of(self, pid);
    *status = process ? process->status : 0;
    return process == NULL || process->is_over;
}

struct world_process *world_find(struct world *world, const char *argv)
{
    for (uint32_t i = 0; i < world->process_count; i++)
        if (!world->processes[i].is_over && strcmp(world->processes[i].argv, argv) == 0)
            return &world->processes[i];
    return NULL;
}

void world_end(struct world *world, struct world_process *process, int status)
{
    process->is_over = true;
    process->status = status;
    if (process->has_maker)
        process->on_child(process->self, WORLD_PID_FIRST + (uint32_t)(process - world->processes));
}

/* --- config ----------------------------------------------------------------------------------- */

static void on_subscribe(void *self, struct link_request *request, const void *fields)
{
    struct world *world = self;
    struct config_config_object objects[WORLD_OBJECTS_MAX];
    uint32_t count = 0;
    const struct config_subscribe *asked = fields;
    world->subscribes++;
    world->asked_since = SHAPE_HAS(asked, CONFIG_SUBSCRIBE_HAS_SINCE_REV);
    world->subscriber = link_request_link(request);
    for (uint32_t i = 0; i < WORLD_OBJECTS_MAX; i++) {
        struct text type, body;
        if (world->bodies[i] == NULL || !text_cut(text_of(world->bodies[i]), ' ', &type, &body))
            continue;
        objects[count++] = (struct config_config_object){
            .head.has = CONFIG_CONFIG_OBJECT_HAS_TYPE | CONFIG_CONFIG_OBJECT_HAS_DBID |
                        CONFIG_CONFIG_OBJECT_HAS_REV | CONFIG_CONFIG_OBJECT_HAS_KEY |
                        CONFIG_CONFIG_OBJECT_HAS_BODY,
            .type = type,
            .dbid = 101 + i,
            .rev = 1,
            .key = TEXT("of it"),
            .body = body,
        };
    }
    link_reply(request, &(struct config_snapshot){
                            .head.has = CONFIG_SNAPSHOT_HAS_REV | CONFIG_SNAPSHOT_HAS_EPOCH |
                                        CONFIG_SNAPSHOT_HAS_CONTENT | CONFIG_SNAPSHOT_HAS_OBJECTS,
                            .rev = ++world->rev,
                            .epoch = TEXT("e1"),
                            .content = TEXT("objects"),
                            .objects = { objects, count } });
}

static const struct link_handler handlers[] = {
    { .msg = &MSG_CONFIG_SUBSCRIBE, .on_request = on_subscribe },
    { 0 },
};

void world_open_config(struct world *world)
{
    static uint8_t secret[INSTALLATION_SECRET_BYTES];
    static struct link_identity identity;
    struct link_server *server;
    struct fault fault;
    CHECK_OK(installation_read_secret(text_of(world->data), secret, &fault));
    identity = (struct link_identity){ .application = TEXT("config"),
                                       .role = TEXT("primary"),
                                       .secret = { (const char *)secret, sizeof secret },
                                       .secret_is_master = true };
    world->config_life = scope_new(world->life, "config", SCOPE_NO_LIMIT);
    CHECK_OK(link_listen(world->config_life, world->net, NULL, TEXT("127.0.0.1:2020"), &identity,
                         NULL, handlers, NULL, world, &server, &fault));
}

void world_close_config(struct world *world)
{
    scope_close(world->config_life);
    world->config_life = NULL;
    world->subscriber = NULL;
}

/* --- the log ---------------------------------------------------------------------------------- */

static bool wants(void *self, enum log_level level)
{
    (void)self;
    return level >= LOG_STANDARD;
}

static void write_line(void *self, const struct log_event *event, struct text context,
                       struct text line)
{
    struct world *world = self;
    (void)context;
    buf_format(&world->log, "%s %.*s\n", event->id, TEXT_ARG(line));
}

bool world_heard(const struct world *world, const char *words)
{
    struct text log = buf_text(&world->log);
    return log.len && memmem(log.at, log.len, words, strlen(words)) != NULL;
}

/* --- life ------------------------------------------------------------------------------------- */

static void on_end(void *self, int exit_code)
{
    (void)self, (void)exit_code;
}

void world_boot(struct world *world)
{
    struct fault fault;
    static struct log_sink sink;
    sink = (struct log_sink){ .wants = wants, .write = write_line, .self = world };
    world->simulation =
        (struct supervisor_simulation){ .log = { .sink = &sink }, .on_end = on_end, .self = world };
    world->supervisor_life = scope_new(world->life, "supervisor", SCOPE_NO_LIMIT);
    CHECK_OK(supervisor_open(world->supervisor_life, world->loop, &world->setup, &world->simulation,
                             &world->supervisor, &fault));
}

void world_kill_supervisor(struct world *world)
{
    scope_close(world->supervisor_life);
    world->supervisor_life = NULL;
}

void world_run(struct world *world, uint64_t ms)
{
    loop_run_for(world->loop, ms);
}

static void write_host_file(const struct world *world, const char *path)
{
    FILE *file = fopen(path, "we");
    CHECK(file != NULL);
    (void)fprintf(file,
                  "{\"host\":\"one\",\"data\":\"%s\",\"metrics\":\"\",\"config\":{"
                  "\"address\":\"127.0.0.1:2020\",\"start\":false}}\n",
                  world->data);
    CHECK(fclose(file) == 0);
}

struct world *world_new(void)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct world *world = scope_alloc(life, sizeof *world);
    world->life = life;
    strcpy(world->data, "/tmp/carillon-test-XXXXXX");
    CHECK(mkdtemp(world->data) != NULL);
    const char *host_file = scope_format(life, "%s/given.jsonc", world->data).at;
    write_host_file(world, host_file);
    world->loop = loop_new_virtual(life, START_UTC_MS * 1000ull, 5);
    world->net = net_new(life, world->loop);
    world->machine = (struct sim_machine){
        .self = world, .start = start, .signal = send_signal, .is_over = is_over
    };
    loop_set_world(world->loop, LOOP_WORLD_MACHINE, &world->machine, NULL);
    world->setup = (struct supervisor_setup){ .host_file = host_file,
                                              .data_dir = world->data,
                                              .roles = roles,
                                              .role_count = sizeof roles / sizeof *roles };
    return world;
}

void world_free(struct world *world)
{
    char command[128];
    (void)snprintf(command, sizeof command, "rm -rf %s", world->data);
    buf_free(&world->log);
    scope_close(world->life);
    CHECK(system(command) == 0);
}
