/* SPDX-License-Identifier: Apache-2.0 */
/* bucket.h - so many a second (or a minute), some at once: a token bucket.
 * Pure     the clock is handed in, monotonic. */
#ifndef MODEL_BUCKET_H
#define MODEL_BUCKET_H

#include "base/scope.h"

struct bucket_rate {
    uint32_t count, burst; /* `count` in `period_ms`; at most `burst` saved up */
    uint32_t period_ms;
};

/* Zeroed is full. */
struct bucket {
    uint64_t spent_until_us; /* when everything that was taken would be back */
};

/* Takes one. 0: taken; else after how many ms one would be there. */
uint64_t bucket_take(struct bucket *bucket, const struct bucket_rate *rate, uint64_t now_mono_ms);
/* All `count` of them or none; a `count` past the burst is never there. */
uint64_t bucket_take_many(struct bucket *bucket, const struct bucket_rate *rate, uint32_t count,
                          uint64_t now_mono_ms);

/* Buckets by name, at most `count_max`: those that are full again make room; where none is, a name
 * that has no bucket shares one with all such. */
struct buckets;
struct buckets *buckets_new(struct scope *owner, uint32_t count_max);
uint64_t buckets_take(struct buckets *buckets, struct text name, const struct bucket_rate *rate,
                      uint64_t now_mono_ms);

#endif
