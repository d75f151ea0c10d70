/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/callback.h"

static uint64_t later(uint64_t a, uint64_t b)
{
    return a > b ? a : b;
}

enum callback_verdict callback_decide(const struct callback_facts *facts, uint64_t *again_utc_ms)
{
    uint64_t missed = facts->due_utc_ms + CALLBACK_DAY_MS;
    uint64_t failed = later(later(facts->due_utc_ms, facts->since_utc_ms) + facts->wait_ms,
                            facts->patient_until_utc_ms);
    if (facts->now_utc_ms >= missed) return CALLBACK_MISS;
    if (facts->is_there && facts->is_personal) return CALLBACK_DELIVER;
    if (!facts->is_there && facts->now_utc_ms >= failed) return CALLBACK_EXPIRE;
    *again_utc_ms = !facts->is_there && failed < missed ? failed : missed;
    return CALLBACK_WAIT;
}
