/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs are made when an option first names them and stay until the process ends: an option that
 * leaves one out only takes its levels away. Here is what happens to a record; logger_options.c
 * reads the options. */
#include "app/logger_private.h"

#include "app/log_memory.h"
#include "gen/events.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

enum { FLUSH_BYTES = 64 * 1024, MS_PER_HOUR = 3600 * 1000 };

static void on_written(void *self, enum err err, const struct fault *fault);

/* --- outputs -------------------------------------------------------------------------------- */

static struct text file_path(struct logger *logger, struct text name, struct text suffix)
{
    struct text folder = logger->setup.logs_dir;
    bool is_absolute = text_starts(name, TEXT("/")) || folder.len == 0;
    return is_absolute ? scope_format(logger->life, "%.*s%.*s", TEXT_ARG(name), TEXT_ARG(suffix))
                       : scope_format(logger->life, "%.*s/%.*s%.*s", TEXT_ARG(folder),
                                      TEXT_ARG(name), TEXT_ARG(suffix));
}

static void open_writer(struct output *output, int fd)
{
    struct logger *logger = output->logger;
    struct log_writer_setup setup = {
        .loop = logger->loop, .fd = fd, .on_written = on_written, .self = output
    };
    if (fd < 0) setup.path = file_path(logger, output->name, logger->setup.suffix);
    output->writer = log_writer_new(logger->writers, &setup);
    output->is_file = fd < 0;
}

static struct output *output_get(struct logger *logger, struct text name)
{
    struct output *output = logger->outputs;
    for (; output; output = output->next)
        if (text_eq(output->name, name)) return output;
    output = scope_alloc(logger->life, sizeof *output);
    *output = (struct output){ .next = logger->outputs,
                               .logger = logger,
                               .name = scope_keep(logger->life, name),
                               .level = LOG_LEVELS };
    if (text_eq(name, TEXT("network")))
        output->is_network = true;
    else if (text_eq(name, TEXT("memory")))
        output->is_memory = true;
    else if (text_eq(name, TEXT("stdout")))
        open_writer(output, STDOUT_FILENO);
    else if (text_eq(name, TEXT("stderr")))
        open_writer(output, STDERR_FILENO);
    else
        open_writer(output, -1);
    logger->outputs = output;
    return output;
}

void logger_use_outputs(struct logger *logger, int level, struct text names)
{
    struct text name;
    while (text_next_item(&names, ',', &name)) {
        if (name.len == 0) continue;
        struct output *output = output_get(logger, name);
        if (level < output->level) output->level = level;
    }
}

enum err logger_open_memory(struct logger *logger, struct text name, struct fault *fault)
{
    if (logger->memory || name.len == 0) return ERR_OK;
    struct text path = file_path(logger, name, logger->setup.suffix);
    return log_memory_open(logger->life, path, &logger->memory, fault);
}

/* --- writing -------------------------------------------------------------------------------- */

static void note_failure(struct output *output, enum err err, const struct fault *fault)
{
    struct logger *logger = output->logger;
    struct log log = logger_log(logger);
    bool is_news = err && !output->is_failing;
    output->is_failing = err != ERR_OK;
    if (err && !timer_is_running(logger->retry_timer))
        timer_start(logger->retry_timer, LOG_FILE_RETRY_MS);
    if (is_news) LOG_LOG_OUTPUT_FAILED(&log, output->name.at, fault->words);
    if (!err && output->lost > 0) {
        unsigned long long lost = output->lost;
        output->lost = 0;
        LOG_LOG_LINES_LOST(&log, lost);
    }
}

static void flush_output(struct output *output, bool by_worker)
{
    struct logger *logger = output->logger;
    if (output->writer == NULL || log_writer_bytes(output->writer) == 0) return;
    if (by_worker && log_writer_is_busy(output->writer)) return; /* on_written() goes on */
    struct buf head = { 0 };
    uint64_t utc_ms = loop_now_utc_ms(logger->loop);
    if (output->is_file)
        log_header_format(&head, &logger->style, &logger->setup.origin, logger->started_utc_ms,
                          utc_ms, logger->config_rev);
    const struct log_writer_batch batch = { logger->file_options, utc_ms, buf_text(&head) };
    struct fault fault = { 0 };
    enum err err = log_writer_flush(output->writer, &batch, by_worker, &fault);
    buf_free(&head);
    if (!by_worker) note_failure(output, err, &fault);
}

