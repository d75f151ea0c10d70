/* SPDX-License-Identifier: Apache-2.0 */
/* list.h - calling lists and their tables (spec outbound 2.1, 3.2, 4). Shell: talks to the store.
 * A table is opened once per process, by the first who needs it: created where it is missing, its
 * structure compared, rows that an earlier run left Retrieved made Ready with result Stale (5.3)
 * unless their chain is with an agent. Several calling lists may share one table. Promise callbacks
 * never come from inside the call that took them. */
#ifndef SERVERS_OUTBOUND_LIST_H
#define SERVERS_OUTBOUND_LIST_H

#include "app/app.h"
#include "servers/outbound/chain.h"
#include "store/store.h"

enum list_table_state { TABLE_CLOSED, TABLE_OPENING, TABLE_OPEN, TABLE_FAILED };

/* One table of the database. */
struct list_table {
    struct scope *life;
    struct lists *lists;
    struct list_layout layout;
    enum list_table_state state;
    struct fault fault; /* of TABLE_FAILED */
    int64_t next_record_id, next_chain_id;
    int64_t recovered_rows;
    const struct statement *insert, *load_chains, *load_record, *take, *take_sibling, *write_status,
        *write_row;
    uint32_t row_columns[COLUMNS_MANDATORY + USER_COLUMNS_MAX]; /* of write_row, in its order */
    uint32_t row_column_count;
    struct scope *waiting; /* memory of the waiters; NULL: nobody waits */
    struct list_waiter *waiters;
};

/* A CallingList object, as it is now. */
struct calling_list {
    struct text name;
    uint32_t dbid;
    struct list_table *table;
    struct text criteria, order_by; /* of its filter; empty: none */
    uint32_t max_attempts;          /* 0: no bound */
    int64_t time_from, time_until;  /* further bounds; equal: none */
    const struct statement *select; /* candidates of one record type */
};

struct lists;

struct lists *lists_new(struct app *app, uint32_t app_dbid, struct store *store);
/* The calling list as configured now, its table not necessarily open; NULL with `fault` where it
 * does not exist or its objects are not usable (missing field, bad name). By name or DBID in
 * decimal. */
struct calling_list *lists_find(struct lists *lists, struct text name, struct fault *fault);
struct calling_list *lists_find_by_dbid(struct lists *lists, uint32_t dbid, struct fault *fault);
/* Configuration moved: what is cached is looked up again at the next find. */
void lists_forget(struct lists *lists);

static inline bool list_is_open(const struct calling_list *list)
{
    return list->table->state == TABLE_OPEN;
}
/* Open the table of `list` if it is not open; the answer comes in a later turn. */
void list_open(struct calling_list *list, void (*on_open)(void *self, const struct fault *fault),
               void *self);

/* Candidates: (chain_id, chain_n) of rows that may be given out now, in order (spec 4). `type` is
 * one record type; `limit` rows at most. `agents`: only rows of one of these, a JSON array of ids;
 * .at NULL: whosever. */
struct candidate {
    int64_t chain_id, chain_n;
};
void list_select(struct calling_list *list, int64_t record_type, uint64_t now_utc_ms,
                 uint32_t limit, struct text agents,
                 void (*on_candidates)(void *self, enum err err, const struct candidate *candidates,
                                       uint32_t count),
                 void *self);
/* Rows of whole chains, ordered by chain_id, chain_n; columns in layout order. */
void list_load_chains(struct list_table *table, const int64_t *chain_ids, uint32_t count,
                      void (*on_rows)(void *self, enum err err, const struct rows *rows),
                      void *self);
void list_load_record(struct list_table *table, int64_t chain_id, int64_t chain_n,
                      void (*on_rows)(void *self, enum err err, const struct rows *rows),
                      void *self);

/* One row into cells of `owner`. */
struct value *list_read_row(const struct list_layout *layout, struct scope *owner,
                            const struct rows *rows, uint32_t row);

/* Additions to a change. */
void list_add_take(struct list_table *table, struct change *change, int64_t chain_id,
                   int64_t chain_n, uint32_t campaign_dbid, uint32_t group_dbid);
void list_add_take_sibling(struct list_table *table, struct change *change, int64_t chain_id,
                           int64_t chain_n);
/* Rows of the chain that are Retrieved or Chain Ready become Ready. */
void list_add_release(struct list_table *table, struct change *change, int64_t chain_id);
/* The row of `cells` as it has to be; `is_status_only` where nothing else moved. */
void list_add_write(struct list_table *table, struct change *change, const struct value *cells,
                    bool is_status_only);
void list_add_insert(struct list_table *table, struct change *change, const struct value *cells);

/* Spec 3.2: rows that have had all their attempts are final. Nothing where the list has no bound.
 */
void list_add_finalise_exhausted(struct calling_list *list, struct change *change);

/* The configured TimeZone objects. */
struct list_zone {
    uint32_t dbid;
    struct text name;
    int64_t offset_s; /* now */
};
/* False when there is no such zone object. */
bool list_zone_by_dbid(struct app *app, uint32_t dbid, uint64_t now_utc_ms, struct list_zone *out);
bool list_zone_by_name(struct app *app, struct text name, uint64_t now_utc_ms,
                       struct list_zone *out);
/* Spec 4, rule 3, again right before a record is given out. */
bool list_is_in_window(const struct calling_list *list, const struct record *record,
                       uint64_t now_utc_ms);

#endif
