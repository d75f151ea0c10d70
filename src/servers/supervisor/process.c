/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/process.h"

#include "servers/supervisor/out_file.h"
#include "servers/supervisor/program.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BIRTH_DESCRIPTOR = 3, NAME_BYTES_MAX = 256 };

static enum err system_fault(struct fault *fault, const char *deed, const char *what)
{
    return fault_set(fault, ERR_IO, "", "%s %s: %s", deed, what, strerror(errno));
}

/* Field 22, counted behind the command's name, which may hold blanks and brackets. */
static enum err read_start_ticks(pid_t pid, uint64_t *out)
{
    char path[64], stat[1024];
    snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return ERR_NOT_FOUND;
    ssize_t len = read(file, stat, sizeof stat - 1);
    close(file);
    if (len <= 0) return ERR_NOT_FOUND;
    stat[len] = 0;
    const char *after_name = strrchr(stat, ')');
    if (after_name == NULL) return ERR_NOT_FOUND;
    struct text rest = text_of(after_name + 1), item = { 0 };
    rest = text_trim(rest);
    for (int field = 3; field <= 22; field++)
        if (!text_next_item(&rest, ' ', &item)) return ERR_NOT_FOUND;
    return text_to_u64(item, 0, UINT64_MAX, out) ? ERR_NOT_FOUND : ERR_OK;
}

/* Its pid file is written before a byte comes; without one the supervisor is gone. */
static _Noreturn void become_program(const struct process_birth *birth)
{
    char go;
    ssize_t len;
    do len = read(BIRTH_DESCRIPTOR, &go, 1);
    while (len < 0 && errno == EINTR);
    close(BIRTH_DESCRIPTOR);
    if (len != 1 || chdir(birth->program->dir) != 0) _exit(126);
    execve(birth->program->path, birth->program->argv, birth->environment);
    _exit(127);
}

/* In the child, between fork and exec: only calls that are safe after a fork of threads. */
static _Noreturn void become(char *const *argv, const struct process_birth *birth, int birth_read,
                             int out_file)
{
    sigset_t none;
    sigemptyset(&none);
    setsid();
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(out_file, 1) < 0 || dup2(out_file, 2) < 0)
        _exit(126);
    /* The pipe is the only one that must survive; when it already is 3 only its flag is cleared. */
    if (birth_read == BIRTH_DESCRIPTOR)
        fcntl(BIRTH_DESCRIPTOR, F_SETFD, 0);
    else if (dup2(birth_read, BIRTH_DESCRIPTOR) < 0)
        _exit(126);
    close_range(BIRTH_DESCRIPTOR + 1, ~0u, 0);
    /* Our handlers would take a signal that is for the child, and nobody would hear of it. */
    for (int number = 1; number < NSIG; number++) (void)signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (birth->program) become_program(birth);
    execv("/proc/self/exe", argv);
    _exit(127);
}

static int open_out_file(const char *path)
{
    if (out_file_is_long(path)) out_file_shorten(path);
    return open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0640);
}

static enum err write_whole(int file, struct text bytes)
{
    while (bytes.len > 0) {
        ssize_t len = write(file, bytes.at, bytes.len);
        if (len < 0 && errno == EINTR) continue;
        if (len <= 0) return ERR_IO;
        bytes = text_slice(bytes, (size_t)len, SIZE_MAX);
    }
    return ERR_OK;
}

/* Replaced as a whole: a reader finds the old or the new one, never a half. */
static enum err write_pid_file(const char *path, const struct process *process)
{
    char line[64], temporary[4096];
    int len = snprintf(line, sizeof line, "%d %llu\n", (int)process->pid,
                       (unsigned long long)process->start_ticks);
    if ((size_t)snprintf(temporary, sizeof temporary, "%s.new", path) >= sizeof temporary)
        return ERR_LIMIT;
    int file = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
    if (file < 0) return ERR_IO;
    enum err err = write_whole(file, (struct text){ line, (size_t)len });
    close(file);
    if (!err && rename(temporary, path) != 0) err = ERR_IO;
    return err;
}

static enum err raise_child(struct process *child, const struct process_birth *birth,
                            int birth_write, struct fault *fault)
{
    child->pidfd = pidfd_open(child->pid, 0);
    if (child->pidfd < 0) return system_fault(fault, "watch", "the new process");
    if (read_start_ticks(child->pid, &child->start_ticks) ||
        write_pid_file(birth->pid_file, child) ||
        write_whole(birth_write, birth->program ? TEXT("\n") : birth->line))
        return system_fault(fault, "write", birth->pid_file);
    return ERR_OK;
}

