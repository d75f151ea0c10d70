/* SPDX-License-Identifier: Apache-2.0 */
/* row_batch.h - rows that have no commit of their own: they wait up to a second for company.
 * Bound    ROW_BATCH_WAITING_MAX rows wait or are on their way; more are counted as dropped. */
#ifndef SERVERS_OUTBOUND_ROW_BATCH_H
#define SERVERS_OUTBOUND_ROW_BATCH_H

#include "servers/outbound/outbound.h"

enum { ROW_BATCH_WAITING_MAX = 10000 };

struct row_batch;

/* `dropped` counts what was not kept. */
struct row_batch *row_batch_new(struct outbound *server, uint64_t *dropped);
/* The change to add one row to, row_batch_end() follows; NULL: full, and counted. */
struct change *row_batch_begin(struct row_batch *batch);
void row_batch_end(struct row_batch *batch);
void row_batch_flush(struct row_batch *batch); /* at the stop */

#endif
