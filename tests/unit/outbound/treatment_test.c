/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/outbound/treatment.h"
#include "tests/unit/test.h"

enum { BUSY = 6, NO_ANSWER = 7, AGENT_CALLBACK_ERROR = 47, MINUTE_MS = 60000 };
#define NOW UINT64_C(1780334100000)

static const struct treatment_facts alone = { .now_utc_ms = NOW,
                                              .is_again = true,
                                              .is_alone = true };
static const struct treatment busy_redial = { .call_result = BUSY,
                                              .sequence = 1,
                                              .action = TREATMENT_REDIAL,
                                              .cycles = 3,
                                              .interval_min = 30,
                                              .increment_min = 5 };
static const struct treatment busy_next = {
    .call_result = BUSY, .sequence = 2, .action = TREATMENT_NEXT, .cycles = 1
};

static struct treatment_plan plan;

static bool choose(const struct treatment *at, uint32_t count, uint32_t result,
                   struct treatment_facts facts)
{
    struct treatments all = { at, count };
    char history[TREATMENT_HISTORY_MAX + 1];
    (void)text_to_z(text_of(plan.history), history, sizeof history);
    struct treatment_plan out;
    if (!treatment_choose(&all, text_of(history), result, &facts, &out)) return false;
    plan = out;
    return true;
}

TEST(scenario_21_a_busy_line_is_redialled_after_30_35_and_40_minutes)
{
    plan = (struct treatment_plan){ 0 };
    for (uint64_t minutes = 30; minutes <= 40; minutes += 5) {
        CHECK(choose(&busy_redial, 1, BUSY, alone));
        CHECK_I64(plan.treatment.action, TREATMENT_REDIAL);
        CHECK_I64(plan.target, TARGET_SAME);
        CHECK_I64(plan.due_utc_ms, NOW + minutes * MINUTE_MS);
    }
    CHECK_TEXT(text_of(plan.history), "6:1:3");
    CHECK(!choose(&busy_redial, 1, BUSY, alone)); /* status 3, result 6 */
}

TEST(after_three_redials_the_next_in_chain_follows_and_has_the_same_rule)
{
    struct treatment both[] = { busy_next, busy_redial }; /* numbers rule, not the order */
    struct treatment_facts facts = alone;
    facts.is_alone = false;
    facts.has_next = true;
    plan = (struct treatment_plan){ 0 };
    for (int i = 0; i < 3; i++) CHECK(choose(both, 2, BUSY, facts));
    CHECK_TEXT(text_of(plan.history), "6:1:3");
    CHECK(choose(both, 2, BUSY, facts));
    CHECK_I64(plan.treatment.action, TREATMENT_NEXT);
    CHECK_I64(plan.target, TARGET_NEXT);
    CHECK_I64(plan.due_utc_ms, NOW);
    CHECK_TEXT(text_of(plan.history), "6:2:1");
    plan = (struct treatment_plan){ 0 }; /* the next record's own cell */
    CHECK(choose(both, 2, BUSY, facts));
    CHECK_I64(plan.due_utc_ms, NOW + 30 * MINUTE_MS);
}

TEST(an_edited_treatment_meets_the_next_record_not_the_one_in_progress)
{
    plan = (struct treatment_plan){ 0 };
    CHECK(choose(&busy_redial, 1, BUSY, alone));
    CHECK_TEXT(text_of(plan.history), "6:1:1/3R30+5");
    struct treatment edited = busy_redial;
    edited.cycles = 1;
    edited.interval_min = 1;
    CHECK(choose(&edited, 1, BUSY, alone));
    CHECK_I64(plan.due_utc_ms, NOW + 35 * MINUTE_MS);
    CHECK(choose(NULL, 0, BUSY, alone)); /* even when it is deleted */
    CHECK(!choose(NULL, 0, BUSY, alone));
    plan = (struct treatment_plan){ 0 };
    CHECK(choose(&edited, 1, BUSY, alone));
    CHECK_I64(plan.due_utc_ms, NOW + MINUTE_MS);
    CHECK(plan.is_last);
}

