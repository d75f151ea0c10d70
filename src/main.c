/* SPDX-License-Identifier: Apache-2.0 */
/* The one binary: a table of commands, and a list of the servers it can be. Begin with the table.
 */
#include "cli/roles.h"

#include <stdio.h>
#include <string.h>

extern const struct app_type APP_TYPE_CONFIG, APP_TYPE_CONTROL, APP_TYPE_OUTBOUND, APP_TYPE_WEB;

const struct app_type *const APP_TYPES[] = { &APP_TYPE_CONFIG, &APP_TYPE_CONTROL,
                                             &APP_TYPE_OUTBOUND, &APP_TYPE_WEB, NULL };

/* Application objects name the product's types (framework 2.3). */
const struct supervisor_role ROLES[] = {
    { "ConfigurationServer", "config" }, { "CMServer", "outbound" },
    { "WebAPIServer", "web" },           { "SCS", "control" },
    { "MessageServer", "control" },
};
const size_t ROLE_COUNT = sizeof ROLES / sizeof *ROLES;

static int version(int argc, char **argv)
{
    (void)argc, (void)argv;
    printf("carillon %s\n", CARILLON_VERSION);
    return 0;
}

const struct command version_command = {
    .name = "version", .arguments = "", .help = "print the release", .run = version
};

static int help(int argc, char **argv);
static const struct command help_command = { .name = "help",
                                             .arguments = "[COMMAND]",
                                             .help = "print this, or more about one command",
                                             .run = help };

/* Run by outbound, which hands it one end of a socketpair as descriptor 3 (outbound 14.1). */
int http_proxy_main(void);

static int http_proxy(int argc, char **argv)
{
    (void)argc, (void)argv;
    return http_proxy_main();
}

static const struct command http_proxy_command = { .name = "http-proxy-child",
                                                   .arguments = "",
                                                   .help = "be the HTTP Proxy of outbound",
                                                   .run = http_proxy,
                                                   .is_hidden = true };

const struct command *const COMMANDS[] = {
    &run_command,        &status_command,   &start_command,      &stop_command,
    &config_command,     &import_command,   &secret_command,     &password_command,
    &version_command,    &dnc_command,      &explain_command,    &ask_command,
    &help_command,       &app_command,      &http_proxy_command, &notifications_command,
    &scxml_command,      &strategy_command, &size_command,       &log_command,
    &completion_command, &man_command,      &ctl_command,        &migrate_command,
};
const size_t COMMAND_COUNT = sizeof COMMANDS / sizeof *COMMANDS;

static const struct command *find(const char *name)
{
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (strcmp(COMMANDS[i]->name, name) == 0) return COMMANDS[i];
    return NULL;
}

static void print_commands(FILE *out)
{
    fprintf(out, "Carillon, a contact centre.\n\nusage: carillon COMMAND ...\n\n");
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        if (!COMMANDS[i]->is_hidden)
            fprintf(out, "  %-13s %s\n", COMMANDS[i]->name, COMMANDS[i]->help);
    fprintf(out, "\nMost commands need to know the data folder of the installation: --data DIR,\n"
                 "else $CARILLON_DATA, else ./run.\n");
}

static int help(int argc, char **argv)
{
    const struct command *command = argc > 1 ? find(argv[1]) : NULL;
    if (argc > 1 && command == NULL) {
        fprintf(stderr, "carillon help: no command %s\n", argv[1]);
        return 2;
    }
    if (command == NULL) {
        print_commands(stdout);
        return 0;
    }
    printf("usage: carillon %s %s\n\n%s\n", command->name, command->arguments, command->help);
    if (command->more) printf("\n%s", command->more);
    return 0;
}

int main(int argc, char **argv)
{
    if (argc < 2) {
        print_commands(stderr);
        return 2;
    }
    const char *name = argv[1];
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
    if (strcmp(name, "--version") == 0) name = "version";
    const struct command *command = find(name);
    if (command == NULL) {
        fprintf(stderr, "carillon: no command %s (see: carillon help)\n", name);
        return 2;
    }
    for (int i = 2; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0) return help(2, (char *[]){ argv[1], argv[1], NULL });
    return command->run(argc - 1, argv + 1);
}
