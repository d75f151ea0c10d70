/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "servers/control/alarm_detect.h"

TEST(so_many_samples_in_a_row_have_to_agree)
{
    struct detection_streak streak = { 0 };
    CHECK(detection_judge(&streak, ANSWER_YES, 3) == ANSWER_UNKNOWN);
    CHECK(detection_judge(&streak, ANSWER_YES, 3) == ANSWER_UNKNOWN);
    CHECK(detection_judge(&streak, ANSWER_NO, 3) == ANSWER_UNKNOWN);
    for (int i = 0; i < 2; i++) CHECK(detection_judge(&streak, ANSWER_YES, 3) == ANSWER_UNKNOWN);
    CHECK(detection_judge(&streak, ANSWER_YES, 3) == ANSWER_YES);
    CHECK(detection_judge(&streak, ANSWER_YES, 3) == ANSWER_YES);
    CHECK(detection_judge(&streak, ANSWER_NO, 1) == ANSWER_NO);
}

TEST(the_selection_says_whose_event_counts)
{
    struct object_alarm_condition any = { .selection = TEXT("any") },
                                  type = { .selection = TEXT("type"),
                                           .app_type = TEXT("CMServer") },
                                  application = { .selection = TEXT("application"),
                                                  .application = TEXT("ocs") };
    CHECK(alarm_selects(&any, TEXT("x"), TEXT("y")));
    CHECK(alarm_selects(&type, TEXT("x"), TEXT("CMServer")) &&
          !alarm_selects(&type, TEXT("x"), TEXT("WebAPIServer")));
    CHECK(alarm_selects(&application, TEXT("ocs"), TEXT("")) &&
          !alarm_selects(&application, TEXT("other"), TEXT("")));
}