TEST(each_call_result_has_a_sequence_of_its_own)
{
    struct treatment both[] = { busy_redial,
                                { .call_result = NO_ANSWER,
                                  .action = TREATMENT_RETRY_IN,
                                  .interval_min = 120,
                                  .sequence = 1 } };
    plan = (struct treatment_plan){ 0 };
    CHECK(choose(both, 2, BUSY, alone));
    CHECK(choose(both, 2, NO_ANSWER, alone)); /* scenario 22: in two hours */
    CHECK_I64(plan.due_utc_ms, NOW + 7200 * 1000);
    CHECK_TEXT(text_of(plan.history), "6:1:1/3R30+5 7:1:1");
    CHECK(choose(both, 2, BUSY, alone));
    CHECK_TEXT(text_of(plan.history), "7:1:1 6:1:2/3R30+5");
    CHECK(!choose(both, 2, NO_ANSWER, alone));
    CHECK(!choose(both, 2, 33, alone));
}

TEST(next_in_chain_of_a_lonely_record_acts_on_that_record)
{
    plan = (struct treatment_plan){ 0 };
    CHECK(choose(&busy_next, 1, BUSY, alone));
    CHECK_I64(plan.target, TARGET_SAME);
    CHECK(!choose(&busy_next, 1, BUSY, alone));
}

TEST(at_the_end_of_the_chain_next_in_chain_begins_anew_as_long_as_it_has_cycles)
{
    struct treatment next = busy_next;
    next.cycles = 2;
    struct treatment_facts last = { .now_utc_ms = NOW, .is_again = true, .has_first = true };
    plan = (struct treatment_plan){ 0 };
    CHECK(choose(&next, 1, BUSY, last));
    CHECK_I64(plan.target, TARGET_FIRST);
    CHECK(!choose(&next, 1, BUSY, last));
}

TEST(what_cannot_act_leaves_its_turn_to_the_next_of_the_sequence)
{
    struct treatment all[] = {
        { .call_result = BUSY, .sequence = 1, .action = TREATMENT_NEXT_AFTER, .cycles = 2 },
        { .call_result = BUSY, .sequence = 2, .action = TREATMENT_RETRY_AT_DATE, .date_s = 5 },
        { .call_result = BUSY, .sequence = 3, .action = TREATMENT_ASSIGN_TO_GROUP },
        { .call_result = BUSY, .sequence = 7, .action = TREATMENT_AGENT_ERROR },
    };
    struct treatment_facts facts = { .now_utc_ms = NOW, .is_again = true };
    plan = (struct treatment_plan){ 0 };
    CHECK(choose(all, 4, BUSY, facts));
    CHECK_I64(plan.treatment.action, TREATMENT_AGENT_ERROR);
    CHECK_TEXT(text_of(plan.history), "6:7:1");
}

TEST(a_date_is_kept_while_the_treatment_is_in_progress)
{
    struct treatment next = { .call_result = BUSY,
                              .sequence = 1,
                              .cycles = 2,
                              .action = TREATMENT_NEXT_AT_DATE,
                              .date_s = NOW / 1000 + 60 };
    struct treatment_facts facts = { .now_utc_ms = NOW, .has_next = true };
    plan = (struct treatment_plan){ 0 };
    CHECK(choose(&next, 1, BUSY, facts));
    CHECK_TEXT(text_of(plan.history), "6:1:1/2D0+0@1780334160");
    next.date_s += 1000;
    CHECK(choose(&next, 1, BUSY, facts));
    CHECK_I64(plan.due_utc_ms, NOW + MINUTE_MS);
}

