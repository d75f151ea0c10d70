/* SPDX-License-Identifier: Apache-2.0 */
/* The logger's options: sections log, log-extended, log-filter, log-filter-data. A value that
 * cannot be used keeps the former one; the first reason is told. */
#include "app/logger_private.h"

#include "gen/events.h"
#include "model/option.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum err logger_verbose_of(struct text word, int *out)
{
    if (text_eq_fold(word, TEXT("all"))) {
        *out = LOG_DEBUG;
        return ERR_OK;
    }
    return log_level_parse(word, out);
}

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
}

static void set_writing(struct logger *logger, const struct common_options *options)
{
    logger->is_buffering = options->log_buffering;
    logger->has_worker = options->log_enable_thread;
    logger->throttle_lines = options->log_throttle_threshold ? options->log_throttle_threshold
                                                             : SIZE_MAX;
    if (!logger->has_worker) logger->is_throttled = false;
    logger_set_check_point(logger, options->log_check_point);
}

static void set_outputs(struct logger *logger, const struct common_options *options)
{
    for (struct output *output = logger->outputs; output; output = output->next)
        output->level = LOG_LEVELS;
    logger_use_outputs(logger, LOG_DEBUG, options->log_all);
    logger_use_outputs(logger, LOG_DEBUG, options->log_debug);
    logger_use_outputs(logger, LOG_TRACE, options->log_trace);
    logger_use_outputs(logger, LOG_INTERACTION, options->log_interaction);
    logger_use_outputs(logger, LOG_STANDARD, options->log_standard);
    logger_use_outputs(logger, LOG_ALARM, options->log_alarm);
}

/* In the words that config uses when it is written. */
static enum err refuse(struct fault *fault, const char *field, enum option_grammar grammar,
                       struct text value)
{
    char words[OPTION_WORDS_MAX] = "";
    (void)log_option_check(grammar, TEXT(""), value, words, sizeof words);
    return fault_set(fault, ERR_INVALID, field, "%s", words);
}

static enum err set_files(struct logger *logger, const struct common_options *options,
                          struct fault *fault)
{
    enum err err = ERR_OK;
    struct log_segment segment;
    struct log_expire expire;
    if (log_segment_parse(options->log_segment, &segment))
        err = refuse(fault, "log.segment", GRAMMAR_LOG_SEGMENT, options->log_segment);
    else
        logger->file_options.segment = segment;
    if (log_expire_parse(options->log_expire, &expire))
        err = refuse(fault, "log.expire", GRAMMAR_LOG_EXPIRE, options->log_expire);
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
        err = refuse(fault, "log-filter.default-filter-type", GRAMMAR_LOG_FILTER,
                     logger->filter.usual);
    return err;
}

/* --- events as the operator wants them -------------------------------------------------------- */

struct reading {
    struct logger *logger;
    const char *path;
};

static void on_bad_line(void *self, uint32_t line, const char *words)
{
    const struct reading *reading = self;
    struct log log = logger_log(reading->logger);
    LOG_LOG_MESSAGE_FILE_REFUSED(&log, reading->path, line, words);
}

/* Once: the option takes effect at the next start. */
static void read_message_file(struct logger *logger, const char *path)
{
    if (logger->has_read_message_file || path[0] == '\0') return;
    logger->has_read_message_file = true;
    struct log log = logger_log(logger);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        LOG_LOG_MESSAGE_FILE_REFUSED(&log, path, 0, strerror(errno));
        return;
    }
    char *bytes = scope_alloc(logger->life, LOG_CUSTOM_FILE_BYTES_MAX + 1);
    size_t len = fread(bytes, 1, LOG_CUSTOM_FILE_BYTES_MAX + 1, file);
    (void)fclose(file);
    if (len > LOG_CUSTOM_FILE_BYTES_MAX)
        LOG_LOG_MESSAGE_FILE_REFUSED(&log, path, 0, "longer than 1 MiB");
    else
        logger->message_file = (struct text){ bytes, len };
}

static enum err set_custom(struct logger *logger, const struct common_options *options,
                           struct fault *fault)
{
    enum err err = ERR_OK;
    bool is_first = !logger->has_read_message_file;
    logger_use_custom(logger, NULL);
    scope_reset(logger->custom_life);
    struct reading reading = { logger,
                               scope_keep_z(logger->custom_life, options->log_message_file) };
    read_message_file(logger, reading.path);
    const struct kv *extended = &options->log_extended;
    for (uint32_t i = 0; i < extended->count; i++) {
        struct text value = extended->at[i].value.kind == VALUE_TEXT ? extended->at[i].value.text
                                                                     : TEXT("");
        if (log_custom_check(extended->at[i].name, value, fault)) err = ERR_INVALID;
    }
    logger_use_custom(logger, log_custom_new(logger->custom_life, extended, logger->message_file,
                                             is_first ? on_bad_line : NULL, &reading));
    return err;
}

static enum err set_memory(struct logger *logger, const struct common_options *options,
                           struct fault *fault)
{
    struct fault own = { 0 };
    if (logger_open_memory(logger, options->log_memory, &own))
        return fault_set(fault, ERR_INVALID, "log.memory", "%s", own.words);
    for (const struct output *output = logger->outputs; output; output = output->next)
        if (output->is_memory && output->level < LOG_LEVELS && logger->memory == NULL)
            return fault_set(fault, ERR_INVALID, "log.memory", "output memory needs a file");
    return ERR_OK;
}

enum err logger_set_options(struct logger *logger, const struct common_options *options,
                            struct fault *fault)
{
    (void)logger_verbose_of(options->log_verbose, &logger->option_verbose);
    logger_use_verbose(logger);
    set_style(logger, options);
    set_writing(logger, options);
    set_outputs(logger, options);
    const enum err errs[] = {
        set_files(logger, options, fault),
        set_filter(logger, options, fault),
        set_custom(logger, options, fault),
        set_memory(logger, options, fault),
    };
    for (size_t i = 0; i < sizeof errs / sizeof errs[0]; i++)
        if (errs[i]) return errs[i];
    return ERR_OK;
}
