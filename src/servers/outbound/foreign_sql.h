/* SPDX-License-Identifier: Apache-2.0 */
/* foreign_sql.h - the SQL of a list's table in a customer's own database (spec outbound 2.1,
 * 4, 5.3): plain SQL that PostgreSQL and SQLite speak, no more. Pure text; identifiers are checked
 * when the layout is made. A NULL has no type of its own on its way through ODBC, so numbers are
 * cast.
 *
 * A chain is *held* by us while one of its rows is Retrieved with our app_id. Whatever is written
 * to rows that were taken says so in its WHERE: written twice it is written once, and rows that
 * somebody else took in the meantime are left alone. The row that ends the hold is written last. */
#ifndef SERVERS_OUTBOUND_FOREIGN_SQL_H
#define SERVERS_OUTBOUND_FOREIGN_SQL_H

#include "servers/outbound/record.h"

/* One statement per item, separated by ';'. */
void foreign_sql_create(const struct list_layout *layout, struct buf *out);
/* ?1.. in layout order. The same record a second time changes nothing. */
void foreign_sql_insert(const struct list_layout *layout, struct buf *out);
/* All cells but the keys and record_id: ?1.. in layout order without those; then chain_id, chain_n,
 * app_id. */
void foreign_sql_write(const struct list_layout *layout, struct buf *out);
/* ?1 chain_id, ?2 chain_n, ?3 app_id, ?4 campaign_id, ?5 group_id. */
void foreign_sql_take(const struct list_layout *layout, struct buf *out);
/* ?1 chain_id, ?2 chain_n. */
void foreign_sql_take_sibling(const struct list_layout *layout, struct buf *out);
/* ?1 chain_id, ?2 app_id: rows of a chain that is held become Ready; siblings first. */
void foreign_sql_release_siblings(const struct list_layout *layout, struct buf *out);
void foreign_sql_release(const struct list_layout *layout, struct buf *out);

/* ?1 rows at most, ?2 record type, ?3 now (epoch seconds), ?4, ?5 the list's bounds of the day,
 * then `zones` pairs of tz_dbid and local seconds, then `agents` ids (0: whosever). */
struct foreign_selection {
    struct text criteria, order_by;
    uint32_t max_attempts, zones, agents;
};
void foreign_sql_select(const struct list_layout *layout, const struct foreign_selection *selection,
                        struct buf *out);
/* Rows of `chains` chains: ?1.. their ids; by chain_id, chain_n. */
void foreign_sql_load_chains(const struct list_layout *layout, uint32_t chains, struct buf *out);
/* Statements with as many parameters as wanted would be without number: these many, the last value
 * repeated. 0 stays 0. */
uint32_t foreign_sql_rounded(uint32_t wanted);

/* Recovery (5.3). ?1 app_id, ?2 behind this chain_id, ?3 rows: chain_id, chain_n, Retrieved by us.
 */
void foreign_sql_left(const struct list_layout *layout, struct buf *out);
/* ?1 chain_id, ?2 chain_n, ?3 app_id: Ready again, result Stale. */
void foreign_sql_recover(const struct list_layout *layout, struct buf *out);
/* Rows that wait for a chain nobody has become Ready. */
void foreign_sql_free_siblings(const struct list_layout *layout, struct buf *out);
/* The highest record_id and chain_id. */
void foreign_sql_counters(const struct list_layout *layout, struct buf *out);

/* Spec 3.2: where the table exists its structure must match exactly. One column as STORE_COLUMNS
 * tells it; `fault` says what differs. */
enum err foreign_check_column(const struct list_layout *layout, struct text name, struct text holds,
                              int64_t len, struct fault *fault);

#endif
