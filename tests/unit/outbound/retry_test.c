/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/retry.h"
#include "tests/unit/test.h"

static uint32_t unknown;
static void count_unknown(void *self, struct text token)
{
    (void)self;
    (void)token;
    unknown++;
}

static enum send_verdict verdict(const char *option, enum send_end end, unsigned status,
                                 uint32_t sends, uint64_t *delay_ms)
{
    struct retry_policy policy = retry_policy_parse(text_of(option), NULL, NULL);
    return retry_verdict(&policy, MESSAGE_CONTACT_PROCESSED, 2, end, status, sends, delay_ms);
}

TEST(scenario_33_two_failures_then_success_wait_one_and_two_seconds)
{
    uint64_t delay_ms = 0;
    CHECK_I64(verdict("all", SEND_ANSWERED, 500, 1, &delay_ms), VERDICT_RETRY);
    CHECK_I64(delay_ms, 1000);
    CHECK_I64(verdict("all", SEND_ANSWERED, 500, 2, &delay_ms), VERDICT_RETRY);
    CHECK_I64(delay_ms, 2000);
    CHECK_I64(verdict("all", SEND_ANSWERED, 200, 3, &delay_ms), VERDICT_SUCCESS);
}

TEST(scenario_34_after_one_plus_max_attempts_it_has_failed)
{
    uint64_t delay_ms;
    CHECK_I64(verdict("all", SEND_ANSWERED, 503, 3, &delay_ms), VERDICT_FAILED);
}

TEST(scenario_35_an_empty_option_and_a_400_are_never_sent_again)
{
    uint64_t delay_ms;
    CHECK_I64(verdict("", SEND_ANSWERED, 500, 1, &delay_ms), VERDICT_FAILED);
    CHECK_I64(verdict("all", SEND_ANSWERED, 400, 1, &delay_ms), VERDICT_FAILED);
}

TEST(redirections_are_final_and_time_outs_are_not)
{
    uint64_t delay_ms;
    CHECK_I64(verdict("all", SEND_ANSWERED, 302, 1, &delay_ms), VERDICT_FAILED);
    CHECK_I64(verdict("all", SEND_TIMED_OUT, 0, 1, &delay_ms), VERDICT_RETRY);
    CHECK_I64(verdict("all", SEND_CONNECT_FAILED, 0, 1, &delay_ms), VERDICT_RETRY);
    CHECK_I64(verdict("all", SEND_ANSWERED, 408, 1, &delay_ms), VERDICT_RETRY);
}

TEST(tokens_name_messages_and_failures)
{
    uint64_t delay_ms;
    CHECK_I64(verdict("history", SEND_ANSWERED, 500, 1, &delay_ms), VERDICT_FAILED);
    CHECK_I64(verdict("Contact-Processed, TIMEOUT", SEND_ANSWERED, 500, 1, &delay_ms),
              VERDICT_FAILED);
    CHECK_I64(verdict("contact-processed,timeout", SEND_TIMED_OUT, 0, 1, &delay_ms), VERDICT_RETRY);
    CHECK_I64(verdict("5xx", SEND_ANSWERED, 502, 1, &delay_ms), VERDICT_RETRY);
    CHECK_I64(verdict("connect", SEND_ANSWERED, 502, 1, &delay_ms), VERDICT_FAILED);
}

TEST(an_unknown_token_is_reported_and_ignored)
{
    unknown = 0;
    struct retry_policy policy = retry_policy_parse(TEXT("all, sometimes"), count_unknown, NULL);
    CHECK_U32(unknown, 1);
    CHECK_U32(policy.messages, MESSAGE_ALL);
    policy = retry_policy_parse(TEXT("sometimes"), NULL, NULL);
    CHECK_U32(policy.messages, 0);
}

TEST(the_delay_doubles_up_to_thirty_seconds)
{
    struct retry_policy policy = { MESSAGE_ALL, FAILURE_ALL };
    uint64_t delay_ms = 0;
    static const uint64_t wanted[] = { 1000, 2000, 4000, 8000, 16000, 30000, 30000, 30000 };
    for (uint32_t sends = 1; sends <= 8; sends++) {
        CHECK_I64(retry_verdict(&policy, MESSAGE_HISTORY, 100, SEND_TIMED_OUT, 0, sends, &delay_ms),
                  VERDICT_RETRY);
        CHECK_I64(delay_ms, wanted[sends - 1]);
    }
}
