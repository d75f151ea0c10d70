/* SPDX-License-Identifier: Apache-2.0 */
/* carillon ctl status and sample: a table once, or a line for each move as long as one looks. */
#include "cli/ctl.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { KIB = 1024 };

/* --- words --------------------------------------------------------------------------------------
 */

/* Green serves, red does not, yellow is on its way. */
static const char *colour_of(struct text state)
{
    if (!isatty(STDOUT_FILENO)) return "";
    if (text_eq_fold(state, TEXT("RUNNING")) || text_eq(state, TEXT("started"))) return "\x1b[32m";
    if (text_eq_fold(state, TEXT("STOPPED")) || text_eq_fold(state, TEXT("UNKNOWN")) ||
        text_eq(state, TEXT("SERVICE_UNAVAILABLE")) || text_eq(state, TEXT("disconnected")))
        return "\x1b[31m";
    return "\x1b[33m";
}

static void print_state_word(struct text state)
{
    const char *colour = colour_of(state);
    printf("%s%-20.*s%s", colour, TEXT_ARG(state), colour[0] ? "\x1b[0m" : "");
}

/* "3d", "2h", "5m", "7s": since when. */
static void print_age(uint64_t since_utc_ms, uint64_t now_utc_ms)
{
    enum { MINUTE = 60, HOUR = 60 * MINUTE, DAY = 24 * HOUR };
    uint64_t s = since_utc_ms && now_utc_ms > since_utc_ms ? (now_utc_ms - since_utc_ms) / 1000 : 0;
    if (since_utc_ms == 0)
        printf("%6s", "-");
    else if (s >= DAY)
        printf("%5llud", (unsigned long long)(s / DAY));
    else if (s >= HOUR)
        printf("%5lluh", (unsigned long long)(s / HOUR));
    else if (s >= MINUTE)
        printf("%5llum", (unsigned long long)(s / MINUTE));
    else
        printf("%5llus", (unsigned long long)s);
}

static void print_host(const struct control_host_status *host, uint64_t now_ms)
{
    printf("%-24.*s ", TEXT_ARG(host->name));
    print_state_word(host->state);
    print_age(host->since, now_ms);
    printf("  %.*s", TEXT_ARG(host->build));
    if (SHAPE_HAS(host, CONTROL_HOST_STATUS_HAS_CLOCK_OFFSET) &&
        (host->clock_offset > 1000 || host->clock_offset < -1000))
        printf("  clock %+lld ms", (long long)host->clock_offset);
    printf("\n");
}

static void print_application(const struct control_application_status *app, uint64_t now_ms)
{
    char pid[16] = "-";
    if (SHAPE_HAS(app, CONTROL_APPLICATION_STATUS_HAS_PID))
        (void)snprintf(pid, sizeof pid, "%u", app->pid);
    printf("%-24.*s ", TEXT_ARG(app->name));
    print_state_word(app->state);
    print_age(app->since, now_ms);
    printf(" %8s  %-16.*s", pid, TEXT_ARG(app->host));
    if (app->restarts) printf("  %u restart%s", app->restarts, app->restarts == 1 ? "" : "s");
    if (app->reason.len) printf("  %.*s", TEXT_ARG(app->reason));
    printf("\n");
}

static void print_solution(const struct control_solution_status *solution, uint64_t now_ms)
{
    printf("%-24.*s ", TEXT_ARG(solution->name));
    print_state_word(solution->state);
    print_age(solution->since, now_ms);
    if (solution->reason.len) printf("  %.*s", TEXT_ARG(solution->reason));
    printf("\n");
}

/* --- once ---------------------------------------------------------------------------------------
 */

struct showing {
    struct ctl *ctl;
    uint32_t count;
};

static void print_table(void *self, const void *fields)
{
    struct showing *showing = self;
    const struct control_status_read *read = fields;
    uint64_t now_ms = loop_now_utc_ms(showing->ctl->tool.loop);
    showing->count = read->hosts.count + read->applications.count + read->solutions.count;
    if (showing->ctl->wants_json) {
        ctl_print_json(&MSG_CONTROL_STATUS_READ, fields);
        return;
    }
    if (read->hosts.count) printf("HOSTS\n");
    for (uint32_t i = 0; i < read->hosts.count; i++) print_host(&read->hosts.at[i], now_ms);
    if (read->applications.count) printf("APPLICATIONS\n");
    for (uint32_t i = 0; i < read->applications.count; i++)
        print_application(&read->applications.at[i], now_ms);
    if (read->solutions.count) printf("SOLUTIONS\n");
    for (uint32_t i = 0; i < read->solutions.count; i++)
        print_solution(&read->solutions.at[i], now_ms);
    fflush(stdout);
}

/* --- for as long as one looks -------------------------------------------------------------------
 */

static void print_clock(void)
{
    char clock[16];
    time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    (void)strftime(clock, sizeof clock, "%H:%M:%S", &local);
    printf("%s  ", clock);
}

static bool is_meant(const struct ctl *ctl, struct text name)
{
    const char *only = ctl->self;
    return only == NULL || text_eq(name, text_of(only));
}

