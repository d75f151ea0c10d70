/* SPDX-License-Identifier: Apache-2.0 */
#include "model/bucket.h"

#include "tests/unit/test.h"

#include <stdio.h>

static const struct bucket_rate fifty = { 50, 100, 1000 };

TEST(a_burst_is_granted_then_so_many_a_second)
{
    struct bucket bucket = { 0 };
    for (int i = 0; i < 100; i++) CHECK_I64(bucket_take(&bucket, &fifty, 5000), 0);
    uint64_t wait_ms = bucket_take(&bucket, &fifty, 5000);
    CHECK(wait_ms >= 20 && wait_ms <= 21);
    CHECK_I64(bucket_take(&bucket, &fifty, 5000 + wait_ms), 0);
    CHECK(bucket_take(&bucket, &fifty, 5000 + wait_ms) > 0);
    int taken = 0;
    for (uint64_t ms = 6000; ms < 16000; ms++) taken += bucket_take(&bucket, &fifty, ms) == 0;
    CHECK(taken >= 500 && taken <= 600);
}

TEST(many_are_taken_whole_or_not_at_all)
{
    struct bucket bucket = { 0 };
    CHECK_I64(bucket_take_many(&bucket, &fifty, 70, 5000), 0);
    uint64_t wait_ms = bucket_take_many(&bucket, &fifty, 70, 5000); /* 30 are there */
    CHECK(wait_ms >= 800 && wait_ms <= 801);
    CHECK_I64(bucket_take_many(&bucket, &fifty, 30, 5000), 0);
    CHECK(bucket_take(&bucket, &fifty, 5000) > 0);
    CHECK(bucket_take_many(&bucket, &fifty, 101, 1000000) > 0); /* more than there can be */
    CHECK(bucket_take_many(&bucket, &fifty, UINT32_MAX, 1000000) > 0);
    CHECK_I64(bucket_take_many(&bucket, &fifty, 100, 1000000), 0);
}

TEST(what_was_refused_costs_nothing)
{
    const struct bucket_rate slow = { 5, 5, 60000 };
    struct bucket bucket = { 0 };
    for (int i = 0; i < 5; i++) CHECK_I64(bucket_take(&bucket, &slow, 0), 0);
    for (int i = 0; i < 1000; i++) CHECK(bucket_take(&bucket, &slow, 11000) > 0);
    CHECK_I64(bucket_take(&bucket, &slow, 12000), 0);
}

TEST(each_name_has_its_own_and_a_flood_of_names_finds_no_more_room)
{
    const struct bucket_rate one = { 1, 1, 60000 };
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    struct buckets *buckets = buckets_new(scope, 100);
    char name[32];
    CHECK_I64(buckets_take(buckets, TEXT("alice"), &one, 0), 0);
    CHECK(buckets_take(buckets, TEXT("alice"), &one, 0) > 0);
    CHECK_I64(buckets_take(buckets, TEXT("bob"), &one, 0), 0);
    int granted = 0;
    for (int i = 0; i < 1000; i++) {
        snprintf(name, sizeof name, "u%d", i);
        granted += buckets_take(buckets, text_of(name), &one, 1) == 0;
    }
    CHECK_I64(granted, 98 + 1);                               /* the others share one */
    CHECK(buckets_take(buckets, TEXT("alice"), &one, 1) > 0); /* and push nobody out */
    CHECK_I64(buckets_take(buckets, TEXT("late"), &one, 120000), 0);
    scope_close(scope);
}
