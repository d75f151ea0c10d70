/* SPDX-License-Identifier: Apache-2.0 */
/* log_keeper_private.h - what the files of the log keeper share. Begin in log_keeper.c.
 *   log_keeper.c  streams, and what is sent to us
 *   log_row.c     one record as rows
 *   log_own.c     records of our own
 *   log_trim.c    what is too old
 *   log_reader.c  searches; it needs the store alone */
#ifndef SERVERS_CONTROL_LOG_KEEPER_PRIVATE_H
#define SERVERS_CONTROL_LOG_KEEPER_PRIVATE_H

#include "servers/control/log_keeper.h"

#define DAY_MS ((uint64_t)24 * 60 * 60 * 1000)

struct stream {
    struct scope *life;
    struct text key, application, name;
    uint64_t accepted, durable; /* numbers */
    uint64_t heard_utc_ms;
    bool is_stored, is_stored_durably; /* it has its row: by what was submitted, by what is there */
};

struct log_trim;

struct log_keeper {
    struct control_server *server;
    struct table *streams;
    struct list own; /* not submitted, or to be submitted again */
    uint32_t own_count;
    struct chore own_chore;
    struct timer *own_timer;
    struct log_trim *trim;
    uint64_t next_id;
    uint32_t waiting_records;
    size_t waiting_bytes;
    uint64_t kept_total, repeated_total, refused_total, lost_total;
    bool is_own_in_flight, is_refusing;
};

/* log_row.c */
struct log_row { /* what is written of one record */
    struct text event, text, ixn, application, type, host;
    uint64_t time_us;
    uint32_t priority, category, pid;
    const struct kv *attributes;
};
void log_row_write(struct log_keeper *keeper, struct change *change, const struct log_row *row);

/* log_keeper.c */
struct text log_type_of(const struct control_server *server, struct text application,
                        struct text sent);
/* Told as ours, by the road of notes: kept, and an alarm, as soon as the store takes it. */
void log_tell_of_store(struct log_keeper *keeper, const struct change_result *result);

/* log_own.c */
void log_own_open(struct log_keeper *keeper);

/* log_trim.c */
struct log_trim *log_trim_open(struct log_keeper *keeper);
void log_trim_stop(struct log_trim *trim);
/* Streams heard of before are forgotten. */
uint64_t log_trim_streams_since(const struct log_keeper *keeper);

#endif
