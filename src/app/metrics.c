/* SPDX-License-Identifier: Apache-2.0 */
/* Prometheus text, format 0.0.4: HELP, TYPE and one sample each, labelled with the application; the
 * supervisor puts those of all applications on one page. */
#include "app/private.h"
#include "store/store.h"

#include <dirent.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { COUNTERS_BYTES_MAX = 4096 };

static void add_escaped(struct buf *out, struct text text)
{
    for (size_t i = 0; i < text.len; i++) {
        if (text.at[i] == '\n') {
            buf_add_z(out, "\\n");
            continue;
        }
        if (text.at[i] == '"' || text.at[i] == '\\') buf_add_byte(out, '\\');
        buf_add_byte(out, text.at[i]);
    }
}

/* HELP lines escape backslash and line end only. */
static void add_help(struct buf *out, const char *help)
{
    for (; *help; help++) {
        if (*help == '\\') buf_add_byte(out, '\\');
        buf_add_byte(out, *help == '\n' ? ' ' : *help);
    }
}

static void add_head(const struct app *app, struct buf *out, const char *name, bool is_gauge,
                     const char *help)
{
    buf_format(out, "# HELP carillon_%s ", name);
    add_help(out, help);
    buf_format(out, "\n# TYPE carillon_%s %s\ncarillon_%s{application=\"", name,
               is_gauge ? "gauge" : "counter", name);
    add_escaped(out, app->name);
    buf_add_z(out, "\"} ");
}

static void add_u64(const struct app *app, struct buf *out, const char *name, bool is_gauge,
                    const char *help, uint64_t value)
{
    add_head(app, out, name, is_gauge, help);
    buf_add_u64(out, value);
    buf_add_byte(out, '\n');
}

static void add_ms(const struct app *app, struct buf *out, const char *name, bool is_gauge,
                   const char *help, uint64_t ms)
{
    add_head(app, out, name, is_gauge, help);
    buf_format(out, "%" PRIu64 ".%03u\n", ms / 1000, (unsigned)(ms % 1000));
}

static uint64_t resident_bytes(void)
{
    FILE *file = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;
    if (file == NULL) return 0;
    if (fscanf(file, "%*u %llu", &pages) != 1) pages = 0;
    (void)fclose(file);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static uint64_t open_descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    uint64_t count = 0;
    if (folder == NULL) return 0;
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) count += entry->d_name[0] != '.';
    (void)closedir(folder);
    return count - 1; /* the folder's own */
}

static uint64_t cpu_ms(void)
{
    struct rusage usage;
    if (getrusage(RUSAGE_SELF, &usage) != 0) return 0;
    int64_t us = (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000ll +
                 usage.ru_utime.tv_usec + usage.ru_stime.tv_usec;
    return (uint64_t)us / 1000;
}

static void add_process(const struct app *app, struct buf *out)
{
    const struct app_private *private = app->private;
    add_u64(app, out, "process_resident_memory_bytes", true, "Memory of the process.",
            resident_bytes());
    struct mallinfo2 heap = mallinfo2();
    add_u64(app, out, "process_heap_bytes", true, "Memory handed out by malloc.",
            heap.uordblks + heap.hblkhd);
    add_u64(app, out, "store_cache_bytes", true,
            "Memory of the store's database engine, part of the heap: caches of up to 32 MiB.",
            store_cache_bytes());
    add_u64(app, out, "process_open_fds", true, "Open descriptors of the process.",
            open_descriptors());
    add_ms(app, out, "process_cpu_seconds_total", false, "Processor time of the process.",
           cpu_ms());
    add_ms(app, out, "process_start_time_seconds", true, "When it started, in UTC.",
           private->started_utc_ms);
    add_u64(app, out, "up", true, "1 while its state is running.", private->state == APP_RUNNING);
    add_u64(app, out, "configuration_revision", true, "The configuration it works with.",
            private->config_rev);
    add_u64(app, out, "slow_handlers_total", false,
            "Handlers that kept the loop for 20 ms or more.", loop_slow(app->loop)->count);
    struct logger_counters log = { 0 };
    if (private->logger) log = logger_counters(private->logger);
    add_u64(app, out, "log_lines_total", false, "Lines written to the log.", log.lines);
    add_u64(app, out, "log_lines_lost_total", false, "Lines that no output could take.",
            log.lines_lost);
}

static void add_network(const struct app *app, struct buf *out)
{
    add_u64(app, out, "accept_pauses_total", false,
            "Rests of a port that had no descriptors or memory left.",
            net_counters(app->net)->accept_pauses);
    if (app->private->links == NULL) return;
    const struct link_counters *links = link_server_counters(app->private->links);
    add_u64(app, out, "links_refused_total", false,
            "Links that were refused or closed: no proof of identity, no frame, no answer.",
            links->openings_refused + links->malformed_frames);
}

struct counted {
    _Alignas(16) char values[COUNTERS_BYTES_MAX];
};

/* The server's own, as they are now; NULL: it has none, or not yet. */
static const struct counter_table *count_own(struct app *app, struct counted *out)
{
    const struct counter_table *table = app->type->counters;
    if (table == NULL || !app->private->has_begun) return NULL;
    memset(out->values, 0, sizeof out->values);
    if (app->type->count) app->type->count(app->private->self, out->values);
    return table;
}

static uint64_t value_of(const struct counted *counted, const struct counter *counter)
{
    uint64_t value;
    ASSERT(counter->offset + sizeof value <= sizeof counted->values);
    memcpy(&value, counted->values + counter->offset, sizeof value);
    return value;
}

static void add_own(struct app *app, struct buf *out)
{
    struct counted counted;
    const struct counter_table *table = count_own(app, &counted);
    for (size_t i = 0; table && i < table->count; i++) {
        const struct counter *counter = &table->counters[i];
        add_u64(app, out, counter->name, counter->is_gauge, counter->help,
                value_of(&counted, counter));
    }
}

struct kv metrics_figures(struct app *app, struct scope *scope)
{
    struct counted counted;
    const struct counter_table *table = count_own(app, &counted);
    struct kv out = { 0 };
    if (table == NULL) return out;
    out.at = scope_alloc_array(scope, table->count, sizeof *out.at);
    for (size_t i = 0; i < table->count; i++) {
        uint64_t value = value_of(&counted, &table->counters[i]);
        out.at[out.count++] = (struct pair){
            text_of(table->counters[i].name),
            { .kind = VALUE_INTEGER, .integer = value > INT64_MAX ? INT64_MAX : (int64_t)value }
        };
    }
    return out;
}

void metrics_format(struct app *app, struct buf *out)
{
    add_process(app, out);
    add_network(app, out);
    add_own(app, out);
}
