/* SPDX-License-Identifier: Apache-2.0 */
/* carillon password: a new password for a person, by who holds the installation's secret; the
 * former one is not asked for, and a locked account is free again. */
#include "app/password.h"
#include "cli/command.h"
#include "cli/tool.h"
#include "gen/messages.h"

#include <stdio.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

enum { LINE_BYTES_MAX = PASSWORD_BYTES_MAX + 2, CONNECT_MS = 5000, SET_MS = 20000 };

/* One line without its end; false at the end of the input, or when it is too long. */
static bool read_line(FILE *in, char line[LINE_BYTES_MAX])
{
    if (fgets(line, LINE_BYTES_MAX, in) == NULL) return false;
    size_t len = strcspn(line, "\r\n");
    bool is_whole = line[len] != 0 || feof(in);
    line[len] = 0;
    return is_whole;
}

/* From the terminal, unseen. */
static bool read_hidden(const char *prompt, char line[LINE_BYTES_MAX])
{
    struct termios seen, unseen;
    fprintf(stderr, "%s: ", prompt);
    if (tcgetattr(STDIN_FILENO, &seen) != 0) return false;
    unseen = seen;
    unseen.c_lflag &= ~(tcflag_t)ECHO;
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen);
    bool is_read = read_line(stdin, line);
    (void)tcsetattr(STDIN_FILENO, TCSAFLUSH, &seen);
    fprintf(stderr, "\n");
    return is_read;
}

static bool ask_person(char password[LINE_BYTES_MAX])
{
    char again[LINE_BYTES_MAX];
    if (!isatty(STDIN_FILENO)) {
        if (read_line(stdin, password)) return true;
        fprintf(stderr, "carillon password: standard input has no line of at most %d bytes\n",
                PASSWORD_BYTES_MAX);
        return false;
    }
    if (!read_hidden("New password", password) || !read_hidden("Once more", again)) return false;
    bool is_same = strcmp(password, again) == 0;
    explicit_bzero(again, sizeof again);
    if (!is_same) fprintf(stderr, "carillon password: the two are not the same\n");
    return is_same;
}

static enum err set(const char *data_dir, const char *user, const char *password, bool must_change,
                    struct fault *fault)
{
    struct tool tool;
    struct link *link;
    struct config_set_password ask = {
        .head.has = CONFIG_SET_PASSWORD_HAS_USER_NAME | CONFIG_SET_PASSWORD_HAS_NEW_PASSWORD |
                    CONFIG_SET_PASSWORD_HAS_MUST_CHANGE,
        .user_name = text_of(user),
        .new_password = text_of(password),
        .must_change = must_change,
    };
    enum err err = tool_open(&tool, data_dir, fault);
    if (err) return err;
    err = tool_connect_config(&tool, CONNECT_MS, &link, fault);
    if (!err)
        err = tool_ask(&tool, link, &MSG_CONFIG_SET_PASSWORD, &ask, SET_MS, NULL, NULL, fault);
    tool_close(&tool);
    return err;
}

static int password(int argc, char **argv)
{
    char chosen[LINE_BYTES_MAX] = "";
    struct fault fault = { 0 };
    const char *data_dir = command_take_option(&argc, argv, "--data");
    bool is_generated = command_take_flag(&argc, argv, "--generate");
    bool must_change = command_take_flag(&argc, argv, "--must-change");
    if (!command_knows_all(argc, argv)) return 2;
    if (argc != 2) {
        fprintf(stderr, "carillon password: of which user?\n");
        return 2;
    }
    if (is_generated)
        password_generate(chosen);
    else if (!ask_person(chosen))
        return 1;
    enum err err = set(data_dir, argv[1], chosen, must_change, &fault);
    if (err)
        fprintf(stderr, "carillon password: %s\n", fault.words);
    else if (is_generated)
        printf("%s\n", chosen);
    explicit_bzero(chosen, sizeof chosen);
    return err ? 1 : 0;
}

const struct command password_command = {
    .name = "password",
    .arguments = "[--data DIR] [--generate] [--must-change] USER",
    .help = "set the password of a person",
    .more =
        "Reads the new password from the terminal, twice and unseen, or one line from standard\n"
        "input. --generate makes one and prints it. --must-change: the person has to choose\n"
        "another at the next log-in. A locked account is free again.\n",
    .run = password,
};
