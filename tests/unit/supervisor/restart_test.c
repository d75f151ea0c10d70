/* SPDX-License-Identifier: Apache-2.0 */
/* framework 6.2: first restart immediate; then 1, 2, 4 ... 60 s; more than 5 in 300 s: crash loop.
 */
#include "servers/supervisor/restart.h"

#include "tests/unit/test.h"

static struct restart_policy policy;

static void fresh(struct restart_history *history)
{
    policy = restart_policy_default();
    *history = (struct restart_history){ 0 };
}

TEST(the_first_restart_is_immediate_however_soon_it_died)
{
    struct restart_history history;
    fresh(&history);
    struct restart_decision decision = restart_after_death(&history, &policy, 1000, 1001);
    CHECK(decision.may_restart);
    CHECK_U32(decision.delay_ms, 0);
}

TEST(a_death_after_ten_seconds_restarts_at_once_and_forgives_the_delays)
{
    struct restart_history history;
    fresh(&history);
    restart_after_death(&history, &policy, 0, 10);
    CHECK_U32(restart_after_death(&history, &policy, 10, 9000).delay_ms, 1000);
    CHECK_U32(restart_after_death(&history, &policy, 10000, 20000).delay_ms, 0);
    CHECK_U32(restart_after_death(&history, &policy, 20000, 20010).delay_ms, 0);
    CHECK_U32(restart_after_death(&history, &policy, 20010, 20020).delay_ms, 1000);
}

TEST(ten_seconds_is_the_border_of_a_quick_death)
{
    struct restart_history history;
    fresh(&history);
    restart_after_death(&history, &policy, 0, 9999);
    CHECK_U32(history.deaths, 1);
    restart_after_death(&history, &policy, 0, 10000);
    CHECK_U32(history.deaths, 1);
}

TEST(quick_deaths_wait_one_two_four_seconds_up_to_sixty)
{
    struct restart_history history;
    fresh(&history);
    policy.quick_deaths_max = 100;
    const uint64_t wanted_ms[] = { 0, 1000, 2000, 4000, 8000, 16000, 32000, 60000, 60000 };
    uint64_t now_ms = 0;
    for (size_t i = 0; i < sizeof wanted_ms / sizeof *wanted_ms; i++) {
        struct restart_decision decision =
            restart_after_death(&history, &policy, now_ms, now_ms + 5);
        CHECK(decision.may_restart);
        CHECK_U32(decision.delay_ms, wanted_ms[i]);
        now_ms += 5 + decision.delay_ms;
    }
}

TEST(more_than_five_quick_deaths_in_three_hundred_seconds_are_a_crash_loop)
{
    struct restart_history history;
    fresh(&history);
    for (uint64_t i = 0; i < 5; i++)
        CHECK(restart_after_death(&history, &policy, i * 10, i * 10 + 5).may_restart);
    CHECK(!restart_after_death(&history, &policy, 50, 55).may_restart);
}

TEST(deaths_older_than_the_window_do_not_count)
{
    struct restart_history history;
    fresh(&history);
    for (uint64_t i = 0; i < 5; i++) restart_after_death(&history, &policy, i * 10, i * 10 + 5);
    CHECK(restart_after_death(&history, &policy, 300100, 300200).may_restart);
}

TEST(the_numbers_are_options)
{
    struct restart_history history;
    fresh(&history);
    policy = (struct restart_policy){ .quick_ms = 1000,
                                      .delay_first_ms = 10,
                                      .delay_max_ms = 15,
                                      .quick_deaths_max = 1000,
                                      .window_ms = 60000 };
    for (uint64_t i = 0; i < 1000; i++) {
        struct restart_decision decision = restart_after_death(&history, &policy, i, i + 1);
        CHECK(decision.may_restart);
        CHECK(decision.delay_ms <= 15);
    }
    CHECK(!restart_after_death(&history, &policy, 1000, 1001).may_restart);
}
