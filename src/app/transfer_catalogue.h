/* SPDX-License-Identifier: Apache-2.0 */
/* transfer_catalogue.h - what tables a store has and what they are made of, the same of each
 * engine, for transfer.c. */
#ifndef APP_TRANSFER_CATALOGUE_H
#define APP_TRANSFER_CATALOGUE_H

#include "base/buf.h"
#include "store/store.h"

enum { TRANSFER_TABLES_MAX = 10000, TRANSFER_COLUMNS_MAX = 500 };

struct transfer_column {
    struct text name, type, fallback; /* as SQL says it; no fallback: empty */
    bool is_not_null;
    uint32_t key_place; /* in the primary key, from 1; 0: it is not in it */
};

struct transfer_shape {
    struct text name;
    struct transfer_column *columns; /* without `rowid` */
    uint32_t column_count, key_count;
    bool is_numbered; /* rows have a `rowid`, SQLite's own or a column of PostgreSQL's */
};

struct transfer_names {
    struct text *at;
    uint32_t count;
};

/* Names of tables, and the statements that make the indexes of one; in `scope`. */
enum err transfer_tables(struct store *store, struct scope *scope, struct transfer_names *out,
                         struct fault *fault);
enum err transfer_indexes(struct store *store, struct scope *scope, struct text table,
                          struct transfer_names *out, struct fault *fault);
enum err transfer_columns(struct store *store, struct scope *scope, struct text table,
                          struct transfer_shape *out, struct fault *fault);
/* CREATE TABLE, as both engines' stores take it. `has_number`: with a column for the number that
 * SQLite's rows have by themselves. */
void transfer_put_table(const struct transfer_shape *shape, bool has_number, struct buf *out);
/* The names of its primary key's columns, in their order. */
void transfer_put_key(const struct transfer_shape *shape, struct buf *out);

/* One query, its rows taken by `on_rows`. */
enum err transfer_query(struct store *store, const struct query *query,
                        void (*on_rows)(void *self, const struct rows *rows), void *self,
                        struct fault *fault);

#endif
