/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "servers/control/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

struct ground {
    struct scope *life;
    char folder[64];
    struct command_result result;
    struct fault fault;
};

static struct ground *ground_new(void)
{
    struct scope *life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct ground *ground = scope_alloc(life, sizeof *ground);
    ground->life = life;
    (void)snprintf(ground->folder, sizeof ground->folder, "/tmp/command_test_XXXXXX");
    CHECK(mkdtemp(ground->folder) != NULL);
    return ground;
}

static void write_file(struct ground *ground, const char *name, const char *words, mode_t mode)
{
    struct text path = scope_format(ground->life, "%s/%s", ground->folder, name);
    FILE *file = fopen(path.at, "w");
    CHECK(file != NULL);
    CHECK(fputs(words, file) >= 0);
    CHECK(fclose(file) == 0);
    CHECK(chmod(path.at, mode) == 0);
}

static void remove_file(struct ground *ground, const char *name)
{
    (void)unlink(scope_format(ground->life, "%s/%s", ground->folder, name).at);
}

static void ground_free(struct ground *ground)
{
    CHECK(rmdir(ground->folder) == 0);
    scope_close(ground->life);
}

static enum err run(struct ground *ground, const char *name, const char *arguments,
                    uint32_t timeout_ms)
{
    static const char environment[] = "CARILLON_ALARM_ID=7\0CARILLON_ALARM_TEXT=$(reboot) `x`\0";
    struct command command = { .folder = text_of(ground->folder),
                               .name = text_of(name),
                               .arguments = text_of(arguments),
                               .environment = { environment, sizeof environment - 1 },
                               .timeout_ms = timeout_ms };
    return command_run(ground->life, &command, &ground->result, &ground->fault);
}

TEST(a_program_gets_its_arguments_and_the_alarm_and_nothing_of_ours)
{
    struct ground *ground = ground_new();
    write_file(ground, "tell",
               "#!/bin/sh\necho \"$#:$1:$2\"; env | sort; pwd; ls /proc/self/fd | wc -l; exit 3\n",
               0700);
    CHECK(setenv("CARILLON_SECRET_OF_OURS", "x", 1) == 0);
    CHECK_OK(run(ground, "tell", "-a  ;reboot", 20000));
    CHECK_I64(ground->result.exit_code, 3);
    CHECK(!ground->result.was_too_long);
    CHECK(strstr(ground->result.output, "2:-a:;reboot\n") == ground->result.output);
    CHECK(
        strstr(ground->result.output, "CARILLON_ALARM_ID=7\nCARILLON_ALARM_TEXT=$(reboot) `x`\n"));
    CHECK(strstr(ground->result.output, "OF_OURS") == NULL);
    CHECK(strstr(ground->result.output, ground->folder));
    CHECK(strstr(ground->result.output, "\n4\n")); /* 0, 1, 2 and ls's own */
    remove_file(ground, "tell");
    ground_free(ground);
}

TEST(only_files_of_the_folder_itself_run)
{
    struct ground *ground = ground_new();
    CHECK(symlink("/bin/true", scope_format(ground->life, "%s/out", ground->folder).at) == 0);
    write_file(ground, "plain", "#!/bin/sh\n", 0600);
    CHECK(run(ground, "out", "", 1000) == ERR_DENIED);
    CHECK(run(ground, "plain", "", 1000) == ERR_DENIED);
    CHECK(run(ground, "../bin/true", "", 1000) == ERR_DENIED);
    CHECK(run(ground, ".", "", 1000) == ERR_DENIED);
    CHECK(run(ground, "", "", 1000) == ERR_DENIED);
    CHECK(run(ground, "gone", "", 1000) == ERR_NOT_FOUND);
    remove_file(ground, "out");
    remove_file(ground, "plain");
    ground_free(ground);
}

TEST(one_that_hangs_is_killed_with_its_children_and_endless_output_is_cut)
{
    struct ground *ground = ground_new();
    write_file(ground, "hang", "#!/bin/sh\nsleep 600 & sleep 600\n", 0700);
    write_file(ground, "talk", "#!/bin/sh\nwhile :; do echo words words words; done\n", 0700);
    time_t began = time(NULL);
    CHECK_OK(run(ground, "hang", "", 200));
    CHECK(ground->result.was_too_long && ground->result.exit_code == 128 + 9);
    CHECK_OK(run(ground, "talk", "", 200));
    CHECK(ground->result.was_too_long);
    CHECK_I64(ground->result.output_len, COMMAND_OUTPUT_MAX);
    CHECK(time(NULL) - began < 60);
    remove_file(ground, "hang");
    remove_file(ground, "talk");
    ground_free(ground);
}