TEST(only_some_are_valid_for_an_agent_callback_error)
{
    static const struct {
        enum treatment_action action;
        bool is_valid;
    } rows[] = { { TREATMENT_REDIAL, true },          { TREATMENT_NEXT, false },
                 { TREATMENT_NEXT_AFTER, false },     { TREATMENT_NEXT_AT_DATE, false },
                 { TREATMENT_RETRY_IN, true },        { TREATMENT_RETRY_AT_DATE, true },
                 { TREATMENT_ASSIGN_TO_GROUP, true }, { TREATMENT_AGENT_ERROR, true } };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct treatment one = { .call_result = AGENT_CALLBACK_ERROR,
                                 .sequence = 1,
                                 .cycles = 1,
                                 .action = rows[i].action,
                                 .date_s = NOW / 1000 + 1 };
        struct treatment_facts facts = { NOW, true, false, true, true, true };
        plan = (struct treatment_plan){ 0 };
        CHECK(choose(&one, 1, AGENT_CALLBACK_ERROR, facts) == rows[i].is_valid);
        CHECK((treatment_flaw(&one, false, false) == NULL) == rows[i].is_valid);
    }
}

TEST(flaws_are_named)
{
    struct treatment one = busy_redial;
    CHECK(treatment_flaw(&one, false, false) == NULL);
    CHECK(treatment_flaw(&one, true, false) != NULL);
    CHECK(treatment_flaw(&one, true, true) == NULL);
    one.cycles = 0;
    CHECK(treatment_flaw(&one, false, false) != NULL);
    one = (struct treatment){ .call_result = 28, .action = TREATMENT_RETRY_IN };
    CHECK(treatment_flaw(&one, false, false) != NULL);
    one = (struct treatment){ .call_result = BUSY, .action = TREATMENT_RETRY_AT_DATE };
    CHECK(treatment_flaw(&one, false, false) != NULL);
    one.date_s = INT32_MAX;
    CHECK(treatment_flaw(&one, false, false) == NULL);
    one.date_s++;
    CHECK(treatment_flaw(&one, false, false) != NULL);
}

TEST(foreign_words_in_the_cell_are_skipped)
{
    static const char *const cells[] = {
        "",
        "x",
        "::",
        "6",
        "6:1",
        "6:1:",
        "6:1:/",
        "6:1:1/",
        "6:1:1/3",
        "6:1:1/0R1+1",
        "6:1:1/3R",
        "6:1:1/3R30",
        "6:1:1/3Q30+5",
        "6:1:1/3R30+5@",
        "6:1:1/3R30+5@99999999999999999999",
        "-1:1:1",
        "99999999999:1:1",
        "6:1:1/3R99999999999+0",
        "6 : 1 : 1",
        "\xff\xfe\n\t,;%n%s",
    };
    struct treatments all = { &busy_redial, 1 };
    for (size_t i = 0; i < sizeof cells / sizeof cells[0]; i++) {
        CHECK(treatment_choose(&all, text_of(cells[i]), BUSY, &alone, &plan));
        CHECK_I64(plan.repetition, 1);
        CHECK_TEXT(text_of(plan.history), "6:1:1/3R30+5");
    }
    CHECK(treatment_choose(&all,
                           TEXT("4294967295:4294967295:4294967295/4294967295R1+4294967295 x "
                                "6:1:1/3R30+5"),
                           BUSY, &alone, &plan));
    CHECK_I64(plan.repetition, 2);
    CHECK(treatment_choose(&all, TEXT("6:1:4294967294/4294967295R4294967295+4294967295"), BUSY,
                           &alone, &plan)); /* no number is too big to be reckoned with */
    CHECK(plan.due_utc_ms < NOW + UINT64_C(20) * 366 * 24 * 3600 * 1000);
}

TEST(the_history_never_outgrows_its_column)
{
    struct treatment one = busy_redial;
    one.cycles = one.interval_min = one.increment_min = 4000000;
    plan = (struct treatment_plan){ 0 };
    for (uint32_t result = 100; result < 200; result++) {
        one.call_result = result;
        CHECK(choose(&one, 1, result, alone));
        CHECK(text_of(plan.history).len <= TREATMENT_HISTORY_MAX);
    }
    CHECK(text_ends(text_of(plan.history), TEXT("199:1:1/4000000R4000000+4000000")));
    CHECK(text_starts(text_of(plan.history), TEXT("19"))); /* whole items only */
    CHECK(choose(&one, 1, 199, alone));
    CHECK_I64(plan.repetition, 2);
}
