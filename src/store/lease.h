/* SPDX-License-Identifier: Apache-2.0 */
/* lease.h - who may write: one row per name with holder, fencing number and expiry (design 5).
 * Once taken, every group that the store commits first checks the row inside its transaction; a
 * lost lease makes each change fail with ERR_UNAVAILABLE and calls on_lost once. Table `lease(name,
 * holder, epoch, expires_utc_ms)` comes with the common migration. */
#ifndef STORE_LEASE_H
#define STORE_LEASE_H

#include "store/store.h"

struct lease;

/* Take or wait for it: on_taken(epoch) when ours. A lease whose holder is our own earlier self
 * (same holder text) is taken over at once; another's when it expired, or when nobody renewed it
 * for `ttl_ms` (so a wall clock that is set back keeps nobody waiting). Renews itself at a third of
 * `ttl_ms`. A store has one lease at a time; it may be taken again after it was lost. */
struct lease *lease_take(struct scope *owner, struct store *store, struct text name,
                         struct text holder, uint64_t ttl_ms,
                         void (*on_taken)(void *self, uint64_t epoch), void (*on_lost)(void *self),
                         void *self);
uint64_t lease_epoch(const struct lease *lease); /* 0: not held */
/* Others may take it at once, our own changes are refused from now on; no on_lost. Flush the store
 * behind it. Closing the scope alone releases nothing: then it expires. */
void lease_release(struct lease *lease);

#endif
