/* SPDX-License-Identifier: Apache-2.0 */
/* man.h - man pages, from the table of commands: carillon(1), and carillon-NAME(1) for each. Pure.
 */
#ifndef CLI_MAN_H
#define CLI_MAN_H

#include "base/buf.h"
#include "cli/command.h"

/* Hidden commands have no page and are not named. */
struct man_release {
    const char *version, *date; /* "2026-11-21" */
};
void man_print_all(struct buf *out, const struct command *const *commands, size_t count,
                   const struct man_release *release);
void man_print_command(struct buf *out, const struct command *command,
                       const struct man_release *release);

#endif
