/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "model/detection.h"

static enum answer ask_of(const char *expression, enum detection_of of, const struct sample *sample)
{
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    const struct expression *parsed;
    struct fault fault = { 0 };
    CHECK_OK(expression_parse(text_of(expression), of, scope, &parsed, &fault));
    enum answer answer = expression_answer(parsed, sample);
    scope_close(scope);
    return answer;
}

static enum answer ask(const char *expression, const struct sample *sample)
{
    return ask_of(expression, DETECTION_OF_HOST, sample);
}

static const char *refusal(const char *expression)
{
    static struct fault fault;
    struct scope *scope = scope_new(NULL, "test", SCOPE_NO_LIMIT);
    const struct expression *parsed;
    fault = (struct fault){ 0 };
    CHECK(expression_parse(text_of(expression), DETECTION_OF_HOST, scope, &parsed, &fault) ==
          ERR_INVALID);
    scope_close(scope);
    return fault.words;
}

static struct sample busy(void)
{
    struct sample sample = { 0 };
    sample_set(&sample, FIGURE_CPU, 0.95);
    sample_set(&sample, FIGURE_MEMORY, 8.0 * 1024 * 1024 * 1024);
    sample_set(&sample, FIGURE_MEMORY_FREE, 100.0 * 1024 * 1024);
    sample_set(&sample, FIGURE_LOAD, 3);
    sample_set(&sample, FIGURE_PROCESSORS, 2);
    return sample;
}

TEST(thresholds_with_units_are_judged)
{
    struct sample sample = busy();
    CHECK(ask("cpu > 90%", &sample) == ANSWER_YES);
    CHECK(ask("cpu > 96 %", &sample) == ANSWER_NO);
    CHECK(ask("memoryFree < 200 MB and load / processors >= 1.5", &sample) == ANSWER_YES);
    CHECK(ask("memoryfree < 5% * memory", &sample) == ANSWER_YES);
    CHECK(ask("not (cpu > 90%) or load = 3", &sample) == ANSWER_YES);
    CHECK(ask("not cpu > 90%", &sample) == ANSWER_NO);
    CHECK(ask("load - 1 - 1 = 1", &sample) == ANSWER_YES); /* from the left */
    CHECK(ask("1 + 2 * 3 = 7", &sample) == ANSWER_YES);
    CHECK(ask("-load < -2 and load <> 2", &sample) == ANSWER_YES);
    CHECK(ask("1 or 1 and 0", &sample) == ANSWER_YES);
}

TEST(a_figure_that_is_missing_is_neither_yes_nor_no)
{
    struct sample sample = busy();
    CHECK(ask("diskFree < 1 GB", &sample) == ANSWER_UNKNOWN);
    CHECK(ask("not diskFree < 1 GB", &sample) == ANSWER_UNKNOWN);
    CHECK(ask("diskFree < 1 GB or cpu > 0", &sample) == ANSWER_YES);
    CHECK(ask("diskFree < 1 GB and cpu < 0", &sample) == ANSWER_NO);
    CHECK(ask("load / (load - 3) > 1", &sample) == ANSWER_UNKNOWN);
}

TEST(applications_have_other_figures_than_hosts)
{
    struct sample sample = { 0 };
    sample_set(&sample, FIGURE_THREADS, 12);
    CHECK(ask_of("threads > 10", DETECTION_OF_APPLICATION, &sample) == ANSWER_YES);
    CHECK_TEXT(text_of(refusal("threads > 10")),
               "column 1: hosts have cpu, load, processors, memory, memoryFree, disk, diskFree, "
               "clockOffset");
}

TEST(what_is_no_expression_is_refused_with_the_column)
{
    CHECK_TEXT(text_of(refusal("")), "column 1: it ends too early");
    CHECK_TEXT(text_of(refusal("cpu >")), "column 6: it ends too early");
    CHECK_TEXT(text_of(refusal("(cpu > 1")), "column 9: ) is missing");
    CHECK_TEXT(text_of(refusal("cpu 1")), "column 5: an operator is missing");
    CHECK_TEXT(text_of(refusal("1.2.3")), "column 1: this is no number");
    CHECK_TEXT(text_of(refusal("cpu > 1 > 2")), "column 9: an operator is missing");
    CHECK_TEXT(text_of(refusal("cpu > $")), "column 7: a number, a figure or ( is missing");
    char deep[64];
    for (int i = 0; i < 63; i++) deep[i] = '(';
    deep[63] = '\0';
    CHECK_TEXT(text_of(refusal(deep)), "column 18: nested too deeply");
    char lengthy[1024];
    for (int i = 0; i < 1022; i += 2) lengthy[i] = '1', lengthy[i + 1] = '+';
    lengthy[1021] = '\0';
    CHECK(refusal(lengthy) != NULL);
    struct text with_nul = { "1\0", 2 };
    const struct expression *parsed;
    struct fault fault;
    CHECK(expression_parse(with_nul, DETECTION_OF_HOST, NULL, &parsed, &fault) == ERR_INVALID);
}
