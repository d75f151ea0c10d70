/* SPDX-License-Identifier: Apache-2.0 */
/* import_rows.h - what becomes of a row of the file: its cells in the list's columns, its numbers
 * checked or normalised, its time zone found by its number, a list row for each of its numbers.
 * Pure but for the calls it makes: rows and rejects go to import_send.h. */
#ifndef CLI_IMPORT_ROWS_H
#define CLI_IMPORT_ROWS_H

#include "base/buf.h"
#include "cli/import_columns.h"
#include "cli/import_send.h"
#include "model/phone.h"

enum import_numbers_rule { IMPORT_NUMBERS_KEEP, IMPORT_NUMBERS_CHECK, IMPORT_NUMBERS_NORMALISE };

enum { IMPORT_PHONES_MAX = 50 };

struct import_rows_options {
    struct text map, ignore; /* as import_columns.h has them */
    struct text phones;      /* "header=type,..."; empty: the number is in contact_info */
    struct text constants;   /* "column=value,..." */
    struct text region;      /* of numbers without country code; empty: none */
    enum import_numbers_rule numbers;
};

struct import_rows;

/* From the file's header. The fault names the option or header. */
enum err import_rows_new(struct scope *owner, const struct text *headers, uint32_t count,
                         const struct import_rows_options *options, struct import_rows **out,
                         struct fault *fault);
/* Columns and constants, for ImportBegin. */
void import_rows_describe(const struct import_rows *rows, struct outbound_import_begin *begin);
/* What each header was taken for, a line each: most who read it misspelled one. */
void import_rows_explain(const struct import_rows *rows, struct buf *out);

/* One row of the file; import_send_end_row() is the caller's. An error is the sender's. */
enum err import_rows_take(struct import_rows *rows, struct import_send *send, uint64_t line,
                          const struct text *cells, uint32_t count, struct fault *fault);

#endif
