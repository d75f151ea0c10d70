/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - runs one program of a folder for an alarm's reaction (framework 9).
 * Safety   never a shell: arguments are handed over as they stand. The program must be an
 *          executable file of the folder itself: a link that leads out of it is refused. Its
 *          environment is PATH and what is given, its standard input is empty, no descriptor of
 *          ours is open in it.
 * Bounds   killed with all its children (its process group) after `timeout_ms`, and what it left
 *          running when it ends, too; of its output COMMAND_OUTPUT_MAX bytes are kept.
 * Thread   any: it blocks until the program has ended. */
#ifndef SERVERS_CONTROL_COMMAND_H
#define SERVERS_CONTROL_COMMAND_H

#include "base/scope.h"

enum { COMMAND_OUTPUT_MAX = 4096, COMMAND_ARGUMENTS_MAX = 64 };

struct command {
    struct text folder;      /* absolute */
    struct text name;        /* of a file in it, without '/' */
    struct text arguments;   /* by spaces */
    struct text environment; /* NAME=value, a NUL behind each */
    uint32_t timeout_ms;
};

struct command_result {
    int exit_code; /* of the program; 128 + signal when it was killed */
    bool was_too_long;
    char output[COMMAND_OUTPUT_MAX + 1]; /* standard output and error, NUL-ended, UTF-8 or not */
    size_t output_len;
};

/* ERR_OK: it ran and ended, see `out`. Otherwise it did not run: ERR_NOT_FOUND, ERR_DENIED (what
 * the rules above forbid), ERR_IO. */
enum err command_run(struct scope *scratch, const struct command *command,
                     struct command_result *out, struct fault *fault);

#endif
