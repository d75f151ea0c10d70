/* SPDX-License-Identifier: Apache-2.0 */
/* Outputs are made when an option first names them and stay until the process ends: an option that
 * leaves one out only takes its levels away. */
#include "app/logger.h"

#include "app/log_file.h"
#include "app/log_filter.h"
#include "gen/events.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum { FLUSH_BYTES = 64 * 1024 };
enum { VERBOSE_NONE = LOG_LEVELS };

struct output {
    struct output *next;
    struct logger *logger;
    struct text name;
    int fd;                /* stdout, stderr; -1: a file */
    struct log_file *file; /* with fd -1; NULL: network, memory */
    int level;             /* the lowest that comes here; LOG_LEVELS: none */
    struct buf lines;
    bool is_failing;
    uint64_t lost; /* not yet told */
};

struct logger {
    struct scope *life;
    struct scope *files; /* a root: files must still be open when we flush for the last time */
    struct loop *loop;
    struct logger_setup setup;
    struct log_sink sink;
    struct output *outputs;
    int verbose, option_verbose; /* lowest level that is written */
    bool is_overridden, is_buffering;
    struct timer *override_timer;
    struct log_style style;
    struct log_file_options file_options;
    struct scope *filter_life;
    struct log_filter filter;
    struct kv filter_keys;
    uint64_t started_utc_ms, config_rev;
    struct chore flush_chore;
    struct timer *retry_timer;
    struct logger_counters counters;
};

static const struct {
    const char *word;
    int level;
} verbose_words[] = {
    { "all", LOG_DEBUG },         { "debug", LOG_DEBUG },
    { "trace", LOG_TRACE },       { "interaction", LOG_INTERACTION },
    { "standard", LOG_STANDARD }, { "alarm", LOG_ALARM },
    { "none", VERBOSE_NONE },
};

static enum err verbose_of(struct text word, int *out)
{
    for (size_t i = 0; i < sizeof verbose_words / sizeof verbose_words[0]; i++)
        if (text_eq_fold(word, text_of(verbose_words[i].word))) {
            *out = verbose_words[i].level;
            return ERR_OK;
        }
    return ERR_INVALID;
}

/* --- outputs -------------------------------------------------------------------------------- */

static struct text file_path(struct logger *logger, struct text name)
{
    struct text folder = logger->setup.logs_dir;
    bool is_absolute = text_starts(name, TEXT("/")) || folder.len == 0;
    return is_absolute ? scope_format(logger->life, "%.*s%.*s", TEXT_ARG(name),
                                      TEXT_ARG(logger->setup.suffix))
                       : scope_format(logger->life, "%.*s/%.*s%.*s", TEXT_ARG(folder),
                                      TEXT_ARG(name), TEXT_ARG(logger->setup.suffix));
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
                               .fd = -1,
                               .level = LOG_LEVELS };
    if (text_eq(name, TEXT("stdout")))
        output->fd = STDOUT_FILENO;
    else if (text_eq(name, TEXT("stderr")))
        output->fd = STDERR_FILENO;
    else if (!text_eq(name, TEXT("network")) && !text_eq(name, TEXT("memory")))
        output->file = log_file_new(logger->files, file_path(logger, name));
    logger->outputs = output;
    return output;
}

static void use_outputs(struct logger *logger, int level, struct text names)
{
    struct text name;
    while (text_next_item(&names, ',', &name)) {
        if (name.len == 0) continue;
        struct output *output = output_get(logger, name);
        if (level < output->level) output->level = level;
    }
}

/* --- writing -------------------------------------------------------------------------------- */

static void add_header(void *self, struct buf *out)
{
    struct logger *logger = self;
    log_header_format(out, &logger->style, &logger->setup.origin, logger->started_utc_ms,
                      loop_now_utc_ms(logger->loop), logger->config_rev);
}

static enum err write_fd(int fd, struct text *bytes, struct fault *fault)
{
    while (bytes->len > 0) {
        ssize_t written = write(fd, bytes->at, bytes->len);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return fault_set(fault, ERR_IO, "", "%s", strerror(errno));
        *bytes = text_slice(*bytes, (size_t)written, bytes->len);
    }
    return ERR_OK;
}

static void flush_output(struct output *output)
{
    if (output->lines.len == 0) return;
    struct logger *logger = output->logger;
    struct fault fault = { 0 };
    struct text lines = buf_text(&output->lines);
    enum err err = output->fd >= 0
                       ? write_fd(output->fd, &lines, &fault)
                       : log_file_write(output->file, &lines, loop_now_utc_ms(logger->loop),
                                        add_header, logger, &fault);
    struct log log = logger_log(logger);
    bool is_news = err && !output->is_failing;
    buf_drop_front(&output->lines, output->lines.len - lines.len);
    output->is_failing = err != ERR_OK;
    if (err && !timer_is_running(logger->retry_timer))
        timer_start(logger->retry_timer, LOG_FILE_RETRY_MS);
    if (is_news) LOG_LOG_OUTPUT_FAILED(&log, output->name.at, fault.words);
    if (!err && output->lost > 0) {
        unsigned long long lost = output->lost;
        output->lost = 0;
        LOG_LOG_LINES_LOST(&log, lost);
    }
}

