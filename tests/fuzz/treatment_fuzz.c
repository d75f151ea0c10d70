/* SPDX-License-Identifier: Apache-2.0 */
/* treatment_fuzz.c - the history of treatments, and what is sent again.
 * Other programs may have written it; the history that comes out is one that goes in. A first line
 * that is a history, then numbers of treatments. */
#include "tests/fuzz/fuzz.h"

#include "servers/outbound/retry.h"
#include "servers/outbound/treatment.h"

#include <string.h>

enum { TREATMENTS_MAX = 8, STEPS_MAX = 40, NUMBERS_EACH = 5 };
#define NOW UINT64_C(1780334100000)

static uint32_t read_treatments(struct text in, struct treatment out[TREATMENTS_MAX])
{
    uint32_t count = 0;
    while (count < TREATMENTS_MAX && in.len >= NUMBERS_EACH) {
        const unsigned char *at = (const unsigned char *)in.at;
        struct treatment one = { .call_result = at[0] % 60U,
                                 .sequence = at[0] / 60U,
                                 .action = (enum treatment_action)(at[1] % TREATMENT_ACTIONS),
                                 .cycles = at[2] % 5U,
                                 .interval_min = at[3] == 255 ? UINT32_MAX : at[3],
                                 .increment_min = at[4] == 255 ? UINT32_MAX : at[4] };
        if (at[1] >= 128) one.date_s = NOW / 1000 + at[3] * 3600ULL - 36000;
        in = text_slice(in, NUMBERS_EACH, SIZE_MAX);
        if (treatment_flaw(&one, false, false) == NULL) out[count++] = one;
    }
    return count;
}

static void check_history(const char *history)
{
    size_t len = strlen(history);
    FUZZ_CHECK(len <= TREATMENT_HISTORY_MAX);
    for (size_t i = 0; i < len; i++) {
        bool is_digit = history[i] >= '0' && history[i] <= '9';
        bool is_letter = history[i] >= 'A' && history[i] <= 'Z';
        FUZZ_CHECK(is_digit || is_letter || strchr(" :/+@", history[i]));
    }
}

/* On and on for one call result, until the record is final. */
static void check_steps(const struct treatments *treatments, struct text history,
                        uint32_t call_result, struct treatment_facts facts)
{
    struct treatment_plan plan = { 0 }, next;
    for (int i = 0;
         i < STEPS_MAX && treatment_choose(treatments, history, call_result, &facts, &next); i++) {
        plan = next;
        check_history(plan.history);
        FUZZ_CHECK(plan.history[0] && plan.repetition >= 1);
        FUZZ_CHECK(plan.treatment.call_result == call_result);
        FUZZ_CHECK(plan.treatment.cycles == 0 || plan.repetition <= plan.treatment.cycles ||
                   plan.is_last);
        FUZZ_CHECK(plan.due_utc_ms >= facts.now_utc_ms || plan.treatment.date_s);
        history = text_of(plan.history);
    }
}

static void on_unknown(void *self, struct text token)
{
    (*(uint32_t *)self)++;
    FUZZ_CHECK(token.len > 0);
}

static void check_retry(struct text option)
{
    uint32_t unknown = 0;
    uint64_t delay_ms = 0;
    struct retry_policy policy = retry_policy_parse(option, on_unknown, &unknown);
    FUZZ_CHECK(unknown <= option.len && policy.messages <= MESSAGE_ALL);
    FUZZ_CHECK(policy.failures <= FAILURE_ALL && !policy.messages == !policy.failures);
    for (uint32_t sends = 1; sends <= 6; sends++) {
        enum send_verdict verdict =
            retry_verdict(&policy, MESSAGE_HISTORY, 4, SEND_ANSWERED, 503, sends, &delay_ms);
        FUZZ_CHECK(verdict == VERDICT_RETRY || verdict == VERDICT_FAILED);
        if (verdict == VERDICT_RETRY)
            FUZZ_CHECK(sends <= 4 && delay_ms >= 1000 && delay_ms <= 30000);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct text in = fuzz_text(data, size), history;
    struct treatment list[TREATMENTS_MAX];
    if (!fuzz_line(&in, &history)) return 0;
    check_retry(history);
    struct treatments treatments = { list, read_treatments(in, list) };
    for (unsigned bits = 0; bits < 32; bits++) {
        struct treatment_facts facts = { .now_utc_ms = NOW,
                                         .is_again = bits & 1,
                                         .is_alone = bits & 2,
                                         .is_personal = bits & 4,
                                         .has_next = bits & 8,
                                         .has_first = bits & 16 };
        check_steps(&treatments, history, 6, facts);
        if (treatments.count) check_steps(&treatments, history, list[0].call_result, facts);
    }
    return 0;
}
