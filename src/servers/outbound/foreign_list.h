/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_list.h - a list's table in a customer's own database (spec outbound 3.2, 4, 5.3; design
 * 5): what list.c does where the Table Access names a database access point. For list.c alone.
 *
 *   taking a chain    in their database first; then it is in our memory
 *   all other writes  owed in the change of our own store that they belong to (store/foreign.h)
 *   reads             behind what is owed
 *
 * Opened like our own tables: columns compared or the table created, rows that an earlier run left
 * Retrieved made Ready with result Stale, unless their chain is with an agent, put off by a
 * treatment or still owed. Everything fails with ERR_UNAVAILABLE while the database is away. */
#ifndef SERVERS_OUTBOUND_FOREIGN_LIST_H
#define SERVERS_OUTBOUND_FOREIGN_LIST_H

#include "servers/outbound/list.h"
#include "store/foreign.h"

/* Databases by their access point; opened when first used, for the life of the process. */
struct access_points;
struct access_points *access_points_new(struct app *app, struct store *own);

/* Our side of a table behind the access point `application`; NULL with `fault`. */
struct foreign_table *foreign_table_new(struct access_points *points, struct list_table *table,
                                        struct text application, uint32_t app_dbid,
                                        struct fault *fault);
/* What tells the table from others of its name: the access point's DBID before it. */
struct text foreign_table_key(struct scope *scope, const struct app *app, struct text application,
                              struct text name);

/* `opened` comes in a later turn, table->fault filled where it failed. */
void foreign_table_open(struct foreign_table *foreign,
                        void (*opened)(struct list_table *table, enum list_table_state state));
/* Counters as they are there now: somebody else adds rows as well. */
void foreign_table_count(struct foreign_table *foreign,
                         void (*on_counted)(void *self, enum err err), void *self);

const struct statement *foreign_statement(const struct foreign_table *foreign, struct text sql);
void foreign_table_query(struct foreign_table *foreign, const struct query *query,
                         void (*on_rows)(void *self, enum err err, const struct rows *rows),
                         void *self);
/* As list_select() and list_load_chains() have it. */
const struct statement *foreign_identity(const struct calling_list *list);
void foreign_select(struct calling_list *list, int64_t record_type, uint64_t now_utc_ms,
                    uint32_t limit, struct text agents,
                    void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);
void foreign_load_chains(struct foreign_table *foreign, const int64_t *chain_ids, uint32_t count,
                         void (*on_rows)(void *self, enum err err, const struct rows *rows),
                         void *self);

/* A change of their database. */
struct change *foreign_new_take(struct foreign_table *foreign);
void foreign_add_take(struct foreign_table *foreign, struct change *change, int64_t chain_id,
                      int64_t chain_n, uint32_t campaign_dbid, uint32_t group_dbid);
void foreign_add_take_sibling(struct foreign_table *foreign, struct change *change,
                              int64_t chain_id, int64_t chain_n);
void foreign_submit_take(struct foreign_table *foreign, struct change *change, int64_t chain_id,
                         void (*on_taken)(void *self, const struct change_result *result),
                         void *self);

/* Owed in a change of our own store. */
void foreign_add_write(struct foreign_table *foreign, struct change *change,
                       const struct value *cells);
void foreign_add_insert(struct foreign_table *foreign, struct change *change,
                        const struct value *cells);
void foreign_add_release(struct foreign_table *foreign, struct change *change, int64_t chain_id);
void foreign_add_statement(struct foreign_table *foreign, struct change *change, int64_t key_1,
                           int64_t key_2, struct text sql, const struct value *parameters,
                           uint32_t count);
/* One row in a change of our own store, which is submitted. While the database answers its word is
 * the result's: ERR_EXISTS where somebody else has the place; else ERR_OK once the row is owed. */
void foreign_submit_insert(struct foreign_table *foreign, struct change *change,
                           const struct value *cells,
                           void (*on_inserted)(void *self, const struct change_result *result),
                           void *self);
/* No more rows than FOREIGN_ROWS_OWED_MAX wait: new ones are refused. */
enum { FOREIGN_ROWS_OWED_MAX = 100000 };
bool foreign_is_full(const struct foreign_table *foreign);
bool foreign_table_is_away(const struct foreign_table *foreign);

#endif