static void print_moved(struct ctl *ctl, const struct msg *msg, const void *fields)
{
    const struct control_status_moved *moved = fields;
    uint64_t now_ms = loop_now_utc_ms(ctl->tool.loop);
    if (msg != &MSG_CONTROL_STATUS_MOVED) return;
    if (ctl->wants_json) {
        ctl_print_json(msg, fields);
        return;
    }
    for (uint32_t i = 0; i < moved->hosts.count; i++) {
        if (!is_meant(ctl, moved->hosts.at[i].name)) continue;
        print_clock();
        print_host(&moved->hosts.at[i], now_ms);
    }
    for (uint32_t i = 0; i < moved->applications.count; i++) {
        if (!is_meant(ctl, moved->applications.at[i].name)) continue;
        print_clock();
        print_application(&moved->applications.at[i], now_ms);
    }
    for (uint32_t i = 0; i < moved->solutions.count; i++) {
        if (!is_meant(ctl, moved->solutions.at[i].name)) continue;
        print_clock();
        print_solution(&moved->solutions.at[i], now_ms);
    }
    for (uint32_t i = 0; i < moved->gone.count; i++) {
        print_clock();
        printf("%.*s is gone\n", TEXT_ARG(moved->gone.at[i]));
    }
    fflush(stdout);
}

static void on_watching_again(void *self, const struct link_error *error, const void *fields)
{
    struct showing showing = { .ctl = self };
    if (error == NULL) print_table(&showing, fields);
}

/* Control was away meanwhile: everything may have moved. */
static void watch_again(struct ctl *ctl)
{
    print_clock();
    printf("control is back\n");
    link_ask(ctl->link, &MSG_CONTROL_WATCH_STATUS, &(struct control_watch_status){ 0 }, NULL,
             CTL_ANSWER_MS, on_watching_again, ctl);
}

static int watch(struct ctl *ctl, const char *name)
{
    struct showing showing = { .ctl = ctl };
    char only[256] = "";
    if (name) (void)snprintf(only, sizeof only, "%s", name);
    ctl->self = name ? only : NULL;
    ctl->on_event = print_moved;
    if (ctl_ask(ctl, &MSG_CONTROL_WATCH_STATUS, &(struct control_watch_status){ 0 }, print_table,
                &showing))
        return ctl_complain(ctl);
    ctl->on_up = watch_again;
    loop_run(ctl->tool.loop); /* until the person ends it */
    return CTL_DONE;
}

int ctl_status(struct ctl *ctl, const char *name)
{
    struct showing showing = { .ctl = ctl };
    struct control_read_status ask = { 0 };
    if (ctl->wants_watch) return watch(ctl, name);
    if (name) {
        ask.head.has = CONTROL_READ_STATUS_HAS_NAME;
        ask.name = text_of(name);
    }
    if (ctl_ask(ctl, &MSG_CONTROL_READ_STATUS, &ask, print_table, &showing))
        return ctl_complain(ctl);
    if (name == NULL || showing.count) return CTL_DONE;
    (void)fprintf(stderr, "carillon ctl: no host, application or solution \"%s\"\n", name);
    return CTL_FAILED;
}

/* --- sample -------------------------------------------------------------------------------------
 */

static void print_bytes(const char *what, uint64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    double value = (double)bytes;
    size_t unit = 0;
    while (value >= KIB && unit + 1 < sizeof units / sizeof *units) {
        value /= KIB;
        unit++;
    }
    printf("%s%.1f %s", what, value, units[unit]);
}

static void print_process(const struct control_process_sample *process)
{
    printf("  %-24.*s pid %-8u CPU %8.2f s  ", TEXT_ARG(process->name), process->pid, process->cpu);
    print_bytes("memory ", process->memory);
    printf("  %u threads\n", process->threads);
}

static void print_sample(void *self, const void *fields)
{
    const struct ctl *ctl = self;
    const struct control_host_sample *sample = fields;
    if (ctl->wants_json) {
        ctl_print_json(&MSG_CONTROL_HOST_SAMPLE, fields);
        return;
    }
    printf("%.*s  ", TEXT_ARG(sample->host));
    tool_print_time(sample->time);
    printf("  clock %+lld ms\n", (long long)sample->clock_offset);
    printf("  %u processors, load %.2f", sample->processors, sample->load);
    if (SHAPE_HAS(sample, CONTROL_HOST_SAMPLE_HAS_CPU)) printf(", CPU %.0f %%", sample->cpu * 100);
    print_bytes("\n  memory ", sample->memory_free);
    print_bytes(" free of ", sample->memory);
    print_bytes("\n  disk ", sample->disk_free);
    print_bytes(" free of ", sample->disk);
    printf("\n");
    for (uint32_t i = 0; i < sample->processes.count; i++) print_process(&sample->processes.at[i]);
}

int ctl_sample(struct ctl *ctl, const char *host)
{
    struct control_sample_host ask = { .head.has = CONTROL_SAMPLE_HOST_HAS_HOST,
                                       .host = host ? text_of(host) : ctl->tool.host };
    return ctl_ask(ctl, &MSG_CONTROL_SAMPLE_HOST, &ask, print_sample, ctl) ? ctl_complain(ctl)
                                                                           : CTL_DONE;
}