static void end_throttle(struct logger *logger)
{
    for (const struct output *output = logger->outputs; output; output = output->next) {
        if (output->writer == NULL || output->is_failing) continue;
        if (log_writer_lines(output->writer) > logger->throttle_lines / 2) return;
    }
    logger->is_throttled = false;
    struct log log = logger_log(logger);
    LOG_LOG_THROTTLE_OVER(&log);
}

/* A worker ended. What failed waits for the timer; what came meanwhile goes now. */
static void on_written(void *self, enum err err, const struct fault *fault)
{
    struct output *output = self;
    note_failure(output, err, fault);
    if (output->logger->is_throttled) end_throttle(output->logger);
    if (!err) flush_output(output, output->logger->has_worker);
}

static void flush_all(struct logger *logger, bool by_worker)
{
    for (struct output *output = logger->outputs; output; output = output->next)
        flush_output(output, by_worker);
}

void logger_flush(struct logger *logger)
{
    flush_all(logger, false);
}

static void flush_at_end_of_turn(void *self)
{
    struct logger *logger = self;
    flush_all(logger, logger->has_worker);
}

static void throttle(struct output *output)
{
    struct logger *logger = output->logger;
    unsigned lines = (unsigned)log_writer_lines(output->writer);
    logger->is_throttled = true;
    logger->counters.throttled++;
    struct log log = logger_log(logger);
    LOG_LOG_THROTTLED(&log, output->name.at, lines);
}

static void add_line(struct output *output, enum log_level level, struct text line)
{
    struct logger *logger = output->logger;
    size_t room = logger->has_worker ? LOGGER_QUEUE_BYTES : LOGGER_BUFFER_BYTES;
    if (level < LOG_STANDARD) room -= LOGGER_BUFFER_FOR_STANDARD;
    if (!log_writer_add(output->writer, line, room)) {
        output->lost++;
        logger->counters.lines_lost++;
        return;
    }
    if (output->is_failing) return; /* the timer tries again */
    chore_last(logger->loop, &logger->flush_chore);
    bool is_long = log_writer_lines(output->writer) >= logger->throttle_lines;
    if (logger->has_worker && is_long && !logger->is_throttled) throttle(output);
    bool is_due = !output->is_file && !logger->is_buffering;
    if (is_due || log_writer_bytes(output->writer) >= FLUSH_BYTES)
        flush_output(output, logger->has_worker);
}

/* --- a record -------------------------------------------------------------------------------- */

static int lowest_level(const struct logger *logger)
{
    bool is_raised = logger->is_throttled && logger->verbose < LOG_STANDARD;
    return is_raised ? LOG_STANDARD : logger->verbose;
}

static bool takes(const struct logger *logger, int level)
{
    if (level < lowest_level(logger)) return false;
    for (const struct output *output = logger->outputs; output; output = output->next)
        if (level >= output->level) return true;
    return false;
}

static bool wants(void *self, enum log_level level)
{
    const struct logger *logger = self;
    if (takes(logger, (int)level)) return true;
    return logger->custom && takes(logger, (int)log_custom_highest(logger->custom, level));
}

static bool wants_local(void *self, enum log_level level)
{
    return wants(((struct local_sink *)self)->logger, level);
}

static const struct log_event *as_wanted(void *self, const struct log_event *event)
{
    return log_custom_event(((const struct logger *)self)->custom, event);
}

static const struct log_event *as_wanted_local(void *self, const struct log_event *event)
{
    return log_custom_event(((struct local_sink *)self)->logger->custom, event);
}

