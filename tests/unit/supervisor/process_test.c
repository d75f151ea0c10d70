/* SPDX-License-Identifier: Apache-2.0 */
/* A process is found again by pid and start time, and never confused with another one. */
#include "servers/supervisor/process.h"

#include "servers/supervisor/out_file.h"
#include "servers/supervisor/program.h"

#include "tests/unit/test.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
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

/* --- programs that are none of ours -------------------------------------------------------------
 */

static char *const environment[] = { (char *)(uintptr_t) "PATH=/bin:/usr/bin",
                                     (char *)(uintptr_t) "ONE=1", NULL };

static struct program shell(const char *script)
{
    static char *words[4];
    words[0] = (char *)(uintptr_t) "/bin/sh";
    words[1] = (char *)(uintptr_t) "-c";
    words[2] = (char *)(uintptr_t)script;
    return (struct program){ (char *)(uintptr_t) "/usr", words[0], words };
}

static void read_out(char *out, size_t size)
{
    FILE *file = fopen(out_file, "re");
    CHECK(file != NULL);
    out[fread(out, 1, size - 1, file)] = 0;
    (void)fclose(file);
}

TEST(a_program_runs_in_its_folder_with_its_environment_and_no_descriptor_of_ours)
{
    struct process process;
    struct fault fault;
    char how[128] = "", out[512];
    struct process_birth one = birth();
    struct program program =
        shell("pwd; env | grep -v -e PWD -e SHLVL -e _= | sort; ls /proc/$$/fd; exit 3");
    one.program = &program;
    one.program_folder = TEXT("/");
    one.environment = environment;
    CHECK_OK(process_start(NULL, &one, &process, &fault));
    CHECK(ends(&process, how, sizeof how));
    CHECK_TEXT(text_of(how), "exit code 3");
    read_out(out, sizeof out);
    CHECK_TEXT(text_of(out), "/usr\nONE=1\nPATH=/bin:/usr/bin\n0\n1\n2\n");
    remove_files();
}

TEST(a_program_is_signalled_and_ends_with_all_that_it_has_started)
{
    struct process process;
    struct fault fault;
    char how[128] = "", out[64] = "";
    struct process_birth one = birth();
    /* The child does not hear SIGTERM: it goes with the one it belongs to. */
    struct program program = shell("(trap '' TERM; echo $$; exec sleep 100) & echo $!; wait");
    one.program = &program;
    one.program_folder = TEXT("/");
    one.environment = environment;
    CHECK_OK(process_start(NULL, &one, &process, &fault));
    for (int i = 0; i < 1000 && strchr(out, '\n') == NULL; i++) {
        usleep(10000);
        read_out(out, sizeof out);
    }
    pid_t child = (pid_t)strtol(out, NULL, 10);
    usleep(100000);
    CHECK(child > 1);
    process_signal(&process, SIGTERM);
    CHECK(ends(&process, how, sizeof how));
    int i = 0;
    while (i++ < 1000 && kill(child, 0) == 0) {
        char path[64], stat[256] = "";
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)child);
        FILE *file = fopen(path, "re");
        if (file == NULL) break;
        bool is_read = fgets(stat, sizeof stat, file) != NULL;
        (void)fclose(file);
        if (is_read && strstr(stat, ") Z ")) break; /* nobody reaps it here */
        usleep(10000);
    }
    CHECK(i < 1000);
    remove_files();
}

TEST(what_is_no_program_is_refused_before_a_process_is_made)
{
    struct process process;
    char path[64];
    struct process_birth one = birth();
    struct program program = shell("true");
    one.program = &program;
    one.program_folder = TEXT("/");
    one.environment = environment;
    struct fault fault = { 0 };
    program.dir = (char *)(uintptr_t) "/nowhere/at/all";
    CHECK_I64(process_start(NULL, &one, &process, &fault), ERR_NOT_FOUND);
    CHECK_TEXT(text_of(fault.field), "start.dir");
    program.dir = (char *)(uintptr_t) "/tmp";
    program.path = (char *)(uintptr_t) "/nowhere/at/all";
    CHECK_I64(process_start(NULL, &one, &process, &fault), ERR_NOT_FOUND);
    program.path = (char *)(uintptr_t) "/usr";
    CHECK_I64(process_start(NULL, &one, &process, &fault), ERR_DENIED);
    program.path = (char *)(uintptr_t) "/bin/sh";
    one.program_folder = TEXT("/opt");
    CHECK_I64(process_start(NULL, &one, &process, &fault), ERR_DENIED);
    one.program_folder = TEXT("");
    CHECK_I64(process_start(NULL, &one, &process, &fault), ERR_DENIED);
    one.program_folder = TEXT("/tmp");
    strcpy(path, "/tmp/carillon-test-program-XXXXXX");
    int file = mkstemp(path);
    program.path = path;
    CHECK_I64(process_start(NULL, &one, &process, &fault), ERR_DENIED); /* not executable */
    CHECK(fchmod(file, 0777) == 0);
    CHECK_I64(process_start(NULL, &one, &process, &fault), ERR_DENIED); /* everybody's */
    CHECK_TEXT(text_of(fault.field), "start.command");
    (void)close(file);
    unlink(path);
    remove_files();
}

TEST(output_that_grows_too_long_begins_anew_and_its_end_is_kept)
{
    char before[80], *much = malloc(OUT_FILE_BYTES_MAX + 4);
    struct stat status;
    birth();
    int file = open(out_file, O_WRONLY | O_APPEND | O_CLOEXEC);
    memset(much, 'a', OUT_FILE_BYTES_MAX + 4);
    CHECK(write(file, much, OUT_FILE_BYTES_MAX) == OUT_FILE_BYTES_MAX);
    CHECK(!out_file_is_long(out_file));
    CHECK(write(file, "end\n", 4) == 4);
    CHECK(out_file_is_long(out_file));
    out_file_shorten(out_file);
    CHECK(stat(out_file, &status) == 0 && status.st_size == 0);
    CHECK(write(file, "on\n", 3) == 3); /* the writer goes on where the file now ends */
    CHECK(stat(out_file, &status) == 0 && status.st_size == 3);
    (void)snprintf(before, sizeof before, "%s.before", out_file);
    CHECK(stat(before, &status) == 0 && status.st_size == OUT_FILE_KEPT_BYTES);
    int kept = open(before, O_RDONLY | O_CLOEXEC);
    CHECK(pread(kept, much, 4, OUT_FILE_KEPT_BYTES - 4) == 4 && memcmp(much, "end\n", 4) == 0);
    (void)close(kept);
    (void)close(file);
    unlink(before);
    free(much);
    remove_files();
}
