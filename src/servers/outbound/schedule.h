/* SPDX-License-Identifier: Apache-2.0 */
/* schedule.h - how many chains to fetch, and from which list (spec outbound 3.2, 4). Pure
 * arithmetic. */
#ifndef SERVERS_OUTBOUND_SCHEDULE_H
#define SERVERS_OUTBOUND_SCHEDULE_H

#include <stdbool.h>
#include <stdint.h>

struct share {
    uint32_t weight;
    bool is_exhausted; /* nothing came at the last fetch: its part goes to the others */
    uint32_t records;  /* out */
};

/* Split a refill of `records`: list i gets floor(records * weight / sum), the remainder goes one by
 * one in configured order; exhausted lists and weight 0 get nothing. */
void share_split(struct share *shares, uint32_t count, uint32_t records);

struct buffer_state {
    uint32_t buffered;       /* chains waiting in memory */
    uint32_t buffer_min;     /* configured minimum */
    uint32_t factor_percent; /* optimal factor */
    uint32_t wanted_per_min; /* chains given out in the last 60 s: what the next 60 s will want */
};
enum { BUFFER_CHAINS_MAX = 20000 };

/* Chains to fetch now: up to max(min, ceil(factor x expected)) once the buffer is below half of
 * that; 0: enough is there. */
uint32_t buffer_refill(const struct buffer_state *buffer);

#endif
