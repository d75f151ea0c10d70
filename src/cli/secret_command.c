/* SPDX-License-Identifier: Apache-2.0 */
/* carillon secret: the link key of one application, for a process that no supervisor of ours starts
 * (docs/decisions/0004). */
#include "cli/command.h"
#include "cli/tool.h"

#include <stdio.h>

static int secret(int argc, char **argv)
{
    struct tool tool;
    struct fault fault = { 0 };
    uint8_t key[32];
    const char *data_dir = command_take_option(&argc, argv, "--data");
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 2) {
        fprintf(stderr, "carillon secret: of which application?\n");
        return 2;
    }
    if (tool_open(&tool, data_dir, &fault)) {
        fprintf(stderr, "carillon secret: %s\n", fault.words);
        return 1;
    }
    link_derive_key((struct text){ (const char *)tool.secret, sizeof tool.secret },
                    text_of(argv[1]), key);
    for (size_t i = 0; i < sizeof key; i++) printf("%02x", (unsigned)key[i]);
    printf("\n");
    tool_close(&tool);
    return 0;
}

const struct command secret_command = {
    .name = "secret",
    .arguments = "[--data DIR] NAME",
    .help = "print the link key of an application, for a process started by somebody else",
    .run = secret,
};
