/* SPDX-License-Identifier: Apache-2.0 */
/* logger_private.h - what logger.c (records, outputs, life) and logger_options.c share. */
#ifndef APP_LOGGER_PRIVATE_H
#define APP_LOGGER_PRIVATE_H

#include "app/log_writer.h"
#include "app/logger.h"
#include "model/log_custom.h"
#include "model/log_filter.h"

struct output {
    struct output *next;
    struct logger *logger;
    struct text name;
    struct log_writer *writer; /* NULL: network, memory */
    bool is_file, is_network, is_memory;
    int level; /* the lowest that comes here; LOG_LEVELS: none */
    bool is_failing;
    uint64_t lost; /* not yet told */
};

struct local_sink { /* all outputs but the network */
    struct log_sink sink;
    struct logger *logger;
};

struct logger {
    struct scope *life;
    struct scope *writers; /* a root: they must be there when we flush for the last time */
    struct loop *loop;
    struct logger_setup setup;
    struct log_sink sink;
    struct local_sink local;
    struct log_turn turn;
    struct output *outputs;
    struct log_memory *memory; /* NULL: none */
    void (*on_network)(void *self, const struct log_record *record);
    void *network_self;
    int verbose, option_verbose; /* lowest level that is written; LOG_LEVELS: none */
    bool is_overridden, is_buffering, has_worker, is_throttled;
    size_t throttle_lines;
    uint32_t check_point_hours;
    struct timer *override_timer, *retry_timer, *check_point_timer;
    struct log_style style;
    struct log_clock clock;
    struct buf spare; /* of the last line, for the next one */
    struct log_file_options file_options;
    struct scope *scratch; /* of the record that is written */
    const struct kv *dump; /* of the record that is written; NULL: it is none */
    struct scope *filter_life, *custom_life;
    struct log_filter filter;
    struct kv filter_keys;
    struct log_custom *custom; /* NULL: events are as declared */
    struct text message_file;  /* its bytes, read once */
    bool has_read_message_file;
    uint64_t started_utc_ms, config_rev;
    struct chore flush_chore;
    struct logger_counters counters;
};

/* logger.c */
void logger_use_outputs(struct logger *logger, int level, struct text names);
enum err logger_open_memory(struct logger *logger, struct text name, struct fault *fault);
void logger_use_custom(struct logger *logger, struct log_custom *custom);
void logger_use_verbose(struct logger *logger);
void logger_set_check_point(struct logger *logger, uint32_t hours);

/* logger_options.c */
enum err logger_verbose_of(struct text word, int *out); /* "all" to "none" */

#endif