/* The clock of a real loop stands still during a turn, and counts milliseconds. */
static uint64_t now_utc_us(const struct logger *logger)
{
    struct timespec now;
    if (loop_is_virtual(logger->loop)) return loop_now_utc_ms(logger->loop) * 1000;
    (void)clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

/* "campaign=spring ixn=81" as attributes; the interaction has a place of its own. */
static struct kv split_context(struct scope *scope, struct text context, struct text *ixn)
{
    struct text item, name, value;
    size_t room = 1;
    for (size_t at = 0; (at = text_find(context, ' ', at)) != SIZE_MAX; at++) room++;
    struct kv attributes = { scope_alloc_array(scope, room, sizeof *attributes.at), 0 };
    while (text_next_item(&context, ' ', &item)) {
        if (!text_cut(item, '=', &name, &value)) continue;
        if (text_eq(name, TEXT("ixn")))
            *ixn = value;
        else
            attributes.at[attributes.count++] =
                (struct pair){ name, { .kind = VALUE_TEXT, .text = value } };
    }
    return attributes;
}

static void hide(struct logger *logger, struct text context, struct log_record *record)
{
    struct kv attributes;
    record->ixn = logger->turn.trace_id;
    if (logger->dump) {
        record->attributes = *logger->dump; /* went through the filters already */
        record->is_dump = true;
        logger->dump = NULL; /* not of what is said while it is written */
    } else if (context.len > 0) {
        attributes = split_context(logger->scratch, context, &record->ixn);
        record->attributes = log_filter_apply(logger->scratch, &logger->filter, &attributes);
    }
}

static void send_out(struct logger *logger, const struct log_record *record)
{
    if (logger->on_network && record->event->level >= LOG_TRACE)
        logger->on_network(logger->network_self, record);
}

static void hand_out(struct logger *logger, const struct log_record *record, bool is_local)
{
    struct buf line = logger->spare; /* taken: flushing may log */
    logger->spare = (struct buf){ 0 };
    int level = (int)record->event->level;
    for (struct output *output = logger->outputs; output; output = output->next) {
        if (level < output->level) continue;
        if (output->is_network) {
            if (!is_local) send_out(logger, record);
            continue;
        }
        if (line.len == 0) log_line_format(&line, &logger->style, &logger->setup.origin, record);
        if (output->writer) add_line(output, record->event->level, buf_text(&line));
        if (output->is_memory && logger->memory) log_memory_add(logger->memory, buf_text(&line));
    }
    buf_clear(&line);
    buf_free(&logger->spare);
    logger->spare = line;
}

static void write_any(struct logger *logger, const struct log_event *event, struct text context,
                      struct text text, bool is_local)
{
    if (!takes(logger, (int)event->level)) return;
    struct log_record record = { .event = event, .utc_us = now_utc_us(logger), .text = text };
    hide(logger, context, &record);
    logger->counters.lines++;
    hand_out(logger, &record, is_local);
    if (context.len > 0) scope_reset(logger->scratch);
}

static void write_record(void *self, const struct log_event *event, struct text context,
                         struct text text)
{
    write_any(self, event, context, text, false);
}

static void write_local(void *self, const struct log_event *event, struct text context,
                        struct text text)
{
    write_any(((struct local_sink *)self)->logger, event, context, text, true);
}

void logger_use_custom(struct logger *logger, struct log_custom *custom)
{
    logger->custom = custom;
    logger->sink.event = custom ? as_wanted : NULL;
    logger->local.sink.event = custom ? as_wanted_local : NULL;
}

/* --- life ----------------------------------------------------------------------------------- */

void logger_use_verbose(struct logger *logger)
{
    if (!logger->is_overridden) logger->verbose = logger->option_verbose;
}

static void end_override(void *self)
{
    struct logger *logger = self;
    logger->is_overridden = false;
    logger_use_verbose(logger);
}

/* In every file, whatever its level (framework 8.1). */
static void write_check_point(void *self)
{
    struct logger *logger = self;
    struct log_record record = { .event = &EVENT_LOG_CHECK_POINT,
                                 .utc_us = now_utc_us(logger),
                                 .text = text_of(EVENT_LOG_CHECK_POINT.text) };
    struct buf line = { 0 };
    log_line_format(&line, &logger->style, &logger->setup.origin, &record);
    for (struct output *output = logger->outputs; output; output = output->next)
        if (output->is_file && output->level < LOG_LEVELS)
            add_line(output, LOG_STANDARD, buf_text(&line));
    buf_free(&line);
    logger_set_check_point(logger, logger->check_point_hours);
}

void logger_set_check_point(struct logger *logger, uint32_t hours)
{
    bool is_new = hours != logger->check_point_hours;
    logger->check_point_hours = hours;
    if (hours == 0)
        timer_stop(logger->check_point_timer);
    else if (is_new || !timer_is_running(logger->check_point_timer))
        timer_start(logger->check_point_timer, (uint64_t)hours * MS_PER_HOUR);
}

static void forget(void *self)
{
    struct logger *logger = self;
    logger_flush(logger);
    chore_cancel(&logger->flush_chore);
    buf_free(&logger->spare);
    scope_close(logger->writers);
}

static struct log_origin keep_origin(struct scope *life, const struct log_origin *origin)
{
    return (struct log_origin){
        .application = scope_keep(life, origin->application),
        .type = scope_keep(life, origin->type),
        .version = scope_keep(life, origin->version),
        .host = scope_keep(life, origin->host),
        .pid = origin->pid ? origin->pid : (uint32_t)getpid(),
    };
}

static void make_sinks(struct logger *logger)
{
    logger->sink = (struct log_sink){
        .wants = wants, .write = write_record, .self = logger, .turn = &logger->turn
    };
    logger->local.logger = logger;
    logger->local.sink = (struct log_sink){
        .wants = wants_local, .write = write_local, .self = &logger->local, .turn = &logger->turn
    };
}

struct logger *logger_new(struct scope *owner, struct loop *loop, const struct logger_setup *setup)
{
    struct scope *life = scope_new(owner, "logger", SCOPE_NO_LIMIT);
    struct logger *logger = scope_alloc(life, sizeof *logger);
    *logger = (struct logger){
        .life = life,
        .writers = scope_new(NULL, "log outputs", SCOPE_NO_LIMIT),
        .loop = loop,
        .setup = { .origin = keep_origin(life, &setup->origin),
                   .logs_dir = scope_keep(life, setup->logs_dir),
                   .suffix = scope_keep(life, setup->suffix) },
        .verbose = LOG_STANDARD,
        .option_verbose = LOG_STANDARD,
        .is_buffering = true,
        .throttle_lines = SIZE_MAX,
        .started_utc_ms = loop_now_utc_ms(loop),
        .override_timer = timer_new(life, loop, end_override, logger),
        .retry_timer = timer_new(life, loop, flush_at_end_of_turn, logger),
        .check_point_timer = timer_new(life, loop, write_check_point, logger),
        .scratch = scope_new(life, "log record", SCOPE_NO_LIMIT),
        .filter_life = scope_new(life, "log filter", SCOPE_NO_LIMIT),
        .custom_life = scope_new(life, "log events", SCOPE_NO_LIMIT),
        .flush_chore = { .run = flush_at_end_of_turn, .self = logger },
    };
    logger->style.clock = &logger->clock;
    make_sinks(logger);
    (void)log_segment_parse(TEXT("100 MB"), &logger->file_options.segment);
    (void)log_expire_parse(TEXT("10"), &logger->file_options.expire);
    logger_use_outputs(logger, LOG_DEBUG, TEXT("stdout"));
    scope_on_close(life, forget, logger);
    return logger;
}

struct log logger_log(struct logger *logger)
{
    return (struct log){ .sink = &logger->sink };
}

struct log logger_log_local(struct logger *logger)
{
    return (struct log){ .sink = &logger->local.sink };
}

void logger_on_network(struct logger *logger,
                       void (*add)(void *self, const struct log_record *record), void *self)
{
    logger->on_network = add;
    logger->network_self = self;
}

bool logger_uses_network(const struct logger *logger)
{
    for (const struct output *output = logger->outputs; output; output = output->next)
        if (output->is_network && output->level < LOG_LEVELS) return true;
    return false;
}

void logger_set_config_rev(struct logger *logger, uint64_t rev)
{
    logger->config_rev = rev;
}

struct logger_counters logger_counters(const struct logger *logger)
{
    return logger->counters;
}

void logger_override(struct logger *logger, struct text verbose, uint32_t seconds)
{
    int level;
    timer_stop(logger->override_timer);
    logger->is_overridden = seconds > 0 && logger_verbose_of(verbose, &level) == ERR_OK;
    if (logger->is_overridden) {
        logger->verbose = level;
        timer_start(logger->override_timer, (uint64_t)seconds * 1000);
    }
    logger_use_verbose(logger);
}

/* --- user data ------------------------------------------------------------------------------- */

bool logger_value(const struct logger *logger, struct text key, struct text value, struct buf *out)
{
    return log_filter_value(out, &logger->filter, key, value);
}

void logger_pairs(struct logger *logger, const struct log *log, struct text title,
                  const struct kv *pairs)
{
    if (!log_wants(log, LOG_DEBUG)) return;
    struct scope *scratch = scope_new(logger->life, "log dump", SCOPE_NO_LIMIT);
    struct kv shown = log_filter_apply(scratch, &logger->filter, pairs);
    logger->dump = &shown;
    log_debug(log, "%.*s", TEXT_ARG(title));
    logger->dump = NULL;
    scope_close(scratch);
}
