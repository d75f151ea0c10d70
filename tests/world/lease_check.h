/* SPDX-License-Identifier: Apache-2.0 */
/* lease_check.h - what is promised of a lease (store/lease.h), judged from what was seen:
 *
 *   epochs   no row of an older epoch is committed after one of a newer epoch
 *   holder   an epoch belongs to one holder
 *   held     somebody holds it again within a bound, while all is well
 *
 * Pure     no clock, no I/O. After the first breach nothing more is judged. */
#ifndef TESTS_WORLD_LEASE_CHECK_H
#define TESTS_WORLD_LEASE_CHECK_H

#include "base/text.h"

enum { LEASE_EPOCHS_MAX = 1024 };

/* Zeroed, then `bound_ms` filled in. */
struct lease_check {
    uint64_t bound_ms; /* of `held` */
    uint64_t newest;   /* epoch of the rows so far */
    uint64_t idle_since_ms;
    bool is_idle;
    uint32_t holders[LEASE_EPOCHS_MAX]; /* 0: nobody yet */
    char words[120];                    /* empty: no breach */
};

/* `holder` begins with 1. */
void lease_check_taken(struct lease_check *check, uint64_t epoch, uint32_t holder);
/* Rows stamped with the epoch of who wrote them, in the order of their commits; a crash may have
 * taken any. Begin anew with lease_check_rows(). */
void lease_check_rows(struct lease_check *check);
void lease_check_row(struct lease_check *check, uint64_t epoch, uint32_t holder);
/* Called often. `is_well`: somebody who wants it lives, and disk and clock were well since the last
 * call. */
void lease_check_moment(struct lease_check *check, uint64_t now_ms, bool is_held, bool is_well);

#endif
