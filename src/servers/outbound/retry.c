/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/retry.h"

#include "fault.h"

enum { DELAY_MAX_MS = 30000 };

static const struct {
    const char *token;
    unsigned message, failure;
} tokens[] = {
    { "contact-processed", MESSAGE_CONTACT_PROCESSED, 0 },
    { "campaigngroup-states", MESSAGE_CAMPAIGNGROUP_STATES, 0 },
    { "history", MESSAGE_HISTORY, 0 },
    { "validation", MESSAGE_VALIDATION, 0 },
    { "all", MESSAGE_ALL, 0 },
    { "connect", 0, FAILURE_CONNECT },
    { "timeout", 0, FAILURE_TIMEOUT },
    { "5xx", 0, FAILURE_5XX },
    { "429", 0, FAILURE_429 },
};

struct retry_policy retry_policy_parse(struct text option,
                                       void (*report)(void *self, struct text token), void *self)
{
    struct retry_policy policy = { 0 };
    if (text_trim(option).len == 0) return policy;
    bool any = false;
    struct text token;
    while (text_next_item(&option, ',', &token)) {
        bool known = false;
        for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
            if (!text_eq_fold(token, text_of(tokens[i].token))) continue;
            policy.messages |= tokens[i].message;
            policy.failures |= tokens[i].failure;
            known = any = true;
        }
        if (!known && token.len && report) report(self, token);
    }
    if (!any) return (struct retry_policy){ 0 };
    if (policy.messages == 0) policy.messages = MESSAGE_ALL;
    if (policy.failures == 0) policy.failures = FAILURE_ALL;
    return policy;
}

static unsigned failure_of(enum send_end end, unsigned status)
{
    if (end == SEND_CONNECT_FAILED) return FAILURE_CONNECT;
    if (end == SEND_TIMED_OUT) return FAILURE_TIMEOUT;
    if (status == 408 || status == 429) return FAILURE_429;
    return status >= 500 ? FAILURE_5XX : 0;
}

enum send_verdict retry_verdict(const struct retry_policy *policy, enum message_kind kind,
                                uint32_t max_attempts, enum send_end end, unsigned status,
                                uint32_t sends, uint64_t *delay_ms)
{
    if (end == SEND_ANSWERED && status >= 200 && status < 300) return VERDICT_SUCCESS;
#ifdef FAULT_ERROR_IS_SENT
    if (end == SEND_ANSWERED) return VERDICT_SUCCESS;
#endif
    unsigned failure = failure_of(end, status);
    bool applies = (policy->messages & (unsigned)kind) && (policy->failures & failure);
    if (!applies || sends > max_attempts) return VERDICT_FAILED;
    uint32_t doublings = sends - 1;
    *delay_ms = doublings > 5 ? DELAY_MAX_MS : (uint64_t)1000 << doublings;
    if (*delay_ms > DELAY_MAX_MS) *delay_ms = DELAY_MAX_MS;
    return VERDICT_RETRY;
}
