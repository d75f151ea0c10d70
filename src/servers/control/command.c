/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/control/command.h"

#include "io/loop/child_spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOOK_EVERY_MS = 50, ENVIRONMENT_MAX = 64 };

static const char path_variable[] = "PATH=/usr/local/bin:/usr/bin:/bin";

/* --- which file ----------------------------------------------------------------------------- */

static enum err find_program(struct scope *scratch, const struct command *command, char **out,
                             struct fault *fault)
{
    char folder[PATH_MAX], file[PATH_MAX];
    const char *name = scope_keep_z(scratch, command->name);
    if (!text_starts(command->folder, TEXT("/")))
        return fault_set(fault, ERR_DENIED, "command-folder", "must be an absolute path");
    if (command->name.len == 0 || command->name.at[0] == '.' || strchr(name, '/') ||
        strlen(name) != command->name.len)
        return fault_set(fault, ERR_DENIED, "command", "must be the name of a file in the folder");
    if (realpath(scope_keep_z(scratch, command->folder), folder) == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "command-folder", "%s", strerror(errno));
    struct text wanted = scope_format(scratch, "%s/%s", folder, name);
    if (realpath(wanted.at, file) == NULL)
        return fault_set(fault, ERR_NOT_FOUND, "command", "%s: %s", name, strerror(errno));
    struct stat is;
    if (!text_eq(wanted, text_of(file)))
        return fault_set(fault, ERR_DENIED, "command", "%s leads out of the folder", name);
    if (stat(file, &is) || !S_ISREG(is.st_mode) || access(file, X_OK))
        return fault_set(fault, ERR_DENIED, "command", "%s is no executable file", name);
    *out = (char *)(uintptr_t)wanted.at; /* ours, NUL-ended */
    return ERR_OK;
}

/* --- what it is given ----------------------------------------------------------------------- */

static char **list_arguments(struct scope *scratch, char *program, struct text arguments)
{
    char **out = scope_alloc_array(scratch, COMMAND_ARGUMENTS_MAX + 2, sizeof *out);
    size_t count = 0;
    struct text one;
    out[count++] = program;
    while (count <= COMMAND_ARGUMENTS_MAX && text_next_item(&arguments, ' ', &one))
        if (one.len) out[count++] = (char *)(uintptr_t)scope_keep_z(scratch, one);
    return out;
}

static char **list_environment(struct scope *scratch, struct text variables)
{
    char **out = scope_alloc_array(scratch, ENVIRONMENT_MAX + 2, sizeof *out);
    size_t count = 0;
    out[count++] = (char *)(uintptr_t)path_variable;
    struct text one, rest;
    for (; count <= ENVIRONMENT_MAX && text_cut(variables, '\0', &one, &rest); variables = rest)
        out[count++] = (char *)(uintptr_t)scope_keep_z(scratch, one);
    return out;
}

/* --- its life ------------------------------------------------------------------------------- */

/* It reads nothing, and all it says goes to `output`. */
static int start(char *const arguments[], char *const environment[], int output, const char *folder,
                 pid_t *pid)
{
    int nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
    if (nothing < 0) return errno;
    const struct child_file files[] = { { nothing, STDIN_FILENO },
                                        { output, STDOUT_FILENO },
                                        { output, STDERR_FILENO } };
    int failed = child_spawn(&(struct child_spawn){ .program = arguments[0],
                                                    .arguments = arguments,
                                                    .environment = environment,
                                                    .folder = folder,
                                                    .files = files,
                                                    .file_count = sizeof files / sizeof *files,
                                                    .leads_group = true },
                             pid);
    (void)close(nothing);
    return failed;
}

static uint64_t now_ms(void)
{
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

/* What is there; past the bound it is read and dropped. */
static void read_output(int fd, struct command_result *out)
{
    char bytes[4096];
    ssize_t len;
    while ((len = read(fd, bytes, sizeof bytes)) > 0) {
        size_t room = COMMAND_OUTPUT_MAX - out->output_len, kept = (size_t)len;
        if (kept > room) kept = room;
        memcpy(out->output + out->output_len, bytes, kept);
        out->output_len += kept;
    }
    out->output[out->output_len] = '\0';
}

static void wait_for(pid_t pid, int fd, uint32_t timeout_ms, struct command_result *out)
{
    uint64_t until = now_ms() + timeout_ms;
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(pid, &status, WNOHANG)) == 0 && !out->was_too_long) {
        struct pollfd one = { .fd = fd, .events = POLLIN };
        int found = poll(&one, 1, LOOK_EVERY_MS);
        if (found > 0 && one.revents & POLLIN) read_output(fd, out);
        /* It closed its output and goes on: nothing to poll for. */
        if (found > 0 && !(one.revents & POLLIN))
            (void)nanosleep(&(struct timespec){ .tv_nsec = LOOK_EVERY_MS * 1000000L }, NULL);
        out->was_too_long = now_ms() >= until;
    }
    (void)kill(-pid, SIGKILL);
    while (ended == 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR) continue;
    read_output(fd, out);
    out->exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

enum err command_run(struct scope *scratch, const struct command *command,
                     struct command_result *out, struct fault *fault)
{
    char *program;
    int ends[2];
    pid_t pid;
    enum err err = find_program(scratch, command, &program, fault);
    if (err) return err;
    *out = (struct command_result){ 0 };
    if (pipe2(ends, O_CLOEXEC)) return fault_set(fault, ERR_IO, "", "pipe: %s", strerror(errno));
    (void)fcntl(ends[0], F_SETFL, O_NONBLOCK);
    char **arguments = list_arguments(scratch, program, command->arguments);
    char **environment = list_environment(scratch, command->environment);
    int failed =
        start(arguments, environment, ends[1], scope_keep_z(scratch, command->folder), &pid);
    (void)close(ends[1]);
    if (!failed) wait_for(pid, ends[0], command->timeout_ms, out);
    (void)close(ends[0]);
    if (failed) return fault_set(fault, ERR_IO, "command", "%s", strerror(failed));
    return ERR_OK;
}
