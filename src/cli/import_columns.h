/* SPDX-License-Identifier: Apache-2.0 */
/* import_columns.h - which column of a calling list each header of a CSV file means.
 * Rule     --map column=header goes first; then a header is the column it names; then common words
 *          ("phone", "time zone", "from") stand for the usual columns where nothing else has taken
 *          them; whatever else is handed on by its own name, and outbound says if the list lacks
 * it. Headers compare without case, blanks, '_' and '-'. Pure     no I/O. Results lie in the scope.
 */
#ifndef CLI_IMPORT_COLUMNS_H
#define CLI_IMPORT_COLUMNS_H

#include "base/scope.h"

enum { IMPORT_COLUMNS_MAX = 300 };

struct import_columns {
    struct text *names; /* one per used header */
    uint32_t *cells;    /* index of its cell in a row */
    uint32_t count;
    uint32_t header_count; /* cells that a row has to have */
};

/* `map`: "column=header,..." and `ignore`: "header,...", both may be empty. The fault names the
 * header. */
enum err import_columns_make(const struct text *headers, uint32_t count, struct text map,
                             struct text ignore, struct scope *scope, struct import_columns *out,
                             struct fault *fault);
/* The header of this name in any spelling, or UINT32_MAX. */
uint32_t import_columns_find(const struct text *headers, uint32_t count, struct text name);

#endif
