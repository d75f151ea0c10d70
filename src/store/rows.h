/* SPDX-License-Identifier: Apache-2.0 */
/* rows.h - a page of a query's answer, filled by a driver: for the files of this room only. */
#ifndef STORE_ROWS_H
#define STORE_ROWS_H

#include "store/store.h"

enum { ROWS_BYTES_MAX = 64 * 1024 * 1024 }; /* of one page; past it ERR_LIMIT */

struct rows {
    struct scope *life; /* of the texts */
    struct value *values;
    size_t value_count, value_room;
    uint32_t columns;
};

void rows_begin(struct rows *rows, uint32_t columns);
/* The next value of the row; texts and bytes are copied. */
enum err rows_add(struct rows *rows, struct value value);
void rows_free(struct rows *rows);

#endif
