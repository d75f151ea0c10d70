/* SPDX-License-Identifier: Apache-2.0 */
/* child_process.h - makes the child: this program again, with one end of a socketpair as descriptor
 * 3 and nothing else of ours open but the standard streams. On a VIRTUAL loop: a process of the
 * loop's simulated machine (io/net/sim_machine.h). */
#ifndef SERVERS_OUTBOUND_HTTP_PROXY_CHILD_PROCESS_H
#define SERVERS_OUTBOUND_HTTP_PROXY_CHILD_PROCESS_H

#include "io/net/sim_machine.h"

#include <sys/types.h>

enum { CHANNEL_DESCRIPTOR = 3 };

struct child_process_setup {
    struct text name;        /* shown by ps */
    struct sim_net_end near; /* how our end of the channel is to be made */
    /* The simulated world's SIGCHLD; in the real one it is the caller's to hear. */
    void (*on_child)(void *self, uint32_t pid);
    void *self;
};

/* `channel` gets our end. */
enum err child_process_start(struct loop *loop, const struct child_process_setup *setup, pid_t *pid,
                             struct stream **channel, struct fault *fault);
void child_process_kill(struct loop *loop, pid_t pid);
/* True once, when the child has ended and is reaped: `code` is its exit code, or 128 and the
 * signal. */
bool child_process_is_over(struct loop *loop, pid_t pid, int *code);

#endif
