/* SPDX-License-Identifier: Apache-2.0 */
#include "servers/control/alarm_detect.h"

bool alarm_selects(const struct object_alarm_condition *condition, struct text application,
                   struct text type)
{
    if (text_eq(condition->selection, TEXT("type"))) return text_eq(condition->app_type, type);
    if (text_eq(condition->selection, TEXT("application")))
        return text_eq(condition->application, application);
    return true;
}

enum answer detection_judge(struct detection_streak *streak, enum answer answer, uint32_t times)
{
    if (answer != streak->last) *streak = (struct detection_streak){ .last = answer };
    if (streak->count < times) streak->count++;
    return streak->count >= times ? answer : ANSWER_UNKNOWN;
}
