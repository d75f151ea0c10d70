/* SPDX-License-Identifier: Apache-2.0 */
/* import_file.h - the CSV file of an import: what it is (a hash of all of it, how many lines at
 * most, its character set and delimiter), and its rows from any place on.
 * Places   offsets count UTF-8 bytes: of the file itself, or of what it is decoded to.
 * Memory   a block and a row. */
#ifndef CLI_IMPORT_FILE_H
#define CLI_IMPORT_FILE_H

#include "base/scope.h"
#include "format/csv.h"

struct import_file {
    struct scope *life;
    const char *name;
    int descriptor;
    struct text encoding; /* empty: UTF-8 */
    char delimiter;
    uint64_t bytes, lines_max, hash;
    uint64_t bytes_read; /* of the file, by the present walk */
    int64_t changed_ns;  /* when it was opened */
};

/* `encoding` empty: by its byte order mark, else UTF-8; `delimiter` '\0': the likeliest. Reads the
 * file once. */
enum err import_file_open(struct scope *owner, const char *name, struct text encoding,
                          char delimiter, struct import_file **out, struct fault *fault);

/* Rows as csv.h tells them. `csv` may be asked for its line and offset meanwhile; offsets begin at
 * `offset`. */
struct import_walk {
    uint64_t offset, line; /* where to begin; 0, 0: at the front */
    const struct csv_handler *handler;
    void (*on_csv)(void *self, struct csv *csv);
    void (*on_block)(void *self); /* now and then; NULL: not */
    void *self;
};
/* ERR_CONFLICT: the file was changed since it was opened. A handler that stops it ends it. */
enum err import_file_walk(struct import_file *file, const struct import_walk *walk,
                          struct fault *fault);

#endif
