/* SPDX-License-Identifier: Apache-2.0 */
/* Seats of a pool (framework 13). */
#include "tests/unit/test.h"

#include "servers/config/licence.h"

#define SEAT TEXT("ics_multi_media_agent_seat")

struct pool {
    struct scope *life;
    struct licences *licences;
    uint64_t now_utc_ms;
};

static struct pool pool_new(const char *json)
{
    struct pool pool = { .life = scope_new(NULL, "test", SCOPE_NO_LIMIT), .now_utc_ms = 1000 };
    struct fault fault;
    pool.licences = licences_new(pool.life);
    CHECK_OK(licences_read_pool(pool.licences, text_of(json), &fault));
    return pool;
}

static struct licence_grant checkout(struct pool *pool, const char *group, uint32_t wanted)
{
    struct licence_grant grant;
    CHECK_OK(
        licences_checkout(pool->licences, SEAT, text_of(group), wanted, pool->now_utc_ms, &grant));
    return grant;
}

TEST(F27_a_hundred_seats_over_four_groups_of_thirty_give_30_30_30_10)
{
    struct pool pool = pool_new("{\"ics_multi_media_agent_seat\": 100, // of the contract\n}");
    CHECK_U32(checkout(&pool, "1", 30).granted, 30);
    CHECK_U32(checkout(&pool, "2", 30).granted, 30);
    CHECK_U32(checkout(&pool, "3", 30).granted, 30);
    CHECK_U32(checkout(&pool, "4", 30).granted, 10);
    CHECK_U32(checkout(&pool, "1", 30).granted, 30); /* renewed */
    CHECK(!checkout(&pool, "1", 30).has_moved);
    CHECK(licences_checkin(pool.licences, SEAT, TEXT("1")));
    CHECK(!licences_checkin(pool.licences, SEAT, TEXT("1")));
    CHECK_U32(checkout(&pool, "4", 30).granted, 30);
    CHECK_U32(checkout(&pool, "5", 30).granted, 10);
    scope_close(pool.life);
}

TEST(a_lease_that_is_not_renewed_for_a_minute_frees_its_seats)
{
    struct pool pool = pool_new("{\"ics_multi_media_agent_seat\":10}");
    CHECK_U32(checkout(&pool, "1", 10).granted, 10);
    pool.now_utc_ms += 59999;
    CHECK_U32(checkout(&pool, "2", 10).granted, 0);
    pool.now_utc_ms += 1;
    CHECK_U32(checkout(&pool, "2", 10).granted, 10);
    CHECK_U32(checkout(&pool, "1", 10).granted, 0);
    scope_close(pool.life);
}

TEST(a_smaller_pool_takes_seats_back_at_the_next_renewal_and_none_is_without_limit)
{
    struct pool pool = pool_new("{\"ics_multi_media_agent_seat\":10}");
    struct fault fault = { 0 };
    CHECK_U32(checkout(&pool, "1", 10).granted, 10);
    CHECK_OK(licences_read_pool(pool.licences, TEXT("{\"ics_multi_media_agent_seat\":4}"), &fault));
    CHECK_U32(checkout(&pool, "1", 10).granted, 4);
    CHECK(licences_read_pool(pool.licences, TEXT("{\"x\":-1}"), &fault) == ERR_INVALID);
    CHECK_TEXT(text_of(fault.words), "x: must be a number of seats");
    CHECK_U32(checkout(&pool, "1", 10).granted, 4); /* as it was */
    CHECK_OK(licences_read_pool(pool.licences, TEXT(""), &fault));
    CHECK(checkout(&pool, "1", UINT32_MAX).is_unlimited);
    CHECK_U32(checkout(&pool, "2", UINT32_MAX).granted, UINT32_MAX);
    scope_close(pool.life);
}

TEST(what_was_granted_before_a_restart_is_held_for_a_lease)
{
    struct pool pool = pool_new("{\"ics_multi_media_agent_seat\":10}");
    licences_restore(pool.licences, SEAT, TEXT("1"), 8, 8, pool.now_utc_ms);
    CHECK_U32(checkout(&pool, "2", 8).granted, 2);
    CHECK_U32(checkout(&pool, "1", 8).granted, 8);
    uint32_t count;
    struct licence_feature *const *all = licences_all(pool.licences, pool.now_utc_ms, &count);
    CHECK_U32(count, 1);
    CHECK_U32(all[0]->group_count, 2);
    scope_close(pool.life);
}
