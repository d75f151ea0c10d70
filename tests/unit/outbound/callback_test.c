/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/callback.h"
#include "tests/unit/test.h"

enum { WAIT_MS = 300000 };
#define DUE UINT64_C(1780334100000)

static uint64_t again;

static enum callback_verdict decide(struct callback_facts facts, uint64_t after_due_ms)
{
    facts.due_utc_ms = DUE;
    facts.wait_ms = WAIT_MS;
    facts.now_utc_ms = DUE + after_due_ms;
    again = 0;
    return callback_decide(&facts, &again);
}

TEST(scenario_27_an_absent_agent_has_exactly_300_seconds)
{
    struct callback_facts absent = { .is_personal = true };
    CHECK_I64(decide(absent, 0), CALLBACK_WAIT);
    CHECK_I64(again, DUE + WAIT_MS);
    CHECK_I64(decide(absent, WAIT_MS - 1), CALLBACK_WAIT);
    CHECK_I64(decide(absent, WAIT_MS), CALLBACK_EXPIRE);
}

TEST(an_agent_who_is_there_gets_it_also_in_the_last_moment)
{
    struct callback_facts there = { .is_personal = true, .is_there = true };
    CHECK_I64(decide(there, 0), CALLBACK_DELIVER);
    CHECK_I64(decide(there, WAIT_MS + 1), CALLBACK_DELIVER);
}

TEST(a_campaign_call_back_waits_as_long_as_somebody_is_there)
{
    struct callback_facts there = { .is_there = true };
    CHECK_I64(decide(there, WAIT_MS * 10), CALLBACK_WAIT);
    CHECK_I64(again, DUE + CALLBACK_DAY_MS);
    struct callback_facts gone = { .since_utc_ms = DUE + 3600000 };
    CHECK_I64(decide(gone, 3600000 + WAIT_MS - 1), CALLBACK_WAIT);
    CHECK_I64(decide(gone, 3600000 + WAIT_MS), CALLBACK_EXPIRE);
}

TEST(after_a_day_it_is_missed_whoever_is_there)
{
    struct callback_facts there = { .is_personal = true, .is_there = true };
    CHECK_I64(decide(there, CALLBACK_DAY_MS - 1), CALLBACK_DELIVER);
    CHECK_I64(decide(there, CALLBACK_DAY_MS), CALLBACK_MISS);
    struct callback_facts late = { .since_utc_ms = DUE + CALLBACK_DAY_MS - 1 };
    CHECK_I64(decide(late, CALLBACK_DAY_MS - 1), CALLBACK_WAIT);
    CHECK_I64(again, DUE + CALLBACK_DAY_MS);
    CHECK_I64(decide(late, CALLBACK_DAY_MS), CALLBACK_MISS);
}

TEST(after_a_restart_desktops_have_time_to_come_back)
{
    struct callback_facts facts = { .is_personal = true,
                                    .patient_until_utc_ms = DUE + WAIT_MS + 30000 };
    CHECK_I64(decide(facts, WAIT_MS), CALLBACK_WAIT);
    CHECK_I64(again, DUE + WAIT_MS + 30000);
    CHECK_I64(decide(facts, WAIT_MS + 30000), CALLBACK_EXPIRE);
}
