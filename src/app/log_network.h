/* SPDX-License-Identifier: Apache-2.0 */
/* log_network.h - the log output `network` of an application: its records go to the application of
 * type MessageServer, else SCS, among our connections (framework 8.5), by log_sender.h.
 * Thread   the loop's. */
#ifndef APP_LOG_NETWORK_H
#define APP_LOG_NETWORK_H

#include "app/app.h"
#include "app/log_line.h"

struct log_network;

/* `folder` of the spool; `log` without the network. Dies with `owner`, then all is on the disk. */
struct log_network *log_network_new(struct scope *owner, struct app *app, const struct log *log,
                                    struct text folder);
/* The configuration or the options moved: is it used at all, and whom to tell? */
void log_network_configure(struct log_network *network, bool is_used);
void log_network_add(void *network, const struct log_record *record);
/* One of a helper process (log_record.h); else ERR_INVALID or ERR_LIMIT. */
enum err log_network_add_encoded(struct log_network *network, struct text bytes);
/* Records that nobody has kept yet, while there is somebody who could. */
bool log_network_is_sending(const struct log_network *network);

#endif
