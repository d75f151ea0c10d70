/* SPDX-License-Identifier: Apache-2.0 */
/* process.h - one process of the installation: made, found again, signalled, reaped.
 * Promise  a process is named by its pid and its start time, so that a pid used again is never
 *          taken for it; signals go through a pidfd. A child does nothing before it has read its
 *          birth line, and the line is written only after its pid file: a supervisor killed at any
 *          instant leaves no process that its successor cannot find.
 * Programs not ours: they run in their folder, with the words and the environment that are given,
 *          descriptors 0, 1 and 2 alone, and cannot read a birth line: until the pid file is
 * written they are held before exec. They are signalled with all that they have started (their
 *          process group), and what is left of it ends with them.
 * Child    own session (Ctrl-C is the supervisor's to hear), standard output and error appended to
 *          its .out file, descriptor 3 the birth line, no other descriptor.
 * Worlds   REAL: fork and exec. VIRTUAL: the loop's simulated machine; `machine` is NULL in
 *          the real one.
 * Source   spec framework 5; design 4, 5 */
#ifndef SERVERS_SUPERVISOR_PROCESS_H
#define SERVERS_SUPERVISOR_PROCESS_H

#include "io/net/sim_machine.h"

#include <sys/types.h>

struct process {
    pid_t pid;            /* 0: none */
    int pidfd;            /* good while pid is not 0 */
    uint64_t start_ticks; /* since the machine started, /proc/PID/stat 22 */
    bool is_child;        /* false: adopted, its exit status is not ours to learn */
    bool is_program;      /* none of ours */
    const struct sim_machine *machine;
};

struct process_birth {
    struct text name, type;        /* carillon app NAME --type TYPE */
    struct text line;              /* descriptor 3 */
    const struct program *program; /* NULL: ours; else it goes before type and line */
    struct text program_folder;    /* below which its file has to lie */
    char *const *environment;      /* of a program; NULL-ended */
    const char *pid_file, *out_file;
    /* The simulated world, which has no SIGCHLD: */
    struct scope *maker;
    void (*on_child)(void *self, uint32_t pid);
    void *self;
};

/* ERR_INVALID, ERR_DENIED, ERR_NOT_FOUND: a program's file or folder is not there, or no one to
 * run; other errors are the machine's. */
enum err process_start(const struct sim_machine *machine, const struct process_birth *birth,
                       struct process *out, struct fault *fault);
/* The process that a pid file names, if it lives. ERR_NOT_FOUND: it does not, or the file is not
 * there. */
enum err process_adopt(const struct sim_machine *machine, const char *pid_file,
                       struct process *out);
/* True once, when it has ended: then `how` tells in words, and the process is forgotten. */
bool process_has_ended(struct process *process, char *how, size_t how_size);
void process_signal(const struct process *process, int signal_number);
void process_forget(struct process *process);

#endif
