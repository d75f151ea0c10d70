/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/store/postgres_server.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <grp.h>
#include <libpq-fe.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PATH_BYTES = 300, START_WAIT_S = 30, STEP_US = 20000 };

static struct {
    char programs[PATH_BYTES], folder[PATH_BYTES];
    unsigned port, schema_count;
    pid_t pid, owner; /* the owner's children do not stop it */
    unsigned other_port;
    pid_t other; /* 0: there is none */
} server;

bool postgres_is_chosen(void)
{
    const char *on = getenv("STORE_ON");
    return on && strcmp(on, "postgresql") == 0;
}

/* --- programs --- */

static bool find_programs(void)
{
    for (int version = 20; version >= 13; version--) {
        (void)snprintf(server.programs, sizeof server.programs, "/usr/lib/postgresql/%d/bin",
                       version);
        if (access(server.programs, X_OK) == 0) return true;
    }
    return false;
}

/* PostgreSQL refuses to be root. */
static void become_postgres(void)
{
    const struct passwd *user = getuid() == 0 ? getpwnam("postgres") : NULL;
    if (user == NULL) return;
    if (setgroups(0, NULL) || setgid(user->pw_gid) || setuid(user->pw_uid)) _exit(126);
}

/* `line`: a program of PostgreSQL with its arguments, for a shell that it replaces. */
static pid_t spawn(const char *line)
{
    char command[PATH_BYTES * 4];
    (void)snprintf(command, sizeof command, "exec %s/%s >>%s/log 2>&1", server.programs, line,
                   server.folder);
    pid_t pid = fork();
    CHECK(pid >= 0);
    if (pid > 0) return pid;
    (void)setpgid(0, 0);
    become_postgres();
    (void)prctl(PR_SET_PDEATHSIG, SIGQUIT);
    if (chdir("/") == 0) (void)execl("/bin/sh", "sh", "-c", command, (char *)NULL);
    _exit(127);
}

