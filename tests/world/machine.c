/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/world/machine.h"

#include "base/list.h"
#include "io/net/sim_machine.h"
#include "servers/outbound/http_proxy/proxy.h"
#include "servers/supervisor/server.h"
#include "store/sim_disk.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>

extern const struct app_type APP_TYPE_CONFIG, APP_TYPE_CONTROL, APP_TYPE_OUTBOUND, APP_TYPE_WEB;

static const struct app_type *const TYPES[] = { &APP_TYPE_CONFIG, &APP_TYPE_CONTROL,
                                                &APP_TYPE_OUTBOUND, &APP_TYPE_WEB };

static const struct supervisor_role ROLES[] = {
    { "ConfigurationServer", "config" },
    { "CMServer", "outbound" },
    { "WebAPIServer", "web" },
    { "SCS", "control" },
};

enum { NAME_MAX_BYTES = 64 };

/* What became of one that is over is kept: numbers are never used again. */
struct process {
    struct list node;
    struct machine *machine;
    uint32_t pid;
    char name[NAME_MAX_BYTES];
    struct scope *life; /* NULL: it is over */
    int status;         /* as waitpid(2) */
    struct app *app;    /* of an application */
    struct supervisor *supervisor;
    struct supervisor_simulation as_supervisor;
    struct http_proxy_simulation as_proxy;
    bool has_maker; /* who hears of its end */
    void (*on_child)(void *self, uint32_t pid);
    void *child_self;
};

struct machine {
    struct scope *life;
    struct loop *loop;
    struct machine_setup setup;
    struct supervisor_setup supervisor_setup;
    struct sim_machine door;
    struct list processes;
    uint32_t last_pid;
};

static struct process *find_pid(const struct machine *machine, uint32_t pid)
{
    LIST_EACH (node, &machine->processes) {
        struct process *process = LIST_OBJECT(node, struct process, node);
        if (process->pid == pid) return process;
    }
    return NULL;
}

static struct process *find_name(const struct machine *machine, struct text name)
{
    LIST_EACH (node, &machine->processes) {
        struct process *process = LIST_OBJECT(node, struct process, node);
        if (process->life && text_eq(text_of(process->name), name)) return process;
    }
    return NULL;
}

/* --- the end ------------------------------------------------------------------------------------
 */

static void forget_maker(void *self)
{
    ((struct process *)self)->has_maker = false;
}

static void tell_maker(void *self)
{
    struct process *process = self;
    if (process->has_maker) process->on_child(process->child_self, process->pid);
}

struct text machine_store(const struct machine *machine, struct scope *scope, struct text name)
{
    return scope_format(scope, "%.*s/%.*s", TEXT_ARG(machine->setup.data_dir), TEXT_ARG(name));
}

static void crash_disk(struct machine *machine, const char *name, enum sim_crash how)
{
    struct scope *scratch = scope_new(NULL, "path", SCOPE_NO_LIMIT);
    sim_disk_crash(machine->loop, machine_store(machine, scratch, text_of(name)), how);
    scope_close(scratch);
}

static void end(struct process *process, int status)
{
    struct machine *machine = process->machine;
    struct scope *life = process->life;
    bool is_killed = process->app != NULL && WIFSIGNALED(status);
    if (life == NULL) return;
    process->life = NULL;
    process->app = NULL;
    process->supervisor = NULL;
    process->status = status;
    if (is_killed) crash_disk(machine, process->name, SIM_CRASH_PROCESS);
    scope_close(life);
    loop_soon(machine->life, machine->loop, tell_maker, process);
    machine->setup.on_over(machine->setup.self, text_of(process->name));
}

static void end_as_told(void *self)
{
    struct process *process = self;
    end(process, process->status);
}

static void on_end(void *self, int exit_code)
{
    struct process *process = self;
    process->status = (exit_code & 0xff) << 8;
    loop_soon(process->machine->life, process->machine->loop, end_as_told, process);
}

/* --- the beginning --- */

static struct process *process_new(struct machine *machine, struct text name)
{
    struct process *process = scope_alloc(machine->life, sizeof *process);
    process->machine = machine;
    process->pid = ++machine->last_pid;
    (void)text_to_z(name, process->name, sizeof process->name);
    process->life = scope_new(machine->life, process->name, SCOPE_NO_LIMIT);
    list_add_last(&machine->processes, &process->node);
    return process;
}

static const struct app_type *type_of(struct text name)
{
    for (size_t i = 0; i < sizeof TYPES / sizeof *TYPES; i++)
        if (text_eq(text_of(TYPES[i]->name), name)) return TYPES[i];
    return NULL;
}

