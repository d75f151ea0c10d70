/* SPDX-License-Identifier: Apache-2.0 */
/* Begin reading at samples_take(). */
#include "servers/control/alarm_samples.h"

#include "gen/events.h"
#include "gen/objects.h"
#include "model/option.h"
#include "servers/control/alarm_detect.h"
#include "servers/control/alarms.h"

#include <stdio.h>

enum { STREAKS_MAX = 50000 };

struct detection {
    struct detection *next;
    struct text condition, name, words; /* words: the expression */
    enum detection_of of;
    const struct expression *expression;
    uint32_t times;
};

struct streak { /* of one script and one host or application */
    struct detection_streak is;
    struct text key;
};

struct process {     /* CPU time is a sum: its share needs the sample before */
    struct text key; /* host and name */
    uint32_t pid;
    double cpu_s;
    uint64_t utc_ms;
};

struct alarm_samples {
    struct control_server *server;
    struct scope *config_life, *streaks_life, *processes_life;
    struct detection *detections;
    struct table *streaks, *processes;
    struct table *low_disks; /* hosts that were told of */
    struct timer *timer;
};

/* --- scripts -------------------------------------------------------------------------------- */

static void on_report(void *self, const struct option_report *report)
{
    struct fault *fault = self;
    if (report->trouble == OPTION_VALUE_INVALID)
        (void)fault_set(fault, ERR_INVALID, "", "%.*s: %s", TEXT_ARG(report->name), report->words);
}

static enum err detection_read(struct alarm_samples *samples, struct text script,
                               struct detection *out, struct fault *fault)
{
    const struct app_object *object = app_object(samples->server->app, &OBJECT_SCRIPT, script);
    if (object == NULL) return fault_set(fault, ERR_NOT_FOUND, "", "there is no such script");
    struct option_layer layer = { LEVEL_SCRIPT, &object->fields->annex };
    struct option_source source = { .layers = &layer, .layer_count = 1 };
    const struct alarm_detection_options *options = option_resolve(
        &OPTIONS_ALARM_DETECTION, &source, NULL, samples->config_life, on_report, fault);
    if (fault->err) return fault->err;
    out->name = options->name;
    out->words = options->expression;
    out->times = options->times;
    out->of = text_eq(options->of, TEXT("application")) ? DETECTION_OF_APPLICATION
                                                        : DETECTION_OF_HOST;
    return expression_parse(options->expression, out->of, samples->config_life, &out->expression,
                            fault);
}

static void add_detection(struct alarm_samples *samples,
                          const struct object_alarm_condition *condition)
{
    struct detection *detection = scope_alloc(samples->config_life, sizeof *detection);
    struct fault fault = { 0 };
    detection->condition = scope_keep(samples->config_life, condition->name);
    if (detection_read(samples, condition->detect_script, detection, &fault)) {
        char name[256];
        (void)snprintf(name, sizeof name, "%.*s", TEXT_ARG(condition->detect_script));
        LOG_DETECTION_SCRIPT_REFUSED(&samples->server->app->log, name, fault.words);
        return;
    }
    detection->next = samples->detections;
    samples->detections = detection;
}

void samples_configure(struct alarm_samples *samples)
{
    const struct app_object *object;
    scope_reset(samples->config_life);
    samples->detections = NULL;
    for (size_t at = 0;
         (object = app_object_next(samples->server->app, &OBJECT_ALARM_CONDITION, &at)) != NULL;) {
        const struct object_alarm_condition *condition = (const void *)object->fields;
        if (condition->detect_script.len) add_detection(samples, condition);
    }
    if (!timer_is_running(samples->timer))
        timer_start(samples->timer,
                    control_options(samples->server)->alarms_sample_period * 1000ull);
}

/* --- judging -------------------------------------------------------------------------------- */

