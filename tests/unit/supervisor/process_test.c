/* SPDX-License-Identifier: Apache-2.0 */
/* A process is found again by pid and start time, and never confused with another one. */
#include "servers/supervisor/process.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static char pid_file[64], out_file[64];

static struct process_birth birth(void)
{
    strcpy(pid_file, "/tmp/carillon-test-pid-XXXXXX");
    strcpy(out_file, "/tmp/carillon-test-out-XXXXXX");
    close(mkstemp(pid_file));
    close(mkstemp(out_file));
    /* The child is this very program with "app" as its filter: no test has that name. */
    return (struct process_birth){ .name = TEXT("one"),
                                   .type = TEXT("outbound"),
                                   .line = TEXT("{}\n"),
                                   .pid_file = pid_file,
                                   .out_file = out_file };
}

static void remove_files(void)
{
    unlink(pid_file);
    unlink(out_file);
}

static bool ends(struct process *process, char *how, size_t how_size)
{
    for (int i = 0; i < 1000; i++) {
        if (process_has_ended(process, how, how_size)) return true;
        usleep(10000);
    }
    return false;
}

TEST(a_child_runs_the_same_program_and_its_end_is_told_in_words)
{
    struct process process;
    struct fault fault;
    char how[128] = "";
    struct process_birth one = birth();
    CHECK_OK(process_start(NULL, &one, &process, &fault));
    CHECK(process.pid > 0);
    CHECK(ends(&process, how, sizeof how));
    CHECK(strncmp(how, "exit code", 9) == 0);
    CHECK_I64(process.pid, 0);
    remove_files();
}

TEST(a_killed_child_names_its_signal)
{
    struct process process;
    struct fault fault;
    char how[128] = "";
    struct process_birth one = birth();
    CHECK_OK(process_start(NULL, &one, &process, &fault));
    process_signal(&process, SIGKILL);
    CHECK(ends(&process, how, sizeof how));
    CHECK(strstr(how, "signal 9") != NULL);
    remove_files();
}

static void take(int number)
{
    (void)number;
}

/* Between fork and exec our handlers are the child's, too. */
TEST(a_signal_that_comes_before_the_child_is_itself_is_not_lost)
{
    char how[128] = "";
    struct fault fault;
    void (*former)(int) = signal(SIGTERM, take);
    for (int i = 0; i < 20; i++) {
        struct process process;
        struct process_birth one = birth();
        CHECK_OK(process_start(NULL, &one, &process, &fault));
        process_signal(&process, SIGTERM);
        CHECK(ends(&process, how, sizeof how));
        CHECK(strstr(how, "signal 15") != NULL);
        remove_files();
    }
    (void)signal(SIGTERM, former);
}

static void write_file(const char *path, const char *text)
{
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);
    CHECK(write(file, text, strlen(text)) == (ssize_t)strlen(text));
    close(file);
}

TEST(a_living_process_is_adopted_by_its_pid_file)
{
    struct process process, again;
    struct fault fault;
    char how[128];
    struct process_birth one = birth();
    CHECK_OK(process_start(NULL, &one, &process, &fault));
    enum err err = process_adopt(NULL, pid_file, &again);
    if (!err) { /* it may have ended already */
        CHECK_I64(again.pid, process.pid);
        CHECK(!again.is_child);
        process_forget(&again);
    }
    CHECK(ends(&process, how, sizeof how));
    CHECK_I64(process_adopt(NULL, pid_file, &again), ERR_NOT_FOUND);
    remove_files();
}

TEST(a_pid_that_now_belongs_to_another_process_is_not_adopted)
{
    char line[64];
    struct process process;
    birth();
    snprintf(line, sizeof line, "%d 1\n", (int)getpid()); /* ourselves, with a wrong start time */
    write_file(pid_file, line);
    CHECK_I64(process_adopt(NULL, pid_file, &process), ERR_NOT_FOUND);
    remove_files();
}

TEST(damaged_pid_files_adopt_nobody)
{
    static const char *const lines[] = { "",     "\n",    "1 5\n",  "-4 5\n",
                                         "12\n", "x y\n", "12 x\n", "99999999999 1\n" };
    struct process process;
    birth();
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        write_file(pid_file, lines[i]);
        CHECK_I64(process_adopt(NULL, pid_file, &process), ERR_NOT_FOUND);
    }
    remove_files();
}