void logger_flush(struct logger *logger)
{
    for (struct output *output = logger->outputs; output; output = output->next)
        flush_output(output);
}

static void flush_at_end_of_turn(void *self)
{
    logger_flush(self);
}

static bool wants(void *self, enum log_level level)
{
    const struct logger *logger = self;
    if ((int)level < logger->verbose) return false;
    for (const struct output *output = logger->outputs; output; output = output->next)
        if ((int)level >= output->level) return true;
    return false;
}

static void add_line(struct output *output, enum log_level level, struct text line)
{
    if (output->fd < 0 && output->file == NULL) return;
    struct logger *logger = output->logger;
    size_t room = LOGGER_BUFFER_BYTES;
    if (level < LOG_STANDARD) room -= LOGGER_BUFFER_FOR_STANDARD;
    if (output->lines.len + line.len > room) {
        output->lost++;
        logger->counters.lines_lost++;
        return;
    }
    buf_add(&output->lines, line);
    if (output->is_failing) return; /* the timer tries again */
    bool is_due = output->fd >= 0 && !logger->is_buffering;
    if (is_due || output->lines.len >= FLUSH_BYTES) flush_output(output);
    chore_last(logger->loop, &logger->flush_chore);
}

static void write_record(void *self, const struct log_event *event, struct text context,
                         struct text text)
{
    struct logger *logger = self;
    struct log_record record = {
        .event = event, .utc_ms = loop_now_utc_ms(logger->loop), .context = context, .text = text
    };
    struct buf line = { 0 }; /* not kept: flushing may log */
    log_line_format(&line, &logger->style, &logger->setup.origin, &record);
    logger->counters.lines++;
    for (struct output *output = logger->outputs; output; output = output->next)
        if ((int)event->level >= output->level) add_line(output, event->level, buf_text(&line));
    buf_free(&line);
}

/* --- life ----------------------------------------------------------------------------------- */

static void use_verbose(struct logger *logger)
{
    if (!logger->is_overridden) logger->verbose = logger->option_verbose;
}

static void end_override(void *self)
{
    struct logger *logger = self;
    logger->is_overridden = false;
    use_verbose(logger);
}

