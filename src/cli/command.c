/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

static void take_out(int *argc, char **argv, int at, int count)
{
    for (int i = at; i + count <= *argc; i++) argv[i] = argv[i + count];
    *argc -= count;
}

const char *command_take_option(int *argc, char **argv, const char *name)
{
    size_t len = strlen(name);
    for (int i = 1; i < *argc; i++) {
        if (strncmp(argv[i], name, len) != 0) continue;
        if (argv[i][len] == '=') {
            const char *value = argv[i] + len + 1;
            take_out(argc, argv, i, 1);
            return value;
        }
        if (argv[i][len] != 0) continue;
        const char *value = i + 1 < *argc ? argv[i + 1] : "";
        take_out(argc, argv, i, i + 1 < *argc ? 2 : 1);
        return value;
    }
    return NULL;
}

bool command_take_flag(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc; i++) {
        if (strcmp(argv[i], name) != 0) continue;
        take_out(argc, argv, i, 1);
        return true;
    }
    return false;
}

bool command_knows_all(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (strncmp(argv[i], "--", 2) == 0) {
            fprintf(stderr, "carillon %s: unknown option %s (see: carillon help %s)\n", argv[0],
                    argv[i], argv[0]);
            return false;
        }
    return true;
}
