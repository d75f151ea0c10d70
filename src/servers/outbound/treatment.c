/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/treatment.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum {
    CALL_RESULT_UNKNOWN = 28,
    CALL_RESULT_CALLBACK_ERROR = 47,
    ITEMS_MAX = 32,
    MINUTE_MS = 60000,
    DELAY_MIN_MAX = 10 * 366 * 24 * 60
};

#define DATE_S_MAX INT32_MAX /* dial_sched_time is an integer of a database (2.1) */

static const struct action {
    const char *name;
    char letter;      /* in the history */
    bool has_cycles;  /* needs a cycle attempt */
    bool has_date;    /* acts at its date, else after its interval */
    bool moves_on;    /* to another record of the chain */
    bool is_for_late; /* valid for a call-back that nobody took (47) */
} actions[TREATMENT_ACTIONS] = {
    [TREATMENT_REDIAL] = { "Redial", 'R', .has_cycles = true, .is_for_late = true },
    [TREATMENT_NEXT] = { "NextInChain", 'N', .has_cycles = true, .moves_on = true },
    [TREATMENT_NEXT_AFTER] = { "NextInChainAfter", 'A', .has_cycles = true, .moves_on = true },
    [TREATMENT_NEXT_AT_DATE] = { "NextInChainAtSpecifiedDate", 'D', .has_cycles = true,
                                 .has_date = true, .moves_on = true },
    [TREATMENT_RETRY_IN] = { "RetryIn", 'I', .is_for_late = true },
    [TREATMENT_RETRY_AT_DATE] = { "RetryAtSpecifiedDate", 'S', .has_date = true,
                                  .is_for_late = true },
    [TREATMENT_ASSIGN_TO_GROUP] = { "AssignToGroup", 'G', .is_for_late = true },
    [TREATMENT_AGENT_ERROR] = { "MarkAsAgentError", 'E', .is_for_late = true },
};

bool treatment_action_find(struct text name, enum treatment_action *out)
{
    for (int i = 0; i < TREATMENT_ACTIONS; i++)
        if (text_eq(text_of(actions[i].name), name)) {
            *out = (enum treatment_action)i;
            return true;
        }
    return false;
}

const char *treatment_action_name(enum treatment_action action)
{
    return actions[action].name;
}

const char *treatment_flaw(const struct treatment *treatment, bool has_call_action,
                           bool has_destination)
{
    const struct action *action = &actions[treatment->action];
    if (has_call_action && !has_destination) return "callActionCode needs a destDN";
    if (treatment->call_result == CALL_RESULT_UNKNOWN)
        return "callResult must not be Unknown Call Result (28)";
    if (action->has_cycles && treatment->cycles == 0) return "recActionCode needs attempts above 0";
    if (action->has_date && treatment->date_s == 0) return "recActionCode needs a dateTime";
    if (treatment->date_s > DATE_S_MAX) return "dateTime is beyond 01/19/2038";
    if (treatment->call_result == CALL_RESULT_CALLBACK_ERROR && !action->is_for_late)
        return "recActionCode is not valid for Agent CallBack Error (47)";
    return NULL;
}

/* Before repetition j, 1 the first. */
static uint64_t delay_ms(const struct treatment *treatment, uint32_t repetition)
{
    uint64_t minutes = (uint64_t)treatment->interval_min +
                       (uint64_t)(repetition - 1) * treatment->increment_min;
    return (minutes < DELAY_MIN_MAX ? minutes : DELAY_MIN_MAX) * MINUTE_MS;
}

/* --- history --- */

struct item {
    struct treatment treatment; /* cycles 0: finished, only call result and sequence count */
    uint32_t done;
};

static bool number(struct text in, uint32_t *out)
{
    return text_to_u32(in, 0, UINT32_MAX, out) == ERR_OK;
}

/* "3R30+5" or "1S0+0@1780334100" */
static bool parse_rule(struct text in, struct treatment *out)
{
    size_t at = 0;
    while (at < in.len && in.at[at] >= '0' && in.at[at] <= '9') at++;
    if (at == in.len || !number(text_slice(in, 0, at), &out->cycles) || out->cycles == 0)
        return false;
    int action = 0;
    while (action < TREATMENT_ACTIONS && actions[action].letter != in.at[at]) action++;
    if (action == TREATMENT_ACTIONS) return false;
    out->action = (enum treatment_action)action;
    struct text rest = text_slice(in, at + 1, in.len), delay = rest, date;
    if (text_cut(rest, '@', &delay, &date) && text_to_u64(date, 0, DATE_S_MAX, &out->date_s))
        return false;
    struct text interval, increment;
    return text_cut(delay, '+', &interval, &increment) && number(interval, &out->interval_min) &&
           number(increment, &out->increment_min);
}

static bool parse_item(struct text in, struct item *out)
{
    struct text result, rest, sequence, done, rule;
    *out = (struct item){ 0 };
    if (!text_cut(in, ':', &result, &rest) || !text_cut(rest, ':', &sequence, &done)) return false;
    if (text_cut(done, '/', &done, &rule) && !parse_rule(rule, &out->treatment)) return false;
    return number(result, &out->treatment.call_result) &&
           number(sequence, &out->treatment.sequence) && number(done, &out->done);
}

