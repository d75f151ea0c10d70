/* SPDX-License-Identifier: Apache-2.0 */
/* carillon run, and carillon app: what the supervisor starts. */
#include "cli/roles.h"
#include "servers/supervisor/server.h"

#include <stdio.h>
#include <string.h>

static int run(int argc, char **argv)
{
    struct supervisor_setup setup = { .roles = ROLES, .role_count = ROLE_COUNT };
    setup.data_dir = command_take_option(&argc, argv, "--data");
    setup.host_file = command_take_option(&argc, argv, "--host-file");
    if (!command_knows_all(argc, argv)) return 2;
    if (argc > 1) {
        fprintf(stderr, "carillon run: what is %s?\n", argv[1]);
        return 2;
    }
    return supervisor_run(&setup);
}

const struct command run_command = {
    .name = "run",
    .arguments = "[--data DIR] [--host-file FILE]",
    .help =
        "run the supervisor of this host in the foreground, and with it the host's applications",
    .more =
        "Starts config, and then every application that has its Application object on this\n"
        "host with sml.autostart = true; restarts what dies. Ctrl-C stops all in reverse order:\n"
        "once gracefully, twice at once, three times by force.\n"
        "  --data DIR        data folder; default: as host.jsonc says, else ./run\n"
        "  --host-file FILE  default: host.jsonc in the data folder, left there by an earlier "
        "run\n",
    .run = run,
};

static int app(int argc, char **argv)
{
    const char *type = command_take_option(&argc, argv, "--type");
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 2) {
        fprintf(stderr, "carillon app: which application? (the supervisor starts this)\n");
        return 2;
    }
    if (type == NULL) type = argv[1];
    for (const struct app_type *const *one = APP_TYPES; *one != NULL; one++)
        if (strcmp((*one)->name, type) == 0) return app_main(*one);
    fprintf(stderr, "carillon app: no application type %s\n", type);
    return 2;
}

const struct command app_command = {
    .name = "app",
    .arguments = "NAME [--type TYPE]",
    .help = "be one application; reads its birth line from descriptor 3",
    .run = app,
    .is_hidden = true,
};
