/* SPDX-License-Identifier: Apache-2.0 */
/* transfer.h - all that one store holds into another, of another engine perhaps, and the proof that
 * it is there (framework 11; decision 0049).
 * What     every table but leases, which are nobody's afterwards. Tables that no migration makes
 *          (calling lists, logs of requests) are made anew: columns, primary key, indexes.
 * Promise  after ERR_OK both stores were read whole, by the same reader, and each table has as many
 *          rows with the same sum of SHA-256 over their values. A target that holds anything is
 *          refused; one that a broken-off transfer left is emptied and filled again.
 * Blocking for tools: runs the loop. No process may have either store open. */
#ifndef APP_TRANSFER_H
#define APP_TRANSFER_H

#include "base/log.h"
#include "base/shape.h"
#include "io/loop/loop.h"

struct migration;

enum transfer_phase { TRANSFER_COPIES, TRANSFER_COMPARES };

struct transfer_step {
    enum transfer_phase phase;
    struct text table;
    uint32_t number, count; /* of tables; 1 is the first */
    uint64_t rows, rows_total;
};

struct transfer {
    struct text from, to; /* as store_open() takes them */
    const struct migration *migrations;
    void (*on_step)(void *self, const struct transfer_step *step); /* per page of rows */
    void *self;
};

enum { TRANSFER_DIGEST_BYTES = 32 };

struct transfer_table {
    struct text name;
    uint64_t rows;
    uint8_t digest[TRANSFER_DIGEST_BYTES];
};

struct transfer_proof {
    struct transfer_table *tables; /* in `scope`, by name */
    uint32_t count;
    uint64_t rows;
};

enum err transfer_run(struct scope *scope, struct loop *loop, const struct log *log,
                      const struct transfer *transfer, struct transfer_proof *proof,
                      struct fault *fault);

#endif