static void forget(void *self)
{
    struct logger *logger = self;
    logger_flush(logger);
    chore_cancel(&logger->flush_chore);
    for (struct output *output = logger->outputs; output; output = output->next)
        buf_free(&output->lines);
    scope_close(logger->files);
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

struct logger *logger_new(struct scope *owner, struct loop *loop, const struct logger_setup *setup)
{
    struct scope *life = scope_new(owner, "logger", SCOPE_NO_LIMIT);
    struct logger *logger = scope_alloc(life, sizeof *logger);
    *logger = (struct logger){
        .life = life,
        .files = scope_new(NULL, "log files", SCOPE_NO_LIMIT),
        .loop = loop,
        .setup = { .origin = keep_origin(life, &setup->origin),
                   .logs_dir = scope_keep(life, setup->logs_dir),
                   .suffix = scope_keep(life, setup->suffix) },
        .sink = { .wants = wants, .write = write_record, .self = logger },
        .verbose = LOG_STANDARD,
        .option_verbose = LOG_STANDARD,
        .is_buffering = true,
        .started_utc_ms = loop_now_utc_ms(loop),
        .override_timer = timer_new(life, loop, end_override, logger),
        .retry_timer = timer_new(life, loop, flush_at_end_of_turn, logger),
        .filter_life = scope_new(life, "log filter", SCOPE_NO_LIMIT),
        .flush_chore = { .run = flush_at_end_of_turn, .self = logger },
    };
    (void)log_segment_parse(TEXT("100 MB"), &logger->file_options.segment);
    (void)log_expire_parse(TEXT("10"), &logger->file_options.expire);
    use_outputs(logger, LOG_DEBUG, TEXT("stdout"));
    scope_on_close(life, forget, logger);
    return logger;
}

struct log logger_log(struct logger *logger)
{
    return (struct log){ .sink = &logger->sink };
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
    timer_stop(logger->override_timer);
    logger->is_overridden = seconds > 0 && verbose_of(verbose, &logger->verbose) == ERR_OK;
    if (logger->is_overridden) timer_start(logger->override_timer, (uint64_t)seconds * 1000);
    use_verbose(logger);
}

/* --- options -------------------------------------------------------------------------------- */

static void set_style(struct logger *logger, const struct common_options *options)
{
    struct log_style *style = &logger->style;
    style->format = text_eq_fold(options->log_message_format, TEXT("full"))   ? LOG_FORMAT_FULL
                    : text_eq_fold(options->log_message_format, TEXT("json")) ? LOG_FORMAT_JSON
                                                                              : LOG_FORMAT_SHORT;
    style->time = text_eq_fold(options->log_time_format, TEXT("ISO8601"))  ? LOG_TIME_ISO8601
                  : text_eq_fold(options->log_time_format, TEXT("locale")) ? LOG_TIME_LOCALE
                                                                           : LOG_TIME_TIME;
    style->is_utc = text_eq_fold(options->log_time_convert, TEXT("utc"));
    style->prints_attributes = options->log_print_attributes;
    logger->file_options.is_utc = style->is_utc;
    logger->is_buffering = options->log_buffering;
}

static void set_outputs(struct logger *logger, const struct common_options *options)
{
    for (struct output *output = logger->outputs; output; output = output->next)
        output->level = LOG_LEVELS;
    use_outputs(logger, LOG_DEBUG, options->log_all);
    use_outputs(logger, LOG_DEBUG, options->log_debug);
    use_outputs(logger, LOG_TRACE, options->log_trace);
    use_outputs(logger, LOG_INTERACTION, options->log_interaction);
    use_outputs(logger, LOG_STANDARD, options->log_standard);
    use_outputs(logger, LOG_ALARM, options->log_alarm);
    for (struct output *output = logger->outputs; output; output = output->next)
        if (output->file) log_file_set_options(output->file, &logger->file_options);
}

static enum err set_files(struct logger *logger, const struct common_options *options,
                          struct fault *fault)
{
    enum err err = ERR_OK;
    struct log_segment segment;
    struct log_expire expire;
    if (log_segment_parse(options->log_segment, &segment))
        err = fault_set(fault, ERR_INVALID, "log.segment", "must be false, N KB, N MB or N hr");
    else
        logger->file_options.segment = segment;
    if (log_expire_parse(options->log_expire, &expire))
        err = fault_set(fault, ERR_INVALID, "log.expire",
                        "must be false, N or N file (1 to 1000), or N day (1 to 100)");
    else
        logger->file_options.expire = expire;
    return err;
}

static enum err set_filter(struct logger *logger, const struct common_options *options,
                           struct fault *fault)
{
    scope_reset(logger->filter_life);
    const struct kv *keys = &options->log_filter_data;
    struct pair *pairs = scope_alloc_array(logger->filter_life, keys->count + 1, sizeof *pairs);
    enum err err = ERR_OK;
    for (uint32_t i = 0; i < keys->count; i++) {
        struct text type = keys->at[i].value.kind == VALUE_TEXT ? keys->at[i].value.text : TEXT("");
        if (log_filter_check(type))
            err = fault_set(fault, ERR_INVALID, "log-filter-data", "%.*s: no such filter",
                            TEXT_ARG(keys->at[i].name));
        pairs[i].name = scope_keep(logger->filter_life, keys->at[i].name);
        pairs[i].value =
            (struct value){ .kind = VALUE_TEXT, .text = scope_keep(logger->filter_life, type) };
    }
    logger->filter_keys = (struct kv){ pairs, keys->count };
    logger->filter = (struct log_filter){
        .usual = scope_keep(logger->filter_life, options->log_filter_default_filter_type),
        .keys = &logger->filter_keys,
    };
    if (logger->filter.usual.len && log_filter_check(logger->filter.usual))
        err = fault_set(fault, ERR_INVALID, "log-filter.default-filter-type", "no such filter");
    return err;
}

enum err logger_set_options(struct logger *logger, const struct common_options *options,
                            struct fault *fault)
{
    (void)verbose_of(options->log_verbose, &logger->option_verbose);
    use_verbose(logger);
    set_style(logger, options);
    enum err err = set_files(logger, options, fault);
    set_outputs(logger, options);
    enum err filter_err = set_filter(logger, options, fault);
    return err ? err : filter_err;
}

bool logger_value(const struct logger *logger, struct text key, struct text value, struct buf *out)
{
    return log_filter_value(out, &logger->filter, key, value);
}

void logger_pairs(struct logger *logger, const struct log *log, struct text title,
                  const struct kv *pairs)
{
    if (!log_wants(log, LOG_DEBUG)) return;
    struct buf shown = { 0 };
    buf_add(&shown, title);
    log_filter_pairs(&shown, &logger->filter, pairs);
    log_debug(log, "%.*s", TEXT_ARG(buf_text(&shown)));
    buf_free(&shown);
}
