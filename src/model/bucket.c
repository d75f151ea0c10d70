/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bucket.h"

#include "base/list.h"
#include "base/table.h"

enum { NAME_BYTES_MAX = 255, LOOKS_FOR_ROOM = 8 };

struct named {
    struct scope *life;
    struct list node; /* by last use */
    struct text name;
    struct bucket bucket;
};

struct buckets {
    struct scope *owner;
    struct table *by_name;
    struct list all;
    uint32_t count_max;
    struct bucket others;
};

uint64_t bucket_take(struct bucket *bucket, const struct bucket_rate *rate, uint64_t now_mono_ms)
{
    return bucket_take_many(bucket, rate, 1, now_mono_ms);
}

uint64_t bucket_take_many(struct bucket *bucket, const struct bucket_rate *rate, uint32_t count,
                          uint64_t now_mono_ms)
{
    /* In microseconds of a token: exact also where a token is less than a millisecond. */
    uint64_t now_us = now_mono_ms * 1000;
    uint64_t token_us = rate->period_ms * UINT64_C(1000) / (rate->count ? rate->count : 1);
    uint64_t spent_us = bucket->spent_until_us > now_us ? bucket->spent_until_us : now_us;
    uint64_t allowed_us = now_us + token_us * (rate->burst ? rate->burst : 1);
    uint64_t taken_us = token_us * count;
    if (spent_us + taken_us > allowed_us) return (spent_us + taken_us - allowed_us) / 1000 + 1;
    bucket->spent_until_us = spent_us + taken_us;
    return 0;
}

struct buckets *buckets_new(struct scope *owner, uint32_t count_max)
{
    struct buckets *buckets = scope_alloc(owner, sizeof *buckets);
    *buckets =
        (struct buckets){ .owner = owner, .by_name = table_new(owner), .count_max = count_max };
    list_init(&buckets->all);
    return buckets;
}

static void forget(struct buckets *buckets, struct named *named)
{
    list_remove(&named->node);
    table_remove(buckets->by_name, named->name);
    scope_close(named->life);
}

/* Those not used for longest are looked at, a few each time. */
static bool make_room(struct buckets *buckets, uint64_t now_mono_ms)
{
    for (int i = 0; i < LOOKS_FOR_ROOM; i++) {
        struct list *oldest = list_first(&buckets->all);
        if (oldest == NULL) break;
        struct named *named = LIST_OBJECT(oldest, struct named, node);
        if (named->bucket.spent_until_us > now_mono_ms * 1000) break;
        forget(buckets, named);
    }
    return table_count(buckets->by_name) < buckets->count_max;
}

static struct bucket *find_or_make(struct buckets *buckets, struct text name, uint64_t now_mono_ms)
{
    struct named *named = table_get(buckets->by_name, name);
    if (named == NULL) {
        if (!make_room(buckets, now_mono_ms)) return &buckets->others;
        struct scope *life = scope_new(buckets->owner, "bucket", SCOPE_NO_LIMIT);
        named = scope_alloc(life, sizeof *named);
        *named = (struct named){ .life = life, .name = scope_keep(life, name) };
        table_put(buckets->by_name, named->name, named);
    }
    list_remove(&named->node);
    list_add_last(&buckets->all, &named->node);
    return &named->bucket;
}

uint64_t buckets_take(struct buckets *buckets, struct text name, const struct bucket_rate *rate,
                      uint64_t now_mono_ms)
{
    struct text short_name = text_slice(name, 0, NAME_BYTES_MAX);
    return bucket_take(find_or_make(buckets, short_name, now_mono_ms), rate, now_mono_ms);
}