static unsigned free_port(void)
{
    struct sockaddr_in address = { .sin_family = AF_INET,
                                   .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t len = sizeof address;
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK(file >= 0 && bind(file, (struct sockaddr *)&address, len) == 0);
    CHECK(getsockname(file, (struct sockaddr *)&address, &len) == 0);
    (void)close(file);
    return ntohs(address.sin_port);
}

static PGconn *connect_as_anybody(unsigned port)
{
    char conninfo[PATH_BYTES];
    (void)snprintf(conninfo, sizeof conninfo,
                   "host=127.0.0.1 port=%u user=carillon dbname=postgres connect_timeout=2", port);
    return PQconnectdb(conninfo);
}

static bool answers(unsigned port)
{
    PGconn *handle = connect_as_anybody(port);
    bool is_well = PQstatus(handle) == CONNECTION_OK;
    PQfinish(handle);
    return is_well;
}

/* --- its life --- */

static void make_cluster(void)
{
    char line[PATH_BYTES * 2];
    const struct passwd *user = getpwnam("postgres");
    const char *base = getenv("TMPDIR");
    (void)snprintf(server.folder, sizeof server.folder, "%s/carillon-pg-XXXXXX",
                   base ? base : "/tmp");
    CHECK(mkdtemp(server.folder) != NULL);
    if (getuid() == 0) CHECK(user && chown(server.folder, user->pw_uid, user->pw_gid) == 0);
    (void)snprintf(line, sizeof line,
                   "initdb -D %s/data -U carillon -A trust -E UTF8 --locale=C --no-sync",
                   server.folder);
    int status;
    CHECK(waitpid(spawn(line), &status, 0) > 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

/* fsync off: what is killed loses nothing that it handed to the system. */
static pid_t start(const char *data, unsigned port, const char *more)
{
    char line[PATH_BYTES * 3];
    (void)snprintf(line, sizeof line,
                   "postgres -D %s/%s -h 127.0.0.1 -p %u -k %s -c shared_buffers=16MB "
                   "-c fsync=off -c max_connections=20 -c autovacuum=off %s",
                   server.folder, data, port, server.folder, more);
    pid_t pid = spawn(line);
    for (int i = 0; i < START_WAIT_S * 1000000 / STEP_US && !answers(port); i++)
        (void)usleep(STEP_US);
    CHECK(answers(port));
    return pid;
}

void postgres_server_start(void)
{
    server.pid = start("data", server.port, "");
}

/* The postmaster and its children. */
static void signal_all(int number)
{
    struct dirent *entry;
    DIR *folder = opendir("/proc");
    CHECK(folder != NULL);
    while ((entry = readdir(folder)) != NULL) {
        char path[PATH_BYTES], line[512] = "";
        int parent = 0;
        pid_t pid = (pid_t)strtol(entry->d_name, NULL, 10);
        if (pid <= 0) continue;
        (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
        FILE *file = fopen(path, "re");
        if (file == NULL) continue;
        if (fgets(line, sizeof line, file)) {
            const char *behind = strrchr(line, ')');
            if (behind) (void)sscanf(behind, ") %*c %d", &parent);
        }
        (void)fclose(file);
        if (parent == server.pid) (void)kill(pid, number);
    }
    (void)closedir(folder);
    (void)kill(server.pid, number);
}

void postgres_server_freeze(bool is_frozen)
{
    signal_all(is_frozen ? SIGSTOP : SIGCONT);
}

void postgres_server_kill(void)
{
    signal_all(SIGSTOP); /* so that no child outlives the walk through them */
    signal_all(SIGKILL);
    CHECK(waitpid(server.pid, NULL, 0) == server.pid);
    server.pid = 0;
}

unsigned postgres_server_begin_split(void)
{
    char command[PATH_BYTES * 4];
    postgres_server_kill();
    (void)snprintf(command, sizeof command, "cp -a %s/data %s/other && rm -f %s/*/postmaster.pid",
                   server.folder, server.folder, server.folder);
    CHECK(system(command) == 0);
    server.pid = start("data", server.port, "-c synchronous_standby_names=nobody");
    server.other_port = free_port();
    server.other = start("other", server.other_port, "");
    return server.other_port;
}

static void stop_other(void)
{
    if (server.other == 0) return;
    (void)kill(server.other, SIGQUIT);
    (void)waitpid(server.other, NULL, 0);
    server.other = 0;
}

void postgres_server_end_split(void)
{
    stop_other();
    postgres_server_kill();
    postgres_server_start();
}

void postgres_server_drop_sessions(void)
{
    PGconn *handle = connect_as_anybody(server.port);
    PGresult *result = PQexec(handle, "SELECT count(pg_terminate_backend(pid)) FROM "
                                      "pg_stat_activity WHERE pid <> pg_backend_pid() AND "
                                      "backend_type = 'client backend'");
    CHECK(PQresultStatus(result) == PGRES_TUPLES_OK);
    PQclear(result);
    PQfinish(handle);
}

static void stop(void)
{
    if (getpid() != server.owner) return;
    stop_other();
    if (server.pid) {
        postgres_server_freeze(false);
        (void)kill(server.pid, SIGQUIT);
        (void)waitpid(server.pid, NULL, 0);
    }
    pid_t pid = fork();
    if (pid == 0) {
        (void)execlp("rm", "rm", "-rf", server.folder, (char *)NULL);
        _exit(127);
    }
    (void)waitpid(pid, NULL, 0);
}

static bool begin(void)
{
    if (!find_programs() || (getuid() == 0 && getpwnam("postgres") == NULL)) return false;
    server.owner = getpid();
    server.port = free_port();
    make_cluster();
    CHECK(atexit(stop) == 0);
    postgres_server_start();
    return true;
}

unsigned postgres_server_port(void)
{
    return server.port;
}

bool postgres_server_path(char *out, size_t room)
{
    if (server.folder[0] == '\0' && !begin()) return false;
    (void)snprintf(out, room,
                   POSTGRES_SCHEME "test_%u:host=127.0.0.1 port=%u user=carillon dbname=postgres",
                   ++server.schema_count, server.port);
    return true;
}
