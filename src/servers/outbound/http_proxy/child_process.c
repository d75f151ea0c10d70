/* SPDX-License-Identifier: Apache-2.0 */
/* posix_spawn, not fork: outbound has worker threads, whose locks a forked copy would keep. */
#include "servers/outbound/http_proxy/child_process.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static void usual_signals(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    (void)posix_spawnattr_setsigdefault(attributes, &all);
    (void)posix_spawnattr_setsigmask(attributes, &none);
    (void)posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

static int spawn(char *const arguments[], int channel, pid_t *pid)
{
    posix_spawn_file_actions_t files;
    posix_spawnattr_t attributes;
    int failed = posix_spawn_file_actions_init(&files);
    if (failed) return failed;
    failed = posix_spawnattr_init(&attributes);
    if (!failed) {
        usual_signals(&attributes);
        failed = posix_spawn_file_actions_adddup2(&files, channel, CHANNEL_DESCRIPTOR);
        if (!failed)
            failed = posix_spawn_file_actions_addclosefrom_np(&files, CHANNEL_DESCRIPTOR + 1);
        /* The program that runs, also when its file was replaced by an upgrade. */
        if (!failed)
            failed = posix_spawn(pid, "/proc/self/exe", &files, &attributes, arguments, environ);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&files);
    return failed;
}

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
    int failed = spawn(arguments, ends[1], pid);
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
