/* SPDX-License-Identifier: Apache-2.0 */
/* dnc_table.h - the Do-Not-Call table in our store and its image in memory (spec outbound 2.6, 10).
 * Promise  no record is given out to anybody before the whole table has been read; an entry added
 *          here blocks from the moment that it is asked for, and is withdrawn from memory where the
 *          store refuses it. Rows added by hand are seen at the next reading: a restart, an order,
 *          or the time-out of the Table Access.
 * Table    `gsw_donotcall_list`, or what the Table Access of that name calls it; made where it is
 *          missing. */
#ifndef SERVERS_OUTBOUND_DNC_TABLE_H
#define SERVERS_OUTBOUND_DNC_TABLE_H

#include "servers/outbound/dnc.h"
#include "servers/outbound/outbound.h"

struct dnc_table;

/* Empty; dnc_table_configure() begins to read. */
struct dnc_table *dnc_table_new(struct outbound *server);
bool dnc_is_loaded(const struct outbound *server);
/* In a later turn, once: at once where it is loaded already. */
void dnc_when_loaded(struct outbound *server, struct scope *life, void (*on_loaded)(void *self),
                     void *self);
/* Again, whole; what is there blocks meanwhile. `on_read` comes when it is in memory. */
void dnc_table_read_again(struct outbound *server, struct scope *life, void (*on_read)(void *self),
                          void *self);
/* Configuration moved: another table, another time-out. */
void dnc_table_configure(struct outbound *server);

/* What blocks this record in the session's campaign, by its options. */
enum dnc_verdict dnc_check_record(const struct session *session, const struct calling_list *list,
                                  const struct record *record);
/* What blocks a contact in all campaigns of the tenant; empty: not known. */
enum dnc_verdict dnc_check_contact(const struct outbound *server, struct text phone,
                                   struct text customer_id);
/* The column of a list's customer id, UINT32_MAX: none. */
uint32_t dnc_customer_column(struct outbound *server, const struct calling_list *list);

/* One entry: a number or a customer. */
struct dnc_entry {
    enum dnc_kind kind;
    struct text what;
    struct dnc_scope scope;
    struct text message;
    uint32_t list_dbid; /* 0: no list */
    bool is_internal;   /* said by an agent */
};
/* Into memory at once, and a row into `change` unless one is durable already. What it gives has to
 * be ended with the change's result: dnc_table_added(); where that is an error the entry leaves
 * memory. */
struct dnc_adding;
struct dnc_adding *dnc_table_add(struct outbound *server, struct change *change,
                                 const struct dnc_entry *entry);
bool dnc_adding_is_new(const struct dnc_adding *adding); /* it has a row in the change */
void dnc_table_added(struct dnc_adding *adding, enum err err);
/* Its rows, in all forms in which numbers are written; memory follows when the change is durable:
 * dnc_table_removed() with its result. What is added meanwhile stays. NULL: not in memory, nothing
 * was added to the change. */
struct dnc_removing;
struct dnc_removing *dnc_table_remove(struct outbound *server, struct change *change,
                                      const struct dnc_entry *entry);
void dnc_table_removed(struct dnc_removing *removing, enum err err);
/* Rows of a number or customer: phone, customer_id, dnc_message, campaign_dbid, time_stamp. */
void dnc_table_find(struct outbound *server, enum dnc_kind kind, struct text what,
                    void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);
/* All rows behind `after`, in the order they were added: rowid, then the columns above. */
void dnc_table_page(struct outbound *server, int64_t after, uint32_t limit,
                    void (*on_rows)(void *self, enum err err, const struct rows *rows), void *self);
uint64_t dnc_table_entries(const struct outbound *server);
/* The tenant that the application works for: 1, Environment, where it names none. */
uint32_t dnc_tenant(const struct outbound *server);

#endif
