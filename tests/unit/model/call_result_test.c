/* SPDX-License-Identifier: Apache-2.0 */
#include "model/call_result.h"

#include "tests/unit/test.h"

static uint32_t number_of(const struct named_numbers *table, const char *name)
{
    uint32_t number = 0;
    CHECK_OK(named_number_find(table, text_of(name), &number));
    return number;
}

TEST(results_have_the_numbers_of_the_guide) /* spec outbound 2.4 */
{
    CHECK_U32(number_of(&CALL_RESULTS, "Answer"), 33);
    CHECK_U32(number_of(&CALL_RESULTS, "Busy"), 6);
    CHECK_U32(number_of(&CALL_RESULTS, "Unknown Call Result"), 28);
    CHECK_U32(number_of(&CALL_RESULTS, "Stale"), 46);
    CHECK_U32(number_of(&CALL_RESULTS, "Wrong Number"), 53);
    CHECK_TEXT(text_of(named_number_name(&CALL_RESULTS, 7)), "No Answer");
}

TEST(every_table_but_the_methods_counts_from_zero_without_a_gap)
{
    const struct named_numbers *tables[] = { &CALL_RESULTS, &RECORD_TYPES, &RECORD_STATUSES,
                                             &CONTACT_INFO_TYPES, &DIAL_MODES };
    const uint32_t counts[] = { 54, 8, 10, 12, 12 };
    for (size_t t = 0; t < 5; t++) {
        CHECK_U32(tables[t]->count, counts[t]);
        for (uint32_t i = 0; i < tables[t]->count; i++) CHECK_U32(tables[t]->at[i].number, i);
    }
    CHECK_U32(OPTIMIZATION_METHODS.count, 5);
    CHECK_U32(OPTIMIZATION_METHODS.at[0].number, 1);
}

TEST(types_statuses_and_modes_are_found_by_either)
{
    CHECK_U32(number_of(&RECORD_TYPES, "General"), 2);
    CHECK_U32(number_of(&RECORD_STATUSES, "Chain Ready"), 9);
    CHECK_U32(number_of(&CONTACT_INFO_TYPES, "Mobile"), 4);
    CHECK_U32(number_of(&DIAL_MODES, "Preview"), 3);
    CHECK_TEXT(text_of(named_number_name(&DIAL_MODES, 8)), "Push Preview");
}

TEST(a_name_may_be_written_without_blanks_and_in_any_case)
{
    CHECK_U32(number_of(&CALL_RESULTS, "no_answer"), 7);
    CHECK_U32(number_of(&CALL_RESULTS, "DoNotCall"), 51);
    CHECK_U32(number_of(&CONTACT_INFO_TYPES, "home phone"), 1);
}

TEST(a_number_names_itself_known_or_not)
{
    CHECK_U32(number_of(&CALL_RESULTS, "33"), 33);
    CHECK_U32(number_of(&CALL_RESULTS, "100"), 100);
    CHECK(named_number_name(&CALL_RESULTS, 54) == NULL);
}

TEST(what_is_neither_is_not_found)
{
    uint32_t number = 77;
    const char *names[] = { "", "Maybe", "-1", "33x", "4294967296", "No" };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        CHECK(named_number_find(&CALL_RESULTS, text_of(names[i]), &number) == ERR_NOT_FOUND);
    CHECK_U32(number, 77);
}