static struct streak *streak_get(struct alarm_samples *samples, const struct detection *detection,
                                 struct text application, struct text host)
{
    if (table_count(samples->streaks) >= STREAKS_MAX) {
        scope_reset(samples->streaks_life);
        samples->streaks = table_new(samples->streaks_life);
    }
    struct scope *scratch = scope_new(NULL, "streak", SCOPE_NO_LIMIT);
    struct text key = scope_format(scratch, "%.*s\x1f%.*s\x1f%.*s\x1f%.*s",
                                   TEXT_ARG(detection->condition), TEXT_ARG(detection->words),
                                   TEXT_ARG(application), TEXT_ARG(host));
    struct streak *streak = table_get(samples->streaks, key);
    if (streak == NULL) {
        streak = scope_alloc(samples->streaks_life, sizeof *streak);
        streak->key = scope_keep(samples->streaks_life, key);
        table_put(samples->streaks, streak->key, streak);
    }
    scope_close(scratch);
    return streak;
}

static void judge(struct alarm_samples *samples, enum detection_of of, struct text application,
                  struct text host, const struct sample *sample)
{
    struct alarms *alarms = samples->server->alarms;
    struct text subject = of == DETECTION_OF_HOST ? host : application;
    for (const struct detection *one = samples->detections; one; one = one->next) {
        if (one->of != of || (one->name.len && !text_eq(one->name, subject))) continue;
        struct streak *streak = streak_get(samples, one, application, host);
        enum answer answer =
            detection_judge(&streak->is, expression_answer(one->expression, sample), one->times);
        if (answer == ANSWER_UNKNOWN) continue;
        alarms_judge_script(alarms, one->condition, application, host, one->words,
                            answer == ANSWER_YES);
    }
}

static void judge_host(struct alarm_samples *samples, const struct control_host_sample *in)
{
    const struct {
        uint64_t bit;
        enum figure figure;
        double value;
    } figures[] = {
        { CONTROL_HOST_SAMPLE_HAS_CPU, FIGURE_CPU, in->cpu },
        { CONTROL_HOST_SAMPLE_HAS_LOAD, FIGURE_LOAD, in->load },
        { CONTROL_HOST_SAMPLE_HAS_PROCESSORS, FIGURE_PROCESSORS, in->processors },
        { CONTROL_HOST_SAMPLE_HAS_MEMORY, FIGURE_MEMORY, (double)in->memory },
        { CONTROL_HOST_SAMPLE_HAS_MEMORY_FREE, FIGURE_MEMORY_FREE, (double)in->memory_free },
        { CONTROL_HOST_SAMPLE_HAS_DISK, FIGURE_DISK, (double)in->disk },
        { CONTROL_HOST_SAMPLE_HAS_DISK_FREE, FIGURE_DISK_FREE, (double)in->disk_free },
        { CONTROL_HOST_SAMPLE_HAS_CLOCK_OFFSET, FIGURE_CLOCK_OFFSET, (double)in->clock_offset },
    };
    struct sample sample = { 0 };
    for (size_t i = 0; i < sizeof figures / sizeof *figures; i++)
        if (SHAPE_HAS(in, figures[i].bit)) sample_set(&sample, figures[i].figure, figures[i].value);
    judge(samples, DETECTION_OF_HOST, TEXT(""), in->host, &sample);
}

static struct process *process_get(struct alarm_samples *samples, struct text host,
                                   struct text name)
{
    struct scope *scratch = scope_new(NULL, "process", SCOPE_NO_LIMIT);
    struct text key = scope_format(scratch, "%.*s\x1f%.*s", TEXT_ARG(host), TEXT_ARG(name));
    struct process *process = table_get(samples->processes, key);
    if (process == NULL) {
        process = scope_alloc(samples->processes_life, sizeof *process);
        process->key = scope_keep(samples->processes_life, key);
        table_put(samples->processes, process->key, process);
    }
    scope_close(scratch);
    return process;
}

