/* SPDX-License-Identifier: Apache-2.0 */
/* supervisor_world.h - the whole of a supervisor on a virtual clock, with a config and processes
 * made by hand. Host "one", options as the defaults. */
#ifndef TESTS_UNIT_SUPERVISOR_SUPERVISOR_WORLD_H
#define TESTS_UNIT_SUPERVISOR_SUPERVISOR_WORLD_H

#include "tests/unit/test.h"

#include "io/link/link.h"
#include "io/net/sim_machine.h"
#include "servers/supervisor/server.h"

enum { WORLD_PROCESSES_MAX = 64, WORLD_OBJECTS_MAX = 16, WORLD_PID_FIRST = 1001 };

struct world_process {
    char argv[256]; /* words between blanks */
    int last_signal;
    bool is_over;
    int status;
    bool has_maker;
    void (*on_child)(void *self, uint32_t pid);
    void *self;
};

struct world {
    struct scope *life, *supervisor_life, *config_life;
    struct loop *loop;
    struct net *net;
    char data[64];
    struct supervisor_setup setup;
    struct supervisor_simulation simulation;
    struct supervisor *supervisor;
    struct sim_machine machine;
    struct world_process processes[WORLD_PROCESSES_MAX]; /* pid: WORLD_PID_FIRST and its place */
    uint32_t process_count;
    /* config */
    struct link *subscriber;
    const char
        *bodies[WORLD_OBJECTS_MAX]; /* "Host {...}": type, a blank, JSON; its dbid is its place */
    uint64_t rev;
    uint32_t subscribes;
    bool asked_since;
    struct buf log; /* a line of each event: "00-04510 words" */
};

struct world *world_new(void);
void world_free(struct world *world);
void world_run(struct world *world, uint64_t ms);
/* A supervisor begins; its files are those of the one before. */
void world_boot(struct world *world);
void world_kill_supervisor(struct world *world);
/* Config answers with what is in bodies, or goes away. */
void world_open_config(struct world *world);
void world_close_config(struct world *world);
/* The living process whose words these are; NULL: none. */
struct world_process *world_find(struct world *world, const char *argv);
void world_end(struct world *world, struct world_process *process, int status);
bool world_heard(const struct world *world, const char *words); /* in the log */

#endif
