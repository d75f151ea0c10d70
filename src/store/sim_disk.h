/* SPDX-License-Identifier: Apache-2.0 */
/* sim_disk.h - the disk of the simulated world: files in memory, below SQLite, with all that a disk
 * may do to us. It hangs on a VIRTUAL loop, is made by the first store_open("sim:..."), survives
 * stores and applications and dies with the loop.
 *
 * Promise  what was synced is there after every crash, as it was written. What was not may be lost:
 *          of each file any suffix of the writes and truncations since its last sync, of the last
 *          one that is kept any of its sectors (512 bytes); of each folder any suffix of the files
 *          made and deleted since its last sync. Bytes beside a write are never harmed: SQLite is
 *          told so (powersafe overwrite) and nothing else, as on Linux.
 * Chance   comes from the loop: the same seed, the same bytes.
 * Knobs    what is said of a prefix counts for all below it, whatever was said of them before.
 * Names    "sim:" and any path; a `prefix` (with or without "sim:") means all files whose path
 *          begins with it, the empty one all there are. No file lies in another's folder unless its
 *          path says so; folders need not be made. Two stores on one file are two processes.
 * Thread   the loop's. */
#ifndef STORE_SIM_DISK_H
#define STORE_SIM_DISK_H

#include "io/loop/loop.h"

#define SIM_DISK_SCHEME "sim:"

/* A kill keeps what was written; its locks go. A power cut loses what was not synced, see above. */
enum sim_crash { SIM_CRASH_PROCESS, SIM_CRASH_POWER };
/* Whoever has such files open is dead from now on: nothing of it reaches the disk any more, no
 * answer comes from its store. Close its scopes after that, and open anew. Never from within a
 * callback that comes from below the store. */
void sim_disk_crash(struct loop *loop, struct text prefix, enum sim_crash crash);
/* Whoever is about to do the `deeds`-th write, truncation, sync, creation or deletion from now on
 * (1: the next) dies instead of doing it; on_stopped is called in the same turn, to crash it or the
 * machine and close its scopes. 0: not any more. */
void sim_disk_stop_after(struct loop *loop, struct text prefix, uint64_t deeds,
                         void (*on_stopped)(void *self), void *self);

enum sim_deed { SIM_READ, SIM_WRITE, SIM_SYNC, SIM_DEED_COUNT };
/* The next `times` deeds fail with an I/O error. A failed write is not there. Of what a failed sync
 * should have kept either any suffix is gone at once, or all reads as if it were there and is gone
 * with the power, whatever is synced later, unless it was written anew (as on Linux). */
void sim_disk_fail(struct loop *loop, struct text prefix, enum sim_deed deed, uint32_t times);
/* Each commit and query takes up to so much longer, by chance; 0: as it should be. */
void sim_disk_slow(struct loop *loop, struct text prefix, uint32_t extra_ms);
/* No file grows past this sum of all of them: SQLITE_FULL. 0: no limit. */
void sim_disk_limit(struct loop *loop, uint64_t bytes_max);

uint64_t sim_disk_bytes(struct loop *loop);
uint64_t sim_disk_deeds(struct loop *loop);  /* done so far, as sim_disk_stop_after() counts */
uint64_t sim_disk_digest(struct loop *loop); /* of all names and bytes: are two worlds the same? */

#endif
