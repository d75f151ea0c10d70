/* SPDX-License-Identifier: Apache-2.0 */
/* machine.h - one simulated host: its processes are scopes on one virtual loop (io/net/
 * sim_machine.h). Applications and the HTTP Proxy are born as their makers ask; the supervisor by
 * machine_boot(), as a person or systemd would.
 * Kill  kill -9: the process's scope closes between two callbacks, whatever it was doing; what its
 *       store has not committed is gone. A power cut kills all and takes from the disk what was not
 *       synced. */
#ifndef TESTS_WORLD_MACHINE_H
#define TESTS_WORLD_MACHINE_H

#include "app/app.h"

struct machine;

struct machine_setup {
    struct text data_dir; /* a real folder, for the few small files that are no store */
    struct log log;       /* all processes speak here */
    /* A process began or is over: "outbound", "http_proxy", "supervisor". */
    void (*on_started)(void *self, struct text name);
    void (*on_over)(void *self, struct text name);
    void *self;
};

/* Hangs itself on the loop. */
struct machine *machine_new(struct scope *owner, struct loop *loop,
                            const struct machine_setup *setup);
enum err machine_boot(struct machine *machine, struct fault *fault);
/* The process's end comes before the return. Not from inside one of its callbacks. */
void machine_kill(struct machine *machine, struct text name); /* nothing when it does not run */
void machine_cut_power(struct machine *machine);
/* Ctrl-C: the supervisor stops all, then ends. */
void machine_stop(struct machine *machine);
bool machine_runs(const struct machine *machine, struct text name);
uint32_t machine_process_count(const struct machine *machine);
/* The folder of a store on the simulated disk; in `scope`. */
struct text machine_store(const struct machine *machine, struct scope *scope, struct text name);
/* The server behind a running application, to look into it; NULL: it does not run. */
struct app *machine_app(const struct machine *machine, struct text name);

#endif
