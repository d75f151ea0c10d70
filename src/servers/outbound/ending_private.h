/* SPDX-License-Identifier: Apache-2.0 */
/* ending_private.h - the inside of a request that ends records, for its three files: ending.c (what
 * is asked, by handle), ending_search.c (by number or customer), ending_change.c (one change, and
 * the answer). */
#ifndef SERVERS_OUTBOUND_ENDING_PRIVATE_H
#define SERVERS_OUTBOUND_ENDING_PRIVATE_H

#include "servers/outbound/ending.h"
#include "servers/outbound/step.h"

enum { HITS_MAX = 1000, SEARCHES_MAX = 30 };

/* A row that is meant. */
struct hit {
    struct list_table *table;
    uint32_t list_dbid;
    int64_t chain_id, chain_n, status;
};

/* A record that was taken from an agent. */
struct taken {
    struct text agent_id, list_name, campaign;
    uint32_t handle;
};

struct ending {
    struct request *request;
    struct outbound *server;
    enum chain_event event; /* CHAIN_BLOCK or CHAIN_CANCEL */
    bool has_handle, is_record_only;
    struct text phone, customer_id, agent_id;
    uint32_t campaign_dbid, tenant_dbid; /* 0: all */
    uint32_t *lists;                     /* DBIDs, one per table */
    uint32_t list_count, next_list;
    struct hit *hits;
    uint32_t hit_count;
    bool is_blind; /* the database of one of the lists does not answer */
    uint32_t searches;
    struct timer *timer;
    /* of the change */
    struct chain_step **steps;
    struct taken *taken;
    uint32_t step_count, taken_count;
    struct dnc_adding *adding;
    uint64_t records;
    bool searches_again;
    struct refusal refusal;
    struct text list_name, campaign_name, attempt_guid; /* of the record of a handle */
};

/* ending_search.c: finds the records, then carries it out. */
void ending_search(struct ending *ending);
void ending_search_again(struct ending *ending);

/* ending_change.c: additions to the one change; ending_submit() answers when it is durable. */
struct text ending_outcome(enum chain_event event);
struct text ending_campaign(const struct live_chain *live);
/* Rows that wait become final: the record, or all of its chain. */
void ending_add_end_row(const struct ending *ending, struct list_table *table,
                        struct change *change, int64_t chain_id, int64_t chain_n);
void ending_add_rows(struct ending *ending, struct change *change);
/* False: refused, and answered in a later turn where a handle was given. */
bool ending_add_step(struct ending *ending, struct change *change, struct live_chain *live,
                     uint32_t record);
void ending_add_entry(struct ending *ending, struct change *change);
void ending_submit(struct ending *ending, struct change *change);

#endif
