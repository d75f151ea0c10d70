/* SPDX-License-Identifier: Apache-2.0 */
/* csv.h - a streaming CSV reader (RFC 4180): feed slices of any size, get rows.
 * Reads    quoted fields with doubled quotes and newlines inside, CRLF, LF or CR, a UTF-8 byte
 * order mark at the front. Blank lines are passed over. A quote in the middle of an unquoted field
 * is that character. Bad rows (text after a closing quote, past a bound, a quote open at the end)
 * are told by line, and reading goes on with the next line. Memory   one row at most, bounded.
 * Pure: no I/O. */
#ifndef FORMAT_CSV_H
#define FORMAT_CSV_H

#include "base/scope.h"

struct csv;

struct csv_rules {            /* zero takes the default */
    char delimiter;           /* ',' */
    uint32_t field_bytes_max; /* 64 KiB */
    uint32_t row_bytes_max;   /* 1 MiB, quotes and newlines included */
    uint32_t fields_max;      /* 1,024 */
    uint64_t first_line;      /* what is fed begins there, behind the file's front; 1 */
};

struct csv_handler {
    /* Views are good until return. `line`: of the row's first byte, from 1. False stops. */
    bool (*on_row)(void *self, uint64_t line, const struct text *fields, uint32_t count);
    /* `raw`: the row as it stood, cut at 4 KiB. False stops. */
    bool (*on_bad_row)(void *self, uint64_t line, struct text raw, const char *words);
};

struct csv *csv_new(struct scope *owner, const struct csv_rules *rules,
                    const struct csv_handler *handler, void *self);
/* False after a handler stopped it: feed no more. */
bool csv_feed(struct csv *csv, struct text bytes);
bool csv_end(struct csv *csv);            /* the last row may lack its newline */
uint64_t csv_line(const struct csv *csv); /* lines begun so far */
/* Of the bytes fed, those up to the end of the row that was told last, its line end included: a
 * reader that begins there, with csv_line() as its first line, tells the rest. */
uint64_t csv_offset(const struct csv *csv);

/* The likeliest of , ; tab and | in the first line of `head`, quotes respected. */
char csv_delimiter(struct text head);

#endif