static uint32_t parse_history(struct text history, struct item items[ITEMS_MAX])
{
    struct text one;
    uint32_t count = 0;
    while (count < ITEMS_MAX && text_next_item(&history, ' ', &one))
        if (parse_item(one, &items[count])) count++;
    return count;
}

/* Without a rule once nothing is left to repeat. */
static size_t format_item(const struct item *item, char *out, size_t size)
{
    const struct treatment *rule = &item->treatment;
    int len = snprintf(out, size, "%u:%u:%u", rule->call_result, rule->sequence, item->done);
    if (rule->cycles > item->done)
        len += snprintf(out + len, size - (size_t)len, "/%u%c%u+%u", rule->cycles,
                        actions[rule->action].letter, rule->interval_min, rule->increment_min);
    if (rule->cycles > item->done && rule->date_s)
        len += snprintf(out + len, size - (size_t)len, "@%" PRIu64, rule->date_s);
    return (size_t)len;
}

/* Newest items have to stay: written from the back. */
static void format_history(const struct item *items, uint32_t count,
                           char out[TREATMENT_HISTORY_MAX + 1])
{
    size_t at = TREATMENT_HISTORY_MAX;
    for (uint32_t i = count; i-- > 0;) {
        char one[128];
        size_t len = format_item(&items[i], one, sizeof one);
        if (len + (i + 1 < count) > at) break;
        if (i + 1 < count) out[--at] = ' ';
        at -= len;
        memcpy(out + at, one, len);
    }
    memmove(out, out + at, TREATMENT_HISTORY_MAX - at);
    out[TREATMENT_HISTORY_MAX - at] = '\0';
}

/* --- choosing --- */

static bool may_move_on(const struct treatment_facts *facts, struct treatment_plan *plan)
{
    if (facts->has_next) {
        plan->target = TARGET_NEXT;
        return true;
    }
    plan->target = facts->is_alone ? TARGET_SAME : TARGET_FIRST;
    if (facts->is_alone) return facts->is_again;
    /* The end of the chain: each repetition is one pass through it, and this was one. */
    return facts->has_first && !plan->is_last;
}

/* Whether the treatment can act now; fills target and due. */
static bool can_act(const struct treatment_facts *facts, struct treatment_plan *plan)
{
    const struct treatment *treatment = &plan->treatment;
    const struct action *action = &actions[treatment->action];
    plan->target = TARGET_SAME;
    plan->due_utc_ms = action->has_date ? treatment->date_s * 1000
                                        : facts->now_utc_ms + delay_ms(treatment, plan->repetition);
    if (action->has_date && plan->due_utc_ms <= facts->now_utc_ms) return false;
    if (treatment->call_result == CALL_RESULT_CALLBACK_ERROR && !action->is_for_late) return false;
    if (action->moves_on) return may_move_on(facts, plan);
    switch (treatment->action) {
    case TREATMENT_ASSIGN_TO_GROUP: return facts->is_personal;
    case TREATMENT_AGENT_ERROR: return true;
    default: return facts->is_again;
    }
}

static bool try_treatment(const struct treatment *treatment, uint32_t repetition,
                          const struct treatment_facts *facts, struct treatment_plan *plan)
{
    *plan = (struct treatment_plan){ .treatment = *treatment, .repetition = repetition };
    if (plan->treatment.cycles == 0) plan->treatment.cycles = 1;
    plan->is_last = repetition >= plan->treatment.cycles;
    return can_act(facts, plan);
}

/* The next of the sequence behind `sequence`; of two with one number the first. */
static const struct treatment *next_of(const struct treatments *treatments, uint32_t call_result,
                                       uint32_t sequence)
{
    const struct treatment *best = NULL;
    for (uint32_t i = 0; i < treatments->count; i++) {
        const struct treatment *one = &treatments->at[i];
        if (one->call_result == call_result && one->sequence > sequence &&
            (best == NULL || one->sequence < best->sequence))
            best = one;
    }
    return best;
}

static void remember(struct item *items, uint32_t count, uint32_t former,
                     struct treatment_plan *plan)
{
    if (former < count) {
        memmove(items + former, items + former + 1, (count - former - 1) * sizeof *items);
        count--;
    } else if (count == ITEMS_MAX) {
        memmove(items, items + 1, (ITEMS_MAX - 1) * sizeof *items);
        count--;
    }
    items[count++] = (struct item){ plan->treatment, plan->repetition };
    format_history(items, count, plan->history);
}

bool treatment_choose(const struct treatments *treatments, struct text history,
                      uint32_t call_result, const struct treatment_facts *facts,
                      struct treatment_plan *out)
{
    struct item items[ITEMS_MAX];
    uint32_t count = parse_history(history, items), former = 0, sequence = 0;
    while (former < count && items[former].treatment.call_result != call_result) former++;
    if (former < count) {
        const struct item *item = &items[former];
        sequence = item->treatment.sequence;
        if (item->treatment.cycles > item->done &&
            try_treatment(&item->treatment, item->done + 1, facts, out)) {
            remember(items, count, former, out);
            return true;
        }
    }
    for (const struct treatment *next;
         (next = next_of(treatments, call_result, sequence)) != NULL;) {
        if (try_treatment(next, 1, facts, out)) {
            remember(items, count, former, out);
            return true;
        }
        sequence = next->sequence;
    }
    return false;
}
