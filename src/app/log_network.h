/* SPDX-License-Identifier: Apache-2.0 */
/* log_network.h - the log output `network`: records go to the application of type MessageServer,
 * else SCS, among our connections (framework 8.5; schema/messages/control_log.toml).
 * Promise  each record goes through the spool on disk (log_spool.h) and leaves it when the other
 *          end has kept it: in order, and what was sent twice is known there by its number. A disk
 *          or a peer that is slow or gone never holds the loop.
 * Bound    256 MiB on disk, the oldest go, told once as 00-04530; 8 MiB for a disk that fails.
 * Quiet    what is said about the output itself goes to the other outputs only.
 * Thread   the loop's. */
#ifndef APP_LOG_NETWORK_H
#define APP_LOG_NETWORK_H

#include "app/app.h"
#include "app/log_line.h"

struct log_network;

enum { LOG_NETWORK_PENDING_BYTES = 8 * 1024 * 1024 };
#define LOG_NETWORK_SPOOL_BYTES (UINT64_C(256) * 1024 * 1024)

/* `folder` of the spool; `log` without the network. Dies with `owner`, then all is on the disk. */
struct log_network *log_network_new(struct scope *owner, struct app *app, const struct log *log,
                                    struct text folder);
/* The configuration or the options moved: is it used at all, and whom to tell? */
void log_network_configure(struct log_network *network, bool is_used);
void log_network_add(void *network, const struct log_record *record);
/* Records that nobody has kept yet, while there is somebody who could. */
bool log_network_is_sending(const struct log_network *network);

#endif
