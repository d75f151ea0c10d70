/* SPDX-License-Identifier: Apache-2.0 */
/* foreign.h - a customer's own database beside our store, and the journal of what is owed to it
 * (design 5: the intent in our own store, then an idempotent update, then the mark).
 *
 *   our change, with foreign_owe() in it  -> durable: may be acknowledged
 *   carrier: a page of the journal        -> one transaction there, in the order of the journal
 *   mark: taken out of the journal        -> only then the next page
 *
 * Promise  what is owed is carried out at least once, in order, whatever dies in between; its SQL
 *          must leave the same when it comes twice in a row. A change of the database itself
 *          (foreign_submit) runs only while nothing that was ever sent is unmarked, so what may
 * come twice never meets rows that were taken meanwhile. A read (foreign_query) sees all that was
 * acknowledged before. Away     reads and changes of the database itself end with ERR_UNAVAILABLE;
 * what is owed waits and is tried every second. What the database refuses for good is kept, told
 * once, tried again every minute and does not hold up the others. Thread   the loop's. */
#ifndef STORE_FOREIGN_H
#define STORE_FOREIGN_H

#include "store/store.h"

struct foreign;

/* What its owner wants to hear. */
struct foreign_listener {
    void (*on_away)(void *self, const char *words); /* once, until it is back */
    void (*on_back)(void *self);
    void (*on_refused)(void *self, struct text table, int64_t key_1, int64_t key_2,
                       const char *words);
    void *self;
};

/* `own` has the table foreign_write; `access_point` tells its rows apart. Does not block. */
enum err foreign_open(struct scope *owner, struct loop *loop, const struct log *log,
                      struct store *own, int64_t access_point, struct text connection_string,
                      const struct store_options *options, const struct foreign_listener *listener,
                      struct foreign **out, struct fault *fault);

enum owed_kind {
    OWED_INSERT = 1, /* a second one of the same row is refused: ERR_EXISTS of our change */
    OWED_WRITE = 2, /* touches one row, or none when it came before or the row is not ours any more;
                       the newest one counts */
    OWED_STATEMENT = 3 /* any number of rows; the newest one of its keys counts */
};
struct owed {
    enum owed_kind kind;
    struct text table;
    int64_t key_1, key_2;
    struct text sql; /* ?1.. as in store.h */
    const struct value *parameters;
    uint32_t parameter_count;
};
void foreign_owe(struct foreign *foreign, struct change *change, const struct owed *owed);
/* What is owed waits, since the database does not answer. */
bool foreign_is_away(const struct foreign *foreign);
/* Rows that are owed at the moment, about. */
uint32_t foreign_owed(const struct foreign *foreign);

/* What became of one row that is owed, by the rowid of its change: ERR_OK carried out; ERR_EXISTS,
 * ERR_INVALID... refused and taken out of the journal again; ERR_UNAVAILABLE it waits, told after 2
 * s at the latest. To be asked for in the on_durable of the change. */
void foreign_await(struct foreign *foreign, int64_t rowid,
                   void (*on_carried)(void *self, enum err err, const char *words), void *self);

/* A change of the database itself: change_new(foreign_store(...)), then this. `undo`: owed when
 * nobody knows whether the change happened (ERR_IO); copied. */
struct store *foreign_store(const struct foreign *foreign);
void foreign_submit(struct foreign *foreign, struct change *change, const struct owed *undo,
                    uint32_t undo_count,
                    void (*on_durable)(void *self, const struct change_result *result), void *self);

/* Within on_rows, of an error: the reason in words. */
const char *foreign_query_words(const struct foreign *foreign);
void foreign_query(struct foreign *foreign, const struct query *query,
                   void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);

#endif
