/* SPDX-License-Identifier: Apache-2.0 */
/* sim_machine.h - the processes of a simulated machine. On a VIRTUAL loop whoever would make a
 * process asks the machine that hangs on the loop; whoever builds the world (tests/world) runs it
 * as a scope of its own on the same loop. Without a machine nothing can be started.
 * Promise  numbers are never used twice. on_child comes in a later turn, as SIGCHLD would, and not
 *          once its maker's scope is closed. A process outlives its maker. */
#ifndef IO_NET_SIM_MACHINE_H
#define IO_NET_SIM_MACHINE_H

#include "io/net/sim_net.h"

struct sim_birth {
    struct scope *maker;     /* of the process that asks */
    const char *const *argv; /* the words behind "carillon", NULL-ended */
    struct text line;        /* what descriptor 3 holds */
    /* Descriptor 3 is the far end of a pair: `near` says how ours is to be made, `channel` gets it.
     * NULL: it is `line`. */
    const struct sim_net_end *near;
    struct stream **channel;
    void (*on_child)(void *self, uint32_t pid);
    void *self;
};

struct sim_machine {
    void *self;
    uint32_t (*start)(void *self, const struct sim_birth *birth); /* 0: it cannot */
    void (*signal)(void *self, uint32_t pid, int signal_number);
    /* True: it is over, `status` is what waitpid(2) would give. Unknown numbers are over. */
    bool (*is_over)(void *self, uint32_t pid, int *status);
};

/* NULL: a REAL loop, or a world without processes. */
static inline const struct sim_machine *sim_machine(const struct loop *loop)
{
    return loop_world(loop, LOOP_WORLD_MACHINE);
}

#endif