static enum err fork_child(char *const *argv, const struct process_birth *birth,
                           struct process *out, struct fault *fault)
{
    int out_file = open_out_file(birth->out_file);
    if (out_file < 0) return system_fault(fault, "open", birth->out_file);
    int birth_pipe[2];
    if (pipe2(birth_pipe, O_CLOEXEC) != 0) {
        close(out_file);
        return system_fault(fault, "make", "a pipe");
    }
    sigset_t all, former;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &former);
    struct process child = {
        .pid = fork(), .pidfd = -1, .is_child = true, .is_program = birth->program != NULL
    };
    if (child.pid == 0) become(argv, birth, birth_pipe[0], out_file);
    pthread_sigmask(SIG_SETMASK, &former, NULL);
    close(out_file);
    close(birth_pipe[0]);
    enum err err = child.pid < 0 ? system_fault(fault, "make", "a process")
                                 : raise_child(&child, birth, birth_pipe[1], fault);
    close(birth_pipe[1]);
    if (err && child.pid > 0) {
        kill(child.pid, SIGKILL);
        waitpid(child.pid, NULL, 0);
        if (child.pidfd >= 0) close(child.pidfd);
    }
    if (!err) *out = child;
    return err;
}

/* Links are followed first. */
static bool lies_below(const char *path, struct text folder)
{
    char file[PATH_MAX], given[PATH_MAX], place[PATH_MAX];
    if (folder.len == 0 || text_to_z(folder, given, sizeof given) ||
        realpath(given, place) == NULL || realpath(path, file) == NULL)
        return false;
    size_t len = strlen(place);
    if (len == 1) return true; /* the root */
    return strncmp(file, place, len) == 0 && file[len] == '/';
}

/* Before it is forked, so that the reason has words. What everybody may write is nobody's program.
 */
static enum err check_program(const struct process_birth *birth, struct fault *fault)
{
    const struct program *program = birth->program;
    struct stat folder, file;
    if (stat(program->dir, &folder) != 0)
        return fault_set(fault, ERR_NOT_FOUND, "start.dir", "%s: %s", program->dir,
                         strerror(errno));
    if (stat(program->path, &file) != 0)
        return fault_set(fault, ERR_NOT_FOUND, "start.command", "%s: %s", program->path,
                         strerror(errno));
    if (!S_ISDIR(folder.st_mode) || access(program->dir, X_OK) != 0)
        return fault_set(fault, ERR_DENIED, "start.dir", "%s is no folder to run in", program->dir);
    if (!S_ISREG(file.st_mode) || access(program->path, X_OK) != 0)
        return fault_set(fault, ERR_DENIED, "start.command", "%s is no executable file",
                         program->path);
    if (file.st_mode & S_IWOTH)
        return fault_set(fault, ERR_DENIED, "start.command", "every user may write %s",
                         program->path);
    if (!lies_below(program->path, birth->program_folder))
        return fault_set(fault, ERR_DENIED, "start.command",
                         "lies outside of this host's third-party-folder");
    return ERR_OK;
}

static enum err ask_machine(const struct sim_machine *machine, char *const *argv,
                            const struct process_birth *birth, struct process *out,
                            struct fault *fault)
{
    const char *words[PROGRAM_WORDS_MAX + 3] = { "third-party", argv[2] };
    if (birth->program)
        memcpy(&words[2], birth->program->argv,
               (PROGRAM_WORDS_MAX + 1) * sizeof *birth->program->argv);
    struct sim_birth asked = { .maker = birth->maker,
                               .argv = birth->program ? words : (const char *const *)(argv + 1),
                               .line = birth->line,
                               .on_child = birth->on_child,
                               .self = birth->self };
    struct process child = { .is_child = true,
                             .is_program = birth->program != NULL,
                             .machine = machine };
    child.pid = (pid_t)machine->start(machine->self, &asked);
    if (child.pid == 0) return fault_set(fault, ERR_UNSUPPORTED, "", "the machine does not run it");
    if (write_pid_file(birth->pid_file, &child))
        return system_fault(fault, "write", birth->pid_file);
    *out = child;
    return ERR_OK;
}

