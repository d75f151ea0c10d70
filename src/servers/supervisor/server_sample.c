/* SPDX-License-Identifier: Apache-2.0 */
/* Figures of this machine and of what we run on it, from /proc (proc(5)). A figure that cannot be
 * read is absent. */
#include "servers/supervisor/server_private.h"

#include "gen/messages.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/statvfs.h>
#include <unistd.h>

enum { FILE_BYTES_MAX = 8192, KIB = 1024 };

static struct text read_small(struct scope *scope, const char *path)
{
    int file = open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return (struct text){ 0 };
    char *bytes = scope_alloc(scope, FILE_BYTES_MAX);
    ssize_t len = read(file, bytes, FILE_BYTES_MAX - 1);
    close(file);
    return len > 0 ? (struct text){ bytes, (size_t)len } : (struct text){ 0 };
}

/* The words of a line, blanks between them however many. */
static bool next_word(struct text *rest, struct text *word)
{
    *rest = text_trim(*rest);
    size_t len = 0;
    while (len < rest->len && rest->at[len] != ' ' && rest->at[len] != '\n' &&
           rest->at[len] != '\t')
        len++;
    *word = text_slice(*rest, 0, len);
    *rest = text_slice(*rest, len, SIZE_MAX);
    return len > 0;
}

static uint64_t number_of(struct text word)
{
    uint64_t value = 0;
    return text_to_u64(word, 0, UINT64_MAX, &value) ? 0 : value;
}

/* --- the machine ------------------------------------------------------------------------------ */

/* "MemAvailable:   123 kB" */
static uint64_t memory_line(struct text content, const char *name)
{
    struct text line, word;
    while (text_next_item(&content, '\n', &line)) {
        if (!next_word(&line, &word) || !text_eq(word, text_of(name))) continue;
        return next_word(&line, &word) ? number_of(word) * KIB : 0;
    }
    return 0;
}

/* "cpu  user nice system idle iowait irq softirq steal ..." */
static struct machine_load read_load(struct scope *scope)
{
    enum { IDLE = 4, IOWAIT = 5, STEAL = 8 };
    struct text content = read_small(scope, "/proc/stat"), word;
    struct machine_load load = { 0 };
    for (int i = 0; i <= STEAL && next_word(&content, &word); i++) {
        if (i == 0) continue;
        load.all += number_of(word);
        if (i != IDLE && i != IOWAIT) load.busy += number_of(word);
    }
    return load;
}

static void sample_processors(struct supervisor *supervisor, struct scope *scope,
                              struct control_host_sample *out)
{
    struct machine_load now = read_load(scope), before = supervisor->load;
    struct text content = read_small(scope, "/proc/loadavg"), word;
    supervisor->load = now;
    out->processors = (uint32_t)sysconf(_SC_NPROCESSORS_ONLN);
    out->head.has |= CONTROL_HOST_SAMPLE_HAS_PROCESSORS;
    if (next_word(&content, &word) && text_to_f64(word, &out->load) == ERR_OK)
        out->head.has |= CONTROL_HOST_SAMPLE_HAS_LOAD;
    if (now.all <= before.all) return;
    out->cpu = (double)(now.busy - before.busy) / (double)(now.all - before.all);
    out->head.has |= CONTROL_HOST_SAMPLE_HAS_CPU;
}

static void sample_memory(struct scope *scope, struct control_host_sample *out)
{
    struct text content = read_small(scope, "/proc/meminfo");
    if (content.len == 0) return;
    out->memory = memory_line(content, "MemTotal:");
    out->memory_free = memory_line(content, "MemAvailable:");
    out->head.has |= CONTROL_HOST_SAMPLE_HAS_MEMORY | CONTROL_HOST_SAMPLE_HAS_MEMORY_FREE;
}

static void sample_disk(const struct supervisor *supervisor, struct control_host_sample *out)
{
    struct statvfs disk;
    if (statvfs(supervisor->installation.data_dir.at, &disk) != 0) return;
    out->disk = (uint64_t)disk.f_blocks * disk.f_frsize;
    out->disk_free = (uint64_t)disk.f_bavail * disk.f_frsize;
    out->head.has |= CONTROL_HOST_SAMPLE_HAS_DISK | CONTROL_HOST_SAMPLE_HAS_DISK_FREE;
}

/* --- its processes ---------------------------------------------------------------------------- */

/* Fields of /proc/PID/stat are counted behind the command's name, which may hold anything. */
static bool sample_process(struct scope *scope, pid_t pid, struct text name,
                           struct control_process_sample *out)
{
    enum { AFTER_NAME = 3, USER = 14, SYSTEM = 15, THREADS = 20, RESIDENT = 24 };
    char path[64];
    (void)snprintf(path, sizeof path, "/proc/%d/stat", (int)pid);
    struct text content = read_small(scope, path), word;
    size_t end = content.len;
    while (end > 0 && content.at[end - 1] != ')') end--;
    if (end == 0) return false;
    struct text rest = text_slice(content, end, SIZE_MAX);
    uint64_t ticks = 0;
    *out = (struct control_process_sample){
        .head.has = CONTROL_PROCESS_SAMPLE_HAS_NAME | CONTROL_PROCESS_SAMPLE_HAS_PID |
                    CONTROL_PROCESS_SAMPLE_HAS_CPU | CONTROL_PROCESS_SAMPLE_HAS_MEMORY |
                    CONTROL_PROCESS_SAMPLE_HAS_THREADS,
        .name = name,
        .pid = (uint32_t)pid,
    };
    for (int field = AFTER_NAME; field <= RESIDENT && next_word(&rest, &word); field++) {
        if (field == USER || field == SYSTEM) ticks += number_of(word);
        if (field == THREADS) out->threads = (uint32_t)number_of(word);
        if (field == RESIDENT) out->memory = number_of(word) * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    out->cpu = (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return true;
}

static void sample_processes(const struct supervisor *supervisor, struct scope *scope,
                             struct control_host_sample *out)
{
    size_t room = table_count(supervisor->by_name) + 1;
    out->head.has |= CONTROL_HOST_SAMPLE_HAS_PROCESSES;
    out->processes.at = scope_alloc_array(scope, room, sizeof *out->processes.at);
    if (sample_process(scope, getpid(), TEXT("supervisor"), &out->processes.at[0]))
        out->processes.count = 1;
    LIST_EACH (node, &supervisor->all) {
        const struct supervised *supervised = LIST_OBJECT(node, struct supervised, node);
        if (supervised->process.pid == 0) continue;
        if (sample_process(scope, supervised->process.pid, supervised->name,
                           &out->processes.at[out->processes.count]))
            out->processes.count++;
    }
}

struct control_host_sample sample_machine(struct supervisor *supervisor, struct scope *scope)
{
    struct control_host_sample out = {
        .head.has = CONTROL_HOST_SAMPLE_HAS_HOST | CONTROL_HOST_SAMPLE_HAS_TIME,
        .host = supervisor->file->host,
        .time = loop_now_utc_ms(supervisor->loop),
    };
    if (supervisor->simulation) return out; /* its processes are none of the machine's */
    sample_processors(supervisor, scope, &out);
    sample_memory(scope, &out);
    sample_disk(supervisor, &out);
    sample_processes(supervisor, scope, &out);
    return out;
}
