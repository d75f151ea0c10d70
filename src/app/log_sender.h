/* SPDX-License-Identifier: Apache-2.0 */
/* log_sender.h - records of the output `network` on their way to the one who keeps logs
 * (framework 8.5; schema/messages/control_log.toml), over a link that its owner has.
 * Promise  each record goes through the spool on disk (log_spool.h) and leaves it when the other
 *          end has kept it: in order, and what was sent twice is known there by its number. A disk
 *          or a peer that is slow or gone never holds the loop.
 * Bound    256 MiB on disk, the oldest go, told once as 00-04530; 8 MiB for a disk that fails.
 * Disk     kill -9 loses nothing of former turns, a power cut at most two seconds.
 * Quiet    what is said about the output itself goes to the other outputs only.
 * Thread   the loop's. */
#ifndef APP_LOG_SENDER_H
#define APP_LOG_SENDER_H

#include "app/log_line.h"
#include "base/log.h"
#include "base/scope.h"
#include "io/link/link.h"

struct log_sender;

enum { LOG_SENDER_PENDING_BYTES = 8 * 1024 * 1024 };
#define LOG_SENDER_SPOOL_BYTES (UINT64_C(256) * 1024 * 1024)

struct log_sender_setup {
    struct loop *loop;
    struct log log;     /* of its owner */
    struct log quiet;   /* the same without the output network */
    struct text folder; /* of the spool: made where it is missing, not the folders above it */
    struct text application, host, type; /* whose records they are */
    uint32_t pid;
    struct link *(*link)(void *self); /* NULL: there is none now */
    void *self;
};

/* Dies with `owner`, then all is on the disk. Takes nothing yet. */
struct log_sender *log_sender_new(struct scope *owner, const struct log_sender_setup *setup);
/* Records that come while it does not take any are dropped: nobody will ever want them. */
void log_sender_take(struct log_sender *sender, bool takes);
void log_sender_add(void *sender, const struct log_record *record);
/* One of a helper process, as log_record_encode() made it; else ERR_INVALID or ERR_LIMIT. */
enum err log_sender_add_encoded(struct log_sender *sender, struct text bytes);

void log_sender_on_up(struct log_sender *sender); /* the link came up */
/* The link was closed, and what it was asked gets no answer; setup->link() tells the next one. */
void log_sender_forget_link(struct log_sender *sender);
/* Records that nobody has kept yet, while there is somebody who could. */
bool log_sender_is_sending(const struct log_sender *sender);

#endif