enum err process_start(const struct sim_machine *machine, const struct process_birth *birth,
                       struct process *out, struct fault *fault)
{
    char name[NAME_BYTES_MAX], type[NAME_BYTES_MAX];
    char *const argv[] = {
        (char[]){ "carillon" }, (char[]){ "app" }, name, (char[]){ "--type" }, type, NULL
    };
    if (text_to_z(birth->name, name, sizeof name) || text_to_z(birth->type, type, sizeof type))
        return fault_set(fault, ERR_INVALID, "name", "cannot be an argument of a command");
    enum err err = birth->program && !machine ? check_program(birth, fault) : ERR_OK;
    if (err) return err;
    return machine ? ask_machine(machine, argv, birth, out, fault)
                   : fork_child(argv, birth, out, fault);
}

static enum err read_pid_file(const char *path, pid_t *pid, uint64_t *start_ticks)
{
    char line[64];
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return ERR_NOT_FOUND;
    ssize_t len = read(file, line, sizeof line);
    close(file);
    struct text number, ticks;
    uint32_t value;
    if (len <= 0 ||
        !text_cut(text_trim((struct text){ line, (size_t)len }), ' ', &number, &ticks) ||
        text_to_u32(number, 2, INT32_MAX, &value) || text_to_u64(ticks, 0, UINT64_MAX, start_ticks))
        return ERR_NOT_FOUND;
    *pid = (pid_t)value;
    return ERR_OK;
}

static bool is_ended(const struct process *process)
{
    int status;
    struct pollfd poll_one = { .fd = process->pidfd, .events = POLLIN };
    return process->machine
               ? process->machine->is_over(process->machine->self, (uint32_t)process->pid, &status)
               : poll(&poll_one, 1, 0) == 1;
}

enum err process_adopt(const struct sim_machine *machine, const char *pid_file, struct process *out)
{
    struct process found = { .machine = machine };
    uint64_t ticks_now;
    if (read_pid_file(pid_file, &found.pid, &found.start_ticks)) return ERR_NOT_FOUND;
    if (machine) {
        bool lives = !is_ended(&found);
        if (lives) *out = found;
        return lives ? ERR_OK : ERR_NOT_FOUND;
    }
    found.pidfd = pidfd_open(found.pid, 0);
    if (found.pidfd < 0) return ERR_NOT_FOUND;
    /* Asked after the pidfd is held: now the pid cannot change its owner any more. */
    if (read_start_ticks(found.pid, &ticks_now) || ticks_now != found.start_ticks ||
        is_ended(&found)) {
        close(found.pidfd);
        return ERR_NOT_FOUND;
    }
    *out = found;
    return ERR_OK;
}

static void tell_how(int status, char *how, size_t how_size)
{
    if (WIFSIGNALED(status))
        snprintf(how, how_size, "signal %d, %s", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(how, how_size, "exit code %d", WEXITSTATUS(status));
}

bool process_has_ended(struct process *process, char *how, size_t how_size)
{
    if (process->pid == 0 || !is_ended(process)) return false;
    int status = 0;
    const struct sim_machine *machine = process->machine;
    /* Not reaped yet, so that the group's number is still its own. */
    if (process->is_program && process->is_child && !machine) (void)kill(-process->pid, SIGKILL);
    bool is_known = process->is_child &&
                    (machine ? machine->is_over(machine->self, (uint32_t)process->pid, &status)
                             : waitpid(process->pid, &status, WNOHANG) == process->pid);
    if (is_known)
        tell_how(status, how, how_size);
    else
        snprintf(how, how_size, "pid %d is gone", (int)process->pid);
    process_forget(process);
    return true;
}

void process_signal(const struct process *process, int signal_number)
{
    const struct sim_machine *machine = process->machine;
    if (process->pid == 0) return;
    /* The only failure is that it has ended meanwhile. */
    if (machine)
        machine->signal(machine->self, (uint32_t)process->pid, signal_number);
    else if (process->is_program && !is_ended(process))
        (void)kill(-process->pid, signal_number);
    else
        (void)pidfd_send_signal(process->pidfd, signal_number, NULL, 0);
}

void process_forget(struct process *process)
{
    if (process->pid != 0 && process->machine == NULL) close(process->pidfd);
    *process = (struct process){ 0 };
}
