/* SPDX-License-Identifier: Apache-2.0 */
/* The data folder: design 4 (secret/, 0600) and 5 (two supervisors never hold one installation). */
#include "servers/supervisor/installation.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char folder[64];
static struct scope *life;

static void fresh(void)
{
    strcpy(folder, "/tmp/carillon-test-XXXXXX");
    CHECK(mkdtemp(folder) != NULL);
    life = scope_new(NULL, "test", SCOPE_NO_LIMIT);
}

static void remove_it(void)
{
    char command[128];
    scope_close(life);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    CHECK(system(command) == 0);
}

static struct text below(const char *name)
{
    return scope_format(life, "%s/%s", folder, name);
}

static enum err open_it(struct installation *out)
{
    struct fault fault;
    return installation_open(life, below("a/data"), (struct text){ 0 }, (struct text){ 0 }, out,
                             &fault);
}

TEST(the_first_run_makes_the_folders_and_a_secret_that_only_the_owner_may_read)
{
    struct installation installation;
    struct stat stat_of;
    fresh();
    CHECK_OK(open_it(&installation));
    CHECK(text_ends(installation.run_dir, TEXT("/a/data/run")));
    CHECK(text_ends(installation.logs_dir, TEXT("/a/data/logs")));
    CHECK(stat(below("a/data/secret").at, &stat_of) == 0 && (stat_of.st_mode & 0777) == 0700);
    CHECK(stat(below("a/data/secret/installation.key").at, &stat_of) == 0);
    CHECK_U32(stat_of.st_mode & 0777, 0600);
    remove_it();
}

TEST(the_secret_stays_the_same_and_tools_read_it)
{
    struct installation installation;
    uint8_t again[INSTALLATION_SECRET_BYTES], zero[INSTALLATION_SECRET_BYTES] = { 0 };
    struct fault fault;
    fresh();
    CHECK_OK(open_it(&installation));
    CHECK(memcmp(installation.secret, zero, sizeof zero) != 0);
    CHECK_OK(installation_read_secret(below("a/data"), again, &fault));
    CHECK(memcmp(again, installation.secret, sizeof again) == 0);
    remove_it();
}

TEST(a_secret_that_others_may_read_is_refused)
{
    struct installation installation;
    uint8_t secret[INSTALLATION_SECRET_BYTES];
    struct fault fault;
    fresh();
    CHECK_OK(open_it(&installation));
    CHECK(chmod(below("a/data/secret/installation.key").at, 0644) == 0);
    CHECK_I64(installation_read_secret(below("a/data"), secret, &fault), ERR_DENIED);
    remove_it();
}

TEST(a_cut_secret_is_refused_not_padded)
{
    struct installation installation;
    uint8_t secret[INSTALLATION_SECRET_BYTES];
    struct fault fault;
    fresh();
    CHECK_OK(open_it(&installation));
    CHECK(truncate(below("a/data/secret/installation.key").at, 63) == 0);
    CHECK_I64(installation_read_secret(below("a/data"), secret, &fault), ERR_INVALID);
    remove_it();
}

TEST(a_second_supervisor_is_refused_until_the_first_is_gone)
{
    struct installation installation;
    fresh();
    pid_t first = fork();
    if (first == 0) {
        if (open_it(&installation)) _exit(1);
        close(open(below("locked").at, O_CREAT | O_WRONLY, 0600));
        pause();
        _exit(0);
    }
    for (int i = 0; i < 500 && access(below("locked").at, F_OK) != 0; i++) usleep(10000);
    CHECK(access(below("locked").at, F_OK) == 0);
    CHECK_I64(open_it(&installation), ERR_CONFLICT);
    kill(first, SIGKILL);
    waitpid(first, NULL, 0);
    CHECK_OK(open_it(&installation));
    remove_it();
}

TEST(a_name_becomes_a_file_name_without_leaving_its_folder)
{
    fresh();
    CHECK_TEXT(installation_file(life, TEXT("run"), TEXT("outbound"), ".pid"), "run/outbound.pid");
    CHECK_TEXT(installation_file(life, TEXT("run"), TEXT("../x y"), ".pid"),
               "run/%2E%2E%2Fx%20y.pid");
    remove_it();
}

TEST(a_file_name_gives_its_name_back)
{
    struct text name;
    fresh();
    CHECK(installation_name(life, TEXT("%2E%2E%2Fx%20y.pid"), ".pid", &name));
    CHECK_TEXT(name, "../x y");
    static const char *const foreign[] = { ".pid",    "x.out",   "x.pid.new",
                                           "a%2.pid", "a b.pid", "a%zz.pid" };
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++)
        CHECK(!installation_name(life, text_of(foreign[i]), ".pid", &name));
    remove_it();
}
