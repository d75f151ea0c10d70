/* SPDX-License-Identifier: Apache-2.0 */
/* completion.h - completion scripts for shells, from the table of commands (command_words.h).
 * Hidden commands are left out. Pure. */
#ifndef CLI_COMPLETION_H
#define CLI_COMPLETION_H

#include "base/buf.h"
#include "cli/command.h"

/* `shell`: "bash", "zsh" or "fish"; ERR_INVALID: another. */
enum err completion_print(struct buf *out, struct text shell, const struct command *const *commands,
                          size_t count);

#endif
