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

struct foreign_table;

enum list_table_state { TABLE_CLOSED, TABLE_OPENING, TABLE_OPEN, TABLE_FAILED };

/* One table of a database. */
struct list_table {
    struct scope *life;
    struct lists *lists;
    struct list_layout layout;
    struct text key;               /* among all tables: what our own store calls it in its rounds */
    struct foreign_table *foreign; /* foreign_list.h; NULL: the table is in our own store */
    struct list_charset charset;   /* of its texts; of a table in our own store alone */
    struct text charset_name;
    enum list_table_state state;
    struct fault fault; /* of TABLE_FAILED */
    int64_t next_record_id, next_chain_id;
    int64_t recovered_rows;
    const struct statement *insert, *load_chains, *take, *take_sibling, *write_status, *write_row;
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
    struct text criteria, order_by;              /* of its filter; empty: none */
    uint32_t max_attempts;                       /* 0: no bound */
    int64_t time_from, time_until;               /* further bounds; equal: none */
    const struct statement *select, *select_due; /* candidates of type General; of the others */
    const struct statement *find_due;
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
/* LIST_DUE_ALL or less: a bit 1 << record type for each type of which something is due, whatever
 * the hour. One question instead of four, every few seconds. Of a customer's database: all. */
#define LIST_DUE_ALL UINT32_MAX
void list_find_due(struct calling_list *list, uint64_t now_utc_ms,
                   void (*on_due)(void *self, uint32_t types), void *self);
void list_select(struct calling_list *list, int64_t record_type, uint64_t now_utc_ms,
                 uint32_t limit, struct text agents,
                 void (*on_candidates)(void *self, enum err err, const struct candidate *candidates,
                                       uint32_t count),
                 void *self);
/* Rows of whole chains, ordered by chain_id, chain_n; columns in layout order. */
void list_load_chains(struct list_table *table, const int64_t *chain_ids, uint32_t count,
                      void (*on_rows)(void *self, enum err err, const struct rows *rows),
                      void *self);

/* Reads with SQL of the caller's own: it is plain where the table is not ours, and sees what was
 * acknowledged before. The statement is NULL when too many are kept already. */
const struct statement *list_statement(struct list_table *table, struct text sql);
void list_query(struct list_table *table, const struct query *query,
                void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);

/* One row into cells of `owner`. */
struct value *list_read_row(const struct list_layout *layout, struct scope *owner,
                            const struct rows *rows, uint32_t row);

/* Taking a chain: a change of the table's own database, list_add_take() and ..._sibling(),
 * submitted. ERR_CONFLICT: another took it. */
struct change *list_new_take(struct list_table *table);
void list_submit_take(struct list_table *table, struct change *change, int64_t chain_id,
                      void (*on_taken)(void *self, const struct change_result *result), void *self);
void list_add_take(struct list_table *table, struct change *change, int64_t chain_id,
                   int64_t chain_n, uint32_t campaign_dbid, uint32_t group_dbid);
void list_add_take_sibling(struct list_table *table, struct change *change, int64_t chain_id,
                           int64_t chain_n);
/* Rows of the chain that are Retrieved or Chain Ready become Ready. */
void list_add_release(struct list_table *table, struct change *change, int64_t chain_id);
/* One cell as it goes into a table of our own store. */
void list_bind(const struct column_layout *column, struct change *change,
               const struct value *value);
/* Additions to a change of our own store. A table of another database is written later, in the
 * order of the changes: of a chain's rows the one that ceases to be Retrieved comes last. */
/* The row of `cells` as it has to be; `is_status_only` where nothing else moved. */
void list_add_write(struct list_table *table, struct change *change, const struct value *cells,
                    bool is_status_only);
void list_add_insert(struct list_table *table, struct change *change, const struct value *cells);
/* Any other write. Its SQL is plain and leaves the same when it is done twice; `key_1` and `key_2`
 * tell it from others that wait: the newest one counts. */
void list_add_statement(struct list_table *table, struct change *change, int64_t key_1,
                        int64_t key_2, struct text sql, const struct value *parameters,
                        uint32_t count);
/* One new row; `change`, of our own store, may hold rows that belong to it. ERR_EXISTS: its place
 * in the chain is taken; ERR_FULL: too many rows wait for their database. */
void list_submit_insert(struct list_table *table, struct change *change, const struct value *cells,
                        void (*on_inserted)(void *self, const struct change_result *result),
                        void *self);
bool list_is_away(const struct list_table *table); /* its database does not answer */
bool list_is_full(const struct list_table *table); /* then new rows had better wait */
/* next_record_id and next_chain_id behind what somebody else has put in since. */
void list_count_again(struct list_table *table, void (*on_counted)(void *self, enum err err),
                      void *self);

/* Spec 3.2: rows that have had all their attempts are final. Nothing where the list has no bound.
 */
void list_add_finalise_exhausted(struct calling_list *list, struct change *change);

/* The configured TimeZone objects. */
struct list_zone {
    uint32_t dbid;
    struct text name;
    int64_t offset_s; /* now */
};
int64_t list_zone_seconds(const struct list_zone *zone, uint64_t now_utc_ms); /* after midnight */
/* False when there is no such zone object. */
bool list_zone_by_dbid(struct app *app, uint32_t dbid, uint64_t now_utc_ms, struct list_zone *out);
bool list_zone_by_name(struct app *app, struct text name, uint64_t now_utc_ms,
                       struct list_zone *out);
/* Spec 4, rule 3, again right before a record is given out. */
bool list_is_in_window(const struct calling_list *list, const struct record *record,
                       uint64_t now_utc_ms);

#endif
