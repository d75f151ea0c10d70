/* SPDX-License-Identifier: Apache-2.0 */
/* carillon completion: scripts that teach a shell the commands. */
#include "cli/command.h"
#include "cli/completion.h"

#include <stdio.h>

static int run(int argc, char **argv)
{
    struct buf out = { 0 };
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 2 || completion_print(&out, text_of(argv[1]), COMMANDS, COMMAND_COUNT)) {
        fprintf(stderr, "usage: carillon completion %s\n", completion_command.arguments);
        return 2;
    }
    (void)fwrite(out.at, 1, out.len, stdout);
    buf_free(&out);
    return 0;
}

const struct command completion_command = {
    .name = "completion",
    .arguments = "bash|zsh|fish",
    .help = "print a script that completes commands and options in a shell",
    .more = "  eval \"$(carillon completion bash)\"\n"
            "  eval \"$(carillon completion zsh)\"       behind compinit\n"
            "  carillon completion fish | source\n",
    .run = run,
};
