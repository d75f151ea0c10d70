/* SPDX-License-Identifier: Apache-2.0 */
/* command_words.h - the words that a command's own help declares, for completion and man pages: no
 * second table that could forget one.
 * Options  each --word in its arguments or its longer help.
 * Verbs    each lower-case word of its arguments: "plan FILE | apply FILE".
 * Pure     no clock, no I/O. */
#ifndef CLI_COMMAND_WORDS_H
#define CLI_COMMAND_WORDS_H

#include "cli/command.h"

enum { COMMAND_WORDS_MAX = 64, COMMAND_WORD_BYTES_MAX = 40 };

struct command_words {
    char words[COMMAND_WORDS_MAX][COMMAND_WORD_BYTES_MAX]; /* options with their dashes; sorted */
    int count;
};
void command_options(const struct command *command, struct command_words *out);
void command_verbs(const struct command *command, struct command_words *out);

#endif