/* argv: app NAME --type TYPE */
static enum err become_application(struct process *process, const struct sim_birth *birth)
{
    const struct app_type *type = type_of(text_of(birth->argv[3]));
    struct app_simulation simulation = {
        .birth = text_trim(birth->line),
        .log = process->machine->setup.log,
        .pid = process->pid,
        .on_end = on_end,
        .self = process,
    };
    struct fault fault;
    if (type == NULL) return ERR_NOT_FOUND;
    return app_new_simulated(process->life, process->machine->loop, type, &simulation,
                             &process->app, &fault);
}

static enum err become_proxy(struct process *process, const struct sim_birth *birth)
{
    process->as_proxy = (struct http_proxy_simulation){
        .log = process->machine->setup.log, .pid = process->pid, .on_end = on_end, .self = process
    };
    http_proxy_simulate(process->life, process->machine->loop, &process->as_proxy, birth->near,
                        birth->channel);
    return ERR_OK;
}

static uint32_t start(void *self, const struct sim_birth *birth)
{
    struct machine *machine = self;
    bool is_proxy = strcmp(birth->argv[0], "http-proxy-child") == 0;
    struct process *process =
        process_new(machine, is_proxy ? TEXT("http_proxy") : text_of(birth->argv[1]));
    process->on_child = birth->on_child;
    process->child_self = birth->self;
    process->has_maker = true;
    scope_on_close(birth->maker, forget_maker, process);
    if (is_proxy ? become_proxy(process, birth) : become_application(process, birth)) {
        scope_close(process->life);
        process->life = NULL;
        return 0;
    }
    machine->setup.on_started(machine->setup.self, text_of(process->name));
    return process->pid;
}

static bool is_over(void *self, uint32_t pid, int *status)
{
    const struct process *process = find_pid(self, pid);
    *status = process ? process->status : 0;
    return process == NULL || process->life == NULL;
}

static void send_signal(void *self, uint32_t pid, int signal_number)
{
    struct process *process = find_pid(self, pid);
    if (process == NULL || process->life == NULL) return;
    if (signal_number == SIGTERM && process->app) {
        app_terminate(process->app);
    } else {
        process->status = signal_number;
        loop_soon(process->machine->life, process->machine->loop, end_as_told, process);
    }
}

enum err machine_boot(struct machine *machine, struct fault *fault)
{
    struct process *process = process_new(machine, TEXT("supervisor"));
    process->as_supervisor = (struct supervisor_simulation){ .log = machine->setup.log,
                                                             .on_end = on_end,
                                                             .self = process };
    enum err err = supervisor_open(process->life, machine->loop, &machine->supervisor_setup,
                                   &process->as_supervisor, &process->supervisor, fault);
    if (err) {
        scope_close(process->life);
        process->life = NULL;
        return err;
    }
    machine->setup.on_started(machine->setup.self, TEXT("supervisor"));
    return ERR_OK;
}

struct machine *machine_new(struct scope *owner, struct loop *loop,
                            const struct machine_setup *setup)
{
    struct machine *machine = scope_alloc(owner, sizeof *machine);
    machine->life = scope_new(owner, "machine", SCOPE_NO_LIMIT);
    machine->loop = loop;
    machine->setup = *setup;
    machine->supervisor_setup =
        (struct supervisor_setup){ .data_dir = scope_keep_z(owner, setup->data_dir),
                                   .roles = ROLES,
                                   .role_count = sizeof ROLES / sizeof *ROLES };
    machine->door = (struct sim_machine){
        .self = machine, .start = start, .signal = send_signal, .is_over = is_over
    };
    list_init(&machine->processes);
    loop_set_world(loop, LOOP_WORLD_MACHINE, &machine->door, NULL);
    return machine;
}

/* --- what may befall it --- */

void machine_kill(struct machine *machine, struct text name)
{
    struct process *process = find_name(machine, name);
    if (process) end(process, SIGKILL);
}

void machine_cut_power(struct machine *machine)
{
    crash_disk(machine, "", SIM_CRASH_POWER);
    LIST_EACH (node, &machine->processes) end(LIST_OBJECT(node, struct process, node), SIGKILL);
}

void machine_stop(struct machine *machine)
{
    struct process *process = find_name(machine, TEXT("supervisor"));
    if (process) supervisor_stop(process->supervisor);
}

bool machine_runs(const struct machine *machine, struct text name)
{
    return find_name(machine, name) != NULL;
}

uint32_t machine_process_count(const struct machine *machine)
{
    uint32_t count = 0;
    LIST_EACH (node, &machine->processes)
        count += LIST_OBJECT(node, struct process, node)->life != NULL;
    return count;
}

struct app *machine_app(const struct machine *machine, struct text name)
{
    struct process *process = find_name(machine, name);
    return process ? process->app : NULL;
}
