/* SPDX-License-Identifier: Apache-2.0 */
/* net_watch.h - tells the log when a process has no descriptors left for who knocks at its ports,
 * once when it begins and once when it is over. Who waits stays in the backlog meanwhile.
 * Thread   the loop's. */
#ifndef APP_NET_WATCH_H
#define APP_NET_WATCH_H

#include "base/log.h"
#include "base/scope.h"
#include "io/net/net.h"

/* `log` outlives the net. */
void net_watch_new(struct scope *owner, struct net *net, const struct log *log);

#endif
