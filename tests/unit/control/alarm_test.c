/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/test.h"

#include "servers/control/alarm.h"

TEST(F19_two_detections_are_one_alarm_of_count_two_which_the_cancel_event_clears)
{
    struct alarm_life alarm = { 0 };
    CHECK_U32(alarm_step(&alarm, ALARM_DETECTED, 1000, 172800), ALARM_CREATED);
    CHECK_U32(alarm_step(&alarm, ALARM_DETECTED, 5000, 172800), ALARM_COUNTED);
    CHECK_I64(alarm.detections, 2);
    CHECK_I64(alarm.raised_utc_ms, 1000);
    CHECK_I64(alarm.last_utc_ms, 5000);
    CHECK_U32(alarm_step(&alarm, ALARM_CANCELLED, 6000, 172800), ALARM_DELETED);
    CHECK_U32(alarm.state, ALARM_CLEARED);
    CHECK_I64(alarm.cleared_utc_ms, 6000);
}

TEST(a_detection_starts_the_cancel_timeout_again)
{
    struct alarm_life alarm = { 0 };
    (void)alarm_step(&alarm, ALARM_DETECTED, 1000, 10);
    CHECK_I64(alarm.due_utc_ms, 11000);
    (void)alarm_step(&alarm, ALARM_DETECTED, 8000, 10);
    CHECK_U32(alarm_step(&alarm, ALARM_TIME_UP, 17999, 10), ALARM_UNMOVED);
    CHECK_U32(alarm_step(&alarm, ALARM_TIME_UP, 18000, 10), ALARM_DELETED);
}

TEST(a_detection_that_comes_late_does_not_move_the_last_time_back)
{
    struct alarm_life alarm = { 0 };
    (void)alarm_step(&alarm, ALARM_DETECTED, 8000, 10);
    (void)alarm_step(&alarm, ALARM_DETECTED, 3000, 10);
    CHECK_I64(alarm.last_utc_ms, 8000);
    CHECK_I64(alarm.due_utc_ms, 18000);
}

TEST(without_a_timeout_time_alone_never_clears_it)
{
    struct alarm_life alarm = { 0 };
    (void)alarm_step(&alarm, ALARM_DETECTED, 1000, 0);
    CHECK_U32(alarm_step(&alarm, ALARM_TIME_UP, UINT64_MAX, 0), ALARM_UNMOVED);
    CHECK_U32(alarm_step(&alarm, ALARM_CLEARED_BY_HAND, 2000, 0), ALARM_DELETED);
}

TEST(what_is_not_active_cannot_be_cleared_and_what_was_cleared_begins_anew)
{
    struct alarm_life alarm = { 0 };
    CHECK_U32(alarm_step(&alarm, ALARM_CANCELLED, 1, 0), ALARM_UNMOVED);
    CHECK_U32(alarm_step(&alarm, ALARM_CLEARED_BY_HAND, 1, 0), ALARM_UNMOVED);
    (void)alarm_step(&alarm, ALARM_DETECTED, 1000, 0);
    (void)alarm_step(&alarm, ALARM_DETECTED, 1500, 0);
    (void)alarm_step(&alarm, ALARM_CANCELLED, 2000, 0);
    CHECK_U32(alarm_step(&alarm, ALARM_CANCELLED, 2500, 0), ALARM_UNMOVED);
    CHECK_I64(alarm.cleared_utc_ms, 2000);
    CHECK_U32(alarm_step(&alarm, ALARM_DETECTED, 3000, 0), ALARM_CREATED);
    CHECK_I64(alarm.detections, 1);
    CHECK_I64(alarm.raised_utc_ms, 3000);
}
