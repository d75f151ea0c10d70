/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/supervisor/restart.h"

struct restart_policy restart_policy_default(void)
{
    return (struct restart_policy){ .quick_ms = 10000,
                                    .delay_first_ms = 1000,
                                    .delay_max_ms = 60000,
                                    .quick_deaths_max = 5,
                                    .window_ms = 300000 };
}

static uint32_t deaths_in_window(const struct restart_history *history, uint64_t window_ms,
                                 uint64_t now_ms)
{
    uint32_t count = 0;
    for (uint64_t i = history->deaths; i > 0 && count < RESTART_DEATHS_KEPT; i--) {
        if (now_ms - history->died_ms[(i - 1) % RESTART_DEATHS_KEPT] > window_ms) break;
        count++;
    }
    return count;
}

/* The first quick death costs nothing; the second waits the first delay, and so on. */
static uint64_t delay_after(uint32_t in_a_row, const struct restart_policy *policy)
{
    if (in_a_row <= 1) return 0;
    uint64_t delay_ms = policy->delay_first_ms;
    for (uint32_t i = 2; i < in_a_row && delay_ms < policy->delay_max_ms; i++) delay_ms *= 2;
    return delay_ms < policy->delay_max_ms ? delay_ms : policy->delay_max_ms;
}

struct restart_decision restart_after_death(struct restart_history *history,
                                            const struct restart_policy *policy,
                                            uint64_t started_ms, uint64_t died_ms)
{
    if (died_ms - started_ms >= policy->quick_ms) {
        history->in_a_row = 0;
        return (struct restart_decision){ .may_restart = true };
    }
    history->died_ms[history->deaths++ % RESTART_DEATHS_KEPT] = died_ms;
    history->in_a_row++;
    if (deaths_in_window(history, policy->window_ms, died_ms) > policy->quick_deaths_max)
        return (struct restart_decision){ .may_restart = false };
    return (struct restart_decision){ .may_restart = true,
                                      .delay_ms = delay_after(history->in_a_row, policy) };
}