static void judge_process(struct alarm_samples *samples, const struct control_host_sample *of_host,
                          const struct control_process_sample *in)
{
    struct process *before = process_get(samples, of_host->host, in->name);
    struct sample sample = { 0 };
    if (SHAPE_HAS(in, CONTROL_PROCESS_SAMPLE_HAS_MEMORY))
        sample_set(&sample, FIGURE_MEMORY, (double)in->memory);
    if (SHAPE_HAS(in, CONTROL_PROCESS_SAMPLE_HAS_THREADS))
        sample_set(&sample, FIGURE_THREADS, in->threads);
    bool is_same = before->pid == in->pid && of_host->time > before->utc_ms;
    if (SHAPE_HAS(in, CONTROL_PROCESS_SAMPLE_HAS_CPU) && is_same)
        sample_set(&sample, FIGURE_CPU,
                   (in->cpu - before->cpu_s) * 1000 / (double)(of_host->time - before->utc_ms));
    before->pid = in->pid;
    before->cpu_s = in->cpu;
    before->utc_ms = of_host->time;
    judge(samples, DETECTION_OF_APPLICATION, in->name, of_host->host, &sample);
}

static void judge_disk(struct alarm_samples *samples, const struct control_host_sample *in)
{
    struct control_server *server = samples->server;
    uint32_t percent = control_options(server)->alarms_disk_low;
    if (!SHAPE_HAS(in, CONTROL_HOST_SAMPLE_HAS_DISK) || in->disk == 0) return;
    uint64_t free_percent = (uint64_t)((double)in->disk_free * 100 / (double)in->disk);
    bool is_low = (double)in->disk_free * 100 < (double)in->disk * percent;
    struct host_entry *host = host_find(server, in->host);
    struct text *was_low = table_get(samples->low_disks, in->host);
    char name[256];
    if (host == NULL || is_low == (was_low != NULL)) return;
    (void)snprintf(name, sizeof name, "%.*s", TEXT_ARG(in->host));
    const struct log *log = note_log(server, TEXT(""), in->host);
    if (is_low) {
        was_low = scope_alloc(server->app->life, sizeof *was_low);
        *was_low = scope_keep(server->app->life, in->host);
        table_put(samples->low_disks, *was_low, was_low);
        LOG_CONTROL_DISK_LOW(log, name, (unsigned)free_percent,
                             (unsigned long long)(in->disk_free / (1024 * 1024)));
    } else {
        (void)table_remove(samples->low_disks, in->host);
        LOG_CONTROL_DISK_WELL(log, name, (unsigned)free_percent);
    }
}

void samples_take(struct alarm_samples *samples, const struct control_host_sample *sample)
{
    struct alarms *alarms = samples->server->alarms;
    judge_disk(samples, sample);
    if (!alarms_are_ready(alarms) || samples->detections == NULL) return;
    judge_host(samples, sample);
    for (uint32_t i = 0; i < sample->processes.count; i++)
        judge_process(samples, sample, &sample->processes.at[i]);
    alarms_commit(alarms);
}

/* --- asking --------------------------------------------------------------------------------- */

static void on_sample(void *self, const struct link_error *error, const void *fields)
{
    struct alarm_samples *samples = self;
    if (error == NULL && !samples->server->is_stopping) samples_take(samples, fields);
}

static void ask_all(void *self)
{
    struct alarm_samples *samples = self;
    const struct control_options *options = control_options(samples->server);
    struct host_entry *host;
    bool is_wanted = samples->detections || options->alarms_disk_low;
    for (size_t at = 0; is_wanted && (host = table_next(samples->server->hosts, &at)) != NULL;)
        (void)host_sample(host, on_sample, samples);
    timer_start(samples->timer, options->alarms_sample_period * 1000ull);
}

struct alarm_samples *samples_open(struct control_server *server)
{
    struct scope *life = server->app->life;
    struct alarm_samples *samples = scope_alloc(life, sizeof *samples);
    *samples = (struct alarm_samples){
        .server = server,
        .config_life = scope_new(life, "detections", SCOPE_NO_LIMIT),
        .streaks_life = scope_new(life, "streaks", SCOPE_NO_LIMIT),
        .processes_life = scope_new(life, "processes", SCOPE_NO_LIMIT),
        .low_disks = table_new(life),
        .timer = timer_new(life, server->app->loop, ask_all, samples),
    };
    samples->streaks = table_new(samples->streaks_life);
    samples->processes = table_new(samples->processes_life);
    return samples;
}
