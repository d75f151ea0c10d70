/* SPDX-License-Identifier: Apache-2.0 */
/* log_keeper.h - keeps the log records that applications send (framework 8.5), and shows each to
 * the alarms first.
 * Promise  LogKept comes when the records, the stream's number and what they did to alarms are in
 *          one commit. A record is known by (application, stream, number): sent again, also after a
 *          crash of ours, it is not kept twice and counts nothing twice.
 * Bounds   at most [messages] queue-size records, and QUEUE_BYTES_MAX, wait for the disk; past it a
 *          sender is refused, retryable, and its spool holds. Of our own OWN_MAX wait, more
 *          are lost and counted.
 * Memory   what a request holds dies with it.
 * Files    log_keeper.c takes in, log_own.c what is ours, log_row.c writes, log_trim.c deletes the
 *          old; log_reader.c searches.
 * Thread   the loop's. */
#ifndef SERVERS_CONTROL_LOG_KEEPER_H
#define SERVERS_CONTROL_LOG_KEEPER_H

#include "servers/control/server.h"

enum { LOG_KEEPER_OWN_MAX = 10000 };
#define LOG_KEEPER_QUEUE_BYTES_MAX ((size_t)64 * 1024 * 1024)

/* Blocks: reads the streams. Alarms are open. */
enum err log_keeper_open(struct control_server *server, struct log_keeper **out,
                         struct fault *fault);

/* A record of ours, or about somebody who cannot speak for himself. Views; kept at the end of the
 * turn. */
struct own_record {
    struct text application, type, host; /* whose; empty: our own */
    struct text about;                   /* as in alarms.h */
    struct text event, text, ixn;
    uint64_t utc_us; /* 0: now */
    uint32_t priority, category;
    struct kv attributes;
};
void log_keeper_add(struct log_keeper *keeper, const struct own_record *record);
/* Hand what waits to the store now. */
void log_keeper_flush(struct log_keeper *keeper);
void log_keeper_count(const struct log_keeper *keeper, struct control_counters *out);

void request_send_log(void *self, struct link_request *request, const void *fields);
void request_read_log(void *self, struct link_request *request, const void *fields);

#endif
