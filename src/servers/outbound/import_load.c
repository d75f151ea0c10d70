/* SPDX-License-Identifier: Apache-2.0 */
/* What an import has to know before its next slice: the numbers that the list has (page by page, in
 * the order of its key), and the chains that earlier slices began. */
#include "servers/outbound/import_private.h"

#include <string.h>

enum { NUMBERS_PAGE = 10000, CHAINS_PAGE = 100 };

struct loading {
    struct import *import;
    void (*on_loaded)(struct import *import, const struct fault *fault, void *self);
    void *self;
    const struct statement *numbers;
    int64_t chain_id, chain_n, slice; /* the last ones read */
};

static void fail(struct loading *loading, enum err err)
{
    struct fault fault;
    (void)fault_set(&fault, err, "list", "what is in the list cannot be read");
    loading->on_loaded(loading->import, &fault, loading->self);
}

/* --- chains --- */

static void read_chains(struct loading *loading);

/* Later entries of a key replace earlier ones: a chain grows. */
static void take_keys(struct import *import, struct text keys)
{
    for (size_t at = 0; at + 2 * sizeof(uint64_t) <= keys.len; at += 2 * sizeof(uint64_t)) {
        uint64_t words[2];
        memcpy(words, keys.at + at, sizeof words);
        struct import_place place = { words[1] >> 8, (uint32_t)(words[1] & 0xff) };
        (void)import_chains_put(import->chains, words[0], place);
    }
}

static void on_chains(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    if (err) {
        fail(loading, err);
        return;
    }
    for (uint32_t i = 0; i < rows_count(rows); i++) {
        loading->slice = rows_i64(rows, i, 0);
        take_keys(loading->import, rows_text(rows, i, 1));
    }
    if (rows_count(rows) == CHAINS_PAGE)
        read_chains(loading);
    else
        loading->on_loaded(loading->import, NULL, loading->self);
}

static void read_chains(struct loading *loading)
{
    static const struct statement statement = {
        "SELECT slice, keys FROM import_chain WHERE import_id = ?1 AND slice > ?2 ORDER BY slice "
        "LIMIT ?3"
    };
    struct import *import = loading->import;
    if (import->chains == NULL || import->durable.slices == 0) {
        loading->on_loaded(import, NULL, loading->self);
        return;
    }
    struct value parameters[] = { value_of_i64((int64_t)import->id), value_of_i64(loading->slice),
                                  value_of_i64(CHAINS_PAGE) };
    struct query query = { &statement, parameters, 3 };
    store_query(import->server->store, &query, on_chains, loading);
}

/* --- numbers --- */

static void read_numbers(struct loading *loading);

static void on_numbers(void *self, enum err err, const struct rows *rows)
{
    struct loading *loading = self;
    struct import *import = loading->import;
    if (err) {
        fail(loading, err);
        return;
    }
    uint32_t count = rows_count(rows);
    for (uint32_t i = 0; i < count; i++) {
        struct text number = rows_text(rows, i, 2);
        if (number.len)
            (void)import_numbers_add(import->numbers, import_number_hash(import->seed, number));
    }
    if (count > 0) {
        loading->chain_id = rows_i64(rows, count - 1, 0);
        loading->chain_n = rows_i64(rows, count - 1, 1);
    }
    if (count == NUMBERS_PAGE)
        read_numbers(loading);
    else
        read_chains(loading);
}

static void read_numbers(struct loading *loading)
{
    struct value parameters[] = { value_of_i64(loading->chain_id), value_of_i64(loading->chain_n),
                                  value_of_i64(NUMBERS_PAGE) };
    struct query query = { loading->numbers, parameters, 3 };
    store_query(loading->import->server->store, &query, on_numbers, loading);
}

void import_load(struct import *import,
                 void (*on_loaded)(struct import *import, const struct fault *fault, void *self),
                 void *self)
{
    struct loading *loading = scope_alloc(import->life, sizeof *loading);
    *loading = (struct loading){ .import = import, .on_loaded = on_loaded, .self = self };
    loading->chain_id = INT64_MIN;
    /* A customer's own table is not read through for it: there the file alone is looked at. */
    if (import->numbers == NULL || import->table->foreign) {
        read_chains(loading);
        return;
    }
    struct buf sql = { 0 };
    buf_format(&sql,
               "SELECT chain_id, chain_n, contact_info FROM %.*s WHERE (chain_id, chain_n) > "
               "(?1, ?2) ORDER BY chain_id, chain_n LIMIT ?3",
               TEXT_ARG(import->table->layout.table));
    loading->numbers = store_statement(import->server->store, buf_text(&sql));
    buf_free(&sql);
    if (loading->numbers == NULL)
        fail(loading, ERR_LIMIT);
    else
        read_numbers(loading);
}
