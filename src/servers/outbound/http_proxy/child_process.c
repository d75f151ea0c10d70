/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/http_proxy/child_process.h"

#include "io/loop/child_spawn.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static enum err start_real(const struct child_process_setup *setup, pid_t *pid,
                           struct stream **channel, struct fault *fault)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
        return fault_set(fault, ERR_IO, "", "socketpair: %s", strerror(errno));
    char program[] = "carillon", command[] = "http-proxy-child", shown[128];
    if (text_to_z(text_slice(setup->name, 0, sizeof shown - 1), shown, sizeof shown))
        shown[0] = '\0';
    char *const arguments[] = { program, command, shown, NULL };
    const struct child_file channel_end = { ends[1], CHANNEL_DESCRIPTOR };
    /* The program that runs, also when its file was replaced by an upgrade. */
    int failed = child_spawn(&(struct child_spawn){ .program = "/proc/self/exe",
                                                    .arguments = arguments,
                                                    .environment = environ,
                                                    .files = &channel_end,
                                                    .file_count = 1 },
                             pid);
    (void)close(ends[1]);
    if (failed) {
        (void)close(ends[0]);
        return fault_set(fault, ERR_IO, "", "cannot start the child: %s", strerror(failed));
    }
    const struct sim_net_end *near = &setup->near;
    *channel = stream_from_fd(near->owner, near->net, ends[0], near->handler, near->self);
    return ERR_OK;
}

enum err child_process_start(struct loop *loop, const struct child_process_setup *setup, pid_t *pid,
                             struct stream **channel, struct fault *fault)
{
    const struct sim_machine *machine = sim_machine(loop);
    if (machine == NULL) return start_real(setup, pid, channel, fault);
    const char *const arguments[] = { "http-proxy-child", NULL };
    const struct sim_birth birth = { .maker = setup->near.owner,
                                     .argv = arguments,
                                     .near = &setup->near,
                                     .channel = channel,
                                     .on_child = setup->on_child,
                                     .self = setup->self };
    *pid = (pid_t)machine->start(machine->self, &birth);
    return *pid ? ERR_OK
                : fault_set(fault, ERR_UNSUPPORTED, "", "the machine does not run the child");
}

void child_process_kill(struct loop *loop, pid_t pid)
{
    const struct sim_machine *machine = sim_machine(loop);
    if (machine)
        machine->signal(machine->self, (uint32_t)pid, SIGKILL);
    else
        (void)kill(pid, SIGKILL);
}

bool child_process_is_over(struct loop *loop, pid_t pid, int *code)
{
    const struct sim_machine *machine = sim_machine(loop);
    int status = 0;
    pid_t ended;
    do
        ended = !machine ? waitpid(pid, &status, WNOHANG)
                : machine->is_over(machine->self, (uint32_t)pid, &status) ? pid
                                                                          : 0;
    while (ended < 0 && errno == EINTR);
    if (ended == 0) return false;
    if (ended < 0)
        *code = -1; /* somebody else reaped it */
    else
        *code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return true;
}
