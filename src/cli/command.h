/* SPDX-License-Identifier: Apache-2.0 */
/* command.h - the commands of `carillon`: main.c has one table of them, each in its own file.
 * A command gets the words behind its name, argv[0] being the name itself, and returns the exit
 * code: 0 done, 1 failed, 2 wrong use (unless its help says otherwise). */
#ifndef CLI_COMMAND_H
#define CLI_COMMAND_H

#include "base/text.h"

struct command {
    const char *name;
    const char *arguments; /* "[--data DIR] NAME" */
    const char *help;      /* one line */
    const char *more;      /* `carillon help NAME`; may be NULL */
    int (*run)(int argc, char **argv);
    bool is_hidden; /* for our own processes, not in the help */
};

/* All of them, in main.c. What is in a command's words is what completion and man pages know of it:
 * an option that `arguments` or `more` do not name is not there (command_words.h). */
extern const struct command *const COMMANDS[];
extern const size_t COMMAND_COUNT;

/* Takes "--name VALUE" or "--name=VALUE" out of argv wherever it stands; NULL: not given. A name at
 * the very end without value gives "". */
const char *command_take_option(int *argc, char **argv, const char *name);
/* Takes the bare "--name" out of argv; false: not given. */
bool command_take_flag(int *argc, char **argv, const char *name);
/* After the options are taken: complains about words left over that begin with "--". */
bool command_knows_all(int argc, char **argv);

extern const struct command run_command, app_command, version_command;
extern const struct command status_command, start_command, stop_command, secret_command;
extern const struct command ask_command;
extern const struct command ctl_command;     /* ctl_command.c */
extern const struct command dnc_command;     /* dnc_command.c */
extern const struct command explain_command; /* explain_command.c */
extern const struct command password_command;
extern const struct command config_command;        /* config_command.c */
extern const struct command import_command;        /* import_command.c */
extern const struct command notifications_command; /* notifications_command.c */
extern const struct command scxml_command;         /* scxml_command.c */
extern const struct command strategy_command;      /* strategy_command.c */

extern const struct command migrate_command;    /* migrate_command.c */
extern const struct command size_command;       /* size_command.c */
extern const struct command log_command;        /* log_command.c */
extern const struct command completion_command; /* completion_command.c */
extern const struct command man_command;        /* man_command.c */

#endif
