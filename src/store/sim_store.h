/* SPDX-License-Identifier: Apache-2.0 */
/* sim_store.h - the store of the simulated world: what a disk may do to us, on a VIRTUAL loop.
 * There a store has no threads: a group runs `commit_ms` after it was submitted, a query `query_ms`
 * after it was asked, both on the virtual clock. A query sees the data of the moment when it was
 * asked or of the moment of its answer, by chance. Closing the store's scope without store_flush()
 * is the crash: what was not committed by then is gone.
 * With a path "sim:..." its file lies on the simulated disk of the loop (sim_disk.h): the bytes of
 * a commit are there at some moment of its time, the answer comes at the end of it. */
#ifndef STORE_SIM_STORE_H
#define STORE_SIM_STORE_H

#include "store/store.h"

enum { SIM_COMMIT_MS = 2, SIM_QUERY_MS = 1 };

/* From now on. 0 is still a later turn. */
void sim_store_times(struct store *store, uint32_t commit_ms, uint32_t query_ms);
/* The next `groups` commits find the disk full: each change of theirs ends with ERR_FULL. */
void sim_store_fill_disk(struct store *store, uint32_t groups);
/* The next commit's sync fails: its changes end with ERR_IO, whether they are on disk or not is
 * left to chance, and from then on the store refuses all changes until it is opened anew. */
void sim_store_fail_sync(struct store *store);
/* Of a store on the simulated disk: its process is killed, the others that have the file open live
 * on (sim_disk.h). Close its scope after that. */
void sim_store_kill(struct store *store);

#endif
