/* SPDX-License-Identifier: Apache-2.0 */
/* peer.h - a link to another application, one that our Application object names among its
 * connections (framework 2.3, 10.1): by the port, the keep-alive and the reconnect time-out that
 * configuration gives it, and by the key that the supervisor gives us for it (docs/decisions/0004).
 * Promise  it is tried for ever; what the configuration says later is used at the next connect.
 * Thread   the loop's. */
#ifndef APP_PEER_H
#define APP_PEER_H

#include "app/app.h"

struct peer;

/* `handlers`, `life` and `self` are those of link_connect(). */
struct peer *peer_open(struct scope *owner, struct app *app, struct text name,
                       const struct link_handler *handlers, const struct link_life *life,
                       void *self);
/* The same, but what happens to the link is told to `log`: for the log's own link. */
struct peer *peer_open_quiet(struct scope *owner, struct app *app, struct text name,
                             const struct log *log, const struct link_handler *handlers,
                             const struct link_life *life, void *self);
struct text peer_name(const struct peer *peer);
bool peer_is_up(const struct peer *peer);
/* NULL until the supervisor has given the key. */
struct link *peer_link(const struct peer *peer);
/* The configuration moved. */
void peer_configure(struct peer *peer);

#endif
