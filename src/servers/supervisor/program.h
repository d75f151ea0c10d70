/* SPDX-License-Identifier: Apache-2.0 */
/* program.h - how a program that is not ours is started, from Start Info of its Application object
 * (framework 2.3, 5, 6.1).
 * Rules    the working directory is an absolute path; the program is one as well, or a path below
 *          the working directory: nothing is looked for in PATH; ".." stands in neither. Words are
 *          parted by blanks; '...' and "..." keep them together, a backslash takes the next
 *          character as it stands. There is no shell: nothing is expanded.
 * Bounds   PROGRAM_WORDS_MAX words.
 * Pure     no I/O: whether the file is there, its starter finds out. */
#ifndef SERVERS_SUPERVISOR_PROGRAM_H
#define SERVERS_SUPERVISOR_PROGRAM_H

#include "base/scope.h"

enum { PROGRAM_WORDS_MAX = 256 };

struct program_start {
    struct text dir, command, arguments; /* Start of the object */
    /* Behind its own arguments (framework 6.1); without an application, none. */
    struct text application, host, port;
};

struct program {
    char *dir;
    char *path;  /* of its file: absolute */
    char **argv; /* path first, NULL-ended */
};

/* Everything lies in `scope`. The fault names start.dir, start.command or start.arguments. */
enum err program_parse(struct scope *scope, const struct program_start *start, struct program **out,
                       struct fault *fault);

#endif
